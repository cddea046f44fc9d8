"""All rows of a ledger, read out of it and put back into it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from attrs import field, frozen

from infra.ledger.frozen import join
from infra.ledger.sealed import install
from infra.ledger.tables import metadata
from infra.store import Store


@frozen
class Ledger:
    """All rows of a ledger: of each table the lines of a COPY, and where the numbers of its rows have come to."""

    rows: Mapping[str, bytes] = field(repr=False)
    numbers: Mapping[str, int]


@contextmanager
def _cursor(at: str | sa.Engine) -> Iterator[Any]:
    """A cursor in a transaction, of a session of its own where an address is given."""
    engine = sa.create_engine(at, poolclass=sa.NullPool) if isinstance(at, str) else at
    with engine.begin() as connection, closing(connection.connection.cursor()) as raw:
        yield raw


def _in_order(table: sa.Table) -> str:
    """A table with its columns, in the order in which they are declared; migrations have added some at the end."""
    return f"{table.name} ({', '.join(table.columns.keys())})"


def read_ledger(at: str | sa.Engine) -> Ledger:
    """What a ledger holds. `at`: its address, or an engine of its owner that seals nothing."""
    rows = {}
    with _cursor(at) as raw:
        for table in metadata.sorted_tables:
            lines = io.BytesIO()
            raw.copy_expert(f"COPY {_in_order(table)} TO STDOUT", lines)
            rows[table.name] = lines.getvalue()
        raw.execute("SELECT sequencename, coalesce(last_value, 0) FROM pg_sequences")
        return Ledger(rows, dict(raw.fetchall()))


def put_back(at: str | sa.Engine, ledger: Ledger) -> None:
    """Makes a ledger hold that and nothing else. `at` as for `read_ledger`."""
    with _cursor(at) as raw:
        raw.execute("SET LOCAL session_replication_role = replica")  # rows may go before those that point to them
        raw.execute("; ".join(f"DELETE FROM {name}" for name in ledger.rows))
        for name, lines in ledger.rows.items():
            if lines:
                raw.copy_expert(f"COPY {_in_order(metadata.tables[name])} FROM STDIN", io.BytesIO(lines))
        numbers = [(name, max(last, 1), last > 0) for name, last in ledger.numbers.items()]
        raw.execute("; ".join(["SELECT setval(%s, %s, %s)"] * len(numbers)), [one for its in numbers for one in its])


@contextmanager
def rewritten(url: str, store: Store | None = None) -> Iterator[sa.Connection]:
    """A connection on which sealed rows can be changed (OPS-7), for tests that need a past that never was; afterwards
    everything is sealed anew, and the heads in `store` are gone."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        raw = connection.exec_driver_sql
        raw("SET LOCAL session_replication_role = replica")
        yield connection
        raw("DELETE FROM seals; DELETE FROM states; DELETE FROM frozen_sums; DELETE FROM frozen_rows")
        raw("DELETE FROM audits")
        raw("DROP FUNCTION seal_refuse() CASCADE")  # the tables are as if they had never been sealed
        raw("SET LOCAL session_replication_role = origin")
        install(connection)
        join(connection)
    for head in store.list("seals/") if store else ():
        if store and head.kind == "file":
            store.remove(head)
