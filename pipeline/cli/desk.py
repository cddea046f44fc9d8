"""Commands for the desk as a whole: start, stop, status, ingest, the demo."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from infra.settings import Settings
from pipeline.cli.tools import found_settings, main, open_the_desk, terminal, told

if TYPE_CHECKING:
    from infra.running.supervisor import RunningDesk


@main.command()
@told
def demo() -> None:
    """Play an exam season of made-up centres through Airflow. The eight sample files are part of it."""
    from infra.running.supervisor import stoppable
    from pipeline.demo.demo import demo as run

    with stoppable():
        run(Settings.load(), terminal(), lambda: datetime.now(UTC))


@main.command()
@told
def up() -> None:
    """Start the desk and leave it running. It has three parts: PostgreSQL, Airflow and the landing service."""
    from infra.running.supervisor import stoppable
    from infra.running.supervisor import up as start

    settings = Settings.load()
    with stoppable():
        desk = start(settings, click.echo)
    click.echo(f"\nAirflow:   {desk.ui_url}\nlogin:     {desk.username}\npassword:  {desk.password}")
    click.echo(f"sftp:      {_sftp(settings, desk)}\nhost key:  {desk.host_key}")
    click.echo(f"inbox:     {settings.store_location}/inbox/<centre>/\nstop it:   make down")


@main.command()
@told
def down() -> None:
    """Stop the desk that `up` started, and nothing else."""
    from infra.running.supervisor import down as stop

    stop(found_settings(), click.echo)


@main.command()
@told
def status() -> None:
    """Say whether the desk is up; exit code 1 when it is not."""
    from infra.running.parts import states_of
    from infra.running.supervisor import status as look

    settings = found_settings()
    desk = look(settings)
    if desk is None:
        click.echo("The desk is down.")
        sys.exit(1)
    click.echo(f"The desk has been up since {desk.started:%Y-%m-%d %H:%M} UTC: {desk.ui_url}")
    click.echo(f"Files: {_sftp(settings, desk)} (host key {desk.host_key})")
    for part in states_of(settings):
        became = "given up" if part.given_up else "up again" if part.up else "about to be started again"
        click.echo(f"{part.name} ended at {part.at:%Y-%m-%d %H:%M} UTC ({part.why}): {became}")


def _sftp(settings: Settings, desk: RunningDesk) -> str:
    return f"sftp -P {desk.sftp_port} <centre>@{settings.sftp_host}"


@main.command()
@told
def ingest() -> None:
    """Take in every waiting file, once, without Airflow. Uses the database of the running desk or of
    RESULTSDAY_DATABASE_URL."""
    from pipeline.intake.ingest import ingest as run

    with open_the_desk() as desk:
        click.echo(run(desk, datetime.now(UTC)).note())
