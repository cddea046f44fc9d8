"""Basedata says what the rules do (ENT-1, CAL-4), as the catalogue has it on the day it is for (CAL-2)."""

from __future__ import annotations

import shutil
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from parsers.findings import Found
from rules import entries
from rules.basedata import LAYOUTS, Frames, basedata, changes, placeholders
from rules.catalogue import LONDON, Catalogue, Series
from tests.catalogue import CATALOGUE, FROZEN
from tests.rules.sheets import add, rows_of, write

EVERY_SERIES = sorted({milestone.series for milestone in CATALOGUE.milestones})
BEFORE = datetime(2023, 10, 26, tzinfo=LONDON)
SECOND = timedelta(seconds=1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the project's catalogue, to change."""
    return shutil.copytree(FROZEN, tmp_path / "catalogue")


def series(series_id: str, catalogue: Catalogue = CATALOGUE) -> Series:
    found = catalogue.series_by_id(series_id)
    assert found
    return found


def row(frames: Frames, letter: str, code: str) -> dict[str, object]:
    """The record of a code."""
    frame = frames[letter]
    return frame.row(by_predicate=pl.col(frame.columns[0]) == code, named=True)


def taken(catalogue: Catalogue, of: Series, at: datetime) -> set[str]:
    """The codes of the whole catalogue, and one that is in none, that an entry or registration in `of` may name."""
    codes = {code for edition in catalogue.editions for code in edition.by_code} | {"ZZZ01"}
    slots = pl.DataFrame({"option": sorted(codes)}).with_columns(
        pl.lit(0, pl.UInt32).alias("file"), pl.lit(3, pl.UInt32).alias("line"), pl.lit("0001").alias("candidate"),
        pl.lit(109, pl.UInt32).alias("first"), pl.lit(114, pl.UInt32).alias("last"),
    )  # fmt: skip
    found = Found(["E"])
    its = catalogue.in_edition(catalogue.edition(at))
    known = entries.in_catalogue(slots, of, its, found)
    entries.offered(known, of, found)
    return set(known["option"]) - {finding.value for finding in found.of(0)}


@pytest.mark.parametrize("series_id", EVERY_SERIES)
def test_ent_1_cal_4_the_options_of_a_series_are_those_its_entries_may_name(series_id: str) -> None:
    of = series(series_id)
    opens = CATALOGUE.milestone(of, "window_opens", BEFORE)
    closes = CATALOGUE.milestone(of, "window_closes", BEFORE)
    assert opens
    assert closes
    for at in (opens.at, closes.at - SECOND):
        options = basedata(CATALOGUE, of, at)["O"]["option"].to_list()
        assert options
        assert set(options) == taken(CATALOGUE, of, at)
        assert options == sorted(set(options))


def test_cal_2_an_option_added_in_the_window_is_in_the_basedata_from_its_day_on(folder: Path) -> None:
    for number in (1, 2, 3):
        new = {"subject": "Travel", "registration_code": "BZT22", "cash_in_code": "BZT99",
               "component_code": f"BZT0{number}", "in_force_from": "2024-02-01"}  # fmt: skip
        add(folder, "components.csv", {"component_code": f"BEN0{number}"}, new)
    changed, begins = Catalogue.load(folder), datetime(2024, 2, 1, tzinfo=LONDON)
    of = series("2024-06", changed)
    for at, there in ((begins - SECOND, False), (begins, True)):
        options = set(basedata(changed, of, at)["O"]["option"])
        assert options == taken(changed, of, at)
        assert ({"BZT01", "BZT02", "BZT03", "BZT99"} <= options) is there


def test_cal_2_before_the_window_the_set_is_for_its_first_day(folder: Path) -> None:
    opens = datetime(2023, 11, 23, tzinfo=LONDON)
    price = {"kind": "internal", "band": "on_time"}
    add(folder, "tariff.csv", price, {"pence": "800", "in_force_from": "2023-11-23"})
    add(folder, "tariff.csv", price, {"pence": "900", "in_force_from": "2023-11-24"})
    changed = Catalogue.load(folder)
    fees = [
        row(basedata(changed, series("2024-06"), at), "O", "BEN01")["fee"]
        for at in (BEFORE, opens, opens + timedelta(days=1) - SECOND, opens + timedelta(days=1))
    ]
    assert fees == [800, 800, 800, 900]


@pytest.mark.parametrize("series_id", EVERY_SERIES)
def test_fil_2_a_set_hangs_together(series_id: str) -> None:
    frames = basedata(CATALOGUE, series(series_id), BEFORE)
    options, links = frames["O"], frames["L"]
    assert set(options["syllabus"]) == set(frames["S"]["syllabus"])
    assert set(links["option"]) == set(options.filter(pl.col("components") == 1)["option"])
    assert set(links["component"]) == set(frames["C"]["component"])
    assert links.height == options["components"].sum()
    for letter, layout in LAYOUTS.items():
        required = [field.name for field in layout.fields if field.required and field.name in frames[letter].columns]
        blank = frames[letter].select(pl.any_horizontal(pl.col(required).cast(pl.String).fill_null("") == ""))
        assert not blank.to_series().any(), letter


def test_units_are_entered_one_by_one_and_awards_are_claimed() -> None:
    frames = basedata(CATALOGUE, series("2024-06"), BEFORE)
    unit, award = row(frames, "O", "BEN03"), row(frames, "O", "BEN99")
    assert (unit["item"], unit["unit_type"], unit["unit_level"], unit["award_type"]) == ("U", "BTEC", "12", "")
    assert (unit["process"], unit["fee"], unit["result_type"], unit["maximum"]) == ("E", 1410, "U", 120)
    assert unit["title"] == "Marketing and finance for enterprise"
    assert (award["item"], award["award_type"], award["award_level"], award["unit_type"]) == ("C", "BTEC", "12", "")
    assert (award["process"], award["fee_defined"], award["fee"]) == ("E", "Y", 0)
    assert (award["maximum"], award["accreditation"], award["title"]) == (300, "60370634", "Award: Enterprise")


def test_a_registration_has_a_component_that_nobody_marks_as_some_software_waits_for_one() -> None:
    frames = basedata(CATALOGUE, series("2023-09"), BEFORE)
    option = row(frames, "O", "BEN22")
    assert (option["item"], option["process"], option["fee"], option["maximum"]) == ("C", "R", 2400, None)
    assert {letter: frames[letter].height for letter in LAYOUTS} == dict.fromkeys(LAYOUTS, 9)
    part = row(frames, "C", "BEN22")
    assert (part["title"], part["teacher_marks"], part["maximum"], part["due"]) == (option["title"], "N", None, None)
    assert (part["timetabled"], part["session"], part["minutes"]) == ("N", "X", 0)


def test_mrk_1_marks_are_wanted_of_internal_components_by_the_deadline_in_force() -> None:
    moved = datetime(2024, 4, 1, tzinfo=LONDON)
    due = [
        row(basedata(CATALOGUE, series("2024-06"), at), "C", "BEN01")["due"] for at in (BEFORE, moved - SECOND, moved)
    ]
    assert due == [date(2024, 5, 1), date(2024, 5, 1), date(2024, 5, 15)]
    frames = basedata(CATALOGUE, series("2024-06"), BEFORE)
    internal, external = row(frames, "C", "BEN01"), row(frames, "C", "BEN03")
    assert (internal["teacher_marks"], internal["maximum"], internal["timetabled"]) == ("Y", 60, "N")
    assert (external["teacher_marks"], external["maximum"], external["due"]) == ("N", 60, None)


@pytest.mark.parametrize(("time", "session"), [("00:00", "X"), ("09:00", "A"), ("11:59", "A"), ("12:00", "P")])
def test_an_exam_is_timetabled_on_its_day_and_in_its_session_where_the_time_is_known(
    folder: Path, time: str, session: str
) -> None:
    moved = {"date": "2024-05-09", "time": time, "in_force_from": "2023-09-01"}
    add(folder, "calendar.csv", {"series": "2024-06", "event": "exam"}, moved)
    frames = basedata(Catalogue.load(folder), series("2024-06"), BEFORE)
    exam, task = row(frames, "C", "BEN03"), row(frames, "C", "BZA02")
    assert (exam["timetabled"], exam["timetable_date"], exam["session"]) == ("T", date(2024, 5, 9), session)
    assert (task["timetabled"], task["timetable_date"], task["session"]) == ("N", None, "X")


def test_a_title_is_cut_to_its_field_and_written_without_accents(folder: Path) -> None:
    long = {
        "component_title": "Café\u00a0culture\u2013 and the  planning of micro-enterprises",
        "in_force_from": "2023-09-01",
    }
    add(folder, "components.csv", {"component_code": "BEN02"}, long)
    frames = basedata(Catalogue.load(folder), series("2024-06"), BEFORE)
    assert row(frames, "O", "BEN02")["title"] == row(frames, "C", "BEN02")["title"]
    assert row(frames, "O", "BEN02")["title"] == "Cafe culture and the planning of mic"


def test_what_nobody_published_is_told_and_marked() -> None:
    told = list(placeholders(CATALOGUE, series("2026-06"), BEFORE))
    assert all("[placeholder]" in line for line in told)
    assert "series 6B and awarding-body identifier 15 [placeholder]" in told
    assert "fees: external, internal [placeholder]" in told
    assert any(line.startswith("due 15 May 2026 [placeholder] (BAC01, ") for line in told)
    # Of Enterprise, the codes of components are published, and those it is registered and claimed with are not.
    [codes] = [line for line in told if line.startswith("codes of ")]
    assert codes.startswith("codes of Enterprise: BEN22, BEN99; all of Animal Care, ")
    [codes] = [line for line in placeholders(CATALOGUE, series("2023-09"), BEFORE) if line.startswith("codes of ")]
    assert codes.startswith("codes of Animal Care, ")
    assert "Enterprise" in codes
    # The claim is free as published, and so is the deadline of 2024.
    assert not any(line.startswith("due") for line in placeholders(CATALOGUE, series("2024-06"), BEFORE))


def test_nothing_is_told_of_what_was_published(folder: Path) -> None:
    for file in ("components.csv", "streams.csv", "tariff.csv", "calendar.csv"):
        rows = rows_of(folder, file)
        flags = [name for name in rows[0] if name.endswith("placeholder")]
        write(folder, file, [old | dict.fromkeys(flags, "N") for old in rows])
    for series_id in EVERY_SERIES:
        assert list(placeholders(Catalogue.load(folder), series(series_id), BEFORE)) == []


def test_the_changes_between_two_sets_are_told_by_file_and_code(folder: Path) -> None:
    ends = {"last_series": "2024-01", "in_force_from": "2024-03-01"}
    add(folder, "components.csv", {"component_code": "BEN02"}, ends)
    add(folder, "tariff.csv", {"kind": "external", "band": "on_time"}, {"pence": "1500", "in_force_from": "2024-03-01"})
    changed = Catalogue.load(folder)
    before, now = (basedata(changed, series("2024-06"), datetime(2024, month, 1, tzinfo=LONDON)) for month in (2, 3))
    told = list(changes(before, now))
    title = "Planning and presenting a micro-ente"
    gone = [f"O  removed  BEN02  {title}", f"C  removed  BEN02  {title}", "L  removed  BEN02 BEN02"]
    dearer = [f"O  changed  {code}  fee 1410 pence to 1500 pence" for code in externals(before)]
    assert sorted(told) == sorted([*gone, *dearer])
    assert f"O  added    BEN02  {title}" in list(changes(now, before))
    assert list(changes(now, now)) == []


def externals(frames: Frames) -> list[str]:
    return frames["C"].filter(pl.col("teacher_marks") == "N")["component"].to_list()


def test_a_moved_date_is_told_with_both_days() -> None:
    before, now = (basedata(CATALOGUE, series("2024-06"), datetime(2024, m, 1, tzinfo=LONDON)) for m in (3, 4))
    told = list(changes(before, now))
    assert "C  changed  BEN01  due 2024-05-01 to 2024-05-15" in told
    assert all(line.startswith("C  changed  ") for line in told)
