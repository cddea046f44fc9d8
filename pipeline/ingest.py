"""From the inbox to the reply: receive what has landed, decide it in rounds, book it, answer it.

Every step can die and be run again. A file is archived and booked as received before it leaves the inbox, decided
from the archive, and its reply is committed with its consequences before it is published.
"""

from __future__ import annotations

import hashlib
import logging
import re
import shutil
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from time import perf_counter
from typing import Any

import polars as pl
from attrs import define, field

from infra.ledger import Booking, Landing, Received
from infra.marks import MarkBook
from infra.settings import MIB
from infra.store import BadKey, Stored
from parsers import findings as f
from parsers.feed import read_feed
from parsers.findings import Code, Found
from parsers.identifiers import filename
from parsers.reader import Submission, glance, read
from pipeline import replies
from pipeline.desk import Desk
from rules import files
from rules.decisions import ADDED, Decision, Outcome, decide, nothing_done
from rules.known import (
    ALLOWANCES,
    ENTRIES,
    FILES,
    LEARNERS,
    MARKED,
    REGISTRATIONS,
    SAT,
    SITTINGS,
    WINDOWS,
    Arrival,
    Channel,
    Known,
)

log = logging.getLogger(__name__)

LANDING_PLACES: dict[Channel, str] = {"edi": "inbox/", "online": "feeds/online/", "staff": "feeds/staff/"}
"""Where files land, by the channel they come through: below it, a folder a centre."""

CHANNELS: dict[str, Channel] = {one: one for one in LANDING_PLACES}

NO_CENTRE = "00000"
"""Stands for the centre of a file that landed outside every centre's folder; its reply is for staff."""


@define
class Summary:
    """What a run did, in counts and codes: nothing in it is personal data."""

    received: int = 0
    growing: int = 0
    outcomes: Counter[str] = field(factory=Counter)
    codes: Counter[str] = field(factory=Counter)
    pence: int = 0
    seconds: float = 0.0

    def note(self) -> str:
        """The summary in a few lines, for the run's note and the log."""
        if not self.received and not self.outcomes:
            left = f" {self.growing} still growing, left for the next run." if self.growing else ""
            return f"Nothing to do: no file waits.{left}"
        decided = ", ".join(f"{count} {outcome}" for outcome, count in sorted(self.outcomes.items())) or "none"
        codes = ", ".join(f"{code} x{count}" for code, count in self.codes.most_common()) or "none"
        return (
            f"Received {self.received} files ({self.growing} still growing). Decided: {decided}.\n"
            f"Fees booked: {replies.money(self.pence)}. Findings: {codes}.\n"
            f"{self.seconds:.1f} s of work."
        )


def ingest(desk: Desk, now: datetime) -> Summary:
    """Takes everything that waits at `now` (aware) and answers it. Only one run does so at a time; another returns an
    empty summary. Raises `StoreError` or a database error when store or ledger fail: nothing is lost, run it again."""
    started = perf_counter()
    summary = Summary()
    with desk.ledger.exclusive("ingest") as alone:
        if not alone:
            log.warning("another ingest is running; it takes what waits")
            return summary
        publish(desk)
        receive(desk, now, summary)
        process(desk, summary)
    summary.seconds = perf_counter() - started
    log.info("%s", summary.note())
    return summary


# --- Receiving -------------------------------------------------------------------------------------------------------


def receive(desk: Desk, now: datetime, summary: Summary) -> None:
    """Archives and acknowledges every settled file of the inbox, then takes it out (FIL-1). A file that may still be
    growing is left for the next run (FIL-4)."""
    landed = [
        (channel, prefix, stored) for channel, prefix in LANDING_PLACES.items() for stored in desk.store.list(prefix)
    ]
    # In the order of receipt, so that replies are numbered in it too.
    for channel, prefix, stored in sorted(landed, key=lambda one: (one[2].modified, one[2].key)):
        centre, name = _whose(stored.key.removeprefix(prefix))
        if not name:
            continue
        if not desk.store.settled(stored, now, desk.settings.settle_seconds):
            summary.growing += 1
            continue
        try:
            _receive_one(desk, stored, channel, centre, name, now)
        except BadKey as error:
            # Only an object written past the landing service can have such a key; nothing of ours can move it.
            log.error("an object of centre %s cannot be taken: %s", centre, error)
            continue
        summary.received += 1


