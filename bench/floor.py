"""What an ingest cannot do without, done with nothing else: the floor under `make bench-national`.

The same files are read, hashed, kept durably, sliced without checks and taken away; the very rows that the ingest has
booked go by COPY into the same tables, with the same keys and indexes, in as many transactions; the very bytes of its
last replies are kept. No rule, no look-up, no first reply, no journal of steps, and no trigger: the seals of the rows
(OPS-7) go in as the rows they are. What is kept is made durable in groups:
under temporary names, one `syncfs`, renamed, one more.
"""

from __future__ import annotations

import ctypes
import hashlib
import io
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import psycopg2
from attrs import define, field
from psycopg2.extensions import connection as Connection  # noqa: N812

from bench.desks import new_desk
from bench.ways import Files, cut
from infra.ledger.tables import metadata
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings

Rows = tuple[str, bytes]
"""A table, and rows of it in PostgreSQL's text form."""


@define
class Floor:
    """A second desk on the same server, which is given what the first one has done. `seconds` by stage, of a kind of
    file at a time."""

    first: Settings
    second: Settings
    seconds: dict[str, float] = field(factory=lambda: defaultdict(float))
    _since: int = 0
    _at: float = 0

    @classmethod
    def beside(cls, first: Settings, server: EmbeddedPostgres, folder: Path) -> Floor:
        """The floor under the desk `first`, with a ledger and a folder of its own."""
        return cls(first, new_desk(server, folder, "floor"))

    def begin(self) -> None:
        """Remembers where the first desk stands, before its ingest."""
        self._at = time.time()
        with _ledger(self.first) as ledger, ledger.cursor() as cursor:
            cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
            [(self._since,)] = cursor.fetchall()

    def lay(self, held: Files) -> float:
        """Does the least with the files the first desk has just taken; seconds in all."""
        booked, replies = self._booked(), self._replies()
        inbox = Path(self.second.store_location) / "inbox"
        waiting = [_landed(inbox / name, data) for name, data in held]
        self.seconds = defaultdict(float)
        size = self.second.batch_files
        with _ledger(self.second) as ledger:
            for start in range(0, len(waiting), size):
                self._take(waiting[start : start + size])
            with self._stage("COPY"):
                for transaction in booked:
                    _copy(ledger, transaction)
        with self._stage("replies"):
            for start in range(0, len(replies), size):
                _keep(Path(self.second.store_location) / "outbox", replies[start : start + size])
        return sum(self.seconds.values())

    def _take(self, paths: Sequence[Path]) -> None:
        with self._stage("read and hash"):
            held = [(path.name, path.read_bytes()) for path in paths]
            hashed = [(hashlib.sha256(data).hexdigest(), data) for _, data in held]
        with self._stage("archive"):
            _keep(Path(self.second.store_location) / "archive", hashed)
        with self._stage("slice"):
            cut(held)
        with self._stage("take away"):
            for path in paths:
                path.unlink()

    def _booked(self) -> list[list[Rows]]:
        """What the ingest has added to the first ledger: for each of its transactions, in order, the rows by table."""
        added: dict[int, list[Rows]] = defaultdict(list)
        with _ledger(self.first) as ledger, ledger.cursor() as cursor:
            for table in metadata.sorted_tables:
                names = ", ".join(f'"{column.name}"' for column in table.columns if column.computed is None)
                text = io.BytesIO()
                cursor.copy_expert(
                    f"COPY (SELECT xmin, {names} FROM {table.name} WHERE xmin::text::bigint >= {self._since} "
                    f"ORDER BY xmin::text::bigint, ctid) TO STDOUT",
                    text,
                )
                lines = (line.split(b"\t", 1) for line in io.BytesIO(text.getvalue()))
                for transaction, rows in groupby(lines, lambda pair: int(pair[0])):
                    added[transaction].append((f"{table.name} ({names})", b"".join(rest for _, rest in rows)))
        return [added[transaction] for transaction in sorted(added)]

    def _replies(self) -> list[tuple[str, bytes]]:
        """The replies the first desk has written since: key below the outbox and content."""
        outbox = Path(self.first.store_location) / "outbox"
        return [
            (f"{path.relative_to(outbox)}", path.read_bytes())
            for path in sorted(outbox.rglob("X*"))
            if path.is_file() and path.stat().st_mtime >= self._at
        ]

    @contextmanager
    def _stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began


@contextmanager
def _ledger(settings: Settings) -> Iterator[Connection]:
    """A connection to a desk's ledger on which every statement is a transaction."""
    connection = psycopg2.connect(settings.database_url.replace("+psycopg2", ""))
    connection.autocommit = True
    try:
        yield connection
    finally:
        connection.close()


def _copy(ledger: Connection, transaction: Iterable[Rows]) -> None:
    """The rows of a transaction, in one."""
    with ledger.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table, rows in transaction:
            cursor.copy_expert(f"COPY {table} FROM STDIN", io.BytesIO(rows))
        cursor.execute("COMMIT")


def _landed(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _keep(folder: Path, held: Sequence[tuple[str, bytes]]) -> None:
    """Keeps files below a folder, whole and on disk when it returns."""
    drafts = folder / ".drafts"
    drafts.mkdir(parents=True, exist_ok=True)
    for number, (_, data) in enumerate(held):
        (drafts / f"{number}").write_bytes(data)
    _on_disk(folder)
    for number, (key, _) in enumerate(held):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        (drafts / f"{number}").rename(path)
    _on_disk(folder)


def _on_disk(folder: Path) -> None:
    """Waits until everything on the file system of a folder is on disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle):
            raise OSError(ctypes.get_errno(), "syncfs")
    finally:
        os.close(handle)
