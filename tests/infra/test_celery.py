"""The desk with CeleryExecutor: a real broker (Debian's redis-server), a real worker."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from bench.registers import register
from infra.airflow_api import FINAL_STATES, AirflowApi, AirflowError
from infra.host import LOCALHOST, claimed_port
from infra.running.postgres import EmbeddedPostgres
from infra.running.supervisor import RunningDesk, down, up
from infra.settings import Settings
from pipeline.desk import open_desk
from tests.catalogue import FROZEN
from tests.patience import PATIENCE, until
from tests.support import REGISTERED, centre_file, name_of

CENTRES = ("64123", "64124", "64125")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """The address of our own broker, which keeps nothing on disk."""
    server = shutil.which("redis-server")
    assert server, "redis-server is not installed: `make debian` installs it, as root"
    password = secrets.token_hex(16)
    configuration = tmp_path / "redis.conf"
    with claimed_port() as port:
        configuration.write_text(
            f'bind {LOCALHOST}\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {tmp_path}\n',
            encoding="ascii",
        )
        process = subprocess.Popen([server, str(configuration)], stdout=subprocess.DEVNULL)
        try:

            def listens() -> bool:
                assert process.poll() is None
                with suppress(OSError), socket.create_connection((LOCALHOST, port)):
                    return True
                return False

            until(listens)
            yield f"redis://:{password}@{LOCALHOST}:{port}/0"
        finally:
            process.terminate()
            process.wait(PATIENCE)


@pytest.fixture
def settings(tmp_path: Path, broker: str) -> Iterator[Settings]:
    """The settings of a desk that hands its tasks to the broker, and to whose ingests three files are a crowd."""
    settings = Settings(
        catalogue=FROZEN, state=tmp_path / "desk", broker=broker, settle_seconds=0, sftp_port=0, ui_port=0, shards=2,
        batch_files=2,
    )  # fmt: skip
    yield settings
    down(settings, print)
    EmbeddedPostgres(settings.state / "postgres").remove()


def land(settings: Settings, desk: RunningDesk) -> None:
    """A file of each centre, once the centres are in the register. No run takes in some of them only: it is our turn
    until the last is there."""

    def landed() -> bool:
        with (
            open_desk(evolve(settings, database_url=desk.database_url)) as open_,
            open_.ledger.exclusive("ingest") as turn,
        ):
            for centre in CENTRES if turn else ():
                data = centre_file(("BEN22",), centre=centre, series="9B23", body="13", count=1, changed={"uln": ""})
                path = Path(settings.store_location) / "inbox" / centre / name_of(data)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                os.utime(path, (REGISTERED.timestamp(),) * 2)
            return bool(turn)

    register(desk.database_url, CENTRES)
    until(landed)


def moderated(api: AirflowApi) -> bool:
    """Whether the first run of the daily moderation is over, which takes in what waits too (MOD-4)."""
    api.wait_until_known("moderation", PATIENCE)
    runs = api.runs("moderation")
    return bool(runs) and all(run["state"] in FINAL_STATES for run in runs)


def run_that_received(api: AirflowApi) -> dict[str, Any]:
    """The run of the ingest that took them in: the one we start, or one that the clock has started before it."""
    api.wait_until_known("ingest", PATIENCE)
    api.trigger("ingest")
    [run] = until(
        lambda: [
            run
            for run in api.runs("ingest")
            if run["state"] in FINAL_STATES and "Received 3 files" in (run["note"] or "")
        ],
        lambda: [(run["dag_run_id"], run["state"], run["note"]) for run in api.runs("ingest")],
    )
    return run


def log_of(api: AirflowApi, task: dict[str, Any]) -> str:
    """The log of a task's last try: on a busy machine it may be the second, and its log may come after its end."""

    def found() -> str:
        with suppress(AirflowError):
            return api.log(task["dag_id"], task["dag_run_id"], task["task_id"], task["try_number"])
        return ""

    return until(found, lambda: api.log(task["dag_id"], task["dag_run_id"], task["task_id"], task["try_number"]))


@pytest.mark.timeout(900)
def test_a_worker_of_celery_takes_in_what_waits(settings: Settings) -> None:
    store = Path(settings.store_location)
    desk = up(settings, print)
    with AirflowApi(desk.ui_url, desk.username, desk.password) as api:
        until(lambda: moderated(api))
        land(settings, desk)
        run = run_that_received(api)
        assert run["state"] == "success"
        tasks = api.task_instances("ingest", run["dag_run_id"])
        assert sorted(task["task_id"] for task in tasks) == ["begin", "decide", "decide", "finish"]
        assert {task["state"] for task in tasks} == {"success"}
        [last] = [task for task in tasks if task["task_id"] == "finish"]
        until(lambda: "Received 3 files" in log_of(api, last), lambda: log_of(api, last))
    for centre in CENTRES:
        [reply] = [path for path in (store / "outbox" / centre).glob("X*") if path.suffix != ".json"]
        assert "Outcome     ACCEPTED" in reply.read_text(encoding="ascii")
    worker = (settings.state / "logs" / "worker.log").read_text(encoding="utf-8")
    for task in tasks:
        assert task["id"] in worker
    assert "succeeded in" in worker
