"""The catalogue as data: versions of everything (CAL-2), the calendar (CAL-1), what is offered (CAL-4, CAL-5), prices
(FEE-5), scales (AWD-2, AWD-3), samples and tolerance (MOD-1, MOD-2), and what a broken file says."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers.findings import Found
from rules import files
from rules.catalogue import LONDON, SHEETS, Catalogue, CatalogueError, Series
from rules.deadlines import NONE
from rules.decisions import decide
from rules.periods import AMENDMENT
from tests.catalogue import CATALOGUE, FROZEN
from tests.rules.known import nothing_held
from tests.rules.sheets import Cells, add, change, remove, rows_of, write
from tests.support import arrival, centre_file

NOW = datetime(2026, 7, 1, tzinfo=LONDON)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's catalogue, to break."""
    return shutil.copytree(FROZEN, tmp_path / "catalogue")


def refused(folder: Path) -> str:
    with pytest.raises(CatalogueError) as error:
        Catalogue.load(folder)
    return str(error.value)


def series(key: str = "6B24", body: str = "15") -> Series:
    found = CATALOGUE.series(key, body)
    assert found is not None
    return found


def exam(series_id: str) -> Series:
    found = CATALOGUE.series_by_id(series_id)
    assert found is not None
    return found


def day_of(series_id: str, event: str, received: datetime = NOW, component: str = "*") -> str:
    found = CATALOGUE.milestone(exam(series_id), event, received, component)
    assert found is not None
    return found.day.isoformat()


# --- Series ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "body", "title"),
    [
        ("6B24", "15", "May/June 2024"),
        ("1B24", "15", "December/January 2023/24"),
        ("9B23", "13", "registrations 2023/24"),
        ("6B24", "13", None),
        ("7B24", "15", None),
        ("6B99", "15", None),
        ("", "", None),
    ],
)
def test_a_header_names_a_series_by_key_and_awarding_body(key: str, body: str, title: str | None) -> None:
    found = CATALOGUE.series(key, body)
    assert (found and found.title) == title


def test_cal_1_there_are_two_exam_series_a_year_from_2022_23_to_2026_27() -> None:
    ids = [known.id for known in CATALOGUE.all_series()]
    assert ids == [f"{year}-{month}" for year in range(2023, 2028) for month in ("01", "06")]
    assert all(CATALOGUE.series(known.key, known.awarding_body) is known for known in CATALOGUE.all_series())


def test_a_series_is_found_by_year_and_month() -> None:
    assert exam("2024-06") == series()
    assert exam("2023-09") == series("9B23", "13")
    assert CATALOGUE.series_by_id("2028-06") is None
    assert CATALOGUE.series_by_id("") is None


# --- The calendar ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("series_id", "event", "day"),
    [
        ("2023-06", "results_to_centres", "2023-08-23"),
        ("2023-06", "results_to_learners", "2023-08-24"),
        ("2024-01", "window_opens", "2023-09-04"),
        ("2024-01", "window_closes", "2024-01-09"),
        ("2024-01", "marks_deadline", "2023-12-15"),
        ("2024-01", "results_to_learners", "2024-03-21"),
        ("2024-01", "late_claims_open", "2024-03-21"),
        ("2024-01", "late_claims_close", "2024-04-18"),
        ("2024-06", "window_opens", "2023-11-23"),
        ("2024-06", "on_time_deadline", "2024-02-21"),
        ("2024-06", "reentry_deadline", "2024-03-29"),
        ("2024-06", "high_late_from", "2024-04-22"),
        ("2024-06", "window_closes", "2024-05-02"),
        ("2024-06", "late_claims_open", "2024-05-03"),
        ("2024-06", "late_claims_close", "2024-07-05"),
        ("2024-06", "results_to_learners", "2024-08-22"),
        ("2025-01", "results_to_learners", "2025-03-20"),
        ("2025-06", "on_time_deadline", "2025-02-21"),
        ("2025-06", "reentry_deadline", "2025-03-28"),
        ("2025-06", "marks_deadline", "2025-05-15"),
        ("2025-06", "task_upload_deadline", "2025-05-15"),
        ("2025-06", "marks_amendment_deadline", "2025-06-27"),
        ("2025-06", "late_claims_close", "2025-07-05"),
        ("2025-06", "results_to_centres", "2025-08-15"),
        ("2025-06", "results_to_learners", "2025-08-21"),
        ("2026-01", "marks_deadline", "2025-12-15"),
        ("2026-06", "cohort_checkpoint", "2026-01-30"),
        ("2026-06", "on_time_deadline", "2026-02-21"),
    ],
)
def test_cal_1_a_published_date_is_in_the_calendar_and_no_placeholder(series_id: str, event: str, day: str) -> None:
    found = CATALOGUE.milestone(exam(series_id), event, NOW)
    assert found is not None
    assert (found.day.isoformat(), found.placeholder) == (day, False)


def test_cal_1_a_deadline_ends_with_its_day_in_london() -> None:
    closes = CATALOGUE.milestone(series(), "window_closes", NOW)
    assert closes is not None
    assert closes.at.isoformat() == "2024-05-03T00:00:00+01:00"


