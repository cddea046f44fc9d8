"""The gate before issue (AWD-7): the sheet, what is accepted by whom, and that a mistake of the first computation or a
lost entry is found."""

from __future__ import annotations

import json
from datetime import timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from bench.ledgers import rewritten
from infra.ledger import tables as t
from infra.ledger.approvals import Signer
from infra.ledger.results import Awarding
from pipeline.approvals import ApprovalError, decide, listed, put_forward
from pipeline.awarding.balance import balance, weigh
from pipeline.awarding.exception_approval import accept
from pipeline.awarding.preview import preview
from pipeline.desk import Desk
from pipeline.results import release
from pipeline.results.embargo import ReleaseError, manifest_key
from rules import terms
from rules.balance import shifted
from tests.pipeline.results_season import APPROVED, AWARDED, BUILT, CENTRE, PORTAL_CENTRE, WHO, WHY, awarded

MINUTE = timedelta(minutes=1)
MISSING = "2024-06 BOARD_MARK_MISSING BEN03"
UNMODERATED = ("2024-06 MODERATION_OPEN BEN01", "2024-06 MODERATION_OPEN BEN02")
"""The season is told without its moderation (MOD-1)."""


@pytest.fixture
def proposed(work: Desk) -> Awarding:
    """Results of a season in which 0003 has no mark for BEN03 yet, and whose marks a person has accepted as they
    stand."""
    awarding = awarded(work)
    balance(work, awarding, AWARDED)
    for subject in UNMODERATED:
        accept(work, subject, WHO, WHY, AWARDED)
    return awarding


def test_awd_7_the_balance_sheet_adds_up_and_names_what_blocks(work: Desk, proposed: Awarding) -> None:
    sheet = weigh(work, proposed).sheet
    assert sheet["entries"] == {"absent": 1, "graded": 13, "pending": 1}
    assert sheet["claims"] == {"MARK_PENDING": 1, "awarded": 3}
    assert sheet["recomputed"] == {"results": 15, "claims": 4, "different": 0}
    assert sheet["exceptions"] == [
        {"code": "BOARD_MARK_MISSING", "component": "BEN03", "count": 1},
        {"code": "MODERATION_OPEN", "component": "BEN01", "count": 2},
        {"code": "MODERATION_OPEN", "component": "BEN02", "count": 2},
    ]


def test_awd_7_mod_1_marks_of_which_no_sample_was_drawn_block_until_a_person_accepts_them(work: Desk) -> None:
    weighed = weigh(work, awarded(work))
    assert weighed.blocking.rows() == [
        ("BOARD_MARK_MISSING", "BEN03", 1), ("MODERATION_OPEN", "BEN01", 2), ("MODERATION_OPEN", "BEN02", 2)
    ]  # fmt: skip
    said = weighed.exceptions.filter(code="MODERATION_OPEN").select("centre", "component", "said")
    assert said.rows() == [
        (centre, component, "no sample was drawn")
        for component in ("BEN01", "BEN02") for centre in (PORTAL_CENTRE, CENTRE)
    ]  # fmt: skip


def test_awd_7_ops_4_an_exception_is_put_forward_and_accepted_in_the_console_and_is_on_the_pages(
    work: Desk, proposed: Awarding
) -> None:
    balance(work, proposed, AWARDED)
    assert put_forward(work, BUILT) == (f"exception {MISSING}",)
    [asked] = listed(work)
    decide(work, asked.id, terms.APPROVED, Signer("jane", terms.BY_CONSOLE), "found, marked in September", BUILT)
    assert listed(work) == []
    built = release.build(work, proposed, BUILT).awarding
    sheet = json.loads(work.store.get(manifest_key(built)))["balance"]
    [accepted] = [each for each in sheet["accepted"] if each["code"] == "BOARD_MARK_MISSING"]
    assert (accepted["by"], accepted["why"], accepted["count"]) == ("jane", "found, marked in September", 1)
    page = next(key for key in preview(work, built) if key.endswith("index.html"))
    shown = " ".join(work.store.get(page).decode().split())
    assert "1 of BEN03, by jane, 12 August 2024" in shown
    on_record = work.actions.everything("").filter(action="exception_accepted").select("who", "option", "event").rows()
    assert on_record[0] == ("jane", "BEN03", "BOARD_MARK_MISSING")


