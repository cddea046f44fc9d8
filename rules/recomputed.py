"""The results of a version computed once more from what is frozen with it (OPS-7): marks, conversion tables and chosen
sittings. Each function returns the rows that do not add up; none means that all is well."""

from __future__ import annotations

import polars as pl

from rules import terms
from rules.conversion import CONVERSION
from rules.scales import Scale


def other_marks(results: pl.DataFrame, marks: pl.DataFrame) -> pl.DataFrame:
    """Results (the ledger's columns) that are not those of the version of the mark that they name (`id`, `component`,
    `mark`, `status`): AWD-1."""
    named = results.filter(pl.col("mark_id").is_not_null()).join(
        marks.select(pl.col("id").alias("mark_id"), "mark", component_of="component", status_of="status"),
        on="mark_id", how="left", maintain_order="left",
    )  # fmt: skip
    same = (
        pl.col("component").eq_missing(pl.col("component_of"))
        & pl.col("raw").cast(pl.Int64).eq_missing(pl.col("mark").cast(pl.Int64))
        & pl.col("status").eq_missing(pl.col("status_of"))
    )
    return named.filter(~same).select(results.columns)


def other_grades(results: pl.DataFrame, tables: pl.DataFrame) -> pl.DataFrame:
    """Graded results whose UMS and grade are not what a table gives for the raw mark (AWD-1, AWD-2), and absent or
    pending ones that have more than they may (AWD-4). `tables`: `rules.conversion.CONVERSION` of one series, with those
    in whose place a correction has put another (RES-7)."""
    key = ["component", "raw", "ums", "grade"]
    given = tables.select(pl.col(name).cast(CONVERSION[name]) for name in key).unique()
    named = results.with_columns(pl.col("raw").cast(CONVERSION["raw"]), pl.col("ums").cast(CONVERSION["ums"]))
    found = named.join(given.with_columns(there=pl.lit(value=True)), on=key, how="left", maintain_order="left")
    graded = pl.col("there").fill_null(value=False)
    absent = (pl.col("ums") == 0) & (pl.col("grade") == "")
    pending = pl.col("ums").is_null() & (pl.col("grade") == "")
    right = (
        pl.when(pl.col("outcome") == terms.GRADED)
        .then(graded)
        .when(pl.col("outcome") == terms.ABSENT)
        .then(absent)
        .otherwise(pending)
    )
    return found.filter(~right.fill_null(value=False)).select(results.columns)


def other_awards(awards: pl.DataFrame, choices: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """Awards (the ledger's columns, as `choices`) whose UMS are not the sum of the sittings that count, or whose grade
    is not that of the scale (CRT-3)."""
    key = ["centre", "uci", "registration"]
    sums = choices.filter("counts").group_by(key).agg(pl.col("ums").cast(pl.Int64).sum().alias("sum"))
    thresholds = pl.DataFrame(
        [(threshold.minimum, threshold.grade) for threshold in scale.thresholds],
        schema={"sum": pl.Int64, "grade_of": pl.String}, orient="row",
    ).sort("sum")  # fmt: skip
    found = (
        awards.filter(pl.col("outcome") == terms.AWARDED)
        .join(sums, on=key, how="left", maintain_order="left")
        .with_columns(pl.col("sum").fill_null(-1))
        .sort("sum", maintain_order=True)
        .join_asof(thresholds, on="sum")
    )
    right = (pl.col("ums").cast(pl.Int64) == pl.col("sum")) & pl.col("grade").eq_missing(pl.col("grade_of"))
    return found.filter(~right.fill_null(value=False)).select(awards.columns).sort("centre", "candidate", "uci")
