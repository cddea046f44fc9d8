"""What the console counts, and what it hides, over the real ledger (MRK-1, OPS-2)."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf

import pytest

from fixtures.generate import people
from parsers.layouts import CANDIDATE
from pipeline.console.pictures import LABEL, calendar_line
from pipeline.console.records import HIDDEN, lines_of, record, reply_text, said
from pipeline.console.snapshots import FILTERS, FRESH, Snapshots, reached
from pipeline.demo.rehearsal import land
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from rules.catalogue import Series
from tests.patience import until
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, name_of, registration_file

LATER = datetime(2024, 3, 1, 12, tzinfo=UTC)
WRONG = "MISPELT:PERSON"


def take(desk: Desk, data: bytes, at: datetime, name: str = "") -> None:
    land(desk, f"inbox/{CENTRE}/{name or name_of(data)}", data, at)
    ingest(desk, at + timedelta(minutes=5))


def june(desk: Desk) -> Series:
    found = desk.catalogue.series_by_id("2024-06")
    assert found
    return found


@pytest.fixture
def entered(work: Desk) -> Desk:
    """Three learners registered and entered for four options; then two of them amended to one option."""
    take(work, registration_file(), REGISTERED)
    take(work, centre_file(), ON_TIME)
    take(work, centre_file(("BEN02",), letter="A", sequence=2, count=2), ON_TIME + timedelta(days=1))
    return work


def test_progress_counts_what_is_in_force(entered: Desk) -> None:
    [row] = entered.console.progress("2024-06", "6B24", "15").iter_rows(named=True)
    assert row == {
        "centre": CENTRE, "registered": 3, "learners": 3, "entries": 6, "internal": 4, "external": 1, "claims": 1,
        "marks": 0, "board_marks": 0, "cohorts": 0, "moderated": 0, "files": 2, "refused": 0, "held": 0, "released": 0,
    }  # fmt: skip


def test_milestones_are_complete_in_part_or_not_at_all(entered: Desk) -> None:
    progress = entered.console.progress("2024-06", "6B24", "15")
    [row] = reached(progress).iter_rows(named=True)
    states = {name: value for name, value in row.items() if name.endswith("_state")}
    assert states == {
        "registered_state": "all", "entered_state": "all", "marked_state": "none", "moderated_state": "none",
        "claimed_state": "some", "released_state": "none",
    }  # fmt: skip
    assert row["reached"] == 2
    chosen = {name for name, (_, which) in FILTERS.items() if reached(progress).filter(which).height}
    assert chosen == {"", "marks", "not-released"}


def test_counts_are_kept_until_the_ledger_changes(entered: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.console.snapshots.QUICK", inf)  # also where the machine is busy
    snapshots = Snapshots(entered.console, lambda _: ())
    first = snapshots.of(june(entered), lambda: LATER)
    take(entered, centre_file(("BEN02",), letter="A", sequence=3), ON_TIME + timedelta(days=2))
    assert snapshots.of(june(entered), lambda: LATER + FRESH / 2) is first
    second = snapshots.of(june(entered), lambda: LATER + FRESH)
    assert second.centres["entries"].to_list() == [3]
    third = snapshots.of(june(entered), lambda: LATER + 2 * FRESH)
    assert third.centres is second.centres
    assert third.at == LATER + 2 * FRESH


def test_a_country_is_counted_behind_the_back_of_whoever_asks(entered: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.console.snapshots.QUICK", 0.0)
    snapshots = Snapshots(entered.console, lambda _: ())
    first = snapshots.of(june(entered), lambda: LATER)
    take(entered, centre_file(("BEN02",), letter="A", sequence=3), ON_TIME + timedelta(days=2))
    now = LATER + FRESH
    assert snapshots.of(june(entered), lambda: now) is first
    until(lambda: snapshots.of(june(entered), lambda: now) is not first)
    assert snapshots.of(june(entered), lambda: now).centres["entries"].to_list() == [3]


def test_what_is_personal_is_hidden_in_records_findings_and_replies(work: Desk) -> None:
    book = work.console
    take(work, registration_file(), REGISTERED)
    take(work, centre_file(changed={"name": WRONG}), ON_TIME)
    number = int(book.received(named="E")[0]["id"].max())  # type: ignore[arg-type]
    file = book.submission(number)
    assert file
    learners = list(people(CENTRE, 3, seed=1))
    personal = {WRONG} | {learner[name] for learner in learners for name in ("name", "uci", "uln")}
    [mismatch] = [
        finding for finding in book.findings(number).iter_rows(named=True) if finding["code"] == "NAME_MISMATCH"
    ]
    [line] = lines_of(work.store, file["sha256"], [mismatch["line"]]).values()
    shown = record(mismatch["line"], line, "E", mismatch, personal=True)
    assert shown.marked.rstrip() == WRONG
    assert len(shown.before) == CANDIDATE["name"].first - 1
    hidden = record(mismatch["line"], line, "E", mismatch, personal=False)
    assert hidden.hidden
    assert (hidden.before[-4:], set(hidden.marked)) == ("0001", {".", " "})
    assert "BEN01" in hidden.after
    texts = [hidden.before + hidden.marked + hidden.after, str(said(mismatch, personal=False))]
    texts.append(reply_text(file["twin"], personal=False))
    assert not [one for one in personal for text in texts if one in text]
    assert said(mismatch, personal=False)["value"] == HIDDEN
    assert WRONG in reply_text(file["twin"], personal=True)


def test_reg_7_a_card_in_a_reply_says_what_differs_and_hides_the_values(work: Desk) -> None:
    take(work, registration_file(), REGISTERED)
    take(work, centre_file(changed={"name": WRONG}), ON_TIME)
    file = work.console.submission(int(work.console.received(named="E")[0]["id"].max()))  # type: ignore[arg-type]
    assert file
    whole, hidden = (
        reply_text(file["twin"], personal=personal).partition("WHO IS WHO")[2] for personal in (True, False)
    )
    assert re.search(rf"\* name +{WRONG} +\S", whole)
    assert re.search(r"candidate 0001 +line 3 +registered", hidden)
    assert re.search(r"\* name +\.\.\. +\.\.\.\n", hidden)
    assert re.search(r" number +0001 +0001\n", hidden)
    assert re.search(r" date of birth +\.\.\. +\.\.\.\n", hidden)


def test_reg_6_changed_details_in_a_reply_are_shown_without_their_values(work: Desk) -> None:
    take(work, registration_file(), REGISTERED)
    [first, *_] = people(CENTRE, 1, seed=1)
    data = centre_file(("BEN22",), letter="A", series="9B23", body="13", sequence=2, count=1, changed={"name": WRONG})
    take(work, data, REGISTERED + timedelta(days=1))
    file = work.console.submission(int(work.console.received(named="A")[0]["id"].max()))  # type: ignore[arg-type]
    assert file
    told = f"  0001  name: {first['name']}, now {WRONG}"
    assert told in reply_text(file["twin"], personal=True)
    hidden = reply_text(file["twin"], personal=False)
    assert "  0001  name: ..., now ..." in hidden
    assert not [value for value in (first["name"], WRONG, first["uci"]) if value in hidden]


def test_of_a_record_whose_fields_are_out_of_place_nothing_is_shown_but_who_it_is_about() -> None:
    [line] = [one for one in centre_file(count=1).decode("ascii").split("\r\n") if one.startswith("E5")]
    shifted = line[:72] + line[85:]
    finding = {"code": "RECORD_SHIFTED", "first_column": 73, "last_column": 82}
    shown = record(3, shifted, "E", finding, personal=False)
    assert (shown.before + shown.marked + shown.after)[:11] == line[:11]
    assert set((shown.before + shown.marked + shown.after)[11:]) == {".", " "}
    header = record(1, "E1" + "0" * 20, "E", {"code": "X", "first_column": None, "last_column": None}, personal=False)
    assert (header.before, header.hidden) == ("E1" + "0" * 20, False)


def test_no_number_on_the_line_of_dates_stands_on_another(work: Desk) -> None:
    for series in work.catalogue.all_series():
        line = calendar_line(work.catalogue.milestones_of(series, LATER), LATER)
        rows = defaultdict(list)
        for x, y in re.findall(r'<text x="([0-9.]+)" y="([0-9.]+)"', line):
            rows[y].append(float(x))
        assert rows
        for places in rows.values():
            # They are written to a tenth.
            assert all(after - before >= LABEL - 0.11 for before, after in pairwise(places)), series.id
