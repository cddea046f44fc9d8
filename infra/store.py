"""Where files are kept: a folder or an S3 bucket, behind one small interface.

A key is text with `/` between its parts: `inbox/<centre>/<name>`, `archive/<sha256>`, `outbox/<centre>/<name>`. The
name of a file in the inbox was chosen by somebody outside, so a key is checked before anything is touched, and nothing
but a plain file is ever opened. Whatever goes wrong outside is raised as `StoreError`.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import os
import re
import secrets
import shutil
import stat
import tempfile
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Protocol, TypeVar, cast

from attrs import evolve, field, frozen
from botocore.exceptions import BotoCoreError, ClientError

from infra.host import make_folder

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")
Place = Callable[[int, str, str, int], bool]
"""Gives a draft its name: handle of its folder, what it is called there, the name, handle of the target folder."""
Kind = Literal["file", "folder", "other"]

MIB = 1024 * 1024
TEMPORARY_FOLDER = ".tmp"
PRIVATE = ("embargo", TEMPORARY_FOLDER)
"""Folders at the root that only the desk's own user can look into: nobody may see yet what waits there (RES-2)."""
TEMPORARY_ENDINGS = (
    ".part", ".filepart", ".partial", ".writing", ".uploading", ".inprogress", ".tmp", ".temp", ".crdownload",
)  # fmt: skip
_ATTACHED = re.compile(r"[a-z][0-9a-z_]{7}\.x[0-9]{2,}((?:\.[0-9a-z_-]+)+|~)")
"""Something behind a name of the common format: `E6412315.X01.1a2b3c4d`."""
_ANOTHER_KIND = re.compile(
    r".*\.(?:txt|dat|edi|csv|json|xml|html?|pdf|docx?|xlsx?|eml|msg|log|bak|old|zip|t?gz|bz2|xz|7z|rar|pgp|gpg|asc|sig|p7m)"
)
"""What makes it a file of its own, which somebody has renamed, packed or written about it."""
KEPT_LEVELS = 2  # inbox/<centre> is where a centre's files land: it stays when it is empty
DEEPEST = 64  # parts of a key in a folder store; deeper nesting by a sender would make every listing slow
LONGEST_NAME = 255  # bytes of a part of a key in a folder store
TOGETHER = 100
"""Files that a folder store makes durable together: so many are open at a time."""
FEW = 4
"""Fewer files than this are made durable each by itself: waiting for a whole file system would take longer."""
THREADS = 8
"""Requests that are under way at a time, unless whoever opens the store says otherwise."""
CONNECT_SECONDS, ANSWER_SECONDS = 5, 20
"""How long S3 may take to be reached, and to say anything more. It is asked three times; with boto3's own minute for
each, a job hung for minutes before it told anybody."""
AT_ONCE = 1000
"""Objects that S3 removes with one request."""
WORTH_A_TRIAL = 100
"""From so many on, it is worth the requests to find out whether a server can."""
TRIES = 20  # of a step that another process can spoil; a try fails only because another's succeeded

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class StoreError(Exception):
    """The store could not do what was asked; the message says what and why, in an operator's words."""


class Missing(StoreError):  # noqa: N818
    """There is no file under that key."""


class WrongStore(StoreError):  # noqa: N818
    """This is not the store that belongs to the ledger, or there is none."""


class BadKey(ValueError):  # noqa: N818
    """The key leads out of the store, or no file can have it."""


@frozen
class Stored:
    """One thing in the store, as it was when it was listed."""

    key: str
    """A folder's key ends in `/`."""
    size: int
    modified: datetime
    """Aware, UTC."""
    kind: Kind
    version: str = ""
    """Tells this content from a later one where size and time cannot; only the store understands it."""
    arrived: datetime | None = field(default=None, eq=False)
    """When it came to be here, where a sender can choose `modified`; aware, UTC."""
    whole: bool = field(default=False, eq=False)
    """Whether it is known to be whole: it was not written where it is, but put there in one step."""

    def unchanged(self, later: Stored) -> bool:
        """Whether `later`, found under the same key, is still the same thing."""
        return self == (later if self.version else evolve(later, version=""))


