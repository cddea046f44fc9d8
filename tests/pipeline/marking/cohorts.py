"""Cohorts of a centre with their marks, and what moderators send about them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa

from infra.ledger import sql
from infra.ledger.tables import cohorts, entries, marks, samples, submissions
from infra.store import FolderStore
from pipeline.desk import Desk
from pipeline.marking.moderation import take
from rules.catalogue import Series

SUMMER = Series("2024-06", "6B24", "entry", "15")


CENTRE = "64123"


DEADLINE = datetime.fromisoformat("2024-05-16T00:00:00+01:00")


AMENDED_BY = datetime.fromisoformat("2024-06-28T00:00:00+01:00")


JUNE = datetime(2024, 6, 3, 9, tzinfo=UTC)


def uci(number: int) -> str:
    return f"64123023{number:04d}A"


def enter(desk: Desk, component: str, its_marks: list[int | None], centre: str = CENTRE) -> None:
    """Entries and submitted marks, in the ledger as entry and marks files book them."""
    with desk.ledger.engine.begin() as connection:
        number = connection.execute(sa.select(sa.func.count()).select_from(submissions)).scalar_one() + 1
        submission = connection.execute(
            submissions.insert()
            .values(
                centre=centre, file_name="", landing_key=str(number), kind="file", received=JUNE, modified=JUNE, size=0,
                sha256="", reply_stream="15", reply_number=number, outcome="accepted",
            )
            .returning(submissions.c.id)
        ).scalar_one()  # fmt: skip
        learners = [(f"{n:04d}", uci(n), mark) for n, mark in enumerate(its_marks, 1)]
        connection.execute(
            entries.insert(),
            [
                {
                    "submission_id": submission, "line": 1, "centre": centre, "series": SUMMER.id,
                    "candidate": candidate, "uci": learner, "option": component, "kind": "internal", "band": "on_time",
                    "pence": 0, "entry_pence": 0,
                }
                for candidate, learner, _ in learners
            ],
        )  # fmt: skip
        connection.execute(
            marks.insert(),
            [
                version(learner, candidate=candidate, mark=mark, component=component, centre=centre)
                for candidate, learner, mark in learners
            ],
        )


def enter_unmarked(desk: Desk, component: str, number: int) -> None:
    """One more learner of the centre is entered, whose mark has not come."""
    t = entries.c
    with desk.ledger.engine.begin() as connection:
        other = connection.execute(
            sa.select(entries).where(t.option == component, t.centre == CENTRE).limit(1)
        ).mappings().one()  # fmt: skip
        connection.execute(
            entries.insert().values(
                {name: value for name, value in other.items() if name != "id"}
                | {"candidate": f"{number:04d}", "uci": uci(number)}
            )
        )


def version(one: str, **values: Any) -> dict[str, Any]:
    """A row of the table of marks."""
    row = {
        "centre": CENTRE, "series": SUMMER.id, "candidate": "0001", "uci": one, "component": "BEN01", "version": 1,
        "stage": "submitted", "mark": None, "status": "", "source": "", "line": 3, "received": JUNE,
    }  # fmt: skip
    row["status"] = "" if values.get("mark") is not None else "A"
    return row | values


def rows(desk: Desk, table: sa.Table) -> pl.DataFrame:
    return sql.frame(desk.ledger.engine, sa.select(table).order_by(*table.primary_key.columns))


def cohort(desk: Desk, component: str = "BEN01") -> Mapping[str, Any]:
    [found] = rows(desk, cohorts).filter(pl.col("component") == component).rows(named=True)
    return found


def drawn(desk: Desk, component: str = "BEN01") -> pl.DataFrame:
    return rows(desk, samples).filter(pl.col("cohort_id") == cohort(desk, component)["id"])


def deliver(
    desk: Desk, name: str, lines: list[str], header: str = "series,centre,component,uci,mark,moderator"
) -> bytes:
    """A moderator's file where the desk looks for it, an hour old."""
    assert isinstance(desk.store, FolderStore)
    data = "".join(f"{line}\r\n" for line in [header, *lines]).encode()
    path = desk.store.root / "feeds" / "moderation" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, ((JUNE - timedelta(hours=1)).timestamp(),) * 2)
    return data


def moderate(desk: Desk, difference: int, component: str = "BEN01") -> None:
    """The whole sample comes back, each mark so much higher or lower."""
    lines = [
        f"{SUMMER.id},{CENTRE},{component},{row['uci']},{row['centre_mark'] + difference},M17"
        for row in drawn(desk, component).rows(named=True)
    ]
    deliver(desk, "june.csv", lines)
    take(desk, JUNE)
