"""The drift guard (AWD-5): whether the ledger still says what a version of the results says, learner by learner.

A version rests on what was frozen when it was awarded. It is *stale* for the learners of whom the ledger, judged again,
says something else now. What came after the award (a later claim, a later entry) makes nobody stale: it is awarded
after the release (CRT-6).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl
from attrs import evolve, frozen

from infra.ledger.results import Awarding
from pipeline.awarding.award import WITHHELD_ROWS, Ground, ground, judge
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.parallel import in_parallel
from pipeline.report_page import csv_bytes
from pipeline.steps import DRIFT_REPORTED, LOOKED
from rules import terms
from rules.catalogue import Series

log = logging.getLogger(__name__)

DRIFT_REPORTS = "reports/drift/"

DRIFT: dict[str, Any] = dict.fromkeys(("centre", "candidate", "uci", "code", "frozen", "ledger"), pl.String)
"""What differs: a row a learner and code, the component's or the claim's; the result in the version and in the ledger,
in words."""

_SAME = {
    "results": ["candidate", "raw", "ums", "grade", "outcome"],
    "awards": ["candidate", "ums", "grade", "outcome", "reason", "about", "partial_absence", "performance"],
}
"""The columns that must be the same. The status of a mark is not among them: the outcome says what it comes to, and
pending is pending whether no mark was sent or one is not yet available."""
_CODE = {"results": "component", "awards": "cash_in"}


def drift(desk: Desk, awarding: Awarding) -> pl.DataFrame:
    """AWD-5: of whom ledger and version differ, and in what (`DRIFT`), by centre, candidate and code.

    Once the version is approved, a mark that a pending result of it waits for is left out: it completes that result
    after the release (AWD-4).
    """
    series = desk.catalogue.series_by_id(awarding.series)
    assert series
    questions: tuple[Callable[[], Any], ...] = (
        lambda: ground(desk, series),
        lambda: desk.results.frames(awarding, only=("results", "awards")),
    )
    now, frozen_frames = in_parallel(lambda question: question(), questions)
    if awarding.state in terms.ISSUED_STATES:
        now = _without_awaited(now, frozen_frames["results"])
        judged = judge(now, desk.catalogue, awarding.at).frames()
        # What a centre has is not stale but corrected (RES-7).
        out = desk.results.has_out(awarding)
        return differences(_without_withheld(frozen_frames, judged), judged).filter(~pl.col("centre").is_in(out))
    return differences(frozen_frames, judge(now, desk.catalogue, awarding.at).frames())


def _without_withheld(
    version: Mapping[str, pl.DataFrame], ledger: Mapping[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """Without what is withheld in an approved version and still entered or claimed: once it is decided, it follows
    after the release (RES-8)."""
    left = {}
    for name, rows in version.items():
        key = ["centre", "uci", _CODE[name]]
        text = rows.with_columns(pl.col(column).cast(pl.String) for column in key)
        there = text.filter(WITHHELD_ROWS[name]).join(ledger[name], on=key, how="semi")
        left[name] = text.join(there, on=key, how="anti")
    return left


def _without_awaited(rests_on: Ground, results: pl.DataFrame) -> Ground:
    """Without the marks that pending results wait for."""
    pending = results.filter(pl.col("outcome") == terms.PENDING).select(
        "centre", pl.lit(rests_on.series).alias("series"), "uci", "component"
    )
    if pending.is_empty():
        return rests_on
    keys = pending.cast(pl.String)
    return evolve(rests_on, marks=rests_on.marks.join(keys, on=keys.columns, how="anti"))


def differences(version: Mapping[str, pl.DataFrame], ledger: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """What the rows of a version and of the ledger (`results`, `awards`) say differently (`DRIFT`). What only the
    ledger has is no difference."""
    found = [_of_table(name, version[name], ledger[name]) for name in _SAME]
    return pl.concat(found).sort("centre", "candidate", "code", "uci")


def _of_table(name: str, version: pl.DataFrame, ledger: pl.DataFrame) -> pl.DataFrame:
    code, same = _CODE[name], _SAME[name]
    key = ["centre", "uci", code]
    kinds = {column: ledger.schema[column] for column in [*key, *same]}
    frozen_rows = version.select(pl.col(column).cast(kind) for column, kind in kinds.items())
    there = ledger.select(*key, *same, pl.lit(value=True).alias("there"))
    # After a merge a learner can hold one thing under two candidate numbers of a centre: each row is compared with that
    # of its own number, or else, where the learner has another by now, with the one there is.
    other_number = pl.col("candidate").ne_missing(pl.col("candidate_now"))
    both = (
        frozen_rows.join(there, on=key, how="left", suffix="_now")
        .sort(other_number, maintain_order=True)
        .unique([*key, "candidate"], keep="first", maintain_order=True)
    )
    other = pl.any_horizontal(pl.col(column).ne_missing(pl.col(f"{column}_now")) for column in same)
    said = pl.concat_str("outcome", pl.lit(" "), "grade", pl.lit(" "), pl.col("ums").cast(pl.String).fill_null(""))
    now = pl.concat_str(
        "outcome_now", pl.lit(" "), "grade_now", pl.lit(" "), pl.col("ums_now").cast(pl.String).fill_null("")
    )
    gone = pl.col("there").is_null()
    return both.filter(gone | other).select(
        "centre",
        "candidate",
        "uci",
        pl.col(code).alias("code"),
        said.str.strip_chars().alias("frozen"),
        pl.when(gone).then(pl.lit("nothing")).otherwise(now.str.strip_chars()).alias("ledger"),
    )


def by_centre(found: pl.DataFrame) -> dict[str, int]:
    """How many learners of each centre differ."""
    counted = found.group_by("centre").agg(pl.col("uci").n_unique()).sort("centre")
    return dict(counted.iter_rows())


def in_words(found: pl.DataFrame) -> str:
    """`3 learners of 2 centres`, for people."""
    centres = by_centre(found)
    learners = sum(centres.values())
    return f"{learners:,} learner{'s' * (learners != 1)} of {len(centres):,} centre{'s' * (len(centres) != 1)}"


# --- The look in between ---------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Looked:
    """What the looks of a run found, in counts: `versions` compared, `stale` of them, and how many had news."""

    versions: int = 0
    stale: int = 0
    learners: int = 0
    new: int = 0

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        return (
            f"{self.versions} versions of results compared with the ledger: {self.stale} of them stale, "
            f"{self.learners:,} learners."
        )


@journaled
def look(desk: Desk, now: datetime) -> Looked:
    """AWD-5: compares every version that is built or approved and not yet released with the ledger, records what is new
    in it, and lists it in `reports/drift/<series>/<version>.csv`; the watch tells people. `now` is aware."""
    found = [_look(desk, awarding, now) for series in desk.catalogue.all_series() for awarding in _open(desk, series)]
    looked = Looked(
        versions=len(found),
        stale=sum(bool(learners) for learners, _ in found),
        learners=sum(learners for learners, _ in found),
        new=sum(new for _, new in found),
    )
    log.info("%s", looked.note())
    return looked


def _look(desk: Desk, awarding: Awarding, now: datetime) -> tuple[int, bool]:
    """How many learners differ, and whether that is news."""
    found = drift(desk, awarding)
    learners = by_centre(found)
    if dict(desk.results.seen(awarding)) != learners:
        desk.put(DRIFT_REPORTED, f"{DRIFT_REPORTS}{awarding.series}/{awarding.version}.csv", csv_bytes(found))
        desk.results.look(awarding, learners, now)
        LOOKED.passed()
        return sum(learners.values()), True
    return sum(learners.values()), False


def _open(desk: Desk, series: Series) -> list[Awarding]:
    """The versions of a series that wait for a person or for their instant."""
    return [
        awarding
        for awarding in desk.results.every(series.id)
        if awarding.kind in terms.DECIDED_KINDS and awarding.state in (terms.BUILT, terms.APPROVED)
    ]


__all__ = ["DRIFT", "by_centre", "differences", "drift", "in_words", "look"]
