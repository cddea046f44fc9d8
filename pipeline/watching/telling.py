"""Tells centres what is new in their outboxes, and the desk's own webhook what became of each file (OPS-10).

A centre gets at most one message in ten minutes; what came meanwhile stands in the next. What is to be told waits in
the ledger until somebody has taken it: if mail server, webhook or this job fail, it is told by a later run, at most
once more than needed. Nothing of it affects results, and a replay tells nobody, so it is not recorded for replay.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from attrs import evolve, frozen

from infra.ledger.register import Told
from infra.ledger.told import Answered, Notice, Waiting
from infra.notify import Channel, Message, Webhook, deliver, mail_to
from infra.settings import Settings
from pipeline.desk import Desk
from pipeline.parallel import in_parallel
from pipeline.watching.news import RECENT, about, gather
from rules.calendar import instant_text

log = logging.getLogger(__name__)

APART = timedelta(minutes=10)
"""A centre gets at most one message in this time, taken or not."""
SELDOM = timedelta(hours=1)
"""A centre that cannot be told is tried at least so often: what gave no answer may have arrived all the same. Ours."""
AGAIN = timedelta(days=1)
"""What was refused is tried again after this time, or at once at another address. Ours."""
THREADS = 32
LISTED = 50
"""So many lines stand in a message; the rest is counted. Ours."""
MOST = 1000
"""At most so many centres are told in a run, those that were not tried before first: were every webhook to hang, it
would take five minutes. Ours."""
FILES = "file_webhook"
"""The beat that says since when files are posted."""


@frozen(kw_only=True)
class Telling:
    """What a run did, in counts: `fresh` news, centres `told`, centres that were `not_told`; files `posted`, files that
    the webhook `refused` for good, and whether it `failed`, so that the rest waits."""

    fresh: int = 0
    told: int = 0
    not_told: int = 0
    posted: int = 0
    refused: int = 0
    failed: bool = False
    kept_out: str = ""

    def note(self) -> str:
        """For the run's note and for people."""
        if self.kept_out:
            return f"NOTHING TOLD: another run has the turn, {self.kept_out}."
        said = f"{self.fresh} news in outboxes, {self.told} centres told, {self.not_told} could not be."
        refused = f", {self.refused} refused for good" if self.refused else ""
        return f"{said} {self.posted} files posted{refused}{', and the webhook failed' if self.failed else ''}."


def tell_centres(desk: Desk, now: datetime) -> Telling:
    """OPS-10: tells centres what is new at `now` (aware), and posts what became of files. Does nothing while another
    run does."""
    with desk.ledger.exclusive("telling") as turn:
        if not turn:
            return Telling(kept_out=turn.holder)
        wants = desk.register.told()
        fresh = gather(desk, wants, now)
        due = _due(desk, wants, now)
        came = in_parallel(
            lambda centre: _tell(desk, centre, wants[centre], due[centre].notices, now), due_first(due), THREADS
        )
        files = _post_files(desk, now)
    done = evolve(files, fresh=fresh, told=sum(came), not_told=len(came) - sum(came))
    log.info("%s", done.note())
    return done


# --- Centres ---------------------------------------------------------------------------------------------------------


def _due(desk: Desk, wants: Mapping[str, Told], now: datetime) -> dict[str, Waiting]:
    """The centres that are to be told now, and what."""
    waiting, last = desk.told.waiting([*wants]), desk.told.last_told([*wants])
    return {
        centre: its
        for centre, its in waiting.items()
        if (centre not in last or now - last[centre] >= APART)
        and (its.tried_at is None or wants[centre].here > its.tried_at or now - its.tried_at >= _pause(its))
    }


def _pause(its: Waiting) -> timedelta:
    """How long a centre that was tried in vain is left alone: as long as the oldest had waited by then, so that a
    receiver that takes a message and answers too late gets it a few times and not every five minutes."""
    assert its.tried_at
    waited = its.tried_at - min(notice.seen for notice in its.notices)
    return AGAIN if its.refused else min(max(APART, waited), SELDOM)


