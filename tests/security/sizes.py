"""Reads the hostile sizes in a process of its own, to which the tests give little memory: prints what the desk would
say of each, and the seconds and MiB it took. `python -m tests.security.sizes [NAME...]`."""

from __future__ import annotations

import io
import struct
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from zlib import crc32

from bench.measure import memory
from pipeline.files.check import check_file
from tests.catalogue import CATALOGUE
from tests.support import centre_file

MIB = 1024 * 1024
MOST = 64 * MIB
"""What the desk reads of a file at the most (`RESULTSDAY_MAX_FILE_BYTES`)."""

NAME = "E6412315.X01"
BUNDLE = "Z6B24_15.zip"
MEMBER = "S6B24_15.X01"


def _zip(members: Iterator[tuple[str, bytes]]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return target.getvalue()


def _nested() -> bytes:
    data = b"\0" * (16 * MIB)
    for _ in range(8):
        data = _zip(iter([(MEMBER, data)]))
    return data


def _lying(size: int) -> bytes:
    """A member of 64 MiB whose entries in local header and directory say `size`."""
    plain = _zip(iter([(MEMBER, b"S" * MOST)]))
    said, told = struct.pack("<L", MOST), struct.pack("<L", size)
    assert plain.count(said) == 2
    return plain.replace(said, told)


def _overlapping(count: int) -> bytes:
    """A directory that names one and the same member again and again."""
    data = _zip(iter([(MEMBER, b"S" * (4 * MIB))]))
    at = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    directory = data[at:end] * count
    closing = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
    return data[:at] + directory + closing


def _encrypted_or_odd(method: int) -> bytes:
    """A member packed by a method whose dictionary could be gigabytes."""
    content = b"S1"
    name = MEMBER.encode()
    local = struct.pack(
        "<4s5H3L2H", b"PK\x03\x04", 20, 0, method, 0, 0, crc32(content), len(content), MOST, len(name), 0
    )
    central = struct.pack(
        "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, method, 0, 0, crc32(content), len(content), MOST, len(name), 0, 0,
        0, 0, 0, 0,
    )  # fmt: skip
    start = local + name + content
    entry = central + name
    return start + entry + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(start), 0)


def _counted(digits: str) -> bytes:
    """A whole file whose trailers count to `digits`."""
    lines = centre_file().split(b"\r\n")
    for at, first, last in ((-3, 8, 14), (-2, 8, 14)):
        lines[at] = lines[at][:first] + digits.encode()[: last - first].ljust(last - first) + lines[at][last:]
    return b"\r\n".join(lines)


SIZES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "nothing": (NAME, centre_file),
    "one line": (NAME, lambda: b"E1" + b"A" * (MOST - 2)),
    "one line of spaces": (NAME, lambda: b"E1" + b" " * (MOST - 4) + b"\r\n"),
    "one line of accents": (NAME, lambda: b"E1" + "é".encode() * (MOST // 2 - 1)),
    "a million empty lines": (NAME, lambda: b"E1\r\n" + b"\r\n" * 1_000_000),
    "empty lines to the limit": (NAME, lambda: b"\n" * MOST),
    "records of two letters": (NAME, lambda: b"E1\r\n" + b"E5\r\n" * (4 * MIB)),
    "records of twelve letters": (NAME, lambda: b"E1\r\n" + b"E5ABCDEFGHIJ\r\n" * (MIB // 8)),
    "headers without end": (NAME, lambda: (centre_file().split(b"\r\n")[0] + b"\r\n") * 20_000),
    "control characters": (NAME, lambda: centre_file()[:200] + b"\x1b" * (4 * MIB)),
    "trailers that count to the stars": (NAME, lambda: _counted("9" * 8)),
    "zeros": (NAME, lambda: b"\0" * MOST),
    "nested bundle": (BUNDLE, _nested),
    "bundle of a high ratio": (BUNDLE, lambda: _zip((f"{letter}6B24_15.X01", b"S" * (100 * MIB)) for letter in "SOC")),
    "bundle of many members": (BUNDLE, lambda: _zip((f"S6B24_15.X{n % 100:02d}", b"S1") for n in range(20_000))),
    "bundle that lies small": (BUNDLE, lambda: _lying(2)),
    "bundle that lies large": (BUNDLE, lambda: _lying(0xFFFFFFF0)),
    "bundle of overlapping members": (BUNDLE, lambda: _overlapping(30_000)),
    "bundle of a few overlapping members": (BUNDLE, lambda: _overlapping(32)),
    "bundle packed by LZMA": (BUNDLE, lambda: _encrypted_or_odd(zipfile.ZIP_LZMA)),
    "bundle packed by a method of no name": (BUNDLE, lambda: _encrypted_or_odd(97)),
}


def main(names: list[str]) -> None:
    catalogue = CATALOGUE
    for name in names:
        named, make = SIZES[name]
        data = make()
        began = time.process_time()
        checked = check_file(named, data, catalogue, datetime(2024, 2, 15, 12, tzinfo=UTC))
        codes = sorted({finding.code for each in checked for finding in each.findings})
        took, most = time.process_time() - began, memory("VmHWM") // MIB
        print(f"{name}|{len(data)}|{took:.2f}|{most}|{len(checked)}|{','.join(codes)}")


if __name__ == "__main__":
    main(sys.argv[1:] or list(SIZES))
