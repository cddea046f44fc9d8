"""Columns to bytes: canonical files from the same declarations the reader slices with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import attrs
import polars as pl

from . import forms
from .envelope import Centre, Header
from .layouts import (
    CANDIDATE,
    CENTRE_HEADER,
    CENTRE_TRAILER,
    FILE_HEADER,
    FILE_TRAILER,
    FILE_TYPES,
    SLOTS,
    Field,
    Layout,
)

LINE_END = "\r\n"


def file(header: Header, centres: Iterable[Centre], layout: Layout | None = None) -> bytes:
    """A whole file around its detail records, with the counts that belong to it. `layout` is the detail record's, of an
    older formats version where it is not the file type's own.

    Raises `ValueError` when a value does not fit its field, or the details are not whole records of the layout.
    """
    layout = layout or FILE_TYPES[header.letter].detail
    if layout is None:
        raise ValueError(f"a file of letter {header.letter} has no records")
    parts = list(centres)
    said = attrs.asdict(header) | {"data_type": header.letter}
    del said["letter"]
    blocks = [_ended(record(FILE_HEADER, said | {"record_type": "1"}, layout.width))]
    records = 2
    for centre in parts:
        count, rest = divmod(len(centre.details), layout.width + len(LINE_END))
        if rest:
            raise ValueError(f"the details of centre {centre.number} are no records of {layout.width} columns")
        records += count + 2
        blocks += [*_part(header, centre, count, layout.width)]
    closing = {"data_type": header.letter, "record_type": "9", "centre": header.centre}
    counts = {"records": str(records), "centres": str(len(parts))}
    return b"".join([*blocks, _ended(record(FILE_TRAILER, closing | counts, layout.width))])


def _part(header: Header, centre: Centre, count: int, width: int) -> Iterator[bytes]:
    common = {"data_type": header.letter, "centre": centre.number}
    stream = {"awarding_body": header.awarding_body, "series": header.series, "year": header.year}
    opening = {"record_type": "3", "sequence": str(centre.sequence), "postcode": centre.postcode}
    yield _ended(record(CENTRE_HEADER, common | stream | opening, width))
    yield centre.details
    closing = {"record_type": "7", "records": str(count + 2), "produced": centre.produced}
    yield _ended(record(CENTRE_TRAILER, common | closing, width))


def _ended(text: str) -> bytes:
    return f"{text}{LINE_END}".encode("ascii")


def single(
    letter: str,
    centre: str,
    details: bytes,
    *,
    awarding_body: str,
    series_key: str,
    sequence: int,
    produced: str,
    postcode: str = "",
) -> bytes:
    """A file of one centre. `series_key` as in `6B24`, `produced` DDMMYY."""
    header = Header(
        letter=letter, centre=centre, awarding_body=awarding_body, series=series_key[:2], year=series_key[2:]
    )
    part = Centre(number=centre, sequence=sequence, postcode=postcode, produced=produced, details=details)
    return file(header, [part])


# --- Records one by one ----------------------------------------------------------------------------------------------


def record(layout: Layout, values: Mapping[str, str], width: int = 0) -> str:
    """One record without its line end, padded to `width`: text left-justified, numbers (`N`) zero-filled unless blank.

    Raises `ValueError` when a value is wider than its field or no field has its name.
    """
    fields = layout.fields
    for overlay in layout.overlays:
        # A block given whole is not divided.
        if values.get(layout.chooser, " ") in overlay.types and layout.overlaid not in values:
            fields = (*(field for field in fields if field.name != layout.overlaid), *overlay.fields)
    unknown = values.keys() - {field.name for field in fields}
    if unknown:
        raise ValueError(f"{layout.record} has no field {', '.join(sorted(unknown))}")
    parts = []
    for field in fields:
        value = values.get(field.name, "")
        if len(value) > field.width:
            raise ValueError(f"{layout.record}: {field.name} takes {field.width} columns, not {len(value)}")
        parts.append(value.rjust(field.width, "0") if field.kind == "N" and value else value.ljust(field.width))
    return "".join(parts).ljust(width)


def candidate_records(letter: str, centre: str, person: Mapping[str, str], options: Sequence[str]) -> list[str]:
    """The detail records of one candidate: further ones, repeating the person, for more than twelve options."""
    fixed = {"data_type": letter, "record_type": "5", "status": "C", "centre": centre, **person}
    groups = [options[start : start + SLOTS] for start in range(0, len(options), SLOTS)] or [[]]
    return [
        record(CANDIDATE, fixed | {f"option_{number}": code for number, code in enumerate(group, 1)})
        for group in groups
    ]


def block(records: Iterable[str]) -> bytes:
    """Records as the details of a centre."""
    return "".join(f"{text}{LINE_END}" for text in records).encode("ascii")


# --- Records by the column -------------------------------------------------------------------------------------------


def lines(letter: str, layout: Layout, records: pl.DataFrame) -> pl.Series:
    """The records of a frame as text without line ends, a row each, in its order.

    `records` has columns as `columns.Columns.records` (others are ignored, missing ones are blank), and the option
    slots by name (`option_1` ...). Raises `ValueError` when a value does not fit its field or is not ASCII.
    """
    texts = records.select(_cells(letter, layout, records)).to_series()
    if not texts.is_null().any() and (texts.str.len_bytes() == layout.width).all() and not _foreign(texts):
        return texts
    raise ValueError(_misfit(layout, records))


def details(letter: str, layout: Layout, records: pl.DataFrame) -> bytes:
    """The records of a frame as the details of one centre; as `lines`."""
    texts = lines(letter, layout, records)
    return (texts.str.join(LINE_END).item() + LINE_END).encode("ascii") if len(texts) else b""


def _foreign(texts: pl.Series) -> bool:
    return bool((texts.str.len_bytes() != texts.str.len_chars()).any()) or texts.str.contains("[^ -~]").any()


def _cells(letter: str, layout: Layout, records: pl.DataFrame) -> pl.Expr:
    fixed = {"data_type": pl.lit(letter), "record_type": pl.lit("5")}
    cells = []
    for field in layout.fields:
        if field.name == layout.overlaid:
            cells.append(_overlaid(layout, records))
        else:
            cells.append(fixed[field.name] if field.name in fixed else _cell(field, records))
    return pl.concat_str(cells)


def _overlaid(layout: Layout, records: pl.DataFrame) -> pl.Expr:
    chooser = pl.col(layout.chooser)
    block = pl.lit(" " * layout[layout.overlaid].width)
    used = set(records[layout.chooser].unique().to_list())
    for overlay in layout.overlays:
        types = used & set(overlay.types)
        if types:
            own = pl.concat_str([_cell(field, records) for field in overlay.fields])
            block = own if types == used else pl.when(chooser.is_in(list(types))).then(own).otherwise(block)
    return block


def _cell(field: Field, records: pl.DataFrame) -> pl.Expr:
    if field.name not in records.columns:
        return pl.lit(" " * field.width)
    value = pl.col(field.name)
    if field.number:
        text = value.cast(pl.String).str.zfill(field.width)
    elif field.kind == "D":
        text = value.dt.strftime("%d%m%y")
    else:
        text = value.str.pad_end(field.width)
    unknown = "000000" if field.form is forms.BORN else " " * field.width
    return text.fill_null(unknown)


def _misfit(layout: Layout, records: pl.DataFrame) -> str:
    """Where a frame does not fit; the value itself may be personal and is not shown."""
    overlaid = [field for overlay in layout.overlays for field in overlay.fields]
    for field in (*layout.fields, *overlaid):
        if field.name in records.columns and field.kind != "D":
            text = pl.col(field.name).cast(pl.String)
            wrong = (text.str.len_chars() > field.width) | text.str.contains("[^ -~]")
            rows = records.select(wrong.arg_true()).to_series()
            if len(rows):
                takes = f"{field.name} takes {field.width} columns of ASCII"
                return f"{layout.record}: {takes}, row {rows[0] + 1} does not fit"
    return f"{layout.record}: the values do not fit its columns"
