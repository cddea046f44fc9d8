"""Lets go of what is no longer kept, and forgets learners whose time has come (OPS-9)."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from infra.ledger.approvals import Signer
from infra.ledger.tables import findings, replies
from infra.store import Stored
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.keeping.dispute import KeepingError
from pipeline.keeping.due import Look, look
from pipeline.orders import with_name_and_reason
from pipeline.steps import ALERTS_GONE, EMPTIED, FORGOTTEN, GONE_NOTED, LET_GO
from rules import terms
from rules.keeping import KEEPING

log = logging.getLogger(__name__)

T = TypeVar("T")

BATCH = 1000
"""Files, or rows of files, in a transaction."""
LEARNERS = 20_000
"""Learners in a transaction: each reads the tables of results from end to end."""


@journaled
def keep(desk: Desk, now: datetime, who: str, why: str, how: str = terms.STATED) -> Look:
    """OPS-9: removes and empties what `look` finds due at `now` (aware), and forgets the learners it names. Every file
    is on record before it is removed. Returns what was done; raises `KeepingError`."""
    with_name_and_reason(who, why, KeepingError)
    with desk.ledger.exclusive("keep") as alone:
        if not alone:
            raise KeepingError("another run lets go of records right now; run it again later")
        due = look(desk, now)
        for name, stored in due.files.items():
            for batch in _batches(stored, BATCH):
                _let_go(desk, name, batch, now)
        for table, ids in ((findings, due.findings), (replies, due.replies)):
            for numbers in _batches(ids, BATCH):
                desk.keeping.empty_texts(table, numbers)
                EMPTIED.passed()
        if due.alerts:
            desk.keeping.drop_alerts(KEEPING["alerts"].before(now))
            ALERTS_GONE.passed()
        for learners in due.learners.iter_slices(LEARNERS):
            if learners.height:
                desk.keeping.forget(learners, Signer(who, how), why, now)
                FORGOTTEN.passed()
    log.info("let go: %s", "; ".join(f"{one.kept.name} {one.count}" for one in due.classes if one.count) or "nothing")
    return due


def _let_go(desk: Desk, name: str, batch: Sequence[Stored], now: datetime) -> None:
    # A probe is nobody's record.
    if name != "probes":
        desk.keeping.remove(name, [stored.key for stored in batch], now)
        GONE_NOTED.passed()
    for stored in batch:
        if desk.store.remove(stored):
            LET_GO.passed()


def _batches(things: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (things[start : start + size] for start in range(0, len(things), size))
