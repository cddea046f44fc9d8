"""Whose certificate is due, and when (CRT-7)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import polars as pl
import pytest

from rules.certificates import CERTIFICATES, certificates
from rules.certification import AWARDS
from rules.frames import ASKED
from tests.catalogue import CATALOGUE

NOW = datetime.fromisoformat("2024-10-01T12:00:00+01:00")


def certificate(
    claimed: str, when: str = "2024-06", grade: str = "L2P", outcome: str = "awarded", asked: bool = False
) -> list[Any]:
    """When the certificate for a claim received then is due: a row with the day, null if it is due only on request; no
    row if there is none."""
    series = CATALOGUE.series_by_id(when)
    assert series
    award = {
        "centre": "64123", "candidate": "0001", "uci": "U1", "registration": "BEN22", "cash_in": "BEN99", "claim_id": 1,
        "claimed_at": datetime.fromisoformat(claimed), "channel": "staff", "ums": 200, "grade": grade,
        "outcome": outcome, "reason": "", "about": "", "partial_absence": False, "performance": True,
    }  # fmt: skip
    with_it = pl.DataFrame([("64123", "U1", "BEN99")] if asked else [], schema=ASKED, orient="row")
    found = certificates(pl.DataFrame([award], schema=AWARDS), with_it, series, CATALOGUE, NOW)
    assert dict(found.schema) == CERTIFICATES
    return found["due"].to_list()


@pytest.mark.parametrize(
    ("claimed", "when", "day"),
    [
        ("2024-01-05T12:00:00+00:00", "2024-01", date(2024, 5, 10)),
        ("2024-04-18T23:59:59+01:00", "2024-01", date(2024, 5, 10)),
        ("2024-03-01T12:00:00+00:00", "2024-06", date(2024, 11, 8)),
        ("2024-07-05T23:59:59+01:00", "2024-06", date(2024, 11, 8)),
    ],
)
def test_crt_7_claims_up_to_the_end_of_the_late_window_have_their_day(claimed: str, when: str, day: date) -> None:
    assert certificate(claimed, when) == [day]


@pytest.mark.parametrize(
    ("claimed", "when"), [("2024-04-19T00:00:00+01:00", "2024-01"), ("2024-07-06T00:00:00+01:00", "2024-06")]
)
def test_crt_7_after_the_late_window_only_if_asked_for(claimed: str, when: str) -> None:
    assert certificate(claimed, when) == [None]
    assert certificate(claimed, when, asked=True) == [date(2024, 5, 10) if when == "2024-01" else date(2024, 11, 8)]


@pytest.mark.parametrize(("grade", "outcome"), [("U", "awarded"), ("", "not_eligible"), ("", "pending")])
def test_crt_7_no_certificate_without_a_grade(grade: str, outcome: str) -> None:
    assert certificate("2024-03-01T12:00:00+00:00", grade=grade, outcome=outcome) == []
