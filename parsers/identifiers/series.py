"""Keys of an examination series (JCQ formats, section on series, year and language; FIL-2).

`6B24` is the awarding body's series B of June 2024. Followed by a language, `6B24_`, it is a broadcast key, which takes
the place of the centre number in files for many centres.
"""

from __future__ import annotations

import re

from attrs import frozen

from .check import raised
from .errors import InvalidFormat, InvalidLength
from .explanation import Explanation, failure, parts

MONTHS = {
    "1": "January",
    "2": "February",
    "3": "March",
    "4": "April",
    "5": "May",
    "6": "June",
    "7": "July",
    "8": "August",
    "9": "September",
    "A": "October",
    "B": "November",
    "C": "December",
}
"""Months by their character."""

# Sources differ on the character for Welsh: both are read.
LANGUAGES = {"_": "English", "B": "bilingual", "C": "Welsh", "W": "Welsh"}
"""Languages by their character."""

_LENGTHS = (4, 5)
_KEY = re.compile("([1-9A-C])([A-Z])([0-9]{2})([_BCW]?)")


@frozen
class SeriesKey:
    """A series: its month character, the board's letter, two digits of its calendar year, and its language character,
    which is empty unless the key is a broadcast key."""

    month: str
    letter: str
    year: str
    language: str = ""

    def __str__(self) -> str:
        return f"{self.month}{self.letter}{self.year}{self.language}"


def compact(text: str) -> str:
    """Upper case, without spaces around it. The case of the board's letter does not count: file names do not keep
    it."""
    return raised(text)


def validate(text: str) -> str:
    """The compact form of a series key or broadcast key.

    Raises InvalidLength when there are not four or five characters, InvalidFormat when they are not month, letter, two
    digits of a year and, fifth, a language.
    """
    key = compact(text)
    if len(key) not in _LENGTHS:
        raise InvalidLength("expected four characters, or five with a language")
    if not _KEY.fullmatch(key):
        raise InvalidFormat("expected month (1-9, A-C), letter, two digits of the year and, fifth, _, B, C or W")
    return key


def is_valid(text: str) -> bool:
    """Whether `text` is a series key or a broadcast key."""
    return failure(validate, text) is None


def parse(text: str) -> SeriesKey | None:
    """The parts of a series key or broadcast key; None when it is neither."""
    match = _KEY.fullmatch(compact(text))
    return SeriesKey(*match.groups()) if match else None


def explain(text: str) -> Explanation:
    """What a series key says and what to do when it is wrong."""
    normal = compact(text)
    wrong = failure(validate, normal)
    key = parse(normal)
    meanings = [] if key is None else [(1, MONTHS[key.month]), (1, "the awarding body's letter"), (2, _year(key))]
    if key and key.language:
        meanings.append((1, LANGUAGES[key.language]))
    return Explanation(
        kind="Series",
        given=text,
        normal=normal,
        valid=wrong is None,
        parts=parts(normal, *meanings),
        problem=str(wrong) if wrong else None,
        remedy="Write it as the awarding body's basedata does, such as 6B24 or 6B23_." if wrong else None,
    )


def _year(key: SeriesKey) -> str:
    return f"calendar year 20{key.year}, not the school year"
