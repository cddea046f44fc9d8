"""An order of staff, and what is said when it cannot be carried out (OPS-3)."""

from __future__ import annotations

from infra.ledger.approvals import Order, with_name_and_reason


class StaffError(ValueError):
    """A member of staff asked for something that cannot be done; the message says why."""


__all__ = ["Order", "StaffError", "with_name_and_reason"]
