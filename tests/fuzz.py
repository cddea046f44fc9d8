"""Breaks files in every way it can think of and reads them: `python -m tests.fuzz --seconds 20 --seed 1`.

What makes the reader raise, or say something that cannot be, is made smaller and kept in `tests/crashers`, where a test
reads it ever after.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from math import inf
from pathlib import Path
from random import Random
from urllib.parse import quote, unquote

import psutil
from attrs import define, field
from hypothesis import HealthCheck, Phase, given, seed, settings

from parsers.bundle import is_bundle, read_bundle, write_bundle
from parsers.columns import columns
from parsers.findings import CODES, LISTED, Finding, Found, Reach
from parsers.importers import BASEDATA, remarks
from parsers.layouts import Layout
from parsers.lines import lines_of
from parsers.mend import ABOUT_THE_NAME, mended
from parsers.reader import glance, read
from tests.parsers.strategies import canonical, mutate
from tests.support import name_of

CRASHERS = Path(__file__).parent / "crashers"
FIXTURES = Path(__file__).parents[1] / "fixtures"
MEMORY = 1 << 30
"""Bytes of address space by which the process may grow; more is a crash."""

Named = tuple[str, bytes]
"""A file: its name on arrival, and its bytes."""


# --- What must always be so ------------------------------------------------------------------------------------------


def findings_of(named: str, data: bytes) -> tuple[Layout | None, tuple[Finding, ...]]:
    """The layout of a file's records, and all that the reader and the columns find in it; of a zip archive, all that is
    found in the bundle itself."""
    if is_bundle(data):
        return None, read_bundle(named, data).findings
    submission = read(named, data)
    found = Found([named])
    found.carry(0, submission.findings)
    if submission.layout:
        columns([submission], submission.layout, found)
    return submission.layout, found.of(0)


def sound(named: str, data: bytes, *, twice: bool = True) -> tuple[Finding, ...]:
    """Reads a file all the way and gives its findings.

    Raises `AssertionError` when one is not printable or lies outside of its line, when there are too many of them, or
    when the same bytes get other findings the second time.
    """
    glance(data[:1024])
    layout, findings = findings_of(named, data)
    if twice:
        assert (layout, findings) == findings_of(named, data), "other findings the second time"
    _can_be_mended(named, data)
    if named[:1].upper() in ("R", *BASEDATA):
        remarks({named: data})
    lines = lines_of(data)
    if any(one.code == "TABS_READ" for one in findings):
        lines = [line.expandtabs(8) for line in lines]
    for lost in (one for one in findings if one.code == "LINE_ENDS_LOST"):
        # Records that stood in one line count as lines of their own: each has its place somewhere in the longest.
        told = [int(number.replace(",", "")) for number in re.findall("[0-9][0-9,]*", lost.value or "")]
        lines = [max(lines, key=len)] * max(len(lines), *told, 1)
    for one in findings:
        assert all(text.isprintable() for text in (one.message, one.expected, one.remedy, one.value or "")), one
        if one.line is None:
            assert one.columns is None, one
            continue
        assert 1 <= one.line <= len(lines), one
        if one.columns:
            first, last = one.columns
            assert 1 <= first <= last <= max(len(lines[one.line - 1]), layout.width if layout else 0) + 1, one
    for code, count in Counter(one.code for one in findings).items():
        assert count <= (len(CODES) if code == "MORE_OF_THE_SAME" else LISTED + 1), code
    return findings


def _can_be_mended(named: str, data: bytes) -> None:
    """What is mended is canonical, and has nothing left to mend."""
    if is_bundle(data):
        return
    now = mended(read(named, data))
    if now is not None:
        again = read(named, now)
        assert {one.code for one in again.findings if one.reach is Reach.FILE} <= ABOUT_THE_NAME, again.findings
        assert mended(again) == now, "mended twice, it is another file"


# --- What it begins with, and what it keeps --------------------------------------------------------------------------


def corpus(number: int) -> list[Named]:
    """Samples, fixtures, kept crashers, and files from the strategies."""
    paths = [*sorted(FIXTURES.glob("samples/**/*.X*")), *sorted(FIXTURES.glob("findings/*/*"))]
    held = [(path.name, path.read_bytes()) for path in paths if path.name != "findings.txt"]
    held += crashers()
    held.append(("Z6B24_15.ZIP", write_bundle([("S6B24_15.X01", b"S1"), ("O6B24_15.X01", b"O1")])))

    @seed(number)
    @settings(max_examples=80, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(canonical())
    def draw(data: bytes) -> None:
        held.append((name_of(data), data))

    draw()
    return held


def crashers() -> Iterator[Named]:
    """The kept ones."""
    for path in sorted(CRASHERS.glob("*-*")):
        yield unquote(path.name.partition("-")[2]), path.read_bytes()


def keep(named: str, data: bytes) -> Path:
    """Writes a crasher into its folder."""
    path = CRASHERS / f"{hashlib.sha256(data).hexdigest()[:12]}-{quote(named, safe=' ()')}"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def crash_of(named: str, data: bytes) -> tuple[str, str]:
    """The exception that a file raises and the line of code it comes from; two empty texts for none."""
    try:
        sound(named, data)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        return type(error).__name__, f"{Path(frame.filename).name}:{frame.lineno}"
    return "", ""


def smaller(named: str, data: bytes) -> bytes:
    """A file with fewer lines that crashes at the same place."""
    crash = crash_of(named, data)
    lines = data.splitlines(keepends=True)
    size = len(lines) // 2
    while size:
        for start in range(0, len(lines), size):
            fewer = lines[:start] + lines[start + size :]
            if crash_of(named, b"".join(fewer)) == crash:
                lines = fewer
                break
        else:
            size //= 2
    return b"".join(lines)


# --- The loop --------------------------------------------------------------------------------------------------------


@define
class Fuzz:
    """One run. What makes findings of a new mixture of codes is broken further."""

    held: list[Named]
    chance: Random
    executions: int = 0
    crashes: dict[tuple[str, str], Path] = field(factory=dict)
    mixtures: set[frozenset[str]] = field(factory=set)

    @property
    def codes(self) -> frozenset[str]:
        return frozenset().union(*self.mixtures)

    def once(self) -> None:
        """One file broken and read."""
        named, data = self.chance.choice(self.held)
        if self.chance.random() < 0.05:
            named = self.chance.choice((*_ODD_NAMES, self.chance.choice(self.held)[0]))
        pool = [self.chance.choice(self.held)[1] for _ in range(2)]
        self.take(named, mutate(data, pool, self.chance))

    def take(self, named: str, data: bytes) -> None:
        """Reads a file; keeps it when it crashes, remembers it when it is like none before."""
        self.executions += 1
        try:
            twice = self.executions % 8 == 0
            mixture = frozenset(one.code for one in sound(named, data, twice=twice))
        except Exception:
            crash = crash_of(named, data)
            if crash not in self.crashes:
                traceback.print_exc()
                self.crashes[crash] = keep(named, smaller(named, data))
            return
        if mixture not in self.mixtures and len(data) < _LARGE:
            self.mixtures.add(mixture)
            self.held.append((named, data))


_ODD_NAMES = ("report.pdf", "E6412315 (1).X01", "X6412315.X01", "S6B24_15.X01", "Z6B24_15.ZIP", "\x1b[2J", "")
_LARGE = 20_000


def run(seconds: float, number: int, most: float = inf) -> int:
    """Breaks files for so many seconds, so many at the `most`, or until interrupted; the exit code is 1 when one
    crashed."""
    fuzz = Fuzz(corpus(number), Random(number))
    for one in list(fuzz.held):
        fuzz.take(*one)
    memory = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, resource.getrlimit(resource.RLIMIT_AS)[1]))
    start = shown = time.monotonic()
    now, before = start, fuzz.executions
    with suppress(KeyboardInterrupt):
        while now - start < seconds and fuzz.executions - before < most:
            fuzz.once()
            now = time.monotonic()
            if sys.stderr.isatty() and now - shown > 1:
                shown = now
                print(f"\r{_summary(fuzz, before, now - start)} ", end="", file=sys.stderr, flush=True)
    print(f"{chr(13) if sys.stderr.isatty() else ''}{_summary(fuzz, before, now - start)}")
    for (error, place), path in fuzz.crashes.items():
        print(f"  {error} at {place}: tests/crashers/{path.name}")
    return 1 if fuzz.crashes else 0


def _summary(fuzz: Fuzz, before: int, seconds: float) -> str:
    rate = (fuzz.executions - before) / max(seconds, 0.001)
    return (
        f"fuzz: {fuzz.executions:,} executions, {rate:,.0f}/s, {len(fuzz.crashes)} crashes, "
        f"{len(fuzz.codes)} finding codes seen"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--seed", type=int, default=1, help="of all chance (default: 1)")
    parser.add_argument("--files", type=float, default=inf, help="how many at the most (default: as many as it can)")
    arguments = parser.parse_args()
    sys.exit(run(arguments.seconds, arguments.seed, arguments.files))
