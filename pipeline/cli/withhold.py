"""Withholding results (RES-8). Who decides is the system account that the command runs under."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.approvals import system_account
from pipeline.cli.tools import AS_JSON, main, open_the_desk, print_json, say, series_of, told

if TYPE_CHECKING:
    from pipeline.desk import Desk
    from pipeline.results.withholding import Scope
    from rules import terms


@main.group()
def withhold() -> None:
    """Withhold results that are not out, and decide about them (RES-8)."""


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--why", required=True, help="The reason, for the record."),
        click.option("--option", "code", default="", help="Component code, or cash-in code for the award alone."),
        click.option("--candidate", default="", help="Candidate number in that series, with --centre."),
        click.option("--centre", default="", help="Centre number."),
        click.argument("series"),
    ):
        command = option(command)
    return command


@withhold.command("put")
@_scoped
@told
def withhold_put(series: str, centre: str, candidate: str, code: str, why: str) -> None:
    """Withhold results of a SERIES: of a learner, a component, a cohort or a centre."""
    from pipeline.orders import Order
    from pipeline.results.withholding import withhold as run

    person = system_account()
    with open_the_desk() as desk:
        scope = _scope(desk, series, centre, candidate, code)
        click.echo(run(desk, scope, Order(person.who, why, datetime.now(UTC)), person.how))


@withhold.command("release")
@_scoped
@told
def withhold_release(series: str, centre: str, candidate: str, code: str, why: str) -> None:
    """Release what is withheld: the result follows with the later claims."""
    from rules import terms

    _decided(series, centre, candidate, code, why, terms.HOLD_RELEASED)


@withhold.command("void")
@_scoped
@told
def withhold_void(series: str, centre: str, candidate: str, code: str, why: str) -> None:
    """Void what is withheld: there is no result."""
    from rules import terms

    _decided(series, centre, candidate, code, why, terms.HOLD_VOIDED)


@withhold.command("list")
@AS_JSON
@told
def withhold_list(as_json: bool) -> None:
    """List what is withheld, with reason and since when."""
    from pipeline.results.withholding import holds
    from rules.catalogue import instant_text

    with open_the_desk() as desk:
        held = list(holds(desk).iter_rows(named=True))
    if as_json:
        print_json(held)
        return
    rows = [
        f"{row['series']}  {row['centre'] or '*':<5}  {row['uci'] or '*':<13}  {row['option'] or '*':<6}  "
        f"since {instant_text(row['at'])}, by {row['who']}: {row['why']}"
        for row in held
    ]
    say(rows or ["Nothing is withheld."])


def _decided(series: str, centre: str, candidate: str, code: str, why: str, verdict: terms.HoldWord) -> None:
    from pipeline.orders import Order
    from pipeline.results.withholding import end_withholding

    person = system_account()
    with open_the_desk() as desk:
        scope = _scope(desk, series, centre, candidate, code)
        click.echo(end_withholding(desk, scope, verdict, Order(person.who, why, datetime.now(UTC)), person.how))


def _scope(desk: Desk, series: str, centre: str, candidate: str, code: str) -> Scope:
    """The scope that is meant; the learner's UCI from the candidate number."""
    from pipeline.results.withholding import Scope

    meant = series_of(desk, series).id
    uci = ""
    if candidate:
        mine = desk.results.held(meant).filter(centre=centre, candidate=candidate)
        if not centre or mine.is_empty():
            raise click.ClickException(f"nobody is candidate {candidate} of centre {centre or '(none)'} in {meant}")
        uci = str(mine["uci"][0])
    return Scope(series=meant, centre=centre, uci=uci, option=code)
