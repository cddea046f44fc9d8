"""Tables for people: CSV that is safe to open in a spreadsheet, and pages that print on A4."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from itertools import chain
from typing import Any

import polars as pl
from attrs import frozen

_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """The frame as CSV (UTF-8, CR LF) under its column names. Text that a spreadsheet would take for a formula gets an
    apostrophe in front; numbers stay numbers."""
    return _csv(frame, "\r\n").encode()


def _csv(frame: pl.DataFrame, line_end: str) -> str:
    # An empty text would be written as two quotation marks, None is written as an empty cell.
    guarded = pl.col(pl.String).str.replace(_FORMULA, "'$0").replace("", None)
    return frame.with_columns(guarded).write_csv(line_terminator=line_end)


@frozen
class CsvLines:
    """The lines of a frame as `csv_bytes` writes them, made once where many get some of them each: to ask Polars for
    each takes longer than to write."""

    heading: str
    lines: Sequence[str]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> CsvLines:
        """The lines of the frame, in which no cell has a NUL."""
        heading, *lines = _csv(frame, _BETWEEN).split(_BETWEEN)[:-1]
        assert len(lines) == frame.height
        return cls(heading, lines)

    def part(self, rows: slice) -> bytes:
        """`csv_bytes` of these rows."""
        return "".join(f"{line}\r\n" for line in (self.heading, *self.lines[rows])).encode()


def gbp(pence: str) -> pl.Expr:
    """A column of integer pence in pounds, exactly, as a number for CSV."""
    return pl.col(pence).cast(pl.Decimal(18, 2)) * pl.lit("0.01").str.to_decimal(scale=2)


def spelt(values: pl.Series, words: Callable[[Any], str]) -> pl.Series:
    """A column in words; `words` is asked once for each value."""
    each = values.unique()
    told = pl.Series([words(value) for value in each], dtype=pl.String)
    return values.replace_strict(each, told, return_dtype=pl.String)


@frozen
class Cells:
    """A frame as the text of a page, made once where many pages show some of its rows each: `names` of the columns and
    `rows` from top to bottom."""

    names: Sequence[str]
    rows: Sequence[tuple[str, ...]]

    @classmethod
    def of(cls, frame: pl.DataFrame) -> Cells:
        """The text of the frame; what is null is empty."""
        text = pl.all().cast(pl.String).fill_null("").str.replace_all(_BETWEEN, "", literal=True)
        return cls(frame.columns, frame.select(text).rows())

    @property
    def height(self) -> int:
        return len(self.rows)

    def is_empty(self) -> bool:
        """Whether there is no row."""
        return not self.rows


@frozen(kw_only=True)
class Grid:
    """A table of a page: the columns' names are its headings, those in `numbers` are set flush right, and `total` is
    the figure under the last one. `picture` (our own SVG or markup) and `words` go above it. A `folded` table
    opens when it is clicked."""

    title: str
    frame: pl.DataFrame | Cells
    numbers: Sequence[str] = ()
    total: str = ""
    picture: str = ""
    words: str = ""
    folded: bool = False


def page(
    title: str,
    facts: Sequence[tuple[str, str]],
    grids: Sequence[Grid],
    notes: Sequence[str] = (),
    style: str = "",
) -> bytes:
    """A page of HTML that loads nothing from elsewhere: a header with `facts`, then the tables, then the notes; `style`
    is for the pictures."""
    header = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(words)}</dd></div>\n" for label, words in facts)
    return (
        f'<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}{style}</style>\n</head>\n<body>\n"
        f"<header>\n<h1>{escape(title)}</h1>\n<dl>\n{header}</dl>\n</header>\n<main>\n"
        f"{''.join(_grid(grid) for grid in grids)}"
        f"{''.join(f'<p>{escape(note)}</p>{chr(10)}' for note in notes)}</main>\n</body>\n</html>\n"
    ).encode()


def stacked(titles: Sequence[str]) -> str:
    """The style of a page whose table is too wide for a telephone: there, the cells of a row stand below each other,
    each behind its heading, one of `titles`, in which there are no quotation marks."""
    labels = "".join(
        f'  td:nth-child({number})::before {{ content: "{title}: "; }}\n' for number, title in enumerate(titles, 1)
    )
    return f"@media screen and (max-width: 640px) {{\n{_STACKED}{labels}}}\n"


_STACKED = """\
  body { padding: 6mm 4mm; }
  thead { display: none; }
  tr, td { display: block; }
  tr { padding: 2mm 0; border-bottom: 1px solid var(--line); }
  tbody td { border: 0; padding: .4mm 1.5mm; }
  td:empty { display: none; }
  td::before { color: var(--quiet); }
