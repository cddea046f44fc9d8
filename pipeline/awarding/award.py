"""From boundaries to a frozen awarding: conversion tables for a person to approve (AWD-1), and the results of a series
in one pass (AWD-2 to AWD-4, CRT-2 to CRT-4).

Boundaries come as CSV files in `feeds/boundaries/`, a row a grade of a component, columns in any order: `series`
(`2024-06`), `component`, `grade`, `raw_mark` (the least for it), `placeholder` (Y when nobody published it, else N),
`source`. A file is one transaction: if any row cannot be used, nothing of the file is taken.

Every step can die and be run again: tables and results that are on record are not recorded twice.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import polars as pl
from attrs import evolve, field, frozen

from infra.ledger.actions import Action
from infra.ledger.corrections import Subject
from infra.ledger.results import Awarding, ConversionRow
from parsers.findings import FEED_ROW, Found
from parsers.table import CODE, TEXT, FeedLayout, Rows
from pipeline.approvals import NOT_SEEN, Exhibit, Signature, deciders, reasons, sign
from pipeline.arrived import correction_opened
from pipeline.awarding.again import computed_again, in_words, otherwise
from pipeline.desk import Desk
from pipeline.feeds import SMALL, BoardFeed, FeedFile, failed_note, report, take_feed
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.parallel import in_parallel
from pipeline.steps import APPROVED, AWARDED, PROPOSED, RECORDED
from rules import certification, terms, withholding
from rules import findings as f
from rules.awarding import RESULTS, as_issued, parts, sittings
from rules.catalogue import PLACEHOLDER, Catalogue, Series, series_title
from rules.conversion import CONVERSION, Boundaries, ConversionError, convert

log = logging.getLogger(__name__)


THE_FEED = "boundaries feed"
"""Who proposes the boundaries of a file."""

UNDECIDED = {
    terms.SAMPLED: "cohorts without the moderator's marks",
    terms.FEEDBACK: "cohorts that may still amend marks after moderation feedback",
    terms.PROPOSED: "adjustments that wait for a decision",
}
"""States in which moderation has not ended."""


class AwardError(ValueError):
    """Results that cannot be awarded yet; the message says what is missing and what to do."""


class NobodyEntered(AwardError):  # noqa: N818
    """A series that nobody is entered for."""


# --- Boundaries ------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Taken:
    """What was taken of the boundaries, in counts."""

    files: int = 0
    proposed: int = 0
    refused: int = 0
    failed: int = 0
    kept_out: str = ""

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        return self.kept_out or (
            f"{self.files} files of boundaries taken: {self.proposed} new conversion tables proposed, {self.refused} "
            f"files refused.{failed_note(self.failed)}"
        )


@journaled
def take_boundaries(desk: Desk, now: datetime) -> Taken:
    """AWD-1: takes the boundaries that have settled at `now` (aware) in `feeds/boundaries/`: each file is archived
    before it is read, its conversion tables are computed and proposed, and a report is written to
    `reports/boundaries/`. Does nothing while another run is at work."""
    done = take_feed(desk, BOUNDARIES, now)
    taken = Taken(
        files=done.files,
        proposed=sum(proposal.proposed for proposal in done.results),
        refused=sum(proposal.refused for proposal in done.results),
        failed=done.failed,
        kept_out=done.kept_out,
    )
    log.info("%s", taken.note())
    return taken


@frozen
class _Proposal:
    """The conversion tables of a file, and how many of them are new; none where it was refused."""

    tables: tuple[ConversionRow, ...] = ()
    proposed: int = 0
    refused: bool = False
    corrections: tuple[str, ...] = ()


def _propose(desk: Desk, file: FeedFile, rows: Rows, found: Found) -> _Proposal:
    """Proposes the conversion tables of a file of boundaries, all of them or none."""
    tables = _tables_of(desk.catalogue, rows, file.received, found)
    _still_open(desk, tables, found)
    refused = bool(found.of(0))
    proposed = 0 if refused else desk.results.propose(tables, THE_FEED, file.now)
    PROPOSED.passed()
    opened = correction_opened(desk, BOUNDARIES.place, file, _for_issued(desk, tables))
    return _Proposal(() if refused else tuple(tables), proposed, refused, opened)


def _for_issued(desk: Desk, tables: Iterable[ConversionRow]) -> dict[str, list[Subject]]:
    """RES-7: other boundaries for components whose results are out, by series."""
    found: dict[str, list[Subject]] = {}
    for table in tables:
        if desk.results.is_final(table.series) and desk.results.is_out(table.series) and not _is_held(desk, table):
            given = " ".join(f"{grade}={mark}" for grade, mark in falling(table))
            found.setdefault(table.series, []).append(Subject(component=table.component, given=given))
    return found


def _still_open(desk: Desk, tables: Iterable[ConversionRow], found: Found) -> None:
    """AWD-6: the tables of a series with approved or issued results are final."""
    for table in tables:
        if desk.results.is_final(table.series) and not _is_held(desk, table):
            found.add(f.TABLE_FINAL, value=table.component, option=table.component, series=table.series)


def _is_held(desk: Desk, table: ConversionRow) -> bool:
    """Whether this very table is the approved one."""
    held = desk.results.conversions(table.series)
    return any((other.component, other.sha256) == (table.component, table.sha256) for other in held)


def _tables_of(catalogue: Catalogue, rows: Rows, received: datetime, found: Found) -> list[ConversionRow]:
    """The conversion tables of a file; what is wrong goes to `found`."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows.table.iter_rows(named=True):
        wrong = _wrong(catalogue, row, received)
        for name, wanted in wrong.items():
            found.add(FEED_ROW, row["line"], value=row[name], field=name, wanted=wanted)
        if not wrong:
            groups.setdefault((row["series"], row["component"]), []).append(row)
    tables = []
    for (series, component), its in groups.items() if not found.of(0) else ():
        try:
            marks = {row["grade"]: int(row["raw_mark"]) for row in its}
            if len(marks) < len(its):
                raise ConversionError("a grade has two boundaries")
            tables.append(
                conversion_row(
                    catalogue, series, component, marks, received,
                    placeholder=any(row["placeholder"] == "Y" for row in its),
                    source="; ".join(dict.fromkeys(row["source"] for row in its)),
                )
            )  # fmt: skip
        except ConversionError as error:
            found.add(f.BOUNDARIES, its[0]["line"], value=str(error), option=component, series=series)
    return tables


