"""The shape of the console: a page is one template, one view and one query, found by its name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[3] / "pipeline" / "console"
FRAMES = {"base", "parts", "refused"}
"""Templates that are no pages: the frame, what pages share, and what is said when there is no page."""
PAGES = sorted(path.stem for path in (CONSOLE / "templates").glob("*.html") if path.stem not in FRAMES)
VIEWS = sorted(path.stem for path in (CONSOLE / "views").glob("*.py") if path.stem != "__init__")
QUERY = re.compile(r"desk\(?\)?\.console\.(\w+)\(")


def test_every_page_has_one_template_and_one_view_and_they_are_called_as_it_is() -> None:
    assert VIEWS == PAGES
    for name in VIEWS:
        text = (CONSOLE / "views" / f"{name}.py").read_text(encoding="utf-8")
        functions = {node.name for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        assert name in functions, name
        assert set(re.findall(r"visit\.page\(\"(\w+)\.html\"", text)) == {name}


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_asks_the_ledger_one_query_of_its_name_and_holds_no_sql_and_no_html(name: str) -> None:
    text = (CONSOLE / "views" / f"{name}.py").read_text(encoding="utf-8")
    assert set(QUERY.findall(text)) <= {name, f"{name}_files", f"{name}_codes"}
    assert not re.search(r"sqlalchemy|\bSELECT\b|infra\.ledger\.(tables|sql)|</?[a-z]+[ >]", text), name


def test_queries_hold_no_html() -> None:
    for path in (CONSOLE.parents[1] / "infra" / "ledger").glob("console*.py"):
        assert not re.search(r"</?[a-z]+[ >]|escape\(", path.read_text(encoding="utf-8")), path
