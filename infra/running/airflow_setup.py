"""How our Airflow is set up, as data: its environment and its components."""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import sys
import sysconfig
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from attrs import frozen
from sqlalchemy import create_engine, inspect, text

from infra.airflow_api import SERVICE
from infra.host import LOCALHOST, make_folder, write_private
from infra.running.airflow_settings import on_one_machine
from infra.settings import Settings

log = logging.getLogger(__name__)

PROJECT = Path(__file__).resolve().parents[2]
DAGS = PROJECT / "dags"
ADMIN = "admin"
PARTS_WITH_HEALTH = ("metadatabase", "scheduler", "dag_processor", "triggerer")


@frozen
class Component:
    """One long-running process of Airflow: its name, how it is started, and the log of its output."""

    name: str
    argv: tuple[str, ...]
    log_file: Path


def airflow_home(settings: Settings) -> Path:
    """The folder of Airflow's own files; closed to other users, because it holds secrets."""
    return settings.state.absolute() / "airflow"


def command(*words: str) -> tuple[str, ...]:
    """The command line of `airflow <words>`, run by this interpreter whatever PATH and the current folder are."""
    return (sys.executable, "-m", "airflow", *words)


def components(settings: Settings) -> tuple[Component, ...]:
    """The four components of Airflow, and a worker if there is a broker. Run `migration` before any of them starts."""
    logs = settings.state.absolute() / "logs"
    # By default scheduler and triggerer serve their task logs on all addresses of the machine. On one machine the API
    # server reads the files.
    commands = {
        "api-server": ("api-server",),
        "scheduler": ("scheduler", "--skip-serve-logs"),
        "dag-processor": ("dag-processor",),
        "triggerer": ("triggerer", "--skip-serve-logs"),
    }
    if settings.broker:
        commands["worker"] = ("celery", "worker", "--skip-serve-logs", "--without-gossip", "--without-mingle")
    return tuple(Component(name, command(*words), logs / f"{name}.log") for name, words in commands.items())


def migration(settings: Settings) -> Component:
    """The command that makes or upgrades Airflow's tables and then ends."""
    return Component("db-migrate", command("db", "migrate"), settings.state.absolute() / "logs" / "db-migrate.log")


def needs_migration(settings: Settings, airflow_database_url: str) -> bool:
    """Whether `migration` must run, which takes seconds: not when this version of Airflow has already migrated these
    tables."""
    note = _migration_note(settings)
    return not note.exists() or note.read_text(encoding="utf-8") != _migrated_to(airflow_database_url)


def note_migration(settings: Settings, airflow_database_url: str) -> None:
    """Remember that `migration` has succeeded."""
    _migration_note(settings).write_text(_migrated_to(airflow_database_url), encoding="utf-8")


def ailing(health: Mapping[str, Any], since: datetime) -> list[str]:
    """The parts that `AirflowApi.health` does not show as healthy with a sign of life after `since`.

    Airflow itself calls a scheduler healthy for half a minute after it was killed.
    """
    return [part for part in PARTS_WITH_HEALTH if not _is_well(part, health.get(part) or {}, since)]


def environment(settings: Settings, *, database_url: str, airflow_database_url: str, port: int) -> dict[str, str]:
    """The environment of every Airflow process: ours on top of the caller's.

    `database_url` is the ledger's address, `airflow_database_url` that of Airflow's tables, `port` the UI's.
    Makes the secrets and passwords on first use.
    """
    home = airflow_home(settings)
    make_folder(home, 0o700)
    home.chmod(0o700)
    base_url = f"http://{LOCALHOST}:{port}"
    kept = _kept(
        home / "secrets.json",
        {
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "jwt_secret": secrets.token_hex(48),
            "api_secret": secrets.token_hex(24),
        },
    )
    passwords(settings)
    configuration = home / "airflow.cfg"
    if not configuration.exists():  # otherwise several components at a time would fill it with Airflow's defaults
        where = "# Every setting comes from the environment: see infra/running/airflow_settings.py\n"
        configuration.write_text(where, encoding="utf-8")
    ours = {
        **on_one_machine(),
        **_celery(settings, airflow_database_url),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(configuration),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__FERNET_KEY": kept["fernet_key"],
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{base_url}/execution/",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(
            f"{name}:{role}" for name, role in users(settings).items()
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(_passwords_file(settings)),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_database_url,
        "AIRFLOW__API__HOST": LOCALHOST,
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"{base_url}/",
        "AIRFLOW__API__SECRET_KEY": kept["api_secret"],
        "AIRFLOW__API_AUTH__JWT_SECRET": kept["jwt_secret"],
        "PATH": os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath))),
        # Airflow imports the arguments of its connections before any plugin of ours.
        "PYTHONPATH": os.pathsep.join(filter(None, (str(PROJECT), os.environ.get("PYTHONPATH")))),
        "PYTHONUNBUFFERED": "1",  # the last words of a process that dies belong in its log
        "SPT_NOENV": "1",  # process titles must not overwrite the environment: the supervisor knows its processes by it
    }
    # Of what runs here nothing needs the owner of the ledger's tables (OPS-7).
    addresses = {
        "RESULTSDAY_DATABASE_URL": database_url,
        "RESULTSDAY_DATABASE_OWNER_URL": "",
        "RESULTSDAY_AIRFLOW_DATABASE_URL": airflow_database_url,
    }
    return {**os.environ, **settings.environment(), **addresses, **ours}


def _celery(settings: Settings, airflow_database_url: str) -> dict[str, str]:
    """The variables that make tasks run in a Celery worker; none without a broker."""
    if not settings.broker:
        return {}
    return {
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": settings.broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{airflow_database_url}",
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "4",
    }


def passwords(settings: Settings) -> dict[str, str]:
    """The passwords of the UI's users, by name; generated at random on first use."""
    return _kept(_passwords_file(settings), {user: secrets.token_urlsafe(15) for user in users(settings)})


def users(settings: Settings) -> dict[str, str]:
    """The UI's users with their roles: ours, and those in the settings."""
    more = (user.strip().partition(":") for user in settings.users.split(",") if user.strip())
    return {**{name: role for name, _, role in more}, ADMIN: "admin", SERVICE: "op"}


def _is_well(part: str, said: Mapping[str, Any], since: datetime) -> bool:
    if said.get("status") != "healthy":
        return False
    beat = said.get(f"latest_{part}_heartbeat")
    return part == "metadatabase" or (beat is not None and datetime.fromisoformat(beat) >= since)


def _migration_note(settings: Settings) -> Path:
    return airflow_home(settings) / "migrated"


def _migrated_to(airflow_database_url: str) -> str:
    """The installed version of Airflow and the current revision of its tables."""
    engine = create_engine(airflow_database_url)
    try:
        with engine.connect() as connection:
            there = inspect(connection).has_table("alembic_version")
            revision = connection.scalar(text("select version_num from alembic_version")) if there else None
    finally:
        engine.dispose()
    return f"apache-airflow {version('apache-airflow')}, tables {revision}\n"


def _passwords_file(settings: Settings) -> Path:
    return airflow_home(settings) / "passwords.json"


def _kept(path: Path, fresh: dict[str, str]) -> dict[str, str]:
    """The secrets kept in a file; missing ones are taken from `fresh` and added."""
    known: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    if fresh.keys() - known.keys():
        known = fresh | known
        path.parent.mkdir(parents=True, exist_ok=True)
        write_private(path, json.dumps(known) + "\n")
    return known
