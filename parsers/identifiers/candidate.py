"""Candidate numbers: 0001 to 9999, the centre's own (JCQ formats, section on identifiers; REG-5).

A candidate has one number at a centre in a series, and may have another in the next series.
"""

from __future__ import annotations

from . import numbers
from .explanation import Explanation, failure, parts

_LENGTH = 4


def compact(text: str) -> str:
    """Without spaces around it and with leading zeros: `12` becomes `0012`."""
    return numbers.filled(text, _LENGTH)


def validate(text: str) -> str:
    """The compact form of a candidate number.

    Raises InvalidFormat when a character is not a digit, InvalidLength when there is none or more than four,
    InvalidComponent when the number is 0000.
    """
    return numbers.validate(text, _LENGTH, "four")


def is_valid(text: str) -> bool:
    """Whether `text` is a candidate number, with or without leading zeros."""
    return failure(validate, text) is None


def explain(text: str) -> Explanation:
    """What a candidate number says and what to do when it is wrong."""
    number = compact(text)
    wrong = failure(validate, number)
    return Explanation(
        kind="Candidate number",
        given=text,
        normal=number,
        valid=wrong is None,
        parts=() if wrong else parts(number, (_LENGTH, "candidate of the centre in this series")),
        problem=str(wrong) if wrong else None,
        remedy="Allot the candidate a number from 0001 to 9999 that is free in this series." if wrong else None,
    )
