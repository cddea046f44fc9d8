"""Bytes to a submission: envelope, detail records and findings. No input makes it raise.

A file that is canonical to the last byte is recognised in one pass over a matrix of its bytes, a line a row; Lark
judges the order of its record types. Only a file that is not canonical goes the slow way: it is tidied line by line
(padding, line ends, characters), and every departure becomes a finding.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import polars as pl
from attrs import define, evolve, field, frozen

from . import births, causes, reply
from . import findings as f
from .causes import BEFORE_THE_END, BEHIND_THE_END, Page
from .envelope import Centre, Header
from .findings import LISTED, Code, Finding, Found
from .foreign import foreign, hole, hollow, mail_coded, packed, replied, unrecorded, wide
from .identifiers import filename
from .identifiers.filename import FileName
from .layouts import (
    CENTRE_HEADER,
    CENTRE_TRAILER,
    ENVELOPE,
    FILE_HEADER,
    FILE_TRAILER,
    FILE_TYPES,
    FORMATS_VERSION,
    Field,
    FileType,
    Layout,
)
from .lines import LINE_END, decoded
from .names import ascii_letter
from .order import SPOKEN, TERMINALS, Expected, either, in_order


@frozen(kw_only=True)
class Submission:
    """One file as read.

    `named` is its name on arrival, `name` the common-format name meant (None where there is none). `layout` is the
    detail record its records have, of an older formats version where they are narrower. `text` holds the lines of a
    plain-text file (a reply, `X`), `feed` the rows of the desk's own feed (`feed.read_feed`).
    """

    named: str
    name: FileName | None
    type: FileType | None
    layout: Layout | None = None
    header: Header | None = None
    centres: tuple[Centre, ...] = ()
    text: tuple[str, ...] = ()
    feed: pl.DataFrame | None = field(default=None, repr=False)
    findings: tuple[Finding, ...]

    @property
    def readable(self) -> bool:
        """Whether header and records can be trusted to mean what they say: no finding stops the whole file."""
        return self.header is not None and not any(
            found.reach in (f.Reach.FILE, f.Reach.HOLD) for found in self.findings
        )

    @property
    def broken(self) -> bool:
        """Whether its headers and trailers are not in their order, so that nothing follows from them."""
        structure = {code.name for code in _STRUCTURE}
        return any(found.code in structure for found in self.findings)

    def disagrees(self, *fields: str) -> bool:
        """Whether its headers disagree on one of these fields (the finding `HEADERS_DIFFER`)."""
        return any(found.code == f.HEADERS_DIFFER.name and found.field in fields for found in self.findings)

    def misnamed(self, field: str) -> bool:
        """Whether its header says this field otherwise than its name (the finding `NAME_HEADER`)."""
        return any((found.code, found.field) == (f.NAME_HEADER.name, field) for found in self.findings)

    @property
    def sequence(self) -> int:
        """The sequence number, 1 to 999; 0 when the file has no centre header."""
        return self.centres[0].sequence if self.centres else 0


def read(named: str, data: bytes) -> Submission:
    """The submission in `data`, which arrived under the file name `named`. Never raises; what is wrong is in `findings`
    (rules FIL-2 and FIL-4)."""
    exact = filename.parse(named)
    name = exact or filename.original(named)
    found = Found([named])
    if name and not exact:
        found.add(f.FILE_RENAMED if filename.copied(named) else f.NAME_READ, value=named, original=str(name))
    held = _canonical(data)
    if held is None:
        page = _page(data, name, found)
        file_type = _type(page, name, found) if page else None
        if page is None or file_type is None:
            return Submission(named=named, name=name, type=None, findings=found.of(0))
        if file_type.detail is None:
            text = tuple(reply.decode(data))
            return Submission(named=named, name=name, type=file_type, text=text, findings=found.of(0))
        explained = causes.explained(page, file_type, found)
        if explained is None:
            return Submission(named=named, name=name, type=file_type, findings=found.of(0))
        held = _tidied(explained, file_type, found)
    header, centres, differing = _envelope(held, found)
    _check_name(named, name, header, centres, found, differing)
    _check_births(held, header, found)
    return Submission(
        named=named, name=name, type=held.type, layout=held.layout, header=header, centres=centres, findings=found.of(0)
    )


def name_of(header: Header | None, centres: Sequence[Centre]) -> FileName | None:
    """The name that a file must have by its headers; None where they do not say."""
    if header is None or not centres or not centres[0].sequence:
        return None
    return filename.parse(f"{header.letter}{header.centre}{header.awarding_body}.X{centres[0].sequence % 100:02d}")


def _check_births(held: _Records, header: Header | None, found: Found) -> None:
    """FIL-4: whether nearly all dates of birth are written in another order; a sample tells."""
    if header is None or "born" not in held.layout.names or not re.fullmatch("[0-9]{2}", header.year):
        return
    place, width = held.layout["born"], held.layout.width + 2
    run = max((run for run in held.runs if run.kind == "DETAILS"), key=lambda run: len(run.lines), default=None)
    if run is None:
        return
    at = range(0, len(run.lines), max(len(run.lines) // _SAMPLE, 1))
    texts = [run.records[row * width + place.first - 1 : row * width + place.last].decode("ascii") for row in at]
    other = births.other_order(texts, 2000 + int(header.year))
    if other:
        found.add(f.DATES_ORDER, run.lines[at[other.at]], place.columns, texts[other.at], field=place.name,
                  order=other.words)  # fmt: skip


_SAMPLE = 40


@frozen
class Glance:
    """What the first two records of a file say, for putting files in order before they are read; None where
    unreadable."""

    letter: str | None = None
    awarding_body: str | None = None
    series_key: str | None = None
    sequence: int | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left to be found out."""
        return None not in (self.letter, self.awarding_body, self.series_key, self.sequence)

    @classmethod
    def of(cls, submission: Submission) -> Glance:
        """The same of a file as it was read, whatever had happened to its lines."""
        header = submission.header
        if header is None or not re.fullmatch(_KEY, header.series_key):
            return cls()
        return cls(
            letter=header.letter,
            awarding_body=header.awarding_body if re.fullmatch(_BODY, header.awarding_body) else None,
            series_key=header.series_key,
            sequence=submission.sequence or None,
        )


