"""The checkpoints: at the deadlines of every exam series, who would get no result and who has sent nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run

WHEN = SCHEDULES["checkpoints"]


@dag(
    schedule=CalendarTimetable.of(WHEN),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "calendar"],
)
def checkpoints() -> None:
    """### Reports who would get no result, and which marks are missing, while this can still be put right

    Runs two weeks and three days before the on-time deadline, the closing of the window and the marks deadline of every
    exam series, and at the first instant after each, as given in `calendar.csv` of the catalogue. To move a date,
    use `resultsday calendar set`; nothing else needs to change.

    * **Run it now**: press *Trigger*. It takes the checkpoint of the latest deadline that has passed again.
    * **It failed**: clear the task. What was done already is not done again.
    * **It was down**: it makes up for the latest of the missed deadlines, once.
    * **A date was moved**, and a reminder of it had passed by then: the next run takes it.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def check() -> str:
        """One task for every series whose deadline it is."""
        from pipeline.desk import open_desk
        from pipeline.marking.external import missing_marks
        from pipeline.season.checkpoints import checkpoint, passed_over
        from pipeline.season.timetable import due, exam_milestones

        settings, run = Settings.load(), get_current_context()["dag_run"]
        notes = []
        dates = exam_milestones(settings.catalogue, WHEN.events, WHEN.days_before)
        with open_desk(settings) as desk:
            by_now = {*due(dates, run.run_after), *passed_over(desk, WHEN.days_before, run.run_after)}
            for series_id, event in sorted(by_now):
                series = desk.catalogue.series_by_id(series_id)
                if series:
                    # The instant the run is for, not of the work: a retry writes the same.
                    notes.append(checkpoint(desk, series, event, run.run_after).note())
                    if event == "marks_deadline":
                        missing_marks(desk, series, run.run_after)
        note = " ".join(notes) or "No deadline has passed yet."
        tell_run(run, note)
        return allowed("checkpoints", note)

    check()


checkpoints()
