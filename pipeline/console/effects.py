"""The whole effect of a correction or a withholding, as pages show it before it is proposed."""

from __future__ import annotations

from typing import Any

from pipeline.console.listing import PAGE
from pipeline.corrections.effect import Effect, words
from pipeline.corrections.preview import facts_of, in_words
from pipeline.desk import Desk


def effect_shown(desk: Desk, found: Effect | None) -> dict[str, Any] | None:
    """A whole effect for a page: facts, results before and after, and the hash that a proposal is bound to."""
    if found is None:
        return None
    return {
        "facts": [*words(found.plan), *facts_of(desk, found)],
        "rows": in_words(found.effects, PAGE),
        "more": max(found.effects.height - PAGE, 0),
        "sha256": found.sha256,
    }
