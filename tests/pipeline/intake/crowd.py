"""Crowds of files, seeded, full of learners of whom several centres speak."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from attrs import frozen

from fixtures.generate import people
from infra.settings import Settings
from infra.store import FolderStore
from parsers.identifiers import uci
from parsers.layouts import MARK
from parsers.writer import block, candidate_records, details, single
from pipeline.desk import Desk, open_desk
from rules.catalogue import LONDON
from tests.catalogue import FROZEN
from tests.support import centre_file, name_of

CENTRES = [str(number) for number in range(10000, 10009)]
SOON = datetime.now(UTC) + timedelta(hours=1)
Desks = Callable[[int], Desk]
AUTUMN = datetime(2023, 9, 18, 12, tzinfo=LONDON)
SPRING = datetime(2024, 2, 15, 12, tzinfo=LONDON)
SUMMER = datetime(2024, 5, 1, 12, tzinfo=LONDON)
WHEN = (AUTUMN, SPRING, SUMMER)
"""When the crowds come."""
COMPONENTS = ("BEN01", "BEN02", "BEN03", "BZA01", "BZA02", "BZS01", "BZS02")
CORRECTING = 0.3
"""So many centres correct registrations each time."""
REGISTRATIONS = ("BEN22", "BZA22", "BZS22")


@frozen(kw_only=True)
class Sent:
    """A file of a crowd: where it lands, what is in it, and when."""

    key: str
    data: bytes
    at: datetime


class Crowd:
    """Makes up what centres of so many learners send, the same for the same seed. Of so many in a hundred learners
    (`mixed`) something stands in files of other centres too."""

    def __init__(self, centres: Sequence[str], learners: int, seed: int, mixed: float) -> None:
        self.centres, self.learners, self.mixed = centres, learners, mixed / 100
        self.sequences: dict[tuple[str, str], int] = {}
        self.chance = random.Random(seed)
        self.of = {centre: [*people(centre, learners, seed=int(centre) + seed)] for centre in centres}
        for centre in centres:
            self._share(centre)

    def _share(self, centre: str) -> None:
        """Some learners of a centre are another centre's too, or are mistaken for them."""
        for place, person in enumerate(self.of[centre]):
            other = self.chance.choice(self.of[self.chance.choice(self.centres)])
            kind = self.chance.random() / self.mixed
            if kind < 0.4:  # goes to both
                self.of[centre][place] = {**other, "candidate": person["candidate"]}
            elif kind < 0.6:  # has the ULN of somebody else
                self.of[centre][place] = {**person, "uln": other["uln"]}
            elif kind < 0.8:  # has the UCI of somebody else
                self.of[centre][place] = {**person, "uci": other["uci"]}
            elif kind < 1:
                self.of[centre][place] = {**person, "uln": ""}

    def files(self) -> Iterator[list[Sent]]:
        """The crowds: registrations, entries with corrections of registrations, marks with amendments."""
        yield [sent for centre in self.centres for sent in self._registrations(centre)]
        yield [sent for centre in self.centres for sent in self._entries(centre)]
        yield [sent for centre in self.centres for sent in self._marks(centre)]

    def _registrations(self, centre: str) -> Iterator[Sent]:
        half = self.learners // 2
        yield self._sent("E", centre, self.of[centre][:half], REGISTRATIONS[:2], AUTUMN)
        yield self._sent("A", centre, self.of[centre][half:], REGISTRATIONS, AUTUMN)
        if self.chance.random() < CORRECTING:
            yield self._corrections(centre, AUTUMN)

    def _entries(self, centre: str) -> Iterator[Sent]:
        if self.chance.random() < CORRECTING:
            yield self._corrections(centre, SPRING)
        yield self._sent("E", centre, self.of[centre], COMPONENTS, SPRING)
        if self.chance.random() < 0.5:
            some = self.chance.sample(self.of[centre], self.learners // 3)
            yield self._sent("A", centre, some, COMPONENTS, SPRING)
        if self.chance.random() < 0.2:
            yield Sent(key=f"inbox/{centre}/E{centre}15.X77", data=b"no file of ours\r\n", at=self._near(SPRING))

    def _marks(self, centre: str) -> Iterator[Sent]:
        if self.chance.random() < CORRECTING:
            yield self._corrections(centre, SUMMER)
        rows = [
            {"centre": centre, "candidate": person["candidate"], "uci": person["uci"], "component": component,
             "mark": self.chance.randint(0, 60)}
            for person in self.of[centre] for component in COMPONENTS[:2]
        ]  # fmt: skip
        records = details("M", MARK, pl.DataFrame(rows))
        data = single("M", centre, records, awarding_body="15", series_key="6B24", sequence=1, produced="010524")
        yield Sent(key=f"inbox/{centre}/M{centre}15.X01", data=data, at=self._near(SUMMER))
        if self.chance.random() < 0.5:
            some = self.chance.sample(self.of[centre], self.learners // 3)
            yield self._sent("A", centre, some, COMPONENTS, SUMMER)

    def _corrections(self, centre: str, when: datetime) -> Sent:
        """An amendment of registrations: UCIs, ULNs and names of some are others from now on, some of them those of
        learners elsewhere."""
        places = self.chance.sample(range(self.learners), self.chance.choice((1, 1, 2)))
        for place in places:
            self.of[centre][place] = self._corrected(self.of[centre][place])
        return self._sent("A", centre, [self.of[centre][place] for place in places], REGISTRATIONS, when)

    def _corrected(self, person: dict[str, str]) -> dict[str, str]:
        other = self.chance.choice(self.of[self.chance.choice(self.centres)])
        new = uci.complete(f"{self.chance.choice(self.centres)}023{self.chance.randrange(10**4):04d}")
        said = self.chance.choice(
            [{"uci": other["uci"]}, {"uci": new}, {"uci": new}, {"uln": other["uln"]}, {"uln": other["uln"]},
             {"uln": ""}, {"name": other["name"]}, {"born": other["born"]}]
        )  # fmt: skip
        return person | said

    def _sent(
        self, letter: str, centre: str, who: Sequence[dict[str, str]], options: Sequence[str], when: datetime
    ) -> Sent:
        body, series = ("13", "9B23") if options[0] in REGISTRATIONS else ("15", "6B24")
        sequence = self.sequences[centre, series] = self.sequences.get((centre, series), 0) + 1
        lines = [
            line
            for person in who
            for line in candidate_records(
                letter, centre, person, sorted(self.chance.sample(options, self.chance.randint(1, len(options))))
            )
        ]
        data = single(letter, centre, block(lines), awarding_body=body, series_key=series, sequence=sequence,
                      produced="010922")  # fmt: skip
        return Sent(key=f"inbox/{centre}/{letter}{centre}{body}.X{sequence:02d}", data=data, at=self._near(when))

    def _near(self, when: datetime) -> datetime:
        """Within a few seconds: many in the same, and not in the order of their numbers."""
        return when + timedelta(seconds=self.chance.randint(0, 5))


def land(desk: Desk, crowd: Sequence[Sent]) -> None:
    """Has the files land at their instants."""
    assert isinstance(desk.store, FolderStore)
    for sent in crowd:
        desk.store.put(sent.key, sent.data)
        os.utime(desk.store.root / sent.key, (sent.at.timestamp(), sent.at.timestamp()))


@pytest.fixture
def desks(new_ledger: Callable[[], str], tmp_path: Path) -> Iterator[Desks]:
    """Makes empty desks for so many ingests, with batches of a few files."""
    with ExitStack() as opened:

        def make(shards: int) -> Desk:
            url = new_ledger()
            settings = Settings(
                catalogue=FROZEN, state=tmp_path / url.rpartition("/")[2], database_url=url, settle_seconds=0,
                batch_files=8, shards=shards,
            )  # fmt: skip
            return opened.enter_context(open_desk(settings))

        yield make


def few(desk: Desk, centres: Sequence[str] = CENTRES[:4]) -> None:
    """A registration file of each of these centres, nobody at two."""
    for centre in centres:
        data = centre_file(("BEN22",), centre=centre, series="9B23", body="13", count=1, changed={"uln": ""})
        land(desk, [Sent(key=f"inbox/{centre}/{name_of(data)}", data=data, at=AUTUMN)])