_CENTRE = re.compile("[0-9]{5}")


def _whose(key: str) -> tuple[str, str]:
    """The centre whose folder a key below a landing place lies in, and the rest of the key; the rest is empty for a
    centre's own folder."""
    folder, _, name = key.partition("/")
    if _CENTRE.fullmatch(folder):
        return folder, name
    return NO_CENTRE, key if folder else ""


def _receive_one(desk: Desk, stored: Stored, channel: Channel, centre: str, name: str, now: datetime) -> None:
    # A clock that runs ahead must not make a file early or late: it has been received by now at the latest.
    when = min(stored.modified, now)
    if stored.kind == "file":
        sha256, start = _archive(desk, stored)
    else:
        sha256, start = "", b""
    landing = Landing(
        landing_key=_text(stored.key),
        centre=centre,
        file_name=_text(name.rstrip("/")),
        kind=stored.kind,
        received=when,
        size=stored.size,
        sha256=sha256,
        channel=channel,
    )
    seen = glance(start)
    named = filename.original(name)
    received = desk.ledger.receive(
        landing,
        reply_stream=seen.awarding_body or (named.awarding_body if named else "00"),
        letter=seen.letter,
        awarding_body=seen.awarding_body,
        series=seen.series_key,
        sequence=seen.sequence,
    )
    if received.outcome is None:
        reply = replies.received(landing, received.reply_name)
        desk.store.put(_outbox(centre, received.reply_name), replies.text(reply).encode("ascii"))
    if stored.kind == "file":
        desk.store.remove(stored)
    else:
        desk.store.move(stored.key, _quarantine(centre, received.reply_name, name))
    log.info(
        "received submission %d: centre %s, %d bytes, reply %s", received.id, centre, stored.size, received.reply_name
    )


def _archive(desk: Desk, stored: Stored) -> tuple[str, bytes]:
    """Copies a file unchanged to the archive under its SHA-256; returns that and the file's first bytes."""
    with desk.store.open(stored.key) as source, tempfile.SpooledTemporaryFile(max_size=8 * MIB) as copy:
        shutil.copyfileobj(source, copy, MIB)
        copy.seek(0)
        sha256 = hashlib.file_digest(copy, "sha256").hexdigest()
        copy.seek(0)
        start = copy.read(1024)
        copy.seek(0)
        desk.store.put_if_absent(f"archive/{sha256}", copy)  # type: ignore[arg-type]
    return sha256, start


def _text(name: str) -> str:
    """A name from outside as text the ledger can keep: bytes that are no UTF-8 are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace").replace("\0", "\\x00")


def _outbox(centre: str, reply_name: str) -> str:
    return f"outbox/{centre}/{reply_name}"


def _quarantine(centre: str, reply_name: str, name: str) -> str:
    harmless = re.sub(r"[^A-Za-z0-9._() -]", "_", name.strip("/"))[:100]
    return f"quarantine/{centre}/{reply_name} {harmless}"


# --- Deciding --------------------------------------------------------------------------------------------------------


def process(desk: Desk, summary: Summary) -> None:
    """Decides, books and answers every received file, in batches of bounded size; repeatable from the archive."""
    settings = desk.settings
    registering = [one.series for one in desk.catalogue.streams if one.purpose == "registration"]
    while batch := desk.ledger.waiting(settings.batch_files, settings.batch_bytes, registering):
        for round_ in rounds(batch):
            for received, submission, decision in _decided(desk, round_):
                _book(desk, received, submission, decision)
                summary.outcomes[decision.outcome.value] += 1
                summary.codes.update(one.code for one in decision.findings)
                summary.pence += decision.pence if decision.outcome.booked else 0
        publish(desk)


def rounds(batch: Sequence[Received]) -> Iterator[list[Received]]:
    """The first file of each centre, then the second, and so on: a centre's files in order, all centres at once."""
    by_centre: dict[str, list[Received]] = {}
    for one in batch:
        by_centre.setdefault(one.landing.centre, []).append(one)
    for together in zip_longest(*by_centre.values()):
        yield [one for one in together if one is not None]


