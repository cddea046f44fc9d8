"""The gate before issue (AWD-7): the balance sheet, and what people accept. Who accepts is the system account that the
command runs under."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.approvals import system_account
from pipeline.cli.tools import WHY, main, open_the_desk, say, series_of, told

if TYPE_CHECKING:
    from infra.ledger.approvals import Proposal
    from pipeline.desk import Desk


@main.group()
def gate() -> None:
    """See what stands in the way of results, and accept it (AWD-7)."""


@gate.command("show")
@click.argument("series")
@told
def gate_show(series: str) -> None:
    """Show the balance of the newest results of a SERIES: what adds up, what blocks, what is accepted."""
    from pipeline.awarding.balance import balance

    with open_the_desk() as desk:
        awarding = desk.results.newest(series_of(desk, series).id)
        if awarding is None:
            raise click.ClickException(f"{series} has not been awarded: run `resultsday award {series}` first")
        say(balance(desk, awarding, datetime.now(UTC)).lines())


def _about(command: Any) -> Any:
    for parameter in (
        WHY,
        click.option("--centre", help="For a centre."),
        click.option("--component", help="For a component, or the qualification whose grades have moved."),
        click.argument("code"),
        click.argument("series"),
    ):
        command = parameter(command)
    return command


@gate.command("accept")
@_about
@told
def gate_accept(series: str, code: str, component: str | None, centre: str | None, why: str) -> None:
    """Accept the exceptions of a CODE in a SERIES, for a component or for a centre."""
    from rules import terms

    with open_the_desk() as desk:
        proposal = _decided(
            desk, f"{series_of(desk, series).id} {code} {_scope(component, centre)}", terms.APPROVED, why
        )
    said = "accepted" if proposal.state == terms.APPROVED else f"{proposal.lacking} more must accept it"
    click.echo(f"{proposal.subject}: {said}, on record as {system_account()}.")


@gate.command("take-back")
@_about
@told
def gate_take_back(series: str, code: str, component: str | None, centre: str | None, why: str) -> None:
    """Take the acceptance of a CODE in a SERIES back, before the results are approved."""
    from rules import terms

    with open_the_desk() as desk:
        proposal = _decided(
            desk, f"{series_of(desk, series).id} {code} {_scope(component, centre)}", terms.REJECTED, why
        )
    click.echo(f"{proposal.subject}: it blocks again, on record as {system_account()}.")


def _scope(component: str | None, centre: str | None) -> str:
    if bool(component) == bool(centre):
        raise click.UsageError("say either --component or --centre")
    return str(component or centre)


def _decided(desk: Desk, subject: str, verdict: str, why: str) -> Proposal:
    """Puts forward what is asked for, unless it is, and decides about it like any other proposal (OPS-4)."""
    from infra.ledger.approvals import THE_DESK
    from pipeline.approvals import KINDS, decide
    from rules import terms

    now, people = datetime.now(UTC), desk.settings.approvals
    exhibit = KINDS[terms.EXCEPTION].acts.exhibit(desk, subject)
    proposal = desk.approvals.propose(terms.EXCEPTION, subject, exhibit.sha256, people, THE_DESK, now)
    wanted: terms.Verdict = terms.APPROVED if verdict == terms.APPROVED else terms.REJECTED
    return decide(desk, proposal.id, wanted, system_account(), why, now)
