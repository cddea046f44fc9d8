"""The archive: every file that comes in is kept unchanged under its SHA-256 before anything else is done with it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath

from infra.settings import MIB
from infra.store import LONGEST_NAME, BadKey, Missing, Store, Stored
from pipeline.parallel import in_parallel
from pipeline.steps import ARCHIVED, FEED_NOTED

IN_MEMORY = 8 * MIB
SMALL = MIB // 4
"""Files of at most so many bytes are archived together, a batch at a time."""
GLANCE = 1024
CUT = 200
"""So many bytes stay of a name that is too long."""


class Taken(list[dict[str, str]]):
    """Files that were archived: `key`, `received` (ISO 8601, UTC) and `sha256` of each. `note` records a file."""

    note: Callable[[dict[str, str]], object] | None = None

    def take(self, file: dict[str, str]) -> None:
        """Adds a file and records it at once: a job that dies later may already have taken it out."""
        self.append(file)
        if self.note:
            self.note(file)
            FEED_NOTED.passed()


_TAKEN: ContextVar[Taken | None] = ContextVar("taken", default=None)


@contextmanager
def taking() -> Iterator[Taken | None]:
    """Collects what is archived in the block. None inside another such block, which collects it."""
    if _TAKEN.get() is not None:
        yield None
        return
    taken = Taken()
    token = _TAKEN.set(taken)
    try:
        yield taken
    finally:
        _TAKEN.reset(token)


def key_text(key: str) -> str:
    """A key from outside as text that the ledger, and the store of a replay, can keep: bytes that are no UTF-8 are
    written out, and a part that is longer than a file's name may be is cut and told from others by its hash."""
    text = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")
    return "/".join(_fitting(part) for part in text.split("/"))


def _fitting(part: str) -> str:
    data = part.encode("utf-8")
    if len(data) <= LONGEST_NAME:
        return part
    start, ending = data[:CUT].decode("utf-8", "ignore"), PurePosixPath(part).suffix[-8:]
    return f"{start}-{hashlib.sha256(data).hexdigest()[:8]}{ending}"


def landing(stored: Stored, sha256: str) -> dict[str, str]:
    """A file as it landed, for the journal."""
    return {"key": key_text(stored.key), "received": stored.modified.isoformat(), "sha256": sha256}


def archive(store: Store, stored: Stored) -> tuple[str, bytes]:
    """Copies a file unchanged to `archive/<sha256>`; returns its SHA-256 and its first bytes."""
    with store.open(stored.key) as source, tempfile.SpooledTemporaryFile(max_size=IN_MEMORY) as copy:
        shutil.copyfileobj(source, copy, MIB)
        copy.seek(0)
        sha256 = hashlib.file_digest(copy, "sha256").hexdigest()
        copy.seek(0)
        start = copy.read(GLANCE)
        copy.seek(0)
        store.put_if_absent(f"archive/{sha256}", copy)  # type: ignore[arg-type]
        ARCHIVED.passed()
    _note(stored, sha256)
    return sha256, start


class Recent:
    """What this process has just archived, by SHA-256, up to so many bytes: it need not be fetched again. What is
    archived never changes."""

    def __init__(self, most_bytes: int = 64 * MIB) -> None:
        self._free, self._lock = most_bytes, threading.Lock()
        self._kept: dict[str, bytes] = {}

    def keep(self, sha256: str, data: bytes) -> None:
        """Keeps a file as long as there is room."""
        with self._lock:
            if sha256 not in self._kept and len(data) <= self._free:
                self._free -= len(data)
                self._kept[sha256] = data

    def take(self, sha256: str) -> bytes | None:
        """A file that is kept, which then is not any more; None if it is not."""
        with self._lock:
            data = self._kept.pop(sha256, None)
            self._free += len(data or b"")
            return data


def archived(store: Store, sha256: str, most_bytes: int, recent: Recent) -> bytes:
    """The first `most_bytes` of an archived file. Raises `Missing`."""
    data = recent.take(sha256)
    if data is not None:
        return data[:most_bytes]
    with store.open(f"archive/{sha256}") as file:
        return file.read(most_bytes)


def archive_all(
    store: Store, waiting: Sequence[Stored], lost: Callable[[Stored, Exception], None], recent: Recent
) -> list[tuple[str, bytes] | None]:
    """`archive` of several files, the small ones together, which `recent` keeps. None for a file that cannot be taken:
    `lost` is told, with the `Missing` or `BadKey`. Of what is no file: an empty SHA-256 and no bytes."""

    def taken(stored: Stored) -> tuple[str, bytes] | bytes | None:
        try:
            store.list(stored.key)  # checks the key alone: a file with a bad key cannot even be set aside
            if stored.kind != "file":
                return "", b""
            with store.open(stored.key) as source:
                data = source.read(SMALL + 1)
            return data if len(data) <= SMALL else archive(store, stored)
        except (BadKey, Missing) as error:
            lost(stored, error)
            return None

    found = in_parallel(taken, waiting, store.threads)
    small = [(stored, kept) for stored, kept in zip(waiting, found, strict=True) if isinstance(kept, bytes)]
    hashes = [hashlib.sha256(data).hexdigest() for _, data in small]
    store.put_all([(f"archive/{sha256}", data) for sha256, (_, data) in zip(hashes, small, strict=True)], absent=True)
    for sha256, (stored, data) in zip(hashes, small, strict=True):
        recent.keep(sha256, data)
        ARCHIVED.passed()
        _note(stored, sha256)
    of_small = iter(hashes)
    return [(next(of_small), kept[:GLANCE]) if isinstance(kept, bytes) else kept for kept in found]


def _note(stored: Stored, sha256: str) -> None:
    taken = _TAKEN.get()
    if taken is not None:
        taken.take(landing(stored, sha256))
