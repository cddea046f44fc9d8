"""Files put into the inbox as a sender does, and the replies fetched."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.store import FolderStore
from pipeline.demo.demo import samples
from pipeline.desk import Desk

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def land(desk: Desk, key: str, data: bytes, landed: datetime = NOW - timedelta(hours=1)) -> Path:
    """Puts a file into the inbox as a sender does."""
    assert isinstance(desk.store, FolderStore)
    path = desk.store.root / "inbox" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (landed.timestamp(), landed.timestamp()))
    return path


def land_samples(desk: Desk, landed: datetime | None = None) -> None:
    for one in samples():
        land(desk, one.key.removeprefix("inbox/"), one.path.read_bytes(), landed or one.landed)


def outbox(desk: Desk) -> dict[str, str]:
    """Every text reply by its key."""
    return {
        stored.key.removeprefix("outbox/"): desk.store.get(stored.key).decode("ascii")
        for stored in desk.store.list("outbox/")
        if stored.key.rpartition("/")[2].startswith("X") and not stored.key.endswith(".json")
    }


def answer(desk: Desk) -> dict[str, Any]:
    """The JSON twin of the only reply there is."""
    [key] = outbox(desk)
    twin: dict[str, Any] = json.loads(desk.store.get(f"outbox/{key}.json"))
    return twin
