"""Basedata bundles: a zip of the files of one series, syllabuses to links, under a name that begins with Z (formats
reference, sections 1.1 and 5)."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from attrs import frozen

from . import findings as f
from .findings import Finding, Found
from .identifiers import filename
from .identifiers.filename import FileName
from .layouts import BASEDATA
from .reader import Submission, read

REQUIRED = BASEDATA[:-1]
"""Every set has these; the list of disallowed combinations (`D`) may be missing."""

MOST_MEMBERS = 32
MOST_BYTES = 256 * 1024 * 1024
"""More than this is no basedata of any series, however well it is compressed."""


@frozen(kw_only=True)
class Bundle:
    """A bundle as read. `members` are its basedata files in the order in which they are loaded (S, O, C, L, D), each
    with findings of its own; `findings` are about the bundle."""

    named: str
    name: FileName | None
    members: tuple[Submission, ...]
    findings: tuple[Finding, ...]

    @property
    def readable(self) -> bool:
        """Whether the set is whole and every file of it can be trusted."""
        stops = any(finding.reach is f.Reach.FILE for finding in self.findings)
        return not stops and all(member.readable for member in self.members)


def is_bundle(data: bytes) -> bool:
    """Whether these bytes are a zip archive."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_bundle(named: str, data: bytes) -> Bundle:
    """The bundle in `data`, which arrived under the file name `named`. Never raises; what is wrong is in `findings`."""
    exact = filename.parse(named)
    name = exact or filename.original(named)
    found = Found([named])
    if name is None or name.letter != filename.BUNDLE:
        found.add(f.BUNDLE_NAME, value=named)
        name = None
    elif not exact:
        found.add(f.FILE_RENAMED, value=named, original=str(name))
    members = sorted(_members(data, found), key=lambda member: BASEDATA.index(member.name.letter))  # type: ignore[union-attr]
    _check_set(name, members, found)
    return Bundle(named=named, name=name, members=tuple(members), findings=found.of(0))


def _members(data: bytes, found: Found) -> Iterator[Submission]:
    """The basedata files of the archive; anything else in it is reported and ignored."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            size = sum(info.file_size for info in infos)
            if len(infos) > MOST_MEMBERS or size > MOST_BYTES:
                count = str(len(infos))
                found.add(f.BUNDLE_TOO_LARGE, value=count, size=size, members=MOST_MEMBERS, limit=MOST_BYTES)
                return
            for info in infos:
                # Folders in the archive mean nothing: a member is never written anywhere under its own name.
                plain = info.filename.replace("\\", "/").rpartition("/")[2]
                name = filename.parse(plain)
                if name is None or name.letter not in BASEDATA:
                    found.add(f.BUNDLE_STRANGER, value=info.filename)
                    continue
                yield read(plain, _content(archive, info))
    # What a damaged or hostile archive makes zipfile raise.
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, OSError, ValueError,
            EOFError, IndexError) as error:  # fmt: skip
        found.add(f.BUNDLE_BROKEN, value=type(error).__name__)


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    # Basedata uses no other method; others may need gigabytes of memory and raise errors of their own.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile
    with archive.open(info) as member:
        # The directory of the archive may lie about sizes.
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise zipfile.BadZipFile
    return content


def _check_set(name: FileName | None, members: Sequence[Submission], found: Found) -> None:
    letters = [member.name.letter for member in members if member.name]
    if not found.made(0, f.BUNDLE_BROKEN, f.BUNDLE_TOO_LARGE):
        for letter in REQUIRED:
            if letter not in letters:
                found.add(f.BUNDLE_MEMBER_MISSING, value=letter)
    for letter in sorted(set(letters)):
        if letters.count(letter) > 1:
            found.add(f.BUNDLE_MEMBER_TWICE, value=letter)
    meant = name or next((member.name for member in members if member.name), None)
    for member in members:
        own = member.name
        if own and meant and (own.centre, own.awarding_body) != (meant.centre, meant.awarding_body):
            key = f"{meant.centre}{meant.awarding_body}"
            found.add(f.BUNDLE_KEYS_DIFFER, value=str(own), key=key)


def write_bundle(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A zip of `members`, file name and bytes, in the order in which they are loaded. The same members give the same
    bytes. Raises `ValueError` when a name is not that of a basedata file."""
    named = []
    for text, data in members:
        name = filename.parse(text)
        if name is None or name.letter not in BASEDATA:
            raise ValueError(f"{text!r} is not the name of a basedata file")
        named.append((BASEDATA.index(name.letter), str(name), data))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for _, text, data in sorted(named):
            archive.writestr(zipfile.ZipInfo(text), data, zipfile.ZIP_DEFLATED)
    return target.getvalue()
