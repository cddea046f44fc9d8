"""Which store belongs to the ledger. A store carries an identity, which the ledger knows. So another store, or an empty
folder where a disk should be mounted, is never taken for its own.

The table is in a schema of its own: it says where this desk is and not what it did, so it is neither in a backup nor
compared by a replay."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from infra.ledger.approvals import Signer
from infra.ledger.tables import actions, own_store, submissions
from rules import terms


class StoreBook:
    """Access to the identity of the ledger's store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def identity(self) -> str | None:
        """The identity of the store that belongs to the ledger; None before the first."""
        with self._engine.connect() as connection:
            return connection.execute(select(own_store.c.identity)).scalar_one_or_none()

    def has_files(self) -> bool:
        """Whether the ledger has received a file, so that there is a store to which it belongs."""
        with self._engine.connect() as connection:
            query = select(sa.exists().where(submissions.c.kind == "file"))
            return bool(connection.execute(query).scalar_one())

    def settle(self, identity: str) -> str:
        """Records the identity of the first store; the identity on record is returned, of several at once the first."""
        with self._engine.begin() as connection:
            connection.execute(insert(own_store).values(identity=identity).on_conflict_do_nothing())
            return str(connection.execute(select(own_store.c.identity)).scalar_one())

    def adopt(self, identity: str, by: Signer, why: str, at: datetime) -> None:
        """From now on the store of this identity belongs to the ledger: `by` says so, and why (OPS-3)."""
        row = insert(own_store).values(identity=identity)
        action = {"at": at, "who": by.who, "how": by.how, "why": why, "action": terms.STORE_ADOPTED, "centre": ""}
        with self._engine.begin() as connection:
            connection.execute(row.on_conflict_do_update(index_elements=["single"], set_={"identity": identity}))
            connection.execute(actions.insert().values(action))
