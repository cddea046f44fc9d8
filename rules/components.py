"""What is offered: qualifications and their components (CAL-4, CAL-5), in editions of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

from attrs import field, frozen

from rules import terms
from rules.calendar import PLACEHOLDER, Series, series_title
from rules.sheets import (
    CODE,
    IN_FORCE_FROM,
    POSITIVE,
    SERIES,
    SOURCE,
    TEXT,
    YES,
    Row,
    Sheet,
    cell,
    either,
)


@frozen
class Component:
    """A part of a qualification that is entered, marked and reported by itself (CAL-5). Marks are raw marks."""

    subject: str = field(metadata=cell(TEXT, "the qualification's subject"))
    qualification_number: str = field(metadata=cell(either("", "not known", CODE, ""), "the regulator's number"))
    registration_code: str = field(metadata=cell(CODE, "option code that learners are registered with"))
    cash_in_code: str = field(metadata=cell(CODE, "option code that certification is claimed with"))
    code: str = field(metadata=cell(CODE, "option code that the component is entered with", "component_code"))
    title: str = field(metadata=cell(TEXT, "the component's title", "component_title"))
    number: int = field(metadata=cell(POSITIVE, "its number in the qualification", "component_no"))
    external: bool = field(metadata=cell(YES, "Y external (the board marks), N internal (the centre marks)"))
    task_based: bool = field(metadata=cell(YES, "Y when the external assessment is a task over weeks"))
    december_january: bool = field(metadata=cell(YES, "Y when it can be taken in December/January"))
    may_june: bool = field(metadata=cell(YES, "Y when it can be taken in May/June"))
    first_series: str = field(metadata=cell(SERIES, "its first series"))
    last_series: str = field(metadata=cell(either("", "it has no end", SERIES, ""), "its last series"))
    raw_max: int = field(metadata=cell(POSITIVE, "the most raw marks"))
    ums_max: int = field(metadata=cell(POSITIVE, "the most uniform marks (UMS)"))
    registration_placeholder: bool = field(
        default=True,
        kw_only=True,
        metadata=cell(YES, "Y, or no such column, when nobody published the registration code: it is ours"),
    )
    cash_in_placeholder: bool = field(
        default=True,
        kw_only=True,
        metadata=cell(YES, "Y, or no such column, when nobody published the cash-in code: it is ours"),
    )
    placeholder: bool = field(
        metadata=cell(YES, "Y when nobody published the component code: it is ours", "code_placeholder")
    )
    scale_placeholder: bool = field(metadata=cell(YES, "Y when nobody published raw_max or ums_max: they are ours"))
    in_force_from: date = field(metadata=IN_FORCE_FROM)
    source: str = field(metadata=SOURCE)

    @property
    def scope(self) -> terms.Marker:
        """Who marks it; the kind of option it is, and the scope of its scales."""
        return terms.EXTERNAL if self.external else terms.INTERNAL

    @property
    def seasons(self) -> tuple[str, ...]:
        """The seasons it can be taken in, in words."""
        return ("December/January",) * self.december_january + ("May/June",) * self.may_june

    def why_not(self, series: Series) -> str | None:
        """Why this component cannot be taken in `series`; None when it can (CAL-4)."""
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
    registration_placeholder: bool
    cash_in_placeholder: bool

    @property
    def codes(self) -> dict[str, bool]:
        """Its registration code, its cash-in code and those of its components, each with whether it is ours because
        nobody published it."""
        return {
            self.registration_code: self.registration_placeholder,
            self.cash_in_code: self.cash_in_placeholder,
            **{part.code: part.placeholder for part in self.components},
        }

    @property
    def ums_max(self) -> int:
        """The most uniform marks of all its components together."""
        return sum(part.ums_max for part in self.components)


@frozen
class Edition:
    """What one version of the catalogue offers."""

    in_force_from: date
    qualifications: tuple[Qualification, ...]

    @cached_property
    def components(self) -> dict[str, Component]:
        """Every component by its code."""
        return {part.code: part for qualification in self.qualifications for part in qualification.components}

    @cached_property
    def by_code(self) -> dict[str, Qualification]:
        """Every qualification by its registration code, its cash-in code and the codes of its components."""
        return {code: qualification for qualification in self.qualifications for code in qualification.codes}

    def spoken(self, code: str) -> str:
        """A code as people read it: one that is ours carries the mark of a placeholder."""
        qualification = self.by_code.get(code)
        return f"{code}{PLACEHOLDER if qualification and qualification.codes[code] else ''}"


COMPONENTS = Sheet(
    "components.csv",
    Component,
    key=("code", "in_force_from"),
    about=(
        "The qualifications, a line a component. A later line for the same component code replaces the earlier from "
        "its `in_force_from` on; a file is judged by what is in force at its receipt."
    ),
)


def read_components(folder: Path) -> list[Row[Component]]:
    """Every version of every component; raises `CatalogueError`."""
    rows = COMPONENTS.rows(folder)
    for row in rows:
        component = row.record
        if not component.seasons:
            raise row.wrong("may_june", f"{component.code} has neither a December/January nor a May/June series")
        if component.last_series and component.last_series < component.first_series:
            raise row.wrong(
                "last_series", f"{component.last_series} is before the first series, {component.first_series}"
            )
    return rows


def editions(rows: Sequence[Row[Component]]) -> tuple[Edition, ...]:
    """What was offered from each day on which something changed; raises `CatalogueError` where the components of a day
    make no whole qualifications."""
    return tuple(_edition(day, rows) for day in sorted({row.record.in_force_from for row in rows}))


def _edition(day: date, rows: Sequence[Row[Component]]) -> Edition:
    current: dict[str, Row[Component]] = {}
    for row in sorted(rows, key=lambda row: row.record.in_force_from):
        if row.record.in_force_from <= day:
            current[row.record.code] = row
    groups: dict[str, list[Row[Component]]] = {}
    for row in current.values():
        groups.setdefault(row.record.registration_code, []).append(row)
    _one_meaning_each(current.values())
    return Edition(day, tuple(_qualification(group) for group in groups.values()))


def _one_meaning_each(rows: Iterable[Row[Component]]) -> None:
    """No option code means two things."""
    meanings: dict[str, tuple[str, str]] = {}
    for row in rows:
        component = row.record
        for attribute, owner in (
            ("registration_code", component.registration_code),
            ("cash_in_code", component.registration_code),
            ("code", component.code),
        ):
            code = getattr(component, attribute)
            if meanings.setdefault(code, (attribute, owner)) != (attribute, owner):
                raise row.wrong(attribute, f"{code} is in use for something else already")


def _qualification(rows: Sequence[Row[Component]]) -> Qualification:
    first = rows[0].record
    numbers: set[int] = set()
    externals = 0
    for row in rows:
        component = row.record
        for attribute in _SAME:
            ours, theirs = getattr(component, attribute), getattr(first, attribute)
            if ours != theirs:
                raise row.wrong(attribute, f"{ours!r}, but {first.code} with the same registration code has {theirs!r}")
        if component.number in numbers:
            raise row.wrong("number", f"{component.subject} has two components {component.number}")
        numbers.add(component.number)
        externals += component.external
        if externals > 1:
            raise row.wrong("external", f"{component.subject} has several external components; each has one (CAL-5)")
    if not externals:
        raise rows[-1].wrong("external", f"{first.subject} has no external component; each has one (CAL-5)")
    parts = sorted((row.record for row in rows), key=lambda component: component.number)
    return Qualification(
        first.subject, first.qualification_number, first.registration_code, first.cash_in_code, tuple(parts),
        first.registration_placeholder, first.cash_in_placeholder,
    )  # fmt: skip


_SAME = ("subject", "qualification_number", "cash_in_code", "registration_placeholder", "cash_in_placeholder")
"""What every line of a qualification says alike."""
