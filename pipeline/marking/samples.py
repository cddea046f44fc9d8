"""The samples: drawn at the deadline, or before it as soon as a centre has marked everybody, and drawn anew where the
highest or lowest mark has changed (MOD-1, MOD-3).

Every step can die and be run again: lists are written before the transaction commits that draws their sample.
"""

from __future__ import annotations

import logging
import textwrap
from datetime import datetime, timedelta

import polars as pl

from infra.ledger.moderation import CohortName, Drawn
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.marking.counts import ModerationCounts, kept_out_counts
from pipeline.register import title
from pipeline.report_page import csv_bytes
from pipeline.steps import DRAWN, LIST_OUT
from rules import terms
from rules.catalogue import LONDON, PLACEHOLDER, SampleRule, Series, day_text, instant_text, series_title
from rules.deadlines import deadline
from rules.moderation import draw_all, drawn_anew, work_due

log = logging.getLogger(__name__)

WIDTH = 96
KEY = ["series", "centre", "component"]
_WHY = {
    terms.DEADLINE_PASSED: "after the deadline for marks",
    terms.ALL_MARKED: "because every learner entered has a mark or is absent",
    terms.SAID_COMPLETE: "because you said that the marks are complete",
}
_UNTIL = "If a mark changes now, the sample is drawn anew only where the highest or the lowest mark changes. (MOD-3)"


@journaled
def sample(desk: Desk, series: Series, now: datetime) -> ModerationCounts:
    """MOD-1, MOD-3: draws the sample of every cohort of `series` that has none yet and whose marks deadline, or the
    centre's extension of it, has passed at `now` (aware), or that is complete after `moderation_opens`: every entered
    learner has a mark or is absent, or the centre has said so. Draws anew the samples that no longer are ones, and puts
    the lists into the centres' outboxes. Does nothing while another run of moderation is active."""
    with desk.ledger.exclusive("moderation") as turn:
        if not turn:
            return kept_out_counts(desk, turn.holder, now)
        anew = _draw_anew(desk, series, now)
        counts = ModerationCounts(drawn=_draw(desk, series, now), redrawn=anew)
    log.info("series %s: %s", series.id, counts.note())
    return counts


def _draw(desk: Desk, series: Series, now: datetime) -> int:
    """Draws the samples that are due; returns how many."""
    book = desk.moderation
    learners = book.undrawn(series.id)
    due = _due(desk, series, learners.select("centre", "component").unique().sort("centre", "component"), now)
    learners = learners.join(due, on=["centre", "component"])
    if learners.is_empty():
        return 0
    drawn = draw_all(learners, lambda size: desk.catalogue.sample_size(series, size))
    # In order, so that cohorts have the same numbers when the season is replayed (RES-6).
    sizes = learners.group_by(KEY).agg(pl.len().alias("size"), pl.col("why").first()).sort(KEY)
    centres = sizes.partition_by("centre", as_dict=True)
    by_centre = drawn.partition_by("centre", as_dict=True, maintain_order=True)
    for centre, its_sizes in sorted(centres.items()):
        with book.transaction() as connection:
            new = book.open(connection, by_centre[centre], its_sizes, now)
            for component, size, why in its_sizes.select("component", "size", "why").iter_rows():
                rule = desk.catalogue.sample_size(series, size)
                _put_list(desk, new.filter(pl.col("component") == component), rule, why, now)
        DRAWN.passed()
    return sizes.height


