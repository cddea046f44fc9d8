"""From files as read to decisions: what is accepted, what is refused and why, what changes, what it costs.

Files are decided in rounds, at most one file of a centre in each, all of a round at once in columns: the order of one
centre's files matters, the order of centres does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import polars as pl
from attrs import field, frozen

from parsers import findings as f
from parsers.columns import Columns, columns
from parsers.findings import Finding, Found, Reach
from parsers.layouts import CANDIDATE, MARK
from parsers.reader import Submission
from rules import certification, entries, fees, files, marks, registration
from rules.catalogue import LONDON, Band, Catalogue, Series, day_text, instant_text
from rules.deadlines import NONE, Extensions
from rules.known import Arrival, Known


class Outcome(StrEnum):
    """What became of a file (FIL-1)."""

    ACCEPTED = "accepted"
    WITH_WARNINGS = "accepted with warnings"
    PARTLY = "partly accepted"
    REFUSED = "refused"
    REPEATED = "already processed"
    QUARANTINED = "quarantined"

    @property
    def booked(self) -> bool:
        """Whether something of the file was applied."""
        return self in (Outcome.ACCEPTED, Outcome.WITH_WARNINGS, Outcome.PARTLY)


@frozen(kw_only=True)
class Decision:
    """What is decided about one file. Frames hold a row per option of a candidate:

    `added`: `line`, `candidate`, `name`, `born`, `sex`, `uci`, `upn`, `uln`, `option`, `kind`, `band`, `pence`,
    `entry_pence`, `placeholder`. `ended`: `id` (of the ledger), `candidate`, `option`, `refund` (pence, not
    negative). `kept` counts options that were held before and stay; `charges` is what the file costs.

    Of a file of marks: `marks`, what is to be booked (`rules.marks.GOOD`), and `mark_counts`, how many `marks` it
    holds and how many of them are `new`, `replaced`, `unchanged` and `refused`; empty for other files.
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    series: Series | None
    candidates: int
    candidates_refused: int
    options_refused: int
    kept: int
    added: pl.DataFrame = field(repr=False)
    ended: pl.DataFrame = field(repr=False)
    charges: tuple[fees.Charge, ...] = ()
    marks: pl.DataFrame = field(repr=False, factory=lambda: pl.DataFrame(schema=marks.GOOD))
    mark_counts: Mapping[str, int] = field(factory=dict)

    @property
    def pence(self) -> int:
        """What the file costs: charges less refunds, in pence (FEE-5)."""
        return sum(one.pence for one in self.charges)


ADDED = {
    "file": pl.UInt32,
    "line": pl.UInt32,
    "candidate": pl.String,
    "name": pl.String,
    "born": pl.Date,
    "sex": pl.String,
    "uci": pl.String,
    "upn": pl.String,
    "uln": pl.String,
    "option": pl.String,
    "kind": pl.String,
    "band": pl.String,
    "pence": pl.Int64,
    "entry_pence": pl.Int64,
    "placeholder": pl.Boolean,
}
ENDED = {"file": pl.UInt32, "id": pl.Int64, "candidate": pl.String, "option": pl.String, "refund": pl.Int64}


def decide(arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known) -> list[Decision]:
    """Decides one round: files of different centres, each by what `known` holds about its centre and by the edition of
    the catalogue in force at its receipt (CAL-2). One decision a file."""
    by_edition: dict[date, list[int]] = {}
    for index, arrival in enumerate(arrivals):
        by_edition.setdefault(catalogue.edition(arrival.received).in_force_from, []).append(index)
    decided: dict[int, Decision] = {}
    for indexes in by_edition.values():
        its = [arrivals[index] for index in indexes]
        edition = catalogue.edition(its[0].received)
        decided |= zip(indexes, _decide(its, catalogue.in_edition(edition), known), strict=True)
    return [decided[index] for index in range(len(arrivals))]


