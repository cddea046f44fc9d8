"""The drift guard (AWD-5): what differs between a version and the ledger, who is kept back at the release, and how they
follow."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from pipeline.awarding.award import award
from pipeline.awarding.drift import differences, drift, look
from pipeline.desk import Desk
from pipeline.results.embargo import ReleaseError
from pipeline.results.release import approve, release, release_passed
from rules import awarding, certification
from tests.pipeline.results_season import (
    APPROVED,
    AWARDED,
    BUILT,
    CENTRE,
    PORTAL_CENTRE,
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

HOUR = timedelta(hours=1)
R_FILE = f"outbox/{CENTRE}/R6412315.X01"


@pytest.fixture
def changed(work: Desk) -> Season:
    """Results are approved; then staff withdraw a claim at the centre that enters by file."""
    season = play(work)
    approve(work, build(work, award(work, series(work), AWARDED).awarding, BUILT).awarding, WHO, WHY, APPROVED)
    season.step("2024-08-15 12:00 BST | staff withdraws 0002 BEN99 | accepted")
    return season


def test_awd_5_everybody_elses_results_go_out_and_the_centre_follows_with_one_more_approval(changed: Season) -> None:
    desk = changed.desk
    out = release(desk, series(desk), "centres", TO_CENTRES)
    assert (out.fresh, out.kept_back) == (1, 1)
    assert "1 centres KEPT BACK" in out.note()
    release(desk, series(desk), "learners", TO_LEARNERS)
    assert list(outside(desk)) == [f"portal/{who}/2024-06/1/{PORTAL_CENTRE}.csv" for who in ("centres", "learners")]

    version = award(desk, series(desk), TO_LEARNERS + HOUR).awarding
    frames = desk.results.frames(version)
    assert (version.kind, set(frames["results"]["centre"])) == ("follow_up", {CENTRE})
    assert "0002" not in set(frames["awards"]["candidate"])
    approve(desk, build(desk, version, TO_LEARNERS + HOUR).awarding, WHO, WHY, TO_LEARNERS + 2 * HOUR)
    assert [done.kept_back for done in release_passed(desk, series(desk), TO_LEARNERS + 2 * HOUR)] == [0, 0]
    # The file that nobody ever saw has left its number free.
    assert {R_FILE, f"portal/centres/2024-06/2/{CENTRE}.csv"} < set(outside(desk))
    held = desk.results.current("2024-06", released=True)["awards"].select("centre", "candidate").rows()
    assert sorted(held) == [(PORTAL_CENTRE, "0001"), (CENTRE, "0001"), (CENTRE, "0003")]


def test_awd_5_the_hourly_look_lists_who_differs_once(changed: Season) -> None:
    desk = changed.desk
    looked = look(desk, APPROVED + 24 * HOUR)
    assert (looked.versions, looked.stale, looked.learners, looked.new) == (1, 1, 1, 1)
    [line] = desk.store.get("reports/drift/2024-06/1.csv").decode().splitlines()[1:]
    assert line.startswith(f"{CENTRE},0002,")
    assert line.endswith(",BEN99,awarded L2D 250,nothing")
    assert look(desk, APPROVED + 25 * HOUR).new == 0


def test_awd_5_a_stale_version_is_neither_built_nor_approved(work: Desk) -> None:
    season = play(work)
    version = award(work, series(work), AWARDED).awarding
    season.step("2024-08-11 12:00 BST | board marks BEN03 0001=20 | 1 replaced")
    with pytest.raises(ReleaseError, match=r"is stale \(AWD-5\): of 1 learner of 1 centre"):
        build(work, version, BUILT)
    assert drift(work, version).select("code", "frozen", "ledger").rows() == [
        ("BEN03", "graded L2D 100", "graded L1P 40"),
        ("BEN99", "awarded L1D 175", "awarded L1P 115"),
    ]


def test_awd_5_what_only_the_ledger_has_is_no_difference() -> None:
    result = {"centre": CENTRE, "candidate": "0001", "uci": "U", "component": "BEN01", "registration": "BEN22",
              "raw": 40, "status": "", "mark_id": 1, "ums": 60, "grade": "L2P", "outcome": "graded"}  # fmt: skip
    awards = pl.DataFrame(schema=certification.AWARDS)

    def frames(*rows: dict[str, object]) -> dict[str, pl.DataFrame]:
        return {"results": pl.DataFrame(list(rows), schema=awarding.RESULTS), "awards": awards}

    # Another version of the mark that says the same is no difference either.
    assert differences(frames(result), frames(result | {"mark_id": 7}, result | {"component": "BEN02"})).is_empty()
    assert differences(frames(result), frames(result | {"raw": 41}))["ledger"].to_list() == ["graded L2P 60"]
    assert differences(frames(result), frames())["ledger"].to_list() == ["nothing"]
