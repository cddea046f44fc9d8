"""What staff did: who, when and why (OPS-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, get_args

import polars as pl
import sqlalchemy as sa
from attrs import asdict, frozen
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on

from infra.ledger import sql
from infra.ledger.approvals import Signer, spoken
from infra.ledger.learners import every_uci, in_force, learners_at, led
from infra.ledger.tables import actions, submissions
from rules import terms
from rules.frames import ALLOWANCES, ASKED, HOLDS


@frozen(kw_only=True)
class Action:
    """One thing a member of staff did. `at` and `until` are aware; what does not apply is empty. `feed` is the text
    of the feed file that carries it, and `file_name` the name of that file. `how`: how the desk knows who it was."""

    at: datetime
    who: str
    why: str
    action: str
    centre: str
    series: str = ""
    uci: str = ""
    option: str = ""
    event: str = ""
    until: datetime | None = None
    number: int | None = None
    file_name: str = ""
    feed: str | None = None
    how: str = terms.STATED


@frozen(kw_only=True)
class Extension:
    """A deadline of a series, extended for a centre until `until` (the first instant after it): by whom, when, why."""

    centre: str
    series: str
    event: str
    until: datetime
    at: datetime
    who: str
    why: str


def ordered_by(file: Any) -> sa.ColumnElement[str]:
    """SQL for who has ordered a feed file of `submissions` (`file`: its columns): the order that wrote this very file.
    NULL where there is none, and only the file says who asked."""
    t = actions.c
    content = func.encode(func.sha256(func.convert_to(t.feed, "UTF8")), "hex")
    whose = select(spoken(t.who, t.how)).where(t.centre == file.centre, t.file_name == file.file_name)
    return whose.where(t.feed.is_not(None), content == file.sha256).limit(1).scalar_subquery()


class ActionBook:
    """The record of staff actions; rows are added, never changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def record(self, *done: Action) -> None:
        """Adds what was done, in one transaction, unless its feed file is on record already."""
        t, files = actions.c, [action.file_name for action in done if action.feed is not None]
        with self._engine.begin() as connection:
            there = select(t.id).where(t.feed.is_not(None), t.centre == done[0].centre, t.file_name.in_(files))
            if not connection.execute(there).first():
                connection.execute(insert(actions), [asdict(action) for action in done])

    def granted(self, done: Action) -> datetime | None:
        """When the same person granted the same for the same reason; None when nobody did."""
        t = actions.c
        same = ("action", "who", "how", "why", "centre", "series", "event", "until", "uci", "option", "number")
        query = select(t.at).where(*(t[name] == getattr(done, name) for name in same)).order_by(t.id).limit(1)
        with self._engine.connect() as connection:
            return connection.execute(query).scalar()

    def feeds_left(self, before: datetime) -> list[tuple[str, str, str]]:
        """Feed files of what was done before an instant (aware) that have not been received: centre, name, text."""
        t, s = actions.c, submissions.c
        received = (
            select(s.id).where(s.centre == t.centre, s.channel == terms.STAFF, s.file_name == t.file_name).exists()
        )
        query = select(t.centre, t.file_name, t.feed).where(t.feed.is_not(None), t.at < before, ~received)
        with self._engine.connect() as connection:
            return [(centre, name, feed) for centre, name, feed in connection.execute(query.order_by(t.id))]

    def extensions(self, centres: Sequence[str]) -> dict[tuple[str, str, str], datetime]:
        """Until when milestones are extended (CAL-3), by centre, series id and event."""
        return {(one.centre, one.series, one.event): one.until for one in self.extended(centres)}

    def extensions_at(self, received: Mapping[str, datetime]) -> dict[tuple[str, str, str], datetime]:
        """The same for files that were received at these instants (aware), one of each centre. What was in force at a
        receipt counts, whatever was taken back or made shorter since (CAL-2, CAL-3); so does what was granted since."""
        t = actions.c
        words = select(t.centre, t.series, t.event, t.at, t.until).where(
            t.action == terms.EXTENSION, t.centre.in_(sorted(received))
        )
        then: dict[tuple[str, str, str], datetime | None] = {}
        newest: dict[tuple[str, str, str], datetime | None] = {}
        with self._engine.connect() as connection:
            for centre, series, event, at, until in connection.execute(words.order_by(t.id)):
                newest[centre, series, event] = until
                if at <= received[centre]:
                    then[centre, series, event] = until
        ends = {key: [until for until in (end, then.get(key)) if until] for key, end in newest.items()}
        return {key: max(both) for key, both in ends.items() if both}

    def extended(self, centres: Sequence[str] | None = None, series: str = "") -> list[Extension]:
        """The extensions of these centres, or of all, in a series or in every one, by centre, series and event: the
        last word counts, which may be that there is none."""
        t = actions.c
        whose = (t.centre, t.series, t.event)
        who = spoken(t.who, t.how).label("who")
        newest = select(*whose, t.until, t.at, who, t.why).ext(distinct_on(*whose)).where(t.action == terms.EXTENSION)
        if centres is not None:
            newest = newest.where(t.centre.in_(centres))
        if series:
            newest = newest.where(t.series == series)
        with self._engine.connect() as connection:
            rows = connection.execute(newest.order_by(*whose, t.id.desc())).mappings()
            return [Extension(**row) for row in rows if row["until"] is not None]

    def allowances(self, centres: Sequence[str]) -> pl.DataFrame:
        """Extra sittings granted at these centres, or elsewhere to their learners (`rules.frames.ALLOWANCES`)."""
        t = actions.c
        granted = select(in_force(t.uci)).where(t.centre.in_(centres), t.action == terms.EXTRA_SITTING)
        whose = sa.union(learners_at(centres), granted).subquery()
        theirs = (t.uci == sa.any_(every_uci(whose.c.uci))) & (t.uci != "")
        held = sql.each(select(t.option, t.number).where(theirs, t.action == terms.EXTRA_SITTING))
        query = select(whose.c.uci, held).select_from(whose.join(held, sa.true()))
        return sql.look_up(self._engine, query, ALLOWANCES)

    def complete(self, series: str) -> pl.DataFrame:
        """Centres that said that a component's marks are complete in a series (MOD-3): `centre`, `component`."""
        t = actions.c
        query = (
            select(t.centre, t.option.label("component"))
            .distinct()
            .where(t.action == terms.MARKS_COMPLETE, t.series == series)
        )
        return sql.frame(self._engine, query, {"centre": pl.String, "component": pl.String})

    def holds(self, series: str) -> pl.DataFrame:
        """RES-8: what is withheld or was, in this series and before it (`rules.frames.HOLDS`), by number: the last word
        of each scope, and the last with which what was voided was given back."""
        t = actions.c
        words = (terms.WITHHELD, *get_args(terms.HoldWord))
        query = led(
            actions,
            t.action.label("state"),
            spoken(t.who, t.how).label("who"),
            only=("id", "series", "centre", "uci", "option", "at", "why"),
        ).where(t.action.in_(words), t.series <= series)
        rows = sql.frame(self._engine, query.order_by(t.id), HOLDS)
        back = pl.col("state") == terms.HOLD_GIVEN_BACK
        last = [last_of_each_scope(each) for each in (rows.filter(~back), rows.filter(back))]
        return pl.concat(last).select(*HOLDS).sort("id")

    def said_by(self, word: str, series: str, centre: str, uci: str, option: str) -> Signer | None:
        """Who said a word about results of exactly this scope last (RES-8): that they are withheld, voided; of a
        learner, whatever the centre is."""
        t = actions.c
        query = select(t.who, t.how).where(t.action == word, t.series == series, t.option == option)
        learner = t.uci == sa.any_(every_uci(sa.literal(uci)))
        query = query.where(learner if uci else (t.uci == "") & (t.centre == centre))
        with self._engine.connect() as connection:
            row = connection.execute(query.order_by(t.id.desc()).limit(1)).first()
        return Signer(*row) if row else None

    def certificates(self, series: str) -> pl.DataFrame:
        """Claims of a series with which a certificate was asked for (CRT-7; `rules.frames.ASKED`)."""
        t = actions.c
        asked = led(actions, only=("centre", "uci", "option")).distinct()
        query = asked.where(t.action == terms.CERTIFICATE, t.series == series)
        return sql.frame(self._engine, query, ASKED)

    def everything(self, centre: str) -> pl.DataFrame:
        """All actions about a centre, the newest first."""
        return sql.frame(self._engine, select(actions).where(actions.c.centre == centre).order_by(actions.c.id.desc()))


def last_of_each_scope(words: pl.DataFrame) -> pl.DataFrame:
    """Of words by number (`rules.frames.HOLDS`), the last about each scope; a learner's is the same at every
    centre."""
    centre = pl.when(pl.col("uci") == "").then("centre").otherwise(pl.lit(""))
    scope = pl.struct(pl.col("series"), centre.alias("centre"), pl.col("uci"), pl.col("option"))
    return words.with_columns(scope.alias("scope")).unique("scope", keep="last", maintain_order=True).drop("scope")
