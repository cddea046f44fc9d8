"""When the DAGs of the calendar run: an Airflow timetable that reads the dates the rules read (CAL-1, CAL-2).

Airflow finds the class through the entry point `airflow.plugins`. Its scheduler forks the tasks, so nothing here may
start threads: only the calendar is read, without the rest of the catalogue and without Polars.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from airflow.exceptions import AirflowTimetableInvalid
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction, Timetable
from attrs import evolve
from pendulum import DateTime, instance
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.calendar import ChangeRow, changes_at
from infra.settings import Settings
from pipeline.catalogue_in_use import dates_of_staff, last_readable
from pipeline.season.schedule import Schedule
from rules import terms
from rules.calendar import EVENTS, LONDON, Milestone, Stream, in_order, is_general, read_calendar
from rules.sheets import CatalogueError

log = logging.getLogger(__name__)


def exam_milestones(catalogue: Path, events: Iterable[str], days_before: Iterable[int] = ()) -> list[Milestone]:
    """CAL-1, CAL-2, CAL-7: the dates of `events` of every exam series, those of single components too, each in its
    latest version, by instant; and again that many days earlier for every number in `days_before`. `catalogue` is the
    folder of the catalogue; raises `CatalogueError`."""
    streams, milestones = _calendar(catalogue)
    months = {stream.month for stream in streams if stream.purpose == terms.ENTRY}
    names = set(events)
    wanted = [date for date in in_order(milestones) if date.event in names and int(date.series[5:]) in months]

    def whose(date: Milestone) -> tuple[str, str, str]:
        return date.series, date.event, date.component

    versions = groupby(sorted(wanted, key=whose), whose)
    latest = [date for _, its in versions if not is_general(date := list(its)[-1])]
    early = [evolve(date, day=date.day - timedelta(days=days)) for days in days_before for date in latest]
    return sorted([*latest, *early], key=lambda date: (date.at, *whose(date)))


def _calendar(catalogue: Path) -> tuple[list[Stream], list[Milestone]]:
    """The calendar in that folder. The desk's own has the dates that staff have set, and while it cannot be read, is as
    it last could be, so that a bad line stops no run."""
    settings = Settings.load()
    own = settings.catalogue.absolute() == catalogue.absolute()
    try:
        streams, rows = read_calendar(catalogue)
    except CatalogueError:
        last = last_readable(settings) if own else None
        if last is None:
            raise
        streams, rows = read_calendar(last)
    milestones = [row.record for row in rows]
    staffs = dates_of_staff(_changes(settings), milestones) if own else ()
    return [row.record for row in streams], [*milestones, *staffs]


def _changes(settings: Settings) -> list[ChangeRow]:
    """The dates that staff set, none while the ledger cannot be asked: a run that comes too early for one that moved
    does nothing, since its job asks the calendar itself."""
    if not settings.database_url:
        return []
    try:
        return changes_at(settings.database_url)
    except SQLAlchemyError as error:
        log.warning("the dates that staff have set cannot be read (%s)", type(error).__name__)
        return []


def due(milestones: Iterable[Milestone], at: datetime) -> list[tuple[str, str]]:
    """The series id and event of the milestones on the last instant at or before `at` (aware), without repeats; empty
    before the first. A run of that instant, or one started by hand after it, is for these."""
    passed = [date for date in milestones if date.at <= at]
    last = max((date.at for date in passed), default=None)
    return sorted({(date.series, date.event) for date in passed if date.at == last})


def next_instant(instants: Iterable[datetime], after: datetime | None, now: datetime) -> datetime | None:
    """Of the aware `instants` later than `after`, the last that `now` has reached, otherwise the first to come; None
    when there is none. So of many missed instants, only the latest is made up for."""
    left = sorted(instant for instant in instants if after is None or instant > after)
    reached = [instant for instant in left if instant <= now]
    return reached[-1] if reached else next(iter(left), None)


class CalendarTimetable(Timetable):
    """Runs at the dates of `events` of every exam series (for a deadline: the first instant after it), on the days
    before them given by `days_before`, and with `daily` also every day at that hour, Europe/London. The calendar is
    read each time Airflow asks for the next run. Whatever the DAG says about `catchup`, of several missed instants only
    the latest runs, once."""

    def __init__(
        self, catalogue: Path, events: Sequence[str], daily: int | None = None, days_before: Sequence[int] = ()
    ) -> None:
        self.catalogue = catalogue
        self.events = tuple(events)
        self.daily = daily
        self.days_before = tuple(days_before)
        self.description = self.summary

    @classmethod
    def of(cls, when: Schedule) -> CalendarTimetable:
        """That of a DAG, by the calendar of the settings."""
        return cls(Settings.load().catalogue.absolute(), when.events, when.daily, when.days_before)

    @property
    def summary(self) -> str:
        """The schedule as the UI shows it."""
        every_day = "" if self.daily is None else f"; daily at {time(self.daily):%H:%M} Europe/London"
        early = "".join(f", {days} days before" for days in self.days_before)
        return f"{', '.join(self.events)} of every exam series{early}{every_day}"

    def validate(self) -> None:
        """Raises `AirflowTimetableInvalid`, which the UI shows, when the calendar cannot be read or an event is not in
        it."""
        unknown = sorted(set(self.events) - EVENTS.keys())
        if unknown:
            raise AirflowTimetableInvalid(f"the calendar has no {', '.join(unknown)}")
        try:
            exam_milestones(self.catalogue, self.events)
        except CatalogueError as error:
            raise AirflowTimetableInvalid(str(error)) from error

    def serialize(self) -> dict[str, Any]:
        """JSON for Airflow's tables: the folder and the names, no dates."""
        return {
            "catalogue": str(self.catalogue),
            "events": list(self.events),
            "daily": self.daily,
            "days_before": list(self.days_before),
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> CalendarTimetable:
        """The reverse of `serialize`."""
        return cls(Path(data["catalogue"]), data["events"], data["daily"], data["days_before"])

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """A run started by hand is for its own instant."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """The next run; None when the calendar has no further date. Raises `CatalogueError`."""
        after = last_automated_data_interval.end if last_automated_data_interval else None
        found = self.next_run(after, restriction.earliest, datetime.now(UTC))
        if found is None or (restriction.latest is not None and found > restriction.latest):
            return None
        return DagRunInfo.exact(instance(found.astimezone(UTC)))

    def next_run(self, after: datetime | None, earliest: datetime | None, now: datetime) -> datetime | None:
        """The instant of the next run after the run of `after`, not before `earliest`, as of `now` (all aware)."""
        instants = [date.at for date in exam_milestones(self.catalogue, self.events, self.days_before)]
        instants += self._hours_around(max(instant for instant in (after, earliest, now) if instant is not None))
        return next_instant((instant for instant in instants if earliest is None or instant >= earliest), after, now)

    def _hours_around(self, instant: datetime) -> Iterator[datetime]:
        if self.daily is not None:
            today = instant.astimezone(LONDON).date()
            for days in (-1, 0, 1):
                yield datetime.combine(today + timedelta(days=days), time(self.daily), LONDON)


class CalendarPlugin(AirflowPlugin):
    """Registers the timetable with Airflow."""

    name = "resultsday"
    timetables = [CalendarTimetable]  # noqa: RUF012 - as Airflow declares it
