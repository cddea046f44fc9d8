"""What a centre can do with files: the requests of an SFTP session, answered from the store.

Every method of asyncssh's `SFTPServer` is answered here: its own would open files of the machine.
"""

from __future__ import annotations

import asyncio
import logging
import stat
import time
import weakref
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_EXCL, FXF_WRITE, SFTPAttrs, SFTPName
from attrs import define, field

from infra.landing.paths import AREAS, INBOX, BadPath, Place, place
from infra.landing.uploads import Budget, Buffer, Landed, Refused, finish, land, look
from infra.settings import Settings
from infra.store import BadKey, Missing, Store, Stored, StoreError, unfinished

log = logging.getLogger(__name__)

T = TypeVar("T")

OPEN_FILES = 16
OPEN_LISTINGS = 8
LONGEST_READ = 256 * 1024
REMEMBERED = 1000
"""Files of a session, at the most, that are known by the name they were sent under when the ingest has taken them."""
FOLDER = stat.S_IFDIR | 0o755
FILE = stat.S_IFREG | 0o644


@define
class Centre:
    """What the service remembers of a centre while it runs: connections, and about how many files wait."""

    number: str
    sessions: int = 0
    waiting: int | None = None
    """Counted when it seems to matter and never too low: what the ingest takes in meanwhile is not seen."""


@define
class Surroundings:
    """What all sessions share."""

    settings: Settings
    store: Store
    budget: Budget
    pool: Executor
    """Where the store is asked: it blocks, the sessions must not."""
    landed: Callable[[], None] = field(default=lambda: None)
    """Called after a file has landed whole."""


