"""Everything about a centre in a series, to be read out on the telephone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
from fastapi import APIRouter, HTTPException
from fastapi.responses import HTMLResponse

from infra.landing.paths import is_letter
from infra.store import Stored, left_behind
from pipeline.console.every_act import EVERY
from pipeline.console.listing import Page, Turned, listing
from pipeline.console.shown import known_centre, with_words
from pipeline.console.snapshots import MILESTONES, OF, TITLES
from pipeline.console.visit import Reads
from pipeline.desk import Desk
from pipeline.season.checkpoints import by_when
from pipeline.season.deadlines import deadlines_of
from rules import checkpoints
from rules.catalogue import Series
from rules.deadlines import deadline
from rules.findings import NAME_MISMATCH

routes = APIRouter()


@routes.get("/centres/{centre}")
def centre(visit: Reads, turn: Turned, centre: str, series: str = "") -> HTMLResponse:
    """Everything about a centre in a series."""
    desk, its = visit.desk(), visit.series(series)
    known_centre(centre)
    snapshot = visit.console.snapshot(desk, its)
    row = snapshot.centres.filter(pl.col("centre") == centre)
    seen = []

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        asked = (centre, its.id, its.key, its.awarding_body, visit.now, limit, offset)
        seen.append(desk.console.centre(*asked, oldest=bool(sort) and not down))
        return list(seen[-1].files.iter_rows(named=True)), seen[-1].total

    files = listing(f"centres/{centre}", {"series": its.id}, turn, page, ["received"])
    rows = seen[-1]
    registered = desk.register.newest([centre]).get(centre)
    if row.is_empty() and rows.total == 0 and registered is None:
        raise HTTPException(404, f"Nothing is known of centre {centre}.")
    by_component = rows.missing.group_by("component", maintain_order=True).agg(
        pl.len().alias("count"), pl.col("candidate").str.join(", ").alias("candidates")
    )
    shown = {
        "series": its,
        "centre": centre,
        "register": registered,
        "name": registered.name if registered else "",
        "row": next(row.iter_rows(named=True), None),
        "milestones": [(name, TITLES[name], *OF[name]) for name in MILESTONES],
        "list": files,
        "missing": list(by_component.iter_rows(named=True)),
        "missing_total": rows.missing.height,
        "silent": centre in snapshot.silent,
        "codes": with_words(rows.codes),
        "held": list(rows.held.iter_rows(named=True)),
        "cohorts": rows.cohorts,
        "without": without_result(desk, centre, its, visit.now),
        "visits": desk.door.visits(centre),
        "letters": _letters(desk, centre),
        "fetched": {(row["letter"], row["written"]): row for row in desk.door.letters(centre).iter_rows(named=True)},
        "unfinished": _unfinished(desk, centre),
        "keys": rows.keys,
        "acted": rows.acted,
        "deadlines": deadlines_of(desk, centre, visit.now, its.id),
        "acts": EVERY,
    }
    return visit.page("centre.html", desk, shown)


def without_result(desk: Desk, centre: str, series: Series, now: datetime) -> list[dict[str, Any]]:
    """OPS-1: who gets no result as things stand, by reason, as the centre's letters say it: a mark that the centre may
    still send is not missed yet, and what only the board can put right is left out."""
    accounts, marks_due = desk.accounts, deadline(series, "marks_deadline", now, desk.catalogue)
    found = checkpoints.without_result(
        accounts.held(series.id, centre),
        accounts.registered(centre),
        accounts.sittings_at(centre),
        accounts.marked(series.id, centre),
        accounts.refused_names(series.key, series.awarding_body, NAME_MISMATCH.name, centre),
        series,
        desk.catalogue,
    )
    early = [checkpoints.MISSING_MARK.code] if marks_due is not None and now < marks_due.at else []
    told = found.filter(~pl.col("code").is_in([checkpoints.BOARD_MARK.code, *early]))
    by_reason = told.group_by("code", maintain_order=True).agg(
        pl.col("candidate").n_unique().alias("count"), pl.col("candidate").unique().sort().str.join(", ")
    )
    extended = desk.actions.extensions([centre])
    reasons = [(row, checkpoints.REASONS[row["code"]]) for row in by_reason.iter_rows(named=True)]
    return [
        row | {"reason": reason, "by": by_when(desk, reason, series, now, centre, extended)} for row, reason in reasons
    ]


def _letters(desk: Desk, centre: str) -> list[Stored]:
    """What lies in the centre's outbox beside replies and results, the newest first."""
    there = [stored for stored in desk.store.list(f"outbox/{centre}/") if stored.kind == "file"]
    letters = [stored for stored in there if is_letter(stored.key.rpartition("/")[2])]
    return sorted(letters, key=lambda stored: (stored.modified, stored.key), reverse=True)


def _unfinished(desk: Desk, centre: str) -> list[Stored]:
    """Uploads of the centre that have not got their own name yet (FIL-4)."""
    return [stored for stored in desk.store.list(f"inbox/{centre}/") if left_behind(stored.key)]
