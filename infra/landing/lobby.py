"""The lobby: who is connected, who has logged in, and who must go when places run short.

Before log-in a connection is known by its address only. Such connections have places of their own, so that no number of
them takes one from a centre; and when theirs run short a newcomer is not sent away, but takes the place of a connection
that has come less far.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, Protocol, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from infra.landing.files import Centre, Surroundings
from infra.landing.limits import ADDRESS, FLOOD, FULL, LOGIN, SESSIONS, Limit, Reached
from infra.ledger.keys import CentreKey, KeyBook
from infra.settings import Settings

log = logging.getLogger(__name__)

_CENTRE = re.compile("[0-9]{5}")
REFUSED_SECONDS = 60.0
"""So long an address is refused that has flooded the service before log-in."""
NETWORK_BITS = 64
"""Of an IPv6 address: whoever has one has all that begin with the same bits."""


class Guest(Protocol):
    """A connection."""

    address: str
    """Its address, or network, as `address_of` gives it."""
    arrived: float
    """When it came, by the clock of the event loop."""
    progress: int
    """How far it has come towards its log-in: the more, the longer it may stay."""
    key: CentreKey | None
    """The key it logged in with."""

    def show_out(self, why: Reached) -> None:
        """Ends it with a message."""


G = TypeVar("G", bound=Guest)


def address_of(peer: str) -> str:
    """What counts as an address: an IPv4 address, or the network of an IPv6 one."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, NETWORK_BITS), strict=False))


class Lobby(Generic[G]):
    """What connections share: who is in, what is remembered of each centre, and which keys may log in.

    While the ledger cannot be reached the keys that it had last count: nobody can remove one meanwhile either."""

    def __init__(self, settings: Settings, keys: KeyBook, around: Surroundings) -> None:
        self.settings = settings
        self.around = around
        self.doors: set[G] = set()
        self._keys = keys
        self._centres: dict[str, Centre] = {}
        self._last: Mapping[str, Sequence[CentreKey]] = {}
        self._waiting: dict[str, set[G]] = {}
        """Those that have not logged in, by address."""
        self._refused: dict[str, float] = {}
        """Until when addresses are refused, by the clock of the event loop."""
        self._inside = 0

    # --- Before log-in -----------------------------------------------------------------------------------------------

    def enter(self, guest: G) -> None:
        """Lets a new connection in. When too many of its address have not logged in, another of that address goes; when
        too many of all, another of an address that has the most: the one that has come least far, of those the
        oldest."""
        if guest.arrived < self._refused.get(guest.address, 0.0):
            guest.show_out(Reached(FLOOD, self.settings.sftp_login_bytes))
            return
        there = self._waiting.get(guest.address, set())
        if len(there) >= self.settings.sftp_address_connections:
            self._make_room(there, ADDRESS, self.settings.sftp_address_connections)
        elif sum(map(len, self._waiting.values())) >= self.settings.sftp_login_connections:
            most = max(map(len, self._waiting.values()))
            crowded = [others for others in self._waiting.values() if len(others) == most]
            self._make_room(set().union(*crowded), LOGIN, self.settings.sftp_login_connections)
        self._waiting.setdefault(guest.address, set()).add(guest)
        self.doors.add(guest)

    def flooded(self, guest: G, now: float) -> None:
        """Ends a connection that has sent too much before its log-in, and all others of its address that have not
        logged in; refuses the address for a while. `now` is by the clock of the event loop."""
        self._refused = {address: until for address, until in self._refused.items() if until > now}
        self._refused[guest.address] = now + REFUSED_SECONDS
        self.around.notes.reached(FLOOD, where=guest.address)
        for other in list(self._waiting.get(guest.address, ())):
            self._forget(other)
            other.show_out(Reached(FLOOD, self.settings.sftp_login_bytes))

    def _make_room(self, among: Iterable[G], limit: Limit, most: int) -> None:
        goes = min(among, key=lambda guest: (guest.progress, guest.arrived))
        self.around.notes.reached(limit, where=goes.address)
        self._forget(goes)
        goes.show_out(Reached(limit, most))

    def _forget(self, guest: G) -> None:
        there = self._waiting.get(guest.address, set())
        there.discard(guest)
        if not there:
            self._waiting.pop(guest.address, None)

    # --- Logged in ---------------------------------------------------------------------------------------------------

    def admit(self, guest: G, key: CentreKey) -> None:
        """Takes a connection in that has logged in with a key; raises `Reached` when there is no place for it."""
        centre, settings = self.centre(key.centre), self.settings
        if centre.sessions >= settings.sftp_sessions:
            raise self._full(SESSIONS, settings.sftp_sessions, centre)
        most = settings.sftp_connections - settings.sftp_login_connections
        if self._inside >= most:
            raise self._full(FULL, most, centre)
        self._forget(guest)
        centre.sessions += 1
        self._inside += 1
        guest.key = key

    def _full(self, limit: Limit, most: int, centre: Centre) -> Reached:
        self.around.notes.reached(limit, centre.number)
        return Reached(limit, most)

    def leave(self, guest: G) -> None:
        """Forgets a connection that has ended."""
        if guest not in self.doors:
            return
        self.doors.discard(guest)
        self._forget(guest)
        if guest.key is not None:
            self.centre(guest.key.centre).sessions -= 1
            self._inside -= 1

    def centre(self, number: str) -> Centre:
        """What is remembered of a centre."""
        return self._centres.setdefault(number, Centre(number))

    async def keys(self, centre: str) -> Sequence[CentreKey]:
        """The keys with which a centre can log in now; those it had last when the ledger cannot be reached."""
        if not _CENTRE.fullmatch(centre):
            return []
        now = datetime.now(UTC)
        try:
            return await asyncio.to_thread(self._keys.valid, centre, now)
        except SQLAlchemyError as error:
            log.error("keys: the ledger cannot be reached (%s): the last count", type(error).__name__)
            return [key for key in self._last.get(centre, ()) if key.valid(now)]

    async def remember(self) -> None:
        """Notes which keys are valid, for the time when the ledger cannot be reached."""
        try:
            self._last = await asyncio.to_thread(self._keys.all_valid, datetime.now(UTC))
        except SQLAlchemyError as error:
            log.error("keys: the ledger cannot be reached (%s)", type(error).__name__)
