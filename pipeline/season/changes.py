"""What a change of a date of the calendar would come to (CAL-7): whether it can be, which files it judges otherwise,
which extensions it meets, and which runs move."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from attrs import evolve, frozen

from infra.ledger.actions import Extension
from infra.ledger.calendar import ChangeRow, Received
from pipeline.catalogue_in_use import dates_of_staff
from pipeline.desk import Desk
from pipeline.issued import anything_out
from pipeline.orders import StaffError
from pipeline.season.claims import EXAMINED, ClaimsOtherwise, claims_otherwise
from pipeline.season.schedule import SCHEDULES
from rules import terms
from rules.calendar import MARKS, begins, contradictions, in_order
from rules.catalogue import (
    EVENTS,
    INSTANTS,
    LONDON,
    Catalogue,
    Milestone,
    Series,
    StaffDate,
    day_text,
    instant_text,
    series_title,
)
from rules.sheets import ANY, DAY

GENERAL = "general"
"""The day of a component that is to have no date of its own: that of all components."""
SHOWN = 20
"""How many files or extensions are named; the others are counted."""


@frozen(kw_only=True)
class DateChange:
    """A date as somebody wants it. `series`: year and month; `component`: a code, or `*`; `day`: as YYYY-MM-DD, or
    `GENERAL`; `since` (aware): in force from, None: from when it is confirmed."""

    series: str
    event: str
    component: str = ANY
    day: str
    since: datetime | None = None

    @property
    def title(self) -> str:
        """`marks_deadline of 2024-06 on 20 May 2024`, with the component where it is a component's own."""
        if self.falls_on is None:
            return f"{self.event} of {self.series} for {self.component} as for all components"
        own = "" if self.component == ANY else f" for {self.component} only"
        return f"{self.event} of {self.series}{own} on {day_text(self.falls_on)}"

    @property
    def falls_on(self) -> date | None:
        """The day; None where a component is to have no date of its own."""
        return None if self.day == GENERAL else date.fromisoformat(self.day)


def change_of(row: ChangeRow) -> DateChange:
    """What a row of the ledger asks for."""
    day = GENERAL if row.day is None else f"{row.day}"
    return DateChange(series=row.series, event=row.event, component=row.component, day=day, since=row.since)


@frozen(kw_only=True)
class Trial:
    """What a change would come to: the series, the date `before` and `after`, and the catalogue with it. A component
    that is to have no date of its own has that of all, as it is then, for its date `after`."""

    series: Series
    before: Milestone
    after: StaffDate
    catalogue: Catalogue


# --- Whether it can be -----------------------------------------------------------------------------------------------


def tried(desk: Desk, change: DateChange, at: datetime) -> Trial:
    """CAL-7: what a change comes to that is confirmed at an instant (aware); raises `StaffError` where it cannot be."""
    catalogue, since = desk.catalogue, (change.since or at).astimezone(LONDON)
    series = _series(catalogue, change)
    _after_all_others(catalogue, change, since)
    before = catalogue.milestone(series, change.event, since, change.component)
    if before is None:
        raise StaffError(f"{series.title} has no {change.event} that could be changed: add it to the catalogue first")
    _something_changes(series, change, before)
    if change.event in INSTANTS.values():
        _nothing_is_out(desk, series, change.event)
    numbers = [milestone.number for milestone in catalogue.set_by_staff]
    row = ChangeRow(
        number=max(numbers, default=0) + 1, series=series.id, event=change.event, component=change.component,
        day=change.falls_on, since=since, at=at, who="", why="", decision=terms.CONFIRMED,
    )  # fmt: skip
    [after] = dates_of_staff([row], catalogue.seed)
    trial = catalogue.with_dates((*catalogue.set_by_staff, after))
    _in_order(trial, series, after)
    if after.general and (of_all := trial.milestone(series, change.event, since)) is not None:
        after = evolve(after, day=of_all.day, clock=of_all.clock)
    return Trial(series=series, before=before, after=after, catalogue=trial)


