"""Moderation as jobs, once samples are drawn: take in the moderators' marks, give feedback, and propose adjustments for
a person to decide (MOD-2, MOD-4, MRK-2).

Every step can die and be run again. A cohort changes its state in one transaction, and the texts about it are written
before that is committed: a step that died in between is done again and writes the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime

import polars as pl
from attrs import field, frozen
from sqlalchemy import Connection

from infra.ledger.actions import Action
from infra.ledger.approvals import Signer
from infra.ledger.corrections import Subject
from infra.ledger.moderation import Cohort, CohortName, Moderation
from parsers.findings import Finding, Found
from parsers.table import Rows
from pipeline.approvals import NOT_SEEN, ApprovalError, Exhibit, Signature, deciders, files_shown, reasons, sign
from pipeline.arrived import correction_opened, final
from pipeline.desk import Desk
from pipeline.feeds import SMALL, BoardFeed, FeedFile, take_feed
from pipeline.journal import journaled
from pipeline.marking.approval_page import approval_page
from pipeline.marking.counts import PLACE, ModerationCounts, kept_out_counts
from pipeline.marking.samples import KEY, last_day, text, wrapped
from pipeline.orders import with_name_and_reason
from pipeline.register import title
from pipeline.steps import COMPARED, DECIDED, FEEDBACK_OUT, MODERATED, PROPOSAL_OUT
from rules import terms
from rules.catalogue import (
    LONDON,
    PLACEHOLDER,
    CatalogueError,
    Component,
    Series,
    instant_text,
    series_title,
)
from rules.deadlines import AMENDMENTS_END, Deadline, amending_until, amendments_end
from rules.moderation import LAYOUT, Adjustment, Comparison, apply, compare, judge, outdated, propose

log = logging.getLogger(__name__)


class NotProposed(ValueError):  # noqa: N818
    """The cohort has no adjustment awaiting a decision."""


# --- The moderator's marks -------------------------------------------------------------------------------------------


@journaled
def take(desk: Desk, now: datetime) -> ModerationCounts:
    """MOD-2: takes the moderators' files from `feeds/moderation/` and compares every sample that is complete with
    them. Each file is archived before it is read, and answered by a report. Does nothing while another run of
    moderation is active."""
    done = take_feed(desk, MODERATORS_MARKS, now)
    total = ModerationCounts(failed=done.failed, kept_out=done.kept_out)
    for file in done.results:
        total = total + file.summary
    log.info("%s", total.note())
    return total


@frozen
class _Compared:
    """What came of a moderator's file: its rows, how many of them could be applied, and the cohorts it is about."""

    summary: ModerationCounts = field(factory=lambda: ModerationCounts(files=1))
    rows: int = 0
    good: int = 0
    cohorts: tuple[Cohort, ...] = ()
    corrections: tuple[str, ...] = ()


def _compare(desk: Desk, file: FeedFile, rows: Rows, found: Found) -> _Compared:
    """Books the moderator's marks of a file and compares every sample that they complete."""
    book, feed = desk.moderation, desk.learners.led(rows.table)
    sampled = book.sampled(feed.select(KEY).unique())
    maxima = [(code, _component(desk, code).raw_max) for code in sampled["component"].unique()]
    raw_max = pl.DataFrame(maxima, schema={"component": pl.String, "raw_max": pl.Int64}, orient="row")
    judged = judge(feed, sampled.join(raw_max, on="component"), found)
    with book.transaction() as connection:
        book.moderated(connection, judged.good)
    MODERATED.passed()
    opened = correction_opened(desk, PLACE, file, _for_issued(desk, feed, sampled))
    summary = ModerationCounts(files=1)
    for cohort_id in judged.touched:
        with book.transaction() as connection:
            summary = summary + _first_comparison(desk, book, connection, cohort_id, file.now)
        COMPARED.passed()
    return _Compared(summary, feed.height + rows.unread, judged.usable, tuple(book.cohorts(judged.touched)), opened)


def _for_issued(desk: Desk, feed: pl.DataFrame, sampled: pl.DataFrame) -> dict[str, list[Subject]]:
    """RES-7: the moderator's marks, other than those compared, for results which are out, by series."""
    key = [*KEY, "uci"]
    centres, series = feed["centre"].unique().to_list(), feed["series"].unique().to_list()
    out = final(desk, centres, series).filter("out").rename({"option": "component"})
    entered = desk.marks.entered(centres, series).rename({"option": "component"})
    rows = (
        feed.filter(pl.col("mark").str.contains("^[0-9]{1,3}$"))
        .join(out, on=key, how="semi")
        .join(entered.select(*key, "candidate"), on=key)
        .join(sampled.select(*key, "moderated_mark"), on=key, how="left")
        .filter(pl.col("mark").cast(pl.Int64).ne_missing(pl.col("moderated_mark")))
        .unique([*key, "mark"])
        .sort("series", "centre", "component", "candidate")
    )
    found: dict[str, list[Subject]] = {}
    for of, centre, component, candidate, mark in rows.select(*KEY, "candidate", "mark").iter_rows():
        its = Subject(centre=centre, candidate=candidate, component=component, given=mark)
        found.setdefault(of, []).append(its)
    return found


