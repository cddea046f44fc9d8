"""A small client of Airflow's REST API, for one user."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from infra.settings import Settings

log = logging.getLogger(__name__)

SERVICE = "ops"  # the user our own tasks and commands call the REST API as


FINAL_STATES = frozenset({"success", "failed"})


POLL_SECONDS = 0.2


LOG_INS = 5
"""Times that a log-in is tried which has to wait: of many at the same moment, some do."""


class AirflowError(Exception):
    """Airflow refused a call, could not be reached, or took too long; the message says what and why."""


class AirflowApi:
    """A client of Airflow's REST API, for one user. Every method raises `AirflowError` when Airflow says no.

    `base_url`: such as `http://127.0.0.1:8080`. Also a context manager that closes the connection.
    """

    def __init__(self, base_url: str, username: str, password: str) -> None:
        self._client = httpx.Client(base_url=base_url, timeout=60, trust_env=False)  # never through a proxy
        self._login = {"username": username, "password": password}
        self._token: str | None = None

    @classmethod
    def of_this_task(cls, environ: Mapping[str, str] = os.environ) -> Self:
        """The API of the Airflow that runs the calling process (a task), as the service user."""
        password = Settings.load(environ).airflow_password
        if not password:
            file = Path(environ["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE"])
            password = json.loads(file.read_text(encoding="utf-8"))[SERVICE]
        # Where tasks report to, not the address that people use: that may be behind a proxy which tasks cannot pass.
        return cls(environ["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"].removesuffix("/execution/"), SERVICE, password)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def token(self) -> str:
        """A bearer token, requested once and kept."""
        if self._token is None:
            self._token = str(self._send("POST", "/auth/token", json=self._login)["access_token"])
        return self._token

    def health(self) -> dict[str, Any]:
        """What Airflow says about its parts: `{"scheduler": {"status": "healthy", ...}, ...}`."""
        return self._send("GET", "/api/v2/monitor/health")

    def trigger(
        self,
        dag_id: str,
        conf: Mapping[str, Any] | None = None,
        *,
        run_after: datetime | None = None,
        run_id: str | None = None,
    ) -> str:
        """Start a run of a DAG now; returns its run id. (The run of a paused DAG waits.)

        `run_after` (aware, in the past): in a rehearsal, the instant the run is for. With the caller's own `run_id` a
        second call is refused.
        """
        body: dict[str, Any] = {"logical_date": None, "conf": dict(conf or {})}
        if run_after:
            body["run_after"] = run_after.isoformat()
        if run_id:
            body["dag_run_id"] = run_id
        return str(self._call("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def state(self, dag_id: str, run_id: str) -> str | None:
        """The state of a run; None when there is no such run."""
        found = self._call("GET", f"/dags/{dag_id}/dagRuns", params={"run_id_pattern": run_id})["dag_runs"]
        return next((str(run["state"]) for run in found if run["dag_run_id"] == run_id), None)

    def questions(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Questions of a run that nobody has answered yet: `subject`, `options`, `task_instance`, ..."""
        asked = self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}/hitlDetails")["hitl_details"]
        return [question for question in asked if not question["response_received"]]

    def answer(self, question: Mapping[str, Any], chosen: str, given: Mapping[str, Any] | None = None) -> None:
        """Answers a question from `questions` as the logged-in user: the option `chosen`, and the form's fields."""
        task = question["task_instance"]
        path = f"/dags/{task['dag_id']}/dagRuns/{task['dag_run_id']}/taskInstances/{task['task_id']}"
        answered = {"chosen_options": [chosen], "params_input": dict(given or {})}
        self._call("PATCH", f"{path}/{task['map_index']}/hitlDetails", json=answered)

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """One run as Airflow describes it: `state`, `note`, `start_date`, ..."""
        return self._call("GET", f"/dags/{dag_id}/dagRuns/{run_id}")

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        """The runs of a DAG, at most 100, the newest first."""
        return list(
            self._call("GET", f"/dags/{dag_id}/dagRuns", params={"order_by": "-run_after", "limit": 100})["dag_runs"]
        )

    def wait(self, dag_id: str, run_id: str, timeout: float) -> str:
        """Wait at most `timeout` seconds for the end of a run; returns `success` or `failed`."""
        deadline = time.monotonic() + timeout
        while (state := str(self.run(dag_id, run_id)["state"])) not in FINAL_STATES:
            if time.monotonic() > deadline:
                raise AirflowError(f"run {run_id} of {dag_id} is still {state} after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)
        return state

    def dags(self) -> list[dict[str, Any]]:
        """Every DAG as Airflow describes it: `dag_id`, `is_paused`, `timetable_summary`, ..."""
        return list(self._call("GET", "/dags", params={"limit": 100})["dags"])

    def dag(self, dag_id: str) -> dict[str, Any]:
        """One DAG in detail: `doc_md`, `default_args`, `tags`, `owners`, ..."""
        return self._call("GET", f"/dags/{dag_id}/details")

    def read_again(self, dag_id: str) -> None:
        """Has Airflow read a DAG's file, and with it the dates it runs at, now and not at its next look."""
        self._call("PUT", f"/parseDagFile/{self.dag(dag_id)['file_token']}")

    def log(self, dag_id: str, run_id: str, task_id: str, try_number: int = 1) -> str:
        """The log of one try of a task."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        return json.dumps(self._call("GET", path, params={"full_content": True}))

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run as Airflow describes them: `task_id`, `map_index`, `state`, `try_number`, ..."""
        found: list[dict[str, Any]] = []
        while True:
            page = self._call(
                "GET", f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", params={"limit": 100, "offset": len(found)}
            )
            found += page["task_instances"]
            if not page["task_instances"] or len(found) >= page["total_entries"]:
                return found

    def set_note(self, dag_id: str, run_id: str, note: str) -> None:
        """Set the note of a run (at most 1,000 characters; a longer one is cut), which the UI shows beside it."""
        self._call("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"note": note[:1000]})

    def wait_until_known(self, dag_id: str, timeout: float) -> None:
        """Wait at most `timeout` seconds until Airflow can run a DAG.

        Raises `AirflowError` with the import error when the DAG's file (or, while the DAG is unknown, any file) does
        not import.
        """
        deadline = time.monotonic() + timeout
        while True:
            dags = self._call("GET", "/dags", params={"dag_id_pattern": dag_id, "exclude_stale": True})["dags"]
            dag = next((dag for dag in dags if dag["dag_id"] == dag_id), None)
            if dag and not dag["has_import_errors"]:
                return
            errors = self._call("GET", "/importErrors")["import_errors"]
            if dag:
                errors = [error for error in errors if error["filename"] == dag["relative_fileloc"]]
            if errors:
                raise AirflowError("\n".join(f"{error['filename']}:\n{error['stack_trace']}" for error in errors))
            if time.monotonic() > deadline:
                raise AirflowError(f"Airflow does not know the DAG {dag_id} after {timeout:.0f} s")
            time.sleep(POLL_SECONDS)

    def _call(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        return self._send(method, f"/api/v2{path}", headers={"Authorization": f"Bearer {self.token()}"}, **request)

    def _asked(self, method: str, path: str, **request: Any) -> httpx.Response:
        for _ in range(LOG_INS - 1):
            answer = self._client.request(method, path, **request)
            if answer.status_code != 429:
                return answer
            time.sleep(1)
        return self._client.request(method, path, **request)

    def _send(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        try:
            answer = self._asked(method, path, **request)
        except httpx.HTTPError as error:
            raise AirflowError(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.is_error:
            # The answer to a refused log-in repeats the password: it must not reach a log.
            why = "log-in refused" if path == "/auth/token" else answer.text[:2000]
            raise AirflowError(f"{method} {path}: {answer.status_code} {why}")
        return dict(answer.json() or {})


def note_run(dag_id: str, run_id: str, note: str) -> None:
    """Set the note of the run the calling task belongs to.

    A task cannot set it itself, so this goes through the REST API. When the note cannot be set, that is logged and the
    run goes on.
    """
    try:
        with AirflowApi.of_this_task() as api:
            api.set_note(dag_id, run_id, note)
    except (AirflowError, KeyError, OSError) as error:
        log.warning("the run's note could not be set: %s", type(error).__name__)
