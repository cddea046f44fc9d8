"""Results day of a national series: `python -m bench.release`.

Results of every centre are recorded as an awarding on an embedded PostgreSQL; the real job builds all files under
embargo in a folder store, a release publishes them. Prints the seconds of each step, and its goal.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import polars as pl
import sqlalchemy as sa

from fixtures.generate import people
from infra import sql
from infra.ledger import migrate
from infra.postgres import EmbeddedPostgres
from infra.results import Awarding
from infra.settings import Settings
from infra.tables import registrations, submissions
from pipeline.desk import Desk, open_desk
from pipeline.release import approve, build, release
from rules.awarding import RESULTS
from rules.certification import AWARDS, CHOICES

CENTRES = 3_000
LEARNERS = 50
"""At each centre, with three components and a claim: 600,000 records."""
AT = datetime(2024, 8, 10, 12, tzinfo=UTC)
TO_CENTRES = datetime(2024, 8, 21, 12, tzinfo=UTC)
TO_LEARNERS = datetime(2024, 8, 22, 12, tzinfo=UTC)
SERIES = "2024-06"

T = TypeVar("T")


def main() -> None:
    """Records, builds and publishes; a line each."""
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedPostgres(Path(folder) / "postgres", durable=False)
        try:
            server.start()
            server.create_database("national")
            migrate(server.url("national"))
            settings = Settings(state=Path(folder) / "state", database_url=server.url("national"))
            with open_desk(settings) as desk:
                publish_all(desk)
        finally:
            server.remove()


def publish_all(desk: Desk) -> None:
    """Every step of results day."""
    series = desk.catalogue.series_by_id(SERIES)
    assert series
    print(f"{CENTRES:,} centres, {CENTRES * LEARNERS:,} learners, {os.cpu_count()} cores")
    awarding = timed("results recorded", "", lambda: recorded(desk))
    built = timed("built", "below 20", lambda: build(desk, awarding, AT))
    print(f"    {built.note()}")
    timed("approved", "", lambda: approve(desk, built.awarding, "bench", "measured", AT))
    centres = timed("released to centres", "below 10", lambda: release(desk, series, "centres", TO_CENTRES))
    learners = timed("released to learners", "below 10", lambda: release(desk, series, "learners", TO_LEARNERS))
    print(f"    {centres.note()}\n    {learners.note()}")


def timed(title: str, goal: str, work: Callable[[], T]) -> T:
    """What `work` gives; prints how long it took."""
    began = time.perf_counter()
    done = work()
    print(f"{title:28}{time.perf_counter() - began:8.1f} s   {goal}", flush=True)
    return done


def recorded(desk: Desk) -> Awarding:
    """The awarding, with the files and registrations it rests on."""
    learners = pl.DataFrame(
        [
            (centre, one["candidate"], one["uci"], one["uln"])
            for centre in (f"{10_000 + number}" for number in range(CENTRES))
            for one in people(centre, LEARNERS, seed=int(centre))
        ],
        schema=["centre", "candidate", "uci", "uln"],
        orient="row",
    )
    centres = learners.select("centre").unique(maintain_order=True)
    files = centres.select(
        pl.lit("edi").alias("channel"), pl.col("centre"), pl.lit("E").alias("file_name"),
        pl.col("centre").alias("landing_key"), pl.lit("file").alias("kind"), pl.lit(AT).alias("received"),
        pl.lit(1).alias("size"), pl.lit("").alias("sha256"), pl.lit("E").alias("letter"),
        pl.lit("15").alias("awarding_body"), pl.lit("6B24").alias("series"), pl.lit(1).alias("sequence"),
        pl.lit("15").alias("reply_stream"), pl.lit(1).alias("reply_number"), pl.lit(value=True).alias("booked"),
    )  # fmt: skip
    registered = learners.select(
        pl.lit(1).alias("submission_id"), pl.lit(1).alias("line"), "centre", pl.lit("2023-09").alias("series"),
        "candidate", "uci", "uln", pl.lit("").alias("upn"), pl.lit("A:B").alias("name"), pl.lit("M").alias("sex"),
        pl.lit("BEN22").alias("option"),
    )  # fmt: skip
    with desk.ledger.engine.begin() as connection:
        sql.copy(connection, submissions, files)
        connection.execute(sa.text("update submissions set sha256 = id::text"))
        sql.copy(connection, registrations, registered)
    results = learners.join(pl.DataFrame({"component": ["BEN01", "BEN02", "BEN03"]}), how="cross").select(
        "centre", "candidate", "uci", "component", pl.lit("BEN22").alias("registration"), pl.lit(40).alias("raw"),
        pl.lit("").alias("status"), pl.lit(None, pl.Int64).alias("mark_id"), pl.lit(60).alias("ums"),
        pl.lit("L2P").alias("grade"), pl.lit("graded").alias("outcome"),
    )  # fmt: skip
    awards = learners.select(
        "centre", "candidate", "uci", pl.lit("BEN22").alias("registration"), pl.lit("BEN99").alias("cash_in"),
        pl.int_range(1, pl.len() + 1).alias("claim_id"), pl.lit(AT).alias("claimed_at"), pl.lit("edi").alias("channel"),
        pl.lit(180).alias("ums"), pl.lit("L2P").alias("grade"), pl.lit("awarded").alias("outcome"),
        pl.lit("").alias("reason"), pl.lit("").alias("about"), pl.lit(value=False).alias("partial_absence"),
        pl.lit(value=True).alias("performance"),
    )  # fmt: skip
    choices = results.select(
        "centre", "uci", "registration", "component", pl.lit(SERIES).alias("series"), "raw", "ums",
        pl.lit(value=True).alias("counts"), pl.lit("ONLY").alias("why"),
    )  # fmt: skip
    frames = {
        "results": results.select(pl.col(name).cast(kind) for name, kind in RESULTS.items()),
        "awards": awards.select(pl.col(name).cast(kind) for name, kind in AWARDS.items()),
        "choices": choices.select(pl.col(name).cast(kind) for name, kind in CHOICES.items()),
    }
    return desk.results.record(
        series=SERIES, kind="series", at=AT, conversions_sha256="", sha256="", counts={}, frames=frames
    )


if __name__ == "__main__":
    main()
