"""What a ledger holds already, for rules that look things up."""

from __future__ import annotations

from datetime import date
from typing import Any

import polars as pl
from attrs import evolve

from bench.registers import OF_TESTS, ONLY_ENTERPRISE, SINCE, centre
from pipeline.register import version_of
from rules import terms
from rules.centres import ApprovalDecision, Register
from rules.decisions import Decision, decide
from rules.frames import ENTRIES, REGISTRATIONS
from rules.known import Arrival, Known
from tests.catalogue import CATALOGUE
from tests.support import CENTRE, REGISTERED, arrival, registration_file


def nothing_held() -> Known:
    """An empty ledger that knows the centres of the tests."""
    of = [*OF_TESTS, ONLY_ENTERPRISE]
    granted = ApprovalDecision(
        centre=ONLY_ENTERPRISE, qualification="BEN22", decision=terms.GRANTED, route=terms.FULL,
        since=date(2024, 1, 15), at=SINCE,
    )  # fmt: skip
    register = Register({number: [version_of(centre(number))] for number in of}, {ONLY_ENTERPRISE: [granted]})
    return evolve(Known.nothing(), register=register)


def decided(arrived: Arrival, known: Known | None = None) -> Decision:
    [decision] = decide([arrived], CATALOGUE, known or nothing_held())
    return decision


def registered(**changed: Any) -> Known:
    """A ledger that holds the registrations of `registration_file`; `changed` replaces columns of all of them."""
    added = decided(arrival(registration_file(), REGISTERED)).added
    rows = added.select(
        pl.int_range(1, pl.len() + 1).alias("id"), pl.lit(CENTRE).alias("centre"), pl.lit("2023-09").alias("series"),
        "candidate", "uci", "uln", "upn", "name", "born", "sex", "option",
        pl.lit(REGISTERED).dt.convert_time_zone("UTC").alias("since"),
    ).with_columns(**{name: pl.lit(value) for name, value in changed.items()})  # fmt: skip
    return evolve(nothing_held(), registrations=rows.cast(pl.Schema(REGISTRATIONS.items())))


def entered(decision: Decision, known: Known) -> Known:
    """`known` and the entries a decision added."""
    rows = decision.added.select(
        pl.int_range(1, pl.len() + 1).alias("id"), pl.lit(CENTRE).alias("centre"), pl.lit("2024-06").alias("series"),
        "candidate", "uci", "option", "pence", "entry_pence",
    )  # fmt: skip
    return evolve(known, entries=rows.cast(pl.Schema(ENTRIES.items())))
