"""One suite for both stores: a folder, and S3 over HTTP against moto's server."""

from __future__ import annotations

import io
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import copy
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest
from attrs import evolve
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.store import (
    BadKey,
    FolderStore,
    Missing,
    S3Store,
    Store,
    Stored,
    StoreError,
    open_store,
)
from infra.store.folder import FEW, TOGETHER
from infra.store.keys import DEEPEST
from tests import instruments

NOW = datetime(2027, 8, 12, 8, 0, tzinfo=UTC)
BUCKET = "desk"
_places = count()


@pytest.fixture(scope="module")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Store]:
    """A store at the top of a fresh bucket."""
    with (
        instruments.s3_server(tmp_path_factory.mktemp("s3") / "moto.log") as port,
        pytest.MonkeyPatch.context() as patch,
    ):
        instruments.at_port(patch, port)
        patch.setenv("AWS_MAX_ATTEMPTS", "2")
        instruments.new_bucket(BUCKET)
        yield S3Store(BUCKET)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return open_store(str(tmp_path / "store"))
    place = copy(request.getfixturevalue("s3_server"))  # one client for all, as making one takes a tenth of a second
    place.base = f"place-{next(_places)}/"
    return cast(Store, place)


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


@pytest.fixture
def s3(s3_server: S3Store) -> S3Store:
    """A store with a client of its own, whose events a test may handle."""
    store = open_store(f"s3://{BUCKET}/place-{next(_places)}/")
    assert isinstance(store, S3Store)
    return store


def keys(store: Store, prefix: str = "") -> list[str]:
    return [found.key for found in store.list(prefix)]


def only(store: Store, prefix: str) -> Stored:
    (found,) = store.list(prefix)
    return found


class Pipe(io.RawIOBase):
    """A stream that cannot be rewound, as one from the network."""

    def __init__(self, content: bytes) -> None:
        self._rest = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._rest.readinto(buffer)


# --- reading and writing


def test_put_then_get(store: Store) -> None:
    store.put("inbox/12345/first.txt", b"one")
    store.put("inbox/12345/first.txt", b"two, and longer")
    store.put("inbox/12345/empty.txt", b"")
    assert store.get("inbox/12345/first.txt") == b"two, and longer"
    assert store.get("inbox/12345/empty.txt") == b""


@pytest.mark.parametrize("name", ["put", "put_if_absent"])
@pytest.mark.parametrize("rewindable", [True, False])
def test_streams(store: Store, name: str, rewindable: bool) -> None:
    content = secrets.token_bytes(3_000_000)
    data = io.BytesIO(content) if rewindable else cast(BinaryIO, Pipe(content))
    getattr(store, name)("archive/large", data)
    with store.open("archive/large") as file:
        assert file.read(10) == content[:10]
        assert b"".join(iter(lambda: file.read(100_000), b"")) == content[10:]


def test_a_stream_is_written_from_where_it_stands(store: Store) -> None:
    data = io.BytesIO(b"header|body")
    data.seek(7)
    store.put("a", data)
    assert store.get("a") == b"body"


def test_one_key_to_another_as_a_stream(store: Store) -> None:
    store.put("inbox/12345/large", b"x" * 100_000)
    with store.open("inbox/12345/large") as data:
        assert store.put_if_absent("archive/0a1b", data)
    assert store.get("archive/0a1b") == b"x" * 100_000


@pytest.mark.parametrize("key", ["inbox/12345/none", "nowhere/at/all", "inbox/12345/file/below", "inbox/12345"])
def test_missing(store: Store, key: str) -> None:
    store.put("inbox/12345/file", b"")
    with pytest.raises(Missing, match=key):
        store.get(key)
    with pytest.raises(Missing, match=key):
        store.open(key)


@pytest.mark.parametrize("count", [0, 1, FEW, TOGETHER + 1])
def test_fil_1_many_files_are_written_as_each_by_itself(store: Store, count: int) -> None:
    names = [f"outbox/{number % 7:05}/{number}" for number in range(count)]
    assert store.put_all([(name, name.encode()) for name in names]) == [True] * count
    assert sorted(keys(store)) == sorted(names)
    assert store.put_all([(name, b"new") for name in names]) == [True] * count
    assert {store.get(name) for name in names[:5]} <= {b"new"}


