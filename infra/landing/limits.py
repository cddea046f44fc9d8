"""The limits of the landing service, each declared once: its setting, what a client is told, and what to do about it.

Whoever reaches a limit is told in these words. Operators see it in the log, and from the ledger in metrics and alerts
(`infra/ledger/door.py`), where a flood of the same costs a row an hour.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping

from attrs import define, field, frozen

log = logging.getLogger(__name__)


@frozen
class Limit:
    """A limit. `words` is what a client is told, with `{most}` for the figure; `to_do` is what its user does then."""

    name: str
    setting: str
    words: str
    to_do: str


SESSIONS = Limit(
    "sessions",
    "RESULTSDAY_SFTP_SESSIONS",
    "at most {most} connections of your centre may be open; close one, then connect again",
    "close programs that are still connected, or set them to fewer connections at a time",
)
FULL = Limit(
    "connections",
    "RESULTSDAY_SFTP_CONNECTIONS",
    "all places are taken; connect again in a minute",
    "connect again; if it goes on, telephone us",
)
LOGIN = Limit(
    "login connections",
    "RESULTSDAY_SFTP_LOGIN_CONNECTIONS",
    "too many connections wait for their log-in; connect again in a minute",
    "connect again; if it goes on, telephone us",
)
ADDRESS = Limit(
    "address connections",
    "RESULTSDAY_SFTP_ADDRESS_CONNECTIONS",
    "more than {most} connections from your address have not logged in; connect again in a minute",
    "look which program in your network connects again and again without a key, then connect again",
)
FLOOD = Limit(
    "bytes before log-in",
    "RESULTSDAY_SFTP_LOGIN_BYTES",
    "a connection from your address has sent more than {most} bytes without a log-in; connect again in a minute",
    "look which program in your network does that, then connect again",
)
FILES = Limit(
    "open files of a centre",
    "RESULTSDAY_SFTP_CENTRE_OPEN_FILES",
    "your centre has {most} files open already; finish some, then send the file again",
    "let the transfers that are under way end, then send again",
)
ALL_FILES = Limit(
    "open files",
    "RESULTSDAY_SFTP_OPEN_FILES",
    "the service is busy with other files; send the file again in a minute",
    "send again in a minute",
)
BUFFER = Limit(
    "buffer of a centre",
    "RESULTSDAY_SFTP_CENTRE_BUFFER_BYTES",
    "files of your centre under way hold {most} bytes already; finish some, then send the file again",
    "let the transfers that are under way end, then send again, fewer at a time",
)
ALL_BUFFER = Limit(
    "buffer",
    "RESULTSDAY_SFTP_BUFFER_BYTES",
    "the service is busy with other files; send the file again in a minute",
    "send again in a minute",
)
SENT = Limit(
    "sent in a day",
    "RESULTSDAY_SFTP_DAY_BYTES",
    "your centre has sent {most} bytes within 24 hours; nothing was received, telephone us",
    "look which program sends the same again and again, and telephone us",
)
FETCHED = Limit(
    "fetched in a day",
    "RESULTSDAY_SFTP_DAY_BYTES",
    "your centre has fetched {most} bytes within 24 hours; fetch the rest tomorrow, or telephone us",
    "look which program fetches the same again and again; what you send is still taken",
)
WAITING = Limit(
    "waiting files",
    "RESULTSDAY_SFTP_WAITING_FILES",
    "{most} files wait in the inbox; send more when these have been taken in",
    "wait until they have been taken in; if it goes on, telephone us",
)
LIMITS = (SESSIONS, FULL, LOGIN, ADDRESS, FLOOD, FILES, ALL_FILES, BUFFER, ALL_BUFFER, SENT, FETCHED, WAITING)


class Refused(Exception):  # noqa: N818
    """The service refuses to take or give a file; the message tells the centre why."""


class Reached(Refused):
    """A limit is reached; the message tells the centre what to do."""

    def __init__(self, limit: Limit, most: int) -> None:
        super().__init__(limit.words.format(most=f"{most:,}"))
        self.limit = limit


@define
class Notes:
    """How often limits were reached, by limit and centre (empty: not known, as before log-in), until somebody takes
    the counts away. The first of each is in the log at once, the others as a count, so that nobody fills the disk."""

    _counts: Counter[tuple[str, str]] = field(factory=Counter)
    _strangers: Counter[str] = field(factory=Counter)
    """Connections that ended without a log-in, by address."""

    def reached(self, limit: Limit, centre: str = "", where: str = "") -> None:
        """Notes that a limit was reached, by a centre or from an address."""
        if not self._counts[limit.name, centre]:
            log.warning("limit reached: %s centre=%s from=%s", limit.name, centre or "?", where or "?")
        self._counts[limit.name, centre] += 1

    def stranger(self, named: str, where: str) -> None:
        """Notes that a connection from an address named a centre and had no valid key."""
        if not self._strangers[where]:
            log.warning("no login centre=%s from=%s", named, where)
        self._strangers[where] += 1

    def taken(self) -> Mapping[tuple[str, str], int]:
        """The counts so far; they begin anew."""
        counts, self._counts = self._counts, Counter()
        strangers, self._strangers = self._strangers, Counter()
        for address, times in strangers.items():
            if times > 1:
                log.warning("no login from=%s, %d times", address, times)
        for (name, centre), times in counts.items():
            if times > 1:
                log.warning("limit reached: %s centre=%s, %d times", name, centre or "?", times)
        return counts

    def put_back(self, counts: Mapping[tuple[str, str], int]) -> None:
        """Takes counts back that could not be booked."""
        self._counts.update(counts)
