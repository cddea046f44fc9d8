"""Everything about a centre in a series."""

from __future__ import annotations

import polars as pl
from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from pipeline.console.shown import known_centre, with_words
from pipeline.console.snapshots import MILESTONES, OF, TITLES
from pipeline.console.visit import PAGE, Reads
from pipeline.desk import Desk
from pipeline.season.deadlines import deadlines_of
from rules.catalogue import Series

routes = APIRouter()


@routes.get("/centres/{centre}")
def centre(visit: Reads, centre: str, series: str = "", at: int = 1) -> HTMLResponse:
    """Everything about a centre in a series."""
    desk, its = visit.desk(), visit.series(series)
    known_centre(centre)
    snapshot = visit.console.snapshot(desk, its)
    row = snapshot.centres.filter(pl.col("centre") == centre)
    here = max(at, 1)
    rows = desk.console.centre(centre, its.id, its.key, its.awarding_body, visit.now, PAGE, (here - 1) * PAGE)
    if row.is_empty() and rows.total == 0:
        raise HTTPException(404, f"Nothing is known of centre {centre}.")
    by_component = rows.missing.group_by("component", maintain_order=True).agg(
        pl.len().alias("count"), pl.col("candidate").str.join(", ").alias("candidates")
    )
    shown = {
        "series": its,
        "centre": centre,
        "name": desk.register.names([centre]).get(centre, ""),
        "row": next(row.iter_rows(named=True), None),
        "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
        "files": list(rows.files.iter_rows(named=True)),
        "total": rows.total,
        "at": here,
        "last": max(-(-rows.total // PAGE), 1),
        "missing": list(by_component.iter_rows(named=True)),
        "missing_total": rows.missing.height,
        "silent": centre in snapshot.silent,
        "codes": with_words(rows.codes),
        "held": list(rows.held.iter_rows(named=True)),
        "cohorts": rows.cohorts,
        "letters": _letters(desk, centre, its),
        "keys": rows.keys,
        "acted": rows.acted,
        "deadlines": deadlines_of(desk, centre, visit.now, its.id),
    }
    return visit.page("centre.html", desk, shown)


def _letters(desk: Desk, centre: str, series: Series) -> list[str]:
    """Checkpoint letters of the series in the centre's outbox."""
    stored = desk.store.list(f"outbox/{centre}/")
    return sorted(
        each.key.rpartition("/")[2]
        for each in stored
        if each.kind == "file" and f"/checkpoint-{series.id}-" in each.key
    )