def test_fil_1_of_many_files_those_that_are_there_are_kept(store: Store) -> None:
    store.put("archive/2", b"first")
    files = [(f"archive/{number}", b"second") for number in (1, 2, 3, 3, 4)]
    assert store.put_all(files, absent=True) in ([True, False, True, False, True], [True, False, False, True, True])
    assert [store.get(f"archive/{number}") for number in (1, 2, 3, 4)] == [b"second", b"first", b"second", b"second"]


def test_fil_1_no_file_is_written_beside_one_with_a_bad_key(store: Store) -> None:
    with pytest.raises(BadKey):
        store.put_all([*((f"a/{number}", b"") for number in range(FEW)), ("a/../b", b"")])
    assert keys(store) == []


def test_fil_1_many_files_leave_no_drafts(folder: FolderStore) -> None:
    folder.put("there", b"")
    files = [(f"{number}", b"x") for number in range(FEW)]
    with pytest.raises(StoreError, match=f"cannot write {FEW + 1} files: Not a directory"):
        folder.put_all([*files, ("there/below", b"x")])
    assert folder.put_all(files) == [True] * FEW
    assert list((folder.root / ".tmp").iterdir()) == []


def test_fil_1_many_files_are_on_disk_before_they_have_their_names(
    folder: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that loses power must not be left with a name and no content."""
    seen: list[list[str]] = []

    def to_disk(handle: int) -> int:
        seen.append(keys(folder))
        return 0

    monkeypatch.setattr("infra.store.folder._SYNC_FILE_SYSTEM", to_disk)
    folder.put_all([(f"{number}", b"x") for number in range(FEW)])
    assert seen == [[], [f"{number}" for number in range(FEW)]]
    monkeypatch.setattr("infra.store.folder._SYNC_FILE_SYSTEM", None)
    assert folder.put_all([(f"{number}", b"y") for number in range(FEW)]) == [True] * FEW


def test_put_if_absent_keeps_the_first(store: Store) -> None:
    assert store.put_if_absent("archive/0a", b"first")
    assert not store.put_if_absent("archive/0a", b"second")
    assert store.get("archive/0a") == b"first"


def test_put_if_absent_has_one_winner(store: Store) -> None:
    writers = 8
    ready = threading.Barrier(writers)

    def write(key: str, content: bytes) -> bool:
        ready.wait(30)
        return store.put_if_absent(key, content)

    with ThreadPoolExecutor(writers) as pool:
        for turn in range(20):
            key = f"outbox/12345/{turn}"
            contents = [f"writer {number}".encode() for number in range(writers)]
            won = list(pool.map(write, [key] * writers, contents))
            assert won.count(True) == 1
            assert store.get(key) == contents[won.index(True)]


# --- listing


def test_list_is_recursive_and_sorted(store: Store) -> None:
    names = [
        "b",
        "a/b",
        "a.b",
        "a/b.c",
        "a0",
        "inbox/2/x",
        "inbox/10/y",
        "inbox/10/deep/er/z",
        "é",
        "z\U0001f600",
        "z￾",
    ]
    for key in names:
        store.put(key, key.encode())
    found = list(store.list(""))
    assert [stored.key for stored in found] == sorted(names)
    assert [stored.size for stored in found] == [len(key.encode()) for key in sorted(names)]
    assert {stored.kind for stored in found} == {"file"}
    assert all(stored.modified.utcoffset() == timedelta(0) for stored in found)


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("inbox/", ["inbox/1/a", "inbox/12/b", "inbox/12/c/d"]),
        ("inbox/1", ["inbox/1/a", "inbox/12/b", "inbox/12/c/d"]),
        ("inbox/12/", ["inbox/12/b", "inbox/12/c/d"]),
        ("inbox/12/c", ["inbox/12/c/d"]),
        ("inbox/12/b", ["inbox/12/b"]),
        ("inbox/12/b/", []),
        ("in", ["inbox/1/a", "inbox/12/b", "inbox/12/c/d"]),
        ("nowhere/", []),
    ],
)
def test_list_by_prefix(store: Store, prefix: str, expected: list[str]) -> None:
    for key in ("archive/0", "inbox/1/a", "inbox/12/b", "inbox/12/c/d"):
        store.put(key, b"")
    assert keys(store, prefix) == expected


def test_list_an_empty_store(store: Store) -> None:
    assert keys(store) == []


def test_list_more_than_a_page(store: Store) -> None:
    names = [f"inbox/{number % 7}/{number:04}" for number in range(1_100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.put(key, b"x"), names))
    assert keys(store, "inbox/") == sorted(names)


def test_what_is_removed_while_listing_does_not_disturb(store: Store) -> None:
    for key in ("inbox/1/a", "inbox/1/deep/b", "inbox/2/c"):
        store.put(key, b"")
    for found in store.list("inbox/"):
        assert store.remove(found)
    assert [key for key in keys(store) if not key.endswith("/")] == []


# --- moving and removing


def test_move_is_repeatable(store: Store) -> None:
    store.put("inbox/12345/a", b"content")
    for _ in range(2):
        store.move("inbox/12345/a", "quarantine/2027/a")
        assert store.get("quarantine/2027/a") == b"content"
        assert keys(store, "inbox/12345/a") == []
    store.move("quarantine/2027/a", "quarantine/2027/a")
    assert store.get("quarantine/2027/a") == b"content"


def test_move_replaces_the_target(store: Store) -> None:
    store.put("a", b"new")
    store.put("b", b"old")
    store.move("a", "b")
    assert store.get("b") == b"new"


def test_move_of_nothing(store: Store) -> None:
    with pytest.raises(Missing, match="neither"):
        store.move("inbox/12345/none", "quarantine/deep/er/none")
    assert [key for key in keys(store) if not key.endswith("/")] == []


def test_concurrent_moves_all_succeed(store: Store) -> None:
    store.put("inbox/12345/a", b"content")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: store.move("inbox/12345/a", "quarantine/1/a"), range(4)))
    assert store.get("quarantine/1/a") == b"content"


def test_remove_what_was_listed(store: Store) -> None:
    store.put("inbox/12345/a", b"content")
    found = only(store, "inbox/12345/a")
    assert store.remove(found)
    assert not store.remove(found)
    assert keys(store, "inbox/12345/a") == []


@pytest.mark.parametrize("content", [b"other words", b"same size!"])
def test_remove_leaves_what_has_changed(store: Store, content: bytes) -> None:
    store.put("inbox/12345/a", b"some size!")
    found = only(store, "inbox/12345/a")
    store.put("inbox/12345/a", content)
    assert not store.remove(found)
    assert store.get("inbox/12345/a") == content


def test_remove_without_a_version_goes_by_size_and_time(store: Store) -> None:
    store.put("inbox/12345/a", b"content")
    found = evolve(only(store, "inbox/12345/a"), version="")
    assert not store.remove(evolve(found, size=8))
    assert not store.remove(evolve(found, modified=found.modified - timedelta(hours=1)))
    assert store.remove(found)


def test_remove_many_at_once_leaves_what_has_changed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infra.store.s3.WORTH_A_TRIAL", 3)
    for name in "abcd":
        store.put(f"inbox/12345/{name}", b"some size!")
    found = list(store.list("inbox/12345/"))
    store.put("inbox/12345/b", b"other size")
    store.remove(found[3])
    assert list(store.remove_all(found)) == [True, False, True, False]
    assert keys(store, "inbox/12345/") == ["inbox/12345/b"]
    assert store.remove_all([]) == []


# --- keys

ODD_NAMES = [
    "Entries (final) [2].txt",
    "a b  c",
    " leading and trailing ",
    "tab\tbell\x07delete\x7f",
    "percent%2Fslash%00+plus",
    "query?x=1&y=2#top",
    "back\\slash",
    "quotes'\"`$(x)",
    "<xml>&amp;",
    "naïve 試験 \U0001f600",
    "...",
    "x" * 255,
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names(store: Store, name: str) -> None:
    key = f"inbox/12345/{name}"
    store.put(key, b"content")
    assert only(store, "inbox/") == only(store, key)
    assert only(store, key).key == key
    assert store.get(key) == b"content"
    store.move(key, f"quarantine/{name}")
    assert store.remove(only(store, "quarantine/"))


BAD_KEYS = [
    "",
    "/",
    "/etc/passwd",
    "..",
    "../x",
    "a/../../x",
    "a/..",
    ".",
    "./a",
    "a/./b",
    "a//b",
    "a//",
    "a\0b",
    "\ud800",
]


@pytest.mark.parametrize("key", [*BAD_KEYS, ".tmp/a", "x" * 2_000])
def test_bad_keys(store: Store, tmp_path: Path, key: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: store.get(key),
        lambda: store.open(key),
        lambda: store.put(key, b""),
        lambda: store.put_if_absent(key, b""),
        lambda: store.move(key, "good"),
        lambda: store.move("good", key),
        lambda: store.remove(Stored(key, 0, NOW, "file")),
    ]
    if key:
        calls.append(lambda: store.list(key))
    for call in calls:
        with pytest.raises(BadKey):
            call()
    assert keys(store) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"store"}


@pytest.mark.parametrize("name", ["get", "open"])
def test_a_folder_is_no_file(store: Store, name: str) -> None:
    with pytest.raises(BadKey):
        getattr(store, name)("inbox/12345/")
    with pytest.raises(BadKey):
        store.put("inbox/12345/", b"")


# Names as a file system gives them; moto alone cannot hear of a line break in a key.
parts_of_text = st.text(st.characters(exclude_characters="/\0\r\n", codec="utf-8"), min_size=1, max_size=40)
parts_of_bytes = st.binary(min_size=1, max_size=60).map(lambda raw: os.fsdecode(raw.translate(None, b"/\0") or b"x"))


def paths(part: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    good = part.filter(lambda name: name not in (".", ".."))
    return st.lists(good, min_size=1, max_size=4).map(lambda names: "/".join(["k", *names]))


def write_read_remove(store: Store, key: str, content: bytes) -> None:
    store.put(key, content)
    found = only(store, "k/")
    assert (found.key, found.size, found.kind) == (key, len(content), "file")
    assert store.get(key) == content
    assert store.remove(found)
    assert [left.kind for left in store.list("k/") if left.kind != "folder"] == []
    for left in list(store.list("k/")):
        store.remove(left)


any_folder = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@any_folder
@given(key=paths(parts_of_bytes | parts_of_text), content=st.binary())
def test_any_key_in_a_folder(folder: FolderStore, key: str, content: bytes) -> None:
    write_read_remove(folder, key, content)


@settings(any_folder, max_examples=15)
@given(key=paths(parts_of_text), content=st.binary())
def test_any_key_in_s3(s3: S3Store, key: str, content: bytes) -> None:
    write_read_remove(s3, key, content)


@any_folder
@given(key=st.text("ab./\0\ud800é", max_size=8))
def test_no_key_leaves_the_folder(folder: FolderStore, key: str) -> None:
    try:
        folder.put(key, b"")
    except BadKey:
        return
    except StoreError:  # a/b after a: a file is no folder
        return
    path = Path(os.path.realpath(folder.root / key))
    assert path.is_relative_to(folder.root)
    assert path.is_file()


# --- settling


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (timedelta(0), False),
        (timedelta(seconds=10, microseconds=-1), False),
        (timedelta(seconds=10), True),
        (timedelta(days=400), True),
        (timedelta(seconds=-10), False),
        (timedelta(seconds=-10, microseconds=-1), True),
        (timedelta(days=-400), True),
    ],
)
def test_settled_by_time(store: Store, age: timedelta, expected: bool) -> None:
    found = Stored("inbox/12345/a.txt", 1, NOW - age, "file")
    assert store.settled(found, NOW, 10) is (expected or isinstance(store, S3Store))


def test_settled_at_once_when_nothing_is_waited_for(store: Store) -> None:
    assert store.settled(Stored("inbox/12345/a.txt", 1, NOW, "file"), NOW, 0)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("E0512345.01", True),
        (".hidden", False),
        ("a.part", False),
        ("a.PART", False),
        ("a.FilePart", False),
        ("a.tmp", False),
        ("a.crdownload", False),
        ("a.part.txt", True),
        ("E6412315.X01.partial", False),
        ("e6412315.x01.Writing", False),
        ("E6412315.X01.1a2b3c4d.partial", False),
        ("E6412315.X01.1a2b3c4d", False),
        ("E6412315.X01~", False),
        (".in.E6412315.X01.", False),
        ("E6412315.X01.txt", True),
        ("E6412315.X01 (1)", True),
        ("X6412315.X01.json", True),
        ("E6412315.X01.bak", True),
        ("E6412315.X01.", True),
        ("E6412315.X01;x", True),
        ("apart", True),
        ("part", True),
        ("folder/", True),
        (".folder/", False),
    ],
)
def test_settled_by_name(store: Store, name: str, expected: bool) -> None:
    old = NOW - timedelta(days=1)
    assert store.settled(Stored(f"inbox/12345/{name}", 1, old, "file"), NOW, 10) is expected


# --- a folder only


def test_links_lead_nowhere(folder: FolderStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    inbox = folder.root / "inbox" / "12345"
    inbox.mkdir(parents=True)
    (inbox / "file").symlink_to(outside / "secret")
    (inbox / "folder").symlink_to(outside)
    (inbox / "dangling").symlink_to("nowhere")
    assert [(found.key, found.kind) for found in folder.list("")] == [
        ("inbox/12345/dangling", "other"),
        ("inbox/12345/file", "other"),
        ("inbox/12345/folder", "other"),
    ]
    assert keys(folder, "inbox/12345/folder/") == []
    for key in ("inbox/12345/file", "inbox/12345/folder/secret"):
        with pytest.raises(Missing):
            folder.get(key)
    with pytest.raises(StoreError):
        folder.put("inbox/12345/folder/new", b"")
    with pytest.raises(StoreError):
        folder.put_if_absent("inbox/12345/dangling", b"")
    folder.put("inbox/12345/file", b"replaces the link")
    folder.move("inbox/12345/folder", "quarantine/1/folder")
    assert folder.remove(only(folder, "quarantine/"))
    assert {path.name: path.read_bytes() for path in outside.iterdir()} == {"secret": b"secret"}


@pytest.mark.timeout(20)
def test_pipes_and_sockets_are_never_opened(folder: FolderStore) -> None:
    inbox = folder.root / "inbox" / "12345"
    inbox.mkdir(parents=True)
    os.mkfifo(inbox / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(inbox / "socket"))
    assert [(found.key, found.kind, found.size) for found in folder.list("inbox/")] == [
        ("inbox/12345/pipe", "other", 0),
        ("inbox/12345/socket", "other", 0),
    ]
    for key in ("inbox/12345/pipe", "inbox/12345/socket"):
        with pytest.raises(Missing):
            folder.get(key)
        folder.move(key, key.replace("inbox", "quarantine"))
    for found in list(folder.list("quarantine/")):
        assert folder.remove(found)
    assert keys(folder, "quarantine/") == ["quarantine/12345/"]


def test_empty_folders(folder: FolderStore) -> None:
    (folder.root / "inbox" / "12345" / "New folder" / "inner").mkdir(parents=True)
    assert [(found.key, found.kind) for found in folder.list("")] == [("inbox/12345/New folder/inner/", "folder")]
    found = only(folder, "inbox/12345/New folder/inner/")
    folder.put("inbox/12345/New folder/inner/a", b"")
    assert not folder.remove(found)
    assert folder.remove(only(folder, "inbox/"))
    assert [(found.key, found.kind) for found in folder.list("")] == [("inbox/12345/", "folder")]
    assert folder.remove(only(folder, "inbox/"))


def test_a_whole_folder_moves(folder: FolderStore) -> None:
    folder.put("inbox/12345/New folder/a", b"a")
    folder.put("inbox/12345/New folder/deep/b", b"b")
    for _ in range(2):
        folder.move("inbox/12345/New folder/", "quarantine/2027/New folder/")
        assert keys(folder) == ["inbox/12345/", "quarantine/2027/New folder/a", "quarantine/2027/New folder/deep/b"]


def test_folders_left_empty_go_but_the_landing_place_stays(folder: FolderStore) -> None:
    folder.put("inbox/12345/one/two/a", b"")
    folder.put("inbox/12345/one/b", b"")
    assert folder.remove(only(folder, "inbox/12345/one/two/"))
    assert keys(folder) == ["inbox/12345/one/b"]
    folder.move("inbox/12345/one/b", "archive/b")
    assert keys(folder) == ["archive/b", "inbox/12345/"]


def test_folders_nested_too_deep(folder: FolderStore) -> None:
    (folder.root / "inbox" / "1" / "/".join("d" * 200)).mkdir(parents=True)
    found = only(folder, "")
    assert (found.key, found.kind) == ("inbox/1/" + "d/" * (DEEPEST - 2), "other")
    assert not folder.remove(found)
    folder.move("inbox/1/d/", "quarantine/1/")
    assert [found.kind for found in folder.list("")] == ["folder", "other"]
    with pytest.raises(BadKey, match="more than 64 parts"):
        folder.put("d/" * DEEPEST + "a", b"")


def test_permissions(folder: FolderStore) -> None:
    folder.put("inbox/12345/a", b"")
    folder.put("embargo/2024-06/a", b"")
    for path, expected in (
        ("", 0o750),
        (".tmp", 0o700),
        ("embargo", 0o700),
        ("inbox", 0o750),
        ("inbox/12345", 0o750),
        ("inbox/12345/a", 0o640),
    ):
        mode = stat.S_IMODE((folder.root / path).stat().st_mode)
        assert mode & ~stat.S_ISVTX == expected & ~_umask()


def test_fil_4_a_file_the_store_has_written_has_settled_and_one_that_others_write_has_not(folder: FolderStore) -> None:
    folder.put("inbox/12345/ours", b"whole")
    folder.put("inbox/12345/ours.part", b"whole, but its sender goes on")
    (folder.root / "inbox/12345/theirs").write_bytes(b"growing")
    settled = {one.key: folder.settled(one, one.modified, 10) for one in folder.list("inbox/")}
    assert settled == {"inbox/12345/ours": True, "inbox/12345/ours.part": False, "inbox/12345/theirs": False}


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def test_a_reader_sees_the_old_whole_or_the_new_whole(folder: FolderStore) -> None:
    contents = [bytes([letter]) * 300_000 for letter in b"ab"]
    folder.put("outbox/1/a", contents[0])
    done = threading.Event()

    def watch() -> set[bytes]:
        seen = set()
        while not done.is_set():
            seen.add(folder.get("outbox/1/a"))
            assert keys(folder) == ["outbox/1/a"]
        return seen

    with ThreadPoolExecutor(2) as pool:
        watchers = [pool.submit(watch) for _ in range(2)]
        try:
            for turn in range(100):
                folder.put("outbox/1/a", contents[turn % 2])
        finally:
            done.set()
        assert set.union(*(watcher.result() for watcher in watchers)) == set(contents)


def test_a_failed_write_leaves_nothing(folder: FolderStore) -> None:
    class Broken(Pipe):
        def readinto(self, buffer: Any) -> int:
            raise OSError(5, "Input/output error")

    folder.put("a", b"old")
    with pytest.raises(StoreError, match=r"cannot write 'a': Input/output error"):
        folder.put("a", cast(BinaryIO, Broken(b"")))
    assert folder.get("a") == b"old"
    assert list((folder.root / ".tmp").iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from infra.store import FolderStore

class Deadly(FolderStore):
    def _in_folder(self, parts, step):
        os.kill(os.getpid(), signal.SIGKILL)

Deadly(Path(sys.argv[1])).put("reports/award/near.csv", b"plain results")
"""


def test_res_2_what_a_killed_writer_left_is_gone_when_the_store_is_opened_and_nothing_of_a_live_one(
    folder: FolderStore,
) -> None:
    drafts = folder.root / ".tmp"
    died = subprocess.run([sys.executable, "-c", KILLED, folder.root], cwd=Path(__file__).parents[2], check=False)
    assert died.returncode == -signal.SIGKILL
    assert [path.read_bytes() for path in drafts.iterdir()] == [b"plain results"]
    writing, opened = threading.Event(), threading.Event()

    class Slow(Pipe):
        def readinto(self, buffer: Any) -> int:
            writing.set()
            assert opened.wait(30)
            return super().readinto(buffer)

    with ThreadPoolExecutor(1) as pool:
        writer = pool.submit(folder.put, "a", cast(BinaryIO, Slow(b"alive")))
        assert writing.wait(30)
        FolderStore(folder.root)
        assert [path.read_bytes() for path in drafts.iterdir()] == [b""]
        opened.set()
        writer.result()
    assert folder.get("a") == b"alive"
    assert list(drafts.iterdir()) == []


def test_writing_while_neighbours_prune(folder: FolderStore) -> None:
    def come_and_go(number: int) -> None:
        for turn in range(60):
            key = f"inbox/12345/deep/er/{number}"
            folder.put(key, str(turn).encode())
            assert folder.remove(only(folder, key))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(come_and_go, range(4)))
    assert keys(folder) == ["inbox/12345/"]


