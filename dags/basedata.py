"""The basedata: every night, what centres' software needs to make entries and read results."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    # A version of the catalogue comes into force at midnight, on any day: the calendar's dates alone would miss it.
    schedule=CronTriggerTimetable("30 0 * * *", timezone="Europe/London"),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "basedata"],
)
def basedata() -> None:
    """### Publishes basedata, and each centre's deadlines

    Every night at 00:30 Europe/London, for every series, registration series too, from four weeks before its window
    opens until its results are with the centres. The files are in `basedata/<series>/<sequence number>/`. A new
    version, with a note of what changed, is published only when the catalogue says something new about the series. Then
    each centre's deadlines are written into its outbox, where they have changed (CAL-6).

    * **Run it now**: press *Trigger*, for example after the catalogue was changed.
    * **It failed**: clear the task. What is already published is not published again.
    * **It was down**: the next night publishes what is then in force.
    * **What happened**: the run's note says which version of each series is current.
    """

    @task
    def publish() -> str:
        """One task for all series."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.season.basedata import publish_due
        from pipeline.season.deadlines import write_deadlines

        with open_desk(Settings.load()) as desk:
            published = publish_due(desk, datetime.now(UTC))
            write_deadlines(desk, datetime.now(UTC))
        note = " ".join(version.note() for version in published) or "No series is near its window: nothing to publish."
        run = get_current_context()["dag_run"]
        tell_run(run, note)
        return allowed("basedata", note)

    publish()


basedata()
