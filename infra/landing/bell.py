"""The bell: Airflow is told that something has landed, so that nobody waits for the next sweep.

It is only a bell. What counts is what is in the inbox, which the ingest sweeps every five minutes: a lost ring costs a
few minutes, and a ring too many finds nothing to do.
"""

from __future__ import annotations

import asyncio
import logging
import os

from infra.airflow_api import AirflowApi, AirflowError

log = logging.getLogger(__name__)

DAG = "ingest"
GATHER_SECONDS = 0.2
"""A file that has landed is whole, so nothing else is waited for."""
PAUSE_SECONDS = 3.0
"""About as long as a run takes: a ring during it would only make a queue."""


class Bell:
    """Starts the ingest once for files that land close together: `gather` seconds after the first of them, and again
    `pause` seconds later at the earliest, for those that have landed since."""

    def __init__(self, gather: float = GATHER_SECONDS, pause: float = PAUSE_SECONDS) -> None:
        self._gather, self._pause = gather, pause
        self._due = False
        self._ringing: asyncio.Task[None] | None = None

    def landed(self) -> None:
        """Called when something has landed. Does nothing unless Airflow started this process."""
        self._due = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in os.environ
        if self._due and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring())

    def stop(self) -> None:
        """Stops ringing."""
        if self._ringing is not None:
            self._ringing.cancel()

    async def _ring(self) -> None:
        wait = self._gather
        while self._due:
            await asyncio.sleep(wait)
            self._due, wait = False, self._pause
            try:
                log.info("rang run=%s", await asyncio.to_thread(_trigger))
            except (AirflowError, OSError, KeyError) as error:
                log.warning(
                    "Airflow did not hear the bell (%s); the next sweep will find what has landed", type(error).__name__
                )
            if not self._due:
                # A file that lands in the pause must ring too, but not at once.
                await asyncio.sleep(self._pause)
                wait = 0.0


def _trigger() -> str:
    with AirflowApi.of_this_task() as api:
        return api.trigger(DAG)
