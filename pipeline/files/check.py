"""What can be said about a file before it is sent: the findings that need no ledger, shown under the columns they are
about."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from functools import cached_property
from pathlib import PurePath

import attrs
import numpy as np
from attrs import frozen
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from parsers.bundle import read_bundle
from parsers.columns import columns
from parsers.findings import Finding, Found, Reach, visible
from parsers.gathered import Gathered
from parsers.lines import lines_of
from parsers.reader import Submission, read
from pipeline.files.named_files import is_bundle_file
from pipeline.wording import WIDTH, causes_summary, where
from rules import files
from rules.cards import Card, lines
from rules.catalogue import Catalogue
from rules.decisions import checked as judged
from rules.decisions import decisive
from rules.known import Arrival


class Exit(IntEnum):
    """The exit codes of `resultsday check`; of several files, the worst counts."""

    CLEAN = 0
    WARNINGS = 1
    CANDIDATES = 3
    FILE = 4
    UNREADABLE = 5


@frozen(slots=False)
class Checked:
    """One file, named as the user named it, and what was found in it: place by place, and by `causes`.

    `cards`: what is said of candidates in doubt. `problem` says why it could not be read, `not_judged` what was not
    checked, `counts` how much it holds, and `today` why it would be refused if it came now, though nothing is wrong
    with it. Its lines, for showing, come from `data` or, in a bundle, from the `member` as read.
    """

    named: str
    findings: tuple[Finding, ...] = ()
    cards: tuple[Card, ...] = attrs.field(default=(), kw_only=True)
    causes: tuple[Gathered, ...] = attrs.field(kw_only=True)
    data: bytes = attrs.field(default=b"", repr=False)
    member: Submission | None = attrs.field(default=None, repr=False)
    problem: str | None = None
    not_judged: tuple[str, ...] = ()
    counts: Mapping[str, int] = attrs.field(factory=dict)
    today: str = ""

    @causes.default
    def _gathered(self) -> tuple[Gathered, ...]:
        found = Found([self.named])
        found.carry(0, self.findings)
        return found.gathered(0)

    @cached_property
    def told(self) -> tuple[Gathered, ...]:
        """The causes that decide, as a reply tells them (FIL-1): nothing that only follows."""
        return decisive(self.causes)

    @cached_property
    def lines(self) -> Mapping[int, str]:
        """The file's lines as text, by number; of a member of a bundle, the detail records."""
        if self.member:
            return {
                line: text for part in self.member.centres for line, text in zip(part.lines, part.records, strict=True)
            }
        return dict(enumerate(lines_of(self.data), 1))

    @property
    def exit(self) -> Exit:
        if self.problem:
            return Exit.UNREADABLE
        reaches = {finding.reach for finding in self.findings}
        if reaches & {Reach.HOLD, Reach.FILE}:
            return Exit.FILE
        if reaches & {Reach.CANDIDATE, Reach.ENTRY}:
            return Exit.CANDIDATES
        return Exit.WARNINGS if Reach.WARNING in reaches else Exit.CLEAN


_BY_RULES = ("E", "A")
_OF_A_SERIES = ("M",)
_LATEST = datetime.max.replace(tzinfo=UTC)
"""A date so late that the newest version in the catalogue counts."""

Progress = Callable[[int], object]


def check_file(
    path: str,
    data: bytes,
    catalogue: Catalogue,
    received: datetime | None,
    progress: Callable[[Submission], Progress] | None = None,
    now: datetime | None = None,
) -> list[Checked]:
    """What is found in a file or, for a bundle, in it and each of its members.

    Entries and amendments are judged by the rules that need no ledger, by the catalogue in force at `received` (aware)
    and by the entry window. Without `received` the window is not judged, and the catalogue is the one in force when the
    window of the file's series ends (CAL-2). All other files are judged only by their format; marks also by whether the
    series exists. `progress` is given the file as read, and returns a function to call with the records checked. `now`
    (aware): for what is said of the entry window where `received` is not given.
    """
    named = PurePath(path).name
    if is_bundle_file(named, data):
        bundle = read_bundle(named, data)
        members = [
            Checked(
                f"{path}/{member.named}",
                found.of(0),
                causes=found.gathered(0),
                member=member,
                cards=doubtful,
                counts=counts(member),
            )
            for member in bundle.members
            for found, doubtful, _ in [_findings(member, catalogue, received, progress, now)]
        ]
        held = {"files": len(members)}
        return [Checked(path, bundle.findings, data, counts=held), *members]
    submission = read(named, data)
    found, doubtful, options = _findings(submission, catalogue, received, progress, now)
    held = counts(submission) | ({"options": options} if options else {})
    told = Checked(
        path, found.of(0), data, causes=found.gathered(0), cards=doubtful,
        not_judged=tuple(_not_judged(submission, received)), counts=held,
    )  # fmt: skip
    judged_now = now is not None and received is None and told.exit < Exit.FILE
    return [attrs.evolve(told, today=_today(submission, catalogue, now)) if now and judged_now else told]


