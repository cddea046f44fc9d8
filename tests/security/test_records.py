"""FIL-7: NULs and control characters in every field of every record of a common-format file are findings, never an
exception of the database; the files are made from the layouts, so a field that is added is attacked too."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest

from fixtures.generate import people
from infra.store import FolderStore
from parsers.layouts import CANDIDATE, CENTRE_HEADER, CENTRE_TRAILER, FILE_HEADER, FILE_TRAILER, MARK, Layout
from parsers.writer import block, record, single
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from tests.security.hostile import NOW
from tests.support import centre_file

BEYOND = 400
"""So many records stand before the first NUL: at the beginning of a file one makes it no text at all."""


def marks_file(centre: str, count: int) -> bytes:
    """A file of marks of `count` learners."""
    records = [
        record(
            MARK,
            {"data_type": "M", "record_type": "5", "centre": centre, "candidate": one["candidate"], "uci": one["uci"],
             "component": "BEN01", "mark": "30"},
        )
        for one in people(centre, count, seed=1)
    ]  # fmt: skip
    return single("M", centre, block(records), awarding_body="15", series_key="6B24", sequence=1, produced="150224")


def in_a_line(data: bytes, line: int, layout: Layout, number: int, character: str) -> bytes:
    """The file with a character in the first column of a field of one line."""
    lines = data.decode("ascii").split("\r\n")
    column = layout.fields[number].first
    lines[line] = lines[line][: column - 1] + character + lines[line][column:]
    return "\r\n".join(lines).encode()


def envelopes(centre: int) -> Iterator[tuple[str, bytes]]:
    """Files of one record, each with a control character in another field of its headers and trailers."""
    for line, layout in enumerate((FILE_HEADER, CENTRE_HEADER, None, CENTRE_TRAILER, FILE_TRAILER)):
        for number in range(len(layout.fields) if layout else 0):
            centre += 1
            assert layout
            data = centre_file(("BEN01",), centre=str(centre), count=1)
            yield str(centre), in_a_line(data, line, layout, number, "\x1b")


def details(letter: str, layout: Layout, centre: str, character: str) -> bytes:
    """A file with the character in each field of a detail record of its own, beyond the first 64 KiB."""
    count = BEYOND + len(layout.fields)
    data = marks_file(centre, 3 * count) if letter == "M" else centre_file(("BEN01",), centre=centre, count=count)
    last = len(data.split(b"\r\n")) - 4 - len(layout.fields)
    for number in range(len(layout.fields)):
        data = in_a_line(data, last + number, layout, number, character)
    return data


@pytest.mark.parametrize("character", ["\0", "\x1b", "\x7f"], ids=repr)
def test_fil_7_a_control_character_in_any_field_is_a_finding(work: Desk, character: str) -> None:
    assert isinstance(work.store, FolderStore)
    files = {("E", "30001"): details("E", CANDIDATE, "30001", character)}
    files |= {("M", "30002"): details("M", MARK, "30002", character)}
    files |= {("E", centre): data for centre, data in envelopes(31000)} if character == "\x1b" else {}
    for (letter, centre), data in files.items():
        path = work.store.root / f"inbox/{centre}/{letter}{centre}15.X01"
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    summary = ingest(work, NOW)
    assert summary.outcomes.total() == len(files)
    assert "FILE_FAILED" not in summary.codes
    for letter, centre in files:
        [key] = [one.key for one in work.store.list(f"outbox/{centre}/") if one.key.endswith(".json")]
        codes = {one["code"] for one in json.loads(work.store.get(key))["findings"]}
        assert "CONTROL_CHARACTER" in codes or codes & {"FILE_NOT_EDI", "FILE_TYPE"}, (letter, centre, codes)
