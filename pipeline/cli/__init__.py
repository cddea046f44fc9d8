"""The command line: `resultsday`. The only place besides the DAGs that looks at the clock."""

from pipeline.cli import calendar, centres, desk, files, production, quarantine, results, staff, watching
from pipeline.cli.tools import main

__all__ = ["calendar", "centres", "desk", "files", "main", "production", "quarantine", "results", "staff", "watching"]
