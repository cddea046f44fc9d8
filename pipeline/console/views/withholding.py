"""Withholding results, releasing, voiding and giving back (RES-8): what, then the effect, then who and why."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from infra.ledger.corrections import Subject
from pipeline.approvals import ApprovalError
from pipeline.console.effects import effect_shown
from pipeline.console.visit import FROM_HERE, Acts, Visit, refused
from pipeline.corrections.effect import CorrectionError
from pipeline.corrections.withhold import effect_of, put
from pipeline.desk import Desk
from pipeline.orders import Order, StaffError
from pipeline.results.withholding import (
    Scope,
    back_effect,
    concerned,
    end_withholding,
    last_word,
    scope_of,
    standing_in,
)
from rules import terms
from rules.catalogue import Series

routes = APIRouter()

_SAID = ("centre", "candidate", "option")
_WORDS: dict[str, terms.HoldWord] = {
    "release": terms.HOLD_RELEASED,
    "void": terms.HOLD_VOIDED,
    "give-back": terms.HOLD_GIVEN_BACK,
}
_TITLES = {
    "put": "Withhold results", "release": "Release what is withheld", "void": "Void what is withheld",
    "give-back": "Give back what was voided",
}  # fmt: skip
_RECORD: dict[str | None, str] = {
    terms.WITHHELD: "withheld", terms.HOLD_RELEASED: "released", terms.HOLD_VOIDED: "voided",
    terms.HOLD_GIVEN_BACK: "given back", None: "not withheld",
}  # fmt: skip
_BACK = {
    "put": "release it",
    "release": "withhold it again",
    "void": "give it back, before it is out; then it is a correction",
    "give-back": "withhold it again, and void it",
}
_FOLLOWS = {
    "put": "what is not out is pending in the next version, and nobody sees anything of it",
    "release": "what is due follows with the later claims, within the hour",
    "void": "there is no result: X in the results file, and an award that needs it is not made",
    "give-back": "there is a result again, by its mark: in the next version, or with the later claims",
}


@routes.get("/withholding/{verb}")
def withholding(visit: Acts, verb: str, series: str = "") -> HTMLResponse:
    """Whose results it is about."""
    return _page(visit, verb, series, {})


@routes.post("/withholding/{verb}", dependencies=[FROM_HERE])
async def decided(visit: Acts, request: Request, verb: str) -> Response:
    """Shows the effect: nothing is done, and who is concerned stands in no address. Then does it, and puts on record
    who and why; if that is refused, the page says why."""
    said = {key: str(value) for key, value in (await request.form()).items()}
    if "shown" not in said:
        return await run_in_threadpool(_page, visit, verb, said.get("series", ""), said)
    return await run_in_threadpool(_done, visit, verb, said)


def _done(visit: Visit, verb: str, said: dict[str, str]) -> Response:
    desk, series = visit.desk(), visit.series(said.get("series", ""))
    order = Order(visit.person.name, said.get("why", "").strip()[:500], visit.now, terms.BY_CONSOLE)
    to = "corrections"
    try:
        subject = _subject(said)
        if verb == "put":
            effect = effect_of(desk, series, subject)
            if said.get("shown", "") != (effect.sha256 if effect else ""):
                raise CorrectionError("the effect has changed since it was shown: look at it again")
            _, case = put(desk, series, subject, order)
            to = f"corrections/{case.number}" if case else to
        else:
            end_withholding(desk, scope_of(desk, series.id, subject), _word(verb), order)
    except (CorrectionError, StaffError, ApprovalError) as error:
        return refused(_page(visit, verb, series.id, said, str(error)))
    return RedirectResponse(f"{visit.below}/{to}?series={series.id}", 303)


def _page(visit: Visit, verb: str, series: str, said: dict[str, str], refusal: str = "") -> HTMLResponse:
    if verb not in _TITLES:
        raise HTTPException(404, "There is no such act.")
    desk, its = visit.desk(), visit.series(series)
    facts: list[tuple[str, str]] = []
    effect = None
    if any(said.get(name, "").strip() for name in _SAID):
        try:
            subject = _subject(said)
            found = effect_of(desk, its, subject) if verb == "put" else None
            effect = effect_shown(desk, found)
            facts = _facts(desk, its, subject, verb) if effect is None else []
        except (CorrectionError, StaffError) as error:
            refusal = refusal or str(error)
    shown = {
        "series": its,
        "verb": verb,
        "title": _TITLES[verb],
        "options": _options(desk),
        "said": {name: said.get(name, "") for name in _SAID},
        "facts": facts,
        "back": _BACK[verb],
        "effect": effect,
        "refusal": refusal.rstrip("."),
        "why": said.get("why", ""),
    }
    return visit.page("withholding.html", desk, shown)


def _facts(desk: Desk, series: Series, subject: Subject, verb: str) -> list[tuple[str, str]]:
    scope = scope_of(desk, series.id, subject)
    return [
        ("Whose", f"{subject}, {concerned(desk, scope):,} learners"),
        ("On record", _on_record(desk, scope)),
        *(back_effect(desk, scope) if verb == "give-back" else ()),
        ("What follows", _FOLLOWS[verb]),
    ]


def _on_record(desk: Desk, scope: Scope) -> str:
    """What was said of exactly this; or what stands of it because it was said of more."""
    said = last_word(desk, scope)
    if said in (terms.WITHHELD, terms.HOLD_VOIDED):
        return _RECORD[said]
    states = (state for state in (terms.WITHHELD, terms.HOLD_VOIDED) if standing_in(desk, scope, state).height)
    return next((f"{_RECORD[state]} with others" for state in states), _RECORD[said])


def _subject(said: dict[str, str]) -> Subject:
    centre, candidate, option = (said.get(name, "").strip() for name in _SAID)
    return Subject(component=option.upper(), centre=centre, candidate=candidate)


def _word(verb: str) -> terms.HoldWord:
    if verb not in _WORDS:
        raise HTTPException(404, "There is no such act.")
    return _WORDS[verb]


def _options(desk: Desk) -> list[str]:
    each = desk.catalogue.qualifications
    return sorted(code for whole in each for code in (whole.cash_in_code, *(part.code for part in whole.components)))
