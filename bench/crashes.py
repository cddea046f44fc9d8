"""The crash matrix: every job of a small season, ended by SIGKILL at every step it passes, and run again.

A job is played once undisturbed, which tells the steps it passes; then for each of them a process of its own plays it
from the same beginning and is ended there; then it is run again. The ledger (every row of every table but the journal)
and every file of the store must be the same, byte for byte; only that rows may have other numbers, as one that died
uses some up. `python -m bench.crash_matrix` plays it and prints what came of it.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from functools import cache
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any, cast

import sqlalchemy as sa
from attrs import define, evolve, field, frozen

from bench.compared import TABLE, UNDECLARED, State, changes, differences, files, rows, unsealed
from bench.crash_season import STAGES, Size, Stage
from bench.ledgers import Ledger, put_back, read_ledger
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from infra.store import IDENTITY, KEPT_LEVELS, FolderStore, S3Store, Store, open_store
from pipeline.desk import Desk, open_desk
from pipeline.jobs import JOBS, JOURNAL, all_steps
from pipeline.steps import Step, watched

AT_ONCE = 2
"""Crashes played at the same time."""
CHANGES = frozenset({"put", "put_if_absent", "put_all", "move", "remove"})
"""What changes a store."""
READS = frozenset({"get", "open", "list"})
"""What reads of it, by a key or what keys begin with."""
PATIENCE = 120.0
"""Seconds a process may take."""

STAGE_NAMES = tuple(stage.name for stage in STAGES)


# --- What is found out -----------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Crash:
    """A process that was ended at the `nth` time it passed a step; `differences` names tables and files that are not,
    after another run, as an undisturbed one leaves them."""

    stage: str
    step: str
    nth: int
    differences: tuple[str, ...]


@frozen(kw_only=True)
class Matrix:
    """What came of a crash matrix: the undisturbed runs, the crashes, and how many are possible."""

    store: str
    runs: tuple[Run, ...]
    crashes: tuple[Crash, ...]
    possible: int
    seconds: float

    @property
    def jobs(self) -> frozenset[str]:
        """The jobs that were played."""
        return frozenset(run.job for run in self.runs)

    @property
    def changes(self) -> int:
        """How often the undisturbed runs changed store or ledger."""
        return sum(run.trace.changes for run in self.runs)

    @property
    def passed(self) -> frozenset[str]:
        """The steps that the undisturbed runs pass."""
        return frozenset(step for run in self.runs for step in run.trace.passed)

    @property
    def unmarked(self) -> tuple[str, ...]:
        """Places in the code that change store or ledger and pass no step."""
        return tuple(where for run in self.runs for where in run.trace.unmarked)

    @property
    def undeclared(self) -> tuple[str, ...]:
        """Where what a job does is not what `pipeline/jobs.py` says of it: it passes other steps, reads other places or
        changes other things. What a job may change and does not in this season, another has to."""
        told, changed = [], {place for run in self.runs for place in run.wrote}
        for name, job in JOBS.items():
            mine = [run for run in self.runs if run.job == name]
            passed = {step for run in mine for step in run.trace.passed} - {str(step) for step in JOURNAL}
            may = {str(step) for step in (*job.steps, *job.may_pass)}
            told += [f"{name} passes {step}" for step in sorted(passed - may)]
            told += [f"{name} does not pass {step}" for step in sorted({str(step) for step in job.steps} - passed)]
            reads = {place for run in mine for place in run.trace.reads}
            told += [f"{name} reads {place}" for place in sorted(reads - {*job.reads})]
            told += [f"{name} does not read {place}" for place in sorted({*job.reads} - reads)]
            wrote = {place for run in mine for place in run.wrote}
            told += [f"{name} changes {place}" for place in sorted(wrote - {*job.writes})]
            told += [f"nothing changes {place}, which {name} may" for place in sorted({*job.writes} - changed)]
        return tuple(told)

    @property
    def never(self) -> tuple[str, ...]:
        """Steps that no undisturbed run passes."""
        return tuple(str(step) for step in all_steps() if str(step) not in self.passed)

    @property
    def wrong(self) -> tuple[Crash, ...]:
        """Crashes that left a difference."""
        return tuple(crash for crash in self.crashes if crash.differences)

    def note(self) -> str:
        """The counts in a line."""
        return (
            f"{self.store}: {len(self.jobs)} of {len(JOBS)} jobs played, {len(self.passed)} of "
            f"{len([*all_steps()])} steps passed, {self.changes} changes, "
            f"{len(self.unmarked)} without a step; {len(self.crashes)} of {self.possible} crashes, "
            f"{len(self.wrong)} with a difference; "
            f"{self.seconds:.0f} s."
        )


# --- A season up to each of its jobs ---------------------------------------------------------------------------------


@frozen
class Beginning:
    """What a stage begins with: a ledger, and a folder store."""

    stage: Stage
    ledger: Ledger
    store: Path


@frozen
class Ground:
    """Databases to play in, one for each of those who play at the same time, and the beginnings of all stages."""

    beginnings: tuple[Beginning, ...]
    free: SimpleQueue[str]

    @contextmanager
    def start(self, beginning: Beginning, base: str) -> Iterator[Settings]:
        """The settings of a desk at the beginning of a stage; its store lies below `base`."""
        url = self.free.get()
        location = f"{base}/{url.rpartition('/')[2]}"
        try:
            put_back(url, beginning.ledger)
            copy_store(beginning.store, location)
            yield settings_of(location, url)
        finally:
            shutil.rmtree(location, ignore_errors=True)
            self.free.put(url)


def settings_of(location: str, url: str) -> Settings:
    """Small batches, so that there are several."""
    return Settings(
        catalogue=Settings.load().catalogue, store=location, database_url=url, settle_seconds=30, batch_files=4
    )


def ground(server: EmbeddedPostgres, place: Path, size: Size) -> Ground:
    """Plays the season undisturbed in `place`, keeping what each stage begins with."""
    return ground_of(server, lambda url: beginnings(url, place, size))


def ground_of(server: EmbeddedPostgres, made: Callable[[str], Sequence[Beginning]]) -> Ground:
    """The ground on a server, with what `made` gives for an empty ledger on it."""
    urls = []
    for number in range(AT_ONCE):
        server.create_database(f"crashes{number}")
        urls.append(server.url(f"crashes{number}"))
        migrate(urls[-1])
    begun, free = tuple(made(urls[0])), SimpleQueue[str]()
    for url in urls:
        free.put(url)
    return Ground(begun, free)


def beginnings(url: str, place: Path, size: Size) -> list[Beginning]:
    """What each stage of the season begins with; it is played on the ledger at `url`."""
    kept, live = list[Beginning](), place / "season"
    with open_desk(settings_of(str(live), url)) as desk:
        for number, stage in enumerate(STAGES):
            stage.prepare(desk, size)
            folder = place / f"beginning{number}"
            copy_store(live, str(folder))
            kept.append(Beginning(stage, read_ledger(url), folder))
            stage.play(desk)
    return kept


@cache
def _store(location: str) -> Store:
    """One for each place: a client of S3 takes longer to be made than all it is asked for."""
    return open_store(location)


def copy_store(folder: Path, location: str) -> None:
    """Makes a folder that is not there, or a place in S3, hold what a folder store holds; a folder's times included."""
    if not location.startswith("s3://"):
        shutil.copytree(folder, location)
        return
    source, target = open_store(str(folder)), _store(location)
    assert isinstance(target, S3Store)
    # A folder somebody made in S3 is an object without content whose name ends in a slash.
    wanted = {
        stored.key: source.get(stored.key) if stored.kind == "file" else b""
        for stored in source.list("")
        if stored.kind == "file" or stored.key.count("/") > KEPT_LEVELS
    }
    wanted[IDENTITY] = source.get(IDENTITY)  # it is not listed
    held = {stored.key: stored.version for stored in target.list("")}
    for key in held.keys() - wanted.keys():
        target.client.delete_object(Bucket=target.bucket, Key=target.base + key)
    for key, data in wanted.items():
        if held.get(key) != _etag(data):
            target.client.put_object(Bucket=target.bucket, Key=target.base + key, Body=data)


