"""FAB, the log-in of production, with an API server of its own: each role can do what its page says and no more, and
whoever is named may approve, and nobody else by any door. `make rehearsal` has the rest of production around it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from infra.host import LOCALHOST, claimed_port, ends_with_parent, tail
from infra.ledger.approvals import Proposal, Signer
from infra.ledger.passwords import FREE
from infra.ledger.submissions import migrate
from infra.running.airflow_settings import VARIABLES
from infra.running.airflow_setup import command, environment
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.approvals import listed, put_forward
from pipeline.awarding.award import take_boundaries
from pipeline.desk import Desk, open_desk
from rules import terms
from tests.catalogue import FROZEN
from tests.forgeries import attacks, in_the_console
from tests.patience import PATIENCE, until
from tests.pipeline.results_of import BOUNDARIES, feed
from tests.rehearsal.rights import not_as_said
from tests.rehearsal.visitors import Visitor

ROLES = {"vera": "Viewer", "jane": "User", "ops": "Op", "olive": "Admin"}
PASSWORD = "a password of "
SERIES = "2024-06"
PEOPLE = """
import sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    for name, role in (word.split("=") for word in sys.argv[2:]):
        found = builder.sm.find_role(role)
        assert builder.sm.add_user(name, name, "Made Up", f"{name}@board.example", found, sys.argv[1] + name)
"""


@pytest.fixture(scope="module")
def desk(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The desk that is looked at."""
    for name in ("fab_ledger", "fab_airflow"):
        postgres.create_database(name)
    settings = Settings(
        catalogue=FROZEN,
        state=tmp_path_factory.mktemp("fab"),
        database_url=postgres.url("fab_ledger"),
        approvers="jane,john",
        personal_data="",
    )
    migrate(settings.database_url)
    with open_desk(settings) as open_:
        yield open_


@pytest.fixture(scope="module")
def address(postgres: EmbeddedPostgres, desk: Desk) -> Iterator[str]:
    """Where it listens."""
    settings = desk.settings
    with claimed_port() as port:
        around = environment(
            settings, database_url=settings.database_url, airflow_database_url=postgres.url("fab_airflow"), port=port
        )
        [manager] = [variable for variable in VARIABLES if variable.name == "AIRFLOW__CORE__AUTH_MANAGER"]
        assert manager.production
        around[manager.name] = manager.production
        around["AIRFLOW__FAB__AUTH_RATE_LIMITED"] = "False"  # by address and process: what is seen is ours
        said = [f"{name}={role}" for name, role in ROLES.items()]
        for words in (
            command("db", "migrate"),
            command("dags", "reserialize"),
            (sys.executable, "-W", "ignore", "-c", PEOPLE, PASSWORD, *said),
        ):
            done = subprocess.run(words, env=around, capture_output=True, text=True, timeout=PATIENCE, check=False)
            assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        log = settings.state / "api-server.log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                command("api-server"),
                env=around,
                stdout=output,
                stderr=output,
                preexec_fn=ends_with_parent(9),  # type: ignore[arg-type]
            )
        try:
            until(lambda: answers(f"http://{LOCALHOST}:{port}", server, log))
            yield f"http://{LOCALHOST}:{port}"
        finally:
            server.terminate()
            server.wait(PATIENCE)


def answers(url: str, server: subprocess.Popen[bytes], log: Path) -> bool:
    assert server.poll() is None, tail(log)
    try:
        return httpx.get(f"{url}/api/v2/version", timeout=10, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def visitors(address: str) -> Iterator[dict[str, Visitor]]:
    """Everybody, logged in at the page of FAB."""
    made = {name: Visitor(address, name, f"{PASSWORD}{name}") for name in ROLES}
    yield made
    for visitor in made.values():
        visitor.close()


def test_who_logs_in_at_fabs_page_is_back_in_the_console(visitors: dict[str, Visitor]) -> None:
    for name, visitor in visitors.items():
        assert visitor.landed.url.path == "/resultsday/", name
        assert visitor.landed.status_code == (403 if name == "ops" else 200), name


def test_ops_4_under_fab_a_role_can_do_what_its_page_says_and_no_more(visitors: dict[str, Visitor]) -> None:
    assert list(not_as_said(visitors)) == []


@pytest.fixture(scope="module")
def proposal(desk: Desk) -> Proposal:
    """Boundaries that wait for somebody to approve them."""
    desk.store.put("feeds/boundaries/fab.csv", feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES)))
    take_boundaries(desk, datetime(2100, 1, 1, tzinfo=UTC))
    put_forward(desk, datetime(2024, 8, 14, tzinfo=UTC), people=1)
    [waiting] = listed(desk)
    return waiting


