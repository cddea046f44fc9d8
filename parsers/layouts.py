"""Every record type, declared once.

Slicing, checking, writing, the column numbers in findings, the strategies of the tests and the tables of
`docs/formats.md` come from here. Columns are 1-based and inclusive, as printed in the JCQ booklet. A row's grade says
how far it can be trusted: `R` a reference or several implementations agree, `S` one source only, `I` this project's
own profile, never JCQ's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Literal

from attrs import Attribute, evolve, field, frozen

from . import forms
from .forms import Form
from .identifiers.filename import CENTRE_FILES, SERIES_FILES

Kind = Literal["A", "N", "AN", "D"]
Grade = Literal["R", "S", "I"]

SLOTS = 12
"""Option slots in one E or A detail record."""

FORMATS_VERSION = "14"
"""The formats version in force (JCQ, since September 2011)."""


@frozen(eq=False)
class Field:
    """One field of a record: text is left-justified, numbers (`N`) are zero-filled, dates (`D`) are DDMMYY.

    `number` fields are read as integers, dates as dates, all others as text without the spaces at its end.
    """

    name: str
    first: int
    width: int
    kind: Kind
    grade: Grade
    legend: str
    required: bool = True
    form: Form = field(kw_only=True)
    number: bool = field(default=False, kw_only=True)
    last: int = field(init=False)

    @last.default
    def _last_column(self) -> int:
        return self.first + self.width - 1

    @form.default
    def _form_of_kind(self) -> Form:
        match self.kind:
            case "A":
                return forms.text("capital letters", "A-Z")
            case "N":
                return forms.number(self.width)
            case "D":
                return forms.DATE
        return forms.TITLE

    @property
    def columns(self) -> tuple[int, int]:
        """First and last column, 1-based and inclusive."""
        return self.first, self.last

    @property
    def where(self) -> str:
        """Its columns as a sentence names them: `columns 86-95`."""
        return f"columns {self.first}-{self.last}" if self.width > 1 else f"column {self.first}"

    @property
    def spoken(self) -> str:
        """The field as a sentence names it: `the date of birth`."""
        return _SPOKEN.get(self.name, f"the {self.name.replace('_', ' ')}")

    def cut(self, record: str) -> str:
        """This field's text in `record`, trailing spaces kept."""
        return record[self.first - 1 : self.last]


_SPOKEN = {
    "awarding_body": "the awarding-body identifier",
    "born": "the date of birth",
    "centre": "the centre number",
    "centres": "the number of centres",
    "candidate": "the candidate number",
    "option_1": "the first option",
    "produced": "the date of production",
    "records": "the number of records",
    "reserved": "the reserved field",
    "sequence": "the sequence number",
    "status": "the candidate status",
    "uci": "the UCI",
    "uln": "the ULN",
    "upn": "the UPN",
}


def _contiguous(layout: Layout | Overlay, _: Attribute[tuple[Field, ...]], fields: tuple[Field, ...]) -> None:
    expected = fields[0].first if isinstance(layout, Overlay) else 1
    for place in fields:
        if place.first != expected:
            raise ValueError(f"{layout.title}: field {place.name} starts at column {place.first}, expected {expected}")
        expected = place.last + 1


@frozen(eq=False)
class Overlay:
    """Another division of one field's columns, in force where the record's chooser holds one of `types`."""

    types: str
    title: str
    fields: tuple[Field, ...] = field(validator=_contiguous)


