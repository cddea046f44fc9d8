"""The claim lists: on January's results day and before each late claim window closes, who has an award to claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run

WHEN = SCHEDULES["claim_lists"]


@dag(
    schedule=CalendarTimetable.of(WHEN),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "calendar", "results"],
)
def claim_lists() -> None:
    """### Tells centres who has everything for an award and has not claimed it

    Runs on results day, two weeks and three days before the late claim window of every exam series closes, and every
    morning: so January's list comes on results day even if the release was late, and a list comes at once that is due
    because the end of the window was moved. Each centre gets the list as text and CSV, with what each choice would come
    to; staff get it in total, in `reports/claims/`.

    * **Run it now**: press *Trigger*. It writes what is due and has not been written.
    * **It failed**: clear the task. It writes the same again.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def list_claims() -> str:
        """One task for every series whose list is due."""
        from pipeline.desk import open_desk
        from pipeline.results.claim_lists import claim_lists as list_all
        from pipeline.results.claim_lists import due_series

        settings, run = Settings.load(), get_current_context()["dag_run"]
        now = run.run_after
        with open_desk(settings) as desk:
            notes = [list_all(desk, series, now).note() for series in due_series(desk, WHEN.days_before, now)]
        note = " ".join(notes) or "No list of claims is due."
        tell_run(run, note)
        return allowed("claim_lists", note)

    list_claims()


claim_lists()