_KEY, _BODY = "[0-9A-Z]{2}[0-9]{2}", "[0-9]{2}"


def glance(start: bytes) -> Glance:
    """A look at the first bytes of a file (a kilobyte is plenty). Promises nothing: `read` decides."""
    lines = LINE_END.split(start.removeprefix(codecs.BOM_UTF8).decode("latin-1").upper())
    cut = {place.name: place.cut(lines[0]) for place in FILE_HEADER.fields}
    number = CENTRE_HEADER["sequence"].cut(lines[1]).strip(" ") if len(lines) > 1 else ""
    key = cut["series"] + cut["year"]
    if not re.fullmatch("[A-Z]1", cut["data_type"] + cut["record_type"]) or not re.fullmatch(_KEY, key):
        return Glance()
    body = cut["awarding_body"]
    return Glance(
        letter=cut["data_type"],
        awarding_body=body if re.fullmatch(_BODY, body) else None,
        series_key=key,
        sequence=int(number) if re.fullmatch("[0-9]{1,3}", number) else None,
    )


# --- What kind of file? ---------------------------------------------------------------------------------------------


def _page(data: bytes, name: FileName | None, found: Found) -> Page | None:
    """The lines of a file as its software may have written them; None, with a finding, when it is no text of records
    at all."""
    if not data:
        found.add(f.FILE_EMPTY)
        return None
    encoding = wide(data)
    if encoding:
        found.add(f.FILE_TEXT_WIDE, value=encoding)
        return None
    plain = name is not None and name.letter == "X"
    zipped = packed(data) if data.startswith(b"PK") else None
    if zipped:
        found.add(f.FILE_ZIPPED, value=zipped[0], count=_several(zipped[1], "1 file", "files"))
        return None
    coded = None if plain else mail_coded(data)
    if coded:
        found.add(f.MAIL_CODED, value=coded[0])
        data = coded[1]
    lost = 0 if plain or causes.filled_with_nuls(data[:65536]) else hole(data)
    if lost:
        found.add(f.FILE_HOLE, value=f"{lost:,} of its {len(data):,} bytes")
        return None
    kind = _stranger_kind(data, plain=plain)
    if kind is None:
        page = causes.unmarked(_read_as_text(causes.unpadded(data, found), found), found)
        separated = None if plain else causes.table(page)
        if separated:
            found.add(f.TABLE_SAVED, value=separated)
            return None
        if plain or any(_A_RECORD.match(line) for line in page.lines):
            return page
        kind = unrecorded(data)
    found.add(f.FILE_NOT_EDI, value=kind)
    return None


_A_RECORD = re.compile("[A-Za-z][13579][0-9A-Za-z]")


def _type(page: Page, name: FileName | None, found: Found) -> FileType | None:
    """The kind of file this is; None, with a finding, when it is none of the common formats."""
    first = page.without_blanks()
    letter = _letter(first.lines[0], name)
    if letter not in FILE_TYPES:
        found.add(f.FILE_TYPE, first.numbers[0], (1, 1), letter, letters=", ".join(FILE_TYPES))
        return None
    return FILE_TYPES[letter]


_A_HEAD = re.compile(rb"(?:^|[\r\n])[ \t>|\"\x80-\xff]*[A-Za-z]\"?[,;\t]?\"?[13579]")


