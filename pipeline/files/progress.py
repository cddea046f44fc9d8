"""A bar on stderr while something takes long; nothing where stderr is no terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from parsers.reader import Submission


class Bar:
    """Bytes read of all files, and records checked of the file at hand."""

    def __init__(self, size: int, *, shown: bool) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._shown = shown
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown)
        self._bytes = self._progress.add_task("reading", total=size)
        self._records = self._progress.add_task("checking", total=None, visible=False)

    def read(self, size: int) -> None:
        """So many bytes have been read."""
        self._progress.advance(self._bytes, size)

    def checking(self, submission: Submission) -> Callable[[int], object]:
        """The records of `submission` are about to be checked; the result is to be told of each that is."""
        total = sum(len(one.lines) for one in submission.centres)
        self._progress.reset(self._records, total=total, visible=True)
        return lambda count: self._progress.advance(self._records, count)

    @contextmanager
    def running(self) -> Iterator[None]:
        """While the bar is on the screen."""
        if self._shown:
            self._progress.start()
        try:
            yield
        finally:
            if self._shown:
                self._progress.stop()

    @contextmanager
    def aside(self) -> Iterator[None]:
        """While something else is printed."""
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
    """A turning wheel beside `words` while something is awaited; nothing where the console is no terminal."""
    if not console.is_terminal:
        yield
        return
    with console.status(words):
        yield
