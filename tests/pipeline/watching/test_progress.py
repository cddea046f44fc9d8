"""Progress, not heartbeats (OPS-6): what stands still is named, whoever says that it is alive; at both sides of each
limit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from attrs import evolve

from infra.host import LOCALHOST, free_port
from infra.ledger import tables as t
from infra.running.postgres import EmbeddedPostgres
from infra.settings import Settings
from pipeline.desk import Desk, open_desk
from pipeline.watching import progress
from pipeline.watching.alerts import Alert
from pipeline.watching.health import health
from pipeline.watching.metrics import measure
from pipeline.watching.watch import WATCH, watch
from tests.monitors import airflow_tables
from tests.support import CENTRE

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def airflow(postgres: EmbeddedPostgres) -> Iterator[sa.Engine]:
    """Airflow's tables, empty."""
    engine = sa.create_engine(airflow_tables(postgres, "airflow_progress"))
    yield engine
    engine.dispose()


def address(engine: sa.Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def said(found: Iterator[Alert]) -> dict[str, str]:
    """What is told, by code."""
    return {trouble.code: trouble.happened for trouble in found}


def written(engine: sa.Engine, *statements: str, **values: object) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(sa.text(statement), values)


def test_ops_6_a_turn_that_is_not_given_back_is_told_with_who_has_it(work: Desk, fresh: Settings) -> None:
    assert said(progress.of_ledger(work.watch, NOW)) == {}
    with open_desk(fresh) as other, other.ledger.exclusive("ingest"):
        now = datetime.now(UTC)
        assert said(progress.of_ledger(work.watch, now + 14 * MINUTE)) == {}
        told = said(progress.of_ledger(work.watch, now + 16 * MINUTE))
        assert list(told) == ["TURN_HELD"]
        assert told["TURN_HELD"].startswith("One run has had the turn of ingest for 1")
        assert " from 127.0.0.1 (PostgreSQL's process " in told["TURN_HELD"]
        [age] = [
            sample for sample in measure(work, now + 16 * MINUTE) if sample.metric.name.endswith("turn_age_seconds")
        ]
        assert (age.labels, 900 < age.value < 1000) == ({"job": "ingest"}, True)
    assert said(progress.of_ledger(work.watch, now + 16 * MINUTE)) == {}


def test_ops_6_files_that_are_taken_in_and_not_answered_are_told(work: Desk, fresh: Settings) -> None:
    submission = {
        "centre": CENTRE, "file_name": "E6412315.X01", "landing_key": f"inbox/{CENTRE}/E6412315.X01", "kind": "file",
        "received": NOW, "modified": NOW, "size": 1, "sha256": "0" * 64, "reply_stream": "15", "reply_number": 1,
    }  # fmt: skip
    with work.ledger.engine.begin() as connection:
        connection.execute(t.submissions.insert().values(submission))
    assert said(progress.of_ledger(work.watch, NOW + 14 * MINUTE)) == {}
    told = "Files are taken in and not answered: 1 not decided, 0 decided and without their reply. The oldest was "
    assert said(progress.of_ledger(work.watch, NOW + 15 * MINUTE)) == {
        "FILES_UNANSWERED": f"{told}received 15 minutes ago."
    }
    with open_desk(fresh) as other, other.ledger.exclusive("ingest"):  # somebody is at work on it
        assert said(progress.of_ledger(work.watch, NOW + 15 * MINUTE)) == {}


def test_ops_6_tasks_that_no_worker_takes_are_told_by_queue(airflow: sa.Engine, fresh: Settings) -> None:
    for queue, state, minutes in (("release", "queued", 6), ("default", "queued", 4), ("other", "running", 60)):
        at = NOW - minutes * MINUTE
        row = "INSERT INTO task_instance (queue, state, queued_dttm) VALUES (:queue, :state, :at)"
        written(airflow, row, queue=queue, state=state, at=at)
    settings = evolve(fresh, airflow_database_url=address(airflow))
    told = "Tasks wait in the queue release for a worker: 1, the oldest for 6 minutes."
    assert said(progress.of_airflow(settings, NOW)) == {"QUEUE_WAITING": told}
    with open_desk(settings) as desk:
        values = {(sample.metric.name, *sample.labels.values()): sample.value for sample in measure(desk, NOW)}
    assert values["resultsday_queued_tasks", "default"] == 1
    assert values["resultsday_queued_age_seconds", "release"] == 360


def test_ops_6_a_dag_that_does_not_come_is_told_within_two_of_its_periods(airflow: sa.Engine, fresh: Settings) -> None:
    for dag, minutes, paused, stale in (
        ("ingest", 11, False, False), ("watch", 9, False, False), ("award", 30, True, False), ("gone", 60, False, True),
        ("results_day", -5, False, False),
    ):  # fmt: skip
        written(
            airflow, "INSERT INTO dag VALUES (:dag, :paused, :stale, :due)", dag=dag, paused=paused, stale=stale,
            due=NOW - minutes * MINUTE,
        )  # fmt: skip
    settings = evolve(fresh, airflow_database_url=address(airflow))

    def told() -> list[str]:
        return [trouble.happened for trouble in progress.of_airflow(settings, NOW) if trouble.code == "DAG_LATE"]

    assert told() == [
        "The DAG award has not come, 30 minutes after it was due: it is paused.",
        "The DAG ingest has not come, 11 minutes after it was due: the scheduler has not started it.",
    ]
    # A run that is set for the future keeps the others from coming.
    written(airflow, "INSERT INTO dag_run VALUES ('ingest', 'of 2030', 'queued', '2030-01-01', NULL, :at)", at=NOW)
    assert told()[1].endswith("after it was due: run of 2030 has not ended.")


def test_ops_6_a_run_of_which_nothing_moves_is_told_and_one_that_waits_for_people_is_not(
    airflow: sa.Engine, fresh: Settings
) -> None:
    started = NOW - 20 * MINUTE
    for run, task, seen in (
        ("hangs", "running", NOW - 11 * MINUTE), ("works", "running", NOW - MINUTE),
        ("waits", "up_for_reschedule", None), ("again", "up_for_retry", None), ("nothing", "scheduled", None),
    ):  # fmt: skip
        written(
            airflow,
            "INSERT INTO dag_run VALUES ('award', :run, 'running', :started, :started, :started)",
            "INSERT INTO task_instance (dag_id, run_id, state, start_date, last_heartbeat_at) "
            "VALUES ('award', :run, :task, :started, :seen)",
            run=run, task=task, seen=seen, started=started,
        )  # fmt: skip
    settings = evolve(fresh, airflow_database_url=address(airflow))
    told = [trouble.happened for trouble in progress.of_airflow(settings, NOW)]
    assert told == [f"Nothing moves in a run of award: {run}, for 20 minutes." for run in ("hangs", "nothing")]


def test_ops_6_a_broker_that_is_gone_is_told_and_shown(fresh: Settings, airflow: sa.Engine) -> None:
    nowhere = f"redis://:secret@{LOCALHOST}:{free_port()}/0"
    settings = evolve(fresh, broker=nowhere, queues="default,release", airflow_database_url=address(airflow))
    [told] = said(progress.of_workers(settings, NOW)).values()
    assert told == "Celery's broker does not answer (OperationalError)."
    [shown] = [part.wrong for part in health(settings, "", NOW) if part.name == "workers"]
    assert shown == told
    with open_desk(settings) as desk:
        values = {(sample.metric.name, *sample.labels.values()): sample.value for sample in measure(desk, NOW)}
    assert (values["resultsday_broker_up",], values["resultsday_workers", "release"]) == (0, 0)
    assert said(progress.of_workers(evolve(settings, queues=""), NOW)) == {}


def test_ops_6_the_watch_tells_it_and_gives_a_desk_that_was_down_a_round_of_grace(
    work: Desk, airflow: sa.Engine
) -> None:
    written(airflow, "INSERT INTO dag VALUES ('keep', false, false, :due)", due=NOW - 60 * MINUTE)
    desk = evolve(work, settings=evolve(work.settings, airflow_database_url=address(airflow)))
    assert "DAG_LATE" not in {trouble.code for trouble in watch(desk, NOW).wrong}
    desk.watch.beat(WATCH, NOW)
    assert "DAG_LATE" in {trouble.code for trouble in watch(desk, NOW + 5 * MINUTE).wrong}
