"""What several test files share: one PostgreSQL server and one whole desk for the session."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from shutil import copytree

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from bench.registers import register_for_tests
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from infra.store import S3Store, open_store
from tests.catalogue import FROZEN
from tests.golden import golden, pytest_addoption
from tests.instruments import at_port, new_bucket, s3_server
from tests.mailbox import Mailbox, mail_server

__all__ = ["golden", "pytest_addoption"]

_BUCKETS = count(1)
RUNNING = ("tests/dags/", "tests/console/")
"""Where tests use the fixture `desk`."""


LONG = (*RUNNING, "tests/test_runbook.py", "tests/pipeline/test_", "tests/test_season.py", "tests/infra/")
"""What takes longest: workers begin with it, so that none has a long file left when the others are done."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first; within a file nothing moves."""
    items.sort(key=lambda item: next((at for at, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG)))


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: whoever has the running desk waits for it most of the time."""
    return (os.cpu_count() or 1) + 1


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it is not exported with types
    """Gives a worker the tests of a file, and those of all folders that need a running desk to the same one: a desk of
    its own for another worker would cost more than the second worker brings."""

    def _split_scope(self, nodeid: str) -> str:
        return "a running desk" if nodeid.startswith(RUNNING) else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How tests are given to workers."""
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Airflow makes its home when it is imported: not in the home folder of whoever runs the tests. Commands and
    processes that tests start read the frozen catalogue."""
    assert config.cache
    os.environ["RESULTSDAY_CATALOGUE"] = str(FROZEN)
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
def mailbox() -> Iterator[Mailbox]:
    """The mail server to which the fixture `desk` sends its alerts."""
    with mail_server() as box:
        yield box


@pytest.fixture(scope="session")
def s3_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an S3 server, for which it is always noon of 15 February 2024: what lands there lands then."""
    with s3_server(tmp_path_factory.mktemp("s3") / "moto.log", datetime(2024, 2, 15, 12, tzinfo=UTC)) as port:
        yield port


@pytest.fixture
def bucket(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    """A store in an empty bucket of that server."""
    at_port(monkeypatch, s3_port)
    store = open_store(f"{new_bucket(f'bucket{next(_BUCKETS)}')}/resultsday")
    assert isinstance(store, S3Store)
    return store


@pytest.fixture(scope="session")
def desk_settings(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Settings:
    """The settings of the fixture `desk`: its own state folder and catalogue; files count as settled at once."""
    state = tmp_path_factory.mktemp("desk")
    catalogue = Path(copytree(FROZEN, state / "catalogue"))
    return Settings(
        state=state,
        catalogue=catalogue,
        settle_seconds=0,
        users="looker:viewer,reader:user,officer:op",
        alert_mail_to="operations@example.org",
        alert_smtp_port=mailbox.port,
        free_disk_bytes=1,
        sftp_port=0,
        ui_port=0,
        guard_seconds=3600,  # so that tests of results_day see what the DAG does
    )


@pytest.fixture(scope="session")
def desk(desk_settings: Settings) -> Iterator[RunningDesk]:
    """A running desk, the real one: about fifteen seconds for the first test that asks for it. Do not end it."""
    try:
        running = up(desk_settings, print)
        register_for_tests(running.database_url)
        yield running
    finally:
        down(desk_settings, print)
        EmbeddedPostgres(desk_settings.state / "postgres").remove()
