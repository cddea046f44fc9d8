"""The ledger: what came, what was decided, what is held, what it costs. PostgreSQL through SQLAlchemy Core.

One transaction a file. Unique keys make every repeat harmless: a landing is recorded once, a sequence number is
booked once, an option is held once. Frames go in by COPY and come out as Polars frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from attrs import frozen
from sqlalchemy import Connection, Engine, RowMapping, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from infra import sql
from infra.marks import add, sittings
from infra.tables import entries, fee_lines, findings, marks, registrations, replies, submissions


def migrate(database_url: str) -> None:
    """Brings the schema of the database to the newest version; repeatable, and safe when two do it at once."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection, connection.begin():
        connection.execute(select(func.pg_advisory_xact_lock(_LOCKS["migrate"])))
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    engine.dispose()


_LOCKS = {"migrate": 7_310_001, "ingest": 7_310_002, "marks": 7_310_003, "moderation": 7_310_004}


@frozen(kw_only=True)
class Landing:
    """One file as it landed. `received` is aware; `kind` is `file`, `folder` or `other`; `channel` the way it came."""

    landing_key: str
    centre: str
    file_name: str
    kind: str
    received: datetime
    size: int
    sha256: str
    channel: str = "edi"


@frozen(kw_only=True)
class Received:
    """A landing on the books, with its id and the name of its reply."""

    id: int
    landing: Landing
    reply_name: str
    outcome: str | None


@frozen(kw_only=True)
class Booking:
    """What one transaction writes for one file. Rows are mappings or frames with the columns of their tables."""

    submission_id: int
    outcome: str
    booked: bool
    pence: int
    counts: Mapping[str, int]
    findings: Sequence[Mapping[str, Any]]
    registrations: pl.DataFrame
    entries: pl.DataFrame
    fee_lines: pl.DataFrame
    marks: pl.DataFrame
    ended_registrations: Sequence[int]
    ended_entries: Sequence[int]
    reply_name: str
    reply_text: str
    reply_twin: str


