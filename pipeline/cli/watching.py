"""Commands about the state of the desk: health, metrics, what is late, and whether alerts arrive."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime

import click
from attrs import evolve

from infra.settings import Settings
from pipeline.cli.tools import main, open_the_desk, say, told


@main.command()
@told
def health() -> None:
    """Check every part of the desk. Says what is wrong; exit code 1 when something is."""
    from infra.running.supervisor import status
    from pipeline.watching.health import health as look

    settings = Settings.load()
    airflow_url = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "").removesuffix("/execution/")
    if running := status(settings):
        landing = settings.sftp_check or f"{settings.sftp_host}:{running.sftp_port}"
        settings = evolve(settings, database_url=running.database_url, sftp_check=landing)
        airflow_url = running.ui_url
    parts = look(settings, airflow_url, datetime.now(UTC))
    say(part.line() for part in parts)
    sys.exit(1 if any(part.wrong for part in parts) else 0)


@main.command()
@told
def metrics() -> None:
    """Print every metric in the text format of Prometheus."""
    from pipeline.watching.metrics import exposition

    with open_the_desk() as desk:
        click.echo(exposition(desk, datetime.now(UTC)), nl=False)


@main.command()
@told
def watch() -> None:
    """Look for late work and tell people about it. They are told each thing once. Exit code 1 when something is
    late."""
    from pipeline.watching.watch import watch as look

    with open_the_desk() as desk:
        found = look(desk, datetime.now(UTC))
    click.echo(found.note())
    sys.exit(1 if found.wrong else 0)


@main.group()
def alerts() -> None:
    """List the alerts that were sent, or send a test alert."""


@alerts.command("list")
@told
def alerts_list() -> None:
    """List the last fifty alerts, the newest first."""

    with open_the_desk() as desk:
        said = desk.watch.said()
    say(
        f"{row.at:%Y-%m-%d %H:%M} UTC  {'told' if row.sent_at else 'NOT TOLD':<8}  {row.code}: {row.said}"
        for row in said
    )
    if not said:
        click.echo("There has been no alert.")


@alerts.command("test")
@told
def alerts_test() -> None:
    """Send a test alert through every channel that is set; exit code 1 when any of them fails."""
    from infra.notify import channels, send
    from pipeline.watching.alerts import TEST, alert

    settings, now = Settings.load(), datetime.now(UTC)
    ways = sorted(type(channel).__name__ for channel in channels(settings))
    taken = send(settings, alert(TEST).message(settings.alert_runbook, now))
    say(f"{way}: {'sent' if way in taken else 'NOT SENT'}" for way in ways)
    if not ways:
        click.echo("No channel is set: RESULTSDAY_ALERT_MAIL_TO and RESULTSDAY_ALERT_WEBHOOK are empty.")
    sys.exit(0 if ways and taken == ways else 1)
