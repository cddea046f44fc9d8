"""Corrections in the ledger (RES-7): cases, what they are about, their states, and what each has done to which result.

Rows are only added: a case that changes gets another row of its state. A learner is named by centre and candidate
number of the series, as the issued results have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import asdict, evolve, frozen
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from infra.ledger import sql
from infra.ledger.approvals import Signer
from infra.ledger.learners import every_uci, led
from infra.ledger.tables import (
    awardings,
    awards,
    certificates,
    correction_effects,
    correction_states,
    correction_subjects,
    corrections,
    learner_ucis,
    learner_versions,
)
from rules import terms
from rules.frames import Frame

EFFECTS: Frame = {
    "series": pl.String,
    "centre": pl.String,
    "candidate": pl.String,
    "code": pl.String,
    "raw_before": pl.Int32,
    "raw": pl.Int32,
    "ums_before": pl.Int32,
    "ums": pl.Int32,
    "grade_before": pl.String,
    "grade": pl.String,
    "outcome_before": pl.String,
    "outcome": pl.String,
    "way": pl.String,
    "choice": pl.String,
    "performance": pl.Boolean,
}
"""What a correction does to results, a row a component result or an award: as issued (`_before`) and as it would be;
`way` is up, down, same or withheld; `choice` is corrected or left higher; `performance`: an award that counts in
performance tables."""

CERTIFICATES: Frame = {
    "number": pl.String,
    "state": pl.String,
    "series": pl.String,
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "cash_in": pl.String,
    "grade": pl.String,
    "replaces": pl.String,
    "why": pl.String,
}
"""The register of certificates (CRT-8), a row a certificate, in the state it is in."""


@frozen(kw_only=True)
class Subject:
    """What a case is about: a component of a candidate, or of everybody (`centre` and `candidate` empty). Where results
    are withheld (RES-8) it may also be a learner's every one, a cohort or a centre, and the component a cash-in code.
    `given`: the mark or the boundaries that arrived."""

    component: str
    centre: str = ""
    candidate: str = ""
    given: str = ""

    def __str__(self) -> str:
        """As it is written: `64123/0001/BEN03`, `64123/0001`, `64123/*/BEN03` (a cohort), `64123` or `BEN03`."""
        if not self.centre:
            return self.component
        candidate = self.candidate or ("*" if self.component else "")
        return "/".join(part for part in (self.centre, candidate, self.component) if part)

    @classmethod
    def of(cls, said: str) -> Subject:
        """The subject that is written so."""
        parts = said.split("/")
        if len(parts) == 1 and not said.isdecimal():
            return cls(component=said)
        centre, candidate, component = [*parts, "", ""][:3]
        return cls(component=component, centre=centre, candidate=candidate.replace("*", ""))


@frozen(kw_only=True)
class State:
    """A state of a case, and who brought it there. `plan`: what is proposed; `files`: the SHA-256 of the pages that
    show its effect, by key. `at` is aware."""

    state: str
    who: str
    how: str
    at: datetime
    why: str
    kind: str = ""
    consent: date | None = None
    outcome: str = ""
    plan: Mapping[str, Any] = {}
    sha256: str = ""
    files: Mapping[str, str] = {}

    @property
    def by(self) -> str:
        """Who, as it stands on record."""
        return str(Signer(self.who, self.how))


@frozen(kw_only=True)
class Case:
    """A correction: `states` in their order, the last one counts. `source`: SHA-256 of the feed file that opened it."""

    number: int
    series: str
    source: str
    requested_by: str
    requested_on: date
    why: str
    who: str
    how: str
    at: datetime
    subjects: tuple[Subject, ...] = ()
    states: tuple[State, ...] = ()

    @property
    def state(self) -> str:
        """The state it is in."""
        return self.states[-1].state

    @property
    def kind(self) -> str:
        """What it is; empty while nobody has said."""
        return self.states[-1].kind

    @property
    def proposed(self) -> State | None:
        """The last proposal."""
        return next((state for state in reversed(self.states) if state.state == terms.PROPOSED), None)

    @property
    def proposals(self) -> int:
        """How many times something has been proposed."""
        return sum(state.state == terms.PROPOSED for state in self.states)

    @property
    def is_open(self) -> bool:
        """Whether something can still be proposed."""
        return self.state in (terms.OPEN, terms.PROPOSED, terms.REJECTED)


_OF_CASE = ("number", "series", "source", "requested_by", "requested_on", "why", "who", "how", "at")


class CorrectionBook:
    """Access to corrections and to the register of certificates."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Cases -------------------------------------------------------------------------------------------------------

    def open(self, case: Case, kind: str, consent: date | None = None) -> Case:
        """Opens a case under the next number (that of `case` does not count) with its subjects. What arrived in a feed
        opens one case for each file and series: again, it is returned and nothing is recorded; a subject for which the
        same has arrived in a case that is still open is left out, and of nothing else no case is made."""
        with self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("corrections"))))
            if case.source:
                known = self._cases(connection, corrections.c.series == case.series)
                same = [other for other in known if other.source == case.source]
                waiting = [other for other in known if other.is_open]
                subjects = {subject: other for other in waiting for subject in other.subjects}
                new = tuple(subject for subject in case.subjects if subject not in subjects)
                if same or not new:
                    return same[-1] if same else subjects[case.subjects[0]]
                case = evolve(case, subjects=new)
            elif again := self._same(connection, case):
                return again
            number = connection.execute(select(func.coalesce(func.max(corrections.c.number), 0) + 1)).scalar_one()
            values = {name: getattr(case, name) for name in _OF_CASE} | {"number": number}
            connection.execute(corrections.insert().values(values))
            rows = [{"number": number, **asdict(subject)} for subject in case.subjects]
            connection.execute(correction_subjects.insert(), rows)
            state = State(
                state=terms.OPEN, who=case.who, how=case.how, at=case.at, why=case.why, kind=kind, consent=consent
            )
            _add_state(connection, number, state)
            [made] = self._cases(connection, corrections.c.number == number)
        return made

    def _same(self, connection: Connection, case: Case) -> Case | None:
        """The case that the very same order has opened: a run recorded it, and died."""
        c = corrections.c
        known = self._cases(connection, (c.series == case.series) & (c.at == case.at) & (c.who == case.who))
        return next((other for other in known if (other.subjects, other.why) == (case.subjects, case.why)), None)

    def numbered(self, number: int) -> Case | None:
        """The case with a number."""
        with self._engine.connect() as connection:
            return next(iter(self._cases(connection, corrections.c.number == number)), None)

    def all(self, series: str = "") -> list[Case]:
        """Every case, of a series or of all, by number."""
        with self._engine.connect() as connection:
            return self._cases(connection, corrections.c.series == series if series else sa.true())

    def step(self, case: Case, state: State) -> None:
        """Adds a state to a case; not again the one it is in."""
        with self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("corrections"))))
            [now] = self._cases(connection, corrections.c.number == case.number)
            if now.states[-1] != state:
                _add_state(connection, case.number, state)

    def _cases(self, connection: Connection, wanted: sa.ColumnElement[bool]) -> list[Case]:
        numbers = select(corrections.c.number).where(wanted)
        subjects, states = dict[int, list[Subject]](), dict[int, list[State]]()
        s, t = correction_subjects.c, correction_states.c
        for row in connection.execute(select(correction_subjects).where(s.number.in_(numbers)).order_by(s.id)):
            its = Subject(centre=row.centre, candidate=row.candidate, component=row.component, given=row.given)
            subjects.setdefault(row.number, []).append(its)
        names = State.__annotations__
        for kept in connection.execute(
            select(correction_states).where(t.number.in_(numbers)).order_by(t.id)
        ).mappings():
            states.setdefault(kept["number"], []).append(State(**{name: kept[name] for name in names}))
        query = select(corrections).where(wanted).order_by(corrections.c.number)
        return [
            Case(
                **{name: row[name] for name in _OF_CASE},
                subjects=tuple(subjects.get(row["number"], ())),
                states=tuple(states.get(row["number"], ())),
            )
            for row in connection.execute(query).mappings()
        ]

    # --- What they have done -----------------------------------------------------------------------------------------

    def effects(self, number: int) -> pl.DataFrame:
        """What a correction has done (`EFFECTS`), once it is approved."""
        e = correction_effects.c
        query = select(*(e[name] for name in EFFECTS)).where(e.number == number)
        rows = sql.table(self._engine, query, EFFECTS)
        return rows.sort("series", "centre", "candidate", "code")

    def about(self, learners: Iterable[tuple[str, str, str]]) -> pl.DataFrame:
        """What corrections have done to the results of these learners (series, centre, candidate): `EFFECTS` with
        `number`, by number."""
        e = correction_effects.c
        wanted = sa.tuple_(e.series, e.centre, e.candidate).in_(list(learners))
        query = select(e.number, *(e[name] for name in EFFECTS)).where(wanted).order_by(e.number, e.series, e.code)
        return sql.frame(self._engine, query, {"number": pl.Int64, **EFFECTS})

    def versions(self, number: int) -> list[tuple[str, int]]:
        """The versions of results that a correction has made: series and version, by series."""
        a = awardings.c
        query = select(a.series, a.version).where(a.kind == terms.CORRECTED_RESULTS, a.why == reason_of(number))
        with self._engine.connect() as connection:
            return [(row.series, row.version) for row in connection.execute(query.order_by(a.series))]

    # --- The register of certificates --------------------------------------------------------------------------------

    def certificates(self, series: Sequence[str]) -> pl.DataFrame:
        """The certificates of series (`CERTIFICATES`), by number, with the UCIs in force (REG-8)."""
        c = certificates.c
        query = (
            led(certificates, only=tuple(CERTIFICATES))
            .ext(distinct_on(c.number))
            .where(c.series.in_(series))
            .order_by(c.number, c.id.desc())
        )
        return sql.table(self._engine, query, CERTIFICATES)

    def certificated(self) -> dict[str, datetime]:
        """The series that have certificates in the register, and when the last of each was entered."""
        c = certificates.c
        with self._engine.connect() as connection:
            rows = connection.execute(select(c.series, func.max(c.at).label("at")).group_by(c.series))
            return {row.series: row.at for row in rows}

    def renamed(self, series: str, at: datetime) -> pl.DataFrame:
        """CRT-8, REG-6: certificates of a series that are due and whose learner has another name at `at` than when they
        were entered: `number`, and `file`, whether the name came in a file of the centre's. Names do not leave the
        ledger."""
        every = led(certificates, certificates.c.uci.label("filed")).ext(distinct_on(certificates.c.number))
        every = every.where(certificates.c.series == series)
        newest = every.order_by(certificates.c.number, certificates.c.id.desc()).subquery()
        held = newest.c
        theirs = _ucis_then(held)
        then, now = _names(held, theirs, held.at), _names(held, every_uci(held.uci), sa.literal(at))
        # A merge alone changes no name: what was another UCI's then is told only if it came later.
        changed = sa.or_(now.c.uci == sa.any_(theirs), now.c.since > held.at)
        query = (
            select(held.number, now.c.submission_id.is_not(None).label("file"))
            .select_from(newest.join(then, sa.true()).join(now, sa.true()))
            .where(held.state == terms.DUE, then.c.name != now.c.name, changed)
            .order_by(held.number)
        )
        return sql.frame(self._engine, query, {"number": pl.String, "file": pl.Boolean})

    def register(self, rows: pl.DataFrame, at: datetime) -> None:
        """Adds rows (`CERTIFICATES`) of awards that are issued to the register of certificates, in one transaction.
        They are filed under the UCI that the award is filed under, so that they go with it when a UCI is split off."""
        key = ["series", "centre", "candidate", "uci", "cash_in"]
        a, w = awards.c, awardings.c
        query = (
            led(awards, w.series, a.uci.label("filed"), only=("centre", "candidate", "uci", "cash_in"))
            .join(awardings, w.id == a.awarding_id)
            .where(w.series.in_(rows["series"].unique().to_list()), w.state.in_(terms.ISSUED_STATES))
            .order_by(a.awarding_id)
        )
        with self._engine.begin() as connection:
            of_awards = sql.copied(connection, query, dict.fromkeys([*key, "filed"], pl.String)).unique(
                key, keep="last", maintain_order=True
            )
            named = rows.join(of_awards, on=key, how="left", maintain_order="left")
            add_certificates(connection, named.with_columns(pl.coalesce("filed", "uci").alias("uci")), at)


