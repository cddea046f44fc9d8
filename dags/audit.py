"""Audit: once a night the whole record is held against its seals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule=CronTriggerTimetable("15 2 * * *", timezone="Europe/London"),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=3),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "watch"],
)
def audit() -> None:
    """### Is the record as it was sealed?

    Every night at 02:15 Europe/London: chain, sealed rows, the results of every version and the files of their
    manifests are computed once more (OPS-7). The head of the chain goes to the store.

    * **Run it now**: press *Trigger*, or `resultsday audit`.
    * **It failed**: the audit itself could not run. Clear the task.
    * **What happened**: the run's note says whether anything differs, and what is the first. The alert `SEAL_BROKEN`
      tells people. It holds no names.
    """

    @task
    def look() -> str:
        """Audits everything, and notes what differs."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.results.audit import audit as whole

        run = get_current_context()["dag_run"]
        with open_desk(Settings.load()) as desk:
            note = "\n".join(whole(desk, datetime.now(UTC)).lines(named=False))
        tell_run(run, note)
        return allowed("audit", note)

    look()


audit()
