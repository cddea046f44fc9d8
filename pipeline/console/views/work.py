"""The work list: what needs a person, who has it, and how it is closed; one at a time or many at once (OPS-3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import polars as pl
from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from infra.ledger.actions import Action
from infra.ledger.work import CLOSED, NOTED, TAKEN
from pipeline.console.listing import Turn, Turned, listing, of_rows
from pipeline.console.visit import FROM_HERE, Acts, Reads, Visit
from pipeline.console.worklist import ALERTS, KINDS, Item, items
from pipeline.report_page import csv_bytes
from rules import terms
from rules.calendar import instant_text
from rules.catalogue import Series

routes = APIRouter()

DOES = {TAKEN: "take", NOTED: "note", CLOSED: "close"}
"""What can be done with items, and the word for it."""
ORDERS: dict[str, Callable[[Item], Any]] = {
    "kind": lambda item: list(KINDS).index(item.kind),
    "centre": lambda item: item.centre or None,
    "since": lambda item: item.since,
    "owner": lambda item: item.owner or None,
}
"""By what the list can be sorted."""


@routes.get("/work")
def work(
    visit: Reads,
    turn: Turned,
    series: str = "",
    kind: str = "",
    owner: str = "",
    centre: str = "",
) -> HTMLResponse:
    """The list."""
    return _page(visit, {"series": series, "kind": kind, "owner": owner, "centre": centre}, turn)


def _page(
    visit: Visit, asked: Mapping[str, str], turn: Turn, chosen: Sequence[str] = (), does: str = ""
) -> HTMLResponse:
    """The list; with items `chosen` and what one `does` with them, what would be done, to be confirmed."""
    its = visit.series(asked["series"])
    given = {**asked, "series": its.id}
    some = _some(visit, its, given["kind"], given["owner"], given["centre"])
    wanted = [item for item in some if item.subject in set(chosen)] if does in DOES else []
    shown: dict[str, Any] = {
        "series": its,
        "list": listing("work", given, turn, of_rows(some, ORDERS), list(ORDERS)),
        "kinds": KINDS,
        "sought": given,
        "owners": sorted({item.owner for item in some if item.owner}),
        "wanted": wanted,
        "does": does,
        "word": DOES.get(does, ""),
        "words": DOES,
    }
    return visit.page("work.html", visit.desk(), shown)


@routes.post("/work", dependencies=[FROM_HERE])
async def work_done(
    visit: Acts,
    does: str = Form(""),
    why: Annotated[str | None, Form()] = None,
    series: str = Form(""),
    kind: str = Form(""),
    owner: str = Form(""),
    centre: str = Form(""),
    at: int = Form(1),
    sort: str = Form(""),
    down: bool = Form(False),
    chosen: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI makes a new one for each request
) -> Response:
    """Shows what would be done with items of the list, which name learners and so stand in no address; with a reason,
    puts it on record."""
    if does not in DOES or (why is not None and not why.strip()):
        raise HTTPException(400, "Say what you do with it, and why: it is recorded.")
    if why is None:
        asked = {"series": series, "kind": kind, "owner": owner, "centre": centre}
        return await run_in_threadpool(_page, visit, asked, Turn(at=at, sort=sort, down=down), chosen, does)
    await run_in_threadpool(_record, visit, does, why.strip()[:500], visit.series(series), chosen)
    return RedirectResponse(f"{visit.below}/work?series={visit.series(series).id}", 303)


@routes.get("/work.csv")
def work_csv(visit: Reads, series: str = "", kind: str = "", owner: str = "", centre: str = "") -> Response:
    """The list as CSV; times in Europe/London."""
    columns = ("kind", "centre", "words", "state", "owner", "note", "since")
    rows = [
        {name: str(getattr(item, name) or "") for name in columns}
        | {"kind": KINDS[item.kind], "since": instant_text(item.since) if item.since else ""}
        for item in _some(visit, visit.series(series), kind, owner, centre)
    ]
    headers = {"Content-Disposition": 'attachment; filename="work.csv"'}
    told = pl.DataFrame(rows, schema=dict.fromkeys(columns, pl.String))
    return Response(csv_bytes(told), media_type="text/csv", headers=headers)


def _some(visit: Visit, series: Series, kind: str, owner: str, centre: str) -> list[Item]:
    desk = visit.desk()
    every = items(desk, desk.console.work(ALERTS), visit.console.snapshot(desk, series).silent, series.id)
    wanted = {"kind": kind, "owner": owner, "centre": centre}
    return [item for item in every if all(not value or getattr(item, name) == value for name, value in wanted.items())]


def _record(visit: Visit, does: str, why: str, series: Series, chosen: Sequence[str]) -> None:
    there = {item.subject: item for item in _some(visit, series, "", "", "")}
    done = [
        Action(
            at=visit.now,
            who=visit.person.name,
            how=terms.BY_CONSOLE,
            why=why,
            action=does,
            centre=item.centre,
            file_name=item.subject,
        )
        for subject in chosen
        if (item := there.get(subject))
    ]
    if done:
        visit.desk().actions.record(*done)
