"""Commands for file transfer: the keys of centres, and the landing service by itself."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
from attrs import evolve

from infra.settings import Settings
from pipeline.cli.approvals import ordered
from pipeline.cli.tools import AS_JSON, WHY, main, open_the_desk, print_json, told

if TYPE_CHECKING:
    from infra.ledger.keys import CentreKey, KeyBook


@main.group()
def centre() -> None:
    """Manage the keys with which centres log in by SFTP. Changes apply at once, without a restart."""


KEY_FILE = click.argument(
    "key_file", type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True), metavar="KEY_FILE"
)
STANDARD_INPUT = Path("-")


@centre.command()
@click.argument("number", metavar="CENTRE")
@KEY_FILE
@WHY
@told
def add(number: str, key_file: Path, why: str) -> None:
    """Let a CENTRE log in with the public key in KEY_FILE (OpenSSH or PuTTY; -: standard input), beside the keys it
    has."""
    from infra.landing.keys import read_public_key

    with _books() as keys:
        key = read_public_key(_text(key_file))
        keys.add(_centre(number), key, ordered(why))
    click.echo(f"Centre {number} can log in with {key.kind} {key.fingerprint}.")


@centre.command()
@click.argument("number", metavar="CENTRE")
@KEY_FILE
@click.option(
    "--days",
    default=14,
    show_default=True,
    type=click.IntRange(0, 365),
    help="For how many days the old keys stay valid.",
)
@WHY
@told
def rotate(number: str, key_file: Path, days: int, why: str) -> None:
    """Replace the keys of a CENTRE with a new key; old and new keys are valid until --days have passed."""
    from infra.landing.keys import read_public_key

    order = ordered(why)
    with _books() as keys:
        key = read_public_key(_text(key_file))
        ending = keys.rotate(_centre(number), key, order.at + timedelta(days=days), order)
    click.echo(f"Centre {number} can log in with {key.kind} {key.fingerprint}.")
    for old in ending:
        click.echo(f"{old.fingerprint} is valid until {old.ends_at:%Y-%m-%d %H:%M} UTC.")


@centre.command()
@click.argument("number", metavar="CENTRE")
@click.argument("fingerprint", required=False)
@click.option("--all", "every", is_flag=True, help="Remove every key: the centre can no longer log in.")
@WHY
@told
def remove(number: str, fingerprint: str | None, every: bool, why: str) -> None:
    """Remove a key of a CENTRE at once, by its FINGERPRINT, and end the sessions it opened."""

    if (fingerprint is None) != every:
        raise click.UsageError("give the fingerprint of the key (see `resultsday centre keys`), or --all")
    with _books() as keys:
        for key in keys.remove(_centre(number), fingerprint, ordered(why)):
            click.echo(f"{key.fingerprint} of centre {number} is removed.")


@centre.command(name="list")
@AS_JSON
@told
def list_them(as_json: bool) -> None:
    """List the centres that have or had keys, with the number of valid ones."""
    with _books() as keys:
        if as_json:
            held = keys.centres(datetime.now(UTC)).items()
            print_json({"centre": number, "valid_keys": valid} for number, valid in held)
            return
        for number, valid in keys.centres(datetime.now(UTC)).items():
            click.echo(f"{number}  {valid} valid key{'s' * (valid != 1)}")


@centre.command(name="keys")
@click.argument("number", metavar="CENTRE")
@AS_JSON
@told
def show(number: str, as_json: bool) -> None:
    """Show every key a CENTRE has or had: who added, rotated or removed it, when and why."""
    with _books() as keys:
        found = keys.keys(_centre(number))
        if not found:
            raise click.ClickException(f"centre {number} has never had a key")
        if as_json:
            print_json(found)
            return
        for key in found:
            click.echo("\n".join(_told(key, datetime.now(UTC))))


@main.command()
@told
def sftp() -> None:
    """Run only the landing service, until it is stopped. `up` runs it as part of the desk."""
    from infra.landing.server import serve
    from infra.ledger.keys import KeyRefused
    from infra.running.supervisor import status as look

    settings = Settings.load()
    running = look(settings)
    if running:
        settings = evolve(settings, database_url=running.database_url)
    if not settings.database_url:
        raise click.ClickException("no ledger: start the desk with `resultsday up` or set RESULTSDAY_DATABASE_URL")
    try:
        serve(settings)
    except (KeyRefused, OSError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _books() -> Iterator[KeyBook]:
    from infra.ledger.keys import KeyRefused

    with open_the_desk() as desk:
        try:
            yield desk.keys
        except KeyRefused as error:
            raise click.ClickException(str(error)) from error


def _centre(number: str) -> str:
    from parsers.identifiers import centre as identifier

    if not identifier.is_valid(number):
        raise click.ClickException(f"{number} is not a centre number of five digits")
    if identifier.compact(number) in identifier.DUMMIES:
        raise click.ClickException(
            f"{number} is not a centre: its outbox is for replies about files of unknown centres"
        )
    return identifier.compact(number)


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file} cannot be read ({type(error).__name__})") from error


def _told(key: CentreKey, now: datetime) -> list[str]:
    from infra.ledger.approvals import Signer
    from rules import terms

    lines = [f"{key.fingerprint}  {key.kind}  {'valid' if key.valid(now) else 'not valid'}  {key.comment}".rstrip()]
    for what, at, who, how, why in (
        ("added", key.added_at, key.added_by, key.added_how, key.added_why),
        ("ends", key.ends_at, key.ends_by, key.ends_how, key.ends_why),
        ("removed", key.removed_at, key.removed_by, key.removed_how, key.removed_why),
    ):
        if at:
            lines.append(f"  {what} {at:%Y-%m-%d %H:%M} UTC, {Signer(who or '', how or terms.STATED)}: {why}")
    return lines
