"""Where the files for production lie, and the programs that read them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "infra" / "deploy"


def program(name: str, *words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program that is installed beside Python."""
    command = [str(Path(sys.executable).parent / name), *map(str, words)]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=60, cwd=DEPLOY, env=env)
