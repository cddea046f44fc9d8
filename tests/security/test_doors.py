"""FIL-7: every feed is one door. Whatever lands, the run goes on, what is good beside it is taken, what is wrong is
said in a short report or reply, nothing of it is booked, and the next run has nothing to do."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import frozen

from infra.ledger.tables import metadata
from infra.settings import Settings
from infra.store import FolderStore
from parsers.layouts import MARK
from parsers.writer import block, record, single
from pipeline.desk import Desk, open_desk
from pipeline.doors import DOORS, Door
from pipeline.feeds import BoardFeed, report_key
from pipeline.intake.ingest import ingest
from pipeline.marking.samples import sample
from tests.security.attacks import Attack, attacks, good, huge
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, registration_file

MOST = 64 * 1024
"""Bytes of a report or reply, however much is wrong."""
DRAWN = datetime.fromisoformat("2024-05-16T12:00:00+01:00")
NOW = datetime.fromisoformat("2024-07-20T12:00:00+01:00")
OF_THE_DOOR = ("submissions", "findings", "replies", "journal")
"""Tables that say what landed, not what was booked of it."""


@frozen
class Attacked:
    """A desk at whose door everything hostile has landed; `before` and `after` are the rows of its tables."""

    desk: Desk
    door: Door
    before: dict[str, list[str]]
    after: dict[str, list[str]]

    def told(self, attack: Attack) -> tuple[str, str]:
        """The report about a file, or the reply and its JSON twin."""
        if isinstance(self.door.feed, BoardFeed):
            return self.desk.store.get(report_key(self.door.feed.reports, attack.name)).decode("ascii"), ""
        with self.desk.ledger.engine.connect() as connection:
            query = sa.text(
                "SELECT submissions.centre, replies.name FROM submissions JOIN replies ON submission_id = "
                "submissions.id WHERE file_name = :name"
            )
            centre, name = connection.execute(query, {"name": attack.name}).one()
        reply = f"outbox/{centre}/{name}"
        text, twin = (self.desk.store.get(key).decode("ascii") for key in (reply, f"{reply}.json"))
        assert json.loads(twin)["outcome"] == ("accepted with warnings" if attack.code == "FEED_EMPTY" else "refused")
        return text, twin


def booked(desk: Desk) -> dict[str, list[str]]:
    """Every row of the ledger that is not only about what landed."""
    with desk.ledger.engine.connect() as connection:
        return {
            # What landed has its states, and they their seals (OPS-7).
            name: sorted(
                repr(row)
                for row in connection.execute(sa.select(table))
                if name not in ("states", "seals") or row.table_name not in (*OF_THE_DOOR, "states")
            )
            for name, table in metadata.tables.items()
            if name not in OF_THE_DOOR
        }


def put(desk: Desk, key: str, data: bytes, landed: datetime = ON_TIME) -> None:
    assert isinstance(desk.store, FolderStore)
    path = desk.store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (landed.timestamp(), landed.timestamp()))


def land(desk: Desk, door: Door, number: int, name: str, data: bytes) -> None:
    """Puts a file where its sender puts it; of feeds that lie by centre, every file is another centre's."""
    folder = f"{20001 + number}/" if door.feed.by_centre else ""
    put(desk, f"{door.feed.place}{folder}{name}", data)


def waits(desk: Desk) -> list[str]:
    return [one.key for one in desk.store.list("feeds/") if one.kind == "file"]


def scene(desk: Desk) -> None:
    """One centre with two learners, of whom one is entered for Enterprise, with a mark and a sample drawn of it: what
    the feeds' examples speak of."""
    put(desk, f"inbox/{CENTRE}/E6412313.X01", registration_file(count=2), REGISTERED)
    put(desk, f"inbox/{CENTRE}/E6412315.X01", centre_file(count=1))
    mark = record(
        MARK,
        {"data_type": "M", "record_type": "5", "centre": CENTRE, "candidate": "0001", "uci": "641230220001D",
         "component": "BEN01", "mark": "40"},
    )  # fmt: skip
    marks = single("M", CENTRE, block([mark]), awarding_body="15", series_key="6B24", sequence=1, produced="010922")
    put(desk, f"inbox/{CENTRE}/M6412315.X01", marks)
    assert ingest(desk, DRAWN).outcomes == {"accepted": 3}
    series = desk.catalogue.series_by_id("2024-06")
    assert series
    assert sample(desk, series, DRAWN).drawn == 1


@pytest.fixture(scope="module", params=DOORS, ids=lambda door: door.feed.place)
def attacked(
    request: pytest.FixtureRequest, new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """All that is hostile and not large, landed at one door and taken by one run."""
    door: Door = request.param
    state = tmp_path_factory.mktemp("door")
    with open_desk(Settings(state=state, database_url=new_database(), settle_seconds=0)) as desk:
        scene(desk)
        before = booked(desk)
        for number, attack in enumerate(attacks(door.feed)):
            land(desk, door, number, attack.name, attack.data)
        door.take(desk, NOW)
        assert waits(desk) == []
        yield Attacked(desk, door, before, booked(desk))


def test_fil_7_what_is_wrong_is_said_in_a_short_report_and_nothing_of_it_is_booked(attacked: Attacked) -> None:
    for attack in attacks(attacked.door.feed):
        text, twin = attacked.told(attack)
        assert attack.code in text, (attack.name, text)
        assert attack.named in " ".join(text.split()), (attack.name, text)
        assert "FAILED" not in text, attack.name
        assert max(len(text), len(twin)) < MOST, (attack.name, len(text), len(twin))
    assert attacked.after == attacked.before


def test_fil_7_the_next_run_is_quiet_and_a_good_file_between_hostile_ones_is_taken(attacked: Attacked) -> None:
    desk, door = attacked.desk, attacked.door
    files = {one.key: one.modified for one in desk.store.list("") if one.kind == "file"}
    door.take(desk, NOW + timedelta(hours=1))
    assert {one.key: one.modified for one in desk.store.list("") if one.kind == "file"} == files
    for number, attack in enumerate(huge(door.feed), 200):
        land(desk, door, number, attack.name, attack.data)
    put(desk, f"{door.feed.place}{f'{CENTRE}/' if door.feed.by_centre else ''}huge-m.csv", good(door.feed))
    door.take(desk, NOW + timedelta(hours=2))
    assert waits(desk) == []
    for attack in huge(door.feed):
        text, twin = attacked.told(attack)
        assert attack.code in text, attack.name
        assert max(len(text), len(twin)) < MOST
    changed = {name for name, rows in booked(desk).items() if rows != attacked.before[name]}
    assert changed, "the feed's example has to be a file that is booked in this scene"
    assert changed <= {
        "actions",
        "centres",
        "entries",
        "fee_lines",
        "marks",
        "samples",
        "cohorts",
        "moderator_marks",
        "conversions",
        "seals",
        "states",
    }


def test_fil_7_every_feed_that_is_declared_has_its_door() -> None:
    sources = (Path(__file__).parents[2] / "pipeline").rglob("*.py")
    declared = {place for path in sources for place in re.findall('"(feeds/[a-z-]+/)"', path.read_text("utf-8"))}
    assert {door.feed.place for door in DOORS} == declared
