"""The ledger knows the identity of its store (OPS-6)"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the table, unless it is there: a restored ledger may be older than the desk it is restored into."""
    op.execute("CREATE SCHEMA IF NOT EXISTS place")
    op.execute(
        "CREATE TABLE IF NOT EXISTS place.own_store ("
        "single boolean DEFAULT true NOT NULL CONSTRAINT pk_own_store PRIMARY KEY "
        "CONSTRAINT ck_own_store_single CHECK (single), "
        "identity text NOT NULL, since timestamptz DEFAULT now() NOT NULL)"
    )


def downgrade() -> None:
    """Takes it back."""
    op.execute("DROP SCHEMA place CASCADE")
