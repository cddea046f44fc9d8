"""What a moved boundary would do to the results of a series: everybody concerned is awarded twice, by the boundaries as
they are and as they would be. Nothing is recorded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl
from attrs import evolve, field, frozen

from infra.ledger.results import ConversionRow
from pipeline.awarding.award import AwardError, Ground, SeriesResults, conversion_frame, conversion_row, ground, judge
from pipeline.awarding.charts import STYLE, grade_bars, side_by_side
from pipeline.desk import Desk
from pipeline.report_page import Grid, page
from rules import terms
from rules.awarding import parts
from rules.catalogue import PLACEHOLDER, Catalogue, Series, series_title
from rules.conversion import ConversionError

Moves = Mapping[str, Mapping[str, int]]
"""The least raw mark of grades to be moved, by component."""

_CLAIM = ["centre", "uci", "registration"]


@frozen(kw_only=True)
class Moved:
    """A boundary that is moved: raw marks."""

    component: str
    grade: str
    from_: int
    to: int
    placeholder: bool

    def __str__(self) -> str:
        mark = PLACEHOLDER if self.placeholder else ""
        return f"{self.component} {self.grade} from {self.from_}{mark} to {self.to}"


@frozen(kw_only=True)
class WhatIf:
    """What moved boundaries would do. `subjects`: a row a grade of each subject concerned (`registration`, `subject`,
    `grade`, `before`, `after`, in learners); `components`: the same of the components (`component`, `grade`);
    `learners`: those whose award would change (`registration`, `centre`, `candidate`, `ums_before`, `ums_after`,
    `grade_before`, `grade_after`, `steps`: grades up, negative down)."""

    series: str
    moved: tuple[Moved, ...]
    subjects: pl.DataFrame = field(repr=False)
    components: pl.DataFrame = field(repr=False)
    learners: pl.DataFrame = field(repr=False)

    @property
    def up(self) -> int:
        """Learners whose award would be higher."""
        return self.learners.filter(pl.col("steps") > 0).height

    @property
    def down(self) -> int:
        """Learners whose award would be lower."""
        return self.learners.filter(pl.col("steps") < 0).height

    def lines(self) -> Iterator[str]:
        """The effect as a table for a terminal."""
        yield f"What if, {series_title(self.series)}: {'; '.join(map(str, self.moved))}"
        for title, key, frame in (("", "subject", self.subjects), ("component ", "component", self.components)):
            for part in frame.partition_by(key, maintain_order=True):
                yield ""
                yield f"{title}{part[key][0]}"
                rows = list(part.select("grade", "before", "after").iter_rows())
                yield f"  {'':<8}" + "".join(f"{grade or 'none':>9}" for grade, _, _ in rows)
                yield f"  {'before':<8}" + "".join(f"{before:>9,}" for _, before, _ in rows)
                yield f"  {'after':<8}" + "".join(f"{after:>9,}" for _, _, after in rows)
                yield f"  {'change':<8}" + "".join(f"{after - before:>+9,}" for _, before, after in rows)
        yield ""
        yield f"{self.up:,} learners up, {self.down:,} down. Nothing was recorded."

    def page(self) -> bytes:
        """The effect as a page."""
        facts = [
            ("Series", series_title(self.series)),
            ("Moved", "; ".join(map(str, self.moved))),
            ("Learners up", f"{self.up:,}"),
            ("Learners down", f"{self.down:,}"),
        ]
        steps = self.learners.group_by("registration", "grade_before", "grade_after").agg(pl.len().alias("Learners"))
        grids = [
            _grid("Awards by subject", self.subjects, "subject", side_by_side(self._bars())),
            _grid("Component results", self.components, "component"),
            Grid(
                title="From grade to grade",
                frame=steps.sort("registration", "Learners", descending=[False, True]).rename(
                    {"registration": "Registration", "grade_before": "Before", "grade_after": "After"}
                ),
                numbers=("Learners",),
            ),
        ]
        return page(f"What if: {series_title(self.series)}", facts, grids, ["Nothing was recorded."], STYLE)

    def _bars(self) -> list[str]:
        charts = []
        for part in self.subjects.partition_by("subject", maintain_order=True):
            after, before = (
                {
                    grade: 100 * count / max(part[name].sum(), 1)
                    for grade, count in part.select("grade", name).iter_rows()
                }
                for name in ("after", "before")
            )
            charts.append(grade_bars(part["subject"][0], part["grade"].to_list(), after, before, ("moved", "as it is")))
        return charts


def moves_of(words: Sequence[str]) -> dict[str, dict[str, int]]:
    """Moves as they are written on the command line: `BEN03 L2P=31 L1D=25 BEN01 L2D=50`. Raises `AwardError`."""
    moves: dict[str, dict[str, int]] = {}
    component = ""
    for word in words:
        grade, equals, mark = word.partition("=")
        if not equals:
            component = word
        elif component and re.fullmatch("[0-9]{1,3}", mark):
            moves.setdefault(component, {})[grade] = int(mark)
        else:
            raise AwardError(f"{word} cannot be understood; write a component and its moves, like BEN03 L2P=31")
    return moves


def what_if(desk: Desk, series: Series, moves: Moves, now: datetime) -> WhatIf:
    """The effect of `moves` on a series as the ledger stands, from the newest boundaries, approved or not. Raises
    `AwardError`."""
    return effect(ground(desk, series, approved=False), desk.catalogue, moves, now)


@frozen(kw_only=True)
class Standing:
    """The subjects that a move concerns as they stand: what their results rest on, and the results."""

    ground: Ground
    results: SeriesResults = field(repr=False)


def standing(rests_on: Ground, catalogue: Catalogue, moved: Iterable[str], now: datetime) -> Standing:
    """The subjects of the components that are `moved`, as the ground and the boundaries have them."""
    concerned = parts(catalogue).filter(
        pl.col("registration").is_in(
            [qualification.registration_code for code in moved if (qualification := catalogue.qualification_of(code))]
        )
    )
    theirs = evolve(
        rests_on,
        entered=rests_on.entered.filter(pl.col("option").is_in(concerned["component"].implode())),
        marks=rests_on.marks.filter(pl.col("component").is_in(concerned["component"].implode())),
        claims=rests_on.claims.filter(pl.col("option").is_in(concerned["cash_in"].unique().implode())),
    )
    return Standing(ground=theirs, results=judge(theirs, catalogue, now))


def effect(
    rests_on: Ground, catalogue: Catalogue, moves: Moves, now: datetime, stands: Standing | None = None
) -> WhatIf:
    """The effect of `moves` on the results that rest on `rests_on`; `stands`: the subjects concerned as they stand, if
    somebody has them already. Raises `AwardError`."""
    tables, moved = _moved(rests_on, catalogue, moves, now)
    stands = stands or standing(rests_on, catalogue, moves, now)
    before, after = stands.results, _after(stands, tables, catalogue, now)
    return WhatIf(
        series=rests_on.series,
        moved=moved,
        subjects=_subjects(before, after, catalogue, now),
        components=_components(before, after, catalogue, moves, now),
        learners=_learners(before, after, catalogue, now),
    )


def _after(stands: Standing, tables: tuple[ConversionRow, ...], catalogue: Catalogue, now: datetime) -> SeriesResults:
    """The results by other conversion tables: only learners with a mark that converts otherwise are judged again."""
    old, new = stands.ground.table, conversion_frame(tables)
    other = new.join(old, on=new.columns, how="anti", nulls_equal=True)
    marked = stands.ground.marks.with_columns(pl.col("mark").cast(other.schema["raw"]).alias("raw"))
    mine = marked.join(other, on=["series", "component", "raw"], how="semi")["uci"].unique()
    again = judge(evolve(stands.ground.of_learners(mine), conversions=tables), catalogue, now)
    its = pl.col("uci").is_in(mine.implode())
    kept = {name: frame.filter(~its) for name, frame in stands.results.frames().items()}
    return SeriesResults(**{name: pl.concat([kept[name], frame]) for name, frame in again.frames().items()})


def _moved(
    rests_on: Ground, catalogue: Catalogue, moves: Moves, now: datetime
) -> tuple[tuple[ConversionRow, ...], tuple[Moved, ...]]:
    """The conversion tables with the boundaries moved, and what was moved."""
    if not any(moves.values()):
        raise AwardError("move at least one boundary, for example BEN03 L2P=31")
    tables = {(table.series, table.component): table for table in rests_on.conversions}
    moved = []
    for component, marks in moves.items():
        old = tables.get((rests_on.series, component))
        if old is None:
            raise AwardError(f"{component} has no boundaries in {series_title(rests_on.series)}")
        try:
            new = conversion_row(
                catalogue, rests_on.series, component, {**old.boundaries, **marks}, now,
                placeholder=old.placeholder, source="what if",
            )  # fmt: skip
        except ConversionError as error:
            raise AwardError(f"{component}: {error}") from error
        tables[rests_on.series, component] = new
        moved += [
            Moved(component=component, grade=grade, from_=old.boundaries[grade], to=mark, placeholder=old.placeholder)
            for grade, mark in marks.items()
        ]
    return tuple(tables.values()), tuple(moved)


def _subjects(before: SeriesResults, after: SeriesResults, catalogue: Catalogue, now: datetime) -> pl.DataFrame:
    order = [threshold.grade for threshold in catalogue.scale(terms.QUALIFICATION, now).thresholds]
    counts = [dict(_counted(results.awards, "registration").iter_rows()) for results in (before, after)]
    claimed = set(before.awards["registration"].unique())
    rows = [
        (code, qualification.subject, grade, *(its.get(f"{code} {grade}", 0) for its in counts))
        for qualification in catalogue.qualifications
        if (code := qualification.registration_code) in claimed
        for grade in order
    ]
    schema = ["registration", "subject", "grade", "before", "after"]
    return pl.DataFrame(rows, schema=schema, orient="row")


def _components(
    before: SeriesResults, after: SeriesResults, catalogue: Catalogue, moves: Moves, now: datetime
) -> pl.DataFrame:
    counts = [dict(_counted(results.results, "component").iter_rows()) for results in (before, after)]
    rows = [
        (code, grade, *(its.get(f"{code} {grade}", 0) for its in counts))
        for code in moves
        for grade in (threshold.grade for threshold in catalogue.scale(code, now).thresholds)
    ]
    return pl.DataFrame(rows, schema=["component", "grade", "before", "after"], orient="row")


def _counted(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.group_by(pl.concat_str(key, pl.lit(" "), "grade").alias("what")).len()


def _learners(before: SeriesResults, after: SeriesResults, catalogue: Catalogue, now: datetime) -> pl.DataFrame:
    order = [threshold.grade for threshold in catalogue.scale(terms.QUALIFICATION, now).thresholds]
    rank = {grade: len(order) - place for place, grade in enumerate(order)}
    awarded = pl.col("outcome") == terms.AWARDED
    both = before.awards.filter(awarded).join(after.awards.filter(awarded), on=_CLAIM, suffix="_after")
    steps = pl.col("grade_after").replace_strict(rank, return_dtype=pl.Int64) - pl.col("grade").replace_strict(
        rank, return_dtype=pl.Int64
    )
    return (
        both.filter(pl.col("grade") != pl.col("grade_after"))
        .with_columns(steps.alias("steps"))
        .sort("registration", "centre", "candidate")
        .select(
            "registration", "centre", "candidate", pl.col("ums").alias("ums_before"), "ums_after",
            pl.col("grade").alias("grade_before"), "grade_after", "steps",
        )
    )  # fmt: skip


def _grid(title: str, frame: pl.DataFrame, key: str, picture: str = "") -> Grid:
    """A row each for before, after and change, and a column for each grade."""
    grades = frame["grade"].unique(maintain_order=True).to_list()
    rows = []
    for part in frame.partition_by(key, maintain_order=True):
        its = {grade: (before, after) for grade, before, after in part.select("grade", "before", "after").iter_rows()}
        name, none = part[key][0], ""
        rows += [
            (name, "before", *(f"{its[grade][0]:,}" if grade in its else none for grade in grades)),
            (name, "after", *(f"{its[grade][1]:,}" if grade in its else none for grade in grades)),
            (name, "change", *(_signed(its[grade][1] - its[grade][0]) if grade in its else none for grade in grades)),
        ]
    schema = dict.fromkeys([key.capitalize(), "Learners", *grades], pl.String)
    return Grid(title=title, frame=pl.DataFrame(rows, schema=schema, orient="row"), numbers=grades, picture=picture)


def _signed(number: int) -> str:
    return f"+{number:,}" if number > 0 else f"\N{MINUS SIGN}{-number:,}" if number else "0"
