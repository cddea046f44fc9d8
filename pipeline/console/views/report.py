"""A report of the desk, to those who may see its class; for one with personal data a reason is asked first."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import RedirectResponse

from infra.store import BadKey, Missing
from pipeline.console.access import Right
from pipeline.console.visit import FROM_HERE, Reads, SeesPersonal, Visit
from pipeline.report_classes import report_class
from rules import terms

routes = APIRouter()

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""Reports carry their own style, and nothing in them may run."""
_KINDS = {"html": "text/html", "csv": "text/csv", "json": "application/json", "txt": "text/plain"}
_CLASSES: dict[str, tuple[Right, str]] = {
    terms.PUBLIC: ("look", ""),
    terms.STAFF_ONLY: ("files", "it is for those who see files"),
    terms.PERSONAL: ("personal", "it holds personal data"),
    terms.EMBARGO: ("approve", "it is under embargo (RES-2)"),
}


def under_embargo(key: str) -> bool:
    """Whether a report shows results or what may still change (RES-2)."""
    return report_class(f"reports/{key}") == terms.EMBARGO


@routes.get("/reports/{key:path}")
def report(visit: Reads, key: str, shown: str = "") -> Response:
    """A report of the desk, or the question why somebody needs it."""
    personal = _may_see(visit, key) == terms.PERSONAL
    data, kind = _read(visit, key)
    if personal and not visit.may_see_personal(f"reports/{key}", shown):
        return visit.page("report.html", visit.desk(), {"key": key})
    return Response(data, media_type=kind, headers={"Content-Security-Policy": _POLICY})


@routes.post("/reports/{key:path}", dependencies=[FROM_HERE])
def report_shown(visit: SeesPersonal, key: str, why: str = Form("")) -> Response:
    """Opens a report with personal data; the look is recorded (OPS-3)."""
    _may_see(visit, key)
    _read(visit, key)
    seal = visit.recorded(f"reports/{key}", why, "")
    return RedirectResponse(f"{visit.below}/reports/{quote(key)}?shown={seal}", 303)


def _may_see(visit: Visit, key: str) -> str:
    """The class of a report that somebody may see; raises `HTTPException` for any other and for one without a class."""
    its = report_class(f"reports/{key}")
    if its is None:
        raise HTTPException(404, "There is no such report.")
    right, why = _CLASSES[its]
    if not visit.person.may(right):
        raise HTTPException(403, f"{visit.person.name} may not see this: {why}.")
    return its


def _read(visit: Visit, key: str) -> tuple[bytes, str]:
    """A report in the store and its media type; raises `HTTPException` when there is none."""
    kind = _KINDS.get(key.rpartition(".")[2])
    try:
        if kind is None:
            raise Missing(key)
        return visit.desk().store.get(f"reports/{key}"), kind
    except (Missing, BadKey):
        raise HTTPException(404, "There is no such report.") from None
