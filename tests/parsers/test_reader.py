"""What the reader says of every way a file can arrive broken (FIL-2, FIL-4); nothing makes it raise."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fixtures.generate import people
from parsers.columns import columns
from parsers.feed import EXAMPLE_COMPLETE, read_feed, write_feed
from parsers.findings import CODES, LISTED, Found
from parsers.layouts import CANDIDATE
from parsers.lines import lines_of
from parsers.reader import Submission, read
from parsers.writer import block, candidate_records, single
from tests.support import ENTERPRISE, centre_file, codes, name_of, only

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
    assert [(centre.number, centre.sequence, list(centre.lines)) for centre in submission.centres] == [
        ("64123", 1, [3, 4, 5])
    ]


def test_many_centres_in_one_file() -> None:
    second = [line.replace(b"64123", b"58201") for line in LINES[1:-1]]
    header = LINES[0][:13] + b"M" + LINES[0][14:]
    trailer = LINES[-1][:7] + b"00000120000002" + LINES[-1][21:]
    submission = read(NAME, lines(header, *LINES[1:-1], *second, trailer))
    assert submission.findings == ()
    assert [(centre.number, list(centre.lines)) for centre in submission.centres] == [
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
        (b"hello\0world", "FILE_NOT_EDI"),
        (GOOD.decode().encode("utf-16-le"), "FILE_TEXT_WIDE"),
        (GOOD.decode().encode("utf-16"), "FILE_TEXT_WIDE"),
        (GOOD.replace(b"E1", b"Q1", 1), "FILE_TYPE"),
    ],
)
def test_what_is_no_entry_file_is_named(data: bytes, code: str) -> None:
    submission = read(NAME, data)
    assert codes(submission.findings) == [code]
    assert not submission.readable


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty (0 bytes)"),
        (bytes(1000), "a file of zero bytes"),
        (b" \r\n" * 9, "a file of blanks"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"PK\x03\x04", "a zip archive"),
        (b"<!DOCTYPE html>", "a web page"),
        (GOOD.decode().encode("utf-16"), "UTF-16 text"),
        (GOOD.decode().encode("utf-32"), "UTF-32 text"),
    ],
)
def test_the_sender_is_told_what_was_sent_instead(data: bytes, words: str) -> None:
    [found] = read(NAME, data).findings
    assert words in found.message
    assert found.place == "whole file"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf" + GOOD, ["BYTE_ORDER_MARK"]),
        (GOOD.replace(b"\r\n", b"\n"), ["LINE_ENDS"]),
        (GOOD + b"\x1a", ["END_OF_FILE_MARK"]),
        (GOOD + b"\r\n\r\n", ["BLANK_LINES"]),
        (lines(*(line.rstrip() for line in LINES)), ["SPACES_LOST"]),
        (GOOD.removesuffix(b"\r\n"), ["LAST_LINE_END"]),
        (GOOD.rstrip(), ["LAST_LINE_END", "SPACES_LOST"]),
        (GOOD.replace(b"14" + b" " * 166, b" 14" + b" " * 165, 1), ["SOFTWARE_VERSION"]),
        (GOOD.replace(b"14" + b" " * 166, b"12" + b" " * 166, 1), ["FORMATS_VERSION"]),
    ],
)
def test_harmless_departures_are_read_over(data: bytes, expected: list[str]) -> None:
    submission = read(NAME, data)
    assert codes(submission.findings) == expected
    assert submission.readable
    assert [list(centre.records) for centre in submission.centres] == [
        list(centre.records) for centre in read(NAME, GOOD).centres
    ]


@pytest.mark.parametrize(
    ("data", "code", "line", "columns"),
    [
        (GOOD[:500], "FILE_CUT", 3, (113, 113)),
        (lines(*LINES[1:]), "HEADER_MISSING", 1, (1, 2)),
        (lines(*LINES[:-1]), "TRAILER_MISSING", 6, None),
        (lines(*LINES[:-2]), "TRAILER_MISSING", 5, None),
        (lines(*LINES[:-2], LINES[-1]), "RECORD_ORDER", 6, (1, 2)),
        (lines(*LINES, LINES[-1]), "TRAILER_DOUBLED", 8, (1, 2)),
        (lines(*LINES[:-1], *LINES[-2:]), "TRAILER_DOUBLED", 7, (1, 2)),
        (GOOD + GOOD.replace(b"6B24001", b"6B24002"), "FILES_JOINED", 8, (1, 2)),
        (lines(*LINES[:3], LINES[3][:40], *LINES[4:]), "RECORD_SHORT", 4, (41, 72)),
        (lines(*LINES[:3], b"hello", *LINES[3:]), "RECORD_ORDER", 4, (1, 2)),
        (lines(*LINES[:3], b"M" + LINES[3][1:], *LINES[3:]), "RECORD_OTHER_TYPE", 4, (1, 2)),
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
    found = next(finding for finding in submission.findings if finding.code == code)
    assert found.line == line
    assert columns is None or found.columns == columns
    assert not submission.readable


def test_two_files_joined() -> None:
    submission = read(NAME, GOOD + GOOD.replace(b"6B24001", b"6B24002"))
    assert codes(submission.findings) == ["FILES_JOINED"]
    assert [list(centre.lines) for centre in submission.centres] == [[3, 4, 5]]


def test_counts_that_are_wrong_say_what_is_held() -> None:
    data = lines(*LINES[:4], *LINES[5:])
    found = [finding for finding in read(NAME, data).findings if finding.code == "COUNT_WRONG"]
    assert [(finding.line, finding.columns, finding.expected) for finding in found] == [
        (5, (8, 14), "0000004"),
    ]


@pytest.mark.parametrize(
    ("was", "now", "line", "held"),
    [
        (b"E7641230000005", b"E7641230000003", 6, "0000005"),
        (b"E9641230000007", b"E9641230000003", 7, "0000007"),
    ],
    ids=["centre trailer, two fewer", "file trailer, four fewer"],
)
def test_a_count_without_headers_and_trailers_is_recognised(was: bytes, now: bytes, line: int, held: str) -> None:
    found = only(read(NAME, GOOD.replace(was, now)).findings, "COUNT_WRONG")
    assert (found.line, found.columns, found.value, found.expected) == (line, (8, 14), "0000003", held)
    assert "left out the headers and trailers" in found.message


def test_a_wrong_number_of_centres() -> None:
    data = GOOD[:-194] + GOOD[-194:].replace(b"00000070000001", b"00000070000002")
    found = only(read(NAME, data).findings, "COUNT_WRONG")
    assert (found.line, found.columns, found.value) == (7, (15, 21), "0000002")


def test_a_record_made_too_wide_by_a_long_name_says_so() -> None:
    long = LINES[3][:12] + b"FEATHERSTONEHAUGH-CHOLMONDELEY:MARJORIE ANNA" + LINES[3][52:]
    found = only(read(NAME, lines(*LINES[:3], long.rstrip().ljust(195) + b"X", *LINES[4:])).findings, "RECORD_WIDTH")
    assert (found.line, found.columns, found.value) == (4, (193, 196), "196")
    assert "the name has 44 characters where 40 fit" in found.message


def test_a_record_of_another_file_type_is_named() -> None:
    found = only(read(NAME, lines(*LINES[:3], b"M" + LINES[3][1:], *LINES[4:])).findings, "RECORD_OTHER_TYPE")
    assert (found.line, found.value) == (4, "M5")
    assert "M5 belongs in a file of centre marks, and this is a file of entries" in found.message


def test_lost_spaces_and_bare_line_feeds_are_counted() -> None:
    found = read(NAME, b"\n".join(finding.rstrip() for finding in LINES) + b"\n").findings
    assert {finding.code: finding.value for finding in found} == {"LINE_ENDS": "7", "SPACES_LOST": "7"}


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


# --- Nothing makes it raise --------------------------------------------------------------------------------


def sound(submission: Submission, data: bytes) -> None:
    """Reads on to the fields, and checks that every finding is within the file and within its line."""
    found = Found([submission.named])
    if submission.layout:
        columns([submission], submission.layout, found)
    held = lines_of(data)
    width = submission.layout.width if submission.layout else 1
    for finding in (*submission.findings, *found.of(0)):
        assert finding.code in CODES
        assert finding.message.isprintable()
        assert finding.line is None or 1 <= finding.line <= len(held), finding
        if finding.columns:
            assert finding.line is not None
            assert 1 <= finding.columns[0] <= finding.columns[1] <= max(len(held[finding.line - 1]), width) + 1, finding


EXAMPLES = settings(max_examples=150, deadline=None, derandomize=True)
NAMES = st.sampled_from([NAME, "A6412315.X02", "M6412315.X01", "report.pdf", "E6412315 (1).X01", "\x1b[2J"])


@EXAMPLES
@given(st.binary(max_size=600), NAMES)
def test_arbitrary_bytes(data: bytes, named: str) -> None:
    sound(read(named, data), data)


@EXAMPLES
@given(st.binary(max_size=300), st.sampled_from([b"E1", b"A1", b"M1", b"E164123156B24S\r\nE3"]))
def test_arbitrary_bytes_after_a_beginning(data: bytes, start: bytes) -> None:
    sound(read(NAME, start + data), start + data)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good file after one to four changes to its bytes."""
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


