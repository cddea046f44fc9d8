"""Metrics: what can be measured of the desk, each with its meaning and the alert that watches it; and how.

Everything is computed from ledger, store and calendar on request, so no process must stay up to count, and a restart
neither loses anything nor counts it twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import field, frozen
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from infra.ledger.alerts import Waiting, age
from infra.running.airflow_state import BrokerError, airflow_engine, late_dags, queues, workers
from infra.settings import Settings
from infra.store import unfinished
from pipeline.desk import Desk
from pipeline.watching.alerts import (
    BROKER_GONE,
    DAG_LATE,
    DISK_LOW,
    DOOR_LIMIT,
    FILES_HELD,
    FILES_UNANSWERED,
    FILES_WAITING,
    INGEST_SILENT,
    QUEUE_WAITING,
    RESULTS_LATE,
    RESULTS_NOT_APPROVED,
    TURN_HELD,
    WORKERS_MISSING,
    AlertCode,
)
from pipeline.watching.watch import disks
from rules import terms


@frozen(kw_only=True)
class Metric:
    """A metric. `labels` tell its values apart; `alert` watches it."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...] = ()
    alert: AlertCode | None = None


@frozen
class Sample:
    """A value of a metric, with the values of its labels."""

    metric: Metric
    value: float
    labels: Mapping[str, str] = field(factory=dict)


