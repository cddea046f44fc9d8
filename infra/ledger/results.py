"""Results in the ledger: conversion tables, awardings of a series, and the files that publish them.

An awarding is a numbered version of a series' results. It is frozen when it is recorded, and never changed: a later
version replaces it. `proposed` -> `built` (its files wait under embargo) -> `approved` -> `released`; `withdrawn` ends
it before that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import asdict, frozen
from sqlalchemy import Connection, Engine, RowMapping, Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from infra.ledger import sql
from infra.ledger.actions import Action
from infra.ledger.corrections import Case, State, add_approval, add_certificates, reason_of
from infra.ledger.frozen import canonical, freeze
from infra.ledger.learners import every_uci, led
from infra.ledger.marks import add as add_marks
from infra.ledger.marks import newest_marks
from infra.ledger.tables import (
    actions,
    awardings,
    awards,
    choices,
    conversions,
    correction_effects,
    entries,
    kept_back,
    learner_ucis,
    learner_versions,
    looks,
    marks,
    published_files,
    release_files,
    results,
    submissions,
)
from rules import terms
from rules.frames import (
    AS_ISSUED,
    CLAIMS,
    EARLIER,
    ENTERED,
    FINAL_OR_HELD,
    HELD,
    INSTANT,
    ISSUED,
    LATER,
    MARKS,
    Frame,
)


@frozen(kw_only=True)
class ConversionRow:
    """One conversion table of a component and series. `ums` and `grades` by raw mark, from 0; times are aware."""

    series: str
    component: str
    raw_max: int
    ums_max: int
    boundaries: Mapping[str, int]
    ums: Sequence[int]
    grades: Sequence[str]
    sha256: str
    placeholder: bool
    source: str
    id: int | None = None
    version: int = 0
    approved_by: str | None = None
    approved_at: datetime | None = None


@frozen(kw_only=True)
class Awarding:
    """One version of a series' results. Times are aware."""

    id: int
    series: str
    version: int
    kind: str
    at: datetime
    conversions_sha256: str
    sha256: str
    counts: Mapping[str, Any]
    state: str
    manifest_sha256: str | None
    decided_by: str | None
    decided_at: datetime | None
    why: str


@frozen(kw_only=True)
class ReleaseFile:
    """One file of an awarding: `place` is the key it is published under, `embargoed` the key it waits under."""

    awarding_id: int
    place: str
    embargoed: str
    audience: str
    centre: str
    awarding_body: str
    series: str
    sequence: int | None
    sha256: str
    size: int
    records: int
    published_at: datetime | None = None


PORTAL_TO_CENTRES = f"portal/{terms.CENTRES}/"
"""Where the portal's feeds for centres lie: a result is issued when that of its centre is out."""

REGISTER: Frame = {
    "series": pl.String,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "code": pl.String,
    "ums": pl.Int32,
    "grade": pl.String,
    "outcome": pl.String,
    "version": pl.Int32,
    "kind": pl.String,
    "issued_at": INSTANT,
    "superseded_by": pl.Int32,
}
"""What was issued: `code` of the component or the claim; `version` of the series' results that it came with, and the
version that took its place, null while it holds."""

_LATER = ("id", "version", "approved_by", "approved_at")
"""What a conversion table has only once it is on the books."""


