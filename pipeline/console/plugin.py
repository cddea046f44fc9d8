"""The console as Airflow sees it: an application in the API server, and an entry in its navigation.

Every component of Airflow imports plugins, and the scheduler forks its tasks, so nothing here may start threads. The
application, and Polars with it, is loaded at the first request, which only the API server receives.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin

from pipeline.console.door_keeper import Door

if TYPE_CHECKING:
    from fastapi import FastAPI, Request

    from pipeline.console.access import Person

PREFIX = "/resultsday"


class Console:
    """The application, loaded at the first request."""

    def __init__(self) -> None:
        self._app: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if self._app is None:
            self._app = _load()
        await self._app(scope, receive, send)


def _load() -> FastAPI:
    from infra.airflow_api import SERVICE
    from infra.ledger.approvals import reads_as_another
    from infra.settings import Settings
    from pipeline.console.access import named_rights, rights_of
    from pipeline.console.app import application
    from pipeline.console.door import role_of_user

    settings = Settings.load()
    own_roles = settings.own_roles()

    async def whoever(request: Request) -> Person:
        """Who sent the request, by Airflow's session; raises `HTTPException` when nobody has logged in."""
        from airflow.api_fastapi.core_api.security import bearer_scheme, get_user

        from pipeline.console.access import Person

        user = await get_user(request, None, await bearer_scheme(request))
        name = user.get_name()
        if name == SERVICE or reads_as_another(name):
            return Person(name, frozenset())  # every service holds its password: it decides about nothing
        # By the role, as at the door before the API: FAB knows no permission for the view of a plugin.
        return Person(name, frozenset(rights_of(role_of_user(user, own_roles)) | named_rights(settings, name)))

    def login(wanted: str) -> str:
        """The address at which to log in and come back."""
        from airflow.api_fastapi.app import get_auth_manager

        return str(get_auth_manager().get_url_login(next_url=wanted))

    secret = conf.get("core", "fernet_key", fallback="")
    return application(settings, lambda: datetime.now(UTC), whoever, login, secret)


class ConsolePlugin(AirflowPlugin):
    """Registers the console, and the door before the API, with Airflow."""

    _below = urlsplit(conf.get("api", "base_url", fallback="/")).path.rstrip("/") + PREFIX

    name = "resultsday_console"
    fastapi_root_middlewares = [  # noqa: RUF012
        {"middleware": Door, "args": [], "kwargs": {}, "name": "Resultsday door"}
    ]
    fastapi_apps = [{"name": "Resultsday", "app": Console(), "url_prefix": PREFIX}]  # noqa: RUF012 - as Airflow has it
    external_views = [  # noqa: RUF012
        {
            "name": "Resultsday",
            "href": f"{_below}/",
            "destination": "nav",
            "url_route": "resultsday",
            "icon": f"{_below}/static/mark.svg",
            "icon_dark_mode": f"{_below}/static/mark-dark.svg",
            "nav_top_level": True,
        }
    ]
