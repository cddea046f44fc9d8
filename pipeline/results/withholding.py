"""Withholding results (RES-8): for a learner, a component, a cohort or a centre, before they are out; and what a person
decides in the end: released, they follow with the later claims, within the hour; voided, there is no result.

A withholding is an action on record (OPS-3). It takes effect in the next version: one that is built already is stale
for those learners, one that is approved keeps their centre back (AWD-5).
"""

from __future__ import annotations

import logging
from typing import Any

import polars as pl
from attrs import frozen

from infra.ledger.actions import Action
from infra.ledger.approvals import Signer
from pipeline.approvals import may_decide
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError
from pipeline.steps import RECORDED
from rules import terms
from rules.catalogue import Series, series_title
from rules.withholding import standing

log = logging.getLogger(__name__)


@frozen(kw_only=True)
class Scope:
    """Whose results of a series (its id): what is empty is every one. `option`: a component, or the cash-in code of an
    award alone."""

    series: str
    centre: str = ""
    uci: str = ""
    option: str = ""

    def __str__(self) -> str:
        """For people: `2024-06, centre 64123, BEN03`."""
        parts = (self.series, f"centre {self.centre}" if self.centre else "", self.uci, self.option)
        return ", ".join(part for part in parts if part)


@journaled
def withhold(desk: Desk, scope: Scope, order: Order, how: str = terms.PLAYED) -> str:
    """RES-8, OPS-3, OPS-4: withholds results that are not out. Said again it is not recorded twice. `how`: how the desk
    knows who orders it. Returns what was done in words; raises `StaffError`."""
    series = _series(desk, scope)
    _may(desk, order, how)
    learners = _concerned(desk, scope)
    if _of(desk, scope) == terms.WITHHELD:
        return f"Withheld already: {scope}."
    out = desk.results.current(series.id, released=True)["results"]
    if not _match(out.with_columns(pl.lit(series.id).alias("series")), scope).is_empty():
        raise StaffError(
            f"results of {scope} are out. What is issued is not withheld but corrected (RES-7): nothing was recorded"
        )
    _record(desk, scope, order, how, terms.WITHHELD)
    newest = desk.results.newest(series.id)
    state = newest.state if newest else ""
    then = {
        terms.PROPOSED: f"Award again: `resultsday award {series.id}`.",
        terms.BUILT: f"Version {newest.version if newest else ''} is stale now: withdraw it and award again.",
        terms.APPROVED: "The results are approved: unless they are withdrawn and awarded again, the centres concerned "
        "are kept back at the release and follow with a further version (AWD-5).",
    }.get(state, "")
    return f"Withheld: {scope}; {learners:,} learners. {then}".strip()


@journaled
def end_withholding(desk: Desk, scope: Scope, verdict: terms.HoldWord, order: Order, how: str = terms.PLAYED) -> str:
    """RES-8, OPS-3, OPS-4: a person decides about what is withheld: released or voided. Said again it is not recorded
    twice. Returns what was done in words; raises `StaffError` where nothing of this scope is withheld."""
    _series(desk, scope)
    _may(desk, order, how)
    word = {terms.HOLD_RELEASED: "Released", terms.HOLD_VOIDED: "Voided"}[verdict]
    before = _of(desk, scope)
    if before == verdict:
        return f"{word} already: {scope}."
    if before is None or (before != terms.WITHHELD and verdict == terms.HOLD_RELEASED):
        raise StaffError(f"{scope} is not withheld: `resultsday withhold list` shows what is")
    _record(desk, scope, order, how, verdict)
    return f"{word}: {scope}. If its results are due it follows with the later claims, within the hour."


def holds(desk: Desk) -> pl.DataFrame:
    """What is withheld now, of every series (`rules.frames.HOLDS`), the newest first."""
    every = desk.actions.holds(max(series.id for series in desk.catalogue.all_series()))
    return every.filter(pl.col("state") == terms.WITHHELD).sort("id", descending=True)


def _of(desk: Desk, scope: Scope) -> str | None:
    """The last word about a scope."""
    words = desk.actions.holds(scope.series).filter(
        series=scope.series,
        uci=_uci(desk, scope.uci),
        option=scope.option,
        **({} if scope.uci else {"centre": scope.centre}),
    )
    return str(words["state"][-1]) if words.height else None


def _uci(desk: Desk, uci: str) -> str:
    """The UCI in force."""
    return str(desk.learners.led(pl.DataFrame({"uci": [uci]}))["uci"][0]) if uci else ""


def _series(desk: Desk, scope: Scope) -> Series:
    series = desk.catalogue.series_by_id(scope.series)
    if series is None:
        raise StaffError(f"there is no calendar for {scope.series}; write it as year and month, for example 2024-06")
    codes = {code for whole in desk.catalogue.qualifications for code in (whole.cash_in_code, *(
        part.code for part in whole.components))}  # fmt: skip
    if scope.option and scope.option not in codes:
        raise StaffError(f"{scope.option} is no component or cash-in code")
    if not (scope.centre or scope.uci or scope.option):
        raise StaffError("say whose results: a centre, a learner, a component, or several of these")
    return series


def _concerned(desk: Desk, scope: Scope) -> int:
    """How many learners it is about; raises `StaffError` for nobody."""
    found = _match(desk.results.held(scope.series).with_columns(pl.lit(scope.series).alias("series")), scope)
    if found.is_empty():
        raise StaffError(f"nobody is entered or claims in {series_title(scope.series)} for {scope}")
    return found["uci"].n_unique()


def _match(rows: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """The rows that a withholding of this scope is about."""
    named = rows if "option" in rows.columns else rows.with_columns(pl.col("component").alias("option"))
    values = {"series": scope.series, "centre": scope.centre, "uci": scope.uci, "option": scope.option}
    hold = pl.DataFrame([values | {"state": terms.WITHHELD}])
    text = named.with_columns(pl.col(name).cast(pl.String) for name in values)
    return named.filter(standing(text, hold).is_not_null())


def _may(desk: Desk, order: Order, how: str) -> None:
    if not order.who.strip() or not order.why.strip():
        raise StaffError("say who decides, and why (OPS-3)")
    if desk.settings.approvals > 1:
        may_decide(desk, Signer(order.who, how), desk.settings.approvals)


def _record(desk: Desk, scope: Scope, order: Order, how: str, word: str) -> None:
    about: dict[str, Any] = {"series": scope.series, "centre": scope.centre, "option": scope.option}
    action = Action(
        at=order.at, who=str(Signer(order.who, how)), why=order.why, action=word, uci=_uci(desk, scope.uci), **about
    )
    desk.actions.record(action)
    RECORDED.passed()
    log.info("%s: %s", word, scope)
