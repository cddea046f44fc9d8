"""A small series up to its results, for tests of everything that comes after the marks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pipeline.awarding.award import approve_boundaries, take_boundaries
from pipeline.desk import Desk
from rules.catalogue import Series
from tests.pipeline.kept import played_once
from tests.scenario_language import Scenario, Season

NOW = datetime.fromisoformat("2024-08-14T00:01:00+01:00")
BOUNDARIES = {"L2D": 48, "L2M": 42, "L2P": 36, "L1D": 30, "L1M": 24, "L1P": 18}
SERIES = Scenario(
    "award",
    "CRT-2 a series up to its marks",
    (
        "given 5 learners",
        "2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 BEN03 BEN99 | accepted",
        "2024-05-01 12:00 BST | centre sends M BEN01=40 BEN02=40 | accepted",
        "2024-06-20 12:00 BST | board marks BEN03 0001=40 0002=50 0003=60 0004=absent | 4 new",
    ),
)
"""Learner 0005 has no mark in the external component."""


def played(desk: Desk) -> Season:
    """The series up to its marks."""
    return played_once(desk, _played).on(desk)


def _played(desk: Desk) -> Season:
    season = Season(desk)
    season.play(SERIES)
    return season


def june(desk: Desk) -> Series:
    """May/June 2024."""
    series = desk.catalogue.series_by_id("2024-06")
    assert series
    return series


def feed(marks: Mapping[str, Mapping[str, int | str]], series: str = "2024-06", placeholder: str = "Y") -> bytes:
    """A file of boundaries, by component and grade."""
    rows = [
        f"{series},{component},{grade},{mark},{placeholder},ours: a test"
        for component, its in marks.items()
        for grade, mark in its.items()
    ]
    return "\r\n".join(["series,component,grade,raw_mark,placeholder,source", *rows, ""]).encode()


def with_boundaries(desk: Desk, marks: Mapping[str, Mapping[str, int | str]] | None = None) -> None:
    """Boundaries of Enterprise in force: taken and approved."""
    its = marks or dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES)
    desk.store.put("feeds/boundaries/june.csv", feed(its))
    take_boundaries(desk, datetime.fromisoformat("2100-01-01T00:00:00+00:00"))
    approve_boundaries(desk, june(desk), "A. Officer", "the awarding meeting's", NOW)
