"""What waits for staff about learners (ENT-7, REG-7, REG-8): entries refused because the learner is entered at another
centre, with both centres, and records that may be of two people."""

from __future__ import annotations

import polars as pl

from pipeline.desk import Desk
from rules import findings as f

CODES = (f.ENTERED_ELSEWHERE.name, f.UCI_TWO_PEOPLE.name, f.UCI_NOT_CORRECTED.name)


def waiting(desk: Desk) -> pl.DataFrame:
    """What waits, the oldest first: `received`, `centre`, `candidate`, `uci`, `option`, `series`, `code`, and for ENT-7
    `other`, the centre at which the learner is entered. What has been solved since is left out."""
    rows = desk.learners.doubts(CODES)
    ids = {(series.key, series.awarding_body): series.id for series in desk.catalogue.all_series()}
    series = [ids.get((key, body), "") for key, body in rows.select("key", "awarding_body").iter_rows()]
    rows = rows.with_columns(pl.Series("series", series, dtype=pl.String))
    held = desk.learners.entered(rows["uci"].unique().to_list())
    key = ["uci", "series", "option"]
    own = rows.join(held, on=["centre", *key], how="semi").select("submission_id", "ordinal")
    elsewhere = rows.join(held.rename({"centre": "other"}), on=key).filter(pl.col("other") != pl.col("centre"))
    refused = elsewhere.select("submission_id", "ordinal", "other").unique(["submission_id", "ordinal"])
    of_entries = pl.col("code") == f.ENTERED_ELSEWHERE.name
    return (
        rows.join(own, on=["submission_id", "ordinal"], how="anti", maintain_order="left")
        .join(refused, on=["submission_id", "ordinal"], how="left", maintain_order="left")
        .filter(~of_entries | pl.col("other").is_not_null())
        .unique(["centre", "candidate", "series", "option", "code"], keep="last", maintain_order=True)
        .select("received", "centre", "candidate", "uci", "option", "series", "code", pl.col("other").fill_null(""))
    )
