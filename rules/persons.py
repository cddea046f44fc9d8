"""Of which learners files speak, by every word for them: so that files which share none can be decided apart (REG-7,
ENT-7). Two words are of one person where a record, or the ledger, has them together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from parsers.columns import columns
from parsers.feed import COMPLETE
from parsers.findings import Found
from parsers.layouts import CANDIDATE, MARK
from rules import files
from rules.catalogue import Catalogue
from rules.known import Arrival

SPOKEN = {"file": pl.UInt32, "series": pl.String, "candidate": pl.String, "uci": pl.String, "uln": pl.String}
"""Whom a file names: by candidate number in a series (id; blank where its header names none of ours), UCI and ULN."""
_SAID = ("file", "candidate", "uci", "uln")


def spoken_of(arrivals: Sequence[Arrival], catalogue: Catalogue) -> pl.DataFrame:
    """Whom files name in any record (`SPOKEN`): entries and marks, of whatever centre, whether they will be refused or
    not."""
    submissions = [arrival.submission for arrival in arrivals]
    found = Found([submission.named for submission in submissions])
    blank = pl.lit("").alias("uln")
    parts = [
        columns(submissions, CANDIDATE, found).records.select(_SAID),
        columns(submissions, MARK, found).records.with_columns(blank).select(_SAID),
    ]
    for file, submission in enumerate(submissions):
        if submission.feed is not None:
            rows = submission.feed.filter(pl.col("action") != COMPLETE)
            parts.append(rows.with_columns(blank, file=pl.lit(file, pl.UInt32)).select(_SAID))
    series = []
    for file, arrival in enumerate(arrivals):
        edition = catalogue.in_edition(catalogue.edition(arrival.received))
        its = files.series_of(file, arrival.submission, edition, found)
        series.append((file, its.id if its else ""))
    of = pl.DataFrame(series, schema={"file": pl.UInt32, "series": pl.String}, orient="row")
    said = pl.concat(parts).with_columns(pl.col("candidate", "uci", "uln").fill_null(""))
    return said.join(of, on="file", how="left").select(*SPOKEN).unique()


def persons(words: pl.Series, together: pl.DataFrame) -> pl.DataFrame:
    """Which words are of one person: `word` and `person`, a number. `words`: all of them, each once; `together`: pairs
    (`one`, `other`) of them."""
    named = pl.DataFrame({"word": words}).with_row_index("at")
    pairs = together.select("one", "other").unique()
    ends = [
        pairs.join(named, left_on=side, right_on="word", how="left", maintain_order="left")["at"].to_numpy()
        for side in ("one", "other")
    ]
    person = np.arange(len(named))
    while True:
        lower = np.minimum(person[ends[0]], person[ends[1]])
        joined = person.copy()
        for end in ends:
            np.minimum.at(joined, end, lower)
        joined = joined[joined]
        if np.array_equal(joined, person):
            return pl.DataFrame({"word": named["word"], "person": person})
        person = joined
