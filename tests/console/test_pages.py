"""The operators' console inside the running Airflow, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from infra.running.supervisor import RunningDesk
from tests.console.scene import CENTRES, FIRST, SECOND, SERIES, TWICE, WRONG_NAME, Scene

Open = Callable[..., Page]

PAGES = ("", "centres", "files", "quarantine", "watch", "approval", "search")
NAMED = [f"{centre} School {centre}" for centre in CENTRES]
"""The centres as the console writes them, with their names in the register (REG-10)."""


def at(path: str) -> str:
    """An address of the console, in the scene's series."""
    return f"/resultsday/{path}{'&' if '?' in path else '?'}series={SERIES}"


def rows(page: Page, table: str = "table") -> list[str]:
    return page.locator(f"{table} tbody tr").all_inner_texts()


def test_it_stands_in_airflows_navigation(opened: Open) -> None:
    page = opened("officer")
    page.goto("/")
    page.get_by_role("link", name="Resultsday").first.click()
    inside = page.frame_locator("iframe")
    inside.get_by_role("link", name="Centres", exact=True).click()
    inside.get_by_role("heading", level=1, name="Centres in").wait_for()
    # Airflow keeps the console's address in its own, so that it can be kept and sent on.
    assert "/plugin/resultsday/" in page.url


def test_the_season_shows_calendar_counts_and_what_waits(opened: Open) -> None:
    page = opened("officer")
    page.goto(at("") + "&on=2025-02-11")
    facts = page.locator(".facts").inner_text()
    assert "11 February 2025 12:00 GMT" in facts
    assert re.search(r"on time deadline, 21 February 2025", facts)
    assert "in 10 days 12 hours" in facts
    assert page.locator("svg.dates circle").count() == len(rows(page))
    tiles = dict(tile.split("\n")[:2] for tile in page.locator(".tiles li").all_inner_texts())
    assert tiles["Centres"] == "5"
    assert tiles["In quarantine"] in "0123"
    assert tiles["Marks in"] == "2"
    page.goto("/resultsday/")
    assert page.get_by_role("heading", level=1).inner_text().startswith(("May/June", "December/January"))


def test_all_centres_are_seen_at_once_and_fifty_at_a_time(opened: Open) -> None:
    page = opened("officer")
    page.goto(at("centres?starts=700"))
    assert page.locator("svg.overview rect").count() == 60
    assert len(rows(page)) == 50
    page.get_by_role("link", name="page 2").click()
    assert [row.split("\t")[0] for row in rows(page)] == NAMED[50:]
    page.get_by_role("link", name="page 1").click()
    page.get_by_role("link", name="Entered").click()
    page.get_by_role("link", name="Entered").click()
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Entered")
    assert sorted(row.split("\t")[0] for row in rows(page)[:5]) == NAMED[:5]
    page.get_by_label("Show").select_option("not yet entered")
    page.get_by_role("button", name="Show").last.click()
    expect(page.locator("svg.overview rect")).to_have_count(55)
    assert CENTRES[5] in rows(page)[0]
    page.goto(at(f"centres?starts={SECOND}"))
    [row] = rows(page)
    assert "2/6" in row
    page.locator("svg.overview a").click()
    assert page.get_by_role("heading", level=1).inner_text() == f"Centre {NAMED[1]}, May/June 2025"


def test_a_centre_has_its_files_what_is_missing_and_its_findings(opened: Open) -> None:
    page = opened("officer")
    page.goto(at(f"centres/{SECOND}"))
    assert "4 marks for internal components" in page.locator("main").inner_text()
    assert "BEN02\t3\t0001, 0002, 0003" in page.locator("main").inner_text()
    page.goto(at(f"centres/{FIRST}"))
    page.get_by_role("link", name="NAME_MISMATCH").click()
    assert page.locator("main").inner_text().count(FIRST) >= 1
    assert page.get_by_role("heading", name="Files of May/June 2025").is_visible()


def test_a_finding_shows_its_record_with_the_columns_marked(opened: Open, scene: Scene) -> None:
    page = opened("admin")
    page.goto(at(f"files/{scene.mismatch}"))
    finding = page.locator(".finding", has_text="NAME_MISMATCH")
    assert "line 3, columns 13\u201352" in finding.inner_text()
    assert set(finding.locator("mark").inner_text().strip()) == {"."}
    tens, ones = finding.locator(".ruler").inner_text().split("\n")[:2]
    assert (tens.index("10"), ones[9], ones[191]) == (8, "0", "2")
    assert "REPLY X" in page.locator("pre.reply").inner_text()
    page.get_by_text("Show personal data").click()
    page.get_by_label("Why you need it").fill("the centre asks by telephone")
    page.get_by_role("button", name="record that I asked").click()
    assert page.locator(".finding mark").first.inner_text().rstrip() == "MISPELT:PERSON"
    page.goto(at(f"centres/{FIRST}"))
    assert "personal data" in page.locator("main").inner_text()
    assert f"file {scene.mismatch}\tthe centre asks by telephone" in page.locator("main").inner_text()


