"""What a withholding is about (RES-8): a learner, a component, a cohort, a centre, and nobody else."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from rules import terms
from rules.frames import HOLDS
from rules.withholding import standing

ROWS = pl.DataFrame(
    [("2024-06", "64123", "A", "BEN01"), ("2024-06", "64123", "A", "BEN02"), ("2024-06", "64123", "B", "BEN01"),
     ("2024-06", "58201", "C", "BEN01"), ("2024-01", "64123", "A", "BEN01")],
    schema=["series", "centre", "uci", "option"], orient="row",
)  # fmt: skip


def held(*scopes: tuple[str, str, str, str, str]) -> pl.DataFrame:
    rows: list[dict[str, Any]] = [
        dict(zip(("series", "centre", "uci", "option", "state"), scope, strict=True)) for scope in scopes
    ]
    return pl.DataFrame([row | {"id": 1, "at": None, "who": "", "why": ""} for row in rows], schema=dict(HOLDS))


@pytest.mark.parametrize(
    ("scope", "rows"),
    [
        (("64123", "", ""), [0, 1, 2]),
        (("64123", "", "BEN01"), [0, 2]),
        (("", "", "BEN01"), [0, 2, 3]),
        (("64123", "A", ""), [0, 1]),
        (("64123", "A", "BEN02"), [1]),
        (("", "C", "BEN02"), []),
        (("58201", "A", ""), [0, 1]),  # a learner who has moved to another centre
    ],
)
def test_res_8_a_withholding_is_about_its_scope_and_nothing_else(scope: tuple[str, str, str], rows: list[int]) -> None:
    said = standing(ROWS, held(("2024-06", *scope, terms.WITHHELD)))
    assert [row for row, word in enumerate(said) if word == terms.WITHHELD] == rows


def test_res_8_what_is_withheld_twice_is_released_twice_and_withheld_comes_before_voided() -> None:
    learner, centre = ("2024-06", "64123", "A", ""), ("2024-06", "64123", "", "")
    said = standing(ROWS, held((*learner, terms.HOLD_RELEASED), (*centre, terms.WITHHELD)))
    assert said.to_list() == [terms.WITHHELD] * 3 + [None] * 2
    said = standing(ROWS, held((*learner, terms.WITHHELD), (*centre, terms.HOLD_VOIDED)))
    assert said.to_list() == [terms.WITHHELD] * 2 + [terms.HOLD_VOIDED] + [None] * 2


def test_res_7_res_8_what_was_voided_for_a_cohort_is_given_back_to_one_learner_and_may_be_voided_again() -> None:
    void, back = ("2024-06", "64123", "", "BEN01", terms.HOLD_VOIDED), ("2024-06", "64123", "A", "BEN01")
    said = held(void, (*back, terms.HOLD_GIVEN_BACK), (*back, terms.HOLD_VOIDED))
    words = said.with_columns(pl.Series("id", [1, 2, 3]))
    assert standing(ROWS, words.head(1)).to_list() == [terms.HOLD_VOIDED, None, terms.HOLD_VOIDED, None, None]
    assert standing(ROWS, words.head(2)).to_list() == [None, None, terms.HOLD_VOIDED, None, None]
    assert standing(ROWS, words).to_list() == [terms.HOLD_VOIDED, None, terms.HOLD_VOIDED, None, None]
    assert standing(ROWS, words.head(1).vstack(words[1:2].with_columns(pl.lit(None, pl.Int64).alias("id"))))[0] is None
