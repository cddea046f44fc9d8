"""Approvals (OPS-4): what people decide about, the SHA-256 of exactly what they are shown, and who has decided.

A decision is an act of the desk's own. It is recorded in the ledger by somebody the desk has verified itself, at the
desk's clock, about one proposal. Airflow only waits for it. A kind is declared in `KINDS`, once; its wing has a module
of four functions (`Acts`), and its jobs call `sign`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pkgutil import resolve_name
from typing import Protocol, cast

from attrs import frozen
from botocore.exceptions import ClientError

from infra.ledger.approvals import (
    NOT_PUT_FORWARD,
    THE_DESK,
    VERIFIED,
    Proposal,
    Said,
    Signer,
    plain_name,
    says_something,
)
from infra.settings import Settings
from infra.store import Missing, is_denied
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.steps import PUT_FORWARD, SIGNED
from rules import terms
from rules.catalogue import instant_text


class ApprovalError(ValueError):
    """A decision that cannot be taken like this; the message says why and what to do."""


# --- What is shown ---------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Exhibit:
    """Exactly what is shown to whoever decides: `facts` (what, value) and `files`, SHA-256 by key of the store."""

    kind: str
    subject: str
    title: str
    facts: tuple[tuple[str, str], ...]
    files: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """What a decision is bound to: of kind, subject, facts and files in their canonical form."""
        content = {"kind": self.kind, "subject": self.subject, "facts": self.facts, "files": dict(self.files)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def files_shown(desk: Desk, keys: Sequence[str]) -> dict[str, str]:
    """The SHA-256 of files of the store by their keys; what is not there is left out."""

    def hashes() -> Iterator[tuple[str, str]]:
        for key in keys:
            try:
                yield key, hashlib.sha256(desk.store.get(key)).hexdigest()
            except Missing:
                continue

    return dict(hashes())


# --- The kinds -------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Signature:
    """How somebody decides: how the desk knows them, how many people are asked for, and the SHA-256 they were shown
    (empty: whatever is there now)."""

    how: str = terms.PLAYED
    people: int = 1
    shown: str = ""


NOT_VERIFIED = "nobody has verified who {person} is: where two people are asked, that does not count"
NOT_SEEN = Signature()
"""Of rehearsals and tests: nobody has looked who it was. Where two people are asked, it does not count."""


class Acts(Protocol):
    """What the module of a kind offers. A subject is a text of its own, which `waiting` gives."""

    def waiting(self, desk: Desk) -> list[str]:
        """What waits for a decision, in order."""

    def exhibit(self, desk: Desk, subject: str) -> Exhibit:
        """What is shown about it; raises `ApprovalError` when there is no such thing."""

    def approve(self, desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> object:
        """The job that approves it."""

    def reject(self, desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> object:
        """The job that rejects it."""


@frozen(kw_only=True)
class Kind:
    """A kind of decision. `title`: what it is, for people; `module`: where its `Acts` are. `proposer_counts`: who has
    put it forward is one of the people asked for; otherwise they must not be, where two are asked."""

    name: str
    title: str
    rule: str
    module: str
    proposer_counts: bool = False

    @property
    def acts(self) -> Acts:
        """Its functions; the module is imported only now."""
        return cast("Acts", resolve_name(self.module))


_ALL = (
    Kind(
        name=terms.BOUNDARIES,
        title="Boundaries: the conversion tables of a series",
        rule="AWD-1",
        module="pipeline.awarding.boundary_approval",
    ),
    Kind(
        name=terms.EXCEPTION,
        title="Exception: what stands in the way of results, accepted as it is",
        rule="AWD-7",
        module="pipeline.awarding.exception_approval",
    ),
    Kind(
        name=terms.RESULTS,
        title="Results: a version, as its files wait under embargo",
        rule="RES-2",
        module="pipeline.results.result_approval",
    ),
    Kind(
        name=terms.ADJUSTMENT,
        title="Adjustment: the marks of a cohort, by moderation",
        rule="MOD-2",
        module="pipeline.marking.adjustment_approval",
    ),
    Kind(
        name=terms.DIFFERENCE,
        title="Difference: a row or a file that the audit found not as it was sealed",
        rule="OPS-7",
        module="pipeline.results.difference_approval",
    ),
    Kind(
        name=terms.CORRECTION,
        title="Correction: what becomes of results that are out",
        rule="RES-7",
        module="pipeline.corrections.approval",
        proposer_counts=True,
    ),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in _ALL}
"""Every kind of decision, by its name in the ledger, in the order of a season."""


# --- Put forward -----------------------------------------------------------------------------------------------------


@journaled
def put_forward(
    desk: Desk, now: datetime, who: str = "", how: str = terms.BY_THE_DESK, people: int = 1, again: bool = False
) -> tuple[str, ...]:
    """OPS-4: puts on record what waits for a decision at `now` (aware), with the hash of what is shown and who puts it
    forward. What is on record already, or was rejected as it is, is not put forward again; with `again`, what was
    rejected is. Returns what is new, as kind and subject."""
    new = []
    for kind in KINDS.values():
        known = {proposal.subject: proposal for proposal in desk.approvals.current(kind.name)}
        for subject in kind.acts.waiting(desk):
            exhibit, newest = kind.acts.exhibit(desk, subject), known.get(subject)
            if newest and newest.sha256 == exhibit.sha256 and not (newest.rejection and again):
                continue
            propose(desk, exhibit, people, Signer(who, how), now)
            new.append(f"{kind.name} {subject}")
    return tuple(new)


def propose(desk: Desk, exhibit: Exhibit, people: int, by: Signer, now: datetime) -> None:
    """OPS-4: puts on record what is shown to whoever decides, for so many `people`, and who puts it forward: one of
    them where the kind says so, and only if they could also approve it."""
    counts = KINDS[exhibit.kind].proposer_counts and by.how in VERIFIED and by.person in persons(desk.settings)
    desk.approvals.propose(exhibit.kind, exhibit.subject, exhibit.sha256, people, by, now, counts=counts)
    PUT_FORWARD.passed()


def unlisted(desk: Desk) -> bool:
    """Whether something waits that nobody has put forward yet."""
    return any(
        set(kind.acts.waiting(desk)) - {proposal.subject for proposal in desk.approvals.current(kind.name)}
        for kind in KINDS.values()
    )


def open_decision(desk: Desk, kind: str, subject: str) -> bool:
    """Whether people still have to decide about something, by the ledger: it waits, and nobody has rejected it as it
    is."""
    acts = KINDS[kind].acts
    if subject not in acts.waiting(desk):
        return False
    newest = desk.approvals.newest(kind, subject)
    return not (newest and newest.rejection and newest.sha256 == acts.exhibit(desk, subject).sha256)


def listed(desk: Desk) -> list[Proposal]:
    """The proposals that wait for a decision, by kind and subject."""
    return [
        proposal
        for kind in KINDS.values()
        for proposal in sorted(
            desk.approvals.current(kind.name, kind.acts.waiting(desk)), key=lambda proposal: proposal.subject
        )
        if proposal.state != terms.REJECTED
    ]


def proposal_numbered(desk: Desk, number: int) -> Proposal:
    """The proposal with a number; raises `ApprovalError` when there is none."""
    proposal = desk.approvals.numbered(number)
    if proposal is None:
        raise ApprovalError(f"there is no proposal {number}: `resultsday approvals list` shows those that wait")
    return proposal


# --- Decided ---------------------------------------------------------------------------------------------------------


def decide(
    desk: Desk, number: int, verdict: terms.Verdict, person: Signer, why: str, now: datetime, shown: str = ""
) -> Proposal:
    """OPS-4: what a door calls when `person`, whom it has verified, decides about a proposal by its number, at the
    desk's clock (`now`, aware). `shown`: the hash on the page; empty: that of the proposal. Returns the proposal as it
    is then; raises `ApprovalError`, and what the job of its kind raises."""
    proposal = proposal_numbered(desk, number)
    if not says_something(why):
        raise ApprovalError("say why: a decision needs a reason (OPS-3)")
    if proposal.rejection and verdict == terms.APPROVED:
        raise ApprovalError(
            f"{proposal.kind} {proposal.subject} was rejected by {proposal.rejection.by}: it must be put forward again"
        )
    asked = max(desk.settings.approvals, proposal.asked)
    if asked > 1:
        may_decide(desk, person, asked)
    kind = KINDS[proposal.kind]
    job = kind.acts.approve if verdict == terms.APPROVED else kind.acts.reject
    by = Signature(how=person.how, people=asked, shown=shown or proposal.sha256)
    try:
        job(desk, proposal.subject, person.who, why, now, by)
    except (OSError, ClientError) as error:
        if not is_denied(error):
            raise
        # In production the console cannot reach what is under embargo: a job that can does what was decided.
        sign(desk, kind.acts.exhibit(desk, proposal.subject), verdict, person.who, why, now, by)
    return proposal_numbered(desk, number)


def settle(desk: Desk, kind: str, series: str = "") -> int:
    """Does what people have decided and nothing has followed from yet, with their own words and at their instant: the
    door by which they decided could not, or died. `series`: what is decided about that one alone. Returns how many.
    Raises as the jobs of the kind do, also when what they were shown has changed since."""
    acts, settled = KINDS[kind].acts, 0
    for proposal in desk.approvals.current(kind, acts.waiting(desk)):
        if proposal.state == terms.PROPOSED or not proposal.subject.startswith(series):
            continue
        last = proposal.rejection or proposal.approvals[-1]
        job = acts.reject if proposal.rejection else acts.approve
        by = Signature(how=last.by.how, people=proposal.asked, shown=proposal.sha256)
        job(desk, proposal.subject, last.by.who, last.why, last.at, by)
        settled += 1
    return settled


def persons(settings: Settings) -> dict[str, str]:
    """OPS-4: who may decide, by every name they are known by: of `jane=jclerk,john` jane and jclerk are one person."""
    found: dict[str, str] = {}
    for one in settings.approvers.split(","):
        names = [name for each in one.split("=") if (name := plain_name(each))]
        known = {found[name] for name in names if name in found}
        for name in [*names, *(name for name, person in found.items() if person in known)]:
            found[name] = names[0]
    return found


def same_person(desk: Desk, one: Signer, other: Signer) -> bool:
    """OPS-4: whether two names are one person's: the same name, or named as one in RESULTSDAY_APPROVERS."""
    known = persons(desk.settings)
    return known.get(one.person, one.person) == known.get(other.person, other.person)


