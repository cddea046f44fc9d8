"""The ingest over a real ledger and store (FIL-1, FIL-3, FIL-5): nothing lost, nothing doubled, all answered once."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from attrs import evolve

from infra.ledger.submissions import migrate
from infra.ledger.tables import metadata
from infra.settings import Settings
from infra.store import FolderStore
from parsers.layouts import CANDIDATE
from pipeline.demo.demo import SAMPLES, samples
from pipeline.desk import Desk, open_desk
from pipeline.intake.ingest import IngestCounts, ingest, receive
from rules import registration
from tests.catalogue import FROZEN
from tests.golden import Golden
from tests.pipeline.inbox import NOW, answer, land, land_samples, outbox
from tests.support import REGISTERED, centre_file, registration_file

REPLIES = SAMPLES / "replies"


def counts(desk: Desk) -> dict[str, int]:
    """Rows of every table."""
    with sa.create_engine(desk.settings.database_url).connect() as connection:
        return {
            name: connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def inbox(desk: Desk) -> list[str]:
    return [stored.key for stored in desk.store.list("inbox/") if stored.key.count("/") > 2 or stored.kind == "file"]


def test_the_eight_samples_get_the_replies_on_record(work: Desk, golden: Golden) -> None:
    land_samples(work)
    summary = ingest(work, NOW)
    assert summary.received == 8
    assert summary.outcomes == {
        "accepted": 4, "accepted with warnings": 1, "partly accepted": 3,
    }  # fmt: skip
    golden.folder(REPLIES, outbox(work), "X*")
    assert inbox(work) == []
    assert not [stored.key for stored in work.store.list("quarantine/") if stored.kind == "file"]


def test_fee_5_replies_and_fee_lines_add_up_to_the_same_pence(work: Desk) -> None:
    land_samples(work)
    summary = ingest(work, NOW)
    with sa.create_engine(work.settings.database_url).connect() as connection:
        lines = connection.execute(sa.text("select sum(pence) from fee_lines")).scalar_one()
    twins = [json.loads(work.store.get(f"outbox/{key}.json")) for key in outbox(work)]
    assert lines == summary.pence == sum(twin["fee_total_pence"] for twin in twins)


def test_sending_everything_again_changes_nothing_and_says_so(work: Desk) -> None:
    land_samples(work)
    ingest(work, NOW)
    before = counts(work)
    land_samples(work, NOW)
    summary = ingest(work, NOW + timedelta(minutes=5))
    after = counts(work)
    assert summary.outcomes == {"already processed": 8}
    assert {name: after[name] - before[name] for name in ("registrations", "entries", "fee_lines", "marks")} == {
        "registrations": 0, "entries": 0, "fee_lines": 0, "marks": 0,
    }  # fmt: skip
    assert ingest(work, NOW + timedelta(minutes=10)).note() == "Nothing to do: no files are waiting."


# --- Bad input of any kind -------------------------------------------------------------------------------------------


def directory(path: Path) -> None:
    path.mkdir(parents=True)


def link(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to("/etc/passwd")


def pipe(path: Path) -> None:
    path.parent.mkdir(parents=True)
    os.mkfifo(path)


def zeros(path: Path) -> None:
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        file.truncate(200_000_000)


def written(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_bytes(data)

    return write


@pytest.mark.parametrize(
    ("key", "make", "code"),
    [
        ("64123/E6412315.X01", written(b""), "FILE_EMPTY"),
        ("64123/E6412315.X01", directory, "NOT_A_FILE"),
        ("64123/E6412315.X01", link, "NOT_A_FILE"),
        ("64123/E6412315.X01", pipe, "NOT_A_FILE"),
        ("64123/E6412315.X01", zeros, "FILE_TOO_LARGE"),
        ("64123/E6412315.X01", written(centre_file().decode().encode("utf-16")), "FILE_TEXT_WIDE"),
        ("64123/E6412315.X01", written(b"%PDF-1.4\n..."), "FILE_NOT_EDI"),
        ("64123/E5820115.X01", written(centre_file(centre="58201")), "OTHER_CENTRE"),
        ("64123/sub/E6412315.X01", written(centre_file()), "FILE_IN_FOLDER"),
        ("64123/report.docx", written(b"PK\x03\x04..."), "FILE_NOT_EDI"),
        ("64123/E64\x1b[31m\n.X01", written(centre_file()), "FILE_NAME"),
        ("64123/E64123\udcff15.X01", written(centre_file()), "FILE_NAME"),
        ("E6412315.X01", written(centre_file()), "OTHER_CENTRE"),
    ],
)
def test_fil_1_whatever_lands_gets_one_reply_with_a_finding(
    work: Desk, key: str, make: Callable[[Path], None], code: str
) -> None:
    assert isinstance(work.store, FolderStore)
    path = work.store.root / "inbox" / key
    make(path)
    os.utime(path, (NOW.timestamp() - 3600,) * 2, follow_symlinks=False)
    ingest(work, NOW)
    twin = answer(work)
    assert code in [finding["code"] for finding in twin["findings"]]
    assert twin["outcome"] == "refused"
    assert counts(work)["entries"] == 0
    assert inbox(work) == []
    kept = [stored for place in ("archive/", "quarantine/") for stored in work.store.list(place)]
    assert len(kept) == 1
    assert ingest(work, NOW).received == 0


def test_fil_4_a_file_that_is_still_growing_is_left_for_the_next_run(work: Desk) -> None:
    land(work, "64123/E6412313.X01", registration_file()[:400], NOW - timedelta(seconds=2))
    summary = ingest(work, NOW)
    assert (summary.received, summary.growing) == (0, 1)
    land(work, "64123/E6412313.X01", registration_file(), NOW)
    assert ingest(work, NOW + timedelta(minutes=5)).received == 1


def test_reg_2_registrations_that_wait_together_with_entries_are_applied_first(work: Desk) -> None:
    when = datetime(2024, 2, 15, tzinfo=UTC)
    land(work, "64123/E6412315.X01", centre_file(), when)
    land(work, "64123/E6412313.X01", registration_file(), when + timedelta(days=1))
    assert ingest(work, NOW).outcomes == {"accepted": 2}


def test_fil_3_a_refused_file_may_come_again_under_its_own_number(work: Desk) -> None:
    when = datetime(2024, 2, 15, tzinfo=UTC)
    land(work, "64123/E6412315.X01", centre_file(), when)
    assert ingest(work, NOW).outcomes == {"refused": 1}
    land(work, "64123/E6412313.X01", registration_file(), when)
    land(work, "64123/E6412315.X01", centre_file(), when + timedelta(days=1))
    assert ingest(work, NOW).outcomes == {"accepted": 2}


def test_a_file_that_breaks_our_code_is_held_and_takes_no_other_with_it(
    work: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    real = registration.one_uci_one_number

    def poisoned(records: pl.DataFrame, *rest: Any) -> None:
        if "58201" in records["centre"]:
            raise ValueError(records["name"][0])
        real(records, *rest)

    monkeypatch.setattr(registration, "one_uci_one_number", poisoned)
    when = datetime(2023, 9, 18, tzinfo=UTC)
    for centre in ("40807", "58201", "64123"):
        land(work, f"{centre}/E{centre}13.X01", registration_file(centre), when)
    assert ingest(work, NOW).outcomes == {"accepted": 2, "quarantined": 1}
    assert "FILE_FAILED" in outbox(work)["58201/X5820113.X01"]
    assert registration_file("58201").decode().splitlines()[2][12:52].strip() not in caplog.text
    assert "ValueError" in caplog.text


def test_logs_and_notes_hold_no_names(work: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    land_samples(work)
    note = ingest(work, NOW).note()
    names = {
        CANDIDATE["name"].cut(line).strip()
        for sample in samples()
        for line in sample.path.read_text("ascii").splitlines()
        if line[1:2] == "5" and line[0] in "EA"
    }
    assert len(names) > 10
    assert not [name for name in names if name in caplog.text or name in note]


def test_two_runs_never_work_at_once(work: Desk, fresh: Settings) -> None:
    land_samples(work)
    with open_desk(fresh) as other, other.ledger.exclusive("ingest") as alone:
        assert alone
        assert ingest(work, NOW).received == 0
    assert ingest(work, NOW).received == 8


def test_batches_of_one_file_give_the_same_outbox(work: Desk, fresh: Settings, tmp_path: Path) -> None:
    land_samples(work)
    settings = Settings(catalogue=FROZEN, state=tmp_path, database_url=fresh.database_url, batch_files=1)
    narrow = evolve(work, settings=settings)
    ingest(narrow, NOW)
    assert len(outbox(work)) == 8
    assert outbox(work)["64123/X6412315.X01"] == (REPLIES / "64123" / "X6412315.X01").read_bytes().decode("ascii")


def test_migrations_build_exactly_the_declared_tables(fresh: Settings) -> None:
    migrate(fresh.database_url)
    with sa.create_engine(fresh.database_url).connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_fil_1_no_reply_is_written_over_however_many_there_are(work: Desk) -> None:
    for number in range(101):
        land(work, f"64123/notes {number}.txt", b"%d" % number)
    assert ingest(work, NOW).received == 101
    names = sorted(
        (stored.key for stored in work.store.list("outbox/64123/X") if not stored.key.endswith(".json")), key=len
    )
    assert len(names) == 101
    assert names[-2:] == ["outbox/64123/X6412300.X100", "outbox/64123/X6412300.X101"]


def test_of_a_backlog_the_centre_that_has_waited_longest_is_answered_first(work: Desk) -> None:
    for minutes, centre in enumerate(("64123", "58201", "40807")):
        land(work, f"{centre}/E{centre}13.X01", registration_file(centre), REGISTERED + timedelta(minutes=minutes))
    receive(work, NOW, IngestCounts())
    waiting = work.ledger.waiting(2, 10_000_000, ())
    assert [received.landing.centre for received in waiting] == ["64123", "58201"]
    assert work.ledger.waiting(2, 1, ())[0].landing.centre == "64123"
