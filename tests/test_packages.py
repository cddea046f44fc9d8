"""The two packages as somebody installs them: into an empty environment, with what they ask for and nothing else."""

from __future__ import annotations

import filecmp
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from email.parser import HeaderParser
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipeline.cli import main
from pipeline.cli.groups import GROUPS, OF_THE_SYSTEM
from pipeline.cli.installed import PLUGINS
from tests.patience import PATIENCE
from tests.support import centre_file

ROOT = Path(__file__).parents[1]
UV = Path(sys.executable).with_name("uv")
MOST = 15
"""Distributions of the slim core, itself included."""


def done(*command: object, cwd: Path | None = None, code: int = 0, **environment: str) -> str:
    """The output of a program that ends with that exit code."""
    ran = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", ""), "LANG": "C.UTF-8"} | environment,
    )  # fmt: skip
    assert ran.returncode == code, ran.stdout + ran.stderr
    return ran.stdout


def requirements(metadata: str, extra: str = "") -> list[Requirement]:
    """What a distribution asks for here."""
    said = HeaderParser().parsestr(metadata).get_all("Requires-Dist", [])
    asked = [Requirement(line) for line in said]
    return [one for one in asked if one.marker is None or one.marker.evaluate({"extra": extra})]


def closure(metadata: str) -> dict[str, PathDistribution]:
    """Everything that a distribution brings along, by name, as it is installed beside these tests."""
    held: dict[str, PathDistribution] = {}
    asked = requirements(metadata)
    while asked:
        name = canonicalize_name(asked.pop().name)
        if name not in held:
            held[name] = distribution(name)  # type: ignore[assignment]
            asked += requirements(str(held[name].read_text("METADATA")))
    return held


