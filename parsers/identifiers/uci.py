"""Unique candidate identifiers: 13 characters, the last a check letter (JCQ formats, section on identifiers; REG-4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .check import DIGITS, WeightedSum, exchanged, mistyped, question, squeezed
from .errors import InvalidCheck, InvalidFormat, InvalidLength
from .explanation import Explanation, Part, failure, parts

LETTERS = "ABCDEFGHKLMRTVWXY"
"""Check letters by remainder modulo 17."""

BOARDS = {"A": "OCR", "B": "Pearson", "C": "AQA", "E": "WJEC", "G": "CCEA"}
"""The awarding body whose numbering a letter in column 6 means."""

_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# One vendor's program uses I, J, K after H: remainders 8, 9 and 10.
_VENDOR_LETTERS = "ABCDEFGHIJK"

# From Q the count begins again at 10, and again from X.
_LETTER_VALUES = dict(zip(_CAPITALS, [*range(1, 17), *range(10, 17), *range(10, 13)], strict=True))
_SUM = WeightedSum(tuple(range(16, 4, -1)), (*[DIGITS] * 5, {**DIGITS, **_LETTER_VALUES}, *[DIGITS] * 6))
_CORE = 12
_OUTCOMES = _SUM.outcomes(lambda total: np.uint8(ord(LETTERS[total % 17])), np.uint8(0))


def compact(text: str) -> str:
    """Upper case, without spaces, hyphens and full stops: `68199 0 01 2058 g` becomes `681990012058G`."""
    return squeezed(text)


def validate(text: str) -> str:
    """The compact form of a complete UCI.

    Raises InvalidLength when there are not 13 characters, InvalidFormat when they are not 5 digits, a digit or letter,
    6 digits and a letter, InvalidCheck when the letter is not the one that follows from the others.
    """
    uci = compact(text)
    if len(uci) == _CORE and _SUM.misfit(uci) is None:
        raise InvalidLength("expected 13 characters: the check letter is blank")
    if len(uci) != _CORE + 1:
        raise InvalidLength("expected 13 characters")
    misfit = _SUM.misfit(uci)
    if misfit is not None:
        raise InvalidFormat(f"expected {'a digit or letter' if misfit == 5 else 'a digit'} in column {misfit + 1}")
    if uci[_CORE] not in _CAPITALS:
        raise InvalidFormat("expected a letter in column 13")
    letter = check_letter(uci)
    if uci[_CORE] != letter:
        raise InvalidCheck(f"expected check letter {letter} after {uci[:_CORE]}")
    return uci


def is_valid(text: str) -> bool:
    """Whether `text` is a complete UCI with the right check letter."""
    return failure(validate, text) is None


def complete(text: str) -> str:
    """The compact form of a UCI, with its check letter filled in if it was left blank.

    Raises the errors of `validate`.
    """
    uci = compact(text)
    letter = check_letter(uci) if len(uci) == _CORE else None
    return validate(uci + (letter or ""))


def check_letter(core: str) -> str | None:
    """The check letter that follows from the first twelve characters of `core`; None when they do not have the shape of
    a UCI. Does not compact the text first, like `check_letters`."""
    total = _SUM.total(core)
    return None if total is None else LETTERS[total % 17]


def check_letters(rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The check letter each UCI should end in (REG-4), as its ASCII code.

    `rows` are ASCII bytes of shape (n, 12 or more), in upper case; the result has shape (n,) and is 0 where the first
    12 are not 5 digits, a digit or letter, 6 digits.
    """
    return _SUM.judge(rows, _OUTCOMES)


def explain(text: str) -> Explanation:
    """The parts of a UCI, the arithmetic of its check letter and, when it is wrong, what may have happened."""
    uci = compact(text)
    wrong = failure(validate, uci)
    letter = check_letter(uci)
    blank = letter is not None and len(uci) == _CORE
    steps = () if letter is None else (f"{_SUM.written_out(uci[:_CORE], 17)}; letter {letter} of {LETTERS}",)
    return Explanation(
        kind="UCI",
        given=text,
        normal=uci,
        valid=wrong is None,
        parts=_parts(uci) if len(uci) == _CORE + 1 or blank else (),
        steps=steps,
        problem=None if wrong is None else _problem(uci, letter, str(wrong)),
        remedy=None if wrong is None else _remedy(uci, letter),
    )


def _parts(uci: str) -> tuple[Part, ...]:
    numbering = uci[5:6]
    if numbering == "0":
        origin = "built on a national centre number"
    elif numbering in BOARDS:
        origin = f"numbering of an awarding body: {BOARDS[numbering]}"
    else:
        origin = "neither 0 nor the letter of an awarding body known here"
    number = "candidate number at that time"
    if uci[8:12] == "0000":
        number += " (centres allot none before 0001)"
    return parts(
        uci,
        (5, "centre that first entered the candidate; it stays after a transfer"),
        (1, origin),
        (2, "year of first registration"),
        (4, number),
        (1, "check letter"),
    )


def _follows_vendor(uci: str, letter: str | None) -> bool:
    """Whether the check letter is the one that the I, J, K convention gives where JCQ's gives `letter`."""
    return letter is not None and letter in LETTERS[8:11] and uci[_CORE:] == _VENDOR_LETTERS[LETTERS.index(letter)]


def _problem(uci: str, letter: str | None, wrong: str) -> str:
    if _follows_vendor(uci, letter):
        return f"{wrong}; {uci[_CORE]} follows another convention (I, J, K for remainders 8, 9, 10; JCQ: K, L, M)"
    return wrong


def _remedy(uci: str, letter: str | None) -> str:
    if letter and len(uci) == _CORE:
        return f"Complete it: {uci}{letter}."
    likely = None
    if len(uci) == _CORE + 1:
        zero = f"{uci[:5]}0{uci[6:]}"
        # No awarding body has the letter O, so it is the likeliest slip.
        typed = uci[5] == "O" and is_valid(zero)
        change = zero if typed else mistyped(uci, "".join(DIGITS) + _CAPITALS, is_valid)
        likely = question(exchanged(uci, is_valid), change)
    if _follows_vendor(uci, letter):
        # K is in both conventions, so a slip elsewhere can look like this one.
        vendor = f"Correct the letter, {uci[:_CORE]}{letter}, and have the software that made it put right."
        return f"{vendor} Or: {likely}" if likely else vendor
    return likely or "Compare it with the candidate's earlier papers: 13 characters, such as 689990980001D."
