"""Detail records of many files as typed, checked columns.

The records travel as a matrix of bytes, a record a row. One pattern over the whole record, made from the layout, and
the check characters, computed over the matrix, tell the records in which there is nothing to find; only the others are
looked at field by field. Work goes in slabs of bounded size, so that temporaries do not grow with the batch, and a few
slabs at a time, as numpy and Polars leave the interpreter free.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property, lru_cache
from itertools import islice

import numpy as np
import polars as pl
from attrs import field, frozen
from numpy.typing import NDArray

from . import forms
from .checks import Examination, Suspect
from .findings import Found
from .identifiers import uci, uln, upn
from .layouts import Field, Layout
from .names import NORMAL, normal_name
from .reader import Submission

SLAB = 1 << 16
"""Records worked on at a time."""

THREADS = os.cpu_count() or 1

Rows = NDArray[np.uint8]
"""Records as rows of ASCII codes, line ends included."""


@frozen
class Columns:
    """The detail records of many files of one layout, as far as they can be read.

    `records`: `file` (index into the submissions), `line`, then every field by its name but the option slots. Numbers
    are integers and dates are dates, null where blank or not valid; all else is text without the spaces at its end. A
    UCI that came without its check letter is given it. Where the layout has a name, `kept` is the name as it is
    compared and stored (REG-3). Fields of overlays are null in records of other types.

    `options`: the used option slots, a row each in file order: `file`, `line`, `candidate`, `uci`, `option` (the code
    without spaces, upper case), `first` and `last`, the code's columns. Empty for layouts without slots.
    """

    records: pl.DataFrame
    options: pl.DataFrame


def columns(
    submissions: Sequence[Submission], layout: Layout, found: Found, progress: Callable[[int], object] | None = None
) -> Columns:
    """Reads and checks the detail records of those `submissions` that have this layout; what is wrong goes to `found`,
    whose files are those of `submissions`. `progress` is told how many records are done."""
    records, options = [pl.DataFrame(schema=_schema(layout))], [pl.DataFrame(schema=_OPTIONS)]
    for done in _few_at_a_time(_read, _slabs(submissions, layout)):
        if done.examination:
            done.examination.report(found)
        records.append(done.records)
        options.append(done.options)
        if progress:
            progress(done.size)
    return Columns(pl.concat(records), pl.concat(options))


def with_slots(result: Columns, layout: Layout) -> pl.DataFrame:
    """The records with a column for each option slot beside: `option_1`, `suffix_1` and so on, blank where unused."""
    width = layout.slots[0].width
    used = result.options.select(
        "file", "line", ((pl.col("first") - layout.slots[0].first) // (width + 1) + 1).alias("slot"), "option"
    )
    wide = result.records
    for number in range(1, len(layout.slots) // 2 + 1):
        slot = used.filter(pl.col("slot") == number).select(
            "file",
            "line",
            pl.col("option").str.slice(0, width).alias(f"option_{number}"),
            pl.col("option").str.slice(width).alias(f"suffix_{number}"),
        )
        wide = wide.join(slot, on=["file", "line"], how="left", maintain_order="left")
    return wide.with_columns(pl.col(place.name).fill_null("") for place in layout.slots)


# --- Slabs -----------------------------------------------------------------------------------------------------------


@frozen(eq=False, slots=False)
class _Slab:
    """Some records of one layout. `clean`: there is nothing to find in any of them. `mended`: the rows of the records
    that were mended."""

    layout: Layout
    rows: Rows
    files: NDArray[np.uint32]
    lines: NDArray[np.uint32]
    years: dict[int, int]
    clean: bool = True
    mended: list[int] = field(factory=list)

    @cached_property
    def texts(self) -> pl.Series:
        """The records as text, line ends included."""
        return _as_text(self.rows).rename("record")

    @cached_property
    def slots(self) -> NDArray[np.uint64]:
        """The option slots, a row a record: a slot's seven characters as one integer, of which there are few different
        ones. The seventh character is read with it: a code that runs into it is longer, and unknown."""
        first, width = self.layout.slots[0].first, _SLOT
        shape, strides = (len(self.rows), len(self.layout.slots) // 2), (self.rows.strides[0], width)
        if not len(self.rows):
            return np.empty(shape, np.uint64)
        # Eight bytes are read for each, at worst the line end with them.
        eight = np.ndarray(shape, "<u8", self.rows, first - 1, strides)
        return eight & np.uint64((1 << 8 * width) - 1)

    @cached_property
    def codes(self) -> tuple[NDArray[np.uint64], pl.Series]:
        """The different contents of slots in ascending order, and their text."""
        different = pl.Series(self.slots.ravel()).unique().sort().to_numpy()
        texts = different.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :_SLOT]
        return different, _as_text(texts)


_SLOT = 7


def _as_text(rows: Rows) -> pl.Series:
    """Rows of ASCII codes as text."""
    # Casts that only reinterpret: no row is copied on its own.
    return pl.Series(rows).cast(pl.List(pl.UInt8)).cast(pl.Binary).cast(pl.String)


@frozen
class _Done:
    size: int
    records: pl.DataFrame
    options: pl.DataFrame
    examination: Examination | None


def _slabs(submissions: Sequence[Submission], layout: Layout) -> Iterator[_Slab]:
    stride = layout.width + 2
    years = {file: _year(submission) for file, submission in enumerate(submissions)}
    parts: list[tuple[int, memoryview, NDArray[np.uint32]]] = []
    held = 0

    def slab() -> _Slab:
        block = b"".join(part for _, part, _ in parts) if len(parts) > 1 else parts[0][1]
        files = np.repeat(np.array([file for file, _, _ in parts], np.uint32), [len(lines) for _, _, lines in parts])
        lines = np.concatenate([lines for _, _, lines in parts])
        return _Slab(layout, np.frombuffer(block, np.uint8).reshape(-1, stride), files, lines, years)

    for file, submission in enumerate(submissions):
        if submission.layout is not layout:
            continue
        for centre in submission.centres:
            view = memoryview(centre.details)
            for start in range(0, len(centre.lines), SLAB):
                lines = _numbers(centre.lines[start : start + SLAB])
                parts.append((file, view[start * stride : (start + len(lines)) * stride], lines))
                held += len(lines)
                if held >= SLAB:
                    yield slab()
                    parts, held = [], 0
    if parts:
        yield slab()


def _numbers(lines: Sequence[int]) -> NDArray[np.uint32]:
    if isinstance(lines, range):
        return np.arange(lines.start, lines.stop, dtype=np.uint32)
    return np.array(lines, np.uint32)


def _few_at_a_time(work: Callable[[_Slab], _Done], slabs: Iterable[_Slab]) -> Iterator[_Done]:
    """`work` over all slabs in order, at most a few of them in the making."""
    waiting = iter(slabs)
    first = list(islice(waiting, 2))
    if len(first) < 2:
        yield from map(work, first)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        making: deque[Future[_Done]] = deque(pool.submit(work, slab) for slab in first)
        while making:
            making.extend(pool.submit(work, slab) for slab in islice(waiting, THREADS + 1 - len(making)))
            yield making.popleft().result()


def _read(slab: _Slab) -> _Done:
    size = len(slab.rows)
    slab, examination = _examined(slab)
    records = _records(slab)
    return _Done(size, records, _options(slab, records), examination)


def _examined(slab: _Slab) -> tuple[_Slab, Examination | None]:
    """The slab without the records that cannot be read, and with those mended that can; and what was seen."""
    suspect = _suspect(slab)
    at = np.flatnonzero(suspect)
    if not len(at):
        return slab, None
    width = slab.layout.width
    counts = dict(zip(*(part.tolist() for part in np.unique(slab.files, return_counts=True)), strict=True))
    examination = Examination(slab.layout, counts)
    sources = (at.tolist(), slab.files[at].tolist(), slab.lines[at].tolist(), slab.texts.gather(at))
    readable = examination.examine(
        [Suspect(place, file, line, record[:width]) for place, file, line, record in zip(*sources, strict=True)]
    )
    rows = slab.rows.copy()
    places = [good.place for good in readable]
    mended = "".join([good.record for good in readable]).encode("ascii")
    rows[places, :width] = np.frombuffer(mended, np.uint8).reshape(-1, width)
    stays = ~suspect
    stays[places] = True
    places = (np.cumsum(stays) - 1)[places].tolist()
    left = _Slab(slab.layout, rows[stays], slab.files[stays], slab.lines[stays], slab.years, clean=False, mended=places)
    return left, examination


def _suspect(slab: _Slab) -> Wrong:
    """Which records need a second look."""
    layout = slab.layout
    judged = slab.texts.str.slice(0, layout.judged)
    suspect = ~judged.str.contains(f"(?-u){layout.pattern}").to_numpy()
    for place in layout.plain:
        check = _CHECKED.get(place.form)
        if check:
            suspect |= check(slab, place)
    if layout.slots:
        different, texts = slab.codes
        odd = ~texts.str.contains(_USUAL).to_numpy()
        if odd.any():
            suspect |= odd[np.searchsorted(different, slab.slots)].any(axis=1)
    return suspect


_USUAL = f"^(?-u)(?:(?:{forms.OPTION.filled(_SLOT - 1)}) | {{{_SLOT}}})$"
"""A slot with a code at its first column, or with none."""


# --- Typed columns ---------------------------------------------------------------------------------------------------


def _records(slab: _Slab) -> pl.DataFrame:
    layout = slab.layout
    frame = pl.DataFrame({"file": slab.files, "line": slab.lines, "record": slab.texts})
    dates = [place for place in _columns_of(layout) if place.kind == "D"]
    texts = [_typed(place, slab) for place in _columns_of(layout) if place not in dates]
    frame = frame.select("file", "line", *texts, *_overlaid(slab))
    frame = frame.with_columns(_dates(slab, place) for place in dates)
    if "kept" in _schema(layout):
        names = frame["name"]
        if slab.mended:
            changed = ~names.gather(slab.mended).str.contains(f"^(?-u)(?:{NORMAL})$")
            places = pl.Series(slab.mended).filter(changed)
            names = names.scatter(places, [normal_name(name) for name in names.gather(places)])
        frame = frame.with_columns(names.alias("kept"))
    return frame.select(*_schema(layout))


def _columns_of(layout: Layout) -> list[Field]:
    """The fields that become columns: letter and record type say the same in every record."""
    return [place for place in layout.plain if place.name not in ("data_type", "record_type")]


def _typed(place: Field, slab: _Slab) -> pl.Expr:
    """A field as a column. In a clean slab a field that is blank in every record needs no slicing, and a field that is
    full in every record needs no stripping."""
    text = pl.col("record").str.slice(place.first - 1, place.width)
    whole = False
    if slab.clean:
        blank = slab.rows[:, place.first - 1] == ord(" ")
        if blank.all():
            return (pl.lit(None, pl.Int32) if place.number else pl.lit("")).alias(place.name)
        whole = place.form.whole and not blank.any()
    if not whole:
        text = text.str.strip_chars_end(" ")
    return (text.cast(pl.Int32, strict=False) if place.number else text).alias(place.name)


def _overlaid(slab: _Slab) -> Iterator[pl.Expr]:
    """The fields of all overlays, each from the columns it has in the record's own; null in records without it."""
    layout = slab.layout
    if not layout.overlays:
        return
    chooser = slab.rows[:, layout[layout.chooser].first - 1]
    used = {chr(code) for code in np.flatnonzero(np.bincount(chooser))}
    present = [overlay for overlay in layout.overlays if used & set(overlay.types)]
    record = pl.col("record")
    for name, kind in _overlaid_schema(layout).items():
        value = pl.lit(None, kind)
        for overlay in present:
            place = next((place for place in overlay.fields if place.name == name), None)
            if place:
                own = _typed(place, slab)
                here = record.str.slice(layout[layout.chooser].first - 1, 1).is_in(list(overlay.types))
                value = own if used <= set(overlay.types) else pl.when(here).then(own).otherwise(value)
        yield value.alias(name)


