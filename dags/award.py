"""The award: conversion tables, results, files under embargo, and the waits for what only people can decide."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.sensors.python import PythonSensor
from airflow.sdk import Param, dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.schedule import SCHEDULES
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import OUTLASTS, run_failed, with_its_turn
from pipeline.watching.notes import allowed, tell_run
from rules import terms

WHEN = SCHEDULES["award"]

DAYS_OF_A_RUN = 14
settings = Settings.load()
WAITS: Any = {
    "mode": "reschedule",
    "poke_interval": 4,
    "exponential_backoff": True,
    "max_wait": timedelta(minutes=2),
    "timeout": timedelta(days=DAYS_OF_A_RUN),
}
"""A wait for people takes no worker: it looks every few seconds at first, and every two minutes in the end."""


@task
def boundaries() -> str:
    """Takes in waiting boundaries and puts them forward. Skipped when all are approved."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline.approvals import put_forward
    from pipeline.awarding.award import take_boundaries
    from pipeline.awarding.boundary_approval import waiting
    from pipeline.desk import open_desk

    # Whether a file has settled depends on the clock, not on the instant the run is for.
    now = datetime.now(UTC)
    with open_desk(Settings.load()) as desk:
        taken = take_boundaries(desk, now)
        with_its_turn(taken.kept_out)
        put_forward(desk, now, people=desk.settings.approvals, again=True)
        series = _series(desk)
        if series is None or series.id not in waiting(desk):
            raise AirflowSkipException(taken.note())
    return allowed("award", taken.note())


def boundaries_decided() -> bool:
    """Whether people have decided about the boundaries, by the ledger: nothing that Airflow knows is asked (OPS-4).
    Does what they have decided where the console died before it was done."""
    from pipeline.approvals import ApprovalError, open_decision, settle
    from pipeline.desk import open_desk

    with open_desk(Settings.load()) as desk:
        series = _series(desk)
        if series is None:
            return True
        # What has changed since it was shown waits for another decision.
        with suppress(ApprovalError):
            settle(desk, terms.BOUNDARIES, series.id)
        return not open_decision(desk, terms.BOUNDARIES, series.id)


@task(trigger_rule="none_failed")
def award_series() -> str:
    """Awards the series; the results are its next version. What blocks them is put forward."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from pipeline.approvals import put_forward
    from pipeline.awarding.award import AwardError, NobodyEntered
    from pipeline.awarding.award import award as run_award
    from pipeline.awarding.balance import balance
    from pipeline.desk import open_desk
    from pipeline.season.checkpoints import checkpoint

    run = get_current_context()["dag_run"]
    with open_desk(Settings.load()) as desk:
        series = _series(desk)
        if series is None:
            raise AirflowSkipException("no results are due yet")
        issued = any(awarding.kind == terms.WHOLE_SERIES for awarding in desk.results.issued(series.id))
        if issued and desk.results.waiting_centres(series.id).is_empty():
            raise AirflowSkipException(f"the results of {series.title} are already approved")
        # Learners who would get no result are reported while there is still time to wait for them (OPS-1).
        checked = checkpoint(desk, series, "award", run.run_after)
        try:
            # The instant the run is for, not of the work: a retry awards the same.
            awarded = run_award(desk, series, run.run_after)
        except NobodyEntered as error:
            raise AirflowSkipException(str(error)) from error
        except AwardError as error:
            # A retry would fail in the same way.
            raise AirflowFailException(str(error)) from error
        weighed = balance(desk, awarded.awarding, run.run_after)
        put_forward(desk, datetime.now(UTC), people=desk.settings.approvals)
    tell_run(run, f"{awarded.told()} {weighed.note()} {checked.note()}")
    return allowed("award", awarded.told())


def exceptions_accepted() -> bool:
    """Whether nothing blocks the newest results any more, by the ledger (AWD-7), or they were withdrawn."""
    from pipeline.awarding.balance import weigh
    from pipeline.desk import open_desk

    with open_desk(Settings.load()) as desk:
        newest = _newest(desk)
        return bool(newest.state != terms.PROPOSED or weigh(desk, newest).blocking.is_empty())


@task
def build() -> str:
    """Writes every file of the newest results where no centre can read it. Skipped when they were withdrawn."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline.desk import open_desk
    from pipeline.results.release import build as run_build

    with open_desk(Settings.load()) as desk:
        newest = _newest(desk)
        if newest.state == terms.WITHDRAWN:
            raise AirflowSkipException("the results were withdrawn: mend what is wrong and trigger the DAG again")
        return allowed("award", run_build(desk, newest, get_current_context()["dag_run"].run_after).note())


