"""The catalogue as data: calendar versions (CAL-1, CAL-2), availability (CAL-4, CAL-5), prices (FEE-5)."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

import pytest

from infra.settings import CATALOGUE_OF_THE_PROJECT
from rules.catalogue import LONDON, Catalogue, CatalogueError, Series


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue.load(CATALOGUE_OF_THE_PROJECT)


def series(catalogue: Catalogue, key: str = "6B24", body: str = "15") -> Series:
    found = catalogue.series(key, body)
    assert found is not None
    return found


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
def test_a_header_names_a_series_by_key_and_awarding_body(
    catalogue: Catalogue, key: str, body: str, title: str | None
) -> None:
    found = catalogue.series(key, body)
    assert (found and found.title) == title


def test_cal_2_a_date_moved_mid_series_is_judged_by_the_version_in_force_at_receipt(catalogue: Catalogue) -> None:
    before = catalogue.milestone(series(catalogue), "marks_deadline", datetime(2024, 3, 31, 12, tzinfo=LONDON))
    after = catalogue.milestone(series(catalogue), "marks_deadline", datetime(2024, 4, 1, 0, tzinfo=LONDON))
    assert before is not None
    assert after is not None
    assert (before.day.isoformat(), after.day.isoformat()) == ("2024-05-01", "2024-05-15")
    assert after.version == "calendar of 1 April 2024"


def test_cal_1_a_deadline_ends_with_its_day_in_london(catalogue: Catalogue) -> None:
    closes = catalogue.milestone(series(catalogue), "window_closes", datetime(2024, 2, 1, tzinfo=LONDON))
    assert closes is not None
    assert closes.at.isoformat() == "2024-05-03T00:00:00+01:00"


@pytest.mark.parametrize(
    ("key", "option", "reason"),
    [
        ("1B24", "BEN03", None),
        ("1B23", "BEN03", "its first series is December/January 2023/24"),
        ("1B24", "BZM03", "it has no December/January series"),
        ("1B24", "BZA01", "it has no December/January series"),
        ("1B24", "BZA99", "Art and Design Practice has no December/January series"),
        ("6B23", "BZA02", "its first series is May/June 2024"),
        ("6B24", "BZA02", None),
    ],
)
def test_cal_4_availability_is_data(catalogue: Catalogue, key: str, option: str, reason: str | None) -> None:
    table = catalogue.options(series(catalogue, key))
    assert table.filter(table["option"] == option)["reason"].to_list() == [reason]


def test_cal_5_art_and_design_has_two_components_the_second_external(catalogue: Catalogue) -> None:
    [art] = [one for one in catalogue.qualifications if one.subject == "Art and Design Practice"]
    assert [part.external for part in art.components] == [False, True]


def test_a_price_in_force_later_does_not_apply_earlier(catalogue: Catalogue, tmp_path: Path) -> None:
    folder = shutil.copytree(CATALOGUE_OF_THE_PROJECT, tmp_path / "catalogue")
    with (folder / "tariff.csv").open("a", encoding="utf-8") as file:
        file.write("external,on_time,1500,2024-02-01,Y,test\n")
    changed = Catalogue.load(folder)
    prices = [changed.fee("external", "on_time", datetime(2024, 1 + n, 1, tzinfo=LONDON)).pence for n in (0, 1)]
    assert prices == [1410, 1500]


@pytest.mark.parametrize(
    ("file", "line", "place"),
    [
        ("calendar.csv", "2024-06,window_opens,someday,00:00,2023-07-01,N,x", "column date"),
        ("tariff.csv", "external,early,10,2022-09-01,Y,x", "column band"),
        ("components.csv", "Enterprise,1,2,3,4,5,one,Y,N,Y,Y,2023-01,,60,90,N,Y,2022-09-01", "column component_no"),
        ("streams.csv", "entry,6B,June,15,May/June,Y,x", "column month"),
    ],
)
def test_a_broken_catalogue_names_file_line_and_column(tmp_path: Path, file: str, line: str, place: str) -> None:
    folder = shutil.copytree(CATALOGUE_OF_THE_PROJECT, tmp_path / "catalogue")
    path = folder / file
    number = len(path.read_text(encoding="utf-8").splitlines()) + 1
    with path.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    with pytest.raises(CatalogueError, match=rf"{file}, line {number}, {place}"):
        Catalogue.load(folder)
