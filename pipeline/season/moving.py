"""Dates of the calendar changed by staff (CAL-7): asked for, in force once confirmed, undone by a later version. The
calendar file of the catalogue stays the seed."""

from __future__ import annotations

import logging
from datetime import date

from infra.ledger.calendar import ChangeRow
from pipeline.desk import Desk, up_to_date
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError
from pipeline.season.changes import DateChange, change_of, tried
from pipeline.season.deadlines import write_deadlines
from pipeline.steps import ASKED_FOR, DATE_DECIDED
from rules import terms
from rules.catalogue import instant_text

log = logging.getLogger(__name__)


@journaled
def ask(desk: Desk, change: DateChange, order: Order) -> int:
    """CAL-7: puts on record that somebody wants a date changed. Nothing of it is in force. Returns its number; the same
    asked for again while it waits has the number it had. Raises `StaffError`."""
    _with_name_and_reason(order)
    tried(desk, change, order.at)
    number = desk.calendar.ask(
        ChangeRow(
            number=0, series=change.series, event=change.event, component=change.component,
            day=date.fromisoformat(change.day), since=change.since, at=order.at, who=order.who, why=order.why,
        )
    )  # fmt: skip
    ASKED_FOR.passed()
    return number


@journaled
def confirm(desk: Desk, change: DateChange, order: Order) -> str:
    """CAL-7: puts a date in force that waits. Returns what was done in words; raises `StaffError`. Confirmed again by
    the same person for the same reason, nothing changes."""
    row, done = _waiting(desk, change, order, terms.CONFIRMED), f"It is confirmed already: {change.title}."
    if row is not None:
        since = tried(desk, change, order.at).after.since
        desk.calendar.decide(row.number, terms.CONFIRMED, order.at, order.at, order.who, order.why)
        DATE_DECIDED.passed()
        log.info("%s is confirmed", change.title)
        done = f"Confirmed: {change.title}, in force from {instant_text(since)}."
    # Also of a run that died in between.
    write_deadlines(up_to_date(desk), order.at)
    return done


@journaled
def drop(desk: Desk, change: DateChange, order: Order) -> str:
    """CAL-7: drops a date that waits. Returns what was done in words; raises `StaffError`."""
    row = _waiting(desk, change, order, terms.DROPPED)
    if row is not None:
        desk.calendar.decide(row.number, terms.DROPPED, None, order.at, order.who, order.why)
        DATE_DECIDED.passed()
    return f"Dropped, nothing of it was in force: {change.title}."


def numbered(desk: Desk, number: int) -> ChangeRow:
    """The change with a number; raises `StaffError`."""
    row = next((row for row in desk.calendar.changes() if row.number == number), None)
    if row is None:
        raise StaffError(f"there is no change {number}: `resultsday calendar list` shows them")
    return row


def undoing(desk: Desk, number: int) -> DateChange:
    """CAL-7: the change that puts a date back to what it was before change `number`: a later version. Raises
    `StaffError` when that change is not the newest of its date."""
    row = numbered(desk, number)
    if row.decision != terms.CONFIRMED or row.since is None:
        raise StaffError(f"change {number} is not in force: there is nothing to undo")
    change, catalogue = change_of(row), desk.catalogue
    whose = (row.series, row.event, row.component)
    others = [one for one in catalogue.set_by_staff if one.number != number]
    later = [one.number for one in others if (one.series, one.event, one.component) == whose and one.number > number]
    if later:
        raise StaffError(f"change {later[-1]} has come since, of the same date: undo that one, or set the date")
    series = catalogue.series_by_id(row.series)
    without = catalogue.with_dates(tuple(others))
    before = without.milestone(series, row.event, row.since, row.component) if series else None
    if before is None:
        raise StaffError(f"the catalogue no longer has {row.event} of {row.series}")
    return DateChange(series=change.series, event=change.event, component=change.component, day=f"{before.day}")


def _with_name_and_reason(order: Order) -> None:
    if not order.who.strip() or not order.why.strip():
        raise StaffError("say who is doing this and why")


def _waiting(desk: Desk, change: DateChange, order: Order, decision: str) -> ChangeRow | None:
    """The row that waits to be decided; None when this very decision was taken already. Raises `StaffError`."""
    _with_name_and_reason(order)
    rows = desk.calendar.changes()
    row = next((row for row in rows if row.decision is None and change_of(row) == change), None)
    said = (decision, order.who, order.why)
    if row is None and not any(
        (row.decision, row.decided_who, row.decided_why) == said and _same(row, change) for row in rows
    ):
        raise StaffError(f"nobody has asked for this, or it is decided already: {change.title}")
    return row


def _same(row: ChangeRow, change: DateChange) -> bool:
    """Whether a decided row is what was asked for: its `since` may be when it was confirmed."""
    asked = change_of(row)
    return (asked.series, asked.event, asked.component, asked.day) == (
        change.series, change.event, change.component, change.day,
    )  # fmt: skip
