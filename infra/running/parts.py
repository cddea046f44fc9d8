"""The parts of the desk on one machine: every process that the supervisor starts, watches and ends.

A part that ends is started again, each time a little later, and the others go on: a dead scheduler closes neither the
centres' door nor the console. After so many times in a row the supervisor gives the part up, and says why. What became
of the parts is written to a file, from which the guard tells people.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil
from attrs import define, field, frozen
from cattrs.preconf.json import make_converter
from sqlalchemy.exc import SQLAlchemyError

from infra.host import ends_with_parent, tail, write_private
from infra.ledger.sql import open_engine
from infra.running import airflow_setup
from infra.running.airflow_setup import Component
from infra.running.postgres import EmbeddedPostgres, PostgresError
from infra.settings import Settings

log = logging.getLogger(__name__)

TASK_GRACE_SECONDS = 10.0  # when the desk is told to stop, running tasks may finish within this time
GRACE_SECONDS = 4.0  # for everything else (the triggerer often misses the end of its helper, and waits for 10 s)
STEADY_SECONDS = 600.0  # a part that was up for so long has a clean slate
LONGEST_PAUSE = 60.0
STARTING = 3  # so often a part may end while the desk starts
KEEPERS = ("scheduler", "worker")  # the parts whose processes run tasks
MARK = "RESULTSDAY_PART"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
POSTGRES = "postgres"

_converter = make_converter()


class SupervisorError(Exception):
    """The desk did not start or could not be stopped; the message ends with the end of its log."""


@frozen(kw_only=True)
class PartState:
    """What became of a part that has ended at least once since the desk was started. `ended`: how often in a row;
    `at`: the last time (aware); `why`: signal or exit code; `up`: whether it has been started again."""

    name: str
    ended: int
    at: datetime
    why: str
    up: bool
    given_up: bool


@define
class _Kept:
    """A part that is to stay up."""

    part: Component
    environment: Mapping[str, str] = field(repr=False)
    process: subprocess.Popen[bytes]
    since: float
    ended: int = 0
    why: str = ""
    at: datetime | None = None
    again: float | None = None
    """When it is started again, on the clock of `time.monotonic`; None while it runs, or is given up."""
    given_up: bool = False


def pause(ended: int) -> float:
    """Seconds until a part is started again that has ended so many times in a row."""
    return float(min(2 ** (ended - 1), LONGEST_PAUSE))


class Parts:
    """Every process of the desk. They all end when the context is left, however it is left."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._postgres: EmbeddedPostgres | None = None
        self._kept: dict[str, _Kept] = {}
        self._server = _Server()
        self._told: list[PartState] | None = None

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for signum in STOP_SIGNALS:  # a second signal must not disturb an orderly stop
            signal.signal(signum, signal.SIG_IGN)
        # First the parts that run tasks: tasks that finish in time report it through the API server.
        self._end([kept for kept in self._kept.values() if kept.part.name in KEEPERS], TASK_GRACE_SECONDS)
        self._end(list(self._kept.values()), GRACE_SECONDS)
        end_marked(self._settings)
        if self._postgres is not None:
            self._postgres.stop()
        states_file(self._settings).unlink(missing_ok=True)

    # --- Started -----------------------------------------------------------------------------------------------------

    def start_postgres(self) -> EmbeddedPostgres:
        """Start the embedded server."""
        self._postgres = EmbeddedPostgres(self._settings.state.absolute() / "postgres")
        self._postgres.start()
        self._postgres.keep_port()
        return self._postgres

    def start(self, part: Component, environment: Mapping[str, str]) -> None:
        """Start a component, and keep it up from now on."""
        self._kept[part.name] = _Kept(part, environment, self._launch(part, environment), time.monotonic())

    def run(self, part: Component, environment: Mapping[str, str]) -> None:
        """Run a component that ends by itself; `SupervisorError` when it fails."""
        process = self._launch(part, environment)
        try:
            if process.wait():
                raise SupervisorError(f"{part.name} ended ({_why(process)}):\n{tail(part.log_file)}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            end_marked(self._settings, part.name)

    def _launch(self, part: Component, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """Start a component in a process group of its own, with a new log; the last log is kept beside it."""
        if part.log_file.exists():
            part.log_file.replace(part.log_file.with_suffix(".log.1"))
        with part.log_file.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 -- our own command
                part.argv,
                cwd=airflow_setup.airflow_home(self._settings),
                env={**environment, MARK: mark(self._settings, part.name)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGTERM),  # one prctl call: safe after fork
            )

    # --- Watched -----------------------------------------------------------------------------------------------------

    def tend(self, *, starting: bool = False) -> None:
        """Looks once after every part, and starts again what has ended. While the desk is `starting` a part that ends
        for the third time stops the start: `SupervisorError`."""
        now = time.monotonic()
        self._tend_postgres(now)
        for kept in self._kept.values():
            if kept.again is None and not kept.given_up:
                self._look(kept, now, starting)
            elif kept.again is not None and now >= kept.again and self._ledger_answers(kept, now):
                kept.process, kept.since, kept.again = self._launch(kept.part, kept.environment), now, None
        self._write()

    def _look(self, kept: _Kept, now: float, starting: bool) -> None:
        if kept.process.poll() is None:
            if kept.ended and now - kept.since >= STEADY_SECONDS:
                kept.ended = 0
            return
        name, limit = kept.part.name, STARTING if starting else self._settings.restarts
        kept.ended, kept.why, kept.at = kept.ended + 1, _why(kept.process), datetime.now(UTC)
        end_marked(self._settings, name)  # what it had started must not disturb its successor
        if kept.ended < limit:
            kept.again = now + pause(kept.ended)
            log.warning("%s ended (%s): it is started again in %.0f s", name, kept.why, pause(kept.ended))
            return
        said = f"{name} ended ({kept.why}), {kept.ended} times in a row:\n{tail(kept.part.log_file)}"
        if starting:
            raise SupervisorError(said)
        kept.given_up = True
        log.error("%s is given up, and the others go on. It %s", name, said)

    def _ledger_answers(self, kept: _Kept, now: float) -> bool:
        """Whether PostgreSQL answers, so that starting a part again has a point. A part that ends while it does not is
        not blamed for that."""
        if self._server.answers(kept.environment.get("RESULTSDAY_DATABASE_URL", ""), now):
            return True
        kept.ended, kept.again = min(kept.ended, 1), now + 1
        return False

    def _tend_postgres(self, now: float) -> None:
        server, state = self._postgres, self._server
        if server is None or server.alive() or state.given_up:
            return
        if state.again is None:
            state.ended = 1 if now - state.since >= STEADY_SECONDS else state.ended + 1
            state.at, state.again = datetime.now(UTC), now + pause(state.ended)
            log.warning("PostgreSQL ended: it is started again in %.0f s", pause(state.ended))
        elif now >= state.again:
            try:
                server.start()
                state.again, state.since = None, now
                log.info("PostgreSQL answers again")
            except PostgresError as error:
                state.ended += 1
                state.again = now + pause(state.ended)
                if state.ended >= self._settings.restarts:
                    state.given_up = True
                    log.error("PostgreSQL is given up after %d times: %s", state.ended, error)

    def progress(self, names: Sequence[str]) -> tuple[int, int]:
        """What grows as long as the parts of these names do something: bytes in their logs, and seconds of processor
        time of all their processes."""
        watched = [kept for name, kept in self._kept.items() if name in names]
        sizes = (kept.part.log_file.stat().st_size for kept in watched if kept.part.log_file.exists())
        return sum(sizes), int(sum(_seconds(kept.process.pid) for kept in watched))

    def log_of(self, name: str) -> str:
        """The end of a part's log."""
        return tail(self._kept[name].part.log_file) if name in self._kept else ""

    def states(self) -> list[PartState]:
        """What became of the parts that have ended."""
        found = [
            PartState(
                name=kept.part.name, ended=kept.ended, at=kept.at, why=kept.why,
                up=kept.again is None and not kept.given_up, given_up=kept.given_up,
            )
            for kept in self._kept.values()
            if kept.at
        ]  # fmt: skip
        if (server := self._server).at:
            up = server.again is None
            found.append(
                PartState(name=POSTGRES, ended=server.ended, at=server.at, why="see its log", up=up,
                          given_up=server.given_up)
            )  # fmt: skip
        return found

    def _write(self) -> None:
        states = self.states()
        if states != self._told:
            self._told = states
            write_private(states_file(self._settings), _converter.dumps(states))

    # --- Ended -------------------------------------------------------------------------------------------------------

    def _end(self, parts: Sequence[_Kept], grace: float) -> None:
        for kept in parts:
            if kept.process.poll() is None and kept.part.name in KEEPERS:
                kept.process.terminate()  # only itself: the running tasks are in its group
            elif kept.process.poll() is None:
                os.killpg(kept.process.pid, signal.SIGTERM)
        deadline = time.monotonic() + grace
        for kept in parts:
            del self._kept[kept.part.name]
            try:
                kept.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kept.process.kill()
                kept.process.wait()
            end_marked(self._settings, kept.part.name)


@define
class _Server:
    """What became of PostgreSQL, and whether it answers; it is asked at most every other second."""

    ended: int = 0
    at: datetime | None = None
    again: float | None = None
    since: float = 0.0
    given_up: bool = False
    _asked: float = -1e9
    _answered: bool = True

    def answers(self, database_url: str, now: float) -> bool:
        if not database_url or now - self._asked < 2:
            return self._answered
        engine = open_engine(database_url, connect_args={"connect_timeout": 2})
        try:
            with engine.connect():
                self._answered = True
        except SQLAlchemyError:
            self._answered = False
        finally:
            engine.dispose()
        self._asked = now
        return self._answered


def states_of(settings: Settings) -> list[PartState]:
    """What became of the parts of the desk that runs on this state folder; none if none has ended."""
    try:
        return _converter.loads(states_file(settings).read_text(encoding="utf-8"), list[PartState])
    except (FileNotFoundError, ValueError):
        return []


def states_file(settings: Settings) -> Path:
    """The file in which the supervisor says what became of the parts."""
    return settings.state.absolute() / "run" / "parts.json"


def mark(settings: Settings, part: str = "") -> str:
    """What every process of the desk, or of one part, carries in its environment."""
    return f"{settings.state.resolve()}#{part}"


def end_marked(settings: Settings, part: str = "") -> int:
    """End every process that carries our mark, of this state folder or of one part; returns how many."""
    ours = mark(settings, part)
    ended = 0
    for _ in range(10):  # a process may start another while we look
        found = [process for process in psutil.process_iter() if _carried_mark(process).startswith(ours)]
        if not found:
            return ended
        ended += len(found)
        for process in found:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        _, alive = psutil.wait_procs(found, timeout=3)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=10)
    raise SupervisorError(
        f"processes of {settings.state.absolute()} cannot be ended: {[process.pid for process in found]}"
    )


def _carried_mark(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "")
    except (psutil.Error, OSError):  # ended meanwhile, or not ours to look at
        return ""


def _why(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def _seconds(pid: int) -> float:
    """Processor time of a process and all it has started."""
    try:
        whole = psutil.Process(pid)
        times = [process.cpu_times() for process in (whole, *whole.children(recursive=True))]
    except psutil.Error:
        return 0.0
    return sum(spent.user + spent.system for spent in times)
