"""Checkpoints (OPS-1, OPS-2): before each date that matters, who would get no result and which centres are silent.

Staff get a report without names, the centres concerned get a letter. A checkpoint is taken once for its instant; a run
that died is repeated and writes the same.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import get_args

import polars as pl
from attrs import evolve, field, frozen

from infra.ledger.accounts import Accounts
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.register import named, title
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.steps import CHECK_RECORDED, CHECK_REPORTED, LETTER_OUT
from rules import checkpoints
from rules import findings as f
from rules.catalogue import EVENTS, LONDON, PLACEHOLDER, Series, day_text, instant_text, series_title
from rules.checkpoints import REASONS, Event
from rules.deadlines import Extensions, deadline
from rules.frames import rows_by_centre
from rules.reasons import Reason
from rules.sheets import ANY

log = logging.getLogger(__name__)

TITLES: dict[str, str] = {
    "on_time_deadline": "on-time deadline",
    "window_closes": "end of the entry window",
    "marks_deadline": "marks deadline",
    "award": "award",
}
CHECKPOINT_REPORTS = "reports/checkpoints/"
WIDTH = 96
_BEFORE_MARKS = ("on_time_deadline", "window_closes")
_STAFF = "the date for it has passed; only our staff can still do it, ask them at once"


@frozen(kw_only=True)
class CheckpointCounts:
    """The counts of a checkpoint; no personal data. `reasons`: learners by code; `taken` is False when the same
    checkpoint had been taken before and nothing was written."""

    series: str
    event: str
    learners: int = 0
    reasons: Mapping[str, int] = field(factory=dict)
    centres: int = 0
    silent: int = 0
    taken: bool = True

    def note(self) -> str:
        """The summary in one line, for the run's note and the log."""
        reasons = ", ".join(f"{code} x{count}" for code, count in self.reasons.items()) or "none"
        return (
            f"Checkpoint {self.series} {self.event}{'' if self.taken else ' (taken before)'}: {self.learners} learners "
            f"at {self.centres} centres without a result to come; reasons: {reasons}; {self.silent} centres silent."
        )


@journaled
def checkpoint(desk: Desk, series: Series, event: str, now: datetime) -> CheckpointCounts:
    """OPS-1, OPS-2: takes the checkpoint `event` (`Event`) of `series` as the ledger stands at `now` (aware): writes
    `reports/checkpoints/<series>-<event>` as `.csv` and `.html`, and to every centre concerned
    `outbox/<centre>/checkpoint-<series>-<event>.txt`. A checkpoint already taken for the same instant changes nothing.

    Ours: before the marks deadline, the checkpoints of the entry window do not ask for marks. Raises `ValueError` for
    any other event.
    """
    if event not in get_args(Event):
        raise ValueError(f"{event} is not a checkpoint; choose from {', '.join(get_args(Event))}")
    accounts = desk.accounts
    recorded = accounts.checkpoint(series.id, event, now)
    if recorded is not None:
        return CheckpointCounts(series=series.id, event=event, taken=False, **recorded)
    names = accounts.registered()
    without = _without(desk, accounts, names, series, event, now)
    silent = _silent(desk, accounts, series)
    summary = _counted(series, event, without, silent)
    _report(desk, series, event, now, summary, without, silent)
    # What only the board can put right does not belong in a centre's letter.
    theirs = without.filter(pl.col("code") != checkpoints.BOARD_MARK.code)
    _letters(desk, series, event, now, _named(theirs, names, desk, series), silent)
    accounts.record(
        series.id, event, now,
        {"learners": summary.learners, "reasons": dict(summary.reasons), "centres": summary.centres,
         "silent": summary.silent},
    )  # fmt: skip
    CHECK_RECORDED.passed()
    log.info("%s", summary.note())
    return summary


