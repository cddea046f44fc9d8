"""A centre's own deadlines (CAL-6): the calendar in force, its extensions, and what is still open, for a command, the
console, and a file in its outbox."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import polars as pl
from attrs import frozen

from infra.store import Missing
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.register import title
from pipeline.steps import DEADLINES_OUT
from rules.calendar import series_title
from rules.catalogue import EVENTS, LONDON, Milestone, Series, day_text, instant_text
from rules.deadlines import AMENDMENTS_END, Extensions, amending_until, deadline
from rules.sheets import ANY

FILE = "deadlines.txt"
AHEAD = timedelta(days=60)
"""Ours: how long before its window opens a series is listed."""
OPEN, TO_COME, PASSED = "open", "to come", "passed"
_DAY = timedelta(days=1)


@frozen(kw_only=True)
class CentreDate:
    """A date as it holds for a centre. `at`: the first instant after a last day, or an opening's own (aware);
    `state`: `open` (a last day that has not passed), `to come` or `passed`; `note`: what is particular about it."""

    series: str
    event: str
    component: str
    at: datetime
    text: str
    meaning: str
    state: str
    note: str = ""
    ends: bool = False
    """It is a last day."""

    @property
    def line(self) -> str:
        """For a list."""
        own = "" if self.component == ANY else f", {self.component} only"
        note = f" ({self.note})" if self.note else ""
        return f"{self.state:<8} {self.text:<36} {self.meaning}{own}{note}"


def deadlines_of(desk: Desk, centre: str, now: datetime, only: str = "") -> list[CentreDate]:
    """CAL-6: every date of the series that a centre has to do with at `now` (aware), or of one series (`only`, year
    and month), by series and instant: the calendar in force, its extensions (CAL-3), the time to amend marks that
    feedback has opened (MOD-4). Dates of single components where it has entries for them."""
    series = [one for one in desk.catalogue.all_series() if one.id == only or (not only and _is_near(desk, one, now))]
    extended = desk.actions.extensions([centre])
    found: list[CentreDate] = []
    for one in series:
        components = set(desk.accounts.components(one.id, centre)["option"])
        its = [*_dates(desk, one, centre, components, extended, now), *_amending(desk, one, centre, extended, now)]
        found += sorted(its, key=_as_shown)
    return found


def _as_shown(date: CentreDate) -> tuple[datetime, str, str]:
    """In the order of the days that are told: a last day, which ends at midnight, before what begins then."""
    return (date.at - timedelta(microseconds=1) if date.ends else date.at, date.event, date.component)


def _is_near(desk: Desk, series: Series, now: datetime) -> bool:
    opens = desk.catalogue.milestone(series, "window_opens", now)
    coming = any(date.at > now for date in desk.catalogue.milestones_of(series, now))
    return coming and opens is not None and opens.at - AHEAD <= now


def _dates(
    desk: Desk, series: Series, centre: str, components: Collection[str], extended: Extensions, now: datetime
) -> Iterator[CentreDate]:
    for milestone in desk.catalogue.milestones_of(series, now):
        if milestone.component != ANY and milestone.component not in components:
            continue
        due = deadline(series, milestone.event, now, desk.catalogue, centre, extended, milestone.component)
        longer = due is not None and due.at > milestone.at
        at = due.at if due and longer else milestone.at
        note = f"extended for you, for all others {milestone.text}" if longer else ""
        yield CentreDate(
            series=series.id, event=milestone.event, component=milestone.component, at=at,
            text=_last_day(at) if longer else milestone.text, meaning=EVENTS[milestone.event].meaning,
            state=_state(milestone, at, now), note=note, ends=longer or milestone.clock == _DAY,
        )  # fmt: skip


def _amending(desk: Desk, series: Series, centre: str, extended: Extensions, now: datetime) -> Iterator[CentreDate]:
    """MOD-4: where the moderator's feedback has opened the time to amend."""
    windows = desk.marks.windows([centre], [series.id]).filter(pl.col("closed").is_null())
    for row in windows.iter_rows(named=True):
        of = row["component"]
        at = amending_until(row["until"], series, now, desk.catalogue, centre, extended, of).astimezone(LONDON)
        yield CentreDate(
            series=series.id, event=AMENDMENTS_END, component=of, at=at, text=_last_day(at),
            meaning="last day to amend marks after the feedback that you have had (MOD-4)",
            state=OPEN if now < at else PASSED, ends=True,
        )  # fmt: skip


def _state(milestone: Milestone, at: datetime, now: datetime) -> str:
    if at <= now:
        return PASSED
    return OPEN if milestone.clock == _DAY else TO_COME


def _last_day(at: datetime) -> str:
    local = at.astimezone(LONDON)
    return day_text((local - _DAY).date()) if local.hour == local.minute == 0 else instant_text(local)


def lines_of(desk: Desk, centre: str, dates: Sequence[CentreDate]) -> Iterator[str]:
    """A centre's deadlines for people, by series."""
    yield f"DEADLINES of centre {title(desk, centre)}"
    yield "By the calendar in force, and what was agreed with you. A last day ends at midnight, London time."
    for series in dict.fromkeys(date.series for date in dates):
        yield ""
        yield series_title(series)
        yield from (f"  {date.line}".rstrip() for date in dates if date.series == series)
    if not dates:
        yield ""
        yield "No series is open, and none opens within 60 days."


@journaled
def write_deadlines(desk: Desk, now: datetime, centres: Sequence[str] | None = None) -> int:
    """CAL-6: writes `deadlines.txt` into the outboxes of these centres, or of all that have anything in a series that
    is near at `now` (aware); a file that says the same stays as it is. Returns how many were written."""
    written = 0
    for centre in sorted(_concerned(desk, now) if centres is None else centres):
        key = f"outbox/{centre}/{FILE}"
        text = "\n".join(lines_of(desk, centre, deadlines_of(desk, centre, now))) + "\n"
        if _there(desk, key) != text.encode():
            desk.put(DEADLINES_OUT, key, text.encode())
            written += 1
    return written


def _concerned(desk: Desk, now: datetime) -> set[str]:
    near = [series for series in desk.catalogue.all_series() if _is_near(desk, series, now)]
    return {str(centre) for series in near for centre in desk.accounts.components(series.id)["centre"].unique()}


def _there(desk: Desk, key: str) -> bytes | None:
    try:
        return desk.store.get(key)
    except Missing:
        return None
