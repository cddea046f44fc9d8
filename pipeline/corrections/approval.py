"""How a correction is decided about (OPS-4): the subject is the number of the case."""

from __future__ import annotations

from datetime import datetime

from infra.ledger.corrections import Case
from pipeline.approvals import ApprovalError, Exhibit, Signature
from pipeline.corrections import cases
from pipeline.desk import Desk
from rules import terms


def waiting(desk: Desk) -> list[str]:
    """Cases with a proposal, and those that are approved and not carried out to the end."""
    return [str(case.number) for case in desk.corrections.all() if case.state in (terms.PROPOSED, terms.APPROVED)]


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """The proposal, and the pages of its effect."""
    case = desk.corrections.numbered(int(subject)) if subject.isdecimal() else None
    if case is None:
        raise ApprovalError(f"there is no correction {subject}")
    return cases.exhibit_of(case)


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Case:
    """Carries the case out."""
    return cases.approve(desk, int(subject), who, why, now, by)


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Case:
    """Rejects the proposal: nothing changes."""
    return cases.reject(desk, int(subject), who, why, now, by)
