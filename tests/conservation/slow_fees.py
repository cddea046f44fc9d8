"""Fees once more, slowly and in plain Python, from the sentences of the rules (FEE-1 to FEE-4) and the dates and prices
of the season 2023/24, typed out here. Imports nothing of the desk."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

_LONDON = ZoneInfo("Europe/London")


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=_LONDON)


PENCE = {"registration": (2400, 2400, 2400), "internal": (700, 1050, 1400), "external": (1410, 2125, 2820)}
"""On time, late and high late; claims are free (FEE-3)."""
LATE_FROM = {"2024-01": _at("2023-11-22"), "2024-06": _at("2024-02-22")}
HIGH_LATE_FROM = {"2024-01": _at("2023-12-11"), "2024-06": _at("2024-04-22")}
JANUARY_RESULTS, REENTRY_UNTIL = _at("2024-03-21T00:01"), _at("2024-03-30")


def charged(kind: str, series: str, received: datetime, *, sat_january: bool) -> int:
    """Pence for an entry that first appeared in a file received then. FEE-2: who sat January and is re-entered after
    its results, in time, pays no late fee."""
    if kind == "cash_in":
        return 0
    on_time, late, high_late = PENCE[kind]
    if kind == "registration" or received < LATE_FROM[series]:
        return on_time
    if series == "2024-06" and sat_january and JANUARY_RESULTS <= received < REENTRY_UNTIL:
        return on_time
    return high_late if received >= HIGH_LATE_FROM[series] else late


def refunded(kind: str, series: str, received: datetime) -> int:
    """Pence that come back for an entry withdrawn then (FEE-4): what it costs on time, up to the high late date."""
    if kind in ("cash_in", "registration") or received >= HIGH_LATE_FROM[series]:
        return 0
    return PENCE[kind][0]


def total(amounts: Iterable[int]) -> int:
    """The sum in pence."""
    return sum(amounts)
