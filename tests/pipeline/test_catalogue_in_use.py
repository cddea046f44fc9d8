"""A bad line in a catalogue file is told with file, line and column, and takes nothing down (CAL-2)."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner
from fastapi import Request
from fastapi.testclient import TestClient

from infra.settings import Settings
from pipeline.catalogue_in_use import in_use, last_readable
from pipeline.cli import main
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import open_desk
from pipeline.season.timetable import exam_milestones
from rules.catalogue import SHEETS
from rules.sheets import CatalogueError
from tests.catalogue import FROZEN
from tests.rules.sheets import change

CLOSES = {"series": "2024-06", "event": "window_closes"}
WRONG = "column date: '2026-13-01' is not a date"
NOW = datetime(2024, 4, 20, 12, tzinfo=UTC)


@pytest.fixture
def own(fresh: Settings, tmp_path: Path) -> Settings:
    """Settings with a catalogue of their own, which the desk has read once."""
    shutil.copytree(FROZEN, tmp_path / "own", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    settings = evolve(fresh, catalogue=tmp_path / "own")
    with open_desk(settings) as desk:
        assert desk.catalogue_fault == ""
    return settings


def spoilt(settings: Settings) -> int:
    """The line that is wrong from now on."""
    return change(settings.catalogue, "calendar.csv", CLOSES, {"date": "2026-13-01"})


def console(settings: Settings) -> TestClient:
    async def whoever(_: Request) -> Person:
        return Person(name="anybody", rights=frozenset({"look", "files", "act", "personal"}))

    return TestClient(application(settings, lambda: NOW, whoever, lambda back: back), raise_server_exceptions=False)


def test_cal_2_the_desk_goes_on_with_the_catalogue_before_and_says_what_is_wrong(own: Settings) -> None:
    line = spoilt(own)
    with open_desk(own) as desk:
        assert f"calendar.csv, line {line}, {WRONG}" in desk.catalogue_fault
        series = desk.catalogue.series_by_id("2024-06")
        assert series
        date = desk.catalogue.milestone(series, "window_closes", NOW)
        assert date
        assert date.text == "2 May 2024"
    change(own.catalogue, "calendar.csv", {"date": "2026-13-01"}, {"date": "2024-05-03"})
    with open_desk(own) as desk:
        assert desk.catalogue_fault == ""


def test_cal_2_a_machine_that_never_read_a_good_catalogue_does_not_start(own: Settings) -> None:
    spoilt(own)
    shutil.rmtree(own.state / "catalogue-copies")
    with pytest.raises(CatalogueError, match=r"calendar\.csv, line"):
        in_use(own)


def test_cal_2_two_copies_are_kept_at_most(own: Settings) -> None:
    for day in ("2024-05-03", "2024-05-04", "2024-05-05"):
        change(own.catalogue, "calendar.csv", CLOSES, {"date": day})
        in_use(own)
    copies = [path for path in (own.state / "catalogue-copies").iterdir() if path.is_dir()]
    assert len(copies) == 2
    last = last_readable(own)
    assert last
    assert "2024-05-05" in (last / "calendar.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", [sheet.file for sheet in SHEETS])
def test_cal_2_a_bad_line_in_any_file_is_told_on_every_page_and_takes_none_down(own: Settings, file: str) -> None:
    pages = console(own)
    places = ("/", "/centres", "/files", "/quarantine", "/watch")
    assert {place: pages.get(place).status_code for place in places} == dict.fromkeys(places, 200)
    path = own.catalogue / file
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n") + "\nnothing of ours\n", encoding="utf-8")
    for place in places:
        answer = pages.get(place)
        assert answer.status_code == 200
        assert f"{file}, line " in answer.text
    late = console(own)
    assert f"{file}, line " in late.get("/").text


def test_cal_2_without_any_catalogue_every_page_says_where_the_line_is(own: Settings) -> None:
    line = spoilt(own)
    shutil.rmtree(own.state / "catalogue-copies")
    answer = console(own).get("/")
    assert answer.status_code == 503
    assert f"calendar.csv, line {line}, column date" in answer.text


def test_cal_1_the_runs_of_the_calendar_go_on(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = exam_milestones(own.catalogue, ["window_closes"])
    spoilt(own)
    monkeypatch.setenv("RESULTSDAY_CATALOGUE", str(own.catalogue))
    monkeypatch.setenv("RESULTSDAY_STATE", str(own.state))
    assert exam_milestones(own.catalogue, ["window_closes"]) == before


def test_cal_2_a_command_says_it_and_works(
    own: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    line = spoilt(own)
    for name, value in (("CATALOGUE", own.catalogue), ("STATE", own.state), ("DATABASE_URL", own.database_url)):
        monkeypatch.setenv(f"RESULTSDAY_{name}", str(value))
    about = ["--centre", "64123", "--series", "2024-06", "--event", "window_closes", "--until", "2030-05-10"]
    done = CliRunner().invoke(main, ["staff", "extension", *about, "--yes", "--why", "flood"])
    assert done.exit_code == 0, done.output
    assert f"calendar.csv, line {line}" in caplog.text
