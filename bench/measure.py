"""One measurement in a process of its own, so that its peak memory is its own: `python -m bench.measure ...`."""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from attrs import frozen

from bench import peers, ways
from bench.data import details_in
from bench.ways import Files

Prepared = TypeVar("Prepared")


@frozen
class Job:
    """What is timed: `work` returns records, `size` is the bytes it reads (the writer: writes)."""

    work: Callable[[], int]
    size: int


Start = Callable[[Files], Job]


def _elsewhere(prepare: Callable[[Files], Prepared], held: Files) -> Prepared:
    """What `prepare` makes of the files, made in another process: memory it frees here would be used again by the work
    and so be missing from what that adds."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(prepare, held).result()


def _reading(work: Callable[[Files], int], prepare: Callable[[Files], Files] | None = None) -> Start:
    def start(held: Files) -> Job:
        prepared = _elsewhere(prepare, held) if prepare else held
        return Job(lambda: work(prepared), sum(len(data) for _, data in prepared))

    return start


def _writing(held: Files) -> Job:
    """The writer, from the columns of the one R file there is back to exactly its bytes."""
    [(_, data)] = held
    columns = _elsewhere(ways.result_columns, held)

    def work() -> int:
        assert ways.written(columns) == data
        return columns.height

    return Job(work, len(data))


WAYS: dict[str, Start] = {
    "lines": _reading(ways.lines),
    "sliced": _reading(ways.sliced),
    "checked": _reading(ways.checked),
    "apart": _reading(ways.apart),
    "objects": _reading(peers.objects),
    "tokens": _reading(peers.tokens),
    "fixed_width": _reading(peers.fixed_width),
    "edifact": _reading(peers.edifact, peers.edifact_files),
    "x12": _reading(peers.x12, peers.x12_files),
    "x12_valid": _reading(peers.x12_valid, peers.x12_files),
    "written": _writing,
}


def memory(name: str) -> int:
    """`VmRSS` (now) or `VmHWM` (peak) of this process in bytes.

    Not `ru_maxrss` where there is a choice: Linux carries that over from the parent, who has built the files.
    """
    status = Path("/proc/self/status")
    if status.exists():
        words = next(line for line in status.read_text().splitlines() if line.startswith(name)).split()
        return int(words[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _held(folder: Path, most: int) -> Iterator[tuple[str, bytes]]:
    """The files of `folder` by name, as many as hold `most` detail records together."""
    count = 0
    for path in sorted(folder.iterdir()):
        if count >= most:
            return
        data = path.read_bytes()
        count += details_in(data)
        yield path.name, data


def main(way: str, folder: Path, rounds: int, most: int) -> None:
    """Prints records a round, bytes, best and median seconds, and the bytes the first round added to the memory at its
    peak (the first, because ways run for different numbers of rounds)."""
    job = WAYS[way](list(_held(folder, most)))
    before = memory("VmRSS")
    seconds: list[float] = []
    peak = 0
    for _ in range(rounds):
        began = time.perf_counter()
        records = job.work()
        seconds.append(time.perf_counter() - began)
        peak = peak or max(memory("VmHWM") - before, 1)
    print(records, job.size, min(seconds), statistics.median(seconds), peak)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
