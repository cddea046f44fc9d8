"""Seasons in which whatever runs is killed at random moments, from a seed; `bench/chaos.py` plays them.

A seed makes a season of some size and says what is killed when. The season is played once undisturbed, and once more
with the jobs in processes of their own that are ended by SIGKILL somewhere on their way, or lose PostgreSQL to SIGKILL,
until they are run again in peace. After each act every row of every table, every file and every draft of the store must
be what the undisturbed season has; in the end the disturbed season is replayed from its journal, and must come out
again. A seed that fails is repeated by `make chaos SEED=... SECONDS=0`.
"""

from __future__ import annotations

import logging
import multiprocessing
import shutil
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Literal

import psutil
from attrs import define, field, frozen
from sqlalchemy.exc import DBAPIError

from bench.compared import TABLE, State, differences, held, unsealed
from bench.crash_season import STAGES, Size
from bench.crashes import PATIENCE, alone, ended, fresh_process, settings_of
from bench.desks import temporary_server
from fixtures.season import Event, Season, season
from infra.host import free_port
from infra.ledger.sql import CopyError
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres, drop_database
from infra.settings import Settings
from pipeline.demo.rehearsal import SeasonStep, happen, steps
from pipeline.desk import Desk, open_desk
from pipeline.replay import empty_desk, replay
from rules.catalogue import Catalogue
from tests.conservation.play import LONG_AGO, run_step

LATE = 1.4
"""How far beyond the time it takes in peace a job may be killed: in a fresh process it takes longer."""
FAULTS = {0: 10, 1: 40, 2: 30, 3: 20}
"""How many faults an act has on its way, and how often in a hundred."""
OF_POSTGRES = 0.15
"""The part of the faults that strikes PostgreSQL."""
BEFORE = "no job yet"
"""Where a process ends that has not put its job on record."""

Victim = Literal["job", "postgres"]


# --- What a seed says ------------------------------------------------------------------------------------------------


@frozen
class Plan:
    """A season by its seed: the stages of the crash matrix, or a made-up school year; `share` is that of the acts in
    which anything is killed."""

    seed: int
    share: float
    centres: int
    learners: int
    year: Season | None = field(default=None, repr=False)

    def __str__(self) -> str:
        what = "a school year" if self.year else "every stage of the crash matrix"
        return f"seed {self.seed}: {what}, {self.centres} centres with {self.learners} learners"


@frozen
class Act:
    """A part of a season: what the world does, and the jobs that follow. `lets_go`: they throw away what a replay
    needs (OPS-9)."""

    name: str
    world: Callable[[Desk], object]
    jobs: Callable[[Desk], object]
    lets_go: bool = False


@frozen
class Fault:
    """What is killed, after which part of the time that the act takes in peace."""

    victim: Victim
    after: float


def plan_of(seed: int, share: float = 1) -> Plan:
    """The season of a seed; every third is a school year."""
    chance = Random(seed)
    if seed % 3:
        return Plan(seed, share, chance.randint(3, 5), chance.randint(3, 7))
    centres, learners = chance.randint(4, 8), chance.randint(4, 10)
    return Plan(seed, share, centres, learners, season(seed, centres, learners))


def acts_of(plan: Plan, catalogue: Catalogue) -> list[Act]:
    """The acts of a season in their order."""
    year = plan.year
    if year is None:
        size = Size(plan.centres, plan.learners)
        return [
            Act(stage.name, partial(_prepared, stage.prepare, size), stage.play, stage.job == "keep")
            for stage in STAGES
        ]
    acts, before = [], LONG_AGO
    for step in steps(catalogue):
        events = year.between(before, step.at)
        acts.append(Act(step.title, partial(_happens, year, events), partial(_runs, year, step)))
        before = step.at
    return acts


def _prepared(prepare: Callable[[Desk, Size], object], size: Size, desk: Desk) -> None:
    prepare(desk, size)


def _happens(year: Season, events: Sequence[Event], desk: Desk) -> None:
    for event in events:
        happen(desk, year, event)


