"""What Airflow's own tables say of its progress, and who listens to Celery's queues: progress, not heartbeats (OPS-6).

Only questions: nothing of Airflow's is changed. Airflow is not imported, so whoever can reach its tables can ask.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from attrs import frozen
from sqlalchemy import Engine, make_url, text

from infra.ledger.sql import open_engine
from infra.settings import Settings

AIRFLOW_DATABASE = "airflow"
"""The database of Airflow's tables, beside the ledger's."""
ANSWER_SECONDS = 3.0
"""How long a worker may take to say that it is there."""
_WAITING = text(
    "SELECT queue, count(*) AS tasks, min(queued_dttm) AS oldest FROM task_instance "
    "WHERE state = 'queued' GROUP BY queue ORDER BY queue"
)
_LATE = text(
    "SELECT d.dag_id, d.is_paused, d.next_dagrun_create_after AS due, "
    "(SELECT r.run_id FROM dag_run r WHERE r.dag_id = d.dag_id AND r.state IN ('queued', 'running') "
    " ORDER BY r.run_after LIMIT 1) AS run_id "
    "FROM dag d WHERE NOT d.is_stale AND d.next_dagrun_create_after <= :due ORDER BY d.dag_id"
)
_STUCK = text(
    "SELECT r.dag_id, r.run_id, coalesce(r.start_date, r.queued_at) AS since FROM dag_run r "
    "WHERE r.state IN ('queued', 'running') AND r.run_after <= :since "
    "AND coalesce(r.start_date, r.queued_at) <= :since "
    "AND NOT EXISTS (SELECT FROM task_instance t WHERE t.dag_id = r.dag_id AND t.run_id = r.run_id AND (t.state IN "
    "('queued', 'up_for_retry', 'up_for_reschedule', 'restarting') OR (t.state = 'running' AND "
    "coalesce(t.last_heartbeat_at, t.start_date) > :since) OR (t.end_date > :since))) ORDER BY r.dag_id, r.run_id"
)


@frozen
class Queue:
    """Tasks that wait in a queue for a worker: how many, and since when the oldest does (aware)."""

    name: str
    tasks: int
    oldest: datetime

    def age(self, now: datetime) -> timedelta:
        """How long the oldest has waited at `now` (aware)."""
        return max(now - self.oldest, timedelta())


@frozen
class LateDag:
    """A DAG whose next run should have begun at `due` (aware) and has not; `why` as far as Airflow knows it."""

    dag: str
    due: datetime
    why: str


@frozen
class StuckRun:
    """A run that goes on since `since` (aware), and nothing of it moves."""

    dag: str
    run: str
    since: datetime


def airflow_database(settings: Settings) -> str:
    """The address of Airflow's tables: that of the settings, or the database `airflow` on the ledger's server."""
    if settings.airflow_database_url:
        return settings.airflow_database_url
    return make_url(settings.database_url).set(database=AIRFLOW_DATABASE).render_as_string(hide_password=False)


def airflow_engine(settings: Settings) -> Engine:
    """For questions about Airflow's tables; raises nothing before it is used."""
    return open_engine(airflow_database(settings))


def queues(engine: Engine) -> list[Queue]:
    """The queues in which tasks wait."""
    return [Queue(row.queue, row.tasks, row.oldest) for row in _rows(engine, _WAITING)]


def late_dags(engine: Engine, now: datetime, by: timedelta) -> list[LateDag]:
    """The DAGs that have not come, though their next run was due longer ago than `by` at `now` (aware)."""
    return [LateDag(row.dag_id, row.due, _why(row)) for row in _rows(engine, _LATE, due=now - by)]


def _why(row: Any) -> str:
    if row.is_paused:
        return "it is paused"
    return f"run {row.run_id} has not ended" if row.run_id else "the scheduler has not started it"


def stuck_runs(engine: Engine, now: datetime, since: timedelta) -> list[StuckRun]:
    """The runs of which nothing has moved for `since` at `now` (aware): no task is queued, waits to be tried again, or
    has given a sign of life."""
    return [StuckRun(row.dag_id, row.run_id, row.since) for row in _rows(engine, _STUCK, since=now - since)]


def _rows(engine: Engine, question: Any, **given: Any) -> Sequence[Any]:
    with engine.connect() as connection:
        return connection.execute(question, given).all()


class BrokerError(Exception):
    """The broker cannot be reached; the message names the kind of failure, and no address."""


def workers(broker: str) -> Mapping[str, int]:
    """How many workers of Celery answer, by the queue they listen to. One that hangs does not answer. Raises
    `BrokerError`."""
    from celery import Celery  # not where there is no broker

    app = Celery(broker=broker, set_as_current=False)
    options = {"socket_connect_timeout": ANSWER_SECONDS, "socket_timeout": 2 * ANSWER_SECONDS, "max_retries": 1}
    app.conf.broker_transport_options = options
    try:
        with app.connection_for_read() as connection:
            connection.ensure_connection(max_retries=1, timeout=ANSWER_SECONDS)
            said = app.control.inspect(connection=connection, timeout=ANSWER_SECONDS).active_queues() or {}
    except Exception as error:  # whatever driver it is
        raise BrokerError(type(error).__name__) from None
    finally:
        app.close()
    return Counter(queue["name"] for listens in said.values() for queue in listens)
