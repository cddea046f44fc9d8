"""From the inbox to the reply: receive what has landed, decide it in rounds, book it, answer it.

Every step can die and be run again. A file is archived and booked as received before it leaves the inbox, decided
from the archive, and its reply is committed with its consequences before it is published.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from itertools import zip_longest
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import polars as pl
from attrs import asdict, define, evolve, field, frozen

from infra.ledger.actions import Action
from infra.ledger.learners import DETAILS
from infra.ledger.submissions import Booking, HoldDecision, Landing, Received
from infra.ledger.turns import Turn
from infra.store import BadKey, Missing, Stored, left_behind, unfinished
from parsers.feed import read_feed
from parsers.findings import Code, Finding, Found, Reach
from parsers.identifiers import filename
from parsers.reader import Glance, Submission, glance, read
from pipeline.archive import archive_all, archived, key_text
from pipeline.arrived import final
from pipeline.contained import FAILURES, contained, log_failure, outside
from pipeline.desk import Desk
from pipeline.feeds import LANDING_PLACES, Feed, kept_out
from pipeline.holdings import holdings_files
from pipeline.intake import replies
from pipeline.intake.sent import index_files
from pipeline.intake.staff import STAFF_FEED, write_left
from pipeline.intake.trial import trials
from pipeline.journal import journaled
from pipeline.parallel import in_parallel
from pipeline.register import register_of
from pipeline.steps import (
    ACKNOWLEDGED,
    ANSWERED,
    BOOKED,
    HELD,
    HOLDINGS_OUT,
    INDEX_OUT,
    RECEIVED,
    REPLY_OUT,
    SET_ASIDE,
    TAKEN_OUT,
    TWIN_OUT,
)
from pipeline.wording import money
from rules import files, terms
from rules import findings as f
from rules.decisions import Decision, Outcome, decide, nothing_done
from rules.known import Arrival, Known

log = logging.getLogger(__name__)

T = TypeVar("T")

PORTAL_FEED = evolve(STAFF_FEED, place=LANDING_PLACES[terms.ONLINE])
ENTRY_FEEDS: Mapping[str, Feed] = {terms.ONLINE: PORTAL_FEED, terms.STAFF: STAFF_FEED}
"""The feeds of entries, claims and withdrawals, by channel."""

CHANNELS: dict[str, terms.Channel] = {channel: channel for channel in LANDING_PLACES}

NO_CENTRE = "00000"
"""The centre number given to a file that landed outside every centre's folder; its reply is for staff."""


@define
class IngestCounts:
    """What a run did, in counts and codes: nothing in it is personal data."""

    received: int = 0
    growing: int = 0
    untaken: int = 0
    """Files that were removed before they could be taken, and objects in S3 whose key we cannot move."""
    tried: int = 0
    """Files that were only tried: answered, and nothing else."""
    outcomes: Counter[str] = field(factory=Counter)
    codes: Counter[str] = field(factory=Counter)
    pence: int = 0
    given: tuple[int, ...] = ()
    """The shards whose files others decide, where they are shared (`pipeline.intake.shards`)."""
    kept_out: str = ""
    """Why it did nothing: another run has the turn (OPS-6)."""
    seconds: float = 0.0
    stages: Counter[str] = field(factory=Counter)
    """Seconds of work by stage."""

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Counts the time of the block to a stage."""
        began = perf_counter()
        try:
            yield
        finally:
            self.stages[name] += perf_counter() - began  # type: ignore[assignment]

    def note(self) -> str:
        """The summary in a few lines, for the run's note and the log."""
        if self.kept_out:
            return self.kept_out
        left = f" {self.growing} still growing, left for the next run." if self.growing else ""
        untaken = f" {self.untaken} could not be taken: see the log." if self.untaken else ""
        tried = f" {self.tried} were only tried." if self.tried else ""
        if self.given:
            return f"Received {self.received} files, which {len(self.given)} ingests decide.{left}{untaken}"
        if not self.received and not self.outcomes:
            return f"Nothing to do: no files are waiting.{left}{untaken}{tried}"
        decided = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "none"
        codes = ", ".join(f"{code} x{count}" for code, count in self.codes.most_common()) or "none"
        return (
            f"Received {self.received} files.{left}{untaken}{tried} Decided: {decided}.\n"
            f"Fees booked: {money(self.pence)}. Findings: {codes}.\n"
            f"{self.seconds:.1f} s of work."
        )


