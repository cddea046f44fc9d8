"""The desk's supervisor: one process that starts PostgreSQL, Airflow, the landing service and the guard, watches them,
starts again what ends (`parts.py`), and ends them together.

Everything it starts carries a mark in its environment, so that whatever a killed supervisor left behind can be found
and ended, and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil
from attrs import field, frozen
from cattrs.preconf.json import make_converter
from sqlalchemy.engine import make_url

from infra.airflow_api import AirflowApi, AirflowError
from infra.host import LOCALHOST, born, claimed_port, make_folder, tail, write_private
from infra.running import airflow_setup
from infra.running.airflow_setup import ADMIN, Component
from infra.running.airflow_state import AIRFLOW_DATABASE
from infra.running.parts import STOP_SIGNALS, Parts, SupervisorError, end_marked
from infra.running.postgres import EmbeddedPostgres, create_database
from infra.settings import MIB, Settings
from infra.store import StoreError, proved

log = logging.getLogger(__name__)

LEDGER_DATABASE = "resultsday"
SLOW_SECONDS = 30.0  # so often it is said which part the start waits for
LONGEST = 6  # times `start_seconds`: no start takes longer, whatever its parts do
DOWN_SECONDS = 60.0
ROOM_BYTES = 400 * MIB  # the tables of an empty desk, and what PostgreSQL writes ahead
POLL_SECONDS = 0.2
EXIT_BUSY = os.EX_TEMPFAIL

_converter = make_converter()
# `up` leaves its supervisor running: while we hold the handle, Python does not warn of a child nobody waited for.
_detached: list[subprocess.Popen[bytes]] = []


class _ToldToStop(BaseException):
    """SIGTERM or SIGINT. Not an `Exception`, so that no handler on the way out takes it for a failure."""


@frozen
class RunningDesk:
    """A running desk. `started` is when it became healthy; the seconds are how long PostgreSQL and Airflow took."""

    pid: int
    ui_url: str
    username: str
    password: str = field(repr=False)
    database_url: str = field(repr=False)
    started: datetime
    postgres_seconds: float
    airflow_seconds: float
    sftp_port: int = 0
    host_key: str = ""
    """Fingerprints of the landing service's keys, by which centres know it."""
    environment: dict[str, str] = field(factory=dict, repr=False)
    """The settings it was started with, as environment variables: commands use them, whatever their shell has."""


