"""What the calendar says at an instant: how long until each date of a series, and which series are current."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.ledger.calendar import ChangeRow
from pipeline.season.changes import change_of
from rules.catalogue import EVENTS, Catalogue, Series, StaffDate, instant_text
from rules.sheets import ANY

AFTER_CLOSING = timedelta(days=60)
"""Ours: how long after its window has closed a series still gets its weekly statements and invoices."""


def current_series(catalogue: Catalogue, now: datetime) -> tuple[Series, ...]:
    """FEE-5: the exam series whose window is open at `now` (aware), or closed less than `AFTER_CLOSING` ago."""
    return tuple(series for series in catalogue.all_series() if _is_current(catalogue, series, now))


def _is_current(catalogue: Catalogue, series: Series, now: datetime) -> bool:
    opens, closes = (catalogue.milestone(series, event, now) for event in ("window_opens", "window_closes"))
    return opens is not None and closes is not None and opens.at <= now < closes.at + AFTER_CLOSING


def series_to_show(catalogue: Catalogue, now: datetime) -> tuple[Series, ...]:
    """The exam series with a date still to come at `now` (aware); if there are none, the last series."""
    every = catalogue.all_series()
    coming = tuple(series for series in every if any(date.at > now for date in catalogue.milestones_of(series, now)))
    return coming or every[-1:]


def countdown(catalogue: Catalogue, series: Series, now: datetime) -> Iterator[str]:
    """CAL-1, CAL-2: the dates of a series in the version in force at `now` (aware), one per line, in order: the date
    with its placeholder mark, how long until then, the event and its meaning."""
    yield f"{series.title} ({series.key}, {series.id})"
    for date in catalogue.milestones_of(series, now):
        whose = "" if date.component == ANY else f" of {date.component}"
        by = f" (change {date.number})" if isinstance(date, StaffDate) else ""
        yield f"  {date.text:<44}{time_left(date.at, now):<15}{date.event + whose:<30}{EVENTS[date.event].meaning}{by}"


def date_rows(catalogue: Catalogue, series: Series, now: datetime) -> Iterator[dict[str, Any]]:
    """The same for programs: `series`, `event`, `component` (`*`: all of them), `at` (aware, UTC), `text` as people
    read it, `placeholder`, `meaning`, and the number of the `change` that set it, if staff did."""
    for date in catalogue.milestones_of(series, now):
        yield {
            "series": series.id,
            "event": date.event,
            "component": date.component,
            "at": date.at.astimezone(UTC).isoformat(),
            "text": date.text,
            "placeholder": date.placeholder or date.time_placeholder,
            "meaning": EVENTS[date.event].meaning,
            "change": date.number if isinstance(date, StaffDate) else None,
        }


def time_left(at: datetime, now: datetime) -> str:
    """`in 3 days`, `in 5 hours`, `2 days ago`: whole days and, within a day, begun hours between two aware instants."""
    distance = abs(at.timestamp() - now.timestamp())
    days, hours = int(distance // 86_400), -int(-distance // 3_600)
    words = f"{days} day{'s' * (days != 1)}" if days else f"{hours} hour{'s' * (hours != 1)}"
    return f"in {words}" if at > now else f"{words} ago"


def change_lines(row: ChangeRow) -> Iterator[str]:
    """CAL-7: a change of a date that staff asked for, and what became of it."""
    state = row.decision or "waits"
    since = f", from {instant_text(row.since)}" if row.since else ""
    yield f"{row.number}  {change_of(row).title}{since}: {state}"
    yield f"   asked for {instant_text(row.at)} by {row.by}: {row.why}"
    if row.decided_at:
        yield f"   {row.decision} {instant_text(row.decided_at)} by {row.decided_by}: {row.decided_why}"
