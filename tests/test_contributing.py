"""CONTRIBUTING.md works: its walks are done step by step in a copy of the tree, and its commands are run there.

A step names a file and a place in it, and a block follows: "In `FILE`, at the end:", or above, below, or instead of the
line that begins with some words.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WALKS = re.findall(r"^## (A .+?)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
STEP = re.compile(
    r"In\s`(?P<file>[^`]+)`,\s(?P<place>at\sthe\send|above|below|instead\sof)(?:\s`(?P<line>[^`\n]+(?:`[^`\n]+)*)`)?:\n\n"
    r"```\w+\n(?P<text>.*?)```|```console\n(?P<commands>.*?)```",
    re.DOTALL,
)


def change(path: Path, place: str, beginning: str | None, text: str) -> None:
    """Does one step: `text` goes where the page says, as far in as the line it goes to."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    if beginning is None:
        assert place == "at the end"
        lines.append(text)
    else:
        [at] = [number for number, line in enumerate(lines) if line.strip().startswith(beginning)]
        margin = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
        new = [margin + line if line.strip() else line for line in text.splitlines(keepends=True)]
        lines[at + (place == "below") : at + (place != "above")] = new
    path.write_text("".join(lines), encoding="utf-8")


def run(folder: Path, words: str) -> str:
    """What a command of the page prints in that copy; fails where it fails."""
    command = shlex.split(words.replace(".venv/bin/", f"{Path(sys.executable).parent}/"))
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = outside | {"PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.mark.parametrize("walk", [pytest.param(text, id=title) for title, text in WALKS])
def test_the_walk_leads_from_the_idea_to_tests_that_pass(walk: str, tmp_path: Path) -> None:
    copy = tmp_path / "resultsday"
    copytree(ROOT, copy, ignore=ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache", ".hypothesis"))
    done = 0
    for step in STEP.finditer(walk):
        if step["commands"] is None:
            change(copy / step["file"], " ".join(step["place"].split()), step["line"], step["text"])
            done += 1
            continue
        for words, *said in (part.strip().splitlines() for part in re.split(r"^\$ ", step["commands"], flags=re.M)[1:]):
            printed = run(copy, words)
            assert [line for line in said if line not in printed] == [], f"{words}\n{printed}"
    assert done == len(re.findall(r"^```(?!console)\w+$", walk, re.MULTILINE)), "a block that is no step"
    assert done >= 5


def test_both_walks_are_walked() -> None:
    assert [title for title, _ in WALKS] == [
        "A rule, from the idea to the test",
        "A record type, from the idea to the test",
    ]
