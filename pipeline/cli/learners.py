"""Commands about learners."""

from __future__ import annotations

from pipeline.cli.tools import main


@main.group()
def learner() -> None:
    """What is held about a learner."""
