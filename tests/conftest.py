"""What several test files share: one PostgreSQL server and one whole desk for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from infra.postgres import EmbeddedPostgres
from infra.settings import CATALOGUE_OF_THE_PROJECT, Settings
from infra.supervisor import Desk, down, up


def pytest_configure(config: pytest.Config) -> None:
    """Airflow makes its home when it is imported: not in the home folder of whoever runs the tests."""
    assert config.cache
    os.environ.setdefault("AIRFLOW_HOME", str(config.cache.mkdir("airflow")))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A running server; make a database of your own on it with `create_database`."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("postgres"), durable=False)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def desk_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The settings of the fixture `desk`: its own state folder and catalogue; files count as settled at once."""
    state = tmp_path_factory.mktemp("desk")
    catalogue = Path(copytree(CATALOGUE_OF_THE_PROJECT, state / "catalogue"))
    return Settings(state=state, catalogue=catalogue, settle_seconds=0)


@pytest.fixture(scope="session")
def desk(desk_settings: Settings) -> Iterator[Desk]:
    """A running desk, the real one: about fifteen seconds for the first test that asks for it. Do not end it."""
    try:
        yield up(desk_settings, print)
    finally:
        down(desk_settings, print)
        EmbeddedPostgres(desk_settings.state / "postgres").remove()
