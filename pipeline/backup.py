"""A backup of the desk: ledger and store at one instant, in a folder or a bucket; and a desk restored from it.

The ledger is written as one snapshot sees it. While the snapshot is taken and the store is listed, no job takes files
in, so the files in the inbox are those the ledger does not know yet. Every file the ledger knows is in the archive: it
is archived before it is booked, and nothing is ever removed from the archive. So the archive may be copied afterwards.
A restored desk behaves like a desk that died at that instant and was started again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, cast

from attrs import frozen
from cattrs.preconf.json import make_converter

from infra.ledger.submissions import Ledger, migrate
from infra.running import dump
from infra.settings import MIB
from infra.store import BadKey, FolderStore, Missing, Store, Stored
from pipeline.desk import Desk

LEDGER, MANIFEST, FILES = "ledger.dump", "manifest.json", "store/"
LANDED = ("inbox/", "feeds/")
"""Where files wait that the ledger does not know. They are copied before a job can take them away."""
TAKING_IN = ("ingest", "register", "marks", "moderation", "boundaries")
PATIENCE = 300
"""Seconds to wait for jobs that are taking in files."""
IN_MEMORY = 8 * MIB

Copy = tempfile.SpooledTemporaryFile[bytes]
_converter = make_converter()


class BackupError(Exception):
    """The backup could not be made, or cannot be restored; the message says why."""


@frozen(kw_only=True)
class Kept:
    """A file of the store: key, size in bytes, SHA-256, and when it was written (ISO 8601, UTC)."""

    key: str
    size: int
    sha256: str
    written: str


@frozen(kw_only=True)
class Backup:
    """What a backup is made of. `at`: the instant it was begun (ISO 8601). `left_out`: keys of the store that were
    rewritten or removed meanwhile, or are not files. A restored desk writes its own files among them again."""

    at: str
    ledger_sha256: str
    files: tuple[Kept, ...]
    left_out: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        waiting = sum(file.key.startswith(LANDED) for file in self.files)
        size = sum(file.size for file in self.files)
        yield f"Ledger and store of {self.at}: {len(self.files):,} files, {size:,} bytes, {waiting:,} of them waiting."
        for key in self.left_out:
            yield f"  left out: {key}"


def backup(desk: Desk, place: Store, now: datetime, patience: int = PATIENCE) -> Backup:
    """Writes ledger and store of `desk` to `place`, which must be empty. The manifest comes last: a place without one
    is not a backup. Raises `BackupError`, `PostgresError` and `StoreError`."""
    if any(True for _ in place.list("")):
        raise BackupError(f"{place} is not empty: every backup needs a place of its own")
    if isinstance(place, FolderStore):
        place.root.chmod(0o700)  # it holds results under embargo and learners' names
    with ExitStack() as later:
        with _at_rest(desk.ledger, patience):
            snapshot = later.enter_context(desk.ledger.snapshot())
            listed = list(desk.store.list(""))
            waiting = _keep_all(desk.store, filter(_landed, listed), place)
        ledger_sha256 = _keep_ledger(desk, snapshot.name, place)
    settled = [stored for stored in listed if not _landed(stored)]
    kept = (*waiting, *_unchanged(_keep_all(desk.store, settled, place), settled, desk.store))
    if lost := snapshot.files - {file.key.removeprefix("archive/") for file in kept}:
        raise BackupError(f"{len(lost)} files of the ledger are not in the archive, the first is archive/{min(lost)}")
    left_out = {stored.key for stored in listed if stored.kind != "folder"} - {file.key for file in kept}
    made = Backup(at=now.isoformat(), ledger_sha256=ledger_sha256, files=kept, left_out=tuple(sorted(left_out)))
    place.put(MANIFEST, (json.dumps(_converter.unstructure(made), indent=1, ensure_ascii=False) + "\n").encode())
    return made


def _keep_ledger(desk: Desk, snapshot: str, place: Store) -> str:
    """Writes the ledger, as a snapshot sees it, into the backup; returns its SHA-256."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / LEDGER
        dump.dump(desk.settings.database_url, file, snapshot)
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            place.put(LEDGER, stream)
    return sha256