def _wrong(catalogue: Catalogue, row: Mapping[str, str], received: datetime) -> dict[str, str]:
    """The cells of a row that cannot be used, and what was expected instead."""
    series, component = catalogue.series_by_id(row["series"]), catalogue.component(row["component"], received)
    wrong = {}
    if series is None or series.purpose != terms.ENTRY:
        wrong["series"] = "year and month of an exam series, like 2024-06"
    if component is None:
        wrong["component"] = "a component code of the catalogue"
    else:
        grades = [threshold.grade for threshold in catalogue.scale(component.code, received).thresholds[:-1]]
        if row["grade"] not in grades:
            wrong["grade"] = f"a grade above the lowest: {', '.join(grades)}"
    if not re.fullmatch(r"[0-9]{1,3}", row["raw_mark"]):
        wrong["raw_mark"] = "a raw mark, up to three digits"
    if row["placeholder"] not in ("Y", "N"):
        wrong["placeholder"] = "Y (nobody published it) or N"
    if not row["source"]:
        wrong["source"] = "where the boundary comes from"
    return wrong


def conversion_row(
    catalogue: Catalogue,
    series: str,
    component: str,
    marks: Mapping[str, int],
    received: datetime,
    *,
    placeholder: bool,
    source: str,
) -> ConversionRow:
    """AWD-1, AWD-2: the conversion table for the boundaries `marks` (least raw mark by grade, in any order), by the
    catalogue in force at `received`. Raises `ConversionError`."""
    part = catalogue.component(component, received)
    if part is None:
        raise ConversionError(f"{component} is no component")
    scale = catalogue.scale(component, received)
    order = [threshold.grade for threshold in scale.thresholds]
    unknown = [grade for grade in marks if grade not in order]
    if unknown:
        raise ConversionError(f"{', '.join(unknown)} is no grade of {component}: {', '.join(order[:-1])}")
    in_order = tuple(sorted(marks.items(), key=lambda boundary: order.index(boundary[0])))
    made = convert(Boundaries(series, component, part.raw_max, in_order), scale)
    return ConversionRow(
        series=series,
        component=component,
        raw_max=part.raw_max,
        ums_max=made.ums_max,
        boundaries=dict(in_order),
        ums=list(made.ums),
        grades=list(made.grades),
        sha256=made.sha256,
        placeholder=placeholder,
        source=source,
    )


