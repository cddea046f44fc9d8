"""Cohorts whose moderation had ended, and of which marks have come since that the next run of moderation looks at
again: until then their marks are not awarded (AWD-7, MOD-2, MOD-3)."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pipeline.desk import Desk
from rules import terms
from rules.catalogue import Series
from rules.moderation import drawn_anew, outdated

_COHORT = ["centre", "component"]


def cohorts(desk: Desk, series: Series) -> pl.DataFrame:
    """Every cohort of a series as it stands: `centre`, `component`, `state`, and `moved`: it is agreed, and its sample
    would be drawn anew (MOD-3) or its comparison would come to something else (MOD-2)."""
    standing = desk.moderation.standing(series.id)
    if standing.filter(state=terms.AGREED).is_empty():
        return standing.with_columns(moved=pl.lit(value=False))
    moved = pl.concat([_to_be_drawn(desk, series), _to_be_compared(desk, series)]).unique()
    return standing.join(moved.with_columns(came=pl.lit(value=True)), on=_COHORT, how="left").select(
        *standing.columns, moved=pl.col("came").fill_null(value=False) & (pl.col("state") == terms.AGREED)
    )


def _to_be_drawn(desk: Desk, series: Series) -> pl.DataFrame:
    # A file whose marks were booked days after it came is looked at by every run of moderation, within the day.
    learners, sampled = desk.moderation.changed(series.id, booked_within=timedelta())
    if learners.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(_COHORT, pl.String))
    return drawn_anew(learners, sampled, lambda size: desk.catalogue.sample_size(series, size)).select(_COHORT)


def _to_be_compared(desk: Desk, series: Series) -> pl.DataFrame:
    book, found = desk.moderation, []
    with book.transaction() as connection:
        for cohort in book.cohorts(book.marked_since(series.id)):
            part = desk.catalogue.component(cohort.component)
            assert part
            if outdated(
                book.sample(connection, cohort), cohort.tolerance, part.raw_max, cohort.state, cohort.adjustment
            ):
                found.append((cohort.centre, cohort.component))
    return pl.DataFrame(found, schema=dict.fromkeys(_COHORT, pl.String), orient="row")
