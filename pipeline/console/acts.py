"""What staff can do about a centre, each declared once: what must be said, its effect before it is done, the function
that does it, which is the command line's, and how it is taken back (OPS-3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

import polars as pl
from attrs import frozen

from infra.landing.keys import read_public_key
from pipeline.centres.orders import Application, decide_approval
from pipeline.console.records import HARMLESS
from pipeline.desk import Desk
from pipeline.intake.foresee import Effect, foreseen, in_words
from pipeline.intake.staff import Entry, allow_sitting, change_entry, complete_marks, entry_feed
from pipeline.orders import Order, StaffError
from pipeline.results.withholding import Scope, hanging_over
from pipeline.season.extensions import EXTENDED, doubts, extend, extendable, only_for, withdraw
from pipeline.watching.alerts import ALERTS, TEST
from pipeline.watching.silence import acknowledge, hear, silence, silenceable
from rules import terms
from rules.calendar import instant_text
from rules.catalogue import LONDON, Milestone, Series
from rules.fees import band_of

Said = Mapping[str, str]
"""What somebody has said, by the names of the fields."""


@frozen
class Field:
    """Something that is said. `choices`: what can be chosen; None for free text. `needed`: there is no effect without
    it; `linked`: a link of ours may say it in its address, in which nothing else stands: addresses are in logs."""

    name: str
    label: str
    kind: Literal["text", "date", "area", "number"] = "text"
    choices: Callable[[Desk, str], list[tuple[str, str]]] | None = None
    needed: bool = True
    linked: bool = False


@frozen
class Asked:
    """What an act is about: a centre and a series, what was `said`, and `order`: who, why and when."""

    centre: str
    series: Series
    said: Said
    order: Order


@frozen(kw_only=True)
class Act:
    """An act. `effect` and `do` raise `ValueError`, which says why it cannot be done. `held`: what is on record, to
    begin with; `back`: the page on which it is seen, that of the centre if empty."""

    title: str
    rule: str
    fields: tuple[Field, ...]
    effect: Callable[[Desk, Asked], Effect]
    do: Callable[[Desk, Asked], str]
    undo: str
    back: str = ""
    held: Callable[[Desk, Asked], Said] = lambda _, __: {}


# --- Extensions ------------------------------------------------------------------------------------------------------


def _until(said: Said) -> datetime:
    """The first instant after the last day in Europe/London."""
    try:
        last = datetime.fromisoformat(f"{said['until']}T00:00:00")
    except ValueError:
        raise StaffError(f"{said['until']} is not a day; write it like 2024-05-20") from None
    return (last + timedelta(days=1)).replace(tzinfo=LONDON)


def _extension_effect(desk: Desk, asked: Asked) -> Effect:
    event, until = asked.said["event"], _until(asked.said)
    _, milestone = extendable(desk, asked.series.id, event, asked.order.at)
    only = only_for(desk, asked.series, milestone, until, asked.order.at)
    doubtful = doubts(desk, asked.centre, asked.series.id, event, until, asked.order.at)
    concerned = (("Only for", f"{only}, which end earlier for everybody"),) if only else ()
    return (*_ends(desk, asked, milestone, until), *concerned, *(("Look at this", doubt) for doubt in doubtful))


def _ends(desk: Desk, asked: Asked, milestone: Milestone, until: datetime) -> Effect:
    """Whom an extension concerns, and the ends for everybody, for the centre now, and as it would be."""
    key, extended = (asked.centre, asked.series.id, milestone.event), desk.actions.extensions([asked.centre])
    held = desk.console.counts_of(asked.centre, asked.series.id)
    then = {**extended, key: until}
    bands = [band_of(asked.series, asked.order.at, desk.catalogue, asked.centre, each) for each in (then, extended)]
    fees = dict.fromkeys(band.replace("_", " ") for band in bands)
    return (
        ("Who", f"centre {asked.centre} alone: {held.learners:,} learners with {held.entries:,} entries"),
        ("Ends for everybody", instant_text(milestone.at)),
        ("Ends for this centre", instant_text(max(extended.get(key, milestone.at), milestone.at))),
        ("Would end for this centre", instant_text(until)),
        (
            "Fee band of what is entered now",
            " instead of ".join(fees),
        ),
    )


def _extend(desk: Desk, asked: Asked) -> str:
    return extend(desk, asked.centre, asked.series.id, asked.said["event"], _until(asked.said), asked.order)


def _withdrawn_effect(desk: Desk, asked: Asked) -> Effect:
    event = asked.said["event"]
    _, milestone = extendable(desk, asked.series.id, event, asked.order.at)
    if (asked.centre, asked.series.id, event) not in desk.actions.extensions([asked.centre]):
        raise StaffError(f"centre {asked.centre} has no extension of {event.replace('_', ' ')}")
    after = ("What was decided under it", "stays")
    return (*_ends(desk, asked, milestone, milestone.at), after)


def _withdraw(desk: Desk, asked: Asked) -> str:
    return withdraw(desk, asked.centre, asked.series.id, asked.said["event"], asked.order)


# --- Entries ---------------------------------------------------------------------------------------------------------

Change = Literal["entry", "claim", "withdrawal"]


def learner_of(desk: Desk, asked: Asked) -> str:
    """The UCI in force of the candidate that an act is about; raises `StaffError`."""
    candidate = asked.said["candidate"].strip()
    known = desk.trail.learners(asked.centre, candidate)
    if not known:
        raise StaffError(f"centre {asked.centre} has registered nobody as candidate {candidate}")
    ucis = {uci for uci, series in known if series == known[0][1]}
    if len(ucis) > 1:
        raise StaffError(f"candidate {candidate} is more than one learner: use the command line, with the UCI")
    return known[0][0]


def _entry(desk: Desk, asked: Asked) -> Entry:
    candidate, option = asked.said["candidate"].strip(), asked.said["option"].strip().upper()
    return Entry(asked.centre, asked.series.id, candidate, learner_of(desk, asked), option)


def _entry_effect(change: Change) -> Callable[[Desk, Asked], Effect]:
    def effect(desk: Desk, asked: Asked) -> Effect:
        entry = _entry(desk, asked)
        feed = entry_feed(desk, change, entry, asked.order)
        decision = foreseen(desk, asked.centre, "staff.csv", feed, asked.order.at, terms.STAFF)
        scope = Scope(series=entry.series, centre=entry.centre, uci=entry.uci, option=entry.option)
        over = "" if change == "withdrawal" else hanging_over(desk, scope)
        look = (("Look at this", over),) if over else ()
        return (("Who", f"candidate {entry.candidate} of centre {asked.centre}"), *in_words(decision, HARMLESS), *look)

    return effect


def _change(change: Change) -> Callable[[Desk, Asked], str]:
    def do(desk: Desk, asked: Asked) -> str:
        entry = _entry(desk, asked)
        change_entry(desk, change, entry, asked.order)
        return (
            f"The {change} of {entry.option} for candidate {entry.candidate} is on its way: the next ingest decides it."
        )

    return do


def _of_options(kinds: tuple[str, ...]) -> Callable[[Desk, str], list[tuple[str, str]]]:
    def choices(desk: Desk, series: str) -> list[tuple[str, str]]:
        its = desk.catalogue.series_by_id(series)
        rows = desk.catalogue.options(its).filter(pl.col("kind").is_in(kinds)).iter_rows(named=True) if its else ()
        return sorted((row["option"], row["option"]) for row in rows)

    return choices


# --- Sittings and marks ----------------------------------------------------------------------------------------------


def _number(said: Said) -> int:
    number = said["number"].strip()
    if not (number.isascii() and number.isdigit() and len(number) < 3):
        raise StaffError(f"{number} is no number of sittings")
    return int(number)


def _sitting_effect(desk: Desk, asked: Asked) -> Effect:
    entry, number = _entry(desk, asked), _number(asked.said)
    if desk.catalogue.component(entry.option) is None:
        raise StaffError(f"{entry.option} is not a component")
    if number < 1:
        raise StaffError("grant at least one sitting")
    held = desk.actions.allowances([asked.centre]).filter(
        (pl.col("uci") == entry.uci) & (pl.col("option") == entry.option)
    )
    before = int(held["number"].sum())
    return (
        ("Who", f"candidate {entry.candidate} of centre {asked.centre}, wherever they sit it"),
        ("Further sittings granted so far", f"{before} of {entry.option}"),
        ("Would be", f"{before + number} of {entry.option}"),
        ("What follows", "so many entries more are accepted; what was refused before stays refused (ENT-3, ENT-4)"),
    )


def _grant_sitting(desk: Desk, asked: Asked) -> str:
    entry = _entry(desk, asked)
    allow_sitting(desk, asked.centre, entry.uci, entry.option, _number(asked.said), asked.order)
    return f"{_number(asked.said)} further of {entry.option} granted to candidate {entry.candidate}."


def _complete_effect(desk: Desk, asked: Asked) -> Effect:
    component = asked.said["option"]
    missing = desk.console.marks_missing(asked.centre, asked.series.id).filter(pl.col("component") == component)
    opens = desk.catalogue.milestone(asked.series, "moderation_opens", asked.order.at, component)
    return (
        ("Who", f"the cohort of {component} of centre {asked.centre}"),
        ("Entered without a mark", f"{missing.height:,}: {', '.join(missing['candidate']) or 'nobody'}"),
        ("What follows", "the next run of moderation draws the sample although they have no mark (MOD-3)"),
        ("Moderation opens", opens.text if opens else "not in the calendar"),
    )


def _complete(desk: Desk, asked: Asked) -> str:
    return complete_marks(desk, asked.centre, asked.series.id, asked.said["option"], asked.order)


# --- Alerts ----------------------------------------------------------------------------------------------------------


def _acknowledge_effect(desk: Desk, asked: Asked) -> Effect:
    said = desk.watch.booked(asked.said["key"])
    if said is None:
        raise StaffError(f"there is no alert {asked.said['key']}")
    return (
        ("Alert", said.said),
        ("Seen", instant_text(said.at)),
        ("What follows", f"on the work list it is {asked.order.who}'s; what is wrong stays wrong until it is mended"),
    )


def _silence_effect(desk: Desk, asked: Asked) -> Effect:
    code, until = asked.said["code"], _until(asked.said)
    silenceable(desk, code, until, asked.order.at)
    now = desk.watch.silenced(asked.order.at).get(code)
    return (
        ("Who", "everybody who is told of alerts: nobody is told of this kind"),
        ("Is silenced now", f"until {instant_text(now.until)}, by {now.who}: {now.why}" if now else "no"),
        ("Would be silenced until", instant_text(until)),
        ("What this kind says", ALERTS[code].meaning),
        ("What follows", "it goes on the books as ever, and is told then if it still is so"),
    )


def _hear_effect(desk: Desk, asked: Asked) -> Effect:
    now = desk.watch.silenced(asked.order.at).get(asked.said["code"])
    if now is None:
        raise StaffError(f"{asked.said['code']} is not silenced")
    return (
        ("Is silenced now", f"until {instant_text(now.until)}, by {now.who}: {now.why}"),
        ("What follows", "what is wrong then is told at the next look"),
    )


def _kinds_of_alert(desk: Desk, series: str) -> list[tuple[str, str]]:
    return [(name, name) for name in ALERTS if name != TEST.name]


def _alerts_said(desk: Desk, series: str) -> list[tuple[str, str]]:
    return [(said.key, f"{said.code}, {instant_text(said.at)}: {said.said}"[:120]) for said in desk.watch.said()]


# --- Approvals and keys ----------------------------------------------------------------------------------------------


def _application(asked: Asked) -> Application:
    return Application(centre=asked.centre, qualification=asked.said["qualification"])


def _approval_effect(desk: Desk, asked: Asked) -> Effect:
    about, before = _application(asked), desk.register.decisions([asked.centre])
    if asked.centre not in desk.register.newest([asked.centre]):
        raise StaffError(f"centre {asked.centre} is not in the register")
    own = [row for row in before if row.qualification == about.qualification]
    return (
        ("Who", f"centre {asked.centre}, for {about.qualification}"),
        ("On record", f"{own[-1].decision} since {own[-1].since}" if own else "nothing"),
        ("Would be", f"{asked.said['decision']} since {asked.said['since']}"),
        ("What follows", "files received from that day on are decided by it; what was decided before stays (REG-1)"),
    )


def _decide(desk: Desk, asked: Asked) -> str:
    about, since, order = _application(asked), asked.said["since"], asked.order
    words: dict[str, terms.ApprovalWord] = {word: word for word in DECISIONS}
    decision = words.get(asked.said["decision"])
    if decision is None:
        raise StaffError(f"choose one of {', '.join(DECISIONS)}")
    decide_approval(desk, about, decision, since, order.at, order.who, order.why, how=order.how)
    return f"Approval of centre {asked.centre} for {about.qualification} is {decision} since {since}."


DECISIONS: tuple[terms.ApprovalWord, ...] = (terms.GRANTED, terms.DENIED, terms.ENDED)


def _key_effect(desk: Desk, asked: Asked) -> Effect:
    key = read_public_key(asked.said["key"])
    valid = desk.keys.valid(asked.centre, asked.order.at)
    return (
        ("Who", f"whoever has the private half of {key.fingerprint} ({key.kind}, {key.comment or 'no comment'})"),
        ("Could then", f"send and fetch files as centre {asked.centre}, at once"),
        ("Keys of this centre now", f"{len(valid)}; they stay valid"),
        ("Before you do it", "compare the fingerprint with the one the centre reads out on the telephone"),
    )


def _add_key(desk: Desk, asked: Asked) -> str:
    key, order = read_public_key(asked.said["key"]), asked.order
    desk.keys.add(asked.centre, key, order)
    return f"Centre {asked.centre} can log in with {key.fingerprint}."


def _removal_effect(desk: Desk, asked: Asked) -> Effect:
    valid = desk.keys.valid(asked.centre, asked.order.at)
    if asked.said["fingerprint"] not in {key.fingerprint for key in valid}:
        raise StaffError(f"centre {asked.centre} has no valid key {asked.said['fingerprint']}")
    left = len(valid) - 1
    after = f"{left} keys stay valid" if left else "none: the centre cannot log in until it has a new one"
    return (
        ("Who", f"whoever uses {asked.said['fingerprint']}"),
        ("What", "its sessions end at once"),
        ("After it", after),
    )


def _remove_key(desk: Desk, asked: Asked) -> str:
    order = asked.order
    desk.keys.remove(asked.centre, asked.said["fingerprint"], order)
    return f"Key {asked.said['fingerprint']} of centre {asked.centre} is removed."


CANDIDATE = Field("candidate", "Candidate number", linked=True)
_COMPONENTS = Field("option", "Component", choices=_of_options((terms.INTERNAL, terms.EXTERNAL)))
_CLAIMS = Field("option", "Cash-in code", choices=_of_options((terms.CASH_IN,)))
_ANY = Field("option", "Option", choices=_of_options((terms.INTERNAL, terms.EXTERNAL, terms.CASH_IN)))


def _events(desk: Desk, series: str) -> list[tuple[str, str]]:
    return [(event, event.replace("_", " ")) for event in EXTENDED]


def _qualifications(desk: Desk, series: str) -> list[tuple[str, str]]:
    each = [(one.registration_code, f"{one.registration_code} {one.subject}") for one in desk.catalogue.qualifications]
    return [("*", "every qualification"), *each]


def _decisions(desk: Desk, series: str) -> list[tuple[str, str]]:
    return [(word, word) for word in DECISIONS]


ACTS: Mapping[str, Act] = {
    "extension": Act(
        title="Extend a deadline", rule="CAL-3",
        fields=(
            Field("event", "Deadline", choices=_events),
            Field("until", "Last day", "date"),
        ),
        effect=_extension_effect, do=_extend,
        undo="Withdraw the extension, or extend it again: the last word counts.",
    ),
    "extension-withdrawal": Act(
        title="Withdraw an extension", rule="CAL-3", fields=(Field("event", "Deadline", choices=_events),),
        effect=_withdrawn_effect, do=_withdraw, undo="Extend it again.",
    ),
    "entry": Act(
        title="Enter a candidate", rule="ENT-2", fields=(CANDIDATE, _COMPONENTS),
        effect=_entry_effect("entry"), do=_change("entry"), undo="Withdraw the entry.",
    ),
    "claim": Act(
        title="Claim an award", rule="CRT-1", fields=(CANDIDATE, _CLAIMS),
        effect=_entry_effect("claim"), do=_change("claim"), undo="Withdraw the claim.",
    ),
    "withdrawal": Act(
        title="Withdraw an entry or a claim", rule="ENT-2", fields=(CANDIDATE, _ANY),
        effect=_entry_effect("withdrawal"), do=_change("withdrawal"),
        undo="Enter or claim it again; the fee is that of the day.",
    ),
    "sitting": Act(
        title="Grant a further sitting", rule="ENT-3, ENT-4",
        fields=(CANDIDATE, _COMPONENTS, Field("number", "How many", "number")),
        effect=_sitting_effect, do=_grant_sitting,
        undo="It stays on record; it is used only by an entry, which can be withdrawn.",
    ),
    "complete": Act(
        title="Marks are complete", rule="MOD-3",
        fields=(Field("option", "Component", choices=_of_options((terms.INTERNAL,))),),
        effect=_complete_effect, do=_complete,
        undo="Until the sample is drawn, nothing has followed from it; after that, marks are amended (MRK-2).",
    ),
    "approval": Act(
        title="Decide about an approval", rule="REG-1",
        fields=(
            Field("qualification", "Qualification", choices=_qualifications, linked=True),
            Field("decision", "Decision", choices=_decisions),
            Field("since", "From (day)", "date"),
        ),
        effect=_approval_effect, do=_decide, undo="Decide again: the newest decision holds from its day on.",
    ),
    "key": Act(
        title="Add a key", rule="file transfer", fields=(Field("key", "Public key, as the centre sent it", "area"),),
        effect=_key_effect, do=_add_key, undo="Remove the key.",
    ),
    "key-removal": Act(
        title="Remove a key", rule="file transfer", fields=(Field("fingerprint", "Fingerprint (SHA256:...)"),),
        effect=_removal_effect, do=_remove_key, undo="Add the key again.",
    ),
}  # fmt: skip
"""The acts about a centre, by their names in addresses."""

_KIND = Field("code", "Kind of alert", choices=_kinds_of_alert, linked=True)
DESK_ACTS: Mapping[str, Act] = {
    "alert": Act(
        title="Acknowledge an alert", rule="OPS-3", fields=(Field("key", "Alert", choices=_alerts_said, linked=True),),
        effect=_acknowledge_effect, do=lambda desk, asked: acknowledge(desk, asked.said["key"], asked.order),
        undo="Somebody else acknowledges it: the last word counts.", back="alerts",
    ),
    "silence": Act(
        title="Silence a kind of alert", rule="OPS-3", fields=(_KIND, Field("until", "Last day", "date")),
        effect=_silence_effect,
        do=lambda desk, asked: silence(desk, asked.said["code"], _until(asked.said), asked.order),
        undo="End the silence, at any time.", back="alerts",
    ),
    "silence-end": Act(
        title="End a silence", rule="OPS-3", fields=(_KIND,), effect=_hear_effect,
        do=lambda desk, asked: hear(desk, asked.said["code"], asked.order),
        undo="Silence it again.", back="alerts",
    ),
}  # fmt: skip
"""The acts that are about no centre."""