@task
def preview() -> str:
    """Writes the pages to look at, and puts the results forward."""
    from pipeline.approvals import put_forward
    from pipeline.awarding.preview import preview as run_preview
    from pipeline.desk import open_desk

    with open_desk(Settings.load()) as desk:
        pages = run_preview(desk, _newest(desk))
        put_forward(desk, datetime.now(UTC), people=desk.settings.approvals)
    return allowed("award", f"{len(pages):,} pages to look at.")


def results_decided() -> bool:
    """Whether people have decided about the results, by the ledger: nothing that Airflow knows is asked (OPS-4). Does
    what they have decided where the console could not reach the embargo."""
    from pipeline.approvals import settle
    from pipeline.desk import open_desk

    with open_desk(Settings.load()) as desk:
        settle(desk, terms.RESULTS)
        return bool(_newest(desk).state not in (terms.PROPOSED, terms.BUILT))


def _series(desk: Any) -> Any:
    """The series given to the run, or else the series whose results are due; None before the first."""
    from airflow.sdk.exceptions import AirflowFailException

    from pipeline.season.timetable import due, exam_milestones

    context = get_current_context()
    given = context["params"]["series"]
    if not given:
        calendar = exam_milestones(Settings.load().catalogue, WHEN.events, WHEN.days_before)
        given = next((series for series, _ in due(calendar, context["dag_run"].run_after)), "")
    series = desk.catalogue.series_by_id(given) if given else None
    if given and series is None:
        raise AirflowFailException(f"there is no calendar for {given}")
    return series


def _newest(desk: Any) -> Any:
    """The newest version of the results, in its current state, by the ledger."""
    from airflow.sdk.exceptions import AirflowFailException

    series = _series(desk)
    awarding = desk.results.newest(series.id) if series else None
    if awarding is None:
        raise AirflowFailException("nothing is awarded")
    return awarding


@dag(
    schedule=CalendarTimetable.of(WHEN),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(days=DAYS_OF_A_RUN),
    on_failure_callback=run_failed,
    params={"series": Param("", type="string", title="Series", description="2024-06; empty: the series that is due")},
    default_args=dict(OUTLASTS),
    tags=["edi", "calendar", "results"],
)
def award() -> None:
    """### Awards a series, builds its files under embargo and waits for people to approve them

    Runs a week before `results_to_centres` of every exam series, as given in `calendar.csv` of the catalogue, and again
    at that instant, when it does nothing if the results are approved.

    * **Run it now**: press *Trigger* and give a series (`2024-06`).
    * **It is waiting for people**: look at *Approval* in the console, or `resultsday approvals list`. First about
      boundaries nobody has approved yet, then about what blocks the results, then about the results. The ledger has who
      approved what, by which log-in, and why; whatever you do to the tasks here approves nothing. No other run begins
      until people have decided.
    * **Something blocks the results** (AWD-7): `resultsday gate show` says what, and what to do. Mend it, withdraw the
      results and trigger the DAG again; or accept it by name in the console or with `resultsday gate accept`.
    * **The boundaries are rejected**: those approved before stay in force; if there are none the run ends.
    * **The results are rejected**: they are withdrawn. Put right what is wrong and trigger it again.
    * **It failed**: the log of the task says what is missing. Put it right and clear the task.
    * **What happened**: the run's note says which version was made. Counts of outcomes are under embargo: approvers see
      them under *Approval* in the console.
    """

    first = PythonSensor(task_id="boundaries_decided", python_callable=boundaries_decided, **WAITS)
    gate = PythonSensor(task_id="exceptions_accepted", python_callable=exceptions_accepted, **WAITS)
    last = PythonSensor(task_id="results_decided", python_callable=results_decided, **WAITS)
    boundaries() >> first >> award_series() >> gate >> build() >> preview() >> last


award()
