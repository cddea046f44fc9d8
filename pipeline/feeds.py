"""Feeds: CSV files in the desk's own format that land below `feeds/`, and how the board's own are taken in (FIL-7).

A feed is declared: where its files land, their layout, and their largest size. A feed of the board's own also declares
how its rows are judged and booked and how it is answered. Everything else is the same for all feeds: a file is left
until it has settled, archived, read by the common reader, answered by a report, and taken out. A file on which our own
code fails stops no other file: it is taken out too, and its report says so.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from attrs import evolve, frozen

from infra.settings import MIB
from infra.store import Missing, Stored
from parsers.findings import Found, visible
from parsers.reply import encode
from parsers.table import FeedLayout, Rows, read_rows
from pipeline.archive import archive, key_text, landing
from pipeline.contained import contained, log_failure
from pipeline.desk import Desk
from pipeline.steps import FEED_REPORTED, FEED_TAKEN_OUT
from pipeline.wording import finding_lines, summary
from rules import findings as f
from rules import terms

log = logging.getLogger(__name__)

R = TypeVar("R")

SMALL = 4 * MIB
"""The most bytes of a file that a person or a portal writes: tens of thousands of rows."""


@frozen(kw_only=True)
class Feed:
    """A feed: its files land below `place` (in a folder for each centre if `by_centre`) and have the layout `layout`.
    `example` is the rows of an example file. A file has at most `most_bytes`, and never more than the desk reads of
    any file."""

    place: str
    layout: FeedLayout
    example: Sequence[Mapping[str, str]]
    by_centre: bool = False
    most_bytes: int | None = None

    def limit(self, desk: Desk) -> int:
        """The most bytes of a file; a larger file is refused."""
        most = desk.settings.max_file_bytes
        return most if self.most_bytes is None else min(most, self.most_bytes)


@frozen(kw_only=True)
class FeedFile:
    """A file of a feed that is being taken at `now`; instants are aware. `landing` identifies it in the journal."""

    name: str
    landing: dict[str, str]
    sha256: str
    received: datetime
    now: datetime


@frozen(kw_only=True)
class BoardFeed(Feed, Generic[R]):
    """A feed of the board's own. `take` judges the rows, adds what is wrong to the findings and books what can be used;
    it must be repeatable. It gets no rows when the file cannot be read. `report` writes the report on the outcome,
    which goes below `reports`. `nothing` is the outcome of a file of which nothing was taken. `lock` names the job
    that takes these files: only one run of it works at a time."""

    title: str
    lock: str
    reports: str
    nothing: R
    take: Callable[[Desk, FeedFile, Rows, Found], R]
    report: Callable[[Desk, FeedFile, R, Found], bytes]


@frozen
class Taken(Generic[R]):
    """The outcomes of the files of a feed, and how many of the files our own code failed at."""

    results: tuple[R, ...] = ()
    failed: int = 0
    kept_out: str = ""
    """What `kept_out` says, if another run had the turn."""

    @property
    def files(self) -> int:
        """How many files were taken."""
        return len(self.results)


def failed_note(failed: int) -> str:
    """What a run's note says of the files our own code failed at; empty when there were none."""
    return f" Our own code failed at {failed} of them: see their reports and the log." if failed else ""


LANDING_PLACES: dict[terms.Channel, str] = {
    terms.EDI: "inbox/",
    terms.ONLINE: "feeds/online/",
    terms.STAFF: "feeds/staff/",
}
"""Where the files land that an ingest takes, by the channel they come through: there is a folder for each centre."""


def kept_out(holder: str, files: int) -> str:
    """OPS-6: what a run says that did not get its turn: who has it, and how many files wait."""
    waiting = "1 file waits" if files == 1 else f"{files:,} files wait"
    return f"NOTHING DONE: another run has the turn, {holder}; {waiting}."