def test_a_time_set_back_does_not_hide_a_change(folder: FolderStore) -> None:
    folder.put("inbox/1/a", b"one")
    found = only(folder, "inbox/1/a")
    path = folder.root / "inbox" / "1" / "a"
    before = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert only(folder, "inbox/1/a").modified == found.modified
    assert not folder.remove(found)


def test_times_are_exact(folder: FolderStore) -> None:
    folder.put("a", b"")
    os.utime(folder.root / "a", ns=(0, 1_818_057_600_123_456_789))
    assert only(folder, "a").modified == datetime(2027, 8, 12, 8, 0, 0, 123_456, tzinfo=UTC)


def test_a_folder_that_is_gone_is_an_error(folder: FolderStore) -> None:
    folder.root.rmdir()
    with pytest.raises(StoreError, match="the store's folder is gone"):
        keys(folder)
    with pytest.raises(StoreError, match="the store's folder is gone"):
        folder.get("a")


def test_a_store_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="cannot open it"):
        open_store(str(tmp_path / "file"))


# --- S3 only


def answer(s3: S3Store, operation: str, status: int, times: int) -> list[int]:
    """Have the first `times` requests of `operation` answered with `status`; the list returned counts the rest."""
    left = [times]

    def respond(request: Any, **_: Any) -> AWSResponse | None:
        if not left[0]:
            return None
        left[0] -= 1

        class Raw(io.BytesIO):
            def stream(self) -> Iterator[bytes]:
                yield self.read()

        return AWSResponse(request.url, status, HTTPHeaders(), cast(Any, Raw(b"")))

    s3.client.meta.events.register(f"before-send.s3.{operation}", cast(Any, respond))
    return left


