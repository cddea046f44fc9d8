"""What waits for approval, and every version of the results (OPS-4)."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console import decisions
from pipeline.console.visit import Looks

routes = APIRouter()


@routes.get("/approval")
def approval(visit: Looks, series: str = "") -> HTMLResponse:
    """What waits for approval, and the previews."""
    desk, its = visit.desk(), visit.series(series)
    awardings, states = desk.console.approval(its.id)
    rows = [
        {**awarding, "preview": f"award/{awarding['series']}/{awarding['version']}/index.html"}
        for awarding in awardings
    ]
    here = {"series": its, "awardings": rows, "states": states}
    return visit.page("approval.html", desk, here | decisions.waiting(desk, visit.person, visit.now, its.id))
