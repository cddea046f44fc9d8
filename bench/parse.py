"""Parser throughput beside its floor and a peer, in one run: `make bench`.

(a) a bare loop over the lines, (b) Polars slicing the same columns and option slots without a single check, (c) this
library: order, envelope, typed and checked columns. Each measurement runs in a process of its own, so that peak
memory is its own.
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
from collections.abc import Callable
from pathlib import Path

import polars as pl

from fixtures.generate import entry_file
from parsers.fields import candidates
from parsers.findings import Found
from parsers.layouts import CANDIDATE
from parsers.reader import read
from parsers.writer import Envelope

RECORDS = 100_000
ROUNDS = 7
OPTIONS = ("BEN01", "BEN02", "BEN03", "BEN99")
FILE = "E6412315.X01"


def lines(data: bytes) -> int:
    count = 0
    for line in io.BytesIO(data):
        if line[1:2] == b"5":
            count += 1
    return count


def sliced(data: bytes) -> int:
    records = [line for line in data.decode("ascii").split("\r\n") if line[1:2] == "5"]
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


def checked(data: bytes) -> int:
    submission = read(FILE, data)
    found = Found([FILE])
    result = candidates([submission], found)
    assert not submission.findings
    assert not found.of(0)
    assert result.options.height == result.records.height * len(OPTIONS)
    return result.records.height


WAYS: dict[str, tuple[str, Callable[[bytes], int]]] = {
    "lines": ("(a) bare loop over the lines", lines),
    "sliced": ("(b) Polars slices, no checks", sliced),
    "checked": ("(c) Resultsday, checked columns", checked),
}


def measure(way: str, path: Path) -> None:
    """Prints best and median seconds and what the work added to the peak memory, in bytes."""
    data = path.read_bytes()
    work = WAYS[way][1]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert work(data) == RECORDS
        seconds.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(min(seconds), statistics.median(seconds), (peak - before) * 1024)


def main() -> None:
    """Measures every way and prints the table."""
    envelope = Envelope(
        letter="E", centre="64123", awarding_body="15", series_key="6B24", sequence=1, produced="150224"
    )
    data = entry_file(envelope, RECORDS, OPTIONS, seed=1)
    print(f"{RECORDS:,} E5 records, {len(data) / 1e6:.1f} MB, {ROUNDS} rounds")
    print(
        f"Python {platform.python_version()}, Polars {pl.__version__}, {os.cpu_count()} cores, {platform.machine()}\n"
    )
    print(f"{'':34}{'records/s':>12}{'median':>12}{'MB/s':>8}{'x (a)':>8}{'x (b)':>8}{'added MiB':>11}")
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        path.write_bytes(data)
        for way, (title, _) in WAYS.items():
            run = [sys.executable, "-m", "bench.parse", way, str(path)]
            result = subprocess.run(run, check=True, capture_output=True, text=True)
            least, median, peak = (float(word) for word in result.stdout.split())
            best[way] = least
            to_a = best["lines"] / least
            to_b = f"{best['sliced'] / least:8.2f}" if "sliced" in best else f"{'':8}"
            rate = f"{RECORDS / least:12,.0f}{RECORDS / median:12,.0f}{len(data) / 1e6 / least:8.0f}"
            print(f"{title:34}{rate}{to_a:8.2f}{to_b}{peak / 2**20:11.0f}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], Path(sys.argv[2]))
    else:
        main()
