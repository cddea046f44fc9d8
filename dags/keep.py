"""Keeping: once a week, what is no longer kept is counted, and then let go of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule=CronTriggerTimetable("15 3 * * 0", timezone="Europe/London"),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=6),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "keeping"],
)
def keep() -> None:
    """### Lets go of what is no longer kept

    Sundays at 03:15 Europe/London: first what is due is counted by class, then it is removed, and learners whose time
    has come are forgotten. How long what is kept, and why, is on the page *Keeping* of the documentation. Nothing that
    is in dispute, pending, locked or under embargo is touched. Old runs and logs of Airflow's own go too.

    * **Run it now**: press *Trigger*.
    * **It failed**: clear the task that failed. What is already gone is not counted again.
    * **What happened**: the run's note has the counts. It holds no names.
    """

    @task
    def list_due() -> str:
        """Counts, and changes nothing."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.keeping.due import look

        with open_desk(Settings.load()) as desk:
            return allowed("keep", "\n".join(look(desk, datetime.now(UTC)).lines()))

    @task
    def carry_out() -> str:
        """Lets go of it, and notes what went: by now it may be more than was listed."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.keeping.keep import keep as let_go

        run = get_current_context()["dag_run"]
        with open_desk(Settings.load()) as desk:
            done = let_go(desk, datetime.now(UTC), "the desk", "the periods of the page Keeping")
        note = "\n".join((f"{done.count:,} let go.", *done.lines()))
        tell_run(run, note)
        return allowed("keep", note)

    @task
    def clean_up() -> str:
        """Old logs, and old runs of Airflow's."""
        from infra.settings import Settings
        from pipeline.keeping.machine import in_airflow, on_this_machine

        settings, now = Settings.load(), datetime.now(UTC)
        old = (*on_this_machine(settings, now, carry_out=True), in_airflow(settings, now, carry_out=True))
        return allowed("keep", "\n".join(due.line() for due in old))

    list_due() >> carry_out() >> clean_up()


keep()