def _etag(data: bytes) -> str:
    """What S3 says of an object with this content."""
    return f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'


def state(settings: Settings) -> State:
    """All that a ledger and a store hold, but the journal; of S3's objects the hashes that it tells."""
    held, store = rows(settings.database_url), _store(settings.store_location)
    if isinstance(store, S3Store):
        return held | {stored.key: stored.version.encode() for stored in store.list("")}
    assert isinstance(store, FolderStore)
    return held | files(store)


# --- The processes ---------------------------------------------------------------------------------------------------

Target = tuple[str, int]
"""A step, and which time of passing it."""


@frozen
class Trace:
    """What an undisturbed run did: how often it passed each step, how many changes it made, and where in the code a
    change passed no step in the same thread before the next, and which places of the store it read."""

    passed: Mapping[str, int]
    changes: int
    unmarked: Sequence[str]
    reads: frozenset[str]


@define
class Tracing:
    """Makes a trace."""

    passed: Counter[str] = field(factory=Counter)
    changes: int = 0
    unmarked: list[str] = field(factory=list)
    reads: set[str] = field(factory=set)
    open: dict[int, str] = field(factory=dict)
    lock: Any = field(factory=threading.Lock)

    def change(self) -> None:
        """A change is made in this thread."""
        with self.lock:
            self.changes += 1
            before = self.open.pop(threading.get_ident(), None)
            if before:
                self.unmarked.append(before)
            self.open[threading.get_ident()] = _place()

    def step(self, step: Step) -> None:
        """A step is passed in this thread."""
        with self.lock:
            self.passed[str(step)] += 1
            self.open.pop(threading.get_ident(), None)

    def trace(self) -> Trace:
        """The trace of a run that has ended."""
        return Trace(dict(self.passed), self.changes, [*self.unmarked, *self.open.values()], frozenset(self.reads))


