"""Roles in the real Airflow: each can do what the page says and no more (OPS-4)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from infra.ledger.passwords import FREE
from infra.running.supervisor import RunningDesk
from tests.dags.conftest import Visitor
from tests.roles import TRIED, Tried

WHO = ("looker", "reader", "ops", "admin")


@pytest.mark.parametrize("tried", TRIED, ids=[name for name, *_ in TRIED])
def test_ops_4_a_role_can_do_what_its_page_says_and_no_more(visitors: dict[str, Visitor], tried: Tried) -> None:
    _, method, path, body, expected = tried
    said: dict[str, Any] = {} if method == "GET" else {"json": body}
    answers = [visitors[who].asks(method, path, **said) for who in WHO]
    assert [answer.status_code < 400 for answer in answers] == list(expected), [answer.text for answer in answers]
    assert {answer.status_code for answer in answers if answer.status_code >= 400} <= {403}


def test_ops_4_notes_are_written_by_the_services_and_states_by_the_owner_only(visitors: dict[str, Visitor]) -> None:
    run = visitors["admin"].api.trigger("watch")
    path = f"/api/v2/dags/watch/dagRuns/{run}"
    for who, expected in zip(WHO, (403, 403, 200, 200), strict=True):
        assert visitors[who].asks("PATCH", path, json={"note": f"by {who}"}).status_code == expected
    for who in ("looker", "reader", "ops"):
        assert visitors[who].asks("PATCH", path, json={"state": "success"}).status_code == 403
        refused = visitors[who].asks("GET", f"{path}/taskInstances/look/xcomEntries")
        assert (refused.status_code, "for the owner's role" in refused.text) == (403, True)


def test_strangers_see_no_description_of_the_api(desk: RunningDesk, visitors: dict[str, Visitor]) -> None:
    with httpx.Client(base_url=desk.ui_url, timeout=60, trust_env=False) as client:
        for path in ("/docs", "/redoc", "/openapi.json"):
            assert client.get(path).status_code == 401, path
    assert visitors["looker"].asks("GET", "/openapi.json").status_code == 200


def test_wrong_passwords_are_slowed_down_and_others_are_not(desk: RunningDesk, visitors: dict[str, Visitor]) -> None:
    with httpx.Client(base_url=desk.ui_url, timeout=60, trust_env=False) as client:

        def tried(name: str) -> int:
            return client.post("/auth/token", json={"username": name, "password": "wrong"}).status_code

        assert [tried("nobody") for _ in range(FREE + 1)] == [401] * FREE + [429]
        assert tried("somebody-else") == 401
    assert visitors["looker"].asks("GET", "/api/v2/dags").status_code == 200