class CentreFiles(asyncssh.SFTPServer):
    """The files of one centre, in one session."""

    def __init__(self, chan: asyncssh.SSHServerChannel[bytes], centre: Centre, around: Surroundings) -> None:
        super().__init__(chan)
        self._centre = centre
        self._around = around
        self._open: set[Buffer] = set()
        self._listings: weakref.WeakSet[AsyncGenerator[SFTPName, None]] = weakref.WeakSet()
        self._began = int(time.time())
        self._sent: dict[Place, SFTPAttrs] = {}
        """What this session has sent, by the name it gave: some clients look at a file they have sent, and the ingest
        may have been quicker."""

    # --- Sending -----------------------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Buffer:
        """Starts to receive a file, or fetches one whole before its first byte is asked for."""
        where = self._place(path)
        if len(self._open) >= OPEN_FILES:
            raise asyncssh.SFTPFailure(f"more than {OPEN_FILES} files are open")
        buffer = await (self._receive(where, pflags) if pflags & FXF_WRITE else self._fetch(where))
        self._open.add(buffer)
        return buffer

    async def _receive(self, where: Place, pflags: int) -> Buffer:
        self._landing_place(where)
        if pflags & FXF_APPEND:
            raise asyncssh.SFTPFailure("nothing can be added to a file; send it whole")
        if pflags & FXF_EXCL and await self._look(where):
            raise asyncssh.SFTPFailure("a file of this name waits already")
        await self._room()
        return Buffer(where, self._around.budget, upload=True)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Takes a block of an upload."""
        buffer = self._buffer(file_obj)
        if not buffer.upload:
            raise asyncssh.SFTPPermissionDenied("the file is open for reading")
        try:
            buffer.write(offset, data, self._around.settings.max_file_bytes)
        except Refused as error:
            raise asyncssh.SFTPFailure(str(error)) from None
        return len(data)

    async def close(self, file_obj: object) -> None:
        """The end of a file. Only this, asked for by the client, lets an upload land; when a connection ends it is
        called too, but then `lost` has let go of the file before."""
        buffer = self._buffer(file_obj)
        if buffer not in self._open:
            return
        self._open.remove(buffer)
        if buffer.broken:
            raise asyncssh.SFTPFailure(buffer.broken)
        try:
            if buffer.upload:
                await self._land(buffer)
        finally:
            buffer.discard()

    async def _land(self, buffer: Buffer) -> None:
        if not buffer.whole():
            raise asyncssh.SFTPFailure("parts of the file are missing; nothing was received, send it from its start")
        key = buffer.place.key(self._centre.number)
        self._note(buffer.place, await self._ask(land, self._around.store, key, buffer.file))

    def _note(self, where: Place, landed: Landed) -> None:
        """A file lies in the store."""
        whole = not unfinished(landed.key)
        what = "unfinished" if not whole else "landed" if landed.fresh else "waited already"
        # No name: centres choose it, and a name may name somebody.
        log.info("%s centre=%s bytes=%d sha256=%s", what, self._centre.number, landed.size, landed.sha256)
        self._sent[where] = _file(landed.size, int(time.time()))
        if len(self._sent) > REMEMBERED:
            del self._sent[next(iter(self._sent))]
        if landed.fresh and self._centre.waiting is not None:
            self._centre.waiting += 1
        if landed.fresh and whole:
            self._around.landed()

    async def _room(self) -> None:
        """Refuses a file when so many wait already that something is wrong."""
        most = self._around.settings.sftp_waiting_files
        if self._centre.waiting is None or self._centre.waiting >= most:
            prefix = Place((INBOX,)).key(self._centre.number) + "/"
            self._centre.waiting = await self._ask(lambda: sum(1 for _ in self._around.store.list(prefix)))
        if self._centre.waiting >= most:
            log.warning("full centre=%s waiting=%d", self._centre.number, self._centre.waiting)
            raise asyncssh.SFTPFailure(f"{most:,} files wait in the inbox; send more when they have been taken in")

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Gives an unfinished upload its final name."""
        old, new = self._place(oldpath), self._place(newpath)
        self._landing_place(old)
        self._landing_place(new)
        if not unfinished(old.name):
            raise asyncssh.SFTPPermissionDenied("what has been received keeps its name")
        keys = old.key(self._centre.number), new.key(self._centre.number)
        if old == new:
            return
        landed = await self._ask(finish, self._around.store, *keys)
        if landed is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        self._sent.pop(old, None)
        self._note(new, landed)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """As `rename`: nothing is ever replaced."""
        await self.rename(oldpath, newpath)

    async def remove(self, path: bytes) -> None:
        """Takes back an unfinished upload. What is whole has been received and stays: a deadline may hang on it."""
        where = self._place(path)
        self._landing_place(where)
        if not unfinished(where.name):
            raise asyncssh.SFTPPermissionDenied("what has been received cannot be taken back")
        found = await self._look(where)
        if found is None or not await self._ask(self._around.store.remove, found):
            raise asyncssh.SFTPNoSuchFile("no such file")
        self._sent.pop(where, None)
        log.info("unfinished upload removed centre=%s bytes=%d", self._centre.number, found.size)

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Times and permissions that clients set are accepted and ignored: receipt is the server's own."""
        where = self._place(path)
        if attrs.size is not None:
            raise asyncssh.SFTPPermissionDenied("what has been received is not changed")
        await self._stat(where)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """As `setstat`. Some clients say at the end how long the file is; it is as long as what was sent of it."""
        if attrs.size is not None and attrs.size != self._buffer(file_obj).size:
            raise asyncssh.SFTPFailure("the file is not as long as that; send it from its start to its end")

    def fsync(self, file_obj: object) -> None:
        """Nothing to do: what has been closed is on disk."""

    def lost(self) -> None:
        """The connection ends: what has not been closed is not received."""
        while self._open:
            buffer = self._open.pop()
            if buffer.upload:
                log.warning("dropped centre=%s bytes=%d: not closed", self._centre.number, buffer.size)
            buffer.discard()

    # --- Fetching and looking ----------------------------------------------------------------------------------------

    async def _fetch(self, where: Place) -> Buffer:
        key, store = self._key(where), self._around.store
        found = await self._look(where)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        buffer = Buffer(where, self._around.budget, upload=False)
        try:
            self._around.budget.take(found.size)
        except Refused as error:
            raise asyncssh.SFTPFailure(str(error)) from None
        buffer.size = found.size

        def copy() -> None:
            with store.open(key) as source:
                buffer.fill(source)

        try:
            await self._ask(copy)
        except BaseException:
            buffer.discard()
            raise
        log.info("fetched centre=%s area=%s bytes=%d", self._centre.number, where.area, found.size)
        return buffer

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A block of a file that was fetched."""
        buffer = self._buffer(file_obj)
        if buffer.upload:
            raise asyncssh.SFTPPermissionDenied("the file is open for writing")
        return buffer.read(offset, min(size, LONGEST_READ))

    async def stat(self, path: bytes) -> SFTPAttrs:
        """What lies at a path."""
        return await self._stat(self._place(path, looking=True))

    lstat = stat

    async def _stat(self, where: Place) -> SFTPAttrs:
        if len(where.names) < 2:
            if where.area in ("", *AREAS):
                return _folder(self._began)
            raise asyncssh.SFTPNoSuchFile("no such file")
        if where in self._sent:
            return self._sent[where]
        found = await self._look(where)
        if found is not None:
            return _attributes(found)
        inside = self._key(where) + "/"
        if where.area != INBOX and await self._ask(lambda: any(True for _ in self._around.store.list(inside))):
            return _folder(self._began)
        raise asyncssh.SFTPNoSuchFile("no such file")

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """What is known of an open file."""
        return _file(self._buffer(file_obj).size, self._began)

    def scandir(self, path: bytes) -> AsyncGenerator[SFTPName, None]:
        """What lies in a folder, the newest first."""
        where = self._place(path, looking=True)
        if where.names and where.area not in AREAS:
            raise asyncssh.SFTPNoSuchFile("no such folder")
        if len(self._listings) >= OPEN_LISTINGS:
            raise asyncssh.SFTPFailure(f"more than {OPEN_LISTINGS} folders are open")
        listing = self._list(where)
        self._listings.add(listing)
        return listing

    async def _list(self, where: Place) -> AsyncGenerator[SFTPName, None]:
        for name in (".", ".."):
            yield SFTPName(name.encode(), attrs=_folder(self._began))
        if not where.names:
            for name in AREAS:
                yield SFTPName(name.encode(), attrs=_folder(self._began))
            return
        found = await self._ask(_children, self._around.store, self._key(where) + "/")
        if not found and len(where.names) > 1:
            raise asyncssh.SFTPNoSuchFile("no such folder")
        for name, attrs in found:
            yield SFTPName(name.encode("utf-8", "replace"), attrs=attrs)

    def realpath(self, path: bytes) -> bytes:
        """A path without its detours, in the centre's own root."""
        return str(self._place(path, looking=True)).encode()

    def format_user(self, uid: int | None) -> str:
        """Nobody of this machine owns anything here."""
        return self._centre.number

    def format_group(self, gid: int | None) -> str:
        """As `format_user`."""
        return self._centre.number

    # --- What there is not -------------------------------------------------------------------------------------------

    def _never(self, *_: Any, **__: Any) -> Any:
        raise asyncssh.SFTPPermissionDenied("the landing service does not do this")

    open56 = mkdir = rmdir = symlink = link = readlink = lock = unlock = statvfs = fstatvfs = listdir = _never
    map_path = reverse_map_path = _never

    def exit(self) -> None:
        """The session has ended."""

    # --- Help --------------------------------------------------------------------------------------------------------

    def _place(self, path: bytes, *, looking: bool = False) -> Place:
        try:
            return place(path, looking=looking)
        except BadPath as error:
            log.warning("refused path centre=%s bytes=%d: %s", self._centre.number, len(path), error)
            raise asyncssh.SFTPPermissionDenied(str(error)) from None

    async def _look(self, where: Place) -> Stored | None:
        """The file that lies there, if there is one."""
        key = self._key(where)
        found: Stored | None = await self._ask(look, self._around.store, key)
        return found

    def _key(self, where: Place) -> str:
        """The key of what lies there for a centre to read."""
        if where.area not in AREAS:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return where.key(self._centre.number)

    def _landing_place(self, where: Place) -> None:
        if where.area != INBOX or len(where.names) != 2:
            raise asyncssh.SFTPPermissionDenied("files are sent to /inbox, which has no folders")

    def _buffer(self, file_obj: object) -> Buffer:
        assert isinstance(file_obj, Buffer)
        return file_obj

    async def _ask(self, question: Callable[..., T], *about: Any) -> T:
        """Asks the store, on another thread; its troubles become a sentence for the centre and a line for us."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._around.pool, question, *about)
        except Missing:
            raise asyncssh.SFTPNoSuchFile("no such file") from None
        except BadKey:
            raise asyncssh.SFTPPermissionDenied("no file can have this name") from None
        except Refused as error:
            raise asyncssh.SFTPFailure(str(error)) from None
        except StoreError as error:
            log.error("store centre=%s: %s", self._centre.number, type(error.__cause__ or error).__name__)
            raise asyncssh.SFTPFailure("the store cannot be reached; nothing was received, send it again") from None


def _file(size: int, when: int) -> SFTPAttrs:
    return SFTPAttrs(size=size, permissions=FILE, nlink=1, atime=when, mtime=when)


def _folder(when: int) -> SFTPAttrs:
    return SFTPAttrs(permissions=FOLDER, nlink=1, atime=when, mtime=when)


def _attributes(found: Stored) -> SFTPAttrs:
    return _file(found.size, _seconds(found.modified))


def _seconds(instant: datetime) -> int:
    return min(max(int(instant.timestamp()), 0), 2**32 - 1)  # as SFTP writes it


def _children(store: Store, prefix: str) -> list[tuple[str, SFTPAttrs]]:
    """Files and folders directly below a prefix, the newest first."""
    found: dict[str, SFTPAttrs] = {}
    for one in store.list(prefix):
        name, slash, _ = one.key.removeprefix(prefix).partition("/")
        if not name or (one.kind != "file" and not slash):
            continue
        when = _seconds(one.modified)
        if not slash:
            found[name] = _attributes(one)
        elif name not in found or (found[name].mtime or 0) < when:
            found[name] = _folder(when)
    return sorted(found.items(), key=lambda one: (-(one[1].mtime or 0), one[0]))
