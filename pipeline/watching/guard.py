"""The guard: a process outside Airflow that looks, after each release instant, whether what is approved is out. If it
is not, the guard publishes it by the same function as the DAG (RES-2), and tells people.

Both may do it at once: only one release works at a time, and the second finds nothing left to publish. The guard
decides nothing: what nobody has approved stays where it is. It also tells a monitor outside that all is well (OPS-6).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import get_args

from attrs import frozen
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.alerts import WatchBook
from infra.notify import all_is_well
from infra.running.parts import states_of
from infra.settings import Settings
from infra.store import StoreError
from pipeline.desk import Desk, open_desk
from pipeline.results.embargo import ReleaseError
from pipeline.results.release import Released, release
from pipeline.results.result_approval import do_as_decided
from pipeline.watching.alerts import (
    GUARD_BLIND,
    GUARD_REFUSED,
    PART_ENDED,
    PART_GIVEN_UP,
    RELEASED_BY_GUARD,
    Alert,
    alert,
    tell,
)
from pipeline.watching.callbacks import tell_without_desk
from pipeline.watching.health import Part, health
from pipeline.watching.progress import DAG_MINUTES, of_airflow
from pipeline.watching.watch import GUARD, WATCH, out
from rules import terms
from rules.catalogue import INSTANTS, Catalogue, Series
from rules.sheets import CatalogueError

log = logging.getLogger(__name__)

LOOKS_BACK = timedelta(days=7)
"""Ours: what was not released a week ago is for people alone."""
LOOK_SECONDS = 10.0
"""Ours: how long the process waits between two looks."""
MONITOR = timedelta(seconds=60)
"""Ours: how often the monitor outside is told that all is well."""
BLIND = timedelta(hours=1)
"""Ours: how long after an instant people are told that the guard cannot see. Later it is an outage like any other."""


@frozen(kw_only=True)
class Due:
    """Results that must be out: of a series, to an audience, since `at` (aware)."""

    series: Series
    audience: terms.Audience
    at: datetime


@frozen(kw_only=True)
class Guarded:
    """What a look did: what it published, everything it has to say, and which of it nobody had been told."""

    released: tuple[Released, ...]
    said: tuple[Alert, ...]
    fresh: tuple[Alert, ...]

    def note(self) -> str:
        """One or more lines, for the log and for people."""
        return "\n".join(found.happened for found in self.said) or "Everything that is due is out."


def due(catalogue: Catalogue, now: datetime, after: timedelta, back: timedelta = LOOKS_BACK) -> Iterator[Due]:
    """The results that must have been out for `after` at `now` (aware), by the calendar then in force (CAL-2)."""
    for series in catalogue.all_series():
        for audience in get_args(terms.Audience):
            date = catalogue.milestone(series, INSTANTS[audience], now)
            if date is not None and now - back <= date.at <= now - after:
                yield Due(series=series, audience=audience, at=date.at)


def guard(desk: Desk, now: datetime) -> Guarded:
    """Looks once, at `now` (aware), publishes what is approved, due and not out, and tells people what they have not
    been told. Whatever keeps one release back does not keep back another."""
    released: list[Released] = []
    said: list[Alert] = []
    since = _since(desk.watch, now)
    for waiting in due(desk.catalogue, now, timedelta(seconds=desk.settings.guard_seconds)):
        if waiting.at < since:
            continue
        try:
            done = _published(desk, waiting, now)
        except (ReleaseError, StoreError, SQLAlchemyError) as error:
            said.append(_refused(waiting, error))
        else:
            if done is not None and done.fresh:
                released.append(done)
                said.append(_by_guard(waiting, done, now))
    fresh = tell(desk.settings, desk.watch, said, now)
    desk.watch.beat(GUARD, now)
    return Guarded(released=tuple(released), said=tuple(said), fresh=tuple(fresh))


def _since(book: WatchBook, now: datetime) -> datetime:
    """From when on the desk has been watched; what was due before is history, as for the watch."""
    beats = book.beats()
    return min((beats[job].first for job in (WATCH, GUARD) if job in beats), default=now)


def _published(desk: Desk, waiting: Due, now: datetime) -> Released | None:
    """What the release did; None when all is out, or nobody has entered. Raises `ReleaseError` when nothing is
    approved, without having tried."""
    series, audience = waiting.series, waiting.audience
    do_as_decided(desk, series)
    every = [awarding for awarding in desk.results.every(series.id) if awarding.kind in terms.DECIDED_KINDS]
    if any(awarding.state in terms.ISSUED_STATES for awarding in every):
        return None if out(desk, every, audience) else release(desk, series, audience, now)
    if every:
        raise ReleaseError(f"version {every[-1].version} is {every[-1].state}, and nobody has approved it")
    if desk.watch.entered(series.id):
        raise ReleaseError("nothing is awarded")
    return None


def _refused(waiting: Due, error: Exception) -> Alert:
    known = isinstance(error, ReleaseError | StoreError)
    why = str(error).rstrip(".") if known else f"the ledger cannot be used ({type(error).__name__})"
    series, audience = waiting.series.id, waiting.audience
    # Another reason is told anew; the same one once.
    return alert(GUARD_REFUSED, series, audience, why[:80], series=series, audience=audience, why=why)


def _by_guard(waiting: Due, done: Released, now: datetime) -> Alert:
    series, audience = waiting.series.id, waiting.audience
    seconds = int((now - waiting.at).total_seconds())
    about = (series, audience, waiting.at.isoformat(), f"{done.fresh}")
    return alert(RELEASED_BY_GUARD, *about, series=series, audience=audience, seconds=seconds, files=done.fresh)


@frozen
class Look:
    """What to log of a look, and whether anything keeps results back that are due."""

    note: str
    kept_back: bool


class Guard:
    """The guard as a process: it remembers what it has told while the ledger could not, and when it last told the
    monitor."""

    def __init__(self, settings: Settings, airflow_url: str) -> None:
        self._settings = settings
        self._airflow_url = airflow_url
        self._told: set[str] = set()
        self._monitored: datetime | None = None
        self._since: datetime | None = None
        self._looked: datetime | None = None

    def look(self, now: datetime) -> Look:
        """One look at `now` (aware), whatever is broken."""
        try:
            with open_desk(self._settings) as desk:
                found = guard(desk, now)
        except (CatalogueError, StoreError, SQLAlchemyError) as error:
            known = isinstance(error, CatalogueError | StoreError)
            why = str(error).rstrip(".") if known else f"the ledger cannot be used ({type(error).__name__})"
            self._blind(why, now)
            return Look(f"The guard cannot look: {why}.", kept_back=True)
        return Look(found.note(), kept_back=any(said.code == GUARD_REFUSED.name for said in found.said))

    def parts(self, now: datetime) -> None:
        """Tells people at `now` (aware) which parts of the desk on this machine have ended, at most once an hour for
        each, and which were given up."""
        found = [
            alert(PART_GIVEN_UP, state.name, state.at.isoformat(), part=state.name, why=state.why, count=state.ended)
            if state.given_up
            else alert(PART_ENDED, state.name, f"{state.at:%Y-%m-%dT%H}", part=state.name, why=state.why)
            for state in states_of(self._settings)
        ]
        self._tell([trouble for trouble in found if trouble.key not in self._told], now)

    def progress(self, now: datetime) -> None:
        """Once a minute: tells people at `now` (aware) what Airflow does not do, as the watch would, which is a DAG
        itself. A desk that has just been started gets time to make up for what it has missed."""
        self._since = self._since or now
        if now - self._since < DAG_MINUTES or (self._looked and now - self._looked < MONITOR):
            return
        self._looked = now
        try:
            found = list(of_airflow(self._settings, now))
        except SQLAlchemyError:
            return  # the ledger is on the same server, and its absence is told; health has the rest
        self._tell([trouble for trouble in found if trouble.key not in self._told], now)

    def _tell(self, fresh: Sequence[Alert], now: datetime) -> None:
        if fresh:
            tell_without_desk(self._settings, fresh, now)
            self._told |= {trouble.key for trouble in fresh}

    def _blind(self, why: str, now: datetime) -> None:
        """Tells people what is due and cannot be looked at, once an hour."""
        try:
            catalogue = Catalogue.load(self._settings.catalogue)
        except CatalogueError:
            return  # nobody can say what is due; the monitor outside hears nothing, and calls
        after = timedelta(seconds=self._settings.guard_seconds)
        found = [
            alert(GUARD_BLIND, waiting.series.id, waiting.audience, f"{now:%Y-%m-%dT%H}", series=waiting.series.id,
                  audience=waiting.audience, why=why)
            for waiting in due(catalogue, now, after, BLIND)
        ]  # fmt: skip
        self._tell([blind for blind in found if blind.key not in self._told], now)

    def monitored(self, now: datetime) -> tuple[Part, ...]:
        """Once a minute: looks at every part of the desk at `now` (aware), and tells the monitor outside if all is
        well; what is wrong."""
        if not self._settings.alive_url or (self._monitored and now - self._monitored < MONITOR):
            return ()
        self._monitored = now
        wrong = tuple(part for part in health(self._settings, self._airflow_url, now) if part.wrong)
        if not wrong:
            all_is_well(self._settings)
        return wrong
