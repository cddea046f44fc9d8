"""Who a learner is, in an explanation (RES-5): what changed in the details (REG-6), UCIs that lead to the learner,
moves between centres (REG-8), each with its source. Which details changed is told, not what they are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import polars as pl

from infra.ledger.approvals import Signer
from infra.ledger.learners import DETAILS
from pipeline.desk import Desk
from rules import identity
from rules.calendar import instant_text


def changes(desk: Desk, uci: str) -> Iterator[tuple[str, str, str]]:
    """What happened to the learner whose UCI in force is `uci`, the oldest first: what, its source, and the rule."""
    life = desk.learners.life(uci)
    happened = [*_details(life["details"]), *_ucis(life["ucis"]), *_moves(desk, uci)]
    for _, what, source, rule in sorted(happened, key=lambda event: event[0]):
        yield what, source, rule


def _details(versions: pl.DataFrame) -> Iterator[tuple[datetime, str, str, str]]:
    before: dict[str, dict[str, Any]] = {}
    for row in versions.iter_rows(named=True):
        held = before.get(row["centre"])
        before[row["centre"]] = row
        if held is not None and (changed := [identity.DETAILS[name] for name in DETAILS if row[name] != held[name]]):
            words = f"centre {row['centre']}: {', '.join(changed)} changed, from {instant_text(row['since'])} on"
            yield row["since"], words, _source(row), "REG-6"


def _ucis(ucis: pl.DataFrame) -> Iterator[tuple[datetime, str, str, str]]:
    for row in ucis.iter_rows(named=True):
        words = f"UCI {row['uci']} leads to {row['in_force']} from {instant_text(row['since'])} on"
        yield row["since"], words, _source(row), "REG-8"
        if row["until"]:
            yield row["until"], f"UCI {row['uci']} leads to {row['in_force']} no longer", "", "REG-8"


def _moves(desk: Desk, uci: str) -> Iterator[tuple[datetime, str, str, str]]:
    moved = desk.trail.moved(uci).iter_rows(named=True)
    for row in moved:
        words = f"moved from centre {row['event'].replace(' to ', ' to centre ')}, as candidate {row['number']:04d}"
        yield (
            row["at"],
            words,
            f"{instant_text(row['at'])}, ordered by {Signer(row['who'], row['how'])}: {row['why']}",
            "REG-8",
        )


def _source(row: dict[str, Any]) -> str:
    """Where a version comes from: the centre's file and line, or an order."""
    if row["who"]:
        return f"{instant_text(row['since'])}, ordered by {Signer(row['who'], row['how'])}: {row['why']}"
    return f"{row['file_name']} line {row['line']}, received {instant_text(row['since'])}"
