"""Raw marks to UMS (AWD-1, AWD-2), exact: the published checks of other units, and properties for any boundaries."""

from __future__ import annotations

import csv
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from attrs import evolve
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fixtures.generate import boundaries as made_up
from rules.catalogue import Series
from rules.conversion import Boundaries, ConversionError, convert, points, table
from rules.scales import Scale, Threshold
from tests.catalogue import CATALOGUE
from tests.golden import FIXTURES, Golden

INTERNAL, EXTERNAL = CATALOGUE.scale("BEN01"), CATALOGUE.scale("BEN03")
GRADES = ("L2D", "L2M", "L2P", "L1D", "L1M", "L1P")
FOLDER = FIXTURES / "conversion"
SUMMER = Boundaries("2024-06", "BEN03", 60, tuple(zip(GRADES, (45, 39, 33, 27, 21, 15), strict=True)))


def rows(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def other_unit(unit: str) -> tuple[Boundaries, Scale]:
    """A unit of another qualification, of which figures are published."""
    mine = [row for row in rows("boundaries_of_other_units.csv") if row["unit"] == unit]
    most = int(mine[0]["ums_max"])
    grades = [(row["grade"], int(row["ums"])) for row in mine] + [("U", 0)]
    day = date(2010, 1, 1)
    thresholds = tuple(Threshold("external", most, grade, ums, grade, day, False, "ours") for grade, ums in grades)
    marks = tuple((row["grade"], int(row["raw_mark"])) for row in mine)
    return Boundaries("2010-06", unit, int(mine[0]["raw_max"]), marks), Scale("external", most, day, thresholds)


@pytest.mark.parametrize("check", rows("checks.csv"), ids=lambda check: f"{check['check']}: {check['why']}")
def test_awd_1_the_checks_of_other_units_come_out(check: dict[str, str]) -> None:
    conversion = convert(*other_unit(check["unit"]))
    assert conversion.ums[int(check["raw_mark"])] == int(check["ums"])


def test_awd_1_full_ums_from_the_cap_on() -> None:
    conversion = convert(*other_unit("PYA1"))
    assert conversion.ums[50] < 100
    assert set(conversion.ums[51:]) == {100}


def test_awd_1_a_cap_above_the_maximum_is_none() -> None:
    conversion = convert(*other_unit("F965/01"))
    assert [conversion.ums[raw] for raw in (79, 80)] == [79, 80]


def test_awd_1_without_the_cap_full_ums_is_for_full_marks() -> None:
    assert convert(SUMMER, EXTERNAL).ums.index(120) == 57
    assert convert(evolve(SUMMER, cap=False), EXTERNAL).ums.index(120) == 60


def test_awd_1_half_a_ums_is_rounded_up() -> None:
    # From (0, 0) to (15, 36): mark 5 is 12 exactly, mark 1 is 2.4, mark 4 is 9.6.
    assert convert(SUMMER, EXTERNAL).ums[:6] == (0, 2, 5, 7, 10, 12)
    halves = evolve(SUMMER, marks=tuple(zip(GRADES, (46, 40, 34, 28, 22, 8), strict=True)))
    assert convert(halves, EXTERNAL).ums[1:3] == (5, 9)  # 4.5 and 9


def test_awd_2_each_boundary_has_its_grade_and_the_mark_below_the_next() -> None:
    conversion = convert(SUMMER, EXTERNAL)
    for (grade, raw), threshold in zip(SUMMER.marks, EXTERNAL.thresholds, strict=False):
        assert (conversion.grades[raw], conversion.ums[raw]) == (grade, threshold.minimum)
        assert conversion.grades[raw - 1] != grade
    assert conversion.grades[0] == "U"


def test_awd_2_a_table_in_which_the_two_grades_differ_is_refused() -> None:
    # 42 raw marks for 12 UMS: the mark below the boundary rounds up to it.
    wide = evolve(SUMMER, raw_max=100, marks=tuple(zip(GRADES, (80, 38, 33, 27, 21, 15), strict=True)))
    with pytest.raises(ConversionError, match="raw mark 79 is L2M by the boundaries, but converts to 96 UMS"):
        convert(wide, EXTERNAL)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"marks": SUMMER.marks[1:]}, "there are boundaries for L2M"),
        ({"marks": (("L2D", 39), *SUMMER.marks[1:])}, "39 of L2M is not below 39 of L2D"),
        ({"raw_max": 45}, "45 of L2D is not below the maximum of 45"),
        ({"marks": (*SUMMER.marks[:-1], ("L1P", 0))}, "0 of L1P is not above 0"),
        ({"marks": ()}, "there are boundaries for no grade"),
    ],
)
def test_awd_1_boundaries_that_make_no_table_are_refused(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConversionError, match=said):
        convert(evolve(SUMMER, **changed), EXTERNAL)


