"""Fields of many records at once: which of them are not what they should be, a column of answers for each field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from attrs import frozen
from numpy.typing import NDArray

from . import forms
from .identifiers import uci, uln, upn
from .layouts import SLOTS, Field, Layout

Wrong = NDArray[np.bool_]


@frozen(slots=False)
class Columnar:
    """Records of one layout at canonical width, in plain ASCII."""

    layout: Layout
    records: Sequence[str]

    @cached_property
    def _texts(self) -> pl.Series:
        return pl.Series("record", self.records, dtype=pl.String)

    @cached_property
    def _rows(self) -> NDArray[np.uint8]:
        flat = np.frombuffer("".join(self.records).encode("ascii"), np.uint8)
        return flat.reshape(-1, self.layout.width)

    @cached_property
    def _cut(self) -> dict[tuple[int, int], pl.Series]:
        return {}

    def cut(self, place: Field) -> pl.Series:
        """The whole field in every record."""
        key = place.first, place.width  # several judges ask for the same field
        if key not in self._cut:
            self._cut[key] = self._texts.str.slice(place.first - 1, place.width)
        return self._cut[key]

    def failing(self, place: Field) -> Wrong:
        """Where a field needs a closer look: anything may be wrong with it. In all others there is nothing to find."""
        pattern = place.form.padded(place.width, required=place.required)
        wrong: Wrong = ~self.cut(place).str.contains(f"^(?-u){pattern}$").to_numpy()
        if not len(wrong):
            return wrong
        rows = self._rows[:, place.first - 1 : place.last]
        match place.form:
            case forms.UCI:
                wrong |= uci.check_letters(rows) != rows[:, 12]
            case forms.ULN | forms.UPN:
                valid = (uln if place.form is forms.ULN else upn).valid_rows(rows)
                wrong |= (rows[:, 0] != ord(" ")) & ~valid
            case forms.BORN | forms.DATE:
                texts = self.cut(place)
                days = {text: _no_day(place, text.rstrip(" ")) for text in texts.unique().to_list()}
                wrong |= texts.replace_strict(days, return_dtype=pl.Boolean).to_numpy()
        return wrong

    def faults(self) -> NDArray[np.int64]:
        """How many fields of each record do not hold what only they can hold, check characters included."""
        count = self.plain_faults.copy()
        if not len(count):
            return count
        if self.layout.slots:
            count += self._odd_slots()
        if self.layout.overlays:
            count += [
                sum(place.form.strict and not fits(place, place.cut(record)) for place in self.layout.overlay(record))
                for record in self.records
            ]
        return count

    @cached_property
    def plain_faults(self) -> NDArray[np.int64]:
        """The same without option slots and overlays."""
        count = np.zeros(len(self.records), np.int64)
        for place in self.layout.plain if self.records else ():
            if place.form.strict:
                count += self._misfits(place)
        return count

    @cached_property
    def astray(self) -> Wrong:
        """Where option codes may stand beside their columns: there is nothing but codes, and not each in its slot."""
        texts = self._texts.str.slice(self.layout.slots[0].first - 1)
        return (texts.str.contains(_CODES) & ~texts.str.contains(_IN_SLOTS)).to_numpy()

    def blank(self, place: Field) -> Wrong:
        """Where a field is blank."""
        return (self.cut(place).str.strip_chars_end(" ") == "").to_numpy()

    def fitting(self, place: Field) -> Wrong:
        """Where the text of a field has its form, check characters apart."""
        text = self.cut(place).str.strip_chars_end(" ")
        return text.str.contains(f"^(?-u)(?:{place.form.pattern})$").to_numpy()

    def _misfits(self, place: Field) -> Wrong:
        blank, good = self.blank(place), self.fitting(place)
        if place.form is forms.UCI and good.any():
            rows = self._rows[:, place.first - 1 : place.last]
            good = good & ((rows[:, 12] == ord(" ")) | (uci.check_letters(rows) == rows[:, 12]))
        elif place.form is forms.ULN and good.any():
            good = good & uln.valid_rows(self._rows[:, place.first - 1 : place.last])
        return np.where(blank, place.required, ~good)

    def _odd_slots(self) -> NDArray[np.int64]:
        """How many option codes and suffixes are none."""
        count = np.zeros(len(self.records), np.int64)
        first = self.layout.slots[0].first - 1
        if self._texts.str.slice(first).str.contains(_IN_SLOTS).all():
            return count
        for start in range(first, self.layout.width, _SLOT):
            code, suffix = self._texts.str.slice(start, _SLOT - 1), self._texts.str.slice(start + _SLOT - 1, 1)
            count += ~code.str.contains(_CODE).to_numpy()
            count += (suffix != " ").to_numpy()
        return count


_SLOT = 7
_CODE = f"^(?-u)(?:{forms.OPTION.filled(_SLOT - 1)}| {{{_SLOT - 1}}})$"
"""A slot's code, filled with spaces, or none."""
_BETWEEN = "[ ,;/|]"
_CODES = f"^(?-u){_BETWEEN}*(?:[A-Z0-9]{{3,}}(?:{_BETWEEN}+|$))*$"
"""Nothing but what may be option codes, however they are parted."""
_IN_SLOTS = f"^(?-u)(?:(?:{forms.OPTION.filled(_SLOT - 1)}| {{{_SLOT - 1}}}) ){{{SLOTS}}} *$"
"""Every code in its slot."""


def _no_day(place: Field, text: str) -> bool:
    """Whether the text of a date field is none; whether it may be blank is another question."""
    unknown = place.form is forms.BORN and text == "000000"
    return bool(text) and not unknown and not is_date(text)


def is_date(text: str) -> bool:
    """Whether six digits are a day (DDMMYY) of this or the last century."""
    # As of this century, so that 29 February 00 is a day: 2000 was a leap year, 1900 was not.
    try:
        date(2000 + int(text[4:]), int(text[2:4]), int(text[:2]))
    except ValueError:
        return False
    return True


def fits(place: Field, cut: str) -> bool:
    """Whether the text of a field has its form, its check character included."""
    text = cut.rstrip(" ")
    if not text:
        return not place.required
    return cut[0] != " " and place.form.fits(text) and _checks(place.form, text)


def _checks(form: forms.Form, text: str) -> bool:
    if form is forms.UCI:
        return len(text) == 12 or uci.check_letter(text[:12]) == text[12]
    return form is not forms.ULN or uln.is_valid(text)
