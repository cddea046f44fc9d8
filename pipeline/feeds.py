"""Feeds: CSV files of the desk's own that lie below `feeds/`, and the one way the board's are taken (FIL-7).

A feed is a declaration: where its files land, what they look like, how large they may be. One of the board's own also
says how its rows are judged and booked and how it is answered; everything else is the same for all of them: a file is
left until it has settled, archived before it is read, read by the one reader, told of in a report, and taken out.
A file on which our own code fails stops no other: it is taken out like any other, and its report says so.
"""

from __future__ import annotations

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
from pipeline.archive import archive, landing
from pipeline.contained import contained, log_failure
from pipeline.desk import Desk
from pipeline.steps import FEED_REPORTED, FEED_TAKEN_OUT
from pipeline.wording import finding_lines, summary
from rules import findings as f

log = logging.getLogger(__name__)

R = TypeVar("R")

SMALL = 4 * MIB
"""The most bytes of a feed that a person or a portal writes: tens of thousands of rows."""


@frozen(kw_only=True)
class Feed:
    """A feed: its files land below `place`, in a folder a centre where they come `by_centre`, and look like `layout`.
    `example` is a file of it, row by row. They have at most `most_bytes`, and never more than the desk reads of any
    file."""

    place: str
    layout: FeedLayout
    example: Sequence[Mapping[str, str]]
    by_centre: bool = False
    most_bytes: int | None = None

    def limit(self, desk: Desk) -> int:
        """How many bytes of a file are read; a larger one is refused."""
        most = desk.settings.max_file_bytes
        return most if self.most_bytes is None else min(most, self.most_bytes)


@frozen(kw_only=True)
class FeedFile:
    """A file of a feed that is being taken at `now`: instants are aware. `landing` is what the journal knows it by."""

    name: str
    landing: dict[str, str]
    sha256: str
    received: datetime
    now: datetime


@frozen(kw_only=True)
class BoardFeed(Feed, Generic[R]):
    """A feed of the board's own. `take` judges rows, puts what is wrong into the findings and books what can be used,
    in such a way that it can be done again; `report` writes what came of it for `reports`; both are given no rows when
    the file cannot be read. `nothing` is what came of a file of which nothing was taken, `lock` the job that takes
    them, of which one works at a time."""

    title: str
    lock: str
    reports: str
    nothing: R
    take: Callable[[Desk, FeedFile, Rows, Found], R]
    report: Callable[[Desk, FeedFile, R, Found], bytes]


@frozen
class Taken(Generic[R]):
    """What came of the files of a feed, and of how many nothing came because our own code failed at them."""

    results: tuple[R, ...] = ()
    failed: int = 0

    @property
    def files(self) -> int:
        """How many files were taken."""
        return len(self.results)


def failed_note(failed: int) -> str:
    """What a run's note says of the files on which our own code failed; nothing when there were none."""
    return f" Our own code failed at {failed} of them: see their reports and the log." if failed else ""


def take_feed(desk: Desk, feed: BoardFeed[R], now: datetime) -> Taken[R]:
    """FIL-7: takes every file of a feed that has settled at `now` (aware). Takes none while another run is at work.
    Raises `StoreError` or a database error when store or ledger fail: nothing is lost, run it again."""
    taken = Taken[R]()
    with desk.ledger.exclusive(feed.lock) as alone:
        for stored in waiting(desk, feed.place, now) if alone else ():
            try:
                sha256, _ = archive(desk.store, stored)
            except Missing:
                log.warning("a file of %s was removed before it could be taken", feed.place)
                continue
            name = visible(stored.key.removeprefix(feed.place))
            file = FeedFile(
                name=name, landing=landing(stored, sha256), sha256=sha256, received=stored.modified, now=now
            )
            taken = _take(desk, feed, file, stored, taken)
    return taken


def _take(desk: Desk, feed: BoardFeed[R], file: FeedFile, stored: Stored, before: Taken[R]) -> Taken[R]:
    """Takes a file that lies in the archive; returns what came of it with what came of those before."""

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
    # The size is that of the listing: what was archived a moment later may be larger.
    with desk.store.open(f"archive/{file.sha256}") as archived:
        data = archived.read(limit + 1) if stored.size <= limit else b""
    size = max(stored.size, len(data))
    if size > limit:
        found.add(f.FILE_TOO_LARGE, size=size, limit=limit)
        return Rows.none(feed.layout)
    return read_rows(data, feed.layout, found)


def report(title: str, file: FeedFile, facts: Sequence[str], found: Found) -> bytes:
    """The report about a feed file: its name, what came of it (`facts`, a line each), and every finding."""
    findings = found.of(0)
    return encode([
        f"{title}  {file.name}",
        f"  SHA-256     {file.sha256}",
        *facts,
        "",
        f"FINDINGS  {summary(findings)}",
        *(line for number, one in enumerate(findings, 1) for line in ("", *finding_lines(number, one))),
    ])  # fmt: skip


def waiting(desk: Desk, place: str, now: datetime) -> Iterator[Stored]:
    """The CSV files below `place` that have settled at `now` (aware), by key."""
    for stored in list(desk.store.list(place)):
        named = stored.kind == "file" and stored.key.lower().endswith(".csv")
        if named and desk.store.settled(stored, now, desk.settings.settle_seconds):
            yield stored


def report_key(reports: str, name: str) -> str:
    """The key of the report about the feed file of that name, below `reports`: nothing in it can lead elsewhere."""
    return f"{reports}{_harmless(name)}.txt"


def _harmless(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", re.sub(r"\.csv$", "", name, flags=re.IGNORECASE))[:100]