def _keep_all(source: Store, listed: Iterable[Stored], place: Store) -> list[Kept]:
    """Copies files into the backup, except those that have gone."""
    copies = (_keep(source, stored, place) for stored in listed if stored.kind == "file")
    return [copy for copy in copies if copy]


def _unchanged(kept: Iterable[Kept], listed: Iterable[Stored], source: Store) -> Iterator[Kept]:
    """The copies whose files have not been rewritten or removed since they were listed."""
    still = {stored.key: stored for stored in source.list("")}
    same = {before.key for before in listed if (now := still.get(before.key)) and before.unchanged(now)}
    return (copy for copy in kept if copy.key in same)


def restore(desk: Desk, place: Store) -> Backup:
    """Restores the backup in `place` into an empty desk, and brings its ledger to the newest version. Everything is
    checked against the manifest on the way. Raises `BackupError`, `PostgresError` and `StoreError`; after an error,
    empty the desk's store and run it again."""
    try:
        made = _converter.loads(place.get(MANIFEST), Backup)
    except Missing:
        raise BackupError(f"{place} is not a complete backup: it has no {MANIFEST}") from None
    if any(stored.kind == "file" for stored in desk.store.list("")):
        raise BackupError(f"the store to restore into is not empty: {desk.store}")
    with _at_rest(desk.ledger, PATIENCE), tempfile.TemporaryDirectory() as folder:
        # The ledger comes last: until then it is empty, which shows that the restore did not finish.
        dump.clear(desk.settings.owner_url)
        for file in made.files:
            _put_back(file, place, desk.store)
        with _copy(place, LEDGER, made.ledger_sha256) as copy, (Path(folder) / LEDGER).open("wb") as stream:
            shutil.copyfileobj(copy, stream, MIB)
        dump.load(desk.settings.owner_url, Path(folder) / LEDGER)
    migrate(desk.settings.owner_url, desk.settings.database_url)
    return made


def _put_back(file: Kept, place: Store, store: Store) -> None:
    """Copies a file from the backup into a store, with its time."""
    with _copy(place, FILES + file.key, file.sha256) as copy:
        # The store is empty; and a head of the chain of seals is never replaced (OPS-7).
        store.put_if_absent(file.key, cast(BinaryIO, copy))
    if isinstance(store, FolderStore):  # the time it was written is its receipt
        nanoseconds = round(datetime.fromisoformat(file.written).timestamp() * 1_000_000) * 1000
        os.utime(store.root / file.key, ns=(nanoseconds, nanoseconds))


@contextmanager
def _at_rest(ledger: Ledger, patience: int) -> Iterator[None]:
    """In the block no job takes files in."""
    for _ in range(patience):
        with ExitStack() as held:
            if all([held.enter_context(ledger.exclusive(job)) for job in TAKING_IN]):  # noqa: C419 -- hold every one
                yield
                return
        time.sleep(1)
    raise BackupError(f"jobs have been taking in files for {patience} s: try again later")


def _keep(source: Store, stored: Stored, place: Store) -> Kept | None:
    """Copies a file into the backup; None when it has gone, or has a name that cannot be kept."""
    try:
        with _copy(source, stored.key, stored.key.removeprefix("archive/") if _archived(stored) else None) as copy:
            sha256 = hashlib.file_digest(copy, "sha256").hexdigest()
            copy.seek(0)
            place.put(FILES + stored.key, cast(BinaryIO, copy))
            return Kept(key=stored.key, size=copy.tell(), sha256=sha256, written=stored.modified.isoformat())
    except (Missing, BadKey):
        return None


@contextmanager
def _copy(source: Store, key: str, sha256: str | None) -> Iterator[Copy]:
    """A copy of a file to read; raises `BackupError` when its SHA-256 is not the one given."""
    with source.open(key) as stream, tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy, MIB)
        copy.seek(0)
        if sha256 and hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
            raise BackupError(f"{source}: {key} has changed: its SHA-256 is different")
        copy.seek(0)
        yield copy


def _landed(stored: Stored) -> bool:
    return stored.key.startswith(LANDED)


def _archived(stored: Stored) -> bool:
    return stored.key.startswith("archive/")
