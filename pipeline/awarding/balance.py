"""The gate before issue (AWD-7): the balance of entries and claims against results, what blocks, what people have
accepted, and the second computation.

Nothing is built while something blocks. The sheet lies beside the preview (`balance.json`, and `exceptions.csv` with
every exception), is part of the manifest that is approved, and must be the same when it is.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl
from attrs import field, frozen

from infra.ledger.approvals import Proposal
from infra.ledger.results import Awarding
from infra.store import Missing
from pipeline.approvals import Exhibit, deciders, reasons
from pipeline.awarding.again import computed_again, otherwise
from pipeline.awarding.award import SeriesResults, ground, judge
from pipeline.awarding.drift import differences
from pipeline.awarding.moved import cohorts
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.parallel import in_parallel
from pipeline.report_page import csv_bytes
from pipeline.steps import WEIGHED
from rules import terms
from rules.awarding import RESULTS
from rules.balance import (
    CODES,
    EXCEPTIONS,
    exceptions,
    missing_marks,
    moderation,
    shifted,
    unmatched,
)
from rules.catalogue import PLACEHOLDER, Series, instant_text, series_title
from rules.certification import AWARDS

log = logging.getLogger(__name__)

AWARD_REPORTS = "reports/award/"
SHEET, LIST = "balance.json", "exceptions.csv"
SHOWN = 20
"""Lines of an exception that a person is shown at once; the list has every one."""


def award_reports(awarding: Awarding) -> str:
    """The folder of preview and balance of a version."""
    return f"{AWARD_REPORTS}{awarding.series}/{awarding.version}/"


@frozen(kw_only=True)
class Balance:
    """The balance of a version. `sheet`: counts, exceptions and who accepted them (JSON); `exceptions`:
    `rules.balance.EXCEPTIONS`, with `accepted`."""

    awarding: Awarding
    sheet: Mapping[str, Any] = field(repr=False)
    exceptions: pl.DataFrame = field(repr=False)

    @property
    def blocking(self) -> pl.DataFrame:
        """What nobody has accepted: `code`, `component`, `count`, in the order of `CODES`."""
        return counted(self.exceptions.filter(~pl.col("accepted")))

    def note(self) -> str:
        """The balance in a line, without results: for the run's note and the log."""
        of, blocks = self.sheet, self.exceptions.filter(~pl.col("accepted")).height
        accepted = self.exceptions.height - blocks
        return (
            f"Balance {self.awarding.series} version {self.awarding.version}: {sum(of['entries'].values()):,} entries, "
            f"{sum(of['claims'].values()):,} claims; {accepted:,} exceptions accepted, {blocks:,} block."
        )

    def lines(self) -> Iterator[str]:
        """The balance for a person: what every entry and claim has come to, and what blocks."""
        yield self.note()
        yield from (f"  {what:<44} {words}" for what, words in facts(self.sheet))
        blocking = self.blocking
        for code, component, count in blocking.iter_rows():
            meant = CODES[code]
            yield f"BLOCKS  {code:<24} {component:<8} {count:>7,}  {meant.words} ({meant.rule}). {meant.remedy}"
        if not blocking.is_empty():
            yield (
                f"To accept one: `resultsday gate accept {self.awarding.series} CODE --component CODE --why ...`, or "
                f"--centre NUMBER. Every line: {award_reports(self.awarding)}{LIST}"
            )


def counted(rows: pl.DataFrame) -> pl.DataFrame:
    """Exceptions by code and component: `code`, `component`, `count`, in the order of `CODES`."""
    return (
        rows.group_by("code", "component")
        .agg(pl.len().alias("count"))
        .sort(pl.col("code").cast(pl.Enum(list(CODES))), "component")
    )


