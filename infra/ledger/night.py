"""The night of results as the ledger has it: versions, files, centres, and the jobs that publish."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import Engine, func, select

from infra.ledger import sql
from infra.ledger.tables import awardings, beats, kept_back, looks, release_files
from rules.frames import INSTANT, Frame

CENTRES: Frame = {
    "centre": pl.String,
    "planned": pl.Int64,
    "published": pl.Int64,
    "last": INSTANT,
    "stale": pl.Int64,
    "kept_back": pl.Int64,
}
FILES: Frame = {
    "version": pl.Int64,
    "audience": pl.String,
    "centre": pl.String,
    "place": pl.String,
    "sha256": pl.String,
    "published_at": INSTANT,
    "manifest_sha256": pl.String,
}


@frozen
class NightRows:
    """`versions` by audience, the newest first: `version`, `kind`, `state`, `manifest_sha256`, `audience` (None: no
    file was built), files `planned` and `published`, `first` and `last` when, centres `kept_back`. `centres`
    (`CENTRES`) with learners who are stale (AWD-5) and who were kept back. `beats`: when each job has worked last."""

    versions: Sequence[Mapping[str, Any]]
    centres: pl.DataFrame
    beats: Mapping[str, datetime]


def night(engine: Engine, series: str) -> NightRows:
    """The night of a series."""
    w, f, k = awardings.c, release_files.c, kept_back.c
    back = select(func.count()).where(k.awarding_id == w.id).correlate(awardings).scalar_subquery()
    by_audience = (
        select(
            w.version, w.kind, w.state, w.manifest_sha256, f.audience,
            func.count(f.place).label("planned"), func.count(f.published_at).label("published"),
            func.min(f.published_at).label("first"), func.max(f.published_at).label("last"), back.label("kept_back"),
        )
        .outerjoin(release_files, f.awarding_id == w.id)
        .where(w.series == series)
        .group_by(w.id, f.audience)
        .order_by(w.version.desc(), f.audience)
    )  # fmt: skip
    by_centre = (
        select(
            f.centre, func.count().label("planned"), func.count(f.published_at).label("published"),
            func.max(f.published_at).label("last"),
        )
        .join(awardings, w.id == f.awarding_id)
        .where(w.series == series, f.centre != "")
        .group_by(f.centre)
    )  # fmt: skip
    held = (
        select(k.centre, func.sum(k.learners).label("kept_back"))
        .join(awardings, w.id == k.awarding_id)
        .where(w.series == series)
        .group_by(k.centre)
    )
    frames = [
        sql.frame(engine, query, {str(column.key): CENTRES[str(column.key)] for column in query.selected_columns})
        for query in (by_centre, _stale(series), held)
    ]
    centres = frames[0]
    for more in frames[1:]:
        centres = centres.join(more, on="centre", how="full", coalesce=True)
    with engine.connect() as connection:
        versions = [dict(row) for row in connection.execute(by_audience).mappings()]
        beaten = connection.execute(select(beats.c.job, beats.c.last).order_by(beats.c.job))
        last = {row.job: row.last for row in beaten}
    return NightRows(versions, centres.with_columns(pl.col(pl.Int64).fill_null(0)).select(*CENTRES), last)


def night_files(engine: Engine, series: str) -> pl.DataFrame:
    """Every file of the results of a series (`FILES`), by version and place."""
    w, f = awardings.c, release_files.c
    query = (
        select(w.version, f.audience, f.centre, f.place, f.sha256, f.published_at, w.manifest_sha256)
        .join(awardings, w.id == f.awarding_id)
        .where(w.series == series)
        .order_by(w.version, f.place)
    )
    return sql.frame(engine, query, FILES)


def _stale(series: str) -> sa.Select[Any]:
    """Learners of whom the last comparison of ledger and version found something else (AWD-5), by centre."""
    w, t = awardings.c, looks.c
    last = (
        select(t.centres)
        .join(awardings, w.id == t.awarding_id)
        .where(w.series == series)
        .order_by(w.version.desc(), t.id.desc())
        .limit(1)
        .subquery()
    )
    each = func.jsonb_each_text(last.c.centres).table_valued("key", "value")
    return select(each.c.key.label("centre"), sa.cast(each.c.value, sa.BigInteger).label("stale")).select_from(
        last.join(each, sa.true())
    )
