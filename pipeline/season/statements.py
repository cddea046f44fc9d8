"""Statements of entries and invoices for a centre in a series (FEE-5), to the same penny as the replies."""

from __future__ import annotations

import logging
from datetime import datetime

import polars as pl

from infra.ledger.accounts import Accounts
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.register import title
from pipeline.report_page import Grid, csv_bytes, gbp, page, spelt
from pipeline.steps import STATED
from pipeline.wording import money
from rules import terms
from rules.catalogue import PLACEHOLDER, Catalogue, Series, instant_text
from rules.entries import practice_sittings
from rules.frames import rows_by_centre

log = logging.getLogger(__name__)

_PRACTICE = "practice sitting"
_MARK_NOTE = "[placeholder] marks a price or rule that nobody published; it is the desk's own stand-in."
_PRACTICE_NOTE = (
    "Practice sitting: an internal component is not taken by the end of the series, so the external cannot be used for "
    "an award (ENT-6)."
)
_KINDS = {
    terms.REGISTRATION: "registrations",
    terms.INTERNAL: "internal components",
    terms.EXTERNAL: "external components",
    terms.CASH_IN: "certification claims",
    terms.REFUND: "withdrawn entries",
}


@journaled
def statements(desk: Desk, series: Series, now: datetime) -> int:
    """FEE-5: writes `statement-<series>` and `invoice-<series>`, each as `.csv` and `.html`, into the outbox of every
    centre that has or was charged for anything in `series`, as the ledger stands; `now` (aware) is shown. Returns the
    number of centres. A second run replaces them. A registration series' statement lists the registrations."""
    accounts = desk.accounts
    everything, lines = _stated(accounts, series, desk.catalogue), accounts.charged(series.id)
    held, charged = rows_by_centre(everything), rows_by_centre(lines)
    centres = sorted(held.keys() | charged.keys())
    for centre in centres:
        place = f"outbox/{centre}"
        _state(desk, f"{place}/statement-{series.id}", centre, series, now, held.get(centre, everything.clear()))
        _invoice(desk, f"{place}/invoice-{series.id}", centre, series, now, charged.get(centre, lines.clear()))
    log.info("statements and invoices of %s for %d centres", series.id, len(centres))
    return len(centres)


def _stated(accounts: Accounts, series: Series, catalogue: Catalogue) -> pl.DataFrame:
    """What is in force, with `name`, `title` and `note` (practice sittings)."""
    held = accounts.held(series.id)
    options = catalogue.options(series).select("option", "title", "registration")
    # One name per learner: from the registration for the qualification if there is one, else from the newest.
    names = accounts.registered().select("centre", "uci", pl.col("option").alias("registration"), "name")
    stated = held.join(options, on="option", how="left", maintain_order="left").join(
        names, on=["centre", "uci", "registration"], how="left", maintain_order="left"
    )
    practice = practice_sittings(
        stated.with_columns(pl.col("centre").alias("file")), accounts.sittings(series.id), series, catalogue
    ).select("centre", "candidate", "option", pl.lit(_PRACTICE).alias("note"))
    return stated.join(practice, on=["centre", "candidate", "option"], how="left", maintain_order="left").with_columns(
        pl.col("name", "title", "note").fill_null(""), pl.col("band").str.replace("_", " ")
    )


def _facts(desk: Desk, centre: str, series: Series, now: datetime) -> list[tuple[str, str]]:
    return [("Centre", title(desk, centre)), ("Series", f"{series.title} ({series.key})"), ("As of", instant_text(now))]


def _marked(placeholder: str = "placeholder") -> pl.Expr:
    return pl.when(placeholder).then(pl.lit(PLACEHOLDER.strip())).otherwise(pl.lit(""))


def _state(desk: Desk, place: str, centre: str, series: Series, now: datetime, held: pl.DataFrame) -> None:
    table = held.select(
        pl.col("candidate"), pl.col("name"), pl.col("option").alias("code"), pl.col("title"), pl.col("band"),
        pl.col("note"), gbp("pence").alias("GBP"), _marked().alias("price"),
    )  # fmt: skip
    desk.put(STATED, f"{place}.csv", csv_bytes(table))
    shown = table.select(
        pl.col("candidate").alias("Candidate"),
        pl.col("name").alias("Name"),
        pl.col("code").alias("Code"),
        pl.concat_str(
            "title", pl.when(pl.col("note") != "").then(pl.lit(f" ({_PRACTICE})")).otherwise(pl.lit(""))
        ).alias("Title"),
        pl.col("band").alias("Fee band"),
        _price(held).alias("Fee"),
    )
    total = int(held["pence"].sum())
    what = "registrations" if series.purpose == terms.REGISTRATION else "entries"
    notes = [_PRACTICE_NOTE] if (held["note"] != "").any() else []
    notes += [_MARK_NOTE] if held["placeholder"].any() else []
    facts = [*_facts(desk, centre, series, now), ("Candidates", str(held["candidate"].n_unique()))]
    grid = Grid(title=f"{what.capitalize()} in force", frame=shown, numbers=["Fee"], total=money(total))
    desk.put(STATED, f"{place}.html", page(f"Statement of {what}", facts, [grid], notes))


def _invoice(desk: Desk, place: str, centre: str, series: Series, now: datetime, charged: pl.DataFrame) -> None:
    lines = charged.with_columns(
        spelt(charged["received"], instant_text),
        pl.col("kind").replace_strict(_KINDS),
        pl.col("band").str.replace("_", " "),
    )
    table = lines.select(
        pl.col("reply"), pl.col("file_name").alias("file"), pl.col("received"), pl.col("kind").alias("for"),
        pl.col("band"), pl.col("count"), gbp("each").alias("each GBP"), gbp("pence").alias("GBP"),
        _marked().alias("price"),
    )  # fmt: skip
    total = int(charged["pence"].sum())
    last = pl.DataFrame({"reply": ["total"], "pence": [total]}).select("reply", gbp("pence").alias("GBP"))
    desk.put(STATED, f"{place}.csv", csv_bytes(pl.concat([table, last], how="diagonal")))
    shown = lines.select(
        pl.col("reply").alias("Reply"), pl.col("received").alias("Received"), pl.col("kind").alias("For"),
        pl.col("band").alias("Fee band"), pl.col("count").alias("Count"),
        spelt(charged["each"], money).alias("Each"), _price(charged).alias("Amount"),
    )  # fmt: skip
    facts = [*_facts(desk, centre, series, now), ("Total", money(total))]
    grid = Grid(title="Fees by file", frame=shown, numbers=["Count", "Each", "Amount"], total=money(total))
    notes = ["Each line is in the reply it names; the total is the sum of the replies' fee totals (FEE-5)."]
    notes += [_MARK_NOTE] if charged["placeholder"].any() else []
    desk.put(STATED, f"{place}.html", page("Invoice", facts, [grid], notes))


def _price(frame: pl.DataFrame) -> pl.Series:
    return spelt(frame["pence"], money) + spelt(
        frame["placeholder"], lambda placeholder: PLACEHOLDER if placeholder else ""
    )
