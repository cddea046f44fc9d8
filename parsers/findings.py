"""Findings: what is wrong, where, what was expected and what to do. The closed list of codes is `CODES`.

A code's texts are templates over the finding's value and facts, so every renderer (reply, JSON, terminal) says the
same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

import polars as pl
from attrs import frozen


class Reach(StrEnum):
    """How far a finding reaches: what it stops. Ordered from the widest to the narrowest."""

    HOLD = "hold"
    FILE = "file"
    CANDIDATE = "candidate"
    ENTRY = "entry"
    MARK = "mark"
    WARNING = "warning"
    NOTE = "note"

    @property
    def spoken(self) -> str:
        return _SPOKEN[self]


_SPOKEN = {
    Reach.HOLD: "held for a person",
    Reach.FILE: "file refused",
    Reach.CANDIDATE: "candidate refused",
    Reach.ENTRY: "entry refused",
    Reach.MARK: "mark refused",
    Reach.WARNING: "warning",
    Reach.NOTE: "note",
}


@frozen(kw_only=True)
class Finding:
    """One thing found in one file. Lines count from 1; columns are 1-based and inclusive, null where there are none."""

    code: str
    rule: str
    reach: Reach
    file: str
    line: int | None
    columns: tuple[int, int] | None
    field: str | None
    value: str | None
    message: str
    expected: str
    remedy: str
    candidate: str | None = None
    option: str | None = None

    @property
    def place(self) -> str:
        """`line 14, columns 109-114`, or `whole file`."""
        if self.line is None:
            return "whole file"
        if self.columns is None:
            return f"line {self.line}"
        first, last = self.columns
        return f"line {self.line}, column {first}" if first == last else f"line {self.line}, columns {first}-{last}"


@frozen
class Code:
    """A kind of finding: its rule, how far it reaches, and its three sentences."""

    name: str
    rule: str
    reach: Reach
    message: str
    expected: str
    remedy: str

    def at(
        self,
        file: str,
        line: int | None = None,
        columns: tuple[int, int] | None = None,
        value: str | None = None,
        *,
        field: str | None = None,
        candidate: str | None = None,
        option: str | None = None,
        **facts: Any,
    ) -> Finding:
        """A finding of this kind; `facts` fill the templates beside `value`, `candidate` and `option`."""
        shown = None if value is None else visible(value)
        spoken = field and _IN_WORDS.get(field, field.replace("_", " "))
        words = {"value": shown, "candidate": candidate, "option": option, "line": line, "field": spoken}
        words.update({name: visible(fact) if isinstance(fact, str) else fact for name, fact in facts.items()})
        return Finding(
            code=self.name,
            rule=self.rule,
            reach=self.reach,
            file=file,
            line=line,
            columns=columns,
            field=field,
            value=shown,
            message=self.message.format_map(words),
            expected=self.expected.format_map(words),
            remedy=self.remedy.format_map(words),
            candidate=candidate,
            option=option,
        )


_IN_WORDS = {"uci": "UCI", "uln": "ULN", "upn": "UPN"}


def visible(text: str) -> str:
    """`text` with control characters, terminal escapes and lone surrogates written out: no renderer obeys them."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class Found:
    """Findings of many files while they are being made.

    Of one code and file at most `LISTED` are built and the rest counted: a file of rubbish must fill neither the
    reply nor the memory. What they refuse is kept in full.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._counts: Counter[tuple[int, str]] = Counter()
        self._built: dict[int, list[Finding]] = {}
        self._reaches: dict[int, set[Reach]] = {}
        self._refused: dict[Reach, list[pl.DataFrame]] = {Reach.CANDIDATE: [], Reach.ENTRY: []}

    def add(
        self,
        code: Code,
        line: int | None = None,
        columns: tuple[int, int] | None = None,
        value: str | None = None,
        *,
        file: int = 0,
        **facts: Any,
    ) -> None:
        """One finding in the file of that index."""
        self._counts[file, code.name] += 1
        self._reaches.setdefault(file, set()).add(code.reach)
        if self._counts[file, code.name] <= LISTED:
            self._built.setdefault(file, []).append(code.at(self._files[file], line, columns, value, **facts))

    def more(self, code: Code, count: int, *, file: int = 0) -> None:
        """So many more of a code that has been listed as often as it is going to be."""
        self._counts[file, code.name] += max(count, 0)

    def rows(
        self,
        code: Code,
        violations: pl.DataFrame,
        columns: tuple[int, int] | None = None,
        field: str | None = None,
        refused: pl.DataFrame | None = None,
    ) -> None:
        """A finding a row.

        Columns `file` and `line` place it, `first` and `last`, where present, are its columns; `value`, `candidate`,
        `option` and any others fill the sentences. A row refuses its own candidate or entry, unless `refused` names
        those it stands for.
        """
        if violations.is_empty():
            return
        if code.reach in self._refused:
            key = ["file", "candidate"] + (["option"] if code.reach is Reach.ENTRY else [])
            self._refused[code.reach].append((violations if refused is None else refused).select(key).unique())
        for row in violations.group_by("file", maintain_order=True).head(LISTED).iter_rows(named=True):
            first, last = row.pop("first", None), row.pop("last", None)
            self.add(
                code, row.pop("line"), columns if first is None else (first, last), row.pop("value"), field=field, **row
            )
        for file, count in violations.group_by("file").len().iter_rows():
            self._counts[file, code.name] += max(count - LISTED, 0)

    def carry(self, file: int, findings: Iterable[Finding]) -> None:
        """Takes over findings that were made before, by the reader."""
        for one in findings:
            if one.code == MORE_OF_THE_SAME.name and one.field and one.value:
                # So many were not built; more of them may come.
                self._counts[file, one.field] += int(one.value)
                continue
            self._counts[file, one.code] += 1
            self._reaches.setdefault(file, set()).add(one.reach)
            self._built.setdefault(file, []).append(one)

    def reaches(self, file: int) -> set[Reach]:
        """How far the findings of a file reach."""
        return self._reaches.get(file, set())

    def any(self) -> bool:
        """Whether anything was found in any file."""
        return bool(self._counts)

    def made(self, file: int, *codes: Code) -> bool:
        """Whether the file has a finding of one of these codes."""
        return any(self._counts[file, code.name] for code in codes)

    def refused_candidates(self) -> pl.DataFrame:
        """`file`, `candidate` of every candidate a finding refuses."""
        return pl.concat([_NO_CANDIDATE, *self._refused[Reach.CANDIDATE]]).unique()

    def refused_entries(self) -> pl.DataFrame:
        """`file`, `candidate`, `option` of every single entry a finding refuses."""
        return pl.concat([_NO_ENTRY, *self._refused[Reach.ENTRY]]).unique()

    def of(self, file: int) -> tuple[Finding, ...]:
        """The findings of one file, in reading order."""
        built = list(self._built.get(file, ()))
        for (index, code), count in self._counts.items():
            if index == file and count > LISTED:
                more = str(count - LISTED)
                built.append(MORE_OF_THE_SAME.at(self._files[file], value=more, field=code, of=f"of {code}"))
        return in_order(built)


LISTED = 25
"""So many findings of one code are listed for one file; the rest are counted."""

_NO_CANDIDATE = pl.DataFrame(schema={"file": pl.UInt32, "candidate": pl.String})
_NO_ENTRY = pl.DataFrame(schema={"file": pl.UInt32, "candidate": pl.String, "option": pl.String})

CODES: dict[str, Code] = {}


def _code(name: str, rule: str, reach: Reach, message: str, expected: str, remedy: str) -> Code:
    CODES[name] = code = Code(name, rule, reach, message, expected, remedy)
    return code


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as people mend them: those that stop the most first, then by line and column."""
    reaches = list(Reach)
    return tuple(sorted(findings, key=lambda f: (reaches.index(f.reach), f.line or 0, f.columns or (0, 0), f.code)))


