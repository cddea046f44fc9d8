"""Scenarios that a domain expert can read, in `tests/scenarios`, over the real ingest, ledger and store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attrs import evolve

from pipeline.desk import Desk
from tests.scenario_language import Scenario, Season, scenarios

ALL = list(scenarios())
RULES = Path(__file__).parents[2] / "docs" / "rules.md"
COVERED = ("CAL", "REG", "FIL", "ENT", "FEE", "MRK", "MOD", "OPS")
"""Headings of rules whose every rule has a scenario."""


@pytest.mark.parametrize("scenario", [pytest.param(one, id=f"{one.subject}: {one.title}") for one in ALL])
def test_the_season_goes_as_the_scenario_says(work: Desk, scenario: Scenario) -> None:
    assert scenario.rules
    Season(work).play(scenario)


def test_every_rule_has_a_scenario() -> None:
    rules = set(re.findall(r"^\| ([A-Z]{3}-\d) \|", RULES.read_text(encoding="utf-8"), flags=re.MULTILINE))
    wanted = {one for one in rules if one.split("-")[0] in COVERED}
    assert len(wanted) > 30
    assert wanted - {rule for one in ALL for rule in one.rules} == set()


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("| accepted |", "| refused |"),
        ("WITHDRAWN", "no WITHDRAWN"),
        ("GBP 56.20", "GBP 56.21"),
        ("0001 holds nothing", "0001 holds BEN01"),
        ("BEN99 | accepted", "BEN99 | accepted LATE_FEE"),
    ],
)
def test_a_scenario_that_says_something_else_fails(work: Desk, said: str, instead: str) -> None:
    [scenario] = [one for one in ALL if one.title.startswith("FIL-3 FEE-4 an amendment replaces")]
    changed = [line.replace(said, instead) for line in scenario.lines]
    assert changed != list(scenario.lines)
    with pytest.raises(AssertionError):
        Season(work).play(evolve(scenario, lines=tuple(changed)))
