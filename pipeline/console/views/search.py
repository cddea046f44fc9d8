"""One box for everything: a centre, a candidate, a person's number, a file, a reply."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Form, HTTPException, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from infra.ledger.console import Found
from pipeline.console.listing import Page, Turned, listing
from pipeline.console.visit import FROM_HERE, Reads

routes = APIRouter()


@routes.get("/search")
def search(visit: Reads, turn: Turned, q: str = "", series: str = "") -> HTMLResponse:
    """What is found by what stands sealed in the address; the search alone when nothing does."""
    desk, its = visit.desk(), visit.series(series)
    said = visit.unsealed("search", q)
    if q and said is None:
        raise HTTPException(410, "This search has expired, or was somebody else's. Search again.")
    words = (said or {}).get("words", "")
    looked = looks_like(words)
    seen = [Found()]

    def page(sort: str, down: bool, limit: int, offset: int) -> Page:
        if looked:
            oldest = bool(sort) and not down
            seen.append(desk.console.search(**looked, oldest=oldest, limit=limit, offset=offset))
        return list(seen[-1].files.iter_rows(named=True)), seen[-1].total

    files = listing("search", {"series": its.id, "q": q}, turn, page, ["received"])
    found = seen[-1]
    shown = {
        "series": its,
        "words": words,
        "centres": found.centres,
        "learners": list(found.learners.iter_rows(named=True)),
        "list": files,
        "new_centre": looked.keys() == {"centre"} and visit.person.may("act"),
    }
    return visit.page("search.html", desk, shown)


@routes.post("/search", dependencies=[FROM_HERE])
def searched(visit: Reads, words: str = Form(""), series: str = Form("")) -> Response:
    """Sends whoever searches to what they have found, if it is one thing, or to all of it. What was typed may be
    about a person, so it stands in no address: the answer's holds it sealed, and can be reloaded."""
    desk, its = visit.desk(), visit.series(series)
    looked = looks_like(words)
    there = f"?series={its.id}"
    if looked:
        found = desk.console.search(**looked, limit=2)
        if "centre" in looked and not looked.keys() - {"centre"} and found.centres:
            return RedirectResponse(f"{visit.below}/centres/{looked['centre']}{there}", 303)
        people = found.learners.select("centre", "candidate").unique()
        if people.height + len(found.centres) + found.total == 1:
            address = (
                "centres/{}/candidates/{}".format(*people.row(0))
                if people.height
                else f"files/{found.files['id'][0]}"
                if found.total
                else f"centres/{next(iter(found.centres))}"
            )
            return RedirectResponse(f"{visit.below}/{address}{there}", 303)
    there += f"&q={visit.seal('search', words=words[:80])}" if words.strip() else ""
    return RedirectResponse(f"{visit.below}/search{there}", 303)


def looks_like(words: str) -> dict[str, Any]:
    """What somebody has typed, as `ConsoleBook.search` asks: a centre number, with a candidate number of four digits
    or a sequence number of three; a candidate number; a UCI or a ULN; `file 123` or `#123`, a file by its number; or
    part of a name."""
    typed = " ".join(words.split())
    asked = typed.upper()
    if at_centre := re.fullmatch(r"([0-9]{5})(?:[ /]+([0-9]{3,4}))?", asked):
        centre, number = at_centre[1], at_centre[2] or ""
        if len(number) == 4:
            return {"centre": centre, "candidate": number}
        return {"centre": centre, "sequence": int(number)} if number else {"centre": centre}
    if by_number := re.fullmatch(r"(?:FILE|SUBMISSION|NO\.?|#) ?([0-9]{1,12})", asked):
        return {"submission": int(by_number[1])}
    plain = re.sub(r"[ -]", "", asked)
    if re.fullmatch(r"[0-9]{12}[A-Z0-9]|[0-9A-Z]{5}[0-9]{7}[A-Z]|[0-9]{10}", plain):
        return {"person": plain}
    if re.fullmatch(r"[0-9]{4}", asked):
        return {"candidate": asked}
    if re.fullmatch(r"[0-9]{1,12}", asked):
        return {"submission": int(asked)}
    return {"named": typed} if typed else {}
