"""Marks over a real ledger and store (MRK-1 to MRK-3, FIL-5): booked once, replaced by versions, chased by name."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve

import infra.ledger.submissions
from fixtures.generate import people
from infra.ledger import sql
from infra.ledger.marks import add
from infra.ledger.tables import cohorts, learner_versions, marks
from infra.store import FolderStore
from parsers.layouts import MARK
from parsers.writer import block, record, single
from pipeline.desk import Desk
from pipeline.feeds import report_key
from pipeline.intake.ingest import ingest
from pipeline.marking.external import Taken, missing_marks, take_external
from rules.marks import JudgedMarks, judge
from tests.crashes import Crash
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, registration_file

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
APRIL = datetime(2024, 4, 30, 11, tzinfo=UTC)
JUNE = datetime(2024, 6, 3, 9, tzinfo=UTC)
PEOPLE = list(people(CENTRE, 3, seed=1))


def put(desk: Desk, key: str, data: bytes, landed: datetime) -> Path:
    assert isinstance(desk.store, FolderStore)
    path = desk.store.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (landed.timestamp(), landed.timestamp()))
    return path


@pytest.fixture
def entered(work: Desk) -> Desk:
    """The desk with three learners entered for Enterprise in May/June 2024."""
    put(work, f"inbox/{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    put(work, f"inbox/{CENTRE}/E6412315.X01", centre_file(), ON_TIME)
    assert ingest(work, NOW).outcomes == {"accepted": 2}
    return work


def send(desk: Desk, values: dict[int, str], sequence: int = 1, landed: datetime = APRIL) -> dict[str, int]:
    """A file of marks for BEN01 through the ingest; the outcomes of the run."""
    put(desk, f"inbox/{CENTRE}/M6412315.X{sequence:02d}", marks_file(values, sequence), landed)
    return dict(ingest(desk, NOW).outcomes)


def marks_file(values: dict[int, str], sequence: int = 1) -> bytes:
    records = [
        record(
            MARK,
            {
                "data_type": "M", "record_type": "5", "centre": CENTRE, "candidate": PEOPLE[n - 1]["candidate"],
                "uci": PEOPLE[n - 1]["uci"], "component": "BEN01",
            } | ({"mark_status": value} if value in "AN" else {"mark": value}),
        )
        for n, value in values.items()
    ]  # fmt: skip
    return single(
        "M", CENTRE, block(records), awarding_body="15", series_key="6B24", sequence=sequence, produced="010922"
    )


def booked(desk: Desk) -> list[tuple[str, str, int, str, int | None, str]]:
    """Every version: candidate, component, version, stage, mark, status."""
    t = marks.c
    query = sa.select(t.candidate, t.component, t.version, t.stage, t.mark, t.status).order_by(
        t.component, t.candidate, t.version
    )
    return sql.frame(desk.ledger.engine, query).rows()


def newest_reply(desk: Desk) -> dict[str, object]:
    """The JSON twin of the last reply."""
    keys = sorted(stored.key for stored in desk.store.list(f"outbox/{CENTRE}/X6412315") if stored.key.endswith(".json"))
    answer: dict[str, object] = json.loads(desk.store.get(keys[-1]))
    return answer


# --- By file ---------------------------------------------------------------------------------------------------------


def test_mrk_1_marks_are_booked_with_their_source_and_the_reply_counts_them(entered: Desk) -> None:
    assert send(entered, {1: "18", 2: "A", 3: "61"}) == {"partly accepted": 1}
    assert booked(entered) == [("0001", "BEN01", 1, "submitted", 18, ""), ("0002", "BEN01", 1, "submitted", None, "A")]
    assert newest_reply(entered)["marks"] == {
        "in the file": 3, "new": 2, "replaced": 0, "unchanged": 0, "refused": 1,
    }  # fmt: skip
    [source] = sql.frame(entered.ledger.engine, sa.select(marks.c.source).distinct())["source"]
    assert entered.store.get(f"archive/{source}") == marks_file({1: "18", 2: "A", 3: "61"})
    [received] = sql.frame(entered.ledger.engine, sa.select(marks.c.received).distinct())["received"]
    assert received == APRIL


def test_mrk_2_a_replaced_mark_is_a_version_and_an_unchanged_one_is_none(entered: Desk) -> None:
    send(entered, {1: "18", 2: "20"})
    assert send(entered, {1: "18", 2: "21", 3: "30"}, 2) == {"accepted": 1}
    assert booked(entered) == [
        ("0001", "BEN01", 1, "submitted", 18, ""),
        ("0002", "BEN01", 1, "submitted", 20, ""),
        ("0002", "BEN01", 2, "submitted", 21, ""),
        ("0003", "BEN01", 1, "submitted", 30, ""),
    ]


def test_fil_3_the_same_file_of_marks_again_and_a_number_used_again(entered: Desk) -> None:
    send(entered, {1: "18"})
    assert send(entered, {1: "18"}, landed=APRIL + timedelta(days=1)) == {"already processed": 1}
    assert send(entered, {1: "19"}) == {"quarantined": 1}
    assert booked(entered) == [("0001", "BEN01", 1, "submitted", 18, "")]


def test_fil_3_entries_that_wait_with_marks_are_decided_first(work: Desk) -> None:
    put(work, f"inbox/{CENTRE}/M6412315.X01", marks_file({1: "18"}), ON_TIME)
    put(work, f"inbox/{CENTRE}/E6412315.X02", centre_file(sequence=2), ON_TIME)
    put(work, f"inbox/{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    ingest(work, NOW)
    assert booked(work) == [("0001", "BEN01", 1, "submitted", 18, "")]


def test_mrk_2_feedback_opens_the_window_for_its_component_until_its_end(entered: Desk) -> None:
    send(entered, {1: "18", 2: "20"})
    until = JUNE + timedelta(days=30)  # later than the last day of the calendar (MOD-4)
    with entered.ledger.engine.begin() as connection:
        connection.execute(
            cohorts.insert().values(
                centre=CENTRE, series="2024-06", component="BEN01", state="feedback", size=2, sampled_at=APRIL,
                compared_at=JUNE, feedback_until=until,
            )
        )  # fmt: skip
    assert send(entered, {1: "17"}, 2, JUNE - timedelta(seconds=1)) == {"refused": 1}
    assert send(entered, {1: "16"}, 3, JUNE) == {"accepted": 1}
    assert send(entered, {2: "15"}, 4, until) == {"refused": 1}
    assert booked(entered) == [
        ("0001", "BEN01", 1, "submitted", 18, ""),
        ("0001", "BEN01", 2, "amended", 16, ""),
        ("0002", "BEN01", 1, "submitted", 20, ""),
    ]


def test_mrk_2_marks_repeated_after_an_adjustment_do_not_undo_it(entered: Desk) -> None:
    send(entered, {1: "18"})
    with entered.ledger.engine.begin() as connection:
        connection.execute(
            marks.insert().values(
                centre=CENTRE, series="2024-06", candidate="0001", uci=PEOPLE[0]["uci"], component="BEN01", version=2,
                stage="adjusted", mark=15, status="", source="moderation 1", line=0, received=JUNE,
            )
        )  # fmt: skip
    assert send(entered, {1: "18"}, 2, JUNE) == {"accepted": 1}
    assert [version[2:5] for version in booked(entered)] == [(1, "submitted", 18), (2, "adjusted", 15)]
    newest = entered.marks.newest([CENTRE], ["2024-06"])
    assert newest.select("version", "mark").rows() == [(2, 18)]


def test_fil_5_a_crash_after_the_marks_were_written_leaves_none_and_the_next_run_books_them_once(
    entered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(connection: sa.Connection, rows: pl.DataFrame) -> None:
        add(connection, rows)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(infra.ledger.submissions, "add", crash)
        with pytest.raises(Crash):
            send(entered, {1: "18"})
    assert booked(entered) == []
    assert ingest(entered, NOW).outcomes == {"accepted": 1}
    assert booked(entered) == [("0001", "BEN01", 1, "submitted", 18, "")]


# --- The board's own marking -----------------------------------------------------------------------------------------

HEADER = "series,centre,candidate,uci,component,mark,status"


def deliver(desk: Desk, name: str, *lines: str) -> Path:
    return put(desk, f"feeds/external-marks/{name}", "\r\n".join(lines).encode() + b"\r\n", NOW - timedelta(hours=1))


def row(number: int, mark: str, status: str = "", component: str = "BEN03") -> str:
    person = PEOPLE[number - 1]
    return f"2024-06,{CENTRE},{person['candidate']},{person['uci']},{component},{mark},{status}"


def report(desk: Desk, name: str) -> str:
    return desk.store.get(report_key("reports/marks/", f"{name}.csv")).decode("ascii")


def test_mrk_1_external_marks_come_from_our_own_marking(entered: Desk) -> None:
    path = deliver(entered, "paper 1.csv", HEADER, row(1, "30"), row(2, "", "A"), row(3, "40", component="BEN01"))
    data = path.read_bytes()
    assert take_external(entered, NOW) == Taken(files=1, booked=2, refused=1)
    assert booked(entered) == [("0001", "BEN03", 1, "external", 30, ""), ("0002", "BEN03", 1, "external", None, "A")]
    text = report(entered, "paper 1")
    assert "3 in the file, 2 new, 0 replaced, 0 unchanged, 1 refused" in text
    assert "MARK_INTERNAL" in text
    assert not path.exists()
    assert data in [entered.store.get(stored.key) for stored in entered.store.list("archive/")]
    assert not [person["name"] for person in PEOPLE if person["name"].split(":")[0] in text]


def test_mrk_1_external_marks_delivered_again_add_nothing_and_new_ones_a_version(entered: Desk) -> None:
    deliver(entered, "a.csv", HEADER, row(1, "30"), row(2, "31"))
    take_external(entered, NOW)
    deliver(entered, "a.csv", HEADER, row(1, "30"), row(2, "32"))
    assert take_external(entered, NOW) == Taken(files=1, booked=1)
    assert [one[2:5] for one in booked(entered)] == [(1, "external", 30), (1, "external", 31), (2, "external", 32)]
    assert take_external(entered, NOW) == Taken()


def test_mrk_2_an_old_file_of_external_marks_delivered_again_undoes_no_newer_mark(entered: Desk) -> None:
    deliver(entered, "a.csv", HEADER, row(1, "30"))
    take_external(entered, NOW)
    deliver(entered, "b.csv", HEADER, row(1, "35"))
    take_external(entered, NOW)
    deliver(entered, "a.csv", HEADER, row(1, "30"))
    assert take_external(entered, NOW) == Taken(files=1)
    assert [one[2:5] for one in booked(entered)] == [(1, "external", 30), (2, "external", 35)]
    text = report(entered, "a")
    assert "1 in the file, 0 new, 0 replaced, 1 unchanged, 0 refused" in text
    assert "replaces no mark" in text


def test_fil_5_external_marks_whose_taking_died_at_the_end_have_the_same_report_when_they_are_taken_again(
    entered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Crash

    deliver(entered, "a.csv", HEADER, row(1, "30"))
    take_external(entered, NOW)
    deliver(entered, "b.csv", HEADER, row(1, "31"), row(2, "32"), row(3, "61"))
    with monkeypatch.context() as patch:
        patch.setattr(FolderStore, "remove", die)
        with pytest.raises(Crash):
            take_external(entered, NOW)
    before = report(entered, "b")
    assert "3 in the file, 1 new, 1 replaced, 0 unchanged, 1 refused" in before
    assert take_external(entered, NOW) == Taken(files=1, booked=2, refused=1)
    assert report(entered, "b") == before
    deliver(entered, "b.csv", HEADER, row(1, "31"), row(2, "32"), row(3, "61"))
    assert take_external(entered, NOW) == Taken(files=1, refused=1)
    assert "this file was booked before" in report(entered, "b")


def test_mrk_1_an_external_mark_refused_once_is_booked_when_its_entry_has_come(work: Desk) -> None:
    """The second learner is entered only after the first delivery of the file."""
    put(work, f"inbox/{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    put(work, f"inbox/{CENTRE}/E6412315.X01", centre_file(count=1), ON_TIME)
    ingest(work, NOW)
    deliver(work, "a.csv", HEADER, row(1, "30"), row(2, "31"))
    assert take_external(work, NOW) == Taken(files=1, booked=1, refused=1)
    put(work, f"inbox/{CENTRE}/A6412315.X02", centre_file(letter="A", sequence=2, count=2), ON_TIME)
    ingest(work, NOW)
    deliver(work, "a.csv", HEADER, row(1, "30"), row(2, "31"))
    assert take_external(work, NOW) == Taken(files=1, booked=1)
    assert [one[0] for one in booked(work)] == ["0001", "0002"]


def test_mrk_1_blank_lines_refuse_nothing_and_are_counted_in_line_numbers(entered: Desk) -> None:
    deliver(entered, "a.csv", HEADER, row(1, "30"), "", row(2, "61"), "", "")
    assert take_external(entered, NOW) == Taken(files=1, booked=1, refused=1)
    assert "line 4" in report(entered, "a")


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ([HEADER.replace(",status", "")], "FEED_COLUMNS"),
        ([], "FEED_COLUMNS"),
    ],
)
def test_mrk_1_a_file_of_external_marks_that_cannot_be_read_is_told_and_books_nothing(
    entered: Desk, lines: list[str], code: str
) -> None:
    deliver(entered, "odd.csv", *lines)
    assert take_external(entered, NOW) == Taken(files=1)
    assert code in report(entered, "odd")
    assert booked(entered) == []


@pytest.mark.parametrize(
    ("odd", "cell"),
    [
        (row(2, "-3"), "mark"),
        (row(2, "", "X"), "status"),
        (row(2, "31").replace("2024-06", "2024-07"), "series"),
        (row(2, "31").replace(CENTRE, "6412", 1), "centre"),
        (row(2, "31").replace("0002", "2", 1), "candidate"),
        (row(2, "31").replace(PEOPLE[1]["uci"], "6.4123E+11"), "UCI"),
        (f"{row(2, '31')},more", "number of cells"),
        (row(2, "31").rpartition(",")[0], "number of cells"),
        (row(2, '"31'), "number of quotation marks"),
        (row(2, "3\N{NO-BREAK SPACE}1"), "mark"),
    ],
)
def test_mrk_1_a_row_that_cannot_be_read_is_refused_by_itself(entered: Desk, odd: str, cell: str) -> None:
    deliver(entered, "odd.csv", HEADER, row(1, "30"), odd)
    assert take_external(entered, NOW) == Taken(files=1, booked=1, refused=1)
    text = report(entered, "odd")
    assert "2 in the file, 1 new, 0 replaced, 0 unchanged, 1 refused" in text
    assert f"The {cell} " in text
    assert "(MRK-1, MARK_ROW)" in text
    assert [one[0] for one in booked(entered)] == ["0001"]


def test_mrk_1_a_row_that_is_no_utf_8_is_refused_by_itself(entered: Desk) -> None:
    path = deliver(entered, "odd.csv", HEADER, row(1, "30"), row(2, "3?"))
    path.write_bytes(path.read_bytes().replace(b"?", b"\xe9"))
    os.utime(path, (0, 0))
    assert take_external(entered, NOW) == Taken(files=1, booked=1, refused=1)
    assert "line 3, candidate 0002" in report(entered, "odd")


def test_fil_1_a_file_of_external_marks_that_is_too_large_is_kept_and_told(entered: Desk) -> None:
    path = deliver(entered, "big.csv", HEADER, row(1, "30"))
    data = path.read_bytes()
    small = evolve(entered, settings=evolve(entered.settings, max_file_bytes=len(data) - 1))
    assert take_external(small, NOW) == Taken(files=1)
    assert "FILE_TOO_LARGE" in report(entered, "big")
    assert data in [entered.store.get(stored.key) for stored in entered.store.list("archive/")]
    assert booked(entered) == []


def test_mrk_1_a_failure_of_ours_takes_no_other_file_of_external_marks_with_it(
    entered: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(entered, "a.csv", HEADER, row(1, "30"))
    deliver(entered, "b.csv", HEADER, row(2, "31"))

    def fails(records: pl.DataFrame, *rest: Any, **more: Any) -> JudgedMarks:
        if "0001" in records["candidate"]:
            raise LookupError("ours")
        return judge(records, *rest, **more)

    monkeypatch.setattr("rules.marks.judge", fails)
    assert take_external(entered, NOW) == Taken(files=2, booked=1, failed=1)
    assert "FEED_FAILED" in report(entered, "a")
    assert [one[0] for one in booked(entered)] == ["0002"]


def test_fil_4_a_file_of_external_marks_that_still_grows_is_left(entered: Desk) -> None:
    path = deliver(entered, "a.csv", HEADER, row(1, "30"))
    os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    assert take_external(entered, NOW) == Taken()
    assert path.exists()


def test_ops_6_only_one_run_takes_external_marks_and_the_other_says_so(entered: Desk) -> None:
    path = deliver(entered, "a.csv", HEADER, row(1, "30"))
    with entered.ledger.exclusive("marks"):
        taken = take_external(entered, NOW)
    assert (taken.files, taken.failed) == (0, 0)
    assert "another run has the turn" in taken.kept_out
    assert "1 file waits" in taken.kept_out
    assert path.exists()


# --- What is missing -------------------------------------------------------------------------------------------------


def test_mrk_3_missing_marks_are_chased_by_name_and_counted_without(entered: Desk) -> None:
    send(entered, {1: "18", 2: "A", 3: "N"})
    series = entered.catalogue.series_by_id("2024-06")
    assert series is not None
    assert missing_marks(entered, series, APRIL) == 4
    key = f"outbox/{CENTRE}/missing-marks-2024-06-2024-04-30"
    text = entered.store.get(f"{key}.txt").decode("ascii")
    listed = pl.read_csv(entered.store.get(f"{key}.csv"), infer_schema=False).fill_null("")
    assert listed.select("component", "candidate", "status").rows() == [
        ("BEN01", "0003", "N"), ("BEN02", "0001", ""), ("BEN02", "0002", ""), ("BEN02", "0003", ""),
    ]  # fmt: skip
    assert listed["name"].to_list() == [PEOPLE[n]["name"] for n in (2, 0, 1, 2)]
    assert set(listed["marks_before"]) == {"2024-05-16T00:00:00+01:00"}
    for words in (PEOPLE[0]["name"], "not yet available", "no mark", "before 16 May 2024 00:00 BST"):
        assert words in text
    totals = entered.store.get("reports/marks/missing-2024-06-2024-04-30.txt").decode("ascii")
    assert [line.split() for line in totals.splitlines()[-3:]] == [
        ["BEN01", "3", "1", "1"], ["BEN02", "3", "3", "1"], ["all", "6", "4", "1"],
    ]  # fmt: skip
    counted = entered.store.get("reports/marks/missing-2024-06-2024-04-30.csv").decode("ascii")
    assert counted == "component,entered,missing,centres\r\nBEN01,3,1,1\r\nBEN02,3,3,1\r\n"
    shown = entered.store.get("reports/marks/missing-2024-06-2024-04-30.html").decode("ascii")
    assert "May/June 2024" in shown
    for report_ in (totals, counted, shown):
        assert not [person for person in PEOPLE if person["name"].split(":")[0] in report_ or person["uci"] in report_]


def test_mrk_3_a_name_in_a_list_is_no_formula(entered: Desk) -> None:
    series = entered.catalogue.series_by_id("2024-06")
    assert series is not None
    with entered.ledger.engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # sealed rows are never changed
        first = learner_versions.c.uci == PEOPLE[0]["uci"]
        connection.execute(learner_versions.update().where(first).values(name="-1+1:JO"))
    missing_marks(entered, series, APRIL)
    table = entered.store.get(f"outbox/{CENTRE}/missing-marks-2024-06-2024-04-30.csv").decode("ascii")
    assert ",'-1+1:JO," in table
    assert ",-1+1" not in table


def test_mrk_3_after_the_deadline_the_list_says_whom_to_ask(entered: Desk) -> None:
    series = entered.catalogue.series_by_id("2024-06")
    assert series is not None
    missing_marks(entered, series, JUNE)
    text = entered.store.get(f"outbox/{CENTRE}/missing-marks-2024-06-2024-06-03.txt").decode("ascii")
    assert "The deadline passed at 16 May 2024 00:00 BST" in text


def test_mrk_3_a_centre_that_lacks_no_mark_gets_no_list(entered: Desk) -> None:
    series = entered.catalogue.series_by_id("2025-06")
    assert series is not None
    assert missing_marks(entered, series, NOW) == 0
    assert not list(entered.store.list(f"outbox/{CENTRE}/missing"))
