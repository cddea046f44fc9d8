"""The catalogue: what is offered, when, for how much and to whom, loaded from effective-dated CSV files.

None of it is written in code. Rows that nobody published carry `placeholder`, and this is shown wherever the row is.
Dates in the files are Europe/London; instants in memory are aware and in Europe/London. Money is integer pence, marks
are raw marks. What changes is judged by the version in force at receipt (CAL-2).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, get_args

import polars as pl
from attrs import AttrsInstance, evolve, field, frozen

from rules import terms
from rules.calendar import (
    CALENDAR,
    EVENTS,
    INSTANTS,
    LONDON,
    PLACEHOLDER,
    STREAMS,
    Event,
    Milestone,
    Series,
    StaffDate,
    Stream,
    day_text,
    in_force,
    in_order,
    instant_text,
    read_calendar,
    series_title,
)
from rules.components import COMPONENTS, Component, Edition, Qualification, editions, read_components
from rules.periods import PERIODS_FILE, Period, read_periods, working_days_later
from rules.scales import (
    SAMPLES,
    SHIFT,
    TOLERANCE,
    UMS_SCALE,
    SampleRule,
    Scale,
    Shift,
    Threshold,
    Tolerance,
    read_samples,
    read_scales,
    read_tolerances,
)
from rules.sheets import (
    ANY,
    IN_FORCE_FROM,
    NUMBER,
    PLACEHOLDER_FLAG,
    SOURCE,
    TEXT,
    CatalogueError,
    Row,
    Sheet,
    cell,
    either,
    one_of,
)

__all__ = [
    "EVENTS",
    "INSTANTS",
    "LONDON",
    "PLACEHOLDER",
    "SHEETS",
    "Catalogue",
    "CatalogueError",
    "Component",
    "Edition",
    "Event",
    "Fee",
    "Milestone",
    "Qualification",
    "SampleRule",
    "Scale",
    "Series",
    "Source",
    "StaffDate",
    "Stream",
    "Threshold",
    "Tolerance",
    "day_text",
    "instant_text",
    "series_title",
]

R = TypeVar("R", bound=AttrsInstance)


@frozen
class Fee:
    """A price. `pence` is an integer number of pence."""

    kind: terms.Kind = field(metadata=cell(one_of(*get_args(terms.Kind)), "what is paid for: the kind of option"))
    band: terms.Band = field(
        metadata=cell(one_of(*get_args(terms.Band)), "when it is entered; without a line, as on time (FEE-1)")
    )
    pence: int = field(metadata=cell(NUMBER, "the whole price in pence, surcharge included"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


@frozen
class Source:
    """A publication that rows are taken from."""

    name: str = field(metadata=cell(TEXT, "what `source` columns call it"))
    address: str = field(metadata=cell(either("", "not known", TEXT, ""), "where it can be read"))


TARIFF = Sheet(
    "tariff.csv",
    Fee,
    key=("kind", "band", "in_force_from"),
    about="What an option costs. The price in force at receipt is charged (FEE-5).",
)
SOURCES = Sheet(
    "sources.csv",
    Source,
    key=("name",),
    about=(
        "What was published. Every `source` begins with one of these names, or with `ours`; what follows a colon says "
        "what of the row it bears out, or how we came by the figure."
    ),
)
SHEETS: tuple[Sheet[Any], ...] = (
    COMPONENTS,
    STREAMS,
    CALENDAR,
    TARIFF,
    UMS_SCALE,
    SAMPLES,
    TOLERANCE,
    SHIFT,
    PERIODS_FILE,
    SOURCES,
)
"""Every file of the catalogue."""


@frozen(slots=False, eq=False)
class Catalogue:
    """Everything that is offered, when, for how much and to whom. A look-up that is given no receipt answers with the
    latest version."""

    editions: tuple[Edition, ...] = field(repr=False)
    streams: tuple[Stream, ...]
    milestones: tuple[Milestone, ...] = field(repr=False)
    fees: tuple[Fee, ...] = field(repr=False)
    scales: tuple[Scale, ...] = field(repr=False)
    samples: tuple[SampleRule, ...] = field(repr=False)
    tolerances: tuple[Tolerance, ...] = field(repr=False)
    shifts: tuple[Shift, ...] = field(repr=False)
    periods: tuple[Period, ...] = field(repr=False)
    sources: tuple[Source, ...] = field(repr=False)
    _tables: dict[tuple[date, Series], pl.DataFrame] = field(init=False, repr=False, factory=dict)
    _views: dict[date, Catalogue] = field(init=False, repr=False, factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Catalogue:
        """The catalogue in the CSV files of `folder`; raises `CatalogueError`."""
        components, tolerances, fees = read_components(folder), read_tolerances(folder), TARIFF.rows(folder)
        streams, milestones = read_calendar(folder)
        whole = cls(
            editions=editions(components),
            streams=_records(streams),
            milestones=_records(milestones),
            fees=_records(fees),
            scales=read_scales(folder),
            samples=read_samples(folder),
            tolerances=_records(tolerances),
            shifts=tuple(sorted(_records(SHIFT.rows(folder)), key=lambda shift: shift.in_force_from)),
            periods=_records(read_periods(folder)),
            sources=_records(SOURCES.rows(folder)),
        )
        for kind in get_args(terms.Kind):
            if (kind, terms.ON_TIME) not in whole._prices:
                raise fees[0].wrong("kind", f"there is no on_time line for {kind}")
        _check_uniform_marks(whole, components)
        parts = {row.record.code for row in components}
        _check_known(milestones, "component", parts)
        _check_known(tolerances, "component", parts)
        return whole

    # --- What is offered ---

    def edition(self, received: datetime | None = None) -> Edition:
        """The qualifications and components in force at receipt."""
        return in_force(received, self.editions)

    def in_edition(self, edition: Edition) -> Catalogue:
        """The catalogue as if nothing but `edition`, one of its own, had ever been offered."""
        if len(self.editions) == 1:
            return self
        if edition.in_force_from not in self._views:
            self._views[edition.in_force_from] = evolve(self, editions=(edition,))
        return self._views[edition.in_force_from]

    @property
    def qualifications(self) -> tuple[Qualification, ...]:
        """The latest edition's qualifications."""
        return self.edition().qualifications

    def component(self, code: str, received: datetime | None = None) -> Component | None:
        """The component with that code."""
        return self.edition(received).components.get(code)

    def qualification_of(self, code: str, received: datetime | None = None) -> Qualification | None:
        """The qualification that a component, cash-in or registration code belongs to."""
        return self.edition(received).by_code.get(code)

    def options(self, series: Series, received: datetime | None = None) -> pl.DataFrame:
        """The option codes of a series, a row each: `option`, `kind` (`registration`, `internal`, `external` or
        `cash_in`), `subject`, `registration` (the code it needs), `title`, `reason` (why it cannot be taken now; null
        when it can) and `available` (when it can)."""
        edition = self.edition(received)
        key = (edition.in_force_from, series)
        if key not in self._tables:
            rows = [row for qualification in edition.qualifications for row in _options(qualification, series)]
            schema = dict.fromkeys(_OPTION_COLUMNS, pl.String)
            self._tables[key] = pl.DataFrame(rows, schema=schema, orient="row")
        return self._tables[key]

    # --- When ---

    @cached_property
    def _series(self) -> dict[str, Series]:
        """Every series with a calendar by its id, in order."""
        streams = {stream.month: stream for stream in self.streams}
        found = {}
        for series_id in sorted({milestone.series for milestone in self.milestones}):
            stream = streams[int(series_id[5:])]
            found[series_id] = Series(
                series_id, f"{stream.series}{series_id[2:4]}", stream.purpose, stream.awarding_body
            )
        return found

    @cached_property
    def _series_by_header(self) -> dict[tuple[str, str], Series]:
        return {(series.key, series.awarding_body): series for series in self._series.values()}

    def series(self, key: str, awarding_body: str) -> Series | None:
        """The series a file header means by series key (`6B24`) and awarding-body identifier, None when it is none of
        ours or has no calendar."""
        return self._series_by_header.get((key, awarding_body))

    def series_by_id(self, series_id: str) -> Series | None:
        """The series of that year and month (`2024-06`), None when it has no calendar."""
        return self._series.get(series_id)

    def all_series(self, purpose: terms.Purpose = terms.ENTRY) -> tuple[Series, ...]:
        """The exam series that have a calendar, or the series of another purpose, in order."""
        return tuple(series for series in self._series.values() if series.purpose == purpose)

    def known_series(self) -> str:
        """Every stream in words, for people whose file names none of them."""
        return "; ".join(
            f"{stream.series}yy with {stream.awarding_body} for {stream.season}"
            f"{PLACEHOLDER if stream.placeholder else ''}"
            for stream in self.streams
        )

    @cached_property
    def _dates(self) -> dict[str, dict[tuple[str, str], list[Milestone]]]:
        """Versions of every date, by series id, then event and component."""
        versions: dict[str, dict[tuple[str, str], list[Milestone]]] = {}
        for milestone in in_order(self.milestones):
            versions.setdefault(milestone.series, {}).setdefault((milestone.event, milestone.component), []).append(
                milestone
            )
        return versions

    def milestone(self, series: Series, event: str, received: datetime, component: str = ANY) -> Milestone | None:
        """CAL-2: the date of `event` in the calendar version in force at receipt; None when the series has no such
        date. With a component's code, the component's own date where it has one."""
        dates = self._dates.get(series.id, {})
        versions = [dates[event, whose] for whose in dict.fromkeys((component, ANY)) if (event, whose) in dates]
        return in_force(received, *versions) if versions else None

    def milestones_of(self, series: Series, at: datetime) -> list[Milestone]:
        """CAL-2: every date of a series in the version in force at `at`, those that single components have of their own
        then too, in order."""
        dates = {whose: self.milestone(series, whose[0], at, whose[1]) for whose in self._dates.get(series.id, {})}
        found = [date for (_, component), date in dates.items() if date is not None and date.component == component]
        return sorted(found, key=lambda milestone: (milestone.day, milestone.at, milestone.event, milestone.component))

    @cached_property
    def set_by_staff(self) -> tuple[StaffDate, ...]:
        """CAL-7: the dates that staff have set, in force or to come."""
        return tuple(milestone for milestone in self.milestones if isinstance(milestone, StaffDate))

    @cached_property
    def seed(self) -> tuple[Milestone, ...]:
        """The dates of its files."""
        return tuple(milestone for milestone in self.milestones if not isinstance(milestone, StaffDate))

    def with_dates(self, dates: tuple[StaffDate, ...]) -> Catalogue:
        """CAL-7: the catalogue with these dates of staff, and no others, beside those of its files."""
        return self if dates == self.set_by_staff else evolve(self, milestones=(*self.seed, *dates))

    # --- For how much, to whom ---

    @cached_property
    def _prices(self) -> dict[tuple[str, str], list[Fee]]:
        prices: dict[tuple[str, str], list[Fee]] = {}
        for fee in sorted(self.fees, key=lambda fee: fee.in_force_from):
            prices.setdefault((fee.kind, fee.band), []).append(fee)
        return prices

    def fee(self, kind: str, band: terms.Band, received: datetime) -> Fee:
        """The price in force at receipt (FEE-5). A kind without a price for a band costs what it costs on time."""
        return in_force(received, self._prices.get((kind, band), []), self._prices[kind, terms.ON_TIME])

    # --- How marks are judged ---

    @cached_property
    def _scales(self) -> dict[tuple[terms.Scope, int], list[Scale]]:
        """Versions of every scale; those of qualifications under 0, whatever their maximum."""
        versions: dict[tuple[terms.Scope, int], list[Scale]] = {}
        for scale in self.scales:
            versions.setdefault((scale.scope, 0 if scale.scope == terms.QUALIFICATION else scale.max_ums), []).append(
                scale
            )
        return versions

    def scale(self, of: str, received: datetime | None = None) -> Scale:
        """AWD-2, AWD-3: the scale of a component, by its code, or of qualifications, by a cash-in or registration code
        or the word `qualification`. Internal components do not all share a scale: Art and Design has its own. Raises
        `KeyError` for any other text."""
        component = self.component(of, received)
        if component:
            return in_force(received, self._scales[component.scope, component.ums_max])
        if of == "qualification" or self.qualification_of(of, received):
            return in_force(received, self._scales[terms.QUALIFICATION, 0])
        raise KeyError(of)

    def sample_size(self, series: Series, cohort: int) -> SampleRule:
        """MOD-1: the sample of a cohort of `cohort` learners in `series`."""
        starts = sorted({rule.first_series for rule in self.samples})
        start = max((first for first in starts if first <= series.id), default=starts[0])
        table = [rule for rule in self.samples if rule.first_series == start]
        return next(rule for rule in reversed(table) if rule.cohort_from <= max(cohort, 1))

    def tolerance(self, component: str, received: datetime | None = None) -> Tolerance:
        """MOD-2: the tolerance for a component, by its code."""
        versions = sorted(self.tolerances, key=lambda tolerance: tolerance.in_force_from)
        own, general = (
            [tolerance for tolerance in versions if tolerance.component == whose] for whose in (component, ANY)
        )
        return in_force(received, own, general)

    def shift(self, received: datetime) -> Shift:
        """AWD-7: how far the grades of a qualification may move."""
        return in_force(received, self.shifts)

    def after(self, name: str, begin: datetime) -> tuple[datetime, Period]:
        """The first instant after a period of working days (`rules.periods.PERIODS`) that begins at `begin` (aware),
        and the period in force then."""
        period = in_force(begin, [period for period in self.periods if period.name == name])
        return working_days_later(begin, period.working_days), period


