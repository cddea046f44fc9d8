"""Moderation of internal components: the sample of each centre's cohort, what the moderator's marks say about the
centre's, and the adjustment where they stay apart (MOD-1 to MOD-3).

Marks are raw marks. A cohort is one centre's learners with a mark in one component and series. Nothing here depends on
the order of rows, on the machine or on Python's own hashing, and no mark is ever computed in binary floating point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from itertools import pairwise
from typing import Any, Literal

import polars as pl
from attrs import frozen

from parsers.findings import Found
from parsers.table import CODE, TEXT, FeedLayout
from rules import findings as f
from rules import terms
from rules.catalogue import LONDON, SampleRule

Verdict = Literal["agreed", "outside"]
Direction = Literal["none", "generous", "severe", "mixed"]


# --- The sample ------------------------------------------------------------------------------------------------------

_KEY = ("series", "centre", "component")


def seed(series: str, centre: str, component: str) -> str:
    """What a cohort's draw starts from: `2024-06/64123/BEN01`."""
    return f"{series}/{centre}/{component}"


def draw(cohort: pl.DataFrame, rule: SampleRule, seed: str) -> pl.DataFrame:
    """MOD-1: the sample of one cohort. `cohort` has `candidate`, `uci` and `mark` (no nulls: absent learners are not in
    it); the sample has these and `reason` (`highest`, `lowest` or `drawn`), by candidate number.

    Highest and lowest are always in. The SHA-256 of seed and UCI puts the learners in an order, which settles ties and
    says who else is drawn. Drawing is not spread over the range of marks.
    """
    return _drawn(
        cohort.with_columns(seed=pl.lit(seed), wanted=pl.lit(rule.size, pl.Int64), on_top=pl.lit(rule.extremes_on_top)),
        ["candidate", "uci", "mark"],
    )


def draw_all(cohorts: pl.DataFrame, rule: Callable[[int], SampleRule]) -> pl.DataFrame:
    """MOD-1: the samples of many cohorts at once, each as `draw` with `seed(...)` draws it. `cohorts` has `series`,
    `centre`, `component`, `candidate`, `uci` and `mark`; the samples have these and `reason`. `rule` gives the rule for
    a cohort of that many learners."""
    sized = cohorts.with_columns(seed=pl.concat_str(_KEY, separator="/"), cohort=pl.len().over(_KEY))
    sizes = sized["cohort"].unique().sort().to_list()
    rules = [rule(size) for size in sizes]
    by_size = pl.DataFrame(
        {
            "cohort": sizes,
            "wanted": [of_size.size for of_size in rules],
            "on_top": [of_size.extremes_on_top for of_size in rules],
        },
        schema={"cohort": sized.schema["cohort"], "wanted": pl.Int64, "on_top": pl.Boolean},
    )
    return _drawn(sized.join(by_size, on="cohort"), [*_KEY, "candidate", "uci", "mark"])