@frozen(eq=False, slots=False, repr=False)
class Layout:
    """A record type: its fields cover every column from 1 to `width` without gap or overlap.

    With overlays, the field `overlaid` is divided by the overlay whose `types` contain the value of the field
    `chooser`, just before it.
    """

    record: str
    title: str
    fields: tuple[Field, ...] = field(validator=_contiguous)
    chooser: str = ""
    overlaid: str = ""
    overlays: tuple[Overlay, ...] = ()

    def __attrs_post_init__(self) -> None:
        for overlay in self.overlays:
            covered = (overlay.fields[0].first, overlay.fields[-1].last)
            if covered != self[self.overlaid].columns:
                raise ValueError(f"{self.title}: overlay {overlay.types} covers columns {covered}")

    @property
    def width(self) -> int:
        return self.fields[-1].last

    def __repr__(self) -> str:
        return f"Layout({self.record!r})"

    def __getitem__(self, name: str) -> Field:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Field]:
        return {place.name: place for place in self.fields}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of its fields."""
        return frozenset(place.name for place in self.fields)

    def overlay(self, record: str) -> tuple[Field, ...]:
        """The fields of the overlay in force in `record`; none where there is no such type."""
        if not self.overlays:
            return ()
        chosen = self[self.chooser].cut(record)
        return next((overlay.fields for overlay in self.overlays if chosen in overlay.types), ())

    @cached_property
    def slots(self) -> tuple[Field, ...]:
        """The option slots' fields, codes and suffixes."""
        return tuple(place for place in self.fields if place.name.startswith(("option_", "suffix_")))

    @cached_property
    def plain(self) -> tuple[Field, ...]:
        """The fields that mean the same in every record: neither option slots nor divided by an overlay."""
        return tuple(place for place in self.fields if place not in self.slots and place.name != self.overlaid)

    @cached_property
    def pattern(self) -> str:
        """A pattern over the first `judged` columns of a record. Where it matches there is nothing to find in them,
        check characters apart."""
        parts = []
        for place in self.fields:
            if place.name == self.overlaid or place in self.slots:
                continue
            if place.name == self.chooser:
                parts.append(f"(?:{'|'.join(map(_overlay_pattern, self.overlays))})")
            else:
                parts.append(place.form.padded(place.width, required=place.required))
        return f"^{''.join(parts)}$"

    @cached_property
    def judged(self) -> int:
        """The columns before the option slots, whose codes only a catalogue can judge."""
        return self.slots[0].first - 1 if self.slots else self.width

    def revised(self, record: str, *, widths: Mapping[str, int], without: Iterable[str] = ()) -> Layout:
        """The same record in an older formats version: some fields narrower, some not there yet."""
        fields: list[Field] = []
        for place in self.fields:
            if place.name not in without:
                first = fields[-1].last + 1 if fields else 1
                width = widths.get(place.name, place.width)
                form = forms.number(width) if place.number else place.form
                grade = place.grade if width == place.width else "I"
                fields.append(evolve(place, first=first, width=width, form=form, grade=grade))
        return evolve(self, record=record, fields=tuple(fields))


def _overlay_pattern(overlay: Overlay) -> str:
    parts = [place.form.padded(place.width, required=place.required) for place in overlay.fields]
    return f"[{overlay.types}]{''.join(parts)}"


@frozen(eq=False)
class FileType:
    """A kind of file: its letter, and the detail record that also sets the width of its headers and trailers.

    `older` are the layouts of earlier formats versions, by version. Without a detail record (`X`) the file is plain
    text. `sender` says which way it goes.
    """

    letter: str
    title: str
    sender: Literal["centre", "board"]
    detail: Layout | None
    older: Mapping[str, Layout] = field(factory=dict, repr=False)

    def at_width(self, width: int) -> tuple[str, Layout] | None:
        """The formats version and layout whose records are `width` columns wide."""
        if self.detail and self.detail.width == width:
            return FORMATS_VERSION, self.detail
        return next(((version, layout) for version, layout in self.older.items() if layout.width == width), None)


def _identity(letters: str, record_type: int) -> tuple[Field, ...]:
    return (
        Field("data_type", 1, 1, "A", "R", _letters(letters), form=forms.one_of(*letters)),
        Field("record_type", 2, 1, "N", "R", f"`{record_type}`", form=forms.one_of(str(record_type))),
    )


def _letters(letters: str) -> str:
    return "file letter: " + ", ".join(f"`{letter}`" for letter in letters)


# --- The envelope, the same in every file type (formats reference, section 2) ----------------------------------------

LETTERS = "".join(dict.fromkeys(CENTRE_FILES + SERIES_FILES))

