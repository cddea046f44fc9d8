"""A backup restored is the desk as it was, and goes on from there: real PostgreSQL, real stores."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from attrs import evolve
from click.testing import CliRunner

from infra.ledger.tables import metadata
from infra.running.postgres import PostgresError
from infra.store import FolderStore
from pipeline.backup import MANIFEST, TAKING_IN, BackupError, backup, restore
from pipeline.cli import main
from pipeline.desk import Desk, open_desk
from pipeline.doors import DOORS
from pipeline.feeds import BoardFeed
from pipeline.intake.ingest import ingest
from pipeline.replay import compared
from pipeline.results.release import approve, release
from tests.patience import PATIENCE
from tests.pipeline.results_season import APPROVED, AWARDED, BUILT, CENTRE, TO_CENTRES, WHO, WHY, awarded, build, series
from tests.support import centre_file

LATER = TO_CENTRES + timedelta(minutes=5)


@pytest.fixture
def empty(work: Desk, new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Desk]:
    """An empty desk on the same server."""
    settings = evolve(work.settings, state=tmp_path / "restored", database_url=new_ledger())
    with open_desk(settings) as desk:
        with desk.ledger.engine.begin() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            connection.execute(sa.text("TRUNCATE seals, centres, centre_approvals"))
        yield desk


@pytest.fixture
def place(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "backup")


def ledger(desk: Desk) -> dict[str, list[str]]:
    """Every table with its rows in one order."""
    with desk.ledger.engine.connect() as connection:
        return {name: sorted(map(str, connection.execute(of.select()))) for name, of in metadata.tables.items()}


def wait_in_the_inbox(desk: Desk, sequence: int) -> str:
    """Another file of the centre, not taken yet; its key."""
    key = f"inbox/{CENTRE}/A6412315.X{sequence:02}"
    desk.store.put(key, centre_file(letter="A", sequence=sequence, count=4))
    return key


def test_a_restored_desk_goes_on_as_the_old_one_would_have(work: Desk, empty: Desk, place: FolderStore) -> None:
    awarding = awarded(work)
    approve(work, build(work, awarding, BUILT).awarding, WHO, WHY, APPROVED)
    waiting = wait_in_the_inbox(work, 2)

    made = backup(work, place, APPROVED)
    assert made.left_out == ()
    assert waiting in {file.key for file in made.files}
    restored = restore(empty, place)
    assert restored == made
    assert ledger(empty) == ledger(work)
    assert list(empty.store.list("")) and compared(work, empty, 0).differences == ()  # noqa: PT018

    for desk in (work, empty):
        assert release(desk, series(desk), "centres", TO_CENTRES).files
        assert ingest(desk, LATER + timedelta(days=365)).outcomes.total() == 1
    again = compared(work, empty, 0)
    assert again.differences == ()
    assert again.files > 15
    assert [stored for stored in empty.store.list("inbox/") if stored.kind == "file"] == []


def test_what_waits_keeps_the_time_it_was_received(work: Desk, empty: Desk, place: FolderStore) -> None:
    key = wait_in_the_inbox(work, 2)
    [before] = work.store.list(key)
    backup(work, place, AWARDED)
    restore(empty, place)
    [after] = empty.store.list(key)
    assert after.modified == before.modified


def test_a_backup_waits_for_the_ingest_and_then_gives_up(
    work: Desk, place: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, ended = threading.Event(), threading.Event()

    def wait(seconds: float) -> None:
        asked.set()
        assert ended.wait(PATIENCE)

    with work.ledger.exclusive("ingest") as alone:
        assert alone
        with pytest.raises(BackupError, match="taking in files"):
            backup(work, place, AWARDED, patience=1)
        monkeypatch.setattr("pipeline.backup.time", SimpleNamespace(sleep=wait))
        waiting = threading.Thread(target=backup, args=(work, place, AWARDED))
        waiting.start()
        assert asked.wait(PATIENCE)
    ended.set()
    waiting.join(PATIENCE)
    assert [stored.key for stored in place.list(MANIFEST)] == [MANIFEST]


def test_what_is_rewritten_meanwhile_is_left_out_and_told(
    work: Desk, place: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.store.put("reports/first.html", b"as it was")
    work.store.put("reports/second.html", b"as it was")
    put = place.put

    def meanwhile(key: str, data: object) -> None:
        if key.endswith("first.html"):
            work.store.put("reports/second.html", b"rewritten")
        put(key, data)  # type: ignore[arg-type]

    monkeypatch.setattr(place, "put", meanwhile)
    assert backup(work, place, AWARDED).left_out == ("reports/second.html",)


def test_a_file_of_the_ledger_that_the_archive_lost_is_no_backup(work: Desk, place: FolderStore) -> None:
    wait_in_the_inbox(work, 1)
    ingest(work, LATER + timedelta(days=365))
    [archived] = [stored for stored in work.store.list("archive/") if stored.kind == "file"]
    work.store.remove(archived)
    with pytest.raises(BackupError, match=f"1 files of the ledger are not in the archive, the first is {archived.key}"):
        backup(work, place, AWARDED)
    assert not list(place.list(MANIFEST))


def test_damage_is_found(work: Desk, empty: Desk, place: FolderStore) -> None:
    wait_in_the_inbox(work, 1)
    ingest(work, LATER + timedelta(days=365))
    made = backup(work, place, AWARDED)
    reply = next(file for file in made.files if file.key.startswith("outbox/"))
    place.put(f"store/{reply.key}", b"somebody's own words")
    with pytest.raises(BackupError, match="SHA-256"):
        restore(empty, place)
    [archived] = [stored for stored in work.store.list("archive/") if stored.kind == "file"]
    work.store.put(archived.key, b"rotten")
    with pytest.raises(BackupError, match="SHA-256"):
        backup(work, FolderStore(place.root.parent / "another"), AWARDED)


def test_nothing_is_restored_over_something(work: Desk, empty: Desk, place: FolderStore) -> None:
    with pytest.raises(BackupError, match="not a complete backup"):
        restore(empty, place)
    wait_in_the_inbox(work, 1)
    backup(work, place, AWARDED)
    with pytest.raises(BackupError, match="place of its own"):
        backup(work, place, AWARDED)
    with pytest.raises(BackupError, match="store to restore into is not empty"):
        restore(work, place)
    wait_in_the_inbox(empty, 1)
    ingest(empty, LATER + timedelta(days=365))
    for one in list(empty.store.list("")):
        empty.store.remove(one)
    with pytest.raises(PostgresError, match="ledger is not empty: it has rows in"):
        restore(empty, place)


def test_a_backup_is_readable_by_its_owner_only(work: Desk, place: FolderStore) -> None:
    backup(work, place, AWARDED)
    assert place.root.stat().st_mode & 0o077 == 0


def test_the_commands_back_up_and_restore(work: Desk, empty: Desk, tmp_path: Path) -> None:
    wait_in_the_inbox(work, 1)
    ingest(work, LATER + timedelta(days=365))
    kept = tmp_path / "kept"
    for desk, command in ((work, "backup"), (empty, "restore")):
        result = CliRunner().invoke(main, [command, str(kept)], env=desk.settings.environment())
        assert result.exit_code == 0, result.output
        assert "0 of them waiting." in result.output
    assert json.loads((kept / MANIFEST).read_text(encoding="utf-8"))["left_out"] == []
    assert compared(work, empty, 0).differences == ()
    result = CliRunner().invoke(main, ["restore", str(kept)], env=empty.settings.environment())
    assert result.exit_code == 1
    assert "store to restore into is not empty" in result.output


def test_a_backup_waits_for_every_job_that_takes_in_files() -> None:
    feeds = [door.feed for door in DOORS]
    assert {feed.lock for feed in feeds if isinstance(feed, BoardFeed)} | {"ingest"} == set(TAKING_IN)
