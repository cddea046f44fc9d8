"""All that a desk holds, so that two desks on which the same was done can be compared: by what rows say and point to,
never by their numbers, which a run that died uses up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache

from bench.ledgers import read_ledger
from infra.ledger.contents import OF_THE_MACHINE, linked
from infra.ledger.tables import metadata
from infra.store import TEMPORARY_FOLDER, FolderStore
from pipeline.desk import Desk
from pipeline.results.audit import HEADS

TABLE = "table "
"""Stands before the name of a table in a state."""
State = Mapping[str, bytes]
"""The rows of each table and the content of each file, by its name."""

UNDECLARED = ("beats", "journal", "seals", "shares", "states")
"""Tables that are filled by what is done to others: no job declares them."""
UNCOMPARED = (*UNDECLARED, "audits", "frozen_rows", "frozen_sums")
"""Tables that say how often something was run, or by number and in which order it was added, not what came of it, or
that hash rows with their numbers. Seals and frozen rows are looked at as the audit does (`unsealed`)."""


def held(desk: Desk) -> State:
    """The rows of every table and every file of the store, the drafts of writers included."""
    store = desk.store
    assert isinstance(store, FolderStore)
    drafts = {
        f"{TEMPORARY_FOLDER}/{path.name}": path.read_bytes() for path in (store.root / TEMPORARY_FOLDER).glob("*")
    }
    return rows(desk.settings.database_url) | files(store) | drafts


LANDED = ("inbox/", "feeds/", "try/")
"""Where a folder that somebody made is something that landed."""


def files(store: FolderStore) -> dict[str, bytes]:
    """Every file of a folder store, and the folders that somebody made. An empty one elsewhere is what a removal leaves
    that was ended between a file and its folder: nobody is shown it."""
    return {
        stored.key: store.get(stored.key) if stored.kind == "file" else b""
        for stored in store.list("")
        if stored.kind == "file" or stored.key.startswith(LANDED)
    }


def rows(url: str) -> dict[str, bytes]:
    """The rows of each table in an order of their own; what a row points to stands in it by its name."""
    lines = {name: held.splitlines() for name, held in read_ledger(url).rows.items()}
    numbered = {name: {line.partition(b"\t")[0]: line for line in its} for name, its in lines.items()}

    @cache
    def name(table: str, number: bytes) -> bytes:
        """What tells a row from all others, whatever its number: a hash of what it says."""
        line = numbered[table].get(number)
        return hashlib.sha256(said(table, line)).hexdigest()[:16].encode() if line else number

    def said(table: str, line: bytes) -> bytes:
        cells = zip(metadata.tables[table].columns, line.split(b"\t"), strict=True)
        return b"\t".join(
            name(link, cell) if (link := linked(column)) else cell
            for column, cell in cells
            if column.name not in OF_THE_MACHINE
        )

    return {
        f"{TABLE}{table}": b"\n".join(sorted(said(table, line) for line in its))
        for table, its in lines.items()
        if table not in UNCOMPARED
    }


def unsealed(desk: Desk) -> list[str]:
    """OPS-7: rows that are not as they were sealed, and versions that are not as they were frozen."""
    return [f"{broken.table}: {broken.row}" for broken in (*desk.seals.broken(0), *desk.seals.thawed(None))]


def differences(state: State, other: State) -> tuple[str, ...]:
    """Names of tables and files that are not the same in both. Heads of the chain of seals are left out: a job that
    died has put another there, and its audit is run again."""
    return tuple(name for name in changes(state, other) if not name.startswith(HEADS))


def changes(before: State, after: State) -> tuple[str, ...]:
    """Names of all tables and files that have changed."""
    return tuple(sorted(name for name in {*before, *after} if before.get(name) != after.get(name)))
