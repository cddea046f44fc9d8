"""Which DAGs run at which dates of the calendar: declared once, for the DAGs and for whoever moves a date (CAL-7)."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen


@frozen(kw_only=True)
class Schedule:
    """A DAG runs at the dates of `events` of every exam series, so many days before each, and with `daily` every day at
    that hour too, Europe/London."""

    events: tuple[str, ...]
    days_before: tuple[int, ...] = ()
    daily: int | None = None


SCHEDULES: Mapping[str, Schedule] = {
    # Leaves time to look, award again and build again before results day. Our own choice.
    "award": Schedule(events=("results_to_centres",), days_before=(7,)),
    # Leaves time to print and send them; afterwards, what has changed since. Our own choice.
    "certificates": Schedule(events=("certificates_due",), days_before=(28,), daily=6),
    # While there is still time to put things right (OPS-1).
    "checkpoints": Schedule(events=("on_time_deadline", "window_closes", "marks_deadline"), days_before=(14, 3)),
    # While there is still time to claim (OPS-5).
    "claim_lists": Schedule(events=("results_to_learners", "late_claims_close"), days_before=(14, 3), daily=7),
    "moderation": Schedule(events=("marks_deadline", "marks_amendment_deadline"), daily=5),
    "results_day": Schedule(events=("results_to_centres", "results_to_learners")),
}
"""The DAGs of the calendar, by name."""