def test_awd_7_taken_back_in_the_console_it_blocks_again(work: Desk, proposed: Awarding) -> None:
    balance(work, proposed, AWARDED)
    put_forward(work, BUILT)
    [asked] = listed(work)
    jane = Signer("jane", terms.BY_CONSOLE)
    decide(work, asked.id, terms.APPROVED, jane, "as it is", BUILT)
    built = release.build(work, proposed, BUILT).awarding
    assert decide(work, asked.id, terms.REJECTED, jane, "too early", BUILT + MINUTE).state == terms.REJECTED
    with pytest.raises(ReleaseError, match=r"does not pass the gate \(AWD-7\): BOARD_MARK_MISSING BEN03 \(1\)"):
        release.approve(work, built, WHO, WHY, APPROVED)


@pytest.mark.parametrize(
    ("table", "column", "value", "about"),
    [("results", "ums", 61, "BEN01"), ("results", "grade", "U", "BEN03"), ("awards", "ums", 251, "BEN99")],
)
def test_awd_7_a_wrong_ums_or_grade_in_a_version_is_found_by_the_second_computation(
    work: Desk, proposed: Awarding, table: str, column: str, value: object, about: str
) -> None:
    accept_all(work, proposed)
    code = "cash_in" if table == "awards" else "component"
    change = sa.text(f"UPDATE {table} SET {column} = :value WHERE centre = :centre AND candidate = '0002' AND "
                     f"{code} = :about AND awarding_id = :id")  # fmt: skip
    with rewritten(work.settings.database_url, work.store) as connection:
        changed = connection.execute(
            change, {"value": value, "centre": CENTRE, "about": about, "id": proposed.id}
        ).rowcount
    assert changed == 1
    blocking = weigh(work, proposed).blocking.rows()
    # What the version alone says is the ledger's difference too; it is told once.
    assert blocking == [("STALE", about, 1)]
    with pytest.raises(ReleaseError):
        release.build(work, proposed, BUILT)


def test_awd_7_what_the_first_computation_gets_wrong_is_found_by_the_second(
    work: Desk, proposed: Awarding, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_all(work, proposed)
    # As if the first computation had made another table: every UMS of BEN01 one more than the boundaries give.
    wrong = {"ums": [value + 1 for value in table_of(work, "BEN01")]}
    with rewritten(work.settings.database_url, work.store) as connection:
        mine = (t.conversions.c.component == "BEN01") & (t.conversions.c.series == "2024-06")
        connection.execute(t.conversions.update().where(mine).values(wrong))
        connection.execute(sa.text("UPDATE results SET ums = ums + 1 WHERE component = 'BEN01' AND ums > 0"))
        connection.execute(sa.text("UPDATE awards SET ums = ums + 1 WHERE ums > 0"))
        connection.execute(sa.text("UPDATE choices SET ums = ums + 1 WHERE component = 'BEN01' AND ums > 0"))
    found = weigh(work, proposed)
    assert "STALE" not in set(found.blocking["code"])
    assert ("COMPUTED_OTHERWISE", "BEN01", 5) in found.blocking.rows()
    balance(work, proposed, AWARDED)
    with pytest.raises(ApprovalError, match="COMPUTED_OTHERWISE cannot be accepted"):
        accept(work, "2024-06 COMPUTED_OTHERWISE BEN01", WHO, WHY, BUILT)


def test_awd_7_a_result_that_was_lost_from_a_version_is_found(work: Desk, proposed: Awarding) -> None:
    accept_all(work, proposed)
    with rewritten(work.settings.database_url, work.store) as connection:
        connection.execute(t.results.delete().where(t.results.c.candidate == "0004"))
    assert ("NO_RESULT", "BEN01", 1) in weigh(work, proposed).blocking.rows()


def accept_all(desk: Desk, proposed: Awarding) -> None:
    balance(desk, proposed, AWARDED)
    accept(desk, MISSING, WHO, WHY, AWARDED)


def table_of(desk: Desk, component: str) -> list[int]:
    return list(next(one for one in desk.results.conversions("2024-06") if one.component == component).ums)


@pytest.mark.parametrize(("now", "moved"), [(60, []), (61, ["BEN22"])])
def test_awd_7_grades_that_move_further_than_the_threshold_block_and_up_to_it_they_do_not(
    now: int, moved: list[str]
) -> None:
    rows = [("BEN22", "L2P", now, 50), ("BEN22", "U", 100 - now, 50), ("BSP22", "L2P", 9, 1), ("BSP22", "U", 1, 9)]
    shares = pl.DataFrame(rows, schema=["registration", "grade", "awards", "before"], orient="row")
    # The second qualification has moved far, and has too few awards to say anything.
    assert shifted(shares, ["L2P", "U"], points=10, least=100)["component"].to_list() == moved
