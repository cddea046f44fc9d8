"""Withholding results (RES-8): for a learner, a component, a cohort or a centre, before they are out; and what a person
decides in the end: released, they follow with the later claims, within the hour; voided, there is no result, unless
it is given back. What is out is withheld, and given back, by a correction (`pipeline.corrections.withhold`).

A withholding is an action on record (OPS-3). It takes effect in the next version: one that is built already is stale
for those learners, one that is approved keeps their centre back (AWD-5).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import polars as pl
from attrs import frozen

from infra.ledger.actions import Action, last_of_each_scope
from infra.ledger.approvals import Signer
from infra.ledger.corrections import Subject
from pipeline.approvals import ApprovalError, differ, each_of, may_decide
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError, with_name_and_reason
from pipeline.steps import RECORDED
from rules import terms
from rules.catalogue import Series, series_title
from rules.frames import HOLDS
from rules.withholding import HELD_AS, last_word_about, standing

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
        """For people: `2024-06, centre 64123, BEN03`. Logs and pages repeat it, so it names no learner (OPS-3)."""
        learner = "a learner" if self.uci else ""
        parts = (self.series, f"centre {self.centre}" if self.centre else "", learner, self.option)
        return ", ".join(part for part in parts if part)


@journaled
def withhold(desk: Desk, scope: Scope, order: Order) -> str:
    """RES-8, OPS-3, OPS-4: withholds results that are not out. Said again it is not recorded twice.
    Returns what was done in words; raises `StaffError`."""
    series = _series(desk, scope)
    _may(desk, order)
    learners = concerned(desk, scope)
    before = last_word(desk, scope)
    if before == terms.WITHHELD:
        return f"Withheld already: {scope}."
    if before == terms.HOLD_VOIDED:
        raise StaffError(f"{scope} is voided, and that decision stands: {_HOW_BACK}")
    if _is_out(desk, scope):
        raise StaffError(
            f"results of {scope} are out: they are withheld by a correction, which another person approves (RES-7)"
        )
    _record(desk, scope, order, terms.WITHHELD)
    return f"Withheld: {scope}; {learners:,} learners. {_made_stale(desk, series)}".strip()


def _made_stale(desk: Desk, series: Series) -> str:
    """AWD-5: what to do about a version that is not out and says something else; empty where there is none."""
    newest = desk.results.newest(series.id)
    return {
        terms.PROPOSED: f"Award again: `resultsday award {series.id}`.",
        terms.BUILT: f"Version {newest.version if newest else ''} is stale now: withdraw it and award again.",
        terms.APPROVED: "The results are approved: unless they are withdrawn and awarded again, the centres concerned "
        "are kept back at the release and follow with a further version (AWD-5).",
    }.get(newest.state if newest else "", "")


@journaled
def end_withholding(desk: Desk, scope: Scope, verdict: terms.HoldWord, order: Order) -> str:
    """RES-8, OPS-3, OPS-4: a person decides about what is withheld: released or voided; or that what was voided and is
    not out is given back. Where two people are asked, another than who withheld or voided it. Said again it is not
    recorded twice. Returns what was done in words; raises `StaffError` where there is nothing of this scope to decide
    about."""
    series = _series(desk, scope)
    _may(desk, order)
    word = {terms.HOLD_RELEASED: "Released", terms.HOLD_VOIDED: "Voided", terms.HOLD_GIVEN_BACK: "Given back"}[verdict]
    before, given_back = last_word(desk, scope), verdict == terms.HOLD_GIVEN_BACK
    if before == verdict and not (given_back and standing_in(desk, scope, terms.HOLD_VOIDED).height):
        return f"{word} already: {scope}."
    if given_back:
        _can_be_given_back(desk, scope)
    elif before == terms.HOLD_VOIDED:
        raise StaffError(f"{scope} is voided, and that decision stands: {_HOW_BACK}")
    elif before != terms.WITHHELD:
        raise StaffError(f"{scope} is not withheld{_with_what(desk, scope)}")
    _another_person(desk, scope, order.by, verdict)
    effect = [f"{what}: {whose}." for what, whose in back_effect(desk, scope)] if given_back else []
    _record(desk, scope, order, verdict)
    stale = _made_stale(desk, series) if given_back else ""
    due = stale or "If its results are due it follows with the later claims, within the hour."
    return " ".join([f"{word}: {scope}.", *effect, due, *_still_open(desk, scope)])


def _with_what(desk: Desk, scope: Scope) -> str:
    """RES-8: what else withholds results that nobody has withheld by themselves, and what to do about them alone."""
    wider = _covering(desk, scope, terms.WITHHELD)
    if not wider:
        return ": `resultsday withhold list` shows what is"
    return (
        f" by itself, but with {wider[0]}: decide about that. To void this alone, withhold it by itself first; it is "
        f"then released, or stays voided, whatever is decided about the others"
    )


def _still_open(desk: Desk, scope: Scope) -> Iterator[str]:
    """RES-7: which corrections of what is decided about are open: a mark that came meanwhile has opened one."""
    numbers = set(desk.results.candidates(scope.series, [_uci(desk, scope.uci)])["candidate"]) if scope.uci else None
    for case in desk.corrections.all(scope.series):
        its = (
            subject.candidate
            and subject.component
            and (numbers is None or subject.candidate in numbers)
            and scope.centre in ("", subject.centre)
            and scope.option in ("", subject.component)
            for subject in case.subjects
        )
        if case.is_open and any(its):
            show = f"`resultsday correction show {case.number}`"
            yield f"Correction {case.number} of it is {case.state}, and is still to be decided: {show}."


_HOW_BACK = (
    "before it is out another person gives it back (`resultsday withhold give-back`), after that a correction "
    "(`resultsday correction open`, RES-7)"
)


def _can_be_given_back(desk: Desk, scope: Scope) -> None:
    """RES-7, RES-8: raises `StaffError` unless it is voided, by itself or with others, and nobody but us has seen
    that."""
    if last_word(desk, scope) != terms.HOLD_VOIDED and standing_in(desk, scope, terms.HOLD_VOIDED).is_empty():
        raise StaffError(f"{scope} is not voided: `resultsday withhold list --voided` shows what is")
    if _is_out(desk, scope):
        raise StaffError(
            f"results of {scope} are out: what was voided is given back by a correction, which another person approves "
            f"(`resultsday correction open`, RES-7)"
        )


def back_effect(desk: Desk, scope: Scope) -> list[tuple[str, str]]:
    """RES-8: what giving back a scope does, as facts: which results there are again, and what of the same learners, and
    of others with whom they were voided, stays voided."""
    back = standing_in(desk, scope, terms.HOLD_VOIDED)
    every = standing_in(desk, Scope(series=scope.series), terms.HOLD_VOIDED)
    rest = every.join(back, on=every.columns, how="anti")
    theirs = rest.join(back, on="uci", how="semi")
    voided_with = [_match(rest, wider) for wider in _covering(desk, scope, terms.HOLD_VOIDED)]
    others = pl.concat([rest.clear(), *voided_with]).join(back, on="uci", how="anti")["uci"].n_unique()
    return [
        (what, f"{', '.join(rows['option'].unique().sort())} of {count:,} learner{'s' * (count != 1)}")
        for what, rows in (("Comes back", back), ("Stays voided for them", theirs))
        if (count := rows["uci"].n_unique())
    ] + ([("Stays voided for others", f"{others:,} learner{'s' * (others != 1)}")] if others else [])


def hanging_over(desk: Desk, scope: Scope) -> str:
    """RES-8: that the result of an entry or a claim of a learner (all of `scope`) would be withheld or voided, as is
    what others, or the learner, have there; in a sentence, empty where it would not."""
    row = {"series": scope.series, "centre": scope.centre, "uci": _uci(desk, scope.uci), "option": scope.option}
    state = standing(pl.DataFrame([row]), desk.actions.holds(scope.series))[0]
    listed = f"resultsday withhold list{' --voided' * (state == terms.HOLD_VOIDED)}"
    return (
        f"{scope.option} in {series_title(scope.series)} is {HELD_AS[state]} at centre {scope.centre} or for this "
        f"learner, and so would this be (`{listed}`, RES-8)."
        if state
        else ""
    )


def standing_in(desk: Desk, scope: Scope, state: str) -> pl.DataFrame:
    """The entries and claims in a scope of which this stands (`rules.withholding.standing`), whoever it was said of:
    `series`, `centre`, `candidate`, `uci`, `option`."""
    names = ("series", "centre", "candidate", "uci", "option")
    held = desk.results.held(scope.series).with_columns(series=pl.lit(scope.series))
    text = held.select(pl.col(name).cast(pl.String) for name in names)
    mine = text if scope == Scope(series=scope.series) else _match(text, scope)
    return mine.filter(standing(mine, desk.actions.holds(scope.series)) == state).unique(maintain_order=True)


def _covering(desk: Desk, scope: Scope, state: str) -> list[Scope]:
    """The scopes that were withheld, or voided, and by which that stands of anything in a scope."""
    rows = standing_in(desk, scope, state)
    said = desk.actions.holds(scope.series).filter(series=scope.series, state=state)
    scopes = [Scope(**row) for row in said.select("series", "centre", "uci", "option").iter_rows(named=True)]
    return [each for each in scopes if not _match(rows, each).is_empty()]


def scope_of(desk: Desk, series: str, subject: Subject) -> Scope:
    """Whose results of a series (its id) a subject is about. A candidate is one who is entered in it, or has results.
    Raises `StaffError` for nobody."""
    uci = ""
    if subject.candidate:
        found = desk.results.uci_of(series, subject.centre, subject.candidate)
        if found is None:
            of = subject.centre or "(none)"
            raise StaffError(f"nobody is candidate {subject.candidate} of centre {of} in {series}")
        uci = found
    return Scope(series=series, centre=subject.centre, uci=uci, option=subject.component)


def holds(desk: Desk, state: str = terms.WITHHELD) -> pl.DataFrame:
    """What is withheld now, or voided, of every series (`rules.frames.HOLDS`), with the `candidate` number of a
    learner; the newest first."""
    every = desk.actions.holds(max(series.id for series in desk.catalogue.all_series()))
    now = last_of_each_scope(every).filter(pl.col("state") == state).sort("id")
    numbers = [desk.results.candidates(series, now["uci"].to_list()) for series in now["series"].unique().sort()]
    known = pl.concat([pl.DataFrame(schema=dict.fromkeys(("series", "uci", "candidate"), pl.String)), *numbers])
    return (
        now.join(known.unique(["series", "uci"], keep="last"), on=["series", "uci"], how="left")
        .with_columns(pl.col("candidate").fill_null(""))
        .sort("id", descending=True)
    )


def last_word(desk: Desk, scope: Scope) -> str | None:
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


def concerned(desk: Desk, scope: Scope) -> int:
    """How many learners it is about; raises `StaffError` for nobody."""
    found = _match(desk.results.held(scope.series).with_columns(pl.lit(scope.series).alias("series")), scope)
    if found.is_empty():
        raise StaffError(f"nobody is entered or claims in {series_title(scope.series)} for {scope}")
    return found["uci"].n_unique()


def _is_out(desk: Desk, scope: Scope) -> bool:
    """Whether any of its results is out to its centre; one that is pending is none."""
    out = desk.results.current(scope.series, out=True)
    named = pl.concat([
        rows.filter(pl.col("outcome") != terms.PENDING).select(
            pl.lit(scope.series).alias("series"), *(pl.col(name).cast(pl.String) for name in ("centre", "uci")),
            pl.col(code).cast(pl.String).alias("option"),
        )
        for rows, code in ((out["results"], "component"), (out["awards"], "cash_in"))
    ])  # fmt: skip
    return not _match(named, scope).is_empty()


def _match(rows: pl.DataFrame, scope: Scope) -> pl.DataFrame:
    """The rows that a withholding of this scope is about."""
    named = rows if "option" in rows.columns else rows.with_columns(pl.col("component").alias("option"))
    values = {"series": scope.series, "centre": scope.centre, "uci": scope.uci, "option": scope.option}
    hold = pl.DataFrame([values], schema=HOLDS)
    text = named.with_columns(pl.col(name).cast(pl.String) for name in values)
    return named.filter(last_word_about(text, hold).is_not_null())


def _may(desk: Desk, order: Order) -> None:
    with_name_and_reason(order.who, order.why, StaffError)
    if desk.settings.approvals > 1:
        may_decide(desk, order.by, desk.settings.approvals)


def _another_person(desk: Desk, scope: Scope, person: Signer, verdict: terms.HoldWord) -> None:
    """OPS-4: raises `StaffError` for who withheld what is to be decided about, or voided what is to be given back, by
    itself or with others."""
    back = verdict == terms.HOLD_GIVEN_BACK
    word, done = (terms.HOLD_VOIDED, "voided this") if back else (terms.WITHHELD, "withheld this")
    for each in dict.fromkeys([scope, *(_covering(desk, scope, word) if back else ())]):
        first = desk.actions.said_by(word, each.series, each.centre, _uci(desk, each.uci), each.option)
        try:
            if first is not None:
                differ(desk, each_of(first)[0], person, done, "end it")
        except ApprovalError as error:
            raise StaffError(str(error)) from error


def _record(desk: Desk, scope: Scope, order: Order, word: str) -> None:
    about: dict[str, Any] = {"series": scope.series, "centre": scope.centre, "option": scope.option}
    action = Action(
        at=order.at, who=order.who, how=order.how, why=order.why, action=word, uci=_uci(desk, scope.uci), **about
    )  # fmt: skip
    desk.actions.record(action)
    RECORDED.passed()
    log.info("%s: %s", word, scope)
