"""What a learner who has everything for an award can choose: claim now, claim after a resit, or both, with the worst
and the best that each can come to (OPS-5, CRT-2 to CRT-4)."""

from __future__ import annotations

from typing import Any

import polars as pl

from rules import terms
from rules.certification import grade_of
from rules.scales import Scale

NOW, LATER, BOTH = "now", "later", "both"

COMPLETE: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "cash_in": pl.String,
    "ums": pl.Int32,
    "grade": pl.String,
}
"""Learners who would be awarded if they claimed: `ums` and `grade` are what they would be awarded."""

CHOICES: dict[str, Any] = COMPLETE | {
    "choice": pl.String,
    "worst_ums": pl.Int32,
    "worst_grade": pl.String,
    "best_ums": pl.Int32,
    "best_grade": pl.String,
    "entered": pl.Boolean,
}
"""A row a learner, qualification and choice (`now`, `later`, `both`): the least and the most UMS of the award that it
leads to, of `both` of the later one; `entered`: the external is entered again already."""

_LEARNER = ["uci", "registration"]


def hypothetical(results: pl.DataFrame, held: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Claims as `rules.frames.CLAIMS` that nobody has made: one for every learner and qualification of `results`
    (`rules.awarding.RESULTS`) that has no claim among those `held`. Their ids are below 0."""
    of_cash_in = parts.select("registration", pl.col("cash_in").alias("option")).unique()
    claimed = held.join(of_cash_in, on="option").select(_LEARNER)
    return (
        results.select("centre", "candidate", *_LEARNER)
        .sort("centre", "candidate", *_LEARNER)
        .unique(_LEARNER, keep="first", maintain_order=True)
        .join(claimed, on=_LEARNER, how="anti", maintain_order="left")
        .join(of_cash_in, on="registration", maintain_order="left")
        .select("centre", "candidate", "uci", "option")
        .with_row_index("id", offset=1)
        .with_columns(-pl.col("id").cast(pl.Int64))
    )


def choices(
    complete: pl.DataFrame,
    counting: pl.DataFrame,
    sittings: pl.DataFrame,
    allowances: pl.DataFrame,
    entered: pl.DataFrame,
    parts: pl.DataFrame,
    maxima: pl.DataFrame,
    scale: Scale,
    limit: int,
) -> pl.DataFrame:
    """OPS-5: what each learner can choose (`CHOICES`), by centre, candidate, qualification and choice.

    `complete` (`COMPLETE`); `counting`: the sitting that counts for each of their components (`uci`, `registration`,
    `component`, `ums`); `sittings` (`uci`, `component`, a row a sitting that was attended or is still to come
    before the later series), `allowances` (`rules.frames.ALLOWANCES`); `entered` (`uci`, `component`): entries in the
    later series; `parts` (`rules.awarding.PARTS`); `maxima` (`component`, `ums_max`, `offered` in the later series).
    `limit`: sittings that everybody is allowed of a component (ENT-3, ENT-4).

    Later is a choice only where the external may be sat again. Its worst is nothing for the external, whose final
    sitting counts, and for internal components what they have; its best is everything that can still be taken.
    """
    taken = sittings.group_by("uci", "component").agg(pl.len().alias("times"))
    granted = allowances.group_by("uci", pl.col("option").alias("component")).agg(pl.col("number").sum())
    each = (
        counting.join(parts.select("component", "external"), on="component")
        .join(maxima, on="component")
        .join(taken, on=["uci", "component"], how="left")
        .join(granted, on=["uci", "component"], how="left")
        .join(entered.with_columns(entered=pl.lit(value=True)), on=["uci", "component"], how="left")
        .with_columns(pl.col("entered").fill_null(value=False))
        .with_columns(
            again=pl.col("entered")
            | (pl.col("offered") & (pl.col("times").fill_null(0) < pl.col("number").fill_null(0) + limit))
        )
    )
    external, again = pl.col("external"), pl.col("again")
    bounds = each.group_by(_LEARNER).agg(
        (external & again).any().alias("may"),
        (external & pl.col("entered")).any().alias("entered"),
        pl.when(external).then(0).otherwise("ums").sum().cast(pl.Int32).alias("worst_ums"),
        pl.when(again).then("ums_max").otherwise("ums").sum().cast(pl.Int32).alias("best_ums"),
    )
    rows = complete.join(bounds, on=_LEARNER, maintain_order="left")
    later = rows.filter("may")
    now = rows.with_columns(pl.col("ums").alias("worst_ums"), pl.col("ums").alias("best_ums"))
    order = pl.Enum([NOW, LATER, BOTH])
    return (
        pl.concat([
            now.with_columns(choice=pl.lit(NOW)),
            later.with_columns(choice=pl.lit(LATER)),
            later.with_columns(choice=pl.lit(BOTH)),
        ])
        .with_columns(
            grade_of(pl.col("worst_ums"), scale).alias("worst_grade"),
            grade_of(pl.col("best_ums"), scale).alias("best_grade"),
        )
        .sort("centre", "candidate", "cash_in", "uci", pl.col("choice").cast(order))
        .select(pl.col(name).cast(kind) for name, kind in CHOICES.items())
    )  # fmt: skip


def complete(awards: pl.DataFrame) -> pl.DataFrame:
    """Those of hypothetical claims that would be awarded (`COMPLETE`), from `rules.certification.AWARDS`."""
    return awards.filter(pl.col("outcome") == terms.AWARDED).select(
        pl.col(name).cast(kind) for name, kind in COMPLETE.items()
    )
