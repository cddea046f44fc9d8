"""Who may do what over Airflow's API (OPS-4), by the table; and the brake on wrong passwords."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from infra.ledger.approvals import reads_as_another
from infra.ledger.passwords import FREE, LONGEST, PasswordBook
from infra.ledger.submissions import Ledger
from infra.settings import SettingError, Settings
from pipeline.console.access import rights_of
from pipeline.console.brake import (
    MOST,
    PAGE,
    Brake,
    Counts,
    OfThisProcess,
    address,
    named,
    was_wrong,
)
from pipeline.console.door import (
    OP,
    OWNER,
    RANKS,
    USER,
    VIEWER,
    Asked,
    below_api,
    body_of,
    refusal,
    role_of,
    role_of_user,
)

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
    ("POST", INGEST, {"note": "all is well", "logical_date": None}),
    ("POST", INGEST, {"logical_date": "2023-01-01T00:00:00Z"}), ("POST", INGEST, {"dag_run_id": "season"}),
    ("POST", "variables", {}), ("PATCH", "connections/x", {}), ("POST", "pools", {}),
    ("PATCH", f"{AWARD}/x/taskInstances/ask/-1/hitlDetails", {}), ("POST", "assets/events", {}),
    ("PUT", "anything/there/may/be", {}), ("POST", "dags/ingest/dagRunsX", {}), ("POST", "ui/dags/ingest/dagRuns", {}),
    ("GET", "variables", {}), ("GET", "variables/x", {}), ("GET", "connections", {}), ("GET", "config", {}),
    ("GET", f"{AWARD}/x/taskInstances/preview/xcomEntries/return_value", {}), ("GET", "eventLogs", {}),
    ("GET", f"{AWARD}/x/wait", {}), ("GET", f"{AWARD}/x/taskInstances/preview/state-store/key", {}),
    ("GET", "assets/1/state-store", {}),
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
    bodies: list[dict[str, Any]] = [PLAIN, {}, {"note": "", "conf": None}, {"logical_date": "2024-08-14T11:59:00Z"}]
    for body in bodies:
        assert [bool(refused(role, "POST", INGEST, body)) for role in RANKS] == [True, False, False, False]
    assert refused(USER, "POST", AWARD, {}) == (
        "this is for the owner's role (admin) only; somebody may look at lists of runs and tasks, choose favourites, "
        "get a token of their own, start the ingest, without parameters or a note"
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
    assert [role_of(each, {}) for each in names] == [OWNER, OP, "", "", USER]


class FabUser:
    """Somebody who has logged in by FAB."""

    def __init__(self, *names: str) -> None:
        self.roles = [SimpleNamespace(name=name) for name in names]


def test_ops_4_a_role_of_ones_own_has_no_right_until_the_setting_says_what_it_is_like() -> None:
    clerk, settings = FabUser("Exams Clerk"), Settings(roles="Exams Clerk = user, Auditor=viewer")
    assert rights_of(role_of_user(clerk, {})) == set()
    assert refused(role_of_user(clerk, {}), "POST", INGEST, {})
    like = settings.own_roles()
    assert rights_of(role_of_user(clerk, like)) == {"look", "files"}
    assert rights_of(role_of_user(FabUser("AUDITOR"), like)) == {"look"}
    assert refused(role_of_user(clerk, like), "POST", INGEST, {}) == ""
    assert refused(role_of_user(clerk, like), "PATCH", "dags/ingest", {"is_paused": True})
    assert role_of_user(FabUser("Exams Clerk", "Admin"), like) == OWNER


@pytest.mark.parametrize("said", ["Exams Clerk=admin", "Exams Clerk", "=owner"])
def test_ops_4_no_role_is_like_the_owners(said: str) -> None:
    with pytest.raises(SettingError, match="RESULTSDAY_ROLES says for each role viewer, user or op"):
        Settings.load({"RESULTSDAY_ROLES": said})


@pytest.mark.parametrize(
    "name",
    ["system account jane", "System Account jane", "the desk", "jane (stated)", "jane and john", " jane", "jane  clerk",
     "jane\u200b", "jane\u00a0"],
)  # fmt: skip
def test_ops_4_a_log_in_that_reads_as_somebody_else_on_record_may_do_nothing(name: str) -> None:
    assert reads_as_another(name)


@pytest.mark.parametrize("name", ["jane", "jane.clerk@board.example", "Sandy Anderson", "O'Brien", "Zoë", "a-and-b"])
def test_ops_4_other_names_are_people_of_their_own(name: str) -> None:
    assert not reads_as_another(name)


# --- The brake -------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["a process", "the ledger"])
def counts(request: pytest.FixtureRequest, fresh: Settings) -> Iterator[Counts]:
    """Both ways of counting, which must count the same."""
    if request.param == "a process":
        yield OfThisProcess()
        return
    with Ledger(fresh.database_url) as ledger:
        yield PasswordBook(ledger.engine)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_ops_4_a_few_wrong_passwords_cost_nothing_and_then_each_costs_twice_as_much(counts: Counts) -> None:
    assert [counts.tried("a", at(0)) for _ in range(FREE)] == [0.0] * FREE
    clock, waits = 0.0, []
    for _ in range(12):
        waits.append(round(counts.tried("a", at(clock)), 6))
        assert (
            counts.tried("a", at(clock + waits[-1] - 0.01)) > 0
        )  # who does not wait is not let in, nor held up longer
        clock += waits[-1]
        assert counts.tried("a", at(clock)) == 0.0
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, LONGEST, LONGEST, LONGEST]
    assert counts.tried("b", at(clock)) == 0.0


def test_ops_4_a_right_password_and_time_make_wrong_ones_forgotten(counts: Counts) -> None:
    for _ in range(FREE):
        counts.tried("a", at(0))
    counts.right("a")
    assert [counts.tried("a", at(0)) for _ in range(FREE)] == [0.0] * FREE
    assert counts.tried("a", at(0)) > 0
    assert [counts.tried("a", at(1 + LONGEST)) for _ in range(FREE)] == [0.0] * FREE
    assert counts.tried("a", at(1 + LONGEST)) > 0


def test_ops_4_what_tells_nothing_of_the_password_does_not_count_and_clears_nobody(counts: Counts) -> None:
    for _ in range(FREE - 1):
        counts.tried("a", at(0))
    for _ in range(20):
        assert counts.tried("a", at(0)) == 0.0
        counts.taken_back("a")
    assert counts.tried("a", at(0)) == 0.0
    assert counts.tried("a", at(0)) > 0


def test_ops_4_all_processes_of_the_api_server_count_together_and_at_the_same_moment(fresh: Settings) -> None:
    brakes = [Brake(fresh.database_url) for _ in range(4)]

    async def tried() -> list[float]:
        return await asyncio.gather(*(brakes[number % 4].tried("a", at(0)) for number in range(40)))

    assert sum(waits == 0 for waits in asyncio.run(tried())) == FREE
    asyncio.run(brakes[0].answered("a", wrong=False))
    assert asyncio.run(brakes[3].tried("a", at(0))) == 0.0


def test_ops_4_without_the_ledger_a_process_counts_for_itself() -> None:
    brake = Brake("postgresql+psycopg2://nobody@127.0.0.1:1/none")
    assert [asyncio.run(brake.tried("a", at(0))) for _ in range(FREE)] == [0.0] * FREE
    assert asyncio.run(brake.tried("a", at(0))) == 1.0
    asyncio.run(brake.answered("a", wrong=False))
    assert asyncio.run(brake.tried("a", at(0))) == 0.0


def test_no_crowd_of_names_fills_memory_or_ledger(fresh: Settings) -> None:
    own = OfThisProcess()
    for number in range(MOST + 10):
        own.tried(f"{number}", at(0))
    assert len(own._wrong) == MOST
    with Ledger(fresh.database_url) as ledger:
        book = PasswordBook(ledger.engine)
        for number in range(20):
            book.tried(f"{number}", at(0))
        book.tried("somebody", at(1 + LONGEST))
        with ledger.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM place.wrong_passwords").scalar() == 1


@pytest.mark.parametrize(
    ("path", "status", "location", "wrong"),
    [
        ("/auth/token", 201, "", False), ("/auth/token", 401, "", True), ("/auth/token/cli", 403, "", True),
        ("/auth/token", 422, "", None), ("/auth/token", 500, "", None),
        (PAGE, 302, "/auth/login/", True), (PAGE, 302, "http://desk.example/below/auth/login/?next=%2F", True),
        (PAGE, 302, "/", None), (PAGE, 200, "", None), (PAGE, 429, "", None),
    ],
)  # fmt: skip
def test_ops_4_the_answer_says_whether_the_password_was_wrong(
    path: str, status: int, location: str, wrong: bool | None
) -> None:
    assert was_wrong(path, status, location) is wrong


@pytest.mark.parametrize(
    ("told", "behind_proxy", "found"),
    [
        ([], True, "10.0.0.1"),
        ([b"203.0.113.9"], True, "203.0.113.9"),
        ([b"1.2.3.4, 203.0.113.9"], True, "203.0.113.9"),  # what a client says itself does not count
        ([b"1.2.3.4", b"203.0.113.9"], True, "203.0.113.9"),
        ([b""], True, "10.0.0.1"),
        ([b"203.0.113.9"], False, "10.0.0.1"),
    ],
)
def test_behind_a_proxy_a_stranger_is_not_everybody(told: list[bytes], behind_proxy: bool, found: str) -> None:
    scope = {"type": "http", "client": ("10.0.0.1", 1), "headers": [(b"x-forwarded-for", each) for each in told]}
    assert address(scope, behind_proxy=behind_proxy) == found


JSON, FORM = b"application/json", b"application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("kind", "data", "name"),
    [
        (JSON, b'{"username": "Admin", "password": "x"}', "admin"),
        (JSON, b'{"username": "admin", "password": "x&username=somebody"}', "admin"),
        (JSON, b"username=admin", ""),
        (FORM, b"username=admin&password=x", "admin"),
        (FORM + b"; charset=utf-8", b"username=admin&password=x", "admin"),
        (FORM, b"username=somebody&username=admin&password=x", "admin"),
        (FORM, b"username=somebody;username=admin", "somebody;username=admin"),
        (FORM, b'{"a":"&username=admin&password=x&b=", "username":"somebody"}', "admin"),
    ],
)
def test_the_brake_counts_for_the_name_that_airflow_takes_whatever_else_a_log_in_says(
    kind: bytes, data: bytes, name: str
) -> None:
    scope = {"type": "http", "method": "POST", "path": "/auth/token", "headers": [(b"content-type", kind)]}
    assert asyncio.run(named(scope, data)) == name


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"username=Admin&username=somebody&password=x", "admin"),
        (b"username=&username=admin", ""),
        (b"csrf_token=y&username=a%64min", "admin"),
        (b"username=somebody;username=admin", "somebody;username=admin"),
    ],
)
def test_the_brake_counts_for_the_name_that_the_page_of_fab_takes(data: bytes, name: str) -> None:
    scope = {"type": "http", "method": "POST", "path": "/auth/login/", "headers": [(b"content-type", FORM)]}
    assert asyncio.run(named(scope, data)) == name
