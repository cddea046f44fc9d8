"""Scenarios that a domain expert can read, in `tests/scenarios`, over the real ingest, ledger and store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve

from pipeline.desk import Desk
from tests.pipeline.kept import Beginnings
from tests.scenario_language import Scenario, scenarios

ALL = list(scenarios())
ROOT = Path(__file__).parents[2]
RULES = ROOT / "docs" / "rules.md"
COVERED = ("CAL", "REG", "FIL", "ENT", "FEE", "MRK", "MOD", "OPS", "AWD", "CRT")
"""Headings of rules whose every rule has a scenario."""
ELSEWHERE = {"OPS-10": ROOT / "tests/pipeline/watching/test_telling.py"}
"""Rules that a scenario cannot play, as the store's own clock decides; and where they are tested."""


CHANGED = (
    ("FIL-3 FEE-4 an amendment replaces", "| accepted |", "| refused |"),
    ("FIL-3 FEE-4 an amendment replaces", "WITHDRAWN", "no WITHDRAWN"),
    ("FIL-3 FEE-4 an amendment replaces", "GBP 56.20", "GBP 56.21"),
    ("FIL-3 FEE-4 an amendment replaces", "0001 holds nothing", "0001 holds BEN01"),
    ("FIL-3 FEE-4 an amendment replaces", "BEN99 | accepted", "BEN99 | accepted LATE_FEE"),
    ("FIL-4 a file that still grows", "| no reply yet", "| accepted"),
    ("MRK-3 missing marks", "0002:BEN02", "0001:BEN01"),
    ("MRK-1 a centre sends no marks", "1 new", "2 new"),
    ("MRK-1 a centre sends no marks", "BEN03=60 external", "BEN03=59 external"),
    ("MOD-1 no sample", "23:59 BST | samples are drawn | none", "23:59 BST | samples are drawn | BEN01"),
    ("MOD-2 a rejected adjustment", "1 adjustments", "0 adjustments"),
    ("MOD-2 a rejected adjustment", "submitted", "adjusted"),
    ("OPS-2 a centre", "no SILENT", "SILENT 1"),
    ("OPS-3 what staff do", "claim, J. Clerk", "claim, A. Clerk"),
    ("FEE-5 the invoice", "invoice | GBP 63.35", "invoice | GBP 63.3"),
    ("CRT-2 the best sitting", "L2M 222", "L2M 221"),
    ("CRT-6 a claim after", "1 later claims", "2 later claims"),
    ("CRT-8 certificates", "no recalled", "0001 L2P recalled"),
    ("CAL-4 Art and Design", "2023-11-01 12:00 GMT", "2023-11-01 12:00 BST"),
    ("CAL-4 Art and Design", "centre sends E 0001: BZA01 | refused", "centre says E 0001: BZA01 | refused"),
)
"""A scenario by what its title begins with, words of one of its lines, and others that make it say what is not so."""


def _changed(title: str, said: str, instead: str) -> Scenario:
    [scenario] = [one for one in ALL if one.title.startswith(title)]
    lines = tuple(line.replace(said, instead) for line in scenario.lines)
    assert lines != scenario.lines
    return evolve(scenario, lines=lines)


WRONG = [_changed(*words) for words in CHANGED]
BEGINNINGS = Beginnings([*ALL, *WRONG])


@pytest.mark.parametrize("scenario", [pytest.param(one, id=f"{one.subject}: {one.title}") for one in ALL])
def test_the_season_goes_as_the_scenario_says(work: Desk, scenario: Scenario) -> None:
    assert scenario.rules
    BEGINNINGS.play(work, scenario)


def test_every_rule_has_a_scenario() -> None:
    rules = set(re.findall(r"^\| ([A-Z]{3}-\d+) \|", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE))
    wanted = {one for one in rules if one.split("-")[0] in COVERED}
    assert len(wanted) > 30
    assert wanted - {rule for scenario in ALL for rule in scenario.rules} == set(ELSEWHERE)
    for rule, file in ELSEWHERE.items():
        assert f"def test_{rule.lower().replace('-', '_')}_" in file.read_text(encoding="utf-8")


@pytest.mark.parametrize("scenario", [pytest.param(one, id=f"{one.subject}: not {one.title}") for one in WRONG])
def test_a_scenario_that_says_something_else_fails(work: Desk, scenario: Scenario) -> None:
    with pytest.raises(AssertionError):
        BEGINNINGS.play(work, scenario)
