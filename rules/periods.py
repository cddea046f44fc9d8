"""Periods that run in working days: Mondays to Fridays that are no bank holiday in England (MOD-4, REG-1)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import field, frozen

from rules.calendar import LONDON
from rules.sheets import IN_FORCE_FROM, PLACEHOLDER_FLAG, POSITIVE, SOURCE, Kind, Row, Sheet, cell, one_of

if TYPE_CHECKING:
    from holidays import HolidayBase

AMENDMENT = "amendment"
PERIODS = {AMENDMENT: "how long a centre has to amend its marks, from the day after the moderator's feedback (MOD-4)"}
"""What the catalogue holds a number of working days for."""

_PERIOD = Kind("one of the periods listed in docs/catalogue.md", one_of(*PERIODS).read)


@frozen
class Period:
    """A number of working days."""

    name: str = field(metadata=cell(_PERIOD, "what takes so long", "period"))
    working_days: int = field(metadata=cell(POSITIVE, "Mondays to Fridays that are no bank holiday in England"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    placeholder: bool = field(metadata=PLACEHOLDER_FLAG)
    source: str = field(metadata=SOURCE)


PERIODS_FILE = Sheet(
    "periods.csv",
    Period,
    key=("name", "in_force_from"),
    about="How many working days something takes. The number in force when it begins counts.",
)


def read_periods(folder: Path) -> list[Row[Period]]:
    """Every version of every period, by the day it is in force from; raises `CatalogueError`."""
    rows = PERIODS_FILE.rows(folder)
    for name in PERIODS.keys() - {row.record.name for row in rows}:
        raise rows[0].wrong("name", f"there is no line for {name}")
    return sorted(rows, key=lambda row: row.record.in_force_from)


def working_days_later(begin: datetime, count: int) -> datetime:
    """The first instant after the last of `count` working days (above 0) that follow the day of `begin` (aware), in
    Europe/London."""
    end = working_day(begin.astimezone(LONDON).date(), count) + timedelta(days=1)
    return datetime(end.year, end.month, end.day, tzinfo=LONDON)


def working_day(day: date, count: int) -> date:
    """The day that is `count` working days after another."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in _bank_holidays()
    return day


@cache
def _bank_holidays() -> HolidayBase:
    import holidays  # it takes a tenth of a second, and a check of files never asks

    return holidays.country_holidays("GB", subdiv="ENG")
