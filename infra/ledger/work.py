"""What the work list of the desk asks the ledger: what was seen, and what staff said about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from attrs import frozen
from sqlalchemy import Engine, select

from infra.ledger.tables import actions, alerts

TAKEN, NOTED, CLOSED = "work_taken", "work_noted", "work_closed"
"""What staff can do with an item of the work list; kept with everything else that staff did (OPS-3)."""
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
    t = actions.c
    query = select(t.file_name.label("subject"), t.at, t.who, t.action, t.why)
    query = query.where(t.action.in_((TAKEN, NOTED, CLOSED))).order_by(t.id)
    with engine.connect() as connection:
        return [WorkNote(**row) for row in connection.execute(query).mappings()]


def seen(engine: Engine, codes: Sequence[str]) -> list[Mapping[str, Any]]:
    """Alerts with these codes, the newest first: `key`, `code`, `at`, `said`."""
    t = alerts.c
    query = select(t.key, t.code, t.at, t.said).where(t.code.in_(codes)).order_by(t.at.desc(), t.key).limit(MOST)
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
