"""A file as one table, for other programs: each row has the values of the headers, then the typed fields of a record.

The table holds everything that the file says. Text has no trailing spaces, blank is null, and identifiers are text with
their leading zeros. Where the fields as the desk reads them do not give back the exact record (a small letter, a
shifted record, an impossible date), `as_received` holds the record verbatim. A centre without records is a row whose
fields are null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import attrs
import numpy as np
import polars as pl
from attrs import frozen

from parsers.columns import columns
from parsers.envelope import Centre, Header
from parsers.findings import Found
from parsers.layouts import Layout
from parsers.reader import Submission
from parsers.writer import LINE_END, lines
from pipeline.files.mask import masked

BATCH = 1 << 16
"""Records processed at a time."""

LAYOUT, PART, AS_RECEIVED, MASKED = "layout", "part", "as_received", "masked"
FILE_CENTRE, RECORD_CENTRE = "file_centre", "record_centre"

HEADER = ("letter", FILE_CENTRE, "awarding_body", "series", "year", "distribution", "software", "software_version",
          "formats_version")  # fmt: skip
"""The columns of the file header, the same in every row."""

CENTRE = ("centre", "sequence", "postcode", "produced")
"""The columns of a centre's header and trailer, the same in every row of one `part`."""


@frozen
class Shape:
    """The columns of a file's table: `suffixes`, and `record_centre` (for records that name another centre than the
    header above them), only if they are needed."""

    layout: Layout
    header: Header
    suffixes: tuple[str, ...]
    record_centre: bool
    mask: bool

    @classmethod
    def of(cls, submission: Submission, *, mask: bool = False) -> Shape:
        """The shape of a readable submission."""
        layout, header = submission.layout, submission.header
        assert layout is not None
        assert header is not None
        suffixes = [slot for slot in layout.slots if slot.name.startswith("suffix_")]
        used, strangers = np.zeros(len(suffixes), np.bool_), False
        for part in submission.centres:
            rows = np.frombuffer(part.details, np.uint8).reshape(-1, layout.width + len(LINE_END))
            used |= np.array([(rows[:, suffix.first - 1] != ord(" ")).any() for suffix in suffixes], np.bool_)
            if "centre" in layout.names:
                place = layout["centre"]
                own = np.frombuffer(part.number.ljust(place.width).encode("ascii"), np.uint8)
                strangers |= bool((rows[:, place.first - 1 : place.last] != own).any())
        names = tuple(suffix.name for suffix, there in zip(suffixes, used, strict=True) if there)
        return cls(layout, header, names, strangers, mask)

    @property
    def details(self) -> dict[str, Any]:
        """The columns of the detail fields with their types."""
        schema = detail_columns(self.layout, self.suffixes)
        if not self.record_centre:
            schema.pop(RECORD_CENTRE, None)
        return schema

    @property
    def schema(self) -> dict[str, Any]:
        """All columns with their types."""
        texts = dict.fromkeys((LAYOUT, *HEADER), pl.String())
        parts = {PART: pl.Int32(), **dict.fromkeys(CENTRE, pl.String())}
        last = {MASKED: pl.String()} if self.mask else {AS_RECEIVED: pl.String()}
        empty = pl.DataFrame(schema={**texts, **parts, **self.details, **last})
        return dict(masked(empty).schema if self.mask else empty.schema)


def detail_columns(layout: Layout, suffixes: Sequence[str]) -> dict[str, Any]:
    """The columns of a layout's detail fields with their types, in the order of the table."""
    schema = dict(columns([], layout, Found([])).records.schema)
    for none_of_its_own in ("file", "line", "kept"):
        schema.pop(none_of_its_own, None)
    named = {RECORD_CENTRE if name == "centre" else name: kind for name, kind in schema.items()}
    slots = [slot.name for slot in layout.slots if slot.name.startswith("option_") or slot.name in suffixes]
    return named | dict.fromkeys(slots, pl.String())


