"""Who gets in, that nothing else of SSH is offered, and the limits."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import asyncssh
import pytest
from sqlalchemy.exc import OperationalError

from infra.landing.keys import host_key, host_key_file, read_public_key
from infra.landing.session import MOST_NAMES, Door
from infra.ledger.keys import KeyRefused
from infra.settings import Settings
from tests.landing.conftest import KEY, OTHER, Service, new_centre, order, public, put, run
from tests.patience import PATIENCE, until


def test_only_the_centres_own_key_opens_the_door(folder: Service) -> None:
    other = new_centre(folder)
    folder.keys.remove(other.centre, None, order())
    folder.keys.add(other.centre, read_public_key(public(OTHER)), order())

    async def refused(centre: str, **how: object) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            async with folder.connect(centre, **how):  # type: ignore[arg-type]
                pass

    async def work() -> None:
        await refused(other.centre, key=KEY)
        await refused(folder.centre, key=OTHER)
        await refused("99998", key=KEY)
        await refused("root", key=KEY)
        await refused("' OR 1=1 --", key=KEY)
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1", folder.port, username=folder.centre, password="guess", client_keys=None, known_hosts=None,
                config=None, agent_path=None,
            )  # fmt: skip
        methods = await asyncssh.get_server_auth_methods("127.0.0.1", folder.port, username=folder.centre, config=None)
        assert methods == ["publickey"]
        async with folder.client(other.centre, OTHER) as client:
            await put(client, "E1.X01", b"theirs")

    run(work())
    assert folder.waiting() == {}
    assert folder.waiting(other.centre) == {"E1.X01": b"theirs"}


def test_while_the_ledger_cannot_be_reached_the_keys_count_that_it_had_last(
    folder: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = new_centre(folder)
    until_later = datetime.now(UTC) + timedelta(seconds=2)
    folder.keys.rotate(ending.centre, read_public_key(public(OTHER)), until_later, order())  # KEY ends in a moment
    removed = new_centre(folder)
    folder.keys.remove(removed.centre, None, order())
    asyncio.run_coroutine_threadsafe(folder.landing._lobby.remember(), folder.loop).result(PATIENCE)
    until(lambda: datetime.now(UTC) > until_later)

    def gone(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the server is gone"))

    for question in ("valid", "still_valid", "all_valid"):
        monkeypatch.setattr(folder.keys, question, gone)
    asyncio.run_coroutine_threadsafe(folder.landing._lobby.remember(), folder.loop).result(PATIENCE)

    async def refused(centre: str, key: asyncssh.SSHKey) -> None:
        with pytest.raises(asyncssh.PermissionDenied):
            async with folder.connect(centre, key):
                pass

    async def work() -> None:
        async with folder.client() as client:
            await put(client, "E1.X01", b"sent meanwhile")
        await refused(folder.centre, OTHER)
        await refused(removed.centre, KEY)
        await refused(ending.centre, KEY)
        async with folder.client(ending.centre, OTHER):
            pass

    run(work())
    assert folder.waiting() == {"E1.X01": b"sent meanwhile"}


def test_a_connection_may_try_to_be_a_few_centres_only(folder: Service) -> None:
    """Names cost a stranger nothing, and the ledger a question each."""

    async def asked(names: int) -> int:
        before, found = folder.landing._lobby, 0
        keys = before.keys

        async def counted(centre: str) -> object:
            nonlocal found
            found += 1
            return await keys(centre)

        door = Door(before)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(before, "keys", counted)
            for number in range(names):
                await door.begin_auth(f"{90000 + number}")
        return found

    assert [run(asked(3)), run(asked(500))] == [3, MOST_NAMES]


def test_signatures_with_sha_1_are_not_taken(folder: Service) -> None:
    old = asyncssh.generate_private_key("ssh-rsa", key_size=3072)
    folder.keys.add(folder.centre, read_public_key(public(old)), order())

    async def work() -> None:
        async with folder.connect(key=old, signature_algs=["rsa-sha2-256"]):
            pass
        with pytest.raises(asyncssh.PermissionDenied):
            async with folder.connect(key=old, signature_algs=["ssh-rsa"]):
                pass

    run(work())


def test_there_is_no_shell_no_command_no_other_subsystem_and_no_forwarding(folder: Service) -> None:
    async def work() -> None:
        async with folder.connect() as connection:
            for wanted in ({"command": "id"}, {}, {"subsystem": "netconf"}, {"command": "scp -t inbox"}):
                with pytest.raises((asyncssh.ChannelOpenError, asyncssh.ConnectionLost)):
                    await connection.create_process(**wanted)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.create_process(term_type="vt100")
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", folder.port)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_unix_connection("/var/run/any")
            with pytest.raises(asyncssh.ChannelListenError):
                await connection.start_server(lambda *_: None, "127.0.0.1", 0)
            async with connection.start_sftp_client() as client:
                assert await client.getcwd() == "/"
                with pytest.raises(asyncssh.ChannelOpenError):  # one session per connection
                    await connection.start_sftp_client()
                for name in (b"hardlink@openssh.com", b"copy-data", b"statvfs@openssh.com", b"ranges@asyncssh.com"):
                    with pytest.raises(asyncssh.SFTPOpUnsupported):
                        await client._handler._make_request(name, b"")

    run(work())


class Clock:
    """The service's, which can be put forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self._ahead

    def stand_at(self, instant: datetime) -> None:
        self._ahead = instant - datetime.now(UTC)


