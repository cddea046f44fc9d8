"""Sizes and counts that lie, and files made to eat memory: read in bounded time and memory, said in a bounded reply."""

from __future__ import annotations

import resource
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from attrs import evolve, frozen

from infra.store import FolderStore, Stored
from parsers.findings import LISTED
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from tests.security import hostile
from tests.security.conftest import Taken
from tests.security.sizes import MIB, SIZES

ROOT = Path(__file__).parents[2]
MEMORY = 1536 * MIB
"""What the process that reads them may take, Python, Polars and the file itself included."""
SECONDS = 60
"""Of processor time, for all of them together."""


@frozen
class Read:
    """The outcome of one of `SIZES`."""

    seconds: float
    mib: int
    codes: frozenset[str]


@pytest.fixture(scope="module")
def read() -> dict[str, Read]:
    """All of `SIZES`, read by one process with limits of the kernel's."""

    def limits() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))

    done = subprocess.run(
        [sys.executable, "-m", "tests.security.sizes"], cwd=ROOT, preexec_fn=limits, capture_output=True, text=True,
        timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [line.split("|") for line in done.stdout.splitlines()]
    return {
        name: Read(float(seconds), int(mib), frozenset(filter(None, codes.split(","))))
        for name, _, seconds, mib, _, codes in rows
    }


@pytest.mark.parametrize("name", SIZES)
def test_it_is_read_in_bounded_time_and_memory(read: dict[str, Read], name: str) -> None:
    assert read[name].seconds < 20
    assert read[name].mib < 700
    assert (name == "nothing") == (not read[name].codes)


def test_no_bundle_is_unpacked_beyond_its_limits(read: dict[str, Read]) -> None:
    for name in ("bundle of a high ratio", "bundle of many members", "bundle that lies large",
                 "bundle of overlapping members"):  # fmt: skip
        assert read[name].codes == {"BUNDLE_TOO_LARGE"}
    for name in ("bundle that lies small", "bundle packed by LZMA", "bundle packed by a method of no name"):
        assert read[name].codes == {"BUNDLE_BROKEN"}
    assert "FILE_NOT_EDI" in read["nested bundle"].codes


def test_counts_are_compared_and_never_believed(taken: Taken) -> None:
    for number in (60, 61):
        case = next(sent for sent in hostile.IN_FIELDS if sent.name.endswith(b"X%d" % number))
        assert "COUNT_WRONG" in taken.codes(case)


def test_a_reply_to_a_file_of_rubbish_is_short(taken: Taken) -> None:
    for case in (*hostile.HUGE, *hostile.FEEDS):
        assert len(taken.reply(case)["findings"]) <= 8 * (LISTED + 1)
        assert len(taken.text(case)) < 100_000


class Growing(FolderStore):
    """The real store; a file grows between its listing and its reading."""

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        path = self.root / stored.key
        path.write_bytes(path.read_bytes() + b" " * 4096)
        return True


def test_a_file_that_grows_past_the_limit_while_it_is_taken_is_not_read(work: Desk) -> None:
    assert isinstance(work.store, FolderStore)
    case = hostile.SPEAKING["their UCIs"]
    hostile.land(work.store.root, case)
    settings = evolve(work.settings, max_file_bytes=len(case.data))
    desk = evolve(work, store=Growing(work.store.root), settings=settings)
    assert ingest(desk, hostile.NOW).codes == {"FILE_TOO_LARGE": 1}


def test_more_files_than_a_batch_holds_are_taken_in_batches(work: Desk) -> None:
    assert isinstance(work.store, FolderStore)
    cases = [evolve(hostile.NAMED[0], centre=f"{20100 + at % 7}", name=b"n%d" % at) for at in range(21)]
    for case in cases:
        hostile.land(work.store.root, evolve(case, data=b"E1 %s" % case.name))
    desk = evolve(work, settings=evolve(work.settings, batch_files=5, batch_bytes=20))
    assert ingest(desk, hostile.NOW).outcomes == {"refused": 21}
