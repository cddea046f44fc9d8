"""Candidate numbers: 0001 to 9999, the centre's own (JCQ formats, section on identifiers; REG-5).

One candidate of a centre has one number in a series; it may be another in the next.
"""

from __future__ import annotations

from .check import DIGITS, raised
from .errors import InvalidComponent, InvalidFormat, InvalidLength
from .explanation import Explanation, failure, parts

_LENGTH = 4


def compact(text: str) -> str:
    """Without spaces around it; digits are filled with zeros in front: `12` becomes `0012`."""
    # Inner points stay: a spreadsheet's 1.0 must not become 10.
    number = raised(text)
    return number.zfill(_LENGTH) if number and set(number) <= set(DIGITS) else number


def validate(text: str) -> str:
    """The compact form of a candidate number.

    Raises InvalidFormat when a character is no digit, InvalidLength when there is none or more than four,
    InvalidComponent when the number is 0000.
    """
    number = compact(text)
    if not set(number) <= set(DIGITS):
        raise InvalidFormat("expected four digits")
    if len(number) != _LENGTH:
        raise InvalidLength("expected four digits")
    if number == "0000":
        raise InvalidComponent("expected a number from 0001 to 9999")
    return number


def is_valid(text: str) -> bool:
    """Whether `text` is a candidate number, filled with zeros or not."""
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
