"""The door before Airflow's API: refuses what `pipeline/console/door.py` does not allow, slows down who guesses
passwords, and shows the description of the API to those who have logged in.

The console's plugin registers it. Every component of Airflow imports plugins, so nothing here may start threads; it is
called only in the API server.
"""

from __future__ import annotations

import json
import math
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from starlette.datastructures import Headers

from infra.settings import Settings
from pipeline.console.brake import PAGE, Brake, address, named, was_wrong
from pipeline.console.door import Asked, below_api, body_of, refusal, role_of_user

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
DESCRIBED = ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect")
LOG_IN = ("/auth/token", "/auth/token/cli", PAGE)
MOST_BYTES = 1024 * 1024
_BEHIND_PROXY = conf.getboolean("fab", "enable_proxy_fix", fallback=False)
_BELOW = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/")


class Door:
    """ASGI middleware."""

    def __init__(self, app: Any) -> None:
        self._app = app
        settings = Settings.load()
        self._brake = Brake(settings.database_url)
        self._own_roles = settings.own_roles()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or answers it."""
        path = str(scope.get("path", "")).removeprefix(_BELOW)
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif path.rstrip("/") in LOG_IN and scope["method"] == "POST":
            await self._log_in(scope, receive, send)
        elif path.rstrip("/") in DESCRIBED and await _user(scope, self._own_roles) is None:
            await _answer(send, 401, "Log in first.")
        elif (below := below_api(path)) is not None:
            await self._asked(below, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _asked(self, below: str, scope: Scope, receive: Receive, send: Send) -> None:
        reads = scope["method"] in ("GET", "HEAD", "OPTIONS")
        data = b"" if reads else await _body(receive)
        user = await _user(scope, self._own_roles)
        said = {} if reads else body_of(data or b"") if data is not None else None
        if user is None:
            why = ""  # Airflow says itself who has not logged in
        elif said is None:
            why = "the request is too long, or is no JSON object"
        else:
            who, role = user
            why = refusal(Asked(scope["method"], below, said, who, role), datetime.now(UTC))
        if why:
            await _answer(send, 403, f"Not done: {why}.")
        else:
            await self._app(scope, receive if reads else _again(data or b"", receive), send)

    async def _log_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        data = await _body(receive)
        if data is None:
            await _answer(send, 413, "That is too long for a log-in.")
            return
        whose = f"{address(scope, behind_proxy=_BEHIND_PROXY)} {await named(scope, data)}"
        if waits := await self._brake.tried(whose, datetime.now(UTC)):
            await _answer(send, 429, f"Too many wrong passwords: try again in {math.ceil(waits)} s.")
            return
        path = str(scope["path"]).removeprefix(_BELOW).rstrip("/")

        async def heard(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                sent_to = Headers(raw=list(message.get("headers", ()))).get("location", "")
                await self._brake.answered(whose, was_wrong(path, message["status"], sent_to))
            await send(message)

        await self._app(scope, _again(data, receive), heard)


async def _body(receive: Receive) -> bytes | None:
    """What a request says, whole; None when it is too long."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MOST_BYTES:
            return None
        if not message.get("more_body"):
            return b"".join(parts)


def _again(data: bytes, receive: Receive) -> Receive:
    """What was read, once more, for whoever is next."""
    told = False

    async def once() -> MutableMapping[str, Any]:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": data, "more_body": False}

    return once


async def _user(scope: Scope, own_roles: Mapping[str, str]) -> tuple[str, str] | None:
    """Name and role of who sends a request, by Airflow's session; None when nobody has logged in."""
    from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
    from fastapi import HTTPException, Request

    request = Request(scope)
    try:
        user: Any = await get_user(request, None, await bearer_scheme(request))
    except HTTPException:
        return None
    return user.get_name(), role_of_user(user, own_roles)


async def _answer(send: Send, status: int, words: str) -> None:
    body = json.dumps({"detail": words}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
