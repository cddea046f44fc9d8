"""After results day (RES-3, CRT-5 to CRT-7): later claims, updated files, what cannot be taken back, certificates."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from bench.compared import State
from bench.crashes import state
from bench.ledgers import rewritten
from infra.ledger.results import Awarding
from pipeline.awarding.award import award
from pipeline.desk import Desk
from pipeline.learners.orders import Details, correct_details
from pipeline.orders import Order
from pipeline.results.after_results import late_claims, updated
from pipeline.results.certificates import certificates, changed
from pipeline.results.embargo import ReleaseError
from pipeline.results.release import LAST_NUMBER, approve, release, release_claims
from pipeline.results.result_files import changes, read_back
from rules import terms
from rules.catalogue import LONDON
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
    build,
    outside,
    play,
    series,
)
from tests.scenario_language import Season

CLAIMED = datetime(2024, 9, 2, 12, tzinfo=LONDON)
NEXT_DAY = CLAIMED + timedelta(hours=20)
ASKED = datetime(2024, 9, 5, 12, tzinfo=LONDON)
IN_TIME = datetime(2024, 7, 5, 12, tzinfo=LONDON)
FIRST, SECOND_FILE = f"outbox/{CENTRE}/R6412315.X01", f"outbox/{CENTRE}/R6412315.X02"
CLAIM = "2024-09-02 12:00 BST | staff enters 0004 BEN99 | accepted"


@pytest.fixture
def released(work: Desk) -> Season:
    """The season up to results day, everything out."""
    season = play(work)
    awarding = award(work, series(work), AWARDED).awarding
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    return season


def table(desk: Desk, key: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(desk.store.get(key).decode())))


def ask(desk: Desk, *centres: str, at: datetime = ASKED) -> tuple[list[str], list[str]]:
    """Places written and centres unchanged."""
    done = updated(desk, centres, at, series(desk), WHO, "the centre asked for it")
    return list(done.files), list(done.unchanged)


# --- Later claims ----------------------------------------------------------------------------------------------------


def test_crt_6_a_claim_after_results_day_is_in_the_portal_the_next_day_and_in_no_r_file(released: Season) -> None:
    desk = released.desk
    assert late_claims(desk, TO_LEARNERS).note() == "0 later claims decided, 0 awarded, in 0 portal feeds."
    before = outside(desk)
    released.step(CLAIM)
    done = late_claims(desk, NEXT_DAY)
    assert (done.published, done.claims, done.awarded) == (1, 1, 1)
    new = {key: data for key, data in outside(desk).items() if key not in before}
    assert list(new) == [f"portal/centres/2024-06/2/{CENTRE}.csv", f"portal/learners/2024-06/2/{CENTRE}.csv"]
    [award_row] = [row for row in table(desk, f"portal/centres/2024-06/2/{CENTRE}.csv") if row["kind"] == "award"]
    assert (award_row["candidate"], award_row["ums"], award_row["grade"], award_row["version"]) == (
        "0004", "186", "L2P", "2",
    )  # fmt: skip
    assert {row["candidate"] for row in table(desk, f"portal/learners/2024-06/2/{CENTRE}.csv")} == {"0004"}
    assert rows(desk, "SELECT version, kind, state FROM awardings ORDER BY 1") == [
        (1, "series", "released"), (2, "claims", "released"),
    ]  # fmt: skip
    assert late_claims(desk, NEXT_DAY + SECOND).published == 0


def test_awd_4_a_pending_result_follows_when_its_mark_has_come(released: Season) -> None:
    desk = released.desk
    assert late_claims(desk, NEXT_DAY - SECOND).published == 0
    released.step("2024-08-28 12:00 BST | board marks BEN03 0003=40 | 1 new")
    done = late_claims(desk, NEXT_DAY)
    assert (done.published, done.claims, done.awarded) == (1, 1, 1)
    told = table(desk, f"portal/centres/2024-06/2/{CENTRE}.csv")
    assert {row["candidate"] for row in told} == {"0003"}
    # It holds instead of the pending one, and nothing is awarded twice.
    held = desk.results.current("2024-06")
    assert "pending" not in {*held["results"]["outcome"], *held["awards"]["outcome"]}
    assert late_claims(desk, NEXT_DAY + SECOND).published == 0
    assert ask(desk, CENTRE) == ([f"outbox/{CENTRE}/R6412315.X02"], [])


def test_res_2_a_later_claim_shows_nothing_before_the_results_are_released(work: Desk) -> None:
    season = play(work)
    awarding = award(work, series(work), AWARDED).awarding
    season.step("2024-08-12 12:00 BST | staff enters 0004 BEN99 | accepted")
    build(work, awarding, BUILT)
    assert late_claims(work, TO_CENTRES - SECOND).published == 0
    assert outside(work) == {}
    claims = work.results.record(
        series="2024-06", kind="claims", at=AWARDED, conversions_sha256="", sha256="", counts={},
        frames=work.results.frames(awarding),
    )  # fmt: skip
    with pytest.raises(ReleaseError, match="cannot be released like a later claim"):
        release_claims(work, claims, BUILT)


def test_crt_6_a_claim_between_award_and_results_day_is_told_and_awarded_after_it(work: Desk) -> None:
    season = play(work)
    awarding = award(work, series(work), AWARDED).awarding
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    season.step("2024-08-15 12:00 BST | staff enters 0004 BEN99 | accepted")
    release(work, series(work), "centres", TO_CENTRES)
    without = table(work, "reports/results/2024-06/1/centres-without-award.csv")
    assert [(row["candidate"], row["code"]) for row in without] == [("0003", "MARK_PENDING"), ("0004", "AFTER_CUT_OFF")]
    assert late_claims(work, TO_CENTRES).published == 0
    release(work, series(work), "learners", TO_LEARNERS)
    assert late_claims(work, TO_LEARNERS).awarded == 1


def test_crt_5_a_claim_that_has_become_a_result_cannot_be_withdrawn_any_more(released: Season) -> None:
    released.step("2024-09-02 12:00 BST | staff withdraws 0002 BEN99 | refused CLAIM_AWARDED")
    released.step("0002 holds BEN01 BEN02 BEN03 BEN99")


def test_res_7_a_late_claim_issues_the_claim_and_no_changed_component_result(released: Season) -> None:
    desk = released.desk
    # A mark that got into the ledger past every rule.
    mark = {"centre": CENTRE, "series": "2024-06", "candidate": "0004", "uci": released.learners["0004"]["uci"],
            "component": "BEN03", "version": 2, "stage": "external", "mark": 60, "status": "", "tasks": "",
            "source": "test", "line": 1, "received": CLAIMED}  # fmt: skip
    desk.marks.add(pl.DataFrame([mark]))
    released.step(CLAIM)
    assert late_claims(desk, NEXT_DAY).awarded == 1
    [told] = table(desk, f"portal/centres/2024-06/2/{CENTRE}.csv")
    assert (told["kind"], told["ums"], told["grade"]) == ("award", "186", "L2P")


def test_res_7_the_register_says_what_was_issued_when_by_which_version_and_what_took_its_place(
    released: Season,
) -> None:
    desk, uci = released.desk, released.learners["0003"]["uci"]
    released.step("2024-08-28 12:00 BST | board marks BEN03 0003=40 | 1 new")
    late_claims(desk, NEXT_DAY)
    found = desk.results.register(uci).select("code", "outcome", "version", "issued_at", "superseded_by").rows()
    assert found == [
        ("BEN01", "graded", 1, TO_CENTRES, None),
        ("BEN02", "graded", 1, TO_CENTRES, None),
        ("BEN03", "pending", 1, TO_CENTRES, 2),
        ("BEN03", "graded", 2, NEXT_DAY, None),
        ("BEN99", "pending", 1, TO_CENTRES, 2),
        ("BEN99", "awarded", 2, NEXT_DAY, None),
    ]


# --- Updated files ---------------------------------------------------------------------------------------------------


def test_res_3_an_updated_file_is_complete_has_the_next_number_and_a_note_without_names(released: Season) -> None:
    desk = released.desk
    first = desk.store.get(FIRST)
    released.step(CLAIM)
    late_claims(desk, NEXT_DAY)
    assert ask(desk, CENTRE) == ([SECOND_FILE], [])
    assert desk.store.get(FIRST) == first
    lines = desk.store.get(SECOND_FILE).decode("ascii").splitlines()
    before = first.decode("ascii").splitlines()
    assert lines[1][13:16] == "002"
    assert [line for line in lines[2:-2] if line not in before] == [
        "R5641230004641230220004B1273222864      BEN99 U186P2       "
    ]
    assert [line for line in before[2:-2] if line not in lines] == []
    note = desk.store.get(f"{SECOND_FILE}.txt").decode("ascii").replace("\r\n", "\n")
    assert "Replaces    R6412315.X01\n" in note
    assert "CHANGES  1 added, 0 changed, 0 removed\n" in note
    assert "  0004       BEN99   added    -           186 P2\n" in note
    names = {learner["name"].split(":")[0] for learner in released.learners.values()}
    assert not [name for name in names if name in note.upper()]


def _heads(held: State) -> set[str]:
    return {key for key in held if key.startswith("seals/")}


def test_res_3_without_a_change_nothing_is_written_and_that_is_said(released: Season) -> None:
    desk = released.desk
    before = state(desk.settings)
    done = updated(desk, [CENTRE], ASKED, series(desk), WHO, WHY)
    assert done.note() == (
        "Results 2024-06: 0 updated files written. Nothing has changed for 64123: the last file still holds."
    )
    after = state(desk.settings)
    # The audit that comes before it leaves the head it has seen (OPS-7).
    assert {key for key, held in after.items() if before.get(key) != held} == set(_heads(after) - _heads(before))


def test_res_3_a_centre_that_had_none_gets_its_first_file(released: Season) -> None:
    place = f"outbox/{PORTAL_CENTRE}/R5820115.X01"
    assert ask(released.desk, PORTAL_CENTRE, CENTRE) == ([place], [CENTRE])
    note = released.desk.store.get(f"{place}.txt").decode("ascii")
    assert "Replaces    nothing: the first results file of this centre" in note
    assert "CHANGES  4 added, 0 changed, 0 removed" in note
    assert ask(released.desk, PORTAL_CENTRE) == ([], [PORTAL_CENTRE])


def test_res_3_the_request_is_recorded_and_every_further_one_has_its_own_number(released: Season) -> None:
    desk = released.desk
    released.step(CLAIM)
    late_claims(desk, NEXT_DAY)
    ask(desk, CENTRE)
    # What is issued is only changed by a correction, which has a file of its own; a UCI is put right by staff.
    released.step("2024-09-05 12:00 BST | staff corrects 0002 to 582012110007M")
    assert ask(desk, CENTRE, at=ASKED + SECOND) == ([f"outbox/{CENTRE}/R6412315.X03"], [])
    note = " ".join(desk.store.get(f"outbox/{CENTRE}/R6412315.X03.txt").decode("ascii").split())
    assert "0002 BEN01 changed 75 D2 75 D2 (UCI or ULN corrected)" in note
    assert rows(
        desk, "SELECT who, why, centre, file_name FROM actions WHERE action = 'results_updated' ORDER BY id"
    ) == [
        (WHO, "the centre asked for it", CENTRE, "R6412315.X02"),
        (WHO, "the centre asked for it", CENTRE, "R6412315.X03"),
    ]


def test_res_3_a_name_is_never_used_again(released: Season) -> None:
    desk = released.desk
    released.step(CLAIM)
    late_claims(desk, NEXT_DAY)
    with desk.ledger.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE release_files SET sequence = {LAST_NUMBER} WHERE sequence = 1"))
    with pytest.raises(ReleaseError, match="centre 64123 has had 99 results files: there is no name for another"):
        ask(desk, CENTRE)


def test_res_3_what_cannot_be_updated_is_told(work: Desk) -> None:
    play(work)
    with pytest.raises(ReleaseError, match="are not released yet"):
        ask(work, CENTRE)
    awarding = award(work, series(work), AWARDED).awarding
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    # Learners' results are under embargo still.
    with pytest.raises(ReleaseError, match="are not released yet"):
        ask(work, CENTRE)
    release(work, series(work), "learners", TO_LEARNERS)
    with pytest.raises(ReleaseError, match="there are no results of May/June 2024 for centre 99999"):
        ask(work, CENTRE, "99999")
    with pytest.raises(ReleaseError, match="say who is doing this and why"):
        updated(work, [CENTRE], ASKED, series(work), WHO, "")


def test_res_3_the_note_tells_added_changed_removed_and_corrected_identities() -> None:
    def state(*results: tuple[str, str, int | None, str]) -> pl.DataFrame:
        rows = [
            {"centre": CENTRE, "candidate": candidate, "uci": uci, "uln": "", "option": "BEN99", "result_type": "U",
             "score": score, "grade": grade, "partial": ""}
            for candidate, uci, score, grade in results
        ]  # fmt: skip
        return pl.DataFrame(rows, schema_overrides={"score": pl.Int32})

    same = ("0001", "A", 180, "P2")
    before = state(same, ("0002", "B", 180, "P2"), ("0003", "C", None, "Q"), ("0004", "D", 90, "P1"))
    now = state(same, ("0003", "C", 210, "M2"), ("0004", "X", 90, "P1"), ("0005", "E", 10, "U"))
    assert changes(before, now).select("candidate", "what", "before", "now").rows() == [
        ("0002", "removed", "180 P2", "-"),
        ("0003", "changed", "Q", "210 M2"),
        ("0004", "changed", "90 P1", "90 P1  (UCI or ULN corrected)"),
        ("0005", "added", "-", "10 U"),
    ]
    assert changes(now, now).is_empty()
    assert read_back({}).is_empty()


# --- Certificates ----------------------------------------------------------------------------------------------------


def test_crt_7_certificates_are_due_on_the_day_of_the_series(released: Season) -> None:
    desk = released.desk
    assert certificates(desk, series(desk), ASKED) == 3
    due = table(desk, "reports/certificates/2024-06-2024-11-08.csv")
    assert [(row["centre"], row["candidate"], row["grade"]) for row in due] == [
        (PORTAL_CENTRE, "0001", "L2M"), (CENTRE, "0001", "L1D"), (CENTRE, "0002", "L2D"),
    ]  # fmt: skip
    assert {row["due"] for row in due} == {"2024-11-08"}
    assert all(row["name"] for row in due)
    shown = desk.store.get("reports/certificates/2024-06.html").decode()
    assert "8 November 2024 [placeholder]" in shown


def test_crt_8_a_certificate_has_one_number_however_often_it_is_listed(released: Season) -> None:
    desk = released.desk
    for _ in range(2):
        certificates(desk, series(desk), ASKED)
        due = table(desk, "reports/certificates/2024-06-2024-11-08.csv")
        assert [row["number"] for row in due] == ["2024-06-000001", "2024-06-000002", "2024-06-000003"]
    register = desk.corrections.certificates(["2024-06"])
    assert register.select("number", "state").rows() == [(row["number"], terms.DUE) for row in due]


def test_crt_8_listed_certificates_are_looked_at_again_for_another_name_or_a_late_claim(released: Season) -> None:
    desk = released.desk
    assert changed(desk, NEXT_DAY) == []  # nothing is listed yet
    certificates(desk, series(desk), CLAIMED)
    assert changed(desk, CLAIMED) == []
    released.step(CLAIM)
    late_claims(desk, NEXT_DAY)
    assert changed(desk, NEXT_DAY) == []  # it was not asked for with the claim
    with rewritten(desk.settings.database_url, desk.store) as connection:
        connection.execute(sa.text("UPDATE awards SET claimed_at = :at WHERE candidate = '0004'"), {"at": IN_TIME})
    assert changed(desk, NEXT_DAY) == [series(desk)]
    certificates(desk, series(desk), ASKED)
    assert changed(desk, ASKED) == []
    [(uci,)] = set(rows(desk, "SELECT uci FROM awards WHERE candidate = '0002'"))
    correct_details(desk, uci, Details(name="OKORO:ADA"), Order(WHO, WHY, ASKED + SECOND))
    assert changed(desk, ASKED + 2 * SECOND) == [series(desk)]
    certificates(desk, series(desk), ASKED + 2 * SECOND)
    assert changed(desk, ASKED + 3 * SECOND) == []


def test_crt_7_after_the_late_window_a_certificate_is_made_only_if_it_was_asked_for(released: Season) -> None:
    """The window ends with 5 July 2024, in London."""
    desk = released.desk
    released.step(CLAIM)
    late_claims(desk, NEXT_DAY)
    assert certificates(desk, series(desk), ASKED) == 3
    [asked] = table(desk, "reports/certificates/2024-06-on-request.csv")
    assert (asked["candidate"], asked["grade"]) == ("0004", "L2P")
    closes = datetime(2024, 7, 6, tzinfo=LONDON)
    for claimed, on_request in ((closes - SECOND, 0), (closes, 1)):
        with rewritten(desk.settings.database_url, desk.store) as connection:
            statement = sa.text("UPDATE awards SET claimed_at = :at WHERE candidate = '0004'")
            connection.execute(statement, {"at": claimed})
        assert certificates(desk, series(desk), ASKED) == 4 - on_request
        assert len(table(desk, "reports/certificates/2024-06-on-request.csv")) == on_request


def test_crt_7_there_is_no_certificate_for_a_u_or_before_the_release(work: Desk) -> None:
    play(work)
    with pytest.raises(ReleaseError, match="not released yet: no certificate is due"):
        certificates(work, series(work), ASKED)
    with rewritten(work.settings.database_url, work.store) as connection:
        connection.execute(sa.text("UPDATE marks SET mark = 5 WHERE candidate = '0002' AND centre = '64123'"))
    awarding: Awarding = award(work, series(work), AWARDED).awarding
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)
    assert certificates(work, series(work), ASKED) == 2
