"""The calendar's jobs from the command line, on a real ledger and store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from click.testing import CliRunner, Result

from fixtures.generate import people
from infra.settings import Settings
from pipeline.cli import main
from pipeline.desk import open_desk
from pipeline.marking.external import EXTERNAL_MARKS
from tests.pipeline.inbox import land
from tests.scenario_language import Scenario, Season
from tests.support import CENTRE

SEASON = Scenario(
    "jobs",
    "FIL-1 a season to run jobs over",
    (
        "2024-02-15 12:00 GMT | centre sends E BEN01 BEN02 BEN03 | accepted",
        "2024-05-01 12:00 BST | centre sends M BEN01=40 | accepted",
    ),
)


@pytest.fixture
def season(fresh: Settings) -> Season:
    with open_desk(fresh) as desk:
        played = Season(desk)
        played.play(SEASON)
        uci = next(people(CENTRE, 1, seed=1))["uci"]
        rows = f"{','.join(EXTERNAL_MARKS.layout.columns)}\n2024-06,{CENTRE},0001,{uci},BEN03,30,\n"
        land(desk, "../feeds/external-marks/paper.csv", rows.encode(), datetime(2024, 6, 20, tzinfo=UTC))
        return played


def run(season: Season, *words: str) -> Result:
    return CliRunner().invoke(main, ["run", *words], env=season.desk.settings.environment())


@pytest.mark.parametrize(
    ("words", "said", "written"),
    [
        (["statements", "2024-06"], "1 centres", "outbox/64123/invoice-2024-06.csv"),
        (["checkpoint", "2024-06", "marks_deadline"], "NO_CASH_IN x2, MISSING_MARK x2", "reports/checkpoints/2024-06-"),
        (["missing-marks", "2024-06"], "2 marks are missing.", "outbox/64123/missing-marks-2024-06-"),
        (["external-marks"], "1 files of external marks taken: 1 marks booked", "reports/marks/paper.txt"),
        (["moderation", "2024-06"], "1 samples drawn", "outbox/64123/sample-2024-06-BEN01"),
    ],
)
def test_a_job_by_hand_says_what_it_did_and_writes_it(
    season: Season, words: list[str], said: str, written: str
) -> None:
    result = run(season, *words)
    assert result.exit_code == 0, result.output
    assert said in result.output
    assert written.rpartition("/")[0].replace(CENTRE, "<centre>") in result.output
    assert [stored.key for stored in season.desk.store.list(written)]


def test_a_series_without_a_calendar_is_told(season: Season) -> None:
    result = run(season, "statements", "2019-06")
    assert result.exit_code == 1
    assert "there is no calendar for 2019-06" in result.output