def test_the_watch_page_names_what_has_not_come(opened: Open) -> None:
    page = opened("looker")
    page.goto(at("watch"))
    said = page.locator("main").inner_text()
    assert re.search(r"Registered, not entered\s+\d+ centres", said)
    assert f"{SECOND}\t4\t6\t3" in said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", [*PAGES, f"centres/{TWICE}", "file"])
def test_text_has_the_contrast_that_wcag_aa_asks_for(opened: Open, scene: Scene, scheme: str, path: str) -> None:
    page = opened("admin", color_scheme=scheme)
    page.goto(at(f"files/{scene.mismatch}" if path == "file" else path))
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 25, 30)"}[scheme]
    assert page.evaluate(CONTRAST) == []


CONTRAST = """() => {
  const parts = (c) => c.match(/[0-9.]+/g).map(Number);
  const light = (c) => parts(c).slice(0, 3).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if ((parts(c)[3] ?? 1) > 0) return c;
    }
  };
  const weak = [];
  for (const e of document.querySelectorAll('body *')) {
    const said = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!said || e.closest('svg') || !e.checkVisibility() || e.closest('option')) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) weak.push(`${e.tagName}.${e.className} ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return weak;
}"""


def test_the_keyboard_reaches_everything_and_shows_where_it_is(opened: Open) -> None:
    page = opened("officer")
    page.goto(at("centres?starts=7000"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    walked = []
    while True:
        page.keyboard.press("Tab")
        kind, name, outline = page.evaluate(
            "((e) => [e.tagName, e.getAttribute('aria-label') || e.textContent.trim(), "
            "getComputedStyle(e).outlineStyle])(document.activeElement)"
        )
        if kind == "BODY":
            break
        walked.append(name)
        assert outline != "none", name
    # The tab key skips the picture's cells; the table has the same links.
    assert CENTRES[0] in walked
    assert walked.index(CENTRES[1]) == walked.index(CENTRES[0]) + 1
    assert not [step for step in walked if "of 6" in step]


def test_on_paper_there_is_no_navigation(opened: Open) -> None:
    page = opened("officer")
    page.goto(at("centres"))
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    assert page.get_by_role("heading", level=1).is_visible()


def test_search_finds_centres_candidates_ucis_and_files(opened: Open, scene: Scene, desk: RunningDesk) -> None:
    page = opened("officer")
    uci = next(secret for secret in sorted(scene.personal) if re.fullmatch(r"70001[0-9]{7}[A-Z]", secret))

    def search(words: str) -> str:
        page.goto(at("search"))
        page.locator("#words").fill(words)
        with page.expect_navigation():
            page.keyboard.press("Enter")
        return page.locator("main").inner_text()

    # One thing found is opened; several are a list.
    assert f"Centre {NAMED[1]}" in search(SECOND)
    assert f"Centre {NAMED[1]}" in search(f"School {SECOND}")
    assert f"Candidate 0002 of centre {SECOND}" in search(f"{SECOND}/0002")
    assert "BEN01\t31\tsubmitted" in page.locator("main").inner_text()
    assert f"of centre {SECOND}" in search(uci.lower())
    assert f"E{TWICE}15.X02" in search(f"{TWICE} 002")
    assert f"E{TWICE}15.X02" in search(f"e{TWICE}15.x02")
    assert f"E{TWICE}15.X02" in search(f"file {scene.twice}")
    reply = page.locator("dt:has-text('Reply') + dd").inner_text()
    assert reply in search(reply)
    assert f"{FIRST}/0002" in search("0002")
    assert "Nothing was found." in search("no such thing")


def test_a_search_can_be_reloaded_and_come_back_to_and_its_address_says_nothing(opened: Open) -> None:
    page = opened("officer")
    secret = WRONG_NAME
    page.goto(at("search"))
    page.locator("#words").fill(secret)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    there = page.url
    assert secret not in there
    page.reload()
    assert secret in page.get_by_role("heading", level=1).inner_text()
    page.get_by_role("link", name="Season").click()
    page.go_back()
    assert (page.url, secret in page.get_by_role("heading", level=1).inner_text()) == (there, True)
    # Nobody else can use the address.
    assert opened("reader").request.get(there).status == 410
