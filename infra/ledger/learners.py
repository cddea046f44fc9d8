"""Learners in the ledger: their personal details with versions (REG-6), and which UCIs lead to one learner (REG-8).

Whatever comes in is filed under the UCI it came with and is never rewritten. `learner_ucis` says to which UCI in force
a corrected or merged UCI leads, so a merge can be undone exactly. Frames that leave the ledger have the UCI in force.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, get_args

import polars as pl
import sqlalchemy as sa
from attrs import asdict
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from infra.ledger import sql
from infra.ledger.tables import (
    actions,
    awardings,
    awards,
    choices,
    cohorts,
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


def at_centre(table: sa.Table, centre: str) -> sa.ColumnElement[bool]:
    """Registrations or entries of a centre, in force or ended: each half has its index."""
    t = table.c
    return sa.or_((t.centre == centre) & t.ended_by.is_(None), (t.centre == centre) & t.ended_by.is_not(None))


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
_UNDER_WAY = (terms.FEEDBACK, terms.PROPOSED)
"""States of a cohort between the moderator's first comparison and a decision."""


def _cohort_of(entry: Any, states: Sequence[str]) -> sa.Select[Any]:
    """The cohort of an entry (columns), where it is in one of these states."""
    c = cohorts.c
    return select(c.id).where(
        c.centre == entry.centre, c.series == entry.series, c.component == entry.option, c.state.in_(states)
    )


