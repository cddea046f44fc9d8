"""Unique learner numbers: ten digits, the last a check digit (JCQ formats, section on identifiers; REG-4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .check import DIGITS, WeightedSum, exchanged, mistyped, question, squeezed
from .errors import InvalidCheck, InvalidFormat, InvalidLength
from .explanation import Explanation, failure, parts

_LENGTH = 10
_LEADING = {digit: value for digit, value in DIGITS.items() if value}
_SUM = WeightedSum(tuple(range(_LENGTH, 0, -1)), (_LEADING, *[DIGITS] * 9))


def _checks(total: int) -> bool:
    return total % 11 == 10


_OUTCOMES = _SUM.outcomes(lambda total: np.bool_(_checks(total)), np.bool_(False))


def compact(text: str) -> str:
    """Without spaces, hyphens and full stops: `9276 308 686` becomes `9276308686`."""
    return squeezed(text)


def validate(text: str) -> str:
    """The compact form of a ULN.

    Raises InvalidLength when there are not ten characters, InvalidFormat when one is not a digit or the first is zero,
    InvalidCheck when the weighted sum is not 10 modulo 11.
    """
    uln = compact(text)
    if len(uln) != _LENGTH:
        raise InvalidLength("expected ten digits")
    misfit = _SUM.misfit(uln)
    if misfit is not None:
        raise InvalidFormat(f"expected {'a digit' if misfit else 'a digit from 1 to 9'} in column {misfit + 1}")
    total = _SUM.total(uln)
    if total is None or not _checks(total):
        raise InvalidCheck("expected a weighted sum that leaves 10 modulo 11")
    return uln


def is_valid(text: str) -> bool:
    """Whether `text` is a ULN with the right check digit."""
    return failure(validate, text) is None


def valid_rows(rows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each is ten digits, the first not zero, whose weighted sum is 10 modulo 11 (REG-4).

    `rows` are ASCII bytes of shape (n, 10 or more), of which the first ten count; the result has shape (n,).
    """
    return _SUM.judge(rows, _OUTCOMES)


def explain(text: str) -> Explanation:
    """The parts of a ULN, the arithmetic of its check digit and, when it is wrong, what may have happened."""
    uln = compact(text)
    wrong = failure(validate, uln)
    steps: tuple[str, ...] = ()
    remedy = None
    if len(uln) == _LENGTH and _SUM.misfit(uln) is None:
        steps = (f"{_SUM.written_out(uln, 11)}; must be 10",)
    if wrong:
        likely = None
        if len(uln) == _LENGTH:
            likely = question(exchanged(uln, is_valid), mistyped(uln, "".join(DIGITS), is_valid))
        remedy = likely or "Look it up in the Learning Records Service: ten digits, such as 9276308686."
    return Explanation(
        kind="ULN",
        given=text,
        normal=uln,
        valid=wrong is None,
        parts=parts(uln, (9, "learner"), (1, "check digit")) if len(uln) == _LENGTH else (),
        steps=steps,
        problem=str(wrong) if wrong else None,
        remedy=remedy,
    )