@lru_cache
def _overlaid_schema(layout: Layout) -> dict[str, pl.DataType]:
    return {place.name: _kind(place) for overlay in layout.overlays for place in overlay.fields}


def _kind(place: Field) -> pl.DataType:
    return pl.Int32() if place.number else pl.Date() if place.kind == "D" else pl.String()


@lru_cache
def _schema(layout: Layout) -> dict[str, pl.DataType]:
    schema: dict[str, pl.DataType] = {"file": pl.UInt32(), "line": pl.UInt32()}
    for place in _columns_of(layout):
        schema[place.name] = _kind(place)
        if place.form is forms.NAME:
            schema["kept"] = pl.String()
    return schema | _overlaid_schema(layout)


# --- Option slots ----------------------------------------------------------------------------------------------------

_OPTIONS = {
    "file": pl.UInt32(), "line": pl.UInt32(), "candidate": pl.String(), "uci": pl.String(), "option": pl.String(),
    "first": pl.UInt32(), "last": pl.UInt32(),
}  # fmt: skip


def _options(slab: _Slab, records: pl.DataFrame) -> pl.DataFrame:
    """The used option slots of the records, a row each."""
    if not slab.layout.slots:
        return pl.DataFrame(schema=_OPTIONS)
    different, texts = slab.codes
    used = slab.slots != np.uint64(int.from_bytes(b" " * _SLOT, "little"))
    at = np.flatnonzero(used)
    record, slot = np.divmod(at.astype(np.uint32), np.uint32(used.shape[1]))
    code = np.searchsorted(different, slab.slots.ravel()[at])
    first = slab.layout.slots[0].first + np.uint32(_SLOT) * slot
    chosen = records.select("file", "line", "candidate", "uci")[pl.Series(record)]
    spelt = texts.str.strip_chars().str.to_uppercase()
    return chosen.with_columns(
        spelt.gather(code).alias("option"), pl.Series("first", first), pl.Series("last", first + np.uint32(_SLOT - 2))
    )


