"""Files named on the command line: found, in order, and read whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from parsers.bundle import is_bundle
from parsers.identifiers import filename

LARGE = 8 * 1024 * 1024
"""From this many bytes, a file takes long enough for a progress bar."""

_CHUNK = 1024 * 1024


def files_of(paths: Iterable[Path], trouble: Callable[[OSError], None]) -> Iterator[Path]:
    """The files themselves and those in folders, walked in order of name; hidden files and folders are skipped.
    `trouble` is called for folders that cannot be listed."""
    for path in paths:
        if not _is_folder(path):
            yield path
            continue
        for folder, folders, names in os.walk(path, onerror=trouble):
            folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
            for name in sorted(names):
                inside = Path(folder, name)
                # Reading a pipe or a device in a folder could take for ever.
                if not name.startswith(".") and inside.is_file():
                    yield inside


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        # Reading it later will say why.
        return False


def whole(path: Path, limit: int | None = None, progress: Callable[[int], object] | None = None) -> bytes:
    """The bytes of a file; `progress` is called with the bytes read. Raises `OSError`, also above `limit` bytes."""
    parts, size = [], 0
    with path.open("rb") as stream:
        while part := stream.read(_CHUNK):
            size += len(part)
            if limit is not None and size > limit:
                raise OSError(None, f"more than the {limit:,} bytes the desk reads")
            parts.append(part)
            if progress:
                progress(len(part))
    return b"".join(parts)


def size_of(path: Path) -> int:
    """The size of a file, only for a progress bar: 0 if there is no file."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def sentence(error: OSError) -> str:
    """Why a path cannot be read or written."""
    return error.strerror or str(error)


def is_bundle_file(named: str, data: bytes) -> bool:
    """Whether a file is a bundle of basedata, by its contents and its name: office documents are archives too."""
    name = filename.original(named)
    return is_bundle(data) and (named.lower().endswith(".zip") or (name is not None and name.letter == filename.BUNDLE))
