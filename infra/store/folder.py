"""A store in a folder."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import io
import os
import secrets
import shutil
import stat
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import BinaryIO, TypeVar

from attrs import evolve

from infra.host import make_folder
from infra.store.contract import THREADS, TRIES, Missing, Stored, WrongStore
from infra.store.identity import IDENTITY, PROBES, not_ours
from infra.store.keys import DEEPEST, TEMPORARY_FOLDER, file_key, names_of, unfinished
from infra.store.streams import MIB, reader, stream, telling

T = TypeVar("T")
Place = Callable[[int, str, str, int], bool]
"""Gives a draft its name: handle of its folder, what it is called there, the name, handle of the target folder."""
PRIVATE = ("embargo", TEMPORARY_FOLDER)
"""Folders at the root that only the desk's own user can look into: nobody may see yet what waits there (RES-2)."""
KEPT_LEVELS = 2  # inbox/<centre> is where a centre's files land: it stays when it is empty
TOGETHER = 400
"""Files that a folder store makes durable together, as each wait for the disk is for all: so many are open at a time,
well below the 1,024 that a process may have."""
FEW = 4
"""Fewer files than this are made durable each by itself: waiting for a whole file system would take longer."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
WHOLE = stat.S_ISVTX
"""The mark of a file that a store has written: the sticky bit, which means nothing on a file. Whoever writes a file to
the folder by other means sets it at the end at the earliest, as `cp -p` does."""


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
        with telling(self, "open it"):
            if create:
                make_folder(self.root, 0o750)
            self._clear()

    def list(self, prefix: str) -> Iterator[Stored]:
        """See `Store.list`."""
        if prefix:
            names_of(prefix)
        return self._walk(prefix)

    def _walk(self, prefix: str) -> Iterator[Stored]:
        # A stack rather than recursion, so that no handle stays open while the caller works.
        with telling(self, f"list {prefix!r}"):
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
        *folders, name = names_of(file_key(key))
        with telling(self, f"read {key!r}"):
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
        return reader(file, lambda: telling(self, f"read {key!r}"))

    def put(self, key: str, data: bytes | BinaryIO) -> None:
        """See `Store.put`."""
        self._write(key, data, _replace)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        """See `Store.put_if_absent`."""
        return self._write(key, data, _link)

    def put_all(self, files: Sequence[tuple[str, bytes]], *, absent: bool = False) -> Sequence[bool]:
        """See `Store.put_all`."""
        for key, _ in files:
            names_of(file_key(key))
        place = _link if absent else _replace
        if _SYNC_FILE_SYSTEM is None or len(files) < FEW:
            return [self._write(key, data, place) for key, data in files]
        groups = (files[start : start + TOGETHER] for start in range(0, len(files), TOGETHER))
        return [done for group in groups for done in self._write_all(group, place)]

    def move(self, source: str, target: str) -> None:
        """See `Store.move`."""
        *source_folders, source_name = names_of(source)
        *target_folders, target_name = names_of(target)

        def rename(target_folder: int) -> bool:
            if not self._look(source):
                return False
            with self._folder(source_folders) as source_folder:
                os.rename(source_name, target_name, src_dir_fd=source_folder, dst_dir_fd=target_folder)
            return True

        with telling(self, f"move {source!r}"):
            if not self._in_folder(target_folders, rename) and not self._look(target):
                self._prune(target_folders)
                raise Missing(f"{self}: there is neither {source!r} nor {target!r}")
        self._prune(source_folders)

    def remove(self, stored: Stored) -> bool:
        """See `Store.remove`. Folders that become empty go too, below the first two levels."""
        *folders, name = names_of(stored.key)
        with telling(self, f"remove {stored.key!r}"):
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
        names_of(key)
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
                raise not_ours(self, found)
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
        *folders, name = names_of(key)
        with suppress(FileNotFoundError, NotADirectoryError), self._folder(folders) as folder:
            return _found(key.removesuffix("/"), os.stat(name, dir_fd=folder, follow_symlinks=False))
        return None

    def _inside(self, key: str) -> Sequence[Stored] | None:
        """What is in the folder `key` (`""` is the root), sorted; None when the folder is gone."""
        inside = []
        try:
            with self._folder(names_of(key) if key else ()) as folder, os.scandir(folder) as entries:
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
        *folders, name = names_of(file_key(key))
        with (
            telling(self, f"write {key!r}"),
            self._folder([TEMPORARY_FOLDER], create=True) as source,
            _draft(source) as (temporary, handle),
        ):
            _fill(handle, data)
            os.fsync(handle)
            return self._in_folder(folders, partial(place, source, temporary, name))

    def _write_all(self, files: Sequence[tuple[str, bytes]], place: Place) -> Sequence[bool]:
        """As `_write`, but the disk is waited for twice in all: when every file is whole, and when all are placed."""
        with (
            telling(self, f"write {len(files)} files"),
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
            drafts_of = zip((names_of(key) for key, _ in files), temporary, strict=True)
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
        shutil.copyfileobj(stream(data), file, MIB)
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
