"""`make disturbances`: each part of the production topology is killed, or stopped for a minute, while a centre sends a
file. What was seen goes to `docs/disturbances.json` after each of them, and the page `docs/disturbances.md` is made of
that and of nothing else.

Stopped (SIGSTOP) means: the process is there, keeps its connections, and does nothing. For who waits for it, that is
also what a network that has gone looks like.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import httpx
import psutil
from attrs import asdict, define, field, frozen

from tests.mailbox import Mailbox
from tests.rehearsal.documents import ROOT
from tests.rehearsal.season import outcome
from tests.rehearsal.topology import NotAsDocumentedError, Topology
from tests.rehearsal.visitors import CentreClient

RECORD, PAGE = ROOT / "docs" / "disturbances.json", ROOT / "docs" / "disturbances.md"
MINUTE = 60.0
PATIENCE = 900.0
KILLED, STOPPED = "killed", "stopped for a minute"
POSTGRES, STORE = "PostgreSQL", "S3"
SERVICES = (
    "worker", "release-worker", "broker", "scheduler", "dag-processor", "triggerer", "api-server", "sftp", "bell",
    "guard",
)  # fmt: skip
PLAN = [
    *((STOPPED, part) for part in (STORE, POSTGRES)),
    *((way, part) for part in SERVICES for way in (KILLED, STOPPED)),
    (KILLED, POSTGRES),
]
"""What is tried, in this order. S3 is not killed: moto keeps its objects in memory. All copies of a service at once."""
BY_HAND = "by hand"


@frozen(kw_only=True)
class Row:
    """What was seen of one disturbance. `health`: what the health page said first, and after how many seconds;
    `recovered`: seconds from its end until health is well and the file answered; `uploads`: seconds in which the centre
    could not send; `alerts`: subjects of mails; `lost`: files without exactly the reply they are owed."""

    part: str
    way: str
    taken: str
    load: float
    health: str
    said_after: float | None
    recovered: float | None
    uploads: float
    alerts: Sequence[str]
    lost: int
    note: str = ""


@define
class Monitor:
    """Somebody outside who asks for the health page, every second."""

    address: str
    began: float = field(factory=time.monotonic)
    said: list[tuple[float, int, str]] = field(factory=list)
    _over: threading.Event = field(factory=threading.Event)

    def __enter__(self) -> Monitor:
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.is_set():
            code, text = asked(self.address)
            self.said.append((time.monotonic() - self.began, code, text))
            self._over.wait(1)

    def first(self) -> tuple[float | None, str]:
        """When it first said that something is wrong, and what."""
        for after, code, text in list(self.said):
            if code != 200:
                return after, text
        return None, ""


def asked(address: str) -> tuple[int, str]:
    """The status of the health page, and what is wrong by it, in a line; 0 when nobody answers."""
    try:
        answer = httpx.get(f"{address}/resultsday-status/health", timeout=20, trust_env=False)
    except httpx.HTTPError as error:
        return 0, f"no answer ({type(error).__name__})"
    parts = [line.split(None, 1) for line in answer.text.splitlines() if line]
    return answer.status_code, "; ".join(f"{name}: {said}" for name, said in parts if said != "ok")


def victims(desk: Topology, part: str) -> Iterator[psutil.Process]:
    """The main processes of a part."""
    if part == POSTGRES:
        folder = str(desk.postgres.data)
        for process in psutil.process_iter(["cmdline"]):
            if folder in " ".join(process.info["cmdline"] or ()):
                yield process
        return
    if part == STORE:
        port = desk.services["worker"]["environment"]["AWS_ENDPOINT_URL"].rpartition(":")[2]
        yield from (each for each in psutil.Process().children() if port in each.cmdline())
        return
    for one in desk.processes.values():
        if one.service == part and one.running and one.running.poll() is None:
            yield psutil.Process(one.running.pid)


def send(desk: Topology, part: str, signum: signal.Signals) -> None:
    """Sends a signal to a part and all that it has started."""
    found = list(victims(desk, part))
    if not found:
        raise NotAsDocumentedError(f"{part} does not run")
    for whole in found:
        for process in (whole, *whole.children(recursive=True)):
            try:
                process.send_signal(signum)
            except psutil.NoSuchProcess:
                continue


def disturbed(desk: Topology, address: str, centre: CentreClient, mailbox: Mailbox, way: str, part: str) -> Row:
    """Disturbs a part while a centre sends a file, and says what came of it."""
    name = f"Q{datetime.now(UTC):%d%H%M%S}.TXT"
    mails = len(mailbox.mails)
    with Monitor(address) as monitor:
        send(desk, part, signal.SIGKILL if way == KILLED else signal.SIGSTOP)
        if way == KILLED:
            time.sleep(2)  # and whoever sees to it starts it again
            desk.postgres.start() if part == POSTGRES else desk.look_after()
        waited, over = 0.0, time.monotonic() + (0 if way == KILLED else MINUTE)
        began, sent, end = time.monotonic(), False, time.monotonic() + PATIENCE
        while time.monotonic() < over:
            sent = sent or _sends(centre, name)
            waited = time.monotonic() - began if not sent else waited
            desk.look_after() if way == KILLED else None
            time.sleep(0.5)
        if way != KILLED:
            send(desk, part, signal.SIGCONT)
        ended = time.monotonic()

        def well() -> bool:
            nonlocal sent, waited
            sent = sent or _sends(centre, name)
            waited = waited if sent and waited else time.monotonic() - began if not sent else waited
            if not (sent and asked(address)[0] == 200 and _answers(centre, name) > 0):
                return False
            return part in (POSTGRES, STORE) or not desk.ailing(part)

        desk.wait(f"{part} {way}: all well again", well, end - time.monotonic())
        recovered = time.monotonic() - ended
        after, said = monitor.first()
    return Row(
        part=part,
        way=way,
        taken=f"{datetime.now(UTC):%Y-%m-%d}",
        load=round(os.getloadavg()[0], 1),
        health=said,
        said_after=None if after is None else round(after, 1),
        recovered=round(recovered, 1),
        uploads=round(waited, 1),
        alerts=sorted({str(mail["Subject"]) for mail in mailbox.mails[mails:]}),
        lost=0 if _answers(centre, name) == 1 else 1,
    )


def _sends(centre: CentreClient, name: str) -> bool:
    """Whether the centre was told that its file is there."""
    try:
        centre.put(name, f"{name} is no file of the format, and is answered all the same\n".encode())
    except (OSError, asyncssh.Error, TimeoutError):
        return False
    return True


def _answers(centre: CentreClient, name: str) -> int:
    """How many replies say what became of a file."""
    try:
        replies = [data for key, data in centre.outbox().items() if not key.endswith((".json", ".html", ".csv"))]
    except (OSError, asyncssh.Error, TimeoutError):
        return 0
    return sum(1 for data in replies if name.encode() in data and outcome(data))


# --- The record and the page -----------------------------------------------------------------------------------------


def recorded(path: Path = RECORD) -> list[Row]:
    """The rows that were taken so far."""
    return [Row(**row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def keep(row: Row, path: Path = RECORD) -> None:
    """Puts a row in the place of the one there is about the same, if any; then the page."""
    rows = [each for each in recorded(path) if (each.part, each.way) != (row.part, row.way)] + [row]
    text = json.dumps({"rows": [asdict(each) for each in rows]}, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", encoding="utf-8")
    path.with_suffix(".md").write_text(page(rows), encoding="utf-8")


_HEAD = """# Disturbances

