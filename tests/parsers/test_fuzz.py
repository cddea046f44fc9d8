"""The fuzz, for a little of every test run, and every file that ever crashed the reader (FIL-4)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz import crashers, sound

ROOT = Path(__file__).parents[2]
FILES = 1000
"""Broken ones, besides those it begins with: so many, and not so many seconds, whatever else the machine does."""


@pytest.mark.parametrize(("named", "data"), [pytest.param(*crasher, id=crasher[0]) for crasher in crashers()])
def test_fil_4_what_crashed_once_is_read(named: str, data: bytes) -> None:
    sound(named, data)


def test_fil_4_a_little_fuzz_finds_no_crash(capsys: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--seconds", "inf", "--files", str(FILES), "--seed", "1"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    with capsys.disabled():
        print(f"\n{result.stdout.strip()}", flush=True)
    assert result.returncode == 0, result.stdout + result.stderr
    executions = re.search(r"fuzz: ([0-9,]+) executions", result.stdout)
    assert executions
    assert int(executions[1].replace(",", "")) > FILES