class Store(Protocol):
    """What the desk needs of a place for files. Every method raises `BadKey` before it touches anything."""

    @property
    def threads(self) -> int:
        """How many files it is worth reading or writing at a time."""

    def list(self, prefix: str) -> Iterator[Stored]:
        """Everything whose key begins with `prefix`, at any depth, sorted by key.

        Folders are listed only when they are empty (in S3: whenever somebody made a zero-byte marker for one). Links,
        pipes, sockets, devices and folders nested too deep to look into are of kind "other"; in S3, so is an object
        whose key would be a `BadKey`.
        """

    def get(self, key: str) -> bytes:
        """The whole content. Raises `Missing`."""

    def open(self, key: str) -> BinaryIO:
        """The content as a stream to be read once, for files too large for memory. Raises `Missing`."""

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """Write or replace: a reader sees either the whole old file or the whole new one. Durable when it returns."""

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """Write unless there is something already: of many concurrent writers exactly one is told True.

        Either way the key holds a whole, durable file when this returns. In S3 the writer that succeeded may be told
        False when the answer to its first try was lost.
        """

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """`put` of several files, key and content, or with `absent` their `put_if_absent`: what each would have
        returned. All are durable when this returns; a process that dies on the way leaves any of them, each whole.

        Raises `BadKey` before anything is written. Much faster than one after another.
        """

    def move(self, source: str, target: str) -> None:
        """Move a file, folder or other thing; replaces what is at `target`. Does nothing when it has been moved before.

        Raises `Missing` when there is neither a source nor a target.
        """

    def remove(self, stored: Stored) -> bool:
        """Remove exactly what was listed: False when it has changed since, or is gone. In S3, what was replaced by the
        same bytes has not changed."""

    def remove_all(self, found: Sequence[Stored]) -> Sequence[bool]:
        """`remove` of several, none of which is looked at before: what each would have returned. Much faster than one
        after another."""

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        """False while a file may still be growing: it changed within `seconds`, or its name is that of an unfinished
        upload.

        Files that were put there through a store, and objects in S3, are always whole: of them only the name counts.
        """

    def locked(self, key: str, now: datetime) -> bool:
        """Whether a lock of the store's own (S3: a retention date, a legal hold) keeps a file at `now` (aware)."""

    def proof(self, key: str) -> str:
        """Tries under a new `key` what the desk lives by: what is written is read back, `put_if_absent` writes over
        nothing, and `remove` removes nothing that has changed. What is wrong, in words; empty when nothing is."""


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


# --- Which store it is -----------------------------------------------------------------------------------------------


PROBES = "probes/"
"""Where a store is tried by writing and reading."""
IDENTITY = f"{PROBES}identity"
"""Where a store says which it is. It is not listed: a copy of the files is another store."""


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


def identity_of(store: Store) -> str:
    """What a store says of itself; empty if nobody has given it an identity."""
    try:
        return store.get(IDENTITY).decode("ascii", errors="replace")
    except Missing:
        return ""


def adopted(location: str) -> tuple[Store, str]:
    """The store at `location` and its identity, which it is given if it has none; nothing else is created. For a person
    who knows that it is the right one. Raises `StoreError`."""
    store = open_store(location, create=False)
    store.put_if_absent(IDENTITY, secrets.token_hex(16).encode())
    return store, identity_of(store)


def _not_ours(store: Store, found: str) -> WrongStore:
    what = "another desk's store, or a copy of ours" if found else "no store of ours: it has no identity"
    return WrongStore(
        f"{store}: this is {what}. Is the right disk mounted, the right bucket named? Nothing was created or changed. "
        f"If it is the right one, `resultsday store adopt` says so to the ledger"
    )


