"""A brake on wrong passwords: after a few of them, the next try has to wait, and longer each time."""

from __future__ import annotations

from attrs import define, field

FREE = 5
"""Wrong passwords in a row that cost nothing. Ours."""
LONGEST = 300.0
"""Seconds that a try waits at most, and after which wrong passwords are forgotten. Ours."""
MOST = 10_000
"""Names and addresses that are remembered."""


@define
class Brake:
    """Wrong passwords by what they are counted for: a user's name at an address. Times are seconds of a clock that only
    goes forward."""

    _wrong: dict[str, tuple[int, float]] = field(factory=dict)

    def waits(self, of: str, now: float) -> float:
        """Seconds until the next try; 0 when it may be made."""
        count, last = self._wrong.get(of, (0, 0.0))
        return max(0.0, last + _pause(count) - now)

    def wrong(self, of: str, now: float) -> None:
        """A password was wrong."""
        count, last = self._wrong.pop(of, (0, now))
        self._wrong[of] = (1 if now - last > LONGEST else count + 1, now)
        if len(self._wrong) > MOST:
            del self._wrong[next(iter(self._wrong))]

    def right(self, of: str) -> None:
        """A password was right."""
        self._wrong.pop(of, None)


def _pause(count: int) -> float:
    return min(2.0 ** min(count - FREE, 10), LONGEST) if count >= FREE else 0.0
