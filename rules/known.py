"""What a decision rests on: the files as they arrived, and what the ledger holds about their centres."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import frozen

from parsers.reader import Submission

FILES: dict[str, Any] = {
    "centre": pl.String,
    "awarding_body": pl.String,
    "series": pl.String,
    "letter": pl.String,
    "sequence": pl.Int32,
    "sha256": pl.String,
    "received": pl.Datetime(time_unit="us", time_zone="UTC"),
    "reply": pl.String,
    "booked": pl.Boolean,
}
REGISTRATIONS: dict[str, Any] = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "uln": pl.String,
    "name": pl.String,
    "option": pl.String,
}
ENTRIES: dict[str, Any] = {
    "id": pl.Int64,
    "centre": pl.String,
    "series": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "pence": pl.Int64,
    "entry_pence": pl.Int64,
}
LEARNERS: dict[str, Any] = {"uln": pl.String, "uci": pl.String, "centre": pl.String}


@frozen(kw_only=True)
class Arrival:
    """One file as it arrived: `centre` is the folder it landed in, `received` its receipt (aware), which decides
    deadlines."""

    submission: Submission
    centre: str
    received: datetime
    sha256: str


@frozen(kw_only=True)
class Known:
    """What the ledger holds about the centres of a round of files.

    `files`: files booked or held before (`FILES`; `booked` false = held for a person). `registrations`: those in
    force (`REGISTRATIONS`; `option` is the registration code). `entries`: those in force (`ENTRIES`; `pence` charged
    for it, `entry_pence` of that without the surcharge). `learners` asks for every UCI known for some ULNs, at any
    centre (`LEARNERS`).
    """

    files: pl.DataFrame
    registrations: pl.DataFrame
    entries: pl.DataFrame
    learners: Callable[[Sequence[str]], pl.DataFrame]

    @classmethod
    def nothing(cls) -> Known:
        """An empty ledger."""
        return cls(
            files=pl.DataFrame(schema=FILES),
            registrations=pl.DataFrame(schema=REGISTRATIONS),
            entries=pl.DataFrame(schema=ENTRIES),
            learners=lambda _: pl.DataFrame(schema=LEARNERS),
        )
