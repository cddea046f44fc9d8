"""What can be said about a file without sending it: the findings that need no ledger, shown under the columns they
mean."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from pathlib import PurePath

import attrs
from attrs import frozen
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from parsers.bundle import read_bundle
from parsers.columns import columns
from parsers.findings import Finding, Found, Reach, visible
from parsers.reader import Submission, read
from pipeline.files.named_files import is_bundle_file, lines_of
from pipeline.wording import summary
from rules import files
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


@frozen(slots=False)
class Checked:
    """One file, named as the user named it, and what was found in it; `problem` says why it could not be read,
    `not_judged` what the findings say nothing about. Its lines, for showing, come from `data` or, in a bundle, from the
    `member` as read."""

    named: str
    findings: tuple[Finding, ...] = ()
    data: bytes = attrs.field(default=b"", repr=False)
    member: Submission | None = attrs.field(default=None, repr=False)
    problem: str | None = None
    not_judged: tuple[str, ...] = ()

    @cached_property
    def lines(self) -> Mapping[int, str]:
        """The file's lines as text by their numbers; of a member, the detail records."""
        if self.member:
            return {
                line: text for part in self.member.centres for line, text in zip(part.lines, part.records, strict=True)
            }
        return dict(enumerate(lines_of(self.data), 1))

    @property
    def exit(self) -> Exit:
        if self.problem:
            return Exit.UNREADABLE
        reaches = {one.reach for one in self.findings}
        if reaches & {Reach.HOLD, Reach.FILE}:
            return Exit.FILE
        if reaches & {Reach.CANDIDATE, Reach.ENTRY}:
            return Exit.CANDIDATES
        return Exit.WARNINGS if Reach.WARNING in reaches else Exit.CLEAN


_BY_RULES = ("E", "A")
_OF_A_SERIES = ("M",)
_LATEST = datetime.max.replace(tzinfo=UTC)
"""Judged as of then, the newest that the catalogue has counts."""

Progress = Callable[[int], object]


def check_file(
    path: str,
    data: bytes,
    catalogue: Catalogue,
    received: datetime | None,
    progress: Callable[[Submission], Progress] | None = None,
) -> list[Checked]:
    """What is found in one file or, of a bundle, in it and each of its members.

    Entries and amendments are judged by the rules that need no ledger and by the catalogue in force at `received`
    (aware), by the entry window too. Without `received` the window is not judged, and the catalogue is the one in force
    when the window of the file's series ends (CAL-2). All other files are judged by their format alone, marks also by
    whether there is such a series. `progress`, given the file as read, gives what is to be told of records done.
    """
    named = PurePath(path).name
    if is_bundle_file(named, data):
        bundle = read_bundle(named, data)
        members = [
            Checked(f"{path}/{one.named}", _findings(one, catalogue, received, progress), member=one)
            for one in bundle.members
        ]
        return [Checked(path, bundle.findings, data), *members]
    submission = read(named, data)
    found = _findings(submission, catalogue, received, progress)
    return [Checked(path, found, data, not_judged=tuple(_not_judged(submission, received)))]


def _not_judged(submission: Submission, received: datetime | None) -> Iterator[str]:
    letter = submission.type.letter if submission.type else ""
    if letter in _BY_RULES:
        if received is None:
            yield "the entry window and the centre's approval (give --received)"
        yield "registrations and earlier files (only the desk knows them)"
    elif letter in _OF_A_SERIES:
        yield "entries and the marks deadline (only the desk knows them)"


def _as_of(submission: Submission, catalogue: Catalogue, received: datetime | None) -> datetime:
    """CAL-2: the instant by whose catalogue a file is judged."""
    if received:
        return received
    header = submission.header
    series = catalogue.series(header.series_key, header.awarding_body) if header else None
    closes = catalogue.milestone(series, "window_closes", _LATEST) if series else None
    return closes.at - timedelta(microseconds=1) if closes else _LATEST