class FolderStore:
    """A store in a folder of a local file system that supports hard links.

    Folders are opened one by one from the root and never through a link, so no key and no link leads out. Whoever opens
    the store removes what writers that died have left among its temporary files.
    """

    threads = THREADS

    def __init__(self, root: Path, *, create: bool = True, identity: str | None = None) -> None:
        """With an `identity` every step first looks whether this is that store: a disk can be unmounted at any time."""
        self.root = root.absolute()
        self._identity = identity
        with _telling(self, "open it"):
            if create:
                make_folder(self.root, 0o750)
            self._clear()

    def list(self, prefix: str) -> Iterator[Stored]:
        """See `Store.list`."""
        if prefix:
            _names(prefix)
        return self._walk(prefix)

    def _walk(self, prefix: str) -> Iterator[Stored]:
        # A stack rather than recursion, so that no handle stays open while the caller works.
        with _telling(self, f"list {prefix!r}"):
            top = prefix.rpartition("/")[0]
            first = self._look(top) if top else Stored("", 0, EPOCH, "folder")
            waiting = [first] if first else []
            while waiting:
                here = waiting.pop()
                inside = self._inside(here.key) if here.kind == "folder" else []
                if inside:
                    waiting.extend(found for found in reversed(inside) if found.key.startswith(prefix))
                elif inside is not None and here.key not in ("", PROBES) and here.key.startswith(prefix):
                    yield here

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        """See `Store.open`."""
        *folders, name = _names(_file(key))
        with _telling(self, f"read {key!r}"):
            try:
                with self._folder(folders) as folder:
                    # Checked before it is opened, because opening a pipe or a device can already have an effect; and
                    # again afterwards, because it may have been exchanged in between.
                    if not stat.S_ISREG(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                        raise FileNotFoundError
                    file = io.FileIO(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder))
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    file.close()
                    raise FileNotFoundError
            except (FileNotFoundError, NotADirectoryError):
                raise Missing(f"{self}: there is no file {key!r}") from None
        return _reader(file, lambda: _telling(self, f"read {key!r}"))

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """See `Store.put`."""
        self._write(key, data, _replace)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """See `Store.put_if_absent`."""
        return self._write(key, data, _link)

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """See `Store.put_all`."""
        for key, _ in files:
            _names(_file(key))
        place = _link if absent else _replace
        if _SYNC_FILE_SYSTEM is None or len(files) < FEW:
            return [self._write(key, data, place) for key, data in files]
        groups = (files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
        return [done for group in groups for done in self._write_all(group, place)]

    def move(self, source: str, target: str) -> None:
        """See `Store.move`."""
        *source_folders, source_name = _names(source)
        *target_folders, target_name = _names(target)

        def rename(target_folder: int) -> bool:
            if not self._look(source):
                return False
            with self._folder(source_folders) as source_folder:
                os.rename(source_name, target_name, src_dir_fd=source_folder, dst_dir_fd=target_folder)
            return True

        with _telling(self, f"move {source!r}"):
            if not self._in_folder(target_folders, rename) and not self._look(target):
                self._prune(target_folders)
                raise Missing(f"{self}: there is neither {source!r} nor {target!r}")
        self._prune(source_folders)

    def remove(self, stored: Stored) -> bool:
        """See `Store.remove`. Folders that become empty go too, below the first two levels."""
        *folders, name = _names(stored.key)
        with _telling(self, f"remove {stored.key!r}"):
            try:
                with self._folder(folders) as folder:
                    today = os.stat(name, dir_fd=folder, follow_symlinks=False)
                    if not stored.unchanged(_found(stored.key.removesuffix("/"), today)):
                        return False
                    if stored.kind == "folder":
                        os.rmdir(name, dir_fd=folder)
                    else:
                        os.unlink(name, dir_fd=folder)
            except (FileNotFoundError, NotADirectoryError):
                return False
            except OSError as error:
                if error.errno == errno.ENOTEMPTY:
                    return False
                raise
        self._prune(folders)
        return True

    def remove_all(self, found: Sequence[Stored]) -> Sequence[bool]:
        """See `Store.remove_all`."""
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(self.remove, found))

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        """See `Store.settled`."""
        # A sender's clock can put the time of a file years ahead: do not wait for that.
        limit = timedelta(seconds=seconds)
        return not unfinished(stored.key) and (stored.whole or not -limit <= now - stored.modified < limit)

    def locked(self, key: str, now: datetime) -> bool:
        """See `Store.locked`. A folder has no locks."""
        _names(key)
        return False

    def proof(self, key: str) -> str:
        """See `Store.proof`."""
        said = secrets.token_bytes(16)
        if not self.put_if_absent(key, said):
            return "a new file cannot be written"
        before = self._look(key)
        if self.put_if_absent(key, b"other"):
            return "a file was written over that should have stayed"
        if self.get(key) != said or before is None:
            return "the store does not give back what was written"
        if self.remove(evolve(before, size=1)):
            return "a file was removed that was not the one that was listed"
        return "" if self.remove(before) else "a file cannot be removed"

    def __str__(self) -> str:
        return str(self.root)

    @contextmanager
    def _folder(self, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """A handle of the folder at `parts`, reached without following any link."""
        try:
            handle = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY)
        except (FileNotFoundError, NotADirectoryError):  # not the same as a file that is missing in it
            raise WrongStore(f"{self}: the store's folder is gone") from None
        try:
            if self._identity is not None and (found := _written(handle)) != self._identity:
                raise _not_ours(self, found)
            for depth, part in enumerate(parts):
                try:
                    inner = os.open(part, _INNER, dir_fd=handle)
                except FileNotFoundError:
                    if not create:
                        raise
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o700 if not depth and part in PRIVATE else 0o750, dir_fd=handle)
                        os.fsync(handle)
                    inner = os.open(part, _INNER, dir_fd=handle)
                os.close(handle)
                handle = inner
            yield handle
        finally:
            os.close(handle)

    def _look(self, key: str) -> Stored | None:
        """What is at `key`, if anything."""
        *folders, name = _names(key)
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(folders) as folder:
            return _found(key.removesuffix("/"), os.stat(name, dir_fd=folder, follow_symlinks=False))
        return None

    def _inside(self, key: str) -> Sequence[Stored] | None:
        """What is in the folder `key` (`""` is the root), sorted; None when the folder is gone."""
        inside = []
        try:
            with self._folder(_names(key) if key else ()) as folder, os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        found = _found(key + entry.name, entry.stat(follow_symlinks=False))
                        if found.kind == "folder" and found.key.count("/") == DEEPEST:
                            found = evolve(found, kind="other")
                        if found.key not in (f"{TEMPORARY_FOLDER}/", IDENTITY):
                            inside.append(found)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return sorted(inside, key=attrgetter("key"))

    def _write(self, key: str, data: bytes | BinaryIO, place: Place) -> bool:
        """Write a temporary file and `place` it, whole and on disk, at `key`."""
        *folders, name = _names(_file(key))
        with (
            _telling(self, f"write {key!r}"),
            self._folder([TEMPORARY_FOLDER], create=True) as source,
            _draft(source) as (temporary, handle),
        ):
            _fill(handle, data)
            os.fsync(handle)
            return self._in_folder(folders, partial(place, source, temporary, name))

    def _write_all(self, files: Sequence[tuple[str, bytes]], place: Place) -> Sequence[bool]:
        """As `_write`, but the disk is waited for twice in all: when every file is whole, and when all are placed."""
        with (
            _telling(self, f"write {len(files)} files"),
            self._folder([TEMPORARY_FOLDER], create=True) as source,
            ExitStack() as drafts,
        ):
            temporary = []
            for _, data in files:
                name, handle = drafts.enter_context(_draft(source))
                _fill(handle, data)
                temporary.append(name)
            _on_disk(source)
            done: list[bool] = []
            drafts_of = zip((_names(key) for key, _ in files), temporary, strict=True)
            # Neighbours in a folder are placed with it open once: to open it takes longer than to place a file.
            for folders, group in groupby(drafts_of, lambda each: each[0][:-1]):
                waiting = deque((draft, name) for (*_, name), draft in group)
                self._in_folder(folders, partial(_placed, place, source, waiting, done), durable=False)
            _on_disk(source)
            return done

    def _clear(self) -> None:
        """Remove the drafts of writers that have died: a live one, however slow, has a lock on its own. What cannot be
        removed, as it is another user's, is left to that one."""
        with suppress(FileNotFoundError, PermissionError), self._folder([TEMPORARY_FOLDER]) as folder:
            with os.scandir(folder) as entries:
                names = [entry.name for entry in entries]
            for name in names:
                with suppress(OSError):
                    handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
                    try:
                        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        os.unlink(name, dir_fd=folder)
                    finally:
                        os.close(handle)

    def _in_folder(self, parts: Sequence[str], step: Callable[[int], T], *, durable: bool = True) -> T:
        """Take `step` in the folder at `parts`, created when missing, and make it durable.

        Durable even when the step found its work done: whoever did it may not have synced it to disk yet.
        """
        tries = TRIES
        while True:
            try:
                with self._folder(parts, create=True) as folder:
                    done = step(folder)
                    if durable:
                        os.fsync(folder)
                    return done
            except FileNotFoundError:  # another process took the last file out of this folder, and pruned it
                tries -= 1
                if not tries:
                    raise

    def _prune(self, folders: Sequence[str]) -> None:
        """Remove the folder at `folders` and those above it, as far as they are empty and not kept."""
        with suppress(OSError):
            while len(folders) > KEPT_LEVELS:
                *above, name = folders
                with self._folder(above) as folder:
                    os.rmdir(name, dir_fd=folder)
                folders = above


