"""The award: conversion tables, results, files under embargo, and the questions that only a person can answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Context, Param, dag, get_current_context, task

from infra.settings import Settings
from pipeline.season.timetable import CalendarTimetable
from pipeline.watching.callbacks import run_failed
from rules import terms

EVENTS = ("results_to_centres",)
DAYS_BEFORE = (7,)
"""Leaves time to look, award again and build again before results day. Our own choice."""

settings = Settings.load()
WHY = {"why": Param("", type="string", title="Why", description="The reason, for the record (OPS-3)")}
APPROVERS: Any = [{"id": name, "name": name} for name in settings.approvers.split(",")]


class Question(ApprovalOperator):
    """An approval that keeps the answer: Airflow itself passes nothing on when the answer is *Reject*."""

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Keeps who answered, what, why and when."""
        answer = {
            "chosen": list(event.get("chosen_options") or []),
            "who": (event.get("responded_by_user") or {}).get("name", ""),
            "why": str((event.get("params_input") or {}).get("why") or "").strip(),
            "at": str(event.get("responded_at") or ""),
        }
        context["ti"].xcom_push(key="answer", value=answer)
        return super().execute_complete(context, event)


@task
def boundaries() -> str:
    """Takes in waiting boundaries; returns the question about them. Skipped when all are approved."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline.awarding.award import proposed_boundaries, take_boundaries
    from pipeline.desk import open_desk

    # Whether a file has settled depends on the clock, not on the instant the run is for.
    with open_desk(Settings.load()) as desk:
        taken = take_boundaries(desk, datetime.now(UTC))
        series = _series(desk)
        asked = proposed_boundaries(desk, series) if series else ""
    if not asked:
        raise AirflowSkipException(taken.note())
    return f"{taken.note()}\n\n{asked}"


@task
def approve_boundaries() -> str:
    """Records who approved the boundaries."""
    from pipeline.awarding.award import approve_boundaries as approve
    from pipeline.desk import open_desk

    who, why, at = _answer("ask_boundaries")
    with open_desk(Settings.load()) as desk:
        series = _series(desk)
        assert series
        return f"{approve(desk, series, who, why, at)} conversion tables approved"


@task(trigger_rule="none_failed")
def award_series() -> dict[str, Any]:
    """Awards the series; the results are its next version."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from infra.airflow_api import note_run
    from pipeline.awarding.award import AwardError, NobodyEntered
    from pipeline.awarding.award import award as run_award
    from pipeline.desk import open_desk
    from pipeline.season.checkpoints import checkpoint

    run = get_current_context()["dag_run"]
    with open_desk(Settings.load()) as desk:
        series = _series(desk)
        if series is None:
            raise AirflowSkipException("no results are due yet")
        if any(awarding.kind == terms.WHOLE_SERIES for awarding in desk.results.issued(series.id)):
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
    note_run(run.dag_id, run.run_id, f"{awarded.note()} {checked.note()}")
    return {"series": series.id, "version": awarded.awarding.version, "note": awarded.note()}


@task
def build(awarded: dict[str, Any]) -> dict[str, Any]:
    """Writes every file of the results where no centre can read it."""
    from pipeline.desk import open_desk
    from pipeline.results.release import build as run_build

    with open_desk(Settings.load()) as desk:
        built = run_build(desk, _awarding(desk, awarded), get_current_context()["dag_run"].run_after)
    return awarded | {"built": built.note(), "manifest": built.awarding.manifest_sha256}


@task
def preview(built: dict[str, Any]) -> str:
    """Writes the pages to look at; returns the question about the results."""
    from pipeline.awarding.preview import preview as run_preview
    from pipeline.desk import open_desk

    with open_desk(Settings.load()) as desk:
        awarding = _awarding(desk, built)
        pages = run_preview(desk, awarding)
    return "\n".join(
        [
            built["note"],
            "",
            built["built"],
            "",
            f"* results: SHA-256 `{awarding.sha256}`",
            f"* files under embargo: manifest SHA-256 `{built['manifest']}`",
            *(f"* `{page}`" for page in pages),
        ]
    )


