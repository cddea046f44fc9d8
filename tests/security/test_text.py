"""Control characters, terminal escapes, SQL and templates in names and fields: told as text, obeyed by nobody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from infra.ledger.tables import metadata
from parsers.findings import visible
from parsers.names import normal_name
from pipeline.cli import main
from tests.security import hostile
from tests.security.conftest import Taken

STRANGE = [*hostile.NAMED, *hostile.ILL_FORMED, *hostile.IN_FIELDS, *hostile.FEEDS]


def obeyed(text: str) -> list[str]:
    """Characters a terminal would do something about, or that turn text around."""
    return [letter for letter in text if not letter.isprintable() and letter != "\n"]


# --- Replies and logs ------------------------------------------------------------------------------------------------


def test_every_reply_is_printable_ascii_in_lines_of_bounded_length(taken: Taken) -> None:
    texts = [stored.key for stored in taken.desk.store.list("outbox/") if re.search("/X[^/]*[0-9]$", stored.key)]
    assert len(texts) > 150
    for key in texts:
        assert re.fullmatch(rb"([ -~]{0,800}\r\n)+", taken.desk.store.get(key)), key


def test_every_index_is_printable(taken: Taken) -> None:
    indexes = [stored.key for stored in taken.desk.store.list("outbox/") if "/index." in stored.key]
    assert indexes
    for key in indexes:
        assert obeyed(taken.desk.store.get(key).decode().replace("\r\n", "\n")) == [], key


def test_every_twin_is_printable_ascii(taken: Taken) -> None:
    for stored in taken.desk.store.list("outbox/"):
        if stored.key.endswith(".json"):
            assert re.fullmatch(rb"[ -~\n]+", taken.desk.store.get(stored.key)), stored.key


def test_the_log_of_the_ingest_is_printable(taken: Taken) -> None:
    assert taken.log.count("received submission") > 150
    assert obeyed(taken.log) == []


@pytest.mark.parametrize("case", STRANGE, ids=lambda case: ascii(case.name[:40]))
def test_what_is_quoted_is_written_out(taken: Taken, case: hostile.Case) -> None:
    for finding in taken.reply(case)["findings"]:
        for name in ("value", "message", "expected", "remedy", "candidate", "option"):
            assert obeyed(finding[name] or "") == [], (name, finding)


# --- Commands on a terminal ------------------------------------------------------------------------------------------

COMMANDS = (("check",), ("describe",), ("describe", "--record", "3"), ("convert", "--force"), ("identify",))


ODD = [case for case in STRANGE if re.search(rb"[^ -~]", case.name) or re.search(rb"[^ -~\r\n]", case.data)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hostile files under their own names."""
    folder = tmp_path_factory.mktemp("strange")
    for number, case in enumerate(ODD):
        place = folder / f"{number:03d}"
        place.mkdir()
        (place / os.fsdecode(case.name)).write_bytes(case.data[:100_000])
    return folder


def said(folder: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """What each command says of each file; colours are left in, as on a terminal."""
    runner = CliRunner()
    yield ("check", "the folder"), runner.invoke(main, ["check", str(folder)], color=True).output
    for path in sorted(folder.glob("*/*")):
        for command in COMMANDS:
            what = [path.name] if command[0] == "identify" else [str(path)]
            what += [str(folder / "out.csv")] if command[0] == "convert" else []
            result = runner.invoke(main, [*command, "--", *what], color=True)
            assert result.exception is None or isinstance(result.exception, SystemExit), (command, what)
            yield (*command, *what), result.output


def test_commands_print_nothing_that_a_terminal_obeys(folder: Path) -> None:
    outputs = list(said(folder))
    assert len(outputs) > 150
    for command, output in outputs:
        assert obeyed(output) == [], command


def test_the_explanation_of_an_outcome_says_names_and_reasons_as_text(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = taken.desk.settings
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    arguments = ["explain", "--centre", hostile.FIELDS, "--candidate", "0001"]
    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code == 0, result.output
    assert obeyed(result.output) == []
    written_out = visible(hostile.ESCAPES)[:12]
    assert result.output.count(written_out) >= 3  # the name of a feed, who granted a sitting, and why


def test_fil_7_a_refused_command_repeats_nothing_that_a_terminal_obeys(
    taken: Taken, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in taken.desk.settings.environment().items():
        monkeypatch.setenv(name, value)
    arguments = ["explain", "--centre", hostile.FIELDS, "--candidate", f"0001{hostile.ESCAPES}"]
    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code == 2
    assert "nothing was done: CANDIDATE has a character that cannot be read" in result.output
    assert obeyed(result.output) == []


# --- SQL, COPY, templates --------------------------------------------------------------------------------------------


def test_the_tables_are_all_there_and_hold_what_was_booked(taken: Taken) -> None:
    there = {name for (name,) in taken.rows("SELECT table_name FROM information_schema.tables")}
    assert set(metadata.tables) <= there
    assert taken.rows("SELECT count(*) FROM submissions") == [(len(list(hostile.every_case())),)]


def test_names_are_stored_to_the_letter_in_their_normal_form(taken: Taken) -> None:
    stored = taken.rows("SELECT DISTINCT name FROM registrations WHERE centre = :centre", centre=hostile.FIELDS)
    without_letters = {"\\.:\\N", "':' OR 1=1 --"}  # refused: there is no letter before the colon
    assert {name for (name,) in stored} == {
        normal_name(name) for name in hostile.SQL_NAMES if name not in without_letters
    }


@pytest.mark.parametrize("text", [text for text in hostile.SQL if "\t" not in text])
def test_what_a_database_might_obey_is_stored_to_the_letter(taken: Taken, text: str) -> None:
    case = hostile.IN_FIELDS[hostile.FIRST_SQL + hostile.SQL.index(text)]
    values = taken.rows(
        "SELECT value FROM findings JOIN submissions ON submissions.id = submission_id WHERE landing_key = :key "
        "AND code IN ('UPN_WRONG', 'RESERVED_USED')",
        key=case.key,
    )
    assert set(values) == {(text.upper(),)}


def test_names_of_files_are_stored_to_the_letter(taken: Taken) -> None:
    stored = {name for (name,) in taken.rows("SELECT file_name FROM submissions")}
    for case in (*hostile.NAMED, *hostile.FEEDS):
        assert case.name.decode() in stored


def test_the_reasons_of_staff_are_stored_to_the_letter(taken: Taken) -> None:
    stored = taken.desk.actions.everything(hostile.FIELDS).select("who", "why").rows()
    assert stored == [(hostile.ORDER.who, hostile.ORDER.why)]


def test_a_template_in_a_name_is_not_filled_in(taken: Taken) -> None:
    case = next(sent for sent in hostile.NAMED if b"__mro__" in sent.name)
    assert "{value}{0.__class__.__mro__}{uci}" in taken.text(case)
