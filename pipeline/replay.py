"""Replaying a season (RES-6): every job of the journal runs again, over the archive, into an empty desk; then every
output and every row of the ledger are compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from attrs import evolve, frozen
from sqlalchemy import make_url

from infra.ledger.journal import Entry
from infra.ledger.submissions import migrate
from infra.running.postgres import create_database, drop_database
from infra.settings import Settings
from infra.store import FolderStore, Missing
from pipeline.desk import Desk, open_desk
from pipeline.jobs import JOBS
from pipeline.journal import run_again
from pipeline.replayed_rows import Rows, compared_rows
from rules import terms
from rules.catalogue import LONDON

OUTPUTS = ("archive/", "basedata/", "embargo/", "outbox/", "portal/", "quarantine/", "reports/")
"""Where the desk writes files that others read."""


class ReplayError(Exception):
    """The season cannot be replayed; the message says why."""


@frozen(kw_only=True)
class Difference:
    """An output that is not the same: `what` is `missing`, `new` or `different`."""

    key: str
    what: str


@frozen(kw_only=True)
class Replayed:
    """The outcome of a replay: how many jobs were run again, how many files were compared, and which differ; what the
    rows of the ledger say; `lost` says what can no longer be replayed, as it is no longer kept (OPS-9)."""

    jobs: int
    files: int
    differences: tuple[Difference, ...]
    rows: Rows
    lost: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        yield f"{self.jobs:,} jobs run again, {self.files:,} outputs compared, {len(self.differences):,} not the same."
        if self.lost:
            yield "Not everything of this season can be replayed:"
            yield from (f"  {words}" for words in self.lost)
            yield "Outputs that rest on it may be missing or different below."
        for difference in self.differences:
            yield f"  {difference.what:<10} {difference.key}"
        yield from self.rows.lines()


@contextmanager
def empty_desk(settings: Settings, folder: Path, name: str) -> Iterator[Desk]:
    """A desk to replay into: a database `name` beside the ledger of `settings`, which is dropped at the end, and a
    store in `folder`. Raises `PostgresError`."""
    create_database(settings.database_url, name)
    try:
        url = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
        migrate(url)
        # Every file that was taken had already settled, or stayed unfinished for too long. How many people were asked
        # to approve is on record.
        fresh = evolve(
            settings, store=str(folder), database_url=url, settle_seconds=0, unfinished_seconds=0, approvals=1
        )
        with open_desk(fresh) as desk:
            yield desk
    finally:
        drop_database(settings.database_url, name)


def replay(desk: Desk, empty: Desk, progress: Callable[[int, int, Entry], object] | None = None) -> Replayed:
    """RES-6: runs every job that `desk` has on record again on `empty`, whose store is an empty folder and whose ledger
    holds nothing, and compares the outputs. `desk` is only read. `progress` gets each job, its number and how many
    there are. What is no longer kept (OPS-9) is left out, and told. Raises `ReplayError`, and what the jobs raise."""
    if any(True for _ in empty.store.list("")):
        raise ReplayError(f"the store to replay into is not empty: {empty.store}")
    empty.register.carry_over(desk.register)
    entries, landed = desk.journal.all(), 0
    lost = _Lost(desk)
    for number, entry in enumerate(entries, 1):
        if progress:
            progress(number, len(entries), entry)
        for file in _taken_out(entry, entries[number:]):
            lost.land(empty, "file", file["key"], file["sha256"], datetime.fromisoformat(file["received"]))
        if entry.landed is not None:
            for key, kind, received, sha256 in desk.journal.landings(landed, entry.landed).iter_rows():
                lost.land(empty, kind, key, sha256, received)
            landed = max(landed, entry.landed)
        # What an ingest that died received is on record with the run after it, which lands it here.
        if entry.ended or not JOBS[entry.job].receives:
            lost.run(empty, entry)
    return compared(desk, empty, len(entries), lost.told())


class _Lost:
    """What is no longer kept, as a replay comes upon it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.removed = desk.keeping.removed()
        self.received: list[datetime] = []
        self.jobs: list[Entry] = []

    def land(self, empty: Desk, kind: str, key: str, sha256: str, received: datetime) -> None:
        """Lands a file; one that was removed on record is left out. Raises `StoreError` for another that is gone."""
        try:
            _land(self.desk, empty, kind, key, sha256, received)
        except Missing:
            if f"archive/{sha256}" not in self.removed:
                raise
            self.received.append(received)

    def run(self, empty: Desk, entry: Entry) -> None:
        """Runs a job; once files are left out, one can be refused that was not."""
        try:
            run_again(empty, entry)
        except ValueError:
            if not self.received:
                raise
            self.jobs.append(entry)

    def told(self) -> tuple[str, ...]:
        """What cannot be replayed, in words."""
        told, book = [], self.desk.keeping
        if self.received:
            first, last = (f"{at.astimezone(LONDON):%-d %B %Y}" for at in (min(self.received), max(self.received)))
            told.append(
                f"{len(self.received):,} files received from {first} to {last} are no longer in the archive: what they "
                "said is not applied."
            )
        if self.jobs:
            names = ", ".join(sorted({entry.job for entry in self.jobs}))
            told.append(f"{len(self.jobs):,} jobs rest on such files and were refused: {names}.")
        if outputs := sum(key.startswith(OUTPUTS) and not key.startswith("archive/") for key in self.removed):
            told.append(f"{outputs:,} outputs are no longer kept and not compared.")
        if learners := book.erased():
            jobs = book.erased_in_journal()
            told.append(f"{learners:,} learners have been forgotten; {jobs:,} jobs about them name a stand-in.")
        return tuple(told)


