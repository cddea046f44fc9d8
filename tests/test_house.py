"""How the house is built: imports run one way, and nothing below the command line looks at the clock or throws dice."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from attrs import fields, resolve_types
from click.testing import CliRunner

from parsers import findings as library
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.docs.house import (
    GROUND,
    GROUND_FLOOR,
    INFRA,
    KNOWS_AIRFLOW,
    MAKE_UP_DATA,
    ON_THE_WINGS,
    PACKAGES,
    WINGS,
    allowed,
)
from rules import terms
from rules.findings import CODES, DESK

ROOT = Path(__file__).parents[1]
LONGEST = 69
"""Lines of a function with its decorators: it is read in one look."""
FROZEN = "infra/ledger/migrations/versions/"
"""What a migration did is history: it is never rewritten, so how long it is does not matter."""
LOOK_AT_THE_CLOCK = (
    "pipeline/watching/callbacks.py",
    "pipeline/cli/",
    "pipeline/console/door_keeper.py",
    "pipeline/console/plugin.py",
    "pipeline/watching/status_plugin.py",
    "pipeline/season/timetable.py",
)
HAVE_A_STOPWATCH = (
    "tests/patience.py",
    "tests/fuzz.py",
    "tests/rehearsal/__main__.py",
    "tests/rehearsal/disturbances.py",
    "tests/rehearsal/topology.py",
)
"""Of the tests' modules."""


def modules(package: str) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / package).rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(name: str, tree: ast.Module) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it: `from package import name` counts as `package.name`."""
    folder = name.split("/")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = folder[: len(folder) + 1 - node.level] if node.level else []
            yield from (".".join([*start, *filter(None, [node.module]), alias.name]) for alias in node.names)


def room(dotted: str) -> str:
    """The room of `pipeline` or `infra` a name belongs to."""
    return ".".join(dotted.split(".")[:2])


def ground_floor(dotted: str) -> bool:
    """Whether a module or a name in it belongs to the ground floor."""
    return f"{dotted}.".startswith(tuple(f"{floor}." for floor in GROUND_FLOOR))


@pytest.mark.parametrize("package", sorted(PACKAGES))
def test_imports_run_one_way(package: str) -> None:
    for name, tree in modules(package):
        above = {dotted for dotted in imported(name, tree) if not ground_floor(dotted)}
        packages = {dotted.split(".")[0] for dotted in above}
        assert not packages & set(PACKAGES) or not ground_floor(name.removesuffix(".py").replace("/", ".")), name
        assert packages & {*PACKAGES, "bench", "tests"} <= {*PACKAGES[package], package}, name
        assert "airflow" not in packages or package == "dags" or name in KNOWS_AIRFLOW, name
        of = room(name.removesuffix(".py").replace("/", "."))
        assert "fixtures" not in packages or package == "fixtures" or of in MAKE_UP_DATA, name


def test_each_wing_uses_the_ground_and_what_the_table_of_the_house_names_and_nothing_else() -> None:
    rooms = allowed()
    used = {one: set[str]() for one in rooms}
    for package in ("pipeline", "infra"):
        for name, tree in modules(package):
            of = room(name.removesuffix("/__init__.py").removesuffix(".py").replace("/", "."))
            uses = {one for one in map(room, imported(name, tree)) if one in rooms and one.startswith(f"{package}.")}
            if of != package:
                assert of in rooms, f"{of} is in no table of pipeline/docs/house.py"
                assert uses <= rooms[of] | {of}, f"{name}: move the helper to the ground, or say so in house.py"
                used[of] |= uses
    tuple(TopologicalSorter(rooms).static_order())  # raises where rooms need each other in a circle
    for table, package in ((GROUND, "pipeline"), (WINGS, "pipeline"), (ON_THE_WINGS, "pipeline"), (INFRA, "infra")):
        for name, named in table.items():
            unused = {f"{package}.{one}" for one in named} - used[f"{package}.{name}"]
            assert not unused, f"{name} no longer uses {unused}: take it out of house.py"


WORDS = {word for name, word in vars(terms).items() if name.isupper() and isinstance(word, str)}
SAY_WORDS = re.compile(r"\b(kind|channel|stage|state|purpose|outcome|band|scope|audience)['\"\])]*(\.in_|\.is_in)?$")
"""The end of an expression whose value is one of the shared words, as `pl.col("kind")` or `series.purpose`."""


def words_said(tree: ast.Module) -> Iterator[ast.expr]:
    """Where a file says what may be one of the shared words: compares with it, makes a column of it, returns it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(SAY_WORDS.search(ast.unparse(side)) for side in sides):
                yield from sides
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.endswith((".lit", ".literal")) or SAY_WORDS.search(called):
                yield from node.args
        elif isinstance(node, ast.Return) and node.value:
            yield node.value
        elif isinstance(node, ast.IfExp):
            yield ast.copy_location(ast.Tuple([node.body, node.orelse]), node)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            yield node.slice


@pytest.mark.parametrize("package", ["rules", "infra", "pipeline", "dags"])
def test_shared_words_are_said_by_their_names(package: str) -> None:
    """SQL of the migrations is history, and the made-up season has kinds of its own."""
    assert len(WORDS) > 25
    for name, tree in modules(package):
        if name.startswith(("infra/ledger/migrations/", "pipeline/demo/")) or name == "rules/terms.py":
            continue
        for said in words_said(tree):
            parts = getattr(said, "elts", [said])
            texts = {one.value for one in parts if isinstance(one, ast.Constant)}
            named = 0 < len(texts) == len(parts) and texts <= WORDS
            assert not named, f"{name}: {said.lineno}: rules/terms.py has a name for {texts}"


