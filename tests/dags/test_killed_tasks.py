"""The ingest's task, killed in the middle of its work in the real Airflow, and retried by it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest
import sqlalchemy as sa
from attrs import evolve

from bench.registers import register
from infra.airflow_api import AirflowApi
from infra.ledger import tables as t
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.desk import Desk, open_desk
from tests.patience import PATIENCE, until
from tests.support import ENTERPRISE, ON_TIME, REGISTERED, centre_file, name_of

CENTRES = [f"{number}" for number in range(71_001, 71_021)]
ONE: Any = {"count": 1, "changed": {"uln": ""}}
"""One candidate, without a ULN: made-up ones are the same at every centre."""

T = TypeVar("T")


@pytest.fixture
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        client.wait_until_known("ingest", PATIENCE)
        yield client


@pytest.fixture
def open_(desk: RunningDesk, desk_settings: Settings) -> Iterator[Desk]:
    register(desk.database_url, CENTRES)
    with open_desk(evolve(desk_settings, database_url=desk.database_url)) as found:
        yield found


def land(store: Path) -> None:
    """Two files of each centre: registrations and entries."""
    drafts = store / ".tmp"
    drafts.mkdir(mode=0o700, exist_ok=True)
    for centre in CENTRES:
        for data, at in (
            (centre_file(("BEN22",), centre=centre, series="9B23", body="13", **ONE), REGISTERED),
            (centre_file(ENTERPRISE, centre=centre, **ONE), ON_TIME),
        ):
            path = store / "inbox" / centre / name_of(data)
            path.parent.mkdir(parents=True, exist_ok=True)
            # Settled is what is not growing: written elsewhere, and moved in whole.
            draft = drafts / path.name
            draft.write_bytes(data)
            os.utime(draft, (at.timestamp(),) * 2)
            draft.rename(path)


def waiting_process(connection: sa.Connection) -> psutil.Process | None:
    """The process whose statement waits for what `connection` has locked."""
    # Within a transaction the server would show what it has shown before.
    connection.execute(sa.text("select pg_stat_clear_snapshot()"))
    query = "select client_port from pg_stat_activity where pg_backend_pid() = any(pg_blocking_pids(pid))"
    port = connection.execute(sa.text(query)).scalar()
    owners = [one.pid for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == port]
    return psutil.Process(owners[0]) if port and owners and owners[0] else None


def test_fil_1_a_task_that_is_killed_while_it_books_is_retried_and_every_file_has_one_reply(
    api: AirflowApi, open_: Desk
) -> None:
    store = Path(open_.settings.store_location)
    with open_.ledger.engine.connect() as hand, hand.begin():
        # Replies cannot be written while this is held: the run archives, receives, decides, begins to book, and waits.
        hand.execute(sa.text("lock table replies in share mode"))
        land(store)
        triggered = api.trigger("ingest")
        task = until(lambda: waiting_process(hand))
        [killed] = [one["dag_run_id"] for one in api.runs("ingest") if one["state"] == "running"]
        os.kill(task.pid, signal.SIGKILL)
        until(lambda: api.task_instances("ingest", killed)[0]["state"] == "up_for_retry")
        undecided = sa.select(sa.func.count()).where(
            t.submissions.c.centre.in_(CENTRES), t.submissions.c.outcome.is_(None)
        )
        assert hand.execute(undecided).scalar_one() > 0
    assert {api.wait("ingest", run, PATIENCE) for run in (killed, triggered)} == {"success"}
    assert api.task_instances("ingest", killed)[0]["try_number"] >= 2

    for centre in CENTRES:
        replies = [path for path in (store / "outbox" / centre).glob("X*") if path.suffix != ".json"]
        assert len(replies) == 2
        assert [path.read_text(encoding="ascii").count("Outcome     ACCEPTED") for path in replies] == [1, 1]
    with open_.ledger.engine.connect() as connection:

        def count(table: sa.Table) -> int:
            query = sa.select(sa.func.count()).where(table.c.centre.in_(CENTRES))
            return int(connection.execute(query).scalar_one())

        assert count(t.submissions) == 2 * len(CENTRES)
        assert count(t.registrations) == len(CENTRES)
        assert count(t.entries) == len(CENTRES) * len(ENTERPRISE)
