"""How often a task is tried, and what Airflow calls when a run has failed for good. Like the command line, it reads the
clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra.settings import Settings
    from pipeline.watching.alerts import Alert

OUTLASTS: Mapping[str, Any] = {
    "owner": "edi-desk",
    "retries": 9,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=4),
}
"""Tries that outlast a quarter of an hour without broker, store or database (OPS-6): after 5, 10, 20, 40, 80 and 160
seconds, or up to twice that, then every four minutes. The first come soon enough for a killed task."""

PAGES = {"award": "nobody-approved", "ingest": "ingest-silent", "results_day": "results-not-out"}
"""The page of the runbook for a DAG that has one of its own."""


class NoTurnError(Exception):
    """Another run has the turn; the message says who. The task is tried again."""


def with_its_turn(kept_out: str) -> None:
    """OPS-6: a run that did not get its turn waits for it, and is no success. Raises `NoTurnError` with what `kept_out`
    says, unless it is empty."""
    if kept_out:
        raise NoTurnError(kept_out)


def run_failed(context: Mapping[str, Any]) -> None:
    """`on_failure_callback` of every DAG: tells people, at most once an hour for a DAG. Airflow's DAG processor calls
    it when the last try of a task has failed, its process was killed, or the run took too long."""
    from attrs import evolve

    from infra.settings import Settings
    from pipeline.watching.alerts import RUN_FAILED, alert

    settings, now, dag = Settings.load(), datetime.now(UTC), context["dag"].dag_id
    why = str(context.get("reason") or "unknown").replace("_", " ")
    found = alert(RUN_FAILED, dag, f"{now:%Y-%m-%dT%H}", dag=dag, run=context["run_id"], why=why)
    tell_without_desk(settings, [evolve(found, page=PAGES.get(dag, found.page))], now)


def tell_without_desk(settings: Settings, found: Sequence[Alert], now: datetime) -> list[Alert]:
    """`tell` for whoever cannot open the desk, or need not: the store or the catalogue may be what failed, so only the
    ledger is opened."""
    from infra.ledger.alerts import WatchBook
    from infra.ledger.sql import open_engine
    from pipeline.watching.alerts import tell

    engine = open_engine(settings.database_url)
    try:
        return tell(settings, WatchBook(engine), found, now)
    finally:
        engine.dispose()