def test_the_format_library_needs_four_packages_and_nothing_of_ours() -> None:
    packages = {dotted.split(".")[0] for name, tree in modules("parsers") for dotted in imported(name, tree)}
    assert packages - set(sys.stdlib_module_names) == {"parsers", "attrs", "lark", "numpy", "polars"}


def test_the_format_library_names_its_own_modules_relatively_and_works_under_any_name(tmp_path: Path) -> None:
    formats = tmp_path / "formats"
    shutil.copytree(ROOT / "parsers", formats, ignore=shutil.ignore_patterns("__pycache__"))
    names = {".".join(path.relative_to(tmp_path).with_suffix("").parts) for path in formats.rglob("*.py")}
    lines = ["import sys, importlib", f"sys.path.insert(0, {str(tmp_path)!r})"]
    lines += [f"importlib.import_module({name.removesuffix('.__init__')!r})" for name in sorted(names)]
    lines += ["from formats.order import in_order", "print(in_order('13579'), 'parsers' in sys.modules)"]
    ran = subprocess.run([sys.executable, "-I", "-c", "; ".join(lines)], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["True", "False"]
    assert not [path.name for path in formats.rglob("*.py") if re.search(r"(from|import) parsers\b", path.read_text())]


BOOKS = {one.type for one in fields(resolve_types(Desk)) if one.type and one.type.__module__.startswith("infra.ledger")}
KNOW_NO_DESK = {"pipeline/watching/callbacks.py", "pipeline/watching/health.py"}
"""They speak when the catalogue or the store cannot be opened, too."""


@pytest.mark.parametrize("package", ["pipeline", "dags"])
def test_every_book_of_the_ledger_is_opened_with_the_desk_and_nobody_reaches_behind_it(package: str) -> None:
    books = {one.__name__ for one in BOOKS}
    assert len(books) > 10
    for name, tree in modules(package):
        reached = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        if name != "pipeline/desk.py":
            assert not {one for one in reached if one.endswith("ledger.engine")}, name
            assert not called & books or name in KNOW_NO_DESK, name


@pytest.mark.parametrize("package", [*sorted(PACKAGES), "bench", "tests"])
def test_every_function_can_be_read_in_one_look(package: str) -> None:
    for name, tree in modules(package):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not name.startswith(FROZEN):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                assert (node.end_lineno or first) - first < LONGEST, f"{name}:{first} {node.name}"


def test_what_tests_share_lies_in_modules_of_its_own_and_they_wait_by_looking() -> None:
    for name, tree in modules("tests"):
        shared = {one for one in imported(name, tree) if one.startswith("tests.")}
        assert not {one for one in shared if re.search(r"\.test_", one)}, name
        called = {ast.unparse(node.func).split(".")[-1] for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"sleep", "monotonic", "perf_counter"} or name in HAVE_A_STOPWATCH, f"{name}: use until()"


@pytest.mark.parametrize("package", ["parsers", "rules", "pipeline"])
def test_time_and_chance_are_arguments(package: str) -> None:
    for name, tree in modules(package):
        called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
        assert not called & {"time.time", "date.today", "datetime.today", "datetime.utcnow"}, name
        assert "datetime.now" not in called or name.startswith(LOOK_AT_THE_CLOCK), name
        assert not {one for one in called if one.startswith("random.")}, name


def test_every_finding_code_is_in_use_and_has_its_rule_on_the_rules_page() -> None:
    code_text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "parsers").glob("*.py"))
    code_text += "".join(
        path.read_text(encoding="utf-8") for p in ("rules", "pipeline") for path in (ROOT / p).rglob("*.py")
    )
    rules_page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    used = Counter(re.findall(r"\b[A-Z][A-Z0-9_]*\b", code_text))
    for code in CODES.values():
        assert used[code.name] > 2, code.name
        assert re.search(rf"\b{code.rule}\b", rules_page), code.rule


def test_a_code_is_declared_where_it_is_found() -> None:
    assert not library.CODES.keys() & DESK.keys()
    found_by_the_library = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "parsers").rglob("*.py") if path.name != "findings.py"
    )
    for name in CODES.keys() - {library.MORE_OF_THE_SAME.name}:
        assert bool(re.search(rf"\b{name}\b", found_by_the_library)) == (name in library.CODES), name


def test_every_rule_of_the_desk_has_a_test_that_names_it() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")).lower()
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    enforced = set(re.findall(r"^\| ([A-Z]{3}-\d+) \|", page, re.MULTILINE))
    assert len(enforced) >= 17
    for rule in enforced:
        assert re.search(rf"{rule.lower().replace('-', '[-_]')}\b|{rule.lower().replace('-', '[-_]')}_", tests), rule


def test_generated_pages_are_up_to_date() -> None:
    result = CliRunner().invoke(main, ["docs", "--check"])
    assert result.exit_code == 0, result.output


def test_the_lock_names_no_address() -> None:
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert all("==" in line for line in lock.splitlines() if line and line[0].isalpha())
