"""The console's pages by which staff change dates of the calendar (CAL-7): what is in force, what waits, what would
follow, and what was decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import HTTPException

from infra.ledger.calendar import ChangeRow
from pipeline.console.access import Person
from pipeline.desk import Desk, up_to_date
from pipeline.orders import Order, StaffError
from pipeline.season.changes import GENERAL, DateChange, change_of, effect
from pipeline.season.moving import ask, decide, numbered, undoing
from rules import terms
from rules.catalogue import EVENTS, INSTANTS, LONDON, Series

FIELDS = ("series", "event", "component", "day", "since", "why")
"""Of the form in which somebody asks for a date."""
REASON = 500
"""The most characters of a reason."""


def shown(desk: Desk, series: Series, now: datetime) -> dict[str, Any]:
    """The dates of a series, those that staff have changed or want changed, and what may be changed."""
    dates = desk.catalogue.milestones_of(series, now)
    changes = [row for row in desk.calendar.changes() if row.series == series.id]
    return {
        "series": series,
        "dates": dates,
        "events": EVENTS,
        "changeable": [event for event in EVENTS if any(date.event == event for date in dates)],
        "changes": list(reversed(changes)),
        "asked": dict.fromkeys(FIELDS, ""),
    }


def change_shown(desk: Desk, number: int, now: datetime) -> dict[str, Any]:
    """A change, and what follows as long as it waits. Raises `HTTPException`."""
    row = _row(desk, number)
    follows, hindered = None, ""
    if row.decision is None:
        try:
            follows = effect(desk, change_of(row), now)
        except StaffError as error:
            hindered = str(error)
    return {
        "change": row,
        "title": change_of(row).title,
        "effect": list(follows.lines()) if follows else [],
        "sha256": follows.sha256 if follows else "",
        "hindered": hindered,
    }


def asked(desk: Desk, given: dict[str, str], person: Person, now: datetime) -> int:
    """Puts on record what somebody wants, of a form; the number of the change. Raises `StaffError`."""
    since = None
    if given["since"].strip():
        try:
            said = datetime.fromisoformat(given["since"].strip())
            since = said.astimezone(LONDON) if said.tzinfo else said.replace(tzinfo=LONDON)
        except ValueError:
            raise StaffError(f"{given['since']} is no instant: write it as 2024-05-16T09:00") from None
    component = given["component"].strip().upper()
    change = DateChange(
        series=given["series"], event=given["event"], component=component or "*",
        day=given["day"].strip() or (GENERAL if component else ""), since=since,
    )  # fmt: skip
    return ask(desk, change, _order(person, given["why"], now))


def decided(desk: Desk, number: int, verdict: str, person: Person, why: str, now: datetime, sha256: str) -> str:
    """Confirms or drops what the page showed (`sha256`). Raises `StaffError` and `HTTPException`."""
    row = _row(desk, number)
    if row.event in INSTANTS.values() and not person.may("approve"):
        raise StaffError("only who may approve results decides about the date on which they go out")
    order = _order(person, why, now)
    if verdict == "drop":
        return decide(desk, number, terms.DROPPED, order)
    if verdict != "confirm":
        raise StaffError("choose whether to confirm or to drop it")
    if row.decision is None and effect(desk, change_of(row), now).sha256 != sha256:
        raise StaffError("what follows is no longer what this page showed: look at it again")
    return decide(desk, number, terms.CONFIRMED, order)


def undone(desk: Desk, number: int, person: Person, why: str, now: datetime) -> int:
    """Puts on record that a change is to be undone; the number of the change that does it. Raises `StaffError`."""
    return ask(desk, undoing(up_to_date(desk), number, now), _order(person, why, now))


def _order(person: Person, why: str, now: datetime) -> Order:
    return Order(person.name, why.strip()[:REASON], now, terms.BY_CONSOLE)


def _row(desk: Desk, number: int) -> ChangeRow:
    try:
        return numbered(desk, number)
    except StaffError as error:
        raise HTTPException(404, str(error)) from error
