"""Dates of the calendar that staff change (CAL-7): by command and in the console, shown first, in force once confirmed,
and followed by files, runs and a replay."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from fastapi import Request
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from infra.ledger.approvals import Signer
from infra.settings import Settings
from pipeline.cli import main
from pipeline.console.access import Person, Right
from pipeline.console.app import application
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.orders import Order, StaffError
from pipeline.replay import replay
from pipeline.season import moving
from pipeline.season.changes import DateChange
from pipeline.season.timetable import CalendarTimetable, exam_milestones
from rules import terms
from rules.catalogue import LONDON, Series
from tests.scenario_language import Season
from tests.support import CENTRE

SAID = ("--why", "snow")
ORDERED = datetime(2024, 5, 16, 9, tzinfo=LONDON)
LATER_MARKS = DateChange(series="2024-06", event="marks_deadline", day="2024-05-20")


def order(at: datetime = ORDERED) -> Order:
    return Order("J. Clerk", "snow", at)


def date(desk: Desk, event: str = "marks_deadline", at: datetime = ORDERED) -> str:
    series = desk.catalogue.series_by_id("2024-06")
    assert isinstance(series, Series)
    found = desk.catalogue.milestone(series, event, at)
    assert found
    return found.text


@pytest.fixture
def shell(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command of the calendar on the desk."""
    for name, value in (("CATALOGUE", fresh.catalogue), ("STATE", fresh.state), ("DATABASE_URL", fresh.database_url)):
        monkeypatch.setenv(f"RESULTSDAY_{name}", str(value))
    return lambda *words, answer=None: CliRunner().invoke(main, ["calendar", *words], input=answer)


def test_cal_7_a_command_shows_what_follows_and_another_puts_it_in_force(
    shell: Callable[..., Result], fresh: Settings
) -> None:
    asked = shell("set", "2027-06", "marks_deadline", "2027-05-20", *SAID)
    assert asked.exit_code == 0, asked.output
    assert "14 May 2027 [placeholder] (calendar of 1 July 2026 [placeholder]) becomes 20 May 2027" in asked.output
    assert "moderation: from 15 May 2027 00:00 BST to 21 May 2027 00:00 BST" in asked.output
    assert "Change 1 waits." in asked.output
    assert "20 May 2027" not in shell("2027-06").output
    assert shell("confirm", "1", *SAID, answer="n\n").exit_code != 0
    assert "20 May 2027" not in shell("show", "2027-06").output
    assert "marks_deadline of 2027-06 on 20 May 2027, in force from" in shell("confirm", "1", *SAID, "--yes").output
    assert "(change 1)" in shell("2027-06").output
    listed = shell("list", "2027-06").output
    assert "confirmed" in listed
    assert "asked for" in listed
    assert shell("list", "2024-06").output == "Staff have changed no date.\n"
    assert "becomes 14 May 2027" in shell("undo", "1", *SAID).output
    assert "Dropped" in shell("drop", "2", *SAID).output
    assert "decided already" in shell("confirm", "2", *SAID, "--yes").output
    assert "there is no change 9" in shell("confirm", "9", *SAID, "--yes").output


def test_cal_7_a_file_that_waits_is_judged_by_what_is_in_force_at_its_receipt(work: Desk) -> None:
    season = Season(work)
    season.register([23])
    season.step("2024-02-15 12:00 GMT | centre sends E BEN01 | accepted")
    season.send("M", "6B24", ["0001"], ["BEN01=40"], [], ORDERED - timedelta(minutes=1))
    season.send("M", "6B24", ["0002"], ["BEN01=40"], [], ORDERED + timedelta(minutes=1))
    moving.ask(work, LATER_MARKS, order())
    moving.confirm(work, LATER_MARKS, order())
    assert ingest(work, ORDERED + timedelta(hours=1)).outcomes == {"refused": 1, "accepted": 1}
    with open_desk(work.settings) as again:
        assert (date(again), date(again, at=ORDERED - timedelta(seconds=1))) == ("20 May 2024", "15 May 2024")