AMEND = "Correct it and send the candidate again in your next amendment (A) file."
WHERE_MADE = (
    "Correct it in the software that wrote the file. Candidates of an entry file go into your next amendment (A) file, "
    "other records into a new file."
)
AGAIN = "Create the file again in your school software and send it again under its own name."


# --- What landed is not a file we can read -----------------------------------------------------------------------

NOT_A_FILE = _code(
    "NOT_A_FILE",
    "FIL-1",
    Reach.FILE,
    "{value} is a {kind}, not a file: there is nothing in it that could be read",
    "common-format files lying directly in your inbox",
    "Put the file itself into the inbox, not a folder or a link.",
)
FILE_IN_FOLDER = _code(
    "FILE_IN_FOLDER",
    "FIL-1",
    Reach.FILE,
    "the file lies in a folder inside your inbox ({value})",
    "common-format files lying directly in your inbox",
    "Send the file again straight into the inbox.",
)
FILE_EMPTY = _code(
    "FILE_EMPTY",
    "FIL-1",
    Reach.FILE,
    "the file is empty (0 bytes)",
    "a file header, centre header, candidate records and two trailers",
    "Create the file again in your school software and send it again under its own name.",
)
FILE_TOO_LARGE = _code(
    "FILE_TOO_LARGE",
    "FIL-1",
    Reach.FILE,
    "the file has {size:,} bytes; it was kept but not read",
    "at most {limit:,} bytes",
    "Check that this is the file you meant. If it is, call customer services: they can have it read.",
)
FILE_NOT_EDI = _code(
    "FILE_NOT_EDI",
    "FIL-2",
    Reach.FILE,
    "this is {value}, not a common-format file",
    "plain text records that start with a type 1 file header",
    "Send the file your school software wrote for the awarding body, unchanged and unopened.",
)
FILE_TEXT_WIDE = _code(
    "FILE_TEXT_WIDE",
    "FIL-2",
    Reach.FILE,
    "the file is saved as {value}: every character takes two bytes or more",
    "plain ASCII text, one byte a character",
    "Send the file as your school software wrote it. If an editor was used, save it as ASCII or ANSI text.",
)
FILE_FAILED = _code(
    "FILE_FAILED",
    "FIL-1",
    Reach.HOLD,
    "processing this file failed on our side ({value}); nothing of it was applied",
    "no such failure",
    "Nothing to do for you: the file is kept and staff have been told. You will get a new reply.",
)

HELD_CLOSED = _code(
    "HELD_CLOSED",
    "FIL-1",
    Reach.FILE,
    "this file was held, and staff have closed it without applying anything of it: {value}",
    "what staff write here",
    "Nothing, unless staff ask you to. Send anything that is still to be changed under the next number.",
)
HELD_RELEASED = _code(
    "HELD_RELEASED",
    "FIL-3",
    Reach.WARNING,
    "this file was held, and staff have released it: {value}",
    "a file that need not be held",
    "Nothing to do. Look at what was applied: it may replace something newer.",
)

# --- Names, headers and who speaks --------------------------------------------------------------------------------