FILE_HEADER = Layout(
    "1",
    "File header",
    (
        *_identity(LETTERS, 1),
        Field("centre", 3, 5, "AN", "R", "centre number, or series key (`6B23_`) in files for many centres",
              form=forms.CENTRE_OR_KEY),
        Field("awarding_body", 8, 2, "N", "R", "awarding-body identifier: a processing stream"),
        Field("series", 10, 2, "AN", "R", "month 1-9, A, B, C and a letter of the awarding body's choice",
              form=forms.SERIES),
        Field("year", 12, 2, "N", "R", "last two digits of the calendar year of the series"),
        Field("distribution", 14, 1, "A", "R", "`S` single centre, `M` multiple centres, `B` broadcast",
              form=forms.one_of("S", "M", "B")),
        Field("software", 15, 7, "AN", "R", "the producing package"),
        Field("software_version", 22, 3, "AN", "R", "its version"),
        Field("formats_version", 25, 2, "N", "R", f"`{FORMATS_VERSION}`"),
    ),
)  # fmt: skip

CENTRE_HEADER = Layout(
    "3",
    "Centre header",
    (
        *_identity(LETTERS, 3),
        Field("centre", 3, 5, "AN", "R", "centre number or series key", form=forms.CENTRE_OR_KEY),
        Field("awarding_body", 8, 2, "N", "R", "as in the file header"),
        Field("series", 10, 2, "AN", "R", "as in the file header", form=forms.SERIES),
        Field("year", 12, 2, "N", "R", "as in the file header"),
        Field("sequence", 14, 3, "N", "R", "`001`-`999`; the file name ends in its last two digits", number=True),
        Field("postcode", 17, 8, "AN", "R", "the centre's postcode, with or without the space; blank in basedata",
              required=False),
    ),
)  # fmt: skip

CENTRE_TRAILER = Layout(
    "7",
    "Centre trailer",
    (
        *_identity(LETTERS, 7),
        Field("centre", 3, 5, "AN", "R", "as in the centre header", form=forms.CENTRE_OR_KEY),
        Field("records", 8, 7, "N", "R", "records of this centre, types 3 and 7 included", number=True),
        Field("produced", 15, 6, "D", "R", "date the file was produced"),
    ),
)

FILE_TRAILER = Layout(
    "9",
    "File trailer",
    (
        *_identity(LETTERS, 9),
        Field("centre", 3, 5, "AN", "R", "as in the file header", form=forms.CENTRE_OR_KEY),
        Field("records", 8, 7, "N", "R", "every record of the file, types 1 and 9 included", number=True),
        Field("centres", 15, 7, "N", "R", "number of centre headers", number=True),
    ),
)

ENVELOPE = {"1": FILE_HEADER, "3": CENTRE_HEADER, "7": CENTRE_TRAILER, "9": FILE_TRAILER}


# --- From centres: entries, amendments, forecasts, marks -------------------------------------------------------------


def _slots(first: int) -> tuple[Field, ...]:
    slots: list[Field] = []
    for number in range(1, SLOTS + 1):
        start = first + 7 * (number - 1)
        legend = "option code; blank = unused"
        slots.append(Field(f"option_{number}", start, 6, "AN", "R", legend, False, form=forms.OPTION))
        legend = "always a space; meaning not found"
        slots.append(Field(f"suffix_{number}", start + 6, 1, "AN", "S", legend, False, form=forms.BLANK))
    return tuple(slots)


CANDIDATE = Layout(
    "E5/A5",
    "Candidate with options",
    (
        *_identity("EA", 5),
        Field("status", 3, 1, "A", "S", "`C` centre candidate, `P` private candidate",
              form=forms.one_of("C", "P", words="C (centre candidate) or P (private candidate)", code="STATUS")),
        Field("centre", 4, 5, "N", "S", "centre number", form=forms.CENTRE),
        Field("candidate", 9, 4, "N", "S", "candidate number, `0001`-`9999`", form=forms.CANDIDATE_NUMBER),
        Field("name", 13, 40, "AN", "R", "`SURNAME:FORENAMES`", form=forms.NAME),
        Field("sex", 53, 1, "A", "S", "`M`, `F`", form=forms.one_of("M", "F", code="SEX")),
        Field("born", 54, 6, "D", "S", "date of birth; `000000` unknown", form=forms.BORN),
        Field("uci", 60, 13, "AN", "S", "unique candidate identifier with its check letter", form=forms.UCI),
        Field("upn", 73, 13, "AN", "S", "unique pupil number", False, form=forms.UPN),
        Field("uln", 86, 10, "N", "S", "unique learner number", False, form=forms.ULN),
        Field("reserved", 96, 13, "AN", "S", "contents not identified", False, form=forms.BLANK),
        *_slots(109),
    ),
)  # fmt: skip