def _runs(year: Season, step: SeasonStep, desk: Desk) -> None:
    run_step(desk, year, step)


def faults_of(plan: Plan, number: int) -> list[Fault]:
    """The faults of an act; none depends on how long anything takes."""
    chance = Random(f"{plan.seed} {number}")
    if chance.random() >= plan.share:
        return []
    [times] = chance.choices(list(FAULTS), list(FAULTS.values()))
    return [
        Fault("postgres" if chance.random() < OF_POSTGRES else "job", chance.uniform(0, LATE)) for _ in range(times)
    ]


# --- What is found out -----------------------------------------------------------------------------------------------


@define(kw_only=True)
class Told:
    """What came of the seasons played. `killed` and `cut_off` count by job the processes that were ended and those that
    lost PostgreSQL; `missed` counts faults that came when the act had ended."""

    seasons: int = 0
    acts: int = 0
    killed: Counter[str] = field(factory=Counter)
    cut_off: Counter[str] = field(factory=Counter)
    missed: int = 0
    jobs_replayed: int = 0
    outputs_compared: int = 0
    wrong: list[str] = field(factory=list)
    seconds: float = 0.0

    def note(self) -> str:
        """The counts in a line."""
        return (
            f"{self.seasons} seasons, {self.acts} acts: {self.killed.total()} processes killed, {self.cut_off.total()} "
            f"that lost PostgreSQL, {self.missed} kills too late; {self.jobs_replayed:,} jobs replayed, "
            f"{self.outputs_compared:,} outputs compared, {len(self.wrong)} not the same; {self.seconds:.0f} s."
        )


# --- A season, undisturbed and disturbed -----------------------------------------------------------------------------


@frozen
class Place:
    """Where seasons are played: a durable server, and a folder for stores."""

    server: EmbeddedPostgres
    folder: Path

    def settings(self, name: str) -> Settings:
        """The settings of a desk."""
        return settings_of(str(self.folder / name), self.server.url(name))

    @contextmanager
    def desk(self, name: str) -> Iterator[None]:
        """An empty desk of that name, gone after the block."""
        self.server.create_database(name)
        migrate(self.server.url(name))
        try:
            yield
        finally:
            drop_database(self.server.url("postgres"), name)
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def kill_server(self) -> None:
        """Ends PostgreSQL, every process of it, as a machine does that loses power; and starts it again."""
        postmaster = psutil.Process(int((self.server.data / "postmaster.pid").read_text().split()[0]))
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(processes)
        self.server.start()


@frozen
class Peace:
    """An act undisturbed: how long its jobs take in seconds, and what the desk holds then."""

    seconds: float
    left: State = field(repr=False)


def undisturbed(place: Place, plan: Plan, name: str) -> list[Peace]:
    """Plays a season in peace."""
    acts = []
    with open_desk(place.settings(name)) as desk:
        for act in acts_of(plan, desk.catalogue):
            act.world(desk)
            began = time.perf_counter()
            act.jobs(desk)
            seconds = time.perf_counter() - began
            acts.append(Peace(seconds, held(desk)))
    return acts


def play(place: Place, plan: Plan, told: Told) -> None:
    """Plays the season of a plan in peace and disturbed, and replays it. What is not the same goes to `told`."""
    peace, disturbed = f"peace{plan.seed}", f"chaos{plan.seed}"
    with place.desk(peace), place.desk(disturbed), open_desk(place.settings(disturbed)) as desk:
        calmly, acts = undisturbed(place, plan, peace), acts_of(plan, desk.catalogue)
        for number, (act, calm) in enumerate(zip(acts, calmly, strict=True)):
            if act.lets_go and (wrong := tuple(_replayed(place, desk, told))):
                told.wrong.append(_failed(plan, f"replayed before {act.name}", wrong))
                return
            faults = faults_of(plan, number)
            act.world(desk)
            for fault in faults:
                code = _struck(place, plan, number, desk, fault, calm.seconds, told)
                if code == 0:
                    break
            else:
                # As a job does that is run again: it opens the desk, and so clears what the killed one was writing.
                with open_desk(desk.settings) as again:
                    act.jobs(again)
            told.acts += 1
            if wrong := (*differences(held(desk), calm.left), *unsealed(desk)):
                struck = ", ".join(f"{fault.victim} at {fault.after:.3f}" for fault in faults) or "nothing killed"
                told.wrong.append(_failed(plan, f"{act.name} ({struck})", wrong))
                return
        if not any(act.lets_go for act in acts) and (wrong := tuple(_replayed(place, desk, told))):
            told.wrong.append(_failed(plan, "replayed", wrong))
    told.seasons += 1


