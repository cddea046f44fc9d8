"""The catalogue that is in use holds together, whatever is opened, moved or published next (CAL-1, CAL-2). All other
tests run on a frozen copy."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from time import process_time

import pytest

from infra.settings import CATALOGUE_OF_THE_PROJECT
from rules.basedata import basedata
from rules.catalogue import LONDON, SHEETS, Catalogue, Series
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
