"""Commands about the state of the desk: health, metrics, what is late, and whether alerts arrive."""

from __future__ import annotations

import logging
import sys
import time
from datetime import UTC, datetime, timedelta

import click

from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, WHY, Day, main, open_the_desk, print_json, running_settings, say, told


@main.command()
@told
def health() -> None:
    """Check every part of the desk. Says what is wrong; exit code 1 when something is."""
    from pipeline.watching.health import health as look

    parts = look(*running_settings(), datetime.now(UTC))
    say(part.line() for part in parts)
    sys.exit(1 if any(part.wrong for part in parts) else 0)


@main.command()
@click.option("--rows", "rows_only", is_flag=True, help="Only chain and sealed rows: no awards, no files.")
@click.option("--json", "as_json", is_flag=True, help="For a program.")
@told
def audit(rows_only: bool, as_json: bool) -> None:
    """Compute chain, awards and manifests once more. Names the first row that is not as it was sealed; exit code 1 when
    there is one."""
    from pipeline.results.audit import audit as look

    with open_the_desk() as desk:
        found = look(desk, datetime.now(UTC), whole=not rows_only)
    say([found.as_json()] if as_json else found.lines())
    sys.exit(1 if found.differences else 0)


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


@main.command()
@click.option("--once", is_flag=True, help="Look once and end; exit code 1 when something keeps results back.")
@told
def guard(once: bool) -> None:
    """Look after each release instant whether results are out, without Airflow. Publishes what is approved if they are
    not, and tells people. Once a minute it tells RESULTSDAY_ALIVE_URL that all is well, if it is. Runs until it is
    stopped; `up` starts one."""
    from pipeline.watching.guard import LOOK_SECONDS, Guard

    settings, airflow_url = running_settings()
    if not settings.database_url:
        raise click.ClickException("no ledger: start the desk with `resultsday up` or set RESULTSDAY_DATABASE_URL")
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    guarding, said = Guard(settings, airflow_url), ""
    while True:
        looked = guarding.look(datetime.now(UTC))
        if looked.note != said:
            said = looked.note
            click.echo(said)
        guarding.parts(datetime.now(UTC))
        guarding.progress(datetime.now(UTC))
        for part in guarding.monitored(datetime.now(UTC)):
            click.echo(f"The monitor outside is not told: {part.line()}")
        if once:
            sys.exit(1 if looked.kept_back else 0)
        time.sleep(LOOK_SECONDS)


@main.group()
def alerts() -> None:
    """List the alerts that were sent, take one on, silence a kind of them, or send a test alert."""


@alerts.command("list")
@AS_JSON
@told
def alerts_list(as_json: bool) -> None:
    """List the last fifty alerts, the newest first."""

    from rules.calendar import instant_text

    with open_the_desk() as desk:
        said = desk.watch.said()
    if as_json:
        print_json(said)
        return
    say(f"{instant_text(row.at)}  {'told' if row.sent_at else 'NOT TOLD':<8}  {row.code}: {row.said}" for row in said)
    if not said:
        click.echo("There has been no alert.")


@alerts.command("acknowledge")
@click.argument("key")
@WHY
@told
def alerts_acknowledge(key: str, why: str) -> None:
    """Say that you have an alert in hand: it is yours on the work list. KEY is as `alerts list --json` has it."""
    from pipeline.watching.silence import acknowledge

    with open_the_desk() as desk:
        click.echo(acknowledge(desk, key, ordered(why)))


@alerts.command("silence")
@click.argument("code")
@click.option("--until", required=True, type=Day(), help="The last day, Europe/London, at most seven days from now.")
@WHY
@told
def alerts_silence(code: str, until: datetime, why: str) -> None:
    """Tell nobody of a kind of alert for a while. What still is so afterwards is told then."""
    from pipeline.watching.silence import silence
    from rules.catalogue import LONDON

    end = (until + timedelta(days=1)).replace(tzinfo=LONDON)
    with open_the_desk() as desk:
        click.echo(silence(desk, code, end, ordered(why)))


@alerts.command("hear")
@click.argument("code")
@WHY
@told
def alerts_hear(code: str, why: str) -> None:
    """End the silence about a kind of alert."""
    from pipeline.watching.silence import hear

    with open_the_desk() as desk:
        click.echo(hear(desk, code, ordered(why)))


@alerts.command("test")
@told
def alerts_test() -> None:
    """Send a test alert through every channel that is set; exit code 1 when any of them fails."""
    from infra.notify import channels, send
    from pipeline.watching.alerts import TEST, alert

    (settings, _), now = running_settings(), datetime.now(UTC)
    ways = sorted(type(channel).__name__ for channel in channels(settings))
    taken = send(settings, alert(TEST).message(settings, now))
    say(f"{way}: {'sent' if way in taken else 'NOT SENT'}" for way in ways)
    if not ways:
        click.echo("No channel is set: RESULTSDAY_ALERT_MAIL_TO and RESULTSDAY_ALERT_WEBHOOK are empty.")
    sys.exit(0 if ways and taken == ways else 1)
