"""The report of a release: what was published with its hashes, and who has no award and why (RES-1, OPS-1). No names; a
learner's candidate number stands only in the table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from infra.ledger.results import Awarding, ReleaseFile
from pipeline.desk import Desk
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.results.result_files import typed
from pipeline.steps import step
from rules.awarding import ENTERED, parts
from rules.catalogue import Series
from rules.certification import CLAIMS
from rules.unawarded import REASONS, unawarded

REPORTS = "reports/results/"

REPORTED = step("release", "reported", "a part of the report of a release lies there")


def report(
    desk: Desk, series: Series, awarding: Awarding, audience: str, until: str, files: Sequence[ReleaseFile]
) -> int:
    """RES-1, OPS-1: writes to `reports/results/<series>/<version>/` which `files` an audience was given, and who has no
    award and why. Returns how many learners that is. `until`: the end of the embargo in words."""
    without = _without(desk, series, awarding)
    place = f"{REPORTS}{series.id}/{awarding.version}/{audience}"
    said = {code: one.words for code, one in REASONS.items()}
    rule = {code: one.rule for code, one in REASONS.items()}
    desk.store.put(
        f"{place}-without-award.csv",
        csv_bytes(
            without.with_columns(rule=pl.col("code").replace_strict(rule), why=pl.col("code").replace_strict(said))
        ),
    )
    REPORTED.passed()
    published = pl.DataFrame(
        [(one.place, one.centre, one.sequence, one.records, one.size, one.sha256) for one in files],
        schema=["place", "centre", "sequence", "records", "bytes", "sha256"],
        orient="row",
    )
    desk.store.put(f"{place}-published.csv", csv_bytes(published))
    REPORTED.passed()
    learners = without.select("centre", "uci").n_unique()
    facts = [
        ("Series", f"{series.title} ({series.key})"),
        ("Version", str(awarding.version)),
        ("Audience", audience),
        ("Embargo until", until),
        ("Files", f"{len(files):,}"),
        ("Approved by", f"{awarding.decided_by}: {awarding.why}"),
        ("Manifest", awarding.manifest_sha256 or ""),
        ("Without an award", f"{learners:,} learners"),
    ]
    by_reason = without.group_by("code").agg(pl.struct("centre", "uci").n_unique().alias("Learners")).sort("code")
    reasons = by_reason.select(
        pl.col("code").replace_strict(said).alias("Reason"), pl.col("code").replace_strict(rule).alias("Rule"),
        pl.col("code").alias("Code"), "Learners",
    )  # fmt: skip
    by_centre = (
        without.group_by("centre", "code")
        .agg(pl.col("uci").n_unique().alias("count"))
        .sort("centre", "code")
        .group_by("centre", maintain_order=True)
        .agg(pl.concat_str("code", pl.lit(" "), "count").str.join(", ").alias("Reasons"))
        .join(without.group_by("centre").agg(pl.col("uci").n_unique().alias("Learners")), on="centre")
        .sort("Learners", "centre", descending=[True, False])
        .rename({"centre": "Centre"})
    )
    result_files = [one.records for one in files if one.sequence]
    of_feeds = [one.records for one in files if not one.sequence]
    counted = pl.DataFrame(
        {
            "What": ["R files", "portal feeds"],
            "Files": [len(result_files), len(of_feeds)],
            "Records": [sum(result_files), sum(of_feeds)],
        }
    )
    grids = [
        Grid(title="Published", frame=counted, numbers=["Files", "Records"]),
        Grid(title="Without an award: reasons", frame=reasons, numbers=["Learners"]),
        Grid(title="Without an award: centres", frame=by_centre, numbers=["Learners"]),
    ]
    notes = [
        f"{audience}-published.csv lists each file with its hash, {audience}-without-award.csv each learner. A learner "
        f"with several reasons counts under each."
    ]
    desk.store.put(f"{place}.html", page(f"Results released to {audience}", facts, grids, notes))
    REPORTED.passed()
    return learners


def _without(desk: Desk, series: Series, awarding: Awarding) -> pl.DataFrame:
    results, awards = typed(desk.results.frames(awarding, only=("results", "awards")))
    entered = desk.results.entered(series.id).cast(pl.Schema(ENTERED)).filter(pl.col("series") == series.id)
    claims = desk.results.claims(series.id).cast(pl.Schema(CLAIMS))
    return unawarded(results, awards, entered, claims, parts(desk.catalogue))
