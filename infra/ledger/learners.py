"""Learners in the ledger: their personal details with versions (REG-6), and which UCIs lead to one learner (REG-8).

Whatever comes in is filed under the UCI it came with and is never rewritten. `learner_ucis` says to which UCI in force
a corrected or merged UCI leads, so a merge can be undone exactly. Frames that leave the ledger have the UCI in force.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Connection, Engine, func, select

from infra.ledger import sql
from infra.ledger.tables import entries, learner_ucis, learner_versions, registrations
from rules import terms
from rules.frames import LEARNERS, PEOPLE, UCIS

DETAILS = ("name", "born", "sex", "uln", "upn")
"""Columns of the personal details."""


def led(table: sa.Table, *more: sa.ColumnElement[Any], only: Sequence[str] = ()) -> sa.Select[Any]:
    """The rows of a table with the UCI in force in place of the one they came with: all columns, or `only` some,
    and `more`."""
    u = learner_ucis.alias().c
    columns = [
        func.coalesce(u.in_force, column).label("uci") if column.name == "uci" else column
        for column in (table.c[name] for name in only or table.c.keys())
    ]
    alias = u.uci.table
    return select(*columns, *more).select_from(table.outerjoin(alias, (u.uci == table.c.uci) & u.until.is_(None)))


def in_force(uci: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """The UCI in force of the learner to whom a UCI leads: of a few rows; `led` is for many."""
    led_to = learner_ucis.alias()
    u = led_to.c
    leads = select(u.in_force).where(u.uci == uci, u.until.is_(None)).correlate_except(led_to).scalar_subquery()
    return func.coalesce(leads, uci)


def every_uci(uci: sa.ColumnElement[str]) -> sa.ColumnElement[Any]:
    """All UCIs that lead to the learner whose UCI in force is `uci`, as an array: what an index can look up."""
    leading = learner_ucis.alias()
    u = leading.c
    ucis = select(u.uci).where(u.in_force == uci, u.until.is_(None)).correlate_except(leading)
    others = func.array(ucis.scalar_subquery())
    return func.array_append(others, uci)


def each_of(values: Sequence[str], name: str) -> sa.TableValuedAlias:
    """Values as a table with one column."""
    return func.unnest(sa.cast(list(values), sa.ARRAY(sa.Text))).table_valued(name).render_derived()


def learners_at(centres: Sequence[str]) -> sa.Select[Any]:
    """The UCIs in force of everybody registered or entered at these centres."""
    r, e = registrations.c, entries.c
    both = sa.union(
        select(r.uci).where(r.centre.in_(centres), r.ended_by.is_(None)),
        select(e.uci).where(e.centre.in_(centres), e.ended_by.is_(None)),
    ).subquery()
    return select(in_force(both.c.uci).label("uci")).distinct()


def details_in_force() -> sa.Select[Any]:
    """The details in force, under the UCI in force."""
    return led(learner_versions).where(learner_versions.c.until.is_(None))


class LearnerBook:
    """Access to learners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ucis(self, ucis: Sequence[str]) -> pl.DataFrame:
        """Where those of these UCIs lead that were corrected or merged (`rules.frames.UCIS`)."""
        u = learner_ucis.c
        with self._engine.connect() as connection:
            if not connection.execute(select(select(u.id).where(u.until.is_(None)).exists())).scalar():
                return pl.DataFrame(schema=UCIS)
        wanted = each_of(ucis, "uci")
        query = select(u.uci, u.in_force).join(wanted, wanted.c.uci == u.uci).where(u.until.is_(None))
        return sql.look_up(self._engine, query, UCIS)

    def led(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows that name learners by `uci`, with the UCIs in force."""
        ucis = self.ucis(rows["uci"].unique().to_list())
        return rows.with_columns(pl.col("uci").replace(dict(ucis.select("uci", "in_force").iter_rows())))

    def of_ulns(self, ulns: Sequence[str]) -> pl.DataFrame:
        """The UCI in force of everybody with one of these ULNs, at any centre (`rules.frames.LEARNERS`)."""
        t, wanted = learner_versions.c, each_of(ulns, "uln")
        # The index leaves out those without a ULN. So must the question, or it could not use the index.
        held = sql.each(select(t.uln, t.uci, t.centre).where(t.uln == wanted.c.uln, t.uln != "", t.until.is_(None)))
        query = select(held.c.uln, in_force(held.c.uci).label("uci"), held.c.centre).distinct()
        return sql.look_up(self._engine, query.select_from(wanted.join(held, sa.true())), LEARNERS)

    def people(self, ucis: Sequence[str]) -> pl.DataFrame:
        """The details in force of the learners with these UCIs in force, at any centre (`rules.frames.PEOPLE`)."""
        t, wanted = learner_versions.c, each_of(ucis, "uci")
        held = sql.each(
            select(t.centre, *(t[name] for name in DETAILS)).where(
                t.uci == sa.any_(every_uci(wanted.c.uci)), t.until.is_(None)
            )
        )
        query = select(wanted.c.uci, held).select_from(wanted.join(held, sa.true()))
        return sql.look_up(self._engine, query, PEOPLE)

    def at(self, centres: Sequence[str]) -> pl.DataFrame:
        """The details in force of the learners of these centres (`rules.frames.PEOPLE`)."""
        t = learner_versions.c
        query = led(learner_versions, only=("uci", "centre", *DETAILS)).where(t.centre.in_(centres), t.until.is_(None))
        return sql.look_up(self._engine, query, PEOPLE)

    def taking(self, ucis: Sequence[str]) -> frozenset[str]:
        """Which of these UCIs in force have an entry for a component in force."""
        t, wanted = entries.c, each_of(ucis, "uci")
        held = (
            select(t.id)
            .where(t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None), t.kind != terms.CASH_IN)
            .exists()
        )
        return frozenset(sql.look_up(self._engine, select(wanted.c.uci).where(held), {"uci": pl.String})["uci"])


def change(connection: Connection, ended: pl.DataFrame, versions: pl.DataFrame, ucis: pl.DataFrame) -> None:
    """Ends versions, adds others, and corrects UCIs, in the caller's transaction. `ended`: `centre`, `uci`, `until`;
    `versions` and `ucis` have columns of their tables."""
    t, u = learner_versions.c, learner_ucis.c
    if not ended.is_empty():
        learner = sa.any_(every_uci(sa.bindparam("of_uci", type_=sa.Text)))
        query = learner_versions.update().where(
            t.centre == sa.bindparam("of_centre"), t.until.is_(None), t.uci == learner
        )
        rows = ended.rename({"centre": "of_centre", "uci": "of_uci", "until": "ends"}).to_dicts()
        connection.execute(query.values(until=sa.bindparam("ends")), rows)
    sql.copy(connection, learner_versions, versions)
    for row in ucis.iter_rows(named=True):
        # What led to the UCI that is corrected leads on, so that every look-up is one step.
        before = select(u.uci).where(u.in_force == row["uci"], u.until.is_(None))
        led_here = list(connection.execute(before).scalars())
        if led_here:
            ends = learner_ucis.update().where(u.uci.in_(led_here), u.until.is_(None))
            connection.execute(ends.values(until=row["since"]))
        connection.execute(learner_ucis.insert(), [{**row, "uci": uci} for uci in (*led_here, row["uci"])])
