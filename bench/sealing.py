"""What the seal costs (OPS-7): an ingest and an award of the country, with it and without: `python -m bench.sealing
[CENTRES [PAIRS]]`.

Without it, here and nowhere else, the triggers are gone, nothing is put into the chain and nothing is hashed. The two
ways alternate, each on a new desk. What counts is the time that the processor worked for it, in this process and in
PostgreSQL: on a machine that does other things too, the clock says more about these.
"""

from __future__ import annotations

import os
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import psutil
import sqlalchemy as sa

from bench.desks import new_desk, temporary_server
from bench.national import AWARDED, BOUNDARIES, DROPS, LEARNERS, NOW, external_marks
from infra.ledger import results
from infra.ledger.sealed import GUARDS
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.awarding.award import approve_boundaries, award, take_boundaries
from pipeline.desk import open_desk
from pipeline.intake.ingest import ingest
from pipeline.marking.external import take_external

WITH, WITHOUT = "sealed", "not sealed"
Worked = dict[str, float]
"""Seconds of processor time, by what was done."""


def main(centres: int = 300, pairs: int = 3) -> None:
    """Measures pairs, and says what each step costs with and without, and how much more it is."""
    print(f"{centres:,} centres, {centres * LEARNERS:,} learners, {pairs} pairs, seconds of processor time")
    found: dict[str, list[Worked]] = {WITH: [], WITHOUT: []}
    with temporary_server(durable=True) as (server, folder):
        season(new_desk(server, folder, "before"), server, 10)  # what is done for the first time costs more
        for pair in range(pairs):
            for way in (WITH, WITHOUT) if pair % 2 else (WITHOUT, WITH):
                settings = new_desk(server, folder, f"way{pair}{way[:3].strip()}")
                with unsealed(settings.database_url) if way == WITHOUT else sealed():
                    found[way].append(season(settings, server, centres))
                print(f"  {way:<12}" + "".join(f"{step} {spent:.2f}  " for step, spent in found[way][-1].items()))
    for step in found[WITH][0]:
        more = [one[step] / other[step] - 1 for one, other in zip(found[WITH], found[WITHOUT], strict=True)]
        print(f"{step:<16}{statistics.median(more):+7.1%}   of each pair: {', '.join(f'{of:+.1%}' for of in more)}")


@contextmanager
def sealed() -> Iterator[None]:
    """As it is."""
    yield


@contextmanager
def unsealed(url: str) -> Iterator[None]:
    """A ledger without seals, and a desk that hashes nothing."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as connection:
        for table, triggers in GUARDS.items():
            for name in triggers:
                connection.exec_driver_sql(f"DROP TRIGGER {name} ON {table}")
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION seal_chain() RETURNS void LANGUAGE sql AS 'SELECT NULL::void'"
        )
    with patch.object(results, "canonical", lambda *_: None), patch.object(results, "freeze", lambda *_: None):
        yield


def season(settings: Settings, server: EmbeddedPostgres, centres: int) -> Worked:
    """Takes every file of a country and awards it."""
    worked: Worked = {}
    with open_desk(settings) as desk:
        series = desk.catalogue.series_by_id("2024-06")
        assert series
        for drop in DROPS:
            for key, data in drop.files(centres):
                drop.land(Path(settings.store_location) / "inbox", key, data)
            worked[drop.title] = _spent(server, lambda: ingest(desk, NOW))
        desk.store.put("feeds/external-marks/all.csv", external_marks(centres))
        desk.store.put("feeds/boundaries/2024-06.csv", (BOUNDARIES / "2024-06.csv").read_bytes())
        worked["board's marks"] = _spent(server, lambda: take_external(desk, AWARDED))
        take_boundaries(desk, AWARDED)
        approve_boundaries(desk, series, "bench", "a benchmark", AWARDED)
        worked["award"] = _spent(server, lambda: award(desk, series, AWARDED))
    return worked


def _spent(server: EmbeddedPostgres, work: Callable[[], object]) -> float:
    before = _processor(server)
    work()
    return _processor(server) - before


def _processor(server: EmbeddedPostgres) -> float:
    """Seconds that this process and the server's have worked so far; a session that has ended is in its parent's."""
    [postmaster] = [
        process for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "postgres" and str(server.data) in (process.info["cmdline"] or ())
    ]  # fmt: skip
    total = sum(os.times()[:4])
    for process in (postmaster, *postmaster.children()):
        times = process.cpu_times()
        total += times.user + times.system
    ended = postmaster.cpu_times()
    return total + ended.children_user + ended.children_system


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
