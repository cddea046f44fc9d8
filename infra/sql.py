"""Frames out of PostgreSQL, and into it by COPY."""

from __future__ import annotations

import io
from contextlib import closing
from typing import Any

import polars as pl
import psycopg2
from sqlalchemy import Connection, Engine, Select, Table
from sqlalchemy.exc import DataError, IntegrityError

_NULL = r"\N"


class CopyError(Exception):
    """PostgreSQL refused rows. The message names table, SQLSTATE and constraint, never a row: PostgreSQL's own would
    put names and dates of birth into logs."""

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate or ""


def of_the_data(error: Exception) -> bool:
    """Whether PostgreSQL refused what was written, and would again: not a server that is gone, full or busy."""
    if isinstance(error, CopyError):
        return error.sqlstate[:2] in ("22", "23", "P0")
    return isinstance(error, IntegrityError | DataError)


def frame(engine: Engine, query: Select[Any]) -> pl.DataFrame:
    """The rows of a query with its column names. An empty result has columns of type null: cast before use."""
    with engine.connect() as connection:
        result = connection.execute(query)
        return pl.DataFrame(result.fetchall(), schema=list(result.keys()), orient="row", infer_schema_length=None)


def copy(connection: Connection, table: Table, rows: pl.DataFrame) -> None:
    """Appends `rows` to `table` by COPY; its columns are the table's. Raises `CopyError`."""
    if rows.is_empty():
        return
    buffer = io.BytesIO()
    rows.write_csv(buffer, include_header=False, null_value=_NULL)
    buffer.seek(0)
    columns = ", ".join(f'"{name}"' for name in rows.columns)
    with closing(connection.connection.cursor()) as raw:
        try:
            raw.copy_expert(f"COPY {table.name} ({columns}) FROM STDIN WITH (FORMAT csv, NULL '{_NULL}')", buffer)
        except psycopg2.Error as error:
            broken = f", constraint {error.diag.constraint_name}" if error.diag.constraint_name else ""
            said = f"{len(rows)} rows for {table.name}: SQLSTATE {error.pgcode}{broken}"
            raise CopyError(said, error.pgcode) from None
