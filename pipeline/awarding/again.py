"""The second computation (AWD-7) over what the first one rests on: in the balance of a version, and of what is issued
without one, later claims and corrections."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from rules.balance import computed_otherwise
from rules.catalogue import Catalogue
from rules.recount import Recount, Table, recount
from rules.withholding import touched

if TYPE_CHECKING:
    from infra.ledger.results import ConversionRow
    from pipeline.awarding.award import Ground, SeriesResults


def computed_again(
    rests_on: Ground, catalogue: Catalogue, at: datetime, tables: Iterable[ConversionRow] | None = None
) -> Recount:
    """AWD-7: results and claims of a series once more, by the catalogue in force at `at` (aware); `tables`: by other
    conversion tables than those in force."""
    used = [
        Table(
            series=table.series, component=table.component, raw_max=table.raw_max, boundaries=table.boundaries,
            since=table.approved_at or at,
        )
        for table in (rests_on.conversions if tables is None else tables)
    ]  # fmt: skip
    return recount(
        rests_on.series, rests_on.entered, rests_on.marks, rests_on.claims, rests_on.issued, rests_on.later, used,
        catalogue, at,
    )  # fmt: skip


def otherwise(rests_on: Ground, judged: SeriesResults, again: Recount) -> pl.DataFrame:
    """AWD-7: where the second computation says something else (`rules.balance.EXCEPTIONS`). What is withheld is not
    issued, so nothing need agree about it yet."""
    holds = touched(rests_on.entered, rests_on.claims, rests_on.holds, rests_on.series)
    mine = judged.only(~pl.col("uci").is_in(holds.implode()))
    return computed_otherwise(mine.results, mine.awards, again.results, again.claims)


def in_words(found: pl.DataFrame) -> str:
    """Whom it is about, for people, without results: `64123/0001 BEN03 and 2 more`."""
    first = "/".join(found.select("centre", "candidate").row(0)) + f" {found['component'][0]}"
    return f"{first}{f' and {found.height - 1:,} more' if found.height > 1 else ''}"
