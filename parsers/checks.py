"""What is wrong with a record: every field is checked against its form, and each fault is a finding.

A shifted record is recognised before its fields are judged: one finding that names the field that was not padded is
worth more than ten about fields that only seem wrong because they are in the wrong columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from attrs import define, evolve, field, frozen
from numpy.typing import NDArray

from . import findings as f
from . import forms
from .columnar import Columnar, Wrong, is_date
from .findings import CODES, LISTED, Code, Found, Reach
from .identifiers import uci, uln, upn
from .layouts import Field, Layout
from .names import NAME_CHARACTERS, normal_name
from .shifts import Aligned, Shift, aligned, columns_of_uci, explain_all, swapped


class Suspect(NamedTuple):
    """A record to be looked at closely, at canonical width, and where it comes from. There may be very many."""

    place: int
    file: int
    line: int
    record: str

    def mended(self, record: str) -> Suspect:
        """The same with another text."""
        return Suspect(self.place, self.file, self.line, record)


@frozen
class _Whole:
    """A finding about a whole file, and the first line in which it shows."""

    code: Code
    line: int
    facts: dict[str, Any]


@define
class _Moved:
    """Option codes beside their columns: the first line of a file with such, how they stand, and in how many."""

    line: int
    how: str
    count: int = 0


@define
class _Zeros:
    """Numbers or dates without the zeros at their front: the first of a file, what it was read as, and how many."""

    line: int
    was: str
    now: str
    count: int = 0


@define
class _Astray:
    """ULNs in the columns of the UPN: the first of a file, and how many."""

    line: int
    value: str
    count: int = 0


@define
class _Rest:
    """Records of a file with one fault in one field, behind those that are told in full: whose, and in which lines."""

    candidates: list[str | None] = field(factory=list)
    lines: list[int] = field(factory=list)


_SHORT = {
    "candidate": "^(?: +[0-9]*[1-9][0-9]*|[0-9]*[1-9][0-9]* +)$",
    "born": "^(?: [1-9](?:0[1-9]|1[0-2])[0-9]{2}|[1-9](?:0[1-9]|1[0-2])[0-9]{2} )$",
}
"""How a field looks that has lost the zeros at its front, as it does in a spreadsheet."""
_ZEROS = {"candidate": f.CANDIDATE_ZEROS, "born": f.BORN_ZEROS}
MANY = 2
"""A single wrong field is just that: in a record out of place there are more."""
_FEW = 3
"""A file of fewer records has nothing in common."""
_SAMPLE = 24


@define(slots=False)
class Examination:
    """Looks at suspects of one layout and remembers what is wrong with them, for `report`.

    A file may hold a hundred thousand of them, so fields are judged a column at a time, and only what fails is looked
    at by itself. `records` says how many records each file has here, suspect or not: what nearly all of them have in
    common is one finding about the file.

    Rules FIL-2 and FIL-4, REG-3 (form of names), REG-4 (check characters), REG-5 (numbers).
    """

    layout: Layout
    records: Mapping[int, int] = field(factory=dict)
    _whole: dict[int, _Whole] = field(factory=dict, init=False)
    _moved: dict[int, _Moved] = field(factory=dict, init=False)
    _small: dict[int, int] = field(factory=dict, init=False)
    _zeros: dict[tuple[int, str], _Zeros] = field(factory=dict, init=False)
    _ulns: dict[int, _Astray] = field(factory=dict, init=False)
    _rows: dict[tuple[str, str], list[dict[str, Any]]] = field(factory=dict, init=False)
    _rest: dict[tuple[str, str], dict[int, _Rest]] = field(factory=dict, init=False)
    _listed: Counter[tuple[int, str, str]] = field(factory=Counter, init=False)

    def examine(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        """The suspects that can be read, mended where that needs no guessing: capitals, option codes beside their
        columns, and a UCI's check letter. A shifted record cannot be read."""
        held = self._capitals(suspects)
        columnar = self._columnar(held)
        if self._filled_with_zeros(held, columnar):
            columnar = self._columnar(held)
        if self._ulns_in_place(held, columnar):
            columnar = self._columnar(held)
        if self.layout.slots and self._aligned(held, columnar):
            columnar = self._columnar(held)
        unread = self._out_of_place(held, columnar)
        if unread:
            held = [suspect for at, suspect in enumerate(held) if at not in unread]
            columnar = self._columnar(held)
        self._judge(held, columnar)
        return [with_check_letter(suspect, self.layout) for suspect in held]

    def _columnar(self, suspects: Sequence[Suspect]) -> Columnar:
        return Columnar(self.layout, [suspect.record for suspect in suspects])

    def _capitals(self, suspects: Sequence[Suspect]) -> list[Suspect]:
        mixed = any(place.form.mixed for place in self.layout.fields)
        small: dict[int, list[tuple[Suspect, str]]] = {}
        held = []
        for suspect in suspects:
            record = suspect.record.upper()
            if mixed and record != suspect.record:
                record = in_capitals(suspect.record, self.layout)
            if record == suspect.record:
                held.append(suspect)
                continue
            small.setdefault(suspect.file, []).append((suspect, record))
            held.append(suspect.mended(record))
        for file, pairs in small.items():
            most = self._most(file)
            if most and len(pairs) >= most:
                # Names written as names, in nearly every record: that is one thing, and not one in each.
                self._small[file] = len(pairs)
                continue
            for suspect, record in pairs:
                self._lower_case(suspect, record)
        return held

    def _filled_with_zeros(self, suspects: list[Suspect], columnar: Columnar) -> bool:
        """Puts back the zeros that candidate numbers and dates of birth have lost at their front, where nothing else is
        wrong with a record: spaces stand there, so what is behind them is in place; whether there were any."""
        lacking = without_zeros(columnar, self.layout) if suspects else []
        for place, short in lacking:
            for at in np.flatnonzero(short).tolist():
                suspect = suspects[at]
                now = suspect.mended(with_zeros(suspect.record, place))
                was = place.cut(suspect.record).strip(" ")
                first = _Zeros(suspect.line, was, place.cut(now.record))
                self._zeros.setdefault((suspect.file, place.name), first).count += 1
                suspects[at] = now
        return any(short.any() for _, short in lacking)

    def _ulns_in_place(self, suspects: list[Suspect], columnar: Columnar) -> bool:
        """Puts ULNs that stand in the columns of the UPN where they belong, where nothing else is wrong with a record;
        whether there were any."""
        if not suspects or not {"upn", "uln"} <= self.layout.names:
            return False
        astray = ulns_astray(columnar, self.layout)
        for at in np.flatnonzero(astray).tolist():
            suspect = suspects[at]
            value = self.layout["upn"].cut(suspect.record).strip(" ")
            self._ulns.setdefault(suspect.file, _Astray(suspect.line, value)).count += 1
            suspects[at] = suspect.mended(with_uln(suspect.record, self.layout))
        return bool(astray.any())

    def _aligned(self, suspects: list[Suspect], columnar: Columnar) -> bool:
        """Puts option codes at the first column of their slots, where everything before them is in place; whether there
        were any to move."""
        in_place = (columnar.plain_faults < MANY) & columnar.blank(self.layout["reserved"]) & columnar.astray
        first = self.layout.slots[0].first - 1
        known: dict[str, Aligned | None] = {}
        moved = False
        for at in np.flatnonzero(in_place).tolist():
            suspect = suspects[at]
            text = suspect.record[first:]
            if text not in known:
                known[text] = aligned(text)
            now = known[text]
            if now:
                self._moved.setdefault(suspect.file, _Moved(suspect.line, now.how)).count += 1
                suspects[at] = suspect.mended(suspect.record[:first] + now.text)
                moved = True
        return moved

    def _out_of_place(self, suspects: Sequence[Suspect], columnar: Columnar) -> set[int]:
        """The places among `suspects` of records whose fields are not where the layout has them; each noted."""
        faults = columnar.faults()
        by_file: dict[int, list[int]] = {}
        for at in np.flatnonzero(faults >= MANY).tolist():
            by_file.setdefault(suspects[at].file, []).append(at)
        unread: set[int] = set()
        for file, places in by_file.items():
            shifts = explain_all([suspects[at].record for at in places], self.layout)
            shifted = {at: shift for at, shift in zip(places, shifts, strict=True) if shift}
            most = self._most(file)
            elsewhere = self._elsewhere([suspects[at] for at in places if at not in shifted], most)
            if elsewhere:
                self._whole[file] = elsewhere
                unread |= set(places)
                continue
            unread |= shifted.keys()
            kinds = Counter(evolve(shift.repair, by=0) for shift in shifted.values())
            if most and shifted and kinds.most_common(1)[0][1] >= most:
                at, shift = next(iter(shifted.items()))
                self._whole[file] = _Whole(f.RECORDS_SHIFTED, suspects[at].line, self._facts(suspects[at], shift))
                continue
            code = f.RECORD_SHIFTED if self._candidate else f.BASEDATA_SHIFTED
            for at, shift in shifted.items():
                self._note(code, suspects[at].mended(shift.mended), "", partial(self._facts, suspects[at], shift))
        return unread

    def _facts(self, suspect: Suspect, shift: Shift) -> dict[str, Any]:
        return shift.facts(suspect.record, self.layout)

    def _most(self, file: int) -> int:
        """How many records are nearly all of a file; 0 for a file too small to say."""
        count = self.records.get(file, 0)
        return -(-count * 9 // 10) if count >= _FEW else 0

    def _elsewhere(self, suspects: Sequence[Suspect], most: int) -> _Whole | None:
        """What is to be said where nearly all records of a file have their UCI in the same wrong columns."""
        if not most or len(suspects) < most or "uci" not in self.layout.names:
            return None
        place = self.layout["uci"]
        sample = suspects[:: max(len(suspects) // _SAMPLE, 1)][:_SAMPLE]
        pair = swapped([suspect.record for suspect in sample], self.layout)
        if pair:
            return _swapped(*pair, sample[0])
        columns = Counter(column for suspect in sample for column in columns_of_uci(suspect.record))
        column, count = columns.most_common(1)[0] if columns else (place.first, 0)
        if column == place.first or count * 10 < len(sample) * 9:
            return None
        value = sample[0].record[column - 1 : column - 1 + place.width]
        facts = {"value": value, "first": column, "last": column + place.width - 1}
        return _Whole(f.LAYOUT_OTHER, sample[0].line, facts | {"where": place.where, "record": self.layout.record})

    def _judge(self, suspects: Sequence[Suspect], columnar: Columnar) -> None:
        """Notes everything that is wrong with the fields of these records."""
        owner = self._candidate
        owners = columnar.cut(owner).str.strip_chars().to_list() if owner else [None] * len(suspects)
        files = np.array([suspect.file for suspect in suspects], np.uint32)
        before: tuple[int, Wrong] = (0, np.zeros(len(suspects), np.bool_))
        for place in self.layout.plain if suspects else ():
            failing = columnar.failing(place)
            # What runs over into a reserved field is told of the field that it belongs to.
            if place.form is forms.BLANK and before[0] + 1 == place.first:
                failing &= ~before[1]
            before = place.last, failing
            if not failing.any():
                continue
            for code, wrong in _of_one_kind(place, failing, columnar):
                self._alike(code, place, np.flatnonzero(wrong), files, suspects, owners)
            if not _has_kinds(place):
                self._one_by_one(place, np.flatnonzero(failing), suspects)
        for suspect in suspects if self.layout.overlays else ():
            for place in self.layout.overlay(suspect.record):
                for code, _, facts in _of_field(place, place.cut(suspect.record).rstrip(" ")):
                    self._of_place(code, suspect, place, facts)

    def _alike(
        self,
        code: Code,
        place: Field,
        at: NDArray[np.int64],
        files: NDArray[np.uint32],
        suspects: Sequence[Suspect],
        owners: Sequence[str | None],
    ) -> None:
        """Notes that a field has the same fault in all these records, of these files and candidates."""
        if not len(at):
            return
        for file in np.unique(files[at]).tolist():
            its = at[files[at] == file].tolist()
            for suspect in map(suspects.__getitem__, its[:LISTED]):
                self._note(code, suspect, place.name, partial(_facts_of, code, place, suspect))
            if len(its) > LISTED:
                said = f.BASEDATA_FIELD if self._candidate is None and code.reach is Reach.CANDIDATE else code
                rest = self._behind((said.name, place.name), file)
                rest.candidates += map(owners.__getitem__, its[LISTED:])
                rest.lines += [suspects[index].line for index in its[LISTED:]]

    def _behind(self, key: tuple[str, str], file: int) -> _Rest:
        """What is behind the first of a code and field in a file."""
        return self._rest.setdefault(key, {}).setdefault(file, _Rest())

    def _one_by_one(self, place: Field, at: NDArray[np.int64], suspects: Sequence[Suspect]) -> None:
        """Notes what is wrong with a field in each of these records."""
        found: dict[str, list[Problem]] = {}
        for suspect in map(suspects.__getitem__, at.tolist()):
            text = place.cut(suspect.record).rstrip(" ")
            if text not in found:
                found[text] = list(_of_field(place, text))
            for code, _, facts in found[text]:
                self._of_place(code, suspect, place, facts)

    def _of_place(self, code: Code, suspect: Suspect, place: Field, facts: dict[str, Any]) -> None:
        self._note(code, suspect, place.name, lambda: _where(place, suspect) | facts)

    def report(self, found: Found) -> None:
        """Hands over the findings, grouped by code and field."""
        self._report_causes(found)
        self._report_fields(found)

    def _report_causes(self, found: Found) -> None:
        for file, whole in self._whole.items():
            # A large file comes in parts; its cause is said once.
            if not found.made(file, whole.code):
                facts = dict(whole.facts)
                columns = facts.pop("first"), facts.pop("last")
                found.add(whole.code, whole.line, columns, facts.pop("value"), file=file, **facts)
        for file, count in self._small.items():
            if not found.made(file, f.LETTERS_SMALL):
                found.add(f.LETTERS_SMALL, value=f"{count:,}", file=file, lines=f"{self.records[file]:,}")
        self._report_moves(found)

    def _report_moves(self, found: Found) -> None:
        """What was put back in its place, once for each file."""
        for (file, name), short in self._zeros.items():
            if file not in self._whole and not found.made(file, _ZEROS[name]):
                found.add(_ZEROS[name], short.line, self.layout[name].columns, short.was, file=file, field=name,
                          count=f"{short.count:,}", now=short.now)  # fmt: skip
        for file, astray in self._ulns.items():
            if file not in self._whole and not found.made(file, f.ULN_IN_UPN):
                found.add(f.ULN_IN_UPN, astray.line, self.layout["upn"].columns, astray.value, file=file, field="upn",
                          count=f"{astray.count:,}")  # fmt: skip
        for file, moved in self._moved.items():
            if file not in self._whole and not found.made(file, f.OPTIONS_MOVED):
                found.add(f.OPTIONS_MOVED, moved.line, value=f"{moved.count:,}", file=file, how=moved.how)

    def _report_fields(self, found: Found) -> None:
        for (code, name), rows in self._rows.items():
            frame = pl.DataFrame(rows, schema_overrides=_PLACE, infer_schema_length=None)
            rest = self._rest.get((code, name), {})
            keys = pl.concat(
                [
                    frame.select("file", "candidate"),
                    *(
                        pl.DataFrame({"candidate": pl.Series(its.candidates, dtype=pl.String)}).select(
                            pl.lit(file, pl.UInt32).alias("file"), "candidate"
                        )
                        for file, its in rest.items()
                    ),
                ]
            )
            found.rows(CODES[code], frame, field=name or None, refused=keys)
            for file, its in rest.items():
                found.more(CODES[code], file=file, field=name or None, lines=its.lines, candidates=its.candidates)

    @cached_property
    def _candidate(self) -> Field | None:
        """The field that says whose record it is, where the layout has one."""
        return self.layout["candidate"] if "candidate" in self.layout.names else None

    def _note(self, code: Code, suspect: Suspect, name: str, facts: Callable[[], dict[str, Any]]) -> None:
        """Keeps a problem: in full while there are few of its kind in the file, afterwards only whom it refuses."""
        place = self._candidate
        candidate = place.cut(suspect.record).strip() if place else None
        if place is None and code.reach is Reach.CANDIDATE:
            code = f.BASEDATA_FIELD
        key = (code.name, name)
        count = self._listed[suspect.file, code.name, name] = self._listed[suspect.file, code.name, name] + 1
        if count > LISTED:
            rest = self._behind(key, suspect.file)
            rest.candidates.append(candidate)
            rest.lines.append(suspect.line)
            return
        row = {"file": suspect.file, "line": suspect.line, "candidate": candidate}
        self._rows.setdefault(key, []).append(row | facts())

    def _lower_case(self, suspect: Suspect, record: str) -> None:
        def facts(place: Field, first: int) -> dict[str, Any]:
            # Of a name, all of it: "McDONALD", and not "cDONALD".
            start = place.first - 1 if place.form is forms.NAME else first
            value = suspect.record[start : place.last].rstrip()
            return {"value": value, "first": start + 1, "last": start + len(value), "kept": value.upper()}

        first = next(at.start() for at in _SMALL.finditer(suspect.record) if record[at.start()] != at[0])
        place = _by_column(self.layout)[first]
        self._note(f.LOWER_CASE, suspect.mended(record), place.name, lambda: facts(place, first))


def _swapped(one: Field, other: Field, suspect: Suspect) -> _Whole:
    """What is said of two fields in each other's place."""
    last = one.first - 1 + other.width
    facts = {"first_field": one.spoken, "second_field": other.spoken, "first_where": one.where}
    place = {"value": suspect.record[one.first - 1 : last].rstrip(), "first": one.first, "last": last}
    return _Whole(f.FIELDS_SWAPPED, suspect.line, facts | place | {"second_where": other.where})


_PLACE = {"file": pl.UInt32, "line": pl.UInt32, "candidate": pl.String, "value": pl.String}


_SMALL = re.compile("[a-z]")


def in_capitals(record: str, layout: Layout) -> str:
    """A record in capitals, except in fields where small letters are allowed."""
    if not any(place.form.mixed for place in layout.fields):
        return record.upper()
    texts = (place.cut(record) if place.form.mixed else place.cut(record).upper() for place in layout.fields)
    return "".join(texts)


def without_zeros(columnar: Columnar, layout: Layout) -> list[tuple[Field, Wrong]]:
    """The fields that may lack zeros at their front (candidate number, date of birth), and the records in which they
    do and nothing else is wrong."""
    places = [layout[name] for name in _SHORT if name in layout.names]
    lacking = [columnar.cut(place).str.contains(_SHORT[place.name]).to_numpy() for place in places]
    alone = columnar.plain_faults == sum(short.astype(np.int64) for short in lacking)
    return [(place, short & alone) for place, short in zip(places, lacking, strict=True)]


def with_zeros(record: str, place: Field) -> str:
    """A record with the zeros at the front of that field."""
    return record[: place.first - 1] + place.cut(record).strip(" ").zfill(place.width) + record[place.last :]


def ulns_astray(columnar: Columnar, layout: Layout) -> Wrong:
    """The records with a ULN in the columns of the UPN and none, or the same, in its own; with nothing else wrong."""
    place, own = layout["upn"], layout["uln"]
    text, there = columnar.cut(place).str.strip_chars(" "), columnar.cut(own).str.strip_chars(" ")
    astray: Wrong = (text.str.contains("^[0-9]{10}$") & ((there == "") | (there == text))).to_numpy()
    astray &= columnar.plain_faults == 1
    for at in np.flatnonzero(astray).tolist():
        astray[at] = uln.is_valid(text[at])
    return astray


def with_uln(record: str, layout: Layout) -> str:
    """A record with the ULN that stands in the columns of its UPN in its own, and no UPN."""
    place, own = layout["upn"], layout["uln"]
    number = place.cut(record).strip(" ")
    record = record[: place.first - 1] + " " * place.width + record[place.last :]
    return record[: own.first - 1] + number.ljust(own.width) + record[own.last :]


def with_check_letter(suspect: Suspect, layout: Layout) -> Suspect:
    record = suspect.record
    for place in _ucis(layout):
        if record[place.last - 1] == " " and not place.cut(record)[12:].strip():
            letter = uci.check_letter(place.cut(record)[:12])
            if letter:
                record = record[: place.last - 1] + letter + record[place.last :]
    return suspect if record is suspect.record else suspect.mended(record)


@lru_cache
def _ucis(layout: Layout) -> tuple[Field, ...]:
    return tuple(place for place in layout.plain if place.form is forms.UCI)


@lru_cache
def _by_column(layout: Layout) -> tuple[Field, ...]:
    """The field in each column."""
    return tuple(place for place in layout.fields for _ in range(place.width))


# --- Fields ----------------------------------------------------------------------------------------------------------

Problem = tuple[Code, Field, dict[str, Any]]
"""What kind of finding, in which field, and the facts that fill its sentences."""


def problems(record: str, layout: Layout) -> Iterator[Problem]:
    """Everything wrong with the fields of one record at canonical width, option slots apart: those need a catalogue."""
    for place in (*layout.plain, *layout.overlay(record)):
        yield from _of_field(place, place.cut(record).rstrip(" "))


def _of_field(place: Field, text: str) -> Iterator[Problem]:
    match place.form:
        case forms.NAME:
            return _name(place, text)
        case forms.UCI:
            return _uci(place, text)
    return _form(place, text)


def _has_kinds(place: Field) -> bool:
    """Whether the fault of a field can be told for many records at once."""
    return place.form.strict or place.form is forms.NAME


def _of_one_kind(place: Field, failing: Wrong, columnar: Columnar) -> Iterator[tuple[Code, Wrong]]:
    """The faults of a field and where they are, for fields in which they can be told for many records at once."""
    if not _has_kinds(place):
        return
    blank, code = columnar.blank(place), CODES[place.form.code]
    match place.form:
        case forms.NAME:
            text = columnar.cut(place).str.strip_chars_end(" ")
            formed = text.str.contains(_NAMED).to_numpy()
            yield f.NAME_FORM, ~formed
            yield f.NAME_CHARACTERS, formed & text.str.contains(f"[^{NAME_CHARACTERS}]").to_numpy()
            yield f.NAME_CUT, formed & (text.str.strip_chars(" ").str.len_chars() >= place.width - 1).to_numpy()
        case forms.UCI:
            fitting = columnar.fitting(place)
            short = (columnar.cut(place).str.slice(12) == " ").to_numpy()
            yield f.UCI_MISSING, blank
            yield f.UCI_FORM, ~blank & ~fitting
            yield f.UCI_LETTER_MISSING, fitting & short
            yield f.UCI_WRONG, failing & fitting & ~short
        case forms.UPN:
            # A letter at the end marks a temporary number, which has no check.
            temporary = columnar.fitting(place) & columnar.cut(place).str.contains("[A-Z]$").to_numpy()
            yield code, failing & ~blank & ~temporary
        case _:
            yield (code if code is not f.FIELD_WRONG else f.FIELD_MISSING), failing & blank & place.required
            yield code, failing & ~blank


_NAMED = "^[^:]*[A-Z][^:]*:[^:]*$"


def _where(place: Field, suspect: Suspect) -> dict[str, Any]:
    return {"value": place.cut(suspect.record).rstrip(), "first": place.first, "last": place.last}


def _facts_of(code: Code, place: Field, suspect: Suspect) -> dict[str, Any]:
    """What the finding of this code about a field says."""
    problems_of_it = _of_field(place, place.cut(suspect.record).rstrip(" "))
    return _where(place, suspect) | next(facts for kind, _, facts in problems_of_it if kind is code)


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


def _name(place: Field, text: str) -> Iterator[Problem]:
    if not re.match(_NAMED, text):
        yield f.NAME_FORM, place, {}
        return
    if re.search(f"[^{NAME_CHARACTERS}]", text):
        yield f.NAME_CHARACTERS, place, {"kept": normal_name(text)}
    # A cut that falls on a space leaves a name one shorter than its field.
    if len(text.strip(" ")) >= place.width - 1:
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
