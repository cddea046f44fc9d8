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
from pipeline.awarding.again import computed_again, in_words, otherwise
from pipeline.awarding.award import (
    Ground,
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
from rules.certification import REASONS
from rules.conversion import ConversionError
from rules.corrections import KINDS, CorrectionKind, way
from rules.frames import EARLIER, HOLDS, MARKS, Frame
from rules.withholding import standing

KEY = ["centre", "candidate", "uci", "component"]
_SITTING = ["centre", "uci", "component"]
"""What a mark is of: a learner has one, also under two candidate numbers of a centre (REG-8)."""
SAID = ["raw", "ums", "grade", "outcome"]
_AWARD = ["ums", "grade", "outcome", "reason", "about", "partial_absence", "performance"]
_REASON = ["reason", "about"]
ABSENT, VOID, BACK = "absent", "void", "back"
"""What is written in place of a mark: `back` gives back what was voided, a component by its mark on record."""


class CorrectionError(ValueError):
    """A correction that cannot be made like this; the message says why, and what to do."""


@frozen(kw_only=True)
class Plan:
    """What is proposed: `marks` by `64123/0001/BEN03`, a raw mark, `absent`, `void` or `back` (of an award by its
    cash-in code, `back` alone); `boundaries`, the least raw mark of the grades that move, by component; `left_higher`:
    why those who would go down keep what they have. `consent`: the day of the learner's (`2024-09-01`). `withheld`:
    whose results are withheld (RES-8), as subjects of a case are written. None of these: the results are confirmed."""

    kind: str = ""
    consent: str = ""
    marks: Mapping[str, str] = field(factory=dict)
    boundaries: Mapping[str, Mapping[str, int]] = field(factory=dict)
    left_higher: str = ""
    withheld: Sequence[str] = ()

    def content(self) -> dict[str, Any]:
        """What a person decides about. What is withheld is left out where nothing is, as in proposals of old."""
        return asdict(self, filter=lambda column, value: column.name != "withheld" or bool(value))


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
    force; `holds`: what is withheld, or given back (`rules.frames.HOLDS`); `unchanged`: results looked at that stay as
    they are; `closed`: results that are withheld, and will be by these boundaries when they are released (RES-8);
    `left_voided`: awards (`64123/0001/BEN99`) that stay voided although a component of theirs is given back;
    `not_made`: awards that are given back and are not made all the same, each with the reason."""

    plan: Plan
    versions: tuple[SeriesEffect, ...]
    effects: pl.DataFrame = field(repr=False)
    marks: pl.DataFrame = field(repr=False)
    tables: tuple[ConversionRow, ...] = field(repr=False)
    unchanged: int
    closed: int = 0
    left_voided: tuple[str, ...] = ()
    not_made: tuple[str, ...] = ()
    holds: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=HOLDS), repr=False)

    @property
    def sha256(self) -> str:
        """Of everything a person decides about."""
        content = {
            "plan": self.plan.content(),
            "versions": {version.series: version.results.sha256 for version in self.versions},
            "tables": sorted(table.sha256 for table in self.tables),
            "effects": hashlib.sha256(self.effects.write_csv().encode()).hexdigest(),
            "unchanged": self.unchanged,
            **({"closed": self.closed} if self.closed else {}),
            **({"left_voided": self.left_voided} if self.left_voided else {}),
            **({"not_made": self.not_made} if self.not_made else {}),
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


NO_MARKS = pl.DataFrame(schema=dict.fromkeys((name for name in _MARK_COLUMNS if name != "source"), pl.String))
"""The new versions of marks of a plan without any."""


def effect(desk: Desk, series: Series, plan: Plan) -> Effect:
    """RES-7: what `plan` would do to the issued results of a series, and to the awards of later series that carried
    them. Raises `CorrectionError`."""
    issued, awards = out_results(desk, series)
    tables = _moved(desk, series, plan)
    considered = _considered(issued, desk, series, plan, tables)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in SAID)
    changed = considered.filter(differs).with_columns(way().alias("way"))
    choice = pl.lit(terms.CORRECTED)
    if plan.left_higher:
        choice = pl.when(pl.col("way") == terms.DOWN).then(pl.lit(terms.LEFT_HIGHER)).otherwise(choice)
    changed = changed.with_columns(choice.alias("choice"))
    _allowed(plan, changed)
    corrected = changed.filter(pl.col("choice") == terms.CORRECTED)
    back = _given_back(desk, series, plan, issued, awards)
    ucis = pl.concat([corrected["uci"], back["uci"].cast(corrected.schema["uci"])]).unique()
    change = Change(source=series.id, corrected=corrected, ucis=ucis, tables=tables, holds=back)
    versions, rows = versions_of(desk, series, change)
    _says_it(series, corrected, versions)
    return Effect(
        plan=plan,
        versions=tuple(versions),
        effects=all_effects(series, changed, rows),
        marks=_marks(desk, series, corrected.filter(pl.col("given"))),
        tables=tuple(tables.values()),
        unchanged=considered.height - changed.height,
        closed=issued.filter(pl.col("component").is_in(list(tables)), pl.col("status") == terms.WITHHELD_STATUS).height,
        left_voided=_left_voided(plan, back, issued, awards),
        not_made=_not_made(series, back, versions),
        holds=back,
    )


def out_results(desk: Desk, series: Series, centre: str = "") -> tuple[pl.DataFrame, pl.DataFrame]:
    """The component results and the awards of a series, or of one centre in it, that hold and are out to their centres
    (`rules.awarding.RESULTS`, `rules.certification.AWARDS`). Raises `CorrectionError` where nothing is."""
    if not desk.results.is_out(series.id):
        raise CorrectionError(
            f"the results of {series.title} are not out yet: withdraw the version (`resultsday results withdraw "
            f"{series.id}`), put right what is wrong, and award again"
        )
    return typed(desk.results.current(series.id, out=True, centre=centre))


def all_effects(series: Series, changed: pl.DataFrame, of_awards: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """What a plan does to results of a series (`changed`) and to awards, as `EFFECTS`."""
    of_components = changed.select(
        pl.lit(series.id).alias("series"), "centre", "candidate", pl.col("component").alias("code"),
        *(name for said in SAID for name in (f"{said}_before", said)), "way", "choice",
        pl.lit(value=False).alias("performance"),
    )  # fmt: skip
    every = [
        frame.select(pl.col(name).cast(kind) for name, kind in EFFECTS.items()) for frame in [of_components, *of_awards]
    ]
    return pl.concat(every).sort("series", "centre", "candidate", "code")


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
    _correctable(desk, series, named)
    named = _as_marked(desk, series, named)
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
        *KEY, "registration", "given",
        *(pl.col(name).alias(f"{name}_before") for name in SAID),
        *(pl.col(f"new_{name}").alias(name) for name in SAID),
    )  # fmt: skip


def _correctable(desk: Desk, series: Series, named: pl.DataFrame) -> None:
    """AWD-4, RES-8: raises `CorrectionError` where a result waits, for something else than a correction decides about
    it; it says what, of the first."""
    closed = named.filter(pl.col("outcome") == terms.PENDING)
    if closed.is_empty():
        return
    of_series = closed.with_columns(pl.lit(series.id).alias("series"), pl.col("component").alias("option"))
    closed = closed.with_columns(standing(of_series, desk.actions.holds(series.id)))
    withheld = pl.col("status") == terms.WITHHELD_STATUS
    for which, why in (
        (withheld & pl.col("state").is_not_null(), "is withheld: it is released or voided first (`resultsday withhold "
         "list`), and then corrected (RES-8)"),
        (withheld, "is withheld no longer: it follows with the later claims, within the hour, and then is corrected "
         "(RES-8)"),
        (~withheld, "is pending: its mark is taken as it comes, and completes it (AWD-4)"),
    ):  # fmt: skip
        if not (rows := closed.filter(which)).is_empty():
            raise CorrectionError(f"the result of {_first(rows)} {why}")


def _as_marked(desk: Desk, series: Series, named: pl.DataFrame) -> pl.DataFrame:
    """The results that a plan names, with the mark on record where they are given back. Raises `CorrectionError` where
    there is none, and where nothing was voided."""
    back = pl.col("new_outcome") == BACK
    given_back = named.filter(back)
    if given_back.is_empty():
        return named
    if not (rows := given_back.filter(pl.col("outcome") != terms.VOIDED)).is_empty():
        raise CorrectionError(f"the result of {_first(rows)} is not voided: there is nothing to give back")
    held = desk.results.marks(series.id).filter(pl.col("series") == series.id)
    absent = pl.col("mark_status") == "A"
    marked = named.join(
        held.select(*KEY, "mark", pl.col("status").alias("mark_status")), on=KEY, how="left", maintain_order="left"
    )
    if not (rows := marked.filter(back & pl.col("mark").is_null() & ~absent.fill_null(value=False))).is_empty():
        raise CorrectionError(f"there is no mark on record for {_first(rows)}: name the mark by which it is given back")
    on_record = pl.when(absent).then(pl.lit(terms.ABSENT)).otherwise(pl.lit(terms.GRADED))
    return marked.with_columns(
        pl.when(back).then("mark").otherwise("new_raw").alias("new_raw"),
        pl.when(back).then(on_record).otherwise("new_outcome").alias("new_outcome"),
    ).select(named.columns)


def _given_back(desk: Desk, series: Series, plan: Plan, results: pl.DataFrame, awards: pl.DataFrame) -> pl.DataFrame:
    """RES-7, RES-8: what was withheld and then voided of what a plan gives a mark, or gives back (`HOLDS`, a row each).
    Raises `CorrectionError` where the kind of the case may not, and for an award of which nothing was voided."""
    key = ["centre", "candidate", "option"]
    words = [(*who.split("/"), mark) for who, mark in plan.marks.items() if mark != VOID]
    if not words:
        return pl.DataFrame(schema=HOLDS)
    said = pl.DataFrame(words, schema=dict.fromkeys([*key, "mark"], pl.String), orient="row")
    every = pl.concat([
        frame.select(
            pl.lit(series.id).alias("series"), pl.col(code).cast(pl.String).alias("option"),
            *(pl.col(name).cast(pl.String) for name in ("centre", "candidate", "uci")),
        )
        for frame, code in ((results, "component"), (awards, "cash_in"))
    ])  # fmt: skip
    named = said.join(every, on=key, how="left", maintain_order="left")
    voided = (standing(named, desk.actions.holds(series.id)) == terms.HOLD_VOIDED).fill_null(value=False)
    cash_in = pl.col("option").is_in([whole.cash_in_code for whole in desk.catalogue.qualifications])
    if not (rows := named.filter(cash_in & ~voided)).is_empty():
        who = "/".join(rows.select(key).row(0))
        raise CorrectionError(f"the award of {who} was not withheld and then voided: there is nothing to give back")
    back = named.filter(voided)
    if not back.is_empty():
        _may_give_back(KINDS[plan.kind])
    holds = back.select("series", "centre", "uci", "option", pl.lit(terms.HOLD_GIVEN_BACK).alias("state"))
    return pl.concat([pl.DataFrame(schema=HOLDS), holds], how="diagonal")


def _left_voided(plan: Plan, back: pl.DataFrame, results: pl.DataFrame, awards: pl.DataFrame) -> tuple[str, ...]:
    """RES-8: the awards that a plan leaves voided although it gives back a component of theirs, as where a learner was
    voided as a whole."""
    given = results.with_columns(pl.col("uci", "component").cast(pl.String)).join(
        back, left_on=["uci", "component"], right_on=["uci", "option"], how="semi"
    )
    learner = [pl.col(name).cast(pl.String) for name in ("uci", "registration")]
    voided = awards.filter(pl.col("reason") == "AWARD_VOIDED").join(given, on=learner, how="semi")
    named = ("/".join(row) for row in voided.select("centre", "candidate", "cash_in").iter_rows())
    return tuple(sorted(set(named) - set(plan.marks)))


def _not_made(series: Series, back: pl.DataFrame, versions: Sequence[SeriesEffect]) -> tuple[str, ...]:
    """CRT-2, RES-8: the awards that are given back and would not be made all the same, in words, with what else stands
    in the way."""
    rows = [version.results.awards for version in versions if version.series == series.id]
    named = [
        (f"{row['centre']}/{row['candidate']}/{row['cash_in']}", row["about"], REASONS[row["reason"]])
        for awards in rows
        for row in awards.filter(pl.col("outcome") != terms.AWARDED).iter_rows(named=True)
        if not back.filter(uci=str(row["uci"]), option=str(row["cash_in"])).is_empty()
    ]
    return tuple(
        f"{who}: {reason.words}{f' ({about})' if about else ''} ({reason.rule}, {reason.code})"
        for who, about, reason in sorted(named, key=lambda said: said[0])
    )


def _first(rows: pl.DataFrame) -> str:
    """Whose the first result is, as people name it."""
    return "/".join(rows.select("centre", "candidate", "component").row(0))


def _said(desk: Desk, series: Series, plan: Plan) -> pl.DataFrame:
    """The marks of the plan for components: `centre`, `candidate`, `component`, `new_raw`, `new_outcome` (`back` where
    the mark on record decides)."""
    rows: list[tuple[str | int | None, ...]] = []
    awards = {whole.cash_in_code for whole in desk.catalogue.qualifications}
    words = {ABSENT: terms.ABSENT, VOID: terms.VOIDED, BACK: BACK}
    for who, mark in plan.marks.items():
        parts = who.split("/")
        if len(parts) != 3:
            raise CorrectionError(f"{who} is not understood: write centre, candidate and component, 64123/0001/BEN03")
        if parts[2] in awards:
            if mark != BACK:
                raise CorrectionError(f"{who}={mark}: an award has no mark; {BACK} gives back one that was voided")
            continue
        part = desk.catalogue.component(parts[2], _at(desk, series))
        most = part.raw_max if part else 0
        if mark in words:
            rows.append((*parts, None, words[mark]))
        elif re.fullmatch("[0-9]{1,3}", mark) and int(mark) <= most:
            rows.append((*parts, int(mark), terms.GRADED))
        else:
            raise CorrectionError(f"{who}={mark}: a raw mark from 0 to {most}, {ABSENT}, {VOID} or {BACK} is expected")
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
    corrected = changed.filter(pl.col("choice") == terms.CORRECTED)
    back = (pl.col("outcome_before") == terms.VOIDED) & (pl.col("outcome") != terms.VOIDED)
    if not corrected.filter(back).is_empty():
        _may_give_back(kind)
    lowered = corrected.filter(pl.col("way") == terms.DOWN)
    if not kind.lowers and not lowered.is_empty():
        raise CorrectionError(
            f"a {kind.title} lowers no result of its series, and {lowered.height:,} would go down: leave them higher, "
            f"with the reason"
        )


def _may_give_back(kind: CorrectionKind) -> None:
    """RES-7, RES-8: what was voided, by a case or because it was withheld and then voided, comes back only by a kind
    that may void. Raises `CorrectionError` for another."""
    if not kind.voids:
        may = ", ".join(other.title for other in KINDS.values() if other.voids)
        raise CorrectionError(f"a {kind.title} gives nothing back that was voided; that is done by: {may}")


# --- What follows ----------------------------------------------------------------------------------------------------


FIRST: Frame = {**EARLIER, "outcome": pl.String}
"""Who has an award in series before the one that is judged, once a case is carried out, and who no longer (CRT-4)."""


@frozen(kw_only=True)
class Change:
    """What a case changes: results of the series `source` (its id) in `corrected`, each as issued (`_before`) and as it
    would be, of the learners `ucis`; the conversion `tables` it puts in force, by component; what it withholds or
    gives back (`holds`: `rules.frames.HOLDS`); and what becomes of awards of series before the one that is judged
    (`FIRST`)."""

    source: str
    corrected: pl.DataFrame = field(repr=False)
    ucis: pl.Series = field(repr=False)
    tables: Mapping[str, ConversionRow] = field(factory=dict, repr=False)
    holds: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=HOLDS), repr=False)
    first: pl.DataFrame = field(factory=lambda: pl.DataFrame(schema=FIRST), repr=False)

    def earlier(self, held: pl.DataFrame) -> pl.DataFrame:
        """CRT-4: the awards of earlier series (`rules.frames.EARLIER`), with what becomes of them."""
        decided = self.first.filter(pl.col("outcome") != terms.PENDING)
        awarded = decided.filter(pl.col("outcome") == terms.AWARDED).select(held.columns)
        return pl.concat([held.join(decided, on=held.columns, how="anti"), awarded])


def _says_it(series: Series, corrected: pl.DataFrame, versions: Sequence[SeriesEffect]) -> None:
    """RES-7: raises `CorrectionError` where the version would not say of a result what the effect says of it."""
    same = [*KEY, *SAID]
    said = [corrected.clear().select(same)]
    said += [version.results.results.select(same) for version in versions if version.series == series.id]
    missing = corrected.select(same).join(
        pl.concat(said, how="vertical_relaxed"), on=same, how="anti", nulls_equal=True
    )
    if not missing.is_empty():
        raise CorrectionError(
            f"{missing.height:,} results would not become what is proposed, the first {_first(missing)}: something "
            f"else decides about them. Nothing can be corrected before that is found"
        )


def versions_of(desk: Desk, series: Series, change: Change) -> tuple[list[SeriesEffect], list[pl.DataFrame]]:
    """The versions that a change makes in its own series and in the later ones that carried its results, and what they
    do to awards (`EFFECTS`). What no centre has is not corrected, but judged again."""
    versions, rows, first = [], [], pl.DataFrame(schema=FIRST)
    later = [other for other in desk.catalogue.all_series() if other.purpose == terms.ENTRY and other.id > series.id]
    for of in [series, *later] if not change.ucis.is_empty() else []:
        if of.id != series.id and not desk.results.is_out(of.id):
            continue
        made, awards, after = _of_series(desk, of, evolve(change, first=first))
        if not (made.results.results.is_empty() and made.results.awards.is_empty()):
            versions.append(made)
            rows.append(awards)
            first = pl.concat([first, after])
    return versions, rows


def _of_series(desk: Desk, of: Series, change: Change) -> tuple[SeriesEffect, pl.DataFrame, pl.DataFrame]:
    """The version of one series, what it does to awards, and who has one then (`Change.first`)."""
    rests_on = ground(desk, of).of_learners(change.ucis)
    issued = desk.results.as_issued(of.id, before=False).filter(pl.col("uci").is_in(change.ucis.implode()))
    instead = change.corrected.select(
        *KEY, pl.lit(change.source).alias("series"), *(pl.col(name).alias(f"new_{name}") for name in SAID)
    )
    replaced = issued.join(instead, on=[*KEY, "series"], how="left", maintain_order="left")
    other = pl.col("new_outcome").is_not_null()
    status = pl.when(pl.col("new_outcome") == terms.ABSENT).then(pl.lit("A")).otherwise(pl.lit(""))
    as_corrected = replaced.with_columns(
        *(pl.when(other).then(f"new_{name}").otherwise(name).alias(name) for name in SAID),
        pl.when(other).then(status).otherwise("status").alias("status"),
        pl.when(other).then(None).otherwise("mark_id").alias("mark_id"),
    ).select(issued.columns)
    at = _at(desk, of)
    before = judge(evolve(rests_on, issued=issued), desk.catalogue, at)
    holds = pl.concat([rests_on.holds, change.holds])
    earlier = change.earlier(rests_on.earlier)
    after = judge(evolve(rests_on, issued=as_corrected, holds=holds, earlier=earlier), desk.catalogue, at)
    _same_again(desk, evolve(rests_on, issued=as_corrected, holds=holds), after, change, at)
    mine = change.corrected if of.id == change.source else change.corrected.clear()
    awards, rows, awarded = _changed_awards(desk, of, before.awards, after.awards, mine)
    about = awards.select("centre", "uci", "registration").unique()
    version = SeriesResults(
        results=after.results.join(mine.select(KEY), on=KEY, how="semi", maintain_order="left"),
        awards=awards,
        choices=after.choices.join(about, on=about.columns, how="semi", maintain_order="left"),
    )
    held = {(table.series, table.component): table for table in rests_on.conversions}
    held |= {(change.source, component): table for component, table in change.tables.items()}
    used = used_tables(held.values(), of.id, version.results, version.choices)
    return SeriesEffect(series=of.id, results=version, conversions_sha256=conversions_sha256(used)), rows, awarded


def _same_again(desk: Desk, rests_on: Ground, after: SeriesResults, change: Change, at: datetime) -> None:
    """AWD-7: raises `CorrectionError` where the second computation says something else about whom a change concerns:
    what it corrects is computed from the mark, and not taken from the first computation."""
    sitting = ["centre", "series", "candidate", "uci", "component"]
    by_mark = change.corrected.filter(pl.col("outcome").is_in([terms.GRADED, terms.ABSENT])).select(
        *(pl.lit(change.source).alias(name) if name == "series" else name for name in sitting),
        pl.col("raw").cast(MARKS["mark"]).alias("mark"),
        pl.when(pl.col("outcome") == terms.ABSENT).then(pl.lit("A")).otherwise(pl.lit("")).alias("status"),
    )  # fmt: skip
    # A mark is the learner's: what is corrected under two numbers of one learner is taken as it is (REG-8).
    by_mark = by_mark.filter(pl.struct(*_SITTING, "series").is_unique())
    marks = rests_on.marks.select(by_mark.columns).join(by_mark, on=[*_SITTING, "series"], how="anti")
    judged_by = evolve(
        rests_on,
        marks=pl.concat([marks, by_mark.cast(marks.schema)]),
        issued=rests_on.issued.join(by_mark, on=sitting, how="anti"),
    )
    moved = [evolve(table, approved_at=at) for table in change.tables.values()]
    kept = [
        table for table in rests_on.conversions if table.series != change.source or table.component not in change.tables
    ]
    found = otherwise(judged_by, after, computed_again(judged_by, desk.catalogue, at, [*kept, *moved]))
    if not found.is_empty():
        raise CorrectionError(
            f"the second computation says something else about {in_words(found)} (AWD-7): find out why before anything "
            f"is corrected"
        )


def _changed_awards(
    desk: Desk, of: Series, before: pl.DataFrame, after: pl.DataFrame, corrected: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """The issued awards that the case changes (`rules.certification.AWARDS`), how (`EFFECTS`), and who has one then
    (`Change.first`). What differs from what is issued for another reason is not its business, and a claim that still
    waits is answered by itself."""
    _, out = typed(desk.results.current(of.id, out=True))
    same = [*_AWARD, "claim_id"]
    # Two awards that were issued before the UCIs were merged go each with the results under its own number (REG-8).
    learner, number = ["uci", "registration"], ["centre", "candidate"]
    of_two = out.filter(pl.struct(number).n_unique().over(learner) > 1)
    own = of_two.join(corrected, on=[*learner, *number], how="semi")["claim_id"]
    by_case = after.join(before.select(same), on="claim_id", suffix="_else", maintain_order="left").filter(
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_else")) for name in _AWARD)
        | pl.col("claim_id").is_in(own.implode())
    )
    issued = out.filter(pl.col("outcome") != terms.PENDING).select(
        "claim_id",
        *(pl.col(name).alias(f"{name}_before") for name in ("ums", "grade", "outcome", "performance", *_REASON)),
    )
    # CRT-4: of two awards the other is the first when one of them goes, or comes back.
    first = pl.all_horizontal(
        pl.col("performance").ne_missing(pl.col(f"performance_{of_}")) for of_ in ("else", "before")
    )
    different, another_reason = (
        pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_before")) for name in names)
        for names in (("ums", "grade", "outcome"), _REASON)
    )
    shown = different | (first & pl.col("performance_before").is_not_null())
    # What is not made for another reason than before looks the same to everybody, but its reason is the one in force.
    changed = by_case.join(issued, on="claim_id", maintain_order="left").filter(shown | another_reason)
    none = pl.lit(None, pl.Int32)
    rows = changed.filter(shown).with_columns(way().alias("way")).select(
        pl.lit(of.id).alias("series"), "centre", "candidate", pl.col("cash_in").alias("code"),
        none.alias("raw_before"), none.alias("raw"), "ums_before", "ums", "grade_before", "grade", "outcome_before",
        "outcome", "way", pl.lit(terms.CORRECTED).alias("choice"),
        (pl.col("performance") | pl.col("performance_before")).alias("performance"),
    )  # fmt: skip
    held = out.join(changed, on=learner, how="semi").join(changed, on="claim_id", how="anti")
    holding = [frame.select(*learner, "outcome") for frame in (changed, held)]
    best = (pl.col("outcome") == terms.AWARDED, pl.col("outcome") == terms.PENDING)
    then = pl.concat(holding, how="vertical_relaxed").sort(*best, descending=True, maintain_order=True)
    then = then.unique(learner, keep="first", maintain_order=True).with_columns(pl.lit(of.id).alias("series"))
    return changed.select(after.columns), rows, then.select(pl.col(name).cast(kind) for name, kind in FIRST.items())


def _marks(desk: Desk, series: Series, given: pl.DataFrame) -> pl.DataFrame:
    """The new versions of marks that a plan names: `centre`, `series`, `candidate`, `uci`, `component`, `version`,
    `stage`, `mark`, `status`, `tasks`, `line`."""
    # In a country the marks are many, and a case of boundaries names none.
    held = pl.DataFrame(schema=MARKS) if given.is_empty() else desk.results.marks(series.id)
    last = held.filter(pl.col("series") == series.id).select(*_SITTING, "version")
    status = pl.when(pl.col("outcome") == terms.ABSENT).then(pl.lit("A")).otherwise(pl.lit(""))
    return (
        given.filter(pl.col("outcome") != terms.VOIDED)
        .join(last, on=_SITTING, how="left", maintain_order="left")
        .sort("centre", "candidate", "component")
        .select(
            "centre", pl.lit(series.id).alias("series"), "candidate", "uci", "component",
            (pl.col("version").fill_null(0) + 1 + pl.int_range(pl.len()).over(_SITTING)).alias("version"),
            pl.lit(terms.CORRECTED).alias("stage"),
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
        ("Withheld", ", ".join(plan.withheld)),
    ]
    return [(what, value) for what, value in facts if value]
