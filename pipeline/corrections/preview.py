"""The effect of a correction as people read it before they decide (RES-7): lines for a terminal, a page with every
result in a table beside it, and the draft of the notice to the regulator."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import polars as pl

from infra.ledger.corrections import Case
from parsers.reply import encode
from pipeline.corrections.effect import Effect, words
from pipeline.desk import Desk
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.wording import WIDTH
from rules import terms
from rules.catalogue import PLACEHOLDER, series_title
from rules.corrections import KINDS, outcome

CORRECTION_REPORTS = "reports/corrections/"
SHOWN = 20
"""Results that a terminal shows; the table beside the page has all of them."""


def about(case: Case) -> list[tuple[str, str]]:
    """A case as facts."""
    subjects = [f"{subject}{f' = {subject.given}' if subject.given else ''}" for subject in case.subjects]
    more = f" and {len(subjects) - 10:,} more" if len(subjects) > 10 else ""
    kind = KINDS[case.kind].title if case.kind else "nobody has said yet"
    return [
        ("Series", series_title(case.series)),
        ("Kind", kind),
        ("About", f"{', '.join(subjects[:10])}{more}"),
        ("Requested", f"by {case.requested_by}, {case.requested_on:%-d %B %Y}"),
        ("Why", case.why),
    ]


def facts_of(desk: Desk, found: Effect) -> list[tuple[str, str]]:
    """An effect as facts: what a person needs to see first."""
    rows = found.effects
    of_awards = pl.col("code").is_in([each.cash_in_code for each in desk.catalogue.qualifications])
    components, awards = rows.filter(~of_awards), rows.filter(of_awards)
    left = components.filter(pl.col("choice") == terms.LEFT_HIGHER)
    facts = [
        ("Outcome", outcome(rows)),
        ("Component results", f"{_ways(components)}, {found.unchanged:,} unchanged"),
        ("Left higher", f"{left.height:,}" if left.height else ""),
        ("Withheld", f"{found.closed:,}: released, they are by these boundaries" if found.closed else ""),
        ("Stays voided", f"{', '.join(found.left_voided)}: `=back` gives it back too" if found.left_voided else ""),
        ("Given back, not made", "; ".join(found.not_made)),
    ]
    for version in found.versions:
        its = awards.filter(pl.col("series") == version.series)
        facts.append((f"Awards in {series_title(version.series)}", _ways(its)))
    tables = awards.filter("performance").height
    recalled, due = certificates_touched(desk, found)
    facts += [
        ("Performance tables", f"{tables:,} of these awards count there"),
        ("Certificates", f"{recalled:,} to be recalled, {due:,} to be made"),
        ("Still to come", "; ".join(_waiting(desk, found))),
        ("Effect", f"SHA-256 {found.sha256}"),
    ]
    return [(what, value) for what, value in facts if value]


def _ways(rows: pl.DataFrame) -> str:
    """Of the results that are corrected, how many go up, down, change without, or are withheld."""
    its = rows.filter(pl.col("choice") == terms.CORRECTED)
    ways = (terms.UP, terms.DOWN, terms.SAME, terms.WITHHELD)
    count = {name: its.filter(pl.col("way") == name).height for name in ways}
    other = f", {count[terms.SAME]:,} with the same UMS" if count[terms.SAME] else ""
    held = f", {count[terms.WITHHELD]:,} withheld" if count[terms.WITHHELD] else ""
    return f"{count[terms.UP]:,} up, {count[terms.DOWN]:,} down{other}{held}"


def certificates_touched(desk: Desk, found: Effect) -> tuple[int, int]:
    """CRT-8: how many certificates would be recalled, and how many made in their place."""
    rows = certificate_rows(desk, found, "")
    return rows.filter(pl.col("state") == terms.RECALLED).height, rows.filter(pl.col("state") == terms.DUE).height


def certificate_rows(desk: Desk, found: Effect, why: str) -> pl.DataFrame:
    """CRT-8: what a correction adds to the register of certificates (`infra.ledger.corrections.CERTIFICATES`): those
    whose grade changes are recalled, and others come in their place unless nothing is certificated any more."""
    series = [version.series for version in found.versions]
    held = desk.corrections.certificates(series)
    if held.is_empty():
        return held
    key = ["series", "centre", "candidate", "uci", "cash_in"]
    changed = pl.concat([
        version.results.awards.select(
            pl.lit(version.series).alias("series"), "centre", "candidate", "uci", "cash_in",
            pl.when(pl.col("outcome") == terms.AWARDED).then("grade").otherwise(pl.lit("")).alias("now"),
        )
        for version in found.versions
    ])  # fmt: skip
    live = held.filter(pl.col("state") == terms.DUE)
    both = live.join(changed, on=key, maintain_order="left")
    recalled = both.filter(pl.col("grade") != pl.col("now")).with_columns(pl.lit(terms.RECALLED).alias("state"))
    ungraded = desk.catalogue.scale(terms.QUALIFICATION, desk.results.every(series[0])[0].at).thresholds[-1].grade
    last = {of: held.filter(pl.col("series") == of)["number"].str.tail(6).cast(pl.Int64).max() or 0 for of in series}
    number = pl.col("series").replace_strict(last, return_dtype=pl.Int64) + pl.int_range(1, pl.len() + 1).over("series")
    new = (
        # Of two that were made before their learners were merged, both are recalled, and one comes in their place.
        changed.join(
            live.unique(key, keep="first").select(*key, "grade", pl.col("number").alias("replaces")), on=key, how="left"
        )
        .filter(~pl.col("now").is_in(["", ungraded]), pl.col("grade").ne_missing(pl.col("now")))
        # Before the certificates of a series are listed there is nothing to make in advance.
        .filter(pl.col("series").is_in(held["series"].unique().implode()))
        .sort("series", "centre", "candidate", "cash_in")
        .with_columns(
            pl.col("now").alias("grade"), pl.col("replaces").fill_null(""), pl.lit(terms.DUE).alias("state"),
            pl.format("{}-{}", "series", number.cast(pl.String).str.zfill(6)).alias("number"), pl.lit("").alias("why"),
        )
    )  # fmt: skip
    rows = pl.concat([recalled.select(held.columns), new.select(held.columns)])
    return rows.with_columns(pl.lit(why).alias("why"))


def _waiting(desk: Desk, found: Effect) -> Iterator[str]:
    """Later series with results that wait: they are awarded again by themselves, or told to be stale."""
    for series in desk.catalogue.all_series():
        newest = desk.results.newest(series.id)
        waits = newest is not None and newest.state in (terms.PROPOSED, terms.BUILT, terms.APPROVED)
        if newest and waits and found.versions and series.id > found.versions[0].series:
            yield f"{series.title} is {newest.state}: whoever carried a changed result there makes it stale (AWD-5)"


def lines(desk: Desk, case: Case, found: Effect) -> Iterator[str]:
    """The effect of what is proposed for a case, for a terminal."""
    yield f"Correction {case.number}: what it would do"
    yield from effect_lines(desk, found)


def effect_lines(desk: Desk, found: Effect) -> Iterator[str]:
    """An effect for a terminal."""
    for what, value in [*words(found.plan), *facts_of(desk, found)]:
        yield f"  {what}: {value}"
    yield from rows_in_words(found.effects)


def rows_in_words(rows: pl.DataFrame) -> Iterator[str]:
    """Results before and after, a line each, at most so many."""
    for row in rows.head(SHOWN).iter_rows(named=True):
        left = ", left higher" if row["choice"] == terms.LEFT_HIGHER else ""
        way = f" ({row['way']}{left})" if row["way"] != terms.WITHHELD else ""
        yield (
            f"  {row['series']} {row['centre']}/{row['candidate']} {row['code']:<7} {said(row, '_before')} -> "
            f"{said(row)}{way}"
        )
    if rows.height > SHOWN:
        yield f"  and {rows.height - SHOWN:,} more: the table beside the page has all of them"


def in_words(rows: pl.DataFrame, most: int) -> list[dict[str, str]]:
    """Results before and after for a page, at most so many: `series`, `centre`, `candidate`, `code`, `was`, `now`, and
    the `way` they go, or that they are left higher."""
    return [
        {
            **{name: row[name] for name in ("series", "centre", "candidate", "code")},
            "was": said(row, "_before"),
            "now": said(row),
            "way": "left higher" if row["choice"] == terms.LEFT_HIGHER else row["way"],
        }
        for row in rows.head(most).iter_rows(named=True)
    ]


def said(row: dict[str, object], when: str = "") -> str:
    """One result in words: `40 raw, 80 UMS, L2P`, or what became of it."""
    ums, grade, raw = row[f"ums{when}"], row[f"grade{when}"], row[f"raw{when}"]
    if grade in ("", None):
        withheld = not when and row["way"] == terms.WITHHELD
        return terms.WITHHELD if withheld else str(row[f"outcome{when}"]).replace("_", " ")
    return f"{f'{raw} raw, ' if raw is not None else ''}{ums} UMS, {grade}"


# --- Written ---------------------------------------------------------------------------------------------------------


def files(desk: Desk, case: Case, found: Effect) -> dict[str, bytes]:
    """The pages by which a proposal is decided, by key: `index.html`, `effects.csv` and the draft of the notice."""
    place = f"{CORRECTION_REPORTS}{case.number}/{case.proposals + 1}/"
    facts = [*about(case), *words(found.plan), *facts_of(desk, found)]
    steps = found.effects.group_by("series", "code", "grade_before", "grade", "choice").agg(pl.len().alias("learners"))
    grids = [
        Grid(
            title="From grade to grade",
            frame=steps.sort("series", "code", "grade_before", "grade", "choice"),
            numbers=("learners",),
        ),
        Grid(
            title="Results",
            frame=found.effects.head(500),
            numbers=("raw_before", "raw", "ums_before", "ums"),
            total=f"{found.effects.height:,}",
        ),
    ]
    notes = ["Every result is in effects.csv. Nothing is recorded until another person approves it (OPS-4)."]
    return {
        f"{place}index.html": page(f"Correction {case.number}", facts, grids, notes),
        f"{place}effects.csv": csv_bytes(found.effects),
        f"{place}notice.txt": encode(list(_notice(desk, case, found))),
    }


def _notice(desk: Desk, case: Case, found: Effect) -> Iterator[str]:
    """The draft of the notice to the regulator; ours: nobody has published its form."""
    centres = found.effects["centre"].n_unique()
    yield f"DRAFT  Notice of an event with an adverse effect: results issued wrongly{PLACEHOLDER}"
    yield ""
    yield from _wrapped(
        f"Results of {series_title(case.series)} were found to be wrong ({KINDS[found.plan.kind].title}). Reason: "
        f"{case.why}"
    )
    yield ""
    for what, value in facts_of(desk, found):
        yield f"  {what}: {value}"
    yield f"  Centres: {centres:,}"
    yield ""
    yield from _wrapped(
        "Each centre concerned gets a letter, a complete results file and, where a grade changes, certificates in "
        "place of those recalled, once the correction is approved. To be added by whoever sends this: how it came "
        "about, and what is done so that it does not happen again."
    )


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, break_on_hyphens=False)
