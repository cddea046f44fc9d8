"""People and centres, as they come to the desk: through the log-in page of Airflow, and by SFTP."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import asyncssh
import httpx
from attrs import frozen

from infra.host import LOCALHOST

T = TypeVar("T")


class Visitor:
    """Somebody who has logged in to Airflow with a browser: at its page, which has sent them back to the console."""

    def __init__(self, address: str, name: str, password: str) -> None:
        self.name = name
        self._client = httpx.Client(base_url=address, timeout=60, trust_env=False, follow_redirects=True)
        page = self._client.get("/resultsday/", headers={"Accept": "text/html"})
        fields = dict(re.findall(r'<input[^>]*name="(csrf_token)"[^>]*value="([^"]+)"', page.text))
        self.landed = self._client.post(page.url, data={"username": name, "password": password, **fields})

    def get(self, path: str) -> httpx.Response:
        """A page of the console or of Airflow's API."""
        return self._client.get(path, headers={"Accept": "text/html"})

    def asks(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: object
    ) -> httpx.Response:
        """Whatever is answered to a request from a page of Airflow."""
        origin = {"Origin": str(self._client.base_url).rstrip("/")}
        return self._client.request(method, path, headers=origin | dict(headers or {}), **body)  # type: ignore[arg-type]

    def says(self, number: int, verdict: str, why: str, sha256: str, **headers: str) -> httpx.Response:
        """Says something about a proposal in the console; the answer itself, not the page that follows."""
        form = {"verdict": verdict, "why": why, "sha256": sha256}
        path = f"/resultsday/approvals/{number}"
        return self.asks("POST", path, data=form, headers=headers, follow_redirects=False)

    def waiting(self) -> list[str]:
        """The numbers of what waits for a decision."""
        return sorted(set(re.findall(r"approvals/(\d+)", self.get("/resultsday/approval").text)))

    def approves(self, number: str, why: str) -> httpx.Response:
        """Approves what a page shows."""
        page = self.get(f"/resultsday/approvals/{number}").text
        shown = re.search(r'name="sha256"\s+value="([0-9a-f]{64})"', html.unescape(page))
        form = {"verdict": "approve", "why": why, "sha256": shown[1] if shown else ""}
        return self.asks("POST", f"/resultsday/approvals/{number}", data=form)

    def close(self) -> None:
        """Leaves."""
        self._client.close()


@frozen
class CentreClient:
    """A centre with its key and an SFTP client."""

    centre: str
    port: int
    key: asyncssh.SSHKey

    def put(self, name: str, data: bytes) -> None:
        """Sends a file."""

        async def send(client: asyncssh.SFTPClient) -> None:
            async with client.open(f"inbox/{name}", "wb") as file:
                await file.write(data)

        self._do(send)

    def outbox(self) -> dict[str, bytes]:
        """Everything in the outbox, by name."""

        async def fetch(client: asyncssh.SFTPClient) -> dict[str, bytes]:
            found = {}
            for name in sorted(str(name) for name in await client.listdir("outbox")):
                if name not in (".", ".."):
                    async with client.open(f"outbox/{name}", "rb") as file:
                        data = await file.read()
                        found[name] = data.encode() if isinstance(data, str) else data
            return found

        return self._do(fetch)

    def _do(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        async def session() -> T:
            async with (
                asyncssh.connect(
                    LOCALHOST, self.port, username=self.centre, client_keys=[self.key], known_hosts=None, config=None,
                    agent_path=None,
                ) as connection,
                connection.start_sftp_client() as client,
            ):  # fmt: skip
                return await work(client)

        return asyncio.run(asyncio.wait_for(session(), 60))