def _decide(arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known) -> list[Decision]:
    submissions = [one.submission for one in arrivals]
    found = Found([one.named for one in submissions])
    series_by_file: dict[int, Series] = {}
    earlier = files.by_stream(known.files)
    for index, arrival in enumerate(arrivals):
        found.carry(index, arrival.submission.findings)
        files.one_centre_speaks(index, arrival, found)
        files.taken_here(index, arrival.submission, found)
        series = files.series_of(index, arrival.submission, catalogue, found)
        if series is not None:
            series_by_file[index] = series
            its = earlier.get((arrival.centre, series.awarding_body, series.key), ())
            files.repeats_and_sequence(index, arrival, series, its, found)
            if files.enters(arrival.submission):
                files.window_open(index, arrival, series, catalogue, known.extensions, found)
    read = _candidates(submissions, series_by_file, found)
    files.records_of_their_centre(read.records, submissions, found)
    own = Columns(_of_the_sender(read.records, arrivals), _of_the_sender(read.options, arrivals))
    options = _judge(own, arrivals, series_by_file, catalogue, known, found)
    judged = _judge_marks(arrivals, series_by_file, catalogue, known, found)
    return _decisions(arrivals, series_by_file, read.records, options, judged, catalogue, known, found)


def _of_the_sender(rows: pl.DataFrame, arrivals: Sequence[Arrival]) -> pl.DataFrame:
    """FIL-6: the rows with a blank for the centre where it is not the sender's. Another centre may send in the same
    round, and a sender must not be told what the ledger holds about it."""
    senders = pl.DataFrame(
        {"file": range(len(arrivals)), "sender": [one.centre for one in arrivals]},
        schema={"file": pl.UInt32, "sender": pl.String},
    )
    known = rows.join(senders, on="file", how="left", maintain_order="left")
    own = pl.when(pl.col("centre") == pl.col("sender")).then("centre").otherwise(pl.lit(""))
    return known.with_columns(own.alias("centre")).select(rows.columns)


def check(
    arrival: Arrival, catalogue: Catalogue, *, window: bool, progress: Callable[[int], object] | None = None
) -> tuple[Finding, ...]:
    """What can be found in one file without a ledger: form, identity, catalogue and, if `window`, calendar and approval
    at receipt. `progress` is told of records read."""
    found = Found([arrival.submission.named])
    found.carry(0, arrival.submission.findings)
    series = files.series_of(0, arrival.submission, catalogue, found)
    if series and window:
        files.window_open(0, arrival, series, catalogue, NONE, found)
    by_file = {0: series} if series else {}
    read = _candidates([arrival.submission], by_file, found, progress)
    files.records_of_their_centre(read.records, [arrival.submission], found)
    _judge(read, [arrival], by_file, catalogue, None, found, dated=window)
    return found.of(0)


def _candidates(
    submissions: Sequence[Submission],
    series: Mapping[int, Series],
    found: Found,
    progress: Callable[[int], object] | None = None,
) -> Columns:
    """The candidate records of every entry and amendment file and the rows of every feed, with the series they are for
    as `series` (its id). An option's `action` is `enter`, or in feeds also `withdraw`."""
    read = _with_feeds(columns(submissions, CANDIDATE, found, progress), submissions)
    table = pl.DataFrame(
        {"file": list(series), "series": [one.id for one in series.values()]},
        schema={"file": pl.UInt32, "series": pl.String},
    )
    join = {"on": "file", "how": "left", "maintain_order": "left"}
    centres = read.records.select("file", "line", "centre")
    options = read.options.join(centres, on=["file", "line"], how="left", maintain_order="left")
    return Columns(read.records.join(table, **join), options.join(table, **join))  # type: ignore[arg-type]


