"""Which store it is (OPS-6): the identity that the ledger knows it by."""

from __future__ import annotations

from infra.store.contract import Missing, Store, WrongStore

PROBES = "probes/"
"""Where a store is tried by writing and reading."""
IDENTITY = f"{PROBES}identity"
"""Where a store says which it is. It is not listed: a copy of the files is another store."""


def identity_of(store: Store) -> str:
    """What a store says of itself; empty if nobody has given it an identity."""
    try:
        return store.get(IDENTITY).decode("ascii", errors="replace")
    except Missing:
        return ""


def not_ours(store: Store, found: str) -> WrongStore:
    """What to raise of a `store` that has another identity than ours: `found`, or none."""
    what = "another desk's store, or a copy of ours" if found else "no store of ours: it has no identity"
    return WrongStore(
        f"{store}: this is {what}. Is the right disk mounted, the right bucket named? Nothing was created or changed. "
        f"If it is the right one, `resultsday store adopt` says so to the ledger"
    )
