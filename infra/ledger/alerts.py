"""What the watch asks the ledger: counts of what waits, the beats of the jobs that run every few minutes, and the book
of alerts. It sees numbers and codes, no names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from attrs import frozen
from sqlalchemy import Engine, func, select
from sqlalchemy.dialects.postgresql import distinct_on, insert

from infra.ledger.approvals import spoken
from infra.ledger.tables import actions, alerts, beats, checkpoints, entries, hold_decisions, replies, submissions
from infra.ledger.turns import TurnHeld, turns_held
from rules import terms


@frozen
class Waiting:
    """How many wait, and since when the oldest does (aware); None when none waits."""

    count: int
    oldest: datetime | None


@frozen(kw_only=True)
class Said:
    """An alert on the books. Times are aware; `sent_at` is None when nobody has been told."""

    key: str
    code: str
    at: datetime
    said: str
    sent_at: datetime | None


@frozen
class Beat:
    """When a job first and last succeeded; aware."""

    first: datetime
    last: datetime


SILENCED = "alert_silenced"
"""What staff do when nobody is to be told of a kind of alert for a while (OPS-3); without an end: people are told
again."""


@frozen(kw_only=True)
class Silence:
    """A kind of alert of which nobody is told before `until` (aware), by whom and why."""

    code: str
    until: datetime
    who: str
    why: str


class WatchBook:
    """Access to alerts, beats and counts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    # --- Alerts ------------------------------------------------------------------------------------------------------

    def unsaid(self, key: str, code: str, said: str, at: datetime) -> bool:
        """Puts an alert on the books; True when nobody has been told of this key yet."""
        with self._engine.begin() as connection:
            row = {"key": key, "code": code, "said": said, "at": at}
            connection.execute(insert(alerts).values(row).on_conflict_do_nothing())
            return connection.execute(select(alerts.c.sent_at).where(alerts.c.key == key)).scalar_one() is None

    def sent(self, key: str, at: datetime) -> None:
        """Records that somebody has been told."""
        with self._engine.begin() as connection:
            connection.execute(alerts.update().where(alerts.c.key == key).values(sent_at=at))

    def said(self, limit: int = 50) -> Sequence[Said]:
        """The alerts on the books, the newest first."""
        query = select(alerts).order_by(alerts.c.at.desc(), alerts.c.key).limit(limit)
        with self._engine.connect() as connection:
            return [Said(**row) for row in connection.execute(query).mappings()]

    def booked(self, key: str) -> Said | None:
        """The alert of that key; None when there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(select(alerts).where(alerts.c.key == key)).mappings().one_or_none()
        return Said(**row) if row else None

    def silenced(self, now: datetime) -> Mapping[str, Silence]:
        """The kinds of alert that are silenced at `now` (aware): the last word about each counts."""
        t = actions.c
        last = select(t.file_name.label("code"), t.until, spoken(t.who, t.how).label("who"), t.why).ext(
            distinct_on(t.file_name)
        )
        last = last.where(t.action == SILENCED).order_by(t.file_name, t.id.desc())
        with self._engine.connect() as connection:
            rows = [row for row in connection.execute(last).mappings() if row["until"] and row["until"] > now]
        return {row["code"]: Silence(**row) for row in rows}

    def alerted(self, since: datetime) -> Mapping[str, int]:
        """How many alerts were first seen at `since` or later, by code."""
        query = select(alerts.c.code, func.count()).where(alerts.c.at >= since).group_by(alerts.c.code)
        return self._counts(query)

    # --- Beats -------------------------------------------------------------------------------------------------------

    def beat(self, job: str, at: datetime) -> None:
        """Records that a job has succeeded for the instant `at`; an earlier instant changes nothing."""
        query = insert(beats).values(job=job, first=at, last=at)
        later = {"last": func.greatest(beats.c.last, query.excluded.last)}
        with self._engine.begin() as connection:
            connection.execute(query.on_conflict_do_update(index_elements=[beats.c.job], set_=later))

    def beats(self) -> Mapping[str, Beat]:
        """The beats by job."""
        with self._engine.connect() as connection:
            return {row.job: Beat(row.first, row.last) for row in connection.execute(select(beats))}

    # --- Turns -------------------------------------------------------------------------------------------------------

    def turns(self) -> list[TurnHeld]:
        """Every turn that a run has at the moment."""
        return turns_held(self._engine)

    # --- Counts ------------------------------------------------------------------------------------------------------

    def undecided(self) -> Waiting:
        """Files that are received and not decided."""
        return self._waiting(select(func.count(), func.min(_FILE.received)).where(_FILE.outcome.is_(None)))

    def unpublished(self) -> Waiting:
        """Files that are decided and whose reply may not be in the outbox yet."""
        query = select(func.count(), func.min(_FILE.received)).join(replies, replies.c.submission_id == _FILE.id)
        return self._waiting(query.where(~replies.c.published))

    def held(self) -> Waiting:
        """Files that are held for a person."""
        decided = select(hold_decisions.c.submission_id)
        query = select(func.count(), func.min(_FILE.received))
        return self._waiting(query.where(_FILE.outcome == terms.QUARANTINED, _FILE.id.not_in(decided)))

    def outcomes(self, since: datetime) -> Mapping[str, int]:
        """Files received at `since` or later and decided, by outcome."""
        query = select(_FILE.outcome, func.count()).where(_FILE.outcome.is_not(None), _FILE.received >= since)
        return self._counts(query.group_by(_FILE.outcome))

    def entered(self, series: str) -> bool:
        """Whether anybody is entered in a series."""
        query = select(sa.exists().where(entries.c.series == series, entries.c.ended_by.is_(None)))
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar_one())

    def checkpoint_taken(self, series: str, event: str, since: datetime) -> bool:
        """Whether a checkpoint of the instant `since` or later was taken."""
        t = checkpoints.c
        query = select(sa.exists().where(t.series == series, t.event == event, t.at >= since))
        with self._engine.connect() as connection:
            return bool(connection.execute(query).scalar_one())

    def _waiting(self, query: sa.Select[*tuple[Any, ...]]) -> Waiting:
        with self._engine.connect() as connection:
            return Waiting(*connection.execute(query).one())

    def _counts(self, query: sa.Select[Any]) -> Mapping[str, int]:
        with self._engine.connect() as connection:
            return {str(name): int(count) for name, count in connection.execute(query.order_by(sa.text("1")))}


_FILE = submissions.c


def revisions(engine: Engine) -> tuple[str | None, str]:
    """The revision of the ledger's tables, None where there are none, and the newest that this program knows."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_revision()
    return there, str(ScriptDirectory.from_config(config).get_current_head())


def age(waiting: Waiting, now: datetime) -> timedelta:
    """How long the oldest has waited at `now` (aware); none: no time."""
    return max(now - waiting.oldest, timedelta()) if waiting.oldest else timedelta()
