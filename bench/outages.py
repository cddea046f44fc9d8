"""What stays open while a part of the desk is gone: each part of a running desk is killed, PostgreSQL is away for a
minute, and all the while somebody uploads files and looks at the console. And results day without a scheduler: what the
guard publishes, and when."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import httpx
import psutil
from attrs import define, frozen

from bench.desks import temporary_server
from bench.registers import register_for_tests
from infra.airflow_api import FINAL_STATES, AirflowApi, AirflowError
from infra.host import LOCALHOST, free_port
from infra.landing.keys import read_public_key
from infra.ledger.approvals import Order
from infra.running import airflow_setup
from infra.running.parts import MARK
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from pipeline.awarding.award import award
from pipeline.desk import Desk, open_desk
from pipeline.results.release import approve
from rules.catalogue import LONDON
from tests.catalogue import FROZEN
from tests.patience import until
from tests.pipeline.results_season import APPROVED, AWARDED, BUILT, CENTRE, WHO, WHY, build, outside, play, series

KILLED = ("scheduler", "dag-processor", "triggerer", "guard", "api-server", "landing")
AWAY_SECONDS = 60.0
GUARD_SECONDS = 15
LOOK_SECONDS = 1.0


@frozen(kw_only=True)
class Outage:
    """A part that was gone: for how many seconds, and how many of them nobody could upload or open the console."""

    part: str
    gone: float
    door: float
    console: float
    uploads: int
    """Files that were uploaded meanwhile."""


def processes(settings: Settings) -> dict[str, psutil.Process]:
    """The main process of every running part, by name."""
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            name = process.environ().get(MARK, "").removeprefix(f"{settings.state.resolve()}#")
            leads = os.getsid(process.pid) == process.pid and process.status() != psutil.STATUS_ZOMBIE
            if name in (*KILLED, "worker") and leads:
                found[name] = process
    return found


# --- Somebody at the door, somebody at the console -------------------------------------------------------------------


@define
class Visitor:
    """Tries again and again, and adds up for how long it did not succeed."""

    attempt: Callable[[], None]
    closed: float = 0.0
    succeeded: int = 0
    _failing: float | None = None

    def visit(self) -> None:
        """One attempt."""
        began = time.monotonic()
        try:
            self.attempt()
        except (OSError, asyncssh.Error, httpx.HTTPError, TimeoutError):
            self._failing = self._failing or began
        else:
            self.succeeded += 1
            if self._failing is not None:
                self.closed += time.monotonic() - self._failing
                self._failing = None


@contextmanager
def visited(*visitors: Visitor) -> Iterator[None]:
    """In the block every visitor comes again and again, and once more at its end until it has succeeded."""
    stop = threading.Event()

    def visits(visitor: Visitor) -> None:
        while not stop.is_set():
            visitor.visit()
            stop.wait(LOOK_SECONDS)
        before = visitor.succeeded
        until(lambda: visitor.visit() or visitor.succeeded > before)  # type: ignore[func-returns-value]

    threads = [threading.Thread(target=visits, args=(visitor,)) for visitor in visitors]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def uploads(desk: RunningDesk, key: asyncssh.SSHKey) -> Callable[[], None]:
    """Logs in and uploads another file each time."""
    numbers = iter(range(1_000_000))

    async def upload(name: str) -> None:
        async with (
            asyncssh.connect(
                LOCALHOST, desk.sftp_port, username=CENTRE, client_keys=[key], known_hosts=None, config=None,
                agent_path=None, login_timeout=20,
            ) as connection,
            connection.start_sftp_client() as client,
            client.open(f"inbox/{name}", "wb") as file,
        ):  # fmt: skip
            await file.write(name.encode())

    return lambda: asyncio.run(asyncio.wait_for(upload(f"notes{next(numbers)}.txt"), 30))


def looks(desk: RunningDesk) -> Callable[[], None]:
    """Asks the console's server, as a browser would."""

    def look() -> None:
        httpx.get(f"{desk.ui_url}/api/v2/version", timeout=30, trust_env=False).raise_for_status()

    return look


# --- Outages ---------------------------------------------------------------------------------------------------------


@frozen
class Ground:
    """A running desk, the server of its ledger, and a key of a centre."""

    settings: Settings
    desk: RunningDesk
    server: EmbeddedPostgres
    key: asyncssh.SSHKey


@contextmanager
def running() -> Iterator[Ground]:
    """A desk whose ledger is on a server that can be stopped, and whose calendar can be changed."""
    with temporary_server(port=free_port()) as (server, folder):
        server.create_database("outages")
        catalogue = Path(shutil.copytree(FROZEN, folder / "catalogue"))
        settings = Settings(
            state=folder / "desk", catalogue=catalogue, database_url=server.url("outages"), settle_seconds=0,
            sftp_port=0, ui_port=0, guard_seconds=GUARD_SECONDS, free_disk_bytes=1,
        )  # fmt: skip
        try:
            desk = up(settings, print)
            register_for_tests(settings.database_url)
            key = asyncssh.generate_private_key("ssh-ed25519")
            with open_desk(settings) as opened:
                line = read_public_key(key.export_public_key().decode("ascii"))
                opened.keys.add(CENTRE, line, Order(WHO, WHY, datetime.now(UTC)))
            yield Ground(settings, desk, server, key)
        finally:
            down(settings, print)


def outages(ground: Ground) -> Iterator[Outage]:
    """Every part is killed once, and PostgreSQL is away for a minute."""
    for part in KILLED:
        yield _outage(ground, part, lambda part=part: _killed(ground, part))  # type: ignore[misc]
    yield without_postgres(ground, AWAY_SECONDS)