_OPTION_COLUMNS = ("option", "kind", "subject", "registration", "title", "reason", "available")
_SEASONS = {1: "December/January", 6: "May/June"}


def _options(qualification: Qualification, series: Series) -> Iterator[tuple[str | None, ...]]:
    """The option codes of a qualification in a series (`_OPTION_COLUMNS`)."""
    subject, needs = qualification.subject, qualification.registration_code
    if series.purpose == terms.REGISTRATION:
        yield needs, terms.REGISTRATION, subject, needs, f"{subject}, registration", None, "always"
        return
    for part in qualification.components:
        available = f"{' and '.join(part.seasons)} from {series_title(part.first_series)}"
        yield part.code, part.scope, subject, needs, part.title, part.why_not(series), available
    seasons = sorted({season for part in qualification.components for season in part.seasons})
    season = _SEASONS[series.month]
    reason = None if season in seasons else f"{subject} has no {season} series"
    title = f"{subject}, certification claim"
    yield qualification.cash_in_code, terms.CASH_IN, subject, needs, title, reason, " and ".join(seasons)


# --- What several files must agree on --------------------------------------------------------------------------------


def _records(rows: Iterable[Row[R]]) -> tuple[R, ...]:
    return tuple(row.record for row in rows)


def _check_uniform_marks(catalogue: Catalogue, rows: Iterable[Row[Component]]) -> None:
    """Every component has a scale, and a qualification's components add up to the qualification scale's maximum, on
    every day on which one of them changes."""
    row_of = {row.record: row for row in rows}
    wholes = catalogue._scales[terms.QUALIFICATION, 0]
    for day in sorted(
        {edition.in_force_from for edition in catalogue.editions} | {whole.in_force_from for whole in wholes}
    ):
        received = datetime(day.year, day.month, day.day, tzinfo=LONDON)
        most = catalogue.scale(terms.QUALIFICATION, received).max_ums
        for qualification in catalogue.edition(received).qualifications:
            for part in qualification.components:
                if (part.scope, part.ums_max) not in catalogue._scales:
                    why = f"{UMS_SCALE.file} has no scale of scope {part.scope} with {part.ums_max} UMS"
                    raise row_of[part].wrong("ums_max", why)
            if qualification.ums_max != most:
                total = f"{qualification.ums_max} UMS, not to {most}"
                why = f"from {day_text(day)} the components of {qualification.subject} add up to {total}"
                raise row_of[qualification.components[-1]].wrong("ums_max", why)


def _check_known(rows: Iterable[Row[R]], attribute: str, codes: set[str]) -> None:
    """Every code that a file mentions is one of `components.csv`."""
    for row in rows:
        code = getattr(row.record, attribute)
        if code != ANY and code not in codes:
            raise row.wrong(attribute, f"{code} is not in {COMPONENTS.file}")
