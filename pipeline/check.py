"""What can be said about a file without sending it: the findings that need no ledger, shown under the columns they
mean."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import IntEnum
from pathlib import Path

import attrs
from attrs import frozen
from rich.console import Console
from rich.text import Text

from parsers.findings import Finding, Reach
from parsers.reader import read
from pipeline.replies import summary
from rules.catalogue import Catalogue
from rules.decisions import check
from rules.known import Arrival


class Exit(IntEnum):
    """The exit codes of `resultsday check`: the worst of all files."""

    CLEAN = 0
    WARNINGS = 1
    CANDIDATES = 3
    FILE = 4
    UNREADABLE = 5


@frozen
class Checked:
    """One file and what was found in it; `lines` are its lines as text, for showing."""

    path: Path
    lines: Sequence[str]
    findings: tuple[Finding, ...]

    @property
    def exit(self) -> Exit:
        reaches = {one.reach for one in self.findings}
        if reaches & {Reach.HOLD, Reach.FILE}:
            return Exit.FILE
        if reaches & {Reach.CANDIDATE, Reach.ENTRY}:
            return Exit.CANDIDATES
        return Exit.WARNINGS if Reach.WARNING in reaches else Exit.CLEAN


def check_file(path: Path, catalogue: Catalogue, received: datetime | None, limit: int) -> Checked:
    """Checks one file. With `received` (aware) the entry window is judged too. Raises `OSError` when it cannot be
    read, or has more than `limit` bytes."""
    size = path.stat().st_size
    if size > limit:
        raise OSError(None, f"{size:,} bytes, more than the {limit:,} the desk reads")
    data = path.read_bytes()
    submission = read(path.name, data)
    centre = submission.header.centre if submission.header else ""
    when = received or datetime.fromisoformat("2000-01-01T00:00:00+00:00")
    arrival = Arrival(submission=submission, centre=centre, received=when, sha256="")
    findings = check(arrival, catalogue, window=received is not None)
    return Checked(path, data.decode("latin-1").splitlines(), findings)


def as_json(checked: Sequence[Checked]) -> str:
    """All findings of all files as JSON."""
    files = [
        {"file": str(one.path), "exit": one.exit.name.lower(), "findings": [attrs.asdict(f) for f in one.findings]}
        for one in checked
    ]
    return json.dumps(files, indent=2)


_STYLES = {
    Reach.HOLD: "bold red",
    Reach.FILE: "bold red",
    Reach.CANDIDATE: "red",
    Reach.ENTRY: "red",
    Reach.WARNING: "yellow",
    Reach.NOTE: "cyan",
}


def show(console: Console, checked: Checked) -> None:
    """The findings of one file with the record they are about and a caret under the columns."""
    console.print(Text(f"{checked.path}: {summary(checked.findings)}", style="bold"))
    for one in checked.findings:
        who = f", candidate {one.candidate}" if one.candidate else ""
        console.print(Text.assemble("\n", (one.reach.spoken, _STYLES[one.reach]), f" [{one.code}] {one.place}{who}"))
        for line in _excerpt(one, checked.lines):
            console.print(Text(line, style="dim"), no_wrap=True, crop=False, overflow="ignore")
        console.print(Text(f"  {one.message} ({one.rule})"))
        console.print(Text(f"  expected: {one.expected}"))
        console.print(Text(f"  to do:    {one.remedy}"))


MARGIN = 20
"""Columns shown on either side of what a finding is about."""


def _excerpt(one: Finding, lines: Sequence[str]) -> Iterator[str]:
    if one.line is None or not 0 < one.line <= len(lines):
        return
    first, last = one.columns or (1, 1)
    start = max(first - 1 - MARGIN, 0)
    # A character for a column, so that the caret stands where it should.
    record = "".join(c if c.isprintable() else "?" for c in lines[one.line - 1])[start : last + MARGIN]
    label = f"  {one.line:>5} | "
    before = "..." if start else ""
    yield f"{label}{before}{record}"
    if one.columns:
        yield f"{' ' * (len(label) - 2)}| {' ' * (len(before) + first - 1 - start)}{'^' * (last - first + 1)}"
