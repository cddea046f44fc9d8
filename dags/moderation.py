"""Moderation: samples for the centres, the moderators' marks, feedback and adjustments."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed, with_its_turn
from pipeline.watching.notes import allowed, tell_run
from rules import terms

WHEN = SCHEDULES["moderation"]


@dag(
    schedule=CalendarTimetable.of(WHEN),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(hours=1),
    on_failure_callback=run_failed,
    default_args=dict(OUTLASTS),
    tags=["edi", "calendar", "moderation"],
)
def moderation() -> None:
    """### Takes in the board's own marks, draws samples, compares the moderators' marks, proposes adjustments

    Runs at the first instant after the marks deadline and after the deadline for amending marks of every exam series,
    as given in `calendar.csv` of the catalogue, and every day: for centres that have marked everybody once moderation
    has opened, for extensions and for files of moderators. Samples and feedback are in `outbox/<centre>/`, the pages
    about adjustments in `reports/moderation/`. Whatever has landed is taken in first, as it was sent in time.

    * **Run it now**: press *Trigger*. Nothing is drawn or compared twice.
    * **An adjustment is waiting**: look at *Approval* in the console, or `resultsday approvals list`.
    * **It failed**: clear the task. What was done is kept, and the run goes on from there.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    @task
    def take_steps() -> str:
        """One task for all steps: they are short, and each builds on the step before."""
        from pipeline.approvals import ApprovalError, put_forward, settle
        from pipeline.desk import open_desk
        from pipeline.marking.due import moderate
        from pipeline.marking.external import take_external

        run = get_current_context()["dag_run"]
        # The instant the run is for, not of the work: a retry and a rehearsal see the calendar as it was then.
        now = run.run_after
        with open_desk(Settings.load()) as desk:
            external = take_external(desk, now)
            counts = moderate(desk, desk.catalogue.all_series(), now, datetime.now(UTC))
            # What was decided where the console died before it was done; what has changed since is put forward again.
            with suppress(ApprovalError):
                settle(desk, terms.ADJUSTMENT)
            put_forward(desk, datetime.now(UTC), people=desk.settings.approvals)
        note = f"{external.note()} {counts.note()}"
        tell_run(run, note)
        with_its_turn(external.kept_out or counts.kept_out)
        return allowed("moderation", note)

    take_steps()


moderation()
