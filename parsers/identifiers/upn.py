"""Unique pupil numbers: a check letter and twelve digits (REG-4).

The rule is this project's own reading, not sourced from the JCQ formats: treat a wrong letter as a hint. Temporary
numbers, which end in a letter, are not covered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .check import DIGITS, WeightedSum, exchanged, mistyped, question, squeezed
from .errors import InvalidCheck, InvalidFormat, InvalidLength
from .explanation import Explanation, failure, parts

LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"
"""Check letters by remainder modulo 23."""

_LENGTH = 13
_SUM = WeightedSum(tuple(range(2, 14)), (DIGITS,) * 12)
_OUTCOMES = _SUM.outcomes(lambda total: np.uint8(ord(LETTERS[total % 23])), np.uint8(0))


def compact(text: str) -> str:
    """Upper case, without spaces, hyphens and full stops."""
    return squeezed(text)


def validate(text: str) -> str:
    """The compact form of a UPN.

    Raises InvalidLength when there are not 13 characters, InvalidFormat when they are not a check letter and twelve
    digits, InvalidCheck when the letter is not the one that follows from the digits.
    """
    upn = compact(text)
    if len(upn) != _LENGTH:
        raise InvalidLength("expected 13 characters")
    if upn[0] not in LETTERS:
        raise InvalidFormat(f"expected a letter out of {LETTERS} in column 1")
    misfit = _SUM.misfit(upn[1:])
    if misfit is not None:
        raise InvalidFormat(f"expected a digit in column {misfit + 2}")
    letter = _letter(upn)
    if upn[0] != letter:
        raise InvalidCheck(f"expected check letter {letter} before {upn[1:]}")
    return upn


def is_valid(text: str) -> bool:
    """Whether `text` is a UPN with the right check letter."""
    return failure(validate, text) is None


def valid_rows(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each is a letter and twelve digits, the letter the one that follows from the digits (REG-4).

    `rows` are ASCII bytes of shape (n, 13 or more), in upper case, of which the first 13 count; the result has shape
    (n,).
    """
    letters = _SUM.judge(rows[:, 1:], _OUTCOMES)
    right: NDArray[np.bool_] = (letters == rows[:, 0]) & (letters != 0)
    return right


def explain(text: str) -> Explanation:
    """The parts of a UPN, the arithmetic of its check letter and, when it is wrong, what may have happened."""
    upn = compact(text)
    wrong = failure(validate, upn)
    letter = _letter(upn)
    steps: tuple[str, ...] = ()
    remedy = None
    if letter:
        steps = (f"{_SUM.written_out(upn[1:_LENGTH], 23)}; letter {letter} of {LETTERS} (this project's own reading)",)
    if wrong:
        likely = None
        if len(upn) == _LENGTH:
            likely = question(exchanged(upn, is_valid), mistyped(upn, "".join(DIGITS) + LETTERS, is_valid))
        remedy = likely or "Look it up in the school's records: a letter and twelve digits."
        if _SUM.misfit(upn[1:]) == 11 and upn[_LENGTH - 1 :] in set(LETTERS):
            remedy = "A number that ends in a letter is temporary and cannot be checked here."
    return Explanation(
        kind="UPN",
        given=text,
        normal=upn,
        valid=wrong is None,
        parts=parts(upn, (1, "check letter"), (12, "pupil")) if len(upn) == _LENGTH else (),
        steps=steps,
        problem=str(wrong) if wrong else None,
        remedy=remedy,
    )


def _letter(upn: str) -> str | None:
    total = _SUM.total(upn[1:])
    return None if total is None else LETTERS[total % 23]