def run(settings: Settings) -> int:
    """Start the desk and watch it; returns the exit code once the desk and everything it started have ended.

    0: told to stop by SIGTERM or SIGINT. 1: the desk did not start. 75: another supervisor runs on this state.
    Must be called in the main thread.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would log every check of the health page
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _lock(settings) as ours:
        if not ours:
            log.error("another supervisor runs on %s", settings.state.absolute())
            return EXIT_BUSY
        try:
            for signum in STOP_SIGNALS:
                signal.signal(signum, _stop)
            if leftovers := _end_leftovers(settings):
                log.warning("ended %d processes that an earlier supervisor left behind", leftovers)
            _folder(settings, "logs")
            enough_room(settings)
            _serve(settings)
        except _ToldToStop:
            log.info("stopped")
            return 0
        except SupervisorError as error:
            log.error("%s", error)
        except Exception:
            log.exception("the desk failed")
    return 1


def up(settings: Settings, say: Callable[[str], None]) -> RunningDesk:
    """Start the desk in the background, wait until it is healthy, and return it; `say` is told of the progress.

    A desk that is up is returned as it is. Raises `SupervisorError` when it cannot start. Whatever else ends the wait,
    Ctrl-C above all, ends what was started too.
    """
    if desk := status(settings):
        say(f"The desk is already up: {desk.ui_url}")
        return desk
    before = len(_detached)
    try:
        return _wait_until_up(settings, say)
    except BaseException:
        if any(process.poll() is None for process in _detached[before:]):
            with unstoppable():
                say("Ending what was started ...")
                down(settings, lambda _: None)
        raise


def _wait_until_up(settings: Settings, say: Callable[[str], None]) -> RunningDesk:
    log_file = _folder(settings, "logs") / "supervisor.log"
    said = begin = log_file.stat().st_size if log_file.exists() else 0
    starter = None if _supervisor(settings) else _detach(settings, log_file)
    deadline = time.monotonic() + LONGEST * settings.start_seconds + DOWN_SECONDS
    while True:
        said = _relay(log_file, said, say)
        if desk := status(settings):
            return desk
        ended = starter.poll() if starter else EXIT_BUSY
        if ended == EXIT_BUSY:  # somebody else was quicker: wait for their desk, and start ours if theirs fails
            starter = None if _supervisor(settings) else _detach(settings, log_file)
        elif ended is not None:
            raise SupervisorError(f"The desk did not start:\n{tail(log_file, min(8000, said - begin))}")
        if time.monotonic() > deadline:
            raise SupervisorError(f"The desk did not become healthy in time:\n{tail(log_file)}")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def unstoppable() -> Iterator[None]:
    """In the block no second Ctrl-C, and no other signal to stop, disturbs an orderly end."""
    before = {signum: signal.signal(signum, signal.SIG_IGN) for signum in STOP_SIGNALS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """In the block a closed terminal (SIGHUP) and SIGTERM end the program as Ctrl-C does: in order."""

    def stop(signum: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def down(settings: Settings, say: Callable[[str], None]) -> bool:
    """Stop the desk and wait until all of it is gone; False when nothing was running.

    Also ends what a killed supervisor left behind. Raises `SupervisorError` when a process cannot be ended.
    """
    supervisor = _supervisor(settings)
    if supervisor is not None:
        say(f"Stopping the desk (process {supervisor.pid}) ...")
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor.terminate()
            try:
                supervisor.wait(DOWN_SECONDS)
            except psutil.TimeoutExpired:
                supervisor.kill()
                supervisor.wait(10)
    # The threads of a killed process may hold its lock for a moment longer.
    with _lock(settings, patience=5) as ours:
        if not ours:
            raise SupervisorError("Another process is starting the desk: try again when it is up.")
        leftovers = _end_leftovers(settings)
        _desk_file(settings).unlink(missing_ok=True)
    if supervisor is None and not leftovers:
        say("The desk was not running.")
        return False
    say("The desk is down.")
    return True


def status(settings: Settings) -> RunningDesk | None:
    """The desk that runs on this state folder, or None while there is none that is healthy."""
    supervisor = _supervisor(settings)
    if supervisor is None:
        return None
    try:
        desk = _converter.loads(_desk_file(settings).read_text(encoding="utf-8"), RunningDesk)
    except FileNotFoundError:
        return None
    return desk if desk.pid == supervisor.pid else None


def _serve(settings: Settings) -> NoReturn:
    """Start every part and watch them; left by `SupervisorError` or `_ToldToStop` only."""
    # The port stays claimed until the last part has ended.
    with (
        _ui_port(settings) as port,
        _port(settings.sftp_port, "centres", "RESULTSDAY_SFTP_PORT") as sftp_port,
        Parts(settings) as parts,
    ):
        begin = time.monotonic()
        urls = database_url, owner_url, airflow_database_url = _databases(settings, parts)
        postgres_seconds = time.monotonic() - begin
        log.info("PostgreSQL answers (%.1f s)", postgres_seconds)

        from infra.ledger.submissions import migrate

        begin = time.monotonic()
        migrate(owner_url, database_url)
        log.info("the ledger's tables are ready (%.1f s)", time.monotonic() - begin)
        try:
            _prove_store(settings, database_url)
        except StoreError as error:
            raise SupervisorError(str(error)) from error

        begin = time.monotonic()
        ui_url = f"http://{LOCALHOST}:{port}"
        environment = airflow_setup.environment(
            settings, database_url=database_url, airflow_database_url=airflow_database_url, port=port
        )
        if airflow_setup.needs_migration(settings, airflow_database_url):
            parts.run(airflow_setup.migration(settings), environment)
            airflow_setup.note_migration(settings, airflow_database_url)
            log.info("Airflow's tables are ready (%.1f s)", time.monotonic() - begin)
        landing, fingerprint = _landing(settings)
        parts.start(landing, {**environment, "RESULTSDAY_SFTP_PORT": str(sftp_port)})
        started = datetime.now(UTC)
        components = airflow_setup.components(settings)
        log.info("starting %s", ", ".join(component.name for component in components))
        looked_at = {"RESULTSDAY_SFTP_CHECK": f"{settings.sftp_host}:{sftp_port}"}  # by the health page
        for component in (*components, _guard(settings)):
            parts.start(component, {**environment, **looked_at})
        password = airflow_setup.passwords(settings)[ADMIN]
        with AirflowApi(ui_url, ADMIN, password) as api:
            _wait_until_healthy(api, started, settings, parts)
        _wait_until_listening(settings, sftp_port, parts)
        desk = RunningDesk(
            pid=os.getpid(),
            ui_url=ui_url,
            username=ADMIN,
            password=password,
            database_url=database_url,
            started=datetime.now(UTC),
            postgres_seconds=round(postgres_seconds, 2),
            airflow_seconds=round(time.monotonic() - begin, 2),
            sftp_port=sftp_port,
            host_key=fingerprint,
            environment={**settings.environment(), **_addresses(urls), **looked_at},
        )
        log.info("Airflow is healthy (%.1f s): %s", desk.airflow_seconds, ui_url)
        try:
            write_private(_desk_file(settings), _converter.dumps(desk) + "\n")
            while True:
                parts.tend()
                time.sleep(POLL_SECONDS)
        finally:
            _desk_file(settings).unlink(missing_ok=True)


def _landing(settings: Settings) -> tuple[Component, str]:
    """The landing service as a part of the desk, and the fingerprints of its keys, which are made on first use."""
    from infra.landing.keys import fingerprints
    from infra.ledger.keys import KeyRefused

    try:
        shown = fingerprints(settings)
    except KeyRefused as error:
        raise SupervisorError(str(error)) from error
    log_file = settings.state.absolute() / "logs" / "landing.log"
    return Component("landing", (sys.executable, "-m", "infra.landing"), log_file), shown


def enough_room(settings: Settings) -> None:
    """Raises `SupervisorError` when PostgreSQL and the logs would find no room on the disk of the state folder."""
    place, needed = settings.state.absolute(), ROOM_BYTES // MIB
    if (free := shutil.disk_usage(settings.state).free // MIB) < needed:
        raise SupervisorError(
            f"{free} MiB are free on the disk of {place}, and the desk needs {needed} MiB to start. Make room, or put "
            f"the state folder on another disk with RESULTSDAY_STATE"
        )


def _prove_store(settings: Settings, database_url: str) -> None:
    """Raises `StoreError` when the store is another one than the ledger knows, or does not keep its promises."""
    from infra.ledger.place import StoreBook
    from infra.ledger.sql import open_engine

    engine = open_engine(database_url)
    try:
        proved(settings.store_location, StoreBook(engine))
    finally:
        engine.dispose()


def _guard(settings: Settings) -> Component:
    """The guard as a part of the desk: it publishes results on time when Airflow does not."""
    command = str(Path(sysconfig.get_path("scripts")) / "resultsday")
    return Component("guard", (sys.executable, command, "guard"), settings.state.absolute() / "logs" / "guard.log")


def _databases(settings: Settings, parts: Parts) -> tuple[str, str, str]:
    """Creates the databases that are missing; returns the addresses of the ledger, of the ledger with the owner of its
    tables, and of Airflow's tables."""
    if settings.database_url:
        owner = settings.owner_url
        create_database(owner, AIRFLOW_DATABASE)
        airflow = make_url(owner).set(database=AIRFLOW_DATABASE).render_as_string(hide_password=False)
        return settings.database_url, owner, settings.airflow_database_url or airflow
    postgres = parts.start_postgres()
    postgres.create_database(LEDGER_DATABASE)
    postgres.create_database(AIRFLOW_DATABASE)
    return postgres.desk_url(LEDGER_DATABASE), postgres.url(LEDGER_DATABASE), postgres.url(AIRFLOW_DATABASE)