def due_first(due: Mapping[str, Waiting]) -> list[str]:
    """Who is told in this run."""
    return sorted(due, key=lambda one: (due[one].tried_at is not None, due[one].notices[0].seen, one))[:MOST]


def _tell(desk: Desk, centre: str, told: Told, notices: Sequence[Notice], now: datetime) -> bool:
    came = deliver(_channel(desk.settings, told.to), message(centre, notices, now), desk.settings.alert_seconds)
    if came.taken:
        desk.told.told(notices, now)
    else:
        log.warning("centre %s could not be told: %s", centre, came.answer)
        desk.told.not_told(notices, now, came.answer, came.refused)
    return came.taken


def _channel(settings: Settings, to: str) -> Channel:
    # Never our own token: it is for our own webhook.
    return Webhook(url=to, token="") if to.startswith("https://") else mail_to(settings, to)


def message(centre: str, notices: Sequence[Notice], now: datetime) -> Message:
    """What a centre is told: a line for each file; no learner, no mark, no result."""
    count = len(notices)
    what = "1 new file" if count == 1 else f"{count} new files"
    lines = [f"  {notice.words}" for notice in notices[:LISTED]]
    if count > LISTED:
        lines.append(f"  and {count - LISTED} more")
    text = "\n".join(
        [
            f"Centre {centre}, {instant_text(now)}: {what} in your outbox.",
            "",
            *lines,
            "",
            "Log in as ever and fetch them. Nobody reads answers to this message. If you no longer want to be told,",
            "or elsewhere, ask the awarding body: the address is in its register of centres.",
            "",
        ]
    )
    news = [{"file": one.name, "kind": one.kind, "words": one.words} for one in notices[:LISTED]]
    content = {"centre": centre, "at": now.astimezone(UTC).isoformat(), "count": count, "news": news}
    subject = f"Resultsday: {what} in the outbox of centre {centre}"
    return Message(subject=subject, text=text, content=content, id=message_id(centre, now))


def message_id(centre: str, sent: datetime) -> str:
    """What the message is known by that a centre was `sent` then (aware), when it comes back."""
    return str(uuid5(_MESSAGES, f"{centre} {sent.astimezone(UTC).isoformat()}"))


_MESSAGES = UUID("0b6f5d0e-5a0d-4b57-9d0e-6d1f0a9c3e21")


# --- Files -----------------------------------------------------------------------------------------------------------


def _post_files(desk: Desk, now: datetime) -> Telling:
    """Posts what became of files, in order, one after the other. What the webhook refuses for what it says is not
    posted again, as it would stop those behind it for ever; at everything else that it does not take, the rest waits.
    """
    if not desk.settings.file_webhook:
        return Telling()
    desk.watch.beat(FILES, now)
    since = max(desk.watch.beats()[FILES].first, now - RECENT)
    hook = Webhook(url=desk.settings.file_webhook, token=desk.settings.alert_webhook_token)
    done = Telling()
    for answered in desk.told.unposted(since):
        came = deliver(hook, Message(subject="", text="", content=event(answered)), desk.settings.alert_seconds)
        if not came.taken:
            log.warning("submission %d could not be posted: %s", answered.submission, came.answer)
        if not came.taken and not came.unwanted:
            return evolve(done, failed=True)
        desk.told.posted(answered.submission, now)
        done = evolve(done, posted=done.posted + came.taken, refused=done.refused + came.unwanted)
    return done


def event(answered: Answered) -> dict[str, Any]:
    """What is posted of a file: no learner, and no name that its sender made up."""
    return {
        "event": "file",
        "submission": answered.submission,
        "centre": answered.centre,
        "file": about(answered.file_name),
        "channel": answered.channel,
        "received": answered.received.astimezone(UTC).isoformat(),
        "outcome": answered.outcome,
        "reply": answered.reply,
    }
