"""What the desk's own CSV feeds have in common: which files wait, and where the report about one lies."""

from __future__ import annotations

import re
from datetime import datetime

from infra.store import Stored
from pipeline.desk import Desk


def waiting(desk: Desk, place: str, now: datetime) -> list[Stored]:
    """The CSV files below `place` that have settled at `now` (aware), by key."""
    return [
        one
        for one in desk.store.list(place)
        if one.kind == "file"
        and one.key.lower().endswith(".csv")
        and desk.store.settled(one, now, desk.settings.settle_seconds)
    ]


def report_key(reports: str, name: str) -> str:
    """The key of the report about the feed file of that name, below `reports`: nothing in it can lead elsewhere."""
    harmless = re.sub(r"[^A-Za-z0-9._-]", "_", re.sub(r"\.csv$", "", name, flags=re.IGNORECASE))[:100]
    return f"{reports}{harmless}.txt"
