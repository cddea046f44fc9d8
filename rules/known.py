"""What a decision rests on: the files as they arrived, and what the ledger holds about their centres."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import field, frozen

from parsers.reader import Submission
from rules import terms

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
SITTINGS: dict[str, Any] = {
    "centre": pl.String,
    "series": pl.String,
    "uci": pl.String,
    "option": pl.String,
    "absent": pl.Boolean,
}
ALLOWANCES: dict[str, Any] = {"uci": pl.String, "option": pl.String, "number": pl.Int32}
SAT: dict[str, Any] = {"uci": pl.String, "option": pl.String, "series": pl.String}
LEARNERS: dict[str, Any] = {"uln": pl.String, "uci": pl.String, "centre": pl.String}
MARKED: dict[str, Any] = {
    "centre": pl.String,
    "series": pl.String,
    "uci": pl.String,
    "component": pl.String,
    "version": pl.Int32,
    "mark": pl.Int32,
    "status": pl.String,
    "tasks": pl.String,
}
ISSUED: dict[str, Any] = {"centre": pl.String, "series": pl.String, "uci": pl.String, "option": pl.String}
WINDOWS: dict[str, Any] = {
    "centre": pl.String,
    "series": pl.String,
    "component": pl.String,
    "opens": pl.Datetime(time_unit="us", time_zone="UTC"),
    "until": pl.Datetime(time_unit="us", time_zone="UTC"),
}


@frozen(kw_only=True)
class Arrival:
    """One file as it arrived: `centre` is the folder it landed in, `received` its receipt (aware), which decides
    deadlines, `channel` the way it came. `released`: why staff let it through although it was held (FIL-3); empty when
    they did not."""

    submission: Submission
    centre: str
    received: datetime
    sha256: str
    channel: terms.Channel = terms.EDI
    released: str = ""


@frozen(kw_only=True)
class Known:
    """What the ledger holds about the centres of a round of files.

    `files`: files booked or held before (`FILES`; `booked` false = held for a person). `registrations`: those in
    force (`REGISTRATIONS`; `option` is the registration code). `entries`: those in force (`ENTRIES`; `pence` charged
    for it, `entry_pence` of that without the surcharge). `learners` asks for every UCI known for some ULNs, at any
    centre (`LEARNERS`).

    Of the learners of these centres, at whatever centre it was: `sittings`, every entry for a component in any series
    (`SITTINGS`; `absent` from it); `allowances`, extra sittings staff have granted (`ALLOWANCES`); `sat`, components
    with a mark (`SAT`). `extensions`: until when staff have extended a milestone, by centre, series id and event (the
    first instant after it).

    Where centres send marks: `marked`, the mark of each learner and component as it was last given (`MARKED`; `version`
    is that of the newest, adjusted ones too, `tasks` the marks of the tasks, by comma); `windows`, where moderation
    feedback has opened the amendment window, `opens` to before `until` (`WINDOWS`).

    `issued`: claims of these centres that have been processed into results (`ISSUED`; `option` is the cash-in code).
    """

    files: pl.DataFrame
    registrations: pl.DataFrame
    entries: pl.DataFrame
    learners: Callable[[Sequence[str]], pl.DataFrame]
    sittings: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=SITTINGS))
    allowances: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=ALLOWANCES))
    sat: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=SAT))
    extensions: Mapping[tuple[str, str, str], datetime] = field(factory=dict)
    marked: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=MARKED))
    windows: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=WINDOWS))
    issued: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=ISSUED))

    @classmethod
    def nothing(cls) -> Known:
        """An empty ledger."""
        return cls(
            files=pl.DataFrame(schema=FILES),
            registrations=pl.DataFrame(schema=REGISTRATIONS),
            entries=pl.DataFrame(schema=ENTRIES),
            learners=lambda _: pl.DataFrame(schema=LEARNERS),
        )
