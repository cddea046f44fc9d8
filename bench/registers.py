"""Made-up registers of centres, for desks that are tested and measured: without one nothing is taken."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from infra.ledger.register import CATALOGUE, ApprovalRow, CentreRow, RegisterBook
from infra.ledger.sql import open_engine
from rules import terms

SINCE = datetime(2020, 9, 1, tzinfo=UTC)
WHO, WHY = "the desk", "made up"
GCSE_YEARS = " ".join(str(year) for year in range(2015, 2065))
"""Of centres that are approved for everything, whenever a test plays."""
ONLY_ENTERPRISE = "77777"
"""A centre without GCSEs, approved for Enterprise from 15 January 2024 on, and for nothing else."""
OF_TESTS = ("12345", "13579", "31415", "40807", "58201", "64123", "64124", "64125", "68199", "70001", "98765", "99999")


def register(url: str, centres: Iterable[str]) -> None:
    """Puts centres that are approved for everything into the register of a ledger, and the one that is not."""
    engine = open_engine(url)
    book = RegisterBook(engine)
    book.add([centre(number) for number in sorted({*centres, ONLY_ENTERPRISE})])
    if not book.decisions([ONLY_ENTERPRISE]):
        book.decide(
            ApprovalRow(
                centre=ONLY_ENTERPRISE, qualification="BEN22", decision=terms.GRANTED, route=terms.FULL,
                since=date(2024, 1, 15), at=SINCE, source=CATALOGUE, who=WHO, why=WHY,
            )
        )  # fmt: skip
    engine.dispose()


def centre(number: str) -> CentreRow:
    """A centre that is approved for everything."""
    return CentreRow(
        number=number, name=f"School {number}", postcode="CF24 3QX", contact=f"exams@{number}.example",
        gcse_years="" if number == ONLY_ENTERPRISE else GCSE_YEARS, active_from=SINCE.date(), active_to=None, at=SINCE,
        source=CATALOGUE, who=WHO, why=WHY,
    )  # fmt: skip


def register_for_tests(url: str) -> None:
    """Puts the centres that tests speak of into the register."""
    few = (range(10000, 10020), range(20000, 20300), range(30000, 30003), range(70000, 70005))
    register(url, [*OF_TESTS, *(str(number) for numbers in few for number in numbers)])
