"""Wording common to all texts of the desk: a finding, a cause with its places, counts of both, and money."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

from parsers.findings import Finding, Reach
from parsers.gathered import Gathered

WIDTH = 96


def finding_lines(number: int, finding: Finding) -> Iterator[str]:
    """One finding as a person reads it."""
    who = f", candidate {finding.candidate}" if finding.candidate else ""
    yield f"{number:>3}. {finding.place}{who}: {finding.reach.spoken.upper()}"
    yield from _sentences(finding)


def _sentences(finding: Finding | Gathered) -> Iterator[str]:
    yield from textwrap.wrap(
        f"{finding.message[:1].upper()}{finding.message[1:]}. ({finding.rule}, {finding.code})",
        WIDTH, initial_indent="     ", subsequent_indent="     ", break_on_hyphens=False,
    )  # fmt: skip
    for label, words in (("Expected: ", finding.expected), ("To do:    ", finding.remedy)):
        yield from textwrap.wrap(
            label + words, WIDTH, initial_indent="     ", subsequent_indent=" " * 15, break_on_hyphens=False
        )


def cause_lines(number: int, cause: Gathered) -> Iterator[str]:
    """One cause as a person reads it, with all its places."""
    yield from textwrap.wrap(
        f"{where(cause)}: {cause.reach.spoken.upper()}",
        WIDTH, initial_indent=f"{number:>3}. ", subsequent_indent="     ", break_on_hyphens=False,
    )  # fmt: skip
    yield from _sentences(cause)


def where(cause: Gathered) -> str:
    """`line 14, columns 109-114, candidate 0003`; of many places `candidates 0001 to 0012, 0015 (lines 3-14, 17)`."""
    lines = [span for place in cause.places for span in place.lines]
    columns = {place.columns for place in cause.places}
    said = _several("line", "lines", [_span(*span, "-") for span in sorted(set(lines))]) if lines else "whole file"
    if len(columns) == 1 and (only := columns.pop()):
        said += f", column {only[0]}" if only[0] == only[1] else f", columns {only[0]}-{only[1]}"
    if not cause.candidates:
        return said
    whom = _several("candidate", "candidates", [_span(first, last, " to ") for first, last in cause.candidates])
    return f"{said}, {whom}" if cause.count == 1 else f"{whom} ({said})"


MOST_SPANS = 40
"""So many ranges of lines or candidates are written out in a text; its JSON twin has them all."""


def _several(single: str, many: str, spans: Sequence[str]) -> str:
    left = len(spans) - MOST_SPANS
    more = f" and {left} more" if left > 0 else ""
    # What is no number, where a record is wrong there, is one of its kind too.
    one = len(spans) == 1 and not re.search(r"\d(?:-| to )\d", spans[0])
    return f"{single if one else many} {', '.join(spans[:MOST_SPANS])}{more}"


def _span(first: object, last: object, between: str) -> str:
    return f"{first}" if first == last else f"{first}{between}{last}"


def causes_summary(causes: Sequence[Gathered]) -> str:
    """What causes stop, in counts: `2 that refuse 13 candidates, 1 warning`; `none` where there is nothing to say."""
    said = []
    for reach in Reach:
        its = [cause for cause in causes if cause.reach is reach]
        if not its:
            continue
        plural = len(its) > 1
        if reach is Reach.MARK:
            marks = sum(cause.count for cause in its)
            stopped = "a mark" if marks == 1 else f"{marks} marks"
        else:
            whom = len(set().union(*(cause.whom for cause in its))) or sum(cause.count for cause in its)
            stopped = "a candidate" if whom == 1 else f"{whom} candidates"
        words = {
            Reach.CANDIDATE: f"that refuse{'' if plural else 's'} {stopped}",
            Reach.ENTRY: f"that refuse{'' if plural else 's'} entries of {stopped}",
            Reach.MARK: f"that refuse{'' if plural else 's'} {stopped}",
        }
        said.append(f"{len(its)} {words.get(reach) or _SUMMED[reach][plural]}")
    return ", ".join(said) or "none"


_SUMMED = {
    Reach.HOLD: ("that holds the file", "that hold the file"),
    Reach.FILE: ("that refuses the file", "that refuse the file"),
    Reach.CANDIDATE: ("that refuses a candidate", "that refuse a candidate"),
    Reach.ENTRY: ("that refuses entries", "that refuse entries"),
    Reach.MARK: ("that refuses a mark", "that refuse a mark"),
    Reach.ROW: ("that refuses a row", "that refuse a row"),
    Reach.WARNING: ("warning", "warnings"),
    Reach.NOTE: ("note", "notes"),
}


def summary(findings: Sequence[Finding]) -> str:
    """`2 that refuse a candidate, 1 warning`; `none` where there is nothing to say."""
    counts = Counter(finding.reach for finding in findings)
    said = []
    for reach in Reach:
        if not counts[reach]:
            continue
        said.append(f"{counts[reach]} {_SUMMED[reach][counts[reach] > 1]}")
    return ", ".join(said) or "none"


def money(pence: int) -> str:
    """Pence as `GBP 1,234.50`."""
    sign = "-" if pence < 0 else ""
    return f"{sign}GBP {abs(pence) // 100:,}.{abs(pence) % 100:02d}"


YEAR, MONTH = 365, 31
EXACT = 30
"""From so many days on, hours do not matter."""


def lasting(time: timedelta) -> str:
    """`2 years 3 months`, `41 days`, `12 days 4 hours`, `35 minutes`: what matters of a time, forwards or back."""
    seconds = int(abs(time).total_seconds())
    days, rest = divmod(seconds, 86_400)
    hours, minutes = rest // 3600, rest % 3600 // 60
    if days >= YEAR:
        parts = [(days // YEAR, "year"), (days % YEAR // MONTH, "month")]
    elif days >= EXACT:
        parts = [(days, "day")]
    else:
        parts = [(days, "day"), (hours, "hour")] if days else [(hours, "hour"), (minutes, "minute")]
    return " ".join(f"{count} {word}{'s' * (count != 1)}" for count, word in parts if count) or "less than a minute"
