"""A file, its findings with the records they are about, and its reply; a held file is decided here (FIL-3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from infra.ledger.console import FileRows
from infra.store import Missing
from parsers.findings import Reach
from pipeline.console import records
from pipeline.console.visit import FROM_HERE, Acts, Reads, SeesPersonal, Visit, refused
from pipeline.desk import Desk
from pipeline.intake.quarantine import ACTIONS, Done, QuarantineError, held_file, releasable
from pipeline.orders import Order
from rules import terms
from rules.decisions import Outcome

routes = APIRouter()


@routes.get("/files/{number}")
def file(visit: Reads, number: int, shown: str = "") -> HTMLResponse:
    """A file, its findings and its reply; with personal data for whom `shown` opens them."""
    return visit.page("file.html", visit.desk(), _shown(visit, number, shown))


@routes.get("/files/{number}/original")
def original(visit: SeesPersonal, number: int, shown: str = "") -> Response:
    """A file as it came, byte for byte, for whom `shown` opens its personal data."""
    return _download(visit, number, "original", shown)


@routes.get("/files/{number}/reply")
def reply(visit: SeesPersonal, number: int, shown: str = "") -> Response:
    """The reply to a file, byte for byte, for whom `shown` opens its personal data."""
    return _download(visit, number, "reply", shown)


def _download(visit: Visit, number: int, which: str, shown: str) -> Response:
    rows = visit.desk().console.file(number)
    if rows is None:
        raise HTTPException(404, "There is no such file.")
    if not visit.may_see_personal(f"file {number}", shown, rows.file["centre"]):
        raise HTTPException(403, "Say why you need the personal data on the page of the file, and download it there.")
    reply, text = rows.file["reply"], rows.text
    if which == "reply" and reply is None:
        raise HTTPException(404, "This file has no reply yet.")
    try:
        data = visit.desk().store.get(f"archive/{rows.file['sha256']}") if which == "original" else text.encode("ascii")
    except Missing:
        raise HTTPException(404, "The archive does not have this file any more.") from None
    name = quote(rows.file["file_name"] if which == "original" else reply)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return Response(data, media_type="application/octet-stream", headers=headers)


@routes.post("/files/{number}/shown", dependencies=[FROM_HERE])
def file_shown(visit: SeesPersonal, number: int, why: str = Form("")) -> Response:
    """Opens a file with personal data; the look is recorded under its centre (OPS-3)."""
    file = _shown(visit, number)["file"]
    seal = visit.recorded(f"file {number}", why, file["centre"])
    return RedirectResponse(f"{visit.below}/files/{number}?shown={seal}", 303)


@routes.post("/files/{number}/decision", dependencies=[FROM_HERE])
async def decision(visit: Acts, number: int, action: str = Form(""), why: str = Form("")) -> Response:
    """Decides on a held file (FIL-3); if that is refused, the page says why."""
    desk = visit.desk()
    try:
        done = await run_in_threadpool(_decide, visit, number, action, why)
    except QuarantineError as error:
        shown = await run_in_threadpool(_shown, visit, number)
        return refused(visit.page("file.html", desk, shown | {"refusal": str(error), "why": why}))
    return RedirectResponse(f"{visit.below}/files/{done.submission}", 303)


def _decide(visit: Visit, number: int, action: str, why: str) -> Done:
    act = {name: run for name, run in ACTIONS.items() if name == action}
    if not act:
        raise QuarantineError("choose what to do with it")
    desk = visit.desk()
    return act[action](desk, held_file(desk, number), Order(visit.person.name, why, visit.now, terms.BY_CONSOLE))  # type: ignore[index]


def _shown(visit: Visit, number: int, shown: str = "") -> dict[str, Any]:
    desk = visit.desk()
    rows = desk.console.file(number)
    if rows is None:
        raise HTTPException(404, f"There is no file with the number {number}.")
    file, found = rows.file, list(rows.findings.iter_rows(named=True))
    personal = visit.may_see_personal(f"file {number}", shown, file["centre"])
    readable = file["kind"] == "file" and file["size"] <= desk.settings.max_file_bytes
    original, lines = (
        records.original(desk.store, file["sha256"], file["letter"], found, personal=personal)
        if readable and (personal or file["channel"] == terms.EDI)
        else ([], 0)
    )
    codes = frozenset(finding["code"] for finding in found if finding["reach"] == Reach.HOLD)
    of = desk.catalogue.series(file["series"] or "", file["awarding_body"] or "")
    return {
        "series": of if of and of.purpose == terms.ENTRY else visit.series(""),
        "file": file,
        "findings": _findings(desk, rows, personal=personal),
        "reply": records.reply_text(file["twin"], personal=personal) if file["twin"] else "",
        "is_open": file["outcome"] == Outcome.QUARANTINED and file["decision"] is None,
        "releasable": releasable(codes),
        "before": rows.before,
        "personal": personal,
        "original": original,
        "lines": lines,
        "stated": records.stated(desk.store, file["sha256"]) if readable and file["channel"] == terms.STAFF else "",
        "shown": shown,
    }


def _findings(desk: Desk, rows: FileRows, *, personal: bool) -> list[dict[str, Any]]:
    """The findings with the records they are about, where the archive still has them and they can be shown as lines."""
    file, found = rows.file, list(rows.findings.iter_rows(named=True))
    lines = {}
    if file["kind"] == "file" and file["channel"] == terms.EDI and file["size"] <= desk.settings.max_file_bytes:
        lines = records.lines_of(desk.store, file["sha256"], (finding["line"] for finding in found if finding["line"]))

    def record(finding: dict[str, Any]) -> records.Record | None:
        line = finding["line"]
        if line not in lines:
            return None
        return records.record(line, lines[line], file["letter"], finding, personal=personal)

    return [
        records.said(finding, personal=personal) | {"spoken": Reach(finding["reach"]).spoken, "record": record(finding)}
        for finding in found
    ]
