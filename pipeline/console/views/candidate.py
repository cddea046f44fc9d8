"""Everything on the books under a candidate number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console.shown import DOTS, known_centre, without_ucis
from pipeline.console.visit import FROM_HERE, Reads, SeesPersonal, Visit
from pipeline.desk import Desk
from pipeline.results.explain import Section, TrailStep, Unexplained, explain
from rules import terms

routes = APIRouter()

"""What stands for what is not shown."""


@routes.get("/centres/{centre}/candidates/{candidate}")
def candidate(visit: Reads, centre: str, candidate: str, shown: str = "") -> HTMLResponse:
    """Everything on the books under a candidate number; names, dates of birth and UCIs for whom `shown` opens them."""
    return _page(visit, centre, candidate, personal=visit.may_see_personal(f"candidate {candidate}", shown, centre))


@routes.post("/centres/{centre}/candidates/{candidate}", dependencies=[FROM_HERE])
def candidate_shown(visit: SeesPersonal, centre: str, candidate: str, why: str = Form("")) -> Response:
    """Opens a candidate with personal data; the look is recorded (OPS-3)."""
    seal = visit.recorded(f"candidate {candidate}", why, centre)
    return RedirectResponse(f"{visit.below}/centres/{centre}/candidates/{candidate}?shown={seal}", 303)


def _page(visit: Visit, centre: str, candidate: str, *, personal: bool) -> HTMLResponse:
    desk = visit.desk()
    known_centre(centre)
    rows, marks = desk.console.candidate(centre, candidate)
    if rows.is_empty():
        raise HTTPException(404, f"Nothing is known of candidate {candidate} of centre {centre}.")
    ucis = rows["uci"].unique().to_list()
    if not personal:
        hidden = [pl.lit(DOTS).alias(name) for name in ("uci", "name")]
        rows = rows.with_columns(*hidden, pl.lit(None).alias("born"))
    shown: dict[str, Any] = {
        "centre": centre,
        "candidate": candidate,
        "rows": list(rows.iter_rows(named=True)),
        "marks": marks,
        "personal": personal,
        "embargo": embargo(desk, ucis, rows["series"].unique().to_list(), visit.now),
        "story": None,
    }
    if not shown["embargo"] or visit.person.may("approve"):
        shown["story"] = _story(desk, centre, candidate, personal=personal)
    return visit.page("candidate.html", desk, shown)


def embargo(desk: Desk, ucis: Sequence[str], series: Sequence[str], now: datetime) -> str:
    """RES-2: the series whose results of these learners are not out, with their instant, in a sentence; empty when all
    are out. Boundaries are under embargo like the results that follow from them."""
    waits = {row["series"] for uci in ucis for row in desk.trail.awarded(uci).iter_rows(named=True) if not _out(row)}
    for each in series:
        every = desk.results.every(each)
        known = bool(every or desk.results.conversions(each))
        if known and not any(awarding.state == terms.RELEASED for awarding in every):
            waits.add(each)
    return "; ".join(_until(desk, each, now) for each in sorted(waits))


def _out(row: Mapping[str, Any]) -> bool:
    return row["state"] in (terms.RELEASED, terms.WITHDRAWN)


def _until(desk: Desk, series: str, now: datetime) -> str:
    of = desk.catalogue.series_by_id(series)
    date = desk.catalogue.milestone(of, "results_to_centres", now) if of else None
    title = of.title if of else series
    return f"{title}, to centres {date.text}" if date else title


def _story(desk: Desk, centre: str, candidate: str, *, personal: bool) -> list[Section]:
    """How the learner's results came about (RES-5), without UCIs unless `personal`."""
    try:
        told = explain(desk, centre, candidate).sections
    except Unexplained:
        return []

    def plain(words: str) -> str:
        return words if personal else without_ucis(words)

    return [
        Section(each.title, tuple(TrailStep(plain(step.what), plain(step.source), step.rule) for step in each.steps))
        for each in told
    ]
