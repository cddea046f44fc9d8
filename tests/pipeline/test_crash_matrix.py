"""FIL-5 and RES-2 by force: a process is ended by SIGKILL at every step of every job, and the job is run again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench.compared import differences
from bench.crash_season import STAGES
from bench.crashes import STAGE_NAMES, Beginning, Ground, Matrix, Plan, Tracing, ended, fresh_process, matrix, sample
from bench.ledgers import Ledger
from infra.store import S3Store
from pipeline.jobs import JOBS
from pipeline.steps import Step

ON_S3 = ("basedata", "ingest", "moderators' marks", "build", "release to centres", "updated files")
"""Stages whose jobs ask of the store what S3 does in another way: what is there, what is not, and that it is gone."""


pytestmark = pytest.mark.timeout(1500)
"""Hundreds of processes are started, one after another."""


@pytest.fixture(scope="module")
def on_a_folder(season: Ground, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """Every job undisturbed, and some crashes, every day others; `make reliability` has all that are possible."""
    return matrix(season, str(tmp_path_factory.mktemp("crashes")), most=75, seed=_today())


def _today() -> int:
    return datetime.now(UTC).toordinal()


def test_fil_5_killed_at_any_step_and_run_again_ledger_and_every_file_are_the_same(on_a_folder: Matrix) -> None:
    print(on_a_folder.note())
    assert on_a_folder.wrong == ()
    assert {crash.stage for crash in on_a_folder.crashes} >= set(STAGE_NAMES) - {"ingest, nothing waits"}
    assert {crash.step for crash in on_a_folder.crashes} == on_a_folder.passed
    assert len(on_a_folder.crashes) > 70


def test_no_job_changes_store_or_ledger_without_passing_a_step(on_a_folder: Matrix) -> None:
    assert on_a_folder.unmarked == ()
    assert on_a_folder.changes > 300


def test_every_step_is_passed_by_an_undisturbed_season(on_a_folder: Matrix) -> None:
    assert on_a_folder.never == ()


def test_every_job_is_played_and_does_what_is_declared_of_it(on_a_folder: Matrix) -> None:
    assert on_a_folder.jobs == set(JOBS)
    assert on_a_folder.undeclared == ()


def test_res_2_killed_on_s3_it_is_the_same(season: Ground, bucket: S3Store) -> None:
    on_s3 = matrix(season, str(bucket).rstrip("/"), ON_S3, most=20, seed=_today())
    assert (on_s3.wrong, on_s3.unmarked) == ((), ())
    assert {crash.stage for crash in on_s3.crashes} == set(ON_S3)
    assert {crash.step for crash in on_s3.crashes} == on_s3.passed
    assert len(on_s3.crashes) > 15
    print(on_s3.note())


# --- The matrix itself -----------------------------------------------------------------------------------------------


def test_a_change_without_a_step_is_seen() -> None:
    tracing = Tracing()
    tracing.change()
    tracing.step(Step("here", "done", "it is done"))
    assert tracing.trace().unmarked == []
    tracing.change()
    tracing.change()
    assert len(tracing.trace().unmarked) == 2
    assert Path(__file__).name in tracing.trace().unmarked[0]


def test_a_sample_has_every_step_and_every_stage_and_another_seed_gives_another() -> None:
    places = [Beginning(stage, Ledger({}, {}), Path()) for stage in STAGES]
    plans: list[Plan] = [
        (place, (f"step {(at + nth) % 76}", 1), {}) for at, place in enumerate(places) for nth in range(4)
    ]
    taken = sample(plans, 100, seed=1)
    assert {target for _, target, _ in taken} == {target for _, target, _ in plans}
    assert {place.stage.name for place, _, _ in taken} == set(STAGE_NAMES)
    assert 100 <= len(taken) < len(plans)
    assert sample(plans, 100, seed=1) == taken
    assert sample(plans, 100, seed=2) != taken
    assert sample(plans, len(plans), seed=1) == plans


def test_processes_that_are_waited_for_at_the_same_time_say_each_how_they_ended() -> None:
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda code: ended(fresh_process(os._exit, code)), [0, 7] * 100))
    assert codes == [0, 7] * 100


def test_another_byte_a_missing_file_and_a_new_one_are_differences() -> None:
    assert differences({"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2", "d": b""}) == ("b", "c", "d")
