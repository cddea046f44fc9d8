"""Whose turn it is: jobs of which only one run works at a time hold a lock of the ledger, which knows who holds it."""

from __future__ import annotations

from datetime import datetime, timedelta

from attrs import frozen
from sqlalchemy import Connection, Engine, bindparam, text

from rules import terms

LOCKS = {
    "migrate": 7_310_001, "ingest": 7_310_002, "marks": 7_310_003, "moderation": 7_310_004, "boundaries": 7_310_005,
    "keep": 7_310_006, "register": 7_310_007, "telling": 7_310_008,
}  # fmt: skip
"""The advisory locks of the ledger's database, by job."""

_SHARDS = 7_310_100


def lock_of(shard: int) -> int:
    """The advisory lock of the ingest of a shard of centres: 0, 1, ..."""
    return _SHARDS + shard


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
    # The ingests of shards hold the lock of the whole ingest together, each beside its own.
    "AND l.mode = 'ExclusiveLock' "
    "AND d.datname = current_database() ORDER BY l.objid"
).bindparams(bindparam("keys", expanding=True))


@frozen(kw_only=True)
class TurnHeld:
    """A turn that a run has: of which job, since when (aware), and in words which process it is, for PostgreSQL.
    `shard`: of which centres, where several runs work at the job, each at its own."""

    job: str
    since: datetime
    holder: str
    shard: int | None = None

    @property
    def title(self) -> str:
        """The job in words."""
        return self.job if self.shard is None else f"{self.job}, shard {self.shard}"

    def age(self, now: datetime) -> timedelta:
        """For how long at `now` (aware)."""
        return max(now - self.since, timedelta())


def turns_held(engine: Engine) -> list[TurnHeld]:
    """Every turn that is held at the moment. The connection that took it does nothing else until it gives it back, so
    its last change is when it took it."""
    jobs: dict[int, tuple[str, int | None]] = {key: (job, None) for job, key in LOCKS.items()}
    jobs |= {lock_of(shard): ("ingest", shard) for shard in range(terms.MOST_SHARDS)}
    with engine.connect() as connection:
        return [
            TurnHeld(job=jobs[row.key][0], since=row.since, holder=_words(row.name, row.address, row.pid),
                     shard=jobs[row.key][1])
            for row in connection.execute(_TURNS, {"keys": list(jobs)})
        ]  # fmt: skip


def _words(name: str, address: str | None, pid: int) -> str:
    place = f" from {address}" if address else ""
    return f"{name or 'a program without a name'}{place} (PostgreSQL's process {pid})"
