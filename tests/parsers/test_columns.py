"""What a candidate record's fields may hold, and shifted records (FIL-4, REG-3, REG-4, REG-5)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from parsers.columns import columns
from parsers.findings import Finding, Found
from parsers.layouts import CANDIDATE
from parsers.reader import read
from parsers.writer import block, candidate_records, single
from tests.support import CENTRE, centre_file, codes, name_of, only

NAME = "E6412315.X01"


def findings(data: bytes) -> tuple[Finding, ...]:
    submission = read(name_of(data), data)
    assert submission.readable, submission.findings
    found = Found([submission.named])
    columns([submission], CANDIDATE, found)
    return found.of(0)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("status", "Z", "STATUS"),
        ("candidate", "0000", "CANDIDATE_NUMBER"),
        ("candidate", "12A4", "CANDIDATE_NUMBER"),
        ("name", "NOWAK LOTTE", "NAME_FORM"),
        ("name", "NOWAK*:LOTTE", "NAME_CHARACTERS"),
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
    read_candidates = columns([submission], CANDIDATE, Found([submission.named]))
    assert read_candidates.records["uci"][0] == read_candidates.options["uci"][0] == "641230220001D"


def test_fil_2_small_letters_are_read_as_capitals() -> None:
    data = centre_file(changed={"name": "nowak:lotte"})
    submission = read(name_of(data), data)
    found = Found([submission.named])
    records = columns([submission], CANDIDATE, found).records
    assert records["name"][0] == records["kept"][0] == "NOWAK:LOTTE"
    [one] = found.of(0)
    assert (one.code, one.line, one.columns, one.value) == ("LOWER_CASE", 3, (13, 23), "nowak:lotte")


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


@pytest.mark.parametrize("options", [(), ("BEN01",)])
def test_a_stray_character_in_the_last_column_is_no_shift(options: tuple[str, ...]) -> None:
    data = centre_file(options, changed={"uln": ""})
    text = data.decode().split("\r\n")
    text[2] = text[2][:191] + "X"
    assert findings("\r\n".join(text).encode()) == ()


def test_fil_4_only_the_shifted_candidate_is_refused() -> None:
    data = centre_file()
    text = data.decode().split("\r\n")
    text[2] = without("upn")(text[2])
    submission = read(NAME, "\r\n".join(text).encode())
    found = Found([submission.named])
    assert columns([submission], CANDIDATE, found).records["candidate"].to_list() == ["0002", "0003"]
    assert found.refused_candidates()["candidate"].to_list() == ["0001"]
    [one] = found.of(0)
    place = CANDIDATE["uln"]
    assert one.value == place.cut(data.decode().split("\r\n")[2])
    assert "13 columns too far to the left" in one.message
    assert f"columns {place.first}-{place.last}" in one.expected


@pytest.mark.parametrize(
    ("born", "year", "date"),
    [("010200", 2024, "2000-02-01"), ("010299", 2024, "1999-02-01"), ("010214", 2024, "2014-02-01"),
     ("010215", 2024, "1915-02-01"), ("000000", 2024, None), ("300208", 2024, None), ("29020X", 2024, None)],
)  # fmt: skip
def test_the_century_of_a_date_of_birth_makes_the_candidate_ten_or_older(
    born: str, year: int, date: str | None
) -> None:
    data = centre_file(series=f"6B{year % 100}", changed={"born": born})
    submission = read(name_of(data), data)
    read_date = columns([submission], CANDIDATE, Found([submission.named])).records["born"][0]
    assert (read_date and read_date.isoformat()) == date


def test_a_candidate_without_options_is_not_shifted() -> None:
    assert findings(centre_file(options=())) == ()


def test_more_than_twelve_options_are_further_records() -> None:
    options = [f"ZZ{number:02d}" for number in range(14)]
    data = centre_file(options, count=1)
    submission = read(name_of(data), data)
    read_candidates = columns([submission], CANDIDATE, Found([submission.named]))
    assert read_candidates.records.height == 2
    assert read_candidates.options["option"].to_list() == options
    assert read_candidates.options.row(13, named=True)["first"] == 116


def test_many_files_travel_together() -> None:
    submissions = [read(name_of(one), one) for one in (centre_file(count=2), centre_file(centre="58201", count=3))]
    found = Found([one.named for one in submissions])
    records = columns(submissions, CANDIDATE, found).records
    assert records.group_by("file").len().sort("file")["len"].to_list() == [2, 3]


def test_a_sequence_number_beyond_ninety_nine_keeps_its_last_two_digits_in_the_name() -> None:
    records = block(candidate_records("E", CENTRE, {"candidate": "1"}, []))
    data = single("E", CENTRE, records, awarding_body="15", series_key="6B24", sequence=101, produced="150224")
    assert name_of(data) == "E6412315.X01"
    assert codes(read("E6412315.X01", data).findings) == []
