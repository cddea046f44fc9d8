"""The way back from `pipeline.files.to_table`: turns a table of text, batch by batch, into the file it describes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl
from attrs import define, field, frozen

from parsers.envelope import Centre, Header
from parsers.layouts import FILE_TYPES, Field, Layout
from parsers.reader import Submission
from parsers.writer import LINE_END, file, lines
from pipeline.files.to_table import (
    AS_RECEIVED,
    CENTRE,
    FILE_CENTRE,
    HEADER,
    LAYOUT,
    MASKED,
    PART,
    RECORD_CENTRE,
    Shape,
    detail_columns,
    records,
    unspelt,
)


class TableError(ValueError):
    """A table cannot be turned into a file; the message says where and why, and repeats no value of a record."""


_NEEDED = (LAYOUT, *HEADER, PART, *CENTRE)


def file_of(batches: Iterable[pl.DataFrame]) -> bytes:
    """The canonical file of a table whose columns are all text. Raises `TableError`."""
    making: _Making | None = None
    for batch in batches:
        if making is None and not batch.is_empty():
            making = _Making.of(batch)
        if making is not None:
            making.take(batch)
    if making is None:
        raise TableError("the table has no rows")
    return making.file()


@define
class _Making:
    """A file being made."""

    layout: Layout
    header: Header
    said: dict[str, Any]
    places: tuple[_Place, ...]
    shape: Shape
    parts: dict[str, tuple[str, ...]] = field(factory=dict)
    blocks: dict[str, list[str]] = field(factory=dict)
    rows: int = 0

    @classmethod
    def of(cls, first: pl.DataFrame) -> _Making:
        if MASKED in first.columns:
            raise TableError("the table is masked: the hidden values cannot be restored")
        missing = [name for name in _NEEDED if name not in first.columns]
        if missing:
            raise TableError(f"the table has no column {', '.join(missing)}")
        said = first.head(1).select(LAYOUT, *HEADER).fill_null("").row(0, named=True)
        kind = FILE_TYPES.get(said["letter"])
        known = [kind.detail, *kind.older.values()] if kind else []
        layout = next((layout for layout in known if layout and layout.record == said[LAYOUT]), None)
        if layout is None:
            raise TableError("row 1: the columns letter and layout do not name a record type, such as E and E5/A5")
        suffixes = [slot.name for slot in layout.slots if slot.name.startswith("suffix_")]
        unknown = set(first.columns) - {*_NEEDED, *detail_columns(layout, suffixes), AS_RECEIVED}
        if unknown:
            raise TableError(f"there is no field {', '.join(sorted(unknown))} in {layout.record}")
        names = {name: said[name] for name in HEADER if name != FILE_CENTRE}
        header = Header(centre=said[FILE_CENTRE], **names)
        there = tuple(name for name in suffixes if name in first.columns)
        shape = Shape(layout, header, there, RECORD_CENTRE in first.columns, mask=False)
        return cls(layout, header, said, tuple(_places(layout, shape)), shape)

    def take(self, batch: pl.DataFrame) -> None:
        """Takes the next rows."""
        batch = batch.with_columns(pl.all().replace("", None))
        batch = batch.with_columns(pl.int_range(1, pl.len() + 1).alias("row") + self.rows)
        self.rows += batch.height
        for name in (LAYOUT, *HEADER):
            _refuse(batch, pl.col(name).fill_null("") != self.said[name], f"{name} differs from row 1")
        _refuse(batch, pl.col(PART).is_null(), f"{PART} is blank: it numbers the centres of the file")
        self._take_parts(batch)
        for name in self.shape.details:
            if name not in batch.columns:
                batch = batch.with_columns(pl.lit(None, pl.String).alias(name))
        if AS_RECEIVED not in batch.columns:
            batch = batch.with_columns(pl.lit(None, pl.String).alias(AS_RECEIVED))
        said = [pl.col(name).is_not_null() for name in (*self.shape.details, AS_RECEIVED)]
        rows = batch.filter(pl.any_horizontal(said))
        if not rows.is_empty():
            self._take_records(rows)

    def _take_parts(self, batch: pl.DataFrame) -> None:
        for part, *own in batch.select(PART, pl.col(*CENTRE).fill_null("")).unique(maintain_order=True).iter_rows():
            if self.parts.setdefault(part, tuple(own)) != tuple(own):
                raise TableError(f"part {part}: {', '.join(CENTRE)} differ between its rows")

    def _take_records(self, rows: pl.DataFrame) -> None:
        typed = rows.with_columns({place.column: place.typed for place in self.places}.values())
        for place in self.places:
            place.check(rows, typed)
        self._check_overlaid(rows)
        centre = pl.coalesce(RECORD_CENTRE, "centre") if self.shape.record_centre else pl.col("centre")
        written = lines(self.header.letter, self.layout, typed.with_columns(centre.alias("centre")))
        self._check_received(rows, typed)
        received = pl.col(AS_RECEIVED).str.pad_end(self.layout.width)
        texts = rows.select(PART, pl.coalesce(received, written).alias("text"))
        grouped = texts.group_by(PART, maintain_order=True).agg(pl.col("text").str.join(LINE_END))
        for part, block in grouped.iter_rows():
            self.blocks.setdefault(part, []).append(block + LINE_END)

    def _check_overlaid(self, rows: pl.DataFrame) -> None:
        """Refuses a value for which the record's result type has no columns: it would be lost."""
        types: dict[str, str] = {}
        for place in self.places:
            if place.types:
                types[place.column] = types.get(place.column, "") + place.types
        for column, having in types.items():
            nowhere = pl.col(column).is_not_null() & ~pl.col(self.layout.chooser).is_in(list(having)).fill_null(False)
            _refuse(rows, nowhere, f"{column} has no place in a record of this {self.layout.chooser}")

    def _check_received(self, rows: pl.DataFrame, typed: pl.DataFrame) -> None:
        """Where a record is given verbatim, that is what counts, so the fields must agree with it."""
        given = rows.filter(pl.col(AS_RECEIVED).is_not_null())
        if given.is_empty():
            return
        wrong = ~pl.col(AS_RECEIVED).str.contains(f"^{self.header.letter}5[ -~]{{0,{self.layout.width - 2}}}$")
        _refuse(given, wrong, f"{AS_RECEIVED} is not a record of this file")
        names = list(self.shape.details)
        fields = typed.filter(pl.col(AS_RECEIVED).is_not_null()).select(names)
        meant = self._again(given).select(pl.col(name).alias(f"{name} again") for name in names)
        same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"{name} again")) for name in names)
        differ = ~pl.concat([fields, meant], how="horizontal").select(same).to_series()
        _refuse(given, differ, f"{AS_RECEIVED} and the fields differ: empty it and the fields are written instead")

    def _again(self, given: pl.DataFrame) -> pl.DataFrame:
        """The fields of the records given verbatim, read again."""
        text = pl.col(AS_RECEIVED).str.pad_end(self.layout.width) + LINE_END
        grouped = given.group_by(pl.col("centre").fill_null(""), maintain_order=True).agg(text.str.join(), "row")
        batch = [
            (number, Centre(number=centre, sequence=1, details=block.encode("ascii"), lines=rows))
            for number, (centre, block, rows) in enumerate(grouped.iter_rows(), 1)
        ]
        read = Submission(named="", name=None, type=None, layout=self.layout, header=self.header, findings=())
        order = pl.Series("row", [row for _, part in batch for row in part.lines])
        again = records(read, self.shape, batch).with_columns(order).sort("row")
        return again.with_columns(pl.col(pl.String).replace("", None))

    def file(self) -> bytes:
        """The whole file."""
        centres = []
        for part, (number, sequence, postcode, produced) in self.parts.items():
            if not (sequence.isascii() and sequence.isdigit() and 0 < int(sequence) < 1000):
                raise TableError(f"part {part}: sequence is not a number from 001 to 999")
            details = "".join(self.blocks.get(part, ())).encode("ascii")
            own = Centre(
                number=number,
                sequence=int(sequence),
                postcode=postcode,
                produced=unspelt(produced),
                details=details,
            )
            centres.append(own)
        try:
            return file(self.header, centres, self.layout)
        except (UnicodeEncodeError, ValueError) as error:
            raise TableError(f"headers and trailers cannot be written: {error}") from None


