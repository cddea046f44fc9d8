"""The language of `tests/scenarios` (its README describes it): one centre's season, a line at a time, over the real
ingest, ledger and store."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from attrs import define, evolve, field, frozen

from fixtures.generate import GRADES, people
from infra.ledger.approvals import Signer
from infra.ledger.corrections import Subject
from infra.ledger.keeping import Dispute
from infra.ledger.moderation import CohortName
from infra.ledger.results import Awarding
from infra.store import FolderStore
from parsers.feed import write_feed
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, record, single
from pipeline.approvals import ApprovalError, Signature, decide, put_forward, sign
from pipeline.awarding.award import AwardError, approve_boundaries, award, take_boundaries
from pipeline.awarding.balance import balance
from pipeline.awarding.drift import look
from pipeline.awarding.exception_approval import accept, take_back
from pipeline.centres.orders import Application, CentreEdit, decide_approval, edit_centre
from pipeline.centres.take import take_register
from pipeline.corrections.cases import Request, completed, considered, exhibit_of, numbered, open_case, propose
from pipeline.corrections.effect import CorrectionError, Plan
from pipeline.corrections.preview import effect_lines
from pipeline.corrections.preview import lines as case_lines
from pipeline.corrections.withhold import effect_of
from pipeline.corrections.withhold import put as put_withheld
from pipeline.desk import Desk, up_to_date
from pipeline.intake.ingest import ingest
from pipeline.intake.staff import Entry, allow_sitting, change_entry, complete_marks
from pipeline.keeping.dispute import dispute
from pipeline.keeping.export import export
from pipeline.keeping.keep import keep
from pipeline.learners import orders as learners
from pipeline.learners.waiting import to_do, waiting
from pipeline.marking import moderation, samples
from pipeline.marking.due import moderate
from pipeline.marking.external import missing_marks, take_external
from pipeline.orders import Order, StaffError
from pipeline.register import open_applications
from pipeline.results import release
from pipeline.results.after_results import late_claims, updated
from pipeline.results.audit import audit
from pipeline.results.certificates import certificates
from pipeline.results.claim_lists import claim_lists, due_series
from pipeline.results.explain import explain
from pipeline.results.explain import text as explained
from pipeline.results.owed import owed
from pipeline.results.result_approval import do_as_decided
from pipeline.results.result_files import read_back
from pipeline.results.withholding import end_withholding, holds, scope_of
from pipeline.season import moving
from pipeline.season.changes import DateChange, effect
from pipeline.season.checkpoints import checkpoint
from pipeline.season.deadlines import write_deadlines
from pipeline.season.extensions import doubts, extend
from pipeline.season.extensions import withdraw as withdraw_extension
from pipeline.season.moving import undoing
from pipeline.season.schedule import SCHEDULES
from pipeline.season.statements import statements
from rules import terms
from rules.balance import NEVER_DRAWN
from rules.catalogue import Series
from tests.support import CENTRE

SCENARIOS = Path(__file__).parent / "scenarios"
LONDON = ZoneInfo("Europe/London")
ZONES = {"GMT": "+00:00", "BST": "+01:00"}
SERIES = "6B24"
MOST_RAW = 60
ENTERPRISE = ("BEN01", "BEN02", "BEN03")
ORDERED = datetime(2022, 9, 1, tzinfo=LONDON)
"""When the register is corrected for what a scenario is given."""
REGISTRATION = "registered in "
"""Begins the part of a scenario that no line says: its learners are registered in a year."""


@frozen
class Scenario:
    """A title, which begins with rule ids, and its lines."""

    subject: str
    title: str
    lines: tuple[str, ...]

    @property
    def rules(self) -> set[str]:
        """The rules it is about."""
        return set(re.findall(r"\b[A-Z]{3}-\d+\b", re.split(r" (?=[a-z])", self.title)[0]))

    @property
    def parts(self) -> tuple[str, ...]:
        """All that is done, in order: what is given, a registration in each year it speaks of, then the other lines."""
        given = [line for line in self.lines if line.startswith("given ")]
        years = [f"{REGISTRATION}{year}" for year in _years("\n".join(self.lines))]
        return (*given, *years, *self.lines[len(given) :])


def scenarios() -> Iterator[Scenario]:
    """Every scenario of every subject."""
    for path in sorted(SCENARIOS.glob("*.txt")):
        for text in path.read_text(encoding="utf-8").strip().split("\n\n"):
            title, *lines = text.splitlines()
            yield Scenario(path.stem, title, tuple(line.strip() for line in lines))


@define
class Season:
    """One centre's season."""

    desk: Desk
    learners: dict[str, dict[str, str]] = field(factory=lambda: _learners(2))
    registered_for: list[str] = field(factory=lambda: ["BEN22"])
    sent: Counter[str] = field(factory=Counter)
    last_file: tuple[str, bytes] = ("", b"")

    def on(self, desk: Desk) -> Season:
        """The same season, as it goes on on another desk that holds the same."""
        approving = {name: getattr(self.desk.settings, name) for name in ("approvals", "approvers")}
        return evolve(
            self,
            desk=evolve(desk, settings=evolve(desk.settings, **approving)),
            learners={number: dict(one) for number, one in self.learners.items()},
            registered_for=list(self.registered_for),
            sent=Counter(self.sent),
        )

    def play(self, scenario: Scenario) -> None:
        """Every part of a scenario; raises `AssertionError` where something else comes of it."""
        for part in scenario.parts:
            self.part(part)

    def part(self, part: str) -> None:
        """One of the parts of a scenario."""
        if part.startswith("given "):
            self.given(part.removeprefix("given "))
        elif part.startswith(REGISTRATION):
            self.register([int(part.removeprefix(REGISTRATION))])
        else:
            self.step(part)

    # --- What is given ---

    def given(self, words: str) -> None:
        """What a scenario begins with, where it is not the usual."""
        if count := re.fullmatch(r"(\d+) learners", words):
            self.learners = _learners(int(count[1]))
        elif people := re.fullmatch(r"(\d) people approve: (.+)", words):
            settings = evolve(self.desk.settings, approvals=int(people[1]), approvers=people[2])
            self.desk = evolve(self.desk, settings=settings)
        elif words == "nobody is registered":
            self.registered_for = []
        elif codes := re.fullmatch(r"registration for ((?:\w+ ?)+)", words):
            self.registered_for = codes[1].split()
        elif approval := re.fullmatch(r"approval for (\w+) from (\S+)", words):
            self.approve(approval[1], approval[2])
        else:
            raise AssertionError(f"nobody knows what is given by: {words}")

    def approve(self, code: str, since: str) -> None:
        """The centre has no GCSEs, and is approved for one qualification from a day on."""
        order = ("J. Clerk", "as the scenario says")
        edit_centre(self.desk, CENTRE, CentreEdit(gcse_years=""), ORDERED, *order)
        decide_approval(
            self.desk, Application(centre=CENTRE, qualification=code), terms.GRANTED, since, ORDERED, *order
        )

    def others_send(self, said: re.Match[str], order: Order) -> str:
        """What another centre is told."""
        centre, key, learner, options = said[1], said[2] or SERIES, said[3], said[4].split()
        body = "13" if key.startswith("9B") else "15"
        person = next(iter(people(centre, int(learner), seed=2)))
        data = single(
            "E", centre, block(candidate_records("E", centre, person, options)), awarding_body=body, series_key=key,
            sequence=1, produced="010922",
        )  # fmt: skip
        self.land(f"inbox/{centre}/E{centre}{body}.X01", data, order.at)
        ingest(self.desk, order.at + timedelta(minutes=1))
        twins = [one.key for one in self.desk.store.list(f"outbox/{centre}/X") if one.key.endswith(".json")]
        reply = json.loads(self.desk.store.get(twins[-1]))
        return "; ".join([reply["outcome"], *(f"{one['code']}: {one['message']}" for one in reply["findings"])])

    def registers(self, said: re.Match[str], order: Order) -> str:
        """A file of the register of centres: a phrase of its report."""
        fields = dict(word.split("=", 1) for word in said[2].split(", ")) if said[2] else {}
        row = {"number": said[1], "name": "Hilltop School", "postcode": "", "contact": "", "gcse_years": "",
               "active_from": "2022-09-01", "active_to": ""} | fields  # fmt: skip
        name = f"{order.at:%Y%m%d%H%M}"
        while list(self.desk.store.list(f"reports/centres/{name}.txt")):
            name += "b"  # another file of the same instant, after the first by name
        self.land(f"feeds/centres/{name}.csv", _csv(",".join(row), [",".join(row.values())]), order.at)
        take_register(self.desk, order.at + timedelta(minutes=1))
        return self.desk.store.get(f"reports/centres/{name}.txt").decode()

    def applies(self, said: re.Match[str], order: Order) -> str:
        """An application or a decision about one."""
        words: dict[str, terms.ApprovalWord] = {
            "asks for": terms.ASKED,
            "grants": terms.GRANTED,
            "denies": terms.DENIED,
            "ends": terms.ENDED,
        }
        about = Application(centre=said[2], qualification=said[3])
        route = terms.FAST_TRACK if said[5] else terms.FULL
        day = said[4] or f"{order.at:%Y-%m-%d}"
        done = decide_approval(
            self.desk,
            about,
            words[said[1]],
            day,
            order.at,
            order.who,
            order.why,
            route,  # type: ignore[arg-type]
        )
        return "done" if done else "nothing changes"

    def open_applications(self, _: re.Match[str], order: Order) -> str:
        return "; ".join(one.line() for one in open_applications(self.desk, order.at)) or "none"

    def register(self, years: Iterable[int]) -> None:
        """The learners are registered in the years a scenario speaks of, before anything else."""
        for year in years if self.registered_for else ():
            when = datetime(2000 + year, 9, 2, tzinfo=LONDON)
            self.send("E", f"9B{year}", list(self.learners), self.registered_for, [], when)
            outcomes = ingest(self.desk, when + timedelta(minutes=1)).outcomes
            # A second year's registrations are charged again, which is told (REG-8).
            assert outcomes in ({"accepted": 1}, {"accepted with warnings": 1}), outcomes

    # --- Steps ---

    def step(self, line: str) -> None:
        """Does what a line says, and looks at what came of it."""
        if held := re.fullmatch(r"(?:in (\w{4}) )?(?:at (\d{5}) )?(\d{4}) holds (.+)", line):
            wanted = [] if held[4] == "nothing" else held[4].split()
            assert self.holds(held[3], held[1] or SERIES, held[2] or CENTRE) == wanted, line
            return
        if known := re.fullmatch(r"(?:at (\d{5}) )?(\d{4}) is (\w+) (.+)", line):
            assert self.is_known(known[2], known[3], known[1] or CENTRE) == known[4], line
            return
        if marked := re.fullmatch(r"(\d{4}) has (\w+)=(\d+) (\w+)", line):
            assert self.marked(marked[1], marked[2]) == (int(marked[3]), marked[4]), line
            return
        if recorded := re.fullmatch(r"on record (.+ \w{3}): (\w+), (.+?), (.+)", line):
            found = self.desk.actions.everything(CENTRE).select("at", "action", "who", "why").rows()
            assert (_instant(recorded[1]), *recorded.groups()[1:]) in found, (line, found)
            return
        when, action, *expected = [part.strip() for part in line.split("|")]
        at = _instant(when)
        before = self.answered()
        told = self.do(action, at)
        if told is None:
            growing = action.endswith(", still growing")
            ingest(self.desk, at + timedelta(seconds=5 if growing else self.desk.settings.settle_seconds))
            new = [twin for key, twin in self.answered().items() if before.get(key) != twin]
            _compare_replies(line, new, expected)
        else:
            assert _agrees(told, expected[0] if expected else ""), f"{line}: {told}"

    def do(self, action: str, at: datetime) -> str | None:
        """What came of an action in words, or null when replies tell."""
        order = Order("J. Clerk", "as the scenario says", at)
        for pattern, doing in _ACTIONS.items():
            if said := re.fullmatch(pattern, action):
                return doing(self, said, order)
        raise AssertionError(f"nobody knows how to: {action}")

    # --- Files ---

    def sends(self, said: re.Match[str], order: Order) -> None:
        key, other, letter, who, changed, rest = said.groups()
        options, *facts = re.split(r", (?=[a-z])", rest.strip())
        learners = [who] if who else [] if options == "nobody" else list(self.learners)
        parts = [] if changed is None else changed.strip("()").split("; ")
        changes = dict(part.split(" ", 1) for part in parts)
        said_options = options.split() if learners else []
        self.send(letter, key or SERIES, learners, said_options, facts, order.at, changes, other or CENTRE)

    def send(
        self,
        letter: str,
        series: str,
        who: list[str],
        said: list[str],
        facts: list[str],
        at: datetime,
        changes: Mapping[str, str] | None = None,
        sender: str = CENTRE,
    ) -> None:
        body = "13" if series.startswith("9B") else "15"
        stream = ("M" if letter == "M" else "EA") + series + sender
        number = int(_fact(facts, r"numbered (\d+)") or self.sent[stream] + 1)
        self.sent[stream] = number
        centre = _fact(facts, r"for centre (\d{5})") or sender
        if letter == "M":
            lines = list(self.mark_records(who, said, {"centre": sender} | dict(changes or {})))
        else:
            people = [self.learners[one] | self.changed(changes or {}) for one in who]
            theirs = _fact(facts, r"records of centre (\d{5})") or sender
            lines = [line for one in people for line in candidate_records(letter, theirs, one, said)]
            if again := _fact(facts, r"and again \((.+)\)"):
                more = dict(part.split(" ", 1) for part in again.split("; "))
                lines += [line for one in people for line in candidate_records(letter, theirs, one | more, said)]
        if "one record shifted" in facts:
            lines[0] = f"{lines[0][:20]} {lines[0][20:-1]}"
        data = single(
            letter, centre, block(lines), awarding_body=body, series_key=series, sequence=number, produced="010922"
        )
        name = f"{letter}{centre}{body}.X{number % 100:02d}"
        if "again" in facts:
            self.sent[stream] -= 1
            name, data = self.last_file
        self.last_file = name, data
        if "spaces lost" in facts:
            data = b"".join(line.rstrip() + b"\r\n" for line in data.splitlines())
        if "one record lost" in facts:
            kept = data.splitlines(keepends=True)
            data = b"".join(kept[:2] + kept[3:])
        if cut := _fact(facts, r"cut at (\d+) bytes"):
            data = data[: int(cut)]
        self.land(f"inbox/{sender}/{_fact(facts, 'as (.+)') or name}", data, at)

    def changed(self, changes: Mapping[str, str]) -> dict[str, str]:
        """The fields a scenario changes: `blank`, `0002's` (the other learner's), or the value itself."""
        values = {}
        for name, value in changes.items():
            other = re.fullmatch(r"(\d{4})'s", value)
            values[name] = "" if value == "blank" else self.learners[other[1]][name] if other else value
        return values

    def mark_records(self, who: list[str], said: list[str], changes: Mapping[str, str]) -> Iterator[str]:
        fixed = {"data_type": "M", "record_type": "5", "centre": CENTRE}
        for one in who:
            for code, mark, tasks in (re.split("[=:]", f"{word}:")[:3] for word in said):
                values = {"candidate": one, "uci": self.learners[one]["uci"], "component": code} | dict(changes)
                status = {"absent": "A", "later": "N"}.get(mark)
                given = {"mark": "", "mark_status": status} if status else {"mark": _mark(mark, one)}
                by_task = {f"task_{number}": task for number, task in enumerate(tasks.split("+"), 1)}
                yield record(MARK, fixed | values | given | by_task)

    def land(self, key: str, data: bytes, at: datetime) -> None:
        assert isinstance(self.desk.store, FolderStore)
        path = self.desk.store.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (at.timestamp(), at.timestamp()))

    def makes_a_folder(self, said: re.Match[str], order: Order) -> None:
        assert isinstance(self.desk.store, FolderStore)
        path = self.desk.store.root / "inbox" / CENTRE / said[1]
        path.mkdir()
        os.utime(path, (order.at.timestamp(), order.at.timestamp()))

    # --- The portal and staff ---

    def enters(self, said: re.Match[str], order: Order) -> None:
        who, verb, key, learner, option = said[1], said[2], said[3] or SERIES, said[4], said[5]
        series = self.series(key)
        if who == "portal":
            row = {
                "action": verb.removesuffix("s"), "series": key, "awarding_body": "15", "centre": CENTRE,
                "candidate": learner, "uci": self.learners[learner]["uci"], "option": option, "who": "portal",
            }  # fmt: skip
            self.land(f"feeds/online/{CENTRE}/{order.at:%Y%m%d%H%M}.csv", write_feed([row]), order.at)
            return
        entry = Entry(CENTRE, series.id, learner, self.learners[learner]["uci"], option)
        claims = option in {one.cash_in_code for one in self.desk.catalogue.qualifications}
        key = change_entry(
            self.desk, "withdrawal" if verb == "withdraws" else "claim" if claims else "entry", entry, order
        )
        self.land(key, self.desk.store.get(key), order.at)

    def portal_completes(self, said: re.Match[str], order: Order) -> None:
        """The centre's system says through the portal that components are marked."""
        rows = [
            {"action": "complete", "series": said[1] or SERIES, "awarding_body": "15", "centre": CENTRE,
             "option": option, "who": "marking system"}
            for option in said[2].split()
        ]  # fmt: skip
        self.land(f"feeds/online/{CENTRE}/{order.at:%Y%m%d%H%M}.csv", write_feed(rows), order.at)

    def moves(self, said: re.Match[str], order: Order) -> str:
        """A date of the calendar is changed and confirmed, or would be: what follows."""
        asks, key, event, component, day, since = said.groups()
        series = self.series(key or SERIES).id
        begins = _instant(since) if since else None
        change = DateChange(series=series, event=event, component=component or "*", day=day, since=begins)
        return self.changes(change, order, confirmed=asks == "sets")

    def undoes(self, said: re.Match[str], order: Order) -> str:
        """A change of the calendar is undone."""
        try:
            change = undoing(up_to_date(self.desk), int(said[1]), order.at)
        except StaffError as error:
            return f"{error}"
        return self.changes(change, order, confirmed=True)

    def changes(self, change: DateChange, order: Order, *, confirmed: bool) -> str:
        """What follows from a change, and what was done."""
        try:
            shown = list(effect(up_to_date(self.desk), change, order.at).lines())
            moving.ask(self.desk, change, order)
            return "; ".join([*shown, moving.confirm(self.desk, change, order)] if confirmed else shown)
        except StaffError as error:
            return f"{error}"

    def extends(self, said: re.Match[str], order: Order) -> str:
        until = datetime.fromisoformat(said[3]).replace(tzinfo=LONDON) + timedelta(days=1)
        try:
            return extend(self.desk, CENTRE, self.series(said[1] or SERIES).id, said[2], until, order)
        except StaffError as error:
            return f"{error}"

    def withdraws_extension(self, said: re.Match[str], order: Order) -> str:
        try:
            return withdraw_extension(self.desk, CENTRE, "2024-06", said[1], order)
        except StaffError as error:
            return f"{error}"

    def reads_deadlines(self, said: re.Match[str], order: Order) -> str:
        """Its file of deadlines, written if something has changed; one after the other."""
        write_deadlines(self.desk, order.at, [CENTRE])
        text = self.desk.store.get(f"outbox/{CENTRE}/deadlines.txt").decode()
        return "; ".join(" ".join(line.split()) for line in text.splitlines())

    def doubts(self, said: re.Match[str], order: Order) -> str:
        """What makes an extension for another centre doubtful."""
        until = datetime.fromisoformat(said[3]).replace(tzinfo=LONDON) + timedelta(days=1)
        event = said[1] or "marks_deadline"
        return "; ".join(doubts(self.desk, said[2], "2024-06", event, until, order.at)) or "nothing"

    def allows(self, said: re.Match[str], order: Order) -> str:
        return allow_sitting(self.desk, CENTRE, self.learners[said[1]]["uci"], said[2], 1, order)

    def puts_right(self, said: re.Match[str], order: Order) -> str:
        """A learner's name or date of birth is put right by staff."""
        changed = dict(part.split(" ", 1) for part in said[2].split("; "))
        try:
            return learners.correct_details(self.desk, self.uci_of(said[1]), learners.Details(**changed), order)
        except StaffError as error:
            return f"refused: {error}"

    def orders(self, said: re.Match[str], order: Order) -> str:
        """What staff order about who a learner is; learners by candidate number or UCI."""
        verb, who, rest = said[1], self.uci_of(said[2]), said[3].split()
        order = evolve(order, why=f"{order.why}, {order.at:%d %B}")
        try:
            if verb == "transfers":
                centre, _, to, _, candidate = rest
                return learners.transfer(self.desk, who, centre, to, candidate, order)
            if verb == "splits":
                return learners.split(self.desk, who, order)
            doing = learners.correct if verb == "corrects" else learners.merge
            return doing(self.desk, who, self.uci_of(rest[-1]), order)
        except StaffError as error:
            return f"refused: {error}"

    def uci_of(self, said: str) -> str:
        return self.learners[said]["uci"] if said in self.learners else said

    def waits(self, _: re.Match[str], __: Order) -> str:
        rows = waiting(self.desk).iter_rows(named=True)
        return "; ".join(f"{row['code']} {row['candidate']} {row['option']} at {row['centre']} not {row['other']} "
                         f"({to_do(row)})" for row in rows) or "nothing"  # fmt: skip

    def looks(self, _: re.Match[str], __: Order) -> None:
        """The ingest runs, with nothing new."""

    # --- Marks and moderation ---

    def board_marks(self, said: re.Match[str], order: Order) -> str:
        series, component, centre = self.series(said[1] or SERIES).id, said[2], said[4] or CENTRE
        learners = [word.partition("=") for word in said[3].split()]
        rows = [
            f"{series},{centre},{one},{self.entered_as(one, series, centre)},{component},"
            + ({"absent": ",A", "awaited": ",N"}.get(mark) or f"{_mark(mark, one)},")
            for one, _, mark in learners
        ]
        header = "series,centre,candidate,uci,component,mark,status"
        name = f"{order.at:%Y%m%d%H%M}"
        self.land(f"feeds/external-marks/{name}.csv", _csv(header, rows), order.at - timedelta(hours=1))
        take_external(self.desk, order.at)
        return self.desk.store.get(f"reports/marks/{name}.txt").decode()

    def entered_as(self, candidate: str, series: str, centre: str) -> str:
        """The UCI of a candidate: of the scenario's learners, or of who is entered under that number elsewhere."""
        if centre == CENTRE:
            return str(self.learners[candidate]["uci"])
        query = (
            "select distinct uci from entries where candidate = :candidate and series = :series and centre = :centre "
            "and ended_by is null"
        )
        [(uci,)] = self.rows(query, candidate=candidate, series=series, centre=centre)
        return str(uci)

    def completes(self, said: re.Match[str], order: Order) -> str:
        try:
            return complete_marks(self.desk, CENTRE, "2024-06", said[1], order)
        except StaffError as error:
            return str(error)

    def samples(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        before = self.drawn(series)
        samples.sample(self.desk, series, order.at)
        new = [one for one in self.drawn(series).items() if one not in before.items()]
        return "; ".join(_sample_in_words(component, rows) for component, rows in new) or "none"

    def moderates(self, said: re.Match[str], order: Order) -> str:
        series, component, difference = self.series(said[1] or SERIES), said[2], int(said[3])
        rows = [
            f"{series.id},{CENTRE},{component},{one['uci']},{max(0, min(MOST_RAW, int(one['mark']) + difference))},M17"
            for one in self.drawn(series)[component]
        ]
        self.land("feeds/moderation/m.csv", _csv("series,centre,component,uci,mark,moderator", rows),
                  order.at - timedelta(hours=1))  # fmt: skip
        moderation.take(self.desk, order.at)
        return self.desk.store.get("reports/moderation/m.txt").decode()

    def reads(self, said: re.Match[str], _: Order) -> str:
        key = f"outbox/{CENTRE}/{said[2]}-{self.series(said[1] or SERIES).id}-{said[3]}.txt"
        return " ".join(self.desk.store.get(key).decode().split())

    def reviews(self, _: re.Match[str], order: Order) -> str:
        return moderate(self.desk, (), order.at, order.at).note()

    def decides(self, said: re.Match[str], order: Order) -> str:
        doing = moderation.approve if said[1] == "approves" else moderation.reject
        try:
            return "done" if doing(self.desk, self.cohort(), order.who, order.why, order.at) else "decided before"
        except ValueError as error:
            return str(error)

    def says(self, said: re.Match[str], order: Order) -> str:
        """Somebody who has logged in to the console decides about what waits, as it was put forward first."""
        put_forward(self.desk, order.at, people=self.desk.settings.approvals)
        number = self.desk.approvals.current(terms.ADJUSTMENT)[-1].id
        verdict: terms.Verdict = terms.APPROVED if said[2] == "approves" else terms.REJECTED
        try:
            proposal = decide(self.desk, number, verdict, Signer(said[1], terms.BY_CONSOLE), order.why, order.at)
        except (ApprovalError, moderation.NotProposed) as error:
            return str(error)
        return proposal.state if proposal.state != terms.PROPOSED else f"{proposal.lacking} more must approve"

    def cohort(self) -> CohortName:
        """The one that is decided about: of the first component with a sample."""
        return CohortName("2024-06", CENTRE, min(self.drawn(self.series(SERIES))))

    def drawn(self, series: Series) -> dict[str, list[dict[str, str]]]:
        """The samples in the centre's outbox, by component."""
        keys = [
            one.key for one in self.desk.store.list(f"outbox/{CENTRE}/sample-{series.id}-") if one.key.endswith(".csv")
        ]
        return {key.rpartition("-")[2].removesuffix(".csv"): self.table(key) for key in keys}

    # --- Awards ---

    def sets_boundaries(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        rows = [
            f"{series.id},{code},{grade},{mark},Y,ours: a scenario"
            for code in (said[3].split() if said[3] else ENTERPRISE)
            for grade, mark in zip(GRADES, said[2].split(), strict=True)
        ]
        name = f"{order.at:%Y%m%d%H%M}"
        header = "series,component,grade,raw_mark,placeholder,source"
        self.land(f"feeds/boundaries/{name}.csv", _csv(header, rows), order.at - timedelta(hours=1))
        if not take_boundaries(self.desk, order.at).refused:
            approve_boundaries(self.desk, series, order.who, order.why, order.at)
        return self.desk.store.get(f"reports/boundaries/{name}.txt").decode()

    def makes_results(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        try:
            awarded = award(self.desk, series, order.at).awarding
            self.accept_all(awarded, said[2], order)
        except AwardError as error:
            return str(error)
        try:
            built = release.build(self.desk, awarded, order.at).awarding
            release.approve(self.desk, built, order.who, order.why, order.at)
            release.release_passed(self.desk, series, order.at)
        except release.ReleaseError as error:
            return str(error)
        return self.answers(series)

    def accept_all(self, awarded: Awarding, said: str | None, order: Order) -> None:
        """Accepts what blocks a version: `CODE of BEN03`, several by `and`; and cohorts of which the scenario tells no
        moderation."""
        blocking = balance(self.desk, awarded, order.at).exceptions
        untold = blocking.filter(code="MODERATION_OPEN", said=NEVER_DRAWN)["component"].unique(maintain_order=True)
        accepted = [words.split(" ")[::2] for words in said.split(" and ")] if said else []
        for code, scope in [*(("MODERATION_OPEN", component) for component in untold), *accepted]:
            accept(self.desk, f"{awarded.series} {code} {scope}", order.who, order.why, order.at)

    def weighs(self, _: re.Match[str], order: Order) -> str:
        """The balance sheet of the newest version, and what blocks."""
        newest = self.desk.results.newest("2024-06")
        assert newest
        return "; ".join(balance(self.desk, newest, order.at).lines())

    def accepts(self, said: re.Match[str], order: Order) -> str:
        """Somebody accepts what blocks, or takes it back."""
        doing = accept if said[1] == "accepts" else take_back
        try:
            done = doing(self.desk, f"2024-06 {said[2]} {said[3]}", order.who, order.why, order.at)
        except (ApprovalError, StaffError) as error:
            return f"refused: {error}"
        return "done" if done else "accepted before"

    def withholds(self, said: re.Match[str], order: Order) -> str:
        """Staff withhold results, release them or void them."""
        key, verb, learner, centre, option, who = said.groups(default="")
        series = self.series(key or SERIES)
        subject = Subject(component=option, centre=centre or (CENTRE if learner else ""), candidate=learner)
        order = evolve(order, who=who or order.who, how=terms.BY_CONSOLE if who else terms.PLAYED)
        try:
            if verb == "withholds":
                effect = effect_of(self.desk, series, subject)
                told = list(effect_lines(self.desk, effect)) if effect else []
                return "; ".join([*told, put_withheld(self.desk, series, subject, order)[0]])
            words: dict[str, terms.HoldWord] = {
                "releases": terms.HOLD_RELEASED, "voids": terms.HOLD_VOIDED, "gives back": terms.HOLD_GIVEN_BACK,
            }  # fmt: skip
            return end_withholding(self.desk, scope_of(self.desk, series.id, subject), words[verb], order)
        except (CorrectionError, StaffError) as error:
            return f"refused; {error}"

    def reads_results(self, said: re.Match[str], order: Order) -> str:
        """The records of the centre's R file, by candidate and code, and the rows of its newest portal feed."""
        name = f"R{CENTRE}15.X{said[1]}"
        data = self.desk.store.get(f"outbox/{CENTRE}/{name}")
        assert release.unlike(self.desk, self.series(SERIES), order.at, {name: data}) == ()
        rows = read_back({name: data}).iter_rows(named=True)
        return "; ".join(
            " ".join(
                str(word) for word in (row["candidate"], row["option"], row["score"], row["grade"]) if word is not None
            )
            for row in rows
        )

    def reads_uln(self, said: re.Match[str], order: Order) -> str:
        """The ULN that the records of a candidate have in the centre's R file."""
        name = f"R{CENTRE}15.X{said[1]}"
        rows = read_back({name: self.desk.store.get(f"outbox/{CENTRE}/{name}")})
        return " ".join(sorted(set(rows.filter(candidate=said[2])["uln"]))) or "none"

    def builds_results(self, said: re.Match[str], order: Order) -> str:
        """Awarded and built, not approved."""
        series = self.series(said[1] or SERIES)
        try:
            awarded = award(self.desk, series, order.at).awarding
            self.accept_all(awarded, said[2], order)
            release.build(self.desk, awarded, order.at)
        except (AwardError, release.ReleaseError) as error:
            return str(error)
        return self.answers(series)

    def decides_on_results(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        newest = self.desk.results.newest(series.id)
        assert newest
        decide = release.approve if said[2] == "approved" else release.withdraw
        try:
            return decide(self.desk, newest, order.who, order.why, order.at).state
        except release.ReleaseError as error:
            return str(error)

    def compares_results(self, _: re.Match[str], order: Order) -> str:
        return look(self.desk, order.at).note()

    def publishes(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        audiences: tuple[terms.Audience, ...] = (said[2],) if said[2] else ("centres", "learners")  # type: ignore[assignment]
        do_as_decided(self.desk, series)
        try:
            return [release.release(self.desk, series, audience, order.at) for audience in audiences][-1].note()
        except release.ReleaseError as error:
            return str(error)

    def reads_portal(self, said: re.Match[str], _: Order) -> str:
        """What the portal shows to an audience: of each code the row of the newest version, with that of the feed."""
        key, audience = f"portal/{said[1]}/{self.series(SERIES).id}/", said[1]
        feeds_ = sorted((one.key for one in self.desk.store.list(key)), key=lambda place: int(place.split("/")[3]))
        rows = {(row["candidate"], row["code"]): row for place in feeds_ for row in self.table(place)}
        assert audience == "centres" or not any("raw" in row for row in rows.values())
        return (
            "; ".join(
                f"{row['candidate']} {row['code']} {row['ums'] or row['indicator']}" for _, row in sorted(rows.items())
            )
            + f"; versions {' '.join(dict.fromkeys(place.split('/')[3] for place in feeds_)) or 'none'}"
        )

    def awards_late_claims(self, said: re.Match[str], order: Order) -> str:
        note = late_claims(self.desk, order.at).note()
        return f"{note}; {self.answers(self.series(said[1] or SERIES))}"

    def lists_claims(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        claim_lists(self.desk, series, order.at)
        return self.claims_of(series, said[2] or CENTRE)

    def morning(self, said: re.Match[str], order: Order) -> str:
        """What the run of the claim lists at an instant does."""
        due = list(due_series(up_to_date(self.desk), SCHEDULES["claim_lists"].days_before, order.at))
        for series in due:
            claim_lists(self.desk, series, order.at)
        return "; ".join(f"{series.id} {self.claims_of(series, CENTRE)}" for series in due) or "nothing is due"

    def claims_of(self, series: Series, centre: str) -> str:
        """A centre's list of claims."""
        key = f"outbox/{centre}/claims-{series.id}"
        if not list(self.desk.store.list(f"{key}.csv")):
            return "nobody"
        text = " ".join(self.desk.store.get(f"{key}.txt").decode().split())
        rows = [
            f"{one['candidate']} {one['code']} {one['choice']} {one['worst_grade']} {one['worst_ums']} to "
            f"{one['best_grade']} {one['best_ums']}"
            for one in self.table(f"{key}.csv")
        ]
        return "; ".join([*rows, text] if rows else ["nobody"])

    def lists_owed(self, said: re.Match[str], order: Order) -> str:
        """Who has no result although results are out."""
        rows = owed(self.desk, order.at).iter_rows(named=True)
        numbers = {one["uci"]: number for number, one in self.learners.items()}
        return (
            "; ".join(
                f"{row['series']} {numbers.get(row['uci'], row['uci'])} {row['state']} {row['code']} {row['about']} "
                f"since {row['since']:%Y-%m-%d} turn of {row['turn']} letter {row['letter'] or 'none'} "
                f"at {row['centre']}/{row['candidate']}"
                for row in rows
            )
            or "nobody"
        )

    def lists_holds(self, said: re.Match[str], _: Order) -> str:
        """What is withheld, or voided, by itself: whose, and which code."""
        rows = holds(self.desk, terms.WITHHELD if said[1] == "withheld" else terms.HOLD_VOIDED).iter_rows(named=True)
        return "; ".join(
            f"{row['series']} {row['centre'] or '*'}/{row['candidate'] or row['uci'] or '*'} {row['option'] or '*'}"
            for row in rows
        ) or "nothing"  # fmt: skip

    def lists_certificates(self, said: re.Match[str], order: Order) -> str:
        series = self.series(said[1] or SERIES)
        try:
            certificates(self.desk, series, order.at)
        except release.ReleaseError as error:
            return str(error)
        lists = {
            "on request" if one.key.endswith("-on-request.csv") else "due": self.table(one.key)
            for one in self.desk.store.list(f"reports/certificates/{series.id}-")
        }
        return "; ".join(
            f"{one['candidate']} {one['grade']} {what} {'named' if one['name'] else 'without a name'}"
            for what, rows in lists.items()
            for one in rows
        )

    def answers(self, series: Series) -> str:
        """The results of a series as they stand, a phrase each."""
        current = self.desk.results.current(series.id)
        components = [
            f"{one['candidate']} {one['component']} {one['outcome']} {one['grade']} {one['ums']}"
            for one in current["results"].iter_rows(named=True)
        ]
        claims = [
            f"{one['candidate']} {one['cash_in']} {one['outcome'].replace('_', ' ')} "
            + (f"{one['grade']} {one['ums']}" if one["outcome"] == "awarded" else f"{one['reason']} {one['about']}")
            + (" performance" if one["performance"] else "")
            for one in current["awards"].iter_rows(named=True)
        ]
        return "; ".join([*components, *claims])

    # --- Corrections ---

    def asks_people(self, said: re.Match[str], _: Order) -> str:
        self.given(f"{said[1]} people approve: {said[2]}")
        return said[1]

    def opens_correction(self, said: re.Match[str], order: Order) -> str:
        """A case about results of learners of the centre: `correction 1`, or why not."""
        about = [
            f"{CENTRE}/{who.strip()}/{code}" if who else code
            for who, code in re.findall(r"(\d{4} )?(\w+)(?:,|$)", said[2])
        ]
        request = Request(kind=said[3].replace(" ", "_"), about=about, by="the centre", on=f"{order.at:%Y-%m-%d}")
        try:
            series = self.series(said[1] or SERIES)
            return f"correction {open_case(self.desk, series, request, order.who, order.why, order.at).number}"
        except CorrectionError as error:
            return f"refused; {error}"

    def proposes(self, said: re.Match[str], order: Order) -> str:
        """What the effect of a proposal is, in the words of the command line; or why it is refused."""
        number, words, kind, consent, left, who = int(said[1]), said[2] or "", said[3], said[4], said[5], said[6]
        boundaries: dict[str, dict[str, int]] = {}
        for code, grade, mark in re.findall(r"(\w+):(\w+)=(\d+)", words):
            boundaries.setdefault(code, {})[grade] = int(mark)
        plan = Plan(
            kind=(kind or "").replace(" ", "_"), consent=consent or "", left_higher=left or "", boundaries=boundaries,
            marks={f"{CENTRE}/{learner}/{code}": mark
                   for code, learner, mark in re.findall(r"(\w+) (\d{4})=(\w+)", words)},
        )  # fmt: skip
        by = Signature(how=terms.BY_CONSOLE, people=self.desk.settings.approvals)
        try:
            case = numbered(self.desk, number)
            told = list(case_lines(self.desk, case, considered(self.desk, case, completed(case, plan))))
            propose(self.desk, number, plan, who, order.why, order.at, by)
        except CorrectionError as error:
            return f"refused; {error}"
        return "; ".join(told)

    def decides_correction(self, said: re.Match[str], order: Order) -> str:
        """What comes of somebody's decision, and the results as they are then; or why it is refused."""
        proposal = self.desk.approvals.newest(terms.CORRECTION, said[1])
        verdict: terms.Verdict = terms.APPROVED if said[2] == "approved" else terms.REJECTED
        assert proposal
        if said[4]:
            by = Signature(how=terms.BY_CONSOLE, people=self.desk.settings.approvals)
            case = numbered(self.desk, int(said[1]))
            return sign(self.desk, exhibit_of(case), verdict, said[3], order.why, order.at, by).state
        try:
            decide(self.desk, proposal.id, verdict, Signer(said[3], terms.BY_CONSOLE), order.why, order.at)
        except (ApprovalError, CorrectionError) as error:
            return f"refused; {error}"
        case = numbered(self.desk, int(said[1]))
        versions = [f"{series} version {version}" for series, version in self.desk.corrections.versions(case.number)]
        return "; ".join([case.state, *versions, self.answers(self.series(SERIES))])

    def lists_corrections(self, _: re.Match[str], __: Order) -> str:
        return "; ".join(
            f"{case.number} {case.state} {', '.join(f'{one} {one.given}'.strip() for one in case.subjects)}"
            for case in self.desk.corrections.all()
        ) or "none"  # fmt: skip

    def reads_correction(self, said: re.Match[str], _: Order) -> str:
        return " ".join(self.desk.store.get(f"outbox/{said[2] or CENTRE}/correction-{said[1]}.txt").decode().split())

    def reads_results_file(self, said: re.Match[str], order: Order) -> str:
        """A results file in the centre's outbox: `0001 BEN03 120 P2`, a phrase a record. Schools can import it."""
        name = said[1]
        data = self.desk.store.get(f"outbox/{CENTRE}/{name}")
        assert release.unlike(self.desk, self.series(SERIES), order.at, {name: data}) == ()
        rows = read_back({name: data})
        return "; ".join(
            f"{row['candidate']} {row['option']} {row['score']} {row['grade']}" for row in rows.iter_rows(named=True)
        )

    def asks_for_results(self, _: re.Match[str], order: Order) -> str:
        """What comes of a request for a complete results file of the centre."""
        return updated(self.desk, [CENTRE], order.at, self.series(SERIES), order.who, order.why).note()

    def explains(self, said: re.Match[str], _: Order) -> str:
        return "; ".join(explained(explain(self.desk, CENTRE, said[1])))

    def audits(self, _: re.Match[str], order: Order) -> str:
        """The first difference that an audit of everything finds, or `nothing`."""
        return next((found.words for found in audit(self.desk, order.at).differences), "nothing")

    def lists_register(self, _: re.Match[str], __: Order) -> str:
        """The register of certificates, a phrase each."""
        rows = self.desk.corrections.certificates([series.id for series in self.desk.catalogue.all_series()])
        return "; ".join(
            f"{row['number']} {row['candidate']} {row['grade']} {row['state']}"
            + (f" in place of {row['replaces']}" if row["replaces"] else "")
            for row in rows.iter_rows(named=True)
        ) or "none"  # fmt: skip

    # --- Lists and money ---

    def checks(self, said: re.Match[str], order: Order) -> str:
        summary = checkpoint(self.desk, self.series(SERIES), said[1], order.at)
        reasons = [f"{code} {count}" for code, count in summary.reasons.items()]
        silent = [f"SILENT {summary.silent}"] if summary.silent else []
        return " ".join([*reasons, *silent]) or "nobody"

    def chases(self, _: re.Match[str], order: Order) -> str:
        missing_marks(self.desk, self.series(SERIES), order.at)
        keys = [one.key for one in self.desk.store.list(f"outbox/{CENTRE}/missing-marks-") if one.key.endswith(".csv")]
        rows = [one for key in keys[-1:] for one in self.table(key)]
        return " ".join(f"{one['candidate']}:{one['component']}" for one in rows) or "nobody"

    def invoices(self, _: re.Match[str], order: Order) -> str:
        statements(self.desk, self.series(SERIES), order.at)
        total = self.table(f"outbox/{CENTRE}/invoice-2024-06.csv")[-1]
        return f"GBP {total['GBP']}"

    # --- Keeping and forgetting ---

    def disputes(self, said: re.Match[str], order: Order) -> str:
        uci = self.learners[said[2]]["uci"] if said[2] else ""
        fresh = dispute(self.desk, Dispute(CENTRE, "", uci), order.at, order.who, order.why, said[1] == "settles")
        return "done" if fresh else "nothing changes"

    def keeps(self, _: re.Match[str], order: Order) -> str:
        done = keep(self.desk, order.at, order.who, order.why)
        # Of outputs the store says when they were written, which no scenario sets.
        told = [due for due in done.classes if due.kept.name in ("archive", "findings", "replies", "learners")]
        counts = [f"{due.kept.name} {due.count}" for due in told if due.count]
        back = [f"kept back {why} {due.kept.name} {count}" for due in told for why, count in due.back.items()]
        return "; ".join([*counts, *back]) or "nothing"

    def gives(self, said: re.Match[str], order: Order) -> str:
        held = export(self.desk, self.learners[said[1]]["uci"], order.at, order.who, order.why)
        return "; ".join(f"{name} {len(rows)}" for name, rows in held.parts.items() if rows)

    # --- What is there ---

    def series(self, key: str) -> Series:
        found = self.desk.catalogue.series(key, "13" if key.startswith("9B") else "15")
        assert found, key
        return found

    def table(self, key: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.desk.store.get(key).decode())))

    def answered(self) -> dict[str, dict[str, Any]]:
        """The replies in the outboxes of all centres as JSON, by key."""
        keys = [one.key for one in self.desk.store.list("outbox/") if re.fullmatch(r"outbox/\d{5}/X.+\.json", one.key)]
        return {key: json.loads(self.desk.store.get(key)) for key in keys}

    def holds(self, candidate: str, key: str, centre: str) -> list[str]:
        query = (
            "select option from {} where candidate = :candidate and series = :series and centre = :centre and "
            "ended_by is null order by 1"
        ).format("registrations" if key.startswith("9B") else "entries")
        held = self.rows(query, candidate=candidate, series=self.series(key).id, centre=centre)
        return [row[0] for row in held]

    def is_known(self, candidate: str, detail: str, centre: str) -> str:
        """A detail in force of a learner, by the candidate number of the newest registration; `none` for none."""
        held = self.desk.ledger.registrations_of([centre]).filter(candidate=candidate).sort("id")
        value = held[detail][-1]
        return str(value) if value else "none"

    def marked(self, candidate: str, component: str) -> tuple[int, str]:
        query = (
            "select mark, stage from marks where candidate = :candidate and component = :component and "
            "series = '2024-06' order by version desc limit 1"
        )
        [(mark, stage)] = self.rows(query, candidate=candidate, component=component)
        return mark, stage

    def rows(self, query: str, **values: str) -> list[Any]:
        with self.desk.ledger.engine.connect() as connection:
            return list(connection.execute(sa.text(query), values))


_WHO = r"(?: (\d{4})(?: (\([^)]*\)))?:)?"
_ACTIONS: dict[str, Callable[[Season, re.Match[str], Order], str | None]] = {
    r"(?:in (\w{4}) )?a correction is opened for (.+) as (.+)": Season.opens_correction,
    r"correction (\d+)(?: of (.+?))?(?: as ([a-z][a-z -]+?))?(?:, consent (\S+))?(?:, left higher: (.+?))? is proposed "
    r"by (\w+)": Season.proposes,
    r"correction (\d+) is (approved|rejected) by (\w+)(, and carried out later)?": Season.decides_correction,
    r"(\d) people approve from now on: (.+)": Season.asks_people,
    r"corrections are listed": Season.lists_corrections,
    r"a complete R file is asked for": Season.asks_for_results,
    r"the centre reads correction (\d+)(?: at (\d{5}))?": Season.reads_correction,
    r"the centre reads results in (\S+)": Season.reads_results_file,
    r"(\d{4}) is explained": Season.explains,
    r"the register of certificates": Season.lists_register,
    r"the record is audited": Season.audits,
    rf"(?:in (\w{{4}}) )?(?:centre|other (\d{{5}})) sends ([EAM]){_WHO}(.*)": Season.sends,
    r"centre makes a folder (.+)": Season.makes_a_folder,
    r"(portal|staff) (enters|withdraws) (?:in (\w{4}) )?(\d{4}) (\w+)": Season.enters,
    r"portal says that (?:in (\w{4}) )?((?:\w{5} ?)+?) (?:is|are) complete": Season.portal_completes,
    r"(?:in (\w{4}) )?staff extends (\w+) to (\S+)": Season.extends,
    r"staff (sets|asks for) (?:in (\w{4}) )?(\w+)(?: of (\w{5}))? to (\S+)(?: from (\S+ \S+ \w{3}))?": Season.moves,
    r"staff undoes change (\d+)": Season.undoes,
    r"staff takes the extension of (\w+) back": Season.withdraws_extension,
    r"staff is asked about an extension (?:of (\w+) )?for (\d{5}) to (\S+)": Season.doubts,
    r"the centre reads its deadlines": Season.reads_deadlines,
    r"staff allows (\d{4}) (\w+)": Season.allows,
    r"the desk looks": Season.looks,
    r"staff (corrects|merges|splits|transfers) (\w+)(.*)": Season.orders,
    r"staff puts right (\d{4}) \((.+)\)": Season.puts_right,
    r"staff's work list": Season.waits,
    r"(?:in (\w{4}) )?board marks (\w+) (.+?)(?: at (\d{5}))?": Season.board_marks,
    r"staff completes (\w+)": Season.completes,
    r"(?:in (\w{4}) )?samples are drawn": Season.samples,
    r"(?:in (\w{4}) )?moderator marks (\w+) ([+-]\d+)": Season.moderates,
    r"(?:in (\w{4}) )?the centre reads (feedback|sample) on (\w+)": Season.reads,
    r"feedback time is over": Season.reviews,
    r"staff (approves|rejects) the adjustment": Season.decides,
    r"(\w+) (approves|rejects) the adjustment, logged in": Season.says,
    r"(?:in (\w{4}) )?board sets boundaries ([\d ]+?)(?: for ((?:\w{5} ?)+))?": Season.sets_boundaries,
    r"(?:in (\w{4}) )?results are made(?:, (.+) accepted)?": Season.makes_results,
    r"(?:in (\w{4}) )?results are built(?:, (.+) accepted)?": Season.builds_results,
    r"(?:in (\w{4}) )?results are (approved|withdrawn)": Season.decides_on_results,
    r"results are compared": Season.compares_results,
    r"results are weighed": Season.weighs,
    r"(?:in (\w{4}) )?staff (withholds|releases|voids|gives back)(?: (\d{4}))?(?: of (\d{5}))?(?: (B\w+))?"
    r"(?:, by (\w+))?": Season.withholds,
    r"the R file (\d\d) is read": Season.reads_results,
    r"the R file (\d\d) is read for the ULN of (\d{4})": Season.reads_uln,
    r"staff (accepts|takes back) (\w+) (?:of|at) (\w+)": Season.accepts,
    r"(?:in (\w{4}) )?results are published(?: to (centres|learners))?": Season.publishes,
    r"the portal for (centres|learners) is read": Season.reads_portal,
    r"(?:in (\w{4}) )?late claims are awarded": Season.awards_late_claims,
    r"the run of the claim lists": Season.morning,
    r"(?:in (\w{4}) )?claims are listed(?: for (\d{5}))?": Season.lists_claims,
    r"who is owed a result is listed": Season.lists_owed,
    r"what is (withheld|voided) is listed": Season.lists_holds,
    r"(?:in (\w{4}) )?certificates are listed": Season.lists_certificates,
    r"staff (disputes|settles) (?:(\d{4})|everything)": Season.disputes,
    r"records are kept no longer than they should": Season.keeps,
    r"(\d{4}) is given what is held": Season.gives,
    r"centre (\d{5}) (?:in (\w{4}) )?sends E (\d{4}): (.+)": Season.others_send,
    r"the register has (\d+)(?: with (.+))?": Season.registers,
    r"staff (asks for|grants|denies|ends) (\d{5}) (\S+)(?: from (\S+))?( by fast track)?": Season.applies,
    r"applications are listed": Season.open_applications,
    r"checkpoint (\w+)": Season.checks,
    r"missing marks are chased": Season.chases,
    r"invoice": Season.invoices,
}


def _instant(said: str) -> datetime:
    day, clock, zone = said.split()
    at = datetime.fromisoformat(f"{day}T{clock}{ZONES[zone]}")
    assert at.astimezone(LONDON).tzname() == zone, f"{said}: not {zone} on that day"
    return at


def _learners(count: int) -> dict[str, dict[str, str]]:
    return {one["candidate"]: one for one in people(CENTRE, count, seed=1)}


def _years(text: str) -> list[int]:
    """The years of registration, as their keys have them, of the series (`1B24`, `6B24`) that a text speaks of."""
    return sorted({int(year) - 1 for year in re.findall(r"\b[16]B(\d\d)\b", f"{SERIES} {text}")})


def _mark(said: str, candidate: str) -> str:
    """A mark, or `rising`: the candidate number, from 1 again after the maximum; `rising+4`: four more, to the
    maximum."""
    if rising := re.fullmatch(r"rising(?:\+(\d+))?", said):
        return str(min((int(candidate) - 1) % MOST_RAW + 1 + int(rising[1] or 0), MOST_RAW))
    return said


def _fact(facts: list[str], pattern: str) -> str | None:
    found = [said[1] for said in (re.fullmatch(pattern, one) for one in facts) if said]
    return found[0] if found else None


def _csv(header: str, rows: list[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in [header, *rows]).encode()


def _sample_in_words(component: str, rows: list[dict[str, str]]) -> str:
    marks = {one["reason"]: one["mark"] for one in rows}
    return f"{component} {len(rows)} learners from {marks['lowest']} to {marks['highest']}"


def _agrees(told: str, expected: str) -> bool:
    """Codes (in capitals) and phrases of `expected`, by comma, are in what is told, those after `no` are not: in whole
    words, so that `1 new` is not in `11 new`."""
    return all(
        bool(re.search(rf"(?<![\w:-]){re.escape(part.removeprefix('no '))}(?![\w:])", told))
        is not part.startswith("no ")
        for part in expected.split(", ")
        if part
    )


def _compare_replies(line: str, new: list[dict[str, Any]], expected: list[str]) -> None:
    """What is said after the action is what the reply says: outcome, codes, total."""
    if not expected:
        return
    if expected[0] == "no reply yet":
        assert all(one["outcome"] is None for one in new), (line, new)
        return
    assert len(new) == 1, (line, new)
    [reply] = new
    said, *phrases = expected[0].split(", ")
    words = said.split()
    changed = [f"{one['candidate']} {one['field']}: {one['old'] or 'none'}, now {one['new'] or 'none'}" for one in
               reply["details_changed"]]  # fmt: skip
    told = "; ".join([*changed, *(f"{one['code']}: {one['message']}" for one in reply["findings"])])
    assert _agrees(told, ", ".join(phrases)), (line, told)
    codes = [one["code"] for one in reply["findings"]]
    outcome = " ".join(word for word in words if word.islower() and word != "no")
    assert reply["outcome"] == outcome or (outcome == "accepted" and reply["outcome"].startswith(outcome)), (
        line, reply["outcome"], codes,
    )  # fmt: skip
    for before, word in zip(["", *words], words, strict=False):
        if word.isupper():
            assert (word in codes) is (before != "no"), (line, codes)
    if len(expected) > 1:
        assert reply["fee_total_pence"] == int(re.sub(r"GBP |[.,]", "", expected[1])), (line, reply["fee_total_pence"])
