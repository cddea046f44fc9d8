"""Bundles of basedata: whole sets are read in loading order, damaged and hostile archives are named (FIL-2)."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parsers import bundle, writer
from parsers.bundle import read_bundle, write_bundle
from parsers.envelope import Centre, Header
from parsers.layouts import FILE_TYPES
from tests.support import codes, only

KEY = "6B24_"
NAME = "Z6B24_15.zip"
DETAILS = {
    "S": {"syllabus": "BEN22", "title": "Tech Award in Enterprise"},
    "O": {"option": "BEN01", "syllabus": "BEN22", "item": "U", "process": "E", "title": "Component 1",
          "fee_defined": "N", "result_type": "U", "components": "1"},
    "C": {"component": "BEN01", "title": "Component 1", "teacher_marks": "Y", "timetabled": "N", "session": "X",
          "minutes": "0"},
    "L": {"option": "BEN01", "component": "BEN01"},
    "D": {"option": "BEN*", "other": "BEQ*"},
}  # fmt: skip


def basedata(letter: str, key: str = KEY) -> tuple[str, bytes]:
    """Name and bytes of a basedata file of one record."""
    layout = FILE_TYPES[letter].detail
    assert layout
    record = writer.record(layout, {"data_type": letter, "record_type": "5", **DETAILS[letter]})
    header = Header(letter=letter, centre=key, awarding_body="15", series=key[:2], year=key[2:4], distribution="B")
    part = Centre(number=key, sequence=1, produced="011123", details=writer.block([record]))
    return f"{letter}{key}15.X01", writer.file(header, [part])


SET = [basedata(letter) for letter in "LOCSD"]


def archive(members: list[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as zipped:
        for name, data in members:
            zipped.writestr(name, data)
    return target.getvalue()


def test_fil_2_a_whole_set_is_read_in_the_order_in_which_it_is_loaded() -> None:
    held = read_bundle(NAME, write_bundle(SET))
    assert held.findings == ()
    assert held.readable
    assert [member.named for member in held.members] == [f"{letter}{KEY}15.X01" for letter in "SOCLD"]
    assert all(member.findings == () for member in held.members)


def test_the_same_members_give_the_same_bytes() -> None:
    assert write_bundle(SET) == write_bundle(SET[::-1])


def test_what_is_written_is_read() -> None:
    held = read_bundle(NAME, write_bundle(SET))
    again = [(member.named, writer.file(member.header, member.centres)) for member in held.members if member.header]
    assert sorted(again) == sorted(SET)


def test_only_basedata_goes_into_a_bundle() -> None:
    with pytest.raises(ValueError, match="not the name of a basedata file"):
        write_bundle([("E6412315.X01", b"")])


def test_the_list_of_disallowed_combinations_may_be_missing() -> None:
    assert read_bundle(NAME, write_bundle([member for member in SET if member[0][0] != "D"])).findings == ()


@pytest.mark.parametrize(
    ("named", "data", "code", "value"),
    [
        (NAME, archive([member for member in SET if member[0][0] != "O"]), "BUNDLE_MEMBER_MISSING", "O"),
        (NAME, archive([*SET, (f"S{KEY}15.X02", SET[3][1])]), "BUNDLE_MEMBER_TWICE", "S"),
        (NAME, archive([*SET[:-1], basedata("D", "1B24_")]), "BUNDLE_KEYS_DIFFER", "D1B24_15.X01"),
        (NAME, archive([*SET, ("readme.txt", b"hello")]), "BUNDLE_STRANGER", "readme.txt"),
        (NAME, archive(SET)[:-30], "BUNDLE_BROKEN", "BadZipFile"),
        (NAME, b"PK\x03\x04", "BUNDLE_BROKEN", "BadZipFile"),
        ("basedata.zip", archive(SET), "BUNDLE_NAME", "basedata.zip"),
        ("Z6B24_15 (1).zip", archive(SET), "FILE_RENAMED", "Z6B24_15 (1).zip"),
        (NAME, archive([(f"{n}.txt", b"") for n in range(bundle.MOST_MEMBERS + 1)]), "BUNDLE_TOO_LARGE", "33"),
    ],
)
def test_what_is_wrong_with_a_bundle_is_named(named: str, data: bytes, code: str, value: str) -> None:
    held = read_bundle(named, data)
    assert codes(held.findings) == [code]
    assert only(held.findings, code).value == value
    assert held.readable == (code in ("BUNDLE_STRANGER", "BUNDLE_NAME", "FILE_RENAMED"))


def test_a_zip_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 1_000_000)
    data = archive([(SET[0][0], bytes(2_000_000))])
    assert len(data) < 10_000
    assert codes(read_bundle(NAME, data).findings) == ["BUNDLE_TOO_LARGE"]


def test_an_archive_that_lies_about_a_size_is_broken() -> None:
    data = bytearray(archive([(SET[0][0], bytes(100_000))]))
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
    assert "BUNDLE_BROKEN" in codes(read_bundle(NAME, bytes(data)).findings)


def test_members_in_folders_are_read_and_paths_mean_nothing() -> None:
    held = read_bundle(NAME, archive([(f"../../{name}", data) for name, data in SET]))
    assert held.findings == ()


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_no_bytes_make_it_raise(data: st.DataObject) -> None:
    whole = bytearray(archive(SET))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(whole)))
    held = read_bundle(NAME, bytes(whole[:end]))
    assert all(finding.message.isprintable() for finding in held.findings)
