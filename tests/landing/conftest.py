"""The real service on a port of its own, in front of a folder and of a bucket of an S3 server, and keys for it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import asyncssh
import pytest
import sqlalchemy as sa
from attrs import define, evolve

from infra.landing.keys import host_key_pairs, read_public_key
from infra.landing.server import Landing
from infra.ledger.approvals import Order
from infra.ledger.door import DoorBook
from infra.ledger.keys import KeyBook
from infra.ledger.submissions import migrate
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from infra.store import FolderStore, S3Store, Store, open_store
from tests.instruments import at_port, new_bucket, s3_server
from tests.patience import PATIENCE

T = TypeVar("T")
Books = tuple[KeyBook, DoorBook]
_NUMBERS = count(10001)

KEY = asyncssh.generate_private_key("ssh-ed25519")
OTHER = asyncssh.generate_private_key("ssh-ed25519")


def public(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


def order(why: str = "test") -> Order:
    return Order("tester", why, datetime.now(UTC))


@define
class Service:
    """A listening service, its store and its keys; everything a test does with it is bounded in time."""

    landing: Landing
    store: Store
    keys: KeyBook
    limits: DoorBook
    loop: asyncio.AbstractEventLoop
    centre: str

    @property
    def port(self) -> int:
        return self.landing.port

    def connect(self, centre: str = "", key: asyncssh.SSHKey = KEY, **more: object) -> Any:
        """A connection as a client makes it; the client must know the host key."""
        known = asyncssh.import_known_hosts(f"[127.0.0.1]:{self.port} {public(self.landing.host_key)}")
        options = {"username": centre or self.centre, "client_keys": [key], "known_hosts": known, **more}
        return asyncssh.connect("127.0.0.1", self.port, config=None, agent_path=None, **options)

    @asynccontextmanager
    async def client(self, centre: str = "", key: asyncssh.SSHKey = KEY) -> AsyncIterator[asyncssh.SFTPClient]:
        """An SFTP session as a client has it."""
        async with self.connect(centre, key) as connection, connection.start_sftp_client() as client:
            yield client

    def use(self, work: Callable[[asyncssh.SFTPClient], Awaitable[T]]) -> T:
        """What a client does in a session of its own."""

        async def session() -> T:
            async with self.client() as client:
                return await work(client)

        return run(session())

    def waiting(self, centre: str = "") -> dict[str, bytes]:
        """What is in a centre's inbox."""
        prefix = f"inbox/{centre or self.centre}/"
        files = [stored.key for stored in self.store.list(prefix) if stored.kind == "file"]
        return {key.removeprefix(prefix): self.store.get(key) for key in files}


def run(work: Awaitable[T]) -> T:
    """What a client does, in bounded time."""

    async def bounded() -> T:
        return await asyncio.wait_for(work, PATIENCE)

    return asyncio.run(bounded())


@pytest.fixture(scope="session")
def book(postgres: EmbeddedPostgres) -> Iterator[Books]:
    """The keys and the limits in a real ledger."""
    postgres.create_database("landing")
    migrate(postgres.url("landing"))
    engine = sa.create_engine(postgres.url("landing"))
    yield KeyBook(engine), DoorBook(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Store]:
    """A store in a bucket of an S3 server, over HTTP."""
    with s3_server(tmp_path_factory.mktemp("s3") / "moto.log") as port, pytest.MonkeyPatch.context() as patch:
        at_port(patch, port)
        store = open_store(f"{new_bucket('desk')}/resultsday")
        assert isinstance(store, S3Store)
        yield store


@pytest.fixture(scope="session")
def host_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys that all services here show: to make one takes longer than most tests."""
    settings = Settings(state=tmp_path_factory.mktemp("keys"))
    host_key_pairs(settings)
    return settings.state


@pytest.fixture(scope="session")
def serving(book: Books, host_keys: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Service]]:
    """Starts services in a thread; all are stopped at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    open_ones: list[Landing] = []

    def start(store: Store | None = None, **settings: int) -> Service:
        state = tmp_path_factory.mktemp("state")
        shutil.copytree(host_keys, state, dirs_exist_ok=True)
        given = evolve(Settings(state=state), sftp_port=0, **settings)  # type: ignore[arg-type]
        landing = Landing(given, store or FolderStore(state / "store"), *book)
        asyncio.run_coroutine_threadsafe(landing.__aenter__(), loop).result(PATIENCE)
        open_ones.append(landing)
        return Service(landing, landing.around.store, *book, loop, "")

    try:
        yield start
    finally:
        for landing in open_ones:
            asyncio.run_coroutine_threadsafe(landing.__aexit__(), loop).result(PATIENCE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE)
        loop.close()


@pytest.fixture(scope="session")
def services(serving: Callable[..., Service], bucket: S3Store) -> dict[str, Service]:
    """One service for each kind of store."""
    return {"folder": serving(), "s3": serving(bucket)}


def new_centre(service: Service) -> Service:
    """The service as a new centre sees it, which nobody has used before."""
    centre = str(next(_NUMBERS))
    service.keys.add(centre, read_public_key(public(KEY)), order())
    return evolve(service, centre=centre)


@pytest.fixture(params=["folder", "s3"])
def service(request: pytest.FixtureRequest, services: dict[str, Service]) -> Service:
    """A fresh centre at the service on each kind of store."""
    return new_centre(services[request.param])


@pytest.fixture
def folder(services: dict[str, Service]) -> Service:
    """A fresh centre at the service on a folder."""
    return new_centre(services["folder"])


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    """The private key as a file, for OpenSSH's client."""
    file = tmp_path / "key"
    file.write_bytes(KEY.export_private_key())
    file.chmod(0o600)
    return file


async def put(client: asyncssh.SFTPClient, name: str, data: bytes) -> None:
    async with client.open(f"inbox/{name}", "wb") as file:
        await file.write(data)


async def get(client: asyncssh.SFTPClient, path: str) -> bytes:
    async with client.open(path, "rb", encoding=None) as file:
        data = await file.read()
    assert isinstance(data, bytes)
    return data
