"""What is read and written, as streams whose failures are told in an operator's words."""

from __future__ import annotations

import io
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

from botocore.exceptions import BotoCoreError, ClientError

from infra.store.contract import Store, StoreError

MIB = 1024 * 1024


class _Reading(io.RawIOBase):
    """A stream that raises its failures as `StoreError`."""

    def __init__(self, source: Any, telling: Callable[[], Any]) -> None:
        self._source = source
        self._telling = telling

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._telling():
            return cast(int, self._source.readinto(buffer))

    def readall(self) -> bytes:
        with self._telling():
            return cast(bytes, self._source.read())

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def reader(source: Any, telling: Callable[[], Any]) -> BinaryIO:
    """`source` as a stream; when reading fails, `telling` says what was read."""
    return io.BufferedReader(_Reading(source, telling), MIB)


def stream(data: bytes | BinaryIO) -> BinaryIO:
    """The data as a stream."""
    return io.BytesIO(data) if isinstance(data, bytes) else data


@contextmanager
def telling(store: Store, doing: str) -> Iterator[None]:
    """When the outside world fails, say what `store` was asked for."""
    try:
        yield
    except (OSError, ClientError, BotoCoreError) as error:
        raise StoreError(f"{store}: cannot {doing}: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def rewindable(data: bytes | BinaryIO) -> Iterator[BinaryIO]:
    """`data` as a stream that can be sent again from its beginning; a copy on disk where it cannot be itself."""
    source = stream(data)
    if source.seekable() and source.tell() == 0:
        yield source
        return
    with tempfile.SpooledTemporaryFile(8 * MIB) as copy:
        shutil.copyfileobj(source, copy, MIB)
        copy.seek(0)
        yield cast(BinaryIO, copy)
