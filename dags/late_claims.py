"""The late claims: every hour, claims made since results day are awarded and published in the portal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule="20 * * * *",
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "results"],
)
def late_claims() -> None:
    """### Awards claims that came after results day, within the day

    Every hour, for every series whose results are out: claims from the portal and from staff that have no
    result yet are awarded, and published as a further version below `portal/centres/<series>/` and
    `portal/learners/<series>/`. Results files change on request only (DAG `updated_results`).

    Corrections approved in a console that could not carry them out are carried out (RES-7), and the results that wait
    are compared with the ledger (AWD-5). Of whom they differ is listed in `reports/drift/<series>/`; people are told.

    * **Run it now**: press *Trigger*. No claim is awarded twice.
    * **It failed**: the run's note says which series failed, and why; the others were done. Clear the task.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def award_late() -> str:
        """One task for all series: there are few such claims in a day."""
        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.results.after_results import late_claims as award_all
        from pipeline.results.embargo import ReleaseError

        run = get_current_context()["dag_run"]
        with open_desk(Settings.load()) as desk:
            # The instant the run is for: a rehearsal sets it, but never ahead of the clock.
            late = award_all(desk, min(run.run_after, datetime.now(UTC)))
        tell_run(run, late.note())
        if late.errors:
            raise ReleaseError(late.note())
        return allowed("late_claims", late.note())

    @task
    def corrections() -> str:
        """Carries out what people have approved in a console that cannot reach the embargo (RES-7, OPS-4)."""
        from infra.settings import Settings
        from pipeline.approvals import settle
        from pipeline.desk import open_desk
        from rules import terms

        with open_desk(Settings.load()) as desk:
            return allowed("late_claims", f"{settle(desk, terms.CORRECTION)} corrections carried out.")

    @task
    def look() -> str:
        """Compares the results that wait with the ledger (AWD-5)."""
        from infra.settings import Settings
        from pipeline.awarding.drift import look as compare
        from pipeline.desk import open_desk

        run = get_current_context()["dag_run"]
        with open_desk(Settings.load()) as desk:
            return allowed("late_claims", compare(desk, min(run.run_after, datetime.now(UTC))).note())

    award_late()
    corrections()
    look()


late_claims()