def counts(submission: Submission) -> dict[str, int]:
    """How much a file holds: candidates and filled option slots, or records; nothing where it cannot be read."""
    layout = submission.layout
    if layout is None:
        return {}
    rows = [np.frombuffer(part.details, np.uint8).reshape(-1, layout.width + 2) for part in submission.centres]
    if not layout.slots:
        return {"records": sum(map(len, rows))}
    place = layout["candidate"]
    candidates = sum(len(np.unique(part[:, place.first - 1 : place.last], axis=0)) for part in rows)
    codes = [slot for slot in layout.slots if slot.name.startswith("option_")]
    blank = ord(" ")
    used = sum(int((part[:, slot.first - 1 : slot.last] != blank).any(axis=1).sum()) for part in rows for slot in codes)
    return {"candidates": candidates, "options": used}


def _today(submission: Submission, catalogue: Catalogue, now: datetime) -> str:
    """ENT-2: why entries would be refused if they came now, whoever sends them; empty where they would not."""
    header = submission.header
    if header is None or submission.type is None or submission.type.letter not in _BY_RULES:
        return ""
    series = catalogue.series(header.series_key, header.awarding_body)
    opens = catalogue.milestone(series, "window_opens", now) if series else None
    closes = catalogue.milestone(series, "window_closes", now) if series else None
    if closes and now >= closes.at:
        return f"would be refused today: the window closed on {closes.text}"
    if opens and now < opens.at:
        return f"would be refused today: the window opens on {opens.text}"
    return ""


def _not_judged(submission: Submission, received: datetime | None) -> Iterator[str]:
    letter = submission.type.letter if submission.type else ""
    if letter in _BY_RULES:
        if received is None:
            yield "the entry window (give --received)"
        yield f"the centre's approval, registrations and earlier files {_LEDGER}"
    elif letter in _OF_A_SERIES:
        yield f"entries and the marks deadline {_LEDGER}"


_LEDGER = "(only the desk knows them)"


def _as_of(submission: Submission, catalogue: Catalogue, received: datetime | None) -> datetime:
    """CAL-2: the instant whose catalogue a file is judged by."""
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
    now: datetime | None,
) -> tuple[Found, tuple[Card, ...], int]:
    found, cards, options = _judged(submission, catalogue, received, progress(submission) if progress else None)
    day = received or now
    if day:
        files.not_from_the_future(0, submission, day, found)
    return found, cards, options


def _judged(
    submission: Submission, catalogue: Catalogue, received: datetime | None, told: Progress | None
) -> tuple[Found, tuple[Card, ...], int]:
    letter = submission.type.letter if submission.type else ""
    if letter in _BY_RULES:
        centre = submission.header.centre if submission.header else ""
        at = _as_of(submission, catalogue, received)
        arrival = Arrival(submission=submission, centre=centre, received=at, sha256="")
        in_force = catalogue.in_edition(catalogue.edition(at))
        return judged(arrival, in_force, window=received is not None, progress=told)
    found = Found([submission.named])
    found.carry(0, submission.findings)
    if letter in _OF_A_SERIES:
        files.series_of(0, submission, catalogue, found)
    if submission.layout:
        columns([submission], submission.layout, found, progress=told)
    return found, (), 0


# --- What is said of them --------------------------------------------------------------------------------------------


def as_data(checked: Checked) -> dict[str, object]:
    """What was found in a file as plain data."""
    data: dict[str, object] = {"file": checked.named, "exit": checked.exit.name.lower()}
    if checked.problem:
        data["problem"] = checked.problem
    findings = [attrs.asdict(finding) for finding in checked.findings]
    causes = [attrs.asdict(cause) for cause in checked.told]
    cards = [attrs.asdict(card) for card in checked.cards]
    said = {"summary": headline(checked), "counts": dict(checked.counts), "today": checked.today or None}
    return (
        data
        | said
        | {"causes": causes, "findings": findings, "who_is_who": cards, "not_judged": list(checked.not_judged)}
    )


