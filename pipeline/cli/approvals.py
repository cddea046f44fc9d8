"""What people decide about (OPS-4): boundaries, results, adjustments. On the command line a person is the system
account that the command runs under, and is shown as such."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import click

from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, say, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.ledger.approvals import Proposal, Signer
    from pipeline.desk import Desk
    from pipeline.orders import Order

HEX = 12
"""Digits of a hash that a list shows."""


def system_account() -> Signer:
    """Who runs this command, by the system's own word: no variable of the environment is asked."""
    import pwd  # the desk runs on Linux; the commands on files do not need it

    from infra.ledger.approvals import Signer
    from rules import terms

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        name = f"{os.getuid()}"
    return Signer(name, terms.BY_ACCOUNT)


def ordered(why: str) -> Order:
    """OPS-3, OPS-4: an order of whoever runs this command, given now."""
    from pipeline.orders import Order

    person = system_account()
    return Order(person.who, why, datetime.now(UTC), person.how)


@main.group()
def approvals() -> None:
    """Look at what waits for a decision, approve it or reject it (OPS-4)."""


@approvals.command("list")
@AS_JSON
@told
def approvals_list(as_json: bool) -> None:
    """List what waits for a decision. What nobody has put forward yet is put forward."""
    from pipeline.approvals import listed, put_forward, unlisted

    with open_the_desk() as desk:
        if unlisted(desk):
            put_forward(desk, datetime.now(UTC), people=desk.settings.approvals)
        if as_json:
            print_json(_row(desk, proposal) for proposal in listed(desk))
        else:
            say([_line(desk, proposal) for proposal in listed(desk)] or ["Nothing waits for a decision."])


def _row(desk: Desk, proposal: Proposal) -> dict[str, object]:
    return {
        "number": proposal.id,
        "kind": proposal.kind,
        "subject": proposal.subject,
        "sha256": proposal.sha256,
        "approved_by": [str(said.by) for said in proposal.approvals],
        "approvals_needed": max(desk.settings.approvals, proposal.asked),
    }


def _line(desk: Desk, proposal: Proposal) -> str:
    asked = max(desk.settings.approvals, proposal.asked)
    by = f" ({', '.join(str(said.by) for said in proposal.approvals)})" if proposal.approvals else ""
    return (
        f"{proposal.id:>5}  {proposal.kind:<11} {proposal.subject:<22} {proposal.sha256[:HEX]}  "
        f"{len(proposal.approvals)} of {asked} approvals{by}"
    )


@approvals.command("show")
@click.argument("number", type=int)
@told
def approvals_show(number: int) -> None:
    """Show what is decided about under a NUMBER of the list, with its SHA-256, and what people have said so far."""
    with open_the_desk() as desk:
        say(_shown(desk, number))


def _shown(desk: Desk, number: int) -> Iterator[str]:
    from pipeline.approvals import KINDS, proposal_numbered, record
    from rules import terms

    proposal = proposal_numbered(desk, number)
    yield f"{KINDS[proposal.kind].title} ({KINDS[proposal.kind].rule})"
    if proposal.state == terms.PROPOSED:
        exhibit = KINDS[proposal.kind].acts.exhibit(desk, proposal.subject)
        yield exhibit.title
        yield from (f"  {what}: {value}" for what, value in exhibit.facts)
        yield from (f"  {key}: SHA-256 {sha256}" for key, sha256 in exhibit.files.items())
        if exhibit.sha256 != proposal.sha256:
            yield "THIS HAS CHANGED since it was put forward and cannot be decided: `resultsday approvals list`"
    yield f"{proposal.subject}: {proposal.state}"
    yield from (f"  {what}: {value}" for what, value in record(proposal))


def _decision(name: Literal["approve", "reject"], help_text: str) -> None:
    @approvals.command(name, help=help_text)
    @click.argument("number", type=int)
    @WHY
    @told
    def run(number: int, why: str) -> None:
        from pipeline.approvals import decide
        from rules import terms

        verdict: terms.Verdict = terms.APPROVED if name == "approve" else terms.REJECTED
        with open_the_desk() as desk:
            person = system_account()
            proposal = decide(desk, number, verdict, person, why, datetime.now(UTC))
        if proposal.lacking and not proposal.rejection:
            click.echo(
                f"{proposal.kind} {proposal.subject}: approved by {person}; {proposal.lacking} more must approve."
            )
        else:
            click.echo(f"{proposal.kind} {proposal.subject}: {proposal.state}, on record as {person}.")


_decision("approve", "Approve what stands under a NUMBER of the list, exactly as it was put forward.")
_decision("reject", "Reject what stands under a NUMBER of the list: results are withdrawn, boundaries and marks stay.")
