"""Sequence numbers of files: 001 to 999, of which a file name shows the last two digits (JCQ formats, section on file
names; FIL-2)."""

from __future__ import annotations

from . import numbers
from .check import DIGITS
from .errors import InvalidComponent, InvalidFormat
from .explanation import Explanation, failure, parts

LAST = 999
"""The largest sequence number."""

_LENGTH = 3


def compact(text: str) -> str:
    """Without spaces around it and with leading zeros: `1` becomes `001`."""
    return numbers.filled(text, _LENGTH)


def validate(text: str) -> str:
    """The compact form of a sequence number.

    Raises InvalidFormat when a character is not a digit, InvalidLength when there is none or more than three,
    InvalidComponent when the number is 000.
    """
    return numbers.validate(text, _LENGTH, "three")


def is_valid(text: str) -> bool:
    """Whether `text` is a sequence number, with or without leading zeros."""
    return failure(validate, text) is None


def suffix(number: int) -> str:
    """The two digits that the name of file `number` ends in. Raises InvalidComponent outside 1 to 999."""
    if not 1 <= number <= LAST:
        raise InvalidComponent("expected a number from 1 to 999")
    return f"{number % 100:02d}"


def numbers_of(suffix: str) -> tuple[int, ...]:
    """The sequence numbers a file name with that suffix may have, ascending: (1, 101, ..., 901) for `01`.

    `00` is legal (100, 200, ...), though one producer skips those numbers. Raises InvalidFormat when `suffix` is not
    two digits.
    """
    if len(suffix) != 2 or not set(suffix) <= set(DIGITS):
        raise InvalidFormat("expected two digits")
    return tuple(range(int(suffix) or 100, LAST + 1, 100))


def after(last: int, suffix: str) -> int | None:
    """The next sequence number after `last` (0 before the first) with that suffix; None when none is left.

    The suffix begins again after 99, so that `01` after 99 is 101. Raises InvalidFormat when `suffix` is not two
    digits.
    """
    return next((number for number in numbers_of(suffix) if number > last), None)


def explain(text: str) -> Explanation:
    """What a sequence number says and what to do when it is wrong."""
    number = compact(text)
    wrong = failure(validate, number)
    shown = f"the file's name ends in .X{number[1:]}"
    if number.endswith("00"):
        shown += "; some software skips such numbers"
    return Explanation(
        kind="Sequence number",
        given=text,
        normal=number,
        valid=wrong is None,
        parts=() if wrong else parts(number, (_LENGTH, shown)),
        problem=str(wrong) if wrong else None,
        remedy="Count files from 001, one up for each, to 999 at most." if wrong else None,
    )