def _stranger_kind(data: bytes, *, plain: bool) -> str | None:
    """What `data` is when it is no common-format file, in words; None when it may be one. A reply is `plain` text."""
    kind = "one of our own replies" if not plain and replied(data) else foreign(data)
    if kind:
        return kind
    start = data[:65536]
    if not start.strip(b"\0"):
        return "a file of zero bytes"
    if b"\0" in start.rstrip(causes.PADDING) and not causes.filled_with_nuls(start):
        return "binary data"
    if not start.strip(causes.PADDING):
        return "a file of blanks"
    if not plain and not _A_HEAD.search(start):
        return unrecorded(start)
    if hollow(data):
        return "a text of empty or very short lines, with hardly a record among them"
    return None


def _letter(line: str, name: FileName | None) -> str:
    """The file letter: the first record's, where that looks like a file header, otherwise the name's."""
    start = line[:2].upper()
    return start[:1] if name is None or re.fullmatch("[A-Z]1", start) else name.letter


# --- The two ways to records in order -------------------------------------------------------------------------------


@frozen
class _Run:
    """A header or trailer, or a run of details, as bytes at canonical width, with their line numbers."""

    kind: str
    records: bytes
    lines: Sequence[int]


@frozen
class _Records:
    """The records of a file in order. `counted`: nothing is missing or out of place, so counts can be judged."""

    type: FileType
    layout: Layout
    version: str
    runs: list[_Run]
    counted: bool


_CR, _LF, _DEL = b"\r\n\x7f"


def _canonical(data: bytes) -> _Records | None:
    """The records of a file that is canonical to the last byte, otherwise None. Canonical: lines of one known width,
    nothing but printable ASCII in them, their types in order."""
    file_type = FILE_TYPES.get(chr(data[0])) if data else None
    width = data.find(b"\r\n", 0, 4096)
    known = file_type.at_width(width) if file_type else None
    if (
        file_type is None
        or known is None
        or len(data) % (width + 2)
        or causes.centre_short(data[:width].decode("latin-1"))
    ):
        return None
    flat = np.frombuffer(data, np.uint8)
    rows = flat.reshape(-1, width + 2)
    if not (
        flat.max() < _DEL
        and (rows[:, width] == _CR).all()
        and (rows[:, width + 1] == _LF).all()
        and (rows[:, 0] == ord(file_type.letter)).all()
        and np.count_nonzero(flat < 32) == 2 * len(rows)
    ):
        return None
    types = rows[:, 1]
    # Details run together; every header and trailer is alone.
    alone = (types[1:] != types[:-1]) | (types[1:] != ord("5"))
    starts = [0, *(np.flatnonzero(alone) + 1).tolist()]
    record_types = types[starts].tobytes().decode("ascii")
    if not set(record_types) <= TERMINALS.keys() or not in_order(record_types):
        return None
    stride = width + 2
    runs = [
        _Run(TERMINALS[record_type], data[start * stride : end * stride], range(start + 1, end + 1))
        for record_type, start, end in zip(record_types, starts, [*starts[1:], len(rows)], strict=True)
    ]
    return _Records(file_type, known[1], known[0], runs, counted=True)


def _tidied(page: Page, file_type: FileType, found: Found) -> _Records:
    """The records of a file that is not canonical, each departure a finding; what cannot be placed is left out."""
    lines, numbers = _plain(page, found), page.numbers
    version, layout = _version(lines, file_type)
    trailer = lines[-1][:2].upper() == f"{file_type.letter}9"
    # What is longer than a record does not end in the middle of one.
    whole = page.ended or (trailer and len(lines[-1]) >= _LAST.last) or len(lines[-1]) > layout.width
    if not whole:
        place = len(lines[-1]) + 1
        wanted = "the rest of the file trailer" if trailer else "the rest of the records and both trailers"
        found.add(f.FILE_CUT, numbers[-1], (place, place), str(place - 1), width=layout.width, wanted=wanted)
        lines, numbers = lines[:-1], numbers[:-1]
    elif not page.ended:
        found.add(f.LAST_LINE_END, numbers[-1])
    straight = _straight(lines, numbers, file_type, layout, found) if whole else None
    if straight:
        return straight
    held = list(_runs(_at_width(lines, numbers, file_type, layout, found)))
    moved = _moved(held)
    if moved:
        held = _put_in_order(held, *moved, found)
    runs = _ordered(held, layout.width, file_type, whole, found)
    counted = not found.made(0, *_STRUCTURE)
    return _Records(file_type, layout, version, runs, counted)


