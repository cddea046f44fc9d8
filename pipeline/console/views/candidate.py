"""Everything on the books under a candidate number."""

from __future__ import annotations

import polars as pl
from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console.shown import known_centre
from pipeline.console.visit import FROM_HERE, Reads, SeesPersonal, Visit

routes = APIRouter()


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
    if not personal:
        hidden = [pl.lit("\N{BULLET}" * 6).alias(name) for name in ("uci", "name")]
        rows = rows.with_columns(*hidden, pl.lit(None).alias("born"))
    shown = {
        "centre": centre,
        "candidate": candidate,
        "rows": list(rows.iter_rows(named=True)),
        "marks": marks,
        "personal": personal,
    }
    return visit.page("candidate.html", desk, shown)
