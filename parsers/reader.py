"""Bytes to a submission: envelope, detail columns and findings. No input makes it raise.

The order of records is checked by Lark over the whole text: one terminal a record, one for a run of details. A file
that passes is canonical, and its records are taken as they are. Only a file that does not pass goes the slow way: it
is tidied line by line (padding, line ends, characters), fed to the same grammar record by record, and every departure
becomes a finding.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files

import polars as pl
from attrs import evolve, field, frozen
from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput
from lark.parsers.lalr_interactive_parser import InteractiveParser

from parsers import findings as f
from parsers.findings import Finding, Found
from parsers.identifiers import FileName, ascii_letter, file_name, original_file_name
from parsers.layouts import (
    CANDIDATE,
    CENTRE_HEADER,
    CENTRE_TRAILER,
    FILE_HEADER,
    FILE_TRAILER,
    FILE_TYPES,
    FileType,
    Layout,
)

FORMATS_VERSION = "14"

_TERMINALS = {"1": "FILE_HEADER", "3": "CENTRE_HEADER", "5": "DETAILS", "7": "CENTRE_TRAILER", "9": "FILE_TRAILER"}
_SPOKEN = {
    "FILE_HEADER": "a file header (type 1)",
    "CENTRE_HEADER": "a centre header (type 3)",
    "DETAILS": "a detail record (type 5)",
    "CENTRE_TRAILER": "a centre trailer (type 7)",
    "FILE_TRAILER": "a file trailer (type 9)",
    "$END": "the end of the file",
}


@frozen(kw_only=True)
class Header:
    """What the file header says, as text."""

    letter: str
    centre: str
    awarding_body: str
    series: str
    year: str
    distribution: str
    software: str
    software_version: str

    @property
    def series_key(self) -> str:
        """Series and year, for example `6B24`."""
        return self.series + self.year


@frozen(kw_only=True)
class Centre:
    """One centre's part of a file. `records` are its detail records at canonical width; `lines` their line numbers."""

    number: str
    sequence: int
    line: int
    records: Sequence[str] = field(repr=False)
    lines: Sequence[int] = field(repr=False)


@frozen(kw_only=True)
class Submission:
    """One file as read. `named` is its name on arrival, `name` the common-format name meant (null: none)."""

    named: str
    name: FileName | None
    type: FileType | None
    header: Header | None
    centres: tuple[Centre, ...]
    findings: tuple[Finding, ...]

    @property
    def readable(self) -> bool:
        """Whether header and records can be trusted to mean what they say: no finding stops the whole file."""
        return self.header is not None and not any(
            found.reach in (f.Reach.FILE, f.Reach.HOLD) for found in self.findings
        )

    @property
    def sequence(self) -> int:
        """The sequence number, 1 to 999; 0 when the file has no centre header."""
        return self.centres[0].sequence if self.centres else 0


@cache
def grammar(letter: str, width: int) -> Lark:
    """The order grammar with its terminals at the width of one file type (LALR, so each centre's records are one
    token)."""

    def record(record_type: str) -> str:
        return rf"{letter}{record_type}[^\r\n]{{{width - 2}}}\r\n"

    terminals = [
        f"{name}: /(?:{record(kind)})+/" if name == "DETAILS" else f"{name}: /{record(kind)}/"
        for kind, name in _TERMINALS.items()
    ]
    order = files("parsers").joinpath("grammar.lark").read_text(encoding="ascii")
    return Lark(order + "\n" + "\n".join(terminals), parser="lalr", lexer="basic", propagate_positions=False)


def read(named: str, data: bytes) -> Submission:
    """The submission in `data`, which arrived under the file name `named`. Never raises; what is wrong is in `findings`
    (rules FIL-2 and FIL-4)."""
    name = file_name(named) or original_file_name(named)
    found = Found([named])
    if name and file_name(named) is None:
        found.add(f.FILE_RENAMED, value=named, original=str(name))
    file_type = _type(data, name, found)
    header: Header | None = None
    centres: tuple[Centre, ...] = ()
    if file_type:
        records = _canonical(data, file_type) or _tidied(data, file_type, found)
        header, centres = _envelope(records, found)
        _check_name(named, name, header, centres, found)
    return Submission(named=named, name=name, type=file_type, header=header, centres=centres, findings=found.of(0))


@frozen
class Glance:
    """What the first two records of a file say, for putting files in order before they are read; null where
    unreadable."""

    letter: str | None = None
    awarding_body: str | None = None
    series_key: str | None = None
    sequence: int | None = None


