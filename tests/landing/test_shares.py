"""One centre, or one stranger, tries to keep the others out; beside it another centre goes about its business with the
clients that centres have."""

from __future__ import annotations

import asyncio
import logging
import random
import resource
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
from attrs import fields

from infra.landing.limits import ALL_BUFFER, BUFFER, LIMITS, SENT, Reached
from infra.landing.lobby import address_of
from infra.landing.pace import Pace
from infra.landing.server import descriptors
from infra.landing.shares import HOUR_SECONDS, DayShare, Shares
from infra.settings import MIB, SettingError, Settings
from tests.landing.conftest import Service, get, new_centre, put, run
from tests.landing.programs import Programs
from tests.patience import until, until_seen

SECONDS = 30
"""In which a centre's business is done beside an attack; it takes one or two, on a machine that does nothing else."""
ANONYMOUS = 510


@pytest.fixture(scope="module")
def door(serving: Callable[..., Service]) -> Service:
    """A service with the limits it has when nothing is set."""
    return serving()


def business(door: Service, tmp_path: Path, address: str = "127.0.0.1") -> tuple[Service, Awaitable[float]]:
    """A new centre, and what takes it so many seconds: it sends a file of 5 MB and fetches a reply of the same size,
    with OpenSSH's program where it is installed."""
    centre = new_centre(door)
    data = random.Random(4).randbytes(5_000_000)
    centre.store.put(f"outbox/{centre.centre}/X1", data)
    sent, fetched = tmp_path / "E1.X01", tmp_path / "fetched"
    sent.write_bytes(data)

    async def work() -> float:
        began = asyncio.get_running_loop().time()
        if shutil.which("sftp"):
            programs = Programs(centre, tmp_path)
            script = f"put {sent} inbox/\nget outbox/X1 {fetched}\n"
            done = await asyncio.to_thread(programs.sftp, script, "-o", f"BindAddress={address}")
            assert done.returncode == 0, done.stderr
        else:
            async with centre.connect(local_addr=(address, 0)) as connection, connection.start_sftp_client() as client:
                await put(client, "E1.X01", data)
                fetched.write_bytes(await get(client, "outbox/X1"))
        assert fetched.read_bytes() == data
        assert centre.waiting() == {"E1.X01": data}
        seconds = asyncio.get_running_loop().time() - began
        print(f"5 MB sent and fetched: {seconds:.2f} s")
        return seconds

    return centre, work()


def test_nobody_attacks(door: Service, tmp_path: Path) -> None:
    """The measure of the others: `pytest -rP` prints the seconds of each."""
    assert run(business(door, tmp_path)[1]) < SECONDS


def test_eight_sessions_that_write_a_byte_at_the_end_of_64_mib_keep_nobody_out(door: Service, tmp_path: Path) -> None:
    attacker = new_centre(door)
    _, theirs = business(door, tmp_path)

    async def attack() -> float:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(attacker.client()) for _ in range(8)]
            for number, client in enumerate(clients):
                for file in range(5):
                    sparse = await client.open(f"inbox/E{number}{file}.X01", "wb")
                    await sparse.write(b"12345678" if file else b"1", 64 * MIB - 8)
            held = door.landing.around.budget.held(attacker.centre)
            assert held < 8 * 5 * 8 + 1, "bytes are counted that are not held"
            assert _temporary_bytes() < 8 * 5 * 64 * 1024, "the gap takes room on the disk"
            return await theirs

    assert run(attack()) < SECONDS
    until(lambda: not door.landing.around.budget.used and not door.landing.around.files.used)
    assert attacker.waiting() == {}


