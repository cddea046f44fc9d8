"""A centre's own deadlines (CAL-6): every event of the calendar has a rule and an effect; the file in the outbox is
written where something has changed, and by whatever changes it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient

from infra.settings import Settings
from pipeline.cli import main
from pipeline.cli.approvals import system_account
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import Desk
from pipeline.season.deadlines import deadlines_of, write_deadlines
from rules.catalogue import EVENTS, LONDON
from tests.scenario_language import Season
from tests.support import CENTRE

ROOT = Path(__file__).parents[3]
NOW = datetime(2024, 4, 20, 12, tzinfo=LONDON)
SAID = ("--why", "flood")


@pytest.fixture
def entered(work: Desk) -> Desk:
    season = Season(work)
    season.register([23])
    season.step("2024-02-15 12:00 GMT | centre sends E BEN01 | accepted")
    return work


@pytest.mark.parametrize("event", EVENTS)
def test_cal_1_every_event_names_rules_that_there_are_and_is_used_by_one(event: str) -> None:
    rules = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    assert EVENTS[event].rules
    assert all(f"| {rule} |" in rules for rule in EVENTS[event].rules)
    if "CAL-6" not in EVENTS[event].rules:
        places = [path for wing in ("rules", "pipeline") for path in (ROOT / wing).rglob("*.py")]
        used = [path for path in places if path.name != "calendar.py" and "demo" not in path.parts]
        assert any(f'"{event}"' in path.read_text(encoding="utf-8") for path in used)


def test_cal_6_a_centre_is_told_of_every_date_of_a_series(entered: Desk) -> None:
    june = entered.catalogue.series_by_id("2024-06")
    assert june
    general = {date.event for date in entered.catalogue.milestones_of(june, NOW) if date.component == "*"}
    told = {date.event for date in deadlines_of(entered, CENTRE, NOW, "2024-06")}
    assert general <= told
    series = entered.catalogue.all_series()
    every = {date.event for one in series for date in deadlines_of(entered, CENTRE, NOW, one.id)}
    # Some dates only single components have.
    assert EVENTS.keys() - every <= {"exam", "task_upload_opens", "task_window_closes"}


def test_cal_6_the_file_is_written_when_something_in_it_changes_and_not_otherwise(entered: Desk) -> None:
    assert write_deadlines(entered, NOW) == 1
    assert write_deadlines(entered, NOW + timedelta(days=1)) == 0
    assert write_deadlines(entered, datetime(2024, 5, 3, 1, tzinfo=LONDON)) == 1
    text = entered.store.get(f"outbox/{CENTRE}/deadlines.txt").decode()
    assert re.search(r"passed +2 May 2024 ", text)
    assert f"centre {CENTRE}" in text


@pytest.fixture
def shell(fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on the desk."""
    for name, value in (("CATALOGUE", fresh.catalogue), ("STATE", fresh.state), ("DATABASE_URL", fresh.database_url)):
        monkeypatch.setenv(f"RESULTSDAY_{name}", str(value))
    return lambda *words, answer=None: CliRunner().invoke(main, [*words], input=answer)


def test_cal_3_a_doubtful_extension_is_asked_about_seen_and_taken_back(
    entered: Desk, shell: Callable[..., Result]
) -> None:
    about = ("--series", "2027-06", "--event", "marks_deadline", "--until", "2027-05-20", *SAID)
    assert shell("extension", "list").output == "No centre has an extension.\n"
    asked = shell("extension", "grant", "--centre", "13131", *about, answer="n\n")
    assert asked.exit_code != 0
    assert "Centre 13131 is not in the register of centres" in asked.output
    assert shell("extension", "list").output == "No centre has an extension.\n"
    assert shell("staff", "extension", "--centre", CENTRE, *about, "--yes").exit_code == 0
    listed = shell("extension", "list", "--series", "2027-06").output
    assert f"{CENTRE}  marks_deadline of 2027-06 until 21 May 2027 00:00 BST, for all others 14 May 2027" in listed
    assert f"{system_account()}: flood" in listed
    shown = shell("centre", "deadlines", CENTRE, "--series", "2027-06").output
    assert "20 May 2027" in shown
    assert "extended for you, for all others 14 May 2027 [placeholder]" in shown
    taken = shell(
        "extension", "withdraw", "--centre", CENTRE, "--series", "2027-06", "--event", "marks_deadline", *SAID
    )
    assert "for centre 64123 again, as for all others" in taken.output
    assert shell("extension", "list").output == "No centre has an extension.\n"


def test_cal_6_the_page_of_a_centre_has_its_deadlines(entered: Desk, fresh: Settings) -> None:
    async def whoever(_: object) -> Person:
        return Person(name="jane", rights=frozenset({"look", "files"}))

    pages = TestClient(application(fresh, lambda: NOW, whoever, lambda back: back))
    page = pages.get(f"/centres/{CENTRE}?series=2024-06").text
    assert "Its deadlines" in page
    assert re.search(r"<td>15 May 2024</td><td>last day for marks[^<]+</td><td>open, [^<]+</td>", page)
