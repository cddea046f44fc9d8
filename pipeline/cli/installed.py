"""The program as it is installed: in the wheel this file is the package `resultsday`, and the code lies beside it.

Everything here imports `parsers`, `rules`, `pipeline` and so on by these names, as in a checkout. In an environment
that others use too, such names would collide, so the wheel keeps them inside its own package, and only a process that
runs this program looks there. In a checkout nothing lies beside it, and the checkout is on the path already.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

_BESIDE = Path(__file__).parent
if (_BESIDE / "pipeline").is_dir() and str(_BESIDE) not in sys.path:
    sys.path.insert(0, str(_BESIDE))

PLUGINS = {
    "CalendarPlugin": "pipeline.season.timetable",
    "ConsolePlugin": "pipeline.console.plugin",
    "StatusPlugin": "pipeline.watching.status_plugin",
}
"""Airflow's plugins and their modules: Airflow asks for them by the entry points of the package."""


def __getattr__(name: str) -> Any:
    if name not in PLUGINS:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(PLUGINS[name]), name)


def main() -> Any:
    """The command line."""
    from pipeline.cli import main as command

    return command()
