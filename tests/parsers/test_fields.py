"""What a candidate record's fields may hold, and shifted records (FIL-4, REG-3, REG-4, REG-5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parsers.fields import candidates
from parsers.findings import Finding, Found
from parsers.layouts import CANDIDATE
from parsers.reader import read
from parsers.writer import Envelope, candidate_records, file, record
from tests.support import CENTRE, centre_file, codes, name_of, only


def findings(data: bytes) -> tuple[Finding, ...]:
    submission = read(name_of(data), data)
    assert submission.readable, submission.findings
    found = Found([submission.named])
    candidates([submission], found)
    return found.of(0)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("status", "Z", "STATUS"),
        ("candidate", "0000", "CANDIDATE_NUMBER"),
        ("candidate", "12A4", "CANDIDATE_NUMBER"),
        ("name", "NOWAK LOTTE", "NAME_FORM"),
        ("name", "nowak:lotte", "NAME_CHARACTERS"),
        ("name", "FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE", "NAME_CUT"),
        ("sex", "Q", "SEX"),
        ("born", "310209", "BORN"),
        ("uci", "", "UCI_MISSING"),
        ("uci", "64123", "UCI_FORM"),
        ("uci", "641230220001A", "UCI_WRONG"),
        ("uci", "641230220001", "UCI_LETTER_MISSING"),
        ("uln", "1234567890", "ULN_WRONG"),
    ],
)
def test_each_field_is_judged_by_itself(field: str, value: str, code: str) -> None:
    found = only(findings(centre_file(changed={field: value})), code)
    assert found.line == 3
    assert found.columns == CANDIDATE[field].columns
    assert found.value == value


@pytest.mark.parametrize(("field", "value"), [("born", "000000"), ("uln", ""), ("upn", ""), ("born", "290208")])
def test_what_may_be_blank_or_unknown(field: str, value: str) -> None:
    assert findings(centre_file(changed={field: value})) == ()


def test_reg_4_a_missing_check_letter_is_filled_in() -> None:
    data = centre_file(changed={"uci": "641230220001"})
    submission = read(name_of(data), data)
    read_candidates = candidates([submission], Found([submission.named]))
    assert read_candidates.records["uci"][0] == read_candidates.options["uci"][0] == "641230220001D"


def without(field: str) -> Callable[[str], str]:
    place = CANDIDATE[field]
    return lambda line: (line[: place.first - 1] + line[place.last :]).ljust(192)


@pytest.mark.parametrize(
    ("shift", "cause", "columns"),
    [
        (without("upn"), "the UPN is missing", (73, 82)),
        (lambda line: without("upn")(without("uln")(line)), "UPN and ULN are missing", (86, 90)),
        (lambda line: line[:52] + "ANNA" + line[52:188], "the name has 44 characters where 40 fit", (57, 57)),
        (lambda line: line[:30] + line[40:] + " " * 10, "the name is shorter than its field", (43, 43)),
    ],
)
def test_fil_4_a_shifted_record_names_the_field_that_was_not_padded(
    shift: Callable[[str], str], cause: str, columns: tuple[int, int]
) -> None:
    data = centre_file()
    text = data.decode().split("\r\n")
    text[2] = shift(text[2])
    [found] = findings("\r\n".join(text).encode())
    assert found.code == "RECORD_SHIFTED"
    assert cause in found.message
    assert (found.line, found.columns) == (3, columns)


def test_a_candidate_without_options_is_not_shifted() -> None:
    assert findings(centre_file(options=())) == ()


def test_more_than_twelve_options_are_further_records() -> None:
    options = [f"ZZ{number:02d}" for number in range(14)]
    data = centre_file(options, count=1)
    submission = read(name_of(data), data)
    read_candidates = candidates([submission], Found([submission.named]))
    assert read_candidates.records.height == 2
    assert read_candidates.options["option"].to_list() == options
    assert read_candidates.options.row(13, named=True)["first"] == 116


def test_many_files_travel_together() -> None:
    submissions = [read(name_of(one), one) for one in (centre_file(count=2), centre_file(centre="58201", count=3))]
    found = Found([one.named for one in submissions])
    records = candidates(submissions, found).records
    assert records.group_by("file").len().sort("file")["len"].to_list() == [2, 3]


def test_writer_refuses_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match="name takes 40 columns"):
        record(CANDIDATE, {"name": "X" * 41}, 192)
    with pytest.raises(ValueError, match="has no field nmae"):
        record(CANDIDATE, {"nmae": "X"}, 192)
    envelope = Envelope(
        letter="E", centre=CENTRE, awarding_body="15", series_key="6B24", sequence=101, produced="150224"
    )
    data = file(envelope, candidate_records("E", CENTRE, {"candidate": "1"}, []))
    assert name_of(data) == "E6412315.X01"
    assert codes(read("E6412315.X01", data).findings) == []
