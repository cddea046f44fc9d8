"""What happens at the door of the landing service: limits that were reached, by centre and hour, for metrics and
alerts; the bytes that each centre has moved, for its share of the day; letters that centres have fetched (RES-8); when
centres were last there. No addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import polars as pl
from attrs import asdict, frozen
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger import sql
from infra.ledger.tables import centre_keys, door_bytes, door_limits, door_visits, letters_fetched
from rules.frames import INSTANT

HOUR_SECONDS = 3600


@frozen(kw_only=True)
class LimitReached:
    """A limit that was reached `times` times by a centre; `centre` is empty for those that had not logged in."""

    limit: str
    centre: str
    times: int


@frozen(kw_only=True)
class Fetched:
    """A letter in a centre's outbox that was fetched whole. `written`: the letter, `at`: the fetching (aware)."""

    centre: str
    name: str
    written: datetime
    fingerprint: str
    at: datetime


@frozen(kw_only=True)
class Visit:
    """When a centre last logged in with a key, and last fetched a file with it (aware); None: not that is known."""

    logged_in: datetime
    fetched: datetime | None = None


class DoorBook:
    """Access to the limits that were reached, and to what was fetched."""

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

    def move(self, way: str, counts: Mapping[tuple[str, int], int]) -> None:
        """Adds bytes that centres have moved one way (the name of its limit), by centre and hour since 1970."""
        rows = [
            {"way": way, "centre": centre, "hour": datetime.fromtimestamp(hour * HOUR_SECONDS, UTC), "bytes": moved}
            for (centre, hour), moved in sorted(counts.items())
        ]
        query = insert(door_bytes)
        more = {"bytes": door_bytes.c.bytes + query.excluded.bytes}
        with self._engine.begin() as connection:
            connection.execute(query.on_conflict_do_update(constraint=door_bytes.primary_key, set_=more), rows)

    def moved(self, since: datetime) -> Mapping[str, Mapping[tuple[str, int], int]]:
        """The bytes that centres have moved in the hours that began later than `since` (aware), by way, centre and
        hour since 1970."""
        t, found = door_bytes.c, dict[str, dict[tuple[str, int], int]]()
        with self._engine.connect() as connection:
            for row in connection.execute(select(door_bytes).where(t.hour > since)):
                found.setdefault(row.way, {})[row.centre, int(row.hour.timestamp()) // HOUR_SECONDS] = row.bytes
        return found

    def since(self, hour: datetime) -> Sequence[LimitReached]:
        """What was reached in the hours that began at `hour` (aware) or later, by limit and centre."""
        t = door_limits.c
        query = select(t.name, t.centre, func.sum(t.times).label("times")).where(t.hour >= hour)
        with self._engine.connect() as connection:
            rows = connection.execute(query.group_by(t.name, t.centre).order_by(t.name, t.centre)).mappings()
            return [LimitReached(limit=row["name"], centre=row["centre"], times=int(row["times"])) for row in rows]

    def fetched(self, letters: Sequence[Fetched]) -> None:
        """Records letters that were fetched: each version once for each key."""
        with self._engine.begin() as connection:
            connection.execute(insert(letters_fetched).on_conflict_do_nothing(), [asdict(one) for one in letters])

    def visited(self, visits: Mapping[tuple[str, str], Visit]) -> None:
        """Records visits by centre and fingerprint of the key: of each the latest stays."""
        rows = [
            {"centre": centre, "fingerprint": key, "logged_in": visit.logged_in, "fetched": visit.fetched}
            for (centre, key), visit in sorted(visits.items())
        ]
        query = insert(door_visits)
        # Two of these services may tell of one centre, in any order; PostgreSQL's greatest() passes over nulls.
        latest = {name: func.greatest(door_visits.c[name], query.excluded[name]) for name in ("logged_in", "fetched")}
        with self._engine.begin() as connection:
            connection.execute(query.on_conflict_do_update(constraint=door_visits.primary_key, set_=latest), rows)

    def visits(self, centre: str) -> Visit | None:
        """When a centre was last at the door, with whatever key; None: never, or longer ago than is kept."""
        t = door_visits.c
        query = select(func.max(t.logged_in), func.max(t.fetched)).where(t.centre == centre)
        with self._engine.connect() as connection:
            logged_in, fetched = connection.execute(query).one()
        return Visit(logged_in=logged_in, fetched=fetched) if logged_in else None

    def letters(self, centre: str = "") -> pl.DataFrame:
        """RES-8: the letters that a centre, or any, has fetched, each version once, as it was fetched first: `centre`,
        `letter`, `written` (to the second), `fetched`, and `by`, whose key it was."""
        t, k = letters_fetched.c, centre_keys.c
        whose = select(k.comment).where(k.centre == t.centre, k.fingerprint == t.fingerprint).order_by(k.id.desc())
        by = func.coalesce(func.nullif(whose.limit(1).scalar_subquery(), ""), t.fingerprint).label("by")
        query = select(t.centre, t.name.label("letter"), t.written, t.at.label("fetched"), by)
        query = query.where(t.centre == centre) if centre else query
        kinds = {"centre": pl.String, "letter": pl.String, "written": INSTANT, "fetched": INSTANT, "by": pl.String}
        rows = sql.frame(self._engine, query.order_by(t.at), kinds)
        return rows.unique(["centre", "letter", "written"], keep="first", maintain_order=True)
