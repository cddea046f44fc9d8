"""What would become of a file, or of an order of staff that goes in as one, if it were taken in now: read and decided
by the same rules, and nothing is recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from hashlib import sha256

from parsers.feed import read_feed
from parsers.findings import Reach
from parsers.reader import read
from pipeline.desk import Desk
from pipeline.intake.ingest import ENTRY_FEEDS, known_of
from pipeline.wording import money
from rules import terms
from rules.decisions import Decision, decide
from rules.known import Arrival

Effect = tuple[tuple[str, str], ...]
"""An effect in words: what, and how it would be."""


def foreseen(
    desk: Desk, centre: str, name: str, data: bytes, now: datetime, channel: terms.Channel, released: str = ""
) -> Decision:
    """What would be decided about these bytes of a centre, received at `now` (aware) on `channel`; `released` as in
    `Arrival`."""
    arrival = Arrival(
        submission=read_feed(name, data) if channel in ENTRY_FEEDS else read(name, data),
        centre=centre,
        received=now,
        sha256=sha256(data).hexdigest(),
        channel=channel,
        released=released,
    )
    [decision] = decide([arrival], desk.catalogue, known_of(desk, [arrival]))
    return decision


def in_words(decision: Decision, quoted: Collection[str]) -> Effect:
    """What changes, what it costs, and what is found; of findings whose code is not among `quoted` only the code."""
    return tuple(_told(decision, quoted))


def _told(decision: Decision, quoted: Collection[str]) -> Iterator[tuple[str, str]]:
    yield "It would be", str(decision.outcome)
    booked = decision.outcome.booked
    yield "Options new", ", ".join(_options(decision, "added")) or "none" if booked else "none"
    yield "Options withdrawn", ", ".join(_options(decision, "ended")) or "none" if booked else "none"
    yield "It costs", money(decision.pence if booked else 0)
    for finding in decision.findings:
        if finding.reach is not Reach.NOTE:
            said = (
                f"{finding.message}. To do: {finding.remedy}" if finding.code in quoted else "its reply will say more"
            )
            yield f"{finding.code} ({finding.rule})", said


MOST = 20
"""Options that are named one by one. Ours."""


def _options(decision: Decision, which: str) -> list[str]:
    frame = getattr(decision, which)
    named = [f"{row['candidate']} {row['option']}" for row in frame.head(MOST).iter_rows(named=True)]
    return [*named, f"and {frame.height - MOST:,} more"] if frame.height > MOST else named
