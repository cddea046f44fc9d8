"""Moderation over a real ledger and store (MOD-1, MOD-2, MRK-2, OPS-3): once each, whatever is run twice."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve

from infra.ledger.actions import Action
from infra.ledger.moderation import CohortName
from infra.ledger.tables import actions, cohorts, draws, entries, marks, metadata, samples
from infra.store import FolderStore
from pipeline.desk import Desk
from pipeline.feeds import report_key
from pipeline.marking import moderation
from pipeline.marking.approval_page import scatter
from pipeline.marking.moderation import NotProposed, approve, reject, review, take
from pipeline.marking.samples import sample
from rules.moderation import propose
from tests.pipeline.marking.cohorts import (
    AMENDED_BY,
    CENTRE,
    DEADLINE,
    JUNE,
    SUMMER,
    cohort,
    deliver,
    drawn,
    enter,
    enter_unmarked,
    moderate,
    rows,
    uci,
    version,
)

BEN01 = CohortName("2024-06", CENTRE, "BEN01")
SECOND = timedelta(seconds=1)


@pytest.fixture
def marked(work: Desk) -> Desk:
    """The desk with 40 learners entered for BEN01 and 6 for BEN02, all with a mark."""
    enter(work, "BEN01", [n % 41 + 15 for n in range(40)])
    enter(work, "BEN02", [20, 30, 40, 41, 42, 50])
    return work


def amend(desk: Desk, difference: int) -> None:
    """The centre amends every mark of BEN01."""
    with desk.ledger.engine.begin() as connection:
        newest = connection.execute(sa.select(marks).where(marks.c.component == "BEN01")).mappings().all()
        connection.execute(
            marks.insert(),
            [
                version(
                    one["uci"], candidate=one["candidate"], mark=one["mark"] + difference, version=2, stage="amended"
                )
                for one in newest
            ],
        )


def said(desk: Desk, key: str) -> str:
    return desk.store.get(key).decode("utf-8").replace("\r\n", "\n")


def everything(desk: Desk) -> dict[str, Any]:
    """Every row of the ledger but the journal of runs, and every file of the store."""
    kept = {name: table for name, table in metadata.tables.items() if table.primary_key.columns and name != "journal"}
    tables = {name: rows(desk, table).rows() for name, table in kept.items()}
    return tables | {stored.key: desk.store.get(stored.key) for stored in desk.store.list("") if stored.kind == "file"}


@pytest.fixture
def proposed(marked: Desk) -> Desk:
    """The desk with an adjustment of five marks down that waits for a person."""
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -5)
    review(marked, AMENDED_BY)
    return marked


# --- The samples -----------------------------------------------------------------------------------------------------


def test_mod_1_samples_are_drawn_when_the_marks_deadline_has_passed_to_the_second(marked: Desk) -> None:
    enter_unmarked(marked, "BEN01", 99)
    enter_unmarked(marked, "BEN02", 99)
    assert sample(marked, SUMMER, DEADLINE - SECOND).drawn == 0
    assert rows(marked, cohorts).is_empty()
    assert sample(marked, SUMMER, DEADLINE).drawn == 2
    assert (cohort(marked)["size"], drawn(marked).height) == (40, 10)
    assert (cohort(marked, "BEN02")["size"], drawn(marked, "BEN02").height) == (6, 6)
    assert {15, 54} <= set(drawn(marked)["centre_mark"])


def test_mod_1_cal_3_a_centre_with_an_extension_is_sampled_after_it(marked: Desk) -> None:
    enter_unmarked(marked, "BEN01", 99)
    enter_unmarked(marked, "BEN02", 99)
    until = DEADLINE + timedelta(days=3)
    marked.actions.record(
        Action(
            at=DEADLINE - SECOND, who="A. Clerk", why="flood", action="extension", centre=CENTRE, series=SUMMER.id,
            event="marks_deadline", until=until,
        )
    )  # fmt: skip
    assert sample(marked, SUMMER, until - SECOND).drawn == 0
    assert sample(marked, SUMMER, until).drawn == 2


def test_mod_1_only_entered_learners_with_a_mark_of_the_centre_are_in_the_cohort(work: Desk) -> None:
    enter(work, "BEN01", [20, 30, None, 40])
    with work.ledger.engine.begin() as connection:
        withdrawn = entries.c.uci == uci(2)
        connection.execute(entries.update().where(withdrawn).values(ended_by=entries.c.submission_id))
        connection.execute(
            marks.insert().values(version(uci(4), mark=45, candidate="0004", version=2, stage="amended"))
        )
        connection.execute(marks.insert().values(version(uci(9), mark=9, component="BEN03", stage="external")))
    assert sample(work, SUMMER, DEADLINE).drawn == 1
    assert drawn(work).select("uci", "centre_mark").rows() == [(uci(1), 20), (uci(4), 45)]


def test_mod_1_the_centre_is_told_whose_work_to_send_and_by_when(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    text = said(marked, f"outbox/{CENTRE}/sample-2024-06-BEN02.txt")
    table = pl.read_csv(marked.store.get(f"outbox/{CENTRE}/sample-2024-06-BEN02.csv"), infer_schema=False)
    assert "these 6 learners by the end of 21 May 2024 [placeholder]" in " ".join(text.split())
    assert table.rows()[0] == ("0001", uci(1), "20", "lowest", "2024-05-22T00:00:00+01:00")
    assert all(f"{n:04d}" in text and uci(n) in text for n in range(1, 7))


def test_mod_1_sampling_twice_changes_nothing(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    before = everything(marked)
    assert sample(marked, SUMMER, JUNE).drawn == 0
    assert everything(marked) == before


def test_mod_1_a_run_that_dies_while_it_writes_draws_the_same_again(
    marked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(FolderStore, "put", _fails)
        with pytest.raises(OSError, match="no space"):
            sample(marked, SUMMER, DEADLINE)
    assert rows(marked, cohorts).is_empty()
    assert rows(marked, samples).is_empty()
    assert sample(marked, SUMMER, DEADLINE).drawn == 2


def _fails(*_: object) -> None:
    raise OSError("no space left")


def test_mod_1_two_runs_at_once_draw_once(marked: Desk) -> None:
    with marked.ledger.exclusive("moderation") as alone:
        assert alone
        assert sample(marked, SUMMER, DEADLINE).drawn == 0
    assert rows(marked, cohorts).is_empty()


OPENS = datetime.fromisoformat("2024-04-01T00:00:00+01:00")
APRIL = datetime(2024, 4, 3, 4, tzinfo=UTC)


def replaced(desk: Desk, number: int, mark: int, received: datetime) -> None:
    """The centre replaces a learner's mark of BEN01."""
    with desk.ledger.engine.begin() as connection:
        connection.execute(
            marks.insert().values(
                version(uci(number), candidate=f"{number:04d}", mark=mark, version=2) | {"received": received}
            )
        )


