"""The catalogue as data: versions of everything (CAL-2), the calendar (CAL-1), what is offered (CAL-4, CAL-5), prices
(FEE-5), approvals (REG-1), scales (AWD-2, AWD-3), samples and tolerance (MOD-1, MOD-2), and what a broken file says."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from time import perf_counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import CATALOGUE_OF_THE_PROJECT
from parsers.findings import Found
from rules import files
from rules.catalogue import LONDON, SHEETS, Catalogue, CatalogueError, Series
from rules.deadlines import NONE
from tests.support import arrival, centre_file

CATALOGUE = Catalogue.load(CATALOGUE_OF_THE_PROJECT)
NOW = datetime(2026, 7, 1, tzinfo=LONDON)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)

Cells = Mapping[str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's catalogue, to break."""
    return shutil.copytree(CATALOGUE_OF_THE_PROJECT, tmp_path / "catalogue")


def rows_of(folder: Path, file: str) -> list[dict[str, str]]:
    with (folder / file).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(folder: Path, file: str, rows: Sequence[Cells]) -> None:
    with (folder / file).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def change(folder: Path, file: str, of: Cells, to: Cells) -> int:
    """Changes cells of the first line that has those of `of`; returns its number."""
    rows = rows_of(folder, file)
    index = next(i for i, row in enumerate(rows) if of.items() <= row.items())
    rows[index].update(to)
    write(folder, file, rows)
    return index + 2


def add(folder: Path, file: str, of: Cells, to: Cells) -> int:
    """Adds a copy of the first line that has the cells of `of`, with those of `to`; returns its number."""
    rows = rows_of(folder, file)
    model = next(row for row in rows if of.items() <= row.items())
    write(folder, file, [*rows, {**model, **to}])
    return len(rows) + 2


def remove(folder: Path, file: str, of: Cells) -> None:
    write(folder, file, [row for row in rows_of(folder, file) if not of.items() <= row.items()])


def refused(folder: Path) -> str:
    with pytest.raises(CatalogueError) as error:
        Catalogue.load(folder)
    return str(error.value)


def series(key: str = "6B24", body: str = "15") -> Series:
    found = CATALOGUE.series(key, body)
    assert found is not None
    return found


def exam(series_id: str) -> Series:
    found = CATALOGUE.series_by_id(series_id)
    assert found is not None
    return found


def day_of(series_id: str, event: str, received: datetime = NOW, component: str = "*") -> str:
    found = CATALOGUE.milestone(exam(series_id), event, received, component)
    assert found is not None
    return found.day.isoformat()


# --- Series ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "body", "title"),
    [
        ("6B24", "15", "May/June 2024"),
        ("1B24", "15", "December/January 2023/24"),
        ("9B23", "13", "registrations 2023/24"),
        ("6B24", "13", None),
        ("7B24", "15", None),
        ("6B99", "15", None),
        ("", "", None),
    ],
)
def test_a_header_names_a_series_by_key_and_awarding_body(key: str, body: str, title: str | None) -> None:
    found = CATALOGUE.series(key, body)
    assert (found and found.title) == title


def test_cal_1_there_are_two_exam_series_a_year_from_2022_23_to_2025_26() -> None:
    ids = [one.id for one in CATALOGUE.all_series()]
    assert ids == ["2023-01", "2023-06", "2024-01", "2024-06", "2025-01", "2025-06", "2026-01", "2026-06"]
    assert all(CATALOGUE.series(one.key, one.awarding_body) is one for one in CATALOGUE.all_series())


def test_a_series_is_found_by_year_and_month() -> None:
    assert exam("2024-06") == series()
    assert exam("2023-09") == series("9B23", "13")
    assert CATALOGUE.series_by_id("2027-06") is None
    assert CATALOGUE.series_by_id("") is None


