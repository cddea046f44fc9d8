"""A file that is only tried: judged like a file that is sent, with the ledger, and answered; nothing of it is kept.

A centre puts it into `try/`. No number is used, nothing is booked or charged, and it is not received: no deadline is
met by it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

from attrs import evolve

from infra.ledger.submissions import Landing
from infra.store import BadKey, Missing, Stored, left_behind
from parsers.reader import Submission
from pipeline.archive import key_text
from pipeline.contained import contained, log_failure
from pipeline.desk import Desk
from pipeline.intake import replies
from pipeline.steps import TRIAL_CLEARED, TRIAL_OUT
from rules import findings as f
from rules import terms
from rules.decisions import Decision, Outcome, nothing_done

TRY = "try/"

FAILED = "TRIAL "
"""How the name of a file begins that is kept for staff, because our own code failed at it."""

Judge = Callable[[Landing, bytes], tuple[Submission, Decision]]
"""What is decided about a file with this content; nothing is booked."""


def trials(desk: Desk, now: datetime, judge: Judge) -> int:
    """Answers every file in `try/` that has settled at `now` (aware), and removes it; returns how many."""
    answered = 0
    for stored in sorted(desk.store.list(TRY), key=lambda file: (file.modified, file.key)):
        centre, _, name = stored.key.removeprefix(TRY).partition("/")
        if stored.kind != "file" or not re.fullmatch("[0-9]{5}", centre) or not name or "/" in name:
            continue
        if desk.store.settled(stored, now, desk.settings.settle_seconds):
            answered += _answer(desk, stored, centre, name, now, judge)
        elif left_behind(stored.key) and now - stored.modified >= timedelta(seconds=desk.settings.unfinished_seconds):
            desk.store.remove(stored)
            TRIAL_CLEARED.passed()
    return answered


def _answer(desk: Desk, stored: Stored, centre: str, name: str, now: datetime, judge: Judge) -> bool:
    """Whether a file was still there to be answered."""
    limit = desk.settings.max_file_bytes
    try:
        with desk.store.open(stored.key) as source:
            data = source.read(limit + 1)
    except (Missing, BadKey):  # taken away by its sender; or an object with a key that no file can have
        return False
    landing = Landing(
        landing_key=key_text(stored.key),
        centre=centre,
        file_name=key_text(name),
        kind="file",
        received=min(stored.modified, now),
        modified=stored.modified,
        size=max(stored.size, len(data)),
        sha256=hashlib.sha256(data).hexdigest(),
    )
    answer = terms.TRIAL + re.sub(r"[^A-Za-z0-9._() -]", "_", name)[:100]
    reply, failed = contained(
        lambda: (replies.processed(landing, answer, *judge(landing, data)), False),
        lambda error: (_failed(landing, answer, error), True),
    )
    reply = evolve(reply, trial=True)
    desk.put(TRIAL_OUT, f"outbox/{centre}/{answer}.json", replies.twin(reply).encode("ascii"))
    desk.put(TRIAL_OUT, f"outbox/{centre}/{answer}.txt", replies.text(reply).encode("ascii"))
    if failed:
        with suppress(Missing):  # its sender has taken it away
            desk.store.move(stored.key, f"quarantine/{centre}/{FAILED}{answer.removeprefix(terms.TRIAL)}")
    else:
        desk.store.remove(stored)
    TRIAL_CLEARED.passed()
    return True


def _failed(landing: Landing, answer: str, error: BaseException) -> replies.Reply:
    """FIL-7: the answer to a trial at which our own code failed; staff get the file."""
    log_failure(f"a trial of centre {landing.centre}", error)
    finding = f.TRIAL_FAILED.at(landing.file_name, value=type(error).__name__)
    unread = Submission(named=landing.file_name, name=None, type=None, findings=(finding,))
    return replies.processed(landing, answer, unread, nothing_done(Outcome.QUARANTINED, unread.findings))