def _addresses(urls: tuple[str, str, str]) -> dict[str, str]:
    """The settings of a command on the running desk: the addresses of `_databases`."""
    names = ("RESULTSDAY_DATABASE_URL", "RESULTSDAY_DATABASE_OWNER_URL", "RESULTSDAY_AIRFLOW_DATABASE_URL")
    return dict(zip(names, urls, strict=True))


def _wait_until_healthy(api: AirflowApi, since: datetime, settings: Settings, parts: Parts) -> None:
    wait = _Wait(settings, parts)
    ailing = ["api-server"]  # until it answers, nobody knows of the others
    while True:
        parts.tend(starting=True)
        with contextlib.suppress(AirflowError):
            ailing = [_COMPONENTS[part] for part in airflow_setup.ailing(api.health(), since)]
        if not ailing:
            return
        wait.on(ailing)


_COMPONENTS = {part: part.replace("_", "-") for part in airflow_setup.PARTS_WITH_HEALTH}
"""The parts that Airflow's health names, as we name them."""


def _wait_until_listening(settings: Settings, port: int, parts: Parts) -> None:
    wait = _Wait(settings, parts)
    while True:
        parts.tend(starting=True)
        with contextlib.suppress(OSError), socket.create_connection((settings.sftp_host, port), timeout=1):
            return
        wait.on(["landing"])