def of_accounts() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What somebody may try who wants to be another: method, path and body for FAB's own API and pages."""
    users, roles = "/auth/fab/v1/users", "/auth/fab/v1/roles"
    new = {"username": "john", "first_name": "J", "last_name": "D", "email": "j@board.example", "password": "x"}
    yield "POST", users, {"json": new | {"roles": [{"name": "User"}]}}
    for name in ROLES:
        yield "PATCH", f"{users}/{name}?update_mask=username", {"json": {"username": "john"}}
        yield "PATCH", f"{users}/{name}?update_mask=roles", {"json": {"roles": [{"name": "Admin"}]}}
        yield "PATCH", f"{users}/{name}?update_mask=password", {"json": {"password": "x"}}
        yield "DELETE", f"{users}/{name}", {}
    every = [{"action": {"name": action}, "resource": {"name": "DAGs"}} for action in ("can_edit", "can_delete")]
    yield "POST", roles, {"json": {"name": "Approver", "actions": every}}
    for role in set(ROLES.values()):
        yield "PATCH", f"{roles}/{role}", {"json": {"name": role, "actions": every}}
    yield "POST", "/auth/users/add", {"data": new | {"conf_password": "x", "roles": "1", "active": "y"}}
    yield "POST", "/auth/register/form", {"data": new}
    yield "POST", "/auth/users/edit/1", {"data": {"username": "john"}}


def test_ops_4_under_fab_whatever_is_done_in_airflow_approves_nothing(
    visitors: dict[str, Visitor], desk: Desk, proposal: Proposal
) -> None:
    run = visitors["olive"].asks(
        "POST", "/api/v2/dags/award/dagRuns", json={"logical_date": None, "conf": {"series": SERIES}}
    )
    assert run.status_code == 200
    let: dict[str, list[str]] = {name: [] for name in ROLES}
    for name, visitor in visitors.items():
        answers = dict(in_the_console(visitor, proposal, approver=name == "jane"))
        assert {tried for tried, status in answers.items() if status < 400} == set(), name
        for tried, method, path, body in attacks(
            SERIES, run.json()["dag_run_id"], "boundaries_decided", "award_series"
        ):
            if visitor.asks(method, path, json=body).status_code < 400:
                let[name].append(tried)
    print(f"let through: {let}")
    assert (let["vera"], let["jane"], let["ops"]) == ([], [], ["write the note"])
    current = desk.approvals.numbered(proposal.id)
    assert current
    assert (current.said, current.sha256) == ((), proposal.sha256)
    assert desk.results.conversions(SERIES) == []


def test_ops_4_under_fab_nobody_but_the_owner_changes_an_account_or_a_role(visitors: dict[str, Visitor]) -> None:
    def kept() -> list[Any]:
        both = [visitors["olive"].get(f"/auth/fab/v1/{kind}").json() for kind in ("users", "roles")]
        people = [(one["username"], one["roles"], one["changed_on"]) for one in both[0]["users"]]
        assert {name for name, *_ in people} == set(ROLES)
        return [people, both[1]]

    before = kept()
    for name in ("vera", "jane", "ops"):
        for method, path, body in of_accounts():
            answer = visitors[name].asks(method, path, **body, follow_redirects=False)
            assert answer.status_code >= 300, (name, method, path)
    assert kept() == before


def test_ops_4_under_fab_who_is_named_and_logged_in_approves_what_is_shown(
    visitors: dict[str, Visitor], desk: Desk, proposal: Proposal
) -> None:
    assert visitors["jane"].says(proposal.id, "approve", "the awarding meeting's", proposal.sha256).status_code == 303
    current = desk.approvals.numbered(proposal.id)
    assert current
    assert [(said.by, said.verdict) for said in current.said] == [(Signer("jane", terms.BY_CONSOLE), terms.APPROVED)]


def test_ops_4_wrong_passwords_at_fabs_page_and_for_tokens_are_counted_together(
    address: str, desk: Desk, visitors: dict[str, Visitor]
) -> None:
    with httpx.Client(base_url=address, timeout=60, trust_env=False) as client:

        def token(name: str) -> int:
            said = {"username": name, "password": "wrong"}
            return client.post("/auth/token", json=said).status_code

        def page(name: str) -> int:
            [csrf] = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/auth/login/").text)
            said = {"username": name, "password": "wrong", "csrf_token": csrf}
            return client.post("/auth/login/", data=said, headers={"referer": f"{address}/auth/login/"}).status_code

        assert [token("vera") for _ in range(FREE - 2)] == [401] * (FREE - 2)
        assert [page("vera"), page("VERA")] == [302, 302]
        with desk.ledger.engine.connect() as connection:
            counted = (
                connection.execute(sa.text("SELECT times FROM place.wrong_passwords WHERE times > 0")).scalars().all()
            )
        assert counted == [FREE]
        # A try that comes when the pause is over is wrong, and doubles it.
        assert until(lambda: page("vera") == 429)
        assert until(lambda: token("vera") == 429)
        assert page("olive") == 302
