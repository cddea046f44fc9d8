"""What a centre can do with files: the requests of an SFTP session, answered from the store.

Every method of asyncssh's `SFTPServer` is answered here: its own would open files of the machine.
"""

from __future__ import annotations

import asyncio
import logging
import stat
import time
import weakref
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import asyncssh
from asyncssh import FXF_APPEND, FXF_EXCL, FXF_WRITE, SFTPAttrs, SFTPName
from attrs import define, evolve, field

from infra.landing.limits import WAITING, Notes, Reached, Refused
from infra.landing.paths import AREAS, OUTBOX, SENT_TO, BadPath, Place, is_letter, place
from infra.landing.receipts import give_receipt
from infra.landing.shares import DayShare, Shares
from infra.landing.uploads import Buffer, Landed, finish, land, look
from infra.ledger.door import Fetched, Visit
from infra.settings import Settings
from infra.store import BadKey, Missing, Store, Stored, StoreError, unfinished

log = logging.getLogger(__name__)

T = TypeVar("T")

OPEN_LISTINGS = 8
CALLS_OF_A_CENTRE = 4
"""So many questions of a centre are with the store at a time; its others wait for these, and nobody else's do."""
LONGEST_READ = 256 * 1024
REMEMBERED = 1000
REMEMBERED_SECONDS = 600
"""So many files of a centre, and for so long, are still known by the name they were sent under once the ingest has
taken them in: some programs look at a file after they have sent it, and rclone does so in another session."""
FOLDER = stat.S_IFDIR | 0o755
FILE = stat.S_IFREG | 0o644


@define
class Centre:
    """What the service remembers of a centre while it runs: its connections, and roughly how many of its files wait."""

    number: str
    sessions: int = 0
    waiting: int | None = None
    """None until first counted. Never too low: files that the ingest takes in meanwhile are still counted."""
    uploads: dict[Place, Buffer] = field(factory=dict)
    """The uploads that are open, in all its sessions, by the name they will have."""
    sent: dict[Place, SFTPAttrs] = field(factory=dict)
    """What it has sent, by the name it gave."""
    turn: asyncio.Lock = field(factory=asyncio.Lock)
    """Held by the session that lets other centres have their turn, after which it is its own."""
    calls: asyncio.Semaphore = field(factory=lambda: asyncio.Semaphore(CALLS_OF_A_CENTRE))


@define
class Surroundings:
    """What all sessions share."""

    settings: Settings
    store: Store
    budget: Shares
    """Bytes held."""
    files: Shares
    """Files open."""
    sent: DayShare
    fetched: DayShare
    notes: Notes
    pool: Executor
    """The threads that call the store: its calls block, and sessions must not."""
    landed: Callable[[], None] = field(default=lambda: None)
    """Called after a file has landed whole."""
    letters: list[Fetched] = field(factory=list)
    """Letters that were fetched whole, and are not in the ledger yet."""
    visits: dict[tuple[str, str], Visit] = field(factory=dict)
    """The last visits by centre and key that are not in the ledger yet."""

    def logged_in(self, centre: str, fingerprint: str) -> None:
        """Notes that a centre has logged in with a key just now."""
        self.visits[centre, fingerprint] = Visit(logged_in=datetime.now(UTC))

    def has_fetched(self, centre: str, fingerprint: str, since: int) -> None:
        """Notes that a centre has fetched a file just now, in a session that began at `since` (seconds since 1970)."""
        began = datetime.fromtimestamp(since, UTC)
        known = self.visits.get((centre, fingerprint), Visit(logged_in=began))
        self.visits[centre, fingerprint] = evolve(known, fetched=datetime.now(UTC))


