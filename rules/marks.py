"""Rules about marks (MRK-1 to MRK-3): whose they are, what they may be, until when they are taken, which version they
make. Marks are raw marks.

Many files of different centres are judged at once. `records` has the columns of `parsers.layouts.MARK` as
`parsers.columns.columns` reads them, and `series` (id, `2024-06`). A wrong mark refuses the mark of that learner in
that component, never its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, timedelta
from functools import cached_property
from typing import Any

import polars as pl
from attrs import field, frozen

from parsers.findings import Code, Found
from parsers.layouts import MARK
from rules import findings as f
from rules import terms
from rules.catalogue import LONDON, PLACEHOLDER, Catalogue, Series, day_text, instant_text, series_title
from rules.deadlines import AMENDMENTS_END, NONE, Extensions, deadline
from rules.frames import FINAL, INSTANT
from rules.known import Arrival

COMPONENTS: dict[str, Any] = {
    "series": pl.String,
    "component": pl.String,
    "title": pl.String,
    "external": pl.Boolean,
    "maximum": pl.Int32,
    "limit": pl.String,
    "reason": pl.String,
}
"""The components of some series: `limit` is the maximum in words, `reason` why it cannot be taken then (null: it
can)."""

DEADLINES: dict[str, Any] = {
    "file": pl.UInt32,
    "component": pl.String,
    "received": INSTANT,
    "deadline": INSTANT,
    "opens": INSTANT,
    "until": INSTANT,
    "receipt": pl.String,
    "due": pl.String,
    "window": pl.String,
}
"""Until when each file's marks for each of its components are taken: `deadline` is the first instant after it, `opens`
and `until` are the amendment window's (null: none). `receipt`, `due` and `window` say the same in words."""

GOOD: dict[str, Any] = {
    "file": pl.UInt32,
    "line": pl.UInt32,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "version": pl.Int32,
    "stage": pl.String,
    "mark": pl.Int32,
    "status": pl.String,
    "tasks": pl.String,
}
"""Marks to be booked. `version` is the learner's next one in that component; `stage` is `submitted` or `amended`, or
`external` for marks of the board's own marking."""


@frozen
class JudgedMarks:
    """The outcome of judging. `good`: the marks to be booked (`GOOD`). `unchanged`: how many marks of each file say
    what is held already, or what the file has said before, by file. `issued`: the marks refused because the result is
    out (RES-7): `series`, `centre`, `candidate`, `component`, `mark`, `status`."""

    good: pl.DataFrame = field(repr=False)
    unchanged: Mapping[int, int]
    issued: pl.DataFrame = field(repr=False)

    def counts(self, file: int, marks: int) -> dict[str, int]:
        """What became of the `marks` that a file holds."""
        booked, new = self._booked.get(file, (0, 0))
        same = self.unchanged.get(file, 0)
        return {
            "marks": marks,
            "new": new,
            "replaced": booked - new,
            "unchanged": same,
            "refused": marks - booked - same,
        }

    @cached_property
    def _booked(self) -> dict[int, tuple[int, int]]:
        """How many marks of each file are booked, and how many of those are first versions."""
        each = self.good.group_by("file").agg(pl.len(), (pl.col("version") == 1).sum().alias("new"))
        return {file: (count, new) for file, count, new in each.iter_rows()}


# --- What judging rests on -------------------------------------------------------------------------------------------


def components(catalogue: Catalogue, series: Iterable[Series]) -> pl.DataFrame:
    """CAL-4, CAL-5: the components of some exam series (`COMPONENTS`)."""
    rows = [
        (
            exam_series.id, part.code, part.title, part.external, part.raw_max,
            f"{part.raw_max}{PLACEHOLDER if part.scale_placeholder else ''}", part.why_not(exam_series),
        )
        for exam_series in series
        if exam_series.purpose == terms.ENTRY
        for qualification in catalogue.qualifications
        for part in qualification.components
    ]  # fmt: skip
    return pl.DataFrame(rows, schema=COMPONENTS, orient="row")