@pytest.mark.parametrize(
    ("series_id", "event", "at", "text"),
    [
        ("2025-06", "results_to_centres", "2025-08-15T00:01:00+01:00", "15 August 2025 00:01 BST [placeholder]"),
        ("2024-01", "results_to_learners", "2024-03-21T00:01:00+00:00", "21 March 2024 00:01 GMT [placeholder]"),
        ("2024-06", "on_time_deadline", "2024-02-22T00:00:00+00:00", "21 February 2024"),
        ("2026-06", "window_opens", "2025-11-23T00:00:00+00:00", "23 November 2025 [placeholder]"),
    ],
)
def test_cal_1_a_date_is_shown_with_its_time_of_day_and_with_what_is_ours(
    series_id: str, event: str, at: str, text: str
) -> None:
    found = CATALOGUE.milestone(exam(series_id), event, NOW)
    assert found is not None
    assert (found.at.isoformat(), found.text) == (at, text)


def test_cal_1_a_component_has_its_own_date_or_that_of_all() -> None:
    assert day_of("2024-06", "psa_release") == "2024-01-08"
    assert day_of("2024-06", "psa_release", component="BEN01") == "2024-01-08"
    assert day_of("2024-06", "psa_release", component="BZP01") == "2023-12-04"
    assert day_of("2024-06", "exam", component="BEN03") == "2024-05-08"
    assert CATALOGUE.milestone(series(), "exam", NOW) is None


def test_an_event_that_a_series_does_not_have_has_no_date() -> None:
    assert CATALOGUE.milestone(exam("2024-01"), "reentry_deadline", NOW) is None


# --- Versions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("year", "before", "after"), [(2023, "2023-05-01", "2023-05-16"), (2024, "2024-05-01", "2024-05-15")]
)
def test_cal_2_a_date_moved_mid_series_is_judged_by_the_version_in_force_at_receipt(
    year: int, before: str, after: str
) -> None:
    moved = datetime(year, 4, 1, tzinfo=LONDON)
    found = [CATALOGUE.milestone(exam(f"{year}-06"), "marks_deadline", at) for at in (moved - SECOND, moved)]
    assert [milestone and milestone.day.isoformat() for milestone in found] == [before, after]
    assert [milestone and milestone.version for milestone in found] == [
        f"calendar of 1 July {year - 1}",
        f"calendar of 1 April {year}",
    ]


def test_cal_2_a_version_begins_at_midnight_in_london_not_in_utc() -> None:
    assert day_of("2024-06", "marks_deadline", datetime.fromisoformat("2024-03-31T22:59:59+00:00")) == "2024-05-01"
    assert day_of("2024-06", "marks_deadline", datetime.fromisoformat("2024-03-31T23:00:00+00:00")) == "2024-05-15"


def test_cal_2_the_first_version_also_stands_for_the_time_before_it() -> None:
    assert day_of("2024-06", "marks_deadline", datetime(2020, 1, 1, tzinfo=LONDON)) == "2024-05-01"


def test_cal_2_a_placeholder_s_version_is_shown_as_one() -> None:
    found = CATALOGUE.milestone(exam("2026-06"), "window_closes", NOW)
    assert found is not None
    assert found.version == "calendar of 1 July 2025 [placeholder]"


def test_cal_2_the_dates_of_a_series_are_those_in_force_by_day() -> None:
    moved = datetime(2024, 4, 1, tzinfo=LONDON)
    before, after = (CATALOGUE.milestones_of(series(), at) for at in (moved - SECOND, moved))
    assert [milestone.day for milestone in after] == sorted(milestone.day for milestone in after)
    assert len({(milestone.event, milestone.component) for milestone in after}) == len(after) == len(before)
    changed = {(milestone.event, milestone.day.isoformat()) for milestone in before} ^ {
        (milestone.event, milestone.day.isoformat()) for milestone in after
    }
    assert changed == {("marks_deadline", "2024-05-01"), ("marks_deadline", "2024-05-15")}
    assert CATALOGUE.milestones_of(Series("2030-06", "6B30", "entry", "15"), NOW) == []


@pytest.mark.parametrize(
    ("received", "version"),
    [
        ("2024-03-09T23:59:59+00:00", "calendar of 1 July 2023"),
        ("2024-03-10T00:00:00+00:00", None),
        ("2024-05-10T12:00:00+01:00", "calendar of 10 March 2024"),
    ],
)
def test_cal_2_a_finding_names_the_version_it_was_judged_by(folder: Path, received: str, version: str | None) -> None:
    window = {"series": "2024-06", "event": "window_closes"}
    change(folder, "calendar.csv", window, {"date": "2024-03-08"})
    change(folder, "calendar.csv", {"series": "2024-06", "event": "high_late_from"}, {"date": "2024-03-01"})
    change(folder, "calendar.csv", {"series": "2024-06", "event": "reentry_deadline"}, {"date": "2024-03-08"})
    add(folder, "calendar.csv", window, {"date": "2024-05-09", "in_force_from": "2024-03-10"})
    arrived = arrival(centre_file(), received=datetime.fromisoformat(received))
    found = Found([arrived.submission.named])
    files.window_open(0, arrived, series(), Catalogue.load(folder), NONE, found)
    said = [finding.expected + finding.message + finding.remedy for finding in found.of(0)]
    assert len(said) == (version is not None)
    assert all(version in text for text in said if version)


