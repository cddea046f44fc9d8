"""The algorithms that the service speaks, pinned: an upgrade of a library neither adds nor removes one.

No SHA-1, no group or key of fewer than 3,072 bits, no code of authentication that is taken before encryption, and no
Diffie-Hellman over whole numbers, which costs a stranger nothing and the service much (DHEat). Most clients of 2018
and later speak one of every list.
"""

from __future__ import annotations

KEY_EXCHANGES = ("mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org")
HOST_KEYS = ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")
"""Those of an Ed25519 key, and of an RSA key for clients that do not know the former."""
CIPHERS = (
    "chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr",
    "aes128-ctr",
)  # fmt: skip
MACS = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "umac-128-etm@openssh.com")
SIGNATURES = (
    "ssh-ed25519", "sk-ssh-ed25519@openssh.com", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com", "rsa-sha2-512", "rsa-sha2-256",
)  # fmt: skip
"""With which centres' keys sign at their log-in."""
COMPRESSION = ("none",)
"""A few bytes from a client could unpack into very many."""
