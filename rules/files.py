"""Rules about whole files: who speaks (FIL-6), repeats and sequence (FIL-3), which series (FIL-2), when (ENT-2,
CAL-1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from parsers.causes import likeness
from parsers.feed import COMPLETE
from parsers.findings import Code, Found
from parsers.layouts import CANDIDATE, FILE_HEADER, FILE_TYPES, Layout
from parsers.reader import Submission
from parsers.writer import LINE_END
from rules import findings as f
from rules import terms
from rules.catalogue import LONDON, Catalogue, Series, day_text, instant_text
from rules.deadlines import Extensions, deadline
from rules.known import Arrival

BOOKED = ("E", "A")
"""File letters whose contents the desk books as entries; they share one numbering."""

RELEASABLE = frozenset({f.SECOND_ENTRY_FILE.name, f.SEQUENCE_OLD.name})
"""Findings that hold a file and that staff can set aside (FIL-3). A number belongs to one file only, so a number used
before is not among them, nor is what the desk cannot book or failed to read."""

MARKS = "M"
"""The letter of files of centre marks, which number themselves."""


def one_centre_speaks(file: int, arrival: Arrival, found: Found) -> None:
    """FIL-6: folder, name and headers name one centre."""
    submission, centre = arrival.submission, arrival.centre
    header = submission.header
    named = submission.name.centre if submission.name and submission.name.centre.isdigit() else centre
    # FIL-4: of a name that differs from a content of this centre that is told (NAME_HEADER), and refused.
    if named != centre and not (header and header.centre == centre and submission.misnamed("centre")):
        found.add(f.OTHER_CENTRE, value=named, file=file, where="the file name", centre=centre)
    elif header and header.distribution == "S" and header.centre != centre:
        line, place = (None, None) if submission.feed is not None else (1, FILE_HEADER["centre"].columns)
        found.add(f.OTHER_CENTRE, line, place, header.centre, file=file, where="the file header", centre=centre)
    numbers = list(dict.fromkeys(part.number for part in submission.centres))
    if len(submission.centres) > 1 and not submission.broken:
        told = (f"{len(numbers)} centres", _EACH_ALONE)
        if len(numbers) == 1:
            told = (f"{len(submission.centres)} parts, each with a centre header of {numbers[0]}", _ONE_HEADER)
        found.add(f.MANY_CENTRES, value=told[0], file=file, mend=told[1])


_EACH_ALONE = "Send one file for each centre, each from that centre's own account"
_ONE_HEADER = "Create the file again in your school software, with all candidates behind one centre header"


def records_of_their_centre(
    records: pl.DataFrame, submissions: Sequence[Submission], found: Found, layout: Layout = CANDIDATE
) -> None:
    """FIL-6: every record names the centre of the centre header above it. `records` are of `layout`."""
    spans = [
        {"file": index, "from": centre.lines[0], "to": centre.lines[-1], "centre_header": centre.number}
        for index, submission in enumerate(submissions)
        for centre in submission.centres
        # Where the headers disagree, that is said already.
        if centre.lines and not submission.disagrees("centre")
    ]
    schema = {"file": pl.UInt32, "from": pl.UInt32, "to": pl.UInt32, "centre_header": pl.String}
    # The nearest header above, not every pair of record and header: a file may hold thousands of centres.
    above = records.sort("line").join_asof(
        pl.DataFrame(spans, schema=schema).sort("from"),
        left_on="line",
        right_on="from",
        by="file",
        strategy="backward",
        check_sortedness=False,
    )
    strangers = (
        above.filter((pl.col("line") <= pl.col("to")) & (pl.col("centre") != pl.col("centre_header")))
        .sort("file", "line")
        .select("file", "line", "candidate", pl.col("centre").alias("value"), pl.col("centre_header").alias("centre"))
    )
    found.rows(f.RECORD_CENTRE, strangers, layout["centre"].columns, "centre")


def not_from_the_future(file: int, submission: Submission, received: datetime, found: Found) -> None:
    """FIL-4, ours: a file that was produced on a day after its receipt comes from a computer with a wrong date."""
    today = received.astimezone(LONDON).date()
    for centre in submission.centres:
        day = _day(centre.produced)
        if day and day > today:
            found.add(f.FILE_FROM_FUTURE, value=centre.produced, file=file, day=day_text(day))
            return


def _day(text: str) -> date | None:
    """DDMMYY as a day of this century; None where it is none."""
    try:
        return date(2000 + int(text[4:]), int(text[2:4]), int(text[:2])) if len(text) == 6 else None
    except ValueError:
        return None


def series_of(file: int, submission: Submission, catalogue: Catalogue, found: Found) -> Series | None:
    """FIL-2: the series the file is for; a finding when its header names none of ours."""
    header = submission.header
    if header is None:
        return None
    series = catalogue.series(header.series_key, header.awarding_body)
    told = submission.misnamed("awarding_body") or submission.disagrees("awarding_body", "series", "year")
    if series is None and not told:
        value = f"{header.awarding_body} {header.series_key}"
        place = (FILE_HEADER["awarding_body"].first, FILE_HEADER["year"].last)
        line, columns = (None, None) if submission.feed is not None else (1, place)
        found.add(f.STREAM_UNKNOWN, line, columns, value, file=file, streams=catalogue.known_series())
    return series


def enters(submission: Submission) -> bool:
    """Whether a submission makes entries: an entry or amendment file, or the desk's own feed."""
    return submission.feed is not None or (submission.type is not None and submission.type.letter in BOOKED)


