"""An ingest that is shared (OPS-6): which received files each of several ingests decides by itself, and which are left
to the last of them. What stands here is worth something only until that has ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import polars as pl
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import Engine, func, select

from infra.ledger import sql
from infra.ledger.tables import actions, entries, findings, registrations, shares, submissions
from rules import terms
from rules.frames import Frame

SHARES: Frame = {"submission_id": pl.Int64, "shard": pl.Int32, "turn": pl.Int32, "place": pl.Int32}
"""A received file: the shard that decides it by itself (null: it is left to the last), and when one ingest would decide
it: in the same turn as others of other centres, and at which place among them."""
NUMBERED: Frame = {"centre": pl.String, "series": pl.String, "candidate": pl.String, "uci": pl.String}
"""Who has a candidate number of a centre in a series, under the UCI that came with it."""
WHO_LEARNERS_ARE = (
    terms.UCI_CORRECTED, terms.UCIS_MERGED, terms.UCI_SPLIT, terms.LEARNER_TRANSFERRED, terms.DETAILS_CORRECTED,
)  # fmt: skip
"""Orders of staff that change who a learner is, or where."""


@frozen(kw_only=True)
class Done:
    """What became of the files of a shared ingest: how many they are, since when it was (aware), and in what they
    ended."""

    files: int
    at: datetime
    pence: int
    outcomes: Counter[str]
    codes: Counter[str]


class ShareBook:
    """Access to what is shared."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def share(self, rows: pl.DataFrame) -> None:
        """Says how these files are shared (`SHARES`, with `orders`, how many orders about who learners are were known,
        and `at`, since when), in place of what was said before."""
        with self._engine.begin() as connection:
            connection.execute(shares.delete())
            sql.copy(connection, shares, rows)

    def end(self) -> None:
        """Nothing is shared any more."""
        with self._engine.begin() as connection:
            connection.execute(shares.delete())

    def done(self) -> Done | None:
        """What became of what is shared; None where nothing is."""
        s, d = submissions.c, findings.c
        pence = func.coalesce(func.sum(s.pence).filter(s.booked), 0)
        ended = select(func.coalesce(s.outcome, ""), func.count(), pence, func.min(shares.c.at))
        ended = ended.join(shares, shares.c.submission_id == s.id).group_by(s.outcome)
        found = (
            select(d.code, func.count().label("times"))
            .join(shares, shares.c.submission_id == d.submission_id)
            .group_by(d.code)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(ended).all()
            codes = Counter({row.code: int(row.times) for row in connection.execute(found)})
        if not rows:
            return None
        return Done(
            files=sum(count for _, count, _, _ in rows),
            at=min(at for *_, at in rows),
            pence=sum(int(pence) for _, _, pence, _ in rows),
            outcomes=Counter({outcome: count for outcome, count, _, _ in rows if outcome}),
            codes=codes,
        )

    def orders(self) -> int:
        """How many orders of staff have changed who a learner is: a further one shows in it from its commit on."""
        query = select(func.count()).select_from(actions).where(actions.c.action.in_(WHO_LEARNERS_ARE))
        with self._engine.connect() as connection:
            return int(connection.execute(query).scalar_one())

    def orders_then(self) -> int | None:
        """How many there were when the files were shared; None where nothing is."""
        with self._engine.connect() as connection:
            return connection.execute(select(func.min(shares.c.orders))).scalar()

    def numbered(self, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
        """Who is registered or entered at these centres in these series (`NUMBERED`)."""
        parts = [
            select(*(table.c[name] for name in NUMBERED)).where(
                table.c.centre.in_(centres), table.c.series.in_(series), table.c.ended_by.is_(None)
            )
            for table in (registrations, entries)
        ]
        return sql.look_up(self._engine, sa.union(*parts), NUMBERED)
