"""`resultsday convert`: there and back to the same bytes for every kind of file, and what is refused on the way."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from fixtures.generate import people
from parsers.envelope import Centre, Header
from parsers.layouts import CANDIDATE, OPTION_11
from parsers.reader import read
from parsers.writer import file
from pipeline.cli import main
from pipeline.files.convert import Refused, convert, guarded, unguarded
from tests.parsers.strategies import EXAMPLES, canonical, mutated
from tests.pipeline.files.made import made, options, results, syllabuses
from tests.support import CENTRE, centre_file

ENDINGS = ("csv", "json", "parquet")
SAMPLES = Path(__file__).parents[3] / "fixtures" / "samples"
WHO = {"centre": CENTRE, "candidate": "0001", "uci": next(people(CENTRE, 1, seed=1))["uci"]}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["convert", *arguments])


def there_and_back(data: bytes, ending: str) -> bytes:
    """A file as it comes back from a table."""
    with tempfile.TemporaryDirectory() as folder:
        source, table, target = Path(folder, "a.X01"), Path(folder, f"t.{ending}"), Path(folder, "b.X01")
        source.write_bytes(data)
        convert(source, table, mask=False, force=False)
        convert(table, target, mask=False, force=False)
        return target.read_bytes()


# --- There and back --------------------------------------------------------------------------------------------------


def many_centres() -> bytes:
    """Results for three centres, of which one has none and two share their number."""
    whole = read("R6412315.X07", results()).centres[0]
    parts = [
        Centre(number=CENTRE, sequence=1, produced="220824", details=whole.details),
        Centre(number="58201", sequence=1, produced="220824"),
        Centre(number=CENTRE, sequence=1, produced="220824", details=whole.details),
        Centre(number="01234", sequence=999, postcode="CF24 3QX", produced="220824"),
    ]
    return file(Header(letter="R", centre="6B24_", awarding_body="15", series="6B", year="24", distribution="M"), parts)


def forecasts() -> bytes:
    one = WHO | {"option": "BEN01", "grade": "D*"}
    return made("F", CENTRE, one, one | {"grade_2": "P"})


def marks() -> bytes:
    one = WHO | {"component": "BEN01"}
    return made("M", CENTRE, one | {"mark": "0", "task_1": "0", "task_2": "7"}, one | {"mark_status": "A"})


def components() -> bytes:
    one = {"component": "BEN01", "title": "UNIT 1", "teacher_marks": "Y", "timetabled": "T", "session": "A",
           "due": "150524", "minutes": "0"}  # fmt: skip
    return made("C", "6B24_", one, one | {"due": "", "maximum": "60"}, distribution="B")


def options_11() -> bytes:
    one = {"option": "BEN01", "syllabus": "BEN", "item": "U", "process": "E", "title": "=1+1", "fee_defined": "N",
           "result_type": "U", "components": "1", "gradeset": "A"}  # fmt: skip
    return made("O", "6B24_", one, layout=OPTION_11, distribution="B", formats_version="11")


FILES = {
    "entries": centre_file(),
    "amendments": centre_file(letter="A", options=(), sequence=2),
    "fourteen options": centre_file([f"ZZ{number:02d}" for number in range(14)]),
    "a suffix": centre_file(changed={"suffix_3": "A"}),
    "a date that is none": centre_file(changed={"born": "310209"}),
    "a blank date": centre_file(changed={"born": ""}),
    "small letters": centre_file(changed={"name": "nowak:lotte", "option_1": "ben01"}),
    "no check letter": centre_file(changed={"uci": "641230220001"}),
    "a record of another centre": centre_file(changed={"centre": "58201"}),
    "nothing in a record": centre_file(changed=dict.fromkeys(("status", "candidate", "name", "sex", "uci", "uln"), "")),
    "formulas": centre_file(changed={"name": "=CMD:A", "status": "'", "sex": "@", "reserved": "'=A", "upn": "-1"}),
    "forecasts": forecasts(),
    "marks": marks(),
    "results": results(),
    "syllabuses": syllabuses(),
    "options": options(),
    "options of version 11": options_11(),
    "components": components(),
    "links": made("L", "6B24_", {"option": "BEN01", "component": "BEN01"}, distribution="B"),
    "disallowed": made("D", "6B24_", {"option": "*", "other": "BEN*"}, distribution="B"),
    "many centres": many_centres(),
    "a centre without records": made("E", CENTRE),
}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("scenario", FILES)
def test_there_and_back_gives_the_same_bytes(scenario: str, ending: str) -> None:
    assert there_and_back(FILES[scenario], ending) == FILES[scenario]


@EXAMPLES
@given(canonical(), st.sampled_from(ENDINGS))
def test_there_and_back_gives_the_same_bytes_for_any_canonical_file(data: bytes, ending: str) -> None:
    assert there_and_back(data, ending) == data


@EXAMPLES
@given(mutated(canonical()), st.sampled_from(ENDINGS))
def test_there_and_back_gives_the_canonical_file_of_any_readable_one(data: bytes, ending: str) -> None:
    try:
        back = there_and_back(data, ending)
    except Refused:
        return
    submission = read("a.X01", data)
    assert submission.header
    assert back == file(submission.header, submission.centres, submission.layout)


def test_what_does_not_come_back_to_the_byte_is_said(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file().replace(b"\r\n", b"\n"))
    assert "not these exact bytes" in run("E6412315.X01", "t.csv").output
    run("t.csv", "back.X01")
    assert (folder / "back.X01").read_bytes() == centre_file()


def test_batches_are_put_together_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.files.to_table.BATCH", 2)
    monkeypatch.setattr("pipeline.files.convert.BATCH", 3)
    for ending in ENDINGS:
        assert there_and_back(centre_file(count=11), ending) == centre_file(count=11)
        assert there_and_back(many_centres(), ending) == many_centres()


# --- The table -------------------------------------------------------------------------------------------------------


def test_the_table_has_the_envelope_first_and_fields_with_their_types(folder: Path) -> None:
    (folder / "R6412315.X07").write_bytes(results())
    run("R6412315.X07", "t.parquet")
    table = pl.read_parquet("t.parquet")
    assert table.columns[:15] == [
        "layout", "letter", "file_centre", "awarding_body", "series", "year", "distribution", "software",
        "software_version", "formats_version", "part", "centre", "sequence", "postcode", "produced",
    ]  # fmt: skip
    assert table.schema["score"] == pl.Int32
    assert table["score"].to_list() == [None, 7, 1234]
    assert table.schema["candidate"] == table.schema["sequence"] == pl.String
    assert table["produced"][0] == "2024-08-22"


def test_a_candidate_has_twelve_option_columns_and_a_date_of_birth(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    run("E6412315.X01", "t.parquet")
    table = pl.read_parquet("t.parquet")
    assert [name for name in table.columns if "option" in name] == [f"option_{number}" for number in range(1, 13)]
    assert not [name for name in table.columns if name.startswith("suffix") or name == "record_centre"]
    assert table.schema["born"] == pl.Date


def test_a_suffix_has_a_column_only_where_it_is_used(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(FILES["a suffix"])
    run("E6412315.X01", "t.csv")
    header = (folder / "t.csv").read_text().splitlines()[0].split(",")
    assert [name for name in header if name.startswith("suffix")] == ["suffix_3"]
    assert header.index("suffix_3") == header.index("option_3") + 1


def test_a_centre_without_records_is_one_row_without_details(folder: Path) -> None:
    (folder / "R6B24_15.X01").write_bytes(many_centres())
    run("R6B24_15.X01", "t.csv")
    [row] = [line for line in (folder / "t.csv").read_text().splitlines() if ",01234," in line]
    assert row == "R5,R,6B24_,15,6B,24,M,RESDAY,010,14,4,01234,999,CF24 3QX,2024-08-22" + "," * 19


def test_json_nests_header_centres_and_records(folder: Path) -> None:
    (folder / "R6B24_15.X01").write_bytes(many_centres())
    run("R6B24_15.X01", "t.json")
    held = json.loads((folder / "t.json").read_text())
    assert held["header"]["file_centre"] == "6B24_"
    assert [(centre["centre"], len(centre["records"])) for centre in held["centres"]] == [
        (CENTRE, 3), ("58201", 0), (CENTRE, 3), ("01234", 0),
    ]  # fmt: skip
    assert held["centres"][0]["records"][1]["score"] == 7


CELLS = st.text(st.sampled_from("=+-@\t\r'\",;A1\n "), max_size=6)


@EXAMPLES
@given(st.lists(CELLS, min_size=1))
def test_no_cell_begins_like_a_formula_and_each_comes_back(cells: list[str]) -> None:
    frame = pl.DataFrame({"cell": cells})
    safe = guarded(frame)
    assert not [cell for cell in safe["cell"] if cell[:1] in tuple("=+-@\t\r")]
    assert unguarded(safe)["cell"].to_list() == cells


def test_an_apostrophe_is_taken_off_only_where_it_protects() -> None:
    cells = pl.DataFrame({"cell": ["'=A", "''A", "'A", "'", "O'=A"]})
    assert unguarded(cells)["cell"].to_list() == ["=A", "'A", "'A", "'", "O'=A"]


def test_the_apostrophe_stands_in_the_csv_and_not_in_the_file(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(FILES["formulas"])
    run("E6412315.X01", "t.csv")
    assert {"'=CMD:A", "''", "'@", "''=A", "'-1"} <= set((folder / "t.csv").read_text().splitlines()[1].split(","))


# --- The mask --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
def test_masked_nothing_personal_is_written_and_there_is_no_way_back(ending: str, folder: Path) -> None:
    changed = {"name": "NOWAK:LOTTE", "uci": WHO["uci"][:12]}
    (folder / "E6412315.X01").write_bytes(centre_file(changed=changed, count=1))
    assert run("E6412315.X01", f"t.{ending}", "--mask").exit_code == 0
    held = (folder / f"t.{ending}").read_bytes()
    assert not [text for text in (b"NOWAK", b"LOTTE", WHO["uci"].encode()) if text in held]
    if ending != "parquet":
        assert b"..........." in held
        assert b"0001" in held
    result = run(f"t.{ending}", "E6412315.X02")
    assert result.exit_code == 4
    assert "masked" in result.output


def test_masked_the_findings_of_a_refused_file_name_only_their_places(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file(changed={"name": "NOWAK:LOTTE"})[:500])
    result = run("E6412315.X01", "t.csv", "--mask")
    assert result.exit_code == 4
    assert "[FILE_CUT] line 3" in result.output
    assert "NOWAK" not in result.output


# --- What is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "target", "why"),
    [
        ("E6412315.X01", "E6412315.X02", "one of source and target must be a common-format file"),
        ("t.csv", "t.json", "one of source and target must be a common-format file"),
        ("t.csv", "t.txt", "give it a name such as E6412315.X01"),
        ("E6412315.X01", "there.csv", "already exists"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(source: str, target: str, why: str, folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    (folder / "there.csv").write_text("kept")
    result = run(source, target)
    assert result.exit_code == 2
    assert why in result.output
    assert (folder / "there.csv").read_text() == "kept"


def test_an_existing_target_is_overwritten_by_force(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    (folder / "t.csv").write_text("old")
    assert run("E6412315.X01", "t.csv", "--force").exit_code == 0
    assert "old" not in (folder / "t.csv").read_text()


def test_an_unreadable_file_is_refused_with_its_findings(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file()[:500])
    result = run("E6412315.X01", "t.csv")
    assert result.exit_code == 4
    assert "the file cannot be read" in result.output
    assert "[FILE_CUT] line 3" in result.output
    assert sorted(path.name for path in folder.iterdir()) == ["E6412315.X01"]


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("X6412315.X01", b"REPLY\r\n", "a reply is plain text"),
        ("Z6B24_15.zip", b"PK\x05\x06" + bytes(18), "a bundle holds several files"),
        ("t.csv", b"", "cannot be read as CSV"),
        ("t.csv", b"a,b\n1,2\n", "the table has no column layout, letter"),
        ("t.csv", b"a\n1,2,3\n", "cannot be read as CSV"),
        ("t.csv", b"\xff\xfe\x00", "the table has no"),
        ("t.json", b"{", "cannot be read as JSON"),
        ("t.json", b"[1]", "does not consist of header, centres and records"),
        ("t.json", b'{"header": {}}', "'layout' is missing"),
        ("t.json", b"[" * 100_000, "does not consist of header"),
        ("t.parquet", b"PAR1", "cannot be read as PARQUET"),
    ],
)
def test_what_is_no_file_or_table_is_said_in_a_sentence(name: str, data: bytes, why: str, folder: Path) -> None:
    (folder / name).write_bytes(data)
    result = run(name, "E6412315.X02" if name.startswith("t.") else "t.csv")
    assert result.exit_code == 4, result.output
    assert why in result.output


@pytest.mark.parametrize(("source", "target"), [("nothing.X01", "t.csv"), ("nothing.csv", "E6412315.X01")])
def test_what_is_not_there_is_said_in_a_sentence(source: str, target: str, folder: Path) -> None:
    result = run(source, target)
    assert result.exit_code == 5
    assert result.output == f"{source}: No such file or directory\n"


def test_a_folder_that_is_not_there_is_said_in_a_sentence(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    result = run("E6412315.X01", "nowhere/t.csv")
    assert result.exit_code == 5
    assert result.output == "nowhere/t.csv: No such file or directory\n"


# --- Tables somebody has changed -------------------------------------------------------------------------------------


def back_after(folder: Path, name: str, data: bytes, values: dict[str, str | None]) -> Result:
    """The way back of a table whose second row was changed."""
    (folder / name).write_bytes(data)
    run(name, "t.csv")
    table = pl.read_csv("t.csv", infer_schema=False).with_row_index()
    second = pl.col("index") == 1
    cells = [pl.when(second).then(pl.lit(text)).otherwise(one).alias(one) for one, text in values.items()]
    table.with_columns(cells).drop("index").write_csv("t.csv")
    return run("t.csv", f"{name[:8]}.X09")


def changed(folder: Path, **values: str | None) -> Result:
    data = centre_file(changed={"uci": WHO["uci"][:12]}, sequence=9)
    return back_after(folder, "E6412315.X01", data, values)


def test_a_changed_cell_is_written(folder: Path) -> None:
    assert changed(folder, name="NOWAK:LOTTE", born="2009-02-01").exit_code == 0
    record = (folder / "E6412315.X09").read_text().splitlines()[3]
    assert CANDIDATE["name"].cut(record).strip() == "NOWAK:LOTTE"
    assert CANDIDATE["born"].cut(record) == "010209"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"name": "NOWAK:" + "SECRET" * 10}, "row 2: name takes 40 characters of plain ASCII"),
        ({"name": "SECRÉT:A"}, "row 2: name takes 40 characters of plain ASCII"),
        ({"born": "01/02/SECRET"}, "row 2: born is not a date such as 2009-02-01"),
        ({"letter": "A"}, "row 2: letter differs from row 1"),
        ({"part": None}, "row 2: part is blank"),
        ({"sequence": "002"}, "part 1: centre, sequence, postcode, produced differ between its rows"),
        ({"as_received": "SECRET"}, "row 2: as_received is not a record of this file"),
        ({"as_received": "E5C641230009SECRET:A"}, "row 2: as_received and the fields differ"),
    ],
)
def test_what_does_not_fit_is_said_with_its_row_and_without_its_value(
    values: dict[str, str | None], why: str, folder: Path
) -> None:
    result = changed(folder, **values)
    assert result.exit_code == 4
    assert why in result.output
    assert "SECR" not in result.output
    assert not (folder / "E6412315.X09").exists()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"score": "1234"}, "row 2: score takes 3 characters"),
        ({"score": "seven"}, "row 2: score is not a whole number"),
        ({"endorsement": "P"}, "row 2: endorsement has no place in a record of this result_type"),
    ],
)
def test_a_value_must_have_a_place_in_its_result_type(values: dict[str, str | None], why: str, folder: Path) -> None:
    result = back_after(folder, "R6412315.X07", results(), values)
    assert result.exit_code == 4
    assert why in result.output


def test_an_unknown_column_is_refused(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    run("E6412315.X01", "t.csv")
    pl.read_csv("t.csv", infer_schema=False).rename({"name": "nmae"}).write_csv("t.csv")
    assert "there is no field nmae in E5/A5" in run("t.csv", "E6412315.X02").output


def test_a_table_that_makes_no_valid_file_is_refused(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    run("E6412315.X01", "t.csv")
    pl.read_csv("t.csv", infer_schema=False).with_columns(pl.lit("58201").alias("file_centre")).write_csv("t.csv")
    result = run("t.csv", "E6412315.X02")
    assert result.exit_code == 4
    assert "[HEADERS_DIFFER]" in result.output


def test_a_name_that_does_not_fit_the_table_is_said(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    run("E6412315.X01", "t.csv")
    result = run("t.csv", "E6412315.X02")
    assert result.exit_code == 0
    assert "sequence number" in result.output


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*/*.X*")), ids=lambda path: path.name)
def test_every_sample_goes_there_and_back(path: Path) -> None:
    submission = read(path.name, path.read_bytes())
    assert submission.header
    back = file(submission.header, submission.centres, submission.layout)
    assert there_and_back(path.read_bytes(), "csv") == back
