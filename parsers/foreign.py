"""What a file is when it is not one of ours, told from its bytes: in words, for the sender."""

from __future__ import annotations

import base64
import binascii
import codecs
import io
import quopri
import re
import struct
import zipfile

from .identifiers import filename

_WIDE = (
    (codecs.BOM_UTF32_LE, "UTF-32 text"),
    (codecs.BOM_UTF32_BE, "UTF-32 text"),
    (codecs.BOM_UTF16_LE, "UTF-16 text"),
    (codecs.BOM_UTF16_BE, "UTF-16 text"),
)
_MAGIC = (
    (b"%pdf", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x89png", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\x1f\x8b", "a compressed (gzip) file"),
    (b"mz\x90", "a program"),
    (b"<?xml", "an XML file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<table", "a web page"),
    (b"<meta", "a web page"),
    (b"<head", "a web page"),
    (b"<!--", "a web page"),
    (b"mime-version:", "a web page or an e-mail saved as one file"),
    (b"received:", "an e-mail"),
    (b"{\\rtf", "a rich-text document"),
    (b"{", "a JSON file"),
    (b"7z\xbc\xaf", "a compressed (7z) file"),
    (b"rar!", "a compressed (rar) file"),
    (b"bzh", "a compressed (bzip2) file"),
    (b"\xfd7zxz", "a compressed (xz) file"),
    (b"pk\x05\x06", "a zip archive with nothing in it"),
    (b"-----begin pgp", "an encrypted message (PGP)"),
    (b"begin 644 ", "an attachment as old mail programs code it (uuencode)"),
    (b"begin 666 ", "an attachment as old mail programs code it (uuencode)"),
    (b"sqlite format 3", "a database"),
)
_INSIDE = ((b"xl/", "an Excel workbook"), (b"word/", "a Word document"), (b"content.xml", "an office document"))
"""Names in an archive, and what archive has them."""
_REPLY = re.compile(rb'(?:reply|trial) x[0-9]{7}\.x[0-9]{2}|\{\s*"name": "x[0-9]{7}\.x')
"""How a reply begins, and its JSON twin."""
_MAINFRAME = range(0xC1, 0xEA)
"""Capital letters in EBCDIC, in which the digit 1 is 0xF1."""
_MOST_LINES = 1_000_000
_SHORTEST = 12
"""No file of records or rows has shorter lines than this on average."""


def wide(data: bytes) -> str | None:
    """The encoding of text in which every character takes two bytes or more, by the mark it begins with or by a NUL
    beside every character; None for any other."""
    marked = next((encoding for mark, encoding in _WIDE if data.startswith(mark)), None)
    return marked or ("UTF-16 text" if _alternating(data[:400]) else None)


def narrow(data: bytes) -> bytes:
    """Text in UTF-16 or UTF-32 as UTF-8; what it is not comes back as it is."""
    encoding = (wide(data) or "").removesuffix(" text")
    if encoding and not data.startswith(tuple(mark for mark, _ in _WIDE)):
        encoding += "-LE" if data[1:2] == b"\0" else "-BE"
    try:
        return data.decode(encoding).encode() if encoding else data
    except UnicodeError:
        return data


def _alternating(start: bytes) -> bool:
    halves = (start[::2], start[1::2])
    return len(start) > 8 and any(
        not one.strip(b"\0") and 0 not in other[: len(one)] for one, other in (halves, halves[::-1])
    )


def foreign(data: bytes) -> str | None:
    """Which well-known kind of file `data` begins like; None for any other."""
    start = data[:256].removeprefix(codecs.BOM_UTF8).lstrip(b" \t\r\n")[:32].lower()
    if start.startswith(b"pk\x03\x04"):
        # An archive names its members at its beginning or its end.
        names = data[:4096] + data[-4096:]
        return next((kind for name, kind in _INSIDE if name in names), "a zip archive or an office document")
    if len(start) > 1 and start[1] == 0xF1 and data[0] in _MAINFRAME:
        return "text in EBCDIC, the character set of mainframes"
    return next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)


def replied(data: bytes) -> bool:
    """Whether this is a reply of the desk's, or its JSON twin."""
    return _REPLY.match(data[:256].lstrip().lower()) is not None


def mail_coded(data: bytes) -> tuple[str, bytes] | None:
    """How a mail program has coded text on its way, and the bytes that were sent; None for any other text."""
    start = data[:4096].lstrip()
    lines = start.splitlines()[:20]
    if _BASE64.fullmatch(start[:4096].replace(b"\r", b"").replace(b"\n", b"")):
        try:
            sent = base64.b64decode(data, validate=False)
        except binascii.Error:
            return None
        return ("base64", sent) if _RECORDS.match(sent) else None
    soft = sum(line.endswith(b"=") for line in lines)
    if soft * 3 >= len(lines) > 0 and _RECORDS.match(start):
        return "quoted-printable", quopri.decodestring(data)
    return None


_BASE64 = re.compile(rb"[A-Za-z0-9+/]{60,}={0,2}")
_RECORDS = re.compile(rb"(?:\xef\xbb\xbf)?[A-Za-z]1[0-9A-Za-z]{3}")


def packed(data: bytes) -> tuple[str, int] | None:
    """The first file of a centre in a zip archive, and how many files that holds; None for any other archive."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info.filename for info in archive.infolist() if not info.is_dir()]
    # What a damaged or hostile archive makes zipfile raise.
    except (zipfile.BadZipFile, struct.error, NotImplementedError, RuntimeError, OSError, ValueError, EOFError,
            IndexError):  # fmt: skip
        return None
    plain = [member.replace("\\", "/").rpartition("/")[2] for member in members]
    named = [str(name) for name in map(filename.original, plain) if name and name.letter in filename.CENTRE_FILES]
    # What is packed twice is unpacked twice.
    named += [member for member in plain if member.lower().endswith(".zip") and not filename.original(member)]
    return (named[0], len(members)) if named else None


_ROWS = 20
_MAIL = re.compile(rb"(?:from|to|subject|date|return-path|delivered-to|message-id|x-[a-z-]+): ", re.IGNORECASE)


def unrecorded(data: bytes) -> str:
    """A text in which there is no record, in words."""
    if _MAIL.match(data):
        return "an e-mail"
    lines = [line for line in data[:65536].splitlines() if line.strip()][:_ROWS]
    for mark, name in ((b",", "commas"), (b";", "semicolons"), (b"\t", "tabs")):
        if len(lines) > 1 and all(line.count(mark) > 1 for line in lines):
            return f"a table whose columns are separated by {name}"
    return "a text without a single record"


def hole(data: bytes) -> int:
    """How many bytes in a text of records are zero because they did not arrive; 0 where there is no such hole."""
    kept = data.rstrip(b"\0\x1a \t\r\n")
    return kept.count(0) if _HOLE.search(kept) and _RECORD.search(kept) else 0


_HOLE = re.compile(rb"\0{16}")
_RECORD = re.compile(rb"[\r\n][A-Za-z][13579][0-9A-Za-z]{4}[ -~]{12}")


def hollow(data: bytes) -> bool:
    """Whether `data` has so many line ends that there is hardly anything between them."""
    return max(data.count(b"\n"), data.count(b"\r")) > max(_MOST_LINES, len(data) // _SHORTEST)