def _with_feeds(read: Columns, submissions: Sequence[Submission]) -> Columns:
    """The rows of feeds as records without personal details, and as options."""
    feeds = [
        one.feed.with_columns(pl.lit(index, pl.UInt32).alias("file"))
        for index, one in enumerate(submissions)
        if one.feed is not None
    ]
    options = read.options.with_columns(pl.lit("enter").alias("action"))
    if not feeds:
        return Columns(read.records, options)
    rows = pl.concat(feeds)
    named = {name: pl.lit(None, kind) for name, kind in read.records.schema.items() if name not in rows.columns}
    placed = {name: pl.lit(None, kind) for name, kind in options.schema.items() if name not in rows.columns}
    records = rows.with_columns(**named).with_columns(pl.lit("").alias("uln")).select(read.records.columns)
    return Columns(
        pl.concat([read.records, records]), pl.concat([options, rows.with_columns(**placed).select(options.columns)])
    )


def _judge(
    read: Columns,
    arrivals: Sequence[Arrival],
    series_by_file: Mapping[int, Series],
    catalogue: Catalogue,
    known: Known | None,
    found: Found,
    *,
    dated: bool = True,
) -> pl.DataFrame:
    """Every rule about candidates and their options; without `known`, those that need no ledger; unless `dated`, those
    that need no receipt. Returns the options
    that are in the catalogue, with what it says of them, each once."""
    records = read.records
    held = known or Known.nothing()
    key = ["centre", "series", "candidate", "uci"]
    registration.one_uci_one_number(
        records, pl.concat([held.registrations.select(key), held.entries.select(key)]), found
    )
    ulns = records.filter(pl.col("uln") != "")["uln"].unique().to_list()
    registration.one_uln_one_uci(records, held.learners(ulns), found)
    judged = []
    for series in set(series_by_file.values()):
        options = read.options.filter(pl.col("series") == series.id)
        options = entries.in_catalogue(options, series, catalogue, found)
        options = entries.once_each(options, found)
        entered = options.filter(pl.col("action") == "enter")
        entries.offered(entered, series, found)
        if dated:
            registration.approved(entered, arrivals, catalogue, found)
        if known and series.purpose == "entry":
            certification.not_declined(options, known.issued, found)
            registration.registered(entered, known.registrations, found)
            registration.same_name(records.filter(pl.col("series") == series.id), known.registrations, found)
            # To know a UCI does not make a learner one's own: what was sat is told of the sender's learners only.
            key = ["centre", "uci"]
            learners = pl.concat([known.registrations.select(key), known.entries.select(key)]).unique()
            own = options.join(learners, on=key, how="semi", maintain_order="left")
            entered = own.filter(pl.col("action") == "enter")
            entries.sitting_limits(entered, known.sittings, known.allowances, found)
            stated = entries.stated(own, arrivals, known.entries, series, catalogue)
            entries.terminal_rule(stated, known.sittings, series, catalogue, found)
            entries.practice_is_told(stated, known.sittings, series, catalogue, found)
        judged.append(options)
    return pl.concat(judged) if judged else read.options.clear().with_columns(kind=pl.lit(None, pl.String))


def _judge_marks(
    arrivals: Sequence[Arrival],
    series_by_file: Mapping[int, Series],
    catalogue: Catalogue,
    known: Known,
    found: Found,
) -> marks.Judged:
    """Every rule about the marks in files of marks."""
    submissions = [one.submission for one in arrivals]
    records = columns(submissions, MARK, found).records
    files.records_of_their_centre(records, submissions, found, MARK)
    records = _of_the_sender(records, arrivals)
    of_files = {index: one for index, one in series_by_file.items() if files.marks(submissions[index])}
    table = pl.DataFrame(
        {"file": list(of_files), "series": [one.id for one in of_files.values()]},
        schema={"file": pl.UInt32, "series": pl.String},
    )
    records = records.join(table, on="file", maintain_order="left")
    due = marks.deadlines(records, arrivals, of_files, catalogue, known.windows, known.extensions)
    parts = marks.components(catalogue, set(of_files.values()))
    return marks.judge(records, known.marked, known.entries, parts, due, found)


# --- What follows ----------------------------------------------------------------------------------------------------