def test_cal_2_a_later_line_for_a_component_replaces_the_earlier_from_its_day_on(folder: Path) -> None:
    ended = {"last_series": "2025-06", "component_title": "Ending", "in_force_from": "2025-02-01"}
    add(folder, "components.csv", {"component_code": "BEN03"}, ended)
    changed = Catalogue.load(folder)
    begins = datetime(2025, 2, 1, tzinfo=LONDON)
    titles = [
        component and component.title
        for component in (changed.component("BEN03", at) for at in (begins - SECOND, begins))
    ]
    assert titles == ["Marketing and finance for enterprise", "Ending"]
    reasons = [
        changed.options(exam("2026-01"), at).filter(pl.col("option") == "BEN03")["reason"].item()
        for at in (begins - SECOND, begins, None)
    ]
    assert reasons == [None, "its last series was May/June 2025", "its last series was May/June 2025"]
    assert changed.options(exam("2026-01"), begins)["option"].to_list() == changed.options(exam("2026-01"))[
        "option"
    ].to_list() == CATALOGUE.options(exam("2026-01"))["option"].to_list()  # fmt: skip


def test_cal_2_files_of_one_round_are_each_judged_by_the_catalogue_in_force_at_their_receipt(folder: Path) -> None:
    add(
        folder, "components.csv", {"component_code": "BEN01"}, {"last_series": "2024-01", "in_force_from": "2024-03-01"}
    )
    changed = Catalogue.load(folder)
    at = datetime(2024, 3, 1, tzinfo=LONDON)
    sent = [
        arrival(centre_file(centre=centre), received, centre)
        for centre, received in (("64123", at - SECOND), ("58201", at), ("40807", at - SECOND))
    ]
    refused = [
        [finding.value for finding in decision.findings if finding.code == "OPTION_NOT_IN_SERIES"][:1]
        for decision in decide(sent, changed, nothing_held())
    ]
    assert refused == [[], ["BEN01"], []]


def test_cal_2_a_qualification_added_later_is_not_there_before_its_day(folder: Path) -> None:
    codes = {"subject": "Travel", "registration_code": "BZT22", "cash_in_code": "BZT99"}
    for number in ("1", "2", "3"):
        new = {**codes, "component_code": f"BZT0{number}", "in_force_from": "2025-02-01"}
        add(folder, "components.csv", {"subject": "Enterprise", "component_no": number}, new)
    changed = Catalogue.load(folder)
    begins = datetime(2025, 2, 1, tzinfo=LONDON)
    assert changed.qualification_of("BZT01", begins - SECOND) is None
    assert [changed.qualification_of(code, begins) for code in ("BZT01", "BZT22", "BZT99")] == [
        changed.qualifications[-1]
    ] * 3
    assert len(changed.options(series(), begins)) == len(changed.options(series(), begins - SECOND)) + 4


# --- What is offered -------------------------------------------------------------------------------------------------


def test_cal_5_nine_subjects_each_have_their_components_and_one_external() -> None:
    assert len(CATALOGUE.qualifications) == 9
    for qualification in CATALOGUE.qualifications:
        parts = 2 if qualification.subject == "Art and Design Practice" else 3
        assert [part.number for part in qualification.components] == list(range(1, parts + 1))
        assert [part.external for part in qualification.components] == [False] * (parts - 1) + [True]
        assert qualification.ums_max == 300


def test_cal_5_the_external_assessments_of_four_creative_subjects_are_tasks() -> None:
    tasks = {
        part.subject
        for qualification in CATALOGUE.qualifications
        for part in qualification.components
        if part.task_based
    }
    assert tasks == {
        "Art and Design Practice", "Creative Media Production", "Music Practice", "Performing Arts",
    }  # fmt: skip
    for qualification in CATALOGUE.qualifications:
        [external] = [part for part in qualification.components if part.external]
        assert external.task_based != external.december_january


@pytest.mark.parametrize(
    ("key", "option", "reason"),
    [
        ("1B24", "BEN03", None),
        ("1B23", "BEN03", "its first series is December/January 2023/24"),
        ("1B23", "BEN01", None),
        ("1B24", "BZM03", "it has no December/January series"),
        ("1B24", "BZA01", "it has no December/January series"),
        ("1B24", "BZA99", "Art and Design Practice has no December/January series"),
        ("6B24", "BZA99", None),
        ("6B23", "BZA02", "its first series is May/June 2024"),
        ("6B24", "BZA02", None),
    ],
)
def test_cal_4_availability_is_data(key: str, option: str, reason: str | None) -> None:
    table = CATALOGUE.options(series(key), NOW)
    assert table.filter(pl.col("option") == option)["reason"].to_list() == [reason]


