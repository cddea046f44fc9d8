"""Corrections of results that are out (RES-7), and what is withheld (RES-8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from infra.ledger.corrections import Case
from pipeline.console.listing import Turned, listing, of_rows
from pipeline.console.visit import Reads
from pipeline.results.withholding import holds
from rules.corrections import KINDS

routes = APIRouter()

ORDERS: dict[str, Callable[[Case], Any]] = {
    "number": lambda case: case.number,
    "kind": lambda case: KINDS[case.kind].title if case.kind else None,
    "requested": lambda case: case.requested_on,
    "state": lambda case: case.state,
}
"""By what the cases can be sorted."""


@routes.get("/corrections")
def corrections(visit: Reads, turn: Turned, series: str = "") -> HTMLResponse:
    """The cases of a series, and what is withheld in any."""
    desk, its = visit.desk(), visit.series(series)
    listed = sorted(desk.corrections.all(its.id), key=lambda case: -case.number)
    cases = listing("corrections", {"series": its.id}, turn, of_rows(listed, ORDERS), list(ORDERS))
    shown = {"series": its, "list": cases, "kinds": KINDS, "holds": list(holds(desk).iter_rows(named=True))}
    return visit.page("corrections.html", desk, shown)
