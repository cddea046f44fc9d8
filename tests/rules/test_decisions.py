"""Every rule about files, learners, entries and fees, at its edges. Pure: what is known is built by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from attrs import evolve

from parsers.findings import Reach
from parsers.writer import single
from rules.decisions import Outcome, check, decide
from rules.frames import FILES, LEARNERS
from rules.known import Known
from tests.catalogue import CATALOGUE
from tests.rules.known import decided, entered, nothing_held, registered
from tests.support import CENTRE, ENTERPRISE, ON_TIME, REGISTERED, arrival, centre_file, codes, only, registration_file


def before(*files: tuple[str, int, str, bool], known: Known | None = None) -> Known:
    """A ledger in which these files came before: letter, sequence, SHA-256, whether they were booked."""
    rows = [
        (
            CENTRE,
            "15",
            "6B24",
            letter,
            sequence,
            sha256,
            datetime(2024, 2, 1, tzinfo=UTC),
            f"X6412315.X{sequence:02d}",
            booked,
        )
        for letter, sequence, sha256, booked in files
    ]
    return evolve(known or registered(), files=pl.DataFrame(rows, schema=FILES, orient="row"))


# --- Files -----------------------------------------------------------------------------------------------------------


def test_a_good_entry_file_is_accepted() -> None:
    decision = decided(arrival(centre_file()), registered())
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.findings == ()
    assert (decision.candidates, decision.added.height, decision.pence) == (3, 12, 3 * (2 * 700 + 1410))


@pytest.mark.parametrize(
    ("data", "centre", "code"),
    [
        (centre_file(), "58201", "OTHER_CENTRE"),
        (centre_file().replace(b"E5C64123", b"E5C58201", 1), CENTRE, "RECORD_CENTRE"),
        (centre_file().replace(b"E364123", b"E358201", 1), CENTRE, "HEADERS_DIFFER"),
    ],
)
def test_fil_6_a_centre_speaks_for_itself(data: bytes, centre: str, code: str) -> None:
    decision = decided(arrival(data, centre=centre, name="E6412315.X01"), registered())
    assert code in codes(decision.findings)
    assert decision.outcome is Outcome.REFUSED
    assert decision.added.is_empty()


def test_fil_2_a_series_that_is_none_of_ours() -> None:
    decision = decided(arrival(centre_file(series="7B24")))
    assert decision.outcome is Outcome.REFUSED
    assert "6Byy with 15" in only(decision.findings, "STREAM_UNKNOWN").expected


@pytest.mark.parametrize(
    ("earlier", "letter", "sequence", "code", "outcome"),
    [
        ([("E", 1, "1", True)], "E", 1, "ALREADY_PROCESSED", Outcome.REPEATED),
        ([("E", 1, "2", True)], "E", 1, "NUMBER_REUSED", Outcome.QUARANTINED),
        ([("E", 1, "2", False)], "E", 1, "NUMBER_REUSED", Outcome.QUARANTINED),
        ([("E", 1, "2", True)], "E", 2, "SECOND_ENTRY_FILE", Outcome.QUARANTINED),
        ([("E", 1, "2", True), ("A", 3, "3", True)], "A", 2, "SEQUENCE_OLD", Outcome.QUARANTINED),
        ([("E", 1, "2", True)], "A", 4, "SEQUENCE_GAP", Outcome.ACCEPTED),
        ([], "A", 1, "AMENDMENT_FIRST", Outcome.WITH_WARNINGS),
    ],
)
def test_fil_3_repeats_and_sequence(
    earlier: list[tuple[str, int, str, bool]], letter: str, sequence: int, code: str, outcome: Outcome
) -> None:
    decision = decided(arrival(centre_file(letter=letter, sequence=sequence)), before(*earlier))
    assert code in codes(decision.findings)
    assert decision.outcome is outcome
    assert decision.added.is_empty() is not outcome.booked


def test_fil_3_an_amendment_replaces_all_that_is_held_for_its_candidates() -> None:
    known = registered()
    known = entered(decided(arrival(centre_file()), known), known)
    known = before(("E", 1, "2", True), known=known)
    decision = decided(arrival(centre_file(ENTERPRISE[:3], letter="A", sequence=2, count=1)), known)
    assert (decision.added.height, decision.kept, decision.ended["option"].to_list()) == (0, 3, ["BEN99"])
    assert only(decision.findings, "WITHDRAWN").candidate == "0001"


def test_fil_3_blank_slots_withdraw_the_candidate_and_refund_the_entry_fee_fee_4() -> None:
    known = registered()
    known = entered(decided(arrival(centre_file(), datetime(2024, 3, 1, tzinfo=UTC)), known), known)
    known = before(("E", 1, "2", True), known=known)
    data = centre_file((), letter="A", sequence=2, count=1)
    early = decided(arrival(data, datetime(2024, 4, 21, 22, 59, 59, tzinfo=UTC)), known)
    late = decided(arrival(data, datetime(2024, 4, 21, 23, 0, tzinfo=UTC)), known)
    assert early.outcome is Outcome.ACCEPTED
    assert (early.ended.height, early.pence) == (4, -(700 + 700 + 1410))
    assert (late.ended.height, late.pence) == (4, 0)


def test_fil_1_a_file_of_forecast_grades_is_held() -> None:
    data = single("F", CENTRE, b"", awarding_body="15", series_key="6B24", sequence=3, produced="010922")
    decision = decided(arrival(data, name="F6412315.X03"))
    assert decision.outcome is Outcome.QUARANTINED
    assert codes(decision.findings) == ["FILE_TYPE_HELD"]


# --- Calendar --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("received", "code"),
    [
        ("2023-11-22T23:59:59+00:00", "WINDOW_NOT_OPEN"),
        ("2023-11-23T00:00:00+00:00", None),
        ("2024-05-02T23:59:59+01:00", None),
        ("2024-05-03T00:00:00+01:00", "WINDOW_CLOSED"),
        ("2024-05-02T23:30:00+00:00", "WINDOW_CLOSED"),
    ],
)
def test_ent_2_cal_1_the_window_to_the_second_in_london(received: str, code: str | None) -> None:
    decision = decided(arrival(centre_file(), datetime.fromisoformat(received)), registered())
    if code is None:
        assert decision.outcome is Outcome.ACCEPTED
    else:
        found = only(decision.findings, code)
        assert decision.outcome is Outcome.REFUSED
        assert "23 November 2023 to 2 May 2024 (calendar of 1 July 2023)" in found.expected


@pytest.mark.parametrize(
    ("received", "band", "each"),
    [
        ("2024-02-21T23:59:59+00:00", "on_time", 1410),
        ("2024-02-22T00:00:00+00:00", "late", 2125),
        ("2024-04-21T23:59:59+01:00", "late", 2125),
        ("2024-04-22T00:00:00+01:00", "high_late", 2820),
    ],
)
def test_fee_1_the_band_to_the_second(received: str, band: str, each: int) -> None:
    decision = decided(arrival(centre_file(("BEN03",), count=1), datetime.fromisoformat(received)), registered())
    assert decision.added.select("band", "pence").rows() == [(band, each)]
    assert ("LATE_FEE" in codes(decision.findings)) is (band != "on_time")


def test_fee_3_claims_are_free_even_late() -> None:
    decision = decided(arrival(centre_file(("BEN99",)), datetime(2024, 4, 30, tzinfo=UTC)), registered())
    assert decision.pence == 0
    assert "LATE_FEE" not in codes(decision.findings)


def test_fee_4_a_repeated_entry_keeps_its_band_and_is_not_charged_again() -> None:
    known = registered()
    known = before(("E", 1, "2", True), known=entered(decided(arrival(centre_file()), known), known))
    decision = decided(arrival(centre_file(letter="A", sequence=2), datetime(2024, 4, 30, tzinfo=UTC)), known)
    assert (decision.added.height, decision.kept, decision.pence) == (0, 12, 0)


def test_fee_5_amounts_are_integer_pence_and_add_up() -> None:
    decision = decided(arrival(centre_file(), datetime(2024, 4, 30, tzinfo=UTC)), registered())
    assert decision.added["pence"].dtype == pl.Int64
    assert decision.pence == decision.added["pence"].sum() == 3 * (2 * 1400 + 2820)


# --- Learners --------------------------------------------------------------------------------------------------------


def test_reg_2_an_entry_needs_a_registration() -> None:
    decision = decided(arrival(centre_file((*ENTERPRISE, "BZS01", "BZS02"))), registered())
    found = [finding for finding in decision.findings if finding.code == "NOT_REGISTERED"]
    assert [(finding.line, finding.columns, finding.value) for finding in found] == [
        (n, (137, 149), "BZS01, BZS02") for n in (3, 4, 5)
    ]
    assert decision.outcome is Outcome.PARTLY
    assert (decision.added.height, decision.options_refused) == (12, 6)


def test_reg_2_another_uci_under_the_same_number_is_pointed_out() -> None:
    decision = decided(arrival(centre_file(count=1)), registered(uci="641230230001T"))
    assert "is registered with UCI 641230230001T" in only(decision.findings, "NOT_REGISTERED").expected
    assert decision.outcome is Outcome.REFUSED


def test_reg_3_another_name_refuses_the_candidate_and_shows_both() -> None:
    decision = decided(arrival(centre_file(changed={"name": "DE SOUZAS:WEI"})), registered())
    found = only(decision.findings, "NAME_MISMATCH")
    assert found.columns == (13, 52)
    assert found.value == "DE SOUZAS:WEI"
    assert found.expected not in ("", found.value)
    assert (decision.candidates_refused, decision.added.height) == (1, 8)


def test_reg_3_names_are_normalised_first() -> None:
    [name] = registered().registrations.filter(pl.col("candidate") == "0001")["name"].to_list()
    decision = decided(arrival(centre_file(changed={"name": name.lower().replace(":", " :  ")})), registered())
    assert codes(decision.findings) == ["LOWER_CASE"]
    assert decision.added.height == 12


def test_reg_4_reg_5_two_candidates_with_one_number() -> None:
    decision = decided(arrival(centre_file(changed={"candidate": "0002"})), registered())
    assert codes(decision.findings).count("CANDIDATE_NUMBER_SHARED") == 2
    assert decision.added["candidate"].unique().to_list() == ["0003"]


def test_reg_4_one_uci_under_two_numbers() -> None:
    known = registered()
    held = entered(decided(arrival(centre_file()), known), known)
    known = before(("E", 1, "2", True), known=held)
    decision = decided(arrival(centre_file(letter="A", sequence=2, count=1, changed={"candidate": "0099"})), known)
    assert only(decision.findings, "UCI_TWO_NUMBERS").message.endswith("candidate number 0099 and under 0001")


def test_reg_4_two_ucis_for_one_uln_show_both() -> None:
    learners = pl.DataFrame(
        [(decided(arrival(registration_file(), REGISTERED)).added["uln"][0], "582010220001R", "58201")],
        schema=LEARNERS,
        orient="row",
    )
    decision = decided(arrival(registration_file(), REGISTERED), evolve(nothing_held(), learners=lambda _: learners))
    found = only(decision.findings, "ULN_TWO_UCIS")
    assert "582010220001R at another centre" in found.message
    assert decision.added.height == 2


def each_with(changed: bytes, first: int) -> bytes:
    """A file of three candidates, each of whom has these characters from the same column on."""
    lines = centre_file().split(b"\r\n")
    at = slice(first - 1, first - 1 + len(changed))
    return b"\r\n".join(line[: at.start] + changed + line[at.stop :] if line[1:2] == b"5" else line for line in lines)


@pytest.mark.parametrize(
    ("changed", "first", "told"),
    [
        (b"0000000000", 86, "ULN_WRONG"),
        (b"9999999999", 86, "ULN_WRONG"),
        (b"6.4123E+11   ", 60, "UCI_FORM"),
        (b"0000", 9, "CANDIDATE_NUMBER"),
        (b"    ", 9, "CANDIDATE_NUMBER"),
    ],
)
def test_reg_4_reg_5_what_stands_for_a_number_in_every_record_is_told_as_no_number_only(
    changed: bytes, first: int, told: str
) -> None:
    found = check(arrival(each_with(changed, first)), CATALOGUE, window=False)
    assert set(codes(found)) == {told}


def test_cal_1_where_headers_name_two_series_no_window_is_judged() -> None:
    data = centre_file().replace(b"E164123156B24", b"E164123151B24")
    found = check(arrival(data), CATALOGUE, window=True)
    assert [one.code for one in found if one.reach is Reach.FILE] == ["HEADERS_DIFFER"]


def test_fil_2_a_blank_awarding_body_is_told_by_the_name_and_not_as_an_unknown_series() -> None:
    data = centre_file().replace(b"6412315", b"64123  ")
    found = check(arrival(data, name="E6412315.X01"), CATALOGUE, window=False)
    assert [one.code for one in found if one.reach is Reach.FILE] == ["NAME_HEADER"]


def test_fil_8_a_file_whose_options_are_elsewhere_does_not_say_nothing() -> None:
    data = each_with(b" " * 140, 53)
    assert "FILE_SAYS_NOTHING" not in codes(check(arrival(data), CATALOGUE, window=False))


# --- Options ---------------------------------------------------------------------------------------------------------


def test_ent_1_an_unknown_option_refuses_its_candidate_and_lists_the_codes() -> None:
    decision = decided(arrival(centre_file(("BEN01", "BEN09"), count=1)), registered())
    found = only(decision.findings, "OPTION_UNKNOWN")
    assert (found.line, found.columns) == (3, (116, 121))
    assert found.expected == "codes for Enterprise: BEN01, BEN02, BEN03, BEN99"
    assert decision.outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (registration_file().replace(b"BEN22", b"BEN01"), "registered for it with BEN22"),
        (centre_file(("BEN22",)), "entered with BEN01"),
    ],
)
def test_ent_1_a_code_of_the_other_kind_is_recognised(data: bytes, hint: str) -> None:
    received = REGISTERED if b"9B23" in data else ON_TIME
    found = [
        finding
        for finding in decided(arrival(data, received), registered()).findings
        if finding.code == "OPTION_UNKNOWN"
    ]
    assert hint in found[0].expected


def test_ent_1_the_same_option_twice_counts_once() -> None:
    decision = decided(arrival(centre_file(("BEN01", "BEN01"), count=1)), registered())
    assert codes(decision.findings) == ["OPTION_TWICE"]
    assert decision.added.height == 1


def test_cal_4_an_option_not_offered_in_the_series_is_refused_alone() -> None:
    known = evolve(registered(), registrations=registered(option="BZM22").registrations)
    data = centre_file(("BZM01", "BZM03"), series="1B24", count=1)
    decision = decided(arrival(data, datetime(2023, 10, 1, tzinfo=UTC)), known)
    found = only(decision.findings, "OPTION_NOT_IN_SERIES")
    assert (found.option, found.columns) == ("BZM03", (116, 121))
    assert decision.added["option"].to_list() == ["BZM01"]


def test_a_round_decides_many_centres_at_once_and_each_alone() -> None:
    other = arrival(centre_file(centre="58201"), centre="58201")
    decisions = decide([arrival(centre_file()), other], CATALOGUE, registered())
    assert [decision.outcome for decision in decisions] == [Outcome.ACCEPTED, Outcome.REFUSED]
    assert {finding.file for finding in decisions[1].findings} == {"E5820115.X01"}


@pytest.mark.parametrize(
    ("letter", "options", "count", "says"),
    [
        ("E", (), 0, False),
        ("E", (), 2, False),
        ("E", ("BEN01",), 1, True),
        ("A", (), 0, False),
        ("A", (), 2, True),
        ("A", ("BEN01",), 1, True),
    ],
)
def test_fil_8_a_file_that_says_nothing_is_warned_of_and_not_booked(
    letter: str, options: tuple[str, ...], count: int, says: bool
) -> None:
    decision = decided(arrival(centre_file(options, letter=letter, count=count)), registered())
    assert ("FILE_SAYS_NOTHING" in codes(decision.findings)) is not says
    assert decision.booked is says
    if not says:
        assert (decision.outcome, decision.added.height) == (Outcome.WITH_WARNINGS, 0)
