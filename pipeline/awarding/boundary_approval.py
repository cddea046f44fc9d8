"""How boundaries are decided about (OPS-4): the subject is a series (`2024-06`)."""

from __future__ import annotations

from datetime import datetime

from pipeline.approvals import ApprovalError, Exhibit, Signature
from pipeline.awarding.award import approve_boundaries, boundary_exhibit, reject_boundaries
from pipeline.desk import Desk
from rules.catalogue import Series


def waiting(desk: Desk) -> list[str]:
    """The series with a conversion table that nobody has approved."""
    tables = desk.results.conversions(approved=False)
    return sorted({table.series for table in tables if table.approved_at is None})


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """Every newest conversion table of the series."""
    return boundary_exhibit(desk, _series(desk, subject).id)


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> int | None:
    """Approves those that wait."""
    return approve_boundaries(desk, _series(desk, subject), who, why, now, by)


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> bool:
    """Rejects them: those approved before stay in force."""
    return reject_boundaries(desk, _series(desk, subject), who, why, now, by)


def _series(desk: Desk, subject: str) -> Series:
    series = desk.catalogue.series_by_id(subject)
    if series is None:
        raise ApprovalError(f"there is no calendar for {subject}")
    return series
