"""What every command needs: the command group, the open desk, errors as sentences."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from functools import wraps
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Literal

import click
from attrs import asdict, evolve, has

from infra.settings import Settings, declared
from pipeline.cli.groups import Program

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.desk import Desk
    from rules.catalogue import Catalogue, Series


def terminal(*, stderr: bool = False) -> Console:
    """The terminal: standard output, or standard error."""
    from rich.console import Console

    # Bold and dim are escape sequences too: whoever turns off colour wants none of them.
    colours: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
    return Console(soft_wrap=True, highlight=False, color_system=colours, stderr=stderr)


PATH = click.Path(path_type=Path)

AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for other programs.")
WHY = click.option("--why", required=True, help="The reason, for the record.")
"""Who it is, the desk knows by itself (OPS-4)."""


def print_json(rows: Iterable[Any]) -> None:
    """Prints rows (mappings, or instances of attrs classes) as a JSON array; dates and instants in ISO 8601."""
    import json

    held = [asdict(row) if has(type(row)) else dict(row) for row in rows]
    click.echo(json.dumps(held, indent=2, default=_plain))


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


class Day(click.DateTime):
    """A day, or with `clock` a time of one, Europe/London; what is none is refused in words."""

    name = "day"

    def __init__(self, *, clock: bool = False) -> None:
        super().__init__(["%Y-%m-%d", *(["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"] if clock else [])])
        self._said = "a day as 2024-02-15" + (", or a time as 2024-02-15T09:30" if clock else "")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no day of the calendar; give {self._said}", param, ctx)

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return "DATE"


_OUTSIDE = frozenset(
    {
        "infra.airflow_api.AirflowError",
        "infra.ledger.roles.RoleError",
        "infra.running.airflow_rows.AirflowRowsError",
        "infra.running.parts.SupervisorError",
        "infra.running.postgres.PostgresError",
        "infra.settings.SettingError",
        "infra.store.contract.StoreError",
        "pipeline.approvals.ApprovalError",
        "pipeline.awarding.award.AwardError",
        "pipeline.backup.BackupError",
        "pipeline.centres.orders.CentreError",
        "pipeline.corrections.effect.CorrectionError",
        "pipeline.demo.demo.DemoError",
        "pipeline.keeping.dispute.KeepingError",
        "pipeline.marking.moderation.NotProposed",
        "pipeline.orders.StaffError",
        "pipeline.results.embargo.ReleaseError",
        "pipeline.season.basedata.BasedataError",
        "rules.sheets.CatalogueError",
    }
)
"""Errors whose words are for people, by name: a command imports what it needs, and no more."""

_LEDGER = "sqlalchemy.exc.SQLAlchemyError"


def _classes(error: Exception) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__}


def told(command: Callable[..., Any]) -> Callable[..., Any]:
    """Errors from outside end a command with a sentence, not with a stack trace."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        _readable(options)
        try:
            return command(*args, **options)
        except click.UsageError:
            raise
        except click.ClickException as error:
            raise click.ClickException(harmless(error.message)) from error
        except Exception as error:
            if _classes(error) & _OUTSIDE:
                raise click.ClickException(harmless(str(error))) from error
            if _LEDGER in _classes(error):
                raise click.ClickException(f"the ledger cannot be used ({type(error).__name__})") from error
            raise

    return run


def _readable(options: Mapping[str, Any]) -> None:
    """FIL-7: the one door for what is typed on the command line; ends the command where something cannot be read."""
    from pipeline.typed import readable_text

    for name, value in options.items():
        texts = value if isinstance(value, tuple) else (value,)
        if any(isinstance(text, str) and not readable_text(text) for text in texts):
            raise click.UsageError(f"nothing was done: {name.upper()} has a character that cannot be read")


@click.group(cls=Program)
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
    return get_terminal_size().columns if sys.stdout.isatty() else None


def found_settings() -> Settings:
    """The settings of this shell. Where neither they nor the current folder name a desk, the project's own is meant, so
    that a command works in every folder."""
    given, project = Settings.load(), Path(__file__).resolve().parents[2] / "var"
    if "RESULTSDAY_STATE" in os.environ or (given.state / _DESK).exists() or not (project / _DESK).exists():
        return given
    return evolve(given, state=project)


_DESK = Path("run") / "desk.json"
"""Where a running desk says what it is, in its state folder."""


def running_settings(*, hint: bool = True) -> tuple[Settings, str]:
    """OPS-6: the settings of the running desk if there is one, whatever this shell has, or else those of this shell;
    and the address of Airflow's API server, which is empty if nobody knows it. With `hint`, settings of this shell that
    do not count are named on standard error."""
    given, running = found_settings(), None
    if (given.state / _DESK).exists():
        from infra.running.supervisor import status as look  # only now: most commands on files need nothing of it

        running = look(given)
    if running is None:
        return given, os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "").removesuffix("/execution/")
    used = Settings.load(running.environment)
    if hint and (others := _others(given, used)):
        click.echo(
            f"The running desk was started with another {', '.join(others)} than this shell has: the desk's counts. To "
            f"change it, restart the desk.",
            err=True,
        )
    return used, running.ui_url


def _others(given: Settings, used: Settings) -> list[str]:
    """The variables that this shell sets and the running desk has otherwise."""
    theirs, ours = used.environment(), given.environment()
    variables = [setting.metadata["variable"] for setting in declared()]
    set_here = [name for name in variables if os.environ.get(name) or os.environ.get(f"{name}_FILE")]
    return [name for name in set_here if str(ours[name]) != str(theirs[name])]


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
