"""What results look like outside: the R files of centres (RES-1, RES-4), the portal's feeds, and what an updated file
changes (RES-3). They are made from the frames of an awarding, for all centres at once; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import frozen

from parsers.columns import columns
from parsers.findings import Found
from parsers.layouts import RESULT
from parsers.reader import read
from parsers.writer import LINE_END, lines, single
from pipeline.report_page import csv_bytes
from rules import terms
from rules.awarding import RESULTS
from rules.catalogue import LONDON, Catalogue, Series
from rules.certification import AWARDS, REASONS

RECORDS: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "uln": pl.String,
    "option": pl.String,
    "result_type": pl.String,
    "score": pl.Int32,
    "grade": pl.String,
    "partial": pl.String,
}
"""Results as the R5 record has them: `score` in UMS, `grade` as its two-character code or an indicator."""

NO_RESULT, PENDING, PARTIAL = "X", "Q", "#"
"""The indicators of RES-4."""

_INDICATOR = pl.col("outcome").replace_strict(
    {**dict.fromkeys((terms.ABSENT, terms.VOIDED, terms.NOT_ELIGIBLE), NO_RESULT), terms.PENDING: PENDING}, default=""
)
UNIFORM, LARGE, GRADES = "U", "B", "1"
"""Result types. Ours: a total with a partial absence goes out as `B`, as `U` has no place for the `#`; what has no
score as `1`, which has no place for one, so that nobody reads spaces as a number."""

_KEY = ["centre", "candidate", "option"]
_ULNS = {"uci": pl.String, "uln": pl.String}


@frozen
class ResultFile:
    """An R file of one centre: `name` as `R6412315.X01`, `records` the results in it."""

    name: str
    centre: str
    sequence: int
    records: int
    data: bytes


def typed(frames: Mapping[str, pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Results and awards of the ledger (`rules.awarding.RESULTS`, `rules.certification.AWARDS`), of an awarding or of
    the results that hold, with their types, which an empty table lacks."""
    of_components, of_claims = frames["results"], frames["awards"]
    return (
        of_components.select(pl.col(name).cast(kind) for name, kind in RESULTS.items()),
        of_claims.select(pl.col(name).cast(kind) for name, kind in AWARDS.items()),
    )


# --- R files ---------------------------------------------------------------------------------------------------------


def records(
    results: pl.DataFrame,
    awards: pl.DataFrame,
    ulns: pl.DataFrame,
    numbers: pl.DataFrame,
    catalogue: Catalogue,
    at: datetime,
) -> pl.DataFrame:
    """RES-4: a record a component result and a cash-in (`RECORDS`), by centre, candidate and code, the cash-in last;
    each code of a learner once.

    `results`, `awards`: as `typed` gives them, of whole centres; `ulns`: `uci`, `uln`; `numbers`: the candidate numbers
    that learners who were merged keep (`centre`, `uci`, `candidate`). Grades are written by the scales in force at
    `at`; raises `ValueError` where these have no such grade. A component: UMS and grade; absent: `000` and `X`;
    pending: `Q`. An award: total and grade, with `#` where a component was absent; not eligible: `X`; pending: `Q`.
    What has no score is of the type `1`.
    """
    of_components = results.select(
        "centre", "candidate", "uci", pl.col("component").alias("option"), pl.col("ums").alias("score"), "grade",
        _INDICATOR.alias("indicator"),
        pl.lit(value=False).alias("partial_absence"), pl.lit(0).alias("last"),
    )  # fmt: skip
    of_claims = awards.select(
        "centre", "candidate", "uci", pl.col("cash_in").alias("option"), pl.col("ums").alias("score"), "grade",
        _INDICATOR.alias("indicator"),
        "partial_absence", pl.lit(1).alias("last"),
    )  # fmt: skip
    both = pl.concat([of_components, of_claims])
    coded = (
        both.join(_codes(both["option"].unique().to_list(), catalogue, at), on=["option", "grade"], how="left")
        .join(ulns.cast(pl.Schema(_ULNS)), on="uci", how="left")
        .with_columns(pl.when(pl.col("indicator") != "").then("indicator").otherwise("code").alias("grade"))
    )
    if coded["grade"].null_count():
        unknown = coded.filter(pl.col("grade").is_null())["option"].unique().sort().to_list()
        raise ValueError(f"results of {', '.join(unknown)} have a grade that the UMS scale in force does not have")
    flagged = pl.col("partial_absence")
    return _once(coded, numbers).sort("centre", "candidate", "uci", "last", "option").select(
        "centre", "candidate", "uci", pl.col("uln").fill_null(""), "option",
        pl.when(pl.col("score").is_null()).then(pl.lit(GRADES)).when(flagged).then(pl.lit(LARGE))
        .otherwise(pl.lit(UNIFORM)).alias("result_type"),
        "score", "grade",
        pl.when(flagged).then(pl.lit(PARTIAL)).otherwise(pl.lit("")).alias("partial"),
    )  # fmt: skip