def reason_of(number: int) -> str:
    """What the version of the results says that a correction has made."""
    return f"correction {number}"


def _ucis_then(held: Any) -> sa.ColumnElement[Any]:
    """REG-8: the UCIs that led to the learner of a certificate when it was entered, whatever they lead to now."""
    heads, leading = learner_ucis.alias(), learner_ucis.alias()
    h, u = heads.c, leading.c
    led_to = select(h.in_force).where(h.uci == held.filed, *_then(h, held)).correlate_except(heads).scalar_subquery()
    head = func.coalesce(led_to, held.filed)
    before = select(u.uci).where(u.in_force == head, *_then(u, held)).correlate_except(leading)
    return func.array_append(func.array(before.scalar_subquery()), head)


def _then(u: Any, held: Any) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which rows of `learner_ucis` were in force when a certificate was entered."""
    return u.since <= held.at, sa.or_(u.until.is_(None), u.until > held.at)


def _names(held: Any, ucis: sa.ColumnElement[Any], at: sa.ColumnElement[Any]) -> sa.FromClause:
    """The `name` that the learner of a certificate had under these UCIs at an instant, first of all at its centre,
    since when, under which UCI, and the file it came in."""
    v = learner_versions.c
    at_centre = (v.centre == held.centre).desc()
    its = select(v.name, v.since, v.uci, v.submission_id).where(
        v.uci == sa.any_(ucis), v.since <= at, sa.or_(v.until.is_(None), v.until > at)
    )
    return its.order_by(at_centre, v.since.desc(), v.id.desc()).limit(1).lateral()


def _add_state(connection: Connection, number: int, state: State) -> None:
    connection.execute(correction_states.insert().values(number=number, **asdict(state)))


def add_certificates(connection: Connection, rows: pl.DataFrame, at: datetime) -> None:
    """Adds rows (`CERTIFICATES`) to the register in the caller's transaction."""
    sql.copy(connection, certificates, rows.select(*CERTIFICATES, pl.lit(at.isoformat()).alias("at")))


def add_approval(connection: Connection, case: Case, state: State, effects: pl.DataFrame) -> None:
    """Adds that a case is approved, with its effects (`EFFECTS`), in the caller's transaction."""
    _add_state(connection, case.number, state)
    rows = effects.select(pl.lit(case.number).alias("number"), *EFFECTS)
    sql.copy(connection, correction_effects, rows)
