"""Files of marks at their edges (MRK-1 to MRK-3, CAL-2, CAL-3). Pure: what is known is built by hand."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.findings import Found
from parsers.identifiers import uci
from parsers.layouts import MARK
from parsers.writer import block, record, single
from rules import marks
from rules.decisions import Decision, Outcome, decide
from rules.frames import ENTRIES, FILES, FINAL, MARKED, WINDOWS
from rules.known import Known
from tests.catalogue import CATALOGUE
from tests.support import CENTRE, arrival, codes, only

SECOND = timedelta(seconds=1)
APRIL = datetime(2024, 4, 30, 11, tzinfo=UTC)
DEADLINE = datetime.fromisoformat("2024-05-16T00:00:00+01:00")
OPENS = datetime.fromisoformat("2024-06-03T10:00:00+01:00")
UNTIL = datetime.fromisoformat("2024-06-28T00:00:00+01:00")
EARLIER = datetime(2024, 4, 2, tzinfo=UTC)


def learner(number: int) -> str:
    return uci.complete(f"64123023{number:04d}")


def mark(number: int, value: str = "40", **changed: str) -> str:
    fixed = {"data_type": "M", "record_type": "5", "centre": CENTRE, "candidate": f"{number:04d}"}
    return record(MARK, fixed | {"uci": learner(number), "component": "BEN01", "mark": value} | changed)


def sent(*records: str, received: datetime = APRIL, known: Known | None = None, sequence: int = 1) -> Decision:
    data = single(
        "M", CENTRE, block(records), awarding_body="15", series_key="6B24", sequence=sequence, produced="010922"
    )
    [decision] = decide([arrival(data, received, name=f"M6412315.X{sequence:02d}")], CATALOGUE, known or entered())
    return decision


def entered(numbers: Sequence[int] = (1, 2, 3), options: Sequence[str] = ("BEN01", "BEN02", "BEN03")) -> Known:
    """A ledger in which these candidates are entered for May/June 2024."""
    rows = [
        (at, CENTRE, "2024-06", f"{number:04d}", learner(number), option, 0, 0)
        for at, (number, option) in enumerate((number, option) for number in numbers for option in options)
    ]
    return evolve(Known.nothing(), entries=pl.DataFrame(rows, schema=ENTRIES, orient="row"))


def held(*values: tuple[int, int, int | None, str], known: Known | None = None) -> Known:
    """A ledger with marks for BEN01: learner's number, version, mark, status."""
    rows = [
        (CENTRE, "2024-06", learner(n), "BEN01", version, value, status, "") for n, version, value, status in values
    ]
    return evolve(known or entered(), marked=pl.DataFrame(rows, schema=MARKED, orient="row"))


def window(known: Known, component: str = "BEN01", centre: str = CENTRE) -> Known:
    row = (centre, "2024-06", component, OPENS.astimezone(UTC), UNTIL.astimezone(UTC), None)
    return evolve(known, windows=pl.DataFrame([row], schema=WINDOWS, orient="row"))


def counts(decision: Decision) -> tuple[int, ...]:
    """In the file, new, replaced, unchanged, refused."""
    return tuple(decision.mark_counts.values())


# --- What is taken ---------------------------------------------------------------------------------------------------


def test_mrk_1_a_good_file_of_marks_is_accepted() -> None:
    decision = sent(mark(1, "18", task_1="9", task_2="9"), mark(2, "0"), mark(3, "", mark_status="A"))
    assert decision.outcome is Outcome.ACCEPTED
    assert decision.findings == ()
    assert counts(decision) == (3, 3, 0, 0, 0)
    assert decision.marks.select("candidate", "version", "stage", "mark", "status", "tasks").rows() == [
        ("0001", 1, "submitted", 18, "", "9,9"),
        ("0002", 1, "submitted", 0, "", ""),
        ("0003", 1, "submitted", None, "A", ""),
    ]
    assert (decision.candidates, decision.pence, decision.added.height) == (0, 0, 0)


