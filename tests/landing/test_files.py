"""What a centre sees and can do, over a real connection, on both kinds of store."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import asyncssh
import pytest
from sqlalchemy import func, select

from infra.landing.files import CentreFiles
from infra.ledger.tables import door_visits
from infra.store import S3Store, open_store
from parsers.identifiers.filename import original
from tests.instruments import at_port, proxy
from tests.landing.conftest import KEY, Service, get, new_centre, public, put, run
from tests.patience import until, until_seen

NAME = "E5820115.X01"


def test_a_file_lands_whole_and_the_reply_is_fetched(service: Service) -> None:
    data = random.Random(1).randbytes(300_000)
    began = datetime.now(UTC).replace(microsecond=0)
    service.use(lambda client: put(client, NAME, data))
    assert service.waiting() == {NAME: data}
    [stored] = service.store.list(f"inbox/{service.centre}/")
    assert began <= stored.modified <= datetime.now(UTC)

    service.store.put(f"outbox/{service.centre}/X5820115.X01", b"the reply")
    assert service.use(lambda client: get(client, "outbox/X5820115.X01")) == b"the reply"


def test_ops_6_a_store_that_hangs_is_told_and_closes_the_door_to_nobody(
    serving: Callable[..., Service], bucket: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(urlsplit(bucket.client.meta.endpoint_url).port or 0) as before_s3:
        at_port(monkeypatch, before_s3.server_port)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        monkeypatch.setattr("infra.store.s3.ANSWER_SECONDS", 2)
        service = new_centre(serving(open_store("s3://desk/hangs")))

        async def meanwhile() -> str:
            before_s3.fail(lambda number: "stall")
            async with service.client() as client:
                sending = asyncio.create_task(put(client, NAME, b"content"))
                await until_seen(lambda: before_s3.failed > 0)
                async with new_centre(service).client() as another:  # who comes in the middle of it
                    assert not sending.done()
                    assert await another.listdir(".")
                with pytest.raises(asyncssh.SFTPFailure) as said:
                    await sending
            return str(said.value)

        assert "nothing was received, send the file again" in run(meanwhile())
        before_s3.heal()
        service.use(lambda client: put(client, NAME, b"content"))
        assert service.waiting() == {NAME: b"content"}


def test_res_8_a_letter_that_was_fetched_is_on_record_with_whose_key_and_no_reply_is(service: Service) -> None:
    letter, reply = "checkpoint-2024-06-award.txt", "X5820115.X01"
    for name in (letter, reply, "index.csv"):
        service.store.put(f"outbox/{service.centre}/{name}", b"words")

    async def fetch(client: asyncssh.SFTPClient) -> None:
        for name in (letter, letter, reply, "index.csv"):
            await get(client, f"outbox/{name}")

    service.use(fetch)
    run(service.landing._book())
    [row] = service.limits.letters(service.centre).iter_rows(named=True)
    [stored] = service.store.list(f"outbox/{service.centre}/{letter}")
    assert (row["letter"], row["written"]) == (letter, stored.modified.astimezone(UTC).replace(microsecond=0))
    assert row["by"] == public(KEY).split()[-1] or row["by"].startswith("SHA256:")


def test_ops_2_when_a_centre_was_last_there_is_a_row_for_each_key_however_often_it_comes(service: Service) -> None:
    began = datetime.now(UTC)
    service.use(lambda client: client.listdir("."))
    run(service.landing._book())
    seen = service.limits.visits(service.centre)
    assert seen is not None
    assert began <= seen.logged_in <= datetime.now(UTC)
    assert seen.fetched is None
    service.store.put(f"outbox/{service.centre}/X5820115.X01", b"the reply")
    service.use(lambda client: get(client, "outbox/X5820115.X01"))
    run(service.landing._book())
    service.use(lambda client: client.listdir("."))
    run(service.landing._book())
    last = service.limits.visits(service.centre)
    assert last is not None and last.fetched is not None  # noqa: PT018
    assert seen.logged_in < last.fetched < last.logged_in
    with service.limits._engine.connect() as connection:
        count = select(func.count()).select_from(door_visits).where(door_visits.c.centre == service.centre)
        assert connection.execute(count).scalar() == 1
    assert service.limits.visits("99999") is None


def test_the_root_holds_inbox_outbox_and_basedata_and_each_is_listed_the_newest_first(service: Service) -> None:
    service.store.put(f"outbox/{service.centre}/X1", b"1")

    def put_in_a_later_second() -> bool:
        """Times are whole seconds in SFTP and in S3."""
        service.store.put(f"outbox/{service.centre}/X0", b"22")
        later, earlier = (
            int(stored.modified.timestamp()) for stored in service.store.list(f"outbox/{service.centre}/")
        )
        return later > earlier

    until(put_in_a_later_second)
    service.store.put("basedata/2024-06/01/S6B24_15.X01", b"base")
    service.store.put("outbox/99999/secret", b"not yours")
    service.store.put("embargo/awaited", b"nobody's yet")

    async def look(client: asyncssh.SFTPClient) -> dict[str, list[str]]:
        names = {}
        for folder in ("/", "inbox", "try", "outbox", "basedata", "basedata/2024-06", "basedata/2024-06/01"):
            listed = [str(entry.filename) async for entry in client.scandir(folder)]
            names[folder] = [name for name in listed if name not in (".", "..")]
        assert await get(client, "basedata/2024-06/01/S6B24_15.X01") == b"base"
        assert (await client.stat("outbox/X0")).size == 2
        assert await client.isdir("basedata/2024-06")
        return names

    assert service.use(look) == {
        "/": ["inbox", "try", "outbox", "basedata"], "inbox": [], "try": [], "outbox": ["X0", "X1"],
        "basedata": ["2024-06"],
        "basedata/2024-06": ["01"], "basedata/2024-06/01": ["S6B24_15.X01"],
    }  # fmt: skip


def test_a_connection_that_drops_stores_nothing(service: Service) -> None:
    async def drop() -> None:
        async with service.connect() as connection:
            client = await connection.start_sftp_client()
            file = await client.open(f"inbox/{NAME}", "wb")
            await file.write(b"half of it")
            connection.abort()

    async def end_of_input() -> None:
        """Worse: the channel is ended politely, with the file still open."""
        async with service.connect() as connection:
            client = await connection.start_sftp_client()
            file = await client.open(f"inbox/{NAME}", "wb")
            await file.write(b"half of it")
            client.exit()
            await client.wait_closed()

    async def bad_message() -> None:
        """The session ends with an error of protocol, with the file still open."""
        async with service.connect() as connection:
            writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
            name = f"inbox/{NAME}".encode()
            writer.write(bytes.fromhex("00000005 01 00000003"))
            body = (1).to_bytes(4, "big") + len(name).to_bytes(4, "big") + name + bytes.fromhex("0000001a 00000000")
            writer.write((len(body) + 1).to_bytes(4, "big") + b"\x03" + body)
            writer.write(bytes.fromhex("7fffffff 06"))
            await reader.read()

    for way in (drop, end_of_input, bad_message):
        run(way())
    until(lambda: not service.landing.doors and not service.landing.around.budget.used)
    assert service.waiting() == {}
    assert service.landing.around.budget.used == 0


def test_a_temporary_name_becomes_the_final_one(service: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        for number, ending in enumerate((".part", ".filepart", ".tmp")):
            await put(client, f"E{number}.X01{ending}", b"first try")
            await put(client, f"E{number}.X01{ending}", b"whole")
            await client.rename(f"inbox/E{number}.X01{ending}", f"inbox/E{number}.X01")
        await put(client, ".hidden.8fk2", b"rsync")
        await client.posix_rename("inbox/.hidden.8fk2", "inbox/E3.X01")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.rename("inbox/E9.X01.part", "inbox/E9.X01")
        with pytest.raises(asyncssh.SFTPPermissionDenied, match="keeps its name"):
            await client.rename("inbox/E3.X01", "inbox/E4.X01")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.rename("inbox/E3.X01", "outbox/E3.X01")

    service.use(work)
    assert service.waiting() == {"E0.X01": b"whole", "E1.X01": b"whole", "E2.X01": b"whole", "E3.X01": b"rsync"}


def test_a_temporary_name_is_finished_in_a_later_session(service: Service) -> None:
    service.use(lambda client: put(client, f"{NAME}.part", b"whole"))
    assert not service.store.settled(
        next(iter(service.store.list(f"inbox/{service.centre}/"))), datetime.now(UTC) + timedelta(days=1), 10
    )
    service.use(lambda client: client.rename(f"inbox/{NAME}.part", f"inbox/{NAME}"))
    assert service.waiting() == {NAME: b"whole"}


def test_fil_4_what_waits_is_never_overwritten(service: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        await put(client, NAME, b"first")
        await put(client, NAME, b"first")
        await put(client, NAME, b"the second")
        assert (await client.stat(f"inbox/{NAME}")).size == len(b"the second")
        await put(client, f"{NAME}.part", b"a third")
        await client.rename(f"inbox/{NAME}.part", f"inbox/{NAME}")
        await put(client, f"{NAME}.part", b"the second")
        await client.posix_rename(f"inbox/{NAME}.part", f"inbox/{NAME}")
        with pytest.raises(asyncssh.SFTPFailure, match="already waiting"):
            await client.open(f"inbox/{NAME}", "xb")

    service.use(work)
    assert service.waiting() == {NAME: b"first", "E5820115 (2).X01": b"the second", "E5820115 (3).X01": b"a third"}
    assert {str(original(name)) for name in service.waiting()} == {NAME}


def test_what_is_received_stays_and_replies_are_read_only(service: Service) -> None:
    service.store.put(f"outbox/{service.centre}/X1", b"1")
    service.store.put("basedata/2024-06/01/S", b"base")

    async def work(client: asyncssh.SFTPClient) -> None:
        await put(client, NAME, b"sent")
        await put(client, f"{NAME}.part", b"unfinished")
        await client.remove(f"inbox/{NAME}.part")
        for attempt in (
            client.remove(f"inbox/{NAME}"),
            client.remove("outbox/X1"),
            client.remove("basedata/2024-06/01/S"),
            client.rename("outbox/X1", "outbox/X2"),
            client.truncate(f"inbox/{NAME}", 1),
            client.mkdir("inbox/folder"),
            client.mkdir("folder"),
            client.rmdir("outbox"),
            client.symlink("/etc/passwd", "inbox/link"),
            client.readlink(f"inbox/{NAME}"),
            client.open("outbox/X1", "wb"),
            client.open("basedata/2024-06/01/S", "wb"),
            client.open("loose", "wb"),
            client.open("inbox/folder/E", "wb"),
        ):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await attempt

    service.use(work)
    assert service.waiting() == {NAME: b"sent"}
    assert service.store.get(f"outbox/{service.centre}/X1") == b"1"


def test_senders_set_no_times(folder: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        async with client.open(f"inbox/{NAME}", "wb", asyncssh.SFTPAttrs(mtime=1, atime=1)) as file:
            await file.write(b"sent")
            await file.utime((1, 1))
            await file.setstat(asyncssh.SFTPAttrs(permissions=0o600, uid=0, gid=0))
            await file.truncate(len(b"sent"))  # as scp does at the end
            with pytest.raises(asyncssh.SFTPFailure):
                await file.truncate(1)
        await client.utime(f"inbox/{NAME}", (1, 1))
        await client.chmod(f"inbox/{NAME}", 0o777)

    folder.use(work)
    [stored] = folder.store.list(f"inbox/{folder.centre}/")
    assert datetime.now(UTC) - stored.modified < timedelta(seconds=30)


def test_a_file_with_a_hole_is_not_received_and_blocks_may_come_in_any_order(folder: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        file = await client.open(f"inbox/{NAME}", "wb")
        for offset in (8, 0, 4):
            await file.write(b"abcd", offset)
        await file.close()
        resumed = await client.open("inbox/E2.X01", "r+b")
        await resumed.write(b"rest", 1000)
        with pytest.raises(asyncssh.SFTPFailure, match="send the whole file again"):
            await resumed.close()
        with pytest.raises(asyncssh.SFTPFailure, match="whole"):
            await client.open("inbox/E3.X01", "ab")

    folder.use(work)
    assert folder.waiting() == {NAME: b"abcdabcdabcd"}


TRICKS = (
    b"../10000/inbox/x", b"inbox/../../x", b"/inbox/../inbox/x", b"inbox/x\0y", b"inbox/\xff\xfe", b"inbox/a\x1b[31m",
    b"inbox/" + b"x" * 201, b"inbox/" + b"d/" * 600 + b"x", b"/etc/passwd", b"inbox", b"", b"inbox/a\nb",
    "inbox/\u202egnp.exe".encode(), b"outbox/x", b"embargo/x", b"archive/x", b".tmp/x",
)  # fmt: skip


def test_path_tricks_are_refused(service: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> None:
        for trick in TRICKS:
            with pytest.raises(asyncssh.SFTPError):
                await client.open(trick, "wb")
            with pytest.raises(asyncssh.SFTPError):
                await client.open(trick, "rb")
            with pytest.raises(asyncssh.SFTPError):
                await client.remove(trick)
        assert await client.realpath("inbox/../../../../etc/./passwd") == "/etc/passwd"
        assert await client.realpath("..") == "/"
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.stat("/etc/passwd")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.listdir("/etc")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await client.listdir("outbox/../../outbox/99999")

    before = [stored.key for stored in service.store.list("")]
    service.use(work)
    assert [stored.key for stored in service.store.list("")] == before


def test_a_link_on_the_server_leads_nowhere(folder: Service, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    outbox = Path(str(folder.store)) / "outbox" / folder.centre
    outbox.mkdir(parents=True)
    (outbox / "link").symlink_to(tmp_path / "secret")
    (outbox / "folder").symlink_to(tmp_path)

    async def work(client: asyncssh.SFTPClient) -> None:
        assert {name for name in await client.listdir("outbox") if name not in (".", "..")} == set()
        for path in ("outbox/link", "outbox/folder/secret"):
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await client.open(path, "rb")

    folder.use(work)


def test_500_files_and_20_megabytes_in_one_session(folder: Service) -> None:
    big = random.Random(2).randbytes(20_000_000)

    async def work(client: asyncssh.SFTPClient) -> bytes:
        for number in range(500):
            await put(client, f"E{number}.X01", b"%d" % number * 1000)
        await put(client, "big.X01", big)
        folder.store.move(f"inbox/{folder.centre}/big.X01", f"outbox/{folder.centre}/big.X01")
        return await get(client, "outbox/big.X01")

    assert folder.use(work) == big
    assert folder.waiting() == {f"E{number}.X01": b"%d" % number * 1000 for number in range(500)}


def test_the_sftp_command_sends_finds_and_fetches(folder: Service, identity: Path, tmp_path: Path) -> None:
    """With OpenSSH's client where it is installed. A machine without it misses only that client's own wording."""
    folder.store.put(f"outbox/{folder.centre}/X5820115.X01", b"the reply")
    sent = tmp_path / NAME
    sent.write_bytes(b"entries")
    os.utime(sent, (1, 1))
    used = shutil.which("sftp") or "asyncssh"
    print(f"client used: {used}")
    if used == "asyncssh":

        async def work(client: asyncssh.SFTPClient) -> None:
            await client.put(str(sent), f"inbox/{NAME}", preserve=True)
            await client.get("outbox/X5820115.X01", str(tmp_path / "X5820115.X01"))

        folder.use(work)
    else:
        hosts = tmp_path / "hosts"
        hosts.write_text(f"[127.0.0.1]:{folder.port} {public(folder.landing.host_key)}")
        words = [
            used, "-b", "-", "-P", str(folder.port), "-i", str(identity), "-F", "none", "-o", "IdentitiesOnly=yes",
            "-o", f"UserKnownHostsFile={hosts}", "-o", "StrictHostKeyChecking=yes", f"{folder.centre}@127.0.0.1",
        ]  # fmt: skip
        script = f"cd inbox\nput -p {sent}\nput {sent} {NAME}.part\nrm {NAME}.part\ncd ..\nls -l outbox\n"
        script += f"get outbox/* {tmp_path}/\nbye\n"
        done = subprocess.run(words, input=script, capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert folder.centre in done.stdout
    assert (tmp_path / "X5820115.X01").read_bytes() == b"the reply"
    assert folder.waiting() == {NAME: b"entries"}
    [stored] = folder.store.list(f"inbox/{folder.centre}/")
    assert datetime.now(UTC) - stored.modified < timedelta(seconds=30)


def test_no_request_is_left_to_asyncssh_whose_own_answers_open_files_of_the_machine() -> None:
    every = {name for name, what in vars(asyncssh.SFTPServer).items() if callable(what) and not name.startswith("_")}
    harmless = {"convert_attrs", "format_longname"}
    assert every - set(vars(CentreFiles)) == harmless


def test_fil_1_the_receipt_is_there_when_the_client_is_told_that_a_file_is_received(service: Service) -> None:
    async def work(client: asyncssh.SFTPClient) -> bytes:
        await put(client, "E6412315.X01.part", b"half")
        assert await listed(client) == []
        await client.rename("inbox/E6412315.X01.part", "inbox/E6412315.X01")
        await put(client, "E6412315.X01", b"half")  # the same once more
        async with client.open("try/E6412315.X01", "wb", encoding=None) as file:
            await file.write(b"tried")
        assert await listed(client) == ["RECEIVED-E6412315.X01.txt"]
        return await get(client, "outbox/RECEIVED-E6412315.X01.txt")

    async def listed(client: asyncssh.SFTPClient) -> list[str]:
        return [str(name) for name in await client.listdir("outbox") if name not in (".", "..")]

    said = " ".join(service.use(work).decode("ascii").split())
    assert said.startswith(f"RECEIPT for centre {service.centre} RECEIVED File E6412315.X01 Size 4 bytes SHA-256")
    assert hashlib.sha256(b"half").hexdigest() in said
