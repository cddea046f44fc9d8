"""Results day and what follows in the real Airflow, with the instants of the calendar moved to now. Series of the far
future and a centre of their own; everything is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa
from attrs import define, evolve

from bench.ledgers import rewritten
from fixtures.generate import people
from infra.airflow_api import AirflowApi
from infra.ledger import tables as t
from infra.ledger.results import Awarding
from infra.ledger.sql import copy
from infra.running.supervisor import RunningDesk
from infra.settings import Settings
from pipeline.awarding.award import award, conversion_row
from pipeline.desk import Desk, open_desk
from pipeline.results.release import approve, build
from rules.catalogue import LONDON
from tests.patience import PATIENCE, until

CENTRE = "68778"
FIRST_ID = 910_001
"""Numbers far from those other tests get."""
DAGS = ("results_day", "late_claims", "updated_results", "certificates")
AT = datetime(2026, 1, 2, tzinfo=UTC)
LEARNER = next(people(CENTRE, 1, seed=3))


@define
class Calendar:
    """The desk's calendar, with the dates of series of the test at its end."""

    write: Callable[[str], object]
    before: str

    def say(self, series: str, **instants: datetime) -> None:
        """Gives a series these dates and no others."""
        local = {event: at.astimezone(LONDON) for event, at in instants.items()}
        dates = {event: f"{at:%Y-%m-%d,%H:%M}" for event, at in local.items()}
        dates |= {"window_opens": "2022-10-01,00:00", "window_closes": "2022-11-01,24:00"}
        lines = [f"{series},{event},*,{when},N,2022-07-01,Y,ours: for a test\n" for event, when in dates.items()]
        self.write(self.before + "".join(lines))


@pytest.fixture(scope="module")
def calendar(desk_settings: Settings) -> Iterator[Calendar]:
    path = desk_settings.catalogue / "calendar.csv"
    before = path.read_text(encoding="utf-8")
    try:
        yield Calendar(lambda words: path.write_text(words, encoding="utf-8"), before)
    finally:
        path.write_text(before, encoding="utf-8")


@pytest.fixture(scope="module")
def api(desk: RunningDesk) -> Iterator[AirflowApi]:
    with AirflowApi(desk.ui_url, desk.username, desk.password) as client:
        for dag in DAGS:
            client.wait_until_known(dag, PATIENCE)
        yield client


@pytest.fixture
def ledger(desk: RunningDesk, desk_settings: Settings, calendar: Calendar) -> Iterator[Callable[[], Desk]]:
    """Opens the running desk's ledger and store with the calendar as it stands."""
    owner = desk.environment["RESULTSDAY_DATABASE_OWNER_URL"]
    settings = evolve(desk_settings, database_url=desk.database_url, database_owner_url=owner)
    opened = []

    def open_() -> Desk:
        manager = open_desk(settings)
        opened.append(manager)
        return manager.__enter__()

    try:
        yield open_
    finally:
        calendar.write(calendar.before)
        _take_back(open_())
        for manager in opened:
            manager.__exit__(None, None, None)


def _take_back(desk: Desk) -> None:
    series = ("2097-06", "2096-06")
    with rewritten(desk.settings.owner_url, desk.store) as connection:
        ids = list(connection.execute(sa.select(t.awardings.c.id).where(t.awardings.c.series.in_(series))).scalars())
        for table in (t.release_files, t.results, t.awards, t.choices):
            connection.execute(table.delete().where(table.c.awarding_id.in_(ids)))
        for table in (t.looks, t.kept_back):
            connection.execute(table.delete().where(table.c.awarding_id.in_(ids)))
        connection.execute(t.awardings.delete().where(t.awardings.c.id.in_(ids)))
        for table in (t.entries, t.marks, t.conversions):
            connection.execute(table.delete().where(table.c.series.in_(series)))
        connection.execute(t.actions.delete().where(t.actions.c.series.in_(series)))
        connection.execute(t.submissions.delete().where(t.submissions.c.centre == CENTRE))
    for place in (f"outbox/{CENTRE}/", *(f"{root}{one}/" for root in _PLACES for one in series)):
        for stored in list(desk.store.list(place)):
            desk.store.remove(stored)


_PLACES = ("embargo/", "portal/centres/", "portal/learners/", "reports/results/")


