"""Identifiers of candidates and names of files: checked, normalised, explained. All of them are text, never numbers."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import polars as pl
from attrs import frozen

UCI_LETTERS = "ABCDEFGHKLMRTVWXY"
"""Check letters of a UCI by remainder modulo 17 (JCQ; no I J N O P Q S U Z)."""

_UCI_WEIGHTS = np.arange(16, 4, -1, dtype=np.int64)
_ULN_WEIGHTS = np.arange(10, 0, -1, dtype=np.int64)

NAME_CHARACTERS = "A-Z '.:()/-"
"""Characters a candidate's name may hold (Pearson), as a regular-expression class."""

_DROPPED = re.compile(f"[^{NAME_CHARACTERS}]")
_SPACES = re.compile(" +")


def _letter_value(letter: str) -> int:
    """A..P are 1..16; from Q on the count begins again at 10 (JCQ)."""
    place = ord(letter) - ord("A") + 1
    return place if place <= 16 else place - 7 if place <= 23 else place - 14


_VALUES = np.full(256, -1, dtype=np.int64)
for _digit in "0123456789":
    _VALUES[ord(_digit)] = int(_digit)
_DIGITS = _VALUES.copy()
for _letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
    _VALUES[ord(_letter)] = _letter_value(_letter)


def _matrix(text: pl.Series, width: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    """ASCII strings as rows of byte values, cut or padded with spaces to `width`."""
    joined = "".join(text.str.slice(0, width).str.pad_end(width, " ").to_list())
    return np.frombuffer(joined.encode("ascii", "replace"), dtype=np.uint8).reshape(len(text), width)


def uci_check_letters(uci: pl.Series) -> pl.Series:
    """The check letter each UCI should end in; null where columns 1-12 are not 5 digits, a digit or letter, 6 digits.

    Rule REG-4: weights 16 down to 5, modulo 17.
    """
    characters = _matrix(uci, 12)
    values = _VALUES[characters]
    digits = np.delete(_DIGITS[characters], 5, axis=1)
    shaped = (digits >= 0).all(axis=1) & (values[:, 5] >= 0)
    letters = np.array(list(UCI_LETTERS))[(values @ _UCI_WEIGHTS) % 17]
    return pl.Series(uci.name, letters).set(pl.Series(~shaped), None)


def uci_check_letter(core: str) -> str | None:
    """The check letter of one UCI, given its first twelve characters; null when they are not shaped like a UCI."""
    letter: str | None = uci_check_letters(pl.Series([core]))[0]
    return letter


def uln_valid(uln: pl.Series) -> pl.Series:
    """Whether each is ten digits, the first not zero, whose weighted sum (10 down to 1) is 10 modulo 11 (REG-4)."""
    digits = _DIGITS[_matrix(uln, 10)]
    right = (digits >= 0).all(axis=1) & (digits[:, 0] > 0) & ((digits @ _ULN_WEIGHTS) % 11 == 10)
    return pl.Series(uln.name, right) & (uln.str.len_bytes() == 10)


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
    plain = "".join(ascii_letter(one) for one in name).upper()
    squeezed = _SPACES.sub(" ", _DROPPED.sub("", plain)).strip()
    return re.sub(" ?: ?", ":", squeezed)


def normal_names(name: pl.Expr) -> pl.Expr:
    """`normal_name` over a column of ASCII text (the reader has folded everything else already)."""
    return (
        name.str.to_uppercase()
        .str.replace_all(f"[^{NAME_CHARACTERS}]", "")
        .str.replace_all(" +", " ")
        .str.replace_all(" ?: ?", ":")
        .str.strip_chars(" ")
    )


@frozen
class FileName:
    """A file name `dcccccbb.Xnn`, upper-cased: letter, centre, awarding body, last two digits of the sequence."""

    letter: str
    centre: str
    awarding_body: str
    number: str

    def __str__(self) -> str:
        return f"{self.letter}{self.centre}{self.awarding_body}.X{self.number}"


_FILE_NAME = re.compile(r"([A-Z])([0-9]{5})([0-9]{2})\.X([0-9]{2})", re.IGNORECASE)
_COUNTED = r"(?: ?\(\d+\)|_\d+)"
_RENAMED = re.compile(
    rf"(?:copy of )?([A-Z][0-9]{{7}})(?:{_COUNTED}| ?- ?copy{_COUNTED}?)?"
    rf"\.(X[0-9]{{2}}){_COUNTED}?(?:\.(?:txt|dat|edi|csv))?",
    re.IGNORECASE,
)


def file_name(text: str) -> FileName | None:
    """The parts of a common-format file name (case does not matter), or null when it is not one."""
    match = _FILE_NAME.fullmatch(text)
    return FileName(*(part.upper() for part in match.groups())) if match else None


def original_file_name(text: str) -> FileName | None:
    """The name before a browser or file manager changed it: to `E6412315 (1).X01`, `Copy of ...`, `....X01.txt`."""
    match = _RENAMED.fullmatch(text.strip())
    return file_name(f"{match[1]}.{match[2]}") if match else None