def kept_draws(desk: Desk) -> list[tuple[int, str, int]]:
    """Every draw of BEN01: its number, why, how many."""
    frame = rows(desk, draws).join(rows(desk, cohorts), left_on="cohort_id", right_on="id")
    by = frame.filter(pl.col("component") == "BEN01").group_by("number", "why").len().sort("number")
    return [(number, why, count) for number, why, count in by.iter_rows()]


def test_mod_3_a_complete_cohort_is_sampled_from_the_day_moderation_opens(marked: Desk) -> None:
    enter_unmarked(marked, "BEN02", 99)
    assert sample(marked, SUMMER, OPENS - SECOND).drawn == 0
    assert sample(marked, SUMMER, OPENS).drawn == 1
    assert kept_draws(marked) == [(1, "all_marked", 10)]
    assert sample(marked, SUMMER, DEADLINE).drawn == 1


def test_mod_3_a_new_highest_mark_draws_anew_and_keeps_the_moderator_s_marks(marked: Desk) -> None:
    sample(marked, SUMMER, APRIL)
    before = drawn(marked)
    highest = before.row(by_predicate=pl.col("reason") == "highest", named=True)
    with marked.ledger.engine.begin() as connection:
        connection.execute(samples.update().where(samples.c.uci != highest["uci"]).values(moderated_mark=20))
    newcomer = next(n for n in range(1, 41) if uci(n) not in set(before["uci"]))
    replaced(marked, newcomer, 60, APRIL)
    later = APRIL + timedelta(days=1)
    assert sample(marked, SUMMER, later).redrawn == 1
    after = drawn(marked)
    assert after.filter(pl.col("reason") == "highest")["uci"].to_list() == [uci(newcomer)]
    stayed = after.filter(pl.col("uci").is_in(before["uci"].implode()), pl.col("uci") != highest["uci"])
    assert set(stayed["moderated_mark"]) == {20}
    assert kept_draws(marked) == [(1, "all_marked", 10), (2, "the highest mark is now 60, not 54", 10)]
    assert "drawn anew on 4 April 2024" in said(marked, f"outbox/{CENTRE}/sample-2024-06-BEN01.txt")
    unchanged = everything(marked)
    assert sample(marked, SUMMER, later + SECOND).redrawn == 0
    assert everything(marked) == unchanged


