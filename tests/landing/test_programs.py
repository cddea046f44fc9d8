"""The programs with which centres send files, and how each of them goes about it. Where a program is not installed
(`make debian` installs it), what it asks of the service is asked by asyncssh's client; that is done everywhere."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import asyncssh
import pytest
from asyncssh import FXF_CREAT, FXF_TRUNC, FXF_WRITE

from tests.landing.conftest import Service, new_centre, put, run
from tests.landing.programs import Programs

NAME = "E6412315.X01"
DATA = random.Random(5).randbytes(200_000)


@pytest.fixture
def centre(folder: Service, tmp_path: Path) -> Programs:
    """A centre's computer with a file to send."""
    (tmp_path / NAME).write_bytes(DATA)
    return Programs(folder, tmp_path)


def installed(*programs: str) -> bool:
    """Whether programs are there. What is printed stands in the report of a test that fails."""
    found = {program: shutil.which(program) for program in programs}
    print(f"programs: {found}")
    return all(found.values())


# --- scp -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["inbox/", "inbox", f"inbox/{NAME}"])
@pytest.mark.parametrize("option", [(), ("-p",)])
def test_scp_sends_and_ends_with_exit_status_0(target: str, option: tuple[str, ...], centre: Programs) -> None:
    service = centre.service
    if installed("scp"):
        done = centre.scp(*option, NAME, f"{centre.centre}:{target}")
        assert (done.returncode, done.stderr) == (0, "")
    else:
        service.use(lambda client: put(client, NAME, DATA))
    assert service.waiting() == {NAME: DATA}


def test_scp_fetches_and_says_what_went_wrong(centre: Programs) -> None:
    service = centre.service
    service.store.put(f"outbox/{service.centre}/X6412315.X01", b"the reply")
    if installed("scp"):
        done = centre.scp(f"{centre.centre}:outbox/*", ".")
        assert (done.returncode, done.stderr) == (0, "")
        assert (centre.folder / "X6412315.X01").read_bytes() == b"the reply"
        assert centre.scp(f"{centre.centre}:outbox/X2", ".").returncode == 1
        assert centre.scp(NAME, f"{centre.centre}:outbox/").returncode == 1
    assert service.waiting() == {}


def test_a_session_that_ends_as_it_should_has_exit_status_0(folder: Service) -> None:
    """It is what `scp` ends with; a session that breaks the protocol has another."""

    async def status(*sent: bytes) -> int | None:
        async with folder.connect() as connection:
            writer, reader, _ = await connection.open_session(subsystem="sftp", encoding=None)
            writer.write(bytes.fromhex("00000005 01 00000003"))
            for data in sent:
                writer.write(data)
            writer.write_eof()
            await reader.read()
            await writer.channel.wait_closed()
            found: int | None = writer.channel.get_exit_status()
            return found

    assert run(status()) == 0
    assert run(status(bytes.fromhex("7fffffff 06"))) == 1


# --- Names with something attached -----------------------------------------------------------------------------------

ATTACHED = (
    f"{NAME}.part", f"{NAME}.filepart", f"{NAME}.partial", f"{NAME}.writing", f"{NAME}.1a2b3c4d.partial",
    f"{NAME}.upload-7", f".in.{NAME}.", f".{NAME}.8fk2Qa", f"{NAME}~",
)  # fmt: skip


@pytest.mark.parametrize("name", ATTACHED)
def test_fil_4_what_is_attached_to_a_name_is_taken_away_by_its_sender(name: str, service: Service) -> None:
    """As rclone does: written, given its time, renamed, looked at, by whichever session is free."""

    async def work() -> None:
        async with service.client() as first, service.client() as second:
            await put(first, name, b"the first try")
            await put(first, name, DATA)
            await second.utime(f"inbox/{name}", (1, 1))
            await second.rename(f"inbox/{name}", f"inbox/{NAME}")
            assert (await first.stat(f"inbox/{NAME}")).size == len(DATA)
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await first.stat(f"inbox/{name}")
            service.store.move(f"inbox/{service.centre}/{NAME}", f"archive/{service.centre}")  # as the ingest takes it
            assert (await first.stat(f"inbox/{NAME}")).size == len(DATA)
            with pytest.raises(asyncssh.SFTPPermissionDenied, match="keeps its name"):
                await first.rename(f"inbox/{NAME}", f"inbox/{name}")

    run(work())
    assert service.waiting() == {}


