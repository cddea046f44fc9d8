"""The claims that a change of an examination's date judges otherwise (CAL-7, CRT-4)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from attrs import frozen

from pipeline.desk import Desk
from rules import terms
from rules.catalogue import Catalogue, Series, StaffDate
from rules.certification import otherwise_by_calendar

EXAMINED = ("exam", "task_window_closes")
"""The dates from which on a resit stands in the way of a claim for an earlier series."""


@frozen
class ClaimsOtherwise:
    """How many claims of how many learners with a cash-in code in a series (its id) are judged otherwise. `barred`:
    they can no longer be awarded; else they can be again."""

    series: str
    option: str
    barred: bool
    claims: int
    learners: int


def claims_otherwise(
    desk: Desk, series: Series, after: StaffDate, calendars: tuple[Catalogue, Catalogue]
) -> Sequence[ClaimsOtherwise]:
    """CAL-7, CRT-4: of claims for earlier series than `series` that are not awarded and out, those of which another
    date, `after`, decides otherwise; `calendars`: without it and with it."""
    if after.event not in EXAMINED:
        return ()
    found = []
    for earlier in desk.catalogue.all_series():
        if earlier.id >= series.id:
            continue
        claims = _open_claims(desk, earlier.id)
        if claims.is_empty():
            continue
        later = desk.results.later(earlier.id).filter(pl.col("series") == series.id)
        moved = otherwise_by_calendar(claims, later, calendars, after.since)
        counted = moved.group_by("option", "barred").agg(pl.len(), pl.col("uci").n_unique()).sort("option", "barred")
        found += [ClaimsOtherwise(earlier.id, *row) for row in counted.iter_rows()]
    return found


def _open_claims(desk: Desk, series: str) -> pl.DataFrame:
    """AWD-6: what is awarded and out is not judged again."""
    awarded = desk.results.current(series, released=True)["awards"].filter(pl.col("outcome") == terms.AWARDED)
    key = ["centre", "uci", "option"]
    out = awarded.select("centre", "uci", pl.col("cash_in").alias("option")).cast(pl.String)
    return desk.results.claims(series).join(out, on=key, how="anti")
