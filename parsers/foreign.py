"""What a file is when it is not one of ours, told from its bytes: in words, for the sender."""

from __future__ import annotations

import codecs

_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32 text"),
    (codecs.BOM_UTF32_BE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
)
_MAGIC = (
    (b"%pdf", "a PDF document"),
    (b"pk\x03\x04", "a zip archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a compressed (gzip) file"),
    (b"mz\x90", "a program"),
    (b"<?xml", "an XML file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"{", "a JSON file"),
)
_MOST_LINES = 1_000_000
_SHORTEST = 12
"""No file of records or rows has shorter lines than this on average."""


def wide(data: bytes) -> str | None:
    """The encoding of text in which every character takes two bytes or more, by the mark it begins with; None for any
    other."""
    return next((encoding for mark, encoding in _WIDE if data.startswith(mark)), None)


def foreign(data: bytes) -> str | None:
    """Which well-known kind of file `data` begins like; None for any other."""
    start = data[:32].lower()
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


def hollow(data: bytes) -> bool:
    """Whether `data` has so many line ends that there is hardly anything between them."""
    return max(data.count(b"\n"), data.count(b"\r")) > max(_MOST_LINES, len(data) // _SHORTEST)