def test_cal_4_the_season_without_a_series_is_may_and_june_for_who_has_none(folder: Path) -> None:
    of = {"component_code": "BEN01"}
    change(folder, "components.csv", of, {"may_june": "N"})
    table = Catalogue.load(folder).options(series()).filter(pl.col("option") == "BEN01")
    assert table.select("reason", "available").row(0) == (
        "it has no May/June series",
        "December/January from December/January 2022/23",
    )


def test_cal_4_a_component_can_be_taken_in_its_last_series_and_not_after(folder: Path) -> None:
    change(folder, "components.csv", {"component_code": "BEN01"}, {"last_series": "2024-06"})
    part = Catalogue.load(folder).component("BEN01")
    assert part is not None
    assert part.why_not(exam("2024-06")) is None
    assert part.why_not(exam("2025-01")) == "its last series was May/June 2024"


def test_a_registration_series_has_a_code_a_qualification() -> None:
    table = CATALOGUE.options(series("9B23", "13"), NOW)
    assert set(table["kind"]) == {"registration"}
    assert table["option"].to_list() == [qualification.registration_code for qualification in CATALOGUE.qualifications]


def test_a_component_and_its_qualification_are_found_by_code() -> None:
    part = CATALOGUE.component("BZA02")
    assert part is not None
    assert (part.subject, part.scope, part.number) == ("Art and Design Practice", "external", 2)
    assert CATALOGUE.component("BZA99") is None
    for code in ("BZA01", "BZA02", "BZA22", "BZA99"):
        found = CATALOGUE.qualification_of(code)
        assert found is not None
        assert found.subject == "Art and Design Practice"
    assert CATALOGUE.qualification_of("BZA03") is None


# --- Prices ----------------------------------------------------------------------------------------------------------


def test_fee_5_a_price_in_force_later_does_not_apply_earlier(folder: Path) -> None:
    price = {"kind": "external", "band": "on_time"}
    add(folder, "tariff.csv", price, {"pence": "1500", "in_force_from": "2024-02-01"})
    changed = Catalogue.load(folder)
    begins = datetime(2024, 2, 1, tzinfo=LONDON)
    prices = [changed.fee("external", "on_time", at).pence for at in (begins - SECOND, begins, begins + 400 * DAY)]
    assert prices == [1410, 1500, 1500]
    assert changed.fee("external", "late", begins).pence == 2125


def test_fee_5_what_has_no_late_price_costs_what_it_costs_on_time(folder: Path) -> None:
    assert CATALOGUE.fee("registration", "high_late", NOW).pence == 2400
    assert CATALOGUE.fee("internal", "high_late", NOW).pence == 1400
    late = {"band": "late", "pence": "2520", "in_force_from": "2024-09-01"}
    add(folder, "tariff.csv", {"kind": "registration"}, late)
    changed, begins = Catalogue.load(folder), datetime(2024, 9, 1, tzinfo=LONDON)
    assert [changed.fee("registration", "late", at).pence for at in (begins - SECOND, begins)] == [2400, 2520]


# --- Marks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "ums", "grade", "code"),
    [
        ("BEN01", 90, "L2D", "D2"),
        ("BEN01", 72, "L2D", "D2"),
        ("BEN01", 71, "L2M", "M2"),
        ("BEN01", 27, "L1P", "P1"),
        ("BEN01", 26, "U", "U"),
        ("BEN01", 0, "U", "U"),
        ("BEN03", 96, "L2D", "D2"),
        ("BEN03", 95, "L2M", "M2"),
        ("BZA01", 144, "L2D", "D2"),
        ("BZA01", 143, "L2M", "M2"),
        ("BZA02", 36, "L1P", "P1"),
        ("BZA02", 35, "U", "U"),
        ("BEN99", 270, "L2D*", "*2"),
        ("BEN22", 269, "L2D", "D2"),
        ("qualification", 90, "L1P", "P1"),
        ("qualification", 89, "U", "U"),
    ],
)
def test_awd_2_a_grade_begins_at_its_threshold(of: str, ums: int, grade: str, code: str) -> None:
    scale = CATALOGUE.scale(of, NOW)
    assert (scale.grade_of(ums), scale.code_of(grade)) == (grade, code)
    assert scale.placeholder


@given(st.sampled_from(["BEN01", "BEN03", "BZA01", "qualification"]), st.data())
@settings(derandomize=True, deadline=None)
def test_awd_2_more_uniform_marks_never_make_a_lower_grade(of: str, data: st.DataObject) -> None:
    scale = CATALOGUE.scale(of, NOW)
    less = data.draw(st.integers(0, scale.max_ums))
    more = data.draw(st.integers(less, scale.max_ums))
    order = [threshold.grade for threshold in scale.thresholds]
    assert order.index(scale.grade_of(more)) <= order.index(scale.grade_of(less))


