"""The ledger: what was received, what was decided, what is held, what it costs. PostgreSQL through SQLAlchemy Core.

What a file changes is one transaction; files that are decided together share it. Unique keys make every repeat
harmless: a landing is recorded once, a sequence number is booked once, an option is held once. Frames go in by COPY and
come out as Polars frames.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from attrs import asdict, fields, frozen
from sqlalchemy import Connection, Engine, RowMapping, func, select
from sqlalchemy.dialects.postgresql import JSONB, distinct_on

from infra.ledger import frozen as frozen_book
from infra.ledger import learners, roles, sealed, sql
from infra.ledger.contents import Contents
from infra.ledger.learners import LearnerBook, every_uci, learners_at, led
from infra.ledger.marks import add, sittings_of
from infra.ledger.tables import (
    actions,
    entries,
    fee_lines,
    findings,
    hold_decisions,
    marks,
    registrations,
    replies,
    shares,
    submissions,
)
from infra.ledger.turns import LOCKS, Turn, holder, lock_of
from rules import terms
from rules.frames import ENTRIES, FILES, HOLDINGS, INSTANT, REGISTRATIONS, SAT, SITTINGS, Frame


def migrate(database_url: str, desk_url: str = "") -> None:
    """Brings the schema of the database to the newest version; it can be repeated, and is safe when two runs do it at
    once. `database_url` is the owner's address, and its tables are the owner's; `desk_url` that of the desk's own role,
    which is given what it needs (`infra.ledger.roles`). Raises `RoleError`."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection, connection.begin():
        connection.execute(select(func.pg_advisory_xact_lock(LOCKS["migrate"])))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        sealed.install(connection)
        frozen_book.join(connection)
        if desk_url:
            roles.admit(connection, desk_url)
    engine.dispose()


@frozen(kw_only=True)
class Landing:
    """One file as it landed. `received` and `modified`, when the store says it was written, are aware and differ only
    where that clock runs ahead; `kind` is `file`, `folder` or `other`; `channel` the way it came. `reply_stream`
    numbers its reply; `letter`, `awarding_body`, `series` and `sequence` are what its header says, where it can be
    read."""

    landing_key: str
    centre: str
    file_name: str
    kind: str
    received: datetime
    modified: datetime
    size: int
    sha256: str
    channel: str = terms.EDI
    reply_stream: str = "00"
    letter: str | None = None
    awarding_body: str | None = None
    series: str | None = None
    sequence: int | None = None


@frozen(kw_only=True)
class Received:
    """A landing on the books, with its id and the name of its reply."""

    id: int
    landing: Landing
    reply_name: str
    outcome: str | None


@frozen
class HoldDecision:
    """What a person did about a held file: `action` is `again`, `ignore` or `release`; `at` is aware. `how`: how the
    desk knows who it was."""

    at: datetime
    who: str
    why: str
    action: str
    how: str = terms.STATED


SENT: Frame = {
    "centre": pl.String, "file_name": pl.String, "received": INSTANT, "letter": pl.String, "body": pl.String,
    "series": pl.String, "sequence": pl.Int64, "outcome": pl.String, "reply": pl.String,
}  # fmt: skip
"""Files that were sent: `body` (awarding body), `series`, `letter` and `sequence` as their headers say, null where they
cannot be read; `outcome` is null until it is decided; `reply` is the name of the reply."""
NUMBERS: Frame = {
    "centre": pl.String, "body": pl.String, "series": pl.String, "marks": pl.Boolean, "last": pl.Int64,
}  # fmt: skip
"""The highest number that was applied, of entries and amendments together, and of `marks`."""


@frozen(kw_only=True)
class Booking:
    """What one transaction writes, for one file or for several. Rows are mappings or frames with the columns of their
    tables; each names its `submission_id`.

    `outcomes`: `submission_id`, `outcome`, `booked`, `pence`, `counts`. `ended_registrations` and `ended_entries`: `id`
    of what the submission ends. `ended_versions` (`centre`, `uci`, `until`), `versions` and `ucis`: what changes in
    learners' details and UCIs. `actions`: what a centre's system orders by a feed, as the table has it.
    """

    outcomes: Sequence[Mapping[str, Any]]
    findings: Sequence[Mapping[str, Any]]
    registrations: pl.DataFrame
    entries: pl.DataFrame
    fee_lines: pl.DataFrame
    marks: pl.DataFrame
    ended_registrations: pl.DataFrame
    ended_entries: pl.DataFrame
    ended_versions: pl.DataFrame
    versions: pl.DataFrame
    ucis: pl.DataFrame
    replies: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]] = ()


