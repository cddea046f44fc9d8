"""Fees (FEE-1, FEE-3 to FEE-5): integer pence from the effective-dated tariff, by the band of the receipt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import get_args

import polars as pl
from attrs import frozen

from rules import terms
from rules.catalogue import Catalogue, Series, day_text
from rules.deadlines import NONE, Extensions, deadline


@frozen(kw_only=True)
class Charge:
    """`count` options of one kind and band at one price, or what comes back for withdrawn options (kind `refund`).
    Amounts in pence; a refund's are negative."""

    kind: str
    band: str
    count: int
    pence_each: int | None
    pence: int
    placeholder: bool


def band_of(
    series: Series, received: datetime, catalogue: Catalogue, centre: str = "", extended: Extensions = NONE
) -> terms.Band:
    """FEE-1: the band of the receipt of the file in which an entry first appears, by the calendar in force then; an
    extension of the on-time deadline keeps the centre on time (CAL-3)."""
    if series.purpose == terms.REGISTRATION:
        return terms.ON_TIME
    on_time = deadline(series, "on_time_deadline", received, catalogue, centre, extended)
    high = deadline(series, "high_late_from", received, catalogue, centre, extended)
    if on_time and received < on_time.at:
        return terms.ON_TIME
    return terms.HIGH_LATE if high and received >= high.at else terms.LATE if on_time else terms.ON_TIME


def exempt_from(
    series: Series, received: datetime, catalogue: Catalogue, centre: str = "", extended: Extensions = NONE
) -> str | None:
    """FEE-2: the December/January series whose sitters pay no late fee for entries received now; None when there is
    none: from that series' results day (ours) to the re-entry deadline, or the centre's extension of it (CAL-3)."""
    january = catalogue.series_by_id(f"{series.year}-01")
    if series.month != 6 or january is None:
        return None
    results = catalogue.milestone(january, "results_to_learners", received)
    until = deadline(series, "reentry_deadline", received, catalogue, centre, extended)
    return january.id if results and until and results.at <= received < until.at else None


def january_sitters(
    new: pl.DataFrame, exempt: Mapping[int, str], sat: pl.DataFrame, catalogue: Catalogue
) -> pl.DataFrame:
    """FEE-2: the entries of `new` that pay no late fee, because their learner sat the preceding December/January series
    of that qualification.

    `new`: `file`, `uci`, `registration`; `exempt`: by file, what `exempt_from` says; `sat`: `uci`, `option`, `series`
    of every component with a mark. Returns `file`, `uci`, `registration`, each once. "Sat" is a mark for any component
    of the qualification: ours.
    """
    key = ["file", "uci", "registration"]
    parts = [
        (part.code, qualification.registration_code)
        for qualification in catalogue.qualifications
        for part in qualification.components
    ]
    of = pl.DataFrame(parts, schema={"option": pl.String, "registration": pl.String}, orient="row")
    after = pl.DataFrame(
        {"file": list(exempt), "series": list(exempt.values())}, schema={"file": pl.UInt32, "series": pl.String}
    )
    sitters = sat.join(of, on="option").join(after, on="series").select(key)
    return new.select(key).join(sitters, on=key, how="semi").unique()


def why(
    series: Series,
    received: datetime,
    band: terms.Band,
    catalogue: Catalogue,
    centre: str = "",
    extended: Extensions = NONE,
) -> str:
    """The reason for a band in words, by the centre's extension where it has one (CAL-3)."""
    on_time = deadline(series, "on_time_deadline", received, catalogue, centre, extended)
    high = catalogue.milestone(series, "high_late_from", received)
    if band == terms.HIGH_LATE and high:
        return f"on or after {day_text(high.day)}, from when the high late fee is charged"
    if band == terms.LATE and on_time:
        return f"after the on-time deadline of {day_text(on_time.day)}"
    return f"by the on-time deadline of {day_text(on_time.day)}" if on_time else "registrations have one fee"


def prices(band: terms.Band, received: datetime, catalogue: Catalogue) -> pl.DataFrame:
    """FEE-5: the price of every kind of option in `band`: `kind`, `band`, `pence`, `entry_pence` (the price on time:
    the part that is not surcharge), `placeholder`."""
    rows = []
    for kind in get_args(terms.Kind):
        price, plain = catalogue.fee(kind, band, received), catalogue.fee(kind, terms.ON_TIME, received)
        rows.append((kind, band, price.pence, plain.pence, price.placeholder))
    schema = {
        "kind": pl.String,
        "band": pl.String,
        "pence": pl.Int64,
        "entry_pence": pl.Int64,
        "placeholder": pl.Boolean,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def refund_share(series: Series, received: datetime, catalogue: Catalogue) -> bool:
    """FEE-4: whether a withdrawal received now returns the entry fee, never the surcharge: up to the high-late date."""
    high = catalogue.milestone(series, "high_late_from", received)
    return series.purpose == terms.ENTRY and (high is None or received < high.at)


def charges(added: pl.DataFrame, ended: pl.DataFrame) -> dict[int, tuple[Charge, ...]]:
    """FEE-5: what each file costs, by file, in the order of a statement. `added` and `ended` as in
    `rules.decisions.Decision`, of many files."""
    lines: dict[int, list[Charge]] = {}
    groups = added.group_by("file", "kind", "band", "pence", "placeholder").len()
    for file, kind, band, pence, placeholder, count in groups.sort("file", "kind", "band", "pence").iter_rows():
        charge = Charge(
            kind=kind, band=band, count=count, pence_each=pence, pence=pence * count, placeholder=placeholder
        )
        lines.setdefault(file, []).append(charge)
    for file, count, pence in _refunds(ended):
        charge = Charge(kind=terms.REFUND, band="", count=count, pence_each=None, pence=-pence, placeholder=True)
        lines.setdefault(file, []).append(charge)
    return {file: tuple(its) for file, its in lines.items()}


def _refunds(ended: pl.DataFrame) -> Iterator[tuple[int, int, int]]:
    back = ended.filter(pl.col("refund") > 0).group_by("file").agg(pl.len(), pl.col("refund").sum())
    yield from back.iter_rows()
