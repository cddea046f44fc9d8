"""Parser throughput beside its floor and its peers, in one run: `make bench`.

(a) a bare loop over the lines, (b) Polars slicing the same columns and option slots without a single check, (c) this
library: order, envelope, typed and checked columns, (d) slices to objects, (e) Lark, (f) pandas, (g) parsers of the
formats most like these, (h) this library's writer. Each measurement is a process of its own (`bench.measure`).
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl
from attrs import frozen

from bench.data import ENVELOPE, write

TITLES = {
    "lines": "(a) bare loop over the lines",
    "sliced": "(b) Polars slices, no checks",
    "objects": "(d) slices to attrs objects",
    "tokens": "(e) Lark, a token a record",
    "fixed_width": "(f) pandas.read_fwf",
    "edifact": "(g) pydifact, segments",
    "x12": "(g) pyx12 reader, segments",
    "x12_valid": "(g) pyx12 validating, segments",
    "checked": "(c) Resultsday, checked columns",
    "apart": "(c) ... every file by itself",
    "written": "(h) Resultsday writes the file",
}
"""Every way in the order of the rows: (c) and (h) last, when all they are compared with has been measured."""

ROUNDS = {
    "objects": (5, 2),
    "tokens": (3, 1),
    "fixed_width": (3, 1),
    "edifact": (2, 1),
    "x12": (3, 1),
    "x12_valid": (1, 1),
    "apart": (3, 2),
}
"""Rounds at up to 100,000 records and above; (5, 3) for the ways that are not here."""

SEGMENTS = {"edifact": 100_000, "x12": 100_000, "x12_valid": 2_400}
"""Most segments of the peers of (g) over many small files. The tables of one file share one measurement."""

APART = 12_000
"""So many records of the small files are checked file by file."""


@frozen
class Table:
    """`files` files of `details` detail records; `ways` beyond those of every table."""

    letter: str
    files: int
    details: int
    more: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        return self.files * self.details


# A large file has its round number of lines, the envelope included.
TABLES = (
    Table("E", 1, 100_000 - ENVELOPE),
    Table("E", 1, 1_000_000 - ENVELOPE),
    Table("R", 1, 100_000 - ENVELOPE),
    Table("R", 1, 1_000_000 - ENVELOPE, ("written",)),
    Table("E", 3_000, 120, ("apart",)),
)


@frozen
class Measured:
    """Records a round, bytes read or written, best and median seconds, bytes added to the memory at its peak."""

    records: int
    size: int
    best: float
    median: float
    peak: int

    @property
    def rate(self) -> float:
        """Records a second in the best round."""
        return self.records / self.best


Rows = dict[str, Measured]
"""What a table has measured, by way."""


def measured(way: str, folder: str, rounds: int, most: int) -> Measured:
    """One measurement over at most `most` records."""
    # -W ignore: pydifact warns of every service segment it has no description of.
    run = [sys.executable, "-W", "ignore", "-m", "bench.measure", way, folder, str(rounds), str(most)]
    words = subprocess.run(run, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    return Measured(int(words[0]), int(words[1]), float(words[2]), float(words[3]), int(words[4]))


def compare(table: Table, shared: Rows) -> Rows:
    """Measures and prints one table, a line as each is made. `shared` are the peers' rates on one file."""
    rows: Rows = {}
    with tempfile.TemporaryDirectory() as folder:
        total = write(Path(folder), table.letter, table.files, table.details)
        files = f"{table.files:,} files" if table.files > 1 else "one file"
        print(f"\n{table.letter}5: {table.records:,} records in {files}, {total / 1e6:.1f} MB")
        print(
            f"{'':32}{'records/s':>12}{'median':>12}{'MB/s':>8}{'peak MiB':>10}{'x bytes':>9}"
            f"{'x (a)':>8}{'x (b)':>8}{'x (d)':>8}{'x (g)':>8}"
        )
        for way in TITLES:
            if way in ("apart", "written") and way not in table.more:
                continue
            borrowed = table.files == 1 and way in shared
            result = shared[way] if borrowed else _run(way, table, folder)
            rows[way] = result
            if table.files == 1 and way in SEGMENTS:
                shared[way] = result
            print(_line(way, rows, table, borrowed), flush=True)
    return rows


def _run(way: str, table: Table, folder: str) -> Measured:
    rounds = ROUNDS.get(way, (5, 3))[table.records > 100_000]
    most = table.records
    if table.files > 1:
        most = {**SEGMENTS, "apart": APART}.get(way, most)
    return measured(way, folder, rounds, most)


def _line(way: str, rows: Rows, table: Table, borrowed: bool) -> str:
    row = rows[way]
    ratios = "".join(
        f"{row.rate / rows[base].rate:8.{3 if base == 'lines' else 2}f}" if base in rows else f"{'':8}"
        for base in ("lines", "sliced", "objects", "edifact")
    )
    note = f"  on {row.records:,}" if abs(row.records / table.records - 1) > 0.01 else ""
    if borrowed:
        note = f"  on {row.records:,}, as above"
    return (
        f"{TITLES[way]:32}{row.rate:12,.0f}{row.records / row.median:12,.0f}{row.size / row.best / 1e6:8.0f}"
        f"{row.peak / 2**20:10.0f}{row.peak / row.size:9.2f}{ratios}{note}"
    )


def goals(tables: list[tuple[Table, Rows]]) -> None:
    """Prints every goal with what was measured, table by table."""
    print("\nGoals (best rounds; memory added at the peak, beside the input itself)")
    for table, rows in tables:
        place = f"{table.letter}5, {table.records:,} in {table.files:,} file{'s' * (table.files > 1)}"
        own = rows["checked"]
        for base, least in (("sliced", 0.7), ("objects", 3.0), ("edifact", 30.0)):
            value = own.rate / rows[base].rate
            _goal(place, f"(c) at least {least:g} x {TITLES[base][:3]}", value, reached=value >= least)
        _goal(place, "(c) peak at most 6 x the input", own.peak / own.size, reached=own.peak <= 6 * own.size)
        if "written" in rows:
            rate = rows["written"].rate
            _goal(place, "(h) at least 500,000 records/s", rate, reached=rate >= 500_000)


def _goal(place: str, goal: str, value: float, *, reached: bool) -> None:
    told = f"{value:,.2f}" if value < 1_000 else f"{value:,.0f}"
    print(f"{place:32}{goal:34}{told:>14}  {'reached' if reached else 'NOT reached'}")


def machine() -> str:
    """The processor by name, as far as the system tells."""
    told = Path("/proc/cpuinfo")
    if not told.exists():
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in told.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Measures every table and prints the goals."""
    began = time.perf_counter()
    print(f"Python {platform.python_version()}, Polars {pl.__version__}, {os.cpu_count()} cores, {machine()}")
    shared: Rows = {}
    goals([(table, compare(table, shared)) for table in TABLES])
    print(f"\n{time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