FORECAST = Layout(
    "F5",
    "Forecast grade (this project's own record: the positions of JCQ's were not found)",
    (
        *_identity("F", 5),
        Field("centre", 3, 5, "N", "I", "centre number", form=forms.CENTRE),
        Field("candidate", 8, 4, "N", "I", "candidate number, `0001`-`9999`", form=forms.CANDIDATE_NUMBER),
        Field("uci", 12, 13, "AN", "I", "unique candidate identifier", form=forms.UCI),
        Field("option", 25, 6, "AN", "I", "option entry code", form=forms.OPTION),
        Field("grade", 31, 2, "AN", "I", "first forecast grade", form=forms.GRADE),
        Field("grade_2", 33, 2, "AN", "I", "second forecast grade", False, form=forms.GRADE),
        Field("reserved", 35, 27, "AN", "I", "spaces", False, form=forms.BLANK),
    ),
)

MARK = Layout(
    "M5",
    "Centre mark (this project's own record: Pearson takes no Tech Award marks by EDI)",
    (
        *_identity("M", 5),
        Field("centre", 3, 5, "N", "I", "centre number", form=forms.CENTRE),
        Field("candidate", 8, 4, "N", "I", "candidate number, `0001`-`9999`", form=forms.CANDIDATE_NUMBER),
        Field("uci", 12, 13, "AN", "I", "unique candidate identifier", form=forms.UCI),
        Field("component", 25, 12, "AN", "I", "component code", form=forms.COMPONENT),
        Field("mark", 37, 3, "N", "I", "total raw mark, blank when a status is given", False, number=True),
        Field("mark_status", 40, 1, "A", "I", "space marked, `A` absent, `N` not yet available", False,
              form=forms.one_of("A", "N", words="a space (marked), A (absent) or N (not yet available)")),
        *(Field(f"task_{n}", 39 + 2 * n, 2, "N", "I", "raw mark of a task", False, number=True) for n in range(1, 9)),
        Field("reserved", 57, 24, "AN", "I", "spaces", False, form=forms.BLANK),
    ),
)  # fmt: skip


# --- To centres: results ---------------------------------------------------------------------------------------------


def _partial(name: str, column: int, what: str) -> Field:
    return Field(name, column, 1, "AN", "S", f"`#`: partial absence, {what}", False, form=forms.one_of("#"))


_GRADES = Overlay(
    "123",
    "Grades",
    (
        Field("grade", 48, 2, "AN", "R", "first grade", False, form=forms.GRADE),
        Field("grade_2", 50, 2, "AN", "S", "second grade", False, form=forms.GRADE),
        Field("endorsement", 52, 2, "AN", "S", "endorsement to the first", False, form=forms.GRADE),
        Field("endorsement_2", 54, 2, "AN", "S", "endorsement to the second", False, form=forms.GRADE),
        _partial("partial", 56, "first grade"),
        _partial("partial_2", 57, "second grade"),
        _partial("partial_endorsement", 58, "first endorsement"),
        _partial("partial_endorsement_2", 59, "second endorsement"),
    ),
)
_MARK_AND_GRADE = Overlay(
    "UM",
    "Uniform (`U`) or raw (`M`) mark with grade",
    (
        Field("score", 48, 3, "N", "R", "uniform or raw mark", False, number=True),
        Field("grade", 51, 2, "AN", "R", "grade", False, form=forms.GRADE),
        Field("unused", 53, 7, "AN", "R", "spaces", False, form=forms.BLANK),
    ),
)
_LARGE_SCORE = Overlay(
    "BC",
    "Score with grade, larger scale",
    (
        Field("score", 48, 4, "N", "R", "score", False, number=True),
        Field("grade", 52, 2, "AN", "R", "grade", False, form=forms.GRADE),
        Field("unidentified", 54, 4, "AN", "S", "not identified", False, form=forms.UNIDENTIFIED),
        _partial("partial", 58, "the grade"),
        Field("unidentified_2", 59, 1, "AN", "S", "not identified", False, form=forms.UNIDENTIFIED),
    ),
)

