"""FIL-7: the one reader for CSV from outside: what is wrong with one row leaves the others as they are, and whatever it
is, it is told in a few words."""

from __future__ import annotations

import csv
import io
from time import process_time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from parsers.findings import Found
from parsers.table import CODE, FeedLayout, read_rows
from tests.support import codes

LAYOUT = FeedLayout({"centre": CODE, "mark": CODE})
QUICKLY = settings(derandomize=True, deadline=None)
LETTERS = st.characters(exclude_categories=["C", "Z"], exclude_characters="\N{REPLACEMENT CHARACTER}")
CELLS = st.text(LETTERS, max_size=8)
HEADER = b"centre,mark\n"


def read(data: bytes, layout: FeedLayout = LAYOUT) -> tuple[list[tuple[object, ...]], list[str]]:
    """The good rows and the codes of what is wrong."""
    found = Found(["a.csv"])
    return read_rows(data, layout, found).table.rows(), codes(found.of(0))


@QUICKLY
@given(
    st.lists(st.tuples(CELLS, CELLS), max_size=5),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.booleans(),
)
def test_what_a_csv_writer_wrote_is_read_as_it_was(
    cells: list[tuple[str, str]], end: str, everything_quoted: bool
) -> None:
    target = io.StringIO()
    dialect = "unix" if everything_quoted else "excel"
    csv.writer(target, dialect, lineterminator=end).writerows([("mark", "centre"), *cells])
    expected = [(line, c, m) for line, (m, c) in enumerate(cells, 2) if m or c]
    assert read(target.getvalue().encode())[0] == expected


@QUICKLY
@example(b'"')
@example(b"\0")
@given(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"").replace(b"\r", b"")))
def test_fil_7_a_bad_row_leaves_its_neighbours_as_they_are(odd: bytes) -> None:
    rows, _ = read(HEADER + b"64123,1\n" + odd + b"\n64124,2\n")
    assert (2, "64123", "1") in rows
    assert (4, "64124", "2") in rows


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "FEED_COLUMNS"),
        (b"centre\n64123\n", "FEED_COLUMNS"),
        (HEADER.upper() + b"64123,1\n", "FEED_COLUMNS"),
        (HEADER.replace(b",", b";") + b"64123;1\n", "FEED_COLUMNS"),
        (HEADER, "FEED_EMPTY"),
        (HEADER + b" \n,\n", "FEED_EMPTY"),
        (b"centre,mark,mark\n64123,1,2\n", "FEED_COLUMN_TWICE"),
        (b"centre,mark,other\n64123,1,2\n", "FEED_COLUMN_UNKNOWN"),
        (b"centre,mark,\n64123,1,\n", "FEED_COLUMN_UNKNOWN"),
        (HEADER.decode().encode("utf-16"), "FEED_NOT_CSV"),
        (HEADER.decode().encode("utf-16-le"), "FEED_NOT_CSV"),
        (HEADER.decode().encode("utf-16-be"), "FEED_NOT_CSV"),
        (b"PK\x03\x04" + HEADER, "FEED_NOT_CSV"),
        (b"\n" * 1_000_001, "FEED_NOT_CSV"),
        (b"," * 1_000_000, "FEED_NOT_CSV"),
        (HEADER + b"64123\n", "FEED_ROW"),
        (HEADER + b"64123,1,2\n", "FEED_ROW"),
        (HEADER + b"64123,1\0\n", "FEED_ROW"),
        (HEADER + b'64123,"1\n', "FEED_ROW"),
        (HEADER + b"64123,1\x1b[2J\n", "FEED_ROW"),
        (HEADER + b"64123,\xff\n", "FEED_ROW"),
        (HEADER + b"64123," + b"1" * (CODE + 1) + b"\n", "FEED_ROW"),
        (HEADER + b"64123," + b"1" * 1_000_000 + b"\n", "FEED_ROW"),
    ],
    ids=range(23),
)
def test_fil_7_what_cannot_be_used_is_told_once_and_not_handed_on(data: bytes, code: str) -> None:
    assert read(data) == ([], [code])


@pytest.mark.parametrize(
    ("first", "words"),
    [
        (b"", "the first line is empty"),
        (b"centre;mark", "separated by semicolons"),
        (b'"centre";"mark"', "separated by semicolons"),
        (b"centre\tmark", "separated by tabs"),
        (b"CENTRE,Mark", "not in small letters"),
        (b"sep=,", "names none of them"),
        (b"64123,1", "names none of them"),
        (b"centre,points", 'missing or wrong: mark; not known: "points"'),
    ],
)
def test_fil_7_why_columns_are_missing_is_told_once(first: bytes, words: str) -> None:
    found = Found(["a.csv"])
    read_rows(first + b"\n64123,1\n", LAYOUT, found)
    [finding] = found.of(0)
    assert finding.code == "FEED_COLUMNS"
    assert words in finding.message


@pytest.mark.parametrize("behind", [b"\x1a", bytes(100), b"\x1a" + bytes(100), HEADER, HEADER + b"\n"])
def test_fil_7_what_a_transfer_puts_behind_a_file_and_a_first_line_again_are_no_rows(behind: bytes) -> None:
    assert read(b"\xef\xbb\xbf" * 2 + HEADER + b"64123,1\n" + behind) == ([(2, "64123", "1")], [])


def test_fil_7_a_value_of_a_megabyte_is_told_in_a_line() -> None:
    found = Found(["a.csv"])
    read_rows(HEADER + b"x" * 1_000_000 + b",1\n", LAYOUT, found)
    [one] = found.of(0)
    assert len(repr(one)) < 1_000
    assert one.value == "1000002"


def test_fil_7_time_is_linear_in_size_whatever_is_in_the_file() -> None:
    def seconds(data: bytes) -> float:
        began = process_time()
        read(data)
        return process_time() - began

    for unit in (b'64123,"1\n', b'"","",""\n', b'64123,1"', b"64123,\0\n", b',"' * 50 + b"\n", b"x" * 1_000 + b"\n"):
        small = min(seconds(HEADER + unit * (100_000 // len(unit))) for _ in range(3))
        assert seconds(HEADER + unit * (800_000 // len(unit))) < 8 * 3 * max(small, 0.01), unit
