"""Commands of the calendar: its dates, its jobs by hand, and the project's own pages."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from infra.settings import Settings
from pipeline.cli.tools import main, open_the_desk, series_in, series_of, told

if TYPE_CHECKING:
    pass


@main.group()
def run() -> None:
    """The jobs of the calendar, by hand and without Airflow."""


@run.command()
@click.argument("series")
@told
def statements(series: str) -> None:
    """Statements of entries and invoices of a SERIES into the outboxes of its centres (FEE-5)."""
    from pipeline.season.statements import statements as write

    with open_the_desk() as desk:
        count = write(desk, series_of(desk, series), datetime.now(UTC))
    click.echo(f"{count} centres: outbox/<centre>/statement-{series} and invoice-{series}, each .csv and .html")


@run.command()
@click.argument("series")
@click.argument("event", type=click.Choice(["on_time_deadline", "window_closes", "marks_deadline", "award"]))
@told
def checkpoint(series: str, event: str) -> None:
    """Who would get no result in a SERIES and who has sent nothing, as the ledger stands (OPS-1, OPS-2)."""
    from pipeline.season.checkpoints import checkpoint as take

    with open_the_desk() as desk:
        click.echo(take(desk, series_of(desk, series), event, datetime.now(UTC)).note())
    click.echo(f"reports/checkpoints/{series}-{event}.html, letters in outbox/<centre>/")


@run.command("basedata")
@click.argument("series")
@told
def run_basedata(series: str) -> None:
    """Publish the basedata of a SERIES, unless what is published says the same (CAL-2, CAL-4)."""
    from pipeline.season.basedata import publish_basedata

    with open_the_desk() as desk:
        click.echo(publish_basedata(desk, series_of(desk, series), datetime.now(UTC)).note())
    click.echo(f"basedata/{series}/<sequence number>/")


@run.command("missing-marks")
@click.argument("series")
@told
def missing_marks(series: str) -> None:
    """Chase the marks that are missing in a SERIES: lists by name to the centres (MRK-3)."""
    from pipeline.marking.external import missing_marks as chase

    with open_the_desk() as desk:
        click.echo(f"{chase(desk, series_of(desk, series), datetime.now(UTC))} marks are missing.")
    click.echo(f"reports/marks/missing-{series}-<day>.html, lists in outbox/<centre>/missing-marks-{series}-<day>.txt")


@run.command("external-marks")
@told
def external_marks() -> None:
    """Take the board's own marks that wait in feeds/external-marks/ (MRK-1)."""
    from pipeline.marking.external import take_external

    with open_the_desk() as desk:
        click.echo(take_external(desk, datetime.now(UTC)).note())
    click.echo("reports/marks/<name>.txt")


@run.command()
@click.argument("series")
@told
def moderation(series: str) -> None:
    """Draw the samples of a SERIES that are due, take the moderators' marks, propose adjustments (MOD-1, MOD-2)."""
    from pipeline.marking.moderation import review, sample, take

    now = datetime.now(UTC)
    with open_the_desk() as desk:
        for step in (sample(desk, series_of(desk, series), now), take(desk, now), review(desk, now)):
            click.echo(step.note())
    click.echo("reports/moderation/, samples and feedback in outbox/<centre>/")


@main.command()
@click.argument("series", required=False)
@told
def calendar(series: str | None) -> None:
    """The dates of a SERIES (year and month, for example 2024-06) and how long until then.

    Without SERIES: of every exam series that has a date to come, or else of the last. Dates that nobody published are
    marked.
    """
    from pipeline.season.dates import countdown, series_to_show
    from rules.catalogue import Catalogue

    catalogue, now = Catalogue.load(Settings.load().catalogue), datetime.now(UTC)
    shown = series_to_show(catalogue, now) if series is None else (series_in(catalogue, series),)
    for exam_series in shown:
        for line in countdown(catalogue, exam_series, now):
            click.echo(line)


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 when a page is out of date.")
@told
def docs(only_check: bool) -> None:
    """Rewrite the pages of docs/ that are generated from the code."""
    from pipeline.docs.pages import stale, write

    pages = stale() if only_check else write()
    for page in pages:
        click.echo(f"{'out of date' if only_check else 'written'}: {page}")
    sys.exit(1 if only_check and pages else 0)


if __name__ == "__main__":
    main()
