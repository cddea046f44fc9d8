"""What the operators' console asks the ledger. Frames hold personal data only where a docstring says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import field, frozen
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, distinct_on

from infra.ledger import deeds, sql, work
from infra.ledger.actions import ordered_by
from infra.ledger.approvals import spoken
from infra.ledger.deeds import DEEDS, Sought
from infra.ledger.learners import at_centre, details_in_force, every_uci, in_force, led
from infra.ledger.marks import newest_marks
from infra.ledger.night import NightRows, night, night_files
from infra.ledger.tables import (
    actions,
    alerts,
    awardings,
    centre_keys,
    centres,
    checkpoints,
    cohorts,
    conversions,
    entries,
    findings,
    hold_decisions,
    learner_versions,
    marks,
    registrations,
    release_files,
    replies,
    submissions,
)
from infra.ledger.work import WorkNote
from rules import terms
from rules.frames import INSTANT, Frame

_TEXT, _COUNT = pl.String, pl.Int64
_REGISTER = centres.c

PROGRESS: Frame = {
    "centre": _TEXT,
    "registered": _COUNT,
    "learners": _COUNT,
    "entries": _COUNT,
    "internal": _COUNT,
    "external": _COUNT,
    "claims": _COUNT,
    "marks": _COUNT,
    "board_marks": _COUNT,
    "cohorts": _COUNT,
    "moderated": _COUNT,
    "files": _COUNT,
    "refused": _COUNT,
    "held": _COUNT,
    "released": _COUNT,
}
FILES: Frame = {
    "id": _COUNT,
    "centre": _TEXT,
    "file_name": _TEXT,
    "channel": _TEXT,
    "received": INSTANT,
    "letter": _TEXT,
    "series": _TEXT,
    "sequence": _COUNT,
    "outcome": _TEXT,
    "reply": _TEXT,
    "decided": _TEXT,
}
HELD: Frame = {
    "id": _COUNT,
    "centre": _TEXT,
    "file_name": _TEXT,
    "received": INSTANT,
    "codes": pl.List(_TEXT),
    "message": _TEXT,
}
DECIDED: Frame = {
    "id": _COUNT,
    "centre": _TEXT,
    "file_name": _TEXT,
    "at": INSTANT,
    "who": _TEXT,
    "why": _TEXT,
    "action": _TEXT,
    "successor": _COUNT,
    "outcome": _TEXT,
    "reply": _TEXT,
}
FINDINGS: Frame = {
    "ordinal": _COUNT,
    "code": _TEXT,
    "rule": _TEXT,
    "reach": _TEXT,
    "line": _COUNT,
    "first_column": _COUNT,
    "last_column": _COUNT,
    "field": _TEXT,
    "value": _TEXT,
    "message": _TEXT,
    "expected": _TEXT,
    "remedy": _TEXT,
    "candidate": _TEXT,
    "option": _TEXT,
}
CODES: Frame = {"code": _TEXT, "rule": _TEXT, "reach": _TEXT, "files": _COUNT, "findings": _COUNT}
LEARNERS: Frame = {"centre": _TEXT, "candidate": _TEXT, "series": _TEXT, "uci": _TEXT, "options": _TEXT}
PERSON: Frame = {
    "series": _TEXT,
    "option": _TEXT,
    "uci": _TEXT,
    "name": _TEXT,
    "born": pl.Date,
    "submission": _COUNT,
    "line": _COUNT,
    "kind": _TEXT,
    "ended": pl.Boolean,
}


@frozen
class SeasonRows:
    """Files of a series by outcome, how many are `held` in all series, and what waits (`ConsoleBook.states`)."""

    outcomes: Mapping[str, int]
    held: int
    states: Mapping[str, Mapping[str, int]]


@frozen
class CentreRows:
    """A page of a centre's files (`FILES`) and their `total`, marks that are `missing`, findings by code (`CODES`),
    files that are held (`HELD`), moderation, keys, and what staff did."""

    files: pl.DataFrame
    total: int
    missing: pl.DataFrame
    codes: pl.DataFrame
    held: pl.DataFrame
    cohorts: Sequence[Mapping[str, Any]]
    keys: Sequence[Mapping[str, Any]]
    acted: Sequence[Mapping[str, Any]]


@frozen
class CentreCounts:
    """Learners entered, and entries."""

    learners: int
    entries: int


@frozen
class FileRows:
    """A file, its findings (`FINDINGS`), the held file `before` it of which it is the decision, and the
    `text` of its reply."""

    file: Mapping[str, Any]
    findings: pl.DataFrame
    before: Mapping[str, Any] | None
    text: str


@frozen
class WorkRows:
    """Held files (`HELD`), alerts, and what staff did with items of the work list, in order."""

    held: pl.DataFrame
    alerts: Sequence[Mapping[str, Any]]
    notes: Sequence[WorkNote]


@frozen
class AlertRows:
    """A page of alerts (`said`: `key`, `code`, `at`, `said`, `sent_at`) and the `total`, every kind there has been, and
    by key who has said last that they have it in hand."""

    said: Sequence[Mapping[str, Any]]
    total: int
    codes: Sequence[str]
    owners: Mapping[str, WorkNote]


@frozen
class AuditRows:
    """A page of what people did (`infra.ledger.deeds.DEEDS`) and the `total`; everybody who did anything, and what."""

    deeds: pl.DataFrame
    total: int
    people: Sequence[str]
    actions: Sequence[str]


@frozen
class Found:
    """What a search has found: `centres` by number and name, `learners` (`LEARNERS`), and the newest `files` (`FILES`)
    of a `total`."""

    centres: Mapping[str, str] = field(factory=dict)
    learners: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=LEARNERS))
    files: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=FILES))
    total: int = 0


class ConsoleBook:
    """Reads the ledger for the console. The first methods are named after the page whose query they are."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Pages -------------------------------------------------------------------------------------------------------

    def season(self, series: str, key: str, awarding_body: str) -> SeasonRows:
        """What the season's page counts."""
        return SeasonRows(self.outcomes(key, awarding_body), self.held_count(), self.states(series))

    def centre(
        self,
        centre: str,
        series: str,
        key: str,
        awarding_body: str,
        now: datetime,
        limit: int,
        offset: int,
        *,
        oldest: bool = False,
    ) -> CentreRows:
        """What the page of a centre shows of a series, at `now` (aware), with a page of its files, the newest first or
        the `oldest`."""
        files, total = self.received(centre=centre, oldest=oldest, limit=limit, offset=offset)
        return CentreRows(
            files=files,
            total=total,
            missing=self.marks_missing(centre, series),
            codes=self.codes(centre=centre, key=key, awarding_body=awarding_body),
            held=self.held(centre=centre),
            cohorts=self.cohorts(centre, series),
            keys=self.keys(centre, now),
            acted=self.acted(centre),
        )

    def candidate(self, centre: str, candidate: str) -> tuple[pl.DataFrame, list[Mapping[str, Any]]]:
        """Everything on the books under a candidate number of a centre (`PERSON`; personal data), and the newest
        marks."""
        rows = self.person(centre, candidate)
        return rows, self.person_marks(centre, rows["uci"].unique().to_list())

    def files(
        self,
        *,
        key: str,
        awarding_body: str,
        centre: str = "",
        outcome: str = "",
        code: str = "",
        oldest: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[pl.DataFrame, int]:
        """A page of the files received and how many there are (`received`). An empty `key` stands for all series."""
        return self.received(
            key=key, awarding_body=awarding_body, centre=centre, outcome=outcome, code=code, oldest=oldest, limit=limit,
            offset=offset,
        )  # fmt: skip

    def files_codes(self, *, key: str, awarding_body: str, centre: str = "") -> pl.DataFrame:
        """The findings of a centre by code (`CODES`); those of a country are counted with its centres."""
        return self.codes(key=key, awarding_body=awarding_body, centre=centre) if centre else pl.DataFrame(schema=CODES)

    def file(self, submission: int) -> FileRows | None:
        """A file as its page shows it; None when there is none. Values, messages and the reply may hold personal
        data."""
        row = self.submission(submission)
        return (
            None
            if row is None
            else FileRows(row, self.findings(submission), self.predecessor(submission), row["text"] or "")
        )

    def quarantine(self) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The files that are held (`HELD`), and what was decided about others (`DECIDED`)."""
        return self.held(), self.decided()

    def watch(self, series: str) -> list[Mapping[str, Any]]:
        """The checkpoints taken in a series."""
        return self.checkpoints(series)

    def approval(self, series: str) -> tuple[list[Mapping[str, Any]], dict[str, dict[str, int]]]:
        """Every awarding of a series, and what waits in it (`states`)."""
        return self.awardings(series), self.states(series)

    def boundaries(self, series: str, component: str) -> dict[int, int]:
        """How many learners have each raw mark of a component in a series, by the newest version of each."""
        newest = newest_marks().where(marks.c.series == series, marks.c.component == component).subquery().c
        query = select(newest.mark, func.count()).where(newest.mark.is_not(None)).group_by(newest.mark)
        return dict(self._rows(query))

    def work(self, codes: Sequence[str]) -> WorkRows:
        """What the work list shows: held files, alerts with these codes, and what staff did with items."""
        return WorkRows(self.held(), work.seen(self._engine, codes), work.notes(self._engine))

    def alerts(self, code: str, limit: int, offset: int, oldest: bool = False) -> AlertRows:
        """A page of the alerts, the newest first or the `oldest`, of one kind or of all."""
        t = alerts.c
        where = [t.code == code] if code else []
        first = t.at if oldest else t.at.desc()
        query = select(alerts).where(*where).order_by(first, t.key).limit(limit).offset(offset)
        with self._engine.connect() as connection:
            said = [dict(row) for row in connection.execute(query).mappings()]
        [(total,)] = self._rows(select(func.count()).select_from(alerts).where(*where))
        return AlertRows(
            said=said,
            total=total,
            codes=[name for (name,) in self._rows(select(t.code).distinct().order_by(t.code))],
            owners=work.owners(self._engine, [f"{work.ALERT}{row['key']}" for row in said]),
        )

    def night(self, series: str) -> NightRows:
        """The night of results of a series: versions, centres, and the jobs that publish."""
        return night(self._engine, series)

    def night_files(self, series: str) -> pl.DataFrame:
        """Every file of the results of a series (`infra.ledger.night.FILES`)."""
        return night_files(self._engine, series)

    def audit(self, sought: Sought, limit: int | None = None, offset: int = 0) -> AuditRows:
        """What people did (OPS-3), in the order that is sought: a page of it, or all without a `limit`."""
        [(total,)] = self._rows(deeds.count(sought))
        some = deeds.of(sought, None if limit is None else offset + limit)
        return AuditRows(
            deeds=sql.frame(self._engine, some.limit(limit).offset(offset), DEEDS),
            total=total,
            people=[who for (who,) in self._rows(deeds.names("who"))],
            actions=[action for (action,) in self._rows(deeds.names("action"))],
        )

    def search(
        self,
        *,
        centre: str = "",
        candidate: str = "",
        sequence: int | None = None,
        submission: int | None = None,
        person: str = "",
        named: str = "",
        oldest: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> Found:
        """What is known of a `centre`, a `candidate` number or a `sequence` number there, the file with the number
        `submission`, a `person` by UCI or ULN, or what is `named` so: centres, files and replies by part of their
        name. Of the files, a page, the newest first or the `oldest`."""
        if submission is not None:
            files, total = self.received(submission=submission)
            return Found(files=files, total=total)
        if person:
            return Found(learners=self.learners(ucis=self._ucis(person)))
        if candidate:
            return Found(learners=self.learners(centre=centre, candidate=candidate, limit=limit))
        if centre:
            files, total = self.received(centre=centre, sequence=sequence, oldest=oldest, limit=limit, offset=offset)
            return Found(
                self._centres(_REGISTER.number == centre) if sequence is None else {}, files=files, total=total
            )
        files, total = self.received(named=named, oldest=oldest, limit=limit, offset=offset)
        return Found(self._centres(_REGISTER.name.icontains(named, autoescape=True)), files=files, total=total)

    def _centres(self, which: sa.ColumnElement[bool]) -> dict[str, str]:
        newest = select(_REGISTER.number, _REGISTER.name).ext(distinct_on(_REGISTER.number))
        query = newest.where(which).order_by(_REGISTER.number, _REGISTER.at.desc(), _REGISTER.id.desc()).limit(50)
        return dict(self._rows(query))

    def _ucis(self, person: str) -> list[str]:
        """Every UCI of the learners with this UCI or ULN."""
        v = learner_versions.c
        by_uln = [uci for (uci,) in self._rows(select(v.uci).where(v.uln == person, v.until.is_(None)).distinct())]
        asked = [select(sa.func.unnest(every_uci(in_force(sa.literal(uci))))) for uci in (person, *by_uln)]
        return sorted({uci for query in asked for (uci,) in self._rows(query)})

    # --- A series ----------------------------------------------------------------------------------------------------

    def state(self) -> tuple[Any, ...]:
        """A value that changes whenever `progress` may change, from the newest rows of what it counts."""
        s, m, c, f = submissions.c, marks.c, cohorts.c, release_files.c
        asked = (
            select(func.max(s.id)),
            select(func.count()).where(s.outcome.is_(None)),
            select(func.max(hold_decisions.c.at)),
            select(func.max(m.id)),
            select(func.max(sa.func.greatest(c.sampled_at, c.compared_at, c.approved_at))),
            select(func.count()).where(c.state.in_((terms.AGREED, terms.ADJUSTED))),
            select(func.max(f.published_at)),
        )
        with self._engine.connect() as connection:
            return tuple(connection.execute(select(*(query.scalar_subquery() for query in asked))).one())

    def progress(self, series: str, key: str, awarding_body: str) -> pl.DataFrame:
        """How far every centre is in a series (`PROGRESS`), by centre: learners `registered` there, in any series;
        `learners` entered, their `entries`, those for `internal` and `external` components, and `claims`; how many of
        these have `marks` of the centre and `board_marks`; `cohorts` sampled, and how many are `moderated`; `files` of
        the series, how many were `refused` or are `held`; results files `released` to it."""
        e, m, c, r, f, s = (table.c for table in (entries, marks, cohorts, registrations, release_files, submissions))
        count = func.count()
        by_learner = (
            select(
                e.centre, e.candidate, count.label("entries"),
                count.filter(e.kind == terms.INTERNAL).label("internal"),
                count.filter(e.kind == terms.EXTERNAL).label("external"),
                count.filter(e.kind == terms.CASH_IN).label("claims"),
            )
            .where(e.series == series, e.ended_by.is_(None))
            .group_by(e.centre, e.candidate)
            .subquery()
        )  # fmt: skip
        b = by_learner.c
        open_hold = (s.outcome == terms.QUARANTINED) & hold_decisions.c.submission_id.is_(None)
        parts = (
            select(r.centre, count.label("registered")).where(r.ended_by.is_(None)).group_by(r.centre),
            select(
                b.centre, count.label("learners"), func.sum(b.entries).label("entries"),
                func.sum(b.internal).label("internal"),
                func.sum(b.external).label("external"), func.sum(b.claims).label("claims"),
            ).group_by(b.centre),
            # The first version of each mark: later ones replace it.
            select(
                m.centre, count.filter(m.stage != terms.EXTERNAL).label("marks"),
                count.filter(m.stage == terms.EXTERNAL).label("board_marks"),
            )
            .where(m.series == series, m.version == 1)
            .group_by(m.centre),
            select(
                c.centre, count.label("cohorts"),
                count.filter(c.state.in_((terms.AGREED, terms.ADJUSTED))).label("moderated"),
            ).where(c.series == series).group_by(c.centre),
            select(
                s.centre, count.label("files"), count.filter(s.outcome == terms.REFUSED).label("refused"),
                count.filter(open_hold).label("held"),
            )
            .outerjoin(hold_decisions, hold_decisions.c.submission_id == s.id)
            .where(s.series == key, s.awarding_body == awarding_body)
            .group_by(s.centre),
            select(f.centre, count.label("released"))
            .where(f.series == series, f.published_at.is_not(None), f.centre != "")
            .group_by(f.centre),
        )  # fmt: skip
        frames = [
            sql.frame(self._engine, part, {name: PROGRESS[name] for name in map(_name, part.selected_columns)})
            for part in parts
        ]
        centres = pl.concat([frame.select("centre") for frame in frames]).unique()
        for frame in frames:
            centres = centres.join(frame, on="centre", how="left")
        return centres.sort("centre").select(pl.col(name).fill_null(0 if name != "centre" else "") for name in PROGRESS)

    def outcomes(self, key: str, awarding_body: str) -> dict[str, int]:
        """Files of a series by outcome; `waiting` are not decided yet."""
        t = submissions.c
        what = func.coalesce(t.outcome, terms.WAITING)
        query = select(what, func.count()).where(t.series == key, t.awarding_body == awarding_body).group_by(what)
        return dict(self._rows(query))

    def states(self, series: str) -> dict[str, dict[str, int]]:
        """What waits for a person in a series: cohorts by state (`cohorts`), conversion tables not approved
        (`boundaries`), the newest awarding by state (`awardings`)."""
        c, v, a = cohorts.c, conversions.c, awardings.c
        newest = select(a.state).where(a.series == series).order_by(a.version.desc()).limit(1)
        return {
            "cohorts": dict(self._rows(select(c.state, func.count()).where(c.series == series).group_by(c.state))),
            "boundaries": dict(
                self._rows(
                    select(sa.literal(terms.PROPOSED), func.count()).where(v.series == series, v.approved_at.is_(None))
                )
            ),
            "awardings": {state: 1 for (state,) in self._rows(newest)},
        }

    def awardings(self, series: str) -> list[Mapping[str, Any]]:
        """Every awarding of a series, the newest first: the columns of the table."""
        with self._engine.connect() as connection:
            query = select(awardings).where(awardings.c.series == series).order_by(awardings.c.version.desc())
            return [dict(row) for row in connection.execute(query).mappings()]

    def checkpoints(self, series: str) -> list[Mapping[str, Any]]:
        """Checkpoints taken in a series, the newest first: `event`, `at`, `counts`."""
        t = checkpoints.c
        with self._engine.connect() as connection:
            query = select(t.event, t.at, t.counts).where(t.series == series).order_by(t.at.desc(), t.id.desc())
            return [dict(row) for row in connection.execute(query).mappings()]

    def waiting(self) -> int:
        """Files that have been received and not decided."""
        return int(self._rows(select(func.count()).where(submissions.c.outcome.is_(None)))[0][0])

    # --- Files -------------------------------------------------------------------------------------------------------

    def received(
        self,
        *,
        centre: str = "",
        key: str = "",
        awarding_body: str = "",
        outcome: str = "",
        code: str = "",
        named: str = "",
        sequence: int | None = None,
        submission: int | None = None,
        oldest: bool = False,
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[pl.DataFrame, int]:
        """A page of the files received, the newest first or the `oldest`, with decisions made while a file was held
        (`FILES`), and how many there are. `code`: files with such a finding; `named`: files whose name contains this,
        in any case, or whose reply is called so."""
        t, d = submissions.c, hold_decisions.c
        where = []
        if centre:
            where.append(t.centre == centre)
        if key:
            where.append((t.series == key) & (t.awarding_body == awarding_body))
        if outcome:
            where.append(t.outcome.is_(None) if outcome == terms.WAITING else t.outcome == outcome)
        if code:
            where.append(t.id.in_(select(findings.c.submission_id).where(findings.c.code == code)))
        if sequence is not None:
            where.append(t.sequence == sequence)
        if submission is not None:
            where.append(t.id == submission)
        if named:
            answered = select(replies.c.submission_id).where(replies.c.name.icontains(named, autoescape=True))
            where.append(t.file_name.icontains(named, autoescape=True) | t.id.in_(answered))
        # The page first, and only then what belongs to its files.
        order = (t.received, t.id) if oldest else (t.received.desc(), t.id.desc())
        page = select(t.id).where(*where).order_by(*order).limit(limit).offset(offset)
        query = (
            select(
                t.id, t.centre, t.file_name, t.channel, t.received, t.letter, t.series, t.sequence, t.outcome,
                replies.c.name.label("reply"), d.action.label("decided"),
            )
            .outerjoin(replies, replies.c.submission_id == t.id)
            .outerjoin(hold_decisions, d.submission_id == t.id)
            .where(t.id.in_(page))
            .order_by(*order)
        )  # fmt: skip
        [(total,)] = self._rows(select(func.count()).select_from(submissions).where(*where))
        return sql.frame(self._engine, query, FILES), total

    def submission(self, submission: int) -> Mapping[str, Any] | None:
        """Everything on record of one file: the columns of its table, the name of its `reply` and the reply as JSON,
        `twin` (None before it is decided), `ordered_by` (`infra.ledger.actions.ordered_by`), and `decision`, what a
        person decided while it was held, with `who`, `why`, `at` and `successor`. A reply may hold personal data."""
        t, d = submissions.c, hold_decisions.c
        query = (
            select(
                submissions, replies.c.name.label("reply"), replies.c.twin, replies.c.text, d.action.label("decision"),
                spoken(d.who, d.how).label("who"), d.why, d.at, d.successor_id.label("successor"),
                ordered_by(t).label("ordered_by"),
            )
            .outerjoin(replies, replies.c.submission_id == t.id)
            .outerjoin(hold_decisions, d.submission_id == t.id)
            .where(t.id == submission)
        )  # fmt: skip
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def predecessor(self, submission: int) -> Mapping[str, Any] | None:
        """Of a file that a decision put on the books again: the held file's `id`, and the decision."""
        d = hold_decisions.c
        query = select(d.submission_id.label("id"), d.action, spoken(d.who, d.how).label("who"), d.why, d.at).where(
            d.successor_id == submission
        )
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return dict(row) if row else None

    def findings(self, submission: int) -> pl.DataFrame:
        """The findings of a file (`FINDINGS`), in order. Values and messages may hold personal data."""
        t = findings.c
        query = select(*(t[name] for name in FINDINGS)).where(t.submission_id == submission).order_by(t.ordinal)
        return sql.frame(self._engine, query, FINDINGS)

    def codes(self, *, centre: str = "", key: str = "", awarding_body: str = "") -> pl.DataFrame:
        """Findings by code (`CODES`), the most frequent first, of a centre, a series or both."""
        t, s = findings.c, submissions.c
        where = [s.centre == centre] if centre else []
        where += [s.series == key, s.awarding_body == awarding_body] if key else []
        query = (
            select(
                t.code, t.rule, t.reach, func.count(t.submission_id.distinct()).label("files"),
                func.count().label("findings"),
            )
            .join(submissions, s.id == t.submission_id)
            .where(*where)
            .group_by(t.code, t.rule, t.reach)
            .order_by(func.count().desc(), t.code)
        )  # fmt: skip
        return sql.frame(self._engine, query, CODES)

    # --- Held files --------------------------------------------------------------------------------------------------

    def held(self, *, centre: str = "", limit: int = 500) -> pl.DataFrame:
        """Held files that wait for a person, the oldest first (`HELD`), with the `codes` that hold each and a
        `message`."""
        t, f, d = submissions.c, findings.c, hold_decisions.c
        open_ = [t.outcome == terms.QUARANTINED, t.id.not_in(select(d.submission_id))]
        query = (
            select(
                t.id, t.centre, t.file_name, t.received,
                func.array_agg(aggregate_order_by(f.code, f.ordinal)).label("codes"),
                func.min(f.message).label("message"),
            )
            .outerjoin(findings, (f.submission_id == t.id) & (f.reach == "hold"))
            .where(*open_, *([t.centre == centre] if centre else []))
            .group_by(t.id)
            .order_by(t.received, t.id)
            .limit(limit)
        )  # fmt: skip
        return sql.frame(self._engine, query, HELD)

    def held_count(self) -> int:
        """How many held files wait for a person."""
        t = submissions.c
        query = select(func.count()).where(
            t.outcome == terms.QUARANTINED, t.id.not_in(select(hold_decisions.c.submission_id))
        )
        return int(self._rows(query)[0][0])

    def decided(self, *, centre: str = "", limit: int = 100) -> pl.DataFrame:
        """What people decided about held files, the newest first (`DECIDED`): the outcome, and the further reply."""
        t, d = submissions.c, hold_decisions.c
        successor = submissions.alias("successor")
        query = (
            select(
                t.id, t.centre, t.file_name, d.at, spoken(d.who, d.how).label("who"), d.why, d.action,
                d.successor_id.label("successor"),
                successor.c.outcome, replies.c.name.label("reply"),
            )
            .select_from(hold_decisions)
            .join(submissions, t.id == d.submission_id)
            .join(successor, successor.c.id == d.successor_id)
            .outerjoin(replies, replies.c.submission_id == d.successor_id)
            .where(*([t.centre == centre] if centre else []))
            .order_by(d.at.desc(), d.submission_id.desc())
            .limit(limit)
        )  # fmt: skip
        return sql.frame(self._engine, query, DECIDED)

    # --- Centres and learners ----------------------------------------------------------------------------------------

    def counts_of(self, centre: str, series: str) -> CentreCounts:
        """How many learners of a centre are entered in a series, and their entries, claims included."""
        e = entries.c
        query = select(func.count(e.candidate.distinct()), func.count())
        where = (e.centre == centre, e.series == series, e.ended_by.is_(None))
        return CentreCounts(*self._rows(query.where(*where))[0])

    def marks_missing(self, centre: str, series: str) -> pl.DataFrame:
        """Entries for internal components of a centre without a mark: `component`, `candidate`, `status`."""
        m, t = marks.c, led(entries).where(entries.c.centre == centre, entries.c.series == series).subquery().c
        newest = newest_marks().where(m.series == series, m.centre == centre).subquery()
        n = newest.c
        query = (
            select(t.option.label("component"), t.candidate, func.coalesce(n.status, "").label("status"))
            .outerjoin(newest, (n.uci == t.uci) & (n.component == t.option))
            .where(
                t.centre == centre, t.series == series, t.kind == terms.INTERNAL, t.ended_by.is_(None),
                n.mark.is_(None), func.coalesce(n.status, "") != "A",
            )
            .order_by(t.option, t.candidate)
        )  # fmt: skip
        return sql.frame(self._engine, query, dict.fromkeys(("component", "candidate", "status"), _TEXT))

    def cohorts(self, centre: str, series: str) -> list[Mapping[str, Any]]:
        """The moderation of a centre: `component`, `state`, `size`, `difference`, `tolerance`, `feedback_until`."""
        t = cohorts.c
        query = (
            select(t.id, t.component, t.state, t.size, t.difference, t.tolerance, t.feedback_until)
            .where(t.centre == centre, t.series == series)
            .order_by(t.component)
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def learners(
        self, *, centre: str = "", candidate: str = "", ucis: Sequence[str] = (), limit: int = 50
    ) -> pl.DataFrame:
        """Learners registered or entered, by candidate number or UCIs (`LEARNERS`), with their `options` in one text.
        UCIs are personal data."""
        parts = []
        for table in (registrations, entries):
            t = table.c
            where: list[sa.ColumnElement[bool]] = [t.ended_by.is_(None)]
            where += [t.centre == centre] if centre else []
            where += [t.candidate == candidate] if candidate else []
            where += [t.uci.in_(ucis)] if ucis else []
            parts.append(led(table, only=("centre", "candidate", "series", "uci", "option")).where(*where))
        both = sa.union_all(*parts).subquery()
        b = both.c
        query = (
            select(
                b.centre, b.candidate, b.series, b.uci,
                func.string_agg(b.option, aggregate_order_by(sa.literal(" "), b.option)).label(
                    "options"
                ),
            )
            .group_by(b.centre, b.candidate, b.series, b.uci)
            .order_by(b.series.desc(), b.centre, b.candidate)
            .limit(limit)
        )  # fmt: skip
        return sql.frame(self._engine, query, LEARNERS)

    def person(self, centre: str, candidate: str) -> pl.DataFrame:
        """Everything on the books under a candidate number of a centre (`PERSON`): registrations, entries and claims,
        including ended ones. Names, dates of birth and UCIs are personal data."""
        every, known = (
            led(registrations).where(at_centre(registrations, centre)).subquery(),
            details_in_force().subquery(),
        )
        r, e, d = every.c, led(entries).where(at_centre(entries, centre)).subquery().c, known.c
        query = sa.union_all(
            select(
                r.series, r.option, r.uci, func.coalesce(d.name, r.name).label("name"),
                func.coalesce(d.born, r.born).label("born"), r.submission_id.label("submission"), r.line,
                sa.literal(terms.REGISTRATION).label("kind"), r.ended_by.is_not(None).label("ended"),
            )
            .outerjoin(known, (d.centre == r.centre) & (d.uci == r.uci))
            .where(r.candidate == candidate),
            select(
                e.series, e.option, e.uci, sa.literal(""), sa.null().cast(sa.Date), e.submission_id, e.line, e.kind,
                e.ended_by.is_not(None),
            ).where(e.candidate == candidate),
        ).order_by(sa.text("series DESC, kind, option"))  # fmt: skip
        return sql.frame(self._engine, query, PERSON)

    def person_marks(self, centre: str, ucis: Sequence[str]) -> list[Mapping[str, Any]]:
        """The newest mark of learners at a centre: `series`, `component`, `version`, `stage`, `mark`, `status`."""
        m = marks.c
        newest = newest_marks().where(m.centre == centre).subquery().c
        query = select(newest.series, newest.component, newest.version, newest.stage, newest.mark, newest.status)
        query = query.where(newest.uci.in_(ucis))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(newest.series, newest.component)).mappings()
            return [dict(row) for row in rows]

    def acted(self, centre: str, limit: int = 50) -> list[Mapping[str, Any]]:
        """What staff did about a centre (OPS-3), the newest first: `at`, `who`, `why`, `action`, `series`, `option`,
        `event`, `until`, `file_name`."""
        t = actions.c
        query = (
            select(
                t.at,
                spoken(t.who, t.how).label("who"),
                t.why,
                t.action,
                t.series,
                t.option,
                t.event,
                t.until,
                t.file_name,
            )
            .where(t.centre == centre)
            .order_by(t.id.desc())
            .limit(limit)
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def keys(self, centre: str, now: datetime) -> list[Mapping[str, Any]]:
        """Keys a centre can log in with at `now` (aware): `kind`, `fingerprint`, `comment`, `added_at`, `ends_at`."""
        t = centre_keys.c
        valid = [t.removed_at.is_(None), t.ends_at.is_(None) | (t.ends_at > now)]
        query = select(t.kind, t.fingerprint, t.comment, t.added_at, t.ends_at).where(t.centre == centre, *valid)
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query.order_by(t.id)).mappings()]

    # --- In general --------------------------------------------------------------------------------------------------

    def _rows(self, query: Any) -> Sequence[Any]:
        with self._engine.connect() as connection:
            return connection.execute(query).all()


def _name(column: sa.ColumnElement[Any]) -> str:
    return str(column.key)
