"""Which sitting counts, what the total is, who gets nothing and why (AWD-4, CRT-2 to CRT-4, ENT-5, ENT-6): worked
examples, and every columnar answer against a slow one in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.feed import read_feed, write_feed
from rules import awarding
from rules.certification import REASONS, WHYS, Certified, certify, sat_from
from rules.conversion import Boundaries, convert, table
from rules.decisions import Outcome, decide
from rules.frames import CLAIMS, EARLIER, ENTERED, FINAL, ISSUED, LATER, MARKS, Frame
from rules.known import Arrival, Known
from tests.catalogue import CATALOGUE
from tests.rules.known import entered, registered
from tests.rules.slow_awarding import Sitting, award
from tests.support import CENTRE, arrival, centre_file, codes

PARTS = awarding.parts(CATALOGUE)
GRADES = ("L2D", "L2M", "L2P", "L1D", "L1M", "L1P")
RAW = (48, 42, 36, 30, 24, 18)
JAN, JUNE, NEXT = "2024-01", "2024-06", "2025-01"
SERIES = ("2023-01", "2023-06", JAN, JUNE, NEXT, "2025-06")
CODES = ("BEN01", "BEN02", "BEN03", "BZA01", "BZA02")
TABLES = [
    convert(Boundaries(series, code, 60, tuple(zip(GRADES, RAW, strict=True)), cap=False), CATALOGUE.scale(code))
    for series in SERIES
    for code in CODES
]
CONVERSION = table(TABLES)
UMS = {(conversion.boundaries.series, conversion.boundaries.component): conversion.ums for conversion in TABLES}
CLAIMED = datetime(2024, 4, 1, 12, tzinfo=UTC)


def frame(rows: Sequence[tuple[Any, ...]], schema: Frame) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema, orient="row")


def sittings(*taken: str, uci: str = "U1", centre: str = "64123") -> pl.DataFrame:
    """Sittings written `BEN01 2024-01 40`: a raw mark, `absent`, or `unmarked`."""
    entered, marks = [], []
    for number, sitting in enumerate(taken, 1):
        code, series, mark = sitting.split()
        entered.append((number, centre, series, "0001", uci, code, "internal"))
        if mark != "unmarked":
            raw, status = (None, "A") if mark == "absent" else (int(mark), "")
            marks.append((100 + number, centre, series, "0001", uci, code, raw, status, 1, "submitted"))
    return awarding.sittings(frame(entered, ENTERED), frame(marks, MARKS), CONVERSION, PARTS)


def claim(
    series: str,
    *taken: str,
    cash_in: str = "BEN99",
    earlier: str = "",
    again: tuple[str, bool, datetime | None] | None = None,
    claimed: datetime = CLAIMED,
) -> Certified:
    """What becomes of a claim of the learner of `sittings`. `again`: a later external: its series, whether it was
    missed, and when its first mark came."""
    later = frame([("U1", "BEN03", *again)] if again else [], LATER)
    return certify(
        series,
        frame([(1, "64123", "0001", "U1", cash_in, claimed, "edi")], CLAIMS),
        sittings(*taken),
        PARTS,
        frame([("U1", "BEN22", earlier)] if earlier else [], EARLIER),
        sat_from(later, CATALOGUE, claimed),
        CATALOGUE.scale("qualification"),
    )


def outcome(certified: Certified) -> tuple[str, str, int | None, str]:
    [row] = certified.awards.select("outcome", "reason", "ums", "grade").rows()
    return row


def why(certified: Certified) -> dict[str, str]:
    """Each sitting considered, and why it counts (`+`) or does not."""
    return {
        f"{row['component']} {row['series']}": f"{'+' * row['counts']}{row['why']}"
        for row in certified.choices.iter_rows(named=True)
    }


# 60 raw marks are 90 UMS (external 120); boundaries lie at 80, 70, ... 30 % of either, so UMS is raw mark x 1.5 (x 2).
COMPLETE = ("BEN01 2024-06 40", "BEN02 2024-06 40", "BEN03 2024-06 40")


def test_crt_3_ums_are_added_and_graded() -> None:
    certified = claim(JUNE, *COMPLETE)
    assert outcome(certified) == ("awarded", "", 60 + 60 + 80, "L2P")
    assert why(certified) == {"BEN01 2024-06": "+ONLY", "BEN02 2024-06": "+ONLY", "BEN03 2024-06": "+FINAL"}


@pytest.mark.parametrize(
    ("external", "ums", "grade"),
    [(45, 210, "L2M"), (44, 208, "L2P"), (60, 240, "L2D"), (59, 238, "L2M"), (0, 120, "L1M")],
)
def test_crt_3_the_grade_changes_at_the_threshold_and_not_before(external: int, ums: int, grade: str) -> None:
    assert outcome(claim(JUNE, *COMPLETE[:2], f"BEN03 2024-06 {external}")) == ("awarded", "", ums, grade)


def test_crt_3_there_is_a_grade_above_a_components_highest() -> None:
    full = ("BEN01 2024-06 60", "BEN02 2024-06 60", "BEN03 2024-06 45")
    assert outcome(claim(JUNE, *full)) == ("awarded", "", 270, "L2D*")


def test_crt_2_a_u_in_every_component_is_a_result() -> None:
    certified = claim(JUNE, "BEN01 2024-06 0", "BEN02 2024-06 5", "BEN03 2024-06 3")
    assert outcome(certified) == ("awarded", "", 0 + 8 + 6, "U")


def test_crt_3_a_u_in_a_component_is_no_hurdle() -> None:
    assert outcome(claim(JUNE, "BEN01 2024-06 0", *COMPLETE[1:])) == ("awarded", "", 140, "L1M")


def test_crt_2_of_internal_sittings_the_best_counts_later_or_earlier() -> None:
    better = claim(JUNE, "BEN01 2024-01 30", "BEN01 2024-06 40", *COMPLETE[1:])
    assert why(better)["BEN01 2024-06"] == "+BEST"
    assert why(better)["BEN01 2024-01"] == "LOWER"
    worse = claim(JUNE, "BEN01 2024-01 40", "BEN01 2024-06 30", *COMPLETE[1:])
    assert why(worse)["BEN01 2024-01"] == "+BEST"
    assert outcome(worse) == outcome(better) == ("awarded", "", 200, "L2P")


def test_crt_2_of_equal_internal_sittings_the_earliest_counts() -> None:
    assert why(claim(JUNE, "BEN01 2024-01 40", *COMPLETE)) == {
        "BEN01 2024-01": "+EARLIEST", "BEN01 2024-06": "EQUAL", "BEN02 2024-06": "+ONLY", "BEN03 2024-06": "+FINAL",
    }  # fmt: skip


def test_crt_2_of_external_sittings_the_final_counts_even_if_lower() -> None:
    certified = claim(JUNE, "BEN01 2024-01 40", "BEN02 2024-01 40", "BEN03 2024-01 50", "BEN03 2024-06 20")
    assert outcome(certified) == ("awarded", "", 160, "L1D")
    assert why(certified)["BEN03 2024-01"] == "BEFORE_FINAL"
    assert why(certified)["BEN03 2024-06"] == "+FINAL"


def test_crt_2_the_external_has_to_be_of_the_series_claimed_in() -> None:
    taken = ("BEN01 2024-01 40", "BEN02 2024-01 40", "BEN03 2024-01 50")
    assert outcome(claim(JUNE, *taken)) == ("not_eligible", "NO_EXTERNAL", None, "")
    assert outcome(claim(JAN, *taken))[0] == "awarded"


def test_crt_2_a_component_never_taken_is_named() -> None:
    certified = claim(JUNE, COMPLETE[0], COMPLETE[2])
    assert outcome(certified)[:2] == ("not_eligible", "COMPONENT_MISSING")
    assert certified.awards["about"].to_list() == ["BEN02"]
    assert why(certified)["BEN03 2024-06"] == "PRACTICE"


def test_crt_2_what_comes_after_the_series_is_not_looked_at() -> None:
    taken = ("BEN01 2024-01 40", "BEN02 2024-01 40", "BEN03 2024-01 20", "BEN03 2024-06 60", "BEN01 2024-06 60")
    assert outcome(claim(JAN, *taken)) == ("awarded", "", 160, "L1D")


def test_crt_4_january_and_may_both_claimed_the_first_is_for_performance_tables() -> None:
    january = ("BEN01 2024-01 40", "BEN02 2024-01 40", "BEN03 2024-01 40")
    first = claim(JAN, *january)
    assert (outcome(first)[2], first.awards["performance"].to_list()) == (200, [True])
    second = claim(JUNE, *january, "BEN03 2024-06 60", earlier=JAN)
    assert (outcome(second)[2], second.awards["performance"].to_list()) == (240, [False])


JANUARY = ("BEN01 2024-01 40", "BEN02 2024-01 40", "BEN03 2024-01 40")


def test_crt_4_from_the_day_of_the_resits_examination_the_earlier_sitting_cannot_be_chosen() -> None:
    examined = datetime(2024, 5, 7, 23, tzinfo=UTC)  # 8 May 2024 in London, the day of the written examination
    marked = examined + timedelta(days=40)
    for mark in (None, marked):
        late = claim(JAN, *JANUARY, again=(JUNE, False, mark), claimed=examined)
        assert outcome(late)[:2] == ("not_eligible", "SAT_AGAIN")
        before = claim(JAN, *JANUARY, again=(JUNE, False, mark), claimed=examined - timedelta(microseconds=1))
        assert outcome(before)[0] == "awarded"


def test_crt_4_without_a_day_in_the_calendar_the_first_mark_decides() -> None:
    for mark, answer in (
        (CLAIMED, "not_eligible"),
        (CLAIMED + timedelta(microseconds=1), "awarded"),
        (None, "awarded"),
    ):
        assert outcome(claim(JAN, *JANUARY, again=(NEXT, False, mark)))[0] == answer


def test_crt_4_an_absence_from_the_resit_is_no_sitting_whenever_the_claim_was_made() -> None:
    for claimed in (CLAIMED, datetime(2024, 5, 20, tzinfo=UTC), datetime(2024, 9, 1, tzinfo=UTC)):
        assert outcome(claim(JAN, *JANUARY, again=(JUNE, True, None), claimed=claimed))[0] == "awarded"


def test_crt_2_an_absence_from_the_resit_neither_replaces_nor_blocks_the_earlier_external() -> None:
    certified = claim(JUNE, *JANUARY, "BEN03 2024-06 absent")
    assert outcome(certified) == ("not_eligible", "EXTERNAL_ABSENT", None, "")
    assert certified.awards["about"].to_list() == ["BEN03"]
    assert (why(certified)["BEN03 2024-01"], why(certified)["BEN03 2024-06"]) == ("STANDS", "ABSENT")
    # The last one attended stands, and a later resit that is attended is the final one.
    twice = claim(NEXT, *JANUARY, "BEN03 2024-06 30", "BEN03 2025-01 absent")
    assert (why(twice)["BEN03 2024-01"], why(twice)["BEN03 2024-06"]) == ("BEFORE_FINAL", "STANDS")
    assert outcome(claim(NEXT, *JANUARY, "BEN03 2024-06 absent", "BEN03 2025-01 30"))[2] == 180


def test_crt_2_absent_from_the_only_external_is_nothing_for_it_and_a_practice_sitting_does_not_stand() -> None:
    alone = claim(JUNE, *COMPLETE[:2], "BEN03 2024-06 absent")
    assert outcome(alone) == ("awarded", "", 120, "L1M")
    practice = claim(JUNE, "BEN01 2024-01 40", "BEN03 2024-01 50", "BEN02 2024-06 40", "BEN03 2024-06 absent")
    assert outcome(practice) == ("awarded", "", 120, "L1M")
    missed_before = claim(JUNE, *JANUARY[:2], "BEN03 2024-01 absent", "BEN03 2024-06 absent")
    assert outcome(missed_before) == ("awarded", "", 120, "L1M")


def test_crt_2_a_retake_that_was_missed_or_never_marked_leaves_the_first_sitting() -> None:
    for mark, said in (("absent", "ABSENT"), ("unmarked", "NO_MARK")):
        certified = claim(JUNE, *JANUARY, f"BEN01 2024-06 {mark}", "BEN03 2024-06 40")
        assert outcome(certified) == ("awarded", "", 200, "L2P")
        assert why(certified)["BEN01 2024-06"] == said


def test_ent_5_an_external_that_was_missed_does_not_carry_a_retake() -> None:
    certified = claim(NEXT, *JANUARY, "BEN01 2024-06 60", "BEN03 2024-06 absent", "BEN03 2025-01 40")
    assert why(certified)["BEN01 2024-06"] == "AFTER_TERMINAL"


RETAKE = ("BEN01 2024-01 20", "BEN02 2024-01 40", "BEN03 2024-01 40", "BEN01 2024-06 60")


def test_ent_5_a_retake_after_the_terminal_external_counts_with_the_external_in_its_series() -> None:
    certified = claim(JUNE, *RETAKE, "BEN03 2024-06 40")
    assert why(certified)["BEN01 2024-06"] == "+BEST"


def test_ent_5_a_retake_after_the_terminal_external_without_it_is_passed_over() -> None:
    certified = claim(NEXT, *RETAKE, "BEN03 2025-01 40")
    assert why(certified)["BEN01 2024-06"] == "AFTER_TERMINAL"
    assert outcome(certified) == ("awarded", "", 30 + 60 + 80, "L1D")


def test_ent_5_where_every_sitting_of_a_component_is_too_late_there_is_no_award() -> None:
    # Absent from it until the terminal external had been sat, which a sitting missed does not make complete.
    taken = ("BEN01 2024-01 absent", "BEN02 2024-01 40", "BEN03 2024-01 40", "BEN01 2024-06 60", "BEN03 2025-01 40")
    assert outcome(claim(NEXT, *taken))[0] == "awarded"


def test_ent_6_a_practice_sitting_never_counts_and_completion_does() -> None:
    practice = ("BEN01 2024-01 40", "BEN03 2024-01 60")
    assert outcome(claim(JAN, *practice))[:2] == ("not_eligible", "COMPONENT_MISSING")
    completed = claim(JUNE, *practice, "BEN02 2024-06 40", "BEN03 2024-06 30")
    assert outcome(completed) == ("awarded", "", 180, "L2P")
    assert why(completed)["BEN03 2024-01"] == "PRACTICE"


def test_awd_4_absent_from_one_component_is_nothing_for_it_and_flagged() -> None:
    certified = claim(JUNE, "BEN01 2024-06 absent", *COMPLETE[1:])
    assert outcome(certified) == ("awarded", "", 140, "L1M")
    assert certified.awards["partial_absence"].to_list() == [True]
    assert claim(JUNE, *COMPLETE).awards["partial_absence"].to_list() == [False]


def test_awd_4_work_handed_in_for_nothing_comes_before_an_absence() -> None:
    certified = claim(JUNE, "BEN01 2024-01 absent", "BEN01 2024-06 0", *COMPLETE[1:])
    assert (why(certified)["BEN01 2024-01"], why(certified)["BEN01 2024-06"]) == ("ABSENT", "+BEST")
    assert certified.awards["partial_absence"].to_list() == [False]
    twice = claim(JUNE, "BEN01 2024-01 absent", "BEN01 2024-06 absent", *COMPLETE[1:])
    assert (why(twice)["BEN01 2024-01"], why(twice)["BEN01 2024-06"]) == ("+EARLIEST", "EQUAL")
    assert twice.awards["partial_absence"].to_list() == [True]


def test_res_4_absent_from_everything_is_no_result() -> None:
    taken = [f"{code} 2024-06 absent" for code in ("BEN01", "BEN02", "BEN03")]
    assert outcome(claim(JUNE, *taken)) == ("not_eligible", "ABSENT", None, "")


def test_awd_4_a_mark_that_is_missing_leaves_the_award_pending_and_is_named() -> None:
    certified = claim(JUNE, "BEN01 2024-06 unmarked", *COMPLETE[1:])
    assert outcome(certified)[:2] == ("pending", "MARK_PENDING")
    assert certified.awards["about"].to_list() == ["BEN01"]
    assert outcome(claim(JUNE, *COMPLETE[:2], "BEN03 2024-06 unmarked"))[:2] == ("pending", "MARK_PENDING")
    # What another sitting secures is not held up by a mark that has not come (CRT-2).
    assert outcome(claim(JUNE, "BEN01 2024-01 40", "BEN01 2024-06 unmarked", *COMPLETE[1:]))[0] == "awarded"
    assert outcome(claim(JUNE, "BEN01 2024-01 unmarked", *COMPLETE))[0] == "awarded"


def test_cal_5_art_and_design_is_awarded_on_its_two_components() -> None:
    certified = claim(JUNE, "BZA01 2024-06 40", "BZA02 2024-06 40", cash_in="BZA99")
    assert outcome(certified) == ("awarded", "", 120 + 80, "L2P")
    assert outcome(claim(JUNE, "BZA01 2024-06 40", cash_in="BZA99"))[1] == "NO_EXTERNAL"


def test_awd_4_results_of_sittings() -> None:
    found = sittings("BEN01 2024-06 48", "BEN02 2024-06 absent", "BEN03 2024-06 unmarked")
    assert found.select("component", "raw", "ums", "grade", "outcome").rows() == [
        ("BEN01", 48, 72, "L2D", "graded"), ("BEN02", None, 0, "", "absent"), ("BEN03", None, None, "", "pending"),
    ]  # fmt: skip
    marks = frame([(1, "64123", "2022-06", "0001", "U1", "BEN01", 40, "", 1, "submitted")], MARKS)
    assert awarding.without_table(marks, CONVERSION) == [("2022-06", "BEN01")]


taken_once = st.tuples(
    st.sampled_from(CODES[:3]),
    st.sampled_from(SERIES),
    st.integers(0, 60).map(str) | st.sampled_from(["absent", "unmarked"]),
)


@given(
    st.lists(st.lists(taken_once, max_size=9, unique_by=lambda sitting: sitting[:2]), min_size=1, max_size=12),
    st.sampled_from(SERIES),
)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_crt_2_crt_3_every_claim_is_awarded_as_the_slow_awarding_awards_it(
    learners: list[list[tuple[str, str, str]]], series: str
) -> None:
    """Many learners at once, in columns, against one at a time in plain Python."""
    taken = [sittings(*(" ".join(learner) for learner in its), uci=f"U{n}") for n, its in enumerate(learners)]
    claims = frame(
        [(n, "64123", f"{n + 1:04d}", f"U{n}", "BEN99", CLAIMED, "edi") for n in range(len(learners))], CLAIMS
    )
    certified = certify(
        series,
        claims,
        pl.concat(taken),
        PARTS,
        frame([], EARLIER),
        sat_from(frame([], LATER), CATALOGUE, CLAIMED),
        CATALOGUE.scale("qualification"),
    )
    assert certified.awards.height == len(learners)
    assert set(certified.awards["reason"]) <= {"", *REASONS}
    assert set(certified.choices["why"]) <= set(WHYS)
    for number, its in enumerate(learners):
        expected = award(
            series, ["BEN01", "BEN02"], "BEN03",
            [
                Sitting(code, when, UMS[when, code][int(mark)] if mark.isdigit() else {"absent": 0}.get(mark),
                        absent=mark == "absent")
                for code, when, mark in its
            ],
        )  # fmt: skip
        [got] = certified.awards.filter(pl.col("uci") == f"U{number}").iter_rows(named=True)
        assert (got["outcome"], got["reason"], got["ums"], got["grade"], got["partial_absence"]) == (
            expected.outcome, expected.reason, expected.ums, expected.grade, expected.partly_absent,
        ), its  # fmt: skip
        if expected.outcome == "awarded":
            chosen = certified.choices.filter((pl.col("uci") == f"U{number}") & pl.col("counts"))
            assert tuple(sorted(chosen.select("component", "series").iter_rows())) == expected.used


# --- Claims that cannot be taken back --------------------------------------------------------------------------------


def held_claim(issued: bool) -> Known:
    """Candidate 0001 holds every option of Enterprise; the claim has become a result, or not yet."""
    [decision] = decide([arrival(centre_file(count=1))], CATALOGUE, registered())
    known = entered(decision, registered())
    uci = decision.added["uci"][0]
    rows = [(CENTRE, "2024-06", uci, "BEN99")] if issued else []
    return evolve(known, issued=frame(rows, ISSUED))


@pytest.mark.parametrize("issued", [True, False])
def test_crt_5_a_claim_that_has_become_a_result_is_not_withdrawn_by_leaving_it_out(issued: bool) -> None:
    amended = arrival(centre_file(("BEN01", "BEN02", "BEN03"), letter="A", sequence=2, count=1))
    [decision] = decide([amended], CATALOGUE, held_claim(issued))
    assert decision.ended["option"].to_list() == ([] if issued else ["BEN99"])
    assert ("CLAIM_AWARDED" in codes(decision.findings)) is issued


@pytest.mark.parametrize("out", [True, False])
def test_reg_9_an_entry_whose_result_is_out_is_not_withdrawn_by_leaving_it_out(out: bool) -> None:
    known = held_claim(issued=False)
    rows = [(CENTRE, "2024-06", known.entries["uci"][0], "BEN01", out)]
    amended = arrival(centre_file(("BEN02", "BEN03", "BEN99"), letter="A", sequence=2, count=1))
    [decision] = decide([amended], CATALOGUE, evolve(known, final=frame(rows, FINAL)))
    # What is approved and not out yet can still be withdrawn, and says nothing of a result (RES-2).
    assert decision.ended["option"].to_list() == ([] if out else ["BEN01"])
    assert ("RESULT_OUT" in codes(decision.findings)) is out


@pytest.mark.parametrize("issued", [True, False])
def test_crt_5_staff_cannot_withdraw_it_either(issued: bool) -> None:
    known = held_claim(issued)
    uci = known.entries["uci"][0]
    feed = write_feed([
        {"action": "withdraw", "series": "6B24", "awarding_body": "15", "centre": CENTRE, "candidate": "0001",
         "uci": uci, "option": "BEN99", "who": "J. Clerk", "why": "asked to"}
    ])  # fmt: skip
    sent = Arrival(
        submission=read_feed("staff.csv", feed), centre=CENTRE, received=CLAIMED, sha256="2", channel="staff"
    )
    [decision] = decide([sent], CATALOGUE, known)
    assert decision.outcome is (Outcome.REFUSED if issued else Outcome.ACCEPTED)
    assert decision.ended.height == (not issued)