def _decisions(
    arrivals: Sequence[Arrival],
    series_by_file: Mapping[int, Series],
    records: pl.DataFrame,
    options: pl.DataFrame,
    judged: marks.Judged,
    catalogue: Catalogue,
    known: Known,
    found: Found,
) -> list[Decision]:
    """Applies what is not refused: an option not held before is added, a held one the candidate's records no longer
    name is ended (FIL-3), and each file gets its outcome."""
    stopping = {Reach.HOLD, Reach.FILE}
    standing = [
        index
        for index in series_by_file
        if not found.reaches(index) & stopping and not found.made(index, f.ALREADY_PROCESSED)
    ]
    candidates_in = records.select("file", "candidate").unique()
    refused = found.refused_candidates()
    accepted = candidates_in.join(refused, on=["file", "candidate"], how="anti").filter(pl.col("file").is_in(standing))
    stated = options.join(accepted, on=["file", "candidate"], how="semi", maintain_order="left")
    good = stated.join(found.refused_entries(), on=["file", "candidate", "option"], how="anti", maintain_order="left")
    # A candidate whose records name no option is applied too: that is a withdrawal.
    untouched = accepted.join(found.refused_entries(), on=["file", "candidate"], how="anti")
    held = _held(accepted, series_by_file, arrivals, known)
    key = ["file", "candidate", "option"]
    withdrawn = good.filter(pl.col("action") == "withdraw")
    good = good.filter(pl.col("action") == "enter")
    new = good.join(held, on=key, how="anti", maintain_order="left")
    # A file states all that its candidates hold, a feed only what changes.
    feeds = [index for index, one in enumerate(arrivals) if one.submission.feed is not None]
    ended = pl.concat([
        held.filter(~pl.col("file").is_in(feeds)).join(stated, on=key, how="anti", maintain_order="left"),
        held.join(withdrawn, on=key, how="semi", maintain_order="left"),
    ])  # fmt: skip
    ended = _undeclined(ended, records, known, found)
    not_held = withdrawn.join(held, on=key, how="anti", maintain_order="left")
    found.rows(f.NOT_HELD, not_held.select("file", "line", "candidate", pl.col("option").alias("value"), "option"))
    kept = good.join(held, on=key, how="semi")
    added = _priced(new, records, series_by_file, arrivals, catalogue, known)
    ended = _refunded(ended, series_by_file, arrivals, catalogue)
    _tell(added, ended, records, series_by_file, arrivals, catalogue, known.extensions, found)
    counts: dict[str, dict[int, int]] = {
        "candidates": _count(candidates_in),
        "refused": _count(refused.join(candidates_in, on=["file", "candidate"], how="semi")),
        "options_refused": _count(found.refused_entries().join(refused, on=["file", "candidate"], how="anti")),
        "kept": _count(kept),
        "applied": _count(pl.concat([good.select("file"), untouched.select("file")])),
    }
    added_by_file, ended_by_file, charges = _split(added), _split(ended), fees.charges(added, ended)
    # Shifted records are refused without being read, so they are not among the candidates.
    of_marks = [index for index, one in enumerate(arrivals) if files.marks(one.submission)]
    unread = _count(
        refused.filter(~pl.col("file").is_in(of_marks)).join(candidates_in, on=["file", "candidate"], how="anti")
    )
    marks_by_file = _split(judged.good.filter(pl.col("file").is_in(standing)))
    decisions = []
    for index in range(len(arrivals)):
        counted = judged.counts(index, _records(arrivals[index])) if index in of_marks and index in standing else {}
        taken = counted["marks"] - counted["refused"] if counted else counts["applied"].get(index, 0)
        outcome = _outcome(index, found, taken)
        if outcome is Outcome.REPEATED:
            repeated = tuple(one for one in found.of(index) if one.code == f.ALREADY_PROCESSED.name)
            decisions.append(nothing_done(outcome, repeated, series_by_file[index]))
            continue
        decisions.append(
            Decision(
                outcome=outcome,
                findings=found.of(index),
                series=series_by_file.get(index),
                candidates=counts["candidates"].get(index, 0) + unread.get(index, 0),
                candidates_refused=counts["refused"].get(index, 0) + unread.get(index, 0),
                options_refused=counts["options_refused"].get(index, 0),
                kept=counts["kept"].get(index, 0),
                added=added_by_file.get(index, pl.DataFrame(schema=ADDED)),
                ended=ended_by_file.get(index, pl.DataFrame(schema=ENDED)),
                charges=charges.get(index, ()),
                marks=marks_by_file.get(index, pl.DataFrame(schema=marks.GOOD)),
                mark_counts=counted,
            )
        )
    return decisions


