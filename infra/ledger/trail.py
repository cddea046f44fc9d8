"""Everything the ledger knows of one learner, with the files it came in (RES-5)."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Engine, Select, any_, literal, select, union

from infra.ledger import sql
from infra.ledger.actions import ordered_by
from infra.ledger.approvals import spoken
from infra.ledger.learners import at_centre, every_uci, led
from infra.ledger.tables import (
    actions,
    awardings,
    awards,
    choices,
    entries,
    marks,
    registrations,
    release_files,
    submissions,
)
from rules import terms


class Trail:
    """Access to the history of single learners."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def learners(self, centre: str, candidate: str, series: str | None = None) -> list[tuple[str, str]]:
        """The UCIs in force of those to whom a candidate number of a centre belonged, each with its series, the newest
        series first."""
        every = []
        for table in (registrations, entries):
            t = table.c
            query = led(table, only=("uci", "series")).where(at_centre(table, centre), t.candidate == candidate)
            every.append(query.where(t.series == series) if series else query)
        with self._engine.connect() as connection:
            rows = connection.execute(union(*every)).all()
        return sorted(((uci, of) for uci, of in rows), key=itemgetter(1), reverse=True)

    def registered(self, uci: str) -> pl.DataFrame:
        """Every registration: `centre`, `series`, `candidate`, `option`, and of its file `file_name`, `line`,
        `received`, `channel`, `ordered_by` (`infra.ledger.actions.ordered_by`); `ended_by`, the name of the file that
        ended it, or null."""
        return self._held(registrations, uci)

    def entered(self, uci: str) -> pl.DataFrame:
        """Every entry and claim, as `registered`, with `kind`, `band` and `pence`."""
        return self._held(entries, uci, "kind", "band", "pence")

    def _held(self, table: Any, uci: str, *more: str) -> pl.DataFrame:
        t, s, e = table.c, submissions.c, submissions.alias("ending")
        query = (
            select(
                t.centre, t.series, t.candidate, t.option, t.line, *(t[name] for name in more), s.file_name, s.received,
                s.channel, ordered_by(s).label("ordered_by"), e.c.file_name.label("ended_by"),
                e.c.received.label("ended_at"),
            )
            .join(submissions, s.id == t.submission_id)
            .outerjoin(e, e.c.id == t.ended_by)
            .where((_of(t.uci, uci) & t.ended_by.is_(None)) | (_of(t.uci, uci) & t.ended_by.is_not(None)))
            .order_by(t.series, t.option, t.id)
        )  # fmt: skip
        return self._frame(query)

    def marks(self, uci: str) -> pl.DataFrame:
        """Every version of every mark: `id`, `centre`, `series`, `component`, `version`, `stage`, `mark`, `status`,
        `source`, `line`, `received`, and `file_name` where the source is a centre's file."""
        m, s = marks.c, submissions.c
        # Marks that moved with the learner came in a file of another centre (REG-8).
        its_file = (
            select(s.file_name)
            .where(s.sha256 == m.source, s.booked)
            .order_by((s.centre == m.centre).desc(), s.id)
            .limit(1)
            .correlate(marks)
            .scalar_subquery()
        )
        query = (
            select(
                m.id, m.centre, m.series, m.component, m.version, m.stage, m.mark, m.status, m.source, m.line,
                m.received, its_file.label("file_name"),
            )
            .where(_of(m.uci, uci))
            .order_by(m.series, m.component, m.version)
        )  # fmt: skip
        came = ["series", "component", "version", "stage", "mark", "status", "source", "line", "received"]
        return self._frame(query).unique(came, keep="last", maintain_order=True)

    def moved(self, uci: str) -> pl.DataFrame:
        """When the learner was moved to another centre, by whom and why: `at`, `who`, `how`, `why`, `event` (`64123 to
        58201`), `number`, the candidate number there."""
        t = actions.c
        query = select(t.at, t.who, t.how, t.why, t.event, t.number).where(
            _of(t.uci, uci), t.action == terms.LEARNER_TRANSFERRED
        )
        # It is on record for both centres.
        return self._frame(query.distinct().order_by(t.at))

    def awarded(self, uci: str) -> pl.DataFrame:
        """Every award and refusal of an award, with its awarding: `series`, `version`, `state`, `kind`, `at`,
        `decided_by`, `decided_at`, and the columns of the table of awards, the oldest first."""
        a, w = awards.c, awardings.c
        of = [w.series, w.version, w.state, w.kind, w.at, w.decided_by, w.decided_at]
        query = (
            select(*of, *a).join(awardings, w.id == a.awarding_id).where(_of(a.uci, uci)).order_by(w.series, w.version)
        )
        return self._frame(query)

    def chosen(self, uci: str) -> pl.DataFrame:
        """Every sitting considered in an awarding: the columns of the table of choices."""
        c, a = choices.c, awards.c
        decided = select(a.awarding_id, a.centre, a.uci).distinct().where(_of(a.uci, uci)).subquery()
        d = decided.c
        query = select(choices).join(
            decided, (c.awarding_id == d.awarding_id) & (c.centre == d.centre) & (c.uci == d.uci)
        )
        return self._frame(query.order_by(c.awarding_id, c.component, c.series))

    def published(self, centre: str, series: Sequence[str]) -> pl.DataFrame:
        """Results files of a centre: `awarding_id`, `place`, `series`, `published_at`."""
        f = release_files.c
        query = select(f.awarding_id, f.place, f.series, f.published_at).where(
            f.centre == centre, f.series.in_(series), f.published_at.is_not(None)
        )
        return self._frame(query.order_by(f.series, f.awarding_id, f.place))

    def done(self, uci: str) -> pl.DataFrame:
        """What staff did about the learner (OPS-3): `at`, `who`, `why`, `action`, `series`, `option`."""
        t = actions.c
        query = select(t.at, spoken(t.who, t.how).label("who"), t.why, t.action, t.series, t.option).where(
            _of(t.uci, uci), t.uci != ""
        )
        return self._frame(query.order_by(t.at))

    def _frame(self, query: Select[Any]) -> pl.DataFrame:
        return sql.frame(self._engine, query)


def _of(column: ColumnElement[str], uci: str) -> ColumnElement[bool]:
    """Rows of the learner whose UCI in force is `uci`, under whatever UCI they came."""
    return column == any_(every_uci(literal(uci)))
