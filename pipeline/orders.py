"""An order of staff, and what is said when it cannot be carried out (OPS-3)."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen


class StaffError(ValueError):
    """A member of staff asked for something that cannot be done; the message says why."""


@frozen
class Order:
    """Who does something, why, and when (aware)."""

    who: str
    why: str
    at: datetime
