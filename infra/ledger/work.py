"""What the work list of the desk asks the ledger: what was seen, and what staff said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Engine, Select, select

from infra.ledger.approvals import spoken
from infra.ledger.tables import actions, alerts

TAKEN, NOTED, CLOSED = "work_taken", "work_noted", "work_closed"
"""What staff can do with an item of the work list; kept with everything else that staff did (OPS-3)."""
ALERT = "alert:"
"""With what the subject of an item begins that is an alert; its key follows."""
MOST = 500
"""Alerts that are looked at, the newest. Ours."""


@frozen(kw_only=True)
class WorkNote:
    """What somebody did with an item: `subject` says which."""

    subject: str
    at: datetime
    who: str
    action: str
    why: str


def notes(engine: Engine) -> list[WorkNote]:
    """What staff did with items of the work list, in order."""
    t, query = actions.c, _said()
    query = query.where(t.action.in_((TAKEN, NOTED, CLOSED))).order_by(t.id)
    with engine.connect() as connection:
        return [WorkNote(**row) for row in connection.execute(query).mappings()]


def seen(engine: Engine, codes: Sequence[str]) -> list[Mapping[str, Any]]:
    """Alerts with these codes, the newest first: `key`, `code`, `at`, `said`."""
    t = alerts.c
    query = select(t.key, t.code, t.at, t.said).where(t.code.in_(codes)).order_by(t.at.desc(), t.key).limit(MOST)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]


def _said() -> Select[Any]:
    """What somebody said of an item of the work list."""
    t = actions.c
    return select(t.file_name.label("subject"), t.at, spoken(t.who, t.how).label("who"), t.action, t.why)


def owners(engine: Engine, subjects: Sequence[str]) -> dict[str, WorkNote]:
    """Who has taken these alerts last, by their keys."""
    t, query = actions.c, _said()
    query = query.where(t.action == TAKEN, t.file_name.in_(subjects)).order_by(t.id)
    with engine.connect() as connection:
        taken = [WorkNote(**row) for row in connection.execute(query).mappings()]
    return {note.subject.removeprefix(ALERT): note for note in taken}
