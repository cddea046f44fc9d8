"""Alerts, health and metrics on the running desk: a failed run becomes a mail, and monitors see what is there."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from click.testing import CliRunner

from infra.airflow_api import AirflowApi
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.cli import main
from pipeline.watching.alerts import ALERTS
from tests.mailbox import Mailbox
from tests.patience import PATIENCE, until


@pytest.fixture(scope="module")
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        for dag in ("ingest", "updated_results", "watch"):
            client.wait_until_known(dag, PATIENCE)
        yield client


def test_a_run_that_fails_for_good_becomes_a_mail_that_says_what_to_do(api: AirflowApi, mailbox: Mailbox) -> None:
    run = api.trigger("updated_results", {"series": "1999-06", "centres": ["64123"], "why": "asked by A. Person"})
    assert api.wait("updated_results", run, PATIENCE) == "failed"
    said = mailbox.wait_for(f"A run of updated_results has failed for good: {run} (")
    assert "$ resultsday health" in said
    assert "docs/runbook/run-failed.md" in said
    assert "Person" not in said


def test_the_watch_runs_by_itself_and_its_note_says_what_is_late(api: AirflowApi) -> None:
    run = api.trigger("watch")
    assert api.wait("watch", run, PATIENCE) == "success"
    lines = str(api.run("watch", run)["note"]).splitlines()
    assert lines == ["Nothing is late."] or all(line.split(":")[0].removesuffix(" (new)") in ALERTS for line in lines)
    assert any(one["run_type"] == "scheduled" for one in api.runs("watch"))


def test_health_is_200_and_metrics_are_there_once_the_jobs_have_run(
    api: AirflowApi, desk: RunningDesk, desk_settings: Settings
) -> None:
    assert api.wait("ingest", api.trigger("ingest"), PATIENCE) == "success"
    with httpx.Client(base_url=desk.ui_url, timeout=60, trust_env=False) as client:

        def healthy() -> httpx.Response | None:
            answer = client.get("/resultsday-status/health")
            return answer if answer.status_code == 200 else None

        answer = until(healthy, lambda: client.get("/resultsday-status/health").text)
        for part in ("ledger", "tables", "jobs", "store", "disk", "catalogue", "scheduler", "sftp"):
            assert f"{part:<10} ok" in answer.text
        by_hand = CliRunner().invoke(main, ["health"], env=desk_settings.environment())
        assert (by_hand.exit_code, by_hand.output) == (0, answer.text)
        # The mail goes out before it is on record.
        until(lambda: "RUN_FAILED" in client.get("/resultsday-status/metrics").text)
        figures = client.get("/resultsday-status/metrics")
    assert figures.status_code == 200
    assert 'resultsday_job_age_seconds{job="ingest"}' in figures.text
    assert 'resultsday_alerts{code="RUN_FAILED"}' in figures.text