class S3Store:
    """A store in an S3 bucket, below a prefix; credentials, region and endpoint come from boto3's own chain."""

    def __init__(
        self, bucket: str, prefix: str = "", *, identity: str | None = None, threads: int = THREADS, hurry: int = 0
    ) -> None:
        """With an `identity` the bucket is asked once whether it is that store: nobody unmounts a bucket. `hurry`: see
        `open_store`."""
        import boto3  # imported here: it takes longer than most commands on a folder do
        from botocore.config import Config

        self.bucket, self.threads = bucket, threads
        self.base = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        # S3 servers other than Amazon's rarely have a host name for every bucket.
        elsewhere = any(os.environ.get(name) for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"))
        style: Literal["path", "auto"] = "path" if elsewhere else "auto"
        with _telling(self, "open it"):
            self.client: S3Client = boto3.session.Session().client(
                "s3",
                config=Config(
                    retries={"mode": "standard", "total_max_attempts": 1} if hurry else {"mode": "standard"},
                    s3={"addressing_style": style}, max_pool_connections=threads + 2,
                    connect_timeout=hurry or CONNECT_SECONDS, read_timeout=hurry or ANSWER_SECONDS,
                ),
            )  # fmt: skip
        self.client.meta.events.register_last("before-call.s3", _sends_what_is_small)
        self._removes_at_once: bool | None = None
        if identity is not None and (found := identity_of(self)) != identity:
            raise _not_ours(self, found)

    def list(self, prefix: str) -> Iterator[Stored]:
        """See `Store.list`."""
        if prefix:
            self._object(prefix)
        return self._pages(prefix)

    def _pages(self, prefix: str) -> Iterator[Stored]:
        with _telling(self, f"list {prefix!r}"):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.base + prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self.base)
                    if key and key != IDENTITY:
                        yield _listed(key, found["Size"], found["LastModified"], found["ETag"])

    def get(self, key: str) -> bytes:
        """See `Store.get`."""
        with self.open(key) as file:
            return file.read()

    def open(self, key: str) -> BinaryIO:
        """See `Store.open`."""
        name = self._object(_file(key))
        with _telling(self, f"read {key!r}"):
            try:
                body = self.client.get_object(Bucket=self.bucket, Key=name)["Body"]
            except ClientError as error:
                if _gone(error):
                    raise Missing(f"{self}: there is no file {key!r}") from None
                raise
        return _reader(body, lambda: _telling(self, f"read {key!r}"))

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """See `Store.put`."""
        name = self._object(_file(key))
        with _telling(self, f"write {key!r}"), _rewindable(data) as body:
            self.client.put_object(Bucket=self.bucket, Key=name, Body=body)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """See `Store.put_if_absent`."""
        name = self._object(_file(key))
        with _telling(self, f"write {key!r}"), _rewindable(data) as body:
            tries = TRIES
            while True:
                body.seek(0)
                try:
                    self.client.put_object(Bucket=self.bucket, Key=name, Body=body, IfNoneMatch="*")
                    return True
                except ClientError as error:
                    if _status(error) == 412:
                        return False
                    # 409: another write of this key was under way. It may have failed, so we cannot say that the file
                    # is there; the next try will tell.
                    tries -= 1
                    if _status(error) != 409 or not tries:
                        raise

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """See `Store.put_all`."""
        for key, _ in files:
            self._object(_file(key))

        def put(file: tuple[str, bytes]) -> bool:
            if absent:
                return self.put_if_absent(*file)
            self.put(*file)
            return True

        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(put, files))

    def move(self, source: str, target: str) -> None:
        """See `Store.move`. A folder's marker moves without the folder's files."""
        source_name, target_name = self._object(source), self._object(target)
        with _telling(self, f"move {source!r}"):
            for _ in range(TRIES):
                found = self._look(source)
                if not found:
                    if not self._look(target):
                        raise Missing(f"{self}: there is neither {source!r} nor {target!r}")
                    return
                if source_name == target_name:
                    return
                try:
                    self.client.copy({"Bucket": self.bucket, "Key": source_name}, self.bucket, target_name)
                except ClientError as error:
                    if _gone(error):
                        continue
                    raise
                # Delete only what was copied; what was written under that name meanwhile is copied in the next round.
                if self._delete(found):
                    return
        raise StoreError(f"{self}: cannot move {source!r}: it keeps changing")

    def remove(self, stored: Stored) -> bool:
        """See `Store.remove`."""
        self._object(stored.key)
        with _telling(self, f"remove {stored.key!r}"):
            if stored.version:
                return self._delete(stored)  # the condition says all that a look would
            today = self._look(stored.key)
            return today is not None and stored.unchanged(today) and self._delete(today)

    def remove_all(self, found: Sequence[Stored]) -> Sequence[bool]:
        """See `Store.remove_all`. A thousand by one request, where the server keeps the condition on each of them."""
        for stored in found:
            self._object(stored.key)
        if len(found) < WORTH_A_TRIAL or not all(stored.version for stored in found) or not self._can_remove_at_once():
            with ThreadPoolExecutor(self.threads) as pool:
                return list(pool.map(self.remove, found))
        groups = [found[start : start + AT_ONCE] for start in range(0, len(found), AT_ONCE)]
        with ThreadPoolExecutor(self.threads) as pool:
            return [done for group in pool.map(self._remove_at_once, groups) for done in group]

    def _remove_at_once(self, found: Sequence[Stored]) -> Sequence[bool]:
        names = [self._object(stored.key) for stored in found]
        with _telling(self, f"remove {len(found)} objects"):
            said = self.client.delete_objects(
                Bucket=self.bucket,
                Delete={
                    "Objects": [
                        {"Key": name, "ETag": stored.version} for name, stored in zip(names, found, strict=True)
                    ]
                },
            )
        refused = {error.get("Key", ""): error.get("Code", "") for error in said.get("Errors", ())}
        if wrong := sorted({code for code in refused.values() if code not in _CHANGED}):
            raise StoreError(f"{self}: cannot remove {len(refused)} objects: {', '.join(wrong)}")
        return [name not in refused for name in names]

    def _can_remove_at_once(self) -> bool:
        """Whether the server keeps the condition on each of many objects. One that ignores it would lose what a centre
        has sent again under the same name, so it is tried, once, on an object of its own."""
        if self._removes_at_once is None:
            key = f"{PROBES}{secrets.token_hex(8)}"
            self.put(key, b"tried")
            with _telling(self, f"remove {key!r}"):
                found = self._look(key)
                try:
                    there = found is not None and self._remove_at_once([evolve(found, version=_NO_ETAG)]) == [False]
                except StoreError:
                    there = False
                self._removes_at_once = there and self._look(key) is not None
                self.client.delete_object(Bucket=self.bucket, Key=self._object(key))
        return self._removes_at_once

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        """See `Store.settled`."""
        return not unfinished(stored.key)

    def locked(self, key: str, now: datetime) -> bool:
        """See `Store.locked`. Deleting a locked object in a bucket with versions would hide it all the same."""
        with _telling(self, f"look at {key!r}"):
            try:
                found = self.client.head_object(Bucket=self.bucket, Key=self._object(key))
            except ClientError as error:
                if _gone(error):
                    return False
                raise
        until = found.get("ObjectLockRetainUntilDate")
        return found.get("ObjectLockLegalHoldStatus") == "ON" or (until is not None and until > now)

    def proof(self, key: str) -> str:
        """See `Store.proof`. A server that ignores a condition says yes to everything, and loses files in silence."""
        said = secrets.token_bytes(16)
        if not self.put_if_absent(key, said):
            return "a new object cannot be written"
        try:
            if self.put_if_absent(key, b"other"):
                return f"the server ignores If-None-Match: {_LOSES}"
            found = self._look(key)
            if found is None or self.get(key) != said:
                return "the store does not give back what was written"
            if self._delete(evolve(found, version=_NO_ETAG)) or self._look(key) is None:
                return f"the server ignores If-Match: {_LOSES}"
            return ""
        finally:
            with _telling(self, f"remove {key!r}"):
                self.client.delete_object(Bucket=self.bucket, Key=self._object(key))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.base}"

    def _object(self, key: str) -> str:
        """The full name of the object in the bucket."""
        _parts(key)
        try:
            length = len((self.base + key).encode())
        except UnicodeEncodeError:
            raise BadKey(f"key {key!r} cannot be written as UTF-8") from None
        if length > 1024:
            raise BadKey(f"key {key[:40]!r}… is longer than S3 allows")
        return self.base + key

    def _look(self, key: str) -> Stored | None:
        """What is at `key`, if anything."""
        try:
            found = self.client.head_object(Bucket=self.bucket, Key=self._object(key))
        except ClientError as error:
            if _gone(error):
                return None
            raise
        return _listed(key, found["ContentLength"], found["LastModified"], found["ETag"])

    def _delete(self, found: Stored) -> bool:
        """Delete the object if it is still the one that was found; False when it has changed, or is gone."""
        try:
            self.client.delete_object(Bucket=self.bucket, Key=self._object(found.key), IfMatch=found.version)
        except ClientError as error:
            if _gone(error) or _status(error) in (409, 412):
                return False
            raise
        return True


