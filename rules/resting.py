"""What something rests on cannot be withdrawn from under it (REG-9)."""

from __future__ import annotations

import polars as pl

from rules import findings as f
from rules.catalogue import Catalogue, series_title
from rules.frames import HOLDINGS
from rules.rounds import Round

_CANDIDATE = ["file", "candidate"]
_OPTION = ["file", "candidate", "option"]


def free(ended: pl.DataFrame, records: pl.DataFrame, current: Round) -> pl.DataFrame:
    """REG-9: what ends, without registrations on which entries or claims of the centre rest: these stay, and the
    finding says why. `ended`: `file`, `id`, `candidate`, `option` and more."""
    if ended.is_empty():
        return ended
    lines = records.group_by(_CANDIDATE).agg(pl.col("line").min())
    used = _in_use(ended, current).join(lines, on=_CANDIDATE)
    current.found.rows(
        f.REGISTRATION_IN_USE,
        used.select("file", "line", "candidate", "option", pl.col("option").alias("value"), "resting"),
    )
    return ended.join(used.select(_OPTION), on=_OPTION, how="anti", maintain_order="left")


def _in_use(ended: pl.DataFrame, current: Round) -> pl.DataFrame:
    """The registrations among `ended` that the centre's entries rest on, with what rests on each in words."""
    known = current.known
    holdings = pl.concat([known.sittings.select(*HOLDINGS), known.claims]).unique()
    of = _registrations(current.catalogue)
    whose = known.registrations.select("id", "centre", "uci", pl.col("option").alias("registration"))
    titles = {series: series_title(series) for series in holdings["series"].unique()}
    resting = (
        holdings.join(of, on="option")
        .group_by("centre", "uci", "registration", "series")
        .agg(pl.col("option").sort().str.join(", "))
        .sort("series")
        .select(
            "centre", "uci", "registration",
            said=pl.format("{} in {}", "option", pl.col("series").replace_strict(titles, return_dtype=pl.String)),
        )
        .group_by("centre", "uci", "registration", maintain_order=True)
        .agg(pl.col("said").str.join("; ").alias("resting"))
    )  # fmt: skip
    # A learner registered twice for a qualification, in two years, can lose one of the two.
    left = known.registrations.join(ended.select("id"), on="id", how="anti")
    twice = left.select("centre", "uci", pl.col("option").alias("registration"))
    return (
        ended.select(*_OPTION, "id")
        .join(whose, on="id")
        .join(twice, on=["centre", "uci", "registration"], how="anti")
        .join(resting, on=["centre", "uci", "registration"])
        .filter(pl.col("option") == pl.col("registration"))
        .sort(_OPTION)
    )


def _registrations(catalogue: Catalogue) -> pl.DataFrame:
    """The registration code behind every component and cash-in code: `option`, `registration`."""
    rows = [
        (code, qualification.registration_code)
        for qualification in catalogue.qualifications
        for code in (qualification.cash_in_code, *(part.code for part in qualification.components))
    ]
    return pl.DataFrame(rows, schema={"option": pl.String, "registration": pl.String}, orient="row")
