"""The demo: eight centre files through the real Airflow, and what came of each."""

from __future__ import annotations

import csv
import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

from attrs import evolve, frozen
from rich.console import Console
from rich.table import Table

from infra.airflow import AirflowApi
from infra.ledger import Landing
from infra.settings import Settings
from infra.store import FolderStore
from infra.supervisor import Desk as Running
from infra.supervisor import down, status, up
from pipeline.desk import Desk, open_desk
from pipeline.replies import money
from rules.catalogue import LONDON
from rules.decisions import Outcome

DAG = "ingest"
SAMPLES = Path(str(files("fixtures"))) / "samples"
WAIT = 90.0


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
    """Starts the desk unless it is up, drops the samples into the inbox, lets the ingest DAG take them and shows what
    came of them. A desk it started is ended again. Raises `DemoError`, `SupervisorError` or `AirflowError`."""
    began = time.monotonic()
    was_up = status(settings) is not None
    running = up(settings, console.print)
    try:
        run_through(evolve(settings, database_url=running.database_url), running, console, now)
    finally:
        if not was_up:
            down(settings, lambda _: None)
    console.print(f"{time.monotonic() - began:.1f} s in all.")


def run_through(settings: Settings, running: Running, console: Console, now: Callable[[], datetime]) -> None:
    """The demo on a running desk."""
    with open_desk(settings) as desk:
        if not isinstance(desk.store, FolderStore):
            raise DemoError("the demo drops files into a folder; unset RESULTSDAY_STORE")
        began = now()
        dropped, again = drop(desk, desk.store.root, began)
        console.print(
            f"\nDropped {len(dropped)} files into {desk.store.root / 'inbox'}"
            + (" (once more: an earlier demo sent them, so they land as sent again today)" if again else ""),
        )
        with AirflowApi(running.ui_url, running.username, running.password) as api:
            api.wait_until_known(DAG, WAIT)
            run_id = api.trigger(DAG)
            if api.wait(DAG, run_id, WAIT) != "success":
                raise DemoError(f"run {run_id} of the DAG {DAG} failed; see {running.ui_url}")
            story = _story(desk, dropped)
            # The schedule may have been quicker than we: then its run took the files and ours found nothing.
            run = next((one for one in api.runs(DAG) if _took_files(one, began)), None)
        _show(console, story, desk.store.root)
        console.print(f"\nAirflow was up after {running.airflow_seconds:.1f} s.")
        if run:
            seconds = (
                datetime.fromisoformat(run["end_date"]) - datetime.fromisoformat(run["start_date"])
            ).total_seconds()
            console.print(f"The run took {seconds:.1f} s. Its note: {run['note']}")


def drop(desk: Desk, root: Path, now: datetime) -> tuple[list[Landing], bool]:
    """Puts the samples into the inbox with their landing instants; if they landed before, as sent again just now."""
    known = set(desk.ledger.story([one.key for one in samples()])["landing_key"])
    again = bool(known)
    landings = []
    for one in samples():
        landed = now - timedelta(seconds=desk.settings.settle_seconds + 1) if again else one.landed
        target = root / one.key
        target.parent.mkdir(parents=True, exist_ok=True)
        # The ingest may look at any moment: what it sees must be whole and carry its landing instant.
        draft = target.with_name(f".{target.name}.part")
        shutil.copyfile(one.path, draft)
        os.utime(draft, (landed.timestamp(), landed.timestamp()))
        draft.replace(target)
        landings.append(_landing(one, landed))
    return landings, again


def _landing(sample: Sample, landed: datetime) -> Landing:
    _, centre, name = sample.key.split("/")
    return Landing(
        landing_key=sample.key,
        centre=centre,
        file_name=name,
        kind="file",
        received=landed.astimezone(UTC),
        size=0,
        sha256="",
    )


def _story(desk: Desk, dropped: Sequence[Landing]) -> list[dict[str, Any]]:
    """What became of the dropped files. A scheduled run may have been quicker than ours, or still be at it."""
    keys = [one.landing_key for one in dropped]
    deadline = time.monotonic() + WAIT
    while True:
        rows = {row["landing_key"]: row for row in desk.ledger.story(keys).iter_rows(named=True)}
        if all(key in rows and rows[key]["outcome"] for key in keys):
            return [rows[key] for key in keys]
        if time.monotonic() > deadline:
            missing = [key for key in keys if key not in rows or not rows[key]["outcome"]]
            raise DemoError(f"no answer after {WAIT:.0f} s for {', '.join(missing)}")
        time.sleep(0.2)


_COLOURS = {"accepted": "green", "accepted with warnings": "green", "partly accepted": "yellow", "refused": "red"}


def _took_files(run: dict[str, Any], since: datetime) -> bool:
    ended = run["end_date"] and datetime.fromisoformat(run["end_date"])
    return bool(ended and ended >= since and (run["note"] or "").startswith("Received"))


def _show(console: Console, story: Sequence[dict[str, Any]], root: Path) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("centre", "file", "received", "outcome"):
        table.add_column(heading, no_wrap=True)
    for heading in ("accepted", "refused", "warnings", "fees"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("reply", no_wrap=True)
    for row in story:
        counts, outcome = row["counts"], row["outcome"]
        booked = Outcome(outcome).booked
        entries = f" +{counts['options_refused']}" if counts["options_refused"] else ""
        table.add_row(
            row["centre"],
            row["file_name"],
            f"{row['received'].astimezone(LONDON):%Y-%m-%d %H:%M %Z}",
            outcome,
            str(counts["candidates"] - counts["candidates_refused"] if booked else 0),
            f"{counts['candidates_refused']}{entries}",
            str(counts["warnings"]),
            money(row["pence"]),
            f"{row['centre']}/{row['reply']}",
        )
    console.print("\nWhat came of every file\n")
    # The table keeps its width: a narrow window may wrap it, but no column is lost.
    wide = Console(width=max(console.width, 144), color_system=None)
    with wide.capture() as drawn:
        wide.print(table)
    console.print(drawn.get(), end="")
    console.print(
        "\nAccepted and refused count candidates; +n are single entries refused. Fees are placeholders: nobody "
        f"published prices.\nThe replies lie in {root / 'outbox'}"
    )
