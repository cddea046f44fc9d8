"""Commands for the register of centres (REG-10) and approvals (REG-1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Literal

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.centres import centre
from pipeline.cli.tools import AS_JSON, WHY, open_the_desk, print_json, say, told

if TYPE_CHECKING:
    from pipeline.desk import Desk
    from rules import terms


@centre.command()
@click.argument("number", metavar="CENTRE")
@click.option("--name", help="Its name; needed for a centre that is not in the register yet.")
@click.option("--postcode", help="Its postcode.")
@click.option("--contact", help="Its address for letters and e-mail.")
@click.option(
    "--told", "told_at", help='Who is told what is new in the outbox: an e-mail address or https://...; "" for none.'
)
@click.option("--gcse-years", help='Years in which academic years with our GCSEs began: "2021 2022 2023".')
@click.option("--active-from", help="First day as a centre, for example 2024-09-01.")
@click.option("--active-to", help='Last day as a centre; "" for none.')
@WHY
@told
def edit(
    number: str,
    name: str | None,
    postcode: str | None,
    contact: str | None,
    told_at: str | None,
    gcse_years: str | None,
    active_from: str | None,
    active_to: str | None,
    why: str,
) -> None:
    """Change what the register says of a CENTRE, or add a centre (REG-10)."""
    from pipeline.centres.orders import CentreEdit, edit_centre

    said = CentreEdit(
        name=name, postcode=postcode, contact=contact, told=told_at, gcse_years=gcse_years, active_from=active_from,
        active_to=active_to,
    )  # fmt: skip
    order = ordered(why)
    with open_the_desk() as desk:
        fresh = edit_centre(desk, number, said, order.at, order.who, why, order.how)
        say(_shown(desk, number))
    if not fresh:
        click.echo("Nothing has changed.")


def _decision_command(
    name: Literal["apply", "grant", "deny", "end"], decision: terms.ApprovalWord, help_text: str, done: str
) -> None:
    @centre.command(name, help=help_text)
    @click.argument("number", metavar="CENTRE")
    @click.argument("qualification")
    @click.option("--from", "since", help="The day from which it holds, for example 2024-09-01; without it, today.")
    @WHY
    @told
    def run(number: str, qualification: str, since: str | None, why: str, fast_track: bool = False) -> None:
        from pipeline.centres.orders import Application, decide_approval
        from rules.calendar import LONDON
        from rules.terms import FAST_TRACK, FULL

        order = ordered(why)
        day = since or f"{order.at.astimezone(LONDON):%Y-%m-%d}"
        route: terms.Route = FAST_TRACK if fast_track else FULL
        with open_the_desk() as desk:
            about = Application(centre=number, qualification=qualification)
            fresh = decide_approval(desk, about, decision, day, order.at, order.who, why, route, order.how)
        click.echo(f"Centre {number}, {qualification}: {done} {day}{'' if fresh else ', as it was already'}.")

    if name == "apply":
        click.option("--fast-track", is_flag=True, help="A fast-track application: due in 5 working days.")(run)


_decision_command(
    "apply", "asked", "Record that a CENTRE asks for approval for a QUALIFICATION (REG-1).", "asked for on"
)
_decision_command(
    "grant", "granted", "Approve a CENTRE for a QUALIFICATION, a registration code or * (REG-1).", "approved from"
)
_decision_command("deny", "denied", "Refuse a CENTRE approval for a QUALIFICATION (REG-1).", "refused from")
_decision_command("end", "ended", "End the approval of a CENTRE for a QUALIFICATION (REG-1).", "ended from")


@centre.command()
@click.argument("mail", type=click.File("rb"), default="-")
@told
def bounced(mail: BinaryIO) -> None:
    """Take note of a MAIL to a centre that has come back (OPS-10): a mail server's report, or - for standard input."""
    from pipeline.watching.bounces import came_back

    with open_the_desk() as desk:
        centres = came_back(desk, mail.read(), datetime.now(UTC))
    say([f"Centre {number} could not be told: it is on the work list." for number in centres] or [_NO_BOUNCE])


_NO_BOUNCE = "This says of no centre that a message to it has come back."


@centre.command(name="show")
@click.argument("number", metavar="CENTRE")
@told
def show_centre(number: str) -> None:
    """Show what the register says of a CENTRE, what it is approved for today, and every decision."""
    with open_the_desk() as desk:
        say(_shown(desk, number))


@centre.command()
@click.argument("number")
@click.option("--series", default="", help="Only of this series, for example 2024-06; else of every one that is near.")
@AS_JSON
@told
def deadlines(number: str, series: str, as_json: bool) -> None:
    """Show a centre's own deadlines (CAL-6): the calendar, its extensions, what is still open."""
    from pipeline.season.deadlines import deadlines_of, lines_of

    with open_the_desk() as desk:
        dates = deadlines_of(desk, number, datetime.now(UTC), series)
        if as_json:
            print_json(dates)
        else:
            say(lines_of(desk, number, dates))


@centre.command()
@AS_JSON
@told
def applications(as_json: bool) -> None:
    """List applications that nobody has decided, with the day by which a fast-track one is due."""
    from pipeline.register import open_applications

    with open_the_desk() as desk:
        found = open_applications(desk, datetime.now(UTC))
    if as_json:
        print_json(
            {"centre": one.row.centre, "qualification": one.row.qualification, "asked": one.row.since, "due": one.due,
             "late": one.late, "who": str(one.row.by)}
            for one in found
        )  # fmt: skip
        return
    lines = [one.line() for one in found]
    say(lines or ["No application is open."])


def _shown(desk: Desk, number: str) -> Iterator[str]:
    from pipeline.register import register_of
    from rules.calendar import day_text

    now = datetime.now(UTC)
    register = register_of(desk, [number])
    version = register.version(number, now)
    if version is None:
        raise click.ClickException(f"centre {number} is not in the register, so it is approved for nothing (REG-10)")
    yield f"{number}  {version.name}"
    yield f"  {' '.join(part for part in (version.postcode, version.contact) if part) or 'no address'}"
    told_at = desk.register.newest([number])[number].told
    yield f"  told what is new in its outbox: {told_at or 'no'}"
    yield f"  GCSEs: {' '.join(map(str, version.gcse_years)) or 'none'}"
    end = f" to {day_text(version.active_to)}" if version.active_to else ""
    yield f"  active from {day_text(version.active_from)}{end}"
    for qualification in desk.catalogue.qualifications:
        standing = register.standing(number, qualification.registration_code, now)
        word = "approved" if standing.approved else f"not approved{standing.reason}"
        code = desk.catalogue.edition(now).spoken(qualification.registration_code)
        yield f"  {code}  {qualification.subject}: {word}"
    for row in desk.register.decisions([number]):
        yield (
            f"  {row.at:%Y-%m-%d %H:%M} UTC  {row.qualification} {row.decision} from {row.since} ({row.route}), "
            f"{row.by}: {row.why}"
        )
