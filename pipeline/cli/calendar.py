"""Commands for the calendar: its dates, its jobs by hand, and the project's own pages."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import (
    AS_JSON,
    WHY,
    Day,
    main,
    open_the_desk,
    print_json,
    running_settings,
    say,
    series_in,
    series_of,
    told,
)
from pipeline.jobs import JOBS

if TYPE_CHECKING:
    from pipeline.desk import Desk
    from pipeline.season.changes import DateChange


@main.group()
def run() -> None:
    """Run a job of the calendar by hand, without Airflow."""


@run.command(help=JOBS["statements"].does)
@click.argument("series")
@told
def statements(series: str) -> None:
    from pipeline.season.statements import statements as write

    with open_the_desk() as desk:
        count = write(desk, series_of(desk, series), datetime.now(UTC))
    click.echo(f"{count} centres: outbox/<centre>/statement-{series} and invoice-{series}, each .csv and .html")


@run.command(help=JOBS["checkpoint"].does)
@click.argument("series")
@click.argument("event", type=click.Choice(["on_time_deadline", "window_closes", "marks_deadline", "award"]))
@told
def checkpoint(series: str, event: str) -> None:
    from pipeline.season.checkpoints import checkpoint as take

    with open_the_desk() as desk:
        click.echo(take(desk, series_of(desk, series), event, datetime.now(UTC)).note())
    click.echo(f"reports/checkpoints/{series}-{event}.html, letters in outbox/<centre>/")


@run.command("basedata", help=JOBS["basedata"].does)
@click.argument("series")
@told
def run_basedata(series: str) -> None:
    from pipeline.season.basedata import publish_basedata

    with open_the_desk() as desk:
        click.echo(publish_basedata(desk, series_of(desk, series), datetime.now(UTC)).note())
    click.echo(f"basedata/{series}/<sequence number>/")


@run.command("deadlines", help=JOBS["deadlines"].does)
@told
def deadlines() -> None:
    from pipeline.season.deadlines import FILE, write_deadlines

    with open_the_desk() as desk:
        click.echo(f"{write_deadlines(desk, datetime.now(UTC))} centres: outbox/<centre>/{FILE}")


@run.command("missing-marks", help=JOBS["missing_marks"].does)
@click.argument("series")
@told
def missing_marks(series: str) -> None:
    from pipeline.marking.external import missing_marks as chase

    with open_the_desk() as desk:
        click.echo(f"{chase(desk, series_of(desk, series), datetime.now(UTC))} marks are missing.")
    click.echo(f"reports/marks/missing-{series}-<day>.html, lists in outbox/<centre>/missing-marks-{series}-<day>.txt")


@run.command("register", help=JOBS["take_register"].does)
@told
def register() -> None:
    from pipeline.centres.take import take_register

    with open_the_desk() as desk:
        done = take_register(desk, datetime.now(UTC))
    click.echo(f"{done.files} files of the register taken: reports/centres/<name>.txt")


@run.command("external-marks", help=JOBS["external_marks"].does)
@told
def external_marks() -> None:
    from pipeline.marking.external import take_external

    with open_the_desk() as desk:
        click.echo(take_external(desk, datetime.now(UTC)).note())
    click.echo("reports/marks/<name>.txt")


@run.command()
@click.argument("series")
@told
def moderation(series: str) -> None:
    """Do the moderation due in a SERIES (MOD-1, MOD-2). Takes in what has landed, draws samples, takes in the
    moderators' marks and proposes adjustments."""
    from pipeline.marking.due import moderate

    now = datetime.now(UTC)
    with open_the_desk() as desk:
        click.echo(moderate(desk, [series_of(desk, series)], now, now).note())
    click.echo("reports/moderation/, samples and feedback in outbox/<centre>/")


@main.command()
@AS_JSON
def jobs(as_json: bool) -> None:
    """List every job. What it does, which DAGs run it, and how to run it by hand."""
    if as_json:
        print_json(
            {"name": job.name, "does": job.does, "dags": job.dags, "commands": job.commands, "page": job.page}
            for job in JOBS.values()
        )
        return
    for job in JOBS.values():
        say([job.name, f"  {job.does}", f"  DAG: {', '.join(job.dags) or 'none'}"])
        say([f"  by hand: {', '.join(f'resultsday {command}' for command in job.commands)}"])