def take_feed(desk: Desk, feed: BoardFeed[R], now: datetime) -> Taken[R]:
    """FIL-7: takes every file of a feed that has settled at `now` (aware). Takes none while another run is active.
    Raises `StoreError` or a database error when store or ledger fail: nothing is lost, run it again."""
    taken = Taken[R]()
    with desk.ledger.exclusive(feed.lock) as turn:
        if not turn:
            files = sum(1 for _ in waiting(desk, feed.place, now))
            log.warning("%s: %s", feed.place, kept_out(turn.holder, files))
            return Taken(kept_out=kept_out(turn.holder, files))
        for stored in waiting(desk, feed.place, now):
            try:
                sha256, _ = archive(desk.store, stored)
            except Missing:
                log.warning("a file of %s was removed before it could be taken", feed.place)
                continue
            name = visible(key_text(stored.key).removeprefix(feed.place))
            file = FeedFile(
                name=name, landing=landing(stored, sha256), sha256=sha256, received=stored.modified, now=now
            )
            taken = _take(desk, feed, file, stored, taken)
    return taken


def _take(desk: Desk, feed: BoardFeed[R], file: FeedFile, stored: Stored, before: Taken[R]) -> Taken[R]:
    """Takes a file that is in the archive; returns its outcome with the outcomes of the files before it."""

    def work() -> tuple[Taken[R], bytes]:
        found = Found([file.name])
        result = feed.take(desk, file, _rows(desk, feed, file, stored, found), found)
        return evolve(before, results=(*before.results, result)), feed.report(desk, file, result, found)

    def held(error: BaseException) -> tuple[Taken[R], bytes]:
        log_failure(f"file {file.sha256[:12]} of {feed.place}", error)
        found = Found([file.name])
        found.add(f.FEED_FAILED, value=type(error).__name__)
        results = (*before.results, feed.nothing)
        return Taken(results, before.failed + 1), report(feed.title, file, [], found)

    taken, said = contained(work, held)
    desk.put(FEED_REPORTED, report_key(feed.reports, file.name), said)
    desk.store.remove(stored)
    FEED_TAKEN_OUT.passed()
    return taken


def _rows(desk: Desk, feed: Feed, file: FeedFile, stored: Stored, found: Found) -> Rows:
    limit = feed.limit(desk)
    # The size is from the listing: what was archived a moment later may be larger.
    with desk.store.open(f"archive/{file.sha256}") as archived:
        data = archived.read(limit + 1) if stored.size <= limit else b""
    size = max(stored.size, len(data))
    if size > limit:
        found.add(f.FILE_TOO_LARGE, size=size, limit=limit)
        return Rows.none(feed.layout)
    return read_rows(data, feed.layout, found)


def report(title: str, file: FeedFile, facts: Sequence[str], found: Found) -> bytes:
    """The report on a feed file: its name, its outcome (`facts`, a line each), and every finding."""
    findings = found.of(0)
    return encode([
        f"{title}  {file.name}",
        f"  SHA-256     {file.sha256}",
        *facts,
        "",
        f"FINDINGS  {summary(findings)}",
        *(line for number, finding in enumerate(findings, 1) for line in ("", *finding_lines(number, finding))),
    ])  # fmt: skip


def waiting(desk: Desk, place: str, now: datetime) -> Iterator[Stored]:
    """The CSV files below `place` that have settled at `now` (aware), by key."""
    for stored in list(desk.store.list(place)):
        named = stored.kind == "file" and stored.key.lower().endswith(".csv")
        if named and desk.store.settled(stored, now, desk.settings.settle_seconds):
            yield stored


OURS = "missing-"
"""How the names of reports begin that the desk writes of itself where it answers feeds."""


def report_key(reports: str, name: str) -> str:
    """The key of the report about the feed file of that name, below `reports`: nothing in it can lead elsewhere. Where
    a name cannot be kept as it is, a part of its hash tells it from names that look the same without it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", re.sub(r"\.csv$", "", name, flags=re.IGNORECASE))[:100]
    if f"{plain}.csv" != name or plain.startswith(OURS):
        plain += f"-{hashlib.sha256(name.encode('utf-8')).hexdigest()[:8]}"
    return f"{reports}{plain}.txt"
