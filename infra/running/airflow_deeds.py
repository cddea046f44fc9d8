"""What people did in Airflow itself, from its audit log (OPS-3): runs they started, tasks they cleared, paused DAGs.

Only questions, as in `infra.running.airflow_state`. What jobs and services do is left out: the service user, commands
of the machine, and tasks, which stand there under the owner of their DAG.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from infra.airflow_api import SERVICE
from infra.ledger.deeds import DEEDS, Sought

_DEEDS = """
    SELECT dttm AS at, owner AS who, 'airflow_' || event AS action, '' AS centre,
           concat_ws(' ', dag_id, task_id, run_id) AS about, '' AS why
    FROM log
    WHERE owner <> '' AND owner <> :service AND event NOT LIKE 'cli\\_%'
      AND owner NOT IN (SELECT coalesce(owners, '') FROM dag)
"""


@frozen
class AirflowDeeds:
    """The first deeds (`infra.ledger.deeds.DEEDS`) of a `total`; everybody who did anything, and what."""

    deeds: pl.DataFrame
    total: int
    people: Sequence[str]
    actions: Sequence[str]


def airflow_deeds(engine: Engine, sought: Sought, limit: int | None = None) -> AirflowDeeds | None:
    """What people did in Airflow, in the order that is sought, up to `limit`; None when its tables cannot be asked."""
    where = {
        "who = :who": sought.who, "action = :action": sought.action, "centre = :centre": sought.centre,
        "at >= :since": sought.since, "at < :until": sought.until,
    }  # fmt: skip
    given: dict[str, Any] = {words.rpartition(":")[2]: value for words, value in where.items() if value}
    given["service"] = SERVICE
    wanted = " AND ".join(words for words, value in where.items() if value) or "true"
    order = "ASC" if sought.oldest else "DESC"
    first = f"SELECT * FROM ({_DEEDS}) AS d WHERE {wanted} ORDER BY at {order} LIMIT :limit"  # noqa: S608 -- our words
    try:
        with engine.connect() as connection:
            rows = connection.execute(sa.text(first), given | {"limit": limit}).all()
            total = connection.execute(
                sa.text(f"SELECT count(*) FROM ({_DEEDS}) AS d WHERE {wanted}"),  # noqa: S608 -- our words
                given,
            ).scalar_one()
            names = connection.execute(sa.text(f"SELECT DISTINCT who, action FROM ({_DEEDS}) AS d"), given).all()  # noqa: S608
    except SQLAlchemyError:
        return None
    deeds = pl.DataFrame([tuple(row) for row in rows], schema=dict(DEEDS), orient="row")
    people, actions = ({name[place] for name in names} for place in (0, 1))
    return AirflowDeeds(deeds, total, sorted(people), sorted(actions))
