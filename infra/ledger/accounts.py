"""The totals of a series for the whole country: entries and fees (FEE-5), and who may be without a result (OPS-1,
OPS-2). Frames hold personal data where they have a `name`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from infra.ledger import sql
from infra.ledger.learners import details_in_force, learners_at, led
from infra.ledger.marks import newest_marks, sittings, sittings_of
from infra.ledger.tables import checkpoints, entries, fee_lines, findings, marks, registrations, replies, submissions
from rules import terms
from rules.frames import INSTANT, LAST_MARKS, NAMES_REFUSED, REGISTERED, SITTINGS, Frame

HELD: Frame = {
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "kind": pl.String,
    "band": pl.String,
    "pence": pl.Int64,
    "placeholder": pl.Boolean,
}
CHARGED: Frame = {
    "centre": pl.String,
    "submission_id": pl.Int64,
    "reply": pl.String,
    "file_name": pl.String,
    "received": INSTANT,
    "kind": pl.String,
    "band": pl.String,
    "count": pl.Int64,
    "each": pl.Int64,
    "pence": pl.Int64,
    "placeholder": pl.Boolean,
}
CENTRES: Frame = {"centre": pl.String}


class Accounts:
    """Reads the ledger a series at a time; writes only the record of checkpoints."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Fees --------------------------------------------------------------------------------------------------------

    def held(self, series: str, centre: str = "") -> pl.DataFrame:
        """Entries, or of a registration series registrations, in force (`HELD`), of one `centre` or of all:
        `pence` is what was charged to that centre,
        `placeholder` that nobody published the price. By centre, candidate and option."""
        e, r, paid = entries.c, registrations.c, fee_lines.c
        columns = ("submission_id", "centre", "series", "candidate", "uci", "option")
        both = sa.union_all(
            led(entries, e.kind, e.band, only=columns).where(e.series == series, e.ended_by.is_(None)),
            led(
                registrations,
                sa.literal(terms.REGISTRATION),
                sa.null().cast(sa.Text),
                only=columns,
            ).where(r.series == series, r.ended_by.is_(None)),
        ).subquery()
        t = both.c
        # FEE-5: in a file an option has one price for each band, whatever number a learner has by now.
        lines = select(
            paid.submission_id, paid.centre, paid.option, paid.band, func.max(paid.pence).label("pence"),
            func.bool_or(paid.placeholder).label("placeholder"),
        ).where(paid.series == series, *((paid.centre == centre,) if centre else ()))  # fmt: skip
        line = lines.group_by(paid.submission_id, paid.centre, paid.option, paid.band).subquery().c
        same = (line.submission_id == t.submission_id) & (line.option == t.option)
        same &= line.band == func.coalesce(t.band, terms.ON_TIME)
        # FEE-4: what a learner brought along was paid by the centre before.
        same &= line.centre == t.centre
        query = (
            select(
                t.centre, t.series, t.candidate, t.uci, t.option, t.kind,
                func.coalesce(t.band, line.band, "").label("band"),
                func.coalesce(line.pence, 0).label("pence"),
                func.coalesce(line.placeholder, False).label("placeholder"),
            )
            .outerjoin(line.pence.table, same)
            .where(*_at(t, centre))
            .order_by(t.centre, t.candidate, t.option)
        )  # fmt: skip
        return sql.frame(self._engine, query, HELD)

    def charged(self, series: str) -> pl.DataFrame:
        """Fee lines of a series, those of one file at one price together (`CHARGED`; refunds negative): `count` times
        `each` is `pence`. By centre and file in the order of receipt, refunds last."""
        t, s = fee_lines.c, submissions.c
        group = (
            t.centre, t.submission_id, replies.c.name, s.file_name, s.received, t.kind, t.band, t.pence, t.placeholder,
        )  # fmt: skip
        query = (
            select(
                t.centre, t.submission_id, replies.c.name.label("reply"), s.file_name, s.received, t.kind, t.band,
                func.count().label("count"), t.pence.label("each"),
                sa.cast(func.sum(t.pence), sa.BigInteger).label("pence"), t.placeholder,
            )
            .join(submissions, s.id == t.submission_id)
            .join(replies, replies.c.submission_id == t.submission_id)
            .where(t.series == series)
            .group_by(*group)
            .order_by(t.centre, s.received, t.submission_id, t.kind == terms.REFUND, t.kind, t.band, t.pence)
        )  # fmt: skip
        return sql.frame(self._engine, query, CHARGED)

    # --- Who is concerned --------------------------------------------------------------------------------------------

    def components(self, series: str, centre: str | None = None) -> pl.DataFrame:
        """What each centre, or one, has entries in force for in a series: `centre`, `option`, each pair once."""
        t = entries.c
        query = select(t.centre, t.option).distinct().where(t.series == series, t.ended_by.is_(None))
        if centre is not None:
            query = query.where(t.centre == centre)
        return sql.frame(self._engine, query.order_by(t.centre, t.option), {"centre": pl.String, "option": pl.String})

    # --- Results to come ---------------------------------------------------------------------------------------------

    def registered(self, centre: str = "") -> pl.DataFrame:
        """Registrations in force, the newest of each learner and code at a centre (`rules.frames.REGISTERED`), of one
        `centre` or of all."""
        t, named = (
            led(registrations).where(registrations.c.ended_by.is_(None)).subquery().c,
            details_in_force().subquery(),
        )
        # A learner whose UCIs were merged can have two versions at a centre: the newer one counts.
        query = (
            select(t.centre, t.candidate, t.uci, t.option, func.coalesce(named.c.name, "").label("name"))
            .ext(distinct_on(t.centre, t.uci, t.option))
            .outerjoin(named, (named.c.centre == t.centre) & (named.c.uci == t.uci))
            .where(*_at(t, centre))
            .order_by(t.centre, t.uci, t.option, t.id.desc(), named.c.since.desc(), named.c.id.desc())
        )
        return sql.frame(self._engine, query, REGISTERED)

    def sittings(self, until: str) -> pl.DataFrame:
        """Entries for components in force in every series up to and with `until`
        (`rules.frames.SITTINGS`)."""
        return sql.frame(self._engine, sittings(until), SITTINGS)

    def sittings_at(self, centre: str) -> pl.DataFrame:
        """The same in every series of the learners at a centre, wherever they took them."""
        return sql.frame(self._engine, sittings_of(learners_at([centre])), SITTINGS)

    def marked(self, series: str, centre: str = "") -> pl.DataFrame:
        """The newest mark of each learner and component in a series (`rules.frames.LAST_MARKS`), of one `centre` or of
        all."""
        newest = newest_marks().where(marks.c.series == series, *_at(marks.c, centre))
        rows = newest.subquery()
        query = select(*(rows.c[name] for name in LAST_MARKS))
        return sql.frame(self._engine, query, LAST_MARKS)

    def refused_names(self, key: str, awarding_body: str, code: str, centre: str = "") -> pl.DataFrame:
        """Candidates refused with finding `code` in any file of the series with this key and awarding body
        (`rules.frames.NAMES_REFUSED`), of one `centre` or of all."""
        s, found = submissions.c, findings.c
        query = (
            select(s.centre, found.candidate)
            .distinct()
            .join(submissions, s.id == found.submission_id)
            .where(found.code == code, found.candidate.is_not(None), s.series == key, s.awarding_body == awarding_body)
            .where(*_at(s, centre))
        )
        return sql.frame(self._engine, query, NAMES_REFUSED)

    def senders(self, series: str, key: str, awarding_body: str) -> pl.DataFrame:
        """Centres that have sent a file of the series, whatever became of it, or have an entry in it that came another
        way (`CENTRES`)."""
        s, e = submissions.c, entries.c
        query = sa.union(
            select(s.centre).where(s.series == key, s.awarding_body == awarding_body),
            select(e.centre).where(e.series == series, e.ended_by.is_(None)),
        ).order_by("centre")
        return sql.frame(self._engine, query, CENTRES)

    # --- Checkpoints -------------------------------------------------------------------------------------------------

    def checkpoint(self, series: str, event: str, at: datetime) -> Mapping[str, Any] | None:
        """The counts of a checkpoint that was taken; None when it was not."""
        t = checkpoints.c
        with self._engine.connect() as connection:
            query = select(t.counts).where(t.series == series, t.event == event, t.at == at)
            counts: Mapping[str, Any] | None = connection.execute(query).scalar_one_or_none()
        return counts

    def record(self, series: str, event: str, at: datetime, counts: Mapping[str, Any]) -> None:
        """Records a checkpoint, once."""
        row = {"series": series, "event": event, "at": at, "counts": dict(counts)}
        with self._engine.begin() as connection:
            connection.execute(insert(checkpoints).values(row).on_conflict_do_nothing())


def _at(columns: Any, centre: str) -> list[sa.ColumnElement[bool]]:
    """The condition that rows are of a centre; none for all."""
    return [columns.centre == centre] if centre else []
