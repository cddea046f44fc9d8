"""Which limits of the landing service were reached, by centre and hour: for metrics and alerts. No addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from attrs import frozen
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger.tables import door_limits


@frozen(kw_only=True)
class LimitReached:
    """A limit that was reached `times` times by a centre; `centre` is empty for those that had not logged in."""

    limit: str
    centre: str
    times: int


class DoorBook:
    """Access to the limits that were reached."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def reached(self, counts: Mapping[tuple[str, str], int], at: datetime) -> None:
        """Adds counts by limit and centre to those of the hour of `at` (aware)."""
        hour = at.replace(minute=0, second=0, microsecond=0)
        rows = [
            {"name": limit, "centre": centre, "hour": hour, "times": times}
            for (limit, centre), times in sorted(counts.items())
        ]
        query = insert(door_limits)
        more = {"times": door_limits.c.times + query.excluded.times}
        with self._engine.begin() as connection:
            connection.execute(query.on_conflict_do_update(constraint=door_limits.primary_key, set_=more), rows)

    def since(self, hour: datetime) -> Sequence[LimitReached]:
        """What was reached in the hours that began at `hour` (aware) or later, by limit and centre."""
        t = door_limits.c
        query = select(t.name, t.centre, func.sum(t.times).label("times")).where(t.hour >= hour)
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(t.name, t.centre).order_by(t.name, t.centre)).mappings()
            return [LimitReached(limit=row["name"], centre=row["centre"], times=int(row["times"])) for row in rows]