RESULT = Layout(
    "R5",
    "Result of one candidate for one option",
    (
        *_identity("R", 5),
        Field("centre", 3, 5, "N", "S", "centre number", form=forms.CENTRE),
        Field("candidate", 8, 4, "N", "S", "candidate number, `0001`-`9999`", form=forms.CANDIDATE_NUMBER),
        Field("uci", 12, 13, "AN", "S", "unique candidate identifier", form=forms.UCI),
        Field("uln", 25, 10, "N", "S", "unique learner number", False, form=forms.ULN),
        Field("entered", 35, 6, "AN", "I", "option entry code, where the result is for another option", False,
              form=forms.OPTION),
        Field("option", 41, 6, "AN", "R", "option result code: what the grade belongs to", form=forms.OPTION),
        Field("result_type", 47, 1, "AN", "R", "`1` `2` `3` `U` `M` `B` `C`: how columns 48-59 are divided",
              form=forms.one_of(*"123UMBC")),
        Field("result_block", 48, 12, "AN", "R", "divided by the result type", False, form=forms.DIVIDED),
    ),
    chooser="result_type",
    overlaid="result_block",
    overlays=(_GRADES, _MARK_AND_GRADE, _LARGE_SCORE),
)  # fmt: skip


# --- To centres: basedata --------------------------------------------------------------------------------------------

_YES_NO = forms.one_of("Y", "N")
_OPTION_PATTERN = forms.by_length(
    "an option code, or its beginning and an asterisk",
    {1: r"\*", **{n: rf"[A-Z0-9]{{{n - 1}}}[A-Z0-9*]" for n in range(2, 7)}},
)

SYLLABUS = Layout(
    "S5",
    "Syllabus",
    (
        *_identity("S", 5),
        Field("syllabus", 3, 6, "AN", "R", "syllabus code", form=forms.capitals(1, 6, "a syllabus code")),
        Field("blank", 9, 1, "AN", "R", "a space; a former field", False, form=forms.BLANK),
        Field("title", 10, 36, "AN", "R", "syllabus title"),
    ),
)

OPTION = Layout(
    "O5",
    "Option",
    (
        *_identity("O", 5),
        Field("option", 3, 6, "AN", "R", "option entry code, as in entries and results", form=forms.OPTION),
        Field("syllabus", 9, 6, "AN", "R", "syllabus code", form=forms.capitals(1, 6, "a syllabus code")),
        Field("award_type", 15, 4, "AN", "R", "exam type of the certification, where item is C or B", False),
        Field("award_level", 19, 3, "AN", "R", "its level", False),
        Field("item", 22, 1, "A", "R", "`C` certification, `U` unit, `B` both", form=forms.one_of("C", "U", "B")),
        Field("unit_type", 23, 4, "AN", "R", "exam type of the unit, where item is U or B", False),
        Field("unit_level", 27, 3, "AN", "R", "its level", False),
        Field("process", 30, 1, "A", "R", "`E` entry, `R` registration (values: our reading)"),
        Field("classification", 31, 4, "AN", "R", "discount code", False),
        Field("accreditation", 35, 8, "AN", "R", "accreditation number, without its slashes", False),
        Field("title", 43, 36, "AN", "R", "option title"),
        Field("fee_defined", 79, 1, "A", "R", "`Y`, `N`", form=_YES_NO),
        Field("fee", 80, 5, "N", "R", "examination fee in pence (unit: our reading)", False, number=True),
        Field("forecast_gradeset", 85, 4, "AN", "R", "first forecast gradeset", False, form=forms.GRADESET),
        Field("forecast_gradeset_2", 89, 4, "AN", "R", "second forecast gradeset", False, form=forms.GRADESET),
        Field("result_type", 93, 1, "AN", "R", "as in R5", form=forms.one_of(*"123UMBC")),
        Field("gradeset", 94, 4, "AN", "R", "result gradeset, first grade", False, form=forms.GRADESET),
        Field("gradeset_2", 98, 4, "AN", "R", "result gradeset, second grade", False, form=forms.GRADESET),
        Field("endorsement_gradeset", 102, 4, "AN", "R", "endorsement to the first", False, form=forms.GRADESET),
        Field("endorsement_gradeset_2", 106, 4, "AN", "R", "endorsement to the second", False, form=forms.GRADESET),
        Field("maximum", 110, 4, "N", "R", "maximum mark or UMS", False, number=True),
        Field("components", 114, 2, "N", "R", "number of components", number=True),
    ),
)