def _sends_what_is_small(params: dict[str, Any], **_: object) -> None:
    """boto3 asks S3 before each write whether it may send, and waits for the answer: every write would go there and
    back twice. Of what is in memory nothing is won by it."""
    if isinstance(params.get("body"), io.BytesIO):
        params["headers"].pop("Expect", None)


_LOSES = "files would be lost in silence. Use another server, or another version of it (docs/production.md)"
_NO_ETAG = f'"{32 * "0"}"'
"""No object has this ETag."""
_CHANGED = ("ConditionalRequestConflict", "NoSuchKey", "PreconditionFailed")
"""What S3 says of an object that is not the one that was meant, or gone."""


def _written(root: int) -> str:
    """The identity that is written in a folder store; empty if there is none. `root` is a handle of its root."""
    try:
        handle = os.open(IDENTITY, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=root)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    try:
        return os.read(handle, 100).decode("ascii", errors="replace")
    finally:
        os.close(handle)


def _placed(place: Place, source: int, waiting: deque[tuple[str, str]], done: list[bool], target: int) -> None:
    """Places the drafts that wait, in order; those that it has placed wait no longer, should it be taken again."""
    while waiting:
        done.append(place(source, *waiting[0], target))
        waiting.popleft()


def _replace(source: int, draft: str, name: str, target: int) -> bool:
    """Places a draft, whatever is there."""
    os.replace(draft, name, src_dir_fd=source, dst_dir_fd=target)
    return True