def awarded(desk: Desk, series: str) -> Awarding:
    """Results of one learner at a centre that entered by file, marked by the board, built."""
    codes = ("BEN01", "BEN02", "BEN03")
    submission = {
        "id": FIRST_ID, "centre": CENTRE, "file_name": "E6877815.X01", "landing_key": f"inbox/{CENTRE}/E6877815.X01",
        "kind": "file", "received": AT, "modified": AT, "size": 1, "sha256": "1" * 64, "letter": "E",
        "awarding_body": "15", "series": f"6B{series[2:4]}", "sequence": 1, "reply_stream": "15", "reply_number": 1,
        "outcome": "accepted", "booked": True,
    }  # fmt: skip
    learner = {"centre": CENTRE, "series": series, "candidate": LEARNER["candidate"], "uci": LEARNER["uci"]}
    held = {"submission_id": FIRST_ID, "line": 3, "band": "on_time", "pence": 0, "entry_pence": 0}
    kinds = {"BEN01": "internal", "BEN02": "internal", "BEN03": "external", "BEN99": "cash_in"}
    entries = [{**learner, **held, "option": option, "kind": kind} for option, kind in kinds.items()]
    marks = [
        {**learner, "component": code, "version": 1, "stage": "external", "mark": 50, "status": "", "source": "test",
         "line": 1, "received": AT}
        for code in codes
    ]  # fmt: skip
    with desk.ledger.engine.begin() as connection:
        copy(connection, t.submissions, pl.DataFrame([submission]))
        copy(connection, t.entries, pl.DataFrame(entries))
        copy(connection, t.marks, pl.DataFrame(marks))
    boundaries = {"L2D": 48, "L2M": 42, "L2P": 36, "L1D": 30, "L1M": 24, "L1P": 18}
    tables = [
        conversion_row(desk.catalogue, series, code, boundaries, AT, placeholder=True, source="ours: for a test")
        for code in codes
    ]
    desk.results.propose(tables, "A. Approver", AT)
    desk.results.approve_conversions(series, "A. Approver", AT)
    found = desk.catalogue.series_by_id(series)
    assert found
    return build(desk, award(desk, found, AT).awarding, AT).awarding


def out(desk: Desk) -> list[str]:
    """What centres and the portal can read of it; lists of dates, which the desk writes by itself, are left out."""
    places = (f"outbox/{CENTRE}/", "portal/centres/2097-06/", "portal/learners/2097-06/", "portal/centres/2096-06/")
    found = [one.key for place in places for one in desk.store.list(place) if one.kind == "file"]
    return [key for key in found if not key.endswith("/deadlines.txt")]


def note(api: AirflowApi, dag_id: str, conf: dict[str, object] | None = None) -> str:
    """The note of a run by hand that succeeds."""
    run = api.trigger(dag_id, conf)
    assert api.wait(dag_id, run, PATIENCE) == "success"
    return str(api.run(dag_id, run)["note"])


def test_res_2_the_results_are_out_at_the_instants_of_the_calendar_and_not_before(
    api: AirflowApi, calendar: Calendar, ledger: Callable[[], Desk]
) -> None:
    note(api, "late_claims")  # decides what other tests have claimed
    now = datetime.now(UTC)
    ago, tomorrow = now - timedelta(minutes=2), now + timedelta(days=1)
    calendar.say("2097-06", results_to_centres=tomorrow, results_to_learners=tomorrow)
    desk = ledger()
    approve(desk, awarded(desk, "2097-06"), "A. Approver", "looked at", AT)

    assert "2097-06" not in note(api, "results_day")
    assert out(desk) == []

    r_file, centres, learners = (
        f"outbox/{CENTRE}/R6877815.X01",
        f"portal/centres/2097-06/1/{CENTRE}.csv",
        f"portal/learners/2097-06/1/{CENTRE}.csv",
    )  # fmt: skip
    calendar.say("2097-06", results_to_centres=ago, results_to_learners=tomorrow)
    assert "Results 2097-06 version 1 to centres: 2 files" in note(api, "results_day")
    assert out(desk) == [r_file, centres]

    calendar.say("2097-06", results_to_centres=ago, results_to_learners=ago, certificates_due=ago)
    assert "Results 2097-06 version 1 to learners: 1 files" in note(api, "results_day")
    assert out(desk) == [r_file, centres, learners]

    assert note(api, "late_claims").startswith("0 later claims decided")
    asked: dict[str, object] = {"series": "2097-06", "centres": [CENTRE], "why": "they asked by telephone"}
    assert f"Nothing has changed for {CENTRE}" in note(api, "updated_results", asked)
    assert note(api, "certificates") == "May/June 2097: 1 certificates are due."


def test_res_2_what_nobody_approved_fails_loudly_until_somebody_does(
    api: AirflowApi, calendar: Calendar, ledger: Callable[[], Desk]
) -> None:
    ago = datetime.now(UTC) - timedelta(minutes=1)
    calendar.say("2096-06", results_to_centres=ago, results_to_learners=ago + timedelta(days=1))
    desk = ledger()
    awarding = awarded(desk, "2096-06")
    api.trigger("results_day")
    # The calendar's own run for that instant may have come first: the other one waits for it.
    found = until(lambda: [one for one in api.runs("results_day") if "NOT RELEASED" in str(one["note"])])
    run, shown = str(found[0]["dag_run_id"]), str(found[0]["note"])
    assert "NOT RELEASED to centres: version 1 of the results of 2096-06 is built and not approved: " in shown
    assert "have it approved in the console or by `resultsday approvals list`" in shown
    assert out(desk) == []
    approve(desk, awarding, "A. Approver", "looked at", AT)
    # The task tries again by itself.
    assert api.wait("results_day", run, PATIENCE) == "success"
    assert f"portal/centres/2096-06/1/{CENTRE}.csv" in out(desk)