def passed_over(desk: Desk, days_before: Sequence[int], now: datetime) -> list[tuple[str, str]]:
    """OPS-1, CAL-7: series id and event of the checkpoints that would never be taken, as staff have moved their date so
    that a reminder, so many days before it, had passed by then: those of which the latest reminder at `now` (aware) was
    not taken."""
    found = []
    for moved in desk.catalogue.set_by_staff:
        series = desk.catalogue.series_by_id(moved.series)
        if series is None or moved.event not in TITLES or moved.component != ANY:
            continue
        date = desk.catalogue.milestone(series, moved.event, now)
        if date != moved:  # it was moved again
            continue
        reminders = [evolve(moved, day=moved.day - timedelta(days=days)).at for days in (*days_before, 0)]
        passed = [at for at in reminders if at <= now]
        if passed and not desk.watch.checkpoint_taken(series.id, moved.event, max(passed)):
            found.append((series.id, moved.event))
    return found


def _without(
    desk: Desk, accounts: Accounts, names: pl.DataFrame, series: Series, event: str, now: datetime
) -> pl.DataFrame:
    found = checkpoints.without_result(
        accounts.held(series.id),
        names,
        accounts.sittings(series.id),
        accounts.marked(series.id),
        accounts.refused_names(series.key, series.awarding_body, f.NAME_MISMATCH.name),
        series,
        desk.catalogue,
    )
    marks_due = deadline(series, "marks_deadline", now, desk.catalogue)
    early = event in _BEFORE_MARKS and marks_due is not None and now < marks_due.at
    # The board's own marking goes on until the award.
    left_out = [checkpoints.MISSING_MARK.code] * early + [checkpoints.BOARD_MARK.code] * (event != "award")
    return found.filter(~pl.col("code").is_in(left_out))


def _silent(desk: Desk, accounts: Accounts, series: Series) -> list[str]:
    before = checkpoints.season_before(series, desk.catalogue)
    if before is None:
        return []
    sent = [accounts.senders(each.id, each.key, each.awarding_body) for each in (before, series)]
    return checkpoints.silent(*sent)["centre"].to_list()


def _counted(series: Series, event: str, without: pl.DataFrame, silent: Sequence[str]) -> CheckpointCounts:
    learners = without.unique(["centre", "candidate", "code"])
    by_code = dict(learners.group_by("code").len().iter_rows())
    return CheckpointCounts(
        series=series.id,
        event=event,
        learners=learners.unique(["centre", "candidate"]).height,
        reasons={code: by_code[code] for code in REASONS if code in by_code},
        centres=without["centre"].n_unique(),
        silent=len(silent),
    )


# --- For staff -------------------------------------------------------------------------------------------------------


