"""From files as read to decisions: what is accepted, what is refused and why, what changes, what it costs.

Files are decided in rounds, at most one file of a centre in each, all of a round at once in columns: the order of one
centre's files matters, the order of centres does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from enum import StrEnum

import polars as pl
from attrs import asdict, evolve, field, frozen

from parsers.columns import Columns, columns
from parsers.feed import COMPLETE
from parsers.findings import Finding, Found, Reach
from parsers.gathered import Gathered
from parsers.layouts import CANDIDATE, MARK
from parsers.reader import Submission
from rules import certification, complete, entries, files, identity, marks, registration, terms
from rules import findings as f
from rules.cards import Card, cards
from rules.catalogue import Catalogue, Series
from rules.changes import Change, Changes, by_file, changes
from rules.deadlines import NONE
from rules.frames import HOLDINGS
from rules.known import Arrival, Known
from rules.rounds import Round


class Outcome(StrEnum):
    """What became of a file (FIL-1)."""

    ACCEPTED = terms.ACCEPTED
    WITH_WARNINGS = terms.WITH_WARNINGS
    PARTLY = terms.PARTLY
    REFUSED = terms.REFUSED
    REPEATED = terms.REPEATED
    QUARANTINED = terms.QUARANTINED
    WAITING = terms.WAITING
    """Not decided in this round: another file of it speaks of the same learner and comes first (REG-7)."""

    @property
    def booked(self) -> bool:
        """Whether something of the file was applied."""
        return self in (Outcome.ACCEPTED, Outcome.WITH_WARNINGS, Outcome.PARTLY)


@frozen(kw_only=True)
class Decision(Change):
    """What is decided about one file, and what it changes.

    `causes`: the findings by cause, with all their places. `cards`: what is said of the candidates in doubt. Of a file
    of marks: `marks`, what is to be booked (`rules.marks.GOOD`), and `mark_counts`, how many `marks` it holds and how
    many of them are `new`, `replaced`, `unchanged` and `refused`; empty for other files. `complete`: components whose
    marks it says are complete (`rules.complete.COMPLETE`). `centre_name`: the
    sender's by the register at receipt, or empty (REG-10).
    """

    outcome: Outcome
    findings: tuple[Finding, ...]
    causes: tuple[Gathered, ...] = ()
    cards: tuple[Card, ...] = ()
    series: Series | None = None
    marks: pl.DataFrame = field(repr=False, factory=lambda: pl.DataFrame(schema=marks.GOOD))
    mark_counts: Mapping[str, int] = field(factory=dict)
    complete: pl.DataFrame = field(repr=False, factory=lambda: pl.DataFrame(schema=complete.COMPLETE))
    centre_name: str = ""

    @property
    def booked(self) -> bool:
        """Whether the file counts as sent, with the number it has: something of it was applied (FIL-8)."""
        said_nothing = any(finding.code == f.FILE_SAYS_NOTHING.name for finding in self.findings)
        return self.outcome.booked and not said_nothing


def decide(arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known) -> list[Decision]:
    """Decides one round: files of different centres, each by what `known` holds about its centre and by the edition of
    the catalogue in force at its receipt (CAL-2). One decision a file; of a file that has to wait for another of the
    round, that it waits."""
    by_edition: dict[date, list[int]] = {}
    for index, arrival in enumerate(arrivals):
        by_edition.setdefault(catalogue.edition(arrival.received).in_force_from, []).append(index)
    decided: dict[int, Decision] = {}
    spoken_of = pl.Series(dtype=pl.String)
    # In the order of receipt: who speaks of a learner first is decided first.
    for _, indexes in sorted(by_edition.items()):
        its = [arrivals[index] for index in indexes]
        edition = catalogue.edition(its[0].received)
        decisions, names = _decide(its, catalogue.in_edition(edition), known, spoken_of)
        decided |= zip(indexes, decisions, strict=True)
        if len(by_edition) > 1:
            spoken_of = pl.concat([spoken_of, names])
    return [
        evolve(decided[index], centre_name=known.register.name(arrival.centre, arrival.received))
        for index, arrival in enumerate(arrivals)
    ]


def _decide(
    arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known, spoken_of: pl.Series
) -> tuple[list[Decision], pl.Series]:
    """Decides files of one edition; returns the names of those they speak of too (`identity.names`). `spoken_of`: those
    of files decided before in this round."""
    current = _headers(arrivals, catalogue, known)
    read = _candidates(current)
    own = Columns(current.of_the_sender(read.records), current.of_the_sender(read.options))
    corrected = identity.corrected_ucis(_registering(own.records, current), known.registrations)
    names = identity.names(read.records, corrected)
    late = identity.meets_another(names, arrivals, spoken_of)
    if corrected.height and len(arrivals) > 1:
        late |= frozenset(current.of_marks)
    if late:
        stay = [index for index in range(len(arrivals)) if index not in late]
        its = _decide([arrivals[index] for index in stay], catalogue, known, spoken_of)[0] if stay else []
        decided = dict(zip(stay, its, strict=True))
        return [decided.get(index, WAITS) for index in range(len(arrivals))], names["name"]
    current = evolve(
        current, known=known.corrected(dict(corrected.select("old", "uci").iter_rows())), corrected=corrected
    )
    options = _judge(own, current)
    judged = _judge_marks(current)
    said = complete.said_complete(current)
    decisions = _decisions(current, changes(current, read.records, options), judged, by_file(said))
    return [
        evolve(decision, cards=cards(index, own.records, current.known.registrations, current.found))
        if decision.outcome is not Outcome.REPEATED
        else decision
        for index, decision in enumerate(decisions)
    ], names["name"]


def _registering(records: pl.DataFrame, current: Round) -> pl.DataFrame:
    """The records of registration series."""
    files = [file for file, series in current.series.items() if series.purpose == terms.REGISTRATION]
    return records.filter(pl.col("file").is_in(files))


def _headers(arrivals: Sequence[Arrival], catalogue: Catalogue, known: Known) -> Round:
    """The files as a round, each judged by what its name and headers say."""
    found = Found([arrival.submission.named for arrival in arrivals])
    series_by_file: dict[int, Series] = {}
    earlier = files.by_stream(known.files)
    for index, arrival in enumerate(arrivals):
        found.carry(index, arrival.submission.findings)
        files.one_centre_speaks(index, arrival, found)
        files.taken_here(index, arrival.submission, found)
        files.not_from_the_future(index, arrival.submission, arrival.received, found)
        series = files.series_of(index, arrival.submission, catalogue, found)
        if series is None:
            continue
        series_by_file[index] = series
        if files.says_nothing(index, arrival.submission, found):
            continue
        stream = earlier.get((arrival.centre, series.awarding_body, series.key), ())
        files.repeats_and_sequence(index, arrival, series, stream, found)
        if files.changes_entries(arrival.submission):
            files.window_open(index, arrival, series, catalogue, known.extensions, found)
    return Round(arrivals=arrivals, series=series_by_file, catalogue=catalogue, known=known, found=found)


def check(
    arrival: Arrival, catalogue: Catalogue, *, window: bool, progress: Callable[[int], object] | None = None
) -> tuple[Finding, ...]:
    """What can be found in one file without a ledger: form, identity, catalogue and, if `window`, the calendar at
    receipt. `progress` is told how many records are read."""
    return checked(arrival, catalogue, window=window, progress=progress)[0].of(0)


def checked(
    arrival: Arrival, catalogue: Catalogue, *, window: bool, progress: Callable[[int], object] | None = None
) -> tuple[Found, tuple[Card, ...], int]:
    """The same as they were found, the cards of candidates in doubt, and how many options were read, each once."""
    found = Found([arrival.submission.named])
    found.carry(0, arrival.submission.findings)
    series = files.series_of(0, arrival.submission, catalogue, found)
    if files.says_nothing(0, arrival.submission, found):
        return found, (), 0
    if series and window:
        files.window_open(0, arrival, series, catalogue, NONE, found)
    of_file = {0: series} if series else {}
    current = Round(arrivals=[arrival], series=of_file, catalogue=catalogue, known=Known.nothing(), found=found)
    read = _candidates(current, progress)
    _judge(read, current, by_ledger=False)
    options = read.options.select("candidate", "uci", "option").n_unique()
    return found, cards(0, read.records, current.known.registrations, found), options


def _candidates(current: Round, progress: Callable[[int], object] | None = None) -> Columns:
    """The candidate records of every entry and amendment file and the rows of every feed, with the series they are for
    as `series` (its id). An option's `action` is `enter`, or in feeds also `withdraw`."""
    submissions = current.submissions
    read = entries.records_once_each(columns(submissions, CANDIDATE, current.found, progress), current.found)
    read = _in_force(_with_feeds(read, submissions), current)
    centres = read.records.select("file", "line", "centre")
    options = read.options.join(centres, on=["file", "line"], how="left", maintain_order="left")
    records = current.with_series(read.records)
    files.records_of_their_centre(records, submissions, current.found)
    return Columns(records, current.with_series(options))