def headline(checked: Checked) -> str:
    """The file in a line: `E6412315.X01: good: 30 candidates, 118 options; not judged: what needs the ledger`."""
    held = ", ".join(f"{count:,} {name if count != 1 else name[:-1]}" for name, count in checked.counts.items())
    said = [held] if held else []
    if checked.findings:
        said.append(causes_summary(checked.told))
    if checked.today:
        said.append(checked.today)
    if any(_LEDGER in words for words in checked.not_judged):
        said.append("not judged: what needs the ledger")
    good = "good" if checked.exit is Exit.CLEAN else ""
    return ": ".join(part for part in (visible(checked.named), good, "; ".join(said)) if part)


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
    said = ", ".join(f"{exits[code]:,} {words}" for code, words in _COUNTED.items() if exits[code])
    return f"{count:,} file{'' if count == 1 else 's'}: {said}"


_STYLES = {
    Reach.HOLD: "bold red",
    Reach.FILE: "bold red",
    Reach.CANDIDATE: "red",
    Reach.ENTRY: "red",
    Reach.MARK: "red",
    Reach.ROW: "red",
    Reach.WARNING: "yellow",
    Reach.NOTE: "cyan",
}


def show(console: Console, checked: Checked) -> None:
    """The file in a line, then each cause with the record where it is first found and a caret under its columns. On a
    terminal, sentences are wrapped at its width."""
    width = console.width if console.is_terminal else None
    for line in _wrapped(headline(checked), width, "  "):
        console.print(Text(line, style="bold"))
    for cause in checked.told:
        style = _STYLES[cause.reach]
        console.print(Text.assemble("\n", (cause.reach.spoken, style), f" [{cause.code}] {where(cause)}"))
        for line in excerpt(cause, checked.lines):
            console.print(Text(line, style="dim"), no_wrap=True, crop=False, overflow="ignore")
        for said, indent in (
            (f"  {cause.message} ({cause.rule})", "  "),
            (f"  expected: {cause.expected}", " " * 12),
            (f"  to do:    {cause.remedy}", " " * 12),
        ):
            for line in _wrapped(said, width, indent):
                console.print(Text(line))
    if more := len(checked.causes) - len(checked.told):
        said = (
            f"{more} more finding{'s' * (more > 1)} not shown: no difference while the file would be refused (--json)"
        )
        console.print(Text(f"\n{said}", style="dim"))
    for card in checked.cards:
        console.print(Text("\nwho is who (a star is before what differs)", style="bold"))
        for line in lines(card, WIDTH):
            console.print(Text(line), no_wrap=True, crop=False, overflow="ignore")


def _wrapped(text: str, width: int | None, indent: str) -> list[str]:
    """A sentence in lines of at most `width` characters, the further ones after `indent`; in a pipe, one line."""
    if width is None:
        return [text]
    return textwrap.wrap(text, max(width, _NARROWEST), subsequent_indent=indent, break_on_hyphens=False)


_NARROWEST = 40


MARGIN = 20
"""Columns shown on either side of a finding's own."""


def excerpt(told: Finding | Gathered, lines: Mapping[int, str]) -> Iterator[str]:
    """The record of a finding, or of the first place of a cause, cut around its columns, with a caret below them;
    nothing if it has no record."""
    line, columns = (told.line, told.columns) if isinstance(told, Finding) else told.first_place
    if line is None or line not in lines:
        return
    first, last = columns or (1, 1)
    start = max(first - 1 - MARGIN, 0)
    record = "".join(_one_cell(c) for c in lines[line][start : last + MARGIN])
    label = f"  {line:>5} | "
    before = "..." if start else ""
    yield f"{label}{before}{record}"
    if columns:
        yield f"{' ' * (len(label) - 2)}| {' ' * (len(before) + first - 1 - start)}{'^' * (last - first + 1)}"


def _one_cell(character: str) -> str:
    # A cell for each column, so that the caret is below the right one.
    return character if character.isprintable() and cell_len(character) == 1 else "?"