def _refuse(rows: pl.DataFrame, wrong: pl.Expr | pl.Series, why: str) -> None:
    bad = rows.filter(wrong)
    if not bad.is_empty():
        raise TableError(f"row {bad['row'][0]}: {why}")


@frozen
class _Place:
    """A column of the table and the field it goes into; `types`: the result types that have it (empty: all)."""

    column: str
    field: Field
    chooser: str
    types: str

    @property
    def typed(self) -> pl.Expr:
        """The column with the type of its field; null where the value does not fit the type."""
        text = pl.col(self.column)
        if self.field.number:
            return text.cast(pl.Int32, strict=False)
        return text.str.to_date("%Y-%m-%d", strict=False) if self.field.kind == "D" else text

    def check(self, rows: pl.DataFrame, typed: pl.DataFrame) -> None:
        """Raises `TableError` for the first row whose value does not fit into the field."""
        text, place = pl.col(self.column), self.field
        mine = rows.filter(pl.col(self.chooser).is_in(list(self.types))) if self.types else rows
        if place.number or place.kind == "D":
            what = "a whole number" if place.number else "a date such as 2009-02-01"
            lost = typed[self.column].is_null() & rows[self.column].is_not_null()
            _refuse(rows, lost, f"{self.column} is not {what}")
        if place.kind != "D":
            digits = text.cast(pl.Int32, strict=False).cast(pl.String) if place.number else text
            unfit = (digits.str.len_chars() > place.width) | text.str.contains("[^ -~]")
            _refuse(mine, unfit, f"{self.column} takes {place.width} characters of plain ASCII")


def _places(layout: Layout, shape: Shape) -> list[_Place]:
    columns_of = {
        RECORD_CENTRE if declared.name == "centre" else declared.name: declared
        for declared in (*layout.plain, *layout.slots)
    }
    plain = [_Place(name, declared, "", "") for name, declared in columns_of.items() if name in shape.details]
    overlaid = [
        _Place(declared.name, declared, layout.chooser, overlay.types)
        for overlay in layout.overlays
        for declared in overlay.fields
    ]
    return plain + overlaid
