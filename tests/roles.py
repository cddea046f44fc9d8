"""What each role may do over Airflow's API, as docs/people.md says it: a viewer, a user, the services, the owner."""

from __future__ import annotations

from typing import Any

INGEST = "/api/v2/dags/ingest/dagRuns"
PLAIN: dict[str, Any] = {"logical_date": None}
Tried = tuple[str, str, str, dict[str, Any], tuple[bool, ...]]
TRIED: list[Tried] = [
    ("start the ingest", "POST", INGEST, PLAIN, (False, True, True, True)),
    ("with parameters", "POST", INGEST, PLAIN | {"conf": {"x": 1}}, (False, False, False, True)),
    ("with a note", "POST", INGEST, PLAIN | {"note": "all is well"}, (False, False, False, True)),
    ("in 2030", "POST", INGEST, PLAIN | {"run_after": "2030-01-01T00:00:00Z"}, (False,) * 4),
    ("pause", "PATCH", "/api/v2/dags/results_day", {"is_paused": False}, (False, False, False, True)),
    ("pause many", "PATCH", "/api/v2/dags?dag_id_pattern=none", {"is_paused": False}, (False, False, False, True)),
    ("another DAG", "POST", "/api/v2/dags/watch/dagRuns", PLAIN, (False, False, False, True)),
    ("a variable", "POST", "/api/v2/variables", {"key": "roles", "value": "1"}, (False, False, False, True)),
    ("read variables", "GET", "/api/v2/variables", {}, (False, False, False, True)),
    ("read connections", "GET", "/api/v2/connections", {}, (False, False, False, True)),
    ("a pool", "POST", "/api/v2/pools", {"name": "roles", "slots": 1}, (False, False, False, True)),
    ("look at DAGs", "GET", "/api/v2/dags", {}, (True,) * 4),
    ("look at runs", "GET", INGEST, {}, (True,) * 4),
    ("what pages need", "GET", "/ui/config", {}, (True,) * 4),
]
"""A name, method, path, what is sent, and who may."""
