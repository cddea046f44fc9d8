"""Cohorts and samples in the ledger: what moderation reads and writes (MOD-1, MOD-2, MRK-2).

A cohort goes through its states in transactions that lock its row first, so a step that is repeated, or taken by two
runs at once, is done once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import sqlalchemy as sa
from attrs import asdict, frozen
from sqlalchemy import Connection, Engine, Select, func, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger import sql
from infra.ledger.actions import Action
from infra.ledger.learners import every_uci, led
from infra.ledger.marks import add, newest_marks
from infra.ledger.tables import actions, cohorts, draws, entries, marks, moderator_marks, samples
from rules import terms
from rules.frames import INSTANT, Frame

SAMPLE: Frame = {
    "candidate": pl.String,
    "uci": pl.String,
    "reason": pl.String,
    "centre_mark": pl.Int64,
    "moderated_mark": pl.Int64,
}
SAMPLED: Frame = {
    "cohort_id": pl.Int64,
    "series": pl.String,
    "centre": pl.String,
    "component": pl.String,
    "state": pl.String,
    "uci": pl.String,
    "moderated_mark": pl.Int64,
}
DRAWN: Frame = {
    "cohort_id": pl.Int64,
    "series": pl.String,
    "centre": pl.String,
    "component": pl.String,
    "uci": pl.String,
    "reason": pl.String,
    "centre_mark": pl.Int64,
}
LEARNERS: Frame = {
    "series": pl.String,
    "centre": pl.String,
    "component": pl.String,
    "candidate": pl.String,
    "uci": pl.String,
    "mark": pl.Int64,
}


@frozen
class CohortName:
    """The name of a cohort wherever people or files speak of it. Its number in the ledger is not used for that: it
    differs when a season is played again (RES-6)."""

    series: str
    centre: str
    component: str

    def __str__(self) -> str:
        return f"{self.series} {self.centre} {self.component}"


@frozen(kw_only=True)
class Cohort:
    """One centre's learners in one component and series. `state` is sampled, agreed, feedback, proposed or adjusted;
    times are aware."""

    id: int
    centre: str
    series: str
    component: str
    state: str
    size: int
    tolerance: int | None
    adjustment: Mapping[str, Any] | None
    sampled_at: datetime
    feedback_until: datetime | None

    @property
    def name(self) -> CohortName:
        """Its name."""
        return CohortName(self.series, self.centre, self.component)


@frozen(kw_only=True)
class Drawn:
    """A draw: when (aware), why, and from how many learners."""

    at: datetime
    why: str
    size: int


class Moderation:
    """Access to cohorts and samples. What changes them takes a connection from `transaction`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Applies all of the block or none of it."""
        with self._engine.begin() as connection:
            yield connection

    # --- Reading -----------------------------------------------------------------------------------------------------

    def undrawn(self, series: str) -> pl.DataFrame:
        """The learners of every cohort without a sample (`LEARNERS`): entered, and with a mark of the centre's as their
        newest."""
        newest = newest_marks().where(marks.c.series == series).subquery()
        t, e = newest.c, led(entries).where(entries.c.ended_by.is_(None)).subquery().c
        held = select(e.id).where(e.centre == t.centre, e.series == t.series, e.uci == t.uci, e.option == t.component)
        drawn = select(cohorts.c.id).where(
            cohorts.c.centre == t.centre, cohorts.c.series == t.series, cohorts.c.component == t.component
        )
        query = select(t.series, t.centre, t.component, t.candidate, t.uci, t.mark).where(
            t.mark.is_not(None), t.stage.in_(terms.CENTRE_STAGES), held.exists(), ~drawn.exists()
        )
        return sql.frame(self._engine, query, LEARNERS)

    def changed(self, series: str, booked_within: timedelta = timedelta(days=7)) -> tuple[pl.DataFrame, pl.DataFrame]:
        """MOD-3: the cohorts of a series whose sample was drawn and never led to feedback, and of which a mark or a
        learner (REG-8) came or an entry ended since: their learners as they are now (`LEARNERS`), and their samples
        (`DRAWN`). Of a cohort that is agreed, an ended entry changes nothing. `booked_within`: how long a file may wait
        before its marks are booked."""
        c, m, e = cohorts.c, marks.c, entries.c
        of = (m.centre == c.centre) & (m.series == c.series) & (m.component == c.component)
        marked = select(m.id).where(of, m.received > c.sampled_at - booked_within).exists()
        came = select(actions.c.id).where(
            actions.c.centre == c.centre, actions.c.action == terms.LEARNER_TRANSFERRED, actions.c.at > c.sampled_at
        )
        later = marked | came.exists()
        held = select(e.id).where(
            e.centre == c.centre, e.series == c.series, e.uci == samples.c.uci, e.option == c.component,
            e.ended_by.is_(None),
        )  # fmt: skip
        left = select(samples.c.uci).where(samples.c.cohort_id == c.id, ~held.exists()).exists()
        wanted = select(c.id).where(
            c.series == series,
            ((c.state == terms.SAMPLED) & (later | left))
            | ((c.state == terms.AGREED) & c.feedback_until.is_(None) & later),
        )
        query = (
            select(samples.c.cohort_id, c.series, c.centre, c.component, samples.c.uci, samples.c.reason,
                   samples.c.centre_mark)
            .join(samples, samples.c.cohort_id == c.id)
            .where(c.id.in_(wanted))
        )  # fmt: skip
        return self._learners_of(series, wanted), sql.frame(self._engine, query, DRAWN)

    def _learners_of(self, series: str, cohort_ids: Select[tuple[int]]) -> pl.DataFrame:
        """The learners with a mark of the centre's as their newest; of cohorts that wait for the moderator, those still
        entered."""
        newest = newest_marks().where(marks.c.series == series).subquery()
        t, c, e = newest.c, cohorts.c, entries.c
        held = select(e.id).where(
            e.centre == t.centre, e.series == t.series, e.uci == t.uci, e.option == t.component, e.ended_by.is_(None)
        )
        query = (
            select(t.series, t.centre, t.component, t.candidate, t.uci, t.mark)
            .join(cohorts, (c.centre == t.centre) & (c.series == t.series) & (c.component == t.component))
            .where(
                c.id.in_(cohort_ids), t.mark.is_not(None), t.stage.in_(terms.CENTRE_STAGES),
                held.exists() | (c.state == terms.AGREED),
            )
        )  # fmt: skip
        return sql.frame(self._engine, query, LEARNERS)

    def complete(self) -> list[int]:
        """Ids of the sampled cohorts whose every sampled learner has the moderator's mark."""
        c, s = cohorts.c, samples.c
        missing = select(s.uci).where(s.cohort_id == c.id, s.moderated_mark.is_(None))
        query = select(c.id).where(c.state == terms.SAMPLED, ~missing.exists()).order_by(c.id)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def sampled(self, keys: pl.DataFrame) -> pl.DataFrame:
        """The samples of the cohorts in `keys` (`series`, `centre`, `component`) as `SAMPLED`."""
        wanted = (
            func.unnest(
                *(sa.cast(keys[name].to_list(), sa.ARRAY(sa.Text)) for name in ("series", "centre", "component"))
            )
            .table_valued("series", "centre", "component")
            .render_derived()
        )
        t, held = cohorts.c, led(samples).subquery()
        query = (
            select(
                t.id.label("cohort_id"), t.series, t.centre, t.component, t.state, held.c.uci,
                held.c.moderated_mark,
            )
            .join(held, held.c.cohort_id == t.id)
            .join(
                wanted,
                (wanted.c.series == t.series) & (wanted.c.centre == t.centre) & (wanted.c.component == t.component),
            )
        )  # fmt: skip
        return sql.frame(self._engine, query, SAMPLED)

    def waiting(self, state: str, until: datetime) -> list[int]:
        """Ids of the cohorts in `state` whose time for amending ended at `until` or before."""
        t = cohorts.c
        query = select(t.id).where(t.state == state, t.feedback_until <= until).order_by(t.id)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def marked_since(self, series: str | None = None) -> list[int]:
        """Ids of the cohorts, of one series or of all, whose sample was compared after feedback, that are not adjusted,
        and of which a mark of the centre's came since: an extension of the deadline for marks takes one at any time
        (CAL-3)."""
        c, m = cohorts.c, marks.c
        later = select(m.id).where(
            m.centre == c.centre, m.series == c.series, m.component == c.component, m.stage.in_(terms.CENTRE_STAGES),
            m.received > c.compared_at,
        )  # fmt: skip
        states = (terms.PROPOSED, terms.AGREED)
        query = select(c.id).where(c.state.in_(states), c.feedback_until.is_not(None), later.exists()).order_by(c.id)
        query = query if series is None else query.where(c.series == series)
        with self._engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def undecided(self, series: str) -> dict[str, int]:
        """How many cohorts of a series are neither agreed nor adjusted, by state."""
        t = cohorts.c
        query = select(t.state, func.count()).where(
            t.series == series, t.state.in_((terms.SAMPLED, terms.FEEDBACK, terms.PROPOSED))
        )
        with self._engine.connect() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(t.state).order_by(t.state))}

    def standing(self, series: str) -> pl.DataFrame:
        """Every cohort of a series with its state: `centre`, `component`, `state`."""
        t = cohorts.c
        kinds = {"centre": pl.String, "component": pl.String, "state": pl.String}
        query = select(t.centre, t.component, t.state).where(t.series == series).order_by(t.centre, t.component)
        return sql.frame(self._engine, query, kinds)

    def cohorts(self, ids: Sequence[int]) -> list[Cohort]:
        """These cohorts, by series, centre and component."""
        t = cohorts.c
        query = _cohort().where(t.id.in_(ids)).order_by(t.series, t.centre, t.component)
        with self._engine.connect() as connection:
            return [Cohort(**row) for row in connection.execute(query).mappings()]

    def cohort(self, name: CohortName) -> Cohort | None:
        """The cohort of that name; None when there is none."""
        with self._engine.connect() as connection:
            row = connection.execute(_cohort().where(*_named(name))).mappings().one_or_none()
        return Cohort(**row) if row else None

    def proposed(self) -> list[CohortName]:
        """The cohorts with an adjustment that waits for a decision, by series, centre and component."""
        t = cohorts.c
        query = select(t.series, t.centre, t.component).where(t.state == terms.PROPOSED)
        with self._engine.connect() as connection:
            rows = connection.execute(query.order_by(t.series, t.centre, t.component))
            return [CohortName(*row) for row in rows]

    # --- Within a transaction ----------------------------------------------------------------------------------------

    def locked(self, connection: Connection, cohort_id: int) -> Cohort | None:
        """The cohort, whose row nobody else changes until the transaction ends; None when there is none."""
        return _locked(connection, cohorts.c.id == cohort_id)

    def named(self, connection: Connection, name: CohortName) -> Cohort | None:
        """The same, of the cohort of that name."""
        return _locked(connection, *_named(name))

    def open(self, connection: Connection, sample: pl.DataFrame, sizes: pl.DataFrame, now: datetime) -> pl.DataFrame:
        """Books samples and their cohorts; returns those of `sample` that are new. `sample` has `LEARNERS` and
        `reason`, `sizes` has `series`, `centre`, `component`, `size` and `why` of each cohort."""
        key = ["series", "centre", "component"]
        columns = {"state": terms.SAMPLED, "sampled_at": now}
        new = connection.execute(
            insert(cohorts).on_conflict_do_nothing().returning(cohorts.c.id, *(cohorts.c[name] for name in key)),
            [row | columns for row in sizes.drop("why").iter_rows(named=True)],
        ).all()
        ids = pl.DataFrame(new, schema={"cohort_id": pl.Int64} | dict.fromkeys(key, pl.String), orient="row")
        drawn = sample.join(ids, on=key, maintain_order="left")
        names = ["cohort_id", "uci", "candidate", "reason", pl.col("mark").alias("centre_mark")]
        sql.copy(connection, samples, drawn.select(names))
        for cohort_id, why in ids.join(sizes, on=key).select("cohort_id", "why").sort("cohort_id").iter_rows():
            _keep_draw(connection, cohort_id, drawn.filter(pl.col("cohort_id") == cohort_id), why, now)
        return drawn.drop("cohort_id")

    def open_again(self, connection: Connection, name: CohortName, sample: pl.DataFrame, drawn: Drawn) -> bool:
        """MOD-3: puts another sample in the place of a cohort's; the moderator's marks of learners who stay in it are
        kept, and so is the sample before it, among the draws. `sample` has `LEARNERS` and `reason`. False when the
        cohort has gone on meanwhile."""
        cohort = self.named(connection, name)
        if cohort is None or cohort.state not in (terms.SAMPLED, terms.AGREED) or cohort.feedback_until is not None:
            return False
        s = samples.c
        before = connection.execute(select(s.uci, s.candidate, s.moderated_mark).where(s.cohort_id == cohort.id)).all()
        moderated = {row.uci: row.moderated_mark for row in before}
        stay = set(sample["uci"])
        left = [row.candidate for row in before if row.moderated_mark is not None and row.uci not in stay]
        connection.execute(samples.delete().where(s.cohort_id == cohort.id))
        rows = sample.select(
            pl.lit(cohort.id).alias("cohort_id"), "uci", "candidate", "reason", pl.col("mark").alias("centre_mark"),
            pl.Series("moderated_mark", [moderated.get(uci) for uci in sample["uci"]], dtype=pl.Int64),
        )  # fmt: skip
        sql.copy(connection, samples, rows)
        if left:
            said = [{"cohort_id": cohort.id, "candidate": candidate, "mark": None} for candidate in sorted(left)]
            connection.execute(insert(moderator_marks), said)
        values = {"state": terms.SAMPLED, "size": drawn.size, "sampled_at": drawn.at}
        connection.execute(cohorts.update().where(cohorts.c.id == cohort.id).values(values))
        _keep_draw(connection, cohort.id, sample, drawn.why, drawn.at)
        return True

    def moderated(self, connection: Connection, good: pl.DataFrame) -> None:
        """Writes the moderator's marks: `cohort_id`, `uci`, `mark`. Those of a cohort that has been compared stay."""
        ids = sorted(good["cohort_id"].unique())
        open_ids = list(
            connection.execute(
                select(cohorts.c.id)
                .where(cohorts.c.id.in_(ids), cohorts.c.state == terms.SAMPLED)
                .order_by(cohorts.c.id)
                .with_for_update()
            ).scalars()
        )
        rows = good.filter(pl.col("cohort_id").is_in(open_ids))
        given = sql.listed(rows, {"cohort_id": sa.BigInteger(), "uci": sa.Text(), "mark": sa.Integer()})
        s = samples.c
        new = (
            samples.update()
            .values(moderated_mark=given.c.mark)
            .where(s.cohort_id == given.c.cohort_id, s.uci == sa.any_(every_uci(given.c.uci)))
            .where(s.moderated_mark.is_distinct_from(given.c.mark))
            .returning(s.cohort_id, s.candidate, s.moderated_mark)
            .cte("new")
        )
        kept = select(new).order_by(new.c.cohort_id, new.c.candidate)
        connection.execute(insert(moderator_marks).from_select(["cohort_id", "candidate", "mark"], kept))

    def sample(self, connection: Connection, cohort: Cohort) -> pl.DataFrame:
        """A cohort's sample by candidate number (`SAMPLE`). `centre_mark` is the centre's newest, or that of the draw
        where none is left."""
        newest, t = newest_marks().where(*_of(cohort)).subquery(), led(samples).subquery().c
        query = (
            select(
                t.candidate, t.uci, t.reason, func.coalesce(newest.c.mark, t.centre_mark).label("centre_mark"),
                t.moderated_mark,
            )
            .outerjoin(newest, (newest.c.uci == t.uci) & newest.c.stage.in_(terms.CENTRE_STAGES))
            .where(t.cohort_id == cohort.id)
            .order_by(t.candidate, t.uci)
        )  # fmt: skip
        return sql.rows(connection, query, SAMPLE)

    def step(self, connection: Connection, cohort_id: int, state: str, **values: Any) -> None:
        """Puts a locked cohort into its next state; `values` are other columns to set."""
        connection.execute(cohorts.update().where(cohorts.c.id == cohort_id).values(state=state, **values))

    def own_marks(self, connection: Connection, cohort: Cohort) -> pl.DataFrame:
        """`candidate`, `uci`, `version`, `mark`, `received`: the newest of every learner of the cohort, where it is a
        mark of the centre's own."""
        newest = newest_marks().where(*_of(cohort)).subquery()
        t = newest.c
        own = (t.mark.is_not(None), t.stage.in_(terms.CENTRE_STAGES))
        query = select(t.candidate, t.uci, t.version, t.mark, t.received).where(*own)
        schema = {"candidate": pl.String, "uci": pl.String, "version": pl.Int64, "mark": pl.Int64, "received": INSTANT}
        return sql.rows(connection, query, schema)

    def adjust(self, connection: Connection, cohort: Cohort, adjusted: pl.DataFrame, now: datetime) -> None:
        """Adds a version of stage `adjusted` for every row of `own_marks` with its `adjusted` mark (MRK-2)."""
        rows = adjusted.select(
            "candidate", "uci", pl.col("version") + 1, pl.col("adjusted").alias("mark"),
            centre=pl.lit(cohort.centre), series=pl.lit(cohort.series), component=pl.lit(cohort.component),
            stage=pl.lit(terms.ADJUSTED), status=pl.lit(""), source=pl.lit("moderation"), line=pl.lit(0),
            received=pl.lit(now.isoformat()),
        )  # fmt: skip
        add(connection, rows)

    def act(self, connection: Connection, action: Action) -> None:
        """Records what a person did (OPS-3), in the transaction in which it takes effect."""
        connection.execute(actions.insert().values(asdict(action)))


