"""The centres of a series, and how far each is: one picture of all, and fifty at a time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import polars as pl
from attrs import evolve, frozen
from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from pipeline.console import pictures
from pipeline.console.snapshots import FILTERS, MILESTONES, OF, ORDERS, TITLES
from pipeline.console.visit import PAGE, Looks

routes = APIRouter()


@frozen(kw_only=True)
class Wanted:
    """Which centres, in what order, which page (from 1)."""

    only: str = ""
    sort: str = "centre"
    down: bool = False
    starts: str = ""
    page: int = 1

    def query(self, series: str, **changed: Any) -> str:
        """The same choice with changes, as the query of an address."""
        wish = evolve(self, **changed)
        given = {
            "series": series, "only": wish.only, "sort": wish.sort if wish.sort != "centre" else "",
            "down": "1" if wish.down else "", "starts": wish.starts, "at": wish.page if wish.page > 1 else "",
        }  # fmt: skip
        return "?" + urlencode({name: value for name, value in given.items() if value})


@routes.get("/centres")
def centres(
    visit: Looks,
    series: str = "",
    only: str = "",
    sort: str = "centre",
    down: bool = False,
    starts: str = "",
    at: int = 1,
) -> HTMLResponse:
    """The grid of centres and milestones, and the picture of all centres."""
    desk, its = visit.desk(), visit.series(series)
    wanted = Wanted(only=only, sort=sort, down=down, starts=starts, page=at)
    if wanted.only not in FILTERS or wanted.sort not in ORDERS:
        raise HTTPException(404, "There is no such list of centres.")
    snapshot = visit.console.snapshot(desk, its)
    some = snapshot.centres.filter(FILTERS[wanted.only][1])
    if wanted.starts:
        some = some.filter(pl.col("centre").str.starts_with(wanted.starts))
    ordered = some.sort(wanted.sort, "centre", descending=[wanted.down, False])
    last = max(-(-ordered.height // PAGE), 1)
    here = min(max(wanted.page, 1), last)
    rows = ordered.slice((here - 1) * PAGE, PAGE)
    shown = {
        "series": its,
        "counted": snapshot.at,
        "picture": pictures.overview(some, "centres/", f"?series={its.id}"),
        "reached": dict(some.group_by("reached").len().sort("reached").iter_rows()),
        "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
        "summary": _summary(some),
        "rows": list(rows.iter_rows(named=True)),
        "names": desk.register.names(rows["centre"].to_list()),
        "total": ordered.height,
        "of_all": snapshot.centres.height,
        "filters": {name: words for name, (words, _) in FILTERS.items()},
        "wanted": wanted,
        "at": here,
        "last": last,
    }
    return visit.page("centres.html", desk, shown)


def _summary(some: pl.DataFrame) -> dict[str, dict[str, int]]:
    """How many centres have completed each milestone, partly completed it, or not begun it."""
    return {name: dict(some.group_by(f"{name}_state").len().iter_rows()) for name in MILESTONES}
