"""Frames out of PostgreSQL: by COPY and by cursor they are the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger import sql
from infra.running.postgres import EmbeddedPostgres

ROWS = sa.Table(
    "rows", sa.MetaData(), sa.Column("n", sa.BigInteger), sa.Column("words", sa.Text), sa.Column("yes", sa.Boolean),
    sa.Column("day", sa.Date), sa.Column("at", sa.DateTime(timezone=True)), sa.Column("small", sa.Integer),
)  # fmt: skip
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SCHEMA: dict[str, Any] = {
    "n": pl.Int64, "words": pl.String, "yes": pl.Boolean, "day": pl.Date, "at": pl.Datetime("us", "UTC"),
    "small": pl.Int64,
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(postgres: EmbeddedPostgres) -> Iterator[sa.Engine]:
    postgres.create_database("frames")
    engine = sa.create_engine(postgres.url("frames"))
    ROWS.create(engine)
    yield engine
    engine.dispose()


# What PostgreSQL cannot keep in text is a NUL; a lone surrogate is no text.
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
rows = st.fixed_dictionaries({
    "n": st.none() | st.integers(-(2**63), 2**63 - 1),
    "words": st.none() | words | st.sampled_from(["", "\\N", '"', "a,b", "\r\n", "null"]),
    "yes": st.none() | st.booleans(),
    "day": st.none() | st.dates(date(1900, 1, 1), date(2999, 12, 31)),
    "at": st.none() | st.integers(0, 2**54).map(lambda us: EPOCH + timedelta(microseconds=us)),
    "small": st.none() | st.integers(-(2**31), 2**31 - 1),
})  # fmt: skip


@given(st.lists(rows, max_size=6))
@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_read_by_copy_is_what_was_written(engine: sa.Engine, written: list[dict[str, Any]]) -> None:
    with engine.begin() as connection:
        connection.execute(ROWS.delete())
        if written:
            connection.execute(ROWS.insert(), written)
    read = sql.table(engine, sa.select(ROWS))
    assert dict(read.schema) == SCHEMA
    expected = pl.DataFrame(written, schema=SCHEMA)
    assert read.sort(pl.all()).rows() == expected.sort(pl.all()).rows()


def test_parameters_of_a_query_are_its_own(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(ROWS.delete())
        at = datetime(2024, 3, 31, 1, 30, tzinfo=timezone(timedelta(hours=1)))
        connection.execute(ROWS.insert(), [{"n": n, "words": f"50%{n}' \\", "at": at} for n in range(4)])
    query = sa.select(ROWS.c.words, ROWS.c.at).where(ROWS.c.n.in_([1, 2]), ROWS.c.words.like("50\\%%"))
    read = sql.table(engine, query.order_by(ROWS.c.n))
    assert read["words"].to_list() == ["50%1' \\", "50%2' \\"]
    assert read["at"].to_list() == [datetime(2024, 3, 31, 0, 30, tzinfo=UTC)] * 2


def test_a_question_that_fails_by_copy_quotes_no_learner_and_is_an_error_of_the_database(engine: sa.Engine) -> None:
    query = sa.select(sa.cast(sa.literal("UCI 64123023000A"), sa.Integer).label("small"))
    with pytest.raises(sql.CopyError, match="rows of small: SQLSTATE 22P02") as caught:
        sql.table(engine, query)
    assert isinstance(caught.value, SQLAlchemyError)
    assert caught.value.__suppress_context__
