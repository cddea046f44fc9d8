"""A small series with everything the console shows, served without Airflow: for what is about the pages alone.

Centre 64123 has entered four learners for May/June 2024, their marks are in, results are built, one of its files is
held, and it has sent another that was refused. The clock is the test's: results are under embargo until it passes the
instants and they are released.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import uvicorn
from attrs import define
from fastapi import FastAPI, HTTPException, Request

from bench.registers import register_for_tests
from infra.ledger.results import Awarding
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.console.access import Person, Right
from pipeline.console.app import application
from pipeline.demo.rehearsal import land
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.results.release import approve, release
from rules.catalogue import LONDON
from tests.catalogue import FROZEN
from tests.patience import until
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    series,
)
from tests.support import centre_file, name_of

SERIES = "2024-06"
SENT = datetime(2024, 2, 20, 12, tzinfo=LONDON)
EVERYTHING: frozenset[Right] = frozenset(("look", "files", "act", "personal", "approve"))
PEOPLE: dict[str, frozenset[Right]] = {
    "clerk": EVERYTHING,
    "reader": frozenset(("look", "files")),
    "looker": frozenset(("look",)),
}
NAMED_BY = "x-person"
"""The header by which a test's browser says who it is."""


@define
class World:
    """The desk, where it is served, and what time it is there."""

    desk: Desk
    awarding: Awarding
    now: datetime
    url: str = ""
    held: int = 0
    refused: int = 0

    def release(self) -> None:
        """Results day comes, for centres and learners."""
        approve(self.desk, build(self.desk, self.awarding, BUILT).awarding, WHO, WHY, APPROVED)
        release(self.desk, series(self.desk), "centres", TO_CENTRES)
        release(self.desk, series(self.desk), "learners", TO_LEARNERS)
        self.now = TO_LEARNERS + timedelta(hours=9)


@contextmanager
def furnished(server: EmbeddedPostgres, folder: Path, database: str = "world") -> Iterator[World]:
    """The world, not served yet."""
    server.create_database(database)
    migrate(server.url(database))
    register_for_tests(server.url(database))
    settings = Settings(catalogue=FROZEN, state=folder, database_url=server.url(database), settle_seconds=30)
    with open_desk(settings) as desk:
        world = World(desk, awarded(desk), now=AWARDED + timedelta(days=1))
        _send(world, centre_file(("BEN01", "BEN02"), sequence=9))
        _send(world, centre_file(("BEN01",), sequence=8, series="6B31"))
        rows, _ = desk.console.received(centre=CENTRE)
        number = {row["outcome"]: row["id"] for row in rows.iter_rows(named=True)}
        world.held, world.refused = number["quarantined"], number["refused"]
        yield world


def _send(world: World, data: bytes) -> None:
    land(world.desk, f"inbox/{CENTRE}/{name_of(data)}", data, SENT)
    ingest(world.desk, SENT + timedelta(minutes=1))


@contextmanager
def served(world: World) -> Iterator[World]:
    """The world behind an address, below `/resultsday` as in Airflow."""

    async def whoever(request: Request) -> Person:
        name = request.headers.get(NAMED_BY, "")
        if name not in PEOPLE:
            raise HTTPException(401, "Not logged in.")
        return Person(name, PEOPLE[name])

    airflow = FastAPI()
    airflow.mount(
        "/resultsday", application(world.desk.settings, lambda: world.now, whoever, lambda _: "/login", "secret")
    )
    server = uvicorn.Server(uvicorn.Config(airflow, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        until(lambda: server.started, lambda: "the console does not start")
        world.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        yield world
    finally:
        server.should_exit = True
        thread.join()
