"""Shifted records: which field was not padded, or ran over, and by how many columns (FIL-4)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import Any

from attrs import define, field, frozen

from . import forms
from .forms import Form
from .identifiers import uci, uln
from .layouts import Field, Layout


@frozen
class Repair:
    """A padding mistake that could explain a record: `place` is `by` columns too short (or, `over`, too long), so
    what follows moved. `also`: the optional field before it is missing too."""

    place: Field
    by: int
    over: bool = False
    also: Field | None = None

    def mended(self, record: str, width: int) -> str:
        """The record as it would be without the mistake; wider than `width` where that pushes text over its end."""
        if self.over:
            return (record[: self.place.last] + record[self.place.last + self.by :]).ljust(width)
        if self.also:
            record = _padded(record, self.also, self.also.width)
            return _padded(record, self.place, self.place.width)
        return _padded(record, self.place, self.by)

    @property
    def columns(self) -> int:
        """By how many columns what follows has moved."""
        return self.by + (self.also.width if self.also else 0)

    @property
    def mend(self) -> str:
        """What the writer of the record must do."""
        if self.over:
            return f"cut {self.place.spoken} to {self.place.width} characters"
        return f"fill {' and '.join(place.spoken for place in self._places)} with spaces to the full width"

    @property
    def _places(self) -> tuple[Field, ...]:
        return (self.also, self.place) if self.also else (self.place,)

    @property
    def wanted(self) -> str:
        """Where the fields of the mistake belong."""
        return " and ".join(f"{place.spoken} filled to columns {place.first}-{place.last}" for place in self._places)

    @property
    def cause(self) -> str:
        """The mistake in words."""
        spoken = self.place.spoken
        if self.over:
            return f"{spoken} has {self.place.width + self.by} characters where {self.place.width} fit"
        if self.also:
            both = f"{self.also.spoken.removeprefix('the ')} and {spoken.removeprefix('the ')}"
            return f"{both} are missing and their columns were not filled with spaces"
        if self.by == self.place.width:
            return f"{spoken} is missing and its columns were not filled with spaces"
        return f"{spoken} is shorter than its field and was not filled with spaces"


def _padded(record: str, place: Field, by: int) -> str:
    end = place.last - by
    return record[:end] + " " * by + record[end:]


@frozen
class Shift:
    """A record's shift: the repair that explains it, and the record as it would be after it."""

    repair: Repair
    mended: str

    def facts(self, record: str, layout: Layout) -> dict[str, Any]:
        """What the finding says: where the first text after the mistake is, and where it belongs."""
        repair = self.repair
        place = repair.place
        displaced = next(
            later for later in layout.fields if later.first > place.last and later.cut(self.mended).strip()
        )
        first = displaced.first + (repair.columns if repair.over else -repair.columns)
        value = record[first - 1 : first - 1 + displaced.width].rstrip()
        return {
            "value": value,
            "first": first,
            "last": first + max(len(value), 1) - 1,
            "cause": repair.cause,
            "shift": repair.columns,
            "side": "right" if repair.over else "left",
            "mend": repair.mend,
            "wanted": f'{repair.wanted}, then {displaced.spoken} "{value}" in {displaced.where}',
        }


@define
class Shifts:
    """Explains shifted records of one layout. A repair that explained one record is tried first on the next: a
    producer makes its mistake again and again."""

    layout: Layout
    _repairs: list[Repair] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._repairs = list(_repairs(self.layout))

    def explain(self, record: str) -> Shift | None:
        """The one padding mistake that explains why a record makes no sense, or None.

        Tries, for each field whose text a producer may have trimmed or let run over, to put the missing columns back
        (or to take the extra ones out), and keeps the first repair after which every field is right. A repair that
        pushes text over the end of the record is none. A single wrong field is just that: a shift makes several fields
        wrong.
        """
        if len(list(islice(_unsound(record, self.layout), 2))) < 2:
            return None
        width = self.layout.width
        for repair in self._repairs:
            mended = repair.mended(record, width)
            if not mended[width:].strip() and sound(mended[:width], self.layout) and mended[:width] != record:
                self._repairs.remove(repair)
                self._repairs.insert(0, repair)
                return Shift(repair, mended[:width])
        return None


def _repairs(layout: Layout) -> Iterator[Repair]:
    """Every padding mistake that can be mended, the likelier first: a field left out, two neighbours left out, a text
    that was not filled up, one that ran over."""
    fields = [place for place in layout.fields if place not in layout.slots and place.width > 1]
    optional = [place for place in fields if not place.required and place is not layout.fields[-1]]
    texts = [place for place in fields if place.kind == "AN" and place.form is not forms.BLANK]
    yield from (Repair(place, place.width) for place in optional)
    yield from (
        Repair(place, place.width, also=before)
        for before, place in pairwise(optional)
        if before.last + 1 == place.first
    )
    yield from (Repair(place, by) for place in texts for by in range(1, place.width))
    loose = [place for place in texts if not place.form.strict]
    yield from (Repair(place, by, over=True) for place in loose for by in range(1, place.width + 1))


def sound(record: str, layout: Layout) -> bool:
    """Whether every field whose form is strict holds what it should, check characters included."""
    return next(_unsound(record, layout), None) is None


def _unsound(record: str, layout: Layout) -> Iterator[Field]:
    for place in (*layout.fields, *layout.overlay(record)):
        if place.form.strict and place.name != layout.overlaid and not _fits(place, place.cut(record)):
            yield place


def _fits(place: Field, cut: str) -> bool:
    text = cut.rstrip(" ")
    if not text:
        return not place.required
    return cut[0] != " " and place.form.fits(text) and _checks(place.form, text)


def _checks(form: Form, text: str) -> bool:
    if form is forms.UCI:
        return len(text) == 12 or uci.check_letter(text[:12]) == text[12]
    return form is not forms.ULN or uln.is_valid(text)
