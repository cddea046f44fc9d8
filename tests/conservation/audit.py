"""A played season against its truth: nothing lost, nothing doubled, and every result what it must be.

Everything expected is worked out from the season's truth in plain Python; of the desk only what came out of it is
asked: rows of the ledger, bytes of the store.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from functools import partial
from itertools import pairwise
from math import floor
from typing import Any

from attrs import field, frozen

from fixtures.season import JANUARY, JUNE, Event, Season
from fixtures.season.people import SUBJECTS, Subject
from fixtures.season.truth import Holding, Mark, Said
from infra.store import Store
from parsers.importers import in_words, remarks
from pipeline.demo.rehearsal import late_centre
from tests.conservation import slow_fees
from tests.conservation.play import Played
from tests.rules import slow_awarding

SUBJECT_OF = {one.cash_in: one for one in SUBJECTS}
KINDS = {
    **{one.registration: "registration" for one in SUBJECTS},
    **{code: "internal" for one in SUBJECTS for code in one.internal},
    **{one.external: "external" for one in SUBJECTS},
    **dict.fromkeys(SUBJECT_OF, "cash_in"),
}
SERIES_OF_STREAM = {"9B23": "2023-09", "1B24": JANUARY, "6B24": JUNE}


@frozen
class Balance:
    """What was counted, and what does not agree: sentences with identifiers, nothing personal."""

    counted: Mapping[str, int]
    wrong: tuple[str, ...] = field(repr=False)


def audit(played: Played, checks: Sequence[Check] | None = None) -> Balance:
    """Everything there is to check about a played season, or these."""
    counted: Counter[str] = Counter()
    wrong = [f"{check.__name__}: {what}" for check in checks or EVERY for what in check(played, counted)]
    return Balance(counted, tuple(wrong))


Check = Callable[[Played, Counter[str]], Iterator[str]]
Place = tuple[str, datetime]
"""What makes a landing: where, and when (UTC)."""


def _files(season: Season) -> dict[Place, Event]:
    """Everything that landed from outside, by place."""
    landed = {(one.name, one.at.astimezone(UTC)): one for one in season.events if one.kind in ("file", "portal")}
    assert len(landed) == sum(one.kind in ("file", "portal") for one in season.events)
    return landed


# --- Files and what they say -----------------------------------------------------------------------------------------


def replies(played: Played, counted: Counter[str]) -> Iterator[str]:
    """FIL-1: every file that landed is archived as it was, booked once, and has its one reply, which says what became
    of it; nothing waits, and no reply is about anything else."""
    store = played.desk.store
    landed = _files(played.season)
    rows = played.rows(
        "select s.landing_key, s.received, s.channel, s.centre, s.outcome, s.sha256, r.name, r.published, s.id "
        "from submissions s left join replies r on r.submission_id = s.id"
    )
    seen: Counter[Place] = Counter()
    names: set[str] = set()
    for key, received, channel, centre, outcome, sha256, name, published, number in rows:
        place = (str(key), received)
        place_of_reply = f"outbox/{centre}/{name}"
        if place_of_reply in names or not published:
            yield f"submission {number} has no reply of its own"
        names.add(place_of_reply)
        text = store.get(place_of_reply).decode("ascii")
        if f"Outcome     {str(outcome).upper()}" not in text or str(sha256) not in text:
            yield f"the reply to submission {number} does not say what became of it"
        if json.loads(store.get(f"{place_of_reply}.json"))["outcome"] != outcome:
            yield f"the twin of the reply to submission {number} says something else"
        if channel != "staff":
            seen[place] += 1
            yield from _landed(store, number, outcome, sha256, landed.get(place))
    yield from (f"{name} at {at} was booked {seen[name, at]} times" for name, at in landed if seen[name, at] != 1)
    out = {one.key for one in store.list("outbox/") if one.key.rpartition("/")[2].startswith("X")}
    if out != names | {f"{name}.json" for name in names}:
        yield f"{len(out ^ (names | {f'{name}.json' for name in names}))} replies about nothing, or missing"
    if [one.key for one in store.list("inbox/") if one.kind == "file"]:
        yield "something still waits"
    counted["files landed"] += len(landed)
    counted["replies"] += len(names)


def _landed(store: Store, number: object, outcome: object, sha256: object, event: Event | None) -> Iterator[str]:
    """What is wrong with a submission, seen from the event it came from."""
    if event is None:
        yield f"submission {number} never landed"
        return
    if outcome != event.outcome:
        yield f"submission {number}: {outcome}, not {event.outcome}"
    if sha256 != hashlib.sha256(event.data).hexdigest() or store.get(f"archive/{sha256}") != event.data:
        yield f"submission {number} is not in the archive as it was sent"


def said(played: Played, counted: Counter[str]) -> Iterator[str]:
    """FIL-3, FIL-5, MRK-2: each thing a file says is applied, repeated, withdrawn, or refused with its reason; never
    two of these and never none."""
    booked = _booked(played)
    refused = _refused(played)
    of_marks = _marks_by_file(played)
    ids = {
        (key, received): (number, sha256, counts or {})
        for number, key, received, sha256, counts in played.rows(
            "select id, landing_key, received, sha256, counts from submissions where channel <> 'staff'"
        )
    }
    for place, event in _files(played.season).items():
        if place not in ids:
            yield f"{event.name} was not decided"
            continue
        number, sha256, counts = ids[place]
        fates: dict[str, list[Said]] = defaultdict(list)
        for one in event.said:
            fates[one.fate].append(one)
            counted[f"statements {one.fate}"] += 1
        counted["statements"] += len(event.said)
        is_marks = event.name.rpartition("/")[2].startswith("M")
        expected = sorted(_key(one, is_marks) for one in fates["applied"])
        found = sorted(of_marks.get((sha256, event.at.astimezone(UTC)), ()) if is_marks else booked["applied", number])
        if found != expected:
            yield f"{event.name}: {len(found)} applied, not {len(expected)}"
        withdrawn = sorted(_key(one) for one in fates["withdrawn"])
        if not is_marks and sorted(booked["withdrawn", number]) != withdrawn:
            yield f"{event.name}: {len(booked['withdrawn', number])} withdrawn, not {len(withdrawn)}"
        reasons = refused.get(number, set())
        for one in fates["refused"]:
            if not reasons & {(one.code, ""), (one.code, one.candidate)}:
                yield f"{event.name}: candidate {one.candidate} is refused without {one.code}"
        repeated = len([one for one in fates["repeated"] if not one.code])
        if counts.get("marks_unchanged" if is_marks else "options_kept", 0) != repeated:
            yield f"{event.name}: another number repeated than {repeated}"


def _key(one: Said, is_mark: bool = False) -> tuple[object, ...]:
    return (one.candidate, one.option, one.mark, one.status) if is_mark else (one.candidate, one.option)


def _booked(played: Played) -> dict[tuple[str, object], list[tuple[object, ...]]]:
    """What each submission began and ended: candidate and option."""
    found: dict[tuple[str, object], list[tuple[object, ...]]] = defaultdict(list)
    for table in ("registrations", "entries"):
        rows = played.rows(f"select submission_id, ended_by, candidate, option from {table}")
        for began, ended, candidate, option in rows:
            found["applied", began].append((candidate, option))
            if ended is not None:
                found["withdrawn", ended].append((candidate, option))
    return found


def _refused(played: Played) -> dict[object, set[tuple[object, object]]]:
    found: dict[object, set[tuple[object, object]]] = defaultdict(set)
    rows = played.rows(
        "select submission_id, code, case when reach in ('file', 'hold') then '' else coalesce(candidate, '') end "
        "from findings where reach in ('file', 'hold', 'candidate', 'entry', 'mark')"
    )
    for number, code, candidate in rows:
        found[number].add((code, candidate))
    return found


def _marks_by_file(played: Played) -> dict[tuple[object, object], list[tuple[object, ...]]]:
    found: dict[tuple[object, object], list[tuple[object, ...]]] = defaultdict(list)
    rows = played.rows("select source, received, candidate, component, mark, status from marks")
    for source, received, *mark in rows:
        found[source, received].append(tuple(mark))
    return found


# --- What is held in the end -----------------------------------------------------------------------------------------


def holdings(played: Played, counted: Counter[str]) -> Iterator[str]:
    """FIL-3: what is in force in the end is what the truth says, and each thing once."""
    truth = played.season.truth
    for table, expected in (("registrations", truth.registrations), ("entries", truth.entries)):
        rows = played.rows(f"select centre, series, candidate, uci, option from {table} where ended_by is null")
        held = Counter(Holding(*map(str, one)) for one in rows)
        yield from _differ(table, held, Counter(expected))
        counted[table] += len(expected)


def marks(played: Played, counted: Counter[str]) -> Iterator[str]:
    """MRK-2, MOD-2: the newest version of each mark is the truth's final one."""
    rows = played.rows(
        "select distinct on (centre, series, uci, component) centre, series, candidate, uci, component, mark, status "
        "from marks order by centre, series, uci, component, version desc"
    )
    found = Counter(Mark(*one) for one in rows)
    yield from _differ("marks", found, Counter(played.season.truth.marks))
    counted["final marks"] += len(played.season.truth.marks)


