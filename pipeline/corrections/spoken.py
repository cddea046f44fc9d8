"""What is proposed for a case, as people write it on the command line and in the console (RES-7)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pipeline.corrections.effect import CorrectionError, Plan


def plan_of(
    marks: Iterable[str], boundaries: Iterable[str], *, left_higher: str = "", kind: str = "", consent: str = ""
) -> Plan:
    """The plan that is written as marks (`64123/0001/BEN03=60`, or `=absent`, `=void`, `=back`) and boundaries
    (`BEN03:L2P=31`). Raises `CorrectionError`."""
    its: dict[str, str] = {}
    for word in marks:
        who, equals, mark = word.partition("=")
        if not equals or its.get(who, mark) != mark:
            raise CorrectionError(f"{word} is not understood: write 64123/0001/BEN03=60, and one mark for each result")
        its[who] = mark
    moves: dict[str, dict[str, int]] = {}
    for word in boundaries:
        said = re.fullmatch(r"(\w+):(\w+)=(\d{1,3})", word)
        if not said:
            raise CorrectionError(f"{word} is not understood: write a boundary like BEN03:L2P=31")
        moves.setdefault(said[1], {})[said[2]] = int(said[3])
    return Plan(kind=kind, consent=consent, marks=its, boundaries=moves, left_higher=left_higher)
