"""Series and their dates (CAL-1), in versions: what is in force at receipt decides (CAL-2).

Dates in the files are Europe/London; instants in memory are aware and in Europe/London.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Protocol, TypeVar, get_args
from zoneinfo import ZoneInfo

from attrs import field, frozen

from rules import terms
from rules.sheets import (
    ANY,
    CODE,
    DAY,
    IN_FORCE_FROM,
    MONTH,
    PLACEHOLDER_FLAG,
    SERIES,
    SOURCE,
    TEXT,
    TIME,
    YES,
    Kind,
    Row,
    Sheet,
    cell,
    either,
    once_each,
    one_of,
)

LONDON = ZoneInfo("Europe/London")
PLACEHOLDER = " [placeholder]"
"""Shown behind every date, code or price that nobody published."""

EVENTS = {
    "window_opens": "first day on which files are taken",
    "on_time_deadline": "last day without a late fee; the late fee runs from the day after it",
    "high_late_from": "first day of the high late fee",
    "reentry_deadline": "last day on which learners who sat the preceding December/January pay no late fee (FEE-2)",
    "window_closes": "last day on which entries, amendments and claims are taken by file",
    "psa_release": "set assignments are released",
    "cohort_checkpoint": "last day of the term-time cohort declaration",
    "exam": "day of a written external assessment",
    "task_upload_opens": "work for task-based external assessments can be uploaded",
    "task_window_closes": "last day of the task of a task-based external assessment",
    "task_upload_deadline": "last day to upload the work of task-based external assessments",
    "moderation_opens": "moderation of internal components begins",
    "marks_deadline": "last day for marks of internal components and samples of work (MRK-1)",
    "marks_amendment_deadline": "last day to amend marks after the moderator's feedback (MRK-2)",
    "moderation_closes": "moderation of internal components ends",
    "results_to_centres": "results may be seen by centres, under embargo (RES-2)",
    "results_to_learners": "results day",
    "late_claims_open": "first day of the late certification window, in which claims are made online only (CRT-1)",
    "late_claims_close": "last day of the late certification window",
    "certificates_due": "day by which certificates should be at centres (CRT-7)",
}
"""What the calendar can hold a date for."""

INSTANTS = {terms.CENTRES: "results_to_centres", terms.LEARNERS: "results_to_learners"}
"""The date that releases results to each audience (RES-2)."""

_EVENT = Kind("one of the events listed in docs/catalogue.md", one_of(*EVENTS).read)

_IN_ORDER = (
    ("window_opens", "window_closes"),
    ("window_opens", "on_time_deadline"),
    ("on_time_deadline", "window_closes"),
    ("on_time_deadline", "high_late_from"),
    ("high_late_from", "window_closes"),
    ("on_time_deadline", "reentry_deadline"),
    ("reentry_deadline", "window_closes"),
    ("moderation_opens", "moderation_closes"),
    ("marks_deadline", "marks_amendment_deadline"),
    ("marks_amendment_deadline", "results_to_centres"),
    ("results_to_centres", "results_to_learners"),
    ("late_claims_open", "late_claims_close"),
    ("results_to_learners", "certificates_due"),
    ("window_opens", "cohort_checkpoint"),
    ("cohort_checkpoint", "window_closes"),
    ("psa_release", "marks_deadline"),
    ("window_opens", "marks_deadline"),
    ("window_opens", "moderation_opens"),
    ("moderation_opens", "marks_deadline"),
    ("marks_amendment_deadline", "moderation_closes"),
    ("moderation_closes", "results_to_centres"),
    ("window_closes", "results_to_centres"),
    ("late_claims_close", "certificates_due"),
    ("window_opens", "exam"),
    ("exam", "results_to_centres"),
    ("task_upload_opens", "task_upload_deadline"),
    ("task_window_closes", "task_upload_deadline"),
    ("task_upload_deadline", "results_to_centres"),
)
"""Pairs of events of a series: the first does not come after the second, for a component by its own dates where it has
some."""


# --- Words and versions ----------------------------------------------------------------------------------------------


def day_text(day: date) -> str:
    """`2 May 2024`."""
    return f"{day.day} {day:%B %Y}"


def instant_text(instant: datetime) -> str:
    """`26 February 2024 12:00 GMT`, in Europe/London."""
    local = instant.astimezone(LONDON)
    return f"{day_text(local.date())} {local:%H:%M %Z}"


class Version(Protocol):
    """Anything that is in force from a day on."""

    @property
    def in_force_from(self) -> date: ...


V = TypeVar("V", bound=Version)


def in_force(received: datetime | None, *lists: Sequence[V]) -> V:
    """CAL-2: the version in force at receipt, of the first of `lists` that has one (the most particular first; each by
    `in_force_from`). The last list must have a first version, which also holds for the time before it. Without a
    receipt: the latest version."""
    day = date.max if received is None else received.astimezone(LONDON).date()
    for versions in lists:
        begun = [version for version in versions if version.in_force_from <= day]
        if begun:
            return begun[-1]
    return lists[-1][0]


# --- Series ----------------------------------------------------------------------------------------------------------


@frozen
class Series:
    """An exam series or a registration series. `id` is year and month (`2024-06`), `key` what files carry (`6B24`)."""

    id: str
    key: str
    purpose: terms.Purpose
    awarding_body: str

    @property
    def month(self) -> int:
        return int(self.id[5:])

    @property
    def year(self) -> int:
        return int(self.id[:4])

    @property
    def title(self) -> str:
        return series_title(self.id)


def series_title(series_id: str) -> str:
    """`May/June 2024`, `December/January 2023/24`, `registrations 2023/24`."""
    year, month = int(series_id[:4]), series_id[5:]
    if month == "06":
        return f"May/June {year}"
    if month == "01":
        return f"December/January {year - 1}/{year % 100:02d}"
    return f"registrations {year}/{(year + 1) % 100:02d}"


@frozen
class Stream:
    """A processing stream: which series characters and awarding-body identifier files of one purpose carry."""

    purpose: terms.Purpose = field(metadata=cell(one_of(*get_args(terms.Purpose)), "what its files are for"))
    series: str = field(metadata=cell(CODE, "the first two characters of the series key in the file header"))
    month: int = field(metadata=cell(MONTH, "the month its series are named after"))
    awarding_body: str = field(metadata=cell(CODE, "the awarding-body identifier in the file header"))
    season: str = field(metadata=cell(TEXT, "its series in words"))
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


@frozen
class Milestone:
    """A date of a series' calendar as one version has it; `component` is one component's code, or `*`."""

    series: str = field(metadata=cell(SERIES, "the series"))
    event: str = field(metadata=cell(_EVENT, "what happens"))
    component: str = field(metadata=cell(either(ANY, "every component without a row of its own", CODE, ANY), "whose"))
    day: date = field(metadata=cell(DAY, "the day it falls on, in Europe/London", "date"))
    clock: timedelta = field(
        metadata=cell(TIME, "when on that day: 24:00 for a deadline, which its day belongs to, 00:00 for a day", "time")
    )
    time_placeholder: bool = field(metadata=cell(YES, "Y when nobody published the time of day: it is ours"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)

    @property
    def at(self) -> datetime:
        """The first instant after a deadline, or an opening's own; aware, in Europe/London."""
        return datetime(self.day.year, self.day.month, self.day.day, tzinfo=LONDON) + self.clock

    @property
    def version(self) -> str:
        """CAL-2: the calendar version this date is of, as findings name it: `calendar of 1 April 2024`."""
        return f"calendar of {day_text(self.in_force_from)}{PLACEHOLDER if self.placeholder else ''}"

    @property
    def text(self) -> str:
        """The date as people are shown it, with its time of day where it has one: `15 May 2024`,
        `21 August 2025 00:01 BST [placeholder]`."""
        if timedelta() < self.clock < timedelta(days=1):
            return f"{instant_text(self.at)}{PLACEHOLDER if self.placeholder or self.time_placeholder else ''}"
        return f"{day_text(self.day)}{PLACEHOLDER if self.placeholder else ''}"


