"""Connections to PostgreSQL end when the other side is gone: ours, and Airflow's own (OPS-6)."""

from __future__ import annotations

import asyncio
from pkgutil import resolve_name
from typing import Any

import asyncpg  # type: ignore[import-untyped]
import psycopg2
import pytest
from sqlalchemy.engine import make_url

from infra.alive import ASYNC, SYNC
from infra.running.airflow_settings import VARIABLES
from infra.running.postgres import EmbeddedPostgres

ASKED = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "client_connection_check_interval": "5s",
}


@pytest.mark.parametrize(("name", "meant"), [("CONNECT_ARGS", SYNC), ("CONNECT_ARGS_ASYNC", ASYNC)])
def test_ops_6_airflow_takes_the_same_arguments_for_its_own_connections(name: str, meant: object) -> None:
    [variable] = [one for one in VARIABLES if one.name == f"AIRFLOW__DATABASE__SQL_ALCHEMY_{name}"]
    assert variable.desk == variable.production
    assert resolve_name(str(variable.desk)) is meant


def test_ops_6_both_drivers_ask_the_server_to_look_whether_they_are_there(postgres: EmbeddedPostgres) -> None:
    where = make_url(postgres.url("postgres"))
    to: dict[str, Any] = {"host": where.host, "port": where.port, "user": where.username, "password": where.password}
    with psycopg2.connect(dbname=where.database, **to, **SYNC) as connection, connection.cursor() as cursor:
        for name, value in ASKED.items():
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (value,), name
    connection.close()

    async def shown() -> dict[str, str]:
        held = await asyncpg.connect(database=where.database, **to, **ASYNC)
        try:
            return {name: await held.fetchval(f"SHOW {name}") for name in ASKED}
        finally:
            await held.close()

    assert asyncio.run(shown()) == ASKED
