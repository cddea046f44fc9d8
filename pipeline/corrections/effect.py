"""What a correction would do (RES-7): the results of everybody it concerns are judged twice, by what is issued and by
what is issued as the case would have it; of both only what differs is its effect. Nothing is recorded."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import asdict, evolve, field, frozen

from infra.ledger.corrections import EFFECTS
from infra.ledger.results import ConversionRow
from pipeline.awarding.award import (
    SeriesResults,
    conversion_frame,
    conversion_row,
    conversions_sha256,
    counts,
    ground,
    judge,
    used_tables,
)
from pipeline.desk import Desk
from pipeline.results.result_files import typed
from rules import terms
from rules.awarding import RESULTS
from rules.catalogue import Series
from rules.conversion import ConversionError
from rules.corrections import KINDS, way
from rules.frames import MARKS

KEY = ["centre", "uci", "component"]
_SAID = ["raw", "ums", "grade", "outcome"]
_AWARD = ["ums", "grade", "outcome", "reason", "about", "partial_absence", "performance"]
ABSENT, VOID = "absent", "void"
"""What is written in place of a mark."""


class CorrectionError(ValueError):
    """A correction that cannot be made like this; the message says why, and what to do."""


@frozen(kw_only=True)
class Plan:
    """What is proposed: `marks` by `64123/0001/BEN03`, a raw mark, `absent` or `void`; `boundaries`, the least raw mark
    of the grades that move, by component; `left_higher`: why those who would go down keep what they have. `consent`:
    the day of the learner's (`2024-09-01`). Neither marks nor boundaries: the results are confirmed."""

    kind: str = ""
    consent: str = ""
    marks: Mapping[str, str] = field(factory=dict)
    boundaries: Mapping[str, Mapping[str, int]] = field(factory=dict)
    left_higher: str = ""


@frozen(kw_only=True)
class SeriesEffect:
    """The version of the results of a series that a correction would make: what it changes and nothing else."""

    series: str
    results: SeriesResults
    conversions_sha256: str

    @property
    def values(self) -> dict[str, Any]:
        """The columns of the table of awardings that the version decides."""
        return {
            "series": self.series,
            "kind": terms.CORRECTED_RESULTS,
            "conversions_sha256": self.conversions_sha256,
            "sha256": self.results.sha256,
            "counts": counts(self.results),
        }


@frozen(kw_only=True)
class Effect:
    """The whole effect of a plan: the `versions` it would make, by series; what it does to each result (`effects`:
    `infra.ledger.corrections.EFFECTS`); `marks`: the new versions of marks; `tables`: the conversion tables it puts in
    force; `unchanged`: results looked at that stay as they are."""

    plan: Plan
    versions: tuple[SeriesEffect, ...]
    effects: pl.DataFrame = field(repr=False)
    marks: pl.DataFrame = field(repr=False)
    tables: tuple[ConversionRow, ...] = field(repr=False)
    unchanged: int

    @property
    def sha256(self) -> str:
        """Of everything a person decides about."""
        content = {
            "plan": asdict(self.plan),
            "versions": {version.series: version.results.sha256 for version in self.versions},
            "tables": sorted(table.sha256 for table in self.tables),
            "effects": hashlib.sha256(self.effects.write_csv().encode()).hexdigest(),
            "unchanged": self.unchanged,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def sourced(self, reason: str, at: datetime) -> pl.DataFrame:
        """The new versions of marks as the table has them; `reason` is their source, `at` (aware) their receipt."""
        return self.marks.with_columns(
            pl.lit(reason).alias("source"), pl.lit(at.isoformat()).alias("received")
        ).select(*_MARK_COLUMNS)  # fmt: skip


_MARK_COLUMNS = (
    "centre", "series", "candidate", "uci", "component", "version", "stage", "mark", "status", "tasks", "source",
    "line", "received",
)  # fmt: skip


def effect(desk: Desk, series: Series, plan: Plan) -> Effect:
    """RES-7: what `plan` would do to the issued results of a series, and to the awards of later series that carried
    them. Raises `CorrectionError`."""
    issued = _issued(desk, series)
    tables = _moved(desk, series, plan)
    considered = _considered(issued, desk, series, plan, tables)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in _SAID)
    changed = considered.filter(differs).with_columns(way().alias("way"))
    choice = pl.lit(terms.CORRECTED)
    if plan.left_higher:
        choice = pl.when(pl.col("way") == terms.DOWN).then(pl.lit(terms.LEFT_HIGHER)).otherwise(choice)
    changed = changed.with_columns(choice.alias("choice"))
    _allowed(plan, changed)
    corrected = changed.filter(pl.col("choice") == terms.CORRECTED)
    versions, rows = _versions(desk, series, corrected, tables)
    of_components = changed.select(
        pl.lit(series.id).alias("series"), "centre", "candidate", pl.col("component").alias("code"),
        *(name for said in _SAID for name in (f"{said}_before", said)), "way", "choice",
        pl.lit(value=False).alias("performance"),
    )  # fmt: skip
    every = [
        frame.select(pl.col(name).cast(kind) for name, kind in EFFECTS.items()) for frame in [of_components, *rows]
    ]
    return Effect(
        plan=plan,
        versions=tuple(versions),
        effects=pl.concat(every).sort("series", "centre", "candidate", "code"),
        marks=_marks(desk, series, corrected.filter(pl.col("given"))),
        tables=tuple(tables.values()),
        unchanged=considered.height - changed.height,
    )


