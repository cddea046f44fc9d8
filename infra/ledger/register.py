"""The register of centres in the ledger, and what was asked and decided about them (REG-1, REG-10)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from attrs import asdict, fields, frozen
from sqlalchemy import Engine, Select, func, insert, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.dialects.postgresql import insert as upsert

from infra.ledger.approvals import Signer
from infra.ledger.tables import centre_approvals as approvals
from infra.ledger.tables import centres
from rules import terms

ORDER, CATALOGUE = "order", "catalogue"
"""Sources of rows: a staff order, and what a catalogue said before there was a register. The others came in a file."""


@frozen(kw_only=True)
class CentreRow:
    """A version of a centre, on record from `at` (aware) on. `gcse_years`: by space; `active_to`: None if open."""

    number: str
    name: str
    postcode: str
    contact: str
    told: str = ""
    gcse_years: str
    active_from: date
    active_to: date | None
    at: datetime
    source: str
    who: str
    why: str
    how: str = terms.STATED

    def says(self) -> tuple[object, ...]:
        """What it says of the centre."""
        return self.name, self.postcode, self.contact, self.told, self.gcse_years, self.active_from, self.active_to


@frozen(kw_only=True)
class Told:
    """Where a centre wants to be told: `to`, an e-mail address or one that begins with `https://`; `since` when it
    wants to be told at all, and `here` since when at this address (aware)."""

    to: str
    since: datetime
    here: datetime


@frozen(kw_only=True)
class ApprovalRow:
    """What was asked or decided at `at` (aware), and from which day on it holds."""

    centre: str
    qualification: str
    decision: str
    route: str
    since: date
    at: datetime
    source: str
    who: str
    why: str
    how: str = terms.STATED

    @property
    def by(self) -> Signer:
        """Who said so."""
        return Signer(self.who, self.how)


class RegisterBook:
    """Access to the register; rows are added, never changed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def versions(self, numbers: Collection[str] | None = None) -> list[CentreRow]:
        """Every version of these centres, or of all, by number and in the order in which they came."""
        return [CentreRow(**row) for row in self._rows(_centres(numbers).order_by(centres.c.at, centres.c.id))]

    def newest(self, numbers: Collection[str] | None = None) -> dict[str, CentreRow]:
        """The newest version of these centres, or of all, by number."""
        t = centres.c
        query = _centres(numbers).ext(distinct_on(t.number)).order_by(t.number, t.at.desc(), t.id.desc())
        return {row["number"]: CentreRow(**row) for row in self._rows(query)}

    def names(self, numbers: Collection[str]) -> dict[str, str]:
        """The names of these centres, where there are any."""
        return {number: row.name for number, row in self.newest(numbers).items() if row.name}

    def told(self) -> dict[str, Told]:
        """The centres that want to be told what is new in their outboxes, by number."""
        wants = [number for number, row in self.newest().items() if row.told]
        versions: dict[str, list[CentreRow]] = {}
        for row in self.versions(wants) if wants else ():
            versions.setdefault(row.number, []).append(row)
        return {number: _told(rows) for number, rows in versions.items()}

    def decisions(self, numbers: Collection[str] | None = None) -> list[ApprovalRow]:
        """What was asked and decided about these centres, or about all, in the order in which it came."""
        t = approvals.c
        query = select(*(t[name] for name in _APPROVAL))
        if numbers is not None:
            query = query.where(t.centre.in_(numbers))
        return [ApprovalRow(**row) for row in self._rows(query.order_by(t.at, t.id))]

    def undecided(self) -> list[ApprovalRow]:
        """What was asked and is not decided, the oldest first."""
        open_: dict[tuple[str, str], ApprovalRow] = {}
        for row in self.decisions():
            if row.decision != terms.ASKED:
                open_.pop((row.centre, row.qualification), None)
            else:
                open_[row.centre, row.qualification] = row
        return list(open_.values())

    def add(self, rows: Sequence[CentreRow]) -> None:
        """Adds versions, in one transaction; one that is there already is left."""
        if rows:
            # With what it returns, many rows go in one statement, and so under one seal.
            new = upsert(centres).on_conflict_do_nothing().returning(centres.c.id)
            with self._engine.begin() as connection:
                connection.execute(new, [asdict(row) for row in rows])

    def of_file(self, source: str, at: datetime) -> tuple[int, int]:
        """How many versions came in a file (its SHA-256) received at `at` (aware): of new centres, and of others."""
        t, before = centres.c, centres.alias("before")
        earlier = select(before.c.id).where(before.c.number == t.number, before.c.id < t.id).exists()
        query = select(func.count().filter(~earlier), func.count().filter(earlier))
        with self._engine.connect() as connection:
            row = connection.execute(query.where(t.source == source, t.at == at)).one()
            return int(row[0]), int(row[1])

    def decide(self, row: ApprovalRow) -> None:
        """Adds what was asked or decided."""
        with self._engine.begin() as connection:
            connection.execute(insert(approvals), asdict(row))

    def carry_over(self, from_: RegisterBook) -> None:
        """Adds what another register has from a catalogue: no job of the journal has put it there (RES-6)."""
        known = self.versions()
        self.add([row for row in from_.versions() if row.source == CATALOGUE and row not in known])
        there = self.decisions()
        for row in from_.decisions():
            if row.source == CATALOGUE and row not in there:
                self.decide(row)

    def _rows(self, query: Select[tuple[object, ...]]) -> list[dict[str, Any]]:
        with self._engine.connect() as connection:
            return [dict(row) for row in connection.execute(query).mappings()]


_CENTRE = tuple(attribute.name for attribute in fields(CentreRow))
_APPROVAL = tuple(attribute.name for attribute in fields(ApprovalRow))


def _told(rows: Sequence[CentreRow]) -> Told:
    """What the versions of a centre say by now, in their order."""
    newest, back = rows[-1], [*reversed(rows)]
    since = [*takewhile(lambda row: row.told, back)][-1]
    here = [*takewhile(lambda row: row.told == newest.told, back)][-1]
    return Told(to=newest.told, since=since.at, here=here.at)


def _centres(numbers: Collection[str] | None) -> Select[tuple[object, ...]]:
    query = select(*(centres.c[name] for name in _CENTRE))
    return query if numbers is None else query.where(centres.c.number.in_(numbers))
