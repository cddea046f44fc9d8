"""The files received, the newest first."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from pipeline.console.shown import with_words
from pipeline.console.visit import PAGE, Reads
from rules import terms
from rules.decisions import Outcome

routes = APIRouter()


@routes.get("/files")
def files(
    visit: Reads,
    series: str = "",
    outcome: str = "",
    code: str = "",
    centre: str = "",
    every: bool = False,
    at: int = 1,
) -> HTMLResponse:
    """The files received, the newest first; of a single series unless `every`."""
    desk, its = visit.desk(), visit.series(series)
    here = max(at, 1)
    key, body = ("", "") if every else (its.key, its.awarding_body)
    rows, total, codes = desk.console.files(
        key=key, awarding_body=body, centre=centre, outcome=outcome, code=code, limit=PAGE, offset=(here - 1) * PAGE
    )
    given = {"series": its.id, "outcome": outcome, "code": code, "centre": centre, "every": "1" if every else ""}
    shown = {
        "series": its,
        "rows": list(rows.iter_rows(named=True)),
        "total": total,
        "at": here,
        "last": max(-(-total // PAGE), 1),
        "query": "?" + urlencode({name: value for name, value in given.items() if value}),
        "outcome": outcome,
        "code": code,
        "in_centre": centre,
        "every": every,
        "outcomes": [terms.WAITING, *(outcome.value for outcome in Outcome)],
        "codes": with_words(codes),
    }
    return visit.page("files.html", desk, shown)
