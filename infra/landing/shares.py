"""Shares: what one centre may hold of what all centres share, so that none can keep the others out.

Everything here is used by the event loop alone and needs no lock.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping

from attrs import define, field

from infra.landing.limits import Limit, Reached

HOUR_SECONDS = 3600
HOURS = 24


@define
class Shares:
    """Something of which there is only so much, held by centres for a while: bytes, open files.

    A centre may hold its share, and never more than is left for all others: of what the greediest leave, the next takes
    no more than half, so that a small file still finds room beside many of them."""

    limit: int
    share: int
    own: Limit
    """Reached when a centre holds its share."""
    everybody: Limit
    """Reached when too little is left."""
    used: int = 0
    _held: dict[str, int] = field(factory=dict)

    def take(self, centre: str, amount: int) -> None:
        """Takes an amount for a centre; raises `Reached` when it may not hold so much more."""
        held = self.held(centre) + amount
        if held > self.share:
            raise Reached(self.own, self.share)
        if held > self.limit - self.used - amount:
            raise Reached(self.everybody, self.limit)
        self._set(centre, held)
        self.used += amount

    def give(self, centre: str, amount: int) -> None:
        """Gives back what was taken."""
        self._set(centre, self.held(centre) - amount)
        self.used -= amount

    def held(self, centre: str) -> int:
        """What a centre holds."""
        return self._held.get(centre, 0)

    def _set(self, centre: str, amount: int) -> None:
        if amount:
            self._held[centre] = amount
        else:
            self._held.pop(centre, None)


@define
class DayShare:
    """Bytes that each centre may move within 24 hours, counted by the hour."""

    share: int
    own: Limit
    _hours: dict[str, deque[list[int]]] = field(factory=dict)
    """For each centre its hours, the oldest first, each with its bytes."""
    _fresh: Counter[tuple[str, int]] = field(factory=Counter)
    """Bytes by centre and hour that are not in the ledger yet."""

    def take(self, centre: str, amount: int, seconds: float) -> None:
        """Counts bytes at `seconds` since 1970; raises `Reached` when they are too many."""
        hour = int(seconds // HOUR_SECONDS)
        hours = self._hours.setdefault(centre, deque())
        while hours and hours[0][0] <= hour - HOURS:
            hours.popleft()
        if sum(moved for _, moved in hours) + amount > self.share:
            raise Reached(self.own, self.share)
        if not hours or hours[-1][0] != hour:
            hours.append([hour, 0])
        hours[-1][1] += amount
        self._fresh[centre, hour] += amount

    def remember(self, before: Mapping[tuple[str, int], int]) -> None:
        """Takes what was counted before the service started, by centre and hour."""
        for (centre, hour), moved in sorted(before.items()):
            self._hours.setdefault(centre, deque()).append([hour, moved])

    def counted(self) -> Mapping[tuple[str, int], int]:
        """What has been counted since it was last asked, by centre and hour."""
        fresh, self._fresh = self._fresh, Counter()
        return fresh

    def put_back(self, counts: Mapping[tuple[str, int], int]) -> None:
        """Takes counts back that could not be booked."""
        self._fresh.update(counts)
