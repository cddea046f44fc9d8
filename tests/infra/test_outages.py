"""A desk without its scheduler, and without PostgreSQL: what must stay open does, and results are out on time. The same
is measured, longer and for every part, by `make reliability PARTS=outages`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.outages import CENTRES_FILES, Ground, running, without_postgres, without_scheduler

AWAY_SECONDS = 15.0


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    with running() as made:
        yield made


def test_res_2_with_the_scheduler_dead_the_guard_publishes_what_is_approved(ground: Ground) -> None:
    released = without_scheduler(ground)
    assert (released.files, released.runs) == (CENTRES_FILES, 0)


def test_without_postgresql_centres_upload_and_the_console_answers(ground: Ground) -> None:
    outage = without_postgres(ground, AWAY_SECONDS)
    assert outage.uploads >= 3
    # Both were reached while it was away, not only before and after.
    assert outage.door < AWAY_SECONDS / 2
    assert outage.console < AWAY_SECONDS / 2
    assert outage.gone >= AWAY_SECONDS
