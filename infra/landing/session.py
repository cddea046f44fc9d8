"""One connection: who it is, what it may ask for, and when it ends. Of SSH only public keys and SFTP are offered."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

import asyncssh
from asyncssh.sftp import SFTPServerHandler
from asyncssh.stream import SSHServerStreamSession

from infra.landing.files import CentreFiles
from infra.landing.limits import Reached
from infra.landing.lobby import Lobby, address_of
from infra.landing.pace import TURN_SECONDS, Pace
from infra.ledger.keys import CentreKey

log = logging.getLogger(__name__)

OFFERED = (b"posix-rename@openssh.com", b"fsync@openssh.com", b"lsetstat@openssh.com", b"limits@openssh.com")
"""What clients may ask for beyond SFTP's own requests."""


MOST_NAMES = 5
"""So many centres a connection may try to be; the ledger is not asked about more."""
SHA1 = frozenset({b"ssh-rsa", b"rsa1024-sha1"})
"""Signature algorithms that are refused for every key."""


class Requests(SFTPServerHandler):
    """asyncssh's SFTP handler, made safe for uploads that are cut off.

    asyncssh closes open files when a connection ends, in the same way as the client does, so an upload that was cut off
    would look whole. Here the files are dropped first. The handler also notes when the last request came, and does not
    answer faster than the client reads.
    """

    _extensions = [(name, b"1") for name in OFFERED]  # noqa: RUF012 -- as the base class has it
    _packet_handlers = {  # noqa: RUF012
        kind: handler
        for kind, handler in SFTPServerHandler._packet_handlers.items()
        if isinstance(kind, int) or kind in OFFERED
    }

    def __init__(self, files: CentreFiles, door: Door, reader: Any, writer: Any) -> None:
        super().__init__(files, reader, writer, 3)
        self._files, self._door, self._answers = files, door, writer
        self._since = time.monotonic()
        """Since when it is its turn."""

    async def _process_packet(self, pkttype: int, pktid: int, packet: Any) -> None:
        self._door.stirred()
        if time.monotonic() - self._since > TURN_SECONDS:
            await self._files.others_first()  # nobody else comes in between requests that wait in a row
            self._since = time.monotonic()
        await self._answers.drain()
        await super()._process_packet(pkttype, pktid, packet)
        self._door.stirred()

    async def _cleanup(self, exc: Exception | None) -> None:
        self._files.lost()
        self._answers.channel.exit(0 if exc is None else 1)  # OpenSSH's scp ends with the status that it is told
        await super()._cleanup(exc)


