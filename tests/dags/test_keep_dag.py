"""The DAG of keeping in the real Airflow: the list, what is let go, and old rows of Airflow's own (OPS-9)."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import sqlalchemy as sa

from infra.airflow_api import AirflowApi
from infra.running.airflow_state import airflow_database
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from infra.store import FolderStore, open_store
from tests.patience import PATIENCE

OLD = datetime(2010, 1, 1, tzinfo=UTC)
"""Older than anything is kept."""


def test_ops_9_it_lets_go_of_what_is_old_in_the_store_on_the_machine_and_in_airflow(
    desk: RunningDesk, desk_settings: Settings
) -> None:
    store = open_store(desk_settings.store_location)
    assert isinstance(store, FolderStore)
    store.put("reports/previews/old.txt", b"")
    log = desk_settings.state / "logs" / "old.log"
    log.touch()
    for path in (store.root / "reports/previews/old.txt", log):
        os.utime(path, (OLD.timestamp(), OLD.timestamp()))
    engine = sa.create_engine(airflow_database(Settings.load(desk.environment)))
    count = sa.text("SELECT count(*) FROM log WHERE event = 'kept too long'")
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO log (dttm, event) VALUES (:at, 'kept too long')"), {"at": OLD})
    with AirflowApi(desk.ui_url, desk.username, desk.password) as api:
        api.wait_until_known("keep", PATIENCE)
        # A desk that has just come up makes last Sunday's run up by itself, perhaps before this one.
        runs = [api.trigger("keep"), *(run["dag_run_id"] for run in api.runs("keep"))]
        assert {api.wait("keep", run, PATIENCE) for run in runs} == {"success"}
        notes = [api.run("keep", run)["note"] for run in runs]
    assert [note for note in notes if "1 let go." in note and "reports               1" in note] != []
    # Of the folder, which stays, the store says only that it is empty.
    assert [stored.key for stored in store.list("reports/previews/") if stored.kind != "folder"] == []
    assert not log.exists()
    with engine.connect() as connection:
        assert connection.execute(count).scalar_one() == 0
    engine.dispose()