def _first_comparison(
    desk: Desk, book: Moderation, connection: Connection, cohort_id: int, now: datetime
) -> ModerationCounts:
    """Compares a sample once it is complete: agreed, or feedback to the centre."""
    cohort = book.locked(connection, cohort_id)
    if cohort is None or cohort.state != terms.SAMPLED:
        return ModerationCounts()
    marks = book.sample(connection, cohort)
    if marks["moderated_mark"].has_nulls():
        return ModerationCounts()
    compared = compare(marks, desk.catalogue.tolerance(cohort.component, now).marks)
    values = {"tolerance": compared.tolerance, "difference": compared.largest, "compared_at": now}
    if compared.verdict == "agreed":
        book.step(connection, cohort.id, "agreed", **values)
        return ModerationCounts(agreed=1)
    until = _amendments_end(desk, cohort, now)
    # Without the centre's extension, which may be granted or withdrawn while the time runs.
    book.step(connection, cohort.id, "feedback", feedback_until=until.at, **values)
    _put_feedback(desk, cohort, marks, compared, _with_extension(desk, cohort, until, now), now)
    return ModerationCounts(feedback=1)


def _amendments_end(desk: Desk, cohort: Cohort, now: datetime) -> Deadline:
    """MOD-4: until when the centre may amend its marks after feedback at `now`."""
    date = amendments_end(_series(desk, cohort.series), now, desk.catalogue, cohort.component)
    if date is None:
        raise CatalogueError(f"the calendar has no {AMENDMENTS_END} for {cohort.series}")
    return date


def _with_extension(desk: Desk, cohort: Cohort, until: Deadline, now: datetime) -> Deadline:
    """The same, with the centre's extension (CAL-3)."""
    end = _amending_until(desk, cohort, until.at, now)
    if end == until.at:
        return until
    return Deadline(
        end, end.astimezone(LONDON).date(), f"extended for centre {cohort.centre} until {instant_text(end)}"
    )


def _amending_until(desk: Desk, cohort: Cohort, until: datetime, now: datetime) -> datetime:
    """MOD-4: the end of the time to amend that feedback opened until `until`, as it is at `now`."""
    extended, series = desk.actions.extensions([cohort.centre]), _series(desk, cohort.series)
    return amending_until(until, series, now, desk.catalogue, cohort.centre, extended, cohort.component)


_DIRECTIONS = {
    "none": "There is no difference.",
    "generous": "Where they differ, the centre's mark is always higher: the marking is generous.",
    "severe": "Where they differ, the centre's mark is always lower: the marking is severe.",
    "mixed": "Some of the centre's marks are higher than the moderator's and some are lower.",
}


def _said(compared: Comparison) -> str:
    order = (
        "The moderator's marks rank the sampled learners in the same order as the centre's."
        if compared.in_order
        else "The moderator's marks rank some of the sampled learners in a different order from the centre's."
    )
    return f"{_DIRECTIONS[compared.direction]} {order}"


def _put_feedback(
    desk: Desk, cohort: Cohort, marks: pl.DataFrame, compared: Comparison, until: Deadline, now: datetime
) -> None:
    table = marks.select("candidate", "uci", "centre_mark", "moderated_mark")
    mark = PLACEHOLDER if _unpublished(desk, cohort, now) else ""
    lines = [
        f"MODERATION FEEDBACK  centre {title(desk, cohort.centre)}, component {cohort.component}, "
        f"{series_title(cohort.series)}",
        "",
        *wrapped(
            f"The moderator's marks differ from the centre's by up to {abs(compared.largest)}; the tolerance is "
            f"{compared.tolerance}{mark}. {_said(compared)} (MOD-2)"
        ),
        "",
        f"{'candidate':<11}{'UCI':<15}{'centre':>7}{'moderator':>11}{'difference':>12}",
        *(
            f"{candidate:<11}{uci:<15}{centre:>7}{moderated:>11}{moderated - centre:>+12}"
            for candidate, uci, centre, moderated in table.iter_rows()
        ),
        "",
        *wrapped(
            "What to do: review the marks of every learner in this component, not only those in the sample. You may "
            f"amend them with a marks file until the end of {last_day(until.at)} ({until.version}). Only after that "
            "do we compare the sample again. If it is still outside tolerance, an adjustment may be applied to all the "
            "centre's marks for this component. (MOD-4)"
        ),
        "",
        *wrapped(f"{PLACEHOLDER.strip()} marks what nobody published; it is the desk's own stand-in."),
    ]
    desk.put(FEEDBACK_OUT, f"outbox/{cohort.centre}/feedback-{cohort.series}-{cohort.component}.txt", text(lines))


