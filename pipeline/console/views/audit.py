"""Who did what, over the whole desk: by person, kind, day and centre, and as CSV (OPS-3)."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
from attrs import evolve
from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse

from infra.ledger.deeds import Sought
from pipeline.console.deeds import joined
from pipeline.console.listing import Page, Turned, listing
from pipeline.console.visit import Reads
from pipeline.report_page import csv_bytes
from rules.calendar import instant_text
from rules.catalogue import LONDON

routes = APIRouter()


@routes.get("/audit")
def audit(
    visit: Reads,
    turn: Turned,
    series: str = "",
    who: str = "",
    action: str = "",
    centre: str = "",
    since: str = "",
    until: str = "",
) -> HTMLResponse:
    """What people did: the newest first, or the oldest."""
    desk, sought = visit.desk(), _sought(who, action, centre, since, until)
    seen = []

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        wish = evolve(sought, oldest=bool(sort) and not down)
        seen.append(joined(desk, visit.console.airflow, wish, limit, offset))
        return list(seen[-1].rows.deeds.iter_rows(named=True)), seen[-1].rows.total

    its = visit.series(series)
    given = {"series": its.id, "who": who, "action": action, "centre": centre, "since": since, "until": until}
    shown = {
        "series": its,
        "list": listing("audit", given, turn, page, orders=("at",)),
        "people": seen[-1].rows.people,
        "actions": seen[-1].rows.actions,
        "sought": given,
        "with_airflow": seen[-1].with_airflow,
    }
    return visit.page("audit.html", desk, shown)


@routes.get("/audit.csv")
def audit_csv(
    visit: Reads, who: str = "", action: str = "", centre: str = "", since: str = "", until: str = ""
) -> Response:
    """The same, all of it, as CSV; times in Europe/London."""
    sought = _sought(who, action, centre, since, until)
    deeds = joined(visit.desk(), visit.console.airflow, sought).rows.deeds
    told = deeds.with_columns(deeds["at"].map_elements(instant_text, return_dtype=pl.String).alias("at"))
    headers = {"Content-Disposition": 'attachment; filename="who-did-what.csv"'}
    return Response(csv_bytes(told), media_type="text/csv", headers=headers)


def _sought(who: str, action: str, centre: str, since: str, until: str) -> Sought:
    last = _day(until)
    return Sought(who=who, action=action, centre=centre, since=_day(since), until=last and last + timedelta(days=1))


def _day(said: str) -> datetime | None:
    """The beginning of a day in London; None for none; raises `HTTPException` for what is no day."""
    try:
        return datetime.fromisoformat(f"{said}T00:00:00").replace(tzinfo=LONDON) if said else None
    except ValueError:
        raise HTTPException(404, f"{said} is no day; write one as 2024-08-21.") from None