def test_mod_3_after_feedback_nothing_is_drawn_anew(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -5)
    amend(marked, -4)
    assert sample(marked, SUMMER, AMENDED_BY).redrawn == 0
    assert kept_draws(marked) == [(1, "deadline", 10)]


# --- The moderator's marks -------------------------------------------------------------------------------------------


def test_mod_2_within_tolerance_the_centres_marks_stand(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, 3)
    found = cohort(marked)
    assert (found["state"], found["tolerance"], found["difference"], found["feedback_until"]) == ("agreed", 3, 3, None)
    assert cohort(marked, "BEN02")["state"] == "sampled"
    assert "agreed: the centre's marks stand" in said(marked, "reports/moderation/june.txt")


def test_mod_2_outside_tolerance_the_centre_gets_feedback_and_time(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -4)
    found = cohort(marked)
    assert (found["state"], found["difference"], found["feedback_until"]) == ("feedback", -4, AMENDED_BY)
    letter = " ".join(said(marked, f"outbox/{CENTRE}/feedback-2024-06-BEN01.txt").split())
    assert "until the end of 27 June 2024 (calendar of 1 July 2023 [placeholder])" in letter
    assert "differ from the centre's by up to 4; the tolerance is 3 [placeholder]" in letter
    assert "the marking is generous" in letter


