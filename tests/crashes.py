"""A process that ends between any two steps, over the real store: what interruption tests share."""

from __future__ import annotations

import threading
from typing import Any, BinaryIO

from attrs import define, field

from infra.store import FolderStore, Stored


class Crash(BaseException):
    """The process is gone: no handler of any kind runs."""


@define
class Fuse:
    """Lets so many steps pass; the next one does not begin, nor any after it. Files are written by several threads."""

    left: int
    lock: Any = field(factory=threading.Lock)

    def burn(self) -> None:
        with self.lock:
            self.left -= 1
            if self.left < 0:
                raise Crash


class CrashingStore(FolderStore):
    """The real store, in a process that can end between any two changes of a file."""

    fuse: Fuse

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        self.fuse.burn()
        super().put(key, data)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        self.fuse.burn()
        return super().put_if_absent(key, data)

    def move(self, source: str, target: str) -> None:
        self.fuse.burn()
        super().move(source, target)

    def remove(self, stored: Stored) -> bool:
        self.fuse.burn()
        return super().remove(stored)
