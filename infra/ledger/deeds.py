"""Who did what, over the whole desk (OPS-3): every table in which a person stands, as one list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import select

from infra.ledger.tables import (
    actions,
    approvals,
    centre_approvals,
    centre_keys,
    centres,
    erasures,
    hold_decisions,
    proposals,
    submissions,
)
from rules import terms
from rules.frames import INSTANT, Frame

ORDER = "order"
"""The source of a row of the register that a person ordered (`infra.ledger.register`)."""
DEEDS: Frame = {
    "at": INSTANT,
    "who": pl.String,
    "action": pl.String,
    "centre": pl.String,
    "about": pl.String,
    "why": pl.String,
}


@frozen(kw_only=True)
class Sought:
    """Which deeds: by whom, of which kind, about which centre, in `[since, until)` (aware). What is empty says
    nothing."""

    who: str = ""
    action: str = ""
    centre: str = ""
    since: datetime | None = None
    until: datetime | None = None


def deeds() -> sa.Subquery:
    """Every deed of a person (`DEEDS`); what the desk puts forward by itself is none. No names of learners."""
    a, h, s, k = actions.c, hold_decisions.c, submissions.c, centre_keys.c
    p, v, c, d, e = proposals.c, approvals.c, centres.c, centre_approvals.c, erasures.c
    none = sa.literal("")

    def said(*parts: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """The parts that there are, with spaces between them."""
        return sa.func.concat_ws(" ", *(sa.func.nullif(part, "") for part in parts))

    subject, number = said(p.kind, p.subject), sa.literal("file ") + sa.cast(h.submission_id, sa.Text)
    parts = (
        _deed(a.at, a.who, a.action, a.centre, said(a.series, a.option, a.event, a.file_name), a.why),
        _deed(h.at, h.who, sa.literal("held_file_") + h.action, s.centre, number, h.why).join(
            submissions, s.id == h.submission_id
        ),
        _deed(p.at, p.who, sa.literal("put_forward"), none, subject, none).where(p.how != terms.BY_THE_DESK),
        _deed(v.at, v.who, sa.literal("said_") + v.verdict, none, subject, v.why).join(
            proposals, p.id == v.proposal_id
        ),
        _deed(k.added_at, k.added_by, sa.literal("key_added"), k.centre, said(k.fingerprint, k.comment), k.added_why),
        _deed(k.removed_at, k.removed_by, sa.literal("key_removed"), k.centre, k.fingerprint, k.removed_why).where(
            k.removed_at.is_not(None)
        ),
        _deed(c.at, c.who, sa.literal("register_changed"), c.number, none, c.why).where(c.source == ORDER),
        _deed(d.at, d.who, sa.literal("approval_") + d.decision, d.centre, said(d.qualification, d.route), d.why).where(
            d.source == ORDER
        ),
        _deed(e.at, e.who, sa.literal("learner_forgotten"), none, none, e.why),
    )
    return sa.union_all(*parts).subquery("deeds")


def _deed(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return select(*(column.label(name) for name, column in zip(DEEDS, columns, strict=True)))


def of(sought: Sought) -> sa.Select[Any]:
    """The deeds that are sought, the newest first."""
    t = deeds().c
    where = [
        t.who == sought.who if sought.who else None,
        t.action == sought.action if sought.action else None,
        t.centre == sought.centre if sought.centre else None,
        t.at >= sought.since if sought.since else None,
        t.at < sought.until if sought.until else None,
    ]
    query = select(t.at, t.who, t.action, t.centre, t.about, t.why)
    return query.where(*(each for each in where if each is not None)).order_by(t.at.desc(), t.action, t.about)
