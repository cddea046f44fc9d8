"""A change of the calendar: what follows from it, the decision, and undoing it (CAL-7)."""

from __future__ import annotations

from fastapi import APIRouter, Form, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console import dates
from pipeline.console.visit import FROM_HERE, Acts, Reads, Visit, refused
from pipeline.orders import StaffError

routes = APIRouter()


@routes.get("/calendar/{number}")
def change(visit: Reads, number: int) -> HTMLResponse:
    """A change of the calendar, and what follows from it (CAL-7)."""
    desk = visit.desk()
    return visit.page("change.html", desk, dates.change_shown(desk, number, visit.now))


@routes.post("/calendar/{number}", dependencies=[FROM_HERE])
async def change_decided(
    visit: Acts, number: int, verdict: str = Form(""), why: str = Form(""), sha256: str = Form("")
) -> Response:
    """Confirms or drops a change, bound to what the page showed (CAL-7); if that is refused, the page says why."""
    desk = visit.desk()
    try:
        await run_in_threadpool(dates.decided, desk, number, verdict, visit.person, why, visit.now, sha256)
    except StaffError as error:
        return await run_in_threadpool(_not_done, visit, number, str(error), why)
    return RedirectResponse(f"{visit.below}/calendar/{number}", 303)


@routes.post("/calendar/{number}/undo", dependencies=[FROM_HERE])
async def change_undone(visit: Acts, number: int, why: str = Form("")) -> Response:
    """Puts on record that a change is to be undone (CAL-7); if that is refused, the page says why."""
    desk = visit.desk()
    try:
        later = await run_in_threadpool(dates.undone, desk, number, visit.person, why, visit.now)
    except StaffError as error:
        return await run_in_threadpool(_not_done, visit, number, str(error), why)
    return RedirectResponse(f"{visit.below}/calendar/{later}", 303)


def _not_done(visit: Visit, number: int, refusal: str, why: str) -> Response:
    """The page once more, with the reason why nothing was done."""
    desk = visit.desk()
    shown = dates.change_shown(desk, number, visit.now)
    return refused(visit.page("change.html", desk, shown | {"refusal": refusal, "why": why}))