def _place() -> str:
    """The function of ours that is at work."""
    frame = sys._getframe(1)
    while frame.f_back and f"{os.sep}pipeline{os.sep}" not in frame.f_code.co_filename:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}: {frame.f_code.co_name}"


def place_of(name: str) -> str:
    """Where a row or a file of a state belongs: the table's name, or the first folder with its slash."""
    return name.removeprefix(TABLE) if name.startswith(TABLE) else f"{name.partition('/')[0]}/"


class Watched:
    """A store whose changes are traced, and what is read of it."""

    def __init__(self, store: Store, tracing: Tracing) -> None:
        self._store = store
        self._tracing = tracing

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def traced(*args: Any, **named: Any) -> Any:
            done = method(*args, **named)
            if name in READS:
                self._tracing.reads.add(place_of(args[0]))
            elif any(done) if isinstance(done, list) else done is not False:  # said where there was nothing to change
                self._tracing.change()
            return done

        return traced if name in CHANGES | READS else method


def _traced(desk: Desk, tracing: Tracing) -> Desk:
    """The desk, its changes traced: of the store, and of the ledger, where PostgreSQL itself says whether a transaction
    has changed anything."""

    def committing(connection: sa.Connection) -> None:
        with closing(connection.connection.cursor()) as raw:
            raw.execute("SELECT pg_current_xact_id_if_assigned()")
            if raw.fetchone() != (None,):
                tracing.change()

    sa.event.listen(desk.ledger.engine, "commit", committing)
    return evolve(desk, store=cast(Store, Watched(desk.store, tracing)))


def _play(
    stage: str, settings: Settings, environment: Mapping[str, str], target: Target | None, to: Connection
) -> None:
    """Plays a stage in this process, which ends itself at `target`; undisturbed, it sends its trace."""
    os.environ.update(environment)
    tracing, lock, passed = Tracing(), threading.Lock(), Counter[str]()

    def end(step: Step) -> None:
        with lock:
            passed[str(step)] += 1
            if (str(step), passed[str(step)]) == target:
                os.kill(os.getpid(), signal.SIGKILL)

    [play] = [known.play for known in STAGES if known.name == stage]
    with open_desk(settings) as desk, watched(end if target else tracing.step):
        play(desk if target else _traced(desk, tracing))
    to.send(tracing.trace())


_ASKING = threading.Lock()
"""An exit code can be read once, and a start asks every process for its own: two threads that ask at the same time
would be told 255 by one that has ended well."""