def _of(cohort: Cohort) -> tuple[sa.ColumnElement[bool], ...]:
    t = marks.c
    return t.centre == cohort.centre, t.series == cohort.series, t.component == cohort.component


def _named(name: CohortName) -> tuple[sa.ColumnElement[bool], ...]:
    t = cohorts.c
    return t.series == name.series, t.centre == name.centre, t.component == name.component


def _cohort() -> Select[Any]:
    t = cohorts.c
    return select(
        t.id, t.centre, t.series, t.component, t.state, t.size, t.tolerance, t.adjustment, t.sampled_at,
        t.feedback_until,
    )  # fmt: skip


def _locked(connection: Connection, *which: sa.ColumnElement[bool]) -> Cohort | None:
    row = connection.execute(_cohort().where(*which).with_for_update()).mappings().one_or_none()
    return Cohort(**row) if row else None


def _keep_draw(connection: Connection, cohort_id: int, sample: pl.DataFrame, why: str, drawn_at: datetime) -> None:
    """Adds a draw to those of its cohort."""
    d = draws.c
    before = connection.execute(select(func.max(d.number)).where(d.cohort_id == cohort_id)).scalar() or 0
    columns = ["uci", "candidate", "reason", pl.col("mark").alias("centre_mark")]
    rows = sample.select(columns).sort("candidate", "uci").with_columns(
        cohort_id=pl.lit(cohort_id), number=pl.lit(before + 1), why=pl.lit(why), drawn_at=pl.lit(drawn_at.isoformat())
    )  # fmt: skip
    sql.copy(connection, draws, rows)