def _report(desk: Desk, file: FeedFile, proposal: _Proposal, found: Found) -> bytes:
    tables = proposal.tables
    # Not how many this run proposed: the report must be the same when a run died and another did its work again.
    waiting = sum(_waits(desk, table) for table in tables)
    facts = [
        f"  Tables      {len(tables)} made, {waiting} of them wait for a person's approval",
        *(
            f"  {table.series}  {table.component:<8}{_bounds(table)} of {table.raw_max}"
            f"{PLACEHOLDER if table.placeholder else ''}"
            for table in tables
        ),
        *proposal.corrections,
    ]
    return report(BOUNDARIES.title, file, facts, found)


BOUNDARIES = BoardFeed(
    place="feeds/boundaries/",
    layout=FeedLayout(
        dict.fromkeys(("series", "component", "grade", "raw_mark", "placeholder"), CODE) | {"source": TEXT}
    ),
    example=[
        {"series": "2024-06", "component": "BEN01", "grade": grade, "raw_mark": mark, "placeholder": "N",
         "source": "awarding meeting of 12 July 2024"}
        for grade, mark in (("L2D", "48"), ("L2M", "42"), ("L2P", "36"), ("L1D", "30"), ("L1M", "24"), ("L1P", "18"))
    ],
    most_bytes=SMALL,
    title="BOUNDARIES",
    lock="boundaries",
    reports="reports/boundaries/",
    nothing=_Proposal(),
    take=_propose,
    report=_report,
)  # fmt: skip


def _waits(desk: Desk, table: ConversionRow) -> bool:
    """Whether nobody has approved the newest conversion table of a component and series yet."""
    newest = desk.results.conversions(table.series, approved=False)
    return any(other.component == table.component and other.approved_at is None for other in newest)


def boundary_exhibit(desk: Desk, series: str) -> Exhibit:
    """OPS-4: what is shown to whoever approves the boundaries of a series (its id): every newest conversion table,
    those that wait first."""
    tables = sorted(desk.results.conversions(series, approved=False), key=lambda table: table.approved_at is not None)
    facts = []
    for table in tables:
        approved = f"; approved by {table.approved_by}" if table.approved_by else "; waits for approval"
        mark = PLACEHOLDER if table.placeholder else ""
        words = (
            f"{_bounds(table)} of {table.raw_max} raw marks{mark}; version {table.version}{approved}; {table.source}"
        )
        facts += [(table.component, words), (f"{table.component}, table", f"SHA-256 {table.sha256}")]
    title = f"Boundaries of {series_title(series)}, the least raw mark of each grade"
    return Exhibit(kind=terms.BOUNDARIES, subject=series, title=title, facts=tuple(facts), files={})


def falling(table: ConversionRow) -> list[tuple[str, int]]:
    """The boundaries of a conversion table from the highest grade down; the ledger keeps them in no order."""
    return sorted(table.boundaries.items(), key=lambda boundary: -boundary[1])


def _bounds(table: ConversionRow) -> str:
    return ", ".join(f"{grade} {mark}" for grade, mark in falling(table))


