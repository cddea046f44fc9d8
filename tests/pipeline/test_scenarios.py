"""Scenarios that a domain expert can read, in `tests/scenarios`, over the real ingest, ledger and store."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from attrs import define, field, frozen

from fixtures.generate import people
from parsers.feed import write_feed
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, record, single
from pipeline.desk import Desk
from pipeline.ingest import ingest
from pipeline.staff import Entry, Order, allow_sitting, change_entry, extend
from tests.pipeline.test_ingest import land
from tests.support import CENTRE

SCENARIOS = Path(__file__).parents[1] / "scenarios"
LONDON = ZoneInfo("Europe/London")
ZONES = {"GMT": "+00:00", "BST": "+01:00"}
LEARNERS = {one["candidate"]: one for one in people(CENTRE, 2, seed=1)}


@frozen
class Scenario:
    """A title, which begins with rule ids, and its lines."""

    title: str
    lines: tuple[str, ...]


def scenarios() -> Iterator[Any]:
    for path in sorted(SCENARIOS.glob("*.txt")):
        for text in path.read_text(encoding="utf-8").strip().split("\n\n"):
            title, *lines = text.splitlines()
            yield pytest.param(Scenario(title, tuple(line.strip() for line in lines)), id=f"{path.stem}: {title}")


@define
class Season:
    """One centre's season, a step at a time."""

    desk: Desk
    sent: Counter[str] = field(factory=Counter)
    costs: int = 0

    def register(self) -> None:
        """Both learners are registered for Enterprise, years before anything else."""
        for year in (22, 23, 24):
            series = f"9B{year}"
            records = [line for one in LEARNERS.values() for line in candidate_records("E", CENTRE, one, ["BEN22"])]
            data = self.file("E", series, "13", block(records))
            when = datetime(2000 + year, 9, 2, tzinfo=LONDON)
            land(self.desk, f"{CENTRE}/E{CENTRE}13.X01", data, when)
            assert ingest(self.desk, when + timedelta(minutes=1)).outcomes == {"accepted": 1}

    def file(self, letter: str, series: str, body: str, details: bytes) -> bytes:
        kind = "M" if letter == "M" else "EA"
        self.sent[kind + series] += 1
        return single(
            letter, CENTRE, details, awarding_body=body, series_key=series, sequence=self.sent[kind + series],
            produced="010124",
        )  # fmt: skip

    def step(self, line: str) -> None:
        """Does what a line says, and looks at what came of it."""
        held = re.fullmatch(r"(\d{4}) holds (.+)", line)
        if held:
            wanted = [] if held[2] == "nothing" else held[2].split()
            assert self.holds(held[1]) == wanted, line
            return
        when, action, *expected = [part.strip() for part in line.split("|")]
        day, clock, zone = when.split()
        at = datetime.fromisoformat(f"{day}T{clock}{ZONES[zone]}")
        assert at.astimezone(LONDON).tzname() == zone, f"{line}: not {zone} on that day"
        before = self.answered()
        self.do(action, at)
        ingest(self.desk, at + timedelta(seconds=30))
        if not expected:
            return
        reply = next(twin for key, twin in self.answered().items() if before.get(key) != twin)
        words = expected[0].split()
        codes = [one["code"] for one in reply["findings"]]
        outcome = " ".join(word for word in words if word.islower() and word != "no")
        assert reply["outcome"].startswith(outcome), (line, reply["outcome"], codes)
        for before_word, word in zip(["", *words], words, strict=False):
            if word.isupper():
                assert (word in codes) is (before_word != "no"), (line, codes)
        if len(expected) > 1:
            cost = expected[1].replace("GBP ", "").replace(".", "").replace(",", "")
            assert reply["fee_total_pence"] == int(cost), line

    def do(self, action: str, at: datetime) -> None:
        order = Order("J. Clerk", "as the scenario says", at)
        sends = re.fullmatch(r"(?:in (\w{4}) )?centre sends ([EAM]) ?(?:(\d{4}):)?(.*)", action)
        enters = re.fullmatch(r"(portal|staff) (enters|withdraws) (\d{4}) (\w+)", action)
        extends = re.fullmatch(r"staff extends (\w+) to (\S+)", action)
        allows = re.fullmatch(r"staff allows (\d{4}) (\w+)", action)
        if sends:
            self.send(sends[2], sends[1] or "6B24", [sends[3]] if sends[3] else list(LEARNERS), sends[4].split(), at)
        elif enters and enters[1] == "portal":
            learner, option = enters[3], enters[4]
            row = {
                "action": enters[2].removesuffix("s"), "series": "6B24", "awarding_body": "15", "centre": CENTRE,
                "candidate": learner, "uci": LEARNERS[learner]["uci"], "option": option, "who": "portal",
            }  # fmt: skip
            land(self.desk, f"../feeds/online/{CENTRE}/{at:%Y%m%d%H%M}.csv", write_feed([row]), at)
        elif enters:
            entry = Entry(CENTRE, "2024-06", enters[3], LEARNERS[enters[3]]["uci"], enters[4])
            key = change_entry(self.desk, "entry" if enters[2] == "enters" else "withdrawal", entry, order)
            land(self.desk, f"../{key}", self.desk.store.get(key), at)
        elif extends:
            until = datetime.fromisoformat(extends[2]).replace(tzinfo=LONDON) + timedelta(days=1)
            extend(self.desk, CENTRE, "2024-06", extends[1], until, order)
        elif allows:
            allow_sitting(self.desk, CENTRE, LEARNERS[allows[1]]["uci"], allows[2], 1, order)
        else:
            raise AssertionError(f"nobody knows how to: {action}")

    def send(self, letter: str, series: str, who: list[str], said: list[str], at: datetime) -> None:
        if letter == "M":
            fixed = {"data_type": "M", "record_type": "5", "centre": CENTRE}
            lines = [
                record(MARK, fixed | {"candidate": one, "uci": LEARNERS[one]["uci"], "component": code, "mark": mark})
                for one in who
                for code, _, mark in (word.partition("=") for word in said)
            ]
        else:
            lines = [line for one in who for line in candidate_records(letter, CENTRE, LEARNERS[one], said)]
        data = self.file(letter, series, "15", block(lines))
        number = self.sent[("M" if letter == "M" else "EA") + series]
        land(self.desk, f"{CENTRE}/{letter}{CENTRE}15.X{number:02d}", data, at)

    def answered(self) -> dict[str, dict[str, Any]]:
        keys = [one.key for one in self.desk.store.list(f"outbox/{CENTRE}/X") if one.key.endswith(".json")]
        return {key: json.loads(self.desk.store.get(key)) for key in keys}

    def holds(self, candidate: str) -> list[str]:
        query = sa.text(
            "select option from entries where candidate = :candidate and series = '2024-06' and ended_by is null"
            " order by option"
        )
        with self.desk.ledger.engine.connect() as connection:
            return list(connection.execute(query, {"candidate": candidate}).scalars())


@pytest.mark.parametrize("scenario", list(scenarios()))
def test_the_season_goes_as_the_scenario_says(work: Desk, scenario: Scenario) -> None:
    assert re.match(r"[A-Z]{3}-\d ", scenario.title)
    season = Season(work)
    season.register()
    for line in scenario.lines:
        season.step(line)
