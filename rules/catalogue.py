"""The catalogue: qualifications, components, series, calendar and tariff, loaded from effective-dated CSV files.

Nothing of it is a literal in code. Rows that nobody published carry `placeholder`, and whoever shows one shows that
too. Dates in the files are Europe/London; instants in memory are aware and in Europe/London. Money is integer pence.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

import polars as pl
from attrs import define, field, frozen

LONDON = ZoneInfo("Europe/London")

Purpose = Literal["registration", "entry"]
Band = Literal["on_time", "late", "high_late"]
T = TypeVar("T")


class CatalogueError(ValueError):
    """A catalogue file cannot be used; the message names file, line and column."""


@frozen
class Component:
    """A part of a qualification that is entered, marked and reported by itself (CAL-5)."""

    code: str
    title: str
    number: int
    external: bool
    december_january: bool
    may_june: bool
    first_series: str
    last_series: str
    raw_max: int
    ums_max: int
    placeholder: bool

    def why_not(self, series: Series) -> str | None:
        """Why this component cannot be taken in `series`; null when it can (CAL-4)."""
        if series.month == 1 and not self.december_january:
            return "it has no December/January series"
        if series.month == 6 and not self.may_june:
            return "it has no May/June series"
        if series.id < self.first_series:
            return f"its first series is {series_title(self.first_series)}"
        if self.last_series and series.id > self.last_series:
            return f"its last series was {series_title(self.last_series)}"
        return None


@frozen
class Qualification:
    """A Tech Award: registered with one code, claimed with another."""

    subject: str
    number: str
    registration_code: str
    cash_in_code: str
    components: tuple[Component, ...]


@frozen
class Series:
    """An exam series or a registration series. `id` is year and month (`2024-06`), `key` what files carry (`6B24`)."""

    id: str
    key: str
    purpose: Purpose
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

    purpose: Purpose
    series: str
    month: int
    awarding_body: str
    placeholder: bool


@frozen
class Milestone:
    """A date of a series' calendar as one version has it. `at` is the first instant after a deadline, or an opening's
    own."""

    series: str
    event: str
    at: datetime
    day: date
    in_force_from: date
    placeholder: bool

    @property
    def version(self) -> str:
        return f"calendar of {day_text(self.in_force_from)}{PLACEHOLDER if self.placeholder else ''}"


@frozen
class Fee:
    """A price. `pence` is an integer number of pence."""

    kind: str
    band: Band
    pence: int
    in_force_from: date
    placeholder: bool


PLACEHOLDER = " [placeholder]"
"""Shown behind every date, code or price that nobody published."""


def day_text(day: date) -> str:
    """`2 May 2024`."""
    return f"{day.day} {day:%B %Y}"


def instant_text(instant: datetime) -> str:
    """`26 February 2024 12:00 GMT`, in Europe/London."""
    local = instant.astimezone(LONDON)
    return f"{day_text(local.date())} {local:%H:%M %Z}"


@define(slots=False)
class Catalogue:
    """Everything that is offered, when, and for how much."""

    qualifications: tuple[Qualification, ...]
    streams: tuple[Stream, ...]
    milestones: tuple[Milestone, ...] = field(repr=False)
    fees: tuple[Fee, ...] = field(repr=False)

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """The catalogue in the CSV files of `folder`; raises `CatalogueError`."""
        return cls(
            qualifications=_qualifications(folder / "components.csv"),
            streams=tuple(_rows(folder / "streams.csv", _stream)),
            milestones=tuple(_rows(folder / "calendar.csv", _milestone)),
            fees=tuple(_rows(folder / "tariff.csv", _fee)),
        )

    def series(self, key: str, awarding_body: str) -> Series | None:
        """The series a file header means by series key (`6B24`) and awarding-body identifier, null when it is none of
        ours or has no calendar."""
        for stream in self.streams:
            if key[:2] == stream.series and awarding_body == stream.awarding_body and key[2:].isdigit():
                series = Series(f"20{key[2:]}-{stream.month:02d}", key, stream.purpose, awarding_body)
                return series if (series.id, "window_opens") in self._versions else None
        return None

    def known_series(self) -> str:
        """Every stream in words, for people whose file names none of them."""
        return "; ".join(
            f"{stream.series}yy with {stream.awarding_body} for {_SEASONS[stream.month]}"
            f"{PLACEHOLDER if stream.placeholder else ''}"
            for stream in self.streams
        )

    @cached_property
    def _versions(self) -> dict[tuple[str, str], list[Milestone]]:
        versions: dict[tuple[str, str], list[Milestone]] = {}
        for one in sorted(self.milestones, key=lambda one: one.in_force_from):
            versions.setdefault((one.series, one.event), []).append(one)
        return versions

    def milestone(self, series: Series, event: str, received: datetime) -> Milestone | None:
        """The date of `event` in the calendar version in force at receipt (CAL-2); null when the series has no such
        date."""
        versions = self._versions.get((series.id, event))
        if not versions:
            return None
        day = received.astimezone(LONDON).date()
        in_force = [one for one in versions if one.in_force_from <= day]
        return in_force[-1] if in_force else versions[0]

    def fee(self, kind: str, band: Band, received: datetime) -> Fee:
        """The price in force at receipt (FEE-5). A kind without a price for a band costs what it costs on time."""
        day = received.astimezone(LONDON).date()
        prices = [
            one for one in self.fees if one.kind == kind and one.band in (band, "on_time") and one.in_force_from <= day
        ]
        if not prices:
            prices = [one for one in self.fees if one.kind == kind]
        return max(prices, key=lambda one: (one.band == band, one.in_force_from))

    def options(self, series: Series) -> pl.DataFrame:
        """The option codes of a series, a row each: `option`, `kind` (`registration`, `internal`, `external` or
        `cash_in`), `subject`, `registration` (the code it needs), `title`, `reason` (why it cannot be taken now; null
        when it can) and `available` (when it can)."""
        rows = [
            {
                "option": option,
                "kind": kind,
                "subject": one.subject,
                "registration": one.registration_code,
                "title": title,
                "reason": reason,
                "available": available,
            }
            for one in self.qualifications
            for option, kind, title, reason, available in _options(one, series)
        ]
        return pl.DataFrame(rows, schema=dict.fromkeys(_OPTION_COLUMNS, pl.String))

    def codes(self, series: Series) -> str:
        """The option codes of a series by subject, in words."""
        table = self.options(series)
        return "; ".join(
            f"{subject}: {', '.join(codes)}"
            for subject, codes in table.group_by("subject", maintain_order=True).agg("option").iter_rows()
        )


_OPTION_COLUMNS = ("option", "kind", "subject", "registration", "title", "reason", "available")
_SEASONS = {1: "December/January", 6: "May/June", 9: "registrations"}


def _options(one: Qualification, series: Series) -> Iterator[tuple[str, str, str, str | None, str]]:
    if series.purpose == "registration":
        yield one.registration_code, "registration", f"{one.subject}, registration", None, "always"
        return
    seasons = set()
    for part in one.components:
        offered = [
            name for name, yes in (("December/January", part.december_january), ("May/June", part.may_june)) if yes
        ]
        seasons.update(offered)
        available = f"{' and '.join(offered)} from {series_title(part.first_series)}"
        yield part.code, "external" if part.external else "internal", part.title, part.why_not(series), available
    season = _SEASONS[series.month]
    reason = None if season in seasons else f"{one.subject} has no {season} series"
    yield one.cash_in_code, "cash_in", f"{one.subject}, certification claim", reason, " and ".join(sorted(seasons))


# --- Loading ----------------------------------------------------------------------------------------------------


class _Row:
    """One line of a catalogue file; its readers raise `CatalogueError` with file, line and column."""

    def __init__(self, path: Path, line: int, cells: dict[str, str]) -> None:
        self._path, self._line, self._cells = path, line, cells

    def text(self, column: str) -> str:
        return self._read(column, str)

    def number(self, column: str) -> int:
        return self._read(column, int)

    def day(self, column: str) -> date:
        return self._read(column, date.fromisoformat)

    def yes(self, column: str) -> bool:
        return self.one_of(column, "Y", "N") == "Y"

    def one_of(self, column: str, *values: str) -> str:
        return self._read(column, lambda text: values[values.index(text)])

    def _read(self, column: str, kind: Callable[[str], T]) -> T:
        try:
            return kind(self._cells[column])
        except (KeyError, ValueError, TypeError) as error:
            value = self._cells.get(column)
            raise CatalogueError(
                f"{self._path.name}, line {self._line}, column {column}: {value!r} ({error})"
            ) from None


def _rows(path: Path, build: Callable[[_Row], T]) -> Iterator[T]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            for cells in reader:
                yield build(_Row(path, reader.line_num, cells))
    except OSError as error:
        raise CatalogueError(f"{path}: {error.strerror}") from None


def _component(row: _Row) -> tuple[tuple[str, str, str, str], Component]:
    qualification = (
        row.text("subject"),
        row.text("qualification_number"),
        row.text("registration_code"),
        row.text("cash_in_code"),
    )
    return qualification, Component(
        code=row.text("component_code"),
        title=row.text("component_title"),
        number=row.number("component_no"),
        external=row.yes("external"),
        december_january=row.yes("december_january"),
        may_june=row.yes("may_june"),
        first_series=row.text("first_series"),
        last_series=row.text("last_series"),
        raw_max=row.number("raw_max"),
        ums_max=row.number("ums_max"),
        placeholder=row.yes("code_placeholder"),
    )


def _qualifications(path: Path) -> tuple[Qualification, ...]:
    by_qualification: dict[tuple[str, str, str, str], list[Component]] = {}
    for qualification, component in _rows(path, _component):
        by_qualification.setdefault(qualification, []).append(component)
    return tuple(Qualification(*identity, tuple(parts)) for identity, parts in by_qualification.items())


def _stream(row: _Row) -> Stream:
    return Stream(
        purpose="registration" if row.one_of("purpose", "registration", "entry") == "registration" else "entry",
        series=row.text("series"),
        month=row.number("month"),
        awarding_body=row.text("awarding_body"),
        placeholder=row.yes("placeholder"),
    )


def _milestone(row: _Row) -> Milestone:
    day = row.day("date")
    # 24:00 is the end of that day: a deadline includes it, so its instant is the midnight after.
    end = row.one_of("time", "00:00", "24:00") == "24:00"
    midnight = day + timedelta(days=1) if end else day
    return Milestone(
        series=row.text("series"),
        event=row.text("event"),
        at=datetime(midnight.year, midnight.month, midnight.day, tzinfo=LONDON),
        day=day,
        in_force_from=row.day("in_force_from"),
        placeholder=row.yes("placeholder"),
    )


def _fee(row: _Row) -> Fee:
    bands: dict[str, Band] = {"on_time": "on_time", "late": "late", "high_late": "high_late"}
    return Fee(
        kind=row.one_of("kind", "registration", "internal", "external", "cash_in"),
        band=bands[row.one_of("band", *bands)],
        pence=row.number("pence"),
        in_force_from=row.day("in_force_from"),
        placeholder=row.yes("placeholder"),
    )
