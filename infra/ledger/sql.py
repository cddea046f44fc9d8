"""Frames out of PostgreSQL, and into it by COPY."""

from __future__ import annotations

import io
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import polars as pl
import psycopg2
from sqlalchemy import (
    ARRAY,
    CTE,
    Boolean,
    Column,
    ColumnElement,
    CompoundSelect,
    Connection,
    Date,
    DateTime,
    Engine,
    ExceptionContext,
    ExecutionContext,
    Integer,
    Select,
    String,
    Table,
    TableValuedAlias,
    cast,
    create_engine,
    event,
    func,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.selectable import LateralFromClause
from sqlalchemy.types import TypeEngine

from infra.alive import SYNC
from rules.frames import Frame

_NULL = r"\N"

Question = Select[Any] | CompoundSelect[Any]


class CopyError(SQLAlchemyError):
    """PostgreSQL refused to take or give rows, or is gone. The message names table, SQLSTATE and constraint, never a
    row: PostgreSQL's own message would put names and dates of birth into logs."""

    def __init__(self, message: str, sqlstate: str | None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate or ""


def open_engine(database_url: str, **options: Any) -> Engine:
    """An engine whose errors name SQLSTATE, table and constraint and quote neither rows nor parameters, as they
    end in logs. Its connections say to PostgreSQL whose they are; a connection to a machine that is gone ends within
    half a minute, on both sides, with the locks it holds (OPS-6). `options` are SQLAlchemy's."""
    connect_args = {**SYNC, "application_name": _name(), **options.pop("connect_args", {})}
    engine = create_engine(database_url, hide_parameters=True, connect_args=connect_args, **options)
    event.listen(engine, "handle_error", _without_rows)
    event.listen(engine, "commit", _seal)
    event.listen(engine, "do_execute", _by_copy)
    return engine


def _seal(connection: Connection) -> None:
    """OPS-7: what a transaction has added to sealed tables gets its places in the chain when the desk commits it, and
    only then: `infra.ledger.sealed`."""
    connection.exec_driver_sql("SELECT seal_chain()")


def _name() -> str:
    """How PostgreSQL shows our connections: at most 63 bytes."""
    return f"resultsday process {os.getpid()} on {socket.gethostname()}"[:63]


def _without_rows(context: ExceptionContext) -> None:
    error, wrapped = context.original_exception, context.sqlalchemy_exception
    # Without a SQLSTATE it is the connection's failure, which has nothing to quote.
    if isinstance(error, psycopg2.Error) and error.pgcode:
        said = f"SQLSTATE {error.pgcode}, {_place(error)}"
        error.args = (said,)
        if wrapped is not None:
            wrapped.args = (f"({type(error).__name__}) {said}",)


def _place(error: psycopg2.Error) -> str:
    """Where PostgreSQL refused something: the names of our own tables."""
    parts = {"table": error.diag.table_name, "column": error.diag.column_name, "constraint": error.diag.constraint_name}
    return ", ".join(f"{what} {name}" for what, name in parts.items() if name) or "no table named"


def of_the_data(error: BaseException) -> bool:
    """Whether PostgreSQL refused what was written and would do so again; not that the server is gone, full or busy."""
    return sqlstate(error)[:2] in _OF_THE_DATA


_OF_THE_DATA = ("21", "22", "23", "54", "P0")
"""Classes of SQLSTATE: a row twice, a value that cannot be, a constraint, more than fits an index or a statement, and
what our own functions refuse."""


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE with which PostgreSQL refused something; empty when it was not PostgreSQL that did."""
    if isinstance(error, CopyError):
        return error.sqlstate
    refused = error.orig if isinstance(error, DBAPIError) else error
    return getattr(refused, "pgcode", None) or ""


def frame(engine: Engine, query: Question, schema: Frame | None = None) -> pl.DataFrame:
    """The rows of a query as `schema` says. Without it they have the query's column names, and columns of an empty
    result, or with nothing in them, are of type null."""
    with engine.connect() as connection:
        return rows(connection, query, schema)


A_CENTRE = 50
"""About so many rows are asked for with each centre, where nobody knows better."""
MANY = 500
"""From so many rows on they come faster by COPY than one after the other."""


def look_up(engine: Engine, query: Question, schema: Frame | None = None, expected: int = 0) -> pl.DataFrame:
    """`frame` of a question about some centres or learners, answered by index. While tables fill, PostgreSQL thinks
    they are small, and would read them from end to end for every such question. `expected`: about how many rows; many
    come by COPY, for which there must be a `schema`."""
    with engine.connect() as connection:
        if schema is None or expected < MANY:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            return rows(connection, query, schema)
        connection.execute(text("SET LOCAL enable_seqscan = off; SET LOCAL TIME ZONE 'UTC'"))
        buffer = io.BytesIO()
        connection.execute(query, execution_options={_COPY: buffer})
    kinds = {column.name: schema.get(column.name, pl.String) for column in query.selected_columns}
    return _typed(_from_csv(buffer, kinds), schema)


_COPY = "resultsday_copy"
"""The execution option that names the buffer into which a question is answered."""


def _by_copy(cursor: Any, statement: str, parameters: Any, context: ExecutionContext) -> bool | None:
    """Answers a question by COPY, where that was asked for. So it is compiled once, as every question is."""
    buffer = context.execution_options.get(_COPY)
    if buffer is None:
        return None
    wanted = cursor.mogrify(statement, parameters).decode()
    cursor.copy_expert(f"COPY ({wanted}) TO STDOUT WITH (FORMAT csv)", buffer)
    return True


def rows(connection: Connection, query: Question, schema: Frame | None = None) -> pl.DataFrame:
    """`frame`, in the caller's transaction."""
    result = connection.execute(query)
    read = pl.DataFrame(result.fetchall(), schema=list(result.keys()), orient="row", infer_schema_length=None)
    return read if schema is None else _typed(read, schema)


def _typed(read: pl.DataFrame, schema: Frame) -> pl.DataFrame:
    if list(read.schema.items()) == list(schema.items()):
        return read
    return read.select(pl.col(name).cast(kind) for name, kind in schema.items())


def each(question: Select[Any]) -> LateralFromClause:
    """A question that names a column of the table to its left in a join, asked once for each row there. For ten
    thousand learners PostgreSQL would rather read the rows of the whole country than look each learner up, and the
    country grows: OFFSET 0 keeps it from planning the two as one."""
    return question.offset(0).lateral()


_KINDS: tuple[tuple[type[TypeEngine[Any]], type[pl.DataType]], ...] = (
    (Boolean, pl.Boolean),
    (Integer, pl.Int64),
    (Date, pl.Date),
    (DateTime, pl.Datetime),
    (String, pl.String),
)


def distinct_values(column: ColumnElement[Any]) -> CTE:
    """The values of a column (`value`), of which there are few, looked up one after another in its index."""
    least = select(func.min(column).label("value")).cte(f"each_{column.key}", recursive=True)
    above = select(func.min(column)).where(column > least.c.value).correlate(least).scalar_subquery()
    every = least.union_all(select(above).where(least.c.value.is_not(None)))
    return select(every.c.value).where(every.c.value.is_not(None)).cte(f"distinct_{column.key}")


def table(engine: Engine, query: Select[Any], schema: Frame | None = None) -> pl.DataFrame:
    """The rows of a query by COPY, for the rows of a whole country, as `schema` says, or with the query's column names
    and types. Columns of text, whole numbers, truth values, dates and times (UTC). Raises `CopyError`."""
    with engine.connect() as connection:
        return copied(connection, query, schema)


def copied(connection: Connection, query: Select[Any], schema: Frame | None = None) -> pl.DataFrame:
    """`table`, in the caller's transaction."""
    kinds = {
        column.name: next(kind for type_, kind in _KINDS if isinstance(column.type, type_))
        for column in query.selected_columns
    }
    statement = query.compile(connection, compile_kwargs={"render_postcompile": True})
    buffer = io.BytesIO()
    with closing(connection.connection.cursor()) as raw:
        wanted = raw.mogrify(str(statement), statement.params).decode()
        try:
            # What such a question sorts and joins fits into memory; by its own limit PostgreSQL would use the disk.
            raw.execute("SET LOCAL TIME ZONE 'UTC'; SET LOCAL work_mem = '128MB'")
            # In CSV an empty cell is NULL, and an empty cell in quotes is empty text.
            raw.copy_expert(f"COPY ({wanted}) TO STDOUT WITH (FORMAT csv)", buffer)
        except psycopg2.Error as error:
            raise CopyError(f"rows of {', '.join(kinds)}: SQLSTATE {error.pgcode}", error.pgcode) from None
    read = _from_csv(buffer, kinds)
    return read if schema is None else _typed(read, schema)


def _from_csv(buffer: io.BytesIO, kinds: Frame) -> pl.DataFrame:
    """The rows that PostgreSQL wrote into a buffer as CSV, in UTC: text, whole numbers, truth values, dates, times."""
    plain = (pl.Int32, pl.Int64, pl.String)
    cells = {name: kind if kind in plain else pl.String for name, kind in kinds.items()}
    empty = not buffer.tell()
    buffer.seek(0)
    read = pl.DataFrame(schema=cells) if empty else pl.read_csv(buffer, has_header=False, schema=cells)
    return read.with_columns(_read(name, kind) for name, kind in kinds.items() if kind not in plain)


def _read(name: str, kind: Any) -> pl.Expr:
    """The values of a column that PostgreSQL wrote as CSV."""
    cells = pl.col(name)
    if kind == pl.Boolean:
        return cells == "t"
    if kind == pl.Date:
        return cells.str.to_date()
    if kind == pl.Datetime:
        return cells.str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC")
    return cells


Kinds = Mapping[str, TypeEngine[Any]]


def listed(rows: pl.DataFrame, kinds: Kinds) -> TableValuedAlias:
    """Rows as a table in a question: the columns that `kinds` names, with their types. A statement that changes many
    rows by it is one, and so has one seal (OPS-7)."""
    arrays = [cast(rows[name].to_list(), ARRAY(kind)) for name, kind in kinds.items()]
    columns = [Column(name, kind) for name, kind in kinds.items()]
    return func.unnest(*arrays).table_valued(*columns, name="listed").render_derived()


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