def _something_changes(series: Series, change: DateChange, before: Milestone) -> None:
    if change.day == GENERAL and before.component == ANY:
        raise StaffError(f"{change.component} has no {change.event} of its own in {series.title}: nothing would change")
    if before.day == change.falls_on:
        raise StaffError(f"{change.event} of {series.title} is {before.text} already: nothing would change")


def _series(catalogue: Catalogue, change: DateChange) -> Series:
    series = catalogue.series_by_id(change.series)
    if series is None:
        raise StaffError(f"there is no calendar for series {change.series}; give year and month, for example 2024-06")
    if change.event not in EVENTS:
        raise StaffError(f"the calendar has no {change.event}; it has {', '.join(EVENTS)}")
    if change.component != ANY and catalogue.component(change.component) is None:
        raise StaffError(f"{change.component} is not a component")
    if change.component != ANY and not EVENTS[change.event].own:
        raise StaffError(f"{change.event} is one date for all components: of {change.component} alone it has no effect")
    if change.day == GENERAL:
        return _without_its_own(catalogue, series, change)
    try:
        DAY.read(change.day)
    except ValueError:
        raise StaffError(f"{change.day} is not {DAY.words}") from None
    return series


def _without_its_own(catalogue: Catalogue, series: Series, change: DateChange) -> Series:
    """CAL-7: where a component can have the date of all: there is one, and it is not itself meant."""
    dates = [date for date in catalogue.milestones if (date.series, date.event) == (series.id, change.event)]
    if change.component == ANY or not any(date.component == ANY for date in dates):
        raise StaffError(f"give a day: {GENERAL} is for a component whose {change.event} is to be that of all others")
    return series


def _after_all_others(catalogue: Catalogue, change: DateChange, since: datetime) -> None:
    for milestone in catalogue.set_by_staff:
        same = (milestone.series, milestone.event, milestone.component)
        if same == (change.series, change.event, change.component) and since < milestone.since:
            raise StaffError(
                f"staff have set this date already, from {instant_text(milestone.since)} on: a change that begins "
                f"earlier would be without effect"
            )


def _nothing_is_out(desk: Desk, series: Series, event: str) -> None:
    """RES-2: a date that releases results can be set, and set right, until anything is out that it releases; also where
    it has passed, by mistake or because nothing was approved."""
    for awarding in desk.results.every(series.id):
        mine = [file for file in desk.results.files(awarding) if INSTANTS[file.audience] == event]
        if awarding.state == terms.RELEASED or (awarding.state == terms.APPROVED and anything_out(desk.store, mine)):
            raise StaffError(f"results of {series.title} are out: their date is no longer changed")


def _in_order(trial: Catalogue, series: Series, after: StaffDate) -> None:
    """CAL-1: the dates of the series do not contradict the new one, from its first instant on."""
    own = [milestone for milestone in trial.milestones if milestone.series == after.series]
    components = {milestone.component for milestone in own} if after.component == ANY else {after.component}
    for component in sorted({*components, after.component}):
        dates = [milestone for milestone in own if milestone.component in (ANY, component)]
        instants = {after.since, *(begins(milestone) for milestone in dates if begins(milestone) > after.since)}
        for instant in sorted(instants):
            there = (trial.milestone(series, event, instant, component) for event in EVENTS)
            for early, late in contradictions([one for one in there if one is not None], instant):
                if after.event in (early.event, late.event):
                    raise StaffError(
                        f"{early.event} ({early.text}) would be before {late.event} ({late.text}); change that first"
                    )


