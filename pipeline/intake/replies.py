"""Replies to centres: a text file for people, and its JSON twin with the same content (FIL-1).

A reply first says what was received and when, and is later completed with what became of it. It holds only what the
file, the ledger and the catalogue say, so that a replayed file gets the same bytes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from datetime import UTC
from typing import Any

import attrs
from attrs import frozen

from infra.ledger.submissions import Landing
from parsers.findings import Finding, Reach, visible
from parsers.reader import Submission
from parsers.reply import encode
from pipeline.wording import WIDTH, finding_lines, money, summary
from rules import terms
from rules.cards import Card, lines
from rules.catalogue import PLACEHOLDER, instant_text
from rules.decisions import Decision, Outcome
from rules.details import DetailChange, told
from rules.fees import Charge


@frozen(kw_only=True)
class Reply:
    """The content of a reply; `text` and `twin` render it."""

    name: str
    centre: str
    file: str
    size: int
    sha256: str
    received: str
    received_at: str
    outcome: str | None = None
    content: str | None = None
    next_file: str | None = None
    candidates: dict[str, int] = attrs.field(factory=dict)
    options: dict[str, int] = attrs.field(factory=dict)
    marks: dict[str, int] = attrs.field(factory=dict)
    fees: tuple[Charge, ...] = ()
    fee_total_pence: int = 0
    details_changed: tuple[DetailChange, ...] = ()
    findings: tuple[Finding, ...] = ()
    who_is_who: tuple[Card, ...] = ()


def received(landing: Landing, name: str) -> Reply:
    """The reply once a file has arrived and is in the archive."""
    return Reply(
        name=name,
        centre=landing.centre,
        file=visible(landing.file_name),
        size=landing.size,
        sha256=landing.sha256,
        received=instant_text(landing.received),
        received_at=landing.received.astimezone(UTC).isoformat(),
    )


def processed(landing: Landing, name: str, submission: Submission, decision: Decision) -> Reply:
    """The complete reply."""
    return attrs.evolve(
        received(landing, name),
        outcome=decision.outcome.value,
        content=_content(submission, decision),
        next_file=_next_file(submission, decision),
        candidates={
            "in the file": decision.candidates,
            "accepted": _accepted(decision),
            "refused": decision.candidates_refused,
        }
        if decision.candidates
        else {},
        options={
            "new": decision.added.height,
            "unchanged": decision.kept,
            "withdrawn": decision.ended.height,
            "refused": decision.options_refused,
        }
        if decision.candidates
        else {},
        marks={"in the file" if what == "marks" else what: count for what, count in decision.mark_counts.items()},
        fees=decision.charges,
        fee_total_pence=decision.pence,
        details_changed=told(decision.versions) if decision.outcome.booked else (),
        findings=decision.findings,
        who_is_who=decision.cards,
    )


def _accepted(decision: Decision) -> int:
    return decision.candidates - decision.candidates_refused if decision.booked else 0


def _content(submission: Submission, decision: Decision) -> str | None:
    header, kind = submission.header, submission.type
    if header is not None and submission.feed is not None and decision.series:
        rows = submission.feed.height
        return f"{rows} entries and withdrawals for {decision.series.title} ({header.series_key}), not by file"
    if header is None or kind is None:
        return None
    series = decision.series.title if decision.series else "an unknown series"
    software = visible(f"{header.software} {header.software_version}".strip())
    key = visible(header.series_key)
    what = f"{kind.title} for {series}"
    if decision.series and decision.series.purpose == terms.REGISTRATION:
        what = series if kind.letter == "E" else f"{kind.title} of {series}"
    return f"{what} ({key}), sequence number {submission.sequence:03d}, written by {software}"


def _next_file(submission: Submission, decision: Decision) -> str | None:
    if not decision.booked or submission.name is None or decision.series is None or decision.mark_counts:
        return None
    number = submission.sequence + 1
    name = attrs.evolve(submission.name, letter="A", number=f"{number % 100:02d}")
    return f"send further changes for {decision.series.title} in an amendment file, number {number:03d} ({name})"


# --- As text ---------------------------------------------------------------------------------------------------------

_KINDS = {
    terms.REGISTRATION: "registration",
    terms.INTERNAL: "internal component",
    terms.EXTERNAL: "external component",
    terms.CASH_IN: "certification claim",
    terms.REFUND: "withdrawn entries",
}


def text(reply: Reply) -> str:
    """The reply as a person reads it: at most `WIDTH` columns."""
    lines = [
        f"REPLY {reply.name}",
        f"to centre {reply.centre} about {reply.file}",
        "",
        "RECEIVED",
        f"  File        {reply.file}",
        f"  Size        {reply.size:,} bytes",
        f"  SHA-256     {reply.sha256 or 'none: nothing to read'}",
        f"  Time        {reply.received}",
        "",
    ]
    lines.extend(
        _processed(reply) if reply.outcome else ["PROCESSED", "  not yet: this reply will be completed in place"]
    )
    return encode(lines).decode("ascii")


def _processed(reply: Reply) -> Iterator[str]:
    assert reply.outcome is not None
    yield "PROCESSED"
    yield f"  Outcome     {reply.outcome.upper()}"
    if reply.content:
        yield from _labelled("Content", reply.content)
    if reply.candidates:
        yield from _labelled("Candidates", _counts(reply.candidates))
        yield from _labelled("Options", _counts(reply.options))
    if reply.marks:
        yield from _labelled("Marks", _counts(reply.marks))
    if reply.next_file:
        yield from _labelled("Next", reply.next_file)
    yield ""
    if reply.fees:
        yield from _fees(reply)
        yield ""
    if reply.details_changed:
        yield from _details(reply)
        yield ""
    yield from _findings(reply)


def _findings(reply: Reply) -> Iterator[str]:
    """The findings, and behind them the cards of candidates in doubt (REG-7)."""
    yield f"FINDINGS  {summary(reply.findings)}"
    for number, finding in enumerate(reply.findings, 1):
        yield ""
        yield from finding_lines(number, finding)
    if reply.who_is_who:
        yield ""
        yield "WHO IS WHO  a star is before what differs"
    for card in reply.who_is_who:
        yield ""
        yield from lines(card, WIDTH)


def _details(reply: Reply) -> Iterator[str]:
    """REG-6, REG-8: what the file changed of its candidates' details: old and new. It is free (FEE-4)."""
    yield "DETAILS CHANGED"
    for change in reply.details_changed:
        said = f"{change.field}: {change.old or 'none'}, now {change.new or 'none'}"
        yield from textwrap.wrap(said, WIDTH, initial_indent=f"  {change.candidate:<6}", subsequent_indent=" " * 10)