# --- Dates -----------------------------------------------------------------------------------------------------------

_NO_DATE = np.int32(np.iinfo(np.int32).min)
_DATES = 320_000
"""Dates as numbers, DDMMYY, are below this."""


def _digits(weight: int) -> NDArray[np.int32]:
    """What each ASCII code adds to a date as a number; what is not a digit lifts the number above every date."""
    values = np.full(256, _DATES, np.int32)
    values[ord("0") : ord("9") + 1] = np.arange(10) * weight
    return values


_DIGITS = [_digits(weight) for weight in (100_000, 10_000, 1_000, 100, 10, 1)]


def _dates(slab: _Slab, place: Field) -> pl.Series:
    days = _days(slab, place)
    return pl.Series(place.name, days).set(pl.Series(days == _NO_DATE), None).cast(pl.Date)


def _days(slab: _Slab, place: Field) -> NDArray[np.int32]:
    """The date in a field as days since 1970, `_NO_DATE` where it is none."""
    number = np.zeros(len(slab.rows), np.int32)
    for column, digits in zip(range(place.first - 1, place.last), _DIGITS, strict=True):
        number += digits[slab.rows[:, column]]
    number[number >= _DATES] = 0
    if place.form is not forms.BORN:
        return _known_dates(0)[number]
    years = set(slab.years.values())
    if len(years) == 1:
        return _known_dates(years.pop())[number]
    year_of_file = np.zeros(max(slab.years) + 1, np.int32)
    year_of_file[list(slab.years)] = list(slab.years.values())
    days = np.full(len(number), _NO_DATE, np.int32)
    for year in years:
        mine = year_of_file[slab.files] == year
        days[mine] = _known_dates(year)[number[mine]]
    return days


