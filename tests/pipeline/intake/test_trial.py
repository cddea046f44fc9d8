"""A file in `try/` is judged and answered, and nothing else comes of it."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

import polars as pl
import pytest
import sqlalchemy as sa

from infra.ledger.console import WorkRows
from infra.ledger.tables import metadata
from infra.store import FolderStore
from parsers.reader import read
from pipeline.console.worklist import items
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.steps import TRIAL_OUT, Step, watched
from tests.pipeline.inbox import NOW, land, outbox
from tests.support import CENTRE, ON_TIME, REGISTERED, centre_file, registration_file

NAME = "E6412315.X01"


def put(desk: Desk, name: str, data: bytes, at: datetime = ON_TIME) -> None:
    """Puts a file where it is tried, as a sender does."""
    assert isinstance(desk.store, FolderStore)
    path = desk.store.root / "try" / CENTRE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at.timestamp(), at.timestamp()))


def answer(desk: Desk, name: str = NAME) -> str:
    return " ".join(desk.store.get(f"outbox/{CENTRE}/TRIAL-{name}.txt").decode("ascii").split())


def booked(desk: Desk) -> dict[str, int]:
    """Rows of every table."""
    with sa.create_engine(desk.settings.database_url).connect() as connection:
        count = sa.func.count()
        return {
            name: connection.execute(sa.select(count).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_a_trial_is_answered_with_the_ledger_and_nothing_is_booked_or_used_up(work: Desk) -> None:
    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    ingest(work, NOW)
    before, replies, archive = booked(work), outbox(work), len(list(work.store.list("archive/")))
    put(work, NAME, centre_file())
    assert ingest(work, NOW + timedelta(minutes=5)).tried == 1
    said = answer(work)
    assert said.startswith(
        f"TRIAL TRIAL-{NAME} to centre 64123 School 64123 about {NAME} This was a trial. The file was not received"
    )
    assert "Outcome would be ACCEPTED" in said
    assert "Candidates 3 in the file, 3 accepted, 0 refused" in said
    assert json.loads(work.store.get(f"outbox/{CENTRE}/TRIAL-{NAME}.json"))["trial"] is True
    assert (booked(work), outbox(work), len(list(work.store.list("archive/")))) == (before, replies, archive)
    assert not [stored for stored in work.store.list("try/") if stored.kind == "file"]
    land(work, f"{CENTRE}/{NAME}", centre_file(), ON_TIME)
    assert ingest(work, NOW + timedelta(minutes=10)).outcomes == {"accepted": 1}


def test_a_trial_is_told_what_only_the_ledger_knows_and_that_it_has_been_sent_before(work: Desk) -> None:
    put(work, NAME, centre_file())
    ingest(work, NOW)
    assert "Not registered for Enterprise" in answer(work) or "is not registered for" in answer(work)
    assert "Outcome would be REFUSED" in answer(work)
    land(work, f"{CENTRE}/E6412313.X01", registration_file(), REGISTERED)
    land(work, f"{CENTRE}/{NAME}", centre_file(), ON_TIME)
    ingest(work, NOW)
    put(work, NAME, centre_file())
    ingest(work, NOW)
    assert "Outcome would be ALREADY PROCESSED" in answer(work)


def test_of_another_centre_a_trial_tells_nothing_and_a_name_leads_nowhere(work: Desk) -> None:
    put(work, "E5820115.X01", centre_file(centre="58201"))
    put(work, "E\u202e\u00fcgnp.exe", b"\0\1nothing")
    ingest(work, NOW)
    assert "FILE REFUSED" in answer(work, "E5820115.X01")
    names = {stored.key for stored in work.store.list("outbox/")}
    assert all(key.startswith(f"outbox/{CENTRE}/TRIAL-") for key in names)
    assert len(names) == 4


def test_fil_5_a_run_that_dies_before_the_file_is_gone_answers_once_more(work: Desk) -> None:
    class Died(Exception):  # noqa: N818
        """The process ends."""

    def die(step: Step) -> None:
        if step is TRIAL_OUT:
            raise Died

    put(work, NAME, centre_file())
    with pytest.raises(Died), watched(die):
        ingest(work, NOW)
    assert ingest(work, NOW).tried == 1
    assert answer(work)


def test_fil_7_a_trial_on_which_our_code_fails_is_answered_and_stops_nobody(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(work, NAME, centre_file())
    put(work, "E6412313.X01", registration_file())

    def failing(name: str, data: bytes) -> object:
        if name == NAME:
            raise ZeroDivisionError
        return read(name, data)

    monkeypatch.setattr("pipeline.intake.ingest.read", failing)
    assert ingest(work, NOW).tried == 2
    assert "would be QUARANTINED" in answer(work)
    assert answer(work, "E6412313.X01")


def test_fil_7_a_trial_at_which_our_own_code_fails_is_told_to_the_centre_and_to_staff(
    work: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("pipeline.intake.ingest.decide", broken)
    put(work, NAME, centre_file())
    assert ingest(work, NOW).tried == 1
    assert "Trying this file failed on our side (ZeroDivisionError)" in answer(work)
    assert not [stored for stored in work.store.list("try/") if stored.kind == "file"]
    rows = WorkRows(held=pl.DataFrame(schema={"id": pl.Int64}), alerts=(), notes=())
    [item] = items(work, rows, (), "2024-06")
    assert (item.kind, item.centre, item.to) == ("trial", CENTRE, f"centres/{CENTRE}")
    assert work.store.get(f"quarantine/{CENTRE}/TRIAL {NAME}") == centre_file()
