"""The archive: every file that comes in is kept unchanged under its SHA-256, before anything else is done with it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from infra.settings import MIB
from infra.store import Store, Stored
from pipeline.steps import step

IN_MEMORY = 8 * MIB
GLANCE = 1024

ARCHIVED = step("archive", "archived", "a file that came in lies in the archive")

_TAKEN: ContextVar[list[dict[str, str]] | None] = ContextVar("taken", default=None)


@contextmanager
def taking() -> Iterator[list[dict[str, str]] | None]:
    """Collects what is archived in the block: `key`, `received` (ISO 8601, UTC) and `sha256` of each file. Null inside
    another such block, which has it all."""
    if _TAKEN.get() is not None:
        yield None
        return
    taken: list[dict[str, str]] = []
    token = _TAKEN.set(taken)
    try:
        yield taken
    finally:
        _TAKEN.reset(token)


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
    taken = _TAKEN.get()
    if taken is not None:
        taken.append({"key": stored.key, "received": stored.modified.isoformat(), "sha256": sha256})
    return sha256, start
