"""Plays a made-up season: files land and people act at their instants, and the desk's jobs run at the instants that the
calendar sets. The caller chooses who runs the jobs: Airflow or a test."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from attrs import frozen

from fixtures.season import JANUARY, JUNE, Event, Season
from infra.ledger.moderation import CohortName
from infra.store import FolderStore
from pipeline.desk import Desk
from pipeline.intake.staff import Entry, change_entry
from pipeline.marking import moderation
from pipeline.orders import Order
from pipeline.season.extensions import extend
from rules import terms
from rules.catalogue import Catalogue, CatalogueError


class RehearsalError(Exception):
    """The season cannot be played; the message says why."""


@frozen
class SeasonStep:
    """A job (the DAG's name), the instant of the season at which it runs (aware), and its purpose."""

    at: datetime
    job: str
    title: str
    series: str


def steps(catalogue: Catalogue) -> list[SeasonStep]:
    """The jobs of the season of May/June 2024 in order, at instants of the calendar."""

    def on(series: str, event: str, days: int = 0) -> datetime:
        meant = catalogue.series_by_id(series)
        latest = [
            date for date in catalogue.milestones if (date.series, date.event, date.component) == (series, event, "*")
        ]
        if meant is None or not latest:
            raise CatalogueError(f"the calendar has no {event} for {series}")
        return max(latest, key=lambda date: date.in_force_from).at + timedelta(days=days)

    january, june = JANUARY, JUNE
    return [
        SeasonStep(on(january, "window_closes"), "ingest", "registrations; January entries and marks", january),
        SeasonStep(on(january, "window_closes"), "moderation", "January samples drawn", january),
        SeasonStep(on(january, "moderation_closes", 14), "moderation", "January moderated; external marks", january),
        SeasonStep(on(june, "on_time_deadline"), "ingest", "June entries on time", june),
        SeasonStep(on(january, "results_to_centres", -7), "award", "January awarded and approved", january),
        SeasonStep(on(january, "results_to_centres"), "results_day", "January results to centres", january),
        SeasonStep(on(january, "results_to_learners"), "results_day", "January results to learners", january),
        SeasonStep(on(june, "marks_deadline", 8), "ingest", "late entries, amendments, portal, marks", june),
        SeasonStep(on(june, "marks_deadline", 8), "moderation", "June samples drawn", june),
        SeasonStep(on(june, "moderation_closes", -20), "moderation", "samples compared, feedback given", june),
        SeasonStep(on(june, "marks_amendment_deadline"), "ingest", "marks amended after feedback", june),
        SeasonStep(on(june, "moderation_closes", 10), "moderation", "adjustment proposed; external marks", june),
        SeasonStep(on(june, "results_to_centres", -7), "award", "June awarded and approved", june),
        SeasonStep(on(june, "results_to_centres"), "results_day", "June results to centres", june),
        SeasonStep(on(june, "results_to_learners"), "results_day", "June results to learners", june),
        SeasonStep(on(june, "results_to_learners", 12), "ingest", "late claims by customer services", june),
        SeasonStep(on(june, "results_to_learners", 12), "late_claims", "late claims awarded", june),
        SeasonStep(on(june, "results_to_learners", 13), "updated_results", "updated results file on request", june),
    ]


def late_centre(season: Season) -> str:
    """The centre that asks for an updated results file: that of the season's last claim."""
    return max(season.truth.claims, key=lambda claim: claim.at).centre


# --- What happens ----------------------------------------------------------------------------------------------------


def happen(desk: Desk, season: Season, event: Event) -> None:
    """Does what happens in `event`: a file lands with its instant, or a person acts. Repeating an event changes
    nothing, except that actions of staff are recorded twice. Raises `RehearsalError`."""
    facts = event.facts
    if event.kind == "staff":
        entry = Entry(event.centre, facts["series"], facts["candidate"], facts["uci"], facts["option"])
        key = change_entry(desk, "claim" if facts["action"] == "claim" else "entry", entry, _order(event))
        _touch(_folder(desk) / key, event.at)
    elif event.kind == "extension":
        until = datetime.fromisoformat(facts["until"])
        extend(desk, event.centre, facts["series"], facts["event"], until, _order(event))
    elif event.kind == "moderators":
        land(desk, event.name, season.moderators(facts["series"], list(_samples(desk, facts["series"]))), event.at)
    elif event.kind == "approval":
        cohort = CohortName(facts["series"], event.centre, facts["component"])
        moderation.approve(desk, cohort, facts["who"], facts["why"], event.at)
    else:
        land(desk, event.name, event.data, event.at)


def land(desk: Desk, key: str, data: bytes, at: datetime) -> None:
    """Puts a file into the store as its sender did at `at`: whole, and with that time from the start."""
    target = _folder(desk) / key
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    draft.write_bytes(data)
    _touch(draft, at)
    draft.replace(target)


def _touch(path: Path, at: datetime) -> None:
    os.utime(path, (at.timestamp(), at.timestamp()))


def _folder(desk: Desk) -> Path:
    if not isinstance(desk.store, FolderStore):
        raise RehearsalError("a season can only be played in a folder, where files can have the times of the season")
    return desk.store.root


def _order(event: Event) -> Order:
    return Order(event.facts["who"], event.facts["why"], event.at, terms.PLAYED)


def _samples(desk: Desk, series: str) -> Iterator[tuple[str, str, str, int]]:
    """Everybody in the samples in the outboxes: centre, component, UCI, the centre's mark."""
    for stored in desk.store.list("outbox/"):
        _, centre, *name = stored.key.split("/")
        if name and name[0].startswith(f"sample-{series}-") and name[0].endswith(".csv"):
            component = name[0].removeprefix(f"sample-{series}-").removesuffix(".csv")
            for row in csv.DictReader(io.StringIO(desk.store.get(stored.key).decode("ascii"))):
                yield centre, component, row["uci"], int(row["mark"])
