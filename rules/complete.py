"""A centre's system says through the portal's feed that every mark of a component has been sent (MOD-3)."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from rules import findings as f
from rules.catalogue import Milestone
from rules.known import Known
from rules.rounds import Round

COMPLETE = {
    "file": pl.UInt32, "line": pl.UInt32, "option": pl.String, "who": pl.String, "why": pl.String,
}  # fmt: skip
"""A row for each component whose marks a file says are complete: `option` is its code."""


def said_complete(current: Round) -> pl.DataFrame:
    """MOD-3: what the rows `complete` of feeds say (`COMPLETE`), each component once; told with what follows. A
    component that has no marks of the centre's refuses the file."""
    said = []
    for file in current.feeds:
        feed = current.submissions[file].feed
        if feed is not None and file in current.series:
            rows = feed.filter(pl.col("action") == "complete").unique("option", keep="first", maintain_order=True)
            said.append(rows.select(pl.lit(file, pl.UInt32).alias("file"), *list(COMPLETE)[1:]))
    every = pl.concat([pl.DataFrame(schema=COMPLETE), *said])
    for file, line, option in every.select("file", "line", "option").iter_rows():
        series, arrival = current.series[file], current.arrivals[file]
        part = current.catalogue.component(option)
        theirs = (pl.col("centre") == arrival.centre) & (pl.col("series") == series.id) & (pl.col("option") == option)
        if part is None or part.external:
            why = "it is not an internal component"
        elif current.known.entries.filter(theirs).is_empty():
            why = "you have nobody entered for it"
        else:
            opens = current.catalogue.milestone(series, "moderation_opens", arrival.received, option)
            what = what_follows(current.known, (arrival.centre, series.id, option), opens, arrival.received)
            current.found.add(
                f.MARKS_COMPLETE, line, value=option, file=file, field="option", series=series.title, what=what
            )
            continue
        current.found.add(
            f.NOT_COMPLETED, line, value=option, file=file, field="option", series=series.title, why=why
        )  # fmt: skip
    return every


def what_follows(known: Known, cohort: tuple[str, str, str], opens: Milestone | None, at: datetime) -> str:
    """MOD-3: what comes of it when a centre says at an instant (aware) that a cohort (centre, series, component) is
    complete, in words. `known` has `marked`, `sampled` and `windows` of it; `opens`: when moderation does."""
    centre, series, component = cohort
    its = (pl.col("centre") == centre) & (pl.col("series") == series) & (pl.col("component") == component)
    if not (known.sampled.filter(its).is_empty() and known.windows.filter(its).is_empty()):
        return "its sample is drawn already, and no other follows from this"
    if opens is None:
        return "its sample is drawn after the deadline for marks"
    if known.marked.filter(its, pl.col("mark").is_not_null()).is_empty():
        return "we hold no mark of it yet, and until we do no sample is drawn"
    if at < opens.at:
        return f"its sample is drawn once moderation has opened, on {opens.text}"
    return "its sample is drawn within a day"