def _temporary_bytes() -> int:
    """What files without a name take on the disk, of all that this process has open."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if "(deleted)" in str(descriptor.readlink()):
                found += descriptor.stat().st_blocks * 512
        except FileNotFoundError:
            continue
    return found


def test_a_centre_that_holds_all_it_may_keeps_nobody_out(serving: Callable[..., Service], tmp_path: Path) -> None:
    door = serving(max_file_bytes=8 * MIB, sftp_centre_buffer_bytes=16 * MIB, sftp_buffer_bytes=64 * MIB)
    attacker = new_centre(door)
    _, theirs = business(door, tmp_path)
    block = bytes(256 * 1024)

    async def fill(client: asyncssh.SFTPClient, name: str) -> None:
        file = await client.open(f"inbox/{name}", "wb")
        for offset in range(0, 7 * MIB, len(block)):
            await file.write(block, offset)

    async def attack() -> float:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(attacker.client()) for _ in range(3)]
            filled = await asyncio.gather(
                *(fill(client, f"E{number}.X01") for number, client in enumerate(clients)), return_exceptions=True
            )
            told = [str(error) for error in filled if error is not None]
            assert told == ["files of your centre under way hold 16,777,216 bytes already; finish some, then send "
                            "the file again"]  # fmt: skip
            for number in range(100):
                try:
                    await clients[0].open(f"inbox/F{number}.X01", "wb")
                except asyncssh.SFTPFailure as error:
                    assert "50 files open already" in str(error)  # noqa: PT017 -- it must come, see below
                    break
            else:
                raise AssertionError("as many files as it likes")
            return await theirs

    assert run(attack()) < SECONDS
    until(lambda: not door.landing.around.budget.used and not door.landing.around.files.used)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2"])
def test_510_connections_without_a_log_in_keep_nobody_out(
    serving: Callable[..., Service], tmp_path: Path, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither from another address nor, when the connections are open and wait, from the same one."""
    door = new_centre(serving())
    _, theirs = business(door, tmp_path, address)

    async def attack() -> float:
        async with door.client() as inside:
            held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(ANONYMOUS)]
            try:
                await until_seen(lambda: len(door.landing.doors) <= 1 + 20)
                seconds = await theirs
                await put(inside, "E2.X01", b"still in")
                await until_seen(lambda: sum(1 for guest in door.landing.doors if guest.key is None) <= 20)
                assert b"connections from your address have not logged in" in await held[0][0].read()
            finally:
                for _, writer in held:
                    writer.close()
            return seconds

    with caplog.at_level(logging.WARNING, "infra.landing"):
        assert run(attack()) < SECONDS
    assert caplog.text.count("limit reached: address connections") < 5
    assert door.waiting()["E2.X01"] == b"still in"


def test_strangers_from_many_addresses_make_room_for_a_newcomer(
    serving: Callable[..., Service], tmp_path: Path
) -> None:
    """All places before log-in are taken, from ten addresses: a newcomer takes one of those that has most."""
    door = new_centre(serving(sftp_login_connections=20, sftp_address_connections=4))
    _, theirs = business(door, tmp_path, "127.0.0.2")

    async def attack() -> float:
        held = []
        try:
            for stranger in range(40):
                address = f"127.0.1.{stranger // 4 + 1}"
                held.append(await asyncio.open_connection("127.0.0.1", door.port, local_addr=(address, 0)))
            await until_seen(lambda: sum(1 for guest in door.landing.doors if guest.key is None) <= 20)
            return await theirs
        finally:
            for _, writer in held:
                writer.close()

    assert run(attack()) < SECONDS