def _with_file(table: sa.Table) -> sa.Select[Any]:
    """All columns, and the name of the file that each row came in; null for what was ordered."""
    s = submissions.c
    return select(table, s.file_name).outerjoin(submissions, s.id == table.c.submission_id)


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
        query = query.select_from(wanted.join(held, sa.true()))
        # The first that differs is told: which one that is must not depend on where PostgreSQL keeps its rows.
        query = query.order_by(held.c.uln, sa.text("uci"), held.c.centre)
        return sql.look_up(self._engine, query, LEARNERS, len(ulns))

    def people(self, ucis: Sequence[str]) -> pl.DataFrame:
        """The details in force of the learners with these UCIs in force, at any centre (`rules.frames.PEOPLE`)."""
        t, wanted = learner_versions.c, each_of(ucis, "uci")
        held = sql.each(
            select(t.centre, *(t[name] for name in DETAILS)).where(
                t.uci == sa.any_(every_uci(wanted.c.uci)), t.until.is_(None)
            )
        )
        query = select(wanted.c.uci, held).select_from(wanted.join(held, sa.true()))
        return sql.look_up(self._engine, query, PEOPLE, len(ucis))

    def at(self, centres: Sequence[str]) -> pl.DataFrame:
        """The details in force of the learners of these centres (`rules.frames.PEOPLE`)."""
        t = learner_versions.c
        query = led(learner_versions, only=("uci", "centre", *DETAILS)).where(t.centre.in_(centres), t.until.is_(None))
        # A learner whose UCIs were merged can have two versions at a centre: the newer one counts.
        query = query.order_by(t.since.desc(), t.id.desc())
        return sql.look_up(self._engine, query, PEOPLE, len(centres) * sql.A_CENTRE)

    def life(self, uci: str) -> dict[str, pl.DataFrame]:
        """Everything filed under any UCI of the learner whose UCI in force is `uci`, by table: `details` (every
        version) and `ucis` (every correction), both with the `file_name` of their source, `registrations`, `entries`,
        `marks`, `results`, `awards`. Frames hold personal data."""
        of = every_uci(sa.literal(uci))
        v, u = learner_versions.c, learner_ucis.c
        about_ucis = sa.or_(u.in_force == uci, u.uci == sa.any_(of), u.in_force == sa.any_(of))
        held = {
            "details": _with_file(learner_versions).where(v.uci == sa.any_(of)).order_by(v.since, v.id),
            "ucis": _with_file(learner_ucis).where(about_ucis).order_by(u.since, u.id),
        }
        for table in (registrations, entries):
            t = table.c
            query = select(table).where(t.uci == sa.any_(of), t.ended_by.is_(None))
            held[table.name] = query.order_by(t.series, t.centre, t.option)
        m, r, a, w = marks.c, results.c, awards.c, awardings.c
        held["marks"] = select(marks).where(m.uci == sa.any_(of)).order_by(m.series, m.component, m.version)
        first = {"results": sa.literal(None, sa.Boolean), "awards": a.performance}
        for table, code in ((results, r.component), (awards, a.cash_in)):
            t = table.c
            of_table = (t.centre, t.uci, code.label("code"), t.grade, first[table.name].label("performance"))
            query = select(w.series, *of_table, w.version, w.state)
            query = query.join(awardings, w.id == t.awarding_id).where(t.uci == sa.any_(of))
            held[table.name] = query.order_by(w.series, code, w.version)
        return {name: sql.frame(self._engine, query) for name, query in held.items()}

    def moving(self, uci: str, centre: str) -> pl.DataFrame:
        """What a learner holds at a centre in series without results that hold: `table`, `id`, `series`, `candidate`,
        `option`. It moves with the learner to another centre, but for what is held there already. What `in_moderation`
        lists is left out."""
        settled = select(awardings.c.series).where(awardings.c.state.in_(terms.ISSUED_STATES))
        e = entries.c
        parts = []
        for table in (registrations, entries):
            t = table.c
            query = select(sa.literal(table.name).label("table"), t.id, t.series, t.candidate, t.option).where(
                t.uci == sa.any_(every_uci(sa.literal(uci))), t.centre == centre, t.ended_by.is_(None)
            )
            between = _cohort_of(e, _UNDER_WAY).exists()
            parts.append(query.where(t.series.not_in(settled), ~between) if table is entries else query)
        both = sa.union_all(*parts).subquery()
        query = select(both).order_by(both.c.table, both.c.series, both.c.option)
        return sql.frame(self._engine, query, MOVING)

    def in_moderation(self, uci: str, centre: str) -> pl.DataFrame:
        """MOD-2: entries of a learner at a centre whose marks the moderator has found wanting, and about which nobody
        has decided yet: `series`, `option`. They stay with their cohort until then."""
        e = entries.c
        query = select(e.series, e.option).where(
            e.uci == sa.any_(every_uci(sa.literal(uci))), e.centre == centre, e.ended_by.is_(None),
            _cohort_of(e, _UNDER_WAY).exists(),
        )  # fmt: skip
        return sql.frame(self._engine, query.order_by(e.series, e.option), {"series": pl.String, "option": pl.String})

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
        row = {"uci": uci, "in_force": to, "centre": done.centre, "since": done.at, **_by(done)}
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
                by = {"since": done.at, **_by(done)}
                connection.execute(learner_versions.insert(), [row | new | by for row in rows])
                connection.execute(actions.insert(), [asdict(done)])
        return len(rows)

    def unlead(self, uci: str, done: Action) -> None:
        """Undoes what made a UCI lead to another, and records the order, in one transaction. What led to it before, and
        was led on with it, leads to it again. What was decided meanwhile about results that are withheld was decided
        about both (RES-8). Where a UCI was corrected, so that whatever came under the other is the same learner's, the
        other leads to it from then on: a learner is not parted from what came under the UCI in force."""
        u = learner_ucis.c
        with self._engine.begin() as connection:
            held = select(learner_ucis).where(u.uci == uci, u.until.is_(None)).with_for_update()
            row = connection.execute(held).mappings().one()
            head, since = row["in_force"], row["since"]
            decided = _decided_since(connection, head, since)
            came_with = _only_theirs(connection, uci, head, since)
            before = select(u.uci).where(u.in_force == uci, u.until == since)
            with_it = list(connection.execute(before).scalars())
            ends = learner_ucis.update().where(u.uci.in_([uci, *with_it]), u.in_force == head)
            connection.execute(ends.where(u.until.is_(None)).values(until=done.at))
            again = {"in_force": uci, "centre": done.centre, "since": done.at, **_by(done)}
            if came_with:
                with_it.append(head)
            if with_it:
                connection.execute(learner_ucis.insert(), [again | {"uci": other} for other in with_it])
            _own_details(connection, [uci, *with_it], head, done)
            said = [asdict(done)]
            if not came_with:
                nobodys = _about_nobody(connection, head, decided)
                said += [*(each | {"uci": uci} for each in decided), *(each | _end_of(each, done) for each in nobodys)]
            connection.execute(actions.insert(), said)

    def holding_corrected(self, files: Sequence[int]) -> list[str]:
        """REG-8: the centres where learners are registered or entered whose UCI these files (ids of submissions) have
        corrected."""
        u = learner_ucis.c
        head = (
            select(u.in_force.label("uci")).where(u.submission_id.in_(files), u.until.is_(None)).distinct().subquery()
        )
        at = [
            sql.each(
                select(table.c.centre).where(table.c.uci == sa.any_(every_uci(head.c.uci)), table.c.ended_by.is_(None))
            )
            for table in (registrations, entries)
        ]
        parts = [select(held.c.centre).select_from(head.join(held, sa.true())) for held in at]
        query = sa.union(*parts).subquery()
        with self._engine.connect() as connection:
            return list(connection.execute(select(query.c.centre).order_by(query.c.centre)).scalars())

    def transferable(self, uci: str, centre: str, to: str) -> pl.DataFrame:
        """What moves with the learner from one centre to another (`MOVING`): without what is held there already, and of
        what is held twice, under two numbers of a learner who was merged, the first."""
        key = ["table", "series", "option"]
        moving = self.moving(uci, centre).unique(key, keep="first", maintain_order=True)
        return moving.join(self.moving(uci, to), on=key, how="anti", maintain_order="left")

    def transfer(self, uci: str, centre: str, to: str, numbers: Mapping[str, str], done: Sequence[Action]) -> None:
        """Moves what `transferable` lists to another centre under a candidate number for each series (`numbers`), with
        every version of its marks and the details in force, and records the order, in one transaction."""
        rows, at = self.transferable(uci, centre, to), done[0].at
        with self._engine.begin() as connection:
            for table in (registrations, entries):
                its = rows.filter(table=table.name)
                for series, ids in its.group_by("series", maintain_order=True).agg("id").iter_rows():
                    moved = table.update().where(table.c.id.in_(ids), table.c.centre == centre)
                    connection.execute(moved.values(centre=to, candidate=numbers[series]))
            entered = rows.filter(table=entries.name)
            self._copy_marks(connection, uci, (centre, to), numbers, entered)
            ucis = sa.any_(every_uci(sa.literal(uci)))
            if rows.filter(table=registrations.name).height:
                _move_details(connection, ucis, centre, to, done[0])
            connection.execute(actions.insert(), [asdict(action) for action in done])
        log.info("a learner was transferred from centre %s to %s at %s: %d rows", centre, to, at, rows.height)

    def _copy_marks(
        self, connection: Connection, uci: str, way: tuple[str, str], numbers: Mapping[str, str], entered: pl.DataFrame
    ) -> None:
        """Adds to the marks of the new centre those that the old one has of the entries that move."""
        m, (centre, to) = marks.c, way
        names = [column.name for column in marks.c if column.name not in ("id", "centre", "candidate")]
        ucis = sa.any_(every_uci(sa.literal(uci)))
        for series, option in entered.select("series", "option").unique().sort("series", "option").iter_rows():
            held = select(sa.literal(to), sa.literal(numbers[series]), *(m[name] for name in names)).where(
                m.centre == centre, m.series == series, m.component == option, m.uci == ucis
            )
            new = insert(marks).from_select(["centre", "candidate", *names], held).on_conflict_do_nothing()
            connection.execute(new)
            self._moderated(connection, (series, option), way, numbers[series], ucis)

    def _moderated(
        self, connection: Connection, of: tuple[str, str], way: tuple[str, str], candidate: str, ucis: Any
    ) -> None:
        """MOD-2: a mark that stands after moderation at the old centre is not moderated again with the new one's: it
        gets a version that says so."""
        m, c, (series, option), (centre, to) = marks.c, cohorts.c, of, way
        agreed = select(c.compared_at).where(
            c.centre == centre, c.series == series, c.component == option, c.state == terms.AGREED
        )
        at = connection.execute(agreed).scalar()
        mine = (m.centre == to, m.series == series, m.component == option, m.uci == ucis)
        newest = connection.execute(select(marks).where(*mine).order_by(m.version.desc()).limit(1)).mappings().first()
        if at is None or newest is None or newest["mark"] is None or newest["stage"] == terms.ADJUSTED:
            return
        row = {name: value for name, value in newest.items() if name != "id"}
        said = {
            "version": row["version"] + 1,
            "stage": terms.ADJUSTED,
            "source": "moderation",
            "line": 0,
            "received": at,
        }
        connection.execute(insert(marks), [row | said | {"candidate": candidate}])

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
        """Entries and claims in force of the learners with these UCIs in force: `rules.frames.HOLDINGS` and
        `candidate`."""
        t, wanted = entries.c, each_of(ucis, "uci")
        held = sql.each(
            select(t.centre, t.candidate, t.series, t.option).where(
                t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None)
            )
        )
        query = select(held.c.centre, held.c.series, wanted.c.uci, held.c.option, held.c.candidate)
        held_by = query.select_from(wanted.join(held, sa.true()))
        return sql.look_up(self._engine, held_by, {**HOLDINGS, "candidate": pl.String}, len(ucis))

    def registered(self, ucis: Sequence[str]) -> pl.DataFrame:
        """Registrations in force of the learners with these UCIs in force, at any centre (`rules.frames.HOLDINGS`)."""
        t, wanted = registrations.c, each_of(ucis, "uci")
        held = sql.each(
            select(t.centre, t.series, t.option).where(t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None))
        )
        query = select(held.c.centre, held.c.series, wanted.c.uci, held.c.option)
        query = query.select_from(wanted.join(held, sa.true()))
        return sql.look_up(self._engine, query, HOLDINGS, len(ucis))

    def held_twice(self) -> pl.DataFrame:
        """ENT-7, REG-8: options that a learner whose UCIs were corrected or merged holds twice in a series without
        results that hold, a row for each entry or claim but the first: `since` (of the merge), `centre`, `candidate`,
        `uci`, `series`, `option`, and of the first `other`, its centre, and `number`, the candidate number there."""
        t = entries.c
        head = _each_once(_merged())
        settled = select(awardings.c.series).where(awardings.c.state.in_(terms.ISSUED_STATES))
        held = sql.each(
            select(t.centre, t.candidate, t.series, t.option, (t.uci != head.uci).label("led"), t.id).where(
                t.uci == sa.any_(every_uci(head.uci)), t.ended_by.is_(None), t.series.not_in(settled)
            )
        )
        query = select(head.since, head.uci, *held.c).select_from(head.uci.table.join(held, sa.true()))
        kinds = dict.fromkeys(("uci", "centre", "candidate", "series", "option"), pl.String)
        rows = sql.frame(self._engine, query, {"since": INSTANT, **kinds, "led": pl.Boolean, "id": pl.Int64})
        per = ["uci", "series", "option"]
        first = pl.struct("led", "id").rank("ordinal").over(per)
        of_first = {"other": "centre", "number": "candidate"}
        rows = rows.with_columns(
            first.alias("place"),
            *(pl.col(name).sort_by("led", "id").first().over(per).alias(alias) for alias, name in of_first.items()),
        )
        return rows.filter(pl.col("place") > 1).sort("since", *per).drop("led", "id", "place")

    def left_behind(self) -> pl.DataFrame:
        """MOD-2, REG-8: entries that a learner's moves to other centres left with their cohorts, and which can follow
        by now because moderation is decided: `since` (of the move), `centre`, `candidate`, `uci`, `series`, `option`,
        and `other`, the centre moved to last, and `number`, the candidate number there."""
        a, e, s, there = actions.c, entries.c, submissions.c, entries.alias().c
        moved = led(actions, a.id, only=("at", "uci", "event", "number")).where(a.action == terms.LEARNER_TRANSFERRED)
        each = moved.subquery().c
        centre, other = (func.split_part(each.event, " to ", place).label(name)
                         for place, name in ((1, "centre"), (2, "other")))  # fmt: skip
        last = (
            select(each.uci, each.number, other)
            .ext(distinct_on(each.uci)).order_by(each.uci, each.at.desc(), each.id.desc()).subquery().c
        )  # fmt: skip
        move = (
            select(each.uci, func.max(each.at).label("at"), centre, last.other, last.number)
            .join(last.uci.table, last.uci == each.uci)
            .where(centre != last.other)
            .group_by(each.uci, centre, last.other, last.number).subquery().c
        )  # fmt: skip
        settled = select(awardings.c.series).where(awardings.c.state.in_(terms.ISSUED_STATES))
        mine = sa.any_(every_uci(move.uci))
        twice = select(there.id).correlate_except(there.id.table).where(
            there.uci == mine, there.centre == move.other, there.series == e.series, there.option == e.option,
            there.ended_by.is_(None),
        )  # fmt: skip
        held = sql.each(
            select(e.candidate, e.series, e.option)
            .join(submissions, s.id == e.submission_id)
            .where(
                e.uci == mine, e.centre == move.centre, e.ended_by.is_(None), e.series.not_in(settled),
                s.received < move.at, ~_cohort_of(e, _UNDER_WAY).exists(), ~twice.exists(),
            )
        )  # fmt: skip
        number = func.lpad(sa.cast(move.number, sa.Text), 4, "0").label("number")
        query = select(
            move.at.label("since"), move.centre, held.c.candidate, move.uci, held.c.series, held.c.option,
            move.other, number,
        ).select_from(move.uci.table.join(held, sa.true()))  # fmt: skip
        kinds = dict.fromkeys(("centre", "candidate", "uci", "series", "option", "other", "number"), pl.String)
        return sql.frame(self._engine, query, {"since": INSTANT, **kinds}).sort("since", "uci", "series", "option")

    def first_twice(self) -> pl.DataFrame:
        """CRT-4, REG-8: awards that were each issued as a learner's first of a qualification, before the UCIs were
        merged or because the earlier was answered last, a row for each but the first: `since` (of the merge, or the
        answer), `centre`, `candidate`, `uci`, `series`, `option` (the cash-in code), and of the first `other`, its
        centre, `number`, the candidate number there, and `earlier`, its series. What has been corrected since is left
        out."""
        # What a version of everybody says is the first, no later series has said before.
        head = _each_once(sa.union_all(_merged(), _answered_late(awards.c.performance)))
        order, per = ["series", "claimed_at", "claim_id"], ["uci", "option"]
        of_first = {"other": "centre", "number": "candidate", "earlier": "series"}
        held = self._awards_of(head).filter("first").sort(*order)
        held = held.with_columns(
            pl.int_range(pl.len()).over(per).alias("place"),
            *(pl.col(name).first().over(per).alias(alias) for alias, name in of_first.items()),
        )
        return held.filter(pl.col("place") > 0).select("since", *_OF_AWARD, *of_first)

    def first_nobody(self) -> pl.DataFrame:
        """CRT-4, RES-8, REG-8: the earliest award of learners who have one and none that is the first, because that was
        withheld and then voided after the later one was out, or turned out to be another person's: `since` (of the
        answer, or the split), `centre`, `candidate`, `uci`, `series`, `option` (the cash-in code). Where an award waits
        nothing is known yet."""
        lost = _answered_late(awards.c.outcome == terms.NOT_ELIGIBLE)
        head = _each_once(sa.union_all(lost, _parted()))
        per = ["uci", "option"]
        open_ = (pl.col("first") | (pl.col("outcome") == terms.PENDING)).any().over(per)
        held = self._awards_of(head).filter(~open_).filter(pl.col("outcome") == terms.AWARDED)
        first = held.sort("series", "claimed_at", "claim_id").unique(per, keep="first", maintain_order=True)
        return first.select("since", *_OF_AWARD)

    def others_sittings(self) -> pl.DataFrame:
        """REG-8: awards that rest on a sitting which is another person's since UCIs were split: `since` (of the split),
        `centre`, `candidate`, `uci`, `series`, `option` (the cash-in code)."""
        head = _each_once(_parted())
        held = self._awards_of(head).filter(pl.col("outcome") == terms.AWARDED)
        if held.is_empty():
            return held.select("since", *_OF_AWARD)
        c, r, w = choices.c, results.c, awardings.c
        of = sa.tuple_(c.awarding_id, c.centre).in_(held.select("awarding_id", "centre").unique().rows())
        key = ("uci", "series", "component", "ums")
        chosen = led(choices, only=("awarding_id", "centre", "registration", *key)).where(of, c.counts)
        own = sql.each(
            select(w.series, r.component, r.ums, r.centre, r.candidate, w.version)
            .join(awardings, w.id == r.awarding_id)
            .where(r.uci == sa.any_(every_uci(head.uci)), w.state.in_(terms.ISSUED_STATES), r.outcome != terms.PENDING)
        )
        kinds = {**dict.fromkeys(key, pl.String), "ums": pl.Int32}
        more = {"awarding_id": pl.Int64, "centre": pl.String, "registration": pl.String}
        number = {"centre": pl.String, "candidate": pl.String, "version": pl.Int32}
        mine = select(head.uci, *own.c).select_from(head.uci.table.join(own, sa.true()))
        # What was voided while the UCIs led to one is no sitting any more.
        holding = sql.frame(self._engine, mine, {**number, **kinds}).sort("version")
        holding = holding.unique(["uci", "series", "component", "centre", "candidate"], keep="last")
        anothers = sql.frame(self._engine, chosen, {**more, **kinds}).join(holding, on=key, how="anti")
        rows = held.join(anothers, on=["awarding_id", "centre", "uci", "registration"], how="semi")
        return rows.sort("since", "uci", "series").select("since", *_OF_AWARD)

    def better_since(self) -> pl.DataFrame:
        """CRT-2, AWD-4, RES-8: awards that were made while another sitting of a component had no mark to show, which is
        out since and better than the one that counts: `since` (of that answer), `centre`, `candidate`, `uci`, `series`,
        `option` (the cash-in code)."""
        r, w, c = results.c, awardings.c, choices.c
        came = led(results, w.at.label("came"), w.series.label("sat"), only=("uci", "component", "ums"))
        came = came.join(awardings, w.id == r.awarding_id).where(
            w.kind == terms.LATE_CLAIMS, w.state == terms.RELEASED, r.outcome == terms.GRADED
        )
        sitting = {"uci": pl.String, "component": pl.String, "sat": pl.String, "ums": pl.Int32, "came": INSTANT}
        late, of = sql.frame(self._engine, came, sitting), came.subquery().c
        head = _each_once(select(of.uci, of.came.label("since")))
        held = self._awards_of(head).filter(pl.col("outcome") == terms.AWARDED)
        # What comes late is nearly always what the award itself has waited for: few were made before it came.
        before = held.join(late, on="uci").filter(pl.col("sat") <= pl.col("series"), pl.col("at") < pl.col("came"))
        if before.is_empty():
            return before.select("since", *_OF_AWARD)
        where = sa.tuple_(c.awarding_id, c.centre).in_(before.select("awarding_id", "centre").unique().rows())
        names = ("awarding_id", "centre", "uci", "registration", "component", "series", "ums", "counts", "why")
        kinds = dict.fromkeys(names, pl.String) | {"awarding_id": pl.Int64, "ums": pl.Int32, "counts": pl.Boolean}
        chosen = sql.frame(self._engine, led(choices, only=names).where(where), kinds)
        key = ["awarding_id", "centre", "uci", "registration", "component"]
        counts = pl.col("ums").alias("counted"), pl.col("series").alias("counted_in")
        counting = before.join(chosen.filter("counts").select(*key, *counts), on=key)
        waited = chosen.filter(pl.col("why") == "NO_MARK").select(*key, pl.col("series").alias("sat"))
        # Of two sittings in one series, as a learner who was merged can have, only one was considered (REG-8).
        came_late = [
            counting.join(waited, on=[*key, "sat"], how="semi"),
            counting.filter(pl.col("sat") == pl.col("counted_in")),
        ]
        better = pl.concat(came_late).filter(pl.col("ums") > pl.col("counted"))
        return better.select("since", *_OF_AWARD).unique(maintain_order=True)

    def _awards_of(self, head: Any) -> pl.DataFrame:
        """What each claim of learners (`head`: columns `uci`, in force, and `since`) has been answered with last:
        `since`, `_OF_AWARD`, `claim_id`, `claimed_at`, `awarding_id` and `at` when, `registration`, `outcome`, and
        `first`, whether it is the learner's first award (CRT-4)."""
        t, w = awards.c, awardings.c
        issued = sql.each(
            select(t.centre, t.candidate, w.series, t.cash_in.label("option"), t.claim_id, t.claimed_at, w.version,
                   w.at, t.awarding_id, t.registration, t.outcome,
                   (t.performance & (t.outcome == terms.AWARDED)).label("first"))
            .join(awardings, w.id == t.awarding_id)
            .where(t.uci == sa.any_(every_uci(head.uci)), w.state == terms.RELEASED)
        )  # fmt: skip
        query = select(head.since, head.uci, *issued.c).select_from(head.uci.table.join(issued, sa.true()))
        rows = sql.frame(
            self._engine, query,
            {"since": INSTANT, **dict.fromkeys(_OF_AWARD, pl.String), "claim_id": pl.Int64, "claimed_at": INSTANT,
             "version": pl.Int32, "at": INSTANT, "awarding_id": pl.Int64, "registration": pl.String,
             "outcome": pl.String, "first": pl.Boolean},
        )  # fmt: skip
        return rows.sort("version").unique("claim_id", keep="last")

    def issued_twice(self) -> pl.DataFrame:
        """REG-8, CRT-2: component results of one series that were issued differently under two UCIs before these were
        merged, a row for each but the first: `since` (of the merge), `centre`, `candidate`, `uci`, `series`, `option`,
        and of the first `other`, its centre, and `number`, the candidate number there. Pending and voided ones are left
        out."""
        t, w = results.c, awardings.c
        head = _each_once(_merged())
        issued = sql.each(
            select(t.centre, t.candidate, w.series, t.component.label("option"), t.outcome, t.grade, t.ums, w.version)
            .join(awardings, w.id == t.awarding_id)
            .where(t.uci == sa.any_(every_uci(head.uci)), w.state == terms.RELEASED)
        )
        query = select(head.since, head.uci, *issued.c).select_from(head.uci.table.join(issued, sa.true()))
        who = ("uci", "centre", "candidate", "series", "option")
        kinds = dict.fromkeys((*who, "outcome", "grade"), pl.String)
        rows = sql.frame(self._engine, query, {"since": INSTANT, **kinds, "ums": pl.Int32, "version": pl.Int32})
        per, said = ["uci", "series", "option"], ["outcome", "grade", "ums"]
        of_first = {"other": "centre", "number": "candidate"}
        held = rows.sort("version").unique(who, keep="last").sort(*per, "centre", "candidate")
        held = held.filter(~pl.col("outcome").is_in([terms.PENDING, terms.VOIDED]))
        held = held.with_columns(
            pl.int_range(pl.len()).over(per).alias("place"),
            (pl.struct(said).n_unique().over(per) > 1).alias("differ"),
            *(pl.col(name).first().over(per).alias(alias) for alias, name in of_first.items()),
        )
        return held.filter("differ", pl.col("place") > 0).select("since", *who, "other", "number")

    def taking(self, ucis: Sequence[str]) -> frozenset[str]:
        """Which of these UCIs in force have an entry for a component in force."""
        t, wanted = entries.c, each_of(ucis, "uci")
        held = (
            select(t.id)
            .where(t.uci == sa.any_(every_uci(wanted.c.uci)), t.ended_by.is_(None), t.kind != terms.CASH_IN)
            .exists()
        )
        query = select(wanted.c.uci).where(held)
        return frozenset(sql.look_up(self._engine, query, {"uci": pl.String}, len(ucis))["uci"])


