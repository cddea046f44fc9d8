"""Progress, not heartbeats (OPS-6): what waits and is not done, whatever says that it is alive.

Turns that are not given back, files that are not answered, queues that nobody works through, DAGs that do not come and
runs of which nothing moves. Watch and guard tell people, health shows the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.alerts import WatchBook, age
from infra.ledger.turns import TurnHeld
from infra.running.airflow_state import BrokerError, airflow_engine, late_dags, queues, stuck_runs, workers
from infra.settings import Settings
from pipeline.watching.alerts import (
    BROKER_GONE,
    DAG_LATE,
    FILES_UNANSWERED,
    QUEUE_WAITING,
    RUN_STUCK,
    TURN_HELD,
    WORKERS_MISSING,
    Alert,
    alert,
)

log = logging.getLogger(__name__)

TURN_MINUTES = timedelta(minutes=15)
"""Ours: how long a run may have its turn. A national series takes in all its files in a minute."""
ANSWER_MINUTES = timedelta(minutes=15)
"""Ours: how soon a file that is taken in must be answered; three runs of the ingest."""
QUEUE_MINUTES = timedelta(minutes=5)
"""Ours: how long a task may wait for a worker."""
DAG_MINUTES = timedelta(minutes=10)
"""Ours: how late a run may begin: two periods of the DAGs that come every five minutes."""
_MINUTE = timedelta(minutes=1)


def of_ledger(book: WatchBook, now: datetime) -> Iterator[Alert]:
    """Turns that are held, and files that are not answered, for too long at `now` (aware)."""
    held = book.turns()
    for turn in held:
        if turn.age(now) >= TURN_MINUTES:
            minutes = turn.age(now) // _MINUTE
            yield alert(
                TURN_HELD,
                turn.title,
                f"{turn.since:%Y-%m-%dT%H:%M:%S}",
                job=turn.title,
                minutes=minutes,
                holder=turn.holder,
            )
    yield from _unanswered(book, held, now)


def _unanswered(book: WatchBook, held: Sequence[TurnHeld], now: datetime) -> Iterator[Alert]:
    # Whoever is at work on them says so by its turn, until that itself takes too long.
    if any(turn.job == "ingest" and turn.age(now) < TURN_MINUTES for turn in held):
        return
    undecided, unpublished = book.undecided(), book.unpublished()
    oldest = max(age(undecided, now), age(unpublished, now))
    if oldest >= ANSWER_MINUTES:
        facts = {"undecided": undecided.count, "unpublished": unpublished.count, "minutes": oldest // _MINUTE}
        yield alert(FILES_UNANSWERED, f"{now:%Y-%m-%dT%H}", **facts)


def of_airflow(settings: Settings, now: datetime) -> Iterator[Alert]:
    """Tasks that wait in a queue, DAGs that do not come, runs of which nothing moves. Raises `SQLAlchemyError` when
    Airflow's tables cannot be read."""
    engine = airflow_engine(settings)
    try:
        for queue in queues(engine):
            if queue.age(now) >= QUEUE_MINUTES:
                about = {"queue": queue.name, "count": queue.tasks, "minutes": queue.age(now) // _MINUTE}
                yield alert(QUEUE_WAITING, queue.name, f"{now:%Y-%m-%dT%H}", **about)
        for late in late_dags(engine, now, DAG_MINUTES):
            minutes = (now - late.due) // _MINUTE
            yield alert(DAG_LATE, late.dag, late.due.isoformat(), dag=late.dag, minutes=minutes, why=late.why)
        for run in stuck_runs(engine, now, DAG_MINUTES):
            minutes = (now - run.since) // _MINUTE
            yield alert(RUN_STUCK, run.dag, run.run, dag=run.dag, run=run.run, minutes=minutes)
    finally:
        engine.dispose()


def of_workers(settings: Settings, now: datetime) -> Iterator[Alert]:
    """Queues of the settings at which no worker answers; nothing where there is no broker."""
    wanted = [name.strip() for name in settings.queues.split(",") if name.strip()]
    if not settings.broker or not wanted:
        return
    try:
        answering = workers(settings.broker)
    except BrokerError as error:
        yield alert(BROKER_GONE, f"{now:%Y-%m-%dT%H}", why=str(error))
        return
    for name in wanted:
        if not answering.get(name):
            yield alert(WORKERS_MISSING, name, f"{now:%Y-%m-%dT%H}", queue=name)


def everything(settings: Settings, book: WatchBook, now: datetime) -> Iterator[Alert]:
    """All of it at `now` (aware). Where Airflow's tables cannot be read, health says so; the rest is told."""
    yield from of_ledger(book, now)
    try:
        yield from of_airflow(settings, now)
    except SQLAlchemyError as error:
        log.warning("Airflow's tables cannot be read: %s", type(error).__name__)
    yield from of_workers(settings, now)
