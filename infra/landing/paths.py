"""What a client's path means: a place in the centre's own root, or a refusal.

There is no file system behind a path. It is taken apart into names, and a key of the store is made from those, so
nothing a client can write leads out of its root; what tries to is refused, not repaired.
"""

from __future__ import annotations

import re
import unicodedata

from attrs import frozen

from rules import terms

INBOX, TRY, OUTBOX, BASEDATA = "inbox", "try", "outbox", "basedata"
AREAS = (INBOX, TRY, OUTBOX, BASEDATA)
SENT_TO = (INBOX, TRY)
"""Where centres send files."""
LONGEST_NAME = 200
"""In bytes: below the 255 of file systems, so that there is room to add a number to the name."""
LONGEST_PATH = 1000
DEEPEST = 8


_NO_LETTER = re.compile(rf"[RX][0-9]{{7}}\.X[0-9]{{2,}}(\.json)?|index\.(csv|html)|({terms.TRIAL}|{terms.RECEIVED}).*")


def is_letter(name: str) -> bool:
    """Whether a file of an outbox is a letter or a list: no reply, no receipt, no results, no index."""
    return not _NO_LETTER.fullmatch(name)


class BadPath(ValueError):  # noqa: N818
    """The path cannot be a centre's; the message says why."""


@frozen
class Place:
    """A place in a centre's root: the names on the way to it. The root itself has none."""

    names: tuple[str, ...]

    @property
    def area(self) -> str:
        """The folder at the root that it is in; empty for the root."""
        return self.names[0] if self.names else ""

    @property
    def name(self) -> str:
        """Its last name; empty for the root."""
        return self.names[-1] if self.names else ""

    def key(self, centre: str) -> str:
        """Its key in the store: basedata is shared by all centres, everything else is the centre's own."""
        area, *rest = self.names
        return "/".join([area, *([] if area == BASEDATA else [centre]), *rest])

    def __str__(self) -> str:
        return "/" + "/".join(self.names)


def place(path: bytes, *, looking: bool = False) -> Place:
    """The place a path means; a relative path starts at the root. Somebody who is only `looking` may go up with `..`,
    as far as the root. Raises `BadPath`."""
    if len(path) > LONGEST_PATH:
        raise BadPath("the path is too long")
    try:
        text = path.decode("utf-8")
    except UnicodeDecodeError:
        raise BadPath("the name is not in UTF-8") from None
    names: list[str] = []
    for part in text.split("/"):
        if part == "..":
            if not looking:
                raise BadPath("paths with .. are not accepted")
            names = names[:-1]
        elif part not in ("", "."):
            names.append(_name(part))
    if len(names) > DEEPEST:
        raise BadPath("the path is too deep")
    return Place(tuple(names))


def _name(part: str) -> str:
    """A part of a path as a name; raises `BadPath`."""
    if any(unicodedata.category(letter).startswith("C") for letter in part):
        raise BadPath("the name has control characters")
    if len(part.encode()) > LONGEST_NAME:
        raise BadPath("the name is too long")
    return part