def _once(coded: pl.DataFrame, numbers: pl.DataFrame) -> pl.DataFrame:
    """REG-8: what a learner who was merged was issued under two candidate numbers of a centre, each code once, as
    schools keep results by UCI and code: under the number that is kept, and of two results the better, which counts
    (CRT-2)."""
    several = pl.col("candidate").n_unique().over("centre", "uci") > 1
    kept = pl.when(several).then("kept").otherwise(None)
    return (
        coded.join(numbers.rename({"candidate": "kept"}), on=["centre", "uci"], how="left")
        .with_columns(pl.coalesce(kept, "candidate").alias("candidate"))
        .sort(pl.col("indicator") != "", pl.col("score").fill_null(-1).neg(), pl.col("indicator") == NO_RESULT)
        .unique(["centre", "uci", "option"], keep="first", maintain_order=True)
    )


def _codes(options: Sequence[str], catalogue: Catalogue, at: datetime) -> pl.DataFrame:
    """The two-character code of every grade of these options: `option`, `grade`, `code`."""
    rows = [
        (option, threshold.grade, threshold.code)
        for option in options
        for threshold in catalogue.scale(option, at).thresholds
    ]
    return pl.DataFrame(rows, schema=dict.fromkeys(("option", "grade", "code"), pl.String), orient="row")


def result_files(
    of: pl.DataFrame, series: Series, sequences: Mapping[str, int], made: datetime
) -> Iterator[ResultFile]:
    """RES-1: the R file of every centre in `of` (`RECORDS`), with the sequence number of its centre; dated `made`."""
    # The records of all centres are written at once, and then divided by centre as text.
    by_centre = (
        pl.DataFrame([of["centre"], lines("R", RESULT, of).alias("line")])
        .group_by("centre", maintain_order=True)
        .agg(pl.col("line").str.join(LINE_END), pl.len().alias("records"))
    )
    for centre, text, count in by_centre.iter_rows():
        sequence = sequences[centre]
        details = f"{text}{LINE_END}".encode("ascii")
        data = single(
            "R", centre, details, awarding_body=series.awarding_body, series_key=series.key, sequence=sequence,
            produced=f"{made.astimezone(LONDON):%d%m%y}",
        )  # fmt: skip
        yield ResultFile(file_name(centre, series, sequence), centre, sequence, count, data)


def file_name(centre: str, series: Series, sequence: int) -> str:
    """`R<centre><AB>.X<nn>`; the name has room for the last two digits only."""
    return f"R{centre}{series.awarding_body}.X{sequence % 100:02d}"


# --- The portal ------------------------------------------------------------------------------------------------------


@frozen
class PortalFeed:
    """The portal's feed (CSV) of one centre for an audience; `records` are the rows in it."""

    audience: str
    centre: str
    records: int
    data: bytes


def feeds(
    results: pl.DataFrame, awards: pl.DataFrame, series: Series, version: int, catalogue: Catalogue, at: datetime
) -> Iterator[PortalFeed]:
    """RES-1, RES-3: the portal's feed of each centre for each audience, `centres` and `learners`: a row a component
    result and a claim, by candidate, or by learner. Columns: docs/results-day.md."""
    titles = catalogue.options(series, at).select(pl.col("option").alias("code"), "title")
    none = pl.lit(None, pl.String)
    of_components = results.select(
        "centre", "candidate", "uci", pl.lit("component").alias("kind"), pl.col("component").alias("code"),
        "registration", "raw", "ums", "grade", "outcome", none.alias("reason"), none.alias("about"),
        _INDICATOR.alias("indicator"),
        none.alias("performance"), none.alias("claimed"),
    )  # fmt: skip
    of_claims = awards.select(
        "centre", "candidate", "uci", pl.lit("award").alias("kind"), pl.col("cash_in").alias("code"),
        "registration", pl.lit(None, pl.Int32).alias("raw"), "ums", "grade", "outcome", "reason", "about",
        pl.when("partial_absence").then(pl.lit(PARTIAL))
        .otherwise(_INDICATOR).alias("indicator"),
        pl.when("performance").then(pl.lit("Y")).otherwise(pl.lit("N")).alias("performance"),
        pl.col("claimed_at").dt.strftime("%Y-%m-%dT%H:%M:%SZ").alias("claimed"),
    )  # fmt: skip
    rows = (
        pl.concat([of_components, of_claims])
        .join(titles, on="code", how="left")
        .with_columns(pl.lit(series.id).alias("series"), pl.lit(version).alias("version"))
    )
    words = {code: reason.words for code, reason in REASONS.items()}
    for_centres = rows.sort("centre", "candidate", "uci", "registration", "kind", "code", descending=_CASH_IN_LAST)
    for_learners = rows.sort("centre", "uci", "registration", "kind", "code", descending=_CASH_IN_LAST[1:])
    yield from _by_centre(
        terms.CENTRES,
        for_centres.select(
            "series",
            "version",
            "centre",
            "candidate",
            "uci",
            "kind",
            "code",
            "title",
            "registration",
            "raw",
            "ums",
            "grade",
            "indicator",
            "outcome",
            "reason",
            "about",
            "performance",
            "claimed",
        ),
    )
    yield from _by_centre(
        terms.LEARNERS,
        for_learners.select(
            "series", "version", "uci", "centre", "candidate", "kind", "code", "title", "ums", "grade", "indicator",
            "outcome", pl.col("reason").replace_strict(words, default=None).alias("why"), "about",
        ),
    )  # fmt: skip