def changes_entries(submission: Submission) -> bool:
    """Whether a submission makes entries, and does not only say that marks are complete (MOD-3)."""
    said = submission.feed
    return enters(submission) and (said is None or said.is_empty() or bool((said["action"] != COMPLETE).any()))


def marks(submission: Submission) -> bool:
    """Whether a submission is a file of centre marks."""
    return submission.type is not None and submission.type.letter == MARKS


def about_marks(submission: Submission) -> bool:
    """Whether a submission has centre marks, or says that they are complete (MOD-3)."""
    says = submission.feed is not None and not submission.feed.filter(pl.col("action") == "complete").is_empty()
    return says or marks(submission)


def taken_here(file: int, submission: Submission, found: Found) -> None:
    """FIL-1, FIL-2: a file of a kind the desk does not book is kept for a person, not thrown away; one of a kind that
    centres do not send is refused."""
    if submission.type is None:
        return
    if submission.type.sender != "centre":
        sent = ", ".join(f"{letter} {FILE_TYPES[letter].title}" for letter in (*BOOKED, MARKS))
        found.add(f.FILE_DIRECTION, value=submission.type.title, file=file, sent=sent)
    elif submission.type.letter not in (*BOOKED, MARKS):
        found.add(f.FILE_TYPE_HELD, value=submission.type.title, file=file)


def says_nothing(file: int, submission: Submission, found: Found) -> bool:
    """FIL-8: whether a file has no candidate, no option or no mark in it; a warning when it has not. Such a file uses
    up nothing. In an amendment, a candidate without options is withdrawn, which says something."""
    letter = submission.type.letter if submission.type else ""
    if letter not in (*BOOKED, MARKS) or not submission.readable:
        return False
    if not any(centre.details for centre in submission.centres):
        value, wanted = _WITHOUT[letter]
    elif letter == "E" and not any(_has_options(centre.details) for centre in submission.centres):
        if not _in_place(submission):
            return False
        value, wanted = "no candidate in it has an option", _WITHOUT[letter][1]
    else:
        return False
    found.add(f.FILE_SAYS_NOTHING, value=value, file=file, needed=wanted)
    return True


_WITHOUT = {
    "E": ("it holds no candidates", "candidates, each with the options to be entered"),
    "A": ("it holds no candidates", "every candidate whose entries change, with all options that are to stand"),
    "M": ("it holds no marks", "a record for every mark"),
}


