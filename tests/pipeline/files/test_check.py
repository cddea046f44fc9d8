"""`resultsday check`: every kind of file, many files, folders and bundles, the caret, exit codes."""

from __future__ import annotations

import base64
import csv
import io
import json
import os
import quopri
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from parsers.bundle import write_bundle
from parsers.layouts import CANDIDATE
from pipeline.cli import main
from pipeline.files.check import Exit, check_file, headline
from rules.catalogue import LONDON, Catalogue
from tests.catalogue import CATALOGUE, FROZEN
from tests.parsers.strategies import EXAMPLES, canonical, mutated
from tests.pipeline.files.made import REPLY, made, options, results, syllabuses
from tests.support import CENTRE, centre_file


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


CLOSED = "would be refused today: the window closed on 2 May 2024"
REST = "not judged: what needs the ledger"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["check", *arguments])


def codes(name: str, data: bytes) -> list[str]:
    [checked] = check_file(name, data, CATALOGUE, None)
    return [finding.code for finding in checked.findings]


# --- Every kind of file ----------------------------------------------------------------------------------------------

WHO = {"centre": CENTRE, "candidate": "0001", "uci": "641230220001D"}
GOOD_MARK = WHO | {"component": "BEN01", "mark": "7"}


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("E6412315.X01", centre_file(), []),
        ("E6412315.X01", centre_file(("BEN77",)), ["OPTION_UNKNOWN"] * 3),
        ("F6412315.X07", made("F", CENTRE, WHO | {"option": "BEN01", "grade": "D*"}), []),
        ("F6412315.X07", made("F", CENTRE, WHO | {"option": "BEN01", "grade": "?"}), ["FIELD_WRONG"]),
        ("M6412315.X07", made("M", CENTRE, GOOD_MARK), []),
        ("M6412315.X07", made("M", CENTRE, GOOD_MARK | {"mark": "X"}), ["FIELD_WRONG"]),
        ("R6412315.X07", results(), []),
        ("R6412315.X07", made("R", CENTRE, WHO | {"option": "BEN01", "result_type": "Q"}), ["FIELD_WRONG"]),
        ("S6B24_15.X07", syllabuses(), []),
        ("O6B24_15.X07", options(), ["OLD_FORMAT"]),
        ("D6B24_15.X07", made("D", "6B24_", {"option": "??"}, distribution="B"), ["BASEDATA_FIELD"] * 2),
        ("X6412315.X01", REPLY, []),
        ("E6412315.X01", b"%PDF", ["FILE_NOT_EDI"]),
    ],
)
def test_every_kind_of_file_is_checked(name: str, data: bytes, expected: list[str]) -> None:
    assert codes(name, data) == expected


def test_reg_5_one_candidate_whose_number_is_none_is_one(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file(changed={"candidate": "A001"}))
    assert "[CANDIDATE_NUMBER] line 3, columns 9-12, candidate A001\n" in run("E6412315.X01").output


def test_fil_1_options_are_counted_as_they_are_read(folder: Path) -> None:
    """As a reply counts them: each once, wherever its code stands."""
    lines = centre_file(("BEN01", "BEN02")).decode().split("\r\n")
    close = [line[:108] + "BEN01BEN02".ljust(84) if line[1:2] == "5" else line for line in lines]
    twice = [line.replace("BEN02", "BEN01") for line in lines]
    for said, count in ((lines, 6), (close, 6), (twice, 3)):
        (folder / "E6412315.X01").write_text("\r\n".join(said), newline="")
        assert f"3 candidates, {count} options" in run("E6412315.X01").output


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("E6412398.X01", centre_file(body="98"), ["STREAM_UNKNOWN"]),
        ("M6412398.X07", made("M", CENTRE, GOOD_MARK, awarding_body="98"), ["STREAM_UNKNOWN"]),
        ("R6412398.X07", made("R", CENTRE, awarding_body="98"), []),
    ],
)
def test_a_series_must_be_ours_in_entries_and_marks_only(name: str, data: bytes, expected: list[str]) -> None:
    assert codes(name, data) == expected


def test_the_entry_window_is_judged_on_request(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file())
    assert run("E6412315.X01").exit_code == 0
    result = run("E6412315.X01", "--received", "2030-01-01")
    assert result.exit_code == 4
    assert "WINDOW_CLOSED" in result.output