def facts(sheet: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The sheet as facts for people."""

    def told(counts: Mapping[str, int]) -> str:
        total = sum(counts.values())
        return f"{total:,} = {' + '.join(f'{count:,} {what}' for what, count in counts.items()) or '0'}"

    again = sheet["recomputed"]
    shift = sheet["shift"]
    mark = PLACEHOLDER if shift["placeholder"] else ""
    return [
        ("Entries", told(sheet["entries"])),
        ("Claims", told(sheet["claims"])),
        ("Second computation", f"{again['results']:,} results and {again['claims']:,} claims, {again['different']:,} "
         f"otherwise"),
        ("Shift of grades", f"more than {shift['points']} points against {shift['before']} must be accepted{mark}"),
        *(
            (f"Accepted: {CODES[one['code']].words}",
             f"{one['count']:,} of {one['scope']}, by {one['by']}, {one['at']}: {one['why']}")
            for one in sheet["accepted"]
        ),
    ]  # fmt: skip


# --- Weighed ---------------------------------------------------------------------------------------------------------


def weigh(desk: Desk, awarding: Awarding) -> Balance:
    """AWD-7: the balance of a version, by the ledger as it is now. What came after the award is left out: it is awarded
    later (CRT-6)."""
    series = desk.catalogue.series_by_id(awarding.series)
    assert series
    questions: tuple[Callable[[], Any], ...] = (
        lambda: ground(desk, series),
        lambda: desk.results.frames(awarding, only=("results", "awards")),
        lambda: desk.results.held(series.id),
        lambda: cohorts(desk, series),
    )
    rests_on, frames, held, standing = in_parallel(lambda question: question(), questions)
    results = frames["results"].select(pl.col(name).cast(kind) for name, kind in RESULTS.items())
    awards = frames["awards"].select(pl.col(name).cast(kind) for name, kind in AWARDS.items())
    if awarding.kind == terms.FOLLOW_UP:
        held = held.filter(pl.col("centre").is_in(desk.results.waiting_centres(series.id).implode()))
    moved = differences(frames, judge(rests_on, desk.catalogue, awarding.at).frames())
    stale = exceptions(
        moved.rename({"code": "component"}), "STALE", pl.concat_str("frozen", pl.lit("; now: "), "ledger")
    )
    again = computed_again(rests_on, desk.catalogue, awarding.at)
    external = [part.code for part in desk.catalogue.edition(awarding.at).components.values() if part.external]
    before = compared_with(desk, series) if awarding.kind == terms.WHOLE_SERIES else None
    found = pl.concat(
        [
            missing_marks(results.filter(pl.col("status") != terms.WITHHELD_STATUS), external),
            moderation(standing, results, rests_on.marks),
            _shifts(desk, awarding, before),
            stale,
            # What the ledger says otherwise by now has one cause, and is told once.
            pl.concat(
                [
                    unmatched(held, results, awards, awarding.at),
                    otherwise(rests_on, SeriesResults(results=results, awards=awards, choices=awards.clear()), again),
                ]
            ).join(stale, on=["centre", "uci", "component"], how="anti"),
        ]
    ).sort(pl.col("code").cast(pl.Enum(list(CODES))), "component", "centre", "candidate", "uci", "said")
    found, accepted = _accepted(desk, series, found)
    return Balance(
        awarding=awarding,
        sheet=_sheet(desk, awarding, results, awards, found, accepted, before),
        exceptions=found,
    )


def compared_with(desk: Desk, series: Series) -> Awarding | None:
    """The results a series is compared with: those issued for everybody a year before, or else in the latest earlier
    series that has any; None when there are none."""
    year_before = f"{series.year - 1}-{series.id[5:]}"
    earlier = [other.id for other in reversed(desk.catalogue.all_series()) if other.id < series.id]
    for series_id in sorted(earlier, key=lambda id_: id_ != year_before):
        whole = [awarding for awarding in desk.results.issued(series_id) if awarding.kind == terms.WHOLE_SERIES]
        if whole:
            return whole[-1]
    return None


def _shifts(desk: Desk, awarding: Awarding, before: Awarding | None) -> pl.DataFrame:
    threshold = desk.catalogue.shift(awarding.at)
    order = [step.grade for step in desk.catalogue.scale(terms.QUALIFICATION, awarding.at).thresholds]
    then = before.counts.get("qualifications", {}) if before else {}
    rows = [
        (code, grade, its.get(grade, 0), then[code].get(grade, 0) if code in then else None)
        for code, its in awarding.counts.get("qualifications", {}).items()
        for grade in order
    ]
    kinds = {"registration": pl.String, "grade": pl.String, "awards": pl.Int64, "before": pl.Int64}
    shares = pl.DataFrame(rows, schema=kinds, orient="row")
    return shifted(shares, order, threshold.points, threshold.awards)


def _sheet(
    desk: Desk,
    awarding: Awarding,
    results: pl.DataFrame,
    awards: pl.DataFrame,
    found: pl.DataFrame,
    accepted: Sequence[Mapping[str, Any]],
    before: Awarding | None,
) -> dict[str, Any]:
    """The sheet: every entry is one result or one exception, every claim an award or has a reason."""
    shift = desk.catalogue.shift(awarding.at)
    withheld = pl.col("status") == terms.WITHHELD_STATUS
    outcome = pl.when(withheld).then(pl.lit(terms.WITHHELD)).otherwise("outcome").alias("said")
    reason = pl.when(pl.col("reason") == "").then("outcome").otherwise("reason").alias("said")
    standing = counted(found)
    return {
        "series": awarding.series,
        "version": awarding.version,
        "entries": dict(results.group_by(outcome).len().sort("said").iter_rows()),
        "claims": dict(awards.group_by(reason).len().sort("said").iter_rows()),
        "recomputed": {
            "results": results.height,
            "claims": awards.height,
            "different": int(standing.filter(pl.col("code") == "COMPUTED_OTHERWISE")["count"].sum()),
        },
        "shift": {
            "points": shift.points,
            "awards": shift.awards,
            "placeholder": shift.placeholder,
            "before": f"{before.series}, version {before.version}" if before else "nothing",
        },
        "exceptions": standing.to_dicts(),
        "accepted": list(accepted),
    }


# --- What people accept ----------------------------------------------------------------------------------------------


def in_scope(rows: pl.DataFrame, code: str, scope: str) -> pl.DataFrame:
    """The exceptions of a code about a component or at a centre (`scope`), without other columns."""
    its = (pl.col("code") == code) & ((pl.col("component") == scope) | (pl.col("centre") == scope))
    return rows.filter(its).select(*EXCEPTIONS)


def exception_exhibit(series: str, code: str, scope: str, its: pl.DataFrame) -> Exhibit:
    """OPS-4: what is shown to whoever accepts exceptions (`EXCEPTIONS`) of a code and scope: how many, whose, and the
    hash of the list."""
    meant = CODES[code]
    about = ("centre", "component", "candidate", "said")
    lines = [" ".join(part for part in row if part) for row in its.select(about).head(SHOWN).iter_rows()]
    more = [f"and {its.height - SHOWN:,} more"] if its.height > SHOWN else []
    facts_ = (
        ("What", f"{meant.words} ({meant.rule})"),
        ("How many", f"{its.height:,}, at {its.filter(pl.col('centre') != '')['centre'].n_unique():,} centres"),
        ("Instead of accepting", meant.remedy),
        ("Which", "; ".join([*lines, *more])),
        ("The list", f"SHA-256 {hashlib.sha256(its.write_csv().encode()).hexdigest()}"),
    )
    title = f"Exception in the results of {series_title(series)}: {code}, {scope}"
    subject = f"{series} {code} {scope}"
    return Exhibit(kind=terms.EXCEPTION, subject=subject, title=title, facts=facts_, files={})


def _accepted(desk: Desk, series: Series, found: pl.DataFrame) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """The exceptions with `accepted`, and what people have accepted of them. An acceptance is of exactly the list that
    was shown: if it has changed since, it must be accepted again."""
    taken = pl.lit(value=False)
    accepted = []
    for proposal in sorted(acceptances(desk, series.id), key=lambda proposal: proposal.subject):
        _, code, scope = proposal.subject.split(" ")
        its = in_scope(found, code, scope)
        if its.is_empty() or exception_exhibit(series.id, code, scope, its).sha256 != proposal.sha256:
            continue
        taken |= (pl.col("code") == code) & ((pl.col("component") == scope) | (pl.col("centre") == scope))
        accepted.append({
            "code": code, "scope": scope, "count": its.height, "by": deciders(proposal), "why": reasons(proposal),
            "at": instant_text(proposal.approvals[-1].at), "sha256": proposal.sha256,
        })  # fmt: skip
    return found.with_columns(taken.alias("accepted")), accepted


def acceptances(desk: Desk, series: str) -> list[Proposal]:
    """What people have accepted for a series (its id) and not taken back."""
    return [
        proposal
        for proposal in desk.approvals.current(terms.EXCEPTION)
        if proposal.subject.startswith(f"{series} ") and proposal.state == terms.APPROVED
    ]


# --- Written ---------------------------------------------------------------------------------------------------------


@journaled
def balance(desk: Desk, awarding: Awarding, now: datetime) -> Balance:
    """AWD-7: writes the balance sheet of a version beside its preview. Contents depend on the ledger, not on `now`."""
    weighed = weigh(desk, awarding)
    write(desk, weighed)
    log.info("%s", weighed.note())
    return weighed


def write(desk: Desk, weighed: Balance) -> None:
    """Writes the sheet and the list of a balance."""
    place = award_reports(weighed.awarding)
    desk.put(WEIGHED, f"{place}{LIST}", csv_bytes(weighed.exceptions.select(*EXCEPTIONS)))
    desk.put(WEIGHED, f"{place}{SHEET}", f"{json.dumps(weighed.sheet, indent=1, sort_keys=True)}\n".encode())


def listed_exceptions(desk: Desk, awarding: Awarding) -> pl.DataFrame | None:
    """The exceptions of a version as they were last written (`EXCEPTIONS`); None where they never were."""
    try:
        data = desk.store.get(f"{award_reports(awarding)}{LIST}")
    except Missing:
        return None
    return pl.read_csv(data, infer_schema=False).select(pl.col(name).fill_null("") for name in EXCEPTIONS)


def written_sheet(desk: Desk, awarding: Awarding) -> dict[str, Any] | None:
    """The balance sheet of a version as it was last written; None where it never was."""
    try:
        content: dict[str, Any] = json.loads(desk.store.get(f"{award_reports(awarding)}{SHEET}"))
    except Missing:
        return None
    return content


__all__ = ["Balance", "balance", "compared_with", "counted", "facts", "weigh", "write"]
