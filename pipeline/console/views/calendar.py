"""The dates of a series in force, what staff have changed, and the form by which somebody asks for another (CAL-7)."""

from __future__ import annotations

from fastapi import APIRouter, Form, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console import dates
from pipeline.console.visit import FROM_HERE, Acts, Looks, refused
from pipeline.orders import StaffError

routes = APIRouter()


@routes.get("/calendar")
def calendar(visit: Looks, series: str = "") -> HTMLResponse:
    """The dates of a series, and what staff have changed (CAL-7)."""
    desk = visit.desk()
    return visit.page("calendar.html", desk, dates.shown(desk, visit.series(series), visit.now))


@routes.post("/calendar", dependencies=[FROM_HERE])
async def date_asked_for(
    visit: Acts, series: str = Form(""), event: str = Form(""), component: str = Form(""), day: str = Form(""),
    since: str = Form(""), why: str = Form(""),
) -> Response:  # fmt: skip
    """Puts on record that a date is to change (CAL-7); if that is refused, the page says why."""
    desk = visit.desk()
    given = {"series": series, "event": event, "component": component, "day": day, "since": since, "why": why}
    try:
        number = await run_in_threadpool(dates.asked, desk, given, visit.person, visit.now)
    except StaffError as error:
        shown = await run_in_threadpool(dates.shown, desk, visit.series(series), visit.now)
        return refused(visit.page("calendar.html", desk, shown | {"refusal": str(error), "asked": given}))
    return RedirectResponse(f"{visit.below}/calendar/{number}", 303)
