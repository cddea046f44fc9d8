"""The command line as the shell sees it: pipes, colours, completion, exit codes; `layout` and `identify`."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pipeline.cli import main
from tests.golden import FIXTURES, Golden
from tests.patience import PATIENCE
from tests.support import centre_file

RESULTSDAY = Path(sys.executable).with_name("resultsday")
ESCAPE = "\x1b"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "E6412315.X01").write_bytes(centre_file(changed={"name": "NOWAK*:LOTTE"}, count=30))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def piped(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [RESULTSDAY, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=surroundings(**environment),
    )


def surroundings(**environment: str) -> dict[str, str]:
    unset = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PYTHONIOENCODING")
    return {name: text for name, text in os.environ.items() if name not in unset} | {"TERM": "xterm"} | environment


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> str:
    """What a command shows when stdout and stderr are a terminal."""
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [RESULTSDAY, *arguments],
        cwd=folder,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=surroundings(**environment),
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    running.wait(timeout=PATIENCE)
    return shown.decode()


# --- Pipes, colours, exit codes --------------------------------------------------------------------------------------


def test_colours_are_for_terminals(folder: Path) -> None:
    assert ESCAPE in on_a_terminal(folder, "check", "E6412315.X01")
    assert ESCAPE not in on_a_terminal(folder, "check", "E6412315.X01", NO_COLOR="1")
    assert ESCAPE not in piped(folder, "check", "E6412315.X01").stdout


def test_the_shell_gets_the_exit_code(folder: Path) -> None:
    assert piped(folder, "check", "E6412315.X01").returncode == 1
    assert piped(folder, "check", "nothing").returncode == 5
    assert piped(folder, "check").returncode == 2
    assert piped(folder, "identify", "0000").returncode == 3


def test_many_files_show_their_progress_on_a_terminal_only(folder: Path) -> None:
    for number in range(30):
        (folder / f"E{number:05d}15.X01").write_bytes(centre_file(centre=f"{number:05d}"))
    assert "reading" in on_a_terminal(folder, "check", ".")
    done = piped(folder, "check", ".")
    assert done.stderr == ""
    assert "reading" not in done.stdout
    assert "31 files: 30 with nothing to mend, 1 with warnings only" in done.stdout


def test_a_reader_that_goes_away_is_no_stack_trace(folder: Path) -> None:
    for arguments in ("describe --all E6412315.X01", "check E6412315.X01", "layout E5"):
        shell = f"'{RESULTSDAY}' {arguments} | head -1"
        done = subprocess.run(["bash", "-c", shell], cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        assert done.stdout
        assert done.stderr == ""


def test_a_terminal_without_the_characters_gets_their_numbers(folder: Path) -> None:
    done = piped(folder, "describe", "E6412315.X01", "--record", "3", PYTHONIOENCODING="iso8859-5")
    assert done.returncode == 0
    assert r"\xb7" in done.stdout


def test_tables_are_as_wide_as_the_terminal(folder: Path) -> None:
    shown = on_a_terminal(folder, "describe", "E6412315.X01", COLUMNS="100")
    assert max(map(len, shown.splitlines())) <= 100
    assert "options" in shown


def test_a_file_name_that_is_no_text_is_shown(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.X01")).write_bytes(centre_file())
    for command in ("check", "describe"):
        done = subprocess.run(
            [os.fsencode(RESULTSDAY), command.encode(), b"\xff.X01"], cwd=folder, capture_output=True, timeout=PATIENCE
        )
        assert b"Traceback" not in done.stderr
        assert rb"\udcff.X01" in done.stdout


def test_help_needs_nothing_heavy() -> None:
    heavy = "sys.exit(any(one in sys.modules for one in ('polars', 'numpy', 'sqlalchemy', 'boto3', 'lark')))"
    assert (
        subprocess.run([sys.executable, "-c", f"import sys, pipeline.cli; {heavy}"], timeout=PATIENCE).returncode == 0
    )


# --- layout ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["R5", "r5", "r"])
def test_a_record_type_looks_as_it_should(asked: str, golden: Golden) -> None:
    result = run("layout", asked)
    assert result.exit_code == 0
    golden.file(FIXTURES / "describe" / "layout-r5.txt", result.output)


def test_the_list_of_record_types_looks_as_it_should(golden: Golden) -> None:
    golden.file(FIXTURES / "describe" / "layout.txt", run("layout").output)


@pytest.mark.parametrize(
    ("asked", "title"),
    [("1", "1: File header"), ("a5", "E5/A5: Candidate"), ("E5/A5", "E5/A5:"), ("o5V12", "O5, version 12: Option"),
     ("O5, version 11", "O5, version 11: Option")],
)  # fmt: skip
def test_record_types_go_by_several_names(asked: str, title: str) -> None:
    assert run("layout", asked).output.startswith(title)


def test_what_is_no_record_type_is_wrong_usage() -> None:
    result = run("layout", "Q5")
    assert result.exit_code == 2
    assert "choose from 1, 3, 7, 9, E5" in result.output
    assert run("layout", "X").exit_code == 2


def test_layouts_as_json_have_their_overlays() -> None:
    one = json.loads(run("layout", "R5", "--json").output)
    assert [two["is"] for two in one["overlays"]] == [["1", "2", "3"], ["U", "M"], ["B", "C"]]
    assert one["fields"][2] | {"expected": ""} == {
        "name": "centre", "first": 3, "last": 7, "width": 5, "kind": "N", "required": True,
        "contents": "centre number", "expected": "", "grade": "S",
    }  # fmt: skip
    assert {two["record"] for two in json.loads(run("layout", "--json").output)} >= {"1", "E5/A5", "O5, version 11"}


# --- identify --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("681990012058G", "UCI"), ("68199-0-01-2058-g", "UCI"), ("9276308686", "ULN"), ("H868372920848", "UPN"),
        ("64123", "Centre number"), ("0001", "Candidate number"), ("12", "Candidate number"), ("6B24", "Series"),
        ("6b23_", "Series"), ("E6412315.X01", "File name"), ("Z6A16_70.zip", "File name"),
    ],
)  # fmt: skip
def test_an_identifier_is_told_by_its_shape(value: str, kind: str) -> None:
    result = run("identify", value)
    assert result.output.startswith(f"{kind} ")
    assert ": valid\n" in result.output
    assert result.exit_code == 0


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("681990012058H", "UCI"), ("681990012058", "UCI"), ("9276308687", "ULN"), ("A868372920848", "UPN"),
        ("0000", "Candidate number"), ("ZB24", "Series"), ("E6412315 (1).X01", "File name"),
        ("E64.X01", "File name"),
    ],
)  # fmt: skip
def test_what_is_nearly_an_identifier_is_explained(value: str, kind: str) -> None:
    result = run("identify", value)
    assert result.output.startswith(f"{kind} ")
    assert ": not valid\n" in result.output
    assert "remedy" in result.output
    assert result.exit_code == 3


@pytest.mark.parametrize("value", ["hello", "", "BEN01", "\x1b[2J", "١٢٣٤٥", "1" * 1000])
def test_what_looks_like_nothing_is_said(value: str) -> None:
    result = run("identify", "6B24", value)
    assert "does not look like any of UCI" in result.output
    assert ESCAPE not in result.output
    assert result.exit_code == 3


# --- Completion ------------------------------------------------------------------------------------------------------


def completed(*words: str) -> list[str]:
    """What bash completes the last word to, with the script that the command prints."""
    script = run("completion", "bash").output
    line = " ".join(f"'{word}'" for word in words)
    asked = (
        f"{script}\nCOMP_WORDS=(resultsday {line}); COMP_CWORD={len(words)}\n"
        f"_resultsday_completion '{RESULTSDAY}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, timeout=PATIENCE)
    assert done.stderr == ""
    return done.stdout.split()


def test_bash_completes_commands_record_types_and_shells() -> None:
    assert completed("des") == ["describe"]
    assert completed("layout", "o5") == ["O5", "O5V12", "O5V11"]
    assert {"E", "E5"} <= set(completed("layout", "e"))
    assert completed("completion", "f") == ["fish"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_their_script(shell: str) -> None:
    result = run("completion", shell)
    assert result.exit_code == 0
    assert "_RESULTSDAY_COMPLETE" in result.output
    assert re.search("resultsday", result.output)


def test_a_shell_nobody_knows_is_wrong_usage() -> None:
    assert run("completion", "csh").exit_code == 2
