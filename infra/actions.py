"""What staff did: who, when and why (OPS-3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl
from attrs import asdict, frozen
from sqlalchemy import Engine, insert, select

from infra import sql
from infra.tables import actions


@frozen(kw_only=True)
class Action:
    """One thing a member of staff did. `at` and `until` are aware; what does not apply is empty."""

    at: datetime
    who: str
    why: str
    action: str
    centre: str
    series: str = ""
    uci: str = ""
    option: str = ""
    event: str = ""
    until: datetime | None = None
    number: int | None = None
    file_name: str = ""


class ActionBook:
    """The record of staff actions; rows are added, never changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, action: Action) -> None:
        """Adds one action."""
        with self._engine.begin() as connection:
            connection.execute(insert(actions).values(asdict(action)))

    def extensions(self, centres: Sequence[str]) -> dict[tuple[str, str, str], datetime]:
        """Until when milestones are extended (CAL-3), by centre, series id and event: what was said last stands."""
        t = actions.c
        query = select(t.centre, t.series, t.event, t.until).where(t.action == "extension", t.centre.in_(centres))
        with self._engine.connect() as connection:
            return {(row.centre, row.series, row.event): row.until for row in connection.execute(query.order_by(t.id))}

    def allowances(self, centres: Sequence[str]) -> pl.DataFrame:
        """Extra sittings granted at these centres: `uci`, `option`, `number` (ENT-4)."""
        t = actions.c
        query = select(t.uci, t.option, t.number).where(t.action == "extra_sitting", t.centre.in_(centres))
        return sql.frame(self._engine, query)

    def certificates(self, series: str) -> pl.DataFrame:
        """Claims of a series with which a certificate was asked for (CRT-7): `centre`, `uci`, `option`."""
        t = actions.c
        query = select(t.centre, t.uci, t.option).distinct().where(t.action == "certificate", t.series == series)
        return sql.frame(self._engine, query)

    def everything(self, centre: str) -> pl.DataFrame:
        """All actions about a centre, the newest first."""
        return sql.frame(self._engine, select(actions).where(actions.c.centre == centre).order_by(actions.c.id.desc()))
