"""When the DAGs of the calendar run: both sides of every instant, moved dates, and what Airflow keeps."""

from __future__ import annotations

import csv
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from airflow.exceptions import AirflowTimetableInvalid
from airflow.plugins_manager import get_timetables_plugins
from airflow.sdk import dag as make_dag
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction
from hypothesis import given, settings
from hypothesis import strategies as st
from pendulum import instance

from pipeline.season.timetable import CalendarTimetable, due, exam_milestones, next_instant
from rules.catalogue import LONDON
from tests.catalogue import FROZEN

EVENTS = ("on_time_deadline", "window_closes", "marks_deadline")
SECOND = timedelta(seconds=1)
START = datetime(2022, 9, 1, tzinfo=UTC)
FIRST = datetime(2022, 11, 22, tzinfo=LONDON)  # on_time_deadline of December/January 2022/23 is 21 November
WINDOW = datetime(2024, 5, 3, tzinfo=LONDON)  # window_closes of May/June 2024 is 2 May
MARKS = datetime(2024, 5, 16, tzinfo=LONDON)  # marks_deadline of May/June 2024, moved from 1 to 15 May
LAST = datetime(2027, 5, 15, tzinfo=LONDON)  # marks_deadline of May/June 2027 is 14 May
INSTANTS = st.integers(0, 100).map(lambda hours: START + timedelta(hours=hours))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the catalogue to change."""
    return Path(shutil.copytree(FROZEN, tmp_path / "catalogue"))


@pytest.fixture
def timetable(folder: Path) -> CalendarTimetable:
    return CalendarTimetable(folder, EVENTS)


def add(folder: Path, *rows: tuple[str, str, str, str]) -> None:
    """Adds dates to the calendar: series, event, day, in force from."""
    with (folder / "calendar.csv").open("a", encoding="utf-8", newline="") as file:
        for series, event, day, since in rows:
            csv.writer(file, lineterminator="\n").writerow([series, event, "*", day, "24:00", "N", since, "Y", "ours"])


def test_cal_1_the_first_run_is_at_the_first_date_and_not_a_second_before(timetable: CalendarTimetable) -> None:
    assert timetable.next_run(None, START, FIRST - SECOND) == FIRST
    assert timetable.next_run(None, START, FIRST) == FIRST


def test_cal_1_a_deadline_runs_at_the_first_instant_after_it(timetable: CalendarTimetable) -> None:
    assert timetable.next_run(WINDOW, START, MARKS - SECOND) == MARKS
    assert timetable.next_run(WINDOW, START, MARKS) == MARKS
    assert timetable.next_run(MARKS, START, MARKS) == datetime(2024, 11, 22, tzinfo=LONDON)


def test_cal_1_after_the_last_date_there_is_no_run(timetable: CalendarTimetable) -> None:
    assert timetable.next_run(LAST - SECOND, START, LAST + timedelta(days=200)) == LAST
    assert timetable.next_run(LAST, START, LAST) is None
    assert timetable.next_run(LAST, START, LAST + timedelta(days=200)) is None


def test_of_many_missed_dates_the_latest_runs_once(timetable: CalendarTimetable) -> None:
    assert timetable.next_run(FIRST, START, MARKS - SECOND) == WINDOW
    assert timetable.next_run(FIRST, START, MARKS) == MARKS
    assert timetable.next_run(None, START, MARKS + SECOND) == MARKS


def test_nothing_runs_before_the_start_of_the_dag(timetable: CalendarTimetable) -> None:
    assert timetable.next_run(None, MARKS, WINDOW) == MARKS
    assert timetable.next_run(None, MARKS + SECOND, WINDOW) == datetime(2024, 11, 22, tzinfo=LONDON)


def test_cal_2_a_moved_date_moves_the_run(timetable: CalendarTimetable, folder: Path) -> None:
    assert timetable.next_run(WINDOW, START, WINDOW) == MARKS
    add(folder, ("2024-06", "marks_deadline", "2024-05-20", "2024-05-10"))
    assert timetable.next_run(WINDOW, START, WINDOW) == datetime(2024, 5, 21, tzinfo=LONDON)
    assert timetable.next_run(WINDOW, START, MARKS) == datetime(2024, 5, 21, tzinfo=LONDON)


def test_cal_1_a_new_series_gets_its_runs(timetable: CalendarTimetable, folder: Path) -> None:
    add(folder, ("2028-01", "window_opens", "2027-09-04", "2027-07-01"))
    add(folder, ("2028-01", "window_closes", "2028-01-09", "2027-07-01"))
    assert timetable.next_run(LAST, START, LAST) == datetime(2028, 1, 10, tzinfo=LONDON)


def test_the_daily_run_keeps_its_hour_in_london_in_summer_and_winter(folder: Path) -> None:
    daily = CalendarTimetable(folder, ("marks_deadline",), daily=5)
    winter, summer = datetime(2024, 1, 16, 5, tzinfo=UTC), datetime(2024, 7, 16, 4, tzinfo=UTC)
    assert daily.next_run(winter - timedelta(days=1), START, winter - SECOND) == winter
    assert daily.next_run(winter, START, winter) == winter + timedelta(days=1)
    assert daily.next_run(summer - timedelta(days=1), START, summer) == summer
    assert daily.next_run(None, START, summer - SECOND) == summer - timedelta(days=1)
    assert daily.next_run(summer - timedelta(days=9), START, summer) == summer


def test_a_deadline_comes_between_two_daily_runs(folder: Path) -> None:
    daily = CalendarTimetable(folder, ("marks_deadline",), daily=5)
    before, after = (datetime(2024, 5, day, 5, tzinfo=LONDON) for day in (15, 16))
    assert daily.next_run(before, START, before) == MARKS
    assert daily.next_run(MARKS, START, MARKS) == after


def test_ops_1_a_run_comes_days_before_each_date_too(folder: Path) -> None:
    early = CalendarTimetable(folder, ("marks_deadline",), days_before=(14, 3))
    two_weeks, three_days = datetime(2024, 5, 2, tzinfo=LONDON), datetime(2024, 5, 13, tzinfo=LONDON)
    before = MARKS - timedelta(days=20)
    assert early.next_run(before, START, two_weeks - SECOND) == two_weeks
    assert early.next_run(two_weeks, START, two_weeks) == three_days
    assert early.next_run(three_days, START, three_days) == MARKS
    # The clocks change on the last Sunday in March; a day is a day.
    add(folder, ("2024-06", "marks_deadline", "2024-04-05", "2024-06-01"))
    assert early.next_run(None, START, datetime(2024, 3, 23, tzinfo=LONDON)) == datetime(2024, 3, 23, tzinfo=LONDON)
    dates = exam_milestones(FROZEN, ["marks_deadline"], (14, 3))
    assert due(dates, three_days) == [("2024-06", "marks_deadline")]


def test_cal_2_what_a_run_is_for_is_read_at_its_instant() -> None:
    dates = exam_milestones(FROZEN, EVENTS)
    assert due(dates, FIRST - SECOND) == []
    assert due(dates, FIRST) == [("2023-01", "on_time_deadline")]
    assert due(dates, MARKS - SECOND) == [("2024-06", "window_closes")]
    assert due(dates, MARKS) == [("2024-06", "marks_deadline")]
    assert due(dates, LAST + timedelta(days=200)) == [("2027-06", "marks_deadline")]


def test_cal_1_registration_series_have_no_runs() -> None:
    dates = exam_milestones(FROZEN, ["window_closes"])
    assert {one.series[5:] for one in dates} == {"01", "06"}


@given(st.lists(INSTANTS, max_size=8), st.none() | INSTANTS, INSTANTS)
@settings(derandomize=True, deadline=None)
def test_the_next_instant_is_the_latest_missed_or_else_the_first_to_come(
    instants: list[datetime], after: datetime | None, now: datetime
) -> None:
    found = next_instant(instants, after, now)
    left = [one for one in instants if after is None or one > after]
    assert (found is None) == (not left)
    if found is not None:
        assert found in left
        assert not [one for one in left if min(found, now) < one <= max(found, now) and one != found]


def test_airflow_asks_and_is_answered_in_its_own_types(timetable: CalendarTimetable) -> None:
    restriction = TimeRestriction(earliest=instance(START), latest=None, catchup=False)
    before = DataInterval.exact(instance(LAST.astimezone(UTC) - SECOND))
    info = timetable.next_dagrun_info(last_automated_data_interval=before, restriction=restriction)
    assert info is not None
    assert info.run_after == info.logical_date == LAST
    last = DataInterval.exact(instance(LAST.astimezone(UTC)))
    assert timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction) is None
    over = TimeRestriction(earliest=None, latest=instance(START), catchup=False)
    assert timetable.next_dagrun_info(last_automated_data_interval=before, restriction=over) is None


@pytest.mark.parametrize("daily", [None, 5])
def test_a_dag_with_it_survives_airflows_tables(folder: Path, daily: int | None) -> None:
    """Through the real serialisation, which finds the class by our plugin."""

    made = CalendarTimetable(folder, EVENTS, daily, (14, 3))

    @make_dag(dag_id="kept", schedule=made, start_date=START, catchup=False)
    def kept() -> None: ...

    read = DagSerialization.from_dict(DagSerialization.to_dict(kept())).timetable
    assert isinstance(read, CalendarTimetable)
    assert (read.catalogue, read.events, read.daily, read.days_before) == (folder, EVENTS, daily, (14, 3))
    assert read.summary == made.summary
    assert read.next_run(WINDOW, START, WINDOW) is not None


def test_airflow_knows_the_class_by_the_installed_package() -> None:
    assert get_timetables_plugins()["pipeline.season.timetable.CalendarTimetable"] is CalendarTimetable


def test_a_calendar_that_cannot_be_read_is_an_import_error(timetable: CalendarTimetable, folder: Path) -> None:
    timetable.validate()
    with pytest.raises(AirflowTimetableInvalid, match="the calendar has no moon_landing"):
        CalendarTimetable(folder, ["moon_landing"]).validate()
    add(folder, ("2024-06", "marks_deadline", "15 May", "2024-05-10"))
    with pytest.raises(AirflowTimetableInvalid, match=r"calendar\.csv"):
        timetable.validate()