def test_cal_7_an_earlier_version_than_one_there_is_would_be_without_effect(work: Desk) -> None:
    moving.ask(work, LATER_MARKS, order())
    moving.confirm(work, LATER_MARKS, order())
    before = DateChange(series="2024-06", event="marks_deadline", day="2024-05-22", since=ORDERED - timedelta(days=1))
    with pytest.raises(StaffError, match="without effect"):
        moving.ask(work, before, order(ORDERED + timedelta(hours=1)))


def two_people(work: Desk) -> Desk:
    return evolve(work, settings=evolve(work.settings, approvals=2, approvers="jane=jclerk,john"))


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (Signer("jane", terms.BY_CONSOLE), "jane has asked for this and jane cannot confirm it"),
        (Signer("JANE", terms.BY_ACCOUNT), "jane has asked for this and system account JANE cannot"),
        (Signer("jclerk", terms.BY_ACCOUNT), "system account jclerk cannot confirm it"),
        (Signer("eve", terms.STATED), "nobody has verified who eve"),
    ],
)
def test_ops_4_where_two_are_asked_another_person_confirms_a_date(work: Desk, second: Signer, words: str) -> None:
    strict, asked = two_people(work), Order("jane", "snow", ORDERED, terms.BY_CONSOLE)
    moving.ask(strict, LATER_MARKS, asked)
    with pytest.raises(StaffError, match=words):
        moving.confirm(strict, LATER_MARKS, Order(second.who, "snow", ORDERED, second.how))
    assert strict.calendar.changes()[0].decision is None
    moving.confirm(strict, LATER_MARKS, Order("eve", "snow", ORDERED, terms.BY_ACCOUNT))
    assert str(strict.calendar.changes()[0].decided_by) == "system account eve"


def test_ops_4_where_both_have_asked_for_the_same_either_confirms_what_the_other_wants(work: Desk) -> None:
    strict = two_people(work)
    for who in ("jane", "john"):
        moving.ask(strict, LATER_MARKS, Order(who, "snow", ORDERED, terms.BY_CONSOLE))
    assert "Confirmed" in moving.confirm(strict, LATER_MARKS, Order("jane", "seen", ORDERED, terms.BY_CONSOLE))
    assert [(row.who, row.decided_who) for row in strict.calendar.changes()] == [("jane", None), ("john", "jane")]


def test_ops_4_res_6_of_two_equal_wishes_the_one_of_the_number_is_decided_and_a_replay_does_the_same(
    work: Desk, new_ledger: Callable[[], str], tmp_path: Path
) -> None:
    strict = two_people(work)
    for who in ("jane", "john", "eve"):
        moving.ask(strict, LATER_MARKS, Order(who, "snow", ORDERED, terms.BY_CONSOLE))
    jane = Order("jane", "seen", ORDERED, terms.BY_CONSOLE)
    with pytest.raises(StaffError, match="jane has asked for this"):
        moving.decide(strict, 1, terms.CONFIRMED, jane)
    assert "Dropped" in moving.decide(strict, 3, terms.DROPPED, jane)
    with pytest.raises(StaffError, match="change 3 is decided already: dropped by jane"):
        moving.decide(strict, 3, terms.CONFIRMED, jane)
    for _ in range(2):
        assert "onfirmed" in moving.decide(strict, 2, terms.CONFIRMED, jane)
    decided = [(row.who, row.decision) for row in strict.calendar.changes()]
    assert decided == [("jane", None), ("john", "confirmed"), ("eve", "dropped")]
    settings = evolve(work.settings, state=tmp_path / "again", database_url=new_ledger(), settle_seconds=0)
    with open_desk(settings) as empty:
        came = replay(work, empty)
        assert (came.differences, came.rows.first) == ((), ())
        assert [(row.who, row.decision) for row in empty.calendar.changes()] == decided


