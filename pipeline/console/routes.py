"""The console's addresses: who may ask for each, and what makes its page."""

from __future__ import annotations

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.console import decisions, views
from pipeline.console.access import Right
from pipeline.console.visit import FROM_HERE, Acts, Approves, Looks, Reads, SeesPersonal, Visit
from pipeline.intake.quarantine import QuarantineError
from pipeline.report_classes import report_class
from rules import terms

routes = APIRouter()

_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""Reports carry their own style, and nothing in them may run."""


# --- Counts ----------------------------------------------------------------------------------------------------------


@routes.get("/")
def season(visit: Looks, series: str = "", on: str = "") -> HTMLResponse:
    """The season at a glance."""
    desk = visit.desk()
    return visit.page("season.html", desk, visit.console.season(desk, series, on))


@routes.get("/centres")
def centres(
    visit: Looks,
    series: str = "",
    only: str = "",
    sort: str = "centre",
    down: bool = False,
    starts: str = "",
    at: int = 1,
) -> HTMLResponse:
    """Centres, and how far each is."""
    desk = visit.desk()
    wanted = views.Wanted(only=only, sort=sort, down=down, starts=starts, page=at)
    return visit.page("centres.html", desk, visit.console.centres(desk, series, wanted))


@routes.get("/watch")
def watch(visit: Looks, series: str = "") -> HTMLResponse:
    """What the watch has seen."""
    desk = visit.desk()
    return visit.page("watch.html", desk, visit.console.watch(desk, series))


@routes.get("/approval")
def approval(visit: Looks, series: str = "") -> HTMLResponse:
    """What waits for approval."""
    desk = visit.desk()
    return visit.page("approval.html", desk, visit.console.approval(desk, series, visit.person))


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
    desk, now = visit.desk(), visit.site.clock()
    try:
        await run_in_threadpool(decisions.said, desk, number, verdict, visit.person, why, now, sha256)
    except ValueError as error:
        shown = await run_in_threadpool(decisions.shown, desk, number)
        refused = visit.page("proposal.html", desk, shown | {"refusal": str(error), "why": why})
        refused.status_code = 409
        return refused
    return RedirectResponse(f"{visit.below}/approvals/{number}", 303)


# --- Centres and candidates ------------------------------------------------------------------------------------------


@routes.get("/centres/{centre}")
def centre(visit: Reads, centre: str, series: str = "", at: int = 1) -> HTMLResponse:
    """One centre."""
    desk = visit.desk()
    return visit.page("centre.html", desk, visit.console.centre(desk, centre, series, at))


@routes.get("/centres/{centre}/candidates/{candidate}")
def candidate(visit: Reads, centre: str, candidate: str) -> HTMLResponse:
    """One candidate."""
    desk = visit.desk()
    return visit.page("candidate.html", desk, visit.console.candidate(desk, centre, candidate))


@routes.post("/centres/{centre}/candidates/{candidate}", dependencies=[FROM_HERE])
def candidate_shown(visit: SeesPersonal, centre: str, candidate: str, why: str = Form("")) -> HTMLResponse:
    """A candidate with personal data; the look is recorded (OPS-3)."""
    desk = visit.desk()
    visit.console.note_shown(desk, visit.person.name, why, centre, f"candidate {candidate}")
    return visit.page("candidate.html", desk, visit.console.candidate(desk, centre, candidate, personal=True))


@routes.get("/search")
def search(visit: Reads) -> HTMLResponse:
    """The search, before anything is searched."""
    desk = visit.desk()
    return visit.page("search.html", desk, visit.console.search(desk, ""))


@routes.post("/search", dependencies=[FROM_HERE])
def found(visit: Reads, words: str = Form("")) -> HTMLResponse:
    """What the search has found."""
    # A POST, so that no identifier of a person gets into an address, and so into a log.
    desk = visit.desk()
    return visit.page("search.html", desk, visit.console.search(desk, words))


# --- Files -----------------------------------------------------------------------------------------------------------


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
    """Files and their outcomes."""
    desk = visit.desk()
    shown = visit.console.files(desk, series, outcome=outcome, code=code, centre=centre, every=every, at=at)
    return visit.page("files.html", desk, shown)


@routes.get("/files/{number}")
def file(visit: Reads, number: int) -> HTMLResponse:
    """A file and its findings."""
    desk = visit.desk()
    return visit.page("file.html", desk, visit.console.file(desk, number))


@routes.post("/files/{number}/shown", dependencies=[FROM_HERE])
def file_shown(visit: SeesPersonal, number: int, why: str = Form("")) -> HTMLResponse:
    """A file with personal data; the look is recorded (OPS-3)."""
    desk = visit.desk()
    shown = visit.console.file(desk, number, personal=True)
    visit.console.note_shown(desk, visit.person.name, why, shown["file"]["centre"], f"file {number}")
    return visit.page("file.html", desk, shown)


@routes.get("/quarantine")
def quarantine(visit: Reads) -> HTMLResponse:
    """The files that wait for a person."""
    desk = visit.desk()
    return visit.page("quarantine.html", desk, visit.console.quarantine(desk))


@routes.post("/files/{number}/decision", dependencies=[FROM_HERE])
async def decision(visit: Acts, number: int, action: str = Form(""), why: str = Form("")) -> Response:
    """Decides on a held file (FIL-3); if that is refused, the page says why."""
    desk = visit.desk()
    try:
        done = await run_in_threadpool(visit.console.decide, desk, number, action, visit.person.name, why)
    except QuarantineError as error:
        shown = await run_in_threadpool(visit.console.file, desk, number)
        refused = visit.page("file.html", desk, shown | {"refusal": str(error), "why": why})
        refused.status_code = 409
        return refused
    return RedirectResponse(f"{visit.below}/files/{done.submission}", 303)


_CLASSES: dict[str, tuple[Right, str]] = {
    terms.PUBLIC: ("look", ""),
    terms.STAFF_ONLY: ("files", "it is for those who see files"),
    terms.PERSONAL: ("personal", "it holds personal data"),
    terms.EMBARGO: ("approve", "it is under embargo (RES-2)"),
}


def _may_see(visit: Visit, key: str) -> str:
    """The class of a report that somebody may see; raises `HTTPException` for any other and for one without a class."""
    its = report_class(f"reports/{key}")
    if its is None:
        raise HTTPException(404, "There is no such report.")
    right, why = _CLASSES[its]
    if not visit.person.may(right):
        raise HTTPException(403, f"{visit.person.name} may not see this: {why}.")
    return its


@routes.get("/reports/{key:path}")
def report(visit: Reads, key: str) -> Response:
    """A report of the desk, to those who may see its class; for one with personal data a reason is asked first."""
    desk = visit.desk()
    if _may_see(visit, key) == terms.PERSONAL:
        visit.console.report(desk, key)
        return visit.page("report_asked.html", desk, {"key": key})
    return _shown(visit, key)


@routes.post("/reports/{key:path}", dependencies=[FROM_HERE])
def report_shown(visit: SeesPersonal, key: str, why: str = Form("")) -> Response:
    """A report with personal data; the look is recorded (OPS-3)."""
    _may_see(visit, key)
    answer = _shown(visit, key)
    visit.console.note_shown(visit.desk(), visit.person.name, why, "", f"reports/{key}")
    return answer


def _shown(visit: Visit, key: str) -> Response:
    data, kind = visit.console.report(visit.desk(), key)
    return Response(data, media_type=kind, headers={"Content-Security-Policy": _REPORT_POLICY})
