"""The ingest DAG in the real Airflow: scheduler, dag-processor, triggerer, API server, LocalExecutor."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve
from rich.console import Console

from infra.airflow_api import AirflowApi
from infra.ledger import tables as t
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.demo.demo import SAMPLES, run_through
from pipeline.desk import Desk, open_desk
from pipeline.register import title
from tests.patience import PATIENCE

KNOWN_DAGS = {path.stem for path in (Path(__file__).parents[2] / "dags").glob("[a-z]*.py")}


@pytest.fixture(scope="module")
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        for dag in sorted(KNOWN_DAGS):
            client.wait_until_known(dag, PATIENCE)
        yield client


def test_every_dag_imports_and_says_what_it_is(api: AirflowApi) -> None:
    dags = api.dags()
    assert {dag["dag_id"] for dag in dags} == KNOWN_DAGS
    for dag in dags:
        details = api.dag(dag["dag_id"])
        assert not details["has_import_errors"]
        assert not details["is_paused"]
        assert details["owners"] == ["edi-desk"]
        assert "### " in details["doc_md"]
        assert details["tags"]
        assert details["max_active_runs"] == 1
        assert details["catchup"] is False
        assert details["default_args"]["retries"] >= 1
        # One runs on request only.
        assert dag["timetable_summary"] or dag["dag_id"] == "updated_results"
    assert {dag["timetable_summary"] for dag in dags if dag["dag_id"] == "ingest"} == {"*/5 * * * *"}


def booked(desk: Desk) -> list[int]:
    """Rows of what a second demo must not add to."""
    tables = (t.registrations, t.entries, t.marks, t.fee_lines, t.cohorts, t.awardings, t.release_files, t.actions)
    with desk.ledger.engine.connect() as connection:
        return [connection.execute(sa.select(sa.func.count()).select_from(one)).scalar_one() for one in tables]


@pytest.mark.timeout(1500)
def test_the_demo_on_the_running_desk_twice(api: AirflowApi, desk: RunningDesk, desk_settings: Settings) -> None:
    """The whole season; then the samples once more."""
    settings = evolve(desk_settings, database_url=desk.database_url)
    console = Console(record=True, width=160)
    run_through(settings, desk, console, lambda: datetime.now(UTC))
    text = console.export_text()
    golden = sorted((path.parent.name, path.name) for path in (SAMPLES / "replies").rglob("X*"))
    with open_desk(settings) as open_:
        replies = [one for one in open_.store.list("outbox/64123/X") if one.kind == "file"]
        assert len(replies) == 8
        for centre, name in golden:
            # The season's register gives the centre another name than the samples'.
            sample = (SAMPLES / "replies" / centre / name).read_bytes().decode("ascii")
            expected = sample.replace(f"centre {centre} School {centre}", f"centre {title(open_, centre)}")
            assert open_.store.get(f"outbox/{centre}/{name}").decode("ascii") == expected
        before = booked(open_)
        files = sa.select(t.submissions.c.id).where(t.submissions.c.file_name == "E6412313.X01")
        with open_.ledger.engine.connect() as connection:
            a_sample = connection.execute(files).scalars().all()[-1]
    assert text.count("accepted") >= 8
    assert "1 quarantined, " in text  # in the season; of the samples none
    assert "UPDATED RESULTS" in text
    assert "fetched from outbox/: X58201" in text  # by SFTP, after the service had rung the bell
    run_through(settings, desk, console, lambda: datetime.now(UTC))
    assert console.export_text().count("already processed") >= 8
    with open_desk(settings) as open_:
        assert booked(open_) == before

    runs = [run for run in api.runs("ingest") if run["state"] != "running"]
    assert {run["state"] for run in runs} == {"success"}
    notes = [run["note"] for run in runs if (run["note"] or "").startswith("Received")]
    assert any("partly accepted" in note for note in notes)
    everything = json.dumps(runs) + "".join(
        api.log("ingest", run["dag_run_id"], one["task_id"], one["try_number"])
        for run in runs
        for one in api.task_instances("ingest", run["dag_run_id"])
    )
    assert f"submission {a_sample}: centre 64123" in everything
    for name in ("OKAFOR", "FEATHERSTONEHAUGH", "SOUZA"):
        assert name not in everything