# --- What follows ----------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Effect:
    """What follows from a change that is confirmed at an instant, `at` (aware): files received and claims that are
    judged otherwise, extensions of this date that centres have, and runs, as the DAG, and the instant it has and will
    have."""

    change: DateChange
    at: datetime
    trial: Trial
    files: Sequence[Received]
    claims: Sequence[ClaimsOtherwise]
    extensions: Sequence[Extension]
    runs: Sequence[tuple[str, datetime, datetime]]
    replaced: Milestone | None
    waits: str = ""

    @property
    def sha256(self) -> str:
        """Of what is shown, so that nobody confirms something else."""
        return hashlib.sha256("\n".join(self.lines()).encode()).hexdigest()

    def lines(self) -> Iterator[str]:
        """The effect for a person."""
        before, after = self.trial.before, self.trial.after
        own = "" if after.component == ANY else f" for {after.component} only"
        yield f"{self.trial.series.title}, {after.event}{own}: {EVENTS[after.event].meaning}"
        as_all = f", as for all components: {after.component} has no date of its own any more" * after.general
        yield f"  {before.text} ({before.version}) becomes {after.text}{as_all}"
        yield f"  in force from {instant_text(self.change.since) if self.change.since else 'when it is confirmed'}"
        if after.event in INSTANTS.values() and after.at <= self.at:
            yield "  that has passed: what is approved goes out within a minute of the confirmation (RES-2)"
        if self.replaced is not None:
            until = instant_text(begins(self.replaced))
            yield f"  until {until}: then the {self.replaced.version} has it on {self.replaced.text}"
        if self.waits:
            yield f"  {self.waits}"
        if own_dates := _own_dates(self.trial):
            yield f"  stays for components with a date of their own: {', '.join(own_dates)}"
        yield from self._files()
        yield from self._claims()
        yield from self._extensions()
        yield from self._runs()

    def _files(self) -> Iterator[str]:
        waiting = [file for file in self.files if file.outcome is None]
        decided = len(self.files) - len(waiting)
        if not self.files:
            yield "No file received so far is judged otherwise."
            return
        falls = "file received so far falls" if len(self.files) == 1 else "files received so far fall"
        yield f"{len(self.files):,} {falls} on the other side of the date:"
        for file in self.files[:SHOWN]:
            became = "waits, and is judged by the new date" if file.outcome is None else f"was {file.outcome}"
            yield f"  {file.centre} {file.file_name}, received {instant_text(file.received)}: {became}"
        if len(self.files) > SHOWN:
            yield f"  and {len(self.files) - SHOWN:,} more"
        if decided:
            files = f"{decided:,} file{'s' * (decided > 1)}"
            yield f"What was decided stays ({files}): a centre that is to have it otherwise sends again."

    def _claims(self) -> Iterator[str]:
        """CRT-4: from the day of a resit on, the earlier sitting cannot be claimed."""
        if self.change.event not in EXAMINED:
            return
        if not self.claims:
            yield "No claim accepted so far is judged otherwise."
            return
        yield "Claims accepted so far are judged otherwise when they are next awarded (CRT-4):"
        for moved in self.claims:
            whose = f"{_many(moved.claims, 'claim')} of {_many(moved.learners, 'learner')}"
            can = "can no longer be awarded (SAT_AGAIN)" if moved.barred else "can be awarded again"
            yield f"  {moved.option} in {series_title(moved.series)}: {whose} {can}"
        yield "What is awarded and out stays."

    def _extensions(self) -> Iterator[str]:
        if not self.extensions:
            yield "No centre has an extension of it."
            return
        have = "centre has" if len(self.extensions) == 1 else "centres have"
        yield f"{len(self.extensions):,} {have} an extension of it:"
        for extension in self.extensions[:SHOWN]:
            counts = "counts" if extension.until > self.trial.after.at else "no longer counts, the date is later"
            yield f"  {extension.centre} until {instant_text(extension.until)}: {counts}"
        if len(self.extensions) > SHOWN:
            yield f"  and {len(self.extensions) - SHOWN:,} more"

    def _runs(self) -> Iterator[str]:
        yield "Runs that move:" if self.runs else "No run moves."
        for dag, old, new in self.runs:
            passed = ", which has passed: done at its next run" * (new <= self.at)
            yield f"  {dag}: from {instant_text(old)} to {instant_text(new)}{passed}"


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def effect(desk: Desk, change: DateChange, now: datetime) -> Effect:
    """CAL-7: what follows if a change is confirmed at `now` (aware); raises `StaffError` where it cannot be."""
    trial = tried(desk, change, now)
    event = change.event
    extensions = [one for one in desk.actions.extended(series=change.series) if one.event == event]
    return Effect(
        change=change,
        at=now,
        trial=trial,
        files=_judged_otherwise(desk, trial, now, extensions),
        claims=claims_otherwise(desk, trial.series, trial.after, (desk.catalogue, trial.catalogue)),
        extensions=extensions,
        runs=_runs(trial, now),
        replaced=_replaced(trial),
        waits=_results_wait(desk, trial),
    )


