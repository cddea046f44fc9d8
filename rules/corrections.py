"""What a correction can be (RES-7), and which way a result goes by it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import polars as pl
from attrs import frozen

from rules import terms


@frozen(kw_only=True)
class CorrectionKind:
    """A kind of correction. `consent`: the learner must have agreed after the results came out; `lowers`: it may lower
    a grade of its series; `voids`: it may take a result away; `withholds`: that is all it does (RES-8)."""

    name: str
    title: str
    consent: bool = False
    lowers: bool = True
    voids: bool = False
    withholds: bool = False


_ALL = (
    CorrectionKind(name="clerical_recheck", title="clerical re-check", consent=True),
    CorrectionKind(name="review_of_marking", title="review of marking", consent=True),
    CorrectionKind(name="review_of_moderation", title="review of moderation", lowers=False),
    CorrectionKind(name="appeal", title="appeal", voids=True),
    CorrectionKind(name="malpractice", title="malpractice", voids=True),
    CorrectionKind(name="error_of_the_board", title="error of the board", voids=True),
    CorrectionKind(name="special_consideration", title="special consideration"),
    CorrectionKind(name=terms.WITHHOLDING, title="withholding", withholds=True),
)

KINDS: Mapping[str, CorrectionKind] = {kind.name: kind for kind in _ALL}
"""Every kind, by its name."""

APPEAL_DAYS = 30
"""Calendar days in which a centre can appeal after an outcome (placeholder: on school pages)."""


def consent_missing(kind: CorrectionKind, consent: date | None, results_day: date | None) -> str:
    """RES-7: a clerical re-check and a review of marking need the learner's consent, given once the results are out:
    what is missing, in words; empty when nothing is."""
    if not kind.consent:
        return ""
    if consent is None:
        return f"a {kind.title} needs the learner's consent: name the day it was given"
    if results_day and consent < results_day:
        return f"the consent of {consent:%-d %B %Y} was given before the results came out on {results_day:%-d %B %Y}"
    return ""


def way(before: str = "ums_before", now: str = "ums") -> pl.Expr:
    """Which way a result goes, by its UMS; none is less than 0. One that is pending (`outcome`) is withheld: whatever
    else is pending is out with no UMS, and nobody corrects it."""
    old, new = pl.col(before).fill_null(-1), pl.col(now).fill_null(-1)
    return (
        pl.when(pl.col("outcome") == terms.PENDING).then(pl.lit(terms.WITHHELD))
        .when(new > old).then(pl.lit(terms.UP)).when(new < old).then(pl.lit(terms.DOWN)).otherwise(pl.lit(terms.SAME))
    )  # fmt: skip


def outcome(ways: pl.DataFrame) -> str:
    """What comes of a case: confirmed, raised, lowered, voided or withheld, several by comma. `ways`: `way`, `outcome`
    and `choice` of every result it is about."""
    changed = ways.filter(pl.col("choice") == terms.CORRECTED)
    found = [
        (terms.WITHHELD, pl.col("way") == terms.WITHHELD),
        (terms.VOIDED, pl.col("outcome") == terms.VOIDED),
        (terms.RAISED, pl.col("way") == terms.UP),
        (terms.LOWERED, (pl.col("way") == terms.DOWN) & (pl.col("outcome") != terms.VOIDED)),
    ]
    said = [word for word, rows in found if not changed.filter(rows).is_empty()]
    return ", ".join(said) or terms.CONFIRMED


__all__ = ["APPEAL_DAYS", "KINDS", "CorrectionKind", "consent_missing", "outcome", "way"]
