"""What a correction can be, and which way a result goes by it (RES-7)."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from rules import terms
from rules.corrections import KINDS, consent_missing, outcome, way

RESULTS_DAY = date(2024, 8, 21)


@pytest.mark.parametrize(
    ("kind", "consent", "said"),
    [
        ("review_of_marking", None, "needs the learner's consent"),
        ("clerical_recheck", date(2024, 8, 20), "before the results came out"),
        ("clerical_recheck", date(2024, 8, 21), ""),
        ("error_of_the_board", None, ""),
    ],
)
def test_res_7_consent_is_given_on_results_day_or_later_where_the_kind_needs_it(
    kind: str, consent: date | None, said: str
) -> None:
    missing = consent_missing(KINDS[kind], consent, RESULTS_DAY)
    assert said in missing
    assert bool(missing) is bool(said)


def test_res_7_a_result_goes_up_down_or_stays_by_its_ums_and_none_is_less_than_nothing() -> None:
    ums = pl.DataFrame({"ums_before": [80, 80, 80, None, 0], "ums": [81, 79, 80, 0, None]})
    frame = ums.with_columns(outcome=pl.lit(terms.GRADED))
    ways = [terms.UP, terms.DOWN, terms.SAME, terms.UP, terms.DOWN]
    assert frame.select(way()).to_series().to_list() == ways
    withheld = frame.with_columns(outcome=pl.lit(terms.PENDING)).select(way()).to_series()
    assert withheld.to_list() == [terms.WITHHELD] * 5


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], terms.CONFIRMED),
        ([(terms.UP, terms.GRADED, terms.CORRECTED)], terms.RAISED),
        ([(terms.DOWN, terms.GRADED, terms.LEFT_HIGHER)], terms.CONFIRMED),
        ([(terms.UP, terms.GRADED, terms.CORRECTED), (terms.DOWN, terms.GRADED, terms.CORRECTED)], "raised, lowered"),
        ([(terms.DOWN, terms.VOIDED, terms.CORRECTED)], terms.VOIDED),
        ([(terms.WITHHELD, terms.PENDING, terms.CORRECTED)], terms.WITHHELD),
    ],
)
def test_res_7_what_comes_of_a_case(rows: list[tuple[str, str, str]], said: str) -> None:
    assert (
        outcome(pl.DataFrame(rows, schema=dict.fromkeys(("way", "outcome", "choice"), pl.String), orient="row")) == said
    )
