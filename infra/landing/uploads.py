"""A file on its way in: buffered until the client has closed it, then put into the store whole, in one step."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from attrs import define, field, frozen

from infra.landing.limits import Refused
from infra.landing.paths import Place
from infra.landing.shares import Shares
from infra.settings import MIB
from infra.store import Missing, Store, Stored, unfinished

IN_MEMORY = MIB
PIECES = 256
"""A file may be written in at most this many separate pieces; clients that send blocks out of order need a few."""
PIECE_BYTES = 8192
"""What a disk may spend on a piece beyond its bytes: a block at either end."""
SAME_NAME = 100
TRIES = 5


@define(eq=False)
class Buffer:
    """A file being sent or fetched: in memory while it is small and has no gap, then in a file without a name.

    It holds `held` bytes of its centre's share: those that were written, and for each further piece of a file with gaps
    what a disk spends on it."""

    place: Place
    centre: str
    budget: Shares
    upload: bool
    file: BinaryIO = field(factory=lambda: _temporary())
    size: int = 0
    held: int = 0
    broken: str = ""
    """Why it can no longer be received; empty while it can."""
    _pieces: list[tuple[int, int]] = field(factory=list)

    def write(self, offset: int, data: bytes, most: int) -> None:
        """Takes a block; gives up a file larger than `most` bytes. Raises `Refused`."""
        if self.broken:
            raise Refused(self.broken)
        try:
            end = offset + len(data)
            if end > most:
                raise Refused(f"the file is larger than {most:,} bytes; nothing was received")
            pieces = _joined(self._pieces, offset, end)
            self.hold(_weight(pieces))
            self._pieces = pieces
            if offset > self.size or end > IN_MEMORY:
                _to_disk(self.file)  # before the gap is made: in memory it would be filled
            self.size = max(self.size, end)
            self.file.seek(offset)
            self.file.write(data)
        except OSError:
            self.give_up("the service has no room for the file; nothing was received, send it again")
            raise Refused(self.broken) from None
        except Refused as error:
            self.give_up(str(error))
            raise

    def hold(self, amount: int) -> None:
        """Holds so many bytes of its centre's share. Raises `Refused`."""
        if amount > self.held:
            self.budget.take(self.centre, amount - self.held)
        else:
            self.budget.give(self.centre, self.held - amount)
        self.held = amount

    def read(self, offset: int, size: int) -> bytes:
        """A block of a file that is being fetched."""
        self.file.seek(offset)
        return self.file.read(size)

    def fill(self, source: BinaryIO) -> None:
        """Copies a file from the store, up to the `size` bytes reserved when it was listed."""
        left = self.size
        while left and (block := source.read(min(MIB, left))):
            self.file.write(block)
            left -= len(block)

    def whole(self) -> bool:
        """Whether every byte up to the last has been written."""
        return self._pieces in ([], [(0, self.size)]) and (bool(self._pieces) or self.size == 0)

    def give_up(self, why: str) -> None:
        """Drops all bytes; the file will not be received."""
        self.broken = why
        self.discard()

    def discard(self) -> None:
        """Drops all bytes."""
        self.file.close()
        self.budget.give(self.centre, self.held)
        self.size = self.held = 0


def _joined(pieces: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """The pieces of a file, each as its first byte and the one behind its last, with another piece written. Raises
    `Refused`."""
    if start == end:
        return pieces
    if pieces and pieces[-1][1] == start:  # nearly always: the next block
        return [*pieces[:-1], (pieces[-1][0], end)]
    apart = [piece for piece in pieces if piece[1] < start or piece[0] > end]
    touched = [piece for piece in pieces if piece not in apart]
    joined = (min([start, *(piece[0] for piece in touched)]), max([end, *(piece[1] for piece in touched)]))
    found = sorted([*apart, joined])
    if len(found) > PIECES:
        raise Refused("the file comes in too many pieces; send it from start to end")
    return found


def _weight(pieces: list[tuple[int, int]]) -> int:
    return sum(end - start for start, end in pieces) + PIECE_BYTES * max(len(pieces) - 1, 0)


@frozen
class Landed:
    """A file in the store: its key, size and SHA-256; not `fresh` when the same bytes were already waiting."""

    key: str
    size: int
    sha256: str
    fresh: bool


def _temporary() -> BinaryIO:
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))


def _to_disk(temporary: BinaryIO) -> None:
    cast(tempfile.SpooledTemporaryFile[bytes], temporary).rollover()


def look(store: Store, key: str) -> Stored | None:
    """The file at `key`, if there is one."""
    return next((stored for stored in store.list(key) if stored.key == key and stored.kind == "file"), None)


def land(store: Store, key: str, file: BinaryIO) -> Landed:
    """Puts a whole file into an inbox. A file that waits there is never replaced: the same bytes are not stored twice,
    and other bytes land beside it under a numbered name, which the ingest treats as the same name (FIL-4). Only an
    upload whose name says that it is unfinished is replaced by the next try. Raises `Refused` or `StoreError`."""
    file.seek(0)
    sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
    size = file.seek(0, 2)
    if unfinished(key):
        file.seek(0)
        store.put(key, file)
        return Landed(key, size, sha256, True)
    for name in _counted(key):
        for _ in range(TRIES):
            file.seek(0)
            if store.put_if_absent(name, file):
                return Landed(name, size, sha256, True)
            try:
                with store.open(name) as waiting:
                    same = hashlib.file_digest(waiting, "sha256").hexdigest() == sha256  # type: ignore[arg-type]
            except Missing:  # the ingest has just taken it in: the name is free again
                continue
            if same:
                return Landed(name, size, sha256, False)
            break
    raise Refused(f"{SAME_NAME} files of this name are already waiting; try again when they have been taken in")


def finish(store: Store, found: Stored, target: str, copy: BinaryIO) -> Landed:
    """Gives an unfinished upload its final name, by the rules of `land`; it passes through `copy`. Raises `Refused` or
    `StoreError`."""
    with store.open(found.key) as stream:
        shutil.copyfileobj(stream, copy, MIB)
    landed = land(store, target, copy)
    store.remove(found)
    return landed


def _counted(key: str) -> Iterator[str]:
    yield key
    folder, _, name = key.rpartition("/")
    path = PurePosixPath(name)
    for number in range(2, SAME_NAME + 1):
        yield f"{folder}/{path.stem} ({number}){path.suffix}"