@journaled
def ingest(desk: Desk, now: datetime) -> IngestCounts:
    """Takes every file waiting at `now` (aware) and answers it. Only one run does so at a time; another says who does
    and how many files wait (OPS-6). Raises `StoreError` or a database error when store or ledger fail: nothing is lost,
    run it again."""
    return take_in(desk, now, lambda: ())


def take_in(desk: Desk, now: datetime, share: Callable[[], Sequence[int]]) -> IngestCounts:
    """`ingest`; but once everything is received, `share` may give the deciding to others: it returns the shards that
    are given away, and none where all is to be done here."""
    started = perf_counter()
    summary = IngestCounts()
    with desk.ledger.exclusive("ingest") as turn:
        if not turn:
            return without_turn(desk, turn, summary)
        publish(desk)
        write_left(desk, now)
        with summary.stage("archive"):
            receive(desk, now, summary)
        complete(desk, summary)
        with summary.stage("share"):
            summary.given = tuple(share())
        if not summary.given:
            finish(desk, now, summary)
    summary.seconds = perf_counter() - started
    log.info("%s", summary.note())
    return summary


def finish(desk: Desk, now: datetime, summary: IngestCounts) -> None:
    """Decides what waits and is not shared, and answers what is only tried."""
    decide_waiting(desk, summary)
    with summary.stage("try"):
        summary.tried = trials(desk, now, lambda landing, data: _tried(desk, landing, data))
    if summary.outcomes.total() >= desk.settings.batch_files:
        with summary.stage("analyze"):
            desk.ledger.analyze()


def without_turn(desk: Desk, turn: Turn, summary: IngestCounts) -> IngestCounts:
    """OPS-6: what a run says that did not get its turn: who has it, and how many files wait, settled or still
    growing."""
    listed = (stored for place in LANDING_PLACES.values() for stored in desk.store.list(place))
    summary.kept_out = kept_out(turn.holder, sum(1 for stored in listed if stored.kind == "file"))
    log.warning("%s", summary.kept_out)
    return summary


# --- Receiving -------------------------------------------------------------------------------------------------------


def receive(desk: Desk, now: datetime, summary: IngestCounts) -> None:
    """Archives and acknowledges every settled file of the inbox, then takes it out (FIL-1). A file that may still be
    growing is left for the next run (FIL-4)."""
    landed = [
        (channel, prefix, stored) for channel, prefix in LANDING_PLACES.items() for stored in desk.store.list(prefix)
    ]
    ready = []
    # In the order of receipt, so that replies are numbered in it too.
    for channel, prefix, stored in sorted(landed, key=lambda file: (file[2].modified, file[2].key)):
        centre, name = _whose(stored.key.removeprefix(prefix))
        if not name:
            continue
        if _may_grow(desk, stored, now):
            summary.growing += 1
            continue
        ready.append(_Waiting(stored, channel, centre, name))
    for start in range(0, len(ready), desk.settings.batch_files):
        batch = ready[start : start + desk.settings.batch_files]
        received = _receive_together(desk, batch, now)
        summary.received += received
        summary.untaken += len(batch) - received


def _may_grow(desk: Desk, stored: Stored, now: datetime) -> bool:
    """FIL-4: whether a file is left for a later run: it may still be growing, or its name is that of an unfinished
    upload. What stays under such a name is taken after a while, so that its sender is told."""
    if desk.store.settled(stored, now, desk.settings.settle_seconds):
        return False
    stayed = now - stored.modified >= timedelta(seconds=desk.settings.unfinished_seconds)
    return not (stayed and stored.kind == "file" and left_behind(stored.key))


@frozen
class _Waiting:
    """A file waiting to be received: the stored file, how it came, whose it is, and its name."""

    stored: Stored
    channel: terms.Channel
    centre: str
    name: str


_CENTRE = re.compile("[0-9]{5}")


