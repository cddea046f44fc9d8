"""Results day: at the instants of the calendar, approved results are published, to centres and then to learners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from airflow.sdk import dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed
from pipeline.watching.notes import allowed, tell_run
from rules import terms

if TYPE_CHECKING:
    from rules.terms import Audience

WHEN = SCHEDULES["results_day"]


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
def results_day() -> None:
    """### Publishes the approved results at their instant

    Runs when results go to centres and when they go to learners, in every exam series, as given in `calendar.csv`
    of the catalogue. Files were built, hashed and approved before (DAG `award`); this only publishes them, into
    `outbox/<centre>/` and `portal/`. Each task checks the calendar and the clock itself: however it was started,
    it publishes nothing before the instant.

    * **Run it now**: press *Trigger*. What is due and not yet out is published; nothing is published twice.
    * **It failed because nothing is approved**: the run's note says which version is waiting. Look at its preview, then
      approve it in the console or by `resultsday approvals list`, and clear the task.
    * **It failed because a file was changed under embargo**: nothing was published. Withdraw, award and build again
      (docs/results-day.md).
    * **It failed otherwise**: clear the task. What is out stays out, and the rest follows.
    * **What happened**: see the counts in the run's note, and the report in `reports/results/<series>/<version>/`.
    """

    @task
    def centres() -> str:
        """R files and the portal's feed for centres; at the learners' instant, any of them that were missed."""
        return _release(terms.CENTRES, WHEN.events)

    @task(trigger_rule="all_done")
    def learners() -> str:
        """The portal's feed for learners, whatever became of the centres' files."""
        return _release(terms.LEARNERS, WHEN.events[1:])

    centres() >> learners()


def _release(audience: Audience, events: tuple[str, ...]) -> str:
    """Releases the series due at one of `events`, and sets the run's note."""
    from pipeline.desk import open_desk
    from pipeline.results.release import ReleaseError, release
    from pipeline.results.result_approval import do_as_decided
    from pipeline.season.timetable import due, exam_milestones

    settings, run = Settings.load(), get_current_context()["dag_run"]
    notes = []
    with open_desk(settings) as desk:
        for series_id, event in due(exam_milestones(settings.catalogue, WHEN.events), run.run_after):
            series = desk.catalogue.series_by_id(series_id)
            if series and event in events:
                try:
                    do_as_decided(desk, series)
                    # The real clock: a run for an instant that has not come releases nothing.
                    notes.append(release(desk, series, audience, datetime.now(UTC)).note())
                except ReleaseError as error:
                    tell_run(run, f"NOT RELEASED to {audience}: {error}.")
                    raise
    if notes:
        tell_run(run, " ".join(notes))
    return allowed("results_day", " ".join(notes) or f"Nothing is due to {audience}.")


results_day()
