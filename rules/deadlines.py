"""When a series' dates fall for a centre: the calendar in force at receipt, and what staff have extended (CAL-1 to
CAL-3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType

from attrs import frozen

from rules.catalogue import LONDON, PLACEHOLDER, Catalogue, Series, instant_text
from rules.periods import AMENDMENT
from rules.sheets import ANY

Extensions = Mapping[tuple[str, str, str], datetime]
"""Until when (the first instant after it) staff have extended a milestone, by centre, series id and event."""

NONE: Extensions = MappingProxyType({})


@frozen
class Deadline:
    """A date as it holds for one centre. `at` is the first instant after it, or an opening's own; `day` is the last day
    before it, or an opening's own; `version` says what it rests on."""

    at: datetime
    day: date
    version: str


def deadline(
    series: Series,
    event: str,
    received: datetime,
    catalogue: Catalogue,
    centre: str = "",
    extended: Extensions = NONE,
    component: str = ANY,
) -> Deadline | None:
    """CAL-2, CAL-3: the date of `event` in the calendar version in force at receipt, or later where staff have extended
    it for the centre; None when the series has no such date. A component may have a date of its own."""
    milestone = catalogue.milestone(series, event, received, component)
    if milestone is None:
        return None
    until = extended.get((centre, series.id, event))
    if until is None or until <= milestone.at:
        return Deadline(milestone.at, milestone.day, milestone.version)
    return Deadline(until, _last_day(until), f"extended for centre {centre} until {instant_text(until)}")


def _last_day(end: datetime) -> date:
    return (end.astimezone(LONDON) - timedelta(microseconds=1)).date()


AMENDMENTS_END = "marks_amendment_deadline"


def amendments_end(series: Series, feedback: datetime, catalogue: Catalogue, component: str = ANY) -> Deadline | None:
    """MOD-4: until when marks may be amended after feedback at `feedback` (aware), before any extension: the later of
    the calendar's day and so many working days of the catalogue. None when the series has no such date."""
    calendar = deadline(series, AMENDMENTS_END, feedback, catalogue, component=component)
    if calendar is None:
        return None
    until, period = catalogue.after(AMENDMENT, feedback)
    if until <= calendar.at:
        return calendar
    mark = PLACEHOLDER if period.placeholder else ""
    days = f"{period.working_days} working day{'s' * (period.working_days > 1)}"
    return Deadline(until, _last_day(until), f"{days} after the feedback{mark}")


def amending_until(
    until: datetime,
    series: Series,
    at: datetime,
    catalogue: Catalogue,
    centre: str,
    extended: Extensions,
    component: str = ANY,
) -> datetime:
    """CAL-2, CAL-3, MOD-4: the end of a time for amending that feedback opened until `until`, as it is at `at` (aware):
    later where the calendar's day has been moved since, or is extended for the centre; never earlier, since the centre
    was told."""
    longer = deadline(series, AMENDMENTS_END, at, catalogue, centre, extended, component)
    return until if longer is None else max(until, longer.at)
