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


class Bell:
    """Starts the ingest once for files that land close together, `delay` seconds after the first of them: before that a
    folder store would think the file is still growing."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
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
        while self._due:
            await asyncio.sleep(self._delay)
            self._due = False
            try:
                log.info("rang run=%s", await asyncio.to_thread(_trigger))
            except (AirflowError, OSError, KeyError) as error:
                log.warning(
                    "Airflow did not hear the bell (%s); the next sweep will find what has landed", type(error).__name__
                )


def _trigger() -> str:
    with AirflowApi.of_this_task() as api:
        return api.trigger(DAG)
