"""Who has ordered something is who the desk has verified, never a name that was typed (OPS-3, OPS-4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
import sqlalchemy as sa
from asyncssh import generate_private_key
from click.testing import CliRunner, Result
from fastapi.testclient import TestClient
from starlette.requests import Request

from infra.ledger.approvals import Signer, spoken
from infra.ledger.deeds import Sought
from infra.ledger.tables import metadata
from infra.settings import Settings
from parsers.feed import write_feed
from pipeline.cli import main
from pipeline.cli.approvals import system_account
from pipeline.console.access import Person
from pipeline.console.app import application
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.intake.staff import Entry, change_entry
from pipeline.orders import Order
from pipeline.results.explain import NOBODY, explain, text
from rules import terms
from tests.pipeline.inbox import land
from tests.support import CENTRE, REGISTERED, registration_file

LEARNER = "641230220001D"
LATER = datetime(2024, 3, 1, 12, tzinfo=UTC)
WHY = ("--why", "asked by telephone")


@pytest.fixture
def command(fresh: Settings) -> Callable[..., Result]:
    """A command of a desk, in a shell that says it is somebody else."""
    names = {"USER": "head", "LOGNAME": "head", "SUDO_USER": "head"}

    def run(*words: str) -> Result:
        done = CliRunner().invoke(main, words, env=fresh.environment() | names)
        assert done.exit_code == 0, done.output
        return done

    return run


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    for name, one in group.commands.items():
        if isinstance(one, click.Group):
            yield from every_command(one, (*path, name))
        else:
            yield " ".join((*path, name)), one


def test_ops_4_no_command_takes_a_name() -> None:
    for name, one in every_command(main):
        options = {option for param in one.params for option in param.opts}
        assert not options & {"--who", "--by", "--as", "--user", "--name-for-the-record"}, name


def test_ops_4_beside_everybody_on_record_stands_how_the_desk_knows_them() -> None:
    """Not so where an approval has a record of its own, where it says who asked the desk, and of files."""
    other = {"approved_by", "decided_by", "proposed_by", "requested_by", "ended_by"}
    for table in metadata.tables.values():
        for name in {*table.columns.keys()} - other:
            if name == "who" or name.endswith(("_who", "_by")):
                how = f"{name.removesuffix('who').removesuffix('_by').removesuffix('_')}_how".removeprefix("_")
                # Looks are taken in the console, and nowhere else.
                assert how in table.columns or table.name == "looks", (table.name, name)


def test_ops_4_orders_on_the_command_line_are_the_system_accounts(
    command: Callable[..., Result], fresh: Settings, tmp_path: Path
) -> None:
    (tmp_path / "key.pub").write_bytes(generate_private_key("ssh-ed25519").export_public_key())
    command("centre", "edit", "20003", "--name", "Hilltop School", *WHY)
    command("centre", "apply", "20003", "BZS22", *WHY)
    command("centre", "add", "20003", str(tmp_path / "key.pub"), *WHY)
    command("centre", "remove", "20003", "--all", *WHY)
    command("keep", "dispute", "20003", *WHY)
    account = str(system_account())
    assert account.startswith("system account ")
    with open_desk(fresh) as desk:
        deeds = desk.console.audit(Sought()).deeds
    assert set(deeds["who"]) == {account}
    assert set(deeds["action"]) == {"register_changed", "approval_asked", "key_added", "key_removed", "dispute"}
    for words in ("keys", "show"):
        assert f"{account}: asked by telephone" in command("centre", words, "20003").output
    assert account in command("centre", "applications").output


def test_ops_4_who_is_shown_as_known_in_lists_as_on_pages(work: Desk) -> None:
    ways = (terms.BY_CONSOLE, terms.BY_ACCOUNT, terms.BY_APPROVAL, terms.STATED, terms.PLAYED)
    with work.ledger.engine.connect() as connection:
        for how in ways:
            said = connection.execute(sa.select(spoken(sa.literal("jane"), sa.literal(how)))).scalar()
            assert said == str(Signer("jane", how))
        assert connection.execute(sa.select(spoken(sa.literal(""), sa.literal(terms.STATED)))).scalar() == ""
    assert str(Signer("jane", terms.STATED)) == "jane (stated)"


def page(settings: Settings, name: str) -> str:
    async def clerk(_: Request) -> Person:
        return Person(name="jane", rights=frozenset({"look", "files"}))

    pages = TestClient(application(settings, lambda: LATER, clerk, lambda back: back))
    return str(pages.get(f"/files/{name}").text)


def test_ops_4_a_feed_of_staff_without_an_order_names_its_sender_as_stated(fresh: Settings) -> None:
    with open_desk(fresh) as desk:
        land(desk, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
        ordered = Order("jane", "by telephone", LATER, terms.BY_ACCOUNT)
        change_entry(desk, "entry", Entry(CENTRE, "2024-06", "0001", LEARNER, "BEN01"), ordered)
        forged = {
            "action": "enter", "series": "6B24", "awarding_body": "15", "centre": CENTRE, "candidate": "0001",
            "uci": LEARNER, "option": "BEN02", "who": "the head of the board", "why": "says so",
        }  # fmt: skip
        land(desk, f"../feeds/staff/{CENTRE}/staff-1.csv", write_feed([forged]), LATER)
        ingest(desk, LATER + timedelta(minutes=2))
        told = " ".join(" ".join(text(explain(desk, CENTRE, "0001"))).split())
    assert "GMT, ordered by system account jane" in told
    assert f"GMT, ordered by {NOBODY}" in told
    shown = [page(fresh, number) for number in ("2", "3")]
    assert sum("Ordered by</dt><dd>system account jane" in one for one in shown) == 1
    assert sum("no order on record; the file names the head of the board (stated)" in one for one in shown) == 1