Decided = tuple[Received, Submission, Decision]


def _decided(desk: Desk, round_: Sequence[Received]) -> list[Decided]:
    """The round's files with what is decided about them. If deciding them together fails, each is decided alone, and
    the one that fails is held for a person: a poisoned file takes no other with it."""
    try:
        submissions = [_read(desk, one.landing) for one in round_]
        arrivals = [
            Arrival(
                submission=sub,
                centre=one.landing.centre,
                received=one.landing.received,
                sha256=one.landing.sha256,
                channel=CHANNELS[one.landing.channel],
            )
            for one, sub in zip(round_, submissions, strict=True)
        ]
        decisions = decide(arrivals, desk.catalogue, _known(desk, arrivals))
        return list(zip(round_, submissions, decisions, strict=True))
    except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, pl.exceptions.PolarsError) as error:
        # Our own mistakes only: a store or ledger that fails is not the file's fault, and the run is repeated.
        if len(round_) > 1:
            return [decided for one in round_ for decided in _decided(desk, [one])]
        _log_failure(round_[0], error)
        unread = _unread(round_[0].landing, f.FILE_FAILED, value=type(error).__name__)
        return [(round_[0], unread, nothing_done(Outcome.QUARANTINED, unread.findings))]


def _log_failure(received: Received, error: Exception) -> None:
    # The message of an error may quote a record; the places in our code do not.
    places = "".join(traceback.format_tb(error.__traceback__))
    log.error("submission %d failed with %s\n%s", received.id, type(error).__name__, places)


def _read(desk: Desk, landing: Landing) -> Submission:
    name = landing.file_name
    if landing.kind != "file":
        return _unread(
            landing, f.NOT_A_FILE, value=name, kind="folder" if landing.kind == "folder" else "link or device"
        )
    if "/" in name:
        return _unread(landing, f.FILE_IN_FOLDER, value=name)
    limit = desk.settings.max_file_bytes
    if landing.size > limit:
        return _unread(landing, f.FILE_TOO_LARGE, size=landing.size, limit=limit)
    data = desk.store.get(f"archive/{landing.sha256}")
    return read(name, data) if landing.channel == "edi" else read_feed(name, data)


def _unread(landing: Landing, code: Code, **facts: Any) -> Submission:
    found = Found([landing.file_name])
    found.add(code, **facts)
    return Submission(named=landing.file_name, name=None, type=None, findings=found.of(0))


def _known(desk: Desk, arrivals: Sequence[Arrival]) -> Known:
    """What the ledger holds about the centres of a round."""
    centres = sorted({one.centre for one in arrivals})
    headers = [one.submission.header for one in arrivals if one.submission.header]
    meant = {desk.catalogue.series(one.series_key, one.awarding_body) for one in headers}
    series = sorted(one.id for one in meant if one)
    ledger = desk.ledger
    marking = sorted({one.centre for one in arrivals if files.marks(one.submission)})
    book = MarkBook(ledger.engine)
    sat = [f"{one.year}-01" for one in meant if one and one.month == 6]
    return Known(
        files=_typed(ledger.files_of(centres), FILES),
        registrations=_typed(ledger.registrations_of(centres), REGISTRATIONS),
        entries=_typed(ledger.entries_of(centres, series), ENTRIES),
        learners=lambda ulns: _typed(ledger.learners(ulns), LEARNERS),
        sittings=_typed(ledger.sittings_of(centres), SITTINGS),
        allowances=_typed(desk.actions.allowances(centres), ALLOWANCES),
        sat=_typed(ledger.marked(centres, sat), SAT),
        extensions=desk.actions.extensions(centres),
        marked=_typed(book.newest(marking, series), MARKED),
        windows=_typed(book.windows(marking, series), WINDOWS),
    )


def _typed(frame: pl.DataFrame, schema: Mapping[str, Any]) -> pl.DataFrame:
    """The ledger's frame with the rules' types: an empty result or a column of nulls has none of its own."""
    return frame.select(pl.col(name).cast(kind) for name, kind in schema.items())


