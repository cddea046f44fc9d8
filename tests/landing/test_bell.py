"""The bell: files that land close together start one run, and none is left without a ring."""

from __future__ import annotations

import asyncio

import pytest

from infra.landing import bell


def test_files_that_land_close_together_ring_once_and_a_later_one_rings_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTION_API_SERVER_URL", "http://localhost")
    rings: list[float] = []

    async def lands() -> None:
        loop = asyncio.get_running_loop()
        rung = asyncio.Semaphore(0)

        def trigger() -> str:
            rings.append(loop.time())
            loop.call_soon_threadsafe(rung.release)
            return "a run"

        monkeypatch.setattr(bell, "_trigger", trigger)
        ours = bell.Bell(gather=0.01, pause=0.05)
        for _ in range(100):
            ours.landed()
        await asyncio.wait_for(rung.acquire(), 30)
        assert len(rings) == 1
        ours.landed()  # during the run, or the pause behind it
        await asyncio.wait_for(rung.acquire(), 30)
        ours.stop()

    asyncio.run(lands())
    assert len(rings) == 2
    assert rings[1] - rings[0] >= 0.04
