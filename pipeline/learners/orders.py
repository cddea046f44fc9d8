"""Orders of staff about who a learner is (REG-8): a UCI corrected, two merged, a wrong merge undone, a learner moved to
another centre. Nothing is lost, nothing is charged, and each order is on record with who, when and why (OPS-3), and
with the `centre` that asked for it, where one did."""

from __future__ import annotations

import logging
import re
from datetime import date, datetime
from typing import Any

import polars as pl
from attrs import frozen

from infra.ledger.actions import Action
from parsers.identifiers import uci as ucis
from parsers.names import normal_name
from pipeline.desk import Desk
from pipeline.holdings import write_holdings
from pipeline.journal import journaled
from pipeline.learners.life import in_force, is_known
from pipeline.orders import Order, StaffError, with_name_and_reason
from pipeline.register import register_of
from pipeline.steps import RECORDED
from rules import terms
from rules.catalogue import instant_text, series_title
from rules.withholding import HELD_AS, standing

log = logging.getLogger(__name__)


@journaled
def correct(desk: Desk, uci: str, to: str, order: Order, centre: str = "") -> str:
    """REG-8: replaces a UCI by one under which nobody is on record. Returns what was done in words; raises
    `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCI_CORRECTED, centre, uci=uci, event=to)
    if in_force(desk, uci) == to and (said := _done_before(desk, done)):
        _list_anew(desk, to)
        return said
    correctable(desk, uci, to)
    return _lead(desk, uci, to, done, "is replaced by")


def correctable(desk: Desk, uci: str, to: str) -> None:
    """Raises `StaffError` where a UCI cannot be replaced by another."""
    _known(desk, uci)
    if any(not frame.is_empty() for name, frame in desk.learners.life(to).items() if name != "ucis"):
        raise StaffError(
            f"somebody is on record under UCI {to}: if it is the same learner, merge the two. If the UCIs of two "
            f"learners were exchanged, give each of them one under which nobody is on record"
        )
    _may_lead(desk, uci, to)


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
def correct_details(desk: Desk, uci: str, details: Details, order: Order, centre: str = "") -> str:
    """REG-6, REG-8: gives a learner another name or date of birth at every centre that has registered them; what was
    issued before stays as it was. Returns what was done in words, without either; raises `StaffError`. The same order
    given again does nothing."""
    _known(desk, uci)
    born, words = details.day, [word for word, value in (("name", details.kept), ("born", details.born)) if value]
    if not words:
        raise StaffError("say which name or date of birth is the right one")
    if born is not None and born >= order.at.date():
        raise StaffError("nobody is born on that day yet")
    done = _action(order, terms.DETAILS_CORRECTED, centre, uci=uci, event=", ".join(words))
    centres = desk.learners.correct_details(in_force(desk, uci), details.kept or None, born, done)
    if not centres:
        _list_anew(desk, uci)
        return f"The details of UCI {uci} are these already: nothing is changed."
    RECORDED.passed()
    _list_anew(desk, uci)
    return f"The details of UCI {uci} are corrected at {centres} centre{'s' * (centres > 1)}. It costs nothing."


@journaled
def merge(desk: Desk, uci: str, into: str, order: Order, centre: str = "") -> str:
    """REG-8: makes two UCIs of one person lead to one learner, with UCI `into`. Returns what was done in words; raises
    `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCIS_MERGED, centre, uci=uci, event=into)
    if in_force(desk, uci) == into and (said := _done_before(desk, done)):
        _list_anew(desk, into)
        return said
    mergeable(desk, uci, into)
    shared = also_held(desk, uci, into)
    return " ".join([_lead(desk, uci, into, done, "leads to the learner with"), *shared])


def also_held(desk: Desk, uci: str, into: str) -> list[str]:
    """RES-8: what is withheld or voided of one of two learners, and holds for the other's too once they are one, in
    sentences."""
    entered = desk.learners.entered([uci, into]).select("series", "centre", "uci", "option").sort("series", "option")
    holds = desk.actions.holds(str(entered["series"].max() or ""))
    now = entered.with_columns(standing(entered, holds).alias("now"))
    both = {uci: into, into: uci}
    of_other = standing(entered.with_columns(pl.col("uci").replace(both)), holds)
    spread = now.with_columns(of_other.alias("then")).filter(
        pl.col("then").is_not_null(), pl.col("now").ne_missing(pl.col("then")),
        pl.col("now").ne_missing(pl.lit(terms.WITHHELD)),
    )  # fmt: skip
    rows = spread.select("series", "uci", "option", "then").unique(maintain_order=True)
    return [
        f"{option} in {series_title(series)} is {HELD_AS[state]} for UCI {both[own]}, and from now on for what came "
        f"under {own} too (RES-8)."
        for series, own, option, state in rows.iter_rows()
    ]


def mergeable(desk: Desk, uci: str, into: str) -> None:
    """Raises `StaffError` where two UCIs cannot be merged."""
    for each in (uci, into):
        _known(desk, each)
    _may_lead(desk, uci, into)


@journaled
def split(desk: Desk, uci: str, order: Order, centre: str = "") -> str:
    """REG-8: undoes what made a UCI lead to another: what came under it is its own again. Returns what was done in
    words; raises `StaffError`. The same order given again does nothing."""
    done = _action(order, terms.UCI_SPLIT, centre, uci=uci)
    if in_force(desk, uci) == uci and (said := _done_before(desk, done)):
        _list_anew(desk, uci)
        return said
    head = led_to(desk, uci)
    desk.learners.unlead(uci, done)
    RECORDED.passed()
    _list_anew(desk, uci)
    back = in_force(desk, head) != head
    also = f" UCI {head} leads to it from now on, as everything under that was this learner's." if back else ""
    words = f"UCI {uci} no longer leads to {head}: what came under it is its own again.{also} It costs nothing."
    return " ".join([words, *([] if back else one_number(desk, uci, head))])


def one_number(desk: Desk, uci: str, head: str) -> list[str]:
    """REG-5: where two learners hold things in force under one candidate number of a centre, as where they were moved
    while their UCIs led to one, in sentences with what to do."""
    key = ["series", "centre", "candidate"]
    lives = [desk.learners.life(each) for each in (uci, head)]
    held = [pl.concat([life[table].select(pl.col(key).cast(pl.String)) for table in _HELD]).unique() for life in lives]
    return [
        f"Both are candidate {candidate} of centre {centre} in {series_title(series)}, so every file about either is "
        f"refused (REG-5): move the one who is not its learner, or to another centre and back under another number "
        f"(`resultsday learner transfer`)."
        for series, centre, candidate in held[0].join(held[1], on=key, how="semi").sort(key).iter_rows()
    ]


def led_to(desk: Desk, uci: str) -> str:
    """The UCI to which another leads; raises `StaffError` where it leads to none."""
    head = in_force(desk, uci)
    if head == uci:
        raise StaffError(f"UCI {uci} leads to no other UCI")
    return head


@journaled
def transfer(desk: Desk, uci: str, centre: str, to: str, candidate: str, order: Order) -> str:
    """REG-8, ENT-7: moves a learner from one centre to another under a candidate number there: registrations, entries
    of series without results, and their marks. Returns what was done in words; raises `StaffError`. The same order
    given again does nothing."""
    _places(centre, to, candidate)
    done = [
        _action(order, terms.LEARNER_TRANSFERRED, centre=at, uci=uci, event=f"{centre} to {to}", number=int(candidate))
        for at in (to, centre)
    ]
    head = in_force(desk, uci)
    if desk.learners.transferable(head, centre, to).is_empty() and (said := _done_before(desk, done[0])):
        write_holdings(desk, sorted((centre, to)))
        return said
    moving = movable(desk, uci, centre, to, candidate, order.at)
    stays = " ".join(staying(desk, uci, centre, to))
    numbers = dict(moving.select("series", "number").iter_rows())
    desk.learners.transfer(head, centre, to, numbers, done)
    RECORDED.passed()
    write_holdings(desk, sorted((centre, to)))
    codes = ", ".join(moving["option"].unique(maintain_order=True))
    now = f"UCI {uci} is candidate {candidate} of centre {to} now, with {codes} and their marks. It costs nothing."
    return " ".join([now, *kept_numbers(moving, candidate), *([stays] if stays else [])])


def kept_numbers(moving: pl.DataFrame, candidate: str) -> list[str]:
    """REG-4: in which series of a move (`movable`) the learner keeps another candidate number, in sentences."""
    kept = moving.filter(pl.col("number") != candidate).select("series", "number").unique(maintain_order=True)
    return [
        f"In {series_title(series)} the learner has candidate number {number} there already, and keeps it (REG-4)."
        for series, number in kept.iter_rows()
    ]


def staying(desk: Desk, uci: str, centre: str, to: str) -> list[str]:
    """MOD-2, RES-8: what a move leaves behind for now, and what is withheld at the other centre, in sentences."""
    head = in_force(desk, uci)
    left = [
        f"{option} in {series_title(series)} stays at centre {centre} until its moderation is decided, and is then "
        f"on the work list, to follow (MOD-2)."
        for series, option in desk.learners.in_moderation(head, centre).iter_rows()
    ]
    held = _stands(desk, head, (centre, to), desk.learners.transferable(head, centre, to))
    waits = held.filter(pl.col("here").is_null(), pl.col("there") == terms.WITHHELD)
    return left + [
        f"{option} in {series_title(series)} is withheld at centre {to}, and for this learner with it, until that is "
        f"decided (`resultsday withhold list`, RES-8)."
        for series, option in waits.select("series", "option").iter_rows()
    ]


def movable(desk: Desk, uci: str, centre: str, to: str, candidate: str, now: datetime) -> pl.DataFrame:
    """What moves at `now` (aware) with a learner from one centre to another (`infra.ledger.learners.MOVING`), and the
    candidate `number` there: `candidate`, but for a series in which the learner has another already. Raises
    `StaffError` where nothing can, the number there is somebody else's, the learner has others only, or the centre is
    not approved (REG-1)."""
    _places(centre, to, candidate)
    head = in_force(desk, uci)
    moving = desk.learners.transferable(head, centre, to)
    if moving.is_empty():
        raise StaffError(f"UCI {uci} holds nothing at centre {centre} that could move to centre {to}")
    moving = _numbered(desk, head, to, candidate, moving)
    others = desk.learners.numbered(to, candidate)
    anew = moving.filter(number=candidate)["series"]
    taken = others.filter(pl.col("uci") != head, pl.col("series").is_in(anew.implode()))
    if taken.height:
        raise StaffError(f"candidate number {candidate} is another learner's at centre {to}, in {taken['series'][0]}")
    _withheld_there_too(desk, head, (centre, to), moving)
    register = register_of(desk, [to])
    for qualification in desk.catalogue.qualifications:
        code = qualification.registration_code
        if code in moving["option"] and not (standing := register.standing(to, code, now)).approved:
            why = f"approved for {qualification.subject}{standing.reason}" if standing.known else "in the register"
            raise StaffError(f"centre {to} is not {why}: put that right first (REG-1, REG-10)")
    return moving


def _numbered(desk: Desk, head: str, to: str, candidate: str, moving: pl.DataFrame) -> pl.DataFrame:
    """REG-4: what moves, with the candidate `number` there: a learner who has one at the other centre already, in a
    series of what moves, keeps it; under two numbers every later file about the learner would be refused. Raises
    `StaffError` where the number that is given is none of theirs."""
    life, columns = desk.learners.life(head), ["series", "candidate"]
    there = pl.concat([life[table].filter(pl.col("centre") == to).select(columns) for table in _HELD])
    there = there.unique().filter(pl.col("series").is_in(moving["series"].implode())).sort(columns)
    held = dict(there.group_by("series", maintain_order=True).agg("candidate").iter_rows())
    if held and candidate not in {number for numbers in held.values() for number in numbers}:
        series, numbers = next(iter(held.items()))
        raise StaffError(
            f"UCI {head} is candidate {' and '.join(numbers)} at centre {to} already, in {series_title(series)}, "
            f"and has one number in a series: give the order with candidate {numbers[0]} (REG-4)"
        )
    number = {series: candidate if candidate in numbers else numbers[0] for series, numbers in held.items()}
    numbers = [number.get(series, candidate) for series in moving["series"]]
    return moving.with_columns(pl.Series("number", numbers, dtype=pl.String))


_HELD = ("registrations", "entries")


def _withheld_there_too(desk: Desk, head: str, way: tuple[str, str], moving: pl.DataFrame) -> None:
    """RES-8: what is withheld or voided for everybody at a centre is not got rid of by a move, and nothing is voided by
    one. Raises `StaffError`."""
    here, there = pl.col("here"), pl.col("there")
    held = _stands(desk, head, way, moving)
    escaping = held.filter(here.is_not_null() & here.ne_missing(there)).select("series", "option", "here")
    for series, option, state in escaping.head(1).iter_rows():
        first = "withhold and void it" if state == terms.HOLD_VOIDED else "withhold it"
        raise StaffError(
            f"{option} in {series_title(series)} is {HELD_AS[state]} at centre {way[0]} and would not be at centre "
            f"{way[1]}: {first} for the learner first, or decide about it (`resultsday withhold list`, RES-8)"
        )
    voided = held.filter(here.is_null(), there == terms.HOLD_VOIDED).select("series", "option")
    for series, option in voided.head(1).iter_rows():
        raise StaffError(
            f"{option} in {series_title(series)} is voided at centre {way[1]}, and the move would void it for this "
            f"learner: move the learner once the results are out, or withhold and void it for the learner first, if "
            f"that is meant (RES-8)"
        )


def _stands(desk: Desk, head: str, way: tuple[str, str], moving: pl.DataFrame) -> pl.DataFrame:
    """RES-8: the entries that move, by `series` and `option`, and what stands about each at the two centres: `here` and
    `there` (`rules.withholding.standing`)."""
    entries = moving.filter(table="entries").select("series", pl.lit(head).alias("uci"), "option")
    entries = entries.sort("series", "option")
    holds = desk.actions.holds(str(entries["series"].max() or ""))
    return entries.with_columns(
        standing(entries.with_columns(pl.lit(at).alias("centre")), holds).alias(name)
        for name, at in zip(("here", "there"), way, strict=True)
    )


def _places(centre: str, to: str, candidate: str) -> None:
    numbers = all(re.fullmatch("[0-9]{5}", each) for each in (centre, to))
    if not numbers or centre == to or not re.fullmatch("(?!0000)[0-9]{4}", candidate):
        raise StaffError("name two centres, and a candidate number from 0001 to 9999 at the second")


def _may_lead(desk: Desk, uci: str, to: str) -> None:
    if not ucis.is_valid(to):
        raise StaffError(f"{to} is no UCI: its check letter does not fit")
    if in_force(desk, uci) != uci:
        raise StaffError(f"UCI {uci} leads to {in_force(desk, uci)} already: split it first")
    if uci == to or in_force(desk, to) != to:
        raise StaffError(f"UCI {to} leads to {in_force(desk, to)}: name that one")


def _lead(desk: Desk, uci: str, to: str, done: Action, words: str) -> str:
    desk.learners.lead(uci, to, done)
    RECORDED.passed()
    _list_anew(desk, to)
    return f"UCI {uci} {words} {to}. Everything that came under either follows. It costs nothing."


def _list_anew(desk: Desk, uci: str) -> None:
    """The lists of what they hold, of every centre where this learner holds anything; after an order that died on its
    way too, when it is given again."""
    life = desk.learners.life(in_force(desk, uci))
    held = pl.concat([life[table].select("centre") for table in _HELD])
    write_holdings(desk, held["centre"].unique().sort().to_list())


def _known(desk: Desk, uci: str) -> None:
    if not is_known(desk.learners.life(uci)):
        raise StaffError(f"nobody is on record under UCI {uci}")


def _done_before(desk: Desk, done: Action) -> str:
    """That the same order was given before, in words; empty when it was not."""
    at = desk.actions.granted(done)
    return f"This was ordered for the same reason on {instant_text(at)}: nothing is changed." if at else ""


def _action(order: Order, action: str, centre: str = "", **about: Any) -> Action:
    with_name_and_reason(order.who, order.why, StaffError)
    return Action(at=order.at, who=order.who, how=order.how, why=order.why, action=action, centre=centre, **about)
