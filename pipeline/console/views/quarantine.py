"""The held files, and the decisions made about them."""

from __future__ import annotations

from operator import itemgetter

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.listing import Turned, listing, of_rows
from pipeline.console.visit import Reads

routes = APIRouter()

ORDERS = ("centre", "at", "who", "action")
"""By what the decided files can be sorted."""


@routes.get("/quarantine")
def quarantine(visit: Reads, turn: Turned, series: str = "") -> HTMLResponse:
    """The files that wait for a person, and those that a person has decided about."""
    desk, its = visit.desk(), visit.series(series)
    held, decided = desk.console.quarantine()
    fetch = of_rows(list(decided.iter_rows(named=True)), {name: itemgetter(name) for name in ORDERS})
    shown = {
        "series": its,
        "held": list(held.iter_rows(named=True)),
        "list": listing("quarantine", {"series": its.id}, turn, fetch, ORDERS),
    }
    return visit.page("quarantine.html", desk, shown)
