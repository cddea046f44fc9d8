"""Withholding results (RES-8). Who decides is the system account that the command runs under."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, say, series_of, told

if TYPE_CHECKING:
    from rules import terms


@main.group()
def withhold() -> None:
    """Withhold results, and decide about them (RES-8)."""


def _scoped(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        WHY,
        click.option("--option", "code", default="", help="Component code, or cash-in code for the award alone."),
        click.option("--candidate", default="", help="Candidate number in that series, with --centre."),
        click.option("--centre", default="", help="Centre number."),
        click.argument("series"),
    ):
        command = option(command)
    return command


@withhold.command("put")
@_scoped
@click.option("--preview", is_flag=True, help="Show what it would do to results that are out, and record nothing.")
@told
def withhold_put(series: str, centre: str, candidate: str, code: str, why: str, preview: bool) -> None:
    """Withhold results of a SERIES: of a learner, a component, a cohort or a centre.

    What is out is withheld by a correction: this shows the effect and proposes it, and another person approves it.
    """
    from infra.ledger.corrections import Subject
    from pipeline.corrections.preview import effect_lines
    from pipeline.corrections.withhold import effect_of, put

    with open_the_desk() as desk:
        found, subject = series_of(desk, series), Subject(component=code, centre=centre, candidate=candidate)
        effect = effect_of(desk, found, subject)
        if effect:
            say(effect_lines(desk, effect))
        if preview:
            click.echo("Nothing was recorded." if effect else "Nothing of it is out. Nothing was recorded.")
            return
        click.echo(put(desk, found, subject, ordered(why))[0])


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


@withhold.command("give-back")
@_scoped
@click.option("--preview", is_flag=True, help="Show what comes back and what stays voided, and record nothing.")
@told
def withhold_give_back(series: str, centre: str, candidate: str, code: str, why: str, preview: bool) -> None:
    """Give back what was voided, before it is out: there is a result again. Afterwards it is a correction.

    Also a part of what was voided: one learner of a cohort, or one component of a learner.
    """
    from infra.ledger.corrections import Subject
    from pipeline.results.withholding import back_effect, scope_of
    from rules import terms

    if preview:
        with open_the_desk() as desk:
            subject = Subject(component=code, centre=centre, candidate=candidate)
            effect = back_effect(desk, scope_of(desk, series_of(desk, series).id, subject))
        say([*(f"{what}: {whose}" for what, whose in effect or [("Comes back", "nothing")]), "Nothing was recorded."])
        return
    _decided(series, centre, candidate, code, why, terms.HOLD_GIVEN_BACK)


@withhold.command("list")
@click.option("--voided", is_flag=True, help="List what is voided instead.")
@AS_JSON
@told
def withhold_list(as_json: bool, voided: bool) -> None:
    """List what is withheld, or voided, with reason and since when."""
    from pipeline.results.withholding import holds
    from rules import terms
    from rules.catalogue import instant_text

    with open_the_desk() as desk:
        held = list(holds(desk, terms.HOLD_VOIDED if voided else terms.WITHHELD).iter_rows(named=True))
    if as_json:
        print_json(held)
        return
    rows = [
        f"{row['series']}  {row['centre'] or '*':<5}  {row['uci'] or '*':<13}  {row['option'] or '*':<6}  "
        f"since {instant_text(row['at'])}, by {row['who']}: {row['why']}"
        for row in held
    ]
    say(rows or [f"Nothing is {terms.VOIDED if voided else terms.WITHHELD}."])


def _decided(series: str, centre: str, candidate: str, code: str, why: str, verdict: terms.HoldWord) -> None:
    from infra.ledger.corrections import Subject
    from pipeline.results.withholding import end_withholding, scope_of

    with open_the_desk() as desk:
        subject = Subject(component=code, centre=centre, candidate=candidate)
        scope = scope_of(desk, series_of(desk, series).id, subject)
        click.echo(end_withholding(desk, scope, verdict, ordered(why)))
