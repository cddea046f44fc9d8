"""The commands by which a person decides about a proposed adjustment (MOD-2, OPS-3)."""

from __future__ import annotations

import os
import pwd

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from infra.ledger.tables import actions
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.marking.moderation import review
from pipeline.marking.samples import sample
from tests.pipeline.marking.cohorts import AMENDED_BY, DEADLINE, SUMMER, cohort, enter, moderate


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


def approvals(*words: str) -> Result:
    return CliRunner().invoke(main, ["approvals", *words])


@pytest.mark.parametrize(
    ("command", "state", "recorded", "words"),
    [
        ("approve", "adjusted", "adjustment_approved", "adjustment 2024-06 64123 BEN01: approved, on record as"),
        ("reject", "agreed", "adjustment_rejected", "adjustment 2024-06 64123 BEN01: rejected, on record as"),
    ],
)
def test_mod_2_ops_3_a_person_decides_once_and_it_is_recorded(
    waiting: Desk, command: str, state: str, recorded: str, words: str
) -> None:
    listed = approvals("list")
    assert "1  adjustment  2024-06 64123 BEN01" in listed.output
    assert "A mark of 15: becomes 10" in approvals("show", "1").output
    first, again = (approvals(command, "1", "--why", "samples seen") for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert words in first.output
    assert cohort(waiting)["state"] == state
    account = pwd.getpwuid(os.getuid()).pw_name
    with waiting.ledger.engine.connect() as connection:
        done = connection.execute(sa.select(actions.c.action, actions.c.who, actions.c.why)).all()
    assert [tuple(one) for one in done] == [(recorded, f"system account {account}", "samples seen")]


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_mod_2_what_cannot_be_decided_is_told_in_a_sentence(waiting: Desk, command: str) -> None:
    approvals("list")
    unknown = approvals(command, "2", "--why", "samples seen")
    without = approvals(command, "1", "--why", " ")
    assert (unknown.exit_code, without.exit_code) == (1, 1)
    assert unknown.output.startswith("Error: there is no proposal 2: `resultsday approvals list`")
    assert without.output.startswith("Error: say why")
    assert cohort(waiting)["state"] == "proposed"
