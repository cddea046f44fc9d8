"""What the ledger knows of how long things are kept: receipts of archived files, disputes, what was removed, and
learners who are due to be forgotten (OPS-9)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import frozen
from sqlalchemy import (
    Connection,
    Engine,
    Select,
    Table,
    Text,
    and_,
    cast,
    column,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
    union,
    union_all,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from infra.ledger import sql
from infra.ledger.approvals import Signer
from infra.ledger.personal import ERASED, NO_LONGER_KEPT, PERSONAL
from infra.ledger.sealed import is_sealed
from infra.ledger.seals import forget
from infra.ledger.tables import (
    actions,
    alerts,
    awardings,
    awards,
    door_bytes,
    door_limits,
    door_visits,
    entries,
    erasures,
    events_posted,
    fee_lines,
    findings,
    hold_decisions,
    journal,
    learner_ucis,
    learner_versions,
    letters_fetched,
    marks,
    metadata,
    notices,
    registrations,
    removals,
    results,
    submissions,
)
from rules import terms

_PASSING = (
    (alerts, alerts.c.at), (door_limits, door_limits.c.hour), (door_bytes, door_bytes.c.hour),
    (door_visits, door_visits.c.logged_in), (letters_fetched, letters_fetched.c.at),
    (notices, notices.c.seen), (events_posted, events_posted.c.at),
)  # fmt: skip
"""What is interesting for a season only."""


def stand_in(number: int) -> str:
    """What stands for the UCI of the learner who was forgotten under this number."""
    return f"{ERASED}{number:07d}"


@frozen
class Dispute:
    """What is in dispute: a centre, one series there (`2024-06`) or all (empty), one learner there or all (empty)."""

    centre: str
    series: str = ""
    uci: str = ""


@frozen
class Receipt:
    """An archived file on the books: when it was last received (aware), by which centres (none: a feed of the board's),
    and whether it still waits for a decision."""

    last: datetime
    centres: frozenset[str] = frozenset()
    waits: bool = False


class KeepingBook:
    """Access to what is kept how long. What it changes can be repeated."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- What holds things back --------------------------------------------------------------------------------------

    def disputes(self) -> set[Dispute]:
        """What is in dispute: of each, the last word counts."""
        t = actions.c
        query = select(t.centre, t.series, t.uci, t.action).where(t.action.in_([terms.DISPUTE, terms.SETTLED]))
        with self._engine.connect() as connection:
            last = {(row.centre, row.series, row.uci): row.action for row in connection.execute(query.order_by(t.id))}
        return {Dispute(*about) for about, action in last.items() if action == terms.DISPUTE}

    def unreleased(self) -> set[str]:
        """Series whose newest results are neither out nor withdrawn."""
        t = awardings.c
        newest = select(t.series, t.state).ext(distinct_on(t.series)).order_by(t.series, t.version.desc())
        with self._engine.connect() as connection:
            rows = connection.execute(newest).all()
        return {series for series, state in rows if state not in (terms.RELEASED, terms.WITHDRAWN)}

    def centres_waiting(self) -> set[str]:
        """Centres of which a file is not decided, or held without a decision."""
        with self._engine.connect() as connection:
            return set(connection.execute(select(submissions.c.centre).distinct().where(_waits())).scalars())

    # --- Files -------------------------------------------------------------------------------------------------------

    def receipts(self) -> dict[str, Receipt]:
        """Every archived file that is on the books, by its SHA-256."""
        t, found = submissions.c, dict[str, Receipt]()
        files = select(t.sha256, t.received, t.centre, _waits().label("waits")).order_by(t.id)
        with self._engine.connect() as connection:
            for sha256, received, centre, waits in connection.execute(files):
                before = found.get(sha256, Receipt(received))
                centres = before.centres | {centre}
                found[sha256] = Receipt(max(before.last, received), centres, before.waits or waits)
            for taken in connection.execute(select(journal.c.taken)).scalars():
                for file in taken:
                    received = datetime.fromisoformat(file["received"])
                    before = found.get(file["sha256"], Receipt(received))
                    found[file["sha256"]] = Receipt(max(before.last, received), before.centres, before.waits)
        return found

    def remove(self, kind: str, keys: Sequence[str], at: datetime) -> None:
        """Records that files are no longer kept, before they are removed."""
        rows = [{"key": key, "kind": kind, "at": at} for key in keys]
        added = upsert(removals)
        with self._engine.begin() as connection:
            connection.execute(
                added.on_conflict_do_update(index_elements=["key"], set_={"kind": kind, "at": added.excluded.at}), rows
            )

    def removed(self) -> dict[str, datetime]:
        """The keys of all files that were removed, and for which instant."""
        with self._engine.connect() as connection:
            return {row.key: row.at for row in connection.execute(select(removals.c.key, removals.c.at))}

    # --- Rows --------------------------------------------------------------------------------------------------------

    def old_texts(self, table: Table, before: datetime, disputes: Collection[Dispute]) -> list[int]:
        """The ids of files received before an instant (aware) whose findings, or whose reply, still have their text."""
        t, s = table.c, submissions.c
        has = t.message != NO_LONGER_KEPT if table is findings else and_(t.published, t.text != "")
        query = select(s.id).distinct().join(table, t.submission_id == s.id)
        disputed = {dispute.centre for dispute in disputes}
        query = query.where(s.received < before, has, ~_waits(), s.centre.not_in(disputed))
        with self._engine.connect() as connection:
            return list(connection.execute(query.order_by(s.id)).scalars())

    def empty_texts(self, table: Table, ids: Sequence[int]) -> None:
        """Takes the text out of these files' findings, or their replies; what can be counted stays."""
        empty = dict.fromkeys(("message", "expected", "remedy"), NO_LONGER_KEPT) | {"value": None, "candidate": None}
        given: Mapping[str, Any] = empty if table is findings else {"text": "", "twin": ""}
        with self._engine.begin() as connection:
            connection.execute(update(table).where(table.c.submission_id.in_(ids)).values(given))

    def old_alerts(self, before: datetime) -> int:
        """How many alerts, and hours in which a limit of file transfer was reached, were before an instant (aware)."""
        counts = (select(func.count()).select_from(table).where(at < before) for table, at in _PASSING)
        with self._engine.connect() as connection:
            return sum(int(connection.execute(count).scalar_one()) for count in counts)

    def drop_alerts(self, before: datetime) -> None:
        """Removes them."""
        with self._engine.begin() as connection:
            for table, at in _PASSING:
                connection.execute(delete(table).where(at < before))

    # --- Learners ----------------------------------------------------------------------------------------------------

    def learners(self, before: datetime) -> pl.DataFrame:
        """Learners of whom nothing is younger than an instant (aware): `uci`, `last`, sorted by UCI."""
        seen, u = union_all(*_seen()).subquery(), learner_ucis.c
        # A learner with several UCIs is one: what is young under one of them keeps the others too (REG-8).
        whose = func.coalesce(u.in_force, seen.c.uci)
        by_uci = (
            select(seen.c.uci, whose.label("whose"), func.max(seen.c.at).label("at"))
            .outerjoin(learner_ucis, (u.uci == seen.c.uci) & u.until.is_(None))
            .where(seen.c.uci != "", ~seen.c.uci.startswith(ERASED))
            .group_by(seen.c.uci, whose)
            .subquery()
        )
        last = func.max(by_uci.c.at).over(partition_by=by_uci.c.whose)
        every = select(by_uci.c.uci, last.label("last")).subquery()
        query = select(every).where(every.c.last < before).order_by(every.c.uci)
        return sql.table(self._engine, query)

    def _and_others(self, ucis: set[str]) -> set[str]:
        """These UCIs, and all others that lead to the same learners (REG-8)."""
        leads, other = learner_ucis.c, learner_ucis.alias().c
        wanted = list(ucis)
        forward = select(leads.in_force).where(leads.uci.in_(wanted), leads.until.is_(None))
        with self._engine.connect() as connection:
            heads = ucis | set(connection.execute(forward).scalars())
            more = select(other.uci).where(other.in_force.in_(list(heads)), other.until.is_(None))
            return heads | set(connection.execute(more).scalars())

    def in_dispute(self, disputes: Collection[Dispute]) -> set[str]:
        """The UCIs of learners whom a dispute is about."""
        if not disputes:
            return set()
        found = {dispute.uci for dispute in disputes if dispute.uci}
        of_all = [dispute for dispute in disputes if not dispute.uci]
        parts = []
        for table in (registrations, entries, marks, results):
            t = table.c
            series = t.series if table is not results else awardings.c.series
            for dispute in of_all:
                query = select(t.uci).where(t.centre == dispute.centre)
                if table is results:
                    query = query.join(awardings, awardings.c.id == t.awarding_id)
                parts.append(query.where(series == dispute.series) if dispute.series else query)
        if parts:
            with self._engine.connect() as connection:
                found |= set(connection.execute(union(*parts)).scalars())
        return self._and_others(found)

    def pending(self, unreleased: Collection[str]) -> set[str]:
        """The UCIs of learners with a result or an award that is pending in its newest version, or an entry in a series
        whose results are not out."""
        held = []
        for table, of in ((results, results.c.component), (awards, awards.c.cash_in)):
            t, w = table.c, awardings.c
            newest = (
                select(t.uci, t.outcome)
                .join(awardings, w.id == t.awarding_id)
                .where(w.state != terms.WITHDRAWN)
                .ext(distinct_on(t.uci, w.series, of))
                .order_by(t.uci, w.series, of, w.version.desc())
                .subquery()
            )
            held.append(select(newest.c.uci).where(newest.c.outcome == terms.PENDING))
        held.append(select(entries.c.uci).where(entries.c.series.in_(unreleased), entries.c.ended_by.is_(None)))
        with self._engine.connect() as connection:
            waiting = set(connection.execute(union(*held)).scalars())
        return self._and_others(waiting)

    def same_person(self, uci: str) -> list[str]:
        """The UCIs that lead to the same learner as this one, and those with the same ULN, itself first; sorted."""
        t, other = learner_versions.c, learner_versions.alias("other")
        ucis = self._and_others({uci})
        query = select(other.c.uci).join(learner_versions, other.c.uln == t.uln).where(t.uci.in_(ucis), t.uln != "")
        with self._engine.connect() as connection:
            more = self._and_others(ucis | set(connection.execute(query).scalars())) - {uci}
        return [uci, *sorted(more)]

    def held_about(self, ucis: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """Every row about learners, of every table with a UCI and of the journal, by the table's name; rows that came
        in a file have its `file`, `received` and `sha256`, those of an awarding its `series` and `version`."""
        held: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as connection:
            for table in metadata.sorted_tables:
                if "uci" in table.c:
                    query = _with_source(table).where(table.c.uci.in_(ucis)).order_by(*_in_order(table))
                    held[table.name] = [dict(row) for row in connection.execute(query).mappings()]
            said = cast(journal.c.arguments, Text)
            about = or_(*(said.contains(uci) for uci in ucis))
            jobs = select(journal.c.at, journal.c.job, journal.c.arguments).where(about).order_by(journal.c.id)
            held[journal.name] = [dict(row) for row in connection.execute(jobs).mappings()]
        return held

    def held_of(
        self, centre: str, series: str, keys: Collection[str], candidate: str
    ) -> dict[str, list[dict[str, Any]]]:
        """What is held about a candidate number of a centre in a series (`2024-06`; in files it is one of `keys`):
        `fee_lines`, and the `findings` on the centre's files."""
        s, fee, found = submissions.c, fee_lines.c, findings.c
        lines = select(fee_lines, s.file_name.label("file")).join(submissions, s.id == fee.submission_id)
        lines = lines.where(fee.centre == centre, fee.series == series, fee.candidate == candidate)
        said = select(findings, s.file_name.label("file"), s.received).join(submissions, s.id == found.submission_id)
        said = said.where(s.centre == centre, s.series.in_(keys), found.candidate == candidate)
        with self._engine.connect() as connection:
            return {
                "fee_lines": [dict(row) for row in connection.execute(lines.order_by(fee.id)).mappings()],
                "findings": [
                    dict(row)
                    for row in connection.execute(said.order_by(found.submission_id, found.ordinal)).mappings()
                ],
            }

    def forget(self, learners: pl.DataFrame, by: Signer, why: str, at: datetime) -> None:
        """Replaces what names these learners (`uci`, `last`) everywhere, and records it, in one transaction. Each gets
        the next number; results, marks and counts stay as they are. Raises `SealBroken` when one of their rows is
        not as it was sealed: it would be sealed anew as it is (OPS-7)."""
        with self._engine.begin() as connection:
            first = int(connection.execute(select(func.coalesce(func.max(erasures.c.number), 0) + 1)).scalar_one())
            numbered = list(enumerate(learners.iter_rows(named=True), first))
            rows = [
                {"number": number, "at": at, "last": row["last"], "who": by.who, "how": by.how, "why": why}
                for number, row in numbered
            ]
            connection.execute(insert(erasures), rows)
            stand_ins = {row["uci"]: stand_in(number) for number, row in numbered}
            pairs = values(column("uci", Text), column("stand_in", Text), name="stand_ins").data([*stand_ins.items()])
            forget(connection, stand_ins)
            for table, gone in PERSONAL.items():
                if is_sealed(table):
                    continue
                given = {"uci": pairs.c.stand_in, **gone}
                connection.execute(update(table).where(table.c.uci == pairs.c.uci).values(given))
            _forget_in_journal(connection, pairs)

    def erased(self) -> int:
        """How many learners have been forgotten."""
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(erasures)).scalar_one())

    def erased_in_journal(self) -> int:
        """How many entries of the journal were about learners who have been forgotten."""
        about = cast(journal.c.arguments, Text).contains(f'"{ERASED}0')
        with self._engine.connect() as connection:
            return int(connection.execute(select(func.count()).select_from(journal).where(about)).scalar_one())


