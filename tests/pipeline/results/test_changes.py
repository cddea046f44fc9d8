"""A season in which learners change after each milestone, in every way they can: in the end every result that is out is
what plain Python says, and the record is as it was sealed (AWD-5, RES-7, RES-8, OPS-7)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pipeline.desk import Desk
from pipeline.results.after_results import updated
from pipeline.results.audit import audit
from pipeline.results.result_files import read_back
from tests.scenario_language import Scenario, Season
from tests.support import CENTRE

LEARNERS = 50
LATER = datetime(2024, 9, 2, 12, tzinfo=ZoneInfo("Europe/London"))
LINES = f"""
given {LEARNERS} learners
2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 BEN03 BEN99 | accepted
2024-05-01 12:00 BST | centre sends M BEN01=rising BEN02=40 | accepted
2024-06-20 12:00 BST | board marks BEN03 {" ".join(f"{number:04}=40" for number in range(1, LEARNERS + 1))} | 50 new
2024-08-10 12:00 BST | board sets boundaries 48 42 36 30 24 18 | 3 made
2024-08-11 09:00 BST | board marks BEN03 0003=50 | 1 replaced
2024-08-11 09:10 BST | staff withdraws 0005 BEN99 | accepted
2024-08-12 12:00 BST | results are built
2024-08-13 09:00 BST | staff withdraws 0006 BEN99 | accepted
2024-08-13 09:10 BST | board marks BEN03 0004=30 | 1 replaced
2024-08-13 09:20 BST | staff withholds 0007 | withdraw it and award again
2024-08-13 12:00 BST | results are approved | is stale
2024-08-13 12:10 BST | results are withdrawn | withdrawn
2024-08-14 12:00 BST | results are made | 0007 BEN99 pending WITHHELD
2024-08-15 09:00 BST | staff withholds 0008 | kept back at the release
2024-08-15 09:10 BST | staff withdraws 0009 BEN99 | accepted
2024-08-21 00:01 BST | results are published to centres | 1 centres KEPT BACK
2024-08-21 00:10 BST | results are made | 0008 BEN99 pending WITHHELD
2024-08-21 00:11 BST | results are published to centres | no KEPT BACK
2024-08-21 09:00 BST | a correction is opened for 0010 BEN03 as error of the board | correction 1
2024-08-21 09:10 BST | correction 1 of BEN03 0010=52 is proposed by jane | 1 up
2024-08-21 09:20 BST | correction 1 is approved by mary | done
2024-08-21 09:30 BST | staff withholds 0011 | Correction 2
2024-08-21 09:40 BST | correction 2 is approved by mary | done
2024-08-22 00:01 BST | results are published to learners | no KEPT BACK
2024-08-23 09:00 BST | staff enters 0005 BEN99 | accepted
2024-08-23 09:10 BST | staff releases 0007 | within the hour
2024-08-23 09:20 BST | staff voids 0008 | within the hour
2024-08-23 09:30 BST | a correction is opened for 0012 BEN01, 0013 BEN01 as malpractice | correction 3
2024-08-23 09:40 BST | correction 3 of BEN01 0012=void BEN01 0013=absent is proposed by jane | Outcome: voided, lowered
2024-08-23 09:50 BST | correction 3 is approved by mary | done
2024-08-23 10:00 BST | staff withholds 0014 | Correction 4
2024-08-23 10:10 BST | correction 4 is approved by mary | done
2024-08-23 11:00 BST | late claims are awarded | 2 awarded
"""

Shown = dict[tuple[str, str], str]


def _truth() -> Shown:
    """Each result by candidate and code: its score, or the indicator."""
    found: Shown = {}
    for number in range(1, LEARNERS + 1):
        external = {3: 50, 4: 30, 10: 52}.get(number, 40)
        # By the boundaries above a raw mark is worth one and a half UMS, halves up, in the external two.
        scores = {"BEN01": (3 * number + 1) // 2, "BEN02": 60, "BEN03": 2 * external}
        if number == 13:
            scores["BEN01"] = 0  # absent
        shown = {code: str(score) for code, score in scores.items()}
        shown["BEN99"] = str(sum(scores.values()))
        if number in (11, 14):  # withheld
            shown = dict.fromkeys(shown, "Q")
        if number == 8:  # voided
            shown = dict.fromkeys(shown, "X")
        if number == 12:  # a component is voided, and the award needs it
            shown |= {"BEN01": "X", "BEN99": "X"}
        if number in (6, 9):  # no longer claimed
            del shown["BEN99"]
        found |= {(f"{number:04}", code): said for code, said in shown.items()}
    return found


def test_res_7_res_8_whoever_changes_after_whatever_milestone_has_the_result_that_plain_python_says(work: Desk) -> None:
    season = Season(work)
    season.play(Scenario("changes", "AWD-5 a season", tuple(LINES.strip().splitlines())))
    [place] = updated(work, [CENTRE], LATER, season.series("6B24"), "J. Clerk", "the centre asked for it").files
    name = place.rpartition("/")[2]
    rows = read_back({name: work.store.get(place)}).iter_rows(named=True)
    in_file = {
        (row["candidate"], row["option"]): row["grade"] if row["score"] is None else str(row["score"]) for row in rows
    }
    truth = _truth()
    assert in_file == truth
    for audience in ("centres", "learners"):
        told = season.do(f"the portal for {audience} is read", LATER)
        assert told
        phrases = [phrase.split() for phrase in told.split("; ")[:-1]]
        assert {(candidate, code): said for candidate, code, said in phrases} == truth, audience
    assert audit(work, LATER).differences == ()
