"""A browser, and users who are logged in to the running desk with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page

from infra.running.airflow_setup import passwords
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from tests import browser as browsers
from tests.console.scene import Scene, furnish
from tests.running_desk import desk, desk_settings, mailbox

__all__ = ["desk", "desk_settings", "mailbox"]

TIMEOUT = 60_000

Open = Callable[..., Page]


@pytest.fixture(scope="package")
def scene(desk: RunningDesk, desk_settings: Settings) -> Scene:
    """Files in the ledger of the running desk."""
    return furnish(desk_settings, desk)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser without a window. It has an event loop of its own, which must have ended before others begin."""
    with browsers.running() as running:
        yield running


@pytest.fixture(scope="module")
def _sessions() -> dict[str, Any]:
    return {}


@pytest.fixture
def opened(
    browser: Browser, desk: RunningDesk, desk_settings: Settings, scene: Scene, _sessions: dict[str, Any]
) -> Iterator[Open]:
    """`opened("officer")`: a page on which that user is logged in; fails in the end when the browser complained."""
    complaints: list[str] = []
    contexts = []

    def page(user: str, **wishes: Any) -> Page:
        if user not in _sessions:
            _sessions[user] = _log_in(browser, desk, user, passwords(desk_settings)[user])
        context = browser.new_context(base_url=desk.ui_url, storage_state=_sessions[user], **wishes)
        contexts.append(context)
        context.set_default_timeout(TIMEOUT)
        new = context.new_page()
        new.on("console", heard)
        return new

    def heard(said: ConsoleMessage) -> None:
        # Some tests ask for refusals, and how Airflow frames its plugins is not our concern.
        expected = "status of 4" in said.text or "its sandbox attribute" in said.text
        ours = said.location["url"].startswith(f"{desk.ui_url}/resultsday/")
        if ours and said.type in ("error", "warning") and not expected:
            complaints.append(said.text)

    yield page
    for context in contexts:
        context.close()
    assert complaints == []


def _log_in(browser: Browser, desk: RunningDesk, user: str, password: str) -> Any:
    """Through Airflow's own form, sent there by the console."""
    context = browser.new_context(base_url=desk.ui_url)
    context.set_default_timeout(TIMEOUT)
    page = context.new_page()
    page.goto("/resultsday/")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url("**/resultsday/")
    page.get_by_role("heading", level=1).wait_for()
    state = context.storage_state()
    context.close()
    return state
