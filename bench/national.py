"""A national series, from registrations to results day: `make bench-national`.

Registrations, entries and marks of every centre are dropped into a folder store, and the real ingest takes them with
an embedded PostgreSQL: archive, parse, rules, ledger, replies. Then the board's own marks and boundaries come in, the
series is awarded, its files are built under embargo and released. Prints seconds and rates, what the work added to the
memory at its peak, and how many times the least that could be done (`bench.floor`) the ingest takes.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import polars as pl
from attrs import frozen

from bench.desks import new_desk, temporary_server
from bench.floor import Floor
from bench.measure import memory
from fixtures.generate import people
from infra.settings import Settings
from parsers import writer
from parsers.layouts import MARK
from pipeline.awarding.award import approve_boundaries, award, take_boundaries
from pipeline.awarding.balance import balance
from pipeline.awarding.drift import drift
from pipeline.awarding.exception_approval import accept
from pipeline.awarding.preview import preview
from pipeline.awarding.what_if import what_if
from pipeline.corrections.cases import Request, completed, considered, open_case
from pipeline.corrections.effect import Plan
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.marking.external import take_external
from pipeline.results.release import approve, build, release
from rules import terms

T = TypeVar("T")

CENTRES = 3_000
LEARNERS = 50
"""At each centre: 150,000 in all."""
SUBJECTS = ("BEN", "BZH", "BZS", "BZD", "BAC", "BZC", "BZM", "BZP")
"""Each centre offers one of the eight subjects of three components."""
OPTIONS = ("01", "02", "03", "99")
MARKED = ("01", "02")
NOW = datetime(2024, 7, 1, tzinfo=UTC)
AWARDED = datetime(2027, 8, 10, 12, tzinfo=UTC)
"""After whatever the clock of the machine says of the feeds."""
RELEASED: dict[terms.Audience, datetime] = {
    "centres": datetime(2027, 8, 21, 12, tzinfo=UTC),
    "learners": datetime(2027, 8, 22, 12, tzinfo=UTC),
}
BOUNDARIES = Path(__file__).parents[1] / "fixtures" / "boundaries"


@frozen
class Drop:
    """A kind of file that every centre sends: its content, when it landed, and what is counted."""

    title: str
    letter: str
    series: str
    body: str
    landed: datetime
    each: int
    what: str

    def details(self, centre: str, learners: list[dict[str, str]]) -> bytes:
        """The detail records of one centre's file."""
        subject = _subject(centre)
        if self.letter == "M":
            rows = [
                {"centre": centre, "candidate": learner["candidate"], "uci": learner["uci"],
                 "component": subject + part, "mark": 20 + int(learner["candidate"]) % 40}
                for learner in learners
                for part in MARKED
            ]  # fmt: skip
            return writer.details("M", MARK, pl.DataFrame(rows))
        options = [subject + part for part in (("22",) if self.series == "9B23" else OPTIONS)]
        lines = (line for learner in learners for line in writer.candidate_records("E", centre, learner, options))
        return writer.block(lines)

    def files(self, centres: int) -> Iterator[tuple[str, bytes]]:
        """Key and bytes of the file of each of `centres` centres."""
        used: set[str] = set()
        for number in range(centres):
            centre = f"{10_000 + number}"
            learners = list(people(centre, LEARNERS, seed=number))
            for learner in learners:
                # Among so many made-up ULNs some are drawn twice, but no two learners may have the same.
                learner["uln"] = "" if learner["uln"] in used else learner["uln"]
                used.add(learner["uln"])
            data = writer.single(
                self.letter, centre, self.details(centre, learners), awarding_body=self.body, series_key=self.series,
                sequence=1, produced=f"{self.landed:%d%m%y}",
            )  # fmt: skip
            yield f"{centre}/{self.letter}{centre}{self.body}.X01", data

    def land(self, inbox: Path, key: str, data: bytes) -> None:
        """Puts a file into the inbox, as received when files of this kind are."""
        path = inbox / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (self.landed.timestamp(),) * 2)


JUDGED = ("entries", "marks")
"""What the goal is about: a series that is judged against registrations the ledger holds."""
REGISTERED = 30
"""Seconds for the registrations of the country, each learner looked up at every centre (REG-7, REG-8)."""


def _subject(centre: str) -> str:
    return SUBJECTS[int(centre) % len(SUBJECTS)]


DROPS = (
    Drop("registrations", "E", "9B23", "13", datetime(2023, 9, 18, 12, tzinfo=UTC), 1, "registrations"),
    Drop("entries", "E", "6B24", "15", datetime(2024, 2, 15, 12, tzinfo=UTC), len(OPTIONS), "option entries"),
    Drop("marks", "M", "6B24", "15", datetime(2024, 4, 30, 12, tzinfo=UTC), len(MARKED), "marks"),
)


def main(centres: int = CENTRES) -> None:
    """Drops and takes each kind of file in turn, beside the floor, with a PostgreSQL that waits for the disk as users'
    does. Fails when a file is not accepted."""
    with temporary_server(durable=True) as (server, folder):
        settings = new_desk(server, folder, "national")
        take_all(settings, centres, Floor.beside(settings, server, folder))


