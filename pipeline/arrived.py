"""What arrives for results that are out opens a correction instead of being taken (RES-7)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from infra.ledger.corrections import Case, Subject
from pipeline.desk import Desk
from pipeline.feeds import FeedFile
from pipeline.steps import CASE_OPENED
from rules import terms
from rules.catalogue import LONDON
from rules.frames import FINAL
from rules.withholding import standing

_FEED = "a file of the feed {place}"


def correction_opened(
    desk: Desk, place: str, file: FeedFile, arrived: Mapping[str, Iterable[Subject]]
) -> tuple[str, ...]:
    """RES-7: opens a case for each series with what arrived for its issued results (`arrived`, by series), by the feed
    at `place`. What waits in an open case already opens no other. Returns lines for the report on the file."""
    told = []
    for series, subjects in sorted(arrived.items()):
        day = file.received.astimezone(LONDON).date()
        case = desk.corrections.open(
            Case(
                number=0, series=series, source=file.sha256, requested_by=_FEED.format(place=place.strip("/")),
                requested_on=day, why=f"{file.name} says something else than what is issued", who="",
                how=terms.BY_THE_DESK, at=file.now, subjects=tuple(subjects),
            ),
            "",
        )  # fmt: skip
        CASE_OPENED.passed()
        told.append(
            f"  Issued      correction {case.number} is opened instead: `resultsday correction show {case.number}`"
        )
    return tuple(told)


def final(desk: Desk, centres: Sequence[str], series: Sequence[str]) -> pl.DataFrame:
    """AWD-5: the component results of these centres in these series (ids) that no mark changes (`rules.frames.FINAL`).
    One that is or was withheld and had no mark is pending like any other: its mark is kept, and completes it once it is
    released (RES-8, AWD-4). So the answer to a mark says of no result that it is withheld (RES-2)."""
    rows = desk.results.final(centres, series)
    if rows["waits"].any():
        voided = standing(rows, desk.actions.holds(max(series))) == terms.HOLD_VOIDED
        rows = rows.filter(~pl.col("waits") | voided.fill_null(value=False))
    return rows.select(*FINAL)


def mark_in_words(mark: int | None, status: str) -> str:
    """A mark as a correction has it: the raw mark, or absent; empty where it is not yet available."""
    return terms.ABSENT if status == "A" else "" if mark is None else str(mark)


__all__ = ["correction_opened", "final", "mark_in_words"]
