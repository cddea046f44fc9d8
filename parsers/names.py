"""Names of candidates: the characters they may hold, and the one spelling in which they are compared (REG-3)."""

from __future__ import annotations

import re
import unicodedata

NAME_CHARACTERS = "A-Z '.:()/-"
"""Characters a candidate's name may hold (Pearson), as a regular-expression class."""

_DROPPED = re.compile(f"[^{NAME_CHARACTERS}]")
_SPACES = re.compile(" +")
NORMAL = "[A-Z'.()/-]+(?:[ :][A-Z'.()/-]+)*:?"
"""A name that is as it is kept, as a regular expression."""
_NORMAL = re.compile(NORMAL)


def ascii_letter(character: str) -> str:
    """The one ASCII character nearest to `character`: accents folded, quotes straightened, anything else a space."""
    if " " <= character <= "~":
        return character
    straight = _PUNCTUATION.get(character)
    if straight:
        return straight
    plain = unicodedata.normalize("NFKD", character)[0]
    return plain if " " < plain <= "~" else " "


_PUNCTUATION = {
    "‘": "'",
    "’": "'",
    "`": "'",
    "´": "'",
    "‐": "-",
    "‑": "-",
    "–": "-",
    "—": "-",
    "Ø": "O",
    "ø": "o",
    "Ł": "L",
    "ł": "l",
}


def normal_name(name: str) -> str:
    """A name as it is compared and kept (REG-3): upper case, accents folded, characters outside the set dropped,
    spaces squeezed, none beside the colon."""
    if _NORMAL.fullmatch(name):
        return name
    plain = (name if name.isascii() and name.isprintable() else "".join(map(ascii_letter, name))).upper()
    squeezed = _SPACES.sub(" ", _DROPPED.sub("", plain)).strip()
    return re.sub(" ?: ?", ":", squeezed)
