"""What many tests begin with is played once by a process and put in place for whoever asks again: ledger and store."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from attrs import frozen

from bench.ledgers import Ledger, put_back, read_ledger
from infra.store import FolderStore
from pipeline.desk import Desk
from tests.catalogue import FROZEN
from tests.ledgers import OWNERS
from tests.scenario_language import Scenario, Season

T = TypeVar("T")
Parts = tuple[str, ...]


def _used(url: str) -> bool:
    """Whether a ledger holds more than the register of centres."""
    return any(
        rows
        for table, rows in read_ledger(OWNERS.get(url, url)).rows.items()
        if table not in ("centres", "centre_approvals", "seals")
    )


@frozen
class _Kept:
    ledger: Ledger
    store: Path
    result: object


_KEPT: dict[Callable[[Desk], object], _Kept] = {}
_FOLDER = TemporaryDirectory(prefix="resultsday-played-")
_NUMBERS = count()


def _keep(desk: Desk, result: object) -> _Kept:
    """Copies of ledger and store as they are now."""
    assert isinstance(desk.store, FolderStore)
    folder = Path(_FOLDER.name) / str(next(_NUMBERS))
    shutil.copytree(desk.store.root, folder)
    url = desk.settings.database_url
    return _Kept(read_ledger(OWNERS.get(url, url)), folder, result)


def _put_in_place(desk: Desk, kept: _Kept) -> None:
    """The desk, which is new, holds what was kept."""
    assert isinstance(desk.store, FolderStore)
    url = desk.settings.owner_url
    put_back(OWNERS.get(url, url), kept.ledger)
    shutil.copytree(kept.store, desk.store.root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("identity"))


def played_once(desk: Desk, play: Callable[[Desk], T]) -> T:
    """What `play` gives and leaves behind on a desk that is new, on a folder and on the frozen catalogue; on any other
    it is played."""
    settings = desk.settings
    if not isinstance(desk.store, FolderStore) or settings.catalogue != FROZEN or _used(settings.database_url):
        return play(desk)
    if (kept := _KEPT.get(play)) is None:
        result = play(desk)
        _KEPT[play] = _keep(desk, result)
        return result
    _put_in_place(desk, kept)
    return kept.result  # type: ignore[return-value]  # it is what this `play` has given


class Beginnings:
    """What several of some scenarios begin with, part by part the same, is played for the first of them only: wherever
    they part, ledger and store are kept for those that go on in another way."""

    def __init__(self, every: Iterable[Scenario]) -> None:
        following: dict[Parts, set[str]] = {}
        for scenario in every:
            parts = (*scenario.parts, "the end")
            for at, part in enumerate(parts):
                following.setdefault(parts[:at], set()).add(part)
        self._partings = {parts for parts, ways in following.items() if parts and len(ways) > 1}
        self._kept: dict[Parts, _Kept] = {}

    def play(self, desk: Desk, scenario: Scenario) -> None:
        """Plays a scenario on a desk that is new and on a folder; raises `AssertionError` as `Season.play` does."""
        parts = scenario.parts
        season, done = Season(desk), 0
        if known := next((parts[:at] for at in range(len(parts), 0, -1) if parts[:at] in self._kept), None):
            kept = self._kept[known]
            _put_in_place(desk, kept)
            assert isinstance(kept.result, Season)
            season, done = kept.result.on(desk), len(known)
        for at in range(done, len(parts)):
            season.part(parts[at])
            if parts[: at + 1] in self._partings:
                self._kept[parts[: at + 1]] = _keep(desk, season.on(season.desk))