def claims(played: Played, counted: Counter[str]) -> Iterator[str]:
    """CRT-1: every claim came when and how the truth says."""
    rows = played.rows(
        "select e.centre, e.series, e.candidate, e.uci, e.option, s.received, s.channel from entries e "
        "join submissions s on s.id = e.submission_id where e.kind = 'cash_in' and e.ended_by is null"
    )
    truth = Counter(
        (one.centre, one.series, one.candidate, one.uci, one.option, one.at.astimezone(UTC), one.channel)
        for one in played.season.truth.claims
    )
    yield from _differ("claims", Counter(rows), truth)
    counted["claims"] += truth.total()


def _differ(what: str, found: Counter[Any], expected: Counter[Any]) -> Iterator[str]:
    """Two multisets that are not the same."""
    if found != expected:
        lost, doubled = expected - found, found - expected
        yield f"{what}: {lost.total()} lost, {doubled.total()} that should not be"


def fees(played: Played, counted: Counter[str]) -> Iterator[str]:
    """FEE-1 to FEE-5: every file costs the pence that a slow reckoning of its statements says; so does every centre."""
    season = played.season
    sat = {
        (one.uci, subject.registration)
        for one in season.truth.marks
        if one.series == JANUARY and one.mark is not None
        for subject in SUBJECTS
        if one.component in (*subject.internal, subject.external)
    }
    expected: dict[Place, int] = {}
    by_centre: Counter[str] = Counter()
    for event in season.events:
        if event.kind in ("file", "portal", "staff"):
            pence = slow_fees.total(_amounts(event, sat))
            by_centre[event.centre] += pence
            if event.kind != "staff":
                expected[event.name, event.at.astimezone(UTC)] = pence
    booked = {
        (key, received): pence
        for key, received, pence in played.rows(
            "select landing_key, received, pence from submissions where channel <> 'staff'"
        )
    }
    for place, pence in expected.items():
        if booked.get(place) != pence:
            yield f"{place[0]} costs {booked.get(place)} pence, not {pence}"
    for source in ("select centre, sum(pence) from fee_lines group by centre",
                   "select centre, sum(pence) from submissions group by centre"):  # fmt: skip
        charged = {centre: int(pence) for centre, pence in played.rows(source) if pence}
        if charged != {centre: pence for centre, pence in by_centre.items() if pence}:
            yield "centres are charged another sum"
    counted["pence charged"] += by_centre.total()


