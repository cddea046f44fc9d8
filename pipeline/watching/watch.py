"""The watch: every five minutes it looks for work that is due and not done, and tells people.

It looks at the ledger, the calendar and the disk, not at Airflow: what counts is that the work is done, not that a job
has *run*. Nothing it does affects results, so it is not recorded for replay.
"""

from __future__ import annotations

import logging
import platform
import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import get_args

from attrs import evolve, frozen

from infra.ledger.alerts import Beat, WatchBook, age
from infra.ledger.results import Awarding
from infra.settings import MIB, Settings
from pipeline.desk import Desk
from pipeline.feeds import LANDING_PLACES
from pipeline.register import open_applications
from pipeline.results.difference_approval import open_differences
from pipeline.watching import progress
from pipeline.watching.alerts import (
    APPLICATION_LATE,
    AWARD_MISSING,
    CENTRES_KEPT_BACK,
    CHECKPOINT_MISSING,
    DISK_LOW,
    DOOR_LIMIT,
    FILES_HELD,
    FILES_WAITING,
    GUARD_SILENT,
    INGEST_SILENT,
    RESULTS_LATE,
    RESULTS_NOT_APPROVED,
    RESULTS_STALE,
    SEAL_BROKEN,
    Alert,
    alert,
    tell,
)
from rules import terms
from rules.calendar import day_text
from rules.catalogue import INSTANTS, Series
from rules.checkpoints import Event

log = logging.getLogger(__name__)

RESULTS_MINUTES = timedelta(minutes=10)
"""Ours: how soon after their instant the results must be out."""
INGEST_MINUTES = timedelta(minutes=15)
"""Ours: three runs of the ingest."""
APPROVAL = timedelta(hours=24)
"""Ours: how long before results go to centres they must be approved."""
AWARD = timedelta(days=6)
"""Ours: the award runs a week before; the results files must be built within a day."""
CHECKPOINT = timedelta(hours=2)
"""Ours: how soon after its instant a checkpoint must be taken."""
CHECKPOINT_DAYS = (14, 3, 0)
"""The checkpoints that the DAG `checkpoints` takes."""
HELD = timedelta(days=1)
"""Ours: how long a file may be held."""
GUARD_MINUTES = timedelta(minutes=15)
"""Ours: the guard gives a sign of life every minute."""
DAY = timedelta(days=1)
WATCH, INGEST, GUARD = "watch", "ingest", "guard"


@frozen(kw_only=True)
class Watched:
    """What a look found: everything that is wrong, and which of it nobody had been told."""

    wrong: tuple[Alert, ...]
    fresh: tuple[Alert, ...]

    def note(self) -> str:
        """One or more lines, for the run's note and for people."""
        if not self.wrong:
            return "Nothing is late."
        new = {trouble.key for trouble in self.fresh}
        return "\n".join(
            f"{trouble.code}{' (new)' if trouble.key in new else ''}: {trouble.happened}" for trouble in self.wrong
        )


def watch(desk: Desk, now: datetime) -> Watched:
    """Looks once, at `now` (aware), and tells people what they have not been told yet."""
    book = desk.watch
    wrong = tuple(conditions(desk, book, now))
    fresh = tuple(tell(desk.settings, book, wrong, now))
    book.beat(WATCH, now)
    done = Watched(wrong=wrong, fresh=fresh)
    log.info("%s", done.note())
    return done


def conditions(desk: Desk, book: WatchBook, now: datetime) -> Iterator[Alert]:
    """What is wrong at `now`, told or not."""
    beats = book.beats()
    # What fell due before anybody watched is history: a desk that plays an old season raises no alerts about it.
    since = beats[WATCH].first if WATCH in beats else now
    for series in desk.catalogue.all_series():
        yield from _results(desk, book, series, since, now)
        yield from _checkpoints(desk, book, series, since, now)
    yield from _ingest(beats, now)
    yield from _waiting(desk, beats, now)
    yield from _progress(desk, beats, now)
    yield from _guard(beats, now)
    yield from _seal(desk)
    yield from _held(book, now)
    yield from _applications(desk, now)
    yield from _disks(desk.settings, now)
    yield from _door(desk, now)