# --- The calendar ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series_id", "event", "day"),
    [
        ("2023-06", "results_to_centres", "2023-08-23"),
        ("2023-06", "results_to_learners", "2023-08-24"),
        ("2024-01", "window_opens", "2023-09-04"),
        ("2024-01", "window_closes", "2024-01-09"),
        ("2024-01", "marks_deadline", "2023-12-15"),
        ("2024-01", "results_to_learners", "2024-03-21"),
        ("2024-01", "late_claims_open", "2024-03-21"),
        ("2024-01", "late_claims_close", "2024-04-18"),
        ("2024-06", "window_opens", "2023-11-23"),
        ("2024-06", "on_time_deadline", "2024-02-21"),
        ("2024-06", "reentry_deadline", "2024-03-29"),
        ("2024-06", "high_late_from", "2024-04-22"),
        ("2024-06", "window_closes", "2024-05-02"),
        ("2024-06", "late_claims_open", "2024-05-03"),
        ("2024-06", "late_claims_close", "2024-07-05"),
        ("2024-06", "results_to_learners", "2024-08-22"),
        ("2025-01", "results_to_learners", "2025-03-20"),
        ("2025-06", "on_time_deadline", "2025-02-21"),
        ("2025-06", "reentry_deadline", "2025-03-28"),
        ("2025-06", "marks_deadline", "2025-05-15"),
        ("2025-06", "task_upload_deadline", "2025-05-15"),
        ("2025-06", "marks_amendment_deadline", "2025-06-27"),
        ("2025-06", "late_claims_close", "2025-07-05"),
        ("2025-06", "results_to_centres", "2025-08-15"),
        ("2025-06", "results_to_learners", "2025-08-21"),
        ("2026-01", "marks_deadline", "2025-12-15"),
        ("2026-06", "cohort_checkpoint", "2026-01-30"),
        ("2026-06", "on_time_deadline", "2026-02-21"),
    ],
)
def test_cal_1_a_published_date_is_in_the_calendar_and_no_placeholder(series_id: str, event: str, day: str) -> None:
    found = CATALOGUE.milestone(exam(series_id), event, NOW)
    assert found is not None
    assert (found.day.isoformat(), found.placeholder) == (day, False)


def test_cal_1_every_exam_series_has_all_that_a_series_needs() -> None:
    needed = {
        "window_opens", "on_time_deadline", "high_late_from", "window_closes", "marks_deadline",
        "marks_amendment_deadline", "results_to_centres", "results_to_learners", "late_claims_open",
        "late_claims_close", "certificates_due",
    }  # fmt: skip
    for one in CATALOGUE.all_series():
        events = {milestone.event for milestone in CATALOGUE.milestones_of(one, NOW)}
        assert needed <= events, one.title
        assert ("reentry_deadline" in events) == (one.month == 6), one.title


def test_cal_1_a_deadline_ends_with_its_day_in_london() -> None:
    closes = CATALOGUE.milestone(series(), "window_closes", NOW)
    assert closes is not None
    assert closes.at.isoformat() == "2024-05-03T00:00:00+01:00"


@pytest.mark.parametrize(
    ("series_id", "event", "at", "text"),
    [
        ("2025-06", "results_to_centres", "2025-08-15T00:01:00+01:00", "15 August 2025 00:01 BST [placeholder]"),
        ("2024-01", "results_to_learners", "2024-03-21T00:01:00+00:00", "21 March 2024 00:01 GMT [placeholder]"),
        ("2024-06", "on_time_deadline", "2024-02-22T00:00:00+00:00", "21 February 2024"),
        ("2026-06", "window_opens", "2025-11-23T00:00:00+00:00", "23 November 2025 [placeholder]"),
    ],
)
def test_cal_1_a_date_is_shown_with_its_time_of_day_and_with_what_is_ours(
    series_id: str, event: str, at: str, text: str
) -> None:
    found = CATALOGUE.milestone(exam(series_id), event, NOW)
    assert found is not None
    assert (found.at.isoformat(), found.text) == (at, text)


def test_cal_1_a_component_has_its_own_date_or_that_of_all() -> None:
    assert day_of("2024-06", "psa_release") == "2024-01-08"
    assert day_of("2024-06", "psa_release", component="BEN01") == "2024-01-08"
    assert day_of("2024-06", "psa_release", component="BZP01") == "2023-12-04"
    assert day_of("2024-06", "exam", component="BEN03") == "2024-05-08"
    assert CATALOGUE.milestone(series(), "exam", NOW) is None