def test_a_conflict_is_tried_again(s3: S3Store) -> None:
    left = answer(s3, "PutObject", 409, 3)
    assert s3.put_if_absent("a", cast(BinaryIO, Pipe(b"content")))
    assert left == [0]
    assert s3.get("a") == b"content"


def test_an_endless_conflict_is_an_error(s3: S3Store) -> None:
    answer(s3, "PutObject", 409, 1_000)
    with pytest.raises(StoreError, match="cannot write 'a'"):
        s3.put_if_absent("a", b"content")


@pytest.mark.parametrize(("failures", "passes"), [(1, True), (2, False)])
def test_server_errors_are_retried_then_told(s3: S3Store, failures: int, passes: bool) -> None:
    answer(s3, "PutObject", 500, failures)
    if passes:
        s3.put("a", b"content")
        assert s3.get("a") == b"content"
    else:
        with pytest.raises(StoreError, match=rf"{s3}: cannot write 'a': .*500"):
            s3.put("a", b"content")


def test_a_move_takes_along_what_came_meanwhile(s3: S3Store) -> None:
    s3.put("a", b"old")
    waiting = [b"new"]

    def overwrite(**_: Any) -> None:
        if waiting:
            s3.put("a", waiting.pop())

    s3.client.meta.events.register("before-call.s3.DeleteObject", overwrite)
    s3.move("a", "b")
    assert keys(s3) == ["b"]
    assert s3.get("b") == b"new"