def _results(desk: Desk, book: WatchBook, series: Series, since: datetime, now: datetime) -> Iterator[Alert]:
    dates = {audience: desk.catalogue.milestone(series, event, now) for audience, event in INSTANTS.items()}
    due = {
        audience: date.at for audience, date in dates.items() if date and date.at >= since and date.at - AWARD <= now
    }
    if not due or not book.entered(series.id):
        return
    every = [awarding for awarding in desk.results.every(series.id) if awarding.kind in terms.DECIDED_KINDS]
    yield from _stale(desk, series, every)
    for audience, at in due.items():
        late = now - at
        if late >= RESULTS_MINUTES and not out(desk, every, audience):
            minutes = int(late / timedelta(minutes=1))
            yield alert(RESULTS_LATE, series.id, audience, series=series.id, audience=audience, minutes=minutes)
    if "centres" in due and now < due["centres"]:
        yield from _not_ready(series, every, due["centres"], now)


def out(desk: Desk, every: list[Awarding], audience: str) -> bool:
    """Whether the approved results among `every` version of a series are all out to an audience, but for the centres
    that were kept back."""
    issued = [awarding for awarding in every if awarding.state in terms.ISSUED_STATES]
    return bool(issued) and all(
        file.published_at
        for awarding in issued
        for file in desk.results.due_files(awarding)
        if file.audience == audience
    )


def _stale(desk: Desk, series: Series, every: list[Awarding]) -> Iterator[Alert]:
    """AWD-5: versions that wait and of which the ledger says something else by now, and centres kept back."""
    for awarding in every:
        if awarding.state in (terms.BUILT, terms.APPROVED) and (found := desk.results.seen(awarding)):
            facts = {"version": awarding.version, "learners": sum(found.values()), "centres": len(found)}
            about = (series.id, *(f"{value}" for value in facts.values()))
            yield alert(RESULTS_STALE, *about, series=series.id, state=awarding.state, **facts)
    waiting = desk.results.waiting_centres(series.id)
    if not waiting.is_empty():
        listed = ", ".join(waiting.head(10)) + (" and more" if waiting.len() > 10 else "")
        yield alert(CENTRES_KEPT_BACK, series.id, listed, series=series.id, count=waiting.len(), centres=listed)


def _not_ready(series: Series, every: list[Awarding], at: datetime, now: datetime) -> Iterator[Alert]:
    if any(awarding.state in terms.ISSUED_STATES for awarding in every):
        return
    state = f"version {every[-1].version} is {every[-1].state}" if every else "nothing is awarded"
    hours = int((at - now) / timedelta(hours=1))
    if now >= at - APPROVAL:
        yield alert(RESULTS_NOT_APPROVED, series.id, state, series=series.id, hours=hours, state=state)
    elif not every or every[-1].state != terms.BUILT:
        yield alert(AWARD_MISSING, series.id, series=series.id, hours=hours, state=state)


def _checkpoints(desk: Desk, book: WatchBook, series: Series, since: datetime, now: datetime) -> Iterator[Alert]:
    for event in get_args(Event):
        date = desk.catalogue.milestone(series, event, now) if event != "award" else None
        if date is None:
            continue
        instants = [evolve(date, day=date.day - timedelta(days=days)).at for days in CHECKPOINT_DAYS]
        passed = [at for at in instants if since <= at <= now - CHECKPOINT]
        if passed and not book.checkpoint_taken(series.id, event, passed[-1]):
            hours = int((now - passed[-1]) / timedelta(hours=1))
            about = (series.id, event, f"{passed[-1]:%Y-%m-%d}")
            yield alert(CHECKPOINT_MISSING, *about, series=series.id, event=event, hours=hours)


def _ingest(beats: Mapping[str, Beat], now: datetime) -> Iterator[Alert]:
    # A desk that has just been restarted gets one round to take in what waits.
    if WATCH not in beats or now - beats[WATCH].last >= INGEST_MINUTES:
        return
    since = beats[INGEST].last if INGEST in beats else beats[WATCH].first
    if now - since >= INGEST_MINUTES:
        yield alert(INGEST_SILENT, since.isoformat(), minutes=int((now - since) / timedelta(minutes=1)))


