"""Desks to measure on: a PostgreSQL server and a folder of their own, gone when the measurement has ended."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.registers import register
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings

New = Callable[[str], Settings]
"""Makes the settings of another empty desk, by its name."""


@contextmanager
def temporary_server(*, durable: bool = False, port: int | None = None) -> Iterator[tuple[EmbeddedPostgres, Path]]:
    """A running server, and the folder it lies in. Unless it is `durable` it does not wait for the disk; with a `port`
    of its own it can be started again where it was."""
    with tempfile.TemporaryDirectory(prefix="resultsday-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=durable, port=port)
        try:
            server.start()
            yield server, Path(folder)
        finally:
            server.remove()


def new_desk(server: EmbeddedPostgres, folder: Path, name: str, settle_seconds: int = 0) -> Settings:
    """The settings of an empty desk in a folder below, with a ledger on the server."""
    server.create_database(name)
    migrate(server.url(name))
    register(server.url(name), map(str, range(10000, 100000)))
    return Settings(
        catalogue=Settings.load().catalogue,
        state=folder / name,
        database_url=server.url(name),
        settle_seconds=settle_seconds,
    )