def _link(source: int, draft: str, name: str, target: int) -> bool:
    """Places a draft unless a file is there; says whether it did."""
    try:
        os.link(draft, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    except FileExistsError:
        if not stat.S_ISREG(os.stat(name, dir_fd=target, follow_symlinks=False).st_mode):
            raise
        return False
    return True


def _fill(handle: int, data: bytes | BinaryIO) -> None:
    with os.fdopen(handle, "wb", closefd=False) as file:
        shutil.copyfileobj(_stream(data), file, MIB)
    with suppress(OSError):  # where a file cannot have the mark, it waits until it has settled
        os.fchmod(handle, stat.S_IMODE(os.fstat(handle).st_mode) | WHOLE)


_INNER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_SYNC_FILE_SYSTEM: Callable[[int], int] | None = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
"""The system's call that waits until all of a file system is on disk; Linux has it, Python does not offer it."""


def _on_disk(handle: int) -> None:
    """Waits until everything on the file system of an open file is on disk. Raises `OSError`."""
    assert _SYNC_FILE_SYSTEM
    if _SYNC_FILE_SYSTEM(handle):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@contextmanager
def _draft(folder: int) -> Iterator[tuple[str, int]]:
    """A new file in `folder`: its name, by which it can be placed, and its handle. It is locked for as long as its
    writer lives, which the system knows best: a process that is killed unlocks what it had locked."""
    while True:
        name = secrets.token_hex(16)
        handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=folder)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            # In the moment before it was locked it may have been taken for a dead writer's.
            if os.fstat(handle).st_nlink:
                yield name, handle
                return
        finally:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=folder)
            os.close(handle)


