"""Results that are out and withheld (RES-8): a correction of its own kind. Its subjects say whose: a learner's, of a
component, a cohort's or a centre's. They are pending in every later output until a person releases or voids them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from infra.ledger.actions import Action
from infra.ledger.corrections import Subject
from pipeline.corrections.effect import (
    KEY,
    NO_MARKS,
    SAID,
    Change,
    CorrectionError,
    Effect,
    Plan,
    all_effects,
    out_results,
    versions_of,
)
from pipeline.desk import Desk
from pipeline.results.withholding import Scope, last_word
from rules import terms
from rules.awarding import RESULTS
from rules.catalogue import Series
from rules.corrections import way
from rules.frames import HOLDS
from rules.withholding import last_word_about


def withheld_effect(desk: Desk, series: Series, plan: Plan) -> Effect:
    """RES-8: what it would do to withhold what a plan says: these results, and every award that rests on them, in this
    series or a later one. Raises `CorrectionError`."""
    subjects = [Subject.of(said) for said in plan.withheld]
    results, awards = out_results(desk, series, _one_centre(subjects))
    holds = _holds(series, subjects, results, awards)
    _not_voided(desk, series, subjects, holds)
    mine = _in_scope(results, holds, series, "component")
    claims = _in_scope(awards, holds, series, "cash_in")
    nothing = {"raw": None, "ums": None, "grade": "", "outcome": terms.PENDING}
    changed = (
        mine.filter(pl.col("outcome") != terms.PENDING)
        .select(
            *KEY, "registration",
            *(pl.col(name).alias(f"{name}_before") for name in SAID),
            *(pl.lit(nothing[name], RESULTS[name]).alias(name) for name in SAID),
        )
        .with_columns(way().alias("way"), pl.lit(terms.CORRECTED).alias("choice"))
    )  # fmt: skip
    ucis = pl.concat([changed["uci"], claims["uci"].cast(changed.schema["uci"])]).unique()
    versions, of_awards = versions_of(desk, series, Change(source=series.id, corrected=changed, ucis=ucis, holds=holds))
    return Effect(
        plan=plan,
        versions=tuple(versions),
        effects=all_effects(series, changed, of_awards),
        marks=NO_MARKS,
        tables=(),
        unchanged=mine.height - changed.height,
        holds=holds,
    )


def out_subjects(desk: Desk, series: Series, about: Sequence[str]) -> list[Subject]:
    """The subjects that are written in `about`; raises `CorrectionError` for those of whom nothing is out."""
    subjects = [Subject.of(said) for said in dict.fromkeys(about)]
    results, awards = out_results(desk, series, _one_centre(subjects))
    for subject in subjects:
        _holds(series, [subject], results, awards)
    return subjects


def _one_centre(subjects: Sequence[Subject]) -> str:
    """The centre that all of them are of; empty where there are several, or every one."""
    centres = {subject.centre for subject in subjects}
    return centres.pop() if len(centres) == 1 else ""


def is_out(desk: Desk, series: Series, subject: Subject) -> bool:
    """Whether any result of a subject is out to its centre; one that is pending is none."""
    try:
        out_subjects(desk, series, [str(subject)])
    except CorrectionError:
        return False
    return True


def recorded(found: Effect, who: str, why: str, at: datetime) -> list[Action]:
    """What goes on record about what is withheld, or given back; `at` is aware."""
    return [
        Action(
            at=at, who=who, how=terms.BY_APPROVAL, why=why, action=hold["state"], series=hold["series"],
            centre=hold["centre"], uci=hold["uci"], option=hold["option"],
        )
        for hold in found.holds.iter_rows(named=True)
    ]  # fmt: skip


def _holds(series: Series, subjects: Iterable[Subject], results: pl.DataFrame, awards: pl.DataFrame) -> pl.DataFrame:
    """What withholding them records (`rules.frames.HOLDS`), a row each."""
    names = ["centre", "candidate", "uci"]
    learners = pl.concat([frame.select(pl.col(name).cast(pl.String) for name in names) for frame in (results, awards)])
    rows = []
    for subject in subjects:
        its = learners.filter(centre=subject.centre, candidate=subject.candidate) if subject.candidate else learners
        uci = str(its["uci"][0]) if subject.candidate and not its.is_empty() else ""
        row = {"series": series.id, "centre": subject.centre, "uci": uci, "option": subject.component}
        hold = pl.DataFrame([row | {"state": terms.WITHHELD}], schema=HOLDS)
        if its.is_empty() or all(
            _in_scope(frame.filter(pl.col("outcome") != terms.PENDING), hold, series, code).is_empty()
            for frame, code in ((results, "component"), (awards, "cash_in"))
        ):
            raise CorrectionError(
                f"nothing is issued in {series.title} for {subject}: name a learner (64123/0001), with a code "
                f"(64123/0001/BEN03), a component (BEN03), a cohort (64123/*/BEN03) or a centre (64123)"
            )
        rows.append(hold)
    return pl.concat(rows) if rows else pl.DataFrame(schema=HOLDS)


def _not_voided(desk: Desk, series: Series, subjects: Sequence[Subject], holds: pl.DataFrame) -> None:
    """RES-8: raises `CorrectionError` for exactly what was withheld and then voided: withholding it again does not take
    that decision back."""
    for subject, hold in zip(subjects, holds.iter_rows(named=True), strict=True):
        scope = Scope(series=series.id, centre=hold["centre"], uci=hold["uci"], option=hold["option"])
        if last_word(desk, scope) == terms.HOLD_VOIDED:
            raise CorrectionError(
                f"{subject} was withheld and then voided, and that decision stands: there is nothing to withhold. A "
                f"correction gives it back (`resultsday correction open`, RES-7)"
            )


def _in_scope(rows: pl.DataFrame, holds: pl.DataFrame, series: Series, code: str) -> pl.DataFrame:
    """The rows (with their `code`) that withholdings are about."""
    named = rows.select(
        pl.lit(series.id).alias("series"), pl.col("centre").cast(pl.String), pl.col("uci").cast(pl.String),
        pl.col(code).cast(pl.String).alias("option"),
    )  # fmt: skip
    return rows.filter(last_word_about(named, holds).is_not_null())