def glance(start: bytes) -> Glance:
    """A look at the first bytes of a file (a kilobyte is plenty). Promises nothing: `read` decides."""
    lines = _LINE_END.split(start.removeprefix(codecs.BOM_UTF8).decode("latin-1"))
    cut = {one.name: one.cut(lines[0]) for one in FILE_HEADER.fields}
    number = CENTRE_HEADER["sequence"].cut(lines[1]) if len(lines) > 1 else ""
    key = cut["series"] + cut["year"]
    if not re.fullmatch("[A-Z]1", cut["data_type"] + cut["record_type"]) or not re.fullmatch(
        "[0-9A-Z]{2}[0-9]{2}", key
    ):
        return Glance()
    body = cut["awarding_body"]
    return Glance(
        letter=cut["data_type"],
        awarding_body=body if re.fullmatch("[0-9]{2}", body) else None,
        series_key=key,
        sequence=int(number) if re.fullmatch("[0-9]{3}", number) else None,
    )


def details(submissions: Sequence[Submission], layout: Layout) -> pl.DataFrame:
    """The detail records of many submissions of one layout, a row each.

    Columns: `file` (index into `submissions`), `line`, `record` (the record as read), every field but the option
    slots as text without its trailing spaces, and `slots`, the option slots' columns as they are.
    """
    runs = [(index, centre) for index, one in enumerate(submissions) for centre in one.centres]
    records = pl.Series("record", [record for _, centre in runs for record in centre.records], dtype=pl.String)
    frame = pl.DataFrame(
        {
            "file": pl.Series([index for index, centre in runs for _ in centre.lines], dtype=pl.UInt32),
            "line": pl.Series([line for _, centre in runs for line in centre.lines], dtype=pl.UInt32),
            "record": records,
        }
    )
    slots = [one for one in layout.fields if one.name.startswith(("option_", "suffix_"))]
    fields = [one for one in layout.fields if one not in slots]
    record = pl.col("record")
    columns = [record.str.slice(one.first - 1, one.width).str.strip_chars_end(" ").alias(one.name) for one in fields]
    if slots:
        columns.append(record.str.slice(slots[0].first - 1).alias("slots"))
    return frame.select("file", "line", "record", *columns)


