"""The open desk as the console keeps it between requests, and the series a page is about."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock

from attrs import define, evolve, field
from fastapi import HTTPException
from sqlalchemy import Engine

from infra.ledger.actions import Action
from infra.running.airflow_state import airflow_engine
from infra.settings import Settings
from pipeline.awarding.award import Ground, ground
from pipeline.awarding.what_if import Standing, standing
from pipeline.catalogue_in_use import in_use
from pipeline.console.snapshots import Snapshot, Snapshots
from pipeline.console.tokens import Tokens
from pipeline.desk import Desk, open_desk, up_to_date
from rules import checkpoints, terms
from rules.catalogue import Catalogue, Series


def current(catalogue: Catalogue, now: datetime) -> Series:
    """The current exam series: the first whose late claims have not ended, otherwise the last."""
    every = catalogue.all_series()
    for series in every:
        end = catalogue.milestone(series, "late_claims_close", now)
        if end is None or now < end.at:
            return series
    return every[-1]


@define
class Console:
    """The open desk and what is kept between requests."""

    settings: Settings
    clock: Callable[[], datetime]
    tokens: Tokens = field(factory=lambda: Tokens.of(""))
    _desk: Desk | None = None
    _edition: float = 0.0
    _open: ExitStack = field(factory=ExitStack)
    _snapshots: Snapshots | None = None
    _ground: tuple[object, Ground] | None = None
    _standing: dict[str, Standing] = field(factory=dict)
    _marks: dict[tuple[str, str], tuple[object, Mapping[int, int]]] = field(factory=dict)
    _lock: Lock = field(factory=Lock)

    def desk(self) -> Desk:
        """The desk, opened at the first request, with the catalogue as its files and staff have it now."""
        with self._lock:
            edition = max((file.stat().st_mtime for file in Path(self.settings.catalogue).iterdir()), default=0.0)
            if self._desk is None:
                self._desk, self._edition = self._open.enter_context(open_desk(self.settings)), edition
            elif edition != self._edition:
                found = in_use(self.settings)
                self._desk = evolve(self._desk, catalogue=found.catalogue, catalogue_fault=found.fault)
                self._edition = edition
            self._desk = up_to_date(self._desk)
            return self._desk

    @cached_property
    def airflow(self) -> Engine:
        """For questions about Airflow's tables."""
        return airflow_engine(self.settings)

    def series(self, desk: Desk, asked: str) -> Series:
        """The series that is asked for, the current one if none is; raises `HTTPException` when there is none such."""
        if not asked:
            return current(desk.catalogue, self.clock())
        found = desk.catalogue.series_by_id(asked)
        if found is None or found.purpose != terms.ENTRY:
            raise HTTPException(404, "There is no such series.")
        return found

    def snapshot(self, desk: Desk, series: Series) -> Snapshot:
        """How far every centre is in a series."""
        with self._lock:
            if self._snapshots is None:
                self._snapshots = Snapshots(desk.console, lambda of: _silent(desk, of))
        return self._snapshots.of(series, self.clock)

    def ground(self, desk: Desk, series: Series) -> Ground:
        """What results of a series rest on, with the newest boundaries, approved or not; kept until the ledger has
        changed, so that one boundary after another can be tried. Raises `AwardError`."""
        tables = desk.results.conversions(series.id, approved=False)
        state = (series.id, desk.console.state(), [table.sha256 for table in tables])
        if self._ground is None or self._ground[0] != state:
            self._ground, self._standing = (state, ground(desk, series, approved=False)), {}
        return self._ground[1]

    def standing(self, desk: Desk, rests_on: Ground, component: str) -> Standing:
        """The subject of a component as it stands on the newest `ground`, kept as long."""
        if component not in self._standing:
            self._standing[component] = standing(rests_on, desk.catalogue, [component], self.clock())
        return self._standing[component]

    def marks(self, desk: Desk, series: Series, component: str) -> Mapping[int, int]:
        """How many learners have each raw mark of a component; kept until the ledger has changed."""
        state, key = desk.console.state(), (series.id, component)
        if key not in self._marks or self._marks[key][0] != state:
            self._marks[key] = (state, desk.console.boundaries(series.id, component))
        return self._marks[key][1]

    def note_shown(self, desk: Desk, who: str, why: str, centre: str, what: str) -> None:
        """Records that personal data was shown (OPS-3); raises `HTTPException` when no reason was given."""
        if not why.strip():
            raise HTTPException(400, "Say why you need the personal data: your reason is recorded.")
        desk.actions.record(
            Action(
                at=self.clock(),
                who=who,
                how=terms.BY_CONSOLE,
                why=why.strip()[:500],
                action=terms.PERSONAL_DATA,
                centre=centre,
                file_name=what,
            )
        )


def _silent(desk: Desk, series: Series) -> tuple[str, ...]:
    """OPS-2: centres that sent something last season, and nothing this season."""
    before = checkpoints.season_before(series, desk.catalogue)
    if before is None:
        return ()
    accounts = desk.accounts
    sent = [accounts.senders(each.id, each.key, each.awarding_body) for each in (before, series)]
    return tuple(checkpoints.silent(*sent)["centre"])