@pytest.mark.parametrize("ums", [-1, 91])
def test_awd_2_there_is_no_grade_outside_the_scale(ums: int) -> None:
    with pytest.raises(ValueError, match=f"{ums} UMS on a scale from 0 to 90"):
        CATALOGUE.scale("BEN01", NOW).grade_of(ums)


@pytest.mark.parametrize("of", ["BEN09", "internal", ""])
def test_awd_2_what_has_no_scale_is_an_error(of: str) -> None:
    with pytest.raises(KeyError):
        CATALOGUE.scale(of, NOW)


def test_awd_3_a_later_scale_replaces_the_earlier_as_a_whole(folder: Path) -> None:
    rows = rows_of(folder, "ums_scale.csv")
    later = [
        {**row, "minimum": str(int(row["minimum"]) * 95 // 100), "in_force_from": "2025-09-01"}
        for row in rows
        if row["scope"] == "qualification"
    ]
    write(folder, "ums_scale.csv", [*rows, *later])
    changed, begins = Catalogue.load(folder), datetime(2025, 9, 1, tzinfo=LONDON)
    tops = [changed.scale("qualification", at).thresholds[0].minimum for at in (begins - SECOND, begins)]
    assert tops == [270, 256]
    assert changed.scale("BEN01", begins) == CATALOGUE.scale("BEN01", NOW)


@pytest.mark.parametrize(
    ("series_id", "cohort", "size", "on_top", "placeholder"),
    [
        ("2023-01", 1, 10, False, False),
        ("2025-06", 99, 10, False, False),
        ("2025-06", 100, 15, False, True),
        ("2025-06", 199, 15, False, True),
        ("2025-06", 200, 20, False, True),
        ("2026-01", 1, None, False, False),
        ("2026-01", 15, None, False, False),
        ("2026-01", 16, 15, True, False),
        ("2026-01", 100, 15, True, False),
        ("2026-01", 101, 20, True, False),
        ("2026-01", 200, 20, True, False),
        ("2026-06", 201, 25, True, False),
        ("2026-06", 5000, 25, True, False),
    ],
)
def test_mod_1_the_sample_follows_series_and_cohort(
    series_id: str, cohort: int, size: int | None, on_top: bool, placeholder: bool
) -> None:
    rule = CATALOGUE.sample_size(exam(series_id), cohort)
    assert (rule.size, rule.extremes_on_top, rule.placeholder) == (size, on_top, placeholder)


@given(st.sampled_from(CATALOGUE.all_series()), st.integers(1, 10_000))
@settings(derandomize=True, deadline=None)
def test_mod_1_every_cohort_has_the_one_rule_that_names_it(exam_series: Series, cohort: int) -> None:
    rule = CATALOGUE.sample_size(exam_series, cohort)
    assert rule.first_series <= exam_series.id
    assert rule.cohort_from <= cohort <= (rule.cohort_to or cohort)


def test_mod_2_the_tolerance_is_ours_and_the_same_for_all() -> None:
    found = CATALOGUE.tolerance("BEN01", NOW)
    assert (found.marks, found.placeholder) == (3, True)
    assert found.source.startswith("ours")


def test_mod_2_a_component_s_own_tolerance_counts_from_its_day_on(folder: Path) -> None:
    add(folder, "tolerance.csv", {}, {"component": "BEN01", "marks": "2", "in_force_from": "2025-01-01"})
    add(folder, "tolerance.csv", {}, {"marks": "4", "in_force_from": "2025-06-01"})
    changed = Catalogue.load(folder)
    ours, all_of = datetime(2025, 1, 1, tzinfo=LONDON), datetime(2025, 6, 1, tzinfo=LONDON)
    assert [changed.tolerance("BEN01", at).marks for at in (ours - SECOND, ours, all_of)] == [3, 2, 2]
    assert [changed.tolerance("BEN02", at).marks for at in (ours, all_of - SECOND, all_of)] == [3, 3, 4]


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2024-06-28T23:59", "2024-07-06"),  # a Friday night: Monday to Friday
        ("2024-06-29T00:00", "2024-07-06"),
        ("2024-07-01T00:00", "2024-07-09"),
        ("2023-12-20T12:00", "2023-12-30"),  # over Christmas Day and Boxing Day, a Monday and a Tuesday
        ("2024-05-03T12:00", "2024-05-14"),  # over the early May bank holiday
    ],
)
def test_mod_4_working_days_leave_out_weekends_and_bank_holidays(begin: str, end: str) -> None:
    until, period = CATALOGUE.after(AMENDMENT, datetime.fromisoformat(begin).replace(tzinfo=LONDON))
    assert (until, period.working_days) == (datetime.fromisoformat(end).replace(tzinfo=LONDON), 5)


def test_mod_4_the_number_of_working_days_in_force_at_the_feedback_counts(folder: Path) -> None:
    add(folder, "periods.csv", {}, {"working_days": "10", "in_force_from": "2024-06-24"})
    changed = Catalogue.load(folder)
    before, since = (datetime(2024, 6, day, 12, tzinfo=LONDON) for day in (23, 24))
    assert [changed.after(AMENDMENT, at)[1].working_days for at in (before, since)] == [5, 10]


