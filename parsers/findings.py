"""Findings: what is wrong, where, what was expected and what to do. `CODES` is the closed list of what the library
itself finds: what a file can say without a ledger, a calendar or other files.

A code's texts are templates over the finding's value and facts, so every renderer (reply, JSON, terminal) says the
same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import cached_property
from string import Formatter
from typing import Any

import polars as pl
from attrs import frozen

from .gathered import FEW, Cause, Gathered, Spot


class Reach(StrEnum):
    """How far a finding reaches: what it stops. Ordered from the widest to the narrowest."""

    HOLD = "hold"
    FILE = "file"
    CANDIDATE = "candidate"
    ENTRY = "entry"
    MARK = "mark"
    ROW = "row"
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
    Reach.ROW: "row refused",
    Reach.WARNING: "warning",
    Reach.NOTE: "note",
}


@frozen(kw_only=True)
class Finding:
    """One thing found in one file. Lines count from 1; columns are 1-based and inclusive, None where there are none."""

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


@frozen(slots=False)
class Code:
    """A kind of finding: its rule, how far it reaches, and its three sentences. `together`: message and expected for
    many candidates at once, where its own name a learner."""

    name: str
    rule: str
    reach: Reach
    message: str
    expected: str
    remedy: str
    together: tuple[str, str] | None = None

    @cached_property
    def common(self) -> tuple[str, ...]:
        """The facts that findings of one cause have in common: those that the sentences for all of them name."""
        texts = (*(self.together or (self.message, self.expected)), self.remedy)
        return tuple(sorted({name for text in texts for _, name, _, _ in Formatter().parse(text) if name}))

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
        words = _words(value, line=line, field=field, candidate=candidate, option=option, **facts)
        return Finding(
            code=self.name,
            rule=self.rule,
            reach=self.reach,
            file=file,
            line=line,
            columns=columns,
            field=field,
            value=words["value"],
            message=self.message.format_map(words),
            expected=self.expected.format_map(words),
            remedy=self.remedy.format_map(words),
            candidate=words["candidate"],
            option=words["option"],
        )

    def for_all(self, value: str | None, **facts: Any) -> tuple[str, str] | None:
        """Message and expected for all places of a cause together; None where a finding's own do."""
        if self.together is None:
            return None
        message, expected = self.together
        words = _words(value, **facts)
        return message.format_map(words), expected.format_map(words)


