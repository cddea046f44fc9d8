"""How often and in which order components are taken (ENT-3 to ENT-6), who may take them (REG-1), what is extended
(CAL-3) and who pays no late fee (FEE-2). Pure: what is known is built by hand."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest
from attrs import evolve

from rules.decisions import Decision, Outcome, decide
from rules.frames import ALLOWANCES, SAT, SITTINGS
from rules.known import Known
from tests.catalogue import CATALOGUE
from tests.rules.known import nothing_held, registered
from tests.support import CENTRE, arrival, centre_file, codes, only

LEARNER = "641230220001D"
INTERNAL = ("BEN01", "BEN02")


def london(text: str) -> datetime:
    return datetime.fromisoformat(text)


def sat(*sittings: tuple[str, str], absent: bool = False, marked: bool = True, known: Known | None = None) -> Known:
    """A ledger in which the first learner sat these components: option and series."""
    rows = [(CENTRE, series, LEARNER, option, absent, marked) for option, series in sittings]
    held = known or registered()
    more = pl.DataFrame(rows, schema=SITTINGS, orient="row")
    return evolve(held, sittings=pl.concat([held.sittings, more]))


def enter(*options: str, known: Known, received: str = "2024-02-15T12:00:00+00:00") -> Decision:
    data = centre_file(options, count=1)
    [decision] = decide([arrival(data, london(received))], CATALOGUE, known)
    return decision


@pytest.mark.parametrize(
    ("series", "refused"), [(["2023-06"], False), (["2023-06", "2024-01"], True), (["2024-06"], False)]
)
def test_ent_3_an_internal_component_is_retaken_once(series: list[str], refused: bool) -> None:
    decision = enter("BEN01", known=sat(*(("BEN01", taken) for taken in series)))
    assert ("RETAKE_LIMIT" in codes(decision.findings)) is refused
    assert decision.added.is_empty() is refused


def test_ent_3_the_finding_names_the_sittings() -> None:
    found = only(enter("BEN01", known=sat(("BEN01", "2023-06"), ("BEN01", "2024-01"))).findings, "RETAKE_LIMIT")
    assert "already been taken 2 times: in May/June 2023, December/January 2023/24" in found.message
    assert (found.line, found.columns, found.option) == (3, (109, 114), "BEN01")


def test_ent_4_any_two_sittings_use_up_the_external() -> None:
    known = sat(("BEN03", "2024-01"), ("BEN03", "2023-06"), ("BEN01", "2023-01"), ("BEN02", "2023-01"))
    decision = enter("BEN03", known=known)
    assert only(decision.findings, "RESIT_LIMIT").option == "BEN03"
    assert decision.outcome is Outcome.REFUSED


def test_ent_4_a_sitting_the_learner_was_absent_from_does_not_count() -> None:
    known = sat(("BEN03", "2024-01"), known=sat(("BEN03", "2023-06"), absent=True))
    assert "RESIT_LIMIT" not in codes(enter("BEN03", known=known).findings)


def test_ent_4_a_retake_for_which_no_work_was_ever_marked_uses_up_no_retake() -> None:
    for option, code in (("BEN01", "RETAKE_LIMIT"), ("BEN03", "RESIT_LIMIT")):
        known = sat((option, "2024-01"), marked=False, known=sat((option, "2023-06")))
        # Results day of December/January 2023/24 is 21 March 2024: until then a mark can still come.
        for received, refused in (("2024-03-20T23:59:59+00:00", True), ("2024-03-21T00:01:00+00:00", False)):
            assert (code in codes(enter(option, known=known, received=received).findings)) is refused


def test_ent_4_staff_can_grant_more() -> None:
    known = sat(("BEN03", "2024-01"), ("BEN03", "2023-06"))
    granted = pl.DataFrame([(LEARNER, "BEN03", 1)], schema=ALLOWANCES, orient="row")
    assert "RESIT_LIMIT" not in codes(enter("BEN03", known=evolve(known, allowances=granted)).findings)


COMPLETE = (("BEN01", "2023-06"), ("BEN02", "2023-06"), ("BEN03", "2024-01"))


def test_ent_5_an_internal_after_the_terminal_external_is_warned_of() -> None:
    decision = enter("BEN01", known=sat(*COMPLETE))
    found = only(decision.findings, "TERMINAL_RULE")
    assert "after the final external assessment of December/January 2023/24" in found.message
    assert found.expected == "BEN03 entered in May/June 2024 as well"
    assert decision.outcome is Outcome.WITH_WARNINGS


def test_ent_5_with_the_external_in_the_same_series_there_is_nothing_to_say() -> None:
    assert codes(enter("BEN01", "BEN03", known=sat(*COMPLETE)).findings) == []


def test_ent_5_a_practice_sitting_was_not_terminal() -> None:
    assert "TERMINAL_RULE" not in codes(enter("BEN02", known=sat(("BEN01", "2023-06"), ("BEN03", "2024-01"))).findings)


@pytest.mark.parametrize(
    ("options", "before", "missing"),
    [
        (("BEN03",), [], "BEN01, BEN02"),
        (("BEN03", "BEN01"), [], "BEN02"),
        (("BEN03", "BEN01"), [("BEN02", "2023-06")], None),
        (("BEN03", *INTERNAL), [], None),
        (("BEN03",), [("BEN01", "2023-06"), ("BEN02", "2025-01")], "BEN02"),
    ],
)
def test_ent_6_an_external_before_the_internals_is_a_practice_sitting(
    options: tuple[str, ...], before: list[tuple[str, str]], missing: str | None
) -> None:
    decision = enter(*options, known=sat(*before))
    if missing is None:
        assert codes(decision.findings) == []
    else:
        assert (
            f"{missing} will not be complete by the end of May/June 2024"
            in only(decision.findings, "PRACTICE_SITTING").message
        )
    assert decision.outcome.booked


@pytest.mark.parametrize(
    ("received", "approved"), [("2024-01-14T23:59:59+00:00", False), ("2024-01-15T00:00:00+00:00", True)]
)
def test_reg_1_nothing_is_taken_before_the_approval(received: str, approved: bool) -> None:
    data = centre_file(("BEN22",), centre="77777", series="9B23", body="13", count=1)
    [decision] = decide([arrival(data, london(received), centre="77777")], CATALOGUE, nothing_held())
    assert ("CENTRE_NOT_APPROVED" in codes(decision.findings)) is not approved
    assert decision.added.height == approved


def test_reg_1_a_centre_without_approval_for_a_subject_is_told() -> None:
    data = centre_file(("BZS22",), centre="77777", series="9B23", body="13", count=1)
    [decision] = decide([arrival(data, centre="77777")], CATALOGUE, nothing_held())
    assert "centre 77777 is not approved for Sport" in only(decision.findings, "CENTRE_NOT_APPROVED").message


EXTENDED = {(CENTRE, "2024-06", "window_closes"): london("2024-05-04T00:00:00+01:00")}


@pytest.mark.parametrize(
    ("received", "outcome"),
    [
        ("2024-05-03T23:59:59+01:00", Outcome.ACCEPTED),
        ("2024-05-04T00:00:00+01:00", Outcome.REFUSED),
    ],
)
def test_cal_3_an_extension_holds_the_window_open_for_its_centre(received: str, outcome: Outcome) -> None:
    decision = enter("BEN01", known=evolve(registered(), extensions=EXTENDED), received=received)
    assert decision.outcome is outcome
    if outcome is Outcome.REFUSED:
        assert "extended for centre 64123 until 4 May 2024" in only(decision.findings, "WINDOW_CLOSED").expected


def test_cal_3_an_extended_deadline_keeps_the_centre_on_time() -> None:
    extended = {(CENTRE, "2024-06", "on_time_deadline"): london("2024-02-24T00:00:00+00:00")}
    known = evolve(registered(), extensions=extended)
    assert enter("BEN01", known=known, received="2024-02-23T23:59:59+00:00").added["band"].to_list() == ["on_time"]
    assert enter("BEN01", known=known, received="2024-02-24T00:00:00+00:00").added["band"].to_list() == ["late"]


def january(option: str = "BEN01", series: str = "2024-01") -> Known:
    """A ledger in which the first learner has a mark in that series."""
    return evolve(registered(), sat=pl.DataFrame([(LEARNER, option, series)], schema=SAT, orient="row"))


@pytest.mark.parametrize(
    ("received", "band"),
    [
        ("2024-02-21T23:59:59+00:00", "on_time"),
        ("2024-03-20T23:59:59+00:00", "late"),
        ("2024-03-21T00:01:00+00:00", "on_time"),
        ("2024-03-29T23:59:59+00:00", "on_time"),
        ("2024-03-30T00:00:00+00:00", "late"),
        ("2024-04-22T00:00:00+01:00", "high_late"),
    ],
    ids=["before the deadline", "day before results", "results day", "re-entry deadline", "day after", "high late"],
)
def test_fee_2_a_january_sitter_pays_no_late_fee_up_to_the_re_entry_deadline(received: str, band: str) -> None:
    assert enter("BEN01", known=january(), received=received).added["band"].to_list() == [band]


@pytest.mark.parametrize("known", [registered(), january("BZS01"), january(series="2023-06")])
def test_fee_2_who_did_not_sit_january_for_that_qualification_pays(known: Known) -> None:
    decision = enter("BEN01", known=known, received="2024-03-25T12:00:00+00:00")
    assert decision.added["band"].to_list() == ["late"]
    assert "LATE_FEE" in codes(decision.findings)


def test_fee_2_each_learner_of_a_file_by_itself() -> None:
    data = centre_file(("BEN01",), count=2)
    [decision] = decide([arrival(data, london("2024-03-25T12:00:00+00:00"))], CATALOGUE, january())
    assert decision.added.sort("candidate")["band"].to_list() == ["on_time", "late"]
    assert decision.added["pence"].sum() == 700 + 1050


def test_the_dates_of_fee_2_are_those_published() -> None:
    series = CATALOGUE.series_by_id("2024-06")
    assert series
    deadline = CATALOGUE.milestone(series, "reentry_deadline", london("2024-03-01T00:00:00+00:00"))
    assert deadline
    assert deadline.day == date(2024, 3, 29)
