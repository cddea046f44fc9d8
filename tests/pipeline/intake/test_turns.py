"""A run that does not get its turn says who has it and how many files wait, and beats no heart (OPS-6)."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from infra.settings import Settings
from pipeline.awarding.award import take_boundaries
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import ingest
from pipeline.marking.external import take_external
from pipeline.marking.moderation import review
from pipeline.watching.watch import INGEST, INGEST_MINUTES, WATCH, watch
from tests.pipeline.results_season import series
from tests.support import CENTRE, ON_TIME

OURS = f"another run has the turn, resultsday process {os.getpid()} on "
MINUTE = timedelta(minutes=1)


def test_ops_6_an_ingest_without_its_turn_says_who_has_it_and_what_waits(work: Desk, fresh: Settings) -> None:
    with open_desk(fresh) as other, other.ledger.exclusive("ingest") as turn:
        assert turn
        done = ingest(work, ON_TIME)
        assert done.note().startswith(f"NOTHING DONE: {OURS}")
        assert done.note().endswith("; 0 files wait.")
        for name in ("E6412315.X01", "E6412315.X02.part"):
            work.store.put(f"inbox/{CENTRE}/{name}", b"?")
        done = ingest(work, ON_TIME)
        assert " from 127.0.0.1, connected since 20" in done.note()
        assert done.note().endswith("; 2 files wait.")
    assert not ingest(work, datetime.now(UTC) + MINUTE).kept_out


def test_ops_6_so_do_the_jobs_that_take_feeds(work: Desk, fresh: Settings) -> None:
    work.store.put("feeds/external-marks/1.csv", b"?")
    work.store.put("feeds/boundaries/1.csv", b"?")
    now = datetime.now(UTC) + MINUTE
    with open_desk(fresh) as other:
        for job, take in (("marks", take_external), ("boundaries", take_boundaries)):
            with other.ledger.exclusive(job):
                note = take(work, now).note()
            assert note.startswith(f"NOTHING DONE: {OURS}"), job
            assert note.endswith("; 1 file waits."), job
        with other.ledger.exclusive("moderation"):
            assert review(work, now).note().startswith(f"NOTHING DONE: {OURS}")
    assert series(work)


def test_ops_6_a_connection_whose_machine_is_gone_keeps_no_lock_for_hours(work: Desk) -> None:
    with work.ledger.engine.connect() as connection:
        shown = {
            name: connection.execute(sa.text(f"SHOW {name}")).scalar()
            for name in (
                "tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count",
                "client_connection_check_interval",
            )
        }  # fmt: skip
    assert list(shown.values()) == ["10", "5", "3", "5s"]


@pytest.mark.parametrize("place", ["inbox/64123/E6412315.X01", "feeds/staff/64123/1.csv"])
def test_ops_6_the_age_of_the_oldest_waiting_file_alone_raises_the_alert(work: Desk, place: str) -> None:
    arrived = datetime.now(UTC)
    work.store.put(place, b"?")
    # A sender can choose the time of a file; when it arrived it cannot.
    os.utime(Path(work.settings.store_location) / place, (0, 0))

    def told(minutes: float) -> list[str]:
        now = arrived + minutes * MINUTE
        for job in (INGEST, WATCH):  # every run says that it has succeeded
            work.watch.beat(job, now - MINUTE)
        return [found.happened for found in watch(work, now).wrong if found.code == "FILES_WAITING"]

    assert told(1) == []
    assert told(INGEST_MINUTES / MINUTE - 1) == []
    assert told(INGEST_MINUTES / MINUTE + 1) == ["Files wait to be taken in: 1, the oldest for 15 minutes."]
    work.store.put(f"{place}.part", b"?")  # an upload that is not finished does not count
    assert told(INGEST_MINUTES / MINUTE + 2)[0].startswith("Files wait to be taken in: 1,")
