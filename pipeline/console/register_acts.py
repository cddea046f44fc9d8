"""What staff can do about a centre in the register (REG-10)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import evolve

from infra.ledger.register import CentreRow
from pipeline.centres.orders import CentreEdit, edit_centre, edited
from pipeline.console.acts import Act, Asked, Field, Said
from pipeline.desk import Desk
from pipeline.intake.foresee import Effect
from pipeline.orders import StaffError

_WORDS = {
    "name": "Name",
    "postcode": "Postcode",
    "contact": "Address for letters and e-mail",
    "told": "Who is told what is new in the outbox",
    "gcse_years": "Years in which academic years with our GCSEs began",
    "active_from": "First day as a centre",
    "active_to": "Last day as a centre",
}


def _said(row: CentreRow) -> dict[str, str]:
    return {name: str(getattr(row, name) or "") for name in _WORDS}


def _held(desk: Desk, asked: Asked) -> Said:
    """What the register says now; nothing of a centre that is not in it."""
    row = desk.register.newest([asked.centre]).get(asked.centre)
    return _said(row) if row else {}


def _edit(asked: Asked) -> CentreEdit:
    said = {name: asked.said.get(name, "").strip() for name in _WORDS}
    edit = CentreEdit(**said)
    return edit if edit.active_from else evolve(edit, active_from=None)


def _effect(desk: Desk, asked: Asked) -> Effect:
    before, after = edited(desk, asked.centre, _edit(asked), asked.order)
    was, becomes = _said(before) if before else {}, _said(after)
    rows = [
        (words, f"{was.get(name) or 'nothing'} becomes {becomes[name] or 'nothing'}")
        for name, words in _WORDS.items()
        if was.get(name, "") != becomes[name]
    ]
    if not rows:
        raise StaffError("that is what the register says already")
    known = "changes in the register" if before else "comes into the register"
    what = ("What follows", "files received from now on are decided by it; what was decided before stays (REG-1)")
    return (("Who", f"centre {asked.centre} {known}"), *rows, what)


def _do(desk: Desk, asked: Asked) -> str:
    order = asked.order
    edit_centre(desk, asked.centre, _edit(asked), order.at, order.who, order.why, order.how)
    return f"Centre {asked.centre} is in the register as you said."


REGISTER_ACTS: Mapping[str, Act] = {
    "register": Act(
        title="Change the register", rule="REG-10",
        fields=(
            Field("name", _WORDS["name"]),
            Field("postcode", _WORDS["postcode"], needed=False),
            Field("contact", _WORDS["contact"], needed=False),
            Field("told", f"{_WORDS['told']}, e-mail or https://...; empty: nobody", needed=False),
            Field("gcse_years", f"{_WORDS['gcse_years']}, for example 2021 2022 2023", needed=False),
            Field("active_from", _WORDS["active_from"], "date", needed=False),
            Field("active_to", f"{_WORDS['active_to']}; empty: open", "date", needed=False),
        ),
        effect=_effect, do=_do, undo="Change it again: every version is kept.", held=_held,
    ),
}  # fmt: skip
"""The acts about a centre's entry in the register."""