@task
def approve(built: dict[str, Any]) -> None:
    """Records who approved the results; the calendar will release them."""
    from pipeline.desk import open_desk
    from pipeline.results.release import approve as run_approve

    with open_desk(Settings.load()) as desk:
        run_approve(desk, _awarding(desk, built), *_answer("ask"))


@task(trigger_rule="none_failed")
def withdraw(built: dict[str, Any]) -> None:
    """After a *Reject*: withdraws the results and forgets their files."""
    from airflow.sdk.exceptions import AirflowSkipException

    from pipeline.desk import open_desk
    from pipeline.results.release import withdraw as run_withdraw

    answered = get_current_context()["ti"].xcom_pull(task_ids="ask", key="answer")
    if not answered or answered["chosen"] != [Question.REJECT]:
        raise AirflowSkipException("nothing was rejected")
    with open_desk(Settings.load()) as desk:
        run_withdraw(desk, _awarding(desk, built), *_answer("ask"))


def _series(desk: Any) -> Any:
    """The series given to the run, or else the series whose results are due; None before the first."""
    from airflow.sdk.exceptions import AirflowFailException

    from pipeline.season.timetable import due, exam_milestones

    context = get_current_context()
    given = context["params"]["series"]
    if not given:
        calendar = exam_milestones(Settings.load().catalogue, EVENTS, DAYS_BEFORE)
        given = next((series for series, _ in due(calendar, context["dag_run"].run_after)), "")
    series = desk.catalogue.series_by_id(given) if given else None
    if given and series is None:
        raise AirflowFailException(f"there is no calendar for {given}")
    return series


def _awarding(desk: Any, of: dict[str, Any]) -> Any:
    """The version this run has made, in its current state."""
    return next(version for version in desk.results.every(of["series"]) if version.version == of["version"])


def _answer(task_id: str) -> tuple[str, str, datetime]:
    """Who answered a question, why, and when (OPS-3)."""
    answer = get_current_context()["ti"].xcom_pull(task_ids=task_id, key="answer")
    return answer["who"], answer["why"] or "no reason given in Airflow", datetime.fromisoformat(answer["at"])


@dag(
    schedule=CalendarTimetable(settings.catalogue.absolute(), EVENTS, days_before=DAYS_BEFORE),
    start_date=datetime(2022, 9, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    dagrun_timeout=timedelta(days=14),
    on_failure_callback=run_failed,
    params={"series": Param("", type="string", title="Series", description="2024-06; empty: the series that is due")},
    default_args={"owner": "edi-desk", "retries": 3, "retry_delay": timedelta(seconds=30)},
    tags=["edi", "calendar", "results"],
)
def award() -> None:
    """### Awards a series, builds its files under embargo and asks a person to approve them

    Runs a week before `results_to_centres` of every exam series, as given in `calendar.csv` of the catalogue, and again
    at that instant, when it does nothing if the results are approved.

    * **Run it now**: press *Trigger* and give a series (`2024-06`).
    * **It is waiting for you**: look under *Required Actions*. It asks first about boundaries nobody has approved yet,
      then about the results. The question names the pages to look at. Say why: your name and the reason are recorded.
      No other run begins until you answer.
    * **You reject the boundaries**: those approved before stay in force; if there are none the run ends.
    * **You reject the results**: they are withdrawn. Put right what is wrong and trigger it again.
    * **It failed**: the log of the task says what is missing. Put it right and clear the task.
    * **What happened**: see the counts in the run's note. It holds no names.
    """

    ask_boundaries = Question(
        task_id="ask_boundaries",
        subject="Approve the boundaries?",
        body="{{ ti.xcom_pull(task_ids='boundaries') }}",
        params=WHY,
        assigned_users=APPROVERS,
    )
    ask = Question(
        task_id="ask",
        subject="Approve the results of {{ ti.xcom_pull(task_ids='build')['series'] }}, "
        "version {{ ti.xcom_pull(task_ids='build')['version'] }}?",
        body="{{ ti.xcom_pull(task_ids='preview') }}",
        params=WHY,
        assigned_users=APPROVERS,
    )
    awarded: Any = award_series()
    built: Any = build(awarded)
    boundaries() >> ask_boundaries >> approve_boundaries() >> awarded
    preview(built) >> ask >> approve(built) >> withdraw(built)


award()