@journaled
def approve_boundaries(
    desk: Desk, series: Series, who: str, why: str, now: datetime, by: Signature = NOT_SEEN
) -> int | None:
    """AWD-1, OPS-3, OPS-4: a person approves the newest conversion table of every component of a series. Returns how
    many are approved that were not, None while more people are asked; raises `AwardError` without who and why, and
    where there is no table, and as `sign` does."""
    waiting = _to_decide(desk, series, who, why)
    if not waiting:
        return 0
    if desk.results.is_final(series.id):
        raise AwardError(
            f"results of {series.title} are approved or issued, so its conversion tables are final (AWD-6): withdraw "
            f"the results first if they are not out; what is out stands (RES-7)"
        )
    proposal = sign(desk, boundary_exhibit(desk, series.id), terms.APPROVED, who, why, now, by)
    if proposal.state != terms.APPROVED:
        return None
    names, all_reasons = deciders(proposal), reasons(proposal)
    action = Action(
        at=now,
        who=names,
        how=terms.BY_APPROVAL,
        why=all_reasons,
        action="boundaries_approved",
        centre="",
        series=series.id,
    )
    approved = desk.results.approve_conversions(series.id, names, now, action, [table.id for table in waiting])
    APPROVED.passed()
    log.info("series %s: %d conversion tables approved", series.id, approved)
    return approved