def frames(submission: Submission, shape: Shape) -> Iterator[pl.DataFrame]:
    """The table of a readable submission in batches of bounded size."""
    parts = _parts(submission)
    said = attrs.asdict(shape.header) | {FILE_CENTRE: shape.header.centre, LAYOUT: shape.layout.record}
    for batch in _batches(submission):
        numbers = sorted({number for number, _ in batch})
        mine = parts.filter(pl.col(PART).is_in(numbers))
        rows = mine.join(records(submission, shape, batch), on=PART, how="left", maintain_order="left_right")
        rows = rows.with_columns(pl.lit(said[name]).alias(name) for name in (LAYOUT, *HEADER))
        if shape.mask:
            rows = masked(rows).with_columns(pl.lit("yes").alias(MASKED))
        yield rows.with_columns(pl.col(pl.String).replace("", None)).select(*shape.schema)


def _parts(submission: Submission) -> pl.DataFrame:
    rows = [
        (number, centre.number, f"{centre.sequence:03d}", centre.postcode, spelt(centre.produced))
        for number, centre in enumerate(submission.centres, 1)
    ]
    return pl.DataFrame(rows, schema={PART: pl.Int32(), **dict.fromkeys(CENTRE, pl.String())}, orient="row")


Part = tuple[int, Centre]
"""Some records of a centre, with the centre's position in the file, from 1."""


def _batches(submission: Submission) -> Iterator[list[Part]]:
    assert submission.layout is not None
    stride = submission.layout.width + len(LINE_END)
    batch: list[Part] = []
    held = 0
    for number, part in enumerate(submission.centres, 1):
        for start in range(0, max(len(part.lines), 1), BATCH):
            some = part.lines[start : start + BATCH]
            details = part.details[start * stride : (start + len(some)) * stride]
            batch.append((number, attrs.evolve(part, details=details, lines=some)))
            held += len(some)
            if held >= BATCH:
                yield batch
                batch, held = [], 0
    if batch:
        yield batch


def records(submission: Submission, shape: Shape, batch: Sequence[Part]) -> pl.DataFrame:
    """The records of some parts, in file order: `part`, the detail fields (null in a record that cannot be read) and
    `as_received`."""
    layout = shape.layout
    some = attrs.evolve(submission, centres=tuple(part for _, part in batch), findings=())
    typed = columns([some], layout, Found([submission.named])).records
    typed = typed.drop("file", "kept", strict=False).with_columns(pl.lit(True).alias("read"))
    rows = _found(batch).join(typed, on="line", how="left", maintain_order="left")
    text = pl.col("record")
    slots = {slot.name: text.str.slice(slot.first - 1, slot.width) for slot in layout.slots}
    readable = pl.when(pl.col("read"))
    rows = rows.with_columns(
        readable.then(cut.str.strip_chars(" ").str.to_uppercase()).alias(name) for name, cut in slots.items()
    )
    rows = rows.with_columns(lines(shape.header.letter, layout, rows).alias("written"))
    if "centre" in typed.columns:
        rows = rows.with_columns(pl.when(pl.col("centre") != pl.col("own")).then("centre").alias(RECORD_CENTRE))
    # An empty record would look like a centre without records.
    empty = pl.all_horizontal(pl.col(name).cast(pl.String).fill_null("") == "" for name in shape.details)
    verbatim = pl.when((text != pl.col("written")) | empty).then(text.str.strip_chars_end(" "))
    return rows.select(PART, *shape.details, verbatim.alias(AS_RECEIVED))


def _found(batch: Sequence[Part]) -> pl.DataFrame:
    """The records as text, with their part and the centre number in its header (`own`)."""
    counts = [len(part.lines) for _, part in batch]
    whose = np.repeat(np.arange(len(batch), dtype=np.uint32), counts)
    texts = b"".join(part.details for _, part in batch).decode("ascii").split(LINE_END)[:-1]
    places = [np.asarray(part.lines, np.uint32) for _, part in batch]
    return pl.DataFrame(
        {
            PART: pl.Series([number for number, _ in batch], dtype=pl.Int32).gather(whose),
            "own": pl.Series([part.number for _, part in batch], dtype=pl.String).gather(whose),
            "line": pl.Series(np.concatenate(places)),
            "record": pl.Series(texts, dtype=pl.String),
        }
    )


# --- Dates of production ---------------------------------------------------------------------------------------------


def spelt(produced: str) -> str:
    """A date of production, DDMMYY, as 2024-02-15; any other text unchanged."""
    day = _day(produced)
    return day.isoformat() if day else produced


def _day(text: str) -> date | None:
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(2000 + int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return None


def unspelt(text: str) -> str:
    """The reverse of `spelt`."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return day.strftime("%d%m%y") if len(text) == len("2024-02-15") else text
