"""Basedata: what the catalogue offers in a series, as the S, O, C and L records that centres' own software reads.

Where nothing is published, the records hold what their layout allows, or what is ours (docs/basedata.md).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from parsers.columns import columns
from parsers.findings import Found
from parsers.layouts import COMPONENT, LINK, OPTION, SYLLABUS, Field, Layout
from rules import terms
from rules.catalogue import PLACEHOLDER, Catalogue, Component, Milestone, Series

LAYOUTS: Mapping[str, Layout] = {"S": SYLLABUS, "O": OPTION, "C": COMPONENT, "L": LINK}
"""The record of each file of a set, in the order in which they are loaded."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "S": ("syllabus",),
    "O": ("option",),
    "C": ("component",),
    "L": ("option", "component"),
}
"""The fields of each record that tell it from the others of its file."""

EXAM_TYPE, LEVEL = "BTEC", "12"
"""Ours: what the columns for exam type and level say of every Tech Award (level 1/2)."""

Frames = Mapping[str, pl.DataFrame]
"""The detail records of a set by file letter, with the columns of `parsers.columns.Columns.records` but `file` and
`line`, sorted by their key."""

_NOON = timedelta(hours=12)


def basedata(catalogue: Catalogue, series: Series, at: datetime) -> Frames:
    """CAL-2, CAL-4, ENT-1: every option that is accepted in `series`, with its syllabus, component and link, by the
    edition, prices and dates in force at `at` (aware); before the window opens, by those of its first day.

    Fees are pence on time (FEE-5), `maximum` is raw marks in C and UMS in O, due dates are the marks deadline (MRK-1).
    In a registration series each registration has a component and a link (ours): some software waits for both files.
    """
    at = _judged(catalogue, series, at)
    offered = _offered(catalogue, series, at)
    parts = _parts(catalogue, offered, at)
    registered = offered.filter(pl.col("kind") == terms.REGISTRATION)
    syllabuses = dict(offered.select("registration", "subject").iter_rows())
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "S": ({"syllabus": code, "title": _title(SYLLABUS, subject)} for code, subject in syllabuses.items()),
        "O": (_option(code, kind, catalogue, at) for code, kind in offered.select("option", "kind").iter_rows()),
        "C": (
            *(_component(part, catalogue, series, at) for part in parts),
            *(_to_register(code, subject) for code, subject in registered.select("option", "subject").iter_rows()),
        ),
        "L": ({"option": code, "component": code} for code in [*(part.code for part in parts), *registered["option"]]),
    }
    return {letter: _frame(letter, found) for letter, found in rows.items()}


def _judged(catalogue: Catalogue, series: Series, at: datetime) -> datetime:
    """The instant whose versions will decide about the files that the set is for."""
    opens = catalogue.milestone(series, "window_opens", at)
    return max(at, opens.at) if opens else at


def _offered(catalogue: Catalogue, series: Series, at: datetime) -> pl.DataFrame:
    return catalogue.options(series, at).filter(pl.col("reason").is_null())


def _parts(catalogue: Catalogue, offered: pl.DataFrame, at: datetime) -> list[Component]:
    components = catalogue.edition(at).components
    return [components[code] for code in offered["option"] if code in components]


def _option(code: str, kind: str, catalogue: Catalogue, at: datetime) -> dict[str, Any]:
    edition = catalogue.edition(at)
    whole, part = edition.by_code[code], edition.components.get(code)
    common = {
        "option": code,
        "syllabus": whole.registration_code,
        "process": "R" if kind == terms.REGISTRATION else "E",
        "fee_defined": "Y",
        "fee": catalogue.fee(kind, terms.ON_TIME, at).pence,
    }
    if part:
        return common | {
            "item": "U",
            "unit_type": EXAM_TYPE,
            "unit_level": LEVEL,
            "title": _title(OPTION, part.title),
            "result_type": "U",
            "maximum": part.ums_max,
            "components": 1,
        }
    award = {"item": "C", "award_type": EXAM_TYPE, "award_level": LEVEL, "accreditation": whole.number}
    if kind == terms.REGISTRATION:
        # There is no result of a registration, but the column may not be blank.
        return common | award | {"title": _title(OPTION, whole.subject), "result_type": "1", "components": 1}
    title = _title(OPTION, f"Award: {whole.subject}")
    return common | award | {"title": title, "result_type": "U", "maximum": whole.ums_max, "components": 0}


def _to_register(code: str, subject: str) -> dict[str, Any]:
    """The component of a registration (ours): nothing of it is marked or examined."""
    nothing = {"teacher_marks": "N", "maximum": None, "due": None, "timetabled": "N", "timetable_date": None}
    return nothing | {"component": code, "title": _title(COMPONENT, subject), "session": "X", "minutes": 0}


def _component(part: Component, catalogue: Catalogue, series: Series, at: datetime) -> dict[str, Any]:
    due, exam = _due(part, catalogue, series, at), _exam(part, catalogue, series, at)
    return {
        "component": part.code,
        "title": _title(COMPONENT, part.title),
        "teacher_marks": "N" if part.external else "Y",
        "maximum": part.raw_max,
        "due": due.day if due else None,
        "timetabled": "T" if exam else "N",
        "timetable_date": exam.day if exam else None,
        "session": _session(exam),
        "minutes": 0,
    }


