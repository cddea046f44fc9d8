"""The held files, and the decisions made about them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.visit import Reads

routes = APIRouter()


@routes.get("/quarantine")
def quarantine(visit: Reads) -> HTMLResponse:
    """The files that wait for a person, and those that a person has decided about."""
    desk = visit.desk()
    held, decided = desk.console.quarantine()
    shown = {"held": list(held.iter_rows(named=True)), "decided": list(decided.iter_rows(named=True))}
    return visit.page("quarantine.html", desk, shown)
