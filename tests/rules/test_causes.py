"""FIL-4: a reply names the cause, and nothing that only follows from it; what is to be done is possible."""

from __future__ import annotations

from datetime import datetime

import pytest

from fixtures.generate import people
from infra.ledger.submissions import Landing
from parsers.layouts import CANDIDATE
from parsers.writer import block, candidate_records, single
from pipeline.intake import replies
from rules.decisions import Outcome
from tests.rules.known import decided, entered, registered
from tests.support import CENTRE, ENTERPRISE, ON_TIME, arrival, centre_file, codes, only, registration_file

GOOD = centre_file()


def changed(column: str, text: bytes, data: bytes = GOOD) -> bytes:
    """A file whose candidate records have another text in that column."""
    place = CANDIDATE[column]
    lines = [
        line[: place.first - 1] + text.ljust(place.width) + line[place.last :] if line[1:2] == b"5" else line
        for line in data.split(b"\r\n")
    ]
    return b"\r\n".join(lines)


@pytest.mark.parametrize(
    ("column", "text", "code"),
    [
        ("uci", b"641230220001R", "UCI_WRONG"),
        ("uci", b"", "UCI_MISSING"),
        ("uci", b"6.4123E+11", "UCI_FORM"),
        ("uln", b"9999999999", "ULN_WRONG"),
        ("name", b"DE SOUZA, SEAN", "NAME_FORM"),
        ("sex", b"1", "SEX"),
        ("option_1", b"BENO1", "OPTION_UNKNOWN"),
    ],
)
def test_fil_4_what_is_none_is_not_compared_with_what_is_on_record(column: str, text: bytes, code: str) -> None:
    decision = decided(arrival(changed(column, text, centre_file(count=1))), registered())
    assert set(codes(decision.findings)) == {code}
    assert decision.outcome is Outcome.REFUSED


def test_fil_4_what_is_not_offered_needs_no_registration() -> None:
    november = datetime.fromisoformat("2023-11-10T12:00:00+00:00")
    decision = decided(arrival(centre_file(("BZA01",), series="1B24"), november), registered())
    assert set(codes(decision.findings)) == {"OPTION_NOT_IN_SERIES"}


def test_fil_4_names_with_their_parts_exchanged_are_told_as_that() -> None:
    turned = [person | {"name": ":".join(reversed(person["name"].split(":")))} for person in people(CENTRE, 5, seed=1)]
    records = [record for person in turned for record in candidate_records("E", CENTRE, person, ENTERPRISE)]
    data = single("E", CENTRE, block(records), awarding_body="15", series_key="6B24", sequence=1, produced="010224")
    causes = [cause for cause in decided(arrival(data), registered()).causes if cause.code == "NAME_MISMATCH"]
    assert all("forenames and surname have changed places" in cause.message for cause in causes)


def test_reg_4_one_uci_for_a_whole_file_is_one_cause() -> None:
    data = changed("uci", b"641230220001D", centre_file(count=12))
    causes = decided(arrival(data), registered()).causes
    [cause] = [cause for cause in causes if cause.code == "UCI_TWO_NUMBERS"]
    assert (cause.count, cause.message) == (12, "UCI 641230220001D appears under several candidate numbers")


def test_fil_6_a_name_of_another_centre_on_a_file_of_ones_own_is_a_wrong_name() -> None:
    decision = decided(arrival(GOOD, name="E5820115.X01"), registered())
    assert codes(decision.findings) == ["NAME_HEADER"]
    assert "by its records that is E6412315.X01" in only(decision.findings, "NAME_HEADER").remedy
    assert decision.outcome is Outcome.REFUSED


def test_fil_6_two_parts_of_one_centre_are_not_two_centres() -> None:
    lines = GOOD.split(b"\r\n")[:-1]
    again = [*lines[:-1], *lines[1:-1], lines[-1].replace(b"00000070000001", b"00000120000002")]
    finding = only(decided(arrival(b"\r\n".join(again) + b"\r\n"), registered()).findings, "MANY_CENTRES")
    assert "2 parts, each with a centre header of 64123" in finding.message
    # What stands in an upload that was begun again is not counted.
    begun_again = arrival(b"\r\n".join(lines[:4]) + b"\r\n" + GOOD)
    assert codes(decided(begun_again, registered()).findings) == ["FILES_JOINED"]


def test_ent_2_a_file_for_a_closed_series_names_the_series_that_is_open() -> None:
    decision = decided(arrival(centre_file(series="6B23")), registered())
    assert "May/June 2024 (6B24), which is open" in only(decision.findings, "WINDOW_CLOSED").remedy
    autumn = datetime.fromisoformat("2024-09-18T12:00:00+01:00")
    decision = decided(arrival(registration_file(), autumn))
    assert "registrations 2024/25 (9B24), which is open" in only(decision.findings, "WINDOW_CLOSED").remedy


MAY = datetime.fromisoformat("2024-05-01T12:00:00+01:00")


def marks(its: list[bytes], uci: bytes = b"641230220001D") -> bytes:
    """A file of marks of candidate 0001 in BEN01."""
    records = [(b"M5641230001" + uci + b"BEN01".ljust(12) + mark).ljust(80) + b"\r\n" for mark in its]
    return single(
        "M", CENTRE, b"".join(records), awarding_body="15", series_key="6B24", sequence=1, produced="010224"
    )  # fmt: skip


def reply(data: bytes, at: datetime = ON_TIME, name: str = "") -> replies.Reply:
    """The reply to a file of a centre that has entered its three learners."""
    known = entered(decided(arrival(GOOD), registered()), registered())
    arrived = arrival(data, at, name=name)
    landing = Landing(
        landing_key="1", centre=CENTRE, file_name=arrived.submission.named, kind="file", received=at, modified=at,
        size=len(data), sha256="1",
    )  # fmt: skip
    return replies.processed(landing, "X6412315.X01", arrived.submission, decided(arrived, known))


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (marks([b"040"], uci=b" " * 13), "Put in the UCI under which the candidate is entered"),
        (
            marks([b"L2P"]),
            "in the software that wrote the file. Send the marks again in a new file of marks.",
        ),
        (marks([b"040"]).replace(b"BEN01", b"BZS01"), "in an amendment (A) file while the window is open"),
    ],
)
def test_fil_4_what_is_wrong_with_marks_is_put_right_in_a_file_of_marks(data: bytes, remedy: str) -> None:
    [cause] = reply(data, MAY, "M6412315.X01").causes
    assert remedy in cause.remedy
    assert "candidates of an entry file" not in cause.remedy


def test_fil_3_a_file_that_withdraws_all_it_names_says_so_first() -> None:
    data = centre_file((), letter="A", sequence=2)
    assert (reply(data).next_action or "").startswith("The file withdrew all that its candidates held (12 options)")
    assert "withdrew" not in (reply(centre_file(("BEN01",), letter="A", sequence=2)).next_action or "")
