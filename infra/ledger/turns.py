"""Whose turn it is: jobs of which only one run works at a time hold a lock of the ledger, which knows who holds it."""

from __future__ import annotations

from attrs import frozen
from sqlalchemy import Connection, text

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
