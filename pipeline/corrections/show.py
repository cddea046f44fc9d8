"""A case as people read it: what it is about, its states, and what it has done (RES-7)."""

from __future__ import annotations

from collections.abc import Iterator

from infra.ledger.corrections import Case
from pipeline.corrections.effect import Plan, words
from pipeline.corrections.preview import about, rows_in_words
from pipeline.desk import Desk
from rules import terms
from rules.catalogue import instant_text


def facts(case: Case) -> list[tuple[str, str]]:
    """A case as facts: what it is about, and each state with who brought it there."""
    found = [*about(case)]
    for state in case.states:
        if state.state == terms.PROPOSED:
            found += [*words(Plan(**state.plan)), ("Outcome", state.outcome), ("Effect", f"SHA-256 {state.sha256}")]
            found += [("Page", key) for key in state.files if key.endswith(".html")]
        if state.state != terms.DONE:
            found.append((state.state.capitalize(), f"by {state.by}, {instant_text(state.at)}: {state.why}"))
    return found


def shown(desk: Desk, case: Case) -> Iterator[str]:
    """A case as lines of text."""
    yield f"Correction {case.number}: {case.state}"
    for what, value in facts(case):
        yield f"  {what}: {value}"
    for series, version in desk.corrections.versions(case.number):
        yield f"  Version: {series} version {version}"
    yield from rows_in_words(desk.corrections.effects(case.number))
