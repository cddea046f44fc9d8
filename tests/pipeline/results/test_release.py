"""Results day with a moved clock (RES-1, RES-2, RES-4): nothing one second before, everything at the instant, once."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable
from datetime import datetime
from typing import Any

import polars as pl
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.ledger.results import Awarding
from infra.store import FolderStore, S3Store
from parsers.importers import remarks
from parsers.layouts import FILE_TYPES
from parsers.reader import read
from pipeline.desk import Desk
from pipeline.files.check import Exit, check_file
from pipeline.results.embargo import ReleaseError, embargoed, sha256_of
from pipeline.results.release import approve, release, unlike, withdraw
from pipeline.results.release import build as unaccepted
from pipeline.results.result_files import RECORDS, read_back, records, result_files, typed
from rules import terms
from rules.catalogue import Milestone
from tests.catalogue import CATALOGUE
from tests.pipeline.ledger_rows import rows
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    PORTAL_CENTRE,
    SECOND,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    awarded,
    build,
    outside,
    series,
)

R_FILE = f"outbox/{CENTRE}/R6412315.X01"
FOR_CENTRES, FOR_LEARNERS = (
    [f"portal/{audience}/2024-06/1/{centre}.csv" for centre in (PORTAL_CENTRE, CENTRE)]
    for audience in ("centres", "learners")
)
INSTANTS: tuple[tuple[terms.Audience, datetime], ...] = (("centres", TO_CENTRES), ("learners", TO_LEARNERS))


@pytest.fixture
def proposed(work: Desk) -> Awarding:
    """The awarding of the season, nothing built."""
    return awarded(work)


@pytest.fixture
def approved(work: Desk, proposed: Awarding) -> Awarding:
    """The same, built and approved."""
    return approve(work, build(work, proposed, BUILT).awarding, WHO, WHY, APPROVED)


def lines(desk: Desk, key: str) -> list[str]:
    return desk.store.get(key).decode("ascii").splitlines()


def table(desk: Desk, key: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.store.get(key).decode())))


# --- The embargo -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("approved")
def test_res_2_a_second_before_the_instant_nothing_can_be_read_and_at_it_everything(work: Desk) -> None:
    with pytest.raises(ReleaseError, match=r"under embargo for centres until 21 August 2024 00:01 BST \[placeholder\]"):
        release(work, series(work), "centres", TO_CENTRES - SECOND)
    assert outside(work) == {}
    assert release(work, series(work), "centres", TO_CENTRES).fresh == 3
    assert list(outside(work)) == [R_FILE, *FOR_CENTRES]
    with pytest.raises(ReleaseError, match="under embargo for learners until 22 August 2024 00:01 BST"):
        release(work, series(work), "learners", TO_LEARNERS - SECOND)
    assert list(outside(work)) == [R_FILE, *FOR_CENTRES]
    assert release(work, series(work), "learners", TO_LEARNERS).fresh == 2
    assert list(outside(work)) == [R_FILE, *FOR_CENTRES, *FOR_LEARNERS]


@pytest.mark.usefixtures("approved")
def test_cal_2_the_instant_of_the_calendar_in_force_counts(work: Desk) -> None:
    moved = [
        evolve(milestone, day=milestone.day.replace(day=23), in_force_from=milestone.day.replace(day=20))
        for milestone in work.catalogue.milestones
        if (milestone.series, milestone.event) == ("2024-06", "results_to_centres")
    ]
    milestones: tuple[Milestone, ...] = (*work.catalogue.milestones, *moved)
    desk = evolve(work, catalogue=evolve(work.catalogue, milestones=milestones))
    with pytest.raises(ReleaseError, match=r"until 23 August 2024 00:01 BST .*calendar of 20 August 2024"):
        release(desk, series(desk), "centres", TO_CENTRES)
    assert outside(desk) == {}


@pytest.mark.usefixtures("approved")
def test_res_2_nothing_that_shows_a_result_lies_outside_embargo_and_reports(work: Desk) -> None:
    totals = (b"BEN99 B0175D1", b",175,L1D,")
    files = [stored.key for stored in work.store.list("") if stored.kind == "file"]
    shows = [key for key in files if any(total in work.store.get(key) for total in totals)]
    assert shows == [embargoed("2024-06", 1, place) for place in (R_FILE, FOR_CENTRES[1], FOR_LEARNERS[1])]


@pytest.mark.usefixtures("approved")
def test_res_2_the_embargo_is_closed_to_everybody_but_the_desk(work: Desk) -> None:
    assert isinstance(work.store, FolderStore)
    assert stat.S_IMODE((work.store.root / "embargo").stat().st_mode) == 0o700


def test_the_manifest_for_staff_shows_no_result(work: Desk, approved: Awarding) -> None:
    key = "reports/results/2024-06/1/manifest.json"
    assert work.store.get(key) == work.store.get(embargoed("2024-06", 1, "manifest.json"))
    manifest = json.loads(work.store.get(key))
    assert manifest["counts"] == {"files": 5, "result_files": 1, "result_file_records": 15, "results": 19}
    assert {name for file in manifest["files"] for name in file} == {
        "place", "audience", "centre", "sequence", "records", "size", "sha256"
    }  # fmt: skip
    assert approved.manifest_sha256 == sha256_of(work.store.get(key))


# --- What is released ------------------------------------------------------------------------------------------------


def release_all(desk: Desk) -> None:
    for audience, at in INSTANTS:
        release(desk, series(desk), audience, at)


@pytest.mark.usefixtures("approved")
def test_res_4_the_r_file_says_absent_pending_partial_and_graded(work: Desk) -> None:
    release_all(work)
    said = {(line[7:11], line[40:46].strip()): line[46:59].rstrip() for line in lines(work, R_FILE)[2:-2]}
    assert [said["0001", code] for code in ("BEN01", "BEN02", "BEN03", "BEN99")] == [
        "U075D2", "U000X", "U100D2", "B0175D1    #",
    ]  # fmt: skip
    assert said["0002", "BEN99"] == "U250D2"
    assert [said["0003", code] for code in ("BEN03", "BEN99")] == ["1Q", "1Q"]
    assert ("0004", "BEN99") not in said


@pytest.mark.usefixtures("approved")
def test_res_4_the_program_that_checks_files_finds_nothing_in_it(work: Desk) -> None:
    release_all(work)
    [checked] = check_file("R6412315.X01", work.store.get(R_FILE), work.catalogue, None)
    assert (checked.exit, checked.findings) == (Exit.CLEAN, ())


@pytest.mark.usefixtures("approved")
def test_res_1_only_who_entered_by_file_gets_a_file_and_the_portal_has_everybody(work: Desk) -> None:
    release_all(work)
    assert not list(work.store.list(f"outbox/{PORTAL_CENTRE}/R"))
    for keys in (FOR_CENTRES, FOR_LEARNERS):
        for key, centre in zip(keys, (PORTAL_CENTRE, CENTRE), strict=True):
            assert {row["centre"] for row in table(work, key)} == {centre}
    [award] = [row for row in table(work, FOR_CENTRES[0]) if row["kind"] == "award"]
    assert (award["ums"], award["grade"], award["performance"]) == ("226", "L2M", "Y")
    [pending] = [row for row in table(work, FOR_LEARNERS[1]) if row["candidate"] == "0003" and row["kind"] == "award"]
    assert (pending["indicator"], pending["why"], pending["about"]) == (
        "Q", "there is no mark yet for a component", "BEN03",
    )  # fmt: skip


@pytest.mark.usefixtures("approved")
def test_ops_1_the_report_says_who_has_no_award_and_why(work: Desk) -> None:
    done = release(work, series(work), "centres", TO_CENTRES)
    assert done.without == 2
    without = table(work, "reports/results/2024-06/1/centres-without-award.csv")
    assert [(row["candidate"], row["code"], row["about"]) for row in without] == [
        ("0003", "MARK_PENDING", "BEN03"), ("0004", "NO_CLAIM", ""),
    ]  # fmt: skip
    shown = work.store.get("reports/results/2024-06/1/centres.html").decode()
    assert "21 August 2024 00:01 BST [placeholder]" in shown
    assert "MARK_PENDING 1, NO_CLAIM 1" in shown
    published = table(work, "reports/results/2024-06/1/centres-published.csv")
    assert [row["place"] for row in published] == [R_FILE, *FOR_CENTRES]


@pytest.mark.usefixtures("approved")
def test_a_release_is_told_once_in_states_and_never_twice(work: Desk) -> None:
    release_all(work)
    assert rows(work, "SELECT state FROM awardings") == [("released",)]
    before = outside(work)
    again = release(work, series(work), "centres", TO_LEARNERS)
    assert (again.files, again.fresh) == (3, 0)
    assert "0 of them by this run" in again.note()
    assert outside(work) == before


def test_res_6_built_twice_from_the_same_awarding_every_byte_is_the_same(work: Desk, proposed: Awarding) -> None:
    first = build(work, proposed, BUILT).awarding
    withdraw(work, first, WHO, "to look again", APPROVED)
    held = {stored.key: work.store.get(stored.key) for stored in work.store.list("embargo/")}
    frames = work.results.frames(first)
    fresh = work.results.record(
        series="2024-06", kind="series", at=AWARDED, conversions_sha256=first.conversions_sha256, sha256=first.sha256,
        counts=first.counts, frames=frames,
    )  # fmt: skip
    build(work, fresh, BUILT + SECOND)
    # The number of the one that was withdrawn is free again, so even the name is the same.
    assert work.store.get(embargoed("2024-06", 2, R_FILE)) == held[embargoed("2024-06", 1, R_FILE)]


# --- Who decides -----------------------------------------------------------------------------------------------------


def test_ops_3_approval_and_withdrawal_are_recorded_with_who_when_and_why(work: Desk, proposed: Awarding) -> None:
    built = build(work, proposed, BUILT).awarding
    for who, why in (("", WHY), (WHO, " ")):
        with pytest.raises(ReleaseError, match="say who is doing this and why"):
            approve(work, built, who, why, APPROVED)
    withdraw(work, approve(work, built, WHO, WHY, APPROVED), WHO, "a boundary is wrong", APPROVED + SECOND)
    recorded = rows(work, "SELECT action, who, why, series FROM actions WHERE action LIKE 'results%' ORDER BY id")
    assert recorded == [
        ("results_approved", WHO, WHY, "2024-06"),
        ("results_withdrawn", WHO, "a boundary is wrong", "2024-06"),
    ]


def test_ops_3_an_approval_recorded_by_a_run_that_died_is_not_refused_when_it_is_repeated(
    work: Desk, approved: Awarding
) -> None:
    assert approve(work, approved, WHO, WHY, APPROVED) == approved
    for who, at in (("B. Clerk", APPROVED), (WHO, APPROVED + SECOND)):
        with pytest.raises(ReleaseError, match="is approved: only what is built can be approved"):
            approve(work, approved, who, WHY, at)
    assert rows(work, "SELECT count(*) FROM actions WHERE action = 'results_approved'") == [(1,)]


def test_res_2_what_nobody_approved_is_not_released_and_the_error_says_what_to_do(
    work: Desk, proposed: Awarding
) -> None:
    with pytest.raises(ReleaseError, match=r"is proposed and not approved: `resultsday results build 2024-06`, "):
        release(work, series(work), "centres", TO_CENTRES)
    with pytest.raises(ReleaseError, match="is proposed: only what is built can be approved"):
        approve(work, proposed, WHO, WHY, APPROVED)
    build(work, proposed, BUILT)
    with pytest.raises(ReleaseError, match="is built and not approved: have it approved in the console or by"):
        release(work, series(work), "centres", TO_CENTRES)
    assert outside(work) == {}


def test_res_2_a_withdrawn_approval_stops_the_release(work: Desk, approved: Awarding) -> None:
    withdraw(work, approved, WHO, "a boundary is wrong", APPROVED)
    with pytest.raises(ReleaseError, match=r"was withdrawn by J. Clerk \(a boundary is wrong\): award again"):
        release(work, series(work), "centres", TO_CENTRES)
    assert outside(work) == {}


def test_res_2_what_is_published_in_part_cannot_be_withdrawn(work: Desk, approved: Awarding) -> None:
    release(work, series(work), "centres", TO_CENTRES)
    with pytest.raises(ReleaseError, match="cannot be withdrawn"):
        withdraw(work, approved, WHO, WHY, TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    with pytest.raises(ReleaseError, match="cannot be withdrawn"):
        withdraw(work, approved, WHO, WHY, TO_LEARNERS)


def test_res_2_a_version_that_waits_keeps_the_next_from_being_built(work: Desk, approved: Awarding) -> None:
    frames = work.results.frames(approved)
    other = work.results.record(
        series="2024-06", kind="series", at=AWARDED, conversions_sha256="", sha256="other", counts={}, frames=frames
    )
    with pytest.raises(ReleaseError, match="version 1 of the results of 2024-06 is approved and waits"):
        build(work, other, BUILT)


def test_res_6_what_was_refused_is_not_on_record_for_a_replay(work: Desk, proposed: Awarding) -> None:
    before = [entry.job for entry in work.journal.all()]
    with pytest.raises(ReleaseError, match="does not pass the gate"):
        unaccepted(work, proposed, BUILT)
    build(work, proposed, BUILT)
    with pytest.raises(ReleaseError):
        release(work, series(work), "centres", TO_CENTRES - SECOND)
    with pytest.raises(ReleaseError):
        approve(work, proposed, "", "", APPROVED)
    approve(work, proposed, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "centres", TO_CENTRES)
    assert [entry.job for entry in work.journal.all()] == [
        *before, "balance", *["accept_exception"] * 3, "build", "approve_results", "release"
    ]  # fmt: skip


def test_a_series_in_which_nobody_is_entered_has_nothing_to_release(work: Desk) -> None:
    assert release(work, series(work), "centres", TO_CENTRES).note().endswith("nobody is entered, nothing to release.")


# --- What was tampered with ------------------------------------------------------------------------------------------


def cut(desk: Desk, key: str) -> None:
    desk.store.put(key, desk.store.get(key)[:-1])


def forged(desk: Desk, key: str) -> None:
    desk.store.put(key, desk.store.get(key).replace(b"D2", b"M2"))


def gone(desk: Desk, key: str) -> None:
    [stored] = desk.store.list(key)
    desk.store.remove(stored)


@pytest.mark.parametrize(("harm", "place"), [(cut, FOR_CENTRES[0]), (gone, R_FILE), (forged, R_FILE)])
@pytest.mark.usefixtures("approved")
def test_res_2_a_file_that_was_changed_under_embargo_stops_everything(
    work: Desk, harm: Callable[[Desk, str], None], place: str
) -> None:
    harm(work, embargoed("2024-06", 1, place))
    with pytest.raises(ReleaseError, match=f"not as they were built: embargo/2024-06/1/{place}. Nothing was published"):
        release(work, series(work), "centres", TO_CENTRES)
    assert outside(work) == {}


@pytest.mark.parametrize("harm", [cut, gone])
def test_res_2_a_changed_manifest_is_neither_approved_nor_released(
    work: Desk, proposed: Awarding, harm: Callable[[Desk, str], None]
) -> None:
    built = build(work, proposed, BUILT).awarding
    manifest = embargoed("2024-06", 1, "manifest.json")
    good = work.store.get(manifest)
    harm(work, manifest)
    with pytest.raises(ReleaseError, match=r"manifest\.json is missing or not as it was built"):
        approve(work, built, WHO, WHY, APPROVED)
    work.store.put(manifest, good)
    approve(work, built, WHO, WHY, APPROVED)
    harm(work, manifest)
    with pytest.raises(ReleaseError, match=r"manifest\.json is missing or not as it was built"):
        release(work, series(work), "centres", TO_CENTRES)
    assert outside(work) == {}


@pytest.mark.usefixtures("approved")
def test_res_3_a_name_that_is_taken_is_not_written_over(work: Desk) -> None:
    work.store.put(R_FILE, b"somebody else's")
    with pytest.raises(ReleaseError, match="is there already with other content"):
        release(work, series(work), "centres", TO_CENTRES)
    assert work.store.get(R_FILE) == b"somebody else's"


# --- Stores and round trips ------------------------------------------------------------------------------------------


def test_res_2_on_s3_it_is_the_same(work: Desk, proposed: Awarding, bucket: S3Store) -> None:
    desk = evolve(work, store=bucket)
    approve(desk, build(desk, proposed, BUILT).awarding, WHO, WHY, APPROVED)
    with pytest.raises(ReleaseError, match="under embargo"):
        release(desk, series(desk), "centres", TO_CENTRES - SECOND)
    assert outside(desk) == {}
    release_all(desk)
    assert list(outside(desk)) == [R_FILE, *FOR_CENTRES, *FOR_LEARNERS]
    assert release(desk, series(desk), "learners", TO_LEARNERS).fresh == 0


def test_res_4_what_is_read_from_r_files_is_what_was_written(work: Desk, proposed: Awarding) -> None:
    results, awards = typed(work.results.frames(proposed))
    known = work.results.ulns(), work.results.own_numbers(proposed.series)
    of = records(results, awards, *known, work.catalogue, AWARDED)
    made = list(result_files(of, series(work), {CENTRE: 12, PORTAL_CENTRE: 1}, AWARDED))
    assert [one.name for one in made] == ["R5820115.X01", "R6412315.X12"]
    assert read_back({one.name: one.data for one in made}).equals(of)


@pytest.mark.usefixtures("approved")
def test_res_4_programs_of_schools_take_every_results_file(work: Desk) -> None:
    release(work, series(work), "centres", TO_CENTRES)
    data = work.store.get(R_FILE)
    assert {remark.what for remark in remarks({"R6412315.X01": data})} <= {"a partial absence"}
    assert unlike(work, series(work), AWARDED, {R_FILE: data}) == ()
    # As it was written before: a type that needs a score, and none.
    pending = data.replace(b"BEN99 1Q   ", b"BEN99 U   Q")
    assert pending != data
    [warning] = unlike(work, series(work), AWARDED, {R_FILE: pending})
    assert "a score that is no number" in warning


SERIES = CATALOGUE.series_by_id("2024-06")
_RECORD = st.fixed_dictionaries({
    "result_type": st.sampled_from("UB1"),
    "score": st.none() | st.integers(0, 300),
    "grade": st.sampled_from(["D2", "*2", "P1", "U", "X", "Q"]),
    "uln": st.sampled_from(["", "6070694642"]),
    "option": st.sampled_from(["BEN01", "BEN99"]),
})  # fmt: skip


@settings(derandomize=True, deadline=None)
@given(said=st.lists(_RECORD, min_size=1, max_size=8), sequence=st.integers(1, 99))
def test_res_4_any_result_comes_back_from_its_record(said: list[dict[str, Any]], sequence: int) -> None:
    people = ["641230220001D", "641230220002K"]
    of = pl.DataFrame(
        [
            {"centre": CENTRE, "candidate": f"{number:04d}", "uci": people[number % 2], **one,
             "partial": "#" if one["result_type"] == "B" else "",
             "score": one["score"] if one["result_type"] != "1" else None}
            for number, one in enumerate(said, 1)
        ],
        schema=RECORDS,
    )  # fmt: skip
    assert SERIES
    [made] = result_files(of, SERIES, {CENTRE: sequence}, AWARDED)
    read_again = read(made.name, made.data)
    assert (read_again.findings, read_again.sequence) == ((), sequence)
    assert read_again.layout is FILE_TYPES["R"].detail
    assert read_back({made.name: made.data}).equals(of)