_CASH_IN_LAST = [False, False, False, False, True, False]


def _by_centre(audience: str, rows: pl.DataFrame) -> Iterator[PortalFeed]:
    """The feed of each centre. `rows`: by centre. They are written as text at once, and then divided."""
    header, *lines = csv_bytes(rows).decode().split("\r\n")
    start = 0
    for centre, count in rows.group_by("centre", maintain_order=True).len().iter_rows():
        text = "\r\n".join([header, *lines[start : start + count], ""])
        yield PortalFeed(audience, centre, count, text.encode())
        start += count


# --- What an updated file changes ------------------------------------------------------------------------------------


def read_back(files: Mapping[str, bytes]) -> pl.DataFrame:
    """The records of R files of ours by their names (`RECORDS`); raises `ValueError` when one cannot be read."""
    names = list(files)
    submissions = [read(name, files[name]) for name in names]
    found = Found(names)
    read_records = columns(submissions, RESULT, found).records
    broken = [name for number, name in enumerate(names) if found.of(number) or not submissions[number].readable]
    if broken:
        raise ValueError(f"not as it was written: {', '.join(broken)}")
    return read_records.select(pl.col(name).cast(kind).fill_null("") if kind == pl.String else pl.col(name).cast(kind)
                               for name, kind in RECORDS.items())  # fmt: skip


CHANGES: dict[str, Any] = {
    "centre": pl.String,
    "candidate": pl.String,
    "option": pl.String,
    "what": pl.String,
    "before": pl.String,
    "now": pl.String,
}


def changes(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """RES-3: what differs between two states of files (`RECORDS`), a row a candidate and code (`CHANGES`): `what` is
    `added`, `changed` or `removed`; the results in words."""

    def told(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        result = pl.concat_str(
            pl.col("score").cast(pl.String).fill_null(""), pl.lit(" "), "grade", pl.lit(" "), "partial"
        ).str.strip_chars()
        return frame.select(*_KEY, result.alias(name), pl.concat_str("uci", "uln", separator=" ").alias(f"{name}_id"))

    both = told(before, "before").join(told(now, "now"), on=_KEY, how="full", coalesce=True)
    new, gone = pl.col("before").is_null(), pl.col("now").is_null()
    other, renamed = pl.col("before") != pl.col("now"), pl.col("before_id") != pl.col("now_id")
    return (
        both.filter(new | gone | other | renamed)
        .with_columns(
            pl.when(new).then(pl.lit("added")).when(gone).then(pl.lit("removed")).otherwise(pl.lit("changed"))
            .alias("what"),
            pl.when(renamed & ~other).then(pl.concat_str("now", pl.lit("  (UCI or ULN corrected)"))).otherwise("now")
            .alias("now"),
        )
        .with_columns(pl.col("before", "now").fill_null("-"))
        .select(pl.col(name).cast(kind) for name, kind in CHANGES.items())
        .sort(_KEY)
    )  # fmt: skip


def note(file: ResultFile, replaced: str, series: Series, made: str, changed: pl.DataFrame) -> Iterator[str]:
    """The lines of the note beside an updated file: what it changes, by candidate number and code, without names.
    `replaced`: the name of the file before it, empty when there was none; `made`: the instant in words."""
    counts = dict(changed.group_by("what").len().iter_rows())
    said = ", ".join(f"{counts.get(what, 0)} {what}" for what in ("added", "changed", "removed"))
    yield f"UPDATED RESULTS  {file.name}"
    yield f"  Centre      {file.centre}"
    yield f"  Series      {series.title} ({series.key})"
    yield f"  Made        {made}"
    yield f"  Replaces    {replaced or 'nothing: the first results file of this centre'}"
    yield f"  Results     {file.records}; the file is complete: import it as a whole (RES-3)"
    yield ""
    yield f"CHANGES  {said}"
    yield f"  {'candidate':<11}{'code':<8}{'':<9}{'before':<12}now"
    for candidate, option, what, before, now in changed.select(
        "candidate", "option", "what", "before", "now"
    ).iter_rows():
        yield f"  {candidate:<11}{option:<8}{what:<9}{before:<12}{now}"
    yield ""
    yield "  A result is the UMS and the grade code; X no result, Q pending, # absent from a part (RES-4)."