class _Reading(io.RawIOBase):
    """A stream that raises its failures as `StoreError`."""

    def __init__(self, source: Any, telling: Callable[[], Any]) -> None:
        self._source = source
        self._telling = telling

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._telling():
            return cast(int, self._source.readinto(buffer))

    def readall(self) -> bytes:
        with self._telling():
            return cast(bytes, self._source.read())

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def _reader(source: Any, telling: Callable[[], Any]) -> BinaryIO:
    return io.BufferedReader(_Reading(source, telling), MIB)


def _stream(data: bytes | BinaryIO) -> BinaryIO:
    return io.BytesIO(data) if isinstance(data, bytes) else data


@contextmanager
def _telling(store: Store, doing: str) -> Iterator[None]:
    """When the outside world fails, say what `store` was asked for."""
    try:
        yield
    except (OSError, ClientError, BotoCoreError) as error:
        raise StoreError(f"{store}: cannot {doing}: {getattr(error, 'strerror', None) or error}") from error


@contextmanager
def _rewindable(data: bytes | BinaryIO) -> Iterator[BinaryIO]:
    """`data` as a stream that can be sent again from its beginning; a copy on disk where it cannot be itself."""
    source = _stream(data)
    if source.seekable() and source.tell() == 0:
        yield source
        return
    with tempfile.SpooledTemporaryFile(8 * MIB) as copy:
        shutil.copyfileobj(source, copy, MIB)
        copy.seek(0)
        yield cast(BinaryIO, copy)


