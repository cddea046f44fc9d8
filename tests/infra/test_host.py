"""Ports on a machine that others also use."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from infra.host import LOCALHOST, claimed_port, free_port

# Says that it is ready, chooses when told to, says what it chose, and keeps it until told to end.
CHOOSE = """
import sys
from infra.host import claimed_port
print("ready", flush=True)
sys.stdin.readline()
with claimed_port(int(sys.argv[1])) as port:
    print(port, flush=True)
    sys.stdin.readline()
"""


def choosers(number: int, port: int) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", CHOOSE, str(port)]
    return [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(number)]


def say(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


def test_of_desks_that_start_at_one_moment_no_two_get_the_same_port() -> None:
    wanted = free_port()
    processes = choosers(4, wanted)
    try:
        assert [heard(process) for process in processes] == ["ready"] * 4
        for process in processes:
            say(process)
        chosen = [int(heard(process)) for process in processes]
        assert len(set(chosen)) == 4
        assert wanted in chosen
    finally:
        for process in processes:
            process.communicate("\n")


def test_a_claim_leaves_the_port_to_our_server_and_ends_with_the_block() -> None:
    with claimed_port() as port:
        with socket.create_server((LOCALHOST, port)) as server, socket.create_connection((LOCALHOST, port)):
            server.accept()[0].close()
        with claimed_port(port) as other:
            assert other != port
    with claimed_port(port) as again:
        assert again == port


def test_a_claim_ends_with_a_process_that_is_killed() -> None:
    [process] = choosers(1, free_port())
    heard(process)
    say(process)
    port = int(heard(process))
    process.kill()
    process.communicate()
    with claimed_port(port) as again:
        assert again == port


def test_a_port_somebody_listens_on_is_not_claimed() -> None:
    with socket.create_server((LOCALHOST, 0)) as server:
        taken = server.getsockname()[1]
        with claimed_port(taken) as port:
            assert port != taken
        assert free_port(taken) != taken


def test_without_a_free_port_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.host._unused", lambda port: None)
    with pytest.raises(OSError, match="no free TCP port"), claimed_port(8080):
        pass