def _whose(key: str) -> tuple[str, str]:
    """The centre in whose folder a key is, and the rest of the key, which is empty for the folder itself. `key` is
    relative to its landing place."""
    folder, _, name = key.partition("/")
    if _CENTRE.fullmatch(folder):
        return folder, name
    return NO_CENTRE, key if folder or name else ""


def _receive_together(desk: Desk, waiting: Sequence[_Waiting], now: datetime) -> int:
    """Archives, books, acknowledges and takes out the files of a batch; returns how many. Each step is done for all
    files before the next step begins."""
    in_archive = archive_all(desk.store, [file.stored for file in waiting], _cannot_be_taken, desk.recent)
    taken = [(file, _landing(desk, file, *kept, now)) for file, kept in zip(waiting, in_archive, strict=True) if kept]
    received = desk.ledger.receive([landing for _, landing in taken])
    RECEIVED.passed()
    undecided = [(file, its) for (file, _), its in zip(taken, received, strict=True) if its.outcome is None]
    names = register_of(desk, {file.centre for file, _ in undecided}).name
    desk.store.put_all([(_outbox(file.centre, its.reply_name), _first_reply(its, names)) for file, its in undecided])
    for _ in undecided:
        ACKNOWLEDGED.passed()
    pairs = list(zip([file for file, _ in taken], received, strict=True))
    # What is on the books leaves the inbox; what is no file goes to quarantine.
    for _ in desk.store.remove_all([file.stored for file, _ in pairs if file.stored.kind == "file"]):
        TAKEN_OUT.passed()
    others = [pair for pair in pairs if pair[0].stored.kind != "file"]
    in_parallel(lambda pair: _set_aside(desk, *pair), others, desk.store.threads)
    for submission in received:
        log.info(
            "received submission %d: centre %s, %d bytes, reply %s",
            submission.id, submission.landing.centre, submission.landing.size, submission.reply_name,
        )  # fmt: skip
    return len(received)


def _cannot_be_taken(stored: Stored, error: Exception) -> None:
    centre = next((_whose(stored.key.removeprefix(place))[0] for place in LANDING_PLACES.values()
                   if stored.key.startswith(place)), NO_CENTRE)  # fmt: skip
    if isinstance(error, BadKey):
        # Only an object written without the landing service can have such a key; we cannot move it.
        log.error("an object of centre %s cannot be taken: %s", centre, error)
    else:
        # Removed or replaced: the next run sees what is there by then.
        log.warning("a file of centre %s was removed before it could be taken", centre)


def _first_reply(received: Received, names: Callable[[str, datetime], str]) -> bytes:
    landing = received.landing
    reply = replies.received(landing, received.reply_name, names(landing.centre, landing.received))
    return replies.text(reply).encode("ascii")


def _set_aside(desk: Desk, file: _Waiting, received: Received) -> None:
    with suppress(Missing):  # its sender has taken it away
        desk.store.move(file.stored.key, _quarantine(file.centre, received.reply_name, file.name))
    SET_ASIDE.passed()


def _glance(desk: Desk, file: _Waiting, sha256: str, start: bytes) -> Glance:
    """FIL-3, FIL-4: what the header of a file says. Where a spreadsheet, a mail program or a transfer has been at its
    lines, its first bytes do not tell: it is read, so that it is on the books under the number that it has."""
    seen = glance(start)
    entire = file.stored.kind == "file" and file.stored.size <= desk.settings.max_file_bytes
    if seen.whole or not entire or file.channel != terms.EDI:
        return seen
    with desk.store.open(f"archive/{sha256}") as archived:
        return Glance.of(read(key_text(file.name), archived.read()))


def _landing(desk: Desk, file: _Waiting, sha256: str, start: bytes, now: datetime) -> Landing:
    """What is known of a file that is in the archive."""
    seen, named = _glance(desk, file, sha256, start), filename.original(file.name)
    return Landing(
        landing_key=key_text(file.stored.key),
        centre=file.centre,
        file_name=key_text(file.name.rstrip("/")),
        kind=file.stored.kind,
        # A sender's clock may run ahead, but no file was received after now.
        received=min(file.stored.modified, now),
        modified=file.stored.modified,
        size=file.stored.size,
        sha256=sha256,
        channel=file.channel,
        reply_stream=seen.awarding_body or (named.awarding_body if named else "00"),
        letter=seen.letter,
        awarding_body=seen.awarding_body,
        series=seen.series_key,
        sequence=seen.sequence,
    )


