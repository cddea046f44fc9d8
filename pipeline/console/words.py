"""Figures, instants and states as the pages write them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pipeline.wording import lasting
from rules.calendar import instant_text
from rules.catalogue import LONDON, day_text


def number(value: int) -> str:
    """`12,345`."""
    return f"{value:,}"


def when(instant: datetime | None) -> str:
    """An instant in Europe/London; empty for None."""
    return instant_text(instant) if instant else ""


def until(left: timedelta) -> str:
    """`in 2 years 3 months`, `in 41 days`, `in 12 days 4 hours`, `in 35 minutes`, `3 days ago`: what matters."""
    said = lasting(left)
    return f"in {said}" if left > timedelta(0) else f"{said} ago"


def event(name: str) -> str:
    """`window_closes` as `window closes`."""
    return name.replace("_", " ")


def size(count: int) -> str:
    """`3,490 bytes`."""
    return f"{count:,} byte{'s' * (count != 1)}"


def last_day(end: datetime) -> str:
    """The last day in London before an instant: `Wednesday 21 August 2024`."""
    last = (end - timedelta(microseconds=1)).astimezone(LONDON)
    return f"{last:%A} {day_text(last.date())}"


FILTERS: dict[str, Callable[..., Any]] = {
    "number": number, "when": when, "until": until, "event": event, "size": size, "last_day": last_day,
}  # fmt: skip