def _report(
    desk: Desk,
    series: Series,
    event: str,
    now: datetime,
    summary: CheckpointCounts,
    without: pl.DataFrame,
    silent: Sequence[str],
) -> None:
    """Learners by centre and reason, and silent centres; no names and no candidates."""
    learners = without.unique(["centre", "candidate", "code"])
    codes = pl.Enum(list(REASONS))
    by_reason = (
        learners.group_by("centre", "code").agg(pl.len().alias("learners")).sort("centre", pl.col("code").cast(codes))
    )
    rules_of = {code: reason.rule for code, reason in REASONS.items()}
    said = by_reason.select("centre", "code", pl.col("code").replace_strict(rules_of).alias("rule"), "learners")
    quiet = pl.DataFrame({"centre": silent}, schema={"centre": pl.String}).with_columns(
        code=pl.lit("SILENT"), rule=pl.lit("OPS-2"), learners=pl.lit(None, pl.UInt32)
    )
    place = f"{CHECKPOINT_REPORTS}{series.id}-{event}"
    desk.put(CHECK_REPORTED, f"{place}.csv", csv_bytes(pl.concat([said.cast({"learners": pl.UInt32}), quiet])))

    reasons = pl.DataFrame(
        [(REASONS[code].words, REASONS[code].rule, code, count) for code, count in summary.reasons.items()],
        schema={"Reason": pl.String, "Rule": pl.String, "Code": pl.String, "Learners": pl.Int64},
        orient="row",
    )
    by_centre = (
        without.unique(["centre", "candidate"])
        .group_by("centre")
        .agg(pl.len().alias("Learners"))
        .join(
            by_reason.group_by("centre", maintain_order=True).agg(
                pl.concat_str("code", pl.lit(" "), "learners").str.join(", ").alias("Reasons")
            ),
            on="centre",
        )
        .sort(pl.col("Learners"), "centre", descending=[True, False])
        .select(pl.col("centre").alias("Centre"), "Reasons", "Learners")
    )
    facts = [
        ("Series", f"{series.title} ({series.key})"),
        ("Checkpoint", _when(desk, series, event, now)),
        ("As of", instant_text(now)),
        ("Learners", f"{summary.learners:,}"),
        ("Centres", f"{summary.centres:,}"),
        ("Silent centres", f"{summary.silent:,}"),
    ]
    before = series_title(f"{series.year - 1}-{series.month:02d}")
    grids = [
        Grid(title="Reasons", frame=reasons, numbers=["Learners"]),
        Grid(title="Centres", frame=named(desk, by_centre), numbers=["Learners"], total=f"{summary.learners:,}"),
        Grid(
            title=f"Silent: sent files for {before}, none for this series",
            frame=named(desk, pl.DataFrame({"Centre": silent}, schema={"Centre": pl.String})),
        ),
    ]
    notes = ["A learner with several reasons counts under each. Every centre named here has a letter."]
    if PLACEHOLDER in facts[1][1]:
        notes.append(_STAND_IN)
    left = _left(desk, series, event, now)
    if left:
        facts.insert(3, ("Time to mend it", left))
        notes.append(_SINCE)
    desk.put(CHECK_REPORTED, f"{place}.html", page("Without a result to come", facts, grids, notes))


_SINCE = "It tells how things stood at that instant; what came after it is not in it."
_STAND_IN = f"{PLACEHOLDER.strip()} marks what nobody published; it is the desk's own stand-in."


def _left(desk: Desk, series: Series, event: str, now: datetime) -> str | None:
    """How long until the date of the checkpoint, in whole days of the London calendar, whatever the clocks do."""
    milestone = desk.catalogue.milestone(series, event, now) if event in EVENTS else None
    if milestone is None or now >= milestone.at:
        return None
    days = (milestone.at - now.astimezone(LONDON)).days
    return f"{days} day{'s' * (days != 1)} left" if days else "less than a day left"


def _when(desk: Desk, series: Series, event: str, now: datetime) -> str:
    milestone = desk.catalogue.milestone(series, event, now) if event in EVENTS else None
    return f"{TITLES[event]}, {milestone.text}" if milestone else TITLES[event]


# --- For centres -----------------------------------------------------------------------------------------------------


def _named(without: pl.DataFrame, names: pl.DataFrame, desk: Desk, series: Series) -> pl.DataFrame:
    """Adds `line`, the learner as the letter lists them: candidate number, what it is about, name as registered."""
    titles = desk.catalogue.options(series).select("option", "title")
    named = names.select("centre", "uci", pl.col("option").alias("registration"), "name")
    about = pl.concat_str("option", pl.lit("  "), "title").fill_null(pl.col("option"))
    return (
        without.join(named, on=["centre", "uci", "registration"], how="left", maintain_order="left")
        .join(titles, on="option", how="left", maintain_order="left")
        .with_columns(
            pl.concat_str(
                pl.lit("     "), "candidate", pl.lit("  "), pl.col("name").fill_null("").str.pad_end(40), pl.lit("  "),
                about,
            ).str.strip_chars_end().alias("line")
        )
    )  # fmt: skip


