"""The container image, as far as it can be looked at without an engine."""

from __future__ import annotations

import io
import re
import tomllib
from typing import Any

import pytest
from dockerfile_parse import DockerfileParser
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tests.deploy.conftest import DEPLOY, ROOT, program

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def steps() -> list[dict[str, Any]]:
    """The instructions of the Containerfile."""
    copy: Any = io.BytesIO((DEPLOY / "Containerfile").read_bytes())  # it would make a file called Dockerfile
    parser = DockerfileParser(fileobj=copy)
    return [dict(step) for step in parser.structure if step["instruction"] != "COMMENT"]


def values(steps: list[dict[str, Any]], instruction: str) -> list[str]:
    """What follows an instruction, everywhere."""
    return [step["value"] for step in steps if step["instruction"] == instruction]


def pins(text: str) -> dict[str, str]:
    """The packages of a lock with their versions."""
    found = re.findall(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


def test_hadolint_has_nothing_to_say() -> None:
    done = program("hadolint", "--no-color", "Containerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_what_is_copied_is_there_and_sent_to_the_build(steps: list[dict[str, Any]]) -> None:
    sent = (DEPLOY / "Containerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [value.split()[:-1] for value in values(steps, "COPY") if "--from=" not in value]
    sources = [source for sources in copied for source in sources]
    assert len(sources) == 13
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source.split('/')[0]}" in sent, source
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"][
        "wheel"
    ]
    packages = set(wheel["only-include"])
    assert packages | {"dags"} <= set(sources)
    # Inside the wheel's own package, which is on the path here.
    assert wheel["sources"] == {name: f"resultsday/{name}" for name in packages}
    [path] = re.findall(r"PYTHONPATH=(\S+)", " ".join(values(steps, "ENV")))
    version = re.search(r"python:(\d+\.\d+)", values(steps, "FROM")[0])
    assert version
    assert path.split(":") == ["/opt/resultsday", f"/opt/venv/lib/python{version[1]}/site-packages/resultsday"]


def test_python_is_one_the_project_takes(steps: list[dict[str, Any]]) -> None:
    bases = {value.split()[0] for value in values(steps, "FROM")}
    assert len(bases) == 1
    version = re.search(r"python:([\d.]+)-slim-bookworm$", bases.pop())
    assert version
    assert f"{version[1]}.0" in SpecifierSet(PROJECT["requires-python"])


def test_it_runs_as_nobody_in_particular_and_holds_no_secret(steps: list[dict[str, Any]]) -> None:
    assert values(steps, "USER") == ["10001:10001"]
    assert values(steps, "ARG") == []
    assert not re.search(r"(?i)password|secret|token|_KEY", " ".join(values(steps, "ENV")))
    assert values(steps, "CMD")[-1] == '["airflow", "api-server"]'
    assert "8080" in values(steps, "HEALTHCHECK")[0]
    assert values(steps, "EXPOSE") == ["8080"]


def test_packages_are_installed_by_their_hashes(steps: list[dict[str, Any]]) -> None:
    [install] = [value for value in values(steps, "RUN") if "requirements.lock" in value]
    assert "--require-hashes --no-deps" in install
    lock = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    assert lock.count("==") <= lock.count("--hash=sha256:")
    assert all("\\" in line for line in lock.splitlines() if line and line[0].isalpha())


def test_the_image_has_what_the_project_needs_as_it_was_tested() -> None:
    image = pins((DEPLOY / "requirements.lock").read_text(encoding="utf-8"))
    tested = pins((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    added = [
        line
        for line in (DEPLOY / "requirements.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    desk = PROJECT["optional-dependencies"]["desk"]
    for needed in map(Requirement, [*PROJECT["dependencies"], *desk, *added]):
        assert image[canonicalize_name(needed.name)] in needed.specifier, needed
    both = image.keys() & tested.keys()
    assert len(both) > 100
    assert {name: image[name] for name in both} == {name: tested[name] for name in both}
    assert not image.keys() & {"pytest", "mypy", "moto"}
