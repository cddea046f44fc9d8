"""Keys: which of them stay in the store, and which name an upload that is not whole yet."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from infra.store.contract import BadKey

TEMPORARY_FOLDER = ".tmp"
TEMPORARY_ENDINGS = (
    ".part", ".filepart", ".partial", ".writing", ".uploading", ".inprogress", ".tmp", ".temp", ".crdownload",
)  # fmt: skip
_ATTACHED = re.compile(r"[a-z][0-9a-z_]{7}\.x[0-9]{2,}((?:\.[0-9a-z_-]+)+|~)")
"""Something behind a name of the common format: `E6412315.X01.1a2b3c4d`."""
_ANOTHER_KIND = re.compile(
    r".*\.(?:txt|dat|edi|csv|json|xml|html?|pdf|docx?|xlsx?|eml|msg|log|bak|old|zip|t?gz|bz2|xz|7z|rar|pgp|gpg|asc|sig|p7m)"
)
"""What makes it a file of its own, which somebody has renamed, packed or written about it."""
DEEPEST = 64  # parts of a key in a folder store; deeper nesting by a sender would make every listing slow
LONGEST_NAME = 255  # bytes of a part of a key in a folder store


def parts_of(key: str) -> Sequence[str]:
    """The parts of a key that stays in the store; one `/` at the end is allowed, as a folder's key has it."""
    parts = key.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or "\0" in key:
        raise BadKey(
            f"key {key!r} leads out of the store: empty parts, `.`, `..`, a leading `/` and NUL are not allowed"
        )
    if parts[0] == TEMPORARY_FOLDER:
        raise BadKey(f"key {key!r} is in the folder of the store's own temporary files")
    return parts


def names_of(key: str) -> Sequence[str]:
    """The parts of a key as names of folders and a file."""
    parts = parts_of(key)
    try:
        longest = max(len(os.fsencode(part)) for part in parts)
    except UnicodeEncodeError:
        raise BadKey(f"key {key!r} has characters that no file name can have") from None
    if longest > LONGEST_NAME:
        raise BadKey(f"key {key[:40]!r}… has a part of more than {LONGEST_NAME} bytes")
    if len(parts) > DEEPEST:
        raise BadKey(f"key {key[:40]!r}… has more than {DEEPEST} parts")
    return parts


def file_key(key: str) -> str:
    """The key, if a file can have it. Raises `BadKey`."""
    if key.endswith("/"):
        raise BadKey(f"key {key!r} is a folder's")
    return key


def unfinished(key: str) -> bool:
    """Whether upload programs give a file such a name until it is whole: a hidden one, one with an ending of theirs, or
    a name of the common format with anything behind it that is no kind of file."""
    return _hidden(key) or left_behind(key)


def left_behind(key: str) -> bool:
    """Whether an unfinished upload of such a name is worth a word when it stays. Hidden files are not, which programs
    keep for themselves, unless the name of a file is in theirs, as in `.E6412315.X01.8fk2Qa` or `.in.E6412315.X01.`"""
    name = key.removesuffix("/").rpartition("/")[2].lower()
    if _hidden(key):
        return bool(re.search(r"[a-z][0-9a-z_]{7}\.x[0-9]{2,}", name))
    attached = _ATTACHED.fullmatch(name)
    return name.endswith(TEMPORARY_ENDINGS) or bool(attached and not _ANOTHER_KIND.fullmatch(attached[1]))


def _hidden(key: str) -> bool:
    return key.removesuffix("/").rpartition("/")[2].startswith(".")
