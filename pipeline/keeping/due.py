"""What is due to be let go, and what holds it back (OPS-9). Nothing here changes anything."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import polars as pl
from attrs import Factory, frozen

from infra.ledger.keeping import Dispute, Receipt
from infra.ledger.tables import findings, replies
from infra.store import Stored
from pipeline.desk import Desk
from rules.keeping import KEEPING, STORE_PLACES, RecordClass

# What holds something back, in words.
UNDECIDED = "a file waits for a decision"
DISPUTED = "in dispute"
UNRELEASED = "results are not out"
PENDING = "a result is pending"
LOCKED = "locked in the store"
UNKNOWN = "not on the books"


@frozen(kw_only=True)
class Due:
    """What is due of a class: how many, with `size` bytes if they are files, and how many are old enough and held back,
    by the reason."""

    kept: RecordClass
    count: int
    size: int | None = None
    back: Mapping[str, int] = Factory(dict)

    def line(self) -> str:
        """The counts for a person."""
        size = f", {self.size:,} bytes" if self.size else ""
        back = "".join(f"; kept back: {count:,} ({reason})" for reason, count in sorted(self.back.items()))
        return f"{self.kept.name:<13} {self.count:>9,}{size}{back}"


@frozen(kw_only=True)
class Look:
    """Everything that is due at an instant: files by their class, ids of files whose findings and replies are old, the
    number of alerts, learners (`uci`, `last`), and for each class the counts."""

    files: Mapping[str, tuple[Stored, ...]]
    findings: list[int]
    replies: list[int]
    alerts: int
    learners: pl.DataFrame
    classes: tuple[Due, ...]

    @property
    def count(self) -> int:
        """How many things are due in all."""
        return sum(due.count for due in self.classes)

    def lines(self) -> Iterator[str]:
        """The counts by class, for a person."""
        yield from (due.line() for due in self.classes)


@frozen(kw_only=True)
class Known:
    """What may hold files back."""

    receipts: Mapping[str, Receipt]
    disputes: frozenset[Dispute]
    unreleased: frozenset[str]
    waiting: frozenset[str]

    def about(self, centres: frozenset[str], series: frozenset[str]) -> bool:
        """Whether a dispute may concern a file of these centres (none: of all) and these series (none: of all)."""
        return any(
            (not centres or dispute.centre in centres)
            and (not series or not dispute.series or dispute.series in series)
            for dispute in self.disputes
        )


def look(desk: Desk, now: datetime) -> Look:
    """What is due at `now` (aware)."""
    book = desk.keeping
    known = Known(
        receipts=book.receipts(),
        disputes=frozenset(book.disputes()),
        unreleased=frozenset(book.unreleased()),
        waiting=frozenset(book.centres_waiting()),
    )
    files, classes = {}, []
    for place, kept in STORE_PLACES.items():
        due, back = _files(desk, place, kept, known, now)
        files[kept.name] = due
        size = sum(stored.size for stored in due)
        classes.append(Due(kept=kept, count=len(due), size=size, back=back))
    said = book.old_texts(findings, KEEPING["findings"].before(now), known.disputes)
    told = book.old_texts(replies, KEEPING["replies"].before(now), known.disputes)
    alerts = book.old_alerts(KEEPING["alerts"].before(now))
    learners, back = _learners(desk, known, now)
    for name, count in (("findings", len(said)), ("replies", len(told)), ("alerts", alerts)):
        classes.append(Due(kept=KEEPING[name], count=count))
    classes.append(Due(kept=KEEPING["learners"], count=learners.height, back=back))
    return Look(
        files=files, findings=said, replies=told, alerts=alerts, learners=learners, classes=tuple(classes)
    )  # fmt: skip


def _files(
    desk: Desk, place: str, kept: RecordClass, known: Known, now: datetime
) -> tuple[tuple[Stored, ...], Counter[str]]:
    """The files of a place that are due, and how many are held back, by the reason."""
    due, back, before = [], Counter[str](), kept.before(now)
    for stored in desk.store.list(place):
        if stored.kind != "file":
            continue
        receipt = known.receipts.get(stored.key.removeprefix(place)) if kept.name == "archive" else None
        if (receipt.last if receipt else stored.modified) >= before:
            continue
        reason = _REASONS[kept.name](stored.key, receipt, known)
        if reason is None and desk.store.locked(stored.key, now):
            reason = LOCKED
        if reason:
            back[reason] += 1
        else:
            due.append(stored)
    return tuple(due), back


def _archived(key: str, receipt: Receipt | None, known: Known) -> str | None:
    if receipt is None:
        return UNKNOWN
    if receipt.waits:
        return UNDECIDED
    # A feed of the board's can be about any centre.
    return DISPUTED if known.about(receipt.centres, frozenset()) else None


def _of_a_centre(key: str, receipt: Receipt | None, known: Known) -> str | None:
    return DISPUTED if known.about(frozenset([key.split("/")[1]]), frozenset()) else None


def _held(key: str, receipt: Receipt | None, known: Known) -> str | None:
    return UNDECIDED if key.split("/")[1] in known.waiting else _of_a_centre(key, receipt, known)


def _of_a_series(key: str, receipt: Receipt | None, known: Known) -> str | None:
    series = frozenset(re.findall(r"\d{4}-\d{2}", key))
    if series & known.unreleased:
        return UNRELEASED
    return DISPUTED if known.about(frozenset(), series) else None


def _nothing(key: str, receipt: Receipt | None, known: Known) -> str | None:
    return None


_REASONS: Mapping[str, Callable[[str, Receipt | None, Known], str | None]] = {
    "archive": _archived,
    "embargo": _of_a_series,
    "outbox": _of_a_centre,
    "portal": _of_a_series,
    "probes": _nothing,
    "quarantine": _held,
    "reports": _of_a_series,
}


def _learners(desk: Desk, known: Known, now: datetime) -> tuple[pl.DataFrame, Counter[str]]:
    """The learners who are due, and how many are held back, by the reason."""
    old = desk.keeping.learners(KEEPING["learners"].before(now))
    if old.is_empty():
        return old, Counter()
    disputed, pending = desk.keeping.in_dispute(known.disputes), desk.keeping.pending(known.unreleased)
    reason = (
        pl.when(pl.col("uci").is_in(list(disputed)))
        .then(pl.lit(DISPUTED))
        .when(pl.col("uci").is_in(list(pending)))
        .then(pl.lit(PENDING))
        .otherwise(None)
    )
    judged = old.with_columns(reason.alias("reason"))
    held = judged["reason"].drop_nulls().value_counts()
    return judged.filter(pl.col("reason").is_null()).drop("reason"), Counter(dict(held.iter_rows()))
