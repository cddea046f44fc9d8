"""Results day from the command line, on a real ledger and store; its instants are long past."""

from __future__ import annotations

import pytest
from click.testing import CliRunner, Result

from infra.settings import Settings
from pipeline.cli import main
from pipeline.desk import open_desk
from tests.pipeline.results_season import play
from tests.scenario_language import Season
from tests.support import CENTRE

WHY = ("--why", "looked at")
OF_0002 = ("--centre", CENTRE, "--candidate", "0002", *WHY)
OF_CASE = ("--kind", "error_of_the_board", "--requested-by", "the board", "--requested-on", "2024-09-01")


@pytest.fixture
def season(fresh: Settings) -> Season:
    with open_desk(fresh) as desk:
        return play(desk)


def run(season: Season, *words: str) -> Result:
    return CliRunner().invoke(main, words, env=season.desk.settings.environment())


def test_res_2_from_the_award_to_an_updated_file_every_step_says_what_it_did(season: Season) -> None:
    steps: list[tuple[tuple[str, ...], str]] = [
        (("withhold", "put", "2024-06", *OF_0002), f"Withheld: 2024-06, centre {CENTRE}"),
        (("withhold", "list", "--json"), '"state": "withheld"'),
        (("withhold", "give-back", "2024-06", *OF_0002, "--preview"), "Comes back: nothing"),
        (("withhold", "release", "2024-06", *OF_0002), f"2024-06, centre {CENTRE}"),
        (("withhold", "list", "--json"), "[]"),
        (("award", "2024-06"), "3 of 4 claims awarded"),
        (("gate", "show", "2024-06"), "BOARD_MARK_MISSING"),
        (
            ("gate", "accept", "2024-06", "BOARD_MARK_MISSING", "--component", "BEN03", *WHY),
            "BEN03: accepted, on record",
        ),
        (("gate", "accept", "2024-06", "MODERATION_OPEN", "--component", "BEN01", *WHY), "BEN01: accepted, on record"),
        (("gate", "accept", "2024-06", "MODERATION_OPEN", "--component", "BEN02", *WHY), "BEN02: accepted, on record"),
        (("results", "build", "2024-06"), "5 files under embargo"),
        (("approvals", "list"), "4  results     2024-06 version 1"),
        (("approvals", "show", "4"), "Manifest of the files under embargo: SHA-256"),
        (("approvals", "approve", "4", *WHY), "results 2024-06 version 1: approved, on record as system account"),
        (("approvals", "show", "4"), "Approved by: system account"),
        (("results", "withdraw", "2024-06", *WHY), "Results 2024-06 version 1: withdrawn."),
        (("award", "2024-06"), "version 2"),
        (("results", "build", "2024-06"), "Results 2024-06 version 2: 5 files under embargo"),
        (("approvals", "list"), "5  results     2024-06 version 2"),
        (("approvals", "approve", "5", *WHY), "results 2024-06 version 2: approved"),
        (("approvals", "list"), "Nothing waits for a decision."),
        (("release", "2024-06", "--audience", "centres"), "version 2 to centres: 3 files with 34 records are out"),
        (("release", "2024-06", "--audience", "learners"), "version 2 to learners: 2 files with 19 records are out"),
        (("late-claims",), "0 later claims decided"),
        (("updated-results", "2024-06", CENTRE, *WHY), f"Nothing has changed for {CENTRE}"),
        (("certificates", "2024-06"), "3 certificates are due: reports/certificates/2024-06.html"),
        (("correction", "list", "--json"), "[]"),
        (("correction", "open", "2024-06", f"{CENTRE}/0002/BEN03", *OF_CASE, *WHY), "Correction 1 is open."),
        (("correction", "list"), f"1  2024-06  open      error of the board    {CENTRE}/0002/BEN03"),
        (("withhold", "put", "2024-06", *OF_0002, "--preview"), "Component results: 0 up, 0 down, 3 withheld"),
        (("withhold", "put", "2024-06", *OF_0002), "Correction 2 is proposed, because these results are out."),
        (("correction", "show", "2"), f"About: {CENTRE}/0002"),
        (("correction", "list", "--json"), f'"subjects": [\n      "{CENTRE}/0002/BEN03"\n    ]'),
    ]
    for words, said in steps:
        result = run(season, *words)
        assert result.exit_code == 0, result.output
        assert said in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("results", "build", "2024-06"), "2024-06 has not been awarded: run `resultsday award 2024-06`"),
        (("release", "2024-06", "--audience", "centres"), "nothing is awarded for May/June 2024: run the award"),
        (("updated-results", "2024-06", CENTRE, *WHY), "the results of May/June 2024 are not released yet"),
        (("certificates", "2024-06"), "the results of May/June 2024 are not released yet"),
        (("release", "2019-06", "--audience", "centres"), "there is no calendar for 2019-06"),
    ],
)
def test_what_cannot_be_done_ends_with_a_sentence(season: Season, words: tuple[str, ...], said: str) -> None:
    result = run(season, *words)
    assert result.exit_code == 1
    assert said in result.output