<!-- Made by `make disturbances` from docs/disturbances.json: do not edit. -->

The topology of [production](production.md), as processes on one machine, disturbed while a centre sends a file that is
no file of the format and must be answered exactly once. *Stopped* is SIGSTOP: the process keeps its connections and
does nothing, which for others is also what a network that has gone looks like. All copies of a service are disturbed at
once. `load` says how much work two cores were asked for, so every figure is an upper bound.

| part | what | health said, and after | could not send | all well after | mails | lost or doubled | load | on |
|---|---|---|---:|---:|---|---:|---:|---|
"""


def page(rows: Sequence[Row]) -> str:
    """`docs/disturbances.md`."""
    measured = [row for row in rows if row.note != BY_HAND]
    hand = [row for row in rows if row.note == BY_HAND]
    have = {(row.way, row.part) for row in measured}
    missing = [f"{part} {way}" for way, part in PLAN if (way, part) not in have]
    lines = [
        *_HEAD.splitlines(),
        *map(_line, measured),
    ]
    if hand:
        lines += ["", "By hand, before there was `make disturbances`; they stand here until it has run them:", ""]
        lines += ["| part | what | meanwhile | all well after | on |", "|---|---|---|---:|---|"]
        lines += [f"| {row.part} | {row.way} | {row.health} | {_seconds(row)} | {row.taken} |" for row in hand]
    if missing:
        lines += ["", f"**Not run yet:** {'; '.join(missing)}."]
    return "\n".join([*lines, ""])


def _seconds(row: Row) -> str:
    return "" if row.recovered is None else f"{row.recovered:.0f} s"


def _line(row: Row) -> str:
    said = f"{row.health.replace('|', '/')}, {row.said_after:.0f} s" if row.said_after is not None else "nothing"
    alerts = "; ".join(row.alerts).replace("|", "/") or "none"
    sending = f"{row.uploads:.0f} s" if row.uploads else "always could"
    cells = (
        row.part, row.way, said, sending, _seconds(row), alerts, row.lost, f"{row.load:.0f}", row.taken
    )  # fmt: skip
    return f"| {' | '.join(map(str, cells))} |"


def run(desk: Topology, address: str, centre: CentreClient, mailbox: Mailbox, only: str) -> None:
    """Every disturbance of the plan whose `PART: WAY` matches `only`, each kept as soon as it has been seen."""
    for way, part in PLAN:
        if re.search(only, f"{part}: {way}"):
            print(f"{part}: {way} ...", flush=True)
            row = disturbed(desk, address, centre, mailbox, way, part)
            print(f"  {row}", flush=True)
            keep(row)
