"""Gives every job and every tool a command of `resultsday`: it reads the clock and prints, the wings do the work."""

from pipeline.cli import (
    approvals,
    calendar,
    centres,
    corrections,
    desk,
    files,
    gate,
    keep,
    learner_export,
    learner_orders,
    production,
    quarantine,
    register,
    results,
    staff,
    watching,
    withhold,
)
from pipeline.cli.tools import main

__all__ = [
    "approvals",
    "calendar",
    "centres",
    "corrections",
    "desk",
    "files",
    "gate",
    "keep",
    "learner_export",
    "learner_orders",
    "main",
    "production",
    "quarantine",
    "register",
    "results",
    "staff",
    "watching",
    "withhold",
]
