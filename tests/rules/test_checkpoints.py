"""Who would get no result, and why (OPS-1); who is silent (OPS-2)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.catalogue import Series
from rules.checkpoints import REASONS, WITHOUT, season_before, silent, without_result
from rules.frames import SITTINGS
from tests.catalogue import CATALOGUE

CENTRE, NUMBER, UCI = "64123", "0001", "641230230001A"
ALL = ("BEN01", "BEN02", "BEN03", "BEN99")
LEARNER = {"centre": pl.String, "candidate": pl.String, "uci": pl.String, "option": pl.String}
MARKED = {"centre": pl.String, "uci": pl.String, "component": pl.String, "mark": pl.Int32, "status": pl.String}
Row = tuple[str, str]


def series(series_id: str) -> Series:
    found = CATALOGUE.series_by_id(series_id)
    assert found
    return found


def judge(
    entered: Sequence[str],
    before: Sequence[Row] = (),
    *,
    marks: Sequence[tuple[str, int | None, str]] | None = None,
    refused: Sequence[str] = (),
    registered: str = "BEN22",
    when: str = "2024-06",
) -> list[Row]:
    """Codes and options for one registered learner; `before`: components sat, with their series. Unless `marks` says
    otherwise, every component has one."""
    given = [(code, 40, "") for code in entered] if marks is None else marks
    found = without_result(
        pl.DataFrame([(CENTRE, NUMBER, UCI, code) for code in entered], LEARNER, orient="row"),
        pl.DataFrame([(CENTRE, NUMBER, UCI, registered)], LEARNER, orient="row"),
        pl.DataFrame([(CENTRE, sat, UCI, code, False, True) for code, sat in before], SITTINGS, orient="row"),
        pl.DataFrame([(CENTRE, UCI, *row) for row in given], MARKED, orient="row"),
        pl.DataFrame(
            [(CENTRE, candidate) for candidate in refused], {"centre": pl.String, "candidate": pl.String}, orient="row"
        ),
        series(when),
        CATALOGUE,
    )
    assert dict(found.schema) == WITHOUT
    assert all(REASONS[row["code"]].words == row["words"] for row in found.iter_rows(named=True))
    return found.select("code", "option").rows()


def test_ops_1_a_learner_with_everything_gets_a_result() -> None:
    assert judge(ALL) == []
    assert judge(("BEN03", "BEN99"), [("BEN01", "2023-06"), ("BEN02", "2024-01")]) == []


def test_ops_1_components_on_the_way_to_a_later_series_are_no_reason() -> None:
    assert judge(("BEN01",)) == []
    assert judge(()) == []


def test_ops_1_a_claim_without_the_external_misses_both() -> None:
    assert judge(("BEN01", "BEN02", "BEN99")) == [("NO_EXTERNAL", "BEN03"), ("CLAIM_INCOMPLETE", "BEN99")]


def test_ops_1_the_external_of_an_earlier_series_does_not_complete_a_claim() -> None:
    before = [("BEN01", "2023-06"), ("BEN02", "2023-06"), ("BEN03", "2024-01")]
    assert judge(("BEN99",), before) == [("NO_EXTERNAL", "BEN03"), ("CLAIM_INCOMPLETE", "BEN99")]


def test_ops_1_all_internals_taken_the_external_is_missed() -> None:
    assert judge(("BEN01",), [("BEN02", "2024-01")]) == [("NO_EXTERNAL", "BEN03")]
    assert judge((), [("BEN01", "2023-06"), ("BEN02", "2024-01")]) == [("NO_EXTERNAL", "BEN03")]


def test_ops_1_an_external_sat_once_the_internals_were_complete_is_not_missed_again() -> None:
    internals = [("BEN01", "2023-06"), ("BEN02", "2024-01")]
    assert judge((), [*internals, ("BEN03", "2024-01")]) == []
    assert judge((), [*internals, ("BEN03", "2023-06")]) == [("NO_EXTERNAL", "BEN03")]


def test_ops_1_an_external_that_is_not_offered_is_not_missed_but_by_a_claim() -> None:
    internals = [("BZC01", "2023-01"), ("BZC02", "2023-06")]
    assert judge((), internals, registered="BZC22", when="2024-01") == []
    assert judge((), internals, registered="BZC22") == [("NO_EXTERNAL", "BZC03")]
    assert ("NO_EXTERNAL", "BZC03") in judge(("BZC99",), internals, registered="BZC22", when="2024-01")


def test_ops_1_an_internal_never_taken_makes_a_practice_sitting() -> None:
    assert judge(("BEN01", "BEN03")) == [("INTERNAL_NEVER_TAKEN", "BEN02"), ("PRACTICE", "BEN03")]
    assert judge(("BEN03", "BEN99"), [("BEN02", "2024-01")]) == [
        ("INTERNAL_NEVER_TAKEN", "BEN01"), ("PRACTICE", "BEN03"), ("CLAIM_INCOMPLETE", "BEN99"),
    ]  # fmt: skip


def test_ops_1_the_terminal_rule_is_told_instead_of_a_missing_external() -> None:
    before = [("BEN01", "2023-06"), ("BEN02", "2023-06"), ("BEN03", "2024-01")]
    assert judge(("BEN01",), before) == [("TERMINAL", "BEN01")]
    assert judge(("BEN01", "BEN03", "BEN99"), before) == []


def test_ops_1_complete_without_a_claim() -> None:
    assert judge(ALL[:3]) == [("NO_CASH_IN", "BEN99")]


@pytest.mark.parametrize(
    ("mark", "status", "missing"), [(0, "", False), (40, "", False), (None, "A", False), (None, "N", True)]
)
def test_ops_1_a_mark_or_an_absence_is_there_a_mark_not_yet_available_is_not(
    mark: int | None, status: str, missing: bool
) -> None:
    found = judge(ALL, marks=[("BEN01", mark, status), ("BEN02", 1, ""), ("BEN03", 1, "")])
    assert found == ([("MISSING_MARK", "BEN01")] if missing else [])


def test_ops_1_every_component_entered_needs_a_mark_the_external_the_boards() -> None:
    missing = [("MISSING_MARK", "BEN01"), ("MISSING_MARK", "BEN02"), ("BOARD_MARK", "BEN03")]
    assert judge(ALL, marks=[]) == missing
    assert judge(ALL, marks=[("BEN03", None, "A")]) == missing[:2]


def test_ops_1_refused_for_the_name_until_entered() -> None:
    assert judge((), refused=[NUMBER]) == [("NAME_REFUSED", "")]
    assert judge(ALL, refused=[NUMBER]) == []
    assert judge(ALL, refused=["0002"]) == [("NAME_REFUSED", "")]


@settings(derandomize=True, deadline=None)
@given(
    st.sets(st.sampled_from(ALL)),
    st.sets(st.tuples(st.sampled_from(ALL[:3]), st.sampled_from(["2023-06", "2024-01"]))),
)
def test_ops_1_a_claim_that_is_not_on_the_list_has_every_component(entered: set[str], before: set[Row]) -> None:
    """CRT-2: internals up to the series, the external in it."""
    held = sorted(entered | {"BEN99"})
    told = {code for code, _ in judge(held, sorted(before))}
    internals = {"BEN01", "BEN02"} <= set(held) | {code for code, _ in before}
    assert ("CLAIM_INCOMPLETE" in told) == (not internals or "BEN03" not in held)
    assert "NO_CASH_IN" not in told


def test_ops_2_silent_is_who_sent_a_year_ago_and_not_now() -> None:
    def centres(*numbers: str) -> pl.DataFrame:
        return pl.DataFrame({"centre": list(numbers)}, schema={"centre": pl.String})

    assert silent(centres("3", "1", "2", "1"), centres("2", "4")).to_series().to_list() == ["1", "3"]
    assert silent(centres(), centres("1")).is_empty()


def test_ops_2_the_season_before_is_a_year_before() -> None:
    assert season_before(series("2024-06"), CATALOGUE) == series("2023-06")
    assert season_before(series("2024-01"), CATALOGUE) == series("2023-01")
    first = CATALOGUE.all_series()[0]
    assert season_before(first, CATALOGUE) is None