def _words(value: str | None, **facts: Any) -> dict[str, Any]:
    """What fills the sentences of a finding, each text so that it can be shown."""
    field = facts.pop("field", None)
    short = {"value": value} | {name: facts.pop(name, None) for name in ("candidate", "option")}
    words = {name: visible(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    words.update({name: None if text is None else _bounded(text) for name, text in short.items()})
    words["field"] = field and _IN_WORDS.get(field, field.replace("_", " "))
    return words


_IN_WORDS = {"uci": "UCI", "uln": "ULN", "upn": "UPN"}


def visible(text: str) -> str:
    """`text` with control characters, terminal escapes and lone surrogates written out: no renderer obeys them."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text
    )


MOST_SHOWN = 1_000
"""At most this many characters of a value from outside are shown in a finding."""


def _bounded(text: str) -> str:
    """`text` as a finding shows it: visible, and never too long for a reply (FIL-7)."""
    shown = visible(text[:MOST_SHOWN])
    if len(text) <= MOST_SHOWN and len(shown.encode("ascii", "backslashreplace")) <= MOST_SHOWN:
        return shown
    # In a reply, which is plain ASCII, one character can become ten.
    return f"{shown[: MOST_SHOWN // 10]}... ({len(text):,} characters)"


class Found:
    """Findings of many files while they are being made.

    At most `LISTED` findings of one code and file are built, the rest are counted: a file of rubbish must fill neither
    the reply nor the memory. What they refuse is kept in full.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = files
        self._counts: Counter[tuple[int, str]] = Counter()
        self._built: dict[int, list[Finding]] = {}
        self._causes: dict[int, dict[tuple[str, ...], Cause]] = {}
        self._kinds: Counter[tuple[int, str]] = Counter()
        """Causes of one code in one file."""
        self._reaches: dict[int, set[Reach]] = {}
        self._refused: dict[Reach, list[pl.DataFrame]] = {Reach.CANDIDATE: [], Reach.ENTRY: []}
        self._by_code: dict[str, list[pl.DataFrame]] = {}
        """Whom findings refuse, by code."""

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
        finding: Finding | None = None
        if self._counts[file, code.name] <= LISTED:
            finding = code.at(self._files[file], line, columns, value, **facts)
            self._built.setdefault(file, []).append(finding)
        known = {"value": value, "line": line, **facts}
        cause = self._cause(file, (code.name, *(str(known.get(name)) for name in code.common)))
        if cause is None:
            return
        if not cause.first:
            cause.shared = code.for_all(value, **facts)
        if len(cause.first) < FEW:
            cause.first.append(finding or code.at(self._files[file], line, columns, value, **facts))
        cause.add(line, columns, facts.get("candidate"))

    def _cause(self, file: int, key: tuple[str, ...]) -> Cause | None:
        """The cause of that key, whose first part is the name of its code; None where a file has had `LISTED` others of
        the code: they are counted only."""
        causes = self._causes.setdefault(file, {})
        if key not in causes:
            if self._kinds[file, key[0]] == LISTED:
                return None
            self._kinds[file, key[0]] += 1
            causes[key] = Cause()
        return causes[key]

    def more(
        self,
        code: Code,
        count: int = 0,
        *,
        file: int = 0,
        field: str | None = None,
        lines: Sequence[int] = (),
        candidates: Sequence[str | None] = (),
    ) -> None:
        """Counts `count` more findings of a code that has reached its limit, and those of which `lines` and
        `candidates` are known; these are put to the cause of the code and field, if there is no other it could be."""
        self._counts[file, code.name] += max(count, len(lines))
        causes = [
            cause
            for (name, *_), cause in self._causes.get(file, {}).items()
            if name == code.name and cause.first[0].field == field
        ]
        if len(causes) == 1:
            causes[0].follow(lines, candidates)

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
        `option` and any others fill the sentences. A row refuses its own candidate or entry, unless `refused` names the
        rows it refuses.
        """
        if violations.is_empty():
            return
        if code.reach in self._refused:
            key = ["file", "candidate"] + (["option"] if code.reach is Reach.ENTRY else [])
            whom = (violations if refused is None else refused).select(key).unique()
            self._refused[code.reach].append(whom)
            self._by_code.setdefault(code.name, []).append(whom.select(*_NO_CANDIDATE.columns))
        few = violations.height <= LISTED
        listed = violations if few else violations.group_by("file", maintain_order=True).head(LISTED)
        for row in listed.iter_rows(named=True):
            first, last = row.pop("first", None), row.pop("last", None)
            self.add(
                code, row.pop("line"), columns if first is None else (first, last), row.pop("value"), field=field, **row
            )
        if not few:
            rest = violations.filter(pl.int_range(pl.len()).over("file") >= LISTED)
            self._gather(code, rest, columns, field)

    def _gather(self, code: Code, rest: pl.DataFrame, columns: tuple[int, int] | None, field: str | None) -> None:
        """Counts violations behind the first of a file, and puts them to their causes."""
        named = [name for name in code.common if name in rest.columns and name != "line"]
        if "first" not in rest.columns:
            place = columns or (None, None)
            rest = rest.with_columns(first=pl.lit(place[0], pl.UInt32), last=pl.lit(place[1], pl.UInt32))
        if "candidate" not in rest.columns:
            rest = rest.with_columns(candidate=pl.lit(None, pl.String))
        spot = ("line", "first", "last", "candidate")
        facts = [name for name in rest.columns if name not in ("file", *spot)]
        grouped = rest.group_by("file", *(pl.col(name).alias(f"={name}") for name in named), maintain_order=True).agg(
            *(pl.col(name).alias(f"@{name}") for name in spot), *(pl.col(name).first() for name in facts)
        )
        for row in grouped.iter_rows(named=True):
            file, places = row["file"], [row[f"@{name}"] for name in spot]
            self._counts[file, code.name] += len(places[0])
            spots: list[Spot] = [
                (line, columns if first is None else (first, last), candidate)
                for line, first, last, candidate in zip(*places, strict=True)
            ]
            line, its_columns, candidate = spots[0]
            known = {name: row[name] for name in facts} | {"field": field, "candidate": candidate}
            cause = self._cause(file, (code.name, *(str(({"line": line} | known).get(name)) for name in code.common)))
            if cause is None:
                continue
            if not cause.first:
                value = known.pop("value")
                cause.shared = code.for_all(value, **known)
                cause.first.append(code.at(self._files[file], line, its_columns, value, **known))
            for spotted in spots:
                cause.add(*spotted)

    def carry(self, file: int, findings: Iterable[Finding]) -> None:
        """Takes over the findings of the reader."""
        for finding in findings:
            if finding.code == MORE_OF_THE_SAME.name and finding.field and finding.value:
                # These were counted, not built; more of them may come.
                self._counts[file, finding.field] += int(finding.value)
                continue
            self._counts[file, finding.code] += 1
            self._reaches.setdefault(file, set()).add(finding.reach)
            self._built.setdefault(file, []).append(finding)
            cause = self._cause(file, (finding.code, finding.message, finding.expected, finding.remedy))
            if cause is not None:
                cause.first = cause.first or [finding]
                cause.add(finding.line, finding.columns, finding.candidate)

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

    def refused_for(self, *codes: Code) -> pl.DataFrame:
        """`file`, `candidate` of those whom findings of these codes refuse: what only follows from them is not told."""
        parts = (part for code in codes for part in self._by_code.get(code.name, ()))
        return pl.concat([_NO_CANDIDATE, *parts]).unique()

    def refused_entries(self) -> pl.DataFrame:
        """`file`, `candidate`, `option` of every single entry a finding refuses."""
        return pl.concat([_NO_ENTRY, *self._refused[Reach.ENTRY]]).unique()

    def of(self, file: int) -> tuple[Finding, ...]:
        """The findings of one file, in reading order."""
        built = list(self._built.get(file, ()))
        for (index, code), count in self._counts.items():
            if index == file and count > LISTED:
                built.append(self._further(file, code, count - LISTED))
        return in_order(built)

    def gathered(self, file: int) -> tuple[Gathered, ...]:
        """The causes in one file, each with all its places: those that stop the most first."""
        causes = self._causes.get(file, {})
        told = [gathered for cause in causes.values() for gathered in cause.told()]
        placed: Counter[str] = Counter()
        for (code, *_), cause in causes.items():
            placed[code] += cause.count
        for (index, code), count in self._counts.items():
            if index == file and count > placed[code]:
                told += Cause.of(self._further(file, code, count - placed[code])).told()
        reaches = list(Reach)
        return tuple(sorted(told, key=lambda cause: (reaches.index(cause.reach), cause.begins, cause.code)))

    def _further(self, file: int, code: str, count: int) -> Finding:
        return MORE_OF_THE_SAME.at(self._files[file], value=str(count), field=code, of=f"of {code}")


LISTED = 25
"""At most this many findings of one code are listed for one file; the rest are counted."""

_NO_CANDIDATE = pl.DataFrame(schema={"file": pl.UInt32, "candidate": pl.String})
_NO_ENTRY = pl.DataFrame(schema={"file": pl.UInt32, "candidate": pl.String, "option": pl.String})


class Codes(dict[str, Code]):
    """A closed list of codes by name; each is declared once, into the list."""

    def declare(
        self,
        name: str,
        rule: str,
        reach: Reach,
        message: str,
        expected: str,
        remedy: str,
        together: tuple[str, str] | None = None,
    ) -> Code:
        self[name] = code = Code(name, rule, reach, message, expected, remedy, together)
        return code


CODES = Codes()
_code = CODES.declare


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings as people mend them: those that stop the most first, then by line and column."""
    reaches = list(Reach)
    return tuple(sorted(findings, key=lambda f: (reaches.index(f.reach), f.line or 0, f.columns or (0, 0), f.code)))


AMEND = "Correct it and send the candidate again in your next amendment (A) file."
WHOEVER_SENT = "Send candidates of an entry file in your next amendment (A) file, other records in a new file."
UNLESS_REFUSED = f"Then, unless the whole file was refused, s{WHOEVER_SENT[1:]}"
"""What a finding says where it is not known in what kind of file it is."""
WHERE_MADE = f"Correct it in the software that wrote the file. {WHOEVER_SENT}"
AGAIN = "Create the file again in your school software and send it again under its own name."


# --- What landed is not a file we can read -----------------------------------------------------------------------

FILE_EMPTY = _code(
    "FILE_EMPTY",
    "FIL-1",
    Reach.FILE,
    "the file is empty (0 bytes)",
    "a file header, centre header, candidate records and two trailers",
    "Create the file again in your school software and send it again under its own name.",
)
FILE_NOT_EDI = _code(
    "FILE_NOT_EDI",
    "FIL-2",
    Reach.FILE,
    "this is {value}, not a common-format file",
    "plain text records that start with a type 1 file header",
    "Send the file your school software wrote for the awarding body, unchanged and unopened.",
)
FILE_HOLE = _code(
    "FILE_HOLE",
    "FIL-4",
    Reach.FILE,
    "a part of the file did not arrive: {value} are zero, as a broken transfer leaves them",
    "the bytes that the school software wrote",
    "Send the same file again and wait until the transfer has finished.",
)
FILE_ZIPPED = _code(
    "FILE_ZIPPED",
    "FIL-2",
    Reach.FILE,
    "this is a zip archive ({count}), in which there is {value}",
    "the files themselves, each under its own name",
    "Unpack it, and send each file by itself.",
)
FILE_TEXT_WIDE = _code(
    "FILE_TEXT_WIDE",
    "FIL-2",
    Reach.FILE,
    "the file is saved as {value}: every character takes two bytes or more",
    "plain ASCII text, one byte per character",
    "Send the file as your school software wrote it. If an editor was used, save it as ASCII or ANSI text.",
)

# --- Names, headers and who speaks --------------------------------------------------------------------------------

FILE_NAME = _code(
    "FILE_NAME",
    "FIL-2",
    Reach.FILE,
    '"{value}" is not the name of a common-format file',
    "{example}: letter, centre number, awarding-body identifier, .X and two digits",
    "Send the file {proper}.",
)
FILE_RENAMED = _code(
    "FILE_RENAMED",
    "FIL-4",
    Reach.WARNING,
    'the file arrived as "{value}", a name that a browser or file manager gives to a copy; it was read as {original}',
    "{original}",
    "Nothing to do now. Next time send the file from the folder your software saved it in, under its own name.",
)
NAME_READ = _code(
    "NAME_READ",
    "FIL-4",
    Reach.NOTE,
    'the file arrived as "{value}"; it was read as {original}',
    "{original}",
    "Nothing to do.",
)
FILE_TYPE = _code(
    "FILE_TYPE",
    "FIL-2",
    Reach.FILE,
    'no common-format file begins with the letter "{value}"',
    "{letters}",
    "Check that you chose the right file, and that it was not opened or changed on the way.",
)
NAME_HEADER = _code(
    "NAME_HEADER",
    "FIL-2",
    Reach.FILE,
    'the file name and its content disagree on the {what}: the name says "{named}", the record "{value}"',
    "the same {what} in the file name and in record types 1 and 3",
    "If the file was renamed, send it under the name it had; by its records that is {meant}. If not, create it again.",
)
HEADERS_DIFFER = _code(
    "HEADERS_DIFFER",
    "FIL-2",
    Reach.FILE,
    'the {what} here is "{value}", but the file header says "{named}"',
    "the same {what} throughout the file",
    "Create the file again in your school software; do not join files by hand.",
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
    "{count} of another file type: {value} belongs in a file of {other}, and this is a file of {title}",
    "records of one file type",
    "Create the file again in your school software; do not join files by hand.",
)
FILES_JOINED = _code(
    "FILES_JOINED",
    "FIL-4",
    Reach.FILE,
    "a second file begins here, {where}",
    "{wanted}",
    "{mend}.",
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
    "{record} appears here a second time",
    "each header and trailer once",
    "Create the file again in your school software; no record may be repeated.",
)
SEQUENCE_NUMBER = _code(
    "SEQUENCE_NUMBER",
    "FIL-2",
    Reach.FILE,
    'sequence number "{value}" cannot be used',
    "three digits, 001 to 999",
    AGAIN,
)
SEQUENCE_SPACES = _code(
    "SEQUENCE_SPACES",
    "FIL-4",
    Reach.NOTE,
    'sequence number "{value}" is filled with spaces; it was read as {number:03d}',
    "{number:03d}",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
HEADER_SMALL = _code(
    "HEADER_SMALL",
    "FIL-4",
    Reach.NOTE,
    '"{value}" in the file header was read as "{kept}"',
    "{kept}",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
SOFTWARE_VERSION = _code(
    "SOFTWARE_VERSION",
    "FIL-4",
    Reach.WARNING,
    "the software version in the file header has another width than three columns, so the formats version stands in "
    "{where}; the header was read as meant",
    "a software version of three columns, then the formats version in columns 25-26",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
DISTRIBUTION_BLANK = _code(
    "DISTRIBUTION_BLANK",
    "FIL-4",
    Reach.WARNING,
    "the distribution is {said}; the file was read as one of a single centre",
    "S (single centre), M (multiple centres) or B (broadcast)",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
COUNT_WRONG = _code(
    "COUNT_WRONG",
    "FIL-2",
    Reach.FILE,
    "the {record} says {said}, but {where} holds {held}{hint}",
    "{held:07d}",
    "Create the file again in your school software: it does not hold what it counts, so nothing was applied.",
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
    "{value} of {lines} lines go on past column {width} with nothing but spaces; these were ignored",
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
    "{value} {where} {were} ignored",
    "no empty lines",
    "Nothing to do.",
)
LINES_TWICE = _code(
    "LINES_TWICE",
    "FIL-4",
    Reach.WARNING,
    "every one of the {value} lines stands in the file twice; each was read once",
    "each record once",
    "Nothing to do now; tell whoever sends the file.",
)
LINE_ENDS_DOUBLED = _code(
    "LINE_ENDS_DOUBLED",
    "FIL-4",
    Reach.WARNING,
    "{value} of {lines} records end with {extra}: the file was sent twice in text mode; it was read as if they "
    "were not there",
    "CR LF after every record",
    "Nothing to do now; send files in binary mode, unchanged.",
)
LINE_ENDS_LOST = _code(
    "LINE_ENDS_LOST",
    "FIL-4",
    Reach.WARNING,
    "{value}; they were told apart, and count here as lines of their own",
    "CR LF after every record, and nowhere else",
    "Nothing to do now; send files in binary mode, unchanged and not pasted from another program.",
)
FILE_PADDED = _code(
    "FILE_PADDED",
    "FIL-4",
    Reach.NOTE,
    "the file is filled up behind its last record, with {value}; these were ignored",
    "nothing after the last line end",
    "Nothing to do.",
)
NULS_READ = _code(
    "NULS_READ",
    "FIL-4",
    Reach.WARNING,
    "{value} NUL characters stand where spaces belong; they were read as spaces",
    "spaces in what a field does not need",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
SPREADSHEET_MARKS = _code(
    "SPREADSHEET_MARKS",
    "FIL-4",
    Reach.WARNING,
    "quotation marks or separators that a spreadsheet put around {value} were taken off",
    "lines that begin with the letter of the file and end with the record",
    "Nothing to do now; next time send the file from your school software, without opening it in a spreadsheet.",
)
LINE_PREFIX = _code(
    "LINE_PREFIX",
    "FIL-4",
    Reach.WARNING,
    'every line begins with "{value}", which a mail program or an editor put there; it was taken off',
    "lines that begin with the letter of the file",
    "Nothing to do now; next time send the file itself, not its text.",
)
SPACES_OTHER = _code(
    "SPACES_OTHER",
    "FIL-4",
    Reach.WARNING,
    "{value} no-break spaces stand where spaces belong, as in what is copied from a web page or a document; they were "
    "read as spaces",
    "spaces in what a field does not need",
    "Nothing to do now; next time send the file itself, not a copy of its text.",
)
MAIL_CODED = _code(
    "MAIL_CODED",
    "FIL-4",
    Reach.WARNING,
    "the file came as a mail program codes it on its way ({value}); it was decoded",
    "the bytes that the school software wrote",
    "Nothing to do now; next time save the attachment from the mail program, and send that.",
)
TEXT_AROUND = _code(
    "TEXT_AROUND",
    "FIL-4",
    Reach.WARNING,
    "{value} before the file header or behind the file trailer {are}; the records between are whole and were read",
    "a file header first, and nothing behind the file trailer",
    "Nothing to do now; next time send the file itself, not as part of a message.",
)
LETTERS_WIDE = _code(
    "LETTERS_WIDE",
    "FIL-4",
    Reach.WARNING,
    "in {value} records a letter with an accent was counted as two columns when the name was filled with spaces, so "
    "what is behind the name stood too far to the left; it was put back",
    "a column for each letter",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
CENTRE_ZERO = _code(
    "CENTRE_ZERO",
    "FIL-4",
    Reach.WARNING,
    'the centre number has lost the zero at its front in every record, as it does in a spreadsheet: "{value}" was '
    "read as {now}",
    "a centre number of five digits",
    "Nothing to do now; next time send the file your school software wrote, without opening it in another program.",
)
DATES_ORDER = _code(
    "DATES_ORDER",
    "FIL-4",
    Reach.FILE,
    'the dates of birth are written as {order} in nearly all records: "{value}" was found here',
    "day, month, year (DDMMYY)",
    "Nothing was read. The software that wrote the file must write dates of birth as DDMMYY: change the setting or "
    "tell its supplier, create the file again and send it under its own name.",
)
LETTERS_SMALL = _code(
    "LETTERS_SMALL",
    "FIL-4",
    Reach.WARNING,
    "{value} of {lines} lines have small letters where capitals belong; the whole file was read in capitals",
    "capital letters",
    "Nothing to do now; tell whoever changed the file, or the supplier of the software that wrote it.",
)
TABS_READ = _code(
    "TABS_READ",
    "FIL-4",
    Reach.WARNING,
    "there are tabs in {value}, which an editor put in the place of spaces; each was read as reaching up to the next "
    "column behind a multiple of {step}",
    "spaces, and no tabs",
    "Nothing to do now; next time send the file from your school software, without opening it in an editor.",
)
SPACES_SQUEEZED = _code(
    "SPACES_SQUEEZED",
    "FIL-4",
    Reach.FILE,
    "runs of spaces have been replaced by {value} in all {lines} detail records, as a spreadsheet or an "
    "editor does: their fields are no longer in their columns",
    "every field filled with spaces to its full width",
    "Send the file your school software wrote, without opening it in another program, under its own name.",
)
TABLE_SAVED = _code(
    "TABLE_SAVED",
    "FIL-4",
    Reach.FILE,
    "this is a table whose columns are separated by {value}, as a spreadsheet saves it, not records of fixed columns",
    "records in which every field has its own columns",
    "Send the file your school software wrote, without opening it in a spreadsheet, under its own name.",
)
BYTE_ORDER_MARK = _code(
    "BYTE_ORDER_MARK",
    "FIL-2",
    Reach.WARNING,
    "the file begins with a byte-order mark, which an editor put there; it was ignored",
    "the letter of the file as its first byte",
    "Nothing to do now; do not save the file from an editor.",
)
END_OF_FILE_MARK = _code(
    "END_OF_FILE_MARK",
    "FIL-2",
    Reach.NOTE,
    "a stray end-of-file character (0x1A) after the last record was ignored",
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
    "Check this field in your software: a tab or line break was probably typed or pasted into it.",
)
LOWER_CASE = _code(
    "LOWER_CASE",
    "FIL-2",
    Reach.WARNING,
    '"{value}" was read as "{kept}": these files use capital letters only',
    "{kept}",
    "Nothing to do if that is right.",
    together=(
        "small letters were read as capitals: these files use capital letters only",
        "capital letters",
    ),
)
MORE_OF_THE_SAME = _code(
    "MORE_OF_THE_SAME",
    "FIL-1",
    Reach.NOTE,
    "{value} further findings {of} are not listed here",
    "fewer findings of one kind",
    "Correct the ones listed first: the others probably have the same cause.",
)

# --- Bundles of basedata -------------------------------------------------------------------------------------------

FETCH = "Fetch the bundle again from the awarding body, and do not open or change it before loading."
BUNDLE_NAME = _code(
    "BUNDLE_NAME",
    "FIL-2",
    Reach.WARNING,
    '"{value}" is not the name of a basedata bundle',
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
    '"{value}" in the archive is not basedata and was ignored',
    "files of S, O, C, L and D",
    "Nothing to do.",
)

# --- Fields of a candidate record ----------------------------------------------------------------------------------

RECORD_SHIFTED = _code(
    "RECORD_SHIFTED",
    "FIL-4",
    Reach.CANDIDATE,
    'the record is shifted: {cause}, so everything after it is {shift} too far to the {side}; "{value}" was found here',
    "{wanted}",
    "Nothing of this record was read. The software that wrote the file must {mend}: tell its supplier. "
    + UNLESS_REFUSED,
    together=(
        "the records are shifted: {cause}, so everything after it is too far to the {side}",
        "every field in its own columns",
    ),
)
RECORDS_SHIFTED = _code(
    "RECORDS_SHIFTED",
    "FIL-4",
    Reach.FILE,
    "the records of this file are shifted, this one and nearly all others: {cause}, so everything after it is {shift} "
    'too far to the {side}; "{value}" was found here',
    "{wanted}",
    "Nothing was read. The software that wrote the file must {mend}: tell its supplier, create the file again and send "
    "it under its own name.",
)
LAYOUT_OTHER = _code(
    "LAYOUT_OTHER",
    "FIL-4",
    Reach.FILE,
    'the records have another layout than {record}: in nearly all of them the UCI stands in other columns; "{value}" '
    "was found here",
    "the UCI in {where}",
    "Nothing was read. Choose the common format (version 14) in your software; if it has no such choice, tell its "
    "supplier.",
)
FIELDS_SWAPPED = _code(
    "FIELDS_SWAPPED",
    "FIL-4",
    Reach.FILE,
    '{first_field} and {second_field} stand in each other\'s place in nearly all records; "{value}" was found here',
    "{first_field} in {first_where}, then {second_field} in {second_where}",
    "Nothing was read. Choose the common format (version 14) in your software; if it has no such choice, tell its "
    "supplier.",
)
OPTIONS_MOVED = _code(
    "OPTIONS_MOVED",
    "FIL-4",
    Reach.NOTE,
    "the option codes of {value} records do not begin where their slots do: they stand {how}; they were read as meant",
    "codes that begin at columns 109, 116, 123 and so on",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
BASEDATA_SHIFTED = _code(
    "BASEDATA_SHIFTED",
    "FIL-4",
    Reach.FILE,
    'the record is shifted: {cause}, so everything after it is {shift} too far to the {side}; "{value}" was found here',
    "{wanted}",
    "Do not load this basedata: fetch it again, and tell the awarding body if it comes like this a second time.",
)
FIELD_WRONG = _code(
    "FIELD_WRONG",
    "FIL-2",
    Reach.CANDIDATE,
    '"{value}" cannot be {what}',
    "{words}",
    WHERE_MADE,
    together=("what stands here cannot be {what}", "{words}"),
)
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
    "Nothing to do, unless something was meant by it: then send it where it belongs.",
)
CANDIDATE_NUMBER = _code(
    "CANDIDATE_NUMBER",
    "REG-5",
    Reach.CANDIDATE,
    'candidate number "{value}" cannot be used',
    "four digits, 0001 to 9999",
    AMEND,
    together=(
        "these cannot be used as candidate numbers",
        "four digits, 0001 to 9999",
    ),
)
CANDIDATE_ZEROS = _code(
    "CANDIDATE_ZEROS",
    "FIL-4",
    Reach.WARNING,
    'candidate numbers without the zeros at their front stand in {count} of the records: "{value}" was read as {now}',
    "four digits, 0001 to 9999",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
BORN_ZEROS = _code(
    "BORN_ZEROS",
    "FIL-4",
    Reach.WARNING,
    'dates of birth without the zero at their front stand in {count} of the records: "{value}" was read as {now}',
    "six digits, DDMMYY",
    "Check one or two of these dates. If they are right there is nothing to do now; next time send the file your "
    "school software wrote, without opening it in a spreadsheet.",
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
    together=(
        "what stands here is not a date of birth",
        "DDMMYY, or 000000 when it is not known",
    ),
)
NAME_FORM = _code(
    "NAME_FORM",
    "REG-3",
    Reach.CANDIDATE,
    'name "{value}" is not written as surname, one colon, forenames',
    "SURNAME:FORENAMES (the colon stays when there is no forename)",
    AMEND,
    together=(
        "names are not written as surname, one colon, forenames",
        "SURNAME:FORENAMES (the colon stays when there is no forename)",
    ),
)
NAME_CHARACTERS = _code(
    "NAME_CHARACTERS",
    "REG-3",
    Reach.WARNING,
    'name "{value}" is kept as "{kept}"',
    "capital letters A to Z, space, and ' . : ( ) / -",
    "Nothing to do if the name as kept is right.",
    together=(
        "names have characters that are not kept",
        "capital letters A to Z, space, and ' . : ( ) / -",
    ),
)
NAME_CUT = _code(
    "NAME_CUT",
    "FIL-4",
    Reach.WARNING,
    'name "{value}" fills its field of 40 columns, or all but one, and was probably cut off',
    "a name of at most 40 columns, colon included",
    "Nothing to do if it is complete. If not, agree a shorter form with us, for registration and entries alike.",
    together=(
        "names fill their field of 40 columns, or all but one, and were probably cut off",
        "a name of at most 40 columns, colon included",
    ),
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
    'UCI "{value}" does not have the form of a UCI',
    "13 characters: centre number (5 digits), 0 or a letter, year (2), candidate number (4), check letter",
    AMEND,
    together=(
        "these do not have the form of a UCI",
        "13 characters: centre number (5 digits), 0 or a letter, year (2), candidate number (4), check letter",
    ),
)
UCI_WRONG = _code(
    "UCI_WRONG",
    "REG-4",
    Reach.CANDIDATE,
    'UCI "{value}" does not match its check letter: a character is wrong or two are swapped',
    "check letter {check} for {core}",
    "Compare the UCI with the candidate's earlier papers. " + AMEND,
    together=(
        "UCIs do not match their check letters: a character is wrong or two are swapped",
        "the check letter that belongs to the 12 characters before it",
    ),
)
UCI_LETTER_MISSING = _code(
    "UCI_LETTER_MISSING",
    "REG-4",
    Reach.WARNING,
    'UCI "{value}" came without its check letter; it was filled in: {value}{check}',
    "{value}{check}",
    "Nothing to do; please put the full UCI into your software.",
    together=(
        "UCIs came without their check letters; these were filled in",
        "UCIs of 13 characters, the last of them the check letter",
    ),
)
ULN_WRONG = _code(
    "ULN_WRONG",
    "REG-4",
    Reach.CANDIDATE,
    'ULN "{value}" does not match its check digit',
    "ten digits, the last of which checks the others; blank when there is none",
    "Compare it with the Learning Records Service. " + AMEND,
    together=(
        "ULNs do not match their check digits",
        "ten digits, the last of which checks the others; blank when there is none",
    ),
)
ULN_IN_UPN = _code(
    "ULN_IN_UPN",
    "FIL-4",
    Reach.WARNING,
    'in {count} of the records the ULN stands in the columns of the UPN: "{value}" was read as a ULN',
    "the ULN in columns 86-95, and a UPN or spaces in columns 73-85",
    "Nothing to do now; tell the supplier of the software that wrote the file.",
)
UPN_WRONG = _code(
    "UPN_WRONG",
    "REG-4",
    Reach.WARNING,
    'UPN "{value}" does not match its check letter; it was kept as it is',
    "a letter that checks the rest, then eleven digits and a digit or letter",
    "Compare it with the pupil's record. We do not use it to tell candidates apart.",
    together=(
        "UPNs do not match their check letters; they were kept as they are",
        "a letter that checks the rest, then eleven digits and a digit or letter",
    ),
)

# --- The desk's own feeds (portal, staff) ------------------------------------------------------------------------

FEED_COLUMNS = _code(
    "FEED_COLUMNS",
    "FIL-2",
    Reach.FILE,
    "the feed cannot be read; missing or wrong: {value}{hint}",
    "a CSV file in UTF-8 with the columns {wanted}",
    "Nothing of it was applied. Whoever writes the feed must correct it and write it again.",
)
FEED_NOT_CSV = _code(
    "FEED_NOT_CSV",
    "FIL-7",
    Reach.FILE,
    "this is {value}, not a file of this feed",
    "a CSV file in UTF-8 with the columns {wanted}",
    "Nothing of it was applied. Save the table as CSV in UTF-8 and write the file again.",
)
FEED_COLUMN_UNKNOWN = _code(
    "FEED_COLUMN_UNKNOWN",
    "FIL-7",
    Reach.FILE,
    "the first line names columns that this feed does not have: {value}",
    "the columns {wanted}, and no others",
    "Nothing of it was applied. Take the column out, or mend its name, and write the file again.",
)
FEED_COLUMN_TWICE = _code(
    "FEED_COLUMN_TWICE",
    "FIL-7",
    Reach.FILE,
    "the first line names a column twice, so nobody can say which is meant: {value}",
    "each of the columns {wanted} once",
    "Nothing of it was applied. Take out the column that is not meant and write the file again.",
)
FEED_EMPTY = _code(
    "FEED_EMPTY",
    "FIL-7",
    Reach.WARNING,
    "the file has a first line and no rows",
    "a row for everything that is to be done, with the columns {wanted}",
    "If there was something to send, write the file again with its rows. Otherwise there is nothing to do.",
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
    "Nothing of the file was applied. Correct the row and write the file again.",
)
