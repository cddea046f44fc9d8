"""The services of the compose file as processes on loopback.

What a container has by its image, its volumes and its network, a process is given by putting folders and ports of
this machine in place of those that the files name. Everything carries a mark, by which all of it is found and ended.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from attrs import define, field, frozen

from infra.host import LOCALHOST, claimed_port, ends_with_parent, tail
from infra.running.postgres import EmbeddedPostgres
from tests.rehearsal import documents

MARK = "RESULTSDAY_REHEARSAL"
USER = "resultsday"
PORTS = ("api-server", "broker", "sftp", "scheduler")
PLACES = ("/run/secrets", "/var/lib/airflow", "/var/lib/resultsday", "/opt/resultsday", "/opt/venv", "/data")
SECONDS = 240.0
MOST_ENDS = 5


class NotAsDocumentedError(AssertionError):
    """Something does not work as it is documented; the message says what, and ends with the end of a log."""


@define
class Process:
    """A service that runs, or one of several copies of it."""

    name: str
    service: str
    environment: Mapping[str, str] = field(repr=False)
    log: Path
    running: subprocess.Popen[bytes] | None = None
    ended: int = 0

    def send(self, signum: signal.Signals) -> None:
        """Sends a signal to the process and all that it has started."""
        assert self.running
        whole = psutil.Process(self.running.pid)
        for process in (whole, *whole.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signum)


@frozen
class Place:
    """Where a process finds what its container would have: folders and ports by the names in the files."""

    folders: Mapping[str, str]
    ports: Mapping[str, int]

    def of(self, text: str) -> str:
        """The text with the folders and addresses of this machine."""
        for there, here in self.folders.items():
            text = re.sub(rf"{re.escape(there)}(?![\w-])", here, text)
        text = text.replace("api-server:8080", f"{LOCALHOST}:{self.ports['api-server']}")
        text = text.replace("broker:6379", f"{LOCALHOST}:{self.ports['broker']}")
        text = text.replace("sftp:2222", f"{LOCALHOST}:{self.ports['sftp']}")
        text = text.replace(f"{LOCALHOST}:8974", f"{LOCALHOST}:{self.ports['scheduler']}")
        text = text.replace(f"'{LOCALHOST}', 2222", f"'{LOCALHOST}', {self.ports['sftp']}")
        # Debian's broker is the same program by another name.
        text = text.replace("valkey-server", "redis-server").replace(
            "valkey-cli", f"redis-cli -p {self.ports['broker']}"
        )
        alone = {"0.0.0.0": LOCALHOST, "8080": str(self.ports["api-server"]), "2222": str(self.ports["sftp"])}
        return alone.get(text, text)


def production_environment(folder: Path) -> Path:
    """The image's installation steps in a plain virtual environment, which is kept for the next time: the locked
    packages by their hashes, then our own wheel, which is made anew."""
    uv, lock = Path(sys.executable).parent / "uv", documents.DEPLOY / "requirements.lock"
    place = folder / f"production-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    python = place / "bin" / "python"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        _run(str(uv), "venv", "--quiet", "--python", sys.executable, str(place))
        _run(
            str(uv),
            "pip",
            "sync",
            "--quiet",
            "--compile-bytecode",
            "--require-hashes",
            "--python",
            str(python),
            str(lock),
        )
        (place / "ready").touch()
    _run(
        str(uv), "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--reinstall-package", "resultsday",
        "--compile-bytecode", "--offline", "--python", str(python), str(documents.ROOT),
    )  # fmt: skip
    return place


def _run(*words: str, **more: Any) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=300, **more)
    if done.returncode:
        raise NotAsDocumentedError(
            f"{shlex.join(words)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return str(done.stdout)


class Topology:
    """Every service of the compose file. `folder` is emptied; `given`: what whoever deploys writes into `.env`, beside
    what is only known here; `desk_env`: further settings. A context manager: whatever happens, all of it is ended."""

    def __init__(self, folder: Path, production: Path, given: Mapping[str, str], desk_env: Mapping[str, str]) -> None:
        self.folder, self.production = folder, production
        self._given, self._desk_env = given, desk_env
        self._stack = ExitStack()
        self.processes: dict[str, Process] = {}
        self.services: dict[str, Any] = {}
        self.ports: dict[str, int] = {}
        self.secrets: dict[str, str] = {}
        self.postgres = EmbeddedPostgres(folder / "postgres")

    def __enter__(self) -> Topology:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "logs").mkdir(parents=True)
        self._stack.callback(self._end)
        self.ports = {name: self._stack.enter_context(claimed_port()) for name in PORTS}
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # --- Made --------------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """What whoever deploys makes: `.env`, `desk.env`, the secrets; and PostgreSQL, which is theirs too."""
        deploy = self.folder / "deploy"
        shutil.copytree(documents.DEPLOY, deploy, ignore=shutil.ignore_patterns("terraform", "__pycache__"))
        self._start_postgres()
        self._make_secrets()
        given = {name: self._given.get(name, "") for name in documents.asked_for()}
        unknown = self._given.keys() - given.keys()
        if unknown:
            raise NotAsDocumentedError(f".env.example does not ask for {sorted(unknown)}")
        given |= {
            "RESULTSDAY_SECRETS": str(self.folder / "secrets"),
            "AIRFLOW__API__BASE_URL": f"http://{LOCALHOST}:{self.ports['api-server']}/",
        }
        _write_lines(deploy / ".env", given)
        _write_lines(deploy / "desk.env", self._desk_env)
        self.services = documents.composed(deploy, ["bell"])
        opt = self.folder / "opt"
        opt.mkdir()
        shutil.copytree(documents.ROOT / "dags", opt / "dags", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("airflow.cfg", "airflow_local_settings.py"):
            shutil.copy(documents.DEPLOY / name, opt / name)

    def _start_postgres(self) -> None:
        """The database that the compose file describes: its user, its database, its options."""
        server = self.postgres
        server.start()
        server.create_database(USER)
        text = (documents.DEPLOY / "compose.yaml").read_text(encoding="utf-8")
        [line] = re.findall(r"command: \[postgres, (.*)\]", text)
        self.sql(
            *(f"ALTER SYSTEM SET {option.replace('=', ' = ')}" for option in re.findall(r"-c, (\S+=\S+?)(?:,|$)", line))
        )
        server.stop()
        server.keep_port()
        server.start()

    def sql(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """What PostgreSQL answers to the last statement."""
        connection = psycopg2.connect(self.postgres.url(database).replace("+psycopg2", ""), connect_timeout=5)
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _make_secrets(self) -> None:
        """The files of the table in production.md: what is given in code is run, or has this machine's passwords and
        addresses put in."""
        [of_postgres] = re.findall(r"//[^:]+:([^@]+)@", self.postgres.url(USER))
        of_broker, of_desk = os.urandom(12).hex(), os.urandom(12).hex()
        for secret in documents.secrets():
            given = secret.given
            if given.startswith(("python ", "openssl ")):
                words = shlex.split(given)
                words[0] = str(self.production / "bin" / "python") if words[0] == "python" else words[0]
                given = _run(*words).strip()
            elif "postgresql" in given:
                # The server's own user, whatever the page calls it; but the desk has a role with a password of its own.
                given = given.replace("desk:password", f"desk:{of_desk}")
                given = re.sub(r"\w+:password", f"{USER}:{of_postgres}", given)
                given = given.replace("@host:5432", f"@{LOCALHOST}:{self.postgres.port}")
            elif secret.name == "postgres_password":
                given = of_postgres
            elif secret.name.startswith("aws_"):
                given = f"[default]\naws_access_key_id = {secret.name}\naws_secret_access_key = testing"
            else:
                given = given.replace("password", of_broker).replace(
                    "broker:6379", f"{LOCALHOST}:{self.ports['broker']}"
                )
            self.secrets[secret.name] = given
        (self.folder / "secrets").mkdir(mode=0o700)
        for name, text in self.secrets.items():
            (self.folder / "secrets" / name).write_text(f"{text}\n" if text else "", encoding="utf-8")

    # --- Started and ended -------------------------------------------------------------------------------------------

    def start(self, service: str) -> None:
        """Starts a service, as many times as the compose file says."""
        for number in range(1, self.services[service].get("scale", 1) + 1):
            name = f"{service}-{number}"
            log = self.folder / "logs" / f"{name}.log"
            process = self.processes[name] = Process(name, service, self._environment(service, name), log)
            self.launch(process)

    def launch(self, process: Process) -> None:
        """Starts a process, or starts it again."""
        words = [
            self._place(process.service, process.name).of(word) for word in self.services[process.service]["command"]
        ]
        if process.service == "broker":
            words += ["--port", str(self.ports["broker"]), "--bind", LOCALHOST]
        if words[:3] == ["airflow", "celery", "worker"]:
            words += ["--celery-hostname", process.environment["HOSTNAME"]]
        with process.log.open("ab") as output:
            process.running = subprocess.Popen(
                [self._program(words[0], process.environment), *words[1:]], env=dict(process.environment),
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGTERM),
            )  # fmt: skip

    def finish(self, service: str) -> None:
        """Runs a service that ends by itself."""
        self.start(service)
        [process] = [process for process in self.processes.values() if process.service == service]
        assert process.running
        if process.running.wait(SECONDS):
            raise NotAsDocumentedError(f"{service} ended with {process.running.returncode}:\n{tail(process.log)}")
        del self.processes[process.name]

    def execute(self, command: documents.Command, standard_input: str = "") -> str:
        """What a documented command prints, run inside its service."""
        name = f"{command.service}-1"
        place = self._place(command.service, name)
        environment = self._environment(command.service, name)
        words = [place.of(word) for word in command.words]
        return _run(
            self._program(words[0], environment), *words[1:], env=environment, input=standard_input, cwd=self.folder,
            start_new_session=True,
        )  # fmt: skip

    def ailing(self, service: str) -> str:
        """What is wrong with a service by its own health check; empty when nothing is."""
        check = self.services[service].get("healthcheck", {})
        if check.get("disable") or not check:
            return ""
        kind, *words = check["test"]
        command = documents.Command(service, ("sh", "-c", *words) if kind == "CMD-SHELL" else tuple(words))
        try:
            self.execute(evolved(command))
        except NotAsDocumentedError as error:
            return str(error)
        return ""

    def wait(self, what: str, look: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """What `look` finds once it is true, as long as every process is up."""
        end = time.monotonic() + seconds
        while not (found := look()):
            self.look_after()
            if time.monotonic() > end:
                raise NotAsDocumentedError(f"{what}: not after {seconds:.0f} s")
            time.sleep(0.5)
        return found

    def look_after(self) -> None:
        """Starts again what has ended, as the compose file has it; raises `NotAsDocumentedError` when it ends again and
        again."""
        for process in self.processes.values():
            if process.running and process.running.poll() is not None:
                process.ended += 1
                if process.ended > MOST_ENDS or self.services[process.service].get("restart") != "unless-stopped":
                    raise NotAsDocumentedError(
                        f"{process.name} ended with {process.running.returncode}:\n{tail(process.log)}"
                    )
                self.launch(process)

    def _end(self) -> None:
        for process in self.processes.values():
            if process.running and process.running.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.running.pid, signal.SIGCONT)
                    os.killpg(process.running.pid, signal.SIGTERM)
        end = time.monotonic() + 8
        while time.monotonic() < end and any(p.running and p.running.poll() is None for p in self.processes.values()):
            time.sleep(0.1)
        for left in self.left():
            with suppress(psutil.NoSuchProcess):
                left.kill()
        for process in self.processes.values():
            if process.running:
                process.running.kill()
                process.running.wait(10)
        self.postgres.stop()
        self.postgres.remove()

    def left(self) -> list[psutil.Process]:
        """Every process of ours that still runs."""
        return [process for process in psutil.process_iter() if _marked(process) == str(self.folder)]

    # --- What a process is given -------------------------------------------------------------------------------------

    def _place(self, service: str, name: str) -> Place:
        home = self.folder / "homes" / name
        here = (
            self.folder / "mounted" / service, home / "airflow", home / "state", self.folder / "opt", self.production,
            self.folder / "homes" / "data",
        )  # fmt: skip
        return Place(dict(zip(PLACES, map(str, here), strict=True)), self.ports)

    def _environment(self, service: str, name: str) -> dict[str, str]:
        """What the image, the compose file and loopback give."""
        place = self._place(service, name)
        for folder in place.folders.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        for secret in self.services[service].get("secrets", ()):
            target = Path(place.folders["/run/secrets"]) / Path(secret["target"]).name
            if not target.exists():
                shutil.copy(self.folder / "secrets" / secret["source"], target)
        given = {**documents.image_environment(), **(self.services[service].get("environment") or {})}
        return {
            **{key: place.of(str(value)) for key, value in given.items()},
            "PATH": f"{self.production / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "HOME": place.folders["/var/lib/airflow"],
            # Titles of processes must not overwrite the environment, by which they are found.
            "HOSTNAME": name, MARK: str(self.folder), "SPT_NOENV": "1",
            # Containers have ports of their own.
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(self.ports["scheduler"]),
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "0",
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": "0",
            **({"SSL_CERT_FILE": trusted} if (trusted := os.environ.get("SSL_CERT_FILE")) else {}),
        }  # fmt: skip

    def _program(self, name: str, environment: Mapping[str, str]) -> str:
        found = shutil.which(name, path=environment["PATH"])
        if not found:
            raise NotAsDocumentedError(f"there is no program {name}")
        return found


def evolved(command: documents.Command) -> documents.Command:
    """A health check as the shell of its container reads it: Compose writes `$$` for `$`."""
    return documents.Command(command.service, tuple(word.replace("$$", "$") for word in command.words))


def _write_lines(path: Path, values: Mapping[str, str]) -> None:
    path.write_text("".join(f"{name}={value}\n" for name, value in values.items()), encoding="utf-8")


def _marked(process: psutil.Process) -> str:
    try:
        return process.environ().get(MARK, "")
    except (psutil.Error, OSError):
        return ""


@contextmanager
def stage(name: str, seconds: dict[str, float]) -> Iterator[None]:
    """Says what is tried, and counts how long it took."""
    began = time.monotonic()
    print(f"{name} ...", flush=True)
    yield
    seconds[name] = time.monotonic() - began
    print(f"{name}: {seconds[name]:.1f} s", flush=True)


def started(topology: Topology, services: Sequence[str]) -> None:
    """Starts services together."""
    for service in services:
        topology.start(service)
