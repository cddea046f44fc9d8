"""The watch: every five minutes it looks for what is due and not done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from pipeline.watching.callbacks import run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule="*/5 * * * *",
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(minutes=10),
    on_failure_callback=run_failed,
    default_args={"owner": "edi-desk", "retries": 1, "retry_delay": timedelta(seconds=30)},
    tags=["edi", "watch"],
)
def watch() -> None:
    """### Looks for what is due and not done, and tells people

    Results that are not out or not approved, an award or a checkpoint that was not done, an ingest that does not
    succeed, files held for too long, a disk that is filling up. It looks at the ledger, not at runs. Each alert is sent
    once, by e-mail and webhook as the settings `RESULTSDAY_ALERT_*` say, with what to do about it. Beside it, `tell`
    tells centres that want it what is new in their outboxes.

    * **Run it now**: press *Trigger*. No alert is sent twice.
    * **It failed**: clear the task, or wait for the next run.
    * **What happened**: the run's note lists what is wrong now. It holds no names.
    """

    @task
    def look() -> str:
        """One look."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.watching.watch import watch as look_around

        with open_desk(Settings.load()) as desk:
            note = look_around(desk, datetime.now(UTC)).note()
        run = get_current_context()["dag_run"]
        tell_run(run, note)
        return allowed("watch", note)

    @task
    def tell() -> str:
        """Tells centres and the desk's own webhook; whatever becomes of that, the look does not wait for it."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.watching.telling import tell_centres

        with open_desk(Settings.load()) as desk:
            return allowed("watch", tell_centres(desk, datetime.now(UTC)).note())

    look()
    tell()


watch()