FILE_NAME = _code(
    "FILE_NAME",
    "FIL-2",
    Reach.FILE,
    'the name "{value}" is not that of a common-format file',
    "a name like {example}: letter, centre number, awarding-body identifier, .X and two digits",
    "Send the file under the name your school software gave it.",
)
FILE_RENAMED = _code(
    "FILE_RENAMED",
    "FIL-4",
    Reach.WARNING,
    'the file came as "{value}"; a browser or file manager renamed it. It was read as {original}',
    "{original}",
    "Nothing to do now. Next time send the file from its folder, not from the downloads, under its own name.",
)
FILE_TYPE = _code(
    "FILE_TYPE",
    "FIL-2",
    Reach.FILE,
    'file letter "{value}" is that of no common-format file',
    "{letters}",
    "Check that you chose the right file, and that it was not opened or changed on the way.",
)
FILE_DIRECTION = _code(
    "FILE_DIRECTION",
    "FIL-2",
    Reach.FILE,
    "this is a file of {value}: those go from us to you, not back",
    "{sent}",
    "Check that you chose the right file: what you send begins with E (entries), A (amendments) or M (centre marks).",
)
FILE_TYPE_HELD = _code(
    "FILE_TYPE_HELD",
    "FIL-1",
    Reach.HOLD,
    "this is a file of {value}; the desk does not book {value} by file yet",
    "entries (E), amendments (A) and centre marks (M)",
    "Do not send it again: it is kept, and staff decide what becomes of it. If the deadline is near, use the portal.",
)
NAME_HEADER = _code(
    "NAME_HEADER",
    "FIL-2",
    Reach.FILE,
    'name and content disagree on the {what}: the name says "{named}", the record "{value}"',
    "the same {what} in the file name and in record types 1 and 3",
    "Send the file under the name your school software gave it, or create it again.",
)
HEADERS_DIFFER = _code(
    "HEADERS_DIFFER",
    "FIL-2",
    Reach.FILE,
    'the {what} here is "{value}", but the file header says "{named}"',
    "the same {what} throughout the file",
    "Create the file again in your school software; do not join files by hand.",
)
OTHER_CENTRE = _code(
    "OTHER_CENTRE",
    "FIL-6",
    Reach.FILE,
    "{where} names centre {value}, but this is the inbox of centre {centre}",
    "centre {centre} in the folder, the file name, the headers and every record",
    "Send only your own centre's files here. If this is your file, the centre number in your school software is wrong.",
)
MANY_CENTRES = _code(
    "MANY_CENTRES",
    "FIL-6",
    Reach.FILE,
    "the file holds {value} centres",
    "one centre: a centre can only speak for itself",
    "Send one file for each centre, each from that centre's own account.",
)
RECORD_CENTRE = _code(
    "RECORD_CENTRE",
    "FIL-6",
    Reach.FILE,
    "the record names centre {value}, its centre header {centre}",
    "{centre}",
    "Create the file again; candidates of another centre are entered by that centre.",
)
STREAM_UNKNOWN = _code(
    "STREAM_UNKNOWN",
    "FIL-2",
    Reach.FILE,
    'awarding-body identifier and series "{value}" are none of ours',
    "{streams}",
    "Choose the right series in your school software (load our basedata first) and create the file again.",
)
FORMATS_VERSION = _code(
    "FORMATS_VERSION",
    "FIL-2",
    Reach.WARNING,
    'formats version "{value}" in the file header; the file was read as version 14',
    "14",
    "Ask your software supplier for formats version 14.",
)
OLD_FORMAT = _code(
    "OLD_FORMAT",
    "FIL-2",
    Reach.WARNING,
    "the records have {width} columns: those of formats version {version}; they were read as {record}",
    "formats version 14",
    "Nothing to do now; ask whoever made the file for formats version 14.",
)

# --- Shape of the file ---------------------------------------------------------------------------------------------

