"""A visit to the console: who asks, whether they may, and the page that answers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import Annotated, Any
from urllib.parse import urlsplit

from attrs import field, frozen
from fastapi import Depends, HTTPException, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.console.access import Person, Right
from pipeline.console.console import Console
from pipeline.console.words import FILTERS
from pipeline.desk import Desk
from pipeline.typed import readable_line, readable_text
from rules.catalogue import Series

Clock = Callable[[], datetime]
Whoever = Callable[[Request], Awaitable[Person]]

PERSONAL = "personal"
"""The kind of a seal that opens a page with personal data."""
UNREADABLE = "There is no such page: its address cannot be read."
"""Said of an address that asks for what no page knows. It may be about a person: it is not repeated."""
PAGES = (
    ("", "Season", "look"),
    ("work", "Work", "files"),
    ("centres", "Centres", "look"),
    ("files", "Files", "files"),
    ("quarantine", "Quarantine", "files"),
    ("watch", "Watch", "look"),
    ("alerts", "Alerts", "files"),
    ("approval", "Approval", "look"),
    ("corrections", "Corrections", "files"),
    ("boundaries", "Boundaries", "approve"),
    ("night", "Night", "look"),
    ("audit", "Who did what", "files"),
    ("search", "Search", "files"),
)

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

    console: Console
    clock: Clock
    whoever: Whoever
    login: Callable[[str], str]
    templates: Environment = field(factory=_templates)

    @cached_property
    def policy(self) -> str:
        """What a browser may do with a page: nothing from elsewhere, and no script but the one that follows Airflow's
        theme."""
        script = sha256(self.templates.get_template("theme.js").render().encode()).digest()
        return (
            f"default-src 'none'; script-src 'sha256-{b64encode(script).decode()}'; style-src 'self'; img-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
        )


def common(desk: Desk, now: datetime, person: Person, below: str, series: Series) -> dict[str, Any]:
    """What every page needs: the user, the addresses of the pages, and the series."""
    return {
        "below": below,
        "root": below.removesuffix("/resultsday"),
        "person": person,
        "now": now,
        "series": series,
        "every_series": desk.catalogue.all_series(),
        "pages": [page for page in PAGES if person.may(page[2])],  # type: ignore[arg-type]
        "fault": desk.catalogue_fault,
        "refusal": "",
        "why": "",
        "personal": False,
    }


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
    def console(self) -> Console:
        """What makes the contents of pages."""
        return self.site.console

    @property
    def below(self) -> str:
        """The address with which all addresses of the console begin."""
        root: str = self.request.scope["root_path"]
        return root

    @property
    def now(self) -> datetime:
        """The instant by the console's clock."""
        return self.site.clock()

    def series(self, asked: str) -> Series:
        """The series that is asked for, the current one if none is; raises `HTTPException` when there is none such."""
        return self.console.series(self.desk(), asked)

    def desk(self) -> Desk:
        """The open desk."""
        return self.console.desk()

    def seal(self, kind: str, **said: str) -> str:
        """What must not stand in an address, so that it may, for this person and a while."""
        return self.console.tokens.sealed(kind, self.person.name, said, self.now)

    def unsealed(self, kind: str, token: str) -> dict[str, str] | None:
        """What was sealed so for this person; None for anything else, and when it is too old."""
        return self.console.tokens.opened(kind, self.person.name, token, self.now) if token else None

    def may_see_personal(self, of: str, token: str, centre: str = "") -> bool:
        """Whether this person has said why they need the personal data of a page, and not long ago (OPS-3)."""
        return self.person.may("personal") and self.unsealed(PERSONAL, token) == {"of": of, "centre": centre}

    def recorded(self, of: str, why: str, centre: str) -> str:
        """Puts on record that this person is shown personal data, and returns what opens the page to them, again and
        again for a while: a reload is no second row. Raises `HTTPException` when no reason was given."""
        self.console.note_shown(self.desk(), self.person.name, why, centre, of)
        return self.seal(PERSONAL, of=of, centre=centre)

    def page(self, template: str, desk: Desk, shown: dict[str, Any]) -> HTMLResponse:
        """The page that shows `shown`."""
        series = shown.get("series") or self.series(self.request.query_params.get("series", ""))
        every = common(desk, self.now, self.person, self.below, series)
        return HTMLResponse(self.site.templates.get_template(template).render(every | shown))


async def _check_text(request: Request) -> None:
    """FIL-7: the one door for what is said in addresses and forms; refuses characters that no column and no file takes.
    Only a form may have more than one line."""
    address = request.query_params.multi_items() + [(name, str(value)) for name, value in request.path_params.items()]
    if any(not readable_line(text) for pair in address for text in pair):
        raise HTTPException(404, UNREADABLE)
    form = (await request.form()).multi_items() if request.method == "POST" else []
    if any(not readable_text(text) for pair in form for text in pair if isinstance(text, str)):
        raise HTTPException(400, "Nothing was done: what was sent has a character that cannot be read.")


def _by(right: Right) -> Any:
    """A visit by somebody who has a right; anybody else is refused."""

    async def visit(request: Request) -> Visit:
        site = site_of(request)
        person = await site.whoever(request)
        if not person.may(right):
            raise HTTPException(403, f"{person.name} may not see this: it needs the right to {_TAKES[right]}.")
        await _check_text(request)
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


def refused(page: HTMLResponse) -> HTMLResponse:
    """A page that says why something was not done."""
    page.status_code = 409
    return page
