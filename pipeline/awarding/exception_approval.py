"""How exceptions are decided about (OPS-4, AWD-7): the subject is a series, a code of `rules.balance.CODES`, and the
component or centre for which it is accepted (`2024-06 BOARD_MARK_MISSING BEN03`)."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from infra.ledger.actions import Action
from infra.ledger.approvals import Signer
from infra.ledger.results import Awarding
from pipeline.approvals import NOT_SEEN, ApprovalError, Exhibit, Signature, deciders, reasons, sign
from pipeline.awarding.balance import acceptances, counted, exception_exhibit, in_scope, listed_exceptions
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.steps import EXCEPTION_DECIDED
from rules import terms
from rules.balance import CODES
from rules.catalogue import series_title


def waiting(desk: Desk) -> list[str]:
    """By component, what blocks a version that is not approved yet and that a person may accept, as the balance sheet
    has it."""
    return [subject for awarding in _weighed(desk) for subject in _open(desk, awarding)]


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """How many there are, whose, and the hash of the list."""
    series, code, scope = _parts(subject)
    return exception_exhibit(series, code, scope, _listed(desk, series, code, scope))


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> bool | None:
    """Accepts the exception."""
    return accept(desk, subject, who, why, now, by)


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> bool:
    """Does not accept it, or takes the acceptance back."""
    return take_back(desk, subject, who, why, now, by)


@journaled
def accept(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> bool | None:
    """AWD-7, OPS-4: a person accepts the exceptions of a subject as they are listed. True when they are accepted now,
    False when they were before, None while more people are asked. Raises `ApprovalError`, and as `sign` does."""
    shown = exhibit(desk, subject)
    _, code, _ = _parts(subject)
    with_name_and_reason(who, why, ApprovalError)
    if not CODES[code].acceptable:
        raise ApprovalError(f"{code} cannot be accepted: {CODES[code].words}. {CODES[code].remedy}")
    newest = desk.approvals.newest(terms.EXCEPTION, subject)
    if newest and newest.state == terms.APPROVED and newest.sha256 == shown.sha256:
        _record(desk, subject, "exception_accepted", deciders(newest), reasons(newest), now)
        return False
    proposal = sign(desk, shown, terms.APPROVED, who, why, now, by)
    if proposal.state != terms.APPROVED:
        return None
    _record(desk, subject, "exception_accepted", deciders(proposal), reasons(proposal), now)
    return True


@journaled
def take_back(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> bool:
    """AWD-7, OPS-4: a person takes back what was accepted, or refuses to accept it: it blocks. Raises `ApprovalError`,
    also once the results are approved, and as `sign` does."""
    series, _, _ = _parts(subject)
    with_name_and_reason(who, why, ApprovalError)
    newest = desk.results.newest(series)
    if newest and newest.state in terms.ISSUED_STATES:
        raise ApprovalError(
            f"the results of {series_title(series)} are approved with it: withdraw them first, if they are not out "
            f"(`resultsday results withdraw {series}`)"
        )
    sign(desk, exhibit(desk, subject), terms.REJECTED, who, why, now, by)
    _record(desk, subject, "exception_taken_back", str(Signer(who, by.how)), why, now)
    return True


def _record(desk: Desk, subject: str, action: str, who: str, why: str, now: datetime) -> None:
    """OPS-3: who did it and why, once."""
    series, code, scope = _parts(subject)
    at_centre = scope.isdigit()
    done = Action(
        at=now, who=who, how=terms.BY_APPROVAL, why=why, action=action, centre=scope if at_centre else "",
        series=series, event=code, option="" if at_centre else scope,
    )  # fmt: skip
    if desk.actions.granted(done) is None:
        desk.actions.record(done)
    EXCEPTION_DECIDED.passed()


def _parts(subject: str) -> tuple[str, str, str]:
    words = subject.split(" ")
    if len(words) != 3 or words[1] not in CODES:
        raise ApprovalError(f"there is no exception {subject}; the codes are {', '.join(CODES)}")
    return words[0], words[1], words[2]


def _weighed(desk: Desk) -> list[Awarding]:
    """The newest version of each series that is not approved yet."""
    open_ = [
        awarding
        for state in (terms.PROPOSED, terms.BUILT)
        for kind in terms.DECIDED_KINDS
        for awarding in desk.results.in_state(state, kind)
    ]
    newest = {awarding.series: desk.results.newest(awarding.series) for awarding in open_}
    return sorted((one for one in open_ if one == newest[one.series]), key=lambda one: one.series)


def _open(desk: Desk, awarding: Awarding) -> list[str]:
    listed = listed_exceptions(desk, awarding)
    if listed is None:
        return []
    series = awarding.series
    accepted = pl.lit(value=False)
    for proposal in acceptances(desk, series):
        _, code, scope = _parts(proposal.subject)
        its = in_scope(listed, code, scope)
        if not its.is_empty() and exception_exhibit(series, code, scope, its).sha256 == proposal.sha256:
            accepted |= (pl.col("code") == code) & ((pl.col("component") == scope) | (pl.col("centre") == scope))
    left = counted(listed.filter(~accepted))
    return [f"{series} {code} {component}" for code, component, _ in left.iter_rows() if CODES[code].acceptable]


def _listed(desk: Desk, series: str, code: str, scope: str) -> pl.DataFrame:
    """The exceptions of a code and scope in the newest version's list; raises `ApprovalError` where there are none."""
    newest = desk.results.newest(series)
    listed = listed_exceptions(desk, newest) if newest else None
    if listed is None:
        raise ApprovalError(f"there is no balance sheet of {series} yet: `resultsday gate show {series}`")
    its = in_scope(listed, code, scope)
    if its.is_empty():
        raise ApprovalError(
            f"{code} does not stand in the way of {series} for {scope}: `resultsday gate show {series}`"
        )
    return its
