"""An act of staff about a centre: what must be said, then its effect, then who and why, then the record (OPS-3)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console.acts import ACTS, Act, Asked
from pipeline.console.shown import known_centre
from pipeline.console.visit import FROM_HERE, Acts, Visit
from pipeline.orders import Order

routes = APIRouter()


@routes.get("/centres/{centre}/acts/{name}")
def act(visit: Acts, request: Request, centre: str, name: str, series: str = "") -> HTMLResponse:
    """The questions of an act; with all of them answered in the address, its effect. Nothing is done."""
    return _page(visit, centre, name, series, dict(request.query_params))


@routes.post("/centres/{centre}/acts/{name}", dependencies=[FROM_HERE])
async def act_done(visit: Acts, request: Request, centre: str, name: str, series: str = "") -> Response:
    """Does it, and puts on record who and why; if that is refused, the page says why. An effect that has changed since
    it was shown is shown again instead."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_done, visit, centre, name, said.get("series", series), said)


def _done(visit: Visit, centre: str, name: str, series: str, said: dict[str, str]) -> Response:
    its, asked = _known(name), _asked(visit, centre, series, said)
    why, refusal = said.get("why", "").strip(), ""
    if not why:
        refusal = "say why: it is recorded"
    else:
        try:
            if _print(its.effect(visit.desk(), asked)) != said.get("shown"):
                refusal = "the effect has changed since it was shown: look at it again"
            else:
                its.do(visit.desk(), asked)
        except ValueError as error:
            refusal = str(error)
    if refusal:
        page = _page(visit, centre, name, series, said, refusal=refusal, why=why)
        page.status_code = 409
        return page
    return RedirectResponse(f"{visit.below}/centres/{centre}?series={asked.series.id}#acted", 303)


def _page(
    visit: Visit, centre: str, name: str, series: str, said: dict[str, str], *, refusal: str = "", why: str = ""
) -> HTMLResponse:
    desk, its = visit.desk(), _known(name)
    known_centre(centre)
    asked, effect = _asked(visit, centre, series, said), None
    if all(said.get(field.name, "").strip() for field in its.fields):
        try:
            effect = its.effect(desk, asked)
        except ValueError as error:
            refusal = refusal or str(error)
    shown: dict[str, Any] = {
        "series": asked.series,
        "centre": centre,
        "name": name,
        "act": its,
        "fields": [(field, field.choices and field.choices(desk, asked.series.id)) for field in its.fields],
        "said": {field.name: said.get(field.name, "") for field in its.fields},
        "effect": effect,
        "print": _print(effect or ()),
        "refusal": refusal.rstrip("."),
        "why": why,
    }
    return visit.page("act.html", desk, shown)


def _known(name: str) -> Act:
    if name not in ACTS:
        raise HTTPException(404, "There is no such act.")
    return ACTS[name]


def _asked(visit: Visit, centre: str, series: str, said: dict[str, str]) -> Asked:
    order = Order(visit.person.name, said.get("why", "").strip()[:500], visit.now)
    return Asked(centre, visit.series(series), said, order)


def _print(effect: tuple[tuple[str, str], ...]) -> str:
    """What was shown, so that nothing else is done."""
    return sha256(repr(effect).encode()).hexdigest()
