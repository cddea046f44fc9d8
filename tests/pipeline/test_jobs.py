"""The list of jobs (`pipeline/jobs.py`) and the code: what is declared is there, and nothing else is a job."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, get_type_hints

import click
import pytest
from attrs import fields_dict, has
from click.testing import CliRunner

from pipeline import steps
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.jobs import JOBS, Job, all_steps
from pipeline.steps import Step

ROOT = Path(__file__).parents[2]


each_job = pytest.mark.parametrize("job", JOBS.values(), ids=JOBS.keys())


def journaled() -> Iterator[str]:
    """The functions that are made jobs, by their places in the code."""
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        module = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and "journaled" in map(ast.unparse, node.decorator_list):
                yield f"{module}:{node.name}"


def test_every_function_on_record_is_declared_and_every_declared_job_is_one() -> None:
    assert sorted(journaled()) == sorted(job.function for job in JOBS.values())


@each_job
def test_res_6_a_job_has_a_desk_an_instant_and_arguments_that_a_replay_can_make(job: Job) -> None:
    function = job.resolved()
    hints, parameters = get_type_hints(function), list(inspect.signature(function).parameters)
    assert hints[parameters[0]] is Desk
    instants = [one for one in hints.values() if isinstance(one, type) and has(one) and "at" in fields_dict(one)]
    assert "now" in hints or len(instants) == 1


def called(function: Any) -> str:
    """The text of a function, what it calls among it."""
    return inspect.getsource(inspect.unwrap(function))


def imported(dag: str) -> Iterator[tuple[str, str]]:
    """Module and name of each function of the pipeline that the tasks of a DAG import."""
    for node in ast.walk(ast.parse((ROOT / "dags" / f"{dag}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pipeline."):
            yield from ((str(node.module), alias.name) for alias in node.names)


@each_job
def test_its_dags_run_it_by_itself_or_through_the_function_they_call(job: Job) -> None:
    module, _, name = job.function.partition(":")
    for dag in job.dags:
        through = [resolve_name(f"{where}:{what}") for where, what in imported(dag)]
        calls = [re.search(rf"\b{name}\(", called(one)) for one in through if inspect.isfunction(one)]
        assert (module, name) in imported(dag) or any(calls), dag


def test_every_job_that_a_dag_runs_names_it() -> None:
    functions = {job.function: job for job in JOBS.values()}
    for path in (ROOT / "dags").glob("*.py"):
        for module, name in imported(path.stem):
            if f"{module}:{name}" in functions:
                assert path.stem in functions[f"{module}:{name}"].dags, (path.stem, name)


@each_job
def test_people_run_it_by_its_commands(job: Job) -> None:
    assert job.commands
    for words in job.commands:
        command: Any = main
        for word in words.split():
            command = command.commands[word]
        assert isinstance(command, click.Command)


@each_job
def test_its_page_is_there_and_names_the_command(job: Job) -> None:
    lines = (ROOT / "docs" / job.page).read_text(encoding="utf-8").splitlines()
    for words in job.commands:
        named = [all(re.search(rf"\b{word}\b", line) for word in ("resultsday", *words.split())) for line in lines]
        assert any(named), words


def test_every_step_is_some_jobs_and_has_a_name_of_its_own() -> None:
    declared = {step for step in vars(steps).values() if isinstance(step, Step)}
    assert declared == {*all_steps()}
    assert len({str(one) for one in declared}) == len(declared)


def test_the_list_of_jobs_is_read_without_the_jobs() -> None:
    look = "import sys, pipeline.jobs; print({'polars', 'sqlalchemy', 'airflow'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "set()"


def test_a_command_lists_the_jobs() -> None:
    told = CliRunner().invoke(main, ["jobs"]).output
    assert all(name in told for name in JOBS)
    assert "by hand: resultsday run statements" in told
