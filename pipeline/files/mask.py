"""Personal fields hidden, for showing a file to somebody who need not know whose it is."""

from __future__ import annotations

import polars as pl

from parsers.layouts import Layout

# Nobody knows what stands in the reserved field: it may be anything.
PERSONAL = frozenset({"name", "born", "sex", "uci", "upn", "uln", "status", "reserved"})
"""Fields that are hidden. Candidate number and centre stay: without them nothing could be talked about."""

DOT = "."


def masked(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with dots for every character of personal fields, which all become text."""
    personal = [name for name in frame.columns if name in PERSONAL]
    return frame.with_columns(pl.col(name).cast(pl.String).str.replace_all(".", DOT) for name in personal)


def masked_record(record: str, layout: Layout) -> str:
    """A record with dots for what stands in its personal fields, spaces kept as they are."""
    for one in layout.fields:
        if one.name in PERSONAL:
            text = one.cut(record)
            dots = DOT * len(text.rstrip()) + " " * (len(text) - len(text.rstrip()))
            record = record[: one.first - 1] + dots + record[one.last :]
    return record
