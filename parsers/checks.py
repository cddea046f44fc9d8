"""What is wrong with a record: every field is checked against its form, and each fault is a finding.

A shifted record is recognised before its fields are judged: one finding that names the field that was not padded is
worth more than ten about fields that only seem wrong because they are in the wrong columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import polars as pl
from attrs import define, field, frozen

from . import findings as f
from . import forms
from .findings import CODES, Code, Found, Reach
from .identifiers import uci, uln, upn
from .layouts import Field, Layout
from .names import NAME_CHARACTERS, normal_name
from .shifts import Shifts


@frozen
class Suspect:
    """A record to be looked at closely, at canonical width, and where it comes from."""

    place: int
    file: int
    line: int
    record: str


@define
class Examination:
    """Looks at suspects of one layout and remembers what is wrong with them, for `report`.

    Rules FIL-2 and FIL-4, REG-3 (form of names), REG-4 (check characters), REG-5 (numbers).
    """

    layout: Layout
    _shifts: Shifts = field(init=False)
    _rows: dict[tuple[str, str], list[dict[str, Any]]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._shifts = Shifts(self.layout)

    def examine(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """The suspects that can be read, mended where that needs no guessing: capitals, and a UCI's check letter. A
        shifted record cannot be read."""
        readable = []
        for suspect in suspects:
            record = in_capitals(suspect.record, self.layout)
            if record != suspect.record:
                self._lower_case(suspect, record)
            shift = self._shifts.explain(record)
            if shift:
                code = f.RECORD_SHIFTED if self._of_a_candidate else f.BASEDATA_SHIFTED
                self._note(code, suspect, record, "", shift.facts(record, self.layout))
                continue
            for code, place, facts in problems(record, self.layout):
                where = {"value": place.cut(record).rstrip(), "first": place.first, "last": place.last}
                self._note(code, suspect, record, place.name, where | facts)
            readable.append(
                Suspect(suspect.place, suspect.file, suspect.line, _with_check_letters(record, self.layout))
            )
        return readable

    def report(self, found: Found) -> None:
        """Hands over the findings, grouped by code and field."""
        for (code, name), rows in self._rows.items():
            frame = pl.DataFrame(rows, schema_overrides=_PLACE, infer_schema_length=None)
            found.rows(CODES[code], frame, field=name or None)

    @property
    def _of_a_candidate(self) -> bool:
        return "candidate" in self.layout.names

    def _note(self, code: Code, suspect: Suspect, record: str, name: str, facts: dict[str, Any]) -> None:
        candidate = self.layout["candidate"].cut(record).strip() if self._of_a_candidate else None
        if code.reach is Reach.CANDIDATE and not self._of_a_candidate:
            code = f.BASEDATA_FIELD
        row = {"file": suspect.file, "line": suspect.line, "candidate": candidate}
        self._rows.setdefault((code.name, name), []).append(row | facts)

    def _lower_case(self, suspect: Suspect, record: str) -> None:
        first = next(at for at, (was, now) in enumerate(zip(suspect.record, record, strict=True)) if was != now)
        place = next(place for place in self.layout.fields if place.first - 1 <= first < place.last)
        value = suspect.record[first : place.last].rstrip()
        facts = {"value": value, "first": first + 1, "last": first + len(value), "kept": value.upper()}
        self._note(f.LOWER_CASE, suspect, record, place.name, facts)


_PLACE = {"file": pl.UInt32, "line": pl.UInt32, "candidate": pl.String, "value": pl.String}


def in_capitals(record: str, layout: Layout) -> str:
    """A record in capitals, except in fields where small letters are allowed."""
    if not any(place.form.mixed for place in layout.fields):
        return record.upper()
    texts = (place.cut(record) if place.form.mixed else place.cut(record).upper() for place in layout.fields)
    return "".join(texts)


def _with_check_letters(record: str, layout: Layout) -> str:
    for place in layout.plain:
        if place.form is forms.UCI and not place.cut(record)[12:].strip():
            letter = uci.check_letter(place.cut(record)[:12])
            if letter:
                record = record[: place.last - 1] + letter + record[place.last :]
    return record


# --- Fields ----------------------------------------------------------------------------------------------------------

Problem = tuple[Code, Field, dict[str, Any]]
"""What kind of finding, in which field, and the facts that fill its sentences."""


def problems(record: str, layout: Layout) -> Iterator[Problem]:
    """Everything wrong with the fields of one record at canonical width, option slots apart: those need a catalogue."""
    for place in (*layout.plain, *layout.overlay(record)):
        text = place.cut(record).rstrip(" ")
        match place.form:
            case forms.NAME:
                yield from _name(place, text)
            case forms.UCI:
                yield from _uci(place, text)
            case _:
                yield from _form(place, text)


def _form(place: Field, text: str) -> Iterator[Problem]:
    facts = {"what": place.spoken, "words": place.form.words}
    code = CODES[place.form.code]
    if not text:
        if place.required:
            yield (code if code is not f.FIELD_WRONG else f.FIELD_MISSING), place, facts
    elif not place.form.fits(text) or not _checks(place.form, text):
        yield code, place, facts


def _checks(form: forms.Form, text: str) -> bool:
    """Whether a text of the right form is valid: its check character is right, or it is a day of the calendar."""
    if form is forms.ULN:
        return uln.is_valid(text)
    if form is forms.UPN:
        # A letter at the end marks a temporary number, which has no check.
        return text[-1].isalpha() or upn.is_valid(text)
    if form in (forms.BORN, forms.DATE):
        return is_date(text) or (form is forms.BORN and text == "000000")
    return True


def is_date(text: str) -> bool:
    """Whether six digits are a day (DDMMYY) of this or the last century."""
    # As of this century, so that 29 February 00 is a day: 2000 was a leap year, 1900 was not.
    try:
        date(2000 + int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return False
    return True


def _name(place: Field, text: str) -> Iterator[Problem]:
    if not re.match("[^:]*[A-Z][^:]*:", text):
        yield f.NAME_FORM, place, {}
        return
    if re.search(f"[^{NAME_CHARACTERS}]", text):
        yield f.NAME_CHARACTERS, place, {"kept": normal_name(text)}
    # A cut that falls on a space leaves a name one shorter than its field.
    if len(text) >= place.width - 1:
        yield f.NAME_CUT, place, {}


def _uci(place: Field, text: str) -> Iterator[Problem]:
    if not text:
        yield f.UCI_MISSING, place, {}
        return
    if not place.form.fits(text):
        yield f.UCI_FORM, place, {}
        return
    core = text[:12]
    check = uci.check_letter(core)
    if len(text) == 12:
        yield f.UCI_LETTER_MISSING, place, {"check": check}
    elif text[12] != check:
        yield f.UCI_WRONG, place, {"core": core, "check": check}
