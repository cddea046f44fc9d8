"""The landing service as a whole: it listens, lets centres in, and ends sessions that must end."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Self

import asyncssh
from sqlalchemy.exc import SQLAlchemyError

from infra.landing import algorithms
from infra.landing.bell import Bell
from infra.landing.files import Surroundings
from infra.landing.keys import fingerprints, host_key, host_key_pairs
from infra.landing.limits import ALL_BUFFER, ALL_FILES, BUFFER, FETCHED, FILES, SENT, Notes
from infra.landing.lobby import Lobby
from infra.landing.session import Door
from infra.landing.shares import HOURS, DayShare, Shares
from infra.ledger.door import DoorBook
from infra.ledger.keys import CentreKey, KeyBook
from infra.ledger.place import StoreBook
from infra.ledger.sql import open_engine
from infra.settings import Settings
from infra.store import Store, proved

log = logging.getLogger(__name__)

THREADS = 32
"""That call the store; a centre has a few of them at a time (`infra/landing/files.py: CALLS_OF_A_CENTRE`)."""
NOTED_SECONDS = 10.0
"""How often the limits that were reached, and the letters that were fetched, are put into the ledger."""
SPARE_DESCRIPTORS = 300
"""For the store, the ledger and the log, beside connections and open files."""
WATCH_SECONDS = 1.0
"""About how soon after a key is removed or ends the sessions it opened are closed."""
KEEPALIVE_SECONDS = 30
LEDGER_SECONDS = 5
"""How long a connection to the ledger may take; clients wait for it."""
REMEMBER_SECONDS = 30.0
"""How often the valid keys are noted, for the time when the ledger cannot be reached."""


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT. Raises `OSError` when the port is not free, `KeyRefused` when the host key cannot
    be used, `StoreError` when the store cannot."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    for noisy in ("asyncssh", "httpx", "botocore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)

    async def until_told() -> None:
        stop = asyncio.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(signum, stop.set)
        patience = {"connect_timeout": LEDGER_SECONDS}
        engine = open_engine(settings.database_url, pool_pre_ping=True, connect_args=patience)
        descriptors(settings)
        books = KeyBook(engine), DoorBook(engine)
        async with Landing(settings, proved(settings.store_location, StoreBook(engine)), *books):
            await stop.wait()
        engine.dispose()

    asyncio.run(until_told())


def descriptors(settings: Settings) -> None:
    """Lets this process open as many files as its settings promise, or says in the log that it may not."""
    needed = settings.sftp_connections + settings.sftp_open_files + SPARE_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    may = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if may > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (may, hard))
    if may < needed:
        log.warning(
            "the system lets this process open %d files, and its settings need %d: raise the limit (ulimit -n), or "
            "lower RESULTSDAY_SFTP_CONNECTIONS and RESULTSDAY_SFTP_OPEN_FILES", may, needed,
        )  # fmt: skip


class Landing:
    """The service; an asynchronous context that listens while it is open."""

    def __init__(self, settings: Settings, store: Store, keys: KeyBook, limits: DoorBook) -> None:
        self.settings = settings
        self._keys = keys
        self._limits = limits
        self._pool = ThreadPoolExecutor(THREADS, "store")
        self._bell = Bell()
        self.around = Surroundings(
            settings=settings,
            store=store,
            budget=Shares(settings.sftp_buffer_bytes, settings.sftp_centre_buffer_bytes, BUFFER, ALL_BUFFER),
            files=Shares(settings.sftp_open_files, settings.sftp_centre_open_files, FILES, ALL_FILES),
            sent=DayShare(settings.sftp_day_bytes, SENT),
            fetched=DayShare(settings.sftp_day_bytes, FETCHED),
            notes=Notes(),
            pool=self._pool,
            landed=self._bell.landed,
        )
        self._days = (self.around.sent, self.around.fetched)
        self._lobby: Lobby[Door] = Lobby(settings, keys, self.around)
        self.doors = self._lobby.doors

    async def __aenter__(self) -> Self:
        await self._remember_day()
        self.host_key = host_key(self.settings)
        self._listener = await asyncssh.listen(
            self.settings.sftp_host, self.settings.sftp_port, server_factory=lambda: Door(self._lobby),
            server_host_keys=host_key_pairs(self.settings), server_version="Resultsday", encoding=None,
            line_editor=False, allow_pty=False, x11_forwarding=False, agent_forwarding=False, allow_scp=False,
            gss_host=None, password_auth=False, kbdint_auth=False, host_based_auth=False,
            authorized_client_keys=None, x509_trusted_certs=None,
            kex_algs=algorithms.KEY_EXCHANGES, encryption_algs=algorithms.CIPHERS, mac_algs=algorithms.MACS,
            signature_algs=algorithms.SIGNATURES, compression_algs=algorithms.COMPRESSION,
            login_timeout=self.settings.sftp_login_seconds, keepalive_interval=KEEPALIVE_SECONDS,
        )  # fmt: skip
        self.port = self._listener.get_port()
        await self._lobby.remember()
        self._watch = asyncio.create_task(self._watching())
        shown = fingerprints(self.settings)
        log.info("listening on %s port %d, host keys %s", self.settings.sftp_host, self.port, shown)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Accepts no new connections and ends the open ones with a message; files that have been closed still land."""
        self._listener.close()
        self._watch.cancel()
        self._bell.stop()
        doors = list(self.doors)
        for door in doors:
            door.end(asyncssh.DISC_BY_APPLICATION, "the service is stopping; connect again in a minute")
        for door in doors:
            await door.served()
        await self._listener.wait_closed()
        await self._book()
        self._pool.shutdown()
        log.info("stopped")

    async def _watching(self) -> None:
        """Ends sessions that are idle, and those whose key is no longer valid; books what happened, and notes the
        valid keys."""
        loop = asyncio.get_running_loop()
        booked, remembered = 0.0, loop.time()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            if (now := loop.time()) - booked >= NOTED_SECONDS:
                booked = now
                await self._book()
            if now - remembered >= REMEMBER_SECONDS:
                remembered = now
                await self._lobby.remember()
            sessions = {door: door.key for door in self.doors if door.key is not None}
            self._end_idle(sessions)
            if sessions:
                await self._end_without_key(sessions)

    async def _remember_day(self) -> None:
        """What centres have moved within the day counts on, whenever the service was started."""
        try:
            before = await asyncio.to_thread(self._limits.moved, datetime.now(UTC) - timedelta(hours=HOURS))
        except SQLAlchemyError as error:
            log.error("bytes of the day: the ledger cannot be reached (%s)", type(error).__name__)
            return
        for day in self._days:
            day.remember(before.get(day.own.name, {}))

    async def _book(self) -> None:
        """Puts into the ledger what happened at the door; while it cannot be reached, later."""
        await self._book_bytes()
        await self._book_letters()
        await self._book_visits()
        await self._book_limits()

    async def _book_bytes(self) -> None:
        for day in self._days:
            if counts := day.counted():
                try:
                    await asyncio.to_thread(self._limits.move, day.own.name, counts)
                except SQLAlchemyError as error:
                    day.put_back(counts)
                    log.error("bytes of the day: the ledger cannot be reached (%s)", type(error).__name__)

    async def _book_letters(self) -> None:
        letters = self.around.letters[:]
        if not letters:
            return
        try:
            await asyncio.to_thread(self._limits.fetched, letters)
        except SQLAlchemyError as error:
            log.error("letters fetched: the ledger cannot be reached (%s)", type(error).__name__)
            return
        del self.around.letters[: len(letters)]

    async def _book_visits(self) -> None:
        visits = dict(self.around.visits)
        if not visits:
            return
        try:
            await asyncio.to_thread(self._limits.visited, visits)
        except SQLAlchemyError as error:
            log.error("visits: the ledger cannot be reached (%s)", type(error).__name__)
            return
        # What has come meanwhile is booked the next time.
        self.around.visits = {key: visit for key, visit in self.around.visits.items() if visits.get(key) != visit}

    async def _book_limits(self) -> None:
        counts = self.around.notes.taken()
        if not counts:
            return
        try:
            await asyncio.to_thread(self._limits.reached, counts, datetime.now(UTC))
        except SQLAlchemyError as error:
            self.around.notes.put_back(counts)
            log.error("limits: the ledger cannot be reached (%s)", type(error).__name__)

    def _end_idle(self, sessions: Iterable[Door]) -> None:
        now = asyncio.get_running_loop().time()
        for door in sessions:
            if now - door.last > self.settings.sftp_idle_seconds:
                door.end(asyncssh.DISC_BY_APPLICATION, "the session was idle; connect again when needed")

    async def _end_without_key(self, sessions: Mapping[Door, CentreKey]) -> None:
        ids = {key.id for key in sessions.values()}
        try:
            valid = await asyncio.to_thread(self._keys.still_valid, ids, datetime.now(UTC))
        except SQLAlchemyError as error:  # a key cannot be removed either while the ledger is away
            log.error("keys: the ledger cannot be reached (%s)", type(error).__name__)
            return
        for door, key in sessions.items():
            if key.id not in valid:
                log.warning("key ended centre=%s key=%s: session closed", key.centre, key.fingerprint)
                door.end(asyncssh.DISC_BY_APPLICATION, "the key of this session is no longer valid")
