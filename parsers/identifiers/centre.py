"""National centre numbers: five digits, no check digit (JCQ formats, section on identifiers; REG-5).

Leading zeros count: a centre number is text, never a number.
"""

from __future__ import annotations

from .check import DIGITS, raised
from .errors import InvalidFormat, InvalidLength
from .explanation import Explanation, failure, parts

DUMMIES = frozenset({"00000", "99999"})
"""Dummy numbers used in documentation."""

_LENGTH = 5


def compact(text: str) -> str:
    """Without spaces around it. Missing leading zeros are not added."""
    return raised(text)


def validate(text: str) -> str:
    """The compact form of a centre number.

    Raises InvalidLength when there are not five characters, InvalidFormat when one is not a digit.
    """
    centre = compact(text)
    if len(centre) != _LENGTH:
        raise InvalidLength("expected five digits")
    if not set(centre) <= set(DIGITS):
        raise InvalidFormat("expected five digits")
    return centre


def is_valid(text: str) -> bool:
    """Whether `text` is five digits."""
    return failure(validate, text) is None


def explain(text: str) -> Explanation:
    """What a centre number says and, when it is wrong, what may have happened."""
    centre = compact(text)
    wrong = failure(validate, centre)
    meaning = "a dummy of documentation" if centre in DUMMIES else "centre"
    remedy = None
    if wrong:
        remedy = "Give the five digits of the national centre number."
        if is_valid(padded := centre.zfill(_LENGTH)):
            remedy = f"Zeros in front lost in a spreadsheet? {padded} would be valid."
    return Explanation(
        kind="Centre number",
        given=text,
        normal=centre,
        valid=wrong is None,
        parts=() if wrong else parts(centre, (_LENGTH, meaning)),
        problem=str(wrong) if wrong else None,
        remedy=remedy,
    )
