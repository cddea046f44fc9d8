"""Results that are withheld (RES-8): Q in every output, nothing else of them, and decided by a person."""

from __future__ import annotations

from datetime import timedelta

import pytest
from attrs import evolve

from infra.ledger.approvals import Signer
from pipeline.approvals import ApprovalError, each_of
from pipeline.awarding.award import award
from pipeline.awarding.preview import preview
from pipeline.desk import Desk
from pipeline.orders import Order, StaffError
from pipeline.results.explain import explain, text
from pipeline.results.owed import owed
from pipeline.results.release import approve, release
from pipeline.results.withholding import Scope, back_effect, end_withholding, hanging_over, holds, withhold
from rules import terms
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    TO_CENTRES,
    TO_LEARNERS,
    WHO,
    WHY,
    build,
    outside,
    play,
    series,
)

BEFORE = AWARDED - timedelta(days=1)
REASON = "case 17 is open"


def test_res_8_what_is_withheld_is_pending_in_every_output_and_nothing_else_of_it_is_there(work: Desk) -> None:
    season = play(work)
    uci = season.learners["0002"]["uci"]
    assert "1 learners" in withhold(
        work, Scope(series="2024-06", centre=CENTRE, uci=uci), Order(WHO, REASON, BEFORE, terms.PLAYED)
    )
    version = award(work, series(work), AWARDED).awarding
    pages = preview(work, version)
    built = build(work, version, BUILT).awarding
    approve(work, built, WHO, WHY, APPROVED)
    release(work, series(work), "centres", TO_CENTRES)
    release(work, series(work), "learners", TO_LEARNERS)

    lines = [
        line for key, data in outside(work).items() if key.startswith("portal/") and CENTRE in key
        for line in data.decode().splitlines() if f",0002,{uci}," in line or f",{uci},{CENTRE},0002," in line
    ]  # fmt: skip
    assert len(lines) == 8  # three components and a claim, for each audience
    assert all(",Q,pending," in line and ",,," in line for line in lines)
    near = next(work.store.get(key).decode() for key in pages if key.endswith("near.csv"))
    assert f"{CENTRE},0002" not in near
    report = work.store.get("reports/results/2024-06/1/centres-without-award.csv").decode()
    assert f"{CENTRE},0002,{uci},BEN22,WITHHELD" in report
    told = "\n".join(text(explain(work, CENTRE, "0002")))
    assert "the result is withheld" in told
    assert REASON in told
    assert "UMS" not in told.replace("UMS by", "")

    listed = owed(work, TO_LEARNERS).filter(candidate="0002", centre=CENTRE)
    assert listed.select("state", "code", "since", "turn").rows() == [("withheld", "WITHHELD", BEFORE, "the board")]
    assert holds(work).select("who", "why", "uci").rows() == [(WHO, REASON, uci)]


def test_res_8_ops_4_where_several_people_are_asked_only_those_who_may_decide_withhold(work: Desk) -> None:
    play(work)
    strict = evolve(work, settings=evolve(work.settings, approvals=2, approvers="jane"))
    scope = Scope(series="2024-06", centre=CENTRE, option="BEN01")
    with pytest.raises(ApprovalError, match="john may not decide"):
        withhold(strict, scope, Order("john", REASON, BEFORE, terms.BY_CONSOLE))
    assert holds(work).is_empty()
    withhold(strict, scope, Order("jane", REASON, BEFORE, terms.BY_ACCOUNT))
    assert holds(work)["who"].to_list() == ["system account jane"]


def test_res_8_ops_4_where_two_people_are_asked_who_withheld_does_not_release(work: Desk) -> None:
    play(work)
    strict = evolve(work, settings=evolve(work.settings, approvals=2, approvers="jane=jclerk,john"))
    scope = Scope(series="2024-06", centre=CENTRE, option="BEN01")
    withhold(strict, scope, Order("jane", REASON, BEFORE, terms.BY_CONSOLE))
    for verdict in (terms.HOLD_RELEASED, terms.HOLD_VOIDED):
        with pytest.raises(StaffError, match="jane has withheld this and system account jclerk cannot end it"):
            end_withholding(strict, scope, verdict, Order("jclerk", REASON, BEFORE, terms.BY_ACCOUNT))
    assert holds(work).height == 1
    end_withholding(strict, scope, terms.HOLD_RELEASED, Order("john", REASON, BEFORE, terms.BY_CONSOLE))
    assert holds(work).is_empty()


def test_res_8_who_is_entered_into_a_voided_cohort_is_told_and_what_would_come_back_is_shown(
    work: Desk,
) -> None:
    uci = play(work).learners["0002"]["uci"]
    cohort, learner = Scope(series="2024-06", centre=CENTRE, option="BEN01"), Scope(series="2024-06", uci=uci)
    entry = evolve(learner, centre=CENTRE, option="BEN01")
    assert hanging_over(work, entry) == ""
    withhold(work, cohort, Order("jane", REASON, BEFORE, terms.BY_CONSOLE))
    assert "BEN01 in May/June 2024 is withheld at centre" in hanging_over(work, entry)
    end_withholding(work, cohort, terms.HOLD_VOIDED, Order("john", REASON, BEFORE, terms.BY_CONSOLE))
    assert "is voided at centre" in hanging_over(work, entry)
    assert hanging_over(work, evolve(entry, option="BEN02")) == ""
    effect = dict(back_effect(work, learner))
    assert effect["Comes back"] == "BEN01 of 1 learner"
    assert effect["Stays voided for others"].endswith(("learner", "learners"))
    assert holds(work, terms.HOLD_VOIDED).height == 1  # nothing is recorded by looking


def test_res_8_ops_4_who_asked_for_a_correction_that_withholds_does_not_end_it_alone() -> None:
    by_two = Signer("jane and system account john", terms.BY_APPROVAL)
    assert each_of(by_two) == [Signer("jane", terms.BY_CONSOLE), Signer("john", terms.BY_ACCOUNT)]
    assert each_of(Signer("jane", terms.BY_CONSOLE)) == [Signer("jane", terms.BY_CONSOLE)]
