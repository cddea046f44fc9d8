"""The commands about learners (REG-8): what they show, and that nothing happens without a yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner, Result

from infra.settings import Settings
from pipeline.cli import main
from pipeline.cli.approvals import system_account
from pipeline.desk import Desk
from tests.scenario_language import LONDON, Season

UCI, NEW = "641230220001D", "582012110007M"
SAID = ("--why", "the centre asked by telephone")


@pytest.fixture
def asked(work: Desk, fresh: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command on a desk with two learners, entered for two components."""
    season = Season(work)
    season.register([23])
    season.step("2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 | accepted")
    monkeypatch.setenv("RESULTSDAY_DATABASE_URL", fresh.database_url)
    monkeypatch.setenv("RESULTSDAY_STATE", str(fresh.state))
    monkeypatch.setenv("RESULTSDAY_CATALOGUE", str(fresh.catalogue))
    return lambda *words, answer=None: CliRunner().invoke(main, ["learner", *words], input=answer)


def test_reg_6_a_learner_is_shown_with_every_version_and_what_is_held(asked: Callable[..., Result]) -> None:
    shown = asked("show", UCI).output
    for said in ("DE SOUZA:SEAN", "born 9 February 2008", "ULN 6070694642", "centre 64123", "BEN01 BEN02", "BEN22"):
        assert said in shown
    assert asked("show", NEW).output == f"Nobody is on record under UCI {NEW}.\n"


def test_reg_8_the_effect_is_shown_first_and_nothing_is_done_without_a_yes(asked: Callable[..., Result]) -> None:
    refused = asked("correct", UCI, "--to", NEW, *SAID, answer="n\n")
    assert refused.exit_code != 0
    assert "1 registrations, 2 entries" in refused.output
    assert "It costs nothing." in refused.output
    assert f"UCI {UCI}\n" in asked("show", UCI).output
    assert "is replaced by" in asked("correct", UCI, "--to", NEW, *SAID, answer="y\n").output
    assert f"UCI {NEW} (asked for: {UCI})" in asked("show", UCI).output
    assert "nothing is changed" in asked("correct", UCI, "--to", NEW, *SAID, "--yes").output
    assert "its own again" in asked("split", UCI, *SAID, "--yes").output


def test_reg_6_a_name_and_a_date_of_birth_are_put_right_with_their_versions(asked: Callable[..., Result]) -> None:
    shown = asked("correct", UCI, "--name", "de Sousa: Se\u00e1n", "--born", "2008-02-10", *SAID, answer="n\n")
    assert shown.exit_code != 0
    assert "centre 64123: name DE SOUZA:SEAN becomes DE SOUSA:SEAN, date of birth 2008-02-09 becomes" in shown.output
    assert "DE SOUSA" not in asked("show", UCI).output
    put_right = ("correct", UCI, "--name", "de Sousa: Se\u00e1n", "--born", "2008-02-10", *SAID, "--yes")
    done = asked(*put_right).output
    assert "are corrected at 1 centre." in done
    life = asked("show", UCI).output
    assert "DE SOUZA:SEAN, born 9 February 2008" in life
    assert "DE SOUSA:SEAN, born 10 February 2008" in life
    assert f"ordered by {system_account()}: the centre asked by telephone" in life
    assert "nothing is changed" in asked(*put_right).output
    assert asked("correct", UCI, "--name", "A:B", "--to", NEW, *SAID, "--yes").exit_code == 2
    assert asked("correct", UCI, *SAID, "--yes").exit_code == 2
    assert "written as 2008-02-09" in asked("correct", UCI, "--born", "10/02/2008", *SAID, "--yes").output
    assert "nobody is on record" in asked("correct", NEW, "--name", "A:B", *SAID, "--yes").output


def test_reg_8_a_transfer_lists_what_moves(asked: Callable[..., Result]) -> None:
    moved = asked("transfer", UCI, "--centre", "64123", "--to", "58201", "--candidate", "0007", *SAID, "--yes")
    assert "2024-06 BEN01\n" in moved.output
    assert "candidate 0007 of centre 58201 now" in moved.output
    again = asked("transfer", UCI, "--centre", "64123", "--to", "40807", "--candidate", "0007", *SAID, "--yes")
    assert again.exit_code != 0
    assert "holds nothing at centre 64123" in again.output


def test_ent_7_what_waits_is_listed_with_both_centres(asked: Callable[..., Result], work: Desk) -> None:
    assert asked("waiting").output == "Nothing waits.\n"
    season = Season(work)
    season.step("2024-02-16 12:00 GMT | in 9B23 other 58201 sends E 0001: BEN22 | accepted")
    season.step("2024-02-16 12:05 GMT | other 58201 sends E 0001: BEN01 | refused ENTERED_ELSEWHERE")
    said = (
        f"ENTERED_ELSEWHERE: centre 58201, candidate 0001, UCI {UCI}, 2024-06 BEN01, held at centre 64123 as candidate"
    )
    assert asked("waiting").output == f"{said} 0001: move the learner, or ask one of the centres to withdraw\n"


def test_res_5_reg_8_orders_are_on_record(asked: Callable[..., Result], work: Desk) -> None:
    asked("correct", UCI, "--to", NEW, *SAID, "--yes")
    [(who, action)] = work.trail.done(NEW).select("who", "action").rows()
    assert (who, action) == (str(system_account()), "uci_corrected")
    assert datetime.now(LONDON) - work.trail.done(NEW)["at"][0] < timedelta(minutes=5)
