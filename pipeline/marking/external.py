"""The board's own marking of external components (MRK-1), and learners who have no mark yet (MRK-3).

Every step can die and be run again: a mark that is already held makes no new version.
"""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Iterator, Mapping
from datetime import datetime

import polars as pl
from attrs import frozen

from infra.ledger.corrections import Subject
from parsers import forms
from parsers.findings import Found
from parsers.reply import encode
from parsers.table import CODE, FeedLayout, Rows, Wrong
from pipeline.arrived import correction_opened, final, mark_in_words
from pipeline.desk import Desk
from pipeline.feeds import OURS, BoardFeed, FeedFile, failed_note, report, take_feed
from pipeline.journal import journaled
from pipeline.register import title
from pipeline.report_page import Grid, csv_bytes, page
from pipeline.steps import EXTERNAL_BOOKED, MISSING_LISTED
from pipeline.wording import WIDTH
from rules import findings as f
from rules import marks
from rules.calendar import LONDON, PLACEHOLDER, Series, instant_text
from rules.deadlines import Deadline, deadline

log = logging.getLogger(__name__)

MANY = 1_000
"""From this many marks in one delivery the ledger's statistics are renewed."""


@frozen(kw_only=True)
class Taken:
    """What was taken in of the board's own marking, in counts: nothing in it is personal data."""

    files: int = 0
    booked: int = 0
    refused: int = 0
    failed: int = 0
    kept_out: str = ""

    def note(self) -> str:
        """The counts in a line, for the run's note and the log."""
        return self.kept_out or (
            f"{self.files} files of external marks taken: {self.booked} marks booked, {self.refused} refused."
            f"{failed_note(self.failed)}"
        )


# --- The board's own marking -----------------------------------------------------------------------------------------


@journaled
def take_external(desk: Desk, now: datetime) -> Taken:
    """MRK-1: takes the files of the board's own marking that have settled at `now` (aware). Each is archived before it
    is read, booked in one transaction and answered by a report. Does nothing while another run is active."""
    done = take_feed(desk, EXTERNAL_MARKS, now)
    booked = sum(file.counts["new"] + file.counts["replaced"] for file in done.results)
    refused = sum(file.counts["refused"] for file in done.results)
    taken = Taken(files=done.files, booked=booked, refused=refused, failed=done.failed, kept_out=done.kept_out)
    if booked >= MANY:
        desk.ledger.analyze()
    log.info("%s", taken.note())
    return taken


@frozen
class _Booked:
    """What became of the marks of a file, in counts, and whether the same file had been booked before."""

    counts: Mapping[str, int]
    again: bool = False
    corrections: tuple[str, ...] = ()


def _book(desk: Desk, file: FeedFile, rows: Rows, found: Found) -> _Booked:
    """Judges and books the marks of a file."""
    rows = _readable(desk, rows, found)
    records = _records(rows.table)
    series = [each for each in desk.catalogue.all_series() if each.id in set(records["series"])]
    centres = records["centre"].unique().to_list()
    book = desk.marks
    ids = [each.id for each in series]
    judged = marks.judge(
        desk.learners.led(records),
        book.newest(centres, ids),
        book.entered(centres, ids),
        marks.components(desk.catalogue, series),
        pl.DataFrame(schema=marks.DEADLINES),
        found,
        external=True,
        final=final(desk, centres, ids),
    )
    counts = judged.counts(0, records.height)
    # What comes in is filed under the UCI it came with.
    good = judged.good.drop("uci").join(records.select("line", "uci"), on="line", maintain_order="left")
    good = good.select(*marks.GOOD)
    new, replaced = book.booked(file.sha256, file.received)
    # What a run that died booked from this landing is reported as that run would have reported it.
    again = book.holds(file.sha256) and (not new + replaced or desk.journal.has_taken(file.landing))
    if again:
        # Marks booked after this file are newer: the file may only fill in marks that are missing.
        good = good.filter(pl.col("version") == 1)
        counts |= {"replaced": 0, "unchanged": counts["unchanged"] + counts["replaced"]}
    elif new + replaced:
        counts |= {"new": new, "replaced": replaced, "unchanged": counts["unchanged"] - new - replaced}
    book.add(
        good.drop("file").with_columns(
            pl.lit(file.sha256).alias("source"), pl.lit(file.received.isoformat()).alias("received")
        )
    )
    EXTERNAL_BOOKED.passed()
    unread = rows.unread
    return _Booked(
        counts | {"marks": counts["marks"] + unread, "refused": counts["refused"] + unread},
        again,
        correction_opened(desk, EXTERNAL_MARKS.place, file, _for_issued(judged.issued)),
    )