@pytest.mark.parametrize(
    ("name", "data", "received", "not_judged"),
    [
        ("E6412315.X01", centre_file(), None, ["the entry window", "the centre's approval, registrations"]),
        ("E6412315.X01", centre_file(), "2024-02-15", ["the centre's approval, registrations"]),
        ("M6412315.X07", made("M", CENTRE, GOOD_MARK), None, ["entries and the marks deadline"]),
        ("R6412315.X07", results(), None, []),
    ],
)
def test_ent_2_what_is_not_judged_is_said(
    folder: Path, name: str, data: bytes, received: str | None, not_judged: list[str]
) -> None:
    (folder / name).write_bytes(data)
    options = ["--received", received] if received else []
    [told] = json.loads(run(name, "--json", *options).output)
    assert len(told["not_judged"]) == len(not_judged)
    assert all(sentence.startswith(words) for sentence, words in zip(told["not_judged"], not_judged, strict=True))
    assert ("not judged: what needs the ledger" in run(name, *options).output) == bool(not_judged)


@pytest.mark.parametrize(
    ("in_force_from", "received", "found"),
    [
        # May/June 2024 closes at the end of 2 May.
        ("2024-05-02", None, ["OPTION_NOT_IN_SERIES"] * 3),
        ("2024-05-03", None, []),
        ("2024-02-15", datetime(2024, 2, 15, tzinfo=LONDON), ["OPTION_NOT_IN_SERIES"] * 3),
        ("2024-02-16", datetime(2024, 2, 15, tzinfo=LONDON), []),
    ],
)
def test_cal_2_a_file_is_checked_by_the_catalogue_of_its_receipt_or_of_its_window(
    tmp_path: Path, in_force_from: str, received: datetime | None, found: list[str]
) -> None:
    """BEN01 ends with May/June 2023 by a later edition."""
    changed = Path(shutil.copytree(FROZEN, tmp_path / "catalogue"))
    with (changed / "components.csv").open(encoding="utf-8", newline="") as file:
        [row] = [one for one in csv.DictReader(file) if one["component_code"] == "BEN01"]
    with (changed / "components.csv").open("a", encoding="utf-8", newline="") as file:
        row |= {"last_series": "2023-06", "in_force_from": in_force_from}
        csv.DictWriter(file, list(row), lineterminator="\n").writerow(row)
    [checked] = check_file("E6412315.X01", centre_file(("BEN01",)), Catalogue.load(changed), received)
    assert [finding.code for finding in checked.findings] == found


def test_a_bundle_is_checked_with_its_members(folder: Path) -> None:
    bundle = write_bundle([("S6B24_15.X07", syllabuses()), ("O6B24_15.X07", options())])
    (folder / "Z6B24_15.zip").write_bytes(bundle)
    result = run("Z6B24_15.zip")
    assert result.exit_code == 4
    assert "[BUNDLE_MEMBER_MISSING]" in result.output
    assert re.search("^Z6B24_15.zip/O6B24_15.X07: 1 record; 1 warning$", result.output, re.MULTILINE)
    assert result.output.endswith("3 files: 1 with nothing to mend, 1 with warnings only, 1 refused\n")


def test_a_finding_in_a_member_shows_its_record(folder: Path) -> None:
    broken = made("S", "6B24_", {"syllabus": "b?d", "title": "ENTERPRISE"}, distribution="B")
    (folder / "Z6B24_15.zip").write_bytes(write_bundle([("S6B24_15.X07", broken)]))
    assert re.search(r"    3 \| S5b\?d", run("Z6B24_15.zip").output)


# --- Many files ------------------------------------------------------------------------------------------------------


@pytest.fixture
def several(folder: Path) -> Path:
    inside = folder / "files" / "b" / "c"
    inside.mkdir(parents=True)
    (folder / "files" / ".hidden").mkdir()
    (inside / "E6412315.X01").write_bytes(centre_file())
    (folder / "files" / "a.X01").write_bytes(b"%PDF")
    (folder / "files" / "d").mkdir()
    (folder / "files" / "d" / "E6412315.X01").write_bytes(centre_file(changed={"name": "NOWAK*:LOTTE"}))
    (folder / "files" / ".E6412315.X01").write_bytes(b"")
    (folder / "files" / ".hidden" / "E6412315.X01").write_bytes(b"")
    os.mkfifo(folder / "files" / "pipe")
    return folder