# --- The files -------------------------------------------------------------------------------------------------------

STREAMS = Sheet(
    "streams.csv",
    Stream,
    key=("series", "awarding_body"),
    about="What the header of a file must carry to be for one of our series.",
)
CALENDAR = Sheet(
    "calendar.csv",
    Milestone,
    key=("series", "event", "component", "in_force_from"),
    about=(
        "The dates of every series. Dates move while a series runs: a moved date is a new row with a later "
        "`in_force_from`, and each file is judged by the row in force at its receipt (CAL-2)."
    ),
)


def read_calendar(folder: Path) -> tuple[list[Row[Stream]], list[Row[Milestone]]]:
    """The streams and the dates of every series; raises `CatalogueError`."""
    streams, milestones = STREAMS.rows(folder), CALENDAR.rows(folder)
    once_each(streams, ["month"])
    months = {row.record.month for row in streams}
    by_series: dict[str, list[Row[Milestone]]] = {}
    for row in milestones:
        if int(row.record.series[5:]) not in months:
            raise row.wrong("series", f"no line of {STREAMS.file} has the month of {row.record.series}")
        by_series.setdefault(row.record.series, []).append(row)
    for rows in by_series.values():
        rows.sort(key=lambda row: row.record.in_force_from)
        general = [row for row in rows if row.record.component == ANY]
        for needed in ("window_opens", "window_closes"):
            if needed not in {row.record.event for row in general}:
                raise rows[0].wrong("event", f"{series_title(rows[0].record.series)} has no {needed}")
        for component in (ANY, *sorted({row.record.component for row in rows} - {ANY})):
            dates = _of_component(rows, component)
            for day in sorted({row.record.in_force_from for row in dates}):
                _check_order(dates, day)
    return streams, milestones


def _of_component(rows: Sequence[Row[Milestone]], component: str) -> list[Row[Milestone]]:
    """The rows that hold for a component: its own, and those for all of events for which it has none."""
    own = {row.record.event for row in rows if row.record.component == component}
    return [
        row
        for row in rows
        if row.record.component == component or (row.record.component == ANY and row.record.event not in own)
    ]


def _check_order(rows: Sequence[Row[Milestone]], day: date) -> None:
    """The dates of one series in the version of `day` do not contradict each other (CAL-1). `rows`: by
    `in_force_from`."""
    of: dict[str, Row[Milestone]] = {}
    for row in rows:
        # As `in_force`: the first version of a date also holds for the time before it.
        if row.record.event not in of or row.record.in_force_from <= day:
            of[row.record.event] = row
    for first, second in _IN_ORDER:
        if first not in of or second not in of:
            continue
        ours, other = of[second].record, of[first].record
        # By day too: a window that ends with the day before its opening ends at the same instant.
        if ours.at < other.at or ours.day < other.day:
            raise of[second].wrong(
                "day",
                f"{second} of {series_title(ours.series)}, {day_text(ours.day)}, is before {first}, "
                f"{day_text(other.day)} (line {of[first].line}), in the calendar of {day_text(day)}",
            )
