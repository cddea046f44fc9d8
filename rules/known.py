"""What a decision rests on: the files as they arrived, and what the ledger holds about their centres."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import polars as pl
from attrs import evolve, field, frozen

from parsers.reader import Submission
from rules import terms
from rules.centres import Register
from rules.frames import (
    ALLOWANCES,
    ENTRIES,
    FILES,
    FINAL,
    HOLDINGS,
    ISSUED,
    LEARNERS,
    MARKED,
    PEOPLE,
    REGISTRATIONS,
    SAMPLED,
    SAT,
    SITTINGS,
    UCIS,
    WINDOWS,
)


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
    """What the ledger holds about the centres of a round of files: frames of `rules.frames`, by the same names.

    `files`, `registrations` and `entries` are those of these centres, `issued` their claims that have become results,
    `claims` those in force of their learners, at any centre.
    `learners` asks for every UCI known for some ULNs, `people` for the details in force under some UCIs, both at any
    centre; `ucis` for the UCIs in force of UCIs that were corrected or merged, `taking` for those of some UCIs with an
    entry for a component, `registered` for the registrations in force of some UCIs at any centre. Every UCI of the
    frames is one in force. `sittings`, `allowances` and `sat` are of the learners of these centres, at any centre and
    in any series. `extensions`: until when staff have extended a milestone, by centre, series id and event (the first
    instant after it). `marked`, `windows` and `sampled` are of the centres that send marks. `final`: the approved
    component results of these centres in the series of the files. `register`: what they are approved for.
    """

    files: pl.DataFrame
    registrations: pl.DataFrame
    entries: pl.DataFrame
    learners: Callable[[Sequence[str]], pl.DataFrame]
    people: Callable[[Sequence[str]], pl.DataFrame] = lambda _: pl.DataFrame(schema=PEOPLE)
    ucis: Callable[[Sequence[str]], pl.DataFrame] = lambda _: pl.DataFrame(schema=UCIS)
    taking: Callable[[Sequence[str]], frozenset[str]] = lambda _: frozenset()
    registered: Callable[[Sequence[str]], pl.DataFrame] = lambda _: pl.DataFrame(schema=HOLDINGS)
    sittings: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=SITTINGS))
    allowances: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=ALLOWANCES))
    sat: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=SAT))
    extensions: Mapping[tuple[str, str, str], datetime] = field(factory=dict)
    marked: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=MARKED))
    windows: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=WINDOWS))
    sampled: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=SAMPLED))
    issued: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=ISSUED))
    final: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=FINAL))
    claims: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=HOLDINGS))
    register: Register = field(factory=Register)

    def corrected(self, ucis: Mapping[str, str]) -> Known:
        """The same, once these UCIs are replaced by others (REG-8)."""
        if not ucis:
            return self

        def led(frame: pl.DataFrame) -> pl.DataFrame:
            return frame.with_columns(pl.col("uci").replace(ucis))

        return evolve(
            self,
            registrations=led(self.registrations),
            entries=led(self.entries),
            learners=lambda ulns: led(self.learners(ulns)),
            sittings=led(self.sittings),
            allowances=led(self.allowances),
            sat=led(self.sat),
            marked=led(self.marked),
            issued=led(self.issued),
            final=led(self.final),
            claims=led(self.claims),
        )

    @classmethod
    def nothing(cls) -> Known:
        """An empty ledger."""
        return cls(
            files=pl.DataFrame(schema=FILES),
            registrations=pl.DataFrame(schema=REGISTRATIONS),
            entries=pl.DataFrame(schema=ENTRIES),
            learners=lambda _: pl.DataFrame(schema=LEARNERS),
        )
