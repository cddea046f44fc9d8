"""What is installed is what was looked at: every package is pinned by its hashes, and none is installed without."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = [ROOT / "requirements.lock", *sorted((ROOT / "infra").rglob("*.lock"))]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def locked(lock: Path) -> dict[str, tuple[set[str], str]]:
    """The packages of a lock: their versions, and the rest of the entry."""
    found: dict[str, tuple[set[str], str]] = {}
    for entry in re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8").strip()):
        name, _, rest = entry.partition("==")
        versions, said = found.get(canonicalize_name(name.split("[")[0]), (set(), ""))
        version = re.match(r"[^\s;\\]+", rest)
        assert version, entry
        found[canonicalize_name(name.split("[")[0])] = versions | {version[0]}, said + entry
    return found


def wanted() -> Iterator[Requirement]:
    yield from map(Requirement, PROJECT["project"]["dependencies"])
    yield from map(Requirement, PROJECT["project"]["optional-dependencies"]["desk"])
    yield from map(Requirement, PROJECT["dependency-groups"]["dev"])


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_every_package_of_a_lock_has_its_hashes(lock: Path) -> None:
    assert len(locked(lock)) > 20
    for name, (_, entry) in locked(lock).items():
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), name
        assert not re.search(r"--hash=(?!sha256:)", entry), name


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.parent.name)
def test_no_lock_names_an_address_or_another_index(lock: Path) -> None:
    elsewhere = r"://|--index|--extra-index|--find-links|--trusted-host| @ |git\+|^-e"
    assert re.findall(elsewhere, lock.read_text(encoding="utf-8"), re.MULTILINE) == []


def test_the_lock_has_what_the_project_asks_for() -> None:
    held = locked(LOCKS[0])
    for requirement in wanted():
        versions, _ = held.get(canonicalize_name(requirement.name), (set[str](), ""))
        assert versions, f"{requirement} is not in the lock: `make lock`"
        assert all(requirement.specifier.contains(version, prereleases=True) for version in versions), requirement


def test_make_installs_nothing_without_hashes() -> None:
    """But the project itself, which brings no package along."""
    lines = [line for name in ("Makefile", "install.sh") for line in (ROOT / name).read_text("utf-8").splitlines()]
    installing = [line for line in lines if re.match(r"(\t|\s*step ).*pip (install|sync)\b", line)]
    assert len(installing) >= 3
    for line in installing:
        assert "--require-hashes" in line or ("--no-deps" in line and line.endswith("--editable .")), line
