"""The page that people look at before they approve results, and its tables, without a learner's name.

In `reports/award/<series>/<version>/`, which no centre can read: `index.html`, and `grades.csv`, `boundaries.csv`,
`marks.csv`, `not-awarded.csv` and `near.csv`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from attrs import field, frozen

from infra.ledger.results import Awarding, ConversionRow
from pipeline.awarding.award import AwardError, conversion_frame, conversions_sha256, falling, undecided, used_tables
from pipeline.awarding.balance import Balance, award_reports, compared_with, facts, weigh
from pipeline.awarding.charts import STYLE, grade_bars, mark_bars, side_by_side
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.steps import PREVIEWED
from rules import terms
from rules.awarding import RESULTS
from rules.balance import CODES
from rules.catalogue import PLACEHOLDER, Catalogue, Scale, Series, instant_text
from rules.certification import AWARDS, CHOICES, REASONS, grade_of

log = logging.getLogger(__name__)

WITHIN = 2
"""Raw marks: a learner this near to another grade is listed. Ours."""
LISTED = 500
"""Lines of a list on the page; the CSV files have all of them."""

_CLAIM = ["centre", "uci", "registration"]


@frozen(kw_only=True)
class Material:
    """What a preview shows. `tables`: the conversion tables the awarding used; `before`: the awarding it is compared
    with, if any; `warnings`: moderation that has not ended."""

    awarding: Awarding
    series: Series
    results: pl.DataFrame = field(repr=False)
    awards: pl.DataFrame = field(repr=False)
    choices: pl.DataFrame = field(repr=False)
    tables: Sequence[ConversionRow] = field(repr=False)
    balance: Balance
    before: Awarding | None = None
    warnings: Sequence[str] = ()


@journaled
def preview(desk: Desk, awarding: Awarding) -> tuple[str, ...]:
    """Writes the preview of an awarding; returns the keys of its files, the page first. Raises `AwardError` when the
    conversion tables have changed since."""
    of = _material(desk, awarding)
    files = dict(_files(of, desk.catalogue))
    place = preview_place(awarding)
    for name, data in files.items():
        desk.put(PREVIEWED, f"{place}{name}", data)
    log.info("awarding %s version %d: preview in %s", awarding.series, awarding.version, place)
    return tuple(f"{place}{name}" for name in files)


preview_place = award_reports


def _material(desk: Desk, awarding: Awarding) -> Material:
    series = desk.catalogue.series_by_id(awarding.series)
    assert series
    frames = desk.results.frames(awarding)
    results = frames["results"].cast(pl.Schema(RESULTS))
    choices = frames["choices"].cast(pl.Schema(CHOICES))
    tables = used_tables(desk.results.conversions(), series.id, results, choices)
    if conversions_sha256(tables) != awarding.conversions_sha256:
        raise AwardError(
            f"the conversion tables of {series.title} have changed since version {awarding.version}: award again"
        )
    return Material(
        awarding=awarding,
        series=series,
        results=results,
        awards=frames["awards"].cast(pl.Schema(AWARDS)),
        choices=choices,
        tables=tables,
        balance=weigh(desk, awarding),
        before=compared_with(desk, series),
        warnings=undecided(desk, series),
    )


def _files(of: Material, catalogue: Catalogue) -> Iterator[tuple[str, bytes]]:
    scale = catalogue.scale(terms.QUALIFICATION, of.awarding.at)
    shares = grades(of, catalogue, scale)
    marks = mark_counts(of.results)
    refused = not_awarded(of.awards)
    close = near(of.awards, of.choices, conversion_frame(of.tables), scale)
    yield "index.html", _page(of, catalogue, scale, shares, marks, refused, close)
    yield "grades.csv", csv_bytes(shares)
    yield "boundaries.csv", csv_bytes(boundaries(of.tables))
    yield "marks.csv", csv_bytes(marks)
    yield "not-awarded.csv", csv_bytes(refused)
    yield "near.csv", csv_bytes(close)


# --- The figures -----------------------------------------------------------------------------------------------------


def grades(of: Material, catalogue: Catalogue, scale: Scale) -> pl.DataFrame:
    """Awards by subject and grade: `registration`, `subject`, `grade`, `awards`, `per_cent`, and the same of the
    results compared with: `before`, `before_per_cent` (null where there are none)."""
    order = [threshold.grade for threshold in scale.thresholds]
    then: Mapping[str, Mapping[str, int]] = of.before.counts["qualifications"] if of.before else {}
    rows = [
        (code, qualification.subject, grade, its.get(grade, 0), had.get(grade, 0) if had else None)
        for qualification in catalogue.qualifications
        for code in (qualification.registration_code,)
        if (its := of.awarding.counts["qualifications"].get(code)) is not None
        for had in (then.get(code),)
        for grade in order
    ]
    schema = {
        "registration": pl.String,
        "subject": pl.String,
        "grade": pl.String,
        "awards": pl.Int64,
        "before": pl.Int64,
    }
    share = {
        name: (pl.col(count) * 100 / pl.col(count).sum().over("registration")).fill_nan(None).round(1)
        for name, count in (("per_cent", "awards"), ("before_per_cent", "before"))
    }
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .with_columns(**share)
        .select("registration", "subject", "grade", "awards", "per_cent", "before", "before_per_cent")
    )


def boundaries(tables: Sequence[ConversionRow]) -> pl.DataFrame:
    """The boundaries used, a row a grade: `series`, `component`, `version`, `raw_max`, `grade`, `raw_mark`,
    `placeholder` (Y or N), `source`, `approved_by`, `sha256` of the conversion table."""
    rows = [
        (table.series, table.component, table.version, table.raw_max, grade, mark, "Y" if table.placeholder else "N",
         table.source, table.approved_by or "", table.sha256)
        for table in tables
        for grade, mark in falling(table)
    ]  # fmt: skip
    schema = {
        "series": pl.String, "component": pl.String, "version": pl.Int64, "raw_max": pl.Int64, "grade": pl.String,
        "raw_mark": pl.Int64, "placeholder": pl.String, "source": pl.String, "approved_by": pl.String,
        "sha256": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def mark_counts(results: pl.DataFrame) -> pl.DataFrame:
    """Learners by component and raw mark: `component`, `outcome`, `raw` (null when absent or pending), `learners`."""
    key = ["component", "outcome", "raw"]
    return results.group_by(key).agg(pl.len().alias("learners")).sort(key)


def not_awarded(awards: pl.DataFrame) -> pl.DataFrame:
    """Claims that are not awarded, by the order of `REASONS`: `reason`, `rule`, `centre`, `candidate`, `registration`,
    `cash_in`, `about`, `words`, `remedy`."""
    said = {
        name: pl.col("reason").replace_strict({code: getattr(reason, name) for code, reason in REASONS.items()})
        for name in ("rule", "words", "remedy")
    }
    return (
        awards.filter(pl.col("reason") != "")
        .with_columns(**said)
        .sort(pl.col("reason").cast(pl.Enum(list(REASONS))), "centre", "candidate", "cash_in")
        .select("reason", "rule", "centre", "candidate", "registration", "cash_in", "about", "words", "remedy")
    )


def near(awards: pl.DataFrame, choices: pl.DataFrame, table: pl.DataFrame, scale: Scale) -> pl.DataFrame:
    """Awarded learners whose grade would differ if the raw mark of one component were up to `WITHIN` higher or lower;
    the fewest marks in each direction: `registration`, `centre`, `candidate`, `ums`, `grade`, `would_be`, `marks`
    (signed), `component`, `series` of the sitting, `raw`.

    A lowered mark counts for no less than the sitting that would take its place.
    """
    totals = awards.filter(pl.col("outcome") == terms.AWARDED).select(
        *_CLAIM, "candidate", "grade", pl.col("ums").alias("total")
    )
    component = [*_CLAIM, "component"]
    instead = (
        choices.filter(~pl.col("counts") & pl.col("why").is_in(["LOWER", "EQUAL"]))
        .group_by(component)
        .agg(pl.col("ums").max().alias("instead"))
    )
    counting = (
        choices.filter(pl.col("counts") & pl.col("raw").is_not_null())
        .join(totals, on=_CLAIM)
        .join(instead, on=component, how="left")
    )
    converted = table.select("series", "component", pl.col("raw").alias("moved"), pl.col("ums").alias("to"))
    shifted = [
        counting.with_columns((pl.col("raw") + marks).alias("moved"), pl.lit(marks).alias("marks"))
        .join(converted, on=["series", "component", "moved"])
        .with_columns((pl.col("total") - pl.col("ums") + pl.max_horizontal("to", "instead")).alias("would_total"))
        .with_columns(grade_of(pl.col("would_total"), scale).alias("would_be"))
        .filter(pl.col("would_be") != pl.col("grade"))
        for distance in range(1, WITHIN + 1)
        for marks in (distance, -distance)
    ]
    return (
        pl.concat(shifted)
        .sort(pl.col("marks").abs(), "component", maintain_order=True)
        .unique([*_CLAIM, pl.col("marks") > 0], keep="first", maintain_order=True)
        .sort("registration", pl.col("marks").abs(), "centre", "candidate", "marks")
        .select(
            "registration", "centre", "candidate", pl.col("total").alias("ums"), "grade", "would_be", "marks",
            "component", "series", "raw",
        )
    )  # fmt: skip


# --- The page --------------------------------------------------------------------------------------------------------


def _page(
    of: Material,
    catalogue: Catalogue,
    scale: Scale,
    shares: pl.DataFrame,
    marks: pl.DataFrame,
    refused: pl.DataFrame,
    close: pl.DataFrame,
) -> bytes:
    awarding = of.awarding
    facts = [
        ("Series", f"{of.series.title} ({of.series.key})"),
        ("Version", f"{awarding.version} ({awarding.kind})"),
        ("As of", instant_text(awarding.at)),
        ("Claims awarded", f"{awarding.counts['awarded']:,} of {awarding.counts['claims']:,}"),
        ("Component results", f"{awarding.counts['results']:,}"),
        ("Compared with", _compared(of)),
        ("Results, SHA-256", awarding.sha256),
        ("Conversion tables, SHA-256", awarding.conversions_sha256),
    ]
    grids = [
        Grid(title="To look at before deciding", frame=_watch(of, marks, refused)),
        *_balance_grids(of),
        Grid(title="Claims by subject", frame=_claims(of, catalogue), numbers=_CLAIM_NUMBERS),
        _grade_grid(of, scale, shares),
        _boundary_grid(of, catalogue),
        Grid(
            title="Component grades",
            frame=_component_grades(of, catalogue),
            numbers=_component_grades(of, catalogue).columns[1:],
            words="Learners by grade; absent counts as 0 UMS (AWD-4).",
        ),
        Grid(
            title="Marks by component",
            frame=pl.DataFrame(),
            picture=side_by_side(list(_histograms(of, catalogue, marks))),
            words="Learners by raw mark; the lines are the boundaries.",
        ),
        *_refused_grids(refused),
        *_near_grids(close, catalogue),
    ]
    notes = [
        f"{PLACEHOLDER.strip()} marks what nobody published; it is the desk's own stand-in.",
        "Everything here is under embargo (RES-2). The CSV files beside this page have every line.",
    ]
    return page(f"Results of {of.series.title}, for approval", facts, grids, notes, STYLE)


def _compared(of: Material) -> str:
    if of.before is None:
        return "nothing: no earlier results"
    return f"{of.before.series}, version {of.before.version}"


def _watch(of: Material, marks: pl.DataFrame, refused: pl.DataFrame) -> pl.DataFrame:
    pending = marks.filter(pl.col("outcome") == terms.PENDING)["learners"].sum()
    ours = sum(table.placeholder for table in of.tables)
    rows = [
        *((f"Moderation: {words}", "MOD-2") for words in of.warnings),
        *([(f"{pending:,} component results pending: no mark yet", "AWD-4")] if pending else []),
        *([(f"{refused.height:,} claims not awarded", "CRT-2")] if refused.height else []),
        *([(f"{ours} conversion tables rest on boundaries nobody published{PLACEHOLDER}", "AWD-1")] if ours else []),
    ]
    return pl.DataFrame(rows, schema={"What": pl.String, "Rule": pl.String}, orient="row")


def _balance_grids(of: Material) -> Iterator[Grid]:
    """AWD-7: the balance sheet, and what blocks."""
    sheet = pl.DataFrame(facts(of.balance.sheet), schema={"Balance": pl.String, "Sum": pl.String}, orient="row")
    yield Grid(
        title="Balance sheet",
        frame=sheet,
        words="Every entry is one result, every claim an award or has a reason (AWD-7). It is approved too.",
    )
    blocking = of.balance.blocking
    rows = [
        (CODES[code].words, CODES[code].rule, component, f"{count:,}", CODES[code].remedy)
        for code, component, count in blocking.iter_rows()
    ]
    columns = dict.fromkeys(("What", "Rule", "About", "How many", "To do"), pl.String)
    yield Grid(
        title="What blocks",
        frame=pl.DataFrame(rows, schema=columns, orient="row"),
        numbers=("How many",),
        words="Nothing is built before each is mended, or accepted by a person; exceptions.csv has every line.",
    )


_CLAIM_NUMBERS = ("Claims", "Awarded", "Not eligible", "Pending", "Awarded before")


def _claims(of: Material, catalogue: Catalogue) -> pl.DataFrame:
    def awarded(counts: Mapping[str, int]) -> int:
        return sum(number for what, number in counts.items() if what not in (terms.NOT_ELIGIBLE, terms.PENDING))

    then = of.before.counts["qualifications"] if of.before else {}
    rows = [
        (
            f"{qualification.subject} ({code})",
            sum(its.values()),
            awarded(its),
            its.get(terms.NOT_ELIGIBLE, 0),
            its.get(terms.PENDING, 0),
            awarded(then[code]) if code in then else None,
        )
        for qualification in catalogue.qualifications
        for code in (qualification.registration_code,)
        if (its := of.awarding.counts["qualifications"].get(code))
    ]
    return _thousands(pl.DataFrame(rows, schema=["Subject", *_CLAIM_NUMBERS], orient="row"))


def _grade_grid(of: Material, scale: Scale, shares: pl.DataFrame) -> Grid:
    order = [threshold.grade for threshold in scale.thresholds]
    change = (pl.col("per_cent") - pl.col("before_per_cent")).round(1)
    sign = (
        pl.when(change > 0)
        .then(pl.lit("+"))
        .when(change < 0)
        .then(pl.lit("\N{MINUS SIGN}"))
        .otherwise(pl.lit("\u00b1"))
    )
    shown = pl.concat_str(
        pl.col("per_cent").cast(pl.String).fill_null("\N{EN DASH}"),
        pl.concat_str(pl.lit(" ("), sign, change.abs().cast(pl.String), pl.lit(")")).fill_null(""),
    )
    table = (
        shares.with_columns(shown.alias("shown"))
        .pivot("grade", index="subject", values="shown", maintain_order=True)
        .rename({"subject": "Subject"})
        .select("Subject", *order)
        if shares.height
        else pl.DataFrame()
    )
    thresholds = ", ".join(f"{threshold.grade} from {threshold.minimum}" for threshold in scale.thresholds[:-1])
    mark = PLACEHOLDER if scale.placeholder else ""
    against = f"; in brackets the change since {of.before.series}, in points" if of.before else ""
    return Grid(
        title="Grades by subject",
        frame=table,
        numbers=order,
        picture=side_by_side(list(_bars(of, order, shares))),
        words=f"Per cent of awards{against}. UMS thresholds: {thresholds}{mark}.",
    )


def _bars(of: Material, order: Sequence[str], shares: pl.DataFrame) -> Iterator[str]:
    names = (of.series.id, of.before.series if of.before else "")
    for part in shares.partition_by("registration", maintain_order=True):
        now, then = (
            {grade: share for grade, share in part.select("grade", name).iter_rows() if share is not None}
            for name in ("per_cent", "before_per_cent")
        )
        yield grade_bars(f"{part['subject'][0]} ({part['awards'].sum():,})", order, now, then, names)


def _boundary_grid(of: Material, catalogue: Catalogue) -> Grid:
    here = [table for table in of.tables if table.series == of.series.id]
    order = list(dict.fromkeys(grade for table in here for grade, _ in falling(table)))
    rows = [
        (
            f"{_named(catalogue, table.component)}{PLACEHOLDER if table.placeholder else ''}",
            str(table.raw_max),
            *(str(table.boundaries.get(grade, "")) for grade in order),
            f"{table.version}",
            table.approved_by or "",
        )
        for table in here
    ]
    frame = pl.DataFrame(
        rows, schema=dict.fromkeys(["Component", "Marks", *order, "Version", "Approved by"], pl.String), orient="row"
    )
    return Grid(
        title="Boundaries",
        frame=frame,
        numbers=("Marks", *order, "Version"),
        words="The least raw mark of each grade. Sittings of earlier series keep their boundaries: see boundaries.csv.",
    )


def _component_grades(of: Material, catalogue: Catalogue) -> pl.DataFrame:
    counts = of.awarding.counts["components"]
    order = [threshold.grade for code in counts for threshold in catalogue.scale(code, of.awarding.at).thresholds]
    columns = [*dict.fromkeys(order), terms.ABSENT, terms.PENDING]
    rows = [(_named(catalogue, code), *(its.get(name, 0) for name in columns)) for code, its in sorted(counts.items())]
    return _thousands(pl.DataFrame(rows, schema=["Component", *columns], orient="row"))


def _histograms(of: Material, catalogue: Catalogue, marks: pl.DataFrame) -> Iterator[str]:
    tables = {table.component: table for table in of.tables if table.series == of.series.id}
    for part in marks.filter(pl.col("raw").is_not_null()).partition_by("component", maintain_order=True):
        code = str(part["component"][0])
        by_mark = dict(part.select("raw", "learners").iter_rows())
        table = tables[code]
        counts = [by_mark.get(mark, 0) for mark in range(table.raw_max + 1)]
        note = f"{sum(counts):,} learners; boundaries{PLACEHOLDER if table.placeholder else ''}"
        yield mark_bars(_named(catalogue, code), note, counts, falling(table))


def _refused_grids(refused: pl.DataFrame) -> Iterator[Grid]:
    reasons = refused.group_by("reason", "rule", "words", maintain_order=True).agg(pl.len().alias("Claims"))
    yield Grid(
        title="Not awarded",
        frame=_thousands(
            reasons.select(
                pl.col("words").alias("Reason"), pl.col("rule").alias("Rule"), pl.col("reason").alias("Code"), "Claims"
            )
        ),
        numbers=("Claims",),
        total=f"{refused.height:,}",
    )  # fmt: skip
    for part in refused.partition_by("reason", maintain_order=True):
        lists = part.group_by("centre", "cash_in", "about", maintain_order=True).agg(
            pl.col("candidate").str.join(", ").alias("Candidates"), pl.len().alias("Claims")
        )
        yield Grid(
            title=f"{part['reason'][0]}: who",
            frame=lists.head(LISTED).select(
                pl.col("centre").alias("Centre"), pl.col("cash_in").alias("Claim"), pl.col("about").alias("About"),
                "Candidates", "Claims",
            ),
            numbers=("Claims",),
            words=_part_of(lists.height, "not-awarded.csv"),
            folded=True,
        )  # fmt: skip


def _near_grids(close: pl.DataFrame, catalogue: Catalogue) -> Iterator[Grid]:
    up, by = pl.col("marks") > 0, pl.col("marks").abs()
    counted = [
        (side & (by <= distance)).sum().alias(f"{terms.UP if higher else terms.DOWN} within {distance}")
        for higher, side in ((True, up), (False, ~up))
        for distance in range(1, WITHIN + 1)
    ]
    subjects = {qualification.registration_code: qualification.subject for qualification in catalogue.qualifications}
    subject = pl.col("registration").replace_strict(subjects, return_dtype=pl.String).alias("Subject")
    table = close.group_by("registration", maintain_order=True).agg(counted)
    yield Grid(
        title=f"Within {WITHIN} raw marks of another grade",
        frame=_thousands(table.select(subject, pl.exclude("registration"))),
        numbers=table.columns[1:],
        words="Learners whose grade would differ if the mark of one component were that much higher or lower.",
    )
    yield Grid(
        title="Who is near another grade",
        frame=close.head(LISTED).select(
            subject, pl.col("centre").alias("Centre"), pl.col("candidate").alias("Candidate"),
            pl.col("ums").alias("UMS"), pl.col("grade").alias("Grade"), pl.col("would_be").alias("Would be"),
            pl.col("component").alias("Component"),
            pl.concat_str(pl.when(up).then(pl.lit("+")).otherwise(pl.lit("\N{MINUS SIGN}")), by).alias("Marks"),
        ),
        numbers=("UMS", "Marks"),
        words=_part_of(close.height, "near.csv"),
        folded=True,
    )  # fmt: skip


def _part_of(lines: int, file: str) -> str:
    return f"The first {LISTED:,} of {lines:,} lines; {file} has all of them." if lines > LISTED else ""


def _named(catalogue: Catalogue, code: str) -> str:
    part = catalogue.component(code)
    return f"{code} {part.title}" if part else code


def _thousands(frame: pl.DataFrame) -> pl.DataFrame:
    """Whole numbers as people write them."""
    return frame.with_columns(
        pl.col(name).map_elements(lambda number: f"{number:,}", return_dtype=pl.String)
        for name, kind in frame.schema.items()
        if kind.is_integer()
    )
