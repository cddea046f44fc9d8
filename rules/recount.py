"""The second computation (AWD-7): every UMS and grade of a series once more, from boundaries, marks and entries.

It shares no code with the first one (`rules.conversion`, `rules.awarding`, `rules.certification`), so that a mistake in
one of them shows. It asks the sentences of the rules directly, and not how the first computation answers them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from fractions import Fraction
from itertools import pairwise
from typing import Any

import polars as pl
from attrs import field, frozen

from rules import terms
from rules.calendar import LONDON
from rules.catalogue import Catalogue
from rules.frames import INSTANT

RECOUNTED: dict[str, Any] = {"ums": pl.Int32, "grade": pl.String, "outcome": pl.String}
"""What is computed of a component result and of a claim."""

_PART = ["series", "component"]
_SITTING = ["centre", "series", "uci", "component"]


@frozen(kw_only=True)
class Table:
    """The boundaries of a component in a series: the least raw mark of each grade but the lowest. `since`: the instant
    (aware) whose scale they were made with."""

    series: str
    component: str
    raw_max: int
    boundaries: Mapping[str, int]
    since: datetime


@frozen
class Recount:
    """Component results of the series (`centre`, `candidate`, `uci`, `component`) and claims (`claim_id`), each with
    `RECOUNTED`."""

    results: pl.DataFrame = field(repr=False)
    claims: pl.DataFrame = field(repr=False)


def recount(
    series: str,
    entered: pl.DataFrame,
    marks: pl.DataFrame,
    claims: pl.DataFrame,
    issued: pl.DataFrame,
    later: pl.DataFrame,
    tables: Iterable[Table],
    catalogue: Catalogue,
    at: datetime,
) -> Recount:
    """AWD-1 to AWD-6, CRT-2 to CRT-4, ENT-5, ENT-6: results and claims of a series (its id), by the catalogue in force
    at `at` (aware). The frames are of `rules.frames`: `ENTERED`, `MARKS`, `CLAIMS`, `AS_ISSUED`, `LATER`."""
    sat = _sat(entered, marks, issued, _converted(tables, catalogue))
    here = sat.filter(pl.col("series") == series).select("centre", "candidate", "uci", "component", *RECOUNTED)
    return Recount(here, _claims(series, claims, sat, _again(later, catalogue, at), catalogue, at))


# --- A component -----------------------------------------------------------------------------------------------------


def _converted(tables: Iterable[Table], catalogue: Catalogue) -> pl.DataFrame:
    """Every raw mark of every table with its UMS and grade. A table has some sixty marks, however large the country."""
    rows = []
    for table in tables:
        scale = catalogue.scale(table.component, table.since)
        least = {threshold.grade: threshold.minimum for threshold in scale.thresholds}
        lowest = min(least, key=lambda grade: least[grade])
        falling = sorted(table.boundaries.items(), key=lambda boundary: -boundary[1])
        for raw in range(table.raw_max + 1):
            grade = next((grade for grade, mark in falling if mark <= raw), lowest)
            ums = uniform(raw, [(mark, least[name]) for name, mark in falling], table.raw_max, scale.max_ums)
            rows.append((table.series, table.component, raw, ums, grade))
    kinds = {"series": pl.String, "component": pl.String, "raw": pl.Int32, "ums": pl.Int32, "grade": pl.String}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def uniform(raw: int, falling: list[tuple[int, int]], raw_max: int, ums_max: int) -> int:
    """AWD-1: the UMS for a raw mark. `falling`: raw mark and UMS of each boundary, from the highest down. Full UMS is
    reached above the highest boundary by twice the gap to the next one, or at full marks if that comes first."""
    (top, _), (following, _) = falling[0], falling[1]
    full = min(top + 2 * (top - following), raw_max)
    if raw >= full:
        return ums_max
    corners = [(0, 0), *reversed(falling), (full, ums_max)]
    (left, low), (right, high) = next(side for side in pairwise(corners) if side[0][0] <= raw < side[1][0])
    exact = low + Fraction((raw - left) * (high - low), right - left)
    return int(exact + Fraction(1, 2))  # half up: UMS are not negative


def _sat(entered: pl.DataFrame, marks: pl.DataFrame, issued: pl.DataFrame, converted: pl.DataFrame) -> pl.DataFrame:
    """Every sitting with `RECOUNTED`: as it was issued (AWD-6), or else by its mark (AWD-2, AWD-4)."""
    of_mark = marks.select(*_SITTING, pl.col("mark").alias("raw"), "status").join(
        converted, on=[*_PART, "raw"], how="left"
    )
    out = issued.filter(pl.col("outcome") != terms.PENDING).select(
        *_SITTING, "candidate", *(pl.col(name).alias(f"{name}_out") for name in RECOUNTED)
    )
    absent = pl.col("status") == "A"
    computed = {
        "ums": pl.when(absent).then(0).otherwise("ums"),
        "grade": pl.when(absent).then(pl.lit("")).otherwise("grade").fill_null(""),
        "outcome": pl.when(absent).then(pl.lit(terms.ABSENT)).when(pl.col("ums").is_not_null())
        .then(pl.lit(terms.GRADED)).otherwise(pl.lit(terms.PENDING)),
    }  # fmt: skip
    known = pl.col("outcome_out").is_not_null()
    sat = (
        entered.select("centre", "series", "candidate", "uci", pl.col("option").alias("component"))
        .join(of_mark, on=_SITTING, how="left")
        .with_columns(**computed)
        # Of a learner who was merged, what was issued under each number of a centre stands (REG-8).
        .join(out, on=[*_SITTING, "candidate"], how="left")
    )
    return sat.select(
        *_SITTING,
        "candidate",
        *(
            pl.when(known).then(f"{name}_out").otherwise(name).cast(kind).alias(name)
            for name, kind in RECOUNTED.items()
        ),
    )


# --- A claim ---------------------------------------------------------------------------------------------------------


def _subjects(catalogue: Catalogue) -> pl.DataFrame:
    """A row a component: `option` (the cash-in code), `component`, `external`, and how many are `internals`."""
    rows = [
        (whole.cash_in_code, part.code, part.external, sum(not other.external for other in whole.components))
        for whole in catalogue.qualifications
        for part in whole.components
    ]
    kinds = {"option": pl.String, "component": pl.String, "external": pl.Boolean, "internals": pl.Int64}
    return pl.DataFrame(rows, schema=kinds, orient="row")


def _again(later: pl.DataFrame, catalogue: Catalogue, at: datetime) -> pl.DataFrame:
    """CRT-4: since when a later sitting of an external counts: `uci`, `component`, `since`."""
    days = []
    for component, series_id in later.select("option", "series").unique().iter_rows():
        series = catalogue.series_by_id(series_id)
        dates = [catalogue.milestone(series, event, at, component) for event in ("exam", "task_window_closes")
                 ] if series else []  # fmt: skip
        day = next((date.day for date in dates if date), None)
        days.append((component, series_id, day and datetime.combine(day, time.min, LONDON)))
    calendar = pl.DataFrame(days, schema={"option": pl.String, "series": pl.String, "day": INSTANT}, orient="row")
    return (
        later.filter(~pl.col("absent"))
        .join(calendar, on=["option", "series"], how="left")
        .select("uci", pl.col("option").alias("component"), pl.coalesce("day", "at").alias("since"))
        .drop_nulls()
    )


def _claims(
    series: str, claims: pl.DataFrame, sat: pl.DataFrame, again: pl.DataFrame, catalogue: Catalogue, at: datetime
) -> pl.DataFrame:
    """Every claim with `RECOUNTED`."""
    asked = claims.select(pl.col("id").alias("claim_id"), "uci", "option", "received")
    of_claim = asked.join(_subjects(catalogue), on="option").join(
        sat.filter(pl.col("series") <= series, pl.col("outcome") != terms.VOIDED), on=["uci", "component"]
    )
    attended = pl.col("outcome") != terms.ABSENT
    # A learner sits a component once in a series; should there be two, at two centres, the better counts.
    sittings = of_claim.with_columns(
        (2 * pl.col("ums") + attended.cast(pl.Int32)).alias("worth"), attended.alias("attended")
    ).filter(
        pl.col("worth").fill_null(-1).rank("ordinal", descending=True).over("claim_id", "component", "series") == 1
    )
    internal, external = sittings.filter(~pl.col("external")), sittings.filter("external")
    taken, all_attended = _complete(internal, "taken"), _complete(internal.filter("attended"), "attended_by")
    final = external.filter(pl.col("series") == series).select(
        "claim_id", pl.col("outcome").alias("final"), pl.col("ums").alias("final_ums"),
        pl.col("attended").alias("final_attended"),
    )  # fmt: skip
    # An external before the internals were all taken is a practice sitting (ENT-6).
    stands = external.filter("attended", pl.col("series") < series).join(taken, on="claim_id")
    stands = stands.filter(pl.col("series") >= pl.col("taken")).select("claim_id", stands=pl.lit(value=True)).unique()
    sat_again = (
        asked.join(_subjects(catalogue).filter("external"), on="option")
        .join(again, on=["uci", "component"])
        .filter(pl.col("received") >= pl.col("since"))
        .select("claim_id", again=pl.lit(value=True))
        .unique()
    )
    # Only a learner who was merged can have claimed twice; the first claim is the one that is certificated (CRT-4).
    twice = pl.struct("received", "claim_id").rank("ordinal").over("uci", "option") > 1
    wanted = asked.with_columns(twice.alias("twice")).join(
        _subjects(catalogue).select("option", "internals").unique(), on="option"
    )
    judged = (
        wanted.join(taken, on="claim_id", how="left")
        .join(final, on="claim_id", how="left")
        .join(stands, on="claim_id", how="left")
        .join(sat_again, on="claim_id", how="left")
        .join(_best(internal, external, all_attended), on="claim_id", how="left")
    )
    return _decided(judged, catalogue, at)


def _complete(internal: pl.DataFrame, name: str) -> pl.DataFrame:
    """Since which series a claim has every internal component: `claim_id` and that; not where one is missing."""
    return (
        internal.group_by("claim_id", "component", "internals")
        .agg(pl.col("series").min())
        .group_by("claim_id", "internals")
        .agg(pl.len().alias("have"), pl.col("series").max().alias(name))
        .filter(pl.col("have") == pl.col("internals"))
        .select("claim_id", name)
    )


def _best(internal: pl.DataFrame, external: pl.DataFrame, all_attended: pl.DataFrame) -> pl.DataFrame:
    """CRT-2, ENT-5: what the best sittings of the internals add up to: `claim_id`, `found`, `total`, `some_attended`.
    After the terminal external an internal counts only with the external beside it."""
    attended = external.filter("attended")
    terminal = (
        attended.join(all_attended, on="claim_id")
        .filter(pl.col("series") >= pl.col("attended_by"))
        .group_by("claim_id")
        .agg(pl.col("series").min().alias("terminal"))
    )
    beside = attended.select("claim_id", "series", beside=pl.lit(value=True)).unique()
    late = (pl.col("series") > pl.col("terminal")) & pl.col("beside").is_null()
    return (
        internal.join(terminal, on="claim_id", how="left")
        .join(beside, on=["claim_id", "series"], how="left")
        .filter(~late.fill_null(value=False), pl.col("outcome") != terms.PENDING)
        .group_by("claim_id", "component")
        .agg(pl.col("worth").max())
        .group_by("claim_id")
        .agg(
            pl.len().alias("found"),
            (pl.col("worth") // 2).sum().alias("total"),
            (pl.col("worth") % 2 == 1).any().alias("some_attended"),
        )
    )


def _decided(judged: pl.DataFrame, catalogue: Catalogue, at: datetime) -> pl.DataFrame:
    """What becomes of each claim, and its grade (CRT-3)."""
    steps = sorted((step.minimum, step.grade) for step in catalogue.scale(terms.QUALIFICATION, at).thresholds)
    grades = pl.DataFrame(steps, schema={"least": pl.Int32, "grade": pl.String}, orient="row")
    no = pl.lit(value=False)
    refused = (
        pl.col("again").is_not_null()
        | pl.col("final").is_null()
        | pl.col("taken").is_null()
        | (~pl.col("final_attended").fill_null(no) & pl.col("stands").is_not_null())
    )
    waits = (pl.col("found").fill_null(0) < pl.col("internals")) | (pl.col("final") == terms.PENDING)
    nowhere = ~pl.col("some_attended").fill_null(no) & ~pl.col("final_attended").fill_null(no)
    outcome = (
        pl.when(refused).then(pl.lit(terms.NOT_ELIGIBLE)).when(waits).then(pl.lit(terms.PENDING))
        .when(nowhere | pl.col("twice")).then(pl.lit(terms.NOT_ELIGIBLE)).otherwise(pl.lit(terms.AWARDED))
    )  # fmt: skip
    awarded = pl.col("outcome") == terms.AWARDED
    return (
        judged.with_columns(outcome.alias("outcome"))
        .with_columns(pl.when(awarded).then(pl.col("total") + pl.col("final_ums")).cast(pl.Int32).alias("ums"))
        .sort("ums", nulls_last=False)
        .join_asof(grades, left_on="ums", right_on="least", strategy="backward")
        .select("claim_id", "ums", pl.when(awarded).then("grade").otherwise(pl.lit("")).alias("grade"), "outcome")
    )