"""


def _grid(grid: Grid) -> str:
    words = f"<p>{escape(grid.words)}</p>\n" if grid.words else ""
    table = _table(grid) if not grid.frame.is_empty() else "" if grid.picture else "<p>None.</p>\n"
    if grid.folded and table:
        table = f"<details>\n<summary>{grid.frame.height:,} lines</summary>\n{table}</details>\n"
    return f"<section>\n<h2>{escape(grid.title)}</h2>\n{words}{grid.picture}{table}</section>\n"


def _table(grid: Grid) -> str:
    # Polars takes longer to be asked than a page of rows to be written; its cells are made harmless in one piece, as
    # calls for each of them would take most of the time of an ingest.
    shown = grid.frame if isinstance(grid.frame, Cells) else Cells.of(grid.frame)
    names, rows = shown.names, shown.rows
    kinds = [
        ' class="n"' if name in grid.numbers else ' class="s"' if _short(cells) else ""
        for name, cells in zip(names, zip(*rows, strict=True), strict=True)
    ]
    headings = "".join(f'<th scope="col"{kind}>{escape(name)}</th>' for name, kind in zip(names, kinds, strict=True))
    row = "<tr>" + "".join(f"<td{kind}>{{}}</td>" for kind in kinds) + "</tr>"
    cells = escape(_BETWEEN.join(chain.from_iterable(rows))).split(_BETWEEN)
    lines = "\n".join([row] * len(rows)).format(*cells)
    total = ""
    if grid.total:
        span = len(names) - 1
        total = (
            f'<tbody class="total"><tr><th scope="row" colspan="{span}">Total</th>'
            f'<td class="n">{escape(grid.total)}</td></tr></tbody>\n'
        )
    return f"<table>\n<thead><tr>{headings}</tr></thead>\n<tbody>\n{lines}\n</tbody>\n{total}</table>\n"


def _short(cells: Sequence[str]) -> bool:
    """Figures are set flush right; they and columns of short words are not broken."""
    return max(map(len, cells)) <= _UNBROKEN


_BETWEEN = "\0"
"""What stands in no cell of a page."""
_UNBROKEN = 13


_STYLE = """
@page { size: A4; margin: 16mm 14mm; }
:root {
  color-scheme: light dark;
  --ink: #1c2126; --quiet: #59636e; --line: #d5dae0; --band: #f3f5f7; --paper: #ffffff;
}
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ec; --quiet: #a3adb8; --line: #3a434d; --band: #20262d; --paper: #15191e; }
}
body {
  max-width: 182mm; margin: 0 auto; padding: 10mm 6mm; color: var(--ink); background: var(--paper);
  font: 10pt/1.45 system-ui, "Liberation Sans", sans-serif;
}
header { border-bottom: 2px solid var(--ink); padding-bottom: 4mm; }
h1 { font-size: 17pt; line-height: 1.2; margin: 0 0 4mm; }
h2 { font-size: 11pt; margin: 7mm 0 2mm; break-after: avoid; }
dl { display: flex; flex-wrap: wrap; gap: 2mm 10mm; margin: 0; }
dt { color: var(--quiet); font-size: 8.5pt; }
dd { margin: 0; font-weight: 600; }
table { border-collapse: collapse; width: 100%; font-size: 9pt; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 1.1mm 1.5mm; }
thead th { color: var(--quiet); font-size: 8pt; border-bottom: 1px solid var(--quiet); vertical-align: bottom; }
tbody td { border-bottom: 1px solid var(--line); }
tbody tr:nth-child(even) td { background: var(--band); }
tr { break-inside: avoid; }
.n, .s { white-space: nowrap; }
.n { text-align: right; }
.total th, .total td { border: 0; border-top: 2px solid var(--ink); font-weight: 700; }
p { color: var(--quiet); margin: 4mm 0 0; }
h2 + p { margin: 0 0 2mm; }
summary { color: var(--quiet); font-size: 9pt; cursor: pointer; margin: 2mm 0; }
@media print { body { max-width: none; padding: 0; } }
"""
