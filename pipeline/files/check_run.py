"""`resultsday check` over many files: reads, checks and reports them, one after the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from parsers.findings import visible
from pipeline.files.check import Checked, Exit, as_data, as_json, check_file, headline, show, total
from pipeline.files.mended import Mended, mend
from pipeline.files.named_files import LARGE, files_of, sentence, size_of, whole
from pipeline.files.progress import Bar, on_a_terminal
from rules.catalogue import Catalogue

_SHOWN = 5
"""Names shown of the files that were passed over."""

MANY = 20
"""From this many files, checking takes long enough for a progress bar."""


def check_all(
    paths: Sequence[Path],
    catalogue: Catalogue,
    received: datetime | None,
    limit: int,
    console: Console | None,
    now: datetime | None = None,
    *,
    mending: bool = False,
) -> Exit:
    """Checks files and the files in folders. Findings go to `console`, or without one all together to stdout as JSON.
    `received` and `now` as for `check_file`. `mending`: where a file can be mended without doubt, the mended file is
    written (`pipeline.files.mended`). Returns the worst exit code, of the files as they are."""
    run = _Run(console)
    found = list(files_of(paths, lambda error: run.unreadable(error.filename, error), run.aside))
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
            checked = check_file(str(path), data, catalogue, received, bar.checking, now)
            with bar.aside():
                for file in checked:
                    run.take(file)
                if mending:
                    run.mend(path, data, checked[0], catalogue, received)
    run.end()
    return max(run.exits, default=Exit.CLEAN)


class _Run:
    """The results of the files checked so far."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self._as_data: list[dict[str, object]] = []
        self._aside: list[str] = []
        self.exits: Counter[Exit] = Counter()

    def take(self, checked: Checked) -> None:
        """Adds a checked file."""
        self.exits[checked.exit] += 1
        if self._console is None:
            self._as_data.append(as_data(checked))
        elif not checked.problem:
            show(self._console, checked)

    def mend(self, path: Path, data: bytes, checked: Checked, catalogue: Catalogue, received: datetime | None) -> None:
        """Writes the mended file of one that was taken, and says so."""
        try:
            done = mend(path, data, checked, catalogue, received)
        except OSError as error:
            done = Mended(why=f"not mended: {error.filename or path}: {sentence(error)}")
        if self._console is None:
            self._as_data[-1] |= {"mended": str(done.written) if done.written else None, "not_mended": done.why or None}
        elif done.checked:
            self._console.print(f"\nmended, look at it before you send it: {headline(done.checked)}", markup=False)
        elif done.why:
            self._console.print(f"\n{visible(done.why)}", markup=False)

    def aside(self, path: Path) -> None:
        """Adds a file that is passed over."""
        self._aside.append(visible(str(path)))

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
        if self._aside:
            count = f"{len(self._aside):,} file{'s' * (len(self._aside) > 1)}"
            shown = ", ".join(self._aside[:_SHOWN]) + ", ..." * (len(self._aside) > _SHOWN)
            self._console.print(f"\npassed over, as none that is sent: {count} ({shown})", style="dim", markup=False)
        if self.exits.total() != 1:
            self._console.print(f"\n{total(self.exits)}", markup=False)