def fresh_process(target: Callable[..., None], *args: Any) -> BaseProcess:
    """A process that a server forks which has everything imported and has not done anything yet. Give it functions of
    modules."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["__main__", target.__module__, "boto3"])
    process = context.Process(target=target, args=args, daemon=True)
    with _ASKING:
        process.start()
    return process


def ended(process: BaseProcess) -> int:
    """The exit code of a fresh process when it has ended; one that takes longer than `PATIENCE` is killed."""
    wait([process.sentinel], PATIENCE)
    with _ASKING:
        if process.exitcode is None:
            process.kill()
            process.join()
        assert process.exitcode is not None
        return process.exitcode


def process(stage: Stage, settings: Settings, target: Target | None = None) -> tuple[int, Trace]:
    """Plays a stage in a process of its own; how that ended, and its trace, which is empty when it was ended."""
    environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    ours, theirs = multiprocessing.Pipe(duplex=False)
    playing = fresh_process(_play, stage.name, settings, environment, target, theirs)
    theirs.close()
    with ours:
        code = ended(playing)
        return code, Trace({}, 0, (), frozenset()) if code else ours.recv()


def alone(url: str) -> None:
    """Waits until the server has noticed that a process is gone, whose locks it held."""
    # Within a transaction PostgreSQL tells the same of the others each time.
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with engine.connect() as connection:
        while connection.execute(sa.text(others)).scalar():
            time.sleep(0.005)
    engine.dispose()


# --- The matrix ------------------------------------------------------------------------------------------------------


Plan = tuple[Beginning, Target, State]
"""A crash to come: where it begins, at which step, and what an undisturbed run leaves."""


def sample(plans: Sequence[Plan], most: int, seed: int) -> list[Plan]:
    """At least one crash at each step and one in each stage, then others by chance up to `most`; in their order."""
    mixed = list(range(len(plans)))
    Random(seed).shuffle(mixed)
    taken, steps, stages = set[int](), set[str](), set[str]()
    for at in mixed:
        if plans[at][1][0] not in steps:
            taken.add(at)
            steps.add(plans[at][1][0])
            stages.add(plans[at][0].stage.name)
    for at in mixed:
        if plans[at][0].stage.name not in stages:
            taken.add(at)
            stages.add(plans[at][0].stage.name)
    taken.update([at for at in mixed if at not in taken][: max(most - len(taken), 0)])
    return [plans[at] for at in sorted(taken)]


def matrix(
    on: Ground,
    base: str,
    stages: Container[str] = STAGE_NAMES,
    *,
    first_too: bool = False,
    most: int | None = None,
    seed: int = 1,
) -> Matrix:
    """Ends these stages, on a store below `base` (a folder, or `s3://bucket/prefix`), at every step they pass: one that
    is passed several times in the middle, and `first_too` the first time. The journal's own steps, after which nothing
    else has changed, are taken once. `most`: a sample of about so many crashes, by `seed`."""
    began = time.perf_counter()
    beginnings = [beginning for beginning in on.beginnings if beginning.stage.name in stages]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        played = list(pool.map(lambda beginning: undisturbed(on, beginning, base), beginnings))
        plans, before = list[Plan](), set[str]()
        for beginning, run in zip(beginnings, played, strict=True):
            for step, times in run.trace.passed.items():
                if step not in before or not step.startswith("journal:"):
                    at = {(times + 1) // 2, *({1} if first_too else ())}
                    plans += [(beginning, (step, nth), run.left) for nth in sorted(at)]
            before |= run.trace.passed.keys()
        taken = plans if most is None else sample(plans, most, seed)
        crashes = list(pool.map(lambda plan: _crashed(on, base, *plan), taken))
    return Matrix(
        store=base.partition(":")[0] if "://" in base else "folder",
        runs=tuple(played),
        crashes=tuple(crashes),
        possible=len(plans),
        seconds=time.perf_counter() - began,
    )


@frozen
class Run:
    """An undisturbed run of a stage: which job that is, what it did, which tables and places of the store it changed,
    and what it leaves."""

    job: str
    trace: Trace
    wrote: frozenset[str]
    left: State = field(repr=False)


def undisturbed(on: Ground, beginning: Beginning, base: str) -> Run:
    """Plays a stage to its end, in a process of its own."""
    with on.start(beginning, base) as settings:
        before = state(settings)
        code, trace = process(beginning.stage, settings)
        assert code == 0, f"{beginning.stage.name} ends with {code}"
        left = state(settings)
        files = frozenset(place_of(name) for name in changes(before, left) if not name.startswith(TABLE))
        return Run(beginning.stage.job, trace, files | _changed(beginning.ledger, settings), left)


def _changed(before: Ledger, settings: Settings) -> frozenset[str]:
    """The tables of which a row has changed itself, and not only what it points to."""
    after = read_ledger(settings.database_url)
    return frozenset(
        table
        for table in after.rows.keys() - set(UNDECLARED)
        if set(_lines(before, table)) != set(_lines(after, table))
    )


def _unsealed(settings: Settings) -> list[str]:
    with open_desk(settings) as desk:
        return unsealed(desk)


def _lines(ledger: Ledger, table: str) -> list[bytes]:
    return ledger.rows[table].splitlines()


def _crashed(on: Ground, base: str, beginning: Beginning, target: Target, expected: State) -> Crash:
    with on.start(beginning, base) as settings:
        code, _ = process(beginning.stage, settings, target)
        alone(settings.database_url)
        again, _ = process(beginning.stage, settings)
        found = (*differences(state(settings), expected), *_unsealed(settings))
    if (code, again) != (-signal.SIGKILL, 0):
        found = (f"it ends with {code}, run again with {again}", *found)
    return Crash(stage=beginning.stage.name, step=target[0], nth=target[1], differences=found)
