"""Wrong passwords are counted for all processes of the API server together"""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds the table, unless it is there: a restored ledger may be older than the desk it is restored into."""
    op.execute(
        "CREATE TABLE IF NOT EXISTS place.wrong_passwords ("
        "whose text CONSTRAINT pk_wrong_passwords PRIMARY KEY, times bigint NOT NULL, last timestamptz NOT NULL)"
    )
    op.execute("CREATE INDEX IF NOT EXISTS ix_wrong_passwords_last ON place.wrong_passwords (last)")


def downgrade() -> None:
    """Takes it back."""
    op.execute("DROP TABLE place.wrong_passwords")