def _straight(
    lines: list[str], numbers: Sequence[int], file_type: FileType, layout: Layout, found: Found
) -> _Records | None:
    """The records of a file that is canonical but for the spaces at the ends of its lines; None where it is not."""
    width, floors = layout.width, causes.floors(layout)
    lengths = list(map(len, lines))
    long = sum(length > width for length in lengths)
    if long:
        lines = [line.rstrip(" ") if length > width else line for line, length in zip(lines, lengths, strict=True)]
    if not all(floors.get(line[1:2], width) <= len(line) <= width for line in lines):
        return None
    held = _canonical("".join([line.ljust(width) + "\r\n" for line in lines]).encode("ascii"))
    if held is None or held.type is not file_type:
        return None
    for code, count in ((f.SPACES_LOST, sum(length < width for length in lengths)), (f.SPACES_EXTRA, long)):
        if count:
            found.add(code, value=str(count), lines=len(lines), width=width)
    return evolve(held, runs=[evolve(run, lines=numbers[run.lines[0] - 1 : run.lines[-1]]) for run in held.runs])


_LAST = [place for place in FILE_TRAILER.fields if place.required][-1]
"""The field that a file ends with."""
_STRUCTURE = (
    f.FILE_CUT,
    f.FILES_JOINED,
    f.HEADER_MISSING,
    f.RECORD_ORDER,
    f.RECORD_OTHER_TYPE,
    f.RECORD_SHORT,
    f.TRAILER_DOUBLED,
    f.TRAILER_MISSING,
)


def _version(lines: Sequence[str], file_type: FileType) -> tuple[str, Layout]:
    """The formats version of the detail records: an older one where their width says so."""
    assert file_type.detail is not None
    if file_type.older:
        width = next((len(line) for line in lines if line[1:2] == "5"), 0)
        return file_type.at_width(width) or (FORMATS_VERSION, file_type.detail)
    return FORMATS_VERSION, file_type.detail


_BOM_TWICE = codecs.BOM_UTF8.decode("cp1252").encode()
"""A byte-order mark that was taken for text and coded once more."""


def _read_as_text(data: bytes, found: Found) -> Page:
    if data.startswith((codecs.BOM_UTF8, _BOM_TWICE)):
        found.add(f.BYTE_ORDER_MARK, 1)
    return Page.of(decoded(data))


def _plain(page: Page, found: Found) -> list[str]:
    """The lines in plain ASCII, a character for a character, so that columns stay where they are."""
    odd = [at for at, line in enumerate(page.lines) if not (line.isascii() and line.isprintable())]
    if not odd:
        return page.lines
    text = "\n".join([page.lines[at] for at in odd])
    letters = {was: ascii_letter(was) for was in set(text) - {"\n"}}
    of_code = {was: _code_of(was) for was, now in letters.items() if was != now}
    # At most `LISTED` findings of a code are built, the rest are counted.
    left = Counter({code.name: LISTED for code in of_code.values()})
    counts = Counter({was: text.count(was) for was in of_code})
    for at in odd:
        if not left.total():
            break
        for column, was in enumerate(page.lines[at], 1):
            if was in of_code and left[of_code[was].name]:
                left[of_code[was].name] -= 1
                counts[was] -= 1
                found.add(of_code[was], page.numbers[at], (column, column), was, plain=letters[was])
    for was, code in of_code.items():
        found.more(code, counts[was])
    lines = list(page.lines)
    for at, line in zip(odd, _translated(text, {was: letters[was] for was in of_code}).split("\n"), strict=True):
        lines[at] = line
    return lines


def _translated(text: str, letters: Mapping[str, str]) -> str:
    if len(letters) > _FEW:
        return text.translate({ord(was): now for was, now in letters.items()})
    for was, now in letters.items():
        text = text.replace(was, now)
    return text


_FEW = 20
"""So many characters are replaced faster one after the other."""


def _code_of(character: str) -> Code:
    return f.CONTROL_CHARACTER if character < " " or character == "\x7f" else f.CHARACTER


_Line = tuple[int, str, str]
"""A line as its number, the kind of its record (empty for none) and the record at canonical width."""


def _at_width(
    lines: Sequence[str], numbers: Sequence[int], file_type: FileType, layout: Layout, found: Found
) -> Iterator[_Line]:
    """Each line as a record; what is too wide or too short to be one is reported."""
    width = layout.width
    short, long, wide = 0, 0, 0
    known = {kind: ENVELOPE.get(record_type, layout) for record_type, kind in TERMINALS.items()}
    for number, line in zip(numbers, lines, strict=True):
        record = line.rstrip(" ")
        head = record[:2].upper()
        kind = TERMINALS.get(head[1:], "") if head[:1] == file_type.letter else ""
        whole = False
        if kind:
            whole = _long_enough(number, line, known[kind], found)
            short += whole and len(line) < width
            long += len(line) > width
            if head != record[:2]:
                found.add(f.LOWER_CASE, number, (1, 1), record[:1], kept=head[:1])
            wide += _too_wide(number, record, layout, found)
        # Lines that are no record, or too short for one, are not padded: a file of them must not fill the memory.
        yield number, kind, (head + record[2:]).ljust(width)[:width] if whole else record[:_SHOWN]
    if short:
        found.add(f.SPACES_LOST, value=str(short), lines=len(lines), width=width)
    if long > wide:
        found.add(f.SPACES_EXTRA, value=str(long - wide), lines=len(lines), width=width)


