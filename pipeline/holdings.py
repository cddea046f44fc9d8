"""What a centre holds: every registration, entry and claim in force, in its own outbox as CSV and as a page to print.

Names stand in it, as in the centre's own files; no other centre can read it, and it is in no log (OPS-3). It is made
from the ledger alone, and written anew when a file of the centre has changed anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import polars as pl

from pipeline.desk import Desk
from pipeline.register import titles_of
from pipeline.report_page import Cells, CsvLines, Grid, page, spelt, stacked
from pipeline.steps import HOLDINGS_OUT
from rules.catalogue import Catalogue, series_title
from rules.frames import spans_by_centre

HELD = {
    "series": pl.String,
    "for": pl.String,
    "candidate": pl.String,
    "name": pl.String,
    "uci": pl.String,
    "code": pl.String,
    "what": pl.String,
}
"""A row of `entries.csv`: the series as files name it and in words, who, and the option with its title."""


def write_holdings(desk: Desk, centres: Sequence[str]) -> None:
    """Writes what each of these centres holds as `entries.csv` and `entries.html`."""
    written = holdings_files(desk, centres)
    desk.store.put_all(written)
    for _ in written:
        HOLDINGS_OUT.passed()


def holdings_files(desk: Desk, centres: Sequence[str]) -> list[tuple[str, bytes]]:
    """Key and bytes of `entries.csv` and `entries.html` of each of these centres."""
    if not centres:
        return []
    held = holdings(desk, centres)
    of, titles = spans_by_centre(held), titles_of(desk, centres)
    lines = CsvLines.of(held.drop("centre"))
    shown = Cells.of(held.select(pl.col(name).alias(title) for name, title in _TITLES.items()))
    series = held.select("for", "series").rows()
    written = []
    for centre in centres:
        its = of.get(centre, slice(0))
        written += [
            (f"outbox/{centre}/entries.csv", lines.part(its)),
            (f"outbox/{centre}/entries.html", _page(titles[centre], series[its], shown.rows[its])),
        ]
    return written


def holdings(desk: Desk, centres: Sequence[str]) -> pl.DataFrame:
    """What is in force for these centres (`HELD`, and `centre`), the newest series first, by candidate and code."""
    registered = desk.ledger.registrations_of(centres)
    series = [each.id for each in desk.catalogue.all_series()]
    entered = desk.ledger.entries_of(centres, series)
    names = registered.unique(["centre", "uci"], keep="last").select("centre", "uci", "name")
    both = pl.concat(
        [frame.select("centre", "series", "candidate", "uci", "option") for frame in (registered, entered)]
    )
    rows = both.join(names, on=["centre", "uci"], how="left").join(
        _options(desk.catalogue, both["series"].unique().to_list()), on=["series", "option"], how="left"
    )
    rows = rows.sort("centre", "series", "candidate", "option", descending=[False, True, False, False])
    return rows.select(
        "centre",
        pl.col("key").fill_null("").alias("series"),
        spelt(rows["series"], series_title).alias("for"),
        "candidate",
        pl.col("name").fill_null(""),
        "uci",
        pl.col("option").alias("code"),
        pl.col("title").fill_null("").alias("what"),
    )


def _options(catalogue: Catalogue, series: Sequence[str]) -> pl.DataFrame:
    """The options of these series: `series`, its `key` in files, `option` and `title`."""
    known = [each for each in map(catalogue.series_by_id, series) if each]
    none = pl.DataFrame(schema={"option": pl.String, "title": pl.String, "series": pl.String, "key": pl.String})
    frames = [
        catalogue.options(each)
        .select("option", "title")
        .unique("option", keep="first", maintain_order=True)
        .with_columns(series=pl.lit(each.id), key=pl.lit(each.key))
        for each in known
    ]
    return pl.concat([none, *frames])


def _page(centre: str, series: Sequence[tuple[str, str]], rows: Sequence[tuple[str, ...]]) -> bytes:
    """The page of a centre; `series` in words and as files name it, of each row."""
    grids, start = [], 0
    for words, run in groupby(series, itemgetter(0)):
        keys = [key for _, key in run]
        its = rows[start : start + len(keys)]
        grids.append(Grid(title=f"{words} ({keys[0]})" if keys[0] else words, frame=Cells([*_TITLES.values()], its)))
        start += len(its)
    notes = ["Everything we hold for you that is in force: compare it with your school software. Keep it as you keep "
             "other papers with names."]  # fmt: skip
    return page("Registrations, entries and claims in force", [("Centre", centre)], grids, notes, _STYLE)


_TITLES = {"candidate": "Candidate", "name": "Name", "uci": "UCI", "code": "Code", "what": "What"}
_STYLE = stacked([*_TITLES.values()])
