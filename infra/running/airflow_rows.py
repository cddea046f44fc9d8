"""Old rows of Airflow's own tables, removed by Airflow's own command, `airflow db clean` (OPS-9)."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import datetime

from infra.running.airflow_setup import airflow_home, command
from infra.running.airflow_state import airflow_database
from infra.settings import Settings

PATIENCE = 3600
"""Seconds that the command may take."""


class AirflowRowsError(Exception):
    """Airflow's rows could not be counted or removed; the message says why."""


def old_rows(settings: Settings, before: datetime) -> int:
    """How many rows are older than `before` (aware). Raises `AirflowRowsError`."""
    said = _clean(settings, before, "--dry-run")
    return sum(int(count) for count in re.findall(r"^Found (\d+) rows? meeting", said, re.MULTILINE))


def remove_rows(settings: Settings, before: datetime) -> None:
    """Removes them for good, a thousand at a time. The last run of a DAG stays. Raises `AirflowRowsError`."""
    _clean(settings, before, "--skip-archive", "--yes", "--error-on-cleanup-failure", "--batch-size", "1000")


def _clean(settings: Settings, before: datetime, *options: str) -> str:
    # Airflow hides the address of its tables from tasks, in whichever variable it stands.
    environment = {name: value for name, value in os.environ.items() if "SQL_ALCHEMY_CONN" not in name}
    environment.setdefault("AIRFLOW_HOME", str(airflow_home(settings)))
    environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = airflow_database(settings)
    environment["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"
    words = command("db", "clean", "--clean-before-timestamp", before.isoformat(), *options)
    try:
        done = subprocess.run(  # noqa: S603
            words, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise AirflowRowsError(f"`airflow db clean` has not ended after {PATIENCE} seconds") from None
    if done.returncode:
        # Its errors quote rows, and the address with the password.
        raise AirflowRowsError(f"`airflow db clean` ended with exit code {done.returncode}; run it by hand to see why")
    return done.stdout