_SHOWN = 20
"""Characters kept of a line that is no record."""


def _long_enough(number: int, line: str, layout: Layout, found: Found) -> bool:
    """Whether a record reaches the fields it must have; one that does not has lost more than spaces at its end."""
    if len(line) >= layout.width:
        return True
    missing = [place for place in layout.fields if place.required and place.first > len(line)]
    # A single missing field may just be blank.
    if len(missing) < 2:
        return True
    wanted = ", ".join(place.spoken for place in missing)
    found.add(f.RECORD_SHORT, number, (len(line) + 1, missing[-1].last), str(len(line)), wanted=wanted)
    return False


def _too_wide(number: int, record: str, layout: Layout, found: Found) -> bool:
    """Whether a record has text beyond its width."""
    width = layout.width
    if len(record) <= width:
        return False
    hint, mend = _why_wide(record, layout)
    found.add(f.RECORD_WIDTH, number, (width + 1, len(record)), str(len(record)), width=width, hint=hint, mend=mend)
    return True


def _why_wide(record: str, layout: Layout) -> tuple[str, str]:
    """Why a record is too wide and what to do, where its name is too long for its field; otherwise two empty texts."""
    named = next((place for place in layout.fields if place.name == "name"), None)
    given = re.match("[^0-9]*", record[named.first - 1 :]) if named else None
    length = len(given[0]) - 1 if given else 0
    if named is None or length <= named.width:
        return "", ""
    return (
        f": the name has {length} characters where {named.width} fit",
        f"The name must be cut to {named.width} characters (tell your software's supplier). ",
    )


def _runs(lines: Iterable[_Line]) -> Iterator[tuple[str, list[_Line]]]:
    """Neighbours of one kind together where they are details or no records at all, every header and trailer alone."""
    alone = itertools.count()
    for (kind, _), run in itertools.groupby(
        lines, lambda line: (line[1], 0 if line[1] in ("DETAILS", "") else next(alone))
    ):
        yield kind, list(run)


def _begun(taken: Sequence[tuple[str, list[_Line]]], file_type: FileType, found: Found) -> Expected:
    """The grammar at the first record."""
    expected = Expected()
    if taken and taken[0][0] != "FILE_HEADER":
        line, _, first = taken[0][1][0]
        start = first.strip()[:20]
        found.add(f.HEADER_MISSING, line, (1, 2), start, letter=file_type.letter)
        # Go on as if it were there: what is missing with it is one finding.
        expected.take("FILE_HEADER")
        # A first line of which only the end is left is the header's, or that of what follows.
        follows = next((kind for kind, _ in taken if kind), "")
        if follows in ("DETAILS", "CENTRE_TRAILER"):
            expected.take("CENTRE_HEADER")
    return expected


def _ordered(
    taken: Sequence[tuple[str, list[_Line]]], width: int, file_type: FileType, whole: bool, found: Found
) -> list[_Run]:
    """The runs of records, walked through with the grammar; where it refuses a record, says what it would have
    taken."""
    expected = _begun(taken, file_type, found)
    runs: list[_Run] = []
    line, last = 0, ""
    seen: set[str] = set()
    for kind, records in taken:
        if kind and expected.take(kind):
            line, last = records[-1][0], kind
        elif (last == "FILE_TRAILER" and kind != last) or (kind == "FILE_HEADER" and "DETAILS" in seen):
            _behind_the_end(kind, records, last, expected.next(), file_type, found)
            break
        elif kind and kind in seen and kind in (last, "FILE_HEADER"):
            _doubled(kind, records, found)
        elif kind or records is not taken[0][1]:
            _misplaced(kind, records, expected.next(), file_type, found)
            # One record that is missing is one finding: what follows is read as if it were there.
            if _skipped(kind, expected):
                line, last = records[-1][0], kind
        seen.add(kind)
        if kind:
            runs.extend(_run(kind, records, width))
    accepted = expected.next()
    if whole and line and "$END" not in accepted and not found.made(0, *_TOLD_OF_THE_END):
        found.add(f.TRAILER_MISSING, line, found=SPOKEN[last], wanted=either(accepted))
    return runs


_TOLD_OF_THE_END = (f.RECORD_ORDER, f.RECORD_OTHER_TYPE, f.FILES_JOINED)
_WHOLE_FILE = tuple(TERMINALS.values())


