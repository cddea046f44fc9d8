"""Held files (FIL-1): the list of them, and what a person decides about them."""

from __future__ import annotations

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, main, open_the_desk, print_json, say, told
from rules import terms


@main.group()
def quarantine() -> None:
    """List held files and decide on them (FIL-1, OPS-3)."""


@quarantine.command("list")
@AS_JSON
@told
def list_(as_json: bool) -> None:
    """List every held file: its number, centre, name, receipt, and what holds it."""
    from pipeline.cli.tools import width
    from pipeline.intake.quarantine import held_lines

    with open_the_desk() as desk:
        held = desk.console.held()
    if as_json:
        print_json(held.iter_rows(named=True))
    else:
        say(held_lines(held, width()))


def _command(name: terms.HoldAction, help_text: str) -> None:
    @quarantine.command(name, help=help_text)
    @click.argument("number", type=int)
    @click.option("--why", required=True, help="The reason, for the record and for the centre.")
    @told
    def run(number: int, why: str) -> None:
        from pipeline.intake.quarantine import ACTIONS, QuarantineError, held_file

        with open_the_desk() as desk:
            try:
                done = ACTIONS[name](desk, held_file(desk, number), ordered(why))
            except QuarantineError as error:
                raise click.ClickException(str(error)) from error
        click.echo(done.note())


_command(terms.AGAIN, "Decide the held file with this NUMBER again, from the archive, as things stand now.")
_command(terms.IGNORE, "Close the held file with this NUMBER: nothing in it is applied, and the centre is told why.")
_command(terms.RELEASE, "Apply the held file with this NUMBER although it is a second or an old entry file (FIL-3).")
