"""What the service speaks: no more and no less than is pinned, against which an auditing program finds nothing; and
what clients that are too old are told."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest

from infra.landing import algorithms
from infra.landing.keys import RSA, host_key
from tests.landing.conftest import Service, get, public, run
from tests.landing.programs import Programs
from tests.patience import PATIENCE

PAGE = (Path(__file__).parents[2] / "docs" / "file-transfer.md").read_text(encoding="utf-8")
MARKERS = ("ext-info-s", "kex-strict-s-v00@openssh.com")
"""That the service knows extensions, and the answer to the attack called Terrapin: no algorithms."""
QUANTUM = "does not provide protection against post-quantum attacks"


def offer(port: int) -> list[list[str]]:
    """The lists of names in the first message of the service's key exchange (RFC 4253, 7.1)."""

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"SSH-2.0-test\r\n")
        await reader.readline()
        length = int.from_bytes(await reader.readexactly(4), "big")
        packet = await reader.readexactly(length)
        writer.close()
        return packet[1 : length - packet[0]]

    message = run(ask())
    assert message[0] == 20
    names, rest = [], message[17:]
    for _ in range(8):
        size = int.from_bytes(rest[:4], "big")
        names.append(rest[4 : 4 + size].decode("ascii").split(","))
        rest = rest[4 + size :]
    return names


def test_what_is_offered_is_what_is_pinned(folder: Service) -> None:
    exchanges, keys, *ways = offer(folder.port)
    assert [name for name in exchanges if name not in MARKERS] == list(algorithms.KEY_EXCHANGES)
    assert set(exchanges) >= set(MARKERS)
    assert keys == list(algorithms.HOST_KEYS)
    both_ways = [algorithms.CIPHERS, algorithms.MACS, algorithms.COMPRESSION]
    assert ways == [list(names) for names in both_ways for _ in range(2)]


def test_nothing_that_is_pinned_is_weak() -> None:
    """What an audit of SSH servers calls a failure or, of a server of ours, a warning."""
    every = [name for names in pinned().values() for name in names]
    for weak in ("sha1", "md5", "cbc", "arcfour", "3des", "blowfish", "group", "ssh-dss", "-96", "umac-64"):
        assert not [name for name in every if weak in name], weak
    assert "ssh-rsa" not in every
    assert all("-etm@" in name for name in algorithms.MACS)


def pinned() -> dict[str, tuple[str, ...]]:
    """Every list of algorithms, by its name in the code."""
    return {name: names for name, names in vars(algorithms).items() if name.isupper()}


def test_an_audit_finds_nothing(folder: Service) -> None:
    """ssh-audit's only word against it: that clients without the newest exchange, of 2024, are let in."""
    program = Path(sys.executable).with_name("ssh-audit")
    words = [str(program), "--json", "--skip-rate-test", "--port", str(folder.port), "127.0.0.1"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE)
    found = json.loads(done.stdout)
    said: dict[str, list[str]] = {}
    for kind in ("kex", "key", "enc", "mac"):
        assert found[kind], "it has looked at nothing"
        for algorithm in found[kind]:
            notes = algorithm["notes"]
            if notes.get("fail") or notes.get("warn"):
                said[algorithm["algorithm"]] = [*notes.get("fail", []), *notes.get("warn", [])]
    assert said == {"curve25519-sha256": [QUANTUM], "curve25519-sha256@libssh.org": [QUANTUM]}
    assert {algorithm["keysize"] for algorithm in found["key"] if "rsa" in algorithm["algorithm"]} == {3072}


def test_clients_that_do_not_know_ed25519_know_the_service_by_its_rsa_key(folder: Service) -> None:
    folder.store.put(f"outbox/{folder.centre}/X1", b"the reply")
    known = f"[127.0.0.1]:{folder.port} {public(host_key(folder.landing.settings, RSA))}"

    async def work(algorithm: str) -> bytes:
        async with (
            folder.connect(
                known_hosts=asyncssh.import_known_hosts(known),
                server_host_key_algs=[algorithm],
                encryption_algs=["aes128-ctr"],
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            return await get(client, "outbox/X1")

    for algorithm in ("rsa-sha2-256", "rsa-sha2-512"):
        assert run(work(algorithm)) == b"the reply"
    with pytest.raises((asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost)):  # whoever notices first
        run(work("ssh-rsa"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["KexAlgorithms=diffie-hellman-group14-sha1"], "no matching key exchange method found"),
        (["HostKeyAlgorithms=ssh-rsa"], "no matching host key type found"),
        (["Ciphers=aes128-cbc"], "no matching cipher found"),
        (["Ciphers=aes128-ctr", "MACs=hmac-sha1"], "no matching MAC found"),
    ],
)
def test_clients_that_are_too_old_are_told_and_the_page_says_what_it_means(
    options: list[str], said: str, folder: Service, tmp_path: Path
) -> None:
    if shutil.which("sftp"):
        done = Programs(folder, tmp_path).sftp("ls", *(word for option in options for word in ("-o", option)))
        assert done.returncode != 0
        assert said in done.stderr
    assert said in PAGE


def test_the_page_shows_every_algorithm() -> None:
    shown = PAGE.partition("## Algorithms")[2].partition("\n## ")[0]
    for name, names in pinned().items():
        assert ", ".join(f"`{algorithm}`" for algorithm in names) in shown, name