INBOX = Metric(
    name="resultsday_inbox_files",
    unit="files",
    meaning="Files in the inbox and in the feeds of the portal and of staff, settled or still growing; not what by its "
    "name is an unfinished upload.",
)
INBOX_AGE = Metric(
    name="resultsday_inbox_age_seconds",
    unit="seconds",
    alert=FILES_WAITING,
    meaning="How long the oldest of these has waited; it should stay below the five minutes between two ingests.",
)
UNDECIDED = Metric(
    name="resultsday_undecided_files", unit="files", meaning="Files that are archived and on the books but not decided."
)
UNDECIDED_AGE = Metric(
    name="resultsday_undecided_age_seconds",
    unit="seconds",
    alert=FILES_UNANSWERED,
    meaning="How long ago the oldest of these was received.",
)
UNPUBLISHED = Metric(
    name="resultsday_unpublished_replies",
    unit="replies",
    meaning="Replies that are decided but may not be in the outbox yet; the next ingest publishes them.",
)
UNPUBLISHED_AGE = Metric(
    name="resultsday_unpublished_age_seconds",
    unit="seconds",
    alert=FILES_UNANSWERED,
    meaning="How long ago the file with the oldest of these replies was received.",
)
TURN_AGE = Metric(
    name="resultsday_turn_age_seconds",
    unit="seconds",
    labels=("job",),
    alert=TURN_HELD,
    meaning="For how long a run has had the turn of a job of which only one works at a time. Missing if none has.",
)
QUEUED = Metric(
    name="resultsday_queued_tasks",
    unit="tasks",
    labels=("queue",),
    alert=QUEUE_WAITING,
    meaning="Tasks that wait in a queue of Airflow's executor. Missing while none waits.",
)
QUEUED_AGE = Metric(
    name="resultsday_queued_age_seconds",
    unit="seconds",
    labels=("queue",),
    alert=QUEUE_WAITING,
    meaning="How long the oldest of these has waited.",
)
DAG_AGE = Metric(
    name="resultsday_dag_late_seconds",
    unit="seconds",
    labels=("dag",),
    alert=DAG_LATE,
    meaning="How long ago the next run of a DAG should have begun. Missing while it is not due.",
)
BROKER = Metric(
    name="resultsday_broker_up",
    unit="1",
    alert=BROKER_GONE,
    meaning="1 while Celery's broker answers, 0 while it does not. Missing without `RESULTSDAY_BROKER`.",
)
WORKERS = Metric(
    name="resultsday_workers",
    unit="workers",
    labels=("queue",),
    alert=WORKERS_MISSING,
    meaning="Workers of Celery that answer, by the queue they listen to; 0 for one of `RESULTSDAY_QUEUES` without any.",
)
HELD = Metric(
    name="resultsday_held_files", unit="files", alert=FILES_HELD, meaning="Files in quarantine that wait for a person."
)
HELD_AGE = Metric(
    name="resultsday_held_age_seconds",
    unit="seconds",
    alert=FILES_HELD,
    meaning="How long ago the oldest of these was received.",
)
OUTCOMES = Metric(
    name="resultsday_decided_files",
    unit="files",
    labels=("outcome", "window"),
    meaning="Files received within the last hour or day (`window`) and decided, by outcome.",
)
JOB_AGE = Metric(
    name="resultsday_job_age_seconds",
    unit="seconds",
    labels=("job",),
    alert=INGEST_SILENT,
    meaning="How long ago the job (`ingest`, `watch` or `guard`) last succeeded. Missing if it never has.",
)
ALERTED = Metric(
    name="resultsday_alerts",
    unit="alerts",
    labels=("code",),
    meaning="Alerts of the last day, by code; `RUN_FAILED` counts failed runs, at most one an hour for each DAG.",
)
STATE = Metric(
    name="resultsday_results_state",
    unit="1",
    labels=("series", "state"),
    alert=RESULTS_NOT_APPROVED,
    meaning="1 for the state of the newest results of a series that has any, 0 for the other states.",
)
NOT_OUT = Metric(
    name="resultsday_unpublished_results_files",
    unit="files",
    labels=("series", "audience"),
    alert=RESULTS_LATE,
    meaning="Files of approved results that are not published yet; 0 once they are out.",
)
NEXT = Metric(
    name="resultsday_next_instant_seconds",
    unit="seconds",
    labels=("series", "event"),
    meaning="How long until the next date of each kind in the calendar; a deadline is the first instant after its day.",
)
DISK = Metric(
    name="resultsday_disk_free_bytes",
    unit="bytes",
    labels=("place",),
    alert=DISK_LOW,
    meaning="Free space on the disk of the state folder, and of the store if it is a folder.",
)
DOOR_LIMITS = Metric(
    name="resultsday_door_limits",
    unit="1",
    labels=("limit",),
    alert=DOOR_LIMIT,
    meaning="How often each limit of the landing service was reached in the last day, by whomever.",
)
METRICS = (
    INBOX, INBOX_AGE, UNDECIDED, UNDECIDED_AGE, UNPUBLISHED, UNPUBLISHED_AGE, TURN_AGE, QUEUED, QUEUED_AGE, DAG_AGE,
    BROKER, WORKERS, HELD, HELD_AGE, OUTCOMES, JOB_AGE, ALERTED, STATE, NOT_OUT,
    NEXT, DISK, DOOR_LIMITS,
)  # fmt: skip
"""In the order of docs/metrics.md."""
WINDOWS = {"hour": timedelta(hours=1), "day": timedelta(days=1)}


def measure(desk: Desk, now: datetime) -> Iterator[Sample]:
    """Every value at `now` (aware)."""
    book = desk.watch
    inbox = _inbox(desk)
    yield Sample(INBOX, inbox.count)
    yield Sample(INBOX_AGE, age(inbox, now).total_seconds())
    undecided, held = book.undecided(), book.held()
    yield Sample(UNDECIDED, undecided.count)
    yield Sample(UNDECIDED_AGE, age(undecided, now).total_seconds())
    unpublished = book.unpublished()
    yield Sample(UNPUBLISHED, unpublished.count)
    yield Sample(UNPUBLISHED_AGE, age(unpublished, now).total_seconds())
    yield from _progress(desk, now)
    yield Sample(HELD, held.count)
    yield Sample(HELD_AGE, age(held, now).total_seconds())
    for window, length in WINDOWS.items():
        for outcome, count in book.outcomes(now - length).items():
            yield Sample(OUTCOMES, count, {"outcome": outcome, "window": window})
    for job, beat in book.beats().items():
        yield Sample(JOB_AGE, (now - beat.last).total_seconds(), {"job": job})
    for code, count in book.alerted(now - WINDOWS["day"]).items():
        yield Sample(ALERTED, count, {"code": code})
    yield from _results(desk)
    yield from _dates(desk, now)
    for place, (_, free) in disks(desk.settings).items():
        yield Sample(DISK, free, {"place": place})
    limits: Counter[str] = Counter()
    for reached in desk.door.since(now - WINDOWS["day"]):
        limits[reached.limit] += reached.times
    for limit, times in sorted(limits.items()):
        yield Sample(DOOR_LIMITS, times, {"limit": limit})


