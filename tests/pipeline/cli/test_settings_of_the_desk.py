"""Commands see the settings of the running desk, whichever shell they are typed in (OPS-6)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve
from cattrs.preconf.json import make_converter
from click.testing import CliRunner

from infra.host import write_private
from infra.running import supervisor
from infra.running.supervisor import RunningDesk, status
from infra.settings import Settings
from pipeline.cli import main
from pipeline.desk import open_desk
from tests.mailbox import Hook, webhook

TOKEN = "token of the vault"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as listening:
        yield listening


@pytest.fixture
def running(fresh: Settings, hook: Hook) -> Iterator[Settings]:
    """The settings of a desk whose supervisor is this process, as far as others can see."""
    with open_desk(fresh):
        pass
    settings = evolve(fresh, alert_webhook=hook.url, alert_webhook_token=TOKEN, alert_seconds=5)
    desk = RunningDesk(
        pid=os.getpid(), ui_url="http://127.0.0.1:1", username="admin", password="", database_url=fresh.database_url,
        started=datetime(2026, 1, 1, tzinfo=UTC), postgres_seconds=0, airflow_seconds=0,
        environment=settings.environment(),
    )  # fmt: skip
    with supervisor._lock(settings):
        write_private(settings.state / "run" / "desk.json", make_converter().dumps(desk))
        yield settings


def test_ops_6_a_shell_without_any_setting_but_the_state_folder_sends_the_desks_alerts(
    running: Settings, hook: Hook
) -> None:
    result = CliRunner().invoke(main, ["alerts", "test"], env={"RESULTSDAY_STATE": str(running.state)})
    assert (result.output, result.exit_code) == ("Webhook: sent\n", 0)
    [(headers, _)] = hook.taken
    assert headers["Authorization"] == f"Bearer {TOKEN}"
    health = CliRunner().invoke(main, ["health"], env={"RESULTSDAY_STATE": str(running.state)})
    assert "ledger     ok" in health.output
    assert "store      ok" in health.output


def test_ops_6_what_a_shell_sets_otherwise_is_named_and_does_not_count(running: Settings, hook: Hook) -> None:
    shell = {"RESULTSDAY_STATE": str(running.state), "RESULTSDAY_ALERT_WEBHOOK": "http://127.0.0.1:1/"}
    result = CliRunner().invoke(main, ["alerts", "test"], env=shell)
    assert result.stdout == "Webhook: sent\n"
    assert result.stderr == (
        "The running desk was started with another RESULTSDAY_ALERT_WEBHOOK than this shell has: the desk's counts. "
        "To change it, restart the desk.\n"
    )
    assert len(hook.taken) == 1


def test_what_the_desk_was_started_with_is_read_by_its_owner_alone(running: Settings) -> None:
    file = running.state / "run" / "desk.json"
    assert TOKEN in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0
    assert TOKEN not in repr(status(running))


def test_without_a_running_desk_the_shell_counts(fresh: Settings, hook: Hook, tmp_path: Path) -> None:
    shell = {"RESULTSDAY_STATE": str(tmp_path / "none"), "RESULTSDAY_ALERT_WEBHOOK": hook.url}
    result = CliRunner().invoke(main, ["alerts", "test"], env=shell)
    assert (result.output, len(hook.taken)) == ("Webhook: sent\n", 1)