def _records(arrival: Arrival) -> int:
    """How many detail records a file holds."""
    return sum(len(one.lines) for one in arrival.submission.centres)


def nothing_done(outcome: Outcome, findings: tuple[Finding, ...], series: Series | None = None) -> Decision:
    """The decision about a file of which nothing is applied."""
    return Decision(
        outcome=outcome,
        findings=findings,
        series=series,
        candidates=0,
        candidates_refused=0,
        options_refused=0,
        kept=0,
        added=pl.DataFrame(schema=ADDED),
        ended=pl.DataFrame(schema=ENDED),
    )


def _held(
    accepted: pl.DataFrame, series_by_file: Mapping[int, Series], arrivals: Sequence[Arrival], known: Known
) -> pl.DataFrame:
    """What the accepted candidates hold already in the file's series: `file`, `candidate`, `option`, `id`,
    `entry_pence`, `pence`."""
    where = pl.DataFrame(
        [(index, arrivals[index].centre, one.id) for index, one in series_by_file.items()],
        schema={"file": pl.UInt32, "centre": pl.String, "series": pl.String},
        orient="row",
    )
    free = {"pence": pl.lit(0, pl.Int64), "entry_pence": pl.lit(0, pl.Int64)}
    columns = ["id", "centre", "series", "candidate", "option", "pence", "entry_pence"]
    both = pl.concat([known.registrations.with_columns(**free).select(columns), known.entries.select(columns)])
    mine = accepted.join(where, on="file")
    return mine.join(both, on=["centre", "series", "candidate"]).select(
        "file", "candidate", "option", "id", "pence", "entry_pence"
    )


def _undeclined(ended: pl.DataFrame, records: pl.DataFrame, known: Known, found: Found) -> pl.DataFrame:
    """CRT-5: what ends, without the claims that files leave out though they have become results: these stay."""
    if known.issued.is_empty():
        return ended
    whose = records.group_by("file", "candidate").agg(pl.col("line", "centre", "series", "uci").first())
    claims = ended.join(whose, on=["file", "candidate"]).with_columns(pl.lit("withdraw").alias("action"))
    declined = certification.not_declined(claims, known.issued, found)
    return ended.join(declined, on=["file", "candidate", "option"], how="anti", maintain_order="left")


def _priced(
    new: pl.DataFrame,
    records: pl.DataFrame,
    series_by_file: Mapping[int, Series],
    arrivals: Sequence[Arrival],
    catalogue: Catalogue,
    known: Known,
) -> pl.DataFrame:
    """New options with the learner's details and their price (FEE-1, FEE-2, FEE-5)."""
    if not series_by_file or new.is_empty():
        return pl.DataFrame(schema=ADDED)
    bands = {index: _band(index, series_by_file, arrivals, catalogue, known) for index in series_by_file}
    exempt = {
        index: january
        for index, series in series_by_file.items()
        if (january := fees.exempt_from(series, arrivals[index].received, catalogue))
    }
    # Files received on one day have one tariff.
    days = {index: arrivals[index].received.astimezone(LONDON).date() for index in series_by_file}
    received = {days[index]: arrivals[index].received for index in series_by_file}
    tariff = pl.concat(
        fees.prices(band, received[day], catalogue).with_columns(pl.lit(day).alias("day"))
        for day in sorted(received)
        for band in sorted({"on_time", *(bands[index] for index in bands if days[index] == day)})
    )
    of_files = pl.DataFrame(
        {"file": list(bands), "own_band": list(bands.values()), "day": list(days.values())},
        schema={"file": pl.UInt32, "own_band": pl.String, "day": pl.Date},
    )
    spared = fees.january_sitters(new, exempt, known.sat, catalogue).with_columns(pl.lit("on_time").alias("spared"))
    people = records.select("file", "line", pl.col("kept").alias("name"), "born", "sex", "upn", "uln")
    return (
        new.join(of_files, on="file", maintain_order="left")
        .join(spared, on=["file", "uci", "registration"], how="left", maintain_order="left")
        .with_columns(pl.coalesce("spared", "own_band").alias("band"))
        .join(people, on=["file", "line"], maintain_order="left")
        .join(tariff, on=["day", "kind", "band"], maintain_order="left")
        .select(*ADDED)
    )


