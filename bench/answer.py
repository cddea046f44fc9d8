"""From landing to reply on a running desk: `python -m bench.answer`.

Centres send a file each over SFTP, one after the other, and what comes into their outboxes is waited for: the receipt,
then the complete reply. Median and worst of both, beside the goals, and where the time went: by the times that Airflow
keeps of the run that answered the file.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import asyncssh
import sqlalchemy as sa
from attrs import evolve, frozen

from bench.registers import register
from fixtures.generate import entries
from infra.airflow_api import AirflowApi
from infra.landing.keys import read_public_key
from infra.ledger.approvals import Order
from infra.ledger.keys import KeyBook
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from parsers.writer import single

FIRST, CANDIDATES = 20_001, 30
RECEIPT, MEDIAN, WORST = 0.5, 2.0, 4.0
"""Goals in seconds on two quiet cores: a receipt, half of the replies, every reply."""
PAUSES = (0.2, 1.1, 2.3, 3.7)
"""Seconds between a reply and the next file, in turn: files come at any moment of a run and of the bell's pause."""
WARM = 5
PATIENCE = 120.0


@frozen(kw_only=True)
class Sent:
    """A file: instants in seconds since 1970 at which it was sent, had landed, had its receipt and its reply, and the
    outcome that the reply states."""

    sent: float
    landed: float
    receipt: float
    reply: float
    outcome: str


def main() -> None:
    """Measures in a temporary folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=50)
    files = parser.parse_args().files
    with tempfile.TemporaryDirectory(prefix="resultsday-answer-") as folder:
        settings = evolve(Settings.load({}), state=Path(folder), sftp_port=0, ui_port=0, free_disk_bytes=1)
        try:
            desk = up(settings, print)
            key = _ready(desk, files)
            every = asyncio.run(_all(Path(folder) / "store", desk, key, files))
            print("\n".join(_told(every, [*_runs(desk)])))
        finally:
            down(settings, print)
            EmbeddedPostgres(settings.state / "postgres").remove()


def _ready(desk: RunningDesk, files: int) -> asyncssh.SSHKey:
    """Puts the centres into the register, all with one key, which it returns."""
    centres = [str(FIRST + number) for number in range(WARM + files)]
    register(desk.database_url, centres)
    key = asyncssh.generate_private_key("ssh-ed25519")
    public = read_public_key(key.export_public_key().decode())
    engine = sa.create_engine(desk.database_url)
    for centre in centres:
        KeyBook(engine).add(centre, public, Order("bench", "bench", datetime.now(UTC)))
    engine.dispose()
    return key


async def _all(store: Path, desk: RunningDesk, key: asyncssh.SSHKey, files: int) -> list[Sent]:
    """Some files that nobody counts, as a desk that has just started has other things to do; then the others."""
    every = []
    for number in range(WARM + files):
        every.append(await _one(store, desk, key, str(FIRST + number)))
        await asyncio.sleep(PAUSES[number % len(PAUSES)])
    return every[WARM:]


async def _one(store: Path, desk: RunningDesk, key: asyncssh.SSHKey, centre: str) -> Sent:
    data = single(
        "E", centre, entries("E", centre, CANDIDATES, ("BEN22",), seed=int(centre)), awarding_body="13",
        series_key=_registration(datetime.now(UTC)), sequence=1, produced=f"{datetime.now(UTC):%d%m%y}",
    )  # fmt: skip
    name, outbox = f"E{centre}13.X01", store / "outbox" / centre
    connection = asyncssh.connect(
        "127.0.0.1", desk.sftp_port, username=centre, client_keys=[key], known_hosts=None, config=None, agent_path=None
    )
    async with connection as open_, open_.start_sftp_client() as sftp:
        sent = time.time()
        async with sftp.open(f"inbox/{name}", "wb") as file:
            await file.write(data)
        landed = time.time()
        receipt = await _until(lambda: (outbox / f"RECEIVED-{name}.txt").exists())
        reply = await _until(lambda: b"Outcome" in _text(outbox / f"X{centre}13.X01"))
    outcome = re.search(rb"Outcome +(\S+)", _text(outbox / f"X{centre}13.X01"))
    assert outcome
    return Sent(sent=sent, landed=landed, receipt=receipt, reply=reply, outcome=outcome[1].decode().lower())


def _registration(now: datetime) -> str:
    """The series in which centres register at an instant: that of the last September."""
    return f"9B{(now.year if now.month >= 9 else now.year - 1) % 100:02d}"


def _text(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


async def _until(there: Callable[[], bool]) -> float:
    end = time.time() + PATIENCE
    while not there():
        if time.time() > end:
            raise TimeoutError(f"nothing came for {PATIENCE:.0f} seconds")
        await asyncio.sleep(0.01)
    return time.time()


# --- Where the time goes ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Ran:
    """A run of the ingest: instants at which it was asked for, began, its task began, and its task ended."""

    queued: float
    began: float
    task: float
    ended: float


def _runs(desk: RunningDesk) -> Iterator[Ran]:
    """The runs that have ended, the newest first."""
    with AirflowApi(desk.ui_url, desk.username, desk.password) as api:
        for run in api.runs("ingest"):
            [task] = api.task_instances("ingest", run["dag_run_id"])
            if run["state"] == "success" and task["start_date"]:
                yield Ran(
                    queued=_instant(run["queued_at"]), began=_instant(run["start_date"]),
                    task=_instant(task["start_date"]), ended=_instant(task["end_date"]),
                )  # fmt: skip


def _instant(text: Any) -> float:
    return datetime.fromisoformat(str(text)).timestamp()


def _told(every: Sequence[Sent], runs: Sequence[Ran]) -> Iterator[str]:
    """The table."""
    outcomes = ", ".join(sorted({one.outcome for one in every}))
    yield f"{len(every)} files of {CANDIDATES} candidates, one after the other ({outcomes}); {os.cpu_count()} cores"
    yield f"{'seconds from the landing to':36}{'median':>8}{'worst':>8}   goal"
    receipts, replies = [one.receipt - one.landed for one in every], [one.reply - one.landed for one in every]
    yield _row("the receipt (received)", receipts, _met(max(receipts) <= RECEIPT, f"{RECEIPT} at worst"))
    met = median(replies) <= MEDIAN and max(replies) <= WORST
    yield _row("the final reply", replies, _met(met, f"{MEDIAN:.0f}, {WORST:.0f} at worst"))
    parts: dict[str, list[float]] = {}
    for one in every:
        mine = [run for run in runs if run.task <= one.reply <= run.ended + 1 and run.ended >= one.landed]
        if mine:
            run = mine[0]
            steps = (
                ("landed, until the bell has rung", one.landed, run.queued),
                ("rung, until the run begins", run.queued, run.began),
                ("the run, until its task begins", run.began, run.task),
                ("the task, until the reply is there", run.task, one.reply),
            )
            for name, start, end in steps:
                parts.setdefault(name, []).append(end - start)
    yield f"of which (of {max(map(len, parts.values()), default=0)} files)"
    for name, seconds in parts.items():
        yield _row(f"  {name}", seconds)
    sending = [one.landed - one.sent for one in every]
    yield _row("before: the sending itself", sending)


def _row(name: str, seconds: Sequence[float], goal: str = "") -> str:
    return f"{name:36}{median(seconds):8.2f}{max(seconds):8.2f}   {goal}".rstrip()


def _met(met: bool, goal: str) -> str:
    return f"{goal}: {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()
