"""What staff do with alerts (OPS-3): take one on, silence a kind of them for a while, and end that."""

from __future__ import annotations

from datetime import datetime, timedelta

from infra.ledger.actions import Action
from infra.ledger.alerts import SILENCED
from infra.ledger.work import ALERT, TAKEN
from pipeline.desk import Desk
from pipeline.orders import Order, StaffError
from pipeline.watching.alerts import ALERTS, TEST
from rules.calendar import instant_text

LONGEST = timedelta(days=7)
"""How long a kind of alert can be silenced at a time. Ours."""


def acknowledge(desk: Desk, key: str, order: Order) -> str:
    """Says that somebody has an alert in hand: it is theirs on the work list. Returns that in words; raises
    `StaffError`."""
    if desk.watch.booked(key) is None:
        raise StaffError(f"there is no alert {key}")
    _record(desk, order, TAKEN, f"{ALERT}{key}", None)
    return f"{order.by} has {key} in hand."


def silenceable(desk: Desk, code: str, until: datetime, now: datetime) -> None:
    """Raises `StaffError` where a kind of alert cannot be silenced until an instant (aware)."""
    if code not in ALERTS or code == TEST.name:
        raise StaffError(f"{code} is no kind of alert")
    if not now < until <= now + LONGEST:
        raise StaffError(f"an alert is silenced for at most {LONGEST.days} days: until {instant_text(now + LONGEST)}")


def silence(desk: Desk, code: str, until: datetime, order: Order) -> str:
    """Nobody is told of a kind of alert before `until` (aware). It goes on the books as ever, and what still is so then
    is told then. Returns that in words; raises `StaffError`."""
    silenceable(desk, code, until, order.at)
    _record(desk, order, SILENCED, code, until)
    return f"Nobody is told of {code} before {instant_text(until)}."


def hear(desk: Desk, code: str, order: Order) -> str:
    """Ends the silence about a kind of alert. Returns that in words; raises `StaffError`."""
    if code not in desk.watch.silenced(order.at):
        raise StaffError(f"{code} is not silenced")
    _record(desk, order, SILENCED, code, None)
    return f"People are told of {code} again."


def _record(desk: Desk, order: Order, action: str, about: str, until: datetime | None) -> None:
    done = Action(
        at=order.at,
        who=order.who,
        how=order.how,
        why=order.why,
        action=action,
        centre="",
        file_name=about,
        until=until,
    )
    desk.actions.record(done)
