"""Learners in the ledger: their personal details with versions (REG-6), and which UCIs lead to one learner (REG-8).

Whatever comes in is filed under the UCI it came with and is never rewritten. `learner_ucis` says to which UCI in force
a corrected or merged UCI leads, so a merge can be undone exactly. Frames that leave the ledger have the UCI in force.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl
import sqlalchemy as sa
from attrs import asdict
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger import sql
from infra.ledger.tables import (
    actions,
    awardings,
    awards,
    entries,
    findings,
    learner_ucis,
    learner_versions,
    marks,
    registrations,
    results,
    submissions,
)
from rules import terms
from rules.frames import HOLDINGS, INSTANT, LEARNERS, PEOPLE, UCIS, Frame

if TYPE_CHECKING:
    from infra.ledger.actions import Action

log = logging.getLogger(__name__)

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


MOVING: Frame = {
    "table": pl.String,
    "id": pl.Int64,
    "series": pl.String,
    "candidate": pl.String,
    "option": pl.String,
}
_NOTHING = pl.DataFrame()


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
        # A learner whose UCIs were merged can have two versions at a centre: the newer one counts.
        query = query.order_by(t.since.desc(), t.id.desc())
        return sql.look_up(self._engine, query, PEOPLE)

    def life(self, uci: str) -> dict[str, pl.DataFrame]:
        """Everything filed under any UCI of the learner whose UCI in force is `uci`, by table: `details` (every
        version), `ucis` (every correction), `registrations`, `entries`, `marks`, `results`, `awards`. Frames hold
        personal data."""
        of = every_uci(sa.literal(uci))
        v, u = learner_versions.c, learner_ucis.c
        about_ucis = sa.or_(u.in_force == uci, u.uci == sa.any_(of), u.in_force == sa.any_(of))
        held = {
            "details": select(learner_versions).where(v.uci == sa.any_(of)).order_by(v.since, v.id),
            "ucis": select(learner_ucis).where(about_ucis).order_by(u.since, u.id),
        }
        for table in (registrations, entries):
            t = table.c
            query = select(table).where(t.uci == sa.any_(of), t.ended_by.is_(None))
            held[table.name] = query.order_by(t.series, t.centre, t.option)
        m, r, a, w = marks.c, results.c, awards.c, awardings.c
        held["marks"] = select(marks).where(m.uci == sa.any_(of)).order_by(m.series, m.component, m.version)
        for table, code in ((results, r.component), (awards, a.cash_in)):
            t = table.c
            query = select(w.series, t.centre, t.uci, code.label("code"), t.grade, w.version, w.state)
            query = query.join(awardings, w.id == t.awarding_id).where(t.uci == sa.any_(of))
            held[table.name] = query.order_by(w.series, code, w.version)
        return {name: sql.frame(self._engine, query) for name, query in held.items()}

    def moving(self, uci: str, centre: str) -> pl.DataFrame:
        """What a learner holds at a centre in series without results that hold: `table`, `id`, `series`, `candidate`,
        `option`. It moves with the learner to another centre, but for what is held there already."""
        settled = select(awardings.c.series).where(awardings.c.state.in_(terms.ISSUED_STATES))
        parts = []
        for table in (registrations, entries):
            t = table.c
            query = select(sa.literal(table.name).label("table"), t.id, t.series, t.candidate, t.option).where(
                t.uci == sa.any_(every_uci(sa.literal(uci))), t.centre == centre, t.ended_by.is_(None)
            )
            parts.append(query.where(t.series.not_in(settled)) if table is entries else query)
        both = sa.union_all(*parts).subquery()
        query = select(both).order_by(both.c.table, both.c.series, both.c.option)
        return sql.frame(self._engine, query, MOVING)

    def numbered(self, centre: str, candidate: str) -> pl.DataFrame:
        """Who has a candidate number at a centre, by series: `series`, `uci` (in force)."""
        parts = [
            led(table, only=("series", "uci")).where(
                table.c.centre == centre, table.c.candidate == candidate, table.c.ended_by.is_(None)
            )
            for table in (registrations, entries)
        ]
        return sql.frame(self._engine, sa.union(*parts), {"series": pl.String, "uci": pl.String})

    def lead(self, uci: str, to: str, done: Action) -> None:
        """Makes a UCI lead to another, and records the order, in one transaction."""
        row = {"uci": uci, "in_force": to, "centre": done.centre, "since": done.at, "who": done.who, "why": done.why}
        with self._engine.begin() as connection:
            change(connection, _NOTHING, _NOTHING, pl.DataFrame([row]))
            connection.execute(actions.insert(), [asdict(done)])

    def correct_details(self, uci: str, name: str | None, born: date | None, done: Action) -> int:
        """Gives the learner another name or date of birth (None: as it is) at every centre that has their details in
        force, as versions of their own, and records the order, in one transaction. Returns at how many centres."""
        v, said = learner_versions.c, {"name": name, "born": born}
        new = {what: value for what, value in said.items() if value is not None}
        with self._engine.begin() as connection:
            theirs = (v.uci == sa.any_(every_uci(sa.literal(uci))), v.until.is_(None))
            other = sa.or_(*(v[what].is_distinct_from(value) for what, value in new.items()))
            held = select(v.id, v.centre, v.uci, *(v[what] for what in DETAILS)).where(*theirs, other)
            rows = [dict(row) for row in connection.execute(held.order_by(v.id).with_for_update()).mappings()]
            if rows:
                ids = [row.pop("id") for row in rows]
                connection.execute(learner_versions.update().where(v.id.in_(ids)).values(until=done.at))
                by = {"since": done.at, "who": done.who, "why": done.why}
                connection.execute(learner_versions.insert(), [row | new | by for row in rows])
                connection.execute(actions.insert(), [asdict(done)])
        return len(rows)

    def unlead(self, uci: str, done: Action) -> None:
        """Undoes what made a UCI lead to another, and records the order, in one transaction. What led to it before, and
        was led on with it, leads to it again."""
        u = learner_ucis.c
        with self._engine.begin() as connection:
            held = select(learner_ucis).where(u.uci == uci, u.until.is_(None)).with_for_update()
            row = connection.execute(held).mappings().one()
            before = select(u.uci).where(u.in_force == uci, u.until == row["since"])
            with_it = list(connection.execute(before).scalars())
            ends = learner_ucis.update().where(u.uci.in_([uci, *with_it]), u.in_force == row["in_force"])
            connection.execute(ends.where(u.until.is_(None)).values(until=done.at))
            again = {"in_force": uci, "centre": done.centre, "since": done.at, "who": done.who, "why": done.why}
            if with_it:
                connection.execute(learner_ucis.insert(), [again | {"uci": other} for other in with_it])
            connection.execute(actions.insert(), [asdict(done)])

    def transferable(self, uci: str, centre: str, to: str) -> pl.DataFrame:
        """What moves with the learner from one centre to another (`MOVING`): without what is held there already, and of
        what is held twice, under two numbers of a learner who was merged, the first."""
        key = ["table", "series", "option"]
        moving = self.moving(uci, centre).unique(key, keep="first", maintain_order=True)
        return moving.join(self.moving(uci, to), on=key, how="anti", maintain_order="left")

    def transfer(self, uci: str, centre: str, to: str, candidate: str, done: Sequence[Action]) -> None:
        """Moves what `transferable` lists to another centre under a candidate number, with every version of its marks
        and the details in force, and records the order, in one transaction."""
        rows, at = self.transferable(uci, centre, to), done[0].at
        with self._engine.begin() as connection:
            for table in (registrations, entries):
                ids = rows.filter(table=table.name)["id"].to_list()
                moved = table.update().where(table.c.id.in_(ids), table.c.centre == centre)
                connection.execute(moved.values(centre=to, candidate=candidate))
            entered = rows.filter(table=entries.name)
            self._copy_marks(connection, uci, (centre, to), candidate, entered)
            ucis = sa.any_(every_uci(sa.literal(uci)))
            if rows.filter(table=registrations.name).height:
                _move_details(connection, ucis, centre, to, done[0])
            connection.execute(actions.insert(), [asdict(action) for action in done])
        log.info("a learner was transferred from centre %s to %s at %s: %d rows", centre, to, at, rows.height)

    def _copy_marks(
        self, connection: Connection, uci: str, way: tuple[str, str], candidate: str, entered: pl.DataFrame
    ) -> None:
        """Adds to the marks of the new centre those that the old one has of the entries that move."""
        m, (centre, to) = marks.c, way
        names = [column.name for column in marks.c if column.name not in ("id", "centre", "candidate")]
        ucis = sa.any_(every_uci(sa.literal(uci)))
        for series, option in entered.select("series", "option").unique().sort("series", "option").iter_rows():
            held = select(sa.literal(to), sa.literal(candidate), *(m[name] for name in names)).where(
                m.centre == centre, m.series == series, m.component == option, m.uci == ucis
            )
            new = insert(marks).from_select(["centre", "candidate", *names], held).on_conflict_do_nothing()
            connection.execute(new)

    def doubts(self, codes: Sequence[str]) -> pl.DataFrame:
        """Findings of these codes on files, with the UCI in force that the candidate number has at the centre, the
        oldest first: `submission_id`, `ordinal`, `received`, `centre`, `key` and `awarding_body` of the series,
        `candidate`, `uci`, `option`, `code`."""
        d, s, r = findings.c, submissions.c, registrations.c
        number = (
            select(in_force(r.uci))
            .where(r.centre == s.centre, r.candidate == d.candidate, r.ended_by.is_(None))
            .order_by(r.id.desc())
            .limit(1)
            .correlate(submissions, findings)
            .scalar_subquery()
        )
        query = (
            select(
                d.submission_id, d.ordinal, s.received, s.centre, s.series.label("key"), s.awarding_body, d.candidate,
                func.coalesce(number, "").label("uci"), func.coalesce(d.option, "").label("option"), d.code,
            )
            .join(submissions, s.id == d.submission_id)
            .where(d.code.in_(codes))
            .order_by(s.received, d.submission_id, d.ordinal)
        )  # fmt: skip
        text = dict.fromkeys(("centre", "key", "awarding_body", "candidate", "uci", "option", "code"), pl.String)
        return sql.frame(
            self._engine, query, {"submission_id": pl.Int64, "ordinal": pl.Int64, "received": INSTANT, **text}
        )

    def entered(self, ucis: Sequence[str]) -> pl.DataFrame:
        """Entries and claims in force of the learners with these UCIs in force (`rules.frames.HOLDINGS`)."""
        t, wanted = entries.c, each_of(ucis, "uci")
        held = sql.each(
            select(t.centre, t.series, t.option).where(t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None))
        )
        query = select(held.c.centre, held.c.series, wanted.c.uci, held.c.option)
        return sql.look_up(self._engine, query.select_from(wanted.join(held, sa.true())), HOLDINGS)

    def taking(self, ucis: Sequence[str]) -> frozenset[str]:
        """Which of these UCIs in force have an entry for a component in force."""
        t, wanted = entries.c, each_of(ucis, "uci")
        held = (
            select(t.id)
            .where(t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None), t.kind != terms.CASH_IN)
            .exists()
        )
        return frozenset(sql.look_up(self._engine, select(wanted.c.uci).where(held), {"uci": pl.String})["uci"])


def _move_details(connection: Connection, ucis: Any, centre: str, to: str, done: Action) -> None:
    """The details in force at the old centre are those of the new one, unless it has its own."""
    v = learner_versions.c
    there = connection.execute(
        select(v.id).where(v.centre == to, v.uci == ucis, v.until.is_(None)).limit(1)
    ).first()  # fmt: skip
    at_centre = (v.centre == centre, v.uci == ucis, v.until.is_(None))
    if there is None:
        names = ("uci", *DETAILS)
        said = [sa.literal(to), sa.literal(done.at, sa.DateTime(timezone=True)), *map(sa.literal, (done.who, done.why))]
        held = select(*(v[name] for name in names), *said).where(*at_centre)
        new = learner_versions.insert().from_select([*names, "centre", "since", "who", "why"], held)
        connection.execute(new)
    connection.execute(learner_versions.update().where(*at_centre).values(until=done.at))


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
