"""The files received, the newest first."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.listing import Page, Turned, listing
from pipeline.console.shown import with_words
from pipeline.console.visit import Reads
from rules import terms
from rules.decisions import Outcome

routes = APIRouter()


@routes.get("/files")
def files(
    visit: Reads,
    turn: Turned,
    series: str = "",
    outcome: str = "",
    code: str = "",
    centre: str = "",
    every: bool = False,
) -> HTMLResponse:
    """The files received, the newest first; of a single series unless `every`."""
    desk, its = visit.desk(), visit.series(series)
    key, body = ("", "") if every else (its.key, its.awarding_body)
    sought = {"key": key, "awarding_body": body, "centre": centre}
    codes = desk.console.files_codes(**sought)

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        rows, total = desk.console.files(
            **sought, outcome=outcome, code=code, oldest=bool(sort) and not down, limit=limit, offset=offset
        )
        return list(rows.iter_rows(named=True)), total

    if not (centre or every):
        codes = visit.console.snapshot(desk, its).codes
    given = {"series": its.id, "outcome": outcome, "code": code, "centre": centre, "every": "1" if every else ""}
    shown = {
        "series": its,
        "list": listing("files", given, turn, page, ["received"]),
        "outcome": outcome,
        "code": code,
        "in_centre": centre,
        "every": every,
        "outcomes": list(dict.fromkeys([terms.WAITING, *(outcome.value for outcome in Outcome)])),
        "codes": with_words(codes),
    }
    return visit.page("files.html", desk, shown)
