"""Dates of the calendar changed by staff (CAL-7): asked for, in force once confirmed, undone by a later version. The
calendar file of the catalogue stays the seed."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from datetime import datetime

from attrs import frozen

from infra.ledger.calendar import ChangeRow
from pipeline.approvals import ApprovalError, differ, may_decide, same_person
from pipeline.desk import Desk, up_to_date
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError, with_name_and_reason
from pipeline.season.changes import GENERAL, DateChange, change_of, tried
from pipeline.season.deadlines import write_deadlines
from pipeline.steps import ASKED_FOR, DATE_DECIDED
from rules import terms
from rules.catalogue import INSTANTS, instant_text

log = logging.getLogger(__name__)


@journaled
def ask(desk: Desk, change: DateChange, order: Order) -> int:
    """CAL-7: puts on record that somebody wants a date changed. Nothing of it is in force. Returns its number; the same
    asked for again while it waits has the number it had. Raises `StaffError`."""
    with_name_and_reason(order.who, order.why, StaffError)
    tried(desk, change, order.at)
    number = desk.calendar.ask(
        ChangeRow(
            number=0, series=change.series, event=change.event, component=change.component,
            day=change.falls_on, since=change.since, at=order.at, who=order.who, how=order.how,
            why=order.why,
        )
    )  # fmt: skip
    ASKED_FOR.passed()
    return number


@frozen
class Wish:
    """Who asked for a date, how the desk knows them, and why: of what waits, that is one row. Without a name: whoever
    it was, as the journals of earlier releases have it."""

    who: str = ""
    how: str = ""
    why: str = ""

    @classmethod
    def of(cls, row: ChangeRow) -> Wish:
        """That of a row."""
        return cls(row.who, row.how, row.why)

    def meant(self, row: ChangeRow) -> bool:
        """Whether it is that of a row."""
        return not self.who or Wish.of(row) == self


ANYBODYS = Wish()


def decide(desk: Desk, number: int, decision: str, order: Order) -> str:
    """CAL-7: confirms or drops the change of that number, and no other, though somebody else asks for the same. Returns
    what was done in words; raises `StaffError`. Decided again by the same person for the same reason, nothing
    changes."""
    row = numbered(desk, number)
    if row.decision is not None and (row.decision, row.decided_by, row.decided_why) != (decision, order.by, order.why):
        raise StaffError(f"change {number} is decided already: {row.decision} by {row.decided_by}")
    act = confirm if decision == terms.CONFIRMED else drop
    return act(desk, change_of(row), order, Wish.of(row))


@journaled
def confirm(desk: Desk, change: DateChange, order: Order, wish: Wish = ANYBODYS) -> str:
    """CAL-7: puts a date in force that waits, asked for as `wish` says; where two people are asked, another than who
    asked for it does (OPS-4). Returns what was done in words; raises `StaffError`. Confirmed again by the same person
    for the same reason, nothing changes."""
    row, done = _waiting(desk, change, order, terms.CONFIRMED, wish), f"It is confirmed already: {change.title}."
    if row is not None:
        _may_confirm(desk, row, order)
        # Nothing is published while the date that releases it is decided.
        with desk.results.alone() if change.event in INSTANTS.values() else nullcontext():
            since = tried(desk, change, order.at).after.since
            _decide(desk, row, terms.CONFIRMED, order)
        DATE_DECIDED.passed()
        log.info("%s is confirmed", change.title)
        done = f"Confirmed: {change.title}, in force from {instant_text(since)}."
    # Also of a run that died in between.
    write_deadlines(up_to_date(desk), order.at)
    return done


@journaled
def drop(desk: Desk, change: DateChange, order: Order, wish: Wish = ANYBODYS) -> str:
    """CAL-7: drops a date that waits, asked for as `wish` says. Returns what was done in words; raises `StaffError`."""
    row = _waiting(desk, change, order, terms.DROPPED, wish)
    if row is not None:
        _decide(desk, row, terms.DROPPED, order)
        DATE_DECIDED.passed()
    return f"Dropped, nothing of it was in force: {change.title}."


def numbered(desk: Desk, number: int) -> ChangeRow:
    """The change with a number; raises `StaffError`."""
    row = next((row for row in desk.calendar.changes() if row.number == number), None)
    if row is None:
        raise StaffError(f"there is no change {number}: `resultsday calendar list` shows them")
    return row


def undoing(desk: Desk, number: int, now: datetime) -> DateChange:
    """CAL-7: the change that puts a date back to what it was before change `number`: a later version, in force from the
    same instant where change `number` begins after `now` (aware). A component that had no date of its own has none
    again. Raises `StaffError` when that change is not the
    newest of its date."""
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
    since = row.since if row.since > now else None
    day = f"{before.day}" if before.component == row.component else GENERAL
    return DateChange(series=change.series, event=change.event, component=change.component, day=day, since=since)


def _may_confirm(desk: Desk, row: ChangeRow, order: Order) -> None:
    """OPS-4: where two people are asked, who confirms is another than who has asked for it; when results go out, only
    who may approve them decides. Raises `StaffError`."""
    try:
        differ(desk, row.by, order.by, "asked for this", "confirm it")
        if row.event in INSTANTS.values() and desk.settings.approvals > 1:
            may_decide(desk, order.by, desk.settings.approvals)
    except ApprovalError as error:
        raise StaffError(str(error)) from error


def _waiting(desk: Desk, change: DateChange, order: Order, decision: str, wish: Wish) -> ChangeRow | None:
    """The row that waits to be decided; None when this very decision was taken already. Raises `StaffError`."""
    with_name_and_reason(order.who, order.why, StaffError)
    rows = [row for row in desk.calendar.changes() if wish.meant(row)]
    waiting = [row for row in rows if row.decision is None and change_of(row) == change]
    # Where several people have asked for the same, somebody else's comes first: that one they may confirm (OPS-4).
    row = min(waiting, key=lambda row: (same_person(desk, row.by, order.by), row.number), default=None)
    said = (decision, order.by, order.why)
    if row is None and not any(
        (row.decision, row.decided_by, row.decided_why) == said and _same(row, change) for row in rows
    ):
        raise StaffError(f"nobody has asked for this, or it is decided already: {change.title}")
    return row


def _decide(desk: Desk, row: ChangeRow, decision: str, order: Order) -> None:
    """Raises `StaffError` where somebody else has decided since it was looked at: nothing is said to be done twice."""
    since = order.at if decision == terms.CONFIRMED else None
    if not desk.calendar.decide(row.number, decision, since, order.at, order.by, order.why):
        raise StaffError(f"somebody has decided change {row.number} meanwhile: `resultsday calendar list` shows how")


def _same(row: ChangeRow, change: DateChange) -> bool:
    """Whether a decided row is what was asked for: its `since` may be when it was confirmed."""
    asked = change_of(row)
    return (asked.series, asked.event, asked.component, asked.day) == (
        change.series, change.event, change.component, change.day,
    )  # fmt: skip
