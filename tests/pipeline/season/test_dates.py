"""What the calendar says at an instant, and the command that shows it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from pipeline.cli import main
from pipeline.season.dates import countdown, current_series, series_to_show, time_left
from rules.catalogue import LONDON, Catalogue
from tests.catalogue import CATALOGUE

SECOND = timedelta(seconds=1)
OPENS = datetime(2023, 11, 23, tzinfo=LONDON)
CLOSES = datetime(2024, 5, 3, tzinfo=LONDON)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return CATALOGUE


def test_fee_5_a_series_is_stated_from_its_opening_until_60_days_after_its_window(catalogue: Catalogue) -> None:
    over = CLOSES + timedelta(days=60)
    for now, stated in ((OPENS - SECOND, False), (OPENS, True), (CLOSES, True), (over - SECOND, True), (over, False)):
        assert ("2024-06" in {series.id for series in current_series(catalogue, now)}) is stated, now


def test_fee_5_registration_series_are_not_stated_every_week(catalogue: Catalogue) -> None:
    assert {series.id for series in current_series(catalogue, OPENS)} == {"2024-01", "2024-06"}


def test_cal_2_the_countdown_shows_the_version_in_force(catalogue: Catalogue) -> None:
    series = catalogue.series_by_id("2024-06")
    assert series is not None

    def marks(now: datetime) -> str:
        return next(line for line in countdown(catalogue, series, now) if "marks_deadline" in line)

    announced = datetime(2024, 4, 1, tzinfo=LONDON)
    assert marks(announced - SECOND).split()[:3] == ["1", "May", "2024"]
    assert marks(announced).split()[:3] == ["15", "May", "2024"]
    assert "in 45 days" in marks(announced)


def test_cal_1_dates_that_nobody_published_are_marked(catalogue: Catalogue) -> None:
    series = catalogue.series_by_id("2024-06")
    assert series is not None
    lines = list(countdown(catalogue, series, OPENS))
    assert lines[0] == "May/June 2024 (6B24, 2024-06)"
    marked = {line.split("  ")[1] for line in lines[1:] if "[placeholder]" in line}
    assert "27 June 2024 [placeholder]" in marked
    assert "2 May 2024 [placeholder]" not in marked
    assert len(lines) == 1 + len(catalogue.milestones_of(series, OPENS))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "in 1 hour"), (3600, "in 1 hour"), (3601, "in 2 hours"), (86_399, "in 24 hours"), (86_400, "in 1 day"),
        (172_799, "in 1 day"), (172_800, "in 2 days"), (0, "0 hours ago"), (-1, "1 hour ago"), (-86_400, "1 day ago"),
    ],
)  # fmt: skip
def test_time_left_in_words(seconds: int, words: str) -> None:
    now = datetime(2024, 5, 1, tzinfo=UTC)
    assert time_left(now + timedelta(seconds=seconds), now) == words


def test_cal_1_without_a_series_those_with_dates_to_come_are_shown(catalogue: Catalogue) -> None:
    last = catalogue.milestones_of(catalogue.all_series()[-1], OPENS)[-1].at
    assert [series.id for series in series_to_show(catalogue, last - SECOND)] == ["2027-06"]
    assert [series.id for series in series_to_show(catalogue, last)] == ["2027-06"]
    assert "2024-06" in {series.id for series in series_to_show(catalogue, OPENS)}


def test_cal_1_the_command_shows_a_series_or_says_what_to_write() -> None:
    shown = CliRunner().invoke(main, ["calendar", "2024-06"])
    assert shown.exit_code == 0
    assert "27 June 2024 [placeholder]" in shown.output
    unknown = CliRunner().invoke(main, ["calendar", "6B24"])
    assert unknown.exit_code == 1
    assert "there is no calendar for 6B24; give year and month" in unknown.output
