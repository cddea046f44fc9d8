"""What a candidate record's fields may hold, and shifted records (FIL-4, REG-3, REG-4, REG-5)."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from parsers.columns import columns, with_slots
from parsers.envelope import Centre, Header
from parsers.findings import Finding, Found
from parsers.layouts import CANDIDATE, FILE_TYPES, RESULT
from parsers.reader import read
from parsers.writer import block, candidate_records, file, record, single
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
    [finding] = found.of(0)
    assert (finding.code, finding.line, finding.columns, finding.value) == ("LOWER_CASE", 3, (13, 23), "nowak:lotte")


def without(field: str) -> Callable[[str], str]:
    place = CANDIDATE[field]
    return lambda line: (line[: place.first - 1] + line[place.last :]).ljust(192)


@pytest.mark.parametrize(
    ("shift", "cause", "columns", "mend"),
    [
        (without("upn"), "the UPN is missing", (73, 82), "fill the UPN with spaces"),
        (lambda line: without("upn")(without("uln")(line)), "UPN and ULN are missing", (86, 90),
         "fill the UPN and the ULN with spaces"),
        (lambda line: line[:52] + "ANNA" + line[52:188], "the name has 44 characters where 40 fit", (57, 57),
         "cut the name to 40 characters"),
        (lambda line: line[:30] + line[40:] + " " * 10, "the name is shorter than its field", (43, 43),
         "fill the name with spaces"),
    ],
)  # fmt: skip
def test_fil_4_a_shifted_record_names_the_field_that_was_not_padded_and_what_to_do(
    shift: Callable[[str], str], cause: str, columns: tuple[int, int], mend: str
) -> None:
    data = centre_file()
    text = data.decode().split("\r\n")
    text[2] = shift(text[2])
    [found] = findings("\r\n".join(text).encode())
    assert found.code == "RECORD_SHIFTED"
    assert cause in found.message
    assert mend in found.remedy
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
    [finding] = found.of(0)
    place = CANDIDATE["uln"]
    assert finding.value == place.cut(data.decode().split("\r\n")[2])
    assert "13 columns too far to the left" in finding.message
    assert f"columns {place.first}-{place.last}" in finding.expected


@pytest.mark.parametrize(
    ("born", "year", "date"),
    [("010200", 2024, "2000-02-01"), ("010299", 2024, "1999-02-01"), ("010214", 2024, "2014-02-01"),
     ("010215", 2024, "1915-02-01"), ("000000", 2024, None), ("300208", 2024, None), ("29020X", 2024, None),
     # The century before has no such day.
     ("290200", 2009, "2000-02-29"), ("280200", 2009, "1900-02-28"), ("290200", 2010, "2000-02-29")],
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
    submissions = [read(name_of(data), data) for data in (centre_file(count=2), centre_file(centre="58201", count=3))]
    found = Found([submission.named for submission in submissions])
    records = columns(submissions, CANDIDATE, found).records
    assert records.group_by("file").len().sort("file")["len"].to_list() == [2, 3]


def test_a_sequence_number_beyond_ninety_nine_keeps_its_last_two_digits_in_the_name() -> None:
    records = block(candidate_records("E", CENTRE, {"candidate": "1"}, []))
    data = single("E", CENTRE, records, awarding_body="15", series_key="6B24", sequence=101, produced="150224")
    assert name_of(data) == "E6412315.X01"
    assert codes(read("E6412315.X01", data).findings) == []


# --- The other record types ------------------------------------------------------------------------------------------


def read_records(letter: str, *records: dict[str, str]) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """The typed columns of a file of these records, and its findings."""
    layout = FILE_TYPES[letter].detail
    assert layout
    fixed = {"data_type": letter, "record_type": "5", "centre": CENTRE, "candidate": "1", "uci": "641230220001D"}
    lines = [
        record(layout, {name: text for name, text in (fixed | values).items() if name in layout.names} | values)
        for values in records
    ]
    data = single(letter, CENTRE, block(lines), awarding_body="15", series_key="6B24", sequence=1, produced="220824")
    submission = read(name_of(data), data)
    assert submission.findings == ()
    found = Found([submission.named])
    return columns([submission], layout, found).records, found.of(0)


def test_the_result_block_is_read_by_its_type() -> None:
    uniform = {"option": "BEN01", "result_type": "U", "score": "87", "grade": "D2"}
    grades = {"option": "BEN99", "result_type": "1", "grade": "*2", "grade_2": "M1", "partial": "#"}
    large = {"option": "BEN99", "result_type": "B", "score": "1234", "grade": "A", "partial": "#"}
    records, found = read_records("R", uniform, grades, large)
    assert found == ()
    shown = records.select("result_type", "score", "grade", "grade_2", "partial").rows()
    assert shown == [("U", 87, "D2", None, None), ("1", None, "*2", "M1", "#"), ("B", 1234, "A", None, "#")]


@pytest.mark.parametrize(
    ("changed", "code", "columns_"),
    [
        ({"score": "8X7"}, "FIELD_WRONG", (48, 50)),
        ({"grade": "d2"}, "LOWER_CASE", (51, 52)),
        ({"result_type": "Z"}, "FIELD_WRONG", (47, 47)),
        ({"unused": "X"}, "RESERVED_USED", (53, 59)),
        ({"uln": "1234567890"}, "ULN_WRONG", (25, 34)),
        ({"option": ""}, "FIELD_MISSING", (41, 46)),
    ],
)
def test_fields_of_a_result_are_judged(changed: dict[str, str], code: str, columns_: tuple[int, int]) -> None:
    result = {"option": "BEN01", "result_type": "U", "score": "87", "grade": "D2"} | changed
    if result["result_type"] == "Z":
        result = {"option": "BEN01", "result_type": "Z"}
    _, found = read_records("R", result)
    finding = only(found, code)
    assert (finding.line, finding.columns, finding.candidate) == (3, columns_, "0001")


def test_marks_are_numbers_and_blank_ones_null() -> None:
    marked = {"component": "BEN01", "mark": "47", "task_1": "20", "task_2": "27"}
    absent = {"component": "BEN01", "mark_status": "A", "candidate": "2"}
    records, found = read_records("M", marked, absent)
    assert found == ()
    assert records.select("mark", "mark_status", "task_1", "task_2", "task_3").rows() == [
        (47, "", 20, 27, None),
        (None, "A", None, None, None),
    ]


def test_a_shifted_result_names_the_field_that_was_not_padded() -> None:
    result = {"option": "BEN01", "result_type": "U", "score": "87", "grade": "D2", "uln": ""}
    data = single(
        "R", CENTRE, block([(line := record(RESULT, {"data_type": "R", "record_type": "5", "centre": CENTRE,
        "candidate": "1", "uci": "641230220001D", **result}))[:24] + line[34:] + " " * 10]),
        awarding_body="15", series_key="6B24", sequence=1, produced="220824",
    )  # fmt: skip
    submission = read(name_of(data), data)
    found = Found([submission.named])
    assert columns([submission], RESULT, found).records.is_empty()
    finding = only(found.of(0), "RECORD_SHIFTED")
    assert "the ULN is missing and its columns were not filled with spaces" in finding.message
    assert "10 columns too far to the left" in finding.message


@pytest.mark.parametrize("small", [1, 7])
def test_slabs_of_any_size_give_the_same_columns_and_findings(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        centre_file(count=5, changed={"uci": "641230220001"}),
        centre_file(centre="58201", count=9, changed={"name": "X*:Y"}),
    ]
    submissions = [read(name_of(data), data) for data in files]

    def result() -> tuple[pl.DataFrame, pl.DataFrame, list[tuple[Finding, ...]]]:
        found = Found([submission.named for submission in submissions])
        held = columns(submissions, CANDIDATE, found)
        return held.records, held.options, [found.of(0), found.of(1)]

    whole = result()
    monkeypatch.setattr("parsers.columns.SLAB", small)
    parts = result()
    assert parts[0].equals(whole[0])
    assert parts[1].equals(whole[1])
    assert parts[2] == whole[2]


def test_progress_is_told_of_every_record() -> None:
    submissions = [read(name_of(data), data) for data in (centre_file(count=2), centre_file(centre="58201", count=3))]
    told: list[int] = []
    columns(submissions, CANDIDATE, Found(["", ""]), told.append)
    assert sum(told) == 5


def test_option_slots_become_columns() -> None:
    data = centre_file(("BEN01", "BEN02"), count=2)
    submission = read(name_of(data), data)
    wide = with_slots(columns([submission], CANDIDATE, Found([""])), CANDIDATE)
    assert wide.select("option_1", "suffix_1", "option_2", "option_3").rows() == [("BEN01", "", "BEN02", "")] * 2


def test_old_basedata_is_read_in_its_own_columns() -> None:
    fields = {"data_type": "O", "record_type": "5", "option": "BEN01", "syllabus": "BEN22", "item": "U",
              "process": "E", "title": "Component 1", "fee_defined": "N", "result_type": "U", "maximum": "60",
              "components": "1"}  # fmt: skip
    for version, layout in FILE_TYPES["O"].older.items():
        header = Header(letter="O", centre="6B24_", awarding_body="15", series="6B", year="24", distribution="B")
        part = Centre(number="6B24_", sequence=1, produced="011123", details=block([record(layout, fields)]))
        submission = read("O6B24_15.X01", file(header, [part], layout))
        assert codes(submission.findings) == ["OLD_FORMAT"]
        assert f"formats version {version}" in submission.findings[0].message
        assert submission.layout is layout
        found = Found([""])
        records = columns([submission], layout, found).records
        assert (records["maximum"][0], records["components"][0], found.of(0)) == (60, 1, ())


def test_reg_5_an_unknown_date_of_birth_beside_another_fault_is_no_fault() -> None:
    [found] = findings(centre_file(changed={"born": "000000", "candidate": "0000"}, count=1))
    assert found.code == "CANDIDATE_NUMBER"
    [found] = findings(centre_file(changed={"born": "", "candidate": "0001"}, count=1))
    assert found.code == "BORN"
