"""The updated results files: on request, for one centre or many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Param, dag, get_current_context, task

from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run


@dag(
    schedule=None,
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    params={
        "series": Param("", type="string", title="Series", description="Year and month, for example 2024-06."),
        "centres": Param([], type="array", items={"type": "string"}, title="Centres", description="One number a line."),
        "why": Param("", type="string", title="Why", description="Who asked for it, and how, for the record."),
    },
    tags=["edi", "results"],
)
def updated_results() -> None:
    """### Writes updated results files for centres that ask

    Each centre with a change since its last results file, for example by a later claim, gets a complete file under the
    next number in `outbox/<centre>/`, and beside it a note (`.txt`) of what changed. No file name is ever used twice.
    Where nothing has changed nothing is written, and the run's note says so.

    * **Run it now**: press *Trigger* and give series, centres and the reason; your name is recorded with it.
    * **It failed**: the run's note says why. Before the release to learners there is nothing to update.
    * **What happened**: the run's note counts files and names the centres without a change.
    """

    @task
    def restate() -> str:
        """One task for all centres."""
        from airflow.sdk.exceptions import AirflowFailException

        from infra.settings import Settings
        from pipeline.desk import open_desk
        from pipeline.results.after_results import updated
        from pipeline.results.embargo import ReleaseError

        context = get_current_context()
        run, asked = context["dag_run"], context["params"]
        who = run.triggering_user_name or "a person in Airflow"
        with open_desk(Settings.load()) as desk:
            series = desk.catalogue.series_by_id(asked["series"])
            if series is None:
                raise AirflowFailException(f"there is no calendar for {asked['series']!r}; write 2024-06, for example")
            try:
                # The instant the run is for: a rehearsal sets it, but never ahead of the clock.
                now = min(run.run_after, datetime.now(UTC))
                note = updated(desk, asked["centres"], now, series, who, asked["why"]).note()
            except ReleaseError as error:
                # A retry would be refused as well.
                tell_run(run, f"NOT DONE: {error}.")
                raise AirflowFailException(str(error)) from error
        tell_run(run, note)
        return allowed("updated_results", note)

    restate()


updated_results()
