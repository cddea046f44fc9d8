"""The commands for keys, and the service as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest
from click.testing import CliRunner, Result

from infra.host import free_port
from infra.landing.keys import host_key
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.cli import main
from pipeline.demo.transfer import Client, TransferError
from tests.landing.conftest import KEY, OTHER, Service, public, run
from tests.patience import PATIENCE, until

REASON = ("--why", "the centre asked")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that the tests' ledger knows (OPS-6): the same for all commands."""
    return tmp_path_factory.mktemp("commands") / "store"


@pytest.fixture
def state(
    tmp_path: Path, store: Path, postgres: EmbeddedPostgres, book: object, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The environment of commands on the tests' ledger, with two public keys in files."""
    monkeypatch.setenv("RESULTSDAY_STATE", str(tmp_path))
    monkeypatch.setenv("RESULTSDAY_STORE", str(store))
    monkeypatch.setenv("RESULTSDAY_DATABASE_URL", postgres.url("landing"))
    (tmp_path / "one.pub").write_text(public(KEY))
    (tmp_path / "two.pub").write_text(public(OTHER))
    return tmp_path


@pytest.fixture
def centre(state: Path) -> Callable[..., Result]:
    """Runs `resultsday centre` with some words."""
    return lambda *words: CliRunner().invoke(main, ["centre", *map(str, words)])


def test_keys_are_added_rotated_listed_and_removed(centre: Callable[..., Result], state: Path) -> None:
    added = centre("add", "20001", state / "one.pub", *REASON)
    assert added.exit_code == 0, added.output
    assert KEY.get_fingerprint() in added.output
    rotated = centre("rotate", "20001", state / "two.pub", "--days", 7, *REASON)
    assert f"{KEY.get_fingerprint()} is valid until" in rotated.output
    assert "20001  2 valid keys\n" in centre("list").output
    assert "20001 is removed" in centre("remove", "20001", KEY.get_fingerprint(), *REASON).output
    assert "20001  1 valid key\n" in centre("list").output
    assert OTHER.get_fingerprint() in centre("remove", "20001", "--all", *REASON).output
    told = centre("keys", "20001").output
    assert told.count("not valid") == 2
    assert told.count(": the centre asked") == told.count("system account ") == 5  # two added, one ended, two removed


def test_what_cannot_be_done_is_said(centre: Callable[..., Result], state: Path) -> None:
    (state / "private").write_bytes(KEY.export_private_key())
    (state / "binary").write_bytes(b"\xff\xfe")
    for words, said in (
        (("add", "20002", state / "private", *REASON), "private key"),
        (("add", "20002", state / "binary", *REASON), "cannot be read"),
        (("add", "2000", state / "one.pub", *REASON), "not a centre number"),
        (("add", "00000", state / "one.pub", *REASON), "is not a centre:"),
        (("add", "20002", state / "one.pub", "--why", " "), "who is doing this"),
        (("rotate", "20002", state / "one.pub", *REASON), "no valid key"),
        (("remove", "20002", "--all", *REASON), "no key"),
        (("remove", "20002", *REASON), "--all"),
        (("keys", "20002"), "never had a key"),
    ):
        result = centre(*words)
        assert result.exit_code != 0
        assert said in result.output


def test_the_service_runs_alone_until_it_is_told_to_stop(
    centre: Callable[..., Result], state: Path, store: Path
) -> None:
    assert centre("add", "20003", state / "one.pub", *REASON).exit_code == 0
    port = free_port()
    log = state / "log"
    environment = {**os.environ, "RESULTSDAY_SFTP_PORT": str(port)}
    with log.open("wb") as output:
        command = [sys.executable, "-c", "from pipeline.cli import main; main(['sftp'])"]
        service = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        until(lambda: service.poll() is not None or "listening" in log.read_text())
        assert service.poll() is None, log.read_text()
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{port} {public(host_key(Settings(state=state)))}")

        async def send() -> None:
            async with (
                asyncssh.connect(
                    "127.0.0.1", port, username="20003", client_keys=[KEY], known_hosts=known, config=None
                ) as connection,
                connection.start_sftp_client() as client,
            ):
                async with client.open("inbox/E1.X01", "wb") as file:
                    await file.write(b"sent")
                service.send_signal(signal.SIGTERM)
                await connection.wait_closed()

        run(send())
        assert service.wait(PATIENCE) == 0
    finally:
        service.kill()
        service.wait()
    assert (store / "inbox" / "20003" / "E1.X01").read_bytes() == b"sent"
    assert host_key(Settings(state=state)).get_fingerprint() in log.read_text()
    assert "landed centre=20003 bytes=4" in log.read_text()


@pytest.mark.parametrize("installed", [True, False])
def test_the_demos_client_sends_and_fetches_with_and_without_the_sftp_command(
    installed: bool, folder: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not installed:
        monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "key").write_bytes(KEY.export_private_key())
    (tmp_path / "key").chmod(0o600)
    (tmp_path / "hosts").write_text(f"[127.0.0.1]:{folder.port} {public(folder.landing.host_key)}")
    folder.store.put(f"outbox/{folder.centre}/X1", b"the reply")
    sent = tmp_path / "E 1.X01"
    sent.write_bytes(b"sent")
    client = Client(folder.centre, folder.port, tmp_path)
    print(f"client used: {client.name}")
    assert client.name.startswith("the sftp command" if shutil.which("sftp") else "asyncssh's client")
    client.put(sent)
    assert client.get("X1") == b"the reply"
    assert folder.waiting() == {"E 1.X01": b"sent"}
    with pytest.raises(TransferError):
        client.get("X2")
    (tmp_path / "hosts").write_text(f"[127.0.0.1]:{folder.port} {public(OTHER)}")
    with pytest.raises(TransferError):
        client.put(sent)  # the service does not show the key it should have
