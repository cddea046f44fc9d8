"""The demo takes over where an interrupted one was, or says how to start afresh."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from infra.airflow_api import AirflowApi
from pipeline.demo import demo
from pipeline.demo.rehearsal import steps
from rules.catalogue import Catalogue
from tests.catalogue import FROZEN

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Airflow:
    """What Airflow says of one DAG: its unfinished runs, and when its next one was due."""

    def __init__(self, runs: list[str], following: datetime) -> None:
        self.unfinished, self.following = runs, following

    def wait_until_known(self, job: str, seconds: float) -> None:
        """It knows every DAG."""

    def runs(self, job: str) -> list[dict[str, Any]]:
        done = {"dag_run_id": "scheduled", "state": "success"}
        return [done, *({"dag_run_id": run, "state": "running"} for run in self.unfinished)]

    def dag(self, job: str) -> dict[str, Any]:
        return {"next_dagrun_run_after": self.following.isoformat()}


def wait(runs: list[str], following: datetime = NOW + timedelta(days=1)) -> None:
    timetable = steps(Catalogue.load(FROZEN))
    demo._until_quiet(cast(AirflowApi, Airflow(runs, following)), timetable, lambda: NOW)


def test_a_run_that_waits_for_an_approval_since_an_interrupted_demo_does_not_keep_the_next_one_waiting() -> None:
    award = next(step for step in steps(Catalogue.load(FROZEN)) if step.job == "award")
    wait([demo._run_id(award)])
    # It holds the only place for a run of its DAG, so missed dates of the DAG wait for it, and the demo must not.
    wait([demo._run_id(award)], NOW - timedelta(days=1))


@pytest.mark.parametrize(("runs", "following"), [(["scheduled-2"], NOW + timedelta(days=1)), ([], NOW)])
def test_what_is_not_the_seasons_is_waited_for_and_in_the_end_it_says_how_to_start_afresh(
    runs: list[str], following: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo, "WAIT", 0.0)
    with pytest.raises(demo.DemoError, match="To start afresh: make down, remove the folder var, make demo"):
        wait(runs, following)
