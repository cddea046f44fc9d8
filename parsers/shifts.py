"""Shifted records: which field was not padded, or ran over, and by how many columns (FIL-4)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice, pairwise
from typing import Any

from attrs import evolve, frozen

from . import forms
from .columnar import Columnar, fits, is_date
from .identifiers import uci
from .layouts import SLOTS, Field, Layout


@frozen
class Repair:
    """A padding mistake that could explain a record: `place` is `by` columns too short (or, `over`, too long), so
    what follows moved. `also`: the optional field before it is missing too. `date`: it is written with a century,
    separators or the name of its month. `word`: it is written out, where a letter belongs. `zeros`: it has lost those
    at its front. `spaced`: it is written with spaces or dashes in it."""

    place: Field
    by: int
    over: bool = False
    also: Field | None = None
    date: bool = False
    zeros: bool = False
    spaced: bool = False
    word: bool = False

    def mended(self, record: str, width: int) -> str:
        """The record as it would be without the mistake; wider than `width` where that pushes text over its end."""
        if self.zeros:
            return record[: self.place.first - 1] + "0" * self.by + record[self.place.first - 1 :]
        if self.date or self.spaced or self.word:
            long = record[self.place.first - 1 : self.place.last + self.by]
            text = _WORDS.get(long) if self.word else _short_date(long) if self.date else re.sub("[ -]", "", long)
            if text is None or len(text) != self.place.width:
                return record
            return (record[: self.place.first - 1] + text + record[self.place.last + self.by :]).ljust(width)
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
        if self.date:
            return f"write {self.place.spoken} as DDMMYY"
        if self.word:
            return f"write {self.place.spoken} as {self.place.form.words}"
        if self.spaced:
            return f"write {self.place.spoken} without spaces or dashes in it"
        if self.zeros:
            return f"write {self.place.spoken} with its zeros in front"
        if self.over:
            return f"cut {self.place.spoken} to {self.place.width} characters"
        return f"fill {' and '.join(place.spoken for place in self._places)} with spaces to the full width"

    @property
    def _places(self) -> tuple[Field, ...]:
        return (self.also, self.place) if self.also else (self.place,)

    @property
    def wanted(self) -> str:
        """Where the fields of the mistake belong."""
        if self.date or self.zeros or self.spaced or self.word:
            return f"{self.place.spoken} in {self.place.where}"
        return " and ".join(f"{place.spoken} filled to columns {place.first}-{place.last}" for place in self._places)

    @property
    def cause(self) -> str:
        """The mistake in words."""
        spoken = self.place.spoken
        if self.date:
            columns = "1 column" if self.by == 1 else f"{self.by} columns"
            return f"{spoken} is {columns} too wide: {self.place.width + self.by} characters instead of DDMMYY"
        if self.spaced:
            return f"{spoken} is written with spaces or dashes in it"
        if self.word:
            return f"{spoken} is written as a word"
        if self.zeros:
            return f"{spoken} has lost {'a zero' if self.by == 1 else f'{self.by} zeros'} at its front"
        if self.over:
            return f"{spoken} has {self.place.width + self.by} characters where {self.place.width} fit"
        if self.also:
            both = f"{self.also.spoken.removeprefix('the ')} and {spoken.removeprefix('the ')}"
            return f"{both} are missing and their columns were not filled with spaces"
        if self.by == self.place.width:
            return f"{spoken} is missing and its columns were not filled with spaces"
        return f"{spoken} is shorter than its field and was not filled with spaces"


def _begins_with_zero(place: Field) -> bool:
    return place.required and (place.kind in ("N", "D") or place.form is forms.UCI)


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_LONG_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        "(?P<day>[0-9]{2})(?P<month>[0-9]{2})(?:19|20)(?P<year>[0-9]{2})",
        "(?P<day>[0-9]{1,2})[-/. ](?P<month>[0-9]{1,2})[-/. ](?:19|20)?(?P<year>[0-9]{2})",
        f"(?P<day>[0-9]{{1,2}})[-/. ]?(?P<month>{'|'.join(_MONTHS)})[-/. ]?(?:19|20)?(?P<year>[0-9]{{2}})",
        "(?:19|20)(?P<year>[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        "(?:19|20)(?P<year>[0-9]{2})[-/. ](?P<month>[0-9]{2})[-/. ](?P<day>[0-9]{2})",
    )
)
_LONGEST = len("DD-MMM-YYYY") - len("DDMMYY")
_WORDS = {"MALE": "M", "FEMALE": "F"}


def _short_date(text: str) -> str | None:
    """A date in more than six columns as DDMMYY; None where it is none."""
    for pattern in _LONG_DATES:
        found = pattern.fullmatch(text)
        if found:
            month = found["month"]
            number = month if month.isdigit() else f"{_MONTHS.index(month) + 1}"
            date = f"{found['day']:0>2}{number:0>2}{found['year']}"
            if is_date(date):
                return date
    return None


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
            "shift": "1 column" if repair.columns == 1 else f"{repair.columns} columns",
            "side": "right" if repair.over else "left",
            "mend": repair.mend,
            "wanted": f'{repair.wanted}, then {displaced.spoken} "{value}" in {displaced.where}',
        }


def explain_all(records: Sequence[str], layout: Layout) -> list[Shift | None]:
    """Of each record that makes no sense, all of one file, the padding mistake that explains it, or None.

    A producer makes its mistake again and again: what explains one record is tried on all the others. Only so many are
    looked at from the beginning, so that a file of rubbish costs little more than a good one.
    """
    shifts: list[Shift | None] = [None] * len(records)
    left = list(range(len(records)))
    for _ in range(_TRIES):
        if not left:
            break
        repair = _repair_of(records[left[0]], layout)
        if repair is None:
            left.pop(0)
            continue
        for own, its in _each_its_own(repair, left, records, layout).items():
            for at, mended in _mended_by(own, its, records, layout):
                shifts[at] = Shift(own, mended)
        left = [at for at in left if shifts[at] is None]
    return shifts


_TRIES = 6


def _each_its_own(
    repair: Repair, left: Sequence[int], records: Sequence[str], layout: Layout
) -> dict[Repair, list[int]]:
    """The records left, by the same mistake in each: a name that was not filled up is shorter in one than in another.
    Where its UCI stands tells by how much."""
    telling = next((place for place in layout.plain if place.form is forms.UCI), None)
    place = repair.place
    by_kind = repair.date or repair.word
    fixed = repair.spaced or repair.also or (repair.by == place.width and not by_kind)
    if fixed or telling is None or place.first > telling.first:
        return {repair: list(left)}
    found: dict[Repair, list[int]] = {}
    for at in left:
        column = next(columns_of_uci(records[at]), telling.first)
        by = (column - telling.first) * (1 if repair.over else -1)
        own = evolve(repair, by=by) if 0 < by < place.width or (by_kind and 0 < by <= _LONGEST) else repair
        found.setdefault(own, []).append(at)
    return found


_UCI = re.compile("(?=([0-9]{5}[0-9A-Z][0-9]{6}[A-Z]))")


def columns_of_uci(record: str) -> Iterator[int]:
    """The columns at which a valid UCI begins."""
    return (found.start() + 1 for found in _UCI.finditer(record) if uci.is_valid(found[1]))


def _mended_by(
    repair: Repair, left: Sequence[int], records: Sequence[str], layout: Layout
) -> Iterator[tuple[int, str]]:
    """Those of the records left that the repair explains, as they would be after it."""
    width = layout.width
    tried = [(at, repair.mended(records[at], width)) for at in left]
    tried = [(at, text[:width]) for at, text in tried if not text[width:].strip() and text[:width] != records[at]]
    faults = Columnar(layout, [text for _, text in tried]).faults()
    return (mended for mended, count in zip(tried, faults.tolist(), strict=True) if count == 0)


def _repair_of(record: str, layout: Layout) -> Repair | None:
    """The one padding mistake that explains why a record makes no sense, or None.

    Tries, for each field whose text a producer may have trimmed or let run over, to put the missing columns back (or to
    take the extra ones out), and keeps the first repair after which every field is right. A repair that pushes text
    over the end of the record is none. What is behind a mistake has moved, so it is not behind the first wrong field.
    """
    width = layout.width
    wrong = next(_unsound(record, layout), None)
    # Little else looks like a UCI: most repairs are ruled out by it alone.
    telling = next((place for place in layout.plain if place.form is forms.UCI), None)
    for repair in _repairs(layout) if wrong else ():
        if wrong and repair.place.first > wrong.first:
            continue
        mended = repair.mended(record, width)
        if telling and not fits(telling, telling.cut(mended)):
            continue
        if mended[width:].strip() or mended[:width] == record or not sound(mended[:width], layout):
            continue
        if not repair.zeros or (_dated(mended, layout) and _named(mended, layout)):
            return repair
    return None


def _dated(record: str, layout: Layout) -> bool:
    """Whether every date of a record is a day of the calendar."""
    return all(
        is_date(place.cut(record)) or not place.cut(record).strip(" 0") for place in layout.plain if place.kind == "D"
    )


def _named(record: str, layout: Layout) -> bool:
    """Whether the name of a record, if it has one, may be one: it begins with a letter and has no digits."""
    return all(re.fullmatch("[^0-9 :][^0-9]*", place.cut(record)) for place in layout.plain if place.form is forms.NAME)


def swapped(records: Sequence[str], layout: Layout) -> tuple[Field, Field] | None:
    """Two neighbouring fields that stand in each other's place in nearly all of these records; None where there are
    none."""
    for one, other in pairwise(place for place in layout.plain if place.name not in ("data_type", "record_type")):
        if one.last + 1 == other.first and not {one.name, other.name} & {"reserved"}:
            unsound = (not sound(exchanged(record, one, other), layout) for record in records)
            # Most pairs are in their place, which few records show: nobody asks the others.
            if next(islice(filter(None, unsound), len(records) // 10, None), None) is None:
                return one, other
    return None


def exchanged(record: str, one: Field, other: Field) -> str:
    """A record in which the text of `other` stands before that of `one`, with these the right way round."""
    middle = one.first - 1 + other.width
    return record[: one.first - 1] + record[middle : other.last] + record[one.first - 1 : middle] + record[other.last :]


@frozen
class Aligned:
    """Option slots with every code at the first column of its own, and how the codes stood before."""

    text: str
    how: str


_SLOT = 7


def aligned(text: str) -> Aligned | None:
    """The option slots of a record whose codes stand beside their columns, where there is no doubt which they are: at
    the right of their slots, in slots of another width, or as a list. None where they are in place, or cannot be
    told."""
    divided = [(_slots(text, _SLOT), "at the right of their slots")]
    if not _are_codes(divided[0][0]):
        divided = [(_slots(text, step), f"in slots of {step} columns") for step in (6, 8, 5)]
        divided += [(_LISTED.split(text.strip(" ")), "as a list with separators")]
        divided += [(text.split(), "behind each other, not each in a slot")]
        # Codes cut in the wrong places are codes too: those of one kind look alike.
        divided = sorted(filter(lambda way: _are_codes(way[0]), divided), key=lambda way: _kinds(way[0]))
    for codes, how in divided[:1]:
        laid = "".join(code.ljust(_SLOT) for code in codes[:SLOTS]).ljust(len(text))
        return Aligned(laid, how) if laid != text else None
    return None


def _slots(text: str, step: int) -> list[str]:
    return [text[start : start + step].strip(" ") for start in range(0, len(text), step)]


_LISTED = re.compile(" *[,;/|] *")


def _are_codes(codes: Sequence[str]) -> bool:
    return not any(codes[SLOTS:]) and all(not code or forms.OPTION.fits(code) for code in codes)


def _kinds(codes: Sequence[str]) -> int:
    """How many patterns of letters and digits there are among codes."""
    return len({re.sub("[0-9]", "0", re.sub("[A-Z]", "A", code)) for code in codes if code})


@lru_cache
def _repairs(layout: Layout) -> tuple[Repair, ...]:
    return tuple(_all_repairs(layout))


def _all_repairs(layout: Layout) -> Iterator[Repair]:
    """Every padding mistake that can be mended, the likelier first: a date written longer, a word for a letter, zeros
    lost at the front, a field left out, two neighbours left out, a text that was not filled up, one that ran over."""
    fields = [place for place in layout.fields if place not in layout.slots and place.width > 1]
    optional = [place for place in fields if not place.required and place is not layout.fields[-1]]
    texts = [place for place in fields if place.kind == "AN" and place.form is not forms.BLANK]
    dates = [place for place in fields if place.kind == "D"]
    yield from (Repair(place, by, over=True, date=True) for place in dates for by in range(1, _LONGEST + 1))
    lettered = [place for place in layout.plain if place.name == "sex"]
    widths = sorted({len(word) - 1 for word in _WORDS})
    yield from (Repair(place, by, over=True, word=True) for place in lettered for by in widths)
    spaced = (forms.UCI, forms.UPN, forms.ULN)
    yield from (
        Repair(place, by, over=True, spaced=True) for place in fields if place.form in spaced for by in range(1, 5)
    )
    # The likelier first: centre numbers that begin with a zero are few.
    zeros = sorted(filter(_begins_with_zero, fields), key=lambda place: place.form is forms.CENTRE)
    yield from (Repair(place, by, zeros=True) for place in zeros for by in (1, 2, 3))
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
        if place.form.strict and place.name != layout.overlaid and not fits(place, place.cut(record)):
            yield place
