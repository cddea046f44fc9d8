"""An act of staff, about a centre or the desk: what must be said, its effect, who and why, then the record (OPS-3)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from attrs import evolve
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console.acts import DESK_ACTS, Act, Asked
from pipeline.console.every_act import EVERY
from pipeline.console.shown import known_centre, without_ucis
from pipeline.console.visit import FROM_HERE, Acts, Visit, refused
from pipeline.orders import Order
from rules import terms

routes = APIRouter()


@routes.get("/centres/{centre}/acts/{name}")
def act(visit: Acts, request: Request, centre: str, name: str, series: str = "") -> HTMLResponse:
    """The questions of an act; with all of them answered by a link of ours, its effect. Nothing is done."""
    return _page(visit, centre, name, series, _linked(request, _known(name, centre)))


@routes.post("/centres/{centre}/acts/{name}", dependencies=[FROM_HERE])
async def act_done(visit: Acts, request: Request, centre: str, name: str, series: str = "") -> Response:
    """Does it, and puts on record who and why; if that is refused, the page says why. An effect that has changed since
    it was shown is shown again instead, and what has not been shown yet is shown."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_done, visit, centre, name, said.get("series", series), said)


@routes.get("/acts/{name}")
def desk_act(visit: Acts, request: Request, name: str, series: str = "") -> HTMLResponse:
    """The questions of an act about no centre, and its effect, as above."""
    return _page(visit, "", name, series, _linked(request, _known(name, "")))


@routes.post("/acts/{name}", dependencies=[FROM_HERE])
async def desk_act_done(visit: Acts, request: Request, name: str, series: str = "") -> Response:
    """Does it, as above."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_done, visit, "", name, said.get("series", series), said)


def _done(visit: Visit, centre: str, name: str, series: str, said: dict[str, str]) -> Response:
    its, asked = _known(name, centre), _asked(visit, centre, series, said)
    if "shown" not in said:
        return _page(visit, centre, name, series, said)
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
        return refused(_page(visit, centre, name, series, said, refusal=refusal, why=why))
    back = f"{its.back}?" if its.back else f"centres/{centre}?"
    return RedirectResponse(f"{visit.below}/{back}series={asked.series.id}{'' if its.back else '#acted'}", 303)


def _page(
    visit: Visit, centre: str, name: str, series: str, said: dict[str, str], *, refusal: str = "", why: str = ""
) -> HTMLResponse:
    desk, its = visit.desk(), _known(name, centre)
    asked, effect = _asked(visit, centre, series, said), None
    begun = any(field.name in said for field in its.fields)
    said = said if begun else {**said, **its.held(desk, asked)}
    asked = evolve(asked, said={field.name: "" for field in its.fields} | said)
    if begun and all(asked.said[field.name].strip() for field in its.fields if field.needed):
        try:
            effect = its.effect(desk, asked)
        except ValueError as error:
            refusal = refusal or str(error)
    shown: dict[str, Any] = {
        "series": asked.series,
        "centre": centre,
        "address": f"centres/{centre}/acts/{name}" if centre else f"acts/{name}",
        "act": its,
        "fields": [(field, field.choices and field.choices(desk, asked.series.id)) for field in its.fields],
        "said": {field.name: said.get(field.name, "") for field in its.fields},
        "effect": effect,
        "print": _print(effect or ()),
        "refusal": without_ucis(refusal.rstrip("."), said.values()),
        "why": why,
    }
    return visit.page("act.html", desk, shown)


def _linked(request: Request, its: Act) -> dict[str, str]:
    """What is taken from an address; anything else that stands in one is not."""
    return {
        field.name: request.query_params[field.name]
        for field in its.fields
        if field.linked and field.name in request.query_params
    }


def _known(name: str, centre: str) -> Act:
    if centre:
        known_centre(centre)
    acts = EVERY if centre else DESK_ACTS
    if name not in acts:
        raise HTTPException(404, "There is no such act.")
    return acts[name]


def _asked(visit: Visit, centre: str, series: str, said: dict[str, str]) -> Asked:
    order = Order(visit.person.name, said.get("why", "").strip()[:500], visit.now, terms.BY_CONSOLE)
    return Asked(centre, visit.series(series), said, order)


def _print(effect: tuple[tuple[str, str], ...]) -> str:
    """What was shown, so that nothing else is done."""
    return sha256(repr(effect).encode()).hexdigest()