def _due(part: Component, catalogue: Catalogue, series: Series, at: datetime) -> Milestone | None:
    """MRK-1: centres send marks of internal components only."""
    return None if part.external else catalogue.milestone(series, "marks_deadline", at, part.code)


def _exam(part: Component, catalogue: Catalogue, series: Series, at: datetime) -> Milestone | None:
    written = part.external and not part.task_based
    return catalogue.milestone(series, "exam", at, part.code) if written else None


def _session(exam: Milestone | None) -> str:
    """`X` also for an exam whose time of day nobody published: the calendar has 00:00 for it."""
    if exam is None or not exam.clock:
        return "X"
    return "A" if exam.clock < _NOON else "P"


def _title(layout: Layout, text: str) -> str:
    """A title as its field can hold it: ASCII, and cut to its width."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    return " ".join(plain.split())[: layout["title"].width].rstrip()


def _frame(letter: str, rows: Iterable[dict[str, Any]]) -> pl.DataFrame:
    schema = columns([], LAYOUTS[letter], Found([])).records.drop("file", "line").schema
    return pl.DataFrame(list(rows), schema=schema).with_columns(pl.col(pl.String).fill_null("")).sort(KEYS[letter])


# --- What is not published -------------------------------------------------------------------------------------------


def placeholders(catalogue: Catalogue, series: Series, at: datetime) -> Iterator[str]:
    """What nobody published of the set of that instant, each as a phrase marked as a placeholder; `at` as in
    `basedata`."""
    at = _judged(catalogue, series, at)
    offered = _offered(catalogue, series, at)
    parts = _parts(catalogue, offered, at)
    stream = next(stream for stream in catalogue.streams if stream.month == series.month)
    if stream.placeholder:
        yield f"series {stream.series} and awarding-body identifier {stream.awarding_body}{PLACEHOLDER}"
    if subjects := _our_codes(catalogue, offered, at):
        yield f"codes of {'; '.join(subjects)}{PLACEHOLDER}"
    if scales := sorted(part.code for part in parts if part.scale_placeholder):
        whose = "every component" if len(scales) == len(parts) else ", ".join(scales)
        yield f"raw marks and UMS of {whose}{PLACEHOLDER}"
    if fees := [kind for kind in offered["kind"].unique().sort() if catalogue.fee(kind, terms.ON_TIME, at).placeholder]:
        yield f"fees: {', '.join(fees)}{PLACEHOLDER}"
    yield from _our_dates(catalogue, parts, series, at)


def _our_codes(catalogue: Catalogue, offered: pl.DataFrame, at: datetime) -> list[str]:
    """Whose codes are ours, by subject; where only some of them are in the set, or only some are ours, which."""
    edition = catalogue.edition(at)
    there = {*offered["option"], *offered["registration"]}
    whole, some = [], []
    for qualification in sorted(edition.qualifications, key=lambda each: each.subject):
        used = {code: ours for code, ours in qualification.codes.items() if code in there}
        ours = [code for code, is_ours in used.items() if is_ours]
        if ours and len(ours) == len(used):
            whole.append(qualification.subject)
        elif ours:
            some.append(f"{qualification.subject}: {', '.join(ours)}")
    return [*some, *([f"{'all of ' if some else ''}{', '.join(whole)}"] if whole else [])]


def _our_dates(catalogue: Catalogue, parts: Iterable[Component], series: Series, at: datetime) -> Iterator[str]:
    """Due dates and exams that are ours, each with its components."""
    dates: dict[str, list[str]] = {}
    for part in parts:
        due, exam = _due(part, catalogue, series, at), _exam(part, catalogue, series, at)
        for what, milestone in (("due", due), ("exam", exam)):
            if milestone and milestone.placeholder:
                dates.setdefault(f"{what} {milestone.text}", []).append(part.code)
    yield from (f"{said} ({', '.join(sorted(codes))})" for said, codes in dates.items())


# --- What differs ----------------------------------------------------------------------------------------------------


def changes(before: Frames, now: Frames) -> Iterator[str]:
    """What differs between two sets, a line a record, by file and key: `O  changed  BEN01  fee 700 to 800`."""
    for letter, layout in LAYOUTS.items():
        old, new = _by_key(letter, before[letter]), _by_key(letter, now[letter])
        for key in sorted(old.keys() | new.keys()):
            name = " ".join(key)
            if key not in old:
                yield f"{letter}  added    {name}  {new[key].get('title', '')}".rstrip()
            elif key not in new:
                yield f"{letter}  removed  {name}  {old[key].get('title', '')}".rstrip()
            elif old[key] != new[key]:
                yield f"{letter}  changed  {name}  {'; '.join(_fields(layout, old[key], new[key]))}"


def _by_key(letter: str, frame: pl.DataFrame) -> dict[tuple[str, ...], dict[str, Any]]:
    return {tuple(row[name] for name in KEYS[letter]): row for row in frame.iter_rows(named=True)}


def _fields(layout: Layout, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for field in layout.fields:
        was, now = old.get(field.name), new.get(field.name)
        if was != now:
            yield f"{field.name.replace('_', ' ')} {_said(field, was)} to {_said(field, now)}"


def _said(field: Field, value: Any) -> str:
    if value is None or value == "":
        return "blank"
    return f"{value} pence" if field.name == "fee" else str(value)