def deadlines(
    records: pl.DataFrame,
    arrivals: Sequence[Arrival],
    series_by_file: Mapping[int, Series],
    catalogue: Catalogue,
    windows: pl.DataFrame,
    extended: Extensions = NONE,
) -> pl.DataFrame:
    """CAL-2, CAL-3: until when the marks of each file are taken (`DEADLINES`), by the calendar in force at its receipt
    and what staff have extended for its centre. `windows`: those that feedback has opened (`rules.frames.WINDOWS`)."""
    rows = []
    for file, component in records.select("file", "component").unique().iter_rows():
        arrival, series = arrivals[file], series_by_file[file]
        received, centre = arrival.received, arrival.centre
        due = deadline(series, "marks_deadline", received, catalogue, centre, extended, component)
        if due is not None:
            last_day = (due.at - timedelta(microseconds=1)).astimezone(LONDON).date()
            amended = deadline(series, AMENDMENTS_END, received, catalogue, centre, extended, component)
            longer = amended.at if amended else None
            instants = (instant and instant.astimezone(UTC) for instant in (received, due.at, longer))
            said = (instant_text(received), f"{day_text(last_day)} ({due.version})")
            rows.append((file, component, centre, series.id, *instants, *said))
    schema: dict[str, Any] = {
        "file": pl.UInt32, "component": pl.String, "centre": pl.String, "series": pl.String, "received": INSTANT,
        "deadline": INSTANT, "longer": INSTANT, "receipt": pl.String, "due": pl.String,
    }  # fmt: skip
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .join(windows, on=["centre", "series", "component"], how="left", maintain_order="left")
        # A later day of the calendar or an extension makes an open window longer; it opens none, and none again.
        .with_columns(pl.when(pl.col("opens").is_not_null()).then(pl.max_horizontal("until", "longer")).alias("until"))
        .with_columns(_window().alias("window"))
        .select(*DEADLINES)
    )


def _window() -> pl.Expr:
    """The amendment window in words."""
    opens, until, closed = (
        pl.col(name).dt.convert_time_zone("Europe/London").dt.strftime("%-d %B %Y %H:%M %Z")
        for name in ("opens", "until", "closed")
    )
    over = "the amendment window for {} ended for good when the sample was compared again, on {}"
    return (
        pl.when(pl.col("closed").is_not_null())
        .then(pl.format(over, "component", closed))
        .when(pl.col("until").is_null())
        .then(pl.format("moderation feedback has opened no amendment window for {}", "component"))
        .otherwise(pl.format("the amendment window for {} is from {} to before {}", "component", opens, until))
    )


# --- Judging ---------------------------------------------------------------------------------------------------------

_PLACE = ["file", "line"]
_MARK = ["centre", "series", "uci", "component"]
_ISSUED = ["series", "centre", "candidate", "component", "mark", "status"]