def without_postgres(ground: Ground, seconds: float) -> Outage:
    """PostgreSQL is away for so many seconds; the outage ends when every part is at work again."""
    return _outage(ground, f"PostgreSQL, away for {seconds:.0f} s", lambda: _away(ground, seconds))


def _outage(ground: Ground, part: str, happens: Callable[[], float]) -> Outage:
    door, console = Visitor(uploads(ground.desk, ground.key)), Visitor(looks(ground.desk))
    with visited(door, console):
        gone = happens()
    outage = Outage(part=part, gone=gone, door=door.closed, console=console.closed, uploads=door.succeeded)
    print(outage, flush=True)
    return outage


def _killed(ground: Ground, part: str) -> float:
    before, began, at = processes(ground.settings)[part], time.monotonic(), datetime.now(UTC)
    before.kill()
    until(lambda: processes(ground.settings).get(part, before) != before)
    until(lambda: _at_work(ground, part, at))
    return time.monotonic() - began


def _away(ground: Ground, seconds: float) -> float:
    began = time.monotonic()
    ground.server.stop()
    time.sleep(seconds)
    ground.server.start()
    at = datetime.now(UTC)
    for part in KILLED:
        until(lambda part=part: part in processes(ground.settings) and _at_work(ground, part, at))  # type: ignore[misc]
    return time.monotonic() - began


def _at_work(ground: Ground, part: str, since: datetime) -> bool:
    """Whether a part does its work again: Airflow's give a sign of life, the others answer."""
    if part in ("guard", "landing"):
        return part in processes(ground.settings)
    try:
        with AirflowApi(ground.desk.ui_url, ground.desk.username, ground.desk.password) as api:
            ailing = airflow_setup.ailing(api.health(), since)
    except AirflowError:
        return False
    return part.replace("-", "_") not in ailing


# --- Results day without a scheduler ---------------------------------------------------------------------------------


@frozen(kw_only=True)
class WithoutScheduler:
    """Seconds after the instant at which the last file was out, of how many; and whether Airflow had a run for it."""

    seconds: float
    files: int
    runs: int


def without_scheduler(ground: Ground) -> WithoutScheduler:
    """RES-2: results are approved, the scheduler does nothing any more, and the instant comes. It is stopped rather
    than killed: the supervisor would start it again."""
    until(lambda: _at_rest(ground))  # a moderation that goes on would draw samples of this season
    scheduler = processes(ground.settings)["scheduler"]
    scheduler.send_signal(signal.SIGSTOP)
    try:
        with open_desk(ground.settings) as desk:
            with desk.ledger.exclusive("ingest") as turn:
                assert turn, turn.holder  # a run that had begun would take what the season sends
            play(desk)
            built = build(desk, award(desk, series(desk), AWARDED).awarding, BUILT)
            approve(desk, built.awarding, WHO, WHY, APPROVED)
        instant = (datetime.now(LONDON) + timedelta(minutes=1, seconds=5)).replace(second=0, microsecond=0)
        _say(ground.settings.catalogue / "calendar.csv", instant)
        with open_desk(ground.settings) as desk:
            until(lambda: _files_out(desk, instant) == CENTRES_FILES)
            seconds = (datetime.now(UTC) - instant).total_seconds()
            files = len(outside(desk))
        with AirflowApi(ground.desk.ui_url, ground.desk.username, ground.desk.password) as api:
            runs = [run for run in api.runs("results_day") if datetime.fromisoformat(run["run_after"]) >= instant]
    finally:
        scheduler.send_signal(signal.SIGCONT)
    return WithoutScheduler(seconds=seconds, files=files, runs=len(runs))


def _at_rest(ground: Ground) -> bool:
    """Whether no run is at work, and the daily moderation has had the run that it begins with."""
    with AirflowApi(ground.desk.ui_url, ground.desk.username, ground.desk.password) as api:
        return all(
            run["state"] in FINAL_STATES
            for dag in api.dags()
            if not dag["is_paused"]
            for run in api.runs(dag["dag_id"])
        ) and bool(api.runs("moderation"))


CENTRES_FILES = 3
"""Of the small season: a results file, and the portal's files of two centres."""


def _files_out(desk: Desk, instant: datetime) -> int:
    files = len(outside(desk))
    assert not files or datetime.now(UTC) >= instant, "published before the instant"
    return files


def _say(calendar: Path, instant: datetime) -> None:
    """The results of the season go to centres at that instant, and to learners a day later."""
    days = {"results_to_centres": 0, "results_to_learners": 1, "certificates_due": 60}
    rows = [
        f"2024-06,{event},*,{instant + timedelta(days=after):%Y-%m-%d,%H:%M},N,2026-01-01,Y,ours: for a measurement\n"
        for event, after in days.items()
    ]
    draft = calendar.with_suffix(".draft")
    draft.write_text(calendar.read_text(encoding="utf-8") + "".join(rows), encoding="utf-8")
    draft.replace(calendar)


def told(found: list[Outage], released: WithoutScheduler) -> dict[str, object]:
    """What the page of reliability is made of."""
    return {
        "outages": [
            {"part": outage.part, "gone": round(outage.gone), "door": round(outage.door),
             "console": round(outage.console), "uploads": outage.uploads}
            for outage in found
        ],
        "guard seconds": GUARD_SECONDS,
        "released": {"seconds": round(released.seconds), "files": released.files, "runs": released.runs},
    }  # fmt: skip
