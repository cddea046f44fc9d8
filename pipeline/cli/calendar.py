"""Commands for the calendar: its dates, its jobs by hand, and the project's own pages."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from pipeline.cli.tools import main, open_the_desk, running_settings, say, series_in, series_of, told
from pipeline.jobs import JOBS


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
    """Do the moderation due in a SERIES (MOD-1, MOD-2). Draws samples, takes in the moderators' marks and proposes
    adjustments."""
    from pipeline.marking.moderation import review, take
    from pipeline.marking.samples import sample

    now = datetime.now(UTC)
    with open_the_desk() as desk:
        for step in (sample(desk, series_of(desk, series), now), take(desk, now), review(desk, now)):
            click.echo(step.note())
    click.echo("reports/moderation/, samples and feedback in outbox/<centre>/")


@main.command()
def jobs() -> None:
    """List every job. What it does, which DAGs run it, and how to run it by hand."""
    for job in JOBS.values():
        say([job.name, f"  {job.does}", f"  DAG: {', '.join(job.dags) or 'none'}"])
        say([f"  by hand: {', '.join(f'resultsday {command}' for command in job.commands)}"])


@main.command()
@click.argument("series", required=False)
@told
def calendar(series: str | None) -> None:
    """Show the dates of a SERIES and how long until each. SERIES is year and month, for example 2024-06.

    Without SERIES: every exam series with a date still to come, or else the last. Dates that nobody has published are
    marked [placeholder].
    """
    from pipeline.season.dates import countdown, series_to_show
    from rules.catalogue import Catalogue

    catalogue, now = Catalogue.load(running_settings(hint=False)[0].catalogue), datetime.now(UTC)
    shown = series_to_show(catalogue, now) if series is None else (series_in(catalogue, series),)
    for exam_series in shown:
        for line in countdown(catalogue, exam_series, now):
            click.echo(line)


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