def judge(
    records: pl.DataFrame,
    marked: pl.DataFrame,
    entered: pl.DataFrame,
    components: pl.DataFrame,
    deadlines: pl.DataFrame,
    found: Found,
    *,
    external: bool = False,
    final: pl.DataFrame | None = None,
) -> JudgedMarks:
    """MRK-1 to MRK-3: every rule about the marks of some files; what is wrong goes to `found`.

    `marked` as `rules.frames.MARKED`, `components` as `COMPONENTS`, `deadlines` as `DEADLINES`; `entered` are the
    entries in force (`rules.frames.TO_MARK`). `external` judges the board's own marking instead of centres' M files:
    external components only, no deadline. `final`: results that are approved (`rules.frames.FINAL`).
    """
    rows = _prepared(records, components)
    rows = rows.join(found.refused_candidates(), on=["file", "candidate"], how="anti", maintain_order="left")
    again = repeated(rows)
    _tell(found, f.MARK_REPEATED, again, external, "candidate")
    rows = _without(rows, [again])
    of_the_other = internal_components(rows) if external else external_components(rows)
    wrong = [not_in_series(rows), of_the_other]
    _tell(found, f.MARK_COMPONENT, wrong[0], external, "component")
    _tell(found, f.MARK_INTERNAL if external else f.MARK_EXTERNAL, wrong[1], external, "component")
    rows = _without(rows, wrong)
    wrong = [
        two_learners(rows, entered),
        not_entered(rows, entered),
        twice(rows),
        above_maximum(rows),
        without_mark(rows),
        mark_and_status(rows),
        tasks_apart(rows),
    ]
    _tell(found, f.MARK_LEARNER, wrong[0], external, "candidate", "uci")
    _tell(found, f.MARK_NOT_ENTERED, wrong[1], external, "candidate")
    _tell(found, f.MARK_TWICE, wrong[2], external, "candidate")
    _tell(found, f.MARK_ABOVE, wrong[3], external, "mark")
    _tell(found, f.MARK_MISSING, wrong[4], external, "mark", "mark_status")
    _tell(found, f.MARK_AND_STATUS, wrong[5], external, "mark", "mark_status")
    _tell(found, f.MARK_TASKS, wrong[6], external, "mark")
    right = _without(rows, wrong)
    fresh = changed(right, marked)
    approved = result_approved(fresh, final)
    _tell(found, f.MARK_FINAL, approved, external, "candidate")
    open_still = _without(fresh, [approved])
    dated = open_still.join(deadlines, on=["file", "component"], how="left", maintain_order="left")
    late = after_the_deadline(dated)
    _tell_late(found, late)
    amended = pl.col("received") >= pl.col("deadline")
    stage = (
        pl.lit(terms.EXTERNAL)
        if external
        else pl.when(amended).then(pl.lit(terms.AMENDED)).otherwise(pl.lit(terms.SUBMITTED))
    )
    good = _without(dated, [late]).with_columns(stage.alias("stage"))
    out = approved.join(_held(final).filter("out"), on=_BY_UCI, how="semi", maintain_order="left")
    said_before = [right.join(fresh, on=_PLACE, how="anti"), again]
    unchanged = pl.concat([frame.select("file") for frame in said_before]).group_by("file").len()
    kept = good.select(pl.col(name).cast(kind) for name, kind in GOOD.items())
    return JudgedMarks(kept, dict(unchanged.iter_rows()), out.select(*_ISSUED))


def _prepared(records: pl.DataFrame, components: pl.DataFrame) -> pl.DataFrame:
    """The records with what the catalogue says of their component, their tasks together, and words for findings."""
    tasks = [pl.col(f"task_{n}") for n in range(1, 9)]
    titles = {series_id: series_title(series_id) for series_id in records["series"].unique()}
    return records.select(
        *_PLACE,
        *_MARK,
        "candidate",
        "mark",
        pl.col("component").alias("option"),
        pl.col("mark_status").alias("status"),
        pl.concat_str([task.cast(pl.String).fill_null("") for task in tasks], separator=",")
        .str.strip_chars_end(",")
        .alias("tasks"),
        pl.sum_horizontal(tasks).alias("sum"),
        pl.col("series").replace_strict(titles, return_dtype=pl.String).alias("when"),
    ).join(components, on=["series", "component"], how="left", maintain_order="left")


def _without(rows: pl.DataFrame, wrong: Sequence[pl.DataFrame]) -> pl.DataFrame:
    places = pl.concat([frame.select(_PLACE) for frame in wrong])
    return rows.join(places, on=_PLACE, how="anti", maintain_order="left")


_FACTS = ("when", "why", "title", "limit", "who", "lines", "sum", "due", "window")


def _tell(found: Found, code: Code, wrong: pl.DataFrame, external: bool, first: str, last: str = "") -> None:
    """The findings about wrong marks, under the columns of their fields where there are any."""
    facts = [name for name in _FACTS if name in wrong.columns]
    place = None if external else (MARK[first].first, MARK[last or first].last)
    found.rows(code, wrong.select(*_PLACE, "candidate", "option", "value", *facts), place, field=first)


