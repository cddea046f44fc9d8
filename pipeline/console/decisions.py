"""The console's pages by which people decide (OPS-4): what waits, what is shown about it, and what somebody says."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import HTTPException

from infra.ledger.approvals import Proposal, Signer
from pipeline.approvals import KINDS, ApprovalError, decide, listed, proposal_numbered, put_forward, record, unlisted
from pipeline.console.access import Person
from pipeline.desk import Desk
from rules import terms

_VERDICTS: dict[str, terms.Verdict] = {"approve": terms.APPROVED, "reject": terms.REJECTED}


def waiting(desk: Desk, person: Person, now: datetime, series: str) -> dict[str, Any]:
    """What waits for a decision, and the accepted exceptions of a series (its id). When an approver looks, what nobody
    has put forward yet is put forward."""
    if person.may("approve") and unlisted(desk):
        put_forward(desk, now, people=desk.settings.approvals)
    accepted = [
        proposal
        for proposal in desk.approvals.current(terms.EXCEPTION)
        if proposal.state == terms.APPROVED and proposal.subject.startswith(f"{series} ")
    ]
    return {
        "proposals": [(proposal, _asked(desk, proposal)) for proposal in listed(desk)],
        "kinds": KINDS,
        "accepted": sorted(accepted, key=lambda proposal: proposal.subject),
    }


def shown(desk: Desk, number: int) -> dict[str, Any]:
    """Exactly what is decided about, its hash, and what people have said. Raises `HTTPException`."""
    try:
        proposal = proposal_numbered(desk, number)
        kind = KINDS[proposal.kind]
        exhibit = kind.acts.exhibit(desk, proposal.subject) if proposal.state == terms.PROPOSED else None
    except (ApprovalError, KeyError) as error:
        raise HTTPException(404, str(error)) from error
    return {
        "proposal": proposal,
        "kind": kind,
        "exhibit": exhibit,
        "stale": exhibit is not None and exhibit.sha256 != proposal.sha256,
        "record": record(proposal),
        "take_back": proposal.kind == terms.EXCEPTION and proposal.state == terms.APPROVED,
        "asked": _asked(desk, proposal),
    }


def said(desk: Desk, number: int, verdict: str, person: Person, why: str, now: datetime, sha256: str) -> Proposal:
    """Records what somebody who has logged in says about what the page showed (`sha256`), and does what was decided.
    Raises `ApprovalError`, and what the job of its kind raises."""
    if verdict not in _VERDICTS:
        raise ApprovalError("choose whether to approve or to reject")
    if not sha256:
        raise ApprovalError("the page must say what it showed: open it again")
    signer = Signer(person.name, terms.BY_CONSOLE)
    return decide(desk, number, _VERDICTS[verdict], signer, why.strip()[:500], now, sha256)


def _asked(desk: Desk, proposal: Proposal) -> int:
    return max(desk.settings.approvals, proposal.asked)