@given(st.sets(st.integers(1, 59), min_size=6, max_size=6), st.booleans(), st.sampled_from([INTERNAL, EXTERNAL]))
@settings(derandomize=True, deadline=None)
def test_awd_1_awd_2_every_table_rises_exactly_along_its_lines(raw: set[int], cap: bool, scale: Scale) -> None:
    boundaries = Boundaries("2024-06", "X", 60, tuple(zip(GRADES, sorted(raw, reverse=True), strict=True)), cap)
    try:
        made = convert(boundaries, scale)
    except ConversionError:
        assume(False)  # AWD-2 makes no table of these
        return
    assert (made.ums[0], made.ums[60]) == (0, scale.max_ums)
    assert all(low <= high for low, high in pairwise(made.ums))
    assert all(scale.grade_of(ums) == grade for ums, grade in zip(made.ums, made.grades, strict=True))
    for (low, low_ums), (high, high_ums) in pairwise(points(boundaries, scale)):
        for mark in range(low, high + 1):
            exact = low_ums + Fraction(high_ums - low_ums, high - low) * (mark - low)
            assert -Fraction(1, 2) < made.ums[mark] - exact <= Fraction(1, 2)


def test_awd_1_the_canonical_text_tells_any_two_tables_apart() -> None:
    made = convert(SUMMER, EXTERNAL)
    assert made.sha256 == convert(SUMMER, EXTERNAL).sha256
    others = [evolve(SUMMER, series="2025-06"), evolve(SUMMER, cap=False), evolve(SUMMER, component="BEN01")]
    assert len({made.sha256, *(convert(boundaries, EXTERNAL).sha256 for boundaries in others)}) == 4
    assert made.text.startswith("2024-06 BEN03 raw 60 ums 120 cap yes\nL2D=45 L2M=39")
    assert table([made]).row(45) == ("2024-06", "BEN03", 45, 96, "L2D")


@pytest.mark.parametrize("series", CATALOGUE.all_series(), ids=lambda series: series.id)
def test_awd_1_the_placeholder_boundaries_of_every_series_make_tables(series: Series, golden: Golden) -> None:
    offered = [
        part
        for qualification in CATALOGUE.qualifications
        for part in qualification.components
        if part.why_not(series) is None
    ]
    data = made_up(series.id, {part.code: part.raw_max for part in offered})
    golden.file(FIXTURES / "boundaries" / f"{series.id}.csv", data)
    lines = list(csv.DictReader(data.decode("utf-8").splitlines()))
    assert {line["placeholder"] for line in lines} == {"Y"}
    for part in offered:
        marks = tuple((line["grade"], int(line["raw_mark"])) for line in lines if line["component"] == part.code)
        made = convert(Boundaries(series.id, part.code, part.raw_max, marks), CATALOGUE.scale(part.code))
        assert set(made.grades) == {*GRADES, "U"}


def test_awd_3_placeholder_boundaries_move_from_series_to_series() -> None:
    def of(series: str) -> list[str]:
        with (FIXTURES / "boundaries" / f"{series}.csv").open(encoding="utf-8", newline="") as file:
            return [row["raw_mark"] for row in csv.DictReader(file) if row["component"] == "BEN01"]

    every = [of(series.id) for series in CATALOGUE.all_series()]
    assert len({tuple(marks) for marks in every}) > len(every) / 2
