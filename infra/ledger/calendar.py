"""Dates of the calendar that staff have set: asked for, then confirmed or dropped (CAL-7).

Airflow's scheduler reads this module and must not start threads: nothing here needs Polars.
"""

from __future__ import annotations

from datetime import date, datetime

from attrs import frozen
from sqlalchemy import Engine, NullPool, and_, create_engine, func, insert, select, update

from infra.ledger.approvals import Signer
from infra.ledger.tables import calendar_changes, submissions
from rules import terms

LOOK_SECONDS = 5
"""How long the scheduler waits for the ledger to answer."""


@frozen(kw_only=True)
class ChangeRow:
    """A date that somebody asked for. `day`: None where a component is to have no date of its own; `since`: in force
    from, None: from when it is confirmed; `decision`: None while it waits. Instants are aware."""

    number: int
    series: str
    event: str
    component: str
    day: date | None
    since: datetime | None
    at: datetime
    who: str
    why: str
    decision: str | None = None
    decided_at: datetime | None = None
    decided_who: str | None = None
    decided_why: str | None = None
    how: str = terms.STATED
    decided_how: str | None = None

    @property
    def by(self) -> Signer:
        """Who asked for it."""
        return Signer(self.who, self.how)

    @property
    def decided_by(self) -> Signer | None:
        """Who has decided about it."""
        return Signer(self.decided_who, self.decided_how or terms.STATED) if self.decided_who else None


@frozen
class Received:
    """A file of a series; `outcome`: None while it is undecided."""

    centre: str
    file_name: str
    letter: str | None
    received: datetime
    outcome: str | None


class CalendarBook:
    """Access to the dates that staff set. A row is decided once, and not changed otherwise."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def changes(self) -> list[ChangeRow]:
        """Everything that was asked for, in order."""
        query = select(calendar_changes).order_by(calendar_changes.c.number)
        with self._engine.connect() as connection:
            return [ChangeRow(**row) for row in connection.execute(query).mappings()]

    def ask(self, asked: ChangeRow) -> int:
        """Puts a date on record that waits to be confirmed; returns its number. The same, asked for by the same person
        for the same reason while it waits, is not asked for again."""
        t = calendar_changes.c
        names = ("series", "event", "component", "day", "since", "who", "how", "why")
        values = {name: getattr(asked, name) for name in names}
        with self._engine.begin() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(func.hashtext("calendar_changes"))))
            same = and_(*(t[name].is_not_distinct_from(value) for name, value in values.items()), t.decision.is_(None))
            there = connection.execute(select(t.number).where(same)).scalar()
            if there is not None:
                return int(there)
            number = int(connection.execute(select(func.coalesce(func.max(t.number), 0))).scalar_one()) + 1
            connection.execute(insert(calendar_changes).values(number=number, at=asked.at, **values))
            return number

    def decide(self, number: int, decision: str, since: datetime | None, at: datetime, by: Signer, why: str) -> bool:
        """Confirms or drops what waits; what is decided already stays as it is, and False is returned."""
        t = calendar_changes.c
        said = {
            "decision": decision,
            "decided_at": at,
            "decided_who": by.who,
            "decided_how": by.how,
            "decided_why": why,
        }
        with self._engine.begin() as connection:
            query = update(calendar_changes).where(t.number == number, t.decision.is_(None))
            return bool(connection.execute(query.values(since=func.coalesce(t.since, since), **said)).rowcount)

    def received(self, series_key: str, awarding_body: str, start: datetime, end: datetime) -> list[Received]:
        """Files of a series received from `start` to before `end` (aware), in order."""
        s = submissions.c
        query = select(s.centre, s.file_name, s.letter, s.received, s.outcome).where(
            s.series == series_key, s.awarding_body == awarding_body, s.received >= start, s.received < end
        )
        with self._engine.connect() as connection:
            return [Received(*row) for row in connection.execute(query.order_by(s.received, s.id))]


def changes_at(database_url: str) -> list[ChangeRow]:
    """As `CalendarBook.changes`, by a connection of its own that is closed at once."""
    engine = create_engine(
        database_url, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": LOOK_SECONDS}
    )
    return CalendarBook(engine).changes()