def test_strangers_who_connect_without_end_keep_nobody_out(
    door: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They exchange keys, name a centre that there is, and begin anew."""
    victim = new_centre(door)
    _, theirs = business(door, tmp_path, "127.0.0.2")
    wrong = asyncssh.generate_private_key("ssh-ed25519")

    knocks = 0

    async def knock() -> None:
        nonlocal knocks
        while True:
            knocks += 1
            try:
                async with victim.connect(key=wrong):
                    raise AssertionError("a stranger is in")
            except (asyncssh.Error, OSError):
                continue

    async def attack() -> float:
        knocking = [asyncio.create_task(knock()) for _ in range(10)]
        try:
            return await theirs
        finally:
            for task in knocking:
                task.cancel()
            await asyncio.gather(*knocking, return_exceptions=True)

    with caplog.at_level(logging.WARNING, "infra.landing"):
        assert run(attack()) < SECONDS
    print(f"strangers knocked {knocks} times")
    assert knocks > 10
    assert caplog.text.count("no login") < 5


def test_strangers_who_flood_the_service_before_log_in_keep_nobody_out(
    serving: Callable[..., Service], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """With the smallest packets that there are; who has logged in from their address stays in."""
    door = new_centre(serving())
    _, theirs = business(door, tmp_path, "127.0.0.2")
    ignored = (12).to_bytes(4, "big") + bytes([6, 2]) + bytes(10)  # SSH_MSG_IGNORE with nothing in it

    async def flood() -> None:
        while True:
            reader, writer = await asyncio.open_connection("127.0.0.1", door.port, local_addr=("127.0.0.3", 0))
            try:
                await reader.readline()
                writer.write(b"SSH-2.0-stranger\r\n")
                while True:
                    writer.write(ignored * 4000)
                    await writer.drain()
            except OSError:
                continue
            finally:
                writer.close()

    async def attack() -> float:
        async with door.connect(local_addr=("127.0.0.3", 0)) as inside:
            flooding = [asyncio.create_task(flood()) for _ in range(10)]
            try:
                await until_seen(lambda: "limit reached: bytes before log-in" in caplog.text)
                with pytest.raises((asyncssh.Error, OSError)):
                    await door.connect(local_addr=("127.0.0.3", 0))
                async with inside.start_sftp_client() as client:
                    await put(client, "E2.X01", b"still in")
                return await theirs
            finally:
                for task in flooding:
                    task.cancel()
                await asyncio.gather(*flooding, return_exceptions=True)

    with caplog.at_level(logging.WARNING, "infra.landing"):
        assert run(attack()) < SECONDS
    assert door.waiting() == {"E2.X01": b"still in"}


def test_all_places_of_centres_are_taken(serving: Callable[..., Service]) -> None:
    """Who comes then is told; who has logged in stays, and a place that is left is free for the next."""
    door = new_centre(serving(sftp_connections=3, sftp_login_connections=1))
    others = [new_centre(door) for _ in range(2)]

    async def work() -> None:
        async with others[0].client() as first:
            async with others[1].client():
                _, stranger = await asyncio.open_connection("127.0.0.1", door.port)
                with pytest.raises((asyncssh.DisconnectError, asyncssh.ChannelOpenError)):
                    async with door.client():
                        pass
                await put(first, "E1.X01", b"stays")
                stranger.close()
            await until_seen(lambda: sum(1 for guest in door.landing.doors if guest.key) == 1)
            async with door.client() as client:
                assert await client.exists("inbox")

    run(work())


def test_the_bytes_of_a_day_are_a_centres_own(serving: Callable[..., Service]) -> None:
    door = serving(sftp_day_bytes=10_000)
    spender, other = new_centre(door), new_centre(door)
    spender.store.put(f"outbox/{spender.centre}/X1", b"x" * 6_000)

    async def spend(client: asyncssh.SFTPClient) -> None:
        await put(client, "E1.X01", b"x" * 6_000)
        with pytest.raises(asyncssh.SFTPFailure, match="sent 10,000 bytes within 24 hours"):
            await put(client, "E2.X01", b"x" * 6_000)
        await get(client, "outbox/X1")
        with pytest.raises(asyncssh.SFTPFailure, match="fetched 10,000 bytes within 24 hours"):
            await get(client, "outbox/X1")

    spender.use(spend)
    assert list(spender.waiting()) == ["E1.X01"]
    other.use(lambda client: put(client, "E1.X01", b"x" * 6_000))
    assert door.landing.around.budget.used == 0
    until(lambda: {row.limit for row in door.limits.since(datetime.now(UTC) - timedelta(hours=2))} >= {SENT.name})
    [row] = [row for row in door.limits.since(datetime.now(UTC) - timedelta(hours=2)) if row.limit == SENT.name]
    assert (row.centre, row.times) == (spender.centre, 1)
    # A restart of the service gives nobody a new day.
    again = serving(sftp_day_bytes=10_000).landing.around
    for day in (again.sent, again.fetched):
        with pytest.raises(Reached):
            day.take(spender.centre, 4_001, time.time())
    again.fetched.take(other.centre, 10_000, time.time())


def test_a_centre_that_asks_the_store_without_end_lets_the_others_ask(door: Service, tmp_path: Path) -> None:
    """Its questions wait for each other; another's do not wait for them."""
    asking = new_centre(door)
    _, theirs = business(door, tmp_path)
    for number in range(100):
        asking.store.put(f"outbox/{asking.centre}/X{number}", b"x")

    async def ask(client: asyncssh.SFTPClient) -> None:
        while True:
            await client.listdir("outbox")

    async def attack() -> float:
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(asking.client()) for _ in range(8)]
            tasks = [asyncio.create_task(ask(client)) for client in clients]
            try:
                return await theirs
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    assert run(attack()) < SECONDS


