"""One cause in many places is said once, with every place (FIL-1)."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from parsers.findings import BORN, FIELD_MISSING, LISTED, STATUS, Found
from parsers.gathered import FEW, ranges
from rules.findings import CODES, NOT_REGISTERED


def rows(count: int, value: str = "Z") -> pl.DataFrame:
    """One violation each of the candidates 0001 and so on, from line 3."""
    return pl.DataFrame(
        {
            "file": [0] * count,
            "line": list(range(3, count + 3)),
            "candidate": [f"{number:04d}" for number in range(1, count + 1)],
            "value": [value] * count,
        },
        schema_overrides={"file": pl.UInt32, "line": pl.UInt32},
    )


def unregistered(candidates: pl.DataFrame, subject: str) -> pl.DataFrame:
    uci = pl.format("64123023{}A", "candidate")
    return candidates.with_columns(
        subject=pl.lit(subject), registration=pl.lit("BEN22"), near=pl.lit(""), option=pl.col("value"), uci=uci
    )


@given(st.sets(st.integers(1, 60)))
def test_ranges_hold_exactly_the_numbers(numbers: set[int]) -> None:
    found = ranges(numbers)
    assert {number for first, last in found for number in range(first, last + 1)} == numbers
    assert all(before[1] + 1 < after[0] for before, after in pairwise(found))


@given(st.sets(st.integers(0, 4 * LISTED), min_size=1))
def test_fil_1_a_cause_keeps_every_place_however_many_there_are(at: set[int]) -> None:
    found = Found(["a file"])
    wrong = rows(4 * LISTED + 1)[sorted(at)]
    found.rows(STATUS, wrong, (3, 3), "status")
    [cause] = found.gathered(0)
    assert cause.count == len(at)
    assert cause.whom == {f"{number + 1:04d}" for number in at}
    [place] = cause.places
    assert place.columns == (3, 3)
    assert {line for first, last in place.lines for line in range(first, last + 1)} == {number + 3 for number in at}


def test_fil_1_candidates_who_are_not_registered_are_one_finding_a_subject() -> None:
    found = Found(["a file"])
    found.rows(NOT_REGISTERED, pl.concat([
        unregistered(rows(15, "BEN01")[[*range(12), 14]], "Enterprise"), unregistered(rows(40, "BAC01"), "Animal Care"),
    ]), (109, 114), "option")  # fmt: skip
    said = {cause.message: (cause.count, cause.candidates) for cause in found.gathered(0)}
    assert said == {
        "not registered for Enterprise at your centre": (13, (("0001", "0012"), ("0015", "0015"))),
        "not registered for Animal Care at your centre": (40, (("0001", "0040"),)),
    }


def test_fil_1_few_candidates_who_differ_are_said_one_by_one_with_what_is_in_each() -> None:
    for count in (FEW, FEW + 1):
        found = Found(["a file"])
        for number in range(count):
            found.add(BORN, number + 3, (54, 59), f"31020{number}", candidate=f"000{number}")
        assert len(found.gathered(0)) == (FEW if count == FEW else 1)
    assert "310200" not in found.gathered(0)[0].message


def test_fil_1_what_has_no_place_of_its_own_is_counted() -> None:
    found = Found(["a file"])
    for number in range(LISTED + 4):
        found.add(FIELD_MISSING, number + 1, (1, 5), "", field="centre", what=f"field {number}", words="five digits")
    assert [cause.code for cause in found.gathered(0)] == [*["FIELD_MISSING"] * LISTED, "MORE_OF_THE_SAME"]
    assert found.gathered(0)[-1].message.startswith("4 further findings")


def test_sentences_for_many_candidates_name_none_of_them() -> None:
    together = [code for code in CODES.values() if code.together]
    assert together
    # Several learners under one candidate number: that number is what the sentence is about.
    shared = {"CANDIDATE_NUMBER_SHARED": {"candidate"}}
    for code in together:
        named = {"candidate", "uci", "line"} & set(code.common)
        assert named == shared.get(code.name, set()), code.name
