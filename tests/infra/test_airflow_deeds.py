"""What people did in Airflow stands beside what they did in the desk (OPS-3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine

from infra.host import free_port
from infra.ledger.deeds import Sought
from infra.ledger.sql import open_engine
from infra.running.airflow_deeds import airflow_deeds
from infra.running.postgres import EmbeddedPostgres

AT = datetime(2024, 8, 20, 12, tzinfo=UTC)
LOG = (
    ("post_dag_run", "officer", "results_day", None),
    ("patch_dag", "admin", "ingest", None),
    ("patch_dag_run", "ops", "ingest", None),  # the service user sets notes
    ("running", "edi-desk", "ingest", "take"),  # a task, under its owner
    ("cli_scheduler", "root", None, None),
    ("success", None, "ingest", "take"),
)


@pytest.fixture
def airflow(postgres: EmbeddedPostgres) -> Iterator[Engine]:
    """Airflow's tables, as far as they are asked."""
    postgres.create_database("airflow_deeds")
    engine = sa.create_engine(postgres.url("airflow_deeds"))
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE log (dttm timestamptz, event text, owner text, dag_id text, task_id text, run_id text);"
            "CREATE TABLE dag (owners text); INSERT INTO dag VALUES ('edi-desk'), (NULL)"
        )
        for number, (event, owner, dag, task) in enumerate(LOG):
            connection.execute(
                sa.text("INSERT INTO log VALUES (:at, :event, :owner, :dag, :task, 'manual')"),
                {"at": AT + timedelta(hours=number), "event": event, "owner": owner, "dag": dag, "task": task},
            )
    yield engine
    engine.dispose()


def test_ops_3_people_are_told_and_services_are_left_out(airflow: Engine) -> None:
    found = airflow_deeds(airflow, Sought(), 10)
    assert found
    assert found.deeds.select("at", "who", "action", "about").rows() == [
        (AT + timedelta(hours=1), "admin", "airflow_patch_dag", "ingest manual"),
        (AT, "officer", "airflow_post_dag_run", "results_day manual"),
    ]
    assert (found.total, found.people) == (2, ["admin", "officer"])
    some = airflow_deeds(airflow, Sought(who="officer", since=AT, until=AT + timedelta(hours=1)), 10)
    assert some
    assert (some.total, some.actions) == (1, ["airflow_patch_dag", "airflow_post_dag_run"])
    none = airflow_deeds(airflow, Sought(centre="64123"))
    assert none
    assert none.deeds.is_empty()


def test_ops_3_without_airflow_there_is_no_answer_and_no_error() -> None:
    assert airflow_deeds(open_engine(f"postgresql+psycopg2://nobody@127.0.0.1:{free_port()}/none"), Sought()) is None
