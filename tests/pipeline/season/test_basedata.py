"""Basedata as centres get it: read back as written, once a version, whatever happens to the run (FIL-2, CAL-2)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any, BinaryIO

import pytest
from attrs import evolve
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.settings import Settings
from infra.store import Store, StoreError
from parsers.importers import remarks
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.files.check import check_file
from pipeline.season import basedata as job
from pipeline.season.basedata import (
    BasedataError,
    Published,
    Version,
    drawn_up,
    due,
    publish_basedata,
    publish_due,
    read_version,
    unlike,
    written,
)
from rules.basedata import LAYOUTS, Frames
from rules.catalogue import LONDON, Catalogue, Series
from tests.catalogue import CATALOGUE, FROZEN
from tests.golden import FIXTURES, Golden
from tests.rules.sheets import add

EVERY_SERIES = sorted({milestone.series for milestone in CATALOGUE.milestones})
GOLDEN = FIXTURES / "basedata" / "2024-06"
MADE = datetime(2023, 10, 26, tzinfo=LONDON)
LATER = datetime(2024, 4, 1, tzinfo=LONDON)  # the marks deadline of May/June 2024 moves from 1 to 15 May
SECOND = timedelta(seconds=1)
FILES = ["C6B24_15.X01", "L6B24_15.X01", "O6B24_15.X01", "S6B24_15.X01", "Z6B24_15.zip", "note.txt"]


def series(series_id: str = "2024-06") -> Series:
    found = CATALOGUE.series_by_id(series_id)
    assert found
    return found


def stored(store: Store) -> dict[str, bytes]:
    """Everything under `basedata/`."""
    return {one.key.removeprefix("basedata/"): store.get(one.key) for one in store.list("basedata/")}


def same(one: Frames, other: Frames) -> bool:
    return all(one[letter].equals(other[letter]) for letter in LAYOUTS)


# --- The files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("series_id", EVERY_SERIES)
def test_fil_2_what_is_written_is_read_and_nothing_is_found_in_it(series_id: str) -> None:
    made = drawn_up(CATALOGUE, series(series_id), MADE, 7)
    files = written(made)
    again = read_version(made.series, files[made.bundle])
    assert (again.number, again.produced) == (7, date(2023, 10, 26))
    assert same(again.frames, made.frames)
    checked = [one for name, data in files.items() for one in check_file(name, data, CATALOGUE, None)]
    assert len(checked) == 9  # four files, the bundle, its four members
    assert [one.findings for one in checked] == [()] * 9


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(EVERY_SERIES), st.integers(0, 5 * 365), st.integers(1, 999))
def test_fil_2_what_is_written_is_read_on_any_day_under_any_number(series_id: str, days: int, number: int) -> None:
    at = datetime(2022, 1, 1, tzinfo=UTC) + timedelta(days=days)
    made = drawn_up(CATALOGUE, series(series_id), at, number)
    again = read_version(made.series, written(made)[made.bundle])
    assert (again.number, again.produced, again.records) == (number, made.produced, made.records)
    assert same(again.frames, made.frames)


@pytest.mark.parametrize("series_id", EVERY_SERIES)
def test_programs_of_schools_take_every_set_and_find_nothing_empty_in_it(series_id: str) -> None:
    opens = CATALOGUE.milestone(series(series_id), "window_opens", MADE)
    assert opens
    made = drawn_up(CATALOGUE, series(series_id), opens.at)
    assert remarks(made.members()) == []
    assert unlike(made) == ()
    for letter in LAYOUTS:
        empty = evolve(made, frames={**made.frames, letter: made.frames[letter].clear()})
        assert any(f"no record in file {letter}: it waits for one" in words for words in unlike(empty))


def test_the_files_of_a_series_are_these(golden: Golden) -> None:
    for name, data in drawn_up(CATALOGUE, series(), MADE).members().items():
        golden.file(GOLDEN / name, data)


def test_a_value_that_fits_no_column_is_told_before_anybody_gets_it(tmp_path: Path) -> None:
    folder = copytree(FROZEN, tmp_path / "catalogue")
    price = {"kind": "external", "band": "on_time"}
    add(folder, "tariff.csv", price, {"pence": "99999", "in_force_from": "2024-01-01"})
    add(folder, "tariff.csv", price, {"pence": "100000", "in_force_from": "2024-01-02"})
    dear = Catalogue.load(folder)
    assert written(drawn_up(dear, series(), datetime(2024, 1, 1, tzinfo=LONDON)))
    with pytest.raises(BasedataError, match="does not fit the basedata of May/June 2024: O5: fee takes 5 columns"):
        written(drawn_up(dear, series(), datetime(2024, 1, 2, tzinfo=LONDON)))


def test_a_title_without_a_single_plain_letter_is_told_before_anybody_gets_it(tmp_path: Path) -> None:
    folder = copytree(FROZEN, tmp_path / "catalogue")
    add(
        folder,
        "components.csv",
        {"component_code": "BEN01"},
        {"component_title": "企業", "in_force_from": "2023-09-01"},
    )
    with pytest.raises(BasedataError, match="not as it was written"):
        written(drawn_up(Catalogue.load(folder), series(), MADE))


# --- When ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "there"),
    [
        (datetime(2023, 10, 26, tzinfo=LONDON) - SECOND, False),  # four weeks before 23 November
        (datetime(2023, 10, 26, tzinfo=LONDON), True),
        (datetime(2024, 8, 21, 0, 1, tzinfo=LONDON) - SECOND, True),  # results reach the centres
        (datetime(2024, 8, 21, 0, 1, tzinfo=LONDON), False),
    ],
)
def test_cal_1_basedata_is_kept_from_four_weeks_before_the_window_until_results(at: datetime, there: bool) -> None:
    assert (series() in due(CATALOGUE, at)) is there


@pytest.mark.parametrize(
    ("at", "there"),
    [
        (datetime(2023, 8, 4, tzinfo=LONDON) - SECOND, False),  # four weeks before 1 September
        (datetime(2023, 8, 4, tzinfo=LONDON), True),
        (datetime(2024, 9, 1, tzinfo=LONDON) - SECOND, True),  # registrations close
        (datetime(2024, 9, 1, tzinfo=LONDON), False),
    ],
)
def test_cal_1_registrations_have_basedata_until_their_window_closes(at: datetime, there: bool) -> None:
    assert (series("2023-09") in due(CATALOGUE, at)) is there


def test_cal_1_all_that_is_due_is_published(work: Desk) -> None:
    done = publish_due(work, MADE)
    assert [one.note() for one in done] == [
        "Basedata 2023-09 (9B23): version 1 published; S 9, O 9, C 9, L 9.",
        "Basedata 2024-01 (1B24): version 1 published; S 8, O 29, C 21, L 21.",
        "Basedata 2024-06 (6B24): version 1 published; S 9, O 35, C 26, L 26.",
    ]
    assert {key.partition("/")[0] for key in stored(work.store)} == {"2023-09", "2024-01", "2024-06"}


# --- Published -------------------------------------------------------------------------------------------------------


def test_a_version_is_the_files_the_bundle_and_a_note(work: Desk, golden: Golden) -> None:
    done = publish_basedata(work, series(), MADE)
    files = stored(work.store)
    assert sorted(files) == [f"2024-06/1/{name}" for name in FILES]
    made = drawn_up(CATALOGUE, series(), MADE)
    assert {name.rpartition("/")[2]: data for name, data in files.items() if not name.endswith(".txt")} == written(made)
    golden.file(GOLDEN / "note.txt", files["2024-06/1/note.txt"])
    assert done == Published(series=series(), number=1, records=made.records, fresh=True)


def test_cal_2_nothing_new_publishes_nothing(work: Desk) -> None:
    publish_basedata(work, series(), MADE)
    before = list(work.store.list("basedata/"))
    again = publish_basedata(work, series(), LATER - SECOND)
    assert (again.number, again.fresh) == (1, False)
    assert list(work.store.list("basedata/")) == before


def test_cal_2_a_moved_date_publishes_the_next_version_and_says_what_changed(work: Desk) -> None:
    publish_basedata(work, series(), MADE)
    first = stored(work.store)
    assert publish_basedata(work, series(), LATER).note() == (
        "Basedata 2024-06 (6B24): version 2 published; S 9, O 35, C 26, L 26."
    )
    both = stored(work.store)
    assert both.items() > first.items()
    second = {name.removeprefix("2024-06/2/"): data for name, data in both.items() if name not in first}
    assert sorted(second) == [name.replace(".X01", ".X02") for name in FILES]
    assert read_version(series(), second["Z6B24_15.zip"]).number == 2
    said = second["note.txt"].decode().splitlines()
    assert "  Replaces    version 1: load all of it again" in said
    assert "CHANGES  17" in said
    assert "  C  changed  BEN01  due 2024-05-01 to 2024-05-15" in said


def test_cal_2_a_new_edition_publishes_the_next_version(work: Desk, tmp_path: Path) -> None:
    folder = copytree(FROZEN, tmp_path / "catalogue")
    add(folder, "components.csv", {"component_code": "BEN01"}, {"raw_max": "70", "in_force_from": "2024-02-01"})
    desk, begins = evolve(work, catalogue=Catalogue.load(folder)), datetime(2024, 2, 1, tzinfo=LONDON)
    numbers = [publish_basedata(desk, series(), at).number for at in (MADE, begins - SECOND, begins, begins)]
    assert numbers == [1, 1, 2, 2]
    note = stored(work.store)["2024-06/2/note.txt"].decode()
    assert "CHANGES  1\n  C  changed  BEN01  maximum 60 to 70\n" in note


class Dying:
    """A store that dies before its write number `left`."""

    def __init__(self, store: Store, left: int) -> None:
        self.store, self.left = store, left

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def put_if_absent(self, key: str, data: bytes | BinaryIO) -> bool:
        self.left -= 1
        if self.left < 0:
            raise StoreError("pulled out")
        return self.store.put_if_absent(key, data)


@pytest.mark.parametrize("writes", range(6))
def test_a_run_that_died_anywhere_is_finished_by_the_next_one(work: Desk, writes: int) -> None:
    publish_basedata(work, series(), MADE)
    with pytest.raises(StoreError, match="pulled out"):
        publish_basedata(evolve(work, store=Dying(work.store, writes)), series(), LATER)
    next_day = LATER + timedelta(days=1)
    assert publish_basedata(work, series(), next_day).fresh is (writes == 0)
    files = stored(work.store)
    made = drawn_up(CATALOGUE, series(), LATER if writes else next_day, 2)
    assert len(files) == 12
    assert {name: files[f"2024-06/2/{name}"] for name in written(made)} == written(made)
    assert b"  C  changed  BEN01  due 2024-05-01 to 2024-05-15\n" in files["2024-06/2/note.txt"]


def test_of_two_runs_at_once_one_publishes(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, other = job.written, iter([True])

    def overtaken(one: Version) -> dict[str, bytes]:
        if next(other, False):
            assert publish_basedata(work, series(), MADE).fresh
        return slow(one)

    monkeypatch.setattr(job, "written", overtaken)
    done = publish_basedata(work, series(), MADE)
    assert (done.number, done.fresh) == (1, False)
    assert sorted(stored(work.store)) == [f"2024-06/1/{name}" for name in FILES]


def test_who_is_overtaken_by_something_older_publishes_after_it(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, other = job.written, iter([True])

    def overtaken(one: Version) -> dict[str, bytes]:
        if next(other, False):
            publish_basedata(work, series(), MADE)
        return slow(one)

    monkeypatch.setattr(job, "written", overtaken)
    done = publish_basedata(work, series(), LATER)
    assert (done.number, done.fresh) == (2, True)


def test_a_version_that_somebody_spoilt_is_told(work: Desk) -> None:
    publish_basedata(work, series(), MADE)
    key = "basedata/2024-06/1/Z6B24_15.zip"
    work.store.put(key, work.store.get(key)[:-30])
    with pytest.raises(StoreError, match=r"basedata/2024-06/1/Z6B24_15.zip: Z6B24_15.zip is not as it was written"):
        publish_basedata(work, series(), MADE)


# --- From the command line -------------------------------------------------------------------------------------------


def run(*words: str, env: Settings | None = None) -> Result:
    return CliRunner().invoke(main, words, env=env.environment() if env else None)


@pytest.fixture
def shown(tmp_path: Path) -> tuple[Result, Path]:
    folder = tmp_path / "new" / "basedata"
    return run("basedata", "2024-06", "--at", "2023-10-26", "--to", str(folder)), folder


def test_the_command_writes_files_that_check_and_describe_can_read(shown: tuple[Result, Path]) -> None:
    result, folder = shown
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in folder.iterdir()) == FILES[:-1]
    assert result.output.startswith((GOLDEN / "note.txt").read_text(encoding="utf-8"))
    checked = run("check", str(folder))
    assert (checked.exit_code, "9 files: 9 with nothing to mend" in checked.output) == (0, True)
    described = run("describe", str(folder / "Z6B24_15.zip"), "--all")
    assert described.exit_code == 0
    assert "Marketing and finance for enterprise" in described.output


def test_the_command_without_a_folder_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("basedata", "2023-09", "--at", "2023-08-04")
    assert result.exit_code == 0, result.output
    assert "Records     S 9, O 9, C 9, L 9" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_series_without_a_calendar_and_a_folder_that_cannot_be_are_told(tmp_path: Path) -> None:
    result = run("basedata", "2019-06")
    assert (result.exit_code, "there is no calendar for 2019-06" in result.output) == (1, True)
    (tmp_path / "file").write_text("")
    result = run("basedata", "2024-06", "--to", str(tmp_path / "file" / "folder"))
    assert (result.exit_code, "Not a directory" in result.output) == (5, True)


def test_the_job_by_hand_publishes_once(fresh: Settings) -> None:
    results = [run("run", "basedata", "2026-06", env=fresh) for _ in range(2)]
    assert [result.exit_code for result in results] == [0, 0], results[0].output
    assert "version 1 published" in results[0].output
    assert "version 1 is still the latest" in results[1].output
