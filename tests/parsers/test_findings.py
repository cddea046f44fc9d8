"""Findings: the closed list of codes, their sentences, and how many of them are shown."""

from __future__ import annotations

import polars as pl
import pytest

from parsers.findings import (
    BORN,
    CODES,
    COUNT_WRONG,
    FILE_EMPTY,
    LAST_LINE_END,
    LISTED,
    NAME_FORM,
    STATUS,
    Code,
    Found,
    Reach,
    in_order,
    visible,
)
from tests.support import codes, has_a_rule_and_three_sentences


@pytest.mark.parametrize("code", CODES.values(), ids=CODES.keys())
def test_every_code_has_a_rule_and_three_sentences(code: Code) -> None:
    assert CODES[code.name] is code
    has_a_rule_and_three_sentences(code)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\n\tb\0", "a\\r\\n\\tb\\x00"),
        ("\x7f\x9b\u202e", "\\x7f\\x9b\\u202e"),
        ("\udcff", "\\udcff"),
        ("O'Brien É", "O'Brien É"),
    ],
)
def test_control_characters_and_terminal_escapes_are_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert shown.isprintable()


def test_a_finding_shows_nothing_that_a_terminal_obeys() -> None:
    found = COUNT_WRONG.at("f", 5, (8, 14), "\x1b[2J", record="\x07", said="\r", where="\v", held=3, hint="\n")
    assert found.value == "\\x1b[2J"
    assert found.message.isprintable()


@pytest.mark.parametrize(
    ("line", "columns", "place"),
    [
        (None, None, "whole file"),
        (7, None, "line 7"),
        (7, (3, 3), "line 7, column 3"),
        (7, (54, 59), "line 7, columns 54-59"),
    ],
)
def test_a_finding_says_where_it_is(line: int | None, columns: tuple[int, int] | None, place: str) -> None:
    assert BORN.at("f", line, columns, "310209").place == place


def test_what_stops_the_most_comes_first_then_line_and_column() -> None:
    status, born = STATUS.at("f", 4, (3, 3), "Z"), BORN.at("f", 4, (54, 59), "x")
    earlier, whole = NAME_FORM.at("f", 3, (13, 52), "x"), FILE_EMPTY.at("f")
    assert in_order([born, status, earlier, whole]) == (whole, earlier, status, born)


def test_many_of_one_kind_are_counted_but_what_they_refuse_is_kept_in_full() -> None:
    count = LISTED + 10
    found = Found(["one", "two"])
    rows = pl.DataFrame(
        {
            "file": [0] * count + [1],
            "line": [*range(3, count + 3), 3],
            "candidate": [f"{n:04d}" for n in range(count + 1)],
            "value": ["Z"] * (count + 1),
        },
        schema_overrides={"file": pl.UInt32, "line": pl.UInt32},
    )
    found.rows(STATUS, rows, (3, 3), "status")
    assert codes(found.of(0)) == ["MORE_OF_THE_SAME", *["STATUS"] * LISTED]
    assert "10 further findings of STATUS" in found.of(0)[-1].message
    assert codes(found.of(1)) == ["STATUS"]
    assert found.refused_candidates().height == count + 1
    assert found.refused_entries().is_empty()


def test_a_note_refuses_nobody() -> None:
    assert LAST_LINE_END.reach is Reach.NOTE
    assert Reach.NOTE.spoken == "note"
