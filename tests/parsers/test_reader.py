"""What the reader says of every way a file can arrive broken (FIL-2, FIL-4); nothing makes it raise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.fields import candidates
from parsers.findings import CODES, LISTED, Found, Reach, visible
from parsers.layouts import CANDIDATE, FILE_TYPES, MARK, Field, Layout
from parsers.reader import Submission, read
from tests.support import centre_file, codes, only

GOOD = centre_file()
LINES = GOOD.split(b"\r\n")[:-1]
NAME = "E6412315.X01"


def lines(*records: bytes) -> bytes:
    return b"\r\n".join(records) + b"\r\n"


def test_a_canonical_file_has_no_findings() -> None:
    submission = read(NAME, GOOD)
    assert submission.findings == ()
    assert submission.readable
    assert submission.header is not None
    assert submission.header.series_key == "6B24"
    assert [(one.number, one.sequence, list(one.lines)) for one in submission.centres] == [("64123", 1, [3, 4, 5])]


def test_many_centres_in_one_file() -> None:
    second = [line.replace(b"64123", b"58201") for line in LINES[1:-1]]
    header = LINES[0][:13] + b"M" + LINES[0][14:]
    trailer = LINES[-1][:7] + b"00000120000002" + LINES[-1][21:]
    submission = read(NAME, lines(header, *LINES[1:-1], *second, trailer))
    assert submission.findings == ()
    assert [(one.number, list(one.lines)) for one in submission.centres] == [
        ("64123", [3, 4, 5]),
        ("58201", [8, 9, 10]),
    ]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "FILE_EMPTY"),
        (bytes(100_000), "FILE_NOT_EDI"),
        (b" \r\n\r\n", "FILE_NOT_EDI"),
        (b"%PDF-1.7 ...", "FILE_NOT_EDI"),
        (b"PK\x03\x04zip", "FILE_NOT_EDI"),
        (b"hello, world\r\n", "FILE_NOT_EDI"),
        (b"\n" * 3_000_000 + GOOD, "FILE_NOT_EDI"),
        (GOOD + b"\n" * 3_000_000, "FILE_NOT_EDI"),
        (GOOD.decode().encode("utf-16"), "FILE_TEXT_WIDE"),
        (GOOD.replace(b"E1", b"R1", 1), "FILE_TYPE"),
    ],
)
def test_what_is_no_entry_file_is_named(data: bytes, code: str) -> None:
    submission = read(NAME, data)
    assert codes(submission.findings) == [code]
    assert not submission.readable


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf" + GOOD, ["BYTE_ORDER_MARK"]),
        (GOOD.replace(b"\r\n", b"\n"), ["LINE_ENDS"]),
        (GOOD + b"\x1a", ["END_OF_FILE_MARK"]),
        (GOOD + b"\r\n\r\n", ["BLANK_LINES"]),
        (lines(*(one.rstrip() for one in LINES)), ["SPACES_LOST"]),
        (GOOD.removesuffix(b"\r\n"), ["LAST_LINE_END"]),
        (GOOD.rstrip(), ["LAST_LINE_END", "SPACES_LOST"]),
        (GOOD.replace(b"14" + b" " * 166, b" 14" + b" " * 165, 1), []),
        (GOOD.replace(b"14" + b" " * 166, b"12" + b" " * 166, 1), ["FORMATS_VERSION"]),
    ],
)
def test_harmless_departures_are_read_over(data: bytes, expected: list[str]) -> None:
    submission = read(NAME, data)
    assert codes(submission.findings) == expected
    assert submission.readable
    assert [list(one.records) for one in submission.centres] == [list(one.records) for one in read(NAME, GOOD).centres]


@pytest.mark.parametrize(
    ("data", "code", "line", "columns"),
    [
        (GOOD[:500], "FILE_CUT", 3, (113, 113)),
        (lines(*LINES[1:]), "HEADER_MISSING", 1, (1, 2)),
        (lines(*LINES[:-1]), "TRAILER_MISSING", 6, None),
        (lines(*LINES[:-2]), "TRAILER_MISSING", 5, None),
        (lines(*LINES, LINES[-1]), "RECORD_ORDER", 8, (1, 2)),
        (lines(*LINES[:3], b"hello", *LINES[3:]), "RECORD_ORDER", 4, (1, 2)),
        (lines(*LINES[:3], b"M" + LINES[3][1:], *LINES[3:]), "RECORD_ORDER", 4, (1, 2)),
        (
            lines(*LINES[:3], LINES[3][:52] + b"LONG" + LINES[3][52:].rstrip() + b" " * 72 + b"X", *LINES[4:]),
            "RECORD_WIDTH",
            4,
            None,
        ),
    ],
)
def test_a_broken_structure_refuses_the_file_and_says_where(
    data: bytes, code: str, line: int, columns: tuple[int, int] | None
) -> None:
    submission = read(NAME, data)
    found = next(one for one in submission.findings if one.code == code)
    assert found.line == line
    assert columns is None or found.columns == columns
    assert not submission.readable


def test_two_files_joined() -> None:
    found = [one for one in read(NAME, GOOD + GOOD).findings if one.code == "RECORD_ORDER"]
    assert found[0].line == 8
    assert found[0].expected == "the end of the file"


def test_counts_that_are_wrong_say_what_is_held() -> None:
    data = lines(*LINES[:4], *LINES[5:])
    found = [one for one in read(NAME, data).findings if one.code == "COUNT_WRONG"]
    assert [(one.line, one.columns, one.expected) for one in found] == [
        (5, (8, 14), "0000004"),
        (6, (8, 14), "0000006"),
    ]


def test_a_count_without_headers_and_trailers_is_recognised() -> None:
    data = GOOD.replace(b"E7641230000005", b"E7641230000003")
    assert "left out the headers and trailers" in only(read(NAME, data).findings, "COUNT_WRONG").message


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_an_accent_is_folded_and_nothing_moves(encoding: str) -> None:
    text = GOOD.decode()
    name = text.splitlines()[2][12:52].rstrip()
    accented = text.replace(name, "É" + name[1:], 1)
    submission = read(NAME, accented.encode(encoding))
    found = only(submission.findings, "CHARACTER")
    assert (found.line, found.columns, found.value) == (3, (13, 13), "É")
    assert submission.centres[0].records[0][12] == "E"
    assert submission.centres[0].records[0][13:] == read(NAME, GOOD).centres[0].records[0][13:]


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ("A6412315.X01", "letter"),
        ("E5820115.X01", "centre number"),
        ("E6412313.X01", "awarding-body identifier"),
        ("E6412315.X02", "sequence number"),
    ],
)
def test_fil_2_name_and_header_must_agree(named: str, what: str) -> None:
    assert what in only(read(named, GOOD).findings, "NAME_HEADER").message


def test_fil_4_renamed_by_a_browser_is_a_warning() -> None:
    submission = read("E6412315 (1).X01", GOOD)
    assert codes(submission.findings) == ["FILE_RENAMED"]
    assert submission.readable


def test_a_file_of_rubbish_fills_neither_reply_nor_memory() -> None:
    submission = read(NAME, LINES[0] + b"\r\n" + b"rubbish\r\nX5\r\n" * 50_000)
    assert len(submission.findings) < 4 * LISTED


def test_every_code_has_a_rule_and_three_sentences() -> None:
    for code in CODES.values():
        assert len(code.rule.split("-")[0]) == 3, code
        assert code.message
        assert code.expected
        assert code.remedy


def test_control_characters_and_terminal_escapes_are_written_out() -> None:
    assert visible("a\x1b[31mb\nc\udcff") == "a\\x1b[31mb\\nc\\udcff"


def test_layouts_cover_every_column() -> None:
    assert (CANDIDATE.width, MARK.width) == (192, 80)
    assert {letter: one.width for letter, one in FILE_TYPES.items()} == {"E": 192, "A": 192, "M": 80}
    with pytest.raises(ValueError, match="field b starts at column 3"):
        Layout("X", "gap", (Field("a", 1, 1, "A", "R", ""), Field("b", 3, 1, "A", "R", "")))


# --- Nothing makes it raise --------------------------------------------------------------------------------


def sound(submission: Submission, data: bytes) -> None:
    """Reads on to the fields, and checks that every finding lies in the file."""
    found = Found([submission.named])
    if submission.type and submission.type.letter in "EA":
        candidates([submission], found)
    count = data.count(b"\n") + data.count(b"\r") + 1
    widest = max((len(line) for line in data.decode("latin-1").splitlines()), default=0)
    for one in (*submission.findings, *found.of(0)):
        assert one.code in CODES
        assert one.reach in Reach
        if one.line is not None:
            assert 1 <= one.line <= count
        if one.columns:
            assert 1 <= one.columns[0] <= one.columns[1] <= max(widest, 192) + 1


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=600))
def test_arbitrary_bytes(data: bytes) -> None:
    sound(read(NAME, data), data)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(0, 300))
        match draw(st.sampled_from(["cut", "insert", "swap", "repeat", "flip", "end", "join"])):
            case "cut":
                del data[at : at + length]
            case "insert":
                data[at:at] = draw(st.binary(max_size=20))
            case "swap":
                data[at : at + length] = data[at : at + length][::-1]
            case "repeat":
                data[at:at] = data[at : at + length]
            case "flip" if data:
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "end":
                del data[at:]
            case "join":
                data += GOOD
    return bytes(data)


@settings(max_examples=300, deadline=None)
@given(mutated(), st.sampled_from([NAME, "A6412315.X02", "report.pdf", "E6412315 (1).X01", "\x1b[2J"]))
def test_mutations_of_a_good_file(data: bytes, named: str) -> None:
    sound(read(named, data), data)