def _moved(taken: Sequence[tuple[str, list[_Line]]]) -> tuple[tuple[str, list[_Line]], str] | None:
    """The first run that is out of place, and what belongs there, where a file has each of its headers and trailers
    once, but not in their order: that is one thing, however many records are moved by it."""
    kinds = Counter(kind for kind, _ in taken)
    if kinds.keys() != set(_WHOLE_FILE) or any(count > 1 for kind, count in kinds.items() if kind != "DETAILS"):
        return None
    pairs = zip(taken, _WHOLE_FILE, strict=False)
    return next(((run, wanted) for run, wanted in pairs if run[0] != wanted), None)


def _put_in_order(
    taken: Sequence[tuple[str, list[_Line]]], first: tuple[str, list[_Line]], wanted: str, found: Found
) -> list[tuple[str, list[_Line]]]:
    """The runs of a file in their order; `first` is out of place, where `wanted` belongs."""
    kind, records = first
    found.add(f.RECORD_ORDER, records[0][0], (1, 2), records[0][2][:2], found=SPOKEN[kind], wanted=SPOKEN[wanted])
    return sorted(taken, key=lambda run: _WHOLE_FILE.index(run[0]))


def _doubled(kind: str, records: Sequence[_Line], found: Found) -> None:
    """Reports a header or trailer that comes a second time; headers that do, both of them, are one thing."""
    if not found.made(0, f.TRAILER_DOUBLED) or kind not in ("FILE_HEADER", "CENTRE_HEADER"):
        found.add(f.TRAILER_DOUBLED, records[0][0], (1, 2), records[0][2][:2], record=SPOKEN[kind])


def _skipped(kind: str, expected: Expected) -> bool:
    """Goes on past a record that comes where another, a header or trailer, is missing before it."""
    missing = {"DETAILS": "CENTRE_HEADER", "CENTRE_TRAILER": "CENTRE_HEADER", "FILE_TRAILER": "CENTRE_TRAILER"}.get(
        kind
    )
    return missing is not None and expected.take(missing) and expected.take(kind)


def _run(kind: str, records: Sequence[_Line], width: int) -> Iterator[_Run]:
    """Those of `records` that are long enough, as a run."""
    held = [(number, record) for number, _, record in records if len(record) == width]
    if held:
        yield _Run(kind, "".join(f"{record}\r\n" for _, record in held).encode("ascii"), [number for number, _ in held])


def _misplaced(kind: str, records: Sequence[_Line], accepted: Iterable[str], file_type: FileType, found: Found) -> None:
    """Reports records the grammar does not take here, or lines that are no record of this file at all."""
    number, _, first = records[0]
    wanted = either(accepted)
    letter, record_type = first[:1], first[1:2]
    if not kind and letter in FILE_TYPES and record_type in TERMINALS:
        title = FILE_TYPES[letter].title
        found.add(
            f.RECORD_OTHER_TYPE,
            number,
            (1, 2),
            first[:2],
            other=title,
            title=file_type.title,
            count=_several(len(records), "a record", "records"),
        )
        return
    found.add(f.RECORD_ORDER, number, (1, 2), first[:2], found=SPOKEN.get(kind) or _stranger(records), wanted=wanted)


def _behind_the_end(
    kind: str, records: Sequence[_Line], last: str, accepted: Iterable[str], file_type: FileType, found: Found
) -> None:
    """Reports what stands behind a file trailer, whatever follows it there: another file, or records of this one; and a
    file that begins behind details."""
    first = records[0][2]
    if kind == "FILE_HEADER" or (not kind and first[:1] in FILE_TYPES and first[1:2] == "1"):
        said = BEHIND_THE_END if last == "FILE_TRAILER" else BEFORE_THE_END
        found.add(f.FILES_JOINED, records[0][0], (1, 2), first[:2], **said)
    else:
        _misplaced(kind, records, accepted, file_type, found)


def _several(count: int, single: str, many: str) -> str:
    return f"{count} {many}" if count > 1 else single


def _stranger(records: Sequence[_Line]) -> str:
    first = records[0][2]
    several = _several(len(records), "a line that is", "lines that are")
    if not first.strip():
        return f"{several} empty"
    return f"{several} no record (beginning {f.visible(first[:8].strip())!r})"


# --- Envelope -------------------------------------------------------------------------------------------------------


def _envelope(held: _Records, found: Found) -> tuple[Header | None, tuple[Centre, ...], set[str]]:
    """Header and centres of the records, with agreement and counts checked (formats reference, section 2); and in what
    other records differ from the file header."""
    envelope = _Envelope(held, found)
    for run in held.runs:
        envelope.take(run)
    return envelope.header, envelope.whole(), {name for name, _ in envelope.differing}