def _results_wait(desk: Desk, trial: Trial) -> str:
    """AWD-5: what becomes of results that are made and not out, by files that the date lets in."""
    newest = desk.results.newest(trial.series.id)
    if newest is None or not EVENTS[trial.after.event].judges or trial.after.at <= trial.before.at:
        return ""
    if newest.state in (terms.PROPOSED, terms.BUILT):
        return "results are made and wait: what comes by this date makes them stale (AWD-5)"
    if newest.state == terms.APPROVED:
        return "results are approved: whoever changes entries or claims by this date is kept back (AWD-5)"
    return ""


def _judged_otherwise(desk: Desk, trial: Trial, now: datetime, extensions: Sequence[Extension]) -> list[Received]:
    """Files received in the time of the new date and before `now`, on one side of the old date and on the other of the
    new one, those of centres with an extension by theirs."""
    old, new, judges = trial.before.at, trial.after.at, EVENTS[trial.after.event].judges
    if not judges:
        return []
    until = {extension.centre: extension.until for extension in extensions}
    start, end = max(trial.after.since, min(old, new)), min(now, max(old, new))
    files = desk.calendar.received(trial.series.key, trial.series.awarding_body, start, end)

    def before(file: Received, at: datetime) -> bool:
        return file.received < max(at, until.get(file.centre, at))

    of_marks = judges == MARKS
    return [file for file in files if (file.letter == "M") == of_marks and before(file, old) != before(file, new)]


def _runs(trial: Trial, now: datetime) -> list[tuple[str, datetime, datetime]]:
    """The runs that move, but for those that were before and would be before `now`."""
    if trial.series.purpose != terms.ENTRY:
        return []
    moved = []
    for dag, schedule in SCHEDULES.items():
        if trial.after.event in schedule.events:
            for days in (*sorted(schedule.days_before, reverse=True), 0):
                old, new = (evolve(one, day=one.day - timedelta(days=days)).at for one in (trial.before, trial.after))
                if max(old, new) > now:
                    moved.append((dag, old, new))
    return moved


def _own_dates(trial: Trial) -> list[str]:
    """What a change for all components leaves as it is: each component with a date of its own, and that date."""
    series, after, catalogue = trial.series, trial.after, trial.catalogue
    its = {date.component for date in catalogue.milestones if (date.series, date.event) == (series.id, after.event)}
    dates = {one: catalogue.milestone(series, after.event, after.since, one) for one in sorted(its - {ANY})}
    own = {one: date for one, date in dates.items() if date is not None and date.component == one}
    return [f"{one} ({date.text})" for one, date in own.items() if after.component == ANY]


def _replaced(trial: Trial) -> Milestone | None:
    """The version of the catalogue's own that comes into force after the new one, and replaces it."""
    after = trial.after
    later = [
        milestone
        for milestone in in_order(trial.catalogue.seed)
        if (milestone.series, milestone.event, milestone.component) == (after.series, after.event, after.component)
        and begins(milestone) > after.since
    ]
    return next(iter(later), None)
