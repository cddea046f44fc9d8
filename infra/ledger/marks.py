"""Marks in the ledger (MRK-1, MRK-2): the newest of each learner and component, the amendment windows, what is missing.

Nothing is overwritten: a mark that is replaced gets another version.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from infra.ledger import sql
from infra.ledger.learners import details_in_force, every_uci, led
from infra.ledger.tables import cohorts, entries, marks
from rules import terms
from rules.frames import MARKED, SAMPLED, TO_MARK, WINDOWS


class MarkBook:
    """Access to the marks."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def newest(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """The marks of these centres in these series as they were last given, and the number of the newest version,
        adjusted ones included (`rules.frames.MARKED`)."""
        t = marks.c
        held = led(marks).where(t.centre.in_(centres), t.series.in_(series)).subquery()
        key = (held.c.centre, held.c.series, held.c.uci, held.c.component)
        newest = func.max(held.c.version).over(partition_by=key).label("newest")
        every = select(held, newest).subquery()
        m = every.c
        given = (
            select(m.centre, m.series, m.uci, m.component, m.newest.label("version"), m.mark, m.status, m.tasks)
            .ext(distinct_on(m.centre, m.series, m.uci, m.component))
            .where(m.stage != terms.ADJUSTED)
            .order_by(m.centre, m.series, m.uci, m.component, m.version.desc(), m.id.desc())
        )
        return sql.look_up(self._engine, given, MARKED, len(centres) * sql.A_CENTRE)

    def windows(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Where moderation feedback has opened the amendment window, and where that is over
        (`rules.frames.WINDOWS`)."""
        t = cohorts.c
        is_open = t.state == terms.FEEDBACK
        query = select(
            t.centre, t.series, t.component, sa.case((is_open, t.compared_at)).label("opens"),
            t.feedback_until.label("until"), sa.case((~is_open, t.compared_at)).label("closed"),
        ).where(t.centre.in_(centres), t.series.in_(series), t.feedback_until.is_not(None))  # fmt: skip
        return sql.look_up(self._engine, query, WINDOWS)

    def sampled(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Where a sample was drawn and no feedback given (`rules.frames.SAMPLED`)."""
        t = cohorts.c
        query = select(t.centre, t.series, t.component, t.sampled_at.label("drawn")).where(
            t.centre.in_(centres), t.series.in_(series), t.state.in_((terms.SAMPLED, terms.AGREED)),
            t.feedback_until.is_(None),
        )  # fmt: skip
        return sql.look_up(self._engine, query, SAMPLED)

    def entered(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Entries in force of these centres in these series (`rules.frames.TO_MARK`)."""
        t = entries.c
        query = led(entries, only=tuple(TO_MARK)).where(
            t.centre.in_(centres), t.series.in_(series), t.ended_by.is_(None)
        )
        return sql.frame(self._engine, query, TO_MARK)

    def holds(self, source: str) -> bool:
        """Whether any version of a mark came from `source`, the SHA-256 of a file."""
        with self._engine.connect() as connection:
            return bool(
                connection.execute(select(select(marks.c.id).where(marks.c.source == source).exists())).scalar()
            )

    def booked(self, source: str, received: datetime) -> tuple[int, int]:
        """How many versions came from `source` as it landed at an instant (aware): first versions, and
        later ones."""
        m = marks.c
        first = m.version == 1
        query = select(func.count().filter(first), func.count().filter(~first))
        with self._engine.connect() as connection:
            new, replaced = connection.execute(query.where(m.source == source, m.received == received)).one()
        return new, replaced

    def add(self, rows: pl.DataFrame) -> None:
        """Adds versions in one transaction: all of them or none."""
        with self._engine.begin() as connection:
            add(connection, rows)

    def missing(self, series: str) -> pl.DataFrame:
        """Entries in force for internal components of a series without a mark, or whose mark is not yet available:
        `centre`, `component`, `candidate`, `name`, `uci`, `status` (empty: nothing was sent), in that order."""
        newest = newest_marks().where(marks.c.series == series).subquery()
        named, t, n = details_in_force().subquery(), led(entries).subquery().c, newest.c
        query = (
            select(
                t.centre, t.option.label("component"), t.candidate, func.coalesce(named.c.name, "").label("name"),
                t.uci, func.coalesce(n.status, "").label("status"),
            )
            .outerjoin(newest, (n.centre == t.centre) & (n.uci == t.uci) & (n.component == t.option))
            .outerjoin(named, (named.c.centre == t.centre) & (named.c.uci == t.uci))
            .where(
                t.series == series,
                t.kind == terms.INTERNAL,
                t.ended_by.is_(None),
                n.mark.is_(None),
                func.coalesce(n.status, "") != "A",
            )
            .order_by(t.centre, t.option, t.candidate)
        )  # fmt: skip
        schema = dict.fromkeys(("centre", "component", "candidate", "name", "uci", "status"), pl.String)
        return sql.frame(self._engine, query, schema)

    def expected(self, series: str) -> pl.DataFrame:
        """How many marks of internal components a series should have: `component`, `entered`, by component."""
        t = entries.c
        query = (
            select(t.option.label("component"), sa.func.count().label("entered"))
            .where(t.series == series, t.kind == terms.INTERNAL, t.ended_by.is_(None))
            .group_by(t.option)
            .order_by(t.option)
        )
        return sql.frame(self._engine, query, {"component": pl.String, "entered": pl.Int64})


def newest_marks() -> sa.Select[Any]:
    """The newest version of every learner's mark in a component and series, under the UCI in force (REG-8); narrow it
    by series, component or centre."""
    m, rows = marks.c, led(marks)
    uci = rows.selected_columns["uci"]
    key = (m.centre, m.series, uci, m.component)
    return rows.ext(distinct_on(*key)).order_by(*key, m.version.desc(), m.id.desc())


def sittings(until: str) -> sa.Select[Any]:
    """Entries for components in force in every series up to and with `until`: `centre`, `series`, `uci`, `option`; by
    the newest mark `absent`, `marked`."""
    newest = newest_marks().subquery()
    held = led(entries).where(entries.c.series <= until, *_SITS).subquery()
    t = held.c
    return select(t.centre, t.series, t.uci, t.option, *_taken(newest)).outerjoin(newest, _of(held, newest))


def sittings_of(learners: sa.Select[Any]) -> sa.Select[Any]:
    """`sittings` of `learners`, a query of UCIs in force. It costs as much as there are learners, however large the
    country."""
    t, m, whose = entries.c, marks.c, learners.subquery()
    held = sql.each(select(t.centre, t.series, t.option).where(t.uci == sa.any_(every_uci(whose.c.uci)), *_SITS))
    e = held.c
    newest = sql.each(
        select(m.status, m.mark)
        .where(
            m.centre == e.centre, m.series == e.series, m.component == e.option,
            m.uci == sa.any_(every_uci(whose.c.uci)),
        )
        .order_by(m.version.desc(), m.id.desc())
        .limit(1)
    )  # fmt: skip
    return select(e.centre, e.series, whose.c.uci, e.option, *_taken(newest)).select_from(
        whose.join(held, sa.true()).outerjoin(newest, sa.true())
    )


_SITS = (entries.c.ended_by.is_(None), entries.c.kind != terms.CASH_IN)


def _of(entry: sa.FromClause, mark: sa.FromClause) -> sa.ColumnElement[bool]:
    """The condition that a mark belongs to an entry."""
    e, m = entry.c, mark.c
    return (m.centre == e.centre) & (m.series == e.series) & (m.uci == e.uci) & (m.component == e.option)


def _taken(mark: sa.FromClause) -> tuple[sa.Label[bool], sa.Label[bool]]:
    return func.coalesce(mark.c.status == "A", False).label("absent"), mark.c.mark.is_not(None).label("marked")


def add(connection: Connection, rows: pl.DataFrame) -> None:
    """Adds versions in the caller's transaction. `rows` has the columns of the table of marks but the id."""
    sql.copy(connection, marks, rows)