def test_fil_1_a_moderators_file_is_archived_and_taken_once(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    data = deliver(marked, "june.csv", [f"{SUMMER.id},{CENTRE},BEN02,{uci(1)},20,M17"])
    assert take(marked, JUNE).files == 1
    assert marked.store.get(f"archive/{hashlib.sha256(data).hexdigest()}") == data
    assert [stored.key for stored in marked.store.list("feeds/moderation/") if stored.kind == "file"] == []
    before = everything(marked)
    assert take(marked, JUNE).files == 0
    assert everything(marked) == before


def test_mod_2_the_same_file_again_changes_nothing_but_its_report(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -4)
    before = everything(marked)
    moderate(marked, -4)
    assert {key for key, value in everything(marked).items() if value != before[key]} <= {"reports/moderation/june.txt"}
    assert "FINDINGS  none" in said(marked, "reports/moderation/june.txt")


def test_mod_2_wrong_rows_are_reported_and_the_good_ones_are_applied(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    here = f"{SUMMER.id},{CENTRE},BEN02"
    deliver(
        marked,
        "June, first.csv",
        [f"{here},{uci(1)},20,M17", f"{here},{uci(2)},61,M17", f"{here},X,3,M17", f"2024-06,1,BEN02,{uci(3)},3,M17"],
    )
    take(marked, JUNE)
    assert drawn(marked, "BEN02")["moderated_mark"].to_list() == [20, None, None, None, None, None]
    report = said(marked, report_key("reports/moderation/", "June, first.csv"))
    assert "Rows        4, of which 1 can be applied" in report
    assert 'line 3, column mark: the mark "61" cannot be used' in report
    assert "line 4, column uci: the learner with UCI X is not in this sample" in report
    assert "line 5, column cohort: no sample of 2024-06 1 BEN02 was drawn" in report
    assert report.count("MODERATION_MISSING") == 5
    assert "waiting for more of the moderator's marks" in report


def test_mod_2_a_sample_is_compared_when_its_last_mark_is_there(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    lines = [
        f"{SUMMER.id},{CENTRE},BEN02,{learner},{mark},M17"
        for learner, mark in drawn(marked, "BEN02").select("uci", "centre_mark").rows()
    ]
    deliver(marked, "first.csv", lines[:5])
    assert take(marked, JUNE).agreed == 0
    deliver(marked, "second.csv", lines[5:])
    assert take(marked, JUNE).agreed == 1
    assert cohort(marked, "BEN02")["state"] == "agreed"


def test_mod_2_a_mark_that_comes_after_the_comparison_changes_nothing(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, 0)
    before = drawn(marked)
    moderate(marked, -9)
    assert drawn(marked).equals(before)
    assert cohort(marked)["state"] == "agreed"
    assert "MODERATION_COMPARED" in said(marked, "reports/moderation/june.txt")


@pytest.mark.parametrize("header", ["series,centre,component,uci,mark", "\N{NO-BREAK SPACE}"])
def test_mod_2_a_file_that_cannot_be_read_is_told(marked: Desk, header: str) -> None:
    sample(marked, SUMMER, DEADLINE)
    deliver(marked, "odd.csv", [], header)
    take(marked, JUNE)
    assert "FEED_COLUMNS" in said(marked, "reports/moderation/odd.txt")
    assert [stored.key for stored in marked.store.list("feeds/moderation/") if stored.kind == "file"] == []


def test_fil_4_a_file_that_may_still_be_growing_is_left(marked: Desk) -> None:
    deliver(marked, "june.csv", [])
    assert take(marked, JUNE - timedelta(hours=1)).files == 0
    assert take(marked, JUNE).files == 1


def test_mod_2_a_run_that_dies_before_the_letter_is_out_compares_again(
    marked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(marked, SUMMER, DEADLINE)
    with monkeypatch.context() as broken:
        broken.setattr(moderation, "_put_feedback", _fails)
        with pytest.raises(OSError, match="no space"):
            moderate(marked, -4)
    assert cohort(marked)["state"] == "sampled"
    assert take(marked, JUNE).feedback == 1
    assert "generous" in said(marked, f"outbox/{CENTRE}/feedback-2024-06-BEN01.txt")


def test_fil_5_a_file_whose_taking_died_at_the_end_has_the_same_report_when_it_is_taken_again(
    marked: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample(marked, SUMMER, DEADLINE)
    with monkeypatch.context() as broken:
        broken.setattr(FolderStore, "remove", _fails)
        with pytest.raises(OSError, match="no space"):
            moderate(marked, -4)
    report = said(marked, "reports/moderation/june.txt")
    assert "Rows        10, of which 10 can be applied" in report
    assert take(marked, JUNE).files == 1
    assert said(marked, "reports/moderation/june.txt") == report


# --- After feedback --------------------------------------------------------------------------------------------------


def test_mrk_2_amended_marks_within_tolerance_stand(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -5)
    amend(marked, -3)
    assert review(marked, AMENDED_BY - SECOND).agreed == 0
    assert review(marked, AMENDED_BY).agreed == 1
    assert (cohort(marked)["state"], cohort(marked)["difference"]) == ("agreed", -2)


def test_mod_2_still_outside_an_adjustment_is_proposed_and_nothing_applied(proposed: Desk) -> None:
    found = cohort(proposed)
    assert found["state"] == "proposed"
    assert found["adjustment"]["points"][0] == {"mark": 15, "to": "10"}
    assert set(rows(proposed, marks)["stage"]) == {"submitted"}
    before = everything(proposed)
    assert review(proposed, AMENDED_BY + SECOND).proposed == 0
    assert everything(proposed) == before


def test_mod_2_cal_3_an_extension_of_the_amendment_deadline_is_waited_for(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    moderate(marked, -5)
    until = AMENDED_BY + timedelta(days=2)
    marked.actions.record(
        Action(
            at=JUNE, who="A. Clerk", why="illness", action="extension", centre=CENTRE, series=SUMMER.id,
            event="marks_amendment_deadline", until=until,
        )
    )  # fmt: skip
    assert review(marked, until - SECOND).proposed == 0
    assert review(marked, until).proposed == 1


def test_mod_2_the_page_for_the_person_who_decides_has_picture_and_tables(proposed: Desk) -> None:
    page = said(proposed, f"reports/moderation/2024-06-{CENTRE}-BEN01.html")
    one = drawn(proposed).row(0, named=True)
    assert page.count("<svg") == 1
    assert f'<td class="text">{one["candidate"]}</td>' in page
    assert f"<dd>{BEN01}, of 40 learners when the sample was drawn</dd>" in page
    assert "3 raw marks [placeholder]" in page
    assert page.count("<tr>") >= 61 + 10


def picture(*learners: tuple[str, int, int], title: str = "A sample") -> ElementTree.Element:
    columns = {"candidate": pl.String, "centre_mark": pl.Int64, "moderated_mark": pl.Int64}
    sampled = pl.DataFrame(learners, schema=columns, orient="row")
    return ElementTree.fromstring(scatter(sampled, 3, propose(sampled, 60), 60, title, placeholder=True))


def texts(drawing: ElementTree.Element) -> list[str]:
    return ["".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}text")]


def test_mod_2_the_picture_is_svg_with_a_dot_for_every_pair_of_marks() -> None:
    drawing = picture(("0001", 20, 20), ("0002", 20, 20), ("0003", 40, 36), title='Centre <1> & "2"')
    dots = [node for node in drawing.iter("{http://www.w3.org/2000/svg}circle") if node.get("cy")]
    assert [(node.get("class"), "".join(node.itertext())) for node in dots] == [("dot", "0001, 0002"), ("out", "0003")]
    assert 'Centre <1> & "2"' in texts(drawing)
    assert "tolerance, 3 either way [placeholder]" in texts(drawing)


def test_mod_2_labels_that_have_no_room_are_left_to_pointing() -> None:
    crowd = [(f"{n:04d}", 30 + n % 6, 30 + n // 6) for n in range(36)]
    drawing = picture(*crowd)
    labels = [text for text in texts(drawing) if len(text) == 4 and text.isdigit()]
    titles = ["".join(node.itertext()) for node in drawing.iter("{http://www.w3.org/2000/svg}title")]
    assert 5 < len(labels) < 36
    assert sorted(titles) == [candidate for candidate, _, _ in crowd]


# --- The decision ----------------------------------------------------------------------------------------------------


def test_mod_2_mrk_2_ops_3_a_person_approves_and_every_mark_gets_a_version(proposed: Desk) -> None:
    before = rows(proposed, marks)
    assert approve(proposed, BEN01, "M. Head", "sample reviewed", AMENDED_BY)
    after = rows(proposed, marks)
    assert after.head(before.height).equals(before)
    new = after.tail(40)
    old = before.filter(pl.col("component") == "BEN01").select("uci", old="mark")
    assert after.height == before.height + 40
    assert new["stage"].unique().to_list() == ["adjusted"]
    assert new["version"].unique().to_list() == [2]
    joined = new.join(old, on="uci", how="inner", validate="1:1")
    assert joined.height == 40
    assert (joined["mark"] == joined["old"] - 5).all()
    found = cohort(proposed)
    assert (found["state"], found["approved_by"], found["approved_at"]) == ("adjusted", "M. Head", AMENDED_BY)
    [action] = rows(proposed, actions).rows(named=True)
    assert (action["who"], action["why"], action["action"]) == ("M. Head", "sample reviewed", "adjustment_approved")
    assert (action["centre"], action["series"], action["option"]) == (CENTRE, SUMMER.id, "BEN01")


def test_mod_2_approving_twice_changes_nothing(proposed: Desk) -> None:
    approve(proposed, BEN01, "M. Head", "sample reviewed", AMENDED_BY)
    before = everything(proposed)
    assert not approve(proposed, BEN01, "M. Head", "again", AMENDED_BY + SECOND)
    assert everything(proposed) == before
    with pytest.raises(NotProposed, match="state adjusted"):
        reject(proposed, BEN01, "M. Head", "changed my mind", AMENDED_BY)


def test_mod_2_ops_3_a_person_rejects_and_the_marks_stand(proposed: Desk) -> None:
    assert reject(proposed, BEN01, "M. Head", "moderator too severe", AMENDED_BY)
    assert not reject(proposed, BEN01, "M. Head", "again", AMENDED_BY)
    assert cohort(proposed)["state"] == "agreed"
    assert set(rows(proposed, marks)["stage"]) == {"submitted"}
    assert rows(proposed, actions).select("action", "why").rows() == [("adjustment_rejected", "moderator too severe")]


def test_mod_2_only_a_proposed_adjustment_can_be_approved(marked: Desk) -> None:
    sample(marked, SUMMER, DEADLINE)
    with pytest.raises(NotProposed, match="state sampled"):
        approve(marked, BEN01, "M. Head", "sample reviewed", AMENDED_BY)
    with pytest.raises(NotProposed, match="no sample of 2024-06 64123 BEN03 was drawn"):
        approve(marked, evolve(BEN01, component="BEN03"), "M. Head", "sample reviewed", AMENDED_BY)


def test_ops_3_a_decision_needs_a_name_and_a_reason(proposed: Desk) -> None:
    for who, why in (("", "reason"), ("M. Head", " ")):
        with pytest.raises(ValueError, match="OPS-3"):
            approve(proposed, BEN01, who, why, AMENDED_BY)
    assert cohort(proposed)["state"] == "proposed"


def test_mod_2_an_approval_that_dies_changes_no_mark_and_can_be_done_again(
    proposed: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(proposed)
    with monkeypatch.context() as broken:
        broken.setattr("infra.ledger.moderation.Moderation.act", _fails)
        with pytest.raises(OSError, match="no space"):
            approve(proposed, BEN01, "M. Head", "sample reviewed", AMENDED_BY)
    after = everything(proposed)
    # What a person has said stays on record; nothing was done about it, and it can be done.
    assert {name for name in after if after[name] != before[name]} == {"proposals", "approvals", "seals"}
    assert approve(proposed, BEN01, "M. Head", "sample reviewed", AMENDED_BY)
    assert len(everything(proposed)["approvals"]) == 1