def _progress(desk: Desk, now: datetime) -> Iterator[Sample]:
    for turn in desk.watch.turns():
        yield Sample(TURN_AGE, turn.age(now).total_seconds(), {"job": turn.title})
    engine = airflow_engine(desk.settings)
    try:
        waiting, late = queues(engine), late_dags(engine, now, timedelta())
    except SQLAlchemyError:  # health says so; there are no such values
        waiting, late = [], []
    finally:
        engine.dispose()
    for queue in waiting:
        yield Sample(QUEUED, queue.tasks, {"queue": queue.name})
        yield Sample(QUEUED_AGE, queue.age(now).total_seconds(), {"queue": queue.name})
    for dag in late:
        yield Sample(DAG_AGE, (now - dag.due).total_seconds(), {"dag": dag.dag})
    yield from _workers(desk.settings)


def _workers(settings: Settings) -> Iterator[Sample]:
    if not settings.broker:
        return
    try:
        answering = workers(settings.broker)
    except BrokerError:
        answering = {}
        yield Sample(BROKER, 0)
    else:
        yield Sample(BROKER, 1)
    wanted = {name.strip() for name in settings.queues.split(",") if name.strip()}
    for name in sorted(wanted | answering.keys()):
        yield Sample(WORKERS, answering.get(name, 0), {"queue": name})


def _inbox(desk: Desk) -> Waiting:
    found = [
        stored.modified
        for place in ("inbox/", "feeds/")
        for stored in desk.store.list(place)
        if stored.kind == "file" and not unfinished(stored.key)
    ]
    return Waiting(len(found), min(found, default=None))


def _results(desk: Desk) -> Iterator[Sample]:
    for series in desk.catalogue.all_series():
        every = [awarding for awarding in desk.results.every(series.id) if awarding.kind in terms.DECIDED_KINDS]
        for state in terms.AWARDING_STATES if every else ():
            yield Sample(STATE, int(every[-1].state == state), {"series": series.id, "state": state})
        issued = [awarding for awarding in every if awarding.state in terms.ISSUED_STATES]
        if issued:
            files = desk.results.due_files(issued[-1])
            for audience in sorted({file.audience for file in files}):
                waiting = sum(1 for file in files if file.audience == audience and file.published_at is None)
                yield Sample(NOT_OUT, waiting, {"series": series.id, "audience": audience})


def _dates(desk: Desk, now: datetime) -> Iterator[Sample]:
    coming: dict[str, tuple[datetime, str]] = {}
    for series in desk.catalogue.all_series():
        for date in desk.catalogue.milestones_of(series, now):
            if date.at > now and (date.event not in coming or date.at < coming[date.event][0]):
                coming[date.event] = date.at, series.id
    for event, (at, series_id) in sorted(coming.items()):
        yield Sample(NEXT, (at - now).total_seconds(), {"series": series_id, "event": event})


def exposition(desk: Desk, now: datetime) -> bytes:
    """Every value in the text format of Prometheus."""
    registry = CollectorRegistry()
    gauges = {metric.name: Gauge(metric.name, metric.meaning, metric.labels, registry=registry) for metric in METRICS}
    for sample in measure(desk, now):
        gauge = gauges[sample.metric.name]
        (gauge.labels(**sample.labels) if sample.labels else gauge).set(sample.value)
    return generate_latest(registry)