@define
class _Envelope:
    """Header and centres, gathered record by record. Counts are not judged in a file whose structure is broken: that
    would only repeat the fault."""

    _held: _Records
    _found: Found
    header: Header | None = None
    differing: set[tuple[str, str]] = field(factory=set)
    """What records say differently from the file header, and what they say."""
    _told: set[int | str | None] = field(factory=set)
    """By how much the counts of centre trailers are wrong, and what these say."""
    _centres: list[Centre] = field(factory=list)
    _details: list[list[_Run]] = field(factory=list)

    def take(self, run: _Run) -> None:
        """The next run of records."""
        line = run.lines[0]
        if run.kind == "DETAILS":
            if self._details:
                self._details[-1].append(run)
            return
        record = run.records.decode("ascii")
        if run.kind == "FILE_HEADER":
            self.header = self.header or _header(record, line, self._held, self._found)
        elif run.kind == "CENTRE_HEADER":
            self._centres.append(_centre(record, line, self.header, self._found, self.differing))
            self._details.append([])
        elif run.kind == "CENTRE_TRAILER" and self._centres:
            self._centre_trailer(record, line)
        elif run.kind == "FILE_TRAILER" and self.header:
            records = sum(len(run.lines) for run in self._held.runs)
            counts = {"records": records, "centres": len(self._centres)}
            self._trailer(FILE_TRAILER, record, line, self.header.centre, counts)

    def _centre_trailer(self, record: str, line: int) -> None:
        part, header = self._centres[-1], self.header
        self._centres[-1] = evolve(part, produced=_cut(CENTRE_TRAILER, "produced", record))
        # A centre header that disagrees with the file header is reported already; its trailer need not follow it.
        meant = header.centre if header and header.distribution != "M" else part.number
        counts = {"records": sum(len(run.lines) for run in self._details[-1]) + 2}
        self._trailer(CENTRE_TRAILER, record, line, meant, counts)

    def _trailer(self, layout: Layout, record: str, line: int, centre: str, counts: Mapping[str, int]) -> None:
        """A trailer against the centre it should name and what it should have counted."""
        _agree(layout, "centre", record, centre, line, self._found, self.differing)
        for name, count in counts.items() if self._held.counted else ():
            gap = _gap(layout, name, record, count)
            said = layout[name].cut(record).strip(" ")
            if gap != 0 and name == "records" and layout is FILE_TRAILER and not self._told.isdisjoint((gap, said)):
                continue  # what a centre trailer has wrong, once more
            if gap != 0:
                _count_wrong(layout, name, record, line, count, self._found)
            if gap != 0 and layout is CENTRE_TRAILER:
                self._told |= {gap, said} | ({_UNCOUNTED[FILE_TRAILER]} if gap == _UNCOUNTED[layout] else set())

    def whole(self) -> tuple[Centre, ...]:
        """The centres with their detail records."""
        return tuple(_with_details(part, runs) for part, runs in zip(self._centres, self._details, strict=True))


def _with_details(part: Centre, runs: Sequence[_Run]) -> Centre:
    """A centre with its detail records: one run, or several where lines that are no records come between them."""
    if len(runs) == 1:
        return evolve(part, details=runs[0].records, lines=runs[0].lines)
    return evolve(
        part, details=b"".join(run.records for run in runs), lines=[line for run in runs for line in run.lines]
    )


def _cut(layout: Layout, name: str, record: str) -> str:
    return layout[name].cut(record).strip(" ")


def _header(record: str, line: int, held: _Records, found: Found) -> Header:
    cut = {place.name: place.cut(record).strip(" ") for place in FILE_HEADER.fields}
    del cut["record_type"]
    place = FILE_HEADER["formats_version"]
    if held.version != FORMATS_VERSION:
        layout = held.layout
        found.add(
            f.OLD_FORMAT, line, place.columns, cut[place.name], field=place.name,
            width=layout.width, version=held.version, record=layout.record,
        )  # fmt: skip
    # Some producers write a shorter or longer software version, which moves the formats version by a column or two.
    elif FORMATS_VERSION not in record[23:28]:
        found.add(f.FORMATS_VERSION, line, place.columns, cut[place.name], field=place.name)
    elif cut[place.name] != FORMATS_VERSION:
        first = record.index(FORMATS_VERSION, 23) + 1
        columns = first, first + len(FORMATS_VERSION) - 1
        where = f"columns {columns[0]}-{columns[1]}"
        found.add(f.SOFTWARE_VERSION, line, columns, FORMATS_VERSION, field="software_version", where=where)
        cut["formats_version"], cut["software_version"] = FORMATS_VERSION, record[21 : first - 1].strip(" ")
    for name in ("series", "distribution"):
        cut[name] = _capital(FILE_HEADER[name], record, line, found)
    if cut["distribution"] not in _DISTRIBUTIONS:
        place, value = FILE_HEADER["distribution"], cut["distribution"]
        said = f'"{value}", which is none' if value else "blank"
        found.add(f.DISTRIBUTION_BLANK, line, place.columns, value or None, field=place.name, said=said)
        cut["distribution"] = "S"
    return Header(letter=cut.pop("data_type"), **cut)


_DISTRIBUTIONS = ("S", "M", "B")