class SftpSession(SSHServerStreamSession[bytes]):
    """A channel in which the client may ask for SFTP. asyncssh refuses a shell, commands and terminals by default."""

    def __init__(self, door: Door) -> None:
        super().__init__(None)
        self._door = door
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None

    def connection_made(self, chan: Any) -> None:
        """See asyncssh."""
        super().connection_made(chan)
        self._channel = chan

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncssh."""
        super().connection_lost(exc)
        self._door.left()

    def subsystem_requested(self, subsystem: str) -> bool:
        """See asyncssh."""
        return subsystem == "sftp"

    def session_started(self) -> None:
        """See asyncssh."""
        assert self._channel is not None
        reader, writer = asyncssh.SSHReader(self, self._channel), asyncssh.SSHWriter(self, self._channel)
        self._door.serve(self._channel, reader, writer)


class Door(asyncssh.SSHServer):
    """One connection to the service."""

    def __init__(self, lobby: Lobby[Door]) -> None:
        self._lobby = lobby
        self._loop = asyncio.get_running_loop()
        self._valid: dict[bytes, CentreKey] = {}
        self._session = False
        self._task: asyncio.Task[None] | None = None
        self._connection: asyncssh.SSHServerConnection | None = None
        self._pace: Pace | None = None
        self._centre = ""
        self._names = 0
        self._shown_out = False
        self._tried: CentreKey | None = None
        self.key: CentreKey | None = None
        """The key it logged in with."""
        self.address = ""
        """Where it comes from (`infra/landing/lobby.py: address_of`)."""
        self.progress = 0
        """0: connected; 1: the keys of the connection are exchanged; 2: it names a centre that has keys."""
        self.arrived = self.last = self._loop.time()

    # --- Who it is ---------------------------------------------------------------------------------------------------

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """See asyncssh."""
        self._connection = conn
        self.address = address_of(conn.get_extra_info("peername")[0])
        self._pace = Pace(
            conn, self._lobby.settings.sftp_login_bytes, lambda: self._lobby.flooded(self, self._loop.time())
        )
        self._lobby.enter(self)

    def show_out(self, why: Reached) -> None:
        """Ends the connection because a limit is reached."""
        self._shown_out = True
        self.end(asyncssh.DISC_TOO_MANY_CONNECTIONS, str(why))

    async def begin_auth(self, username: str) -> bool:
        """Accepts any name; only for a centre with valid keys is there a key to log in with."""
        self.progress = 1
        self._centre = username
        self._names += 1
        held = await self._lobby.keys(username) if self._names <= MOST_NAMES else ()
        self._valid = {asyncssh.import_public_key(key.public_key).public_data: key for key in held}
        self.progress = 2 if self._valid else 1
        return True

    def public_key_auth_supported(self) -> bool:
        """The only way in."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether it is a key of the centre. Called before the client proves that it holds the key, and again with the
        proof."""
        key.all_sig_algorithms = key.all_sig_algorithms - SHA1  # asyncssh still verifies these
        self._tried = self._valid.get(key.public_data) if username == self._centre else None
        return self._tried is not None

    def auth_completed(self) -> None:
        """Logged in."""
        assert self._tried is not None
        if self._shown_out:
            return
        self.stirred()
        try:
            self._lobby.admit(self, self._tried)
        except Reached as error:
            self.show_out(error)
            return
        assert self._pace is not None
        self._pace.logged_in()
        self._lobby.around.logged_in(self._tried.centre, self._tried.fingerprint)
        log.info("login centre=%s key=%s from=%s", self._tried.centre, self._tried.fingerprint, self.address)

    # --- What it may ask for -----------------------------------------------------------------------------------------

    def session_requested(self) -> SftpSession | bool:
        """Allows one SFTP session for each connection. asyncssh refuses forwarding of ports, sockets and networks by
        default."""
        if self.key is None or self._session:
            return False
        self._session = True
        return SftpSession(self)

    def left(self) -> None:
        """The session's channel is closed; another may be opened."""
        self._session = False

    def serve(self, chan: asyncssh.SSHServerChannel[bytes], reader: Any, writer: Any) -> None:
        """Answers the requests of the session."""
        assert self.key is not None
        files = CentreFiles(chan, self._lobby.centre(self.key.centre), self._lobby.around, self.key.fingerprint)

        async def answer() -> None:
            try:
                await Requests(files, self, reader, writer).run()
            finally:
                files.lost()

        self._task = asyncio.create_task(answer())

    # --- When it ends ------------------------------------------------------------------------------------------------

    def stirred(self) -> None:
        """Notes that the client asked for something."""
        self.last = self._loop.time()

    def end(self, code: int, why: str) -> None:
        """Ends the connection and says why."""
        assert self._connection is not None
        self._connection.disconnect(code, why)

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncssh."""
        self._lobby.leave(self)
        if self.key is not None:
            centre = self._lobby.centre(self.key.centre)
            log.info("logout centre=%s sessions=%d", centre.number, centre.sessions)
        elif self._centre and not self._shown_out:
            known = self._centre if self._centre.isascii() and self._centre.isdigit() else "?"
            self._lobby.around.notes.stranger(known[:5], self.address)

    async def served(self) -> None:
        """Waits until the last request of the session has been dealt with."""
        if self._task is not None:
            await asyncio.wait([self._task])
