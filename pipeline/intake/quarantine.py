"""Held files and the person who decides about them (FIL-1, OPS-3): a held file is decided again, ignored, or released
in spite of what holds it. In each case the centre gets a further reply.

The held file stays on the books. Its bytes are booked again, with the receipt they had, and treated like any other
file. A hold ends only once, so repeating an action changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime

import polars as pl
from attrs import evolve, frozen

from infra.ledger.approvals import Signer
from infra.ledger.submissions import HoldDecision, Landing, Received
from parsers.findings import visible
from pipeline.desk import Desk
from pipeline.intake.ingest import IngestCounts, process, publish
from pipeline.journal import journaled
from pipeline.orders import Order, with_name_and_reason
from pipeline.steps import ONCE_MORE
from rules import terms
from rules.calendar import instant_text
from rules.decisions import Outcome
from rules.files import RELEASABLE

log = logging.getLogger(__name__)


AGAIN = "held/"
"""Put before the landing key of a held file that is booked again."""
LONGEST = 500
"""The most characters of a reason, which the centre reads."""


class QuarantineError(ValueError):
    """The decision about a held file cannot be carried out; the message says why."""


@frozen
class HeldFile:
    """Identifies the landing of a held file: `received` is aware."""

    landing_key: str
    received: datetime
    sha256: str


@frozen(kw_only=True)
class Done:
    """What became of a held file: the submission it was booked as, the outcome and the name of the further reply. When
    it had already been decided, `fresh` is false and `who` may be somebody else."""

    submission: int
    outcome: str | None
    reply: str
    action: str
    who: str
    fresh: bool

    def note(self) -> str:
        """The outcome in a line; nothing in it is personal data."""
        if not self.fresh:
            return f"Already decided ({self.action}): {self.outcome}, reply {self.reply}."
        return f"{self.action}: {self.outcome}, reply {self.reply}."


def held_file(desk: Desk, submission: int) -> HeldFile:
    """The held file with that submission number; raises `QuarantineError` when no such file was ever held."""
    there = desk.ledger.received(submission)
    if there is None or there.outcome != Outcome.QUARANTINED:
        raise QuarantineError(f"no file with the number {submission} is held")
    landing = there.landing
    return HeldFile(landing.landing_key, landing.received, landing.sha256)


@journaled
def again(desk: Desk, held: HeldFile, order: Order) -> Done:
    """FIL-1: decides a held file again, from the archive, for example because our fault has been mended or the file
    before it has arrived. It may be held again. Raises `QuarantineError`."""
    return _decide(desk, held, terms.AGAIN, order)


@journaled
def ignore(desk: Desk, held: HeldFile, order: Order) -> Done:
    """FIL-1: closes a held file; nothing of it is applied, and the centre reads why. Raises `QuarantineError`."""
    return _decide(desk, held, terms.IGNORE, order)


@journaled
def release(desk: Desk, held: HeldFile, order: Order) -> Done:
    """FIL-3: decides a held file although it is a second entry file, or older than what has been applied; every other
    rule still applies. Raises `QuarantineError`, also when something else holds it."""
    return _decide(desk, held, terms.RELEASE, order)


ACTIONS: dict[terms.HoldAction, Callable[[Desk, HeldFile, Order], Done]] = {
    terms.AGAIN: again,
    terms.IGNORE: ignore,
    terms.RELEASE: release,
}


def held_lines(held: pl.DataFrame, width: int | None) -> Iterator[str]:
    """Held files (`infra.ledger.console.HELD`) for a terminal: at most `width` characters a line."""
    if held.is_empty():
        yield "No file is held."
    for number, centre, name, received, codes, message in held.iter_rows():
        yield f"{number:>6}  {centre}  {instant_text(received)}  {', '.join(codes or ())}  {visible(name)}"[:width]
        yield f"        {message}"[:width]


def releasable(codes: frozenset[str]) -> bool:
    """Whether staff can release a file that the findings with these codes hold."""
    return bool(codes) and codes <= RELEASABLE


def _decide(desk: Desk, held: HeldFile, action: terms.HoldAction, order: Order) -> Done:
    who, why = order.who.strip(), " ".join(visible(order.why).split())
    with_name_and_reason(who, why, QuarantineError)
    if len(why) > LONGEST:
        raise QuarantineError(f"give a reason of at most {LONGEST} characters: the centre reads it")
    if not (who + why).isascii():
        raise QuarantineError("use plain ASCII text for name and reason, as in every reply")
    there = desk.ledger.landed(held.landing_key, held.received, held.sha256)
    if there is None or there.outcome != Outcome.QUARANTINED:
        raise QuarantineError("this file is not held")
    if action == terms.RELEASE and not releasable(desk.ledger.holding(there.id)):
        raise QuarantineError(
            "only a second entry file, or a file older than what was applied, can be released (FIL-3); decide this "
            "file again, or ignore it"
        )
    with desk.ledger.exclusive("ingest") as turn:
        if not turn:
            raise QuarantineError(f"an ingest is running ({turn.holder}); try again when it has finished")
        decision = HoldDecision(at=order.at, who=who, why=why, action=action, how=order.how)
        booked, stands = desk.ledger.decide_held(there, _once_more(there), decision)
        ONCE_MORE.passed()
        process(desk, IngestCounts())
        publish(desk)
    done = desk.ledger.received(booked.id)
    assert done
    log.info("held submission %d: %s, as submission %d %s", there.id, stands.action, done.id, done.outcome)
    return Done(
        submission=done.id,
        outcome=done.outcome,
        reply=done.reply_name,
        action=stands.action,
        who=str(Signer(stands.who, stands.how)),
        fresh=stands == decision,
    )


def _once_more(held: Received) -> Landing:
    """The file as it is booked again: its receipt, which decides deadlines, is the same."""
    return evolve(held.landing, landing_key=f"{AGAIN}{held.landing.landing_key}")
