"""FAB, the log-in of production, with an API server of its own: each role can do what its page says and no more, and
whoever is named may approve. `make rehearsal` has the rest of production around it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.host import LOCALHOST, claimed_port, ends_with_parent, tail
from infra.ledger.passwords import FREE
from infra.ledger.submissions import migrate
from infra.running.airflow_settings import VARIABLES
from infra.running.airflow_setup import command, environment
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.desk import open_desk
from tests.catalogue import FROZEN
from tests.patience import PATIENCE, until
from tests.rehearsal.rights import not_as_said
from tests.rehearsal.visitors import Visitor

ROLES = {"vera": "Viewer", "jane": "User", "ops": "Op", "olive": "Admin"}
PASSWORD = "a password of "
PEOPLE = """
import sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    for name, role in (word.split("=") for word in sys.argv[2:]):
        found = builder.sm.find_role(role)
        assert builder.sm.add_user(name, name, "Made Up", f"{name}@board.example", found, sys.argv[1] + name)
"""


@pytest.fixture(scope="module")
def address(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where it listens."""
    folder = tmp_path_factory.mktemp("fab")
    for name in ("fab_ledger", "fab_airflow"):
        postgres.create_database(name)
    settings = Settings(
        catalogue=FROZEN, state=folder, database_url=postgres.url("fab_ledger"), approvers="jane,john", personal_data=""
    )
    migrate(settings.database_url)
    with open_desk(settings):
        pass
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
        log = folder / "api-server.log"
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


def test_ops_4_wrong_passwords_at_fabs_page_and_for_tokens_are_counted_together(
    address: str, visitors: dict[str, Visitor]
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
        assert [page("vera"), page("VERA"), page("vera"), token("vera")] == [302, 302, 429, 429]
        assert page("olive") == 302
