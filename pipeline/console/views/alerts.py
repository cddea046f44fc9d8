"""The alerts that there have been, who has each in hand, and which kinds are silenced (OPS-3)."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.listing import Page, Turned, listing
from pipeline.console.visit import Reads

routes = APIRouter()


@routes.get("/alerts")
def alerts(visit: Reads, turn: Turned, series: str = "", code: str = "") -> HTMLResponse:
    """The alerts, the newest first; of one kind if that is asked for."""
    desk, its = visit.desk(), visit.series(series)
    codes: list[str] = []

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        rows = desk.console.alerts(code, limit, offset, oldest=bool(sort) and not down)
        codes[:] = rows.codes
        owned = rows.owners
        return [
            {**row, "named": quote(row["key"], safe=""), "owner": owned.get(row["key"])} for row in rows.said
        ], rows.total

    shown = {
        "series": its,
        "list": listing("alerts", {"series": its.id, "code": code}, turn, page, ["seen"]),
        "codes": codes,
        "code": code,
        "silenced": [one for _, one in sorted(desk.watch.silenced(visit.now).items())],
    }
    return visit.page("alerts.html", desk, shown)