def test_ops_4_where_two_are_asked_the_day_of_results_is_confirmed_by_who_may_approve_them(work: Desk) -> None:
    strict = two_people(work)
    later = DateChange(series="2024-06", event="results_to_learners", day="2024-08-23")
    moving.ask(strict, later, Order("jane", "snow", ORDERED, terms.BY_CONSOLE))
    with pytest.raises(StaffError, match="system account eve may not decide"):
        moving.confirm(strict, later, Order("eve", "snow", ORDERED, terms.BY_ACCOUNT))
    moving.confirm(strict, later, Order("john", "snow", ORDERED, terms.BY_ACCOUNT))


def test_cal_7_asked_and_confirmed_twice_in_the_same_words_it_is_one_change(work: Desk) -> None:
    assert [moving.ask(work, LATER_MARKS, order()), moving.ask(work, LATER_MARKS, order())] == [1, 1]
    moving.confirm(work, LATER_MARKS, order())
    assert "confirmed already" in moving.confirm(work, LATER_MARKS, order())
    with pytest.raises(StaffError, match="decided already"):
        moving.confirm(work, LATER_MARKS, Order("A. Clerk", "snow", ORDERED))
    assert len(work.calendar.changes()) == 1


@pytest.mark.parametrize(
    ("who", "why"), [("J. Clerk", " "), ("J. Clerk", "\u200b\u2060"), ("J. Clerk", "..."), ("\u00ad", "snow")]
)
def test_cal_7_ops_3_who_and_why_are_asked_for(work: Desk, who: str, why: str) -> None:
    with pytest.raises(StaffError, match="who is doing this and why"):
        moving.ask(work, LATER_MARKS, Order(who, why, ORDERED))


