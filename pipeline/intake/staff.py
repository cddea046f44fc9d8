"""What staff do by hand: extra sittings, and entries, claims and withdrawals that centres can no longer
make. Each is recorded with who, when and why (OPS-3); entries are taken in the same way as files."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from attrs import evolve, frozen

from infra.ledger.actions import Action
from parsers.feed import EXAMPLE, EXAMPLE_COMPLETE, LAYOUT, write_feed
from parsers.findings import visible
from parsers.table import TEXT
from pipeline.desk import Desk
from pipeline.feeds import LANDING_PLACES, SMALL, Feed
from pipeline.journal import journaled
from pipeline.orders import Order, StaffError, with_name_and_reason
from pipeline.steps import RECORDED, WRITTEN
from rules import terms
from rules.catalogue import Series, instant_text
from rules.complete import what_follows
from rules.known import Known

log = logging.getLogger(__name__)


STAFF_FEED = Feed(
    place=LANDING_PLACES[terms.STAFF], layout=LAYOUT, example=[EXAMPLE, EXAMPLE_COMPLETE], by_centre=True,
    most_bytes=SMALL,
)  # fmt: skip
"""The feed of staff."""
GIVEN = timedelta(minutes=1)
"""How long a command may take to write its feed file after recording the action."""


@frozen
class Entry:
    """One option of one learner: `series` as year and month (`2024-06`)."""

    centre: str
    series: str
    candidate: str
    uci: str
    option: str


@journaled
def allow_sitting(desk: Desk, centre: str, uci: str, component: str, number: int, order: Order) -> str:
    """ENT-3, ENT-4: grants a learner `number` further sittings of a component. Returns what was done in words; raises
    `StaffError`. The same grant repeated in the same words grants no more: the person may not have seen that it was
    done."""
    if desk.catalogue.component(component) is None:
        raise StaffError(f"{component} is not a component")
    if number < 1:
        raise StaffError("grant at least one sitting")
    grant = _action(order, terms.EXTRA_SITTING, centre=centre, uci=uci, option=component, number=number)
    granted = f"{number} further sitting{'s' * (number > 1)} of {component} granted to {uci}"
    if at := desk.actions.granted(grant):
        return f"{granted} for this reason on {instant_text(at)}: nothing is added. To grant more, give another reason."
    desk.actions.record(grant)
    RECORDED.passed()
    return f"{granted}."


def entry_feed(desk: Desk, action: Literal["entry", "claim", "withdrawal"], entry: Entry, order: Order) -> bytes:
    """The feed file by which one option of a learner is entered or withdrawn; raises `StaffError`."""
    meant = _series(desk, entry.series)
    claims = entry.option in {qualification.cash_in_code for qualification in desk.catalogue.qualifications}
    if action == "claim" and not claims:
        raise StaffError(f"{entry.option} is not a cash-in code: use `staff entry`")
    if action == "entry" and claims:
        raise StaffError(f"{entry.option} is a cash-in code: use `staff claim`")
    row = {
        "action": "withdraw" if action == "withdrawal" else "enter", "series": meant.key,
        "awarding_body": meant.awarding_body, "centre": entry.centre, "candidate": entry.candidate, "uci": entry.uci,
        "option": entry.option, "who": _in_a_line(order.who), "why": _in_a_line(order.why),
    }  # fmt: skip
    return write_feed([row])


@journaled
def change_entry(
    desk: Desk,
    action: Literal["entry", "claim", "withdrawal"],
    entry: Entry,
    order: Order,
    certificate: bool = False,
) -> str:
    """Enters (`entry`, `claim`) or withdraws one option of a learner: records it (OPS-3) and writes a feed file, which
    the next ingest decides by the rules for staff (ENT-2, CRT-1). `certificate`: the centre asks for one with its claim
    (CRT-7). Returns the file's key; raises `StaffError`."""
    if certificate and action != "claim":
        raise StaffError("a certificate is asked for with a claim (CRT-7)")
    data = entry_feed(desk, action, entry, order)
    name = f"staff-{order.at.astimezone(UTC):%Y%m%dT%H%M%S%f}-{hashlib.sha256(data).hexdigest()[:8]}.csv"
    about = {"centre": entry.centre, "series": entry.series, "uci": entry.uci, "option": entry.option}
    done = [_action(order, action, **about, file_name=name, feed=data.decode())]
    if certificate:
        done.append(_action(order, terms.CERTIFICATE, **about))
    desk.actions.record(*done)
    RECORDED.passed()
    key = _key(entry.centre, name)
    desk.store.put(key, data)
    WRITTEN.passed()
    return key


@journaled
def complete_marks(desk: Desk, centre: str, series: str, component: str, order: Order) -> str:
    """MOD-3: puts on record that a centre says its marks of a component are complete, so that its sample may be drawn
    before the deadline although somebody entered has no mark. Returns what was done in words; raises `StaffError`."""
    meant = _series(desk, series)
    part = desk.catalogue.component(component)
    if part is None or part.external:
        raise StaffError(f"{component} is not an internal component")
    if component not in set(desk.marks.entered([centre], [series])["option"]):
        raise StaffError(f"centre {centre} has nobody entered for {component} in {meant.title}")
    said = _action(order, terms.MARKS_COMPLETE, centre=centre, series=series, option=component)
    if not desk.actions.granted(said):
        desk.actions.record(said)
        RECORDED.passed()
    opens = desk.catalogue.milestone(meant, "moderation_opens", order.at, component)
    book, of = desk.marks, ([centre], [series])
    known = evolve(Known.nothing(), marked=book.newest(*of), sampled=book.sampled(*of), windows=book.windows(*of))
    follows = what_follows(known, (centre, series, component), opens, order.at)
    return f"Centre {centre} has marked {component} in {meant.title}: {follows}."


def _in_a_line(words: str) -> str:
    """Text as a cell of a feed may hold it (FIL-7): on one line, without control characters."""
    line = visible(" ".join(words.split()))
    if len(line) > TEXT:
        raise StaffError(f"say who is doing this and why, in at most {TEXT} characters each")
    return line


def write_left(desk: Desk, now: datetime) -> None:
    """Writes the feed files of recorded actions that were never received, because the command died after recording
    them. Actions younger than `GIVEN` are left: their files are still being written."""
    for centre, name, feed in desk.actions.feeds_left(now - GIVEN):
        if desk.store.put_if_absent(_key(centre, name), feed.encode()):
            log.warning("the missing feed file of a staff entry for centre %s has been written: %s", centre, name)
            WRITTEN.passed()


def _key(centre: str, name: str) -> str:
    return f"{STAFF_FEED.place}{centre}/{name}"


def _series(desk: Desk, series: str) -> Series:
    meant = desk.catalogue.series_by_id(series)
    if meant is None:
        raise StaffError(f"there is no calendar for series {series}; write it as year and month, for example 2024-06")
    return meant


def _action(order: Order, action: str, **about: Any) -> Action:
    """The action to record (OPS-3)."""
    with_name_and_reason(order.who, order.why, StaffError)
    return Action(at=order.at, who=order.who, how=order.how, why=order.why, action=action, **about)