def options(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """The used option slots of `details`, a row each in file order.

    Columns: `file`, `line`, `candidate`, `uci`, `option` (the code without spaces, upper case), and `first` and
    `last`, the code's columns in the record.
    """
    start = layout["option_1"].first
    slots = [one for one in layout.fields if one.name.startswith("option_")]
    used = frame.filter(pl.col("slots").str.strip_chars(" ") != "")
    parts = [
        used.select(
            "file",
            "line",
            "candidate",
            "uci",
            # The seventh column of a slot belongs to it: a code that runs into it is a longer, unknown code.
            pl.col("slots").str.slice(one.first - start, one.width + 1).str.strip_chars(" ").alias("option"),
            pl.lit(one.first, pl.UInt32).alias("first"),
            pl.lit(one.last, pl.UInt32).alias("last"),
        ).filter(pl.col("option") != "")
        for one in slots
    ]
    return pl.concat(parts).with_columns(pl.col("option").str.to_uppercase()).sort("file", "line", "first")


# --- What is it at all? ---------------------------------------------------------------------------------------------

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32 text"),
    (codecs.BOM_UTF32_BE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
)
_MAGIC = (
    (b"%pdf", "a PDF document"),
    (b"pk\x03\x04", "a zip archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a compressed (gzip) file"),
    (b"mz\x90", "a program"),
    (b"<?xml", "an XML file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"{", "a JSON file"),
)


_A_RECORD = re.compile(rb"(?:^|[\r\n])[A-Za-z][13579][0-9A-Za-z]")
_MOST_LINES = 1_000_000


def _type(data: bytes, name: FileName | None, found: Found) -> FileType | None:
    """The kind of file this is; null, with a finding, when it is not one that centres send."""
    if not data:
        found.add(f.FILE_EMPTY)
        return None
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            found.add(f.FILE_TEXT_WIDE, value=encoding)
            return None
    foreign = _foreign(data)
    if foreign:
        found.add(f.FILE_NOT_EDI, value=foreign)
        return None
    letter = _letter(data, name)
    if letter not in FILE_TYPES:
        found.add(f.FILE_TYPE, 1, (1, 1), letter)
        return None
    return FILE_TYPES[letter]


def _foreign(data: bytes) -> str | None:
    """What `data` is when it is no common-format file, in words; null when it may be one."""
    start = data[:65536]
    for magic, kind in _MAGIC:
        if start[:32].lower().startswith(magic):
            return kind
    if not start.strip(b"\0"):
        return "a file of zero bytes"
    if b"\0" in start:
        return "binary data"
    if not start.strip():
        return "a file of blanks"
    if not _A_RECORD.search(start):
        return "a text without a single record"
    if data.count(b"\n") + data.count(b"\r") > 2 * _MOST_LINES:
        return f"a text of more than {_MOST_LINES:,} lines"
    return None


def _letter(data: bytes, name: FileName | None) -> str:
    """The file letter: the first record's, where that looks like a file header, otherwise the name's."""
    start = data.removeprefix(codecs.BOM_UTF8)[:2].decode("latin-1").upper()
    return start[0] if name is None or re.fullmatch("[A-Z]1", start) else name.letter


# --- The two ways to records in order -------------------------------------------------------------------------------


@frozen
class _Records:
    """A header or trailer, or a run of details, with their line numbers. Kind `""`: lines that are no record here."""

    kind: str
    records: Sequence[str]
    lines: Sequence[int]


def _canonical(data: bytes, file_type: FileType) -> list[_Records] | None:
    """The records of a file that is canonical to the last byte, or null."""
    if not data.isascii():
        return None
    if len(data.translate(None, _CONTROL)) < len(data):
        return None
    text = data.decode("ascii")
    try:
        tree: Tree[Token] = grammar(file_type.letter, file_type.width).parse(text)
    except UnexpectedInput:
        return None
    runs: list[_Records] = []
    line = 1
    for token in tree.scan_values(lambda value: isinstance(value, Token)):
        records = token[:-2].split("\r\n")
        runs.append(_Records(token.type, records, range(line, line + len(records))))
        line += len(records)
    return runs


_CONTROL = bytes(code for code in (*range(32), 127) if code not in b"\r\n")
_LINE_END = re.compile(r"\r\n|\r|\n")


def _tidied(data: bytes, file_type: FileType, found: Found) -> list[_Records]:
    """The records of a file that is not canonical, each departure a finding; what cannot be placed is left out."""
    text = _text(data, found)
    lines = _lines(text, found)
    whole = text.endswith(("\r", "\n")) or lines[-1][:2].upper() == f"{file_type.letter}9"
    if not whole:
        place = len(lines[-1]) + 1
        found.add(
            f.FILE_CUT,
            len(lines),
            (place, place),
            str(place - 1),
            width=file_type.width,
            wanted="the rest of the records and both trailers",
        )
        lines.pop()
    elif not text.endswith(("\r", "\n")):
        found.add(f.LAST_LINE_END, len(lines))
    runs = list(_runs(_at_width(lines, file_type, found)))
    _check_order(runs, file_type, whole, found)
    return [run for run in runs if run.kind]


def _text(data: bytes, found: Found) -> str:
    if data.startswith(codecs.BOM_UTF8):
        data = data.removeprefix(codecs.BOM_UTF8)
        found.add(f.BYTE_ORDER_MARK, 1)
    if data.rstrip().endswith(b"\x1a"):
        data = data.rstrip().rstrip(b"\x1a")
        found.add(f.END_OF_FILE_MARK)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _lines(text: str, found: Found) -> list[str]:
    """The lines of `text` in plain ASCII, a character for a character, so that columns stay where they are."""
    ends = Counter(_LINE_END.findall(text))
    odd = ends["\n"] + ends["\r"]
    if odd:
        found.add(f.LINE_ENDS, value=str(odd), lines=ends.total())
    lines = _LINE_END.split(text)
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    last = len(lines)
    while last > 1 and not lines[last - 1].strip():
        last -= 1
    if last < len(lines):
        found.add(f.BLANK_LINES, last + 1, value=str(len(lines) - last))
    return [_plain(number, line, found) for number, line in enumerate(lines[:last], 1)]


def _plain(number: int, line: str, found: Found) -> str:
    if line.isascii() and line.isprintable():
        return line
    plain = "".join(ascii_letter(one) for one in line)
    for column, (was, now) in enumerate(zip(line, plain, strict=True), 1):
        if was != now:
            found.add(f.CHARACTER, number, (column, column), was, plain=now)
    return plain


def _at_width(lines: list[str], file_type: FileType, found: Found) -> Iterator[tuple[int, str, str]]:
    """Each line as number, kind of record (`""` for none), record at canonical width; wider ones are reported."""
    width = file_type.width
    short = 0
    for number, line in enumerate(lines, 1):
        record = line.rstrip(" ")
        head = record[:2].upper()
        kind = _TERMINALS.get(head[1:], "") if head[:1] == file_type.letter else ""
        if kind and len(record) > width:
            hint = _why_wide(record, file_type)
            found.add(f.RECORD_WIDTH, number, (width + 1, len(record)), str(len(record)), width=width, hint=hint)
        short += len(line) < width
        yield number, kind, (head + record[2:]).ljust(width)[:width]
    if short:
        found.add(f.SPACES_LOST, value=str(short), lines=len(lines), width=width)


def _why_wide(record: str, file_type: FileType) -> str:
    if file_type.detail is not CANDIDATE:
        return ""
    name = CANDIDATE["name"]
    given = re.match("[^0-9]*", record[name.first - 1 :])
    length = len(given[0]) - 1 if given else 0
    return f": the name has {length} characters where {name.width} fit" if length > name.width else ""


def _runs(records: Iterable[tuple[int, str, str]]) -> Iterator[_Records]:
    """Neighbours of one kind together where they are details or no records at all, every header and trailer alone."""
    alone = itertools.count()
    for (kind, _), run in itertools.groupby(
        records, lambda one: (one[1], 0 if one[1] in ("DETAILS", "") else next(alone))
    ):
        numbers, _, texts = zip(*run, strict=True)
        yield _Records(kind, texts, numbers)


def _check_order(runs: list[_Records], file_type: FileType, whole: bool, found: Found) -> None:
    """Feeds the records to the grammar one by one; where it refuses one, says what it would have taken, and goes on."""
    if not runs or runs[0].kind != "FILE_HEADER":
        start = runs[0].records[0].strip()[:20] if runs else ""
        found.add(f.HEADER_MISSING, 1, (1, 2), start, letter=file_type.letter)
        # As if it had been there: one missing record is one finding.
        runs = [_Records("FILE_HEADER", [""], [0]), *runs]
    parser = grammar(file_type.letter, file_type.width).parse_interactive("")
    line, last = 0, ""
    for run in runs:
        accepted = _accepted(parser, last)
        if run.kind in accepted:
            if run.kind != last:
                parser.feed_token(Token(run.kind, ""))
            line, last = run.lines[-1], run.kind
        elif run.lines[0] > 1 or run.kind:
            spoken = _SPOKEN.get(run.kind) or _stranger(run.records, file_type)
            found.add(f.RECORD_ORDER, run.lines[0], (1, 2), run.records[0][:2], found=spoken, wanted=_either(accepted))
    accepted = _accepted(parser, last)
    if whole and line and "$END" not in accepted and not found.made(0, f.RECORD_ORDER):
        found.add(f.TRAILER_MISSING, line, found=_SPOKEN[last], wanted=_either(accepted))


def _accepted(parser: InteractiveParser, last: str) -> set[str]:
    """The kinds of record that may come next. The grammar takes a run of details as one; more of them may always
    follow."""
    accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
    return accepted | ({last} & {"DETAILS"})


def _either(kinds: set[str]) -> str:
    return " or ".join(sorted(_SPOKEN[kind] for kind in kinds))


def _stranger(records: Sequence[str], file_type: FileType) -> str:
    first = records[0]
    several = f"{len(records)} lines that are" if len(records) > 1 else "a line that is"
    if not first.strip():
        return f"{several} empty"
    if first[:1].isalpha() and first[1:2] in _TERMINALS:
        return f"a record of another file type ({first[:2]} in a file of {file_type.title})"
    return f"{several} no record (beginning {f.visible(first[:8].strip())!r})"


# --- Envelope -------------------------------------------------------------------------------------------------------

_STRUCTURE = (f.FILE_CUT, f.HEADER_MISSING, f.RECORD_ORDER, f.TRAILER_MISSING)


def _envelope(runs: list[_Records], found: Found) -> tuple[Header | None, tuple[Centre, ...]]:
    """Header and centres of the records, with agreement and counts checked (formats reference, section 2). Counts of a
    file whose structure is broken already would only repeat that."""
    header: Header | None = None
    centres: list[Centre] = []
    counted = not found.made(0, *_STRUCTURE)
    for run in runs:
        record, line = run.records[0], run.lines[0]
        if run.kind == "FILE_HEADER" and header is None:
            header = _header(record, line, found)
        elif run.kind == "CENTRE_HEADER":
            centres.append(_centre(record, line, header, found))
        elif run.kind == "DETAILS" and centres:
            held = centres[-1]
            # Lines that are no records may stand between two runs of one centre.
            both = [*held.records, *run.records] if held.records else run.records
            centres[-1] = evolve(held, records=both, lines=[*held.lines, *run.lines] if held.records else run.lines)
        elif run.kind == "CENTRE_TRAILER" and centres:
            _agree(CENTRE_TRAILER, "centre", record, centres[-1].number, line, found)
            if counted:
                _check_count(CENTRE_TRAILER, "records", record, line, len(centres[-1].records) + 2, found)
        elif run.kind == "FILE_TRAILER" and header:
            _agree(FILE_TRAILER, "centre", record, header.centre, line, found)
            if counted:
                _check_count(FILE_TRAILER, "records", record, line, sum(len(one.records) for one in runs), found)
                _check_count(FILE_TRAILER, "centres", record, line, len(centres), found)
    return header, tuple(centres)


def _header(record: str, line: int, found: Found) -> Header:
    cut = {one.name: one.cut(record).strip(" ") for one in FILE_HEADER.fields}
    # Some producers write a shorter or longer software version, which moves the formats version by a column or two.
    if FORMATS_VERSION not in record[23:28]:
        place = FILE_HEADER["formats_version"]
        found.add(f.FORMATS_VERSION, line, place.columns, cut["formats_version"], field=place.name)
    return Header(
        letter=cut["data_type"],
        centre=cut["centre"],
        awarding_body=cut["awarding_body"],
        series=cut["series"],
        year=cut["year"],
        distribution=cut["distribution"],
        software=cut["software"],
        software_version=cut["software_version"],
    )


def _centre(record: str, line: int, header: Header | None, found: Found) -> Centre:
    if header:
        for name in ("centre", "awarding_body", "series", "year"):
            if name != "centre" or header.distribution != "M":
                _agree(CENTRE_HEADER, name, record, getattr(header, name), line, found)
    place = CENTRE_HEADER["sequence"]
    sequence = place.cut(record)
    usable = sequence.isdigit() and int(sequence) > 0
    if not usable:
        found.add(f.SEQUENCE_NUMBER, line, place.columns, sequence.strip(), field=place.name)
    number = CENTRE_HEADER["centre"].cut(record).strip()
    return Centre(number=number, sequence=int(sequence) if usable else 0, line=line, records=(), lines=())


_WORDS = {"centre": "centre number", "awarding_body": "awarding-body identifier", "series": "series", "year": "year"}


def _agree(layout: Layout, name: str, record: str, meant: str, line: int, found: Found) -> None:
    place = layout[name]
    value = place.cut(record).strip(" ")
    if value != meant:
        found.add(f.HEADERS_DIFFER, line, place.columns, value, field=name, what=_WORDS[name], named=meant)


def _check_count(layout: Layout, name: str, record: str, line: int, held: int, found: Found) -> None:
    place = layout[name]
    value = place.cut(record).strip(" ")
    gap = held - int(value) if value.isdigit() else None
    if gap == 0:
        return
    hint = ""
    if gap and name == "records" and gap in (2, 4):
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
        what=name,
        held=held,
        hint=hint,
    )


def _check_name(
    named: str, name: FileName | None, header: Header | None, centres: Sequence[Centre], found: Found
) -> None:
    """The file's name against its headers (FIL-2)."""
    if name is None:
        found.add(f.FILE_NAME, value=named, example=f"E{header.centre if header else 'ccccc'}15.X01")
        return
    if header is None:
        return
    pairs = [
        ("letter", name.letter, header.letter, FILE_HEADER["data_type"], 1),
        ("awarding-body identifier", name.awarding_body, header.awarding_body, FILE_HEADER["awarding_body"], 1),
    ]
    if header.distribution == "S":
        pairs.append(("centre number", name.centre, header.centre, FILE_HEADER["centre"], 1))
    if centres and centres[0].sequence:
        number = f"{centres[0].sequence % 100:02d}"
        pairs.append(("sequence number", name.number, number, CENTRE_HEADER["sequence"], centres[0].line))
    for what, in_name, in_header, place, line in pairs:
        if in_name != in_header:
            found.add(f.NAME_HEADER, line, place.columns, in_header, field=place.name, what=what, named=in_name)
