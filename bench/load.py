"""The ingest under load: `python -m bench.load`, each measurement in a process of its own, so that its peak is its own.

Ten thousand files at once, a few hundred of them broken; one large file, of many centres or of one candidate number;
uploads a byte at a time; a national series beside a tenth of it. `--full` compares ten national series with one.
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import polars as pl
import sqlalchemy as sa
from attrs import evolve, frozen

from bench import national
from bench.desks import New, new_desk, temporary_server
from bench.measure import memory
from fixtures.generate import people
from infra.ledger.tables import replies, submissions
from infra.settings import Settings
from parsers import writer
from parsers.envelope import Centre, Header
from parsers.layouts import MARK
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest

T = TypeVar("T")

LANDED = datetime(2024, 2, 15, 12, tzinfo=UTC)
NOW = LANDED + timedelta(hours=1)
SERIES = {"series_key": "6B24", "awarding_body": "15", "produced": "150224"}
REGISTRATION = {"series_key": "9B23", "awarding_body": "13", "produced": "150224"}
OPTIONS = ("BEN01", "BEN02", "BEN03", "BEN99")

FILES = 10_000
BROKEN = 400
CANDIDATES = 20
"""In each file."""
RECORDS, CENTRES = 200_000, 2_000
"""In the one file of many centres."""
SETTLE = 10
"""Seconds."""


def apart(work: Callable[..., T], *words: object) -> T:
    """What `work` returns, done in a new process: its peak memory is its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *words).result()


# --- Ten thousand files at once --------------------------------------------------------------------------------------


@frozen
class Flood:
    """Files that were dropped at once and how they were answered.

    `answered` have exactly one reply, `left` still lie in the inbox. `first` and `seconds`: to the first reply and to
    the last; `stages`: by stage. `peak`: bytes of memory of the process, `before` without the work.
    """

    files: int
    broken: int
    size: int
    answered: int
    left: int
    outcomes: Mapping[str, int]
    seconds: float
    first: float
    before: int
    peak: int
    stages: Mapping[str, float]


