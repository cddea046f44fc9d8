"""Disputes: what is in dispute is kept, however old, until it is settled (OPS-9)."""

from __future__ import annotations

from datetime import datetime

from infra.ledger.actions import Action
from infra.ledger.keeping import Dispute
from parsers.identifiers import centre as identifier
from pipeline.desk import Desk
from pipeline.journal import journaled
from pipeline.orders import with_name_and_reason
from pipeline.steps import RECORDED
from rules import terms


class KeepingError(ValueError):
    """What was asked for cannot be done; the message says why."""


@journaled
def dispute(
    desk: Desk, about: Dispute, now: datetime, who: str, why: str, settled: bool = False, how: str = terms.STATED
) -> bool:
    """OPS-9: keeps everything that `about` names until it is `settled`. Returns whether that is new; raises
    `KeepingError`."""
    with_name_and_reason(who, why, KeepingError)
    if not identifier.is_valid(about.centre):
        raise KeepingError(f"{about.centre} is not a centre number of five digits")
    if about.series and desk.catalogue.series_by_id(about.series) is None:
        raise KeepingError(f"there is no calendar for series {about.series}; write it as year and month")
    if (about in desk.keeping.disputes()) != settled:
        return False
    action = terms.SETTLED if settled else terms.DISPUTE
    desk.actions.record(
        Action(
            at=now, who=who, how=how, why=why, action=action, centre=about.centre, series=about.series, uci=about.uci
        )
    )
    RECORDED.passed()
    return True