def _book(desk: Desk, received: Received, submission: Submission, decision: Decision) -> None:
    """One file, one transaction: its outcome, findings, changes, fees and reply (FIL-5)."""
    landing = received.landing
    reply = replies.processed(landing, received.reply_name, submission, decision)
    nothing = pl.DataFrame(schema=ADDED)
    added = decision.added if decision.outcome.booked else nothing
    marks = decision.marks if decision.outcome.booked else decision.marks.clear()
    registering = decision.series is not None and decision.series.purpose == "registration"
    series = pl.lit(decision.series.id if decision.series else None, pl.String).alias("series")
    mine = pl.lit(landing.centre).alias("centre")
    ended = decision.ended["id"].to_list()
    booked = desk.ledger.book(
        Booking(
            submission_id=received.id,
            outcome=decision.outcome.value,
            booked=decision.outcome.booked,
            pence=decision.pence,
            counts={
                "candidates": decision.candidates,
                "candidates_refused": decision.candidates_refused,
                "options_refused": decision.options_refused,
                "options_new": added.height,
                "options_kept": decision.kept,
                "options_ended": len(ended),
                "warnings": sum(one.reach is f.Reach.WARNING for one in decision.findings),
                **{f"marks_{what}": count for what, count in decision.mark_counts.items() if what != "marks"},
            },
            findings=[_finding_row(one) for one in decision.findings],
            registrations=(added if registering else nothing).select(
                "line", mine, series, "candidate", "uci", "uln", "upn", "name", "born", "sex", "option"
            ),
            entries=(nothing if registering else added).select(
                "line", mine, series, "candidate", "uci", "option", "kind", "band", "pence", "entry_pence"
            ),
            fee_lines=_fee_lines(added, decision.ended).with_columns(mine, series),
            marks=marks.drop("file").with_columns(
                pl.lit(landing.sha256).alias("source"), pl.lit(landing.received.isoformat()).alias("received")
            ),
            ended_registrations=ended if registering else [],
            ended_entries=[] if registering else ended,
            reply_name=received.reply_name,
            reply_text=replies.text(reply),
            reply_twin=replies.twin(reply),
        )
    )
    log.info(
        "submission %d: centre %s, %s, %d candidates, %d refused, %d findings%s",
        received.id, landing.centre, decision.outcome.value, decision.candidates, decision.candidates_refused,
        len(decision.findings), "" if booked else " (decided before)",
    )  # fmt: skip


def _fee_lines(added: pl.DataFrame, ended: pl.DataFrame) -> pl.DataFrame:
    charges = added.select("candidate", "option", "kind", "band", "pence", "placeholder")
    back = ended.filter(pl.col("refund") > 0).select(
        "candidate",
        "option",
        pl.lit("refund").alias("kind"),
        pl.lit("").alias("band"),
        (-pl.col("refund")).alias("pence"),
        pl.lit(True).alias("placeholder"),
    )
    return pl.concat([charges, back])


def _finding_row(one: f.Finding) -> dict[str, Any]:
    first, last = one.columns or (None, None)
    return {
        "code": one.code,
        "rule": one.rule,
        "reach": one.reach.value,
        "line": one.line,
        "first_column": first,
        "last_column": last,
        "field": one.field,
        "value": one.value,
        "message": one.message,
        "expected": one.expected,
        "remedy": one.remedy,
        "candidate": one.candidate,
        "option": one.option,
    }


# --- Answering -------------------------------------------------------------------------------------------------------


def publish(desk: Desk) -> None:
    """Puts every decided reply that is not surely there into its centre's outbox, and held files into quarantine."""
    done: list[int] = []
    for row in desk.ledger.unpublished():
        if row["outcome"] == Outcome.QUARANTINED.value and row["sha256"]:
            with desk.store.open(f"archive/{row['sha256']}") as original:
                desk.store.put(_quarantine(row["centre"], row["name"], row["file_name"]), original)
        place = _outbox(row["centre"], row["name"])
        desk.store.put(place + ".json", row["twin"].encode("ascii"))
        desk.store.put(place, row["text"].encode("ascii"))
        done.append(row["submission_id"])
    desk.ledger.published(done)
