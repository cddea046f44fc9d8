"""What every command needs: the command group, the open desk, errors as sentences."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import evolve
from rich.console import Console

from infra.settings import SettingError, Settings

if TYPE_CHECKING:
    from pipeline.desk import Desk
    from rules.catalogue import Catalogue, Series


def terminal(*, stderr: bool = False) -> Console:
    """The terminal: standard output, or standard error."""
    # Bold and dim are escape sequences too: whoever turns off colour wants none of them.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(soft_wrap=True, highlight=False, color_system=colours, stderr=stderr)


console = terminal()

PATH = click.Path(path_type=Path)


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors from outside end a command with a sentence, not with a stack trace."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        from sqlalchemy.exc import SQLAlchemyError

        from infra.airflow_api import AirflowError
        from infra.running.airflow_rows import AirflowRowsError
        from infra.running.postgres import PostgresError
        from infra.running.supervisor import SupervisorError
        from infra.store import StoreError
        from pipeline.awarding.award import AwardError
        from pipeline.backup import BackupError
        from pipeline.demo.demo import DemoError
        from pipeline.intake.staff import StaffError
        from pipeline.keeping.dispute import KeepingError
        from pipeline.results.embargo import ReleaseError
        from pipeline.season.basedata import BasedataError
        from rules.catalogue import CatalogueError

        outside = (
            AirflowError,
            AirflowRowsError,
            AwardError,
            BackupError,
            BasedataError,
            CatalogueError,
            DemoError,
            KeepingError,
            PostgresError,
            ReleaseError,
            SettingError,
            StaffError,
            StoreError,
            SupervisorError,
        )
        try:
            return command(*args, **options)
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise click.ClickException(harmless(error.message)) from error
        except outside as error:
            raise click.ClickException(harmless(str(error))) from error
        except SQLAlchemyError as error:
            raise click.ClickException(f"the ledger cannot be used ({type(error).__name__})") from error

    return run


@click.group()
@click.version_option(package_name="resultsday")
def main() -> None:
    """The EDI desk of an awarding body."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A terminal that cannot show a character of a name gets the character's number.
            stream.reconfigure(errors="backslashreplace")


def say(lines: Iterable[str], *, err: bool = False) -> None:
    """Prints lines, with control characters in names and reasons made visible."""
    for line in lines:
        click.echo(harmless(line), err=err)


def harmless(text: str) -> str:
    """A text of several lines, with every control character but the line ends made visible."""
    from parsers.findings import visible

    return "\n".join(visible(line) for line in text.split("\n"))


def width() -> int | None:
    """How wide tables may be: as wide as the terminal. When piped, a record is one line of any length, so that it can
    be searched."""
    return console.width if sys.stdout.isatty() else None


def running_settings() -> tuple[Settings, str]:
    """The settings, with the database and the landing service of the running desk if there is one, and the address of
    Airflow's API server, which is empty if nobody knows it."""
    from infra.running.supervisor import status as look

    settings = Settings.load()
    airflow_url = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "").removesuffix("/execution/")
    if running := look(settings):
        landing = settings.sftp_check or f"{settings.sftp_host}:{running.sftp_port}"
        settings = evolve(settings, database_url=running.database_url, sftp_check=landing)
        airflow_url = running.ui_url
    return settings, airflow_url


@contextmanager
def open_the_desk() -> Iterator[Desk]:
    """The desk, with the database of the running desk or of the settings."""
    from pipeline.desk import open_desk

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    settings, _ = running_settings()
    if not settings.database_url:
        raise click.ClickException("no ledger: start the desk with `resultsday up` or set RESULTSDAY_DATABASE_URL")
    with open_desk(settings) as desk:
        yield desk


def series_of(desk: Desk, series: str) -> Series:
    """The series of that year and month in the desk's catalogue; ends the command when there is none."""
    return series_in(desk.catalogue, series)


def series_in(catalogue: Catalogue, series: str) -> Series:
    """The series of that year and month; ends the command when there is none."""
    meant = catalogue.series_by_id(series)
    if meant is None:
        raise click.ClickException(f"there is no calendar for {series}; give year and month, for example 2024-06")
    return meant