def _amounts(event: Event, sat: set[tuple[str, str]]) -> Iterator[int]:
    """What each statement of a file costs, in pence."""
    for one in event.said:
        kind = KINDS.get(one.option, "")
        if not kind or event.name.rpartition("/")[2].startswith("M"):
            continue
        [subject] = [its for its in SUBJECTS if one.option[:3] == its.cash_in[:3]]
        series = event.facts.get("series") or _series(event)
        if one.fate == "applied":
            sat_january = (one.uci, subject.registration) in sat
            yield slow_fees.charged(kind, series, event.at, sat_january=sat_january)
        elif one.fate == "withdrawn":
            yield -slow_fees.refunded(kind, series, event.at)


def _series(event: Event) -> str:
    """The series a file is for, by the stream its first bytes name; a portal feed is for May/June."""
    return SERIES_OF_STREAM[event.data[9:13].decode()] if event.kind == "file" else JUNE


# --- Results ---------------------------------------------------------------------------------------------------------

SCALE = (80, 70, 60, 50, 40, 30)
"""Per cent of a component's UMS for its six grades."""
CODES = {"L2D*": "*2", "L2D": "D2", "L2M": "M2", "L2P": "P2", "L1D": "D1", "L1M": "M1", "L1P": "P1", "U": "U"}