def differ(desk: Desk, first: Signer, second: Signer, done: str, now: str) -> None:
    """OPS-4: raises `ApprovalError` where two people are asked and the second is not another whom the desk has
    verified: `done` is what the first did, `now` what the second wants to."""
    if desk.settings.approvals < 2:
        return
    if second.how not in VERIFIED:
        raise ApprovalError(NOT_VERIFIED.format(person=second))
    if same_person(desk, first, second):
        raise ApprovalError(
            f"{first} has {done} and {second} cannot {now}: where two people are asked, they differ (OPS-4)"
        )


def may_decide(desk: Desk, person: Signer, asked: int) -> None:
    """OPS-4: raises `ApprovalError` where `asked` people are asked and a person is not one who may decide, or only said
    to be by somebody."""
    if person.how not in VERIFIED:
        raise ApprovalError(NOT_VERIFIED.format(person=person))
    if person.person not in persons(desk.settings):
        raise ApprovalError(
            f"{person} may not decide: where {asked} people are asked, RESULTSDAY_APPROVERS names them, as users of "
            f"the console or system accounts (OPS-4)"
        )


def sign(
    desk: Desk, exhibit: Exhibit, verdict: terms.Verdict, who: str, why: str, now: datetime, by: Signature
) -> Proposal:
    """OPS-4: records what somebody says about what they were shown, and returns the proposal with it: its `state` says
    whether that decides it. The job of a kind calls this once everything else is right, and then does what was decided.
    Said again by the same person, nothing is recorded. Raises `ApprovalError` when what was shown is not what is there
    now, or where two people are asked and this would be the same one twice."""
    if by.shown and by.shown != exhibit.sha256:
        raise ApprovalError(
            f"what you were shown is no longer what would be decided: it has SHA-256 {exhibit.sha256[:12]} now, not "
            f"{by.shown[:12]}. Nothing was recorded. Look at it again, and decide about that"
        )
    proposal = desk.approvals.newest(exhibit.kind, exhibit.subject)
    # What was rejected is approved under a number of its own; a rejection that died is made up for under its own.
    closed = proposal is not None and proposal.rejection is not None and verdict == terms.APPROVED
    if proposal is None or proposal.sha256 != exhibit.sha256 or closed:
        proposal = Proposal(
            id=NOT_PUT_FORWARD, kind=exhibit.kind, subject=exhibit.subject, sha256=exhibit.sha256, people=by.people,
            counts=KINDS[exhibit.kind].proposer_counts, by=THE_DESK, at=now,
        )  # fmt: skip
    asked = max(by.people, desk.settings.approvals, proposal.asked)
    said = Said(by=Signer(who, by.how), verdict=verdict, people=asked, at=now, why=why)

    def may(current: Proposal) -> None:
        if asked > 1 and verdict == terms.APPROVED:
            _two_people(desk, current, said)

    may(proposal)
    # Once more as it is when nobody else can say anything: one person under two names at the same moment is one.
    proposal = desk.approvals.say(proposal, said, may)
    SIGNED.passed()
    return proposal