@journaled
def reject_boundaries(desk: Desk, series: Series, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> bool:
    """AWD-1, OPS-4: a person rejects the boundaries that wait; those approved before stay in force. False when none
    wait. Raises as `approve_boundaries` does."""
    if not _to_decide(desk, series, who, why):
        return False
    proposal = sign(desk, boundary_exhibit(desk, series.id), terms.REJECTED, who, why, now, by)
    assert proposal.rejection
    signer = str(proposal.rejection.by)
    action = Action(
        at=now, who=signer, how=terms.BY_APPROVAL, why=why, action="boundaries_rejected", centre="", series=series.id
    )
    if desk.actions.granted(action) is None:
        desk.actions.record(action)
    RECORDED.passed()
    return True


def _to_decide(desk: Desk, series: Series, who: str, why: str) -> list[ConversionRow]:
    """The newest conversion tables of a series that nobody has approved."""
    with_name_and_reason(who, why, AwardError)
    tables = desk.results.conversions(series.id, approved=False)
    if not tables:
        raise AwardError(f"there are no boundaries for {series.title}: write them to {BOUNDARIES.place} first")
    return [table for table in tables if table.approved_at is None]


# --- The award -------------------------------------------------------------------------------------------------------


@frozen(kw_only=True)
class Ground:
    """What the results of a series rest on: frames of `rules.frames` by the same names, and the conversion tables of
    every series (`conversions`; as one frame, `table`). What was issued before is `issued` (AWD-6): it is carried
    forward, never computed again."""

    series: str
    entered: pl.DataFrame = field(repr=False)
    marks: pl.DataFrame = field(repr=False)
    claims: pl.DataFrame = field(repr=False)
    earlier: pl.DataFrame = field(repr=False)
    later: pl.DataFrame = field(repr=False)
    issued: pl.DataFrame = field(repr=False)
    holds: pl.DataFrame = field(repr=False)
    conversions: tuple[ConversionRow, ...] = field(repr=False)

    @property
    def table(self) -> pl.DataFrame:
        """The conversion tables as one frame (`rules.conversion.CONVERSION`)."""
        return conversion_frame(self.conversions)

    def of_learners(self, ucis: pl.Series) -> Ground:
        """The same for these learners only."""
        mine = pl.col("uci").is_in(ucis.implode())
        return evolve(
            self,
            entered=self.entered.filter(mine),
            marks=self.marks.filter(mine),
            claims=self.claims.filter(mine),
        )


@frozen(kw_only=True)
class SeriesResults:
    """The results of a series in canonical order: `rules.awarding.RESULTS`, `rules.certification.AWARDS` and
    `CHOICES`."""

    results: pl.DataFrame = field(repr=False)
    awards: pl.DataFrame = field(repr=False)
    choices: pl.DataFrame = field(repr=False)

    def frames(self) -> dict[str, pl.DataFrame]:
        """By table of the ledger."""
        return {"results": self.results, "awards": self.awards, "choices": self.choices}

    def only(self, rows: pl.Expr) -> SeriesResults:
        """The same, with some rows only; `rows` is about columns that all frames have."""
        return SeriesResults(**{name: frame.filter(rows) for name, frame in self.frames().items()})

    @property
    def sha256(self) -> str:
        """Of what was decided. Numbers of rows in the ledger are left out: a replay may count otherwise (RES-6)."""
        digest = hashlib.sha256()
        for frame in self.frames().values():
            digest.update(frame.drop("mark_id", "claim_id", strict=False).write_csv().encode())
        return digest.hexdigest()


@frozen(kw_only=True)
class Awarded:
    """A recorded awarding, and the `warnings` for whoever decides about it, without personal data."""

    awarding: Awarding
    warnings: tuple[str, ...] = ()

    def note(self) -> str:
        """The awarding in a line, with counts of outcomes: for who may see what is under embargo (RES-2)."""
        awarding, counts = self.awarding, self.awarding.counts
        return (
            f"Awarding {awarding.series} version {awarding.version} ({awarding.kind}): {counts['awarded']:,} of "
            f"{counts['claims']:,} claims awarded, {counts['results']:,} component results, "
            f"{awarding.sha256[:12]}.{self._warned()}"
        )

    def told(self) -> str:
        """The same for the run's note and the log, which everybody reads: counts of outcomes are under embargo as the
        outcomes are (RES-2)."""
        awarding = self.awarding
        return (
            f"Awarding {awarding.series} version {awarding.version} ({awarding.kind}) is made, {awarding.sha256[:12]}."
            f"{self._warned()}"
        )

    def _warned(self) -> str:
        return "".join(f" Warning: {words}." for words in self.warnings)


@journaled
def award(desk: Desk, series: Series, now: datetime, kind: str = terms.WHOLE_SERIES) -> Awarded:
    """Awards a whole series as the ledger stands at `now` (aware) and freezes the results as its next version; the same
    ledger gives the same hash and is not recorded twice. Where a release has kept centres back, it awards these alone
    (AWD-5). Raises `AwardError`."""
    waiting = desk.results.waiting_centres(series.id)
    if kind == terms.WHOLE_SERIES and not waiting.is_empty():
        rests_on = ground(desk, series)
        _check(rests_on, series)
        judged = judge(rests_on, desk.catalogue, now).only(pl.col("centre").is_in(waiting.implode()))
        return _recorded(desk, series, rests_on, judged, now, terms.FOLLOW_UP)
    if kind == terms.WHOLE_SERIES and any(
        awarding.state == terms.RELEASED for awarding in desk.results.issued(series.id)
    ):
        raise AwardError(
            f"the results of {series.title} are released: later claims are awarded in a version of their own, and "
            f"changes go out in updated files on request (RES-3)"
        )
    return _award(desk, series, ground(desk, series), now, kind)


@journaled
def award_claims(desk: Desk, series: Series, now: datetime) -> Awarded | None:
    """RES-3, CRT-6, AWD-4: awards the learners whose claim no issued awarding of the series has answered, those entered
    since, those with a result that was pending and no longer is, also because the claim was withdrawn (CRT-5), and
    those refused for a resit that was missed (CRT-4) or for a claim that was somebody else's (REG-8); nobody else. None
    when there is nobody. Raises `AwardError`, also where the second computation differs (AWD-7)."""
    issued = desk.results.current(series.id)
    rests_on = evolve(ground(desk, series), issued=desk.results.as_issued(series.id, before=False))
    # Awarded once is awarded, also where the claim was withdrawn and made again before the release.
    held = rests_on.claims.join(
        issued["awards"].filter(pl.col("outcome") == terms.AWARDED).select(*_CLAIM).cast(pl.String),
        left_on=["centre", "uci", "option"], right_on=_CLAIM, how="semi",
    )["id"]  # fmt: skip
    answered = pl.concat([issued["awards"]["claim_id"].cast(pl.Int64), held])
    # Nobody of a centre that was kept back is answered before its results are (AWD-5).
    here = ~pl.col("centre").is_in(desk.results.waiting_centres(series.id).implode())
    new = rests_on.claims.filter(here, ~pl.col("id").is_in(answered.implode()))
    waiting = pl.concat([issued[name].filter(waits)["uci"].cast(pl.String) for name, waits in _WAITS.items()])
    entered = _entered_since(rests_on, issued["results"]).filter(here)["uci"]
    mine = rests_on.of_learners(pl.concat([new["uci"], waiting, entered]).unique())
    if mine.claims.is_empty() and waiting.is_empty() and entered.is_empty():
        return None
    _check_tables(mine, series)
    judged = _not_out(judge(mine, desk.catalogue, now).only(here), issued, held)
    gone = certification.withdrawn(issued["awards"], rests_on.claims).filter(here)
    if judged.results.is_empty() and judged.awards.is_empty() and gone.is_empty():
        return None
    differs = otherwise(mine, judged, computed_again(mine, desk.catalogue, now))
    if not differs.is_empty():
        raise AwardError(
            f"the second computation says something else about {in_words(differs)} (AWD-7): no later claim of "
            f"{series.title} is answered until it is known why"
        )
    awards = pl.concat([judged.awards, gone]).sort("centre", "candidate", "uci", "cash_in", maintain_order=True)
    return _recorded(desk, series, mine, evolve(judged, awards=awards), now, terms.LATE_CLAIMS)


_WAITS = {
    "results": pl.col("outcome") == terms.PENDING,
    # A claim refused because the external was sat again is open until it is known whether the resit was missed (CRT-4),
    # and one refused for another of the same person until it turns out that they are two (REG-8).
    "awards": (pl.col("outcome") == terms.PENDING) | pl.col("reason").is_in(["SAT_AGAIN", "CLAIMED_TWICE"]),
}
"""What is issued and still waits for something."""
_WAITS_FOR = {
    "results": [(pl.col("status") == terms.WITHHELD_STATUS).alias("withheld")],
    "awards": [pl.col("outcome", "reason", "about").cast(pl.String)],
}
"""What it is issued as waiting for."""
WITHHELD_ROWS = {"results": pl.col("status") == terms.WITHHELD_STATUS, "awards": pl.col("reason") == "WITHHELD"}
"""What a version has as withheld (RES-8), by table."""
_CLAIM = ["centre", "uci", "cash_in"]
_KEYS = {"results": ["centre", "candidate", "uci", "component"], "awards": ["claim_id"]}


def _entered_since(rests_on: Ground, issued: pl.DataFrame) -> pl.DataFrame:
    """ENT-2, AWD-7: entries of the series that staff have made since it was awarded, so that they have no result yet.
    Where nobody has set boundaries they wait: without them nobody could be awarded (AWD-1)."""
    tables = [table.component for table in rests_on.conversions if table.series == rests_on.series]
    entries = rests_on.entered.filter(pl.col("series") == rests_on.series, pl.col("option").is_in(tables))
    text = issued.select(pl.col(name).cast(pl.String) for name in ("centre", "candidate", "uci", "component"))
    for whose in ("uci", "candidate"):  # issued is issued, whatever became of the UCI (REG-8)
        key = ["centre", whose]
        entries = entries.join(
            text, left_on=[*key, "option"], right_on=[*key, "component"], how="anti", maintain_order="left"
        )
    return entries


def _not_out(judged: SeriesResults, issued: Mapping[str, pl.DataFrame], held: pl.Series) -> SeriesResults:
    """RES-7, AWD-6: of what is judged, only what is not issued yet, or waited and does no longer: what is out stays as
    it is. What waits for something else by now is issued as that, as what was withheld and has no mark, so that the
    reason it is owed for is the one in force (RES-8, AWD-4). `held`: claims that are awarded already."""
    frames = {}
    for name, key in _KEYS.items():
        frame = judged.frames()[name]
        if name == "awards":
            frame = frame.filter(~pl.col("claim_id").is_in(held.implode()))
        waits, waits_for = _WAITS[name], _WAITS_FOR[name]
        of = [pl.col(column).cast(frame.schema[column]) for column in key]
        waited = issued[name].filter(waits).select(*of, *waits_for)
        new = frame.join(issued[name].select(of), on=key, how="anti", maintain_order="left")
        settled = frame.filter(~waits).join(waited, on=key, how="semi", maintain_order="left")
        same = frame.select(*key, *waits_for).join(waited, on=waited.columns, how="semi").select(key)
        for_another = frame.filter(waits).join(waited, on=key, how="semi", maintain_order="left")
        for_another = for_another.join(same, on=key, how="anti", maintain_order="left")
        frames[name] = pl.concat([new, settled, for_another]).sort(
            "centre", "candidate", "uci", "component" if name == "results" else "cash_in"
        )
    about = frames["awards"].select("centre", "uci", "registration").unique()
    choices = judged.choices.join(about, on=["centre", "uci", "registration"], how="semi", maintain_order="left")
    return SeriesResults(results=frames["results"], awards=frames["awards"], choices=choices)


def _award(desk: Desk, series: Series, rests_on: Ground, now: datetime, kind: str) -> Awarded:
    _check(rests_on, series)
    return _recorded(desk, series, rests_on, judge(rests_on, desk.catalogue, now), now, kind)


def _recorded(desk: Desk, series: Series, rests_on: Ground, judged: SeriesResults, now: datetime, kind: str) -> Awarded:
    """Freezes what is judged as the next version."""
    used = used_tables(rests_on.conversions, series.id, judged.results, judged.choices)
    awarding = desk.results.record(
        series=series.id,
        kind=kind,
        at=now,
        conversions_sha256=conversions_sha256(used),
        sha256=judged.sha256,
        counts=counts(judged),
        frames=judged.frames(),
    )
    AWARDED.passed()
    awarded = Awarded(awarding=awarding, warnings=undecided(desk, series))
    log.info("%s", awarded.told())
    return awarded


def undecided(desk: Desk, series: Series) -> tuple[str, ...]:
    """MOD-2: the moderation of a series that has not ended, so that its marks can still change."""
    states = desk.moderation.undecided(series.id)
    return tuple(f"{count} {UNDECIDED[state]}" for state, count in states.items())


def ground(desk: Desk, series: Series, *, approved: bool = True) -> Ground:
    """Reads what the results of a series rest on; `approved`: only conversion tables that a person has approved."""
    book = desk.results
    questions: tuple[Callable[[str], pl.DataFrame], ...] = (
        book.marks, book.entered, book.claims, book.earlier, book.later, book.as_issued, desk.actions.holds,
    )  # fmt: skip
    # The database answers several questions at once.
    marks, entered, claims, earlier, later, issued, holds = in_parallel(lambda question: question(series.id), questions)
    return Ground(
        series=series.id,
        entered=entered,
        marks=marks,
        claims=claims,
        earlier=earlier,
        later=later,
        issued=issued,
        holds=holds,
        conversions=tuple(table for table in book.conversions(approved=approved) if table.series <= series.id),
    )


def judge(rests_on: Ground, catalogue: Catalogue, now: datetime) -> SeriesResults:
    """AWD-2 to AWD-4, CRT-2 to CRT-4: the results of a series, all at once, by the catalogue in force at `now`; what is
    withheld or voided shows nothing of itself (RES-8)."""
    components = parts(catalogue)
    computed = sittings(rests_on.entered, rests_on.marks, rests_on.table, components)
    results = withholding.masked(as_issued(computed, rests_on.issued), rests_on.holds)
    certified = certification.certify(
        rests_on.series,
        rests_on.claims,
        results,
        components,
        rests_on.earlier,
        certification.sat_from(rests_on.later, catalogue, now),
        catalogue.scale(terms.QUALIFICATION, now),
    )
    its = results.filter(pl.col("series") == rests_on.series).select(*RESULTS)
    awards = withholding.masked_awards(certified.awards, results, rests_on.holds, rests_on.series)
    return SeriesResults(results=its, awards=awards, choices=certified.choices)


def conversion_frame(tables: Iterable[ConversionRow]) -> pl.DataFrame:
    """Conversion tables of the ledger as one frame (`rules.conversion.CONVERSION`)."""
    frames = [
        pl.DataFrame({"raw": range(table.raw_max + 1), "ums": table.ums, "grade": table.grades}).with_columns(
            pl.lit(table.series).alias("series"), pl.lit(table.component).alias("component")
        )
        for table in tables
    ]
    empty = pl.DataFrame(schema=CONVERSION)
    return pl.concat(
        [empty, *(frame.select(pl.col(name).cast(kind) for name, kind in CONVERSION.items()) for frame in frames)]
    )


def used_tables(
    tables: Iterable[ConversionRow], series: str, results: pl.DataFrame, choices: pl.DataFrame
) -> list[ConversionRow]:
    """The conversion tables that the results of a series (its id) rest on, by series and component."""
    here = results.select(pl.lit(series).alias("series"), "component")
    used = set(pl.concat([here, choices.select("series", "component")]).unique().iter_rows())
    return sorted(
        (table for table in tables if (table.series, table.component) in used),
        key=lambda table: (table.series, table.component),
    )


def conversions_sha256(tables: Iterable[ConversionRow]) -> str:
    """The SHA-256 of conversion tables, in their order."""
    lines = (f"{table.series} {table.component} {table.sha256}\n" for table in tables)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check(rests_on: Ground, series: Series) -> None:
    """Raises `AwardError` where nobody is entered, or a table is missing."""
    if rests_on.entered.filter(pl.col("series") == series.id).is_empty():
        raise NobodyEntered(f"nobody is entered for {series.title}: there is nothing to award")
    _check_tables(rests_on, series)


def _check_tables(rests_on: Ground, series: Series) -> None:
    """AWD-1: raises `AwardError` where a table is missing or not approved."""
    needed = rests_on.entered.filter(pl.col("series") == series.id).select(
        "series", pl.col("option").alias("component")
    )
    given = rests_on.marks.filter(pl.col("mark").is_not_null()).select("series", "component")
    tables = pl.DataFrame(
        [(table.series, table.component) for table in rests_on.conversions],
        schema={"series": pl.String, "component": pl.String},
        orient="row",
    )
    missing = (
        pl.concat([needed, given])
        .unique()
        .join(tables, on=["series", "component"], how="anti")
        .sort("series", "component")
    )
    if not missing.is_empty():
        named = ", ".join(f"{component} in {when}" for when, component in missing.iter_rows())
        raise AwardError(
            f"there is no approved conversion table for {named}: write the boundaries to {BOUNDARIES.place}, then "
            f"`resultsday boundaries take`, and have them approved: `resultsday approvals list` (AWD-1)"
        )


def counts(judged: SeriesResults) -> dict[str, Any]:
    """Learners by grade or outcome, of every component and qualification, and claims by reason (JSON)."""

    def by(frame: pl.DataFrame, key: str, *values: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = {}
        said = pl.when(pl.col("grade") != "").then("grade").otherwise("outcome").alias("said")
        for of, what, count in frame.group_by(key, said).len().sort(key, "said").iter_rows():
            found.setdefault(of, {})[what] = count
        return found

    reasons = judged.awards.filter(pl.col("reason") != "").group_by("reason").len().sort("reason")
    return {
        "results": judged.results.height,
        "claims": judged.awards.height,
        "awarded": judged.awards.filter(pl.col("outcome") == terms.AWARDED).height,
        "components": by(judged.results, "component"),
        "qualifications": by(judged.awards, "registration"),
        "reasons": dict(reasons.iter_rows()),
    }
