"""A bar on stderr while something takes long; nothing if stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from parsers.reader import Submission


class Bar:
    """Bytes read of all files, and records checked of the current file."""

    def __init__(self, size: int, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._shown = shown
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown)
        self._bytes = self._progress.add_task("reading", total=size)
        self._records = self._progress.add_task("checking", total=None, visible=False)

    def read(self, size: int) -> None:
        """Adds to the bytes read."""
        self._progress.advance(self._bytes, size)

    def checking(self, submission: Submission) -> Callable[[int], object]:
        """Called before the records of `submission` are checked; returns a function to call with the records
        checked."""
        total = sum(len(centre.lines) for centre in submission.centres)
        self._progress.reset(self._records, total=total, visible=True)
        return lambda count: self._progress.advance(self._records, count)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Shows the bar while the block runs."""
        if self._shown:
            self._progress.start()
        try:
            yield
        finally:
            if self._shown:
                self._progress.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Hides the bar while something else is printed."""
        if self._shown:
            self._progress.stop()
        yield
        if self._shown:
            self._progress.start()


def on_a_terminal() -> bool:
    """Whether a bar can be seen."""
    return sys.stderr.isatty()


@contextmanager
def waiting(console: Console, words: str) -> Iterator[None]:
    """A turning wheel beside `words` while the block waits; nothing if the console is not a terminal."""
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield
