"""Where a run can end: after every change of store or ledger stands a step, and the step has a name.

A run that dies has passed some steps and not the next; whatever it was, running again makes up for it. The crash matrix
(`bench/crashes.py`) ends a process at each of them, and fails where a change has no step or a step is never passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from attrs import frozen

STEPS: list[Step] = []
"""Every step of the modules that are imported, in the order of the code."""

Watcher = Callable[["Step"], None]
_watchers: list[Watcher] = []


@frozen
class Step:
    """A change that has just been made for good: where in the code, its name, and what now holds, in words."""

    place: str
    name: str
    holds: str

    def passed(self) -> None:
        """To be called right after the change, in the same thread."""
        for watcher in _watchers:
            watcher(self)

    def __str__(self) -> str:
        return f"{self.place}: {self.name}"


def step(place: str, name: str, holds: str) -> Step:
    """Declares a step."""
    made = Step(place, name, holds)
    STEPS.append(made)
    return made


@contextmanager
def watched(by: Watcher) -> Iterator[None]:
    """Calls `by` with each step that is passed in the block, in whatever thread."""
    _watchers.append(by)
    try:
        yield
    finally:
        _watchers.remove(by)
