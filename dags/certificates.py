"""The certificates: four weeks before they should be at centres, and on the day, the list of those that are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run

WHEN = SCHEDULES["certificates"]


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
def certificates() -> None:
    """### Lists the certificates that are due

    Runs four weeks before certificates should be at centres, and on that day, as given in `calendar.csv` of
    the catalogue. The lists are in `reports/certificates/`: certificates due, by name; those made only if they were
    asked for with a claim after the late window; and counts by centre.

    * **Run it now**: press *Trigger*. The lists are written again from the current results.
    * **It failed**: clear the task. It writes the same again.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def list_due() -> str:
        """One task for every series whose certificates are due."""
        from pipeline.desk import open_desk
        from pipeline.results.certificates import certificates as list_all
        from pipeline.results.release import is_released
        from pipeline.season.timetable import due, exam_milestones

        settings, run = Settings.load(), get_current_context()["dag_run"]
        notes = []
        with open_desk(settings) as desk:
            for series_id, _ in due(exam_milestones(settings.catalogue, WHEN.events, WHEN.days_before), run.run_after):
                series = desk.catalogue.series_by_id(series_id)
                if series and is_released(desk, series_id):
                    notes.append(f"{series.title}: {list_all(desk, series, run.run_after):,} certificates are due.")
        note = " ".join(notes) or "No certificates are due for results that are out."
        tell_run(run, note)
        return allowed("certificates", note)

    list_due()


certificates()