def _letters(desk: Desk, series: Series, event: str, now: datetime, named: pl.DataFrame, silent: Sequence[str]) -> None:
    """A letter to every centre concerned; a centre that had one for this event and is no longer concerned is told
    so."""
    of_centre = rows_by_centre(named)
    name = f"checkpoint-{series.id}-{event}.txt"
    had = {stored.key.split("/")[1] for stored in desk.store.list("outbox/") if stored.key.endswith(f"/{name}")}
    centres = sorted(of_centre.keys() | set(silent) | had)
    extended = desk.actions.extensions(centres)
    quiet = set(silent)
    for centre in centres:
        lines = _letter(desk, series, event, now, centre, of_centre.get(centre), centre in quiet, extended)
        desk.put(LETTER_OUT, f"outbox/{centre}/{name}", ("\n".join(lines) + "\n").encode())


def _letter(
    desk: Desk,
    series: Series,
    event: str,
    now: datetime,
    centre: str,
    mine: pl.DataFrame | None,
    quiet: bool,
    extended: Extensions,
) -> Iterator[str]:
    yield f"CHECKPOINT {series.title} ({series.key}): {_when(desk, series, event, now)}"
    left = _left(desk, series, event, now)
    yield f"to centre {title(desk, centre)}, as of {instant_text(now)}{f': {left}' if left else ''}"
    if left:
        yield _SINCE
    yield ""
    if quiet:
        yield from _wrapped(
            "No file of this series has reached us from your centre, though you sent files a year ago (OPS-2).", 0
        )
        yield from _wrapped("To do: Send your entries. If you have nobody to enter, tell us, and we stop asking.", 3)
        yield from _wrapped(f"By:    {by_when(desk, checkpoints.NAME_REFUSED, series, now, centre, extended)}.", 3)
        yield ""
    if mine is None:
        if not quiet:
            yield from _wrapped("Nobody at your centre would be without a result any more. Nothing to do.", 0)
        return
    count = mine["candidate"].n_unique()
    yield from _wrapped(
        f"{count} {'learner' if count == 1 else 'learners'} at your centre would get no result on results day. Why, "
        f"what to do and by when (OPS-1):",
        0,
    )
    parts = {str(part["code"][0]): part for part in mine.partition_by("code", maintain_order=True)}
    for number, (code, reason) in enumerate(((code, REASONS[code]) for code in REASONS if code in parts), 1):
        yield ""
        yield from textwrap.wrap(
            f"{number:>3}. {reason.words[:1].upper()}{reason.words[1:]}. ({reason.rule}, {code})",
            WIDTH, subsequent_indent="     ", break_on_hyphens=False,
        )  # fmt: skip
        yield from _wrapped(f"To do: {reason.remedy}", 5)
        yield from _wrapped(f"By:    {by_when(desk, reason, series, now, centre, extended)}.", 5)
        yield ""
        yield from parts[code]["line"]


def _wrapped(words: str, indent: int) -> list[str]:
    hanging = 7 if words.startswith(("To do: ", "By:    ")) else 0
    return textwrap.wrap(
        words, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + hanging), break_on_hyphens=False
    )


def by_when(desk: Desk, reason: Reason, series: Series, now: datetime, centre: str, extended: Extensions) -> str:
    """Until when the centre can put it right itself, by the calendar in force at `now` and its extension (CAL-2,
    CAL-3); after that, who still can. A claim can still be made online in the late window (CRT-1)."""
    milestone = desk.catalogue.milestone(series, reason.event, now)
    due = deadline(series, reason.event, now, desk.catalogue, centre, extended)
    if milestone and due and now < due.at:
        if due.at > milestone.at:
            return f"{_last_day(due.at)}, as extended for your centre"
        return milestone.text
    opens, closes = (
        desk.catalogue.milestone(series, event, now) for event in ("late_claims_open", "late_claims_close")
    )
    if reason is checkpoints.NO_CASH_IN and opens and closes and now < closes.at:
        return f"{closes.text}, in the late claim window from {opens.text} on, and only online (CRT-1)"
    return _STAFF


def _last_day(end: datetime) -> str:
    """The last day before `end`, in London."""
    return day_text((end - timedelta(microseconds=1)).astimezone(LONDON).date())