def test_folders_are_walked_in_order_and_hidden_files_passed_over(several: Path) -> None:
    result = run("files")
    assert re.findall("^(.*): .*", result.output, re.MULTILINE)[0] == "files/a.X01"
    shown = [line for line in result.output.splitlines() if line.startswith("files/")]
    assert shown == [
        "files/a.X01: 1 that refuses the file",
        f"files/b/c/E6412315.X01: good: 3 candidates, 12 options; {CLOSED}; {REST}",
        f"files/d/E6412315.X01: 3 candidates, 12 options; 1 warning; {CLOSED}; {REST}",
    ]


def test_several_files_end_with_a_summary_and_the_highest_exit_code(several: Path) -> None:
    result = run("files", "nothing.X01")
    assert result.exit_code == 5
    assert result.output.endswith("\n4 files: 1 with nothing to mend, 1 with warnings only, 1 refused, 1 unreadable\n")
    assert "nothing.X01: cannot be read: No such file or directory" in result.output


def test_one_file_has_no_summary(several: Path) -> None:
    output = run("files/b/c/E6412315.X01", "--received", "2024-02-15").output
    assert output == f"files/b/c/E6412315.X01: good: 3 candidates, 12 options; {REST}\n"


def test_a_folder_without_a_file_is_an_error(folder: Path) -> None:
    (folder / "empty" / "within").mkdir(parents=True)
    (folder / "empty" / "Thumbs.db").write_bytes(b"")
    result = run("empty")
    assert result.exit_code == 5
    assert "empty: cannot be read: the folder holds no file to check" in result.output


def test_what_nobody_sends_is_passed_over_in_folders_and_named(several: Path) -> None:
    for name in ("Thumbs.db", "desktop.ini", "~$list.docx", "X6412315.X01", "X6412315.X01.json"):
        (several / "files" / name).write_bytes(REPLY)
    (several / "files" / "mended").mkdir()
    (several / "files" / "mended" / "E6412315.X01").write_bytes(b"%PDF")
    output = run("files").output
    assert "passed over, as none that is sent: 5 files (" in output
    assert "\n3 files: " in output
    assert "X6412315.X01: good" in run("files/X6412315.X01").output


def test_before_and_in_the_window_its_state_is_told() -> None:
    def told(day: datetime) -> str:
        [checked] = check_file("E6412315.X01", centre_file(), CATALOGUE, None, now=day)
        return headline(checked)

    good = "E6412315.X01: good: 3 candidates, 12 options; "
    assert told(datetime(2023, 7, 2, tzinfo=LONDON)).startswith(f"{good}would be refused today: the window opens on ")
    assert told(datetime(2024, 2, 15, tzinfo=LONDON)) == f"{good}{REST}"
    assert told(datetime(2024, 5, 3, tzinfo=LONDON)) == f"{good}{CLOSED}; {REST}"


# --- Packed, and mended ----------------------------------------------------------------------------------------------