def test_remove_leaves_what_changes_at_the_last_moment(s3: S3Store) -> None:
    s3.put("a", b"old")
    found = only(s3, "a")
    s3.client.meta.events.register("before-call.s3.DeleteObject", lambda **_: s3.put("a", b"new"))
    assert not s3.remove(found)
    assert s3.get("a") == b"new"


def test_ops_6_a_server_that_would_remove_what_has_changed_is_asked_for_each(
    s3: S3Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.store.s3.WORTH_A_TRIAL", 2)

    def ignore(params: dict[str, Any], **_: object) -> None:
        for each in params["Delete"]["Objects"]:
            del each["ETag"]

    s3.client.meta.events.register("before-parameter-build.s3.DeleteObjects", ignore)
    s3.put("a", b"old")
    s3.put("b", b"old")
    found = list(s3.list(""))
    s3.put("b", b"new")
    assert s3.remove_all(found) == [True, False]
    assert keys(s3) == ["b"]


def test_a_write_does_not_first_ask_whether_it_may_send(s3: S3Store, tmp_path: Path) -> None:
    sent: list[bool] = []
    s3.client.meta.events.register("before-send.s3", lambda request, **_: sent.append("Expect" in request.headers))
    s3.put("a", b"content")
    s3.put_if_absent("b", b"content")
    s3.put_all([("c", b"content")])
    assert sent == [False, False, False]
    (tmp_path / "d").write_bytes(b"content")
    with (tmp_path / "d").open("rb") as large:  # of what may be, it is worth asking
        s3.put("d", large)
    assert sent[-1]


def test_ops_6_a_server_that_accepts_and_never_answers_is_told_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        instruments.at_port(monkeypatch, silent.getsockname()[1])
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
        monkeypatch.setattr("infra.store.s3.ANSWER_SECONDS", 1)
        with pytest.raises(StoreError, match="cannot write"):
            open_store("s3://silent").put("a", b"content")
        with pytest.raises(StoreError, match="cannot"):
            open_store("s3://silent", hurry=1).proof("probes/a")


def test_ops_6_a_server_has_a_minute_and_a_half_to_answer_and_seconds_when_health_asks(s3: S3Store) -> None:
    hurried = open_store(f"s3://{BUCKET}", hurry=5)
    assert isinstance(hurried, S3Store)
    said: list[Any] = [store.client.meta.config for store in (s3, hurried)]
    assert [(one.connect_timeout, one.read_timeout) for one in said] == [(5, 20), (5, 5)]


def test_markers_and_strange_objects(s3: S3Store) -> None:
    for key, content in (("", b""), ("in/", b""), ("in/a", b"a"), ("in/b/", b"b"), ("in//c", b"c"), ("in/../d", b"d")):
        s3.client.put_object(Bucket=BUCKET, Key=s3.base + key, Body=content)
    assert [(found.key, found.kind) for found in s3.list("")] == [
        ("in/", "folder"),
        ("in/../d", "other"),
        ("in//c", "other"),
        ("in/a", "file"),
        ("in/b/", "other"),
    ]
    s3.move("in/", "out/")
    assert s3.remove(only(s3, "out/"))


def test_prefixes_keep_stores_apart(s3: S3Store) -> None:
    beside = S3Store(BUCKET, s3.base.rstrip("/") + "0")
    s3.put("a", b"")
    beside.put("b", b"")
    assert (keys(s3), keys(beside)) == (["a"], ["b"])
    assert f"{s3.base}a" in keys(S3Store(BUCKET))


def test_names_that_s3_cannot_hold(s3: S3Store) -> None:
    with pytest.raises(BadKey, match="UTF-8"):
        s3.put("inbox/12345/\udcff", b"")


def test_what_the_operator_reads(s3_server: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = open_store("s3://no-such-bucket")
    for call in (lambda: keys(nowhere), lambda: nowhere.get("a"), lambda: nowhere.put("a", b"")):
        with pytest.raises(StoreError, match=r"s3://no-such-bucket/: cannot .*bucket does not exist"):
            call()
    with pytest.raises(StoreError, match="names no bucket"):
        open_store("s3://")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed.getsockname()[1]}")
        with pytest.raises(StoreError, match="cannot read 'a': Could not connect to the endpoint URL"):
            open_store("s3://desk").get("a")


def test_an_answer_that_breaks_off_is_an_error(s3_server: S3Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()

        def serve() -> None:
            caller, _ = server.accept()
            with caller:
                caller.recv(65536)
                caller.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")

        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(StoreError, match="cannot read 'a'"):
            open_store("s3://desk").get("a")


# --- Locks -----------------------------------------------------------------------------------------------------------


def test_ops_9_what_s3_locks_is_locked_until_then(s3_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    instruments.at_port(monkeypatch, s3_port)
    store = open_store("s3://locks/resultsday")
    assert isinstance(store, S3Store)
    store.client.create_bucket(Bucket="locks", ObjectLockEnabledForBucket=True)
    now = datetime.now(UTC)
    for key in ("free", "retained", "held"):
        store.put(key, b"x")
    until = {"Mode": "GOVERNANCE", "RetainUntilDate": now + timedelta(days=30)}
    store.client.put_object_retention(Bucket="locks", Key="resultsday/retained", Retention=until)  # type: ignore[arg-type]
    store.client.put_object_legal_hold(Bucket="locks", Key="resultsday/held", LegalHold={"Status": "ON"})
    when = (now, now + timedelta(days=31))
    assert {key: [store.locked(key, at) for at in when] for key in ("free", "retained", "held", "none")} == {
        "free": [False, False], "retained": [True, False], "held": [True, True], "none": [False, False],
    }  # fmt: skip


def test_ops_9_a_folder_locks_nothing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    store.put("archive/a", b"")
    assert not store.locked("archive/a", datetime.now(UTC))
