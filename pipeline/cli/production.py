"""Commands for whoever runs the desk in production: tables, backup, restore."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from infra.settings import Settings
from pipeline.cli.approvals import system_account
from pipeline.cli.tools import WHY, main, open_the_desk, running_settings, say, told


@main.command()
@told
def migrate() -> None:
    """Create or upgrade the ledger's tables. Also creates Airflow's database; both at RESULTSDAY_DATABASE_URL. With
    RESULTSDAY_DATABASE_OWNER_URL the tables belong to that user, and the user of RESULTSDAY_DATABASE_URL is made and
    given what the desk needs. (`up` does this by itself.)"""
    from infra.ledger.submissions import migrate as run
    from infra.running.airflow_state import AIRFLOW_DATABASE
    from infra.running.postgres import create_database
    from pipeline.desk import prove_store

    settings = Settings.load()
    if not settings.database_url:
        raise click.ClickException("no ledger: set RESULTSDAY_DATABASE_URL")
    create_database(settings.owner_url, AIRFLOW_DATABASE)
    run(settings.owner_url, settings.database_url)
    click.echo("The ledger's tables are ready.")
    if settings.store_location.startswith("s3://"):
        prove_store(settings)  # a folder is made where the desk is started
        click.echo("The store keeps its promises.")


@main.group()
def store() -> None:
    """Say which store belongs to the ledger."""


@store.command("adopt")
@WHY
@told
def store_adopt(why: str) -> None:
    """Tell the ledger that the store in the settings is the right one. Needed only after the store was moved, copied or
    restored by other means than `resultsday restore`: the desk refuses every other store."""
    from pipeline.desk import adopt_store

    settings, _ = running_settings()
    found = adopt_store(settings, system_account(), why, datetime.now(UTC))
    click.echo(f"{found} belongs to the ledger now.")


@main.command()
@click.argument("place")
@told
def backup(place: str) -> None:
    """Back up ledger and store to PLACE. PLACE is an empty folder, or an empty s3://bucket/prefix."""
    from infra.store import open_store
    from pipeline.backup import backup as run

    with open_the_desk() as desk:
        say(run(desk, open_store(place), datetime.now(UTC)).lines())


@main.command()
@click.argument("place")
@told
def restore(place: str) -> None:
    """Restore the backup in PLACE to an empty desk."""
    from infra.store import open_store
    from pipeline.backup import restore as run

    with open_the_desk() as desk:
        say(run(desk, open_store(place)).lines())


@main.command()
@click.argument("queue")
@told
def bell(queue: str) -> None:
    """Start the ingest when an SQS queue reports a landed file. QUEUE is the address of the queue. Runs beside Airflow,
    with its settings, until it is stopped."""
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
