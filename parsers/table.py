"""The one reader for CSV from outside (FIL-7): bytes to columns of text, and what is wrong as findings.

Every feed is asked the same in the same order. Is it a CSV file in UTF-8 at all? Does its first line name each column
once and no other? Has each row as many cells as the first line, none longer than its column allows and none with a
control character? Only rows in which all of this is right are handed on. A line is a row: no cell runs over into the
next line.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import polars as pl
from attrs import evolve, field, frozen

from . import findings as f
from .findings import Code, Found
from .foreign import foreign, hollow, wide

CODE = 40
"""The most characters of a cell that holds a code, a number or a mark."""
TEXT = 500
"""The most characters of a cell with free text."""


@frozen
class FeedLayout:
    """What a file of a feed looks like: the most characters of each column's cells, by its name; the columns come in
    any order. `row` is the finding about a row that cannot be used; its reach says whether the others still can.
    `optional`: columns that a file may do without, as it was written before there were any."""

    columns: Mapping[str, int]
    row: Code = f.FEED_ROW
    optional: tuple[str, ...] = ()

    @property
    def longest(self) -> int:
        """The most characters of a line: every cell as long as it may be, each of its characters doubled, in quotes."""
        return sum(2 * most + 3 for most in self.columns.values())

    @property
    def named(self) -> str:
        """The names of the columns, as a finding lists them."""
        return ", ".join(self.columns)


@frozen
class Wrong:
    """What makes a row unusable: where `when` holds, the cell in the column `name` (or another part of the row of that
    name)."""

    name: str
    when: pl.Expr
    wanted: str
    value: pl.Expr | None = None


@frozen
class Rows:
    """The rows of a feed file. `table`: `line`, and each of the layout's columns as text without spaces around it.
    `unread`: how many rows were left out, each with a finding. `absent`: optional columns that the file does not have;
    their cells are empty."""

    layout: FeedLayout
    table: pl.DataFrame = field(repr=False)
    unread: int = 0
    absent: tuple[str, ...] = ()

    @classmethod
    def none(cls, layout: FeedLayout) -> Rows:
        """No rows: those of a file that cannot be read."""
        return cls(layout, pl.DataFrame(schema={"line": pl.UInt32} | dict.fromkeys(layout.columns, pl.String)))

    def without(self, found: Found, *wrongs: Wrong) -> Rows:
        """The rows for which none of `wrongs` holds; the others become findings."""
        bad = pl.any_horizontal(wrong.when for wrong in wrongs)
        left = self.table.filter(~bad)
        if left.height == self.table.height:
            return self
        mine = self.table.filter(bad)
        known = "candidate" in mine.columns
        candidate = _shown(pl.col("candidate")) if known else pl.lit(None, pl.String)
        for wrong in wrongs:
            value = _shown(pl.col(wrong.name) if wrong.value is None else wrong.value)
            rows = mine.filter(wrong.when).select(
                pl.lit(0, pl.UInt32).alias("file"), "line", candidate=candidate, option=pl.lit(None, pl.String),
                value=value, wanted=pl.lit(wrong.wanted),
            )  # fmt: skip
            found.rows(self.layout.row, rows, field=wrong.name)
        return evolve(self, table=left, unread=self.unread + mine.height)


def read_rows(data: bytes, layout: FeedLayout, found: Found) -> Rows:
    """FIL-7: the rows of a feed file. Never raises; what is wrong is in `found`. A file that is no such feed at all has
    no rows."""
    nothing = Rows.none(layout)
    kind = _kind(data)
    lines = _lines(data) if kind is None else nothing.table
    first = lines["text"][0] if kind is None else ""
    if len(first) > layout.longest:
        kind = f"a text whose first line has {len(first):,} characters"
    if kind is not None:
        found.add(f.FEED_NOT_CSV, value=kind, wanted=layout.named)
        return nothing
    header = lines.head(1).select(_cells(first).alias("cells"))["cells"][0].to_list()
    if not _header_fits(header, layout, found):
        return nothing
    lines = lines[1:].filter(pl.col("text").str.strip_chars() != "")
    rows = _of_cells(Rows(layout, lines), header, found)
    if not rows.table.height and not rows.unread:
        found.add(f.FEED_EMPTY, 1, wanted=layout.named)
    return rows


def _kind(data: bytes) -> str | None:
    """What a file is when it is not CSV in UTF-8, in words; None when it may be."""
    known = wide(data) or foreign(data)
    if known:
        return known
    if b"\0" in data[:65536].partition(b"\n")[0]:
        # In UTF-16 every other byte of plain letters is zero; without a byte-order mark only this shows it.
        return "UTF-16 text, or no text at all"
    return "a text of empty or very short lines" if hollow(data) else None


def _lines(data: bytes) -> pl.DataFrame:
    """`line` and `text` of every line; what is not UTF-8 becomes U+FFFD."""
    # What a transfer puts behind a file is no row.
    text = data.rstrip(_PADDING).decode("utf-8", errors="replace").lstrip("\ufeff")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return pl.DataFrame({"text": [text]}).select(pl.col("text").str.split("\n").explode()).with_row_index("line", 1)


_PADDING = b"\0\x1a"
_QUOTED = '^"((?:[^"]|"")*)"$'
_CELL = ',(?:"(?:[^"]|"")*")?[^,]*'


def _cells(text: str) -> pl.Expr:
    """The cells of each line, without spaces and quotation marks around them; `text` shows whether there are quotation
    marks at all: without them commas are enough."""
    cell = pl.element().str.strip_chars()
    if '"' not in text:
        return pl.col("text").str.split(",").list.eval(cell)
    # With a comma before the first cell too, each is found by its comma, the empty ones as well.
    cells = (pl.lit(",") + pl.col("text")).str.extract_all(_CELL)
    bare = pl.element().str.slice(1).str.strip_chars()
    inner = bare.str.replace(_QUOTED, "${1}").str.replace_all('""', '"', literal=True).str.strip_chars()
    return cells.list.eval(pl.when(bare.str.contains(_QUOTED)).then(inner).otherwise(bare))


def _header_fits(header: Sequence[str], layout: FeedLayout, found: Found) -> bool:
    """Whether the first line names each column of the layout once and no other."""
    counted = Counter(header)
    missing = [name for name in layout.columns if name not in counted and name not in layout.optional]
    unknown = [f'"{name[:CODE]}"' for name in counted if name not in layout.columns]
    twice = [name for name in layout.columns if counted[name] > 1]
    if missing:
        # A column that is missing and one that nobody knows are one that has another name.
        none = len(missing) == len(layout.columns) - len(layout.optional)
        hint = _why_none(header, layout) if none else f"; not known: {_few(unknown)}" if unknown else ""
        found.add(f.FEED_COLUMNS, 1, value=", ".join(missing), wanted=layout.named, hint=hint)
    for code, names in ((f.FEED_COLUMN_UNKNOWN, () if missing else unknown), (f.FEED_COLUMN_TWICE, twice)):
        if names:
            found.add(code, 1, value=_few(names), wanted=layout.named)
    return not (missing or unknown or twice)


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _why_none(header: Sequence[str], layout: FeedLayout) -> str:
    """Why a first line names no column at all, as the end of a sentence."""
    line = ",".join(header)
    if not line.strip(","):
        return "; the first line is empty"
    for mark, words in ((";", "semicolons"), ("\t", "tabs"), ("|", "strokes"), (",", "commas")):
        cells = [cell.strip().strip('"') for cell in line.split(mark)]
        known = layout.columns.keys() & {cell.lower() for cell in cells}
        if mark != "," and known:
            return f"; the columns are separated by {words}"
        if known:
            return "; the names of the columns are not in small letters"
    return "; the first line names none of them"


_NAMED = 10
"""At most this many columns are named in one finding."""


def _of_cells(rows: Rows, header: Sequence[str], found: Found) -> Rows:
    """Rows of text (`line`, `text`) as rows of cells."""
    layout = rows.layout
    length = pl.col("text").str.len_chars()
    longest = f"at most {layout.longest:,} characters in a line"
    marks, paired = pl.col("text").str.count_matches('"', literal=True), "two around a cell, both in this line"
    rows = rows.without(
        found,
        Wrong("length", length > layout.longest, longest, length.cast(pl.String)),
        Wrong("number of quotation marks", marks % 2 == 1, paired, marks.cast(pl.String)),
    )
    quotes = '"' if rows.table["text"].str.contains('"', literal=True).any() else ""
    cells = rows.table.select("line", _cells(quotes).alias("cells"))
    # Where two files were joined, the first line of the second is no row.
    joined = pl.col("cells").list.join(",")
    cells = cells.filter(joined.str.strip_chars(",") != "", joined != ",".join(header))
    count = pl.col("cells").list.len()
    wanted = f"{len(header)}, as in line 1"
    # A row with a cell too many or too few cannot be relied on, so nothing is said of its cells.
    texts = (
        pl.col("cells").list.get(header.index(name), null_on_oob=True).fill_null("").alias(name)
        if name in header
        else pl.lit("").alias(name)
        for name in layout.columns
    )
    absent = tuple(name for name in layout.optional if name not in header)
    table = cells.select("line", *texts, count.alias(_COUNT))
    number = Wrong("number of cells", pl.col(_COUNT) != len(header), wanted, pl.col(_COUNT).cast(pl.String))
    rows = evolve(rows, table=table, absent=absent).without(found, number)
    rows = evolve(rows, table=rows.table.drop(_COUNT))
    controls = [Wrong(name, pl.col(name).str.contains(_CONTROL), _PLAIN) for name in layout.columns]
    lengths = [
        Wrong(name, pl.col(name).str.len_chars() > most, f"at most {most} characters")
        for name, most in layout.columns.items()
    ]
    return rows.without(found, *controls, *lengths)


_COUNT = "number of cells"
_CONTROL = r"[\p{Cc}\x{FFFD}]"
_PLAIN = "text in UTF-8 without control characters"
_SHOWN = 60


def _shown(value: pl.Expr) -> pl.Expr:
    """As much of a value as a person needs to find it: a value of a megabyte must not make a report of a megabyte."""
    cut = pl.format("{}... ({} characters)", value.str.slice(0, _SHOWN), value.str.len_chars())
    return pl.when(value.str.len_chars() > _SHOWN).then(cut).otherwise(value)
