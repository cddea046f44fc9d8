"""Commands for whoever runs the desk in production: tables, backup, restore."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from infra.settings import Settings
from pipeline.cli.tools import main, open_the_desk, say, told


@main.command()
@told
def migrate() -> None:
    """Make or upgrade the ledger's tables, and the database of Airflow's (at RESULTSDAY_DATABASE_URL; a desk that `up`
    starts does it by itself)."""
    from infra.ledger.submissions import migrate as run
    from infra.running.postgres import create_database
    from infra.running.supervisor import AIRFLOW_DATABASE

    url = Settings.load().database_url
    if not url:
        raise click.ClickException("no ledger: set RESULTSDAY_DATABASE_URL")
    create_database(url, AIRFLOW_DATABASE)
    run(url)
    click.echo("The ledger's tables are ready.")


@main.command()
@click.argument("place")
@told
def backup(place: str) -> None:
    """Write ledger and store to PLACE: an empty folder, or s3://bucket/prefix where nothing lies."""
    from infra.store import open_store
    from pipeline.backup import backup as run

    with open_the_desk() as desk:
        say(run(desk, open_store(place), datetime.now(UTC)).lines())


@main.command()
@click.argument("place")
@told
def restore(place: str) -> None:
    """Make an empty desk what the backup in PLACE holds."""
    from infra.store import open_store
    from pipeline.backup import restore as run

    with open_the_desk() as desk:
        say(run(desk, open_store(place)).lines())


@main.command()
@click.argument("queue")
@told
def bell(queue: str) -> None:
    """Start the ingest whenever the SQS queue at the address QUEUE says that a file has landed (beside Airflow, whose
    settings it uses); until it is told to stop."""
    import boto3

    from infra.airflow_api import AirflowApi
    from infra.landing.queue import heard

    def ring() -> None:
        with AirflowApi.of_this_task() as api:
            api.trigger("ingest")

    client = boto3.client("sqs")
    while True:
        if count := heard(client, queue, ring):
            click.echo(f"{count} files have landed.")
