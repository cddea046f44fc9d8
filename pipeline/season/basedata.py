"""Basedata for centres: the S, O, C and L files of a series and a bundle of them, published before its window opens and
again, under the next sequence number, whenever the catalogue says something new about it.

A version is in `basedata/<series>/<sequence number>/`, which every centre may read. Its bundle is written first and is
the version: the files beside it are made from it. So the next run finishes what a run that died has begun, and of two
runs at once only one publishes.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from attrs import frozen

from infra.store import Store, StoreError
from parsers import importers, writer
from parsers.bundle import read_bundle, write_bundle
from parsers.columns import columns
from parsers.envelope import Centre, Header
from parsers.findings import Found
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.steps import PUBLISHED
from rules.basedata import LAYOUTS, Frames, basedata, changes, placeholders
from rules.catalogue import LONDON, PLACEHOLDER, Catalogue, Series, day_text

log = logging.getLogger(__name__)

PLACE = "basedata/"
NOTE = "note.txt"
WIDTH = 96
LEAD = timedelta(days=28)
"""Ours: how long before its window opens the basedata of a series is published."""


class BasedataError(ValueError):
    """The catalogue cannot be written as basedata; the message says what is wrong."""


@frozen(kw_only=True)
class Published:
    """The published version after a run. `number` is its sequence number; `fresh` is False when it had been published
    before; `records` counts its records by file letter; `warnings`: what importers of schools would not take of it."""

    series: Series
    number: int
    records: Mapping[str, int]
    fresh: bool
    warnings: tuple[str, ...] = ()

    def note(self) -> str:
        """A line for the run's note and the log."""
        done = "published" if self.fresh else "is still the latest"
        said = f"Basedata {self.series.id} ({self.series.key}): version {self.number} {done}; {_counted(self.records)}."
        return said + "".join(f" Warning: {words}." for words in self.warnings)


@frozen(kw_only=True)
class Version:
    """A set of basedata: `produced` is its date, `frames` its records (`rules.basedata`)."""

    series: Series
    number: int
    produced: date
    frames: Frames

    @property
    def key(self) -> str:
        """The series key of files for many centres, `6B24_`."""
        return f"{self.series.key}_"

    @property
    def bundle(self) -> str:
        """The name of the bundle, the same for every version: `Z6B24_15.zip`."""
        return bundle_name(self.series)

    @property
    def records(self) -> dict[str, int]:
        return {letter: frame.height for letter, frame in self.frames.items()}

    def members(self) -> dict[str, bytes]:
        """The four files by name (`O6B24_15.X01`), in the order of loading; raises `ValueError` when a value does not
        fit its field."""
        return {
            f"{letter}{self.key}{self.series.awarding_body}.X{self.number % 100:02d}": self._file(letter)
            for letter in LAYOUTS
        }

    def _file(self, letter: str) -> bytes:
        header = Header(
            letter=letter, centre=self.key, awarding_body=self.series.awarding_body,
            series=self.series.key[:2], year=self.series.key[2:], distribution="B",
        )  # fmt: skip
        details = writer.details(letter, LAYOUTS[letter], self.frames[letter])
        part = Centre(number=self.key, sequence=self.number, produced=f"{self.produced:%d%m%y}", details=details)
        return writer.file(header, [part])


def bundle_name(series: Series) -> str:
    """`Z6B24_15.zip`."""
    return f"Z{series.key}_{series.awarding_body}.zip"


def read_version(series: Series, data: bytes) -> Version:
    """The set in a bundle of ours; raises `ValueError` when the bundle has any finding."""
    bundle = read_bundle(bundle_name(series), data)
    found = Found([member.named for member in bundle.members])
    frames = {}
    for index, member in enumerate(bundle.members):
        found.carry(index, member.findings)
        if member.type and member.layout:
            frames[member.type.letter] = columns([member], member.layout, found).records.drop("file", "line")
    wrong = [*bundle.findings, *(finding for index in range(len(bundle.members)) for finding in found.of(index))]
    if wrong:
        raise ValueError(f"{bundle.named} is not as it was written: {wrong[0].message}")
    part = bundle.members[0].centres[0]
    day, month, year = (int(part.produced[at : at + 2]) for at in (0, 2, 4))
    return Version(series=series, number=part.sequence, produced=date(2000 + year, month, day), frames=frames)


def written(version: Version) -> dict[str, bytes]:
    """The files of a version by name, its bundle last, read back as a check; raises `BasedataError`."""
    try:
        members = version.members()
        data = write_bundle([*members.items()])
        again = read_version(version.series, data)
    except ValueError as error:
        raise BasedataError(f"the catalogue does not fit the basedata of {version.series.title}: {error}") from error
    if not _same(again.frames, version.frames):
        raise BasedataError(f"the basedata of {version.series.title} does not say what the catalogue says")
    return members | {version.bundle: data}


def unlike(version: Version) -> tuple[str, ...]:
    """What importers of schools would not take of a set, in words."""
    return importers.in_words(importers.remarks(version.members()))


def _same(ours: Frames, other: Frames) -> bool:
    return all(ours[letter].equals(other[letter]) for letter in LAYOUTS)


def drawn_up(catalogue: Catalogue, series: Series, at: datetime, number: int = 1) -> Version:
    """The basedata of a series as the catalogue has it at `at` (aware)."""
    frames = basedata(catalogue, series, at)
    return Version(series=series, number=number, produced=at.astimezone(LONDON).date(), frames=frames)


