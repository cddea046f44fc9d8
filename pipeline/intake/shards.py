"""The ingest with several at work (`RESULTSDAY_SHARDS`): one takes everything in, each decides the files of its
centres, one decides the rest (`pipeline.intake.sharing` says which) and ends it.

Whoever dies on the way leaves nothing that is not done later: the next ingest of any kind first decides, in the same
turns, what was left (`pipeline.intake.ingest.complete`).
"""

from __future__ import annotations

import logging
from datetime import datetime
from time import perf_counter

import polars as pl

from pipeline.contained import FAILURES, log_failure, outside
from pipeline.desk import Desk
from pipeline.intake.ingest import IngestCounts, complete, decide_waiting, finish, publish, take_in, without_turn
from pipeline.intake.sharing import shared
from pipeline.journal import recorded_as
from pipeline.steps import SHARED, SHARES_ENDED
from rules import terms

log = logging.getLogger(__name__)

ALL = 2**40
"""More files, and bytes, than can wait."""


@recorded_as("ingest")
def begin(desk: Desk, now: datetime) -> IngestCounts:
    """An ingest that takes in every file waiting at `now` (aware). If more wait than one takes in a batch they are
    shared: what it returns has `given`, the shards for each of which somebody must `decide_share`, and then somebody
    must `end` it. If not, it has done everything."""
    return take_in(desk, now, lambda: _shares(desk, now))


def _shares(desk: Desk, now: datetime) -> list[int]:
    settings, orders = desk.settings, desk.shares.orders()
    registering = [stream.series for stream in desk.catalogue.streams if stream.purpose == terms.REGISTRATION]
    files = desk.ledger.waiting(ALL, ALL, registering)
    if settings.shards == 1 or len(files) <= settings.batch_files:
        return []
    try:
        rows = shared(desk, files, settings.shards)
    except FAILURES as error:
        if outside(error):
            raise
        # A file at which our own code fails is held for a person: by one ingest, as nobody knows of whom it speaks.
        log_failure("sharing the files", error)
        return []
    given: list[int] = rows["shard"].drop_nulls().unique().sort().to_list()
    if len(given) < 2:
        return []
    desk.shares.share(rows.with_columns(orders=pl.lit(orders, pl.Int64), at=pl.lit(now)))
    SHARED.passed()
    log.info("%d files are shared, %d of them left to one ingest", rows.height, rows["shard"].null_count())
    return given


def decide_share(desk: Desk, shard: int) -> IngestCounts:
    """Decides, books and answers the files of a shard, if any. Only one run does so at a time."""
    started, summary = perf_counter(), IngestCounts()
    with desk.ledger.shard("ingest", shard) as turn:
        if not turn:
            return without_turn(desk, turn, summary)
        publish(desk, shard)
        orders = desk.shares.orders_then()
        # Once staff have ordered that two learners are one, several may have to do with the same: one does the rest.
        decide_waiting(desk, summary, shard, lambda: desk.shares.orders() == orders)
    summary.seconds = perf_counter() - started
    log.info("shard %d: %s", shard, summary.note())
    return summary


def end(desk: Desk, now: datetime) -> IngestCounts:
    """Ends a shared ingest at `now` (aware): decides what is left and answers what is only tried. Counts what all have
    done, in seconds from the beginning."""
    summary = IngestCounts()
    with desk.ledger.exclusive("ingest") as turn:
        if not turn:
            return without_turn(desk, turn, summary)
        publish(desk)
        complete(desk, summary)
        finish(desk, now, summary)
        whole = desk.shares.done()
        desk.shares.end()
        SHARES_ENDED.passed()
        desk.ledger.analyze()
    if whole is not None:
        summary.received, summary.pence = whole.files, whole.pence
        summary.outcomes, summary.codes = whole.outcomes, whole.codes
        summary.seconds = max(0.0, (now - whole.at).total_seconds())
    log.info("%s", summary.note())
    return summary