def _issued(desk: Desk, series: Series) -> pl.DataFrame:
    """The component results of a series that hold (`rules.awarding.RESULTS`)."""
    whole = [awarding for awarding in desk.results.every(series.id) if awarding.kind == terms.WHOLE_SERIES]
    if not any(awarding.state == terms.RELEASED for awarding in whole):
        if any(file.published_at for awarding in whole for file in desk.results.files(awarding)):
            raise CorrectionError(
                f"the results of {series.title} are out to centres and not yet to learners: correct them when both "
                f"have them (`resultsday calendar {series.id}` says when)"
            )
        raise CorrectionError(
            f"the results of {series.title} are not out yet: withdraw the version (`resultsday results withdraw "
            f"{series.id}`), put right what is wrong, and award again"
        )
    results, _ = typed(desk.results.current(series.id, released=True))
    return results


# --- What the plan says ----------------------------------------------------------------------------------------------


def _moved(desk: Desk, series: Series, plan: Plan) -> dict[str, ConversionRow]:
    """The conversion tables of the components whose boundaries move."""
    held = {table.component: table for table in desk.results.conversions(series.id)}
    tables = {}
    for component, moves in plan.boundaries.items():
        old = held.get(component)
        if old is None:
            raise CorrectionError(f"{component} has no boundaries in {series.title}")
        try:
            made = conversion_row(
                desk.catalogue, series.id, component, {**old.boundaries, **moves}, _at(desk, series),
                placeholder=old.placeholder, source=f"correction of version {old.version}",
            )  # fmt: skip
        except ConversionError as error:
            raise CorrectionError(f"{component}: {error}") from error
        if made.sha256 == old.sha256:
            raise CorrectionError(f"these are the boundaries of {component} already: nothing moves")
        tables[component] = made
    return tables


def _at(desk: Desk, series: Series) -> datetime:
    """The instant whose catalogue the results of a series were judged by."""
    return next(
        awarding.at for awarding in reversed(desk.results.issued(series.id)) if awarding.kind == terms.WHOLE_SERIES
    )


def _considered(
    issued: pl.DataFrame, desk: Desk, series: Series, plan: Plan, tables: Mapping[str, ConversionRow]
) -> pl.DataFrame:
    """Every issued result a plan is about, as issued (`_before`) and as it would be; `given`: by a mark of its own."""
    said = _said(desk, series, plan)
    named = issued.join(said, on=["centre", "candidate", "component"], how="inner", maintain_order="left")
    unknown = said.join(issued, on=["centre", "candidate", "component"], how="anti").sort("centre", "candidate")
    if not unknown.is_empty():
        who = ", ".join("/".join(row) for row in unknown.select("centre", "candidate", "component").head(5).iter_rows())
        raise CorrectionError(f"nothing is issued in {series.title} for {who}: centre, candidate number and component")
    pending = named.filter(pl.col("outcome") == terms.PENDING)
    if not pending.is_empty():
        raise CorrectionError(
            f"the result of {'/'.join(pending.select('centre', 'candidate', 'component').row(0))} is pending: its mark "
            f"is taken as it comes, and completes it (AWD-4)"
        )
    of_table = pl.col("component").is_in(list(tables)) & (pl.col("outcome") == terms.GRADED)
    others = issued.filter(of_table).join(named, on=KEY, how="anti", maintain_order="left")
    both = pl.concat([
        named.with_columns(pl.lit(value=True).alias("given")),
        others.with_columns(
            pl.col("raw").alias("new_raw"), pl.lit(terms.GRADED).alias("new_outcome"),
            pl.lit(value=False).alias("given"),
        ),
    ])  # fmt: skip
    held = {table.component: table for table in desk.results.conversions(series.id)} | dict(tables)
    conversion = conversion_frame(held.values()).select(
        "component", pl.col("raw").alias("new_raw"), pl.col("ums").alias("new_ums"), pl.col("grade").alias("new_grade")
    )
    converted = both.join(conversion, on=["component", "new_raw"], how="left", maintain_order="left")
    absent = pl.col("new_outcome") == terms.ABSENT
    return converted.with_columns(
        pl.when(absent).then(0).otherwise("new_ums").cast(pl.Int32).alias("new_ums"),
        pl.col("new_grade").fill_null(""),
    ).select(
        *KEY, "candidate", "registration", "given",
        *(pl.col(name).alias(f"{name}_before") for name in _SAID),
        *(pl.col(f"new_{name}").alias(name) for name in _SAID),
    )  # fmt: skip


