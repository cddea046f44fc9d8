"""OPS-4: how somebody may try to have approved what nobody has approved, over the real API of Airflow and in the
console. Both log-ins are tried: the simple one of a desk on one machine (tests/dags), FAB (tests/rehearsal)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import httpx

from infra.ledger.approvals import Proposal

FORGED = {"chosen": ["Approve"], "who": "admin", "why": "forged", "at": "2024-08-15T12:00:00+00:00"}
EARLY, LATE = "2024-08-14T12:00:00Z", "2030-01-01T00:00:00Z"


class Forger(Protocol):
    """Somebody who has logged in."""

    def asks(self, method: str, path: str) -> httpx.Response:
        """Whatever Airflow or the console answers."""

    def says(self, number: int, verdict: str, why: str, sha256: str, **headers: str) -> httpx.Response:
        """Says something about a proposal in the console."""


def attacks(series: str, run: str, task: str, then: str) -> Iterator[tuple[str, str, str, Any]]:
    """What is tried on a run that waits in `task`, before `then`: a name, method, path and body for Airflow's API."""
    of_run = f"/api/v2/dags/award/dagRuns/{run}"
    of_task = f"{of_run}/taskInstances/{task}"
    for key in ("return_value", "answer", "approved"):
        for where in (task, "ask", "approve", then):
            entry = {"key": key, "value": FORGED, "map_index": -1}
            yield f"write {key} of {where}", "POST", f"{of_run}/taskInstances/{where}/xcomEntries", entry
    yield "change a return value", "PATCH", f"{of_task}/xcomEntries/return_value", {"value": True, "map_index": -1}
    yield "answer a question", "PATCH", f"{of_task}/-1/hitlDetails", {"chosen_options": ["Approve"], "params_input": {}}
    yield "set a variable", "POST", "/api/v2/variables", {"key": "RESULTSDAY_APPROVALS", "value": "0"}
    yield "set a pool", "POST", "/api/v2/pools", {"name": "approved", "slots": 1}
    connection = {"connection_id": "approved", "conn_type": "http", "host": "localhost"}
    yield "set a connection", "POST", "/api/v2/connections", connection
    yield "write the note", "PATCH", of_run, {"note": "approved by admin"}
    for said in ("approved", "decided"):
        conf = {"series": series, said: True, "who": "admin", "at": FORGED["at"]}
        for at in (EARLY, LATE, None):
            body = {"logical_date": None, "conf": conf} | ({"run_after": at} if at else {})
            yield f"trigger with {said}, to run after {at}", "POST", "/api/v2/dags/award/dagRuns", body
    yield "use the tasks' own door", "PATCH", f"/execution/task-instances/{task}/state", {"state": "success"}
    clear = {"dry_run": False, "task_ids": [task], "dag_run_id": run, "only_failed": False}
    yield "clear the wait", "POST", "/api/v2/dags/award/clearTaskInstances", clear
    yield "mark the wait as done", "PATCH", of_task, {"new_state": "success"}
    yield "mark what follows as done", "PATCH", f"{of_run}/taskInstances/{then}", {"new_state": "success"}
    yield "mark the run as done", "PATCH", of_run, {"state": "success"}
    yield "clear the run", "POST", f"{of_run}/clear", {"dry_run": False}
    yield "pause the release", "PATCH", "/api/v2/dags/results_day?update_mask=is_paused", {"is_paused": False}


def in_the_console(visitor: Forger, proposal: Proposal, *, approver: bool) -> Iterator[tuple[str, int]]:
    """What is tried in the console by somebody who is an `approver` or not, and how it is answered."""
    elsewhere = {"Origin": "http://elsewhere.example"}
    other = "0" * 64
    yield "another page's form", visitor.says(proposal.id, "approve", "x", proposal.sha256, **elsewhere).status_code
    yield "another hash", visitor.says(proposal.id, "approve", "x", other).status_code
    yield "no hash", visitor.says(proposal.id, "approve", "x", "").status_code
    yield "no reason", visitor.says(proposal.id, "approve", " ", proposal.sha256).status_code
    yield "no verdict", visitor.says(proposal.id, "", "x", proposal.sha256).status_code
    yield "a proposal that is not there", visitor.says(proposal.id + 1000, "approve", "x", proposal.sha256).status_code
    if not approver:
        yield "without the right", visitor.says(proposal.id, "approve", "x", proposal.sha256).status_code
        yield "a look", visitor.asks("GET", f"/resultsday/approvals/{proposal.id}").status_code