def _outbox(centre: str, reply_name: str) -> str:
    return f"outbox/{centre}/{reply_name}"


def _quarantine(centre: str, reply_name: str, name: str) -> str:
    harmless = re.sub(r"[^A-Za-z0-9._() -]", "_", name.strip("/"))[:100]
    return f"quarantine/{centre}/{reply_name} {harmless}"


# --- Deciding --------------------------------------------------------------------------------------------------------


def process(desk: Desk, summary: IngestCounts) -> None:
    """Decides, books and answers every received file, in batches of bounded size; repeatable from the archive."""
    complete(desk, summary)
    decide_waiting(desk, summary)


def complete(desk: Desk, summary: IngestCounts) -> None:
    """Decides what a shared ingest has left, because it is left to one or because somebody has died: in the turns in
    which one ingest would have decided it."""
    since = 0
    for turn in desk.ledger.left():
        _decide_round(desk, turn, summary)
        since += len(turn)
        if since >= desk.settings.batch_files:
            since = 0
            with summary.stage("publish"):
                publish(desk)
    if since:
        with summary.stage("publish"):
            publish(desk)


def decide_waiting(
    desk: Desk, summary: IngestCounts, shard: int | None = None, stands: Callable[[], bool] = lambda: True
) -> None:
    """Decides, books and answers the files that wait for it; with a `shard`, those that its ingest decides by itself.
    Ends early where that no longer `stands`, which is asked before anything is booked."""
    settings = desk.settings
    registering = [stream.series for stream in desk.catalogue.streams if stream.purpose == terms.REGISTRATION]
    looked_at, standing = 0, True
    while standing and (batch := desk.ledger.waiting(settings.batch_files, settings.batch_bytes, registering, shard)):
        decided_by_now = summary.outcomes.total()
        if decided_by_now >= max(4 * looked_at, settings.batch_files) and not shard:
            # A run that fills tables needs fresh statistics: from its second batch on, and each time it has decided
            # four times as many files. Of several, one sees to it for all.
            with summary.stage("analyze"):
                desk.ledger.analyze()
            looked_at = decided_by_now
        for round_ in rounds(batch):
            standing = standing and _decide_round(desk, round_, summary, stands)
        with summary.stage("publish"):
            publish(desk, shard)


def _decide_round(
    desk: Desk, round_: Sequence[Received], summary: IngestCounts, stands: Callable[[], bool] = lambda: True
) -> bool:
    """Decides and books the files of a round, those that wait for another of it after that. False: it no longer
    `stands`, and the rest is not booked."""
    waiting: Sequence[Received] = round_
    while waiting:
        decided = [file for file in _decided(desk, waiting, summary) if file[2].outcome is not Outcome.WAITING]
        if not stands():
            return False
        _book_and_count(desk, decided, summary)
        done = {received.id for received, _, _ in decided}
        waiting = [received for received in waiting if received.id not in done]
    return True


def _book_and_count(desk: Desk, decided: Sequence[Decided], summary: IngestCounts) -> None:
    with summary.stage("reply"):
        answered = [_answered(file) for file in decided]
    with summary.stage("book"):
        booked = _book(desk, answered)
    for _, _, decision in booked:
        summary.outcomes[decision.outcome.value] += 1
        summary.codes.update(finding.code for finding in decision.findings)
        summary.pence += decision.pence if decision.booked else 0


def rounds(batch: Sequence[Received]) -> Iterator[list[Received]]:
    """The first file of each centre, then the second, and so on: a centre's files in order, all centres at once."""
    by_centre: dict[str, list[Received]] = {}
    for received in batch:
        by_centre.setdefault(received.landing.centre, []).append(received)
    for round_ in zip_longest(*by_centre.values()):
        yield [received for received in round_ if received is not None]


Decided = tuple[Received, Submission, Decision]
Answered = tuple[Decided, Mapping[str, Any]]


