"""Whose turn it is: jobs of which only one run works at a time hold a lock of the ledger, which knows who holds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen
from sqlalchemy import Connection, Engine, bindparam, text

LOCKS = {
    "migrate": 7_310_001, "ingest": 7_310_002, "marks": 7_310_003, "moderation": 7_310_004, "boundaries": 7_310_005,
    "keep": 7_310_006, "register": 7_310_007, "telling": 7_310_008,
}  # fmt: skip
"""The advisory locks of the ledger's database, by job."""

_HOLDER = text(
    "SELECT a.pid, a.application_name, host(a.client_addr) AS address, "
    "to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') AS since "
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1 "
    "AND d.datname = current_database()"
)


@frozen
class Turn:
    """Whether a run has its turn, which is its truth value; `holder` says in words who has it instead."""

    held: bool
    holder: str = ""

    def __bool__(self) -> bool:
        return self.held


def holder(connection: Connection, key: int) -> str:
    """Who holds an advisory lock of the database, in words: a process of a host as it names itself to PostgreSQL, and
    since when it is connected (UTC)."""
    row = connection.execute(_HOLDER, {"key": key}).first()
    if row is None:
        return "a run that has just ended"
    place = f" from {row.address}" if row.address else ""
    name = row.application_name or "a program without a name"
    return f"{name}{place}, connected since {row.since} UTC (PostgreSQL's process {row.pid})"


_TURNS = text(
    "SELECT l.objid AS key, a.application_name AS name, host(a.client_addr) AS address, a.pid, a.state_change AS since "
    "FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_database d ON d.oid = l.database "
    "WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objsubid = 1 AND l.objid IN :keys "
    "AND d.datname = current_database() ORDER BY l.objid"
).bindparams(bindparam("keys", expanding=True))


@frozen(kw_only=True)
class TurnHeld:
    """A turn that a run has: of which job, since when (aware), and in words which process it is, for PostgreSQL."""

    job: str
    since: datetime
    holder: str

    def age(self, now: datetime) -> timedelta:
        """For how long at `now` (aware)."""
        return max(now - self.since, timedelta())


def turns_held(engine: Engine) -> list[TurnHeld]:
    """Every turn that is held at the moment. The connection that took it does nothing else until it gives it back, so
    its last change is when it took it."""
    jobs = {key: job for job, key in LOCKS.items()}
    with engine.connect() as connection:
        return [
            TurnHeld(job=jobs[row.key], since=row.since, holder=_words(row.name, row.address, row.pid))
            for row in connection.execute(_TURNS, {"keys": list(jobs)})
        ]


def _words(name: str, address: str | None, pid: int) -> str:
    place = f" from {address}" if address else ""
    return f"{name or 'a program without a name'}{place} (PostgreSQL's process {pid})"
