"""The supervisor over the real PostgreSQL and Airflow: what ends is started again and drags nothing down; it fails
loudly, and ends all it started and nothing else."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from attrs import evolve

from infra.host import LOCALHOST, free_port, tail
from infra.running.parts import MARK, SupervisorError, states_of
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import ROOM_BYTES, RunningDesk, down, enough_room, status, up
from infra.settings import Settings
from tests.catalogue import FROZEN
from tests.patience import PATIENCE, until

EVERY_PART = {"api-server", "scheduler", "dag-processor", "triggerer", "landing", "guard"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a desk that may be killed."""
    settings = Settings(catalogue=FROZEN, state=tmp_path_factory.mktemp("own"), sftp_port=0, ui_port=0)
    yield settings
    down(settings, print)
    EmbeddedPostgres(settings.state / "postgres").remove()


def parts(settings: Settings) -> dict[str, psutil.Process]:
    """The main process of every running component, by name."""
    found: dict[str, psutil.Process] = {}
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(MARK, "")
            leads = os.getsid(process.pid) == process.pid and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ProcessLookupError):
            continue
        if mark.startswith(f"{settings.state.resolve()}#") and leads:
            found[mark.partition("#")[2]] = process
    return found


def server_runs(settings: Settings) -> bool:
    """Whether a PostgreSQL server holds the desk's data folder."""
    return server(settings) is not None


def server(settings: Settings) -> psutil.Process | None:
    note = settings.state / "postgres" / "data" / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return psutil.Process(int(note.read_text(encoding="ascii").splitlines()[0]))
    return None


def wait_until_gone(settings: Settings) -> None:
    until(lambda: not parts(settings) and not server_runs(settings))


def door_is_open(desk: RunningDesk) -> bool:
    with socket.create_connection((LOCALHOST, desk.sftp_port), timeout=5) as connection:
        return connection.recv(4) == b"SSH-"


def console_is_open(desk: RunningDesk) -> bool:
    return httpx.get(f"{desk.ui_url}/api/v2/version", timeout=30, trust_env=False).status_code == 200


def test_up_twice_parts_that_die_and_a_killed_supervisor(own: Settings) -> None:
    said: list[str] = []
    desk = up(own, said.append)
    assert any("healthy" in line for line in said)
    assert up(own, said.append) == desk == status(own)
    assert set(parts(own)) == EVERY_PART
    desk_file = own.state / "run" / "desk.json"
    assert desk_file.stat().st_mode & 0o077 == 0
    assert desk.password not in "".join(said) + (own.state / "logs" / "supervisor.log").read_text()
    for process in parts(own).values():
        listening = [connection for connection in process.net_connections() if connection.status == psutil.CONN_LISTEN]
        assert all(connection.laddr.ip == LOCALHOST for connection in listening)

    # The scheduler dies: the others are the same processes as before, and it comes back.
    before = parts(own)
    os.kill(before["scheduler"].pid, signal.SIGKILL)
    back = until(
        lambda: now if (now := parts(own)).get("scheduler", before["scheduler"]) != before["scheduler"] else None
    )
    assert {name for name in EVERY_PART if back.get(name) != before[name]} == {"scheduler"}
    assert door_is_open(desk)
    assert console_is_open(desk)
    assert status(own) == desk
    assert "scheduler ended (signal 9): it is started again in 1 s" in tail(own.state / "logs" / "supervisor.log")
    assert [(state.name, state.why) for state in states_of(own)] == [("scheduler", "signal 9")]

    # PostgreSQL dies: door and console stay open, and it comes back at the same port.
    doors = {name: parts(own)[name] for name in ("landing", "api-server")}
    killed = server(own)
    assert killed
    killed.kill()
    assert door_is_open(desk)
    assert console_is_open(desk)
    until(lambda: (running := server(own)) is not None and running != killed)
    until(lambda: set(parts(own)) == EVERY_PART)
    assert {name: parts(own)[name] for name in doors} == doors
    assert status(own) == desk

    # The supervisor itself is killed: its parts are told so by the kernel, and `down` ends those that do not listen.
    os.kill(desk.pid, signal.SIGKILL)
    assert down(own, said.append) is True
    wait_until_gone(own)
    assert down(own, said.append) is False


def test_ctrl_c_while_the_desk_starts_ends_all_that_was_started(own: Settings) -> None:
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "up"]
    started = subprocess.Popen(command, env={**os.environ, **own.environment()}, stdout=subprocess.PIPE)
    try:
        until(lambda: parts(own))
        started.send_signal(signal.SIGINT)
        said, _ = started.communicate(timeout=PATIENCE)
        assert started.returncode == 1
        assert b"Ending what was started" in said
        wait_until_gone(own)
        assert status(own) is None
    finally:
        started.kill()


def test_a_part_that_ends_each_time_it_is_started_stops_the_start_and_is_named(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A key that others can read is refused; the landing service is not started at all.
    key = own.state / "sftp_host_key"
    key.chmod(0o644)
    with pytest.raises(SupervisorError, match="others can read the host key"):
        up(own, print)
    key.chmod(0o600)
    wait_until_gone(own)
    # An address of another machine: the landing service ends each time.
    with pytest.raises(SupervisorError, match=r"landing ended \(exit code 1\), 3 times in a row"):
        up(evolve(own, sftp_host="192.0.2.1"), print)
    wait_until_gone(own)


@pytest.mark.parametrize("name", ["ui_port", "sftp_port"])
def test_a_public_port_that_is_taken_is_an_error_that_says_by_whom(tmp_path: Path, name: str) -> None:
    with socket.create_server((LOCALHOST, 0)) as listener:
        taken = listener.getsockname()[1]
        ports = {"ui_port": 0, "sftp_port": 0} | {name: taken}
        with pytest.raises(SupervisorError) as caught:
            up(Settings(catalogue=FROZEN, state=tmp_path, **ports), print)
    assert f"port {taken} of 127.0.0.1, for " in str(caught.value)
    assert f"is taken by process {os.getpid()} (" in str(caught.value)
    assert f"RESULTSDAY_{name.upper()} (0: any that is free)" in str(caught.value)
    assert not server_runs(Settings(state=tmp_path))


def test_a_disk_without_room_is_told_before_anything_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=ROOM_BYTES - 1))
    with pytest.raises(SupervisorError, match=r"399 MiB are free on the disk of .*, and the desk needs 400 MiB"):
        enough_room(Settings(state=tmp_path))


def test_a_desk_that_cannot_start_says_why(tmp_path: Path) -> None:
    settings = Settings(
        catalogue=FROZEN, state=tmp_path, database_url="postgresql+psycopg2://nobody:wrong@127.0.0.1:1/none",
        ui_port=free_port(), sftp_port=free_port(),
    )  # fmt: skip
    with pytest.raises(SupervisorError, match=r"(?i)connection"):
        up(settings, print)
    assert status(settings) is None
