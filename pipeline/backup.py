"""A backup of the desk: ledger and store at one instant, in a folder or a bucket; and a desk made from it.

The ledger is written as one snapshot sees it. While that snapshot is taken and the store is listed, no job that takes
files in is at work, so what waits in the inbox is what the ledger does not know yet. What the ledger knows, the archive
has: a file is archived before it is booked, and nothing is ever taken out of the archive, so the archive may be copied
afterwards. A restored desk is a desk that died at that instant, and goes on as such a one does.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
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
"""Where files wait that the ledger does not know: copied before a job can take them away."""
TAKING_IN = ("ingest", "marks", "moderation", "boundaries")
PATIENCE = 300
"""Seconds to wait for jobs that are taking files in."""
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
    rewritten or taken away meanwhile, or are no files; a restored desk makes again what is its own of them."""

    at: str
    ledger_sha256: str
    files: tuple[Kept, ...]
    left_out: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        waiting = sum(one.key.startswith(LANDED) for one in self.files)
        size = sum(one.size for one in self.files)
        yield f"Ledger and store of {self.at}: {len(self.files):,} files, {size:,} bytes, {waiting:,} of them waiting."
        for key in self.left_out:
            yield f"  left out: {key}"


def backup(desk: Desk, place: Store, now: datetime, patience: int = PATIENCE) -> Backup:
    """Writes ledger and store of `desk` to `place`, which is empty; the manifest comes last, so that what has none is
    no backup. Raises `BackupError`, `PostgresError` and `StoreError`."""
    if any(True for _ in place.list("")):
        raise BackupError(f"there is something in {place} already: every backup has a place of its own")
    if isinstance(place, FolderStore):
        place.root.chmod(0o700)  # results under embargo and learners' names lie in it
    with ExitStack() as later, tempfile.TemporaryDirectory() as folder:
        with _at_rest(desk.ledger, patience):
            snapshot = later.enter_context(desk.ledger.snapshot())
            listed = list(desk.store.list(""))
            waiting = [_keep(desk.store, one, place) for one in listed if _is_file(one) and _landed(one)]
        file = Path(folder) / LEDGER
        dump.dump(desk.settings.database_url, file, snapshot.name)
        with file.open("rb") as stream:
            ledger_sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            place.put(LEDGER, stream)
    others = [_keep(desk.store, one, place) for one in listed if _is_file(one) and not _landed(one)]
    still = {one.key: one for one in desk.store.list("")}
    changed = {one.key for one in listed if not _landed(one) and not _same(one, still.get(one.key))}
    kept = tuple(one for one in (*waiting, *others) if one is not None and one.key not in changed)
    if lost := snapshot.files - {one.key.removeprefix("archive/") for one in kept}:
        raise BackupError(f"{len(lost)} files of the ledger are not in the archive, the first is archive/{min(lost)}")
    left_out = tuple(sorted({one.key for one in listed if one.kind != "folder"} - {one.key for one in kept}))
    made = Backup(at=now.isoformat(), ledger_sha256=ledger_sha256, files=kept, left_out=left_out)
    place.put(MANIFEST, (json.dumps(_converter.unstructure(made), indent=1, ensure_ascii=False) + "\n").encode())
    return made


def restore(desk: Desk, place: Store) -> Backup:
    """Makes an empty desk what `place` holds, and brings its ledger to the newest version. Everything is compared with
    the manifest on its way. Raises `BackupError`, `PostgresError` and `StoreError`; after one, empty the desk's store
    and run it again."""
    try:
        made = _converter.loads(place.get(MANIFEST), Backup)
    except Missing:
        raise BackupError(f"{place} is no whole backup: it has no {MANIFEST}") from None
    if any(one.kind == "file" for one in desk.store.list("")):
        raise BackupError(f"the store to restore into is not empty: {desk.store}")
    with _at_rest(desk.ledger, PATIENCE), tempfile.TemporaryDirectory() as folder:
        # The ledger last: whatever dies before leaves one that says so.
        dump.clear(desk.settings.database_url)
        for one in made.files:
            with _copy(place, FILES + one.key, one.sha256) as copy:
                desk.store.put(one.key, cast(BinaryIO, copy))
            if isinstance(desk.store, FolderStore):  # when it was written is when it was received
                written = datetime.fromisoformat(one.written)
                nanoseconds = round(written.timestamp() * 1_000_000) * 1000
                os.utime(desk.store.root / one.key, ns=(nanoseconds, nanoseconds))
        with _copy(place, LEDGER, made.ledger_sha256) as copy, (Path(folder) / LEDGER).open("wb") as file:
            shutil.copyfileobj(copy, file, MIB)
        dump.load(desk.settings.database_url, Path(folder) / LEDGER)
    migrate(desk.settings.database_url)
    return made


@contextmanager
def _at_rest(ledger: Ledger, patience: int) -> Iterator[None]:
    """Nothing takes files in within the block."""
    for _ in range(patience):
        with ExitStack() as held:
            if all([held.enter_context(ledger.exclusive(job)) for job in TAKING_IN]):  # noqa: C419 -- hold every one
                yield
                return
        time.sleep(1)
    raise BackupError(f"files are being taken in for {patience} s already: try again later")


def _keep(source: Store, stored: Stored, place: Store) -> Kept | None:
    """Copies a file into the backup; null when it has gone, or has a name that cannot be kept."""
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
    """A file as a stream to be read again; raises `BackupError` when it is not the one of that SHA-256."""
    with source.open(key) as stream, tempfile.SpooledTemporaryFile(IN_MEMORY) as copy:
        shutil.copyfileobj(stream, copy, MIB)
        copy.seek(0)
        if sha256 and hashlib.file_digest(copy, "sha256").hexdigest() != sha256:
            raise BackupError(f"{source}: {key} is not what it was: its SHA-256 is another")
        copy.seek(0)
        yield copy


def _same(before: Stored, now: Stored | None) -> bool:
    return now is not None and before.unchanged(now)


def _is_file(one: Stored) -> bool:
    return one.kind == "file"


def _landed(one: Stored) -> bool:
    return one.key.startswith(LANDED)


def _archived(one: Stored) -> bool:
    return one.key.startswith("archive/")
