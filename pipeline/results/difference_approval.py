"""What the audit found and what people say about it (OPS-4, OPS-7): a broken record holds every release, until the row
is put right or a person takes the difference on themselves, by name and reason, as it was when they looked at it. The
subject is the difference in words."""

from __future__ import annotations

from datetime import datetime

from infra.ledger.actions import Action
from infra.ledger.approvals import ApprovalBook, Proposal
from infra.ledger.results import Awarding
from infra.ledger.seals import SealBook
from pipeline.approvals import ApprovalError, Exhibit, Signature, deciders, reasons, sign
from pipeline.desk import Desk
from pipeline.results.audit import Difference, audit
from pipeline.results.embargo import ReleaseError
from rules import terms


def waiting(desk: Desk) -> list[str]:
    """The differences of the last audit that nobody has taken on."""
    return [difference.words for difference in open_differences(desk.seals, desk.approvals)]


def exhibit(desk: Desk, subject: str) -> Exhibit:
    """The difference, with a hash of what is there now."""
    return _exhibit(_named(desk, subject))


def approve(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Proposal:
    """Takes the difference on: releases go on in spite of it. The row stays as it is, and the audit goes on naming
    it."""
    proposal = sign(desk, exhibit(desk, subject), terms.APPROVED, who, why, now, by)
    if proposal.state == terms.APPROVED:
        done = Action(
            at=now, who=deciders(proposal), how=terms.BY_APPROVAL, why=f"{reasons(proposal)} ({subject})",
            action="difference_accepted", centre="",
        )  # fmt: skip
        if desk.actions.granted(done) is None:
            desk.actions.record(done)
    return proposal


def reject(desk: Desk, subject: str, who: str, why: str, now: datetime, by: Signature) -> Proposal:
    """Says that releases stay held until the row is put right."""
    return sign(desk, exhibit(desk, subject), terms.REJECTED, who, why, now, by)


def open_differences(seals: SealBook, approvals: ApprovalBook) -> list[Difference]:
    """What the last audits found and nobody has taken on."""
    return [difference for difference in _found(seals) if not accepted(approvals, difference)]


def accepted(approvals: ApprovalBook, difference: Difference) -> bool:
    """Whether people have taken on this very difference."""
    newest = approvals.newest(terms.DIFFERENCE, difference.words)
    return bool(newest and newest.state == terms.APPROVED and newest.sha256 == _exhibit(difference).sha256)


def sealed_or_refused(desk: Desk, awarding: Awarding, now: datetime) -> None:
    """OPS-7: audits what is new and the version before it is released; raises `ReleaseError` when something is not as
    it was sealed and nobody has taken it on. `now` is aware."""
    found = audit(desk, now, whole=False, of=awarding)
    held = [difference for difference in found.differences if not accepted(desk.approvals, difference)]
    if held:
        more = f" ({len(held) - 1:,} more)" if len(held) > 1 else ""
        raise ReleaseError(
            f"nothing was published: the record is not as it was sealed. {held[0].unnamed}{more}. "
            f"`resultsday audit` says whose row it is; put it right, or have it taken on: `resultsday approvals list`"
        )


def _found(seals: SealBook) -> list[Difference]:
    """What the last audit found, and the last of everything."""
    audits = [found for found in (seals.audited(), seals.audited(whole=True)) if found]
    return list(dict.fromkeys(Difference(**found) for audited in audits for found in audited.found))


def _named(desk: Desk, subject: str) -> Difference:
    for difference in _found(desk.seals):
        if difference.words == subject:
            return difference
    raise ApprovalError("the last audit has not found this: run `resultsday audit`")


def _exhibit(difference: Difference) -> Exhibit:
    facts = [("What differs", difference.words), ("Place in the chain", str(difference.place or "none"))]
    if difference.now:
        facts.append(("What is there now", f"hash {difference.now}"))
    title = "A row or a file that is not as it was sealed: releases go on in spite of it"
    return Exhibit(kind=terms.DIFFERENCE, subject=difference.words, title=title, facts=tuple(facts), files={})