def test_a_centre_that_asks_faster_than_it_is_answered_lets_the_others_ask(door: Service, tmp_path: Path) -> None:
    """Small requests that wait in a row, of which the service could answer some ten thousand without looking up."""
    asking = new_centre(door)
    _, theirs = business(door, tmp_path)
    body = b"\x10" + (7).to_bytes(4, "big") + (5).to_bytes(4, "big") + b"inbox"  # where is it, really?
    requests = (len(body).to_bytes(4, "big") + body) * 10_000

    async def ask() -> None:
        async with asking.connect() as connection:
            writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
            writer.write(bytes.fromhex("00000005 01 00000003"))

            async def read() -> None:
                while await reader.read(1 << 20):
                    pass

            async with asyncio.TaskGroup() as group:
                group.create_task(read())
                while True:
                    writer.write(requests)
                    await writer.drain()

    async def attack() -> float:
        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        try:
            await until_seen(lambda: asking.landing.around.notes is not None and len(door.landing.doors) >= 8)
            return await theirs
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    assert run(attack()) < SECONDS


# --- Reckoned --------------------------------------------------------------------------------------------------------


def test_of_what_the_greediest_leave_another_has_a_part() -> None:
    shares = Shares(limit=8192, share=3000, own=BUFFER, everybody=ALL_BUFFER)

    def takes_all_it_may(centre: str) -> None:
        while True:
            shares.take(centre, 1)

    for centre in range(8):
        with pytest.raises(Reached):
            takes_all_it_may(str(centre))
    assert [shares.held(str(centre)) for centre in range(4)] == [3000, 2596, 1298, 649]
    shares.take("newcomer", 20)
    for centre in range(8):
        shares.give(str(centre), shares.held(str(centre)))
    assert shares.used == shares.held("newcomer") == 20
    shares.take("newcomer", 2980)
    with pytest.raises(Reached, match="hold 3,000 bytes already"):
        shares.take("newcomer", 1)


def test_a_day_has_24_hours_whenever_it_begins() -> None:
    day = DayShare(100, SENT)
    day.take("1", 60, 0.5 * HOUR_SECONDS)
    day.take("1", 40, 23.9 * HOUR_SECONDS)
    day.take("2", 100, 23.9 * HOUR_SECONDS)
    with pytest.raises(Reached):
        day.take("1", 1, 23.9 * HOUR_SECONDS)
    day.take("1", 60, 24.0 * HOUR_SECONDS)
    with pytest.raises(Reached):
        day.take("1", 1, 46.9 * HOUR_SECONDS)