def _parts(key: str) -> Sequence[str]:
    """The parts of a key that stays in the store; one `/` at the end is allowed, as a folder's key has it."""
    parts = key.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise BadKey(
            f"key {key!r} leads out of the store: empty parts, `.`, `..`, a leading `/` and NUL are not allowed"
        )
    if parts[0] == TEMPORARY_FOLDER:
        raise BadKey(f"key {key!r} is in the folder of the store's own temporary files")
    return parts


def _names(key: str) -> Sequence[str]:
    """The parts of a key as names of folders and a file."""
    parts = _parts(key)
    try:
        longest = max(len(os.fsencode(part)) for part in parts)
    except UnicodeEncodeError:
        raise BadKey(f"key {key!r} has characters that no file name can have") from None
    if longest > LONGEST_NAME:
        raise BadKey(f"key {key[:40]!r}… has a part of more than {LONGEST_NAME} bytes")
    if len(parts) > DEEPEST:
        raise BadKey(f"key {key[:40]!r}… has more than {DEEPEST} parts")
    return parts


def _file(key: str) -> str:
    if key.endswith("/"):
        raise BadKey(f"key {key!r} is a folder's")
    return key


WHOLE = stat.S_ISVTX
"""The mark of a file that a store has written: the sticky bit, which means nothing on a file. Whoever writes a file to
the folder by other means sets it at the end at the earliest, as `cp -p` does."""


def _found(key: str, status: os.stat_result) -> Stored:
    """A thing on disk. The version holds change time and inode, because a sender can choose a file's modification
    time."""
    version = f"{status.st_ino}:{status.st_mtime_ns}:{status.st_ctime_ns}"
    modified = _instant(status.st_mtime_ns)
    if stat.S_ISREG(status.st_mode):
        whole = bool(status.st_mode & WHOLE)
        return Stored(key, status.st_size, modified, "file", version, _instant(status.st_ctime_ns), whole)
    if stat.S_ISDIR(status.st_mode):
        return Stored(key + "/", 0, modified, "folder", version)
    return Stored(key, 0, modified, "other", version)


def _instant(nanoseconds: int) -> datetime:
    try:
        return EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:  # some file systems keep any 64-bit number that a sender sets
        return LATEST if nanoseconds > 0 else EARLIEST


def _listed(key: str, size: int, modified: datetime, etag: str) -> Stored:
    """An object in S3, to whole seconds: a listing may give fractions, the headers of an object never do."""
    kind: Kind = "file"
    if key.endswith("/"):
        kind = "folder" if size == 0 else "other"
    try:
        _parts(key)
    except BadKey:
        kind = "other"
    return Stored(key, size, modified.astimezone(UTC).replace(microsecond=0), kind, etag)


def unfinished(key: str) -> bool:
    """Whether upload programs give a file such a name until it is whole: a hidden one, one with an ending of theirs, or
    a name of the common format with anything behind it that is no kind of file."""
    return _hidden(key) or left_behind(key)


def left_behind(key: str) -> bool:
    """Whether an unfinished upload of such a name is worth a word when it stays. Hidden files are not, which programs
    keep for themselves, unless the name of a file is in theirs, as in `.E6412315.X01.8fk2Qa` or `.in.E6412315.X01.`"""
    name = key.removesuffix("/").rpartition("/")[2].lower()
    if _hidden(key):
        return bool(re.search(r"[a-z][0-9a-z_]{7}\.x[0-9]{2,}", name))
    attached = _ATTACHED.fullmatch(name)
    return name.endswith(TEMPORARY_ENDINGS) or bool(attached and not _ANOTHER_KIND.fullmatch(attached[1]))


def _hidden(key: str) -> bool:
    return key.removesuffix("/").rpartition("/")[2].startswith(".")


def is_denied(error: Exception) -> bool:
    """Whether the store has refused this process, and not everybody: its identity has no right to what it asked for."""
    return isinstance(error, PermissionError) or (isinstance(error, ClientError) and _status(error) == 403)


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _gone(error: ClientError) -> bool:
    return _status(error) == 404 and error.response.get("Error", {}).get("Code") != "NoSuchBucket"