def _waiting(desk: Desk, beats: Mapping[str, Beat], now: datetime) -> Iterator[Alert]:
    # Whoever says that all is taken in: here is what lies there. One round of grace, as above.
    if WATCH not in beats or now - beats[WATCH].last >= INGEST_MINUTES:
        return
    arrived = [
        stored.arrived or stored.modified
        for place in LANDING_PLACES.values()
        for stored in desk.store.list(place)
        if stored.kind == "file" and desk.store.settled(stored, now, desk.settings.settle_seconds)
    ]
    oldest = now - min(arrived, default=now)
    if oldest >= INGEST_MINUTES:
        minutes = int(oldest / timedelta(minutes=1))
        yield alert(FILES_WAITING, f"{now:%Y-%m-%dT%H}", count=len(arrived), minutes=minutes)


def _progress(desk: Desk, beats: Mapping[str, Beat], now: datetime) -> Iterator[Alert]:
    # One round of grace, as above.
    if WATCH in beats and now - beats[WATCH].last < INGEST_MINUTES:
        yield from progress.everything(desk.settings, desk.watch, now)


def _guard(beats: Mapping[str, Beat], now: datetime) -> Iterator[Alert]:
    # As above. A desk that has no guard yet has nobody to miss.
    if GUARD not in beats or WATCH not in beats or now - beats[WATCH].last >= INGEST_MINUTES:
        return
    if (silent := now - beats[GUARD].last) >= GUARD_MINUTES:
        yield alert(GUARD_SILENT, beats[GUARD].last.isoformat(), minutes=int(silent / timedelta(minutes=1)))


def _seal(desk: Desk) -> Iterator[Alert]:
    """OPS-7: what the last audits found and nobody has taken on."""
    if found := open_differences(desk.seals, desk.approvals):
        first = found[0]
        yield alert(SEAL_BROKEN, first.unnamed, first.now, count=len(found), first=first.unnamed)


def _held(book: WatchBook, now: datetime) -> Iterator[Alert]:
    held = book.held()
    oldest = age(held, now)
    if oldest >= HELD:
        # One message a day while there are such files, not one for each file.
        yield alert(FILES_HELD, f"{now:%Y-%m-%d}", count=held.count, hours=int(oldest / timedelta(hours=1)))


def _disks(settings: Settings, now: datetime) -> Iterator[Alert]:
    host, limit = platform.node(), settings.free_disk_bytes // MIB
    for place, (folder, free) in disks(settings).items():
        if free < settings.free_disk_bytes:
            about = {"host": host, "path": folder.absolute(), "limit": f"{limit:,}", "free": f"{free // MIB:,}"}
            yield alert(DISK_LOW, place, host, f"{now:%Y-%m-%d}", place=place, **about)


def _applications(desk: Desk, now: datetime) -> Iterator[Alert]:
    late = [one for one in open_applications(desk, now) if one.late]
    if late:
        # One message a day, as for held files.
        row = late[0].row
        about = {"count": len(late), "centre": row.centre, "asked": day_text(row.since)}
        yield alert(APPLICATION_LATE, f"{now:%Y-%m-%d}", **about)


def _door(desk: Desk, now: datetime) -> Iterator[Alert]:
    for reached in desk.door.since(now - DAY):
        who = f"Centre {reached.centre}" if reached.centre else "Somebody who has not logged in"
        about = (reached.limit, reached.centre or "strangers", f"{now:%Y-%m-%d}")
        words = {"who": who, "centre": reached.centre, "limit": reached.limit, "times": reached.times}
        yield alert(DOOR_LIMIT, *about, **words)


def disks(settings: Settings) -> dict[str, tuple[Path, int]]:
    """The state folder, and the store if it is a folder: where it is, and the bytes that are free on its disk."""
    places = {"state folder": settings.state}
    if not settings.store_location.startswith("s3://"):
        places["store"] = Path(settings.store_location)
    return {name: (folder, shutil.disk_usage(folder).free) for name, folder in places.items() if folder.exists()}