def _tell_late(found: Found, late: pl.DataFrame) -> None:
    """One finding for all the late marks of a file in a component: they are late together."""
    together = late.group_by("file", "option", "value", "due", "window", maintain_order=True).agg(
        pl.col("line").min(), pl.len().alias("count"), pl.col("candidate").first()
    )
    single = pl.col("count") == 1
    found.rows(
        f.MARK_LATE,
        together.with_columns(
            pl.when(single).then("candidate").alias("candidate"),
            pl.when(single).then(pl.lit("the mark")).otherwise(pl.format("{} marks", "count")).alias("count"),
        ),
        field="mark",
    )


# --- The rules, one by one: each returns the marks it refuses, with `value` ------------------------------------------


def not_in_series(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1, CAL-4: a mark is for a component that can be taken in the series."""
    why = pl.when(pl.col("external").is_null()).then(pl.lit("no component has this code")).otherwise("reason")
    return rows.with_columns(why.alias("why"), pl.col("component").alias("value")).filter(pl.col("why").is_not_null())


def external_components(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: marks for external components never come from a centre."""
    return rows.filter("external").with_columns(pl.col("component").alias("value"))


def internal_components(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: marks for internal components never come from the board's own marking."""
    return rows.filter(~pl.col("external")).with_columns(pl.col("component").alias("value"))


LINES_NAMED = 10
"""At most this many lines with a mark for one learner and component are named; a file may hold thousands."""
_BY_NUMBER = ["centre", "series", "option", "candidate"]
_BY_UCI = ["centre", "series", "option", "uci"]


def two_learners(rows: pl.DataFrame, entered: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: candidate number and UCI are those of one entry. Where only one of the two matches, the finding says what
    it is entered with."""
    strangers = _not_held(rows, entered)
    by_number = entered.select(*_BY_NUMBER, pl.col("uci").alias("held_uci")).unique(_BY_NUMBER)
    by_uci = entered.select(*_BY_UCI, pl.col("candidate").alias("held_number")).unique(_BY_UCI)
    held_uci = pl.format("candidate {} is entered with UCI {}", "candidate", "held_uci")
    held_number = pl.format("UCI {} is entered as candidate {}", "uci", "held_number")
    return (
        strangers.join(by_number, on=_BY_NUMBER, how="left", maintain_order="left")
        .join(by_uci, on=_BY_UCI, how="left", maintain_order="left")
        .filter(pl.col("held_uci").is_not_null() | pl.col("held_number").is_not_null())
        .with_columns(
            pl.concat_str([held_uci, held_number], separator=", ", ignore_nulls=True).alias("who"),
            pl.concat_str(["candidate", "uci"], separator=" ").alias("value"),
        )
    )


def not_entered(rows: pl.DataFrame, entered: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: a mark is for a learner who is entered for the component."""
    return (
        _not_held(rows, entered)
        .join(entered, on=_BY_NUMBER, how="anti", maintain_order="left")
        .join(entered, on=_BY_UCI, how="anti", maintain_order="left")
        .with_columns(
            pl.when(pl.col("candidate") == "")
            .then(pl.format("with UCI {}", "uci"))
            .otherwise("candidate")
            .alias("value")
        )
    )


def _not_held(rows: pl.DataFrame, entered: pl.DataFrame) -> pl.DataFrame:
    return rows.join(entered, on=[*_BY_NUMBER, "uci"], how="anti", maintain_order="left")


def result_approved(rows: pl.DataFrame, final: pl.DataFrame | None) -> pl.DataFrame:
    """AWD-5, RES-7: a mark does not change a result that is approved or issued. One that a pending result waits for is
    taken (AWD-4). What is said is the same before and after the release, and whatever the result is (RES-2)."""
    return rows.join(_held(final), on=[*_BY_UCI], how="semi", maintain_order="left").with_columns(
        pl.col("candidate").alias("value")
    )


def _held(final: pl.DataFrame | None) -> pl.DataFrame:
    return pl.DataFrame(schema=FINAL) if final is None else final


def repeated(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: a mark that stands in a file more than once, each time the same in every column, counts once: all but the
    first."""
    said = pl.struct(pl.exclude("line"))
    alone = said.n_unique().over("file", *_MARK) == 1
    return rows.filter(alone & ~said.is_first_distinct()).with_columns(value="candidate")


def twice(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: one mark for a learner in a component; of several that differ in one file none is taken."""
    key = ["file", *_MARK]
    several = rows.filter(pl.len().over(key) > 1)
    lines = pl.col("line").cast(pl.String).head(LINES_NAMED).str.join(", ").over(key)
    more = pl.len().cast(pl.Int64).over(key) - LINES_NAMED
    rest = pl.when(more > 0).then(pl.format(" and {} more", more)).otherwise(pl.lit(""))
    return several.with_columns((lines + rest).alias("lines"), pl.col("candidate").alias("value"))


def above_maximum(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: a mark is at most the component's maximum."""
    return rows.filter(pl.col("mark") > pl.col("maximum")).with_columns(pl.col("mark").cast(pl.String).alias("value"))


def without_mark(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: where there is no mark, a status says why."""
    return rows.filter(pl.col("mark").is_null() & (pl.col("status") == "")).with_columns(pl.lit("").alias("value"))


def mark_and_status(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: a learner who was absent, or has no mark yet, has no mark, nor one for a task."""
    given = pl.col("mark").is_not_null() | (pl.col("tasks") != "")
    return rows.filter(given & (pl.col("status") != "")).with_columns(pl.col("status").alias("value"))


def tasks_apart(rows: pl.DataFrame) -> pl.DataFrame:
    """MRK-1: task marks, where there are any, add up to the total."""
    apart = (pl.col("tasks") != "") & (pl.col("sum") != pl.col("mark"))
    return rows.filter(apart).with_columns(pl.col("mark").cast(pl.String).alias("value"))


def changed(rows: pl.DataFrame, marked: pl.DataFrame) -> pl.DataFrame:
    """MRK-2: the marks that say something new, with `version`, the learner's next in that component."""
    said = ("mark", "status", "tasks")
    before = marked.select(*_MARK, "version", *(pl.col(name).alias(f"held_{name}") for name in said))
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(f"held_{name}")) for name in said)
    return (
        rows.join(before, on=_MARK, how="left", maintain_order="left")
        .filter(pl.col("version").is_null() | ~same)
        .with_columns(pl.col("version").fill_null(0) + 1)
    )


def after_the_deadline(dated: pl.DataFrame) -> pl.DataFrame:
    """MRK-2, MRK-3: after the marks deadline a mark is taken only while feedback has opened the amendment window for
    that centre and component. `dated` has the columns of `DEADLINES`; without a deadline nothing is late."""
    late = pl.col("received") >= pl.col("deadline")
    amends = (pl.col("received") >= pl.col("opens")) & (pl.col("received") < pl.col("until"))
    return dated.filter(late & ~amends.fill_null(value=False)).with_columns(pl.col("receipt").alias("value"))


def after_the_draw(good: pl.DataFrame, sampled: pl.DataFrame, found: Found) -> None:
    """MOD-3: marks that change after the sample of their component was drawn are taken, and told, once for a file and
    component. `good` as `GOOD`, `sampled` as `rules.frames.SAMPLED`."""
    key = ["centre", "series", "component"]
    late = good.filter(pl.col("stage") == terms.SUBMITTED).join(sampled, on=key, maintain_order="left")
    together = late.group_by("file", "component", "drawn", maintain_order=True).agg(
        pl.col("line").min(), pl.len().alias("count"), pl.col("candidate").first()
    )
    single = pl.col("count") == 1
    drawn = pl.col("drawn").dt.convert_time_zone("Europe/London").dt.strftime("%-d %B %Y %H:%M %Z")
    found.rows(
        f.MARK_AFTER_DRAW,
        together.select(
            "file", "line", pl.col("component").alias("option"), drawn.alias("value"),
            pl.when(single).then("candidate").alias("candidate"),
            pl.when(single).then(pl.lit("the mark")).otherwise(pl.format("{} marks", "count")).alias("count"),
        ),
        field="mark",
    )  # fmt: skip
