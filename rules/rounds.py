"""A round of files: what every step of a decision looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
from attrs import field, frozen

from parsers.findings import Found
from parsers.reader import Submission
from rules import files
from rules.catalogue import Catalogue, Series
from rules.identity import CORRECTED
from rules.known import Arrival, Known


@frozen(kw_only=True)
class Round:
    """Files of different centres that are decided together, each known by its index among `arrivals`.

    `series`: of the files whose header names one of ours, by file. `catalogue`: in the edition in force at the receipt
    of all of them (CAL-2). `known`: what the ledger holds about their centres. `found`: where every step puts its
    findings. `corrected`: the UCIs that the files correct (`rules.identity.CORRECTED`); `known` has them as corrected.
    """

    arrivals: Sequence[Arrival]
    series: Mapping[int, Series]
    catalogue: Catalogue
    known: Known
    found: Found
    corrected: pl.DataFrame = field(repr=False, factory=lambda: pl.DataFrame(schema=CORRECTED))

    @property
    def submissions(self) -> list[Submission]:
        """The files as read."""
        return [arrival.submission for arrival in self.arrivals]

    @property
    def feeds(self) -> list[int]:
        """The files that state only what changes: feeds of the desk's own."""
        return [index for index, submission in enumerate(self.submissions) if submission.feed is not None]

    @property
    def of_marks(self) -> list[int]:
        """The files of centre marks."""
        return [index for index, submission in enumerate(self.submissions) if files.marks(submission)]

    def with_series(self, rows: pl.DataFrame) -> pl.DataFrame:
        """`rows`, which have a `file`, and beside them the id of its series; null where its header names none of
        ours."""
        table = pl.DataFrame(
            {"file": list(self.series), "series": [series.id for series in self.series.values()]},
            schema={"file": pl.UInt32, "series": pl.String},
        )
        return rows.join(table, on="file", how="left", maintain_order="left")

    def of_the_sender(self, rows: pl.DataFrame) -> pl.DataFrame:
        """FIL-6: the rows with a blank for the centre where it is not the sender's. Another centre may send in the same
        round, and a sender must not be told what the ledger holds about it."""
        senders = pl.DataFrame(
            {"file": range(len(self.arrivals)), "sender": [arrival.centre for arrival in self.arrivals]},
            schema={"file": pl.UInt32, "sender": pl.String},
        )
        known = rows.join(senders, on="file", how="left", maintain_order="left")
        own = pl.when(pl.col("centre") == pl.col("sender")).then("centre").otherwise(pl.lit(""))
        return known.with_columns(own.alias("centre")).select(rows.columns)