def test_a_key_is_added_rotated_and_removed_while_the_service_runs(
    folder: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    for module in ("server", "lobby"):
        monkeypatch.setattr(f"infra.landing.{module}.datetime", clock)

    async def comes_in(key: asyncssh.SSHKey) -> bool:
        try:
            async with folder.client(key=key) as client:
                return bool(await client.listdir("inbox"))
        except asyncssh.PermissionDenied:
            return False

    async def work() -> None:
        assert [await comes_in(KEY), await comes_in(OTHER)] == [True, False]
        until = datetime.now(UTC) + timedelta(hours=1)
        [old] = folder.keys.rotate(folder.centre, read_public_key(public(OTHER)), until, order("new laptop"))
        assert (old.ends_at, old.ends_by, old.ends_why) == (until, "tester", "new laptop")
        assert [await comes_in(KEY), await comes_in(OTHER)] == [True, True]
        await is_thrown_out(KEY, lambda: clock.stand_at(until))
        assert [await comes_in(KEY), await comes_in(OTHER)] == [False, True]
        mine = read_public_key(public(OTHER)).fingerprint
        await is_thrown_out(OTHER, lambda: folder.keys.remove(folder.centre, mine, order("laptop stolen")))
        assert [await comes_in(KEY), await comes_in(OTHER)] == [False, False]

    async def is_thrown_out(key: asyncssh.SSHKey, when: Callable[[], object]) -> None:
        async with folder.connect(key=key) as connection:
            client = await connection.start_sftp_client()
            file = await client.open("inbox/E1.X01", "wb")
            await file.write(b"half")
            when()
            await connection.wait_closed()

    run(work())
    assert folder.waiting() == {}
    told = [(key.added_why, key.removed_why) for key in folder.keys.keys(folder.centre)]
    assert told == [("test", None), ("new laptop", "laptop stolen")]
    assert folder.keys.centres(clock.now(UTC))[folder.centre] == 0


def test_keys_are_taken_only_with_who_and_why_once_and_when_they_are_good(folder: Service) -> None:
    key = read_public_key(public(OTHER))
    folder.keys.add(folder.centre, key, order())
    with pytest.raises(KeyRefused, match="already"):
        folder.keys.add(folder.centre, key, order())
    folder.keys.remove(folder.centre, key.fingerprint, order())
    folder.keys.add(folder.centre, key, order())
    folder.keys.remove(folder.centre, None, order())
    with pytest.raises(KeyRefused, match="no key"):
        folder.keys.remove(folder.centre, None, order())
    with pytest.raises(KeyRefused, match="no valid key"):
        folder.keys.rotate(folder.centre, key, datetime.now(UTC), order())
    with pytest.raises(KeyRefused, match="who"):
        folder.keys.add(folder.centre, key, order(" "))
    private = OTHER.export_private_key().decode()
    with pytest.raises(KeyRefused, match="private key") as told:
        read_public_key(private)
    assert private.splitlines()[1] not in str(told.value)
    for text in ("", "ssh-ed25519 AAAA", "hello"):
        with pytest.raises(KeyRefused, match="not a public key"):
            read_public_key(text)
    with pytest.raises(KeyRefused, match="2048 bits is too short"):
        read_public_key(public(asyncssh.generate_private_key("ssh-rsa", key_size=2048)))
    putty = asyncssh.generate_private_key("ecdsa-sha2-nistp256", comment="A. Clerk").export_public_key("rfc4716")
    assert read_public_key(putty.decode()).comment == "A. Clerk"


def test_the_host_key_is_made_once_and_nobody_else_can_read_it(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    first = host_key(settings)
    assert host_key(settings).get_fingerprint() == first.get_fingerprint()
    file = host_key_file(settings)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    with pytest.raises(KeyRefused, match="chmod"):
        host_key(settings)
    file.chmod(0o600)
    file.write_text("spoiled")
    with pytest.raises(KeyRefused, match="cannot be read"):
        host_key(settings)


# --- Limits ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def narrow_door(serving: Callable[..., Service]) -> Service:
    return serving(
        max_file_bytes=100_000, sftp_waiting_files=3, sftp_sessions=2, sftp_buffer_bytes=400_000,
        sftp_centre_buffer_bytes=150_000, sftp_centre_open_files=16, sftp_idle_seconds=2, sftp_login_seconds=1,
    )  # fmt: skip


@pytest.fixture
def narrow(narrow_door: Service) -> Service:
    return new_centre(narrow_door)


def test_a_file_that_is_too_large_is_refused_and_nothing_of_it_kept(narrow: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        await put(client, "E1.X01", b"x" * 100_000)
        with pytest.raises(asyncssh.SFTPFailure, match="larger than 100,000 bytes"):
            await put(client, "E2.X01", b"x" * 100_001)
        file = await client.open("inbox/E3.X01", "wb")
        with pytest.raises(asyncssh.SFTPFailure, match="larger"):
            await file.write(b"x", 2**62)
        with pytest.raises(asyncssh.SFTPFailure, match="larger"):
            await file.close()

    narrow.use(work)
    assert list(narrow.waiting()) == ["E1.X01"]
    assert narrow.landing.around.budget.used == 0


def test_a_centre_holds_its_share_and_no_more(narrow: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        first = await client.open("inbox/E1.X01", "wb")
        await first.write(b"x" * 90_000)
        second = await client.open("inbox/E2.X01", "wb")
        with pytest.raises(asyncssh.SFTPFailure, match="hold 150,000 bytes already"):
            await second.write(b"x" * 90_000)
        await first.close()
        await put(client, "E2.X01", b"x" * 90_000)

    narrow.use(work)
    assert list(narrow.waiting()) == ["E1.X01", "E2.X01"]


def test_only_so_many_files_wait(narrow: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        for number in range(3):
            await put(client, f"E{number}.X01", b"x")
        with pytest.raises(asyncssh.SFTPFailure, match="3 files wait"):
            await put(client, "E3.X01", b"x")
        narrow.store.move(f"inbox/{narrow.centre}/E0.X01", f"archive/{narrow.centre}")  # as the ingest takes it in
        await put(client, "E3.X01", b"x")

    narrow.use(work)
    assert list(narrow.waiting()) == ["E1.X01", "E2.X01", "E3.X01"]


def test_only_so_many_sessions_and_files_are_open(narrow: Service, caplog: pytest.LogCaptureFixture) -> None:
    async def sessions() -> None:
        async with narrow.client(), narrow.client():
            with pytest.raises((asyncssh.DisconnectError, asyncssh.ChannelOpenError)):
                async with narrow.client():
                    pass
        async with narrow.client() as client:
            assert await client.exists("inbox")

    async def files(client: asyncssh.SFTPClient) -> None:
        for number in range(16):
            await client.open(f"inbox/E{number}.X01", "wb")
        with pytest.raises(asyncssh.SFTPFailure, match="16 files open already; finish some"):
            await client.open("inbox/E16.X01", "wb")

    run(sessions())
    assert f"limit reached: sessions centre={narrow.centre}" in caplog.text
    narrow.use(files)
    assert narrow.waiting() == {}


def test_who_does_not_log_in_and_who_asks_for_nothing_is_shown_out(narrow: Service) -> None:
    async def silent() -> float:
        began = asyncio.get_running_loop().time()
        reader, writer = await asyncio.open_connection("127.0.0.1", narrow.port)
        while await reader.read(1000):
            pass
        writer.close()
        return asyncio.get_running_loop().time() - began

    async def idle() -> float:
        async with narrow.connect() as connection:
            await connection.start_sftp_client()
            began = asyncio.get_running_loop().time()
            await connection.wait_closed()
            return asyncio.get_running_loop().time() - began

    async def both() -> tuple[float, float]:
        return await asyncio.gather(silent(), idle())

    for waited in run(both()):
        assert 0.5 < waited < 100  # SSH's own limit for a log-in is two minutes


def test_many_centres_send_at_once(services: dict[str, Service]) -> None:
    """Every file of every centre lands once, and never in another centre's inbox."""
    centres = [new_centre(services[kind]) for kind in ("folder", "s3") for _ in range(2)]

    async def send(service: Service, session: int) -> None:
        async with service.client() as client:
            for number in range(6):
                await put(client, f"E{session}{number}.X01", f"{service.centre} {session} {number}".encode())
                await put(client, "same.X01", b"the same from everybody")
            await put(client, "clash.X01", f"session {session}".encode())

    async def all_of_them() -> None:
        await asyncio.gather(*(send(service, session) for service in centres for session in range(3)))

    run(all_of_them())
    for service in centres:
        expected = {f"E{s}{n}.X01": f"{service.centre} {s} {n}".encode() for s in range(3) for n in range(6)}
        found = service.waiting()
        clashes = {name: found.pop(name) for name in ("clash.X01", "clash (2).X01", "clash (3).X01")}
        assert sorted(clashes.values()) == [b"session 0", b"session 1", b"session 2"]
        assert found == expected | {"same.X01": b"the same from everybody"}


def test_the_log_tells_every_event_with_counts_and_no_content(
    folder: Service, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        await put(client, "Mary Smith.csv", b"Mary Smith, 2008-01-01")
        with pytest.raises(asyncssh.SFTPError):
            await client.open("inbox/../Mary Smith", "wb")

    with caplog.at_level(logging.INFO, "infra.landing"):
        folder.use(work)
        until(lambda: "logout centre" in caplog.text)
    told = caplog.text
    for event in ("login centre", "landed centre", "bytes=22", "refused path", "logout centre"):
        assert event in told
    assert "Smith" not in told


def test_a_store_that_fails_is_told_and_the_session_goes_on(serving: Callable[..., Service], tmp_path: Path) -> None:
    from infra.store import FolderStore

    store = FolderStore(tmp_path / "store")
    service = new_centre(serving(store))

    async def work(client: asyncssh.SFTPClient) -> None:
        (tmp_path / "store").rename(tmp_path / "away")
        with pytest.raises(asyncssh.SFTPFailure, match="send the file again"):
            await put(client, "E1.X01", random.Random(3).randbytes(100))
        (tmp_path / "away").rename(tmp_path / "store")
        await put(client, "E1.X01", b"now")

    service.use(work)
    assert service.waiting() == {"E1.X01": b"now"}