class Ledger:
    """Access to the ledger at one PostgreSQL address. Close it, or use it as a context manager."""

    def __init__(self, database_url: str) -> None:
        self._engine: Engine = sa.create_engine(database_url, pool_pre_ping=True)

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

    @contextmanager
    def exclusive(self, job: str) -> Iterator[bool]:
        """Whether this is the only run of `job` anywhere: true holds the lock until the end of the block."""
        with self._engine.connect() as connection:
            held = bool(connection.execute(select(func.pg_try_advisory_lock(_LOCKS[job]))).scalar())
            connection.commit()
            try:
                yield held
            finally:
                if held:
                    connection.execute(select(func.pg_advisory_unlock(_LOCKS[job])))
                    connection.commit()

    # --- Receiving ---------------------------------------------------------------------------------------------------

    def receive(
        self,
        landing: Landing,
        *,
        reply_stream: str,
        letter: str | None,
        awarding_body: str | None,
        series: str | None,
        sequence: int | None,
    ) -> Received:
        """Books a landing and gives its reply a number, the next of its centre and stream; a landing that is booked
        already is returned as it stands."""
        with self._engine.begin() as connection:
            known = self._landed(connection, landing)
            if known:
                return known
            mine = (submissions.c.centre == landing.centre) & (submissions.c.reply_stream == reply_stream)
            number = func.coalesce(func.max(submissions.c.reply_number), 0) + 1
            values = {
                "centre": landing.centre,
                "channel": landing.channel,
                "file_name": landing.file_name,
                "landing_key": landing.landing_key,
                "kind": landing.kind,
                "received": landing.received,
                "size": landing.size,
                "sha256": landing.sha256,
                "letter": letter,
                "awarding_body": awarding_body,
                "series": series,
                "sequence": sequence,
                "reply_stream": reply_stream,
                "reply_number": select(number).where(mine).scalar_subquery(),
            }
            connection.execute(insert(submissions).values(values))
            received = self._landed(connection, landing)
        assert received is not None
        return received

    def _landed(self, connection: Connection, landing: Landing) -> Received | None:
        same = (
            (submissions.c.landing_key == landing.landing_key)
            & (submissions.c.received == landing.received)
            & (submissions.c.sha256 == landing.sha256)
        )
        row = connection.execute(select(submissions).where(same)).mappings().one_or_none()
        return _received(row) if row else None

    def waiting(self, files: int, size: int, first_series: Sequence[str]) -> list[Received]:
        """The next files to decide, at most `files` of them and `size` bytes (but always one), a centre's in the
        order in which they apply: series whose first two characters are in `first_series` (registrations), then by
        series, entries before marks, sequence and letter. Files without a readable header come last."""
        table = submissions.c
        kind = sa.case((func.substr(table.series, 1, 2).in_(first_series), 0), (table.series.is_(None), 2), else_=1)
        letter = sa.case({"E": 0, "A": 1}, value=table.letter, else_=2)
        year = func.substr(table.series, 3, 2)
        marking = sa.case((table.letter == "M", 1), else_=0)
        order = (table.centre, kind, year, table.series, marking, table.sequence, letter, table.received, table.id)
        before = func.sum(table.size).over(order_by=order) - table.size
        ranked = (
            select(submissions, before.label("before")).where(table.outcome.is_(None)).order_by(*order).limit(files)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(ranked).mappings().all()
        return [_received(row) for row in rows if row["before"] < size]

    # --- What is known -----------------------------------------------------------------------------------------------

    def files_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Files of these centres that were booked or are held for a person (`rules.known.FILES`)."""
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
        return self._frame(query.where(table.centre.in_(centres), table.booked | (table.outcome == "quarantined")))

    def registrations_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Registrations in force at these centres (`rules.known.REGISTRATIONS`)."""
        t = registrations.c
        query = select(t.id, t.centre, t.series, t.candidate, t.uci, t.uln, t.name, t.option)
        return self._frame(query.where(t.centre.in_(centres), t.ended_by.is_(None)))

    def entries_of(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Entries in force of these centres in these series (`rules.known.ENTRIES`)."""
        t = entries.c
        query = select(t.id, t.centre, t.series, t.candidate, t.uci, t.option, t.pence, t.entry_pence)
        return self._frame(query.where(t.centre.in_(centres), t.series.in_(series), t.ended_by.is_(None)))

    def sittings_of(self, centres: Sequence[str]) -> pl.DataFrame:
        """Entries for components in force of the learners of these centres, in any series and at any centre
        (`rules.known.SITTINGS`): of those registered or entered there."""
        t = entries.c
        learners = sa.union(
            select(registrations.c.uci).where(registrations.c.centre.in_(centres), registrations.c.ended_by.is_(None)),
            select(t.uci).where(t.centre.in_(centres), t.ended_by.is_(None)),
        ).subquery()
        return self._frame(sittings().join(learners, learners.c.uci == t.uci))

    def marked(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Components with a mark in these series of the learners entered at these centres, at any centre
        (`rules.known.SAT`)."""
        t, m = entries.c, marks.c
        learners = select(t.uci).where(t.centre.in_(centres), t.ended_by.is_(None)).distinct().subquery()
        query = select(m.uci, m.component.label("option"), m.series).distinct().join(learners, learners.c.uci == m.uci)
        return self._frame(query.where(m.series.in_(series), m.mark.is_not(None)))

    def learners(self, ulns: Sequence[str]) -> pl.DataFrame:
        """Every UCI registered for these ULNs, at any centre (`rules.known.LEARNERS`)."""
        t = registrations.c
        wanted = sa.func.unnest(sa.cast(list(ulns), sa.ARRAY(sa.Text))).table_valued("uln").render_derived()
        query = select(t.uln, t.uci, t.centre).distinct().join(wanted, wanted.c.uln == t.uln)
        return self._frame(query.where(t.ended_by.is_(None)))

    def _frame(self, query: sa.Select[Any]) -> pl.DataFrame:
        return sql.frame(self._engine, query)

    # --- Booking -----------------------------------------------------------------------------------------------------

    def book(self, booking: Booking) -> bool:
        """Writes everything of one file in one transaction; false, and nothing written, when it was decided before."""
        one = booking.submission_id
        with self._engine.begin() as connection:
            changed = connection.execute(
                submissions.update()
                .where(submissions.c.id == one, submissions.c.outcome.is_(None))
                .values(
                    outcome=booking.outcome, booked=booking.booked, pence=booking.pence, counts=dict(booking.counts)
                )
            )
            if changed.rowcount == 0:
                return False
            if booking.findings:
                rows = [{"submission_id": one, "ordinal": i, **row} for i, row in enumerate(booking.findings, 1)]
                connection.execute(findings.insert(), rows)
            for table, ended in ((registrations, booking.ended_registrations), (entries, booking.ended_entries)):
                if ended:
                    connection.execute(table.update().where(table.c.id.in_(ended)).values(ended_by=one))
            for table, frame in (
                (registrations, booking.registrations),
                (entries, booking.entries),
                (fee_lines, booking.fee_lines),
            ):
                sql.copy(connection, table, frame.with_columns(pl.lit(one).alias("submission_id")))
            add(connection, booking.marks)
            connection.execute(
                replies.insert().values(
                    submission_id=one, name=booking.reply_name, text=booking.reply_text, twin=booking.reply_twin
                )
            )
        return True

    def unpublished(self) -> list[Mapping[str, Any]]:
        """Replies that are decided but not surely in the outbox: `submission_id`, `name`, `text`, `twin` of the
        reply, `centre`, `file_name`, `kind`, `sha256`, `outcome` of the file it answers."""
        of = submissions.c
        query = (
            select(replies, of.centre, of.file_name, of.kind, of.sha256, of.outcome)
            .join(submissions, of.id == replies.c.submission_id)
            .where(~replies.c.published)
            .order_by(replies.c.submission_id)
        )
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]

    def published(self, submission_ids: Iterable[int]) -> None:
        """Marks replies as being in the outbox."""
        ids = list(submission_ids)
        if ids:
            with self._engine.begin() as connection:
                connection.execute(replies.update().where(replies.c.submission_id.in_(ids)).values(published=True))

    # --- Looking -----------------------------------------------------------------------------------------------------

    def story(self, landing_keys: Sequence[str]) -> pl.DataFrame:
        """What became of landings, the newest of each key: `landing_key`, `centre`, `file_name`, `received`,
        `outcome` (null = not decided yet), `pence`, `counts`, `reply`, `sha256`."""
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
        return self._frame(query)


def reply_name(centre: str, stream: str, number: int) -> str:
    """`X<centre><stream>.X<nn>`: the reply's number counts on, its name shows the last two digits, as with
    submissions."""
    return f"X{centre}{stream}.X{number % 100:02d}"


_LANDING = ("landing_key", "centre", "file_name", "kind", "received", "size", "sha256", "channel")


def _received(row: RowMapping) -> Received:
    landing = Landing(**{name: row[name] for name in _LANDING})
    return Received(
        id=row["id"],
        landing=landing,
        reply_name=reply_name(row["centre"], row["reply_stream"], row["reply_number"]),
        outcome=row["outcome"],
    )
