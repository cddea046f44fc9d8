"""The landing service under a client's hands: `python -m bench.landing`. The service runs as a process of its own on a
folder, with its keys in an embedded PostgreSQL; the client is asyncssh's, on the same machine."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import sqlalchemy as sa
from attrs import frozen

from bench.desks import temporary_server
from infra.host import free_port
from infra.landing.keys import read_public_key
from infra.ledger.approvals import Order
from infra.ledger.keys import KeyBook
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres

SESSIONS = 100
FILES, SIZE = 500, 4_000
BIG = 20_000_000
CENTRES, EACH = 10, 90
"""Centres that send at the same time, and files of each."""


@frozen
class Client:
    """Centres with one key."""

    port: int
    key: asyncssh.SSHKey

    def connect(self, centre: str) -> Any:
        """A connection of a centre."""
        return asyncssh.connect(
            "127.0.0.1", self.port, username=centre, client_keys=[self.key], known_hosts=None, config=None,
            agent_path=None,
        )  # fmt: skip

    async def send(self, centre: str, files: int, data: bytes) -> None:
        """Sends files in one session."""
        async with self.connect(centre) as connection, connection.start_sftp_client() as sftp:
            for number in range(files):
                async with sftp.open(f"inbox/{len(data)}-{number}.X01", "wb") as file:
                    await file.write(data + str(number).encode())

    async def sessions(self, centre: str) -> None:
        """Sessions one after the other, each of which lists the outbox."""
        for _ in range(SESSIONS):
            async with self.connect(centre) as connection, connection.start_sftp_client() as sftp:
                await sftp.listdir("outbox")

    async def many(self, files: int, size: int) -> None:
        """Many centres at the same time."""
        await asyncio.gather(*(self.send(f"{20001 + n}", files, b"x" * size) for n in range(CENTRES)))

    async def fetch(self, centre: str, name: str) -> None:
        """Fetches a file."""
        async with (
            self.connect(centre) as connection,
            connection.start_sftp_client() as sftp,
            sftp.open(f"inbox/{name}", "rb", encoding=None) as file,
        ):
            assert len(await file.read()) > BIG


def measure(folder: Path, postgres: EmbeddedPostgres) -> None:
    """Starts the service and prints what it does."""
    postgres.create_database("landing")
    migrate(postgres.url("landing"))
    key = asyncssh.generate_private_key("ssh-ed25519")
    engine = sa.create_engine(postgres.url("landing"))
    book, public = KeyBook(engine), read_public_key(key.export_public_key().decode())
    for number in range(20000, 20001 + CENTRES):
        book.add(str(number), public, Order("bench", "bench", datetime.now(UTC)))
    engine.dispose()
    port = free_port()
    environment = {
        **os.environ, "RESULTSDAY_STATE": str(folder / "state"), "RESULTSDAY_DATABASE_URL": postgres.url("landing"),
        "RESULTSDAY_SFTP_PORT": str(port),
    }  # fmt: skip
    began = time.monotonic()
    with (folder / "log").open("wb") as output:
        service = subprocess.Popen(
            [sys.executable, "-m", "infra.landing"], env=environment, stdout=output, stderr=output
        )
    try:
        while "listening" not in (folder / "log").read_text():
            assert service.poll() is None, (folder / "log").read_text()
            time.sleep(0.02)
        process = psutil.Process(service.pid)
        print(f"listening after {time.monotonic() - began:.2f} s, {process.memory_info().rss >> 20} MiB")
        client = Client(port, key)
        total = CENTRES * EACH
        steps: tuple[tuple[str, Callable[[], Awaitable[None]], int], ...] = (
            (
                f"{SESSIONS} sessions, one after the other: log in, list",
                lambda: client.sessions("20000"),
                SESSIONS,
            ),
            (f"{FILES} files of {SIZE:,} bytes, one session", lambda: client.send("20000", FILES, b"x" * SIZE), FILES),
            (f"{total} files over {CENTRES} sessions at once", lambda: client.many(EACH, SIZE), total),
            (f"one file of {BIG:,} bytes sent", lambda: client.send("20000", 1, b"x" * BIG), 1),
            (f"one file of {BIG:,} bytes fetched", lambda: client.fetch("20000", f"{BIG}-0.X01"), 1),
            (f"{CENTRES} files of {BIG:,} bytes at once", lambda: client.many(1, BIG), CENTRES),
        )
        for title, work, count in steps:
            began, cpu = time.monotonic(), sum(process.cpu_times()[:2])
            asyncio.run(_awaited(work()))
            seconds, used = time.monotonic() - began, sum(process.cpu_times()[:2]) - cpu
            print(f"{title:62} {seconds:6.2f} s  {count / seconds:7.1f}/s  service: {used:5.2f} s of a core, "
                  f"{process.memory_info().rss >> 20} MiB")  # fmt: skip
    finally:
        service.terminate()
        service.wait()


async def _awaited(work: Awaitable[None]) -> None:
    await work


def main() -> None:
    """Measures in a temporary folder."""
    with temporary_server(durable=True) as (postgres, folder):
        measure(folder, postgres)


if __name__ == "__main__":
    main()