def test_cal_7_ops_3_what_somebody_else_has_decided_meanwhile_is_not_said_to_be_done(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    moving.ask(work, LATER_MARKS, order())
    waiting = work.calendar.changes()
    moving.drop(work, LATER_MARKS, Order("A. Clerk", "not needed", ORDERED))
    monkeypatch.setattr(type(work.calendar), "changes", lambda _: waiting)
    with pytest.raises(StaffError, match="somebody has decided change 1 meanwhile"):
        moving.confirm(work, LATER_MARKS, order())


def test_cal_7_the_runs_of_the_calendar_move_and_without_a_ledger_keep_to_the_catalogue(
    work: Desk, shell: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    timetable = CalendarTimetable(work.settings.catalogue.absolute(), ("marks_deadline",))
    start = datetime(2022, 9, 1, tzinfo=UTC)
    assert timetable.next_run(None, start, ORDERED) == datetime(2024, 5, 16, tzinfo=LONDON)
    moving.ask(work, LATER_MARKS, order())
    moving.confirm(work, LATER_MARKS, order())
    moved = datetime(2024, 5, 21, tzinfo=LONDON)
    assert timetable.next_run(datetime(2024, 5, 16, tzinfo=LONDON), start, ORDERED) == moved
    assert [
        date.at for date in exam_milestones(timetable.catalogue, ["marks_deadline"]) if date.series == "2024-06"
    ] == [moved]

    def gone(_: str) -> None:
        raise OperationalError("", None, Exception())

    monkeypatch.setattr("pipeline.season.timetable.changes_at", gone)
    assert timetable.next_run(None, start, ORDERED) == datetime(2024, 5, 16, tzinfo=LONDON)


def test_cal_7_a_component_that_has_no_date_of_its_own_any_more_has_no_run(
    work: Desk, shell: Callable[..., Result]
) -> None:
    own = evolve(LATER_MARKS, component="BEN02")
    for change in (own, evolve(own, day="general")):
        moving.ask(work, change, order())
        moving.confirm(work, change, order())
    dates = exam_milestones(work.settings.catalogue.absolute(), ["marks_deadline"])
    assert [date.text for date in dates if date.series == "2024-06"] == ["15 May 2024"]
    assert "marks_deadline of 2024-06 for BEN02 as for all components, from 16 May 2024" in shell("list").output


def test_the_dates_of_staff_are_read_without_polars() -> None:
    look = "import sys, infra.ledger.calendar; print({'polars'} & set(sys.modules))"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "set()"


# --- The console -----------------------------------------------------------------------------------------------------


def console(settings: Settings, *rights: Right) -> TestClient:
    async def whoever(_: Request) -> Person:
        return Person(name="jane", rights=frozenset({"look", "files", *rights}))

    site = application(settings, lambda: ORDERED, whoever, lambda back: back)
    return TestClient(site, headers={"origin": "http://testserver"})


WISH = {
    "series": "2024-06",
    "event": "marks_deadline",
    "day": "2024-05-20",
    "since": "",
    "component": "",
    "why": "snow",
}


@pytest.mark.parametrize(
    ("since", "shown"),
    [("2024-05-17T09:00", "17 May 2024 09:00 BST"), ("2024-05-17T09:00Z", "17 May 2024 10:00 BST")],
)
def test_cal_7_in_the_console_an_instant_is_london_time_unless_it_says_otherwise(
    fresh: Settings, since: str, shown: str
) -> None:
    page = console(fresh, "act").post("/calendar", data=WISH | {"since": since})
    assert f"in force from {shown}" in page.text


def test_cal_7_in_the_console_nothing_is_in_force_before_somebody_confirms_what_they_saw(fresh: Settings) -> None:
    pages = console(fresh, "act")
    shown = pages.post("/calendar", data=WISH)
    assert "15 May 2024 (calendar of 1 April 2024) becomes 20 May 2024" in shown.text
    sha256 = shown.text.partition('name="sha256" value="')[2][:64]
    with open_desk(fresh) as desk:
        assert date(desk) == "15 May 2024"
    said = {"verdict": "confirm", "why": "asked for by the regulator"}
    refused = pages.post("/calendar/1", data=said | {"sha256": "0" * 64})
    assert (refused.status_code, "look at it again" in refused.text) == (409, True)
    done = pages.post("/calendar/1", data=said | {"sha256": sha256})
    assert "jane, 16 May 2024 09:00" in done.text
    assert "20 May 2024" in pages.get("/calendar?series=2024-06").text
    with open_desk(fresh) as desk:
        assert date(desk) == "20 May 2024"
        [row] = desk.calendar.changes()
        assert (row.by, row.decided_by) == (Signer("jane", terms.BY_CONSOLE),) * 2  # OPS-4
    undo = pages.post("/calendar/1/undo", data={"why": "the snow has gone"})
    assert "becomes 15 May 2024" in undo.text
    assert "Nothing of it was in force" not in pages.post("/calendar/2", data={"verdict": "drop", "why": "no"}).text
    assert pages.get("/calendar/3").status_code == 404


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"day": ""}, "is not a date"),
        ({"day": "", "component": "BEN02"}, "BEN02 has no marks_deadline of its own"),
        ({"day": "2024-05-15"}, "nothing would change"),
        ({"day": "20/05/2024"}, "is not a date"),
        ({"since": "yesterday"}, "is no instant"),
        ({"why": " "}, "who is doing this and why"),
        ({"series": "2099-06"}, "no such series"),
    ],
)
def test_cal_7_in_the_console_a_wish_that_cannot_be_is_refused_with_the_reason(
    fresh: Settings, changed: dict[str, str], why: str
) -> None:
    answer = console(fresh, "act").post("/calendar", data=WISH | changed)
    assert answer.status_code in (404, 409)
    assert why in answer.text


def test_cal_7_who_may_only_look_changes_nothing_and_results_days_are_for_approvers(fresh: Settings) -> None:
    assert console(fresh).post("/calendar", data=WISH).status_code == 403
    assert "Change a date" not in console(fresh).get("/calendar?series=2024-06").text
    pages = console(fresh, "act")
    asked = pages.post("/calendar", data=WISH | {"event": "results_to_learners", "day": "2024-08-23"})
    sha256 = asked.text.partition('name="sha256" value="')[2][:64]
    said = {"verdict": "confirm", "why": "x", "sha256": sha256}
    assert "only who may approve results" in pages.post("/calendar/1", data=said).text
    assert "Confirmed" in console(fresh, "act", "approve").post("/calendar/1", data=said).text
    assert CENTRE not in asked.text