def _cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _shifted(data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    lines[2] = lines[2][:72] + lines[2][85:]
    return b"\r\n".join(lines)


def _one_lost(data: bytes) -> bytes:
    lines = data.split(b"\r\n")
    return b"\r\n".join(lines[:3] + lines[4:])


def _wide(data: bytes) -> bytes:
    return data.decode("ascii").encode("utf-16")


def _joined(data: bytes) -> bytes:
    return data + data


def _nothing(_: bytes) -> bytes:
    return b""


def _noise(data: bytes) -> bytes:
    return bytes((byte * 167 + 13) % 256 for byte in data)


MISHAPS: tuple[Callable[[bytes], bytes], ...] = (_cut, _shifted, _one_lost, _wide, _joined, _nothing, _noise)
"""What is done to broken files, in turn."""


def centre_files(centre: str, learners: Sequence[Mapping[str, str]]) -> Iterator[tuple[str, bytes]]:
    """The four files of a centre by name: registrations, entries, an amendment and marks."""

    def entered(letter: str, options: tuple[str, ...]) -> bytes:
        return writer.block(
            line for learner in learners for line in writer.candidate_records(letter, centre, learner, options)
        )

    marks = [
        {"centre": centre, "candidate": learner["candidate"], "uci": learner["uci"], "component": part, "mark": 30}
        for learner in learners
        for part in OPTIONS[:2]
    ]
    registered, first, second = entered("E", ("BEN22",)), entered("E", OPTIONS), entered("A", OPTIONS[:3])
    sheet = writer.details("M", MARK, pl.DataFrame(marks))
    yield f"E{centre}13.X01", writer.single("E", centre, registered, sequence=1, **REGISTRATION)
    yield f"E{centre}15.X01", writer.single("E", centre, first, sequence=1, **SERIES)
    yield f"A{centre}15.X02", writer.single("A", centre, second, sequence=2, **SERIES)
    yield f"M{centre}15.X01", writer.single("M", centre, sheet, sequence=1, **SERIES)


def drop(inbox: Path, files: int, broken: int) -> int:
    """Drops so many files, four a centre, of which `broken`, evenly spread, are broken; returns their bytes."""
    mishaps = itertools.cycle(MISHAPS)
    size = 0
    for number in range(-(-files // 4)):
        centre = f"{10_000 + number}"
        (inbox / centre).mkdir(parents=True)
        # Among so many learners, made-up ULNs would coincide by chance.
        learners = [learner | {"uln": ""} for learner in people(centre, CANDIDATES, seed=number)]
        for part, (name, data) in enumerate(centre_files(centre, learners)):
            place = number * 4 + part
            if place >= files:
                break
            if (place + 1) * broken // files > place * broken // files:
                data = next(mishaps)(data)
            _land(inbox / centre / name, data, LANDED)
            size += len(data)
    return size


def _land(path: Path, data: bytes, at: datetime) -> None:
    path.write_bytes(data)
    os.utime(path, (at.timestamp(), at.timestamp()))


def flood(settings: Settings, files: int, broken: int, size: int) -> Flood:
    """Takes what `drop` has dropped."""
    store = Path(settings.store_location)
    with open_desk(settings) as desk:
        before, began, clock = memory("VmRSS"), time.perf_counter(), time.time()
        summary = ingest(desk, NOW)
        seconds = time.perf_counter() - began
        peak = memory("VmHWM")
        names = [path for path in (store / "outbox").rglob("X*") if path.suffix != ".json"]
        twins = [path.with_name(f"{path.name}.json") for path in names]
        decided = [path for path in twins if path.exists()]
        return Flood(
            files=files,
            broken=broken,
            size=size,
            answered=min(len(decided), _replies(desk)) if len(names) == len(decided) else -1,
            left=sum(path.is_file() for path in (store / "inbox").rglob("*")),
            outcomes=dict(summary.outcomes),
            seconds=seconds,
            first=min((path.stat().st_mtime for path in decided), default=clock) - clock,
            before=before,
            peak=peak,
            stages=dict(summary.stages),
        )


def _replies(desk: Desk) -> int:
    """Submissions that have one published reply; all of them, or something is wrong."""
    with desk.ledger.engine.connect() as connection:
        every = connection.execute(sa.select(sa.func.count()).select_from(submissions)).scalar_one()
        query = sa.select(sa.func.count(sa.distinct(replies.c.submission_id)), sa.func.count())
        answered, written = connection.execute(query.select_from(replies)).one()
    return int(every) if every == answered == written else -1


# --- One large file --------------------------------------------------------------------------------------------------


@frozen
class Giant:
    """A large file and its answer; `peak` is bytes of the process, `before` without the work."""

    title: str
    size: int
    outcome: str
    codes: Mapping[str, int]
    replies: int
    seconds: float
    before: int
    peak: int


def giant_file(records: int, centres: int) -> bytes:
    """An entry file of distribution `M`: this many records, spread evenly over the centres, each numbered from 0001."""
    parts = []
    for number in range(centres):
        centre = f"{10_000 + number}"
        share = (number + 1) * records // centres - number * records // centres
        details = writer.block(
            line
            for learner in people(centre, share, seed=number)
            for line in writer.candidate_records("E", centre, learner, OPTIONS)
        )
        parts.append(Centre(number=centre, sequence=1, postcode="", produced="150224", details=details))
    header = Header(letter="E", centre="6B24_", awarding_body="15", series="6B", year="24", distribution="M")
    return writer.file(header, parts)


def crowd_file(records: int) -> bytes:
    """An entry file of one centre, whose candidates all have the number 0001."""
    details = writer.block(
        line
        for learner in people("10000", records, seed=1)
        for line in writer.candidate_records("E", "10000", learner | {"candidate": "0001"}, OPTIONS)
    )
    return writer.single("E", "10000", details, sequence=1, **SERIES)


def giant(settings: Settings, title: str, size: int) -> Giant:
    """Takes the one file that waits."""
    with open_desk(settings) as desk:
        before, began = memory("VmRSS"), time.perf_counter()
        summary = ingest(desk, NOW)
        seconds = time.perf_counter() - began
        [outcome] = summary.outcomes
        codes = dict(summary.codes)
        return Giant(title, size, outcome, codes, _replies(desk), seconds, before, memory("VmHWM"))


# --- A byte at a time ------------------------------------------------------------------------------------------------


@frozen
class Trickle:
    """Uploads that grow by a byte a second of the clock that is handed to the ingest.

    `looks` runs saw them grow and took `early` of them. `whole`, `renamed`, `cut`: outcomes of the one that came to its
    end, of the one under a temporary name, of the one whose sender never came back.
    """

    size: int
    looks: int
    early: int
    whole: str
    renamed: str
    cut: str
    seconds: float


def trickle(settings: Settings, candidates: int = 10, every: int = 7) -> Trickle:
    """Three uploads side by side; the ingest looks at them after every few bytes."""
    began = time.perf_counter()
    inbox = Path(settings.store_location) / "inbox"
    files = {}
    for centre in ("10001", "10002", "10003"):
        learners = writer.block(
            line
            for learner in people(centre, candidates, seed=int(centre))
            for line in writer.candidate_records("E", centre, learner, ("BEN22",))
        )
        (inbox / centre).mkdir(parents=True)
        files[centre] = writer.single("E", centre, learners, sequence=1, **REGISTRATION)
    name = {centre: f"E{centre}13.X01" for centre in files}
    growing = {
        "10001": inbox / "10001" / name["10001"],
        "10002": inbox / "10002" / f"{name['10002']}.filepart",
        "10003": inbox / "10003" / name["10003"],
    }
    looks = early = 0
    clock = LANDED
    outcomes: dict[str, str] = {}
    with open_desk(evolve(settings, settle_seconds=SETTLE)) as desk:
        size = len(files["10001"])
        for place in range(size):
            clock += timedelta(seconds=1)
            for centre, path in growing.items():
                if centre == "10003" and place >= size // 2:
                    continue  # its sender is gone
                with path.open("ab") as file:
                    file.write(files[centre][place : place + 1])
                os.utime(path, (clock.timestamp(), clock.timestamp()))
            if place % every == 0:
                looks += 1
                taken = ingest(desk, clock)
                cut_off = place - (size // 2 - 1) >= SETTLE and "10003" not in outcomes
                early += taken.received - cut_off
                if cut_off:
                    [outcomes["10003"]] = taken.outcomes
        # The last byte is written, the name still a temporary one.
        [outcomes["10001"]] = ingest(desk, clock + timedelta(seconds=SETTLE)).outcomes
        growing["10002"].rename(growing["10002"].with_suffix(""))
        [outcomes["10002"]] = ingest(desk, clock + timedelta(seconds=SETTLE)).outcomes
        answered = _replies(desk)
    if answered != len(files):
        raise AssertionError(f"{answered} replies to {len(files)} files")
    return Trickle(
        size, looks, early, outcomes["10001"], outcomes["10002"], outcomes["10003"], time.perf_counter() - began
    )  # fmt: skip


# --- Ten times as much -----------------------------------------------------------------------------------------------


@frozen
class Tenfold:
    """Seconds by step of a series and of one ten times its size; `work`: seconds of processor time of each whole run,
    PostgreSQL's not counted, which other work of the machine does not lengthen much; `peaks` in bytes."""

    centres: int
    small: Mapping[str, float]
    large: Mapping[str, float]
    work: tuple[float, float]
    peaks: tuple[int, int]

    def ratios(self) -> dict[str, float]:
        """How many times as long the larger took, by step and `in all`."""
        each = {step: self.large[step] / seconds for step, seconds in self.small.items()}
        return each | {"in all": sum(self.large.values()) / sum(self.small.values())}


def series(settings: Settings, centres: int) -> tuple[dict[str, float], float, int]:
    """A series of this many centres: seconds by step, processor time, peak."""
    return national.take_all(settings, centres), time.process_time(), memory("VmHWM")


def tenfold(new: New, centres: int) -> Tenfold:
    """A series of this many centres and a series of ten times as many, each on its own desk."""
    (small, less, low), (large, more, high) = (
        apart(series, new(f"series{number}"), number) for number in (centres, 10 * centres)
    )
    return Tenfold(centres, small, large, (less, more), (low, high))


# --- All of it -------------------------------------------------------------------------------------------------------


def flood_of(new: New, files: int = FILES, broken: int = BROKEN) -> Flood:
    """Drops and takes in this many files on a new desk."""
    settings = new(f"flood{files}")
    size = drop(Path(settings.store_location) / "inbox", files, broken)
    return apart(flood, settings, files, broken, size)


def giant_of(new: New, title: str, data: bytes) -> Giant:
    """Lands a file in the folder of the first centre of a new desk, and takes it."""
    settings = new(f"giant{len(data)}")
    folder = Path(settings.store_location) / "inbox" / "10000"
    folder.mkdir(parents=True)
    _land(folder / "E1000015.X01", data, LANDED)
    return apart(giant, settings, title, len(data))


def ingests(new: New) -> Iterator[str]:
    """Many files at once, large ones and slow ones, each on a new desk, told as it has been measured."""
    # A tenth beside the whole: what grows with the number of waiting files would show in the peak.
    for files in (FILES // 10, FILES):
        yield told_flood(flood_of(new, files, files * BROKEN // FILES))
    yield told_giant(giant_of(new, f"{RECORDS:,} records of {CENTRES:,} centres", giant_file(RECORDS, CENTRES)))
    yield told_giant(giant_of(new, f"{RECORDS:,} candidates under one number", crowd_file(RECORDS)))
    yield told_trickle(trickle(new("trickle")))


def told_flood(found: Flood) -> str:
    """The result in lines."""
    stages = "   ".join(f"{name} {spent:.1f}" for name, spent in found.stages.items())
    rate = found.files / found.seconds
    return (
        f"{found.files:,} files at once ({found.size / 1e6:.0f} MB, {found.broken} of them broken): "
        f"{found.first:.1f} s to the first reply, {found.seconds:.1f} s to the last: {rate:,.0f} files/s\n"
        f"    {found.answered:,} answered once, {found.left} left in the inbox; {_counted(found.outcomes)}\n"
        f"    peak {_mib(found.peak)}, before the work {_mib(found.before)}; seconds: {stages}"
    )


def told_giant(found: Giant) -> str:
    """The result in lines."""
    return (
        f"one file of {found.title} ({found.size / 1e6:.0f} MB): {found.outcome} in {found.seconds:.1f} s; replies: "
        f"{found.replies}; peak {_mib(found.peak)}, before the work {_mib(found.before)}\n"
        f"    {_counted(found.codes)}"
    )


def told_trickle(found: Trickle) -> str:
    """The result in lines."""
    return (
        f"{found.size:,} bytes, one at a time, {found.looks} runs meanwhile: taken early {found.early} times\n"
        f"    at its end {found.whole}; under a temporary name until renamed, then {found.renamed}; cut off {found.cut}"
    )


def told_tenfold(found: Tenfold) -> str:
    """The result in lines."""
    lines = [f"{'seconds':32}{found.centres:>10,}{10 * found.centres:>10,} centres  times"]
    small, large = ({**took, "in all": sum(took.values())} for took in (found.small, found.large))
    lines += [f"{step:32}{small[step]:10.1f}{large[step]:10.1f}{times:15.1f}" for step, times in found.ratios().items()]
    less, more = found.work
    lines.append(f"{'processor time':32}{less:10.1f}{more:10.1f}{more / less:15.1f}")
    lines.append(f"peak: {_mib(found.peaks[0])}, {_mib(found.peaks[1])}; goal: in all at most 11 times as long")
    return "\n".join(lines)


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in Counter(counts).most_common())


def _mib(size: int) -> str:
    return f"{size / 2**20:,.0f} MiB"


def main(*, full: bool) -> None:
    """Every measurement, told as it is made."""
    with temporary_server() as (server, folder):
        new = partial(new_desk, server, folder)
        for run in ingests(new):
            print(run, flush=True)
        print(told_tenfold(tenfold(new, national.CENTRES if full else national.CENTRES // 10)), flush=True)


if __name__ == "__main__":
    main(full="--full" in sys.argv[1:])
