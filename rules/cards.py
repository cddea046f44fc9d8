"""The identity card of a candidate in doubt: everything its records and the registration say, contradictions side by
side (REG-3, REG-4, REG-6, REG-7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl
from attrs import frozen

from parsers.findings import Found
from rules import findings as f
from rules.calendar import day_text
from rules.identity import DETAILS, with_details

IN_DOUBT = frozenset(
    code.name
    for code in (
        f.RECORDS_DISAGREE, f.UCI_TWO_PEOPLE, f.NAME_MISMATCH, f.ULN_DIFFERS, f.DETAILS_DIFFER, f.ULN_TWO_UCIS,
        f.CANDIDATE_NUMBER_SHARED, f.UCI_TWO_NUMBERS, f.UCI_NOT_CORRECTED,
    )
)  # fmt: skip
"""Findings that put a candidate in doubt."""
MOST_CARDS, MOST_SOURCES = 25, 6
FIELDS = {"candidate": "number", "uci": "UCI", **DETAILS}
"""What a card shows, by column, in words."""


@frozen
class Card:
    """What is said of a candidate: a source is a line of the file or the registration at the same centre. `said` has
    the values of each field by source, in the order of `sources`; `differs` names the fields whose values differ."""

    candidate: str
    sources: tuple[str, ...]
    said: dict[str, tuple[str, ...]]
    differs: tuple[str, ...]


def cards(file: int, records: pl.DataFrame, registrations: pl.DataFrame, found: Found) -> tuple[Card, ...]:
    """The cards of a file's candidates in doubt, at most `MOST_CARDS`. `records` and `registrations` are of the sender
    only: of another centre's record nothing is shown."""
    doubtful = dict.fromkeys(
        finding.candidate for finding in found.of(file) if finding.code in IN_DOUBT and finding.candidate
    )
    if not doubtful:
        return ()
    mine = with_details(records.filter(pl.col("file") == file)).sort("line")
    held = registrations.filter(pl.col("centre").is_in(mine["centre"].unique().implode())).sort("id")
    return tuple(_cards(list(doubtful)[:MOST_CARDS], mine, held))


def _cards(candidates: Sequence[str], records: pl.DataFrame, held: pl.DataFrame) -> Iterator[Card]:
    for candidate in candidates:
        own = records.filter(pl.col("candidate") == candidate)
        ucis, ulns = own["uci"].implode(), own.filter(pl.col("uln") != "")["uln"].implode()
        alike = (pl.col("candidate") == candidate) | pl.col("uci").is_in(ucis) | pl.col("uln").is_in(ulns)
        rows = [(f"line {row['line']}", row) for row in records.filter(alike).iter_rows(named=True)]
        known = held.filter(alike).unique(["uci", "candidate"], keep="last", maintain_order=True)
        rows += [("registered", row) for row in known.iter_rows(named=True)]
        rows = rows[:MOST_SOURCES]
        said = {words: tuple(_plain(row[name]) for _, row in rows) for name, words in FIELDS.items()}
        differs = tuple(words for words, values in said.items() if len(set(values)) > 1)
        if differs:
            yield Card(candidate, tuple(source for source, _ in rows), said, differs)


def _plain(value: object) -> str:
    return day_text(value) if hasattr(value, "year") else str(value or "")  # type: ignore[arg-type]


def lines(card: Card, width: int) -> Iterator[str]:
    """A card as a person reads it, at most `width` columns: a field a line, a source a column, a star before what
    differs."""
    at = 0
    while at < len(card.sources):
        widths: list[int] = []
        room = width - 22
        for index in range(at, len(card.sources)):
            needed = max(len(card.sources[index]), *(len(values[index]) or 4 for values in card.said.values())) + 2
            if widths and sum(widths) + needed > room:
                break
            widths.append(needed)
        shown = range(at, at + len(widths))
        yield _row("", f"candidate {card.candidate}", [card.sources[index] for index in shown], widths)
        for words, values in card.said.items():
            star = "*" if words in card.differs else ""
            yield _row(star, words, [values[index] or "none" for index in shown], widths)
        at += len(widths)


def _row(star: str, words: str, values: Sequence[str], widths: Sequence[int]) -> str:
    cells = "".join(f"{value:<{width}}" for value, width in zip(values, widths, strict=True))
    return f"  {star:<2}{words:<18}{cells}".rstrip()
