"""Who has no award on results day (RES-1, OPS-1)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from rules.awarding import RESULTS, parts
from rules.certification import AWARDS
from rules.frames import CLAIMS, ENTERED, Frame
from rules.unawarded import REASONS, UNAWARDED, unawarded
from tests.catalogue import CATALOGUE

PARTS = parts(CATALOGUE)
AT = datetime(2024, 4, 1, tzinfo=UTC)


def found(*, results: str = "", awards: str = "", entered: str = "", claims: str = "") -> list[tuple[str, str, str]]:
    """Learner, code and what it is about. Results are written `U1 BEN01 graded`, awards `U1 awarded 1` or
    `U1 MARK_PENDING 1` with the claim's number, entries `U1 BEN01`, claims `U1 1`."""
    fixed = {"centre": "64123", "candidate": "0001", "registration": "BEN22"}
    of_results = [
        fixed | {"uci": uci, "component": code, "outcome": outcome, "status": "", "grade": ""}
        for uci, code, outcome in _words(results)
    ]
    of_awards = [
        fixed | {"uci": uci, "cash_in": "BEN99", "claim_id": int(number), "claimed_at": AT, "channel": "edi",
                 "grade": "", "outcome": "awarded" if said == "awarded" else "not_eligible",
                 "reason": "" if said == "awarded" else said, "about": "" if said == "awarded" else "BEN03",
                 "partial_absence": False, "performance": False}
        for uci, said, number in _words(awards)
    ]  # fmt: skip
    of_entries = [
        {"id": 1, "centre": "64123", "series": "2024-06", "candidate": "0001", "uci": uci, "option": code, "kind": ""}
        for uci, code in _words(entered)
    ]
    of_claims = [
        {"id": int(number), "centre": "64123", "candidate": "0001", "uci": uci, "option": "BEN99", "received": AT,
         "channel": "edi"}
        for uci, number in _words(claims)
    ]  # fmt: skip
    frame = unawarded(
        _frame(of_results, RESULTS), _frame(of_awards, AWARDS), _frame(of_entries, ENTERED), _frame(of_claims, CLAIMS),
        PARTS,
    )  # fmt: skip
    assert dict(frame.schema) == UNAWARDED
    return frame.select("uci", "code", "about").rows()


def _words(said: str) -> list[list[str]]:
    return [part.split() for part in said.split(", ") if part]


def _frame(rows: list[dict[str, Any]], schema: Frame) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=schema)


def test_ops_1_who_is_awarded_is_not_listed() -> None:
    assert found(results="U1 BEN01 graded", awards="U1 awarded 1", entered="U1 BEN01", claims="U1 1") == []


def test_ops_1_a_claim_that_is_not_awarded_is_listed_with_its_own_reason() -> None:
    assert found(results="U1 BEN01 graded", awards="U1 NO_EXTERNAL 1", claims="U1 1") == [
        ("U1", "NO_EXTERNAL", "BEN03")
    ]


def test_crt_1_who_has_results_and_did_not_claim_is_told_so_once() -> None:
    assert found(results="U1 BEN01 graded, U1 BEN02 graded") == [("U1", "NO_CLAIM", "")]


def test_awd_4_a_component_that_is_pending_is_named_where_nothing_was_claimed() -> None:
    entered = "U1 BEN01, U1 BEN02, U1 BEN03"
    assert found(results="U1 BEN01 graded, U1 BEN02 pending, U1 BEN03 pending", entered=entered) == [
        ("U1", "COMPONENT_PENDING", "BEN02, BEN03"), ("U1", "NO_CLAIM", ""),
    ]  # fmt: skip


def test_reg_9_nobody_owes_a_result_of_what_is_withdrawn_before_its_mark_came() -> None:
    assert found(results="U1 BEN01 graded, U1 BEN02 pending", entered="U1 BEN01") == [("U1", "NO_CLAIM", "")]


def test_crt_6_what_came_after_the_award_is_told() -> None:
    """A claim of somebody with results, and an entry of somebody without any."""
    assert found(results="U1 BEN01 graded", claims="U1 7", entered="U1 BEN01, U2 BEN03") == [
        ("U1", "AFTER_CUT_OFF", "BEN99"), ("U2", "AFTER_CUT_OFF", "BEN03"),
    ]  # fmt: skip


def test_every_reason_says_its_rule_and_what_to_do() -> None:
    assert all(reason.rule and reason.words and reason.remedy for reason in REASONS.values())
