"""Replies to centres: a text file for people, and its JSON twin with the same content (FIL-1).

A reply first says what was received and when, and is later completed with what became of it. It holds only what the
file, the ledger and the catalogue say, so that a replayed file gets the same bytes.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC
from typing import Any

import attrs
from attrs import frozen

from infra.ledger.submissions import Landing
from parsers.feed import COMPLETE
from parsers.findings import AMEND, UCI_MISSING, UNLESS_REFUSED, WHOEVER_SENT, Finding, Reach, visible
from parsers.gathered import Gathered
from parsers.reader import Submission
from parsers.reply import encode
from pipeline.wording import WIDTH, cause_lines, causes_summary, money
from rules import terms
from rules.cards import Card, lines
from rules.catalogue import PLACEHOLDER, instant_text
from rules.decisions import Decision, Outcome, decisive
from rules.details import DetailChange
from rules.details import told as changes_told
from rules.fees import Charge
from rules.findings import ALREADY_PROCESSED, FILE_SAYS_NOTHING


@frozen(kw_only=True)
class Reply:
    """The content of a reply; `text` and `twin` render it. `causes` are told; `left_out` makes no difference to what
    became of the file. `findings`: the single findings behind both, at most `LISTED` of a code."""

    name: str
    centre: str
    file: str
    size: int
    sha256: str
    received: str
    received_at: str
    centre_name: str = ""
    trial: bool = False
    """The file was only tried: nothing of this has happened."""
    outcome: str | None = None
    content: str | None = None
    next_action: str | None = None
    next_file: str | None = None
    candidates: dict[str, int] = attrs.field(factory=dict)
    options: dict[str, int] = attrs.field(factory=dict)
    marks: dict[str, int] = attrs.field(factory=dict)
    fees: tuple[Charge, ...] = ()
    fee_total_pence: int = 0
    details_changed: tuple[DetailChange, ...] = ()
    causes: tuple[Gathered, ...] = ()
    left_out: tuple[Gathered, ...] = ()
    findings: tuple[Finding, ...] = ()
    who_is_who: tuple[Card, ...] = ()


def received(landing: Landing, name: str, centre_name: str = "") -> Reply:
    """The reply once a file has arrived and is in the archive."""
    return Reply(
        name=name,
        centre=landing.centre,
        centre_name=centre_name,
        file=visible(landing.file_name),
        size=landing.size,
        sha256=landing.sha256,
        received=instant_text(landing.received),
        received_at=landing.received.astimezone(UTC).isoformat(),
    )


def processed(landing: Landing, name: str, submission: Submission, decision: Decision) -> Reply:
    """The complete reply."""
    told = decisive(decision.causes)
    return attrs.evolve(
        received(landing, name, decision.centre_name),
        outcome=decision.outcome.value,
        next_action=_next_action(submission, decision, told),
        content=_content(submission, decision),
        next_file=_next_file(submission, decision),
        candidates=_candidates(decision),
        options=_options(decision, told),
        marks={"in the file" if what == "marks" else what: count for what, count in decision.mark_counts.items()},
        fees=decision.charges,
        fee_total_pence=decision.pence,
        details_changed=changes_told(decision.versions) if decision.outcome.booked else (),
        causes=tuple(_sent_again(cause, submission, decision.outcome) for cause in told),
        left_out=tuple(cause for cause in decision.causes if cause not in told),
        findings=decision.findings,
        who_is_who=decision.cards if any(cause.candidates for cause in told) else (),
    )


def _candidates(decision: Decision) -> dict[str, int]:
    """How many candidates a file has, and what became of them: of a file that is refused, of all the same."""
    whole = decision.candidates
    refused = whole if decision.outcome is Outcome.REFUSED else decision.candidates_refused
    accepted = whole - refused if decision.booked else 0
    return {"in the file": whole, "accepted": accepted, "refused": refused} if whole else {}


def _options(decision: Decision, told: Sequence[Gathered]) -> dict[str, int]:
    """What became of the options; nothing of a file that was not decided by its entries: it is refused or held as a
    whole, whatever they are."""
    whole = any(cause.reach in (Reach.FILE, Reach.HOLD) for cause in told)
    if whole or not decision.candidates or not (decision.outcome.booked or decision.options_refused):
        return {}
    return {
        "new": decision.added.height,
        "unchanged": decision.kept,
        "withdrawn": decision.ended.height,
        "refused": decision.options_refused,
    }


def _content(submission: Submission, decision: Decision) -> str | None:
    header, kind = submission.header, submission.type
    if header is not None and submission.feed is not None and decision.series:
        complete = int((submission.feed["action"] == COMPLETE).sum())
        parts = {"entries and withdrawals": submission.feed.height - complete, "components said to be marked": complete}
        said = " and ".join(f"{count} {what}" for what, count in parts.items() if count) or "nothing"
        return f"{said} for {decision.series.title} ({header.series_key}), not by file"
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


def _next_action(submission: Submission, decision: Decision, told: Sequence[Gathered]) -> str:
    """The one thing to do next, in a sentence or two."""
    stops = [cause for cause in told if cause.reach not in (Reach.WARNING, Reach.NOTE)]
    whole = [cause for cause in told if cause.reach in (Reach.FILE, Reach.HOLD) or cause.code in _DECIDED_BY]
    if whole:
        return whole[0].remedy
    following = _next_file(submission, decision)
    if decision.outcome is Outcome.REFUSED:
        again = "send it again" if submission.feed is not None else _AGAIN
        return f"Nothing was applied. Put right what is said below ({_numbered(len(stops))}), and {again}."
    if decision.outcome is Outcome.PARTLY:
        where = following.partition(" in ")[2] if following else "a new file"
        return f"Put right what was refused ({_numbered(len(stops))} below), and send it in {where}."
    if following and decision.ended.height and not (decision.added.height or decision.kept):
        lost = f"The file withdrew all that its candidates held ({decision.ended.height} options) and entered nothing."
        return f"{lost} If that was not meant, {following.replace('further changes', 'them again with every option')}."
    look = _LOOK if any(cause.reach is Reach.WARNING for cause in told) else "Nothing to do."
    return f"{look} {following[0].upper()}{following[1:]}." if following else look


_DECIDED_BY = (ALREADY_PROCESSED.name, FILE_SAYS_NOTHING.name)
_AGAIN = "send the file again under its own name: its number is still free"
_LOOK = "Everything was applied. Look at the warnings below."


def _numbered(count: int) -> str:
    return "finding 1" if count == 1 else f"findings 1 {'and' if count == 2 else 'to'} {count}"


def _sent_again(cause: Gathered, submission: Submission, outcome: Outcome) -> Gathered:
    """A cause, where what is put right is to be sent: marks in a new file of marks; of a file of which nothing was
    applied, the file itself, and no amendment to it."""
    letter, remedy = submission.type.letter if submission.type else "", cause.remedy
    if letter == "M":
        for words, instead in _OF_MARKS.items():
            remedy = remedy.replace(words, instead)
    elif letter:
        remedy = remedy.replace(UNLESS_REFUSED, _THEN).replace(WHOEVER_SENT, _CANDIDATES)
        if outcome is Outcome.REFUSED:
            for amendment in ("in your next amendment (A) file", "in an amendment (A) file"):
                remedy = remedy.replace(amendment, "in this file")
    return attrs.evolve(cause, remedy=remedy)


_CANDIDATES = "Send the candidates again in your next amendment (A) file."
_THEN = "Then send the candidates again in your next amendment (A) file."
_MARKS = "end the marks again in a new file of marks."
_OF_MARKS = {
    UNLESS_REFUSED: f"Then s{_MARKS}",
    WHOEVER_SENT: f"S{_MARKS}",
    UCI_MISSING.remedy: f"Put in the UCI under which the candidate is entered, and s{_MARKS}",
    AMEND: f"Correct it and s{_MARKS}",
}


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
        f"{'TRIAL' if reply.trial else 'REPLY'} {reply.name}",
        *_address(reply),
        "",
        *(_TRIAL if reply.trial else ()),
        *_next(reply),
        "TRIED" if reply.trial else "RECEIVED",
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


def _address(reply: Reply) -> list[str]:
    """To whom, about what; in two lines where the centre's name is long."""
    to, about = f"to centre {reply.centre} {reply.centre_name}".rstrip(), f"about {reply.file}"
    together = f"{to} {about}"
    return [together] if len(together) <= WIDTH else [*textwrap.wrap(to, WIDTH), about]


