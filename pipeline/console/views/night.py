"""The night of results: what is approved, built and out, by version, audience and centre; the page refreshes itself."""

from __future__ import annotations

from datetime import datetime
from operator import itemgetter
from typing import Any

import polars as pl
from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse

from pipeline.console.listing import Turned, listing, of_rows
from pipeline.console.visit import Looks, Reads
from pipeline.desk import Desk
from pipeline.parallel import in_parallel
from pipeline.report_page import csv_bytes
from rules.calendar import instant_text
from rules.catalogue import INSTANTS, Series

routes = APIRouter()

EVERY_SECONDS = 30
"""How often the page refreshes itself. Ours."""
ONLY = {
    "": ("all centres", pl.lit(True)),
    "waiting": ("something not out yet", pl.col("published") < pl.col("planned")),
    "stale": ("stale or held back", pl.col("stale") + pl.col("kept_back") > 0),
}
"""The filters of the list of centres."""
ORDERS = ("centre", "planned", "published", "last", "stale", "kept_back")


@routes.get("/night")
def night(visit: Looks, turn: Turned, series: str = "", only: str = "", still: bool = False) -> HTMLResponse:
    """How far the release of a series is. It refreshes itself unless `still`."""
    desk, its = visit.desk(), visit.series(series)
    if only not in ONLY:
        raise HTTPException(404, "There is no such list of centres.")
    rows = desk.console.night(its.id)
    some = rows.centres.filter(ONLY[only][1]).sort("centre")
    given = {"series": its.id, "only": only, "still": "1" if still else ""}
    every = list(some.iter_rows(named=True))
    shown = {
        "series": its,
        "instants": _instants(desk, its, visit.now),
        "versions": rows.versions,
        "stale": int(rows.centres["stale"].sum()),
        "beats": rows.beats,
        "list": listing("night", given, turn, of_rows(every, {name: itemgetter(name) for name in ORDERS}), ORDERS),
        "filters": {name: words for name, (words, _) in ONLY.items()},
        "only": only,
        "still": still,
        "every": EVERY_SECONDS,
    }
    page = visit.page("night.html", desk, shown)
    if not still:
        page.headers["Refresh"] = str(EVERY_SECONDS)
    return page


@routes.get("/night.csv")
def night_csv(visit: Reads, series: str = "") -> Response:
    """Nothing early, everything out: every file of the series' results with its instant, when the ledger says it was
    published, the store's own time of it, and the hashes of the file and its manifest."""
    desk, its = visit.desk(), visit.series(series)
    due = {audience: at for audience, _, at, _ in _instants(desk, its, visit.now)}
    told = report(desk.console.night_files(its.id), due, desk, visit.now)
    headers = {"Content-Disposition": f'attachment; filename="night-{its.id}.csv"'}
    return Response(csv_bytes(told), media_type="text/csv", headers=headers)


def _instants(desk: Desk, series: Series, now: datetime) -> list[tuple[str, str, datetime, str]]:
    """The audiences of results, and the instant of each: audience, event, instant, in words."""
    dates = [(audience, event, desk.catalogue.milestone(series, event, now)) for audience, event in INSTANTS.items()]
    return [(audience, event, date.at, date.text) for audience, event, date in dates if date is not None]


def report(files: pl.DataFrame, due: dict[str, datetime], desk: Desk, now: datetime) -> pl.DataFrame:
    """The files with what became of each, in words; times in Europe/London."""
    folders = sorted({place.rpartition("/")[0] + "/" for place in files["place"]})
    stored = {
        found.key: found.modified
        for listed in in_parallel(lambda folder: list(desk.store.list(folder)), folders)
        for found in listed
    }

    def told(file: dict[str, Any]) -> dict[str, str]:
        at, out, there = due.get(file["audience"]), file["published_at"], stored.get(file["place"])
        return {
            **{name: str(file[name] or "") for name in ("version", "audience", "centre", "place", "sha256")},
            "due": instant_text(at) if at else "",
            "published": instant_text(out) if out else "",
            "in_the_store_since": instant_text(there) if there else "",
            "what": became(at, out, there, now),
            "manifest_sha256": file["manifest_sha256"] or "",
        }

    columns = [
        "version", "audience", "centre", "place", "sha256", "due", "published", "in_the_store_since", "what",
        "manifest_sha256",
    ]  # fmt: skip
    return pl.DataFrame([told(file) for file in files.iter_rows(named=True)], schema=dict.fromkeys(columns, pl.String))


def became(due: datetime | None, published: datetime | None, there: datetime | None, now: datetime) -> str:
    """What became of a file that is due at an instant: out, early, not out, not due, or gone from the store."""
    early = [at for at in (published, there) if at and due and at < due]
    if early:
        return "EARLY"
    if published is None:
        return "not due" if due is None or now < due else "NOT OUT"
    return "out" if there else "out, and not in the store any more"