@pytest.mark.parametrize(
    ("records", "code", "words"),
    [
        ([mark(1, component="BEN77")], "MARK_COMPONENT", "no component has this code"),
        ([mark(1, component="BEN03")], "MARK_EXTERNAL", "our own marking, not from centres"),
        ([mark(9)], "MARK_NOT_ENTERED", "candidate 0009 is not entered for BEN01 in May/June 2024"),
        ([mark(1, uci=learner(9))], "MARK_LEARNER", f"candidate 0001 is entered with UCI {learner(1)}"),
        ([mark(1, candidate="0009")], "MARK_LEARNER", f"UCI {learner(1)} is entered as candidate 0001"),
        ([mark(1, "61")], "MARK_ABOVE", "the mark 61 is above the maximum of BEN01"),
        ([mark(1, "")], "MARK_MISSING", "neither a mark nor a status"),
        ([mark(1, "40", mark_status="A")], "MARK_AND_STATUS", "the status A"),
        ([mark(1, "", mark_status="N", task_3="4")], "MARK_AND_STATUS", "the status N"),
        ([mark(1, "18", task_1="9", task_8="8")], "MARK_TASKS", "add up to 17, but the total says 18"),
    ],
)
def test_mrk_1_a_wrong_mark_is_refused_and_the_rest_is_taken(records: list[str], code: str, words: str) -> None:
    decision = sent(*records, mark(2))
    assert codes(decision.findings) == [code]
    found = only(decision.findings, code)
    assert words in found.message
    assert (found.line, found.rule, found.option) == (3, "MRK-1", records[0][24:36].strip())
    assert decision.outcome is Outcome.PARTLY
    assert decision.marks["candidate"].to_list() == ["0002"]
    alone = sent(*records)
    assert (alone.outcome, alone.marks.height) == (Outcome.REFUSED, 0)


@pytest.mark.parametrize(("value", "outcome"), [("60", Outcome.ACCEPTED), ("61", Outcome.REFUSED)])
def test_mrk_1_the_maximum_itself_is_a_mark(value: str, outcome: Outcome) -> None:
    assert sent(mark(1, value)).outcome is outcome


def test_mrk_1_two_numbers_exchanged_are_both_named() -> None:
    decision = sent(mark(1, uci=learner(2)))
    assert only(decision.findings, "MARK_LEARNER").message.endswith(
        f"candidate 0001 is entered with UCI {learner(1)}, UCI {learner(2)} is entered as candidate 0002"
    )


def test_mrk_1_of_two_marks_in_one_file_none_is_taken() -> None:
    decision = sent(mark(1, "40"), mark(2), mark(1, "41"))
    twice = [finding for finding in decision.findings if finding.code == "MARK_TWICE"]
    assert [finding.line for finding in twice] == [3, 5]
    assert "lines 3, 5" in twice[0].message
    assert counts(decision) == (3, 1, 0, 0, 2)


def test_mrk_1_a_mark_that_stands_there_again_the_same_in_every_column_counts_once() -> None:
    decision = sent(mark(1, "40"), mark(2), mark(1, "40"), mark(1, "40"))
    assert codes(decision.findings) == ["MARK_REPEATED", "MARK_REPEATED"]
    assert decision.outcome is Outcome.ACCEPTED
    assert counts(decision) == (4, 2, 0, 2, 0)
    # With another mark beside them, none of them is taken.
    several = sent(mark(1, "40"), mark(1, "40"), mark(1, "41"))
    assert codes(several.findings) == ["MARK_TWICE"] * 3
    assert several.marks.is_empty()


def test_cal_4_a_component_that_cannot_be_taken_in_the_series_has_no_marks() -> None:
    gone = {"component": ["BEN01"], "reason": ["its last series was May/June 2023"], "external": [False]}
    rows = pl.DataFrame(gone).with_columns(file=0, line=3)
    assert marks.not_in_series(rows)["why"].to_list() == ["its last series was May/June 2023"]