def _for_issued(rows: pl.DataFrame) -> dict[str, list[Subject]]:
    """RES-7: the marks that came for results which are out, by series."""
    found: dict[str, list[Subject]] = {}
    for series, centre, candidate, component, mark, status in rows.iter_rows():
        given = mark_in_words(mark, status)
        found.setdefault(series, []).append(
            Subject(centre=centre, candidate=candidate, component=component, given=given)
        )
    return found


def _readable(desk: Desk, rows: Rows, found: Found) -> Rows:
    """The rows whose series, mark and status can be used; every other row is refused by itself."""
    known = [series.id for series in desk.catalogue.all_series()]
    return rows.without(
        found,
        Wrong("series", ~pl.col("series").is_in(known), _SERIES),
        *(
            Wrong(name, ~pl.col(name).str.contains(f"^(?:{form.pattern})$"), form.words)
            for name, form in _FORMS.items()
        ),
        Wrong("mark", ~pl.col("mark").str.contains("^[0-9]{0,3}$"), _MARK),
        Wrong("status", ~pl.col("status").is_in(["", "A", "N"]), _STATUS),
    )


def _records(table: pl.DataFrame) -> pl.DataFrame:
    """The rows of a file in the shape the rules take marks in."""
    return table.with_columns(
        pl.lit(0, pl.UInt32).alias("file"),
        pl.col("mark").cast(pl.Int32, strict=False),
        pl.col("status").alias("mark_status"),
        *(pl.lit(None, pl.Int32).alias(f"task_{n}") for n in range(1, 9)),
    )


_FORMS = {"centre": forms.CENTRE, "candidate": forms.CANDIDATE_NUMBER, "uci": forms.UCI}
_SERIES = "year and month of an exam series, like 2024-06"
_MARK = "a raw mark, up to three digits, or blank"
_STATUS = "blank (marked), A (absent) or N (not yet available)"


def _report(desk: Desk, file: FeedFile, booked: _Booked, found: Found) -> bytes:
    said = ", ".join(f"{count} {'in the file' if what == 'marks' else what}" for what, count in booked.counts.items())
    again = ["  Again       this file was booked before: it replaces no mark"] if booked.again else []
    return report(EXTERNAL_MARKS.title, file, [f"  Marks       {said}", *again, *booked.corrections], found)


EXTERNAL_MARKS = BoardFeed(
    place="feeds/external-marks/",
    layout=FeedLayout(
        dict.fromkeys(("series", "centre", "candidate", "uci", "component", "mark", "status"), CODE), row=f.MARK_ROW
    ),
    example=[
        {"series": "2024-06", "centre": "64123", "candidate": "0001", "uci": "641230220001D", "component": "BEN03",
         "mark": "41", "status": ""},
    ],
    title="EXTERNAL MARKS",
    lock="marks",
    reports="reports/marks/",
    nothing=_Booked(dict.fromkeys(("marks", "new", "replaced", "unchanged", "refused"), 0)),
    take=_book,
    report=_report,
)  # fmt: skip


# --- What is missing -------------------------------------------------------------------------------------------------

_HELD = {"": "no mark", "N": "not yet available"}


