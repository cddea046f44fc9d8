"""Who did what, in the desk and in Airflow, as one list (OPS-3)."""

from __future__ import annotations

import polars as pl
from attrs import frozen
from sqlalchemy import Engine

from infra.ledger.console import AuditRows
from infra.ledger.deeds import Sought
from infra.running.airflow_deeds import airflow_deeds
from pipeline.desk import Desk


@frozen
class Deeds:
    """A page of deeds, as `infra.ledger.console.AuditRows`; whether Airflow's are among them."""

    rows: AuditRows
    with_airflow: bool


def joined(desk: Desk, airflow: Engine, sought: Sought, limit: int | None = None, offset: int = 0) -> Deeds:
    """What people did, in the order that is sought: a page of it, or all without a `limit`."""
    last = None if limit is None else offset + limit
    ours, theirs = desk.console.audit(sought, last), airflow_deeds(airflow, sought, last)
    if theirs is None:
        return Deeds(_page(ours, ours.deeds, limit, offset), with_airflow=False)
    every = pl.concat([ours.deeds, theirs.deeds]).sort("at", descending=not sought.oldest, maintain_order=True)
    rows = AuditRows(
        deeds=every,
        total=ours.total + theirs.total,
        people=sorted({*ours.people, *theirs.people}),
        actions=sorted({*ours.actions, *theirs.actions}),
    )
    return Deeds(_page(rows, every, limit, offset), with_airflow=True)


def _page(rows: AuditRows, deeds: pl.DataFrame, limit: int | None, offset: int) -> AuditRows:
    return AuditRows(deeds.slice(offset, limit), rows.total, rows.people, rows.actions)
