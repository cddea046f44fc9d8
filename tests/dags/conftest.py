"""Two learners of a series of long ago who have taken everything, are moderated and claim, in the running desk's
ledger, and people who decide about their results in the console. Everything is taken back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve, frozen

from bench.ledgers import rewritten
from infra.airflow_api import AirflowApi
from infra.ledger import tables as t
from infra.ledger.sql import copy
from infra.running.airflow_setup import passwords
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.desk import Desk, open_desk
from rules import terms
from tests.patience import PATIENCE
from tests.running_desk import desk, desk_settings, mailbox

__all__ = ["desk", "desk_settings", "mailbox"]

CENTRE, SERIES = "68777", "2024-06"
FIRST_ID = 900_001
"""Numbers far from those other tests get."""


@frozen
class Visitor:
    """A user of the running desk, with Airflow's API and the console."""

    name: str
    api: AirflowApi
    client: httpx.Client

    def asks(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any) -> httpx.Response:
        """Whatever Airflow or the console answers."""
        own = {"Authorization": f"Bearer {self.api.token()}", "Origin": str(self.client.base_url).rstrip("/")}
        return self.client.request(method, path, headers=own | dict(headers or {}), **body)

    def says(self, number: int, verdict: str, why: str, sha256: str, **headers: str) -> httpx.Response:
        """Says something about a proposal in the console."""
        form = {"verdict": verdict, "why": why, "sha256": sha256}
        return self.asks("POST", f"/resultsday/approvals/{number}", data=form, headers=headers)


@pytest.fixture(scope="module")
def visitors(desk: RunningDesk, desk_settings: Settings) -> Iterator[dict[str, Visitor]]:
    """Every user of the running desk, one of each role, by name."""
    with httpx.Client(base_url=desk.ui_url, timeout=60, trust_env=False) as client:
        made = {
            name: Visitor(name, AirflowApi(desk.ui_url, name, password), client)
            for name, password in passwords(desk_settings).items()
        }
        made["admin"].api.wait_until_known("award", PATIENCE)
        yield made
        for visitor in made.values():
            visitor.api.close()


@pytest.fixture(scope="module")
def ledger(desk: RunningDesk, desk_settings: Settings) -> Iterator[Desk]:
    """The desk with two learners who have taken everything and claim."""
    owner = desk.environment["RESULTSDAY_DATABASE_OWNER_URL"]
    settings = evolve(desk_settings, database_url=desk.database_url, database_owner_url=owner)
    with open_desk(settings) as open_:
        engine = open_.ledger.engine
        with engine.begin() as connection:
            for table, rows in _rows().items():
                # By COPY, which may give numbers: none of those that other tests count on is used up.
                copy(connection, table, pl.DataFrame(rows))
        try:
            yield open_
        finally:
            _take_back(open_)


def _rows() -> dict[sa.Table, list[dict[str, object]]]:
    received = datetime(2024, 2, 15, tzinfo=UTC)
    submission = {
        "id": FIRST_ID, "centre": CENTRE, "file_name": "E6877715.X01", "landing_key": "inbox/68777/E6877715.X01",
        "kind": "file", "received": received, "modified": received, "size": 1, "sha256": "0" * 64, "letter": "E",
        "awarding_body": "15", "series": "6B24", "sequence": 1, "reply_stream": "15", "reply_number": 1,
        "outcome": "accepted", "booked": True,
    }  # fmt: skip
    entries, marks = [], []
    for number, (candidate, uci) in enumerate((("0001", "687770230001A"), ("0002", "687770230002B"))):
        for place, (option, kind) in enumerate(
            (("BEN01", "internal"), ("BEN02", "internal"), ("BEN03", "external"), ("BEN99", "cash_in"))
        ):
            learner = {"centre": CENTRE, "series": SERIES, "candidate": candidate, "uci": uci}
            entries.append(
                learner
                | {"id": FIRST_ID + 10 * number + place, "submission_id": FIRST_ID, "line": 1, "option": option}
                | {"kind": kind, "band": "on_time", "pence": 0, "entry_pence": 0}
            )
            if kind != "cash_in":
                marks.append(
                    learner
                    | {"id": FIRST_ID + 10 * number + place, "component": option, "version": 1, "stage": "submitted"}
                    | {"mark": 40 + 10 * number, "status": "", "source": "test", "line": 1, "received": received}
                )
    # The desk's own moderation, which runs every day, would draw samples, and open cohorts block the results (AWD-7).
    cohorts = [
        {"id": FIRST_ID + place, "centre": CENTRE, "series": SERIES, "component": component, "state": terms.AGREED}
        | {"size": 2, "tolerance": 3, "difference": 0}
        | {"sampled_at": received, "compared_at": received, "feedback_until": received}
        for place, component in enumerate(("BEN01", "BEN02", "BEN03"))
    ]
    return {t.submissions: [submission], t.entries: entries, t.marks: marks, t.cohorts: cohorts}


def _take_back(desk: Desk) -> None:
    ours = sa.select(t.awardings.c.id).where(t.awardings.c.series == SERIES)
    with rewritten(desk.settings.owner_url, desk.store) as connection:
        for table in (t.release_files, t.results, t.awards, t.choices):
            connection.execute(table.delete().where(table.c.awarding_id.in_(ours)))
        for table in (t.awardings, t.conversions):
            connection.execute(table.delete().where(table.c.series == SERIES))
        mine = sa.select(t.proposals.c.id).where(t.proposals.c.subject.startswith(SERIES))
        connection.execute(t.approvals.delete().where(t.approvals.c.proposal_id.in_(mine)))
        connection.execute(t.proposals.delete().where(t.proposals.c.subject.startswith(SERIES)))
        connection.execute(t.actions.delete().where(t.actions.c.series == SERIES, t.actions.c.centre == ""))
        for table in (t.entries, t.marks, t.cohorts, t.submissions):
            connection.execute(table.delete().where(table.c.centre == CENTRE))
    assert isinstance(desk.store, FolderStore)
    for folder in (f"embargo/{SERIES}/", f"reports/award/{SERIES}/", "reports/boundaries/"):
        for stored in list(desk.store.list(folder)):
            if stored.kind == "file":
                desk.store.remove(stored)
