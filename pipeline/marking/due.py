"""All that is due in moderation, in its order: what centres sent is read before anything follows from a deadline."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.marking.counts import ModerationCounts
from pipeline.marking.moderation import review, take
from pipeline.marking.samples import sample
from rules.catalogue import Series


def moderate(desk: Desk, series: Iterable[Series], now: datetime, read_at: datetime) -> ModerationCounts:
    """MOD-1 to MOD-4: draws the samples of `series` that are due at `now` (aware), takes in the moderators' marks and
    compares again what centres had time to amend. A file that landed in the last minutes before a deadline was sent in
    time: every file waiting at `read_at` (aware) is read first, and while another run is reading, nothing is done."""
    came = ingest(desk, read_at)
    if came.kept_out:
        return ModerationCounts(kept_out=came.kept_out)
    read = ModerationCounts(read=came.received)
    steps = [sample(desk, of, now) for of in series]
    return sum([*steps, take(desk, now), review(desk, now)], read)
