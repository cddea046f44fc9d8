"""Ledgers for tests, each used again for the next test: to make one, to connect to it and to ask everything for the
first time takes longer than most tests. A ledger whose tables are no longer as they were made is left alone."""

from __future__ import annotations

from itertools import count

import psycopg2
import pytest
import sqlalchemy as sa
from attrs import define, field

from bench.ledgers import Ledger, put_back, read_ledger
from infra.ledger import sql
from infra.ledger import submissions as books
from infra.ledger.tables import here
from infra.running.postgres import EmbeddedPostgres

_SHAPE = sa.text(
    "SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version) || ' ' || "
    + " || ' ' || ".join(
        f"(SELECT concat_ws(',', count(*), sum(xmin::text::bigint)) FROM {catalogue})"
        for catalogue in ("pg_class", "pg_attribute", "pg_proc", "pg_trigger", "pg_constraint", "pg_db_role_setting")
    )
)
"""Another after every change of revision, tables, columns, functions, triggers, constraints, rights and settings."""
_NUMBERS = count(1)
ENGINES: dict[str, sa.Engine] = {}
"""What desks on these ledgers connect with, by address; it stays connected from one test to the next."""
PATIENT = {"options": "-c lock_timeout=2s"}
OWNERS: dict[str, sa.Engine] = {}
"""What the owner connects with, who seals nothing; it stays connected as well."""


@define
class Ledgers:
    """Ledgers that are copies of `template`, a database on `server`."""

    server: EmbeddedPostgres
    template: str
    _empty: Ledger = field(init=False)
    _shapes: dict[str, str] = field(init=False, factory=dict)
    _free: list[str] = field(init=False, factory=list)

    def __attrs_post_init__(self) -> None:
        self._empty = read_ledger(self.server.url(self.template))

    def take(self) -> str:
        """The address of a ledger that nobody uses, as the template is."""
        while self._free:
            url = self._free.pop()
            if self._emptied(url):
                return url
        return self._made()

    def give_back(self, url: str) -> None:
        """From now on it may be given to others."""
        self._free.append(url)

    def _made(self) -> str:
        name = f"{self.template}_{next(_NUMBERS)}"
        server = sa.create_engine(self.server.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY FILE_COPY"))
        server.dispose()
        url = self.server.url(name)
        OWNERS[url] = sa.create_engine(url, pool_size=1, pool_pre_ping=True, connect_args=PATIENT)
        ENGINES[url] = sql.open_engine(url, **books.POOL)
        with OWNERS[url].connect() as connection:
            self._shapes[url] = connection.execute(_SHAPE).scalar_one()
        return url

    def _emptied(self, url: str) -> bool:
        owner = OWNERS[url]
        try:
            with owner.begin() as connection:
                same = bool(connection.execute(_SHAPE).scalar_one() == self._shapes[url])
                for table in here.sorted_tables if same else ():
                    connection.execute(table.delete())
            if same:
                put_back(owner, self._empty)
        except (sa.exc.DBAPIError, psycopg2.Error):  # somebody still holds a lock there
            same = False
        if not same:
            OWNERS.pop(url).dispose()
            ENGINES.pop(url).dispose()
        return same


def disconnect() -> None:
    """Ends every connection that is kept; the next question makes a new one."""
    for engine in (*ENGINES.values(), *OWNERS.values()):
        engine.dispose()


def stay_connected(patch: pytest.MonkeyPatch) -> None:
    """Desks on these ledgers use the connections of the test before."""
    opened, closed = sql.open_engine, books.Ledger.close

    def open_engine(database_url: str, **options: object) -> sa.Engine:
        kept = ENGINES.get(database_url) if options == books.POOL else None
        return kept or opened(database_url, **options)

    def close(ledger: books.Ledger) -> None:
        if ledger.engine not in ENGINES.values():
            closed(ledger)

    patch.setattr(sql, "open_engine", open_engine)
    patch.setattr(books.Ledger, "close", close)
