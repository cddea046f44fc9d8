"""The ingest where it is interrupted or stands on S3: the whole ledger and every file are compared, not only counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from attrs import evolve

import infra.ledger.sql
from infra.ledger.tables import metadata
from infra.store import S3Store
from parsers.writer import single
from pipeline.demo.demo import samples
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.steps import RECEIVED, Step, watched
from tests.crashes import Crash
from tests.pipeline.inbox import land, land_samples
from tests.pipeline.ledger_rows import rows
from tests.support import centre_file, registration_file

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
REGISTERED = datetime(2023, 9, 18, 12, tzinfo=UTC)
ENTERED = datetime(2024, 2, 15, 12, tzinfo=UTC)


def everything(desk: Desk) -> tuple[dict[str, list[str]], dict[str, bytes]]:
    """All the ledger holds but its own row numbers and the journal of runs, and every file but the store's temporary
    ones."""
    held = {}
    for table in metadata.sorted_tables:
        if table.name == "journal":
            continue
        columns = ", ".join(f'"{column.name}"' for column in table.columns if column.name != "id")
        held[table.name] = sorted(map(str, rows(desk, f"SELECT {columns} FROM {table.name}")))
    places = ("inbox/", "archive/", "outbox/", "quarantine/")
    found = [stored for place in places for stored in desk.store.list(place)]
    return held, {one.key: desk.store.get(one.key) if one.kind == "file" else b"" for one in found}


# --- Crashes ---------------------------------------------------------------------------------------------------------


FORECASTS = single("F", "64123", b"", awarding_body="15", series_key="6B24", sequence=3, produced="010922")
"""A file of a kind that is held for a person."""


def test_fil_5_a_crash_inside_the_transaction_books_nothing(work: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    land(work, "64123/E6412313.X01", registration_file(), REGISTERED)

    def crash(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(infra.ledger.sql, "copy", crash)
        with pytest.raises(Crash):
            ingest(work, NOW)
    held, _ = everything(work)
    assert not any(held[name] for name in ("replies", "findings", "registrations", "fee_lines"))
    assert rows(work, "SELECT outcome FROM submissions") == [(None,)]
    assert ingest(work, NOW).outcomes == {"accepted": 1}
    assert rows(work, "SELECT count(*) FROM registrations") == [(3,)]


def test_fil_5_a_file_dated_ahead_of_the_clock_is_received_once_when_a_run_ends_before_it_is_taken_out(
    work: Desk,
) -> None:
    land(work, "64123/E6412313.X01", registration_file(), NOW + timedelta(days=400))

    def crash(step: Step) -> None:
        if step is RECEIVED:
            raise Crash

    with watched(crash), pytest.raises(Crash):
        ingest(work, NOW)
    assert ingest(work, NOW + timedelta(minutes=5)).outcomes.total() == 1
    assert rows(work, "SELECT received, modified FROM submissions") == [(NOW, NOW + timedelta(days=400))]
    assert rows(work, "SELECT count(*) FROM replies") == [(1,)]
    assert [stored for stored in work.store.list("inbox/") if stored.kind == "file"] == []


REFUSE = """
CREATE FUNCTION refuse() RETURNS trigger AS $$ BEGIN RAISE EXCEPTION 'no room'; END $$ LANGUAGE plpgsql;
CREATE TRIGGER refuse BEFORE INSERT ON registrations FOR EACH ROW WHEN (NEW.centre = '64123') EXECUTE FUNCTION refuse();
"""


def test_fil_5_a_file_the_ledger_cannot_take_is_held_and_takes_none_of_its_round_with_it(
    work: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    land(work, "58201/E5820113.X01", registration_file("58201"), REGISTERED)
    land(work, "64123/E6412313.X01", registration_file(), REGISTERED)
    engine = sa.create_engine(work.settings.database_url)
    with engine.begin() as connection:
        connection.execute(sa.text(REFUSE))
    try:
        assert ingest(work, NOW).outcomes == {"accepted": 1, "quarantined": 1}
        query = "SELECT centre, outcome FROM submissions ORDER BY centre"
        assert rows(work, query) == [("58201", "accepted"), ("64123", "quarantined")]
        assert rows(work, "SELECT DISTINCT centre FROM registrations") == [("58201",)]
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TRIGGER refuse ON registrations; DROP FUNCTION refuse"))
        engine.dispose()
    # What is logged names no row: PostgreSQL's own words would.
    assert "CopyError" in caplog.text
    assert "2008-" not in caplog.text


# --- What the samples leave in the ledger ----------------------------------------------------------------------------


def test_fil_3_more_than_twelve_options_are_one_replacement_set(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    query = "SELECT count(*) FILTER (WHERE ended_by IS NULL), count(ended_by) FROM entries WHERE candidate = '0030'"
    # The amendment repeats nineteen and adds a twentieth, for which the candidate is not registered.
    assert rows(work, query) == [(19, 0)]


def test_fee_4_a_withdrawal_before_the_high_late_date_returns_the_entry_fees(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    of_candidate = "centre = '64123' AND candidate = '0003'"
    back = rows(work, f"SELECT option, kind, pence FROM fee_lines WHERE {of_candidate} AND pence < 0 ORDER BY option")
    assert back == [("BEN01", "refund", -700), ("BEN02", "refund", -700), ("BEN03", "refund", -1410)]
    assert rows(work, f"SELECT option FROM entries WHERE {of_candidate} AND ended_by IS NULL") == []


def test_a_refused_file_takes_no_sibling_of_its_round_with_it(work: Desk) -> None:
    land(work, "58201/E5820113.X01", registration_file("58201")[:400], REGISTERED)
    land(work, "64123/E6412313.X01", registration_file(), REGISTERED)
    assert ingest(work, NOW).outcomes == {"accepted": 1, "refused": 1}


def test_fil_2_a_file_for_no_series_of_ours_is_refused_not_held_also_when_it_is_alone(work: Desk) -> None:
    land(work, "64123/E6412315.X01", centre_file(series="7B24"), ENTERED)
    assert ingest(work, NOW).outcomes == {"refused": 1}
    [key] = [stored.key for stored in work.store.list("outbox/64123/") if stored.key.endswith(".json")]
    assert [finding["code"] for finding in json.loads(work.store.get(key))["findings"]] == ["STREAM_UNKNOWN"]


# --- S3 --------------------------------------------------------------------------------------------------------------


def test_fil_1_on_s3_every_sample_gets_its_one_reply_too(work: Desk, bucket: S3Store) -> None:
    """In S3 receipt is the instant of the upload, so the samples are out of their windows: only that each is answered
    once, archived, and held where it must be, can be the same."""
    desk = evolve(work, store=bucket)
    for one in samples():
        bucket.put(one.key, one.path.read_bytes())
    bucket.put("inbox/64123/F6412315.X03", FORECASTS)
    now = datetime.now(UTC) + timedelta(seconds=5)
    assert ingest(desk, now).received == 9
    keys = [stored.key for stored in bucket.list("outbox/") if "/X" in stored.key]
    assert sorted(key for key in keys if key.endswith(".json")) == sorted(
        f"{key}.json" for key in keys if not key.endswith(".json")
    )
    assert len(keys) == 18
    assert len(list(bucket.list("outbox/64123/index."))) == 2
    assert list(bucket.list("inbox/")) == []
    [held] = [stored.key for stored in bucket.list("quarantine/")]
    assert held.endswith(" F6412315.X03")
    assert len(list(bucket.list("archive/"))) == 9
    assert ingest(desk, now).received == 0
