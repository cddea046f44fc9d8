"""A whole season played through the desk's jobs without Airflow: each as its DAG does it, at its instant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from attrs import frozen

from fixtures.season import Season
from pipeline.awarding.award import approve_boundaries, award, take_boundaries
from pipeline.awarding.balance import balance
from pipeline.awarding.exception_approval import accept
from pipeline.centres.take import take_register
from pipeline.demo.rehearsal import SeasonStep, happen, late_centre, steps
from pipeline.desk import Desk
from pipeline.intake.ingest import ingest
from pipeline.marking import moderation, samples
from pipeline.marking.external import take_external
from pipeline.results import release
from pipeline.results.after_results import late_claims, updated

LONG_AGO = datetime(2023, 1, 1, tzinfo=UTC)


@frozen
class Played:
    """A desk on which a season was played."""

    desk: Desk
    season: Season

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the ledger answers."""
        with self.desk.ledger.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(query))]


def play(
    desk: Desk,
    season: Season,
    progress: Callable[[SeasonStep], object] | None = None,
    then: Callable[[SeasonStep], object] | None = None,
) -> Played:
    """Plays the season on an empty desk; `progress` is told of each job before it runs, `then` when it has run."""
    before = LONG_AGO
    for step in steps(desk.catalogue):
        for event in season.between(before, step.at):
            happen(desk, season, event)
        before = step.at
        if progress:
            progress(step)
        run_step(desk, season, step)
        if then:
            then(step)
    return Played(desk, season)


def run_step(desk: Desk, season: Season, step: SeasonStep) -> None:
    """Runs the jobs of a step."""
    series = desk.catalogue.series_by_id(step.series)
    assert series
    if step.job == "ingest":
        take_register(desk, step.at)
        ingest(desk, step.at)
    elif step.job == "moderation":
        _moderate(desk, step.at)
    elif step.job == "award":
        _award(desk, step)
    elif step.job == "results_day":
        release.release(desk, series, "learners" if "learners" in step.title else "centres", step.at)
    elif step.job == "late_claims":
        late_claims(desk, step.at)
    else:
        assert step.job == "updated_results"
        updated(desk, [late_centre(season)], step.at, series, "J. Clerk", "the centre asked for it")


def _moderate(desk: Desk, now: datetime) -> None:
    take_external(desk, now)
    for series in desk.catalogue.all_series():
        samples.sample(desk, series, now)
    moderation.take(desk, now)
    moderation.review(desk, now)


def _award(desk: Desk, step: SeasonStep) -> None:
    """The questions of the DAG are answered with yes."""
    series = desk.catalogue.series_by_id(step.series)
    assert series
    take_boundaries(desk, step.at)
    approve_boundaries(desk, series, "A. Approver", "as proposed", step.at)
    awarded = award(desk, series, step.at)
    assert awarded.warnings == ()
    # Marks that never came: their results are issued as pending, and somebody says so (AWD-7).
    for code, component, _ in balance(desk, awarded.awarding, step.at).blocking.iter_rows():
        accept(desk, f"{series.id} {code} {component}", "A. Approver", "the mark never came", step.at)
    built = release.build(desk, awarded.awarding, step.at)
    release.approve(desk, built.awarding, "A. Approver", "looked at", step.at)
