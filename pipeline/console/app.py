"""The console's application: addresses, who may see what, and nothing else; what a page shows is made in `views`.

Every page is made on the server; there is no script. Whoever is not logged in is sent to log in; who may not see a page
is told so. What changes something is a POST from a page of ours, and on record.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Depends, FastAPI, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as AnyHTTPException

from infra.settings import Settings
from pipeline.console import views
from pipeline.console.access import Person, Right
from pipeline.console.words import FILTERS
from pipeline.desk import Desk
from pipeline.intake.quarantine import QuarantineError

log = logging.getLogger(__name__)

RIGHTS: tuple[Right, ...] = ("look", "files", "act", "personal")
Clock = Callable[[], datetime]
Whoever = Callable[[Request], Awaitable[Person]]

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    # With none at all, a browser would not say where a POST comes from.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""Reports bring their style with them, and nothing in them may run."""


def application(settings: Settings, clock: Clock, whoever: Whoever, login: Callable[[str], str]) -> FastAPI:
    """The console of the desk on `settings`. `whoever` says who asks, or raises `HTTPException` with 401; `login` is
    where to log in, to come back to an address."""
    app = FastAPI(title="Resultsday", docs_url=None, redoc_url=None, openapi_url=None)
    console = views.Console(settings, clock)
    pages = Environment(
        loader=PackageLoader("pipeline.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(FILTERS)

    # --- Who ---------------------------------------------------------------------------------------------------------

    def needs(right: Right) -> Any:
        async def person(request: Request) -> Person:
            found = await whoever(request)
            if not found.may(right):
                raise HTTPException(403, f"{found.name} may not see this: it takes the right to {_WORDS[right]}.")
            request.state.person = found
            return found

        return Depends(person)

    look, reads, act, personal = (needs(one) for one in RIGHTS)

    def whose(request: Request) -> Person:
        person: Person = request.state.person
        return person

    def from_here(request: Request) -> None:
        """A POST must come from a page of ours."""
        origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
        same = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
        if not same or site not in (None, "same-origin"):
            raise HTTPException(403, "This did not come from a page of the console.")

    def page(name: str, request: Request, desk: Desk, shown: dict[str, Any]) -> HTMLResponse:
        common = views.common(desk, clock(), whose(request), request.scope["root_path"], shown)
        return HTMLResponse(pages.get_template(name).render(common | shown))

    @app.middleware("http")
    async def guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(AnyHTTPException)
    async def refused(request: Request, error: AnyHTTPException) -> Response:
        asked = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if error.status_code == 401 and asked:
            return RedirectResponse(login(str(request.url)), 303)
        below = request.scope["root_path"]
        words = pages.get_template("refused.html").render(below=below, status=error.status_code, words=error.detail)
        return HTMLResponse(words, error.status_code)

    @app.exception_handler(SQLAlchemyError)
    async def no_ledger(request: Request, error: SQLAlchemyError) -> Response:
        # An error of the database quotes rows: it is neither logged nor shown.
        log.error("the ledger cannot be used (%s)", type(error).__name__)
        return await refused(request, HTTPException(503, "The ledger cannot be used at the moment."))

    # --- Pages -------------------------------------------------------------------------------------------------------

    @app.get("/", dependencies=[look])
    def season(request: Request, series: str = "", on: str = "") -> HTMLResponse:
        desk = console.desk()
        return page("season.html", request, desk, console.season(desk, series, on))

    @app.get("/centres", dependencies=[look])
    def centres(
        request: Request,
        series: str = "",
        only: str = "",
        sort: str = "centre",
        down: bool = False,
        starts: str = "",
        at: int = 1,
    ) -> HTMLResponse:
        desk = console.desk()
        wanted = views.Wanted(only=only, sort=sort, down=down, starts=starts, page=at)
        return page("centres.html", request, desk, console.centres(desk, series, wanted))

    @app.get("/centres/{centre}", dependencies=[reads])
    def centre(request: Request, centre: str, series: str = "", at: int = 1) -> HTMLResponse:
        desk = console.desk()
        return page("centre.html", request, desk, console.centre(desk, centre, series, at))

    @app.get("/centres/{centre}/candidates/{candidate}", dependencies=[reads])
    def candidate(
        request: Request,
        centre: str,
        candidate: str,
    ) -> HTMLResponse:
        desk = console.desk()
        return page("candidate.html", request, desk, console.candidate(desk, centre, candidate))

    @app.post("/centres/{centre}/candidates/{candidate}", dependencies=[Depends(from_here), personal])
    def candidate_shown(request: Request, centre: str, candidate: str, why: str = Form("")) -> HTMLResponse:
        desk = console.desk()
        console.note_shown(desk, whose(request).name, why, centre, f"candidate {candidate}")
        return page("candidate.html", request, desk, console.candidate(desk, centre, candidate, personal=True))

    @app.get("/files", dependencies=[reads])
    def files(
        request: Request,
        series: str = "",
        outcome: str = "",
        code: str = "",
        centre: str = "",
        every: bool = False,
        at: int = 1,
    ) -> HTMLResponse:
        desk = console.desk()
        shown = console.files(desk, series, outcome=outcome, code=code, centre=centre, every=every, at=at)
        return page("files.html", request, desk, shown)

    @app.get("/files/{number}", dependencies=[reads])
    def file(
        request: Request,
        number: int,
    ) -> HTMLResponse:
        desk = console.desk()
        return page("file.html", request, desk, console.file(desk, number))

    @app.post("/files/{number}/shown", dependencies=[Depends(from_here), personal])
    def file_shown(request: Request, number: int, why: str = Form("")) -> HTMLResponse:
        desk = console.desk()
        shown = console.file(desk, number, personal=True)
        console.note_shown(desk, whose(request).name, why, shown["file"]["centre"], f"file {number}")
        return page("file.html", request, desk, shown)

    @app.get("/quarantine", dependencies=[reads])
    def quarantine(
        request: Request,
    ) -> HTMLResponse:
        desk = console.desk()
        return page("quarantine.html", request, desk, console.quarantine(desk))

    @app.post("/files/{number}/decision", dependencies=[Depends(from_here), act])
    async def decision(request: Request, number: int, action: str = Form(""), why: str = Form("")) -> Response:
        desk = console.desk()
        try:
            done = await run_in_threadpool(console.decide, desk, number, action, whose(request).name, why)
        except QuarantineError as error:
            shown = await run_in_threadpool(console.file, desk, number)
            refused = page("file.html", request, desk, shown | {"refusal": str(error), "why": why})
            refused.status_code = 409
            return refused
        return RedirectResponse(f"{request.scope['root_path']}/files/{done.submission}", 303)

    @app.get("/watch", dependencies=[look])
    def watch(request: Request, series: str = "") -> HTMLResponse:
        desk = console.desk()
        return page("watch.html", request, desk, console.watch(desk, series))

    @app.get("/approval", dependencies=[look])
    def approval(request: Request, series: str = "") -> HTMLResponse:
        desk = console.desk()
        return page("approval.html", request, desk, console.approval(desk, series))

    @app.get("/search", dependencies=[reads])
    def search(
        request: Request,
    ) -> HTMLResponse:
        desk = console.desk()
        return page("search.html", request, desk, console.search(desk, ""))

    @app.post("/search", dependencies=[Depends(from_here), reads])
    def found(request: Request, words: str = Form("")) -> HTMLResponse:
        # A POST, so that no identifier of a person gets into an address, and from there into a log.
        desk = console.desk()
        return page("search.html", request, desk, console.search(desk, words))

    @app.get("/reports/{key:path}", dependencies=[reads])
    def report(request: Request, key: str) -> Response:
        if views.under_embargo(key) and not whose(request).may("approve"):
            raise HTTPException(403, f"{whose(request).name} may not see this: it is under embargo (RES-2).")
        data, kind = console.report(console.desk(), key)
        return Response(data, media_type=kind, headers={"Content-Security-Policy": _REPORT_POLICY})

    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    return app


_WORDS: dict[Right, str] = {
    "look": "look at the console",
    "files": "run the ingest",
    "act": "change the desk's variables",
    "personal": "see personal data (RESULTSDAY_PERSONAL_DATA)",
    "approve": "approve results (RESULTSDAY_APPROVERS)",
}
