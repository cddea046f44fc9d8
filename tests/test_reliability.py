"""The page about reliability says what a run of `make reliability` has found, and the run found what it must."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bench.reliability import PAGE, PARTS, RECORD, SEASONS, SECTIONS, page


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    """What the last run has found."""
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8"))
    return found


def test_the_page_is_made_of_the_record_of_a_run(record: dict[str, Any]) -> None:
    assert record.keys() == SECTIONS.keys() == PARTS.keys()
    assert PAGE.read_text(encoding="utf-8") == page(record)


def test_seasons_of_every_size_agree_with_their_truth(record: dict[str, Any]) -> None:
    seasons = record["conservation"]["seasons"]
    assert [(one["centres"], one["not agreeing"]) for one in seasons] == [(centres, 0) for centres, _ in SEASONS]


def test_no_crash_left_a_difference(record: dict[str, Any]) -> None:
    matrices = record["crashes"]["matrices"]
    assert [one["store"] for one in matrices] == ["folder", "s3"]
    for one in matrices:
        assert one["crashes"] > 60
        assert (one["differences"], one["changes without a step"]) == (0, 0)


def test_a_series_ten_times_as_large_takes_at_most_eleven_times_as_long(record: dict[str, Any]) -> None:
    """Far below ten would say that something held up the smaller one, not that the larger one is quick."""
    assert 9 < record["load"]["times"] <= 11


def test_what_is_gone_closes_nothing_but_itself_and_results_are_out_without_a_scheduler(record: dict[str, Any]) -> None:
    outages = {outage["part"]: outage for outage in record["outages"]["outages"]}
    assert {"scheduler", "landing", "api-server", "PostgreSQL, away for 60 s"} <= outages.keys()
    for part, outage in outages.items():
        assert outage["uploads"] > 0
        assert outage["door"] == 0 or part == "landing", part
        assert outage["console"] == 0 or part == "api-server", part
    released = record["outages"]["released"]
    assert (released["files"], released["runs"]) == (3, 0)