@frozen
class Table:
    """The conversion of a component: UMS by raw mark, and the least raw mark of each grade, the highest first."""

    ums: Callable[[int], int]
    boundaries: tuple[tuple[str, int], ...]

    def grade(self, raw: int) -> str:
        return next((grade for grade, least in self.boundaries if raw >= least), "U")


def tables(season: Season) -> dict[tuple[str, str], Table]:
    """By series and component: AWD-1 once more from its sentence, in plain Python."""
    most = {code: 120 for one in SUBJECTS for code in [one.external]}
    most |= {code: 90 if len(one.internal) == 2 else 180 for one in SUBJECTS for code in one.internal}
    found = {}
    for event in season.events:
        if event.kind == "boundaries":
            rows = list(csv.DictReader(io.StringIO(event.data.decode())))
            for series, component in {(one["series"], one["component"]) for one in rows if one["component"] in most}:
                least = [(one["grade"], int(one["raw_mark"])) for one in rows if one["component"] == component]
                raw = [mark for _, mark in least]
                points = [(0, 0), *zip(raw[::-1], (most[component] * one // 100 for one in SCALE[::-1]), strict=True)]
                cap = raw[0] + 2 * (raw[0] - raw[1])
                points += [(cap, most[component])] if cap < 60 else []
                ums = partial(_on_lines, [*points, (60, most[component])])
                found[series, component] = Table(ums, tuple(least))
    return found


def _on_lines(points: list[tuple[int, int]], raw: int) -> int:
    (low, low_ums), (high, high_ums) = next(pair for pair in pairwise(points) if pair[0][0] <= raw <= pair[1][0])
    return floor(low_ums + Fraction((raw - low) * (high_ums - low_ums), high - low) + Fraction(1, 2))


def _awarded(season: Season) -> dict[tuple[str, str, str], slow_awarding.Result]:
    """What becomes of every claim: by series, UCI and cash-in code."""
    of = tables(season)
    sittings: dict[str, list[Mark]] = defaultdict(list)
    for mark in season.truth.marks:
        sittings[mark.uci].append(mark)
    found = {}
    for claim in season.truth.claims:
        subject: Subject = SUBJECT_OF[claim.option]
        taken = [
            slow_awarding.Sitting(
                one.component,
                one.series,
                0 if one.status == "A" else None if one.mark is None else of[one.series, one.component].ums(one.mark),
                one.status == "A",
            )
            for one in sittings[claim.uci]
            if one.component in (*subject.internal, subject.external)
        ]
        found[claim.series, claim.uci, claim.option] = slow_awarding.award(
            claim.series, subject.internal, subject.external, taken
        )
    return found


def awards(played: Played, counted: Counter[str]) -> Iterator[str]:
    """CRT-1 to CRT-7, AWD-4: every claim has the answer of a slow awarding of the truth."""
    expected = {
        (series, uci, option): (one.outcome, one.reason, one.ums, one.grade)
        for (series, uci, option), one in _awarded(played.season).items()
    }
    found: dict[tuple[str, str, str], object] = {}
    for series in (JANUARY, JUNE):
        for one in played.desk.results.current(series)["awards"].iter_rows(named=True):
            answer = (one["outcome"], one["reason"], one["ums"], one["grade"] or "")
            found[series, one["uci"], one["cash_in"]] = answer
    for key in expected.keys() | found.keys():
        if expected.get(key) != found.get(key):
            yield f"the claim of UCI {key[1]} in {key[0]} is answered otherwise"
    for outcome, *_ in expected.values():
        counted[f"claims {outcome.replace('_', ' ')}"] += 1


def results_files(played: Played, counted: Counter[str]) -> Iterator[str]:
    """RES-1, RES-3, RES-4: every centre has one R file a series, and the one that asked an updated one; in them the
    results of the truth, sliced by hand."""
    store, season = played.desk.store, played.season
    asked = late_centre(season)
    expected: dict[tuple[str, int], list[tuple[str, str, str, str, str]]] = {}
    of_series = {series: _records(season, series) for series in (JANUARY, JUNE)}
    for centre in season.centres:
        files = [of_series[series].get((centre.number, False)) for series in (JANUARY, JUNE)]
        if centre.number == asked:
            files.append(of_series[JUNE][centre.number, True])
        for number, records in enumerate((one for one in files if one), 1):
            expected[centre.number, number] = sorted(records)
    for (centre_number, number), records in expected.items():
        data = store.get(f"outbox/{centre_number}/R{centre_number}15.X{number:02d}")
        found = sorted(_sliced(line) for line in data.decode("ascii").split("\r\n") if line[:2] == "R5")
        for words in in_words(remarks({f"R{centre_number}15.X{number:02d}": data})):
            yield f"centre {centre_number}: {words}"
        if found != records:
            yield f"results file {number} of centre {centre_number} says something else"
        counted["results in files"] += len(records)
    out = [one.key for one in store.list("outbox/") if "/R" in one.key and not one.key.endswith(".txt")]
    if len(out) != len(expected):
        yield f"{len(out)} results files, not {len(expected)}"
    counted["results files"] += len(expected)


Record = tuple[str, str, str, str, str]
"""Of a record of results: candidate, option, result type, score and grade."""


def _sliced(line: str) -> Record:
    """By the columns of the formats: candidate 8-11, option 41-46, type 47, then score and grade as the type has
    them."""
    kind, wide = line[46], {"1": 0, "B": 4}.get(line[46], 3)
    return line[7:11], line[40:46].strip(), kind, line[47 : 47 + wide].strip(), line[47 + wide : 49 + wide].strip()


def _score(status: str, mark: int | None, table: Table) -> tuple[str, str]:
    """Score and grade of a component as a record has them."""
    if status == "A":
        return "000", "X"
    return ("", "Q") if mark is None else (f"{table.ums(mark):03d}", CODES[table.grade(mark)])


def _records(season: Season, series: str) -> dict[tuple[str, bool], list[Record]]:
    """What the results files of a series hold: by centre, and whether claims after results day are in it."""
    of, answers = tables(season), _awarded(season)
    last = {JANUARY: datetime(2024, 3, 13, tzinfo=UTC), JUNE: datetime(2024, 8, 14, tzinfo=UTC)}[series]
    claimed = {(one.series, one.uci, one.option): one.at for one in season.truth.claims}
    found: dict[tuple[str, bool], list[Record]] = defaultdict(list)
    for mark in (mark for mark in season.truth.marks if mark.series == series):
        score, grade = _score(mark.status, mark.mark, of[series, mark.component])
        for late in (False, True):
            found[mark.centre, late].append((mark.candidate, mark.component, "U" if score else "1", score, grade))
    for claim in (claim for claim in season.truth.claims if claim.series == series):
        record = claim.candidate, claim.option, *_award(answers[series, claim.uci, claim.option])
        found[claim.centre, True].append(record)
        if claimed[series, claim.uci, claim.option] < last:
            found[claim.centre, False].append(record)
    return found


def _award(answer: slow_awarding.Result) -> tuple[str, str, str]:
    """Result type, score and grade of a claim as a record has them."""
    kind = "1" if answer.ums is None else "B" if answer.partly_absent else "U"
    score = "" if answer.ums is None else f"{answer.ums:0{4 if kind == 'B' else 3}d}"
    return kind, score, {"not_eligible": "X", "pending": "Q"}.get(answer.outcome) or CODES[answer.grade]


EVERY: tuple[Check, ...] = (replies, said, holdings, marks, claims, fees, awards, results_files)
IN_THE_END: tuple[Check, ...] = (holdings, marks, claims, awards)
"""What is asked of a season that changes: what is held and awarded in the end. Files of results are more there."""
