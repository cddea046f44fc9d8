"""What kind of identifier a value is, judged by its shape, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable

from parsers.identifiers import candidate, centre, filename, series, uci, uln, upn
from parsers.identifiers.explanation import Explanation

SHAPES = (
    "UCI (13 characters), UPN (a letter and twelve more), ULN (ten digits), centre number (five digits), "
    "candidate number (up to four digits), series (6B24, 6B23_), file name (E6412315.X01)"
)


def identify(value: str) -> Explanation | None:
    """The explanation of a value as the identifier it looks like; None when it looks like none known here."""
    explain = _looks_like(value)
    return explain(value) if explain else None


def _looks_like(value: str) -> Callable[[str], Explanation] | None:
    text = value.strip().upper()
    if re.search(r"\.(X[0-9]{2}|ZIP)", text) or filename.original(text):
        return filename.explain
    if series.is_valid(text):
        return series.explain
    # A number without its check letter, or with a wrong character, still counts as what it nearly is.
    squeezed = uci.compact(value)
    if not re.fullmatch("[0-9A-Z]+", squeezed):
        return None
    return next((explain for looks, explain in _NEARLY if looks(squeezed)), None) or (
        series.explain if re.fullmatch("[0-9A-Z][A-Z][0-9]{2}[^0-9]?", text) else None
    )


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


_NEARLY: tuple[tuple[Callable[[str], bool], Callable[[str], Explanation]], ...] = (
    (lambda text: len(text) == 13 and text[0].isalpha(), upn.explain),
    (lambda text: len(text) == 13, uci.explain),
    (lambda text: len(text) == 12 and _digits(text) > 9, uci.explain),
    (lambda text: len(text) == 10 and _digits(text) > 7, uln.explain),
    (lambda text: len(text) == 5 and text.isdigit(), centre.explain),
    (lambda text: len(text) <= 4 and text.isdigit(), candidate.explain),
)
"""What capital letters and digits are meant for, by how many there are; the first that fits."""
