"""Rules about entries: one per component, from the catalogue of the series (ENT-1, CAL-4), as often as it may be taken
(ENT-3, ENT-4), and in an order that can lead to an award (ENT-5, ENT-6)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from parsers.columns import Columns
from parsers.findings import Found
from rules import findings as f
from rules import terms
from rules.catalogue import Catalogue, Series, series_title
from rules.known import Arrival

_HERE = ["file", "line", "candidate"]


def in_catalogue(options: pl.DataFrame, series: Series, catalogue: Catalogue, found: Found) -> pl.DataFrame:
    """ENT-1: every option is in the catalogue of the series; an unknown one refuses its candidate.

    Returns the known ones with `kind`, `subject`, `registration`, `title`, `reason` and `available` of the catalogue.
    """
    table = catalogue.options(series)
    known = options.join(table, on="option", how="left", maintain_order="left")
    unknown = _signs_told(known.filter(pl.col("kind").is_null()), table, series, found)
    if not unknown.is_empty():
        told = {code: _what_instead(code, series, catalogue) for code in unknown["option"].unique()}
        codes = pl.col("option").replace_strict(told, return_dtype=pl.String)
        rows = unknown.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last", codes=codes)
        found.rows(f.OPTION_UNKNOWN, rows.with_columns(series=pl.lit(series.title)), field="option")
    return known.filter(pl.col("kind").is_not_null())


def _signs_told(unknown: pl.DataFrame, table: pl.DataFrame, series: Series, found: Found) -> pl.DataFrame:
    """ENT-1: codes that are in the catalogue but for signs or spaces in them, as `BEN/01`, have one cause, whichever
    they are. Returns the others."""
    plain = unknown.with_columns(meant=pl.col("option").str.replace_all("[^A-Z0-9]", ""))
    signs = plain.join(table.select(meant="option"), on="meant", how="semi", maintain_order="left")
    if signs.is_empty():
        return unknown
    rows = signs.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last", "meant")
    found.rows(f.OPTION_SIGNS, rows.with_columns(series=pl.lit(series.title)), field="option")
    return plain.filter(~pl.col("meant").is_in(table["option"].implode())).drop("meant")


def _what_instead(code: str, series: Series, catalogue: Catalogue) -> str:
    """What the sender may have meant by an unknown option code."""
    named = catalogue.edition().spoken
    for qualification in catalogue.qualifications:
        parts = [part.code for part in qualification.components]
        if code == qualification.registration_code:
            claimed = named(qualification.cash_in_code)
            entered = f"it is entered with {', '.join(map(named, parts))} and claimed with {claimed}"
            return f"{code} registers for {qualification.subject}; {entered}"
        if code in (*parts, qualification.cash_in_code):
            registers = f"learners are registered for it with {named(qualification.registration_code)}"
            return f"{code} is an entry for {qualification.subject}; {registers}"
    alike = [
        qualification
        for qualification in catalogue.qualifications
        if code[:3] in (qualification.registration_code[:3], qualification.cash_in_code[:3])
    ]
    table = catalogue.options(series)
    if len(alike) == 1:
        subject = alike[0].subject
        return f"codes for {subject}: {', '.join(table.filter(pl.col('subject') == subject)['option'])}"
    return f"codes: {', '.join(table['option'])}"


def offered(options: pl.DataFrame, series: Series, found: Found) -> None:
    """CAL-4: a component is taken only in a series in which it is offered; otherwise that entry is refused."""
    rows = options.filter(pl.col("reason").is_not_null()).select(
        *_HERE, pl.col("option").alias("value"), "option", "first", "last", "title", "reason", "available"
    )
    found.rows(f.OPTION_NOT_IN_SERIES, rows.with_columns(series=pl.lit(series.title)), field="option")


def records_once_each(read: Columns, found: Found) -> Columns:
    """ENT-1: a record that stands in a file twice, the same in every column, counts once; that is one note."""
    key = ["file", "candidate", "uci"]
    several = read.records.filter(pl.struct(key).is_duplicated())
    if several.is_empty():
        return read
    used = read.options.join(several.select("file", "line"), on=["file", "line"], how="semi")
    held = used.group_by("file", "line").agg(pl.col("option"), pl.col("first"))
    whole = several.join(held, on=["file", "line"], how="left", maintain_order="left")
    again = whole.filter(~pl.struct(pl.exclude("line")).is_first_distinct()).select("file", "line", "candidate")
    found.rows(f.RECORD_TWICE, again.with_columns(value=pl.lit(None, pl.String)))
    lines = again.select("file", "line")
    return Columns(*(
        frame.join(lines, on=["file", "line"], how="anti", maintain_order="left")
        for frame in (read.records, read.options)
    ))  # fmt: skip


def once_each(options: pl.DataFrame, found: Found) -> pl.DataFrame:
    """ENT-1: one entry per component; the same option twice for a learner counts once. Returns the first of each."""
    key = ["file", "candidate", "uci", "option"]
    again = options.filter(~pl.struct(key).is_first_distinct())
    rows = again.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last")
    found.rows(f.OPTION_TWICE, rows, field="option")
    return options.unique(key, keep="first", maintain_order=True)


def once_in_a_series(entered: pl.DataFrame, elsewhere: pl.DataFrame, found: Found) -> None:
    """ENT-7, CRT-4: a learner takes a component, and claims a qualification, in one series at one centre: what is held
    at another centre is refused, and the other centre is not named. What is held here already stays.

    `elsewhere`: entries and claims in force (`rules.frames.HOLDINGS`) at any centre.
    """
    key = ["series", "uci", "option"]
    both = entered.join(elsewhere.select(*key, pl.col("centre").alias("at")), on=key)
    here = both.filter(pl.col("centre") == pl.col("at")).select("file", "candidate", "option")
    rows = (
        both.filter(pl.col("centre") != pl.col("at"))
        .join(here, on=["file", "candidate", "option"], how="anti")
        .unique([*_HERE, "option"])
        .sort(*_HERE, "first")
        .select(*_HERE, pl.col("option").alias("value"), "option", "first", "last", "title")
    )
    found.rows(f.ENTERED_ELSEWHERE, rows, field="option")


# --- Sittings --------------------------------------------------------------------------------------------------------

SITTINGS_ALLOWED = 2
"""A component may be taken twice: one retake of an internal component, one resit of the external."""


def sitting_limits(
    options: pl.DataFrame, sittings: pl.DataFrame, allowances: pl.DataFrame, over: pl.DataFrame, found: Found
) -> None:
    """ENT-3, ENT-4: an internal component is retaken once, in another series, the external resat once; any two sittings
    use it up, practice ones too. A sitting the learner was absent from does not count (for internal ones: ours), nor
    one for which no work was ever marked; staff can grant more.

    `options`: a row an entry, with `series` and `kind`; `sittings` and `allowances` as in `rules.known`; `over`: series
    whose results are out by the receipt of a file (`file`, `sat_in`), for which no mark comes any more.
    """
    attended = sittings.filter(~pl.col("absent")).select("uci", "option", pl.col("series").alias("sat_in"), "marked")
    granted = allowances.group_by("uci", "option").agg(pl.col("number").sum())
    before = (
        options.join(attended, on=["uci", "option"])
        .filter(pl.col("sat_in") != pl.col("series"))
        .join(over.with_columns(over=pl.lit(value=True)), on=["file", "sat_in"], how="left", maintain_order="left")
        .filter(pl.col("marked") | pl.col("over").is_null())
        .group_by(*_HERE, "uci", "option", "kind", "first", "last", "title", maintain_order=True)
        .agg(pl.col("sat_in").n_unique().alias("times"), pl.col("sat_in").unique().sort().alias("sat_in"))
        .join(granted, on=["uci", "option"], how="left", maintain_order="left")
        .with_columns((pl.col("number").fill_null(0) + SITTINGS_ALLOWED).alias("allowed"))
        .filter(pl.col("times") >= pl.col("allowed"))
    )
    if before.is_empty():
        return
    titles = {series_id: series_title(series_id) for series_id in before["sat_in"].explode().unique()}
    spelt = pl.col("sat_in").list.eval(pl.element().replace_strict(titles, return_dtype=pl.String)).list.join(", ")
    rows = before.select(
        *_HERE, pl.col("option").alias("value"), "option", "first", "last", "title", "kind", "times", "allowed",
        sat_in=spelt,
    )  # fmt: skip
    found.rows(f.RETAKE_LIMIT, rows.filter(pl.col("kind") == terms.INTERNAL), field="option")
    found.rows(f.RESIT_LIMIT, rows.filter(pl.col("kind") == terms.EXTERNAL), field="option")


def results_out(arrivals: Sequence[Arrival], sittings: pl.DataFrame, catalogue: Catalogue) -> pl.DataFrame:
    """The series of `sittings` whose results day has come by the receipt of each file: `file`, `sat_in`."""
    rows = []
    for series in (catalogue.series_by_id(series_id) for series_id in sittings["series"].unique().sort()):
        for file, arrival in enumerate(arrivals):
            out = catalogue.milestone(series, "results_to_learners", arrival.received) if series else None
            if series and out and out.at <= arrival.received:
                rows.append((file, series.id))
    return pl.DataFrame(rows, schema={"file": pl.UInt32, "sat_in": pl.String}, orient="row")


def _components(catalogue: Catalogue) -> pl.DataFrame:
    rows = [
        (qualification.registration_code, part.code, part.external)
        for qualification in catalogue.qualifications
        for part in qualification.components
    ]
    schema = {"registration": pl.String, "part": pl.String, "external": pl.Boolean}
    return pl.DataFrame(rows, schema=schema, orient="row")


_LEARNER = ["file", "candidate", "uci", "registration"]


def stated(
    options: pl.DataFrame, arrivals: Sequence[Arrival], held: pl.DataFrame, series: Series, catalogue: Catalogue
) -> pl.DataFrame:
    """What each learner of these files will hold in the series: what a file names; for a feed, what is held already,
    less what it withdraws, and what it enters. Columns of `options`; what is only held has the line of the learner's
    first row, and no columns."""
    feeds = [index for index, arrival in enumerate(arrivals) if arrival.submission.feed is not None]
    entered = options.filter(pl.col("action") == "enter")
    changed = options.filter(pl.col("file").is_in(feeds))
    if changed.is_empty():
        return entered
    learners = changed.group_by("file", "centre", "series", "candidate", "uci").agg(pl.col("line").min())
    before = (
        held.filter(pl.col("series") == series.id)
        .join(learners, on=["centre", "series", "candidate", "uci"])
        .join(changed, on=["file", "candidate", "option"], how="anti")
        .join(catalogue.options(series), on="option")
    )
    return pl.concat([entered, before.select(*(set(entered.columns) & set(before.columns)))], how="diagonal")


def practice_sittings(
    stated: pl.DataFrame, sittings: pl.DataFrame, series: Series, catalogue: Catalogue
) -> pl.DataFrame:
    """ENT-6: the external entries of `stated` that are practice sittings, because some internal component of the
    qualification will not be complete by the end of the series: neither taken before nor entered now.

    `stated`: what each learner will hold in this series, with `file`, `centre`, `candidate`, `uci`, `option`, `kind`,
    `registration` and whatever else; returns its rows with `missing`, the internal components in words.
    """
    # What is held in this series at the same centre is replaced by what is stated.
    here = stated.select("centre", "uci", pl.lit(series.id).alias("series")).unique()
    others = sittings.filter(pl.col("series") <= series.id).join(here, on=["centre", "uci", "series"], how="anti")
    external = stated.filter(pl.col("kind") == terms.EXTERNAL)
    internal = _components(catalogue).filter(~pl.col("external"))
    taken = pl.concat([
        others.select("uci", pl.col("option").alias("part")),
        stated.select("uci", pl.col("option").alias("part")),
    ]).unique()  # fmt: skip
    missing = (
        external.join(internal, on="registration", maintain_order="left")
        .join(taken, on=["uci", "part"], how="anti", maintain_order="left")
        .group_by(_LEARNER, maintain_order=True)
        .agg(pl.col("part").str.join(", ").alias("missing"))
    )
    return external.join(missing, on=_LEARNER, maintain_order="left")


def practice_is_told(
    stated: pl.DataFrame, sittings: pl.DataFrame, series: Series, catalogue: Catalogue, found: Found
) -> None:
    """ENT-6: a practice sitting is accepted with a warning."""
    rows = practice_sittings(stated, sittings, series, catalogue)
    rows = rows.select(*_HERE, pl.col("option").alias("value"), "option", "first", "last", "missing", "title")
    found.rows(f.PRACTICE_SITTING, rows.with_columns(series=pl.lit(series.title)), field="option")


def after_terminal(stated: pl.DataFrame, sittings: pl.DataFrame, series: Series, catalogue: Catalogue) -> pl.DataFrame:
    """ENT-5: the internal entries of `stated` that come after the terminal external without the external again in the
    same series. The external was terminal when every internal had been taken by then.

    `stated` as in `practice_sittings`; returns its rows with `external_code` and `sat_in`, the series of the external.
    """
    parts = _components(catalogue)
    earlier = sittings.filter((pl.col("series") < series.id) & ~pl.col("absent")).join(
        parts, left_on="option", right_on="part"
    )
    first = earlier.filter(~pl.col("external")).group_by("uci", "registration", "option").agg(pl.col("series").min())
    needed = parts.filter(~pl.col("external")).group_by("registration").len("parts")
    complete = (
        first.group_by("uci", "registration")
        .agg(pl.col("series").max().alias("complete"), pl.len().alias("taken"))
        .join(needed, on="registration")
        .filter(pl.col("taken") == pl.col("parts"))
    )
    terminal = (
        earlier.filter("external")
        .join(complete, on=["uci", "registration"])
        .filter(pl.col("series") >= pl.col("complete"))
        .group_by("uci", "registration")
        .agg(pl.col("series").max().alias("sat_in"), pl.col("option").first().alias("external_code"))
    )
    again = stated.filter(pl.col("kind") == terms.EXTERNAL).select(_LEARNER)
    return (
        stated.filter(pl.col("kind") == terms.INTERNAL)
        .join(terminal, on=["uci", "registration"], maintain_order="left")
        .join(again, on=_LEARNER, how="anti", maintain_order="left")
    )


def terminal_rule(
    stated: pl.DataFrame, sittings: pl.DataFrame, series: Series, catalogue: Catalogue, found: Found
) -> None:
    """ENT-5: an internal component taken in a series after the terminal external without the external again in the same
    series is accepted with a warning."""
    late = after_terminal(stated, sittings, series, catalogue)
    if late.is_empty():
        return
    titles = {series_id: series_title(series_id) for series_id in late["sat_in"].unique()}
    rows = late.select(
        *_HERE, pl.col("option").alias("value"), "option", "first", "last", "title", "external_code",
        sat_in=pl.col("sat_in").replace_strict(titles, return_dtype=pl.String),
    )  # fmt: skip
    found.rows(f.TERMINAL_RULE, rows.with_columns(series=pl.lit(series.title)), field="option")