COMPONENT = Layout(
    "C5",
    "Component",
    (
        *_identity("C", 5),
        Field("component", 3, 12, "AN", "R", "component code", form=forms.COMPONENT),
        Field("title", 15, 36, "AN", "R", "component title"),
        Field("teacher_marks", 51, 1, "A", "R", "`N` none; anything else: marks wanted (`Y`: single source)"),
        Field("maximum", 52, 3, "N", "R", "maximum mark", False, number=True),
        Field("gradeset", 55, 4, "AN", "R", "component gradeset", False, form=forms.GRADESET),
        Field("due", 59, 6, "D", "R", "marks deadline", False),
        Field("timetabled", 65, 1, "A", "R", "`N` not timetabled, `T` timetabled (values: single source)"),
        Field("timetable_date", 66, 6, "D", "R", "date, where timetabled", False),
        Field("session", 72, 1, "A", "R", "`A` morning, `P` afternoon, `X` not timetabled (values: single source)"),
        Field("minutes", 73, 3, "N", "R", "time allowed; `000` where a slot is split into components", number=True),
    ),
)

LINK = Layout(
    "L5",
    "Link of option and component",
    (
        *_identity("L", 5),
        Field("option", 3, 6, "AN", "R", "option entry code", form=forms.OPTION),
        Field("component", 9, 12, "AN", "R", "component code", form=forms.COMPONENT),
        Field("blank", 21, 6, "AN", "I", "spaces: room for the file header", False, form=forms.BLANK),
    ),
)

DISALLOWED = Layout(
    "D5",
    "Disallowed combination in one series",
    (
        *_identity("D", 5),
        Field("option", 3, 6, "AN", "S", "option code; `*`: any from here on", form=_OPTION_PATTERN),
        Field("other", 9, 6, "AN", "S", "the one it must not stand beside; either order", form=_OPTION_PATTERN),
        Field("blank", 15, 12, "AN", "I", "spaces; the true width is not known", False, form=forms.BLANK),
    ),
)

_GRADESETS = ("forecast_gradeset", "forecast_gradeset_2", "gradeset", "gradeset_2", "endorsement_gradeset",
              "endorsement_gradeset_2")  # fmt: skip
OPTION_12 = OPTION.revised("O5, version 12", widths={"maximum": 3})
OPTION_11 = OPTION.revised(
    "O5, version 11", widths=dict.fromkeys(_GRADESETS, 1) | {"maximum": 3}, without=("unit_type", "unit_level")
)
COMPONENT_11 = COMPONENT.revised("C5, version 11", widths={"gradeset": 1})


FILE_TYPES = {
    file_type.letter: file_type
    for file_type in (
        FileType("E", "entries", "centre", CANDIDATE),
        FileType("A", "amendments", "centre", CANDIDATE),
        FileType("F", "forecast grades", "centre", FORECAST),
        FileType("M", "centre marks", "centre", MARK),
        FileType("R", "results", "board", RESULT),
        FileType("S", "syllabuses (basedata)", "board", SYLLABUS),
        FileType("O", "options (basedata)", "board", OPTION, {"12": OPTION_12, "11": OPTION_11}),
        FileType("C", "components (basedata)", "board", COMPONENT, {"11": COMPONENT_11}),
        FileType("L", "links of options and components (basedata)", "board", LINK),
        FileType("D", "disallowed combinations (basedata)", "board", DISALLOWED),
        FileType("X", "reply", "board", None),
    )
}

BASEDATA = ("S", "O", "C", "L", "D")
"""The letters of a basedata set, in the order in which they are loaded. `D` may be missing."""

_DETAILS = [layout for kind in FILE_TYPES.values() if kind.detail for layout in (kind.detail, *kind.older.values())]
LAYOUTS = tuple({layout.record: layout for layout in (*ENVELOPE.values(), *_DETAILS)}.values())
"""Every record type, older formats versions included."""