HEADER_MISSING = _code(
    "HEADER_MISSING",
    "FIL-2",
    Reach.FILE,
    'the file does not start with a file header; its first line begins "{value}"',
    "a file header, which begins {letter}1 and the centre number",
    AGAIN,
)
RECORD_ORDER = _code(
    "RECORD_ORDER",
    "FIL-2",
    Reach.FILE,
    "found {found} here",
    "{wanted}",
    "Create the file again in your school software; records must not be moved, removed or typed in by hand.",
)
RECORD_OTHER_TYPE = _code(
    "RECORD_OTHER_TYPE",
    "FIL-2",
    Reach.FILE,
    "{count} of another file type: {value} belongs in a file of {other}, this is one of {title}",
    "records of one file type",
    "Create the file again in your school software; do not join files by hand.",
)
FILES_JOINED = _code(
    "FILES_JOINED",
    "FIL-4",
    Reach.FILE,
    "a second file begins here: the first one ended on the line before",
    "the end of the file",
    "Send the two files one by one, each under its own name; do not join files by hand.",
)
FILE_CUT = _code(
    "FILE_CUT",
    "FIL-4",
    Reach.FILE,
    "the file stops in the middle of a record, after column {value}: the upload was cut short",
    "a whole record of {width} columns, then {wanted}",
    "Send the same file again and wait until the transfer has finished.",
)
TRAILER_MISSING = _code(
    "TRAILER_MISSING",
    "FIL-2",
    Reach.FILE,
    "the file ends here, after {found}",
    "{wanted}",
    "The end of the file is missing: send it again, and if that does not help, create it again.",
)
TRAILER_DOUBLED = _code(
    "TRAILER_DOUBLED",
    "FIL-2",
    Reach.FILE,
    "{record} stands here a second time",
    "each trailer once",
    "Create the file again in your school software; records must not be doubled.",
)
SEQUENCE_NUMBER = _code(
    "SEQUENCE_NUMBER",
    "FIL-2",
    Reach.FILE,
    'sequence number "{value}" cannot be used',
    "three digits, 001 to 999",
    AGAIN,
)
COUNT_WRONG = _code(
    "COUNT_WRONG",
    "FIL-2",
    Reach.FILE,
    "the {record} counts {value} {what}, {where} holds {held}{hint}",
    "{held:07d}",
    "Create the file again: records may have been lost, so none were applied.",
)
RECORD_WIDTH = _code(
    "RECORD_WIDTH",
    "FIL-2",
    Reach.FILE,
    "the record has {value} columns{hint}",
    "{width} columns",
    "{mend}Create the file again in the software that wrote it and send it again under its own name.",
)
RECORD_SHORT = _code(
    "RECORD_SHORT",
    "FIL-4",
    Reach.FILE,
    "the record stops after column {value}: more is missing than the spaces at its end",
    "{wanted}",
    "Send the file again; if this record is still short, create the file again in your school software.",
)
SPACES_LOST = _code(
    "SPACES_LOST",
    "FIL-4",
    Reach.NOTE,
    "{value} of {lines} lines came without their trailing spaces; they were filled up again to {width} columns",
    "{width} columns in every line",
    "Nothing to do; to avoid it, do not open the file in an editor before sending.",
)
SPACES_EXTRA = _code(
    "SPACES_EXTRA",
    "FIL-4",
    Reach.NOTE,
    "{value} of {lines} lines have more than {width} columns, all of them spaces; these were passed over",
    "{width} columns in every line",
    "Nothing to do.",
)
LINE_ENDS = _code(
    "LINE_ENDS",
    "FIL-2",
    Reach.WARNING,
    "{value} of {lines} lines do not end in carriage return and line feed",
    "CR LF after every record",
    "Nothing to do now; send files in binary mode, unchanged.",
)
LAST_LINE_END = _code(
    "LAST_LINE_END",
    "FIL-4",
    Reach.NOTE,
    "there is no line end after the last record; it was read as complete",
    "CR LF after every record",
    "Nothing to do: the record is whole.",
)
BLANK_LINES = _code(
    "BLANK_LINES",
    "FIL-2",
    Reach.NOTE,
    "{value} empty lines at the end of the file were passed over",
    "no line after the file trailer",
    "Nothing to do.",
)
BYTE_ORDER_MARK = _code(
    "BYTE_ORDER_MARK",
    "FIL-2",
    Reach.WARNING,
    "the file begins with a byte-order mark, which an editor put there; it was passed over",
    "the letter of the file as its first byte",
    "Nothing to do now; do not save the file from an editor.",
)
END_OF_FILE_MARK = _code(
    "END_OF_FILE_MARK",
    "FIL-2",
    Reach.NOTE,
    "a stray end-of-file character (0x1A) after the last record was passed over",
    "nothing after the last line end",
    "Nothing to do.",
)
CHARACTER = _code(
    "CHARACTER",
    "FIL-2",
    Reach.WARNING,
    'character "{value}" was read as "{plain}"',
    "plain ASCII: letters without accents, digits, punctuation",
    "Check that the name is as you want it; our records hold it without accents.",
)
CONTROL_CHARACTER = _code(
    "CONTROL_CHARACTER",
    "FIL-2",
    Reach.WARNING,
    "control character {value} was read as a space",
    "plain ASCII: letters without accents, digits, punctuation",
    "Check what stands at this place in your software; a tab or line break was typed or pasted there.",
)
LOWER_CASE = _code(
    "LOWER_CASE",
    "FIL-2",
    Reach.WARNING,
    '"{value}" was read as "{kept}": these files know capital letters only',
    "{kept}",
    "Nothing to do if that is right.",
)
MORE_OF_THE_SAME = _code(
    "MORE_OF_THE_SAME",
    "FIL-1",
    Reach.NOTE,
    "{value} further findings {of} are not listed here",
    "a shorter list",
    "Mend the cause of the listed ones first; the others most likely share it.",
)

# --- Bundles of basedata -------------------------------------------------------------------------------------------

FETCH = "Fetch the bundle again from the awarding body, and do not open or change it before loading."
BUNDLE_NAME = _code(
    "BUNDLE_NAME",
    "FIL-2",
    Reach.WARNING,
    'the name "{value}" is not that of a bundle of basedata',
    "a name like Z6A16_70.zip: Z, series, year, language, awarding-body identifier",
    "Load it under the name the awarding body gave it.",
)
BUNDLE_BROKEN = _code(
    "BUNDLE_BROKEN",
    "FIL-2",
    Reach.FILE,
    "the archive is damaged, needs a password or is of a kind that cannot be read",
    "a zip archive without a password",
    FETCH,
)
BUNDLE_TOO_LARGE = _code(
    "BUNDLE_TOO_LARGE",
    "FIL-2",
    Reach.FILE,
    "the archive holds {value} files of {size:,} bytes together; none was unpacked",
    "at most {members} files and {limit:,} bytes",
    FETCH,
)
BUNDLE_MEMBER_MISSING = _code(
    "BUNDLE_MEMBER_MISSING",
    "FIL-2",
    Reach.FILE,
    "there is no file of letter {value} in the bundle",
    "one file each of S, O, C and L; D may be missing",
    FETCH,
)
BUNDLE_MEMBER_TWICE = _code(
    "BUNDLE_MEMBER_TWICE",
    "FIL-2",
    Reach.FILE,
    "there are several files of letter {value} in the bundle",
    "one file each of S, O, C and L; D may be missing",
    FETCH,
)
BUNDLE_KEYS_DIFFER = _code(
    "BUNDLE_KEYS_DIFFER",
    "FIL-2",
    Reach.FILE,
    "{value} belongs to another set of basedata",
    "files of {key} only",
    FETCH,
)
BUNDLE_STRANGER = _code(
    "BUNDLE_STRANGER",
    "FIL-2",
    Reach.NOTE,
    '"{value}" in the archive is no basedata and was passed over',
    "files of S, O, C, L and D",
    "Nothing to do.",
)

