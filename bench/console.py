"""How long the console takes at the size of a country: 3,000 centres and ten million rows, made by SQL into a ledger of
its own.

`python -m bench.console` prints for every page what it took on the server, without Airflow around it: the first time,
in which the series is counted for all pages; the slowest of five after it, and what its own process computed, which a
busy machine does not lengthen; then what the database says its statements took (EXPLAIN ANALYZE), how many blocks they
looked at, and the slowest of them. `--small`: a series of a country alone, a million rows.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from attrs import define, field
from fastapi import Request

from bench.country import HISTORY, fill, rows_of
from bench.desks import new_desk, temporary_server
from infra.settings import Settings
from pipeline.awarding.award import take_boundaries
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import open_desk

PAGES = (
    "", "calendar", "centres", "centres?only=marks&sort=marks&down=1&at=2", "centres/10009",
    "centres/10009/candidates/0001", "centres/10009/acts/extension?event=marks_deadline&until=2024-06-01", "files",
    "files?every=1&at=100", "files?code=NAME_CUT", "files/37", "quarantine", "watch", "approval", "work", "night",
    "night?series=2023-06", "audit", "audit?who=clerk3&at=9", "audit?centre=10009", "boundaries",
)  # fmt: skip
WHAT_IFS = ({"component": "BEN01", "L2D": "47"}, {"component": "BEN01", "L2D": "48"})
SEARCHES = (
    "10009", "10009/0001", "0001", "100090230001A", "10009 002", "file 37", "E1000915", "X1000915.X23", "School 1000",
)  # fmt: skip
NOW = datetime(2024, 5, 7, 10, tzinfo=UTC)
SERIES = "2024-06"
BOUNDARIES = Path(__file__).parents[1] / "fixtures" / "boundaries"


async def somebody(_: Request) -> Person:
    """Who may see everything."""
    return Person("bench", frozenset(("look", "files", "act", "personal", "approve")))


def main(history: range = HISTORY) -> None:
    """Fills a ledger and asks for every page."""
    with temporary_server() as (server, folder):
        settings = new_desk(server, folder, "national")
        furnish(settings, history)
        ask(settings)


def furnish(settings: Settings, history: range) -> None:
    """The country, and its boundaries."""
    with open_desk(settings):  # the store becomes the ledger's own, before there is anything in it
        fill(settings.database_url, history)
    with open_desk(settings) as desk:
        desk.store.put(f"feeds/boundaries/{SERIES}.csv", (BOUNDARIES / f"{SERIES}.csv").read_bytes())
        take_boundaries(desk, NOW)
        for number in range(10):
            desk.store.put(f"outbox/10009/LETTER-{number}.txt", b"made up")
    print(f"{rows_of(settings.database_url):,} rows", flush=True)


@define
class Asked:
    """The statements that were sent to a database while somebody listened."""

    said: list[tuple[str, Any]] = field(factory=list)

    def explained(self, engine: sa.Engine) -> Iterator[tuple[float, int, str]]:
        """For each question: milliseconds by the database's own account, blocks of 8 KiB that it looked at, and
        the statement."""
        with engine.connect() as connection:
            for statement, parameters in self.said:
                if not statement.lstrip().upper().startswith(("SELECT", "WITH")):
                    continue
                [(plan,)] = connection.exec_driver_sql(
                    f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters
                )
                top = plan[0]
                blocks = top["Plan"]["Shared Hit Blocks"] + top["Plan"]["Shared Read Blocks"]
                yield top["Planning Time"] + top["Execution Time"], blocks, " ".join(statement.split())
                connection.rollback()


@contextmanager
def listening() -> Iterator[Asked]:
    """Hears every statement that any engine sends."""
    asked = Asked()

    def heard(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.said.append((statement, parameters))

    sa.event.listen(sa.Engine, "before_cursor_execute", heard)
    try:
        yield asked
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", heard)


def ask(settings: Settings, only: str = "") -> None:
    """Prints how long every page of that desk takes, or those whose address contains `only`."""
    app = application(settings, lambda: NOW, somebody, lambda _: "/")
    engine = sa.create_engine(settings.database_url)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bench", timeout=None)

    async def every() -> None:
        await client.get("/search")  # opens the desk and reads the catalogue
        print(f"{'':58}{'first':>10}{'slowest':>10}{'computed':>10}{'database':>10}{'blocks':>9}{'KiB':>7}")
        for path in PAGES:
            address = f"/{path}{'&' if '?' in path else '?'}series={SERIES}"
            if only in path:
                await _timed(path or "season", engine, _get(client, address if "series=" not in path else f"/{path}"))
        for marks in WHAT_IFS:
            if only in (title := f"boundaries, what if L2D from {marks['L2D']}"):
                await _timed(title, engine, _post(client, "/boundaries", marks | {"series": SERIES}))
        for words in SEARCHES:
            if only in f"search {words}":
                await _timed(f"search {words}", engine, _post(client, "/search", {"words": words}))

    asyncio.run(every())


Asking = Callable[[], Any]


def _get(client: httpx.AsyncClient, address: str) -> Asking:
    return lambda: client.get(address)


def _post(client: httpx.AsyncClient, address: str, form: Mapping[str, str]) -> Asking:
    return lambda: client.post(address, data=dict(form), headers={"Origin": "http://bench"}, follow_redirects=True)


async def _timed(title: str, engine: sa.Engine, asking: Asking) -> None:
    took, computed, size = [], [], 0
    for _ in range(6):
        began, busy = time.perf_counter(), time.process_time()
        answer = await asking()
        took.append(time.perf_counter() - began)
        computed.append(time.process_time() - busy)
        if answer.status_code >= 400:
            print(f"{title:58}{answer.status_code:>10}", flush=True)
            return
        size = len(answer.content)
    with listening() as asked:
        await asking()
    plans = sorted(asked.explained(engine), reverse=True)
    print(
        f"{title:58}{took[0] * 1000:7.0f} ms{max(took[1:]) * 1000:7.0f} ms{min(computed[1:]) * 1000:7.0f} ms"
        f"{sum(each for each, _, _ in plans):7.1f} ms{sum(blocks for _, blocks, _ in plans):9,}{size / 1024:7.0f}",
        flush=True,
    )
    for each, blocks, statement in plans[:1]:
        if each > 20:
            print(f"      {each:7.1f} ms, {blocks:,} blocks: {statement[:220]}", flush=True)


if __name__ == "__main__":
    main(range(0) if "--small" in sys.argv else HISTORY)
