"""Who did what, over the whole desk (OPS-3): every table in which a person stands, as one list."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import frozen
from sqlalchemy import select

from infra.ledger import sql
from infra.ledger.approvals import spoken
from infra.ledger.tables import (
    actions,
    approvals,
    calendar_changes,
    centre_approvals,
    centre_keys,
    centres,
    correction_states,
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
    nothing. The newest first, or the `oldest`."""

    who: str = ""
    action: str = ""
    centre: str = ""
    since: datetime | None = None
    until: datetime | None = None
    oldest: bool = False


def _parts() -> list[sa.Select[Any]]:
    """Every deed of a person (`DEEDS`), a question for each table; what the desk does by itself is none. No names of
    learners."""
    a, h, s, k = actions.c, hold_decisions.c, submissions.c, centre_keys.c
    p, v, c, d, e = proposals.c, approvals.c, centres.c, centre_approvals.c, erasures.c
    m, t = calendar_changes.c, correction_states.c
    none = sa.literal("")
    added, removed = spoken(k.added_by, k.added_how), spoken(k.removed_by, k.removed_how)
    ended, decided = spoken(k.ends_by, k.ends_how), spoken(m.decided_who, m.decided_how)

    def said(*parts: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
        """The parts that there are, with spaces between them."""
        return sa.func.concat_ws(" ", *(sa.func.nullif(part, "") for part in parts))

    date, case = said(m.series, m.event, m.component), sa.literal("correction ") + sa.cast(t.number, sa.Text)
    subject, number = said(p.kind, p.subject), sa.literal("file ") + sa.cast(h.submission_id, sa.Text)
    return [
        _deed(a.at, _by(a), a.action, a.centre, said(a.series, a.option, a.event, a.file_name), a.why),
        _deed(h.at, _by(h), sa.literal("held_file_") + h.action, s.centre, number, h.why).join(
            submissions, s.id == h.submission_id
        ),
        _deed(p.at, _by(p), sa.literal("put_forward"), none, subject, none).where(p.how != terms.BY_THE_DESK),
        _deed(v.at, _by(v), sa.literal("said_") + v.verdict, none, subject, v.why).join(
            proposals, p.id == v.proposal_id
        ),
        _deed(
            k.added_at,
            added,
            sa.literal("key_added"),
            k.centre,
            said(k.fingerprint, k.comment),
            k.added_why,
        ),
        _deed(
            k.removed_at,
            removed,
            sa.literal("key_removed"),
            k.centre,
            k.fingerprint,
            k.removed_why,
        ).where(k.removed_at.is_not(None)),
        _deed(c.at, _by(c), sa.literal("register_changed"), c.number, none, c.why).where(c.source == ORDER),
        _deed(
            d.at,
            _by(d),
            sa.literal("approval_") + d.decision,
            d.centre,
            said(d.qualification, d.route),
            d.why,
        ).where(d.source == ORDER),
        _deed(k.ends_at, ended, sa.literal("key_rotated_out"), k.centre, k.fingerprint, k.ends_why).where(
            k.ends_at.is_not(None), k.ends_by.is_not(None)
        ),
        _deed(m.at, _by(m), sa.literal("date_asked_for"), none, date, m.why),
        _deed(m.decided_at, decided, sa.literal("date_") + m.decision, none, date, m.decided_why).where(
            m.decided_at.is_not(None)
        ),
        _deed(t.at, _by(t), sa.literal("correction_") + t.state, none, case, t.why).where(t.how != terms.BY_THE_DESK),
        _deed(e.at, _by(e), sa.literal("learner_forgotten"), none, none, e.why),
    ]


def _by(of: Any) -> sa.ColumnElement[str]:
    return spoken(of.who, of.how)


def _deed(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return select(*(column.label(name) for name, column in zip(DEEDS, columns, strict=True)))


def of(sought: Sought, last: int | None = None) -> sa.Select[Any]:
    """The deeds that are sought, in the order that is sought; with `last`, no more of a table than can be among so
    many."""
    some = _some(sought)
    if last is not None:
        some = [part.order_by(*_order(part.selected_columns, sought.oldest)).limit(last) for part in some]
    t = sa.union_all(*(select(part.subquery()) for part in some)).subquery("deeds").c
    query = select(t.at, t.who, t.action, t.centre, t.about, t.why)
    return query.order_by(*_order(t, sought.oldest))


def _order(columns: Any, oldest: bool) -> tuple[sa.ColumnElement[Any], ...]:
    """By time; of one instant always the same first, so that no page repeats what another had."""
    at = columns["at"].asc() if oldest else columns["at"].desc()
    return (at, *(columns[name] for name in ("action", "about", "who", "why")))


def count(sought: Sought) -> sa.Select[Any]:
    """How many deeds are sought."""
    counts = [select(sa.func.count()).select_from(part.subquery()).scalar_subquery() for part in _some(sought)]
    return select(sum(counts[1:], counts[0]))


def names(column: str) -> sa.CompoundSelect[Any]:
    """Everybody who did anything (`who`), or everything that was done (`action`): among many actions looked up one
    after another, as each has its index."""
    a, (_, *others) = actions.c, _parts()
    first = (
        select(spoken(a.who, a.how).label("who"))
        if column == "who"
        else select(sql.distinct_values(a.action).c.value.label("action"))
    )
    each = (select(part.subquery().c[column]) for part in others)
    return sa.union(first, *each).order_by(column)


def _some(sought: Sought) -> list[sa.Select[Any]]:
    """The parts, each with what is sought: a condition on the whole would be met only after all rows were read."""
    found = []
    for part in _parts():
        t = part.selected_columns
        where = [
            t["who"] == sought.who if sought.who else None,
            t["action"] == sought.action if sought.action else None,
            t["centre"] == sought.centre if sought.centre else None,
            t["at"] >= sought.since if sought.since else None,
            t["at"] < sought.until if sought.until else None,
        ]
        found.append(part.where(*(each for each in where if each is not None)))
    return found
