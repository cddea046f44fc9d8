"""Orders of staff about who a learner is (REG-8): a UCI corrected, two merged, a wrong merge undone, a learner moved to
another centre. Nothing is lost, nothing is charged, and each order is on record with who, when and why (OPS-3)."""

from __future__ import annotations

import logging
import re
from datetime import date
from typing import Any

from attrs import frozen

from infra.ledger.actions import Action
from parsers.identifiers import uci as ucis
from parsers.names import normal_name
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.learners.life import in_force, is_known
from pipeline.orders import Order, StaffError
from pipeline.steps import RECORDED
from rules import terms
from rules.catalogue import instant_text

log = logging.getLogger(__name__)


@journaled
def correct(desk: Desk, uci: str, to: str, order: Order) -> str:
    """REG-8: replaces a UCI by one under which nobody is on record. Returns what was done in words; raises
    `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCI_CORRECTED, uci=uci, event=to)
    if said := _done_before(desk, done):
        return said
    _known(desk, uci)
    if is_known(desk.learners.life(to)):
        raise StaffError(f"somebody is on record under UCI {to}: if it is the same learner, merge the two")
    return _lead(desk, uci, to, done, "is replaced by")


@frozen(kw_only=True)
class Details:
    """What is to be put right of a learner's details; empty: as it is. `born`: as YYYY-MM-DD."""

    name: str = ""
    born: str = ""

    @property
    def kept(self) -> str:
        """The name as it is compared and kept (REG-3)."""
        return normal_name(self.name)

    @property
    def day(self) -> date | None:
        """The date of birth; raises `StaffError`."""
        try:
            return date.fromisoformat(self.born) if self.born else None
        except ValueError:
            raise StaffError("a date of birth is written as 2008-02-09") from None


@journaled
def correct_details(desk: Desk, uci: str, details: Details, order: Order) -> str:
    """REG-6, REG-8: gives a learner another name or date of birth at every centre that has registered them; what was
    issued before stays as it was. Returns what was done in words, without either; raises `StaffError`. The same order
    given again does nothing."""
    _known(desk, uci)
    born, words = details.day, [word for word, value in (("name", details.kept), ("born", details.born)) if value]
    if not words:
        raise StaffError("say which name or date of birth is the right one")
    if born is not None and born >= order.at.date():
        raise StaffError("nobody is born on that day yet")
    done = _action(order, terms.DETAILS_CORRECTED, uci=uci, event=", ".join(words))
    centres = desk.learners.correct_details(in_force(desk, uci), details.kept or None, born, done)
    if not centres:
        return f"The details of UCI {uci} are these already: nothing is changed."
    RECORDED.passed()
    return f"The details of UCI {uci} are corrected at {centres} centre{'s' * (centres > 1)}. It costs nothing."


@journaled
def merge(desk: Desk, uci: str, into: str, order: Order) -> str:
    """REG-8: makes two UCIs of one person lead to one learner, with UCI `into`. Returns what was done in words; raises
    `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCIS_MERGED, uci=uci, event=into)
    if said := _done_before(desk, done):
        return said
    for each in (uci, into):
        _known(desk, each)
    return _lead(desk, uci, into, done, "leads to the learner with")


@journaled
def split(desk: Desk, uci: str, order: Order) -> str:
    """REG-8: undoes what made a UCI lead to another: what came under it is its own again. Returns what was done in
    words; raises `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCI_SPLIT, uci=uci)
    if said := _done_before(desk, done):
        return said
    head = in_force(desk, uci)
    if head == uci:
        raise StaffError(f"UCI {uci} leads to no other UCI")
    desk.learners.unlead(uci, done)
    RECORDED.passed()
    return f"UCI {uci} no longer leads to {head}: what came under it is its own again. It costs nothing."


@journaled
def transfer(desk: Desk, uci: str, centre: str, to: str, candidate: str, order: Order) -> str:
    """REG-8, ENT-7: moves a learner from one centre to another under a candidate number there: registrations, entries
    of series without results, and their marks. Returns what was done in words; raises `StaffError`. The same order
    given again does nothing."""
    done = [
        _action(order, terms.LEARNER_TRANSFERRED, centre=at, uci=uci, event=f"{centre} to {to}", number=int(candidate))
        for at in (to, centre)
        if re.fullmatch("[0-9]{4}", candidate)
    ]
    if not done or centre == to:
        raise StaffError("name two centres, and a candidate number from 0001 to 9999 at the second")
    if said := _done_before(desk, done[0]):
        return said
    head = in_force(desk, uci)
    moving = desk.learners.transferable(head, centre, to)
    if moving.is_empty():
        raise StaffError(f"UCI {uci} holds nothing at centre {centre} that could move to centre {to}")
    others = desk.learners.numbered(to, candidate)
    taken = others.filter(others["uci"] != head).filter(others.filter(others["uci"] != head)["series"].is_in(
        moving["series"].implode()
    ))  # fmt: skip
    if taken.height:
        raise StaffError(f"candidate number {candidate} is another learner's at centre {to}, in {taken['series'][0]}")
    desk.learners.transfer(head, centre, to, candidate, done)
    RECORDED.passed()
    codes = ", ".join(moving["option"].unique(maintain_order=True))
    return f"UCI {uci} is candidate {candidate} of centre {to} now, with {codes} and their marks. It costs nothing."


def _lead(desk: Desk, uci: str, to: str, done: Action, words: str) -> str:
    if not ucis.is_valid(to):
        raise StaffError(f"{to} is no UCI: its check letter does not fit")
    if in_force(desk, uci) != uci:
        raise StaffError(f"UCI {uci} leads to {in_force(desk, uci)} already: split it first")
    if uci == to or in_force(desk, to) != to:
        raise StaffError(f"UCI {to} leads to {in_force(desk, to)}: name that one")
    desk.learners.lead(uci, to, done)
    RECORDED.passed()
    return f"UCI {uci} {words} {to}. Everything that came under either follows. It costs nothing."


def _known(desk: Desk, uci: str) -> None:
    if not is_known(desk.learners.life(uci)):
        raise StaffError(f"nobody is on record under UCI {uci}")


def _done_before(desk: Desk, done: Action) -> str:
    """That the same order was given before, in words; empty when it was not."""
    at = desk.actions.granted(done)
    return f"This was ordered for the same reason on {instant_text(at)}: nothing is changed." if at else ""


def _action(order: Order, action: str, centre: str = "", **about: Any) -> Action:
    if not order.who.strip() or not order.why.strip():
        raise StaffError("say who is doing this and why")
    return Action(at=order.at, who=order.who, why=order.why, action=action, centre=centre, **about)
