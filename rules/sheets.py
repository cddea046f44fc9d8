"""The catalogue's CSV files: a record class declares the columns of its file once; reading, checking and the page of
columns in the docs follow from it.

Nothing is guessed: an unknown or missing column, a cell that is not of its kind and a line that repeats a key are
`CatalogueError`s that name file, line and column.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from attrs import NOTHING, AttrsInstance, fields, frozen

R = TypeVar("R", bound=AttrsInstance)


class CatalogueError(ValueError):
    """A catalogue file cannot be used; the message names file, line and column."""


# --- Cells -----------------------------------------------------------------------------------------------------------


@frozen
class Kind:
    """What the cells of a column hold: `words` for people, `read` to the value; it raises `ValueError`."""

    words: str
    read: Callable[[str], object]


def like(words: str, pattern: str, value: Callable[[str], object]) -> Kind:
    """Cells that match all of `pattern`."""

    def read(cell: str) -> object:
        if not re.fullmatch(pattern, cell):
            raise ValueError
        return value(cell)

    return Kind(words, read)


def one_of(*values: str) -> Kind:
    """One of a few words."""
    return like(f"one of {', '.join(values)}", "|".join(re.escape(value) for value in values), str)


def either(word: str, meaning: str, kind: Kind, value: object = None) -> Kind:
    """Cells of `kind`, or `word` (may be nothing), which is read as `value`."""
    words = f"{kind.words}, or {word or 'empty'}: {meaning}"
    return Kind(words, lambda cell: value if cell == word else kind.read(cell))


TEXT = like("text", r"\S(.*\S)?", str)
CODE = like("a code of capital letters and digits", r"[A-Z0-9]+", str)
CENTRE = like("a centre number of five digits", r"[0-9]{5}", str)
NUMBER = like("a whole number", r"[0-9]+", int)
POSITIVE = like("a whole number above 0", r"0*[1-9][0-9]*", int)
DAY = like("a date (YYYY-MM-DD)", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", date.fromisoformat)
YES = like("Y or N", "[YN]", "Y".__eq__)
MONTH = like("1, 6 or 9", "[169]", int)
SERIES = like("year and month of a series (2024-06)", r"20[0-9]{2}-0[169]", str)
TIME = like(
    "a time of day (HH:MM) or 24:00, the end of the day",
    r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00",
    lambda cell: timedelta(hours=int(cell[:2]), minutes=int(cell[3:])),
)
ANY = "*"
"""In a cell: all of them, but for those that have a line of their own."""


@frozen
class Column:
    """A column of a catalogue file."""

    name: str
    kind: Kind
    meaning: str


def cell(kind: Kind, meaning: str, name: str = "") -> dict[str, Column]:
    """Declares that an attribute of a record class is a column of its file, called `name` where the attribute is
    not."""
    return {"column": Column(name, kind, meaning)}


def columns(record: type[AttrsInstance]) -> dict[str, Column]:
    """The columns a record class declares, by attribute."""
    return {
        attribute.name: Column(declared.name or attribute.name, declared.kind, declared.meaning)
        for attribute in fields(record)
        if (declared := attribute.metadata.get("column"))
    }


# What every file says of itself.
IN_FORCE_FROM = cell(DAY, "first day (Europe/London) on which a receipt is judged by this row")
PLACEHOLDER_FLAG = cell(YES, "Y when nobody published this: it is ours, and shown so")
SOURCE = cell(TEXT, "where it comes from")


# --- Files -----------------------------------------------------------------------------------------------------------


@frozen
class Row(Generic[R]):
    """A record and the line of the file it is on."""

    file: str
    line: int
    record: R

    def wrong(self, attribute: str, why: str) -> CatalogueError:
        """The error that says what is wrong with this row, in the column of `attribute`."""
        column = columns(type(self.record))[attribute].name
        return CatalogueError(f"{self.file}, line {self.line}, column {column}: {why}")


@frozen
class Sheet(Generic[R]):
    """A catalogue file: a line a `record`, and no two with the same `key` attributes. `about` is its description."""

    file: str
    record: type[R]
    key: tuple[str, ...]
    about: str

    def rows(self, folder: Path) -> list[Row[R]]:
        """Every line of the file in `folder`; raises `CatalogueError`."""
        path = folder / self.file
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                found = list(self._rows(csv.reader(file, strict=True)))
        except OSError as error:
            raise CatalogueError(f"{path}: {error.strerror}") from None
        except (UnicodeDecodeError, csv.Error) as error:
            raise CatalogueError(f"{self.file}: is not a CSV file in UTF-8 ({error})") from None
        if not found:
            raise self._wrong(2, next(iter(columns(self.record).values())).name, "there are no lines")
        once_each(found, self.key)
        return found

    def _rows(self, lines: Any) -> Iterator[Row[R]]:
        header: list[str] = next(lines, [])
        by_name = {column.name: (name, column.kind) for name, column in columns(self.record).items()}
        for position, name in enumerate(header):
            if name not in by_name:
                raise self._wrong(1, name, f"there is no such column; the columns are {', '.join(by_name)}")
            if name in header[:position]:
                raise self._wrong(1, name, "appears twice")
        optional = {attribute.name for attribute in fields(self.record) if attribute.default is not NOTHING}
        for name, (attribute, _) in by_name.items():
            if name not in header and attribute not in optional:
                raise self._wrong(1, name, "is missing")
        for cells in lines:
            if cells:
                yield Row(self.file, lines.line_num, self._record(lines.line_num, header, cells, by_name))

    def _record(self, line: int, header: list[str], cells: list[str], by_name: dict[str, tuple[str, Kind]]) -> R:
        if len(cells) < len(header):
            raise self._wrong(line, header[len(cells)], f"the line ends before it: {len(cells)} cells")
        if len(cells) > len(header):
            raise self._wrong(line, header[-1], f"the line goes on after it: {len(cells)} cells")
        values = {}
        for name, text in zip(header, cells, strict=True):
            attribute, kind = by_name[name]
            try:
                values[attribute] = kind.read(text)
            except ValueError:
                raise self._wrong(line, name, f"{text!r} is not {kind.words}") from None
        return self.record(**values)

    def _wrong(self, line: int, column: str, why: str) -> CatalogueError:
        return CatalogueError(f"{self.file}, line {line}, column {column}: {why}")


def once_each(rows: Sequence[Row[R]], key: Sequence[str]) -> None:
    """No two rows have the same `key` attributes; raises `CatalogueError`."""
    lines: dict[tuple[object, ...], int] = {}
    for row in rows:
        first = lines.setdefault(tuple(getattr(row.record, attribute) for attribute in key), row.line)
        if first != row.line:
            names = [columns(type(row.record))[attribute].name for attribute in key]
            raise row.wrong(key[-1], f"line {first} has the same {', '.join(names)}")
