"""From raw marks to uniform marks (UMS) and grade of a component (AWD-1 to AWD-3): exact, one table each series.

Boundaries move every series; the thresholds of the scale do not. All arithmetic is in whole numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import polars as pl
from attrs import field, frozen

from rules.scales import Scale

CONVERSION: dict[str, Any] = {
    "series": pl.String,
    "component": pl.String,
    "raw": pl.Int32,
    "ums": pl.Int32,
    "grade": pl.String,
}
"""Conversion tables as a frame, a row a raw mark."""


class ConversionError(ValueError):
    """Boundaries from which no table can be made; the message says why, in an awarding officer's words."""


@frozen
class Boundaries:
    """The least raw mark of each grade of a component in a series, from the highest grade down; U, the lowest, has
    none. `cap`: whether full UMS is reached before full marks (AWD-1)."""

    series: str
    component: str
    raw_max: int
    marks: tuple[tuple[str, int], ...]
    cap: bool = True


@frozen
class Conversion:
    """A conversion table: `ums` and `grades` by raw mark, from 0 to `raw_max`."""

    boundaries: Boundaries
    ums_max: int
    ums: tuple[int, ...] = field(repr=False)
    grades: tuple[str, ...] = field(repr=False)

    @property
    def text(self) -> str:
        """The table in its canonical form: what is hashed, approved and kept."""
        of = self.boundaries
        head = f"{of.series} {of.component} raw {of.raw_max} ums {self.ums_max} cap {'yes' if of.cap else 'no'}"
        bounds = " ".join(f"{grade}={mark}" for grade, mark in of.marks)
        rows = (f"{raw} {ums} {grade}" for raw, (ums, grade) in enumerate(zip(self.ums, self.grades, strict=True)))
        return "\n".join([head, bounds, *rows]) + "\n"

    @property
    def sha256(self) -> str:
        """The SHA-256 of `text`."""
        return hashlib.sha256(self.text.encode("ascii")).hexdigest()


def convert(boundaries: Boundaries, scale: Scale) -> Conversion:
    """AWD-1, AWD-2: the table for `boundaries` on a component's scale: straight lines between the points, to whole UMS,
    half up. Raises `ConversionError`, also where the grade by raw mark and the grade by UMS would differ."""
    _check(boundaries, scale)
    ums = tuple(_on_lines(raw, points(boundaries, scale)) for raw in range(boundaries.raw_max + 1))
    lowest = scale.thresholds[-1].grade
    grades = tuple(
        next((grade for grade, least in boundaries.marks if raw >= least), lowest)
        for raw in range(boundaries.raw_max + 1)
    )
    for raw, (value, grade) in enumerate(zip(ums, grades, strict=True)):
        by_ums = scale.grade_of(value)
        if by_ums != grade:
            raise ConversionError(
                f"raw mark {raw} is {grade} by the boundaries, but converts to {value} UMS, which is {by_ums} (AWD-2): "
                f"the raw marks of a grade are too few or too many for its UMS"
            )
    return Conversion(boundaries, scale.max_ums, ums, grades)


def points(boundaries: Boundaries, scale: Scale) -> list[tuple[int, int]]:
    """AWD-1: the points (raw mark, UMS) between which the lines run: 0 for 0, each boundary, the cap, and full marks.
    The cap is above the highest boundary by twice the gap to the boundary below it; where that is not below the maximum
    there is no cap, and full UMS only at full marks."""
    found = [(0, 0)]
    for (_, raw), threshold in zip(reversed(boundaries.marks), reversed(scale.thresholds[:-1]), strict=True):
        found.append((raw, threshold.minimum))
    (_, top), (_, following) = boundaries.marks[:2]
    cap = top + 2 * (top - following)
    if boundaries.cap and cap < boundaries.raw_max:
        found.append((cap, scale.max_ums))
    return [*found, (boundaries.raw_max, scale.max_ums)]


def _on_lines(raw: int, on: list[tuple[int, int]]) -> int:
    (low, low_ums), (high, high_ums) = next(pair for pair in pairwise(on) if pair[0][0] <= raw <= pair[1][0])
    run, risen = high - low, (raw - low) * (high_ums - low_ums)
    # Half up: twice the numerator, plus the denominator, over twice the denominator.
    return low_ums + (2 * risen + run) // (2 * run)


def _check(boundaries: Boundaries, scale: Scale) -> None:
    named = [grade for grade, _ in boundaries.marks]
    wanted = [threshold.grade for threshold in scale.thresholds[:-1]]
    if named != wanted:
        raise ConversionError(
            f"there are boundaries for {', '.join(named) or 'no grade'}, expected {', '.join(wanted)}"
        )
    for (higher, above), (lower, below) in pairwise(boundaries.marks):
        if below >= above:
            raise ConversionError(f"the boundary {below} of {lower} is not below {above} of {higher}")
    (grade, top), (last, lowest) = boundaries.marks[0], boundaries.marks[-1]
    if top >= boundaries.raw_max:
        raise ConversionError(
            f"the boundary {top} of {grade} is not below the maximum of {boundaries.raw_max} raw marks"
        )
    if lowest < 1:
        raise ConversionError(f"the boundary {lowest} of {last} is not above 0")


def table(conversions: Iterable[Conversion]) -> pl.DataFrame:
    """The tables as one frame (`CONVERSION`)."""
    rows = [
        (conversion.boundaries.series, conversion.boundaries.component, raw, ums, grade)
        for conversion in conversions
        for raw, (ums, grade) in enumerate(zip(conversion.ums, conversion.grades, strict=True))
    ]
    return pl.DataFrame(rows, schema=CONVERSION, orient="row")