@EXAMPLES
@given(mutated(), NAMES)
def test_mutations_of_a_good_file(data: bytes, named: str) -> None:
    sound(read(named, data), data)


@EXAMPLES
@given(st.lists(st.sampled_from([*LINES, b"", b"E5", b"M5" + bytes(10)]), max_size=12), st.booleans())
def test_lines_left_out_doubled_and_exchanged(records: list[bytes], ended: bool) -> None:
    data = b"\r\n".join(records) + (b"\r\n" if ended else b"")
    sound(read(NAME, data), data)


@st.composite
def mutated_record(draw: st.DrawFn) -> bytes:
    """A file whose envelope is whole and whose first candidate record is not: text put in, taken out, or over."""
    options = draw(st.sampled_from([(), ("BEN01",), ("BEN01", "BEN99")]))
    blank = draw(st.sampled_from([{}, {"uln": ""}, {"uln": "", "uci": ""}, {"upn": "A123456789012"}]))
    data = centre_file(options, count=2, changed=blank)
    held = data.decode("ascii").split("\r\n")
    line = held[2]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(2, 191))
        text = draw(st.text("A1: x%", max_size=14))
        match draw(st.sampled_from(["over", "insert", "cut"])):
            case "over":
                line = line[:at] + text + line[at + len(text) :]
            case "insert":
                line = line[:at] + text + line[at:]
            case "cut":
                line = line[:at] + line[at + len(text) :]
    held[2] = line.ljust(192)[:192]
    return "\r\n".join(held).encode("ascii")


