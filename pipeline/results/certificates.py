"""The certificates that are due after a series (CRT-7): lists for those who print and send them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime

import polars as pl

from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.register import named
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.results.embargo import ReleaseError
from pipeline.results.release import is_released
from pipeline.results.result_files import typed
from pipeline.steps import CERTIFICATES_NUMBERED, CERTIFIED
from rules import terms
from rules.catalogue import PLACEHOLDER, Series, instant_text
from rules.certificates import certificates as due_certificates
from rules.certificates import due_day

log = logging.getLogger(__name__)

CERTIFICATES = "reports/certificates/"
_OF_AWARD = ("centre", "candidate", "uci", "cash_in")


@journaled
def certificates(desk: Desk, series: Series, now: datetime) -> int:
    """CRT-7, CRT-8: numbers the certificates that are due in the register. Writes those of the released results of a
    series, by name, to `reports/certificates/<series>-<day>.csv`, those made only on request to
    `<series>-on-request.csv`, and counts by centre to `<series>.html`. Returns how many are due; raises `ReleaseError`
    before the release."""
    if not is_released(desk, series.id):
        raise ReleaseError(f"the results of {series.title} are not released yet: no certificate is due")
    listed = _listed(desk, series, now)
    day = due_day(series, desk.catalogue, now)
    due, asked = listed.filter(pl.col("due").is_not_null()), listed.filter(pl.col("due").is_null())
    due = _numbered(desk, series, due, now)
    place = f"{CERTIFICATES}{series.id}"
    if day:
        desk.put(CERTIFIED, f"{place}-{day.day.isoformat()}.csv", csv_bytes(due))
    desk.put(CERTIFIED, f"{place}-on-request.csv", csv_bytes(asked.drop("due")))
    by_centre = (
        listed.group_by("centre")
        .agg(
            pl.col("due").is_null().sum().alias("If asked for with the claim"),
            pl.col("due").is_not_null().sum().alias("Due"),
        )
        .sort("centre")
        .rename({"centre": "Centre"})
    )
    facts = [
        ("Series", f"{series.title} ({series.key})"),
        ("Due by", day.text if day else "no date in the calendar"),
        ("As of", instant_text(now)),
        ("Due", f"{due.height:,}"),
        ("Only if asked for", f"{asked.height:,}"),
    ]
    grid = Grid(title="By centre", frame=named(desk, by_centre), numbers=by_centre.columns[1:], total=f"{due.height:,}")
    notes = [
        "After the late certification window a certificate is made only if it was asked for with the claim (CRT-7)."
    ]
    if day and PLACEHOLDER in day.text:
        notes.append(f"{PLACEHOLDER.strip()} marks what nobody published; it is the desk's own stand-in.")
    desk.put(CERTIFIED, f"{place}.html", page("Certificates", facts, [grid], notes))
    log.info("certificates of %s: %d due, %d if asked for", series.id, due.height, asked.height)
    return due.height


def _listed(desk: Desk, series: Series, now: datetime) -> pl.DataFrame:
    """The certificates of a series by the rules (`rules.certificates.CERTIFICATES`), with the `name` in force."""
    _, awards = typed(desk.results.current(series.id, released=True))
    names = desk.accounts.registered().select("centre", "uci", pl.col("option").alias("registration"), "name")
    asked_for = desk.actions.certificates(series.id)
    learner = ["uci", "registration"]
    # REG-8: who has gone to another centre since is named as there.
    elsewhere = names.unique(learner, keep="first", maintain_order=True).select(*learner, pl.col("name").alias("known"))
    return (
        due_certificates(awards, asked_for, series, desk.catalogue, now, desk.results.rests_on(_of_several(awards)))
        .join(names, on=["centre", *learner], how="left", maintain_order="left")
        .join(elsewhere, on=learner, how="left", maintain_order="left")
        .with_columns(pl.coalesce("name", "known").alias("name"))
        .drop("known")
    )


def _of_several(awards: pl.DataFrame) -> list[int]:
    """CRT-4, REG-8: the claims of learners with several awards of a qualification in a series, as only those have whose
    UCIs were merged after it."""
    made = awards.filter(pl.col("outcome") == terms.AWARDED)
    return made.filter(pl.struct("uci", "cash_in").is_duplicated())["claim_id"].to_list()


def changed(desk: Desk, now: datetime) -> list[Series]:
    """CRT-8: the series whose certificates are listed already, and of which a certificate is to be made: a learner has
    another name since, or a late claim has been awarded."""
    last = desk.corrections.certificated()
    return [series for series in desk.catalogue.all_series() if series.id in last and _behind(desk, series, last, now)]


def _behind(desk: Desk, series: Series, last: Mapping[str, datetime], now: datetime) -> bool:
    if not desk.corrections.renamed(series.id, now).is_empty():
        return True
    if all(awarding.at <= last[series.id] for awarding in desk.results.every(series.id)):
        return False
    live = desk.corrections.certificates([series.id]).filter(pl.col("state") == terms.DUE)
    due = _listed(desk, series, now).filter(pl.col("due").is_not_null())
    return not due.join(live, on=_OF_AWARD, how="anti").is_empty()


def _numbered(desk: Desk, series: Series, due: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """CRT-8: the certificates that are due, each with its `number` in the register; new ones are entered there, in
    place of those that have another name than the learner has by now."""
    held = desk.corrections.certificates([series.id])
    of_award = held.filter(pl.col("state") == terms.DUE).unique(_OF_AWARD, keep="first", maintain_order=True)
    reason = pl.when("file").then(pl.lit(terms.RENAMED_BY_CENTRE)).otherwise(pl.lit(terms.RENAMED_BY_STAFF))
    recalled = (
        of_award.join(desk.corrections.renamed(series.id, now), on="number", maintain_order="left")
        .join(due, on=_OF_AWARD, how="semi", maintain_order="left")
        .with_columns(pl.lit(terms.RECALLED).alias("state"), reason.alias("why"))
    )
    live = of_award.join(recalled, on="number", how="anti", maintain_order="left")
    last = held["number"].str.tail(6).cast(pl.Int64).max() or 0
    new = (
        due.join(live, on=_OF_AWARD, how="anti", maintain_order="left")
        .join(recalled.select(*_OF_AWARD, "why", replaces="number"), on=_OF_AWARD, how="left", maintain_order="left")
        .with_columns(
            pl.format("{}-{}", pl.lit(series.id), (pl.int_range(1, pl.len() + 1) + last).cast(pl.String).str.zfill(6))
            .alias("number"),
            pl.col("replaces").fill_null(""), pl.col("why").fill_null("results"),
            pl.lit(terms.DUE).alias("state"), pl.lit(series.id).alias("series"),
        )
    )  # fmt: skip
    if not new.is_empty():
        desk.corrections.register(pl.concat([recalled.select(held.columns), new.select(held.columns)]), now)
        CERTIFICATES_NUMBERED.passed()
    numbers = pl.concat([frame.select(*_OF_AWARD, "number") for frame in (live, new)])
    return due.join(numbers, on=_OF_AWARD, how="left", maintain_order="left")