def _taken_out(entry: Entry, later: Sequence[Entry]) -> list[Mapping[str, str]]:
    """The feed files an entry accounts for; of a job that died, without those that a later run of it took up again,
    which may have died as well."""
    if entry.ended:
        return [*entry.taken]
    again: list[Mapping[str, str]] = []
    for after in later:
        if after.job == entry.job:
            again += after.taken
            if after.ended:
                break
    return [file for file in entry.taken if file not in again]


def _land(desk: Desk, empty: Desk, kind: str, key: str, sha256: str, received: datetime) -> None:
    """Puts a file from the archive where it landed, with its receipt; for a folder or a link, a folder or a link."""
    if not isinstance(empty.store, FolderStore):
        raise ReplayError("replay into a folder: only there can files be given the times of the season")
    path = empty.store.root / key
    if kind == "file":
        empty.store.put(key, desk.store.get(f"archive/{sha256}"))
    elif kind == "folder":
        path.mkdir(parents=True)
    else:
        path.symlink_to("nowhere")
    nanoseconds = round(received.timestamp() * 1_000_000) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def compared(desk: Desk, again: Desk, jobs: int, lost: tuple[str, ...] = ()) -> Replayed:
    """The outputs and the rows of two desks, compared, but for those that are no longer kept in the first."""
    removed = desk.keeping.removed().keys()
    there, here = _outputs(desk) - removed, _outputs(again) - removed
    differences = [
        Difference(key=key, what="missing" if key not in here else "new" if key not in there else "different")
        for key in sorted(there | here)
        if key not in here or key not in there or desk.store.get(key) != again.store.get(key)
    ]
    rows = compared_rows(desk.ledger.contents(), again.ledger.contents())
    return Replayed(jobs=jobs, files=len(there | here), differences=tuple(differences), rows=rows, lost=lost)


_NOT_KEPT = (terms.TRIAL, terms.RECEIVED)


def _outputs(desk: Desk) -> set[str]:
    """The keys of all outputs, but for answers to files that were only tried and receipts of file transfer: of these
    nothing is on record."""
    listed = (stored for place in OUTPUTS for stored in desk.store.list(place) if stored.kind == "file")
    return {stored.key for stored in listed if not stored.key.rpartition("/")[2].startswith(_NOT_KEPT)}
