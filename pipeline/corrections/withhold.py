"""How a person withholds results (RES-8), by the command line or in the console: what is not out is withheld at once;
what is out is proposed as a correction, its whole effect first, and another person approves it."""

from __future__ import annotations

from infra.ledger.corrections import Case, Subject
from pipeline.approvals import Signature
from pipeline.corrections.cases import Request, open_case, propose
from pipeline.corrections.effect import CorrectionError, Effect, Plan
from pipeline.corrections.withheld import is_out, withheld_effect
from pipeline.desk import Desk
from pipeline.orders import Order
from pipeline.results.withholding import scope_of, withhold
from rules import terms
from rules.catalogue import LONDON, Series


def effect_of(desk: Desk, series: Series, subject: Subject) -> Effect | None:
    """RES-8: what it would do to withhold results, in the whole, where any of them are out; None where none are, and
    nobody but us has seen them. Nothing is recorded. Raises `CorrectionError`."""
    if not is_out(desk, series, subject):
        return None
    return withheld_effect(desk, series, Plan(kind=terms.WITHHOLDING, withheld=(str(subject),)))


def put(desk: Desk, series: Series, subject: Subject, order: Order) -> tuple[str, Case | None]:
    """RES-8, OPS-4: withholds results that are not out; of those that are, it opens a correction and proposes it.
    Returns what was done in words, and the case. Raises `StaffError` and `CorrectionError`."""
    effect = effect_of(desk, series, subject)
    if effect is None:
        return withhold(desk, scope_of(desk, series.id, subject), order), None
    if effect.effects.is_empty():
        raise CorrectionError("all of it is withheld already, or pending: `resultsday withhold list`")
    request = Request(
        kind=terms.WITHHOLDING, about=[str(subject)], by=order.who, on=f"{order.at.astimezone(LONDON):%Y-%m-%d}"
    )
    by = Signature(how=order.how, people=desk.settings.approvals)
    case = open_case(desk, series, request, order.who, order.why, order.at, by)
    case = propose(desk, case.number, Plan(), order.who, order.why, order.at, by)
    proposal = desk.approvals.newest(terms.CORRECTION, str(case.number))
    more = "another person approves" if by.people > 1 else "a person approves"
    if proposal and proposal.lacking > 1:
        more = f"{proposal.lacking} people who may decide approve"
    return (
        f"Correction {case.number} is proposed, because these results are out. Nothing is withheld until {more} it "
        f"(`resultsday correction approve {case.number}`)."
    ), case
