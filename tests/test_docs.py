"""What the docs show is what the code does: every Python block runs, and prints what its comments say."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

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
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "tests" / "scenarios" / "README.md"]
    folders = "parsers|rules|pipeline|infra|dags|tests|fixtures|bench"
    gone, checked = [], 0
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for path, names in re.findall(rf"`((?:{folders})/[\w/.-]+\.\w+)(?:: ([\w., ]+))?`", text):
            checked += 1
            source = (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None
            said = [one.split(".")[-1] for one in re.split(r",\s*", names) if one]
            if source is None or not all(re.search(rf"\b(?:def|class) {one}\b|^{one}\b", source, re.M) for one in said):
                gone.append(f"{page.name}: {path} {names}")
        for link in re.findall(r"\]\(([^)#:\s]+)", text):
            checked += 1
            if not (page.parent / link).exists():
                gone.append(f"{page.name}: {link}")
    assert gone == []
    assert checked > 150