# --- The report to staff ---------------------------------------------------------------------------------------------


def _report(desk: Desk, file: FeedFile, compared: _Compared, found: Found) -> bytes:
    findings = found.of(0)
    return text([
        f"{MODERATORS_MARKS.title}  {file.name}",
        f"  SHA-256     {file.sha256}",
        f"  Rows        {compared.rows}, of which {compared.good} can be applied",
        *compared.corrections,
        "",
        "SAMPLES IN THIS FILE",
        *(
            f"  {cohort.series} {cohort.centre} {cohort.component:<8} {_STATES[cohort.state]}"
            for cohort in compared.cohorts
        ),
        *(() if compared.cohorts else ("  none",)),
        "",
        f"FINDINGS  {len(findings) or 'none'}",
        *(line for number, finding in enumerate(findings, 1) for line in _finding(number, finding)),
    ])  # fmt: skip


MODERATORS_MARKS = BoardFeed(
    place=PLACE,
    layout=LAYOUT,
    example=[
        {"series": "2024-06", "centre": "64123", "component": "BEN01", "uci": "641230220001D", "mark": "38",
         "moderator": "M17"},
    ],
    most_bytes=4 * SMALL,
    title="MODERATOR'S MARKS",
    lock="moderation",
    reports="reports/moderation/",
    nothing=_Compared(),
    take=_compare,
    report=_report,
)  # fmt: skip

_STATES = {
    terms.SAMPLED: "waiting for more of the moderator's marks",
    terms.AGREED: "agreed: the centre's marks stand",
    terms.FEEDBACK: "outside tolerance: feedback given",
    terms.PROPOSED: "an adjustment is waiting for a decision",
    terms.ADJUSTED: "adjusted",
}


def _finding(number: int, finding: Finding) -> Iterator[str]:
    place = f"{finding.place}, column {finding.field}" if finding.field else finding.place
    yield f"{number:>3}. {place}: {finding.message}. ({finding.rule}, {finding.code})"
    yield from wrapped(f"Expected: {finding.expected}", "     ")
    yield from wrapped(f"To do:    {finding.remedy}", "     ")


# --- After feedback --------------------------------------------------------------------------------------------------


@journaled
def review(desk: Desk, now: datetime) -> ModerationCounts:
    """MOD-2, MOD-4: compares again every cohort whose time for amending marks, with the centre's extension, is over at
    `now` (aware), and for the first time those whose sample was drawn anew and has every mark of the moderator's.
    Within tolerance the centre's marks stand; otherwise an adjustment is proposed, and a page for the person who
    decides is written to `reports/moderation/`. Marks that come after that, by an extension, are compared again. Does
    nothing while another run of moderation is active."""
    book = desk.moderation
    total = ModerationCounts()
    with desk.ledger.exclusive("moderation") as turn:
        if not turn:
            return kept_out_counts(desk, turn.holder, now)
        for cohort_id in book.complete():
            with book.transaction() as connection:
                total = total + _first_comparison(desk, book, connection, cohort_id, now)
            COMPARED.passed()
        for cohort_id in book.waiting(terms.FEEDBACK, now):
            with book.transaction() as connection:
                total = total + _second_comparison(desk, book, connection, cohort_id, now)
            COMPARED.passed()
        for cohort_id in book.marked_since():
            with book.transaction() as connection:
                total = total + _comparison_again(desk, book, connection, cohort_id, now)
            COMPARED.passed()
    log.info("%s", total.note())
    return total


def _second_comparison(
    desk: Desk, book: Moderation, connection: Connection, cohort_id: int, now: datetime
) -> ModerationCounts:
    cohort = book.locked(connection, cohort_id)
    if cohort is None or cohort.state != terms.FEEDBACK or cohort.tolerance is None or cohort.feedback_until is None:
        return ModerationCounts()
    if _amending_until(desk, cohort, cohort.feedback_until, now) > now:
        return ModerationCounts()
    marks = book.sample(connection, cohort)
    # The tolerance of the first comparison, which the centre was told.
    compared = compare(marks, cohort.tolerance)
    if compared.verdict == "agreed":
        book.step(connection, cohort.id, "agreed", difference=compared.largest, compared_at=now)
        return ModerationCounts(agreed=1)
    return _propose(desk, book, connection, cohort, marks, compared, now)