def _decided(desk: Desk, round_: Sequence[Received], summary: IngestCounts) -> list[Decided]:
    """The round's files with what is decided about them. If deciding them together fails on our side, each half is
    decided by itself, and a file that fails alone is held for a person: no other file suffers for it (FIL-7)."""
    if len(round_) == 1:
        return contained(lambda: _decided_together(desk, round_, summary), lambda error: [_held(round_[0], error)])
    try:
        return _decided_together(desk, round_, summary)
    except FAILURES as error:
        if outside(error):
            raise
    return [decided for half in _halves(round_) for decided in _decided(desk, half, summary)]


def _halves(files: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    return files[: len(files) // 2], files[len(files) // 2 :]


def _decided_together(desk: Desk, round_: Sequence[Received], summary: IngestCounts) -> list[Decided]:
    with summary.stage("read"):
        arrivals = arrivals_of(desk, round_)
    with summary.stage("know"):
        known = known_of(desk, arrivals)
    with summary.stage("decide"):
        decisions = decide(arrivals, desk.catalogue, known)
    submissions = [arrival.submission for arrival in arrivals]
    return list(zip(round_, submissions, decisions, strict=True))


def arrivals_of(desk: Desk, files: Sequence[Received]) -> list[Arrival]:
    """Files on the books as they are read, from the archive."""
    said = desk.ledger.hold_decisions([received.id for received in files])
    fetched = in_parallel(lambda received: _fetched(desk, received.landing), files, desk.store.threads)
    submissions = [
        _read(desk, received.landing, data, said.get(received.id))
        for received, data in zip(files, fetched, strict=True)
    ]
    return [
        Arrival(
            submission=submission,
            centre=received.landing.centre,
            received=received.landing.received,
            sha256=received.landing.sha256,
            channel=CHANNELS[received.landing.channel],
            released=said[received.id].why if received.id in said and said[received.id].action == terms.RELEASE else "",
        )
        for received, submission in zip(files, submissions, strict=True)
    ]


def _tried(desk: Desk, landing: Landing, data: bytes) -> tuple[Submission, Decision]:
    """What would be decided about a file that is only tried."""
    limit = desk.settings.max_file_bytes
    if landing.size > limit:
        submission = _unread(landing, f.FILE_TOO_LARGE, size=landing.size, limit=limit)
    else:
        submission = read(landing.file_name, data)
    arrival = Arrival(
        submission=submission,
        centre=landing.centre,
        received=landing.received,
        sha256=landing.sha256,
        channel=terms.EDI,
    )
    [decision] = decide([arrival], desk.catalogue, known_of(desk, [arrival]))
    return submission, decision


def _held(received: Received, error: BaseException) -> Decided:
    """A file that failed on our side, held for a person."""
    log_failure(f"submission {received.id}", error)
    unread = _unread(received.landing, f.FILE_FAILED, value=type(error).__name__)
    return received, unread, nothing_done(Outcome.QUARANTINED, unread.findings)


def _answered(decided: Decided) -> Answered:
    """What is decided about a file, with the reply that says so."""

    def held(error: BaseException) -> Answered:
        instead = _held(decided[0], error)
        return instead, _reply(*instead)

    return contained(lambda: (decided, _reply(*decided)), held)


def _limit(desk: Desk, landing: Landing) -> int:
    """How many bytes a file may have to be read."""
    feed = ENTRY_FEEDS.get(landing.channel)
    return feed.limit(desk) if feed else desk.settings.max_file_bytes


def _fetched(desk: Desk, landing: Landing) -> bytes:
    """The file's bytes, and one more than it may have; none of what is no file, or is listed as too large."""
    limit = _limit(desk, landing)
    # The size is from the listing: what was archived a moment later may be larger.
    if landing.kind != "file" or landing.size > limit:
        return b""
    return archived(desk.store, landing.sha256, limit + 1, desk.recent)


def _read(desk: Desk, landing: Landing, data: bytes, said: HoldDecision | None) -> Submission:
    """The file with these bytes as read; `said`: what a person decided about it while it was held."""
    name = landing.file_name
    if said is not None and said.action == terms.IGNORE:
        return _unread(landing, f.HELD_CLOSED, value=said.why)
    if landing.kind != "file":
        return _unread(
            landing, f.NOT_A_FILE, value=name, kind="folder" if landing.kind == "folder" else "link or device"
        )
    if "/" in name:
        return _unread(landing, f.FILE_IN_FOLDER, value=name)
    if unfinished(name):
        return _unread(landing, f.UPLOAD_UNFINISHED, value=name)
    feed, limit = ENTRY_FEEDS.get(landing.channel), _limit(desk, landing)
    if max(landing.size, len(data)) > limit:
        return _unread(landing, f.FILE_TOO_LARGE, size=max(landing.size, len(data)), limit=limit)
    return read_feed(name, data) if feed else read(name, data)


def _unread(landing: Landing, code: Code, **facts: Any) -> Submission:
    found = Found([landing.file_name])
    found.add(code, **facts)
    return Submission(named=landing.file_name, name=None, type=None, findings=found.of(0))


def known_of(desk: Desk, arrivals: Sequence[Arrival]) -> Known:
    """What the ledger holds about the centres of a round."""
    centres = sorted({arrival.centre for arrival in arrivals})
    headers = [arrival.submission.header for arrival in arrivals if arrival.submission.header]
    meant = {desk.catalogue.series(header.series_key, header.awarding_body) for header in headers}
    ids = sorted(series.id for series in meant if series)
    ledger = desk.ledger
    entering = sorted({arrival.centre for arrival in arrivals if files.enters(arrival.submission)})
    marking = sorted({arrival.centre for arrival in arrivals if files.about_marks(arrival.submission)})
    book = desk.marks
    sat = [f"{series.year}-01" for series in meant if series and series.month == 6]
    return Known(
        files=ledger.files_of(centres),
        registrations=ledger.registrations_of(centres),
        entries=ledger.entries_of(centres, ids),
        learners=desk.learners.of_ulns,
        people=desk.learners.people,
        ucis=desk.learners.ucis,
        taking=desk.learners.taking,
        registered=desk.learners.registered,
        sittings=ledger.sittings_of(entering),
        allowances=desk.actions.allowances(entering),
        sat=ledger.marked(entering, sat),
        extensions=desk.actions.extensions_at({arrival.centre: arrival.received for arrival in arrivals}),
        marked=book.newest(marking, ids),
        windows=book.windows(marking, ids),
        sampled=book.sampled(marking, ids),
        issued=desk.results.issued_claims(entering),
        final=final(desk, centres, ids),
        claims=ledger.claims_of(entering),
        register=register_of(desk, centres),
    )


def _book(desk: Desk, answered: Sequence[Answered]) -> list[Decided]:
    """Books files that were decided together in one transaction or, when that fails, each half in its own: of what a
    file changes, all is applied or nothing (FIL-5). A file that the ledger will never take is held for a person.
    Returns what was decided in the end."""
    try:
        booked = desk.ledger.book(_booking([decided for decided, _ in answered], [reply for _, reply in answered]))
        BOOKED.passed()
    except FAILURES as error:
        if outside(error):
            raise
        if len(answered) == 1:
            (received, _, decision), _ = answered[0]
            if decision.outcome is Outcome.QUARANTINED:
                raise
            held = _held(received, error)
            return _book(desk, [(held, _reply(*held))])
        booked = False
    if not booked and len(answered) > 1:
        return [done for half in _halves(answered) for done in _book(desk, half)]
    for (received, _, decision), _ in answered:
        log.info(
            "submission %d: centre %s, %s, %d candidates, %d refused, %d findings%s",
            received.id, received.landing.centre, decision.outcome.value, decision.candidates,
            decision.candidates_refused, len(decision.findings), "" if booked else " (decided before)",
        )  # fmt: skip
    return [decided for decided, _ in answered]


def _booking(decided: Sequence[Decided], rendered: Sequence[Mapping[str, Any]]) -> Booking:
    """What is written for these files: outcomes, findings, changes, fees and replies."""
    facts = pl.DataFrame(
        [
            (
                received.id, received.landing.centre, received.landing.sha256, received.landing.received.isoformat(),
                decision.series.id if decision.series else None,
                decision.series is not None and decision.series.purpose == terms.REGISTRATION,
            )
            for received, _, decision in decided
        ],
        schema={"submission_id": pl.Int64, "centre": pl.String, "source": pl.String, "received": pl.String,
                "series": pl.String, "registering": pl.Boolean},
        orient="row",
    )  # fmt: skip
    decisions = [decision for _, _, decision in decided]
    added = _beside(facts, [_if_booked(decision, decision.added) for decision in decisions])
    marks = _beside(facts, [_if_booked(decision, decision.marks) for decision in decisions])
    ended = _beside(facts, [decision.ended for decision in decisions])
    versions = _beside(facts, [_if_booked(decision, decision.versions) for decision in decisions])
    dropped = _beside(facts, [_if_booked(decision, decision.dropped) for decision in decisions])
    registering, mine = pl.col("registering"), ("submission_id", "centre", "series", "line", "candidate", "uci")
    return Booking(
        outcomes=[
            {
                "submission_id": received.id,
                "outcome": decision.outcome.value,
                "booked": decision.booked,
                "pence": decision.pence,
                "counts": _counts(decision),
            }
            for received, _, decision in decided
        ],
        findings=[
            {"submission_id": received.id, "ordinal": ordinal, **_finding_row(finding)}
            for received, _, decision in decided
            for ordinal, finding in enumerate(decision.findings, 1)
        ],
        registrations=added.filter(registering).select(*mine, "uln", "upn", "name", "born", "sex", "option"),
        entries=added.filter(~registering).select(*mine, "option", "kind", "band", "pence", "entry_pence"),
        fee_lines=_fee_lines(added, ended),
        marks=marks.drop("file", "submission_id", "registering"),
        ended_registrations=ended.filter(registering).select("id", "submission_id"),
        ended_entries=ended.filter(~registering).select("id", "submission_id"),
        ended_versions=_ended_versions(versions, dropped),
        versions=versions.select(*mine[:2], "line", "uci", *DETAILS, pl.col("received").alias("since")),
        ucis=versions.filter(pl.col("old").is_not_null()).select(
            "submission_id",
            "centre",
            "line",
            pl.col("old").alias("uci"),
            pl.col("uci").alias("in_force"),
            pl.col("received").alias("since"),
        ),
        replies=rendered,
        actions=[action for received, _, decision in decided for action in _said_complete(received, decision)],
    )


def _said_complete(received: Received, decision: Decision) -> Iterator[dict[str, Any]]:
    """MOD-3: what goes on record of the components whose marks a feed says are complete."""
    if decision.outcome.booked and decision.series:
        for option, who, why in decision.complete.select("option", "who", "why").iter_rows():
            yield asdict(Action(
                at=received.landing.received, who=who, why=why, action=terms.MARKS_COMPLETE,
                centre=received.landing.centre, series=decision.series.id, option=option,
                file_name=received.landing.file_name,
            ))  # fmt: skip


def _ended_versions(versions: pl.DataFrame, dropped: pl.DataFrame) -> pl.DataFrame:
    """The details that new ones replace, and those of learners who are registered for nothing any more."""
    held = versions.filter("held").with_columns(uci=pl.coalesce("old", "uci"))
    until = pl.col("received").alias("until")
    return pl.concat([frame.select("centre", "uci", until) for frame in (held, dropped)])


def _if_booked(decision: Decision, rows: pl.DataFrame) -> pl.DataFrame:
    return rows if decision.booked else rows.clear()


def _beside(facts: pl.DataFrame, frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The frames of several files as one frame, each row with what `facts` says of its file."""
    rows = pl.concat(frames)
    of_rows = np.repeat(np.arange(len(frames)), [frame.height for frame in frames])
    known = [name for name in facts.columns if name not in rows.columns]
    return pl.concat([rows, facts.select(known)[of_rows]], how="horizontal")


def _counts(decision: Decision) -> dict[str, int]:
    return {
        "candidates": decision.candidates,
        "candidates_refused": decision.candidates_refused,
        "options_refused": decision.options_refused,
        "options_new": decision.added.height if decision.outcome.booked else 0,
        "options_kept": decision.kept,
        "options_ended": decision.ended.height,
        **({"details_changed": changed} if (changed := int(decision.versions["held"].sum())) else {}),
        "warnings": sum(finding.reach is Reach.WARNING for finding in decision.findings),
        **{f"marks_{what}": count for what, count in decision.mark_counts.items() if what != "marks"},
    }


def _reply(received: Received, submission: Submission, decision: Decision) -> dict[str, Any]:
    reply = replies.processed(received.landing, received.reply_name, submission, decision)
    return {
        "submission_id": received.id,
        "name": reply.name,
        "text": replies.text(reply),
        "twin": replies.twin(reply),
    }


def _fee_lines(added: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    whose = ("submission_id", "centre", "series", "candidate", "option")
    charges = added.select(*whose, "kind", "band", "pence", "placeholder")
    back = ended.filter(pl.col("refund") > 0).select(
        *whose,
        pl.lit(terms.REFUND).alias("kind"),
        pl.lit("").alias("band"),
        (-pl.col("refund")).alias("pence"),
        pl.lit(True).alias("placeholder"),
    )
    return pl.concat([charges, back])


def _finding_row(finding: Finding) -> dict[str, Any]:
    first, last = finding.columns or (None, None)
    return {
        "code": finding.code,
        "rule": finding.rule,
        "reach": finding.reach.value,
        "line": finding.line,
        "first_column": first,
        "last_column": last,
        "field": finding.field,
        "value": finding.value,
        "message": finding.message,
        "expected": finding.expected,
        "remedy": finding.remedy,
        "candidate": finding.candidate,
        "option": finding.option,
    }


# --- Answering -------------------------------------------------------------------------------------------------------


Lists = Callable[[Desk, Sequence[str]], list[tuple[str, bytes]]]


def _lists(make: Lists, desk: Desk, centres: Sequence[str]) -> list[tuple[str, bytes]]:
    """FIL-7: the lists of these centres, by key. A centre at whose lists our own code fails keeps those it has: the
    replies, and the lists of all others, do not wait for them."""

    def apart(error: BaseException) -> list[tuple[str, bytes]]:
        if len(centres) == 1:
            log_failure(f"{make.__name__} of centre {centres[0]}", error)
            return []
        return [written for half in _halves(centres) for written in _lists(make, desk, half)]

    return contained(lambda: make(desk, centres), apart)


def publish(desk: Desk, shard: int | None = None) -> None:
    """Puts every decided reply that may not be out yet into its centre's outbox, with the index that says which file it
    answers, and held files into quarantine; with a `shard`, those to files that its ingest decides by itself."""
    waiting = desk.ledger.unpublished(shard)

    def hold(row: Mapping[str, Any]) -> None:
        with desk.store.open(f"archive/{row['sha256']}") as original:
            desk.store.put(_quarantine(row["centre"], row["name"], row["file_name"]), original)
        HELD.passed()

    in_parallel(hold, [row for row in waiting if row["outcome"] == Outcome.QUARANTINED.value and row["sha256"]])
    out = [(_outbox(row["centre"], row["name"]), row) for row in waiting]
    # A reply is there with its twin, or its twin is there before it.
    for step, ending, column in ((TWIN_OUT, ".json", "twin"), (REPLY_OUT, "", "text")):
        desk.store.put_all([(place + ending, row[column].encode("ascii")) for place, row in out])
        for _ in out:
            step.passed()
    indexes = _lists(index_files, desk, sorted({row["centre"] for row in waiting}))
    # Marks change nothing of what a centre holds.
    booked = [row for row in waiting if row["booked"] and row["letter"] != files.MARKS]
    changed = {row["centre"] for row in booked}
    if booked and shard is None:
        # The UCI of a learner is the same in the lists of all centres; what may correct one is left to one ingest.
        changed.update(desk.learners.holding_corrected([row["submission_id"] for row in booked]))
    held = _lists(holdings_files, desk, sorted(changed))
    # By centre, because its folder is then opened once.
    desk.store.put_all(sorted([*indexes, *held]))
    for step, written in ((INDEX_OUT, indexes), (HOLDINGS_OUT, held)):
        for _ in written:
            step.passed()
    desk.ledger.published([row["submission_id"] for row in waiting])
    ANSWERED.passed()
