"""FIL-5 and RES-2 by force: a process is ended by SIGKILL at every step of every job, and the job is run again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

import pipeline
from bench.crashes import STAGE_NAMES, Ground, Matrix, Tracing, differences, ended, fresh_process, matrix
from infra.store import S3Store
from pipeline.docs.house import KNOWS_AIRFLOW
from pipeline.journal import JOBS
from pipeline.steps import Step

PLAYED = (
    "pipeline.intake.ingest",
    "pipeline.awarding.award",
    "pipeline.results.release",
    "pipeline.results.after_results",
    "pipeline.intake.quarantine",
)
ON_S3 = ("ingest", "boundaries", "award", "build", "release to centres", "later claims", "updated files")


@pytest.fixture(scope="module")
def on_a_folder(season: Ground, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    for module in walk_packages(pipeline.__path__, "pipeline."):
        if f"{module.name.replace('.', '/')}.py" not in KNOWS_AIRFLOW:
            import_module(module.name)
    return matrix(season, str(tmp_path_factory.mktemp("crashes")))


def test_fil_5_killed_at_any_step_and_run_again_ledger_and_every_file_are_the_same(on_a_folder: Matrix) -> None:
    assert on_a_folder.wrong == ()
    assert {one.stage for one in on_a_folder.crashes} >= set(STAGE_NAMES) - {"ingest, nothing waits"}
    assert {one.step for one in on_a_folder.crashes} == set(on_a_folder.passed)
    assert len(on_a_folder.crashes) > 60


def test_no_job_changes_store_or_ledger_without_passing_a_step(on_a_folder: Matrix) -> None:
    assert on_a_folder.unmarked == ()
    assert on_a_folder.changes > 150


def test_every_step_is_passed_by_an_undisturbed_season(on_a_folder: Matrix) -> None:
    assert on_a_folder.never == ()


def test_every_job_of_ingest_award_release_reissue_and_quarantine_is_played(on_a_folder: Matrix) -> None:
    jobs = {name for name, one in JOBS.items() if one.run.__module__ in PLAYED}
    assert jobs <= on_a_folder.jobs
    assert len(jobs) == 14


def test_res_2_killed_on_s3_it_is_the_same(season: Ground, bucket: S3Store) -> None:
    on_s3 = matrix(season, str(bucket).rstrip("/"), ON_S3)
    assert (on_s3.wrong, on_s3.unmarked) == ((), ())
    assert len(on_s3.crashes) > 50
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


def test_processes_that_are_waited_for_at_the_same_time_say_each_how_they_ended() -> None:
    with ThreadPoolExecutor(4) as pool:
        codes = list(pool.map(lambda code: ended(fresh_process(os._exit, code)), [0, 7] * 100))
    assert codes == [0, 7] * 100


def test_another_byte_a_missing_file_and_a_new_one_are_differences() -> None:
    assert differences({"a": b"1", "b": b"1", "c": b"1"}, {"a": b"1", "b": b"2", "d": b""}) == ("b", "c", "d")
