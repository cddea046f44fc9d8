"""A small season up to an awarding, over the real ingest: centre 64123 enters by file, centre 58201 in the portal only.

At 64123, May/June 2024, Enterprise: 0001 was absent from BEN02, 0002 took everything, 0003 has no mark for BEN03 yet,
all three claim; 0004 took everything and does not. At 58201, 0001 took everything and claims.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from fixtures.generate import people
from infra.ledger.results import Awarding
from parsers.feed import write_feed
from parsers.writer import block, candidate_records, single
from pipeline.awarding.award import award, conversion_row
from pipeline.awarding.balance import balance
from pipeline.awarding.exception_approval import accept
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.results import release
from pipeline.results.release import Built
from rules import terms
from rules.balance import CODES
from rules.catalogue import LONDON, Series
from tests.pipeline.kept import played_once
from tests.scenario_language import Scenario, Season
from tests.support import CENTRE

PORTAL_CENTRE = "58201"
AWARDED = datetime(2024, 8, 10, 12, tzinfo=LONDON)
BUILT = datetime(2024, 8, 12, 12, tzinfo=LONDON)
APPROVED = datetime(2024, 8, 14, 12, tzinfo=LONDON)
TO_CENTRES = datetime(2024, 8, 21, 0, 1, tzinfo=LONDON)
TO_LEARNERS = datetime(2024, 8, 22, 0, 1, tzinfo=LONDON)
SECOND = timedelta(seconds=1)
WHO, WHY = "J. Clerk", "checked against the preview"
BOUNDARIES = {"L2D": 48, "L2M": 42, "L2P": 36, "L1D": 30, "L1M": 24, "L1P": 18}
COMPONENTS = ("BEN01", "BEN02", "BEN03")

LINES = """\
given 4 learners
2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 BEN03 | accepted
2024-02-16 12:00 GMT | portal enters 0001 BEN99 | accepted
2024-02-16 12:10 GMT | portal enters 0002 BEN99 | accepted
2024-02-16 12:20 GMT | portal enters 0003 BEN99 | accepted
2024-05-01 12:00 BST | centre sends M 0001: BEN01=50 BEN02=absent | accepted
2024-05-01 12:10 BST | centre sends M 0002: BEN01=50 BEN02=50 | accepted
2024-05-01 12:20 BST | centre sends M 0003: BEN01=50 BEN02=40 | accepted
2024-05-01 12:30 BST | centre sends M 0004: BEN01=44 BEN02=40 | accepted
2024-06-20 12:00 BST | board marks BEN03 0001=50 0002=50 0004=30 | 3 new, no REFUSED
"""


def series(desk: Desk) -> Series:
    """May/June 2024."""
    found = desk.catalogue.series_by_id("2024-06")
    assert found
    return found


def play(desk: Desk) -> Season:
    """The season up to the marks; conversion tables are approved."""
    return played_once(desk, _marked).on(desk)


def _marked(desk: Desk) -> Season:
    season = Season(desk)
    season.play(Scenario("results", "RES-1 a season", tuple(LINES.strip().splitlines())))
    _portal_centre(season)
    tables = [
        conversion_row(
            desk.catalogue, "2024-06", code, BOUNDARIES, AWARDED, placeholder=True, source="ours: for a test"
        )
        for code in COMPONENTS
    ]
    desk.results.propose(tables, WHO, AWARDED)
    desk.results.approve_conversions("2024-06", WHO, AWARDED)
    return season


def _portal_centre(season: Season) -> None:
    desk, [learner] = season.desk, list(people(PORTAL_CENTRE, 1, seed=7))
    registered = datetime(2023, 9, 18, 12, tzinfo=LONDON)
    records = block(candidate_records("E", PORTAL_CENTRE, learner, ["BEN22"]))
    file = single("E", PORTAL_CENTRE, records, awarding_body="13", series_key="9B23", sequence=1, produced="180923")
    season.land(f"inbox/{PORTAL_CENTRE}/E{PORTAL_CENTRE}13.X01", file, registered)
    assert ingest(desk, registered + timedelta(minutes=1)).outcomes == {"accepted": 1}
    entered = datetime(2024, 2, 15, 12, tzinfo=LONDON)
    feed = [
        {"action": "enter", "series": "6B24", "awarding_body": "15", "centre": PORTAL_CENTRE, "candidate": "0001",
         "uci": learner["uci"], "option": option, "who": "portal"}
        for option in (*COMPONENTS, "BEN99")
    ]  # fmt: skip
    season.land(f"feeds/online/{PORTAL_CENTRE}/1.csv", write_feed(feed), entered)
    assert ingest(desk, entered + timedelta(minutes=1)).outcomes.total() == 1
    marks = [
        {"centre": PORTAL_CENTRE, "series": "2024-06", "candidate": "0001", "uci": learner["uci"], "component": code,
         "version": 1, "stage": "external" if code == "BEN03" else "submitted", "mark": 45, "status": "", "tasks": "",
         "source": "test", "line": 1,
         "received": entered}
        for code in COMPONENTS
    ]  # fmt: skip
    desk.marks.add(pl.DataFrame(marks))


def accept_what_blocks(desk: Desk, awarding: Awarding, now: datetime) -> None:
    """AWD-7: a person accepts what blocks a version: the mark of 0003 that is not there yet."""
    proposed = next(other for other in desk.results.every(awarding.series) if other.id == awarding.id)
    if proposed.state != terms.PROPOSED:
        return
    for code, component, _ in balance(desk, awarding, now).blocking.iter_rows():
        if CODES[code].acceptable:
            accept(desk, f"{awarding.series} {code} {component}", WHO, WHY, now)


def build(desk: Desk, awarding: Awarding, now: datetime) -> Built:
    """Accepts what blocks a version, and builds it."""
    accept_what_blocks(desk, awarding, now)
    return release.build(desk, awarding, now)


def awarded(desk: Desk) -> Awarding:
    """The awarding of the season."""
    return played_once(desk, _awarded)


def _awarded(desk: Desk) -> Awarding:
    play(desk)
    return award(desk, series(desk), AWARDED).awarding


def outside(desk: Desk) -> dict[str, bytes]:
    """What centres and the portal can read of results: R files, notes and feeds by their keys."""
    found = [
        stored.key for place in ("outbox/", "portal/") for stored in desk.store.list(place) if stored.kind == "file"
    ]
    return {key: desk.store.get(key) for key in found if key.startswith("portal/") or key.split("/")[2][0] == "R"}


__all__ = [
    "APPROVED",
    "AWARDED",
    "BUILT",
    "CENTRE",
    "PORTAL_CENTRE",
    "SECOND",
    "TO_CENTRES",
    "TO_LEARNERS",
    "WHO",
    "WHY",
    "accept_what_blocks",
    "awarded",
    "build",
    "outside",
    "play",
    "series",
]
