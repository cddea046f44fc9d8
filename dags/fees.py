"""The fees: every week a statement of entries and an invoice for every centre."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import CronTriggerTimetable, dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule=CronTriggerTimetable("0 6 * * MON", timezone="Europe/London"),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "fees"],
)
def fees() -> None:
    """### Writes statements of entries and invoices

    Every Monday at 06:00 Europe/London, for every exam series whose window is open or closed less than 60 days ago, and
    for every centre with entries in it. They are in `outbox/<centre>/` and replace those of the week before.

    * **Run it now**: press *Trigger*. They are written again from the current ledger.
    * **It failed**: clear the task. It writes the same again.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def state() -> str:
        """One task for all series and centres."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.season.dates import current_series
        from pipeline.season.statements import statements

        now = datetime.now(UTC)
        with open_desk(Settings.load()) as desk:
            counts = [
                f"{series.title}: statements and invoices of {statements(desk, series, now)} centres."
                for series in current_series(desk.catalogue, now)
            ]
        note = " ".join(counts) or "No series is current: nothing to state."
        run = get_current_context()["dag_run"]
        tell_run(run, note)
        return allowed("fees", note)

    state()


fees()
