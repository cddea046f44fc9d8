"""Parser throughput beside its floor and a peer, in one run: `make bench`.

(a) a bare loop over the lines, (b) Polars slicing the same columns and option slots without a single check, (c) this
library: order, envelope, typed and checked columns. Once with all records in one file, once in files of the size
centres send; there also (c) with every file checked by itself, which shows what a file costs whatever it holds. Each
measurement runs in a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import io
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from fixtures.generate import entry_file
from parsers.fields import candidates
from parsers.findings import Found
from parsers.layouts import CANDIDATE
from parsers.reader import read
from parsers.writer import Envelope

RECORDS = 100_000
SMALL = 120
"""Candidates in a file of the usual size."""
APART = 84
"""So many small files are checked one by one: about a tenth of them, to keep the run short."""
ROUNDS = 5
OPTIONS = ("BEN01", "BEN02", "BEN03", "BEN99")

Files = Sequence[tuple[str, bytes]]
"""Files as name and bytes."""


def lines(held: Files) -> int:
    count = 0
    for _, data in held:
        for line in io.BytesIO(data):
            if line[1:2] == b"5":
                count += 1
    return count


def sliced(held: Files) -> int:
    records = [line for _, data in held for line in data.decode("ascii").split("\r\n") if line[1:2] == "5"]
    frame = pl.DataFrame({"record": records})
    record = pl.col("record")
    fields = [one for one in CANDIDATE.fields if not one.name.startswith(("option_", "suffix_"))]
    frame = frame.with_columns(
        record.str.slice(one.first - 1, one.width).str.strip_chars_end(" ").alias(one.name) for one in fields
    )
    slots = [
        frame.select(
            "candidate", record.str.slice(one.first - 1, one.width).str.strip_chars(" ").alias("option")
        ).filter(pl.col("option") != "")
        for one in CANDIDATE.fields
        if one.name.startswith("option_")
    ]
    assert pl.concat(slots).height == len(records) * len(OPTIONS)
    return len(records)


def checked(held: Files) -> int:
    submissions = [read(named, data) for named, data in held]
    found = Found([one.named for one in submissions])
    result = candidates(submissions, found)
    assert not any(one.findings for one in submissions)
    assert not any(found.of(file) for file in range(len(submissions)))
    assert result.options.height == result.records.height * len(OPTIONS)
    return result.records.height


def apart(held: Files) -> int:
    return sum(checked([one]) for one in held[:APART])


WAYS: dict[str, tuple[str, Callable[[Files], int]]] = {
    "lines": ("(a) bare loop over the lines", lines),
    "sliced": ("(b) Polars slices, no checks", sliced),
    "checked": ("(c) Resultsday, checked columns", checked),
    "apart": ("(c) ... every file by itself", apart),
}


def measure(way: str, folder: Path) -> None:
    """Prints records a round, best and median seconds, and what the work added to the peak memory, in bytes."""
    held = [(path.name, path.read_bytes()) for path in sorted(folder.iterdir())]
    work = WAYS[way][1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        records = work(held)
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(records, min(seconds), statistics.median(seconds), (peak - before) * 1024)


def write(folder: Path, size: int) -> int:
    """Writes `RECORDS` records in files of at most `size` candidates, a centre each; returns their bytes."""
    total = 0
    for number, start in enumerate(range(0, RECORDS, size)):
        envelope = Envelope(
            letter="E", centre=f"{64123 + number}", awarding_body="15", series_key="6B24", sequence=1, produced="150224"
        )
        data = entry_file(envelope, min(size, RECORDS - start), OPTIONS, seed=number)
        total += (folder / f"E{envelope.centre}15.X01").write_bytes(data)
    return total


def compare(size: int, ways: Sequence[str]) -> None:
    """Measures `ways` over files of `size` candidates and prints a line for each."""
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        total = write(Path(folder), size)
        count = -(-RECORDS // size)
        title = f"{count:,} file{'s' * (count > 1)} of {size:,}: {total / 1e6:.1f} MB"
        print(f"\n{title:34}{'records/s':>12}{'median':>12}{'MB/s':>8}{'x (a)':>8}{'x (b)':>8}{'added MiB':>11}")
        for way in ways:
            run = [sys.executable, "-m", "bench.parse", way, folder]
            result = subprocess.run(run, check=True, capture_output=True, text=True)
            records, least, median, peak = (float(word) for word in result.stdout.split())
            best[way] = rate = records / least
            to_b = f"{rate / best['sliced']:8.2f}" if "sliced" in best else f"{'':8}"
            rates = f"{rate:12,.0f}{records / median:12,.0f}{rate * total / RECORDS / 1e6:8.0f}"
            print(f"{WAYS[way][0]:34}{rates}{rate / best['lines']:8.3f}{to_b}{peak / 2**20:11.0f}")


def machine() -> str:
    """The processor by name, as far as the system tells."""
    told = Path("/proc/cpuinfo")
    if not told.exists():
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in told.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()


def main() -> None:
    """Measures every way and prints the tables."""
    print(f"{RECORDS:,} E5 records, best and median of {ROUNDS} rounds")
    print(f"Python {platform.python_version()}, Polars {pl.__version__}, {os.cpu_count()} cores, {machine()}")
    compare(RECORDS, ["lines", "sliced", "checked"])
    compare(SMALL, list(WAYS))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