def test_fil_4_a_record_that_cannot_be_read_is_counted_as_refused() -> None:
    decision = sent(mark(1, uci=f"{learner(1)[:-1]}{'A' if learner(1)[-1] != 'A' else 'B'}"), mark(2))
    assert codes(decision.findings) == ["UCI_WRONG"]
    assert counts(decision) == (2, 1, 0, 0, 1)
    assert decision.outcome is Outcome.PARTLY


# --- Versions --------------------------------------------------------------------------------------------------------


def test_mrk_2_a_mark_replaced_before_the_deadline_is_a_further_version() -> None:
    decision = sent(mark(1, "41"), mark(2, "40"), mark(3), known=held((1, 2, 40, ""), (2, 1, 40, "")))
    assert counts(decision) == (3, 1, 1, 1, 0)
    assert decision.marks.select("candidate", "version", "stage").rows() == [
        ("0001", 3, "submitted"),
        ("0003", 1, "submitted"),
    ]


def test_mrk_2_an_absence_becomes_a_mark_and_back() -> None:
    known = held((1, 1, None, "A"), (2, 1, 40, ""), (3, 1, None, "N"))
    decision = sent(mark(1), mark(2, "", mark_status="A"), mark(3, "", mark_status="N"), known=known)
    assert counts(decision) == (3, 0, 2, 1, 0)


@given(st.dictionaries(st.sampled_from([1, 2, 3]), st.integers(0, 60), min_size=1))
@settings(derandomize=True, deadline=None, max_examples=30)
def test_mrk_2_the_same_marks_again_add_no_version_at_any_time(values: dict[int, int]) -> None:
    known = held(*((number, 4, value, "") for number, value in values.items()))
    records = [mark(number, str(value)) for number, value in values.items()]
    decision = sent(*records, received=UNTIL, known=known)
    assert (decision.outcome, decision.findings) == (Outcome.ACCEPTED, ())
    assert counts(decision) == (len(values), 0, 0, len(values), 0)


@given(
    st.lists(st.dictionaries(st.sampled_from([1, 2, 3]), st.sampled_from([None, 0, 40, 60]), min_size=1), max_size=6)
)
@settings(derandomize=True, deadline=None, max_examples=30)
def test_mrk_2_versions_count_up_without_gaps_and_each_says_something_new(
    files: list[dict[int, int | None]],
) -> None:
    newest: dict[int, tuple[int, int | None]] = {}
    for values in files:
        known = held(*((n, version, value, "" if value is not None else "A") for n, (version, value) in newest.items()))
        records = [
            mark(n, "", mark_status="A") if value is None else mark(n, str(value)) for n, value in values.items()
        ]
        decision = sent(*records, known=known)
        wanted = {
            n: (newest[n][0] + 1 if n in newest else 1, value)
            for n, value in values.items()
            if n not in newest or newest[n][1] != value
        }
        booked = {
            int(n): (version, value)
            for n, version, value in decision.marks.select("candidate", "version", "mark").iter_rows()
        }
        assert booked == wanted
        newest |= booked


# --- The deadline ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("received", "outcome"), [(DEADLINE - SECOND, Outcome.ACCEPTED), (DEADLINE, Outcome.REFUSED)])
def test_mrk_3_a_mark_is_taken_up_to_the_last_second_of_the_deadline(received: datetime, outcome: Outcome) -> None:
    assert sent(mark(1), received=received).outcome is outcome


def test_mrk_3_a_late_mark_names_receipt_deadline_and_calendar_and_what_was_held_stands() -> None:
    decision = sent(mark(1, "41"), received=DEADLINE, known=held((1, 1, 40, "")))
    found = only(decision.findings, "MARK_LATE")
    assert found.rule == "MRK-3"
    for words in ("16 May 2024 00:00 BST", "15 May 2024", "calendar of 1 April 2024", "opened no amendment window"):
        assert words in found.message
    assert decision.marks.is_empty()