# --- The files -------------------------------------------------------------------------------------------------------


def test_options_are_built_once() -> None:
    assert CATALOGUE.options(series(), NOW) is CATALOGUE.options(series(), NOW + DAY)


BROKEN = [
    # Cells.
    ("calendar.csv", {"event": "exam"}, {"date": "8 May"}, "date", "'8 May' is not a date"),
    ("calendar.csv", {"event": "exam"}, {"date": "2024-02-30"}, "date", "'2024-02-30' is not a date"),
    ("calendar.csv", {"event": "exam"}, {"date": "20240508"}, "date", "'20240508' is not a date"),
    ("calendar.csv", {"event": "exam"}, {"in_force_from": ""}, "in_force_from", "'' is not a date"),
    ("calendar.csv", {"event": "exam"}, {"event": "exams"}, "event", "'exams' is not one of the events"),
    ("calendar.csv", {"event": "exam"}, {"time": "24:01"}, "time", "'24:01' is not a time of day"),
    ("calendar.csv", {"event": "exam"}, {"placeholder": "yes"}, "placeholder", "'yes' is not Y or N"),
    ("calendar.csv", {"event": "exam"}, {"series": "2024-05"}, "series", "'2024-05' is not year and month"),
    ("tariff.csv", {}, {"band": "early"}, "band", "'early' is not one of on_time, late, high_late"),
    ("tariff.csv", {}, {"pence": "-1"}, "pence", "'-1' is not a whole number"),
    ("tariff.csv", {}, {"source": ""}, "source", "'' is not text"),
    ("streams.csv", {}, {"month": "June"}, "month", "'June' is not 1, 6 or 9"),
    ("components.csv", {}, {"component_no": "one"}, "component_no", "'one' is not a whole number above 0"),
    ("components.csv", {}, {"raw_max": "0"}, "raw_max", "'0' is not a whole number above 0"),
    ("samples.csv", {}, {"sample_size": "most"}, "sample_size", "'most' is not a whole number above 0, or all"),
    # What a file's lines must agree on.
    ("components.csv", {"component_code": "BZA02"}, {"may_june": "N"}, "may_june",
     "BZA02 has neither a December/January nor a May/June series"),
    ("components.csv", {"component_code": "BEN03"}, {"last_series": "2023-06"}, "last_series",
     "2023-06 is before the first series, 2024-01"),
    ("components.csv", {"component_code": "BEN02"}, {"external": "Y"}, None,
     "Enterprise has several external components"),
    ("components.csv", {"component_code": "BEN03"}, {"external": "N"}, "external",
     "Enterprise has no external component"),
    ("components.csv", {"component_code": "BEN02"}, {"component_no": "1"}, "component_no",
     "Enterprise has two components 1"),
    ("components.csv", {"component_code": "BEN02"}, {"cash_in_code": "BEN98"}, "cash_in_code",
     "'BEN98', but BEN01 with the same registration code has 'BEN99'"),
    ("components.csv", {"component_code": "BZH01"}, {"component_code": "BEN99"}, "component_code",
     "BEN99 is in use for something else already"),
    ("components.csv", {"component_code": "BEN02"}, {"ums_max": "180"}, None,
     "the components of Enterprise add up to 390 UMS, not to 300"),
    ("components.csv", {"component_code": "BEN02"}, {"ums_max": "95"}, "ums_max",
     "ums_scale.csv has no scale of scope internal with 95 UMS"),
    ("components.csv", {"component_code": "BEN02"}, {"component_code": "BEN01"}, "in_force_from",
     "line 2 has the same component_code, in_force_from"),
    ("streams.csv", {"series": "1B"}, {"series": "6B"}, None, "line 3 has the same series, awarding_body"),
    ("streams.csv", {"series": "1B"}, {"month": "6"}, None, "line 3 has the same month"),
    ("calendar.csv", {"series": "2024-06", "event": "window_closes"}, {"date": "2023-11-22"}, "date",
     "window_closes of May/June 2024, 22 November 2023, is before window_opens, 23 November 2023"),
    ("calendar.csv", {"series": "2024-06", "event": "on_time_deadline"}, {"date": "2023-11-21"}, "date",
     "on_time_deadline of May/June 2024, 21 November 2023, is before window_opens, 23 November 2023"),
    ("calendar.csv", {"series": "2024-06", "event": "on_time_deadline"}, {"date": "2024-05-03"}, None,
     "window_closes of May/June 2024, 2 May 2024, is before on_time_deadline, 3 May 2024"),
    ("calendar.csv", {"series": "2024-06", "event": "high_late_from"}, {"date": "2024-02-21"}, "date",
     "high_late_from of May/June 2024, 21 February 2024, is before on_time_deadline, 21 February 2024"),
    ("calendar.csv", {"series": "2025-06", "event": "results_to_learners"}, {"date": "2025-08-14"}, "date",
     "results_to_learners of May/June 2025, 14 August 2025, is before results_to_centres, 15 August 2025"),
    ("calendar.csv", {"series": "2024-06", "date": "2024-05-15"}, {"date": "2024-06-28"}, None,
     "marks_amendment_deadline of May/June 2024, 27 June 2024, is before marks_deadline, 28 June 2024 (line"),
    ("calendar.csv", {"date": "2024-05-15"}, {"in_force_from": "2023-07-01"}, "in_force_from",
     "has the same series, event, component, in_force_from"),
    ("calendar.csv", {"event": "exam"}, {"component": "BEN09"}, "component", "BEN09 is not in components.csv"),
    ("calendar.csv", {"series": "2024-06", "event": "window_closes"}, {"component": "BEN03"}, "component",
     "window_closes is a date of a whole series: write * (CAL-6)"),
    ("tariff.csv", {"kind": "registration"}, {"kind": "internal", "band": "high_late"}, None,
     "line 2 has the same kind, band, in_force_from"),
    ("tariff.csv", {"kind": "registration"}, {"band": "late"}, "kind", "there is no on_time line for registration"),
    ("ums_scale.csv", {"grade": "L2D"}, {"minimum": "91"}, "minimum", "91 for L2D is above the maximum of 90 UMS"),
    ("ums_scale.csv", {"grade": "L2M"}, {"minimum": "72"}, "minimum", "72 for L2M is not below 72 for L2D"),
    ("ums_scale.csv", {"grade": "U"}, {"minimum": "1"}, "minimum", "the lowest grade, U, begins at 1 UMS, not at 0"),
    ("ums_scale.csv", {"grade": "L2M"}, {"code": "D2"}, "code", "line 2 has the same code"),
    ("ums_scale.csv", {"grade": "L2M"}, {"grade": "L2D"}, None, "line 2 has the same scope, max_ums, grade"),
    ("samples.csv", {"cohort_from": "1"}, {"cohort_from": "2"}, "cohort_from",
     "from 2023-01 on, there is no line for cohorts from 1"),
    ("samples.csv", {"cohort_from": "16"}, {"cohort_from": "15"}, "cohort_from",
     "cohorts of 15 have a line above already"),
    ("samples.csv", {"cohort_from": "101"}, {"cohort_from": "102"}, "cohort_from",
     "from 2026-01 on, there is no line for cohorts from 101"),
    ("samples.csv", {"cohort_from": "100"}, {"cohort_to": "99"}, "cohort_to", "99 is less than 100"),
    ("samples.csv", {"cohort_from": "100"}, {"cohort_to": ""}, None, "cohorts of 200 have a line above already"),
    ("samples.csv", {"cohort_from": "200"}, {"cohort_to": "300"}, "cohort_to",
     "from 2023-01 on, there is no line for cohorts from 301"),
    ("tolerance.csv", {}, {"component": "BEN01"}, "component", "there is no line for *"),
    ("periods.csv", {}, {"working_days": "0"}, "working_days", "a whole number above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "of", "to", "column", "why"), BROKEN)
def test_a_broken_catalogue_names_file_line_and_column(
    folder: Path, file: str, of: Cells, to: Cells, column: str | None, why: str
) -> None:
    """`column` is None where the message names another line than the changed one."""
    line = change(folder, file, of, to)
    said = refused(folder)
    assert why in said
    assert said.startswith(f"{file}, line {line}, column {column}: " if column else f"{file}, line ")


@pytest.mark.parametrize(
    ("series", "event", "date", "why"),
    [
        ("2024-06", "moderation_opens", "2023-11-22", "is before window_opens, 23 November 2023"),
        ("2024-06", "moderation_closes", "2024-06-26", "is before marks_amendment_deadline, 27 June 2024"),
        ("2025-06", "task_window_closes", "2025-05-16", "is before task_window_closes, 16 May 2025"),
        ("2024-06", "exam", "2024-08-22", "is before exam, 22 August 2024"),
        ("2026-06", "cohort_checkpoint", "2025-11-20", "is before window_opens, 23 November 2025"),
    ],
)
def test_cal_1_dates_that_contradict_each_other_are_refused(
    folder: Path, series: str, event: str, date: str, why: str
) -> None:
    change(folder, "calendar.csv", {"series": series, "event": event}, {"date": date})
    assert why in refused(folder)


def test_cal_1_a_marks_deadline_before_the_window_opens_is_refused(folder: Path) -> None:
    add(folder, "calendar.csv", {"series": "2024-06", "event": "marks_deadline"},
        {"date": "2023-11-01", "in_force_from": "2024-04-02"})  # fmt: skip
    assert "marks_deadline of May/June 2024, 1 November 2023, is before" in refused(folder)


def test_a_moved_date_that_contradicts_the_others_is_refused_in_its_own_version(folder: Path) -> None:
    closes = {"series": "2024-06", "event": "window_closes"}
    line = add(folder, "calendar.csv", closes, {"date": "2024-02-20", "in_force_from": "2024-01-15"})
    assert refused(folder) == (
        f"calendar.csv, line {line}, column date: window_closes of May/June 2024, 20 February 2024, is before "
        f"on_time_deadline, 21 February 2024 (line {line_of(folder, '2024-02-21')}), in the calendar of 15 January 2024"
    )


def line_of(folder: Path, day: str) -> int:
    return next(i for i, row in enumerate(rows_of(folder, "calendar.csv"), 2) if row["date"] == day)


@pytest.mark.parametrize("event", ["window_opens", "window_closes"])
def test_a_series_without_a_window_is_refused(folder: Path, event: str) -> None:
    remove(folder, "calendar.csv", {"series": "2026-06", "event": event})
    said = refused(folder)
    assert said.startswith("calendar.csv, line ")
    assert said.endswith(f"column event: May/June 2026 has no {event}")


def test_a_series_without_a_stream_is_refused(folder: Path) -> None:
    remove(folder, "streams.csv", {"series": "9B"})
    assert refused(folder) == (
        "calendar.csv, line 2, column series: no line of streams.csv has the month of 2022-09"
    )  # fmt: skip


def test_qualifications_need_one_scale(folder: Path) -> None:
    line = len(rows_of(folder, "ums_scale.csv")) + 2
    add(folder, "ums_scale.csv", {"grade": "L2D*"}, {"max_ums": "400", "minimum": "0"})
    said = refused(folder)
    assert (
        said
        == f"ums_scale.csv, line {line}, column max_ums: qualifications have a scale of 300 from the same day already"
    )
    remove(folder, "ums_scale.csv", {"scope": "qualification"})
    assert refused(folder) == "ums_scale.csv, line 2, column scope: there is no scale for qualifications"


@pytest.mark.parametrize("file", [sheet.file for sheet in SHEETS])
def test_a_file_s_columns_are_those_declared_in_any_order(folder: Path, file: str) -> None:
    rows = rows_of(folder, file)
    [first, *_, last] = rows[0]
    write(folder, file, [dict(reversed(row.items())) for row in rows])
    Catalogue.load(folder)
    write(folder, file, [{**row, "remark": "x"} for row in rows])
    assert refused(folder).startswith(
        f"{file}, line 1, column remark: there is no such column; the columns are {first}"
    )
    write(folder, file, [{name: cell for name, cell in row.items() if name != last} for row in rows])
    assert refused(folder) == f"{file}, line 1, column {last}: is missing"


def to_bytes(change_text: Callable[[str], str]) -> Callable[[Path], None]:
    def write_changed(path: Path) -> None:
        path.write_bytes(change_text(path.read_text(encoding="utf-8")).encode("latin-1"))

    return write_changed


@pytest.mark.parametrize(
    ("mangle", "said"),
    [
        (to_bytes(lambda text: ""), "tariff.csv, line 1, column kind: is missing"),
        (to_bytes(lambda text: text.splitlines()[0]), "tariff.csv, line 2, column kind: there are no lines"),
        (to_bytes(lambda text: text.replace("kind,band", "kind,kind")), "line 1, column kind: appears twice"),
        (to_bytes(lambda text: text.replace("2400,", "2400,,", 1)), "line 2, column source: the line goes on after it"),
        (to_bytes(lambda text: text + "external,on_time\n"), "line 12, column pence: the line ends before it: 2 cells"),
        (to_bytes(lambda text: text.replace("ours", "\xe9", 1)), "tariff.csv: is not a CSV file in UTF-8"),
        (to_bytes(lambda text: text + 'a,"b'), "tariff.csv: is not a CSV file in UTF-8"),
        (Path.unlink, "tariff.csv: No such file or directory"),
    ],
)
def test_a_file_that_is_no_table_is_refused_in_words(folder: Path, mangle: Callable[[Path], None], said: str) -> None:
    mangle(folder / "tariff.csv")
    assert said in refused(folder)


def test_a_file_as_spreadsheets_save_it_is_read(folder: Path) -> None:
    path = folder / "tariff.csv"
    text = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n")
    assert Catalogue.load(folder).fees == CATALOGUE.fees


def test_each_code_says_by_itself_whether_somebody_published_it(folder: Path) -> None:
    edition = CATALOGUE.edition()
    assert [edition.spoken(code) for code in ("BEN01", "BEN22", "BEN99", "BZH01", "ZZZ99")] == [
        "BEN01", "BEN22 [placeholder]", "BEN99 [placeholder]", "BZH01 [placeholder]", "ZZZ99",
    ]  # fmt: skip
    for row in rows_of(folder, "components.csv"):
        change(folder, "components.csv", {"component_code": row["component_code"]}, {"cash_in_placeholder": "N"})
    assert Catalogue.load(folder).edition().spoken("BEN99") == "BEN99"


def test_a_catalogue_from_before_the_flags_of_codes_can_be_read(folder: Path) -> None:
    rows = rows_of(folder, "components.csv")
    new = ("registration_placeholder", "cash_in_placeholder")
    write(folder, "components.csv", [{name: cell for name, cell in row.items() if name not in new} for row in rows])
    assert Catalogue.load(folder).edition().spoken("BEN22") == "BEN22 [placeholder]"
