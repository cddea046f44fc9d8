"""Files named on the command line: found, in order, and read whole."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from parsers.bundle import is_bundle
from parsers.foreign import packed
from parsers.identifiers import filename

LARGE = 8 * 1024 * 1024
"""From this many bytes, a file takes long enough for a progress bar."""

MENDED = "mended"
"""The folder beside a file that its mended file is written to; it is not walked into."""

_CHUNK = 1024 * 1024


def files_of(
    paths: Iterable[Path], trouble: Callable[[OSError], None], aside: Callable[[Path], object] | None = None
) -> Iterator[Path]:
    """The files themselves and those in folders, walked in order of name; hidden files and folders are skipped.
    `trouble` is called for folders that cannot be listed, or hold no file to look at; `aside` for files in folders that
    are passed over (`passed_over`)."""
    for path in paths:
        if not _is_folder(path):
            yield path
            continue
        yield from _in_folder(path, trouble, aside)


def _in_folder(
    path: Path, trouble: Callable[[OSError], None], aside: Callable[[Path], object] | None
) -> Iterator[Path]:
    held, failed = 0, []

    def told(error: OSError) -> None:
        failed.append(error)
        trouble(error)

    for folder, folders, names in os.walk(path, onerror=told):
        folders[:] = sorted(folder for folder in folders if not folder.startswith(".") and folder != MENDED)
        for name in sorted(names):
            inside = Path(folder, name)
            # Reading a pipe or a device in a folder could take for ever.
            if name.startswith(".") or not inside.is_file():
                continue
            if aside and passed_over(name):
                aside(inside)
                continue
            held += 1
            yield inside
    if aside and not held and not failed:
        trouble(OSError(errno.ENOENT, "the folder holds no file to check", str(path)))


_OF_THE_SYSTEM = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"})


def passed_over(name: str) -> bool:
    """Whether a file in a folder is none that anybody wants checked: a system's own, an office program's lock, or a
    reply of the desk's and its JSON twin."""
    reply = filename.original(name.removesuffix(".json"))
    return name.lower() in _OF_THE_SYSTEM or name.startswith("~$") or (reply is not None and reply.letter == "X")


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
    """Whether a file is a bundle of basedata, by its contents and its name: office documents are archives too, and so
    are entry files that somebody has packed."""
    name = filename.original(named)
    named_so = name is not None and name.letter == filename.BUNDLE
    return is_bundle(data) and (named_so or (named.lower().endswith(".zip") and packed(data) is None))
