"""docs/security.md and the tests of this folder say the same: every defence names its tests, every test is named."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
DEFENDED = PAGE.partition("## What is defended\n")[2].partition("\n## ")[0]


def test_every_defence_points_to_a_test() -> None:
    rows = [line for line in DEFENDED.splitlines() if line.startswith("| ") and "---" not in line][1:]
    assert len(rows) >= 15
    for row in rows:
        assert re.search(r"`tests/[\w/]+\.py: test_\w+", row), row


def test_every_test_of_this_folder_is_named_by_the_page() -> None:
    missing = []
    for path in sorted(HERE.glob("test_*.py")):
        named = " ".join(re.findall(rf"`tests/security/{path.name}: ([\w, ]+)`", PAGE))
        tests = [
            node.name
            for node in ast.parse(path.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
        ]
        assert tests
        missing += [f"{path.name}: {test}" for test in tests if test not in re.split(r"[ ,]+", named)]
    assert missing == []
