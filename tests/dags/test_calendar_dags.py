"""The DAGs of the calendar in the real Airflow: what the UI shows of their next runs, and a run of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from infra.airflow_api import AirflowApi
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.season.timetable import due, exam_milestones
from tests.patience import PATIENCE, until

LONDON = ZoneInfo("Europe/London")
EVENTS = ("on_time_deadline", "window_closes", "marks_deadline")
FAR_SERIES = """\
2099-06,window_opens,*,2098-11-23,00:00,N,2098-07-01,Y,ours: for a test
2099-06,on_time_deadline,*,2099-02-21,24:00,N,2098-07-01,Y,ours: for a test
2099-06,window_closes,*,2099-05-02,24:00,N,2098-07-01,Y,ours: for a test
"""
MOVED = "2099-06,on_time_deadline,*,2099-02-23,24:00,N,2099-01-01,Y,ours: for a test\n"


@pytest.fixture(scope="module")
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        for dag in ("checkpoints", "moderation", "fees"):
            client.wait_until_known(dag, PATIENCE)
        yield client


def next_run(api: AirflowApi, dag_id: str) -> datetime | None:
    """The date that the UI shows as the DAG's next run, in Europe/London."""
    shown = api.dag(dag_id)["next_dagrun_run_after"]
    return datetime.fromisoformat(shown).astimezone(LONDON) if shown else None


def wait_for(api: AirflowApi, dag_id: str, expected: datetime) -> None:
    """Has Airflow look at the calendar, which it does by itself every two minutes."""
    api.read_again(dag_id)
    until(lambda: next_run(api, dag_id) == expected, lambda: f"{next_run(api, dag_id)}, not {expected}")


def test_the_ui_shows_the_next_date_of_daily_and_weekly_runs(api: AirflowApi) -> None:
    now = datetime.now(UTC)

    def to_come() -> datetime | None:
        shown = next_run(api, "moderation")
        return shown if shown and shown > now else None

    # The run of the latest missed instant comes first.
    assert until(to_come).hour == 5
    weekly = next_run(api, "fees")
    assert weekly is not None
    assert (weekly.weekday(), weekly.hour, weekly.minute) == (0, 6, 0)
    assert api.dag("moderation")["timetable_summary"] == (
        "marks_deadline, marks_amendment_deadline of every exam series; daily at 05:00 Europe/London"
    )


def test_cal_2_a_date_moved_in_the_calendar_moves_the_run_the_ui_shows(
    api: AirflowApi, desk_settings: Settings
) -> None:
    """The next run is two weeks before the date, when no other series has one to come."""
    calendar = desk_settings.catalogue / "calendar.csv"
    before = calendar.read_text(encoding="utf-8")
    to_come = {one.series for one in exam_milestones(desk_settings.catalogue, EVENTS) if one.at > datetime.now(UTC)}
    over = "".join(line for line in before.splitlines(keepends=True) if line.split(",")[0] not in to_come)
    try:
        calendar.write_text(over + FAR_SERIES, encoding="utf-8")
        added = datetime(2099, 2, 8, tzinfo=LONDON)
        wait_for(api, "checkpoints", added)
        calendar.write_text(over + FAR_SERIES + MOVED, encoding="utf-8")
        moved = datetime(2099, 2, 10, tzinfo=LONDON)
        wait_for(api, "checkpoints", moved)
    finally:
        calendar.write_text(before, encoding="utf-8")


def test_ops_1_a_checkpoint_by_hand_is_that_of_the_latest_date(api: AirflowApi, desk_settings: Settings) -> None:
    run = api.trigger("checkpoints")
    assert api.wait("checkpoints", run, PATIENCE) == "success"
    dates = exam_milestones(desk_settings.catalogue, EVENTS, (14, 3))
    for series, event in due(dates, datetime.now(UTC)):
        assert f"Checkpoint {series} {event}: " in api.run("checkpoints", run)["note"]


@pytest.mark.parametrize(("dag_id", "words"), [("moderation", "samples drawn"), ("fees", "state")])
def test_a_run_by_hand_succeeds_and_its_note_counts(api: AirflowApi, dag_id: str, words: str) -> None:
    run = api.trigger(dag_id)
    assert api.wait(dag_id, run, PATIENCE) == "success"
    assert words in api.run(dag_id, run)["note"]