class _Calendar(click.Group):
    """`resultsday calendar 2024-06` is short for `resultsday calendar show 2024-06`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and not args[0].startswith("-")):
            args = ["show", *args]
        return super().parse_args(ctx, args)


@main.group(cls=_Calendar)
def calendar() -> None:
    """Show the dates of a series, and change them (CAL-7). What changes is shown first, and in force once confirmed."""


@calendar.command()
@click.argument("series", required=False)
@AS_JSON
@told
def show(series: str | None, as_json: bool) -> None:
    """Show the dates of a SERIES and how long until each. SERIES is year and month, for example 2024-06.

    Without SERIES: every exam series with a date still to come, or else the last. Dates that nobody has published are
    marked [placeholder]; those that staff have set name the change.
    """
    from pipeline.season.dates import countdown, date_rows, series_to_show
    from rules.catalogue import Catalogue

    settings, now = running_settings(hint=False)[0], datetime.now(UTC)
    if settings.database_url:
        with open_the_desk() as desk:
            catalogue = desk.catalogue
    else:
        catalogue = Catalogue.load(settings.catalogue)
        click.echo("No desk runs: these are the dates of the catalogue, without those that staff have set.", err=True)
    shown = series_to_show(catalogue, now) if series is None else (series_in(catalogue, series),)
    if as_json:
        print_json(row for exam_series in shown for row in date_rows(catalogue, exam_series, now))
        return
    for exam_series in shown:
        for line in countdown(catalogue, exam_series, now):
            click.echo(line)


_FROM = Day(clock=True)
_NUMBER = click.argument("number", type=int)


@calendar.command("set")
@click.argument("series")
@click.argument("event")
@click.argument("day", metavar="DATE")
@click.option("--component", default="*", help="Only the date of this component.")
@click.option("--from", "since", type=_FROM, help="In force from, Europe/London; else from when it is confirmed.")
@WHY
@told
def set_date(series: str, event: str, day: str, component: str, since: datetime | None, why: str) -> None:
    """Ask for a date to be changed, and see what would follow (CAL-7). It is in force once somebody confirms it.

    DATE is a day, or `general` with --component: the component has no date of its own any more, but that of all.

    For example: resultsday calendar set 2024-06 marks_deadline 2024-05-20 --why "snow"
    """
    from pipeline.season.changes import DateChange
    from rules.catalogue import LONDON

    begins = since.replace(tzinfo=LONDON) if since else None
    change = DateChange(series=series, event=event, component=component, day=day, since=begins)
    with open_the_desk() as desk:
        _ask(desk, change, why)


def _ask(desk: Desk, change: DateChange, why: str) -> None:
    from pipeline.season.changes import effect
    from pipeline.season.moving import ask

    order = ordered(why)
    say(effect(desk, change, order.at).lines())
    number = ask(desk, change, order)
    click.echo(f"Change {number} waits. In force with: resultsday calendar confirm {number} --why REASON")


@calendar.command()
@_NUMBER
@click.option("--yes", is_flag=True, help="Do it without asking, after the effect has been shown.")
@WHY
@told
def confirm(number: int, yes: bool, why: str) -> None:
    """Put a date in force that waits, after showing what follows (CAL-7). A later change undoes it."""
    from pipeline.season.changes import change_of, effect
    from pipeline.season.moving import decide, numbered
    from rules import terms

    with open_the_desk() as desk:
        row = numbered(desk, number)
        if row.decision is None:
            say(effect(desk, change_of(row), datetime.now(UTC)).lines())
            if not yes:
                click.confirm("Do it?", abort=True)
        click.echo(decide(desk, number, terms.CONFIRMED, ordered(why)))


@calendar.command()
@_NUMBER
@WHY
@told
def drop(number: int, why: str) -> None:
    """Drop a date that waits: it never comes into force (CAL-7)."""
    from pipeline.season.moving import decide
    from rules import terms

    with open_the_desk() as desk:
        click.echo(decide(desk, number, terms.DROPPED, ordered(why)))


@calendar.command()
@_NUMBER
@WHY
@told
def undo(number: int, why: str) -> None:
    """Ask for a date to be what it was before change NUMBER (CAL-7): a later version, to be confirmed like any."""
    from pipeline.season.moving import undoing

    with open_the_desk() as desk:
        _ask(desk, undoing(desk, number, datetime.now(UTC)), why)


@calendar.command("list")
@click.argument("series", required=False)
@AS_JSON
@told
def list_changes(series: str | None, as_json: bool) -> None:
    """List the dates that staff have changed or want changed (CAL-7), with who and why."""
    from pipeline.season.dates import change_lines

    with open_the_desk() as desk:
        rows = [row for row in desk.calendar.changes() if series in (None, row.series)]
    if as_json:
        print_json(rows)
        return
    say([line for row in rows for line in change_lines(row)] or ["Staff have changed no date."])


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 when a page is out of date.")
@told
def docs(only_check: bool) -> None:
    """Rewrite the generated pages of docs/."""
    from pipeline.docs.pages import stale, write

    pages = stale() if only_check else write()
    for page in pages:
        click.echo(f"{'out of date' if only_check else 'written'}: {page}")
    sys.exit(1 if only_check and pages else 0)


if __name__ == "__main__":
    main()