# --- Fields of a candidate record ----------------------------------------------------------------------------------

RECORD_SHIFTED = _code(
    "RECORD_SHIFTED",
    "FIL-4",
    Reach.CANDIDATE,
    "the record is shifted: {cause}, so that everything after it stands {shift} columns too far to the {side}; "
    '"{value}" was found here',
    "{wanted}",
    "Nothing of this record was read. The software that wrote the file must {mend} (tell its supplier). "
    "Candidates of an entry file that was not refused then go into your next amendment (A) file, other records into a "
    "new file.",
)
BASEDATA_SHIFTED = _code(
    "BASEDATA_SHIFTED",
    "FIL-4",
    Reach.FILE,
    "the record is shifted: {cause}, so that everything after it stands {shift} columns too far to the {side}; "
    '"{value}" was found here',
    "{wanted}",
    "Do not load this basedata: fetch it again, and tell the awarding body if it comes like this a second time.",
)
FIELD_WRONG = _code("FIELD_WRONG", "FIL-2", Reach.CANDIDATE, '"{value}" cannot be {what}', "{words}", WHERE_MADE)
FIELD_MISSING = _code("FIELD_MISSING", "FIL-2", Reach.CANDIDATE, "{what} is missing", "{words}", WHERE_MADE)
BASEDATA_FIELD = _code(
    "BASEDATA_FIELD",
    "FIL-2",
    Reach.FILE,
    '"{value}" cannot be {what}',
    "{words}",
    "Do not load this basedata: fetch it again, and tell the awarding body if it comes like this a second time.",
)
RESERVED_USED = _code(
    "RESERVED_USED",
    "FIL-2",
    Reach.NOTE,
    'columns that should be blank hold "{value}"; it was kept and has no effect',
    "spaces",
    "Nothing to do.",
)
CANDIDATE_NUMBER = _code(
    "CANDIDATE_NUMBER",
    "REG-5",
    Reach.CANDIDATE,
    'candidate number "{value}" cannot be used',
    "four digits, 0001 to 9999",
    AMEND,
)
CANDIDATE_NUMBER_SHARED = _code(
    "CANDIDATE_NUMBER_SHARED",
    "REG-5",
    Reach.CANDIDATE,
    "candidate number {candidate} is used for UCI {value} and for UCI {other}",
    "one candidate, one number, in a centre and series",
    "Give one of them another number and send both again in your next amendment (A) file.",
)
UCI_TWO_NUMBERS = _code(
    "UCI_TWO_NUMBERS",
    "REG-4",
    Reach.CANDIDATE,
    "UCI {value} stands under candidate number {candidate} and under {other}",
    "one UCI, one candidate number, in a centre and series",
    "Use the number the candidate already has in this series, and send the candidate again in an amendment (A) file.",
)
STATUS = _code(
    "STATUS",
    "FIL-2",
    Reach.CANDIDATE,
    'candidate status "{value}" is not known',
    "C (centre candidate) or P (private candidate)",
    AMEND,
)
SEX = _code("SEX", "FIL-2", Reach.CANDIDATE, 'sex "{value}" is not known', "M or F", AMEND)
BORN = _code(
    "BORN",
    "FIL-2",
    Reach.CANDIDATE,
    'date of birth "{value}" is not a date',
    "DDMMYY, or 000000 when it is not known",
    AMEND,
)
NAME_FORM = _code(
    "NAME_FORM",
    "REG-3",
    Reach.CANDIDATE,
    'name "{value}" is not written as surname, colon, forenames',
    "SURNAME:FORENAMES (the colon stays when there is no forename)",
    AMEND,
)
NAME_CHARACTERS = _code(
    "NAME_CHARACTERS",
    "REG-3",
    Reach.WARNING,
    'name "{value}" is kept as "{kept}"',
    "capital letters A to Z, space, and ' . : ( ) / -",
    "Nothing to do if the name as kept is right.",
)
NAME_CUT = _code(
    "NAME_CUT",
    "FIL-4",
    Reach.WARNING,
    'name "{value}" fills its field of 40 columns, or all but one, and was probably cut off',
    "a name of at most 40 columns, colon included",
    "Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.",
)
UCI_MISSING = _code(
    "UCI_MISSING",
    "REG-4",
    Reach.CANDIDATE,
    "there is no UCI",
    "13 characters: centre number, 0 or a letter, year, candidate number, check letter",
    "Have your software allocate a UCI, and send the candidate in your next amendment (A) file.",
)
UCI_FORM = _code(
    "UCI_FORM",
    "REG-4",
    Reach.CANDIDATE,
    'UCI "{value}" is not shaped like one',
    "13 characters: centre number (5 digits), 0 or a letter, year (2), candidate number (4), check letter",
    AMEND,
)
UCI_WRONG = _code(
    "UCI_WRONG",
    "REG-4",
    Reach.CANDIDATE,
    'UCI "{value}" does not match its check letter: a character is wrong or two are exchanged',
    "check letter {check} for {core}",
    "Compare the UCI with the candidate's earlier papers. " + AMEND,
)
UCI_LETTER_MISSING = _code(
    "UCI_LETTER_MISSING",
    "REG-4",
    Reach.WARNING,
    'UCI "{value}" came without its check letter; it was filled in: {value}{check}',
    "{value}{check}",
    "Nothing to do; please put the full UCI into your software.",
)
ULN_WRONG = _code(
    "ULN_WRONG",
    "REG-4",
    Reach.CANDIDATE,
    'ULN "{value}" does not match its check digit',
    "ten digits, the last of which checks the others; blank when there is none",
    "Compare it with the Learning Records Service. " + AMEND,
)
UPN_WRONG = _code(
    "UPN_WRONG",
    "REG-4",
    Reach.WARNING,
    'UPN "{value}" does not match its check letter; it was kept as it is',
    "a letter that checks the rest, then eleven digits and a digit or letter",
    "Compare it with the pupil's record. We do not use it to tell candidates apart.",
)
ULN_TWO_UCIS = _code(
    "ULN_TWO_UCIS",
    "REG-4",
    Reach.CANDIDATE,
    "ULN {value} belongs to UCI {uci} here and to UCI {other} {where}",
    "one learner, one UCI, for life",
    "Find out which UCI is the older one and use it; if both have results, ask customer services to merge them.",
)
OPTION_UNKNOWN = _code(
    "OPTION_UNKNOWN",
    "ENT-1",
    Reach.CANDIDATE,
    'option "{value}" is not in the {series} catalogue',
    "{codes}",
    "Nothing of this candidate was applied. " + AMEND,
)
OPTION_TWICE = _code(
    "OPTION_TWICE",
    "ENT-1",
    Reach.NOTE,
    "option {value} is entered twice for candidate {candidate}; it counts once",
    "each option once",
    "Nothing to do.",
)