def test_a_read_is_as_large_as_can_be_dealt_with_in_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    class Transport:
        max_size = 256 * 1024

    class Connection:
        _transport = Transport()
        taken = 0

        def data_received(self, data: bytes, datatype: asyncssh.DataType = None) -> None:
            self.taken += len(data)
            clock.append(clock[-1] + len(data) * seconds_a_byte)

    clock, seconds_a_byte, connection, floods = [0.0], 1e-9, Connection(), []
    monkeypatch.setattr("infra.landing.pace.time.thread_time", lambda: clock[-1])
    pace = Pace(connection, 10_000, lambda: floods.append("flood"))  # type: ignore[arg-type]

    def read() -> int:
        size = connection._transport.max_size
        connection.data_received(bytes(size))
        return size

    assert [read(), read(), read()] == [2048, 4096, 8192]
    assert (floods, connection.taken) == (["flood"], 2048 + 4096)
    connection.data_received(b"more")
    assert (floods, connection.taken) == (["flood"], 2048 + 4096)
    pace.logged_in()
    assert [read() for _ in range(7)][-2:] == [256 * 1024, 256 * 1024]
    seconds_a_byte = 2.0**-20
    assert [read(), read()] == [256 * 1024, 2097]  # 2 ms hold so many
    seconds_a_byte = 2.0**-12
    assert [read(), read(), read()] == [2 * 2097, 512, 512]
    seconds_a_byte = 1e-9
    assert [read(), read()] == [512, 1024]


def test_an_address_is_that_of_a_machine_or_of_its_network() -> None:
    assert address_of("192.0.2.7") == address_of("::ffff:192.0.2.7") == "192.0.2.7"
    assert address_of("2001:db8:0:1::1") == address_of("2001:db8:0:1:ffff::2") == "2001:db8:0:1::/64"
    assert address_of("2001:db8:0:2::1") != address_of("2001:db8:0:1::1")
    assert address_of("fe80::1%eth0") == "fe80::/64"


def test_every_limit_has_its_setting_and_a_line_on_the_page_for_centres() -> None:
    page = (Path(__file__).parents[2] / "docs" / "file-transfer.md").read_text(encoding="utf-8")
    settings = {setting.metadata["variable"] for setting in fields(Settings)}
    for limit in LIMITS:
        assert limit.setting in settings
        assert f"| {limit.words.format(most='...')} | {limit.to_do} |" in page, limit.name
    assert len({limit.name for limit in LIMITS}) == len(LIMITS)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("RESULTSDAY_SFTP_LOGIN_CONNECTIONS", 500, "must be below RESULTSDAY_SFTP_CONNECTIONS"),
        ("RESULTSDAY_SFTP_CENTRE_BUFFER_BYTES", 64 * MIB - 1, "must not be below RESULTSDAY_MAX_FILE_BYTES"),
        ("RESULTSDAY_SFTP_DAY_BYTES", 64 * MIB - 1, "must not be below RESULTSDAY_MAX_FILE_BYTES"),
        ("RESULTSDAY_SFTP_BUFFER_BYTES", 128 * MIB - 1, "at least twice RESULTSDAY_MAX_FILE_BYTES"),
    ],
)
def test_limits_with_which_nobody_could_send_what_it_may_are_refused(variable: str, value: int, said: str) -> None:
    with pytest.raises(SettingError, match=f"{variable} must.*{said.removeprefix('must ')}"):
        Settings.load({variable: str(value)})
    Settings.load({variable: str(value + 1 if value != 500 else 499)})


@pytest.mark.parametrize(
    ("may", "raised", "warned"),
    [((1024, 4096), 1800, False), ((1024, resource.RLIM_INFINITY), 1800, False), ((1024, 1200), 1200, True)],
)
def test_the_service_may_open_as_many_files_as_its_settings_promise(
    may: tuple[int, int], raised: int, warned: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: may)
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits))
    descriptors(Settings())
    assert asked == [(raised, may[1])]
    assert ("raise the limit (ulimit -n)" in caplog.text) is warned
