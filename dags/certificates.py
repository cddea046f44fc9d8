"""The certificates: four weeks before they should be at centres, and on the day, the list of those that are due; every
day after that, where a learner has another name or another award by then."""

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
    the catalogue; and every morning for series that are listed already, where a learner's name was corrected since
    (another certificate comes in place of the first) or a late claim was awarded. The lists are in
    `reports/certificates/`: certificates due, by name; those made only if they were asked for with a claim after the
    late window; and counts by centre.

    * **Run it now**: press *Trigger*. The lists are written again from the current results.
    * **It failed**: clear the task. It writes the same again.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def list_due() -> str:
        """One task for every series whose certificates are due, or have changed since they were listed."""
        from pipeline.desk import open_desk
        from pipeline.results.certificates import certificates as list_all
        from pipeline.results.certificates import changed
        from pipeline.results.release import is_released
        from pipeline.season.timetable import due, exam_milestones

        settings, run = Settings.load(), get_current_context()["dag_run"]
        now = run.run_after
        dates = exam_milestones(settings.catalogue, WHEN.events, WHEN.days_before)
        # Whoever starts it means the last day that has come, on whatever day that is done.
        of_now = [date for date in dates if run.run_type == "manual" or now - date.at < timedelta(hours=1)]
        on_its_day = {series_id for series_id, _ in due(of_now, now)}
        with open_desk(settings) as desk:
            wanted = on_its_day | {series.id for series in changed(desk, now)}
            notes = [
                f"{series.title}: {list_all(desk, series, now):,} certificates are due."
                for series in desk.catalogue.all_series()
                if series.id in wanted and is_released(desk, series.id)
            ]
        note = " ".join(notes) or "No certificates are due for results that are out, and none has changed."
        tell_run(run, note)
        return allowed("certificates", note)

    list_due()


certificates()