def _fees(reply: Reply) -> Iterator[str]:
    yield "FEES"
    for fee in reply.fees:
        each = (
            f"{fee.count:>5} x {money(fee.pence_each):>10}"
            if fee.pence_each is not None
            else f"{fee.count:>5}   {'':>10}"
        )
        mark = PLACEHOLDER if fee.placeholder else ""
        band = fee.band.replace("_", " ")
        yield f"  {_KINDS[fee.kind]:<20} {band:<10}{each}  = {money(fee.pence):>12}{mark}"
    yield f"  {'total':<20} {'':<10}{'':>18}  = {money(reply.fee_total_pence):>12}"
    if any(fee.placeholder for fee in reply.fees):
        yield "  [placeholder] marks a price or rule that nobody published; it is the desk's own stand-in."


def _labelled(label: str, words: str) -> Iterator[str]:
    yield from textwrap.wrap(words, WIDTH, initial_indent=f"  {label:<12}", subsequent_indent=" " * 14)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items())


# --- As JSON ---------------------------------------------------------------------------------------------------------


def twin(reply: Reply) -> str:
    """The same content as JSON; amounts in pence."""

    def plain(_: object, __: object, value: Any) -> Any:
        return value.value if isinstance(value, Reach | Outcome) else value

    return json.dumps(attrs.asdict(reply, value_serializer=plain), indent=2, ensure_ascii=True) + "\n"
