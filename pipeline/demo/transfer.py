"""The demo's last scene: a centre gets a key, sends a sample by SFTP and fetches its reply, as a real centre does."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import asyncssh
from attrs import frozen
from rich.console import Console

from infra.host import LOCALHOST
from infra.landing.keys import host_key, read_public_key
from infra.ledger.approvals import Order
from infra.running.supervisor import RunningDesk
from pipeline.desk import Desk
from pipeline.files.progress import waiting
from rules import terms

WAIT = 120.0
LINES = 16
WHO, WHY = "the demo", "to send a sample by SFTP; the key is removed at the end"


class TransferError(Exception):
    """The file could not be sent or its reply not fetched; the message says why."""


@frozen
class Client:
    """An SFTP client of a centre: OpenSSH's `sftp` if it is installed, else that of asyncssh.

    `folder` holds the files `key` and `hosts`; the service must show the key that is in `hosts`.
    """

    centre: str
    port: int
    folder: Path

    @property
    def name(self) -> str:
        """What the client is."""
        return "the sftp command" if shutil.which("sftp") else "asyncssh's client (no sftp command is installed)"

    def put(self, file: Path) -> None:
        """Sends a file to the inbox. Raises `TransferError`."""
        self._do(f'put "{file}" "inbox/{file.name}"', lambda sftp: sftp.put(str(file), f"inbox/{file.name}"))

    def get(self, name: str) -> bytes:
        """Fetches a file from the outbox. Raises `TransferError`."""
        target = self.folder / "fetched"
        self._do(f'get "outbox/{name}" "{target}"', lambda sftp: sftp.get(f"outbox/{name}", str(target)))
        return target.read_bytes()

    def _do(self, line: str, call: Callable[[asyncssh.SFTPClient], object]) -> None:
        try:
            if program := shutil.which("sftp"):
                self._command(program, line)
            else:
                asyncio.run(asyncio.wait_for(self._session(call), WAIT))
        except (OSError, TimeoutError, asyncssh.Error, subprocess.SubprocessError) as error:
            raise TransferError(f"the file transfer failed: {getattr(error, 'stderr', None) or error}") from error

    def _command(self, program: str, line: str) -> None:
        options: Sequence[str] = (
            "IdentitiesOnly=yes", f"UserKnownHostsFile={self.folder / 'hosts'}", "StrictHostKeyChecking=yes",
        )  # fmt: skip
        words = [program, "-q", "-b", "-", "-F", "none", "-P", str(self.port), "-i", str(self.folder / "key")]
        words += [word for option in options for word in ("-o", option)]
        subprocess.run(  # noqa: S603 -- the client, on files of ours
            [*words, f"{self.centre}@{LOCALHOST}"],
            input=f"{line}\n", capture_output=True, text=True, check=True, timeout=WAIT,
        )  # fmt: skip

    async def _session(self, call: Callable[[asyncssh.SFTPClient], object]) -> None:
        async with asyncssh.connect(
            LOCALHOST, self.port, username=self.centre, client_keys=[str(self.folder / "key")],
            known_hosts=str(self.folder / "hosts"), config=None, agent_path=None,
        ) as connection, connection.start_sftp_client() as sftp:  # fmt: skip
            await call(sftp)  # type: ignore[misc]


def transfer_story(
    console: Console, desk: Desk, running: RunningDesk, centre: str, file: Path, now: Callable[[], datetime]
) -> None:
    """Sends `file` for `centre` by SFTP, waits until the bell has made Airflow take it in, fetches the reply and shows
    its beginning. Raises `TransferError`."""
    console.print(f"\nCentre {centre} sends {file.name} once more, by SFTP\n", style="bold", markup=False)
    with _client(desk, running, centre, now) as client:
        began = now()
        client.put(file)
        console.print(
            f"sent with {client.name} to port {running.sftp_port}; the service rings, Airflow takes the file in"
        )
        with waiting(console, "the ingest"):
            name = _reply(desk, f"inbox/{centre}/{file.name}", began)
        lines = client.get(name).decode("ascii").splitlines()
    console.print(f"fetched from outbox/: {name}\n")
    console.print("\n".join([*lines[:LINES], f"... and {len(lines) - LINES} more lines"]), markup=False)


def _reply(desk: Desk, key: str, began: datetime) -> str:
    """The name of the reply to the file that landed under `key` after `began`."""
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        for row in desk.ledger.story([key]).iter_rows(named=True):
            if row["outcome"] and row["received"] >= began:
                return str(row["reply"])
        time.sleep(0.2)
    raise TransferError(f"no reply to {key} after {WAIT:.0f} s")


@contextmanager
def _client(desk: Desk, running: RunningDesk, centre: str, now: Callable[[], datetime]) -> Iterator[Client]:
    """A client with a key of its own, which is valid until the block ends."""
    made = asyncssh.generate_private_key("ssh-ed25519", comment="demo")
    key = read_public_key(made.export_public_key().decode("ascii"))
    known = host_key(desk.settings).export_public_key().decode("ascii")
    with tempfile.TemporaryDirectory() as name:  # 0700
        folder = Path(name)
        made.write_private_key(folder / "key")
        (folder / "key").chmod(0o600)
        (folder / "hosts").write_text(f"[{LOCALHOST}]:{running.sftp_port} {known}", encoding="ascii")
        desk.keys.add(centre, key, Order(WHO, WHY, now(), terms.PLAYED))
        try:
            yield Client(centre, running.sftp_port, folder)
        finally:
            desk.keys.remove(centre, key.fingerprint, Order(WHO, WHY, now(), terms.PLAYED))