def _with_source(table: Table) -> Select[Any]:
    s, w = submissions.c, awardings.c
    if "submission_id" in table.c:
        source = select(table, s.file_name.label("file"), s.received, s.sha256)
        # What staff ordered came in no file.
        return source.outerjoin(submissions, s.id == table.c.submission_id)
    if "awarding_id" in table.c:
        # Of a choice the series is that of the sitting.
        of = select(table, w.series.label("awarded_in"), w.version.label("awarded_as"), w.state.label("awarding_is"))
        return of.join(awardings, w.id == table.c.awarding_id)
    return select(table)


def _in_order(table: Table) -> list[Any]:
    return list(table.primary_key) or [table.c.awarding_id, *(c for c in table.c if c.name in ("component", "series"))]


def _waits() -> Any:
    """Whether a file is not decided, or held without a decision."""
    s = submissions.c
    held = and_(s.outcome == terms.QUARANTINED, s.id.not_in(select(hold_decisions.c.submission_id)))
    return or_(s.outcome.is_(None), held)


def _seen() -> list[Select[Any]]:
    """When something came on record about a learner, from every table that names one: `uci`, `at`."""
    s, ending, w = submissions.c, submissions.alias("ending"), awardings.c
    found: list[Select[Any]] = []
    for table in (registrations, entries):
        t = table.c
        query = select(t.uci, func.greatest(s.received, ending.c.received, type_=s.received.type).label("at"))
        query = query.join(submissions, s.id == t.submission_id).outerjoin(ending, ending.c.id == t.ended_by)
        found.append(query)
    found.append(select(marks.c.uci, marks.c.received.label("at")))
    found.append(select(actions.c.uci, actions.c.at.label("at")).where(actions.c.action != terms.EXPORT))
    awarded = (
        select(table.c.uci, w.at.label("at")).join(awardings, w.id == table.c.awarding_id)
        for table in (results, awards)
    )
    return [*found, *awarded]


def _forget_in_journal(connection: Connection, pairs: Any) -> None:
    """Arguments of jobs name learners too, and say why something was done for them."""
    t = journal.c
    plain = cast(t.arguments, Text)
    replaced = cast(func.replace(plain, pairs.c.uci, pairs.c.stand_in), JSONB)
    gone = func.to_jsonb(cast(literal(NO_LONGER_KEPT), Text))
    reason = func.jsonb_set(replaced, text("'{order,Order,why}'"), gone, text("false"))
    nobody = func.jsonb_set(reason, text("'{details,Details}'"), cast({"name": ERASED}, JSONB), text("false"))
    connection.execute(update(journal).where(plain.contains(pairs.c.uci)).values(arguments=nobody))