class ResultBook:
    """Access to conversion tables, awardings and released files."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Conversion tables -------------------------------------------------------------------------------------------

    def propose(self, rows: Sequence[ConversionRow], who: str, at: datetime) -> int:
        """Records conversion tables (AWD-1), each as the next version of its component and series; a table that
        equals the newest version is not recorded again. Returns how many were recorded."""
        recorded = 0
        with self._engine.begin() as connection:
            for table in rows:
                c = conversions.c
                same = (c.series == table.series) & (c.component == table.component)
                newest = connection.execute(
                    select(c.version, c.sha256).where(same).order_by(c.version.desc()).limit(1).with_for_update()
                ).one_or_none()
                if newest and newest.sha256 == table.sha256:
                    continue
                values = asdict(table, filter=lambda column, _: column.name not in _LATER)
                version = newest.version + 1 if newest else 1
                connection.execute(
                    conversions.insert().values(**values, version=version, proposed_by=who, proposed_at=at)
                )
                recorded += 1
        return recorded

    def approve_conversions(
        self,
        series: str,
        who: str,
        at: datetime,
        action: Action | None = None,
        shown: Sequence[int | None] | None = None,
    ) -> int:
        """Approves the newest version of every component's table of a series, or of those with these numbers only;
        returns how many had not been approved yet. If any, the action of the member of staff is recorded in the same
        transaction."""
        c = conversions.c
        newest = (
            select(c.id).ext(distinct_on(c.component)).where(c.series == series).order_by(c.component, c.version.desc())
        )
        query = conversions.update().where(c.id.in_(newest), c.approved_at.is_(None))
        if shown is not None:
            query = query.where(c.id.in_(shown))
        with self._engine.begin() as connection:
            approved = connection.execute(query.values(approved_by=who, approved_at=at)).rowcount
            if approved and action:
                connection.execute(actions.insert().values(asdict(action)))
        return approved

    def conversions(
        self,
        series: str | None = None,
        *,
        approved: bool = True,
        before: datetime | None = None,
        superseded: bool = False,
    ) -> list[ConversionRow]:
        """The newest conversion table of each component, of `series` or of all series; with `approved`, of those that
        a person has approved; `before`: before an instant (aware); with `superseded`, also those in whose place another
        is."""
        c = conversions.c
        query = select(conversions)
        if not superseded:
            query = query.ext(distinct_on(c.series, c.component))
        if series:
            query = query.where(c.series == series)
        if approved:
            query = query.where(c.approved_at.is_not(None))
        if before:
            query = query.where(c.approved_at < before)
        names = set(ConversionRow.__annotations__)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(c.series, c.component, c.version.desc())).mappings()
            return [ConversionRow(**{name: row[name] for name in names}) for row in rows]

    # --- What is awarded ---------------------------------------------------------------------------------------------

    def entered(self, series: str) -> pl.DataFrame:
        """Entries for components in force up to `series` of the learners with an entry or a claim in it, at any centre
        (`rules.frames.ENTERED`)."""
        e = entries.c
        every = led(entries).where(e.ended_by.is_(None), e.kind != terms.CASH_IN, e.series <= series).subquery()
        query = select(*(every.c[name] for name in ENTERED)).where(every.c.uci.in_(_learners_of(series)))
        return sql.table(self._engine, query, ENTERED)

    def marks(self, series: str) -> pl.DataFrame:
        """The final mark of those learners' components up to `series` (`rules.frames.MARKS`)."""
        newest = newest_marks().where(marks.c.series <= series).subquery()
        query = select(*(newest.c[name] for name in MARKS)).where(newest.c.uci.in_(_learners_of(series)))
        return sql.table(self._engine, query, MARKS)

    def claims(self, series: str) -> pl.DataFrame:
        """Claims for certification in force in a series (`rules.frames.CLAIMS`)."""
        t, s = entries.c, submissions.c
        query = (
            led(entries, s.received, s.channel, only=("id", "centre", "candidate", "uci", "option"))
            .join(submissions, s.id == t.submission_id)
            .where(t.series == series, t.kind == terms.CASH_IN, t.ended_by.is_(None))
        )
        return sql.table(self._engine, query, CLAIMS)

    def held(self, series: str) -> pl.DataFrame:
        """Entries and claims in force in a series, and when each was received (`rules.frames.HELD`)."""
        t, s = entries.c, submissions.c
        query = (
            led(entries, s.received, only=("id", "centre", "candidate", "uci", "option", "kind"))
            .join(submissions, s.id == t.submission_id)
            .where(t.series == series, t.ended_by.is_(None))
        )
        return sql.table(self._engine, query, HELD)

    def uci_of(self, series: str, centre: str, candidate: str) -> str | None:
        """Who is or was entered in a series under a candidate number of a centre: the UCI in force."""
        e = entries.c
        query = led(entries, e.id, only=("uci",)).where(
            e.series == series, e.centre == centre, e.candidate == candidate
        )
        newest = query.subquery().c
        with self._engine.connect() as connection:
            found: str | None = connection.execute(select(newest.uci).order_by(newest.id.desc()).limit(1)).scalar()
        return found

    def own_numbers(self, series: str) -> pl.DataFrame:
        """REG-8: the candidate number that each learner whose UCIs were corrected or merged keeps at a centre in a
        series: that of the UCI in force, or else the lowest (`centre`, `uci`, `candidate`)."""
        e, u = entries.c, learner_ucis.c
        heads = select(u.in_force).where(u.until.is_(None)).distinct()
        every = led(entries, e.uci.label("filed"), only=("centre", "uci", "candidate")).where(e.series == series)
        of = every.subquery().c
        query = select(of.centre, of.uci, of.candidate, (of.filed == of.uci).label("own")).where(of.uci.in_(heads))
        kinds = {"centre": pl.String, "uci": pl.String, "candidate": pl.String, "own": pl.Boolean}
        rows = sql.frame(self._engine, query.distinct(), kinds)
        kept = rows.sort("own", "candidate", descending=[True, False]).unique(["centre", "uci"], keep="first")
        return kept.drop("own")

    def candidates(self, series: str, ucis: Sequence[str]) -> pl.DataFrame:
        """The candidate numbers that learners had in a series, the newest last: `series`, `uci`, `candidate`."""
        of = led(entries, only=("id", "series", "uci", "candidate")).subquery().c
        query = select(of.series, of.uci, of.candidate).where(of.series == series, of.uci.in_(ucis)).order_by(of.id)
        return sql.table(self._engine, query)

    def earlier(self, series: str) -> pl.DataFrame:
        """Awards that hold in series before this one (`rules.frames.EARLIER`): what was voided since is none (CRT-4),
        what is withheld is what it was before (RES-8)."""
        a, w, awarded = awards.c, awardings.c, awards.c.outcome == terms.AWARDED
        # What a version of everybody refuses has never been awarded before.
        after = sa.and_(a.outcome != terms.PENDING, w.kind != terms.WHOLE_SERIES)
        learner = ("centre", "candidate", "uci", "registration")
        query = (
            led(awards, w.series, a.awarding_id, awarded.label("awarded"), only=learner)
            .join(awardings, w.id == a.awarding_id)
            .where(w.state.in_(terms.ISSUED_STATES), w.series < series, sa.or_(awarded, after))
        )
        rows = self._not_kept_back(sql.table(self._engine, query)).sort("awarding_id")
        newest = rows.unique(["series", *learner], keep="last", maintain_order=True)
        return (
            newest.filter("awarded")
            .select(pl.col(name).cast(kind) for name, kind in EARLIER.items())
            .unique(maintain_order=True)
        )

    def later(self, series: str, *, unclaimed: bool = False) -> pl.DataFrame:
        """External components entered in later series by those who claim in this one (`rules.frames.LATER`);
        `unclaimed`: by everybody who is entered in this one."""
        e, m = entries.c, marks.c
        theirs = (e.series == series, e.ended_by.is_(None), *(() if unclaimed else (e.kind == terms.CASH_IN,)))
        claiming = led(entries, only=("uci",)).where(*theirs)
        newest = newest_marks().where(m.series > series).subquery()
        given = led(marks).where(m.series > series, m.mark.is_not(None)).subquery().c
        first = (
            select(given.centre, given.series, given.uci, given.component, func.min(given.received).label("at"))
            .group_by(given.centre, given.series, given.uci, given.component)
            .subquery()
        )
        taken = led(entries).where(e.series > series, e.kind == terms.EXTERNAL, e.ended_by.is_(None))
        t = taken.subquery().c
        of = [
            (mark.c.centre == t.centre) & (mark.c.series == t.series) & (mark.c.uci == t.uci)
            & (mark.c.component == t.option)
            for mark in (newest, first)
        ]  # fmt: skip
        absent = func.coalesce(newest.c.status == "A", sa.false()).label("absent")
        query = (
            select(t.uci, t.option, t.series, absent, first.c.at)
            .outerjoin(newest, of[0])
            .outerjoin(first, of[1])
            .where(t.uci.in_(claiming))
        )
        return sql.table(self._engine, query, LATER)

    def as_issued(self, series: str, *, before: bool = True) -> pl.DataFrame:
        """AWD-6: the component results of the learners of a series as they were issued last, in the series before it,
        or also in itself (`rules.frames.AS_ISSUED`). One that is withheld is as it was before (RES-8), unless a
        correction has moved its boundaries since: then it is not among them, and judged like everybody's (RES-7)."""
        r, w = led(results).subquery().c, awardings.c
        query = (
            select(*(r[name] for name in AS_ISSUED if name != "series"), w.series, w.version, w.at, r.awarding_id)
            .join(awardings, w.id == r.awarding_id)
            .where(
                w.series < series if before else w.series <= series,
                w.state.in_(terms.ISSUED_STATES),
                r.uci.in_(_learners_of(series)),
            )
        )
        key = ["centre", "series", "candidate", "uci", "component"]
        rows = self._not_kept_back(sql.table(self._engine, query)).sort("series", "version")
        withheld = pl.col("status") == terms.WITHHELD_STATUS
        shown = rows.filter(~withheld).unique(key, keep="last", maintain_order=True)
        hidden = rows.unique(key, keep="last").filter(withheld).select(key)
        moved = self._moved_since(shown.join(hidden, on=key, how="semi")) if hidden.height else hidden
        newest = shown.join(moved, on=key, how="anti", maintain_order="left")
        return newest.select(pl.col(name).cast(kind) for name, kind in AS_ISSUED.items())

    def _moved_since(self, rows: pl.DataFrame) -> pl.DataFrame:
        """RES-7: of issued results (`AS_ISSUED` with `at`), those of whose component other boundaries are in force
        since then: `centre`, `series`, `candidate`, `uci`, `component`. Where those who would have gone down were left
        higher, so is who would go down now."""
        c, e = conversions.c, correction_effects.c
        tables = select(c.series, c.component, c.approved_at, c.ums).ext(distinct_on(c.series, c.component))
        tables = tables.where(c.approved_at.is_not(None), c.version > 1).order_by(
            c.series, c.component, c.version.desc()
        )
        left = select(e.series, e.code.label("component")).where(e.choice == terms.LEFT_HIGHER).distinct()
        of, key = ["series", "component"], ["centre", "series", "candidate", "uci", "component"]
        with self._engine.connect() as connection:
            newest = [tuple(row) for row in connection.execute(tables)]
        in_force = pl.DataFrame(
            newest,
            schema={**dict.fromkeys(of, pl.String), "since": INSTANT, "ums_by_raw": pl.List(pl.Int32)},
            orient="row",
        )
        moved = rows.join(in_force, on=of).filter(pl.col("at") < pl.col("since"))
        now = pl.col("ums_by_raw").list.get(pl.col("raw"), null_on_oob=True)
        lower = moved.filter(now < pl.col("ums").fill_null(0))
        spared = lower.join(sql.frame(self._engine, left, dict.fromkeys(of, pl.String)), on=of, how="semi")
        return moved.join(spared, on=key, how="anti").select(key)

    def kept_back(self, series: str) -> pl.DataFrame:
        """AWD-5: the centres whose results of a version were not issued with it: `awarding_id`, `version`, `centre`,
        `at`, `learners`, by version and centre."""
        k, w = kept_back.c, awardings.c
        query = (
            select(k.awarding_id, w.version, k.centre, k.at, k.learners)
            .join(awardings, w.id == k.awarding_id)
            .where(w.series == series)
        )
        return sql.table(self._engine, query.order_by(w.version, k.centre))

    def keep_back(self, awarding: Awarding, learners: Mapping[str, int], at: datetime) -> None:
        """Records the centres that a release passes over, with how many learners of each differ; once."""
        rows = [
            {"awarding_id": awarding.id, "centre": centre, "at": at, "learners": count}
            for centre, count in sorted(learners.items())
        ]
        with self._engine.begin() as connection:
            if rows:
                connection.execute(insert(kept_back).on_conflict_do_nothing(), rows)

    def look(self, awarding: Awarding, learners: Mapping[str, int], at: datetime) -> bool:
        """Records what a comparison of ledger and version found; not again what the last one found. Whether it was
        something new."""
        t = looks.c
        with self._engine.begin() as connection:
            last = connection.execute(
                select(t.centres).where(t.awarding_id == awarding.id).order_by(t.id.desc()).limit(1)
            ).scalar()
            new = (last or {}) != dict(learners)
            if new:
                connection.execute(insert(looks).values(awarding_id=awarding.id, at=at, centres=dict(learners)))
        return new

    def seen(self, awarding: Awarding) -> Mapping[str, int]:
        """What the last comparison found: learners of whom ledger and version differ, by centre."""
        t = looks.c
        query = select(t.centres).where(t.awarding_id == awarding.id).order_by(t.id.desc()).limit(1)
        with self._engine.connect() as connection:
            found: Mapping[str, int] | None = connection.execute(query).scalar()
        return found or {}

    def waiting_centres(self, series: str) -> pl.Series:
        """The centres of a series that were kept back and whose results no later version has issued yet."""
        f, w = release_files.c, awardings.c
        out = sql.table(
            self._engine,
            select(w.version, f.centre)
            .distinct()
            .join(awardings, w.id == f.awarding_id)
            .where(w.series == series, w.kind == terms.FOLLOW_UP, f.published_at.is_not(None)),
        )
        last = self.kept_back(series).group_by("centre").agg(pl.col("version").max())
        followed = last.join(out, on="centre", suffix="_out").filter(pl.col("version_out") > pl.col("version"))
        return last.join(followed, on="centre", how="anti")["centre"].sort()

    def due_files(self, awarding: Awarding) -> list[ReleaseFile]:
        """The files of an awarding without those of centres that were kept back, and without those for learners in
        whose place a correction has others (RES-7)."""
        k, f = kept_back.c, release_files.c
        with self._engine.connect() as connection:
            back = set(connection.execute(select(k.centre).where(k.awarding_id == awarding.id)).scalars())
            corrected = set(
                connection.execute(
                    select(f.centre)
                    .join(awardings, awardings.c.id == f.awarding_id)
                    .where(
                        awardings.c.series == awarding.series,
                        awardings.c.version > awarding.version,
                        awardings.c.kind == terms.CORRECTED_RESULTS,
                        f.audience == terms.LEARNERS,
                    )
                ).scalars()
            )
        return [
            file
            for file in self.files(awarding)
            if file.centre not in back
            and (file.published_at or file.audience != terms.LEARNERS or file.centre not in corrected)
        ]

    def has_out(self, awarding: Awarding) -> list[str]:
        """The centres that have the results of an awarding."""
        f = release_files.c
        query = select(f.centre).where(
            f.awarding_id == awarding.id, f.place.like(f"{PORTAL_TO_CENTRES}%"), f.published_at.is_not(None)
        )
        with self._engine.connect() as connection:
            return sorted(connection.execute(query).scalars())

    def awaited_by_learners(self, series: str) -> frozenset[str]:
        """The centres of a series that have results which their learners do not have yet: both are out at different
        instants (RES-2)."""
        return frozenset(
            file.centre
            for awarding in self.issued(series)
            if awarding.state == terms.APPROVED
            for file in self.due_files(awarding)
            if file.audience == terms.LEARNERS and not file.published_at
        )

    def _not_kept_back(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Without the rows (`awarding_id`, `centre`) of centres that were kept back."""
        k = kept_back.c
        back = sql.table(self._engine, select(k.awarding_id, k.centre))
        return rows.join(back, on=["awarding_id", "centre"], how="anti", maintain_order="left")

    def _out(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows (`awarding_id`, `centre`) that are out to their centres."""
        f = release_files.c
        query = select(f.awarding_id, f.centre, f.published_at.label("issued_at")).where(
            f.place.like(f"{PORTAL_TO_CENTRES}%"), f.published_at.is_not(None)
        )
        out = sql.table(self._engine, query)
        # A portal feed of earlier releases had every centre in it.
        whole = out.filter(pl.col("centre") == "").drop("centre").rename({"issued_at": "all_at"})
        return (
            rows.join(out, on=["awarding_id", "centre"], how="left", maintain_order="left")
            .join(whole, on="awarding_id", how="left", maintain_order="left")
            .with_columns(pl.coalesce("issued_at", "all_at").alias("issued_at"))
            .filter(pl.col("issued_at").is_not_null())
            .drop("all_at")
        )

    def register(self, uci: str) -> pl.DataFrame:
        """The register of issued results of one learner: a row for each time a component result or an award was issued
        (`REGISTER`), by series, code and version."""
        r, a, w = results.c, awards.c, awardings.c
        of = [w.series, w.version, w.kind]
        components = select(
            *of, r.awarding_id, r.centre, r.candidate, r.uci, r.component.label("code"), r.ums, r.grade, r.outcome
        ).join(awardings, w.id == r.awarding_id)
        claims = select(
            *of, a.awarding_id, a.centre, a.candidate, a.uci, a.cash_in.label("code"), a.ums, a.grade, a.outcome
        ).join(awardings, w.id == a.awarding_id)
        theirs = sa.any_(every_uci(sa.literal(uci)))
        both = [
            sql.table(self._engine, query.where(column == theirs, w.state.in_(terms.ISSUED_STATES)))
            for query, column in ((components, r.uci), (claims, a.uci))
        ]
        rows = self._out(pl.concat(both)).sort("series", "centre", "code", "version")
        following = pl.col("version").shift(-1).over("series", "centre", "candidate", "code")
        return rows.with_columns(following.alias("superseded_by")).select(
            pl.col(name).cast(kind) for name, kind in REGISTER.items()
        )

    def is_final(self, series: str) -> bool:
        """AWD-6: whether results of a series are approved or issued."""
        return bool(self.issued(series))

    def is_out(self, series: str) -> bool:
        """RES-7: whether anything of the results of a series is out."""
        f = release_files.c
        query = select(select(f.place).where(f.series == series, f.published_at.is_not(None)).exists())
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar())

    # --- Awardings ---------------------------------------------------------------------------------------------------

    def record(
        self,
        *,
        series: str,
        kind: str,
        at: datetime,
        conversions_sha256: str,
        sha256: str,
        counts: Mapping[str, Any],
        frames: Mapping[str, pl.DataFrame],
        state: str = terms.PROPOSED,
        who: str | None = None,
        why: str = "",
    ) -> Awarding:
        """Freezes the results of a series as its next version, in one transaction. `frames` by table: `results`,
        `awards`, `choices`, without the awarding's id. If the newest version of this kind has the same hash and was
        not withdrawn, it is returned and nothing is recorded."""
        with self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"awarding {series}"))))
            newest = self._newest(connection, series, [kind])
            if newest and newest.sha256 == sha256 and newest.state != terms.WITHDRAWN:
                return newest
            values = {
                "series": series,
                "kind": kind,
                "at": at,
                "conversions_sha256": conversions_sha256,
                "sha256": sha256,
                "counts": dict(counts),
                "state": state,
                "decided_by": who,
                "decided_at": at if who else None,
                "why": why,
            }
            return _recorded(connection, values, frames)

    def correct(
        self,
        case: Case,
        state: State,
        effects: pl.DataFrame,
        versions: Sequence[tuple[dict[str, Any], Mapping[str, pl.DataFrame]]],
        new_marks: pl.DataFrame,
        tables: Sequence[ConversionRow],
        certified: pl.DataFrame,
        done: Sequence[Action] = (),
    ) -> None:
        """RES-7: records in one transaction that a case is approved, and all that follows: its effects
        (`infra.ledger.corrections.EFFECTS`), the new versions of results (columns of the table of awardings, and
        frames as `record` has them), of marks (the columns of the table but the id), the conversion tables, the
        rows of the register of certificates, and what is withheld with it (`done`; RES-8)."""
        with self._engine.begin() as connection:
            add_approval(connection, case, state, effects)
            if done:
                connection.execute(actions.insert(), [asdict(action) for action in done])
            of_case = _as_filed(connection, case.series, new_marks, "component")
            add_marks(connection, of_case)
            m = marks.c
            query = led(marks, only=(*_MARK_OF, "id")).where(m.source == reason_of(case.number))
            ids = sql.rows(connection, query, {**dict.fromkeys(_MARK_OF, pl.String), "id": pl.Int64})
            for table in tables:
                _add_table(connection, table, state)
            for values, frames in versions:
                connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"awarding {values['series']}"))))
                of_series = ids.filter(pl.col("series") == values["series"]).drop("series")
                its = frames["results"].drop("mark_id").join(
                    of_series.rename({"id": "mark_id"}), on=["centre", "candidate", "uci", "component"], how="left",
                    maintain_order="left",
                )  # fmt: skip
                ordered = its.select(frames["results"].columns)
                _recorded(connection, values, {**frames, "results": ordered})
            add_certificates(connection, certified, state.at)

    def newest(self, series: str, kinds: Sequence[str] = terms.DECIDED_KINDS) -> Awarding | None:
        """The newest awarding of a series, of those that a person decides about."""
        with self._engine.connect() as connection:
            return self._newest(connection, series, kinds)

    def _newest(self, connection: Connection, series: str, kinds: Sequence[str]) -> Awarding | None:
        a = awardings.c
        query = select(awardings).where(a.series == series, a.kind.in_(kinds)).order_by(a.version.desc()).limit(1)
        row = connection.execute(query).mappings().one_or_none()
        return _awarding(row) if row else None

    def every(self, series: str) -> list[Awarding]:
        """Every awarding of a series, whatever its kind and state, the oldest first."""
        query = select(awardings).where(awardings.c.series == series).order_by(awardings.c.version)
        with self._engine.connect() as connection:
            return [_awarding(row) for row in connection.execute(query).mappings()]

    def in_state(self, state: str, kind: str = terms.WHOLE_SERIES) -> list[Awarding]:
        """The awardings of a kind that are in a state, by series and version."""
        a = awardings.c
        query = select(awardings).where(a.kind == kind, a.state == state).order_by(a.series, a.version)
        with self._engine.connect() as connection:
            return [_awarding(row) for row in connection.execute(query).mappings()]

    def of_version(self, series: str, version: int) -> Awarding | None:
        """One version of a series' results."""
        a = awardings.c
        query = select(awardings).where(a.series == series, a.version == version)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return _awarding(row) if row else None

    def issued(self, series: str) -> list[Awarding]:
        """The awardings of a series whose results hold, the oldest first."""
        a = awardings.c
        query = select(awardings).where(a.series == series, a.state.in_(terms.ISSUED_STATES)).order_by(a.version)
        with self._engine.connect() as connection:
            return [_awarding(row) for row in connection.execute(query).mappings()]

    def out_since(self, series: str) -> datetime | None:
        """When the last file of everybody's results of a series went out; None while they are not out to all."""
        a, p = awardings.c, published_files.c
        query = select(sa.func.max(p.at)).join(awardings, a.id == p.awarding_id)
        query = query.where(a.series == series, a.kind == terms.WHOLE_SERIES, a.state == terms.RELEASED)
        with self._engine.connect() as connection:
            out: datetime | None = connection.execute(query).scalar_one()
        return out

    def change(
        self,
        awarding: Awarding,
        state: str,
        *,
        manifest_sha256: str | None = None,
        who: str | None = None,
        at: datetime | None = None,
        why: str = "",
        action: Action | None = None,
    ) -> bool:
        """Takes an awarding from the state in which it was read to another, and records what a member of staff did with
        it. When somebody else changed it first nothing is recorded, and the answer is false."""
        a = awardings.c
        values: dict[str, Any] = {"state": state}
        if manifest_sha256:
            values["manifest_sha256"] = manifest_sha256
        if who:
            values |= {"decided_by": who, "decided_at": at, "why": why}
        query = awardings.update().where(a.id == awarding.id, a.state == awarding.state)
        with self._engine.begin() as connection:
            changed = connection.execute(query.values(values)).rowcount == 1
            if changed and action:
                connection.execute(actions.insert().values(asdict(action)))
        return changed

    def frames(
        self, awarding: Awarding, only: Sequence[str] = ("results", "awards", "choices"), *, filed: bool = False
    ) -> dict[str, pl.DataFrame]:
        """The rows of an awarding by table: `results`, `awards`, `choices`, or only some of these. `filed`: under the
        UCIs with which they were frozen, whatever these lead to by now."""
        return {
            table.name: sql.table(self._engine, _of(table, [awarding.id], filed=filed)).drop("awarding_id")
            for table in (results, awards, choices)
            if table.name in only
        }

    def current(
        self, series: str, *, released: bool = False, out: bool = False, centre: str = ""
    ) -> dict[str, pl.DataFrame]:
        """What holds for a series, from the newest issued awarding of everybody and those after it: `results` and
        `awards`, of each learner's component and claim the newest, with `awarding_id`, without those of centres that
        were kept back. What a learner who was merged was issued under two candidate numbers of a centre holds under
        both (REG-8). With `released`, without what still waits for its release, to centres or learners; with `out`,
        without what no centre has yet; of one centre, or of all."""
        issued = [awarding for awarding in self.issued(series) if awarding.state == terms.RELEASED or not released]
        whole = max((awarding.version for awarding in issued if awarding.kind == terms.WHOLE_SERIES), default=0)
        ids = [awarding.id for awarding in issued if awarding.version >= whole]
        who = ["centre", "candidate", "uci"]
        keys = {"results": [*who, "component"], "awards": [*who, "registration"]}
        frames = {
            table.name: sql.table(
                self._engine, _of(table, ids).where(table.c.centre == centre if centre else sa.true())
            )
            for table in (results, awards)
        }
        if out:
            frames = {name: self._out(frame).drop("issued_at") for name, frame in frames.items()}
        return {
            name: self._not_kept_back(frame)
            .sort("awarding_id", maintain_order=True)
            .unique(keys[name], keep="last", maintain_order=True)
            for name, frame in frames.items()
        }

    def rests_on(self, claims: Sequence[int]) -> pl.DataFrame:
        """CRT-4: the sittings that count for the newest award of these claims that is out: `claim_id`, `sittings` (in
        words that are the same for the same sittings)."""
        a, c, w = awards.c, choices.c, awardings.c
        kinds = {"claim_id": pl.Int64, "version": pl.Int32, "said": pl.String}
        if not claims:
            return pl.DataFrame(schema={"claim_id": pl.Int64, "sittings": pl.String})
        # As they are filed: under the UCIs of then, one learner's choices are not another's.
        same = [c[name] == a[name] for name in ("awarding_id", "centre", "uci", "registration")]
        query = (
            select(a.claim_id, w.version, func.concat_ws(" ", c.component, c.series, c.ums).label("said"))
            .select_from(awards.join(choices, sa.and_(*same)).join(awardings, w.id == a.awarding_id))
            .where(a.claim_id.in_(claims), c.counts, w.state == terms.RELEASED)
        )
        rows = sql.frame(self._engine, query, kinds)
        newest = rows.filter(pl.col("version") == pl.col("version").max().over("claim_id"))
        return newest.group_by("claim_id").agg(pl.col("said").sort().str.join(", ").alias("sittings"))

    def issued_claims(self, centres: Sequence[str]) -> pl.DataFrame:
        """Claims of these centres that have become results which are out (`rules.frames.ISSUED`). Until the release
        nothing is said of one (CRT-5, RES-2)."""
        a, w = awards.c, awardings.c
        query = (
            led(awards, w.series, a.cash_in.label("option"), a.awarding_id, only=("centre", "uci"))
            .join(awardings, w.id == a.awarding_id)
            .where(a.centre.in_(centres), a.outcome == terms.AWARDED, w.state.in_(terms.ISSUED_STATES))
        )
        rows = self._out(sql.table(self._engine, query))
        return rows.select(pl.col(name).cast(kind) for name, kind in ISSUED.items()).unique(maintain_order=True)

    def final(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """AWD-5, REG-9: the component results of these centres in these series that are approved or issued, but for the
        pending ones and those of centres that were kept back (`rules.frames.FINAL_OR_HELD`)."""
        w = awardings.c
        decided = func.coalesce(w.decided_at, w.at).label("decided")
        query = select(w.id, w.series, decided).where(w.series.in_(series), w.state.in_(terms.ISSUED_STATES))
        of = sql.frame(self._engine, query.order_by(w.id), {"id": pl.Int64, "series": pl.String, "decided": INSTANT})
        if of.is_empty():
            return pl.DataFrame(schema=FINAL_OR_HELD)
        r = results.c
        rows = sql.table(
            self._engine,
            led(results, r.component.label("option"), only=("awarding_id", "centre", "uci", "outcome", "status")).where(
                r.awarding_id.in_(of["id"].to_list()), r.centre.in_(centres)
            ),
        )
        key = ["centre", "series", "uci", "option"]
        every = self._not_kept_back(rows.join(of, left_on="awarding_id", right_on="id")).sort("awarding_id")
        settled, withheld = pl.col("outcome") != terms.PENDING, pl.col("status") == terms.WITHHELD_STATUS
        # What is withheld is final too: the answer to a mark must not say that it is (RES-2, RES-8).
        newest = every.unique(key, keep="last", maintain_order=True).filter(settled | withheld)
        waits = self._without_mark(newest.filter(withheld).join(every.filter(settled), on=key, how="anti"))
        out = self._out(newest).select(*key, pl.lit(value=True).alias("out"))
        found = newest.join(out, on=key, how="left").join(
            waits.select(*key, pl.lit(value=True).alias("waits")), on=key, how="left"
        )
        none = pl.col("out", "waits").fill_null(value=False)
        return found.with_columns(none).select(pl.col(name).cast(kind) for name, kind in FINAL_OR_HELD.items())

    def _without_mark(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Of results (`centre`, `series`, `uci`, `option`), those that had no mark when they were `decided`."""
        if rows.is_empty():
            return rows
        m, key = marks.c, ["centre", "series", "uci", "option"]
        of = {"centre": m.centre, "series": m.series, "option": m.component}
        names = ("centre", "series", "uci", "version", "mark", "status", "received")
        given = led(marks, m.component.label("option"), only=names).where(
            *(column.in_(rows[name].unique().to_list()) for name, column in of.items())
        )
        then = (
            rows.select(*key, "decided")
            .join(sql.table(self._engine, given), on=key)
            .filter(pl.col("received") < pl.col("decided"))
            .sort("version")
            .unique(key, keep="last", maintain_order=True)
            .filter(pl.col("mark").is_not_null() | (pl.col("status") == "A"))
        )
        return rows.join(then, on=key, how="anti")

    # --- Files -------------------------------------------------------------------------------------------------------

    def numbers(self, awarding_body: str) -> dict[str, int]:
        """The last sequence number of results files of an awarding-body identifier, by centre. Their names do not say
        the series, so the numbers go on from series to series."""
        f = release_files.c
        query = select(f.centre, func.max(f.sequence)).where(f.awarding_body == awarding_body, f.sequence.is_not(None))
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(f.centre))}

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Waits until nobody else builds, decides on or publishes results, and keeps others waiting until the end of
        the block. Not to be nested."""
        with self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("results are published"))))
            yield

    def file_senders(self, key: str, awarding_body: str) -> frozenset[str]:
        """RES-1: centres of which entries of the series with this key and awarding body came by file."""
        s = submissions.c
        query = select(s.centre).distinct().where(
            s.channel == terms.EDI, s.booked, s.letter.in_(("E", "A")),
            s.series == key, s.awarding_body == awarding_body
        )  # fmt: skip
        with self._engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def ulns(self) -> pl.DataFrame:
        """The ULN in force of every learner who has one: `uci`, `uln`."""
        v = led(learner_versions).where(learner_versions.c.until.is_(None), learner_versions.c.uln != "").subquery().c
        query = select(v.uci, v.uln).ext(distinct_on(v.uci))
        return sql.table(self._engine, query.order_by(v.uci, v.since.desc(), v.id.desc()))

    def last_files(self, series: str, centres: Sequence[str]) -> list[ReleaseFile]:
        """The results file of a series that each of these centres was last sent."""
        f = release_files.c
        query = (
            select(release_files)
            .ext(distinct_on(f.centre))
            .where(f.series == series, f.centre.in_(centres), f.sequence.is_not(None), f.published_at.is_not(None))
            .order_by(f.centre, f.sequence.desc())
        )
        with self._engine.connect() as connection:
            return [ReleaseFile(**row) for row in connection.execute(query).mappings()]

    def add_files(self, rows: Sequence[ReleaseFile], done: Sequence[Action] = ()) -> None:
        """Books the files built from an awarding, and what a member of staff did with it, in one transaction; files
        that are booked already stay as they are."""
        values = [asdict(file) for file in rows]
        with self._engine.begin() as connection:
            if done:
                connection.execute(actions.insert(), [asdict(action) for action in done])
            known = insert(release_files).on_conflict_do_nothing(index_elements=["awarding_id", "place"])
            for start in range(0, len(values), 1000):
                connection.execute(known, values[start : start + 1000])

    def drop_files(self, awarding: Awarding) -> None:
        """Removes the files of an awarding that was withdrawn before any of them was published: their numbers become
        free."""
        f = release_files.c
        with self._engine.begin() as connection:
            connection.execute(release_files.delete().where(f.awarding_id == awarding.id, f.published_at.is_(None)))

    def drop_kept_back(self, series: str) -> None:
        """Removes the files of centres that a release of a series has kept back: their numbers become free."""
        f, k = release_files.c, kept_back.c
        same = (k.awarding_id == f.awarding_id) & (k.centre == f.centre)
        query = release_files.delete().where(f.series == series, f.published_at.is_(None), same)
        with self._engine.begin() as connection:
            connection.execute(query)

    def files(self, awarding: Awarding) -> list[ReleaseFile]:
        """The files built from an awarding, by place."""
        f = release_files.c
        query = select(release_files).where(f.awarding_id == awarding.id).order_by(f.place)
        with self._engine.connect() as connection:
            return [ReleaseFile(**row) for row in connection.execute(query).mappings()]

    def published(self, awarding: Awarding, places: Sequence[str], at: datetime) -> None:
        """Marks files as published, and puts on record for good which they were (OPS-7)."""
        f = release_files.c
        mine = (f.awarding_id == awarding.id, f.place.in_(places))
        out = select(f.awarding_id, f.place, f.sha256, f.size, sa.literal(at, sa.DateTime(timezone=True))).where(*mine)
        issued = insert(published_files).from_select(
            ["awarding_id", "place", "sha256", "size", "at"], out.order_by(f.place)
        )
        with self._engine.begin() as connection:
            connection.execute(release_files.update().where(*mine).values(published_at=at))
            connection.execute(issued.on_conflict_do_nothing())


