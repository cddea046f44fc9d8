"""What the desk needs of a place for files, and what can go wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, Literal, Protocol

from attrs import evolve, field, frozen

Kind = Literal["file", "folder", "other"]
THREADS = 8
"""Requests that are under way at a time, unless whoever opens the store says otherwise."""
TRIES = 20  # of a step that another process can spoil; a try fails only because another's succeeded


class StoreError(Exception):
    """The store could not do what was asked; the message says what and why, in an operator's words."""


class Missing(StoreError):  # noqa: N818
    """There is no file under that key."""


class WrongStore(StoreError):  # noqa: N818
    """This is not the store that belongs to the ledger, or there is none."""


class BadKey(ValueError):  # noqa: N818
    """The key leads out of the store, or no file can have it."""


@frozen
class Stored:
    """One thing in the store, as it was when it was listed."""

    key: str
    """A folder's key ends in `/`."""
    size: int
    modified: datetime
    """Aware, UTC."""
    kind: Kind
    version: str = ""
    """Tells this content from a later one where size and time cannot; only the store understands it."""
    arrived: datetime | None = field(default=None, eq=False)
    """When it came to be here, where a sender can choose `modified`; aware, UTC."""
    whole: bool = field(default=False, eq=False)
    """Whether it is known to be whole: it was not written where it is, but put there in one step."""

    def unchanged(self, later: Stored) -> bool:
        """Whether `later`, found under the same key, is still the same thing."""
        return self == (later if self.version else evolve(later, version=""))


class Store(Protocol):
    """What the desk needs of a place for files. Every method raises `BadKey` before it touches anything."""

    @property
    def threads(self) -> int:
        """How many files it is worth reading or writing at a time."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Everything whose key begins with `prefix`, at any depth, sorted by key.

        Folders are listed only when they are empty (in S3: whenever somebody made a zero-byte marker for one). Links,
        pipes, sockets, devices and folders nested too deep to look into are of kind "other"; in S3, so is an object
        whose key would be a `BadKey`.
        """

    def get(self, key: str) -> bytes:
        """The whole content. Raises `Missing`."""

    def open(self, key: str) -> BinaryIO:
        """The content as a stream to be read once, for files too large for memory. Raises `Missing`."""

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """Write or replace: a reader sees either the whole old file or the whole new one. Durable when it returns."""

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """Write unless there is something already: of many concurrent writers exactly one is told True.

        Either way the key holds a whole, durable file when this returns. In S3 the writer that succeeded may be told
        False when the answer to its first try was lost.
        """

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """`put` of several files, key and content, or with `absent` their `put_if_absent`: what each would have
        returned. All are durable when this returns; a process that dies on the way leaves any of them, each whole.

        Raises `BadKey` before anything is written. Much faster than one after another.
        """

    def move(self, source: str, target: str) -> None:
        """Move a file, folder or other thing; replaces what is at `target`. Does nothing when it has been moved before.

        Raises `Missing` when there is neither a source nor a target.
        """

    def remove(self, stored: Stored) -> bool:
        """Remove exactly what was listed: False when it has changed since, or is gone. In S3, what was replaced by the
        same bytes has not changed."""

    def remove_all(self, found: Sequence[Stored]) -> Sequence[bool]:
        """`remove` of several, none of which is looked at before: what each would have returned. Much faster than one
        after another."""

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        """False while a file may still be growing: it changed within `seconds`, or its name is that of an unfinished
        upload.

        Files that were put there through a store, and objects in S3, are always whole: of them only the name counts.
        """

    def locked(self, key: str, now: datetime) -> bool:
        """Whether a lock of the store's own (S3: a retention date, a legal hold) keeps a file at `now` (aware)."""

    def proof(self, key: str) -> str:
        """Tries under a new `key` what the desk lives by: what is written is read back, `put_if_absent` writes over
        nothing, and `remove` removes nothing that has changed. What is wrong, in words; empty when nothing is."""