def _has_options(details: bytes) -> bool:
    """Whether any of these candidate records has an option. Nearly always the first one does."""
    stride, first = CANDIDATE.width + len(LINE_END), CANDIDATE.slots[0].first - 1
    starts = range(0, len(details), stride)
    return any(details[start + first : start + CANDIDATE.width].strip() for start in starts)


def _in_place(submission: Submission) -> bool:
    """Whether what stands before the options stands where it belongs: else the options may only be elsewhere."""
    records = [record for centre in submission.centres[:_FEW] for record in centre.records[:_FEW]]
    return likeness(records[:_FEW], FILE_TYPES["E"]) > 0


_FEW = 12
"""Records of a file that are looked at."""
Earlier = Mapping[tuple[str, str, str], Sequence[Mapping[str, Any]]]


def by_stream(files: pl.DataFrame) -> Earlier:
    """Files that were booked or held (`rules.frames.FILES`), by centre, awarding body and series."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in files.iter_rows(named=True):
        found.setdefault((row["centre"], row["awarding_body"], row["series"]), []).append(row)
    return found


def repeats_and_sequence(
    file: int, arrival: Arrival, series: Series, earlier: Sequence[Mapping[str, Any]], found: Found
) -> None:
    """FIL-3: one E file, A files after it, numbers used once and in order; files of marks have numbers of their own,
    each used once. `earlier`: files of this centre, awarding body and series, as `by_stream` has them."""
    letter = arrival.submission.type.letter if arrival.submission.type else ""
    same = next((before for before in earlier if before["sha256"] == arrival.sha256), None)
    if same:
        found.add(f.ALREADY_PROCESSED, value=instant_text(same["received"]), file=file, reply=same["reply"])
    elif letter == MARKS:
        # A file of marks changes only what its own records name, so gaps in its numbers do not matter.
        _number_unused(file, arrival, series, [before for before in earlier if before["letter"] == MARKS], found)
    elif letter in BOOKED:
        _entries_in_sequence(file, arrival, series, [before for before in earlier if before["letter"] in BOOKED], found)
    # Feeds have no numbers, and what is held for a person is not counted.


def _entries_in_sequence(
    file: int, arrival: Arrival, series: Series, numbered: Sequence[Mapping[str, Any]], found: Found
) -> None:
    """FIL-3: an E file comes once and first, A files follow in the order of their numbers."""
    submission = arrival.submission
    letter, number = submission.type.letter if submission.type else "", submission.sequence
    last = _last(numbered)
    first = next((before for before in numbered if before["booked"] and before["letter"] == "E"), None)
    if letter == "A" and not first:
        found.add(f.AMENDMENT_FIRST, file=file, series=series.title)
    if not _number_unused(file, arrival, series, numbered, found):
        return
    if letter == "E" and first:
        value = f"number {first['sequence']:03d}, received {instant_text(first['received'])}"
        _hold(f.SECOND_ENTRY_FILE, file, arrival, found, value=value, series=series.title)
    elif number <= last:
        _hold(f.SEQUENCE_OLD, file, arrival, found, value=f"{number:03d}", series=series.title, last=last)
    elif number > last + 1 and last:
        first_of, last_of = f"{last + 1:03d}", f"{number - 1:03d}"
        missing, were = (first_of, "was") if first_of == last_of else (f"{first_of} to {last_of}", "were")
        facts: dict[str, Any] = {"last": last, "next": last + 1, "missing": missing, "were": were}
        found.add(f.SEQUENCE_GAP, value=f"{number:03d}", file=file, **facts)


def _number_unused(
    file: int, arrival: Arrival, series: Series, numbered: Sequence[Mapping[str, Any]], found: Found
) -> bool:
    """FIL-3: whether no file with this letter has had this number; a finding where one has. `numbered`: files that
    share one numbering."""
    letter = arrival.submission.type.letter if arrival.submission.type else ""
    number = arrival.submission.sequence
    used = next((before for before in numbered if (before["letter"], before["sequence"]) == (letter, number)), None)
    if used:
        earlier, following = instant_text(used["received"]), _last(numbered) + 1
        value = f"{number:03d}"
        found.add(f.NUMBER_REUSED, value=value, file=file, series=series.title, earlier=earlier, next=following)
    return used is None


def _last(numbered: Sequence[Mapping[str, Any]]) -> int:
    """The highest number among files that were booked; 0 before the first."""
    return max((before["sequence"] or 0 for before in numbered if before["booked"]), default=0)


def _hold(code: Code, file: int, arrival: Arrival, found: Found, **facts: Any) -> None:
    """Holds a file for a person, unless staff have released it."""
    if arrival.released:
        found.add(f.HELD_RELEASED, value=arrival.released, file=file)
    else:
        found.add(code, file=file, **facts)


def window_open(
    file: int, arrival: Arrival, series: Series, catalogue: Catalogue, extended: Extensions, found: Found
) -> None:
    """ENT-2, CAL-1 to CAL-3: entries and amendments are taken by file and from the portal while the series' window is
    open, by the calendar in force at receipt; from staff at any time once it has opened. CRT-1: claims are taken from
    the portal in the late certification window too."""
    if arrival.submission.disagrees("series", "year"):
        return  # which of the two it is meant for is not known
    received = arrival.received
    opens = deadline(series, "window_opens", received, catalogue, arrival.centre, extended)
    closes = deadline(series, "window_closes", received, catalogue, arrival.centre, extended)
    if opens is None or closes is None:
        return
    facts: dict[str, Any] = {
        "window": "the entry window" if series.purpose == terms.ENTRY else "the window",
        "series": series.title,
        "open": "" if arrival.submission.feed is not None else _open_now(series, received, catalogue),
        "opens": day_text(opens.day),
        "closes": day_text(closes.day),
        "version": closes.version,
    }
    if received < opens.at:
        found.add(f.WINDOW_NOT_OPEN, value=instant_text(received), file=file, **facts)
    elif received >= closes.at and arrival.channel != terms.STAFF:
        _after_the_window(file, arrival, series, catalogue, facts, found)


def _open_now(series: Series, received: datetime, catalogue: Catalogue) -> str:
    """FIL-4: which other series of this kind is open, in a sentence: the wrong one may have been chosen."""
    for other in catalogue.all_series(series.purpose):
        opens = catalogue.milestone(other, "window_opens", received)
        closes = catalogue.milestone(other, "window_closes", received)
        if other != series and opens and closes and opens.at <= received < closes.at:
            return f"If you meant {other.title} ({other.key}), which is open, choose that series in your software. "
    return ""


def _after_the_window(
    file: int, arrival: Arrival, series: Series, catalogue: Catalogue, facts: Mapping[str, Any], found: Found
) -> None:
    """CRT-1: in the late certification window claims from the portal are taken, nothing else."""
    received = arrival.received
    begins, ends = (catalogue.milestone(series, event, received) for event in ("late_claims_open", "late_claims_close"))
    said = " and ".join(milestone.text for milestone in (begins, ends) if milestone) or "never"
    if arrival.channel != terms.ONLINE or not only_claims(arrival.submission, catalogue):
        still = ends is not None and received < ends.at
        claims = f"Certification can still be claimed, online only, between {said} (CRT-1). " if still else ""
        found.add(f.WINDOW_CLOSED, value=instant_text(received), file=file, claims=claims, **facts)
    elif not (begins and ends and begins.at <= received < ends.at):
        found.add(f.CLAIM_WINDOW, value=instant_text(received), file=file, late=f"between {said}", **facts)


def only_claims(submission: Submission, catalogue: Catalogue) -> bool:
    """Whether a feed makes claims for certification and nothing else."""
    cash_ins = [qualification.cash_in_code for qualification in catalogue.qualifications]
    claims = pl.col("option").is_in(cash_ins) & (pl.col("action") == "enter")
    return submission.feed is not None and bool(submission.feed.select(claims.all()).item())