_MARK_OF = ("centre", "series", "candidate", "uci", "component")


def _recorded(connection: Connection, values: Mapping[str, Any], frames: Mapping[str, pl.DataFrame]) -> Awarding:
    """Freezes results as the next version of their series, in the caller's transaction."""
    a = awardings.c
    version = connection.execute(
        select(func.coalesce(func.max(a.version), 0) + 1).where(a.series == values["series"])
    ).scalar_one()
    row = connection.execute(insert(awardings).values(**values, version=version).returning(awardings)).mappings().one()
    awarding = _awarding(row)
    filed = _filed(connection, str(values["series"]), frames)
    for table in (results, awards, choices):
        frame = filed[table.name]
        sql.copy(connection, table, frame.select(pl.lit(awarding.id).alias("awarding_id"), pl.all()))
        freeze(connection, table, awarding.id, canonical(table, frame))
    return awarding


def _filed(connection: Connection, series: str, frames: Mapping[str, pl.DataFrame]) -> Mapping[str, pl.DataFrame]:
    """REG-8: results as they are filed: under the UCI that their entry or claim came with, as marks are, so that they
    go with it when a wrong merge is undone."""
    its = _as_filed(connection, series, frames["results"], "component")
    of_claims = _as_filed(connection, series, frames["awards"], "cash_in")
    learner = ["centre", "uci", "registration"]
    claims = frames["awards"].with_columns(of_claims["uci"].alias("filed"))
    led_here = claims.filter(pl.col("reason") != "CLAIMED_TWICE", pl.col("filed") != pl.col("uci").cast(pl.String))
    whose = led_here.select(*(pl.col(name).cast(pl.String) for name in learner), "filed").unique(maintain_order=True)
    chosen = frames["choices"]
    if not whose.is_empty():
        text = chosen.with_columns(pl.col(name).cast(pl.String) for name in learner)
        found = text.join(whose, on=learner, how="left", maintain_order="left")
        chosen = found.with_columns(pl.coalesce("filed", "uci").alias("uci")).select(chosen.columns)
    return {"results": its, "awards": of_claims, "choices": chosen}


