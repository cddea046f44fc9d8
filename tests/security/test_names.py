"""Names and things in the inbox: whatever a sender calls it or makes of it, it gets its one reply and leads nowhere."""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve
from click.testing import CliRunner

from infra.store import FolderStore, S3Store, Stored
from pipeline.cli import main
from pipeline.desk import Desk
from pipeline.files.check import Exit
from pipeline.intake.ingest import ingest
from tests.security import hostile
from tests.security.conftest import Recorder, Taken

REPLY = re.compile(r"X[0-9]{5}[0-9]{2}\.X[0-9]{2}(\.json)?")
LISTS = ("index.csv", "index.html", "entries.csv", "entries.html")
NAMED = [*hostile.NAMED, *hostile.NESTED, *hostile.ILL_FORMED, *hostile.HOMELESS]
THINGS = [thing for thing in hostile.things() if thing.name != b"hard"]


def keys(taken: Taken, place: str) -> list[str]:
    return [stored.key.removeprefix(place) for stored in taken.desk.store.list(place)]


def test_whatever_lands_gets_exactly_one_reply_to_whom_it_belongs(taken: Taken) -> None:
    answered = Counter(
        (str(key), str(centre))
        for key, centre in taken.rows(
            "SELECT landing_key, centre FROM submissions JOIN replies ON submission_id = submissions.id WHERE published"
        )
    )
    assert answered == Counter((case.key, case.answered) for case in hostile.every_case())
    assert taken.rows("SELECT count(*) FROM submissions WHERE outcome IS NULL") == [(0,)]


def test_the_inbox_is_empty_but_for_hidden_files_and_the_folder_that_is_a_link(taken: Taken) -> None:
    left = [key for key in keys(taken, "inbox/") if not key.endswith("/")]
    assert left == [os.fsdecode(f"{hostile.NAMES}/".encode() + hostile.HIDDEN.name), "20009"]
    assert not [stored for stored in taken.desk.store.list("feeds/") if stored.kind != "folder"]


def test_the_outbox_holds_replies_under_their_own_names_and_nothing_a_sender_named(taken: Taken) -> None:
    for key in keys(taken, "outbox/"):
        centre, _, name = key.partition("/")
        assert name in LISTS or (REPLY.fullmatch(name) and name[1:6] == centre), key
    assert keys(taken, "embargo/") == []


def test_the_archive_knows_files_by_their_content_only(taken: Taken) -> None:
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in keys(taken, "archive/"))


def test_names_in_quarantine_are_harmless_and_of_bounded_length(taken: Taken) -> None:
    held = keys(taken, "quarantine/")
    assert len(held) > 20
    for key in held:
        centre, _, rest = key.partition("/")
        reply, _, name = rest.partition(" ")
        assert re.fullmatch("[0-9]{5}", centre), key
        assert REPLY.fullmatch(reply), key
        assert re.fullmatch(r"[A-Za-z0-9._() -]{0,100}", name), key


def test_nothing_lies_in_the_state_folder_but_the_store_and_what_was_there(taken: Taken) -> None:
    assert sorted(path.name for path in taken.root.parent.iterdir()) == ["catalogue-copies", "outside", "store"]
    places = {".tmp", "archive", "feeds", "inbox", "outbox", "probes", "quarantine"}
    assert {path.name for path in taken.root.iterdir()} == places
    assert list((taken.root / ".tmp").iterdir()) == []
    assert [(path.name, path.read_bytes()) for path in taken.outside.iterdir()] == [("secret.txt", hostile.SECRET)]


@pytest.mark.parametrize("case", NAMED, ids=lambda case: ascii(case.key))
def test_a_name_is_text_in_the_reply_and_no_more(taken: Taken, case: hostile.Case) -> None:
    reply = taken.reply(case)
    assert reply["outcome"] == "refused"
    assert taken.codes(case) & {"FILE_NAME", "NAME_HEADER", "FILE_IN_FOLDER", "OTHER_CENTRE"}
    assert reply["file"].isprintable()


def test_a_look_alike_is_not_taken_for_the_name_it_resembles(taken: Taken) -> None:
    for case in hostile.NAMED:
        if not case.name.strip().isascii():
            assert "FILE_NAME" in taken.codes(case), case.name


@pytest.mark.parametrize("case", THINGS, ids=lambda case: case.name.decode())
def test_links_pipes_sockets_and_devices_are_told_of_and_never_opened(taken: Taken, case: hostile.Case) -> None:
    assert taken.codes(case) == {"NOT_A_FILE"}
    assert taken.reply(case)["sha256"] == ""


def test_they_are_set_aside_as_what_they_are(taken: Taken) -> None:
    kinds = Counter(
        stat.S_IFMT(path.lstat().st_mode) for path in (taken.root / "quarantine" / hostile.THINGS).iterdir()
    )
    assert kinds[stat.S_IFLNK] == 6
    assert kinds[stat.S_IFIFO] == kinds[stat.S_IFSOCK] == 1
    assert kinds[stat.S_IFREG] == 0


def test_what_lies_behind_a_link_is_in_no_archive_and_no_reply(taken: Taken) -> None:
    hard = next(thing for thing in hostile.things() if thing.name == b"hard")
    sha256 = taken.reply(hard)["sha256"]
    holding = [
        stored.key
        for place in ("archive/", "outbox/", "quarantine/")
        for stored in taken.desk.store.list(place)
        if stored.kind == "file" and hostile.SECRET in taken.desk.store.get(stored.key)
    ]
    assert holding == [f"archive/{sha256}"], "a hard link is a file like any other; links are not"


