"""Rules about entries: one per component, from the catalogue of the series (ENT-1, CAL-4)."""

from __future__ import annotations

import polars as pl

from parsers import findings as f
from parsers.findings import Found
from rules.catalogue import Catalogue, Series

_HERE = ["file", "line", "candidate"]


def in_catalogue(options: pl.DataFrame, series: Series, catalogue: Catalogue, found: Found) -> pl.DataFrame:
    """ENT-1: every option is in the catalogue of the series; an unknown one refuses its candidate.

    Returns the known ones with `kind`, `subject`, `registration`, `title`, `reason` and `available` of the catalogue.
    """
    table = catalogue.options(series)
    known = options.join(table, on="option", how="left", maintain_order="left")
    unknown = known.filter(pl.col("kind").is_null())
    if not unknown.is_empty():
        told = {code: _what_instead(code, series, catalogue) for code in unknown["option"].unique()}
        codes = pl.col("option").replace_strict(told, return_dtype=pl.String)
        rows = unknown.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last", codes=codes)
        found.rows(f.OPTION_UNKNOWN, rows.with_columns(series=pl.lit(series.title)), field="option")
    return known.filter(pl.col("kind").is_not_null())


def _what_instead(code: str, series: Series, catalogue: Catalogue) -> str:
    """What the sender may have meant by an unknown option code."""
    for one in catalogue.qualifications:
        parts = [part.code for part in one.components]
        if code == one.registration_code:
            entered = f"it is entered with {', '.join(parts)} and claimed with {one.cash_in_code}"
            return f"{code} registers for {one.subject}; {entered}"
        if code in (*parts, one.cash_in_code):
            return f"{code} is an entry for {one.subject}; learners are registered for it with {one.registration_code}"
    alike = [one for one in catalogue.qualifications if code[:3] in (one.registration_code[:3], one.cash_in_code[:3])]
    table = catalogue.options(series)
    if len(alike) == 1:
        subject = alike[0].subject
        return f"codes for {subject}: {', '.join(table.filter(pl.col('subject') == subject)['option'])}"
    return f"codes: {', '.join(table['option'])}"


def offered(options: pl.DataFrame, series: Series, found: Found) -> None:
    """CAL-4: a component is taken only in a series in which it is offered; otherwise that entry is refused."""
    rows = options.filter(pl.col("reason").is_not_null()).select(
        *_HERE, pl.col("option").alias("value"), "option", "first", "last", "title", "reason", "available"
    )
    found.rows(f.OPTION_NOT_IN_SERIES, rows.with_columns(series=pl.lit(series.title)), field="option")


def once_each(options: pl.DataFrame, found: Found) -> pl.DataFrame:
    """ENT-1: one entry per component; the same option twice for a candidate counts once. Returns the first of each."""
    key = ["file", "candidate", "option"]
    again = options.filter(~pl.struct(key).is_first_distinct())
    rows = again.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last")
    found.rows(f.OPTION_TWICE, rows, field="option")
    return options.unique(key, keep="first", maintain_order=True)
