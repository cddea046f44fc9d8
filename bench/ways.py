"""(a) the bare loop, (b) Polars without checks, (c) this library, (h) its writer.

A way takes files as name and bytes and returns how many detail records it has read. What it has read it holds until it
returns, so that the peak memory is that of a whole result.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import polars as pl

from bench.data import AWARDING_BODY, CENTRE, COLUMNS, OPTIONS, PRODUCED, SEQUENCE, SERIES_KEY, SLOTS, Column
from parsers import writer
from parsers.columns import columns
from parsers.findings import Found
from parsers.layouts import FILE_TYPES, RESULT
from parsers.reader import read

Files = Sequence[tuple[str, bytes]]
"""Files as name and bytes, all of one letter."""


# --- This library ----------------------------------------------------------------------------------------------------


def checked(held: Files) -> int:
    """(c): order, envelope, typed and checked columns, for E5 the option slots to rows."""
    layout = FILE_TYPES[letter_of(held)].detail
    assert layout
    submissions = [read(named, data) for named, data in held]
    found = Found([submission.named for submission in submissions])
    result = columns(submissions, layout, found)
    assert not any(submission.findings for submission in submissions)
    assert not found.any()
    assert result.options.height == (result.records.height * len(OPTIONS) if layout.slots else 0)
    return result.records.height


def apart(held: Files) -> int:
    """Every file by itself: what a file costs whatever it holds."""
    return sum(checked([submission]) for submission in held)


def written(results: pl.DataFrame) -> bytes:
    """(h) the canonical R file of one centre from `result_columns`."""
    details = writer.details("R", RESULT, results)
    return writer.single(
        "R", str(CENTRE), details, awarding_body=AWARDING_BODY, series_key=SERIES_KEY, sequence=SEQUENCE,
        produced=PRODUCED,
    )  # fmt: skip


# --- Its floor -------------------------------------------------------------------------------------------------------


def lines(held: Files) -> int:
    count = 0
    for _, data in held:
        for line in io.BytesIO(data):
            if line[1:2] == b"5":
                count += 1
    return count


def sliced(held: Files) -> int:
    """The fastest of the forms tried: split by the CSV reader, one parallel pass for the columns, and for the options
    a filter per slot, all slots at once. (Gathering by row and slot indices took more than three times as long.)"""
    records, options = cut(held)
    assert options.height == (records.height * len(OPTIONS) if SLOTS[letter_of(held)] else 0)
    return records.height


def cut(held: Files) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The fields of the detail records, as `_sliced`, and a row for each option that is not blank: `line`, `candidate`,
    `uci`, `option`."""
    slots, frame = SLOTS[letter_of(held)], _sliced(held)
    if not slots:
        return frame, pl.DataFrame()
    record, lazy = pl.col("record"), frame.lazy()
    parts = [
        lazy.filter(record.str.slice(slot.start, 1) != " ").select("line", "candidate", "uci", _cut(slot, "option"))
        for slot in slots
    ]
    return frame, pl.concat(pl.collect_all(parts))


def result_columns(held: Files) -> pl.DataFrame:
    """What `written` is given: a row for each result with `centre`, `candidate`, `uci`, `uln`, `entered` (the option
    entry code, empty here), `option`, `result_type`, `grade` as text without trailing spaces, `score` as a number."""
    frame = _sliced(held).drop("line", "record", "data_type", "record_type")
    return frame.with_columns(pl.col("score").cast(pl.UInt16))


def letter_of(held: Files) -> str:
    return chr(held[0][1][0])


def _sliced(held: Files) -> pl.DataFrame:
    """`line` (from 1, over all files), `record`, and the fields of `COLUMNS` as text without trailing spaces."""
    letter = letter_of(held)
    data = held[0][1] if len(held) == 1 else b"".join(data for _, data in held)
    records = pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        separator="\x01",
        quote_char=None,
        schema={"record": pl.String},
        row_index_name="line",
        row_index_offset=1,
    )
    details = records.filter(pl.col("record").str.slice(1, 1) == "5")
    return details.select("line", "record", *(_cut(column, column.name) for column in COLUMNS[letter]))


def _cut(column: Column, name: str) -> pl.Expr:
    return pl.col("record").str.slice(column.start, column.width).str.strip_chars_end(" ").alias(name)
