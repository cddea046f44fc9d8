"""What should have arrived and has not (OPS-2), and the checkpoints (OPS-1)."""

from __future__ import annotations

from operator import itemgetter

import polars as pl
from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.listing import Turned, listing, of_rows
from pipeline.console.snapshots import FILTERS
from pipeline.console.visit import Looks
from rules import checkpoints

routes = APIRouter()

ORDERS = ("centre", "lacking", "internal", "learners")
"""By what the centres with marks outstanding can be sorted."""


@routes.get("/watch")
def watch(visit: Looks, turn: Turned, series: str = "") -> HTMLResponse:
    """What the watch has seen."""
    desk, its = visit.desk(), visit.series(series)
    snapshot = visit.console.snapshot(desk, its)
    centres, silent = snapshot.centres, snapshot.silent
    due = {event: desk.catalogue.milestone(its, event, visit.now) for event in ("window_closes", "marks_deadline")}
    lacking = centres.filter(pl.col("marks") < pl.col("internal")).with_columns(
        (pl.col("internal") - pl.col("marks")).alias("lacking")
    )
    most = lacking.sort("lacking", "centre", descending=[True, False])
    taken = [
        {**checkpoint, "report": f"checkpoints/{its.id}-{checkpoint['event']}.html"}
        for checkpoint in desk.console.watch(its.id)
    ]
    fetch = of_rows(list(most.iter_rows(named=True)), {name: itemgetter(name) for name in ORDERS})
    shown = {
        "series": its,
        "silent": silent[:500],
        "silent_total": len(silent),
        "not_entered": centres.filter(FILTERS["not-entered"][1]).height,
        "list": listing("watch", {"series": its.id}, turn, fetch, ORDERS),
        "due": due,
        "checkpoints": taken,
        "reasons": checkpoints.REASONS,
    }
    return visit.page("watch.html", desk, shown)
