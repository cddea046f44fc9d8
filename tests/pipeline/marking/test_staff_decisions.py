"""The commands by which a person decides about a proposed adjustment (MOD-2, OPS-3)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from infra.ledger.tables import actions
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.marking.moderation import review, sample
from tests.pipeline.marking.cohorts import AMENDED_BY, CENTRE, DEADLINE, SUMMER, cohort, enter, moderate

COHORT = ["--centre", CENTRE, "--series", SUMMER.id, "--component"]
WHO = ["--who", "J. Chair", "--why", "samples seen"]


@pytest.fixture
def waiting(work: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk, the one of the commands too, with an adjustment of five marks down that waits for a person."""
    for name, value in work.settings.environment().items():
        monkeypatch.setenv(name, value)
    enter(work, "BEN01", [n % 41 + 15 for n in range(40)])
    sample(work, SUMMER, DEADLINE)
    moderate(work, -5)
    review(work, AMENDED_BY)
    return work


def staff(*words: str) -> Result:
    return CliRunner().invoke(main, ["staff", *words])


@pytest.mark.parametrize(
    ("command", "state", "recorded", "words"),
    [
        ("approve", "adjusted", "adjustment_approved", "the adjustment is applied"),
        ("reject", "agreed", "adjustment_rejected", "the centre's marks stand"),
    ],
)
def test_mod_2_ops_3_a_person_decides_once_and_it_is_recorded(
    waiting: Desk, command: str, state: str, recorded: str, words: str
) -> None:
    first, again = (staff(command, *COHORT, "BEN01", *WHO) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert words in first.output
    assert "already been decided" in again.output
    assert cohort(waiting)["state"] == state
    with waiting.ledger.engine.connect() as connection:
        done = connection.execute(sa.select(actions.c.action, actions.c.who, actions.c.why)).all()
    assert [tuple(one) for one in done] == [(recorded, "J. Chair", "samples seen")]


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_mod_2_what_cannot_be_decided_is_told_in_a_sentence(waiting: Desk, command: str) -> None:
    unknown = staff(command, *COHORT, "BEN02", *WHO)
    nameless = staff(command, *COHORT, "BEN01", "--who", " ", "--why", "samples seen")
    assert (unknown.exit_code, nameless.exit_code) == (1, 1)
    assert unknown.output.startswith("Error: no sample of 2024-06 64123 BEN02 was drawn")
    assert nameless.output.startswith("Error: ")
    assert cohort(waiting)["state"] == "proposed"