@frozen
class Snapshot:
    """The ledger as it was at one moment: its name for `pg_dump`, and the SHA-256 of every file received by then."""

    name: str
    files: frozenset[str]


POOL: Mapping[str, Any] = {
    "pool_pre_ping": True,
    "pool_size": 8,
    "pool_use_lifo": True,
    "executemany_mode": "values_plus_batch",
}
"""How the desk connects. As many connections stay open as questions are asked at once, and of those the latest is used
first: what PostgreSQL has looked up for a session need not be looked up by the next."""


class Ledger:
    """Access to the ledger at one PostgreSQL address. Close it, or use it as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._engine: Engine = sql.open_engine(database_url, **POOL)

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def engine(self) -> Engine:
        """The connection pool, for the other books on the same database."""
        return self._engine

    def close(self) -> None:
        self._engine.dispose()

    def contents(self) -> Contents:
        """Its rows, to be compared with those of another ledger."""
        return Contents(self._engine)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """The ledger as it is now; until the block ends it can be dumped in this state."""
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            name = connection.execute(select(func.pg_export_snapshot())).scalar_one()
            t = submissions.c
            yield Snapshot(name, frozenset(connection.scalars(select(t.sha256).where(t.kind == "file"))))

    @contextmanager
    def exclusive(self, job: str) -> Iterator[Turn]:
        """OPS-6: whether this is the only run of `job` anywhere, and if not, who has its turn. If it is, the lock is
        held until the end of the block."""
        with self._engine.connect() as connection:
            held = bool(connection.execute(select(func.pg_try_advisory_lock(LOCKS[job]))).scalar())
            turn = Turn(held, "" if held else holder(connection, LOCKS[job]))
            connection.commit()
            try:
                yield turn
            finally:
                if held:
                    connection.execute(select(func.pg_advisory_unlock(LOCKS[job])))
                    connection.commit()

    @contextmanager
    def shard(self, job: str, shard: int) -> Iterator[Turn]:
        """OPS-6: whether this is the only run of `job` for a shard anywhere. As long as one works, no run has the whole
        job (`exclusive`), and where a run has it, no shard is worked at."""
        with self._engine.connect() as connection:
            of_all, own = LOCKS[job], lock_of(shard)
            shared = bool(connection.execute(select(func.pg_try_advisory_lock_shared(of_all))).scalar())
            held = shared and bool(connection.execute(select(func.pg_try_advisory_lock(own))).scalar())
            turn = Turn(held, "" if held else holder(connection, own if shared else of_all))
            connection.commit()
            try:
                yield turn
            finally:
                if held:
                    connection.execute(select(func.pg_advisory_unlock(own)))
                if shared:
                    connection.execute(select(func.pg_advisory_unlock_shared(of_all)))
                connection.commit()

    # --- Receiving ---------------------------------------------------------------------------------------------------

    def receive(self, landings: Sequence[Landing]) -> list[Received]:
        """Books landings in one transaction and gives the reply of each a number, the next of its centre and stream, in
        this order. A landing that is booked already is returned as it is on the books."""
        with self._engine.begin() as connection:
            return self._receive(connection, landings)

    def _receive(self, connection: Connection, landings: Sequence[Landing]) -> list[Received]:
        known = self._landed(connection, landings)
        new = [landing for landing in landings if _identity(landing) not in known]
        numbers = self._reply_numbers(connection, {landing.centre for landing in new})
        rows = []
        for landing in new:
            stream = (landing.centre, landing.reply_stream)
            numbers[stream] = numbers.get(stream, 0) + 1
            rows.append({**asdict(landing), "reply_number": numbers[stream]})
        if rows:
            connection.execute(submissions.insert(), rows)
            known |= self._landed(connection, new)
        return [known[_identity(landing)] for landing in landings]

    def _landed(self, connection: Connection, landings: Sequence[Landing]) -> dict[_Identity, Received]:
        """Those of the landings that are on the books."""
        table = submissions.c
        keys = [landing.landing_key for landing in landings]
        # Other landings under the same key are left out in Python: there are few.
        rows = connection.execute(select(submissions).where(table.landing_key.in_(keys))).mappings()
        found = {_identity(received.landing): received for received in map(_received, rows)}
        return {identity: found[identity] for identity in map(_identity, landings) if identity in found}

    def _reply_numbers(self, connection: Connection, centres: Iterable[str]) -> dict[tuple[str, str], int]:
        """The last reply number of every stream of these centres."""
        table = submissions.c
        query = select(table.centre, table.reply_stream, func.max(table.reply_number))
        query = query.where(table.centre.in_(sorted(centres))).group_by(table.centre, table.reply_stream)
        return {(centre, stream): number for centre, stream, number in connection.execute(query)}

    def waiting(self, files: int, size: int, first_series: Sequence[str], shard: int | None = None) -> list[Received]:
        """The next files to decide, at most `files` of them and `size` bytes (but always one file). The centre whose
        oldest file came first is first: it has waited longest, and of two that speak of one learner the first counts
        (ENT-7). A centre's files are in the order in which they apply: series whose first two characters are in
        `first_series` (registrations), then by series, entries before marks, sequence and letter. Files without a
        readable header come last. With a `shard`, only files that its ingest decides by itself."""
        table = submissions.c
        kind = sa.case((func.substr(table.series, 1, 2).in_(first_series), 0), (table.series.is_(None), 2), else_=1)
        letter = sa.case({"E": 0, "A": 1}, value=table.letter, else_=2)
        year = func.substr(table.series, 3, 2)
        marking = sa.case((table.letter == "M", 1), else_=0)
        oldest = func.min(table.received).over(partition_by=table.centre)
        own = (kind, year, table.series, marking, table.sequence, letter, table.received, table.id)
        rank = func.row_number().over(partition_by=table.centre, order_by=own)
        undecided = select(submissions, oldest.label("oldest"), rank.label("rank")).where(table.outcome.is_(None))
        aged = (undecided if shard is None else undecided.where(table.id.in_(_of_shard(shard)))).subquery()
        order = (aged.c.oldest, aged.c.centre, aged.c.rank)
        before = func.sum(aged.c.size).over(order_by=order) - aged.c.size
        ranked = select(aged, before.label("before")).order_by(*order).limit(files)
        with self._engine.connect() as connection:
            rows = connection.execute(ranked).mappings().all()
        return [_received(row) for row in rows if row["before"] < size]

    def left(self) -> list[list[Received]]:
        """The files of a shared ingest that are not decided yet, whoever was to do it, turn by turn as one ingest would
        decide them."""
        query = select(submissions, shares.c.turn).join(shares, shares.c.submission_id == submissions.c.id)
        query = query.where(submissions.c.outcome.is_(None)).order_by(shares.c.turn, shares.c.place)
        turns: dict[int, list[Received]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                turns.setdefault(row["turn"], []).append(_received(row))
        return [*turns.values()]

    # --- Held files --------------------------------------------------------------------------------------------------

    def received(self, submission_id: int) -> Received | None:
        """A file on the books by its id; None when there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(submissions).where(submissions.c.id == submission_id)).mappings().first()
        return _received(row) if row else None

    def landed(self, landing_key: str, received: datetime, sha256: str) -> Received | None:
        """A file on the books by key, receipt and content; None when there is none."""
        t = submissions.c
        query = select(submissions).where(t.landing_key == landing_key, t.received == received, t.sha256 == sha256)
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        return _received(row) if row else None

    def decide_held(self, held: Received, successor: Landing, decision: HoldDecision) -> tuple[Received, HoldDecision]:
        """Ends a hold: books the same file once more, to be decided by `decision`, in one transaction. Returns the file
        booked and the decision that counts: an earlier decision, when there was one."""
        with self._engine.begin() as connection:
            connection.execute(select(submissions.c.id).where(submissions.c.id == held.id).with_for_update())
            query = select(hold_decisions).where(hold_decisions.c.submission_id == held.id)
            there = connection.execute(query).mappings().first()
            [booked] = self._receive(connection, [successor])
            if there is None:
                row = {"submission_id": held.id, "successor_id": booked.id, **asdict(decision)}
                connection.execute(hold_decisions.insert(), row)
                return booked, decision
        return booked, HoldDecision(**{name: there[name] for name in ("at", "who", "why", "action", "how")})

    def holding(self, submission_id: int) -> frozenset[str]:
        """The codes of the findings that hold a file."""
        t = findings.c
        query = select(t.code).where(t.submission_id == submission_id, t.reach == "hold")
        with self._engine.connect() as connection:
            return frozenset(connection.execute(query).scalars())

    def hold_decisions(self, successors: Sequence[int]) -> dict[int, HoldDecision]:
        """The decisions of people that put these files on the books once more, by the ids of the files."""
        t = hold_decisions.c
        query = select(t.successor_id, t.at, t.who, t.why, t.action, t.how).where(t.successor_id.in_(successors))
        with self._engine.connect() as connection:
            return {id_: HoldDecision(*values) for id_, *values in connection.execute(query)}

    # --- What is known -----------------------------------------------------------------------------------------------

    def files_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Files of these centres that are booked, or held and not yet decided on (`rules.frames.FILES`)."""
        table = submissions.c
        query = select(
            table.centre,
            table.awarding_body,
            table.series,
            table.letter,
            table.sequence,
            table.sha256,
            table.received,
            replies.c.name.label("reply"),
            table.booked,
        ).join(replies, replies.c.submission_id == table.id)
        # A file without a header cannot be booked, and what is not booked but has a series is held.
        held = (table.outcome == terms.QUARANTINED) & table.id.not_in(select(hold_decisions.c.submission_id))
        return sql.look_up(self._engine, query.where(table.centre.in_(centres), table.booked | held), FILES)

    def registrations_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Registrations in force at these centres, with the details in force (`rules.frames.REGISTRATIONS`)."""
        t = registrations.c
        own = ("id", "centre", "series", "candidate", "uci", "option")
        s = submissions.c
        # Asked for each, so that nobody reads the country's files for it.
        since = select(s.received).where(s.id == t.submission_id).correlate(registrations).scalar_subquery()
        query = led(registrations, since.label("since"), only=own)
        query = query.where(t.centre.in_(centres), t.ended_by.is_(None))
        schema, expected = {name: REGISTRATIONS[name] for name in (*own, "since")}, len(centres) * sql.A_CENTRE
        held = sql.look_up(self._engine, query, schema, expected)
        people = LearnerBook(self._engine).at(centres).unique(["centre", "uci"], keep="first")
        both = held.join(people, on=["centre", "uci"], how="left", maintain_order="left")
        blank = [pl.col(name).fill_null("") for name in ("name", "sex", "uln", "upn")]
        return both.with_columns(blank).select(*REGISTRATIONS)

    def entries_of(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Entries in force of these centres in these series (`rules.frames.ENTRIES`). What a learner brought along from
        another centre was not charged to this one (FEE-4)."""
        t, s = entries.c, submissions.c
        # Whoever has sent it was charged, also where the learner has come back under another number since.
        charged = select(s.id).where(s.id == t.submission_id, s.centre == t.centre).correlate(entries).exists()
        own = tuple(name for name in ENTRIES if name not in ("pence", "entry_pence"))
        prices = [sa.case((charged, t[name]), else_=0).label(name) for name in ("pence", "entry_pence")]
        query = led(entries, *prices, only=own)
        query = query.where(t.centre.in_(centres), t.series.in_(series), t.ended_by.is_(None))
        return sql.look_up(self._engine, query, ENTRIES, len(centres) * sql.A_CENTRE)

    def sittings_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Entries for components in force of the learners of these centres, in any series and at any centre
        (`rules.frames.SITTINGS`): of those registered or entered there."""
        return sql.look_up(self._engine, sittings_of(learners_at(centres)), SITTINGS, len(centres) * sql.A_CENTRE)

    def claims_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Claims in force of the learners of these centres, in any series, at any centre (`rules.frames.HOLDINGS`)."""
        t, whose = entries.c, learners_at(centres).subquery()
        held = sql.each(
            select(t.centre, t.series, t.option).where(
                t.uci == sa.any_(every_uci(whose.c.uci)), t.ended_by.is_(None), t.kind == terms.CASH_IN
            )
        )
        query = select(held.c.centre, held.c.series, whose.c.uci, held.c.option)
        query = query.select_from(whose.join(held, sa.true()))
        return sql.look_up(self._engine, query, HOLDINGS, len(centres) * sql.A_CENTRE)

    def marked(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Components with a mark in these series of the learners registered or entered at these centres, at any centre
        (`rules.frames.SAT`)."""
        m, whose = marks.c, learners_at(centres).subquery()
        held = sql.each(
            select(m.component.label("option"), m.series).where(
                m.uci == sa.any_(every_uci(whose.c.uci)), m.series.in_(series), m.mark.is_not(None)
            )
        )
        query = select(whose.c.uci, held).distinct().select_from(whose.join(held, sa.true()))
        return sql.look_up(self._engine, query, SAT, len(centres) * sql.A_CENTRE)

    # --- Booking -----------------------------------------------------------------------------------------------------

    def book(self, booking: Booking) -> bool:
        """Writes everything of a booking in one transaction; false, and nothing is written, when any of its files was
        decided before."""
        ids = [outcome["submission_id"] for outcome in booking.outcomes]
        table = submissions.c
        with self._engine.connect() as connection, connection.begin() as transaction:
            waiting = select(table.id).where(table.id.in_(ids), table.outcome.is_(None)).with_for_update()
            if len(connection.execute(waiting).all()) < len(ids):
                transaction.rollback()
                return False
            connection.execute(_decided(booking.outcomes))
            if booking.findings:
                connection.execute(findings.insert(), booking.findings)
            for held, ended in (
                (registrations, booking.ended_registrations),
                (entries, booking.ended_entries),
            ):
                if not ended.is_empty():
                    ends = sql.listed(ended, {"id": sa.BigInteger(), "submission_id": sa.BigInteger()})
                    ending = held.update().where(held.c.id == ends.c.id)
                    connection.execute(ending.values(ended_by=ends.c.submission_id))
            for into, frame in (
                (registrations, booking.registrations),
                (entries, booking.entries),
                (fee_lines, booking.fee_lines),
            ):
                sql.copy(connection, into, frame)
            add(connection, booking.marks)
            learners.change(connection, booking.ended_versions, booking.versions, booking.ucis)
            connection.execute(replies.insert(), booking.replies)
            if booking.actions:
                connection.execute(actions.insert(), booking.actions)
        return True

    def unpublished(self, shard: int | None = None) -> list[Mapping[str, Any]]:
        """Replies that may not be in the outbox yet: `submission_id`, `name`, `text`, `twin` of the
        reply, `centre`, `file_name`, `kind`, `letter`, `sha256`, `outcome`, `booked` of the file it answers. With a
        `shard`, only to files that its ingest decides by itself."""
        of = submissions.c
        query = (
            select(replies, of.centre, of.file_name, of.kind, of.letter, of.sha256, of.outcome, of.booked)
            .join(submissions, of.id == replies.c.submission_id)
            .where(~replies.c.published)
            .order_by(replies.c.submission_id)
        )
        if shard is not None:
            query = query.where(of.id.in_(_of_shard(shard)))
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def published(self, submission_ids: Iterable[int]) -> None:
        """Marks replies as being in the outbox."""
        ids = list(submission_ids)
        if ids:
            with self._engine.begin() as connection:
                connection.execute(replies.update().where(replies.c.submission_id.in_(ids)).values(published=True))

    def analyze(self) -> None:
        """Makes PostgreSQL count those of its tables again that have grown by a tenth since it last did. After
        thousands of new rows it would still plan by what was there before, and take minutes over a question of
        seconds, until its own housekeeping runs."""
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            grown = connection.scalars(sa.text(_GROWN)).all()
            if grown:
                connection.execute(sa.text(f"ANALYZE (SKIP_LOCKED) {', '.join(grown)}"))

    # --- Looking -----------------------------------------------------------------------------------------------------

    def sent(self, centres: Sequence[str], most: int) -> pl.DataFrame:
        """What these centres have sent, the newest first, at most `most` files of each (`SENT`)."""
        t = submissions.c
        nth = func.row_number().over(partition_by=t.centre, order_by=(t.received.desc(), t.id.desc())).label("nth")
        named = (t.centre, t.file_name, t.received, t.letter, t.awarding_body.label("body"), t.series, t.sequence)
        reply = (t.outcome, t.reply_stream, t.reply_number)
        newest = select(*named, *reply, nth).where(t.centre.in_(centres)).subquery()
        query = select(newest).where(newest.c.nth <= most).order_by(newest.c.centre, newest.c.nth)
        found = sql.look_up(self._engine, query)
        names = [reply_name(*row) for row in found.select("centre", "reply_stream", "reply_number").iter_rows()]
        return found.with_columns(reply=pl.Series(names, dtype=pl.String)).select(
            pl.col(name).cast(kind) for name, kind in SENT.items()
        )

    def numbers(self, centres: Sequence[str]) -> pl.DataFrame:
        """The highest numbers that these centres have used (`NUMBERS`)."""
        t = submissions.c
        marking = (t.letter == "M").label("marks")
        key = (t.centre, t.awarding_body.label("body"), t.series, marking)
        query = select(*key, func.max(t.sequence).label("last")).where(t.centre.in_(centres), t.booked)
        query = query.where(t.letter.in_(("E", "A", "M")), t.sequence.is_not(None))
        query = query.group_by(t.centre, t.awarding_body, t.series, marking)
        return sql.look_up(self._engine, query, NUMBERS)

    def story(self, landing_keys: Sequence[str]) -> pl.DataFrame:
        """What became of landings, the newest of each key: `landing_key`, `centre`, `file_name`, `received`,
        `outcome` (null: not decided yet), `pence`, `counts`, `reply`, `sha256`."""
        table = submissions.c
        query = (
            select(
                table.landing_key,
                table.centre,
                table.file_name,
                table.received,
                table.outcome,
                table.pence,
                table.counts,
                replies.c.name.label("reply"),
                table.sha256,
            )
            .ext(distinct_on(table.landing_key))
            .outerjoin(replies, replies.c.submission_id == table.id)
            .where(table.landing_key.in_(landing_keys))
            .order_by(table.landing_key, table.id.desc())
        )
        return sql.look_up(self._engine, query)


_GROWN = """
SELECT oid::regclass::text FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
AND (reltuples < 0 OR pg_relation_size(oid) > 1.1 * relpages * current_setting('block_size')::int) ORDER BY 1"""
"""The tables that have more pages by a tenth than when they were counted, or never were."""


def _of_shard(shard: int) -> sa.Select[Any]:
    """The numbers of the files that the ingest of a shard decides by itself."""
    return select(shares.c.submission_id).where(shares.c.shard == shard)


def _decided(outcomes: Sequence[Mapping[str, Any]]) -> sa.Update:
    """What becomes of files, in one statement."""
    kinds: sql.Kinds = {
        "submission_id": sa.BigInteger(),
        "outcome": sa.Text(),
        "booked": sa.Boolean(),
        "pence": sa.BigInteger(),
    }
    said = pl.DataFrame([{name: row[name] for name in kinds} for row in outcomes], infer_schema_length=None)
    counts = pl.Series("counts", [json.dumps(row["counts"]) for row in outcomes])
    given = sql.listed(said.with_columns(counts), {**kinds, "counts": sa.Text()})
    values = {name: given.c[name] for name in ("outcome", "booked", "pence")}
    query = submissions.update().where(submissions.c.id == given.c.submission_id)
    return query.values(**values, counts=sa.cast(given.c.counts, JSONB))


def reply_name(centre: str, stream: str, number: int) -> str:
    """`X<centre><stream>.X<nn>`, of three digits or more from the hundredth on: no reply is overwritten."""
    return f"X{centre}{stream}.X{number:02d}"


_Identity = tuple[str, datetime, str]


def _identity(landing: Landing) -> _Identity:
    """What makes a landing the same: its key, its time in the store and its content. Not its receipt: for a file dated
    ahead that is the time of the run, which is different when the run is repeated."""
    return landing.landing_key, landing.modified.astimezone(UTC), landing.sha256


_LANDING = tuple(attribute.name for attribute in fields(Landing))


def _received(row: RowMapping) -> Received:
    landing = Landing(**{name: row[name] for name in _LANDING})
    return Received(
        id=row["id"],
        landing=landing,
        reply_name=reply_name(row["centre"], row["reply_stream"], row["reply_number"]),
        outcome=row["outcome"],
    )
