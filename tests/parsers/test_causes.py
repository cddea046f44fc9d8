"""What happened to a whole file is seen before its symptoms, and said once; what leaves no doubt is read as it was sent
(FIL-4)."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations

import pytest

from parsers.findings import Reach
from parsers.layouts import FILE_TYPES
from parsers.reader import read
from tests.fuzz import sound
from tests.support import centre_file, codes, name_of

GOOD = centre_file(count=5)
LINES = GOOD.split(b"\r\n")[:-1]
RECORDS = [centre.records for centre in read(name_of(GOOD), GOOD).centres]

Way = Callable[[bytes], bytes]


def each(change: Way) -> Way:
    """A change to every line of a file."""
    return lambda data: b"\r\n".join(change(line) if line else line for line in data.split(b"\r\n"))


def entab(line: bytes) -> bytes:
    """Spaces up to a column that is a multiple of eight as a tab, as editors have it."""
    cells = [line[at : at + 8] for at in range(0, len(line), 8)]
    return b"".join(cell.rstrip(b" ") + b"\t" if cell.endswith(b"  ") and len(cell) == 8 else cell for cell in cells)


READ: dict[str, tuple[Way, str]] = {
    "small letters": (bytes.lower, "LETTERS_SMALL"),
    "marks of a mail program": (each(lambda line: b"> " + line), "LINE_PREFIX"),
    "quotation marks": (each(lambda line: b'"' + line + b'",,,'), "SPREADSHEET_MARKS"),
    "separators behind": (each(lambda line: line + b";;;"), "SPREADSHEET_MARKS"),
    "tabs": (each(entab), "TABS_READ"),
    "NULs for spaces": (lambda data: data.replace(b" ", b"\0"), "NULS_READ"),
    "doubled carriage returns": (lambda data: data.replace(b"\r\n", b"\r\r\n"), "LINE_ENDS_DOUBLED"),
    "tripled carriage returns": (lambda data: data.replace(b"\r\n", b"\r\r\r\n"), "LINE_ENDS_DOUBLED"),
    "line feeds before carriage returns": (lambda data: data.replace(b"\r\n", b"\n\r"), "LINE_ENDS"),
    "blank lines": (lambda data: data.replace(b"\r\n", b"\r\n\r\n"), "BLANK_LINES"),
    "a blank line at the beginning": (lambda data: b"\r\n" + data, "BLANK_LINES"),
    "no line ends": (lambda data: data.replace(b"\r\n", b""), "LINE_ENDS_LOST"),
    "spaces for line ends": (lambda data: data.replace(b"\r\n", b"  "), "LINE_ENDS_LOST"),
    "NULs behind": (lambda data: data + b"\x1a" + bytes(100), "FILE_PADDED"),
    "nines behind": (lambda data: data + b"9" * 192 + b"\r\n", "FILE_PADDED"),
    "a mark behind": (lambda data: data + b"\x1a", "END_OF_FILE_MARK"),
}


@pytest.mark.parametrize("name", READ)
def test_fil_4_what_leaves_no_doubt_is_read_as_it_was_sent_and_said_once(name: str) -> None:
    way, code = READ[name]
    submission = read(name_of(GOOD), way(GOOD))
    assert codes(submission.findings) == [code]
    assert submission.readable
    assert [centre.records for centre in submission.centres] == RECORDS
    sound(name_of(GOOD), way(GOOD))


IN_TURN = ["small letters", "tabs", "quotation marks", "marks of a mail program", "blank lines",
           "doubled carriage returns", "NULs behind"]  # fmt: skip


@pytest.mark.parametrize(("first", "second"), list(combinations(IN_TURN, 2)))
def test_fil_4_two_hands_leave_two_sentences(first: str, second: str) -> None:
    data = READ[second][0](READ[first][0](GOOD))
    submission = read(name_of(GOOD), data)
    held = set(codes(submission.findings))
    # Empty lines hide among those that doubled carriage returns make.
    wanted = {READ[first][1], READ[second][1]}
    assert held in (wanted, wanted - {"BLANK_LINES"}), held
    assert submission.readable
    assert [centre.records for centre in submission.centres] == RECORDS


@pytest.mark.parametrize(
    ("data", "code", "words"),
    [
        (re.sub(rb" +(?=\r)", b"", re.sub(b" +", b" ", GOOD)), "SPACES_SQUEEZED", "one space"),
        (re.sub(b" +", b" ", GOOD), "SPACES_SQUEEZED", "one space"),
        (re.sub(b" +", b" ", GOOD).lower().replace(b"\r\n", b"\r\r\n"), "SPACES_SQUEEZED", "one space"),
        (re.sub(b"  +", b"\t", GOOD), "SPACES_SQUEEZED", "a tab"),
        (b"\r\n".join(b",".join([line[:1], line[1:2], line[2:]]) for line in LINES), "TABLE_SAVED", "commas"),
        (b"\r\n".join(b";".join([line[:2], line[2:]]) for line in LINES), "TABLE_SAVED", "semicolons"),
        (b"PK\x03\x04" + b"xl/workbook.xml", "FILE_NOT_EDI", "an Excel workbook"),
        (b"PK\x03\x04" + b"word/document.xml", "FILE_NOT_EDI", "a Word document"),
        (b"\r\n  <html><body>", "FILE_NOT_EDI", "a web page"),
        (b"\xef\xbb\xbf<table>", "FILE_NOT_EDI", "a web page"),
        (b"{\\rtf1\\ansi", "FILE_NOT_EDI", "a rich-text document"),
        (GOOD.decode().encode("cp037"), "FILE_NOT_EDI", "EBCDIC"),
        (GOOD.decode().encode("utf-16-be"), "FILE_TEXT_WIDE", "UTF-16"),
    ],
)
def test_fil_4_what_cannot_be_mended_is_refused_with_its_cause(data: bytes, code: str, words: str) -> None:
    submission = read("E6412315.X01", data)
    refusing = [finding for finding in submission.findings if finding.reach is Reach.FILE]
    assert codes(refusing) == [code]
    assert words in refusing[0].message
    assert submission.centres == ()
    sound("E6412315.X01", data)


def test_fil_4_a_record_on_the_line_of_another_is_found_and_lines_count_on() -> None:
    data = b"".join(line + (b"" if at == 3 else b"\r\n") for at, line in enumerate(LINES))
    submission = read("E6412315.X01", data)
    assert codes(submission.findings) == ["LINE_ENDS_LOST"]
    assert list(submission.centres[0].lines) == [3, 4, 5, 6, 7]


def test_fil_4_small_letters_in_titles_are_nothing_to_find() -> None:
    assert any(place.form.mixed for place in FILE_TYPES["S"].detail.fields)  # type: ignore[union-attr]