def _failed(plan: Plan, where: str, wrong: Sequence[str]) -> str:
    return f"{plan}; {where}: {', '.join(wrong)}\n  again: make chaos SEED={plan.seed} SECONDS=0"


def _struck(place: Place, plan: Plan, number: int, desk: Desk, fault: Fault, seconds: float, told: Told) -> int:
    """Runs the jobs of an act in a process of its own until the fault strikes; how that ends."""
    before = len(desk.journal.all())
    # Of our own no session is left, so that those of the process can be waited for.
    desk.ledger.close()
    ours, theirs = multiprocessing.Pipe(duplex=False)
    process = fresh_process(_work, plan, number, desk.settings, theirs)
    theirs.close()
    with ours:
        ours.poll(PATIENCE)
        process.join(fault.after * seconds)
        if fault.victim == "job":
            process.kill()
        elif process.is_alive():
            place.kill_server()
        code = ended(process)
    alone(desk.settings.database_url)
    if code:
        begun = [entry.job for entry in desk.journal.all()[before:]]
        (told.killed if fault.victim == "job" else told.cut_off)[begun[-1] if begun else BEFORE] += 1
    else:
        told.missed += 1
    return code


def _work(plan: Plan, number: int, settings: Settings, to: Connection) -> None:
    """Runs the jobs of an act in this process; says when it begins. Without the database it ends."""
    logging.disable()
    with open_desk(settings) as desk:
        act = acts_of(plan, desk.catalogue)[number]
        desk.journal.all()  # A connection is open: not every other process shall end before it has done anything.
        to.send("begins")
        try:
            act.jobs(desk)
        except (DBAPIError, CopyError):
            sys.exit(1)


def _replayed(place: Place, desk: Desk, told: Told) -> Iterator[str]:
    """Replays the disturbed season; what does not come out again."""
    folder = place.folder / "again"
    with empty_desk(desk.settings, folder, "again") as empty:
        came = replay(desk, empty)
        tables = [difference for difference in differences(held(empty), held(desk)) if difference.startswith(TABLE)]
    shutil.rmtree(folder)
    told.jobs_replayed += came.jobs
    told.outputs_compared += came.files
    yield from (f"{difference.key} is {difference.what}" for difference in came.differences)
    yield from tables


# --- Many seeds ------------------------------------------------------------------------------------------------------


def chaos(seeds: Iterable[int], seconds: float, share: float = 1, progress: Callable[[str], object] = print) -> Told:
    """Plays the seasons of `seeds`, with something killed in a share of the acts, and begins none when so many seconds
    are over: one is always played, and to its end."""
    began, told = time.monotonic(), Told()
    with temporary_server(durable=True, port=free_port()) as (server, folder):
        place = Place(server, folder)
        for number, seed in enumerate(seeds):
            if number and time.monotonic() - began >= seconds:
                break
            plan, before = plan_of(seed, share), len(told.wrong)
            try:
                play(place, plan, told)
            except Exception:
                told.wrong.append(_failed(plan, "it fails", [traceback.format_exc()]))
            progress(f"{time.monotonic() - began:8.1f} s  {plan}")
            for wrong in told.wrong[before:]:
                progress(wrong)
    told.seconds = time.monotonic() - began
    return told