# --- Series, sequence and calendar -----------------------------------------------------------------------------------

OPTION_NOT_IN_SERIES = _code(
    "OPTION_NOT_IN_SERIES",
    "CAL-4",
    Reach.ENTRY,
    "{value} ({title}) cannot be taken in {series}: {reason}",
    "{available}",
    "Remove the option, or enter the candidate in a series in which it is offered.",
)
NOT_REGISTERED = _code(
    "NOT_REGISTERED",
    "REG-2",
    Reach.ENTRY,
    "candidate {candidate} is not registered for {subject} at your centre, so {value} cannot be entered",
    "a registration for {subject} (code {registration}) of UCI {uci}{near}",
    "Send the registration in your registration series first, then the entry in your next amendment (A) file.",
)
NAME_MISMATCH = _code(
    "NAME_MISMATCH",
    "REG-3",
    Reach.CANDIDATE,
    'the name "{value}" is not the one registered for UCI {uci}: "{registered}"',
    "{registered}",
    "If the entry is wrong, correct it and send the candidate in an amendment (A) file. If the registration is wrong, "
    "amend that first, then enter.",
)
WINDOW_NOT_OPEN = _code(
    "WINDOW_NOT_OPEN",
    "ENT-2",
    Reach.FILE,
    "received {value}, before {window} for {series} opened",
    "{opens} to {closes} ({version})",
    "Send the file again once the window is open.",
)
WINDOW_CLOSED = _code(
    "WINDOW_CLOSED",
    "ENT-2",
    Reach.FILE,
    "received {value}, after {window} for {series} closed",
    "{opens} to {closes} ({version})",
    "{claims}Call customer services: only staff can still make entries for this series.",
)
CLAIM_WINDOW = _code(
    "CLAIM_WINDOW",
    "CRT-1",
    Reach.FILE,
    "received {value}, when certification for {series} cannot be claimed online: the entry window closed on {closes}",
    "claims by file or online up to {closes}, online again {late} ({version})",
    "Call customer services: they can make the claim.",
)
CLAIM_AWARDED = _code(
    "CLAIM_AWARDED",
    "CRT-5",
    Reach.ENTRY,
    "{value} of candidate {candidate} has been processed into a result and cannot be declined",
    "withdrawals of claims before their results are issued",
    "Nothing to do: the result stands. A learner who resits may claim again and hold both (CRT-4).",
)
ALREADY_PROCESSED = _code(
    "ALREADY_PROCESSED",
    "FIL-3",
    Reach.NOTE,
    "this very file, byte for byte, was processed before: received {value}, answered in {reply}",
    "each file once",
    "Nothing to do: the first reply stands, nothing was changed by sending it again.",
)
NUMBER_REUSED = _code(
    "NUMBER_REUSED",
    "FIL-3",
    Reach.HOLD,
    "sequence number {value} of {series} was used before, by a file with other contents received {earlier}",
    "the next number, {next:03d}",
    "Nothing was applied; staff will look at it. A new file goes under the next number.",
)
SECOND_ENTRY_FILE = _code(
    "SECOND_ENTRY_FILE",
    "FIL-3",
    Reach.HOLD,
    "an entry (E) file of yours for {series} was accepted before: {value}",
    "amendment (A) files after the first entry file",
    "Nothing was applied; staff will look at it. Send what changed as an amendment (A) file under the next number.",
)
SEQUENCE_OLD = _code(
    "SEQUENCE_OLD",
    "FIL-3",
    Reach.HOLD,
    "sequence number {value} of {series} comes after {last:03d} was applied; applying it now would undo newer data",
    "a number above {last:03d}",
    "Nothing was applied; staff will look at it. Create the amendment again under the next number.",
)
SEQUENCE_GAP = _code(
    "SEQUENCE_GAP",
    "FIL-3",
    Reach.NOTE,
    "sequence number {value} follows {last:03d}: {missing} between them did not arrive",
    "{next:03d}",
    "If you sent a file in between, send it again now; if not, nothing to do.",
)
AMENDMENT_FIRST = _code(
    "AMENDMENT_FIRST",
    "FIL-3",
    Reach.WARNING,
    "an amendment (A) file for {series} arrived before any entry (E) file; it was applied",
    "one entry (E) file first, amendments after it",
    "If you have sent an entry file that got no reply, call us. Otherwise go on with amendment files.",
)
WITHDRAWN = _code(
    "WITHDRAWN",
    "FIL-3",
    Reach.NOTE,
    "candidate {candidate}: withdrawn from {value}, because this file no longer lists it",
    "what the candidate is to keep, in full, in every amendment",
    "Nothing to do if that was meant. If not, send the candidate again with every option.",
)
LATE_FEE = _code(
    "LATE_FEE",
    "FEE-1",
    Reach.NOTE,
    "new entries in this file are charged at the {value} fee: received {received}, {why}",
    "on-time entries by {deadline} ({version})",
    "Nothing to do.",
)

