"""What runs say in Airflow has a class, and what has none is closed (OPS-4)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline import report_classes
from pipeline.report_classes import NOTE_CLASSES
from pipeline.watching.notes import CLOSED, allowed
from rules import terms

DAGS = sorted((Path(__file__).parents[2] / "dags").glob("*.py"))


def _is_task(function: ast.FunctionDef) -> bool:
    return any(getattr(getattr(one, "func", one), "id", "") == "task" for one in function.decorator_list)


def _functions(tree: ast.AST) -> dict[str, ast.FunctionDef]:
    return {one.name: one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)}


def _returned(function: ast.FunctionDef, others: dict[str, ast.FunctionDef]) -> Iterator[ast.expr]:
    """What a task returns, by its own words or those of a function of the file that it calls."""
    for one in ast.walk(function):
        if isinstance(one, ast.Return) and one.value is not None:
            called = one.value.func if isinstance(one.value, ast.Call) else None
            if isinstance(called, ast.Name) and called.id in others:
                yield from _returned(others[called.id], others)
            else:
                yield one.value


def test_ops_4_every_dag_has_a_class_for_what_it_says() -> None:
    assert set(NOTE_CLASSES) == {path.stem for path in DAGS}
    assert set(NOTE_CLASSES.values()) <= {terms.PUBLIC, terms.STAFF_ONLY}


@pytest.mark.parametrize("path", DAGS, ids=lambda path: path.stem)
def test_ops_4_whatever_a_task_returns_or_notes_passes_by_its_class(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "note_run" not in text
    assert "xcom" not in text.lower()
    functions = _functions(ast.parse(text))
    tasks = [one for one in functions.values() if _is_task(one)]
    assert tasks
    for task in tasks:
        for value in _returned(task, functions):
            assert ast.unparse(value).startswith(f"allowed('{path.stem}', "), (task.name, ast.unparse(value))


def test_ops_4_what_has_no_class_or_one_for_few_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allowed("another", "12 awarded") == CLOSED
    for closed in (terms.EMBARGO, terms.PERSONAL):
        monkeypatch.setattr(report_classes, "NOTE_CLASSES", {"award": closed})
        assert allowed("award", "12 awarded") == CLOSED
