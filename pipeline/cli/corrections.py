"""Commands about corrections (RES-7): results that are out are looked at again as a case; the effect is shown first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.approvals import system_account
from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, say, series_of, told

if TYPE_CHECKING:
    from infra.ledger.corrections import Case
    from pipeline.corrections.effect import Plan
    from pipeline.desk import Desk


@main.group()
def correction() -> None:
    """Correct results that are out (RES-7). One person proposes, another approves."""


@correction.command("open")
@click.argument("series")
@click.argument("about", nargs=-1, required=True, metavar="CENTRE/CANDIDATE/COMPONENT...")
@click.option("--kind", required=True, help="For example review_of_marking; a wrong one lists them all.")
@click.option("--requested-by", required=True, help="Who asked for it.")
@click.option("--requested-on", required=True, help="The day of the request, 2024-09-01.")
@click.option("--consent", default="", help="The day of the learner's consent, where the kind needs it.")
@WHY
@told
def open_(
    series: str, about: tuple[str, ...], kind: str, requested_by: str, requested_on: str, consent: str, why: str
) -> None:
    """Open a case about issued results of a SERIES. Name 64123/0001/BEN03, or a component for everybody's."""
    from pipeline.approvals import Signature
    from pipeline.corrections.cases import Request, open_case

    person = system_account()
    request = Request(kind=kind, about=about, by=requested_by, on=requested_on, consent=consent)
    with open_the_desk() as desk:
        found = series_of(desk, series)
        case = open_case(desk, found, request, person.who, why, datetime.now(UTC), Signature(how=person.how))
    click.echo(f"Correction {case.number} is open.")


@correction.command("list")
@click.option("--series", default="", help="Of this series only.")
@AS_JSON
@told
def list_(series: str, as_json: bool) -> None:
    """List the cases, also those that an input opened."""
    with open_the_desk() as desk:
        cases = desk.corrections.all(series)
    if as_json:
        print_json(map(_row, cases))
    else:
        say([_line(case) for case in cases] or ["There are no corrections."])


def _row(case: Case) -> dict[str, object]:
    return {
        "number": case.number,
        "series": case.series,
        "state": case.state,
        "kind": case.kind,
        "subjects": [str(subject) for subject in case.subjects],
        "requested_by": case.requested_by,
        "requested_on": case.requested_on,
        "opened": case.at,
    }


def _line(case: Case) -> str:
    from rules.corrections import KINDS

    kind = KINDS[case.kind].title if case.kind else "kind not said yet"
    first = case.subjects[0] if case.subjects else ""
    more = f" and {len(case.subjects) - 1:,} more" if len(case.subjects) > 1 else ""
    return f"{case.number:>4}  {case.series}  {case.state:<9} {kind:<21} {first}{more}"


@correction.command("show")
@click.argument("number", type=int)
@told
def show(number: int) -> None:
    """Show a case: what it is about, what was proposed and decided, and what it has done."""
    with open_the_desk() as desk:
        say(_shown(desk, number))


def _shown(desk: Desk, number: int) -> Iterator[str]:
    from pipeline.corrections.cases import numbered
    from pipeline.corrections.show import shown

    yield from shown(desk, numbered(desk, number))


def _planned(command: Any) -> Any:
    for option in (
        click.option("--why", default="", help="The reason, for the record and for the letter to the centre."),
        click.option("--preview", is_flag=True, help="Show the effect and record nothing."),
        click.option("--consent", default="", help="The day of the learner's consent, where the kind needs it."),
        click.option("--kind", default="", help="What it is, where the case was opened by an input."),
        click.option("--left-higher", default="", help="Leave those who would go down as they are: the reason."),
        click.option("--boundary", "boundaries", multiple=True, help="BEN03:L2P=31, for each boundary that moves."),
        click.option("--mark", "marks", multiple=True, help="64123/0001/BEN03=60, =absent, =void or =back."),
        click.option("--marks", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False),
                     help="The same from a file, a line each."),
    ):  # fmt: skip
        command = option(command)
    return command


@correction.command("propose")
@click.argument("number", type=int)
@_planned
@told
def propose(number: int, preview: bool, why: str, **said: Any) -> None:
    """Propose what becomes of a case and show its whole effect. Without marks and boundaries: the results are
    confirmed."""
    from pipeline.approvals import Signature
    from pipeline.corrections import cases
    from pipeline.corrections.preview import lines

    plan, person = _plan(**said), system_account()
    with open_the_desk() as desk:
        case = cases.numbered(desk, number)
        say(lines(desk, case, cases.considered(desk, case, cases.completed(case, plan))))
        if preview:
            click.echo("Nothing was recorded.")
            return
        by = Signature(how=person.how, people=desk.settings.approvals)
        case = cases.propose(desk, number, plan, person.who, why, datetime.now(UTC), by)
        page = next(key for key in case.states[-1].files if key.endswith(".html"))
    click.echo(f"Proposed, on record as {person}: {page}")


def _plan(marks: tuple[str, ...], file: Path | None, boundaries: tuple[str, ...], **said: str) -> Plan:
    from pipeline.corrections.spoken import plan_of

    lines = file.read_text(encoding="utf-8").split() if file else []
    return plan_of([*marks, *lines], boundaries, **said)


def _decision(name: str, help_text: str) -> None:
    @correction.command(name, help=help_text)
    @click.argument("number", type=int)
    @WHY
    @told
    def run(number: int, why: str) -> None:
        from pipeline.approvals import decide
        from pipeline.corrections.cases import exhibit_of, numbered
        from rules import terms

        with open_the_desk() as desk:
            case, person = numbered(desk, number), system_account()
            exhibit_of(case)
            newest = desk.approvals.newest(terms.CORRECTION, str(number))
            if newest is None:
                raise click.ClickException(f"correction {number} has not been put forward: propose it again")
            verdict: terms.Verdict = terms.APPROVED if name == "approve" else terms.REJECTED
            proposal = decide(desk, newest.id, verdict, person, why, datetime.now(UTC))
            case = numbered(desk, number)
        if proposal.lacking and not proposal.rejection:
            click.echo(f"Correction {number}: approved by {person}; {proposal.lacking} more must approve.")
        else:
            click.echo(f"Correction {number}: {case.state}, on record as {person}.")


_decision("approve", "Approve what is proposed for the case with this NUMBER. It is out within the run.")
_decision("reject", "Reject what is proposed for the case with this NUMBER. Nothing changes.")