# --- Approval, sittings, practice and the terminal rule --------------------------------------------------------------

CENTRE_NOT_APPROVED = _code(
    "CENTRE_NOT_APPROVED",
    "REG-1",
    Reach.ENTRY,
    "centre {centre} is not approved for {subject}{since}, so {value} cannot be taken",
    "an approval before the file is received",
    "Apply for approval (centres that offer our GCSEs are approved on request, others within some days), then send the "
    "candidate again in an amendment (A) file.",
)
RETAKE_LIMIT = _code(
    "RETAKE_LIMIT",
    "ENT-3",
    Reach.ENTRY,
    "{value} ({title}) was taken {times} times already: in {sat_in}",
    "an internal component is taken at most {allowed} times",
    "Remove the entry. If a sitting was not the learner's fault, ask customer services for another one.",
)
RESIT_LIMIT = _code(
    "RESIT_LIMIT",
    "ENT-4",
    Reach.ENTRY,
    "{value} ({title}) was sat {times} times already: in {sat_in}",
    "an external component is sat at most {allowed} times, practice sittings included",
    "Remove the entry. If a sitting was not the learner's fault, ask customer services for another one.",
)
TERMINAL_RULE = _code(
    "TERMINAL_RULE",
    "ENT-5",
    Reach.WARNING,
    "{value} ({title}) is taken after the final external assessment of {sat_in}: without {external_code} in {series} "
    "too it cannot count towards an award",
    "{external_code} entered in {series} as well",
    "If the learner is to be awarded with this result, enter {external_code} in the same series.",
)
PRACTICE_SITTING = _code(
    "PRACTICE_SITTING",
    "ENT-6",
    Reach.WARNING,
    "{value} ({title}) is a practice sitting: {missing} will not be complete by the end of {series}",
    "every internal component taken by the end of {series}",
    "Nothing to do if a practice sitting is meant: it uses up one of two sittings and never counts towards an award. "
    "Otherwise enter {missing} too, or the external component in a later series.",
)

# --- The desk's own feeds (portal, staff) ------------------------------------------------------------------------

FEED_COLUMNS = _code(
    "FEED_COLUMNS",
    "FIL-2",
    Reach.FILE,
    "the feed cannot be read; missing or wrong: {value}",
    "a CSV file in UTF-8 with the columns {wanted}",
    "Nothing of it was applied. Whoever writes the feed has to mend it and write it again.",
)
FEED_MIXED = _code(
    "FEED_MIXED",
    "FIL-6",
    Reach.FILE,
    "the feed is about several centres or series: {value}",
    "one centre and one series in a feed file",
    "Nothing of it was applied. Write a file for each.",
)
FEED_ROW = _code(
    "FEED_ROW",
    "FIL-2",
    Reach.FILE,
    'the {field} "{value}" of this row cannot be used',
    "{wanted}",
    "Nothing of the file was applied. Mend the row and write the file again.",
)
NOT_HELD = _code(
    "NOT_HELD",
    "FIL-3",
    Reach.WARNING,
    "{value} is to be withdrawn for candidate {candidate}, who does not hold it",
    "an entry in force",
    "Check candidate number, series and code; nothing was changed by this row.",
)

BOUNDARIES = _code(
    "BOUNDARIES",
    "AWD-1",
    Reach.FILE,
    "no conversion table can be made for {option} in {series}: {value}",
    "boundaries that fall from grade to grade and give each raw mark the grade of its uniform mark",
    "Nothing of the file was applied. Mend the boundaries and write the file again.",
)

# --- Moderation ------------------------------------------------------------------------------------------------------

