"""Tables as aligned lines of plain text: they look right on a terminal and can be searched when piped."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

import polars as pl

GAP = 2
"""Spaces between two columns."""

_NARROWEST = 24


def folded(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None = None) -> Iterator[str]:
    """A small table; its last column is wrapped to fit into `width` (None: not wrapped)."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    left = sum(widths[:-1]) + GAP * len(widths[:-1])
    room = max(width - left, _NARROWEST) if width else 0
    for row in (head, *rows):
        fixed = "".join(cell.ljust(size + GAP) for cell, size in zip(row[:-1], widths[:-1], strict=True))
        parts = textwrap.wrap(row[-1], room, break_long_words=False) if room else [row[-1]]
        yield f"{fixed}{parts[0] if parts else ''}".rstrip()
        yield from (" " * left + part for part in parts[1:])


def stacked(frame: pl.DataFrame, keys: Sequence[str], width: int | None = None) -> Iterator[str]:
    """A large table: numbers to the right, everything else to the left, blank columns left out.

    If it is wider than `width`, its columns are split into several tables, one below the other, each beginning with the
    columns `keys` (None: one table, however wide).
    """
    numbers = {name for name, kind in frame.schema.items() if kind.is_integer()}
    texts = frame.select(pl.all().cast(pl.String).fill_null(""))
    size = {name: texts[name].str.len_chars().max() or 0 for name in texts.columns}
    used = [name for name in texts.columns if size[name]]
    wide = {name: max(len(name), int(str(size[name]))) + GAP for name in used}
    first = [name for name in used if name in keys]
    tables, room = [list(first)], width or sum(wide.values())
    for name in used:
        if name in first:
            continue
        if len(tables[-1]) > len(first) and sum(wide[column] for column in tables[-1]) + wide[name] - GAP > room:
            tables.append(list(first))
        tables[-1].append(name)
    for number, names in enumerate(tables):
        if number:
            yield ""
        yield (" " * GAP).join(_filled(name, wide[name] - GAP, name in numbers) for name in names).rstrip()
        cells = [_cell(name, wide[name] - GAP, name in numbers) for name in names]
        yield from texts.select(pl.concat_str(cells, separator=" " * GAP).str.strip_chars_end(" ")).to_series()


def _filled(text: str, width: int, number: bool) -> str:
    return text.rjust(width) if number else text.ljust(width)


def _cell(name: str, width: int, number: bool) -> pl.Expr:
    return pl.col(name).str.pad_start(width) if number else pl.col(name).str.pad_end(width)
