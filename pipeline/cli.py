"""The command line: `resultsday`. The only place besides the DAGs that looks at the clock."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Any

import click
from attrs import evolve
from rich.console import Console
from sqlalchemy.exc import SQLAlchemyError

from infra.settings import SettingError, Settings
from infra.store import StoreError
from rules.catalogue import LONDON, Catalogue, CatalogueError

console = Console(soft_wrap=True, highlight=False)


def _told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of the world outside end a command with a sentence, not with a stack trace."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from infra.airflow import AirflowError
        from infra.postgres import PostgresError
        from infra.supervisor import SupervisorError
        from pipeline.demo import DemoError

        outside = (AirflowError, CatalogueError, DemoError, PostgresError, SettingError, StoreError, SupervisorError)
        try:
            return command(*args, **options)
        except outside as error:
            raise click.ClickException(str(error)) from error
        except SQLAlchemyError as error:
            raise click.ClickException(f"the ledger cannot be used ({type(error).__name__})") from error

    return run


@click.group()
@click.version_option(package_name="resultsday")
def main() -> None:
    """The EDI desk of an awarding body."""


@main.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "--received",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]),
    help="Judge the entry window as if the files were received then (Europe/London).",
)
@_told
def check(files: tuple[Path, ...], as_json: bool, received: datetime | None) -> None:
    """Check entry and amendment FILES before sending them, with the desk's own parser and rules.

    What needs the ledger (registrations, earlier files) is not judged, nor the entry window unless --received is
    given.

    Exit code: 0 nothing to mend, 1 warnings only, 2 wrong usage, 3 candidates or entries would be refused, 4 a file
    would be refused, 5 a file cannot be read. Of several files the highest counts.
    """
    from pipeline.check import Exit, check_file, show
    from pipeline.check import as_json as to_json

    settings = Settings.load()
    catalogue = Catalogue.load(settings.catalogue)
    when = received.replace(tzinfo=LONDON) if received else None
    worst, checked = Exit.CLEAN, []
    for path in files:
        try:
            one = check_file(path, catalogue, when, settings.max_file_bytes)
        except OSError as error:
            click.echo(f"{path}: cannot be read: {error.strerror}", err=True)
            worst = Exit.UNREADABLE
            continue
        checked.append(one)
        worst = max(worst, one.exit)
        if not as_json:
            show(console, one)
    if as_json:
        click.echo(to_json(checked))
    sys.exit(worst)


@main.command()
@_told
def demo() -> None:
    """Send eight centre files through the real Airflow and show what came of each."""
    from pipeline.demo import demo as run

    run(Settings.load(), console, lambda: datetime.now(UTC))


@main.command()
@_told
def up() -> None:
    """Start the desk (PostgreSQL, Airflow) and leave it running."""
    from infra.supervisor import up as start

    settings = Settings.load()
    desk = start(settings, click.echo)
    click.echo(f"\nAirflow:   {desk.ui_url}\nlogin:     {desk.username}\npassword:  {desk.password}")
    click.echo(f"inbox:     {settings.store_location}/inbox/<centre>/\nend it:    make down")


@main.command()
@_told
def down() -> None:
    """End the desk that `up` started, and nothing else."""
    from infra.supervisor import down as stop

    stop(Settings.load(), click.echo)


@main.command()
@_told
def status() -> None:
    """Say whether the desk is up; exit code 1 when it is not."""
    from infra.supervisor import status as look

    desk = look(Settings.load())
    if desk is None:
        click.echo("The desk is down.")
        sys.exit(1)
    click.echo(f"The desk is up since {desk.started:%Y-%m-%d %H:%M} UTC: {desk.ui_url}")


@main.command()
@_told
def ingest() -> None:
    """Take in everything that waits, once, without Airflow (on the database of a running desk or of
    RESULTSDAY_DATABASE_URL)."""
    from infra.supervisor import status as look
    from pipeline.desk import open_desk
    from pipeline.ingest import ingest as run

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    settings = Settings.load()
    running = look(settings)
    if running:
        settings = evolve(settings, database_url=running.database_url)
    if not settings.database_url:
        raise click.ClickException("no ledger: start the desk with `resultsday up` or set RESULTSDAY_DATABASE_URL")
    with open_desk(settings) as desk:
        click.echo(run(desk, datetime.now(UTC)).note())


@main.command()
@click.option("--check", "only_check", is_flag=True, help="Change nothing; exit code 1 when a page is out of date.")
@_told
def docs(only_check: bool) -> None:
    """Rewrite the pages of docs/ that are generated from the code."""
    from pipeline.pages import stale, write

    pages = stale() if only_check else write()
    for page in pages:
        click.echo(f"{'out of date' if only_check else 'written'}: {page}")
    sys.exit(1 if only_check and pages else 0)


if __name__ == "__main__":
    main()