def note(version: Version, before: Version | None, unpublished: Iterable[str]) -> Iterator[str]:
    """The lines of the note beside a version: what it holds, what it changes, and which values nobody published."""
    series, changed = version.series, list(changes(before.frames, version.frames)) if before else []
    replaced = f"version {before.number}: load all of it again" if before else "nothing: the first version"
    yield f"BASEDATA  {version.bundle}"
    yield f"  Series      {series.title} ({series.key}, awarding-body identifier {series.awarding_body})"
    yield f"  Version     {version.number}, produced {day_text(version.produced)}"
    yield f"  Replaces    {replaced}"
    yield f"  Records     {_counted(version.records)}"
    if before:
        yield ""
        yield f"CHANGES  {len(changed)}"
        yield from (f"  {line}" for line in changed)
    yield ""
    yield "NOT PUBLISHED BY THE AWARDING BODY, OUR STAND-INS"
    for part in (*unpublished, f"syllabus codes, exam type and level, codes for item and process{PLACEHOLDER}"):
        yield from textwrap.wrap(part, WIDTH, initial_indent="  ", subsequent_indent="    ")
    yield "  left open: gradesets and discount codes (blank), sessions (X) and lengths (000) of exams"


def _counted(records: Mapping[str, int]) -> str:
    return ", ".join(f"{letter} {count}" for letter, count in records.items())


# --- Published -------------------------------------------------------------------------------------------------------


def due(catalogue: Catalogue, now: datetime) -> list[Series]:
    """CAL-1: the series whose basedata is kept up to date at `now` (aware), including registration series: from `LEAD`
    before the window opens until centres have the results or, if there are none, until the window closes."""
    every = (
        catalogue.series_by_id(identifier)
        for identifier in sorted({milestone.series for milestone in catalogue.milestones})
    )
    return [series for series in every if series and _is_due(catalogue, series, now)]


def _is_due(catalogue: Catalogue, series: Series, now: datetime) -> bool:
    opens = catalogue.milestone(series, "window_opens", now)
    closes = catalogue.milestone(series, "window_closes", now)
    last = catalogue.milestone(series, "results_to_centres", now) or closes
    return opens is not None and last is not None and opens.at - LEAD <= now < last.at


def publish_due(desk: Desk, now: datetime) -> list[Published]:
    """`publish_basedata` for every series that is due at `now` (aware)."""
    return [publish_basedata(desk, series, now) for series in due(desk.catalogue, now)]


@journaled
def publish_basedata(desk: Desk, series: Series, now: datetime) -> Published:
    """CAL-2, CAL-4: publishes the basedata of `series` as the catalogue has it at `now` (aware), unless the latest
    version says the same: the files, the bundle and `note.txt`. A version is never overwritten.

    Raises `StoreError` when a published version can no longer be read, `BasedataError` when the catalogue cannot be
    written as basedata.
    """
    while True:
        last = max(_numbers(desk.store, series), default=0)
        before = _finished(desk, series, last, now) if last else None
        wanted = drawn_up(desk.catalogue, series, now, last + 1)
        if before and _same(before.frames, wanted.frames):
            return Published(series=series, number=last, records=before.records, fresh=False)
        data = written(wanted)[wanted.bundle]
        # If another run was faster, the next round looks at its version.
        if desk.store.put_if_absent(_bundle_key(series, wanted.number), data):
            PUBLISHED.passed()
            _finished(desk, series, wanted.number, now)
            warnings = unlike(wanted)
            done = Published(series=series, number=wanted.number, records=wanted.records, fresh=True, warnings=warnings)
            log.info("%s", done.note())
            return done


def _folder(series: Series, number: int) -> str:
    return f"{PLACE}{series.id}/{number}/"


def _bundle_key(series: Series, number: int) -> str:
    return f"{_folder(series, number)}{bundle_name(series)}"


def _numbers(store: Store, series: Series) -> Iterator[int]:
    """The published versions: those with a bundle."""
    for stored in store.list(f"{PLACE}{series.id}/"):
        number, _, name = stored.key.removeprefix(f"{PLACE}{series.id}/").partition("/")
        if number.isdecimal() and name == bundle_name(series):
            yield int(number)


def _published(store: Store, series: Series, number: int) -> Version:
    key = _bundle_key(series, number)
    try:
        return read_version(series, store.get(key))
    except ValueError as error:
        raise StoreError(f"{key}: {error}; find out who changed it, and put the file back") from error


def _finished(desk: Desk, series: Series, number: int, now: datetime) -> Version:
    """A published version; writes the files beside its bundle that are still missing."""
    version, folder = _published(desk.store, series, number), _folder(series, number)
    there = {stored.key for stored in desk.store.list(folder)}
    for name, data in version.members().items():
        if f"{folder}{name}" not in there:
            desk.store.put_if_absent(f"{folder}{name}", data)
            PUBLISHED.passed()
    if f"{folder}{NOTE}" not in there:
        before = _published(desk.store, series, number - 1) if number > 1 else None
        lines = note(version, before, placeholders(desk.catalogue, series, now))
        desk.store.put_if_absent(f"{folder}{NOTE}", "".join(f"{line}\n" for line in lines).encode())
        PUBLISHED.passed()
    return version
