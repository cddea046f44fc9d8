"""What the docs show is what the code does, what they point to is there, and the site they make needs nobody."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe

from pipeline.docs.architecture import HOUSE, sentence
from pipeline.docs.diagrams import DESK, FILE, PRODUCTION, RESULTS, Diagram, ends
from pipeline.docs.examples import EXAMPLES
from pipeline.docs.house import GROUND, INFRA, ON_THE_WINGS, PACKAGES, WINGS
from pipeline.docs.testing import KINDS
from rules.findings import CODES
from tests import browser as browsers

ROOT = Path(__file__).parents[1]
BLOCKS = [
    pytest.param(block, id=f"{page.name}-{number}")
    for page in sorted((ROOT / "docs").glob("*.md"))
    for number, block in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_python_in_the_docs_prints_what_it_says(block: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(block, "docs", "exec"), {})
    said = [line.removeprefix("# ") for line in block.splitlines() if line.startswith("# ")]
    assert [line.rstrip() for line in printed.getvalue().splitlines()] == said
    assert said


def test_every_file_and_function_the_pages_point_to_is_there() -> None:
    pages = [
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "tests" / "scenarios" / "README.md",
    ]
    folders = "parsers|rules|pipeline|infra|dags|tests|fixtures|bench"
    gone, checked = [], 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        if page.name == "CONTRIBUTING.md":  # its blocks make what is not there yet; a test makes it
            text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for path, names in re.findall(rf"`((?:{folders})/[\w/.-]+\.\w+)(?:: ([\w., ]+))?`", text):
            checked += 1
            source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None
            said = [one.split(".")[-1] for one in re.split(r",\s*", names) if one]
            if source is None or not all(re.search(rf"\b(?:def|class) {one}\b|^{one}\b", source, re.M) for one in said):
                gone.append(f"{page.name}: {path} {names}")
        for link in re.findall(r"\]\(([^)#:\s]+)|(?:src|srcset)=\"([^\"#:]+)", text):
            link = "".join(link)
            checked += 1
            if not (page.parent / link).exists():
                gone.append(f"{page.name}: {link}")
    assert gone == []
    assert checked > 150


def test_every_finding_code_has_an_example_in_one_place() -> None:
    of_the_library = {one.name.split("-")[0] for one in (ROOT / "fixtures" / "findings").iterdir() if one.is_dir()}
    of_the_desk = [one.code for one in EXAMPLES]
    assert sorted([*of_the_library, *of_the_desk]) == sorted(CODES)
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"^### (\w+)$(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    assert sections.keys() == CODES.keys()
    for code, section in sections.items():
        for example in re.findall(r"```text\n(.*?)```", section, re.DOTALL) or [""]:
            assert re.search(rf"\({CODES[code].rule},\s{code}\)", example), code


def test_the_reply_that_is_explained_is_the_sample_and_whole() -> None:
    page = (ROOT / "docs" / "replies.md").read_text(encoding="utf-8")
    reply = (ROOT / "fixtures/samples/replies/58201/X5820115.X01").read_text(encoding="utf-8")
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    for block in blocks:
        assert block in reply
    # Of two findings of one kind the page shows one.
    [second] = re.findall(r"  2\. line.*?\n\n", reply, re.DOTALL)
    assert "".join(reply.replace(second, "").split()) == "".join("".join(blocks).split())


@pytest.mark.parametrize("diagram", [DESK, FILE, HOUSE, PRODUCTION, RESULTS], ids=lambda one: one.title[:20])
def test_no_arrow_of_a_drawing_crosses_a_box(diagram: Diagram) -> None:
    assert len({(one.column, one.row) for one in diagram.boxes.values()}) == len(diagram.boxes)
    for arrow in diagram.arrows:
        for (x, y), (to_x, to_y) in pairwise(ends(diagram.boxes[arrow.start], diagram.boxes[arrow.end], arrow.bend)):
            for name, box in diagram.boxes.items():
                apart_x = abs((x + to_x) / 2 - box.centre[0]) - abs(x - to_x) / 2 - box.size[0] / 2
                apart_y = abs((y + to_y) / 2 - box.centre[1]) - abs(y - to_y) / 2 - box.size[1] / 2
                inside = box.kind == "frame" and name not in (arrow.start, arrow.end)
                assert inside or round(max(apart_x, apart_y), 6) >= 0, (arrow, name)


def test_every_room_of_the_house_says_in_a_sentence_what_it_is_for() -> None:
    rooms = {f"pipeline/{name}" for name in (*WINGS, *ON_THE_WINGS, *GROUND)} | {f"infra/{name}" for name in INFRA}
    said = [sentence(room) for room in sorted(rooms | PACKAGES.keys() - {"dags"})]
    assert all(re.fullmatch(r"[A-Z`].{30,170}\.", one) for one in said), said
    assert len(set(said)) == len(said)


def test_every_test_is_of_a_kind_and_every_kind_has_tests_and_a_command() -> None:
    kinds = [kind for group in KINDS.values() for kind in group]
    tests = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    for kind in kinds:
        assert any(test.startswith(kind.places) for test in tests), kind.name
        assert all((ROOT / place).exists() for place in kind.places), kind.name
    places = tuple(place for kind in kinds for place in kind.places)
    assert {test for test in tests if not test.startswith(places)} == set()
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for kind in kinds:
        tool, *words = kind.command.split() or ["make", "test"]
        module = ROOT / f"{words[-1].replace('.', '/')}.py"
        assert words[0] in targets if tool == "make" else module.is_file(), kind.name


# --- The site --------------------------------------------------------------------------------------------------------


def _pages(nav: object) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    for part in nav if isinstance(nav, list) else nav.values() if isinstance(nav, dict) else ():
        yield from _pages(part)


class _Asks(HTMLParser):
    """What a page loads when it is opened: `asked`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "a":
            self.asked += [value or "" for name, value in attrs if name in ("src", "srcset", "href", "data", "poster")]


def test_every_page_is_in_the_site_once() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = sorted(one.relative_to(ROOT / "docs").as_posix() for one in (ROOT / "docs").rglob("*.md"))
    assert sorted(_pages(site["nav"])) == pages


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built without a warning."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)],
        cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (built.returncode, built.stdout, built.stderr) == (0, "", "")
    return folder


def test_the_site_asks_for_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 40
    for page in pages:
        reader = _Asks()
        reader.feed(page.read_text(encoding="utf-8"))
        assert reader.asked
        wrong = [one for one in reader.asked if re.match(r"\w+:|//", one) and not one.startswith("data:")]
        assert wrong == [], page.name
        assert "mermaid" not in page.read_text(encoding="utf-8"), page.name  # the theme would fetch its program
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text(encoding="utf-8")), sheet.name


LEVELS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}
"""What axe looks for: WCAG 2.1, level AA. The theme's own landmarks are not named apart, which is beyond it."""


def test_axe_finds_nothing_on_pages_of_the_site_in_either_theme_wide_and_narrow(site: Path) -> None:
    with browsers.running() as browser:
        for theme in ("light", "dark"):
            page = browser.new_context(color_scheme=theme, reduced_motion="reduce").new_page()
            for name in ("index", "console", "findings", "runbook/index"):
                for width in (390, 1280):
                    page.set_viewport_size({"width": width, "height": 900})
                    page.goto(f"{(site / name).as_uri()}.html")
                    found = Axe().run(page, options=LEVELS).response["violations"]
                    told = [(each["id"], [node["target"] for node in each["nodes"]]) for each in found]
                    assert told == [], (theme, name, width)
