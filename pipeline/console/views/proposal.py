"""What an approver decides about, its hash, and what people have said (OPS-4)."""

from __future__ import annotations

from fastapi import APIRouter, Form, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console import decisions
from pipeline.console.visit import FROM_HERE, Approves, refused

routes = APIRouter()


@routes.get("/approvals/{number}")
def proposal(visit: Approves, number: int) -> HTMLResponse:
    """What an approver decides about (OPS-4)."""
    desk = visit.desk()
    return visit.page("proposal.html", desk, decisions.shown(desk, number))


@routes.post("/approvals/{number}", dependencies=[FROM_HERE])
async def proposal_decided(
    visit: Approves, number: int, verdict: str = Form(""), why: str = Form(""), sha256: str = Form("")
) -> Response:
    """Records what an approver says, bound to what the page showed (OPS-4); if that is refused, the page says why."""
    desk = visit.desk()
    try:
        await run_in_threadpool(decisions.said, desk, number, verdict, visit.person, why, visit.now, sha256)
    except ValueError as error:
        shown = await run_in_threadpool(decisions.shown, desk, number)
        return refused(visit.page("proposal.html", desk, shown | {"refusal": str(error), "why": why}))
    return RedirectResponse(f"{visit.below}/approvals/{number}", 303)