class _Wait:
    """Waiting for parts that start: as long as they make progress, and within limits. It says which part is slow."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._limit, self._parts = settings.start_seconds, parts
        self._begin = self._moved = self._said = self._looked = time.monotonic()
        self._seen: object = None

    def on(self, names: Sequence[str]) -> None:
        """Waits a moment for these parts. Raises `SupervisorError`, with the name and the log of the first, when none
        of them has made progress for `start_seconds`, or when it takes far too long."""
        now = time.monotonic()
        if now - self._looked >= 1:
            self._looked = now
            seen = (tuple(names), self._parts.progress(names))
            if seen != self._seen:
                self._seen, self._moved = seen, now
        if now - self._said >= SLOW_SECONDS:
            self._said = now
            log.info("still waiting for %s (%.0f s)", ", ".join(names), now - self._begin)
        idle, whole = now - self._moved, now - self._begin
        if idle > self._limit or whole > LONGEST * self._limit:
            why = f"has done nothing for {idle:.0f} s" if idle > self._limit else f"is not ready after {whole:.0f} s"
            logs = self._parts.log_of(names[0])
            raise SupervisorError(f"{names[0]} {why} (RESULTSDAY_START_SECONDS is the limit):\n{logs}")
        time.sleep(POLL_SECONDS)


@contextlib.contextmanager
def _ui_port(settings: Settings) -> Iterator[int]:
    """The port of the settings; for 0 the same as last time if it is free, saved so that bookmarks last. No other desk
    on this machine can take it meanwhile."""
    file = _folder(settings, "run") / "port"
    if settings.ui_port:
        with _port(settings.ui_port, "the console", "RESULTSDAY_UI_PORT") as port:
            yield port
        return
    with claimed_port(int(file.read_text(encoding="utf-8")) if file.exists() else 0) as port:
        file.write_text(f"{port}\n", encoding="utf-8")
        yield port


@contextlib.contextmanager
def _port(wanted: int, purpose: str, variable: str) -> Iterator[int]:
    """A port that people know, or none: `SupervisorError` when it is taken. For 0 any that is free."""
    with contextlib.ExitStack() as held:
        try:
            port = held.enter_context(claimed_port(wanted, only=bool(wanted)))
        except OSError:
            raise SupervisorError(
                f"port {wanted} of {LOCALHOST}, for {purpose}, is taken{_taken_by(wanted)}. End what listens there, or "
                f"choose another port with {variable} (0: any that is free)"
            ) from None
        yield port


def _taken_by(port: int) -> str:
    """By whom, as far as we may look."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status != psutil.CONN_LISTEN or not connection.laddr:
                continue
            if connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except (psutil.Error, OSError):
        pass
    return ""


def _stop(signum: int, frame: FrameType | None) -> NoReturn:
    raise _ToldToStop(signum)


def _detach(settings: Settings, log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.running.supervisor"],
            cwd="/",
            env={**os.environ, **settings.environment()},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _detached.append(process)
    return process


def _relay(log_file: Path, offset: int, say: Callable[[str], None]) -> int:
    """Pass the supervisor's new log lines since `offset` to `say`, without time and level; returns the next offset."""
    with log_file.open("rb") as stream:
        stream.seek(offset)
        for line in stream:
            if not line.endswith(b"\n"):
                break
            offset += len(line)
            if told := re.match(r"\S+ \S+ (?:INFO|WARNING) (.*)", line.decode("utf-8", errors="replace")):
                say(told[1])
    return offset


@contextlib.contextmanager
def _lock(settings: Settings, patience: float = 0) -> Iterator[bool]:
    """Hold the state folder's lock, with our process number and birth in it; False when another process still holds it
    after `patience` seconds."""
    path = _folder(settings, "run") / "supervisor.lock"
    with path.open("a+", encoding="utf-8") as stream:
        deadline = time.monotonic() + patience
        while not _locked(stream.fileno()):
            if time.monotonic() >= deadline:
                yield False
                return
            time.sleep(POLL_SECONDS)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "born": born(os.getpid())}))
        stream.flush()
        try:
            yield True
        finally:
            stream.truncate(0)


def _locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _supervisor(settings: Settings) -> psutil.Process | None:
    """The running supervisor of this state folder, healthy or not: the process that the lock file names."""
    try:
        written = json.loads((settings.state / "run" / "supervisor.lock").read_text(encoding="utf-8"))
        process = psutil.Process(written["pid"])
        same = born(process.pid) == written["born"]
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except (FileNotFoundError, ProcessLookupError, ValueError, psutil.NoSuchProcess):
        return None


def _end_leftovers(settings: Settings) -> int:
    """End what a killed supervisor left behind; returns how many processes. The caller holds the lock."""
    ended = end_marked(settings)
    return ended + EmbeddedPostgres(_postgres_home(settings)).stop()


def _postgres_home(settings: Settings) -> Path:
    return settings.state.absolute() / "postgres"


def _desk_file(settings: Settings) -> Path:
    return settings.state.absolute() / "run" / "desk.json"


def _folder(settings: Settings, name: str) -> Path:
    """A folder in the state folder, made if missing; closed to others: `run` holds passwords, `logs` tracebacks."""
    folder = settings.state.absolute() / name
    make_folder(folder, 0o700)
    folder.chmod(0o700)
    return folder


if __name__ == "__main__":
    sys.exit(run(Settings.load()))
