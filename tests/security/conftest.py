"""One desk on which everything hostile lands at once, taken by one ingest: real PostgreSQL, the real folder store."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import frozen

from bench.registers import register_for_tests
from fixtures.season import JANUARY, JUNE, season
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.awarding.preview import preview
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import IngestCounts, ingest
from pipeline.intake.staff import allow_sitting
from pipeline.marking.external import missing_marks
from pipeline.results.certificates import certificates
from pipeline.season.checkpoints import checkpoint
from pipeline.season.statements import statements
from tests.catalogue import FROZEN
from tests.conservation.play import play
from tests.security import hostile

_NUMBERS = count(1)


@pytest.fixture(scope="session")
def new_database(postgres: EmbeddedPostgres) -> Callable[[], str]:
    """Makes another empty ledger; its address."""
    postgres.create_database("security")
    migrate(postgres.url("security"))
    register_for_tests(postgres.url("security"))

    def make() -> str:
        name = f"security{next(_NUMBERS)}"
        server = sa.create_engine(postgres.url("postgres"), isolation_level="AUTOCOMMIT")
        with server.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} TEMPLATE security"))
        server.dispose()
        return postgres.url(name)

    return make


@pytest.fixture
def work(new_database: Callable[[], str], tmp_path: Path) -> Iterator[Desk]:
    """A desk of one's own, empty."""
    with open_desk(Settings(catalogue=FROZEN, state=tmp_path, database_url=new_database(), settle_seconds=0)) as desk:
        yield desk


@frozen
class Taken:
    """The desk after the ingest of everything hostile, and what was beside the inbox before."""

    desk: Desk
    root: Path
    outside: Path
    summary: IngestCounts
    log: str

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """What the ledger answers."""
        with self.desk.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def reply(self, case: hostile.Case) -> dict[str, Any]:
        """The reply to a case, from its JSON twin in the outbox."""
        [name] = self.rows(
            "SELECT replies.name FROM submissions JOIN replies ON submission_id = submissions.id "
            "WHERE landing_key = :key AND centre = :centre",
            key=case.key, centre=case.answered,
        )  # fmt: skip
        found: dict[str, Any] = json.loads(self.desk.store.get(f"outbox/{case.answered}/{name[0]}.json"))
        return found

    def codes(self, case: hostile.Case) -> set[str]:
        """The codes of the findings of that reply."""
        return {finding["code"] for finding in self.reply(case)["findings"]}

    def text(self, case: hostile.Case) -> str:
        """The reply as a person reads it."""
        name = self.reply(case)["name"]
        return self.desk.store.get(f"outbox/{case.answered}/{name}").decode("ascii")


class Recorder(logging.Handler):
    """Everything any logger says, as text, tracebacks included."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)


@pytest.fixture(scope="session")
def taken(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taken]:
    """Everything in `tests.security.hostile`, landed and taken by one ingest."""
    state = tmp_path_factory.mktemp("hostile")
    outside = state / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_bytes(hostile.SECRET)
    with (
        open_desk(Settings(catalogue=FROZEN, state=state, database_url=new_database(), settle_seconds=0)) as desk,
        recording() as log,
    ):
        root = state / "store"
        hostile.land_all(root, outside)
        learner = hostile.learners(hostile.FIELDS, hostile.SQL_NAMES)[0]
        allow_sitting(desk, hostile.FIELDS, learner["uci"], "BEN01", 1, hostile.ORDER)
        for wave in hostile.WAVES:
            for case in wave:
                hostile.land(root, case)
            summary = ingest(desk, hostile.NOW)
        yield Taken(desk, root, outside, summary, log.text)


@pytest.fixture
def recorded() -> Iterator[Recorder]:
    """What is logged during a test, at DEBUG."""
    with recording() as log:
        yield log


class recording:  # noqa: N801 -- a context manager, written where it is used
    """Collects what is logged in the block, at DEBUG."""

    def __enter__(self) -> Recorder:
        self.recorder, root = Recorder(), logging.getLogger()
        self.level = root.level
        root.addHandler(self.recorder)
        root.setLevel(logging.DEBUG)
        return self.recorder

    def __exit__(self, *_: object) -> None:
        root = logging.getLogger()
        root.removeHandler(self.recorder)
        root.setLevel(self.level)


# --- A season --------------------------------------------------------------------------------------------------------


@frozen
class Season:
    """A desk on which a season of three centres was played to the updated results, with every report there is: its
    learners, what was logged, and what the runs' notes say."""

    desk: Desk
    people: tuple[Mapping[str, str], ...]
    log: str
    notes: str


@pytest.fixture(scope="session")
def played(new_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Season]:
    """The season, played once."""
    made = season(seed=5, centres=3, learners_per_centre=5)
    settings = Settings(catalogue=FROZEN, state=tmp_path_factory.mktemp("season"), database_url=new_database())
    with open_desk(settings) as desk, recording() as log:
        play(desk, made)
        notes = "\n".join(_reported(desk, made.events[-1].at))
        yield Season(desk, tuple(learner.person for learner in made.truth.learners), log.text, notes)


def _reported(desk: Desk, now: datetime) -> Iterator[str]:
    """What is written on Mondays, at checkpoints and for who approves."""
    for series in desk.catalogue.all_series():
        if series.id in (JANUARY, JUNE):
            awarding = desk.results.newest(series.id)
            assert awarding
            yield from preview(desk, awarding)
            yield checkpoint(desk, series, "marks_deadline", now).note()
            yield f"{statements(desk, series, now)} {certificates(desk, series, now)}"
            yield f"{missing_marks(desk, series, now)}"
