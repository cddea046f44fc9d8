"""The supervisor over the real PostgreSQL and Airflow: it fails loudly, ends all it started, and nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from infra.host import tail
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import HEALTHY_SECONDS, MARK, SupervisorError, down, status, up
from infra.settings import Settings
from tests.catalogue import FROZEN
from tests.patience import PATIENCE, until


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a desk that may be killed."""
    settings = Settings(catalogue=FROZEN, state=tmp_path_factory.mktemp("own"))
    yield settings
    down(settings, print)
    EmbeddedPostgres(settings.state / "postgres").remove()


def parts(settings: Settings) -> dict[str, psutil.Process]:
    """The main process of every running component, by name."""
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
        except psutil.Error:
            continue
        if mark.startswith(f"{settings.state.resolve()}#") and os.getsid(process.pid) == process.pid:
            found[mark.partition("#")[2]] = process
    return found


def server_runs(settings: Settings) -> bool:
    """Whether a PostgreSQL server holds the desk's data folder."""
    note = settings.state / "postgres" / "data" / "postmaster.pid"
    try:
        return psutil.pid_exists(int(note.read_text(encoding="ascii").splitlines()[0]))
    except (FileNotFoundError, IndexError):
        return False


def wait_until_gone(settings: Settings) -> None:
    until(lambda: not parts(settings) and not server_runs(settings))


def test_up_twice_a_dead_part_and_a_killed_supervisor(own: Settings) -> None:
    said: list[str] = []
    desk = up(own, said.append)
    assert desk.airflow_seconds < HEALTHY_SECONDS
    assert any("healthy" in line for line in said)
    assert up(own, said.append) == desk == status(own)
    assert set(parts(own)) == {"api-server", "scheduler", "dag-processor", "triggerer", "landing", "guard"}
    desk_file = own.state / "run" / "desk.json"
    assert desk_file.stat().st_mode & 0o077 == 0
    assert desk.password not in "".join(said) + (own.state / "logs" / "supervisor.log").read_text()
    for process in parts(own).values():
        listening = [connection for connection in process.net_connections() if connection.status == psutil.CONN_LISTEN]
        assert all(connection.laddr.ip == "127.0.0.1" for connection in listening)

    # One part dies: the supervisor names it and ends the others.
    assert server_runs(own)
    supervisor = psutil.Process(desk.pid)
    os.kill(parts(own)["triggerer"].pid, signal.SIGKILL)
    assert supervisor.wait(PATIENCE) == 1
    wait_until_gone(own)
    assert status(own) is None
    assert "triggerer ended (signal 9)" in tail(own.state / "logs" / "supervisor.log", 20_000)

    # The supervisor itself is killed: its parts are told so by the kernel, and `down` ends those that do not listen.
    desk = up(own, said.append)
    os.kill(desk.pid, signal.SIGKILL)
    assert down(own, said.append) is True
    wait_until_gone(own)
    assert down(own, said.append) is False


def test_a_desk_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = Settings(
        catalogue=FROZEN, state=tmp_path, database_url="postgresql+psycopg2://nobody:wrong@127.0.0.1:1/none"
    )
    with pytest.raises(SupervisorError, match=r"(?i)connection"):
        up(settings, print)
    assert status(settings) is None
