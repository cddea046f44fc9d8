"""The journal, which replay follows (RES-6): every job that was run, for which instant, with what, and the files it
took in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import frozen
from sqlalchemy import Engine, cast, func, select
from sqlalchemy.dialects.postgresql import JSONB

from infra.ledger import sql
from infra.ledger.tables import hold_decisions, journal, submissions


@frozen(kw_only=True)
class Entry:
    """A job that was run. `at` is aware. `taken` has the feed files it took in, each with `key`, `received` (ISO 8601)
    and `sha256`. For a job that receives, `landed` is the id of the last file received by its end. `ended` is false
    when the job died."""

    at: datetime
    job: str
    arguments: Mapping[str, Any]
    taken: Sequence[Mapping[str, str]] = ()
    landed: int | None = None
    ended: bool = False


class Journal:
    """Access to the journal. An entry is written before its job begins, each feed file is added as it is taken in, and
    the entry is completed when the job has ended: jobs that died are on record too."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, entry: Entry) -> int:
        """Appends an entry; returns its number."""
        values = {"at": entry.at, "job": entry.job, "arguments": dict(entry.arguments), "taken": []}
        with self._engine.begin() as connection:
            return int(connection.execute(journal.insert().values(values).returning(journal.c.id)).scalar_one())

    def take(self, number: int, file: Mapping[str, str]) -> None:
        """Adds a feed file to an entry."""
        t = journal.c
        with self._engine.begin() as connection:
            added = t.taken.concat(cast([dict(file)], JSONB))
            connection.execute(journal.update().where(t.id == number).values(taken=added))

    def end(self, number: int, taken: Sequence[Mapping[str, str]], landed: int | None) -> None:
        """Completes an entry."""
        with self._engine.begin() as connection:
            query = journal.update().where(journal.c.id == number)
            connection.execute(query.values(taken=list(taken), landed=landed, ended=True))

    def has_taken(self, file: Mapping[str, str]) -> bool:
        """Whether a job that ended has taken in this very feed file, as it landed then."""
        t = journal.c
        query = select(t.id).where(t.ended, t.taken.contains(cast([dict(file)], JSONB))).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def ran(self, job: str, series: str, start: datetime, end: datetime) -> bool:
        """Whether a job about a series (its id) that ended was run for an instant from `start` to before `end`."""
        t = journal.c
        its = t.arguments["series"]["Series"].astext == series
        query = select(t.id).where(t.ended, t.job == job, its, t.at >= start, t.at < end).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).first() is not None

    def drop(self, number: int) -> None:
        """Removes the entry of a job that had nothing to do."""
        with self._engine.begin() as connection:
            connection.execute(journal.delete().where(journal.c.id == number))

    def all(self) -> list[Entry]:
        """Every entry, in the order in which the jobs began."""
        t = journal.c
        query = select(t.at, t.job, t.arguments, t.taken, t.landed, t.ended).order_by(t.id)
        with self._engine.connect() as connection:
            return [Entry(**row) for row in connection.execute(query).mappings()]

    def landed(self) -> tuple[int, int]:
        """The id of the last file on the books, and of the last one the journal knows of; 0 where there is none."""
        with self._engine.connect() as connection:
            last = connection.execute(select(func.coalesce(func.max(submissions.c.id), 0))).scalar_one()
            known = connection.execute(select(func.coalesce(func.max(journal.c.landed), 0))).scalar_one()
        return last, known

    def landings(self, after: int, up_to: int) -> pl.DataFrame:
        """The files received with ids above `after` and up to `up_to`: `key`, `kind`, `received` (UTC), `sha256`. Held
        files that came on the books once more are not among them: they have not landed again."""
        t = submissions.c
        query = select(t.landing_key.label("key"), t.kind, t.received, t.sha256)
        query = query.where(t.id.not_in(select(hold_decisions.c.successor_id)))
        return sql.frame(self._engine, query.where(t.id > after, t.id <= up_to).order_by(t.id))
