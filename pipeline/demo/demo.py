"""The demo: plays an exam season of made-up centres and the eight sample files through the real Airflow, with the clock
set by the calendar, and shows the results."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from rich.console import Console

from fixtures.season import Season, season
from infra.airflow_api import AirflowApi
from infra.ledger.approvals import Signer
from infra.running.supervisor import RunningDesk, down, status, unstoppable, up
from infra.settings import Settings
from pipeline.approvals import ApprovalError, decide, listed
from pipeline.demo import report as demo_report
from pipeline.demo.rehearsal import RehearsalError, SeasonStep, happen, land, late_centre, steps
from pipeline.desk import Desk, open_desk
from pipeline.files.progress import waiting
from rules import terms
from rules.catalogue import LONDON

SAMPLES = Path(str(files("fixtures"))) / "samples"
SENDS_ITSELF = SAMPLES / "58201" / "E5820115.X01"
SEED = 1
WAIT = 300.0
"""Seconds that a run may take: with nothing else at work a few."""
AFRESH = "Run the demo again: it goes on from here. To start afresh: make down, remove the folder var, make demo."
EARLY = datetime(2023, 8, 1, tzinfo=UTC)
WHY = "approved by the demo, in place of a person"
ACCEPTED = "accepted by the demo, in place of a person: the mark never came, and the result follows it"
DEMO = Signer("demo", terms.PLAYED)


class DemoError(Exception):
    """The demo could not do its work; the message says why."""


@frozen
class Sample:
    """A sample file and the instant (aware) at which its centre sent it."""

    path: Path
    key: str
    landed: datetime


def samples() -> list[Sample]:
    """The sample files with their landing instants, as `fixtures/samples/landings.csv` has them."""
    with (SAMPLES / "landings.csv").open(encoding="utf-8", newline="") as file:
        return [
            Sample(SAMPLES / row["file"], f"inbox/{row['file']}", datetime.fromisoformat(row["landed"]))
            for row in csv.DictReader(file)
        ]


def demo(settings: Settings, console: Console, now: Callable[[], datetime]) -> None:
    """Starts the desk unless it is up, plays the season on it and shows the results. A desk it started is stopped
    again. Raises `DemoError`, `SupervisorError` or `AirflowError`."""
    began = time.monotonic()
    was_up = status(settings) is not None
    running = up(settings, console.print)
    try:
        run_through(evolve(settings, database_url=running.database_url), running, console, now)
    finally:
        if not was_up:
            with unstoppable():
                down(settings, lambda _: None)
    console.print(f"\n{time.monotonic() - began:.0f} s in all.")


def run_through(settings: Settings, running: RunningDesk, console: Console, now: Callable[[], datetime]) -> None:
    """The demo on a running desk. What an earlier demo has done is not done again; if all is done, the samples are sent
    once more."""
    from pipeline.demo.transfer import TransferError, transfer_story  # imported here: it loads all of SSH

    made = season(SEED)
    with open_desk(settings) as desk, AirflowApi(running.ui_url, running.username, running.password) as api:
        timetable = steps(desk.catalogue)
        console.print(f"\nA season of {len(made.centres)} made-up centres with {len(made.truth.learners)} learners, "
                      f"and the {len(samples())} sample files, through Airflow: {running.ui_url}\n")  # fmt: skip
        try:
            with waiting(console, "Airflow is catching up on missed runs"):
                _until_quiet(api, timetable, now)
            fresh = play(desk, api, made, timetable, console, now)
            if not fresh:
                console.print("\nThe season has been played before, so only the sample files are sent again.")
                send_again(desk, now())
                _run(desk, api, "ingest", now, console)
        except (ApprovalError, RehearsalError) as error:
            raise DemoError(str(error)) from error
        demo_report.samples_story(console, _story(desk), desk.store)
        demo_report.season_story(console, desk, made)
        try:
            transfer_story(console, desk, running, SENDS_ITSELF.parent.name, SENDS_ITSELF, now)
        except TransferError as error:
            raise DemoError(str(error)) from error


# --- Playing ---------------------------------------------------------------------------------------------------------


def play(
    desk: Desk,
    api: AirflowApi,
    made: Season,
    timetable: Sequence[SeasonStep],
    console: Console,
    now: Callable[[], datetime],
) -> int:
    """Every step of the season that Airflow has not done yet, with the events before it; returns how many."""
    before, done = EARLY, 0
    for step in timetable:
        run_id = _run_id(step)
        if api.state(step.job, run_id) != "success":
            began = time.monotonic()
            with waiting(console, step.title):
                for event in made.between(before, step.at):
                    happen(desk, made, event)
                for sample in samples():
                    if before < sample.landed <= step.at:
                        land(desk, sample.key, sample.path.read_bytes(), sample.landed)
                note = _run(desk, api, step.job, now, console, step.at, run_id, _asked(step, made))
            demo_report.step_line(console, step, note, time.monotonic() - began)
            done += 1
        before = step.at
    return done


def _run_id(step: SeasonStep) -> str:
    """By this name Airflow remembers what an earlier or interrupted demo has done."""
    return f"season-{step.at.astimezone(LONDON):%Y-%m-%d}-{step.job}"


def send_again(desk: Desk, now: datetime) -> None:
    """Sends the samples again, as their centres would just now."""
    for sample in samples():
        land(desk, sample.key, sample.path.read_bytes(), now - timedelta(seconds=desk.settings.settle_seconds + 1))


def _asked(step: SeasonStep, made: Season) -> dict[str, Any]:
    """The answers to the form of a DAG that is started by hand."""
    if step.job != "updated_results":
        return {}
    return {"series": step.series, "centres": [late_centre(made)], "why": "the centre asked for it after a late claim"}


def _run(
    desk: Desk,
    api: AirflowApi,
    job: str,
    now: Callable[[], datetime],
    console: Console,
    at: datetime | None = None,
    run_id: str = "",
    conf: dict[str, Any] | None = None,
) -> str:
    """Runs a DAG to its end, approving what waits as people would; returns its note."""
    if not run_id or api.state(job, run_id) is None:
        run_id = api.trigger(job, conf, run_after=at, run_id=run_id or None)
    deadline = time.monotonic() + WAIT
    while (state := api.run(job, run_id)["state"]) not in ("success", "failed"):
        if job == "award":
            _approve(desk, now(), console)
        if time.monotonic() > deadline:
            raise DemoError(f"run {run_id} of the DAG {job} is still {state} after {WAIT:.0f} s. {AFRESH}")
        time.sleep(0.2)
    if state == "failed":
        raise DemoError(f"run {run_id} of the DAG {job} failed; clear it in Airflow. {AFRESH}")
    return str(api.run(job, run_id)["note"] or "")


def _approve(desk: Desk, at: datetime, console: Console) -> None:
    """Approves the boundaries and results that wait, exactly as they were put forward, and accepts what blocks them: a
    mark that never came, whose result is issued as pending. Each acceptance is shown."""
    for proposal in listed(desk):
        if proposal.kind == terms.EXCEPTION:
            decide(desk, proposal.id, terms.APPROVED, DEMO, ACCEPTED, at)
            console.print(f"{'':<21} accepted by the demo: {proposal.subject}", style="dim", markup=False)
        elif proposal.kind != terms.ADJUSTMENT:
            decide(desk, proposal.id, terms.APPROVED, DEMO, WHY, at)


def _until_quiet(api: AirflowApi, timetable: Sequence[SeasonStep], now: Callable[[], datetime]) -> None:
    """Waits until Airflow knows the DAGs and has made up for the dates it missed while it was down. A run of the season
    that an interrupted demo has left, perhaps waiting for an approval, is taken over by the step it belongs to."""
    deadline = time.monotonic() + WAIT
    ours = {_run_id(step) for step in timetable}
    jobs = sorted({step.job for step in timetable})
    for job in jobs:
        api.wait_until_known(job, WAIT)
    while busy := [job for job in jobs if _busy(api, job, ours, now())]:
        if time.monotonic() > deadline:
            raise DemoError(f"Airflow is still busy with {', '.join(busy)} after {WAIT:.0f} s. {AFRESH}")
        time.sleep(0.5)


def _busy(api: AirflowApi, job: str, ours: Collection[str], now: datetime) -> bool:
    unfinished = [run for run in api.runs(job) if run["state"] not in ("success", "failed")]
    if any(run["dag_run_id"] in ours for run in unfinished):
        return False  # it has the only place for a run of this DAG until its step comes
    following = api.dag(job)["next_dagrun_run_after"]
    missed = following is not None and datetime.fromisoformat(following) <= now
    return missed or bool(unfinished)


def _story(desk: Desk) -> list[dict[str, Any]]:
    """The outcome of each sample. A scheduled run may have been quicker than ours, or still be running."""
    keys = [sample.key for sample in samples()]
    deadline = time.monotonic() + WAIT
    while True:
        rows = {row["landing_key"]: row for row in desk.ledger.story(keys).iter_rows(named=True)}
        if all(key in rows and rows[key]["outcome"] for key in keys):
            return [rows[key] for key in keys]
        if time.monotonic() > deadline:
            missing = [key for key in keys if key not in rows or not rows[key]["outcome"]]
            raise DemoError(f"no answer after {WAIT:.0f} s for {', '.join(missing)}")
        time.sleep(0.2)