def test_a_hard_link_is_copied_and_its_other_name_is_left_alone(taken: Taken) -> None:
    hard = next(thing for thing in hostile.things() if thing.name == b"hard")
    other, copy = taken.outside / "secret.txt", taken.root / "archive" / taken.reply(hard)["sha256"]
    assert other.stat().st_nlink == copy.stat().st_nlink == 1
    assert other.stat().st_ino != copy.stat().st_ino


def test_a_centre_folder_that_is_a_link_is_not_walked(taken: Taken) -> None:
    assert taken.rows("SELECT count(*) FROM submissions WHERE landing_key LIKE 'inbox/20009%'") == [(0,)]
    assert (taken.root / "inbox" / "20009").is_symlink()


class Exchanged(FolderStore):
    """The real store; between the listing and the first look into it, somebody exchanges a file, and a folder."""

    def settled(self, stored: Stored, now: datetime, seconds: int) -> bool:
        inbox = self.root / "inbox"
        for path, to in ((inbox / "64123" / "E6412315.X01", "file.txt"), (inbox / "58201", "folder")):
            if not path.is_symlink():
                path.rename(self.root.parent / f"away-{path.name}")
                path.symlink_to(self.root.parent / "outside" / to)
        return True


def test_what_is_exchanged_for_a_link_after_the_listing_is_not_followed(work: Desk) -> None:
    assert isinstance(work.store, FolderStore)
    store = Exchanged(work.store.root)
    outside = store.root.parent / "outside"
    (outside / "folder").mkdir(parents=True)
    for path in (outside / "file.txt", outside / "folder" / "E5820115.X01"):
        path.write_bytes(hostile.SECRET)
    for case in (hostile.SPEAKING["their UCIs"], hostile.THEIR_FILES[0]):
        hostile.land(store.root, evolve(case, name=f"E{case.centre}15.X01".encode()))
    assert ingest(evolve(work, store=store), hostile.NOW).received == 0
    later = hostile.NOW + timedelta(minutes=5)
    assert ingest(work, later).outcomes == {"refused": 1}
    held = [stored for place in ("archive/", "outbox/") for stored in work.store.list(place)]
    assert not [stored.key for stored in held if hostile.SECRET in work.store.get(stored.key)]
    assert (outside / "file.txt").read_bytes() == hostile.SECRET


BAD = ("64123/../58201/E5820115.X01", "../outbox/64123/X6412315.X01", "/etc/passwd", "64123//E6412315.X01", "64123/./x")
GOOD = ("64123/\x1b[31m.X01", "64123/" + "x" * 900, "64123/" + "/".join("d" * 80), "64123/.tmp/x.X01", "64123/..x\\y")


def test_on_s3_a_key_that_leads_elsewhere_stops_no_run_and_is_left_for_a_person(
    work: Desk, bucket: S3Store, recorded: Recorder
) -> None:
    desk = evolve(work, store=bucket)
    for name in (*BAD, *GOOD):
        bucket.client.put_object(Bucket=bucket.bucket, Key=f"{bucket.base}inbox/{name}", Body=b"E1")
    bucket.put("inbox/64123/E6412315.X01", hostile.SPEAKING["their UCIs"].data)
    now = datetime.now(UTC) + timedelta(seconds=5)
    summary = ingest(desk, now)
    assert summary.received == len(GOOD)  # all but the hidden one, and the one with an honest name
    assert f" {len(BAD)} could not be taken: see the log." in summary.note()
    left = {stored.key.removeprefix("inbox/") for stored in bucket.list("inbox/")}
    assert left == {*BAD, "64123/..x\\y"}
    assert recorded.text.count("cannot be taken") == len(BAD)
    out = [stored.key for stored in bucket.list("outbox/64123/") if "/index." not in stored.key]
    assert len(out) == 2 * len(GOOD)
    assert all(REPLY.fullmatch(key.removeprefix("outbox/64123/")) for key in out)
    assert ingest(desk, now + timedelta(minutes=5)).received == 0


def _bundle() -> bytes:
    """A bundle whose members want to be written elsewhere, or are links."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in (
            "../../S6B24_15.X01",
            "/etc/S6B24_15.X01",
            "C:\\O6B24_15.X01",
            "\x1b[2J.X01",
            "a\0b",
            "x" * 60_000,
        ):
            archive.writestr(zipfile.ZipInfo(name), hostile.SECRET)
        link = zipfile.ZipInfo("C6B24_15.X01")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    return target.getvalue()


def test_members_of_a_bundle_are_read_in_memory_whatever_they_are_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    (tmp_path / "in" / "Z6B24_15.zip").write_bytes(_bundle())
    for command in (["check"], ["check", "--json"], ["describe"]):
        done = CliRunner().invoke(main, [*command, "Z6B24_15.zip"], color=True)
        assert done.exit_code in (Exit.CLEAN, Exit.FILE), done.output
        assert "root:" not in done.output
        assert "\x1b" not in done.output
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "Z6B24_15.zip"]


def test_a_bundle_in_the_inbox_is_not_opened_at_all(work: Desk) -> None:
    hostile.land(work.settings.state / "store", hostile.Case(hostile.OURS, b"Z6B24_15.zip", _bundle()))
    assert ingest(work, hostile.NOW).codes == {"FILE_NOT_EDI": 1}
