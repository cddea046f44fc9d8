"""How long an ingest takes when several decide: `make bench-shards FILES=1200`, with the store in a folder, and with
`FAR=1` in S3 at 30 ms a request.

Every file comes from another centre, and nobody is at two. Each ingest is a process of its own, as a worker's task is,
but already there: what Airflow needs to start one comes on top (`make bench-answer`).
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from attrs import evolve

from bench.desks import temporary_server
from bench.distance import centres, in_s3, new_desk
from infra.settings import Settings
from pipeline.desk import open_desk
from pipeline.intake.shards import begin, decide_share, end
from tests.support import name_of, registration_file

SHARDS = (1, 2, 4)
FAR = 0.03
"""Seconds of a request to S3 there and back."""


def _decide(settings: Settings, shard: int) -> None:
    with open_desk(settings) as desk:
        decide_share(desk, shard)


def timed(settings: Settings, files: int) -> tuple[float, float, float]:
    """Seconds until everything is taken in and shared, until the last has decided its share, and until the end."""
    spawn = multiprocessing.get_context("spawn")
    with open_desk(settings) as desk, ProcessPoolExecutor(settings.shards, mp_context=spawn) as pool:
        sent = [(centre, registration_file(centre)) for centre in centres(files)]
        desk.store.put_all([(f"inbox/{centre}/{name_of(data)}", data) for centre, data in sent])
        list(pool.map(time.sleep, [0.5] * settings.shards))
        now, began = datetime.now(UTC) + timedelta(minutes=1), time.perf_counter()
        done = begin(desk, now)
        begun = time.perf_counter()
        list(pool.map(_decide, [settings] * len(done.given), done.given))
        decided = time.perf_counter()
        if done.given:
            done = end(desk, now)
        assert done.outcomes.total() == done.received == files
        return begun - began, decided - begun, time.perf_counter() - decided


def _rows(asked: argparse.Namespace) -> Iterator[tuple[str, int, tuple[float, float, float]]]:
    with temporary_server(durable=True) as (server, folder):
        for shards in SHARDS:
            near = new_desk(server, Path(folder), f"near{shards}", asked.files)
            yield "a folder", shards, timed(evolve(near, shards=shards), asked.files)
        for shards in SHARDS if asked.far else ():
            named = argparse.Namespace(files=asked.files, threads=near.store_threads)
            with in_s3(server, Path(folder), FAR, named, f"far{shards}") as far:
                yield f"S3 at {FAR * 1000:.0f} ms", shards, timed(evolve(far, shards=shards), asked.files)


def main() -> None:
    """Measures, and prints a row of `docs/sizing.md` for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=1200)
    parser.add_argument("--far", action="store_true", help="in S3 too")
    asked = parser.parse_args()
    print(f"{asked.files} files, {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}\n")
    print("| store | ingests | taken in and shared | decided | ended | seconds |\n|---|---:|---:|---:|---:|---:|")
    for store, shards, parts in _rows(asked):
        print(f"| {store} | {shards} | {' | '.join(f'{part:.1f}' for part in (*parts, sum(parts)))} |", flush=True)


if __name__ == "__main__":
    main()
