"""The door for what people type, on the command line, in the console or into an order: which characters nobody can read
(FIL-7)."""

from __future__ import annotations

import re

_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_IN_A_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NOWHERE = re.compile(r"[\x00\ud800-\udfff]")


def readable_line(text: str) -> bool:
    """Whether a text of one line has no character that a screen would obey or no column takes."""
    return not _IN_A_LINE.search(text)


def readable_text(text: str) -> bool:
    """The same of a text that may have several lines."""
    return not _IN_A_TEXT.search(text)


def storable(text: str) -> bool:
    """Whether the ledger can take a text at all: it takes no NUL and no half of a character."""
    return not _NOWHERE.search(text)
