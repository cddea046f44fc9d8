"""Health that means it: each part is broken for real, and is named, in words, and no other."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from attrs import evolve
from click.testing import CliRunner

from infra.host import LOCALHOST, free_port
from infra.ledger.alerts import WatchBook
from infra.ledger.sql import open_engine
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from infra.store import IDENTITY, TEMPORARY_FOLDER, open_store
from pipeline.cli import main
from pipeline.desk import open_desk
from pipeline.watching.guard import Guard
from pipeline.watching.health import health
from pipeline.watching.watch import INGEST, WATCH
from tests.catalogue import FROZEN
from tests.monitors import airflow_tables, scheduler_beating

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def alive() -> Iterator[str]:
    with scheduler_beating(NOW - timedelta(seconds=5)) as url:
        yield url


@pytest.fixture
def well(fresh: Settings, postgres: EmbeddedPostgres) -> Settings:
    """A desk on which the jobs have run, with a landing service to look at."""
    with open_desk(fresh):
        pass  # which is what gives it a store
    engine = open_engine(fresh.database_url)
    for job in (INGEST, WATCH):
        WatchBook(engine).beat(job, NOW - timedelta(minutes=4))
    engine.dispose()
    desk = postgres.desk_url(str(sa.make_url(fresh.database_url).database))
    return evolve(
        fresh, free_disk_bytes=1, airflow_database_url=airflow_tables(postgres), database_url=desk,
        database_owner_url=fresh.database_url,
    )  # fmt: skip


def wrong(settings: Settings, url: str, now: datetime = NOW) -> dict[str, str]:
    """What is wrong, by part."""
    return {one.name: one.wrong for one in health(settings, url, now) if one.wrong}


def test_a_desk_that_is_well_says_so_and_leaves_nothing_behind(well: Settings, alive: str) -> None:
    parts = health(well, alive, NOW)
    assert [part.name for part in parts] == [
        "ledger", "tables", "jobs", "progress", "seal", "role", "store", "disk", "catalogue", "scheduler", "airflow",
    ]  # fmt: skip
    assert {part.wrong for part in parts} == {""}
    assert [path for path in Path(well.store_location).rglob("*") if path.is_file()] == [
        Path(well.store_location) / IDENTITY
    ]


def test_ops_7_a_desk_that_owns_its_tables_says_so(well: Settings, alive: str) -> None:
    said = wrong(evolve(well, database_url=well.database_owner_url), alive)
    assert said == {"role": "the desk works as resultsday, who is a superuser"}


def test_ops_6_before_its_first_start_a_desk_has_no_store_and_health_makes_none(fresh: Settings, alive: str) -> None:
    said = wrong(evolve(fresh, free_disk_bytes=1), alive)
    assert said["store"] == "the ledger does not know its store yet: start the desk"
    assert not Path(fresh.store_location).exists()


def test_a_ledger_of_another_revision_is_named(well: Settings, alive: str) -> None:
    engine = sa.create_engine(well.owner_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    engine.dispose()
    [(part, said)] = wrong(well, alive).items()
    assert part == "tables"
    assert said.startswith("the tables have revision 0001, this program needs ")


def test_jobs_that_do_not_succeed_are_named(well: Settings, alive: str) -> None:
    assert wrong(well, alive, NOW + timedelta(minutes=11))["jobs"] == (
        "no run of ingest has succeeded for 15 minutes; no run of watch has succeeded for 15 minutes"
    )


def test_a_store_that_cannot_be_written_is_named(well: Settings, alive: str) -> None:
    # Where drafts would go there is a file: even root cannot write there.
    (Path(well.store_location) / TEMPORARY_FOLDER).rmdir()
    (Path(well.store_location) / TEMPORARY_FOLDER).write_bytes(b"")
    assert list(wrong(well, alive)) == ["store"]
    assert "cannot be written and read" in wrong(well, alive)["store"]


def test_a_bucket_that_is_not_there_is_named(well: Settings, alive: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{LOCALHOST}:{free_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "eu-west-2")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert wrong(evolve(well, store="s3://gone"), alive) == {
        "store": "the store cannot be written and read (StoreError)"
    }


def test_a_disk_with_little_room_and_a_catalogue_that_cannot_be_read_are_named(
    well: Settings, alive: str, tmp_path: Path
) -> None:
    (tmp_path / "catalogue").mkdir()
    said = wrong(evolve(well, free_disk_bytes=2**62, catalogue=tmp_path / "catalogue"), alive)
    state, store = well.state.absolute(), Path(well.store_location).absolute()
    assert said["disk"].endswith(f"MiB are free for the state folder at {state} and the store at {store}")
    assert said["catalogue"].startswith("the catalogue cannot be read: ")
    assert list(said) == ["disk", "catalogue"]


def test_a_scheduler_without_a_sign_of_life_and_no_airflow_at_all_are_named(well: Settings) -> None:
    with scheduler_beating(NOW - timedelta(seconds=90)) as url:
        assert wrong(well, url) == {"scheduler": "the scheduler has given no sign of life for a minute"}
    assert wrong(well, url) == {"scheduler": "Airflow does not report on its scheduler (ConnectError)"}
    assert wrong(well, "") == {"scheduler": "there is no Airflow: the desk is down"}


def test_a_landing_service_that_does_not_answer_is_named(well: Settings, alive: str) -> None:
    with socket.create_server((LOCALHOST, 0)) as listener:
        checked = evolve(well, sftp_check=f"{LOCALHOST}:{listener.getsockname()[1]}")

        def greet(said: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(said)

        for said, found in ((b"SSH-2.0-desk\r\n", {}), (b"220 mail", {"sftp": "something else answers"})):
            thread = threading.Thread(target=greet, args=(said,))
            thread.start()
            assert {part: problem[:22] for part, problem in wrong(checked, alive).items()} == found
            thread.join()
    assert wrong(checked, alive) == {"sftp": "the landing service does not answer (ConnectionRefusedError)"}


@pytest.mark.timeout(120)
def test_a_database_that_is_stopped_is_named(tmp_path: Path, alive: str) -> None:
    server = EmbeddedPostgres(tmp_path / "own", durable=False)
    server.start()
    try:
        server.create_database("ledger")
        own = Settings(catalogue=FROZEN, state=tmp_path, database_url=server.url("ledger"), free_disk_bytes=1)
        open_store(own.store_location)
        assert wrong(own, alive) == {"tables": f"the tables have revision none, this program needs {newest()}",
                                     "jobs": "the ledger cannot be used (ProgrammingError)",
                                     "progress": "the ledger cannot be used (ProgrammingError)",
                                     "airflow": "Airflow's tables cannot be read (OperationalError)"}  # fmt: skip
        _hangs(server, own, alive)
        server.stop()
        assert wrong(own, alive) == {"ledger": "the ledger cannot be used (OperationalError)"}
        result = CliRunner().invoke(main, ["health"], env=own.environment())
        assert result.exit_code == 1
        assert "ledger     the ledger cannot be used (OperationalError)" in result.output
        assert "store      ok" in result.output
    finally:
        server.remove()


def _hangs(server: EmbeddedPostgres, own: Settings, alive: str) -> None:
    """OPS-6: a server that is there and says nothing, as a disk that hangs makes it, holds up nobody who asks."""
    [pid] = [int((server.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])]
    os.kill(pid, signal.SIGSTOP)
    try:
        assert wrong(own, alive) == {"ledger": "the ledger cannot be used (OperationalError)"}
        look = Guard(evolve(own, database_url=f"{own.database_url}?connect_timeout=2"), alive).look(NOW)
        assert look.note == "The guard cannot look: the ledger cannot be used (OperationalError)."
    finally:
        os.kill(pid, signal.SIGCONT)


def newest() -> str:
    versions = Path(__file__).parents[3] / "infra" / "ledger" / "migrations" / "versions"
    return max(path.name for path in versions.glob("0*.py"))[:4]
