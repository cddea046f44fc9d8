"""Series and their dates (CAL-1), in versions: what is in force at receipt decides (CAL-2).

Dates in the files are Europe/London; instants in memory are aware and in Europe/London.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
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
ENTRIES, MARKS = "entries", "marks"
PLACEHOLDER = " [placeholder]"
"""Shown behind every date, code or price that nobody published."""


@frozen
class Event:
    """What the calendar can hold a date for: what happens on it, the rules that use it, whose files are judged by it
    (`entries`, `marks` or nobody's), whether staff may extend it for a centre (CAL-3), and whether a component may have
    one of its own: a window or a results day is asked for of a whole series."""

    meaning: str
    rules: tuple[str, ...]
    judges: str = ""
    extended: bool = False
    own: bool = False


EVENTS: Mapping[str, Event] = {
    "window_opens": Event("first day on which files are taken", ("CAL-1", "ENT-2"), judges=ENTRIES),
    "on_time_deadline": Event(
        "last day without a late fee; the late fee runs from the day after it",
        ("FEE-1", "OPS-1"),
        judges=ENTRIES,
        extended=True,
    ),
    "high_late_from": Event("first day of the high late fee", ("FEE-1",), judges=ENTRIES),
    "reentry_deadline": Event(
        "last day on which learners who sat the preceding December/January pay no late fee (FEE-2)",
        ("FEE-2",),
        judges=ENTRIES,
        extended=True,
    ),
    "window_closes": Event(
        "last day on which entries, amendments and claims are taken by file",
        ("ENT-2", "OPS-1"),
        judges=ENTRIES,
        extended=True,
    ),
    "psa_release": Event("set assignments are released", ("CAL-6",), own=True),
    "cohort_checkpoint": Event("last day of the term-time cohort declaration", ("CAL-6",)),
    "exam": Event("day of a written external assessment", ("CRT-4",), own=True),
    "task_upload_opens": Event("work for task-based external assessments can be uploaded", ("CAL-6",), own=True),
    "task_window_closes": Event("last day of the task of a task-based external assessment", ("CRT-4",), own=True),
    "task_upload_deadline": Event(
        "last day to upload the work of task-based external assessments", ("CAL-6",), own=True
    ),
    "moderation_opens": Event("moderation of internal components begins", ("MOD-3",), own=True),
    "marks_deadline": Event(
        "last day for marks of internal components and samples of work (MRK-1)",
        ("MRK-1", "MOD-3", "OPS-1"),
        judges=MARKS,
        extended=True,
        own=True,
    ),
    "marks_amendment_deadline": Event(
        "last day to amend marks after the moderator's feedback (MRK-2)",
        ("MRK-2", "MOD-4"),
        judges=MARKS,
        extended=True,
        own=True,
    ),
    "moderation_closes": Event("moderation of internal components ends", ("CAL-6",), own=True),
    "results_to_centres": Event("results may be seen by centres, under embargo (RES-2)", ("RES-2",)),
    "results_to_learners": Event("results day", ("RES-2", "OPS-5")),
    "late_claims_open": Event(
        "first day of the late certification window, in which claims are made online only (CRT-1)",
        ("CRT-1",),
        judges=ENTRIES,
    ),
    "late_claims_close": Event("last day of the late certification window", ("CRT-1", "OPS-5"), judges=ENTRIES),
    "certificates_due": Event("day by which certificates should be at centres (CRT-7)", ("CRT-7",)),
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
    """CAL-2: the version in force at receipt, of the first of `lists` that has one (the most particular first; each in
    the order in which its versions begin). The last list must have a first version, which also holds for the time
    before it. Without a receipt: the latest version."""
    day = date.max if received is None else received.astimezone(LONDON).date()
    for versions in lists:
        begun = [version for version in versions if _has_begun(version, received, day)]
        if begun and not is_general(begun[-1]):
            return begun[-1]
    return lists[-1][0]


def _has_begun(version: Version, received: datetime | None, day: date) -> bool:
    if version.in_force_from != day or received is None:
        return version.in_force_from <= day
    # What staff set holds from an instant on, what the files of the catalogue say from a day on.
    return not isinstance(version, StaffDate) or version.since <= received


def is_general(version: Version) -> bool:
    """CAL-7: whether a version of a component's own date says that there is none, so that the date of all holds."""
    return isinstance(version, StaffDate) and version.general


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


@frozen(kw_only=True)
class StaffDate(Milestone):
    """CAL-7: a date that staff have set, in force from an instant on (`since`, aware); `number`: of the order;
    `general`: its component has no date of its own from then on, whatever `day` says."""

    since: datetime
    number: int
    general: bool = False

    @property
    def version(self) -> str:
        """CAL-2: as findings name it: `calendar of 3 May 2024 10:15 BST`."""
        return f"calendar of {instant_text(self.since)}{PLACEHOLDER if self.placeholder else ''}"


def begins(milestone: Milestone) -> datetime:
    """From which instant on (aware) a version of a date is in force."""
    if isinstance(milestone, StaffDate):
        return milestone.since
    return datetime.combine(milestone.in_force_from, time(), LONDON)


def in_order(milestones: Iterable[Milestone]) -> list[Milestone]:
    """Versions of dates in the order in which they come into force; of the same instant, staff's after the catalogue's,
    and by their numbers."""

    def order(milestone: Milestone) -> tuple[date, float, int]:
        number = milestone.number if isinstance(milestone, StaffDate) else 0
        return milestone.in_force_from, begins(milestone).timestamp(), number

    return sorted(milestones, key=order)


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
        if row.record.component != ANY and not EVENTS[row.record.event].own:
            raise row.wrong("component", f"{row.record.event} is a date of a whole series: write {ANY} (CAL-6)")
        by_series.setdefault(row.record.series, []).append(row)
    for rows in by_series.values():
        rows.sort(key=lambda row: row.record.in_force_from)
        general = [row for row in rows if row.record.component == ANY]
        for needed in ("window_opens", "window_closes"):
            if needed not in {row.record.event for row in general}:
                raise rows[0].wrong("event", f"{series_title(rows[0].record.series)} has no {needed}")
        for component in (ANY, *sorted({row.record.component for row in rows} - {ANY})):
            its = {id(date) for date in dates_of_component([row.record for row in rows], component)}
            dates = [row for row in rows if id(row.record) in its]
            for day in sorted({row.record.in_force_from for row in dates}):
                _check_order(dates, day)
    return streams, milestones


def _check_order(rows: Sequence[Row[Milestone]], day: date) -> None:
    """The dates of one series in the version of `day` do not contradict each other (CAL-1). `rows`: by
    `in_force_from`."""
    of = {id(row.record): row for row in rows}
    for wrong, other in contradictions([row.record for row in rows], day):
        raise of[id(wrong)].wrong(
            "day",
            f"{wrong.event} of {series_title(wrong.series)}, {day_text(wrong.day)}, is before {other.event}, "
            f"{day_text(other.day)} (line {of[id(other)].line}), in the calendar of {day_text(day)}",
        )


def contradictions(dates: Sequence[Milestone], at: date | datetime) -> Iterator[tuple[Milestone, Milestone]]:
    """CAL-1: the pairs of dates of a component that are in the wrong order in the version in force at a day or an
    instant (aware); the first of each pair comes too early. `dates`: in the order in which they come into force."""
    of: dict[str, Milestone] = {}
    for milestone in dates:
        begun = begins(milestone) <= at if isinstance(at, datetime) else milestone.in_force_from <= at
        # As `in_force`: the first version of a date also holds for the time before it.
        if milestone.event not in of or begun:
            of[milestone.event] = milestone
    for first, second in _IN_ORDER:
        if first not in of or second not in of:
            continue
        ours, other = of[second], of[first]
        # By day too: a window that ends with the day before its opening ends at the same instant.
        if ours.at < other.at or ours.day < other.day:
            yield ours, other


def dates_of_component(milestones: Sequence[Milestone], component: str) -> list[Milestone]:
    """The dates that hold for a component: its own, and those of all for events for which it has none."""
    own = {milestone.event for milestone in milestones if milestone.component == component}
    return [
        milestone
        for milestone in milestones
        if milestone.component == component or (milestone.component == ANY and milestone.event not in own)
    ]
