"""How long an ingest takes with its store in a folder, and in S3 at some distance: `make bench-distance FILES=300`.

Every file comes from another centre. The S3 server is moto's, on this machine: it takes processor time that Amazon's
would not, so S3 at no distance at all is the floor of the other two.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve

from bench.desks import temporary_server
from bench.registers import register
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.desk import open_desk
from pipeline.intake.ingest import IngestCounts, ingest
from tests.catalogue import FROZEN
from tests.instruments import at_port, new_bucket, s3_server
from tests.support import name_of, registration_file

DISTANCES = (0.0, 0.01, 0.03)
"""Seconds of a request there and back."""


def centres(files: int) -> list[str]:
    """The numbers of the centres that send."""
    return [str(number) for number in range(10000, 10000 + files)]


def new_desk(server: EmbeddedPostgres, folder: Path, name: str, files: int) -> Settings:
    """The settings of an empty desk that knows the centres."""
    server.create_database(name)
    migrate(server.url(name))
    register(server.url(name), centres(files))
    return Settings(catalogue=FROZEN, state=folder / name, database_url=server.url(name), settle_seconds=0)


def timed(settings: Settings, files: int) -> tuple[float, IngestCounts]:
    """Seconds of an ingest of so many files, and what it counted."""
    with open_desk(settings) as desk:
        sent = [(centre, registration_file(centre)) for centre in centres(files)]
        desk.store.put_all([(f"inbox/{centre}/{name_of(data)}", data) for centre, data in sent])
        began = time.perf_counter()
        done = ingest(desk, datetime.now(UTC) + timedelta(minutes=1))
        seconds = time.perf_counter() - began
    assert done.outcomes.total() == done.received == files
    return seconds, done


@contextmanager
def in_s3(
    server: EmbeddedPostgres, folder: Path, distance: float, asked: argparse.Namespace, name: str = ""
) -> Iterator[Settings]:
    """The settings of an empty desk whose store is in S3 at a distance."""
    name = name or f"far{distance * 1000:.0f}"
    with (
        pytest.MonkeyPatch.context() as patch,
        s3_server(folder / f"{name}.log", distance=distance) as port,
    ):
        at_port(patch, port)
        settings = new_desk(server, folder, name, asked.files)
        yield evolve(settings, store=f"{new_bucket(name)}/desk", store_threads=asked.threads)


def main() -> None:
    """Measures, and prints a line for each store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=300)
    parser.add_argument("--threads", type=int, default=Settings(state=Path()).store_threads)
    asked = parser.parse_args()
    print(f"{asked.files} files, {asked.threads} requests at a time; load {os.getloadavg()[0]:.1f}")
    with temporary_server(durable=True) as (server, folder):
        lines = [("folder", *timed(new_desk(server, folder, "near", asked.files), asked.files))]
        for distance in DISTANCES:
            with in_s3(server, folder, distance, asked) as settings:
                lines.append((f"S3 at {distance * 1000:.0f} ms", *timed(settings, asked.files)))
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    for what, seconds, done in lines:
        stages = ", ".join(f"{name} {taken:.1f}" for name, taken in sorted(done.stages.items()))
        print(f"{what:12} {seconds:7.1f} s  {seconds / lines[0][1]:5.1f} times the folder  ({stages})")


if __name__ == "__main__":
    main()
