"""Who may do what over Airflow's API (OPS-4), by the table; and the brake on wrong passwords."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pipeline.console.brake import FREE, LONGEST, MOST, Brake
from pipeline.console.door import OP, OWNER, RANKS, USER, VIEWER, Asked, below_api, body_of, refusal, role_of

NOW = datetime(2024, 8, 14, 12, tzinfo=UTC)
INGEST, AWARD = "dags/ingest/dagRuns", "dags/award/dagRuns"
PLAIN: dict[str, Any] = {"conf": {}, "logical_date": None}
OWNERS: list[tuple[str, str, dict[str, Any]]] = [
    ("PATCH", "dags/results_day", {"is_paused": True}), ("PATCH", "dags", {"is_paused": True}),
    ("POST", "dags/ingest/clearTaskInstances", {"dry_run": False}), ("DELETE", f"{INGEST}/x", {}),
    ("PATCH", f"{AWARD}/x/taskInstances/results_decided", {"new_state": "success"}),
    ("PATCH", f"{AWARD}/x", {"state": "success"}), ("PATCH", f"{AWARD}/x", {"state": "success", "note": "n"}),
    ("POST", f"{AWARD}/x/taskInstances/ask/xcomEntries", {"key": "return_value", "value": True}),
    ("POST", AWARD, PLAIN), ("POST", "dags/results_day/dagRuns", {}), ("POST", "backfills", {}),
    ("POST", INGEST, {"conf": {"x": 1}}), ("POST", INGEST, {"run_after": "2024-08-14T11:00:00Z"}),
    ("POST", INGEST, {"logical_date": "2023-01-01T00:00:00Z"}), ("POST", INGEST, {"dag_run_id": "season"}),
    ("POST", "variables", {}), ("PATCH", "connections/x", {}), ("POST", "pools", {}),
    ("PATCH", f"{AWARD}/x/taskInstances/ask/-1/hitlDetails", {}), ("POST", "assets/events", {}),
    ("PUT", "anything/there/may/be", {}), ("POST", "dags/ingest/dagRunsX", {}), ("POST", "ui/dags/ingest/dagRuns", {}),
    ("GET", "variables", {}), ("GET", "variables/x", {}), ("GET", "connections", {}), ("GET", "config", {}),
    ("GET", f"{AWARD}/x/taskInstances/preview/xcomEntries/return_value", {}), ("GET", "eventLogs", {}),
]  # fmt: skip


def refused(role: str, method: str, path: str, body: dict[str, Any], who: str = "somebody") -> str:
    return refusal(Asked(method, path, body, who, role), NOW)


@pytest.mark.parametrize(("method", "path", "body"), OWNERS)
def test_ops_4_what_is_the_owners_is_refused_to_everybody_else(method: str, path: str, body: dict[str, Any]) -> None:
    for role in ("", VIEWER, USER, OP, "other"):
        assert "for the owner's role (admin) only" in refused(role, method, path, body), role
    assert "for the owner's role" in refused(OP, method, path, body, "ops")
    assert "owner" not in refused(OWNER, method, path, body)


def test_ops_4_a_user_starts_the_ingest_without_parameters_and_a_viewer_does_not() -> None:
    bodies: list[dict[str, Any]] = [PLAIN, {}, {"note": "by telephone"}, {"logical_date": "2024-08-14T11:59:00Z"}]
    for body in bodies:
        assert [bool(refused(role, "POST", INGEST, body)) for role in RANKS] == [True, False, False, False]
    assert refused(USER, "POST", AWARD, {}) == (
        "this is for the owner's role (admin) only; somebody may look at lists of runs and tasks, choose favourites, "
        "get a token of their own, start the ingest, without parameters"
    )


def test_ops_4_the_services_do_what_services_do() -> None:
    assert refused(OP, "POST", INGEST, PLAIN, "ops") == ""
    assert refused(OP, "PATCH", f"{AWARD}/manual", {"note": "3 files"}, "ops") == ""
    assert refused(OP, "PATCH", f"{AWARD}/manual", {"note": "3 files"}, "somebody")
    assert refused(OP, "POST", "dags/award/favorite", {}, "ops")
    assert refused(USER, "PATCH", f"{AWARD}/manual", {"note": "n"}, "ops")


@pytest.mark.parametrize("name", ["run_after", "logical_date"])
def test_ops_4_nobody_puts_a_run_into_the_future(name: str) -> None:
    for ahead, expected in ((timedelta(seconds=59), False), (timedelta(seconds=61), True), (timedelta(days=900), True)):
        for zone in (UTC, None):
            said = (NOW + ahead).replace(tzinfo=zone).isoformat()
            assert bool(refused(OWNER, "POST", AWARD, {name: said})) is expected
    assert "would hold up the schedule" in refused(OWNER, "POST", INGEST, {name: "never"})
    assert refused(OWNER, "POST", AWARD, {name: "2024-02-01T00:00:00Z"}) == ""


def test_everybody_who_has_a_role_looks() -> None:
    for path in ("dags", "dags/award/dagRuns", "ui/config", "ui/grid/runs/award", "importErrors"):
        assert {refused(role, "GET", path, {}) for role in RANKS} == {""}
    assert refused(VIEWER, "POST", "dags/~/dagRuns/list", {}) == ""


def test_only_the_api_is_behind_the_door_and_what_it_says_is_read_as_an_object() -> None:
    assert below_api("/api/v2/dags/ingest/dagRuns/") == below_api("//api/v2//dags/ingest/dagRuns") == INGEST
    assert below_api("/ui/config") == "ui/config"
    assert [below_api(path) for path in ("/resultsday/files", "/execution/x", "/", "/auth/token")] == [None] * 4
    assert (body_of(b""), body_of(b" "), body_of(b'{"a": 1}')) == ({}, {}, {"a": 1})
    assert [body_of(data) for data in (b"[1]", b"x", b"[" * 100_000, json.dumps("a").encode())] == [None] * 4


def test_the_highest_role_counts_whichever_log_in_it_is() -> None:
    names: tuple[list[str], ...] = (["Viewer", "Admin"], ["op"], ["Public"], [], ["VIEWER", "User"])
    assert [role_of(each) for each in names] == [OWNER, OP, "", "", USER]


# --- The brake -------------------------------------------------------------------------------------------------------


def test_a_few_wrong_passwords_cost_nothing_and_then_each_costs_twice_as_much() -> None:
    brake = Brake()
    waits = []
    for _ in range(FREE + 4):
        waits.append(brake.waits("a", 100.0))
        brake.wrong("a", 100.0)
    assert waits == [0.0] * FREE + [1.0, 2.0, 4.0, 8.0]
    assert (brake.waits("a", 116.0), brake.waits("b", 100.0)) == (0.0, 0.0)
    for _ in range(2000):
        brake.wrong("a", 100.0)
    assert brake.waits("a", 100.0) == LONGEST


def test_a_right_password_and_time_make_them_forgotten_and_no_crowd_fills_the_memory() -> None:
    brake = Brake()
    for _ in range(FREE):
        brake.wrong("a", 100.0)
    brake.right("a")
    assert brake.waits("a", 100.0) == 0.0
    for _ in range(FREE):
        brake.wrong("a", 100.0)
    brake.wrong("a", 101.0 + LONGEST)
    assert brake.waits("a", 101.0 + LONGEST) == 0.0
    for number in range(MOST + 10):
        brake.wrong(f"{number}", 200.0)
    assert len(brake._wrong) == MOST
