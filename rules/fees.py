"""Fees (FEE-1, FEE-3 to FEE-5): integer pence from the effective-dated tariff, by the band of the receipt."""

from __future__ import annotations

from datetime import datetime

import polars as pl

from rules.catalogue import Band, Catalogue, Series, day_text

KINDS = ("registration", "internal", "external", "cash_in")


def band_of(series: Series, received: datetime, catalogue: Catalogue) -> Band:
    """FEE-1: the band of the receipt of the file in which an entry first appears, by the calendar in force then."""
    if series.purpose == "registration":
        return "on_time"
    deadline = catalogue.milestone(series, "on_time_deadline", received)
    high = catalogue.milestone(series, "high_late_from", received)
    if high and received >= high.at:
        return "high_late"
    return "late" if deadline and received >= deadline.at else "on_time"


def why(series: Series, received: datetime, band: Band, catalogue: Catalogue) -> str:
    """The reason for a band in words."""
    deadline = catalogue.milestone(series, "on_time_deadline", received)
    high = catalogue.milestone(series, "high_late_from", received)
    if band == "high_late" and high:
        return f"on or after {day_text(high.day)}, from when the high late fee is charged"
    if band == "late" and deadline:
        return f"after the on-time deadline of {day_text(deadline.day)}"
    return f"by the on-time deadline of {day_text(deadline.day)}" if deadline else "registrations have one fee"


def prices(band: Band, received: datetime, catalogue: Catalogue) -> pl.DataFrame:
    """FEE-5: the price of every kind of option in `band`: `kind`, `band`, `pence`, `entry_pence` (the same on time:
    what of it is not surcharge), `placeholder`."""
    rows = []
    for kind in KINDS:
        price, plain = catalogue.fee(kind, band, received), catalogue.fee(kind, "on_time", received)
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
    return series.purpose == "entry" and (high is None or received < high.at)