def _as_filed(connection: Connection, series: str, rows: pl.DataFrame, code: str) -> pl.DataFrame:
    """Rows of a series (`centre`, `candidate`, `uci` and a `code`) with the UCI that their entry came with."""
    e, u = entries.c, learner_ucis.alias().c
    leading = select(u.uci).where(u.until.is_(None))
    query = led(entries, e.uci.label("filed"), e.option.label(code), e.id, only=("centre", "candidate", "uci"))
    key = ["centre", "candidate", "uci", code]
    kinds = {**dict.fromkeys([*key, "filed"], pl.String), "id": pl.Int64}
    came = sql.copied(connection, query.where(e.series == series, e.uci.in_(leading)), kinds) if len(rows) else None
    if came is None or came.is_empty():
        return rows
    last = came.sort("id").unique(key, keep="last").select(*key, "filed")
    text = rows.with_columns(pl.col(name).cast(pl.String) for name in key)
    found = text.join(last, on=key, how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("filed", "uci").alias("uci")).select(rows.columns)


def _add_table(connection: Connection, table: ConversionRow, state: State) -> None:
    """Adds a conversion table that is approved with a correction, in the caller's transaction."""
    c = conversions.c
    same = (c.series == table.series) & (c.component == table.component)
    version = connection.execute(select(func.coalesce(func.max(c.version), 0) + 1).where(same)).scalar_one()
    values = asdict(table, filter=lambda column, _: column.name not in _LATER)
    by = {"proposed_by": state.by, "proposed_at": state.at, "approved_by": state.by, "approved_at": state.at}
    connection.execute(conversions.insert().values(**values, **by, version=version))


def _learners_of(series: str) -> Select[Any]:
    t = entries.c
    return led(entries, only=("uci",)).where(t.series == series, t.ended_by.is_(None))


def _of(table: sa.Table, awarding_ids: Sequence[int], *, filed: bool = False) -> Select[Any]:
    return (select(table) if filed else led(table)).where(table.c.awarding_id.in_(awarding_ids))


def _awarding(row: RowMapping) -> Awarding:
    return Awarding(**row)
