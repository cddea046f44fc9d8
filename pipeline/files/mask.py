"""Hides personal fields, for showing a file to somebody who need not know whose it is."""

from __future__ import annotations

import polars as pl

from parsers.layouts import Layout

# The reserved field may hold anything.
PERSONAL = frozenset({"name", "born", "sex", "uci", "upn", "uln", "status", "reserved"})
"""The fields that are hidden. Candidate number and centre stay, so that a record can still be discussed."""

DOT = "."


def masked(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with a dot for every character of personal fields, which all become text."""
    personal = [name for name in frame.columns if name in PERSONAL]
    return frame.with_columns(pl.col(name).cast(pl.String).str.replace_all(".", DOT) for name in personal)


def masked_record(record: str, layout: Layout) -> str:
    """A record with a dot for every character of its personal fields except spaces."""
    for field in layout.fields:
        if field.name in PERSONAL:
            text = field.cut(record)
            dots = DOT * len(text.rstrip()) + " " * (len(text) - len(text.rstrip()))
            record = record[: field.first - 1] + dots + record[field.last :]
    return record
