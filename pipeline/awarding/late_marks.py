"""Marks that come after the award, for results that waited for them (AWD-4): those of an adjusted cohort are adjusted
too (MOD-2)."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from infra.ledger.moderation import CohortName
from pipeline.desk import Desk
from pipeline.steps import LATE_ADJUSTED
from rules import terms
from rules.catalogue import Series
from rules.frames import AS_ISSUED
from rules.moderation import Adjustment, apply


def adjust_late(desk: Desk, series: Series, now: datetime) -> int:
    """MOD-2, AWD-4: marks of adjusted cohorts that came after the award, for results that waited for them, are adjusted
    as the others were, by the curve that was approved for every mark of the cohort. Returns how many."""
    book, count = desk.moderation, 0
    waiting = desk.results.waiting_centres(series.id).implode()
    adjusted = book.standing(series.id).filter(~pl.col("centre").is_in(waiting), state=terms.ADJUSTED)
    at = max((one.at for one in desk.results.issued(series.id) if one.kind == terms.WHOLE_SERIES), default=now)
    issued = desk.results.as_issued(series.id, before=False) if adjusted.height else pl.DataFrame(schema=AS_ISSUED)
    out = issued.filter(pl.col("outcome") != terms.PENDING, pl.col("series") == series.id)
    for centre, component in adjusted.select("centre", "component").iter_rows():
        with book.transaction() as connection:
            cohort = book.named(connection, CohortName(series.id, centre, component))
            if cohort is None or cohort.adjustment is None:
                continue
            settled = out.filter(centre=centre, component=component)["uci"].implode()
            late = pl.col("received") >= at, ~pl.col("uci").is_in(settled)
            marks = book.own_marks(connection, cohort).filter(*late)
            if not marks.is_empty():
                book.adjust(connection, cohort, apply(marks, Adjustment.of(cohort.adjustment)), now)
            count += marks.height
        LATE_ADJUSTED.passed()
    return count
