"""A desk of its own for every test: an empty ledger on the session's server, an empty folder store; and the season of
the crash matrix, for tests of what goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.crash_season import STAGES, Size
from bench.crashes import Beginning, Ground, beginnings, ground_of
from bench.registers import register_for_tests
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.desk import Desk, open_desk
from tests.catalogue import FROZEN
from tests.ledgers import Ledgers, stay_connected
from tests.shared import made_once


@pytest.fixture(scope="session")
def empty_ledger(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database without any row but the register of centres, to be copied: migrating takes longer
    than most tests."""
    postgres.create_database("empty_ledger")
    migrate(postgres.url("empty_ledger"), postgres.desk_url("empty_ledger"))
    register_for_tests(postgres.url("empty_ledger"))
    return "empty_ledger"


@pytest.fixture(scope="session")
def ledgers(postgres: EmbeddedPostgres, empty_ledger: str) -> Iterator[Ledgers]:
    """Ledgers like that, used by one test after another."""
    with pytest.MonkeyPatch.context() as patch:
        stay_connected(patch)
        yield Ledgers(postgres, empty_ledger)


@pytest.fixture
def new_ledger(ledgers: Ledgers) -> Iterator[Callable[[], str]]:
    """Gives another empty ledger; its address."""
    given: list[str] = []

    def give() -> str:
        given.append(ledgers.take())
        return given[-1]

    yield give
    for url in reversed(given):
        ledgers.give_back(url)


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
    """A small season up to each of its jobs, played by the first worker that needs it."""

    def kept(url: str) -> list[Beginning]:
        made = made_once(
            tmp_path_factory,
            "beginnings",
            lambda place: [(one.ledger, one.store) for one in beginnings(url, place, Size())],
        )
        return [Beginning(stage, *its) for stage, its in zip(STAGES, made, strict=True)]

    return ground_of(postgres, kept)
