"""What marks are held against: the scale of uniform marks (AWD-2, AWD-3), sample sizes (MOD-1), tolerance (MOD-2)."""

from __future__ import annotations

from datetime import date
from itertools import groupby, pairwise
from pathlib import Path
from typing import get_args

from attrs import field, frozen

from rules import terms
from rules.sheets import (
    ANY,
    CODE,
    IN_FORCE_FROM,
    NUMBER,
    PLACEHOLDER_FLAG,
    POSITIVE,
    SERIES,
    SOURCE,
    TEXT,
    YES,
    Row,
    Sheet,
    cell,
    either,
    like,
    once_each,
    one_of,
)


@frozen
class Threshold:
    """The uniform marks (UMS) from which a grade is reached."""

    scope: terms.Scope = field(
        metadata=cell(one_of(*get_args(terms.Scope)), "an internal or external component, or the whole")
    )
    max_ums: int = field(metadata=cell(POSITIVE, "the most UMS: which of a scope's scales it is"))
    grade: str = field(metadata=cell(TEXT, "the grade"))
    minimum: int = field(metadata=cell(NUMBER, "the least UMS for it; the lowest grade has 0"))
    code: str = field(
        metadata=cell(
            like("one or two capital letters, digits, * or #", "[A-Z0-9*#]{1,2}", str), "the grade in result files"
        )
    )
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


@frozen
class Scale:
    """The grades of a component or a qualification by uniform marks; `thresholds` from the highest grade down."""

    scope: terms.Scope
    max_ums: int
    in_force_from: date
    thresholds: tuple[Threshold, ...]

    @property
    def placeholder(self) -> bool:
        return any(threshold.placeholder for threshold in self.thresholds)

    def grade_of(self, ums: int) -> str:
        """AWD-2, CRT-3: the grade that `ums` reaches; raises `ValueError` for UMS that the scale does not have."""
        if not 0 <= ums <= self.max_ums:
            raise ValueError(f"{ums} UMS on a scale from 0 to {self.max_ums}")
        return next(threshold.grade for threshold in self.thresholds if ums >= threshold.minimum)

    def code_of(self, grade: str) -> str:
        """The characters for `grade` in result files; raises `KeyError`."""
        return {threshold.grade: threshold.code for threshold in self.thresholds}[grade]


@frozen
class SampleRule:
    """MOD-1: how many learners of a cohort are sampled. `size` is None when all of them are."""

    first_series: str = field(metadata=cell(SERIES, "the series from which this table holds, until the next one"))
    cohort_from: int = field(metadata=cell(POSITIVE, "the smallest cohort: learners of a centre with a mark"))
    cohort_to: int | None = field(metadata=cell(either("", "no largest", POSITIVE), "the largest cohort"))
    size: int | None = field(
        metadata=cell(either("all", "the whole cohort", POSITIVE), "learners in the sample", "sample_size")
    )
    extremes_on_top: bool = field(
        metadata=cell(YES, "Y when highest and lowest come on top, where not in already; N when they are part of it")
    )
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