def _propose(
    desk: Desk,
    book: Moderation,
    connection: Connection,
    cohort: Cohort,
    marks: pl.DataFrame,
    compared: Comparison,
    now: datetime,
) -> ModerationCounts:
    adjustment = propose(marks, _component(desk, cohort.component).raw_max)
    book.step(
        connection, cohort.id, "proposed", difference=compared.largest, compared_at=now, adjustment=adjustment.plain()
    )
    _put_page(desk, cohort, marks, compared, adjustment, now)
    return ModerationCounts(proposed=1)


def _comparison_again(
    desk: Desk, book: Moderation, connection: Connection, cohort_id: int, now: datetime
) -> ModerationCounts:
    """MOD-2: where marks came after the second comparison, what follows from the sample as it is now. What was decided
    about the very same adjustment stays decided."""
    cohort = book.locked(connection, cohort_id)
    if cohort is None or cohort.tolerance is None or not _outdated(desk, book, connection, cohort):
        return ModerationCounts()
    marks = book.sample(connection, cohort)
    compared = compare(marks, cohort.tolerance)
    if compared.verdict == "outside":
        return _propose(desk, book, connection, cohort, marks, compared, now)
    book.step(connection, cohort.id, "agreed", difference=compared.largest, compared_at=now)
    return ModerationCounts(agreed=1)


def _outdated(desk: Desk, book: Moderation, connection: Connection, cohort: Cohort) -> bool:
    """Whether something else would follow from the sample as it is now than what is proposed, or agreed."""
    raw_max = _component(desk, cohort.component).raw_max
    return outdated(book.sample(connection, cohort), cohort.tolerance, raw_max, cohort.state, cohort.adjustment)


def _put_page(
    desk: Desk, cohort: Cohort, marks: pl.DataFrame, compared: Comparison, adjustment: Adjustment, now: datetime
) -> None:
    unpublished = _unpublished(desk, cohort, now)
    facts = [
        ("Cohort", f"{cohort.name}, of {cohort.size} learners when the sample was drawn"),
        ("Compared", f"{instant_text(now)}, after the centre was given feedback"),
        ("Tolerance", f"{compared.tolerance} raw marks{PLACEHOLDER if unpublished else ''}"),
        ("Largest difference", f"{compared.largest:+d} (moderator's mark less the centre's)"),
        ("What the sample shows", _said(compared)),
        ("To decide", "approve, and every mark of the cohort is adjusted; or reject, and the centre's marks stand"),
    ]
    page = approval_page(_title(cohort.name), facts, marks, compared, adjustment, placeholder=unpublished)
    desk.put(PROPOSAL_OUT, _page_of(cohort.name), page.encode("utf-8"))


def _title(cohort: CohortName) -> str:
    return f"Centre {cohort.centre}, {cohort.component}, {series_title(cohort.series)}: proposed adjustment"


def _page_of(cohort: CohortName) -> str:
    """The key of the page about an adjustment."""
    return f"{MODERATORS_MARKS.reports}{cohort.series}-{cohort.centre}-{cohort.component}.html"


def adjustment_exhibit(desk: Desk, name: CohortName) -> Exhibit:
    """OPS-4: what is shown to whoever decides about an adjustment: the curve, and the page about it."""
    cohort = desk.moderation.cohort(name)
    if cohort is None or cohort.adjustment is None:
        raise ApprovalError(f"no adjustment of {name} was proposed")
    facts = (
        ("Learners", f"{cohort.size:,} when the sample was drawn"),
        ("Tolerance", f"{cohort.tolerance} raw marks"),
        *((f"A mark of {point['mark']}", f"becomes {point['to']}") for point in cohort.adjustment["points"]),
        ("Maximum", f"{cohort.adjustment['raw_max']} raw marks"),
    )
    return Exhibit(
        kind=terms.ADJUSTMENT, subject=str(name), title=_title(name), facts=facts,
        files=files_shown(desk, [_page_of(name)]),
    )  # fmt: skip


