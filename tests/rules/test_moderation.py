"""Moderation as pure rules (MOD-1, MOD-2): the draw, the comparison, the adjustment."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction
from hashlib import sha256
from time import process_time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.findings import Found
from rules.catalogue import SampleRule
from rules.moderation import (
    FEED_ROWS,
    Adjustment,
    Comparison,
    apply,
    compare,
    draw,
    draw_all,
    drawn_anew,
    judge,
    propose,
    seed,
    work_due,
)

exact = settings(derandomize=True, deadline=None, max_examples=300)
SEED = seed("2024-06", "64123", "BEN01")
RAW_MAX = 60


def sized(size: int | None, extremes_on_top: bool = False) -> SampleRule:
    return SampleRule("2022-06", 1, None, size, extremes_on_top, placeholder=False, source="")


def cohort(marks: list[int]) -> pl.DataFrame:
    numbers = range(1, len(marks) + 1)
    return pl.DataFrame(
        {
            "candidate": [f"{n:04d}" for n in numbers],
            "uci": [f"64123023{n:04d}A" for n in numbers],
            "mark": marks,
        },
        schema={"candidate": pl.String, "uci": pl.String, "mark": pl.Int64},
    )


def sample(*pairs: tuple[int, int]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema={"centre_mark": pl.Int64, "moderated_mark": pl.Int64}, orient="row")


cohorts = st.lists(st.integers(0, RAW_MAX), min_size=1, max_size=130).map(cohort)
rules = st.builds(sized, st.one_of(st.none(), st.integers(1, 25)), st.booleans())
pairs = st.lists(st.tuples(st.integers(0, RAW_MAX), st.integers(0, RAW_MAX)), min_size=1, max_size=25)


# --- MOD-1 -----------------------------------------------------------------------------------------------------------


def test_mod_1_highest_and_lowest_are_part_of_ten() -> None:
    drawn = draw(cohort([30] * 20 + [59, 3] + [31] * 40), sized(10), SEED)
    assert drawn.height == 10
    assert drawn.filter(pl.col("reason") == "highest")["mark"].to_list() == [59]
    assert drawn.filter(pl.col("reason") == "lowest")["mark"].to_list() == [3]
    assert drawn["reason"].value_counts(sort=True).row(0) == ("drawn", 8)


def test_mod_1_highest_and_lowest_come_on_top_where_the_rule_says_so() -> None:
    learners = cohort(list(range(61)))
    drawn = draw(learners, sized(15, extremes_on_top=True), SEED)
    first = draw(learners.filter(~pl.col("mark").is_in([0, 60])), sized(15, extremes_on_top=True), SEED)
    assert 15 <= drawn.height <= 17
    assert {0, 60} <= set(drawn["mark"])
    assert drawn.filter(pl.col("reason") == "drawn").height >= 13
    assert first.height >= 15


def test_mod_1_an_extreme_that_is_drawn_anyway_is_not_added_again() -> None:
    sizes = {draw(cohort(list(range(40))), sized(15, extremes_on_top=True), f"seed {n}").height for n in range(60)}
    assert sizes == {15, 16, 17}


@pytest.mark.parametrize(("learners", "expected"), [(1, 1), (2, 2), (9, 9), (10, 10), (11, 10), (99, 10)])
def test_mod_1_a_cohort_smaller_than_the_size_is_sampled_whole(learners: int, expected: int) -> None:
    assert draw(cohort([n % 61 for n in range(learners)]), sized(10), SEED).height == expected


def test_mod_1_a_rule_that_takes_all_takes_all() -> None:
    assert draw(cohort([5] * 15), sized(None), SEED).height == 15


def test_mod_1_a_cohort_with_one_mark_has_one_highest_and_the_rest_drawn() -> None:
    drawn = draw(cohort([40] * 30), sized(10), SEED)
    assert drawn.height == 10
    assert sorted(drawn["reason"]) == ["drawn"] * 9 + ["highest"]


def test_mod_1_who_is_drawn_follows_from_sha_256_alone() -> None:
    learners = cohort([7, 50] + [20] * 30)
    order = sorted(
        learners.filter(pl.col("mark") == 20)["uci"], key=lambda uci: sha256(f"{SEED}/{uci}".encode()).digest()
    )
    drawn = draw(learners, sized(10), SEED)
    assert set(drawn.filter(pl.col("reason") == "drawn")["uci"]) == set(order[:8])


def test_mod_1_the_draw_on_record() -> None:
    """Another version of Python, Polars or the machine must draw these."""
    drawn = draw(cohort([n % 47 for n in range(60)]), sized(5), SEED)
    assert drawn.select("candidate", "reason").rows() == [
        ("0001", "lowest"), ("0027", "drawn"), ("0034", "drawn"), ("0047", "highest"), ("0054", "drawn"),
    ]  # fmt: skip


@exact
@given(cohorts, rules, st.randoms(use_true_random=False))
def test_mod_1_same_input_same_sample_whatever_the_order_of_rows(
    learners: pl.DataFrame, rule: SampleRule, rng: object
) -> None:
    shuffled = learners.sample(fraction=1, shuffle=True, seed=rng.randrange(2**32))  # type: ignore[attr-defined]
    assert draw(learners, rule, SEED).equals(draw(shuffled, rule, SEED))


@exact
@given(cohorts, rules)
def test_mod_1_size_and_extremes_hold_for_every_cohort(learners: pl.DataFrame, rule: SampleRule) -> None:
    drawn = draw(learners, rule, SEED)
    wanted = learners.height if rule.size is None else min(rule.size, learners.height)
    assert {learners["mark"].min(), learners["mark"].max()} <= set(drawn["mark"])
    assert drawn["uci"].is_unique().all()
    assert set(drawn["uci"]) <= set(learners["uci"])
    most = min(wanted + 2, learners.height) if rule.extremes_on_top else max(wanted, min(2, learners.height))
    assert wanted <= drawn.height <= most


def test_mod_1_other_cohorts_draw_other_learners() -> None:
    learners = cohort([20] * 90)
    seeds = [seed("2024-06", "64123", "BEN01"), seed("2024-06", "64123", "BEN02"), seed("2024-06", "64124", "BEN01")]
    assert len({tuple(draw(learners, sized(10), number)["uci"]) for number in seeds}) == 3


def country(centres: int) -> pl.DataFrame:
    learners = pl.DataFrame({"n": range(50)}).with_columns(
        candidate=pl.format("{}", pl.col("n") + 1001), mark=(pl.col("n") * 7919 % 61).cast(pl.Int64)
    )
    keys = pl.DataFrame({"centre": [f"{10000 + n}" for n in range(centres)]}).join(
        pl.DataFrame({"component": ["BEN01", "BEN02"]}), how="cross"
    )
    return keys.join(learners, how="cross").select(
        "centre", "component", "candidate", "mark", series=pl.lit("2024-06"),
        uci=pl.format("{}23{}A", "centre", "candidate"),
    )  # fmt: skip


def test_mod_1_all_cohorts_at_once_as_each_by_itself() -> None:
    cohorts = country(3).filter((pl.col("centre") != "10001") | (pl.col("candidate") < "1021"))
    together = draw_all(cohorts, lambda size: sized(15, True) if size < 30 else sized(20))
    for (centre, component), learners_of in cohorts.partition_by("centre", "component", as_dict=True).items():
        rule = sized(15, True) if centre == "10001" else sized(20)
        alone = draw(learners_of, rule, seed("2024-06", str(centre), str(component)))
        mine = together.filter(pl.col("centre") == centre, pl.col("component") == component)
        assert mine.select(alone.columns).equals(alone)


def test_mod_1_the_country_is_drawn_in_seconds() -> None:
    cohorts = country(3000)
    started = process_time()
    drawn = draw_all(cohorts, lambda size: sized(10 if size < 100 else 20))
    assert process_time() - started < 10
    assert (cohorts.height, drawn.height) == (300_000, 60_000)


@pytest.mark.parametrize(
    ("sampled", "due"),
    [
        ("2024-05-15T22:59:59+00:00", "2024-05-21T00:00:00+01:00"),
        ("2024-05-15T23:00:00+00:00", "2024-05-22T00:00:00+01:00"),
        ("2024-03-29T12:00:00+00:00", "2024-04-04T00:00:00+01:00"),
    ],
)
def test_mod_1_work_is_due_five_days_after_the_day_of_the_draw_in_london(sampled: str, due: str) -> None:
    assert work_due(datetime.fromisoformat(sampled)).isoformat() == due


# --- MOD-2: the moderator's marks ------------------------------------------------------------------------------------

KEY = {"series": "2024-06", "centre": "64123", "component": "BEN01"}


def held(state: str = "sampled", **marks: int | None) -> pl.DataFrame:
    rows = [
        {"cohort_id": 7, **KEY, "state": state, "raw_max": RAW_MAX, "uci": uci, "moderated_mark": mark}
        for uci, mark in marks.items()
    ]
    return pl.DataFrame(rows, schema_overrides={"moderated_mark": pl.Int64})


def feed(*rows: tuple[str, str], centre: str = "64123") -> pl.DataFrame:
    cells = [
        {"line": n, **KEY, "centre": centre, "uci": uci, "mark": mark, "moderator": "M1"}
        for n, (uci, mark) in enumerate(rows, 2)
    ]
    return pl.DataFrame(cells, schema=FEED_ROWS)


def judged_codes(rows: pl.DataFrame, samples: pl.DataFrame) -> tuple[list[tuple[str, int | None]], list[object]]:
    found = Found(["moderator.csv"])
    judged = judge(rows, samples, found)
    return [(one.code, one.line) for one in found.of(0)], judged.good["uci"].to_list()


def test_mod_2_a_good_feed_is_applied_whole() -> None:
    assert judged_codes(feed(("A", "0"), ("B", "60")), held(A=None, B=None)) == ([], ["A", "B"])


@pytest.mark.parametrize(
    ("rows", "samples", "code", "good"),
    [
        (feed(("A", "10"), centre="64124"), held(A=None), "MODERATION_COHORT", []),
        (feed(("A", "10"), ("C", "10")), held(A=None), "MODERATION_LEARNER", ["A"]),
        (feed(("A", "60"), ("B", "61")), held(A=None, B=50), "MODERATION_MARK", ["A"]),
        (feed(("A", "60"), ("B", "-1")), held(A=None, B=50), "MODERATION_MARK", ["A"]),
        (feed(("A", "60"), ("B", "")), held(A=None, B=50), "MODERATION_MARK", ["A"]),
        (feed(("A", "60"), ("B", "9" * 30)), held(A=None, B=50), "MODERATION_MARK", ["A"]),
        (feed(("A", "10"), ("B", "20"), ("B", "21")), held(A=None, B=1), "MODERATION_TWO_MARKS", ["A"]),
        (feed(("A", "10"), ("A", "10")), held(A=None), None, ["A"]),
        (feed(("A", "10")), held("feedback", A=11), "MODERATION_COMPARED", []),
        (feed(("A", "11")), held("feedback", A=11), None, []),
        (feed(("A", "11")), held(A=10), None, ["A"]),
        (feed(("A", "11")), held(A=None, B=None), "MODERATION_MISSING", ["A"]),
    ],
)
def test_mod_2_rows_that_cannot_be_applied_are_told_and_the_others_are_applied(
    rows: pl.DataFrame, samples: pl.DataFrame, code: str | None, good: list[str]
) -> None:
    found, applied = judged_codes(rows, samples)
    assert {code for code, _ in found} == ({code} if code else set())
    assert applied == good


def test_mod_2_findings_say_line_column_value_and_what_to_do() -> None:
    made = Found(["m.csv"])
    judge(feed(("A", "60"), ("B", "61")), held(A=None, B=50), made)
    [found] = made.of(0)
    assert (found.line, found.field, found.value, found.rule) == (3, "mark", "61", "MOD-2")
    assert found.expected == "a whole number from 0 to 60"
    assert "digits only" in found.remedy


# --- MOD-2: comparing ------------------------------------------------------------------------------------------------


def test_mod_2_within_tolerance_up_to_it_and_not_beyond() -> None:
    assert compare(sample((40, 37), (20, 22)), 3).verdict == "agreed"
    assert compare(sample((40, 36), (20, 22)), 3).verdict == "outside"
    assert compare(sample((40, 44), (20, 22)), 3).verdict == "outside"


def test_mod_2_the_largest_difference_has_its_sign() -> None:
    assert compare(sample((40, 34), (20, 22)), 3).largest == -6
    assert compare(sample((40, 42), (20, 26)), 3).largest == 6
    assert compare(sample((40, 42), (20, 26)), 3).differences == (2, 6)


@pytest.mark.parametrize(
    ("pairs", "direction", "in_order"),
    [
        ([(40, 40), (20, 20)], "none", True),
        ([(40, 36), (20, 20)], "generous", True),
        ([(40, 44), (20, 20)], "severe", True),
        ([(40, 44), (20, 18)], "mixed", True),
        ([(40, 25), (30, 26)], "generous", False),
        ([(40, 30), (30, 30)], "generous", True),
        ([(40, 30), (40, 50), (41, 49)], "mixed", False),
    ],
)
def test_mod_2_direction_and_order(pairs: list[tuple[int, int]], direction: str, in_order: bool) -> None:
    compared: Comparison = compare(sample(*pairs), 3)
    assert (compared.direction, compared.in_order) == (direction, in_order)


def test_mod_2_a_sample_is_not_compared_before_it_is_complete() -> None:
    with pytest.raises(ValueError, match="all its marks"):
        compare(sample((40, 36), (20, None)), 3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="all its marks"):
        compare(sample(), 3)


# --- MOD-2: adjusting ------------------------------------------------------------------------------------------------


def test_mod_2_straight_lines_between_the_points_and_the_same_difference_beyond() -> None:
    curve = propose(sample((20, 16), (40, 46)), RAW_MAX)
    assert [curve.at(mark) for mark in (0, 3, 4, 5, 20, 30, 40, 50, 54, 55, 60)] == [
        0, 0, 0, 1, 16, 31, 46, 56, 60, 60, 60,
    ]  # fmt: skip


def test_mod_2_half_a_mark_goes_up() -> None:
    curve = propose(sample((20, 20), (22, 23)), RAW_MAX)
    assert curve.exactly(21) == Fraction(43, 2)
    assert curve.at(21) == 22
    assert curve.at(19) == 19


def test_mod_2_neighbours_in_the_wrong_order_get_their_common_mean() -> None:
    curve = propose(sample((10, 10), (20, 30), (30, 22), (30, 23), (50, 50)), RAW_MAX)
    assert curve.points == ((10, Fraction(10)), (20, Fraction(25)), (30, Fraction(25)), (50, Fraction(50)))


def test_mod_2_a_long_reversal_pools_into_one_step() -> None:
    curve = propose(sample((10, 40), (20, 30), (30, 20), (40, 10)), RAW_MAX)
    assert {value for _, value in curve.points} == {Fraction(25)}


def test_mod_2_marks_out_of_range_are_refused() -> None:
    for wrong in (sample((10, 61)), sample((61, 10)), sample((-1, 10)), sample()):
        with pytest.raises(ValueError, match="from 0 to 60"):
            propose(wrong, RAW_MAX)


@exact
@given(pairs)
def test_mod_2_rank_order_and_bounds_are_kept(given_pairs: list[tuple[int, int]]) -> None:
    adjusted = propose(sample(*given_pairs), RAW_MAX).table()["adjusted"]
    assert adjusted.is_sorted()
    assert adjusted.is_between(0, RAW_MAX).all()


@exact
@given(st.lists(st.integers(0, RAW_MAX), min_size=1, max_size=25))
def test_mod_2_without_differences_nothing_changes(marks: list[int]) -> None:
    table = propose(sample(*((mark, mark) for mark in marks)), RAW_MAX).table()
    assert table["adjusted"].equals(table["mark"].alias("adjusted"))


@exact
@given(pairs, st.randoms(use_true_random=False))
def test_mod_2_same_sample_same_curve_whatever_the_order_of_rows(
    given_pairs: list[tuple[int, int]], rng: object
) -> None:
    again = list(given_pairs)
    rng.shuffle(again)  # type: ignore[attr-defined]
    assert propose(sample(*given_pairs), RAW_MAX) == propose(sample(*again), RAW_MAX)


@exact
@given(pairs, st.lists(st.integers(0, RAW_MAX), min_size=61, max_size=61))
def test_mod_2_no_rising_curve_is_nearer_to_the_sample(given_pairs: list[tuple[int, int]], other: list[int]) -> None:
    curve, rival = propose(sample(*given_pairs), RAW_MAX), sorted(other)
    ours = sum((curve.exactly(centre) - moderated) ** 2 for centre, moderated in given_pairs)
    theirs = sum((rival[centre] - moderated) ** 2 for centre, moderated in given_pairs)
    assert ours <= theirs


@exact
@given(pairs)
def test_mod_2_the_curve_survives_being_written_down(given_pairs: list[tuple[int, int]]) -> None:
    curve = propose(sample(*given_pairs), RAW_MAX)
    assert Adjustment.of(curve.plain()) == curve


def test_mod_2_all_the_centres_marks_are_adjusted_in_their_place() -> None:
    curve = propose(sample((20, 16), (40, 46)), RAW_MAX)
    marks = pl.DataFrame({"uci": ["C", "A", "B"], "mark": [40, 20, 20]}, schema_overrides={"mark": pl.Int32})
    assert apply(marks, curve).rows() == [("C", 40, 46), ("A", 20, 16), ("B", 20, 16)]


# --- Drawn anew ------------------------------------------------------------------------------------------------------


def anew(drawn: dict[str, tuple[str, int]], now: dict[str, int], size: int = 10) -> str:
    """Why a sample, by UCI its reason and mark at the draw, is drawn anew from the marks as they are now; empty: it is
    not."""
    key = {"series": "2024-06", "centre": "64123", "component": "BEN01"}
    sampled = pl.DataFrame([{**key, "uci": u, "reason": r, "centre_mark": m} for u, (r, m) in drawn.items()])
    learners = pl.DataFrame([{**key, "candidate": u, "uci": u, "mark": m} for u, m in now.items()])
    rule = sized(size)
    found = drawn_anew(learners, sampled, lambda _: rule)
    return str(found["why"][0]) if found.height else ""


THREE = {"A": ("highest", 50), "B": ("drawn", 30), "C": ("lowest", 10)}


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({"A": 50, "B": 30, "C": 10}, ""),
        ({"A": 50, "B": 49, "C": 10}, ""),
        ({"A": 50, "B": 50, "C": 10}, ""),
        ({"A": 55, "B": 30, "C": 10}, "the highest mark is now 55, not 50"),
        ({"A": 50, "B": 9, "C": 10}, "the lowest mark is now 9, not 10"),
        ({"A": 49, "B": 50, "C": 10}, "another learner has the highest mark now"),
        ({"A": 50, "B": 30, "C": 31}, "the lowest mark is now 30, not 10"),
        ({"A": 50, "B": 10, "C": 11}, "another learner has the lowest mark now"),
        ({"A": 50, "C": 10}, "a sampled learner is no longer entered, or has no mark any more"),
        ({"A": 50, "B": 30, "C": 10, "D": 40}, "the cohort has grown to 4 learners"),
        (
            {"A": 20, "B": 20, "C": 20},
            "the highest mark is now 20, not 50; the lowest mark is now 20, not 10",
        ),
    ],
)
def test_mod_3_only_the_extremes_a_missing_learner_and_a_sample_too_small_draw_anew(
    now: dict[str, int], why: str
) -> None:
    assert anew(THREE, now) == why


def test_mod_3_in_a_cohort_larger_than_its_sample_a_newcomer_in_the_middle_draws_nothing_anew() -> None:
    assert anew(THREE, {"A": 50, "B": 30, "C": 10, "D": 40}, size=3) == ""


def test_mod_3_where_all_marks_were_equal_one_learner_stands_for_both_extremes() -> None:
    equal = {"A": ("highest", 20), "B": ("drawn", 20)}
    assert anew(equal, {"A": 20, "B": 20}) == ""
    assert anew(equal, {"A": 20, "B": 19}) == "the lowest mark is now 19, not 20"