def _said(desk: Desk, series: Series, plan: Plan) -> pl.DataFrame:
    """The marks of the plan: `centre`, `candidate`, `component`, `new_raw`, `new_outcome`."""
    rows: list[tuple[str | int | None, ...]] = []
    for who, mark in plan.marks.items():
        parts = who.split("/")
        if len(parts) != 3:
            raise CorrectionError(f"{who} is not understood: write centre, candidate and component, 64123/0001/BEN03")
        part = desk.catalogue.component(parts[2], _at(desk, series))
        most = part.raw_max if part else 0
        if mark in (ABSENT, VOID):
            rows.append((*parts, None, terms.ABSENT if mark == ABSENT else terms.VOIDED))
        elif re.fullmatch("[0-9]{1,3}", mark) and int(mark) <= most:
            rows.append((*parts, int(mark), terms.GRADED))
        else:
            raise CorrectionError(f"{who}={mark}: a raw mark from 0 to {most}, {ABSENT} or {VOID} is expected")
    schema = {
        "centre": pl.String, "candidate": pl.String, "component": pl.String, "new_raw": RESULTS["raw"],
        "new_outcome": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema, orient="row")


def _allowed(plan: Plan, changed: pl.DataFrame) -> None:
    """RES-7: what the kind allows."""
    kind = KINDS[plan.kind]
    if not kind.voids and not changed.filter(pl.col("outcome") == terms.VOIDED).is_empty():
        may = ", ".join(other.title for other in KINDS.values() if other.voids)
        raise CorrectionError(f"a {kind.title} voids nothing; that is done by: {may}")
    lowered = changed.filter(pl.col("way") == terms.DOWN, pl.col("choice") == terms.CORRECTED)
    if not kind.lowers and not lowered.is_empty():
        raise CorrectionError(
            f"a {kind.title} lowers no result of its series, and {lowered.height:,} would go down: leave them higher, "
            f"with the reason"
        )


# --- What follows ----------------------------------------------------------------------------------------------------


def _versions(
    desk: Desk, series: Series, corrected: pl.DataFrame, tables: Mapping[str, ConversionRow]
) -> tuple[list[SeriesEffect], list[pl.DataFrame]]:
    """The versions that the corrected results make in their own series and in the later ones that carried them, and
    what they do to awards (`EFFECTS`)."""
    versions, rows = [], []
    later = [other for other in desk.catalogue.all_series() if other.purpose == terms.ENTRY and other.id > series.id]
    for of in [series, *later] if not corrected.is_empty() else []:
        if of.id != series.id and not any(
            awarding.kind == terms.WHOLE_SERIES and awarding.state == terms.RELEASED
            for awarding in desk.results.issued(of.id)
        ):
            continue
        made, awards = _of_series(desk, of, series.id, corrected, tables)
        if not (made.results.results.is_empty() and made.results.awards.is_empty()):
            versions.append(made)
            rows.append(awards)
    return versions, rows


