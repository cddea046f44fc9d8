"""Old rows of Airflow's tables are removed by its own command (OPS-9): in tables as Airflow itself makes them."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.running.airflow_rows import AirflowRowsError, old_rows, remove_rows
from infra.running.airflow_setup import command, environment
from infra.running.airflow_state import airflow_database
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings

BEFORE = datetime(2024, 6, 1, tzinfo=UTC)
ROWS = """
    INSERT INTO job (job_type, state, start_date, latest_heartbeat, hostname)
    SELECT 'SchedulerJob', 'success', at, at, 'here'
    FROM generate_series(timestamptz '2024-05-22', '2024-06-10', interval '1 day') AS at
"""
"""Ten that are old, and ten that are not."""


@pytest.fixture
def settings(postgres: EmbeddedPostgres, tmp_path: Path) -> Settings:
    """A desk whose Airflow has its tables."""
    postgres.create_database("airflow_rows")
    url = postgres.url("airflow_rows")
    settings = Settings(state=tmp_path, database_url=postgres.url("postgres"), airflow_database_url=url)
    around = environment(settings, database_url=settings.database_url, airflow_database_url=url, port=1)
    subprocess.run(command("db", "migrate"), env=around, check=True, capture_output=True, timeout=300)
    return settings


def jobs(settings: Settings) -> int:
    engine = sa.create_engine(airflow_database(settings))
    with engine.begin() as connection:
        count = int(
            connection.execute(sa.text("SELECT count(*) FROM job WHERE job_type = 'SchedulerJob'")).scalar_one()
        )
    engine.dispose()
    return count


def test_ops_9_airflow_itself_counts_and_removes_its_old_rows(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So a task finds its environment.
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "airflow-db-not-allowed:///")
    engine = sa.create_engine(airflow_database(settings))
    with engine.begin() as connection:
        connection.execute(sa.text(ROWS))
    assert (old_rows(settings, BEFORE), jobs(settings)) == (10, 20)
    remove_rows(settings, BEFORE)
    assert (old_rows(settings, BEFORE), jobs(settings)) == (0, 10)
    with engine.connect() as connection:
        copies = sa.text("SELECT count(*) FROM pg_tables WHERE tablename LIKE '\\_airflow\\_deleted%'")
        assert connection.execute(copies).scalar_one() == 0
    engine.dispose()


def test_ops_9_an_airflow_that_cannot_be_reached_is_said_in_a_sentence(tmp_path: Path) -> None:
    nowhere = Settings(state=tmp_path, database_url="postgresql+psycopg2://desk:secret@127.0.0.1:1/ledger")
    assert airflow_database(nowhere).endswith("/airflow")
    with pytest.raises(AirflowRowsError, match="run it by hand") as told:
        old_rows(nowhere, BEFORE)
    assert "secret" not in str(told.value)
