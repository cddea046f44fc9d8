"""When a series' dates fall for a centre: the calendar in force at receipt, and what staff have extended (CAL-1 to
CAL-3)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from attrs import frozen

from rules.catalogue import LONDON, Catalogue, Series, instant_text
from rules.sheets import ANY

Extensions = Mapping[tuple[str, str, str], datetime]
"""Until when (the first instant after it) staff have extended a milestone, by centre, series id and event."""

NONE: Extensions = MappingProxyType({})


@frozen
class Deadline:
    """A date as it holds for one centre. `at` is the first instant after it, or an opening's own; `version` says what
    it rests on."""

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
    return Deadline(until, until.astimezone(LONDON).date(), f"extended for centre {centre} until {instant_text(until)}")