def _next(reply: Reply) -> Iterator[str]:
    """What to do next, before anything else."""
    if reply.next_action:
        yield "NEXT"
        yield from textwrap.wrap(
            reply.next_action, WIDTH, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False
        )
        yield ""


_TRIAL = (
    "This was a trial. The file was not received, nothing was applied or charged, no number was used.",
    "What follows is what would be answered if it were sent now, to inbox.",
    "",
)


def _processed(reply: Reply) -> Iterator[str]:
    assert reply.outcome is not None
    yield "WHAT WOULD COME OF IT" if reply.trial else "PROCESSED"
    yield f"  Outcome     {'would be ' if reply.trial else ''}{reply.outcome.upper()}"
    if reply.content:
        yield from _labelled("Content", reply.content)
    if reply.candidates:
        yield from _labelled("Candidates", _counts(reply.candidates))
    if reply.options:
        yield from _labelled("Options", _counts(reply.options))
    if reply.marks:
        yield from _labelled("Marks", _counts(reply.marks))
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
    yield f"FINDINGS  {causes_summary(reply.causes)}"
    for number, cause in enumerate(reply.causes, 1):
        yield ""
        yield from cause_lines(number, cause)
    if reply.left_out:
        yield ""
        yield from textwrap.wrap(_left_out(reply), WIDTH, initial_indent="  ", subsequent_indent="  ")
    if reply.who_is_who:
        yield ""
        yield "WHO IS WHO  a star is before what differs"
    for card in reply.who_is_who:
        yield ""
        yield from lines(card, WIDTH)


def _left_out(reply: Reply) -> str:
    count = len(reply.left_out)
    said = f"{count} more finding{'s are' if count > 1 else ' is'} not shown"
    held = "until it is decided about" if reply.outcome == Outcome.QUARANTINED else "while the file is refused"
    return f"{said}, because {'they make' if count > 1 else 'it makes'} no difference {held}: see {reply.name}.json."


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