@lru_cache(maxsize=32)
def _known_dates(year: int) -> NDArray[np.int32]:
    """The days since 1970 of every DDMMYY read as a number; `_NO_DATE` where there is no such date.

    `year` is the calendar year of a series: of the two centuries a date of birth means the one in which the candidate
    is at least ten years old. Without it (0) every date is of this century. A day that only the other century has, 29
    February 2000, belongs to that century.
    """
    days = np.arange(np.datetime64("1900-01-01"), np.datetime64("2100-01-01"))
    years = days.astype("M8[Y]").astype(int) + 1970
    months = days.astype("M8[M]").astype(int) % 12 + 1
    inside = years >= 2000
    if year:
        inside = np.where(year - (2000 + years % 100) >= 10, years >= 2000, years < 2000)
    number = (days - days.astype("M8[M]")).astype(int) * 10_000 + 10_000 + months * 100 + years % 100
    known = np.full(_DATES, _NO_DATE, np.int32)
    for chosen in (~inside, inside):
        known[number[chosen]] = days[chosen].astype(np.int32)
    return known


def _year(submission: Submission) -> int:
    year = submission.header.year if submission.header else ""
    return 2000 + int(year) if year.isascii() and year.isdigit() else 0


# --- Check characters ------------------------------------------------------------------------------------------------


Wrong = NDArray[np.bool_]


def _wrong_uci(slab: _Slab, place: Field) -> Wrong:
    rows = slab.rows[:, place.first - 1 : place.last]
    return np.not_equal(uci.check_letters(rows), rows[:, 12])


def _wrong_uln(slab: _Slab, place: Field) -> Wrong:
    rows = slab.rows[:, place.first - 1 : place.last]
    return ~uln.valid_rows(rows) & _given(rows)


def _wrong_upn(slab: _Slab, place: Field) -> Wrong:
    rows = slab.rows[:, place.first - 1 : place.last]
    given = _given(rows)
    return given & ~upn.valid_rows(rows) if given.any() else given


def _given(rows: Rows) -> Wrong:
    return np.not_equal(rows[:, 0], ord(" "))


def _wrong_date(slab: _Slab, place: Field) -> Wrong:
    wrong = np.equal(_days(slab, place), _NO_DATE)
    if wrong.any():
        blank = ord("0") if place.form is forms.BORN else ord(" ")
        wrong &= np.not_equal(slab.rows[:, place.first - 1 : place.last], blank).any(axis=1)
    return wrong


_CHECKED: dict[forms.Form, Callable[[_Slab, Field], Wrong]] = {
    forms.UCI: _wrong_uci,
    forms.ULN: _wrong_uln,
    forms.UPN: _wrong_upn,
    forms.BORN: _wrong_date,
    forms.DATE: _wrong_date,
}