def _in_force(read: Columns, current: Round) -> Columns:
    """REG-8: the same with the UCI in force as `uci`, and as `uci_said` the one that stands there."""
    ucis = current.known.ucis(read.records["uci"].unique().to_list())
    led = dict(ucis.select("uci", "in_force").iter_rows())
    both = [
        frame.with_columns(pl.col("uci").alias("uci_said"), pl.col("uci").replace(led))
        for frame in (read.records, read.options)
    ]
    return Columns(*both)


def _with_feeds(read: Columns, submissions: Sequence[Submission]) -> Columns:
    """The rows of feeds as records without personal details, and as options."""
    feeds = [
        submission.feed.filter(pl.col("action") != COMPLETE).with_columns(pl.lit(index, pl.UInt32).alias("file"))
        for index, submission in enumerate(submissions)
        if submission.feed is not None
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


def _judge(read: Columns, current: Round, *, by_ledger: bool = True) -> pl.DataFrame:
    """Every rule about candidates and their options; unless `by_ledger`, those that need no ledger. Returns the options
    that are in the catalogue, with what it says of them, each once."""
    people = _judge_identity(read, current)
    judged = []
    for series in set(current.series.values()):
        options = read.options.filter(pl.col("series") == series.id)
        options = entries.in_catalogue(options, series, current.catalogue, current.found)
        options = entries.once_each(options, current.found)
        entered = options.filter(pl.col("action") == "enter")
        entries.offered(entered, series, current.found)
        if by_ledger:
            registration.approved(entered, current.arrivals, current.known.register, current.found)
        if by_ledger and series.purpose == terms.ENTRY:
            _judge_entries(people.filter(pl.col("series") == series.id), options, series, current)
        elif by_ledger:
            identity.on_record(entered, read.records, current.known.registrations, current.found)
        judged.append(options)
    _judge_ulns(read.records, current)
    return pl.concat(judged) if judged else read.options.clear().with_columns(kind=pl.lit(None, pl.String))


def _adding(options: pl.DataFrame, held: pl.DataFrame, current: Round) -> pl.DataFrame:
    """REG-8: what is entered, but for the one claim, by portal or staff, of a learner who was merged: it is for what
    came under every number. `held`: what a centre's candidates hold."""
    entered = options.filter(pl.col("action") == "enter")
    online = [index for index, arrival in enumerate(current.arrivals) if arrival.channel != terms.EDI]
    cash_ins = [whole.cash_in_code for whole in current.catalogue.qualifications]
    claims = entered.filter(pl.col("file").is_in(online), pl.col("option").is_in(cash_ins))
    first = claims.join(held, on=["centre", "series", "uci", "option"], how="anti")
    return entered.join(first, on=["file", "line", "option"], how="anti")


def _judge_identity(read: Columns, current: Round) -> pl.DataFrame:
    """The rules about who a learner is: they compare records with each other and with what the ledger holds. Returns
    the records without those that are of somebody else than the registration."""
    records, known, found = read.records, current.known, current.found
    key = ["centre", "series", "candidate", "uci", "option"]
    held = pl.concat([known.registrations.select(key), known.entries.select(key)])
    entered = _adding(read.options, held, current)
    registration.one_uci_one_number(registration.identified(records), held, found, entered)
    identity.records_agree(records, found)
    identity.private(records, found)
    identity.of_usual_age(records, found)
    identity.replaced(records, known.registrations, found)
    others = identity.one_person_here(records, known.registrations, found)
    records = records.join(others, on=["file", "candidate"], how="anti", maintain_order="left")
    people = known.people(records["uci"].unique().to_list())
    identity.one_person_elsewhere(records, known.registrations, people, found)
    old = [*current.corrected["old"], *current.corrected["uci"]]
    if old:
        identity.correctable(current.corrected, records, known.people(old), known.taking(old), found)
    return records


def _judge_ulns(records: pl.DataFrame, current: Round) -> None:
    """REG-4, once everything else is judged: who is refused keeps the ULN held."""
    found = current.found
    stated = identity.with_details(_registering(records, current))
    moving = stated.join(found.refused_candidates(), on=["file", "candidate"], how="anti")
    ulns = records.filter(pl.col("uln") != "")["uln"].unique().to_list()
    registration.one_uln_one_uci(registration.numbered(records), current.known.learners(ulns), found, moving)


def _judge_entries(records: pl.DataFrame, options: pl.DataFrame, series: Series, current: Round) -> None:
    """The rules about entries for an exam series that look at what learners have been registered and entered for, have
    sat and have been given."""
    known, catalogue, found = current.known, current.catalogue, current.found
    certification.awarded_already(options, known.issued, found)
    certification.result_out(options, known.final, found)
    registration.registered(options.filter(pl.col("action") == "enter"), known.registrations, found)
    registration.same_name(records, known.registrations, found)
    identity.same_details(records, known.registrations, found)
    # Knowing a UCI does not make the learner the sender's: sittings are told of the sender's own learners only.
    key = ["centre", "uci"]
    learners = pl.concat([known.registrations.select(key), known.entries.select(key)]).unique()
    own = options.join(learners, on=key, how="semi", maintain_order="left")
    entered = own.filter(pl.col("action") == "enter")
    over = entries.results_out(current.arrivals, known.sittings, catalogue)
    held = known.sittings.select(*HOLDINGS)
    entries.once_in_a_series(entered, pl.concat([held, known.claims]), found)
    entries.sitting_limits(entered, known.sittings, known.allowances, over, found)
    stated = entries.stated(own, current.arrivals, known.entries, series, catalogue)
    # FIL-4: whoever has an unknown code may have meant what seems to be missing.
    unknown = found.refused_for(f.OPTION_UNKNOWN)
    stated = stated.join(unknown, on=["file", "candidate"], how="anti", maintain_order="left")
    entries.terminal_rule(stated, known.sittings, series, catalogue, found)
    entries.practice_is_told(stated, known.sittings, series, catalogue, found)


def _judge_marks(current: Round) -> marks.JudgedMarks:
    """Every rule about the marks in files of marks."""
    known, found = current.known, current.found
    records = columns(current.submissions, MARK, found).records
    files.records_of_their_centre(records, current.submissions, found, MARK)
    records = current.with_series(current.of_the_sender(records)).filter(pl.col("series").is_not_null())
    said = records.select("file", "line", pl.col("uci").alias("uci_said"))
    led = known.ucis(said["uci_said"].unique().to_list())
    records = records.with_columns(pl.col("uci").replace(dict(led.select("uci", "in_force").iter_rows())))
    series = {index: current.series[index] for index in current.of_marks if index in current.series}
    due = marks.deadlines(records, current.arrivals, series, current.catalogue, known.windows, known.extensions)
    parts = marks.components(current.catalogue, set(series.values()))
    judged = marks.judge(records, known.marked, known.entries, parts, due, found, final=known.final)
    marks.after_the_draw(judged.good, known.sampled, found)
    good = judged.good.join(said, on=["file", "line"], maintain_order="left").with_columns(uci=pl.col("uci_said"))
    return evolve(judged, good=good.select(*marks.GOOD))


# --- What follows ----------------------------------------------------------------------------------------------------


def _decisions(
    current: Round, changed: Changes, judged: marks.JudgedMarks, said: Mapping[int, pl.DataFrame]
) -> list[Decision]:
    """Gives each file its outcome, and what it changes. `said`: by file, what it says is complete."""
    marks_by_file = by_file(judged.good.filter(pl.col("file").is_in(changed.standing)))
    marks_counted = {
        index: judged.counts(index, _records(current.arrivals[index]))
        for index in current.of_marks
        if index in changed.standing
    }
    no_marks, nothing_said = pl.DataFrame(schema=marks.GOOD), pl.DataFrame(schema=complete.COMPLETE)
    decisions = []
    for index in range(len(current.arrivals)):
        change, counted = changed.of(index), marks_counted.get(index, {})
        taken = counted["marks"] - counted["refused"] if counted else change.applied
        outcome = _outcome(index, current.found, taken)
        findings, causes = current.found.of(index), current.found.gathered(index)
        if outcome is Outcome.REFUSED:
            # Nobody looks at a file that is refused.
            findings = tuple(finding for finding in findings if finding.reach is not Reach.HOLD)
            causes = tuple(cause for cause in causes if cause.reach is not Reach.HOLD)
        if outcome is Outcome.REPEATED:
            repeated = tuple(finding for finding in findings if finding.code == f.ALREADY_PROCESSED.name)
            decisions.append(nothing_done(outcome, repeated, current.series[index]))
            continue
        decisions.append(
            Decision(
                outcome=outcome,
                findings=findings,
                causes=causes,
                series=current.series.get(index),
                marks=marks_by_file.get(index, no_marks),
                mark_counts=counted,
                complete=said.get(index, nothing_said),
                **asdict(change, recurse=False),
            )
        )
    return decisions


def _records(arrival: Arrival) -> int:
    """How many detail records a file holds."""
    return sum(len(centre.lines) for centre in arrival.submission.centres)


def nothing_done(outcome: Outcome, findings: tuple[Finding, ...], series: Series | None = None) -> Decision:
    """The decision about a file of which nothing is applied."""
    found = Found([""])
    found.carry(0, findings)
    return Decision(outcome=outcome, findings=findings, causes=found.gathered(0), series=series)


WAITS = nothing_done(Outcome.WAITING, ())
"""What is decided about a file that waits for another of its round."""


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


# --- What is said ----------------------------------------------------------------------------------------------------

WHATEVER_IT_SAYS = tuple(
    code.name for code in (f.OTHER_CENTRE, f.FILE_DIRECTION, f.WINDOW_NOT_OPEN, f.WINDOW_CLOSED, f.CLAIM_WINDOW)
)
"""Findings that refuse a file whatever stands in it, the strongest first: no other file of its kind would be taken."""


def decisive(causes: Sequence[Gathered]) -> tuple[Gathered, ...]:
    """FIL-1: of the causes found in a file those that decide about it, which are told: what is wrong in a file that is
    refused or held as a whole only follows, or makes no difference."""
    for name in WHATEVER_IT_SAYS:
        if alone := tuple(cause for cause in causes if cause.code == name):
            return alone
    for reach in (Reach.FILE, Reach.HOLD):
        if deciding := tuple(cause for cause in causes if cause.reach is reach):
            return deciding
    return tuple(causes)
