"""The pace of a connection: how much is read from it before all others have their turn.

asyncio reads 256 KiB at a time, which hold so many of SSH's smallest packets that a few connections would keep all
others waiting for minutes. Here each read is as large as can be dealt with in a moment: large for files, small for a
flood of small packets. Before log-in, what is sent is limited too.

Both need what asyncssh shows to nobody: its transport, and the method that takes what has been read.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import asyncssh

TURN_SECONDS = 0.002
"""Of processor time, in which what is read at once should be dealt with; and after so long with one session's requests
the others have their turn."""
LEAST_BYTES, MOST_BYTES = 512, 256 * 1024
STRANGER_BYTES = 2048
"""At the first read."""


class Pace:
    """Sets the pace of a connection as long as it lasts."""

    def __init__(
        self, connection: asyncssh.SSHServerConnection, login_bytes: int, flooded: Callable[[], object]
    ) -> None:
        """`flooded` is called when more than `login_bytes` come before `logged_in`, and not again."""
        self._take = connection.data_received
        self._transport = connection._transport
        self._flooded = flooded
        self._left: int | None = login_bytes
        """How many bytes may come before log-in; None after it."""
        self._most = STRANGER_BYTES
        self._read_at_once(STRANGER_BYTES)
        connection.data_received = self._taken  # type: ignore[method-assign]

    def logged_in(self) -> None:
        """From now on any number of bytes may come."""
        self._left = None

    def _taken(self, data: bytes, datatype: asyncssh.DataType = None) -> None:
        if self._left is not None:
            if self._left < 0:
                return
            self._left -= len(data)
            if self._left < 0:
                self._flooded()
                return
        began = time.thread_time()
        self._take(data, datatype)
        spent = time.thread_time() - began
        if spent > TURN_SECONDS:
            self._read_at_once(max(LEAST_BYTES, int(len(data) * TURN_SECONDS / spent)))
        elif len(data) >= self._most < MOST_BYTES:
            self._read_at_once(min(2 * self._most, MOST_BYTES))

    def _read_at_once(self, most: int) -> None:
        assert hasattr(self._transport, "max_size"), "asyncio has another name for it now"
        self._most = most
        setattr(self._transport, "max_size", most)  # noqa: B010 -- asyncio's types do not know it
