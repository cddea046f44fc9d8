"""What customer services do by hand; each is recorded with who, when and why (OPS-3)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, WHY, Day, main, open_the_desk, print_json, say, told

if TYPE_CHECKING:
    pass


@main.group()
def staff() -> None:
    """Act for customer services (OPS-3). Each action is recorded with who, when and why."""


def _ordered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        WHY,
        click.option("--centre", required=True, help="Centre number."),
    ):
        command = option(command)
    return command


@main.group()
def extension() -> None:
    """Deadlines extended for one centre (CAL-3). Each change is recorded with who, when and why."""


def _deadline(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--event", required=True, help="The milestone, for example window_closes or marks_deadline."),
        click.option("--series", required=True, help="Year and month, for example 2024-06."),
    ):
        command = option(command)
    return _ordered(command)


@extension.command()
@_deadline
@click.option(
    "--until",
    required=True,
    type=Day(),
    help="The last day, Europe/London; the whole day counts.",
)
@click.option("--yes", is_flag=True, help="Do it without asking, whatever makes it doubtful.")
@told
def grant(centre: str, series: str, event: str, until: datetime, yes: bool, why: str) -> None:
    """Extend a deadline of a series for one centre (CAL-3), or give an extension another last day."""
    from pipeline.season.extensions import doubts, extend
    from rules.catalogue import LONDON

    end = (until + timedelta(days=1)).replace(tzinfo=LONDON)
    with open_the_desk() as desk:
        order = ordered(why)
        doubtful = list(doubts(desk, centre, series, event, end, order.at))
        say(doubtful)
        if doubtful and not yes:
            click.confirm("Extend it nevertheless?", abort=True)
        click.echo(extend(desk, centre, series, event, end, order))


staff.add_command(grant, "extension")


@extension.command()
@_deadline
@told
def withdraw(centre: str, series: str, event: str, why: str) -> None:
    """Take an extension back (CAL-3): the calendar's date counts for the centre again."""
    from pipeline.season.extensions import withdraw as order

    with open_the_desk() as desk:
        click.echo(order(desk, centre, series, event, ordered(why)))


@extension.command("list")
@click.option("--series", default="", help="Only of this series, for example 2024-06.")
@click.option("--centre", default="", help="Only of this centre.")
@AS_JSON
@told
def list_extensions(series: str, centre: str, as_json: bool) -> None:
    """List the extensions in force, with who granted each and why (CAL-3)."""
    from pipeline.season.extensions import listed

    with open_the_desk() as desk:
        if as_json:
            print_json(desk.actions.extended([centre] if centre else None, series))
            return
        say(list(listed(desk, series, centre)) or ["No centre has an extension."])


@staff.command()
@_ordered
@click.option("--uci", required=True, help="The learner.")
@click.option("--component", required=True, help="Component code.")
@click.option("--number", default=1, show_default=True, help="Further sittings.")
@told
def sitting(centre: str, uci: str, component: str, number: int, why: str) -> None:
    """Grant a learner further sittings of a component (ENT-3, ENT-4)."""
    from pipeline.intake.staff import allow_sitting

    with open_the_desk() as desk:
        click.echo(allow_sitting(desk, centre, uci, component, number, ordered(why)))


@staff.command()
@_ordered
@click.option("--series", required=True, help="Year and month, for example 2024-06.")
@click.option("--component", required=True, help="Component code.")
@told
def complete(centre: str, series: str, component: str, why: str) -> None:
    """Record that a centre has sent all its marks of a component (MOD-3). Its sample may then be drawn early."""
    from pipeline.intake.staff import complete_marks

    with open_the_desk() as desk:
        click.echo(complete_marks(desk, centre, series, component, ordered(why)))


def _entry_command(action: Literal["entry", "claim", "withdrawal"], help_text: str) -> None:
    @staff.command(action, help=help_text)
    @_ordered
    @click.option("--series", required=True, help="Year and month, for example 2024-06.")
    @click.option("--candidate", required=True, help="Candidate number in that series.")
    @click.option("--uci", required=True, help="The learner.")
    @click.option("--option", "code", required=True, help="Component or cash-in code.")
    @told
    def run(centre: str, series: str, candidate: str, uci: str, code: str, why: str, certificate: bool = False) -> None:
        from pipeline.intake.staff import Entry, change_entry
        from pipeline.results.withholding import Scope, hanging_over

        with open_the_desk() as desk:
            entry = Entry(centre, series, candidate, uci, code)
            key = change_entry(desk, action, entry, ordered(why), certificate)
            over = hanging_over(desk, Scope(series=series, centre=centre, uci=uci, option=code))
        click.echo(f"Waits for the next ingest as {key}; the reply will be in the centre's outbox.")
        if over and action != "withdrawal":
            click.echo(over)

    if action == "claim":
        asked = "--certificate", "The centre asks for a certificate; after the late window it gets none without this."
        click.option(asked[0], is_flag=True, help=asked[1])(run)


_entry_command("entry", "Enter a learner for a component when the centre itself no longer can (ENT-2).")
_entry_command("claim", "Claim an award for a learner (CRT-1).")
_entry_command("withdrawal", "Withdraw an entry or a claim of a learner.")
