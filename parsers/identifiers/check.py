"""Check characters: weighted sums, declared once for single texts and for rows of bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import TypeVar

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from .explanation import either

Outcome = TypeVar("Outcome", np.uint8, np.bool_)

DIGITS: Mapping[str, int] = {digit: int(digit) for digit in "0123456789"}
"""The digits and their values."""

_SEPARATORS = " \t\r\n\N{NO-BREAK SPACE}.-/"
_SMALL = "abcdefghijklmnopqrstuvwxyz"
# Only ASCII letters become upper case: `str.upper` would turn other letters into a plain S or I.
_RAISED = str.maketrans(_SMALL, _SMALL.upper())
_SQUEEZED = str.maketrans(_SMALL, _SMALL.upper(), _SEPARATORS)

# Rows per step: their sums stay in the processor's first-level cache.
_CHUNK = 8192
# More than any weighted sum declared here; thirteen times this still fits in sixteen bits.
_UNFIT = 1 << 12


def raised(text: str) -> str:
    """`text` with its ASCII letters in upper case and no spaces around it."""
    return text.strip().translate(_RAISED)


def squeezed(text: str) -> str:
    """`text` with its ASCII letters in upper case, without spaces, full stops, hyphens and slashes."""
    return text.translate(_SQUEEZED)


@frozen(eq=False)
class WeightedSum:
    """The sum of weight times value over the first columns of an identifier.

    `weights` has one weight a column; `values` has, for each column, the ASCII characters it may hold and their
    values.
    """

    weights: tuple[int, ...]
    values: tuple[Mapping[str, int], ...]
    _tables: NDArray[np.uint16] = field(init=False, repr=False)

    @_tables.default
    def _weighted(self) -> NDArray[np.uint16]:
        tables = np.full((len(self.weights), 256), _UNFIT, dtype=np.uint16)
        for table, weight, values in zip(tables, self.weights, self.values, strict=True):
            for character, value in values.items():
                table[ord(character)] = weight * value
        return tables

    def misfit(self, text: str) -> int | None:
        """The first column (from 0) whose character is missing or not allowed there; None when there is none."""
        for column, values in enumerate(self.values):
            if text[column : column + 1] not in values:
                return column
        return None

    def total(self, text: str) -> int | None:
        """The weighted sum of the first columns of `text`; None when a character is not allowed there."""
        if self.misfit(text) is not None:
            return None
        return sum(weight * value for weight, value in self._products(text))

    def written_out(self, text: str, modulus: int) -> str:
        """The sum written out as by hand; `text` has no misfit."""
        products = list(self._products(text))
        total = sum(weight * value for weight, value in products)
        terms = " + ".join(f"{value}×{weight}" for weight, value in products)
        return f"{terms} = {total}; {total} modulo {modulus} = {total % modulus}"

    def outcomes(self, of: Callable[[int], Outcome], unfit: Outcome) -> NDArray[Outcome]:
        """The table for `judge`: the answer for each sum, and for rows without a sum."""
        return np.array([*(of(total) for total in range(_UNFIT)), unfit])

    def judge(self, rows: NDArray[np.uint8], outcomes: NDArray[Outcome]) -> NDArray[Outcome]:
        """The answer for the sum of each row; `rows` are ASCII bytes of shape (n, at least one column per weight)."""
        judged = np.empty(len(rows), dtype=outcomes.dtype)
        for start in range(0, len(rows), _CHUNK):
            columns = rows[start : start + _CHUNK].T
            # `take` costs half as much as indexing here.
            total = self._tables[0].take(columns[0])
            for column in range(1, len(self.weights)):
                total += self._tables[column].take(columns[column])
            np.minimum(total, _UNFIT, out=total)
            judged[start : start + _CHUNK] = outcomes.take(total)
        return judged

    def _products(self, text: str) -> Iterator[tuple[int, int]]:
        for weight, values, character in zip(self.weights, self.values, text, strict=False):
            yield weight, values[character]


def exchanged(text: str, valid: Callable[[str], bool]) -> tuple[str, ...]:
    """The valid texts that exchanging two neighbouring characters of `text` gives, from the left."""
    swaps = (text[:n] + text[n + 1] + text[n] + text[n + 2 :] for n in range(len(text) - 1))
    return tuple(swap for swap in swaps if valid(swap))


def mistyped(text: str, alphabet: str, valid: Callable[[str], bool]) -> str | None:
    """The valid text that changing one character, to another of `alphabet`, gives; only if there is exactly one."""
    changes = (text[:n] + letter + text[n + 1 :] for n in range(len(text)) for letter in alphabet if letter != text[n])
    found = list(islice((change for change in changes if valid(change)), 2))
    return found[0] if len(found) == 1 else None


def question(swaps: tuple[str, ...], change: str | None) -> str | None:
    """What to ask about an identifier whose check character is wrong, given what `exchanged` and `mistyped` found;
    None when no single slip explains it."""
    if change is None:
        return f"Two neighbouring characters exchanged? {either(swaps)} would be valid." if swaps else None
    asked = "Two neighbouring characters exchanged or one mistyped" if swaps else "One character mistyped"
    return f"{asked}? {either((*swaps, change))} would be valid."
