"""How every page looks: at three widths, in both themes, and to a screen reader; and errors are pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from infra.running.postgres import EmbeddedPostgres
from pipeline.awarding.preview import preview
from pipeline.awarding.what_if import what_if
from pipeline.console.visit import PAGES
from pipeline.corrections.cases import Request, open_case
from pipeline.season.checkpoints import checkpoint
from tests.console.world import NAMED_BY, SERIES, World, furnished, served
from tests.pipeline.results_season import WHO, WHY, series

WIDTHS = (390, 768, 1280)
ASKED = {
    "centres/64123/acts/claim": {"candidate": "0004", "option": "BEN99"},
    "corrections/1": {"kind": "appeal", "marks": "64123/0002/BEN03=60"},
    "withholding/put": {"centre": "64123", "candidate": "0002"},
    "withholding/void": {"centre": "64123", "option": "BEN01"},
}
"""Pages that show the effect of what somebody says."""
MORE = (
    "centres/64123", "centres/64123/candidates/0002", "files/{held}", "files/{refused}",
    "reports/checkpoints/2024-06-award.html",
    "night?still=1",
    "calendar",
    "boundaries?component=BEN01",
    "corrections/open", *ASKED,
)  # fmt: skip
"""Pages that stand in no navigation, and the one that would refresh itself."""


@pytest.fixture(scope="module")
def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with furnished(postgres, tmp_path_factory.mktemp("world"), "looks") as made, served(made):
        made.desk.store.put("reports/checkpoints/2024-06-award.html", b"<p>made up</p>")
        made.release()
        open_case(
            made.desk, series(made.desk), Request(kind="appeal", about=["64123/0002/BEN03"], by=WHO, on="2024-08-22"),
            WHO, WHY, made.now,
        )  # fmt: skip
        yield made


@pytest.fixture
def page(browser: Browser, world: World) -> Iterator[Page]:
    context = browser.new_context(extra_http_headers={NAMED_BY: "clerk"}, base_url=world.url)
    context.set_default_timeout(30_000)
    yield context.new_page()
    context.close()


def opened(page: Page, world: World, path: str) -> None:
    address = path.format(held=world.held, refused=world.refused)
    answer = page.goto(f"/resultsday/{address}{'&' if '?' in address else '?'}series={SERIES}")
    assert answer
    assert answer.status == 200, path
    for name, value in ASKED.get(path, {}).items():
        field = page.locator(f"[name={name}]").first
        (field.select_option if field.evaluate("it => it.tagName") == "SELECT" else field.fill)(value)
    if path in ASKED:
        page.get_by_role("button", name="Show the effect").click()
        assert page.get_by_role("heading", name="The effect").is_visible(), path


@pytest.mark.parametrize("path", [*(path for path, _, _ in PAGES if path != "night"), *MORE])
def test_a_page_fits_every_screen_and_axe_finds_nothing_in_either_theme(page: Page, world: World, path: str) -> None:
    opened(page, world, path)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.scrollingElement.scrollWidth <= innerWidth"), width
    # What axe finds hangs on the colours of a theme, or on what a width shows: each of them once.
    page.emulate_media(color_scheme="light")
    _nothing_found(page, "light")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    _nothing_found(page, "dark")


def _nothing_found(page: Page, theme: str) -> None:
    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == [], theme


def test_the_theme_is_the_one_chosen_in_airflow(page: Page, world: World) -> None:
    def paper() -> str:
        return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))

    page.emulate_media(color_scheme="light")
    opened(page, world, "")
    assert paper() == "rgb(255, 255, 255)"
    page.evaluate("localStorage.setItem('theme', 'dark')")  # as Airflow does
    page.reload()
    assert paper() == "rgb(21, 25, 30)"
    page.emulate_media(color_scheme="dark")
    page.evaluate("localStorage.setItem('theme', 'light')")
    page.reload()
    assert paper() == "rgb(255, 255, 255)"


def test_no_other_script_can_run(page: Page, world: World) -> None:
    opened(page, world, "")
    page.evaluate("s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize(
    ("path", "status"),
    [("files/none", 404), ("files/999999", 404), ("no/such/page", 404), ("search?q=x", 410), ("centres?only=x", 404),
     ("audit?since=2024-13-01", 404), ("centres?at=x", 404), ("files/99999999999999999999999", 404)],
)  # fmt: skip
def test_an_error_is_a_page(page: Page, path: str, status: int) -> None:
    answer = page.goto(f"/resultsday/{path}")
    assert answer
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert page.get_by_role("link", name="Season").is_visible()


def test_the_night_refreshes_itself_until_it_is_told_to_stop_and_reports_nothing_early(
    page: Page, world: World
) -> None:
    answer = page.goto(f"/resultsday/night?series={SERIES}")
    assert answer
    assert answer.headers["refresh"] == "30"
    page.get_by_role("link", name="Stop it").click()
    assert "stands still" in page.locator("main").inner_text()
    rows = [row.split("\t") for row in page.locator("table").first.locator("tbody tr").all_inner_texts()]
    assert [(row[3], row[4], row[5]) for row in rows] == [("centres", "3", "3"), ("learners", "2", "2")]
    told = page.request.get(f"/resultsday/night.csv?series={SERIES}").text().splitlines()
    assert "manifest_sha256" in told[0]
    assert len(told) == 1 + 3 + 2
    assert all(",out," in row for row in told[1:])
    world.desk.store.put("outbox/64123/R6412315.X01", b"changed")
    told = page.request.get(f"/resultsday/night.csv?series={SERIES}").text().splitlines()
    assert len(told) == 6


def test_ops_3_who_did_what_is_found_by_person_kind_and_day_and_exported(page: Page) -> None:
    def rows(query: str) -> list[str]:
        page.goto(f"/resultsday/audit?{query}")
        return page.locator("tbody tr").all_inner_texts()

    every = rows("")
    assert any("results approved" in row for row in every)
    page.get_by_role("link", name="When").click()  # now the oldest first
    times = [row.split("\t")[0] for row in page.locator("tbody tr").all_inner_texts()]
    assert "the oldest first" in page.locator("main").inner_text()
    assert times == [row.split("\t")[0] for row in reversed(every)]
    person = page.locator("#who-did option").nth(1).inner_text()
    assert all(person in row for row in rows(f"who={person}"))
    assert rows("since=2030-01-01") == []
    assert rows("action=results_approved&since=2024-08-14&until=2024-08-14") != []
    assert rows("action=results_approved&until=2024-08-13") == []
    text = page.request.get("/resultsday/audit.csv").text()
    assert len(text.splitlines()) == 1 + len(every)
    assert re.match("at,who,action,centre,about,why\r?\n", text)


def test_ops_6_a_store_that_is_gone_is_said_on_a_page(page: Page, world: World) -> None:
    root = Path(world.desk.settings.store_location)
    root.rename(root.with_name("gone"))
    try:
        answer = page.goto("/resultsday/centres/64123")
        assert answer
        assert (answer.status, "The store cannot be used" in page.content()) == (503, True)
    finally:
        root.with_name("gone").rename(root)


def test_the_original_and_its_reply_are_downloaded_once_a_reason_is_given(page: Page, world: World) -> None:
    address = f"/resultsday/files/{world.refused}"
    assert page.request.get(f"{address}/original").status == 403
    page.goto(address)
    page.get_by_text("Show personal data").click()
    page.get_by_label("Why you need it").fill("the centre asks")
    page.keyboard.press("Enter")
    links = page.get_by_role("link", name="Download")
    for link, beginning in ((links.first, b"E1"), (links.last, b"REPLY X")):
        got = page.request.get(link.get_attribute("href") or "")
        assert (got.status, got.body()[: len(beginning)]) == (200, beginning)
        assert got.headers["content-disposition"].startswith("attachment; ")


def test_axe_finds_nothing_in_the_reports_of_the_desk_in_either_theme(page: Page, world: World) -> None:
    """Every report that this world has: previews, balance sheets, checkpoints, what a moved boundary would do."""
    desk, its = world.desk, series(world.desk)
    preview(desk, world.awarding)
    desk.store.put("reports/what-if.html", what_if(desk, its, {"BEN01": {"L2D": 51}}, world.now).page())
    checkpoint(desk, its, "award", world.now)
    keys = [stored.key for stored in desk.store.list("reports/") if stored.key.endswith(".html")]
    assert len(keys) >= 3
    for key in keys:
        text = desk.store.get(key).decode()
        if text.startswith("<p>made up"):
            continue
        page.set_content(text)
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            found = Axe().run(page).response["violations"]
            assert [(each["id"], [node["target"] for node in each["nodes"]]) for each in found] == [], (key, theme)


def test_ops_1_learners_without_a_result_are_on_the_work_list_by_centre_and_reason(page: Page, world: World) -> None:
    checkpoint(world.desk, series(world.desk), "window_closes", world.now)
    page.goto(f"/resultsday/work?series={SERIES}&kind=without")
    rows = page.locator("tbody tr").all_inner_texts()
    assert [row for row in rows if "64123" in row and "certification is not claimed (CRT-1, at the checkpoint" in row]