def _capital(place: Field, record: str, line: int, found: Found) -> str:
    """The text of a field in capitals; a finding where it was not."""
    text = place.cut(record).strip(" ")
    if text != text.upper():
        found.add(f.HEADER_SMALL, line, place.columns, text, field=place.name, kept=text.upper())
    return text.upper()


def _centre(record: str, line: int, header: Header | None, found: Found, differing: set[tuple[str, str]]) -> Centre:
    if header:
        for name in ("centre", "awarding_body", "series", "year"):
            if name != "centre" or header.distribution != "M":
                _agree(CENTRE_HEADER, name, record, getattr(header, name), line, found, differing)
    place = CENTRE_HEADER["sequence"]
    sequence = place.cut(record).strip(" ")
    usable = sequence.isdigit() and int(sequence) > 0
    if not usable:
        found.add(f.SEQUENCE_NUMBER, line, place.columns, sequence, field=place.name)
    elif len(sequence) < place.width:
        found.add(f.SEQUENCE_SPACES, line, place.columns, sequence, field=place.name, number=int(sequence))
    return Centre(
        number=_cut(CENTRE_HEADER, "centre", record),
        sequence=int(sequence) if usable else 0,
        postcode=_cut(CENTRE_HEADER, "postcode", record),
        line=line,
    )


_WORDS = {"centre": "centre number", "awarding_body": "awarding-body identifier", "series": "series", "year": "year"}


def _agree(
    layout: Layout, name: str, record: str, meant: str, line: int, found: Found, differing: set[tuple[str, str]]
) -> None:
    """Whether a record says what the file header says; a finding where it does not, once for all that say the same.
    `differing`: what was told."""
    place = layout[name]
    value = place.cut(record).strip(" ")
    told = (name, value)
    if value != meant and value.upper() != meant and told not in differing:
        differing.add(told)
        found.add(f.HEADERS_DIFFER, line, place.columns, value, field=name, what=_WORDS[name], named=meant)


def _gap(layout: Layout, name: str, record: str, held: int) -> int | None:
    """How many more a file holds than a trailer says; None where it says no number."""
    value = layout[name].cut(record).strip(" ")
    return held - int(value) if value.isdigit() else None


_UNCOUNTED = {CENTRE_TRAILER: 2, FILE_TRAILER: 4}
"""How many records are left out, of a file of one centre, where only the details were counted."""


def _count_wrong(layout: Layout, name: str, record: str, line: int, held: int, found: Found) -> None:
    place = layout[name]
    value = place.cut(record).strip(" ")
    gap = _gap(layout, name, record, held)
    hint = ""
    if gap and name == "records" and gap == _UNCOUNTED[layout]:
        hint = "; your software seems to have left out the headers and trailers, which count too"
    elif gap:
        hint = f": {abs(gap)} {'more' if gap > 0 else 'fewer'} than counted"
    found.add(
        f.COUNT_WRONG,
        line,
        place.columns,
        value,
        field=name,
        record=layout.title.lower(),
        said=f"{value} {name}" if value else f"no number of {name}",
        held=held,
        where="its part of the file" if layout is CENTRE_TRAILER else "the file",
        hint=hint,
    )


def _check_name(
    named: str,
    name: FileName | None,
    header: Header | None,
    centres: Sequence[Centre],
    found: Found,
    differing: set[str],
) -> None:
    """The file's name against its headers (FIL-2). Of what differs within the file, or of the letter where records are
    of another file type, nothing more is said."""
    if name is None:
        meant = name_of(header, centres)
        example = str(meant or "a name like E6412315.X01")
        proper = (
            f"as {meant}: that is its name by its headers" if meant else "under the name your school software gave it"
        )
        found.add(f.FILE_NAME, value=named, example=example, proper=proper)
        return
    # Of two files in one, the name is that of either.
    if header is None or found.made(0, f.FILES_JOINED):
        return
    by_records = str(name_of(header, centres) or "not known")
    pairs = [
        ("letter", name.letter, header.letter, FILE_HEADER["data_type"], 1),
        ("awarding-body identifier", name.awarding_body, header.awarding_body, FILE_HEADER["awarding_body"], 1),
        ("centre number", name.centre, header.centre, FILE_HEADER["centre"], 1),
    ]
    if centres and centres[0].sequence:
        number = f"{centres[0].sequence % 100:02d}"
        pairs.append(("sequence number", name.number, number, CENTRE_HEADER["sequence"], centres[0].line))
    said = differing | ({"data_type"} if found.made(0, f.RECORD_OTHER_TYPE) else set())
    for what, in_name, in_header, place, line in pairs:
        if in_name != in_header and place.name not in said:
            found.add(f.NAME_HEADER, line, place.columns, in_header, field=place.name, what=what, named=in_name,
                      meant=by_records)  # fmt: skip
