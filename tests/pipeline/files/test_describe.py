"""`resultsday describe`: golden text of small files of several types, one record field by field, and the mask."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from parsers.bundle import write_bundle
from parsers.envelope import Centre, Header
from parsers.layouts import CANDIDATE
from parsers.lines import lines_of
from parsers.reader import read
from parsers.writer import file
from pipeline.cli import main
from pipeline.files.describe import Wish, describe, one_record
from tests.golden import FIXTURES, Golden
from tests.parsers.strategies import EXAMPLES, canonical, mutated
from tests.pipeline.files.made import PERSON, REPLY, options, results, syllabuses
from tests.support import CENTRE, centre_file

FILES = {
    "entries": ("E6412315.X01", centre_file(changed={"name": "=NOWAK*:LOTTE", "born": "000000"})),
    "results": ("R6412315.X07", results()),
    "options of version 12": ("O6B24_15.X07", options()),
    "reply": ("X6412315.X01", REPLY),
    "bundle": ("Z6B24_15.zip", write_bundle([("S6B24_15.X07", syllabuses()), ("O6B24_15.X07", options())])),
    "no file": ("E6412315.X01", b"%PDF-1.7"),
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.chdir(tmp_path)
    return Runner(tmp_path)


class Runner:
    """Runs the command on a file of that name and contents."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, name: str, data: bytes, *options: str) -> Result:
        (self._folder / name).write_bytes(data)
        return CliRunner().invoke(main, ["describe", name, *options])


@pytest.mark.parametrize("scenario", FILES)
def test_a_file_looks_as_it_should(scenario: str, run: Runner, golden: Golden) -> None:
    name, data = FILES[scenario]
    result = run(name, data)
    golden.file(FIXTURES / "describe" / f"{scenario.replace(' ', '-')}.txt", result.output)
    assert result.exit_code == (4 if scenario == "no file" else 0)


@pytest.mark.parametrize("line", [1, 3, 4])
def test_one_record_looks_as_it_should(line: int, run: Runner, golden: Golden) -> None:
    result = run("R6412315.X07", results(), "--record", str(line))
    assert result.exit_code == 0
    golden.file(FIXTURES / "describe" / f"results-record-{line}.txt", result.output)


def test_tables_on_a_terminal_of_100_columns_fit_and_keep_line_and_candidate() -> None:
    lines = list(describe(read("E6412315.X01", centre_file(count=30)), Wish(width=100)))
    assert max(map(len, lines)) <= 100
    assert len([line for line in lines if line.startswith("line  candidate  ")]) == 2


def test_piped_a_record_is_one_line(run: Runner) -> None:
    found = [line for line in run(*FILES["results"]).output.splitlines() if "BZH99" in line]
    assert len(found) == 1
    assert {"M2", "1234", PERSON["uln"]} <= set(found[0].split())


@pytest.mark.parametrize(("options", "shown"), [((), 20), (("--rows", "5"), 5), (("--rows", "0"), 0), (("--all",), 30)])
def test_so_many_records_are_shown(options: tuple[str, ...], shown: int, run: Runner) -> None:
    output = run("E6412315.X01", centre_file(count=30), *options).output
    assert len(re.findall("^ *[0-9]+  [0-9]{4}       C ", output, re.MULTILINE)) == shown
    assert ("more" in output) == (shown in (5, 20, 0))


def test_centres_of_a_large_file_are_counted_not_listed() -> None:
    parts = [Centre(number=f"{n:05d}", sequence=1, produced="220824") for n in range(1, 1001)]
    header = Header(letter="R", centre="6B24_", awarding_body="15", series="6B", year="24", distribution="M")
    lines = list(describe(read("R6B24_15.X01", file(header, parts)), Wish(rows=0)))
    assert "centres          1,000: 00001, 00002, 00003, 00004, 00005, 00006 and 994 more" in lines
    assert lines[-1].endswith("... and 1000 more centres (--all shows them)")


def test_dates_are_spelt_out_and_a_date_of_birth_is_of_its_century(run: Runner) -> None:
    data = centre_file(changed={"born": "010299"}, series="6B24")
    assert "1999-02-01" in run("E6412315.X01", data).output
    assert re.search("born .* 010299 .* 1999-02-01", run("E6412315.X01", data, "--record", "3").output)


# --- The mask --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [("--all",), ("--record", "3")])
def test_masked_nothing_personal_is_shown(options: tuple[str, ...], run: Runner) -> None:
    data = centre_file(count=1, changed={"upn": "A993956818535", "reserved": "SECRET", "name": "NOWAK:LOTTE"})
    shown = run("E6412315.X01", data, *options).output
    hidden = run("E6412315.X01", data, "--mask", *options).output
    for text in (PERSON["uci"], PERSON["uln"], "NOWAK:LOTTE", "A993956818535", "SECRET"):
        assert text in shown
        assert text not in hidden
        assert "." * len(text) in hidden
    assert {"0001", CENTRE, "BEN01"} <= set(re.findall("[A-Z0-9]+", hidden))


def test_masked_a_shifted_record_is_hidden_whole(run: Runner) -> None:
    lines = centre_file(changed={"name": "NOWAK:LOTTE"}).decode().split("\r\n")
    without_upn = lines[2][: CANDIDATE["upn"].first - 1] + lines[2][CANDIDATE["upn"].last :]
    lines[2] = without_upn.ljust(CANDIDATE.width)
    data = "\r\n".join(lines).encode()
    result = run("E6412315.X01", data, "--mask", "--record", "3")
    assert "shifted" in result.output
    assert not re.search("NOWAK|LOTTE|" + PERSON["uln"], result.output)
    assert "not readable: line 3" in run("E6412315.X01", data, "--mask").output


def test_a_reply_is_not_shown_masked(run: Runner) -> None:
    assert "about E6412315" not in run("X6412315.X01", REPLY, "--mask").output


# --- What is wrong with it -------------------------------------------------------------------------------------------


def test_a_line_without_a_record_is_wrong_usage(run: Runner) -> None:
    result = run("E6412315.X01", centre_file(), "--record", "99")
    assert result.exit_code == 2
    assert "line 99 holds no record" in result.output


def test_a_record_of_a_bundle_is_wrong_usage(run: Runner) -> None:
    assert run(*FILES["bundle"], "--record", "3").exit_code == 2


def test_what_is_not_there_is_said_in_a_sentence() -> None:
    result = CliRunner().invoke(main, ["describe", "nothing.X01"])
    assert result.exit_code == 5
    assert result.output == "nothing.X01: No such file or directory\n"


@EXAMPLES
@given(mutated(canonical()), st.booleans())
def test_whatever_a_file_is_it_is_described(data: bytes, mask: bool) -> None:
    submission = read("E6412315.X01", data)
    assert list(describe(submission, Wish(mask=mask, width=100)))
    for part in submission.centres:
        for line in part.lines:
            assert list(one_record(submission, lines_of(data), line, Wish(mask=mask)))
