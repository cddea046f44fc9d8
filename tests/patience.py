"""Waiting for what another process, thread or session does: no longer than it takes, however busy the machine is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

PATIENCE = 240
"""Seconds that nothing here takes, but for what will never come."""


def _pauses() -> Iterator[float]:
    """Seconds between one look and the next: short at first, and no burden to a slow answer. Ends with our patience."""
    end, pause = time.monotonic() + PATIENCE, 0.02
    while time.monotonic() < end:
        yield pause
        pause = min(1.2 * pause, 0.5)


def until(look: Callable[[], T | None], shown: Callable[[], object] = lambda: "") -> T:
    """What `look` finds, once it finds something true. `shown` says what there is when it never does."""
    for pause in _pauses():
        if found := look():
            return found
        time.sleep(pause)
    raise AssertionError(f"it never comes: {shown()}")


async def until_seen(look: Callable[[], T | None]) -> T:
    """The same, while others go on in the same loop of events."""
    for pause in _pauses():
        if found := look():
            return found
        await asyncio.sleep(pause)
    raise AssertionError("it never comes")