def test_an_event_that_a_series_does_not_have_has_no_date() -> None:
    assert CATALOGUE.milestone(exam("2024-01"), "reentry_deadline", NOW) is None


# --- Versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "before", "after"), [(2023, "2023-05-01", "2023-05-16"), (2024, "2024-05-01", "2024-05-15")]
)
def test_cal_2_a_date_moved_mid_series_is_judged_by_the_version_in_force_at_receipt(
    year: int, before: str, after: str
) -> None:
    moved = datetime(year, 4, 1, tzinfo=LONDON)
    found = [CATALOGUE.milestone(exam(f"{year}-06"), "marks_deadline", at) for at in (moved - SECOND, moved)]
    assert [one and one.day.isoformat() for one in found] == [before, after]
    assert [one and one.version for one in found] == [f"calendar of 1 July {year - 1}", f"calendar of 1 April {year}"]


def test_cal_2_a_version_begins_at_midnight_in_london_not_in_utc() -> None:
    assert day_of("2024-06", "marks_deadline", datetime.fromisoformat("2024-03-31T22:59:59+00:00")) == "2024-05-01"
    assert day_of("2024-06", "marks_deadline", datetime.fromisoformat("2024-03-31T23:00:00+00:00")) == "2024-05-15"


def test_cal_2_the_first_version_also_stands_for_the_time_before_it() -> None:
    assert day_of("2024-06", "marks_deadline", datetime(2020, 1, 1, tzinfo=LONDON)) == "2024-05-01"


def test_cal_2_a_placeholder_s_version_is_shown_as_one() -> None:
    found = CATALOGUE.milestone(exam("2026-06"), "window_closes", NOW)
    assert found is not None
    assert found.version == "calendar of 1 July 2025 [placeholder]"


def test_cal_2_the_dates_of_a_series_are_those_in_force_by_day() -> None:
    moved = datetime(2024, 4, 1, tzinfo=LONDON)
    before, after = (CATALOGUE.milestones_of(series(), at) for at in (moved - SECOND, moved))
    assert [one.day for one in after] == sorted(one.day for one in after)
    assert len({(one.event, one.component) for one in after}) == len(after) == len(before)
    changed = {(one.event, one.day.isoformat()) for one in before} ^ {(one.event, one.day.isoformat()) for one in after}
    assert changed == {("marks_deadline", "2024-05-01"), ("marks_deadline", "2024-05-15")}
    assert CATALOGUE.milestones_of(Series("2030-06", "6B30", "entry", "15"), NOW) == []


@pytest.mark.parametrize(
    ("received", "version"),
    [
        ("2024-03-09T23:59:59+00:00", "calendar of 1 July 2023"),
        ("2024-03-10T00:00:00+00:00", None),
        ("2024-05-10T12:00:00+01:00", "calendar of 10 March 2024"),
    ],
)
def test_cal_2_a_finding_names_the_version_it_was_judged_by(folder: Path, received: str, version: str | None) -> None:
    window = {"series": "2024-06", "event": "window_closes"}
    change(folder, "calendar.csv", window, {"date": "2024-03-08"})
    change(folder, "calendar.csv", {"series": "2024-06", "event": "high_late_from"}, {"date": "2024-03-01"})
    change(folder, "calendar.csv", {"series": "2024-06", "event": "reentry_deadline"}, {"date": "2024-03-08"})
    add(folder, "calendar.csv", window, {"date": "2024-05-09", "in_force_from": "2024-03-10"})
    one = arrival(centre_file(), received=datetime.fromisoformat(received))
    found = Found([one.submission.named])
    files.window_open(0, one, series(), Catalogue.load(folder), NONE, found)
    said = [finding.expected + finding.message + finding.remedy for finding in found.of(0)]
    assert len(said) == (version is not None)
    assert all(version in text for text in said if version)


def test_cal_2_a_later_line_for_a_component_replaces_the_earlier_from_its_day_on(folder: Path) -> None:
    of = {"component_code": "BEN03"}
    add(folder, "components.csv", of, {"last_series": "2024-06", "title": "x", "in_force_from": "2025-02-01"} - {"title"})
