"""The bell: Airflow is told that something has landed, so that nobody waits for the next sweep.

It is only a bell. What counts is what lies in the inbox, which the ingest sweeps every five minutes: a ring that is
lost costs a few minutes, one too many finds nothing to do.
"""

from __future__ import annotations

import asyncio
import logging
import os

from infra.airflow_api import AirflowApi, AirflowError

log = logging.getLogger(__name__)

DAG = "ingest"


class Bell:
    """Starts the ingest once for landings that come close together, `delay` seconds after the first of them: before
    that a folder store would take the file for one that still grows."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._due = False
        self._ringing: asyncio.Task[None] | None = None

    def landed(self) -> None:
        """Something has landed. Without an Airflow that started this process nothing happens."""
        self._due = "AIRFLOW__CORE__EXECUTION_API_SERVER_URL" in os.environ
        if self._due and (self._ringing is None or self._ringing.done()):
            self._ringing = asyncio.create_task(self._ring())

    def stop(self) -> None:
        """No more ringing."""
        if self._ringing is not None:
            self._ringing.cancel()

    async def _ring(self) -> None:
        while self._due:
            await asyncio.sleep(self._delay)
            self._due = False
            try:
                log.info("rang run=%s", await asyncio.to_thread(_trigger))
            except (AirflowError, OSError, KeyError) as error:
                log.warning("the bell was not heard (%s); the sweep finds what has landed", type(error).__name__)


def _trigger() -> str:
    with AirflowApi.of_this_task() as api:
        return api.trigger(DAG)
