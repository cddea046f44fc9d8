"""Writes a database to a file and back, with PostgreSQL's own `pg_dump` and `pg_restore`, which come with its
package."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from sqlalchemy import MetaData, create_engine, literal, select
from sqlalchemy.engine import make_url

from infra.running.postgres import PostgresError, packaged_binaries


def dump(database_url: str, file: Path, snapshot: str) -> None:
    """Writes the whole database, as `snapshot` sees it, to `file` in PostgreSQL's own compressed form. Raises
    `PostgresError`."""
    _run(
        "pg_dump", database_url, "--format=custom", "--exclude-schema=place", f"--snapshot={snapshot}", f"--file={file}"
    )


def load(database_url: str, file: Path) -> None:
    """Restores what `dump` wrote into a database without tables, all or nothing. Raises `PostgresError`."""
    # What is left of an empty ledger, our functions, makes way (OPS-7).
    words = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
    _run("pg_restore", database_url, *words, f"--dbname={_name(database_url)}", file)


def clear(database_url: str) -> None:
    """Drops every table of a database. Raises `PostgresError` when any but Alembic's has rows."""
    engine = create_engine(database_url)
    try:
        with engine.begin() as connection:
            there = MetaData()
            there.reflect(connection)
            ours = [table for table in there.sorted_tables if table.name != "alembic_version"]
            full = [
                table.name
                for table in ours
                if connection.execute(select(literal(1)).select_from(table).limit(1)).first()
            ]
            if full:
                raise PostgresError(f"the ledger is not empty: it has rows in {', '.join(sorted(full))}")
            there.drop_all(connection)
    finally:
        engine.dispose()


def _name(database_url: str) -> str:
    return make_url(database_url).database or ""


def _run(program: str, database_url: str, *words: str | Path) -> None:
    url = make_url(database_url)
    said: dict[str, object] = {
        "PGHOST": url.host,
        "PGPORT": url.port,
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
    }
    said |= {"PGDATABASE": url.database} | {f"PG{name.upper()}": value for name, value in url.query.items()}
    environment = {name: str(value) for name, value in said.items() if value is not None}
    command = [str(packaged_binaries() / program), "--no-owner", "--no-privileges", "--no-password", *map(str, words)]
    done = subprocess.run(  # noqa: S603
        command, check=False, capture_output=True, text=True, env={**os.environ, **environment, "LC_ALL": "C"}
    )
    if done.returncode:
        # What PostgreSQL adds (DETAIL, CONTEXT) can quote a row.
        told = [line for line in done.stderr.splitlines() if line.startswith(f"{program}: error:")]
        raise PostgresError("; ".join(told) or f"{program} ended with exit code {done.returncode}")