def _findings(
    submission: Submission,
    catalogue: Catalogue,
    received: datetime | None,
    progress: Callable[[Submission], Progress] | None,
) -> tuple[Finding, ...]:
    letter = submission.type.letter if submission.type else ""
    told = progress(submission) if progress else None
    if letter in _BY_RULES:
        centre = submission.header.centre if submission.header else ""
        at = _as_of(submission, catalogue, received)
        arrival = Arrival(submission=submission, centre=centre, received=at, sha256="")
        in_force = catalogue.in_edition(catalogue.edition(at))
        return check(arrival, in_force, window=received is not None, progress=told)
    found = Found([submission.named])
    found.carry(0, submission.findings)
    if letter in _OF_A_SERIES:
        files.series_of(0, submission, catalogue, found)
    if submission.layout:
        columns([submission], submission.layout, found, progress=told)
    return found.of(0)


# --- What is said of them --------------------------------------------------------------------------------------------


def as_data(checked: Checked) -> dict[str, object]:
    """What was found in a file as plain data."""
    data: dict[str, object] = {"file": checked.named, "exit": checked.exit.name.lower()}
    if checked.problem:
        data["problem"] = checked.problem
    findings = [attrs.asdict(one) for one in checked.findings]
    return data | {"findings": findings, "not_judged": list(checked.not_judged)}


def as_json(checked: Iterable[dict[str, object]]) -> str:
    """All findings of all files as JSON."""
    return json.dumps(list(checked), indent=2)


_COUNTED = {
    Exit.CLEAN: "with nothing to mend",
    Exit.WARNINGS: "with warnings only",
    Exit.CANDIDATES: "with candidates or entries refused",
    Exit.FILE: "refused",
    Exit.UNREADABLE: "unreadable",
}


def total(exits: Counter[Exit]) -> str:
    """`5 files: 3 with nothing to mend, 1 with warnings only, 1 refused`."""
    count = exits.total()
    said = ", ".join(f"{exits[one]:,} {words}" for one, words in _COUNTED.items() if exits[one])
    return f"{count:,} file{'' if count == 1 else 's'}: {said}"


_STYLES = {
    Reach.HOLD: "bold red",
    Reach.FILE: "bold red",
    Reach.CANDIDATE: "red",
    Reach.ENTRY: "red",
    Reach.MARK: "red",
    Reach.WARNING: "yellow",
    Reach.NOTE: "cyan",
}


def show(console: Console, checked: Checked) -> None:
    """The findings of one file with the record they are about and a caret under the columns."""
    console.print(Text(f"{visible(checked.named)}: {summary(checked.findings)}", style="bold"))
    for one in checked.findings:
        who = f", candidate {one.candidate}" if one.candidate else ""
        console.print(Text.assemble("\n", (one.reach.spoken, _STYLES[one.reach]), f" [{one.code}] {one.place}{who}"))
        for line in excerpt(one, checked.lines):
            console.print(Text(line, style="dim"), no_wrap=True, crop=False, overflow="ignore")
        console.print(Text(f"  {one.message} ({one.rule})"))
        console.print(Text(f"  expected: {one.expected}"))
        console.print(Text(f"  to do:    {one.remedy}"))


MARGIN = 20
"""Columns shown on either side of what a finding is about."""


def excerpt(one: Finding, lines: Mapping[int, str]) -> Iterator[str]:
    """The record a finding is about, around its columns, and a caret below them; nothing where there is none."""
    if one.line is None or one.line not in lines:
        return
    first, last = one.columns or (1, 1)
    start = max(first - 1 - MARGIN, 0)
    record = "".join(_one_cell(c) for c in lines[one.line][start : last + MARGIN])
    label = f"  {one.line:>5} | "
    before = "..." if start else ""
    yield f"{label}{before}{record}"
    if one.columns:
        yield f"{' ' * (len(label) - 2)}| {' ' * (len(before) + first - 1 - start)}{'^' * (last - first + 1)}"


def _one_cell(character: str) -> str:
    # A cell for a column, so that the caret stands where it should.
    return character if character.isprintable() and cell_len(character) == 1 else "?"
