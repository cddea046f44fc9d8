"""Numbers that count from 1 in a fixed width, with zeros in front: what candidate and sequence numbers share."""

from __future__ import annotations

from .check import DIGITS, raised
from .errors import InvalidComponent, InvalidFormat, InvalidLength


def filled(text: str, width: int) -> str:
    """Without spaces around it; digits are filled with zeros in front: of width 4, `12` becomes `0012`."""
    # Inner points stay: a spreadsheet's 1.0 must not become 10.
    number = raised(text)
    return number.zfill(width) if number and set(number) <= set(DIGITS) else number


def validate(text: str, width: int, spelt: str) -> str:
    """The filled form of a number; `spelt` is its width in words.

    Raises InvalidFormat when a character is no digit, InvalidLength when there is none or more than `width`,
    InvalidComponent when the number is 0.
    """
    number = filled(text, width)
    if not set(number) <= set(DIGITS):
        raise InvalidFormat(f"expected {spelt} digits")
    if len(number) != width:
        raise InvalidLength(f"expected {spelt} digits")
    if not int(number):
        raise InvalidComponent(f"expected a number from {1:0{width}} to {'9' * width}")
    return number
