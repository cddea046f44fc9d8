"""A desk works with its own store and no other (OPS-6): one that is unmounted, exchanged or empty is an outage, in
which nothing is created; and a server that does not keep the promises the desk lives by is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from click.testing import CliRunner

from infra.settings import Settings
from infra.store import (
    IDENTITY,
    FolderStore,
    S3Store,
    StoreError,
    WrongStore,
    identity_of,
    open_store,
    own_store,
    proved,
)
from pipeline.cli import main
from pipeline.cli.approvals import system_account
from pipeline.desk import open_desk, prove_store
from tests.pipeline.ledger_rows import rows
from tests.pipeline.results_season import play
from tests.support import CENTRE

KEY = f"inbox/{CENTRE}/E6412315.X01"


@pytest.fixture
def used(fresh: Settings) -> Settings:
    """A desk that has been opened, and holds a file."""
    with open_desk(fresh) as desk:
        desk.store.put(KEY, b"?")
    return fresh


@pytest.fixture
def folder(used: Settings) -> Path:
    return Path(used.store_location)


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refused(settings: Settings) -> str:
    """Why the desk does not open."""
    with pytest.raises(WrongStore) as caught, open_desk(settings):
        pass
    return str(caught.value)


def test_ops_6_a_store_that_was_moved_away_is_not_made_anew(used: Settings, folder: Path) -> None:
    folder.rename(folder.with_suffix(".unmounted"))
    assert "the store's folder is gone" in refused(used)
    assert not folder.exists()
    result = CliRunner().invoke(main, ["ingest"], env=used.environment())
    assert result.exit_code == 1
    assert "the store's folder is gone" in result.output
    folder.with_suffix(".unmounted").rename(folder)
    with open_desk(used) as desk:
        assert desk.store.get(KEY) == b"?"


def test_ops_6_an_empty_folder_where_a_disk_should_be_mounted_stays_empty(used: Settings, folder: Path) -> None:
    folder.rename(folder.with_suffix(".unmounted"))
    folder.mkdir()
    assert "no store of ours: it has no identity" in refused(used)
    assert everything(folder) == []


def test_ops_6_a_disk_unmounted_under_an_open_desk_is_noticed_at_the_next_step(used: Settings, folder: Path) -> None:
    with open_desk(used) as desk:
        folder.rename(folder.with_suffix(".unmounted"))
        folder.mkdir()
        attempts: list[Callable[[], object]] = [
            lambda: desk.store.put(KEY, b"lost"),
            lambda: desk.store.put_if_absent(KEY, b"lost"),
            lambda: desk.store.get(KEY),
            lambda: list(desk.store.list("inbox/")),
            lambda: desk.store.move(KEY, "quarantine/1"),
        ]
        for attempt in attempts:
            with pytest.raises(WrongStore):
                attempt()
        assert everything(folder) == []


def test_ops_6_another_desks_store_is_refused_and_its_copy_with_the_identity_is_ours(
    used: Settings, folder: Path, tmp_path: Path
) -> None:
    other = FolderStore(tmp_path / "other")
    other.put(IDENTITY, b"another desk's")
    exchanged = evolve(used, store=str(other.root))
    before = everything(other.root)
    assert "another desk's store, or a copy of ours" in refused(exchanged)
    assert everything(other.root) == before
    # A new disk: the whole folder is copied, and with it the identity.
    shutil.copytree(folder, tmp_path / "new disk")
    with open_desk(evolve(used, store=str(tmp_path / "new disk"))) as desk:
        assert desk.store.get(KEY) == b"?"


def test_ops_3_a_person_can_say_which_store_is_the_right_one_and_is_on_record(used: Settings, tmp_path: Path) -> None:
    FolderStore(tmp_path / "copied").put(KEY, b"?")
    copied = evolve(used, store=str(tmp_path / "copied"))
    refused(copied)
    words = ["store", "adopt", "--why", "moved to the new disk"]
    result = CliRunner().invoke(main, words, env=copied.environment())
    assert result.output == f"{tmp_path / 'copied'} belongs to the ledger now.\n"
    with open_desk(copied) as desk:
        assert desk.store.get(KEY) == b"?"
        assert rows(desk, "SELECT who, how, why, action FROM actions") == [
            (system_account().who, "account", "moved to the new disk", "store_adopted")
        ]
    refused(used)
    nowhere = evolve(used, store=str(tmp_path / "nowhere"))
    assert CliRunner().invoke(main, words, env=nowhere.environment()).exit_code == 1
    assert not (tmp_path / "nowhere").exists()


def test_ops_6_a_ledger_with_files_that_knows_no_store_yet_takes_none_without_an_archive(fresh: Settings) -> None:
    with open_desk(fresh) as desk:
        play(desk)
        with desk.ledger.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM place.own_store")  # as an older version leaves it
    folder = Path(fresh.store_location)
    folder.rename(folder.with_suffix(".unmounted"))
    assert "the store's folder is gone" in refused(fresh)
    folder.mkdir()
    assert "this store has none in archive/" in refused(fresh)
    assert everything(folder) == []
    folder.rmdir()
    folder.with_suffix(".unmounted").rename(folder)
    with open_desk(fresh) as desk:
        assert identity_of(desk.store)


def test_ops_6_another_bucket_or_place_in_it_is_refused(fresh: Settings, bucket: S3Store) -> None:
    ours = evolve(fresh, store=str(bucket).rstrip("/"))
    with open_desk(ours) as desk:
        desk.store.put(KEY, b"?")
        assert [stored.key for stored in desk.store.list("")] == [KEY]  # the identity is not a file of the desk's
    assert "no store of ours" in refused(evolve(ours, store=f"{ours.store}-exchanged"))
    assert list(open_store(f"{ours.store}-exchanged").list("")) == []
    with open_desk(ours) as desk:
        assert desk.store.get(KEY) == b"?"


# --- Promises --------------------------------------------------------------------------------------------------------


class NoLedger:
    """What a ledger knows before its first store."""

    def __init__(self) -> None:
        self.known: str | None = None

    def identity(self) -> str | None:
        return self.known

    def has_files(self) -> bool:
        return False

    def settle(self, identity: str) -> str:
        self.known = self.known or identity
        return self.known


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> FolderStore | S3Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    bucket: S3Store = request.getfixturevalue("bucket")
    return bucket


def test_ops_6_a_store_that_keeps_its_promises_proves_it_and_nothing_is_left(store: FolderStore | S3Store) -> None:
    assert store.proof("probes/1") == ""
    assert [stored.key for stored in store.list("") if stored.kind == "file"] == []


@pytest.mark.parametrize(
    ("operation", "condition", "said"),
    [
        ("PutObject", "IfNoneMatch", "the server ignores If-None-Match: files would be lost in silence."),
        ("DeleteObject", "IfMatch", "the server ignores If-Match: files would be lost in silence."),
    ],
)
def test_ops_6_an_s3_server_that_ignores_a_condition_is_refused_at_start_and_named_by_health(
    fresh: Settings, bucket: S3Store, monkeypatch: pytest.MonkeyPatch, operation: str, condition: str, said: str
) -> None:
    def ignore(params: dict[str, Any], **_: Any) -> None:
        params.pop(condition, None)

    def deaf(self: S3Store, *args: Any, **options: Any) -> None:
        made(self, *args, **options)
        self.client.meta.events.register(f"before-parameter-build.s3.{operation}", ignore)

    made = S3Store.__init__
    monkeypatch.setattr(S3Store, "__init__", deaf)
    settings = evolve(fresh, store=str(bucket).rstrip("/"))
    with pytest.raises(StoreError, match=f"{said} Use another server"):
        prove_store(settings)
    assert list(bucket.list("")) == []
    result = CliRunner().invoke(main, ["health"], env=settings.environment())
    assert said in next(line for line in result.output.splitlines() if line.startswith("store "))


def test_ops_6_two_that_open_the_first_store_at_once_agree(tmp_path: Path) -> None:
    known = NoLedger()
    one, other = (own_store(str(tmp_path / "store"), known) for _ in range(2))
    assert identity_of(one) == identity_of(other) == known.known
    assert proved(str(tmp_path / "store"), known).proof("probes/2") == ""