@journaled
def missing_marks(desk: Desk, series: Series, now: datetime) -> int:
    """MRK-3: tells every centre which of its learners have no mark yet in an internal component they are entered for,
    in lists by name in its outbox. Staff get a report of totals without names. Returns how many marks are missing."""
    missing = desk.marks.missing(series.id)
    centres = missing.partition_by("centre", as_dict=True, maintain_order=True)
    extended = desk.actions.extensions([str(centre) for (centre,) in centres])
    for (centre,), mine in centres.items():
        due = {
            component: deadline(series, "marks_deadline", now, desk.catalogue, str(centre), extended, component)
            for component in mine["component"].unique(maintain_order=True)
        }
        # The day is in the name, so that the lists of other days are kept.
        key = f"outbox/{centre}/missing-marks-{series.id}-{now.astimezone(LONDON):%Y-%m-%d}"
        ends = {component: until.at.isoformat() if until else "" for component, until in due.items()}
        before = pl.col("component").replace_strict(ends, return_dtype=pl.String).alias("marks_before")
        table = mine.select("component", "candidate", "uci", "name", "status", before)
        desk.put(MISSING_LISTED, f"{key}.csv", csv_bytes(table))
        desk.put(MISSING_LISTED, f"{key}.txt", encode([*_list(desk, series, str(centre), mine, due, now)]))
    _totals(desk, series, missing, now)
    log.info("series %s: %d marks of %d centres are missing", series.id, missing.height, len(centres))
    return missing.height


def _list(
    desk: Desk, series: Series, centre: str, mine: pl.DataFrame, due: dict[str, Deadline | None], now: datetime
) -> Iterator[str]:
    yield f"MISSING MARKS  centre {title(desk, centre)}, {series.title}"
    yield f"  as of {instant_text(now)}"
    yield ""
    yield from textwrap.wrap(
        "These learners are entered for a component, but we hold no mark for them. Send their marks in a marks file "
        "(M). Give a learner who was absent the status A. Withdraw any learner who is not taking the component. "
        "(MRK-3)",
        WIDTH,
    )
    for component, until in due.items():
        part = desk.catalogue.component(component, now)
        yield ""
        yield f"{component} {part.title if part else ''}".rstrip()
        yield from textwrap.wrap(_until(until, now), WIDTH, initial_indent="  ", subsequent_indent="  ")
        of_it = mine.filter(pl.col("component") == component)
        for candidate, uci, name, status in of_it.select("candidate", "uci", "name", "status").iter_rows():
            yield f"  {candidate}  {uci:<13}  {_HELD[status]:<17}  {name}".rstrip()


def _until(until: Deadline | None, now: datetime) -> str:
    if until is None:
        return f"No deadline has been published.{PLACEHOLDER}"
    if now < until.at:
        return f"Send marks before {instant_text(until.at)} ({until.version})."
    return f"The deadline passed at {instant_text(until.at)} ({until.version}). Ask customer services for an extension."


def _totals(desk: Desk, series: Series, missing: pl.DataFrame, now: datetime) -> None:
    """The report for staff, as text, table and page: how many marks are missing from each component, without names."""
    counted = missing.group_by("component").agg(pl.len().alias("missing"), pl.col("centre").n_unique().alias("centres"))
    table = (
        desk.marks.expected(series.id)
        .join(counted, on="component", how="left", maintain_order="left")
        .with_columns(pl.col("missing", "centres").fill_null(0))
    )
    lines = [
        f"MISSING MARKS  {series.title}",
        f"  as of {instant_text(now)}",
        "",
        f"{'component':<12}{'entered':>9}{'missing':>9}{'centres':>9}",
        *(
            f"{component:<12}{entered:>9,}{lacking:>9,}{centres:>9,}"
            for component, entered, lacking, centres in table.iter_rows()
        ),
        f"{'all':<12}{table['entered'].sum():>9,}{missing.height:>9,}{missing['centre'].n_unique():>9,}",
    ]
    key = f"{EXTERNAL_MARKS.reports}{OURS}{series.id}-{now.astimezone(LONDON):%Y-%m-%d}"
    grid = Grid(title="By component", frame=table, numbers=("entered", "missing", "centres"))
    facts = [("Series", series.title), ("As of", instant_text(now)), ("Missing", f"{missing.height:,}")]
    desk.put(MISSING_LISTED, f"{key}.csv", csv_bytes(table))
    desk.put(MISSING_LISTED, f"{key}.html", page("Missing marks", facts, [grid]))
    desk.put(MISSING_LISTED, f"{key}.txt", encode(lines))