def test_entry_files_in_an_archive_get_the_same_answer_under_any_name(folder: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("to send/E6412315.X01", centre_file())
        archive.writestr("to send/A6412315.X02", centre_file())
    said = []
    for name in ("entries.zip", "E6412315.X01"):
        (folder / name).write_bytes(packed.getvalue())
        result = run(name, "--json")
        assert result.exit_code == 4
        [finding] = json.loads(result.output)[0]["findings"]
        said.append((finding["code"], finding["message"], finding["remedy"]))
    assert said[0] == said[1]
    assert said[0][0] == "FILE_ZIPPED"
    assert "Unpack it" in said[0][2]


def upn_left_out(data: bytes) -> bytes:
    place = CANDIDATE["upn"]
    lines = data.split(b"\r\n")
    return b"\r\n".join(
        line[: place.first - 1] + line[place.last :] + b" " * place.width if line[1:2] == b"5" else line
        for line in lines
    )


def rearranged(data: bytes, columns: tuple[int, ...]) -> bytes:
    """The file with the columns of sex and date of birth, 53 to 59, in another order."""
    first, last = min(columns), max(columns)
    lines = data.split(b"\r\n")
    return b"\r\n".join(
        line[: first - 1] + bytes(line[column - 1] for column in columns) + line[last:] if line[1:2] == b"5" else line
        for line in lines
    )


@pytest.mark.parametrize(
    "spoil",
    [
        bytes.lower,
        upn_left_out,
        lambda data: data.replace(b"\r\n", b"\r\r\n"),
        lambda data: data.replace(b"\r\n", b""),
        lambda data: data.replace(b"\r\n", b"\n\n"),
        lambda data: data + b"\x1a" + b"\0" * 100,
        lambda data: b"".join(b"> " + line for line in data.splitlines(keepends=True)),
        lambda data: b"Dear all,\r\n" + data + b"-- \r\nThe exams office\r\n",
        lambda data: data.decode().encode("utf-16"),
        lambda data: data.decode().encode("utf-16-be"),
        base64.encodebytes,
        quopri.encodestring,
        lambda data: rearranged(data, (54, 55, 56, 57, 58, 59, 53)),
        lambda data: re.sub(rb"(?m)^(E5C.{5})0*", lambda found: found[1].ljust(11), data),
        lambda data: re.sub(rb"(?m)^(E5.{50})", lambda found: found[1].rstrip(), data),
        lambda data: data.replace(b"RESDAY 01014  ", b"RESDAY 0101014"),
        lambda data: b"".join(line * 2 for line in data.splitlines(keepends=True)),
    ],
)
def test_fil_4_a_mended_file_is_the_file_as_it_should_have_been(folder: Path, spoil: Callable[[bytes], bytes]) -> None:
    good = centre_file(count=5)
    (folder / "E6412315.X01").write_bytes(spoil(good))
    result = run("E6412315.X01", "--mended")
    assert "mended, look at it before you send it: mended/E6412315.X01: good: 5 candidates" in result.output
    assert (folder / "mended" / "E6412315.X01").read_bytes() == good
    assert (folder / "E6412315.X01").read_bytes() == spoil(good)
    again = run("E6412315.X01", "--mended", "--json")
    assert json.loads(again.output)[0]["mended"] == "mended/E6412315.X01"


@pytest.mark.parametrize("columns", [(53, 56, 57, 54, 55, 58, 59), (53, 58, 59, 56, 57, 54, 55)])
def test_fil_4_dates_of_birth_in_another_order_are_one_finding_and_are_mended(
    folder: Path, columns: tuple[int, ...]
) -> None:
    good = centre_file(count=30)
    (folder / "E6412315.X01").write_bytes(rearranged(good, columns))
    result = run("E6412315.X01", "--mended")
    assert "1 that refuses the file" in result.output
    assert "[DATES_ORDER]" in result.output
    assert (folder / "mended" / "E6412315.X01").read_bytes() == good


def test_fil_4_where_there_is_doubt_nothing_is_mended(folder: Path) -> None:
    squeezed = re.sub(b" +", b" ", centre_file(count=5))
    for name, data, words in (
        ("E6412315.X01", squeezed, "what is wrong leaves doubt about what it should be"),
        ("E6412315.X02", b"%PDF", "what is wrong leaves doubt about what it should be"),
        ("E6412315.X03", centre_file(changed={"sex": "Q"}, sequence=3), "nothing in it can be mended without asking"),
    ):
        (folder / name).write_bytes(data)
        assert f"not mended: {words}" in run(name, "--mended").output
    assert not (folder / "mended").exists()


def test_fil_4_a_mended_file_has_the_name_that_its_headers_give_it(folder: Path) -> None:
    (folder / "entries June.txt").write_bytes(centre_file())
    result = run("entries June.txt", "--mended")
    assert "as E6412315.X01: that is its name by its headers" in result.output
    assert (folder / "mended" / "E6412315.X01").read_bytes() == centre_file()


def test_fil_1_the_check_tells_causes_as_a_reply_does(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file(("BEN77",), count=40))
    result = run("E6412315.X01")
    assert "1 that refuses 40 candidates" in result.output
    assert "[OPTION_UNKNOWN] candidates 0001 to 0040 (lines 3-42, columns 109-114)" in result.output
    told = json.loads(run("E6412315.X01", "--json").output)[0]
    assert [cause["candidates"] for cause in told["causes"]] == [[["0001", "0040"]]]


def test_fil_1_of_a_file_that_is_refused_only_what_decides_is_shown(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file(("BEN77",)).replace(b"6B24", b"6B23", 1))
    result = run("E6412315.X01")
    assert "OPTION_UNKNOWN" not in result.output
    assert "3 more findings" not in result.output
    assert "1 more finding not shown" in result.output
    assert len(json.loads(run("E6412315.X01", "--json").output)[0]["findings"]) == 4


def test_fil_4_a_file_from_the_future_a_learner_of_no_age_and_a_record_twice_are_told() -> None:
    now = datetime(2024, 2, 15, 12, tzinfo=LONDON)
    good = centre_file(count=2)
    [later] = check_file("E6412315.X01", good.replace(b"010922", b"160224"), CATALOGUE, None, now=now)
    assert [finding.code for finding in later.findings] == ["FILE_FROM_FUTURE"]
    [old] = check_file("E6412315.X01", centre_file(changed={"born": "090288"}), CATALOGUE, None)
    assert [(finding.code, finding.message) for finding in old.findings] == [
        ("AGE_UNUSUAL",
         'date of birth "090288" was read as 9 February 1988: candidate 0001 is 36 years old at May/June 2024'),
    ]  # fmt: skip
    lines = good.split(b"\r\n")
    twice = b"\r\n".join([*lines[:3], lines[2], *lines[3:]])
    twice = twice.replace(b"0000004", b"0000005").replace(b"0000006", b"0000007")
    assert codes("E6412315.X01", twice) == ["RECORD_TWICE"]


def test_a_mended_file_takes_no_other_ones_place(folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file().lower())
    (folder / "mended").mkdir()
    (folder / "mended" / "E6412315.X01").write_bytes(b"mine")
    assert "is there already and holds something else" in run("E6412315.X01", "--mended").output
    assert (folder / "mended" / "E6412315.X01").read_bytes() == b"mine"


def test_json_holds_all_files(several: Path) -> None:
    result = CliRunner().invoke(main, ["check", "files", "nothing.X01", "--json"])
    assert result.exit_code == 5
    held = json.loads(result.stdout)
    assert [(one["file"], one["exit"], [two["code"] for two in one["findings"]]) for one in held] == [
        ("files/a.X01", "file", ["FILE_NOT_EDI"]),
        ("files/b/c/E6412315.X01", "clean", []),
        ("files/d/E6412315.X01", "warnings", ["NAME_CHARACTERS"]),
        ("nothing.X01", "unreadable", []),
    ]
    assert held[3]["problem"] == "No such file or directory"


@pytest.mark.parametrize(
    ("changed", "exit_code"),
    [
        ({}, Exit.CLEAN),
        ({"name": "NOWAK*:LOTTE"}, Exit.WARNINGS),
        ({"sex": "X"}, Exit.CANDIDATES),
    ],
)
def test_the_exit_code_says_how_bad_it_is(changed: dict[str, str], exit_code: Exit, folder: Path) -> None:
    (folder / "E6412315.X01").write_bytes(centre_file(changed=changed))
    assert run("E6412315.X01").exit_code == exit_code


def test_a_file_larger_than_the_desk_reads_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESULTSDAY_MAX_FILE_BYTES", "1000")
    (folder / "E6412315.X01").write_bytes(centre_file())
    result = run("E6412315.X01")
    assert result.exit_code == 5
    assert "more than the 1,000 bytes the desk reads" in result.output


# --- The caret -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strange", ["", "…", "É", "漢", "\x0b", "\x85", "\u2028"])
def test_the_caret_stands_under_the_columns_whatever_came_before(strange: str, folder: Path) -> None:
    name = f"NOWAK{strange}:LOTTE".ljust(40)
    lines = centre_file(changed={"sex": "Q"}, count=2).decode().split("\r\n")
    place = CANDIDATE["name"]
    lines[2] = lines[2][: place.first - 1] + name + lines[2][place.last :]
    (folder / "E6412315.X01").write_bytes("\r\n".join(lines).encode())
    shown = run("E6412315.X01").output.splitlines()
    at = next(number for number, line in enumerate(shown) if "[SEX]" in line)
    assert shown[at + 1][shown[at + 2].index("^")] == "Q"
    assert shown[at + 2].count("^") == 1


def test_a_line_that_only_looks_like_two_is_counted_as_the_reader_counts_it(folder: Path) -> None:
    lines = centre_file(changed={"sex": "Q"}, count=2).split(b"\r\n")
    lines[1] = lines[1][:16] + b"CF24\x85QX " + lines[1][24:]
    (folder / "E6412315.X01").write_bytes(b"\r\n".join(lines))
    assert re.search(r"\[SEX\] line 3.*\n +3 \| .*Q", run("E6412315.X01").output)


@EXAMPLES
@given(mutated(canonical()), st.booleans())
def test_whatever_a_file_is_it_is_checked_and_shown(data: bytes, as_json: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "E6412315.X01")
        path.write_bytes(data)
        result = run(str(path), *(["--json"] if as_json else []))
    assert isinstance(result.exception, SystemExit) or result.exception is None, result.exception
    assert result.exit_code in set(Exit)
