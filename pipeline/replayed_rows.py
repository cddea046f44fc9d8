"""What a replay has made of the ledger (RES-6, OPS-7): table by table and row by row, whether it is what the ledger
holds, and which row is the first that is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from attrs import frozen
from sqlalchemy import Table

from infra.ledger.alerts import SILENCED
from infra.ledger.contents import Contents, Row, compared_columns, in_order
from infra.ledger.sealed import FROZEN, SEALED
from infra.ledger.tables import actions
from infra.ledger.work import CLOSED, NOTED, TAKEN
from rules import terms

_BY_NUMBER = "hashes rows with their numbers, and says in which order they came"
NOT_REPLAYED: Mapping[str, str] = {
    "seals": _BY_NUMBER,
    "states": _BY_NUMBER,
    "frozen_rows": _BY_NUMBER,
    "frozen_sums": _BY_NUMBER,
    "audits": "says what was looked at",
    "journal": "is what is replayed",
    "alerts": "says what people were told",
    "beats": "says what ran last",
    "shares": "says who is deciding which files at the moment",
    "notices": "says what centres were told: a replay tells nobody",
    "events_posted": "says which outcomes were posted: a replay posts nothing",
    "looks": "says how often it was looked",
    "door_bytes": "counts what centres have moved within the day",
    "door_limits": "counts who was turned away",
    "door_visits": "says when centres logged in last",
    "letters_fetched": "says which letters were fetched",
    "removals": "says what is no longer kept: a replay takes nothing away",
    "centre_keys": "says who may log in: a replay lets nobody in",
}
"""Tables that are not compared, and why."""
BY_NO_JOB = frozenset({terms.PERSONAL_DATA, terms.EXPORT, terms.STORE_ADOPTED, TAKEN, NOTED, CLOSED, SILENCED})
"""What people do that no job carries out, and a replay cannot do again: they looked at something, or said something of
an alert, the work list or the store. These actions are not compared."""
_SAID = frozenset(
    {
        "action", "booked", "boundaries", "channel", "counts", "decision", "ended_by", "event", "grade", "kind", "mark",
        "moderated_mark", "option", "outcome", "pence", "raw", "reason", "stage", "state", "status", "ums", "verdict",
        "version",
    }
)  # fmt: skip
"""Columns whose values a difference may show: none that is personal (OPS-9)."""


@frozen(kw_only=True)
class RowDifference:
    """A row that is not the same: `what` is `missing` (in the replay), `new` or `different`; `row` says which, in
    words, and what is different."""

    table: str
    what: str
    row: str


@frozen(kw_only=True)
class Rows:
    """How many rows were compared, how many of each table are not the same, and the first of each."""

    compared: int
    differing: Mapping[str, int]
    first: tuple[RowDifference, ...]

    def lines(self) -> Iterator[str]:
        """The result for a person."""
        yield f"{self.compared:,} rows of the ledger compared, {sum(self.differing.values()):,} not the same."
        for found in self.first:
            yield f"  {found.what:<10} {found.table}: {found.row} ({self.differing[found.table]:,} of this table)"


def compared_rows(there: Contents, here: Contents) -> Rows:
    """The rows of two ledgers, compared by what they say and point to; the table that others point to comes first, as
    a difference there is one in all of them."""
    compared, differing, first = 0, dict[str, int](), list[RowDifference]()
    for table in in_order():
        tally: Counter[bytes] = Counter(row.digest for row in _made_by_jobs(there, table))
        rows = tally.total()
        tally.subtract(row.digest for row in _made_by_jobs(here, table))
        if table.name in NOT_REPLAYED:
            continue
        compared += rows
        odd = {digest for digest, count in tally.items() if count}
        if odd:
            first.append(_first(table, _held(there, table, odd), _held(here, table, odd)))
            differing[table.name] = max(
                sum(n for n in tally.values() if n > 0), sum(-n for n in tally.values() if n < 0)
            )
    return Rows(compared=compared, differing=differing, first=tuple(first))


def _made_by_jobs(contents: Contents, table: Table) -> Iterator[Row]:
    if table is not actions:
        return contents.rows(table)
    place = compared_columns(table).index(actions.c.action.name)
    return (row for row in contents.rows(table) if row.cells[place].decode() not in BY_NO_JOB)


def _held(contents: Contents, table: Table, wanted: Collection[bytes]) -> dict[tuple[bytes, ...], Row]:
    """The rows with these hashes, by what tells them apart."""
    columns, known_by = compared_columns(table), _known_by(table)
    places = [columns.index(name) for name in known_by]
    return {tuple(row.cells[at] for at in places): row for row in contents.rows(table) if row.digest in wanted}


def _known_by(table: Table) -> list[str]:
    """The columns by which people know a row."""
    if table.name in FROZEN:
        names: Collection[str] = FROZEN[table.name]
    elif table.name in SEALED:
        names = (*SEALED[table.name].key, *SEALED[table.name].words)
    else:
        names = [column.name for column in table.primary_key]
    return [name for name in compared_columns(table) if name in names and name not in ("who", "claim_id")]


def _first(
    table: Table, there: Mapping[tuple[bytes, ...], Row], here: Mapping[tuple[bytes, ...], Row]
) -> RowDifference:
    which = min({*there, *here})
    row = ", ".join(
        f"{name} {_shown(cell)}"
        for name, cell in zip(_known_by(table), which, strict=True)
        if cell not in (b"", b"\\N")
    )
    if which not in here or which not in there:
        return RowDifference(table=table.name, what="missing" if which in there else "new", row=row or "a row")
    cells = zip(compared_columns(table), there[which].cells, here[which].cells, strict=True)
    other = [
        f"{name} {_shown(was)}, replayed {_shown(now)}" if name in _SAID else name
        for name, was, now in cells
        if was != now
    ]
    return RowDifference(table=table.name, what="different", row=f"{row}: {', '.join(other)}")


def _shown(cell: bytes) -> str:
    """A value, or the beginning of a hash."""
    said = cell.decode(errors="replace")
    return "none" if said == "\\N" else said[:12] if len(said) in (32, 64) and said.isalnum() else said