def test_fil_4_rclone_and_lftp_send_under_another_name_first(centre: Programs) -> None:
    service = centre.service
    files = {f"E64123{number:02d}.X01": os.urandom(3_000) for number in range(12)}
    (centre.folder / "out").mkdir()
    for name, data in files.items():
        (centre.folder / "out" / name).write_bytes(data)
    if installed("rclone"):
        done = centre.rclone("copy", "out", "desk:inbox", "--sftp-set-modtime")
        assert done.returncode == 0, done.stderr
        assert service.waiting() == files
        again = centre.rclone("copyto", f"out/{next(iter(files))}", f"desk:inbox/{NAME}.1a2b3c4d.partial")
        assert again.returncode == 0, again.stderr
        moved = centre.rclone("moveto", f"desk:inbox/{NAME}.1a2b3c4d.partial", f"desk:inbox/{NAME}")
        assert moved.returncode == 0, moved.stderr
        assert service.waiting() == files | {NAME: files[next(iter(files))]}
    if installed("lftp"):
        other = Programs(new_centre(service), centre.folder)
        for pattern in ("*.partial", ".in.*", "*.writing"):
            done = other.lftp(f"set xfer:use-temp-file yes; set xfer:temp-file-name {pattern}; mirror -R out inbox")
            assert (done.returncode, done.stderr) == (0, "")
        assert other.service.waiting() == files


def test_pscp_and_psftp_send_and_fetch(centre: Programs) -> None:
    """PuTTY's: WinSCP and FileZilla are built on its code."""
    if installed("pscp", "psftp", "puttygen"):
        service = centre.service
        assert centre.pscp(NAME, f"{centre.centre}:inbox/").returncode == 0
        done = centre.psftp(f"cd inbox\nput {NAME} {NAME}.filepart\nmv {NAME}.filepart {NAME}\nget {NAME} back\n")
        assert done.returncode == 0, done.stderr
        assert (centre.folder / "back").read_bytes() == DATA
        assert service.waiting() == {NAME: DATA}


# --- A mounted folder ------------------------------------------------------------------------------------------------


def test_an_upload_is_seen_by_its_sender_while_it_is_open(service: Service) -> None:
    """As sshfs does for `cp`: it makes the file, looks at it by its name, writes, sets its time, closes."""

    async def work() -> None:
        async with service.client() as client, service.client() as another:
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await client.stat(f"inbox/{NAME}")
            file = await client.open(f"inbox/{NAME}", FXF_WRITE | FXF_CREAT | FXF_TRUNC, encoding=None)
            assert (await client.lstat(f"inbox/{NAME}")).size == 0
            await file.write(DATA)
            for session in (client, another):
                assert (await session.stat(f"inbox/{NAME}")).size == len(DATA)
                assert NAME in await session.listdir("inbox")
            await client.utime(f"inbox/{NAME}", (1, 1))
            await client.chmod(f"inbox/{NAME}", 0o644)
            await client.truncate(f"inbox/{NAME}", len(DATA))
            with pytest.raises(asyncssh.SFTPFailure, match="does not have that length"):
                await client.truncate(f"inbox/{NAME}", 1)
            assert service.waiting() == {}, "it is received when it is closed"
            await file.close()
            assert (await client.stat(f"inbox/{NAME}")).size == len(DATA)
            assert [name for name in await client.listdir("inbox") if name == NAME] == [NAME]

            gone = await client.open("inbox/E2.X01", "wb")
            await gone.write(b"half")
            client.exit()
            await client.wait_closed()
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await another.stat("inbox/E2.X01")

    run(work())
    assert service.waiting() == {NAME: DATA}


def test_another_centre_sees_nothing_of_it(folder: Service) -> None:
    other = new_centre(folder)

    async def work() -> None:
        async with folder.client() as client, other.client() as stranger:
            await client.open(f"inbox/{NAME}", "wb")
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await stranger.stat(f"inbox/{NAME}")
            assert NAME not in await stranger.listdir("inbox")

    run(work())


def test_cp_onto_a_mounted_inbox(centre: Programs) -> None:
    service = centre.service
    mount = centre.folder / "mnt"
    mount.mkdir()
    service.store.put(f"outbox/{service.centre}/X1", b"the reply")
    if not installed("sshfs", "fusermount3") or centre.sshfs(mount).returncode:
        service.use(lambda client: put(client, NAME, DATA))  # the machine, or its container, mounts nothing
    else:
        try:
            for option in ((), ("-p",)):
                done = centre.run("cp", *option, NAME, f"{mount}/inbox/{NAME}")
                assert (done.returncode, done.stderr) == (0, "")
            assert (mount / "inbox" / NAME).read_bytes() == DATA
            assert (mount / "outbox" / "X1").read_bytes() == b"the reply"
        finally:
            subprocess.run(["fusermount3", "-u", mount], check=True)
    assert service.waiting() == {NAME: DATA}
