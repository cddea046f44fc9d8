"""The archive: every file that comes in is kept unchanged under its SHA-256, before anything else is done with it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile

from infra.settings import MIB
from infra.store import Store, Stored

IN_MEMORY = 8 * MIB
GLANCE = 1024


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
    return sha256, start