def take_all(settings: Settings, centres: int = CENTRES, floor: Floor | None = None) -> dict[str, float]:
    """Takes every drop of `centres` centres through the ingest, a line each, and on to results day; seconds by step."""
    print(f"{centres:,} centres, {centres * LEARNERS:,} learners, {os.cpu_count()} cores")
    print(
        f"{'':16}{'files':>8}{'count':>10}{'':16}{'s':>8}{'files/s':>9}{'count/s':>10}{'per core':>10}{'peak MiB':>10}"
    )
    spent: dict[str, float] = {}
    least: dict[str, float] = {}
    with open_desk(settings) as desk:
        inbox = Path(settings.store_location) / "inbox"
        for drop in DROPS:
            held = list(drop.files(centres)) if floor else []
            for key, data in held or drop.files(centres):
                drop.land(inbox, key, data)
            if floor:
                floor.begin()
            before = memory("VmRSS")
            began = time.perf_counter()
            summary = ingest(desk, NOW)
            seconds = time.perf_counter() - began
            spent[drop.title] = seconds
            if summary.outcomes != {"accepted": centres}:
                sys.exit(f"{drop.title}: {dict(summary.outcomes)}, {dict(summary.codes)}")
            count = centres * LEARNERS * drop.each
            print(
                f"{drop.title:16}{centres:8,}{count:10,} {drop.what:15}{seconds:8.1f}{centres / seconds:9,.0f}"
                f"{count / seconds:10,.0f}{count / seconds / (os.cpu_count() or 1):10,.0f}"
                f"{(memory('VmHWM') - before) / 2**20:10,.0f}",
                flush=True,
            )
            stages = "   ".join(f"{name} {took:.1f}" for name, took in summary.stages.items())
            print(f"    seconds: {stages}", flush=True)
            if floor:
                least[drop.title] = floor.lay(held)
                print(_compared("    floor", seconds, least[drop.title], floor.seconds), flush=True)
        if least:
            print(_compared("the floor in all", sum(spent.values()), sum(least.values())), flush=True)
        print(f"{'registrations':50}{spent['registrations']:8.1f}   goal: below {REGISTERED}", flush=True)
        total = sum(spent[title] for title in JUDGED)
        print(f"{'entries and marks':50}{total:8.1f}   goal: below 60", flush=True)
        return spent | award_all(desk, centres)


def _compared(title: str, seconds: float, least: float, stages: Mapping[str, float] | None = None) -> str:
    """A line: the seconds of the floor, how many times that the ingest took, and the floor's seconds by stage."""
    parts = "   ".join(f"{name} {took:.1f}" for name, took in (stages or {}).items())
    return f"{title:50}{least:8.1f}   the ingest takes {seconds / least:.2f} times that   {parts}".rstrip()


def award_all(desk: Desk, centres: int) -> dict[str, float]:
    """From the board's marks of `centres` centres to results day, a line per step; seconds by step."""
    spent: dict[str, float] = {}

    def timed(title: str, work: Callable[[], T], goal: int = 0) -> T:
        began = time.perf_counter()
        done = work()
        spent[title] = time.perf_counter() - began
        print(f"{title:50}{spent[title]:8.1f}{f'   goal: below {goal}' if goal else ''}", flush=True)
        return done

    series = desk.catalogue.series_by_id("2024-06")
    assert series
    desk.store.put("feeds/external-marks/all.csv", external_marks(centres))
    desk.store.put("feeds/boundaries/2024-06.csv", (BOUNDARIES / "2024-06.csv").read_bytes())
    print(f"\n{'':50}{'s':>8}")
    timed("the board's marks", lambda: take_external(desk, AWARDED))
    take_boundaries(desk, AWARDED)
    approve_boundaries(desk, series, "bench", "a benchmark", AWARDED)
    awarding = timed("award, recorded", lambda: award(desk, series, AWARDED), 5).awarding
    weighed = timed("balance sheet, with the second computation", lambda: balance(desk, awarding, AWARDED), 10)
    for code, component, _ in weighed.blocking.iter_rows():
        accept(desk, f"{series.id} {code} {component}", "bench", "a benchmark", AWARDED)
    timed("preview", lambda: preview(desk, awarding))
    moves = {"BEN03": {"L2P": 30}}
    timed("what-if, ledger included", lambda: what_if(desk, series, moves, AWARDED), 3)
    built = timed("files built under embargo", lambda: build(desk, awarding, AWARDED), 20)
    timed("drift guard, everybody compared", lambda: drift(desk, built.awarding), 5)
    approve(desk, built.awarding, "bench", "a benchmark", AWARDED)
    for audience, day in RELEASED.items():
        out = timed(f"released to {audience}", partial(release, desk, series, audience, day), 10)
        print(f"    {out.note()}", flush=True)
    asked = Request(kind="error_of_the_board", about=["BEN03"], by="bench", on=f"{AWARDED:%Y-%m-%d}")
    case = open_case(desk, series, asked, "bench", "a benchmark", RELEASED["learners"])
    plan = completed(case, Plan(boundaries=moves))
    timed("correction of a boundary, its whole effect", lambda: considered(desk, case, plan), 20)
    return spent


def external_marks(centres: int) -> bytes:
    """The board's marks of as many centres."""
    rows = ["series,centre,candidate,uci,component,mark,status"]
    for number in range(centres):
        centre = f"{10_000 + number}"
        component = f"{_subject(centre)}03"
        rows += [
            f"2024-06,{centre},{learner['candidate']},{learner['uci']},{component},"
            f"{(int(learner['candidate']) * 7 + number) % 61},"
            for learner in people(centre, LEARNERS, seed=number)
        ]
    return "\r\n".join(rows).encode()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else CENTRES)