def _due(desk: Desk, series: Series, cohorts: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Those of `cohorts` (`centre`, `component`) whose sample is to be drawn, and `why`."""
    if cohorts.is_empty():
        return cohorts.with_columns(why=pl.lit(""))
    extended = desk.actions.extensions(cohorts["centre"].unique().to_list())
    missing, complete = (
        set(frame.select("centre", "component").iter_rows())
        for frame in (desk.marks.missing(series.id), desk.actions.complete(series.id))
    )

    def why(centre: str, component: str) -> str | None:
        due = deadline(series, "marks_deadline", now, desk.catalogue, centre, extended, component)
        if due is not None and due.at <= now:
            return terms.DEADLINE_PASSED
        opens = desk.catalogue.milestone(series, "moderation_opens", now, component)
        if opens is None or now < opens.at:
            return None
        if (centre, component) not in missing:
            return terms.ALL_MARKED
        return terms.SAID_COMPLETE if (centre, component) in complete else None

    reasons = [why(centre, component) for centre, component in cohorts.iter_rows()]
    return cohorts.with_columns(why=pl.Series(reasons, dtype=pl.String)).filter(pl.col("why").is_not_null())


def _draw_anew(desk: Desk, series: Series, now: datetime) -> int:
    """MOD-3: draws anew the samples that no longer are ones; returns how many."""
    book = desk.moderation
    learners, sampled = book.changed(series.id)
    if learners.is_empty():
        return 0
    reasons = drawn_anew(learners, sampled, lambda size: desk.catalogue.sample_size(series, size))
    theirs = learners.join(reasons, on=KEY, how="semi")
    every = draw_all(theirs, lambda size: desk.catalogue.sample_size(series, size))
    count = 0
    for series_id, centre, component, why in reasons.iter_rows():
        its = (pl.col("centre") == centre) & (pl.col("component") == component)
        drawn, size = every.filter(its), theirs.filter(its).height
        with book.transaction() as connection:
            name = CohortName(series_id, centre, component)
            if not book.open_again(connection, name, drawn, Drawn(at=now, why=why, size=size)):
                continue
            _put_list(desk, drawn, desk.catalogue.sample_size(series, size), why, now)
        DRAWN.passed()
        count += 1
    return count


def _put_list(desk: Desk, drawn: pl.DataFrame, rule: SampleRule, why: str, now: datetime) -> None:
    """The list of a sample, for the centre, as CSV and text. `why`: one of `_WHY`, or why it was drawn anew."""
    series, centre, component = drawn.select(KEY).row(0)
    unpublished = PLACEHOLDER if rule.placeholder else ""
    table = drawn.select("candidate", "uci", "mark", "reason")
    due = work_due(now)
    key = f"outbox/{centre}/sample-{series}-{component}"
    with_date = table.with_columns(work_due_before=pl.lit(due.isoformat()))
    desk.put(LIST_OUT, f"{key}.csv", csv_bytes(with_date))
    anew = f"The sample was drawn anew on {instant_text(now)}: {why}. This list replaces the one before it; work that "
    anew += "you have sent need not be sent again."
    first = f"The sample was drawn on {instant_text(now)}, {_WHY.get(why, '')}."
    lines = [
        f"SAMPLE FOR MODERATION  centre {title(desk, centre)}, component {component}, {series_title(series)}",
        "",
        *wrapped(
            f"Send the marked work of these {table.height}{unpublished} learners by the end of "
            f"{last_day(due)}{PLACEHOLDER}. {first if why in _WHY else anew} It has the learners with the highest and "
            "the lowest mark; the others were drawn. (MOD-1)"
        ),
        *(() if why == terms.DEADLINE_PASSED else ("", *wrapped(_UNTIL))),
        "",
        f"{'candidate':<11}{'UCI':<15}{'mark':>4}  in the sample as",
        *(f"{candidate:<11}{uci:<15}{mark:>4}  {reason}" for candidate, uci, mark, reason in table.iter_rows()),
        "",
        *wrapped(f"{PLACEHOLDER.strip()} marks what nobody published; it is the desk's own stand-in."),
    ]
    desk.put(LIST_OUT, f"{key}.txt", text(lines))


# --- For every letter of moderation ----------------------------------------------------------------------------------


def last_day(end: datetime) -> str:
    """The last day before an instant, in Europe/London."""
    return day_text((end.astimezone(LONDON) - timedelta(microseconds=1)).date())


def wrapped(words: str, indent: str = "") -> list[str]:
    """A paragraph in lines."""
    return textwrap.wrap(words, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def text(lines: list[str]) -> bytes:
    """The bytes of a letter."""
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "backslashreplace")
