"""The same step for many things at once, where most of the time is spent waiting for a disk or a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

THREADS = 8


def in_parallel(step: Callable[[A], B], things: Sequence[A], threads: int = THREADS) -> list[B]:
    """What `step` returns for each thing, in their order, `threads` at a time. Raises the error of the first of them
    that fails, once all have ended."""
    if len(things) < 2:
        return [step(thing) for thing in things]
    contexts = [copy_context() for _ in things]
    with ThreadPoolExecutor(min(threads, len(things))) as pool:
        return list(pool.map(lambda context, thing: context.run(step, thing), contexts, things))
