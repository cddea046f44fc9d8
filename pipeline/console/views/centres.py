"""The centres of a series, and how far each is: one picture of all, and fifty at a time."""

from __future__ import annotations

import polars as pl
from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from pipeline.console import pictures
from pipeline.console.listing import Page, Turned, listing
from pipeline.console.snapshots import FILTERS, MILESTONES, OF, ORDERS, TITLES
from pipeline.console.visit import Looks

routes = APIRouter()


@routes.get("/centres")
def centres(
    visit: Looks,
    turn: Turned,
    series: str = "",
    only: str = "",
    starts: str = "",
) -> HTMLResponse:
    """The grid of centres and milestones, and the picture of all centres."""
    desk, its = visit.desk(), visit.series(series)
    if only not in FILTERS:
        raise HTTPException(404, "There is no such list of centres.")
    snapshot = visit.console.snapshot(desk, its)
    some = snapshot.centres.filter(FILTERS[only][1])
    if starts:
        some = some.filter(pl.col("centre").str.starts_with(starts))

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        ordered = some.sort(sort or "centre", "centre", descending=[down, False])
        return list(ordered.slice(offset, limit).iter_rows(named=True)), some.height

    rows = listing("centres", {"series": its.id, "only": only, "starts": starts}, turn, page, list(ORDERS))
    shown = {
        "series": its,
        "counted": snapshot.at,
        "picture": pictures.overview(some, "centres/", f"?series={its.id}"),
        "reached": dict(some.group_by("reached").len().sort("reached").iter_rows()),
        "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
        "summary": _summary(some),
        "list": rows,
        "names": desk.register.names([row["centre"] for row in rows.rows]),
        "of_all": snapshot.centres.height,
        "filters": {name: words for name, (words, _) in FILTERS.items()},
        "only": only,
        "starts": starts,
    }
    return visit.page("centres.html", desk, shown)


def _summary(some: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many centres have completed each milestone, partly completed it, or not begun it."""
    return {name: dict(some.group_by(f"{name}_state").len().iter_rows()) for name in MILESTONES}