def test_cal_2_the_deadline_is_that_of_the_calendar_in_force_at_receipt() -> None:
    """Until 1 April 2024 the deadline was 1 May; then it moved."""
    series = CATALOGUE.series_by_id("2024-06")
    assert series is not None
    records = pl.DataFrame(
        {"file": [0, 1], "component": ["BEN01", "BEN01"]}, schema={"file": pl.UInt32, "component": pl.String}
    )
    arrivals = [
        arrival(b"", received, name="M6412315.X01")
        for received in (datetime(2024, 3, 31, 22, 59, 59, tzinfo=UTC), datetime(2024, 3, 31, 23, tzinfo=UTC))
    ]
    found = marks.deadlines(records, arrivals, {0: series, 1: series}, CATALOGUE, pl.DataFrame(schema=WINDOWS))
    assert [deadline.day for deadline in found.sort("file")["deadline"].dt.convert_time_zone("Europe/London")] == [
        2,
        16,
    ]


@pytest.mark.parametrize(
    ("received", "outcome"),
    [(DEADLINE, Outcome.ACCEPTED), (DEADLINE + timedelta(days=2) - SECOND, Outcome.ACCEPTED),
     (DEADLINE + timedelta(days=2), Outcome.REFUSED)],
)  # fmt: skip
def test_cal_3_an_extension_moves_the_deadline_of_its_centre(received: datetime, outcome: Outcome) -> None:
    until = DEADLINE + timedelta(days=2)
    known = evolve(entered(), extensions={(CENTRE, "2024-06", "marks_deadline"): until})
    assert sent(mark(1), received=received, known=known).outcome is outcome
    other = evolve(entered(), extensions={("58201", "2024-06", "marks_deadline"): until})
    assert sent(mark(1), received=received, known=other).outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    ("received", "taken"), [(OPENS - SECOND, False), (OPENS, True), (UNTIL - SECOND, True), (UNTIL, False)]
)
def test_mrk_2_after_the_deadline_only_inside_the_window_that_feedback_opened(received: datetime, taken: bool) -> None:
    decision = sent(mark(1, "41"), received=received, known=window(held((1, 1, 40, ""))))
    assert decision.marks.select("version", "stage").rows() == ([(2, "amended")] if taken else [])
    if not taken:
        found = only(decision.findings, "MARK_LATE")
        assert "from 3 June 2024 10:00 BST to before 28 June 2024 00:00 BST" in found.message


@pytest.mark.parametrize("other", [{"component": "BEN02"}, {"centre": "58201"}])
def test_mrk_2_the_window_of_another_component_or_centre_opens_nothing(other: dict[str, Any]) -> None:
    decision = sent(mark(1, "41"), received=OPENS, known=window(held((1, 1, 40, "")), **other))
    assert codes(decision.findings) == ["MARK_LATE"]


def test_cal_3_an_extension_makes_an_open_window_longer_and_opens_none() -> None:
    longer = {(CENTRE, "2024-06", "marks_amendment_deadline"): UNTIL + timedelta(days=1)}
    open_ = evolve(window(held((1, 1, 40, ""))), extensions=longer)
    assert sent(mark(1, "41"), received=UNTIL, known=open_).outcome is Outcome.ACCEPTED
    assert sent(mark(1, "41"), received=UNTIL + timedelta(days=1), known=open_).outcome is Outcome.REFUSED
    closed = evolve(held((1, 1, 40, "")), extensions=longer)
    assert sent(mark(1, "41"), received=UNTIL, known=closed).outcome is Outcome.REFUSED


# --- The file --------------------------------------------------------------------------------------------------------


def came(letter: str, sequence: int, sha256: str, *, booked: bool = True) -> Known:
    row = (CENTRE, "15", "6B24", letter, sequence, sha256, EARLIER, "X6412315.X01", booked)
    return evolve(entered(), files=pl.DataFrame([row], schema=FILES, orient="row"))


