"""Who may see and do what, and what is recorded (OPS-3)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page

from infra.ledger.console import ConsoleBook
from infra.ledger.submissions import Ledger
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.console.records import HARMLESS
from rules.findings import CODES
from tests.console.scene import FIRST, OTHER, REUSED, SERIES, TWICE, Scene
from tests.patience import PATIENCE

Open = Callable[..., Page]


def test_who_has_not_logged_in_sees_nothing(desk: RunningDesk) -> None:
    with httpx.Client(base_url=desk.ui_url, timeout=PATIENCE, trust_env=False) as client:
        for path in ("", "centres", "files", "files/1", "quarantine", "watch", "approval", "search", "reports/x.html"):
            assert client.get(f"/resultsday/{path}").status_code == 401, path
            sent = client.get(f"/resultsday/{path}", headers={"Accept": "text/html"})
            assert (sent.status_code, "/auth/login" in sent.headers["location"]) == (303, True), path
        here = {"Origin": desk.ui_url}
        for path in ("files/1/decision", "files/1/shown", "search", f"centres/{FIRST}/candidates/0001"):
            assert client.post(f"/resultsday/{path}", headers=here).status_code == 401, path


def test_every_page_is_locked_against_scripts_frames_and_caches(desk: RunningDesk, opened: Open) -> None:
    page = opened("officer")
    answer = page.goto("/resultsday/")
    assert answer
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; " in policy
    # The only script is the one whose hash the policy names: it follows Airflow's theme.
    [script] = re.findall(r"<script>(.*?)</script>", answer.text(), re.DOTALL)
    assert f"script-src 'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'; style-src 'self'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<script[^>]|style=|\son\w+=", answer.text().replace(f"<script>{script}", ""))


def test_a_viewer_sees_counts_only(opened: Open, scene: Scene) -> None:
    page = opened("looker")
    for path in ("", "centres", "watch", "approval"):
        answer = page.goto(f"/resultsday/{path}?series={SERIES}")
        assert answer
        assert answer.status == 200
    page.goto(f"/resultsday/centres?series={SERIES}")
    assert page.locator("nav[aria-label=Console] a").all_inner_texts() == [
        "Season", "Centres", "Watch", "Approval", "Night",
    ]  # fmt: skip
    for path in ("files", f"files/{scene.twice}", "quarantine", f"centres/{FIRST}", "search", "audit", "night.csv"):
        answer = page.goto(f"/resultsday/{path}")
        assert answer
        assert (answer.status, "may not see this" in answer.text()) == (403, True), path


def test_a_reader_sees_files_and_does_not_decide(opened: Open, scene: Scene, desk: RunningDesk) -> None:
    page = opened("reader")
    page.goto(f"/resultsday/files/{scene.other}")
    assert "You may look at it but not decide." in page.locator("main").inner_text()
    sent = page.request.post(
        f"/resultsday/files/{scene.other}/decision",
        form={"action": "ignore", "why": "x"},
        headers={"Origin": desk.ui_url},
    )
    assert sent.status == 403


@pytest.mark.parametrize("user", ["reader", "officer"])
def test_nothing_personal_is_shown_without_the_right_to_it(
    opened: Open, scene: Scene, desk: RunningDesk, user: str
) -> None:
    page = opened(user)
    paths = [f"files/{number}" for number in (scene.mismatch, scene.twice, scene.reused, scene.other)]
    paths += ["", "centres", "files", "quarantine", "watch", f"centres/{FIRST}", f"centres/{FIRST}/candidates/0001"]
    for path in paths:
        answer = page.goto(f"/resultsday/{path}")
        assert answer
        assert answer.status == 200, path
        assert not [secret for secret in scene.personal if secret in answer.text()], path
    here = {"Origin": desk.ui_url}
    for path in (f"files/{scene.mismatch}/shown", f"centres/{FIRST}/candidates/0001"):
        assert page.request.post(f"/resultsday/{path}", form={"why": "x"}, headers=here).status == 403, path


def test_personal_data_are_shown_to_whom_the_settings_name_for_a_reason(
    opened: Open, scene: Scene, desk: RunningDesk
) -> None:
    page = opened("admin")
    address = f"/resultsday/centres/{FIRST}/candidates/0002"
    page.goto(address)
    assert not [secret for secret in scene.personal if secret in page.content()]
    here = {"Origin": desk.ui_url}
    assert page.request.post(address, form={"why": " "}, headers=here).status == 400
    page.get_by_text("Show personal data").click()
    page.get_by_label("Why you need it").fill("a question of the centre")
    page.keyboard.press("Enter")
    page.get_by_text("that has been recorded").wait_for()
    assert [secret for secret in scene.personal if secret in page.content()]
    with Ledger(desk.database_url) as ledger:
        newest, *others = ConsoleBook(ledger.engine).acted(FIRST)
    assert (newest["who"], newest["action"], newest["why"], newest["file_name"]) == (
        "admin", "personal_data", "a question of the centre", "candidate 0002",
    )  # fmt: skip
    # A reload shows it again and is no second row; the address opens no other page.
    page.reload()
    assert [secret for secret in scene.personal if secret in page.content()]
    with Ledger(desk.database_url) as ledger:
        assert len(ConsoleBook(ledger.engine).acted(FIRST)) == 1 + len(others)
    shown = page.url.partition("?")[2]
    page.goto(f"/resultsday/centres/{FIRST}/candidates/0001?{shown}")
    assert not [secret for secret in scene.personal if secret in page.content()]


def test_fil_1_a_held_file_is_released_by_keyboard_and_it_is_on_record(opened: Open, scene: Scene) -> None:
    page = opened("officer")
    page.goto(f"/resultsday/files/{scene.twice}")
    page.get_by_label("Decide again").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.type("the first file was the wrong one")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith((f"/{scene.twice}", "/decision")))
    said = page.locator("main").inner_text()
    assert "accepted with warnings" in said
    assert f"file {scene.twice}, which was held, once more: release by officer" in said
    assert "the first file was the wrong one" in page.locator("pre.reply").inner_text()
    page.goto("/resultsday/quarantine")
    assert f"E{TWICE}15.X02" not in page.locator("section").first.inner_text()
    assert "officer\trelease\tthe first file was the wrong one" in page.locator("section").last.inner_text()
    page.goto(f"/resultsday/files/{scene.twice}")
    assert "officer decided on" in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Do it").count() == 0


def test_fil_3_what_cannot_be_released_is_refused_with_the_reason(
    opened: Open, scene: Scene, desk: RunningDesk
) -> None:
    page = opened("officer")
    page.goto(f"/resultsday/files/{scene.reused}")
    assert page.get_by_label("Release").is_disabled()
    sent = page.request.post(
        f"/resultsday/files/{scene.reused}/decision",
        form={"action": "release", "why": "because"},
        headers={"Origin": desk.ui_url},
    )
    assert (sent.status, "Not done: only a second entry file" in sent.text()) == (409, True)
    assert REUSED in sent.text()


def test_what_changes_something_comes_from_a_page_of_ours(opened: Open, scene: Scene, desk: RunningDesk) -> None:
    page = opened("officer")
    address = f"/resultsday/files/{scene.other}/decision"
    form: dict[str, str | float | bool] = {"action": "ignore", "why": "x"}
    for headers in (
        {},
        {"Origin": "http://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": desk.ui_url, "Sec-Fetch-Site": "cross-site"},
    ):
        assert page.request.post(address, form=form, headers=headers).status == 403, headers
    assert page.request.get(address).status == 405
    page.goto(f"/resultsday/centres/{OTHER}?series={SERIES}")
    assert "SECOND_ENTRY_FILE" in page.locator("main").inner_text()


def test_reports_are_served_and_those_under_embargo_only_to_approvers(
    opened: Open, desk: RunningDesk, desk_settings: Settings
) -> None:
    for name in ("checkpoints/console.html", "award/2025-06/9/index.html"):
        path = Path(desk_settings.store_location) / "reports" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<p>made up</p>", encoding="utf-8")
    asked = {user: opened(user).request for user in ("officer", "admin")}
    personal = "/resultsday/reports/checkpoints/console.html"
    assert [asked[user].get(personal).status for user in ("officer", "admin")] == [403, 200]
    assert "made up" not in asked["admin"].get(personal).text()
    here = {"Origin": desk.ui_url}
    assert asked["officer"].post(personal, form={"why": "x"}, headers=here).status == 403
    assert asked["admin"].post(personal, form={"why": " "}, headers=here).status == 400
    shown = asked["admin"].post(personal, form={"why": "a question"}, headers=here)
    assert (shown.status, shown.text()) == (200, "<p>made up</p>")
    assert "sandbox" in shown.headers["content-security-policy"]
    with Ledger(desk.database_url) as ledger:
        newest = ConsoleBook(ledger.engine).acted("")[0]
    assert (newest["who"], newest["action"], newest["why"], newest["file_name"]) == (
        "admin", "personal_data", "a question", "reports/checkpoints/console.html",
    )  # fmt: skip
    embargoed = "/resultsday/reports/award/2025-06/9/index.html"
    assert [asked[user].get(embargoed).status for user in ("officer", "admin")] == [403, 200]
    for key in ("checkpoints/none.html", "../archive/x.html", "%2e%2e/airflow/passwords.json", "checkpoints/x.exe"):
        assert asked["admin"].get(f"/resultsday/reports/{key}").status == 404, key


def test_no_personal_data_in_the_log_of_the_server(opened: Open, scene: Scene, desk_settings: Settings) -> None:
    page = opened("officer")
    for secret in sorted(scene.personal)[:4]:
        page.goto("/resultsday/search")
        page.locator("#words").fill(secret)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    log = (desk_settings.state / "logs" / "api-server.log").read_text(encoding="utf-8", errors="replace")
    assert "/resultsday/search" in log
    assert not [secret for secret in scene.personal if secret in log]


def test_codes_that_are_shown_whole_quote_nothing_about_a_person() -> None:
    assert not HARMLESS - CODES.keys()
    personal = {"uci", "other", "registered", "kept", "near", "who", "core", "plain", "cause", "found", "wanted"}
    for code in HARMLESS - {"FILE_CUT", "FILE_NOT_EDI", "FILES_JOINED"}:  # what is put in there is ours
        declared = CODES[code]
        facts = set(re.findall(r"\{(\w+)[^}]*\}", declared.message + declared.expected + declared.remedy))
        assert not facts & personal, code
