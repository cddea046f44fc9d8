"""The measurements of `bench.load` in small: what must hold at any size, without a stopwatch."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import load
from bench.desks import New, new_desk
from infra.running.postgres import EmbeddedPostgres
from infra.settings import MIB


@pytest.fixture(scope="module")
def new(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> New:
    """Makes the settings of another empty desk."""
    state: Path = tmp_path_factory.mktemp("load")

    return lambda name: new_desk(postgres, state, f"load_{name}")


def test_fil_1_of_many_files_at_once_each_has_one_reply(new: New) -> None:
    done = load.flood_of(new, files=240, broken=28)
    assert (done.answered, done.left) == (240, 0)
    assert sum(done.outcomes.values()) == 240
    assert done.outcomes["refused"] >= 12
    assert done.outcomes["accepted"] >= 190
    assert done.peak - done.before < 200 * MIB


def test_fil_6_a_file_of_many_centres_is_refused_in_bounded_memory(new: New) -> None:
    """Pairing each record with each of its centres would take many times this memory."""
    done = load.giant_of(new, "records of many centres", load.giant_file(20_000, 1_000))
    assert (done.outcome, done.replies) == ("refused", 1)
    assert done.codes["MANY_CENTRES"] == 1
    assert done.peak - done.before < 500 * MIB


def test_reg_5_a_file_of_one_candidate_number_is_refused_in_bounded_memory(new: New) -> None:
    """Pairing each record with each other of its number would take many times this memory."""
    done = load.giant_of(new, "candidates under one number", load.crowd_file(10_000))
    assert (done.outcome, done.replies) == ("refused", 1)
    assert done.codes["CANDIDATE_NUMBER_SHARED"] == 25
    assert done.peak - done.before < 500 * MIB


def test_fil_4_a_file_that_comes_a_byte_at_a_time_is_taken_when_it_is_whole(new: New) -> None:
    done = load.trickle(new("trickle"), candidates=1, every=40)
    assert done.looks > 20
    assert done.early == 0
    assert (done.whole, done.renamed, done.cut) == ("accepted", "accepted", "refused")


def test_a_series_ten_times_as_large_is_told_step_by_step(capfd: pytest.CaptureFixture[str], new: New) -> None:
    """That it takes no longer than eleven times as long is for `bench.load` to say, on a quiet machine."""
    done = load.tenfold(new, centres=2)
    assert set(done.ratios()) == {*done.small, "in all"}
    assert {"registrations", "entries", "marks", "award, recorded", "files built under embargo"} <= set(done.small)
    assert load.told_tenfold(done).splitlines()[0].split() == ["seconds", "2", "20", "centres", "times"]
    capfd.readouterr()
