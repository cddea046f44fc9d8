"""How far every centre is, kept until the ledger has changed.

Counting a national series takes the database half a second; checking whether anything has changed takes a millisecond.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock, Thread
from time import perf_counter
from typing import Any

import polars as pl
from attrs import define, evolve, field, frozen

from infra.ledger.console import ConsoleBook
from rules.calendar import Series

FRESH = timedelta(seconds=30)
"""While files come in, counts may be this old; every page says when they were taken."""

MILESTONES = ("registered", "entered", "marked", "moderated", "claimed", "released")
TITLES = dict(zip(MILESTONES, ("Registered", "Entered", "Marks in", "Moderated", "Claimed", "Released"), strict=True))

OF = {
    "registered": ("registered", "registered"),
    "entered": ("learners", "learners"),
    "marked": ("marks", "internal"),
    "moderated": ("moderated", "cohorts"),
    "claimed": ("claims", "learners"),
    "released": ("released", "released"),
}
"""For each milestone: what is counted, and the count that completes it."""


QUICK = 0.2
"""Seconds: a series that takes longer than this to count is counted in the background."""


@frozen
class Snapshot:
    """Centres of a series as of an instant: `infra.ledger.console.PROGRESS`, for each milestone its `state` (`none`,
    `some` or `all`) as `<milestone>_state`, and `reached`, how many of the milestones are complete. `silent`: centres
    that have sent nothing although they did a year ago (OPS-2). `codes`: findings by code
    (`infra.ledger.console.CODES`). `seconds`: what counting took."""

    at: datetime
    state: tuple[Any, ...]
    centres: pl.DataFrame = field(repr=False)
    silent: tuple[str, ...]
    codes: pl.DataFrame = field(repr=False)
    seconds: float


@define
class Snapshots:
    """The snapshots of all series that somebody has looked at."""

    book: ConsoleBook
    silent: Callable[[Series], tuple[str, ...]]
    _kept: dict[str, Snapshot] = field(factory=dict)
    _lock: Lock = field(factory=Lock)
    _counting: Lock = field(factory=Lock)

    def of(self, series: Series, clock: Callable[[], datetime]) -> Snapshot:
        """The snapshot of a series. When it is old and the ledger has changed, it is counted again; if that takes long,
        in the background."""
        with self._lock:
            now, kept = clock(), self._kept.get(series.id)
            if kept and now - kept.at >= FRESH and self.book.state() == kept.state:
                kept = self._kept[series.id] = evolve(kept, at=now)
            if kept is None or (now - kept.at >= FRESH and kept.seconds < QUICK):
                kept = self._kept[series.id] = self._counted(series, now)
            stale = now - kept.at >= FRESH
        if stale and self._counting.acquire(blocking=False):
            Thread(target=self._count, args=(series, now), daemon=True).start()
        return kept

    def _count(self, series: Series, now: datetime) -> None:
        try:
            counted = self._counted(series, now)
            with self._lock:
                self._kept[series.id] = counted
        finally:
            self._counting.release()

    def _counted(self, series: Series, now: datetime) -> Snapshot:
        began, state = perf_counter(), self.book.state()
        centres = reached(self.book.progress(series.id, series.key, series.awarding_body))
        codes = self.book.codes(key=series.key, awarding_body=series.awarding_body)
        return Snapshot(now, state, centres, self.silent(series), codes, perf_counter() - began)


def reached(progress: pl.DataFrame) -> pl.DataFrame:
    """`infra.ledger.console.PROGRESS` with the states of the milestones."""

    def state(count: str, goal: str) -> pl.Expr:
        return (
            pl.when(pl.col(count) == 0)
            .then(pl.lit("none"))
            .when(pl.col(count) < pl.col(goal))
            .then(pl.lit("some"))
            .otherwise(pl.lit("all"))
        )

    states = {f"{name}_state": state(*OF[name]) for name in MILESTONES}
    complete = pl.sum_horizontal((pl.col(state) == "all").cast(pl.Int64) for state in states)
    return progress.with_columns(**states).with_columns(complete.alias("reached"))


FILTERS: dict[str, tuple[str, pl.Expr]] = {
    "": ("all centres", pl.lit(True)),
    "not-entered": ("not yet entered", (pl.col("registered") > 0) & (pl.col("learners") == 0)),
    "marks": ("marks outstanding", pl.col("marks") < pl.col("internal")),
    "moderation": ("moderation not ended", pl.col("moderated") < pl.col("cohorts")),
    "not-claimed": ("entered, nothing claimed", (pl.col("learners") > 0) & (pl.col("claims") == 0)),
    "held": ("a file is held", pl.col("held") > 0),
    "refused": ("a file was refused", pl.col("refused") > 0),
    "not-released": ("entered, nothing released", (pl.col("learners") > 0) & (pl.col("released") == 0)),
}
"""The filters of the list of centres."""

ORDERS = ("centre", "registered", "learners", "marks", "moderated", "claims", "released", "files", "held", "reached")
"""The columns that the list of centres can be sorted by."""
