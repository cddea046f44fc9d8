"""A brake on wrong passwords: after a few of them, the next try has to wait, and longer each time. All processes of the
API server count together, in the ledger; while it cannot be reached each counts for itself."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from attrs import define, field
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request

from infra.ledger import sql
from infra.ledger.passwords import LONGEST, PasswordBook, pause
from pipeline.console.door import body_of

log = logging.getLogger(__name__)

MOST = 10_000
"""Names and addresses that a process remembers."""
PAGE = "/auth/login"
"""The log-in page of FAB, which sends a form."""
FORM = "application/x-www-form-urlencoded"


class Counts(Protocol):
    """Wrong passwords by what they are counted for: a user's name at an address. Instants are aware."""

    def tried(self, whose: str, at: datetime) -> float:
        """Counts a try as wrong before it is made, and returns 0; where it has to wait, nothing is counted, and the
        seconds are returned."""

    def taken_back(self, whose: str) -> None:
        """The try told nothing of the password: it does not count."""

    def right(self, whose: str) -> None:
        """The password was right: the wrong ones are forgotten."""


@define
class OfThisProcess:
    """Counts that a process has for itself."""

    _wrong: dict[str, tuple[int, datetime]] = field(factory=dict)

    def tried(self, whose: str, at: datetime) -> float:
        """`Counts.tried`."""
        count, last = self._wrong.get(whose, (0, at))
        if (waits := (last - at).total_seconds() + pause(count)) > 0:
            return waits
        self._wrong.pop(whose, None)
        self._wrong[whose] = (1 if at - last > timedelta(seconds=LONGEST) else count + 1, at)
        if len(self._wrong) > MOST:
            del self._wrong[next(iter(self._wrong))]
        return 0.0

    def taken_back(self, whose: str) -> None:
        """`Counts.taken_back`."""
        count, last = self._wrong.get(whose, (0, None))
        if count and last:
            self._wrong[whose] = (count - 1, last)

    def right(self, whose: str) -> None:
        """`Counts.right`."""
        self._wrong.pop(whose, None)


@define
class Brake:
    """The counts of all processes, in the ledger at `database_url`; without it, this process's own."""

    database_url: str
    _own: OfThisProcess = field(factory=OfThisProcess)
    _book: PasswordBook | None = None

    async def tried(self, whose: str, at: datetime) -> float:
        """`Counts.tried`."""
        return await asyncio.to_thread(self._tried, whose, at)

    async def answered(self, whose: str, wrong: bool | None) -> None:
        """What a try has come to; None: nothing that tells of the password."""
        if wrong is not True:
            await asyncio.to_thread(self._answered, whose, wrong)

    def _tried(self, whose: str, at: datetime) -> float:
        try:
            return self._shared().tried(whose, at)
        except SQLAlchemyError as error:
            log.error("wrong passwords: the ledger cannot be reached (%s)", type(error).__name__)
            return self._own.tried(whose, at)

    def _answered(self, whose: str, wrong: bool | None) -> None:
        def tell(counts: Counts) -> None:
            (counts.taken_back if wrong is None else counts.right)(whose)

        tell(self._own)
        try:
            tell(self._shared())
        except SQLAlchemyError as error:
            log.error("wrong passwords: the ledger cannot be reached (%s)", type(error).__name__)

    def _shared(self) -> PasswordBook:
        # At the first log-in, and so in the process that serves it: no connection is shared by a fork.
        if self._book is None:
            self._book = PasswordBook(sql.open_engine(self.database_url, pool_size=2, pool_pre_ping=True))
        return self._book


def was_wrong(path: str, status: int, location: str) -> bool | None:
    """Whether Airflow's answer to a log-in says that the password was wrong; None when it tells nothing of it. Whoever
    sends the page's form is sent on: back to the page when the password was wrong, elsewhere also when they were in
    already, with whatever password."""
    if status in (401, 403):
        return True
    if path == PAGE:
        return True if 300 <= status < 400 and urlsplit(location).path.rstrip("/").endswith(PAGE) else None
    return False if status < 400 else None


def address(scope: MutableMapping[str, Any], *, behind_proxy: bool) -> str:
    """Where a log-in comes from: the address that the proxy in front of us has added, where there is one."""
    told = Request(scope).headers.getlist("x-forwarded-for") if behind_proxy else []
    client: str = (scope.get("client") or ("",))[0]
    return (told[-1].rpartition(",")[2].strip() if told else "") or client


async def named(scope: MutableMapping[str, Any], data: bytes) -> str:
    """The name in a log-in, which Airflow must take for the same: by what the request says it is, a form is read as
    Airflow reads it (of several names the last counts, on FAB's page the first), and anything else as JSON."""

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "http.request", "body": data, "more_body": False}

    request = Request(scope, receive)
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        said: Any = (body_of(data) or {}).get("username", "")
    elif str(scope.get("path", "")).rstrip("/").endswith(PAGE):
        said = _first(parse_qsl(data.decode(errors="replace"), keep_blank_values=True))
    else:
        said = (await request.form()).get("username", "")
    return str(said)[:200].casefold()


def _first(said: Sequence[tuple[str, str]]) -> str:
    return next((value for name, value in said if name == "username"), "")
