"""Every feed and the job that takes it: one generated test suite attacks every feed listed here (FIL-7)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from attrs import frozen

from pipeline.awarding import award
from pipeline.centres import take
from pipeline.desk import Desk
from pipeline.feeds import Feed
from pipeline.intake import ingest, staff
from pipeline.marking import external, moderation


@frozen
class Door:
    """A feed, and the job that takes the files of it that have settled at an instant (aware)."""

    feed: Feed
    take: Callable[[Desk, datetime], object]


DOORS = (
    Door(take.REGISTER, take.take_register),
    Door(ingest.PORTAL_FEED, ingest.ingest),
    Door(staff.STAFF_FEED, ingest.ingest),
    Door(external.EXTERNAL_MARKS, external.take_external),
    Door(moderation.MODERATORS_MARKS, moderation.take),
    Door(award.BOUNDARIES, award.take_boundaries),
)
