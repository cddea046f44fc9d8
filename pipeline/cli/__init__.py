"""The command line: `resultsday`. The only place besides the DAGs that looks at the clock."""

from pipeline.cli import calendar, desk, files, results, staff
from pipeline.cli.tools import main

__all__ = ["calendar", "desk", "files", "main", "results", "staff"]
