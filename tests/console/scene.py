"""What the console's tests look at: a few files of May/June 2025 in the ledger of the running desk.

Sixty centres are in the register of centres and have registered learners. 70000 and 70001 have entered; a name of 70000
is not the one registered. 70002 sent a second entry file, 70003 another file under a number it had used, 70004 a second
entry file too: they are held.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
from attrs import evolve, frozen

from bench.registers import register
from fixtures.generate import people
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, details, single
from pipeline.demo.rehearsal import land
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from tests.patience import until
from tests.support import ENTERPRISE, name_of

SERIES = "2025-06"
REGISTERED = datetime(2024, 9, 18, 12, tzinfo=UTC)
ENTERED = datetime(2025, 2, 10, 12, tzinfo=UTC)
CENTRES = [f"{70_000 + number}" for number in range(60)]
FIRST, SECOND, TWICE, REUSED, OTHER = CENTRES[:5]
WRONG_NAME = "MISPELT:PERSON"


@frozen
class Scene:
    """The numbers of the files, and everything in them that is about a person."""

    mismatch: int
    twice: int
    reused: int
    other: int
    personal: frozenset[str]


def furnish(settings: Settings, running: RunningDesk) -> Scene:
    """Puts the centres into the register, sends the files and lets the ingest decide them; done before, it changes
    nothing."""
    register(running.database_url, CENTRES)
    with open_desk(evolve(settings, database_url=running.database_url)) as desk:
        _send(desk)
        _take(desk)
        book = desk.console

        def number(centre: str, name: str, outcome: str) -> int:
            rows, _ = book.received(centre=centre, named=name, outcome=outcome)
            return int(rows["id"][-1])

        return Scene(
            mismatch=number(FIRST, "E", "partly accepted"),
            twice=number(TWICE, "X02", "quarantined"),
            reused=number(REUSED, "15.X01", "quarantined"),
            other=number(OTHER, "X02", "quarantined"),
            personal=frozenset(_personal()),
        )


def _send(desk: Desk) -> None:
    def send(centre: str, data: bytes, at: datetime) -> None:
        land(desk, f"inbox/{centre}/{name_of(data)}", data, at)

    for centre in CENTRES:
        send(centre, _file(centre, ("BEN22",), series="9B24", body="13"), REGISTERED)
    for centre in CENTRES[:5]:
        send(centre, _file(centre, name=WRONG_NAME if centre == FIRST else ""), ENTERED)
    for centre in (TWICE, OTHER):
        send(centre, _file(centre, ("BEN01", "BEN02"), sequence=2), ENTERED + timedelta(hours=1))
    _take(desk)
    send(REUSED, _file(REUSED, ("BEN01",)), ENTERED + timedelta(hours=1))
    marked = [
        {"centre": SECOND, "candidate": learner["candidate"], "uci": learner["uci"], "component": "BEN01", "mark": 31}
        for learner in _people(SECOND)[:2]
    ]
    send(SECOND, _marks(marked), ENTERED + timedelta(hours=3))


def _take(desk: Desk) -> None:
    """An ingest of ours, or of the running desk if it is quicker."""

    def taken() -> bool:
        ingest(desk, ENTERED + timedelta(days=1))
        left = [stored for stored in desk.store.list("inbox/") if stored.kind == "file" and stored.key[6:11] in CENTRES]
        return not left and not desk.console.waiting()

    until(taken, lambda: "another ingest does not end")


def _people(centre: str) -> list[dict[str, str]]:
    return list(people(centre, 3, seed=int(centre)))


def _file(
    centre: str,
    options: Sequence[str] = ENTERPRISE,
    *,
    series: str = "6B25",
    body: str = "15",
    sequence: int = 1,
    name: str = "",
) -> bytes:
    """Entries of a centre's three learners, the first of whom may have another name."""
    first, *others = _people(centre)
    records = [
        line
        for learner in (first | ({"name": name} if name else {}), *others)
        for line in candidate_records("E", centre, learner, options)
    ]
    return single(
        "E", centre, block(records), awarding_body=body, series_key=series, sequence=sequence, produced="100225"
    )


def _marks(rows: list[dict[str, object]]) -> bytes:
    records = details("M", MARK, pl.DataFrame(rows))
    return single("M", SECOND, records, awarding_body="15", series_key="6B25", sequence=1, produced="100225")


def _personal() -> set[str]:
    said = {WRONG_NAME}
    for centre in CENTRES[:5]:
        for learner in _people(centre):
            said |= {learner[name] for name in ("name", "uci", "uln", "upn") if learner.get(name)}
    return said
