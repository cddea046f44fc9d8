"""The same cause in many places, said once: findings of one code that agree in everything their sentences name.

Findings are made place by place, and at most `LISTED` of a code are kept. What is gathered here are the causes, each
with every place it was found in, as ranges: a cause that 20,000 records share is one sentence and a few numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from attrs import define, field, frozen

if TYPE_CHECKING:
    from .findings import Finding, Reach

FEW = 3
"""A cause in so many places is said place by place where these differ in what was found."""

Columns = tuple[int, int] | None
Ranges = tuple[tuple[int, int], ...]
Spot = tuple[int | None, Columns, str | None]
"""Line, columns and candidate of a finding."""


@frozen
class Place:
    """Lines of a file, as ranges, and the columns that are meant in each of them."""

    columns: Columns
    lines: Ranges


@frozen(kw_only=True)
class Gathered:
    """A cause with all its places, of which there are `count`. `candidates`: whom it is about, as ranges of candidate
    numbers. What is found in one place only has the sentences of its finding."""

    code: str
    rule: str
    reach: Reach
    message: str
    expected: str
    remedy: str
    count: int
    places: tuple[Place, ...] = ()
    candidates: tuple[tuple[str, str], ...] = ()

    @property
    def whom(self) -> set[str]:
        """The numbers of the candidates it is about."""
        return {number for first, last in self.candidates for number in _between(first, last)}

    @property
    def first_place(self) -> tuple[int | None, Columns]:
        """The line in which it is found first, and the columns there; None where there are none."""
        first = min(self.places, key=lambda place: (place.lines[0][0], place.columns or (0, 0)), default=None)
        return (first.lines[0][0], first.columns) if first else (None, None)

    @property
    def begins(self) -> tuple[int, int]:
        """Its first line and column; 0 where there is none."""
        line, columns = self.first_place
        return line or 0, (columns or (0, 0))[0]


@define
class Cause:
    """A cause while its places are gathered: their lines, columns and candidates, side by side. `shared`: message and
    expected for all of them together, where these are not the findings' own."""

    shared: tuple[str, str] | None = None
    first: list[Finding] = field(factory=list)
    """The findings of the first places."""
    lines: list[int | None] = field(factory=list)
    columns: list[Columns] = field(factory=list)
    candidates: list[str | None] = field(factory=list)

    @classmethod
    def of(cls, finding: Finding) -> Cause:
        """The cause of one finding."""
        return cls(None, [finding], [finding.line], [finding.columns], [finding.candidate])

    @property
    def count(self) -> int:
        """In how many places it was found."""
        return len(self.lines)

    def add(self, line: int | None, columns: Columns, candidate: str | None) -> None:
        """A further place."""
        # A file may have nothing but faults, in lines of a few bytes: the same columns are kept once.
        self.columns.append(self.columns[-1] if self.columns and self.columns[-1] == columns else columns)
        self.lines.append(line)
        self.candidates.append(candidate)

    def follow(self, lines: Sequence[int], candidates: Sequence[str | None]) -> None:
        """Adds places of which the columns are not known: they are the same as before, or not said."""
        before = set(self.columns)
        columns = before.pop() if len(before) == 1 else None
        # There may be hundreds of thousands of them.
        self.columns.extend([columns] * len(lines))
        self.lines.extend(lines)
        self.candidates.extend(candidates)

    def told(self) -> Iterator[Gathered]:
        """What is said of it: one thing, or of few places that differ, each."""
        own = (self.first[0].message, self.first[0].expected)
        if self.shared is None or self.count == 1:
            yield self._told(own)
        elif self.count > FEW:
            yield self._told(self.shared)
        elif all((other.message, other.expected) == own for other in self.first):
            yield self._told(own)
        else:
            for other in self.first:
                yield from Cause.of(other).told()

    def _told(self, sentences: tuple[str, str]) -> Gathered:
        by_columns: dict[Columns, list[int]] = {}
        for line, columns in zip(self.lines, self.columns, strict=True):
            if line is not None:
                by_columns.setdefault(columns, []).append(line)
        finding = self.first[0]
        message, expected = sentences
        return Gathered(
            code=finding.code,
            rule=finding.rule,
            reach=finding.reach,
            message=message,
            expected=expected,
            remedy=finding.remedy,
            count=self.count,
            places=tuple(Place(columns, ranges(lines)) for columns, lines in by_columns.items()),
            candidates=_candidates(filter(None, self.candidates)),
        )


# --- Ranges ----------------------------------------------------------------------------------------------------------


def ranges(numbers: Iterable[int]) -> Ranges:
    """Numbers as ranges of those that follow each other: 1, 2, 3, 5 become 1 to 3, and 5 to 5."""
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return tuple(found)


def _candidates(numbers: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """The same of candidate numbers. What is no number, in a record that is wrong there, stands by itself, behind."""
    different = set(numbers)
    usual = {number for number in different if len(number) == _DIGITS and number.isascii() and number.isdigit()}
    runs = ((f"{first:04d}", f"{last:04d}") for first, last in ranges(map(int, usual)))
    return (*runs, *((other, other) for other in sorted(different - usual)))


_DIGITS = 4


def _between(first: str, last: str) -> Iterator[str]:
    if first == last:
        yield first
    else:
        yield from (f"{number:04d}" for number in range(int(first), int(last) + 1))
