"""`/resultsday-status/health` and `/resultsday-status/metrics` in Airflow's API server, for monitors: they need no
log-in, and show nothing that the desk stores.

Every component of Airflow imports plugins, and the scheduler forks its tasks, so nothing here may start threads. The
application, and Polars with it, is loaded at the first request, which only the API server receives.
"""

from __future__ import annotations

import os
import threading
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.plugins_manager import AirflowPlugin

if TYPE_CHECKING:
    from fastapi import FastAPI

PREFIX = "/resultsday-status"
SECONDS = 5.0
"""An answer is kept for this long, so that frequent requests do not burden the desk."""


class Status:
    """The application, loaded at the first request."""

    def __init__(self) -> None:
        self._app: FastAPI | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI."""
        if self._app is None:
            self._app = application()
        await self._app(scope, receive, send)


class Kept:
    """The answer to a slow question, kept for `SECONDS`; only one caller at a time computes it."""

    def __init__(self, ask: Any) -> None:
        self._ask, self._lock = ask, threading.Lock()
        self._said: Any = None
        self._until = 0.0

    def __call__(self) -> Any:
        with self._lock:
            if time.monotonic() >= self._until:
                self._said = self._ask()
                self._until = time.monotonic() + SECONDS
            return self._said


def application() -> FastAPI:
    """The two addresses."""
    from fastapi import FastAPI, Response

    from infra.settings import Settings
    from pipeline.desk import open_desk
    from pipeline.watching.health import health
    from pipeline.watching.metrics import exposition

    airflow_url = os.environ.get("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "").removesuffix("/execution/")

    def looked() -> tuple[int, str]:
        parts = health(Settings.load(), airflow_url, datetime.now(UTC))
        lines = [part.line() for part in parts]
        return (503 if any(part.wrong for part in parts) else 200), "\n".join([*lines, ""])

    def measured() -> tuple[int, bytes]:
        try:
            with open_desk(Settings.load()) as desk:
                return 200, exposition(desk, datetime.now(UTC))
        except Exception as error:  # whatever it is, tell the monitor that there are no figures
            return 503, f"nothing can be measured ({type(error).__name__}): see {PREFIX}/health\n".encode()

    health_kept, metrics_kept = Kept(looked), Kept(measured)
    app = FastAPI(title="Resultsday", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get("/health")
    def of_health() -> Response:
        code, said = health_kept()
        return Response(said, code, media_type="text/plain", headers={"Cache-Control": "no-store"})

    @app.get("/metrics")
    def of_metrics() -> Response:
        code, said = metrics_kept()
        return Response(said, code, media_type="text/plain; version=0.0.4", headers={"Cache-Control": "no-store"})

    return app


class StatusPlugin(AirflowPlugin):
    """Registers them with Airflow."""

    name = "resultsday_status"
    fastapi_apps = [{"name": "Resultsday status", "app": Status(), "url_prefix": PREFIX}]  # noqa: RUF012 - Airflow's way
