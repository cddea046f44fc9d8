"""How adjustments of marks are decided about (OPS-4): the subject is a cohort (`2024-06 64123 BEN01`)."""

from __future__ import annotations

from datetime import datetime

from infra.ledger.moderation import CohortName
from pipeline.approvals import ApprovalError, Exhibit, Signature
from pipeline.desk import Desk
from pipeline.marking import moderation


def waiting(desk: Desk) -> list[str]:
    """The cohorts with a proposed adjustment."""
    return [str(name) for name in desk.moderation.proposed()]


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """The adjustment, and the page about it."""
    return moderation.adjustment_exhibit(desk, _cohort(subject))


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> bool | None:
    """Applies the adjustment."""
    return moderation.approve(desk, _cohort(subject), who, why, now, by)


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> bool:
    """Leaves the centre's marks as they are."""
    return moderation.reject(desk, _cohort(subject), who, why, now, by)


def _cohort(subject: str) -> CohortName:
    words = subject.split(" ")
    if len(words) != 3:
        raise ApprovalError(f"there is no cohort {subject}")
    return CohortName(*words)