@EXAMPLES
@given(mutated_record())
def test_mutations_of_a_candidate_record(data: bytes) -> None:
    submission = read(NAME, data)
    assert submission.readable
    sound(submission, data)


# --- What is written is read -------------------------------------------------------------------------------


_WORD = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ'-", min_size=1, max_size=17).map("X".__add__)
_PEOPLE = st.lists(
    st.tuples(st.builds("{}:{}".format, _WORD, _WORD), st.lists(st.sampled_from(ENTERPRISE), max_size=30)), max_size=4
)


@EXAMPLES
@given(
    _PEOPLE, st.sampled_from("EA"), st.integers(1, 999), st.integers(0, 99), st.sampled_from(["", "CF24 3QX", "E16AN"])
)
def test_what_the_writer_writes_has_no_findings_and_comes_back(
    names: list[tuple[str, list[str]]], letter: str, sequence: int, seed: int, postcode: str
) -> None:
    persons = [
        person | {"name": name} for person, (name, _) in zip(people("64123", len(names), seed), names, strict=True)
    ]
    records = [
        line
        for person, (_, options) in zip(persons, names, strict=True)
        for line in candidate_records(letter, "64123", person, options)
    ]
    data = single(
        letter, "64123", block(records), awarding_body="15", series_key="6B24", sequence=sequence, produced="150224",
        postcode=postcode,
    )  # fmt: skip
    submission = read(name_of(data), data)
    found = Found([submission.named])
    result = columns([submission], CANDIDATE, found)
    assert submission.findings == found.of(0) == ()
    assert submission.sequence == sequence
    assert [list(centre.records) for centre in submission.centres] == [records]
    kept = result.records.unique("candidate", maintain_order=True).select("candidate", "kept", "sex", "uci", "uln")
    wanted = [
        (learner["candidate"], learner["name"], learner["sex"], learner["uci"], learner["uln"]) for learner in persons
    ]
    assert kept.rows() == wanted
    assert result.options["option"].to_list() == [option for _, options in names for option in options]


def test_mod_3_what_is_complete_is_a_component_of_the_centre_and_about_no_learner() -> None:
    good = read_feed("f.csv", write_feed([EXAMPLE_COMPLETE]))
    assert (good.findings, good.feed is not None and good.feed["option"].to_list()) == ((), ["BEN01"])
    wrong = read_feed("f.csv", write_feed([EXAMPLE_COMPLETE | {"candidate": "0001"}]))
    [found] = wrong.findings
    assert (found.code, found.field, found.value) == ("FEED_ROW", "candidate", "0001")


def test_fil_2_a_distribution_that_is_none_is_told() -> None:
    [finding] = read(NAME, GOOD.replace(b"6B24S", b"6B24X")).findings
    assert (finding.code, finding.value) == ("DISTRIBUTION_BLANK", "X")
    assert finding.message.startswith('the distribution is "X", which is none;')
