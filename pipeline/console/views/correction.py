"""A case of correction (RES-7): what is proposed for it, with its whole effect first."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from infra.ledger.corrections import Case
from pipeline.approvals import ApprovalError, Signature
from pipeline.console.effects import effect_shown
from pipeline.console.listing import PAGE
from pipeline.console.visit import FROM_HERE, Acts, Reads, Visit, refused
from pipeline.corrections import cases
from pipeline.corrections.effect import CorrectionError, Effect, Plan
from pipeline.corrections.preview import in_words
from pipeline.corrections.show import facts
from pipeline.corrections.spoken import plan_of
from rules import terms
from rules.corrections import KINDS

routes = APIRouter()

_PROPOSED = ("kind", "consent", "marks", "boundaries", "left_higher")


@routes.get("/corrections/{number}")
def correction(visit: Reads, number: int) -> HTMLResponse:
    """A case."""
    return _page(visit, number, {})


@routes.post("/corrections/{number}", dependencies=[FROM_HERE])
async def proposed(visit: Acts, request: Request, number: int) -> Response:
    """Shows the whole effect of what somebody thinks of: nothing is recorded, and no mark stands in an address, as
    addresses are in logs. Then proposes it, bound to the effect that was shown; if that is refused, it says why."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    return await run_in_threadpool(_propose if "shown" in said else _page, visit, number, said)


def _propose(visit: Visit, number: int, said: dict[str, str]) -> Response:
    desk, case, why = visit.desk(), _case(visit, number), said.get("why", "").strip()[:500]
    by = Signature(how=terms.BY_CONSOLE, people=desk.settings.approvals)
    try:
        found = cases.considered(desk, case, cases.completed(case, _plan(said)))
        if found.sha256 != said["shown"]:
            raise CorrectionError("the effect has changed since it was shown: look at it again")
        cases.propose(desk, number, _plan(said), visit.person.name, why, visit.now, by)
    except (CorrectionError, ApprovalError) as error:
        return refused(_page(visit, number, said, str(error)))
    return RedirectResponse(f"{visit.below}/corrections/{number}?series={case.series}", 303)


def _page(visit: Visit, number: int, said: dict[str, str], refusal: str = "") -> HTMLResponse:
    desk, case = visit.desk(), _case(visit, number)
    found: Effect | None = None
    if said:
        try:
            found = cases.considered(desk, case, cases.completed(case, _plan(said)))
        except CorrectionError as error:
            refusal = refusal or str(error)
    proposal = desk.approvals.newest(terms.CORRECTION, str(number))
    shown = {
        "series": desk.catalogue.series_by_id(case.series),
        "case": case,
        "facts": facts(case),
        "versions": desk.corrections.versions(number),
        "done": in_words(desk.corrections.effects(number), PAGE),
        "proposal": proposal if case.state == terms.PROPOSED else None,
        "kinds": KINDS,
        "said": {name: said.get(name, case.kind if name == "kind" else "") for name in _PROPOSED},
        "effect": effect_shown(desk, found),
        "refusal": refusal.rstrip("."),
        "why": said.get("why", ""),
    }
    return visit.page("correction.html", desk, shown)


def _plan(said: dict[str, str]) -> Plan:
    return plan_of(
        said.get("marks", "").split(), said.get("boundaries", "").split(),
        left_higher=said.get("left_higher", "").strip(), kind=said.get("kind", ""), consent=said.get("consent", ""),
    )  # fmt: skip


def _case(visit: Visit, number: int) -> Case:
    case = visit.desk().corrections.numbered(number)
    if case is None:
        raise HTTPException(404, "There is no such correction.")
    return case