def _band(
    index: int, series: Mapping[int, Series], arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known
) -> Band:
    one = arrivals[index]
    return fees.band_of(series[index], one.received, catalogue, one.centre, known.extensions)


def _refunded(
    ended: pl.DataFrame, series_by_file: Mapping[int, Series], arrivals: Sequence[Arrival], catalogue: Catalogue
) -> pl.DataFrame:
    """Ended options with what comes back for them (FEE-4): the entry fee in time, never the surcharge."""
    paid_back = [i for i, one in series_by_file.items() if fees.refund_share(one, arrivals[i].received, catalogue)]
    refund = pl.when(pl.col("file").is_in(paid_back)).then(pl.min_horizontal("pence", "entry_pence")).otherwise(0)
    return ended.with_columns(refund.cast(pl.Int64).alias("refund")).select(*ENDED)


def _tell(
    added: pl.DataFrame,
    ended: pl.DataFrame,
    records: pl.DataFrame,
    series_by_file: Mapping[int, Series],
    arrivals: Sequence[Arrival],
    catalogue: Catalogue,
    extended: Extensions,
    found: Found,
) -> None:
    """The notes a centre wants beside the findings: what was withdrawn by omission, and why a late fee is charged."""
    lines = records.group_by("file", "candidate").agg(pl.col("line").min())
    # A feed says itself what it withdraws.
    files_only = [index for index, one in enumerate(arrivals) if one.submission.feed is None]
    withdrawn = (
        ended.filter(pl.col("file").is_in(files_only))
        .sort("file", "candidate", "option")
        .group_by("file", "candidate", maintain_order=True)
        .agg(pl.col("option").str.join(", ").alias("value"))
        .join(lines, on=["file", "candidate"], maintain_order="left")
    )
    found.rows(f.WITHDRAWN, withdrawn.select("file", "line", "candidate", "value"))
    for index in added.filter((pl.col("band") != "on_time") & (pl.col("pence") > 0))["file"].unique().sort():
        series, received = series_by_file[index], arrivals[index].received
        band = fees.band_of(series, received, catalogue, arrivals[index].centre, extended)
        deadline = catalogue.milestone(series, "on_time_deadline", received)
        if deadline:
            found.add(
                f.LATE_FEE,
                value=band.replace("_", " "),
                file=index,
                received=instant_text(received),
                why=fees.why(series, received, band, catalogue),
                deadline=day_text(deadline.day),
                version=deadline.version,
            )


def _outcome(index: int, found: Found, applied: int) -> Outcome:
    reaches = found.reaches(index)
    if found.made(index, f.ALREADY_PROCESSED):
        return Outcome.REPEATED
    if Reach.FILE in reaches:
        return Outcome.REFUSED
    if Reach.HOLD in reaches:
        return Outcome.QUARANTINED
    if reaches & {Reach.CANDIDATE, Reach.ENTRY, Reach.MARK}:
        return Outcome.PARTLY if applied else Outcome.REFUSED
    return Outcome.WITH_WARNINGS if Reach.WARNING in reaches else Outcome.ACCEPTED


def _count(frame: pl.DataFrame) -> dict[int, int]:
    return dict(frame.group_by("file").len().iter_rows())


def _split(frame: pl.DataFrame) -> dict[int, pl.DataFrame]:
    return {int(part["file"][0]): part for part in frame.partition_by("file", maintain_order=True)}
