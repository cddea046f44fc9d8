"""Deadlines extended for one centre (CAL-3): granted, made shorter, withdrawn, and listed, each with who, when and
why (OPS-3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from infra.ledger.actions import Action, Extension
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError, with_name_and_reason
from pipeline.season.deadlines import write_deadlines
from pipeline.steps import RECORDED
from rules import terms
from rules.catalogue import EVENTS, Milestone, Series, instant_text
from rules.deadlines import AMENDMENTS_END
from rules.sheets import ANY

EXTENDED = tuple(name for name, event in EVENTS.items() if event.extended)
"""The milestones that can be extended."""


@journaled
def extend(desk: Desk, centre: str, series: str, event: str, until: datetime, order: Order) -> str:
    """CAL-3: extends a milestone of a series for a centre until `until` (aware, the first instant after it), which may
    be earlier than an extension it has, and not later than the date of all for components with an earlier one of their
    own. Returns what was done in words; raises `StaffError`, also when results of the series are out."""
    meant, milestone = extendable(desk, series, event, order.at)
    only = only_for(desk, meant, milestone, until, order.at)
    _record(desk, _action(order, centre, series, event, until), until)
    concerned = f", for {only} only: for all other components it is {milestone.text}" if only else ""
    return f"{event} of {meant.title} is extended for centre {centre} until {instant_text(until)}{concerned}."


def only_for(desk: Desk, series: Series, milestone: Milestone, until: datetime, at: datetime) -> str:
    """CAL-3: the components, by comma, that an extension of a milestone until `until` concerns by the calendar at `at`
    (both aware) where it ends no later than the date of all: those with an earlier one of their own. Empty: it is later
    for all. Raises `StaffError` where it is later for none."""
    if until > milestone.at:
        return ""
    dates = desk.catalogue.milestones_of(series, at)
    own = [date for date in dates if date.event == milestone.event and date.component != ANY and date.at < until]
    if not own:
        raise StaffError(
            f"{milestone.event} of {series.title} is {instant_text(milestone.at)}; {instant_text(until)} is not later. "
            f"To take an extension back, use `resultsday extension withdraw`"
        )
    return ", ".join(date.component for date in own)


@journaled
def withdraw(desk: Desk, centre: str, series: str, event: str, order: Order) -> str:
    """CAL-3: takes an extension back: the calendar's date counts for the centre again. What was decided under it stays,
    and what was received under it is judged by it. Returns what was done in words; raises `StaffError`."""
    meant, milestone = extendable(desk, series, event, order.at)
    taken = _action(order, centre, series, event, None)
    if (centre, series, event) not in desk.actions.extensions([centre]) and not desk.actions.granted(taken):
        raise StaffError(f"centre {centre} has no extension of {event} of {meant.title}")
    _record(desk, taken, None)
    return f"{event} of {meant.title} is {milestone.text} for centre {centre} again, as for all others."


def doubts(desk: Desk, centre: str, series: str, event: str, until: datetime, now: datetime) -> Iterator[str]:
    """What makes an extension doubtful, so that whoever grants it is asked: a centre that nobody knows or that has
    nothing on the books, an end that has passed, a time to amend marks that is over, results that wait."""
    if centre not in desk.register.newest([centre]):
        yield f"Centre {centre} is not in the register of centres (REG-10)."
    if centre not in set(desk.accounts.components(series, centre)["centre"]):
        yield f"Centre {centre} has no entries in {series}."
    if until <= now:
        yield f"{instant_text(until)} has passed: only files that wait or are held are judged by it."
    if event == AMENDMENTS_END:
        yield from _without_a_window(desk, centre, series)
    newest = desk.results.newest(series)
    if newest is not None and newest.state in (terms.PROPOSED, terms.BUILT):
        yield f"Results of {series} are made and wait: what comes by this extension makes them stale (AWD-5)."


def _without_a_window(desk: Desk, centre: str, series: str) -> Iterator[str]:
    """MOD-4: where more time to amend marks changes nothing: no window is open, or the sample was compared again."""
    windows = desk.marks.windows([centre], [series])
    if windows["opens"].drop_nulls().is_empty():
        yield (
            f"Centre {centre} has no time to amend marks that is open: an extension opens none, and counts only for a "
            f"component whose moderation feedback is still to come (MOD-4)."
        )
    for component, closed in windows.drop_nulls("closed").sort("component").select("component", "closed").iter_rows():
        yield (
            f"{component}: the sample was compared again after feedback, on {instant_text(closed)}. Marks are amended "
            f"no more, whatever is extended; what is proposed is approved or rejected (MOD-2)."
        )


def listed(desk: Desk, series: str = "", centre: str = "") -> Iterator[str]:
    """The extensions in force, by centre, series and event, with what the calendar has for all others."""
    for extension in desk.actions.extended([centre] if centre else None, series):
        yield from _lines(desk, extension)


def _lines(desk: Desk, extension: Extension) -> Iterator[str]:
    series = desk.catalogue.series_by_id(extension.series)
    milestone = series and desk.catalogue.milestone(series, extension.event, extension.at)
    others = f", for all others {milestone.text}" if isinstance(milestone, Milestone) else ""
    yield f"{extension.centre}  {extension.event} of {extension.series} until {instant_text(extension.until)}{others}"
    yield f"       {instant_text(extension.at)} by {extension.who}: {extension.why}"


def extendable(desk: Desk, series: str, event: str, at: datetime) -> tuple[Series, Milestone]:
    """A series and the date of one of its events at `at` (aware), which may be extended; raises `StaffError`."""
    meant = desk.catalogue.series_by_id(series)
    if meant is None:
        raise StaffError(f"there is no calendar for series {series}; write it as year and month, for example 2024-06")
    milestone = desk.catalogue.milestone(meant, event, at)
    if event not in EXTENDED or milestone is None:
        raise StaffError(f"{meant.title} has no {event} that can be extended; extend one of {', '.join(EXTENDED)}")
    if any(awarding.state in terms.ISSUED_STATES for awarding in desk.results.every(series)):
        raise StaffError(f"results of {meant.title} are approved: no deadline of it is extended or changed any more")
    return meant, milestone


def _action(order: Order, centre: str, series: str, event: str, until: datetime | None) -> Action:
    with_name_and_reason(order.who, order.why, StaffError)
    return Action(
        at=order.at, who=order.who, how=order.how, why=order.why, action=terms.EXTENSION, centre=centre, series=series,
        event=event, until=until,
    )  # fmt: skip


def _record(desk: Desk, action: Action, until: datetime | None) -> None:
    in_force = desk.actions.extensions([action.centre]).get((action.centre, action.series, action.event))
    # A person may repeat a command because they did not see that it was done.
    if not (in_force == until and desk.actions.granted(action)):
        desk.actions.record(action)
        RECORDED.passed()
    write_deadlines(desk, action.at, [action.centre])
