"""Component results (AWD-2, AWD-4), and that what centres are warned of at entry and refused at award is one and the
same (CRT-2, ENT-5, ENT-6)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import awarding, frames
from rules.certification import Certified, certify, sat_from
from rules.checkpoints import without_result
from rules.conversion import CONVERSION
from rules.entries import after_terminal, practice_sittings
from rules.frames import CLAIMS, EARLIER, LATER, Frame
from tests.catalogue import CATALOGUE

PARTS = awarding.parts(CATALOGUE)
SERIES = ("2023-01", "2023-06", "2024-01", "2024-06", "2025-01")
CENTRE, NUMBER, UCI = "64123", "0001", "U1"
ENTERPRISE, ART = ("BEN01", "BEN02", "BEN03"), ("BZA01", "BZA02")
# A table in which a raw mark is as many UMS, with one boundary.
TABLES = pl.DataFrame(
    [(s, c, raw, raw, "L2D" if raw >= 50 else "U") for s in SERIES for c in (*ENTERPRISE, *ART) for raw in range(61)],
    schema=CONVERSION,
    orient="row",
)
ABSENT, UNMARKED = "absent", "unmarked"
Taken = tuple[str, str, str]
"""Component, series, and a raw mark or why there is none."""


def frame(rows: Sequence[Any], schema: Frame) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def ledger(taken: Sequence[Taken], uci: str = UCI, centre: str = CENTRE) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Entries and marks of one learner."""
    entered = [
        (n, centre, series, NUMBER, uci, component, "external" if component in ("BEN03", "BZA02") else "internal")
        for n, (component, series, _) in enumerate(taken)
    ]
    marks = [
        (
            n,
            centre,
            series,
            NUMBER,
            uci,
            component,
            *((None, "A") if said == ABSENT else (int(said), "")),
            1,
            "external",
        )
        for n, (component, series, said) in enumerate(taken)
        if said != UNMARKED
    ]
    return frame(entered, frames.ENTERED), frame(marks, frames.MARKS)


def results(*taken: Taken, conversion: pl.DataFrame = TABLES) -> list[tuple[Any, ...]]:
    found = awarding.sittings(*ledger(taken), conversion, PARTS)
    assert dict(found.schema) == awarding.SITTINGS
    return found.select("component", "series", "raw", "status", "ums", "grade", "outcome").rows()


def test_awd_2_a_mark_becomes_uniform_marks_and_grade_by_the_table_of_its_own_series() -> None:
    moved = TABLES.with_columns(ums=pl.when(pl.col("series") == "2024-06").then(pl.col("ums") + 7).otherwise("ums"))
    assert results(("BEN01", "2024-01", "50"), ("BEN01", "2024-06", "49"), conversion=moved) == [
        ("BEN01", "2024-01", 50, "", 50, "L2D", "graded"),
        ("BEN01", "2024-06", 49, "", 56, "U", "graded"),
    ]


def test_awd_4_absent_is_nothing_and_flagged_and_a_missing_mark_is_pending() -> None:
    assert results(("BEN01", "2024-06", ABSENT), ("BEN02", "2024-06", UNMARKED)) == [
        ("BEN01", "2024-06", None, "A", 0, "", "absent"),
        ("BEN02", "2024-06", None, "", None, "", "pending"),
    ]


def test_awd_4_a_mark_not_yet_available_is_pending_and_nought_is_a_result() -> None:
    entered, marks = ledger([("BEN01", "2024-06", "1"), ("BEN02", "2024-06", "0")])
    held_back = pl.col("component") == "BEN01"
    marks = marks.with_columns(
        pl.when(~held_back).then("mark").alias("mark"),
        pl.when(held_back).then(pl.lit("N")).otherwise("status").alias("status"),
    )
    found = awarding.sittings(entered, marks, TABLES, PARTS)
    assert found.select("component", "status", "ums", "grade", "outcome").rows() == [
        ("BEN01", "N", None, "", "pending"),
        ("BEN02", "", 0, "U", "graded"),
    ]


def test_awd_2_without_a_table_there_is_no_result_and_it_is_named() -> None:
    without = TABLES.filter(pl.col("component") != "BEN02")
    assert results(("BEN02", "2024-06", "30"), conversion=without)[0][-1] == "pending"
    _, marks = ledger([("BEN02", "2024-06", "30"), ("BEN01", "2024-06", "30"), ("BEN02", "2024-01", ABSENT)])
    assert awarding.without_table(marks, without) == [("2024-06", "BEN02")]
    assert awarding.without_table(marks, TABLES) == []


def test_awd_2_a_mark_at_another_centre_is_no_mark_of_this_entry() -> None:
    entered, marks = ledger([("BEN01", "2024-06", "40")])
    found = awarding.sittings(entered, marks.with_columns(centre=pl.lit("64124")), TABLES, PARTS)
    assert found["outcome"].to_list() == ["pending"]


def test_cal_5_which_component_is_external_is_the_catalogues_word() -> None:
    external = PARTS.filter("external")
    assert {"BEN03", "BZA02"} <= set(external["component"])
    assert PARTS.filter(pl.col("registration") == "BZA22").select("component", "external", "number").rows() == [
        ("BZA01", False, 1),
        ("BZA02", True, 2),
    ]


# --- Warned at entry, refused at award -------------------------------------------------------------------------------


NEVER_AGAIN = sat_from(frame([], LATER), CATALOGUE, datetime(2024, 1, 5, tzinfo=UTC))