class Environment:
    """An environment with one of our wheels and what it asks for."""

    def __init__(self, folder: Path, wheel: Path) -> None:
        self.python = folder / "bin" / "python"
        done(UV, "venv", "--quiet", "--offline", "--python", sys.executable, folder)
        site = next((folder / "lib").glob("python*")) / "site-packages"
        with zipfile.ZipFile(wheel) as held:
            metadata = held.read(next(name for name in held.namelist() if name.endswith("/METADATA"))).decode()
        self.brought = closure(metadata)
        for one in self.brought.values():
            # Links instead of copies: some are large. What describes a distribution must be a folder.
            for top in {file.parts[0] for file in one.files or () if file.parts[0] not in ("..", "__pycache__")}:
                source, target = Path(str(one.locate_file(top))), site / top
                if top.endswith(".dist-info"):
                    shutil.copytree(source, target)
                elif not target.exists():
                    target.symlink_to(source)
        done(UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", self.python, wheel)
        done(UV, "pip", "check", "--quiet", "--python", self.python)
        self.top = {path.name for path in site.iterdir()}
        self.program = folder / "bin" / "resultsday"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both wheels, by the name of their distribution."""
    folder = tmp_path_factory.mktemp("wheels")
    options = ("--quiet", "--offline", "--no-build-isolation", "--wheel", "--python", sys.executable, "-o", folder)
    for source in (ROOT / "parsers", ROOT):
        done(UV, "build", *options, source)
    return {path.name.split("-")[0]: path for path in folder.glob("*.whl")}


@pytest.fixture(scope="module")
def core(wheels: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return Environment(tmp_path_factory.mktemp("core") / "env", wheels["resultsday"])


def test_the_library_alone_reads_and_writes_with_four_packages(wheels: dict[str, Path], tmp_path: Path) -> None:
    library = Environment(tmp_path / "env", wheels["jcq_formats"])
    with zipfile.ZipFile(wheels["jcq_formats"]) as held:
        names, metadata = held.namelist(), held.read("jcq_formats-0.1.0.dist-info/METADATA").decode()
    assert {"jcq_formats/py.typed", "jcq_formats/grammar.lark"} <= set(names)
    assert {name.split("/")[0] for name in names} == {"jcq_formats", "jcq_formats-0.1.0.dist-info"}
    assert "License-Expression: Apache-2.0" in metadata
    assert {one.name for one in requirements(metadata)} == {"attrs", "lark", "numpy", "polars"}
    (tmp_path / "E6412315.X01").write_bytes(centre_file(count=3))
    code = (
        "from pathlib import Path; from jcq_formats.reader import read; from jcq_formats.columns import columns; "
        "from jcq_formats.findings import Found; from jcq_formats.schema import schemas; "
        "one = read('E6412315.X01', Path('E6412315.X01').read_bytes()); found = Found([one.named]); "
        "print(columns([one], one.layout, found).records.height, len(found.of(0)), 'finding' in schemas())"
    )
    assert done(library.python, "-I", "-c", code, cwd=tmp_path).split() == ["3", "0", "True"]


def test_the_core_is_small_and_takes_no_name_but_its_own(core: Environment) -> None:
    assert len(core.brought) + 1 <= MOST, sorted(core.brought)
    assert core.top.isdisjoint({"parsers", "rules", "pipeline", "infra", "fixtures", "dags", "tests", "bench"})
    assert "resultsday" in core.top
    assert "airflow" not in core.top


def test_the_commands_on_files_work_without_a_desk(core: Environment, tmp_path: Path) -> None:
    (tmp_path / "E6412315.X01").write_bytes(centre_file(count=3))
    shown = done(core.program, "check", "E6412315.X01", cwd=tmp_path)
    assert "E6412315.X01" in shown
    assert "641230220001D" in done(core.program, "describe", "E6412315.X01", cwd=tmp_path)
    done(core.program, "convert", "E6412315.X01", "entries.csv", cwd=tmp_path)
    done(core.program, "convert", "entries.csv", "E6412315.X02", cwd=tmp_path)
    assert filecmp.cmp(tmp_path / "E6412315.X01", tmp_path / "E6412315.X02", shallow=False)
    assert "UCI" in done(core.program, "identify", "641230220001D", cwd=tmp_path)
    assert json.loads(done(core.program, "layout", "E5", "--json", cwd=tmp_path))["width"] == 192
    assert "0.1.0" in done(core.program, "--version", cwd=tmp_path)


def test_a_command_of_the_desk_says_what_is_missing(core: Environment, tmp_path: Path) -> None:
    ran = subprocess.run(
        [core.program, "health"], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert ran.returncode == 1
    assert "pip install 'resultsday[desk]'" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_on_windows_nothing_on_the_path_of_files_needs_what_it_lacks(core: Environment, tmp_path: Path) -> None:
    """Modules that only Linux has cannot be imported here; commands on files never ask for one."""
    (tmp_path / "E6412315.X01").write_bytes(centre_file(count=3))
    lacking = {*OF_THE_SYSTEM, "_posixsubprocess", "syslog"} - {"_posixsubprocess"}
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({sorted(lacking)!r})); from resultsday import main; "
        "sys.argv = ['resultsday', *sys.argv[1:]]; sys.exit(main())"
    )
    for arguments in (
        ("check", "E6412315.X01"),
        ("describe", "E6412315.X01"),
        ("convert", "E6412315.X01", "out.json"),
        ("identify", "641230220001D"),
        ("layout", "R5"),
        ("--help",),
    ):
        done(core.python, "-I", "-c", code, *arguments, cwd=tmp_path)


def processor_seconds(*command: object, cwd: Path) -> float:
    """The least processor time of three runs of a program and its children."""

    def once() -> float:
        before = os.times()
        done(*command, cwd=cwd)
        after = os.times()
        return after.children_user - before.children_user + after.children_system - before.children_system

    return min(once() for _ in range(3))


def test_a_check_and_the_help_take_little_processor_time(core: Environment, tmp_path: Path) -> None:
    (tmp_path / "E6412315.X01").write_bytes(centre_file(count=100))
    # What this machine, busy as it is, takes for a known piece of work of the same kind; at rest it takes 0.28 s.
    unit = max(processor_seconds(core.python, "-I", "-c", "import polars, numpy", cwd=tmp_path) / 0.28, 1.0)
    assert processor_seconds(core.program, "check", "E6412315.X01", cwd=tmp_path) < 0.7 * unit
    assert processor_seconds(core.program, "--help", cwd=tmp_path) < 0.25 * unit


# --- What is said of them --------------------------------------------------------------------------------------------


def test_every_command_is_in_one_group_and_each_group_has_an_example_that_can_be_typed() -> None:
    modules = [module for group in GROUPS for module in group.modules]
    assert len(modules) == len(set(modules))
    assert len(GROUPS) == 9
    for name, command in main.commands.items():
        assert command.callback
        assert command.callback.__module__.rpartition(".")[2] in modules, name
    for group in GROUPS:
        program, name, *arguments = group.example.split()
        command = main.commands[name]
        assert program == "resultsday"
        assert command.callback
        assert command.callback.__module__.rpartition(".")[2] in group.modules
        command.make_context(name, arguments).close()


def commands(group: click.Group, named: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, by its words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{named}{name} ")
        else:
            yield f"{named}{name}", command


def test_every_command_that_lists_has_json() -> None:
    lists = {
        name: {option for param in command.params for option in param.opts}
        for name, command in commands(main)
        # Certificates are listed in a file.
        if (command.help or "").startswith(("List", "Count")) and name != "certificates"
    }
    assert {"jobs", "alerts list", "approvals list", "quarantine list", "centre list"} <= lists.keys()
    for name, options in lists.items():
        # What asks why changes something.
        assert "--json" in options or "--why" in options, name


def test_lists_for_programs_are_json() -> None:
    def printed(*arguments: str) -> list[dict[str, object]]:
        done: list[dict[str, object]] = json.loads(CliRunner().invoke(main, arguments).stdout)
        return done

    assert [(one["kind"], one["valid"]) for one in printed("identify", "641230220001D", "?", "--json")] == [
        ("UCI", True), (None, False),
    ]  # fmt: skip
    assert {"award", "ingest"} <= {str(one["name"]) for one in printed("jobs", "--json")}


def test_a_day_that_is_none_is_refused_in_words() -> None:
    for arguments in (("check", ".", "--received", "2024-02-31"), ("basedata", "2024-06", "--at", "31.2.2024")):
        said = " ".join(CliRunner().invoke(main, arguments).output.split())
        assert "is no day of the calendar; give a day as 2024-02-15" in said
        assert "%Y" not in said


def test_errors_for_people_are_named_as_they_are() -> None:
    from importlib import import_module

    from pipeline.cli.tools import _LEDGER, _OUTSIDE

    for dotted in (*_OUTSIDE, _LEDGER):
        module, _, name = dotted.rpartition(".")
        found = getattr(import_module(module), name)
        assert f"{found.__module__}.{found.__qualname__}" == dotted


def test_the_plugins_of_airflow_are_found_by_the_entry_points() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {value.partition(":")[2] for value in project["entry-points"]["airflow.plugins"].values()}
    assert named == PLUGINS.keys()
    for name, module in PLUGINS.items():
        code = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
        assert f"class {name}(" in code


def test_both_packages_have_one_licence_and_one_version() -> None:
    assert (ROOT / "LICENSE").read_bytes() == (ROOT / "parsers" / "LICENSE").read_bytes()
    from parsers import __version__

    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
