"""Dates of birth of a whole file (FIL-4): whether they are written in another order than day, month, year."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from attrs import frozen

USUAL_AGES = range(10, 21)
"""Ours: in this range of years, counted as calendar years, are those who are entered for a series."""

_ORDERS = {"year, month, day": (4, 2, 0), "month, day, year": (2, 0, 4)}
"""Where day, month and year begin in each other order."""
_FEW = 3


@frozen
class Order:
    """How the dates of a file are written: in words, and of which record that is shown."""

    words: str
    at: int

    def usual(self, text: str) -> str:
        """A date written like this as DDMMYY; one that is none, as it is."""
        return "".join(text[start : start + 2] for start in _ORDERS[self.words]) if text.strip("0 ") else text


def other_order(texts: Sequence[str], year: int) -> Order | None:
    """In which other order nearly all of these dates of birth (six characters) are written, for a series of that
    calendar year; None where they are not, or it cannot be told."""
    known = [(at, text) for at, text in enumerate(texts) if text.isdigit() and text != "000000"]
    if len(known) < _FEW or sum(_usual(text, (0, 2, 4), year) for _, text in known) * 5 > len(known) * 4:
        return None
    for words, order in _ORDERS.items():
        if sum(_usual(text, order, year) for _, text in known) * 10 >= len(known) * 9:
            return Order(words, next(at for at, text in known if not _usual(text, (0, 2, 4), year)))
    return None


@lru_cache(4096)
def _usual(text: str, order: tuple[int, int, int], year: int) -> bool:
    """Whether six digits in that order are the date of birth of somebody who is entered. The learners of a country were
    born on some thousand days."""
    day, month, short = (int(text[start : start + 2]) for start in order)
    born = next((century + short for century in (2000, 1900) if century + short <= year), 0)
    try:
        date(born, month, day)
    except ValueError:
        return False
    return year - born in USUAL_AGES