def _two_people(desk: Desk, proposal: Proposal, said: Said) -> None:
    signer = said.by
    if signer.how not in VERIFIED:
        raise ApprovalError(NOT_VERIFIED.format(person=signer))
    if proposal.by.how != terms.BY_THE_DESK and same_person(desk, proposal.by, signer):
        raise ApprovalError(
            f"{proposal.by} put this forward and cannot approve it: where two people are asked, they differ (OPS-4)"
        )
    earlier = next((other for other in proposal.approvals if same_person(desk, other.by, signer)), None)
    # The very same words are said again by a run that died.
    if earlier and proposal.lacking and (earlier.at, earlier.why) != (said.at, said.why):
        raise ApprovalError(
            f"{earlier.by} has approved this already, {instant_text(earlier.at)}: another person is asked (OPS-4)"
        )


_AND, _ACCOUNT = " and ", str(Signer("", terms.BY_ACCOUNT))


def deciders(proposal: Proposal) -> str:
    """Who has approved something, as it stands on record."""
    return together([str(said.by) for said in proposal.approvals])


def together(names: Sequence[str]) -> str:
    """People who did something together, as it stands on record, each once."""
    return _AND.join(dict.fromkeys(names))


def each_of(signer: Signer) -> list[Signer]:
    """The people behind a name on record: those who did it together, as `together` names them, or the one."""
    if signer.how != terms.BY_APPROVAL:
        return [signer]
    return [
        Signer(name.removeprefix(_ACCOUNT), terms.BY_ACCOUNT if name.startswith(_ACCOUNT) else terms.BY_CONSOLE)
        for name in signer.who.split(_AND)
    ]


def reasons(proposal: Proposal) -> str:
    """Why, each reason once."""
    return "; ".join(dict.fromkeys(said.why for said in proposal.approvals))


def record(proposal: Proposal | None) -> tuple[tuple[str, str], ...]:
    """A decision as facts for people: who put it forward, who approved or rejected it, why, when, and the hash of what
    they were shown (OPS-4); nothing without a proposal."""
    if proposal is None:
        return ()
    return (
        ("Put forward", f"by {proposal.by}, {instant_text(proposal.at)}"),
        *(("Approved by" if said.verdict == terms.APPROVED else "Rejected by", _words(said)) for said in proposal.said),
        ("What was shown", f"SHA-256 {proposal.sha256}"),
    )


def _words(said: Said) -> str:
    known = " by log-in to the console" if said.by.how == terms.BY_CONSOLE else ""
    return f"{said.by}, {instant_text(said.at)}{known}: {said.why}"
