"""Commands for keeping and forgetting (OPS-9)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, say, told

if TYPE_CHECKING:
    from pipeline.desk import Desk
    from pipeline.keeping.due import Due


@main.group()
def keep() -> None:
    """Show and let go of what is no longer kept (OPS-9)."""


@keep.command("list")
@AS_JSON
@told
def list_due(as_json: bool) -> None:
    """Count what is due, by class, and what is kept back and why. Nothing is changed."""
    with open_the_desk() as desk:
        if as_json:
            due, _ = _due(desk, datetime.now(UTC))
            print_json(
                {"class": one.kept.name, "count": one.count, "bytes": one.size, "kept_back": dict(one.back)}
                for one in due
            )
        else:
            _list(desk, datetime.now(UTC))


@keep.command("carry-out")
@WHY
@click.option("--yes", is_flag=True, help="Do not ask after the list has been shown.")
@told
def carry_out(why: str, yes: bool) -> None:
    """List what is due, ask, and let go of it. Files and texts are removed; learners whose time has come are
    forgotten."""
    from pipeline.keeping.keep import keep as let_go
    from pipeline.keeping.machine import in_airflow, on_this_machine

    order = ordered(why)
    now = order.at
    with open_the_desk() as desk:
        _list(desk, now)
        if not yes:
            click.confirm("Let go of all this? It cannot be undone", abort=True)
        done = let_go(desk, order.at, order.who, why, order.how)
        on_this_machine(desk.settings, now, carry_out=True)
        in_airflow(desk.settings, now, carry_out=True)
    click.echo(f"Done: {done.count:,} of the desk's own, and what was old on this machine and in Airflow.")


@keep.command()
@click.argument("centre")
@click.option("--series", default="", help="Year and month, for example 2024-06; without it, all series.")
@click.option("--uci", default="", help="The learner; without it, all learners of the centre.")
@click.option("--settled", is_flag=True, help="The dispute is over.")
@WHY
@told
def dispute(centre: str, series: str, uci: str, settled: bool, why: str) -> None:
    """Keep everything about a CENTRE, however old, until the dispute is settled."""
    from infra.ledger.keeping import Dispute
    from pipeline.keeping.dispute import dispute as record

    order = ordered(why)
    with open_the_desk() as desk:
        fresh = record(desk, Dispute(centre, series, uci), order.at, order.who, why, settled, order.how)
    state = "settled" if settled else "in dispute"
    click.echo(f"Centre {centre}: {state}." if fresh else f"Centre {centre}: nothing changes, it is {state} already.")


def _list(desk: Desk, now: datetime) -> None:
    due, trouble = _due(desk, now)
    say(one.line() for one in due)
    say(trouble)


def _due(desk: Desk, now: datetime) -> tuple[list[Due], list[str]]:
    """What is due of each class, of the desk, this machine and Airflow; and what could not be counted."""
    from infra.running.airflow_rows import AirflowRowsError
    from pipeline.keeping.due import look
    from pipeline.keeping.machine import in_airflow, on_this_machine

    due = [*look(desk, now).classes, *on_this_machine(desk.settings, now, carry_out=False)]
    try:
        return [*due, in_airflow(desk.settings, now, carry_out=False)], []
    except AirflowRowsError as error:
        return due, [f"airflow-rows  not counted: {error}"]
