"""What staff do about centres: correct the register, and take and decide applications (REG-1, REG-10, OPS-3)."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from attrs import evolve, frozen

from infra.ledger.register import ORDER, ApprovalRow, CentreRow
from parsers.identifiers import centre as identifier
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import Order, with_name_and_reason
from pipeline.steps import APPROVAL_DECIDED, REGISTERED
from rules import terms
from rules.centres import EVERY, TELLS, tells

LONDON = ZoneInfo("Europe/London")


class CentreError(ValueError):
    """What was asked for about a centre cannot be done; the message says why."""


@frozen(kw_only=True)
class CentreEdit:
    """What changes of a centre; None stays as it is. Days are ISO 8601; an empty `active_to` means open."""

    name: str | None = None
    postcode: str | None = None
    contact: str | None = None
    told: str | None = None
    gcse_years: str | None = None
    active_from: str | None = None
    active_to: str | None = None


@journaled
def edit_centre(
    desk: Desk, number: str, edit: CentreEdit, now: datetime, who: str, why: str, how: str = terms.STATED
) -> bool:
    """REG-10: changes what the register says of a centre from `now` (aware) on, or adds the centre. Returns whether
    anything is new; raises `CentreError`."""
    with_name_and_reason(who, why, CentreError)
    before, after = edited(desk, number, edit, Order(who, why, now, how))
    if before is not None and before.says() == after.says():
        return False
    desk.register.add([after])
    REGISTERED.passed()
    return True


def edited(desk: Desk, number: str, edit: CentreEdit, order: Order) -> tuple[CentreRow | None, CentreRow]:
    """What the register says of a centre, None where it is not in it, and what it would say; raises `CentreError`."""
    if not identifier.is_valid(number) or number in identifier.DUMMIES:
        raise CentreError(f"{number} is not a centre number of five digits")
    before = desk.register.newest([number]).get(number)
    today = order.at.astimezone(LONDON).date()
    start = before or CentreRow(
        number=number, name="", postcode="", contact="", gcse_years="", active_from=today, active_to=None, at=order.at,
        source=ORDER, who=order.who, how=order.how, why=order.why,
    )  # fmt: skip
    after = evolve(
        start,
        name=start.name if edit.name is None else edit.name,
        postcode=start.postcode if edit.postcode is None else edit.postcode,
        contact=start.contact if edit.contact is None else edit.contact,
        told=start.told if edit.told is None else edit.told.strip(),
        gcse_years=start.gcse_years if edit.gcse_years is None else _years(edit.gcse_years),
        active_from=start.active_from if edit.active_from is None else _day(edit.active_from),
        active_to=_end(start.active_to, edit.active_to),
        at=order.at,
        source=ORDER,
        who=order.who,
        how=order.how,
        why=order.why,
    )
    if not after.name:
        raise CentreError(f"centre {number} is not in the register: give its name to add it")
    if not tells(after.told):
        raise CentreError(f"{after.told!r} is no {TELLS}")
    if after.active_to is not None and after.active_to < after.active_from:
        raise CentreError(f"{after.active_to} is before {after.active_from}, its first day")
    return before, after


@frozen(kw_only=True)
class Application:
    """What an application is about: a centre, a qualification (its registration code, or `*` for every one)."""

    centre: str
    qualification: str


@journaled
def decide_approval(
    desk: Desk,
    about: Application,
    decision: terms.ApprovalWord,
    since: str,
    now: datetime,
    who: str,
    why: str,
    route: terms.Route = terms.FULL,
    how: str = terms.STATED,
) -> bool:
    """REG-1: records that approval was asked for, granted, denied or ended, from the day `since` (ISO 8601) on. What
    was asked for by a route is decided as asked by it. Returns whether that is new; raises `CentreError`."""
    with_name_and_reason(who, why, CentreError)
    if about.centre not in desk.register.newest([about.centre]):
        raise CentreError(f"centre {about.centre} is not in the register: add it first (`resultsday centre edit`)")
    codes = {one.registration_code for one in desk.catalogue.qualifications}
    if about.qualification not in {*codes, EVERY}:
        raise CentreError(f"{about.qualification} is no registration code; write {EVERY} for every qualification")
    day = _day(since)
    own = [row for row in desk.register.decisions([about.centre]) if row.qualification == about.qualification]
    last = own[-1] if own else None
    if last and (last.decision, last.since) == (decision, day):
        return False
    asked = last.route if last and last.decision == terms.ASKED and decision != terms.ASKED else route
    desk.register.decide(
        ApprovalRow(
            centre=about.centre, qualification=about.qualification, decision=decision, route=asked, since=day, at=now,
            source=ORDER, who=who, how=how, why=why,
        )
    )  # fmt: skip
    APPROVAL_DECIDED.passed()
    return True


def _day(said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise CentreError(f"{said} is not a day; write it like 2024-09-01") from None


def _end(before: date | None, said: str | None) -> date | None:
    return before if said is None else _day(said) if said else None


def _years(said: str) -> str:
    years = sorted(set(said.split()))
    if not all(year.isdigit() and len(year) == 4 for year in years):
        raise CentreError(f"{said} is no list of years; write them like 2021 2022 2023")
    return " ".join(years)
