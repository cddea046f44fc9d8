"""What centres are told is new in their outboxes, and what became of each file, for the desk's own webhook. It knows
names of files, outcomes and times, and no address: that is in the register."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from attrs import asdict, fields, frozen
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger.tables import events_posted, notices, replies, submissions

LATE = timedelta(hours=1)
"""So long after something is there its centre should have been told. Ours."""
MOST = 1000
"""Outcomes that are posted in a run, at most. Ours."""


@frozen(kw_only=True)
class Notice:
    """Something new in a centre's outbox, seen by the desk at `seen` (aware): the file `name`, what kind of file it is,
    and the line that the centre is told. `sha256` and `written`: the file as it was then."""

    centre: str
    name: str
    sha256: str
    written: datetime
    kind: str
    words: str
    seen: datetime


@frozen(kw_only=True)
class Waiting:
    """What a centre has not been told: the notices, when it was last `tried_at` in vain (aware; None: not yet), and
    whether the answer was no for good."""

    notices: tuple[Notice, ...]
    tried_at: datetime | None
    refused: bool


@frozen(kw_only=True)
class Stuck:
    """A centre that could not be told: since when the oldest has waited and when it was last tried (aware), how many
    there are, and the last answer."""

    centre: str
    since: datetime
    tried_at: datetime
    count: int
    answer: str
    refused: bool


@frozen(kw_only=True)
class Answered:
    """A file and its reply, which is in the outbox. `received` is aware."""

    submission: int
    centre: str
    file_name: str
    channel: str
    received: datetime
    outcome: str
    reply: str


class ToldBook:
    """Access to what is to be told and what was."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Centres -----------------------------------------------------------------------------------------------------

    def known(self, since: datetime) -> set[tuple[str, str, datetime]]:
        """Files seen that were written at `since` (aware) or later: centre, name, when written."""
        t = notices.c
        query = select(t.centre, t.name, t.written).where(t.written >= since)
        with self._engine.connect() as connection:
            return {(row.centre, row.name, row.written) for row in connection.execute(query)}

    def add(self, rows: Sequence[Notice]) -> int:
        """Puts news in the queue; how many are new. What says the same as before is not: only when it was written."""
        if not rows:
            return 0
        query = insert(notices)
        query = query.on_conflict_do_update(
            index_elements=["centre", "name", "sha256"], set_={"written": query.excluded.written}
        )
        with self._engine.begin() as connection:
            before = connection.execute(select(func.count()).select_from(notices)).scalar_one()
            connection.execute(query, [asdict(row) for row in rows])
            return int(connection.execute(select(func.count()).select_from(notices)).scalar_one() - before)

    def waiting(self, centres: Collection[str]) -> dict[str, Waiting]:
        """What these centres have not been told, the oldest first, by centre."""
        t = notices.c
        query = select(notices).where(t.sent_at.is_(None), t.centre.in_(centres)).order_by(t.centre, t.written, t.name)
        rows: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as connection:
            for row in connection.execute(query).mappings():
                rows.setdefault(row["centre"], []).append(dict(row))
        names = [attribute.name for attribute in fields(Notice)]
        return {
            centre: Waiting(
                notices=tuple(Notice(**{name: row[name] for name in names}) for row in its),
                tried_at=max((row["tried_at"] for row in its if row["tried_at"]), default=None),
                refused=any(row["refused"] for row in its),
            )
            for centre, its in rows.items()
        }

    def last_told(self, centres: Collection[str]) -> dict[str, datetime]:
        """When these centres were last told something (aware)."""
        t = notices.c
        query = select(t.centre, func.max(t.sent_at)).where(t.centre.in_(centres), t.sent_at.is_not(None))
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(t.centre))}

    def told(self, rows: Sequence[Notice], at: datetime) -> None:
        """Records that a centre was told these at `at` (aware)."""
        self._change(rows, {"sent_at": at, "tried_at": None, "answer": None, "refused": False})

    def not_told(self, rows: Sequence[Notice], at: datetime, answer: str, refused: bool) -> None:
        """Records that a centre could not be told these at `at` (aware), and why."""
        self._change(rows, {"tried_at": at, "answer": answer, "refused": refused})

    def times(self, centre: str) -> list[datetime]:
        """When this centre was told something (aware), the latest first."""
        t = notices.c
        query = select(t.sent_at).distinct().where(t.centre == centre, t.sent_at.is_not(None))
        with self._engine.connect() as connection:
            return [*connection.execute(query.order_by(t.sent_at.desc())).scalars()]

    def came_back(self, centre: str, sent: datetime, at: datetime, answer: str) -> int:
        """Records that the message that a centre was `sent` then has come back: what stood in it waits again. Returns
        how many."""
        t = notices.c
        query = notices.update().where(t.centre == centre, t.sent_at == sent)
        with self._engine.begin() as connection:
            changed = connection.execute(query.values(sent_at=None, tried_at=at, answer=answer, refused=True))
            return int(changed.rowcount)

    def stuck(self) -> list[Stuck]:
        """Centres that could not be told: refused, or tried in vain for an hour."""
        t = notices.c
        query = (
            select(
                t.centre, func.min(t.seen).label("since"), func.max(t.tried_at).label("tried_at"),
                func.count().label("count"), func.max(t.answer).label("answer"),
                func.bool_or(t.refused).label("refused"),
            )
            .where(t.sent_at.is_(None), t.tried_at.is_not(None))
            .group_by(t.centre)
            .having(sa.or_(func.bool_or(t.refused), func.max(t.tried_at) - func.min(t.seen) >= LATE))
            .order_by(t.centre)
        )  # fmt: skip
        with self._engine.connect() as connection:
            return [Stuck(**row) for row in connection.execute(query).mappings()]

    def _change(self, rows: Sequence[Notice], values: Mapping[str, Any]) -> None:
        t = notices.c
        mine = [(row.centre, row.name, row.sha256) for row in rows]
        query = notices.update().where(sa.tuple_(t.centre, t.name, t.sha256).in_(mine), t.sent_at.is_(None))
        with self._engine.begin() as connection:
            connection.execute(query.values(values))

    # --- Files -------------------------------------------------------------------------------------------------------

    def answered(self, names: Collection[tuple[str, str]]) -> dict[tuple[str, str], Answered]:
        """The files of these replies (centre, name) that are decided and whose reply is complete."""
        if not names:
            return {}
        query = _ANSWERED.where(sa.tuple_(submissions.c.centre, replies.c.name).in_([*names]))
        with self._engine.connect() as connection:
            found = [Answered(**row) for row in connection.execute(query).mappings()]
        return {(one.centre, one.reply): one for one in found}

    def unposted(self, since: datetime) -> list[Answered]:
        """Files received at `since` (aware) or later that are answered and were not posted, the oldest first."""
        gone = select(events_posted.c.submission_id)
        query = _ANSWERED.where(submissions.c.received >= since, submissions.c.id.not_in(gone))
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(submissions.c.id).limit(MOST)).mappings()
            return [Answered(**row) for row in rows]

    def posted(self, submission: int, at: datetime) -> None:
        """Records that what became of a file was posted at `at` (aware)."""
        with self._engine.begin() as connection:
            row = {"submission_id": submission, "at": at}
            connection.execute(insert(events_posted).values(row).on_conflict_do_nothing())


_OF = submissions.c
_ANSWERED = (
    select(
        _OF.id.label("submission"), _OF.centre, _OF.file_name, _OF.channel, _OF.received, _OF.outcome,
        replies.c.name.label("reply"),
    )
    .join(replies, replies.c.submission_id == _OF.id)
    .where(replies.c.published, _OF.outcome.is_not(None))
)  # fmt: skip