_OF_AWARD = ("uci", "centre", "candidate", "series", "option")
"""Whose award it is, and of what."""


def _each_once(rows: sql.Question) -> Any:
    """The learners of rows (`uci`, in force, and `since`), each once, with the last `since`: columns of a subquery."""
    each = rows.subquery().c
    return select(each.uci, func.max(each.since).label("since")).group_by(each.uci).subquery().c


def _merged() -> sa.Select[Any]:
    """REG-8: the learners (`uci`, in force) to whom other UCIs lead, and `since` when."""
    u = learner_ucis.c
    return select(u.in_force.label("uci"), u.since).where(u.until.is_(None))


def _answered_late(which: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """The learners (`uci`, in force) with such an award that no version of everybody has, and `since` when it was
    made."""
    t, w = awards.c, awardings.c
    late = led(awards, w.at.label("since"), only=("uci",)).join(awardings, w.id == t.awarding_id)
    return late.where(w.kind != terms.WHOLE_SERIES, w.state == terms.RELEASED, which)


def _parted() -> sa.Select[Any]:
    """REG-8: the learners (`uci`, in force) who were led together once and no longer are, and `since` when."""
    u = learner_ucis.c
    ended = sa.union_all(
        *(select(uci.label("uci"), u.until.label("since")).where(u.until.is_not(None)) for uci in (u.uci, u.in_force))
    ).subquery()
    return select(in_force(ended.c.uci).label("uci"), ended.c.since)


def _by(done: Action) -> dict[str, str]:
    """Who ordered it, how the desk knows them, and why."""
    return {"who": done.who, "how": done.how, "why": done.why}


def _decided_since(connection: Connection, head: str, since: datetime) -> list[dict[str, Any]]:
    """RES-8: what was decided since then about results of a learner that are withheld (rows of `actions`), in order."""
    a = actions.c
    words = (terms.WITHHELD, *get_args(terms.HoldWord))
    query = select(*(column for column in a if column.name != "id")).where(
        a.action.in_(words), a.uci == sa.any_(every_uci(sa.literal(head))), a.at >= since
    )
    return [dict(row) for row in connection.execute(query.order_by(a.id)).mappings()]


def _only_theirs(connection: Connection, uci: str, head: str, since: datetime) -> bool:
    """REG-8: whether entries, marks or registrations came under `head` itself, and all of them since `uci` leads there,
    for the learner who is registered under `uci`, by centre and candidate number; and no other UCI leads there."""
    u, s, m, r = learner_ucis.c, submissions.c, marks.c, registrations.c
    leading = select(u.id).where(u.in_force == head, u.uci != uci, u.until.is_(None))
    with_it = select(u.uci).where(u.in_force == uci, u.until == since)
    if connection.execute(leading.where(u.uci.not_in(with_it)).limit(1)).first():
        return False
    held = [
        select(t.centre, t.candidate, s.received).join(submissions, s.id == t.submission_id).where(t.uci == head)
        for t in (registrations.c, entries.c)
    ]
    rows = connection.execute(sa.union_all(*held)).all()
    marked = list(connection.execute(select(m.received).where(m.uci == head)).scalars())
    own = {tuple(row) for row in connection.execute(select(r.centre, r.candidate).where(r.uci == uci))}
    came = [*marked, *(row.received for row in rows)]
    return bool(came) and min(came) >= since and own.issuperset((row.centre, row.candidate) for row in rows)


def _about_nobody(connection: Connection, head: str, decided: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """RES-8, REG-8: the last word about each result, of what was decided, where nothing of that series came under
    `head` itself, as where a UCI was corrected: it was about the learner who is parted from it, and nobody else."""
    e = entries.c
    query = select(e.series).distinct().where(e.uci == sa.any_(every_uci(sa.literal(head))))
    there = set(connection.execute(query).scalars())
    last = {(each["series"], each["option"]): each for each in decided if each["series"] not in there}
    return [each | {"uci": head} for each in last.values() if each["action"] in _ENDS]


_ENDS = {terms.WITHHELD: terms.HOLD_RELEASED, terms.HOLD_VOIDED: terms.HOLD_GIVEN_BACK}
"""RES-8: with which word what was decided about nobody ends."""


def _end_of(decided: dict[str, Any], done: Action) -> dict[str, Any]:
    """That what was `decided` ends with an order, as it is about nobody."""
    return {"action": _ENDS[decided["action"]], "at": done.at, "who": done.who, "how": done.how, "why": done.why}


def _own_details(connection: Connection, ucis: Sequence[str], head: str, done: Action) -> None:
    """REG-6, REG-8: who no longer leads to `head` has details in force wherever they are registered, although another
    version came while they did: the ones they had, or those of `head` where nobody else is registered under it."""
    r, v = registrations.c, learner_versions.c
    held = select(v.centre).where(v.uci.in_(ucis), v.until.is_(None))
    without = select(r.centre).where(r.uci.in_(ucis), r.ended_by.is_(None), r.centre.not_in(held)).distinct()
    newest = select(learner_versions).order_by(v.since.desc(), v.id.desc()).limit(1)
    for centre in list(connection.execute(without.order_by(r.centre)).scalars()):
        others = (r.centre == centre, r.uci == sa.any_(every_uci(sa.literal(head))), r.ended_by.is_(None))
        shared = connection.execute(select(select(r.id).where(*others).exists())).scalar()
        of_head = newest.where(v.centre == centre, v.uci == head, v.until.is_(None))
        theirs = None if shared else connection.execute(of_head).mappings().first()
        if theirs:
            connection.execute(learner_versions.update().where(v.id == theirs["id"]).values(until=done.at))
        own = newest.where(v.centre == centre, v.uci.in_(ucis))
        if last := theirs or connection.execute(own).mappings().first():
            details = {name: last[name] for name in DETAILS}
            new = {"uci": ucis[0], "centre": centre, "since": done.at, **details, **_by(done)}
            connection.execute(learner_versions.insert(), [new])


def _move_details(connection: Connection, ucis: Any, centre: str, to: str, done: Action) -> None:
    """The details in force at the old centre are those of the new one, unless it has its own."""
    v = learner_versions.c
    there = connection.execute(
        select(v.id).where(v.centre == to, v.uci == ucis, v.until.is_(None)).limit(1)
    ).first()  # fmt: skip
    at_centre = (v.centre == centre, v.uci == ucis, v.until.is_(None))
    if there is None:
        names = ("uci", *DETAILS)
        by = _by(done)
        said = [sa.literal(to), sa.literal(done.at, sa.DateTime(timezone=True)), *map(sa.literal, by.values())]
        held = select(*(v[name] for name in names), *said).where(*at_centre)
        new = learner_versions.insert().from_select([*names, "centre", "since", *by], held)
        connection.execute(new)
    connection.execute(learner_versions.update().where(*at_centre).values(until=done.at))


def change(connection: Connection, ended: pl.DataFrame, versions: pl.DataFrame, ucis: pl.DataFrame) -> None:
    """Ends versions, adds others, and corrects UCIs, in the caller's transaction. `ended`: `centre`, `uci`, `until`;
    `versions` and `ucis` have columns of their tables."""
    t, u = learner_versions.c, learner_ucis.c
    if not ended.is_empty():
        kinds: sql.Kinds = {"centre": sa.Text(), "uci": sa.Text(), "until": sa.DateTime(timezone=True)}
        given = sql.listed(ended, kinds).c
        query = learner_versions.update().where(
            t.centre == given.centre, t.until.is_(None), t.uci == sa.any_(every_uci(given.uci))
        )
        connection.execute(query.values(until=given.until))
    sql.copy(connection, learner_versions, versions)
    for row in ucis.iter_rows(named=True):
        # What led to the UCI that is corrected leads on, so that every look-up is one step.
        before = select(u.uci).where(u.in_force == row["uci"], u.until.is_(None))
        led_here = list(connection.execute(before).scalars())
        if led_here:
            ends = learner_ucis.update().where(u.uci.in_(led_here), u.until.is_(None))
            connection.execute(ends.values(until=row["since"]))
        connection.execute(learner_ucis.insert(), [{**row, "uci": uci} for uci in (*led_here, row["uci"])])
