"""Every list of the console: how many there are, a page of them, order and filter, all of it in the address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from infra.ledger.actions import Action
from infra.running.postgres import EmbeddedPostgres
from pipeline.console import listing
from tests.console.world import NAMED_BY, SERIES, furnished, served

CONSOLE = Path(listing.__file__).parent
LISTS = {
    "alerts": ["seen"],
    "audit": [],
    "centre": ["received"],
    "centres": ["centre", "learners", "files", "held", "reached"],
    "corrections": ["number", "kind", "requested", "state"],
    "files": ["received"],
    "night": ["centre", "planned", "published", "last", "stale", "kept_back"],
    "quarantine": ["centre", "at", "who", "action"],
    "search": ["received"],
    "watch": ["centre", "lacking", "internal", "learners"],
    "work": ["kind", "centre", "since", "owner"],
}
"""Pages with a list, and by what it can be sorted."""
HEADINGS = {"files": ">Outcome<", "centre": ">Outcome<", "audit": ">Why<"}
"""A column of the list, and of no other table of its page before it."""
PATHS = {"centre": "centres/64123", "files": "files?every=1"}
"""Where a page is not below its own name."""


@pytest.fixture(scope="module")
def console(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with furnished(postgres, tmp_path_factory.mktemp("lists"), "lists") as world, served(world) as there:
        for number in range(5):
            world.desk.actions.record(
                Action(at=there.now, who=f"clerk{number}", why="asked for", action="extension", centre="64123")
            )
        with httpx.Client(base_url=f"{there.url}/resultsday/", headers={NAMED_BY: "clerk"}, timeout=60) as client:
            yield client


def address(name: str, **given: object) -> str:
    path = PATHS.get(name, name)
    words = "&".join(f"{key}={value}" for key, value in {"series": SERIES, **given}.items())
    return f"{path}{'&' if '?' in path else '?'}{words}"


def test_every_list_of_the_console_is_the_one_component() -> None:
    views = {path.stem: path.read_text(encoding="utf-8") for path in (CONSOLE / "views").glob("*.py")}
    assert {name for name, text in views.items() if " listing(" in text} == set(LISTS)
    assert [name for name, text in views.items() if re.search(r"\bat: int = 1|\bPAGE \*|limit=PAGE", text)] == []
    for name, orders in LISTS.items():
        template = (CONSOLE / "templates" / f"{name}.html").read_text(encoding="utf-8")
        assert "parts.pages_of(list)" in template, name
        assert re.search(r"list\.total|total_of\(list", template), name
        assert "list=list" in template or not orders or "parts.column(list" in template, name


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_sorted_by_what_its_address_says_and_by_nothing_else(console: httpx.Client, name: str) -> None:
    for order in LISTS[name]:
        for down in ("", "1"):
            page = console.get(address(name, sort=order, **({"down": down} if down else {})))
            assert page.status_code == 200, (name, order, page.text)
            if f"sort={order}" in "".join(re.findall(r'<th scope="col".*?</th>', page.text)):
                assert f'aria-sort="{"descending" if down else "ascending"}"' in page.text, (name, order)
    assert console.get(address(name, sort="name")).status_code == 404


@pytest.mark.parametrize("name", LISTS)
def test_behind_the_last_page_is_the_last(console: httpx.Client, name: str) -> None:
    for at in (0, -3, 999_999, 10**30):
        assert console.get(address(name, at=at)).status_code == 200, (name, at)


@pytest.mark.parametrize(("name", "given"), [
    ("files", {"sort": "received"}), ("centre", {"sort": "received", "down": "1"}), ("audit", {"action": "extension"}),
])  # fmt: skip
def test_the_pages_of_a_list_together_are_the_list_and_keep_order_and_filter(
    console: httpx.Client, monkeypatch: pytest.MonkeyPatch, name: str, given: dict[str, str]
) -> None:
    def lines(page: httpx.Response) -> list[str]:
        tables = re.findall(r"<table>.*?</table>", page.text, re.DOTALL)
        table = next(table for table in tables if "<td" in table and re.search(HEADINGS[name], table))
        return re.findall(r"<tr><td.*?</tr>", table, re.DOTALL)

    whole = console.get(address(name, **given))
    monkeypatch.setattr(listing, "PAGE", 2)
    seen, page = [], console.get(address(name, **given))
    total = len(lines(whole))
    assert total > 2
    while True:
        seen += lines(page)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        if not following:
            break
        asked = parse_qs(urlsplit(unescape(following[1])).query)
        kept = {"series": SERIES, **given}
        assert {key: asked[key][0] for key in kept} == kept
        page = console.get(httpx.URL(str(page.url)).join(unescape(following[1])))
    assert seen == lines(whole)
