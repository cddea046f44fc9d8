"""Component results: every sitting with its uniform marks and grade (AWD-2, AWD-4), for a whole series at once."""

from __future__ import annotations

from typing import Any

import polars as pl

from rules import terms
from rules.catalogue import Catalogue
from rules.conversion import CONVERSION
from rules.frames import AS_ISSUED

SITTINGS: dict[str, Any] = {
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "registration": pl.String,
    "raw": pl.Int32,
    "status": pl.String,
    "mark_id": pl.Int64,
    "ums": pl.Int32,
    "grade": pl.String,
    "outcome": pl.String,
}
"""Sittings with their results. `outcome`: `graded`; `absent`: 0 UMS and no grade; `pending`: no mark yet, and nothing
else either."""

RESULTS: dict[str, Any] = {name: kind for name, kind in SITTINGS.items() if name != "series"}
"""The results of the sittings of one series."""

PARTS: dict[str, Any] = {
    "component": pl.String,
    "registration": pl.String,
    "cash_in": pl.String,
    "external": pl.Boolean,
    "number": pl.Int32,
}


def parts(catalogue: Catalogue) -> pl.DataFrame:
    """CAL-5: the components of every qualification (`PARTS`)."""
    rows = [
        (part.code, qualification.registration_code, qualification.cash_in_code, part.external, part.number)
        for qualification in catalogue.qualifications
        for part in qualification.components
    ]
    return pl.DataFrame(rows, schema=PARTS, orient="row")


def sittings(entered: pl.DataFrame, marks: pl.DataFrame, conversion: pl.DataFrame, of: pl.DataFrame) -> pl.DataFrame:
    """AWD-2, AWD-4: every sitting with its result (`SITTINGS`), by centre, candidate, component and series.

    `entered` and `marks` as `rules.frames` has them (`ENTERED`, `MARKS`); `conversion`: `rules.conversion.CONVERSION`;
    `of`: `PARTS`. A raw mark for which there is no table leaves the result pending: `without_table` says which are
    missing.
    """
    key = ["centre", "series", "uci", "component"]
    given = marks.select(*key, pl.col("mark").alias("raw"), "status", pl.col("id").alias("mark_id"))
    absent, graded = pl.col("status") == "A", pl.col("ums").is_not_null()
    return (
        entered.rename({"option": "component"})
        .join(of.select("component", "registration"), on="component")
        .join(given, on=key, how="left")
        .join(conversion.select(*CONVERSION), on=["series", "component", "raw"], how="left")
        .with_columns(
            pl.col("status").fill_null(""),
            pl.when(absent).then(0).otherwise("ums").cast(pl.Int32).alias("ums"),
            pl.when(absent).then(pl.lit("")).otherwise(pl.col("grade").fill_null("")).alias("grade"),
            pl.when(absent)
            .then(pl.lit(terms.ABSENT))
            .when(graded)
            .then(pl.lit(terms.GRADED))
            .otherwise(pl.lit(terms.PENDING))
            .alias("outcome"),
        )
        .select(pl.col(name).cast(kind) for name, kind in SITTINGS.items())
        .sort("centre", "candidate", "component", "series", "uci")
    )


def as_issued(sittings: pl.DataFrame, issued: pl.DataFrame) -> pl.DataFrame:
    """AWD-6: the sittings (`SITTINGS`) with what was issued for them (`rules.frames.AS_ISSUED`) in place of what would
    be computed now. A result that was issued as pending is not: the mark it waits for completes it (AWD-4). What a
    learner who was merged holds under two candidate numbers of a centre stays as issued under each (REG-8)."""
    key = ["centre", "series", "candidate", "uci", "component"]
    settled = issued.filter(pl.col("outcome") != terms.PENDING)
    if settled.is_empty():
        return sittings
    names = [name for name in AS_ISSUED if name not in key]
    found = sittings.join(settled.select(*key, *names), on=key, how="left", suffix="_out", maintain_order="left")
    out = pl.col("outcome_out").is_not_null()
    return found.select(
        pl.when(out).then(f"{name}_out").otherwise(name).alias(name) if name in names else name for name in SITTINGS
    )


def without_table(marks: pl.DataFrame, conversion: pl.DataFrame) -> list[tuple[str, str]]:
    """AWD-1: series and component of marks for which there is no conversion table, in order."""
    converted = conversion.select("series", "component").unique()
    missing = marks.filter(pl.col("mark").is_not_null()).select("series", "component").unique()
    return sorted(missing.join(converted, on=["series", "component"], how="anti").iter_rows())
