"""The console's application: every answer locked down, every refusal a page; the addresses are in `routes`.

Every page is made on the server; the only script takes over Airflow's theme, and no other can run. Users who have not
logged in are sent to log in; users who may not see a page are told so. Every change is a POST from a page of ours, and
is recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException as AnyHTTPException

from infra.settings import Settings
from infra.store import StoreError
from pipeline.console.console import Console
from pipeline.console.routes import routes
from pipeline.console.tokens import Tokens
from pipeline.console.visit import UNREADABLE, Clock, Site, Whoever, site_of
from rules.sheets import CatalogueError

log = logging.getLogger(__name__)

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    # Without any referrer, a browser would not say where a POST comes from.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def application(
    settings: Settings, clock: Clock, whoever: Whoever, login: Callable[[str], str], secret: str = ""
) -> FastAPI:
    """The console of the desk on `settings`; `whoever` and `login` as in `Site`, `secret` as in `Tokens.of`."""
    app = FastAPI(title="Resultsday", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = Site(Console(settings, clock, Tokens.of(secret)), clock, whoever, login)
    app.middleware("http")(_guarded)
    app.exception_handler(RequestValidationError)(_no_such_page)
    app.exception_handler(Exception)(_failed)
    app.exception_handler(AnyHTTPException)(_refused)
    app.exception_handler(SQLAlchemyError)(_no_ledger)
    app.exception_handler(CatalogueError)(_no_catalogue)
    app.exception_handler(StoreError)(_no_store)
    app.include_router(routes)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"))
    return app


async def _guarded(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await answer(request)
    response.headers.setdefault("Content-Security-Policy", site_of(request).policy)
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    return response


async def _refused(request: Request, error: AnyHTTPException) -> Response:
    site = site_of(request)
    asked = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if error.status_code == 401 and asked:
        return RedirectResponse(site.login(str(request.url)), 303)
    below = request.scope["root_path"]
    page = site.templates.get_template("refused.html")
    return HTMLResponse(page.render(below=below, status=error.status_code, words=error.detail), error.status_code)


async def _no_such_page(request: Request, error: RequestValidationError) -> Response:
    return await _refused(request, HTTPException(404, UNREADABLE))


async def _failed(request: Request, error: Exception) -> Response:
    return await _refused(request, HTTPException(500, "Our own code failed. Operations see why in the log of Airflow."))


async def _no_ledger(request: Request, error: SQLAlchemyError) -> Response:
    # A database error quotes rows: neither log nor show it.
    log.error("the ledger cannot be used (%s)", type(error).__name__)
    return await _refused(request, HTTPException(503, "The ledger cannot be used at the moment."))


async def _no_store(request: Request, error: StoreError) -> Response:
    log.error("the store cannot be used (%s)", error)
    return await _refused(request, HTTPException(503, "The store cannot be used at the moment."))


async def _no_catalogue(request: Request, error: CatalogueError) -> Response:
    return await _refused(request, HTTPException(503, f"The catalogue has a fault: {error}"))
