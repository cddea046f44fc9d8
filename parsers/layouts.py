"""Every record type, declared once.

Slicing, writing, the column numbers in findings, the order grammar and the tables of `docs/formats.md` come from here.
Columns are 1-based and inclusive, as printed in the JCQ booklet. A row's grade says how far it can be trusted:
`R` a reference or several implementations agree, `S` one source only, `I` this project's own profile, never JCQ's.
"""

from __future__ import annotations

from typing import Literal

from attrs import Attribute, field, frozen

Kind = Literal["A", "N", "AN", "D"]
Grade = Literal["R", "S", "I"]

SLOTS = 12
"""Option slots in one E or A detail record."""


@frozen
class Field:
    """One field of a record: text is left-justified, numbers (`N`) are zero-filled, dates (`D`) are DDMMYY."""

    name: str
    first: int
    width: int
    kind: Kind
    grade: Grade
    legend: str
    required: bool = True

    @property
    def last(self) -> int:
        return self.first + self.width - 1

    @property
    def columns(self) -> tuple[int, int]:
        """First and last column, 1-based and inclusive."""
        return self.first, self.last

    def cut(self, record: str) -> str:
        """This field's text in `record`, trailing spaces kept."""
        return record[self.first - 1 : self.last]


def _contiguous(layout: Layout, _: Attribute[tuple[Field, ...]], fields: tuple[Field, ...]) -> None:
    expected = 1
    for one in fields:
        if one.first != expected:
            raise ValueError(f"{layout.record}: field {one.name} starts at column {one.first}, expected {expected}")
        expected = one.last + 1


@frozen
class Layout:
    """A record type: its fields cover every column from 1 to `width` without gap or overlap."""

    record: str
    title: str
    fields: tuple[Field, ...] = field(validator=_contiguous)

    @property
    def width(self) -> int:
        return self.fields[-1].last

    def __getitem__(self, name: str) -> Field:
        return next(one for one in self.fields if one.name == name)


@frozen
class FileType:
    """A kind of file: its letter, and the detail record that also sets the width of its headers and trailers."""

    letter: str
    title: str
    detail: Layout

    @property
    def width(self) -> int:
        return self.detail.width


def _identity(letters: str, record_type: int) -> tuple[Field, ...]:
    return (
        Field("data_type", 1, 1, "A", "R", f"file letter: {letters}"),
        Field("record_type", 2, 1, "N", "R", f"`{record_type}`"),
    )


FILE_HEADER = Layout(
    "1",
    "File header",
    (
        *_identity("E, A, M; the same on every record", 1),
        Field("centre", 3, 5, "AN", "R", "centre number, or series key (`6B23_`) in broadcast files"),
        Field("awarding_body", 8, 2, "N", "R", "awarding-body identifier: a processing stream"),
        Field("series", 10, 2, "AN", "R", "month 1-9, A, B, C and a letter of the awarding body's choice"),
        Field("year", 12, 2, "N", "R", "last two digits of the calendar year of the series"),
        Field("distribution", 14, 1, "A", "R", "`S` single centre, `M` multiple centres, `B` broadcast"),
        Field("software", 15, 7, "AN", "R", "the producing package"),
        Field("software_version", 22, 3, "AN", "R", "its version"),
        Field("formats_version", 25, 2, "N", "R", "`14`"),
    ),
)

CENTRE_HEADER = Layout(
    "3",
    "Centre header",
    (
        *_identity("as in the file header", 3),
        Field("centre", 3, 5, "AN", "R", "centre number or series key"),
        Field("awarding_body", 8, 2, "N", "R", "as in the file header"),
        Field("series", 10, 2, "AN", "R", "as in the file header"),
        Field("year", 12, 2, "N", "R", "as in the file header"),
        Field("sequence", 14, 3, "N", "R", "`001`-`999`; the file name ends in its last two digits"),
        Field("postcode", 17, 8, "AN", "R", "the centre's postcode, with or without the space", required=False),
    ),
)

CENTRE_TRAILER = Layout(
    "7",
    "Centre trailer",
    (
        *_identity("as in the file header", 7),
        Field("centre", 3, 5, "AN", "R", "as in the centre header"),
        Field("records", 8, 7, "N", "R", "records of this centre, types 3 and 7 included"),
        Field("produced", 15, 6, "D", "R", "date the file was produced"),
    ),
)

FILE_TRAILER = Layout(
    "9",
    "File trailer",
    (
        *_identity("as in the file header", 9),
        Field("centre", 3, 5, "AN", "R", "as in the file header"),
        Field("records", 8, 7, "N", "R", "every record of the file, types 1 and 9 included"),
        Field("centres", 15, 7, "N", "R", "number of centre headers"),
    ),
)

ENVELOPE = {"1": FILE_HEADER, "3": CENTRE_HEADER, "7": CENTRE_TRAILER, "9": FILE_TRAILER}


def _slots(first: int) -> tuple[Field, ...]:
    slots: list[Field] = []
    for number in range(1, SLOTS + 1):
        start = first + 7 * (number - 1)
        slots.append(Field(f"option_{number}", start, 6, "AN", "R", "option code; blank = unused", required=False))
        slots.append(Field(f"suffix_{number}", start + 6, 1, "AN", "S", "always a space; meaning not found", False))
    return tuple(slots)


CANDIDATE = Layout(
    "E5/A5",
    "Candidate with options",
    (
        *_identity("`E` entries, `A` amendments", 5),
        Field("status", 3, 1, "A", "S", "`C` centre candidate, `P` private candidate"),
        Field("centre", 4, 5, "N", "S", "centre number"),
        Field("candidate", 9, 4, "N", "S", "candidate number, `0001`-`9999`"),
        Field("name", 13, 40, "AN", "R", "`SURNAME:FORENAMES`"),
        Field("sex", 53, 1, "A", "S", "`M`, `F`"),
        Field("born", 54, 6, "D", "S", "date of birth; `000000` unknown"),
        Field("uci", 60, 13, "AN", "S", "unique candidate identifier with its check letter"),
        Field("upn", 73, 13, "AN", "S", "unique pupil number", required=False),
        Field("uln", 86, 10, "N", "S", "unique learner number", required=False),
        Field("reserved", 96, 13, "AN", "S", "contents not identified", required=False),
        *_slots(109),
    ),
)

MARK = Layout(
    "M5",
    "Centre mark (this project's own record: Pearson takes no Tech Award marks by EDI)",
    (
        *_identity("`M`", 5),
        Field("centre", 3, 5, "N", "I", "centre number"),
        Field("candidate", 8, 4, "N", "I", "candidate number"),
        Field("uci", 12, 13, "AN", "I", "unique candidate identifier"),
        Field("component", 25, 12, "AN", "I", "component code"),
        Field("mark", 37, 3, "N", "I", "total raw mark, blank when a status is given", required=False),
        Field("mark_status", 40, 1, "A", "I", "space marked, `A` absent, `N` not yet available", required=False),
        *(Field(f"task_{n}", 39 + 2 * n, 2, "N", "I", "raw mark of a task", required=False) for n in range(1, 9)),
        Field("reserved", 57, 24, "AN", "I", "spaces", required=False),
    ),
)

FILE_TYPES = {
    "E": FileType("E", "entries", CANDIDATE),
    "A": FileType("A", "amendments", CANDIDATE),
    "M": FileType("M", "centre marks", MARK),
}
