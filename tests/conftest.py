"""What several test files share: a PostgreSQL server and an S3 server for the session; and how tests are shared out."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from infra.running.postgres import EmbeddedPostgres
from infra.store import S3Store, open_store
from tests.catalogue import FROZEN
from tests.golden import golden, pytest_addoption
from tests.instruments import at_port, new_bucket, s3_server

__all__ = ["golden", "pytest_addoption"]

_BUCKETS = count(1)
LONG = (
    "tests/dags/",
    "tests/console/",
    "tests/test_runbook.py",
    "tests/pipeline/test_",
    "tests/test_season.py",
    "tests/infra/",
)
"""What takes longest: workers begin with it, so that none has a long file left when the others are done."""
RUNNING = {
    "tests/dags/": "the running desk of tests/dags",
    "tests/console/test_pages.py": "the running desk of tests/console",
    "tests/console/test_rights.py": "the running desk of tests/console",
}
"""Which tests share a running desk: it is that of one worker."""


MEMORY = Path("/dev/shm")
ROOM = 8 * 2**30
"""Where the desks of tests live if so many bytes are free: what ends a process in a test never ends the machine, so
none of their thousands of files has to wait for the disk."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files come first; within a file nothing moves."""
    for item in items:
        if "desk_settings" in getattr(item, "fixturenames", ()) and not item.nodeid.startswith(tuple(RUNNING)):
            raise pytest.UsageError(f"add {item.nodeid.partition('::')[0]} to RUNNING in tests/conftest.py")
    items.sort(key=lambda item: next((at for at, name in enumerate(LONG) if item.nodeid.startswith(name)), len(LONG)))


def pytest_collection_finish() -> None:
    """What has been imported and collected stays: the collector of garbage need not look at it again and again."""
    gc.freeze()
    gc.enable()


def pytest_xdist_auto_num_workers() -> int:
    """Two more than there are processors: whoever has a running desk waits for it most of the time."""
    return (os.cpu_count() or 1) + 2


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # it is not exported with types
    """Gives a worker the tests of a file; those that share a running desk to the same one: a desk for each would cost
    more than another worker brings; and the scenarios by their subjects, as they are many."""

    def _split_scope(self, nodeid: str) -> str:
        if subject := re.fullmatch(r"(\S+/test_scenarios\.py)::\w+\[(\w+): .*", nodeid, re.DOTALL):
            return f"{subject[1]}: {subject[2]}"
        file = str(super()._split_scope(nodeid))
        return next((whole for name, whole in RUNNING.items() if nodeid.startswith(name)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """How tests are given to workers."""
    return Scheduling(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Airflow makes its home when it is imported: not in the home folder of whoever runs the tests. Commands and
    processes that tests start read the frozen catalogue. While tests are collected nothing is garbage."""
    gc.disable()
    if MEMORY.is_dir() and disk_usage(MEMORY).free > ROOM and config.option.basetemp is None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))
    os.environ["RESULTSDAY_CATALOGUE"] = str(FROZEN)
    if cache := getattr(config, "cache", None):
        os.environ.setdefault("AIRFLOW_HOME", str(cache.mkdir("airflow")))
    elif "AIRFLOW_HOME" not in os.environ:  # pytest was told to keep nothing
        folder = TemporaryDirectory(prefix="airflow-")
        config.add_cleanup(folder.cleanup)
        os.environ["AIRFLOW_HOME"] = folder.name


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