def _of_series(
    desk: Desk, of: Series, source: str, corrected: pl.DataFrame, tables: Mapping[str, ConversionRow]
) -> tuple[SeriesEffect, pl.DataFrame]:
    """The version of one series, and what it does to awards. `source`: the series that is corrected."""
    ucis = corrected["uci"].unique()
    rests_on = ground(desk, of).of_learners(ucis)
    issued = desk.results.as_issued(of.id, before=False).filter(pl.col("uci").is_in(ucis.implode()))
    instead = corrected.select(
        *KEY, pl.lit(source).alias("series"), *(pl.col(name).alias(f"new_{name}") for name in _SAID)
    )
    replaced = issued.join(instead, on=[*KEY, "series"], how="left", maintain_order="left")
    other = pl.col("new_outcome").is_not_null()
    status = pl.when(pl.col("new_outcome") == terms.ABSENT).then(pl.lit("A")).otherwise(pl.lit(""))
    as_corrected = replaced.with_columns(
        *(pl.when(other).then(f"new_{name}").otherwise(name).alias(name) for name in _SAID),
        pl.when(other).then(status).otherwise("status").alias("status"),
        pl.when(other).then(None).otherwise("mark_id").alias("mark_id"),
    ).select(issued.columns)
    at = _at(desk, of)
    before = judge(evolve(rests_on, issued=issued), desk.catalogue, at)
    after = judge(evolve(rests_on, issued=as_corrected), desk.catalogue, at)
    awards, rows = _changed_awards(desk, of, before.awards, after.awards)
    mine = corrected if of.id == source else corrected.clear()
    about = awards.select("centre", "uci", "registration").unique()
    version = SeriesResults(
        results=after.results.join(mine.select(KEY), on=KEY, how="semi", maintain_order="left"),
        awards=awards,
        choices=after.choices.join(about, on=about.columns, how="semi", maintain_order="left"),
    )
    held = {(table.series, table.component): table for table in rests_on.conversions}
    held |= {(source, component): table for component, table in tables.items()}
    used = used_tables(held.values(), of.id, version.results, version.choices)
    return SeriesEffect(series=of.id, results=version, conversions_sha256=conversions_sha256(used)), rows


def _changed_awards(
    desk: Desk, of: Series, before: pl.DataFrame, after: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The issued awards that the case changes (`rules.certification.AWARDS`), and how (`EFFECTS`). What differs from
    what is issued for another reason is not its business, and a claim that still waits is answered by itself."""
    _, out = typed(desk.results.current(of.id, released=True))
    same = [*_AWARD, "claim_id"]
    by_case = after.join(before.select(same), on="claim_id", suffix="_else", maintain_order="left").filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_else")) for name in _AWARD)
    )
    issued = out.filter(pl.col("outcome") != terms.PENDING).select(
        "claim_id", *(pl.col(name).alias(f"{name}_before") for name in ("ums", "grade", "outcome", "performance"))
    )
    changed = by_case.join(issued, on="claim_id", maintain_order="left").filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in ("ums", "grade", "outcome"))
    )
    none = pl.lit(None, pl.Int32)
    rows = changed.with_columns(way().alias("way")).select(
        pl.lit(of.id).alias("series"), "centre", "candidate", pl.col("cash_in").alias("code"),
        none.alias("raw_before"), none.alias("raw"), "ums_before", "ums", "grade_before", "grade", "outcome_before",
        "outcome", "way", pl.lit(terms.CORRECTED).alias("choice"),
        (pl.col("performance") | pl.col("performance_before")).alias("performance"),
    )  # fmt: skip
    return changed.select(after.columns), rows


def _marks(desk: Desk, series: Series, given: pl.DataFrame) -> pl.DataFrame:
    """The new versions of marks that a plan names: `centre`, `series`, `candidate`, `uci`, `component`, `version`,
    `stage`, `mark`, `status`, `tasks`, `line`."""
    # In a country the marks are many, and a case of boundaries names none.
    held = pl.DataFrame(schema=MARKS) if given.is_empty() else desk.results.marks(series.id)
    last = held.filter(pl.col("series") == series.id).select(*KEY, "version")
    status = pl.when(pl.col("outcome") == terms.ABSENT).then(pl.lit("A")).otherwise(pl.lit(""))
    return (
        given.filter(pl.col("outcome") != terms.VOIDED)
        .join(last, on=KEY, how="left", maintain_order="left")
        .sort("centre", "candidate", "component")
        .select(
            "centre", pl.lit(series.id).alias("series"), "candidate", "uci", "component",
            (pl.col("version").fill_null(0) + 1).alias("version"), pl.lit(terms.CORRECTED).alias("stage"),
            pl.col("raw").alias("mark"), status.alias("status"), pl.lit("").alias("tasks"),
            pl.int_range(1, pl.len() + 1).alias("line"),
        )
    )  # fmt: skip


def words(plan: Plan) -> Sequence[tuple[str, str]]:
    """A plan as facts for people."""
    marks = [f"{who}={mark}" for who, mark in plan.marks.items()]
    more = f" and {len(marks) - 10:,} more" if len(marks) > 10 else ""
    moves = [
        f"{component} {' '.join(f'{grade}={mark}' for grade, mark in moved.items())}"
        for component, moved in plan.boundaries.items()
    ]
    facts = [
        ("Consent", plan.consent),
        ("Marks", f"{', '.join(marks[:10])}{more}"),
        ("Boundaries", "; ".join(moves)),
        ("Left higher", plan.left_higher),
    ]
    return [(what, value) for what, value in facts if value]