MODERATION_FEED = _code(
    "MODERATION_FEED",
    "MOD-2",
    Reach.FILE,
    "the moderator's file cannot be read: {value} is missing or wrong",
    "a CSV file in UTF-8 with the columns {wanted}",
    "Nothing of it was applied. Write the file again.",
)
MODERATION_COHORT = _code(
    "MODERATION_COHORT",
    "MOD-2",
    Reach.ENTRY,
    "no sample of {value} was drawn",
    "series, centre and component of a sample list",
    "Check the three against the sample list. The row was not applied.",
)
MODERATION_LEARNER = _code(
    "MODERATION_LEARNER",
    "MOD-2",
    Reach.ENTRY,
    "the learner with UCI {value} is not in this sample",
    "a UCI of the sample list",
    "Check the UCI against the sample list. The row was not applied.",
)
MODERATION_MARK = _code(
    "MODERATION_MARK",
    "MOD-2",
    Reach.ENTRY,
    'the mark "{value}" cannot be used',
    "a whole number from 0 to {raw_max}",
    "Write the raw mark, digits only. The row was not applied.",
)
MODERATION_TWO_MARKS = _code(
    "MODERATION_TWO_MARKS",
    "MOD-2",
    Reach.ENTRY,
    "the learner has several marks in this file; here {value}",
    "one row a learner",
    "Send the mark that is meant, once. None of these rows was applied.",
)
MODERATION_COMPARED = _code(
    "MODERATION_COMPARED",
    "MOD-2",
    Reach.ENTRY,
    "the moderator's mark {value} comes too late: this sample has been compared, with {held}",
    "marks before the sample is complete",
    "The first mark stands. If it is wrong, the person who approves has to know of it.",
)
MODERATION_MISSING = _code(
    "MODERATION_MISSING",
    "MOD-2",
    Reach.WARNING,
    "no moderator's mark yet for UCI {value} of {cohort}",
    "a mark for every learner of the sample",
    "Send the missing marks in another file. Until then this sample is not compared.",
)

# --- Marks -----------------------------------------------------------------------------------------------------------

_MARK_AGAIN = "Correct it and send the mark again in a new file of marks."

MARK_COMPONENT = _code(
    "MARK_COMPONENT",
    "MRK-1",
    Reach.MARK,
    "there are no marks for {value} in {when}: {why}",
    "the code of a component that can be taken in {when}",
    _MARK_AGAIN,
)
MARK_EXTERNAL = _code(
    "MARK_EXTERNAL",
    "MRK-1",
    Reach.MARK,
    "{value} ({title}) is the external component: its marks come from our own marking, not from centres",
    "marks of internal components",
    "Leave this record out. If you meant an internal component, correct the code and send the mark in a new file.",
)
MARK_INTERNAL = _code(
    "MARK_INTERNAL",
    "MRK-1",
    Reach.MARK,
    "{value} ({title}) is an internal component: its marks come from the centre, not from our own marking",
    "marks of external components",
    "Check the component code. If it is right, this row does not belong here.",
)
MARK_LEARNER = _code(
    "MARK_LEARNER",
    "MRK-1",
    Reach.MARK,
    "candidate number and UCI belong to two learners: {who}",
    "number and UCI as they were entered for {option}",
    "Find out which of the two is right and send the mark again in a new file of marks.",
)
MARK_ROW = _code(
    "MARK_ROW",
    "MRK-1",
    Reach.MARK,
    'the {field} "{value}" of this row cannot be used',
    "{wanted}",
    "The row was not applied, the others were. Mend it and send it again in another file.",
)
MARK_NOT_ENTERED = _code(
    "MARK_NOT_ENTERED",
    "MRK-1",
    Reach.MARK,
    "candidate {value} is not entered for {option} in {when}",
    "an entry in force for {option}",
    "Check candidate number and component code. A learner who is missing has to be entered first, while the window is "
    "open in an amendment (A) file; then send the mark again in a new file of marks.",
)
MARK_TWICE = _code(
    "MARK_TWICE",
    "MRK-1",
    Reach.MARK,
    "there are several marks for candidate {value} in {option} in this file (lines {lines}); none of them was taken",
    "one mark for a learner in a component",
    "Send the mark that is meant, once, in a new file of marks.",
)
MARK_ABOVE = _code(
    "MARK_ABOVE",
    "MRK-1",
    Reach.MARK,
    "the mark {value} is above the maximum of {option} ({title})",
    "a raw mark from 0 to {limit}",
    _MARK_AGAIN,
)
MARK_MISSING = _code(
    "MARK_MISSING",
    "MRK-1",
    Reach.MARK,
    "there is neither a mark nor a status",
    "a raw mark from 0 to {limit}, or the status A (absent) or N (not yet available)",
    _MARK_AGAIN,
)
MARK_AND_STATUS = _code(
    "MARK_AND_STATUS",
    "MRK-1",
    Reach.MARK,
    "there is a mark and the status {value}, which says that there is none",
    "either marks, or the status A (absent) or N (not yet available)",
    _MARK_AGAIN,
)
MARK_TASKS = _code(
    "MARK_TASKS",
    "MRK-1",
    Reach.MARK,
    "the marks of the tasks add up to {sum}, the total says {value}",
    "a total of {sum}, or no marks of tasks",
    _MARK_AGAIN,
)
MARK_LATE = _code(
    "MARK_LATE",
    "MRK-3",
    Reach.MARK,
    "{count} for {option} came on {value}, after the deadline, {due}; {window}",
    "marks up to the deadline; after it only amendments, while moderation feedback has opened the window",
    "What we held before stands. No assignment is submitted again after the deadline. If the mark could not be sent "
    "in time, ask customer services for an extension and send it again.",
)
