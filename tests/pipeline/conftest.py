"""A desk of its own for every test: an empty ledger on the session's server, an empty folder store; and the season of
the crash matrix, for tests of what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from bench.crash_season import Size
from bench.crashes import Ground, ground
from bench.registers import register_for_tests
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.desk import Desk, open_desk
from tests.catalogue import FROZEN

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def empty_ledger(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database without any row but the register of centres, to be copied: migrating takes longer
    than most tests."""
    postgres.create_database("empty_ledger")
    migrate(postgres.url("empty_ledger"), postgres.desk_url("empty_ledger"))
    register_for_tests(postgres.url("empty_ledger"))
    return "empty_ledger"


@pytest.fixture
def new_ledger(postgres: EmbeddedPostgres, empty_ledger: str) -> Callable[[], str]:
    """Makes another empty ledger; its address."""

    def make() -> str:
        name = f"ledger{next(_NUMBERS)}"
        server = sa.create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE {empty_ledger}"))
        server.dispose()
        return postgres.url(name)

    return make


@pytest.fixture
def fresh(new_ledger: Callable[[], str], tmp_path: Path) -> Settings:
    """Settings with an empty ledger and store; half a minute old files count as settled."""
    return Settings(catalogue=FROZEN, state=tmp_path, database_url=new_ledger(), settle_seconds=30)


@pytest.fixture
def work(fresh: Settings) -> Iterator[Desk]:
    """The open desk on those settings."""
    with open_desk(fresh) as desk:
        yield desk


@pytest.fixture(scope="session")
def season(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Ground:
    """A small season up to each of its jobs."""
    return ground(postgres, tmp_path_factory.mktemp("season"), Size())
