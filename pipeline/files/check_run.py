"""`resultsday check` over many files: reads, checks and reports them, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from parsers.findings import visible
from pipeline.files.check import Checked, Exit, as_data, as_json, check_file, show, total
from pipeline.files.named_files import LARGE, files_of, sentence, size_of, whole
from pipeline.files.progress import Bar, on_a_terminal
from rules.catalogue import Catalogue

MANY = 20
"""From this many files, checking takes long enough for a progress bar."""


def check_all(
    paths: Sequence[Path], catalogue: Catalogue, received: datetime | None, limit: int, console: Console | None
) -> Exit:
    """Checks files and the files in folders. Findings go to `console`, or without one all together to stdout as JSON.
    Returns the worst exit code."""
    run = _Run(console)
    found = list(files_of(paths, lambda error: run.unreadable(error.filename, error)))
    sizes = [size_of(path) for path in found]
    long = len(found) >= MANY or max(sizes, default=0) > LARGE
    bar = Bar(sum(sizes), shown=long and on_a_terminal())
    with bar.running():
        for path in found:
            try:
                data = whole(path, limit, bar.read)
            except OSError as error:
                with bar.aside():
                    run.unreadable(path, error)
                continue
            checked = check_file(str(path), data, catalogue, received, bar.checking)
            with bar.aside():
                for file in checked:
                    run.take(file)
    run.end()
    return max(run.exits, default=Exit.CLEAN)


class _Run:
    """The results of the files checked so far."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._as_data: list[dict[str, object]] = []
        self._not_judged: dict[str, None] = {}  # in order, each once
        self.exits: Counter[Exit] = Counter()

    def take(self, checked: Checked) -> None:
        """Adds a checked file."""
        self.exits[checked.exit] += 1
        self._not_judged |= dict.fromkeys(checked.not_judged)
        if self._console is None:
            self._as_data.append(as_data(checked))
        elif not checked.problem:
            show(self._console, checked)

    def unreadable(self, path: Path | str, error: OSError) -> None:
        """Adds a file or folder that cannot be read."""
        named = visible(str(path))
        click.echo(f"{named}: cannot be read: {sentence(error)}", err=True)
        self.take(Checked(named, problem=sentence(error)))

    def end(self) -> None:
        """Reports the results of all files."""
        if self._console is None:
            click.echo(as_json(self._as_data))
            return
        if self._not_judged:
            self._console.print("\nNot judged here:", style="dim")
            for what in self._not_judged:
                self._console.print(f"  {what}", style="dim", markup=False)
        if self.exits.total() != 1:
            self._console.print(f"\n{total(self.exits)}", markup=False)
