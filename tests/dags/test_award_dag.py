"""The award in the real Airflow: what a person is asked, and what comes of the answers. At a centre of its own, in a
series of long ago; everything is taken back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import evolve

from infra.airflow_api import AirflowApi
from infra.ledger import tables as t
from infra.ledger.sql import copy
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from infra.store import FolderStore
from pipeline.desk import Desk, open_desk
from tests.patience import PATIENCE, until
from tests.pipeline.results_of import BOUNDARIES, feed

CENTRE, SERIES = "68777", "2024-06"
FIRST_ID = 900_001
"""Numbers far from those other tests get."""
Ask = Callable[[str, str], dict[str, object]]


@pytest.fixture(scope="module")
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        client.wait_until_known("award", PATIENCE)
        yield client


@pytest.fixture(scope="module")
def ledger(desk: RunningDesk, desk_settings: Settings) -> Iterator[Desk]:
    """The desk with two learners who have taken everything and claim."""
    with open_desk(evolve(desk_settings, database_url=desk.database_url)) as open_:
        engine = open_.ledger.engine
        with engine.begin() as connection:
            for table, rows in _rows().items():
                # By COPY, which may give numbers: none of those that other tests count on is used up.
                copy(connection, table, pl.DataFrame(rows))
        try:
            yield open_
        finally:
            _take_back(open_, engine)


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
    return {t.submissions: [submission], t.entries: entries, t.marks: marks}


def _take_back(desk: Desk, engine: sa.Engine) -> None:
    ours = sa.select(t.awardings.c.id).where(t.awardings.c.series == SERIES)
    with engine.begin() as connection:
        for table in (t.release_files, t.results, t.awards, t.choices):
            connection.execute(table.delete().where(table.c.awarding_id.in_(ours)))
        for table in (t.awardings, t.conversions):
            connection.execute(table.delete().where(table.c.series == SERIES))
        connection.execute(t.actions.delete().where(t.actions.c.series == SERIES, t.actions.c.centre == ""))
        for table in (t.entries, t.marks, t.submissions):
            connection.execute(table.delete().where(table.c.centre == CENTRE))
    assert isinstance(desk.store, FolderStore)
    for folder in (f"embargo/{SERIES}/", f"reports/award/{SERIES}/", "reports/boundaries/"):
        for stored in list(desk.store.list(folder)):
            if stored.kind == "file":
                desk.store.remove(stored)


@pytest.fixture
def question(api: AirflowApi, desk_settings: Settings) -> Ask:
    """What a run asks in a task, once it waits for the answer and the scheduler knows that it does: an answer within
    that round of the scheduler can fail the task."""
    log = desk_settings.state / "logs" / "scheduler.log"

    def ask(run: str, task: str) -> dict[str, object]:
        def asked() -> dict[str, object] | None:
            for question in api.questions("award", run):
                if question["task_instance"]["task_id"] == task:
                    return question
            assert api.run("award", run)["state"] in ("queued", "running"), failures(api, run)
            return None

        found = until(asked, lambda: f"{task} never asked: {states(api, run)}")
        known = re.compile(f"Finished: dag_id=award, task_id={task}, run_id={re.escape(run)},.* state=awaiting_input,")
        until(lambda: known.search(log.read_text(encoding="utf-8")), lambda: states(api, run))
        return found

    return ask


def failures(api: AirflowApi, run: str) -> list[str]:
    """The ends of the logs of what failed."""
    failed = [one for one in api.task_instances("award", run) if one["state"] == "failed"]
    return [api.log("award", run, one["task_id"], one["try_number"])[-6000:] for one in failed]


def states(api: AirflowApi, run: str) -> dict[str, str]:
    return {one["task_id"]: one["state"] for one in api.task_instances("award", run)}


def test_awd_1_res_2_nothing_is_approved_but_by_a_person(api: AirflowApi, ledger: Desk, question: Ask) -> None:
    ledger.store.put("feeds/boundaries/dag.csv", feed(dict.fromkeys(("BEN01", "BEN02", "BEN03"), BOUNDARIES), SERIES))
    run = api.trigger("award", {"series": SERIES})
    asked = question(run, "ask_boundaries")
    assert "* BEN03: L2D 48, L2M 42, L2P 36, L1D 30, L1M 24, L1P 18 of 60 raw marks [placeholder]" in str(asked["body"])
    assert ledger.results.conversions(SERIES) == []
    api.answer(asked, "Approve", {"why": "the awarding meeting's"})

    asked = question(run, "ask")
    awarding = ledger.results.newest(SERIES)
    assert awarding
    assert awarding.state == "built"
    assert asked["subject"] == f"Approve the results of {SERIES}, version {awarding.version}?"
    body = str(asked["body"])
    assert "2 of 2 claims awarded" in body
    assert f"results: SHA-256 `{awarding.sha256}`" in body
    assert f"manifest SHA-256 `{awarding.manifest_sha256}`" in body
    assert f"`reports/award/{SERIES}/{awarding.version}/index.html`" in body
    assert ledger.store.get(f"reports/award/{SERIES}/{awarding.version}/index.html").startswith(b"<!DOCTYPE html>")
    api.answer(asked, "Reject", {"why": "a boundary is wrong"})

    assert api.wait("award", run, PATIENCE) == "success"
    assert states(api, run)["approve"] == "skipped"
    withdrawn = ledger.results.newest(SERIES)
    assert withdrawn
    assert (withdrawn.state, withdrawn.decided_by, withdrawn.why) == ("withdrawn", "admin", "a boundary is wrong")

    # Once more: the boundaries are approved, so the first question is not asked again.
    run = api.trigger("award", {"series": SERIES})
    asked = question(run, "ask")
    assert states(api, run)["ask_boundaries"] == "skipped"
    api.answer(asked, "Approve", {"why": "as previewed"})
    assert api.wait("award", run, PATIENCE) == "success"
    assert states(api, run)["withdraw"] == "skipped"
    approved = ledger.results.newest(SERIES)
    assert approved
    assert (approved.version, approved.state, approved.sha256) == (awarding.version + 1, "approved", awarding.sha256)
    assert (approved.decided_by, approved.why) == ("admin", "as previewed")
    assert "2 of 2 claims awarded" in api.run("award", run)["note"]

    done = ledger.actions.everything("").filter(series=SERIES).select("action", "who", "why").rows()
    assert done == [
        ("results_approved", "admin", "as previewed"),
        ("results_withdrawn", "admin", "a boundary is wrong"),
        ("boundaries_approved", "admin", "the awarding meeting's"),
    ]

    # Approved results are left alone.
    run = api.trigger("award", {"series": SERIES})
    assert api.wait("award", run, PATIENCE) == "success"
    assert set(states(api, run).values()) == {"skipped"}
    assert ledger.results.newest(SERIES) == approved


def test_awd_1_a_missing_table_ends_the_run_at_once(api: AirflowApi, ledger: Desk) -> None:
    with ledger.ledger.engine.begin() as connection:
        moved = {"series": "2023-06"}
        for table in (t.entries, t.marks):
            connection.execute(table.update().where(table.c.centre == CENTRE).values(moved))
    try:
        run = api.trigger("award", {"series": "2023-06"})
        assert api.wait("award", run, PATIENCE) == "failed"
        assert states(api, run)["award_series"] == "failed"
        assert "no approved conversion table for BEN01 in 2023-06" in api.log("award", run, "award_series")
        assert ledger.results.newest("2023-06") is None
    finally:
        with ledger.ledger.engine.begin() as connection:
            for table in (t.entries, t.marks):
                connection.execute(table.update().where(table.c.centre == CENTRE).values(series=SERIES))


def test_the_ui_shows_when_results_are_awarded_next(api: AirflowApi) -> None:
    assert api.dag("award")["timetable_summary"] == "results_to_centres of every exam series, 7 days before"
