"""What a ledger holds, so that two of them can be compared row by row: by what rows say and point to, never by their
numbers, which a run that died uses up."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

from attrs import frozen
from sqlalchemy import Column, Engine, Table

from infra.ledger.tables import metadata

LINKS: Mapping[str, str] = {"awarding_id": "awardings", "claim_id": "entries", "mark_id": "marks"}
"""Columns that hold the number of another table's row without a foreign key, as their tables are large."""
OF_THE_MACHINE = ("id", "modified")
"""Columns that no season sets: numbers, and when the store's clock says that a file was written, as it does of those
that jobs write; when a file counts as received is compared."""


def linked(column: Column[int]) -> str | None:
    """The table of whose rows the column holds numbers."""
    keys = [key.column.table.name for key in column.foreign_keys]
    return keys[0] if keys else LINKS.get(column.name)


def compared_columns(table: Table) -> list[str]:
    """The columns of a table that two ledgers have alike."""
    return [column.name for column in table.columns if column.name not in OF_THE_MACHINE]


@frozen
class Row:
    """A row: a hash of what it says, and the values of `compared_columns` as PostgreSQL writes them; one that points to
    a row is the hash of that row."""

    digest: bytes
    cells: Sequence[bytes]


class Contents:
    """The rows of a ledger, table after table. A table is read before those that point to it: `in_order`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._names: dict[str, dict[bytes, bytes]] = {}

    def rows(self, table: Table) -> Iterator[Row]:
        """The rows of a table, in no order."""
        names = self._names.setdefault(table.name, {}) if table.name in _POINTED_TO else None
        columns = [(column.name, linked(column)) for column in table.columns]
        wanted = [(place, link) for place, (name, link) in enumerate(columns) if name not in OF_THE_MACHINE]
        number = next((place for place, (name, _) in enumerate(columns) if name == "id"), 0)
        for line in self._lines(table):
            cells = line.rstrip(b"\n").split(b"\t")
            said = [self._names.get(link, {}).get(cells[at], cells[at]) if link else cells[at] for at, link in wanted]
            digest = hashlib.blake2b(b"\t".join(said), digest_size=16).digest()
            if names is not None:
                names[cells[number]] = digest.hex().encode()
            yield Row(digest, said)

    def _lines(self, table: Table) -> Iterator[bytes]:
        columns = ", ".join(f'"{column.name}"' for column in table.columns)
        with tempfile.TemporaryFile() as held:
            with self._engine.connect() as connection, closing(connection.connection.cursor()) as raw:
                raw.execute("SET LOCAL TIME ZONE 'UTC'")
                raw.copy_expert(f"COPY {table.name} ({columns}) TO STDOUT", held)
            held.seek(0)
            yield from held


def in_order() -> list[Table]:
    """Every table, after those that it points to."""
    tables = metadata.sorted_tables
    return sorted(tables, key=lambda table: any(column.name in LINKS for column in table.columns))


_POINTED_TO = {link for table in metadata.sorted_tables for column in table.columns if (link := linked(column))}
