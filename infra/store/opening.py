"""How a store is opened: any, or the one that belongs to the ledger (OPS-6)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Protocol

from infra.store.contract import THREADS, Store, StoreError, WrongStore
from infra.store.folder import FolderStore
from infra.store.identity import IDENTITY, PROBES, identity_of
from infra.store.s3 import S3Store


def open_store(location: str, *, create: bool = True, hurry: int = 0) -> Store:
    """The store at `location`: `s3://bucket/prefix`, or else a folder, which is created when missing unless `create` is
    False. With `hurry`, S3 is asked once for everything, and given so many seconds to answer."""
    return _opened(location, create, None, hurry=hurry)


def _opened(location: str, create: bool, identity: str | None, threads: int = THREADS, hurry: int = 0) -> Store:
    if not location.startswith("s3://"):
        return FolderStore(Path(location), create=create, identity=identity)
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    if not bucket:
        raise StoreError(f"the store {location!r} names no bucket; expected s3://bucket or s3://bucket/prefix")
    return S3Store(bucket, prefix, identity=identity, threads=threads, hurry=hurry)


class Known(Protocol):
    """What the ledger knows of its store."""

    def identity(self) -> str | None:
        """The identity of the store that belongs to it; None before the first."""

    def has_files(self) -> bool:
        """Whether it has received a file."""

    def settle(self, identity: str) -> str:
        """Records the identity of the first store, and returns the one on record."""


def own_store(location: str, known: Known, threads: int = THREADS, *, hurry: int = 0) -> Store:
    """OPS-6: the store at `location`, if it is the one that belongs to the ledger; in S3, with `threads` requests at a
    time, and in a `hurry` as `open_store`. The first one that a ledger has is
    created and given an identity; after that nothing is created. Raises `StoreError` when there is another store or
    none: a disk that is not mounted, a folder exchanged for another, an empty bucket."""
    identity = known.identity()
    if identity is None:
        if known.has_files():
            there = open_store(location, create=False, hurry=hurry)
            if not any(stored.kind == "file" for stored in there.list("archive/")):
                raise WrongStore(
                    f"{there}: the ledger has received files, and this store has none in archive/. Nothing was created"
                )
        first = open_store(location)
        first.put_if_absent(IDENTITY, secrets.token_hex(16).encode())
        identity = known.settle(identity_of(first))
    return _opened(location, False, identity, threads, hurry)


def proved(location: str, known: Known) -> Store:
    """`own_store`, after it has shown that it keeps the promises the desk lives by: for whoever starts. Raises
    `StoreError`."""
    store = own_store(location, known)
    if broken := store.proof(f"{PROBES}{secrets.token_hex(8)}"):
        raise StoreError(f"{store}: {broken}")
    return store


def adopted(location: str) -> tuple[Store, str]:
    """The store at `location` and its identity, which it is given if it has none; nothing else is created. For a person
    who knows that it is the right one. Raises `StoreError`."""
    store = open_store(location, create=False)
    store.put_if_absent(IDENTITY, secrets.token_hex(16).encode())
    return store, identity_of(store)
