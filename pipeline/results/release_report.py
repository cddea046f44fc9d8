"""The report of a release: what was published with its hashes, and who has no award and why (RES-1, OPS-1). No names; a
learner's candidate number stands only in the table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from infra.ledger.results import Awarding, ReleaseFile
from pipeline.approvals import record
from pipeline.desk import Desk
from pipeline.register import named
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.results.exhibit import subject_of
from pipeline.results.result_files import typed
from pipeline.steps import REPORTED
from rules import terms
from rules.awarding import parts
from rules.catalogue import Series
from rules.unawarded import REASONS, unawarded

RESULT_REPORTS = "reports/results/"

_WORDS = {code: reason.words for code, reason in REASONS.items()}
_RULES = {code: reason.rule for code, reason in REASONS.items()}


def report(
    desk: Desk, series: Series, awarding: Awarding, audience: str, until: str, files: Sequence[ReleaseFile]
) -> int:
    """RES-1, OPS-1: writes to `reports/results/<series>/<version>/` which `files` an audience was given, and who has no
    award and why. Returns how many learners that is. `until`: the end of the embargo in words."""
    without = _without(desk, series, awarding)
    place = f"{RESULT_REPORTS}{series.id}/{awarding.version}/{audience}"
    why = without.with_columns(rule=pl.col("code").replace_strict(_RULES), why=pl.col("code").replace_strict(_WORDS))
    desk.put(REPORTED, f"{place}-without-award.csv", csv_bytes(why))
    published = pl.DataFrame(
        [(file.place, file.centre, file.sequence, file.records, file.size, file.sha256) for file in files],
        schema=["place", "centre", "sequence", "records", "bytes", "sha256"],
        orient="row",
    )
    desk.put(REPORTED, f"{place}-published.csv", csv_bytes(published))
    learners = without.select("centre", "uci").n_unique()
    facts = [
        ("Series", f"{series.title} ({series.key})"),
        ("Version", str(awarding.version)),
        ("Audience", audience),
        ("Embargo until", until),
        ("Files", f"{len(files):,}"),
        *_decision(desk, awarding),
        ("Manifest", awarding.manifest_sha256 or ""),
        ("Without an award", f"{learners:,} learners"),
    ]
    grids = [
        Grid(title="Published", frame=_published(files), numbers=["Files", "Records"]),
        Grid(title="Without an award: reasons", frame=_by_reason(without), numbers=["Learners"]),
        Grid(title="Without an award: centres", frame=named(desk, _by_centre(without)), numbers=["Learners"]),
    ]
    notes = [
        f"{audience}-published.csv lists each file with its hash, {audience}-without-award.csv each learner. A learner "
        f"with several reasons counts under each."
    ]
    desk.put(REPORTED, f"{place}.html", page(f"Results released to {audience}", facts, grids, notes))
    return learners


def _decision(desk: Desk, awarding: Awarding) -> tuple[tuple[str, str], ...]:
    """Who put these results forward and who approved them, when, and the hash of what they were shown (OPS-4)."""
    on_record = record(desk.approvals.newest(terms.RESULTS, subject_of(awarding)))
    return on_record or (("Approved by", f"{awarding.decided_by}: {awarding.why}"),)


def _published(files: Sequence[ReleaseFile]) -> pl.DataFrame:
    """How many files and records of each kind: a file for a centre has a sequence number, a feed has none."""
    result_files = [file.records for file in files if file.sequence]
    feeds = [file.records for file in files if not file.sequence]
    return pl.DataFrame(
        {
            "What": ["R files", "portal feeds"],
            "Files": [len(result_files), len(feeds)],
            "Records": [sum(result_files), sum(feeds)],
        }
    )


def _by_reason(without: pl.DataFrame) -> pl.DataFrame:
    """Learners without an award by reason; who has several counts under each."""
    counted = without.group_by("code").agg(pl.struct("centre", "uci").n_unique().alias("Learners")).sort("code")
    return counted.select(
        pl.col("code").replace_strict(_WORDS).alias("Reason"), pl.col("code").replace_strict(_RULES).alias("Rule"),
        pl.col("code").alias("Code"), "Learners",
    )  # fmt: skip


def _by_centre(without: pl.DataFrame) -> pl.DataFrame:
    """Learners without an award by centre, the most first, and how many have each reason."""
    return (
        without.group_by("centre", "code")
        .agg(pl.col("uci").n_unique().alias("count"))
        .sort("centre", "code")
        .group_by("centre", maintain_order=True)
        .agg(pl.concat_str("code", pl.lit(" "), "count").str.join(", ").alias("Reasons"))
        .join(without.group_by("centre").agg(pl.col("uci").n_unique().alias("Learners")), on="centre")
        .sort("Learners", "centre", descending=[True, False])
        .rename({"centre": "Centre"})
    )


def _without(desk: Desk, series: Series, awarding: Awarding) -> pl.DataFrame:
    results, awards = typed(desk.results.frames(awarding, only=("results", "awards")))
    entered = desk.results.entered(series.id).filter(pl.col("series") == series.id)
    claims = desk.results.claims(series.id)
    return unawarded(results, awards, entered, claims, parts(desk.catalogue))
