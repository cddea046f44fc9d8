"""A case is opened to correct results that are out (RES-7)."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.approvals import Signature
from pipeline.console.visit import FROM_HERE, Acts, Visit, refused
from pipeline.corrections import cases
from pipeline.corrections.effect import CorrectionError
from rules import terms
from rules.catalogue import LONDON
from rules.corrections import KINDS

routes = APIRouter()

_OPENED = ("about", "kind", "requested_by", "requested_on", "consent")


@routes.get("/corrections/open")
def correct(visit: Acts, series: str = "") -> HTMLResponse:
    """What must be said to open a case."""
    return _opening(visit, series, {})


@routes.post("/corrections/open", dependencies=[FROM_HERE])
async def opened(visit: Acts, request: Request) -> Response:
    """Opens a case, and puts on record who and why; if that is refused, the page says why."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_open, visit, said)


def _open(visit: Visit, said: dict[str, str]) -> Response:
    desk, series, why = visit.desk(), visit.series(said.get("series", "")), said.get("why", "").strip()[:500]
    asked = cases.Request(
        kind=said.get("kind", ""), about=said.get("about", "").replace(",", " ").split(),
        by=said.get("requested_by", ""), on=said.get("requested_on", ""), consent=said.get("consent", ""),
    )  # fmt: skip
    by = Signature(how=terms.BY_CONSOLE)
    try:
        case = cases.open_case(desk, series, asked, visit.person.name, why, visit.now, by)
    except CorrectionError as error:
        return refused(_opening(visit, series.id, said, str(error)))
    return RedirectResponse(f"{visit.below}/corrections/{case.number}?series={series.id}", 303)


def _opening(visit: Visit, series: str, said: dict[str, str], refusal: str = "") -> HTMLResponse:
    today = f"{visit.now.astimezone(LONDON):%Y-%m-%d}"
    shown = {
        "series": visit.series(series),
        "kinds": {name: kind for name, kind in KINDS.items() if not kind.withholds},
        "said": {name: said.get(name, today if name == "requested_on" else "") for name in _OPENED},
        "refusal": refusal.rstrip("."),
        "why": said.get("why", ""),
    }
    return visit.page("correct.html", visit.desk(), shown)