@journaled
def approve(desk: Desk, cohort: CohortName, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> bool | None:
    """MOD-2, MRK-2, OPS-3, OPS-4: a person applies the proposed adjustment. Every mark of the cohort gets a new
    version, and the old ones are kept. False when that has already been done, None while more people are asked. Raises
    `NotProposed` when there is nothing to decide, `ValueError` without who and why, and as `sign` does."""
    book = desk.moderation
    with book.transaction() as connection:
        proposed = _to_decide(book, connection, cohort, who, why, terms.ADJUSTED)
        if proposed is None or proposed.adjustment is None:
            return False
        _still_open(desk, cohort)
        _still_compared(desk, book, connection, proposed)
        proposal = sign(desk, adjustment_exhibit(desk, cohort), terms.APPROVED, who, why, now, by)
        if proposal.state != terms.APPROVED:
            return None
        who, why = deciders(proposal), reasons(proposal)
        marks = book.own_marks(connection, proposed)
        book.adjust(connection, proposed, apply(marks, Adjustment.of(proposed.adjustment)), now)
        book.step(connection, proposed.id, "adjusted", approved_by=who, approved_at=now)
        book.act(connection, _action(cohort, "adjustment_approved", who, why, now))
    DECIDED.passed()
    log.info("cohort %s: adjustment approved, %d marks", cohort, marks.height)
    return True


def _still_open(desk: Desk, cohort: CohortName) -> None:
    """AWD-5: raises `ValueError` where results of the cohort are approved or issued: an adjustment changes none."""
    approved = final(desk, [cohort.centre], [cohort.series])
    if not approved.filter(pl.col("option") == cohort.component).is_empty():
        raise ValueError(
            f"the results of {cohort.series} are approved or issued, so the marks of {cohort} are final (AWD-5). If "
            f"they are not out, withdraw them (`resultsday results withdraw {cohort.series}`), approve the adjustment "
            f"and award again; if they are out they stand: ask the people who answer for the results (RES-7)"
        )


def _still_compared(desk: Desk, book: Moderation, connection: Connection, cohort: Cohort) -> None:
    """OPS-4: raises `ApprovalError` where marks came that the page does not show, from which something else follows."""
    if cohort.id in book.marked_since() and _outdated(desk, book, connection, cohort):
        raise ApprovalError(
            f"marks of {cohort.name} have come since the sample was compared, and something else follows from them "
            f"(MOD-2). It is compared again by the next run of moderation (`resultsday run moderation "
            f"{cohort.series}`); decide about what is proposed then"
        )


@journaled
def reject(desk: Desk, cohort: CohortName, who: str, why: str, now: datetime, by: Signature = NOT_SEEN) -> bool:
    """MOD-2, OPS-3, OPS-4: a person rejects the proposed adjustment and the centre's marks stand. False when that has
    already been done. Raises as `approve` does."""
    book = desk.moderation
    with book.transaction() as connection:
        proposed = _to_decide(book, connection, cohort, who, why, terms.AGREED)
        if proposed is None:
            return False
        sign(desk, adjustment_exhibit(desk, cohort), terms.REJECTED, who, why, now, by)
        book.step(connection, proposed.id, "agreed")
        book.act(connection, _action(cohort, "adjustment_rejected", str(Signer(who, by.how)), why, now))
    DECIDED.passed()
    log.info("cohort %s: adjustment rejected", cohort)
    return True


def _to_decide(
    book: Moderation, connection: Connection, name: CohortName, who: str, why: str, done: str
) -> Cohort | None:
    """The locked cohort a person decides about; None when it is already in the state `done`."""
    with_name_and_reason(who, why, ValueError)
    cohort = book.named(connection, name)
    if cohort is None:
        raise NotProposed(f"no sample of {name} was drawn")
    if cohort.state == done:
        return None
    if cohort.state != terms.PROPOSED:
        raise NotProposed(f"cohort {name} is in state {cohort.state}: there is no adjustment to decide about")
    return cohort


def _action(cohort: CohortName, action: str, who: str, why: str, now: datetime) -> Action:
    return Action(
        at=now,
        who=who,
        how=terms.BY_APPROVAL,
        why=why,
        action=action,
        centre=cohort.centre,
        series=cohort.series,
        option=cohort.component,
    )


# --- What the catalogue says -----------------------------------------------------------------------------------------


def _series(desk: Desk, series_id: str) -> Series:
    series = desk.catalogue.series_by_id(series_id)
    if series is None:
        raise CatalogueError(f"there is no calendar for {series_id}")
    return series


def _unpublished(desk: Desk, cohort: Cohort, now: datetime) -> bool:
    """Whether the tolerance is a placeholder, because nobody published it."""
    return desk.catalogue.tolerance(cohort.component, now).placeholder


def _component(desk: Desk, code: str) -> Component:
    component = desk.catalogue.component(code)
    if component is None:
        raise CatalogueError(f"{code} is not a component")
    return component