class CentreFiles(asyncssh.SFTPServer):
    """The files of one centre, in one session."""

    def __init__(
        self, chan: asyncssh.SSHServerChannel[bytes], centre: Centre, around: Surroundings, fingerprint: str
    ) -> None:
        super().__init__(chan)
        self._fingerprint = fingerprint
        self._letters: dict[Buffer, datetime] = {}
        self._centre = centre
        self._around = around
        self._open: set[Buffer] = set()
        self._listings: weakref.WeakSet[AsyncGenerator[SFTPName, None]] = weakref.WeakSet()
        self._began = int(time.time())

    async def others_first(self) -> None:
        """Lets the sessions of all others have their turn; of one centre's that have had theirs, one goes on at a
        time."""
        async with self._centre.turn:
            await asyncio.sleep(0)

    # --- Sending -----------------------------------------------------------------------------------------------------

    async def open(self, path: bytes, pflags: int, attrs: SFTPAttrs) -> Buffer:
        """Starts to receive a file, or fetches one whole before its first byte is asked for."""
        where = self._place(path)
        number = self._centre.number
        with self._in_words():
            self._around.files.take(number, 1)
        try:
            buffer = await (self._receive(where, pflags) if pflags & FXF_WRITE else self._fetch(where))
        except BaseException:
            self._around.files.give(number, 1)
            raise
        self._open.add(buffer)
        if buffer.upload:
            self._centre.uploads[where] = buffer
        return buffer

    def _shut(self, buffer: Buffer) -> None:
        """Drops an open file."""
        self._open.discard(buffer)
        self._letters.pop(buffer, None)
        if self._centre.uploads.get(buffer.place) is buffer:
            del self._centre.uploads[buffer.place]
        buffer.discard()
        self._around.files.give(self._centre.number, 1)

    async def _receive(self, where: Place, pflags: int) -> Buffer:
        self._landing_place(where)
        if pflags & FXF_APPEND:
            raise asyncssh.SFTPFailure("nothing can be added to a file; send the whole file")
        if pflags & FXF_EXCL and await self._look(where):
            raise asyncssh.SFTPFailure("a file of this name is already waiting")
        await self._room()
        return self._new(where, upload=True)

    def _new(self, where: Place, *, upload: bool) -> Buffer:
        return Buffer(where, self._centre.number, self._around.budget, upload)

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        """Takes a block of an upload."""
        buffer = self._buffer(file_obj)
        if not buffer.upload:
            raise asyncssh.SFTPPermissionDenied("the file is open for reading")
        with self._in_words():
            try:
                self._around.sent.take(self._centre.number, len(data), time.time())
            except Reached as error:
                buffer.give_up(str(error))
                raise
            buffer.write(offset, data, self._around.settings.max_file_bytes)
        return len(data)

    async def close(self, file_obj: object) -> None:
        """The end of a file. An upload lands only when the client asks for this. asyncssh also calls it when a
        connection ends, but by then `lost` has dropped the file."""
        buffer = self._buffer(file_obj)
        if buffer not in self._open:
            return
        self._open.remove(buffer)  # at once: what `lost` drops now is in the hands of the store
        try:
            if buffer.broken:
                raise asyncssh.SFTPFailure(buffer.broken)
            if buffer.upload:
                await self._land(buffer)
        finally:
            self._shut(buffer)

    async def _land(self, buffer: Buffer) -> None:
        if not buffer.whole():
            raise asyncssh.SFTPFailure("parts of the file are missing; nothing was received, send the whole file again")
        key = buffer.place.key(self._centre.number)
        self._note(buffer.place, landed := await self._ask(land, self._around.store, key, buffer.file))
        await self._receipt(buffer.place, landed)

    async def _receipt(self, where: Place, landed: Landed) -> None:
        """FIL-1: the sender finds at once that a whole file is received."""
        if not unfinished(landed.key):
            now = datetime.now(UTC)
            await self._ask(give_receipt, self._around.store, self._centre.number, where, landed, now)

    def _note(self, where: Place, landed: Landed) -> None:
        """Records that a file is in the store."""
        whole = not unfinished(landed.key)
        what = "unfinished" if not whole else "landed" if landed.fresh else "waited already"
        # Not the name: centres choose it, and it may contain somebody's name.
        log.info("%s centre=%s bytes=%d sha256=%s", what, self._centre.number, landed.size, landed.sha256)
        sent = self._centre.sent
        sent.pop(where, None)
        sent[where] = _file(landed.size, int(time.time()))
        if len(sent) > REMEMBERED:
            del sent[next(iter(sent))]
        if landed.fresh and self._centre.waiting is not None:
            self._centre.waiting += 1
        if landed.fresh and whole:
            self._around.landed()

    async def _room(self) -> None:
        """Refuses a file when so many already wait that something must be wrong."""
        most = self._around.settings.sftp_waiting_files
        if self._centre.waiting is None or self._centre.waiting >= most:
            places = [Place((area,)).key(self._centre.number) + "/" for area in SENT_TO]
            self._centre.waiting = await self._ask(
                lambda: sum(1 for prefix in places for _ in self._around.store.list(prefix))
            )
        if self._centre.waiting >= most:
            with self._in_words():
                raise Reached(WAITING, most)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        """Gives an unfinished upload its final name."""
        old, new = self._place(oldpath), self._place(newpath)
        self._landing_place(old)
        self._landing_place(new)
        if not unfinished(old.name):
            raise asyncssh.SFTPPermissionDenied("a received file keeps its name")
        if old == new:
            return
        found = await self._look(old)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        copy = self._new(old, upload=False)
        try:
            with self._in_words():
                copy.hold(found.size)
            landed = await self._ask(finish, self._around.store, found, new.key(self._centre.number), copy.file)
        finally:
            copy.discard()
        self._centre.sent.pop(old, None)
        self._note(new, landed)
        await self._receipt(new, landed)

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        """The same as `rename`: nothing is ever replaced."""
        await self.rename(oldpath, newpath)

    async def remove(self, path: bytes) -> None:
        """Removes an unfinished upload. A whole file has been received and stays: a deadline may depend on it."""
        where = self._place(path)
        self._landing_place(where)
        if not unfinished(where.name):
            raise asyncssh.SFTPPermissionDenied("a received file cannot be taken back")
        found = await self._look(where)
        if found is None or not await self._ask(self._around.store.remove, found):
            raise asyncssh.SFTPNoSuchFile("no such file")
        self._centre.sent.pop(where, None)
        log.info("unfinished upload removed centre=%s bytes=%d", self._centre.number, found.size)

    async def setstat(self, path: bytes, attrs: SFTPAttrs) -> None:
        """Accepts and ignores times and permissions set by clients: the server decides when a file was received."""
        where = self._place(path)
        if where in self._centre.uploads:
            self.fsetstat(self._centre.uploads[where], attrs)
            return
        if attrs.size is not None:
            raise asyncssh.SFTPPermissionDenied("a received file cannot be changed")
        await self._stat(where)

    lsetstat = setstat

    def fsetstat(self, file_obj: object, attrs: SFTPAttrs) -> None:
        """The same as `setstat`. Some clients say at the end how long the file is: that must be as much as they
        sent."""
        if attrs.size is not None and attrs.size != self._buffer(file_obj).size:
            raise asyncssh.SFTPFailure("the file does not have that length; send the whole file again")

    def fsync(self, file_obj: object) -> None:
        """Nothing to do: a closed file is on disk."""

    def lost(self) -> None:
        """The connection has ended: files that were not closed are not received."""
        for buffer in list(self._open):
            if buffer.upload:
                log.warning("dropped centre=%s bytes=%d: not closed", self._centre.number, buffer.size)
            self._shut(buffer)

    # --- Fetching and looking ----------------------------------------------------------------------------------------

    async def _fetch(self, where: Place) -> Buffer:
        key, store = self._key(where), self._around.store
        found = await self._look(where)
        if found is None:
            raise asyncssh.SFTPNoSuchFile("no such file")
        buffer = self._new(where, upload=False)
        with self._in_words():
            buffer.hold(found.size)
            buffer.size = found.size
            try:
                self._around.fetched.take(self._centre.number, found.size, time.time())
            except Reached:
                buffer.discard()
                raise

        def copy() -> None:
            with store.open(key) as source:
                buffer.fill(source)

        try:
            await self._ask(copy)
        except BaseException:
            buffer.discard()
            raise
        log.info("fetched centre=%s area=%s bytes=%d", self._centre.number, where.area, found.size)
        self._around.has_fetched(self._centre.number, self._fingerprint, self._began)
        if where.area == OUTBOX and is_letter(where.name):
            # Not every store says it more exactly, whichever way it is asked.
            self._letters[buffer] = found.modified.replace(microsecond=0)
        return buffer

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        """A block of a file that was fetched."""
        buffer = self._buffer(file_obj)
        if buffer.upload:
            raise asyncssh.SFTPPermissionDenied("the file is open for writing")
        data = buffer.read(offset, min(size, LONGEST_READ))
        if offset + len(data) >= buffer.size and (written := self._letters.pop(buffer, None)):
            self._around.letters.append(
                Fetched(
                    centre=self._centre.number, name=buffer.place.name, written=written,
                    fingerprint=self._fingerprint, at=datetime.now(UTC),
                )
            )  # fmt: skip
        return data

    async def stat(self, path: bytes) -> SFTPAttrs:
        """What is at a path."""
        return await self._stat(self._place(path, looking=True))

    lstat = stat

    async def _stat(self, where: Place) -> SFTPAttrs:
        if len(where.names) < 2:
            if where.area in ("", *AREAS):
                return _folder(self._began)
            raise asyncssh.SFTPNoSuchFile("no such file")
        if where in self._centre.uploads:
            return self.fstat(self._centre.uploads[where])
        sent = self._centre.sent.get(where)
        if sent is not None and time.time() - (sent.mtime or 0) < REMEMBERED_SECONDS:
            return sent
        found = await self._look(where)
        if found is not None:
            return _attributes(found)
        inside = self._key(where) + "/"
        if where.area not in SENT_TO and await self._ask(lambda: any(True for _ in self._around.store.list(inside))):
            return _folder(self._began)
        raise asyncssh.SFTPNoSuchFile("no such file")

    def fstat(self, file_obj: object) -> SFTPAttrs:
        """What is known of an open file."""
        return _file(self._buffer(file_obj).size, self._began)

    def scandir(self, path: bytes) -> AsyncGenerator[SFTPName, None]:
        """What is in a folder, the newest first."""
        where = self._place(path, looking=True)
        if where.names and where.area not in AREAS:
            raise asyncssh.SFTPNoSuchFile("no such folder")
        if len(self._listings) >= OPEN_LISTINGS:
            raise asyncssh.SFTPFailure(f"at most {OPEN_LISTINGS} folders may be open at a time")
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
        under_way = {upload: buffer for upload, buffer in self._centre.uploads.items() if upload.area == where.area}
        for upload, buffer in under_way.items():
            yield SFTPName(upload.name.encode(), attrs=self.fstat(buffer))
            found = [(name, attrs) for name, attrs in found if name != upload.name]
        if not found and len(where.names) > 1:
            raise asyncssh.SFTPNoSuchFile("no such folder")
        for name, attrs in found:
            yield SFTPName(name.encode("utf-8", "replace"), attrs=attrs)

    def realpath(self, path: bytes) -> bytes:
        """A path with `.` and `..` resolved, in the centre's own root."""
        return str(self._place(path, looking=True)).encode()

    def format_user(self, uid: int | None) -> str:
        """The owner shown for every file: the centre, not a user of this machine."""
        return self._centre.number

    def format_group(self, gid: int | None) -> str:
        """The same as `format_user`."""
        return self._centre.number

    # --- What is not offered -----------------------------------------------------------------------------------------

    def _never(self, *_: Any, **__: Any) -> Any:
        raise asyncssh.SFTPPermissionDenied("the landing service does not offer this")

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
        """The file at a place, if there is one."""
        key = self._key(where)
        found: Stored | None = await self._ask(look, self._around.store, key)
        return found

    def _key(self, where: Place) -> str:
        """The key of a place that a centre may read."""
        if where.area not in AREAS:
            raise asyncssh.SFTPNoSuchFile("no such file")
        return where.key(self._centre.number)

    def _landing_place(self, where: Place) -> None:
        if where.area not in SENT_TO or len(where.names) != 2:
            raise asyncssh.SFTPPermissionDenied(
                "files are sent to /inbox, or to /try to be tried; these have no folders"
            )

    def _buffer(self, file_obj: object) -> Buffer:
        assert isinstance(file_obj, Buffer)
        return file_obj

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """What is refused becomes a sentence for the centre, and a limit that is reached a line in our log."""
        try:
            yield
        except Reached as error:
            self._around.notes.reached(error.limit, self._centre.number)
            raise asyncssh.SFTPFailure(str(error)) from None
        except Refused as error:
            raise asyncssh.SFTPFailure(str(error)) from None

    async def _ask(self, question: Callable[..., T], *about: Any) -> T:
        """Calls the store on another thread; its errors become a sentence for the centre and a line in our log."""
        try:
            async with self._centre.calls:
                return await asyncio.get_running_loop().run_in_executor(self._around.pool, question, *about)
        except Missing:
            raise asyncssh.SFTPNoSuchFile("no such file") from None
        except BadKey:
            raise asyncssh.SFTPPermissionDenied("a file cannot have this name") from None
        except Refused as error:
            raise asyncssh.SFTPFailure(str(error)) from None
        except StoreError as error:
            log.error("store centre=%s: %s", self._centre.number, type(error.__cause__ or error).__name__)
            raise asyncssh.SFTPFailure(
                "the store cannot be reached; nothing was received, send the file again"
            ) from None


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
    for stored in store.list(prefix):
        name, slash, _ = stored.key.removeprefix(prefix).partition("/")
        if not name or (stored.kind != "file" and not slash):
            continue
        when = _seconds(stored.modified)
        if not slash:
            found[name] = _attributes(stored)
        elif name not in found or (found[name].mtime or 0) < when:
            found[name] = _folder(when)
    return sorted(found.items(), key=lambda child: (-(child[1].mtime or 0), child[0]))
