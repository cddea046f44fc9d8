"""Which certificates are due, and when (CRT-7)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from rules import terms
from rules.catalogue import Catalogue, Milestone, Series
from rules.frames import INSTANT

CERTIFICATES: dict[str, Any] = {
    "due": pl.Date,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "registration": pl.String,
    "cash_in": pl.String,
    "ums": pl.Int32,
    "grade": pl.String,
    "claimed_at": INSTANT,
}
"""A row a certificate: `due` is the day by which it should be at the centre; null: it was not asked for in time."""


def certificates(
    awards: pl.DataFrame,
    asked: pl.DataFrame,
    series: Series,
    catalogue: Catalogue,
    at: datetime,
    rests_on: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """CRT-7: the certificates of the awards of a series (`rules.certification.AWARDS`), by day, centre and candidate
    (`CERTIFICATES`), by the calendar and scale in force at `at` (aware).

    Claims made up to the end of the late window are due on the series' day, later ones only if `asked` for with the
    claim (`rules.frames.ASKED`). Ours: a U is a result without a certificate. `rests_on`: the `sittings` that count for
    an award (`claim_id`) of a learner who has several, in words that are the same for the same sittings.
    """
    of = pl.DataFrame(schema={"claim_id": pl.Int64, "sittings": pl.String}) if rests_on is None else rests_on
    due = due_day(series, catalogue, at)
    closes = catalogue.milestone(series, "late_claims_close", at)
    ungraded = catalogue.scale(terms.QUALIFICATION, at).thresholds[-1].grade
    in_time = pl.lit(value=True) if closes is None else pl.col("claimed_at") < closes.at.astimezone(UTC)
    wanted = asked.select("centre", "uci", pl.col("option").alias("cash_in"), pl.lit(value=True).alias("asked"))
    return (
        awards.filter((pl.col("outcome") == terms.AWARDED) & (pl.col("grade") != ungraded))
        # CRT-4: the same sittings are certificated once, at whatever centre they are claimed.
        .join(of, on="claim_id", how="left")
        .sort("claimed_at", "centre")
        .unique(["uci", "cash_in", "sittings"], keep="first", maintain_order=True)
        .join(wanted, on=["centre", "uci", "cash_in"], how="left")
        .with_columns(
            pl.when(in_time | pl.col("asked").fill_null(value=False))
            .then(pl.lit(due.day if due else None, pl.Date))
            .alias("due")
        )
        .select(pl.col(name).cast(kind) for name, kind in CERTIFICATES.items())
        .sort("due", "centre", "candidate", "cash_in", nulls_last=True)
    )


def due_day(series: Series, catalogue: Catalogue, at: datetime) -> Milestone | None:
    """The date of a series' certificates in the calendar in force at `at`."""
    return catalogue.milestone(series, "certificates_due", at)