def _drawn(learners: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    mark, place, extreme = pl.col("mark"), pl.col("place"), pl.col("reason").is_not_null()
    per = "seed"
    # Of several learners with the highest (lowest) mark the first in the order counts.
    highest = place == place.filter(mark == mark.max()).min().over(per)
    lowest = place == place.filter(mark == mark.min()).min().over(per)
    # How many of the others come in: all the first `wanted`, or what the extremes leave of it.
    drawn = (
        pl.when(pl.col("wanted").is_null())
        .then(True)
        .when(pl.col("on_top"))
        .then(place < pl.col("wanted"))
        .otherwise((~extreme).cum_sum().over(per) + extreme.sum().over(per) <= pl.col("wanted"))
    )
    return (
        learners.with_columns(order=_order(learners))
        .sort(per, "order", "uci")
        .with_columns(place=pl.int_range(pl.len()).over(per))
        .with_columns(reason=pl.when(highest).then(pl.lit("highest")).when(lowest).then(pl.lit("lowest")))
        .filter(extreme | drawn)
        .with_columns(pl.col("reason").fill_null("drawn"))
        .sort(per, "candidate", "uci")
        .select(*columns, "reason")
    )


def _order(learners: pl.DataFrame) -> pl.Series:
    """SHA-256 of seed and UCI. Polars' own hash may change with its version, so hashlib's is taken, a call a learner
    and nothing else."""
    texts = learners.select(pl.concat_str("seed", "uci", separator="/")).to_series()
    return pl.Series([sha256(text.encode()).digest() for text in texts], dtype=pl.Binary)


def drawn_anew(learners: pl.DataFrame, sampled: pl.DataFrame, rule: Callable[[int], SampleRule]) -> pl.DataFrame:
    """MOD-3: the cohorts whose sample no longer is one, and `why` in words: the highest or the lowest mark has changed
    or is another learner's, a sampled learner is no longer entered, or the cohort has grown and needs a larger sample.
    A change of any other mark draws nothing anew.

    `learners`: of cohorts with a sample, as for `draw_all`. `sampled`: `series`, `centre`, `component`, `uci`, `reason`
    and `centre_mark`, the mark at the draw. Returns `series`, `centre`, `component`, `why`, in that order."""
    mark, reason, drawn = pl.col("mark"), pl.col("reason"), pl.col("centre_mark")
    now = learners.group_by(_KEY).agg(top=mark.max(), bottom=mark.min(), size=pl.len())
    sizes = {size: rule(size).size or size for size in now["size"].unique().to_list()}
    held = sampled.join(learners.select(*_KEY, "uci", "mark"), on=[*_KEY, "uci"], how="left").join(now, on=_KEY)
    # Where all marks were equal, one learner stands for the highest and the lowest.
    lowest = pl.when((reason == "lowest").any()).then(reason == "lowest").otherwise(reason == "highest")
    per = held.group_by(_KEY).agg(
        pl.col("top", "bottom", "size").first(),
        highest=drawn.filter(reason == "highest").first(),
        highest_now=mark.filter(reason == "highest").first(),
        lowest=drawn.filter(lowest).first(),
        lowest_now=mark.filter(lowest).first(),
        gone=mark.is_null().any(),
        sampled=pl.len(),
    )
    wanted = pl.min_horizontal(pl.col("size").replace_strict(sizes, return_dtype=pl.Int64), pl.col("size"))
    said = per.with_columns(
        pl.concat_str(
            _extreme("highest", "top"),
            _extreme("lowest", "bottom"),
            pl.when("gone").then(pl.lit("a sampled learner is no longer entered, or has no mark any more")),
            pl.when(pl.col("sampled") < wanted).then(pl.format("the cohort has grown to {} learners", "size")),
            separator="; ",
            ignore_nulls=True,
        ).alias("why")
    )
    return said.filter(pl.col("why") != "").select(*_KEY, "why").sort(_KEY)


def _extreme(name: str, most: str) -> pl.Expr:
    """What has changed about the highest or lowest mark of a cohort; null where nothing has."""
    return (
        pl.when(pl.col(most) != pl.col(name))
        .then(pl.format(f"the {name} mark is now {{}}, not {{}}", most, name))
        .when(pl.col(f"{name}_now").ne_missing(pl.col(most)))
        .then(pl.lit(f"another learner has the {name} mark now"))
    )


WORK_DAYS = 5
"""Days a centre has for sending the sampled work. Ours: nobody published it, so it is shown as a placeholder."""


def work_due(sampled: datetime) -> datetime:
    """The first instant after the day by which the sampled learners' work must be there, in Europe/London."""
    day = sampled.astimezone(LONDON).date() + timedelta(days=WORK_DAYS + 1)
    return datetime(day.year, day.month, day.day, tzinfo=LONDON)


# --- The moderator's marks -------------------------------------------------------------------------------------------

LAYOUT = FeedLayout(
    dict.fromkeys(("series", "centre", "component", "uci", "mark"), CODE) | {"moderator": TEXT}, row=f.MODERATION_ROW
)
FEED_ROWS: dict[str, Any] = {"line": pl.UInt32} | dict.fromkeys(LAYOUT.columns, pl.String)
"""A moderator's feed as read: the line in the file, and its cells as text."""


@frozen(kw_only=True)
class JudgedSamples:
    """A moderator's feed as judged. `good`: `cohort_id`, `uci`, `mark` of the rows to apply; `usable` counts these and
    the rows that have been applied before; `touched`: the cohorts the feed names."""

    good: pl.DataFrame
    usable: int
    touched: tuple[int, ...]


def judge(feed: pl.DataFrame, samples: pl.DataFrame, found: Found) -> JudgedSamples:
    """MOD-2: which rows of a moderator's feed can be applied; the others go to `found`. `feed` has `FEED_ROWS`;
    `samples`, of every cohort it may name: `cohort_id`, `series`, `centre`, `component`, `state`, `raw_max`, `uci`,
    `moderated_mark`."""
    cohorts = samples.select("cohort_id", *_KEY, "state", "raw_max").unique()
    rows = (
        feed.with_columns(
            file=pl.lit(0),
            # At most nine digits, so that what passes fits the column.
            number=pl.col("mark").str.extract("^([0-9]{1,9})$").cast(pl.Int64),
            cohort=pl.concat_str(_KEY, separator=" "),
        )
        .join(cohorts, on=_KEY, how="left", maintain_order="left")
        .join(
            samples.select("cohort_id", "uci", "moderated_mark", sampled=pl.lit(True)),
            on=["cohort_id", "uci"], how="left", maintain_order="left",
        )
    )  # fmt: skip
    unknown = pl.col("cohort_id").is_null()
    stranger = pl.col("sampled").is_null()
    unreadable = pl.col("number").is_null() | (pl.col("number") > pl.col("raw_max"))
    twice = pl.col("number").n_unique().over("cohort_id", "uci") > 1
    late = (pl.col("state") != terms.SAMPLED) & (pl.col("number") != pl.col("moderated_mark"))
    for code, wrong, value in (
        (f.MODERATION_COHORT, unknown, "cohort"),
        (f.MODERATION_LEARNER, stranger, "uci"),
        (f.MODERATION_MARK, unreadable, "mark"),
        (f.MODERATION_TWO_MARKS, twice, "mark"),
        (f.MODERATION_COMPARED, late, "mark"),
    ):
        found.rows(
            code,
            rows.filter(wrong).select(
                "file", "line", "raw_max", pl.lit(None, pl.String).alias("candidate"),
                pl.col(value).alias("value"), pl.col("moderated_mark").alias("held"), option="component",
            ),
            field=value,
        )  # fmt: skip
        rows = rows.filter(~wrong)
    touched = feed.join(cohorts, on=_KEY)["cohort_id"].unique().sort()
    usable = rows.select("cohort_id", "state", "uci", mark="number").unique()
    good = usable.filter(pl.col("state") == terms.SAMPLED).drop("state")
    missing = (
        samples.filter(
            pl.col("cohort_id").is_in(touched.implode()),
            pl.col("state") == terms.SAMPLED,
            pl.col("moderated_mark").is_null(),
        )
        .join(good, on=["cohort_id", "uci"], how="anti")
        .sort(*_KEY, "uci")
    )
    found.rows(
        f.MODERATION_MISSING,
        missing.select(
            pl.lit(0).alias("file"), pl.lit(None, pl.UInt32).alias("line"), pl.col("uci").alias("value"),
            cohort=pl.concat_str(_KEY, separator=" "), option="component",
        ),
    )  # fmt: skip
    return JudgedSamples(good=good.sort("cohort_id", "uci"), usable=usable.height, touched=tuple(touched.to_list()))


# --- Comparing -------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Comparison:
    """A sample's marks beside the moderator's, in raw marks. Differences are the moderator's mark less the centre's.

    `direction`: `generous` when the centre never marked lower than the moderator, `severe` when never higher, `mixed`
    when both, `none` without a difference. `in_order`: no learner whom the centre put above another is below the other
    by the moderator's marks.
    """

    tolerance: int
    differences: tuple[int, ...]
    largest: int
    verdict: Verdict
    direction: Direction
    in_order: bool


def compare(sample: pl.DataFrame, tolerance: int) -> Comparison:
    """MOD-2: whether the centre's marks stand. `sample` has `centre_mark` and `moderated_mark`, both complete;
    `tolerance` is in raw marks. Ours: within tolerance when no single difference is larger. Raises `ValueError` for a
    sample that is empty or has a mark missing."""
    if sample.is_empty() or sample["centre_mark"].has_nulls() or sample["moderated_mark"].has_nulls():
        raise ValueError("a sample is compared when it has all its marks")
    differences = tuple((sample["moderated_mark"] - sample["centre_mark"]).to_list())
    largest = max(differences, key=lambda difference: (abs(difference), difference))
    signs = {difference > 0 for difference in differences if difference}
    direction: Direction = "none"
    if signs:
        direction = "mixed" if len(signs) > 1 else "severe" if signs == {True} else "generous"
    steps = sample.group_by("centre_mark").agg(
        low=pl.col("moderated_mark").min(), high=pl.col("moderated_mark").max()
    ).sort("centre_mark")  # fmt: skip
    in_order = bool(steps.select((pl.col("high").cum_max().shift(1) <= pl.col("low")).fill_null(True).all()).item())
    return Comparison(
        tolerance=tolerance,
        differences=differences,
        largest=largest,
        verdict="agreed" if abs(largest) <= tolerance else "outside",
        direction=direction,
        in_order=in_order,
    )


# --- Adjusting -------------------------------------------------------------------------------------------------------


@frozen
class Adjustment:
    """A curve from centre mark to moderated mark: straight lines between `points` (centre mark ascending, moderated
    mark never falling), beyond them the difference of the nearest point, all of it within 0 and `raw_max`."""

    points: tuple[tuple[int, Fraction], ...]
    raw_max: int

    def exactly(self, mark: int) -> Fraction:
        """The curve at a centre mark, before rounding."""
        (first, low), (last, high) = self.points[0], self.points[-1]
        if mark <= first:
            value = mark + low - first
        elif mark >= last:
            value = mark + high - last
        else:
            (x0, y0), (x1, y1) = next(pair for pair in pairwise(self.points) if mark <= pair[1][0])
            value = y0 + (y1 - y0) * (mark - x0) / (x1 - x0)
        return min(max(value, Fraction(0)), Fraction(self.raw_max))

    def at(self, mark: int) -> int:
        """The adjusted mark: the curve, rounded half up."""
        return (self.exactly(mark) + Fraction(1, 2)).__floor__()

    def table(self) -> pl.DataFrame:
        """`mark`, `adjusted` for every mark there is."""
        marks = range(self.raw_max + 1)
        return pl.DataFrame(
            {"mark": marks, "adjusted": [self.at(mark) for mark in marks]},
            schema={"mark": pl.Int64, "adjusted": pl.Int64},
        )

    def plain(self) -> dict[str, Any]:
        """The curve for JSON: moderated marks as exact fractions in text (`"37/2"`)."""
        return {"raw_max": self.raw_max, "points": [{"mark": mark, "to": str(to)} for mark, to in self.points]}

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Adjustment:
        """The curve that `plain` wrote."""
        return cls(tuple((point["mark"], Fraction(point["to"])) for point in plain["points"]), plain["raw_max"])


def propose(sample: pl.DataFrame, raw_max: int) -> Adjustment:
    """MOD-2: the adjustment a sample asks for. `sample` has `centre_mark` and `moderated_mark`, from 0 to `raw_max`.

    Ours: of all curves that never fall, so that rank order is kept, the one nearest to the sample by least squares
    (pool adjacent violators: neighbours in the wrong order get their common mean), in exact fractions. Raises
    `ValueError` for an empty sample or a mark out of range.
    """
    steps = sample.group_by("centre_mark").agg(pl.col("moderated_mark").sum().alias("total"), pl.len()).sort(
        "centre_mark"
    )  # fmt: skip
    marks = pl.concat([sample["centre_mark"], sample["moderated_mark"].alias("centre_mark")])
    if sample.is_empty() or marks.has_nulls() or not marks.is_between(0, raw_max).all():
        raise ValueError(f"an adjustment needs a sample with marks from 0 to {raw_max}")
    pools: list[tuple[list[int], int, int]] = []
    for mark, total, count in steps.iter_rows():
        pool = ([mark], total, count)
        while pools and pools[-1][1] * pool[2] > pool[1] * pools[-1][2]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    return Adjustment(tuple((mark, Fraction(total, count)) for marks, total, count in pools for mark in marks), raw_max)


def outdated(
    sample: pl.DataFrame, tolerance: int | None, raw_max: int, state: str, adjustment: Mapping[str, Any] | None
) -> bool:
    """MOD-2: whether something else follows from a sample as it is now than what a cohort's `state` rests on: an
    adjustment that is proposed or was decided (as `Adjustment.plain` wrote it; None: none was), or agreement."""
    if tolerance is None or compare(sample, tolerance).verdict == "agreed":
        return state == terms.PROPOSED
    return propose(sample, raw_max).plain() != adjustment


def apply(marks: pl.DataFrame, adjustment: Adjustment) -> pl.DataFrame:
    """MOD-2: `marks` with a column `adjusted`; its column `mark` holds raw marks of the whole cohort, none missing."""
    table = adjustment.table().with_columns(pl.col("mark").cast(marks.schema["mark"]))
    return marks.join(table, on="mark", how="left", maintain_order="left")
