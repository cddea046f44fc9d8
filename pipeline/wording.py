"""Wording common to all texts of the desk: a finding, counts of findings, and money."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

from parsers.findings import Finding, Reach

WIDTH = 96


def finding_lines(number: int, finding: Finding) -> Iterator[str]:
    """One finding as a person reads it."""
    who = f", candidate {finding.candidate}" if finding.candidate else ""
    yield f"{number:>3}. {finding.place}{who}: {finding.reach.spoken.upper()}"
    yield from textwrap.wrap(
        f"{finding.message[:1].upper()}{finding.message[1:]}. ({finding.rule}, {finding.code})",
        WIDTH, initial_indent="     ", subsequent_indent="     ", break_on_hyphens=False,
    )  # fmt: skip
    for label, words in (("Expected: ", finding.expected), ("To do:    ", finding.remedy)):
        yield from textwrap.wrap(
            label + words, WIDTH, initial_indent="     ", subsequent_indent=" " * 15, break_on_hyphens=False
        )


_SUMMED = {
    Reach.HOLD: ("that holds the file", "that hold the file"),
    Reach.FILE: ("that refuses the file", "that refuse the file"),
    Reach.CANDIDATE: ("that refuses a candidate", "that refuse a candidate"),
    Reach.ENTRY: ("that refuses entries", "that refuse entries"),
    Reach.MARK: ("that refuses a mark", "that refuse a mark"),
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
