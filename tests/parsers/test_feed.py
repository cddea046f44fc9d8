"""Large CSV feeds as columns: what is wrong with one row leaves the others as they are."""

from __future__ import annotations

import csv
import io

from hypothesis import example, given, settings
from hypothesis import strategies as st

from parsers.feed import csv_columns

COLUMNS = ("centre", "mark")
QUICKLY = settings(derandomize=True, deadline=None)
CELLS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), max_size=8)


def rows(data: bytes) -> list[tuple[object, ...]]:
    return csv_columns(data, COLUMNS)[0].rows()


@QUICKLY
@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_what_a_csv_writer_wrote_is_read_as_it_was(
    cells: list[tuple[str, str, str]], end: str, everything_quoted: bool
) -> None:
    target = io.StringIO()
    dialect = "unix" if everything_quoted else "excel"
    csv.writer(target, dialect, lineterminator=end).writerows([("mark", "other", "centre"), *cells])
    expected = [(line, c, m, 3, 3) for line, (m, o, c) in enumerate(cells, 2) if m or o or c]
    assert rows(target.getvalue().encode()) == expected


@QUICKLY
@example(b'"')
@given(st.binary(max_size=30).map(lambda data: data.replace(b"\n", b"")))
def test_a_bad_row_leaves_its_neighbours_as_they_are(odd: bytes) -> None:
    read = rows(b"centre,mark\n64123,1\n" + odd + b"\n64124,2\n")
    assert (2, "64123", "1", 2, 2) in read
    assert (4, "64124", "2", 2, 2) in read


def test_cells_too_many_and_too_few_are_counted() -> None:
    assert rows(b"\xef\xbb\xbfcentre,mark\n64123,1,x\n64124\n") == [(2, "64123", "1", 3, 2), (3, "64124", "", 1, 2)]


def test_missing_columns_are_named_and_no_row_is_read() -> None:
    frame, missing = csv_columns(b"centre\n64123\n", COLUMNS)
    assert (frame.height, missing) == (0, ["mark"])
    assert csv_columns(b"", COLUMNS)[1] == ["centre", "mark"]