@pytest.mark.parametrize(
    ("known", "sequence", "outcome"),
    [
        (came("M", 1, "1"), 1, Outcome.REPEATED),
        (came("M", 1, "2"), 1, Outcome.QUARANTINED),
        (came("M", 1, "2", booked=False), 1, Outcome.QUARANTINED),
        (came("M", 1, "2"), 2, Outcome.ACCEPTED),
        (came("M", 3, "2"), 2, Outcome.ACCEPTED),
        (came("E", 1, "2"), 1, Outcome.ACCEPTED),
        (came("A", 3, "2"), 1, Outcome.ACCEPTED),
    ],
)
def test_fil_3_files_of_marks_number_themselves(known: Known, sequence: int, outcome: Outcome) -> None:
    decision = sent(mark(1), known=known, sequence=sequence)
    assert decision.outcome is outcome
    if not outcome.booked:
        assert decision.marks.is_empty()
        assert decision.mark_counts == {}


def test_fil_6_a_mark_of_another_centre_refuses_the_file() -> None:
    decision = sent(mark(1), mark(2, centre="58201"))
    assert only(decision.findings, "RECORD_CENTRE").columns == (3, 7)
    assert decision.outcome is Outcome.REFUSED


@pytest.mark.parametrize("out", [True, False])
def test_awd_5_a_mark_does_not_change_an_approved_result_and_the_words_are_the_same_before_and_after_it_is_out(
    out: bool,
) -> None:
    final = pl.DataFrame([(CENTRE, "2024-06", learner(1), "BEN01", out)], schema=FINAL, orient="row")
    decision = sent(mark(1), mark(2), known=evolve(entered(), final=final))
    refused = only(decision.findings, "MARK_FINAL")
    assert (refused.value, refused.option) == ("0001", "BEN01")
    assert "are approved or issued, so the mark of candidate 0001 in BEN01 is final" in refused.message
    assert decision.marks["candidate"].to_list() == ["0002"]
    assert decision.outcome is Outcome.PARTLY


def test_fil_2_marks_of_a_registration_series_have_no_components() -> None:
    data = single("M", CENTRE, block([mark(1)]), awarding_body="13", series_key="9B23", sequence=1, produced="010922")
    [decision] = decide([arrival(data, APRIL, name="M6412313.X01")], CATALOGUE, entered())
    assert codes(decision.findings) == ["MARK_COMPONENT"]


# --- The board's own marking -----------------------------------------------------------------------------------------


def test_mrk_1_the_boards_own_marking_is_of_external_components_at_any_time() -> None:
    known = entered()
    series = CATALOGUE.series_by_id("2024-06")
    assert series is not None
    tasks = {f"task_{n}": pl.lit(None, pl.Int32) for n in range(1, 9)}
    records = pl.DataFrame(
        {
            "file": [0, 0], "line": [2, 3], "centre": CENTRE, "series": "2024-06", "candidate": ["0001", "0002"],
            "uci": [learner(1), learner(2)], "component": ["BEN03", "BEN01"], "mark": [30, 40], "mark_status": "",
        },
        schema_overrides={"file": pl.UInt32, "line": pl.UInt32, "mark": pl.Int32},
    ).with_columns(**tasks)  # fmt: skip
    found = Found(["external.csv"])
    judged = marks.judge(
        records, pl.DataFrame(schema=MARKED), known.entries, marks.components(CATALOGUE, [series]),
        pl.DataFrame(schema=marks.DEADLINES), found, external=True,
    )  # fmt: skip
    assert codes(found.of(0)) == ["MARK_INTERNAL"]
    assert judged.good.select("candidate", "component", "stage", "mark").rows() == [("0001", "BEN03", "external", 30)]
    assert judged.counts(0, 2) == {"marks": 2, "new": 1, "replaced": 0, "unchanged": 0, "refused": 1}
