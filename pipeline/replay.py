"""A season once more (RES-6): every job of the journal, over the files of the archive, into an empty ledger and store;
then every output is compared, byte for byte."""

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
from infra.store import FolderStore
from pipeline.desk import Desk, open_desk
from pipeline.journal import run_again

OUTPUTS = ("archive/", "basedata/", "embargo/", "outbox/", "portal/", "quarantine/", "reports/")
"""Where the desk writes what others read."""


class ReplayError(Exception):
    """The season cannot be replayed; the message says why."""


@frozen(kw_only=True)
class Difference:
    """An output that is not the same: `what` is `missing`, `new` or `different`."""

    key: str
    what: str


@frozen(kw_only=True)
class Replayed:
    """What came of a replay: how many jobs were run again, how many files compared, and what is not the same."""

    jobs: int
    files: int
    differences: tuple[Difference, ...]

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        yield f"{self.jobs:,} jobs run again, {self.files:,} outputs compared, {len(self.differences):,} not the same."
        for one in self.differences:
            yield f"  {one.what:<10} {one.key}"


@contextmanager
def empty_desk(settings: Settings, folder: Path, name: str) -> Iterator[Desk]:
    """A desk to replay into: a database `name` of its own beside the ledger of `settings`, dropped in the end, and a
    store in `folder`. Raises `PostgresError`."""
    create_database(settings.database_url, name)
    try:
        url = make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
        migrate(url)
        # What was taken had settled.
        fresh = evolve(settings, store=str(folder), database_url=url, settle_seconds=0)
        with open_desk(fresh) as desk:
            yield desk
    finally:
        drop_database(settings.database_url, name)


def replay(desk: Desk, empty: Desk, progress: Callable[[int, int, Entry], object] | None = None) -> Replayed:
    """RES-6: runs all that `desk` has on record once more on `empty`, whose store is an empty folder and whose ledger
    holds nothing, and compares their outputs. `desk` is only read. `progress` is told of each job: which of how many.
    Raises `ReplayError`, and what the jobs raise."""
    if any(True for _ in empty.store.list("")):
        raise ReplayError(f"the store to replay into is not empty: {empty.store}")
    entries, landed = desk.journal.all(), 0
    for number, entry in enumerate(entries, 1):
        if progress:
            progress(number, len(entries), entry)
        for file in _taken_out(entry, entries[number:]):
            _land(desk, empty, "file", file["key"], file["sha256"], datetime.fromisoformat(file["received"]))
        if entry.landed is not None:
            for key, kind, received, sha256 in desk.journal.landings(landed, entry.landed).iter_rows():
                _land(desk, empty, kind, key, sha256, received)
            landed = max(landed, entry.landed)
        run_again(empty, entry)
    return compared(desk, empty, len(entries))


def _taken_out(entry: Entry, later: Sequence[Entry]) -> list[Mapping[str, str]]:
    """The feed files an entry accounts for: of a job that died not those that the next run of it took up again."""
    following: Sequence[Mapping[str, str]] = ()
    if not entry.ended:
        following = next((one.taken for one in later if one.job == entry.job), ())
    return [file for file in entry.taken if file not in following]


def _land(desk: Desk, empty: Desk, kind: str, key: str, sha256: str, received: datetime) -> None:
    """Puts a file of the archive where it had landed, with its receipt; for what was no file, something of its kind."""
    if not isinstance(empty.store, FolderStore):
        raise ReplayError("a season is replayed into a folder, where files can have the times of the season")
    path = empty.store.root / key
    if kind == "file":
        empty.store.put(key, desk.store.get(f"archive/{sha256}"))
    elif kind == "folder":
        path.mkdir(parents=True)
    else:
        path.symlink_to("nowhere")
    nanoseconds = round(received.timestamp() * 1_000_000) * 1000
    os.utime(path, ns=(nanoseconds, nanoseconds), follow_symlinks=False)


def compared(desk: Desk, again: Desk, jobs: int) -> Replayed:
    """The outputs of two desks, compared."""
    there, here = _outputs(desk), _outputs(again)
    differences = [
        Difference(key=key, what="missing" if key not in here else "new" if key not in there else "different")
        for key in sorted(there | here)
        if key not in here or key not in there or desk.store.get(key) != again.store.get(key)
    ]
    return Replayed(jobs=jobs, files=len(there | here), differences=tuple(differences))


def _outputs(desk: Desk) -> set[str]:
    return {one.key for place in OUTPUTS for one in desk.store.list(place) if one.kind == "file"}
