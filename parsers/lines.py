"""The lines of a file as everything here counts them: the reader, its findings, and what shows them to people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .layouts import FILE_TYPES

LINE_END = re.compile(r"\r\n|\r|\n")
HEAD = re.compile("[A-Za-z][13579]")
"""How a record begins: file letter and record type."""


def decoded(data: bytes) -> str:
    """The text of a file: UTF-8 or, where it is not, Windows-1252. Without a byte-order mark."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def lines_of(data: bytes) -> list[str]:
    """The lines of a file, one character a column. Records without line ends between them count as lines of their
    own."""
    lines = LINE_END.split(decoded(data))
    return apart(lines) or lines


def apart(lines: Sequence[str]) -> list[str] | None:
    """The lines with every record on one of its own, where line ends were lost or put into the middle of records; None
    where neither is so."""
    first = next((line for line in lines if line.strip()), "")
    kind = FILE_TYPES.get(first[:1].upper())
    if kind is None or kind.detail is None or first[1:2] != "1":
        return None
    widths = [layout.width for layout in (kind.detail, *kind.older.values())]
    letters = kind.letter + kind.letter.lower()
    if sum(line[:1] in letters and line[1:2] in "13579" for line in lines if line) * 2 < sum(map(bool, lines)):
        return next((whole for width in widths if (whole := _cut("".join(lines), width, letters))), None)
    if max(map(len, lines)) <= min(widths) + len("E1"):
        return None
    return next((split for width in widths if (split := _split(lines, width, letters))), None)


def _split(lines: Sequence[str], width: int, letters: str) -> list[str] | None:
    """The lines, those that hold several records cut between them; None where none does."""
    parts = [_cut(line, width, letters, 2) if len(line) > width + 1 else None for line in lines]
    if not any(parts):
        return None
    return [record for line, part in zip(lines, parts, strict=True) for record in part or [line]]


def _cut(text: str, width: int, letters: str, least: int = 4) -> list[str] | None:
    """Text as records of that width, where it is nothing else: one behind the other, or with a space or two between
    them where line ends were."""
    text = text.rstrip(" \0\x1a")
    for stride in (width, width + 1, width + 2):
        records = [text[start : start + stride] for start in range(0, len(text), stride)]
        if records and not records[-1].strip(" \0"):
            records.pop()
        if len(records) >= least and all(
            record[0] in letters and record[1:2] in tuple("13579") and not record[width:].strip(" \0")
            for record in records
        ):
            return [record[:width].ljust(width) for record in records]
    return None
