"""A visit to the console: who asks, whether they may, and the page that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit

from attrs import field, frozen
from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.console import views
from pipeline.console.access import Person, Right
from pipeline.console.words import FILTERS
from pipeline.desk import Desk

Clock = Callable[[], datetime]
Whoever = Callable[[Request], Awaitable[Person]]

_TAKES: dict[Right, str] = {
    "look": "look at the console",
    "files": "run the ingest",
    "act": "change the desk's variables",
    "personal": "see personal data (RESULTSDAY_PERSONAL_DATA)",
    "approve": "approve results (RESULTSDAY_APPROVERS)",
}


def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader("pipeline.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(FILTERS)
    return templates


@frozen
class Site:
    """What all visits share. `whoever` returns who sent a request, or raises `HTTPException` with 401; `login` returns
    the address at which to log in and come back."""

    console: views.Console
    clock: Clock
    whoever: Whoever
    login: Callable[[str], str]
    templates: Environment = field(factory=_templates)


def site_of(request: Request) -> Site:
    """The site that a request is for."""
    site: Site = request.app.state.site
    return site


@frozen
class Visit:
    """One request of a person who may make it."""

    request: Request
    person: Person
    site: Site

    @property
    def console(self) -> views.Console:
        """What makes the contents of pages."""
        return self.site.console

    @property
    def below(self) -> str:
        """The address with which all addresses of the console begin."""
        root: str = self.request.scope["root_path"]
        return root

    def desk(self) -> Desk:
        """The open desk."""
        return self.console.desk()

    def page(self, template: str, desk: Desk, shown: dict[str, Any]) -> HTMLResponse:
        """The page that shows `shown`."""
        common = views.common(desk, self.site.clock(), self.person, self.below, shown)
        return HTMLResponse(self.site.templates.get_template(template).render(common | shown))


def _by(right: Right) -> Any:
    """A visit by somebody who has a right; anybody else is refused."""

    async def visit(request: Request) -> Visit:
        site = site_of(request)
        person = await site.whoever(request)
        if not person.may(right):
            raise HTTPException(403, f"{person.name} may not see this: it needs the right to {_TAKES[right]}.")
        return Visit(request, person, site)

    return Depends(visit)


Looks = Annotated[Visit, _by("look")]
Reads = Annotated[Visit, _by("files")]
Acts = Annotated[Visit, _by("act")]
Approves = Annotated[Visit, _by("approve")]
SeesPersonal = Annotated[Visit, _by("personal")]


def _from_here(request: Request) -> None:
    origin, fetched = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    same = origin is not None and urlsplit(origin).netloc == request.headers.get("host")
    if not same or fetched not in (None, "same-origin"):
        raise HTTPException(403, "This did not come from a page of the console.")


FROM_HERE = Depends(_from_here)
"""Refuses a POST that does not come from a page of ours; checked before who sent it."""
