"""A running desk of its own for each folder of tests that need one: it is started for the first of them and ended after
the last, as a desk that runs takes time from all others."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest

from bench.registers import register_for_tests
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from tests.catalogue import FROZEN
from tests.mailbox import Mailbox, mail_server


@pytest.fixture(scope="package")
def mailbox() -> Iterator[Mailbox]:
    """The mail server to which the fixture `desk` sends its alerts."""
    with mail_server() as box:
        yield box


@pytest.fixture(scope="package")
def desk_settings(tmp_path_factory: pytest.TempPathFactory, mailbox: Mailbox) -> Settings:
    """The settings of the fixture `desk`: its own state folder and catalogue; files count as settled at once."""
    state = tmp_path_factory.mktemp("desk")
    catalogue = Path(copytree(FROZEN, state / "catalogue"))
    return Settings(
        state=state,
        catalogue=catalogue,
        settle_seconds=0,
        users="looker:viewer,reader:user,officer:op",
        alert_mail_to="operations@example.org",
        alert_smtp_port=mailbox.port,
        free_disk_bytes=1,
        sftp_port=0,
        ui_port=0,
        guard_seconds=3600,  # so that tests of results_day see what the DAG does
    )


@pytest.fixture(scope="package")
def desk(desk_settings: Settings) -> Iterator[RunningDesk]:
    """A running desk, the real one: about fifteen seconds for the first test that asks for it. Do not end it."""
    try:
        running = up(desk_settings, print)
        register_for_tests(running.database_url)
        yield running
    finally:
        down(desk_settings, print)
        EmbeddedPostgres(desk_settings.state / "postgres").remove()