def certified(series: str, taken: Sequence[Taken], cash_in: str) -> Certified:
    claims = frame([(1, CENTRE, NUMBER, UCI, cash_in, datetime(2024, 1, 5, tzinfo=UTC), "edi")], CLAIMS)
    found = awarding.sittings(*ledger(taken), TABLES, PARTS)
    return certify(series, claims, found, PARTS, frame([], EARLIER), NEVER_AGAIN, CATALOGUE.scale("qualification"))


def warned(taken: Sequence[Taken], registration: str) -> Iterator[tuple[str, str, str]]:
    """What the rules of entry say of each series' entries, knowing no later one: component, series, rule."""
    for series_id in sorted({series for _, series, _ in taken}):
        series = CATALOGUE.series_by_id(series_id)
        assert series
        rows = [
            {
                "file": 0, "centre": CENTRE, "candidate": NUMBER, "uci": UCI, "option": component,
                "kind": "external" if component in ("BEN03", "BZA02") else "internal", "registration": registration,
            }
            for component, when, _ in taken
            if when == series_id
        ]  # fmt: skip
        before = frame(
            [
                (CENTRE, when, UCI, component, said == ABSENT, said.isdigit())
                for component, when, said in taken
                if when <= series_id
            ],
            frames.SITTINGS,
        )
        stated = pl.DataFrame(rows)
        practice = practice_sittings(stated, before, series, CATALOGUE).filter(pl.col("missing").is_not_null())
        yield from ((component, series_id, "PRACTICE") for component in practice["option"])
        # That the external will be missed nobody knows at entry; a retake does not count beside one.
        missed = [component for component, when, said in taken if when == series_id and said == ABSENT]
        attending = stated.filter((pl.col("kind") == "internal") | ~pl.col("option").is_in(missed))
        late = after_terminal(attending, before, series, CATALOGUE)
        yield from ((component, series_id, "AFTER_TERMINAL") for component in late["option"])


def histories(codes: Sequence[str]) -> st.SearchStrategy[list[Taken]]:
    said = st.sampled_from(["0", "30", "60", ABSENT, UNMARKED])
    return st.lists(
        st.tuples(st.sampled_from(codes), st.sampled_from(SERIES), said), min_size=1, max_size=10,
        unique_by=lambda sitting: sitting[:2],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("codes", "registration", "cash_in"), [(ENTERPRISE, "BEN22", "BEN99"), (ART, "BZA22", "BZA99")]
)
def test_ent_5_ent_6_what_is_warned_of_at_entry_is_what_does_not_count_at_award(
    codes: Sequence[str], registration: str, cash_in: str
) -> None:
    @given(histories(codes))
    @settings(derandomize=True, deadline=None, max_examples=120)
    def agree(taken: list[Taken]) -> None:
        choices = certified(SERIES[-1], taken, cash_in).choices
        passed_over = choices.filter(pl.col("why").is_in(["PRACTICE", "AFTER_TERMINAL"]))
        assert not passed_over["counts"].any()
        assert set(passed_over.select("component", "series", "why").iter_rows()) == set(warned(taken, registration))

    agree()


@given(histories(ENTERPRISE), st.sampled_from(SERIES))
@settings(derandomize=True, deadline=None, max_examples=120)
def test_crt_2_ops_1_who_is_refused_for_a_component_was_on_the_checkpoints_list(
    taken: list[Taken], series_id: str
) -> None:
    series = CATALOGUE.series_by_id(series_id)
    assert series
    learner = {"centre": pl.String, "candidate": pl.String, "uci": pl.String, "option": pl.String}
    held = [component for component, when, _ in taken if when == series_id]
    listed = without_result(
        frame([(CENTRE, NUMBER, UCI, code) for code in (*held, "BEN99")], learner),
        frame([(CENTRE, NUMBER, UCI, "BEN22")], learner),
        frame(
            [(CENTRE, when, UCI, component, said == ABSENT, said.isdigit()) for component, when, said in taken],
            frames.SITTINGS,
        ),
        frame(
            [], {"centre": pl.String, "uci": pl.String, "component": pl.String, "mark": pl.Int32, "status": pl.String}
        ),
        frame([], {"centre": pl.String, "candidate": pl.String}),
        series,
        CATALOGUE,
    )
    [reason] = certified(series_id, taken, "BEN99").awards["reason"]
    assert ("CLAIM_INCOMPLETE" in listed["code"]) is (reason in ("NO_EXTERNAL", "COMPONENT_MISSING"))


learners = st.lists(histories(ENTERPRISE), min_size=2, max_size=6)


@given(learners, st.integers(0, 1000))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_res_6_the_order_of_the_rows_changes_nothing(of: list[list[Taken]], seed: int) -> None:
    # Odd learners are somebody's second centre, where the same components are taken again.
    books = [ledger(taken, f"U{n // 2}", f"6412{n % 2}") for n, taken in enumerate(of)]
    entered, marks = (pl.concat(frames) for frames in zip(*books, strict=True))
    claims = frame(
        [
            (n, f"6412{n % 2}", NUMBER, f"U{n // 2}", "BEN99", datetime(2024, 1, 5, tzinfo=UTC), "edi")
            for n in range(len(of))
        ],
        CLAIMS,
    )

    def whole(entered: pl.DataFrame, marks: pl.DataFrame, claims: pl.DataFrame) -> Certified:
        found = awarding.sittings(entered, marks, TABLES, PARTS)
        return certify(
            "2024-06", claims, found, PARTS, frame([], EARLIER), NEVER_AGAIN, CATALOGUE.scale("qualification")
        )

    as_read = whole(entered, marks, claims)
    shuffled = whole(*(table.sample(fraction=1, shuffle=True, seed=seed) for table in (entered, marks, claims)))
    assert as_read.awards.equals(shuffled.awards)
    assert as_read.choices.equals(shuffled.choices)
