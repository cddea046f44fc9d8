"""The catalogue that is in use holds together, whatever is opened, moved or published next (CAL-1, CAL-2). All other
tests run on a frozen copy."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from time import process_time

import pytest

from fixtures.next_year import rows
from infra.settings import CATALOGUE_OF_THE_PROJECT
from rules.basedata import basedata
from rules.catalogue import LONDON, SHEETS, Catalogue, Milestone, Series
from tests.catalogue import FROZEN
from tests.rules.sheets import rows_of

IN_USE = Catalogue.load(CATALOGUE_OF_THE_PROJECT)
AT_LAST = datetime(2100, 1, 1, tzinfo=LONDON)
"""When every version is in force that anybody has written down."""
NEEDED = {
    "window_opens", "on_time_deadline", "high_late_from", "window_closes", "marks_deadline",
    "marks_amendment_deadline", "results_to_centres", "results_to_learners", "late_claims_open",
    "late_claims_close", "certificates_due",
}  # fmt: skip
every_series = pytest.mark.parametrize("series", IN_USE.all_series(), ids=lambda series: series.id)


def test_cal_1_there_are_two_exam_series_a_year_and_none_is_left_out() -> None:
    ids = [series.id for series in IN_USE.all_series()]
    assert ids[0] == "2023-01"
    for before, after in pairwise(ids):
        assert after == (f"{before[:4]}-06" if before.endswith("-01") else f"{int(before[:4]) + 1}-01")


@every_series
def test_cal_1_a_header_names_it_and_learners_register_for_its_school_year(series: Series) -> None:
    assert IN_USE.series(series.key, series.awarding_body) is series
    registration = IN_USE.series_by_id(f"{int(series.id[:4]) - 1}-09")
    assert registration
    opens, begins = (IN_USE.milestone(opening, "window_opens", AT_LAST) for opening in (registration, series))
    assert opens
    assert begins
    assert opens.at <= begins.at


@every_series
def test_cal_1_it_has_every_date_that_a_series_needs(series: Series) -> None:
    events = {date.event for date in IN_USE.milestones_of(series, AT_LAST)}
    assert events >= NEEDED
    assert ("reentry_deadline" in events) == (series.month == 6)


@every_series
def test_cal_1_its_dates_come_one_after_the_other(series: Series) -> None:
    of = {date.event: date.at for date in IN_USE.milestones_of(series, AT_LAST) if date.component == "*"}
    for order in (
        ("window_opens", "on_time_deadline", "high_late_from", "window_closes", "results_to_centres"),
        ("window_opens", "marks_deadline", "marks_amendment_deadline", "results_to_centres"),
        ("results_to_centres", "results_to_learners", "certificates_due"),
        ("late_claims_open", "late_claims_close", "certificates_due"),
    ):
        assert [of[event] for event in order] == sorted(of[event] for event in order), order


@every_series
def test_cal_4_something_can_be_entered_in_it_and_basedata_can_be_drawn_up(series: Series) -> None:
    assert IN_USE.options(series)["reason"].null_count() > 0
    frames = basedata(IN_USE, series, AT_LAST)
    assert all(frame.height for frame in frames.values())


@pytest.mark.parametrize("file", ["calendar.csv", "tariff.csv"])
def test_cal_2_what_files_have_been_judged_by_is_never_edited(file: str) -> None:
    now, then = (
        {tuple(cell for name, cell in row.items() if name != "source") for row in rows_of(folder, file)}
        for folder in (CATALOGUE_OF_THE_PROJECT, FROZEN)
    )
    assert then - now == set()


def test_every_line_names_a_source_or_says_that_it_is_ours() -> None:
    known = {source.name for source in IN_USE.sources} | {"ours"}
    used = set()
    for sheet in SHEETS:
        for row in rows_of(CATALOGUE_OF_THE_PROJECT, sheet.file):
            if "source" in row:
                name = row["source"].split(":")[0]
                assert name in known, f"{sheet.file}: {row['source']}"
                assert name != "ours" or "Y" in (row.get("placeholder"), row.get("code_placeholder")), row
                used.add(name)
    assert len(used) > len(known) - 3


def test_the_catalogue_loads_in_less_than_50_milliseconds() -> None:
    def spent() -> float:
        start = process_time()
        Catalogue.load(CATALOGUE_OF_THE_PROJECT)
        return process_time() - start

    assert any(spent() < 0.05 for _ in range(50))


def _dates(year: int) -> dict[tuple[str, str, str], Milestone]:
    series = [series for series in IN_USE.all_series() if series.year == year]
    dates = [its for one in series for its in IN_USE.milestones_of(one, AT_LAST)]
    return {(its.series, its.event, its.component): its for its in dates}


def _made(year: int) -> dict[tuple[str, str, str], tuple[str, str]]:
    found = {}
    for series, event, component, day, clock, *_ in rows(year, date(year - 1, 7, 1)):
        found[series, event, component] = day, clock
    return found


def test_cal_1_a_year_nobody_has_published_is_what_the_rules_of_the_placeholders_say() -> None:
    for year in sorted({series.year for series in IN_USE.all_series() if series.year > 2026}):
        kept, made = _dates(year), _made(year)
        assert made.keys() <= kept.keys()
        for which, milestone in kept.items():
            if milestone.placeholder:
                assert milestone.day.isoformat() == made[which][0], which


def test_cal_1_the_rules_of_the_placeholders_give_what_was_published_for_the_years_before() -> None:
    published = 0
    for year in (2025, 2026):
        made = _made(year)
        for which, milestone in _dates(year).items():
            if not milestone.placeholder:
                published += 1
                assert milestone.day.isoformat() == made[which][0], which
    assert published >= 10


def test_cal_1_days_that_the_founding_document_names_without_a_year_stay_those_days() -> None:
    kept = _dates(2027)
    for series, event, day in (
        ("2027-01", "window_opens", "2026-09-04"),
        ("2027-01", "marks_deadline", "2026-12-15"),
        ("2027-01", "window_closes", "2027-01-09"),
        ("2027-01", "late_claims_close", "2027-04-18"),
        ("2027-06", "window_opens", "2026-11-23"),
        ("2027-06", "window_closes", "2027-05-02"),
        ("2027-06", "late_claims_open", "2027-05-03"),
        ("2027-06", "late_claims_close", "2027-07-05"),
    ):
        assert kept[series, event, "*"].day.isoformat() == day
    registration = IN_USE.series_by_id("2026-09")
    assert registration
    opens = IN_USE.milestone(registration, "window_opens", AT_LAST)
    assert opens
    assert opens.day.isoformat() == "2026-09-01"
