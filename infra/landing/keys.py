"""Keys as files: the public key that a centre gives, and the service's own key, which only its user can read. The keys
that centres log in with are in the ledger (`infra/ledger/keys.py`)."""

from __future__ import annotations

from pathlib import Path

import asyncssh

from infra.host import write_private
from infra.landing.algorithms import HOST_KEYS
from infra.ledger.keys import KeyRefused, PublicKey
from infra.settings import Settings

KINDS = (
    "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa",
    "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com",
)  # fmt: skip
RSA_BITS = 3072
ED25519, RSA = "ssh-ed25519", "ssh-rsa"
"""Kinds of the service's own keys. RSA is for clients that do not know the other; it signs with SHA-2 only."""


def read_public_key(text: str) -> PublicKey:
    """The public key in a file's text, as OpenSSH or PuTTY (RFC 4716) writes it. Raises `KeyRefused`, whose message
    never repeats anything of a private key."""
    if "PRIVATE KEY" in text or "PuTTY-User-Key-File" in text:
        raise KeyRefused("this is a private key: keep it secret, and give the public key instead")
    try:
        key = asyncssh.import_public_key(text)
        kind = key.get_algorithm()
        exported = key.export_public_key().decode("ascii").split()
    except (asyncssh.KeyImportError, asyncssh.KeyExportError, ValueError):
        raise KeyRefused("this is not a public key; expected a line such as `ssh-ed25519 AAAA... comment`") from None
    if kind not in KINDS:
        raise KeyRefused(f"keys of type {kind} are not accepted; make one with `ssh-keygen -t ed25519`")
    line = " ".join(exported[:2])
    if kind == "ssh-rsa" and (bits := getattr(key.pyca_key, "key_size", 0)) < RSA_BITS:
        raise KeyRefused(f"an RSA key of {bits} bits is too short: use at least {RSA_BITS}, or better an ed25519 key")
    comment = "".join(letter if letter.isprintable() else "?" for letter in key.get_comment() or "")[:100]
    return PublicKey(kind, line, key.get_fingerprint(), comment)


def host_key_file(settings: Settings, kind: str = ED25519) -> Path:
    """The file of the private part of the service's own key of a kind."""
    return settings.state.absolute() / ("sftp_host_key" if kind == ED25519 else "sftp_host_key_rsa")


def host_key(settings: Settings, kind: str = ED25519) -> asyncssh.SSHKey:
    """The key of a kind by which centres know the service; made at the first call. Raises `KeyRefused` when the file is
    not a key, or others can read it."""
    file = host_key_file(settings, kind)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        size = {"key_size": RSA_BITS} if kind == RSA else {}
        made = asyncssh.generate_private_key(kind, comment="resultsday", **size)
        write_private(file, made.export_private_key().decode("ascii"))
    if file.stat().st_mode & 0o077:
        raise KeyRefused(f"others can read the host key {file}: run `chmod 600` on it, or make a new key")
    try:
        return asyncssh.read_private_key(file)
    except (asyncssh.KeyImportError, OSError):
        raise KeyRefused(f"the host key {file} cannot be read as a private key") from None


def host_key_pairs(settings: Settings) -> list[asyncssh.SSHKeyPair]:
    """The keys of both kinds, as a server shows them: with the pinned algorithms and no others. Raises `KeyRefused`."""
    pairs = asyncssh.load_keypairs([host_key(settings, kind) for kind in (ED25519, RSA)])
    pinned = [algorithm.encode() for algorithm in HOST_KEYS]
    for pair in pairs:
        pair.host_key_algorithms = [algorithm for algorithm in pinned if algorithm in pair.host_key_algorithms]
    return list(pairs)


def fingerprints(settings: Settings) -> str:
    """The fingerprints of both keys, for people to compare. Raises `KeyRefused`."""
    names = {ED25519: "Ed25519", RSA: "RSA"}
    return ", ".join(f"{host_key(settings, kind).get_fingerprint()} ({name})" for kind, name in names.items())
