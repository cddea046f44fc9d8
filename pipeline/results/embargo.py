"""Where results wait for their instant (RES-2): they are written and hashed under `embargo/`, which no centre can read,
checked once more, and then published byte for byte at their place. Every step can be done again."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime

from infra.ledger.results import Awarding, ReleaseFile
from infra.store import Missing, Store
from pipeline.desk import Desk
from pipeline.parallel import in_parallel
from pipeline.steps import NOTED, OUT, PUT_AWAY

EMBARGO = "embargo/"
BATCH = 500
"""Files that are published before the ledger notes it."""


class ReleaseError(ValueError):
    """Results that cannot be built, decided on or published now; the message says why and what to do."""


def embargoed(series: str, version: int, place: str) -> str:
    """The key under which the file for `place` waits."""
    return f"{EMBARGO}{series}/{version}/{place}"


def manifest_key(awarding: Awarding) -> str:
    """The key of the manifest of an awarding's files."""
    return embargoed(awarding.series, awarding.version, "manifest.json")


def sha256_of(data: bytes) -> str:
    """The SHA-256 in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def put_away(store: Store, contents: Mapping[str, bytes]) -> None:
    """Writes files under embargo by their keys, durably; what was there is replaced."""
    # By place, because a folder is then opened once.
    store.put_all(sorted(contents.items()))
    for _ in contents:
        PUT_AWAY.passed()


def checked(store: Store, files: Sequence[ReleaseFile]) -> dict[str, bytes]:
    """RES-2: the contents under embargo by their places; raises `ReleaseError` when any is not as it was booked."""

    def content(file: ReleaseFile) -> bytes | None:
        try:
            data = store.get(file.embargoed)
        except Missing:
            return None
        return data if len(data) == file.size and sha256_of(data) == file.sha256 else None

    found = dict(zip((file.place for file in files), in_parallel(content, files), strict=True))
    wrong = [file.embargoed for file in files if found[file.place] is None]
    if wrong:
        more = f" and {len(wrong) - 3:,} more" if len(wrong) > 3 else ""
        raise ReleaseError(
            f"files under embargo are missing or not as they were built: {', '.join(wrong[:3])}{more}. Nothing was "
            f"published. Find out who changed them; withdraw the awarding, award again and build it anew"
        )
    return {place: data for place, data in found.items() if data is not None}


def publish(desk: Desk, awarding: Awarding, files: Sequence[ReleaseFile], now: datetime) -> int:
    """RES-2: publishes those of `files` that are not out yet, after all of them have been checked, and notes it in the
    ledger. Nothing is ever overwritten: a file that is there with the same content counts as published, with other
    content it raises `ReleaseError`. Returns how many files were published."""
    waiting = [file for file in files if file.published_at is None]
    contents = sorted(checked(desk.store, waiting).items())  # by place, because a folder is then opened once
    for start in range(0, len(contents), BATCH):
        batch = contents[start : start + BATCH]
        written = desk.store.put_all(batch, absent=True)
        there = [place for (place, _), new in zip(batch, written, strict=True) if not new]
        found = dict(zip(there, in_parallel(desk.store.get, there), strict=True))
        for place, data in batch:
            if found.get(place, data) != data:
                raise ReleaseError(f"{place} is there already with other content: find out who wrote it, and move it")
            OUT.passed()
        desk.results.published(awarding, [place for place, _ in batch], now)
        NOTED.passed()
    return len(waiting)