@frozen
class Tolerance:
    """MOD-2: how far a moderator's mark may be from the centre's, in raw marks, for the centre's to stand."""

    component: str = field(metadata=cell(either(ANY, "every other component", CODE, ANY), "whose"))
    marks: int = field(metadata=cell(NUMBER, "raw marks, either way"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


@frozen
class Shift:
    """AWD-7: how far the grades of a qualification may move from the results they are compared with."""

    points: int = field(metadata=cell(POSITIVE, "per cent of the awards, at any grade and above, either way"))
    awards: int = field(metadata=cell(POSITIVE, "fewest awards, now and before, for the shares to mean something"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


# --- The files -------------------------------------------------------------------------------------------------------

UMS_SCALE = Sheet(
    "ums_scale.csv",
    Threshold,
    key=("scope", "max_ums", "grade", "in_force_from"),
    about=(
        "Grades by uniform marks, a line a grade, from the highest down. The lines of one scope, maximum and "
        "`in_force_from` are one scale; a later one replaces it as a whole. A component has the scale of its scope and "
        "its `ums_max`; the components of a qualification add up to the maximum of the scope `qualification`."
    ),
)
SAMPLES = Sheet(
    "samples.csv",
    SampleRule,
    key=("first_series", "cohort_from"),
    about=(
        "How many learners of a cohort the moderator sees. The lines of one `first_series` are one table, without "
        "gaps; it holds for that series and those after it, until the next one. Here the series decides, not receipt."
    ),
)
TOLERANCE = Sheet(
    "tolerance.csv",
    Tolerance,
    key=("component", "in_force_from"),
    about="Up to which difference a centre's marks stand.",
)

SHIFT = Sheet(
    "shift.csv",
    Shift,
    key=("in_force_from",),
    about="From which shift of a qualification's grades on a person must accept it before results are built (AWD-7).",
)


def read_scales(folder: Path) -> tuple[Scale, ...]:
    """Every version of every scale, by the day it is in force from; raises `CatalogueError`."""
    groups: dict[tuple[date, terms.Scope, int], list[Row[Threshold]]] = {}
    rows = UMS_SCALE.rows(folder)
    for row in rows:
        threshold = row.record
        groups.setdefault((threshold.in_force_from, threshold.scope, threshold.max_ums), []).append(row)
    wholes: dict[date, int] = {}
    for (day, scope, most), group in groups.items():
        _check_thresholds(group)
        if scope == terms.QUALIFICATION and wholes.setdefault(day, most) != most:
            raise group[0].wrong("max_ums", f"qualifications have a scale of {wholes[day]} from the same day already")
    if not wholes:
        raise rows[0].wrong("scope", "there is no scale for qualifications")
    return tuple(
        Scale(scope, most, day, tuple(row.record for row in group))
        for (day, scope, most), group in sorted(groups.items(), key=lambda item: item[0])
    )


def _check_thresholds(rows: list[Row[Threshold]]) -> None:
    """A scale's grades fall from within its maximum to 0, each with characters of its own."""
    once_each(rows, ["code"])
    top, lowest = rows[0].record, rows[-1].record
    if top.minimum > top.max_ums:
        raise rows[0].wrong("minimum", f"{top.minimum} for {top.grade} is above the maximum of {top.max_ums} UMS")
    for above, row in pairwise(rows):
        lower, higher = row.record, above.record
        if lower.minimum >= higher.minimum:
            raise row.wrong(
                "minimum", f"{lower.minimum} for {lower.grade} is not below {higher.minimum} for {higher.grade}"
            )
    if lowest.minimum:
        raise rows[-1].wrong("minimum", f"the lowest grade, {lowest.grade}, begins at {lowest.minimum} UMS, not at 0")


def read_samples(folder: Path) -> tuple[SampleRule, ...]:
    """Every table of sample sizes, by series and cohort; raises `CatalogueError`."""
    rows = sorted(SAMPLES.rows(folder), key=lambda row: (row.record.first_series, row.record.cohort_from))
    for series, group in groupby(rows, key=lambda row: row.record.first_series):
        _check_cohorts(series, list(group))
    return tuple(row.record for row in rows)


def _check_cohorts(series: str, rows: list[Row[SampleRule]]) -> None:
    """A table of sample sizes has one line for each cohort, from 1 up. `rows`: by cohort."""
    due: int | None = 1
    for row in rows:
        rule = row.record
        if due is None or rule.cohort_from < due:
            raise row.wrong("cohort_from", f"cohorts of {rule.cohort_from} have a line above already")
        if rule.cohort_from > due:
            raise row.wrong("cohort_from", f"from {series} on, there is no line for cohorts from {due}")
        if rule.cohort_to is not None and rule.cohort_to < rule.cohort_from:
            raise row.wrong("cohort_to", f"{rule.cohort_to} is less than {rule.cohort_from}")
        due = None if rule.cohort_to is None else rule.cohort_to + 1
    if due is not None:
        raise rows[-1].wrong("cohort_to", f"from {series} on, there is no line for cohorts from {due}")


def read_tolerances(folder: Path) -> list[Row[Tolerance]]:
    """Every version of every tolerance; raises `CatalogueError`."""
    rows = TOLERANCE.rows(folder)
    if ANY not in {row.record.component for row in rows}:
        raise rows[0].wrong("component", f"there is no line for {ANY}: components without a line of their own need it")
    return rows
