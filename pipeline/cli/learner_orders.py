"""Commands that show a learner's life and put right who a learner is (REG-8); the effect is shown first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.learners import learner
from pipeline.cli.tools import AS_JSON, WHY, open_the_desk, print_json, say, told


def _ordered(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--yes", is_flag=True, help="Do it without asking, after the effect has been shown."),
        WHY,
    ):
        command = option(command)
    return command


def _confirmed(lines: list[str], yes: bool) -> None:
    say(lines)
    if not yes:
        click.confirm("Do it?", abort=True)


@learner.command()
@click.argument("uci")
@told
def show(uci: str) -> None:
    """Everything on record about the learner to whom this UCI leads: details with their versions, UCIs, registrations,
    entries, marks, results."""
    from pipeline.learners.life import show as life

    with open_the_desk() as desk:
        say(life(desk, uci))


@learner.command()
@AS_JSON
@told
def waiting(as_json: bool) -> None:
    """Learners about whom staff decide: entered or awarded at two centres, left behind by
    a move, or records that may be of two people."""
    from pipeline.learners.waiting import tie, to_do
    from pipeline.learners.waiting import waiting as list_

    with open_the_desk() as desk:
        rows = list_(desk)
    if as_json:
        print_json(rows.iter_rows(named=True))
        return
    for row in rows.iter_rows(named=True):
        about = f" {row['option']}" if row["option"] else ""
        other = f", {tie(row)} centre {row['other']} as candidate {row['number']}" if row["other"] else ""
        click.echo(f"{row['code']}: centre {row['centre']}, candidate {row['candidate']}, UCI {row['uci'] or 'none'}, "
                   f"{row['series']}{about}{other}: {to_do(row)}")  # fmt: skip
    if rows.is_empty():
        click.echo("Nothing waits.")


@learner.command()
@click.argument("uci")
@click.option("--to", default="", help="The right UCI, under which nobody is on record.")
@click.option("--name", default="", help="The right name, as SURNAME:FORENAMES.")
@click.option("--born", default="", help="The right date of birth, as 2008-02-09.")
@_ordered
@told
def correct(uci: str, to: str, name: str, born: str, why: str, yes: bool) -> None:
    """Replace a UCI by the right one (REG-8), or put a name or a date of birth right (REG-6).

    Both UCIs lead to the learner from then on; `learner split` undoes it. Name and date of birth hold at every centre
    that has registered the learner, with every version on record; the same command with what was there undoes it.
    """
    from pipeline.learners.life import details_becoming, following
    from pipeline.learners.orders import Details, correct_details
    from pipeline.learners.orders import correct as order

    if bool(to) == bool(name or born):
        raise click.UsageError("give the right UCI (--to), or the right --name or --born")
    with open_the_desk() as desk:
        if to:
            _confirmed([f"UCI {uci} is to be replaced by {to}.", *following(desk, uci)], yes)
            click.echo(order(desk, uci, to, ordered(why)))
            return
        details = Details(name=name, born=born)
        _confirmed([*details_becoming(desk, uci, details.kept, born), "It costs nothing."], yes)
        click.echo(correct_details(desk, uci, details, ordered(why)))


@learner.command()
@click.argument("uci")
@click.option("--into", required=True, help="The UCI that the learner keeps.")
@_ordered
@told
def merge(uci: str, into: str, why: str, yes: bool) -> None:
    """Merge two UCIs of one person (REG-8). Both lead to the learner from then on; `learner split` undoes it."""
    from pipeline.learners.life import clashes, following, show
    from pipeline.learners.orders import also_held
    from pipeline.learners.orders import merge as order

    with open_the_desk() as desk:
        both = [*show(desk, uci), "", *show(desk, into), "", f"UCI {uci} is to lead to {into}."]
        both += [*clashes(desk, uci, into), *also_held(desk, uci, into)]
        _confirmed([*both, *following(desk, uci)], yes)
        click.echo(order(desk, uci, into, ordered(why)))


@learner.command()
@click.argument("uci")
@_ordered
@told
def split(uci: str, why: str, yes: bool) -> None:
    """Undo a correction or a merge (REG-8): what came under this UCI is its own again."""
    from pipeline.learners.life import in_force
    from pipeline.learners.orders import split as order

    with open_the_desk() as desk:
        _confirmed([f"UCI {uci} leads to {in_force(desk, uci)}, and is to be a learner by itself again.",
                    "What came under it goes with it. It costs nothing."], yes)  # fmt: skip
        click.echo(order(desk, uci, ordered(why)))


@learner.command()
@click.argument("uci")
@click.option("--centre", required=True, help="The centre the learner leaves.")
@click.option("--to", required=True, help="The centre the learner goes to.")
@click.option("--candidate", required=True, help="The candidate number there.")
@_ordered
@told
def transfer(uci: str, centre: str, to: str, candidate: str, why: str, yes: bool) -> None:
    """Move a learner to another centre, with registrations, entries of series without results, and marks (REG-8).
    The same command the other way round undoes it."""
    from pipeline.learners.orders import kept_numbers, movable, staying
    from pipeline.learners.orders import transfer as order
    from pipeline.register import title

    with open_the_desk() as desk:
        moving = movable(desk, uci, centre, to, candidate, datetime.now(UTC))
        lines = [f"  {row['series']} {row['option']}" for row in moving.iter_rows(named=True)]
        way = f"From centre {title(desk, centre)} to {title(desk, to)}"
        lines = [f"{way}, candidate {candidate}, with their marks:", *lines, *kept_numbers(moving, candidate)]
        lines += staying(desk, uci, centre, to)
        _confirmed([*lines, "It costs nothing."], yes)
        click.echo(order(desk, uci, centre, to, candidate, ordered(why)))
